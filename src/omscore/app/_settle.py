"""What a gateway's answer means for an order: it goes on, it is captured, or it stays where it is."""

from __future__ import annotations

from omscore.app import _money
from omscore.app._capture import PAYMENT_HOLD, release_hold
from omscore.app._work import Work
from omscore.orders import Order, due
from omscore.ports import PaymentAnswer


def answered(work: Work, order_id: str, transaction: str, answer: PaymentAnswer) -> str:
    """Write a gateway's answer down and do what follows from it; a second answer changes nothing."""
    order = work.order(order_id)
    before = _money.payment_of(work, order)
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
        _authorized(work, order)
    else:
        _money.post_money(work, order, row)
    return order_id


def _authorized(work: Work, order: Order) -> None:
    if order.state in ("rejected", "cancelled"):
        _money.let_go(work, order)
        return
    payment = _money.payment_of(work, order)
    owed = due(order) - _money.exchanged(work, order)
    if payment.authorized >= owed and any(hold.code == PAYMENT_HOLD for hold in order.holds):
        release_hold(work, order.id, PAYMENT_HOLD)
        work.notify("paid", order.id, order)
    _money.catch_up(work, work.order(order.id))
