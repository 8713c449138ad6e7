"""Posting intents: what the books are to be told, always balanced; the accounts are named by their part, not by number.

The host maps the names to its own chart of accounts; each posting has an id, so that telling it twice posts it once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import field, frozen

from omscore.errors import InvalidValue
from omscore.kernel import Money, key, quantity
from omscore.kernel.given import listed, of_kind, shown, texts
from omscore.kernel.times import moments

# What each kind debits and credits. The customer owes from the invoice on and pays by the payment.
POSTING_KINDS: Mapping[str, tuple[str, str]] = {
    "invoice": ("receivable", "revenue"),
    "payment": ("bank", "receivable"),
    "refund": ("revenue", "bank"),
    "credit_note": ("revenue", "receivable"),
    "write_off": ("losses", "inventory"),
    "vendor_return": ("payable", "inventory"),
    "stock_value": ("cost_of_sales", "inventory"),
}
"""The account that a kind of posting debits, and the one it credits."""


@frozen
class PostingLine:
    """One side of a posting: an account, and minor units debited (positive) or credited (negative).

    >>> PostingLine("bank", 500).minor
    500
    """

    account: str
    minor: int

    def __attrs_post_init__(self) -> None:
        key(self.account, "account")
        if type(self.minor) is not int:
            raise InvalidValue(f"{self.account}: minor must be a whole number of minor units, not {shown(self.minor)}")


def _line_tuple(lines: Iterable[PostingLine]) -> tuple[PostingLine, ...]:
    return listed("the lines of a posting", lines, PostingLine, "PostingLine('bank', 500)")


@frozen
class Posting:
    """An intent to post: lines of one currency that sum to zero.

    >>> Posting("p-1", "invoice", "ord-1", "EUR", (PostingLine("receivable", 500),), None)
    Traceback (most recent call last):
    omscore.errors.InvalidValue: posting p-1 is out of balance by 500 EUR minor units
    """

    id: str
    kind: str
    order: str
    currency: str
    lines: tuple[PostingLine, ...] = field(converter=_line_tuple)
    at: datetime
    due_at: datetime | None = None

    def __attrs_post_init__(self) -> None:
        texts(id=self.id, kind=self.kind, order=self.order)
        Money(0, self.currency)
        moments(at=self.at, due_at=self.due_at)
        if rest := sum(line.minor for line in self.lines):
            raise InvalidValue(f"posting {self.id} is out of balance by {rest} {self.currency} minor units")

    @property
    def amount(self) -> Money:
        """What is debited, which is what is credited.

        >>> invoice("p-1", "ord-1", Money(500, "EUR"), None).amount
        Money(minor=500, currency='EUR')
        """
        return Money(sum(line.minor for line in self.lines if line.minor > 0), self.currency)


@frozen
class Invoiced:
    """How much of an order the books were told that its customer owes, in minor units, by how many postings.

    `prepaid_back_minor` went back of what was paid and not invoiced.

    >>> Invoiced("ord-1").minor
    0
    """

    order: str
    minor: int = 0
    postings: int = 0
    prepaid_back_minor: int = 0


def _posting(
    kind: str,
    id_: str,
    order: str,
    amount: Money,
    at: datetime,
    due_at: datetime | None = None,
) -> Posting:
    debit, credit = POSTING_KINDS[kind]
    of_kind("amount", amount, Money, "Money.of('19.99', 'EUR')")
    lines = (PostingLine(debit, amount.minor), PostingLine(credit, -amount.minor))
    return Posting(id_, kind, order, amount.currency, lines, at, due_at)


def invoice(
    id: str,  # noqa: A002 - the field's word for it
    order: str,
    amount: Money,
    at: datetime,
    due_at: datetime | None = None,
) -> Posting:
    """The customer owes for what was shipped, until `due_at` when they buy on terms.

    >>> [(line.account, line.minor) for line in invoice("p-1", "ord-1", Money(500, "EUR"), None).lines]
    [('receivable', 500), ('revenue', -500)]
    """
    return _posting("invoice", id, order, amount, at, due_at)


def paid(id: str, order: str, amount: Money, at: datetime) -> Posting:  # noqa: A002 - the field's word for it
    """Money came in.

    >>> [line.account for line in paid("p-1", "ord-1", Money(500, "EUR"), None).lines]
    ['bank', 'receivable']
    """
    return _posting("payment", id, order, amount, at)


def refunded(
    id: str,  # noqa: A002 - the field's word for it
    order: str,
    amount: Money,
    at: datetime,
    prepaid_minor: int = 0,
) -> Posting:
    """Money went back; what was paid and never invoiced (`prepaid_minor` of it) was no revenue yet.

    >>> [(line.account, line.minor) for line in refunded("p-1", "ord-1", Money(500, "EUR"), None, 200).lines]
    [('receivable', 200), ('revenue', 300), ('bank', -500)]
    """
    of_kind("amount", amount, Money, "Money.of('19.99', 'EUR')")
    if quantity(prepaid_minor, "prepaid_minor", at_least=0) > max(0, amount.minor):
        raise InvalidValue(f"prepaid_minor is a part of what went back, {amount}; {prepaid_minor} is more")
    parts = (("receivable", prepaid_minor), ("revenue", amount.minor - prepaid_minor), ("bank", -amount.minor))
    lines = tuple(PostingLine(account, minor) for account, minor in parts if minor)
    return Posting(id, "refund", order, amount.currency, lines, at)


def credit_note(id: str, order: str, amount: Money, at: datetime) -> Posting:  # noqa: A002 - the field's word for it
    """The customer need not pay for something they were invoiced for.

    >>> [line.account for line in credit_note("p-1", "ord-1", Money(500, "EUR"), None).lines]
    ['revenue', 'receivable']
    """
    return _posting("credit_note", id, order, amount, at)


def written_off(id: str, order: str, amount: Money, at: datetime) -> Posting:  # noqa: A002 - the field's word for it
    """Goods are lost or spoiled.

    >>> [line.account for line in written_off("p-1", "ord-1", Money(500, "EUR"), None).lines]
    ['losses', 'inventory']
    """
    return _posting("write_off", id, order, amount, at)


def vendor_return(id: str, order: str, amount: Money, at: datetime) -> Posting:  # noqa: A002 - the field's word for it
    """Goods went back to their vendor, who owes for them.

    >>> [line.account for line in vendor_return("p-1", "ord-1", Money(500, "EUR"), None).lines]
    ['payable', 'inventory']
    """
    return _posting("vendor_return", id, order, amount, at)


def stock_value(id: str, order: str, amount: Money, at: datetime) -> Posting:  # noqa: A002 - the field's word for it
    """Goods left the stock: what they cost becomes cost of sales.

    >>> [line.account for line in stock_value("p-1", "ord-1", Money(300, "EUR"), None).lines]
    ['cost_of_sales', 'inventory']
    """
    return _posting("stock_value", id, order, amount, at)
