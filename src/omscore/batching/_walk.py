"""Walks: the corner points of a tour, and the stops it passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from omscore.batching._meters import Grid
from omscore.batching._sweep import Column, edges

Point = tuple[int, int]
"""Millimeters to the right of aisle 0 and behind the front cross-aisle."""


def walk_length(walk: Sequence[Point]) -> int:
    """The length of a walk along the aisles."""
    return sum(abs(x - u) + abs(y - v) for (x, y), (u, v) in pairwise(walk))


def walk_exact(grid: Grid, mask: int) -> tuple[Point, ...]:
    """A shortest walk past the stops: the sweep's edges, then one closed walk over all of them (Hierholzer)."""
    columns: list[Column] = []
    stops_of: list[list[int]] = []
    depot = grid.depot_at
    for aisle, cells in grid.columns(mask):
        x = grid.xs[aisle]
        if x >= depot and None not in (c for _, c in columns):
            columns.append((depot, None))
            stops_of.append([])
        columns.append((x, grid.figures(sum(1 << c for c in cells).to_bytes(grid.width // 8, "little"))))
        stops_of.append(cells)
    if None not in (c for _, c in columns):
        columns.append((depot, None))
        stops_of.append([])
    plan = edges(grid.blocks, (grid.height,) * grid.blocks, columns)

    links: dict[Point, list[Point]] = {}
    trips: dict[Point, list[Point]] = {}

    def link(one: Point, other: Point, times: int) -> None:
        for _ in range(times):
            links.setdefault(one, []).append(other)
            links.setdefault(other, []).append(one)

    for place, (x, parts) in enumerate(columns):
        for block, way in enumerate(plan.ways[place]):
            low, high = (x, block * grid.height), (x, (block + 1) * grid.height)
            if way in ("L", "LL"):
                link(low, high, len(way))
            elif way and parts is not None:
                stops = [grid.position[c] for c in stops_of[place] if c // grid.per_block == block]
                from_front, from_back = reach(stops, grid.height, parts[block], way)
                if from_front:
                    trips.setdefault(low, []).append((x, low[1] + from_front))
                if from_back:
                    trips.setdefault(high, []).append((x, high[1] - from_back))
        if place < len(plan.across):
            for cross, times in enumerate(plan.across[place]):
                y = cross * grid.height
                link((x, y), (columns[place + 1][0], y), times)

    home = (depot, 0)
    for targets in links.values():
        targets.sort(reverse=True)
    circuit: list[Point] = []
    stack = [home]
    while stack:
        here = stack[-1]
        if links.get(here):
            there = links[here].pop()
            links[there].remove(here)
            stack.append(there)
        else:
            circuit.append(stack.pop())
    return along(grid, circuit, trips)


def along(grid: Grid, circuit: list[Point], trips: dict[Point, list[Point]]) -> tuple[Point, ...]:
    """The walk of a circuit that was found backwards, with the trips out and back from its corners."""
    walk: list[Point] = []
    for corner in reversed(circuit):
        walk.append(corner)
        for tip in trips.pop(corner, ()):
            walk += [tip, corner]
    return from_depot(grid, walk)


def reach(stops: list[int], height: int, figs: Sequence[int] | None, way: str) -> tuple[int, int]:
    """How far into a block a way goes from its front and from its back corner."""
    if figs is None:
        return 0, 0
    f, b, g = figs[:3]
    choice = {"fg": "f" if f <= g else "g", "bg": "b" if b <= g else "g"}.get(way, way)
    if choice == "m":
        choice = "f" if f <= min(b, g) else "b" if b <= g else "g"
    if choice == "f":
        return stops[-1], 0
    if choice == "b":
        return 0, height - stops[0]
    _, low, high = max((high - low, low, high) for low, high in pairwise(stops))
    return low, height - high


def walk_rule(grid: Grid, mask: int, rule: str) -> tuple[Point, ...]:
    """The walk of a rule of thumb on one block."""
    aisles = [(grid.xs[aisle], [grid.position[c] for c in cells]) for aisle, cells in grid.columns(mask)]
    height = grid.height
    walk: list[Point] = []
    if rule == "return" or (len(aisles) == 1 and rule != "combined"):
        for x, stops in aisles:
            walk += [(x, 0), (x, stops[-1]), (x, 0)]
    elif rule == "s_shape":
        at = 0
        for place, (x, stops) in enumerate(aisles):
            turn = stops[-1] if place == len(aisles) - 1 and at == 0 else height - at
            walk += [(x, at), (x, turn)]
            at = height - at if turn == height - at else at
        walk.append((walk[-1][0], 0))
    elif rule == "combined":
        walk = _combined_walk(aisles, height)
    else:
        first, *inner, last = aisles
        backs: list[Point] = []
        fronts: list[Point] = []
        for x, stops in inner:
            low, high = _turns(stops, height, rule)
            backs += [(x, height), (x, high), (x, height)] if high < height else []
            fronts += [(x, 0), (x, low), (x, 0)] if low else []
        # Fronts left of the depot are served on the way out, the others on the way home.
        out = [p for p in reversed(fronts) if p[0] < grid.depot_at]
        home = [p for p in reversed(fronts) if p[0] >= grid.depot_at]
        walk = [*out, (first[0], 0), (first[0], height), *backs, (last[0], height), (last[0], 0), *home]
    return from_depot(grid, walk)


def _turns(stops: list[int], height: int, rule: str) -> Point:
    """How far an inner aisle is entered from the front, and down to where from the back."""
    if rule == "midpoint":
        return max((p for p in stops if p <= height / 2), default=0), min(
            (p for p in stops if p > height / 2), default=height
        )
    _, low, high = max((high - low, low, high) for low, high in pairwise([0, *stops, height]))
    return low, high


def _combined_walk(aisles: list[tuple[int, list[int]]], height: int) -> list[Point]:
    """The best choice of walking through or returning for each aisle, from both ends of the aisle before."""
    front: tuple[int, list[Point]] = (0, [])
    back: tuple[int, list[Point]] | None = None
    for x, stops in aisles:
        far, near = stops[-1], stops[0]
        fronts = [(front[0] + 2 * far, [*front[1], (x, 0), (x, far), (x, 0)])]
        backs = [(front[0] + height, [*front[1], (x, 0), (x, height)])]
        if back is not None:
            fronts.append((back[0] + height, [*back[1], (x, height), (x, 0)]))
            backs.append((back[0] + 2 * (height - near), [*back[1], (x, height), (x, near), (x, height)]))
        front, back = min(fronts, key=lambda w: w[0]), min(backs, key=lambda w: w[0])
    return front[1]


def from_depot(grid: Grid, walk: list[Point]) -> tuple[Point, ...]:
    """The walk from the depot and back, without points that change nothing."""
    home = [(grid.depot_at, -grid.depot_extra // 2)] if grid.depot_extra else []
    full = [*home, (grid.depot_at, 0), *walk, (grid.depot_at, 0), *home]
    kept: list[Point] = []
    for point in full:
        if kept and kept[-1] == point:
            continue
        if len(kept) > 1 and _between(kept[-2], kept[-1], point):
            kept[-1] = point
        else:
            kept.append(point)
    return tuple(kept)


def _between(a: Point, b: Point, c: Point) -> bool:
    return any(
        a[i] == b[i] == c[i] and (a[1 - i] < b[1 - i] < c[1 - i] or a[1 - i] > b[1 - i] > c[1 - i]) for i in (0, 1)
    )


def stops_along(grid: Grid, walk: Sequence[Point], places: Mapping[tuple[int, int], Sequence[str]]) -> tuple[str, ...]:
    """The bins in the order a walk first passes them; bins in one cell in the order they were asked for."""
    waiting: dict[int, list[tuple[int, tuple[int, int]]]] = {}
    for aisle, cell in sorted(places):
        y = grid.position[cell] + cell // grid.per_block * grid.height
        waiting.setdefault(grid.xs[aisle], []).append((y, (aisle, cell)))
    stops: list[str] = []
    for (x, y), (u, v) in pairwise([*walk, walk[-1]]):
        # Along a cross-aisle, too: where no way leads to it, the first cell lies right at the corner.
        passed = [x] if x == u else sorted((at for at in waiting if min(x, u) <= at <= max(x, u)), reverse=u < x)
        low, high = min(y, v), max(y, v)
        for aisle_x in passed:
            here = waiting.get(aisle_x, [])
            met = [(at, place) for at, place in here if low <= at <= high]
            if met:
                waiting[aisle_x] = [(at, place) for at, place in here if not low <= at <= high]
            for _, place in sorted(met, reverse=v < y):
                stops += places[place]
    return tuple(stops)
