"""The cheapest plan of one waiting order at given prices, made for being asked a hundred thousand times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import add, itemgetter
from typing import Any

from omscore.routing._backlog_values import BacklogOrder
from omscore.routing._search_problem import Atoms
from omscore.routing._search_sites import by_dual_ascent
from omscore.routing._search_subsets import ways_of

Where = tuple[int, ...]
Rows = list[list[int]]
Sizes = tuple[tuple[int, int], ...]
"""The units of an item that some line asks at once, each with its place in `Ready.free`."""

FAR = 1 << 90
"""The cost of what cannot be."""
SCALE = 16
"""Costs are counted in sixteenths of a minor unit, so that prices can be finer than money."""
LINES_MAX = 6
STEPS_MAX = 60
"""Beyond so many lines an order is searched within so many steps."""


class Ready:
    """A backlog in the shape the planner works on; costs are scaled, nodes that may not serve cost FAR."""

    def __init__(self, orders: Sequence[BacklogOrder], stock: Sequence[Sequence[int]]) -> None:
        self.stock = stock
        self.nodes = len(stock[0]) if stock else 0
        self.orders = orders
        self.items = [tuple(order.items) for order in orders]
        self.units = [tuple(order.units) for order in orders]
        self.fixed = []
        self.rows: list[Rows] = []
        for order in orders:
            allowed = -1 if order.nodes is None else order.nodes
            self.fixed.append([f * SCALE if allowed >> i & 1 else FAR for i, f in enumerate(order.fixed)])
            self.rows.append(
                [
                    [c * SCALE if stock[item][i] >= n else FAR for i, c in enumerate(row)]
                    for item, n, row in zip(order.items, order.units, order.line_costs, strict=True)
                ]
            )
        self.outs = [[p * SCALE for p in order.unfilled] for order in orders]
        self.penalties = [order.split_penalty * SCALE for order in orders]
        self.wanting: list[list[int]] = [[] for _ in stock]
        places: list[dict[int, int]] = [{} for _ in stock]
        # Per (item, units asked at once), the bitmask of nodes that have so many.
        self.free: list[int] = []
        # The same (item, units) written out, and per order the places of its lines.
        self.asked: list[tuple[int, int]] = []
        self.places: list[tuple[int, ...]] = []
        # Per order, from a list like `free` to the masks of its lines: an int for one line, else a tuple.
        self.masks: list[Callable[[list[int]], Any]] = []
        for o, items in enumerate(self.items):
            at = []
            for item, n in zip(items, self.units[o], strict=True):
                self.wanting[item].append(o)
                if n not in places[item]:
                    places[item][n] = len(self.free)
                    self.asked.append((item, n))
                    self.free.append(sum([1 << i for i, k in enumerate(stock[item]) if k >= n]))
                at.append(places[item][n])
            self.places.append(tuple(at))
            self.masks.append(itemgetter(*at))
        self.sizes: list[Sizes] = [tuple(of.items()) for of in places]

    def best(self, o: int, rows: Rows) -> tuple[int, Where, int]:
        """(cost, node of each line, bound) of the cheapest plan of order `o` when its lines cost `rows`."""
        return best_plan(self.fixed[o], rows, self.outs[o], self.penalties[o])

    def value(self, o: int, where: Sequence[int]) -> int:
        """The scaled cost of an order's plan."""
        total = 0
        used: list[int] = []
        for line, i in enumerate(where):
            if i < 0:
                total += self.outs[o][line]
                continue
            total += self.rows[o][line][i]
            if i not in used:
                used.append(i)
                total += self.fixed[o][i]
        return total + self.penalties[o] * max(0, len(used) - 1)

    def cost(self, where: Sequence[Sequence[int]]) -> int:
        """The cost of all orders, in minor units."""
        return sum([self.value(o, nodes) for o, nodes in enumerate(where)]) // SCALE


