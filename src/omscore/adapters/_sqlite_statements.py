"""The statements of the SQLite store. Every value is bound; only names from this file are put into the text."""

# ruff: noqa: S608 - built from the constants of this file

from __future__ import annotations

from collections.abc import Sequence

from omscore.adapters._sqlite_schema import TENANT_SPAN
from omscore.inventory import BUCKETS

_BUCKETS = "free, reserved, allocated, picked, packed, in_transit, quarantine, damaged, version, digest"
# ?1 is the end of the tenant's numbers.
_MINE = f"n > ?1 - {TENANT_SPAN} AND n < ?1"


def _newest(table: str, column: str) -> str:
    return f"(SELECT {column} FROM {table} WHERE {_MINE} ORDER BY n DESC LIMIT 1)"


# The number and time of the newest entry, the time of the newest event, the version of the tables.
_NEWEST = ", ".join(
    (
        _newest("oms_journal", "n"),
        _newest("oms_journal", "recorded_at"),
        _newest("oms_log", "recorded_at"),
        "(SELECT max(version) FROM oms_schema)",
    )
)


def _next(table: str) -> str:
    return f"(SELECT coalesce(max(n), ?1 - {TENANT_SPAN}) + 1 FROM {table} WHERE {_MINE})"


_OPEN = "state IN ('waiting', 'leased')"

