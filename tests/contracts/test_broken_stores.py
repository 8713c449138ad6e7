"""The rules bite: each broken store is caught, at the shortest level, by the rules named for it and by no others."""

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from omscore.adapters import MemoryStore, SqliteStore
from omscore.ports import Clock, Store, Transaction
from omscore.testing import RULES, Backing, attempt
from omscore.testing.broken import FLAWS, ReadCommitted
from omscore.testing.rules import Verdict


@cache
def verdicts(name: str) -> tuple[Verdict, ...]:
    flaw = FLAWS[name]
    # Only where two clients really get between each other does it matter how long one waits for the other.
    patience_s = 0.3 if flaw.concurrent else 0.005
    return tuple(attempt(rule, flaw.backing(), patience_s=patience_s) for rule in RULES.values())


@pytest.mark.parametrize("name", FLAWS)
def test_a_broken_store_is_caught_by_exactly_its_rules(name: str) -> None:
    broken = {v.rule for v in verdicts(name) if v.state == "broken"}
    assert broken - FLAWS[name].sometimes == FLAWS[name].caught_by


def test_there_are_enough_of_them_and_each_says_what_it_is() -> None:
    assert len(FLAWS) >= 30
    assert all(flaw.text.endswith(".") and flaw.caught_by for flaw in FLAWS.values())
    assert {id_ for flaw in FLAWS.values() for id_ in flaw.caught_by | flaw.sometimes} <= set(RULES)


def test_most_rules_of_one_process_are_the_only_ones_to_catch_something() -> None:
    """A rule that never catches alone may be a copy of others; these are known, and the list only gets shorter."""
    alone = {next(iter(flaw.caught_by)) for flaw in FLAWS.values() if len(flaw.caught_by) == 1}
    assert len(alone) >= 20


def test_the_whole_store_keeps_every_rule_under_the_same_short_patience() -> None:
    kept = [attempt(rule, Backing(MemoryStore), patience_s=0.005) for rule in RULES.values()]
    assert [v for v in kept if v.state == "broken"] == []


def test_a_store_that_reads_what_is_committed_so_far_keeps_every_rule() -> None:
    """So that what breaks a rule in the stores built on it is their flaw, and not how much they see of each other."""
    kept = [attempt(rule, Backing(ReadCommitted), patience_s=0.3) for rule in RULES.values()]
    assert [v for v in kept if v.state == "broken"] == []


# -- stores in a file, broken; tried on the rules about what survives ---------------------------------------------


class AcknowledgesFirst:
    """Answers a command and writes it when the next one comes: fast, and the last one is lost with the process."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._owed: list[Any] = []
        self.capabilities = store.capabilities
        self.close = store.close

    def run(self, work: Any, *, write: bool = True) -> Any:
        while self._owed:
            self._store.run(self._owed.pop())
        if not write:
            return self._store.run(work, write=False)
        answers: list[Any] = []

        class Undone(Exception):
            pass

        def tried(txn: Transaction) -> None:
            answers[:] = [work(txn)]
            raise Undone

        with suppress(Undone):
            self._store.run(tried)
        self._owed.append(work)
        return answers[0]


def test_a_store_that_acknowledges_first_is_caught_by_what_it_loses(tmp_path: Path) -> None:
    found = set()
    for rule in RULES.values():
        if "durable" in rule.needs:
            path = tmp_path / f"{rule.id}.db"

            def connect(clock: Clock, path: Path = path) -> Store:
                made: Store = AcknowledgesFirst(SqliteStore(path, clock=clock, durability="process-crash"))
                return made

            if attempt(rule, Backing(connect)).state == "broken":
                found.add(rule.id)
    lost = {"R-DURABLE-2", "R-DURABLE-3", "R-DURABLE-4", "R-DURABLE-5", "R-DURABLE-6"}
    assert found == lost | {"R-MULTI-1", "R-MULTI-2"}
