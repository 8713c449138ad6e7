"""The wish: a draft, as a channel gives it, before anybody has accepted anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from omscore.errors import InvalidValue
from omscore.kernel import Address, Money, key, quantity, utc
from omscore.kernel.given import name_set

PAYMENT_STATES = ("pending", "authorized", "paid", "partially_refunded", "refunded", "voided", "terms")
"""What a channel may say of the payment when it hands over a draft; "terms" is to be invoiced."""


def _placed_at(value: datetime) -> datetime:
    return utc(value, "placed_at")


def _ship_by(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value, "ship_by")


def _deliver_by(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value, "deliver_by")


def _tag_set(tags: Iterable[str]) -> frozenset[str]:
    return name_set("tags", tags, "gift")


def _money(amount: object, name: str) -> None:
    if not isinstance(amount, Money):
        raise InvalidValue(f"{name} must be Money, not {amount!r}; write Money.of('19.99', 'EUR')")


@frozen
class Customer:
    """What rules may ask about the one who orders; no name, no address.

    >>> Customer("c-17", tier="gold", orders_before=4)
    Customer(id='c-17', tier='gold', orders_before=4)
    """

    id: str = ""
    tier: str = ""
    orders_before: int = 0


@frozen
class DraftLine:
    """One row of a draft. `units` are whole smallest units of the item; money is for the whole row but unit_price.

    `cancelled` units were cancelled before the draft reached us; they are recorded, never reserved. No order takes a
    price below 0; a discount below 0 is a surcharge, a tax below 0 a correction.

    Raises InvalidValue naming the line and the field.

    >>> DraftLine("1", "SKU-1", 2, Money(1999, "EUR")).total
    Money(minor=3998, currency='EUR')
    """

    id: str
    item: str
    units: int
    unit_price: Money
    discount: Money | None = None
    tax: Money | None = None
    name: str = ""
    tags: frozenset[str] = field(default=frozenset(), converter=_tag_set)
    group: str = ""
    gift_message: str = field(default="", repr=False)
    cancelled: int = 0
    extra: Mapping[str, Any] = field(factory=dict, repr=False)

    def __attrs_post_init__(self) -> None:
        key(self.id, "line id")
        key(self.item, f"line {self.id}: item")
        quantity(self.units, f"line {self.id}: quantity")
        quantity(self.cancelled, f"line {self.id}: cancelled", at_least=0)
        if self.cancelled > self.units:
            raise InvalidValue(f"line {self.id}: {self.cancelled} of {self.units} units cannot be cancelled")
        _money(self.unit_price, f"line {self.id}: unit_price")
        for name in ("discount", "tax"):
            if (amount := getattr(self, name)) is not None:
                _money(amount, f"line {self.id}: {name}")

    @property
    def total(self) -> Money:
        """What the row costs: units times price, less discount, plus tax that is not in the price.

        >>> DraftLine("1", "A", 2, Money(500, "EUR"), discount=Money(100, "EUR"), tax=Money(90, "EUR")).total.minor
        990
        """
        result = self.unit_price * self.units
        if self.discount:
            result -= self.discount
        if self.tax:
            result += self.tax
        return result


def _row_tuple(rows: Iterable[DraftLine]) -> tuple[DraftLine, ...]:
    given = tuple(rows) if isinstance(rows, Iterable) else None
    if given is None or not all(isinstance(row, DraftLine) for row in given):
        raise InvalidValue("lines are a list of DraftLine, such as [DraftLine('1', 'SKU-1', 2, price)]")
    return given


@frozen
class Draft:
    """An order as a channel gives it: the wish. Known by (channel, external_id, revision).

    Money is of one currency; times become UTC. `total` is what the channel says the customer pays, if it says so. What
    a channel sends beyond this stays in `extra`. An order is made of it where no price, shipping or total is below 0.

    Raises InvalidValue naming the field that is wrong.

    >>> from datetime import UTC, datetime
    >>> line = DraftLine("1", "SKU-1", 2, Money(1999, "EUR"))
    >>> draft = Draft("web", "1001", "EUR", (line,), datetime(2026, 3, 2, 9, tzinfo=UTC), ship_to=Address("BE"))
    >>> draft.value, draft.units
    (Money(minor=3998, currency='EUR'), 2)
    """

    channel: str
    external_id: str
    currency: str
    lines: tuple[DraftLine, ...] = field(converter=_row_tuple)
    placed_at: datetime = field(converter=_placed_at)
    revision: int = 1
    ship_to: Address | None = None
    bill_to: Address | None = None
    service: str = "standard"
    customer: Customer = field(factory=Customer)
    shipping: Money | None = None
    discount: Money | None = None
    tax: Money | None = None
    total: Money | None = None
    payment: str = "pending"
    ship_by: datetime | None = field(default=None, converter=_ship_by)
    deliver_by: datetime | None = field(default=None, converter=_deliver_by)
    tags: frozenset[str] = field(default=frozenset(), converter=_tag_set)
    note: str = field(default="", repr=False)
    gift_message: str = field(default="", repr=False)
    extra: Mapping[str, Any] = field(factory=dict, repr=False)

    def __attrs_post_init__(self) -> None:
        key(self.channel, "channel")
        key(self.external_id, "external_id")
        key(self.service, "service")
        quantity(self.revision, "revision")
        for name, kind in (("ship_to", Address), ("bill_to", Address), ("customer", Customer)):
            value = getattr(self, name)
            if not isinstance(value, kind) and (value is not None or kind is Customer):
                raise InvalidValue(f"{name} must be {kind.__name__}, not {type(value).__name__}")
        Money(0, self.currency)
        seen = set()
        for line in self.lines:
            if line.id in seen:
                raise InvalidValue(f"line id {line.id!r} stands twice; number the lines")
            seen.add(line.id)
            for name in ("unit_price", "discount", "tax"):
                self._check(getattr(line, name), f"line {line.id}: {name}")
        for name in ("shipping", "discount", "tax", "total"):
            self._check(getattr(self, name), name)
        if self.payment not in PAYMENT_STATES:
            raise InvalidValue(f"payment must be one of {', '.join(PAYMENT_STATES)}, not {self.payment!r}")

    def _check(self, amount: Money | None, name: str) -> None:
        if amount is None:
            return
        _money(amount, name)
        if amount.currency != self.currency:
            raise InvalidValue(f"{name} is in {amount.currency}, the order in {self.currency}; one order, one currency")

    @property
    def value(self) -> Money:
        """What the goods cost: the rows' totals, without shipping and order-wide discount and tax.

        >>> from datetime import UTC, datetime
        >>> Draft("web", "1", "EUR", (), datetime(2026, 3, 2, tzinfo=UTC)).value
        Money(minor=0, currency='EUR')
        """
        result = Money(0, self.currency)
        for line in self.lines:
            result += line.total
        return result

    @property
    def due(self) -> Money:
        """What the customer pays by our own arithmetic: value, shipping and tax, less the order-wide discount.

        >>> from datetime import UTC, datetime
        >>> Draft("web", "1", "EUR", (), datetime(2026, 3, 2, tzinfo=UTC), shipping=Money(495, "EUR")).due.minor
        495
        """
        result = self.value
        for amount in (self.shipping, self.tax):
            if amount:
                result += amount
        return result - self.discount if self.discount else result

    @property
    def units(self) -> int:
        """All units of all lines.

        >>> from datetime import UTC, datetime
        >>> Draft("web", "1", "EUR", (), datetime(2026, 3, 2, tzinfo=UTC)).units
        0
        """
        return sum(line.units for line in self.lines)

    def line(self, id: str) -> DraftLine:  # noqa: A002 - the field's word for it
        """A line by id; raises InvalidValue naming the lines there are.

        >>> from datetime import UTC, datetime
        >>> Draft("web", "1", "EUR", (), datetime(2026, 3, 2, tzinfo=UTC)).line("9")
        Traceback (most recent call last):
        omscore.errors.InvalidValue: no line '9'; the lines are ...
        """
        for line in self.lines:
            if line.id == id:
                return line
        raise InvalidValue(f"no line {id!r}; the lines are {', '.join(repr(x.id) for x in self.lines) or 'none'}")


# What is asked for, not what a draft can hold: one that was kept before this was asked must still be read.


def check_amounts(draft: Draft) -> None:
    """Refuse a draft that asks for less than nothing; raises InvalidValue."""
    for line in draft.lines:
        check_price(line)
    check_shipping(draft.shipping)
    _at_least_zero(draft.total, "total", "what is given back is a refund, not an order")


def check_price(line: DraftLine) -> None:
    """The same for the price of a line."""
    _at_least_zero(line.unit_price, f"line {line.id}: unit_price", _LESS)


def check_shipping(shipping: Money | None) -> None:
    """The same for what shipping costs."""
    _at_least_zero(shipping, "shipping", _LESS)


_LESS = "give what is taken off as discount"


def _at_least_zero(amount: Money | None, name: str, way_out: str) -> None:
    if amount is not None and amount.minor < 0:
        raise InvalidValue(f"{name} must be at least 0, not {amount}; {way_out}")
