"""Seeded networks, stock and orders for notebooks, docs and tests: the same seed gives the same data everywhere.

Places are real cities with public coordinates; items, prices and orders are made up, and there are no customers. What
is assumed: 60 % of orders have one line, 22 % two, 10 % three, 5 % four and 3 % five; of a line's units 80 % are one,
15 % two, 5 % three (wholesale takes six times as many); the demand for an item is as 1 / (its rank + 5), that of a city
as its population; 60 % of orders come from the web, 30 % from a marketplace, 10 % from wholesale;
15 % are express. Stores hold two in five items, and few of each.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from types import MappingProxyType
from typing import Generic, TypeVar

from omscore.errors import InvalidValue
from omscore.inventory import Cell, Ledger
from omscore.kernel import Address, GeoPoint, Item, Money, Rng, WorkingCalendar, largest_remainder, quantity
from omscore.kernel.given import text
from omscore.orders import Accepted, Captured, Customer, Draft, DraftLine, fold
from omscore.routing import Demand, Network, Node, Rate, Service, demand_of

T = TypeVar("T")

START = datetime(2026, 3, 2, tzinfo=UTC)
"""The Monday on which sample orders begin to come in, and by which the sample ledgers' stock is there."""

# City: (country, postcode, latitude, longitude, population in thousands); figures are rounded.
_CITIES: dict[str, tuple[str, str, float, float, int]] = {
    "antwerp": ("BE", "2000", 51.22, 4.40, 530),
    "ghent": ("BE", "9000", 51.05, 3.72, 265),
    "brussels": ("BE", "1000", 50.85, 4.35, 1220),
    "liege": ("BE", "4000", 50.63, 5.57, 195),
    "charleroi": ("BE", "6000", 50.41, 4.44, 200),
    "bruges": ("BE", "8000", 51.21, 3.22, 118),
    "namur": ("BE", "5000", 50.47, 4.87, 112),
    "leuven": ("BE", "3000", 50.88, 4.70, 102),
    "amsterdam": ("NL", "1012", 52.37, 4.90, 905),
    "rotterdam": ("NL", "3011", 51.92, 4.48, 655),
    "the hague": ("NL", "2511", 52.08, 4.31, 550),
    "utrecht": ("NL", "3511", 52.09, 5.12, 360),
    "eindhoven": ("NL", "5611", 51.44, 5.48, 240),
    "groningen": ("NL", "9711", 53.22, 6.57, 235),
    "maastricht": ("NL", "6211", 50.85, 5.69, 120),
    "zwolle": ("NL", "8011", 52.51, 6.09, 130),
    "luxembourg": ("LU", "1111", 49.61, 6.13, 133),
    "new york": ("US", "10001", 40.71, -74.01, 8300),
    "los angeles": ("US", "90001", 34.05, -118.24, 3900),
    "chicago": ("US", "60601", 41.88, -87.63, 2700),
    "houston": ("US", "77001", 29.76, -95.37, 2300),
    "phoenix": ("US", "85001", 33.45, -112.07, 1600),
    "dallas": ("US", "75201", 32.78, -96.80, 1300),
    "atlanta": ("US", "30301", 33.75, -84.39, 500),
    "miami": ("US", "33101", 25.76, -80.19, 450),
    "denver": ("US", "80201", 39.74, -104.99, 715),
    "seattle": ("US", "98101", 47.61, -122.33, 750),
    "reno": ("US", "89501", 39.53, -119.81, 265),
    "newark": ("US", "07101", 40.74, -74.17, 305),
    "boston": ("US", "02101", 42.36, -71.06, 650),
    "minneapolis": ("US", "55401", 44.98, -93.27, 425),
}

