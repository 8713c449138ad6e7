"""A transaction on SQLite: every call is one statement or few; what was read is remembered until others write."""

from __future__ import annotations

import json
import sqlite3
from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from omscore.adapters import _sql
from omscore.adapters import _sqlite_statements as sql
from omscore.adapters._seal import TABLES, Sealing, broken
from omscore.adapters._sqlite_schema import TENANT_SPAN, VERSION, as_written, definitions, newer
from omscore.codec import Codec
from omscore.errors import Conflict, Corrupt
from omscore.inventory import Cell, Entry, Figures, JournalRow, Movement, Reservation, Stored, link
from omscore.ports import Effect, Leased, Logged

_ZEROS = Figures()
_FAULTS_MAX = 10
# A third of the time of the classes' own constructors.
_new = tuple.__new__
_REMEMBERED_MAX = 10_000
"""How many cells and items are remembered from one transaction to the next."""


class Behind(Exception):
    """The store has recorded a later time than this transaction was told; it is run again."""

    def __init__(self, newest: int) -> None:
        self.newest = newest
        super().__init__(newest)


class Raced(Conflict):
    """A key that was free before the transaction began is claimed now; the command is run again."""


class SqliteTransaction:
    """What a command sees: see :class:`omscore.ports.Transaction`.

    `begin` is called before the first statement that needs the write lock; looking up a key does not. `told` gives the
    time to go by, unless the store has recorded a later one; `careful` looks for that before it tells a time, because
    this transaction cannot be run again.
    """

    def __init__(
        self,
        cursor: sqlite3.Cursor,
        tenant: int,
        codec: Codec,
        told: Callable[[], int],
        begin: Callable[[], object] | None,
        *,
        careful: bool = False,
    ) -> None:
        self._run = cursor.execute
        self._many = cursor.executemany
        self._cursor = cursor
        self._tenant = tenant
        self._codec = Sealing(codec)
        self._told = told
        self._begin = begin
        self._careful = careful
        self._end = (tenant + 1) * TENANT_SPAN
        self._now: int | None = None
        # The time of what was recorded last, and the number of the newest entry.
        self._newest: int | None = None
        self._n = 0
        # What a verb and its two buckets are kept as.
        self._moves: dict[tuple[str, str, str], int] = {}
        self._changes = -1
        self._unclaimed: set[str] = set()
        # Of each cell that was read: its number, figures, and the digest of its newest entry.
        self._cells: dict[Cell, tuple[int, Figures, bytes]] = {}
        # Of each item that was asked for: the cells it moved in.
        self._items: dict[str, list[Cell]] = {}
        self._reservations: dict[str, tuple[int, list[Cell]]] = {}
        self._records: dict[tuple[str, str], tuple[int, dict[str, str]]] = {}

    def after(self, begin: Callable[[], object]) -> None:
        """Go on with the next command of a group, knowing what was read and written for those before it."""
        self._begin = begin

    def again(self, begin: Callable[[], object]) -> None:
        """Begin anew on the same connection after a COMMIT, with what is still known unless others wrote meanwhile."""
        self._begin = begin
        if self._now is not None and self._newest is not None:
            self._newest = max(self._newest, self._now)
        self._now = None
        self._unclaimed.clear()
        self._reservations.clear()
        self._records.clear()

    def recheck(self) -> None:
        """Forget what was read before somebody else wrote; called behind BEGIN, and by nobody who keeps nothing."""
        (changes,) = self._run(sql.READ_CHANGES).fetchone()
        if changes != self._changes or len(self._cells) + len(self._items) > _REMEMBERED_MAX:
            self._changes = changes
            self._newest = None
            self._cells.clear()
            self._items.clear()

    @property
    def begun(self) -> bool:
        """Whether anything but keys was asked or written."""
        return self._begin is None

    def _start(self) -> None:
        begin, self._begin = self._begin, None
        if begin is not None:
            begin()

    # -- time -------------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        if self._now is None:
            self._stamp()
        return self._moment

    def _stamp(self) -> int:
        if self._now is None:
            # Told while waiting for the lock, a time would lie behind what others record meanwhile.
            self._start()
            if self._careful and self._newest is None:
                self._saw(*self._run(sql.READ_NEWEST, (self._end,)).fetchone())
            self._now = self._told() if self._newest is None else max(self._told(), self._newest)
            self._moment = _sql.moment(self._now)
        return self._now

    def _saw(self, n: int | None, journal: int | None, log: int | None, schema: int) -> None:
        """Compare what the store recorded last with what was told; asked once, along with another question."""
        if type(journal or 0) is not int or type(log or 0) is not int:
            raise Corrupt(f"the time recorded last, {journal!r} or {log!r}, is none; verify the store against a backup")
        if schema > VERSION:
            raise newer(schema)
        self._n = n or self._end - TENANT_SPAN
        self._newest = max(journal or 0, log or 0)
        if self._now is not None and self._newest > self._now:
            raise Behind(self._newest)

    def _look(self) -> None:
        """See what was recorded last, before anything of our own is: behind that, one would find only oneself."""
        if self._newest is None:
            self._saw(*self._run(sql.READ_NEWEST, (self._end,)).fetchone())

    def finish(self) -> None:
        """The last look before COMMIT: at the time that was recorded last, and whether the tables are still ours."""
        if self._begin is None:
            self._look()

    # -- idempotency ------------------------------------------------------------------------------------------------

    def claimed(self, key: str) -> tuple[str, Any] | None:
        row = self._run(sql.READ_CLAIM, (self._tenant, key)).fetchone()
        if row is None:
            if self._begin is not None:
                self._unclaimed.add(key)
            return None
        return row[0], self._codec.loads(row[1], "key", key, row[0])

    def claim(self, key: str, fingerprint: str, result: Any) -> None:
        self._start()
        text = self._codec.dumps(result, "key", key, fingerprint)
        try:
            self._run(sql.ADD_CLAIM, (self._tenant, key, fingerprint, text))
        except sqlite3.IntegrityError:
            raced = Raced if key in self._unclaimed else Conflict
            raise raced(f"key {key!r} was claimed meanwhile; run the command again") from None

    def claims(self, *, after: str = "", limit: int = 1_000) -> list[tuple[str, str, Any]]:
        self._start()
        rows = self._run(sql.READ_CLAIMS, (self._tenant, after, limit)).fetchall()
        loads = self._codec.loads
        return [(key, fingerprint, loads(result, "key", key, fingerprint)) for key, fingerprint, result in rows]

    # -- books ------------------------------------------------------------------------------------------------------

    def _row(self, cell: Cell) -> Figures:
        known = self._cells.get(cell) or self._read_cell(cell)
        return known[1] if known else _ZEROS

    def _read_cell(self, cell: Cell) -> tuple[int, Figures, bytes] | None:
        row = self._run(sql.READ_CELL, (self._tenant, *cell)).fetchone()
        if row is None:
            return None
        self._cells[cell] = known = (row[0], _sql.figures_from(row[1:-1]), row[-1])
        return known

    def figures(self, cells: Iterable[Cell]) -> dict[Cell, Figures]:
        self._start()
        return {cell: self._row(cell) for cell in cells}

    def cells_of(self, item: str) -> list[tuple[Cell, Figures]]:
        if self._begin is not None:
            self._start()
        cells, known = self._cells, self._items.get(item)
        if known is None:
            self._items[item] = known = []
            for no, node, pool, lot, *row, digest in self._run(sql.READ_CELLS, (self._tenant, item)).fetchall():
                cell = _new(Cell, (item, node, pool, lot))
                cells[cell] = (no, _sql.figures_from(row), digest)
                known.append(cell)
        return [(cell, cells[cell][1]) for cell in known]

    def cells(self, *, after: Cell | None = None, limit: int = 1_000) -> list[tuple[Cell, Figures]]:
        self._start()
        rows = self._run(sql.READ_ALL_CELLS, (self._tenant, *(after or ("", "", "", "")), limit))
        return [(Cell._make(row[:4]), _sql.figures_from(row[4:-1])) for row in rows]

    def post(
        self, movements: Sequence[Movement], floors: Mapping[Cell, int], *, recorded_at: datetime | None = None
    ) -> None:
        if not movements:
            return
        self._start()
        if self._newest is None:
            self._look()
        if recorded_at is None:
            at = self._stamp()
        else:
            at = _sql.stamp(recorded_at)
            self._newest = max(self._newest or 0, at)
        changed, numbered, kept = _sql.applied(movements, floors, self._row)
        cells, moves, n = self._cells, self._moves, self._n
        digests: dict[Cell, bytes] = {}
        rows = []
        for seq, (cell, source, target, units, verb, cause, reservation, effective_at, mirrors) in numbered:
            no, _, last = cells.get(cell) or self._added(cell)
            move = moves.get((verb, source, target)) or self._move(verb, source, target)
            effective = None if effective_at is None else _sql.stamp(effective_at)
            columns = (seq, at, source, target, units, verb, cause, reservation, effective, mirrors, b"")
            digests[cell] = digest = link(digests.get(cell, last), cell, columns)
            n += 1
            rows.append((n, no, seq, at, move, units, cause, reservation, effective, mirrors, digest))
        if len(rows) == 1:
            self._run(sql.ADD_ENTRY, rows[0])
        else:
            self._many(sql.ADD_ENTRY, rows)
        self._n = n
        items = self._items
        for cell, row in changed.items():
            no, last = cells[cell][0], digests[cell]
            self._run(sql.SET_CELL, (*row, last, no))
            cells[cell] = (no, _new(Figures, row), last)
            known = items.get(cell[0])
            if known is not None and cell not in known:
                insort(known, cell)
        for cell, then in kept:
            self._run(sql.ADD_SNAPSHOT, (cells[cell][0], *then))

    def snapshot(self, cell: Cell, *, upto: int) -> Figures:
        self._start()
        self._row(cell)
        row = self._run(sql.READ_SNAPSHOT, (self._cells[cell][0], upto)).fetchone() if cell in self._cells else None
        return _sql.figures_from(row) if row else _ZEROS

    def snapshots(self, cell: Cell) -> list[Figures]:
        """All figures kept of a cell: what `verify` compares."""
        self._start()
        known = self._cells.get(cell) or self._read_cell(cell)
        rows = self._run(sql.READ_SNAPSHOTS, (known[0] if known else 0,)).fetchall()
        return [_sql.figures_from(row) for row in rows]

    def _move(self, *move: str) -> int:
        """The number that stands for a verb and its two buckets."""
        found = self._run(sql.READ_MOVE, move).fetchone()
        if found is None:
            self._run(sql.ADD_MOVE, move)
        self._moves[move] = no = found[0] if found else self._cursor.lastrowid or 0  # type: ignore[index]
        return no

    def reservation(self, id: str) -> Reservation | None:  # noqa: A002 - the field's word for it
        if self._begin is not None:
            self._start()
        if self._newest is None:
            version, due, text, *newest = self._run(sql.READ_FIRST, (self._end, self._tenant, id)).fetchone()
            self._saw(*newest)
        else:
            version, due, text = self._run(sql.READ_RESERVATION, (self._tenant, id)).fetchone() or (None, None, None)
        if version is None:
            self._reservations[id] = (0, [])
            return None
        found = _sql.reservation_from(id, version, due, text)
        self._reservations[id] = (version, _sql.holding(found))
        return found

    def save_reservation(self, reservation: Reservation) -> None:
        self._start()
        id_ = reservation.id
        if id_ not in self._reservations:
            self.reservation(id_)
        version, before = self._reservations[id_]
        if version != reservation.version:
            raise _sql.conflict("reservation", id_, version, reservation.version)
        after = _sql.holding(reservation)
        due = _sql.due_at(reservation)
        no = self._no(after[0]) if after else None
        row = (version + 1, due, no, _sql.reservation_text(reservation, due), self._tenant, id_)
        self._run(sql.SET_RESERVATION if version else sql.ADD_RESERVATION, row)
        # Its first cell stands in its own row, any others in rows of their own.
        if before[1:] != after[1:]:
            old, new = ({self._no(cell) for cell in cells[1:]} for cells in (before, after))
            self._many(sql.DROP_HOLDER, [(no, id_) for no in sorted(old - new)])
            self._many(sql.ADD_HOLDER, [(no, id_) for no in sorted(new - old)])
        self._reservations[id_] = (version + 1, after)

    def _no(self, cell: Cell) -> int:
        """The number that stands for a cell, which is made when it is first written of."""
        return (self._cells.get(cell) or self._added(cell))[0]

    def _added(self, cell: Cell) -> tuple[int, Figures, bytes]:
        known = self._read_cell(cell)
        if known is None:
            self._run(sql.ADD_CELL, (self._tenant, *cell, *_ZEROS, b""))
            self._cells[cell] = known = (self._cursor.lastrowid or 0, _ZEROS, b"")
        return known

    def reservations(self, *, after: str = "", limit: int = 1_000) -> list[Reservation]:
        self._start()
        rows = self._run(sql.READ_RESERVATIONS, (self._tenant, after, limit)).fetchall()
        return [_sql.reservation_from(*row) for row in rows]

    def reservations_at(self, cell: Cell) -> list[Reservation]:
        self._start()
        self._row(cell)
        if cell not in self._cells:
            return []
        rows = self._run(sql.READ_HOLDERS, (self._tenant, self._cells[cell][0])).fetchall()
        return [self._remembered(row) for row in rows]

    def _remembered(self, row: tuple[str, int, int | None, str]) -> Reservation:
        found = _sql.reservation_from(*row)
        self._reservations[found.id] = (found.version, _sql.holding(found))
        return found

    def reservations_due(self, at: datetime, *, cell: Cell | None = None, limit: int = 1_000) -> list[Reservation]:
        self._start()
        if cell is not None:
            self._row(cell)
            if cell not in self._cells:
                return []
            held = self._run(sql.READ_HOLDERS, (self._tenant, self._cells[cell][0])).fetchall()
            # Most reservations never expire: only those that are due are worth decoding.
            upto = _sql.stamp(at)
            due = [
                self._remembered(row)
                for row in held
                if row[2] is not None and (type(row[2]) is not int or row[2] <= upto)
            ]
            return _sql.due_at_cell(due, cell, at)[:limit]
        rows = self._run(sql.READ_DUE, (self._tenant, _sql.stamp(at), limit)).fetchall()
        return [self._remembered(row) for row in rows]

    def journal(self, cell: Cell | None = None, *, after: int = 0, limit: int | None = None) -> list[Entry]:
        self._start()
        most = -1 if limit is None else limit
        if cell is not None:
            return _sql.entries((*cell, *row) for row in self._rows_of(cell, after, most))
        start = self._tenant * TENANT_SPAN + after
        return _sql.entries(self._run(sql.READ_JOURNAL, (start, self._end, most)))

    def journal_rows(self, cell: Cell, *, after: int, limit: int) -> list[JournalRow]:
        """A cell's entries as plain columns: what reading a whole journal needs, at half the cost of entries."""
        self._start()
        rows: list[JournalRow] = self._rows_of(cell, after, limit).fetchall()
        return rows

    def _rows_of(self, cell: Cell, after: int, limit: int) -> Any:
        known = self._cells.get(cell) or self._read_cell(cell)
        return self._run(sql.READ_JOURNAL_OF_CELL, (known[0] if known else 0, after, limit))

    def broken_seals(self) -> Iterator[tuple[str, str]]:
        """What `verify` names: the kind and the name of each row whose text is not what was written.

        A row that is lost has no seal to look at; SQLite sees that from how its pages and indexes hang together. It
        believes what the file says of its tables, though: a word that rots there hides a column and leaves the rest
        right. What a record is found by stands in its own row too.
        """
        self._start()
        for (found,) in self._run(f"PRAGMA integrity_check({_FAULTS_MAX})").fetchall():
            if found != "ok":
                yield "file", found
        defined = definitions(self._run("SELECT 1").connection)
        for name, text in as_written().items():
            if defined.get(name) != text:
                yield "file", name
        for kind, id_, text in self._run(sql.READ_ENTRIES, (self._tenant,)).fetchall():
            for name, sort in _sql.index_entries(text).items():
                if not self._run(sql.READ_INDEX, (self._tenant, kind, name, sort, id_)).fetchone():
                    yield "record", id_
        for table in TABLES:
            columns = ", ".join((*table.of, table.text))
            yield from broken(table, self._run(f"SELECT {columns} FROM {table.name} WHERE tenant = ?", (self._tenant,)))  # noqa: S608 - names of _seal.py

    # -- records ----------------------------------------------------------------------------------------------------

    def get(self, kind: str, id: str) -> Stored | None:  # noqa: A002 - the field's word for it
        self._start()
        row = self._run(sql.READ_RECORD, (self._tenant, kind, id)).fetchone()
        if row is None:
            self._records[kind, id] = (0, {})
            return None
        version, value, entries = row
        self._records[kind, id] = (version, _sql.index_entries(entries))
        return Stored(self._codec.recall(value, "record", id, kind), version)

    def put(
        self,
        kind: str,
        id: str,  # noqa: A002 - the field's word for it
        value: Any,
        *,
        version: int,
        index: Mapping[str, str] | None = None,
    ) -> None:
        self._start()
        at = (kind, id)
        if at not in self._records:
            row = self._run(sql.READ_RECORD, (self._tenant, kind, id)).fetchone()
            self._records[at] = (row[0], _sql.index_entries(row[2])) if row else (0, {})
        found, before = self._records[at]
        if found != version:
            raise _sql.conflict(kind, id, found, version)
        after = dict(index or {})
        entries = json.dumps(after) if after else ""
        text = self._codec.dumps(value, "record", id, kind)
        self._codec.remember(text, value)
        self._run(sql.SET_RECORD if version else sql.ADD_RECORD, (version + 1, entries, text, self._tenant, kind, id))
        if before != after:
            gone = [(self._tenant, kind, k, before[k], id) for k in before if before[k] != after.get(k)]
            come = [(self._tenant, kind, k, after[k], id) for k in after if after[k] != before.get(k)]
            self._many(sql.DROP_INDEX, gone)
            self._many(sql.ADD_INDEX, come)
        self._records[at] = (version + 1, after)

    def find(
        self, kind: str, index: str, *, after: tuple[str, str] = ("", ""), upto: str | None = None, limit: int = 1_000
    ) -> list[tuple[str, str]]:
        self._start()
        where = (self._tenant, kind, index, *after)
        if upto is None:
            return self._run(sql.FIND, (*where, limit)).fetchall()
        return self._run(sql.FIND_UPTO, (*where, upto, limit)).fetchall()

    # -- events -----------------------------------------------------------------------------------------------------

    def append(self, kind: str, id: str, events: Sequence[Any], *, cause: str, actor: str = "") -> None:  # noqa: A002
        self._start()
        self._look()
        (last,) = self._run(
            sql.LAST_LOGGED,
            (self._tenant, kind, id),
        ).fetchone()
        now, dumps, of = self._stamp(), self._codec.dumps, ("event", id, kind, cause, actor)
        self._many(
            sql.ADD_LOGGED,
            [
                (self._end, self._tenant, kind, id, seq, now, cause, actor, dumps(event, *of))
                for seq, event in enumerate(events, last + 1)
            ],
        )

    def _logged(self, statement: str, values: tuple[Any, ...]) -> list[Logged]:
        rows, loads = self._run(statement, values).fetchall(), self._codec.loads
        return [Logged(k, i, s, _sql.moment(at), c, a, loads(e, "event", i, k, c, a)) for k, i, s, at, c, a, e in rows]

    def events(self, kind: str, id: str) -> list[Logged]:  # noqa: A002 - the field's word for it
        self._start()
        return self._logged(sql.READ_EVENTS, (self._tenant, kind, id))

    def log(self, *, after: int = 0, limit: int = 1_000) -> list[Logged]:
        self._start()
        start = self._tenant * TENANT_SPAN + after
        return self._logged(sql.READ_LOG, (start, self._end, limit))

    # -- outbox -----------------------------------------------------------------------------------------------------

    def emit(self, effects: Iterable[Effect]) -> None:
        self._start()
        dumps = self._codec.dumps
        self._many(
            sql.ADD_EFFECT,
            [
                (
                    self._end,
                    self._tenant,
                    e.id,
                    e.topic,
                    e.key,
                    dumps(dict(e.payload), "effect", e.id, e.topic, e.key),
                    None if e.due_at is None else _sql.stamp(e.due_at),
                )
                for e in effects
            ],
        )

    def _effect(self, id_: str, topic: str, payload: str, key: str, due: int | None) -> Effect:
        told = self._codec.loads(payload, "effect", id_, topic, key)
        return Effect(id_, topic, told, key, None if due is None else _sql.moment(due))

    def lease(self, worker: str, *, limit: int, seconds: int) -> list[Leased]:
        self._start()
        now = self._stamp()
        until = _sql.stamp(self.now() + timedelta(seconds=seconds))
        given = []
        for n, *effect, attempts, leases in self._run(sql.READ_DUE_EFFECTS, (self._tenant, now, limit)).fetchall():
            self._run(
                sql.LEASE,
                (f"{worker}:{leases + 1}", until, n),
            )
            given.append(Leased(self._effect(*effect), attempts, f"{worker}:{leases + 1}"))
        return given

    def _settle(self, leased: Leased, state: str, error: str, until: int | None) -> bool:
        self._start()
        done = self._run(
            sql.SETTLE,
            (state, error, until, self._tenant, leased.effect.id, leased.lease),
        )
        return done.rowcount == 1

    def ack(self, leased: Leased) -> bool:
        return self._settle(leased, "done", "", None)

    def retry(self, leased: Leased, *, due_at: datetime, error: str) -> bool:
        return self._settle(leased, "waiting", error, _sql.stamp(due_at))

    def park(self, leased: Leased, *, error: str) -> bool:
        return self._settle(leased, "parked", error, None)

    def outbox(self, state: str, *, limit: int = 1_000) -> list[tuple[Effect, int, str]]:
        self._start()
        rows = self._run(
            sql.READ_OUTBOX,
            (self._tenant, state, limit),
        ).fetchall()
        return [(self._effect(*effect), attempts, error) for *effect, attempts, error in rows]
