"""Verify and reconcile: the journal replayed against the figures, and against somebody else's statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from attrs import field, frozen

from omscore.errors import Corrupt, Reason
from omscore.inventory._books import Books, Held, Reservation
from omscore.inventory._cells import BUCKETS, HELD, MOVES, Cell, Entry, Figures, JournalRow, flat, link
from omscore.kernel.times import EPOCH

_PAGE = 1_000
_BUCKET_MOVES = frozenset((verb, a, b) for verb, pairs in MOVES.items() for a, b in pairs)
_MIRRORS = frozenset((b, a) for _, a, b in _BUCKET_MOVES)


def all_cells(books: Books) -> Iterator[tuple[Cell, Figures]]:
    """Every cell that ever moved, in order, read page by page."""
    after: Cell | None = None
    while page := books.cells(after=after, limit=_PAGE):
        yield from page
        after = page[-1][0]


def all_reservations(books: Books) -> Iterator[Reservation]:
    """Every reservation, in order, read page by page."""
    after = ""
    while page := books.reservations(after=after, limit=_PAGE):
        yield from page
        after = page[-1].id


@frozen
class Verified:
    """What a check of the books found: how much was read, and every entry, cell or reservation that is wrong.

    >>> Verified(entries=3, cells=1, reservations=0).ok
    True
    """

    entries: int
    cells: int
    reservations: int
    findings: tuple[Reason, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong.

        >>> Verified(0, 0, 0).ok
        True
        """
        return not self.findings

    def require(self) -> None:
        """Raise Corrupt, naming what is wrong, unless nothing is.

        >>> Verified(0, 0, 0).require()
        """
        if self.findings:
            raise Corrupt("; ".join(str(finding) for finding in self.findings))


def verify(books: Books) -> Verified:
    """Replay the journal and compare it with everything that is derived from it, naming the entry that is wrong.

    Each cell's numbers must have no gap, its times never go back, its movements be in the table of verbs, its hash
    chain link (where the store keeps it), no bucket ever fall below 0, and the sums be the cell's figures. Each
    reservation must hold what its movements say, the figures kept for looking back be what the entries add up to, and
    units sent between cells must all have come somewhere. Where the store seals its rows, every key, record, event and
    effect must be what was written.

    >>> from omscore.inventory import MemoryBooks, receive
    >>> books = MemoryBooks()
    >>> receive(books, {Cell("A", "x"): 5}, cause="dock-7")
    >>> verify(books)
    Verified(entries=1, cells=1, reservations=0, findings=())
    """
    findings: list[Reason] = []
    held: dict[str, dict[Held, int]] = {}
    between: dict[tuple[str, str], int] = {}
    entries = cells = 0
    for cell, figures in all_cells(books):
        cells += 1
        entries += _verify_cell(books, cell, figures, held, between, findings)
    for (item, lot), n in sorted(between.items()):
        if n:
            findings.append(
                Reason(
                    "ledger.lost_between",
                    f"{n} of {item!r}{f' lot {lot}' if lot else ''} left a cell and came to none",
                    {"item": item, "lot": lot, "units": n},
                )
            )
    known = 0
    for reservation in all_reservations(books):
        known += 1
        moved = {key: n for key, n in held.pop(reservation.id, {}).items() if n}
        if moved != dict(reservation.held):
            findings.append(_wrong_holder(reservation.id, moved, dict(reservation.held)))
    for id_ in sorted(held):
        if moved := {key: n for key, n in held[id_].items() if n}:
            findings.append(_wrong_holder(id_, moved, {}))  # noqa: PERF401 - a walrus reads better
    # Asked of the class, as in `_rows`.
    if hasattr(type(books), "broken_seals"):
        for what, name in books.broken_seals():  # type: ignore[attr-defined]
            text = f"{what} {name!r} is not what was written"
            findings.append(Reason(f"ledger.{what}", text, {what: name}))
    return Verified(entries, cells, known, tuple(findings))