READ_NEWEST = f"SELECT {_NEWEST}"
# Changes when another connection commits, and never by what this one does.
READ_CHANGES = "PRAGMA data_version"
READ_CLAIM = "SELECT fingerprint, result FROM oms_claims WHERE tenant = ? AND key = ?"
READ_CLAIMS = "SELECT key, fingerprint, result FROM oms_claims WHERE tenant = ? AND key > ? ORDER BY key LIMIT ?"
ADD_CLAIM = "INSERT INTO oms_claims (tenant, key, fingerprint, result) VALUES (?, ?, ?, ?)"
READ_CELL = f"SELECT no, {_BUCKETS} FROM oms_cells WHERE tenant = ? AND item = ? AND node = ? AND pool = ? AND lot = ?"
READ_CELLS = (
    f"SELECT no, node, pool, lot, {_BUCKETS} FROM oms_cells WHERE tenant = ? AND item = ? AND version > 0 "
    "ORDER BY node, pool, lot"
)
ADD_CELL = (
    f"INSERT INTO oms_cells (tenant, item, node, pool, lot, {_BUCKETS}) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def set_cell(buckets: Sequence[str]) -> str:
    """Write some buckets of a cell, its version and the digest of its newest entry."""
    return f"UPDATE oms_cells SET {', '.join(f'{name} = ?' for name in (*buckets, 'version', 'digest'))} WHERE no = ?"


SET_CELL = set_cell(BUCKETS)
ADD_ENTRY = (
    "INSERT INTO oms_journal "
    "(n, cell, seq, recorded_at, move, units, cause, reservation, effective_at, mirrors, digest) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ENTRY = (
    "j.seq, j.recorded_at, m.source, m.target, j.units, m.verb, j.cause, j.reservation, j.effective_at, j.mirrors, "
    "j.digest FROM oms_journal j JOIN oms_moves m ON m.no = j.move"
)
READ_JOURNAL = (
    f"SELECT c.item, c.node, c.pool, c.lot, {_ENTRY} JOIN oms_cells c ON c.no = j.cell "
    "WHERE j.n > ? AND j.n < ? ORDER BY j.n LIMIT ?"
)
READ_JOURNAL_OF_CELL = f"SELECT {_ENTRY} WHERE j.cell = ? AND j.seq > ? ORDER BY j.seq LIMIT ?"
READ_ALL_CELLS = (
    f"SELECT item, node, pool, lot, {_BUCKETS} FROM oms_cells WHERE tenant = ? AND version > 0 "
    "AND (item, node, pool, lot) > (?, ?, ?, ?) ORDER BY item, node, pool, lot LIMIT ?"
)
ADD_SNAPSHOT = (
    "INSERT INTO oms_snapshots (cell, free, reserved, allocated, picked, packed, in_transit, quarantine, damaged, "
    "version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
READ_SNAPSHOTS = (
    "SELECT free, reserved, allocated, picked, packed, in_transit, quarantine, damaged, version FROM oms_snapshots "
    "WHERE cell = ?"
)
READ_SNAPSHOT = f"{READ_SNAPSHOTS} AND version <= ? ORDER BY version DESC LIMIT 1"
READ_RESERVATIONS = (
    "SELECT id, version, due, value FROM oms_reservations WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?"
)
READ_RESERVATION = "SELECT version, due, value FROM oms_reservations WHERE tenant = ? AND id = ?"
# The same, together with what was recorded last.
READ_FIRST = (
    f"SELECT r.version, r.due, r.value, {_NEWEST} FROM (SELECT 1) "
    "LEFT JOIN oms_reservations r ON r.tenant = ?2 AND r.id = ?3"
)
ADD_RESERVATION = "INSERT INTO oms_reservations (version, due, cell, value, tenant, id) VALUES (?, ?, ?, ?, ?, ?)"
SET_RESERVATION = "UPDATE oms_reservations SET version = ?, due = ?, cell = ?, value = ? WHERE tenant = ? AND id = ?"
READ_RECORD = "SELECT version, value, entries FROM oms_records WHERE tenant = ? AND kind = ? AND id = ?"
ADD_RECORD = "INSERT INTO oms_records (version, entries, value, tenant, kind, id) VALUES (?, ?, ?, ?, ?, ?)"
SET_RECORD = "UPDATE oms_records SET version = ?, entries = ?, value = ? WHERE tenant = ? AND kind = ? AND id = ?"
ADD_LOGGED = (
    "INSERT INTO oms_log (n, tenant, kind, id, seq, recorded_at, cause, actor, event) "
    f"VALUES ({_next('oms_log')}, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
)
ADD_EFFECT = (
    "INSERT INTO oms_outbox (n, tenant, id, topic, key, payload, due_at, until, state, attempts, error, lease, leases) "
    f"VALUES ({_next('oms_outbox')}, ?2, ?3, ?4, ?5, ?6, ?7, ?7, 'waiting', 0, '', '', 0) "
    "ON CONFLICT (tenant, id) DO NOTHING"
)
_EFFECT = "id, topic, payload, key, due_at"
FIND_UPTO = (
    "SELECT sort, id FROM oms_indexes WHERE tenant = ? AND kind = ? AND name = ? AND (sort, id) > (?, ?) "
    "AND sort <= ? ORDER BY sort, id LIMIT ?"
)
FIND = FIND_UPTO.replace("AND sort <= ? ", "")
READ_HOLDERS = (
    "SELECT id, version, due, value FROM oms_reservations WHERE tenant = ?1 AND cell = ?2 UNION ALL "
    "SELECT r.id, r.version, r.due, r.value FROM oms_holders h JOIN oms_reservations r "
    "ON r.tenant = ?1 AND r.id = h.id WHERE h.cell = ?2 ORDER BY 1"
)
READ_DUE = "SELECT id, version, due, value FROM oms_reservations WHERE tenant = ? AND due <= ? ORDER BY due, id LIMIT ?"
ADD_HOLDER = "INSERT INTO oms_holders (cell, id) VALUES (?, ?)"
DROP_HOLDER = "DELETE FROM oms_holders WHERE cell = ? AND id = ?"
READ_ENTRIES = "SELECT kind, id, entries FROM oms_records WHERE tenant = ?"
# Entries of the index whose record is gone.
READ_LOST = (
    "SELECT DISTINCT id FROM oms_indexes i WHERE tenant = ?1 AND NOT EXISTS "
    "(SELECT 1 FROM oms_records r WHERE r.tenant = ?1 AND r.kind = i.kind AND r.id = i.id)"
)
READ_INDEX = "SELECT 1 FROM oms_indexes WHERE tenant = ? AND kind = ? AND name = ? AND sort = ? AND id = ?"
ADD_INDEX = "INSERT INTO oms_indexes (tenant, kind, name, sort, id) VALUES (?, ?, ?, ?, ?)"
DROP_INDEX = "DELETE FROM oms_indexes WHERE tenant = ? AND kind = ? AND name = ? AND sort = ? AND id = ?"
READ_MOVE = "SELECT no FROM oms_moves WHERE verb = ? AND source = ? AND target = ?"
ADD_MOVE = "INSERT INTO oms_moves (verb, source, target) VALUES (?, ?, ?)"
LAST_LOGGED = "SELECT coalesce(max(seq), 0) FROM oms_log WHERE tenant = ? AND kind = ? AND id = ?"
_LOGGED = "SELECT kind, id, seq, recorded_at, cause, actor, event FROM oms_log "
READ_EVENTS = f"{_LOGGED}WHERE tenant = ? AND kind = ? AND id = ? ORDER BY seq"
READ_LOG = f"{_LOGGED}WHERE n > ? AND n < ? ORDER BY n LIMIT ?"
READ_DUE_EFFECTS = (
    f"SELECT n, {_EFFECT}, attempts, leases FROM oms_outbox o WHERE tenant = ?1 AND {_OPEN} "
    "AND (until IS NULL OR until <= ?2) AND (key = '' OR NOT EXISTS (SELECT 1 FROM oms_outbox e WHERE "
    f"e.tenant = ?1 AND e.key = o.key AND e.n < o.n AND e.{_OPEN})) ORDER BY n LIMIT ?3"
)
LEASE = "UPDATE oms_outbox SET state = 'leased', error = '', lease = ?, until = ?, leases = leases + 1 WHERE n = ?"
SETTLE = (
    "UPDATE oms_outbox SET state = ?, error = ?, until = ?, attempts = attempts + 1 "
    "WHERE tenant = ? AND id = ? AND state = 'leased' AND lease = ?"
)
READ_OUTBOX = f"SELECT {_EFFECT}, attempts, error FROM oms_outbox WHERE tenant = ? AND state = ? ORDER BY n LIMIT ?"


def gaps(table: str) -> str:
    """The numbers behind which rows are missing that are numbered without gaps; ?1 is the end of the tenant's."""
    rows = f"SELECT n, lag(n, 1, ?1 - {TENANT_SPAN}) OVER (ORDER BY n) AS before FROM {table} WHERE {_MINE}"
    return f"SELECT before - ?1 + {TENANT_SPAN} FROM ({rows}) WHERE n != before + 1"
