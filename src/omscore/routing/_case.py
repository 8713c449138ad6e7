"""The case: everything one decision looks at, with nodes as bit positions.

Node i of the sorted network is bit 1 << i, so that a set of nodes is one int, and the lowest bit is the first id.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Any
from zoneinfo import ZoneInfo

from omscore.errors import DefinitionError
from omscore.kernel import EARTH_RADIUS_M, Address, CutOff, Money, distance_m
from omscore.routing._demand import Demand, Facts, Stock, StockView
from omscore.routing._masks import bits
from omscore.routing._network import FREE, Band, Network, Node

DistanceOf = Callable[[Node, Address], "int | None"]
QuoteOf = Callable[[Node, Demand, int], "Money | None"]
PLACES_MAX = 4096


class Grid:
    """A network turned into columns and masks, once."""

    __slots__ = (
        "_caps",
        "_days",
        "active",
        "calendars",
        "cosines",
        "cutoffs",
        "fixed",
        "full",
        "ids",
        "index",
        "network",
        "nodes",
        "points",
        "quote_of",
        "sized",
        "steps_max",
        "zones",
    )

    def __init__(self, network: Network, quote_of: QuoteOf | None = None, steps_max: int = 20_000) -> None:
        self.quote_of = quote_of
        self.steps_max = steps_max
        self._caps: tuple[Facts, Row] | None = None
        self._days: tuple[datetime, dict[int, date | None], dict[int, bool]] | None = None
        self.network = network
        self.nodes = network.nodes
        self.ids = tuple(node.id for node in network.nodes)
        self.index = {id_: i for i, id_ in enumerate(self.ids)}
        self.full = (1 << len(self.nodes)) - 1
        self.active = self.where(lambda node: node.active)
        self.points = tuple(
            None if n.point is None else (radians(n.point.latitude), radians(n.point.longitude)) for n in self.nodes
        )
        self.cosines = tuple(None if p is None else cos(p[0]) for p in self.points)
        self.zones = tuple(ZoneInfo(n.timezone) for n in self.nodes)
        self.cutoffs = tuple(CutOff(n.cutoff, n.timezone) if n.cutoff else None for n in self.nodes)
        self.calendars = tuple(network.calendars.get(n.calendar) for n in self.nodes)
        self.fixed = tuple(
            (
                n.parcel_cost.minor if n.parcel_cost else 0,
                n.line_cost.minor if n.line_cost else 0,
                n.unit_cost.minor if n.unit_cost else 0,
            )
            for n in self.nodes
        )
        self.sized = any(line or unit for _, line, unit in self.fixed)

    def weight_steps(self) -> tuple[dict[str, tuple[int, ...]], tuple[int, ...]]:
        """The weights at which a tariff changes, by service, and those of any other service id."""
        steps = {
            service.id: tuple(sorted({row.grams_max for row in service.rates if row.grams_max is not None}))
            for service in self.network.services
        }
        return steps, steps.get("", ())

    def where(self, holds: Callable[[Node], bool]) -> int:
        """The mask of the nodes for which something holds."""
        return sum(1 << i for i, node in enumerate(self.nodes) if holds(node))

    def caps(self, facts: Facts) -> Row:
        """Units each node can still take, as a row; facts do not change, so the last ones are remembered."""
        known = self._caps
        if known is None or known[0] is not facts:
            known = self._caps = (facts, Row("", None, tuple(_room(node, facts) for node in self.nodes)))
        return known[1]

    def days(self, now: datetime) -> tuple[dict[int, date | None], dict[int, bool]]:
        """What was already worked out for a moment: by node the day it sends, and whether it still sends today."""
        known = self._days
        if known is None or known[0] != now:
            known = self._days = (now, {}, {})
        return known[1], known[2]

    def between(self, a: int, b: int) -> int | None:
        """The great-circle distance of two nodes in meters; None when one has no coordinates."""
        here, there = self.nodes[a].point, self.nodes[b].point
        return None if here is None or there is None else round(distance_m(here, there))

    def mask_of(self, ids: Any) -> int:
        """The mask of the nodes with these ids; unknown ids count for nothing."""
        mask = 0
        for id_ in ids:
            if id_ in self.index:
                mask |= 1 << self.index[id_]
        return mask


TRANSFER = "transfer"
"""The service by which units go from one node to another."""
NO_LIMIT = 2**62
"""The room of a node without a limit."""


def _room(node: Node, facts: Facts) -> int:
    orders = facts.orders_left.get(node.id, node.capacity_orders)
    if orders is not None and orders < 1:
        return 0
    units = facts.capacity_left.get(node.id, node.capacity_units)
    room = NO_LIMIT if units is None else units
    minutes = facts.minutes_left.get(node.id, node.capacity_minutes)
    if minutes is not None:
        left = minutes - node.minutes_per_order
        fits = left // node.minutes_per_unit if node.minutes_per_unit else NO_LIMIT
        room = min(room, fits if left >= 0 else 0)
    return room


class Row:
    """Units of one item at every node, with masks by quantity made when first asked."""

    __slots__ = ("_floors", "any", "item", "masks", "units", "version")

    def __init__(self, item: str, version: Any, units: tuple[int, ...]) -> None:
        self.item = item
        self.version = version
        self.units = units
        self.any = sum(1 << i for i, n in enumerate(units) if n > 0)
        self.masks: dict[int, int] = {1: self.any}
        self._floors: dict[tuple[int, bool, bool], Row] = {}

    def at_least(self, n: int) -> int:
        """The nodes with n units or more."""
        mask = self.masks.get(n)
        if mask is None:
            mask = self.masks[n] = sum(1 << i for i in bits(self.any) if self.units[i] >= n)
        return mask

    def above(self, floor: int, *, after: bool, more: bool) -> Row:
        """The units that may be taken while the floor is kept, either after taking or before."""
        found = self._floors.get((floor, after, more))
        if found is None:
            low = floor + 1 if more else floor
            units = tuple(max(0, n - low) if after else (n if n >= low else 0) for n in self.units)
            found = self._floors[floor, after, more] = Row(self.item, self.version, units)
        return found


class Levels:
    """The rows of one stock view, read once per version of an item."""

    __slots__ = ("_ids", "_rows", "_version", "stock")

    def __init__(self, stock: StockView, ids: tuple[str, ...]) -> None:
        self.stock = stock
        self._ids = ids
        self._rows: dict[str, Row] = {}
        # Our own stock's versions are read straight from its dict, which saves a call for each line.
        self._version: Callable[[str], Any] | None = (
            stock.versions.get if isinstance(stock, Stock) else getattr(stock, "version", None)
        )

    def row(self, item: str) -> Row:
        """The item's units at all nodes, current."""
        if self._version is None:
            return self._read(item, None)
        version = self._version(item)
        row = self._rows.get(item)
        if row is None or row.version != version:
            row = self._rows[item] = self._read(item, version)
        return row

    def needs(self, asked: tuple[tuple[str, int], ...]) -> tuple[tuple[Row, int], ...]:
        """The rows of all items asked, with the units."""
        version, rows = self._version, self._rows
        out = []
        for item, n in asked:
            row = rows.get(item)
            if row is None or version is None or row.version != version(item):
                row = self.row(item)
            out.append((row, n))
        return tuple(out)

    def _read(self, item: str, version: Any) -> Row:
        available = self.stock.available
        return Row(item, version, tuple(available(id_, item) for id_ in self._ids))


