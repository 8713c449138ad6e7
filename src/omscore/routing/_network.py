"""The network: which nodes there are, where they stand, what they may do, and what shipping from them costs."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Self

from attrs import asdict, field, fields, frozen

from omscore.errors import DefinitionError, InvalidValue
from omscore.kernel import Address, CutOff, GeoPoint, Money, WorkingCalendar, key
from omscore.kernel.given import listed, mapped, name_set, of_kind, shown

KINDS = ("warehouse", "store", "vendor", "3pl")


def _names(value: Any) -> frozenset[str]:
    return name_set("countries, groups, capabilities and SKUs of a node", value, "BE")


@frozen
class Node:
    """A place that ships: a warehouse, a store, a vendor or a 3PL.

    `priority` ranks nodes (1 before 2, none last) and `position` is the order in the network's own list. `cutoff` is
    the local time ("16:00") after which an order leaves the next working day; `calendar` names one of the network's
    working calendars (none: every day is one). Costs are per parcel, per line and per unit;
    carrier rates come on top from the network's services. `ships_to` lists the other countries the node may ship to
    ("*" for all), `drop_ships` the items it sends to order without having them here ("*" for all).

    Capacity is what a node can take in a slot of `slot_hours` (counted from its midnight): orders, units, or minutes of
    work at `minutes_per_order` and `minutes_per_unit`. Work is offered to a node with `answer_minutes`, which then has
    so long to accept or reject it; silence is a rejection.

    Raises DefinitionError naming the node and the field that is wrong.

    >>> Node("GHENT", kind="store", point=GeoPoint(51.05, 3.72), groups={"benelux"}).market
    ''
    >>> Node("GHENT", kind="shop")
    Traceback (most recent call last):
    omscore.errors.DefinitionError: node 'GHENT': kind must be one of warehouse, store, vendor, 3pl, not 'shop'
    """

    id: str
    kind: str = "warehouse"
    name: str = ""
    address: Address | None = None
    point: GeoPoint | None = None
    country: str = ""
    region: str = ""
    postcode: str = ""
    market: str = ""
    owner: str = ""
    currency: str = ""
    priority: int | None = None
    position: int = 0
    groups: frozenset[str] = field(default=frozenset(), converter=_names)
    active: bool = True
    online: bool = True
    pickup: bool = False
    capabilities: frozenset[str] = field(default=frozenset(), converter=_names)
    ships_to: frozenset[str] = field(default=frozenset(), converter=_names)
    timezone: str = "UTC"
    cutoff: str = ""
    calendar: str = ""
    processing_hours: int = 0
    lead_days: int = 0
    capacity_units: int | None = None
    capacity_orders: int | None = None
    capacity_minutes: int | None = None
    minutes_per_order: int = 0
    minutes_per_unit: int = 0
    slot_hours: int = 24
    answer_minutes: int | None = None
    drop_ships: frozenset[str] = field(default=frozenset(), converter=_names)
    rejection_permille: int = 0
    carbon_grams_per_km: int = 0
    parcel_cost: Money | None = None
    line_cost: Money | None = None
    unit_cost: Money | None = None

    def __attrs_post_init__(self) -> None:
        try:
            key(self.id, "id")
            self._check()
        except (InvalidValue, DefinitionError) as wrong:
            raise DefinitionError(f"node {self.id!r}: {wrong}") from None
        if self.address is not None:
            place = self.address
            for name, value in (
                ("point", place.point),
                ("country", place.country),
                ("region", place.region),
                ("postcode", place.postcode),
            ):
                if not getattr(self, name):
                    object.__setattr__(self, name, value)

    def _check(self) -> None:
        if self.kind not in KINDS:
            raise InvalidValue(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        for name in (
            "position",
            "processing_hours",
            "lead_days",
            "rejection_permille",
            "carbon_grams_per_km",
            "minutes_per_order",
            "minutes_per_unit",
        ):
            if type(getattr(self, name)) is not int or getattr(self, name) < 0:
                raise InvalidValue(f"{name} must be a whole number of at least 0, not {getattr(self, name)!r}")
        for name in ("priority", "capacity_units", "capacity_orders", "capacity_minutes", "answer_minutes"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 0):
                raise InvalidValue(f"{name} must be a whole number of at least 0 or none, not {value!r}")
        for name in ("parcel_cost", "line_cost", "unit_cost"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, Money) or value.minor < 0):
                raise InvalidValue(f"{name} must be Money of at least 0 or none, not {value!r}")
        if self.address is not None:
            of_kind("address", self.address, Address, "Address('BE', postcode='9000')")
        if self.point is not None and not isinstance(self.point, GeoPoint):
            raise InvalidValue(f"point must be a GeoPoint such as GeoPoint(51.05, 3.72), not {self.point!r}")
        if self.country:
            Address(self.country)  # looks at the form of the code
        if type(self.slot_hours) is not int or self.slot_hours < 1 or 24 % self.slot_hours:
            raise InvalidValue(f"slot_hours must divide a day of 24, not {self.slot_hours!r}")
        for name in ("active", "online", "pickup"):
            if type(getattr(self, name)) is not bool:
                raise InvalidValue(f"{name} must be true or false, not {getattr(self, name)!r}")
        # The kernel's own messages name the time and the zone.
        CutOff(self.cutoff or "00:00", self.timezone)


FAR = 10**12
"""Meters or grams beyond any limit."""

Band = tuple[tuple[int, ...], tuple[int, ...]]
"""Weight limits in grams, ascending, and the price in minor units up to each."""

FREE: Band = ((FAR,), (0,))
"""The band of a service without rates: everything travels for nothing."""


@frozen
class Rate:
    """One row of a carrier's tariff: the price of a parcel up to a distance and a weight; None means no limit.

    >>> Rate(Money(650, "EUR"), km_max=300, grams_max=5_000).price
    Money(minor=650, currency='EUR')
    """

    price: Money
    km_max: int | None = None
    grams_max: int | None = None


def _services(given: Iterable[Service]) -> tuple[Service, ...]:
    return listed("services", given, Service, "Service('standard', transit=[(None, 2)])")


def _transit(rows: Iterable[Any]) -> tuple[tuple[int | None, int], ...]:
    try:
        return tuple((km_max, days) for km_max, days in rows)
    except (TypeError, ValueError):
        raise InvalidValue(
            f"transit is a list of (km, days), such as [(150, 1), (None, 2)], not {shown(rows)}"
        ) from None


def _rates(rows: Iterable[Rate]) -> tuple[Rate, ...]:
    def reach(row: Rate) -> tuple[int, int]:
        return (FAR if row.km_max is None else row.km_max, FAR if row.grams_max is None else row.grams_max)

    return tuple(sorted(listed("rates", rows, Rate, "Rate(Money(650, 'EUR'), km_max=300)"), key=reach))


@frozen
class Service:
    """A service level that orders ask for: what a parcel costs by distance and weight, and how long it travels.

    `transit` lists (km_max, days), nearest first; None means any distance; days count in the network's working calendar
    named by `calendar`, or plainly. Within one distance band heavier never costs
    less, which the exact search relies on; a tariff that breaks this is refused with DefinitionError.

    >>> Service("express", rates=(Rate(Money(900, "EUR")),), transit=((300, 1), (None, 2))).days(412_000)
    2
    """

    id: str
    rates: tuple[Rate, ...] = field(default=(), converter=_rates)
    transit: tuple[tuple[int | None, int], ...] = field(default=(), converter=_transit)
    calendar: str = ""

    _reach: tuple[int, ...] = field(init=False, eq=False, repr=False)
    _bands: tuple[Band, ...] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        by_reach: dict[int, tuple[list[int], list[int]]] = {}
        for row in self.rates:
            limits, prices = by_reach.setdefault(FAR if row.km_max is None else row.km_max * 1000, ([], []))
            if prices and row.price.minor < prices[-1]:
                raise DefinitionError(f"service {self.id!r}: a heavier parcel may not cost less ({row.price})")
            limits.append(FAR if row.grams_max is None else row.grams_max)
            prices.append(row.price.minor)
        object.__setattr__(self, "_reach", tuple(by_reach))
        object.__setattr__(self, "_bands", tuple((tuple(a), tuple(b)) for a, b in by_reach.values()))

    def days(self, meters: int | None) -> int | None:
        """Days in transit over a distance; an unknown distance counts as the farthest; None when not served.

        >>> Service("road", transit=((300, 1),)).days(400_000) is None
        True
        """
        if not self.transit:
            return 0
        if meters is None:
            return self.transit[-1][1]
        for km_max, days in self.transit:
            if km_max is None or meters <= km_max * 1000:
                return days
        return None

    def bands(self, meters: Iterable[int | None]) -> tuple[Band, ...]:
        """For each distance the weight limits in grams and the prices in minor units; unknown counts as the farthest.

        >>> Service("road", rates=(Rate(Money(500, "EUR"), km_max=100, grams_max=1_000),)).bands([50_000, 200_000])
        (((1000,), (500,)), ((), ()))
        """
        if not self.rates:
            return tuple([FREE for _ in meters])
        reach, bands = self._reach, (*self._bands, ((), ()))
        return tuple([bands[-2 if d is None else bisect_left(reach, d)] for d in meters])


def _calendars(given: Mapping[str, WorkingCalendar]) -> Mapping[str, WorkingCalendar]:
    return MappingProxyType(mapped("calendars", given, "{'belgium': WorkingCalendar(...)}"))


def _by_id(nodes: Iterable[Node]) -> tuple[Node, ...]:
    if isinstance(nodes, Node) or not isinstance(nodes, Iterable):
        raise DefinitionError(f"a network takes a list of Node, not a {type(nodes).__name__}; Network([Node('ghent')])")
    given = tuple(nodes)
    for node in given:
        if not isinstance(node, Node):
            raise DefinitionError(f"a network takes Node, not {node!r}; Node('ghent'), or Network.read for a file")
    return tuple(sorted(given, key=lambda n: n.id))


@frozen
class Network:
    """All nodes and services, immutable and sorted by id, so that the order they were listed in never matters.

    `currency` is the currency of every cost in it. Raises DefinitionError for double ids and mixed currencies.

    >>> network = Network([Node("B"), Node("A")], currency="EUR")
    >>> [node.id for node in network.nodes], network["A"].kind, len(network)
    (['A', 'B'], 'warehouse', 2)
    """

    nodes: tuple[Node, ...] = field(default=(), converter=_by_id)
    services: tuple[Service, ...] = field(default=(), converter=_services)
    currency: str = "EUR"
    calendars: Mapping[str, WorkingCalendar] = field(factory=dict, converter=_calendars, hash=False)
    _index: dict[str, int] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        index = {node.id: i for i, node in enumerate(self.nodes)}
        if len(index) != len(self.nodes):
            twice = [a.id for a, b in zip(self.nodes, self.nodes[1:], strict=False) if a.id == b.id]
            raise DefinitionError(f"node {twice[0]!r} is listed twice; node ids are unique")
        for node in self.nodes:
            for name in ("parcel_cost", "line_cost", "unit_cost"):
                cost = getattr(node, name)
                if cost is not None and cost.currency != self.currency:
                    raise DefinitionError(
                        f"node {node.id!r}: {name} is in {cost.currency}, the network in {self.currency}"
                    )
            if node.calendar and node.calendar not in self.calendars:
                raise DefinitionError(f"node {node.id!r}: the network has no calendar {node.calendar!r}")
        for service in self.services:
            if service.calendar and service.calendar not in self.calendars:
                raise DefinitionError(f"service {service.id!r}: the network has no calendar {service.calendar!r}")
            for row in service.rates:
                if row.price.currency != self.currency:
                    raise DefinitionError(
                        f"service {service.id!r}: a rate is in {row.price.currency}, the network in {self.currency}"
                    )
        object.__setattr__(self, "_index", index)

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, id: str) -> Node:  # noqa: A002 - the field's word for it
        return self.nodes[self.index(id)]

    def __contains__(self, id: object) -> bool:  # noqa: A002 - the field's word for it
        return id in self._index

    def index(self, id: str) -> int:  # noqa: A002 - the field's word for it
        """The place of a node in `nodes`; raises InvalidValue for an unknown one.

        >>> Network([Node("A"), Node("B")]).index("B")
        1
        """
        try:
            return self._index[id]
        except KeyError:
            raise InvalidValue(f"the network has no node {id!r}; it has {', '.join(self._index) or 'none'}") from None

    def replace(self, *nodes: Node) -> Network:
        """A network in which these nodes take the place of those with the same id, or are added.

        >>> Network([Node("A")]).replace(Node("A", active=False))["A"].active
        False
        """
        changed = {node.id: node for node in nodes}
        kept = [node for node in self.nodes if node.id not in changed]
        return Network([*kept, *nodes], services=self.services, currency=self.currency, calendars=self.calendars)

    def service(self, id: str) -> Service | None:  # noqa: A002 - the field's word for it
        """The service level of an id, or the one named "" as a default, or None.

        >>> Network(services=[Service("")]).service("express")
        Service(id='', rates=(), transit=(), calendar='')
        """
        found = None
        for service in self.services:
            if service.id == id:
                return service
            if service.id == "":
                found = service
        return found

    @property
    def content_hash(self) -> str:
        """16 hexadecimal digits that change whenever anything in the network does (the first 64 bits of SHA-256).

        >>> Network([Node("A")]).content_hash == Network([Node("A", active=False)]).content_hash
        False
        """
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON; fields at their default are left out.

        >>> Network([Node("A", groups={"eu"})]).to_dict()
        {'currency': 'EUR', 'nodes': [{'id': 'A', 'groups': ['eu']}], 'services': [], 'calendars': {}}
        """
        return {
            "currency": self.currency,
            "nodes": [_node_out(node) for node in self.nodes],
            "services": [
                {
                    "id": s.id,
                    "rates": [{"price": str(r.price), "km_max": r.km_max, "grams_max": r.grams_max} for r in s.rates],
                    "transit": [list(row) for row in s.transit],
                    "calendar": s.calendar,
                }
                for s in self.services
            ],
            "calendars": {name: _calendar_out(self.calendars[name]) for name in sorted(self.calendars)},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """A network from `to_dict`'s shape; raises DefinitionError with the node and field at fault.

        >>> Network.from_dict({"nodes": [{"id": "A", "hue": "red"}]})
        Traceback (most recent call last):
        omscore.errors.DefinitionError: nodes[0] ('A'): unknown field 'hue'; fields are id, kind, ...
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("nodes", []), list):
            raise DefinitionError("a network is an object with a list 'nodes'")
        if extra := sorted(set(data) - {"nodes", "services", "currency", "calendars"}):
            raise DefinitionError(f"unknown field {extra[0]!r}; a network has nodes, services, currency, calendars")
        nodes = [_node_in(f"nodes[{i}]", row) for i, row in enumerate(data.get("nodes", []))]
        services = [_service_in(f"services[{i}]", row) for i, row in enumerate(data.get("services", []))]
        calendars = {name: _calendar_in(f"calendars.{name}", row) for name, row in data.get("calendars", {}).items()}
        return cls(nodes, services=services, currency=data.get("currency", "EUR"), calendars=calendars)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """A network from JSON text; raises DefinitionError with the place at fault.

        >>> Network.from_json('{"nodes": [{"id": "A", "point": [51.05, 3.72]}]}')["A"].point
        GeoPoint(latitude=51.05, longitude=3.72)
        """
        try:
            data = json.loads(text)
        except (TypeError, ValueError) as wrong:
            raise DefinitionError(f"the network is not JSON: {wrong}") from None
        return cls.from_dict(data)


def _calendar_out(calendar: WorkingCalendar) -> dict[str, Any]:
    return {
        "zone": calendar.zone,
        "hours": dict(calendar.hours),
        "closed": [day.isoformat() for day in calendar.closed],
        "closed_rules": list(calendar.closed_rules),
        "special": {day.isoformat(): hours for day, hours in calendar.special},
    }


def _calendar_in(where: str, row: Any) -> WorkingCalendar:
    try:
        return WorkingCalendar(
            row["zone"],
            row["hours"],
            closed=[date.fromisoformat(day) for day in row.get("closed", ())],
            closed_rules=row.get("closed_rules", ()),
            special={date.fromisoformat(day): hours for day, hours in row.get("special", {}).items()},
        )
    except (KeyError, AttributeError, TypeError, ValueError) as wrong:
        raise DefinitionError(f"{where}: {wrong}") from None


def _money(text: Any) -> Money:
    if isinstance(text, Money):
        return text
    if not isinstance(text, str) or text.count(" ") != 1:
        raise InvalidValue(f"an amount is written '4.50 EUR', not {text!r}")
    amount, currency = text.split(" ")
    return Money.of(amount, currency)


def _node_out(node: Node) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for spec in fields(Node):
        value = getattr(node, spec.name)
        if spec.name != "id" and value == spec.default:
            continue
        if isinstance(value, Money):
            value = str(value)
        elif isinstance(value, frozenset):
            value = sorted(value)
        elif isinstance(value, GeoPoint):
            value = [value.latitude, value.longitude]
        elif isinstance(value, Address):
            value = {k: v for k, v in asdict(value, recurse=False).items() if v}
            if value.get("point"):
                value["point"] = [value["point"].latitude, value["point"].longitude]
            if value.get("lines"):
                value["lines"] = list(value["lines"])
        out[spec.name] = value
    return out


def _point(value: Any) -> GeoPoint:
    if isinstance(value, list | tuple) and len(value) == 2 and all(type(v) in (int, float) for v in value):
        return GeoPoint(*value)
    raise InvalidValue(f"point must be [latitude, longitude], not {value!r}")


def _node_in(where: str, row: Any) -> Node:
    if not isinstance(row, Mapping) or "id" not in row:
        raise DefinitionError(f"{where}: a node is an object with an 'id'")
    where = f"{where} ({row['id']!r})"
    known = [spec.name for spec in fields(Node)]
    values = dict(row)
    for name in values:
        if name not in known:
            raise DefinitionError(f"{where}: unknown field {name!r}; fields are {', '.join(known)}")
    try:
        for name in ("parcel_cost", "line_cost", "unit_cost"):
            if values.get(name) is not None:
                values[name] = _money(values[name])
        if values.get("point") is not None:
            values["point"] = _point(values["point"])
        if values.get("address") is not None:
            place = dict(values["address"])
            if place.get("point") is not None:
                place["point"] = _point(place["point"])
            values["address"] = Address(**place)
        return Node(**values)
    except DefinitionError as wrong:
        raise DefinitionError(f"{where}: {wrong}") from None
    except (InvalidValue, TypeError) as wrong:
        raise DefinitionError(f"{where}: {wrong}") from None


def _service_in(where: str, row: Any) -> Service:
    try:
        rates = [Rate(**(dict(rate) | {"price": _money(rate["price"])})) for rate in row.get("rates", [])]
        return Service(row["id"], rates=rates, transit=row.get("transit", []), calendar=row.get("calendar", ""))
    except (KeyError, AttributeError, TypeError, ValueError) as wrong:
        raise DefinitionError(f"{where}: {wrong}") from None
