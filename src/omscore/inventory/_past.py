"""The past: what a cell held at a time, from the journal and the figures kept now and then."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from omscore.errors import InvalidValue
from omscore.inventory._books import Books
from omscore.inventory._cells import BUCKETS, Cell, Entry, Figures, check_cells
from omscore.kernel.times import utc

_INDEX = {bucket: i for i, bucket in enumerate(BUCKETS)}


def folded(figures: Figures, entries: Iterable[Entry]) -> Figures:
    """Figures after some more entries of their cell.

    >>> from omscore.inventory import Movement
    >>> move = Movement(Cell("A", "x"), "supplier", "free", 5, "receive", "dock-7")
    >>> folded(Figures(), [Entry(1, None, move)])
    Figures(free=5, ..., version=1)
    """
    row, index = list(figures), _INDEX
    for entry in entries:
        _, source, target, units, *_ = entry[2]
        if source in index:
            row[index[source]] -= units
        if target in index:
            row[index[target]] += units
        row[-1] = entry[0]
    return Figures._make(row)


def seq_at(books: Books, cell: Cell, at: datetime) -> int:
    """The number of the last movement of a cell recorded at or before a time; 0 when there was none.

    >>> from datetime import UTC
    >>> from omscore.inventory import MemoryBooks
    >>> seq_at(MemoryBooks(), Cell("A", "x"), datetime(2026, 3, 2, tzinfo=UTC))
    0
    """
    low, high = 0, books.figures([cell])[cell].version
    while low < high:
        middle = (low + high + 1) // 2
        recorded_at = books.journal(cell, after=middle - 1, limit=1)[0].recorded_at
        if recorded_at is not None and recorded_at <= at:
            low = middle
        else:
            high = middle - 1
    return low


def as_of(books: Books, cell: Cell, at: datetime | int) -> Figures:
    """The figures of a cell as they were recorded at a time, or after its movement number `at`.

    The answer never changes: nothing is recorded in the past. What happened in the business earlier than it was
    recorded (`effective_at`) is a fold over the journal.

    >>> from datetime import UTC
    >>> from omscore.inventory import MemoryBooks, receive
    >>> from omscore.kernel import ManualClock
    >>> clock, cell = ManualClock(datetime(2026, 3, 2, tzinfo=UTC)), Cell("A", "x")
    >>> books = MemoryBooks(clock.now)
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> clock.advance(days=1)
    >>> receive(books, {cell: 2}, cause="dock-8")
    >>> as_of(books, cell, datetime(2026, 3, 2, 12, tzinfo=UTC)).free, as_of(books, cell, 2).free
    (5, 7)
    """
    check_cells([cell])
    if isinstance(at, datetime):
        seq = seq_at(books, cell, utc(at, "at"))
    else:
        if type(at) is not int or at < 0:
            raise InvalidValue(f"movements are numbered from 1, and 0 is before the first; not {at!r}")
        seq = min(at, books.figures([cell])[cell].version)
    kept = books.snapshot(cell, upto=seq)
    if kept.version == seq:
        return kept
    return folded(kept, books.journal(cell, after=kept.version, limit=seq - kept.version))
