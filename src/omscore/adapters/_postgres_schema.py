"""The tables of a PostgreSQL store, and the steps from one version of them to the next.

Every key is made by the client and starts with the tenant, so that one tenant's rows can live on one shard. No
sequence, trigger, foreign key, advisory lock, partial index or temporary table.
"""

# ruff: noqa: S608 - built from the constants of this file

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from omscore.adapters._postgres_rows import SIDES, VERBS, WRONG
from omscore.adapters._relink import relinked
from omscore.adapters._seal import packed, sealed
from omscore.errors import SchemaMismatch
from omscore.inventory import Cell

# Order is that of the bytes, as in Python; PostgreSQL would follow the server's language otherwise.
_T = 'TEXT COLLATE "C" NOT NULL'
BUCKETS = ("free", "reserved", "allocated", "picked", "packed", "in_transit", "quarantine", "damaged")
FIGURES = ", ".join(BUCKETS) + ", version"
_COLUMNS = ", ".join(f"{bucket} BIGINT NOT NULL" for bucket in BUCKETS)
CELL = "item, node, pool, lot"
IS_CELL = "tenant = %s AND item = %s AND node = %s AND pool = %s AND lot = %s"
_CELL_COLUMNS = f"tenant {_T}, item {_T}, node {_T}, pool {_T}, lot {_T}"

# Times are microseconds since 1970. Where rows of many cells or records are read in recorded order, `recorded_at` and
# then `turn` give it; both rise within a cell and within a record.
_V1 = (
    f"""CREATE TABLE oms_cells ({_CELL_COLUMNS}, {_COLUMNS}, version BIGINT NOT NULL,
        recorded_at BIGINT NOT NULL, turn BIGINT NOT NULL, digest BYTEA NOT NULL,
        PRIMARY KEY (tenant, {CELL}), {", ".join(f"CHECK ({bucket} >= 0)" for bucket in BUCKETS)})""",
    f"""CREATE TABLE oms_journal ({_CELL_COLUMNS}, seq BIGINT NOT NULL,
        recorded_at BIGINT NOT NULL, turn BIGINT NOT NULL,
        verb {_T}, source {_T}, target {_T}, units BIGINT NOT NULL CHECK (units > 0), cause {_T}, reservation {_T},
        effective_at BIGINT, mirrors BIGINT NOT NULL, digest BYTEA NOT NULL, PRIMARY KEY (tenant, {CELL}, seq))""",
    "CREATE INDEX oms_journal_order ON oms_journal (tenant, recorded_at, turn)",
    f"""CREATE TABLE oms_snapshots ({_CELL_COLUMNS}, {_COLUMNS}, version BIGINT NOT NULL,
        PRIMARY KEY (tenant, {CELL}, version))""",
    f"""CREATE TABLE oms_reservations (tenant {_T}, id {_T}, version BIGINT NOT NULL, due BIGINT, value TEXT NOT NULL,
        PRIMARY KEY (tenant, id))""",
    "CREATE INDEX oms_reservations_due ON oms_reservations (tenant, due, id)",
    f"CREATE TABLE oms_holders ({_CELL_COLUMNS}, id {_T}, PRIMARY KEY (tenant, {CELL}, id))",
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
    f"FROM oms_journal WHERE {IS_CELL} AND seq > %s ORDER BY seq LIMIT 1000"
)


def _v2(conn: Any) -> Iterator[None]:
    """The chain by today's formula, all at once: of half of it nobody could tell which half."""
    yield from ()
    for where in conn.execute(f"SELECT tenant, {CELL} FROM oms_cells").fetchall():

        def page(after: int, where: tuple[str, ...] = where) -> list[tuple[Any, ...]]:
            rows: list[tuple[Any, ...]] = conn.execute(_V1_ENTRIES, (*where, after)).fetchall()
            return rows

        for found in relinked(Cell._make(where[1:]), page):
            rows = [(digest, *where, seq) for digest, seq in found]
            conn.cursor().executemany(f"UPDATE oms_journal SET digest = %s WHERE {IS_CELL} AND seq = %s", rows)
            conn.execute(f"UPDATE oms_cells SET digest = %s WHERE {IS_CELL}", rows[-1][:-1])


