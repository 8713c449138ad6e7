"""Batches against the clock: who picks which batch when, and plans that are late as little as can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heapify, heapreplace

from attrs import field, frozen

from omscore.batching._construct import first_come, savings
from omscore.batching._labor import Pace
from omscore.batching._orders import Limits, PickOrder
from omscore.batching._plan import AnyFloor, Batch, BatchPlan, Cart, batch_of, sift
from omscore.batching._problem import Batches, Problem, problem
from omscore.errors import InvalidValue
from omscore.kernel import Rng, utc


@frozen
class Shift:
    """When picking starts, with how many pickers, at what pace.

    >>> from datetime import UTC
    >>> Shift(datetime(2026, 3, 2, 6, tzinfo=UTC), pickers=2).pickers
    2
    """

    start: datetime
    pickers: int = 1
    pace: Pace = field(factory=Pace)

    def __attrs_post_init__(self) -> None:
        utc(self.start, "the start of the shift")
        if type(self.pickers) is not int or self.pickers < 1:
            raise InvalidValue(f"pickers must be a whole number of at least 1, not {self.pickers!r}")


@frozen
class Task:
    """A batch with its picker (counted from 1) and its times.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 2, 6, tzinfo=UTC)
    >>> Task("batch-1", 1, at, at + timedelta(minutes=5)).finish.minute
    5
    """

    batch: str
    picker: int
    start: datetime
    finish: datetime


@frozen
class DuePlan:
    """Batches in the order to start them, when each is picked, and what is late.

    `late_s` gives the seconds each late order is late; `tardiness_s` sums them, each times 1 + the order's priority (if
    positive).

    >>> DuePlan(BatchPlan((), (), 0, "due", "exact"), (), {}, 0).late_s
    {}
    """

    plan: BatchPlan
    tasks: tuple[Task, ...]
    late_s: Mapping[str, int]
    tardiness_s: int


def plan_due(
    orders: Iterable[PickOrder],
    floor: AnyFloor,
    limits: Limits,
    shift: Shift,
    *,
    rule: str | None = None,
    seed: int = 0,
    steps_max: int = 20_000,
) -> DuePlan:
    """Batches that finish late as little as can be (weighted tardiness), and among those walk little.

    Batches are started by their earliest due order (of two alike, the one of higher priority first), each by the
    picker who is free first. The search is an iterated local search after Henn and Schmid (Computers & Industrial
    Engineering 66, 2013): it starts from the better of batches by due date and batches by savings, exchanges and moves
    orders, and shakes the plan when stuck. The same seed gives the same plan, more steps never a worse one. Refuses
    orders as `plan` does.

    >>> from datetime import UTC
    >>> from omscore.batching import Floor, PickLine
    >>> start = datetime(2026, 3, 2, 6, tzinfo=UTC)
    >>> dues = {"a": ("0-1", 60), "b": ("3-9", 6), "c": ("0-2", 6), "d": ("3-8", 60)}
    >>> orders = [
    ...     PickOrder(id, [PickLine(id, "1", "mug", 1, bin)], due=start + timedelta(minutes=minutes))
    ...     for id, (bin, minutes) in dues.items()
    ... ]
    >>> made = plan_due(orders, Floor.parallel(aisles=4, cells=10), Limits(orders_max=2), Shift(start))
    >>> [batch.orders for batch in made.plan.batches], made.tardiness_s
    ([('b', 'c'), ('a', 'd')], 0)
    """
    rule = rule or floor.rules[0]
    (good,), refused = sift(orders, floor, [Cart("", limits)])
    bare = problem(good, [floor.cover(order.bins) for order in good], limits, floor.measure(rule))
    clock = _Clock(bare, good, limits, shift)
    found = _improve(bare, clock, Rng(seed), steps_max) if good else []
    batches = [batch_of(f"batch-{n}", [good[i] for i in members], floor, rule) for n, members in enumerate(found, 1)]
    made = BatchPlan(tuple(batches), tuple(refused), sum(b.tour.length_mm for b in batches), "due", rule)
    return _timed(made, batches, clock.times(found), good, shift)


class _Clock:
    """Finishing times of batches, and how bad they are."""

    def __init__(self, bare: Problem, orders: Sequence[PickOrder], limits: Limits, shift: Shift) -> None:
        self.bare, self.limits, self.shift = bare, limits, shift
        never = 1 << 40
        start = shift.start
        self.dues = [int((o.due - start).total_seconds()) if o.due else never for o in orders]
        self.weights = [1 + max(0, o.priority) for o in orders]
        self.units = [o.units for o in orders]
        self.groups = [tuple(getattr(o, name) for name in limits.same) for o in orders]
        self.known: dict[tuple[int, ...], tuple[int, int, int]] = {}

    def batch(self, members: Sequence[int]) -> tuple[int, int, int]:
        """(earliest due, seconds of labor, length) of a batch."""
        key = tuple(sorted(members))
        found = self.known.get(key)
        if found is None:
            mask = self.bare.cover(key)
            length = self.bare.length(mask)
            labor = self.shift.pace.seconds(
                length_mm=length, stops=mask.bit_count(), units=sum(self.units[i] for i in key)
            )
            found = self.known[key] = (min(self.dues[i] for i in key), labor, length)
        return found

    def sequence(self, batches: Batches) -> Batches:
        """Batches in the order to start them."""
        return sorted(map(sorted, batches), key=self._urgency)

    def _urgency(self, members: list[int]) -> tuple[int, int, list[int]]:
        return self.batch(members)[0], -max(self.weights[i] for i in members), members

    def times(self, sequence: Batches) -> list[tuple[int, int, int]]:
        """(picker, start, finish) of each batch in turn, in seconds from the start of the shift."""
        free = [(0, picker) for picker in range(1, self.shift.pickers + 1)]
        heapify(free)
        times = []
        for members in sequence:
            at, picker = free[0]
            done = at + self.batch(members)[1]
            heapreplace(free, (done, picker))
            times.append((picker, at, done))
        return times

    def cost(self, batches: Batches) -> tuple[int, int]:
        """(weighted tardiness, distance) of a plan."""
        sequence = self.sequence(batches)
        late = 0
        for members, (_, _, done) in zip(sequence, self.times(sequence), strict=True):
            if done > self.batch(members)[0]:
                late += sum([self.weights[i] * (done - self.dues[i]) for i in members if done > self.dues[i]])
        return late, sum([self.batch(members)[2] for members in batches])

    def allowed(self, members: Sequence[int]) -> bool:
        """Whether these orders may share a batch."""
        return self.bare.fits(sum(self.bare.loads[i] for i in members)) and len({self.groups[i] for i in members}) == 1


STUCK = 400
"""Steps without a better plan before the plan is shaken."""


def _improve(bare: Problem, clock: _Clock, rng: Rng, steps_max: int) -> Batches:
    n = len(bare.masks)
    starts = []
    by_due = sorted(range(n), key=lambda i: (clock.groups[i], clock.dues[i], i))
    starts.append(_split_groups(bare, clock, by_due, merge=False))
    starts.append(_split_groups(bare, clock, by_due, merge=True))
    best = min(starts, key=clock.cost)
    best_cost = clock.cost(best)
    here, here_cost, stuck = best, best_cost, 0
    for _ in range(steps_max):
        there = _neighbor(here, clock, rng)
        if there is None:
            continue
        stuck += 1
        cost = clock.cost(there)
        if cost <= here_cost or stuck > STUCK:
            here, here_cost = there, cost
            if stuck > STUCK:
                for _ in range(3):
                    here = _neighbor(here, clock, rng) or here
                here_cost, stuck = clock.cost(here), 0
        if here_cost < best_cost:
            best, best_cost, stuck = here, here_cost, 0
    return clock.sequence(best)


def _split_groups(bare: Problem, clock: _Clock, order: Sequence[int], *, merge: bool) -> Batches:
    """A first plan: each group of orders that may share a batch by itself."""
    batches: Batches = []
    for group in dict.fromkeys(clock.groups[i] for i in order):
        members = [i for i in order if clock.groups[i] == group]
        part = Problem(
            [bare.masks[i] for i in members], [bare.loads[i] for i in members], bare.room, bare.guards, bare.length
        )
        batches += [[members[i] for i in batch] for batch in (savings(part) if merge else first_come(part))]
    return batches


def _neighbor(batches: Batches, clock: _Clock, rng: Rng) -> Batches | None:
    """The plan with one order moved, or two exchanged; None when that is not allowed."""
    count = len(batches)
    a, b = rng.below(count), rng.below(count + 1)
    if a == b:
        return None
    ours, theirs = batches[a], batches[b] if b < count else []
    i = ours[rng.below(len(ours))]
    back: list[int] = []
    if theirs and rng.below(2):
        back = [theirs[rng.below(len(theirs))]]
    fresh_a = [o for o in ours if o != i] + back
    fresh_b = [o for o in theirs if o not in back] + [i]
    if not all(clock.allowed(members) for members in (fresh_a, fresh_b) if members):
        return None
    kept = [members for place, members in enumerate(batches) if place not in (a, b)]
    return kept + [members for members in (fresh_a, fresh_b) if members]


def _timed(
    made: BatchPlan,
    batches: Sequence[Batch],
    times: Sequence[tuple[int, int, int]],
    orders: Sequence[PickOrder],
    shift: Shift,
) -> DuePlan:
    by_id = {order.id: order for order in orders}
    tasks = tuple(
        Task(batch.id, picker, shift.start + timedelta(seconds=at), shift.start + timedelta(seconds=done))
        for batch, (picker, at, done) in zip(batches, times, strict=True)
    )
    late: dict[str, int] = {}
    total = 0
    for batch, task in zip(batches, tasks, strict=True):
        for name in batch.orders:
            due = by_id[name].due
            if due is not None and task.finish > due:
                late[name] = int((task.finish - due).total_seconds())
                total += late[name] * (1 + max(0, by_id[name].priority))
    return DuePlan(made, tasks, late, total)
