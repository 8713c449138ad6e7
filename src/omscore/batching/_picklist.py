"""Pick lists: what one picker takes where, row by row along the tour, for one order or for a batch at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import asdict, evolve, field, frozen

from omscore import render
from omscore.batching._floor import Tour
from omscore.batching._orders import PickLine
from omscore.errors import DefinitionError, InvalidValue
from omscore.kernel import quantity
from omscore.kernel.given import listed

_COLUMNS = ("stop", "bin", "item", "name", "lot", "units", "tote", "order")


@frozen
class PickRow:
    """One row of a pick list: at this stop take so many units of the item from the bin and put them into the tote.

    >>> PickRow(1, stop=1, bin="A-1", item="MUG", units=2, order="o-1", line="1", tote="T1").units
    2
    """

    row: int
    stop: int
    bin: str
    item: str
    units: int
    order: str = ""
    line: str = ""
    tote: str = ""
    lot: str = ""
    name: str = ""


@frozen
class PickShortage:
    """Units of an order line that no bin holds; `found` of the `asked` units are on rows.

    >>> PickShortage("o-1", "1", "MUG", asked=1000, found=15).missing
    985
    """

    order: str
    line: str
    item: str
    asked: int
    found: int

    @property
    def missing(self) -> int:
        """Units that are on no row.

        >>> PickShortage("o-1", "1", "MUG", asked=3, found=1).missing
        2
        """
        return self.asked - self.found


@frozen
class PickList:
    """Rows in the order walked, a tote for each order, and what could not be found; prints as text.

    `rule` is the tour's; `wave` and `zone` say what the list is part of, `leaves_at` when the wave leaves; `together`
    names, for each order that is on other lists too, these lists: its parts are brought together before it is packed.

    >>> print(PickList("7", (PickRow(1, stop=1, bin="A-1", item="MUG", units=2, order="o-1", tote="T1"),)))
    pick list 7: 1 row, 1 stop, 2 units
    <BLANKLINE>
    stop  bin  item  units  tote  order
    ----  ---  ----  -----  ----  -----
       1  A-1  MUG       2  T1    o-1
    """

    id: str
    rows: tuple[PickRow, ...]
    shortages: tuple[PickShortage, ...] = ()
    totes: Mapping[str, tuple[str, ...]] = field(factory=dict)
    length_mm: int | None = None
    rule: str = ""
    wave: str = ""
    leaves_at: datetime | None = None
    zone: str = ""
    together: Mapping[str, tuple[str, ...]] = field(factory=dict)

    @property
    def units(self) -> int:
        """Units on all rows.

        >>> PickList("7", ()).units
        0
        """
        return sum(row.units for row in self.rows)

    @property
    def headline(self) -> str:
        """The list in one line.

        >>> PickList("7", ()).headline
        'pick list 7: 0 rows, 0 stops, 0 units'
        """
        stops = len({row.stop for row in self.rows})
        parts = [_counted(len(self.rows), "row"), _counted(stops, "stop"), _counted(self.units, "unit")]
        if self.length_mm is not None:
            parts.append(f"walk {(self.length_mm + 500) // 1000} m")
        if self.shortages:
            parts.append(f"{_counted(sum(s.missing for s in self.shortages), 'unit')} missing")
        part_of = [f"{what} {name}" for what, name in (("wave", self.wave), ("zone", self.zone)) if name]
        named = f"{self.id} ({', '.join(part_of)})" if part_of else self.id
        return f"pick list {named}: {', '.join(parts)}"

    def to_text(self) -> str:
        """The list as aligned text; columns that hold nothing are left out.

        >>> print(PickList("7", (), shortages=(PickShortage("o-1", "1", "MUG", asked=3, found=0),)).to_text())
        pick list 7: 0 rows, 0 stops, 0 units, 3 units missing
        <BLANKLINE>
        missing  item  asked  order
        -------  ----  -----  -----
              3  MUG       3  o-1
        """
        parts = [self.headline]
        tables = (self._rows_table(), self._shortage_table(), self._together_table())
        parts += [render.text_table(*table) for table in tables if table[1]]
        return "\n\n".join(parts)

    def to_html(self, drawing: object = "") -> str:
        """A whole HTML document to print, with a box to tick for each row; `drawing` is an SVG of the tour.

        >>> "MUG" in PickList("7", (PickRow(1, stop=1, bin="A-1", item="MUG", units=2),)).to_html()
        True
        """
        return render.html_page(self.headline, self._body(rows_max=len(self.rows)), str(drawing))

    def to_dict(self) -> dict[str, Any]:
        """The list as plain data that json can write.

        >>> PickList("7", ()).to_dict()
        {'id': '7', 'rows': [], 'shortages': [], 'totes': {}, 'length_mm': None, 'rule': '', 'wave': '', ...}
        """
        return {
            "id": self.id,
            "rows": [asdict(row) for row in self.rows],
            "shortages": [asdict(shortage) | {"missing": shortage.missing} for shortage in self.shortages],
            "totes": {order: list(totes) for order, totes in self.totes.items()},
            "length_mm": self.length_mm,
            "rule": self.rule,
            "wave": self.wave,
            "leaves_at": self.leaves_at.isoformat() if self.leaves_at else None,
            "zone": self.zone,
            "together": {order: list(lists) for order, lists in self.together.items()},
        }

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return self._body(rows_max=render.ROWS_MAX)

    def _body(self, *, rows_max: int) -> str:
        columns, rows = self._rows_table()
        parts = [
            render.html_table(
                [*columns, "done"], [[*row, "\u2610"] for row in rows], caption=self.headline, rows_max=rows_max
            )
        ]
        columns, rows = self._shortage_table()
        if rows:
            parts.append(render.html_table(columns, rows, caption="missing", rows_max=rows_max))
        columns, rows = self._together_table()
        if rows:
            parts.append(render.html_table(columns, rows, caption="bring together", rows_max=rows_max))
        return "".join(parts)

    def _rows_table(self) -> tuple[list[str], list[list[object]]]:
        used = [name for name in _COLUMNS if any(getattr(row, name) != "" for row in self.rows)]
        return used, [[getattr(row, name) for name in used] for row in self.rows]

    def _shortage_table(self) -> tuple[list[str], list[list[object]]]:
        rows: list[list[object]] = [[s.missing, s.item, s.asked, s.order] for s in self.shortages]
        return ["missing", "item", "asked", "order"], rows

    def _together_table(self) -> tuple[list[str], list[list[object]]]:
        return ["order", "also on"], [[order, ", ".join(lists)] for order, lists in self.together.items()]


@frozen
class BinStock:
    """Units of an item that lie in a bin, of one lot where lots matter.

    >>> BinStock("A-1", "MUG", 5)
    BinStock(bin='A-1', item='MUG', units=5, lot='')
    """

    bin: str
    item: str
    units: int
    lot: str = ""

    def __attrs_post_init__(self) -> None:
        if not self.bin:
            raise InvalidValue(f"stock of item {self.item!r} has no bin; name the bin it lies in")
        quantity(self.units, f"units of {self.item!r} in bin {self.bin!r}", at_least=0)


def find_bins(
    lines: Iterable[PickLine], stock: Iterable[BinStock]
) -> tuple[tuple[PickLine, ...], tuple[PickShortage, ...]]:
    """Lines without a bin, split over the bins that hold their item, and what no bin holds.

    Bins are drawn from in the order given, so that the host says what goes first (oldest lot, nearest bin, emptiest
    bin), and for the lines in the order given; no unit is promised to two lines. A line with a lot takes that lot only.
    Weight and volume go with the units. A line that has a bin already is kept as it is and draws nothing.

    >>> lines, shortages = find_bins(
    ...     [PickLine("o-1", "1", "MUG", 1000, "")], [BinStock("A-1", "MUG", 5), BinStock("B-4", "MUG", 10)])
    >>> [(line.bin, line.units) for line in lines], shortages[0].missing
    ([('A-1', 5), ('B-4', 10)], 985)
    """
    shelves: dict[str, list[tuple[BinStock, int]]] = {}
    for shelf in stock:
        shelves.setdefault(shelf.item, []).append((shelf, shelf.units))
    found: list[PickLine] = []
    shortages: list[PickShortage] = []
    for line in lines:
        if line.bin:
            found.append(line)
            continue
        mine, left = shelves.get(line.item, []), line.units
        for at, (shelf, free) in enumerate(mine):
            take = min(free, left) if line.lot in ("", shelf.lot) else 0
            if take:
                mine[at] = shelf, free - take
                found.append(_part(line, line.units - left, take, shelf))
                left -= take
        if left:
            shortages.append(PickShortage(line.order, line.line, line.item, line.units, line.units - left))
    return tuple(found), tuple(shortages)


def _part(line: PickLine, before: int, units: int, shelf: BinStock) -> PickLine:
    def share(total: int) -> int:
        # Cumulative shares add up to the whole, whatever the split.
        return total * (before + units) // line.units - total * before // line.units

    return evolve(
        line,
        bin=shelf.bin,
        lot=shelf.lot,
        units=units,
        weight_grams=share(line.weight_grams),
        volume_mm3=share(line.volume_mm3),
    )


def pick_list(
    id: str,  # noqa: A002 - the field's word for it
    lines: Iterable[PickLine],
    tour: Tour | None = None,
    *,
    names: Mapping[str, str] | None = None,
    totes: Sequence[str] = (),
    tote_volume: int | None = None,
    shortages: Iterable[PickShortage] = (),
) -> PickList:
    """The pick list of one order's lines or of a batch's, at once: no batch run has to be waited for.

    Rows follow the tour's stops; without a tour they follow the bins in natural order (A-2 before A-10). Within a stop
    they go by item, lot, order and line. `names` gives items a name to print.

    Each order gets totes of its own: taken from `totes` as the walk first needs them, or else named T1, T2, ... It gets
    one, and a further one whenever the next unit would exceed `tote_volume` (in cubic millimeters); a row is split
    where a tote is full. A unit larger than a tote has one to itself.

    Raises DefinitionError when a line's bin is not on the tour, or when the totes named are too few or one is named
    twice.

    >>> lines = [PickLine("o-2", "1", "MUG", 2, "A-10"), PickLine("o-1", "1", "CUP", 1, "A-2")]
    >>> [(row.stop, row.bin, row.tote) for row in pick_list("7", lines).rows]
    [(1, 'A-2', 'T1'), (2, 'A-10', 'T2')]
    """
    taken = list(listed("lines", lines, PickLine, "PickLine('o-1', '1', 'MUG', 2, 'A-1')"))
    stops = tour.stops if tour else sorted({line.bin for line in taken}, key=_natural)
    stop_of = {bin_id: number for number, bin_id in enumerate(stops, 1)}
    for line in taken:
        if line.bin not in stop_of:
            raise DefinitionError(
                f"pick list {id!r}: bin {line.bin!r} of line {line.line!r} of order {line.order!r} is not on the tour"
            )
    taken.sort(key=lambda line: (stop_of[line.bin], line.item, line.lot, line.order, line.line))
    rack = _Totes(id, totes, tote_volume)
    rows: list[PickRow] = []
    for line in taken:
        for tote, units in rack.put(line):
            row = PickRow(
                row=len(rows) + 1,
                stop=stop_of[line.bin],
                bin=line.bin,
                item=line.item,
                units=units,
                order=line.order,
                line=line.line,
                tote=tote,
                lot=line.lot,
                name=(names or {}).get(line.item, ""),
            )
            rows.append(row)
    in_totes = {order: tuple(mine) for order, mine in rack.of.items()}
    length_mm, rule = (tour.length_mm, tour.rule) if tour else (None, "")
    return PickList(id, tuple(rows), tuple(shortages), in_totes, length_mm, rule)


class _Totes:
    """Hands out totes to orders as their units come along."""

    def __init__(self, list_id: str, names: Sequence[str], volume: int | None) -> None:
        if twice := [name for name in names if names.count(name) > 1]:
            raise DefinitionError(f"pick list {list_id!r}: tote {twice[0]!r} is named twice; each order needs its own")
        self.list_id = list_id
        self.names = names
        self.volume = volume
        self.of: dict[str, list[str]] = {}
        self.room: dict[str, int] = {}
        self.used = 0

    def put(self, line: PickLine) -> Iterator[tuple[str, int]]:
        """The totes the line's units go into, with how many each."""
        mine = self.of.setdefault(line.order, [])
        if self.volume is None or not line.volume_mm3:
            yield (mine[-1] if mine else self._next(line.order)), line.units
            return
        left, unit = line.units, -(-line.volume_mm3 // line.units)
        while left:
            fitting = max(min(left, self.room[line.order] // unit), 0) if mine else 0
            if not fitting:
                self._next(line.order)
                fitting = max(1, min(left, self.volume // unit))
            self.room[line.order] -= fitting * unit
            left -= fitting
            yield mine[-1], fitting

    def _next(self, order: str) -> str:
        self.used += 1
        if self.names and self.used > len(self.names):
            raise DefinitionError(
                f"pick list {self.list_id!r} needs more than the {len(self.names)} totes named:"
                f" order {order!r} gets none"
            )
        name = self.names[self.used - 1] if self.names else f"T{self.used}"
        self.of[order].append(name)
        self.room[order] = self.volume or 0
        return name


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _natural(text: str) -> tuple[tuple[str, int], ...]:
    return tuple((word, int(digits) if digits else -1) for word, digits in re.findall(r"(\D*)(\d*)", text))
