"""Picking and packing as facts: a scan is judged against what has happened so far, and its verdict is an event.

State is a fold of events and counts nothing by itself: each event carries the key of the scan it came from and is
counted once, whatever the order in which events arrive. So two pickers who scan the same row at the same moment lose
nothing; if together they took more than was asked, the row says so (`over`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from attrs import evolve, field, frozen

from omscore.batching._codes import Barcodes, has_gs1_shape, is_gs1
from omscore.batching._picklist import PickRow
from omscore.errors import CommandRefused, InvalidValue, KeyReused, NotFound, Reason
from omscore.kernel import key, quantity

Verdict = Literal[
    "right",
    "bad_check_digit",
    "unknown_code",
    "wrong_item",
    "wrong_variant",
    "wrong_bin",
    "wrong_tote",
    "wrong_lot",
    "too_many",
]
"""What a scan turned out to be; only "right" counts."""


def _read(code: str) -> str:
    """A code as scanners send it: some end it with a line break."""
    if not isinstance(code, str):
        raise InvalidValue(f"a scanned code is text, not {code!r}; keep its leading zeros")
    return code.strip()


@frozen
class Scan:
    """A picker's or packer's wish to count units: what the scanner read, under a key of its own.

    `bin`, `tote` and `lot` are checked when given; `row` narrows the scan to one row of the list. `units` multiplies
    what the code stands for (a pack of 12 scanned twice is 24). The key makes a repeat harmless.

    >>> Scan("s-1", "4006381333931", bin="A-1")
    Scan(key='s-1', code='4006381333931', bin='A-1', tote='', lot='', units=1, row=0, by='')
    """

    key: str
    code: str = field(converter=_read)
    bin: str = ""
    tote: str = ""
    lot: str = ""
    units: int = 1
    row: int = 0
    by: str = ""

    def __attrs_post_init__(self) -> None:
        key(self.key, "key of a scan")
        quantity(self.units, "units of a scan")


@frozen
class Short:
    """A picker's wish to close a row with what was found: the rest is not in the bin.

    >>> Short("s-2", row=3, why="bin is empty")
    Short(key='s-2', row=3, why='bin is empty', by='')
    """

    key: str
    row: int
    why: str = ""
    by: str = ""

    def __attrs_post_init__(self) -> None:
        key(self.key, "key of a short pick")


@frozen
class Scanned:
    """The fact that something was scanned, with its verdict; `row` is 0 when no row is meant.

    >>> Scanned(Scan("s-1", "MUG"), "unknown_code", text="no item has the code 'MUG'").counts
    False
    """

    scan: Scan
    verdict: Verdict
    row: int = 0
    order: str = ""
    line: str = ""
    item: str = ""
    units: int = 0
    text: str = ""

    @property
    def key(self) -> str:
        """The key of the scan it answers.

        >>> Scanned(Scan("s-1", "MUG"), "right").key
        's-1'
        """
        return self.scan.key

    @property
    def counts(self) -> bool:
        """Whether the units were taken into the tally.

        >>> Scanned(Scan("s-1", "MUG"), "right", row=1, units=2).counts
        True
        """
        return self.verdict == "right"


@frozen
class ShortPick:
    """The fact that a row was closed with units missing: all that mending the ledger and re-routing need.

    `asked` is what the row asked for, `picked` what had been counted when it was closed, `missing` the rest.

    >>> ShortPick(Short("s-2", row=3), row=3, order="o-1", line="1", item="MUG", bin="A-1", lot="", asked=5, picked=3)
    ShortPick(command=..., row=3, order='o-1', line='1', item='MUG', bin='A-1', lot='', asked=5, picked=3)
    >>> _.missing
    2
    """

    command: Short
    row: int
    order: str
    line: str
    item: str
    bin: str
    lot: str
    asked: int
    picked: int

    @property
    def key(self) -> str:
        """The key of the command it answers.

        >>> ShortPick(Short("s-2", row=3), 3, "o-1", "1", "MUG", "A-1", "", 5, 3).key
        's-2'
        """
        return self.command.key

    @property
    def missing(self) -> int:
        """Units that were asked for and not found.

        >>> ShortPick(Short("s-2", row=3), 3, "o-1", "1", "MUG", "A-1", "", 5, 3).missing
        2
        """
        return self.asked - self.picked


PickEvent = Scanned | ShortPick
"""What a scan or a short pick leaves behind."""


@frozen
class Tally:
    """Where the work on a list of rows stands: the rows, and every event by the key it answers.

    >>> from omscore.kernel import Item
    >>> rows = (PickRow(1, stop=1, bin="A-1", item="MUG", units=2, order="o-1", line="1", tote="T1"),)
    >>> tally, book = Tally(rows), Barcodes.of([Item("MUG")])
    >>> events = decide_scan(tally, Scan("s-1", "MUG", bin="A-1"), book)
    >>> events[0].verdict, apply_scans(tally, events).open(1)
    ('right', 1)
    """

    rows: tuple[PickRow, ...]
    events: Mapping[str, tuple[PickEvent, ...]] = field(factory=dict, repr=False)
    _by_number: Mapping[int, PickRow] = field(init=False, repr=False, eq=False)
    _counted: Mapping[int, int] = field(init=False, repr=False, eq=False)
    _missing: Mapping[int, int] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        counted: dict[int, int] = {}
        missing: dict[int, int] = {}
        for events in self.events.values():
            for event in events:
                if isinstance(event, ShortPick):
                    # Two who close one row side by side miss the same units, not twice as many.
                    missing[event.row] = max(missing.get(event.row, 0), event.missing)
                elif event.counts:
                    counted[event.row] = counted.get(event.row, 0) + event.units
        by_number = {row.row: row for row in self.rows}
        if len(by_number) != len(self.rows):
            raise InvalidValue("two rows of a tally have the same number; number them from 1 as a pick list does")
        object.__setattr__(self, "_by_number", by_number)
        object.__setattr__(self, "_counted", counted)
        object.__setattr__(self, "_missing", missing)

    def row(self, number: int) -> PickRow:
        """The row with this number; raises NotFound.

        >>> Tally(()).row(7)
        Traceback (most recent call last):
        omscore.errors.NotFound: no pick row with id '7'
        """
        if number not in self._by_number:
            raise NotFound("pick row", str(number))
        return self._by_number[number]

    def counted(self, number: int) -> int:
        """Units counted for a row so far.

        >>> Tally(()).counted(1)
        0
        """
        return self._counted.get(number, 0)

    def missing(self, number: int) -> int:
        """Units of a row that were reported as not found.

        >>> Tally(()).missing(1)
        0
        """
        return self._missing.get(number, 0)

    def open(self, number: int) -> int:
        """Units of a row still to be scanned; 0 once it was closed short.

        >>> Tally((PickRow(1, stop=1, bin="A-1", item="MUG", units=2),)).open(1)
        2
        """
        return max(self.row(number).units - self.counted(number) - self.missing(number), 0)

    def over(self, number: int) -> int:
        """Units counted beyond what the row asked for, which only scans judged side by side can bring about.

        >>> Tally((PickRow(1, stop=1, bin="A-1", item="MUG", units=2),)).over(1)
        0
        """
        return max(self.counted(number) - self.row(number).units, 0)

    @property
    def is_done(self) -> bool:
        """Whether every row is counted in full or closed short.

        >>> Tally(()).is_done
        True
        """
        return all(self.open(row.row) == 0 for row in self.rows)

    @property
    def shorts(self) -> tuple[ShortPick, ...]:
        """The short picks so far, by row.

        >>> Tally(()).shorts
        ()
        """
        found = (e for events in self.events.values() for e in events if isinstance(e, ShortPick))
        return tuple(sorted(found, key=lambda e: (e.row, e.key)))

    def picked(self) -> dict[tuple[str, str], int]:
        """Units counted by (order, line), lines with none included.

        >>> Tally((PickRow(1, stop=1, bin="A-1", item="MUG", units=2, order="o-1", line="1"),)).picked()
        {('o-1', '1'): 0}
        """
        units: dict[tuple[str, str], int] = {}
        for row in self.rows:
            units[row.order, row.line] = units.get((row.order, row.line), 0) + self.counted(row.row)
        return units


def decide_scan(tally: Tally, scan: Scan, barcodes: Barcodes) -> tuple[Scanned, ...]:
    """The events a scan brings about, none when this very scan was judged before; counts nothing itself.

    One scan may fill several rows of the same item, in list order, and then gives one event for each. It counts in
    full or not at all. Where several things are wrong the first of this order is named: the code (bad check digit,
    unknown), the variant, the item, the bin, the tote, the lot, the number. Raises KeyReused when the key came with
    another scan, NotFound when `row` is not on the list.

    >>> from omscore.kernel import Item
    >>> rows = (PickRow(1, stop=1, bin="A-1", item="RED", units=2),)
    >>> book = Barcodes.of([Item("RED"), Item("BLUE")], families={"RED": "mug", "BLUE": "mug"})
    >>> for code in ("RED", "BLUE", "X"):
    ...     decide_scan(Tally(rows), Scan("s", code, bin="A-1", units=3), book)[0].verdict
    'too_many'
    'wrong_variant'
    'unknown_code'
    """
    if (before := tally.events.get(scan.key)) is not None:
        if all(isinstance(e, Scanned) and e.scan == scan for e in before):
            return ()
        raise KeyReused(scan.key)

    known = barcodes.find(scan.code)
    if known is None:
        if has_gs1_shape(scan.code) and not is_gs1(scan.code):
            return (Scanned(scan, "bad_check_digit", text=f"{scan.code!r} was misread: scan it again"),)
        return (Scanned(scan, "unknown_code", text=f"no item has the code {scan.code!r}"),)
    item, units = known[0], known[1] * scan.units

    def wrong(verdict: Verdict, text: str, rows: Sequence[PickRow] = ()) -> tuple[Scanned, ...]:
        # A row is named only where no other can be meant.
        meant = rows[0] if len(rows) == 1 else None
        named = (meant.row, meant.order, meant.line) if meant else (0, "", "")
        return (Scanned(scan, verdict, *named, item=item, units=units, text=text),)

    rows = [tally.row(scan.row)] if scan.row else list(tally.rows)
    here = [row for row in rows if row.bin == scan.bin] if scan.bin else rows
    matching = [row for row in rows if row.item == item]
    if not any(row.item == item for row in here):
        if variants := [row for row in here if barcodes.are_variants(item, row.item)]:
            wanted = _names(row.item for row in variants)
            return wrong("wrong_variant", f"{item!r} is another variant of {wanted}; put it back", variants)
        if not matching:
            return wrong("wrong_item", f"{item!r} is not on the list; put it back")
    found = [row for row in matching if not scan.bin or row.bin == scan.bin]
    if not found:
        bins = _names(row.bin for row in matching)
        return wrong("wrong_bin", f"{item!r} is to be taken from {bins}, not from {scan.bin!r}", matching)
    matching, found = found, [row for row in found if not scan.tote or row.tote == scan.tote]
    if not found:
        totes = _names(f"{row.tote} of order {row.order}" for row in matching)
        return wrong("wrong_tote", f"{item!r} belongs into {totes}, not into {scan.tote!r}", matching)
    matching, found = found, [row for row in found if not scan.lot or row.lot == scan.lot]
    if not found:
        lots = _names(row.lot for row in matching)
        return wrong("wrong_lot", f"{item!r} is to be taken from lot {lots}, not {scan.lot!r}", matching)
    room = sum(tally.open(row.row) for row in found)
    if units > room:
        return wrong("too_many", f"{units} of {item!r} scanned, {room} still to go", found)

    events = []
    for row in found:
        if part := min(tally.open(row.row), units):
            events.append(Scanned(scan, "right", row.row, row.order, row.line, item, part, f"{part} of {item!r}"))
            units -= part
    return tuple(events)


def decide_short(tally: Tally, command: Short) -> tuple[ShortPick, ...]:
    """The event that closes a row with what was counted; none when this very command was decided before.

    Raises KeyReused when the key came with another command, NotFound for a row that is not on the list, and
    CommandRefused when the row has nothing open.

    >>> rows = (PickRow(1, stop=1, bin="A-1", item="MUG", units=5, order="o-1", line="1"),)
    >>> decide_short(Tally(rows), Short("s-9", row=1, why="empty"))[0].missing
    5
    """
    if (before := tally.events.get(command.key)) is not None:
        if all(isinstance(e, ShortPick) and e.command == command for e in before):
            return ()
        raise KeyReused(command.key)
    row = tally.row(command.row)
    left = tally.open(row.row)
    if not left:
        text = f"row {row.row} has nothing open: {tally.counted(row.row)} of {row.units} counted"
        raise CommandRefused([Reason("pick.nothing_open", text, {"row": row.row})])
    return (ShortPick(command, row.row, row.order, row.line, row.item, row.bin, row.lot, row.units, row.units - left),)


def apply_scans(tally: Tally, events: Iterable[PickEvent]) -> Tally:
    """The tally after these events; those it already holds change nothing, and their order does not matter.

    >>> rows = (PickRow(1, stop=1, bin="A-1", item="MUG", units=2),)
    >>> event = Scanned(Scan("s-1", "MUG"), "right", row=1, item="MUG", units=1)
    >>> apply_scans(Tally(rows), [event, event]).counted(1)
    1
    """
    held = dict(tally.events)
    for event in events:
        mine = held.get(event.key, ())
        if any(e.row == event.row for e in mine):
            continue
        held[event.key] = tuple(sorted((*mine, event), key=lambda e: e.row))
    return Tally(tally.rows, held)


def pack_tally(tally: Tally) -> Tally:
    """The same rows as they must be found when totes are opened: what was picked, by tote, with no bin to check.

    Scanning each tote's content against it proves the sorting: a piece of another order is "wrong_tote" and names the
    order it belongs to; what stays open was lost between bin and packing table.

    >>> from omscore.kernel import Item
    >>> rows = (PickRow(1, stop=1, bin="A-1", item="MUG", units=1, order="o-1", tote="T1"),)
    >>> picked = apply_scans(Tally(rows), [Scanned(Scan("s-1", "MUG"), "right", row=1, item="MUG", units=1)])
    >>> book = Barcodes.of([Item("MUG")])
    >>> [decide_scan(pack_tally(picked), Scan("p-1", "MUG", tote=t), book)[0].verdict for t in ("T1", "T2")]
    ['right', 'wrong_tote']
    """
    return Tally(
        tuple(evolve(row, bin="", units=tally.counted(row.row)) for row in tally.rows if tally.counted(row.row))
    )


def _names(values: Iterable[str]) -> str:
    return " or ".join(repr(v) for v in dict.fromkeys(values))