def best_plan(fixed: list[int], rows: Rows, outs: list[int], penalty: int) -> tuple[int, Where, int]:
    """(cost, node of each line or -1, bound); exact, but for orders of many lines, whose search may be cut."""
    lines = len(rows)
    if lines == 1:
        sums = list(map(add, fixed, rows[0]))
        v = min(sums)
        return (v, (sums.index(v),), v) if v <= outs[0] else (outs[0], (-1,), outs[0])
    if lines == 2:
        return _two(fixed, rows, outs, penalty)
    if lines <= LINES_MAX:
        return _by_sets(fixed, rows, outs, penalty)
    return _by_ascent(fixed, rows, outs, penalty)


def _two(fixed: list[int], rows: Rows, outs: list[int], penalty: int) -> tuple[int, Where, int]:
    a = list(map(add, fixed, rows[0]))
    b = list(map(add, fixed, rows[1]))
    both = list(map(add, a, rows[1]))
    va, vb, best = min(a), min(b), min(both)
    where: Where
    if va + vb + penalty < best:
        best, where = va + vb + penalty, (a.index(va), b.index(vb))
    else:
        i = both.index(best)
        where = (i, i)
    if va + outs[1] < best:
        best, where = va + outs[1], (a.index(va), -1)
    if vb + outs[0] < best:
        best, where = vb + outs[0], (-1, b.index(vb))
    if outs[0] + outs[1] < best:
        best, where = outs[0] + outs[1], (-1, -1)
    return best, where, best


def _by_sets(fixed: list[int], rows: Rows, outs: list[int], penalty: int) -> tuple[int, Where, int]:
    """The cheapest node for each set of lines, then the cheapest way to divide all lines into such sets."""
    sums: list[list[int]] = [fixed]
    none = [0]
    for row, out in zip(rows, outs, strict=True):
        sums += [list(map(add, one, row)) for one in sums]
        none += [v + out for v in none]
    cheapest = [min(one) + penalty for one in sums]
    cost, groups = divided(cheapest, none, penalty)
    where = [-1] * len(rows)
    for group in groups:
        one = sums[group]
        i = one.index(min(one))
        for line in range(len(rows)):
            if group >> line & 1:
                where[line] = i
    cost -= penalty if groups else 0
    return cost, tuple(where), cost


def divided(cheapest: list[int], none: list[int], penalty: int) -> tuple[int, list[int]]:
    """(cost, sets of lines shipped together) of the cheapest way to divide all lines into sets.

    Per set of lines, `cheapest` is its cost as a stop with the penalty of one, `none` what leaving it out costs. The
    cost counts the penalty of each stop; a plan that ships anything has one given back, so that one which ships
    nothing is preferred only when it costs no more than that. Dynamic programming as in _search_subsets.
    """
    size = len(none)
    # What at least one node costs that ships something.
    total = [2 * FAR] * size
    pick = [0] * size
    after = list(none)
    for whole, (low, sets) in enumerate(ways_of(size.bit_length() - 1)):
        if not whole:
            continue
        least, how = total[whole ^ low] + none[low], 0
        for t in sets:
            v = cheapest[t] + after[whole ^ t]
            if v < least:
                least, how = v, t
        total[whole], pick[whole] = least, how
        after[whole] = min(after[whole], least)
    if none[-1] <= total[-1] - penalty:
        return none[-1], []
    groups: list[int] = []
    whole = size - 1
    while whole and not (groups and none[whole] <= total[whole]):
        how = pick[whole]
        if how:
            groups.append(how)
            whole ^= how
        else:
            whole &= whole - 1
    return total[-1], groups


def _by_ascent(fixed: list[int], rows: Rows, outs: list[int], penalty: int) -> tuple[int, Where, int]:
    """Many lines: dual ascent, and branch and bound within a few steps."""
    masks = []
    for row, out in zip(rows, outs, strict=True):
        mask, bit = 0, 1
        for c, f in zip(row, fixed, strict=True):
            if c < out and f < FAR:
                mask |= bit
            bit <<= 1
        masks.append(mask)
    found = by_dual_ascent(Atoms(masks, rows, fixed, penalty, None, outs, None, None, None, [1] * len(rows)), STEPS_MAX)
    if found is None:
        return sum(outs), (-1,) * len(rows), sum(outs)
    where, cost, bound, _ = found
    return cost, tuple(where), bound
