"""Few lines: dynamic programming over sets of lines, exact for any cost of a parcel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from omscore.routing._masks import bits
from omscore.routing._search_problem import Atoms, keyed, scale_of

SUBSETS_MAX: Final = 8
"""Lines up to which the sets are listed: 3**n / 2 steps."""


@lru_cache(maxsize=512)
def _sets_of(mask: int) -> tuple[int, ...]:
    """All subsets of a set of lines, the empty one first, each made from an earlier one by adding a line."""
    out = [0]
    for b in bits(mask):
        out += [t | 1 << b for t in out]
    return tuple(out)


@lru_cache(maxsize=16)
def ways_of(lines: int) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Per set of lines: its lowest line, and the subsets that hold that line."""
    out: list[tuple[int, tuple[int, ...]]] = []
    for whole in range(1 << lines):
        low = whole & -whole
        out.append((low, tuple([t | low for t in _sets_of(whole ^ low)])))
    return tuple(out)


def by_subsets(a: Atoms) -> tuple[list[int], int, bool] | None:
    """(node of each line or -1, cost, whether no node serves two groups), or None when there is no plan.

    First the cheapest node for each set of lines shipped together, then the cheapest way to divide all lines into such
    sets. Where a node serves two sets, the answer is the bound of a search that forbids it.
    """
    lines = len(a.masks)
    size = 1 << lines
    far = 1 << 400
    best = [far] * size
    node = [-1] * size
    _groups(a, best, node)
    scale = scale_of(len(a.fixed))
    stops = a.stops_max if a.stops_max is not None and a.stops_max < lines else None
    prices = None if a.prices is None else [p * scale for p in a.prices]
    chosen = _divide(lines, best, far, prices)
    if stops is not None and (chosen is None or len(chosen[1]) > stops):
        chosen = _divide_few(lines, best, far, prices, stops)
    penalty = a.penalty * scale
    if prices is not None and (chosen is None or sum(prices) <= chosen[0] - penalty):
        return [-1] * lines, sum(a.prices or ()), True
    if chosen is None:
        return None
    where = [-1] * lines
    used = 0
    distinct = True
    for group in chosen[1]:
        i = node[group]
        distinct = distinct and not used >> i & 1
        used |= 1 << i
        for line in bits(group):
            where[line] = i
    return where, chosen[0] // scale - a.penalty, distinct


def _groups(a: Atoms, best: list[int], node: list[int]) -> None:
    """The cheapest node, and its cost, for every set of lines."""
    masks, rows, tariff, caps = a.masks, a.rows, a.tariff, a.caps
    lines = len(masks)
    scale = scale_of(len(a.fixed))
    fixed = keyed(a.fixed, a.penalty)
    weigh: tuple[int, ...] = ()
    count: tuple[int, ...] = ()
    if tariff is not None and a.weights is not None:
        weigh = _sums(a.weights)
    if caps is not None:
        count = _sums(a.sizes)
    by_line = [(1 << line, masks[line], rows[line]) for line in range(lines)]
    anywhere = 0
    for mask in masks:
        anywhere |= mask
    while anywhere:
        bit = anywhere & -anywhere
        anywhere ^= bit
        i = bit.bit_length() - 1
        mine = 0
        sums = [fixed[i]]
        for line_bit, mask, row in by_line:
            if mask & bit:
                mine |= line_bit
                more = row[i] * scale
                sums += [v + more for v in sums]
        cap = None if caps is None else caps[i]
        for t, v in zip(_sets_of(mine), sums, strict=True):
            if v < best[t]:
                cost = v
                if cap is not None and count[t] > cap:
                    continue
                if tariff is not None and t:
                    price = tariff(i, weigh[t])
                    if price is None:
                        continue
                    cost += price * scale
                    if cost >= best[t]:
                        continue
                best[t] = cost
                node[t] = i


def _sums(figures: Sequence[int]) -> tuple[int, ...]:
    """Per set of lines, the sum of their figures."""
    out = [0]
    for figure in figures:
        out += [v + figure for v in out]
    return tuple(out)


def _divide(lines: int, best: list[int], far: int, prices: list[int] | None) -> tuple[int, list[int]] | None:
    """The cheapest way to divide all lines into sets (at least one shipped), without a limit on stops."""
    size = 1 << lines
    total = [far] * size
    pick = [0] * size
    total[0] = 0
    ways = ways_of(lines)
    if prices is None:
        for whole in range(1, size):
            least, how = far, 0
            for t in ways[whole][1]:
                v = best[t] + total[whole ^ t]
                if v < least:
                    least, how = v, t
            total[whole], pick[whole] = least, how
        if total[-1] >= far:
            return None
        return total[-1], _picked(pick, size - 1)
    # With prices for leaving out, `total` ships at least one line and `none` is the price of shipping nothing.
    none = list(_sums(prices))
    total[0] = far
    for whole in range(1, size):
        low, sets = ways[whole]
        least, how = total[whole ^ low] + prices[low.bit_length() - 1], -low
        for t in sets:
            rest = whole ^ t
            v = total[rest]
            v = min(v, none[rest])
            v += best[t]
            if v < least:
                least, how = v, t
        total[whole], pick[whole] = least, how
    if total[-1] >= far:
        return None
    groups = []
    whole = size - 1
    shipped = False
    while whole:
        if shipped and none[whole] <= total[whole]:
            break
        how = pick[whole]
        if how > 0:
            groups.append(how)
            shipped = True
        whole ^= abs(how)
    return total[-1], groups


def _picked(pick: list[int], whole: int) -> list[int]:
    groups = []
    while whole:
        groups.append(pick[whole])
        whole ^= pick[whole]
    return groups


def _divide_few(
    lines: int, best: list[int], far: int, prices: list[int] | None, stops: int
) -> tuple[int, list[int]] | None:
    """The same with at most `stops` sets: one more set per round."""
    size = 1 << lines
    ways = ways_of(lines)
    before = [far] * size
    before[0] = 0
    if prices is not None:
        before = list(_sums(prices))
    rounds: list[list[int]] = []
    champion: tuple[int, int] | None = None
    for k in range(stops):
        total, pick = [far] * size, [0] * size
        for whole in range(1, size):
            low, sets = ways[whole]
            least, how = far, 0
            if prices is not None:
                least, how = total[whole ^ low] + prices[low.bit_length() - 1], -low
            for t in sets:
                v = best[t] + before[whole ^ t]
                if v < least:
                    least, how = v, t
            total[whole], pick[whole] = least, how
        rounds.append(pick)
        if total[-1] < far and (champion is None or total[-1] < champion[0]):
            champion = (total[-1], k)
        before = total
    if champion is None:
        return None
    groups = []
    whole, k = size - 1, champion[1]
    while whole and k >= 0:
        how = rounds[k][whole]
        if how > 0:
            groups.append(how)
            k -= 1
        whole ^= abs(how)
    return champion[0], groups
