"""The tables and statements of a PostgreSQL store: the part of SQL that its protocol's engines share.

Plain INSERT, UPDATE and SELECT; every key is made by the client and starts with the tenant, so that one tenant's rows
can live on one shard. No sequence, trigger, foreign key, advisory lock, partial index or temporary table. A lost race
shows as an error (a unique or a NOT NULL violation, SQLSTATE 40001), never as a count of rows that must be looked at
before COMMIT: so all writes of a command, and its COMMIT, go to the server in one round trip.
"""

# ruff: noqa: S608 - built from the constants of this file

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from omscore.adapters._postgres_rows import SIDES, VERBS, WRONG
from omscore.adapters._relink import relinked
from omscore.adapters._seal import Table, packed
from omscore.inventory import Cell

# Order is that of the bytes, as in Python; PostgreSQL would follow the server's language otherwise.
_T = 'TEXT COLLATE "C" NOT NULL'
_BUCKETS = ("free", "reserved", "allocated", "picked", "packed", "in_transit", "quarantine", "damaged")
_FIGURES = ", ".join(_BUCKETS) + ", version"
_COLUMNS = ", ".join(f"{bucket} BIGINT NOT NULL" for bucket in _BUCKETS)
_CELL = "item, node, pool, lot"
_IS_CELL = "tenant = %s AND item = %s AND node = %s AND pool = %s AND lot = %s"
_CELL_COLUMNS = f"tenant {_T}, item {_T}, node {_T}, pool {_T}, lot {_T}"
_OPEN = "state IN ('waiting', 'leased')"

# Times are microseconds since 1970. Where rows of many cells or records are read in recorded order, `recorded_at` and
# then `turn` give it; both rise within a cell and within a record.
_V1 = (
    f"""CREATE TABLE oms_cells ({_CELL_COLUMNS}, {_COLUMNS}, version BIGINT NOT NULL,
        recorded_at BIGINT NOT NULL, turn BIGINT NOT NULL, digest BYTEA NOT NULL,
        PRIMARY KEY (tenant, {_CELL}), {", ".join(f"CHECK ({bucket} >= 0)" for bucket in _BUCKETS)})""",
    f"""CREATE TABLE oms_journal ({_CELL_COLUMNS}, seq BIGINT NOT NULL,
        recorded_at BIGINT NOT NULL, turn BIGINT NOT NULL,
        verb {_T}, source {_T}, target {_T}, units BIGINT NOT NULL CHECK (units > 0), cause {_T}, reservation {_T},
        effective_at BIGINT, mirrors BIGINT NOT NULL, digest BYTEA NOT NULL, PRIMARY KEY (tenant, {_CELL}, seq))""",
    "CREATE INDEX oms_journal_order ON oms_journal (tenant, recorded_at, turn)",
    f"""CREATE TABLE oms_snapshots ({_CELL_COLUMNS}, {_COLUMNS}, version BIGINT NOT NULL,
        PRIMARY KEY (tenant, {_CELL}, version))""",
    f"""CREATE TABLE oms_reservations (tenant {_T}, id {_T}, version BIGINT NOT NULL, due BIGINT, value TEXT NOT NULL,
        PRIMARY KEY (tenant, id))""",
    "CREATE INDEX oms_reservations_due ON oms_reservations (tenant, due, id)",
    f"CREATE TABLE oms_holders ({_CELL_COLUMNS}, id {_T}, PRIMARY KEY (tenant, {_CELL}, id))",
    f"""CREATE TABLE oms_claims (tenant {_T}, key {_T}, fingerprint TEXT NOT NULL, result TEXT NOT NULL,
        PRIMARY KEY (tenant, key))""",
    f"""CREATE TABLE oms_records (tenant {_T}, kind {_T}, id {_T}, version BIGINT NOT NULL, entries TEXT NOT NULL,
        value TEXT NOT NULL, PRIMARY KEY (tenant, kind, id))""",
    f"""CREATE TABLE oms_indexes (tenant {_T}, kind {_T}, name {_T}, sort {_T}, id {_T},
        PRIMARY KEY (tenant, kind, name, sort, id))""",
    f"""CREATE TABLE oms_log (tenant {_T}, kind {_T}, id {_T}, seq BIGINT NOT NULL,
        recorded_at BIGINT NOT NULL, turn BIGINT NOT NULL, cause TEXT NOT NULL, actor TEXT NOT NULL,
        event TEXT NOT NULL, PRIMARY KEY (tenant, kind, id, seq))""",
    "CREATE INDEX oms_log_order ON oms_log (tenant, recorded_at, turn)",
    f"""CREATE TABLE oms_outbox (tenant {_T}, id {_T}, turn BIGINT NOT NULL, topic TEXT NOT NULL, key {_T},
        payload TEXT NOT NULL, due_at BIGINT, state {_T}, attempts BIGINT NOT NULL, error TEXT NOT NULL,
        until BIGINT NOT NULL, lease TEXT NOT NULL, leases BIGINT NOT NULL, PRIMARY KEY (tenant, id))""",
    "CREATE INDEX oms_outbox_state ON oms_outbox (tenant, state, turn)",
    "CREATE INDEX oms_outbox_order ON oms_outbox (tenant, key, turn)",
)

