"""The ledger's half of a transaction on SQLite: every call is one statement or few; cells are remembered."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from omscore.adapters import _sql
from omscore.adapters import _sqlite_statements as sql
from omscore.adapters._sqlite_schema import TENANT_SPAN
from omscore.adapters._sqlite_start import SqliteStart
from omscore.inventory import Cell, Entry, Figures, JournalRow, Movement, Reservation, link
from omscore.kernel import QUANTITY_MAX

_ZEROS = Figures()
_VERSION = _sql.VERSION
# A third of the time of the classes' own constructors.
_new = tuple.__new__


class SqliteBooks(SqliteStart):
    """Cells, journal and reservations: see :class:`omscore.inventory.Books`."""

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
            self._catch_up()
            for no, node, pool, lot, *row, digest in self._run(sql.READ_CELLS, (self._tenant, item)).fetchall():
                cell = _new(Cell, (item, node, pool, lot))
                cells[cell] = (no, _sql.figures_from(row), digest)
                known.append(cell)
        return [(cell, cells[cell][1]) for cell in known]

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
        cells, moves, n, index = self._cells, self._moves, self._n, _sql.INDEX
        # Of each cell: its number, its row as it becomes, and the digest of its newest entry.
        changed: dict[Cell, tuple[int, list[int], bytes]] = {}
        entries: list[tuple[Any, ...]] = []
        kept: list[tuple[int, ...]] = []
        suspect = bool(floors)
        # What `_sql.applied` does, in the loop that numbers and links: a second loop costs a twentieth of a command.
        for cell, source, target, units, verb, cause, reservation, effective_at, mirrors in movements:
            if cell in changed:
                no, row, last = changed[cell]
            else:
                no, figures, last = cells.get(cell) or self._added(cell)
                row = list(figures)
            if source in index:
                bucket = index[source]
                row[bucket] = left = row[bucket] - units
                if left < 0:
                    suspect = True
            if target in index:
                bucket = index[target]
                row[bucket] = grown = row[bucket] + units
                if grown > QUANTITY_MAX:
                    suspect = True
            row[_VERSION] = seq = row[_VERSION] + 1
            move = moves.get((verb, source, target)) or self._move(verb, source, target)
            effective = None if effective_at is None else _sql.stamp(effective_at)
            columns = (seq, at, source, target, units, verb, cause, reservation, effective, mirrors, b"")
            digest = link(last, cell, columns)
            changed[cell] = (no, row, digest)
            n += 1
            entries.append((n, no, seq, at, move, units, cause, reservation, effective, mirrors, digest))
            if not seq % _sql.SNAPSHOT_EVERY:
                kept.append((no, *row))
        if suspect:
            for cell, (_, row, _) in changed.items():
                _sql.check(cell, self._row(cell).free, row, floors.get(cell, 0))
        self._n = n
        self._noted += len(entries)
        self._entries += entries
        self._kept += kept
        items, moved = self._items, self._moved
        for cell, (no, row, digest) in changed.items():
            cells[cell] = (no, _new(Figures, row), digest)
            moved[cell] = no
            known = items.get(cell[0])
            if known is not None and cell not in known:
                insort(known, cell)

    def write(self) -> None:
        """Write what was posted and saved: at the end of a transaction, and before anything that would read it.

        So a cell that moves often is written once, and what many commands did goes in with one statement.
        """
        entries, moved, made = self._entries, self._moved, self._made
        if moved:
            cells = self._cells
            if len(entries) == 1:
                self._run(sql.ADD_ENTRY, entries[0])
            else:
                self._many(sql.ADD_ENTRY, entries)
            for cell, no in moved.items():
                _, figures, digest = cells[cell]
                self._run(sql.SET_CELL, (*figures, digest, no))
            entries.clear()
            moved.clear()
            if self._kept:
                self._many(sql.ADD_SNAPSHOT, self._kept)
                self._kept.clear()
        if made:
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
        row = self._run(sql.READ_SNAPSHOT, (self._cells[cell][0], upto)).fetchone() if cell in self._cells else None
        return _sql.figures_from(row) if row else _ZEROS

    def snapshots(self, cell: Cell) -> list[Figures]:
        """All figures kept of a cell: what `verify` compares."""
        self._start()
        self._catch_up()
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
        if id in self._made:
            self._catch_up()
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
        if self._begin is not None:
            self._start()
        id_, expected = reservation[0], reservation[5]
        if id_ not in self._reservations:
            self.reservation(id_)
        version, before = self._reservations[id_]
        if version != expected:
            raise _sql.conflict("reservation", id_, version, expected)
        after, due, text = _sql.written(reservation)
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
        self._catch_up()
        rows = self._run(sql.READ_RESERVATIONS, (self._tenant, after, limit)).fetchall()
        return [_sql.reservation_from(*row) for row in rows]

    def reservations_at(self, cell: Cell) -> list[Reservation]:
        self._start()
        self._catch_up()
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
        self._catch_up()
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
        return self._run(sql.READ_JOURNAL_OF_CELL, (known[0] if known else 0, after, limit))