# Network: its nodes as (city, kind, cut-off, hours to process, days of lead, cost of a parcel in cents).
_NODES: dict[str, tuple[tuple[str, str, str, int, int, int], ...]] = {
    "benelux-5": (
        ("ghent", "warehouse", "17:00", 2, 0, 110),
        ("rotterdam", "warehouse", "18:00", 2, 0, 120),
        ("liege", "3pl", "15:00", 4, 0, 140),
        ("utrecht", "store", "14:00", 1, 0, 190),
        ("luxembourg", "store", "13:00", 1, 0, 210),
    ),
    "usa-8": (
        ("dallas", "warehouse", "17:00", 2, 0, 130),
        ("chicago", "warehouse", "17:00", 2, 0, 130),
        ("reno", "warehouse", "18:00", 2, 0, 120),
        ("newark", "3pl", "16:00", 4, 0, 150),
        ("atlanta", "3pl", "15:00", 4, 0, 140),
        ("los angeles", "store", "14:00", 1, 0, 220),
        ("miami", "store", "14:00", 1, 0, 220),
        ("minneapolis", "vendor", "12:00", 8, 2, 90),
    ),
}

_ZONES = {"BE": "Europe/Brussels", "NL": "Europe/Amsterdam", "LU": "Europe/Luxembourg"}
_US_ZONES = {
    "newark": "America/New_York",
    "atlanta": "America/New_York",
    "miami": "America/New_York",
    "dallas": "America/Chicago",
    "chicago": "America/Chicago",
    "minneapolis": "America/Chicago",
    "reno": "America/Los_Angeles",
    "los angeles": "America/Los_Angeles",
}
_NEW_YEAR, _CHRISTMAS = "FREQ=YEARLY;BYYEARDAY=1", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25"
_EASTER, _MAY_DAY = "FREQ=YEARLY;BYEASTER=1,39,50", "FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=1"
_HOLIDAYS = {
    "BE": (_NEW_YEAR, _EASTER, _MAY_DAY, "FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=21", _CHRISTMAS),
    "NL": (_NEW_YEAR, _EASTER, "FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=27", _CHRISTMAS),
    "LU": (_NEW_YEAR, _EASTER, _MAY_DAY, "FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=23", _CHRISTMAS),
    "US": (_NEW_YEAR, "FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=4", "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", _CHRISTMAS),
}

_CATEGORIES = ("kitchen", "garden", "toys", "books", "light", "sport")
_ITEMS = 60


def networks() -> tuple[str, ...]:
    """The names of the sample networks.

    >>> networks()
    ('benelux-5', 'usa-8')
    """
    return tuple(_NODES)


def _nodes(name: str) -> tuple[tuple[str, str, str, int, int, int], ...]:
    text("name of a sample network", name)
    if name not in _NODES:
        raise InvalidValue(f"no sample network {name!r}; there are {', '.join(_NODES)}")
    return _NODES[name]


def _currency(name: str) -> str:
    return "EUR" if name.startswith("benelux") else "USD"


def _point(city: str) -> GeoPoint:
    return GeoPoint(*_CITIES[city][2:4])


def network(name: str = "benelux-5") -> Network:
    """A network of real cities with cut-offs, working calendars by country, and two services with tariffs.

    Raises InvalidValue naming the networks there are.

    >>> [(node.id, node.kind) for node in network("benelux-5").nodes][:2]
    [('ghent', 'warehouse'), ('liege', '3pl')]
    """
    rows, currency = _nodes(name), _currency(name)
    nodes: list[Node] = []
    calendars: dict[str, WorkingCalendar] = {}
    for city, kind, cutoff, hours, lead, cost in rows:
        country, postcode = _CITIES[city][:2]
        zone = _ZONES.get(country) or _US_ZONES[city]
        calendar = zone.rpartition("/")[2].lower()
        days = "mon-fri" if kind in ("warehouse", "vendor", "3pl") else "mon-sat"
        calendar = f"{calendar} {days}"
        calendars[calendar] = WorkingCalendar(zone, {days: "08:00-20:00"}, closed_rules=_HOLIDAYS[country])
        nodes.append(
            Node(
                city.replace(" ", "-"),
                kind,
                name=city.title(),
                point=_point(city),
                country=country,
                postcode=postcode,
                timezone=zone,
                cutoff=cutoff,
                calendar=calendar,
                processing_hours=hours,
                lead_days=lead,
                position=len(nodes) + 1,
                priority=len(nodes) + 1,
                ships_to=frozenset("*"),
                groups={kind},
                parcel_cost=Money(cost, currency),
                line_cost=Money(35, currency),
            )
        )
    reach = (100, 250, None) if currency == "EUR" else (500, 1_500, None)

    def rates(base: int, step: int) -> list[Rate]:
        return [
            Rate(Money(base + step * band + extra, currency), km_max=km, grams_max=grams)
            for band, km in enumerate(reach)
            for grams, extra in ((1_000, 0), (5_000, 180), (20_000, 520), (None, 1_400))
        ]

    services = (
        Service("standard", rates(420, 90), [(reach[0], 1), (reach[1], 2), (None, 3)]),
        Service("express", rates(890, 240), [(reach[1], 1), (None, 2)]),
    )
    return Network(nodes, services=services, currency=currency, calendars=calendars)


