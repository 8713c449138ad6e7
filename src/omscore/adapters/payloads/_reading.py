"""Typed access to a parsed message: every refusal names the path of the field that is missing or wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from attrs import frozen

from omscore.errors import ChannelError, InvalidValue, OmsError
from omscore.kernel import Address, Money, utc
from omscore.orders import Draft


@frozen
class Fields:
    """One object of a message and where it stands in it; None and blank text count as missing.

    `source` is the format's name and `error` what is raised: ChannelError for channels, CarrierError for carriers.

    >>> order = Fields.of("web", {"id": 7, "lines": [{"sku": "A"}]})
    >>> order.text("id"), order.rows("lines")[0].text("sku")
    ('7', 'A')
    >>> order.rows("lines")[0].whole("quantity")
    Traceback (most recent call last):
    omscore.errors.ChannelError: web: field 'lines[0].quantity' is missing; ...
    """

    source: str
    data: Mapping[str, Any]
    path: str = ""
    error: type[OmsError] = ChannelError

    @classmethod
    def of(cls, source: str, value: Any, path: str = "", *, error: type[OmsError] = ChannelError) -> Fields:
        """The fields of an object; anything else is refused."""
        if not isinstance(value, Mapping):
            raise error(f"{source}: {path or 'the message'} must be an object, not {type(value).__name__}")
        return cls(source, value, path, error)

    def at(self, name: str) -> str:
        """The path of a field, as messages show it."""
        return f"{self.path}.{name}" if self.path else name

    def missing(self, name: str, hint: str = "send it, or ask the sender for the complete message") -> OmsError:
        """The error that says a field is missing."""
        return self.error(f"{self.source}: field {self.at(name)!r} is missing; {hint}")

    def wrong(self, name: str, why: str) -> OmsError:
        """The error that says a field is wrong, and why."""
        return self.error(f"{self.source}: field {self.at(name)!r} is wrong: {why}")

    def get(self, name: str) -> Any:
        """The raw value, or None when it is missing or blank."""
        value = self.data.get(name)
        return None if isinstance(value, str) and not value.strip() else value

    def text(self, name: str) -> str:
        """A text; whole numbers (ids) are written out."""
        value = self.get(name)
        if value is None:
            raise self.missing(name)
        if isinstance(value, str):
            return value.strip()
        if type(value) is int:
            return str(value)
        raise self.wrong(name, f"it must be text, not {type(value).__name__}")

    def text_or(self, name: str, default: str = "") -> str:
        """A text, or the default when it is missing."""
        return default if self.get(name) is None else self.text(name)

    def whole(self, name: str) -> int:
        """A whole number, written as a number or as digits."""
        value = self.get(name)
        if value is None:
            raise self.missing(name)
        if type(value) is int:
            return value
        if isinstance(value, str):
            try:
                return int(value)
            except ValueError:
                pass
        raise self.wrong(name, f"it must be a whole number, not {value!r}")

    def whole_or(self, name: str, default: int = 0) -> int:
        """A whole number, or the default when it is missing."""
        return default if self.get(name) is None else self.whole(name)

    def money(self, name: str, currency: str) -> Money:
        """An amount of a currency, to the minor unit; JSON floats are refused because they do not hold cents."""
        value = self.get(name)
        if value is None:
            raise self.missing(name)
        if not isinstance(value, (str, int, Decimal)):
            raise self.wrong(name, f"an amount must be text such as '19.99', not {value!r}")
        try:
            return Money.of(value.strip() if isinstance(value, str) else value, currency)
        except InvalidValue as refused:
            raise self.wrong(name, str(refused)) from refused

    def money_or_zero(self, name: str, currency: str) -> Money:
        """An amount, or none of the currency when it is missing."""
        return Money.zero(currency) if self.get(name) is None else self.money(name, currency)

    def currency(self, name: str) -> str:
        """An ISO 4217 code."""
        code = self.text(name)
        try:
            Money.zero(code)
        except InvalidValue as refused:
            raise self.wrong(name, str(refused)) from refused
        return code

    def time(self, name: str, *, naive_is: tzinfo | None = None) -> datetime:
        """An ISO 8601 time in UTC; one without a zone takes `naive_is`, and is refused when the format defines none."""
        value = self.text(name)
        try:
            read = datetime.fromisoformat(value)
        except ValueError:
            raise self.wrong(name, f"it must be an ISO 8601 time, not {value!r}") from None
        if read.tzinfo is None and naive_is is not None:
            read = read.replace(tzinfo=naive_is)
        try:
            return utc(read, name)
        except InvalidValue as refused:
            raise self.wrong(name, str(refused)) from refused

    def time_or_none(self, name: str, *, naive_is: tzinfo | None = None) -> datetime | None:
        """A time, or None when it is missing."""
        return None if self.get(name) is None else self.time(name, naive_is=naive_is)

    def country(self, name: str) -> str:
        """An ISO 3166-1 alpha-2 code."""
        code = self.text(name).upper()
        try:
            return Address(code).country
        except InvalidValue:
            raise self.wrong(name, f"it must be a two-letter ISO 3166-1 code, not {code!r}") from None

    def one_of(self, name: str, known: Mapping[str, str]) -> str:
        """What a word of the format means to us; an unknown word is refused, with the ones there are."""
        value = self.text(name)
        if value not in known:
            raise self.wrong(name, f"{value!r} is none of {', '.join(sorted(known))}")
        return known[value]

    def part(self, name: str) -> Fields:
        """An object within."""
        value = self.get(name)
        if value is None:
            raise self.missing(name)
        return Fields.of(self.source, value, self.at(name), error=self.error)

    def part_or_none(self, name: str) -> Fields | None:
        """An object within, or None when it is missing or empty."""
        return self.part(name) if self.get(name) else None

    def rows(self, name: str) -> list[Fields]:
        """The objects of a list within."""
        value = self.get(name)
        if value is None:
            raise self.missing(name)
        if not isinstance(value, list | tuple):
            raise self.wrong(name, f"it must be a list, not {type(value).__name__}")
        return [Fields.of(self.source, row, f"{self.at(name)}[{i}]", error=self.error) for i, row in enumerate(value)]

    def rows_or_none(self, name: str) -> list[Fields]:
        """The objects of a list within; a missing list has none."""
        return [] if self.get(name) is None else self.rows(name)

    def texts(self, name: str) -> list[str]:
        """The texts of a list within; a missing list has none."""
        value = self.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.wrong(name, "it must be a list of texts")
        return list(value)

    def unread(self, *read: Collection[str]) -> dict[str, Any]:
        """The fields that nobody read and that hold something: what a channel sends beyond our words."""
        known = {name for names in read for name in names}
        return {name: self.data[name] for name in self.data if name not in known and self.data[name] not in (None, "")}

    @contextmanager
    def building(self) -> Iterator[None]:
        """Say where it stood when a value made of these fields is refused."""
        try:
            yield
        except InvalidValue as refused:
            where = f" in {self.path}" if self.path else ""
            raise self.error(f"{self.source}: refused{where}: {refused}") from refused


def unit_price(gross: Money, units: int) -> tuple[Money, Money]:
    """The price of a unit when a format only gives the row's, and the rounding that makes the row right again.

    The rounding is below one minor unit for each unit and counts as a discount.

    >>> unit_price(Money(1000, "EUR"), 3)
    (Money(minor=334, currency='EUR'), Money(minor=2, currency='EUR'))
    """
    each = -(-gross.minor // units)
    return Money(each, gross.currency), Money(each * units - gross.minor, gross.currency)


def total_checked(draft: Draft, fields: Fields, name: str) -> Draft:
    """The draft, once its own arithmetic agrees to the cent with the total that the channel states."""
    if draft.total is not None and draft.total != draft.due:
        raise fields.wrong(name, f"it says {draft.total}, but lines, shipping, taxes and discounts make {draft.due}")
    return draft


def revision_at(changed_at: datetime | None) -> int:
    """The revision of an order that is known by when it last changed: that second, counted from 1970.

    >>> from datetime import UTC
    >>> revision_at(datetime(1970, 1, 2, tzinfo=UTC)), revision_at(None)
    (86400, 1)
    """
    return 1 if changed_at is None else max(1, int(changed_at.timestamp()))


def gift_message(pairs: Iterable[tuple[str, Any]]) -> str:
    """The gift message among free name-value pairs, whichever of its usual names a shop gave it.

    >>> gift_message([("Engraving", "AB"), ("gift_message", "With love")])
    'With love'
    """
    for name, value in pairs:
        word = name.strip("_ ").replace("_", " ").replace("-", " ").casefold()
        if word in {"gift message", "gift note"} and isinstance(value, str) and value.strip():
            return value.strip()
    return ""
