"""Credit: how much a customer may owe, what they owe already, and whether one more order fits."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, field, frozen

from omscore.errors import InvalidValue, Reason
from omscore.kernel import Money, key, quantity
from omscore.kernel.given import mapped, of_kind, texts


@frozen
class CreditAccount:
    """A customer on terms: the limit, the days to pay, and what each open order binds of it, in minor units.

    An order binds what it costs from the moment it is captured until it is paid or cancelled.

    >>> account = CreditAccount("c-17", Money(100_000, "EUR"), days=30, bound={"ord-1": 40_000})
    >>> account.exposure, account.left
    (Money(minor=40000, currency='EUR'), Money(minor=60000, currency='EUR'))
    """

    customer: str
    limit: Money
    days: int = 30
    bound: Mapping[str, int] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        key(self.customer, "customer")
        of_kind(f"the credit of {self.customer!r}", self.limit, Money, "Money.of('1000.00', 'EUR')")
        if self.limit.minor < 0:
            raise InvalidValue(f"the credit of {self.customer!r} is at least 0, not {self.limit}")
        quantity(self.days, "days", at_least=0)
        for order, minor in mapped(
            f"what orders bind of the credit of {self.customer!r}", self.bound, "{'ord-1': 500}"
        ).items():
            texts(order=order)
            quantity(minor, f"what order {order!r} binds", at_least=0)

    @property
    def exposure(self) -> Money:
        """What all open orders bind together.

        >>> CreditAccount("c-17", Money(100, "EUR")).exposure.minor
        0
        """
        return Money(sum(self.bound.values()), self.limit.currency)

    @property
    def left(self) -> Money:
        """What may still be ordered; negative when the limit was lowered below the exposure.

        >>> CreditAccount("c-17", Money(100, "EUR"), bound={"ord-1": 130}).left.minor
        -30
        """
        return self.limit - self.exposure

    def binding(self, order: str, amount: Money) -> CreditAccount:
        """This account when an order binds an amount; nothing frees it. Raises InvalidValue for another currency.

        >>> CreditAccount("c-17", Money(100, "EUR"), bound={"ord-1": 30}).binding("ord-1", Money(0, "EUR")).bound
        {}
        """
        texts(order=order)
        of_kind("amount", amount, Money, "Money.of('19.99', 'EUR')")
        if amount.currency != self.limit.currency:
            raise InvalidValue(f"{self.customer} has credit in {self.limit.currency}, not in {amount.currency}")
        bound = {id_: n for id_, n in self.bound.items() if id_ != order}
        if amount.minor > 0:
            bound[order] = amount.minor
        return evolve(self, bound=dict(sorted(bound.items())))


def check_credit(account: CreditAccount, order: str, amount: Money) -> Reason | None:
    """Why an order of an amount does not fit the customer's credit, or None; what it binds already counts once.

    >>> account = CreditAccount("c-17", Money(1000, "EUR"), bound={"ord-1": 400})
    >>> check_credit(account, "ord-2", Money(600, "EUR"))
    >>> check_credit(account, "ord-2", Money(601, "EUR")).code
    'credit.exceeded'
    """
    of_kind("account", account, CreditAccount, "CreditAccount('c-17', limit)")
    texts(order=order)
    of_kind("amount", amount, Money, "Money.of('19.99', 'EUR')")
    if amount.currency != account.limit.currency:
        text = f"{account.customer} has credit in {account.limit.currency}, the order is in {amount.currency}"
        return Reason("credit.currency", text, {"customer": account.customer})
    others = account.exposure.minor - account.bound.get(order, 0)
    if others + amount.minor <= account.limit.minor:
        return None
    text = (
        f"{account.customer} may owe {account.limit} and owes {Money(others, account.limit.currency)}; "
        f"{amount} more is too much: ask for a payment or a higher limit"
    )
    facts = {"customer": account.customer, "limit": account.limit.minor, "exposure": others, "asked": amount.minor}
    return Reason("credit.exceeded", text, facts)
