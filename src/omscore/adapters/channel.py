"""Channels from files: JSON orders (one a line) and CSV rows, checked field by field."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from omscore.errors import ChannelError, DefinitionError, InvalidValue
from omscore.kernel import QUANTITY_MAX, Address, GeoPoint, Money, key
from omscore.kernel.given import mapped, shown, text
from omscore.orders import Customer, Draft, DraftLine
from omscore.ports import Effect

_REQUIRED = "external_id"
_COLUMNS = (
    *("external_id", "item", "units", "unit_price", "placed_at"),
    *("name", "customer", "country", "postcode", "region", "line", "payment"),
)


class _Fields:
    """Typed access to a payload that names the field when it is missing or wrong."""

    def __init__(self, payload: Any, where: str) -> None:
        if not isinstance(payload, Mapping):
            raise ChannelError(f"{where}: expected an object with fields, got {type(payload).__name__}")
        self.payload = payload
        self.where = where

    def wrong(self, name: str, why: str) -> ChannelError:
        return ChannelError(f"{self.where}: field {name!r} {why}")

    def text(self, name: str, default: str | None = None) -> str:
        value = self.payload.get(name, default)
        if value is None or value == "":
            if default is not None:
                return default
            raise self.wrong(name, "is missing; add it to the payload")
        if not isinstance(value, str):
            raise self.wrong(name, f"must be text, not {type(value).__name__}")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.payload.get(name, ())
        if not isinstance(value, (list, tuple)) or not all(isinstance(part, str) for part in value):
            raise self.wrong(name, f"must be a list of texts, not {type(value).__name__}")
        return tuple(value)

    def degrees(self, name: str) -> float | None:
        value = self.payload.get(name)
        if value is None or value == "":
            return None
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            raise self.wrong(name, f"must be a number of degrees, not {type(value).__name__}") from None

    def whole(self, name: str) -> int:
        value = self.payload.get(name)
        if isinstance(value, str):
            value = whole(value, lambda why: self.wrong(name, why))
        if type(value) is not int:
            raise self.wrong(name, f"must be a whole number, not {value!r}")
        return value

    def money(self, name: str, currency: str) -> Money | None:
        value = self.payload.get(name)
        if value is None or value == "":
            return None
        try:
            return Money.of(value, currency)
        except InvalidValue as wrong:
            raise self.wrong(name, f"is no amount: {wrong}") from None

    def time(self, name: str) -> datetime | None:
        value = self.payload.get(name)
        if value is None or value == "":
            return None
        return moment(str(value), None, lambda why: self.wrong(name, why))


def whole(text: str, wrong: Callable[[str], Exception]) -> int:
    """A whole number of at least 1 from text; `wrong` makes the error from a reason.

    >>> whole("12", ValueError)
    12
    >>> whole("1.5", ValueError)
    Traceback (most recent call last):
    ValueError: must be a whole number, not '1.5'; split units cannot be ordered
    """
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise wrong(f"must be a whole number, not {text!r}") from None
    # Bounded before it is made a whole number: 1e999999999 would be written out digit by digit.
    if value.is_finite() and value.adjusted() > len(str(QUANTITY_MAX)):
        raise wrong(f"must be at most {QUANTITY_MAX}, not {text!r}")
    if not value.is_finite() or value != value.to_integral_value():
        raise wrong(f"must be a whole number, not {text!r}; split units cannot be ordered")
    if value < 1:
        raise wrong(f"must be at least 1, not {text!r}; send a cancellation to take units back")
    return int(value)


def moment(text: str, zone: ZoneInfo | None, wrong: Callable[[str], Exception]) -> datetime:
    """An aware time from ISO 8601 text; a naive one takes `zone`, and is wrong without one.

    >>> moment("2026-03-02 09:30:00", ZoneInfo("Europe/Brussels"), ValueError).isoformat()
    '2026-03-02T09:30:00+01:00'
    >>> moment("2026-03-02T09:30:00", None, ValueError)
    Traceback (most recent call last):
    ValueError: carries no time zone: '2026-03-02T09:30:00'; add an offset such as +01:00 or Z
    """
    try:
        value = datetime.fromisoformat(text.strip())
    except ValueError:
        raise wrong(f"is no time: {text!r}; write it as 2026-03-02T09:30:00+01:00") from None
    if value.utcoffset() is None:
        if zone is None:
            raise wrong(f"carries no time zone: {text!r}; add an offset such as +01:00 or Z")
        value = value.replace(tzinfo=zone)
    return value


class _Told:
    """What a channel was told, once for each effect: all that one needs which nobody listens to."""

    def __init__(self) -> None:
        self._told: dict[str, Effect] = {}

    def tell(self, effect: Effect) -> None:
        """Keep a message in `told`, once for each effect id.

        >>> channel = JsonChannel("web")
        >>> channel.tell(Effect("e1", "channel.shipped", {}))
        >>> len(channel.told)
        1
        """
        self._told.setdefault(effect.id, effect)

    @property
    def told(self) -> list[Effect]:
        """The messages so far, in order.

        >>> JsonChannel("web").told
        []
        """
        return list(self._told.values())


class JsonChannel(_Told):
    """Orders as plain JSON objects, the shape of :func:`draft_to_json`; told messages are kept in `told`.

    >>> channel = JsonChannel("web")
    >>> order = {"external_id": "1001", "currency": "EUR", "placed_at": "2026-03-02T09:30:00+01:00",
    ...          "ship_to": {"country": "BE", "postcode": "9000"},
    ...          "lines": [{"item": "SKU-1", "units": 2, "unit_price": "19.99"}]}
    >>> channel.draft(order).value
    Money(minor=3998, currency='EUR')
    >>> channel.draft(order | {"lines": [{"item": "SKU-1", "units": -2, "unit_price": "19.99"}]})
    Traceback (most recent call last):
    omscore.errors.ChannelError: web: order 1001: line 1: quantity must be at least 1, not -2
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = key(name, "name")

    @property
    def name(self) -> str:
        """The channel's name.

        >>> JsonChannel("web").name
        'web'
        """
        return self._name

    def draft(self, payload: Any) -> Draft:
        """A Draft from an object; raises ChannelError naming the order and the field.

        >>> JsonChannel("web").draft({"external_id": "1"})
        Traceback (most recent call last):
        omscore.errors.ChannelError: web: order 1: field 'currency' is missing; add it to the payload
        """
        external_id = _Fields(payload, self._name).text(_REQUIRED)
        where = f"{self._name}: order {external_id}"
        fields = _Fields(payload, where)
        currency = fields.text("currency")
        placed_at = fields.time("placed_at")
        if placed_at is None:
            raise fields.wrong("placed_at", "is missing; add it to the payload")
        rows = payload.get("lines")
        if not isinstance(rows, list):
            raise fields.wrong("lines", "must be a list of lines")
        try:
            return Draft(
                channel=self._name,
                external_id=external_id,
                revision=payload.get("revision", 1),
                currency=currency,
                lines=tuple(_line(row, i, currency, where) for i, row in enumerate(rows, 1)),
                placed_at=placed_at,
                ship_to=_address(payload.get("ship_to"), where),
                bill_to=_address(payload.get("bill_to"), where),
                service=fields.text("service", "standard"),
                customer=Customer(fields.text("customer", "")),
                payment=fields.text("payment", "pending"),
                shipping=fields.money("shipping", currency),
                discount=fields.money("discount", currency),
                tax=fields.money("tax", currency),
                total=fields.money("total", currency),
                ship_by=fields.time("ship_by"),
                deliver_by=fields.time("deliver_by"),
                tags=frozenset(fields.texts("tags")),
                note=fields.text("note", ""),
                gift_message=fields.text("gift_message", ""),
            )
        except InvalidValue as wrong:
            raise ChannelError(f"{where}: {wrong}") from None


