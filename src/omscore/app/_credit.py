"""Credit: what a customer on terms may owe, and what their orders bind of it."""

from __future__ import annotations

from attrs import evolve

from omscore.app._owed import payment_of
from omscore.app._work import Work
from omscore.errors import CommandRefused, Reason
from omscore.kernel import Money
from omscore.orders import Order, due
from omscore.payments import CreditAccount, check_credit


def credit_of(work: Work, order: Order) -> CreditAccount | None:
    """The credit of the customer who ordered, if they have any."""
    customer = order.draft.customer.id
    found: CreditAccount | None = work.find("credit", customer) if customer else None
    return found


def credit_reason(work: Work, order: Order) -> Reason | None:
    """Why an order on terms does not fit the customer's credit; None when it does or is not on terms.

    One without an account has no limit, so that nobody decided to lend to them: that is for a person.
    """
    if order.draft.payment != "terms":
        return None
    account = credit_of(work, order)
    if account is None:
        customer = order.draft.customer.id
        who = f"{customer} has no credit" if customer else "nobody is named whose credit it could be"
        text = f"{order.id} is on terms, but {who}: set a credit, or release it to lend without a limit"
        return Reason("credit.no_account", text, {"customer": customer})
    payment = payment_of(work, order)
    paid_for = payment.captured.minor + payment.total("credit").minor
    return check_credit(account, order.id, Money(max(0, due(order).minor - paid_for), order.currency))


def check_growth(work: Work, before: Order, after: Order) -> None:
    """Refuse what lets a customer on terms owe more than their credit; what they owe already is theirs to owe."""
    if due(after) > due(before) and (reason := credit_reason(work, after)):
        raise CommandRefused([reason])


def bind_credit(work: Work, order: Order) -> None:
    """Keep what an order on terms binds of the customer's credit: what it costs and is not paid yet."""
    if order.draft.payment != "terms" or (account := credit_of(work, order)) is None:
        return
    dead = order.state in ("rejected", "cancelled")
    payment = payment_of(work, order)
    # Of a credit in another currency an order binds nothing, and lets go of what it bound before that was so.
    counts = not dead and order.currency == account.limit.currency
    bound = account.binding(order.id, payment.authorized - payment.captured if counts else account.limit * 0)
    if bound != account:
        work.save("credit", account.customer, bound, {"all": account.customer})


def set_credit(work: Work, customer: str, limit: Money, days: int) -> str:
    """Give a customer credit, or change it; what their orders bind stays bound, so it keeps its currency till then."""
    old: CreditAccount | None = work.find("credit", customer)
    if old is not None and old.bound and old.limit.currency != limit.currency:
        text = (
            f"orders bind {old.exposure} of the credit of {customer}, which cannot be counted in {limit.currency}; "
            "wait until they are paid, or give the limit in that currency"
        )
        raise CommandRefused([Reason("credit.currency", text, {"customer": customer, "bound": old.exposure.minor})])
    account = CreditAccount(customer, limit, days) if old is None else evolve(old, limit=limit, days=days)
    work.save("credit", customer, account, {"all": customer})
    return customer
