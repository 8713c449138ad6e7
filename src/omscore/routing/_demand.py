"""The demand: an order as routing sees it, and the facts a decision rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

from attrs import evolve, field, frozen

from omscore.errors import InvalidValue
from omscore.kernel import Address, Money, exponent, key, quantity, utc
from omscore.kernel.given import listed, mapped, name_set, of_kind, shown


def _frozen_set(value: Iterable[str]) -> frozenset[str]:
    return name_set("tags and nodes", value, "fragile")


def _mapping(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(mapped("facts", value, "{'ghent': 3}"))


def _instead(given: Iterable[Any]) -> tuple[Any, ...]:
    return listed("substitutes", given, (str, DemandLine), "'SKU-2'")


def _lines(given: Iterable[DemandLine]) -> tuple[DemandLine, ...]:
    return listed("lines", given, DemandLine, "DemandLine('1', 'SKU-1', 2)")


@frozen
class DemandLine:
    """One row of a demand: units of an item still to be given to a node.

    `price` is that of one unit; lines of one `group` may be kept together by a rule; a kit goes out in whole multiples
    of `multiple` only. `substitutes` are the items that a rule may send in its place, the best first: as SKUs, or as
    lines with the same id where weight, tags or category differ; each is priced as the line itself.

    >>> DemandLine("1", "SKU-1", 2, weight_grams=450).units
    2
    >>> DemandLine("1", "SKU-1", 2, weight_grams=450, substitutes=["SKU-2"]).substitutes[0].weight_grams
    450
    """

    id: str
    item: str
    units: int = 1
    price: Money | None = None
    weight_grams: int = 0
    tags: frozenset[str] = field(default=frozenset(), converter=_frozen_set)
    category: str = ""
    group: str = ""
    multiple: int = 1
    substitutes: tuple[DemandLine, ...] = field(default=(), converter=_instead)

    def __attrs_post_init__(self) -> None:
        key(self.id, "line id")
        key(self.item, "item")
        quantity(self.units, f"units of line {self.id!r}")
        quantity(self.multiple, f"multiple of line {self.id!r}")
        if self.substitutes:
            object.__setattr__(self, "substitutes", tuple(self._substitute(given) for given in self.substitutes))

    def _substitute(self, given: Any) -> DemandLine:
        """One item that may be sent in this line's place: the same line with another item."""
        if isinstance(given, str):
            return evolve(self, item=given, substitutes=())
        if not isinstance(given, DemandLine) or given.id != self.id:
            raise InvalidValue(f"a substitute for line {self.id!r} is a SKU or a line of that id, not {given!r}")
        return evolve(given, units=self.units, price=self.price, substitutes=())


