"""Money: what an order owes, what was asked of the gateway, and what the books are told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import evolve

from omscore.app._work import Work
from omscore.errors import CommandRefused, Reason
from omscore.kernel import Money, stamp
from omscore.kernel.money import total
from omscore.orders import Order, cost_of, due, due_shipped
from omscore.payments import (
    CreditAccount,
    Payment,
    PaymentTransaction,
    check_credit,
    invoice,
    paid,
    refunded,
    stock_value,
)

RENEW_BEFORE = timedelta(hours=24)
"""How long before its end an authorization is renewed or brought before a person."""


# -- the payment of an order ----------------------------------------------------------------------------------------


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
    }.get(said, ("authorize", "capture"))
    who = "terms" if said == "terms" else order.draft.channel
    for kind in kinds:
        parent = f"{order.id}-authorize-1" if kind == "void" else ""
        row = PaymentTransaction(
            f"{order.id}-{kind}-1", kind, amount, order.captured_at, "done", parent, reference=f"{who}:{order.id}"
        )
        payment = payment.ask(row)
    return payment


def save(work: Work, order: Order, before: Payment, after: Payment) -> Payment:
    """Write a payment's new rows down, log them, and keep the customer's credit in step."""
    stored = work.find("payment", order.id)
    new = after.rows if stored is None else after.rows[len(before.rows) :]
    if stored is not None and not new:
        return after
    if new:
        work.txn.append("payment", order.id, list(new), cause=work.cause, actor=work.actor)
    index = {f"status:{after.status}": stamp(order.captured_at)}
    ends = [row.expires_at for row in after.open_authorizations if row.expires_at is not None]
    if ends:
        index["expires"] = stamp(min(ends))
    if any(row.outcome == "failed" for row in after.transactions[-1:]):
        index["failed"] = stamp(work.now)
    work.save("payment", order.id, after, index)
    bind_credit(work, order)
    return after


def ask(
    work: Work,
    order: Order,
    kind: str,
    amount: Money,
    *,
    parent: str = "",
    ref: str = "",
    text: str = "",
) -> Payment:
    """Write down that something is asked of the gateway, and have it asked after the commit."""
    before = payment_of(work, order)
    number = sum(row.kind == kind for row in before.transactions) + 1
    id_ = f"{order.id}-{kind}-{number}"
    row = PaymentTransaction(id_, kind, amount, work.now, parent=parent, ref=ref, text=text)
    after = save(work, order, before, before.ask(row))
    work.emit(f"payment.{kind}", id_, f"payment:{order.id}", order=order.id, transaction=id_)
    return after


def exchanged(work: Work, order: Order) -> Money:
    """What comes back, or came back, in exchange for a replacement: it pays for that instead of being refunded."""
    result = Money(0, order.currency)
    for value in work.all("return", f"order:{order.id}"):
        if value.replacement:
            coming = value.state in ("expected", "receiving")
            result += cost_of(order, {row.line: row.units if coming else row.received for row in value.lines})
    return result


def authorize_rest(work: Work, order: Order) -> bool:
    """Ask for what is owed and not yet promised; True when something was asked for or is being asked."""
    terms = order.draft.payment == "terms"
    if work.wiring.gateway is None and not terms:
        return False
    payment = payment_of(work, order)
    if terms:
        if (missing := due(order) - payment.authorized).minor > 0:
            number = sum(row.kind == "authorize" for row in payment.transactions) + 1
            id_ = f"{order.id}-authorize-{number}"
            row = PaymentTransaction(id_, "authorize", missing, work.now, "done", reference="terms")
            save(work, order, payment, payment.ask(row))
        return False
    pending = payment.total("authorize", "asked")
    missing = due(order) - payment.authorized - pending - exchanged(work, order)
    if missing.minor > 0:
        ask(work, order, "authorize", missing)
        return True
    return bool(pending)


def catch_up(work: Work, order: Order, ref: str = "") -> None:
    """Capture what is owed by now and not yet asked for; the parts of all shipments sum to the whole, to the cent."""
    gateway = work.wiring.gateway
    if gateway is None or (payment := payment_of(work, order)).method == "on_terms":
        return
    owed = due(order) if payment.method == "at_order" else due_shipped(order)
    if payment.method == "at_shipment" and not gateway.abilities.multi_capture and owed != due(order):
        return
    missing = owed.minor - exchanged(work, order).minor - payment.total("capture", "asked", "done").minor
    if missing <= 0:
        return
    taken = sum(payment.total(kind, "asked", "done").minor for kind in ("capture", "void", "expire"))
    left = payment.total("authorize").minor - taken + payment.allowance_minor
    amount = Money(min(missing, left), order.currency)
    if amount.minor == missing:
        ask(work, order, "capture", amount, ref=ref, parent=_authorization(payment))
    elif not payment.total("authorize", "asked"):
        # What was promised does not cover what has left (it ran out, or the order grew): promise the rest first.
        ask(work, order, "authorize", Money(missing - max(0, left), order.currency), ref=ref)


def _authorization(payment: Payment) -> str:
    standing = payment.open_authorizations
    return standing[0].id if standing else ""


def let_go(work: Work, order: Order) -> None:
    """Void what is promised beyond what is owed, as far as the gateway can."""
    gateway = work.wiring.gateway
    if gateway is None or (payment := payment_of(work, order)).method == "on_terms":
        return
    over = payment.authorized.minor - max(due(order).minor, payment.total("capture", "asked", "done").minor)
    over -= payment.total("void", "asked").minor
    for row in reversed(payment.open_authorizations):
        whole = row.amount.minor
        n = min(over, whole)
        granted = payment.transaction(row.id)
        if n > 0 and (gateway.abilities.partial_void or (granted is not None and n == granted.amount.minor)):
            ask(work, order, "void", Money(n, order.currency), parent=row.id)
            over -= n


def refundable(payment: Payment) -> Money:
    """What was captured and is not being given back yet."""
    return payment.captured - payment.total("refund", "asked", "done")


def refund(work: Work, order: Order, amount: Money | None, why: str, ref: str = "") -> Payment:
    """Give money back: an amount, or what was taken for units that are cancelled or returned."""
    payment = payment_of(work, order)
    if amount is None:
        owed = due(order, without_returned=True)
        amount = Money(max(0, refundable(payment).minor - owed.minor), order.currency)
    if not amount:
        text = (
            f"nothing of what was captured for {order.id} is to be refunded; name an amount to refund it all the same"
        )
        raise CommandRefused([Reason("payment.nothing_to_refund", text, {"captured": payment.captured.minor})])
    return ask(work, order, "refund", amount, parent=_captured_from(payment), ref=ref, text=why)


def _captured_from(payment: Payment) -> str:
    granted = [t.id for t in payment.transactions if t.kind == "authorize" and t.outcome == "done"]
    return granted[0] if granted else ""


def take(work: Work, order: Order, amount: Money) -> Payment:
    """Money for an order on terms came in."""
    before = payment_of(work, order)
    number = sum(row.kind == "capture" for row in before.transactions) + 1
    row = PaymentTransaction(f"{order.id}-capture-{number}", "capture", amount, work.now, "done", ref=work.cause)
    after = save(work, order, before, before.ask(row))
    post_money(work, order, row)
    return after


# -- the books ------------------------------------------------------------------------------------------------------


def post_money(work: Work, order: Order, row: PaymentTransaction) -> None:
    """Tell the books of money that came in or went back."""
    makers = {"capture": paid, "refund": refunded}
    if row.kind in makers:
        posting = makers[row.kind](row.id, order.id, row.amount, work.now)
        work.emit("erp.post", row.id, f"erp:{order.id}", posting=posting)


def post_invoice(work: Work, before: Order, after: Order, ref: str) -> None:
    """Tell the books what a shipment has made the customer owe."""
    if work.wiring.erp is None:
        return
    amount = due_shipped(after) - due_shipped(before)
    if amount.minor <= 0:
        return
    until: datetime | None = None
    account = credit_of(work, after)
    if account is not None and payment_of(work, after).method == "on_terms":
        until = work.now + timedelta(days=account.days)
    posting = invoice(f"{ref}-invoice", after.id, amount, work.now, until)
    work.emit("erp.post", posting.id, f"erp:{after.id}", posting=posting)


def post_cost(work: Work, order: Order, units: Mapping[str, int], ref: str, *, sign: int = 1) -> None:
    """Tell the books what goods cost that left the stock (`sign` 1) or came back into it (-1), if known."""
    items = {line.id: line.item for line in order.lines}
    costs = work.wiring.costs
    known = [costs[items[line]] * n for line, n in units.items() if items[line] in costs]
    if work.wiring.erp is None or not known:
        return
    for currency in sorted({cost.currency for cost in known}):
        amount = total((cost for cost in known if cost.currency == currency), currency) * sign
        posting = stock_value(f"{ref}-cost-{currency}", order.id, amount, work.now)
        work.emit("erp.post", posting.id, f"erp:{order.id}", posting=posting)


# -- credit ---------------------------------------------------------------------------------------------------------


def credit_of(work: Work, order: Order) -> CreditAccount | None:
    """The credit of the customer who ordered, if they have any."""
    customer = order.draft.customer.id
    found: CreditAccount | None = work.find("credit", customer) if customer else None
    return found


def credit_reason(work: Work, order: Order, amount: Money | None = None) -> Reason | None:
    """Why an order on terms does not fit the customer's credit; None when it does or is not on terms."""
    if order.draft.payment != "terms":
        return None
    account = credit_of(work, order)
    if account is None:
        return None
    return check_credit(account, order.id, due(order) if amount is None else amount)