def _line(row: Any, number: int, currency: str, where: str) -> DraftLine:
    at = _Fields(row, f"{where}: line {number}")
    price = at.money("unit_price", currency)
    if price is None:
        raise at.wrong("unit_price", "is missing; add it to the payload")
    if price.minor < 0:
        raise at.wrong("unit_price", f"must not be negative, not {price}; send a discount instead")
    return DraftLine(
        id=at.text("id", str(number)),
        item=at.text("item"),
        units=at.whole("units"),
        unit_price=price,
        discount=at.money("discount", currency),
        tax=at.money("tax", currency),
        name=at.text("name", ""),
        tags=frozenset(at.texts("tags")),
        gift_message=at.text("gift_message", ""),
    )


def _address(value: Any, where: str) -> Address | None:
    if value is None:
        return None
    at = _Fields(value, f"{where}: address")
    point = None
    latitude, longitude = at.degrees("latitude"), at.degrees("longitude")
    if (latitude is None) != (longitude is None):
        raise at.wrong("latitude" if latitude is None else "longitude", "is missing; a point needs both, or neither")
    if latitude is not None and longitude is not None:
        point = GeoPoint(latitude, longitude)
    return Address(
        country=at.text("country"),
        postcode=at.text("postcode", ""),
        region=at.text("region", ""),
        city=at.text("city", ""),
        lines=at.texts("lines"),
        name=at.text("name", ""),
        company=at.text("company", ""),
        phone=at.text("phone", ""),
        email=at.text("email", ""),
        point=point,
    )


