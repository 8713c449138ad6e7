"""What the PostgreSQL store promises beyond the others: many hosts, lost races, lost connections."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from threading import Event, Thread
from time import sleep
from typing import Any

import pytest

from omscore.adapters import PostgresStore, _postgres_blind
from omscore.adapters import _postgres_schema as schema
from omscore.adapters import _postgres_statements as statements
from omscore.adapters import postgres as module
from omscore.adapters._waiting import Job
from omscore.adapters.postgres import _Attempt
from omscore.errors import (
    Busy,
    DefinitionError,
    InsufficientStock,
    InvalidValue,
    ReadOnly,
    SchemaMismatch,
    StoreError,
    Unknown,
)
from omscore.inventory import Cell, Movement, Want, fingerprint, once, receive, reserve, verify
from omscore.kernel import ManualClock
from omscore.ports import Transaction
from tests.postgres import connect, database
from tests.stores.conftest import PostgresOpener

psycopg = pytest.importorskip("psycopg", reason="the extra postgres is not installed")

A = Cell("A", "ghent")


def reserve_one(store: PostgresStore, key: str) -> object:
    def work(t: Transaction) -> object:
        print_ = fingerprint("reserve", key)
        return once(t, key, print_, lambda: reserve(t, f"ord-{key}", [Want("A", 1)], cause=key))

    return store.run(work)


def stocked(store: PostgresStore, units: int = 9) -> PostgresStore:
    store.run(lambda t: receive(t, {A: units}, cause="dock-1"))
    return store


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What goes to the server, one text for each round trip."""
    sent: list[str] = []
    piped = _Attempt._piped

    def counted(self: _Attempt, statements: Sequence[Any]) -> list[Any]:
        sent.append("; ".join(statement for statement, _ in statements))
        return piped(self, statements)

    monkeypatch.setattr(_Attempt, "_piped", counted)
    return sent


@pytest.mark.parametrize("lines", [1, 4])
def test_a_reserve_of_any_number_of_lines_takes_three_round_trips(
    connected: PostgresOpener, trips: list[str], lines: int
) -> None:
    wants = [Want(f"SKU-{n}", 1) for n in range(lines)]
    store = connected()
    store.run(lambda t: receive(t, {Cell(want.item, "ghent"): 9 for want in wants}, cause="dock-1"))
    trips.clear()
    store.run(lambda t: once(t, "web-1", "f", lambda: reserve(t, "ord-1", wants, cause="web-1")))
    assert len(trips) == 3, trips
    assert store.run(lambda t: len(t.journal())) == 2 * lines


@pytest.fixture
def remembering(connected: PostgresOpener, monkeypatch: pytest.MonkeyPatch) -> PostgresStore:
    """A store that sends what it can in one round trip, on a machine that may be slow; it knows what A has."""
    monkeypatch.setattr(_postgres_blind, "FRESH_S", 1e9)
    monkeypatch.setattr(module, "FRESH_S", 1e9)
    store = stocked(connected(one_trip=True))
    reserve_one(store, "warm")
    return store


def test_a_reserve_from_cells_that_are_known_takes_one_round_trip(
    remembering: PostgresStore, connected: PostgresOpener, trips: list[str]
) -> None:
    trips.clear()
    for i in range(4):
        reserve_one(remembering, f"web-{i}")
    assert len(trips) == 4, trips
    other = connected()
    assert other.run(lambda t: t.figures([A])[A].reserved) == 5
    assert other.run(verify, write=False).ok


def test_what_is_remembered_is_never_believed_against_the_server(
    remembering: PostgresStore, connected: PostgresOpener
) -> None:
    other, first = connected(), reserve_one(remembering, "web-1")
    reserve_one(other, "web-2")
    assert reserve_one(remembering, "web-1") == first
    assert reserve_one(remembering, "web-2") == reserve_one(other, "web-2")
    # Sold out, as far as is remembered, until another host brings more.
    for i in range(6):
        reserve_one(remembering, f"more-{i}")
    with pytest.raises(InsufficientStock):
        reserve_one(remembering, "late")
    other.run(lambda t: receive(t, {A: 1}, cause="dock-2"))
    reserve_one(remembering, "late")
    with pytest.raises(InsufficientStock):
        reserve_one(other, "later")
    assert other.run(verify, write=False).ok


