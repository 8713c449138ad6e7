"""The backlog: many orders over scarce stock, decided together, with a bound on what the best plan of all would cost.

`JointPlanner` is the planner that comes with the library; any object with its `plan` method may take its place. What
a planner answers goes through `settle`, which recomputes the cost and refuses a plan that promises a unit twice.
The methods are told in docs/explanation/plan-search.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import define, field

from omscore.errors import InvalidValue
from omscore.routing._backlog_assigned import Assigned, Choices
from omscore.routing._backlog_orders import Ready, Where
from omscore.routing._backlog_prices import priced
from omscore.routing._backlog_repair import improve, insert
from omscore.routing._backlog_values import Backlog, BacklogPlan, Displaced

REPAIRS_PER_ORDER = 12


class Planner(Protocol):
    """What decides a backlog; put your own solver behind it and hand its answer to `settle`.

    >>> class Greedy:
    ...     def plan(self, backlog: Backlog) -> BacklogPlan:
    ...         return one_by_one(backlog)
    >>> planner: Planner = Greedy()
    """

    def plan(self, backlog: Backlog) -> BacklogPlan:
        """Decide all orders; never worse than first come, first served, and never more units than there are.

        >>> planner: Planner = JointPlanner()
        >>> planner.plan(Backlog((), stock=())).where
        ()
        """
        ...  # pragma: no cover


def settle(backlog: Backlog, where: Sequence[Sequence[int]], *, bound: int = 0, steps: int = 0) -> BacklogPlan:
    """The plan that an assignment makes, its cost recomputed; first come, first served where that is cheaper.

    Raises InvalidValue when a node ships what it may not or has not.

    >>> from omscore.routing.sourcing import BacklogOrder
    >>> order = BacklogOrder((0,), (1,), fixed=(500,), line_costs=((40,),), unfilled=(2_000,))
    >>> settle(Backlog((order, order), stock=((1,),)), ((-1,), (0,))).displaced
    (Displaced(order=0, line=0, by=(1,)),)
    """
    backlog.check()
    return _settle(backlog, Ready(backlog.orders, backlog.stock), where, bound, steps)


def one_by_one(backlog: Backlog) -> BacklogPlan:
    """First come, first served: each order in turn gets its cheapest plan from what is left.

    >>> from omscore.routing.sourcing import BacklogOrder
    >>> order = BacklogOrder((0,), (1,), fixed=(500,), line_costs=((40,),), unfilled=(2_000,))
    >>> one_by_one(Backlog((order, order), stock=((1,),))).where
    ((0,), (-1,))
    """
    backlog.check()
    ready = Ready(backlog.orders, backlog.stock)
    return _settle(backlog, ready, _first_come(ready), 0, 0)


@define
class JointPlanner:
    """Decides a backlog together: prices on (item, node), insertion at those prices, then repeated repair.

    `price_rounds` and `repairs` (None: 12 for each order) are the budget in steps; `elapsed` (seconds since the start,
    given by the host) with `seconds_max` ends the work sooner, and so does a plan that is proven the cheapest. The same
    seed and the same budget of steps give the same plan.

    >>> from omscore.routing.sourcing import BacklogOrder
    >>> near = BacklogOrder((0,), (1,), fixed=(500, 510), line_costs=((0, 0),), unfilled=(2_000,))
    >>> from omscore.routing.sourcing import BacklogOrder
    >>> only = BacklogOrder((0,), (1,), fixed=(500, 900), line_costs=((0, 0),), unfilled=(2_000,), nodes=0b01)
    >>> plan = JointPlanner().plan(Backlog((near, only), stock=((1, 1),)))
    >>> plan.where, plan.cost, plan.saved
    (((1,), (0,)), 1010, 1490)
    """

    seed: int = 0
    price_rounds: int = 60
    repairs: int | None = None
    seconds_max: float | None = None
    elapsed: Callable[[], float] | None = field(default=None)

    def __attrs_post_init__(self) -> None:
        if (self.seconds_max is None) != (self.elapsed is None):
            raise InvalidValue("a limit in seconds needs both `seconds_max` and `elapsed`")
        if self.price_rounds < 0 or (self.repairs or 0) < 0:
            raise InvalidValue("price_rounds and repairs are 0 or more")

    def plan(self, backlog: Backlog) -> BacklogPlan:
        """Decide all orders; raises InvalidValue for a backlog that makes no sense.

        >>> from omscore.routing.sourcing import BacklogOrder
        >>> order = BacklogOrder((0,), (1,), fixed=(500,), line_costs=((40,),), unfilled=(2_000,))
        >>> JointPlanner(seed=7).plan(Backlog((order,), stock=((1,),))).where
        ((0,),)
        """
        backlog.check()
        ready = Ready(backlog.orders, backlog.stock)
        first = _first_come(ready)
        limit, elapsed = self.seconds_max, self.elapsed
        start = 0.0 if elapsed is None else elapsed()

        def late(part: float) -> bool:
            return elapsed is not None and limit is not None and elapsed() - start >= limit * part

        prices = priced(ready, ready.cost(first), self.price_rounds, lambda: late(0.4))
        plain, at_prices = Choices(ready), Choices(ready, prices.of)
        best = Assigned(ready, first)
        best.settle_down(plain)
        if not late(0.5):
            tried = insert(ready, prices, at_prices)
            tried.settle_down(plain)
            if tried.total < best.total:
                best = tried
        repairs = REPAIRS_PER_ORDER * len(ready.orders) if self.repairs is None else self.repairs
        steps = improve(best, prices, plain, at_prices, repairs, self.seed, lambda: late(1.0))
        return _settle(backlog, ready, best.where, prices.bound, prices.rounds + steps, first)


def pressing(price: int, *, slack_hours: int, commitment_hours: int) -> int:
    """The price of leaving a line out, risen by how much of its channel's commitment is used up.

    Once at order time, twice when the commitment is due, and on in the same measure: an order that waits long enough
    outbids any newcomer, so that nobody starves. Raises InvalidValue for a commitment below 1 hour.

    >>> pressing(1_000, slack_hours=24, commitment_hours=24), pressing(1_000, slack_hours=-24, commitment_hours=24)
    (1000, 3000)
    """
    if commitment_hours < 1:
        raise InvalidValue(f"a commitment of {commitment_hours} hours; give 1 or more")
    return price + price * (commitment_hours - slack_hours) // commitment_hours


def _first_come(ready: Ready) -> list[Where]:
    assigned = Assigned(ready)
    choices = Choices(ready)
    for o in range(len(ready.orders)):
        assigned.place(o, choices)
    return assigned.where


def _settle(
    backlog: Backlog,
    ready: Ready,
    where: Sequence[Sequence[int]],
    bound: int,
    steps: int,
    first: list[Where] | None = None,
) -> BacklogPlan:
    if len(where) != len(backlog.orders):
        raise InvalidValue(f"a plan for {len(where)} orders, but {len(backlog.orders)} wait")
    left = [list(row) for row in backlog.stock]
    for o, (order, nodes) in enumerate(zip(backlog.orders, where, strict=True)):
        if len(nodes) != len(order.items):
            raise InvalidValue(f"order {o} has {len(order.items)} lines, but the plan names {len(nodes)} nodes")
        for item, n, i in zip(order.items, order.units, nodes, strict=True):
            if i < 0:
                continue
            if i >= backlog.nodes or (order.nodes is not None and not order.nodes >> i & 1):
                raise InvalidValue(f"node {i} may not serve order {o}")
            left[item][i] -= n
            if left[item][i] < 0:
                raise InvalidValue(f"the plan takes more of item {item} from node {i} than it has")
    first = _first_come(ready) if first is None else first
    cost, first_cost = ready.cost(where), ready.cost(first)
    if first_cost < cost:
        where, cost = first, first_cost
    chosen = tuple([tuple(nodes) for nodes in where])
    return BacklogPlan(chosen, cost, min(bound, cost), first_cost, _displaced(backlog, first, chosen), steps)


def _displaced(backlog: Backlog, first: Sequence[Where], chosen: Sequence[Where]) -> tuple[Displaced, ...]:
    """Lines shipped by `first` and not by `chosen`, with the orders that only `chosen` gives the item to."""
    gained: dict[int, list[int]] = {}
    for o, order in enumerate(backlog.orders):
        for line, item in enumerate(order.items):
            if chosen[o][line] >= 0 > first[o][line]:
                gained.setdefault(item, []).append(o)
    return tuple(
        [
            Displaced(o, line, tuple(gained.get(item, ())))
            for o, order in enumerate(backlog.orders)
            for line, item in enumerate(order.items)
            if first[o][line] >= 0 > chosen[o][line]
        ]
    )