_V1_ENTRIES = (
    "SELECT seq, recorded_at, source, target, units, verb, cause, reservation, effective_at, mirrors, digest "
    f"FROM oms_journal WHERE {_IS_CELL} AND seq > %s ORDER BY seq LIMIT 1000"
)


def _v2(conn: Any) -> Iterator[None]:
    """The chain by today's formula, all at once: of half of it nobody could tell which half."""
    yield from ()
    for where in conn.execute(f"SELECT tenant, {_CELL} FROM oms_cells").fetchall():

        def page(after: int, where: tuple[str, ...] = where) -> list[tuple[Any, ...]]:
            rows: list[tuple[Any, ...]] = conn.execute(_V1_ENTRIES, (*where, after)).fetchall()
            return rows

        for found in relinked(Cell._make(where[1:]), page):
            rows = [(digest, *where, seq) for digest, seq in found]
            conn.cursor().executemany(f"UPDATE oms_journal SET digest = %s WHERE {_IS_CELL} AND seq = %s", rows)
            conn.execute(f"UPDATE oms_cells SET digest = %s WHERE {_IS_CELL}", rows[-1][:-1])


# Shorter rows. Columns of eight bytes come first, where no room is lost to bring them to a multiple of eight.
_ENTRY_KEY = f"tenant, {_CELL}, seq"
_ENTRY = "seq, recorded_at, move, units, cause, reservation, rare, digest"
_V4 = (
    f"""CREATE TABLE oms_journal_new (seq BIGINT NOT NULL, recorded_at BIGINT NOT NULL, turn BIGINT NOT NULL,
        units BIGINT NOT NULL CHECK (units > 0), move SMALLINT NOT NULL, {_CELL_COLUMNS}, cause {_T}, reservation {_T},
        rare TEXT NOT NULL, digest BYTEA NOT NULL, CONSTRAINT oms_journal_key PRIMARY KEY ({_ENTRY_KEY}))""",
    f"""CREATE TABLE oms_claims_new (tenant {_T}, key {_T}, fingerprint TEXT NOT NULL, result BYTEA NOT NULL,
        CONSTRAINT oms_claims_key PRIMARY KEY (tenant, key))""",
    "ALTER TABLE oms_holders ADD COLUMN due BIGINT",
)
_PLACE = "array_position(CAST(%s AS TEXT[]), {}) - 1"
_V4_MOVE = f"(({_PLACE.format('verb')}) * 16 + {_PLACE.format('source')}) * 16 + {_PLACE.format('target')}"
_V4_RARE = (
    "CASE WHEN effective_at IS NULL AND mirrors = 0 THEN '' "
    "ELSE coalesce(CAST(effective_at AS TEXT), 'None') || ' ' || CAST(mirrors AS TEXT) END"
)
_V4_ENTRY = (
    f"{_ENTRY_KEY}, recorded_at, turn, units, coalesce({_V4_MOVE}, {WRONG}), cause, reservation, {_V4_RARE}, digest"
)


