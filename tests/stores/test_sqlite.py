"""What the SQLite store promises beyond the others: files, processes, crashes."""

import fcntl
import multiprocessing
import os
import sqlite3
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from omscore.adapters import SqliteStore, sqlite
from omscore.adapters._relink import _link_v1
from omscore.adapters._sqlite_schema import STEPS, prepare, schema_version
from omscore.adapters._waiting import LockFile
from omscore.errors import Busy, Corrupt, InvalidValue, ReadOnly, SchemaMismatch
from omscore.inventory import Cell, Want, receive, reserve, verify
from omscore.kernel import ManualClock
from omscore.ports import Transaction
from tests.stores.conftest import Opener

A = Cell("A", "ghent")


def reserve_one(store: SqliteStore, key: str) -> object:
    def work(t: Transaction) -> object:
        found = t.claimed(key)
        if found:
            return found[1]
        result = reserve(t, f"ord-{key}", [Want("A", 1)], cause=key, expires_in=timedelta(minutes=5))
        t.claim(key, "fingerprint", result)
        return result

    return store.run(work)


def test_a_single_line_reserve_takes_at_most_six_statements(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    reserve_one(store, "warm")
    statements: list[str] = []
    store._writer.set_trace_callback(statements.append)
    reserve_one(store, "web-1")
    store._writer.set_trace_callback(None)
    begin = statements.index("BEGIN IMMEDIATE")
    assert statements[-1] == "COMMIT"
    assert len(statements[begin + 1 : -1]) <= 6


def test_a_replay_takes_no_lock(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    first = reserve_one(store, "web-1")
    holder = sqlite3.connect(store._path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert reserve_one(store, "web-1") == first
    holder.execute("ROLLBACK")
    holder.close()


def test_whoever_opens_the_file_again_finds_everything(opened: Opener, clock: ManualClock) -> None:
    first = opened()
    first.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    reserve_one(first, "web-1")
    first.close()
    again = opened(clock=ManualClock(clock.now() - timedelta(days=1)))
    assert again.run(lambda t: t.figures([A])[A].reserved) == 1
    assert again.run(lambda t: t.now()) == clock.now()


def test_two_handles_on_one_file_share_one_time(opened: Opener, clock: ManualClock) -> None:
    ahead, behind = opened(), opened(clock=ManualClock(clock.now() - timedelta(hours=1)))
    assert behind.run(lambda t: t.now()) == clock.now() - timedelta(hours=1)
    ahead.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    reserve_one(behind, "web-1")
    assert {e.recorded_at for e in behind.run(lambda t: t.journal())} == {clock.now()}
    assert behind.run(lambda t: t.now(), write=False) == clock.now()


def test_tenants_in_one_file_do_not_see_each_other(opened: Opener) -> None:
    stores = [opened(tenant=name) for name in ("", "north", "south")]
    for units, store in enumerate(stores, 1):
        store.run(lambda t, n=units: receive(t, {A: n, Cell("B", "x"): n}, cause="dock-1"))  # type: ignore[misc]
        store.run(lambda t, n=units: t.append("order", "o1", [n], cause="k"))  # type: ignore[misc]
        reserve_one(store, "web-1")
    for units, store in reversed(list(enumerate(stores, 1))):
        assert store.run(lambda t: t.figures([A])[A].free) == units - 1
        assert store.run(lambda t: [e.movement.units for e in t.journal()]) == [units, units, 1]
        assert store.run(lambda t: [e.event for e in t.log()]) == [units]
        assert store.run(lambda t: [r.id for r in t.reservations_at(A)]) == ["ord-web-1"]


def test_a_file_of_a_newer_version_is_refused(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    store.close()
    conn = sqlite3.connect(store._path)
    conn.execute("INSERT INTO oms_schema (version) VALUES (99)")
    conn.commit()
    conn.close()
    with pytest.raises(SchemaMismatch, match="schema version 99"):
        opened()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_bytes(b"these are the notes of a meeting, at length\n" * 99)
    with pytest.raises(Corrupt, match="no SQLite database"):
        SqliteStore(tmp_path / "shop.db")


def test_a_lock_that_never_comes_free_is_busy(opened: Opener) -> None:
    store = opened(patience_s=0.05)
    holder = sqlite3.connect(store._path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy):
        store.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    holder.execute("ROLLBACK")
    holder.close()
    store.run(lambda t: receive(t, {A: 9}, cause="dock-1"))


def test_the_lock_file_is_waited_for_no_longer_than_patience_lasts(opened: Opener) -> None:
    holder, store = opened(), opened(patience_s=0.05)
    holder._queue.acquire(1)
    with pytest.raises(Busy):
        store.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    holder._queue.release()
    # Whoever lost patience has left the line, and keeps nobody waiting.
    holder.run(lambda t: receive(t, {A: 1}, cause="dock-0"))
    store.run(lambda t: receive(t, {A: 9}, cause="dock-2"))
    holder.run(lambda t: receive(t, {A: 9}, cause="dock-3"))
    assert store.run(lambda t: t.figures([A])[A].free) == 19


def test_whoever_gives_the_lock_back_cannot_take_it_before_the_one_who_waits(tmp_path: Path) -> None:
    eager, patient, watcher = (LockFile(str(tmp_path / "queue")) for _ in range(3))
    eager.acquire(1)
    waiting = Thread(target=patient.acquire, args=(10,))
    waiting.start()
    # Until the patient one stands in the gate.
    while True:
        try:
            fcntl.flock(watcher._gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            break
        fcntl.flock(watcher._gate, fcntl.LOCK_UN)
    eager.release()
    assert not eager._try()
    waiting.join(10)
    patient.release()
    eager.acquire(10)
    for one in (eager, patient, watcher):
        one.close()


def test_whoever_was_alone_for_long_goes_without_the_lock_file_for_a_few_turns_and_then_sees_who_waits(
    tmp_path: Path,
) -> None:
    alone, newcomer = (LockFile(str(tmp_path / "queue")) for _ in range(2))
    while not alone._spared:
        alone.acquire(1)
        alone.release()
    newcomer.acquire(1)
    for _ in range(8):
        alone.acquire(0.01)
        alone.release()
    with pytest.raises(Busy):
        alone.acquire(0.01)
    newcomer.release()
    # From here on it stands in line like everybody else.
    alone.acquire(1)
    assert not newcomer._try()
    alone.release()
    for one in (alone, newcomer):
        one.close()


def test_whoever_is_interrupted_between_gate_and_lock_leaves_the_gate_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped, next_one = (LockFile(str(tmp_path / "queue")) for _ in range(2))
    flock = fcntl.flock

    def pressed(file: int, how: int) -> None:
        if file == stopped._file and how & fcntl.LOCK_NB:
            raise KeyboardInterrupt
        flock(file, how)

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", pressed)
        with pytest.raises(KeyboardInterrupt):
            stopped.acquire(1)
        stopped.release()
    next_one.acquire(0.01)
    next_one.release()
    for one in (stopped, next_one):
        one.close()


def test_who_finds_the_file_locked_in_a_turn_without_the_lock_file_takes_it(opened: Opener) -> None:
    store, other = opened(patience_s=0.05), opened(patience_s=0.05)
    store.run(lambda t: receive(t, {A: 99}, cause="dock-1"))
    while not store._queue._spared:
        reserve_one(store, f"web-{store._queue._alone}")
    other._writer.execute("BEGIN IMMEDIATE")
    taken: list[bool] = []

    def look(t: Transaction) -> None:
        try:
            t.now()
        finally:
            taken.append(not other._queue._try())

    with pytest.raises(Busy):
        store.run(look)
    assert taken == [True]
    other._writer.execute("ROLLBACK")
    for _ in range(30):
        other.run(lambda t: receive(t, {A: 1}, cause="dock-2"))
        store.run(lambda t: receive(t, {A: 1}, cause="dock-3"))


def test_reading_does_not_write(opened: Opener) -> None:
    store = opened()
    with pytest.raises(ReadOnly):
        store.run(lambda t: receive(t, {A: 9}, cause="dock-1"), write=False)


def test_the_log_that_grew_behind_a_long_reader_shrinks_when_it_is_gone(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_LOG_BYTES_MAX", 300_000)
    store = opened(durability="process-crash")
    log = Path(f"{store._path}-wal")
    store._writer.execute("PRAGMA wal_autocheckpoint = 20")

    def work(key: str, rows: int) -> None:
        for i in range(rows):
            store.run(lambda t, i=i: t.put("note", f"{key}-{i}", "x" * 20_000, version=0))  # type: ignore[misc]

    reader = sqlite3.connect(store._path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM oms_records").fetchone()
    work("while", 40)
    grown = log.stat().st_size
    reader.execute("ROLLBACK")
    reader.close()
    work("after", 4)
    assert grown > 800_000
    assert log.stat().st_size <= 300_000


def test_numbers_beyond_64_bits_and_half_characters_are_refused(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 2**63 - 1}, cause="dock-1"))
    with pytest.raises(InvalidValue, match="more than any store can hold"):
        store.run(lambda t: receive(t, {A: 2**63 - 1}, cause="dock-2"))
    with pytest.raises(InvalidValue, match="half a character"):
        store.run(lambda t: t.claim("web-\ud800", "f", None))
    assert len(store.run(lambda t: t.journal())) == 1


def _shop(path: str, name: int, rounds: int) -> None:
    store = SqliteStore(path, durability="process-crash")
    for i in range(rounds):
        reserve_one(store, f"{name}-{i}")
    store.close()


def test_processes_share_one_file(opened: Opener) -> None:
    store = opened(clock=None)
    store.run(lambda t: receive(t, {A: 1_000}, cause="dock-1"))
    spawn = multiprocessing.get_context("spawn")
    others = [spawn.Process(target=_shop, args=(store._path, n, 40)) for n in range(3)]
    for other in others:
        other.start()
    for i in range(40):
        reserve_one(store, f"own-{i}")
    for other in others:
        other.join(30)
        assert other.exitcode == 0
    figures = store.run(lambda t: t.figures([A])[A], write=False)
    assert (figures.free, figures.reserved, figures.version) == (840, 160, 161)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_gets_connections_of_its_own(opened: Opener) -> None:
    store = opened(clock=None)
    store.run(lambda t: receive(t, {A: 10}, cause="dock-1"))
    child = multiprocessing.get_context("fork").Process(target=reserve_one, args=(store, "child"))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    reserve_one(store, "parent")
    assert store.run(lambda t: t.figures([A])[A].reserved) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_that_could_not_open_the_file_never_uses_its_parents_connection(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened()
    parents, connect = store._writer, SqliteStore._connect
    monkeypatch.setattr(sqlite, "_PROCESS", [-1])  # as after a fork
    monkeypatch.setattr(SqliteStore, "_connect", lambda *_: connect(store, "no number"))  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(TypeError):
            store.run(lambda t: receive(t, {A: 10}, cause="dock-1"))
    monkeypatch.setattr(SqliteStore, "_connect", connect)
    store.run(lambda t: receive(t, {A: 10}, cause="dock-1"))
    assert store._writer is not parents
    parents.close()


def test_an_older_file_is_brought_to_the_newest_tables_and_then_older_code_refuses_it(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    store.close()
    newer = (*STEPS, "CREATE TABLE oms_more (x INTEGER);\nINSERT INTO oms_more VALUES (7)")
    conn = sqlite3.connect(store._path, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        prepare(conn, steps=(*STEPS, "CREATE TABLE oms_more (x INTEGER);\nthis is no statement"))
    assert schema_version(conn) == len(STEPS)
    prepare(conn, steps=newer)
    prepare(conn, steps=newer)
    assert schema_version(conn) == len(newer)
    assert conn.execute("SELECT x FROM oms_more").fetchall() == [(7,)]
    assert conn.execute("SELECT free FROM oms_cells").fetchall() == [(9,)]
    conn.close()
    with pytest.raises(SchemaMismatch, match="upgrade omscore"):
        opened()


def as_version_1_wrote_it(path: str) -> None:
    """Turn a file of today into one of version 1, which had another formula for the chain."""
    conn = sqlite3.connect(path)
    conn.execute("DELETE FROM oms_schema WHERE version > 1")
    for no, *words in conn.execute("SELECT no, item, node, pool, lot FROM oms_cells").fetchall():
        digest = b""
        for row in conn.execute(
            "SELECT seq, recorded_at, source, target, units, verb, cause, reservation, effective_at, mirrors, digest "
            "FROM oms_journal JOIN oms_moves m ON m.no = move WHERE cell = ? ORDER BY seq",
            (no,),
        ).fetchall():
            digest = _link_v1(digest, Cell._make(words), row)
            conn.execute("UPDATE oms_journal SET digest = ? WHERE cell = ? AND seq = ?", (digest, no, row[0]))
        conn.execute("UPDATE oms_cells SET digest = ? WHERE no = ?", (digest, no))
    conn.commit()
    conn.close()


def test_version_1_keeps_the_formula_it_was_written_with() -> None:
    row = (1, 1_772_442_000_000_000, "supplier", "free", 10, "receive", "dock-7", "", None, 0, b"")
    assert _link_v1(b"", A, row).hex() == "107cd01ac545bd838675ceff770b1eac"


@pytest.mark.parametrize("changed", [False, True])
def test_a_file_of_version_1_is_chained_anew_and_stays_wrong_where_it_was_wrong(opened: Opener, changed: bool) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 9, Cell("B", "x", "web", "l1"): 2}, cause="dock-1"))
    for i in range(3):
        reserve_one(store, f"web-{i}")
    store.close()
    as_version_1_wrote_it(store._path)
    if changed:
        with sqlite3.connect(store._path) as conn:
            conn.execute("UPDATE oms_journal SET cause = 'web-9' WHERE cause = 'web-1'")
        conn.close()
    again = opened()
    found = again.run(verify, write=False).findings
    assert [f.facts["seq"] for f in found] == ([3] if changed else [])
    reserve_one(again, "web-3")
    assert len(again.run(verify, write=False).findings) == len(found)


def test_a_process_killed_half_way_through_a_migration_leaves_the_older_version(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    reserve_one(store, "web-1")
    store.close()
    as_version_1_wrote_it(store._path)

    def die(conn: sqlite3.Connection) -> None:
        STEPS[1](conn)  # type: ignore[operator]
        os._exit(9)

    def migrate() -> None:
        prepare(sqlite3.connect(store._path, isolation_level=None), steps=(STEPS[0], die))

    child = multiprocessing.get_context("fork").Process(target=migrate)
    child.start()
    child.join(30)
    assert child.exitcode == 9
    conn = sqlite3.connect(store._path)
    assert schema_version(conn) == 1
    conn.close()
    again = opened()
    assert again.run(verify, write=False).ok
    assert again.run(lambda t: t.figures([A])[A].reserved) == 1