def test_an_owner_that_is_there_already_is_found_though_it_was_taken_for_new(remembering: PostgresStore) -> None:
    again = remembering.run(lambda t: reserve(t, "ord-warm", [Want("A", 3)], cause="web-9"))
    assert again.cells == {A: 3}
    assert remembering.run(lambda t: t.figures([A])[A].reserved) == 3


def test_hosts_that_remember_sell_no_unit_twice(remembering: PostgresStore, connected: PostgresOpener) -> None:
    hosts = [remembering, connected(one_trip=True)]
    done: list[str] = []

    def shop(name: int) -> None:
        for i in range(4):
            with suppress(InsufficientStock):
                reserve_one(hosts[name % 2], f"{name}-{i}")
                done.append(f"{name}-{i}")

    threads = [Thread(target=shop, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 8
    assert remembering.run(lambda t: t.figures([A])[A], write=False)[:2] == (0, 9)
    assert remembering.run(verify, write=False).ok


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_a_command_that_loses_a_race_at_commit_is_run_again(
    connected: PostgresOpener, monkeypatch: pytest.MonkeyPatch, sqlstate: str
) -> None:
    store = stocked(connected())
    lose = iter([True, True, False])
    runs = []
    piped = _Attempt._piped

    def losing(self: _Attempt, statements: Sequence[Any]) -> list[Any]:
        if statements[-1][0] == "COMMIT" and next(lose, False):
            piped(self, statements[:-1])
            raise psycopg.errors.lookup(sqlstate)("injected")
        return piped(self, statements)

    monkeypatch.setattr(_Attempt, "_piped", losing)

    def work(t: Transaction) -> None:
        runs.append(1)
        reserve(t, "ord-1", [Want("A", 1)], cause="web-1")

    store.run(work)
    assert len(runs) == 3
    assert store.run(lambda t: t.figures([A])[A].version) == 2


@pytest.mark.parametrize("arrived", [True, False])
def test_a_lost_reply_to_commit_is_unknown_and_the_same_key_settles_it(
    connected: PostgresOpener, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    store = stocked(connected())
    piped = _Attempt._piped

    def breaking(self: _Attempt, statements: Sequence[Any]) -> list[Any]:
        if statements[-1][0] == "COMMIT":
            monkeypatch.undo()
            if arrived:
                piped(self, statements)
            self._conn.close()
        return piped(self, statements)

    monkeypatch.setattr(_Attempt, "_piped", breaking)
    with pytest.raises(Unknown, match="same key"):
        reserve_one(store, "web-1")
    assert store.run(lambda t: t.claimed("web-1") is not None) is arrived
    reserve_one(store, "web-1")
    reserve_one(store, "web-1")
    assert store.run(lambda t: t.figures([A])[A].reserved) == 1


def test_a_lost_reply_for_a_group_leaves_nobody_refused_for_what_may_not_have_happened(
    connected: PostgresOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = stocked(connected(), 1)
    piped = _Attempt._piped

    def breaking(self: _Attempt, statements: Sequence[Any]) -> list[Any]:
        if statements[-1][0] == "COMMIT":
            monkeypatch.undo()
            self._conn.close()
        return piped(self, statements)

    monkeypatch.setattr(_Attempt, "_piped", breaking)
    jobs = [Job(lambda t, i=i: reserve(t, f"ord-{i}", [Want("A", 1)], cause=f"{i}")) for i in range(2)]  # type: ignore[misc]
    store._together(jobs)
    assert [type(job.error) for job in jobs] == [Unknown, Unknown]
    # The first never reached the server, so there is one for the second.
    store._together(jobs[1:])
    assert jobs[1].error is None


def test_whoever_stops_a_command_that_waits_gets_out_and_the_store_goes_on(connected: PostgresOpener) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    store = stocked(connected())
    before = signal.signal(signal.SIGALRM, stop)
    try:
        with connect(store._conninfo) as holder, holder.transaction():
            holder.execute(statements.LOCK_CELL, (store._tenant, *A))
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):
                reserve_one(store, "web-1")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert store.run(lambda t: t.claimed("web-1"), write=False) is None
    reserve_one(store, "web-1")
    assert store.run(verify, write=False).ok


def test_a_connection_lost_before_commit_is_no_harm(connected: PostgresOpener) -> None:
    store = stocked(connected())

    def work(t: Transaction) -> None:
        t.figures([A])
        if not runs:
            with connect(store._conninfo) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE state = 'idle in transaction' AND datname = current_database()"
                )
        runs.append(1)
        reserve(t, "ord-1", [Want("A", 1)], cause="web-1")

    runs: list[int] = []
    store.run(work)
    assert len(runs) == 2
    assert store.run(lambda t: t.figures([A])[A].reserved) == 1


def test_what_the_server_refused_is_not_taken_for_done_by_a_command_that_goes_on(connected: PostgresOpener) -> None:
    store = connected()

    def swallowing(bad: str) -> Callable[[Transaction], None]:
        def work(t: Transaction) -> None:
            t.put("note", "n-1", "hello", version=0)
            t.find("note", "sent by now")
            with suppress(Exception):
                t.get("note", bad)

        return work

    for bad in ("n-\0", "n-\ud800"):
        with pytest.raises(InvalidValue):
            store.run(swallowing(bad))
        job, other = Job(swallowing(bad)), Job(lambda t: t.emit([]))
        store._together([job, other])
        assert isinstance(job.error, InvalidValue)
        assert other.error is None
    assert store.run(lambda t: t.get("note", "n-1"), write=False) is None


def test_a_command_whose_first_value_cannot_be_sent_is_in_a_transaction_all_the_same(connected: PostgresOpener) -> None:
    store = connected()

    def half(t: Transaction) -> None:
        t.put("note", "n-1", "hello", version=0)
        t.find("note", "sent by now")
        raise ZeroDivisionError

    def goes_on(t: Transaction) -> None:
        with suppress(UnicodeEncodeError):
            t.get("note", "\ud800")
        half(t)

    with pytest.raises(InvalidValue):
        store.run(goes_on)
    jobs = [Job(lambda t: t.get("note", "\ud800")), Job(half)]
    store._together(jobs)
    assert [type(job.error) for job in jobs] == [InvalidValue, ZeroDivisionError]
    assert store.run(lambda t: t.get("note", "n-1"), write=False) is None


def test_a_cell_that_is_read_twice_is_the_same_twice_or_the_command_is_run_again(connected: PostgresOpener) -> None:
    store, other = stocked(connected()), connected()
    seen: list[tuple[int, int]] = []

    def work(t: Transaction) -> None:
        first = t.figures([A])[A].free
        if not seen:
            thread = Thread(target=reserve_one, args=(other, "web-1"))
            thread.start()
            thread.join()
        seen.append((first, dict(t.cells_of("A"))[A].free))
        t.post([Movement(A, "free", "damaged", first, "damage", "all of it")], {})

    store.run(work)
    assert seen == [(9, 9), (8, 8)]
    assert store.run(verify, write=False).ok


def test_a_connection_that_a_pooler_reset_is_replaced(connected: PostgresOpener) -> None:
    store = stocked(connected())
    for pipe in store._idle:
        pipe._conn.execute("DISCARD ALL")
    reserve_one(store, "web-1")
    assert store.run(lambda t: t.figures([A])[A].reserved, write=False) == 1


def test_a_lock_timeout_that_the_server_calls_a_cancel_is_a_lost_race(
    connected: PostgresOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL says "canceling statement due to user request" where a lock is let go just when its timeout ends."""
    store = stocked(connected())
    # Not waiting for a held cell is what the first attempt does; here the server cancels it there instead.
    monkeypatch.setattr(statements, "HURRY", ("SELECT pg_cancel_backend(pg_backend_pid())", ()))
    reserve_one(store, "1")
    assert store.run(lambda t: t.figures([A])[A].reserved, write=False) == 1


def test_a_question_whose_commit_is_lost_is_asked_again(
    connected: PostgresOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = stocked(connected())
    piped = _Attempt._piped

    def breaking(self: _Attempt, statements: Sequence[Any]) -> list[Any]:
        if statements[-1][0] == "COMMIT":
            monkeypatch.undo()
            self._conn.close()
        return piped(self, statements)

    monkeypatch.setattr(_Attempt, "_piped", breaking)
    assert store.run(lambda t: t.figures([A])[A].free, write=False) == 9


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_works_whatever_the_parents_threads_were_at(connected: PostgresOpener) -> None:
    store = stocked(connected())
    with store._times:
        child = multiprocessing.get_context("fork").Process(target=reserve_one, args=(store, "web-1"))
        child.start()
        child.join(10)
        child.kill()
    assert child.exitcode == 0
    reserve_one(store, "web-2")
    assert store.run(lambda t: t.figures([A])[A].reserved, write=False) == 2


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_hosts_never_oversell_whatever_the_isolation(connected: PostgresOpener, isolation: str) -> None:
    stores = [connected(isolation=isolation, patience_s=30) for _ in range(4)]
    stocked(stores[0], 20)
    sold: list[str] = []
    refused: list[str] = []

    def shop(name: int, store: PostgresStore) -> None:
        for i in range(8):
            try:
                reserve_one(store, f"{name}-{i}")
                sold.append(f"ord-{name}-{i}")
            except InsufficientStock:
                refused.append(f"ord-{name}-{i}")

    threads = [Thread(target=shop, args=pair) for pair in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(sold), len(refused)) == (20, 12)
    journal = stores[0].run(lambda t: t.journal(A), write=False)
    assert [e.seq for e in journal] == list(range(1, 22))
    assert sorted(e.movement.reservation for e in journal[1:]) == sorted(sold)


def test_the_same_key_from_many_hosts_has_one_effect(connected: PostgresOpener) -> None:
    stores = [connected() for _ in range(4)]
    stocked(stores[0])
    answers: list[object] = []
    threads = [Thread(target=lambda s=s: answers.append(reserve_one(s, "web-1"))) for s in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert answers.count(answers[0]) == 4
    assert stores[0].run(lambda t: t.figures([A])[A].reserved) == 1


def test_orders_over_the_same_items_do_not_deadlock(connected: PostgresOpener, postgres: str) -> None:
    items = [f"SKU-{i}" for i in range(6)]
    stores = [connected(patience_s=30) for _ in range(3)]
    stores[0].run(lambda t: receive(t, {Cell(item, "ghent"): 500 for item in items}, cause="dock-1"))
    with connect(postgres) as conn:
        before = conn.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()

    def shop(name: int, store: PostgresStore) -> None:
        for i in range(10):
            wants = [Want(item, 1) for item in (items[(name + i + k) % 6] for k in (4, 1, 3))]
            store.run(lambda t: reserve(t, f"o-{name}-{i}", wants, cause="k"))  # noqa: B023 - runs now

    threads = [Thread(target=shop, args=pair) for pair in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    figures = stores[0].run(lambda t: [f for _, f in t.cells()], write=False)
    assert sum(f.reserved for f in figures) == 90
    with connect(postgres) as conn:
        after = conn.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert after == before


def test_a_cell_records_no_time_before_its_last(connected: PostgresOpener, clock: ManualClock) -> None:
    ahead, behind = connected(), connected(clock=ManualClock(clock.now() - timedelta(minutes=5)))
    stocked(ahead)
    reserve_one(behind, "web-1")
    assert {e.recorded_at for e in behind.run(lambda t: t.journal())} == {clock.now()}
    assert behind.run(lambda t: t.now(), write=False) == clock.now()


def test_without_a_clock_the_server_tells_the_time(connected: PostgresOpener, postgres: str) -> None:
    store = connected(clock=None)
    with connect(postgres) as conn:
        (server,) = conn.execute("SELECT current_timestamp").fetchone()
    assert server <= store.run(lambda t: t.now()) < server + timedelta(minutes=1)


def test_reading_does_not_write_and_sees_one_moment(connected: PostgresOpener) -> None:
    store, other = connected(), connected()
    stocked(store)
    with pytest.raises(ReadOnly):
        store.run(lambda t: receive(t, {A: 9}, cause="dock-1"), write=False)

    def work(t: Transaction) -> tuple[int, int]:
        first = t.figures([A])[A].free
        thread = Thread(target=reserve_one, args=(other, "web-1"))
        thread.start()
        thread.join()
        return first, len(t.journal(A))

    assert store.run(work, write=False) == (9, 1)


def test_values_the_server_cannot_hold_are_refused(connected: PostgresOpener) -> None:
    store = stocked(connected())
    for key in ("web-\0", "web-\ud800"):
        with pytest.raises(InvalidValue):
            store.run(lambda t, k=key: t.claim(k, "f", None))  # type: ignore[misc]
    reserve_one(store, "web-1")


def test_tables_of_a_newer_version_are_refused(postgres: str) -> None:
    with database(postgres) as own:
        PostgresStore(own).close()
        with connect(own) as conn:
            conn.execute("INSERT INTO oms_schema (version) VALUES (99)")
        with pytest.raises(SchemaMismatch, match="schema version 99"):
            PostgresStore(own)


@pytest.mark.parametrize("isolation", ["read committed", "serializable"])
def test_tables_that_a_newer_version_changed_meanwhile_are_used_no_more(postgres: str, isolation: Any) -> None:
    with database(postgres) as own:
        store = stocked(PostgresStore(own, isolation=isolation, one_trip=True))
        reserve_one(store, "warm")
        with connect(own) as conn, conn.transaction():
            conn.execute("INSERT INTO oms_schema (version) VALUES (99)")
            joined = store.joined(conn)
            with pytest.raises(SchemaMismatch, match="upgrade omscore"):
                joined.run(lambda t: reserve(t, "ord-host", [Want("A", 1)], cause="host"))
        commands: list[Callable[[Transaction], object]] = [
            lambda t: reserve(t, "ord-1", [Want("A", 1)], cause="web-1"),
            lambda t: t.put("note", "n-1", "hello", version=0),
        ]
        for command in commands:
            with pytest.raises(SchemaMismatch, match="upgrade omscore"):
                store.run(command)
        with pytest.raises(SchemaMismatch):
            reserve_one(store, "web-2")
        with pytest.raises(SchemaMismatch):
            store.run(lambda t: t.figures([A]), write=False)
        with connect(own) as conn:
            conn.execute("DELETE FROM oms_schema WHERE version = 99")
        assert store.run(lambda t: (t.figures([A])[A].free, t.get("note", "n-1"))) == (8, None)
        store.close()


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_no_command_is_under_way_while_the_tables_are_changed(postgres: str, isolation: Any) -> None:
    begun, changing = Event(), Event()
    refused: list[str] = []

    def change(conn: Any) -> Iterator[None]:
        yield from ()
        changing.set()
        sleep(0.1)  # the late command comes meanwhile
        conn.execute("UPDATE oms_cells SET quarantine = free")

    def upgrade() -> None:
        begun.wait()
        with connect(own) as conn:
            schema.prepare(conn, (*schema.STEPS, change))

    def early(t: Transaction) -> None:
        reserve(t, "ord-early", [Want("A", 1)], cause="early")
        begun.set()
        sleep(0.1)  # a slow client, for whom the change has to wait
        assert not changing.is_set()

    def late() -> None:
        changing.wait()
        try:
            store.run(lambda t: t.put("note", "late", "in the old form", version=0))
        except SchemaMismatch:
            refused.append("late")

    with database(postgres) as own:
        store = stocked(PostgresStore(own, isolation=isolation))
        threads = [Thread(target=upgrade), Thread(target=late)]
        for thread in threads:
            thread.start()
        store.run(early)
        for thread in threads:
            thread.join()
        with connect(own) as conn:
            assert conn.execute("SELECT free, reserved, quarantine FROM oms_cells").fetchall() == [(8, 1, 8)]
        assert refused == ["late"]
        store.close()


def test_two_hosts_may_make_the_tables_at_once(postgres: str) -> None:
    with database(postgres) as own:
        stores: list[PostgresStore] = []
        threads = [Thread(target=lambda: stores.append(PostgresStore(own))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(stores) == 4
        for store in stores:
            store.close()


def test_a_server_that_is_not_there_is_said_so() -> None:
    with pytest.raises(StoreError, match="cannot be reached"):
        PostgresStore("host=/nowhere dbname=none")
    with pytest.raises(DefinitionError, match="isolation is one of"):
        PostgresStore("", isolation="chaos")  # type: ignore[arg-type]


def test_more_commands_than_connections_wait_their_turn(connected: PostgresOpener) -> None:
    store = stocked(connected(connections_max=1, patience_s=0.2))
    busy: list[str] = []

    def other() -> None:
        try:
            reserve_one(store, "web-1")
        except Busy as error:
            busy.append(str(error))

    def work(t: Transaction) -> None:
        thread = Thread(target=other)
        thread.start()
        thread.join()

    store.run(work)
    assert len(busy) == 1


def connections(postgres: str, name: str, *, expected: int) -> int:
    """How many the server has, which takes a moment to see that one was closed."""
    found = -1
    with connect(postgres) as conn:
        for _ in range(200):
            count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
            (found,) = conn.execute(count, (name,)).fetchone()
            if found == expected:
                break
            sleep(0.01)
    return found


@pytest.mark.parametrize("one_trip", [False, True])
def test_a_store_that_is_closed_under_way_answers_every_command_truly_and_leaves_no_connection(
    postgres: str, one_trip: bool
) -> None:
    name = f"closing-{one_trip}"
    own = psycopg.conninfo.make_conninfo(postgres, application_name=name)
    store = stocked(PostgresStore(own, tenant=name, connections_max=3, one_trip=one_trip), 1_000)
    done: list[str] = []
    refused: list[str] = []

    def shop(name: int) -> None:
        for i in range(1_000):
            try:
                reserve_one(store, f"{name}-{i}")
                done.append(f"ord-{name}-{i}")
            except StoreError as error:
                refused.append(str(error))
                return

    threads = [Thread(target=shop, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    while len(done) < 8:
        sleep(0.001)
    store.close()
    assert connections(postgres, name, expected=0) == 0
    for thread in threads:
        thread.join()
    assert len(refused) == 8
    assert all("was closed" in text for text in refused)
    after = PostgresStore(postgres, tenant=name)
    journal = after.run(lambda t: t.journal(A), write=False)
    assert sorted(e.movement.reservation for e in journal[1:]) == sorted(done)
    after.close()


def test_closing_waits_for_a_command_that_is_under_way_as_long_as_its_patience(postgres: str) -> None:
    own = psycopg.conninfo.make_conninfo(postgres, application_name="patient")
    for slow_s, left in ((0.05, 0), (0.4, 1)):
        store = PostgresStore(own, tenant=f"patient-{slow_s}", patience_s=0.2)
        begun, ended = Event(), Event()

        def slow(t: Transaction, slow_s: float = slow_s, begun: Event = begun) -> None:
            receive(t, {A: 9}, cause="dock-1")
            begun.set()
            sleep(slow_s)

        thread = Thread(target=lambda store=store, slow=slow, ended=ended: (store.run(slow), ended.set()))
        thread.start()
        begun.wait()
        store.close()
        assert ended.is_set() is not bool(left)
        assert connections(postgres, "patient", expected=left) == left
        thread.join()
        # It was done all the same, and has given its connection back to nobody.
        assert ended.is_set()
        assert connections(postgres, "patient", expected=0) == 0


def test_a_command_cannot_close_its_own_store(connected: PostgresOpener) -> None:
    store = stocked(connected())
    with pytest.raises(RuntimeError, match="close the store when it has ended"):
        store.run(lambda _: store.close())
    reserve_one(store, "web-1")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_that_closes_its_store_leaves_the_parents_connections_alone(connected: PostgresOpener) -> None:
    store = stocked(connected())
    (pipe,) = store._idle
    child = multiprocessing.get_context("fork").Process(target=store.close)
    child.start()
    child.join(10)
    assert child.exitcode == 0
    assert list(store._idle) == [pipe]
    reserve_one(store, "web-1")
    assert list(store._idle) == [pipe]


def test_commands_of_many_threads_are_committed_together_and_answered_one_by_one(
    connected: PostgresOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = stocked(connected(), 12)
    runs: list[int] = []
    run_all = _Attempt.run_all

    def counted(self: _Attempt, group: Sequence[Any]) -> None:
        runs.append(len(group))
        run_all(self, group)

    monkeypatch.setattr(_Attempt, "run_all", counted)
    store._crowded_until = float("inf")  # as after a lost race
    answers: dict[str, str] = {}

    def shop(name: int) -> None:
        for i in range(4):
            key = f"{name}-{i}"
            try:
                if i == 3:
                    store.run(lambda t: (reserve(t, "ord-x", [Want("A", 1)], cause="x"), 1 // 0))
                reserve_one(store, key)
                answers[key] = "done"
            except InsufficientStock:
                answers[key] = "refused"
            except ZeroDivisionError:
                answers[key] = "failed"

    threads = [Thread(target=shop, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(runs) > 1
    counts = {answer: list(answers.values()).count(answer) for answer in ("done", "refused")}
    assert counts["done"] == 12
    assert len(answers) == 24
    journal = store.run(lambda t: t.journal(A), write=False)
    reserved = sorted(e.movement.reservation for e in journal[1:])
    assert reserved == sorted(f"ord-{key}" for key, answer in answers.items() if answer == "done")


def test_older_tables_are_brought_to_the_newest(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with database(postgres) as own:
        first = stocked(PostgresStore(own))
        first.close()
        more = (("CREATE TABLE oms_more (x BIGINT)", "INSERT INTO oms_more VALUES (7)"),)
        monkeypatch.setattr(schema, "STEPS", schema.STEPS + more)
        for _ in range(2):
            newer = PostgresStore(own)
            assert newer.run(lambda t: t.figures([A])[A].free) == 9
            newer.close()
        monkeypatch.undo()
        with pytest.raises(SchemaMismatch, match="upgrade omscore"):
            PostgresStore(own)
