"""Planning batches: orders, a floor and limits in; batches with their tours, and what was refused, out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from math import inf
from typing import Any, Protocol

from attrs import evolve, field, frozen

from omscore.batching import _construct
from omscore.batching._floor import Floor, Tour
from omscore.batching._orders import Limits, PickLine, PickOrder
from omscore.batching._partition import small_optimum
from omscore.batching._picklist import PickList, pick_list
from omscore.batching._problem import Batches, Problem, problem
from omscore.batching._search import Budget, improve
from omscore.errors import DefinitionError, Reason
from omscore.kernel.given import listed


class AnyFloor(Protocol):
    """What the planner needs of a floor; `Floor` and `MatrixFloor` have it, and a host's own may."""

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
class Cart:
    """A kind of cart: its limits, and the least volume of an order it is sent for.

    >>> Cart("pallet truck", Limits(orders_max=1, volume_max=100_000_000_000), volume_min=30_000_000_000).id
    'pallet truck'
    """

    id: str
    limits: Limits
    volume_min: int = 0

    def __attrs_post_init__(self) -> None:
        if type(self.volume_min) is not int or self.volume_min < 0:
            what = f"volume_min of cart {self.id!r}"
            raise DefinitionError(f"{what} must be a whole number of at least 0, not {self.volume_min!r}")


@frozen
class Batch:
    """Orders that one picker collects in one walk.

    `lines` are in walking order: by stop, then by order and line; `tour` is the walk; `cart` the kind of cart, where
    kinds were given; `wave` and `zone` what `release` says it is part of.

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
    cart: str = ""
    wave: str = ""
    zone: str = ""

    @property
    def units(self) -> int:
        """All units to pick.

        >>> Batch("b-1", ("o-1",), (PickLine("o-1", "1", "A", 2, "0-0"),), Tour(("0-0",), 0)).units
        2
        """
        return sum(line.units for line in self.lines)

    def pick_list(self, **options: Any) -> PickList:
        """The batch's pick list along its tour; options as for `pick_list` (names, totes, shortages).

        >>> from omscore.batching import Tour
        >>> print(Batch("b-1", ("o-1",), (PickLine("o-1", "1", "SKU", 2, "0-3"),), Tour(("0-3",), 8_000)).pick_list())
        pick list b-1: 1 row, 1 stop, 2 units, walk 8 m
        <BLANKLINE>
        stop  bin  item  units  tote  order
        ----  ---  ----  -----  ----  -----
           1  0-3  SKU       2  T1    o-1
        """
        made = pick_list(self.id, self.lines, self.tour, **options)
        return evolve(made, wave=self.wave, zone=self.zone)


@frozen
class Refused:
    """An order that could not be planned, and why.

    >>> str(Refused("o-1", Reason("batching.no_lines", "order 'o-1' has nothing to pick")).reason)
    "order 'o-1' has nothing to pick (batching.no_lines)"
    """

    order: str
    reason: Reason


@frozen
class BatchPlan:
    """Batches in the order to release them, and the orders refused.

    `distance_mm` is the sum of all tours, in millimeters; `lower_bound_mm` a length no plan of these orders goes below,
    where the search computed one (equal to the distance: proven shortest); `steps` how many moves the search tried.

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
    steps: int = 0

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)

    @property
    def distance_m(self) -> int:
        """The distance in whole meters, half rounded up.

        >>> BatchPlan((), (), 12_500, "savings", "exact").distance_m
        13
        """
        return (self.distance_mm + 500) // 1000

    def to_records(self) -> list[dict[str, Any]]:
        """One row for each batch, for tables and data frames.

        >>> BatchPlan((), (), 0, "savings", "exact").to_records()
        []
        """
        return [
            {
                "batch": batch.id,
                "cart": batch.cart,
                "orders": len(batch.orders),
                "lines": len(batch.lines),
                "units": batch.units,
                "stops": len(batch.tour.stops),
                "distance_m": batch.tour.length_m,
            }
            for batch in self.batches
        ]


METHODS: dict[str, Callable[[Problem], Batches]] = {
    "first_come": _construct.first_come,
    "seed": _construct.seed,
    "savings": _construct.savings,
}

Objective = Callable[[Sequence[PickOrder], int], int]
"""The cost of a batch from its orders and its tour's length in millimeters; a whole number, less is better."""


@frozen
class _How:
    """How each group of orders is split."""

    method: str
    rule: str
    seed: int
    budget: Budget
    objective: Objective | None


@frozen
class _Made:
    """What came of one group."""

    batches: list[list[PickOrder]]
    lower_bound_mm: int | None = None
    steps: int = field(default=0)


