"""What has run out stands in nobody's way: every verb that takes free units ends it on its way."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from omscore.errors import InsufficientStock
from omscore.inventory import Buffer, Cell, Ledger, Want
from omscore.kernel import ManualClock

CELL = Cell("SKU", "ghent")

VERBS: dict[str, Callable[[Ledger], object]] = {
    "reserve": lambda ledger: ledger.reserve("ord-9", [Want("SKU", 5)], key="k"),
    "outrank": lambda ledger: ledger.outrank("ord-9", [Want("SKU", 5)], key="k", priority=1),
    "allocate": lambda ledger: ledger.allocate("ord-9", {CELL: 5}, key="k"),
    "send": lambda ledger: ledger.send("t-1", {CELL: 5}, "lille", key="k"),
    "repool": lambda ledger: ledger.repool({CELL: 5}, "web", key="k"),
    "quarantine": lambda ledger: ledger.quarantine({CELL: 5}, key="k"),
    "damage": lambda ledger: ledger.damage({CELL: 5}, key="k"),
    "scrap": lambda ledger: ledger.scrap({CELL: 5}, key="k", source="free"),
    "count": lambda ledger: ledger.count({CELL: 0}, key="k"),
    "correct": lambda ledger: ledger.correct(CELL, 1, key="k"),
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 2, 9, tzinfo=UTC))


@pytest.fixture
def ledger(clock: ManualClock) -> Ledger:
    ledger = Ledger.in_memory(clock.now)
    ledger.receive({CELL: 5}, key="dock-1")
    for n in range(4):
        ledger.reserve(f"ord-{n}", [Want("SKU", 1)], key=f"web-{n}", expires_in=timedelta(minutes=5))
    return ledger


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_takes_the_units_of_holds_that_have_run_out(ledger: Ledger, clock: ManualClock, verb: str) -> None:
    clock.advance(minutes=5)
    VERBS[verb](ledger)
    figures = ledger.figures(CELL)
    assert figures.free == 0
    assert figures.reserved == (5 if verb in ("reserve", "outrank") else 0)
    ended = [ledger.reservation(f"ord-{n}") for n in range(4)]
    assert [r.ended for r in ended if r] == ["expired"] * 4
    assert ledger.verify().ok


@pytest.mark.parametrize("verb", [v for v in VERBS if v not in ("count", "outrank")])
def test_a_hold_stands_until_its_last_moment(ledger: Ledger, clock: ManualClock, verb: str) -> None:
    clock.advance(seconds=299)
    before = ledger.journal()
    with pytest.raises(InsufficientStock):
        VERBS[verb](ledger)
    assert ledger.journal() == before


@pytest.mark.parametrize("verb", ["send", "repool"])
def test_units_kept_back_stay_where_they_are_when_dead_holds_make_room(clock: ManualClock, verb: str) -> None:
    ledger = Ledger.in_memory(clock.now, buffers=[Buffer(units=1)])
    ledger.receive({CELL: 6}, key="dock-1")
    ledger.reserve("ord-1", [Want("SKU", 5)], key="web-1", expires_in=timedelta(minutes=5))
    clock.advance(minutes=5)
    VERBS[verb](ledger)
    assert ledger.figures(CELL).free == 1


def test_more_dead_holds_than_one_page_are_ended_at_once(clock: ManualClock) -> None:
    ledger = Ledger.in_memory(clock.now)
    ledger.receive({CELL: 1_200}, key="dock-1")
    for n in range(1_200):
        ledger.reserve(f"ord-{n}", [Want("SKU", 1)], key=f"web-{n}", expires_in=timedelta(minutes=5))
    clock.advance(minutes=5)
    ledger.quarantine({CELL: 1_200}, key="recall")
    assert ledger.figures(CELL).quarantine == 1_200
