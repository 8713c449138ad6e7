"""The tables of a SQLite store, and the steps from one version of them to the next."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

from omscore.adapters._relink import relinked
from omscore.errors import Corrupt, SchemaMismatch
from omscore.inventory import Cell

TENANT_SPAN = 1 << 40
"""How many rows of the journal, the log and the outbox one tenant may have: each tenant numbers its own from 1."""

# All names start with oms_, so that the tables can stand in a host's own database file. Times are microseconds since
# 1970. Numbers `n` start at tenant * TENANT_SPAN + 1 and have no gaps.
_V1 = """
CREATE TABLE oms_schema (version INTEGER PRIMARY KEY);
CREATE TABLE oms_tenants (no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE oms_moves (
    no INTEGER PRIMARY KEY, verb TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    UNIQUE (verb, source, target)
);
CREATE TABLE oms_cells (
    no INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL, item TEXT NOT NULL, node TEXT NOT NULL, pool TEXT NOT NULL, lot TEXT NOT NULL,
    free INTEGER NOT NULL, reserved INTEGER NOT NULL, allocated INTEGER NOT NULL, picked INTEGER NOT NULL,
    packed INTEGER NOT NULL, in_transit INTEGER NOT NULL, quarantine INTEGER NOT NULL, damaged INTEGER NOT NULL,
    version INTEGER NOT NULL, digest BLOB NOT NULL,
    UNIQUE (tenant, item, node, pool, lot),
    CHECK (min(reserved, allocated, picked, packed, in_transit, quarantine, damaged) >= 0)
);
CREATE TABLE oms_journal (
    n INTEGER PRIMARY KEY,
    cell INTEGER NOT NULL, seq INTEGER NOT NULL, recorded_at INTEGER NOT NULL, move INTEGER NOT NULL,
    units INTEGER NOT NULL CHECK (units > 0), cause TEXT NOT NULL, reservation TEXT NOT NULL, effective_at INTEGER,
    mirrors INTEGER NOT NULL, digest BLOB NOT NULL,
    UNIQUE (cell, seq)
);
CREATE TABLE oms_snapshots (
    cell INTEGER NOT NULL, version INTEGER NOT NULL,
    free INTEGER NOT NULL, reserved INTEGER NOT NULL, allocated INTEGER NOT NULL, picked INTEGER NOT NULL,
    packed INTEGER NOT NULL, in_transit INTEGER NOT NULL, quarantine INTEGER NOT NULL, damaged INTEGER NOT NULL,
    PRIMARY KEY (cell, version)
) WITHOUT ROWID;
CREATE TABLE oms_reservations (
    tenant INTEGER NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, due INTEGER, cell INTEGER, value TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX oms_reservations_due ON oms_reservations (tenant, due) WHERE due IS NOT NULL;
CREATE INDEX oms_reservations_cell ON oms_reservations (cell) WHERE cell IS NOT NULL;
-- A reservation's first cell stands in its own row; only further ones need rows here.
CREATE TABLE oms_holders (cell INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (cell, id)) WITHOUT ROWID;
CREATE TABLE oms_claims (
    tenant INTEGER NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, result TEXT NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE TABLE oms_records (
    no INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, entries TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (tenant, kind, id)
);
CREATE TABLE oms_indexes (
    tenant INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, sort TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, name, sort, id)
) WITHOUT ROWID;
CREATE TABLE oms_log (
    n INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL, cause TEXT NOT NULL, actor TEXT NOT NULL, event TEXT NOT NULL,
    UNIQUE (tenant, kind, id, seq)
);
CREATE TABLE oms_outbox (
    n INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL, id TEXT NOT NULL, topic TEXT NOT NULL, key TEXT NOT NULL, payload TEXT NOT NULL,
    due_at INTEGER, state TEXT NOT NULL, attempts INTEGER NOT NULL, error TEXT NOT NULL,
    until INTEGER, lease TEXT NOT NULL, leases INTEGER NOT NULL,
    UNIQUE (tenant, id)
);
CREATE INDEX oms_outbox_open ON oms_outbox (tenant, n) WHERE state IN ('waiting', 'leased');
CREATE INDEX oms_outbox_order ON oms_outbox (tenant, key, n) WHERE state IN ('waiting', 'leased');
CREATE INDEX oms_outbox_state ON oms_outbox (tenant, state, n) WHERE state NOT IN ('waiting', 'leased', 'done');
"""


_V1_ENTRIES = (
    "SELECT j.seq, j.recorded_at, m.source, m.target, j.units, m.verb, j.cause, j.reservation, j.effective_at, "
    "j.mirrors, j.digest FROM oms_journal j JOIN oms_moves m ON m.no = j.move "
    "WHERE j.cell = ? AND j.seq > ? ORDER BY j.seq LIMIT 1000"
)


def _v2(conn: sqlite3.Connection) -> None:
    for no, *words in conn.execute("SELECT no, item, node, pool, lot FROM oms_cells").fetchall():

        def page(after: int, no: int = no) -> list[tuple[Any, ...]]:
            return conn.execute(_V1_ENTRIES, (no, after)).fetchall()

        for found in relinked(Cell._make(words), page):
            rows = [(digest, no, seq) for digest, seq in found]
            conn.executemany("UPDATE oms_journal SET digest = ? WHERE cell = ? AND seq = ?", rows)
            conn.execute("UPDATE oms_cells SET digest = ? WHERE no = ?", rows[-1][:2])


Step = str | Callable[[sqlite3.Connection], None]
# Version 3 seals texts, which older versions could not read; the rows that are there need no change.
STEPS: tuple[Step, ...] = (_V1, _v2, "")
"""What to run to come from version i to i + 1; only ever added to. Each runs in a transaction of its own."""

VERSION = len(STEPS)
"""The version of the tables that this code reads and writes."""


def prepare(conn: sqlite3.Connection, *, steps: tuple[Step, ...] = STEPS) -> None:
    """Bring the tables to the newest version; a newer one is refused. Killed half-way, it goes on where it was."""
    version = schema_version(conn)
    if version == len(steps):
        return
    if version > len(steps):
        raise newer(version, len(steps))
    # Another process may have migrated while this one waited, so each step asks again.
    while (version := schema_version(conn)) < len(steps):
        conn.execute("BEGIN IMMEDIATE")
        try:
            if schema_version(conn) == version:
                _take(conn, steps[version])
                conn.execute("INSERT INTO oms_schema (version) VALUES (?)", (version + 1,))
            conn.execute("COMMIT")
        except BaseException:
            if conn.in_transaction:
                conn.execute("ROLLBACK")
            raise


def newer(version: int, known: int = VERSION) -> SchemaMismatch:
    """The refusal of tables that a later version of omscore made, or changed while this one had them open."""
    return SchemaMismatch(
        f"the store is at schema version {version}, this version of omscore reads up to {known}; "
        "upgrade omscore, nothing was changed"
    )


def _take(conn: sqlite3.Connection, step: Step) -> None:
    if callable(step):
        step(conn)
        return
    for statement in step.split(";\n"):
        if statement.strip():
            conn.execute(statement)


def schema_version(conn: sqlite3.Connection) -> int:
    """The version of the tables in a file; 0 when there are none."""
    if conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'oms_schema'").fetchone() is None:
        return 0
    return int(conn.execute("SELECT coalesce(max(version), 0) FROM oms_schema").fetchone()[0])


def definitions(conn: sqlite3.Connection) -> dict[str, str]:
    """What the tables and indexes of a file are defined as."""
    return dict(conn.execute("SELECT name, sql FROM sqlite_schema WHERE name LIKE 'oms\\_%' ESCAPE '\\'").fetchall())


def as_written() -> dict[str, str]:
    """What they are defined as in a file of the newest version in which nothing rotted."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
        for step in STEPS:
            _take(conn, step)
        return definitions(conn)


def tenant_number(conn: sqlite3.Connection, name: str) -> int:
    """The number that stands for a tenant in every key of a file."""
    found = conn.execute("SELECT no FROM oms_tenants WHERE name = ?", (name,)).fetchone()
    if found is None:
        conn.execute(
            "INSERT INTO oms_tenants (no, name) SELECT coalesce(max(no), -1) + 1, ?1 FROM oms_tenants "
            "WHERE NOT EXISTS (SELECT 1 FROM oms_tenants WHERE name = ?1)",
            (name,),
        )
        found = conn.execute("SELECT no FROM oms_tenants WHERE name = ?", (name,)).fetchone()
    if found is None or type(found[0]) is not int:
        raise Corrupt(f"the row of tenant {name!r} is not what was written; restore a backup, nothing is guessed")
    return found[0]