@frozen
class Demand:
    """What a customer wants to receive, where and when: everything that rules may ask about.

    `value` defaults to the sum of the priced lines. `excluded` nodes are never chosen; `wished` is the node the
    customer or the channel asked for; `queue` is where the demand was parked before. Raises InvalidValue for a demand
    without lines, double line ids and mixed currencies.

    >>> d = Demand("ord-1", (DemandLine("1", "SKU-1", 2, price=Money(1250, "EUR")),))
    >>> d.value, d.units, d.needs
    (Money(minor=2500, currency='EUR'), 2, (('SKU-1', 2),))
    """

    id: str
    lines: tuple[DemandLine, ...] = field(converter=_lines)
    destination: Address | None = None
    channel: str = ""
    service: str = ""
    value: Money | None = None
    margin: Money | None = None
    placed_at: datetime | None = None
    promised_at: datetime | None = None
    customer: str = ""
    customer_tier: str = ""
    earlier_orders: int | None = None
    tags: frozenset[str] = field(default=frozenset(), converter=_frozen_set)
    market: str = ""
    seller: str = ""
    wished: str = ""
    pickup: bool = False
    excluded: frozenset[str] = field(default=frozenset(), converter=_frozen_set)
    attempts: int = 0
    queue: str = ""
    facts: Mapping[str, Any] = field(factory=dict, converter=_mapping, hash=False)

    needs: tuple[tuple[str, int], ...] = field(init=False, eq=False, repr=False)
    """Units by item, lines of the same item added up, by item: the order of the lines decides nothing."""
    units: int = field(init=False, eq=False, repr=False)
    grams: int = field(init=False, eq=False, repr=False)
    line_count: int = field(init=False, eq=False, repr=False)
    value_minor: int | None = field(init=False, eq=False, repr=False)
    margin_minor: int | None = field(init=False, eq=False, repr=False)
    currency: str = field(init=False, eq=False, repr=False)
    decimals: int = field(init=False, eq=False, repr=False)
    all_tags: frozenset[str] = field(init=False, eq=False, repr=False)
    place: tuple[Any, ...] = field(init=False, eq=False, repr=False)
    country: str = field(init=False, eq=False, repr=False)
    region: str = field(init=False, eq=False, repr=False)
    postcode: str = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        key(self.id, "demand id")
        if not self.lines:
            raise InvalidValue(f"demand {self.id!r} has no lines; there is nothing to route")
        if len({line.id for line in self.lines}) != len(self.lines):
            raise InvalidValue(f"demand {self.id!r} has two lines with the same id")
        put = _setter(self)
        if self.placed_at is not None:
            put("placed_at", utc(self.placed_at, "placed_at"))
        if self.promised_at is not None:
            put("promised_at", utc(self.promised_at, "promised_at"))
        prices = [line.price for line in self.lines if line.price is not None]
        if self.value is None and len(prices) == len(self.lines):
            priced = [line.price * line.units for line in self.lines if line.price is not None]
            whole = priced[0]
            for amount in priced[1:]:
                whole += amount
            put("value", whole)
        money = [m for m in (self.value, self.margin, *prices) if m is not None]
        for one in money:
            if not isinstance(one, Money):
                of_kind(f"money of demand {self.id!r}", one, Money, "Money.of('19.99', 'EUR')")
        if self.destination is not None and not isinstance(self.destination, Address):
            of_kind(f"destination of demand {self.id!r}", self.destination, Address, "Address('BE', postcode='9000')")
        if len({m.currency for m in money}) > 1:
            raise InvalidValue(f"demand {self.id!r} mixes currencies {sorted({m.currency for m in money})}")
        needs: dict[str, int] = {}
        for line in self.lines:
            needs[line.item] = needs.get(line.item, 0) + line.units
        put("needs", tuple(sorted(needs.items())))
        put("units", sum(needs.values()))
        put("grams", sum(line.units * line.weight_grams for line in self.lines))
        put("line_count", len(self.lines))
        put("value_minor", None if self.value is None else self.value.minor)
        put("margin_minor", None if self.margin is None else self.margin.minor)
        put("currency", money[0].currency if money else "")
        put("decimals", exponent(money[0].currency) if money else 2)
        put("all_tags", self.tags.union(*(line.tags for line in self.lines)))
        place = self.destination
        put("country", place.country if place else "")
        put("region", place.region if place else "")
        put("postcode", place.postcode if place else "")
        point = place.point if place else None
        put("place", (point.latitude, point.longitude) if point else ())


def _setter(obj: Any) -> Any:
    def put(name: str, value: Any) -> None:
        object.__setattr__(obj, name, value)

    return put


class StockView(Protocol):
    """What routing asks of stock: units of an item that a node may still promise.

    A view may also offer `version(item)`: as long as it returns the same value the item's figures are taken as
    unchanged and are not read again.

    >>> class Plenty:
    ...     def available(self, node: str, item: str) -> int:
    ...         return 100
    >>> view: StockView = Plenty()
    >>> view.available("A", "SKU-1")
    100
    """

    def available(self, node: str, item: str) -> int:
        """Units free to promise at a node; 0 when unknown.

        >>> Stock({("A", "X"): 2}).available("A", "X")
        2
        """
        ...


