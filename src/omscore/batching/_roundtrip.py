"""Orders of stops over a table of distances: nearest neighbor, 2-opt and Or-opt, and dynamic programming."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from omscore.errors import DefinitionError

EXACT_MAX = 12
"""Stops an exact tour over a table may have: the table of Held and Karp doubles with each."""

MATRIX_RULES = ("local", "nearest", "exact")

Matrix = Sequence[Sequence[int]]


def nearest(d: Matrix, home: int, stops: Iterable[int]) -> list[int]:
    """Always on to the nearest stop not yet visited; ties go to the lower number.

    >>> nearest(((0, 3, 1), (3, 0, 1), (1, 1, 0)), 0, [1, 2])
    [2, 1]
    """
    waiting = sorted(stops)
    tour: list[int] = []
    here = home
    while waiting:
        row = d[here]
        here = min(waiting, key=row.__getitem__)
        waiting.remove(here)
        tour.append(here)
    return tour


def improve(d: Matrix, home: int, tour: Sequence[int], *, symmetric: bool) -> list[int]:
    """2-opt and Or-opt moves until none shortens the tour.

    >>> square = ((0, 1, 2, 1), (1, 0, 1, 2), (2, 1, 0, 1), (1, 2, 1, 0))
    >>> improve(square, 0, [2, 1, 3], symmetric=True)
    [1, 2, 3]
    """
    t = [home, *tour, home]
    better = True
    while better:
        better = _two_opt(d, t, symmetric=symmetric) or _or_opt(d, t)
    return t[1:-1]


def _two_opt(d: Matrix, t: list[int], *, symmetric: bool) -> bool:
    for i in range(1, len(t) - 2):
        a, b = t[i - 1], t[i]
        turned = 0
        for j in range(i + 1, len(t) - 1):
            c, e = t[j], t[j + 1]
            if not symmetric:
                turned += d[c][t[j - 1]] - d[t[j - 1]][c]
            if d[a][c] + d[b][e] + turned < d[a][b] + d[c][e]:
                t[i : j + 1] = t[i : j + 1][::-1]
                return True
    return False


def _or_opt(d: Matrix, t: list[int]) -> bool:
    for size in (1, 2, 3):
        for i in range(1, len(t) - size):
            piece = t[i : i + size]
            rest = t[:i] + t[i + size :]
            gain = d[t[i - 1]][piece[0]] + d[piece[-1]][t[i + size]] - d[t[i - 1]][t[i + size]]
            for k in range(1, len(rest)):
                a, b = rest[k - 1], rest[k]
                if k != i and d[a][piece[0]] + d[piece[-1]][b] - d[a][b] < gain:
                    t[:] = rest[:k] + piece + rest[k:]
                    return True
    return False


def held_karp(d: Matrix, home: int, stops: Sequence[int]) -> list[int]:
    """A shortest order of the stops, by dynamic programming over sets of them; raises DefinitionError for too many.

    >>> held_karp(((0, 3, 1), (3, 0, 1), (9, 1, 0)), 0, [1, 2])
    [2, 1]
    """
    n = len(stops)
    if n > EXACT_MAX:
        raise DefinitionError(f"exact tours over a table go up to {EXACT_MAX} stops, not {n}; use rule 'local'")
    best: dict[tuple[int, int], tuple[int, int]] = {(1 << i, i): (d[home][stop], -1) for i, stop in enumerate(stops)}
    for seen in range(1, 1 << n):
        for last in range(n):
            here = best.get((seen, last))
            if here is None:
                continue
            for then in range(n):
                if seen >> then & 1:
                    continue
                key, cost = (seen | 1 << then, then), here[0] + d[stops[last]][stops[then]]
                if key not in best or cost < best[key][0]:
                    best[key] = (cost, last)
    everything = (1 << n) - 1
    last = min(range(n), key=lambda i: best[everything, i][0] + d[stops[i]][home])
    order: list[int] = []
    while last >= 0:
        order.append(stops[last])
        everything, last = everything ^ 1 << last, best[everything, last][1]
    return order[::-1]
