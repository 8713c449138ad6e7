"""Tour lengths from bit masks: the part of the floor that searches call by the million.

A set of bins is one whole number with a bit for each (aisle, cell); the union of two sets is their bitwise or. Every
aisle has the same width in that number, so that it splits into aisles in one call, and what an aisle costs depends on
its own bits alone: its figures are kept by those bits.
"""

# ruff: noqa: PLR1730, FURB136 - in the innermost loops min() costs several times the comparison

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from omscore.batching._sweep import FAR, Figures, figures, meter, start, touch

Word = int | bytes
"""The bits of one aisle: a number up to 64 cells, little-endian bytes beyond."""

MEMO_MAX = 150_000
"""Aisle patterns kept before the memory is given back (about 60 MiB at worst)."""


class Grid:
    """How cells become bits and bits become stops: the bare geometry of a parallel-aisle floor."""

    __slots__ = (
        "aisles",
        "blocks",
        "cells",
        "depot_at",
        "depot_extra",
        "height",
        "per_block",
        "position",
        "step",
        "width",
        "xs",
    )

    def __init__(
        self,
        aisles: int,
        cells: int,
        blocks: int,
        aisle_mm: int,
        cell_mm: int,
        ends_mm: tuple[int, int],
        depot: tuple[int, int],
    ) -> None:
        self.aisles, self.cells, self.blocks = aisles, cells, blocks
        self.per_block = cells // blocks
        front, back = ends_mm
        self.height = front + (self.per_block - 1) * cell_mm + back
        self.step = cell_mm
        self.xs = tuple(a * aisle_mm for a in range(aisles))
        self.position = tuple(front + (c % self.per_block) * cell_mm for c in range(cells))
        self.depot_at, depot_mm = depot
        self.depot_extra = 2 * depot_mm
        self.width = next((w for w in (8, 16, 32, 64) if cells <= w), -(-cells // 64) * 64)

    def bit(self, aisle: int, cell: int) -> int:
        """The bit of one cell."""
        return 1 << (aisle * self.width + cell)

    def splitter(self) -> Callable[[int], Sequence[Word]]:
        """A function from a set of bins to its aisles' words, from the left."""
        size = self.aisles * self.width // 8
        kind = {8: "B", 16: "H", 32: "I", 64: "Q"}.get(self.width, f"{self.width // 8}s")
        unpack = struct.Struct("<" + (kind * self.aisles if kind[-1] == "s" else f"{self.aisles}{kind}")).unpack
        return lambda mask: unpack(mask.to_bytes(size, "little"))

    def columns(self, mask: int) -> list[tuple[int, list[int]]]:
        """The aisles with stops: (aisle, cells in rising order)."""
        found = []
        for aisle, word in enumerate(self.splitter()(mask)):
            if cells := self.cells_of(word):
                found.append((aisle, cells))
        return found

    def cells_of(self, word: Word) -> list[int]:
        """The cells of one aisle's word, in rising order."""
        bits = int.from_bytes(word, "little") if isinstance(word, bytes) else word
        cells = []
        while bits:
            low = bits & -bits
            cells.append(low.bit_length() - 1)
            bits ^= low
        return cells

    def carries(self) -> tuple[int, int]:
        """The highest bit of each aisle, and all the others: adding the others to an aisle's bits carries into the
        highest where there is any bit.
        """
        high = sum(self.bit(aisle, self.width - 1) for aisle in range(self.aisles))
        return high, high - sum(self.bit(aisle, 0) for aisle in range(self.aisles))

    def aisles_of(self) -> Callable[[int], int]:
        """A function from a set of bins to its aisles: the highest bit of each."""
        high, low = self.carries()
        return lambda mask: ((mask & low) + low | mask) & high

    def figures(self, word: Word) -> tuple[Figures | None, ...]:
        """What each block of an aisle costs, None for a block without stops."""
        stops: list[list[int]] = [[] for _ in range(self.blocks)]
        for cell in self.cells_of(word):
            stops[cell // self.per_block].append(self.position[cell])
        return tuple(figures(s, self.height) if s else None for s in stops)


class Memo(dict[Word, Any]):
    """Aisle figures by word, made at first use."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[Word], Any]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, word: Word) -> Any:
        if len(self) >= MEMO_MAX:
            self.clear()
        made = self[word] = self.make(word)
        return made


def _pairs(grid: Grid) -> Callable[[int], Iterable[tuple[int, Word]]]:
    """A function from a set of bins to its (x doubled, word) pairs; words may be zero only where they are numbers."""
    split = grid.splitter()
    xs = tuple(2 * x for x in grid.xs)
    if grid.width <= 64:
        return lambda mask: zip(xs, split(mask), strict=False)
    nothing = bytes(grid.width // 8)
    return lambda mask: [(x, w) for x, w in zip(xs, split(mask), strict=False) if w != nothing]


def _one_block_figures(grid: Grid) -> Callable[[Word], tuple[int, int, int, int, int, int]]:
    """The figures of a one-block aisle as (f, b, fg, bg, m, g), straight from its bits."""
    first, step = grid.position[0], grid.step
    to_front, to_back = 2 * (first - step), 2 * (grid.height - first + step)
    around, twice = 2 * (grid.height - step), 2 * step

    def make(word: Word) -> tuple[int, int, int, int, int, int]:
        bits = word if isinstance(word, int) else int.from_bytes(word, "little")
        f = to_front + twice * bits.bit_length()
        b = to_back - twice * (bits & -bits).bit_length()
        # Runs of zeros between ones are strings of one character: the greatest of them is the longest.
        g = around - twice * len(max(f"{bits:b}".rstrip("0").split("1"))) if bits & (bits - 1) else FAR
        fg = f if f < g else g
        bg = b if b < g else g
        return (f, b, fg, bg, fg if fg < bg else bg, g)

    return make


Advance = tuple[int, int, int, int, int, int]


def exact_one_block(grid: Grid) -> Callable[[int], int]:
    """Lengths of shortest tours on one block (Ratliff and Rosenthal 1983).

    The five classes are: u both corners odd; f and b only the front or back corner used; c both even and connected; t
    both even in two components. What every gap between aisles costs at least, two edges, is added at the end, so only
    c and t, which need four, pay on the way. Walking an aisle twice is never needed in a rectangle (Revenant, Cambazard
    and Catusse 2024), nor is walking an empty one.
    """
    pairs = _pairs(grid)
    memo = Memo(_one_block_figures(grid))
    height, extra, depot = grid.height, grid.depot_extra, 2 * grid.depot_at
    all_right = depot <= 2 * grid.xs[0]
    from_left = (FAR, 0, FAR, FAR, FAR, depot)

    def length(mask: int) -> int:
        if not mask:
            return 0
        if all_right:
            _, f, b, c, _, last = advance(pairs(mask), from_left)
            return min(f, b, c) + last - depot + extra
        columns = [pair for pair in pairs(mask) if pair[1]]
        behind = [pair for pair in columns if pair[0] >= depot]
        first, word = columns[0]
        if first >= depot:
            first, state = depot, (FAR, 0, FAR, FAR, FAR, depot)
        else:
            front, back, _, _, _, both = memo[word]
            ahead = columns[1 : len(columns) - len(behind)]
            u, f, b, c, t, last = advance(ahead, (height, front, back, FAR, both, first))
            e = depot - last
            # The depot touches the front corner: what hung at the back alone is now two components.
            state = (u, min(f, c), FAR, c + e, min(t + e, b, c), depot)
        _, f, b, c, _, last = advance(behind, state)
        return min(f, b, c) + last - first + extra

    def advance(columns: Iterable[tuple[int, Word]], state: Advance) -> Advance:
        u, f, b, c, t, before = state
        for x, word in columns:
            if word:
                front, back, front_or_both, back_or_both, least, _ = memo[word]
                if c < f:
                    f = c
                if c < b:
                    b = c
                e = x - before
                before = x
                c += e
                t += e
                odd = f if f < b else b
                if t < odd:
                    odd = t
                odd += height
                c += least
                v = u + height
                if v < c:
                    c = v
                u += least
                if odd < u:
                    u = odd
                t += least
                v = f + back_or_both
                if v < t:
                    t = v
                v = b + front_or_both
                if v < t:
                    t = v
                f += front
                b += back
        return u, f, b, c, t, before

    return length


def exact_blocks(grid: Grid) -> Callable[[int], int]:
    """Lengths of shortest tours on two and more blocks: the sweep of all classes."""
    pairs = _pairs(grid)
    memo = Memo(lambda word: tuple(None if s is None else tuple(s) for s in grid.figures(word)))
    heights = (grid.height,) * grid.blocks
    sweep = meter(grid.blocks, heights)
    first_costs = Memo(lambda word: start(grid.blocks, heights, grid.figures(word)))
    at_depot = start(grid.blocks, heights, None)
    touched, done = touch(grid.blocks)
    extra, depot = grid.depot_extra, 2 * grid.depot_at

    def length(mask: int) -> int:
        if not mask:
            return 0
        columns = [pair for pair in pairs(mask) if pair[1]]
        behind = [(x, memo[word]) for x, word in columns if x >= depot]
        first, word = columns[0]
        if first >= depot:
            first, costs = depot, at_depot
        else:
            ahead = [(x, memo[word]) for x, word in columns[1 : len(columns) - len(behind)]]
            costs, last = sweep(first_costs[word], ahead, first)
            costs = touched(costs, depot - last)
        costs, last = sweep(costs, behind, depot)
        return min([costs[i] for i in done]) + last - first + extra

    return length


RULES = ("exact", "s_shape", "return", "midpoint", "largest_gap", "combined")
"""The tour rules of a parallel-aisle floor.

`exact`: the shortest tour. The others are rules of thumb for one block that pickers can remember: `s_shape` (traversal)
walks every aisle with stops from end to end, a last odd one back to the front; `return` enters and leaves every aisle
at the front; `midpoint` serves the front half from the front and the back half from the back, walking only the first
and the last aisle through; `largest_gap` does so at the widest gap between stops instead of the middle (Hall 1993);
`combined` chooses walking through or returning for each aisle, at best (Roodbergen and de Koster 2001).
"""


def s_shape_one_block(grid: Grid) -> Callable[[int], int]:
    """Lengths of S-shape tours on one block: by which aisles have stops, and the farthest stop of the last aisle.

    A few operations on whole numbers tell which aisles have stops; the rest is looked up. The highest bit of all is
    the farthest stop.
    """
    width, height = grid.width, grid.height
    high, low = grid.carries()
    to_last = [2 * grid.position[min(bit % width, grid.cells - 1)] for bit in range(-1, grid.aisles * width)]

    def make(seen: Word) -> tuple[int, bool]:
        """All but the way into a last odd aisle, and whether there is one."""
        xs = [x for aisle, x in enumerate(grid.xs) if int(seen) & grid.bit(aisle, width - 1)]
        span = 2 * (max(xs[-1], grid.depot_at) - min(xs[0], grid.depot_at))
        odd = len(xs) % 2
        return (len(xs) - odd) * height + span + grid.depot_extra, odd == 1

    memo = Memo(make)

    def length(mask: int) -> int:
        if not mask:
            return 0
        rest: int
        rest, odd = memo[((mask & low) + low | mask) & high]
        return rest + to_last[mask.bit_length()] if odd else rest

    return length


def rule_one_block(grid: Grid, rule: str) -> Callable[[int], int]:
    """Lengths under one of the rules of thumb, on one block."""
    if rule == "s_shape":
        return s_shape_one_block(grid)
    pairs = _pairs(grid)
    middle, height = grid.height / 2, grid.height
    extra, depot = grid.depot_extra, 2 * grid.depot_at

    def make(word: Word) -> tuple[int, int, int]:
        """(from the front and back, from the back and back, without walking through)."""
        figs = grid.figures(word)[0]
        if figs is None:
            return (0, 0, 0)
        if rule != "midpoint":
            return (figs.f, figs.b, figs.m)
        stops = [grid.position[cell] for cell in grid.cells_of(word)]
        low = max((p for p in stops if p <= middle), default=0)
        high = min((p for p in stops if p > middle), default=height)
        return (figs.f, figs.b, 2 * (low + height - high))

    memo = Memo(make)
    combine = {"return": _return, "midpoint": _ends_through, "largest_gap": _ends_through}.get(rule, _combined)

    def length(mask: int) -> int:
        if not mask:
            return 0
        columns = [pair for pair in pairs(mask) if pair[1]]
        first, last = columns[0][0], columns[-1][0]
        span = (max(last, depot)) - (min(first, depot))
        return combine([memo[word] for _, word in columns], height) + span + extra

    return length


def _return(aisles: list[tuple[int, int, int]], height: int) -> int:
    return sum([front for front, _, _ in aisles])


def _ends_through(aisles: list[tuple[int, int, int]], height: int) -> int:
    if len(aisles) == 1:
        return aisles[0][0]
    return 2 * height + sum([inner for _, _, inner in aisles[1:-1]])


def _combined(aisles: list[tuple[int, int, int]], height: int) -> int:
    at_front, at_back = 0, FAR
    for front, back, _ in aisles:
        at_front, at_back = (
            min(at_front + front, at_back + height),
            min(at_front + height, at_back + back),
        )
    return at_front
