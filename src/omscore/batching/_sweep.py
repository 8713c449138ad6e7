"""Exact tours on parallel aisles with any number of blocks, by a sweep over the aisles from left to right.

The method is Ratliff and Rosenthal's (Operations Research 31, 1983) for one block, Roodbergen and de Koster's (European
Journal of Operational Research 133, 2001) for two, and Pansart, Catusse and Cambazard's (Computers & Operations
Research 100, 2018) for more: a tour is a connected multigraph with even degrees, and of the part left of an aisle only
its class matters: for each cross-aisle whether its corner has degree zero, odd or even so far, and which corners hang
together. The cheapest part of each class is carried on.

Two readers use the same tables. `meter` writes the sweep out as straight-line code once per number of blocks, for the
searches that ask for lengths by the million; `edges` walks the tables with back pointers, for the one tour that is
printed.

Lengths are whole millimeters. A block of an aisle is described by its figures: `f` serve from the front corner and
return, `b` from the back corner, `g` from both, leaving out the widest gap between two stops; `fg`, `bg` and `m` are
the minima of those a class cannot tell apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

FAR = 1 << 29
"""Longer than any tour of a floor that can be planned (536 km); as small as that because CPython is much the fastest
with numbers below 2**30."""

State = tuple[tuple[int, int], ...]
"""For each cross-aisle from the front: (0 untouched, 1 odd or 2 even degree, number of its component)."""


class Figures(NamedTuple):
    """What serving the stops of one block of one aisle costs, by the way it is done (millimeters)."""

    f: int
    b: int
    g: int
    fg: int
    bg: int
    m: int


def figures(stops: Sequence[int], length: int) -> Figures:
    """The figures of one block from the stops' distances to its front corner, in rising order.

    >>> figures([2, 3, 8], 10)
    Figures(f=16, b=16, g=10, fg=10, bg=10, m=10)
    >>> figures([4], 10).g == FAR
    True
    """
    f, b = 2 * stops[-1], 2 * (length - stops[0])
    widest = max((high - low for low, high in pairwise(stops)), default=0)
    g = 2 * (length - widest) if widest else FAR
    return Figures(f, b, g, min(f, g), min(b, g), min(f, b, g))


def _canonical(state: Sequence[tuple[int, int]]) -> State:
    names: dict[int, int] = {}
    return tuple((d, names.setdefault(c, len(names) + 1) if d else 0) for d, c in state)


def _touch(state: State, corner: int) -> State:
    """Two more edge ends at a corner: its parity stays, an untouched one starts a component of its own."""
    if state[corner][0]:
        return state
    fresh = list(state)
    fresh[corner] = (2, 1 + max(c for _, c in state))
    return _canonical(fresh)


def _join(state: State, low: int, times: int) -> State:
    """Walk the block between corner `low` and the next one, once or twice."""
    fresh = list(_touch(_touch(state, low), low + 1))
    keep, gone = fresh[low][1], fresh[low + 1][1]
    fresh = [(d, keep if c == gone else c) for d, c in fresh]
    if times == 1:
        for corner in (low, low + 1):
            fresh[corner] = (3 - fresh[corner][0], keep)
    return _canonical(fresh)


def _vertical(state: State, low: int, *, stops: bool) -> list[tuple[str, State]]:
    """The ways to treat one block of an aisle: (name of its cost, class afterwards)."""
    ways = [("L", _join(state, low, 1)), ("LL", _join(state, low, 2))]
    if not stops:
        return [("", state), *ways]
    front, back = state[low], state[low + 1]
    both = _touch(_touch(state, low), low + 1)
    if front[0] and back[0]:
        return [*ways, ("m", state)]
    if front[0]:
        return [*ways, ("f", state), ("bg", both)]
    if back[0]:
        return [*ways, ("b", state), ("fg", both)]
    return [*ways, ("f", _touch(state, low)), ("b", _touch(state, low + 1)), ("g", both)]


def _horizontal(state: State) -> list[tuple[int, tuple[int, ...], State]]:
    """The ways on to the next aisle: (pairs of edges beyond the first, edges at each cross-aisle, class afterwards)."""
    ways: list[tuple[tuple[int, ...], list[tuple[int, int]]]] = [((), [])]
    for d, c in state:
        choices = ((0, (0, 0)),) if d == 0 else ((1, (1, c)),) if d == 1 else ((0, (0, 0)), (2, (2, c)))
        ways = [((*edges, n), [*corners, corner]) for edges, corners in ways for n, corner in choices]
    alive = {c for d, c in state if d}
    return [
        (sum(edges) // 2 - 1, edges, _canonical(corners))
        for edges, corners in ways
        if sum(edges) and {c for d, c in corners if d} == alive
    ]


def _done(state: State) -> bool:
    return all(d != 1 for d, _ in state) and max(c for _, c in state) == 1


class Tables(NamedTuple):
    """The classes for a number of blocks, and what leads from one to the next."""

    blocks: int
    empty: State
    states: tuple[State, ...]


@cache
def tables(blocks: int) -> Tables:
    """All classes that can be reached, in a fixed order.

    For two blocks they are, with the empty and the finished one, the 25 of the papers.

    >>> len(tables(1).states), len(tables(2).states)
    (5, 23)
    """
    empty: State = ((0, 0),) * (blocks + 1)
    seen: dict[State, None] = {}
    fresh = [empty]
    while fresh:
        nexts: dict[State, None] = {}
        for state in fresh:
            columns = {state: None, _touch(state, 0): None}
            for block in range(blocks):
                after = [way[1] for s in columns for stops in (False, True) for way in _vertical(s, block, stops=stops)]
                columns.update(dict.fromkeys(after))
            for column in columns:
                for _, _, state_after in _horizontal(column):
                    nexts.setdefault(state_after)
                nexts.setdefault(column)
        fresh = [s for s in nexts if s not in seen and s != empty]
        seen.update(dict.fromkeys(fresh))
    return Tables(blocks, empty, tuple(sorted(seen)))


Column = tuple[int, tuple[Figures | None, ...] | None]
"""Where a column stands (millimeters from the leftmost aisle) and its blocks' figures; None for the depot."""


