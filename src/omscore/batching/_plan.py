"""Planning batches: orders, a floor and limits in; batches with their tours, and what was refused, out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from attrs import frozen

from omscore.batching import _construct
from omscore.batching._floor import Tour
from omscore.batching._orders import Limits, PickLine, PickOrder
from omscore.batching._problem import Batches, Problem, problem
from omscore.errors import DefinitionError, Reason


class AnyFloor(Protocol):
    """What the planner needs of a floor; `Floor` and `MatrixFloor` have it."""

    @property
    def rules(self) -> tuple[str, ...]:
        """The tour rules it knows, the best one first."""

    def __contains__(self, bin_id: object) -> bool:
        """Whether the floor has this bin."""

    def cover(self, bins: Iterable[str]) -> int:
        """A set of bins as one number."""

    def measure(self, rule: str = ...) -> Callable[[int], int]:
        """The function from a set of bins to its tour's length in millimeters."""

    def tour(self, bins: Iterable[str], rule: str = ...) -> Tour:
        """The walk past some bins."""


@frozen
class Batch:
    """Orders that one picker collects in one walk.

    `lines` are in walking order: by stop, then by order and line; `tour` is the walk.

    >>> from omscore.batching import Floor
    >>> order = PickOrder("o-1", [PickLine("o-1", "1", "SKU", 2, "0-3")])
    >>> (batch,) = plan([order], Floor.parallel(aisles=2, cells=5), Limits()).batches
    >>> batch.orders, batch.tour.stops
    (('o-1',), ('0-3',))
    """

    id: str
    orders: tuple[str, ...]
    lines: tuple[PickLine, ...]
    tour: Tour

    @property
    def units(self) -> int:
        """All units to pick.

        >>> from omscore.batching import Tour
        >>> Batch("batch-1", ("o-1",), (PickLine("o-1", "1", "SKU", 2, "0-3"),), Tour(("0-3",), 0)).units
        2
        """
        return sum(line.units for line in self.lines)


@frozen
class Refused:
    """An order that could not be planned, and why.

    >>> from omscore.batching import Floor
    >>> order = PickOrder("o-1", [PickLine("o-1", "1", "SKU", 2, "9-9")])
    >>> (refused,) = plan([order], Floor.parallel(aisles=2, cells=5), Limits()).refused
    >>> refused.order
    'o-1'
    """

    order: str
    reason: Reason


@frozen
class BatchPlan:
    """Batches in the order to release them, and the orders refused.

    `distance_mm` is the sum of all tours; `lower_bound_mm`, where known, a length no plan can go below.

    >>> from omscore.batching import Floor
    >>> order = PickOrder("o-1", [PickLine("o-1", "1", "SKU", 2, "0-3")])
    >>> made = plan([order], Floor.parallel(aisles=2, cells=5), Limits())
    >>> len(made.batches), made.refused, made.distance_mm == made.batches[0].tour.length_mm
    (1, (), True)
    """

    batches: tuple[Batch, ...]
    refused: tuple[Refused, ...]
    distance_mm: int
    method: str
    rule: str
    lower_bound_mm: int | None = None

    @property
    def distance_m(self) -> int:
        """The distance in whole meters, half rounded up.

        >>> BatchPlan((), (), 12_500, "savings", "exact").distance_m
        13
        """
        return (self.distance_mm + 500) // 1000


METHODS: dict[str, Callable[[Problem], Batches]] = {
    "first_come": _construct.first_come,
    "seed": _construct.seed,
    "savings": _construct.savings,
}


