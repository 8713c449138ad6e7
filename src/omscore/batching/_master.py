"""Prices on orders by linear programming: set partitioning with fractions allowed, by the simplex method.

One row for each order (covered once) and one for the number of batches (no fewer than the loads need). The primal
simplex method runs on an explicit inverse of the basis, which is small: a row for each order. It starts from a plan,
whose other basic columns are orders picked alone; right hand sides a hair above 1 keep it from stalling (Charnes 1952).
Prices that come of it are exact for the columns given, which is what makes a search over columns short.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

EPS = 1e-9
HAIR = 0.03
"""How far above 1 right hand sides go at most. The further, the fewer pivots, and the lower the bound."""

CANDIDATES, ALIKE = 40, 3
"""Columns priced again after each pivot, before all of them are, and how many of these may hold the same order."""


class Column(NamedTuple):
    """A batch that may be chosen: its orders as bits and as numbers, its cost, and a getter of its entries in a row."""

    key: int
    cost: int
    members: tuple[int, ...]
    entries: Callable[[Sequence[float]], tuple[float, ...]]


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


def column(key: int, members: tuple[int, ...], cost: int, n: int) -> Column:
    """A batch of some of n orders as a column; its last entry is the count of batches."""
    entries: Any = itemgetter(*members, n)
    return Column(key, cost, members, entries)


class Master:
    """The linear program at a basis: prices in `prices` (the last one is for every batch), fractions in `x`."""

    def __init__(self, n: int, plan: Sequence[int], cost: Callable[[int], int], fewest: int) -> None:
        self.n, self.fewest = n, fewest
        right = [1 + HAIR * ((o * 0.6180339887) % 1) for o in range(n)] + [float(fewest)]
        self.keys = [1 << o for o in range(n)] + [0]
        self.rows = [[0.0] * (n + 1) for _ in range(n)]
        for key in plan:
            first, *others = sorted(members_of(key), key=right.__getitem__)
            self.keys[first] = key
            for o in others:
                self.rows[o][first] = -1.0
        for o, row in enumerate(self.rows):
            row[o] = 1.0
        # The last basic variable is how many batches there are more than the fewest possible.
        self.rows.append([sum(row[k] for row in self.rows) for k in range(n)] + [-1.0])
        self.costs = [float(cost(key)) for key in self.keys[:n]] + [0.0]
        self.x = [sum(a * b for a, b in zip(row, right, strict=True)) for row in self.rows]
        self.prices = [sum(c * row[k] for c, row in zip(self.costs, self.rows, strict=True)) for k in range(n + 1)]

    def copy(self) -> Master:
        """The same basis, to go on from without changing this one."""
        other = object.__new__(Master)
        other.n, other.fewest, other.rows = self.n, self.fewest, [list(row) for row in self.rows]
        other.keys, other.costs, other.x, other.prices = self.keys[:], self.costs[:], self.x[:], self.prices[:]
        return other

    @property
    def value(self) -> float:
        """What the prices add up to: no plan of the columns given costs less, once they are all priced out."""
        return sum(self.prices[: self.n]) + self.fewest * self.prices[self.n]

    def solve(self, columns: Sequence[Column], pivots_max: int, stop: Callable[[], bool]) -> int:
        """Pivot until no column is worth more than half a unit, or so many times, or it is to stop; the pivots done."""
        done = 0
        while done < pivots_max and not stop():
            prices = self.prices
            if prices[self.n] < -0.5:
                self._enter(0, 0, None, prices[self.n])
                done += 1
                continue
            excess = [(cost - sum(entries(prices)), k) for k, (_, cost, _, entries) in enumerate(columns)]
            offers = self._offers(columns, sorted([pair for pair in excess if pair[0] < -0.5]))
            if not offers:
                break
            while offers and done < pivots_max:
                prices = self.prices
                again = [(cost - sum(entries(prices)), k) for k, (_, cost, _, entries) in enumerate(offers)]
                e, k = min(again)
                if e >= -0.5:
                    break
                key, cost, _, entries = offers[k]
                self._enter(key, cost, entries, e)
                done += 1
                offers = [offers[j] for e, j in again if e < 0 and j != k]
        return done

    def _offers(self, columns: Sequence[Column], ranked: Sequence[tuple[float, int]]) -> list[Column]:
        """The columns worth most, but few of any one order: alike ones would be worth nothing after the first."""
        taken = [0] * self.n
        offers = []
        for _, k in ranked:
            members = columns[k].members
            if max([taken[o] for o in members]) < ALIKE:
                offers.append(columns[k])
                if len(offers) == CANDIDATES:
                    break
                for o in members:
                    taken[o] += 1
        return offers

    def _enter(self, key: int, cost: int, entries: Any, excess: float) -> None:
        """Bring a column (or, without entries, the surplus of batches) into the basis."""
        rows, x, n = self.rows, self.x, self.n
        alpha = [sum(entries(row)) for row in rows] if entries else [-row[n] for row in rows]
        step, out = min((x[i] / a, -a, i) for i, a in enumerate(alpha) if a > 1e-7)[::2]
        scale = 1 / alpha[out]
        pivot = [v * scale for v in rows[out]]
        filled = [(k, v) for k, v in enumerate(pivot) if v > EPS or v < -EPS]
        sparse = 3 * len(filled) < n
        for i, a in enumerate(alpha):
            if i != out and (a > EPS or a < -EPS):
                x[i] -= a * step
                if sparse:
                    row = rows[i]
                    for k, v in filled:
                        row[k] -= a * v
                else:
                    rows[i] = [u - a * v for u, v in zip(rows[i], pivot, strict=True)]
        rows[out], x[out], self.keys[out], self.costs[out] = pivot, step, key, cost
        for k, v in filled:
            self.prices[k] += excess * v

    def cheapen(self, place: int, by: float) -> None:
        """Make a basic column cheaper, so that going on brings it in whole."""
        self.costs[place] -= by
        self.prices = [p - by * v for p, v in zip(self.prices, self.rows[place], strict=True)]


def dive(master: Master, columns: Sequence[Column], pivots_max: int, stop: Callable[[], bool]) -> list[int] | None:
    """A plan near the fractional one: take what is nearly whole, or else the largest fraction, and solve again.

    `columns` hold every order alone, so that the rest can always be covered.
    """
    at = master.copy()
    everything = (1 << at.n) - 1
    much = 4 * sum(c for c in at.costs if c > 0)
    covered, plan = 0, []
    while covered != everything:
        free = [(x, i) for i, x in enumerate(at.x) if at.keys[i] and x > 1e-3 and not at.keys[i] & covered]
        if not free or stop():
            return None
        for _, i in sorted([pair for pair in free if pair[0] > 0.75] or [max(free)], reverse=True):
            key = at.keys[i]
            if not key & covered:
                plan.append(key)
                covered |= key
                at.cheapen(i, much)
        columns = [each for each in columns if not each.key & covered]
        at.solve(columns, pivots_max, stop)
    return plan
