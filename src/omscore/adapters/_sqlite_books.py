"""The ledger's half of a transaction on SQLite: every call is one statement or few; cells are remembered."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any

from omscore.adapters import _sql
from omscore.adapters import _sqlite_statements as sql
from omscore.adapters._sqlite_schema import TENANT_SPAN
from omscore.adapters._sqlite_start import Known, Move, SqliteStart
from omscore.inventory import BUCKETS, Cell, Entry, Figures, JournalRow, Movement, Reservation, check_words, link
from omscore.kernel import QUANTITY_MAX, quantity

_ZEROS = Figures()
_VERSION = _sql.VERSION
_cell = attrgetter("cell")
# A third of the time of the classes' own constructors.
_new = tuple.__new__


class SqliteBooks(SqliteStart):
    """Cells, journal and reservations: see :class:`omscore.inventory.Books`."""

    def _row(self, cell: Cell) -> Figures:
        known = self._cells.get(cell) or self._read_cell(cell)
        return known.figures if known else _ZEROS

    def _read_cell(self, cell: Cell) -> Known | None:
        row = self._run(sql.READ_CELL, (self._tenant, *cell)).fetchone()
        if row is None:
            return None
        self._cells[cell] = known = Known(cell, row[0], _sql.figures_from(row[1:-1]), row[-1])
        return known

    def figures(self, cells: Iterable[Cell]) -> dict[Cell, Figures]:
        self._start()
        return {cell: self._row(cell) for cell in cells}

    def cells_of(self, item: str) -> list[tuple[Cell, Figures]]:
        if self._begin is not None:
            self._start()
        found = self._items.get(item)
        if found is None:
            found = []
            self._catch_up()
            for no, node, pool, lot, *row, digest in self._run(sql.READ_CELLS, (self._tenant, item)).fetchall():
                cell = _new(Cell, (item, node, pool, lot))
                self._cells[cell] = known = Known(cell, no, _sql.figures_from(row), digest)
                found.append(known)
            self._items[item] = found
        return [(known.cell, known.figures) for known in found]

    def cells(self, *, after: Cell | None = None, limit: int = 1_000) -> list[tuple[Cell, Figures]]:
        self._start()
        self._catch_up()
        rows = self._run(sql.READ_ALL_CELLS, (self._tenant, *(after or ("", "", "", "")), limit))
        return [(Cell._make(row[:4]), _sql.figures_from(row[4:-1])) for row in rows]

    def post(
        self, movements: Sequence[Movement], floors: Mapping[Cell, int], *, recorded_at: datetime | None = None
    ) -> None:
        if not movements:
            return
        if self._begin is not None:
            self._start()
        if self._newest is None:
            self._look()
        if recorded_at is None:
            at = self._stamp() if self._now is None else self._now
        else:
            at = _sql.stamp(recorded_at)
            self._newest = max(self._newest or 0, at)
        if len(movements) == 1:
            self._post_one(movements[0], floors, at)
        else:
            self._post_many(movements, floors, at)

    def _post_one(self, movement: Movement, floors: Mapping[Cell, int], at: int) -> None:
        """What `_post_many` does, for one: most commands move one cell once, and it takes a fifth less."""
        cell, source, target, units, verb, cause, reservation, effective_at, mirrors = movement
        if type(units) is not int or units < 1:
            quantity(units, "the units of a movement")
        known = self._cells.get(cell) or self._added(cell)
        move = self._moves.get((verb, source, target)) or self._move(verb, source, target)
        no, out, into, _, _ = move
        row, suspect = list(known.figures), bool(floors)
        if out is not None:
            row[out] = left = row[out] - units
            if left < 0:
                suspect = True
        if into is not None:
            row[into] = grown = row[into] + units
            if grown > QUANTITY_MAX:
                suspect = True
        if suspect:
            _sql.check(cell, known.figures.free, row, floors.get(cell, 0))
        row[_VERSION] = seq = row[_VERSION] + 1
        effective = None if effective_at is None else _sql.stamp(effective_at)
        columns = (seq, at, source, target, units, verb, cause, reservation, effective, mirrors, b"")
        digest = link(known.digest, cell, columns)
        self._n = n = self._n + 1
        self._noted += 1
        self._entries.append((n, known.no, seq, at, no, units, cause, reservation, effective, mirrors, digest))
        if not seq % _sql.SNAPSHOT_EVERY:
            self._kept.append((known.no, *row))
        self._left(known, row, digest, move)

    def _post_many(self, movements: Sequence[Movement], floors: Mapping[Cell, int], at: int) -> None:
        cells, moves, n = self._cells, self._moves, self._n
        # By the number of the cell: what is known of it, its row as it becomes, and the digest of its newest entry.
        changed: dict[int, tuple[Known, list[int], bytes]] = {}
        entries: list[tuple[Any, ...]] = []
        kept: list[tuple[int, ...]] = []
        suspect = bool(floors)
        # What `_sql.applied` does, in the loop that numbers and links: a second loop costs a twentieth of a command.
        for cell, source, target, units, verb, cause, reservation, effective_at, mirrors in movements:
            if type(units) is not int or units < 1:
                quantity(units, "the units of a movement")
            known = cells.get(cell) or self._added(cell)
            no = known.no
            if no in changed:
                _, row, last = changed[no]
            else:
                row, last = list(known.figures), known.digest
            move, out, into, _, _ = moves.get((verb, source, target)) or self._move(verb, source, target)
            if out is not None:
                row[out] = left = row[out] - units
                if left < 0:
                    suspect = True
            if into is not None:
                row[into] = grown = row[into] + units
                if grown > QUANTITY_MAX:
                    suspect = True
            row[_VERSION] = seq = row[_VERSION] + 1
            effective = None if effective_at is None else _sql.stamp(effective_at)
            columns = (seq, at, source, target, units, verb, cause, reservation, effective, mirrors, b"")
            digest = link(last, cell, columns)
            changed[no] = (known, row, digest)
            n += 1
            entries.append((n, no, seq, at, move, units, cause, reservation, effective, mirrors, digest))
            if not seq % _sql.SNAPSHOT_EVERY:
                kept.append((no, *row))
        if suspect:
            for known, row, _ in changed.values():
                _sql.check(known.cell, known.figures.free, row, floors.get(known.cell, 0))
        self._n = n
        self._noted += len(entries)
        self._entries += entries
        self._kept += kept
        for known, row, digest in changed.values():
            self._left(known, row, digest, None)

    def _left(self, known: Known, row: list[int], digest: bytes, move: Move | None) -> None:
        """Know a cell as movements left it, to be written; by which move, if by one."""
        if not known.figures[_VERSION] and (listed := self._items.get(known.cell[0])) is not None:
            # It is one of its item's cells from its first movement on.
            insort(listed, known, key=_cell)
        known.figures, known.digest = _new(Figures, row), digest
        moved = self._moved
        known.move = None if known.no in moved else move
        moved[known.no] = known

    def write(self) -> None:
        """Write what was posted and saved: at the end of a transaction, and before anything that would read it.

        So a cell that moves often is written once, and what many commands did goes in with one statement.
        """
        run, entries, moved, made = self._run, self._entries, self._moved, self._made
        if moved:
            if len(entries) == 1:
                run(sql.ADD_ENTRY, entries[0])
            else:
                self._many(sql.ADD_ENTRY, entries)
            for no, known in moved.items():
                move = known.move
                if move is None:
                    run(sql.SET_CELL, (*known.figures, known.digest, no))
                else:
                    run(move.write, (*move.of(known.figures), known.digest, no))
            entries.clear()
            moved.clear()
            if self._kept:
                self._many(sql.ADD_SNAPSHOT, self._kept)
                self._kept.clear()
        if made:
            if len(made) == 1:
                (row,) = made.values()
                run(sql.ADD_RESERVATION, row)
            else:
                self._many(sql.ADD_RESERVATION, made.values())
            made.clear()

    def _catch_up(self) -> None:
        """Write, in the middle of a transaction, what is about to be read."""
        if self._moved or self._made:
            before = self._changed()
            self.write()
            self._later += self._changed() - before

    def snapshot(self, cell: Cell, *, upto: int) -> Figures:
        self._start()
        self._catch_up()
        self._row(cell)
        row = self._run(sql.READ_SNAPSHOT, (self._cells[cell].no, upto)).fetchone() if cell in self._cells else None
        return _sql.figures_from(row) if row else _ZEROS

    def snapshots(self, cell: Cell) -> list[Figures]:
        """All figures kept of a cell: what `verify` compares."""
        self._start()
        self._catch_up()
        known = self._cells.get(cell) or self._read_cell(cell)
        rows = self._run(sql.READ_SNAPSHOTS, (known.no if known else 0,)).fetchall()
        return [_sql.figures_from(row) for row in rows]

    def _move(self, verb: str, source: str, target: str) -> Move:
        check_words(verb, source, target)
        found = self._run(sql.READ_MOVE, (verb, source, target)).fetchone()
        if found is None:
            self._run(sql.ADD_MOVE, (verb, source, target))
        no = found[0] if found else self._cursor.lastrowid or 0
        out, into = _sql.INDEX.get(source), _sql.INDEX.get(target)
        buckets = [bucket for bucket in (out, into) if bucket is not None]
        if buckets:
            write = sql.set_cell([BUCKETS[bucket] for bucket in buckets])
            move = Move(no, out, into, write, itemgetter(*buckets, _VERSION))
        else:  # goods that came back and were thrown away at once
            move = Move(no, None, None, sql.SET_CELL, tuple)
        self._moves[verb, source, target] = move
        return move

    def reservation(self, id: str) -> Reservation | None:  # noqa: A002 - the field's word for it
        if self._begin is not None:
            self._start()
        if id in self._made:
            self._catch_up()
        if self._newest is None:
            *row, n, journal, log, schema = self._run(sql.READ_FIRST, (self._end, self._tenant, id)).fetchone()
            self._saw(n, journal, log, schema)
            if row[0] is None:
                row = None
        else:
            row = self._run(sql.READ_RESERVATION, (self._tenant, id)).fetchone()
        if row is None:
            self._reservations[id] = (0, [])
            return None
        version, due, text = row
        found = _sql.reservation_from(id, version, due, text)
        self._reservations[id] = (version, _sql.holding(found))
        return found

    def save_reservation(self, reservation: Reservation) -> None:
        if self._begin is not None:
            self._start()
        id_ = reservation[0]
        if id_ not in self._reservations:
            self.reservation(id_)
        version, before = self._reservations[id_]
        if version != reservation[5]:
            raise _sql.conflict("reservation", id_, version, reservation[5])
        after, due, text = _sql.written(reservation, self._at)
        no = self._no(after[0]) if after else None
        row = (version + 1, due, no, text, self._tenant, id_)
        if version:
            if id_ in self._made:
                self._catch_up()
            self._run(sql.SET_RESERVATION, row)
        else:
            self._made[id_] = row
            self._noted += 1
        # Its first cell stands in its own row, any others in rows of their own.
        if (len(after) > 1 or len(before) > 1) and before[1:] != after[1:]:
            old, new = ({self._no(cell) for cell in cells[1:]} for cells in (before, after))
            self._many(sql.DROP_HOLDER, [(no, id_) for no in sorted(old - new)])
            self._many(sql.ADD_HOLDER, [(no, id_) for no in sorted(new - old)])
        self._reservations[id_] = (version + 1, after)

    def _no(self, cell: Cell) -> int:
        """The number that stands for a cell, which is made when it is first written of."""
        return (self._cells.get(cell) or self._added(cell)).no

    def _added(self, cell: Cell) -> Known:
        known = self._read_cell(cell)
        if known is None:
            self._run(sql.ADD_CELL, (self._tenant, *cell, *_ZEROS, b""))
            self._cells[cell] = known = Known(cell, self._cursor.lastrowid or 0, _ZEROS, b"")
        return known

    def reservations(self, *, after: str = "", limit: int = 1_000) -> list[Reservation]:
        self._start()
        self._catch_up()
        rows = self._run(sql.READ_RESERVATIONS, (self._tenant, after, limit)).fetchall()
        return [_sql.reservation_from(*row) for row in rows]

    def reservations_at(self, cell: Cell) -> list[Reservation]:
        self._start()
        self._catch_up()
        self._row(cell)
        if cell not in self._cells:
            return []
        rows = self._run(sql.READ_HOLDERS, (self._tenant, self._cells[cell].no)).fetchall()
        return [self._remembered(row) for row in rows]

    def _remembered(self, row: tuple[str, int, int | None, str]) -> Reservation:
        found = _sql.reservation_from(*row)
        self._reservations[found.id] = (found.version, _sql.holding(found))
        return found

    def reservations_due(self, at: datetime, *, cell: Cell | None = None, limit: int = 1_000) -> list[Reservation]:
        self._start()
        self._catch_up()
        if cell is not None:
            self._row(cell)
            if cell not in self._cells:
                return []
            held = self._run(sql.READ_HOLDERS, (self._tenant, self._cells[cell].no)).fetchall()
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
        self._catch_up()
        most = -1 if limit is None else limit
        if cell is not None:
            return _sql.entries((*cell, *row) for row in self._rows_of(cell, after, most))
        start = self._tenant * TENANT_SPAN + after
        return _sql.entries(self._run(sql.READ_JOURNAL, (start, self._end, most)))

    def journal_rows(self, cell: Cell, *, after: int, limit: int) -> list[JournalRow]:
        """A cell's entries as plain columns: what reading a whole journal needs, at half the cost of entries."""
        self._start()
        self._catch_up()
        rows: list[JournalRow] = self._rows_of(cell, after, limit).fetchall()
        return rows

    def _rows_of(self, cell: Cell, after: int, limit: int) -> Any:
        known = self._cells.get(cell) or self._read_cell(cell)
        return self._run(sql.READ_JOURNAL_OF_CELL, (known.no if known else 0, after, limit))