def bind_credit(work: Work, order: Order) -> None:
    """Keep what an order on terms binds of the customer's credit: what it costs and is not paid yet."""
    if order.draft.payment != "terms" or (account := credit_of(work, order)) is None:
        return
    dead = order.state in ("rejected", "cancelled")
    rest = Money(0, order.currency) if dead else due(order) - payment_of(work, order).captured
    if order.currency != account.limit.currency:
        return
    bound = account.binding(order.id, rest)
    if bound != account:
        work.save("credit", account.customer, bound, {"all": account.customer})


def set_credit(work: Work, customer: str, limit: Money, days: int) -> str:
    """Give a customer credit, or change it; what their orders bind stays bound."""
    old: CreditAccount | None = work.find("credit", customer)
    account = CreditAccount(customer, limit, days) if old is None else evolve(old, limit=limit, days=days)
    work.save("credit", customer, account, {"all": customer})
    return customer


def renew(work: Work, order: Order) -> bool:
    """Ask anew for what is promised and about to run out, or write down that it has; True when it was asked anew."""
    payment = payment_of(work, order)
    gateway = work.wiring.gateway
    renewed = False
    for row in payment.open_authorizations:
        if row.expires_at is None or row.expires_at > work.now + RENEW_BEFORE:
            continue
        live = order.state in ("captured", "accepted")
        if row.expires_at <= work.now or (gateway is not None and gateway.abilities.renews and live):
            ended = PaymentTransaction(
                f"{row.id}-expired-{len(payment.rows)}", "expire", row.amount, work.now, "done", row.id
            )
            before = payment_of(work, order)
            save(work, order, before, before.ask(ended))
        if live and gateway is not None and gateway.abilities.renews:
            renewed = authorize_rest(work, order) or renewed
    return renewed
