"""Choosing cartons: fewest parcels first, then the least total volume of cartons.

The search is a heuristic (several tries, best kept): `parcels_min` is what volume and weight alone ask for, so that a
result that meets it is known to have as few parcels as there can be. What is placed is always right: whole millimeters,
inside the carton, nothing overlapping, everything resting on the bottom or on other pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations_with_replacement

from attrs import evolve, frozen

from omscore.batching._cartons import Carton, PackedCarton, Packing, PackLine, Placed, RefusedLine
from omscore.batching._packing_rules import PACKING_RULES, PackingRule
from omscore.batching._stacking import Kind, Size, Stack, fill, turns_of
from omscore.errors import DefinitionError, InvalidValue, Reason
from omscore.kernel import Dimensions, Item
from omscore.kernel.given import listed

PIECES_MAX = 10_000
"""The most units of one line that are packed piece by piece; beyond it the line is refused."""

OWN_BOX = "own box"
"""What a parcel is called whose one piece ships as it is."""

_SETS_MAX = 12
"""How many sets of cartons of one number are tried for a delivery of several parcels."""


@frozen
class _Piece:
    """All units of one item that are packed under the same rules."""

    item: Item
    size: Size
    weight: int
    lines: tuple[str, ...]
    tags: frozenset[str]
    rules: tuple[PackingRule, ...]


def choose_cartons(
    lines: Iterable[PackLine],
    cartons: Iterable[Carton],
    *,
    rules: Sequence[PackingRule] = PACKING_RULES,
    support_percent: int = 75,
    tries: int = 48,
) -> Packing:
    """The fewest and smallest cartons that hold the lines, with the place of every piece.

    Every piece rests with at least `support_percent` of its base on the bottom or on other pieces; above 50 its middle
    is always supported, so it cannot tip. `tries` bounds the search for each carton; more is never worse for one
    carton. The result depends on nothing but the arguments.

    Lines that no carton takes are refused, each with its reason, and the rest is packed: no dimensions
    (`packing.no_dimensions`), larger than every carton (`packing.too_large`), heavier than every carton that is large
    enough takes (`packing.too_heavy`). Raises DefinitionError for no cartons, two with one id, or a support outside
    51 to 100.

    >>> mug = Item("MUG", weight_grams=300, dimensions=Dimensions(100, 100, 100))
    >>> small, large = Carton("S", Dimensions(200, 100, 100), 5_000), Carton("L", Dimensions(400, 300, 200), 20_000)
    >>> [parcel.carton for parcel in choose_cartons([PackLine("1", mug, 26)], [small, large]).parcels]
    ['L', 'S']
    """
    boxes = _checked(cartons, support_percent, tries)
    lines = listed("lines", lines, PackLine, "PackLine('1', Item('MUG'), 2)")
    parcels: list[PackedCarton] = []
    refused: list[RefusedLine] = []
    groups: dict[tuple[str, ...], list[_Piece]] = {}
    fewest = 0
    for piece in _pieces(lines, rules, refused):
        if any(rule.own_box for rule in piece.rules):
            parcels += _own_boxes(piece)
            fewest += len(piece.lines)
        elif (reason := _unfit(piece, boxes)) is not None:
            refused += [
                RefusedLine(line, piece.item.sku, piece.lines.count(line), reason)
                for line in dict.fromkeys(piece.lines)
            ]
        else:
            groups.setdefault(tuple(rule.tag for rule in piece.rules if rule.apart), []).append(piece)
    for _, group in sorted(groups.items()):
        packer = _Packer(group, boxes, support_percent, tries)
        parcels += packer.parcels()
        fewest += packer.fewest()
    return Packing(tuple(parcels), tuple(refused), fewest)


def _checked(cartons: Iterable[Carton], support_percent: int, tries: int) -> list[Carton]:
    known = listed("cartons", cartons, Carton, "Carton('S', Dimensions(200, 100, 100), 5_000)")
    boxes = sorted(known, key=lambda carton: (carton.inner.volume_mm3, carton.weight_max, carton.id))
    if not boxes:
        raise DefinitionError("no cartons to choose from; give at least one")
    ids = [carton.id for carton in boxes]
    if twice := [id_ for id_ in ids if ids.count(id_) > 1]:
        raise DefinitionError(f"two cartons have the id {twice[0]!r}; give each its own")
    if not 51 <= support_percent <= 100:
        raise DefinitionError(f"support_percent must be between 51 and 100, not {support_percent!r}: less may tip")
    if tries < 1:
        raise DefinitionError(f"tries must be at least 1, not {tries!r}")
    return boxes


def _pieces(lines: Iterable[PackLine], rules: Sequence[PackingRule], refused: list[RefusedLine]) -> list[_Piece]:
    """Lines as pieces, padded, equal ones together, in an order that does not depend on the order of the lines."""
    found: dict[tuple[str, tuple[str, ...]], _Piece] = {}
    for line in sorted(lines, key=lambda line: (line.item.sku, line.line)):
        item = line.item
        tags = item.tags | line.tags
        mine = tuple(rule for rule in rules if rule.tag in tags)
        inner = item.dimensions
        if inner is None or line.units > PIECES_MAX:
            refused.append(RefusedLine(line.line, item.sku, line.units, _unpackable(line)))
            continue
        pad = 2 * sum(rule.padding_mm for rule in mine)
        key = (item.sku, tuple(rule.tag for rule in mine))
        units = (line.line,) * line.units
        if key in found:
            before = found[key]
            if before.item.dimensions != inner or before.item.weight_grams != item.weight_grams:
                raise InvalidValue(f"item {item.sku!r} has two sizes or weights in one packing; keep one")
            found[key] = evolve(before, lines=before.lines + units)
            continue
        size = (inner.length_mm + pad, inner.width_mm + pad, inner.height_mm + pad)
        weight = item.weight_grams + sum(rule.padding_grams for rule in mine)
        found[key] = _Piece(item, size, weight, units, tags, mine)
    return list(found.values())


def _unpackable(line: PackLine) -> Reason:
    facts = {"line": line.line, "item": line.item.sku, "units": line.units}
    if line.item.dimensions is None:
        text = f"item {line.item.sku!r} has no dimensions; measure it to have it packed"
        return Reason("packing.no_dimensions", text, facts)
    text = f"{line.units} units of item {line.item.sku!r} are more than {PIECES_MAX}; pack them as packs or pallets"
    return Reason("packing.too_many_units", text, facts)


def _own_boxes(piece: _Piece) -> list[PackedCarton]:
    notes = _notes([piece])
    box = Dimensions(*piece.size)
    return [
        PackedCarton(OWN_BOX, box, (Placed(line, piece.item.sku, (0, 0, 0), piece.size),), piece.weight, notes)
        for line in piece.lines
    ]


def _notes(pieces: Iterable[_Piece]) -> tuple[str, ...]:
    return tuple(sorted({rule.note for piece in pieces for rule in piece.rules if rule.note}))


def _unfit(piece: _Piece, boxes: Sequence[Carton]) -> Reason | None:
    roomy = [box for box in boxes if _goes_in(piece, box)]
    facts = {"item": piece.item.sku, "size_mm": piece.size, "weight_grams": piece.weight}
    if not roomy:
        size = " x ".join(str(side) for side in piece.size)
        return Reason("packing.too_large", f"item {piece.item.sku!r} ({size} mm) is larger than every carton", facts)
    most = max(box.weight_max for box in roomy)
    if piece.weight > most:
        text = f"item {piece.item.sku!r} weighs {piece.weight} g, the cartons large enough take {most} g"
        return Reason("packing.too_heavy", text, facts)
    return None


def _goes_in(piece: _Piece, box: Carton) -> bool:
    inner = _size(box)
    return any(all(a <= b for a, b in zip(turn, inner, strict=True)) for turn in _turns(piece))


def _turns(piece: _Piece) -> tuple[Size, ...]:
    return turns_of(piece.size, upright=any(rule.upright for rule in piece.rules))


def _size(box: Carton) -> Size:
    return box.inner.length_mm, box.inner.width_mm, box.inner.height_mm


_Part = tuple[Carton, Stack, tuple[int, ...]]
"""A carton, how it is filled, and how many pieces of each kind are in it."""

_SET_SIZE_MAX = 3
"""Up to how many parcels sets of cartons are tried."""


class _Packer:
    """Packs one group of pieces that may share parcels."""

    def __init__(self, pieces: Sequence[_Piece], boxes: Sequence[Carton], support_percent: int, tries: int) -> None:
        self.pieces = pieces
        self.boxes = boxes
        self.support_percent = support_percent
        self.tries = tries
        self.kinds = [self._kind(piece) for piece in pieces]
        self.counts = tuple(len(piece.lines) for piece in pieces)
        self.filled: dict[tuple[str, tuple[int, ...], bool], Stack | None] = {}

    def _kind(self, piece: _Piece) -> Kind:
        bears = frozenset(
            k
            for k, other in enumerate(self.pieces)
            if all(rule.bears == "all" or (rule.bears == "same" and rule.tag in other.tags) for rule in piece.rules)
        )
        own = self.pieces.index(piece) in bears
        return Kind(_turns(piece), piece.weight, bears, own)

    def _volume(self, counts: Sequence[int]) -> int:
        return sum(kind.volume * n for kind, n in zip(self.kinds, counts, strict=True))

    def _weight(self, counts: Sequence[int]) -> int:
        return sum(kind.weight * n for kind, n in zip(self.kinds, counts, strict=True))

    def fewest(self) -> int:
        """How many parcels volume and weight ask for at least."""
        volume = max(box.inner.volume_mm3 for box in self.boxes)
        weight = max(box.weight_max for box in self.boxes)
        return max(1, -(-self._volume(self.counts) // volume), -(-self._weight(self.counts) // weight))

    def parcels(self) -> list[PackedCarton]:
        """The group's parcels: one if any carton takes it all, else the best of several ways to split."""
        plan = self._greedy()
        for size in range(max(self.fewest(), 2), min(len(plan), _SET_SIZE_MAX) + 1):
            better = next(filter(None, map(self._with, self._sets(size, plan))), None)
            if better is not None:
                plan = better
                break
        return self._packed(plan)

    def _smallest(self, counts: tuple[int, ...], boxes: Sequence[Carton]) -> _Part | None:
        """The smallest of the cartons (smallest first) that takes all of the counts."""
        volume, weight = self._volume(counts), self._weight(counts)
        for box in boxes:
            if volume > box.inner.volume_mm3 or weight > box.weight_max:
                continue
            if not all(_goes_in(piece, box) for piece, n in zip(self.pieces, counts, strict=True) if n):
                continue
            stack = self._fill(box, counts, whole=True)
            if stack is not None:
                return box, stack, counts
        return None

    def _fill(self, box: Carton, counts: Sequence[int], *, whole: bool) -> Stack | None:
        """One carton filled; remembered, with counts cut to what volume and weight let in, as bulk asks repeatedly."""
        volume, weight = box.inner.volume_mm3, box.weight_max
        most = tuple(
            min(n, volume // kind.volume, weight // kind.weight if kind.weight else n)
            for kind, n in zip(self.kinds, counts, strict=True)
        )
        ask = (box.id, most, whole)
        if ask not in self.filled:
            self.filled[ask] = fill(
                _size(box),
                weight,
                self.kinds,
                most,
                support_percent=self.support_percent,
                tries=self.tries,
                whole=whole,
            )
        stack = self.filled[ask]
        if stack is None:
            return None
        left = tuple(n - (m - rest) for n, m, rest in zip(counts, most, stack.left, strict=True))
        return Stack(stack.blocks, left)

    def _part(self, box: Carton, counts: tuple[int, ...]) -> _Part:
        """As much as goes into one carton."""
        stack = self._fill(box, counts, whole=False) or Stack((), counts)
        return box, stack, tuple(a - b for a, b in zip(counts, stack.left, strict=True))

    def _greedy(self) -> list[_Part]:
        """Fill the carton that takes most, then the next, and end with the smallest that takes what is left."""
        plan: list[_Part] = []
        left = self.counts
        while (last := self._smallest(left, self.boxes)) is None:
            best = self._fullest(left)
            # The same pieces may do with a smaller carton than the one they were tried in.
            plan.append(self._smallest(best[2], self.boxes) or best)
            left = tuple(a - b for a, b in zip(left, best[2], strict=True))
        return [*plan, last]

    def _fullest(self, counts: tuple[int, ...]) -> _Part:
        """The carton that takes the most volume; smaller ones than that are not tried."""
        best = self._part(self.boxes[-1], counts)
        for box in reversed(self.boxes[:-1]):
            if box.inner.volume_mm3 <= self._volume(best[2]):
                break
            part = self._part(box, counts)
            if self._volume(part[2]) > self._volume(best[2]):
                best = part
        return best

    def _sets(self, size: int, plan: Sequence[_Part]) -> Iterator[tuple[Carton, ...]]:
        """Sets of so many cartons that volume and weight allow and that beat a plan, the least volume first."""
        volume, weight = self._volume(self.counts), self._weight(self.counts)
        beaten = sum(box.inner.volume_mm3 for box, _, _ in plan) if size == len(plan) else None
        sets = []
        for some in combinations_with_replacement(self.boxes, size):
            total = sum(box.inner.volume_mm3 for box in some)
            if total >= volume and sum(box.weight_max for box in some) >= weight and (not beaten or total < beaten):
                sets.append((total, tuple(box.id for box in some), some))
        for _, _, some in sorted(sets, key=lambda entry: entry[:2])[:_SETS_MAX]:
            yield some
            yield tuple(reversed(some))

    def _with(self, boxes: Sequence[Carton]) -> list[_Part] | None:
        """A plan with exactly these cartons, filled in this order; None when something is left."""
        plan: list[_Part] = []
        left = self.counts
        for box in boxes:
            part = self._part(box, left)
            plan.append(part)
            left = part[1].left
        return None if any(left) else plan

    def _packed(self, plan: Sequence[_Part]) -> list[PackedCarton]:
        """Plans as parcels: each piece gets the line it is for, the lines in order."""
        used = [0] * len(self.pieces)
        parcels = []
        for box, stack, counts in sorted(plan, key=lambda part: -part[0].inner.volume_mm3):
            places = sorted(
                ((z, y, x), k, size)
                for (x1, y1, z1, x2, y2, z2), k, size in stack.blocks
                for z in range(z1, z2, size[2])
                for y in range(y1, y2, size[1])
                for x in range(x1, x2, size[0])
            )
            pieces = []
            for (z, y, x), k, size in places:
                piece = self.pieces[k]
                pieces.append(Placed(piece.lines[used[k]], piece.item.sku, (x, y, z), size))
                used[k] += 1
            inside = [piece for piece, n in zip(self.pieces, counts, strict=True) if n]
            weight = self._weight(counts) + box.tare_grams
            parcels.append(PackedCarton(box.id, box.inner, tuple(pieces), weight, _notes(inside), box.outer))
        return parcels
