"""What a SQLite store remembers from one command to the next is never older than the file."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta

import pytest

from omscore.adapters import SqliteStore
from omscore.adapters._waiting import Job
from omscore.errors import Corrupt, InsufficientStock, SchemaMismatch
from omscore.inventory import BUCKETS, MOVES, Cell, Figures, Movement, Want, as_of, receive, reserve, verify
from omscore.ports import Transaction
from tests.stores.conftest import Opener

A = Cell("A", "ghent")


def taken(key: str, units: int = 1) -> Job:
    return Job(lambda t: reserve(t, key, [Want("A", units)], cause=key))


def damaged_and_dead(t: Transaction) -> None:
    t.post([Movement(A, "free", "damaged", 1, "damage", "k")], {})
    raise RuntimeError("died")


def free_units(store: SqliteStore) -> int:
    return store.run(lambda t: t.figures([A])[A].free, write=False)


def test_what_another_handle_took_is_seen_before_anything_is_promised(opened: Opener) -> None:
    one, other = opened(), opened()
    one.run(lambda t: receive(t, {A: 4}, cause="dock-1"))
    for i in range(4):
        (one, other)[i % 2].run(taken(f"ord-{i}").work)
    for store in (one, other):
        with pytest.raises(InsufficientStock):
            store.run(taken("late").work)
    assert one.run(verify, write=False).findings == ()
    assert [e.movement.cause for e in other.run(lambda t: t.journal())] == [
        "dock-1",
        "ord-0",
        "ord-1",
        "ord-2",
        "ord-3",
    ]


def test_what_a_host_committed_on_a_connection_of_its_own_is_seen(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 2}, cause="dock-1"))
    host = sqlite3.connect(store._path, isolation_level=None)
    host.execute("BEGIN IMMEDIATE")
    store.joined(host).run(taken("ord-1", 2).work)
    host.execute("COMMIT")
    host.close()
    with pytest.raises(InsufficientStock):
        store.run(taken("ord-2").work)


def test_what_was_rolled_back_is_not_remembered(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 2}, cause="dock-1"))
    with pytest.raises(RuntimeError, match="died"):
        store.run(damaged_and_dead)
    store.run(taken("ord-1", 2).work)
    assert free_units(store) == 0
    assert store.run(verify, write=False).findings == ()


def test_a_verb_first_used_by_a_job_that_died_is_written_anew(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    jobs = [
        Job(damaged_and_dead),
        taken("ord-1"),
        Job(lambda t: t.post([Movement(A, "free", "damaged", 2, "damage", "d")], {})),
    ]
    store._perform(jobs)
    assert isinstance(jobs[0].error, RuntimeError)
    assert [job.error for job in jobs[1:]] == [None, None]
    last = store.run(lambda t: t.journal(), write=False)[-1].movement
    assert (last.verb, last.source, last.target, last.units) == ("damage", "free", "damaged", 2)
    assert store.run(verify, write=False).findings == ()


@pytest.mark.parametrize("wrote", [False, True])
def test_a_group_is_one_commit_whoever_is_refused_in_it(opened: Opener, wrote: bool) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 3}, cause="dock-1"))
    jobs = [taken("ord-1"), Job(damaged_and_dead) if wrote else taken("greedy", 9), taken("ord-2"), taken("ord-3")]
    statements: list[str] = []
    store._writer.set_trace_callback(statements.append)
    store._perform(jobs)
    store._writer.set_trace_callback(None)
    assert [type(job.error).__name__ for job in jobs] == [
        "NoneType", "RuntimeError" if wrote else "InsufficientStock", "NoneType", "NoneType"
    ]  # fmt: skip
    assert statements.count("COMMIT") == 1
    assert statements.count("SAVEPOINT job") == (4 if wrote else 0)
    assert free_units(store) == 0
    assert store.run(verify, write=False).findings == ()


def test_cells_that_cannot_be_read_are_corrupt_to_every_command_of_a_group(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    host = sqlite3.connect(store._path, isolation_level=None)
    host.execute("UPDATE oms_cells SET free = 'nine'")
    host.close()
    jobs = [taken("ord-1"), taken("ord-2")]
    store._perform(jobs)
    assert [type(job.error) for job in jobs] == [Corrupt, Corrupt]


def test_tables_that_a_newer_version_changed_meanwhile_are_written_no_more(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    newer = sqlite3.connect(store._path)
    newer.execute("INSERT INTO oms_schema (version) VALUES (99)")
    newer.commit()
    newer.close()
    for work in (taken("ord-1").work, lambda t: t.put("note", "n-1", "hello", version=0)):
        with pytest.raises(SchemaMismatch, match="schema version 99"):
            store.run(work)
        host = sqlite3.connect(store._path, isolation_level=None)
        host.execute("BEGIN IMMEDIATE")
        with pytest.raises(SchemaMismatch, match="schema version 99"):
            store.joined(host).run(work)
        host.execute("ROLLBACK")
        host.close()
    assert free_units(store) == 9


def test_a_cell_that_a_group_moves_often_is_written_once(opened: Opener) -> None:
    store = opened()
    store.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    statements: list[str] = []
    store._writer.set_trace_callback(statements.append)
    store._perform([taken(f"ord-{i}") for i in range(9)])
    store._writer.set_trace_callback(None)
    assert sum(s.startswith("UPDATE oms_cells") for s in statements) == 1
    assert sum(s.startswith("INSERT INTO oms_journal") for s in statements) == 9
    assert free_units(store) == 0
    assert store.run(verify, write=False).findings == ()


def test_what_any_move_changes_of_a_cell_is_written_be_it_alone_or_one_of_more(opened: Opener) -> None:
    store, other = opened(durability="process-crash"), opened()
    every = [Movement(A, source, target, 1, verb, "k") for verb in MOVES for source, target in MOVES[verb]]
    store.run(lambda t: t.post([Movement(A, "adjustment", bucket, 99, "count", "k") for bucket in BUCKETS], {}))

    def seen(t: Transaction) -> Figures:
        return t.figures([A])[A]

    def look() -> None:
        figures = other.run(seen, write=False)
        assert figures == store.run(seen) == store.run(lambda t: as_of(t, A, figures.version), write=False)

    for movement in every:
        store.run(lambda t, m=movement: t.post([m], {}))  # type: ignore[misc]
        look()

    def one_by_one(t: Transaction) -> None:
        for movement in every:
            t.post([movement], {})

    store.run(one_by_one)
    look()
    store.run(lambda t: t.post(every, {}))
    look()


_LOOKS: dict[str, Callable[[Transaction], object]] = {
    "cells": lambda t: t.cells()[0][1].reserved == 1,
    "cells_of": lambda t: t.cells_of("A")[0][1].reserved == 1,
    "figures": lambda t: t.figures([A])[A].reserved == 1,
    "reservation": lambda t: t.reservation("ord-1").held == {(A, "reserved"): 1},  # type: ignore[union-attr]
    "reservations": lambda t: [r.id for r in t.reservations()] == ["ord-1"],
    "reservations_at": lambda t: [r.id for r in t.reservations_at(A)] == ["ord-1"],
    "reservations_due": lambda t: [r.id for r in t.reservations_due(t.now(), cell=A)] == ["ord-1"],
    "all due": lambda t: [r.id for r in t.reservations_due(t.now())] == ["ord-1"],
    "journal": lambda t: [e.movement.cause for e in t.journal()] == ["dock-1", "ord-1"],
    "of a cell": lambda t: [e.movement.cause for e in t.journal(A)] == ["dock-1", "ord-1"],
    "as_of": lambda t: as_of(t, A, 2).reserved == 1,
    "claimed": lambda t: t.claimed("key") == ("f", "done"),
}


@pytest.mark.parametrize("look", _LOOKS)
def test_a_command_of_a_group_sees_what_those_before_it_did_wherever_it_looks_first(opened: Opener, look: str) -> None:
    def first(t: Transaction) -> None:
        reserve(t, "ord-1", [Want("A", 1)], cause="ord-1", expires_in=timedelta(0))
        t.claim("key", "f", "done")

    store = opened()
    store.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    jobs = [Job(first), Job(_LOOKS[look])]
    store._perform(jobs)
    assert [(job.error, job.result) for job in jobs] == [(None, None), (None, True)]