class Plan(NamedTuple):
    """The edges of a shortest tour: each column's way through each block, and the edges along each cross-aisle to the
    next column; `extra` is its length without the two edges every gap between columns needs.
    """

    extra: int
    ways: list[tuple[str, ...]]
    across: list[tuple[int, ...]]


def edges(blocks: int, heights: Sequence[int], columns: Sequence[Column]) -> Plan:
    """The edges of a shortest tour through all columns; they must rise in x and hold the depot."""
    tabs = tables(blocks)
    best: dict[State, tuple[int, Any]] = {tabs.empty: (0, None)}
    before = columns[0][0]
    for place, (x, blocks_figures) in enumerate(columns):
        if place:
            best = _relax(
                (after, cost + 2 * (x - before) * pairs, (link, "across", counts))
                for state, (cost, link) in best.items()
                for pairs, counts, after in _horizontal_of(state)
            )
        before = x
        best = _column(best, heights, blocks_figures)
    extra, link = min((found for state, found in best.items() if _done(state)), key=lambda found: found[0])
    ways: list[tuple[str, ...]] = [()]
    across: list[tuple[int, ...]] = []
    while link is not None:
        link, kind, what = link
        if kind == "across":
            across.append(what)
            ways.append(())
        elif kind == "block":
            ways[-1] = (what, *ways[-1])
    return Plan(extra, ways[::-1], across[::-1])


def _column(
    best: dict[State, tuple[int, Any]], heights: Sequence[int], column: Sequence[Figures | None] | None
) -> dict[State, tuple[int, Any]]:
    if column is None:
        return _relax((_touch(state, 0), cost, link) for state, (cost, link) in best.items())
    for block, figs in enumerate(column):
        cost_of = {"": 0, "L": heights[block], "LL": 2 * heights[block]} | (figs._asdict() if figs else {})
        best = _relax(
            (after, cost + cost_of[way], (link, "block", way))
            for state, (cost, link) in best.items()
            for way, after in _vertical_of(state, block, figs is not None)
        )
    return best


def _relax(offers: Iterable[tuple[State, int, Any]]) -> dict[State, tuple[int, Any]]:
    best: dict[State, tuple[int, Any]] = {}
    for state, cost, link in offers:
        if cost < FAR and (state not in best or cost < best[state][0]):
            best[state] = (cost, link)
    return best


