"""A transaction on PostgreSQL: what it keeps beside the books, which are records, events and the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from omscore.adapters import _postgres_statements as sql
from omscore.adapters import _sql
from omscore.adapters._postgres_books import PostgresBooks
from omscore.adapters._seal import TABLES, broken
from omscore.inventory import Stored
from omscore.ports import Effect, Leased, Logged


class PostgresTransaction(PostgresBooks):
    """What a command sees: see :class:`omscore.ports.Transaction`."""

    # -- records ----------------------------------------------------------------------------------------------------

    def get(self, kind: str, id: str) -> Stored | None:  # noqa: A002 - the field's word for it
        if (kind, id) in self._put:
            return Stored(self._codec.loads(self._put[kind, id][2], "record", id, kind), self._records[kind, id][0])
        if (kind, id) not in self._stored:
            rows = self._rows(sql.READ_RECORD, (self._tenant, kind, id))
            version, value, entries = rows[0] if rows else (0, "", "")
            self._records[kind, id] = (version, _sql.index_entries(entries))
            self._stored[kind, id] = Stored(self._codec.recall(value, "record", id, kind), version) if rows else None
        return self._stored[kind, id]

    def put(
        self,
        kind: str,
        id: str,  # noqa: A002 - the field's word for it
        value: Any,
        *,
        version: int,
        index: Mapping[str, str] | None = None,
    ) -> None:
        at = (kind, id)
        if at not in self._records:
            self.get(kind, id)
        found, before = self._records[at]
        if found != version:
            raise _sql.conflict(kind, id, found, version)
        text = self._codec.dumps(value, "record", id, kind)
        self.writes += 1
        if at in self._put:
            found, before = self._put[at][:2]
        self._put[at] = (found, before, text)
        self._stored.pop(at, None)
        self._records[at] = (version + 1, dict(index or {}))

    def find(
        self, kind: str, index: str, *, after: tuple[str, str] = ("", ""), upto: str | None = None, limit: int = 1_000
    ) -> list[tuple[str, str]]:
        where = (self._tenant, kind, index, *after)
        if upto is None:
            rows = self._rows(sql.FIND, (*where, limit))
        else:
            rows = self._rows(sql.FIND_UPTO, (*where, upto, limit))
        return [(sort, id_) for sort, id_ in rows]

    # -- events -----------------------------------------------------------------------------------------------------

    def append(self, kind: str, id: str, events: Sequence[Any], *, cause: str, actor: str = "") -> None:  # noqa: A002
        now, of = self._stamp(), (self._tenant, kind, id)
        self.writes += 1
        for event in events:
            text = self._codec.dumps(event, "event", id, kind, cause, actor)
            row = (*of, now, self._turn(0), cause, actor, text, *of)
            self._rest.append((sql.ADD_LOGGED, row))

    def _logged(self, rows: Iterable[tuple[Any, ...]]) -> list[Logged]:
        loads, moment = self._codec.loads, _sql.moment
        return [Logged(k, i, s, moment(at), c, a, loads(e, "event", i, k, c, a)) for at, _, k, i, s, c, a, e in rows]

    def events(self, kind: str, id: str) -> list[Logged]:  # noqa: A002 - the field's word for it
        return self._logged(self._rows(sql.READ_EVENTS, (self._tenant, kind, id)))

    def log(self, *, after: int = 0, limit: int = 1_000) -> list[Logged]:
        return self._logged(self._page(sql.READ_LOG, after, limit))

    # -- outbox -----------------------------------------------------------------------------------------------------

    def emit(self, effects: Iterable[Effect]) -> None:
        self.writes += 1
        for e in effects:
            due = None if e.due_at is None else _sql.stamp(e.due_at)
            payload = self._codec.dumps(dict(e.payload), "effect", e.id, e.topic, e.key)
            row = (self._tenant, e.id, self._turn(0), e.topic, e.key, payload, due, due or 0)
            self._rest.append((sql.ADD_EFFECT, row))

    def _effect(self, id_: str, topic: str, payload: str, key: str, due: int | None) -> Effect:
        told = self._codec.loads(payload, "effect", id_, topic, key)
        return Effect(id_, topic, told, key, None if due is None else _sql.moment(due))

    def lease(self, worker: str, *, limit: int, seconds: int) -> list[Leased]:
        now = self._stamp()
        self.writes += 1
        until = _sql.stamp(self.now() + timedelta(seconds=seconds))
        due = self._rows(sql.READ_DUE_EFFECTS, (self._tenant, now, self._tenant, limit))
        given = [Leased(self._effect(*row[:5]), row[5], f"{worker}:{row[6] + 1}") for row in due]
        # A row that another worker took meanwhile has another number of leases, and is not ours.
        taken = self._send(
            [
                (sql.LEASE, (leased.lease, until, self._tenant, leased.effect.id, row[6]))
                for leased, row in zip(given, due, strict=True)
            ]
        )
        return [leased for leased, rows in zip(given, taken, strict=True) if rows == 1]

    def _settle(self, leased: Leased, state: str, error: str, until: int) -> bool:
        self.writes += 1
        row = (state, error, until, self._tenant, leased.effect.id, leased.lease)
        return self._send([*self.waiting(), (sql.SETTLE, row)])[-1] == 1

    def ack(self, leased: Leased) -> bool:
        return self._settle(leased, "done", "", 0)

    def retry(self, leased: Leased, *, due_at: datetime, error: str) -> bool:
        return self._settle(leased, "waiting", error, _sql.stamp(due_at))

    def park(self, leased: Leased, *, error: str) -> bool:
        return self._settle(leased, "parked", error, 0)

    def outbox(self, state: str, *, limit: int = 1_000) -> list[tuple[Effect, int, str]]:
        rows = self._rows(sql.READ_OUTBOX, (self._tenant, state, limit))
        return [(self._effect(*row[:5]), row[5], row[6]) for row in rows]

    # -- proof ------------------------------------------------------------------------------------------------------

    def broken_seals(self) -> Iterator[tuple[str, str]]:
        """What `verify` names: the kind and the name of each row whose text is not what was written.

        What a record is found by stands in its own row too, and is compared, and a record's events are numbered without
        gaps. A key or an effect that somebody deletes by hand leaves no trace, nor does a record's last event.
        """
        upto = ("", "")
        while records := self._rows(sql.READ_ENTRIES, (self._tenant, *upto)):
            upto = records[-1][:2]
            found_by = [
                (kind, name, sort, id_)
                for kind, id_, text in records
                for name, sort in _sql.index_entries(text).items()
            ]
            there = self._ask_all([(sql.READ_INDEX, (self._tenant, *entry)) for entry in found_by])
            yield from (("record", entry[3]) for entry, rows in zip(found_by, there, strict=True) if not rows)
        yield from (("record", id_) for (id_,) in self._rows(sql.READ_LOST, (self._tenant,)))
        yield from (("event", f"{id_} {seq - 1}") for id_, seq in self._rows(sql.READ_GAPS, (self._tenant,)))
        for table in TABLES:
            after: tuple[Any, ...] = tuple(0 if column == "seq" else "" for column in table.order)
            n = len(table.order)
            while rows := self._rows(sql.sealed_rows(table), (self._tenant, *after)):
                after = rows[-1][:n]
                yield from broken(table, [row[n:] for row in rows])
