"""Capacity: what nodes have been given in a slot, and what they can still take in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from omscore.kernel import utc
from omscore.routing._demand import NO_FACTS, Facts
from omscore.routing._network import Network, Node


@frozen
class Load:
    """What a node has been given in one slot: orders, units, and the minutes of work they are.

    >>> Load(1, 2, 10) + Load(1, 1, 5)
    Load(orders=2, units=3, minutes=15)
    """

    orders: int = 0
    units: int = 0
    minutes: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(self.orders + other.orders, self.units + other.units, self.minutes + other.minutes)

    def __sub__(self, other: Load) -> Load:
        return Load(self.orders - other.orders, self.units - other.units, self.minutes - other.minutes)


NO_LOAD = Load()


def load_of(node: Node, units: int) -> Load:
    """What one order's share of so many units is for a node; nothing when there are none.

    >>> load_of(Node("A", minutes_per_order=5, minutes_per_unit=2), 3)
    Load(orders=1, units=3, minutes=11)
    """
    return Load(1, units, node.minutes_per_order + node.minutes_per_unit * units) if units else NO_LOAD


def is_limited(node: Node) -> bool:
    """Whether a node has any capacity to count.

    >>> is_limited(Node("A")), is_limited(Node("A", capacity_units=0))
    (False, True)
    """
    return (node.capacity_orders, node.capacity_units, node.capacity_minutes) != (None, None, None)


def slot_start(node: Node, at: datetime) -> datetime:
    """When the slot that holds a moment began, by the node's own clock, as UTC.

    >>> from datetime import UTC
    >>> slot_start(Node("A", timezone="Europe/Brussels", slot_hours=4), datetime(2026, 3, 2, 9, 30, tzinfo=UTC)).hour
    7
    """
    local = utc(at, "at").astimezone(ZoneInfo(node.timezone))
    hour = local.hour - local.hour % node.slot_hours
    return utc(datetime.combine(local.date(), time(hour), tzinfo=local.tzinfo))


def slot_end(node: Node, at: datetime) -> datetime:
    """When the slot that holds a moment ends, by the node's own clock, as UTC.

    >>> from datetime import UTC
    >>> slot_end(Node("A", slot_hours=12), datetime(2026, 3, 2, 9, 30, tzinfo=UTC)).hour
    12
    """
    local = utc(at, "at").astimezone(ZoneInfo(node.timezone))
    hour = local.hour - local.hour % node.slot_hours + node.slot_hours
    day = local.date() + timedelta(days=hour // 24)
    return utc(datetime.combine(day, time(hour % 24), tzinfo=local.tzinfo))


def limited(network: Network) -> tuple[Node, ...]:
    """The nodes whose capacity is counted.

    >>> limited(Network([Node("A"), Node("B", capacity_orders=5)]))[0].id
    'B'
    """
    return tuple(node for node in network.nodes if is_limited(node))


def capacity_left(nodes: Iterable[Node], given: Mapping[str, Load], facts: Facts = NO_FACTS) -> Facts:
    """Facts with what nodes can still take after what they have been given by now (node ids -> Load).

    What the facts say themselves of a node is the host's own figure and counts as it is.

    >>> capacity_left([Node("A", capacity_orders=5)], {"A": Load(2, 3)}).orders_left
    mappingproxy({'A': 3})
    """
    orders, units, minutes = dict[str, int](), dict[str, int](), dict[str, int]()
    for node in nodes:
        load = given.get(node.id, NO_LOAD)
        if load == NO_LOAD:
            continue
        if node.capacity_orders is not None:
            orders[node.id] = node.capacity_orders - load.orders
        if node.capacity_units is not None:
            units[node.id] = node.capacity_units - load.units
        if node.capacity_minutes is not None:
            minutes[node.id] = node.capacity_minutes - load.minutes
    if not (orders or units or minutes):
        return facts
    return evolve(
        facts,
        orders_left=orders | dict(facts.orders_left),
        capacity_left=units | dict(facts.capacity_left),
        minutes_left=minutes | dict(facts.minutes_left),
    )


class Slots:
    """What the nodes of a network have been given, slot by slot, counted in memory: for runs that try things out.

    >>> from datetime import UTC
    >>> slots = Slots(Network([Node("A", capacity_orders=1)]))
    >>> monday = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> slots.take("A", 2, monday)
    >>> slots.facts(monday).orders_left["A"], slots.facts(monday + timedelta(days=1)).orders_left
    (0, mappingproxy({}))
    """

    __slots__ = ("_given", "_nodes")

    def __init__(self, network: Network) -> None:
        self._nodes = {node.id: node for node in limited(network)}
        self._given: dict[tuple[str, datetime | None], Load] = {}

    def _slot(self, node: Node, at: datetime | None) -> tuple[str, datetime | None]:
        return node.id, None if at is None else slot_start(node, at)

    def take(self, node: str, units: int, at: datetime | None) -> None:
        """Count an order's share for a node; one without a limit is not counted.

        >>> Slots(Network([Node("A")])).take("A", 2, None)
        """
        if (limited := self._nodes.get(node)) is not None:
            slot = self._slot(limited, at)
            self._given[slot] = self._given.get(slot, NO_LOAD) + load_of(limited, units)

    def facts(self, at: datetime | None, facts: Facts = NO_FACTS) -> Facts:
        """Facts with what is left at a moment.

        >>> Slots(Network([Node("A")])).facts(None).orders_left
        mappingproxy({})
        """
        if not self._nodes or not self._given:
            return facts
        given = {id_: self._given.get(self._slot(node, at), NO_LOAD) for id_, node in self._nodes.items()}
        return capacity_left(self._nodes.values(), given, facts)
