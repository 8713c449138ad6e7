"""The ledger's half of a store in plain dicts: for notebooks, simulation and the memory store. One thread at a time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from typing import Any, Self

from omscore.errors import Conflict, InvalidValue, InvariantBroken
from omscore.inventory._books import Reservation, Short, Stored
from omscore.inventory._cells import BUCKETS, Cell, Entry, Figures, Movement
from omscore.kernel.quantities import QUANTITY_MAX

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INDEX = {bucket: i for i, bucket in enumerate(BUCKETS)}
_FREE = _INDEX["free"]
_VERSION = len(BUCKETS)
_ZEROS = Figures()
_ABSENT: Any = object()
_new = tuple.__new__

# A movement as it is kept: number, time, and the movement's fields but for its cell. The garbage collector does not
# walk plain tuples of plain values, and there are as many of these as of anything.
_Row = tuple[int, datetime, str, str, int, str, str, str, datetime | None, int]

SNAPSHOT_EVERY = 250
"""After how many movements of a cell its figures are kept for looking back."""


def _take_out(where: list[Any], value: Any) -> None:
    del where[bisect_left(where, value)]


def _put_in(where: list[Any], value: Any) -> None:
    # Deadlines mostly come in their order.
    if not where or where[-1] < value:
        where.append(value)
    else:
        insort(where, value)


def _entry(cell: Cell, row: _Row) -> Entry:
    return _new(Entry, (row[0], row[1], _new(Movement, (cell, *row[2:])), ""))


def _deadline(reservation: Reservation) -> datetime | None:
    """When a reservation runs out; None when it never does or has nothing reserved."""
    if reservation.expires_at is not None:
        for _, bucket in reservation.held:
            if bucket == "reserved":
                return reservation.expires_at
    return None


class MemoryBooks:
    """Books, keys and records in plain dicts, with marks to roll back to and forks that share nothing that changes.

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
        # Figures are replaced, never changed: undoing is putting the old ones back.
        self._figures: dict[Cell, Figures] = {}
        self._cells: dict[str, list[Cell]] = {}
        self._reservations: dict[str, Reservation] = {}
        self._holders: dict[Cell, dict[str, None]] = {}
        # (deadline, id) of the reservations that may run out, sorted.
        self._due: list[tuple[datetime, str]] = []
        # Rows in recorded order, and the cell of each; for each cell the same rows; and figures kept now and then.
        self._journal: list[_Row] = []
        self._where: list[Cell] = []
        self._entries: dict[Cell, list[_Row]] = {}
        self._snapshots: dict[Cell, list[Figures]] = {}
        self._claims: dict[str, tuple[str, Any]] = {}
        # Their ids and keys in order, for walks in pages; made anew when some were added.
        self._ids: list[str] = []
        self._keys: list[str] = []
        self._records: dict[tuple[str, str], Stored] = {}
        self._indexed: dict[tuple[str, str], Mapping[str, str]] = {}
        # For each (kind, index) the sorted (sort key, id) pairs.
        self._indexes: dict[tuple[str, str], list[tuple[str, str]]] = {}
        # What to call, or which old value to put back where, to undo each write.
        self._undo: list[tuple[Callable[[Any], object], Any] | tuple[MutableMapping[Any, Any], Any, Any]] = []

    # -- marks: a transaction is what lies after one ----------------------------------------------------------------

    def mark(self) -> int:
        """A point to which `rollback` can return.

        >>> MemoryBooks().mark()
        0
        """
        return len(self._undo)

    def rollback(self, mark: int) -> None:
        """Undo everything written since a mark.

        >>> books, cell = MemoryBooks(), Cell("A", "x")
        >>> mark = books.mark()
        >>> books.post([Movement(cell, "supplier", "free", 5, "receive", "k")], {})
        >>> books.rollback(mark)
        >>> books.figures([cell])[cell].free, books.journal()
        (0, [])
        """
        undo = self._undo
        self._ids, self._keys = [], []
        while len(undo) > mark:
            step = undo.pop()
            if len(step) == 2:
                step[0](step[1])
            elif step[2] is _ABSENT:
                step[0].pop(step[1], None)
            else:
                step[0][step[1]] = step[2]

    def commit(self) -> None:
        """Forget how to undo what was written so far.

        >>> books = MemoryBooks()
        >>> books.commit()
        """
        self._undo.clear()

    def _set(self, where: MutableMapping[Any, Any], key: Any, value: Any) -> None:
        self._undo.append((where, key, where.get(key, _ABSENT)))
        where[key] = value

    def _insert(self, where: list[Any], value: Any) -> None:
        _put_in(where, value)
        self._undo.append((partial(_take_out, where), value))

    def _remove(self, where: list[Any], value: Any) -> None:
        _take_out(where, value)
        self._undo.append((partial(insort, where), value))

    def fork(self) -> Self:
        """Books that start as these are and go their own way: a what-if. Copies the figures once, never per order.

        >>> MemoryBooks().fork().journal()
        []
        """
        twin = type(self)(self._clock)
        twin.__dict__.update(
            _last=self._last,
            _figures=dict(self._figures),
            _cells={item: list(cells) for item, cells in self._cells.items()},
            _reservations=dict(self._reservations),
            _holders={cell: dict(ids) for cell, ids in self._holders.items() if ids},
            _due=list(self._due),
            _journal=list(self._journal),
            _where=list(self._where),
            _entries={cell: list(rows) for cell, rows in self._entries.items()},
            _snapshots={cell: list(kept) for cell, kept in self._snapshots.items()},
            _claims=dict(self._claims),
            _records=dict(self._records),
            _indexed=dict(self._indexed),
            _indexes={name: list(entries) for name, entries in self._indexes.items()},
        )
        return twin

    # -- reads ------------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The clock's time, or the latest it ever told if the clock has gone back.

        >>> MemoryBooks().now().isoformat()
        '1970-01-01T00:00:00+00:00'
        """
        if self._clock is not None and (told := self._clock()) > self._last:
            self._last = told
        return self._last

    def figures(self, cells: Iterable[Cell]) -> dict[Cell, Figures]:
        """The figures of cells; a cell that never moved has zeros.

        >>> MemoryBooks().figures([Cell("A", "x")])[Cell("A", "x")].on_hand
        0
        """
        rows = self._figures
        return {cell: rows.get(cell, _ZEROS) for cell in cells}

    def cells_of(self, item: str) -> list[tuple[Cell, Figures]]:
        """Every cell that an item ever moved in, in cell order.

        >>> books = MemoryBooks()
        >>> books.post([Movement(Cell("A", "x"), "supplier", "free", 5, "receive", "k")], {})
        >>> [cell.node for cell, _ in books.cells_of("A")]
        ['x']
        """
        rows, found = self._figures, self._cells.get(item, ())
        if len(found) == 1:
            cell = found[0]
            return [(cell, rows[cell])]
        return [(cell, rows[cell]) for cell in found]

    def cells(self, *, after: Cell | None = None, limit: int = 1_000) -> list[tuple[Cell, Figures]]:
        """Cells that ever moved, in cell order, behind `after`.

        >>> MemoryBooks().cells()
        []
        """
        found: list[tuple[Cell, Figures]] = []
        items = sorted(self._cells)
        for item in items[bisect_left(items, after.item) if after else 0 :]:
            found += [row for row in self.cells_of(item) if after is None or row[0] > after]
            if len(found) >= limit:
                break
        return found[:limit]

    def reservation(self, id: str) -> Reservation | None:  # noqa: A002 - the field's word for it
        """A reservation by id, or None.

        >>> MemoryBooks().reservation("ord-1")
        """
        return self._reservations.get(id)

    def reservations(self, *, after: str = "", limit: int = 1_000) -> list[Reservation]:
        """Reservations in id order, behind `after`; ended ones too.

        >>> MemoryBooks().reservations()
        []
        """
        if len(self._ids) != len(self._reservations):
            self._ids = sorted(self._reservations)
        at = bisect_right(self._ids, after)
        return [self._reservations[id_] for id_ in self._ids[at : at + limit]]

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
        over = bisect_right(self._due, at, key=itemgetter(0))
        if cell is None:
            return [self._reservations[id_] for _, id_ in self._due[: min(over, limit)]]
        # Of what has run out and of what holds units here, the shorter list is walked.
        holders = self._holders.get(cell, {})
        if len(holders) < over:
            ids = sorted(holders, key=lambda id_: (self._reservations[id_].expires_at or at, id_))
        else:
            ids = [id_ for _, id_ in self._due[:over] if id_ in holders]
        found = []
        for id_ in ids:
            held = self._reservations[id_]
            if held.expires_at is not None and held.expires_at <= at and (cell, "reserved") in held.held:
                found.append(held)
        return found[:limit]

    def journal(self, cell: Cell | None = None, *, after: int = 0, limit: int | None = None) -> list[Entry]:
        """Entries in recorded order: of one cell by its numbers, or of all cells.

        >>> books, cell = MemoryBooks(), Cell("A", "x")
        >>> books.post([Movement(cell, "supplier", "free", 5, "receive", "k")], {})
        >>> [(e.seq, e.movement.units) for e in books.journal(cell)]
        [(1, 5)]
        """
        part = slice(after, None if limit is None else after + limit)
        if cell is None:
            return [_entry(where, row) for where, row in zip(self._where[part], self._journal[part], strict=True)]
        return [_entry(cell, row) for row in self._entries.get(cell, [])[part]]

    def snapshot(self, cell: Cell, *, upto: int) -> Figures:
        """The newest figures kept of a cell whose version is at most `upto`; zeros when none is kept.

        >>> MemoryBooks().snapshot(Cell("A", "x"), upto=5_000).version
        0
        """
        kept = self._snapshots.get(cell, [])
        at = bisect_right(kept, upto, key=lambda figures: figures.version)
        return kept[at - 1] if at else _ZEROS

    # -- writes -----------------------------------------------------------------------------------------------------

    def post(
        self, movements: Sequence[Movement], floors: Mapping[Cell, int], *, recorded_at: datetime | None = None
    ) -> None:
        """Post movements all or nothing; see :meth:`Books.post`.

        >>> books, cell = MemoryBooks(), Cell("A", "x")
        >>> books.post([Movement(cell, "free", "reserved", 1, "reserve", "k", "r")], {})
        Traceback (most recent call last):
        omscore.inventory.Short: 'A' at 'x' would fall below 0 free units
        """
        rows, index, undo = self._figures, _INDEX, self._undo
        now = recorded_at or self.now()
        changed: dict[Cell, list[int]] = {}
        entries: list[_Row] = []
        where: list[Cell] = []
        suspect = bool(floors)
        for cell, source, target, units, verb, cause, reservation, effective_at, mirrors in movements:
            row = changed.get(cell)
            if row is None:
                changed[cell] = row = list(rows.get(cell, _ZEROS))
            if source in index:
                at = index[source]
                row[at] = left = row[at] - units
                suspect = suspect or left < 0
            if target in index:
                at = index[target]
                row[at] = grown = row[at] + units
                suspect = suspect or grown > QUANTITY_MAX
            row[_VERSION] = version = row[_VERSION] + 1
            where.append(cell)
            entries.append((version, now, source, target, units, verb, cause, reservation, effective_at, mirrors))
        if suspect:
            for cell, row in changed.items():
                self._check(cell, row, floors.get(cell, 0))
        by_cell = self._entries
        for cell, row in changed.items():
            old = rows.get(cell)
            if old is None:
                self._insert(self._cells.setdefault(cell.item, []), cell)
                by_cell.setdefault(cell, [])
                undo.append((rows, cell, _ABSENT))
                old = _ZEROS
            else:
                undo.append((rows, cell, old))
            rows[cell] = new = _new(Figures, row)
            if row[_VERSION] // SNAPSHOT_EVERY != old[_VERSION] // SNAPSHOT_EVERY:
                kept = self._snapshots.setdefault(cell, [])
                kept.append(new)
                undo.append((kept.remove, new))
        self._journal += entries
        self._where += where
        for cell, entry in zip(where, entries, strict=True):
            by_cell[cell].append(entry)
        undo.append((self._unwrite, len(entries)))

    def _check(self, cell: Cell, row: Sequence[int], floor: int) -> None:
        before = self._figures.get(cell, _ZEROS)
        if row[_FREE] < before.free and row[_FREE] < floor:
            raise Short(cell, floor)
        for bucket, units in zip(BUCKETS, row, strict=False):
            if units < 0:
                raise InvariantBroken(f"{bucket} of {cell} would be {units}: a command took what nobody holds")
            if units > QUANTITY_MAX:
                raise InvalidValue(f"{bucket} of {cell} would be {units}, more than any store can hold")

    def _unwrite(self, entries: int) -> None:
        for cell in self._where[-entries:]:
            self._entries[cell].pop()
        del self._where[-entries:], self._journal[-entries:]

    def save_reservation(self, reservation: Reservation) -> None:
        """Write a reservation whose version is the one that was read; raises Conflict otherwise.

        >>> books = MemoryBooks()
        >>> books.save_reservation(Reservation("ord-1", {}))
        >>> books.save_reservation(Reservation("ord-1", {}))
        Traceback (most recent call last):
        omscore.errors.Conflict: reservation 'ord-1' is at version 1, not 0; read it again and repeat the command
        """
        id_ = reservation[0]
        old = self._reservations.get(id_)
        if (old.version if old else 0) != reservation.version:
            raise Conflict(
                f"reservation {id_!r} is at version {old.version if old else 0}, not {reservation.version}; "
                "read it again and repeat the command"
            )
        undo, holders, held = self._undo, self._holders, reservation[1]
        if old is None or old.held.keys() != held.keys():
            for cell, _ in held:
                ids = holders.get(cell)
                if ids is None:
                    holders[cell] = ids = {}
                if id_ not in ids:
                    undo.append((ids, id_, _ABSENT))
                    ids[id_] = None
            if old is not None:
                still = {cell for cell, _ in held}
                for cell, _ in old.held:
                    if cell not in still and id_ in holders[cell]:
                        undo.append((holders[cell], id_, None))
                        del holders[cell][id_]
        due, was = _deadline(reservation), _deadline(old) if old else None
        if due != was:
            if was is not None:
                _take_out(self._due, (was, id_))
                undo.append((self._undrop, (was, id_)))
            if due is not None:
                _put_in(self._due, (due, id_))
                undo.append((self._undue, (due, id_)))
        undo.append((self._reservations, id_, old or _ABSENT))
        _, _, expires_at, channel, priority, version, ended, since = reservation
        row = (id_, held, expires_at, channel, priority, version + 1, ended, since)
        self._reservations[id_] = tuple.__new__(Reservation, row)

    def _undue(self, entry: tuple[datetime, str]) -> None:
        _take_out(self._due, entry)

    def _undrop(self, entry: tuple[datetime, str]) -> None:
        insort(self._due, entry)

    # -- keys and records -------------------------------------------------------------------------------------------

    def claimed(self, key: str) -> tuple[str, Any] | None:
        """The fingerprint and result kept under a key, or None when the key is new.

        >>> MemoryBooks().claimed("web-17")
        """
        return self._claims.get(key)

    def claim(self, key: str, fingerprint: str, result: Any) -> None:
        """Keep a result under a new key; raises Conflict when somebody else claimed it meanwhile.

        >>> books = MemoryBooks()
        >>> books.claim("web-17", "f", "ord-1")
        >>> books.claimed("web-17")
        ('f', 'ord-1')
        """
        if key in self._claims:
            raise Conflict(f"key {key!r} was claimed meanwhile; run the command again")
        self._undo.append((self._claims, key, _ABSENT))
        self._claims[key] = (fingerprint, result)

    def claims(self, *, after: str = "", limit: int = 1_000) -> list[tuple[str, str, Any]]:
        """Keys in their order, behind `after`, each with its fingerprint and result.

        >>> MemoryBooks().claims()
        []
        """
        if len(self._keys) != len(self._claims):
            self._keys = sorted(self._claims)
        at = bisect_right(self._keys, after)
        return [(key, *self._claims[key]) for key in self._keys[at : at + limit]]

    def get(self, kind: str, id: str) -> Stored | None:  # noqa: A002 - the field's word for it
        """A record, or None.

        >>> MemoryBooks().get("order", "ord-1")
        """
        return self._records.get((kind, id))

    def put(
        self,
        kind: str,
        id: str,  # noqa: A002 - the field's word for it
        value: Any,
        *,
        version: int,
        index: Mapping[str, str] | None = None,
    ) -> None:
        """Write a record read at `version` (0 for a new one), and the indexes it shall be found by.

        >>> books = MemoryBooks()
        >>> books.put("order", "ord-1", "a value", version=0)
        >>> books.get("order", "ord-1")
        Stored(value='a value', version=1)
        """
        at = (kind, id)
        old = self._records.get(at)
        if (old.version if old else 0) != version:
            raise Conflict(
                f"{kind} {id!r} is at version {old.version if old else 0}, not {version}; "
                "read it again and repeat the command"
            )
        self._set(self._records, at, Stored(value, version + 1))
        before, after = self._indexed.get(at, {}), dict(index or {})
        if before == after:
            return
        self._set(self._indexed, at, after)
        for name in sorted({*before, *after}):
            entries = self._indexes.setdefault((kind, name), [])
            if name in before and before[name] != after.get(name):
                self._remove(entries, (before[name], id))
            if name in after and after[name] != before.get(name):
                self._insert(entries, (after[name], id))

    def find(
        self, kind: str, index: str, *, after: tuple[str, str] = ("", ""), upto: str | None = None, limit: int = 1_000
    ) -> list[tuple[str, str]]:
        """(sort key, id) of the records in an index, in that order, behind `after` and up to sort key `upto`.

        >>> MemoryBooks().find("order", "to_route")
        []
        """
        entries = self._indexes.get((kind, index), [])
        start = bisect_right(entries, after)
        found = entries[start : start + limit]
        return found if upto is None else [entry for entry in found if entry[0] <= upto]