def _v5(conn: Any) -> Iterator[None]:
    """Move all rows, so many at a time: what has been moved already is found in the new tables."""
    add = conn.cursor().executemany
    into = f"{_ENTRY_KEY}, recorded_at, turn, units, move, cause, reservation, rare, digest"
    while True:
        page, newest = _behind(conn, _V4_ENTRY, "oms_journal", _ENTRY_KEY)
        moved = conn.execute(f"INSERT INTO oms_journal_new ({into}) {page}", ([*VERBS], [*SIDES], [*SIDES], *newest))
        if not moved.rowcount:
            break
        yield
    while rows := conn.execute(
        *_behind(conn, "tenant, key, fingerprint, result", "oms_claims", "tenant, key")
    ).fetchall():
        packs = [(*row, packed(result)) for *row, result in rows]
        add(f"INSERT INTO oms_claims_new (tenant, key, fingerprint, result) VALUES ({_places(4)})", packs)
        yield
    key = f"tenant, {_CELL}, id"
    after: tuple[Any, ...] = ("",) * 6
    # Nobody's first key is all empty: an item has a name.
    page = f"SELECT {key} FROM oms_holders WHERE ({key}) > ({_places(6)}) ORDER BY {key} LIMIT {_BATCH}"
    due = "SELECT due FROM oms_reservations r WHERE r.tenant = h.tenant AND r.id = h.id AND due IS NOT NULL"
    upto = f"h.due IS NULL AND ({key}) > ({_places(6)}) AND ({key}) <= ({_places(6)})"
    while held := conn.execute(page, after).fetchall():
        fill = f"UPDATE oms_holders h SET due = ({due}) WHERE {upto} AND EXISTS ({due})"
        conn.execute(fill, (*after, *held[-1]))
        after = held[-1]
        yield
    for statement in _V5_END:
        conn.execute(statement)


_V5_END = (
    "DROP TABLE oms_journal",
    "ALTER TABLE oms_journal_new RENAME TO oms_journal",
    "CREATE INDEX oms_journal_order ON oms_journal (tenant, recorded_at)",
    "DROP TABLE oms_claims",
    "ALTER TABLE oms_claims_new RENAME TO oms_claims",
    # Only what is held now can run out, and of that a row stands here until it is settled.
    "DROP INDEX oms_reservations_due",
    "CREATE INDEX oms_holders_due ON oms_holders (tenant, due, id)",
)
_BATCH = 1_000


def _places(n: int) -> str:
    return ", ".join(["%s"] * n)


def _behind(conn: Any, columns: str, table: str, key: str) -> tuple[str, tuple[Any, ...]]:
    """A question for the next rows of an old table, in the order of their key, behind those that the new one has."""
    last = ", ".join(f"{column} DESC" for column in key.split(", "))
    newest = conn.execute(f"SELECT {key} FROM {table}_new ORDER BY {last} LIMIT 1").fetchone() or ()
    where = f"WHERE ({key}) > ({_places(len(newest))})" if newest else ""
    return f"SELECT {columns} FROM {table} {where} ORDER BY {key} LIMIT {_BATCH}", newest


Step = tuple[str, ...] | Callable[[Any], Iterator[None]]
# Version 3 seals texts, which older versions could not read; the rows that are there need no change.
STEPS: tuple[Step, ...] = (_V1, _v2, (), _V4, _v5)
"""What to run to come from version i to i + 1; only ever added to.

Statements run in a transaction of their own; what a function does up to a `yield` is one, and begins where it was.
"""


def taken(conn: Any, step: Step) -> Iterator[None]:
    """Run a step; each `yield` is where what was done so far may be committed."""
    if callable(step):
        yield from step(conn)
        return
    for statement in step:
        conn.execute(statement)


