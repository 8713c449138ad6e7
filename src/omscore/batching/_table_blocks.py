"""Tours over a table of shortest ways: on many blocks, or on several with one-way aisles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import pairwise

from omscore.batching._meters import MEMO_MAX, Grid
from omscore.batching._roundtrip import MATRIX_RULES, held_karp, improve, nearest
from omscore.batching._walk import Point, from_depot, walk_length

BLOCK_RULES = MATRIX_RULES
"""The rules of a table: `local` (nearest neighbor, then 2-opt and Or-opt), `nearest`, and `exact` up to 12 places."""

Corner = tuple[int, int]
"""An aisle and a cross-aisle, counted from the left and from the front; the depot is (-1, 0)."""

_DEPOT: Corner = (-1, 0)


class TableBlocks:
    """The corners of a floor with the shortest ways between them, in the directions each aisle may be walked."""

    def __init__(self, grid: Grid, ways: Sequence[str]) -> None:
        self.grid, self.ways = grid, ways
        self.corners = [(aisle, cross) for aisle in range(grid.aisles) for cross in range(grid.blocks + 1)]
        self.known: dict[Corner, tuple[dict[Corner, int], dict[Corner, Corner]]] = {}
        self.paths: dict[tuple[Corner, Corner], tuple[Point, ...]] = {}

    def length(self, rule: str) -> Callable[[int], int]:
        """The function from a set of bins to the length of its tour."""
        memo: dict[int, int] = {}

        def length(mask: int) -> int:
            if mask not in memo:
                if len(memo) >= MEMO_MAX:
                    memo.clear()
                memo[mask] = walk_length(self.walk(mask, rule)) if mask else 0
            return memo[mask]

        return length

    def walk(self, mask: int, rule: str) -> tuple[Point, ...]:
        """A walk past the stops, from the depot and back."""
        places = [_DEPOT] + [(aisle, cell) for aisle, cells in self.grid.columns(mask) for cell in cells]
        table = [[walk_length(self._path(a, b)) for b in places] for a in places]
        stops = range(1, len(places))
        if rule == "exact":
            order = held_karp(table, 0, list(stops))
        else:
            order = nearest(table, 0, stops)
            order = order if rule == "nearest" else improve(table, 0, order, symmetric=False)
        walk: list[Point] = []
        for a, b in pairwise([0, *order, 0]):
            walk += self._path(places[a], places[b])
        return from_depot(self.grid, walk)

    def _point(self, corner: Corner) -> Point:
        aisle, cross = corner
        return (self.grid.depot_at, 0) if corner == _DEPOT else (self.grid.xs[aisle], cross * self.grid.height)

    def _place(self, place: Corner) -> Point:
        """Where a stop (aisle, cell), or the depot, is."""
        if place == _DEPOT:
            return self.grid.depot_at, 0
        aisle, cell = place
        return self.grid.xs[aisle], cell // self.grid.per_block * self.grid.height + self.grid.position[cell]

    def _path(self, a: Corner, b: Corner) -> tuple[Point, ...]:
        """The shortest way from one place to another, both ends included."""
        found = self.paths.get((a, b))
        if found is None:
            found = self.paths[a, b] = self._find_path(a, b)
        return found

    def _find_path(self, a: Corner, b: Corner) -> tuple[Point, ...]:
        here, there = self._place(a), self._place(b)
        if a == b:
            return (here,)
        best: tuple[Point, ...] = ()
        if a[0] == b[0] >= 0 and (here[1] == there[1] or self._may(a[0], here[1] < there[1])):
            best = (here, there)
        for out in self._ends(a, leaving=True):
            ways, before = self._ways_from(out)
            for back in self._ends(b, leaving=False):
                if back not in ways:
                    continue
                corners = [back]
                while corners[-1] != out:
                    corners.append(before[corners[-1]])
                path = (here, *(self._point(corner) for corner in reversed(corners)), there)
                if not best or walk_length(path) < walk_length(best):
                    best = path
        return best

    def _may(self, aisle: int, up: bool) -> bool:
        return self.ways[aisle] in ("both", "up" if up else "down")

    def _ends(self, place: Corner, *, leaving: bool) -> list[Corner]:
        """The corners a place is left by, or reached from."""
        if place == _DEPOT:
            return [_DEPOT]
        aisle, cell = place
        block, at = cell // self.grid.per_block, self.grid.position[cell]
        front = self._may(aisle, up=not leaving) or at == 0
        back = self._may(aisle, up=leaving) or at == self.grid.height
        return [(aisle, block + side) for side, fits in ((0, front), (1, back)) if fits]

    def _ways_from(self, start: Corner) -> tuple[dict[Corner, int], dict[Corner, Corner]]:
        """How far every corner is from one (Dijkstra 1959), and the corner before it."""
        found = self.known.get(start)
        if found is not None:
            return found
        ways: dict[Corner, int] = {start: 0}
        before: dict[Corner, Corner] = {}
        queue = [(0, start)]
        while queue:
            far, corner = heappop(queue)
            if far > ways[corner]:
                continue
            for target in self._next(corner):
                there = far + walk_length((self._point(corner), self._point(target)))
                if target not in ways or there < ways[target]:
                    ways[target], before[target] = there, corner
                    heappush(queue, (there, target))
        self.known[start] = ways, before
        return ways, before

    def _next(self, corner: Corner) -> list[Corner]:
        aisle, cross = corner
        if corner == _DEPOT:
            return [(other, 0) for other in range(self.grid.aisles)]
        found = [(other, cross) for other in (aisle - 1, aisle + 1) if 0 <= other < self.grid.aisles]
        if cross == 0:
            found.append(_DEPOT)
        if cross < self.grid.blocks and self._may(aisle, up=True):
            found.append((aisle, cross + 1))
        if cross > 0 and self._may(aisle, up=False):
            found.append((aisle, cross - 1))
        return found