def _rows(books: Books, cell: Cell, after: int) -> list[JournalRow]:
    """A page of a cell's entries as plain columns; a store may have a shorter way to them than by entries."""
    # Asked of the class: what stands in for a store and hands every call on has only what all stores have.
    if hasattr(type(books), "journal_rows"):
        found: list[JournalRow] = books.journal_rows(cell, after=after, limit=_PAGE)  # type: ignore[attr-defined]
        return found
    return [flat(entry) for entry in books.journal(cell, after=after, limit=_PAGE)]


class _Move(NamedTuple):
    """What a verb and its two buckets do to a cell's figures, by index, and to what a reservation holds."""

    wrong: str
    source: int | None
    target: int | None
    source_held: bool
    target_held: bool
    between: int


@lru_cache(maxsize=1_024)
def _move(verb: str, source: str, target: str) -> _Move:
    known = (verb, source, target) in _BUCKET_MOVES or (verb == "correct" and (source, target) in _MIRRORS)
    return _Move(
        "" if known else f"{verb!r} does not move units from {source!r} to {target!r}",
        BUCKETS.index(source) if source in BUCKETS else None,
        BUCKETS.index(target) if target in BUCKETS else None,
        source in HELD,
        target in HELD,
        (target == "transfer") - (source == "transfer"),
    )


def _verify_cell(
    books: Books,
    cell: Cell,
    figures: Figures,
    held: dict[str, dict[Held, int]],
    between: dict[tuple[str, str], int],
    findings: list[Reason],
) -> int:
    row = [0] * len(BUCKETS)
    here: dict[str, list[int]] = {}
    snapshots = _snapshots(books, cell, figures.version)
    expected, sent, digest = 0, 0, b""
    last: int | None = None
    while page := _rows(books, cell, expected):
        for columns in page:
            seq, at, source, target, units, verb, cause, reservation, _, mirrors, kept = columns
            expected += 1
            if not (
                type(seq) is type(units) is type(mirrors) is int
                and type(cause) is type(reservation) is str
                and type(kept) is bytes
                and (at is None or type(at) is int)
            ):
                findings.append(_wrong_entry(cell, expected, cause, "a column holds what was never written there"))
                continue
            wrong, source_at, target_at, source_held, target_held, apart = _move(verb, source, target)
            if seq != expected:
                wrong = f"number {expected} is missing; number {seq} follows"
                expected = seq
            elif wrong:
                pass
            elif units <= 0:
                wrong = f"it moves {units!r} units"
            elif mirrors and mirrors >= seq:
                wrong = f"it mirrors number {mirrors}, which came no earlier"
            elif last is not None and at is not None and at < last:
                before = EPOCH + timedelta(microseconds=at)
                wrong = f"recorded at {before.isoformat()}, before the entry in front of it"
            elif kept:
                digest = link(digest, cell, columns)
                if digest != kept:
                    wrong = "its digest does not follow from the entry in front of it and its own columns"
                    digest = kept
            if at is not None:
                last = at
            if apart:
                sent += apart * units
            if source_at is not None:
                row[source_at] = left = row[source_at] - units
                if left < 0 and not wrong:
                    wrong = f"{source} falls to {left}"
            if target_at is not None:
                row[target_at] += units
            if reservation:
                own = here.get(reservation)
                if own is None:
                    here[reservation] = own = [0] * len(BUCKETS)
                if source_held:
                    own[source_at] -= units  # type: ignore[index]
                if target_held:
                    own[target_at] += units  # type: ignore[index]
                elif not any(own):
                    # Settled: of a million reservations few hold anything at a time.
                    del here[reservation]
            if expected in snapshots and snapshots[expected][:-1] != tuple(row):
                findings.append(
                    Reason(
                        "ledger.snapshot",
                        f"what was kept of {cell.item!r} at {cell.node!r} after number {expected} is not what its "
                        "entries add up to",
                        {"cell": cell, "seq": expected},
                    )
                )
            if wrong:
                findings.append(_wrong_entry(cell, seq, cause, wrong))
        if len(page) < _PAGE:
            break
    if sent:
        between[cell.item, cell.lot] = between.get((cell.item, cell.lot), 0) + sent
    for id_, units_in in here.items():
        own_of = held.setdefault(id_, {})
        own_of.update({(cell, bucket): n for bucket, n in zip(BUCKETS, units_in, strict=True) if n})
    replayed = Figures._make([*row, expected])
    if replayed != figures:
        differ = [
            f"{name} is {have} and should be {should}"
            for name, have, should in zip(Figures._fields, figures, replayed, strict=True)
            if have != should
        ]
        findings.append(
            Reason(
                "ledger.figures",
                f"{cell.item!r} at {cell.node!r}: {', '.join(differ)}",
                {"cell": cell, "figures": figures, "replayed": replayed},
            )
        )
    return expected


