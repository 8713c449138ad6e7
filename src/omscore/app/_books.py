"""The books: what an ERP is told of invoices, of money that moved, and of the value of goods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from attrs import evolve

from omscore.app._credit import credit_of
from omscore.app._owed import payment_of
from omscore.app._work import Work
from omscore.kernel import Money
from omscore.kernel.money import total
from omscore.orders import Order, due_shipped
from omscore.payments import (
    Invoiced,
    PaymentTransaction,
    Posting,
    credit_note,
    invoice,
    paid,
    refunded,
    stock_value,
    vendor_return,
    written_off,
)


def post_money(work: Work, order: Order, row: PaymentTransaction) -> None:
    """Tell the books of money that came in or went back; what went back of money not invoiced was no revenue."""
    if work.wiring.erp is None:
        return
    if row.kind == "capture":
        posting = paid(row.id, order.id, row.amount, work.now)
    elif row.kind == "credit":
        posting = credit_note(row.id, order.id, row.amount, work.now)
    elif row.kind == "refund":
        told: Invoiced = work.find("invoiced", order.id) or Invoiced(order.id)
        prepaid = payment_of(work, order).captured.minor - told.minor - told.prepaid_back_minor
        prepaid = min(row.amount.minor - row.goodwill_minor, max(0, prepaid))
        if prepaid:
            work.save("invoiced", order.id, evolve(told, prepaid_back_minor=told.prepaid_back_minor + prepaid))
        posting = refunded(row.id, order.id, row.amount, work.now, prepaid)
    else:
        return
    work.emit("erp.post", row.id, f"erp:{order.id}", posting=posting)


def post_said(work: Work, order: Order) -> None:
    """Tell the books of the money that the channel itself took or gave back before it told of the order."""
    for row in payment_of(work, order).transactions:
        if row.reference == f"{order.draft.channel}:{order.id}":
            post_money(work, order, row)


def post_invoice(work: Work, order: Order) -> None:
    """Tell the books what the customer owes by now: for what has left, once, however often it had to be sent.

    What was invoiced and is owed no more is credited, unless it was paid: then a refund says so.
    """
    if work.wiring.erp is None:
        return
    told: Invoiced = work.find("invoiced", order.id) or Invoiced(order.id)
    payment = payment_of(work, order)
    paid_for = min(told.minor, payment.total("capture", "asked", "done").minor)
    target = max(due_shipped(order).minor, paid_for)
    change = target - told.minor
    if not change:
        return
    until: datetime | None = None
    account = credit_of(work, order)
    if account is not None and payment.method == "on_terms":
        until = work.now + timedelta(days=account.days)
    amount, id_ = Money(abs(change), order.currency), f"{order.id}-invoice-{told.postings + 1}"
    if change > 0:
        posting = invoice(id_, order.id, amount, work.now, until)
    else:
        posting = credit_note(id_, order.id, amount, work.now)
    work.save("invoiced", order.id, evolve(told, minor=target, postings=told.postings + 1))
    work.emit("erp.post", posting.id, f"erp:{order.id}", posting=posting)


def post_cost(work: Work, order: Order, units: Mapping[str, int], ref: str, *, sign: int = 1) -> None:
    """Tell the books what goods cost that left the stock (`sign` 1) or came back into it (-1), if known."""
    _post_value(work, order, units, f"{ref}-cost", stock_value, sign)


def post_loss(work: Work, order: Order, units: Mapping[str, int], ref: str) -> None:
    """Tell the books what goods cost that are lost or spoiled, if known."""
    _post_value(work, order, units, f"{ref}-loss", written_off, 1)


def post_vendor(work: Work, order: Order, units: Mapping[str, int], ref: str) -> None:
    """Tell the books what goods cost that went back to their vendor, if known."""
    _post_value(work, order, units, f"{ref}-vendor", vendor_return, 1)


def _post_value(
    work: Work, order: Order, units: Mapping[str, int], ref: str, make: Callable[..., Posting], sign: int
) -> None:
    items = {line.id: line.item for line in order.lines}
    costs = work.wiring.costs
    known = [costs[items[line]] * n for line, n in units.items() if items[line] in costs]
    if work.wiring.erp is None:
        return
    for currency in sorted({cost.currency for cost in known}):
        amount = total((cost for cost in known if cost.currency == currency), currency) * sign
        posting = make(f"{ref}-{currency}", order.id, amount, work.now)
        work.emit("erp.post", posting.id, f"erp:{order.id}", posting=posting)
