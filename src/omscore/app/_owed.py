"""What an order owes, and what was taken or promised for it: looked at, never changed."""

from __future__ import annotations

from omscore.app._work import Work
from omscore.errors import InvalidValue
from omscore.kernel import Money
from omscore.orders import Draft, Order, cost_of, due, due_shipped
from omscore.payments import Payment, PaymentTransaction


def payment_of(work: Work, order: Order) -> Payment:
    """An order's payment; what the channel said of it stands until something was written down."""
    found: Payment | None = work.find("payment", order.id)
    return found if found is not None else _opened(work, order)


def _opened(work: Work, order: Order) -> Payment:
    """The payment as the channel tells of it."""
    profile = work.wiring.profile(order.draft.channel)
    said = order.draft.payment
    method = "on_terms" if said == "terms" else profile.capture_method
    payment = Payment(order.id, order.currency, method, profile.allowance_minor)
    amount = due(order)
    if said == "pending" or not amount:
        return payment
    kinds = {
        "authorized": ("authorize",),
        "terms": ("authorize",),
        "voided": ("authorize", "void"),
        "refunded": ("authorize", "capture", "refund"),
        "partially_refunded": ("authorize", "capture", "refund"),
    }.get(said, ("authorize", "capture"))
    who = "terms" if said == "terms" else order.draft.channel
    parents = {"capture": "authorize", "void": "authorize", "refund": "capture"}
    back = given_back(order.draft)
    if said in ("refunded", "partially_refunded") and back:
        # The channel took the whole and gave some of it back; of units that it cancelled nothing is due any more.
        amount = max(amount, order.draft.due)
    for kind in kinds:
        parent = f"{order.id}-{parents[kind]}-1" if kind in parents else ""
        moved, goodwill = amount, 0
        if kind == "refund" and (back or said == "partially_refunded"):
            moved = min(back, amount)
            # Who got all of it back may want nothing any more: that is for a person, and no present.
            goodwill = max(0, moved.minor - (amount - due(order)).minor) if said != "refunded" else 0
        if moved:
            row = PaymentTransaction(
                f"{order.id}-{kind}-1",
                kind,
                moved,
                order.captured_at,
                "done",
                parent,
                reference=f"{who}:{order.id}",
                goodwill_minor=goodwill,
            )
            payment = payment.ask(row)
    return payment


def given_back(draft: Draft) -> Money:
    """What a channel says that it has refunded in all (see the payload translators), or nothing."""
    said = draft.extra.get("refunded")
    try:
        return Money.of(said, draft.currency) if isinstance(said, str) else Money(0, draft.currency)
    except InvalidValue:
        return Money(0, draft.currency)


def owed(work: Work, order: Order, *, shipped: bool = False, payment: Payment | None = None) -> Money:
    """What the customer is to have paid in all (`shipped`: by now, for what has left).

    That is for units that are neither cancelled nor came back, nor are coming back for a replacement, less goodwill.
    """
    cost = due_shipped if shipped else due
    amount = cost(order, without_returned=True, but_for=_coming_in_exchange(work, order))
    return Money(max(0, amount.minor - _goodwill(work, order, payment or payment_of(work, order))), order.currency)


def _coming_in_exchange(work: Work, order: Order) -> dict[str, int]:
    """The units that are on their way back for a replacement: they pay for it, as if they were back."""
    coming: dict[str, int] = {}
    for value in work.all("return", f"order:{order.id}"):
        if value.replacement and value.state in ("expected", "receiving"):
            for row in value.lines:
                coming[row.line] = coming.get(row.line, 0) + row.rest
    return coming


def _goodwill(work: Work, order: Order, payment: Payment) -> int:
    """What was given back although it was owed; when the goods come back later, that part of it is owed no more."""
    result = 0
    for row in payment.transactions:
        if not row.goodwill_minor or row.outcome == "failed":
            continue
        value = work.find("return", row.ref) if row.ref else None
        back = 0 if value is None else cost_of(order, {line.line: line.received for line in value.lines}).minor
        result += max(0, row.goodwill_minor - back)
    return result


def overpaid(work: Work, order: Order) -> int:
    """The minor units that were taken, or are being taken, beyond what is owed."""
    return max(0, payment_of(work, order).kept.minor - owed(work, order).minor)


def to_give_back(work: Work, order: Order, payment: Payment | None = None) -> int:
    """The minor units that were taken beyond what is owed, and were not given back yet."""
    payment = payment or payment_of(work, order)
    taken = payment.captured.minor - payment.refunded.minor
    return max(0, taken - owed(work, order, payment=payment).minor) if taken else 0


def has_some(work: Work, order: Order) -> bool:
    """Whether any money was taken for an order, or is promised."""
    payment = payment_of(work, order)
    return bool(payment.kept or payment.promised)


def covered(work: Work, order: Order) -> bool:
    """Whether all that is owed was taken or is promised; with a gate at "captured", whether it was taken."""
    payment, needed = payment_of(work, order), owed(work, order)
    if payment.method == "on_terms":
        return True
    if work.wiring.profile(order.draft.channel).payment_gate == "captured":
        return payment.captured - payment.refunded >= needed
    return payment.kept + payment.promised >= needed
