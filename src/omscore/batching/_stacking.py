"""Placing boxes in a box: empty maximal spaces, blocks of equal pieces, several orders of trying.

After Lai & Chan 1997 (the difference of spaces) and Parreno, Alvarez-Valdes, Tamarit & Oliveira 2008 (maximal spaces,
blocks, multi-start). Spaces reach to every obstacle, so that pieces of equal height bear a larger one together; what a
piece rests on is checked on its own. All measures are whole millimeters: nothing is rounded, nothing can overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from omscore.kernel import Rng

Size = tuple[int, int, int]
Space = tuple[int, int, int, int, int, int]
"""A box in the carton: x, y, z of its near corner, then of its far corner."""

Block = tuple[Space, int, Size]
"""Equal pieces side by side without gaps: where, which kind, and the size of one piece as turned."""


@frozen
class Kind:
    """Pieces that are all alike: the ways one may be turned, its weight, and the kinds that may lie above it."""

    turns: tuple[Size, ...]
    weight: int
    bears: frozenset[int]
    stacks: bool = True

    @property
    def volume(self) -> int:
        """Of one piece."""
        dx, dy, dz = self.turns[0]
        return dx * dy * dz


@frozen
class Stack:
    """What went into one carton: blocks, and how many pieces of each kind were left out."""

    blocks: tuple[Block, ...]
    left: tuple[int, ...]


def turns_of(size: Size, *, upright: bool) -> tuple[Size, ...]:
    """The different ways to turn a box: six at most, two when it must stay upright."""
    a, b, c = size
    ways = [(a, b, c), (b, a, c)]
    if not upright:
        ways += [(a, c, b), (c, a, b), (b, c, a), (c, b, a)]
    return tuple(dict.fromkeys(ways))


def fill(
    carton: Size,
    weight_max: int,
    kinds: Sequence[Kind],
    counts: Sequence[int],
    *,
    support_percent: int,
    tries: int,
    whole: bool,
) -> Stack | None:
    """The best of several tries to put the pieces into one carton: the one that leaves the least volume out.

    With `whole`, only a try that leaves nothing out will do, and None says that none did.
    """
    best: Stack | None = None
    least = 0
    for order, taste in _ways(kinds, counts, tries):
        stack = _try(carton, weight_max, kinds, counts, order, taste, support_percent, whole=whole)
        if stack is None:
            continue
        out = sum(kind.volume * n for kind, n in zip(kinds, stack.left, strict=True))
        if best is None or (out, sum(stack.left)) < (least, sum(best.left)):
            best, least = stack, out
        if not any(stack.left) or _is_full(carton, weight_max, kinds, counts, stack):
            break
    return best


def _is_full(carton: Size, weight_max: int, kinds: Sequence[Kind], counts: Sequence[int], stack: Stack) -> bool:
    """Whether volume or weight alone says that not one more of the pieces left can go in."""
    volume, room = carton[0] * carton[1] * carton[2], weight_max
    for kind, n, out in zip(kinds, counts, stack.left, strict=True):
        volume -= kind.volume * (n - out)
        room -= kind.weight * (n - out)
    return not any(
        out and kind.volume <= volume and kind.weight <= room for kind, out in zip(kinds, stack.left, strict=True)
    )


def _ways(kinds: Sequence[Kind], counts: Sequence[int], tries: int) -> Iterator[tuple[list[int], int]]:
    """Orders in which to place the kinds, with a taste for places: fixed ones first, then shuffled by a fixed seed."""
    present = [k for k, n in enumerate(counts) if n]
    everything = frozenset(range(len(kinds)))

    def last(k: int) -> bool:  # what bears only some kinds goes in last, on top of the others
        return kinds[k].bears != everything or not kinds[k].stacks

    longest = {k: max(kinds[k].turns[0]) for k in present}
    shortest = {k: min(kinds[k].turns[0]) for k in present}
    by_volume = sorted(present, key=lambda k: (last(k), -kinds[k].volume, k))
    by_length = sorted(present, key=lambda k: (last(k), -longest[k], -kinds[k].volume, k))
    by_face = sorted(present, key=lambda k: (last(k), -kinds[k].volume // shortest[k], k))
    by_width = sorted(present, key=lambda k: (last(k), -shortest[k], -kinds[k].volume, k))
    fixed = [(order, taste) for order in (by_volume, by_length, by_face, by_width) for taste in range(_TASTES)]
    yield from fixed[:tries]
    rng = Rng(len(present))
    for n in range(tries - len(fixed)):
        order = list(fixed[n % len(fixed)][0])
        for _ in range(1 + rng.below(3)):
            if len(order) > 1:
                i = rng.below(len(order) - 1)
                order[i], order[i + 1] = order[i + 1], order[i]
        order.sort(key=last)
        yield order, rng.below(_TASTES)


_TASTES = 4


def _try(
    carton: Size,
    weight_max: int,
    kinds: Sequence[Kind],
    counts: Sequence[int],
    order: Sequence[int],
    taste: int,
    support_percent: int,
    *,
    whole: bool,
) -> Stack | None:
    spaces: list[Space] = [(0, 0, 0, *carton)]
    blocks: list[Block] = []
    left = list(counts)
    room = weight_max
    for at, k in enumerate(order):
        kind = kinds[k]
        side = min(min(kinds[j].turns[0]) for j in order[at:])
        while left[k]:
            n = min(left[k], room // kind.weight) if kind.weight else left[k]
            block = _place(spaces, blocks, kinds, k, n, taste, support_percent) if n else None
            if block is None:
                break
            where, _, (dx, dy, dz) = block
            x1, y1, z1, x2, y2, z2 = where
            units = ((x2 - x1) // dx) * ((y2 - y1) // dy) * ((z2 - z1) // dz)
            left[k] -= units
            room -= units * kind.weight
            blocks.append(block)
            spaces = _cut(spaces, where, side)
        if whole and left[k]:
            return None
    return Stack(tuple(blocks), tuple(left))


def _place(
    spaces: Sequence[Space],
    blocks: Sequence[Block],
    kinds: Sequence[Kind],
    k: int,
    n: int,
    taste: int,
    support_percent: int,
) -> Block | None:
    """The best place for a block of up to n pieces of a kind; None when not even one fits."""
    kind = kinds[k]
    best: tuple[int, ...] = ()
    found: Block | None = None
    for x1, y1, z1, x2, y2, z2 in spaces:
        sx, sy, sz = x2 - x1, y2 - y1, z2 - z1
        for size in kind.turns:
            dx, dy, dz = size
            if dx > sx or dy > sy or dz > sz:
                continue
            for nx, ny, nz in _grids(min(sx // dx, n), min(sy // dy, n), min(sz // dz, n) if kind.stacks else 1, n):
                bx, by, bz = nx * dx, ny * dy, nz * dz
                gx, gy, gz = sx - bx, sy - by, sz - bz
                units = nx * ny * nz
                score: tuple[int, ...]
                if taste == 0:
                    score = (z1, -units, min(gx, gy), gx + gy, y1, x1)
                elif taste == 1:
                    score = (-units, min(gx, gy, gz), z1 + bz, gx + gy + gz, y1, x1)
                elif taste == 2:
                    a, b, c = sorted((gx, gy, gz))
                    score = (a, b, c, -units, z1, y1, x1)
                else:
                    score = (z1 + bz, y1 + by, x1 + bx, -units)
                if found is not None and score >= best:
                    continue
                # Up in the air the near corner may have nothing below it where another corner of the space has.
                corners = ((x1, y1), (x1 + gx, y1), (x1, y1 + gy), (x1 + gx, y1 + gy)) if z1 else ((x1, y1),)
                for x, y in corners:
                    where = (x, y, z1, x + bx, y + by, z1 + bz)
                    if _stands(blocks, kinds, k, where, size, support_percent):
                        best, found = score, (where, k, size)
                        break
    return found


def _grids(cx: int, cy: int, cz: int, n: int) -> Iterator[Size]:
    """Blocks of at most n pieces in a space that holds cx by cy by cz of them: rows first, one way or another."""
    if n == 1:
        yield 1, 1, 1
        return
    seen = []
    for grid in (
        (cx, min(cy, n // cx), min(cz, n // (cx * min(cy, n // cx)))),
        (min(cx, n // cy), cy, min(cz, n // (cy * min(cx, n // cy)))),
        (min(cx, n // cz), min(cy, n // (cz * min(cx, n // cz))), cz),
    ):
        if grid not in seen:
            seen.append(grid)
            yield grid


def _stands(
    blocks: Sequence[Block], kinds: Sequence[Kind], k: int, where: Space, size: Size, support_percent: int
) -> bool:
    """Whether a block rests on enough, lies on nothing it must not, and lies under nothing it cannot bear."""
    x1, y1, z1, x2, y2, z2 = where
    below = []
    for (bx1, by1, bz1, bx2, by2, bz2), other, _ in blocks:
        if bx1 < x2 and x1 < bx2 and by1 < y2 and y1 < by2:
            if bz2 <= z1:
                if k not in kinds[other].bears:
                    return False
                if bz2 == z1:
                    below.append((bx1, by1, bx2, by2))
            elif bz1 >= z2 and other not in kinds[k].bears:
                return False
    if not z1:
        return True
    if not below:
        return False
    if _covered(below, x1, y1, x2, y2) == (x2 - x1) * (y2 - y1):
        return True
    dx, dy, _ = size
    need = dx * dy * support_percent
    return all(
        _covered(below, x, y, x + dx, y + dy) * 100 >= need for x in range(x1, x2, dx) for y in range(y1, y2, dy)
    )


def _covered(below: Sequence[tuple[int, int, int, int]], x1: int, y1: int, x2: int, y2: int) -> int:
    """The part of a rectangle that lies on others, which do not overlap, in square millimeters."""
    return sum(
        max(min(x2, bx2) - max(x1, bx1), 0) * max(min(y2, by2) - max(y1, by1), 0) for bx1, by1, bx2, by2 in below
    )


def _cut(spaces: Sequence[Space], block: Space, side: int) -> list[Space]:
    """The maximal empty spaces once a block is in; those too narrow for anything still to come are dropped."""
    bx1, by1, bz1, bx2, by2, bz2 = block
    kept: list[Space] = []
    new: list[Space] = []
    for space in spaces:
        x1, y1, z1, x2, y2, z2 = space
        if bx2 <= x1 or bx1 >= x2 or by2 <= y1 or by1 >= y2 or bz2 <= z1 or bz1 >= z2:
            kept.append(space)
            continue
        if bx1 - x1 >= side:
            new.append((x1, y1, z1, bx1, y2, z2))
        if x2 - bx2 >= side:
            new.append((bx2, y1, z1, x2, y2, z2))
        if by1 - y1 >= side:
            new.append((x1, y1, z1, x2, by1, z2))
        if y2 - by2 >= side:
            new.append((x1, by2, z1, x2, y2, z2))
        if bz1 - z1 >= side:
            new.append((x1, y1, z1, x2, y2, bz1))
        if z2 - bz2 >= side:
            new.append((x1, y1, bz2, x2, y2, z2))
    new = list(dict.fromkeys(new))
    return kept + [
        a for a in new if not any(_inside(a, b) for b in kept) and not any(a is not b and _inside(a, b) for b in new)
    ]


def _inside(a: Space, b: Space) -> bool:
    return a[0] >= b[0] and a[1] >= b[1] and a[2] >= b[2] and a[3] <= b[3] and a[4] <= b[4] and a[5] <= b[5]