class Place:
    """A destination seen from the network: distances, tariff bands and rankings, kept for the next order there."""

    __slots__ = ("_bands", "_days", "grid", "meters", "near", "ranks")

    def __init__(self, grid: Grid, demand: Demand, distance_of: DistanceOf | None) -> None:
        self.grid = grid
        self.meters = _distances(grid, demand, distance_of)
        self.near: dict[int, int] = {}
        self._bands: dict[str, tuple[Band, ...]] = {}
        self._days: dict[str, tuple[int | None, ...]] = {}
        self.ranks: dict[Any, Any] = {}

    def within(self, meters: int) -> int:
        """The nodes at most this far; an unknown distance is never within."""
        mask = self.near.get(meters)
        if mask is None:
            mask = sum(1 << i for i, d in enumerate(self.meters) if d is not None and d <= meters)
            self.near[meters] = mask
        return mask

    def bands(self, service_id: str) -> tuple[Band, ...]:
        """Per node the weight limits and prices of a service's tariff."""
        found = self._bands.get(service_id)
        if found is None:
            service = self.grid.network.service(service_id)
            found = (FREE,) * len(self.meters) if service is None else service.bands(self.meters)
            self._bands[service_id] = found
        return found

    def days(self, service_id: str) -> tuple[int | None, ...]:
        """Per node the days in transit of a service; None when it does not serve the distance."""
        found = self._days.get(service_id)
        if found is None:
            service = self.grid.network.service(service_id)
            found = tuple(0 if service is None else service.days(d) for d in self.meters)
            self._days[service_id] = found
        return found


