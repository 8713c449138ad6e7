"""Small problems, proven: all possible batches listed, prices on orders, and an exact cover under them.

A plan is a set of batches that covers every order once. Prices on the orders (see `_master`) tell what each should cost
at most; a batch whose length exceeds its orders' prices by more than the gap between bound and best plan can be in no
better plan, and what is left is searched by branch and bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, gcd

from omscore.batching._master import Column, Master, column
from omscore.batching._problem import Batches, Problem, never


def cover(
    n: int, columns: Sequence[Column], excess: Sequence[float], bound: float, upper: int, grain: int, looks_max: int
) -> tuple[list[Column] | None, bool]:
    """The cheapest exact cover by these columns under `upper`, if any, and whether all was looked at.

    Depth first: the order with the fewest columns left is covered next, by its columns in rising excess; what the
    chosen columns exceed their prices by, added to the bound, must leave room for a cover better by one `grain`, of
    which all costs are multiples.
    """
    by_order: list[list[tuple[float, int, Column]]] = [[] for _ in range(n)]
    for place, (each, e) in enumerate(zip(columns, excess, strict=True)):
        if bound + max(e, 0.0) < upper - grain + 0.5:
            for o in each.members:
                by_order[o].append((max(e, 0.0), place, each))
    for offers in by_order:
        if not offers:
            return None, True
        offers.sort(key=lambda offer: offer[:2])
    ranks = sorted(range(n), key=lambda o: (len(by_order[o]), o))
    everything = (1 << n) - 1
    found: list[Column] | None = None
    chosen: list[Column] = []
    looks = 0

    def search(covered: int, lower: float, cost: int) -> None:
        nonlocal found, upper, looks
        if covered == everything:
            if cost < upper:
                found, upper = list(chosen), cost
            return
        order = next(o for o in ranks if not covered >> o & 1)
        for e, _, each in by_order[order]:
            if lower + e >= upper - grain + 0.5 or looks >= looks_max:
                break
            looks += 1
            if not each.key & covered:
                chosen.append(each)
                search(covered | each.key, lower + e, cost + each.cost)
                chosen.pop()

    search(0, bound, 0)
    return found, looks < looks_max


def all_columns(problem: Problem, count_max: int, stop: Callable[[], bool] = never) -> list[Column] | None:
    """Every feasible batch, or None when there are more than `count_max` or it is told to stop."""
    n = len(problem.masks)
    loads, masks, length, fits = problem.loads, problem.masks, problem.length, problem.fits
    columns: list[Column] = []
    open_ends: list[tuple[int, tuple[int, ...], int, int]] = [(0, (), 0, 0)]
    while open_ends:
        key, members, load, mask = open_ends.pop()
        for o in range(members[-1] + 1 if members else 0, n):
            if fits(load + loads[o]):
                wider = (key | 1 << o, (*members, o), load + loads[o], mask | masks[o])
                if len(columns) >= count_max or (not len(columns) & 1023 and stop()):
                    return None
                columns.append(column(wider[0], wider[1], length(wider[3]), n))
                open_ends.append(wider)
    return columns


LISTED_MAX = 10_000
"""Up to so many possible batches all are listed."""

PIVOTS_MAX = 2000
LOOKS_MAX = 150_000
"""Columns looked at in the search for the shortest cover before it is given up."""


def small_optimum(problem: Problem, start: Batches, stop: Callable[[], bool]) -> tuple[Batches, int] | None:
    """A plan no longer than the one given, and a length no plan goes below, where so few batches are possible that all
    can be listed; where the two are equal the plan is proven shortest.

    The bound is rounded up to a multiple of what all lengths are multiples of.
    """
    columns = all_columns(problem, LISTED_MAX, stop)
    if not columns:
        return None
    n, upper = len(problem.masks), problem.total(start)
    costs = {each.key: each.cost for each in columns}
    grain = gcd(*costs.values()) or 1
    master = Master(n, [sum(1 << o for o in batch) for batch in start], costs.__getitem__, problem.fewest())
    master.solve(columns, PIVOTS_MAX, stop)
    excess = [each.cost - sum(each.entries(master.prices)) for each in columns]
    # No plan has more than n batches, so what little some of them cost below their prices is made good n times.
    bound = master.value + n * min(0.0, *excess)
    found, complete = cover(n, columns, excess, bound, upper, grain, LOOKS_MAX)
    plan = sorted(list(each.members) for each in found) if found else start
    least = problem.total(plan) if complete else grain * ceil((bound - 0.5) / grain)
    return plan, max(least, problem.lower_bound())
