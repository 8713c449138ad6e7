"""What a gateway's answer means for an order: it goes on, it is captured, or it stays where it is."""

from __future__ import annotations

from omscore.app import _books, _money, _owed
from omscore.app._capture import PAYMENT_HOLD, must_wait, release_hold
from omscore.app._work import Work
from omscore.orders import Hold, Order, PlaceHold
from omscore.ports import PaymentAnswer


def answered(work: Work, order_id: str, transaction: str, answer: PaymentAnswer) -> str:
    """Write a gateway's answer down and do what follows from it; a second answer changes nothing."""
    order = work.order(order_id)
    before = _owed.payment_of(work, order)
    after = before.settled(
        transaction,
        "done" if answer.done else "failed",
        work.now,
        reference=answer.reference,
        expires_at=answer.expires_at,
        text=answer.text,
    )
    if after is before:
        return order_id
    _money.save(work, order, before, after)
    row = after.transaction(transaction)
    if row is None or row.outcome != "done":
        return order_id
    if row.kind == "authorize":
        _money.retire(work, order, row)
        # The order may have been cancelled or paid elsewhere while the gateway thought about it.
        _money.let_go(work, order)
        if order.state in ("rejected", "cancelled"):
            return order_id
    else:
        _books.post_money(work, order, row)
    go_on(work, order)
    return order_id


def wait_again(work: Work, order_id: str) -> None:
    """Stop an order whose promise of payment ran out; it goes on when there is a new one."""
    order = work.order(order_id)
    if _owed.payment_of(work, order).total("expire") and work.wiring.gateway is not None:
        here = order.totals
        units = here.open + here.reserved + here.allocated + here.picked + here.packed
        stop(work, order, units, "the authorization of the payment ran out; authorize it again")


def stop(work: Work, order: Order, units: int, text: str) -> None:
    """Have an order of which some units are still to leave wait for its payment, if it is to."""
    if units and order.state in ("captured", "accepted") and must_wait(work, order):
        work.tell(order, PlaceHold(Hold(PAYMENT_HOLD, "payments", text=text)))


def go_on(work: Work, order: Order) -> None:
    """Let an order go on whose money is there, and take what is owed by now."""
    if order.state in ("rejected", "cancelled"):
        return
    if any(hold.code == PAYMENT_HOLD for hold in order.holds) and _owed.covered(work, order):
        release_hold(work, order.id, PAYMENT_HOLD)
        work.notify("paid", order.id, order)
    _money.catch_up(work, work.order(order.id))
