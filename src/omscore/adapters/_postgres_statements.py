"""The statements of a PostgreSQL store: the part of SQL that its protocol's engines share.

Plain INSERT, UPDATE and SELECT. A lost race shows as an error (a unique or a NOT NULL violation, SQLSTATE 40001), never
as a count of rows that must be looked at before COMMIT: so all writes of a command, and its COMMIT, go to the server in
one round trip.
"""

# ruff: noqa: S608 - built from the constants of this file

from __future__ import annotations

from typing import Any

from omscore.adapters._postgres_schema import BUCKETS, CELL, FIGURES, IS_CELL, places
from omscore.adapters._seal import Table

_OPEN = "state IN ('waiting', 'leased')"
_ENTRY = "seq, recorded_at, move, units, cause, reservation, rare, digest"


def sealed_rows(table: Table) -> str:
    """A page of a table's order, what its seals cover, and the sealed texts."""
    order, columns = ", ".join(table.order), ", ".join((*table.order, *table.of, table.text))
    behind = ", ".join("%s" for _ in table.order)
    return (
        f"SELECT {columns} FROM {table.name} WHERE tenant = %s AND ({order}) > ({behind}) ORDER BY {order} LIMIT 1000"
    )


class Paged:
    """What is read in recorded order, page by page: behind a number of rows, or behind the last row of another page."""

    def __init__(self, table: str, order: str, columns: str) -> None:
        self.width = order.count(",") + 1
        start, end = f"SELECT {order}, {columns} FROM {table} WHERE tenant = %s", f"ORDER BY {order}"
        self.skipping = f"{start} {end} OFFSET %s LIMIT %s"
        self.behind = f"{start} AND ({order}) > ({places(self.width)}) {end} LIMIT %s"


NEWEST = (
    "SELECT current_timestamp, "
    "(SELECT recorded_at FROM oms_journal WHERE tenant = %s ORDER BY recorded_at DESC LIMIT 1), "
    "(SELECT recorded_at FROM oms_log WHERE tenant = %s ORDER BY recorded_at DESC LIMIT 1)"
)
READ_CLAIM = "SELECT fingerprint, result FROM oms_claims WHERE tenant = %s AND key = %s"
READ_CLAIMS = "SELECT key, fingerprint, result FROM oms_claims WHERE tenant = %s AND key > %s ORDER BY key LIMIT %s"
ADD_CLAIM = "INSERT INTO oms_claims (tenant, key, fingerprint, result) VALUES (%s, %s, %s, %s)"

_STATE = f"{FIGURES}, recorded_at, turn, digest"
READ_CELL = f"SELECT {_STATE} FROM oms_cells WHERE {IS_CELL}"
READ_CELLS = f"SELECT {CELL}, {_STATE} FROM oms_cells WHERE tenant = %s AND item = %s ORDER BY node, pool, lot"
READ_ALL_CELLS = (
    f"SELECT {CELL}, {FIGURES} FROM oms_cells WHERE tenant = %s AND ({CELL}) > (%s, %s, %s, %s) "
    f"ORDER BY {CELL} LIMIT %s"
)
ADD_CELL = f"INSERT INTO oms_cells ({_STATE}, tenant, {CELL}) VALUES ({places(17)})"
# Any other version than the one that was read violates NOT NULL, and so ends the transaction.
SET_CELL = (
    f"UPDATE oms_cells SET {', '.join(f'{bucket} = %s' for bucket in BUCKETS)}, "
    "version = CASE WHEN version = %s THEN %s END, recorded_at = %s, turn = %s, digest = %s "
    f"WHERE {IS_CELL}"
)
HURRY: tuple[str, tuple[Any, ...]] = ("SET LOCAL lock_timeout = 1", ())
LOCK_CELL = f"SELECT version FROM oms_cells WHERE {IS_CELL} FOR UPDATE"

ADD_ENTRY = f"INSERT INTO oms_journal (tenant, {CELL}, {_ENTRY}, turn) VALUES ({places(14)})"
READ_JOURNAL = Paged("oms_journal", f"recorded_at, turn, {CELL}, seq", "move, units, cause, reservation, rare, digest")
READ_JOURNAL_OF_CELL = f"SELECT {_ENTRY} FROM oms_journal WHERE {IS_CELL} AND seq > %s ORDER BY seq LIMIT %s"
ADD_SNAPSHOT = f"INSERT INTO oms_snapshots (tenant, {CELL}, {FIGURES}) VALUES ({places(14)})"
READ_SNAPSHOTS = f"SELECT {FIGURES} FROM oms_snapshots WHERE {IS_CELL}"
READ_SNAPSHOT = f"{READ_SNAPSHOTS} AND version <= %s ORDER BY version DESC LIMIT 1"

