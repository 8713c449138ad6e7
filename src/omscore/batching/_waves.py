"""What is released together: waves by cut-off, groups of lines, zones with consolidation, orders for one item."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from attrs import evolve, field, frozen

from omscore.batching._floor import Floor
from omscore.batching._orders import Limits, PickLine, PickOrder
from omscore.batching._plan import AnyFloor, BatchPlan, Cart, Refused, plan
from omscore.errors import DefinitionError, InvalidValue, Reason
from omscore.kernel import utc
from omscore.kernel.given import listed

Key = TypeVar("Key", bound=Hashable)


def _room(_owner: Any, attribute: Any, value: Any) -> None:
    if value is not None and (type(value) is not int or value < 1):
        raise DefinitionError(f"{attribute.name} must be a whole number of at least 1, not {value!r}")


def _aware(owner: Any, _attribute: Any, value: datetime) -> None:
    utc(value, f"the time of cut-off {owner.id!r}")


@frozen
class CarrierCutOff:
    """When a lane's orders must be picked to leave with their carrier, and how much can be until then.

    >>> from datetime import UTC
    >>> CarrierCutOff("noon", "parcel", datetime(2026, 3, 2, 12, tzinfo=UTC), units_max=400).lane
    'parcel'
    """

    id: str
    lane: str
    at: datetime = field(validator=_aware)
    orders_max: int | None = field(default=None, validator=_room)
    units_max: int | None = field(default=None, validator=_room)


@frozen
class Wave:
    """Orders released together to make one cut-off.

    >>> from datetime import UTC
    >>> Wave(CarrierCutOff("noon", "parcel", datetime(2026, 3, 2, 12, tzinfo=UTC)), ()).orders
    ()
    """

    cutoff: CarrierCutOff
    orders: tuple[PickOrder, ...]


def waves(
    orders: Iterable[PickOrder], cutoffs: Iterable[CarrierCutOff]
) -> tuple[tuple[Wave, ...], tuple[Refused, ...]]:
    """Orders by the cut-off they leave with: the earliest of their lane that has room, and no later than they are due.

    Higher priority chooses first, then the earlier due, then the order given. Gives the waves in the order of their
    cut-offs, empty ones left out, and the orders that make none. Raises DefinitionError for two cut-offs of one id.

    >>> from datetime import UTC
    >>> noon, five = (
    ...     CarrierCutOff(str(h), "parcel", datetime(2026, 3, 2, h, tzinfo=UTC), orders_max=1) for h in (12, 17)
    ... )
    >>> made, late = waves([PickOrder(id, [], lane="parcel") for id in ("a", "b", "c")], [five, noon])
    >>> [(wave.cutoff.id, [order.id for order in wave.orders]) for wave in made], late[0].order
    ([('12', ['a']), ('17', ['b'])], 'c')
    """
    times = listed("cutoffs", cutoffs, CarrierCutOff, "CarrierCutOff('noon', 'parcel', at)")
    ahead = sorted(times, key=lambda cutoff: (cutoff.at, cutoff.id))
    ids = [cutoff.id for cutoff in ahead]
    if twice := [id_ for id_ in ids if ids.count(id_) > 1]:
        raise DefinitionError(f"two cut-offs have the id {twice[0]!r}; give each its own")
    taken: list[list[PickOrder]] = [[] for _ in ahead]
    refused: list[Refused] = []
    asked = listed("orders", orders, PickOrder, "PickOrder('o-1', lines)")
    for order in sorted(asked, key=lambda o: (-o.priority, o.due is None, o.due.timestamp() if o.due else 0)):
        for cutoff, held in zip(ahead, taken, strict=True):
            if (
                cutoff.lane == order.lane
                and (order.due is None or cutoff.at <= order.due)
                and _has_room(cutoff, held, order)
            ):
                held.append(order)
                break
        else:
            by = f" by {order.due.isoformat()}" if order.due else ""
            text = f"order {order.id!r}: no cut-off of lane {order.lane!r}{by} has room"
            refused.append(Refused(order.id, Reason("batching.no_wave", text, {"order": order.id, "lane": order.lane})))
    made = [Wave(cutoff, tuple(held)) for cutoff, held in zip(ahead, taken, strict=True) if held]
    return tuple(made), tuple(refused)


def _has_room(cutoff: CarrierCutOff, held: Sequence[PickOrder], order: PickOrder) -> bool:
    if cutoff.orders_max is not None and len(held) >= cutoff.orders_max:
        return False
    return cutoff.units_max is None or sum(o.units for o in held) + order.units <= cutoff.units_max


def group_lines(
    orders: Iterable[PickOrder], key: Callable[[PickOrder, PickLine], Key]
) -> dict[Key, tuple[PickOrder, ...]]:
    """Orders split by a key of their lines: for each key the parts of orders that have it, keys as they first appear.

    >>> items = ["mug", "cup", "mug"]
    >>> order = PickOrder("o-1", [PickLine("o-1", str(n), item, 1, "0-0") for n, item in enumerate(items)])
    >>> parts = group_lines([order], lambda order, line: line.item)
    >>> {item: len(orders[0].lines) for item, orders in parts.items()}
    {'mug': 2, 'cup': 1}
    """
    groups: dict[Key, dict[str, tuple[PickOrder, list[PickLine]]]] = {}
    for order in orders:
        for line in order.lines:
            groups.setdefault(key(order, line), {}).setdefault(order.id, (order, []))[1].append(line)
    return {
        found: tuple(evolve(order, lines=lines) for order, lines in parts.values()) for found, parts in groups.items()
    }


@frozen
class ZonePicks:
    """Orders split by zone: each zone's parts, what lies in no listed zone, and the orders to bring together again.

    `consolidate` gives, for every order picked in more than one zone, its zones (the rest counts as zone "").

    >>> ZonePicks({}, (), {}).consolidate
    {}
    """

    zones: Mapping[str, tuple[PickOrder, ...]]
    rest: tuple[PickOrder, ...]
    consolidate: Mapping[str, tuple[str, ...]]


def by_zone(orders: Iterable[PickOrder], floor: Floor, zones: Iterable[str]) -> ZonePicks:
    """Orders split among zones, for pickers who stay in one.

    A bin's zone is a path such as `cold/upper`; a line goes to the deepest listed zone that holds its bin. Raises
    InvalidValue for a bin that is not on the floor.

    >>> from omscore.batching import Bin
    >>> floor = Floor(2, 2, [Bin("A", 0, 0, zone="cold/upper"), Bin("B", 1, 1, zone="cold")])
    >>> order = PickOrder("o-1", [PickLine("o-1", bin, "item", 1, bin) for bin in "AB"])
    >>> made = by_zone([order], floor, ["cold", "cold/upper"])
    >>> {zone: [line.bin for line in parts[0].lines] for zone, parts in made.zones.items()}, made.consolidate
    ({'cold': ['B'], 'cold/upper': ['A']}, {'o-1': ('cold', 'cold/upper')})
    """
    listed = list(dict.fromkeys(zones))
    deepest = sorted(listed, key=lambda zone: (-zone.count("/"), zone))

    def zone_of(_order: PickOrder, line: PickLine) -> str:
        path = floor.bin(line.bin).zone + "/"
        return next((zone for zone in deepest if path.startswith(zone + "/")), "")

    found = group_lines(orders, zone_of)
    parts = {zone: tuple(evolve(o, zone=zone) for o in found[zone]) for zone in listed if zone in found}
    rest = found.get("", ())
    homes: dict[str, list[str]] = {}
    for zone, members in (*parts.items(), ("", rest)):
        for order in members:
            homes.setdefault(order.id, []).append(zone)
    return ZonePicks(parts, rest, {order: tuple(names) for order, names in homes.items() if len(names) > 1})


def by_item(
    orders: Iterable[PickOrder], *, orders_min: int = 2
) -> tuple[dict[str, tuple[PickOrder, ...]], tuple[PickOrder, ...]]:
    """Orders that want one and the same item only, at least `orders_min` of them, and all others.

    Such orders are picked in one go and need no sorting into totes.

    >>> wanted = {"a": "mug", "b": "cup", "c": "mug"}
    >>> orders = [PickOrder(id, [PickLine(id, "1", item, 1, "0-0")]) for id, item in wanted.items()]
    >>> same, others = by_item(orders)
    >>> {item: [order.id for order in group] for item, group in same.items()}, [order.id for order in others]
    ({'mug': ['a', 'c']}, ['b'])
    """
    asked = list(orders)
    groups: dict[str, list[PickOrder]] = {}
    for order in asked:
        items = {line.item for line in order.lines}
        if len(items) == 1:
            groups.setdefault(items.pop(), []).append(order)
    same = {item: tuple(group) for item, group in groups.items() if len(group) >= orders_min}
    gone = {order.id for group in same.values() for order in group}
    return same, tuple(order for order in asked if order.id not in gone)


def replan(
    previous: BatchPlan,
    started: Iterable[str],
    orders: Iterable[PickOrder],
    floor: AnyFloor,
    limits: Limits | Sequence[Cart],
    **how: Any,
) -> BatchPlan:
    """Plan again when orders have come in: batches already started stay as they are, all other orders are planned anew.

    `started` are ids of batches of the previous plan; `orders` all that are open, old and new; `how` as for `plan`. New
    batches are numbered on. Raises InvalidValue for a started batch that the previous plan does not have.

    >>> floor, limits = Floor.parallel(aisles=2, cells=5), Limits(orders_max=2)
    >>> bins = {"a": "0-1", "b": "1-1", "c": "1-2"}
    >>> a, b, c = (PickOrder(id, [PickLine(id, "1", "item", 1, bin)]) for id, bin in bins.items())
    >>> before = plan([a, b], floor, Limits(orders_max=1))
    >>> after = replan(before, ["batch-1"], [a, b, c], floor, limits)
    >>> [(batch.id, batch.orders) for batch in after.batches]
    [('batch-1', ('a',)), ('batch-3', ('b', 'c'))]
    """
    named = {batch.id: batch for batch in previous.batches}
    kept = []
    for batch_id in dict.fromkeys(started):
        if batch_id not in named:
            raise InvalidValue(f"batch {batch_id!r} is not in the previous plan; it has: {', '.join(named) or 'none'}")
        kept.append(named[batch_id])
    busy = {order for batch in kept for order in batch.orders}
    how.setdefault("first_number", len(previous.batches) + 1)
    fresh = plan([order for order in orders if order.id not in busy], floor, limits, **how)
    distance = sum(batch.tour.length_mm for batch in kept) + fresh.distance_mm
    return evolve(fresh, batches=(*kept, *fresh.batches), distance_mm=distance, lower_bound_mm=None)


@frozen
class Mode:
    """One way of planning, kept as a value: the limits and how they are used.

    >>> floor = Floor.parallel(aisles=2, cells=5)
    >>> Mode(Limits(orders_max=9), method="first_come", rule="s_shape").plan([], floor).rule
    's_shape'
    """

    limits: Limits | tuple[Cart, ...]
    method: str = "savings"
    rule: str | None = None
    steps_max: int | None = None
    seed: int = 0

    def plan(self, orders: Iterable[PickOrder], floor: AnyFloor) -> BatchPlan:
        """Plan in this way; see `plan`.

        >>> Mode(Limits()).plan([], Floor.parallel(aisles=1, cells=1)).batches
        ()
        """
        return plan(
            orders, floor, self.limits, method=self.method, rule=self.rule, steps_max=self.steps_max, seed=self.seed
        )


@frozen
class Modes:
    """How to plan on a normal day and in a surge; whoever watches the load says which.

    >>> modes = Modes(Mode(Limits(), "search", steps_max=50_000), Mode(Limits(same=("region",)), "savings"))
    >>> modes.when(surging=True).method
    'savings'
    """

    normal: Mode
    surge: Mode

    def when(self, *, surging: bool) -> Mode:
        """The mode to plan in.

        >>> Modes(Mode(Limits()), Mode(Limits(), "first_come")).when(surging=False).method
        'savings'
        """
        return self.surge if surging else self.normal