# Every transaction asks this first. It ends in an error where a newer version has changed the tables, and it keeps that
# from happening before COMMIT, because whoever changes them must lock oms_schema against all who have read it.
CHECK_VERSION = "SELECT 1 / CASE WHEN max(version) = %s THEN 1 ELSE 0 END FROM oms_schema"
READ_VERSION = "SELECT max(version) FROM oms_schema"
# Above READ COMMITTED a transaction sees what was committed before its first statement, which must not wait for a
# change of the tables: LOCK waits before it looks.
AWAIT_CHANGE = "LOCK TABLE oms_schema IN ACCESS SHARE MODE"
# Whoever began to look before a change finds oms_schema empty behind it: TRUNCATE, and nothing else, is seen at once.
SET_VERSION = ("TRUNCATE oms_schema", "INSERT INTO oms_schema (version) VALUES (%s)")
BEGIN_CHANGE = "LOCK TABLE oms_schema IN ACCESS EXCLUSIVE MODE"


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
        self.behind = f"{start} AND ({order}) > ({_places(self.width)}) {end} LIMIT %s"


NEWEST = (
    "SELECT current_timestamp, "
    "(SELECT recorded_at FROM oms_journal WHERE tenant = %s ORDER BY recorded_at DESC LIMIT 1), "
    "(SELECT recorded_at FROM oms_log WHERE tenant = %s ORDER BY recorded_at DESC LIMIT 1)"
)
READ_CLAIM = "SELECT fingerprint, result FROM oms_claims WHERE tenant = %s AND key = %s"
READ_CLAIMS = "SELECT key, fingerprint, result FROM oms_claims WHERE tenant = %s AND key > %s ORDER BY key LIMIT %s"
ADD_CLAIM = "INSERT INTO oms_claims (tenant, key, fingerprint, result) VALUES (%s, %s, %s, %s)"

_STATE = f"{_FIGURES}, recorded_at, turn, digest"
READ_CELL = f"SELECT {_STATE} FROM oms_cells WHERE {_IS_CELL}"
READ_CELLS = f"SELECT {_CELL}, {_STATE} FROM oms_cells WHERE tenant = %s AND item = %s ORDER BY node, pool, lot"
READ_ALL_CELLS = (
    f"SELECT {_CELL}, {_FIGURES} FROM oms_cells WHERE tenant = %s AND ({_CELL}) > (%s, %s, %s, %s) "
    f"ORDER BY {_CELL} LIMIT %s"
)
ADD_CELL = (
    f"INSERT INTO oms_cells ({_STATE}, tenant, {_CELL}) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
# Any other version than the one that was read violates NOT NULL, and so ends the transaction.
SET_CELL = (
    f"UPDATE oms_cells SET {', '.join(f'{bucket} = %s' for bucket in _BUCKETS)}, "
    "version = CASE WHEN version = %s THEN %s END, recorded_at = %s, turn = %s, digest = %s "
    f"WHERE {_IS_CELL}"
)
HURRY: tuple[str, tuple[Any, ...]] = ("SET LOCAL lock_timeout = 1", ())
LOCK_CELL = f"SELECT version FROM oms_cells WHERE {_IS_CELL} FOR UPDATE"

ADD_ENTRY = f"INSERT INTO oms_journal (tenant, {_CELL}, {_ENTRY}, turn) VALUES ({_places(14)})"
READ_JOURNAL = Paged("oms_journal", f"recorded_at, turn, {_CELL}, seq", "move, units, cause, reservation, rare, digest")
READ_JOURNAL_OF_CELL = f"SELECT {_ENTRY} FROM oms_journal WHERE {_IS_CELL} AND seq > %s ORDER BY seq LIMIT %s"
ADD_SNAPSHOT = (
    f"INSERT INTO oms_snapshots (tenant, {_CELL}, {_FIGURES}) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
READ_SNAPSHOTS = f"SELECT {_FIGURES} FROM oms_snapshots WHERE {_IS_CELL}"
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
ADD_HOLDER = f"INSERT INTO oms_holders (tenant, {_CELL}, id, due) VALUES (%s, %s, %s, %s, %s, %s, %s)"
DROP_HOLDER = f"DELETE FROM oms_holders WHERE {_IS_CELL} AND id = %s"

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