READ_RESERVATION = "SELECT version, due, value FROM oms_reservations WHERE tenant = %s AND id = %s"
ADD_RESERVATION = "INSERT INTO oms_reservations (version, due, value, tenant, id) VALUES (%s, %s, %s, %s, %s)"
SET_RESERVATION = (
    "UPDATE oms_reservations SET version = CASE WHEN version = %s THEN %s END, due = %s, value = %s "
    "WHERE tenant = %s AND id = %s"
)
_RESERVATION = "r.id, r.version, r.due, r.value FROM oms_reservations r"
READ_RESERVATIONS = f"SELECT {_RESERVATION} WHERE r.tenant = %s AND r.id > %s ORDER BY r.id LIMIT %s"
# A reservation that holds units in several cells stands in as many rows.
READ_DUE = (
    f"SELECT {_RESERVATION} JOIN (SELECT due, id FROM oms_holders WHERE tenant = %s AND due <= %s "
    "GROUP BY due, id ORDER BY due, id LIMIT %s) h ON r.id = h.id WHERE r.tenant = %s ORDER BY r.due, r.id"
)
READ_HOLDERS = (
    f"SELECT {_RESERVATION} JOIN oms_holders h ON h.tenant = r.tenant AND h.id = r.id "
    "WHERE h.tenant = %s AND h.item = %s AND h.node = %s AND h.pool = %s AND h.lot = %s ORDER BY r.id"
)
ADD_HOLDER = f"INSERT INTO oms_holders (tenant, {CELL}, id, due) VALUES (%s, %s, %s, %s, %s, %s, %s)"
DROP_HOLDER = f"DELETE FROM oms_holders WHERE {IS_CELL} AND id = %s"

READ_RECORD = "SELECT version, value, entries FROM oms_records WHERE tenant = %s AND kind = %s AND id = %s"
ADD_RECORD = "INSERT INTO oms_records (version, entries, value, tenant, kind, id) VALUES (%s, %s, %s, %s, %s, %s)"
SET_RECORD = (
    "UPDATE oms_records SET version = CASE WHEN version = %s THEN %s END, entries = %s, value = %s "
    "WHERE tenant = %s AND kind = %s AND id = %s"
)
READ_ENTRIES = (
    "SELECT kind, id, entries FROM oms_records WHERE tenant = %s AND (kind, id) > (%s, %s) AND entries <> '' "
    "ORDER BY kind, id LIMIT 1000"
)
# Entries of the index whose record is gone.
READ_LOST = (
    "SELECT DISTINCT id FROM oms_indexes i WHERE tenant = %s AND NOT EXISTS "
    "(SELECT 1 FROM oms_records r WHERE r.tenant = i.tenant AND r.kind = i.kind AND r.id = i.id)"
)
READ_INDEX = "SELECT 1 FROM oms_indexes WHERE tenant = %s AND kind = %s AND name = %s AND sort = %s AND id = %s"
ADD_INDEX = "INSERT INTO oms_indexes (tenant, kind, name, sort, id) VALUES (%s, %s, %s, %s, %s)"
DROP_INDEX = "DELETE FROM oms_indexes WHERE tenant = %s AND kind = %s AND name = %s AND sort = %s AND id = %s"
FIND_UPTO = (
    "SELECT sort, id FROM oms_indexes WHERE tenant = %s AND kind = %s AND name = %s AND (sort, id) > (%s, %s) "
    "AND sort <= %s ORDER BY sort, id LIMIT %s"
)
FIND = FIND_UPTO.replace("AND sort <= %s ", "")

ADD_LOGGED = (
    "INSERT INTO oms_log (tenant, kind, id, seq, recorded_at, turn, cause, actor, event) "
    "SELECT %s, %s, %s, coalesce(max(seq), 0) + 1, greatest(%s, coalesce(max(recorded_at), 0)), "
    "greatest(%s, coalesce(max(turn), 0) + 1), %s, %s, %s FROM oms_log WHERE tenant = %s AND kind = %s AND id = %s"
)
# Events of a record are numbered without gaps: those in front of which one is missing.
READ_GAPS = (
    "SELECT id, seq FROM (SELECT id, seq, lag(seq, 1, CAST(0 AS BIGINT)) OVER (PARTITION BY kind, id ORDER BY seq) "
    "AS before FROM oms_log WHERE tenant = %s) AS e WHERE seq <> before + 1"
)
_LOGGED = "recorded_at, turn, kind, id, seq"
READ_EVENTS = (
    f"SELECT {_LOGGED}, cause, actor, event FROM oms_log WHERE tenant = %s AND kind = %s AND id = %s ORDER BY seq"
)
READ_LOG = Paged("oms_log", _LOGGED, "cause, actor, event")

ADD_EFFECT = (
    "INSERT INTO oms_outbox "
    "(tenant, id, turn, topic, key, payload, due_at, until, state, attempts, error, lease, leases) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'waiting', 0, '', '', 0) ON CONFLICT (tenant, id) DO NOTHING"
)
_EFFECT = "id, topic, payload, key, due_at"
READ_DUE_EFFECTS = (
    f"SELECT {_EFFECT}, attempts, leases FROM oms_outbox o WHERE tenant = %s AND {_OPEN} AND until <= %s "
    "AND (key = '' OR NOT EXISTS (SELECT 1 FROM oms_outbox e WHERE e.tenant = %s AND e.key = o.key "
    f"AND e.turn < o.turn AND e.{_OPEN})) ORDER BY turn, id LIMIT %s"
)
LEASE = (
    "UPDATE oms_outbox SET state = 'leased', error = '', lease = %s, until = %s, leases = leases + 1 "
    f"WHERE tenant = %s AND id = %s AND leases = %s AND {_OPEN}"
)
SETTLE = (
    "UPDATE oms_outbox SET state = %s, error = %s, until = %s, attempts = attempts + 1 "
    "WHERE tenant = %s AND id = %s AND state = 'leased' AND lease = %s"
)
READ_OUTBOX = (
    f"SELECT {_EFFECT}, attempts, error FROM oms_outbox WHERE tenant = %s AND state = %s ORDER BY turn, id LIMIT %s"
)