def items() -> Mapping[str, Item]:
    """Sixty items by SKU, the most wanted first, with weights, categories and tags.

    >>> len(items()), items()["SKU-001"].weight_grams, items()["SKU-001"].category
    (60, 120, 'kitchen')
    """
    return _CATALOG


def _catalog() -> Mapping[str, Item]:
    rng = Rng(60)
    found = {}
    for n in range(1, _ITEMS + 1):
        tags = {"fragile"} if rng.below(5) == 0 else set()
        grams = (120, 350, 670, 1_200, 2_500, 6_000)[rng.below(6)]
        sku = f"SKU-{n:03}"
        category = _CATEGORIES[(n - 1) % len(_CATEGORIES)]
        found[sku] = Item(sku, f"{category} {n}", weight_grams=grams, tags=tags, category=category)
    return MappingProxyType(found)


_CATALOG = _catalog()


def price(sku: str, currency: str = "EUR") -> Money:
    """The price of one unit of a sample item: between 5.95 and 94.95.

    >>> str(price("SKU-001"))
    '13.95 EUR'
    """
    if sku not in _CATALOG:
        raise InvalidValue(f"no sample item {sku!r}; they are SKU-001 to SKU-{_ITEMS:03}")
    rng = Rng(int(sku[4:]) + 600)
    return Money((5 + rng.below(30) + (60 if rng.below(6) == 0 else 0)) * 100 + 95, currency)


class _Weighted(Generic[T]):
    """Options drawn by whole-number weights."""

    def __init__(self, weighted: Mapping[T, int]) -> None:
        self._options = tuple(weighted)
        self._upto = tuple(accumulate(weighted.values()))

    def draw(self, rng: Rng) -> T:
        return self._options[bisect_right(self._upto, rng.below(self._upto[-1]))]


