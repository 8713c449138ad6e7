"""Local search over batches: simulated annealing in rounds, with the best of all batches seen put together in between.

A move gives one or two orders to another batch or exchanges one or two for one or two of another, the last of them
drawn among those that fit; partners are mostly drawn from the orders that save most when batched together, and every
other time orders go where their aisles are walked anyway. Tour lengths are kept by the set of orders, and a move is
dropped as soon as the first of its two new tours costs too much, or, where aisles are walked through, as soon as the
aisles alone say so. A fading reward for uneven fill opens room in batches that are nearly full. Between rounds, where
carts hold few orders, the batches met are put together anew (see `_assemble`).

Rounds double in length and do not depend on the budget, so a larger step budget continues where a smaller one ended:
with the same seed more steps never give a worse plan. With a time budget one long round is fitted to the time instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle, islice
from math import log

from attrs import evolve, frozen

from omscore.batching._assemble import assemble
from omscore.batching._construct import tight
from omscore.batching._master import members_of
from omscore.batching._problem import Batches, Problem
from omscore.kernel import Rng

HOT, COLD, COLD_BY_AISLES = 0.02, 0.004, 0.006
"""First and last temperature, as shares of the mean tour. Where lengths differ by whole aisles nothing moves in what is
cooler.
"""

UNEVEN = 0.3
"""The first weight of the reward for uneven fill, as a share of the mean tour."""

TIGHT_HEAT = 0.5
"""From so hot on a round can afford to start from the tightest packing."""

NEIGHBORS = 12
ROUND_STEPS = 20_000
"""Steps of the first round; each later one has twice as many."""

UNHURRIED = 0.008
"""Seconds an order that allow a full cooling; with less the search starts cooler, close to the plan it is given."""

COOLINGS = ((0.5, 1.0), (0.9, 0.3))
"""Where batches are put together anew: until which share of the time it is cooled before, and from how hot."""

ASSEMBLE_PACE, STEP_PACE = 2000, 100
"""Putting plans together anew takes time by the number of orders times the fourth power of how many share a batch; so
many of these in a second, and one in so many steps, are held to be worth it.
"""

ASSEMBLE_ORDERS = 160
"""Up to so many orders it is done at all."""

SUITS_WORK = 1_000_000
"""Orders compared at most to keep which of them fit which room, and as many for which of them need which aisles."""

CACHE_MAX = 100_000
"""Tour lengths kept: with more than the processor keeps at hand, looking one up takes as long as walking it anew."""

POOL_MAX, POOL_WORK = 400_000, 20_000
"""Tour lengths kept (about 60 MiB) where putting plans together anew from the batches met is no more work than that."""

WHO_MIN, WHO_EACH, HOW = 20_000, 60, 8191
"""Draws kept."""

LOOK = 64
"""Steps between looks at the clock."""


@frozen
class Budget:
    """When to stop: after so many steps, or when `elapsed` (seconds since now, see `from_now`) reaches `seconds`."""

    steps: int | None = None
    seconds: float | None = None
    elapsed: Callable[[], float] | None = None

    def from_now(self) -> Budget:
        """The same budget by a clock that starts at 0 now: any clock in seconds will do."""
        if self.elapsed is None:
            return self
        begin, elapsed = self.elapsed(), self.elapsed
        return evolve(self, elapsed=lambda: elapsed() - begin)

    def up(self, part: float) -> bool:
        """Whether this part of the time is up."""
        return self.seconds is not None and self.elapsed is not None and self.elapsed() > part * self.seconds

    def share(self, groups: int, spent: int) -> Budget:
        """The part of what is left for the next of so many groups, after `spent` steps."""
        if self.steps is not None:
            return Budget(max(0, self.steps - spent) // groups)
        if self.seconds is None or self.elapsed is None:
            return self
        return evolve(self, seconds=max(0.0, self.seconds - self.elapsed()) / groups).from_now()


def improve(
    problem: Problem, start: Batches, seed: int, budget: Budget, enough: int | None = None
) -> tuple[Batches, int]:
    """Batches no costlier than the ones at the start, and the steps taken; it ends early with a plan that costs no more
    than `enough`.
    """
    if len(start) < 2 or budget.up(0.9):
        return start, 0
    search = _Search(problem, start, seed, enough, partial(budget.up, 0.9))
    if budget.steps is not None:
        length = ROUND_STEPS
        while search.steps < budget.steps and search.best > search.enough:
            left = budget.steps - search.steps
            search.round(partial(_share_of_steps, length), min(length, left))
            if ROUND_STEPS < length <= left and search.can_assemble(length / STEP_PACE):
                search.assemble(lambda: False)
            length *= 2
    elif budget.seconds is not None and budget.elapsed is not None:
        elapsed, seconds = budget.elapsed, budget.seconds
        begin = elapsed()
        span = 0.97 * seconds - begin
        if span > 0:
            heat = min(1.0, max(0.1, span / (UNHURRIED * len(problem.masks))))
            for until, hot in COOLINGS if search.can_assemble(ASSEMBLE_PACE * span) else ((1.0, 1.0),):
                now = elapsed()
                if now < begin + until * span:
                    search.round(partial(_share_of_time, elapsed, now, begin + until * span - now), None, heat * hot)
                if until < 1 and search.best > search.enough:
                    search.assemble(lambda: elapsed() > begin + span)
    return [list(members_of(key)) for key in search.best_keys if key], search.steps


def _share_of_steps(length: int, taken: int) -> float:
    return taken / length


def _share_of_time(elapsed: Callable[[], float], begin: float, span: float, _taken: int) -> float:
    return (elapsed() - begin) / span


def _depths(needs: Sequence[int], batch: Sequence[int]) -> tuple[int, int, int]:
    """The cells, or aisles, that at least one, two and three of some orders need."""
    once = twice = thrice = 0
    for order in batch:
        own = needs[order]
        thrice |= twice & own
        twice |= once & own
        once |= own
    return once, twice, thrice


def _left(depths: tuple[int, int, int], one: int, other: int) -> int:
    """What is left of what a batch needs when two orders go."""
    once, twice, thrice = depths
    return once & (~one | twice) & (~other | twice) & (~(one & other) | thrice)


class _Least(dict[int, int]):
    """The length of the shortest tour through some aisles, by their numbers: to the nearest cell of each."""

    def __init__(self, length: Callable[[int], int], nearest: Sequence[int]) -> None:
        super().__init__()
        self.length, self.nearest = length, nearest

    def __missing__(self, aisles: int) -> int:
        mask = 0
        for number in members_of(aisles):
            mask |= self.nearest[number]
        self[aisles] = found = self.length(mask) if mask else 0
        return found


def _numbers(seed: int) -> Iterator[int]:
    """Whole numbers of 48 bits: the high ones of Knuth's linear congruential generator, whose low ones are poor."""
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
        yield state >> 16


