"""A plan put together anew from all batches met: prices by linear programming, new batches by price, an exact cover.

Column generation for order batching goes back to Gademann and van de Velde (IIE Transactions 37, 2005); the published
solvers that are ahead on large instances (Muter and Oncan 2015) rest on it. Here the annealing search has met most good
batches already. What it has not met is built up order by order, keeping for each order the few partial batches that
are cheapest against the prices (a beam). A batch that exceeds its orders' prices by more than the best plan exceeds the
fractional one can be in no better plan; of the few that are left a plan is rounded (`dive`), and then some batches that
walk near each other are taken apart again and again and their orders covered at best.

It pays where carts hold few orders: then fractional plans are nearly whole and the prices nearly exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from omscore.batching._master import Column, Master, column, dive, members_of
from omscore.batching._problem import Problem
from omscore.kernel import Rng

EACH = 25
"""Columns of each order in a linear program."""

COLUMNS_MAX = 4000
"""Columns that plans are made of in the end."""

SLACK, BATCH_SLACK = 0.003, 0.1
"""Share of the plan's cost, and of a mean batch's, by which a batch may exceed its orders' prices and be kept."""

WIDTH = 12
"""Partial batches kept for each order while batches are built up by price."""

ROUNDS, FEW_PIVOTS = 20, 20
"""Linear programs at most, and from so few pivots on new batches are built by price."""

PIVOTS_MAX = 2500
DIVE_PIVOTS = 300
RECOVERIES = 3000
"""Times that some batches are taken apart and covered anew in vain before it is given up."""

APART_MAX = 9
NODES_MAX = 400
"""Batches taken apart at once at most, and nodes of the search for their cover."""


def assemble(
    problem: Problem,
    lengths: dict[int, int],
    plan: Sequence[int],
    near: Sequence[Sequence[int]],
    seed: int,
    stop: Callable[[], bool],
) -> list[int]:
    """A plan no costlier than the one given, from batches in `lengths` (which grows) and others built by price."""
    n = len(problem.masks)
    best = list(plan)
    cost = sum(lengths[key] for key in best)
    alone = [1 << o for o in range(n)]
    for o, key in enumerate(alone):
        if key not in lengths:
            lengths[key] = problem.price((o,), problem.masks[o])
    master = Master(n, best, lengths.__getitem__, problem.fewest())
    known: dict[int, Column] = {}
    prices: Sequence[float] = [*_shares(problem, lengths, best), 0.0]
    slack = cost * max(SLACK, BATCH_SLACK / problem.fewest())
    offered: dict[int, Column] = {}
    built = False
    for _ in range(ROUNDS):
        if stop():
            return best
        offered |= {each.key: each for each in _varied(_within(lengths, known, prices, slack, n), n)}
        pivots = master.solve(list(offered.values()), PIVOTS_MAX, stop)
        prices = master.prices
        if pivots > FEW_PIVOTS:
            built = False
        elif built and not pivots:
            break
        else:
            _build(problem, lengths, near, prices, slack)
            built = True
    prices, slack = master.prices, min(slack, cost - master.value)
    columns = _within(lengths, known, prices, slack, n)[:COLUMNS_MAX]
    whole = columns + [column(key, (o,), lengths[key], n) for o, key in enumerate(alone)]
    found = dive(master, whole, DIVE_PIVOTS, stop)
    for start in (best, found or []):
        if start and not stop():
            better = _recover(columns, prices, start, lengths, near, Rng(seed), stop)
            if sum(lengths[key] for key in better) < cost:
                best, cost = better, sum(lengths[key] for key in better)
    return best


def _shares(problem: Problem, lengths: dict[int, int], plan: Sequence[int]) -> list[float]:
    """First prices: each batch's cost shared among its orders in proportion to their tours alone."""
    prices = [0.0] * len(problem.masks)
    for key in plan:
        members = members_of(key)
        alone = [problem.length(problem.masks[o]) or 1 for o in members]
        for o, own in zip(members, alone, strict=True):
            prices[o] = lengths[key] * own / sum(alone)
    return prices


def _within(
    lengths: dict[int, int], known: dict[int, Column], prices: Sequence[float], slack: float, n: int
) -> list[Column]:
    """The columns that exceed their prices by less than the slack, those that exceed them least first."""
    for key, cost in lengths.items():
        if key and key not in known:
            known[key] = column(key, members_of(key), cost, n)
    excess = [(each.cost - sum(each.entries(prices)), each.key) for each in known.values()]
    return [known[key] for _, key in sorted([pair for pair in excess if pair[0] < slack])]