def _distances(grid: Grid, demand: Demand, distance_of: DistanceOf | None) -> tuple[int | None, ...]:
    place = demand.destination
    if place is None:
        return (None,) * len(grid.nodes)
    if distance_of is not None:
        return tuple(distance_of(node, place) for node in grid.nodes)
    if place.point is None:
        return (None,) * len(grid.nodes)
    # The kernel's distance_m with the nodes' radians and cosines computed once; the same figures, three times as fast.
    lat, lon = radians(place.point.latitude), radians(place.point.longitude)
    cos_lat = cos(lat)
    out: list[int | None] = []
    for point, cosine in zip(grid.points, grid.cosines, strict=True):
        if point is None or cosine is None:
            out.append(None)
            continue
        a, b = sin((lat - point[0]) / 2), sin((lon - point[1]) / 2)
        out.append(round(2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(a * a + cosine * cos_lat * b * b)))))
    return tuple(out)


NOTHING_SPARE: Mapping[str, Row] = {}
"""No substitutes' figures."""


class Case:
    """One demand at one moment: what generated code reads as `x`."""

    __slots__ = ("asked", "base", "demand", "facts", "grid", "needs", "now", "place", "rows", "spare")

    def __init__(
        self,
        grid: Grid,
        demand: Demand,
        rows: tuple[tuple[Row, int], ...],
        place: Place,
        facts: Facts,
        now: datetime | None,
        spare: Mapping[str, Row] = NOTHING_SPARE,
    ) -> None:
        self.grid = grid
        self.demand = demand
        self.spare = spare
        # The case as it was asked, where this one has a substitute in it.
        self.asked: Case | None = None
        self.rows = rows
        self.needs = rows
        self.place = place
        self.facts = facts
        self.now = now
        base = grid.active
        if demand.excluded:
            base &= ~grid.mask_of(demand.excluded)
        if demand.pickup:
            base &= grid.mask_of((demand.wished,))
        self.base = base

    def instead(self, demand: Demand) -> Case:
        """The same case with a demand in which some lines have a substitute."""
        rows = {row.item: row for row, _ in self.rows} | dict(self.spare)
        needs = tuple([(rows[item], n) for item, n in demand.needs])
        other = Case(self.grid, demand, needs, self.place, self.facts, self.now, self.spare)
        other.asked = self
        return other

    def at(self, now: datetime) -> Case:
        """The same case at another moment."""
        if now == self.now:
            return self
        return Case(self.grid, self.demand, self.rows, self.place, self.facts, now, self.spare)

    def anywhere(self) -> int:
        """The active nodes that are not excluded, wherever the order is to be fetched: who may bring its rest."""
        mask = self.grid.active
        return mask & ~self.grid.mask_of(self.demand.excluded) if self.demand.excluded else mask

    def covers_any(self) -> int:
        """The nodes with at least one unit of something asked."""
        mask = 0
        for row, _ in self.needs:
            mask |= row.any
        return mask

    def covers_line(self) -> int:
        """The nodes with all units of at least one item asked."""
        mask = 0
        for row, n in self.needs:
            mask |= row.at_least(n)
        return mask

    def covers_all(self) -> int:
        """The nodes with everything asked."""
        mask = -1
        for row, n in self.needs:
            there = row.masks.get(n)
            mask &= row.at_least(n) if there is None else there
        return mask

    def age_hours(self) -> float | None:
        """Hours since the order was placed, or None."""
        placed = self.demand.placed_at
        return None if placed is None or self.now is None else (self.now - placed) / timedelta(hours=1)

    def hours_to_promise(self) -> float | None:
        """Hours until the promised date, negative when it has passed, or None."""
        promised = self.demand.promised_at
        return None if promised is None or self.now is None else (promised - self.now) / timedelta(hours=1)

    def cost(self, i: int, grams: int, lines: int, units: int) -> int | None:
        """What a parcel from a node costs in minor units: tariff and the node's own costs; None when not served."""
        if self.grid.quote_of is not None:
            quoted = self.grid.quote_of(self.grid.nodes[i], self.demand, grams)
            price = None if quoted is None else quoted.minor
        else:
            price = None
            limits, prices = self.place.bands(self.demand.service)[i]
            row = bisect_left(limits, grams)
            if row < len(prices):
                price = prices[row]
        if price is None:
            return None
        parcel, per_line, per_unit = self.grid.fixed[i]
        return price + parcel + per_line * lines + per_unit * units

    def whole_cost(self, i: int) -> int | None:
        """What the whole demand costs from one node."""
        d = self.demand
        return self.cost(i, d.grams, d.line_count, d.units)

    def leaves_on(self, i: int) -> date | None:
        """The local day on which a parcel leaves a node; None without a moment, or when the node never opens.

        Processing counts in the hours the node works, lead time in its working days, and what is ready after the
        cut-off leaves on the next working day.
        """
        if self.now is None:
            return None
        days = self.grid.days(self.now)[0]
        if i not in days:
            try:
                days[i] = self._leaves_on(i, self.now)
            except DefinitionError:  # no working day within the calendar's horizon
                days[i] = None
        return days[i]

    def _leaves_on(self, i: int, now: datetime) -> date:
        node, cutoff, calendar = self.grid.nodes[i], self.grid.cutoffs[i], self.grid.calendars[i]
        ready = now
        if node.processing_hours:
            duration = timedelta(hours=node.processing_hours)
            ready = now + duration if calendar is None else calendar.add_working_time(now, duration)
        day = ready.astimezone(self.grid.zones[i]).date() if cutoff is None else cutoff.day(ready, calendar)
        if calendar is not None:
            return calendar.working_days_after(day, node.lead_days)
        return day + timedelta(days=node.lead_days)

    def leaves_today(self, i: int) -> bool:
        """Whether the order still makes today's cut-off at a node, processing and lead time aside."""
        if self.now is None:
            return True
        days = self.grid.days(self.now)[1]
        if i not in days:
            days[i] = self._leaves_today(i, self.now)
        return days[i]

    def _leaves_today(self, i: int, now: datetime) -> bool:
        today = now.astimezone(self.grid.zones[i]).date()
        cutoff, calendar = self.grid.cutoffs[i], self.grid.calendars[i]
        if cutoff is None:
            return calendar is None or calendar.is_working_day(today)
        try:
            return cutoff.day(now, calendar) == today
        except DefinitionError:  # no working day within the calendar's horizon
            return False

    def leaves_at(self, i: int) -> datetime | None:
        """The end of the day on which a parcel leaves a node; None when that is not known."""
        leaves = self.leaves_on(i)
        if leaves is None:
            return None
        return datetime.combine(leaves + timedelta(days=1), time(), tzinfo=self.grid.zones[i]).astimezone(UTC)

    def transfer_arrives(self, donor: int, i: int) -> datetime | None:
        """When units sent from one node to another have surely arrived; None when that is not known.

        They travel by the network's service "transfer", or by its default one.
        """
        leaves, service = self.leaves_on(donor), self.grid.network.service(TRANSFER)
        days = 0 if service is None else service.days(self.grid.between(donor, i))
        if leaves is None or days is None:
            return None
        there = leaves + timedelta(days=days + 1)
        return datetime.combine(there, time(), tzinfo=self.grid.zones[i]).astimezone(UTC)

    def transfer_cost(self, donor: int, i: int, grams: int) -> int | None:
        """What sending units from one node to another costs by the service "transfer"; nothing without that service."""
        service = self.grid.network.service(TRANSFER)
        if service is None or service.id != TRANSFER:
            return 0
        limits, prices = service.bands([self.grid.between(donor, i)])[0]
        row = bisect_left(limits, grams)
        return prices[row] if row < len(prices) else None

    def arrives(self, i: int) -> datetime | None:
        """When a parcel from a node has surely arrived: the end of the day it leaves plus the days in transit."""
        return self._there(i, self.leaves_on(i))

    def arrives_if_gone(self, i: int) -> datetime | None:
        """The same for a parcel that is handed over at a node now: no work is left, and the cut-off counts."""
        if self.now is None:
            return None
        cutoff = self.grid.cutoffs[i]
        try:
            today = self.now.astimezone(self.grid.zones[i]).date()
            return self._there(i, today if cutoff is None else cutoff.day(self.now, self.grid.calendars[i]))
        except DefinitionError:  # no working day within the calendar's horizon
            return None

    def _there(self, i: int, leaves: date | None) -> datetime | None:
        """The end of the day on which a parcel that leaves a node on a day has surely arrived."""
        days = self.place.days(self.demand.service)[i]
        if days is None or leaves is None:
            return None
        service = self.grid.network.service(self.demand.service)
        calendar = None if service is None else self.grid.network.calendars.get(service.calendar)
        try:
            there = leaves + timedelta(days=days) if calendar is None else calendar.working_days_after(leaves, days)
        except DefinitionError:
            return None
        return datetime.combine(there + timedelta(days=1), time(), tzinfo=self.grid.zones[i])