class CsvChannel(_Told):
    """Orders from CSV rows, one row a line, the rows of one order at a time; `columns` maps our fields to the file's.

    Fields: external_id, item, units, unit_price, placed_at, and optionally name, customer, country, postcode, region,
    line, payment. Naive times take `zone`. Raises ChannelError naming the row (by its `#row`, if it has one) and the
    field, DefinitionError for a field, a currency or a zone that is none.

    >>> rows = [{"no": "7", "sku": "A", "n": "2", "price": "1.50", "at": "2026-03-02 09:30:00", "land": "BE"}]
    >>> channel = CsvChannel("csv", currency="EUR", zone="Europe/Brussels", columns={"external_id": "no",
    ...     "item": "sku", "units": "n", "unit_price": "price", "placed_at": "at", "country": "land"})
    >>> channel.draft(rows).value
    Money(minor=300, currency='EUR')
    """

    def __init__(self, name: str, *, currency: str, columns: Mapping[str, str], zone: str | None = None) -> None:
        super().__init__()
        self._name = key(name, "name")
        columns = mapped("columns", columns, "{'external_id': 'Order no'}")
        if unknown := [field for field in columns if field not in _COLUMNS]:
            raise DefinitionError(f"columns: no field {unknown[0]!r}; the fields are {', '.join(_COLUMNS)}")
        for field, column in columns.items():
            text(f"the column of {field}", column)
        self._currency = Money(0, currency).currency
        self._columns = columns
        try:
            self._zone = ZoneInfo(zone) if zone else None
        except (LookupError, TypeError, ValueError, OSError):
            raise DefinitionError(
                f"{shown(zone)} is no known time zone; use an IANA name such as 'Europe/Brussels'"
            ) from None

    @property
    def name(self) -> str:
        """The channel's name.

        >>> CsvChannel("csv", currency="EUR", columns={}).name
        'csv'
        """
        return self._name

    def _get(self, row: Mapping[str, str], field: str, default: str | None = None) -> str:
        column = self._columns.get(field)
        value = (row.get(column) or "").strip() if column else ""
        if value:
            return value
        if default is not None:
            return default
        raise ChannelError(f"{self._name}: {_row(row)}: field {column or field!r} is missing or empty; fill it in")

    def line(self, row: Mapping[str, str], number: int = 1) -> DraftLine:
        """One line from one row, so that a bad row can be set aside and the others go on.

        >>> channel = CsvChannel("csv", currency="EUR", columns={"item": "sku", "units": "n", "unit_price": "price"})
        >>> channel.line({"sku": "A", "n": "2", "price": "x"})
        Traceback (most recent call last):
        omscore.errors.ChannelError: csv: row: field 'price' 'x' is not an amount; write it as '19.99'
        """

        def wrong(field: str) -> Callable[[str], ChannelError]:
            return lambda why: ChannelError(
                f"{self._name}: {_row(row)}: field {self._columns.get(field, field)!r} {why}"
            )

        try:
            price = Money.of(self._get(row, "unit_price"), self._currency)
        except InvalidValue as bad:
            raise wrong("unit_price")(str(bad)) from None
        if price.minor < 0:
            raise wrong("unit_price")(f"must not be negative, not {price}")
        return DraftLine(
            id=self._get(row, "line", str(number)),
            item=self._get(row, "item"),
            units=whole(self._get(row, "units"), wrong("units")),
            unit_price=price,
            name=self._get(row, "name", ""),
        )

    def placed_at(self, row: Mapping[str, str]) -> datetime:
        """When a row's order was placed.

        >>> channel = CsvChannel("csv", currency="EUR", columns={"placed_at": "at"}, zone="Europe/London")
        >>> channel.placed_at({"at": "2011-10-06 08:17:00"}).isoformat()
        '2011-10-06T08:17:00+01:00'
        """
        column = self._columns.get("placed_at", "placed_at")
        return moment(
            self._get(row, "placed_at"),
            self._zone,
            lambda why: ChannelError(f"{self._name}: {_row(row)}: field {column!r} {why}"),
        )

    def draft(self, payload: Any) -> Draft:
        """A Draft from the rows of one order.

        >>> CsvChannel("csv", currency="EUR", columns={}).draft([])
        Traceback (most recent call last):
        omscore.errors.ChannelError: csv: an order needs at least one row
        """
        if isinstance(payload, (str, Mapping)) or not isinstance(payload, Iterable):
            raise ChannelError(f"{self._name}: expected a list of rows, got {type(payload).__name__}")
        rows = list(payload)
        if not rows:
            raise ChannelError(f"{self._name}: an order needs at least one row")
        if not all(isinstance(row, Mapping) for row in rows):
            raise ChannelError(f"{self._name}: each row is an object with the file's columns, as csv.DictReader has it")
        first = rows[0]
        number = self._get(first, "external_id")
        for row in rows[1:]:
            if (other := self._get(row, "external_id", number)) != number:
                why = f"it is of order {other}, and the rows before it are of {number}; give the rows of one order"
                raise ChannelError(f"{self._name}: {_row(row)}: {why}")
        country = self._get(first, "country", "")
        try:
            return Draft(
                channel=self._name,
                external_id=number,
                currency=self._currency,
                lines=tuple(self.line(row, i) for i, row in enumerate(rows, 1)),
                placed_at=self.placed_at(first),
                ship_to=Address(
                    country, postcode=self._get(first, "postcode", ""), region=self._get(first, "region", "")
                )
                if country
                else None,
                customer=Customer(self._get(first, "customer", "")),
                payment=self._get(first, "payment", "paid"),
            )
        except InvalidValue as wrong:
            raise ChannelError(f"{self._name}: {_row(first)}: {wrong}") from None


def _row(row: Mapping[str, str]) -> str:
    number = row.get("#row", "")
    return f"row {number}" if number else "row"