def _varied(columns: Sequence[Column], n: int) -> list[Column]:
    """The first few columns of each order: early prices make the cheapest columns all alike."""
    taken = [0] * n
    kept = []
    for each in columns:
        if min([taken[o] for o in each.members]) < EACH:
            kept.append(each)
            for o in each.members:
                taken[o] += 1
    return kept


def _build(
    problem: Problem, lengths: dict[int, int], near: Sequence[Sequence[int]], prices: Sequence[float], slack: float
) -> None:
    """Batches built up order by order: those within the slack are put among the known ones."""
    masks, loads, fits = problem.masks, problem.loads, problem.fits
    n = len(masks)
    level: list[tuple[int, int, int, float, tuple[int, ...]]]
    level = [(1 << o, masks[o], loads[o], prices[o] + prices[n], (o,)) for o in range(n)]
    while level:
        wider: dict[int, tuple[float, int, int, float, tuple[int, ...]]] = {}
        for key, mask, load, price, members in level:
            for o in sorted({o for member in members for o in near[member]}):
                fresh = key | 1 << o
                if fresh == key or fresh in wider or not fits(load + loads[o]):
                    continue
                cost = lengths.get(fresh)
                if cost is None:
                    cost = lengths[fresh] = problem.price((*members, o), mask | masks[o])
                wider[fresh] = (
                    cost - price - prices[o],
                    mask | masks[o],
                    load + loads[o],
                    price + prices[o],
                    (*members, o),
                )
        kept = [0] * n
        level = []
        for key, (_, mask, load, price, members) in sorted(wider.items(), key=lambda item: (item[1][0], item[0])):
            if min([kept[o] for o in members]) < WIDTH:
                for o in members:
                    kept[o] += 1
                level.append((key, mask, load, price, members))


def _recover(
    columns: Sequence[Column],
    prices: Sequence[float],
    plan: Sequence[int],
    lengths: dict[int, int],
    near: Sequence[Sequence[int]],
    rng: Rng,
    stop: Callable[[], bool],
) -> list[int]:
    """Take a few batches apart and cover their orders at best by the columns, again and again.

    What counts is by how much batches exceed their prices: it is small for good ones and never below zero, so that a
    partial cover that exceeds more than the batches taken apart is given up at once.
    """
    n = len(near)

    def excess(key: int, cost: int) -> float:
        return max(0.0, cost - sum([prices[o] for o in members_of(key)]) - prices[n])

    ranked = sorted((excess(each.key, each.cost), each.key) for each in columns)
    plan = list(plan)
    over = {key: excess(key, lengths[key]) for key in plan} | {key: e for e, key in ranked}
    home = {o: key for key in plan for o in members_of(key)}
    turn = vain = 0
    while vain < RECOVERIES and (turn & 15 or not stop()):
        turn += 1
        vain += 1
        # The batch that exceeds more of two is where there is most to gain.
        apart = [max((home[rng.below(n)] for _ in range(2)), key=over.__getitem__)]
        for _ in range(min(2 + rng.below(APART_MAX - 1), len(plan) - 1)):
            members = members_of(rng.choice(apart))
            beside = near[rng.choice(members)]
            key = home[beside[rng.below(min(len(beside), 2 * APART_MAX))]] if beside else rng.choice(plan)
            if key not in apart:
                apart.append(key)
        budget = sum(over[key] for key in apart) - 0.5
        if budget <= 0:
            continue
        better = _cover(sum(apart), ranked, budget)
        if better:
            vain = 0
            plan = [key for key in plan if key not in apart] + better
            home |= {o: key for key in better for o in members_of(key)}
    return plan


def _cover(orders: int, ranked: Sequence[tuple[float, int]], budget: float) -> list[int] | None:
    """The batches that cover some orders and exceed their prices least in all, if less than the budget."""
    outside = ~orders
    offers = [(e, key) for e, key in ranked if not key & outside and e < budget]
    counts = Counter(o for _, key in offers for o in members_of(key))
    rare = sorted(members_of(orders), key=lambda o: (counts[o], o))
    if not counts[rare[0]]:
        return None
    found: list[int] | None = None
    chosen: list[int] = []
    nodes = 0

    def search(left: int, offers: list[tuple[float, int]], spent: float) -> None:
        nonlocal found, budget, nodes
        if not left:
            found, budget = list(chosen), spent
            return
        nodes += 1
        order = next(o for o in rare if left >> o & 1)
        for e, key in offers:
            if spent + e >= budget or nodes > NODES_MAX:
                break
            if key >> order & 1:
                chosen.append(key)
                rest = budget - spent - e
                search(left ^ key, [pair for pair in offers if not pair[1] & key and pair[0] < rest], spent + e)
                chosen.pop()

    search(orders, offers, 0.0)
    return found