def plan(
    orders: Iterable[PickOrder],
    floor: AnyFloor,
    limits: Limits,
    *,
    method: str = "savings",
    rule: str | None = None,
    prefix: str = "batch-",
) -> BatchPlan:
    """Split orders into batches that keep the limits and walk little.

    `method` is `first_come` (as given), `seed`, or `savings`; `rule` is one of the floor's tour
    rules; left out, its best.
    Orders of higher priority come in earlier batches when `limits.same` holds `priority`. An order that cannot be
    planned is refused by name and the rest is planned. Raises DefinitionError for an unknown method or rule.

    >>> from omscore.batching import Floor
    >>> floor = Floor.parallel(aisles=4, cells=10)
    >>> wanted = {"o-0": "0-3", "o-1": "3-4", "o-2": "0-5", "o-3": "3-9"}
    >>> orders = [PickOrder(id, [PickLine(id, "1", "SKU", 1, bin)]) for id, bin in wanted.items()]
    >>> made = plan(orders, floor, Limits(orders_max=2))
    >>> [batch.orders for batch in made.batches], made.distance_m
    ([('o-0', 'o-2'), ('o-1', 'o-3')], 50)
    >>> plan([PickOrder("o-9", [PickLine("o-9", "1", "SKU", 1, "X-1")])], floor, Limits()).refused[0].reason.text
    "order 'o-9' picks item 'SKU' from bin 'X-1', which is not on the floor"
    """
    make = METHODS.get(method)
    if make is None:
        raise DefinitionError(f"no batching method {method!r}; choose one of: {', '.join(METHODS)}")
    rule = rule or floor.rules[0]
    length = floor.measure(rule)
    good, refused = _sift(orders, floor, limits)
    batches: list[Batch] = []
    for group in _groups(good, limits):
        masks = [floor.cover(order.bins) for order in group]
        for found in make(problem(group, masks, limits, length)):
            batches.append(_batch(f"{prefix}{len(batches) + 1}", [group[i] for i in found], floor, rule))
    distance = sum(batch.tour.length_mm for batch in batches)
    return BatchPlan(tuple(batches), tuple(refused), distance, method, rule)


def _sift(orders: Iterable[PickOrder], floor: AnyFloor, limits: Limits) -> tuple[list[PickOrder], list[Refused]]:
    good: list[PickOrder] = []
    refused: list[Refused] = []
    seen: set[str] = set()
    for order in orders:
        reason = _refusal(order, floor, limits)
        if order.id in seen:
            reason = Reason("batching.order_twice", f"order {order.id!r} was given twice", {"order": order.id})
        seen.add(order.id)
        if reason is None:
            good.append(order)
        else:
            refused.append(Refused(order.id, reason))
    return good, refused


def _refusal(order: PickOrder, floor: AnyFloor, limits: Limits) -> Reason | None:
    facts: dict[str, Any] = {"order": order.id}
    if not order.lines:
        return Reason("batching.no_lines", f"order {order.id!r} has nothing to pick", facts)
    for line in order.lines:
        facts = {"order": order.id, "line": line.line, "item": line.item, "bin": line.bin}
        if not line.bin:
            return Reason("batching.no_bin", f"order {order.id!r}: item {line.item!r} has no bin", facts)
        if line.bin not in floor:
            text = f"order {order.id!r} picks item {line.item!r} from bin {line.bin!r}, which is not on the floor"
            return Reason("batching.bin_unknown", text, facts)
    if why := limits.refusals(order):
        return Reason(
            "batching.no_cart", f"order {order.id!r} fits no cart: {'; '.join(why)}", {"order": order.id, "why": why}
        )
    return None


def _groups(orders: Sequence[PickOrder], limits: Limits) -> list[list[PickOrder]]:
    """Orders that may share a batch, urgent groups first, each in the order given."""
    groups: dict[tuple[Any, ...], list[PickOrder]] = {}
    for order in orders:
        groups.setdefault(tuple(getattr(order, name) for name in limits.same), []).append(order)
    if "priority" not in limits.same:
        return list(groups.values())
    return sorted(groups.values(), key=lambda group: -group[0].priority)


def _batch(batch_id: str, orders: Sequence[PickOrder], floor: AnyFloor, rule: str) -> Batch:
    tour = floor.tour([bin_id for order in orders for bin_id in order.bins], rule)
    place = {bin_id: at for at, bin_id in enumerate(tour.stops)}
    lines = sorted((line for order in orders for line in order.lines), key=lambda line: place[line.bin])
    return Batch(batch_id, tuple(order.id for order in orders), tuple(lines), tour)