_horizontal_of = cache(_horizontal)


@cache
def _vertical_of(state: State, low: int, stops: bool) -> list[tuple[str, State]]:
    return _vertical(state, low, stops=stops)


Costs = tuple[int, ...]
"""The cheapest part tour of each class, in the order of `tables`."""

Sweep = Callable[[Costs, Iterable[Any], int], tuple[Costs, int]]
"""(costs, columns as (x doubled, figures of each block), x doubled before) -> (costs, x doubled of the last)."""


def start(blocks: int, heights: Sequence[int], figs: Sequence[Figures | None] | None) -> Costs:
    """The costs after the first column: an aisle's figures, or None for the depot."""
    tabs = tables(blocks)
    best: dict[State, tuple[int, Any]] = {tabs.empty: (0, None)}
    best = _column(best, heights, figs)
    return tuple(best.get(state, (FAR, None))[0] for state in tabs.states)


def touch(blocks: int) -> tuple[Callable[[Costs, int], Costs], list[int]]:
    """(costs after walking on to the depot, which touches its front corner; the places of the classes that end)."""
    states = tables(blocks).states
    places = {state: i for i, state in enumerate(states)}
    ways = [
        (places[_touch(after, 0)], i, pairs) for i, state in enumerate(states) for pairs, _, after in _horizontal(state)
    ]

    def step(costs: Costs, gap: int) -> Costs:
        found = [FAR] * len(states)
        for target, source, pairs in ways:
            found[target] = min(found[target], costs[source] + pairs * gap)
        return tuple(found)

    return step, [i for i, state in enumerate(states) if _done(state)]


@cache
def meter(blocks: int, heights: tuple[int, ...]) -> Sweep:
    """The sweep as straight-line code: costs of all classes before some columns -> costs after them.

    Writing it out once for a number of blocks saves the table look-ups, which is most of the time. The columns are
    pairs of x doubled and one entry for each block: its figures as a plain tuple, or None without stops. The text is
    made of the tables alone; nothing from outside is executed.
    """
    states = tables(blocks).states
    names = {state: f"s{i}" for i, state in enumerate(states)}
    out = ["def sweep(costs, columns, before):", f"    {', '.join(names.values())}, = costs"]
    out.append("    for x, parts in columns:")
    out.append("        e = x - before; before = x; ee = e + e; eee = ee + e; eeee = ee + ee")
    out.append(f"        {', '.join(f'p{b}' for b in range(blocks))}, = parts")

    def step(indent: str, offers: dict[State, list[str]]) -> None:
        """One simultaneous assignment of all classes from the ones before."""
        for state, terms in offers.items():
            first, *rest = terms
            out.append(f"{indent}n{names[state]} = {first}")
            for term in rest:
                if " " in term:
                    out.append(f"{indent}w = {term}")
                    term = "w"  # noqa: PLW2901 - the sum is compared by name
                out.append(f"{indent}if {term} < n{names[state]}: n{names[state]} = {term}")
        out.append(
            f"{indent}{', '.join(names[s] for s in states)}, = "
            f"{', '.join('n' + names[s] if s in offers else str(FAR) for s in states)},"
        )

    offers: dict[State, list[str]] = {}
    for state in states:
        for pairs, _, after in _horizontal(state):
            offers.setdefault(after, []).append(names[state] + ("", " + e", " + ee", " + eee", " + eeee")[pairs])
    step("        ", offers)
    for block, height in enumerate(heights):
        for stops in (True, False):
            out.append(f"        if p{block} is not None:" if stops else "        else:")
            if stops:
                out.append(f"            f, b, g, fg, bg, m = p{block}")
            offers = {}
            for state in states:
                for way, after in _vertical(state, block, stops=stops):
                    cost = {"": "", "L": f" + {height}", "LL": f" + {2 * height}"}.get(way, f" + {way}")
                    offers.setdefault(after, []).append(names[state] + cost)
            step("            ", offers)
    out.append(f"    return ({', '.join(names.values())},), before")
    space: dict[str, Any] = {}
    exec(compile("\n".join(out), f"<sweep of {blocks} blocks>", "exec"), space)  # noqa: S102 - text made just above
    made: Sweep = space["sweep"]
    return made