def plan(
    orders: Iterable[PickOrder],
    floor: AnyFloor,
    limits: Limits | Sequence[Cart],
    *,
    method: str = "savings",
    rule: str | None = None,
    seed: int = 0,
    steps_max: int | None = None,
    seconds_max: float | None = None,
    elapsed: Callable[[], float] | None = None,
    objective: Objective | None = None,
    prefix: str = "batch-",
    first_number: int = 1,
) -> BatchPlan:
    """Split orders into batches that keep the limits and walk little.

    `limits` are those of the one kind of cart there is, or a list of `Cart`: each order goes with the first kind that
    takes it. `method` is `first_come` (as given), `seed`, `savings` (at once, even for a thousand orders) or `search`,
    which improves on savings until `steps_max` moves were tried (the same seed gives the same plan, and more steps
    never a worse one) or `seconds_max` have passed by `elapsed`, any clock in seconds, `time.monotonic` for one. Where
    even savings takes longer than that, batches are filled with what it has merged by then. `rule` is one of the
    floor's tour rules; left out, its best. `objective` replaces distance as what the search makes small.

    Orders of higher priority come in earlier batches when `limits.same` holds `priority`. An order that cannot be
    planned is refused by name and the rest is planned. Raises DefinitionError for an unknown method or rule, for a
    search without a budget, and for an objective that gives anything but a whole number.

    >>> from omscore.batching import Floor
    >>> floor = Floor.parallel(aisles=4, cells=10)
    >>> wanted = {"o-0": "0-3", "o-1": "3-4", "o-2": "0-5", "o-3": "3-9"}
    >>> orders = [PickOrder(id, [PickLine(id, "1", "SKU", 1, bin)]) for id, bin in wanted.items()]
    >>> made = plan(orders, floor, Limits(orders_max=2))
    >>> [batch.orders for batch in made.batches], made.distance_m
    ([('o-0', 'o-2'), ('o-1', 'o-3')], 50)
    >>> plan(orders, floor, Limits(orders_max=2), method="search", steps_max=1000).lower_bound_mm
    50000
    >>> plan([PickOrder("o-9", [PickLine("o-9", "1", "SKU", 1, "X-1")])], floor, Limits()).refused[0].reason.text
    "order 'o-9' picks item 'SKU' from bin 'X-1', which is not on the floor"
    """
    budget = _budget(method, steps_max, seconds_max, elapsed)
    if objective is not None and method != "search":
        raise DefinitionError(f"an objective of your own needs method 'search', not {method!r}")
    if not hasattr(floor, "rules"):
        raise DefinitionError(f"a plan is for a floor such as Floor.parallel(aisles=4, cells=10), not {floor!r}")
    rule = rule or floor.rules[0]
    how = _How(method, rule, seed, budget, objective)
    carts = [Cart("", limits)] if isinstance(limits, Limits) else _carts(limits)
    ids = [cart.id for cart in carts]
    if twice := [id_ for id_ in ids if ids.count(id_) > 1]:
        raise DefinitionError(f"two carts have the id {twice[0]!r}; give each its own")
    good, refused = sift(orders, floor, carts)
    length = floor.measure(rule)
    batches: list[Batch] = []
    bound: int | None = 0
    steps = 0
    groups = [(cart, group) for cart, taken in zip(carts, good, strict=True) for group in _groups(taken, cart.limits)]
    left = len(groups)
    for cart, group in groups:
        made = _split(group, floor, cart.limits, length, evolve(how, budget=budget.share(left, steps)))
        left -= 1
        steps += made.steps
        bound = None if bound is None or made.lower_bound_mm is None else bound + made.lower_bound_mm
        for members in made.batches:
            batches.append(batch_of(f"{prefix}{first_number + len(batches)}", members, floor, rule, cart.id))
    distance = sum(batch.tour.length_mm for batch in batches)
    return BatchPlan(tuple(batches), tuple(refused), distance, method, rule, bound if groups else None, steps)


def _budget(
    method: str, steps_max: int | None, seconds_max: float | None, elapsed: Callable[[], float] | None
) -> Budget:
    if method != "search":
        if method not in METHODS:
            raise DefinitionError(f"no batching method {method!r}; choose one of: {', '.join([*METHODS, 'search'])}")
        if steps_max is not None or seconds_max is not None:
            raise DefinitionError(f"method {method!r} takes no budget; use method 'search'")
        return Budget()
    if (steps_max is None) == (seconds_max is None):
        raise DefinitionError("method 'search' needs a budget: steps_max, or seconds_max with elapsed")
    if seconds_max is not None and elapsed is None:
        raise DefinitionError("seconds_max needs elapsed, a clock in seconds: elapsed=time.monotonic")
    if steps_max is not None and (type(steps_max) is not int or steps_max < 0):
        raise DefinitionError(f"steps_max must be a whole number of at least 0, not {steps_max!r}")
    if seconds_max is not None and not 0 <= seconds_max < inf:
        raise DefinitionError(f"seconds_max must be a number of seconds, at least 0, not {seconds_max!r}")
    return Budget(steps_max, seconds_max, elapsed).from_now()


