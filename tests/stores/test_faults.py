"""Crashes, full disks and torn files: what was acknowledged is there, what was not is whole or absent."""

import multiprocessing
import os
import random
import signal
import sqlite3
import time
from typing import Any

import pytest

from omscore.adapters import SqliteStore
from omscore.adapters._waiting import Job
from omscore.errors import InvalidValue, StoreError, StoreFull
from omscore.inventory import Cell, Movement, Want, fingerprint, once, receive, reserve, verify
from omscore.ports import Store, Transaction
from tests.stores.conftest import Opener

A = Cell("A", "ghent")


def reserve_one(store: Store, key: str) -> object:
    def work(t: Transaction) -> object:
        return once(t, key, fingerprint(key), lambda: reserve(t, f"ord-{key}", [Want("A", 1)], cause=key))

    return store.run(work)


def wrong(store: Store) -> list[str]:
    """What does not add up: cells against journal and reservations, numbers, claims against effects."""

    def look(t: Transaction) -> list[str]:
        found = []
        journal = t.journal(A)
        figures = t.figures([A])[A]
        made = [e.movement.reservation for e in journal if e.movement.verb == "reserve"]
        received = sum(e.movement.units for e in journal if e.movement.verb == "receive")
        if [e.seq for e in journal] != list(range(1, len(journal) + 1)) or figures.version != len(journal):
            found.append("numbers")
        if (figures.free, figures.reserved) != (received - len(made), len(made)):
            found.append("figures")
        if sorted(r.id for r in t.reservations_at(A)) != sorted(made):
            found.append("reservations")
        found += [id_ for id_ in made if t.claimed(id_.removeprefix("ord-")) is None]
        return found

    return store.run(look, write=False)


def _until_killed(path: str, name: str, acknowledged: Any) -> None:
    store = SqliteStore(path)
    for i in range(1_000_000):
        reserve_one(store, f"{name}-{i}")
        acknowledged.send(f"{name}-{i}")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork and no SIGKILL")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_killed_at_any_moment_loses_nothing_it_acknowledged(opened: Opener) -> None:
    store = opened(clock=None)
    store.run(lambda t: receive(t, {A: 1_000_000}, cause="dock-1"))
    context = multiprocessing.get_context("fork")
    rng = random.Random(7)
    told: list[str] = []
    for round_ in range(6):
        children = []
        for c in range(2):
            here, there = context.Pipe(duplex=False)
            child = context.Process(target=_until_killed, args=(store._path, f"{round_}-{c}", there))
            child.start()
            there.close()
            children.append((child, here))
        time.sleep(0.03 + rng.random() * 0.15)
        for child, here in children:
            os.kill(child.pid or 0, signal.SIGKILL)
            child.join()
            try:
                while True:
                    told.append(here.recv())
            except (EOFError, OSError):
                here.close()
    assert told
    assert wrong(store) == []
    assert all(store.run(lambda t: [t.claimed(key) for key in told], write=False))


def test_a_full_disk_refuses_the_command_and_takes_the_next_when_there_is_room(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 1_000_000}, cause="dock-1"))
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages + 3}")
    for done in range(10_000):
        try:
            reserve_one(store, f"web-{done}")
        except StoreFull:
            break
    assert store.run(lambda t: t.figures([A])[A].reserved) == done
    assert wrong(store) == []
    store._writer.execute("PRAGMA max_page_count = 1000000")
    reserve_one(store, f"web-{done}")
    assert store.run(lambda t: t.figures([A])[A].reserved) == done + 1


def test_a_command_that_dies_inside_a_group_takes_nobody_along(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 10}, cause="dock-1"))

    def dies(t: Transaction) -> None:
        reserve(t, "ord-x", [Want("A", 5)], cause="x")
        raise ZeroDivisionError

    jobs = [Job(lambda t, i=i: reserve(t, f"ord-{i}", [Want("A", 1)], cause=f"{i}")) for i in range(3)]  # type: ignore[misc]
    jobs.insert(1, Job(dies))
    store._perform(jobs)
    assert isinstance(jobs[1].error, ZeroDivisionError)
    assert [job.error for job in jobs if job is not jobs[1]] == [None] * 3
    assert store.run(lambda t: [r.id for r in t.reservations_at(A)]) == ["ord-0", "ord-1", "ord-2"]


@pytest.mark.parametrize("word", [{"cause": "half \ud800"}, {"mirrors": 2**70}])
def test_a_command_whose_words_cannot_be_written_takes_nobody_along(opened: Opener, word: dict[str, Any]) -> None:
    store = opened()
    good = Movement(A, "supplier", "free", 1, "receive", "dock")
    jobs = [Job(lambda t, one=one: t.post([one], {})) for one in (good, good._replace(**word), good)]  # type: ignore[misc]
    store._perform(jobs)
    assert [type(job.error) for job in jobs] == [type(None), InvalidValue, type(None)]
    assert store.run(lambda t: t.figures([A])[A].free, write=False) == 2
    assert store.run(verify, write=False).ok


def test_a_group_that_meets_a_full_disk_tells_everybody(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 10_000}, cause="dock-1"))
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    jobs = [Job(lambda t, i=i: reserve(t, f"ord-{i}", [Want("A", 1)], cause=f"{i}")) for i in range(200)]  # type: ignore[misc]
    store._perform(jobs)
    done = [job for job in jobs if job.error is None]
    assert all(isinstance(job.error, StoreFull) for job in jobs if job.error)
    assert len(done) < 200
    assert store.run(lambda t: t.figures([A])[A].reserved) == len(done)


def test_whoever_was_refused_in_a_group_that_was_not_committed_is_told_so(opened: Opener) -> None:
    """The last unit was never sold: the second is not to believe that it was."""
    store = opened()
    store.run(lambda t: receive(t, {A: 1}, cause="dock-1"))
    jobs = [Job(lambda t, i=i: reserve(t, f"ord-{i}", [Want("A", 1)], cause=f"{i}")) for i in range(2)]  # type: ignore[misc]

    def no_commit(action: int, word: str | None, *_: object) -> int:
        never = action == sqlite3.SQLITE_TRANSACTION and word == "COMMIT"
        return sqlite3.SQLITE_DENY if never else sqlite3.SQLITE_OK

    store._writer.set_authorizer(no_commit)
    store._perform(jobs)
    store._writer.set_authorizer(None)
    assert [type(job.error) for job in jobs] == [StoreError, StoreError]
    store._perform(jobs[1:])
    assert jobs[1].error is None
    assert store.run(lambda t: t.figures([A])[A].reserved, write=False) == 1


def test_a_host_that_reads_with_plain_sql_cannot_write_a_wrong_figure(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 10}, cause="dock-1"))
    conn = sqlite3.connect(store._path)
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        conn.execute("UPDATE oms_cells SET reserved = -1")
    conn.close()
