"""The books in plain dicts: for notebooks, simulation and the memory store. One thread at a time."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from attrs import evolve

from omscore.errors import Conflict, InvariantBroken
from omscore.inventory._books import Reservation, Short
from omscore.inventory._cells import BUCKETS, Cell, Entry, Figures, Movement

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INDEX = {bucket: i for i, bucket in enumerate(BUCKETS)}
_FREE = _INDEX["free"]
_VERSION = len(BUCKETS)
_ABSENT = object()


class MemoryBooks:
    """Books in plain dicts, with marks to roll back to and forks that share nothing that changes.

    `now` is a callable that gives the time; without one the books stand still at 1970.

    >>> books, cell = MemoryBooks(), Cell("SKU-1", "ghent")
    >>> books.post([Movement(cell, "supplier", "free", 5, "receive", "dock-7")], {})
    >>> what_if = books.fork()
    >>> what_if.post([Movement(cell, "free", "reserved", 2, "reserve", "k", "ord-1")], {})
    >>> books.figures([cell])[cell].free, what_if.figures([cell])[cell].free
    (5, 3)
    """

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self._clock = now
        self._last = _EPOCH
        # Rows are tuples that are replaced, never changed: undoing is putting the old one back.
        self._rows: dict[Cell, tuple[int, ...]] = {}
        self._cells: dict[str, list[Cell]] = {}
        self._reservations: dict[str, Reservation] = {}
        self._holders: dict[Cell, dict[str, None]] = {}
        self._due: dict[str, datetime] = {}
        # (seq, recorded_at, movement), in recorded order; and for each cell its positions in that list.
        self._journal: list[tuple[int, datetime, Movement]] = []
        self._undo: list[tuple[MutableMapping[Any, Any], Any, Any]] = []

    # -- marks: a transaction is what lies after one ----------------------------------------------------------------

    def mark(self) -> tuple[int, int]:
        """A point to which `rollback` can return.

        >>> books = MemoryBooks()
        >>> books.mark()
        (0, 0)
        """
        return len(self._undo), len(self._journal)

    def rollback(self, mark: tuple[int, int]) -> None:
        """Undo everything written since a mark.

        >>> books, cell = MemoryBooks(), Cell("A", "x")
        >>> mark = books.mark()
        >>> books.post([Movement(cell, "supplier", "free", 5, "receive", "k")], {})
        >>> books.rollback(mark)
        >>> books.figures([cell])[cell].free, books.journal()
        (0, [])
        """
        undo, journal = mark
        while len(self._undo) > undo:
            where, key, old = self._undo.pop()
            if old is _ABSENT:
                where.pop(key, None)
            else:
                where[key] = old
        del self._journal[journal:]

    def commit(self) -> None:
        """Forget how to undo what was written so far.

        >>> books = MemoryBooks()
        >>> books.commit()
        """
        self._undo.clear()

    def _set(self, where: MutableMapping[Any, Any], key: Any, value: Any) -> None:
        self._undo.append((where, key, where.get(key, _ABSENT)))
        where[key] = value

    def fork(self) -> Self:
        """Books that start as these are and go their own way: a what-if. Copies the figures once, never per order.

        >>> MemoryBooks().fork().journal()
        []
        """
        twin = type(self)(self._clock)
        twin.__dict__.update(
            _last=self._last,
            _rows=dict(self._rows),
            _cells={item: list(cells) for item, cells in self._cells.items()},
            _reservations=dict(self._reservations),
            _holders={cell: dict(ids) for cell, ids in self._holders.items()},
            _due=dict(self._due),
            _journal=list(self._journal),
        )
        return twin

    # -- reads ------------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The clock's time, or the latest it ever told if the clock has gone back.

        >>> MemoryBooks().now().isoformat()
        '1970-01-01T00:00:00+00:00'
        """
        if self._clock is not None:
            self._last = max(self._last, self._clock())
        return self._last

    def figures(self, cells: Iterable[Cell]) -> dict[Cell, Figures]:
        """The figures of cells; a cell that never moved has zeros.

        >>> MemoryBooks().figures([Cell("A", "x")])[Cell("A", "x")].on_hand
        0
        """
        rows = self._rows
        return {cell: Figures(*rows.get(cell, ())) for cell in cells}

    def cells_of(self, item: str) -> list[tuple[Cell, Figures]]:
        """Every cell that an item ever moved in, in cell order.

        >>> books = MemoryBooks()
        >>> books.post([Movement(Cell("A", "x"), "supplier", "free", 5, "receive", "k")], {})
        >>> [cell.node for cell, _ in books.cells_of("A")]
        ['x']
        """
        rows = self._rows
        return [(cell, Figures(*rows[cell])) for cell in self._cells.get(item, ()) if cell in rows]

    def items(self) -> list[str]:
        """Every item that ever moved, in order.

        >>> MemoryBooks().items()
        []
        """
        return sorted(self._cells)

    def reservation(self, id: str) -> Reservation | None:  # noqa: A002 - the field's word for it
        """A reservation by id, or None.

        >>> MemoryBooks().reservation("ord-1")
        """
        return self._reservations.get(id)

    def reservations_at(self, cell: Cell) -> list[Reservation]:
        """The reservations that hold units in a cell, in id order.

        >>> MemoryBooks().reservations_at(Cell("A", "x"))
        []
        """
        return [self._reservations[id_] for id_ in sorted(self._holders.get(cell, ()))]

    def reservations_due(self, at: datetime, *, cell: Cell | None = None, limit: int = 1_000) -> list[Reservation]:
        """Reservations with reserved units whose deadline is at or before a time, oldest deadline first.

        >>> MemoryBooks().reservations_due(datetime(2026, 3, 2, tzinfo=UTC))
        []
        """
        ids = self._due if cell is None else [id_ for id_ in self._holders.get(cell, ()) if id_ in self._due]
        due = sorted((self._due[id_], id_) for id_ in ids if self._due[id_] <= at)
        return [self._reservations[id_] for _, id_ in due[:limit]]

    def journal(self, cell: Cell | None = None, *, after: int = 0, limit: int | None = None) -> list[Entry]:
        """Entries in recorded order: of one cell by its numbers, or of all cells.

        >>> books, cell = MemoryBooks(), Cell("A", "x")
        >>> books.post([Movement(cell, "supplier", "free", 5, "receive", "k")], {})
        >>> [(e.seq, e.movement.units) for e in books.journal(cell)]
        [(1, 5)]
        """
        if cell is None:
            stop = None if limit is None else after + limit
            return [Entry(*row) for row in self._journal[after:stop]]
        rows = [Entry(*row) for row in self._journal if row[2][0] == cell and row[0] > after]
        return rows if limit is None else rows[:limit]

    # -- writes -----------------------------------------------------------------------------------------------------

    def post(self, movements: Sequence[Movement], floors: Mapping[Cell, int]) -> None:
        """Post movements all or nothing; see :meth:`Books.post`.

        >>> books, cell = MemoryBooks(), Cell("A", "x")
        >>> books.post([Movement(cell, "free", "reserved", 1, "reserve", "k", "r")], {})
        Traceback (most recent call last):
        omscore.inventory.Short: 'A' at 'x' would fall below 0 free units
        """
        changed: dict[Cell, list[int]] = {}
        rows, index = self._rows, _INDEX
        debited: dict[Cell, None] = {}
        for movement in movements:
            cell, source, target, units = movement[:4]
            row = changed.get(cell)
            if row is None:
                changed[cell] = row = list(rows.get(cell) or (0,) * (_VERSION + 1))
            at = index.get(source)
            if at is not None:
                row[at] -= units
                if at == _FREE:
                    debited[cell] = None
            at = index.get(target)
            if at is not None:
                row[at] += units
            row[_VERSION] += 1
        for cell, row in changed.items():
            if cell in debited and row[_FREE] < floors.get(cell, 0):
                raise Short(cell, floors.get(cell, 0))
            for i in range(_VERSION):
                if row[i] < 0 and i != _FREE:
                    raise InvariantBroken(f"{BUCKETS[i]} of {cell} would be {row[i]}: a command took what nobody holds")
        now = self._last if self._clock is None else self.now()
        seqs = {cell: row[_VERSION] for cell, row in changed.items()}
        numbered: list[tuple[int, datetime, Movement]] = []
        for movement in reversed(movements):
            cell = movement[0]
            numbered.append((seqs[cell], now, movement))
            seqs[cell] -= 1
        numbered.reverse()
        for cell, row in changed.items():
            if cell not in rows:
                cells = self._cells.setdefault(cell.item, [])
                if cell not in cells:
                    insort(cells, cell)
            self._set(rows, cell, tuple(row))
        self._journal.extend(numbered)

    def save_reservation(self, reservation: Reservation) -> None:
        """Write a reservation whose version is the one that was read; raises Conflict otherwise.

        >>> books = MemoryBooks()
        >>> books.save_reservation(Reservation("ord-1", {}))
        >>> books.save_reservation(Reservation("ord-1", {}))
        Traceback (most recent call last):
        omscore.errors.Conflict: reservation 'ord-1' is at version 1, not 0; read it again and repeat the command
        """
        old = self._reservations.get(reservation.id)
        version = old.version if old else 0
        if version != reservation.version:
            raise Conflict(
                f"reservation {reservation.id!r} is at version {version}, not {reservation.version}; "
                "read it again and repeat the command"
            )
        before = {cell for cell, _ in old.held} if old else set()
        after = {cell for cell, _ in reservation.held}
        for cell in sorted(before ^ after):
            ids = self._holders.setdefault(cell, {})
            if cell in after:
                self._set(ids, reservation.id, None)
            else:
                self._undo.append((ids, reservation.id, ids.pop(reservation.id)))
        if reservation.expires_at is not None and reservation.units("reserved"):
            self._set(self._due, reservation.id, reservation.expires_at)
        elif reservation.id in self._due:
            self._undo.append((self._due, reservation.id, self._due.pop(reservation.id)))
        self._set(self._reservations, reservation.id, evolve(reservation, version=version + 1))