class Stock:
    """Available units by node and item, as a working copy to decide on; the ledger stays the truth.

    >>> stock = Stock({("A", "SKU-1"): 5, ("B", "SKU-1"): 2})
    >>> stock.take("A", "SKU-1", 3)
    >>> stock.available("A", "SKU-1"), stock.available("C", "SKU-1")
    (2, 0)
    """

    __slots__ = ("_items", "versions")

    def __init__(self, units: Mapping[tuple[str, str], int] | None = None) -> None:
        self._items: dict[str, dict[str, int]] = {}
        self.versions: dict[str, int] = {}
        for place, n in (units or {}).items():
            if not isinstance(place, tuple) or len(place) != 2:
                raise InvalidValue(
                    f"stock is by node and SKU, such as {{('ghent', 'SKU-1'): 5}}, not by {shown(place)}"
                )
            self.set(*place, n)

    def available(self, node: str, item: str) -> int:
        """Units free to promise at a node; 0 when unknown.

        >>> Stock().available("A", "SKU-1")
        0
        """
        row = self._items.get(item)
        return row.get(node, 0) if row else 0

    def version(self, item: str) -> int:
        """A number that grows whenever the item's figures change.

        >>> stock = Stock({("A", "SKU-1"): 5})
        >>> before = stock.version("SKU-1")
        >>> stock.take("A", "SKU-1", 1)
        >>> stock.version("SKU-1") > before
        True
        """
        return self.versions.get(item, 0)

    def set(self, node: str, item: str, units: int) -> None:
        """Put a figure; raises InvalidValue unless it is a whole number (it may be negative, as in real stock).

        >>> stock = Stock()
        >>> stock.set("A", "SKU-1", 4)
        """
        if type(units) is not int:
            raise InvalidValue(f"stock of {item!r} at {node!r} must be a whole number, not {units!r}")
        self._items.setdefault(item, {})[node] = units
        self.versions[item] = self.versions.get(item, 0) + 1

    def take(self, node: str, item: str, units: int) -> None:
        """Lower a figure; raises InvalidValue when there is less.

        >>> Stock({("A", "SKU-1"): 1}).take("A", "SKU-1", 2)
        Traceback (most recent call last):
        omscore.errors.InvalidValue: 'A' has 1 of 'SKU-1', not 2
        """
        if (have := self.available(node, item)) < units:
            raise InvalidValue(f"{node!r} has {have} of {item!r}, not {units}")
        self.set(node, item, have - units)

    def copy(self) -> Stock:
        """An independent copy, to try things on.

        >>> Stock({("A", "SKU-1"): 1}).copy().available("A", "SKU-1")
        1
        """
        twin = Stock()
        twin._items = {item: dict(row) for item, row in self._items.items()}
        twin.versions = dict(self.versions)
        return twin

    def items(self) -> dict[tuple[str, str], int]:
        """All figures by (node, item).

        >>> Stock({("A", "SKU-1"): 1}).items()
        {('A', 'SKU-1'): 1}
        """
        return {(node, item): n for item, row in self._items.items() for node, n in row.items()}

    def __repr__(self) -> str:
        return f"<Stock: {len(self._items)} items>"


@frozen
class Facts:
    """What else is known at the moment of deciding; everything is optional and taken as it is.

    Keys are (node, item) for `on_hand`, `weekly_sales`, `incoming` and `backorder`, node ids elsewhere. `incoming`
    gives ((when, units), ...); `backorder` the units a node may still promise without having them; `read_at` when a
    node's figures were read; `capacity_left` units (with `orders_left` orders, with `minutes_left` minutes of work)
    that a node can still take in its slot; `blocked` nodes rejected lately and wait; `clearance` cells should be sold
    off; `last_node` is whom round-robin chose last.

    >>> Facts(capacity_left={"A": 10}).capacity_left["A"]
    10
    """

    on_hand: Mapping[tuple[str, str], int] = field(factory=dict, converter=_mapping)
    weekly_sales: Mapping[tuple[str, str], int] = field(factory=dict, converter=_mapping)
    incoming: Mapping[tuple[str, str], tuple[tuple[datetime, int], ...]] = field(factory=dict, converter=_mapping)
    backorder: Mapping[tuple[str, str], int] = field(factory=dict, converter=_mapping)
    read_at: Mapping[str, datetime] = field(factory=dict, converter=_mapping)
    capacity_left: Mapping[str, int] = field(factory=dict, converter=_mapping)
    orders_left: Mapping[str, int] = field(factory=dict, converter=_mapping)
    minutes_left: Mapping[str, int] = field(factory=dict, converter=_mapping)
    rejections: Mapping[str, int] = field(factory=dict, converter=_mapping)
    blocked: frozenset[str] = field(default=frozenset(), converter=_frozen_set)
    clearance: frozenset[tuple[str, str]] = field(default=frozenset(), converter=frozenset)
    last_node: str = ""


NO_FACTS = Facts()