def _who(seed: int, near: Sequence[Sequence[int]], sizes: Sequence[float]) -> Iterator[tuple[int, int, bool, bool]]:
    """Orders that move, each with an order to join (mostly a near one; n: none), whether a second one goes along, and
    whether a second one comes back.

    Every other time one or both do: another goes along with a small order, another comes back for a large one.
    """
    n, half = len(near), max(sizes) / 2
    for number in _numbers(seed):
        i, at, far, kind = (number >> 32) * n >> 16, number >> 16 & 0xFFFF, not number >> 12 & 15, number >> 8 & 7
        partner = min(n, at * (n + 1 + n // 16) >> 16) if far or not near[i] else near[i][at * len(near[i]) >> 16]
        yield i, partner, kind == 0 or (kind < 4 and sizes[i] <= half), kind == 0 or (kind < 4 and sizes[i] > half)


def _how(seed: int) -> Iterator[tuple[int, int, int, float]]:
    """Three numbers of 12 bits to choose by, and by how many temperatures the plan may get worse: drawn
    exponentially, which is what Metropolis accepts.
    """
    for number in _numbers(seed):
        yield number >> 36, number >> 24 & 0xFFF, number >> 12 & 0xFFF, -log(((number & 0xFFF) + 0.5) / 4096)


class _Search:
    """The state of one search: the plan it stands at, the best one, and every tour length met."""

    def __init__(
        self, problem: Problem, start: Batches, seed: int, enough: int | None, stop: Callable[[], bool]
    ) -> None:
        self.enough = -1 if enough is None else enough
        self.problem = problem
        self.rng = Rng(seed)
        self.steps = 0
        self.lengths: dict[int, int] = {0: 0}
        for batch in start:
            self.lengths[sum(1 << o for o in batch)] = problem.price(batch, problem.cover(batch))
        self.best_keys = [sum(1 << o for o in batch) for batch in start]
        self.best = sum(self.lengths[key] for key in self.best_keys)
        # An extra batch costs more than most moves save, and is hard to be rid of: where the tightest packing has fewer
        # batches than the best plan, a round starts from it.
        packed = tight(problem, stop) or start
        self.tight_keys = [sum(1 << o for o in batch) for batch in packed]
        for key, batch in zip(self.tight_keys, packed, strict=True):
            self.lengths[key] = problem.price(batch, problem.cover(batch))
        self.near = [ranked[:NEIGHBORS] for ranked in problem.relatives(stop)]
        self.sizes = problem.sizes()
        # Aisles have a bit each in the order in which they come, which keeps sets of them small. The first cell met of
        # an aisle is its nearest.
        bits: dict[int, int] = {}
        nearest: list[int] = []
        aisle_of: dict[int, int] = {}
        for cell in members_of(problem.cover(range(len(problem.masks)))):
            aisle = problem.aisles(1 << cell)
            if aisle not in bits:
                bits[aisle] = 1 << len(bits)
                nearest.append(1 << cell)
            aisle_of[cell] = bits[aisle]
        self.aisles = [sum({aisle_of[cell] for cell in members_of(mask)}) for mask in problem.masks]
        self.least = _Least(problem.length, nearest) if problem.by_aisles else None
        self.lengths_max = POOL_MAX if self.can_assemble(POOL_WORK) else CACHE_MAX
        # A fresh draw costs as much as the rest of a step, so draws are kept and taken round and round: who moves, and
        # how; the two rounds differ in length, so that the same pair comes again after a hundred million steps.
        who = islice(_who(self.rng.bits64(), self.near, self.sizes), max(WHO_MIN, WHO_EACH * len(self.sizes)))
        self.draws = zip(cycle(who), cycle(islice(_how(self.rng.bits64()), HOW)), strict=True)

    def can_assemble(self, work: float) -> bool:
        """Whether carts hold so few orders that putting plans together anew is no more than so much work."""
        n = len(self.problem.masks)
        return n <= ASSEMBLE_ORDERS and n * (n / len(self.best_keys)) ** 4 <= work

    def assemble(self, stop: Callable[[], bool]) -> None:
        """Put the best plan together anew from all batches met."""
        n = len(self.problem.masks)
        wide = [ranked[: max(20, n // 3)] for ranked in self.problem.relatives()]
        plan = [key for key in self.best_keys if key]
        self.best_keys = assemble(self.problem, self.lengths, plan, wide, self.rng.bits64(), stop)
        self.best = sum(self.lengths[key] for key in self.best_keys)

    def round(self, fraction: Callable[[int], float], steps_max: int | None, heat: float = 1.0) -> None:
        """One cooling from the best plan, until `fraction` (of the steps of this round) is 1 or the steps are used
        up.
        """
        problem, lengths, sizes = self.problem, self.lengths, self.sizes
        loads, room, guards, length, own = problem.loads, problem.room, problem.guards, problem.length, problem.cost
        monotone, least, lengths_max = problem.monotone, self.least, self.lengths_max
        n = len(loads)
        # The last place is no order's.
        cells, aisles = [*problem.masks, 0], [*self.aisles, 0]
        keys = [key for key in self.best_keys if key]
        if heat >= TIGHT_HEAT and len(self.tight_keys) < len(keys):
            keys = list(self.tight_keys)
        members = [list(members_of(key)) for key in keys]
        costs = [lengths[key] for key in keys]
        free = [room - sum(loads[o] for o in batch) for batch in members]
        fill = [sum(sizes[o] for o in batch) for batch in members]
        # Aisles that at least one, two and three orders of each batch need: what is left when one or two of them go.
        once, twice, thrice = map(list, zip(*[_depths(aisles, batch) for batch in members], strict=True))
        # The same of cells, put together where a length has to be found.
        covers: dict[int, tuple[int, int, int]] = {}
        # Which orders fit by their loads, and which are picked in some aisles alone.
        suits: dict[tuple[int, int], int] = {}
        within: dict[int, int] = {}
        suits_max = SUITS_WORK // n
        near = [ranked or [n] for ranked in self.near]
        # The last place, of no order, is where an empty batch stands, so that a move can open it.
        home = [len(keys)] * (n + 1)
        for b, batch in enumerate(members):
            for o in batch:
                home[o] = b
        total = sum(costs)
        mean = total / len(keys)
        self._open(members, keys, costs, free, fill, once, twice, thrice)
        hot, cold = HOT * mean * heat, (COLD_BY_AISLES if problem.by_aisles else COLD) * mean
        get = lengths.get
        draws, k = self.draws, 0
        while k != steps_max:
            done = fraction(k)
            if done >= 1 or self.best <= self.enough:
                break
            temperature = hot * (cold / hot) ** done
            reward = 2 * UNEVEN * mean * (1 - done)
            if len(lengths) > lengths_max:
                self.lengths = lengths = {key: lengths[key] for key in (0, *keys, *self.best_keys)}
                get = lengths.get
            look = LOOK if steps_max is None else min(LOOK, steps_max - k)
            k += look
            for (i, drawn, go_two, come_two), (pick, pick_too, pick_back, wait) in islice(draws, look):
                partner, a, b = drawn, home[i], home[drawn]
                go, i_too, j, j_too = aisles[i], n, n, n
                cheaply = pick_too & 1
                if cheaply and go & ~once[b] and drawn != n:
                    # Its batch does not walk all aisles of i yet; another one may.
                    near_i = near[i]
                    partner = near_i[pick_back * len(near_i) >> 12]
                    b = home[partner]
                if a == b:
                    continue
                in_a, in_b = members[a], members[b]
                moved, back, size = 1 << i, 0, sizes[i]
                free_a, free_b = free[a] + loads[i], free[b] - loads[i]
                # As `_left`, without its call: aisles that those going share with no other order are walked no more.
                left = once[a] & (~go | twice[a])
                if go_two or come_two or free_b & guards != guards:
                    # Not i alone: an order other than the partner comes back, one of those that fit both carts, and
                    # before that a second one goes along or comes back.
                    if go_two:
                        o = in_a[pick * len(in_a) >> 12]
                        if o != i:
                            i_too = o
                            moved |= 1 << o
                            size += sizes[o]
                            free_a, free_b = free_a + loads[o], free_b - loads[o]
                            left &= (~aisles[o] | twice[a]) & (~(go & aisles[o]) | thrice[a])
                    if come_two and in_b:
                        o = in_b[pick_too * len(in_b) >> 12]
                        if o != partner:
                            j_too = o
                            back = 1 << o
                            size -= sizes[o]
                            free_a, free_b = free_a - loads[o], free_b + loads[o]
                    options = suits.get((free_a, free_b))
                    if options is None:
                        # For all orders and kept, while that is cheap.
                        keep = len(suits) < suits_max
                        options = 0
                        for o in range(n) if keep else in_b:
                            if (free_a - loads[o]) & (free_b + loads[o]) & guards == guards:
                                options |= 1 << o
                        if keep:
                            suits[free_a, free_b] = options
                    options &= keys[b] & ~(back | 1 << partner)
                    if options and cheaply:
                        # One comes back whose aisles are walked anyway, if there is any.
                        inside = within.get(left)
                        if inside is None:
                            keep = len(within) < suits_max
                            inside = 0
                            for o in range(n) if keep else in_b:
                                if not aisles[o] & ~left:
                                    inside |= 1 << o
                            if keep:
                                within[left] = inside
                        options = options & inside or options
                    if options and (not go_two or back or pick_back & 1 or free_b & guards != guards):
                        for _ in range(pick_back * options.bit_count() >> 12):
                            options &= options - 1
                        options &= -options
                        back |= options
                        j = options.bit_length() - 1
                        size -= sizes[j]
                        free_a, free_b = free_a - loads[j], free_b + loads[j]
                    elif free_a & free_b & guards != guards:
                        continue
                fill_a, fill_b = fill[a], fill[b]
                # Taking `size` from a to b changes the sum of squared fills by 2 size (fill_b - fill_a + size).
                allowed = costs[a] + costs[b] + temperature * wait + reward * size * (fill_b - fill_a + size)
                if least is not None:
                    come, come_too = aisles[j], aisles[j_too]
                    stays = once[b] & (~(come | come_too) | twice[b]) & (~(come & come_too) | thrice[b])
                    if least[left | come | come_too] + least[stays | go | aisles[i_too]] > allowed:
                        continue
                swap = moved | back
                key_a, key_b = keys[a] ^ swap, keys[b] ^ swap
                cost_a = get(key_a)
                if cost_a is None:
                    mask = _left(covers.get(a) or covers.setdefault(a, _depths(cells, in_a)), cells[i], cells[i_too])
                    mask |= cells[j] | cells[j_too]
                    cost_a = lengths[key_a] = length(mask) if own is None else own(members_of(key_a), mask)
                if cost_a > allowed:
                    continue
                cost_b = get(key_b)
                if cost_b is None:
                    mask = _left(covers.get(b) or covers.setdefault(b, _depths(cells, in_b)), cells[j], cells[j_too])
                    if monotone:
                        # One more order never shortens a tour: what stays in b alone may already be too much.
                        key_stays = key_b & ~moved
                        cost_stays = get(key_stays)
                        if cost_stays is None:
                            cost_stays = lengths[key_stays] = length(mask)
                        if cost_a + cost_stays > allowed:
                            continue
                    mask |= cells[i] | cells[i_too]
                    cost_b = lengths[key_b] = length(mask) if own is None else own(members_of(key_b), mask)
                if cost_a + cost_b > allowed:
                    continue
                total += cost_a + cost_b - costs[a] - costs[b]
                for o in members_of(moved):
                    in_a.remove(o)
                    in_b.append(o)
                    home[o] = b
                for o in members_of(back):
                    in_b.remove(o)
                    in_a.append(o)
                    home[o] = a
                keys[a], keys[b] = key_a, key_b
                costs[a], costs[b] = cost_a, cost_b
                free[a], free[b] = free_a, free_b
                fill[a] = fill_a - size
                fill[b] = fill_b + size
                covers.pop(a, None)
                covers.pop(b, None)
                once[a], twice[a], thrice[a] = _depths(aisles, in_a)
                once[b], twice[b], thrice[b] = _depths(aisles, in_b)
                if partner == n:
                    home[n] = keys.index(0) if 0 in keys else len(keys)
                    if home[n] == len(keys):
                        self._open(members, keys, costs, free, fill, once, twice, thrice)
                if total < self.best:
                    self.best = total
                    self.best_keys = list(keys)
        self.steps += k

    def _open(
        self,
        members: list[list[int]],
        keys: list[int],
        costs: list[int],
        free: list[int],
        fill: list[float],
        *depths: list[int],
    ) -> None:
        """One more batch, empty."""
        for depth in depths:
            depth.append(0)
        members.append([])
        keys.append(0)
        costs.append(0)
        free.append(self.problem.room)
        fill.append(0.0)
