"""Money: what is asked of the gateway, and what is written down of an order's payment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from omscore.app import _books, _credit
from omscore.app._owed import owed, payment_of, to_give_back
from omscore.app._work import Work
from omscore.errors import CommandRefused, InvalidValue, Reason
from omscore.kernel import Money, stamp
from omscore.kernel.ids import alone
from omscore.orders import Order, due
from omscore.payments import Payment, PaymentTransaction
from omscore.ports import PaymentGateway

RENEW_BEFORE = timedelta(hours=24)
"""How long before its end an authorization is renewed or brought before a person."""


def pin(work: Work, order: Order) -> None:
    """Write down what the channel said of the payment, before what it is measured by changes."""
    payment = payment_of(work, order)
    save(work, order, payment, payment)


def save(work: Work, order: Order, before: Payment, after: Payment) -> Payment:
    """Write a payment's new rows down, log them, and keep the customer's credit in step."""
    stored = work.find("payment", order.id)
    new = after.rows if stored is None else after.rows[len(before.rows) :]
    if stored is not None and not new:
        return after
    if new:
        work.txn.append("payment", order.id, list(new), cause=work.cause, actor=work.actor)
    _write(work, order, after)
    _credit.bind_credit(work, order)
    return after


def note_overpaid(work: Work, order: Order) -> None:
    """Have the money found that is to be given back, after units went and nothing was taken or given back for them."""
    payment = payment_of(work, order)
    if not to_give_back(work, order, payment):
        return
    if work.find("payment", order.id) is None:
        save(work, order, payment, payment)
    else:
        _write(work, order, payment)


def _write(work: Work, order: Order, after: Payment) -> None:
    index = {f"status:{after.status}": stamp(order.captured_at)}
    if to_give_back(work, order, after):
        index["to_give_back"] = stamp(work.now)
    ends = [row.expires_at for row in after.open_authorizations if row.expires_at is not None]
    if ends:
        index["expires"] = stamp(min(ends))
    if after.failures:
        index["failed"] = stamp(work.now)
    asked = [row.at for row in after.transactions if row.outcome == "asked"]
    if asked:
        index["asked"] = stamp(min(asked))
    if after.total("expire"):
        index["lapsed"] = stamp(work.now)
    work.save("payment", order.id, after, index)


def ask(
    work: Work,
    order: Order,
    kind: str,
    amount: Money,
    *,
    parent: str = "",
    ref: str = "",
    text: str = "",
    goodwill: int = 0,
) -> Payment:
    """Write down that something is asked of the gateway, and have it asked after the commit."""
    before = payment_of(work, order)
    id_ = _next_id(order, before, kind)
    row = PaymentTransaction(id_, kind, amount, work.now, parent=parent, ref=ref, text=text, goodwill_minor=goodwill)
    after = save(work, order, before, before.ask(row))
    if before.method != "on_terms":
        # What came in by bank is given back by a person, who settles it: no gateway ever had it.
        work.emit(f"payment.{kind}", alone(id_, ":"), f"payment:{order.id}", order=order.id, transaction=id_)
    return after


def _next_id(order: Order, payment: Payment, kind: str) -> str:
    return f"{order.id}-{kind}-{sum(row.kind == kind for row in payment.transactions) + 1}"


def note(work: Work, order: Order, kind: str, amount: Money, **facts: Any) -> Payment:
    """Write down what is so without anybody being asked."""
    before = payment_of(work, order)
    row = PaymentTransaction(_next_id(order, before, kind), kind, amount, work.now, "done", **facts)
    return save(work, order, before, before.ask(row))


def ask_again(work: Work, order: Order, transaction: str) -> str:
    """Put a question once more that was asked and never answered; the gateway knows it by its id."""
    payment = payment_of(work, order)
    row = payment.transaction(transaction)
    if row is None:
        raise InvalidValue(f"nothing was asked as {transaction!r} for {order.id}")
    if row.outcome != "asked":
        text = f"{transaction} is {row.outcome}: its answer is known, and asking again could change nothing"
        raise CommandRefused([Reason("payment.answered", text, {"outcome": row.outcome})])
    if payment.method == "on_terms":
        text = f"{transaction} is paid back by hand; settle it when it is done"
        raise CommandRefused([Reason("payment.by_hand", text, {"transaction": transaction})])
    topic = f"payment.{row.kind}"
    work.emit(topic, work.done_to(transaction), f"payment:{order.id}", order=order.id, transaction=transaction)
    return order.id


def authorize_rest(work: Work, order: Order) -> bool:
    """Ask for what is owed and not yet promised; True when something was asked for or is being asked."""
    terms = order.draft.payment == "terms"
    if work.wiring.gateway is None and not terms:
        return False
    payment = payment_of(work, order)
    if terms:
        missing = due(order) - _on_terms(payment)
        if missing.minor > 0:
            note(work, order, "authorize", missing, reference="terms")
        return False
    pending = payment.total("authorize", "asked")
    missing = owed(work, order) - payment.kept - payment.promised - pending
    if missing.minor > 0:
        ask(work, order, "authorize", missing)
        return True
    return bool(pending)


def _on_terms(payment: Payment) -> Money:
    """What a customer on terms has been told to pay in all, credited or not."""
    return payment.total("authorize") - payment.total("void") - payment.total("expire")


def catch_up(work: Work, order: Order, ref: str = "") -> None:
    """Capture what is owed by now and not yet asked for; the parts of all shipments sum to the whole, to the cent.

    Each authorization is captured by itself, the oldest first; what none of them covers is to be promised first.
    """
    gateway = work.wiring.gateway
    if gateway is None or (payment := payment_of(work, order)).method == "on_terms":
        return
    once = not gateway.abilities.multi_capture
    needed = owed(work, order, shipped=payment.method == "at_shipment")
    if once and payment.method == "at_shipment" and needed != owed(work, order):
        return
    rest = needed.minor - payment.kept.minor
    parts: dict[str, int] = {}
    for row in payment.open_authorizations:
        if (n := min(rest, row.amount.minor)) > 0:
            parts[row.id] = n
            rest -= n
    granted = [row.id for row in payment.transactions if row.kind == "authorize" and row.outcome == "done"]
    spare = payment.allowance_minor - _beyond(payment)
    if 0 < rest <= spare and granted:
        last = next(reversed(parts), granted[-1])
        parts[last] = parts.get(last, 0) + rest
        rest = 0
    for parent, n in parts.items():
        ask(work, order, "capture", Money(n, order.currency), ref=ref, parent=parent)
        if once:
            _spend(work, order, parent)
    if rest > 0 and not payment_of(work, order).total("authorize", "asked"):
        ask(work, order, "authorize", Money(rest, order.currency), ref=ref)


def _beyond(payment: Payment) -> int:
    """How much of the allowance is used: what was taken or let go beyond what was authorized."""
    gone = sum(payment.total(kind, "asked", "done").minor for kind in ("capture", "void", "expire"))
    return max(0, gone - payment.total("authorize").minor)


def _spend(work: Work, order: Order, authorization: str) -> None:
    """A gateway that captures an authorization once lets its rest go with that."""
    for row in payment_of(work, order).open_authorizations:
        if row.id == authorization:
            note(work, order, "expire", row.amount, parent=row.id, text="captured once")


def let_go(work: Work, order: Order) -> None:
    """Void what is promised beyond what is owed, as far as the gateway can."""
    payment, gateway = payment_of(work, order), work.wiring.gateway
    if payment.method == "on_terms":
        floor = max(due(order).minor, payment.captured.minor + payment.total("credit").minor)
        over = _on_terms(payment).minor - floor
        if over > 0:
            note(work, order, "void", Money(over, order.currency), reference="terms")
        return
    if gateway is None:
        return
    over = payment.promised.minor - max(0, owed(work, order).minor - payment.kept.minor)
    for row in reversed(payment.open_authorizations):
        n = min(over, row.amount.minor)
        if n > 0 and _voidable(gateway, payment, row, n):
            ask(work, order, "void", Money(n, order.currency), parent=row.id)
            over -= n


def _voidable(gateway: PaymentGateway, payment: Payment, row: PaymentTransaction, n: int) -> bool:
    granted = payment.transaction(row.id)
    return gateway.abilities.partial_void or (granted is not None and n == granted.amount.minor)


def refund(work: Work, order: Order, amount: Money | None, why: str, ref: str = "") -> Payment:
    """Give money back: an amount, or what was taken for units that are cancelled or returned.

    What a customer on terms has not paid yet is credited instead of given back. Each capture is refunded by itself, the
    oldest first.
    """
    payment = payment_of(work, order)
    unpaid = payment.promised.minor if payment.method == "on_terms" else 0
    over = max(0, payment.kept.minor + unpaid - owed(work, order).minor)
    if amount is None:
        amount = Money(over, order.currency)
    if not amount:
        text = (
            f"nothing of what was captured for {order.id} is to be refunded; name an amount to refund it all the same"
        )
        raise CommandRefused([Reason("payment.nothing_to_refund", text, {"captured": payment.captured.minor})])
    if credited := min(amount.minor, unpaid):
        goodwill = max(0, credited - over)
        credit = Money(credited, order.currency)
        payment = note(work, order, "credit", credit, ref=ref, text=why, goodwill_minor=goodwill)
        _books.post_money(work, order, payment.transactions[-1])
        over -= credited - goodwill
    rest = amount.minor - credited
    if rest:
        # The guard looks at the whole: a part that cannot be given back leaves nothing half done.
        payment.ask(PaymentTransaction("whole", "refund", Money(rest, amount.currency), work.now))
    for row in payment.open_captures:
        if n := min(rest, row.amount.minor):
            goodwill = max(0, n - over)
            payment = ask(
                work, order, "refund", Money(n, order.currency), parent=row.id, ref=ref, text=why, goodwill=goodwill
            )
            over -= n - goodwill
            rest -= n
    return payment


def take(work: Work, order: Order, amount: Money) -> Payment:
    """Money for an order on terms came in."""
    after = note(work, order, "capture", amount, ref=work.cause)
    _books.post_money(work, order, after.transactions[-1])
    return after


def renew(work: Work, order: Order) -> bool:
    """Ask anew for what is promised and about to run out, or write down that it has; True when it was asked anew.

    The old promise stands until the new one is given (see :func:`retire`). An order whose promise is gone waits for
    its payment again.
    """
    payment = payment_of(work, order)
    gateway = work.wiring.gateway
    able = gateway is not None and gateway.abilities.renews and order.state in ("captured", "accepted")
    renewed = lapsed = False
    for row in payment.open_authorizations:
        if row.expires_at is None or row.expires_at > work.now + RENEW_BEFORE:
            continue
        tried = any(t.kind == "authorize" and t.ref == _renews(row) for t in payment.transactions)
        if row.expires_at <= work.now:
            note(work, order, "expire", row.amount, parent=row.id)
            lapsed = True
        elif able and not tried:
            ask(work, order, "authorize", row.amount, ref=_renews(row))
            renewed = True
    if lapsed and able:
        renewed = authorize_rest(work, order) or renewed
    return renewed


def _renews(row: PaymentTransaction) -> str:
    return f"renews:{row.id}"


def retire(work: Work, order: Order, granted: PaymentTransaction) -> None:
    """Let go of the promise that a new one takes the place of."""
    payment, gateway = payment_of(work, order), work.wiring.gateway
    for row in payment.open_authorizations:
        if gateway is not None and granted.ref == _renews(row):
            if _voidable(gateway, payment, row, row.amount.minor):
                ask(work, order, "void", row.amount, parent=row.id)
            else:
                note(work, order, "expire", row.amount, parent=row.id, text=f"renewed by {granted.id}")