_WANTED = _Weighted({sku: 10_000 // (rank + 5) for rank, sku in enumerate(_CATALOG, 1)})
_LINES = _Weighted({1: 60, 2: 22, 3: 10, 4: 5, 5: 3})
_UNITS = _Weighted({1: 80, 2: 15, 3: 5})
_CHANNELS = _Weighted({"web": 60, "marketplace": 30, "wholesale": 10})
_HOURS = _Weighted(dict(enumerate((1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 8, 9, 10, 9, 6, 3))))
_DAYS = 5
_WHOLESALE = 6
_UNITS_PER_ORDER = 3
"""About how many units an order has in this mix, to size stock by."""

_HOLDS = {"warehouse": (85, 4), "3pl": (85, 3), "vendor": (50, 3), "store": (40, 1)}
"""By kind of node: how many of a hundred items it holds, and its share of an item's units."""


def ledger(network: Network, *, seed: int = 0, orders: int = 2_000) -> Ledger:
    """A ledger in memory with stock of the sample items at a network's nodes, just about enough for so many orders.

    It is a little too much of some items and too little of others; for one item in three more is announced for the
    following days. Its clock stands at START.

    >>> print(ledger(network(), seed=7).availability("SKU-060"))
    SKU-060: 38 available
      ghent: on hand 14 = free 14
      liege: on hand 10 = free 10
      rotterdam: on hand 14 = free 14
    """
    rng = Rng(seed)
    books = Ledger.in_memory(lambda: START)
    weights = {sku: 10_000 // (rank + 5) for rank, sku in enumerate(_CATALOG, 1)}
    for sku in _CATALOG:
        wanted = orders * _UNITS_PER_ORDER * weights[sku] // sum(weights.values())
        units = max(6, wanted * (85 + rng.below(61)) // 100)
        holds = [node for node in network.nodes if rng.below(100) < _HOLDS[node.kind][0]] or list(network.nodes[:1])
        shares = largest_remainder(units, [_HOLDS[node.kind][1] for node in holds]) if holds else ()
        cells = {Cell(sku, node.id): n for node, n in zip(holds, shares, strict=True) if n}
        if cells:
            books.receive(cells, key=f"sample {sku}", effective_at=START)
        more, days, place = rng.below(3) == 0, 3 + rng.below(6), rng.below(max(1, len(holds)))
        if more and holds and units > 3:
            due_at = START + timedelta(days=days, hours=9)
            books.expect(f"po {sku}", sku, holds[place].id, units // 3, due_at, key=f"sample po {sku}")
    return books


def drafts(n: int, *, seed: int = 0, network: str = "benelux-5") -> tuple[Draft, ...]:
    """So many paid orders as a channel would send them, by the time they were placed, over five days from START.

    They go to cities of the sample network's countries. More of them with the same seed are others, not the same and
    more. Raises InvalidValue naming the networks there are.

    >>> first = drafts(3, seed=7)[0]
    >>> first.external_id, first.channel, first.value.currency, first.ship_to.country
    ('00001', 'web', 'EUR', 'BE')
    """
    quantity(n, "the number of orders", at_least=0)
    countries = {_CITIES[row[0]][0] for row in _nodes(network)}
    towns = _Weighted({city: row[4] for city, row in _CITIES.items() if row[0] in countries})
    currency, rng = _currency(network), Rng(seed)
    minutes = sorted((rng.below(_DAYS) * 24 + _HOURS.draw(rng)) * 60 + rng.below(60) for _ in range(n))
    return tuple(_draft(number, at, towns.draw(rng), currency, rng) for number, at in enumerate(minutes, 1))


def _draft(number: int, minute: int, city: str, currency: str, rng: Rng) -> Draft:
    channel = _CHANNELS.draw(rng)
    service = "express" if rng.below(100) < 15 else "standard"
    times = _WHOLESALE if channel == "wholesale" else 1
    wanted: dict[str, int] = {}
    for _ in range(_LINES.draw(rng)):
        sku = _WANTED.draw(rng)
        wanted[sku] = wanted.get(sku, 0) + times * _UNITS.draw(rng)
    country, postcode, latitude, longitude, _ = _CITIES[city]
    # Districts, some kilometers apart.
    point = GeoPoint(latitude + (rng.below(5) - 2) / 20, longitude + (rng.below(5) - 2) / 20)
    placed_at = START + timedelta(minutes=minute)
    days = 2 if service == "express" else 5 if channel == "wholesale" else 4
    return Draft(
        channel,
        f"{number:05}",
        currency,
        [DraftLine(str(i), sku, units, price(sku, currency)) for i, (sku, units) in enumerate(wanted.items(), 1)],
        placed_at,
        ship_to=Address(country, postcode, city=city.title(), point=point),
        service=service,
        customer=Customer(orders_before=rng.below(6)),
        payment="paid",
        deliver_by=placed_at + timedelta(days=days),
    )


def orders(n: int, *, seed: int = 0, network: str = "benelux-5") -> tuple[Demand, ...]:
    """The orders of `drafts`, accepted, as routing reads them: ready to be routed, simulated and planned.

    >>> some = orders(200, seed=7)
    >>> some[17].id, some[17].service, some[17].needs
    ('ord-00018', 'express', (('SKU-001', 1),))
    """
    found = []
    for draft in drafts(n, seed=seed, network=network):
        at = draft.placed_at
        order = fold([Captured(f"ord-{draft.external_id}", draft, at), Accepted(at)])
        demand = demand_of(order, _CATALOG)
        if demand is not None:
            found.append(demand)
    return tuple(found)


__all__ = ["START", "networks", "network", "items", "price", "ledger", "drafts", "orders"]