def _snapshots(books: Books, cell: Cell, version: int) -> dict[int, Figures]:
    """The figures kept for looking back, by the number of the movement after which they were kept."""
    # Asked of the class, as in `_rows`.
    if hasattr(type(books), "snapshots"):
        return {figures.version: figures for figures in books.snapshots(cell)}  # type: ignore[attr-defined]
    kept: dict[int, Figures] = {}
    while (figures := books.snapshot(cell, upto=version)).version:
        kept[figures.version] = figures
        version = figures.version - 1
    return kept


def _wrong_entry(cell: Cell, seq: int, cause: str, wrong: str) -> Reason:
    text = f"entry {seq} of {cell.item!r} at {cell.node!r} ({cause!r}): {wrong}"
    return Reason("ledger.entry", text, {"cell": cell, "seq": seq, "cause": cause})


def _wrong_holder(id_: str, moved: dict[Held, int], has: dict[Held, int]) -> Reason:
    keys = sorted(key for key in {*moved, *has} if moved.get(key, 0) != has.get(key, 0))
    text = ", ".join(
        f"{has.get((cell, bucket), 0)} {bucket} of {cell.item!r} at {cell.node!r}, not {moved.get((cell, bucket), 0)}"
        for cell, bucket in keys
    )
    return Reason("ledger.reservation", f"{id_!r} says it holds {text}, as its movements say", {"reservation": id_})


@frozen
class Difference:
    """A command by which our books and somebody's statement differ in what is on hand, and our entries of it.

    >>> Difference("dock-7", Cell("A", "x"), ours=5, theirs=4, entries=(1,)).theirs
    4
    """

    cause: str
    cell: Cell
    ours: int
    theirs: int
    entries: tuple[int, ...] = field(default=())


def reconcile(books: Books, statement: Iterable[tuple[str, Cell, int]]) -> tuple[Difference, ...]:
    """Compare what is on hand with another system's statement, command by command, and name the entries that differ.

    A line of the statement is (cause, cell, change of units on hand), as an ERP or a warehouse system booked it. Moves
    within a node (reserving, picking) change nothing on hand and need not be in it.

    >>> from omscore.inventory import MemoryBooks, receive
    >>> books, cell = MemoryBooks(), Cell("A", "x")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> reconcile(books, [("dock-7", cell, 4)])
    (Difference(cause='dock-7', cell=..., ours=5, theirs=4, entries=(1,)),)
    """
    theirs: dict[tuple[Cell, str], int] = {}
    for cause, cell, units in statement:
        theirs[cell, cause] = theirs.get((cell, cause), 0) + units
    ours: dict[tuple[Cell, str], int] = {}
    rows: dict[tuple[Cell, str], list[int]] = {}
    standing = frozenset(BUCKETS) - {"in_transit"}
    for cell, _ in all_cells(books):
        for entry in entries_of(books, cell):
            _, source, target, units, _, cause, *_ = entry.movement
            change = (units if target in standing else 0) - (units if source in standing else 0)
            if change:
                ours[cell, cause] = ours.get((cell, cause), 0) + change
                rows.setdefault((cell, cause), []).append(entry.seq)
    return tuple(
        Difference(
            cause, cell, ours.get((cell, cause), 0), theirs.get((cell, cause), 0), tuple(rows.get((cell, cause), ()))
        )
        for cell, cause in sorted({*ours, *theirs})
        if ours.get((cell, cause), 0) != theirs.get((cell, cause), 0)
    )


def entries_of(books: Books, cell: Cell) -> Iterator[Entry]:
    """A cell's whole journal, read page by page."""
    after = 0
    while page := books.journal(cell, after=after, limit=_PAGE):
        yield from page
        after += len(page)