# Shorter rows. Columns of eight bytes come first, where no room is lost to bring them to a multiple of eight.
_ENTRY_KEY = f"tenant, {CELL}, seq"
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
        packs = [(tenant, key, of, packed(_with_seal(key, of, result))) for tenant, key, of, result in rows]
        add(f"INSERT INTO oms_claims_new (tenant, key, fingerprint, result) VALUES ({places(4)})", packs)
        yield
    key = f"tenant, {CELL}, id"
    after: tuple[Any, ...] = ("",) * 6
    # Nobody's first key is all empty: an item has a name.
    page = f"SELECT {key} FROM oms_holders WHERE ({key}) > ({places(6)}) ORDER BY {key} LIMIT {_BATCH}"
    due = "SELECT due FROM oms_reservations r WHERE r.tenant = h.tenant AND r.id = h.id AND due IS NOT NULL"
    upto = f"h.due IS NULL AND ({key}) > ({places(6)}) AND ({key}) <= ({places(6)})"
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


def _with_seal(key: str, fingerprint: str, result: str) -> str:
    """An answer with its seal, which those from before version 3 have not: what is packed is only read with one."""
    return result if "\n" in result else sealed(result, "key", key, fingerprint)


def places(n: int) -> str:
    return ", ".join(["%s"] * n)


def _behind(conn: Any, columns: str, table: str, key: str) -> tuple[str, tuple[Any, ...]]:
    """A question for the next rows of an old table, in the order of their key, behind those that the new one has."""
    last = ", ".join(f"{column} DESC" for column in key.split(", "))
    newest = conn.execute(f"SELECT {key} FROM {table}_new ORDER BY {last} LIMIT 1").fetchone() or ()
    where = f"WHERE ({key}) > ({places(len(newest))})" if newest else ""
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
BEGIN_CHANGE = "LOCK TABLE oms_schema IN ACCESS EXCLUSIVE MODE"


def prepare(conn: Any, steps: Sequence[Step]) -> None:
    """Bring the tables to the newest version; a newer one is refused."""
    conn.execute("CREATE TABLE IF NOT EXISTS oms_schema (version BIGINT PRIMARY KEY)")
    (version,) = conn.execute("SELECT coalesce(max(version), 0) FROM oms_schema").fetchone()
    newest = len(steps)
    if version > newest:
        raise SchemaMismatch(
            f"the store is at schema version {version}, this version of omscore reads up to {newest}; "
            "upgrade omscore, nothing was changed"
        )
    if not version:
        _make(conn, steps)
        return
    for number, step in enumerate(steps[version:], version + 1):
        _take(conn, number, taken(conn, step))


def _make(conn: Any, steps: Sequence[Step]) -> None:
    """Make all tables where there are none: at once, and with no lock, since nobody can have read them."""
    with conn.transaction():
        if conn.execute("SELECT 1 FROM oms_schema").fetchone():
            return  # another process came first
        for step in steps:
            for _ in taken(conn, step):
                pass
        conn.execute("INSERT INTO oms_schema (version) VALUES (%s)", (len(steps),))


def _take(conn: Any, number: int, work: Iterator[None]) -> None:
    """Come to a version of the tables, in one transaction or in several; killed between two, it goes on there."""
    more = True
    while more:
        with conn.transaction():
            conn.execute(BEGIN_CHANGE)
            if conn.execute("SELECT 1 FROM oms_schema WHERE version >= %s", (number,)).fetchone():
                return  # another process came first
            more = next(work, True) is None
            if not more:
                # Whoever began to look before finds no version: a TRUNCATE is seen at once, as no other write is.
                conn.execute("TRUNCATE oms_schema")
                conn.execute("INSERT INTO oms_schema (version) VALUES (%s)", (number,))
