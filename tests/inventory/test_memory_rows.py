"""What the books in memory keep of a command: little, in plain values, and out of everybody's reach."""

import gc
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from omscore.adapters import MemoryStore
from omscore.inventory import (
    Allocated,
    Arrival,
    Cell,
    Filled,
    Ledger,
    MemoryBooks,
    Movement,
    Reservation,
    Reserved,
    Want,
)
from omscore.kernel import ManualClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CELL, LILLE = Cell("SKU-1", "ghent"), Cell("SKU-1", "lille")


def stocked() -> Ledger:
    ledger = Ledger(MemoryStore(ManualClock(NOON)))
    ledger.receive({CELL: 1_000, LILLE: 1_000}, key="dock-1")
    return ledger


def test_the_garbage_collector_keeps_no_account_of_what_commands_left_behind() -> None:
    ledger = stocked()
    gc.collect()
    before = len(gc.get_objects())
    for i in range(200):
        ledger.reserve(f"ord-{i}", [Want("SKU-1", 1)], key=f"web-{i}", expires_in=timedelta(minutes=15))
    for i in range(100):
        ledger.extend(f"ord-{i}", timedelta(minutes=30), key=f"pay-{i}")
        ledger.allocate(f"ord-{i}", {CELL: 1}, key=f"route-{i}")
        ledger.pick(f"ord-{i}", {CELL: 1}, key=f"pick-{i}")
        ledger.release(f"ord-{i + 100}", key=f"cancel-{i}")
        ledger.receive({LILLE: 1}, key=f"dock-{i + 2}")
    gc.collect()
    assert len(gc.get_objects()) - before < 20


def test_who_was_given_an_answer_or_a_reservation_cannot_change_what_is_kept() -> None:
    ledger = stocked()

    def again() -> Reserved:
        return ledger.reserve("ord-1", [Want("SKU-1", 2)], key="web-1")

    cast("dict[Any, int]", again().cells).clear()
    assert again().cells == {CELL: 2}
    held = ledger.reservation("ord-1")
    assert held is not None
    cast("dict[Any, int]", held.held).clear()
    assert ledger.reservation("ord-1") == held._replace(held={(CELL, "reserved"): 2})
    assert ledger.verify().ok


@pytest.mark.parametrize(
    "answer",
    [
        Reserved("ord-1", {CELL: 2, LILLE: 1}, {}, NOON),
        Reserved("ord-1", {CELL: 2}, {"SKU-1": 1}, NOON),
        Reserved("ord-1", {}, {}),
        Allocated("ord-1", {CELL: 2, LILLE: 1}, {CELL: 7}),
        Allocated("ord-1", {}, {CELL: 7, LILLE: 9}),
        Arrival(),
        Arrival((Filled("ord-1", "SKU-1", {CELL: 1}, 0),)),
        Reservation("ord-1", {(CELL, "picked"): 1, (LILLE, "reserved"): 2}, NOON, "web", 7, 3, "allocated", NOON),
        ("", "reserved", 3),
        None,
    ],
)
def test_an_answer_comes_back_as_it_was_given(answer: Any) -> None:
    books = MemoryBooks()
    books.claim("web-1", "f", answer)
    assert books.claimed("web-1") == ("f", answer)
    assert type(books.claims()[0][2]) is type(answer)


def test_a_reservation_comes_back_as_it_was_saved() -> None:
    books = MemoryBooks()
    held = {(CELL, "reserved"): 1, (CELL, "picked"): 3, (LILLE, "allocated"): 2}
    saved = Reservation("ord-1", held, NOON, "web", 7, 0, "expired", NOON)
    books.save_reservation(saved)
    found = books.reservation("ord-1")
    assert found == saved.saved()
    assert found is not None
    assert list(found.held.items()) == list(held.items())
    assert {type(cell) for cell, _ in found.held} == {Cell}


def test_a_cell_that_a_failed_command_was_first_to_name_is_forgotten() -> None:
    books = MemoryBooks()
    mark = books.mark()
    books.post([Movement(CELL, "supplier", "free", 5, "receive", "dock-1")], {})
    books.save_reservation(Reservation("ord-1", {(CELL, "reserved"): 1, (LILLE, "reserved"): 1}))
    books.rollback(mark)
    assert (books.cells(), books.reservations_at(CELL), books.journal(CELL)) == ([], [], [])
    assert books.fork().__dict__["_accounts"] == books.__dict__["_accounts"] == {}
