"""Tours on one block whose aisles may be one-way: shortest ones, and S-shape as pickers walk it there.

A closed walk is a set of directed edges that hangs together, enters every corner as often as it leaves it, and passes
every stop (Euler). So the sweep of Ratliff and Rosenthal (1983) still serves when it also counts: `n`, how many more
edges go right than left along the front of a gap between two aisles. As many more then go left along the back, the gap
costs 2 |n|, and with n other than 0 both sides of the block hang together. With n = 0 the classes are the classic ones:
only the front used, only the back, both and connected, both and not connected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from omscore.batching._meters import Grid
from omscore.batching._sweep import FAR, figures
from omscore.batching._walk import Point, along, from_depot, reach, walk_length
from omscore.errors import DefinitionError

WAYS = ("both", "up", "down")
"""How an aisle may be walked: both ways, from the front to the back only, or from the back to the front only."""

ONE_WAY_RULES = ("exact", "s_shape")


def checked_ways(ways: Sequence[str], aisles: int) -> tuple[str, ...]:
    """One word for each aisle, or none at all where every aisle goes both ways; refused by name when it cannot be."""
    if not ways:
        return ()
    if len(ways) != aisles:
        raise DefinitionError(f"one_way names {len(ways)} aisles, the floor has {aisles}; say one word for each aisle")
    for aisle, way in enumerate(ways):
        if way not in WAYS:
            raise DefinitionError(f"one_way: aisle {aisle} is {way!r}; an aisle is one of {', '.join(WAYS)}")
    if all(way == "both" for way in ways):
        return ()
    for way, end, start in (("up", "front", "down"), ("down", "back", "up")):
        if all(each == way for each in ways):
            raise DefinitionError(
                f"every aisle goes {way}: nobody comes back to the {end}; let one aisle go {start} or both ways"
            )
    return tuple(ways)


Trace = tuple[Any, int, str, int]
"""A decision of the sweep: the one before it (or None), in which column, what was done, how often."""

State = tuple[int, Trace | None]
"""The cheapest way into a class: its cost, and how it came about."""

_NO: State = (FAR, None)
_COST = itemgetter(0)
_PIECES = {"f": ("f", "f", "t", "t"), "b": ("b", "t", "b", "t"), "g": ("t", "t", "t", "t")}
"""What serving an aisle from its ends makes of the classes nothing, front, back and two components."""


class _Sweep:
    """The aisles (and the depot) from left to right, and the cheapest way into each class so far."""

    def __init__(self, grid: Grid, ways: Sequence[str], mask: int) -> None:
        stops = dict(grid.columns(mask))
        self.grid = grid
        self.columns: list[tuple[int, str, list[int]]] = [
            (x, ways[aisle], [grid.position[cell] for cell in stops.get(aisle, ())]) for aisle, x in enumerate(grid.xs)
        ]
        at = sum(x < grid.depot_at for x in grid.xs)
        self.columns.insert(at, (grid.depot_at, "depot", []))
        self.last = max(place for place, (_, way, found) in enumerate(self.columns) if found or way == "depot")
        self.most = len(stops) + 1

    def run(self) -> State:
        """The cheapest whole tour, without the way before the front."""
        size = 2 * self.most + 1
        loose: dict[str, State] = {"": (0, None), "f": _NO, "b": _NO, "t": _NO}
        firm: list[State] = [_NO] * size  # by n, from -most to most: connected, back and front used
        best = _NO
        for place, (x, way, stops) in enumerate(self.columns):
            loose, firm = self._column(place, way, stops, loose, firm)
            if place >= self.last:
                best = min(best, loose["f"], loose["b"], firm[self.most], key=_COST)
            if place + 1 < len(self.columns):
                loose, firm = self._gap(place, self.columns[place + 1][0] - x, loose, firm)
        return best

    def _column(
        self, place: int, way: str, stops: list[int], loose: dict[str, State], firm: list[State]
    ) -> tuple[dict[str, State], list[State]]:
        """One aisle: left alone, entered from its ends, or walked through up or down, as often as it pays."""
        if way == "depot":
            return self._pieces(place, {"f": 0}, loose, firm)
        height = self.grid.height
        new, fresh = dict(loose), list(firm)
        if stops:
            costs = figures(stops, height)
            pieces = {"f": costs.f, "b": costs.b, "g": costs.g}
            if way != "both":  # nobody turns round in it, but a stop may lie right at an end of it
                pieces = {piece: cost for piece, cost in pieces.items() if not cost}
            new, fresh = self._pieces(place, pieces, loose, firm)
        zero = self.most
        open_: list[State] = list(firm)
        open_[zero] = min(firm[zero], *loose.values(), key=_COST)
        if way == "both" and stops:
            for n, (cost, trace) in enumerate(open_):
                if cost + 2 * height < fresh[n][0]:
                    fresh[n] = cost + 2 * height, (trace, place, "through twice", 1)
        for allowed, turn, step in (("up", range(2 * zero, -1, -1), 1), ("down", range(2 * zero + 1), -1)):
            if way not in (allowed, "both"):
                continue
            cost, trace, times = FAR, None, 0
            for n in turn:
                before = open_[n + step] if 0 <= n + step <= 2 * zero else _NO
                cost, times = cost + height, times + 1
                if before[0] + height < cost:
                    cost, trace, times = before[0] + height, before[1], 1
                if cost < fresh[n][0]:
                    fresh[n] = cost, (trace, place, allowed, times)
        return new, fresh

    def _pieces(
        self, place: int, pieces: dict[str, int], loose: dict[str, State], firm: list[State]
    ) -> tuple[dict[str, State], list[State]]:
        """An aisle that must be entered, from its front, its back or both ends; nothing else is left of the classes."""
        new: dict[str, State] = {"": _NO, "f": _NO, "b": _NO, "t": _NO}
        fresh = [_NO] * len(firm)
        for piece, extra in pieces.items():
            for (cost, trace), target in zip(loose.values(), _PIECES[piece], strict=True):
                if cost + extra < new[target][0]:
                    new[target] = cost + extra, (trace, place, piece, 1)
            for n, (cost, trace) in enumerate(firm):
                if cost + extra < fresh[n][0]:
                    fresh[n] = cost + extra, (trace, place, piece, 1)
        return new, fresh

    def _gap(
        self, place: int, width: int, loose: dict[str, State], firm: list[State]
    ) -> tuple[dict[str, State], list[State]]:
        """On to the next aisle: two edges, four where front and back are both used with nothing going round."""
        whole = firm[self.most]

        def on(state: State, edges: int, what: str, times: int = 1) -> State:
            cost = state[0] + edges * width
            return (cost, (state[1], place, what, times)) if state[0] < FAR else _NO

        new = {
            "": loose[""],
            "f": on(min(loose["f"], whole, key=_COST), 2, "front"),
            "b": on(min(loose["b"], whole, key=_COST), 2, "back"),
            "t": on(loose["t"], 4, "front and back"),
        }
        fresh = [on(state, 2 * abs(n), "round", n) for n, state in enumerate(firm, -self.most)]
        fresh[self.most] = on(whole, 4, "front and back")
        return new, fresh


def one_way_meter(grid: Grid, ways: Sequence[str], rule: str) -> Callable[[int], int]:
    """Lengths of tours on a floor with one-way aisles."""
    if rule == "s_shape":
        return lambda mask: walk_length(_s_shape(grid, ways, mask)) if mask else 0
    return lambda mask: _Sweep(grid, ways, mask).run()[0] + grid.depot_extra if mask else 0


def one_way_walk(grid: Grid, ways: Sequence[str], mask: int, rule: str) -> tuple[Point, ...]:
    """A walk past the stops."""
    if rule == "s_shape":
        return _s_shape(grid, ways, mask)
    sweep = _Sweep(grid, ways, mask)
    trace = sweep.run()[1]
    links: dict[Point, list[Point]] = {}
    trips: dict[Point, list[Point]] = {}
    back = grid.height
    while trace is not None:
        trace, place, what, times = trace
        x, _, stops = sweep.columns[place]
        front_corner, back_corner = (x, 0), (x, back)
        if what in _PIECES and stops:
            from_front, from_back = reach(stops, back, figures(stops, back), what)
            if from_front:
                trips.setdefault(front_corner, []).append((x, from_front))
            if from_back:
                trips.setdefault(back_corner, []).append((x, back - from_back))
        if what in ("up", "through twice"):
            links.setdefault(front_corner, []).extend([back_corner] * times)
        if what in ("down", "through twice"):
            links.setdefault(back_corner, []).extend([front_corner] * times)
        if what in ("front", "back", "front and back", "round"):
            u = sweep.columns[place + 1][0]
            right = {"front": (1, 0), "back": (0, 1), "front and back": (1, 1)}.get(
                what, (max(times, 0), max(-times, 0))
            )
            left = right[::-1] if what == "round" else right
            for y, to_right, to_left in ((0, right[0], left[0]), (back, right[1], left[1])):
                links.setdefault((x, y), []).extend([(u, y)] * to_right)
                links.setdefault((u, y), []).extend([(x, y)] * to_left)
    for targets in links.values():
        targets.sort(reverse=True)
    circuit: list[Point] = []
    stack: list[Point] = [(grid.depot_at, 0)]
    while stack:
        if onward := links.get(stack[-1]):
            stack.append(onward.pop())
        else:
            circuit.append(stack.pop())
    return along(grid, circuit, trips)


def _s_shape(grid: Grid, ways: Sequence[str], mask: int) -> tuple[Point, ...]:
    """Aisles with stops from the left, each walked through its way, the shortest way from one to the next."""
    back = grid.height
    walk: list[Point] = [(grid.depot_at, 0)]
    aisles = grid.columns(mask)
    for place, (aisle, cells) in enumerate(aisles):
        x, way = grid.xs[aisle], ways[aisle]
        start = {"up": 0, "down": back}.get(way, walk[-1][1])
        walk += _to(grid, ways, walk[-1], (x, start))
        if way == "both" and start == 0 and place == len(aisles) - 1:
            walk += [(x, grid.position[cells[-1]]), (x, 0)]
        else:
            walk.append((x, back - start))
    walk += _to(grid, ways, walk[-1], (grid.depot_at, 0))
    return from_depot(grid, walk)


def _to(grid: Grid, ways: Sequence[str], here: Point, there: Point) -> list[Point]:
    """The shortest way from one corner to another, which may lead through an aisle of the right direction."""
    if here[1] == there[1]:
        return [there]
    way = "up" if here[1] < there[1] else "down"
    fit = [x for x, its in zip(grid.xs, ways, strict=True) if its in (way, "both")]
    x = min(fit, key=lambda x: (abs(x - here[0]) + abs(x - there[0]), x))
    return [(x, here[1]), (x, there[1]), there]


def arrows(grid: Grid, ways: Sequence[str]) -> list[tuple[Point, bool]]:
    """Where to draw arrows into one-way aisles, and whether they point to the back."""
    ends = (grid.height // 4, grid.height // 2, 3 * grid.height // 4)
    return [((x, y), way == "up") for x, way in zip(grid.xs, ways, strict=False) if way != "both" for y in ends]
