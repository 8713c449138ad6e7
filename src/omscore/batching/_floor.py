"""Parallel-aisle floors: aisles, cross-aisles, bins and a depot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from attrs import field, frozen

from omscore.batching._drawing import draw
from omscore.batching._meters import RULES, Grid, exact_blocks, exact_one_block, rule_one_block
from omscore.batching._oneway import ONE_WAY_RULES, arrows, checked_ways, one_way_meter, one_way_walk
from omscore.batching._sweep import FAR
from omscore.batching._table_blocks import BLOCK_RULES, TableBlocks
from omscore.batching._walk import stops_along, walk_exact, walk_length, walk_rule
from omscore.errors import DefinitionError, InvalidValue
from omscore.kernel.given import listed, names

BLOCKS_MAX = 4
"""Exact tours of any size go up to four blocks; the classes of the sweep grow fivefold with each block."""

CELLS_MAX = 1_000_000
"""More cells than this are a mistake in a file: a set of bins is one number with a bit for each cell."""


@frozen
class Bin:
    """A shelf a picker walks to: its aisle and cell, counted from 0 at the left and at the front.

    `cell` runs through all blocks from the front to the back; `level` is the height (0 the floor), which the walk
    ignores and labor may count; `zone` is the host's own word for a part of the floor.

    >>> Bin("A-07", aisle=0, cell=7)
    Bin(id='A-07', aisle=0, cell=7, level=0, zone='')
    """

    id: str
    aisle: int
    cell: int
    level: int = 0
    zone: str = ""


@frozen
class Tour:
    """A walk from the depot past bins and back.

    `stops` are bin ids in the order they are reached, each once; `length_mm` is the way walked, in whole millimeters;
    `walk` the corner points (x, y) in millimeters from the front corner of aisle 0, empty on a matrix floor; `rule`
    how it was made.

    >>> from omscore.batching import Floor
    >>> tour = Floor.parallel(aisles=4, cells=10).tour(["3-4", "0-5", "0-3"])
    >>> sorted(tour.stops), tour.rule
    (['0-3', '0-5', '3-4'], 'exact')
    """

    stops: tuple[str, ...]
    length_mm: int
    walk: tuple[tuple[int, int], ...] = ()
    rule: str = "exact"

    @property
    def length_m(self) -> int:
        """The length in whole meters, half rounded up.

        >>> Tour((), 12_500).length_m
        13
        """
        return (self.length_mm + 500) // 1000


def _checked(value: Any, what: str, least: int) -> int:
    if type(value) is not int or value < least:
        raise DefinitionError(f"{what} must be a whole number of at least {least}, not {value!r}")
    return value


def _bins(bins: Iterable[Bin]) -> tuple[Bin, ...]:
    return listed("bins", bins, Bin, "Bin('A-1', aisle=0, cell=0)")


def _words(words: Iterable[str]) -> tuple[str, ...]:
    return names("one-way aisles", words, "up")


def _bin_of(number: int, row: Mapping[str, Any]) -> Bin:
    """A row of a file as a bin; raises DefinitionError naming the row, and its columns where one is missing."""
    if not isinstance(row, Mapping):
        raise DefinitionError(f"row {number} is a {type(row).__name__}; give mappings, such as csv.DictReader does")
    if missing := [name for name in ("id", "aisle", "cell") if name not in row]:
        has = ", ".join(repr(name) for name in row)
        raise DefinitionError(f"row {number} ({row.get('id', 'no id')!r}) has no column {missing[0]!r}; it has {has}")
    try:
        aisle, cell, level = _whole(row["aisle"]), _whole(row["cell"]), _whole(row.get("level") or 0)
        return Bin(str(row["id"] or ""), aisle, cell, level, str(row.get("zone") or ""))
    except (TypeError, ValueError) as error:
        raise DefinitionError(
            f"row {number} ({row['id']!r}) is not a bin: needs id, aisle and cell as whole numbers"
        ) from error


def _whole(value: Any) -> int:
    number = int(value)
    if not isinstance(value, str) and number != value:
        raise ValueError(f"{value!r} is not a whole number")
    return number


@frozen
class Floor:
    """A floor of parallel aisles between a front and a back cross-aisle, with more of these between blocks.

    All lengths are whole millimeters: `aisle_mm` between neighboring aisles, `cell_mm` between neighboring cells,
    `front_mm` and `back_mm` from a block's first and last cell to its cross-aisles, `depot_at_mm` how far right of
    aisle 0 the depot lies along the front, `depot_mm` how far before the front. `cells` counts an aisle's cells
    through all `blocks`, which share them evenly. Widths of aisles are not walked. `one_way` says of each aisle whether
    it is walked "up" (from the front to the back), "down" or "both" ways; left out, all go both ways. Tours of
    one-way aisles are `exact` or `s_shape` on one block. With one-way aisles on more blocks, and on more than four
    blocks, they are those of a table of distances (`local`, `nearest`, and `exact` up to 12 places).

    Raises DefinitionError for a floor that cannot be, naming the bin where one is to blame.

    >>> floor = Floor.parallel(aisles=3, cells=10, aisle_mm=5000)
    >>> tour = floor.tour(["0-2", "2-7", "2-9"])
    >>> tour.stops, tour.length_mm, tour.length_m
    (('0-2', '2-9', '2-7'), 42000, 42)
    """

    aisles: int
    cells: int
    bins: tuple[Bin, ...] = field(converter=_bins, repr=False)
    blocks: int = 1
    aisle_mm: int = 3000
    cell_mm: int = 1000
    front_mm: int = 1000
    back_mm: int = 1000
    depot_at_mm: int = 0
    depot_mm: int = 0
    one_way: tuple[str, ...] = field(default=(), converter=_words)
    _lengths: dict[str, Callable[[int], int]] = field(factory=dict, init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        for name, least in (("aisles", 1), ("cells", 1), ("blocks", 1)):
            _checked(getattr(self, name), name, least)
        for name in ("aisle_mm", "cell_mm", "front_mm", "back_mm", "depot_at_mm", "depot_mm"):
            _checked(getattr(self, name), name, 0)
        if self.aisles * self.cells > CELLS_MAX:
            raise DefinitionError(
                f"{self.aisles} aisles of {self.cells} cells are more than {CELLS_MAX} cells; is one misnumbered?"
            )
        if self.cells % self.blocks:
            raise DefinitionError(f"{self.cells} cells do not divide evenly among {self.blocks} blocks")
        object.__setattr__(self, "one_way", checked_ways(self.one_way, self.aisles))
        grid = self._grid
        aisles_mm = grid.aisles * grid.blocks * grid.height
        walk_mm = 2 * (aisles_mm + (grid.blocks + 1) * (grid.xs[-1] + self.depot_at_mm)) + grid.depot_extra
        if walk_mm >= FAR:
            raise DefinitionError(
                f"a floor with {aisles_mm // 1_000_000} km of aisles is too large; lengths are millimeters"
            )
        seen: set[str] = set()
        for b in self.bins:
            if not b.id or b.id in seen:
                raise DefinitionError(f"bin id {b.id!r} is {'used twice' if b.id else 'empty'}; each bin needs its own")
            seen.add(b.id)
            for what, value, limit in (("aisle", b.aisle, self.aisles), ("cell", b.cell, self.cells)):
                if type(value) is not int or not 0 <= value < limit:
                    raise DefinitionError(
                        f"bin {b.id!r} is not on the floor: {what} {value!r} is not one of 0 to {limit - 1}"
                    )
            if type(b.level) is not int or b.level < 0:
                raise DefinitionError(f"bin {b.id!r} has level {b.level!r}; levels count up from 0")

    @classmethod
    def parallel(cls, *, aisles: int, cells: int, depot_aisle: int | None = None, **layout: Any) -> Floor:
        """A floor with a bin in every cell, named `aisle-cell`; other keywords as for the class.

        `depot_aisle` puts the depot at the front of that aisle.

        >>> Floor.parallel(aisles=2, cells=3).bin("1-2")
        Bin(id='1-2', aisle=1, cell=2, level=0, zone='')
        """
        _checked(aisles, "aisles", 1)
        _checked(cells, "cells", 1)
        if "bins" not in layout and aisles * cells <= CELLS_MAX:
            layout["bins"] = [Bin(f"{a}-{c}", a, c) for a in range(aisles) for c in range(cells)]
        if depot_aisle is not None:
            if _checked(depot_aisle, "depot_aisle", 0) >= aisles:
                raise DefinitionError(f"depot_aisle {depot_aisle} is not on the floor: aisles are 0 to {aisles - 1}")
            layout["depot_at_mm"] = depot_aisle * layout.get("aisle_mm", 3000)
        return cls(aisles=aisles, cells=cells, **({"bins": ()} | layout))

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]], **layout: Any) -> Floor:
        """A floor from rows such as `csv.DictReader` gives: `id`, `aisle`, `cell`, maybe `level`, `zone` and `one_way`.

        Aisles and cells count from 0; without `aisles` and `cells` among the keywords the floor ends with the last bin.
        `one_way` ("up" or "down") holds for the whole aisle, whichever of its rows say so. Raises DefinitionError that
        names the row that cannot be read, or the bin that contradicts another of its aisle.

        >>> rows = [{"id": "A1", "aisle": "0", "cell": "0"}, {"id": "B4", "aisle": "1", "cell": "3", "zone": "cold"}]
        >>> floor = Floor.from_rows(rows, aisle_mm=2400)
        >>> floor.aisles, floor.cells, floor.bin("B4").zone
        (2, 4, 'cold')
        """
        blocks = _checked(layout.get("blocks", 1), "blocks", 1)
        bins = []
        ways: dict[int, str] = {}
        for number, row in enumerate(rows, 1):
            bins.append(_bin_of(number, row))
            way = str(row.get("one_way") or "")
            if way and ways.setdefault(bins[-1].aisle, way) != way:
                raise DefinitionError(
                    f"bin {bins[-1].id!r} says that aisle {bins[-1].aisle} goes {way}, a row before it says"
                    f" {ways[bins[-1].aisle]}; one aisle goes one way"
                )
        if not bins:
            raise DefinitionError("a floor needs at least one bin; the rows held none")
        layout.setdefault("aisles", max(1, 1 + max(b.aisle for b in bins)))
        if ways:
            layout.setdefault("one_way", [ways.get(aisle, "both") for aisle in range(layout["aisles"])])
        layout.setdefault("cells", -(-max(1, 1 + max(b.cell for b in bins)) // blocks) * blocks)
        return cls.parallel(bins=bins, **layout)

    def bin(self, bin_id: str) -> Bin:
        """The bin with this id; raises InvalidValue when the floor has none.

        >>> Floor.parallel(aisles=1, cells=1).bin("9-9")
        Traceback (most recent call last):
        omscore.errors.InvalidValue: bin '9-9' is not on the floor
        """
        found = self._by_id.get(bin_id)
        if found is None:
            raise InvalidValue(f"bin {bin_id!r} is not on the floor")
        return found

    def has_zone(self, zone: str) -> bool:
        """Whether a bin is in this zone, or in a part of it (`cold/upper` is in `cold`).

        >>> Floor(1, 1, [Bin("A", 0, 0, zone="cold/upper")]).has_zone("cold")
        True
        """
        return any((b.zone + "/").startswith(zone + "/") for b in self.bins if b.zone)

    def __contains__(self, bin_id: object) -> bool:
        return bin_id in self._by_id

    @property
    def rules(self) -> tuple[str, ...]:
        """The tour rules this floor knows.

        >>> Floor.parallel(aisles=2, cells=4, blocks=2).rules
        ('exact',)
        """
        if self._by_table:
            return BLOCK_RULES
        if self.one_way:
            return ONE_WAY_RULES
        return RULES if self.blocks == 1 else ("exact",)

    def tour(self, bins: Iterable[str], rule: str = "exact") -> Tour:
        """The walk past these bins under a rule, with its stops in order.

        Raises InvalidValue for a bin that is not on the floor and DefinitionError for an unknown rule.

        >>> floor = Floor.parallel(aisles=4, cells=10)
        >>> [(rule, floor.tour(["0-8", "1-1", "3-2"], rule).length_m) for rule in ("exact", "s_shape", "return")]
        [('exact', 44), ('s_shape', 46), ('return', 46)]
        """
        places: dict[tuple[int, int], list[str]] = {}
        mask = 0
        for bin_id in dict.fromkeys(names("bins", bins, "A-1")):
            b = self.bin(bin_id)
            places.setdefault((b.aisle, b.cell), []).append(bin_id)
            mask |= self._bits[bin_id]
        length = self.measure(rule)(mask)
        if not mask:
            return Tour((), 0, (), rule)
        grid = self._grid
        if self._by_table:
            walk = self._table_blocks.walk(mask, rule)
        elif self.one_way:
            walk = one_way_walk(grid, self.one_way, mask, rule)
        else:
            walk = walk_exact(grid, mask) if rule == "exact" else walk_rule(grid, mask, rule)
        if walk_length(walk) != length:
            raise AssertionError(f"walk of {walk_length(walk)} mm does not match its length {length} mm")
        return Tour(stops_along(grid, walk, places), length, walk, rule)

    def tour_length(self, bins: Iterable[str], rule: str = "exact") -> int:
        """The length of the tour in millimeters, without building it.

        >>> Floor.parallel(aisles=4, cells=10).tour_length(["0-8", "1-1", "3-2"])
        44000
        """
        return self.measure(rule)(self.cover(bins))

    def cover(self, bins: Iterable[str]) -> int:
        """The set of bins as one number, for `measure`; the union of two sets is their bitwise or.

        >>> floor = Floor.parallel(aisles=4, cells=10)
        >>> floor.cover(["0-1", "0-2"]) == floor.cover(["0-1"]) | floor.cover(["0-2"])
        True
        """
        mask = 0
        bits = self._bits
        try:
            for b in bins:
                mask |= bits[b]
        except KeyError as missing:
            raise InvalidValue(f"bin {missing.args[0]!r} is not on the floor") from None
        return mask

    def measure(self, rule: str = "exact") -> Callable[[int], int]:
        """The function from a set of bins (see `cover`) to its tour's length in millimeters; for searches.

        It keeps what it learned about each aisle, so ask once and call it often.

        >>> floor = Floor.parallel(aisles=4, cells=10)
        >>> floor.measure("return")(floor.cover(["3-0"]))
        20000
        """
        found = self._lengths.get(rule)
        if found is None:
            if rule not in self.rules:
                raise DefinitionError(f"no tour rule {rule!r} for {self._kind}; choose one of: {', '.join(self.rules)}")
            if self._by_table:
                found = self._table_blocks.length(rule)
            elif self.one_way:
                found = one_way_meter(self._grid, self.one_way, rule)
            elif rule != "exact":
                found = rule_one_block(self._grid, rule)
            elif self.blocks == 1:
                found = exact_one_block(self._grid)
            else:
                found = exact_blocks(self._grid)
            self._lengths[rule] = found
        return found

    def aisle_bits(self) -> Callable[[int], int]:
        """The function from a set of bins (see `cover`) to its aisles, each a bit of its own; for searches.

        >>> floor = Floor.parallel(aisles=4, cells=10)
        >>> aisles = floor.aisle_bits()
        >>> aisles(floor.cover(["3-0"])) == aisles(floor.cover(["3-5", "3-9"]))
        True
        """
        return self._grid.aisles_of()

    def svg(self, tour: Tour | None = None, *, width: int = 480) -> str:
        """The floor seen from above as SVG text, with a tour drawn in if given.

        >>> Floor.parallel(aisles=2, cells=3).svg().startswith("<svg")
        True
        """
        bins = [(b.aisle, b.cell) for b in self.bins]
        walk = tour.walk if tour else ()
        return draw(self._grid, bins, self._picked(tour), walk, width, arrows(self._grid, self.one_way))

    @property
    def _kind(self) -> str:
        return f"{self.blocks} block(s)" + (" with one-way aisles" if self.one_way else "")

    def _picked(self, tour: Tour | None) -> list[tuple[int, int]]:
        return [(b.aisle, b.cell) for b in map(self.bin, tour.stops)] if tour else []

    @property
    def _by_table(self) -> bool:
        """Whether tours are those of a table of distances: no sweep knows this floor."""
        return self.blocks > (1 if self.one_way else BLOCKS_MAX)

    @cached_property
    def _table_blocks(self) -> TableBlocks:
        return TableBlocks(self._grid, self.one_way or ("both",) * self.aisles)

    @cached_property
    def _by_id(self) -> dict[str, Bin]:
        return {b.id: b for b in self.bins}

    @cached_property
    def _bits(self) -> dict[str, int]:
        return {b.id: self._grid.bit(b.aisle, b.cell) for b in self.bins}

    @cached_property
    def _grid(self) -> Grid:
        ends, depot = (self.front_mm, self.back_mm), (self.depot_at_mm, self.depot_mm)
        return Grid(self.aisles, self.cells, self.blocks, self.aisle_mm, self.cell_mm, ends, depot)