def _split(group: list[PickOrder], floor: AnyFloor, limits: Limits, length: Callable[[int], int], how: _How) -> _Made:
    bare = problem(group, [floor.cover(order.bins) for order in group], limits, length)
    if how.method != "search":
        return _Made(_named(METHODS[how.method](bare), group))
    if isinstance(floor, Floor):
        bare = evolve(bare, aisles=floor.aisle_bits())
    if how.objective is not None:
        bare = evolve(bare, cost=_costed(how.objective, group, length))
    elif isinstance(floor, Floor) and (how.rule == "exact" or not floor.one_way):
        by_aisles = how.rule == "s_shape" and floor.blocks == 1
        bare = evolve(bare, monotone=True, by_aisles=by_aisles)
    start = _construct.savings(bare, partial(how.budget.up, 0.8))
    bound = None
    if how.objective is None:
        start, bound = small_optimum(bare, start, partial(how.budget.up, 0.5)) or (start, bare.lower_bound())
        if bare.total(start) == bound:
            return _Made(_named(start, group), bound)
    found, steps = improve(bare, start, how.seed, how.budget, bound)
    return _Made(_named(sorted(map(sorted, found)), group), bound, steps)


def _carts(limits: Sequence[Cart]) -> list[Cart]:
    if not isinstance(limits, Iterable) or not all(isinstance(cart, Cart) for cart in limits):
        raise DefinitionError(f"limits are Limits(orders_max=12) or their like, or several Cart, not {limits!r}")
    return list(limits)


def _costed(
    objective: Objective, group: Sequence[PickOrder], length: Callable[[int], int]
) -> Callable[[Sequence[int], int], int]:
    """The cost of a batch by a host's objective, which may be wrong."""

    def cost(members: Sequence[int], mask: int) -> int:
        batch = [group[i] for i in members]
        value: object = objective(batch, length(mask))
        if type(value) is not int:
            name = getattr(objective, "__name__", repr(objective))
            orders = ", ".join(repr(order.id) for order in batch)
            raise DefinitionError(
                f"objective {name} must give a whole number for a batch, less being better; for {orders} it gave "
                f"{value!r}"
            )
        return value

    return cost


def _named(batches: Batches, group: Sequence[PickOrder]) -> list[list[PickOrder]]:
    return [[group[i] for i in batch] for batch in batches]


def sift(
    orders: Iterable[PickOrder], floor: AnyFloor, carts: Sequence[Cart]
) -> tuple[list[list[PickOrder]], list[Refused]]:
    """The orders each kind of cart takes, and those that none does."""
    good: list[list[PickOrder]] = [[] for _ in carts]
    refused: list[Refused] = []
    seen: set[str] = set()
    for order in listed("orders", orders, PickOrder, "PickOrder('o-1', lines)"):
        reason = _unpickable(order, floor)
        if order.id in seen:
            reason = Reason("batching.order_twice", f"order {order.id!r} was given twice", {"order": order.id})
        seen.add(order.id)
        if reason is None:
            whys = [_too_much(order, cart) for cart in carts]
            taken = next((place for place, why in enumerate(whys) if not why), None)
            if taken is not None:
                good[taken].append(order)
                continue
            why = [text for texts in whys for text in texts]
            text = f"order {order.id!r} fits no cart: {'; '.join(why) or 'there is none'}"
            reason = Reason("batching.no_cart", text, {"order": order.id, "why": why})
        refused.append(Refused(order.id, reason))
    return good, refused


def _too_much(order: PickOrder, cart: Cart) -> list[str]:
    named = f"cart {cart.id!r}: " if cart.id else ""
    why = [named + text for text in cart.limits.refusals(order)]
    if order.volume_mm3 < cart.volume_min:
        why.append(f"{named}volume_mm3 {order.volume_mm3} is less than volume_min {cart.volume_min}")
    return why


def _unpickable(order: PickOrder, floor: AnyFloor) -> Reason | None:
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
    return None


def _groups(orders: Sequence[PickOrder], limits: Limits) -> list[list[PickOrder]]:
    """Orders that may share a batch, urgent groups first, each in the order given."""
    groups: dict[tuple[Any, ...], list[PickOrder]] = {}
    for order in orders:
        groups.setdefault(tuple(getattr(order, name) for name in limits.same), []).append(order)
    if "priority" not in limits.same:
        return list(groups.values())
    return sorted(groups.values(), key=lambda group: -group[0].priority)


def batch_of(batch_id: str, orders: Sequence[PickOrder], floor: AnyFloor, rule: str, cart: str = "") -> Batch:
    """One batch of these orders, its lines in walking order."""
    tour = floor.tour([bin_id for order in orders for bin_id in order.bins], rule)
    place = {bin_id: at for at, bin_id in enumerate(tour.stops)}
    lines = sorted((line for order in orders for line in order.lines), key=lambda line: place[line.bin])
    return Batch(batch_id, tuple(order.id for order in orders), tuple(lines), tour, cart)
