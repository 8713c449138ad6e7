"""The ledger's half of a transaction on PostgreSQL: reads go to the server, writes wait and go together with COMMIT.

What was read or written is remembered, so that a command sees its own writes; a question that memory cannot answer
sends the waiting writes first. Whether somebody else wrote meanwhile shows when the writes arrive: each names the
version that was read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from omscore.adapters import _postgres_statements as sql
from omscore.adapters import _sql
from omscore.adapters._postgres_pipe import Statement
from omscore.adapters._postgres_rows import number_of, plain, rare
from omscore.adapters._seal import Sealing, packed
from omscore.codec import Codec
from omscore.errors import Conflict
from omscore.inventory import Cell, Entry, Figures, JournalRow, Movement, Reservation, Stored, link


class Wire(NamedTuple):
    """How a transaction talks to its connection."""

    ask: Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]
    """Send one question and give its rows."""
    ask_all: Callable[[Sequence[Statement]], list[list[tuple[Any, ...]]]]
    """Send several questions in one round trip and give the rows of each."""
    send: Callable[[Sequence[Statement]], list[int]]
    """Send statements in one round trip and give the number of rows each touched."""
    send_ahead: Callable[[Statement], None]
    """Send a question that is likely to be asked next."""


class State(NamedTuple):
    """A cell as its row says."""

    figures: Figures = Figures()
    recorded_at: int = 0
    turn: int = 0
    digest: bytes = b""
    is_new: bool = False


class PostgresBooks:
    """What a transaction knows of the ledger, and what waits to be written; see :class:`omscore.inventory.Books`."""

    def __init__(
        self, wire: Wire, tenant: str, codec: Codec, told: Callable[[datetime, int], int], turn: Callable[[int], int]
    ) -> None:
        self._ask = wire.ask
        self._ask_all = wire.ask_all
        self._send = wire.send
        self._send_ahead = wire.send_ahead
        self._tenant = tenant
        self._codec = Sealing(codec)
        self._told = told
        self._turn = turn
        self._now: int | None = None
        self._absent: set[str] = set()
        self._cells: dict[Cell, State] = {}
        self._items: dict[str, list[Cell]] = {}
        self._reservations: dict[str, Reservation | None] = {}
        self._records: dict[tuple[str, str], tuple[int, dict[str, str]]] = {}
        self._stored: dict[tuple[str, str], Stored | None] = {}
        # Of what is read in pages: how many rows were read, and where the last of them stands.
        self._pages: dict[sql.Paged, tuple[int, tuple[Any, ...]]] = {}
        # What waits to be written. Cells come first, in order: whoever needs several takes them in the same order.
        self._entries: dict[Cell, list[tuple[Any, ...]]] = {}
        self._snapshots: list[Statement] = []
        self._saved: dict[str, tuple[Reservation | None, Reservation]] = {}
        self._put: dict[tuple[str, str], tuple[int, dict[str, str], str]] = {}
        self._rest: list[Statement] = []
        self.writes = 0
        # The cells of every posting, also of one that was refused.
        self.wanted: set[Cell] = set()

    def learned(self) -> tuple[Mapping[Cell, State], Collection[str]]:
        """What is known after COMMIT: cells that were read or moved, and the items of which these are all."""
        return self._cells, self._items

    # -- the server -------------------------------------------------------------------------------------------------

    def _rows(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        if self._unsent():
            self._send(self.waiting())
        return self._ask(statement, values)

    def _page(self, of: sql.Paged, after: int, limit: int | None) -> list[tuple[Any, ...]]:
        """The next page is read from where the last one ended: to skip all rows before it takes longer each time."""
        read, place = self._pages.get(of, (0, ()))
        if place and read == after:
            rows = self._rows(of.behind, (self._tenant, *place, limit))
        else:
            rows = self._rows(of.skipping, (self._tenant, after, limit))
        if rows:
            self._pages[of] = (after + len(rows), rows[-1][: of.width])
        return rows

    def _unsent(self) -> bool:
        return bool(self._entries or self._saved or self._put or self._rest)

    def waiting(self) -> list[Statement]:
        """The writes that wait, in the order in which everybody takes their locks; they count as sent."""
        tenant = self._tenant
        out: list[Statement] = []
        for cell in sorted(self._entries):
            state, rows = self._cells[cell], self._entries[cell]
            where = (state.recorded_at, state.turn, state.digest, tenant, *cell)
            if state.is_new:
                out.append((sql.ADD_CELL, (*state.figures, *where)))
            else:
                version = state.figures.version
                out.append((sql.SET_CELL, (*state.figures[:-1], version - len(rows), version, *where)))
            self._cells[cell] = state._replace(is_new=False)
            out += [(sql.ADD_ENTRY, row) for row in rows]
        out += self._snapshots
        for id_, (old, new) in sorted(self._saved.items()):
            cells, due, text = _sql.written(new)
            if old is None:
                out.append((sql.ADD_RESERVATION, (new.version, due, text, tenant, id_)))
            else:
                out.append((sql.SET_RESERVATION, (old.version, new.version, due, text, tenant, id_)))
            ran_out = _sql.due_of(old) if old else None
            before = {(cell, ran_out) for cell in _sql.holding(old)} if old else set()
            after = {(cell, due) for cell in cells}
            out += [(sql.DROP_HOLDER, (tenant, *cell, id_)) for cell, _ in sorted(before - after)]
            out += [(sql.ADD_HOLDER, (tenant, *cell, id_, at)) for cell, at in sorted(after - before)]
        for (kind, id_), (version, before_, value) in sorted(self._put.items()):
            now, after_ = self._records[kind, id_]
            entries = json.dumps(after_) if after_ else ""
            if version == 0:
                out.append((sql.ADD_RECORD, (now, entries, value, tenant, kind, id_)))
            else:
                out.append((sql.SET_RECORD, (version, now, entries, value, tenant, kind, id_)))
            for statement, some, other in ((sql.DROP_INDEX, before_, after_), (sql.ADD_INDEX, after_, before_)):
                out += [(statement, (tenant, kind, k, v, id_)) for k, v in sorted(some.items()) if other.get(k) != v]
        out += self._rest
        for waiting in (self._entries, self._snapshots, self._saved, self._put, self._rest):
            waiting.clear()
        return out

    # -- time -------------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return _sql.moment(self._stamp())

    def _stamp(self) -> int:
        if self._now is None:
            return self._heard(self._ask(sql.NEWEST, (self._tenant, self._tenant)))
        return self._now

    def _heard(self, rows: Sequence[tuple[Any, ...]]) -> int:
        ((server, journal, log),) = rows
        self._now = now = self._told(server, max(journal or 0, log or 0))
        return now

    # -- idempotency ------------------------------------------------------------------------------------------------

    def claimed(self, key: str) -> tuple[str, Any] | None:
        question = (sql.READ_CLAIM, (self._tenant, key))
        if self._now is None and not self._unsent():
            # A command whose key is new asks for the time next.
            rows, newest = self._ask_all([question, (sql.NEWEST, (self._tenant, self._tenant))])
            self._heard(newest)
        else:
            rows = self._rows(*question)
        if not rows:
            self._absent.add(key)
            return None
        name, result = rows[0]
        return name, self._codec.loads(result, "key", key, name)

    def claim(self, key: str, fingerprint: str, result: Any) -> None:
        if key not in self._absent and self.claimed(key) is not None:
            raise Conflict(f"key {key!r} was claimed meanwhile; run the command again")
        self._absent.discard(key)
        self.writes += 1
        answer = packed(self._codec.dumps(result, "key", key, fingerprint))
        self._rest.append((sql.ADD_CLAIM, (self._tenant, key, fingerprint, answer)))

    def claims(self, *, after: str = "", limit: int = 1_000) -> list[tuple[str, str, Any]]:
        rows = self._rows(sql.READ_CLAIMS, (self._tenant, after, limit))
        loads = self._codec.loads
        return [(key, fingerprint, loads(result, "key", key, fingerprint)) for key, fingerprint, result in rows]

    # -- books ------------------------------------------------------------------------------------------------------

    def _state(self, cell: Cell) -> State:
        state = self._cells.get(cell)
        if state is None:
            rows = [] if cell.item in self._items else self._rows(sql.READ_CELL, (self._tenant, *cell))
            self._cells[cell] = state = _state_of(rows[0]) if rows else State(is_new=True)
        return state

    def figures(self, cells: Iterable[Cell]) -> dict[Cell, Figures]:
        return {cell: self._state(cell).figures for cell in cells}

    def cells_of(self, item: str) -> list[tuple[Cell, Figures]]:
        if item not in self._items:
            self.found_cells(item, self._rows(sql.READ_CELLS, (self._tenant, item)))
        return [(cell, self._cells[cell].figures) for cell in self._items[item]]

    def found_cells(self, item: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Take over what was read of an item: all its cells."""
        for row in rows:
            # A cell that was read before stays as it was: what the command made of that must show as overtaken.
            self._cells.setdefault(Cell._make(row[:4]), _state_of(row[4:]))
        self._items[item] = [Cell._make(row[:4]) for row in rows]

    def read_ahead(self, reservation: str, items: Iterable[str]) -> None:
        """Read a reservation and all cells of some items in one message, for a command that will ask for each."""
        asked = [item for item in dict.fromkeys(items) if item not in self._items]
        questions = [(sql.READ_CELLS, (self._tenant, item)) for item in asked]
        if reservation not in self._reservations:
            questions.append((sql.READ_RESERVATION, (self._tenant, reservation)))
        if not questions:
            return
        if self._unsent():
            self._send(self.waiting())
        answers = self._ask_all(questions)
        for item, rows in zip(asked, answers, strict=False):
            self.found_cells(item, rows)
        if reservation not in self._reservations:
            self._found_reservation(reservation, answers[-1])

    def cells(self, *, after: Cell | None = None, limit: int = 1_000) -> list[tuple[Cell, Figures]]:
        rows = self._rows(sql.READ_ALL_CELLS, (self._tenant, *(after or ("", "", "", "")), limit))
        return [(Cell._make(row[:4]), Figures._make(row[4:])) for row in rows]

    def post(
        self, movements: Sequence[Movement], floors: Mapping[Cell, int], *, recorded_at: datetime | None = None
    ) -> None:
        if not movements:
            return
        states = {m.cell: self._state(m.cell) for m in movements}
        self.writes += 1
        self.wanted.update(states)
        changed, numbered, kept = _sql.applied(movements, floors, lambda cell: states[cell].figures)
        # Nothing is recorded before what its cells have recorded already, whoever's clock told the time of that.
        stamped = self._stamp() if recorded_at is None else _sql.stamp(recorded_at)
        if recorded_at is None:
            stamped = max(stamped, *(state.recorded_at for state in states.values()))
        entries: dict[Cell, list[tuple[Any, ...]]] = {cell: [] for cell in changed}
        for seq, (cell, source, target, units, verb, cause, reservation, effective_at, mirrors) in numbered:
            state = states[cell]
            turn = self._turn(state.turn)
            effective = None if effective_at is None else _sql.stamp(effective_at)
            columns = (seq, stamped, source, target, units, verb, cause, reservation, effective, mirrors)
            digest = link(state.digest, cell, (*columns, b""))
            states[cell] = state._replace(digest=digest, turn=turn)
            move, more = number_of(verb, source, target), rare(effective, mirrors)
            row = (seq, stamped, move, units, cause, reservation, more, digest, turn)
            entries[cell].append((self._tenant, *cell, *row))
        self._snapshots += [(sql.ADD_SNAPSHOT, (self._tenant, *cell, *then)) for cell, then in kept]
        for cell, figures in changed.items():
            self._entries.setdefault(cell, []).extend(entries[cell])
            self._cells[cell] = states[cell]._replace(figures=Figures._make(figures), recorded_at=stamped)
            known = self._items.get(cell.item)
            if known is not None and cell not in known:
                known.append(cell)
                known.sort()

    def reservation(self, id: str) -> Reservation | None:  # noqa: A002 - the field's word for it
        if id not in self._reservations:
            self._found_reservation(id, self._rows(sql.READ_RESERVATION, (self._tenant, id)))
        return self._reservations[id]

    def _found_reservation(self, id_: str, rows: Sequence[tuple[Any, ...]]) -> None:
        self._reservations[id_] = _sql.reservation_from(id_, *rows[0]) if rows else None

    def save_reservation(self, reservation: Reservation) -> None:
        id_ = reservation.id
        old = self.reservation(id_)
        if (old.version if old else 0) != reservation.version:
            raise _sql.conflict("reservation", id_, old.version if old else 0, reservation.version)
        self.writes += 1
        first = self._saved[id_][0] if id_ in self._saved else old
        self._reservations[id_] = new = reservation.saved()
        self._saved[id_] = (first, new)

    def _found(self, rows: Sequence[tuple[Any, ...]]) -> list[Reservation]:
        found = []
        for row in rows:
            known = self._reservations.get(row[0])
            self._reservations[row[0]] = reservation = known or _sql.reservation_from(*row)
            found.append(reservation)
        return found

    def reservations(self, *, after: str = "", limit: int = 1_000) -> list[Reservation]:
        rows = self._rows(sql.READ_RESERVATIONS, (self._tenant, after, limit))
        return [_sql.reservation_from(*row) for row in rows]

    def reservations_at(self, cell: Cell) -> list[Reservation]:
        return self._found(self._rows(sql.READ_HOLDERS, (self._tenant, *cell)))

    def reservations_due(self, at: datetime, *, cell: Cell | None = None, limit: int = 1_000) -> list[Reservation]:
        if cell is None:
            return self._found(self._rows(sql.READ_DUE, (self._tenant, _sql.stamp(at), limit, self._tenant)))
        return _sql.due_at_cell(self.reservations_at(cell), cell, at)[:limit]

    def journal(self, cell: Cell | None = None, *, after: int = 0, limit: int | None = None) -> list[Entry]:
        if cell is None:
            rows = self._page(sql.READ_JOURNAL, after, limit)
            told = zip(rows, plain((seq, at, *rest) for at, _, _, _, _, _, seq, *rest in rows), strict=True)
            return _sql.entries((*row[2:6], *columns) for row, columns in told)
        return _sql.entries((*cell, *row) for row in self.journal_rows(cell, after=after, limit=limit))

    def journal_rows(self, cell: Cell, *, after: int, limit: int | None) -> list[JournalRow]:
        """A cell's entries as plain columns: what reading a whole journal needs, at half the cost of entries."""
        where, sql_of = (self._tenant, *cell), sql.READ_JOURNAL_OF_CELL
        rows = self._rows(sql_of, (*where, after, limit))
        if rows and len(rows) == limit:
            self._send_ahead((sql_of, (*where, rows[-1][0], limit)))
        return plain(rows)

    def snapshot(self, cell: Cell, *, upto: int) -> Figures:
        rows = self._rows(sql.READ_SNAPSHOT, (self._tenant, *cell, upto))
        return Figures._make(rows[0]) if rows else Figures()

    def snapshots(self, cell: Cell) -> list[Figures]:
        """All figures kept of a cell: what `verify` compares."""
        return [Figures._make(row) for row in self._rows(sql.READ_SNAPSHOTS, (self._tenant, *cell))]


def _state_of(row: tuple[Any, ...]) -> State:
    return State(Figures._make(row[:9]), row[9], row[10], bytes(row[11]))
