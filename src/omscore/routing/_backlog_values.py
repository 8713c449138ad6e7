"""What a backlog asks and what a plan answers: plain values, which planners and their parts share."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from omscore.errors import InvalidValue

COST_MAX = 10**18
"""The dearest anything may be, in minor units."""


@frozen
class BacklogOrder:
    """One waiting order: per line the item, the units, what it costs from each node, and what leaving it out costs.

    `nodes` is the bitmask of nodes that may serve the order (None: all). A line ships whole from one node, or not.

    >>> BacklogOrder(items=(0,), units=(2,), fixed=(500, 600), line_costs=((40, 30),), unfilled=(2_000,)).units
    (2,)
    """

    items: Sequence[int]
    units: Sequence[int]
    fixed: Sequence[int]
    line_costs: Sequence[Sequence[int]]
    unfilled: Sequence[int]
    split_penalty: int = 0
    nodes: int | None = None


@frozen
class Backlog:
    """Waiting orders, the most urgent first, and the units of each item at each node: `stock[item][node]`.

    >>> Backlog(orders=(), stock=((3, 0), (1, 2))).nodes
    2
    """

    orders: Sequence[BacklogOrder]
    stock: Sequence[Sequence[int]]

    @property
    def nodes(self) -> int:
        """How many nodes there are.

        >>> Backlog(orders=(), stock=()).nodes
        0
        """
        return len(self.stock[0]) if self.stock else 0

    def check(self) -> None:
        """Refuse a backlog that makes no sense, with InvalidValue.

        >>> Backlog(orders=(BacklogOrder((7,), (1,), (5,), ((0,),), (9,)),), stock=((1,),)).check()
        Traceback (most recent call last):
        omscore.errors.InvalidValue: order 0 asks for item 7, but stock lists 1 items
        """
        nodes = self.nodes
        if any(len(row) != nodes or any(n < 0 for n in row) for row in self.stock):
            raise InvalidValue(f"stock needs {nodes} figures of 0 or more for each item")
        for o, order in enumerate(self.orders):
            lines = len(order.items)
            if not lines or len(order.units) != lines or len(order.unfilled) != lines or len(order.line_costs) != lines:
                raise InvalidValue(f"order {o} needs an item, units, costs and an unfilled price for each line")
            for item in order.items:
                if not 0 <= item < len(self.stock):
                    raise InvalidValue(f"order {o} asks for item {item}, but stock lists {len(self.stock)} items")
            if len(set(order.items)) != lines:
                raise InvalidValue(f"order {o} names an item twice; sum its lines first")
            if len(order.fixed) != nodes or any(len(row) != nodes for row in order.line_costs):
                raise InvalidValue(f"order {o} needs a cost for each of the {nodes} nodes")
            figures = (
                *order.fixed,
                *order.unfilled,
                order.split_penalty,
                *(c for row in order.line_costs for c in row),
            )
            if min(order.units) < 1 or min(figures) < 0:
                raise InvalidValue(f"order {o} has units below 1 or a cost below 0")
            if max(figures) > COST_MAX:
                raise InvalidValue(f"order {o} has a cost of {max(figures)}; costs end at {COST_MAX}")


@frozen
class Displaced:
    """A line that the first come, first served plan ships and this plan does not, and the orders that got its units.

    >>> Displaced(order=3, line=0, by=(7,)).by
    (7,)
    """

    order: int
    line: int
    by: tuple[int, ...]


@frozen
class BacklogPlan:
    """For each order the node of each line (-1: left out), the cost, a bound that no plan beats, and who was displaced.

    >>> BacklogPlan(((0, -1),), cost=1_000, bound=990, first_come=1_200).gap
    0.01
    """

    where: tuple[tuple[int, ...], ...]
    cost: int
    bound: int
    first_come: int
    displaced: tuple[Displaced, ...] = ()
    steps: int = 0

    @property
    def proven(self) -> bool:
        """Whether no plan is cheaper.

        >>> BacklogPlan((), cost=5, bound=5, first_come=5).proven
        True
        """
        return self.bound >= self.cost

    @property
    def gap(self) -> float:
        """By what part of its cost this plan could be cheaper at most.

        >>> BacklogPlan((), cost=0, bound=0, first_come=0).gap
        0.0
        """
        return 0.0 if self.proven else (self.cost - self.bound) / self.cost

    @property
    def saved(self) -> int:
        """What it saves over first come, first served, in minor units.

        >>> BacklogPlan((), cost=90, bound=80, first_come=100).saved
        10
        """
        return self.first_come - self.cost
