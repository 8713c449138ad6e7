"""Choosing among known batches: prices on orders, an exact cover under them, and lower bounds.

A plan is a set of batches that covers every order once. Given a pool of batches with their lengths, Lagrangian prices
on the orders (Held and Karp 1971; for set partitioning, Fisher 1981) tell what each order should cost at most; a batch
whose length exceeds its orders' prices by more than the gap between bound and best plan can be in no better plan, and
what is left is searched by branch and bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from omscore.batching._problem import Batches, Problem


class Column(NamedTuple):
    """A batch that may be chosen: its orders as bits and as numbers, and its length."""

    key: int
    members: tuple[int, ...]
    cost: int


def members_of(key: int) -> tuple[int, ...]:
    """The numbers of the bits that are set.

    >>> members_of(0b1011)
    (0, 1, 3)
    """
    members = []
    while key:
        low = key & -key
        members.append(low.bit_length() - 1)
        key ^= low
    return tuple(members)


def shares(problem: Problem, batches: Batches) -> list[float]:
    """First prices: each batch's length shared among its orders in proportion to their tours alone."""
    price = [0.0] * len(problem.masks)
    for batch in batches:
        alone = [problem.length(problem.masks[order]) or 1 for order in batch]
        cost = problem.length(problem.cover(batch))
        for order, own in zip(batch, alone, strict=True):
            price[order] = cost * own / sum(alone)
    return price


def raise_prices(
    columns: Sequence[Column], upper: int, price: Sequence[float], rounds: int
) -> tuple[float, list[float], list[float]]:
    """Subgradient steps on the prices: the best bound over these columns, its prices, and each column's excess.

    The bound holds for all plans made of these columns; it is a bound for all plans only when no batch is left out.
    """
    price = list(price)
    best, best_price, best_excess = float("-inf"), list(price), [0.0]
    stride, stale = 1.0, 0
    for _ in range(rounds):
        excess = [column.cost - sum([price[o] for o in column.members]) for column in columns]
        bound = sum(price) + sum([e for e in excess if e < 0])
        if bound > best + 1e-9 * upper:
            best, best_price, best_excess, stale = bound, list(price), excess, 0
        else:
            stale += 1
            if stale >= 6:
                stride, stale = stride / 2, 0
                price = list(best_price)
                excess = best_excess
        slope = [1] * len(price)
        for column, e in zip(columns, excess, strict=True):
            if e < 0:
                for o in column.members:
                    slope[o] -= 1
        norm = sum([s * s for s in slope])
        if not norm or best >= upper - 1 or stride < 0.01:
            break
        length = stride * max(1.05 * upper - bound, 1.0) / norm
        price = [p + length * s for p, s in zip(price, slope, strict=True)]
    return best, best_price, best_excess


def cover(
    n: int, columns: Sequence[Column], excess: Sequence[float], bound: float, upper: int, nodes_max: int
) -> tuple[list[Column] | None, bool]:
    """The cheapest exact cover by these columns under `upper`, if any, and whether all was looked at.

    Depth first: the order with the fewest columns left is covered next, by its columns in rising excess; what the
    chosen columns exceed their prices by, added to the bound, must stay under the best cover so far.
    """
    by_order: list[list[tuple[float, int, Column]]] = [[] for _ in range(n)]
    for place, (column, e) in enumerate(zip(columns, excess, strict=True)):
        if bound + max(e, 0.0) < upper - 0.5:
            for o in column.members:
                by_order[o].append((max(e, 0.0), place, column))
    for offers in by_order:
        if not offers:
            return None, True
        offers.sort(key=lambda offer: offer[:2])
    ranks = sorted(range(n), key=lambda o: (len(by_order[o]), o))
    everything = (1 << n) - 1
    found: list[Column] | None = None
    chosen: list[Column] = []
    nodes = 0

    def search(covered: int, lower: float, cost: int) -> None:
        nonlocal found, upper, nodes
        if covered == everything:
            if cost < upper:
                found, upper = list(chosen), cost
            return
        nodes += 1
        order = next(o for o in ranks if not covered >> o & 1)
        for e, _, column in by_order[order]:
            if lower + e >= upper - 0.5 or nodes >= nodes_max:
                break
            if not column.key & covered:
                chosen.append(column)
                search(covered | column.key, lower + e, cost + column.cost)
                chosen.pop()

    search(0, bound, 0)
    return found, nodes < nodes_max


def all_columns(problem: Problem, count_max: int) -> list[Column] | None:
    """Every feasible batch, or None when there are more than `count_max`."""
    n = len(problem.masks)
    loads, masks, length, fits = problem.loads, problem.masks, problem.length, problem.fits
    columns: list[Column] = []
    open_ends: list[tuple[int, tuple[int, ...], int, int]] = [(0, (), 0, 0)]
    while open_ends:
        key, members, load, mask = open_ends.pop()
        for o in range(members[-1] + 1 if members else 0, n):
            if fits(load + loads[o]):
                wider = (key | 1 << o, (*members, o), load + loads[o], mask | masks[o])
                if len(columns) >= count_max:
                    return None
                columns.append(Column(wider[0], wider[1], length(wider[3])))
                open_ends.append(wider)
    return columns


SMALL_COLUMNS = 6000
"""Up to so many possible batches a plan is proven shortest instead of searched."""

SMALL_NODES = 100_000


def small_optimum(problem: Problem, start: Batches) -> Batches | None:
    """The shortest plan, proven, where so few batches are possible that all can be listed; otherwise None."""
    columns = all_columns(problem, SMALL_COLUMNS)
    if columns is None:
        return None
    upper = problem.total(start)
    bound, _, excess = raise_prices(columns, upper, shares(problem, start), 150)
    found, complete = cover(len(problem.masks), columns, excess, bound, upper, SMALL_NODES)
    if not complete:
        return None
    return sorted(list(column.members) for column in found) if found else start
