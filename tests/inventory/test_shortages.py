"""Whose units go when there are fewer than were promised, and what becomes of those who lost some."""

from datetime import UTC, datetime, timedelta

import pytest

from omscore.errors import CommandRefused, InsufficientStock
from omscore.inventory import (
    Cell,
    Ledger,
    Want,
    fewest_orders,
    lowest_priority_first,
    newest_first,
    reconcile,
)
from omscore.kernel import ManualClock

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)
CELL = Cell("SKU", "ghent")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MORNING)


@pytest.fixture
def ledger(clock: ManualClock) -> Ledger:
    """Ten units: an old order with 2, a large one with 5, an important and newest one with 3."""
    made = Ledger.in_memory(clock.now)
    made.receive({CELL: 10}, key="dock-1")
    for order, units, priority in (("old", 2, 0), ("large", 5, 0), ("vip", 3, 5)):
        clock.advance(minutes=1)
        made.reserve(order, [Want("SKU", units)], key=order, priority=priority)
    return made


@pytest.mark.parametrize(
    ("order", "victims"),
    [
        (newest_first, [("vip", 3), ("large", 1)]),
        (lowest_priority_first, [("large", 4)]),
        (fewest_orders, [("large", 4)]),
    ],
)
def test_the_policy_chooses_the_victims_of_a_count(ledger: Ledger, order: object, victims: list[object]) -> None:
    result = ledger.count({CELL: 6}, key="count-1", victims=order)  # type: ignore[arg-type]
    assert [(v.reservation, v.units) for v in result.victims] == victims
    assert ledger.figures(CELL).on_hand == 6
    assert ledger.verify().ok


def test_soft_holds_go_before_hard_ones(ledger: Ledger) -> None:
    ledger.allocate("large", {CELL: 5}, key="route-1")
    result = ledger.count({CELL: 4}, key="count-1", victims=lowest_priority_first)
    assert [(v.reservation, v.bucket, v.units) for v in result.victims] == [
        ("old", "reserved", 2),
        ("vip", "reserved", 3),
        ("large", "allocated", 1),
    ]


def test_victims_that_wait_keep_their_seniority(ledger: Ledger) -> None:
    ledger.count({CELL: 0}, key="count-1", victims=newest_first, let_wait=True)
    ledger.reserve("late", [Want("SKU", 1)], key="web-9", policy="backorder")
    assert [b.reservation for b in ledger.backorders("SKU")] == ["vip", "old", "large", "late"]
    filled = ledger.receive({CELL: 6}, key="dock-2").filled
    assert [(f.reservation, f.waiting) for f in filled] == [("vip", 0), ("old", 0), ("large", 4)]


def test_outranking_takes_free_units_first_and_never_from_an_equal(ledger: Ledger) -> None:
    ledger.receive({CELL: 1}, key="dock-2")
    got = ledger.outrank("new", [Want("SKU", 4)], key="web-9", priority=5)
    assert [(v.reservation, v.units) for v in got.victims] == [("large", 3)]
    assert [(p.reservation, p.units) for p in got.promises] == [("large", 3)]
    before = list(ledger.export())
    with pytest.raises(InsufficientStock):
        ledger.outrank("newer", [Want("SKU", 5)], key="web-10", priority=5)
    assert list(ledger.export()) == before


def test_a_feed_older_than_what_was_seen_is_refused_and_figures_know_their_age(clock: ManualClock) -> None:
    made = Ledger.in_memory(clock.now)
    made.feed("vendor", {"SKU": 9}, key="feed-1", seen_at=MORNING - timedelta(hours=2))
    clock.advance(hours=1)
    assert made.availability("SKU").cells[0].age == timedelta(hours=3)
    with pytest.raises(CommandRefused) as refused:
        made.feed("vendor", {"SKU": 5}, key="feed-2", seen_at=MORNING - timedelta(hours=3))
    assert refused.value.reasons[0].code == "stock.stale_count"
    assert made.journal()[0].movement.effective_at == MORNING - timedelta(hours=2)


def test_a_short_arrival_stays_in_transit_until_it_is_given_up(ledger: Ledger) -> None:
    lille = Cell("SKU", "lille")
    ledger.release("large", key="cancel-1")
    ledger.send("t-1", {CELL: 5}, "lille", key="t-1")
    assert ledger.availability("SKU", nodes=("lille",)).units == 0
    with pytest.raises(CommandRefused):
        ledger.arrive("t-1", {lille: 6}, key="dock-2")
    ledger.arrive("t-1", {lille: 3}, key="dock-3")
    assert (ledger.figures(lille).free, ledger.figures(lille).in_transit) == (3, 2)
    ledger.lose("t-1", key="lost-1")
    assert ledger.transfer("t-1").closed
    assert ledger.verify().ok


def test_reconciling_names_the_entries_that_differ_from_a_statement(ledger: Ledger) -> None:
    ledger.damage({CELL: 0 + 1}, key="drop-1", victims=newest_first)
    ledger.scrap({CELL: 1}, key="bin-1")
    statement = [("dock-1", CELL, 12), ("unknown-there", CELL, -1)]
    found = ledger.store.run(lambda txn: reconcile(txn, statement))
    assert [(d.cause, d.ours, d.theirs, d.entries) for d in found] == [
        ("bin-1", -1, 0, (7,)),
        ("dock-1", 10, 12, (1,)),
        ("unknown-there", 0, -1, ()),
    ]


def test_a_hold_that_ran_out_loses_its_units_before_anybody_is_a_victim(clock: ManualClock) -> None:
    for verb in ("count", "scrap", "outrank"):
        made = Ledger.in_memory(clock.now)
        made.receive({CELL: 10}, key="dock-1")
        made.reserve("dead", [Want("SKU", 4)], key="web-1", expires_in=timedelta(minutes=1))
        made.reserve("live", [Want("SKU", 6)], key="web-2")
        clock.advance(minutes=1)
        if verb == "count":
            assert made.count({CELL: 6}, key="k", victims=newest_first).victims == ()
        elif verb == "scrap":
            assert made.scrap({CELL: 4}, key="k", source="free") == ()
        else:
            got = made.outrank("vip", [Want("SKU", 5)], key="k", priority=9)
            assert [(v.reservation, v.units) for v in got.victims] == [("live", 1)]
        dead = made.reservation("dead")
        assert dead is not None
        assert dead.ended == "expired"
        assert made.verify().ok


def test_who_waits_with_a_cart_that_ran_out_leaves_the_queue(clock: ManualClock) -> None:
    made = Ledger.in_memory(clock.now)
    made.reserve("cart", [Want("SKU", 2)], key="web-1", policy="backorder", expires_in=timedelta(minutes=5))
    made.reserve("order", [Want("SKU", 2)], key="web-2", policy="backorder")
    clock.advance(minutes=5)
    assert [f.reservation for f in made.receive({CELL: 3}, key="dock-1").filled] == ["order"]
    assert made.backorders("SKU") == ()
