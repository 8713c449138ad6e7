"""Buffers, pools, quotas and lots: units that are there and are not for everybody."""

from datetime import UTC, date, datetime, timedelta

import pytest

from omscore.errors import CommandRefused, InsufficientStock, InvalidValue
from omscore.inventory import Buffer, Cell, Figures, Ledger, Lot, Want, fefo, floors

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CELL = Cell("SKU", "ghent")


def test_the_most_specific_buffer_decides_alone() -> None:
    rules = [
        Buffer(units=9, item="SKU", node="ghent"),
        Buffer(units=1, item="SKU"),
        Buffer(units=2, node="ghent", velocity="fast", channel="web"),
        Buffer(units=3, node="ghent"),
        Buffer(units=4),
    ]
    rows = [(CELL, Figures(free=50)), (Cell("B", "ghent"), Figures(free=50)), (Cell("B", "lille"), Figures(free=50))]
    kept = floors(rules, rows, velocities={"B": "fast"}, channel="web")
    assert list(kept.values()) == [9, 2, 4]


def test_a_buffer_above_what_is_free_stops_new_holds_and_takes_nothing_away() -> None:
    ledger = Ledger.in_memory()
    ledger.receive({CELL: 5}, key="dock-1")
    ledger.reserve("ord-1", [Want("SKU", 4)], key="web-1")
    careful = Ledger(ledger.store, buffers=[Buffer(units=3)])
    assert careful.availability("SKU").units == 0
    assert careful.reserve("ord-1", [Want("SKU", 4)], key="web-2").cells == {CELL: 4}
    with pytest.raises(InsufficientStock):
        careful.reserve("ord-2", [Want("SKU", 1)], key="web-3")


def test_selling_does_not_melt_a_share_that_is_kept_back() -> None:
    ledger = Ledger.in_memory(buffers=[Buffer(percent=10)])
    ledger.receive({CELL: 200}, key="dock-1")
    sold = 0
    while ledger.availability("SKU").units:
        sold += ledger.availability("SKU").units
        ledger.reserve(f"ord-{sold}", [Want("SKU", ledger.availability("SKU").units)], key=f"web-{sold}")
    assert sold == 180


def test_the_lots_of_an_item_keep_one_buffer_together() -> None:
    rows = [(CELL._replace(lot=f"L{n}"), Figures(free=1)) for n in range(10)]
    assert sum(floors([Buffer(percent=8)], rows).values()) == 1
    assert sum(floors([Buffer(units=4)], rows).values()) == 4


def test_shares_are_exact_and_rules_that_cannot_work_are_refused() -> None:
    with pytest.raises(InvalidValue, match="exact"):
        Buffer(percent=12.5)
    with pytest.raises(InvalidValue, match="not both"):
        Buffer(units=1, percent=1)
    with pytest.raises(InvalidValue, match="0 to 100"):
        Buffer(percent=101)
    with pytest.raises(InvalidValue, match="whole number"):
        Buffer(units=-1)


def test_a_quota_counts_all_that_a_channel_holds_and_nobody_elses() -> None:
    ledger = Ledger.in_memory()
    ledger.receive({CELL: 50}, key="dock-1")
    limits = {"SKU": 10}
    ledger.reserve("web-order", [Want("SKU", 20)], key="web-1", channel="web")
    ledger.reserve("ord-1", [Want("SKU", 6)], key="mkt-1", channel="mkt", quotas=limits)
    ledger.allocate("ord-1", {CELL: 6}, key="route-1")
    with pytest.raises(CommandRefused) as refused:
        ledger.reserve("ord-2", [Want("SKU", 5)], key="mkt-2", channel="mkt", quotas=limits)
    assert refused.value.reasons[0].facts["held"] == 6
    assert ledger.reservation("ord-2") is None
    ledger.reserve("ord-2", [Want("SKU", 4)], key="mkt-3", channel="mkt", quotas=limits)
    ledger.release("ord-1", key="cancel-1")
    ledger.reserve("ord-2", [Want("SKU", 10)], key="mkt-4", channel="mkt", quotas=limits)


def test_a_fence_is_used_up_before_the_shared_stock_even_when_that_is_nearer() -> None:
    ledger = Ledger.in_memory()
    far = Cell("SKU", "lille", "mkt")
    ledger.receive({CELL: 5, far: 2}, key="dock-1")
    want = Want("SKU", 3, nodes=("ghent", "lille"), pools=("mkt", ""))
    assert ledger.reserve("ord-1", [want], key="mkt-1").cells == {far: 2, CELL: 1}


def test_a_lot_that_would_expire_too_soon_is_not_sold() -> None:
    ledger = Ledger.in_memory()
    old, new = CELL._replace(lot="old"), CELL._replace(lot="new")
    ledger.receive({old: 5, new: 5}, key="dock-1")
    lots = {"old": Lot(NOON, date(2026, 3, 10)), "new": Lot(NOON + timedelta(days=1), date(2026, 6, 1))}
    soon, later = fefo(lots, usable_on=date(2026, 3, 9)), fefo(lots, usable_on=date(2026, 3, 11))
    assert ledger.reserve("ord-1", [Want("SKU", 6)], key="web-1", select=soon).cells == {old: 5, new: 1}
    with pytest.raises(InsufficientStock):
        ledger.reserve("ord-1", [Want("SKU", 6)], key="web-2", select=later)


@pytest.mark.parametrize("percent", ["many", True, "NaN", "Infinity", -1, 101, 12.5])
def test_a_share_that_is_none_is_refused(percent: object) -> None:
    with pytest.raises(InvalidValue, match="percent"):
        Buffer(percent=percent)


def test_a_time_without_a_zone_and_a_number_that_is_none_are_refused() -> None:
    ledger = Ledger.in_memory()
    with pytest.raises(InvalidValue, match="not_after must carry a time zone"):
        ledger.release("ord-1", key="k-1", not_after=datetime(2026, 3, 2))  # noqa: DTZ001 - that is the point
    for at in (1.5, True, "1"):
        with pytest.raises(InvalidValue, match="numbered from 1"):
            ledger.as_of(Cell("A", "ghent"), at)  # type: ignore[arg-type]
