"""What a channel says later of an order's money: believed of its own money, and else brought before a person."""

from __future__ import annotations

from collections.abc import Iterable

from omscore.app import _books, _money, _settle
from omscore.app._owed import given_back, overpaid, owed, payment_of
from omscore.app._track import mismatch
from omscore.app._work import Work
from omscore.kernel import Money
from omscore.orders import Draft, Order
from omscore.payments import Payment, PaymentTransaction

_GONE = {"partially_refunded": "given back in part", "refunded": "given back", "voided": "let go"}


def believe(work: Work, order: Order, draft: Draft, *, waiting: bool) -> None:
    """Write down what a channel now says of an order's payment; `waiting` is whether the order waits for it."""
    if draft.payment in _GONE:
        _gone(work, order, draft)
    elif draft.payment in ("authorized", "paid") and (waiting or work.wiring.gateway is None):
        _there(work, order, draft.payment)
        _settle.go_on(work, order)


def _own(payment: Payment, reference: str, rows: Iterable[PaymentTransaction]) -> list[PaymentTransaction]:
    """The rows that the channel itself told of, or that a gateway took of its promise, with what is left of each."""
    told = {row.id for row in payment.transactions if row.reference == reference}
    return [row for row in rows if row.id in told or row.parent in told]


def _stands(payment: Payment, reference: str) -> bool:
    """Whether anything of what the channel told of was not taken back by its own word since, whoever captured it."""
    told = [row for row in payment.transactions if row.reference == reference]
    gone = sum(row.amount.minor for row in told if row.kind in ("void", "refund"))
    return sum(row.amount.minor for row in told if row.kind == "authorize") > gone


def _there(work: Work, order: Order, said: str) -> None:
    """The money is there: "authorized", or "paid", with the channel itself.

    Its first word counts for all that is owed; what was asked of the gateway for the same money meanwhile is let go.
    After that it only turns what it had promised into money taken: what came on top was asked of the gateway, where
    there is one. Once all of its own is let go or given back, its next word is a first one again.
    """
    payment = payment_of(work, order)
    if payment.method == "on_terms":
        return
    reference = f"{order.draft.channel}:{order.id}"
    promised = _own(payment, reference, payment.open_authorizations)
    if not _stands(payment, reference) or work.wiring.gateway is None:
        soon = payment.promised.minor if said == "authorized" else sum(row.amount.minor for row in promised)
        missing = owed(work, order) - payment.kept - Money(soon, order.currency)
        if missing.minor > 0:
            payment = _money.note(work, order, "authorize", missing, reference=reference)
    if said == "paid":
        for row in _own(payment, reference, payment.open_authorizations):
            taken = _money.note(work, order, "capture", row.amount, parent=row.id, reference=reference)
            _books.post_money(work, order, taken.transactions[-1])
    _money.let_go(work, order)


def _gone(work: Work, order: Order, draft: Draft) -> None:
    """The money is gone: the channel's own promises are let go and its own captures given back, once.

    An order that is still to leave waits for a person then. So does what the channel cannot have given back: money that
    a gateway took, or more than was taken.
    """
    payment = payment_of(work, order)
    reference = f"{order.draft.channel}:{order.id}"
    own = _own(payment, reference, (*payment.open_authorizations, *payment.open_captures))
    left = 0
    if payment.method != "on_terms":
        if draft.payment == "voided":
            for row in _own(payment, reference, payment.open_authorizations):
                _money.note(work, order, "void", row.amount, parent=row.id, reference=reference)
        captures = _own(payment, reference, payment.open_captures)
        left = _back(work, order, draft, captures)
        left = _give_back(work, order, draft, captures, left)
    after = payment_of(work, order)
    if after.rows != payment.rows:
        here = order.totals
        units = here.open + here.reserved + here.backordered + here.allocated + here.picked + here.packed
        _settle.stop(work, order, units, f"{order.draft.channel} says that the payment was {_GONE[draft.payment]}")
    if left > 0:
        _doubt(work, order, draft, f"that is {Money(left, order.currency)} more than it is known to have taken")
    elif draft.payment == order.draft.payment or order.state in ("rejected", "cancelled"):
        return
    elif not own and after.kept + after.promised:
        _doubt(work, order, draft, f"{after.kept} taken and {after.promised} promised are not its own, and stay")
    elif draft.payment == "partially_refunded" and not after.total("refund", "asked", "done"):
        _doubt(work, order, draft, "it does not say how much, and no more was taken than is owed")


def _back(work: Work, order: Order, draft: Draft, captures: list[PaymentTransaction]) -> int:
    """The minor units that the channel has given back by its word and that nobody has written down yet."""
    told = given_back(draft)
    if told and draft.payment != "voided":
        return max(0, told.minor - payment_of(work, order).total("refund", "asked", "done").minor)
    taken = sum(row.amount.minor for row in captures)
    # In part, without a figure: it kept what is still owed.
    return min(taken, overpaid(work, order)) if draft.payment == "partially_refunded" else taken


def _give_back(work: Work, order: Order, draft: Draft, captures: list[PaymentTransaction], amount: int) -> int:
    """Write refunds of captures down, the oldest first; what is left of the amount, which none of them covers."""
    reference = f"{order.draft.channel}:{order.id}"
    over = overpaid(work, order)
    # What the customer keeps all the same was given for goodwill. Goods that are still here may be wanted no more.
    keeps = owed(work, order, shipped=draft.payment != "partially_refunded").minor
    for row in captures:
        if n := min(amount, row.amount.minor):
            goodwill = min(max(0, n - over), keeps)
            back = Money(n, order.currency)
            payment = _money.note(
                work, order, "refund", back, parent=row.id, reference=reference, goodwill_minor=goodwill
            )
            _books.post_money(work, order, payment.transactions[-1])
            amount, keeps, over = amount - n, keeps - goodwill, max(0, over - n)
    return amount


def _doubt(work: Work, order: Order, draft: Draft, why: str) -> None:
    id_ = f"{draft.channel}/{draft.external_id}/{draft.revision}:payment"
    text = f"{draft.channel} says that the payment was {_GONE[draft.payment]}: {why}"
    mismatch(work, id_, draft.channel, "channel.payment", order.id, text)
