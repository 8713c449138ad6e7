"""A transaction on SQLite: what it keeps beside the books, which are records, events and the outbox."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from omscore.adapters import _sql
from omscore.adapters import _sqlite_statements as sql
from omscore.adapters._seal import TABLES, broken
from omscore.adapters._sqlite_books import SqliteBooks
from omscore.adapters._sqlite_schema import TENANT_SPAN, as_written, definitions
from omscore.inventory import Stored
from omscore.ports import Effect, Leased, Logged

_FAULTS_MAX = 10


class SqliteTransaction(SqliteBooks):
    """What a command sees: see :class:`omscore.ports.Transaction`."""

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

    # -- checks -----------------------------------------------------------------------------------------------------

    def broken_seals(self) -> Iterator[tuple[str, str]]:
        """What `verify` names: the kind and the name of each row whose text is not what was written.

        A row that is lost has no seal to look at; SQLite sees that from how its pages and indexes hang together. It
        believes what the file says of its tables, though: a word that rots there hides a column and leaves the rest
        right. What a record is found by stands in its own row too, and events and effects are numbered without gaps.
        A key that somebody deletes by hand leaves no trace, nor does the last event or effect.
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
        for (id_,) in self._run(sql.READ_LOST, (self._tenant,)).fetchall():
            yield "record", id_
        for what, rows in (("event", "oms_log"), ("effect", "oms_outbox")):
            for (before,) in self._run(sql.gaps(rows), (self._end,)).fetchall():
                yield what, f"number {before + 1}"
        for table in TABLES:
            columns = ", ".join((*table.of, table.text))
            yield from broken(table, self._run(f"SELECT {columns} FROM {table.name} WHERE tenant = ?", (self._tenant,)))  # noqa: S608 - names of _seal.py
