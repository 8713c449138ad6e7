"""A command may die at any call that it makes of its store: all of it is there afterwards, or nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from omscore.adapters import MemoryStore, SqliteStore
from omscore.inventory import Ledger
from omscore.kernel import ManualClock
from omscore.ports import Store
from omscore.testing.faults import Listener, Tapped
from tests.inventory.every_verb import COMMANDS, NINE


class Crash(Exception):
    """The process dies here."""


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    clock = ManualClock(NINE)
    if request.param == "memory":
        yield MemoryStore(clock)
        return
    file = SqliteStore(tmp_path / "shop.db", clock=clock, durability="process-crash")
    yield file
    file.close()


def crashing(point: int) -> Listener:
    seen = 0

    def listen(name: str) -> None:
        nonlocal seen
        if seen == point:
            raise Crash(name)
        seen += 1

    return listen


def calls_of(store: Store, command: Callable[[Ledger], object]) -> list[str]:
    """The calls that a command makes, found out without doing it."""
    calls: list[str] = []

    def note(name: str) -> None:
        calls.append(name)
        if name == "commit":
            raise Crash

    with pytest.raises(Crash):
        command(Ledger(Tapped(store, before=note)))
    return calls


def test_every_command_is_whole_or_absent_wherever_it_dies(store: Store) -> None:
    ledger, points = Ledger(store), 0
    for name, command in COMMANDS.items():
        calls, before = calls_of(store, command), list(ledger.export())
        for point, call in enumerate(calls):
            for side in ("before", "after"):
                if (call, side) == ("commit", "after"):
                    continue
                listen = crashing(point)
                with pytest.raises(Crash):
                    command(Ledger(Tapped(store, before=listen) if side == "before" else Tapped(store, after=listen)))
                points += 1
        # What any of them had left would show here; each of them is found out by itself in the contract kit.
        assert list(ledger.export()) == before, f"{name} left something behind"
        with pytest.raises(Crash):
            command(Ledger(Tapped(store, after=crashing(len(calls) - 1))))
        done = list(ledger.export())
        assert done != before, f"{name} was committed before it died, and is not there"
        command(ledger)
        assert list(ledger.export()) == done, f"{name} was done again when it was repeated"
        assert ledger.verify().ok
    assert points > 400
