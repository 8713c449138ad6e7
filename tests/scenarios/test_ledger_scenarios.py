"""What users of other systems rely on, scenarios 1 to 24: the ledger answers the same, in memory and in a file."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from omscore.adapters import MemoryStore, SqliteStore
from omscore.errors import CommandRefused, InsufficientStock
from omscore.inventory import (
    Buffer,
    Cell,
    Ledger,
    Lot,
    Want,
    available,
    fifo,
    lifo,
    most_stock_first,
    newest_first,
    pegs,
)
from omscore.kernel import ManualClock

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
GHENT, LILLE = Cell("SKU", "ghent"), Cell("SKU", "lille")

Shelf = Callable[..., Ledger]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MONDAY)


@pytest.fixture(params=["notebook", "memory", "sqlite"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Shelf]:
    """Makes a ledger with some stock on its shelves."""
    opened: list[SqliteStore] = []

    def make(stock: dict[Cell, int], *, buffers: tuple[Buffer, ...] = ()) -> Ledger:
        if request.param == "notebook":
            ledger = Ledger.in_memory(clock.now, buffers=buffers)
        elif request.param == "memory":
            ledger = Ledger(MemoryStore(clock), buffers=buffers)
        else:
            path = tmp_path / f"{len(opened)}.db"
            opened.append(SqliteStore(path, clock=clock, durability="process-crash"))
            ledger = Ledger(opened[-1], buffers=buffers)
        if stock:
            ledger.receive(stock, key="opening-stock")
        return ledger

    yield make
    for store in opened:
        store.close()


def forward(ledger: Ledger, order: str, cells: dict[Cell, int]) -> None:
    ledger.pick(order, cells, key=f"{order}-pick")
    ledger.pack(order, cells, key=f"{order}-pack")
    ledger.ship(order, cells, key=f"{order}-ship")


def test_scenario_01_allocated_units_stay_on_hand_until_they_ship(shelf: Shelf) -> None:
    ledger = shelf({GHENT: 10})
    ledger.allocate("ord-1", {GHENT: 5}, key="route-1")
    row = ledger.figures(GHENT)
    assert (row.on_hand, row.allocated, row.free) == (10, 5, 5)
    forward(ledger, "ord-1", {GHENT: 3})
    row = ledger.figures(GHENT)
    assert (row.on_hand, row.allocated) == (7, 2)


def test_scenario_02_releasing_more_than_is_held_is_an_error_and_moves_nothing(shelf: Shelf) -> None:
    ledger = shelf({GHENT: 10})
    ledger.allocate("ord-1", {GHENT: 5}, key="route-1")
    with pytest.raises(CommandRefused) as refused:
        ledger.release("ord-1", {(GHENT, "allocated"): 6}, key="cancel-1")
    assert [reason.code for reason in refused.value.reasons] == ["stock.not_held"]
    assert ledger.figures(GHENT).allocated == 5
    assert ledger.release("ord-1", key="cancel-2") == 5
    assert ledger.figures(GHENT)[:3] == (10, 0, 0)


@pytest.mark.parametrize("paid", [False, True])
def test_scenario_03_an_unpaid_order_holds_and_a_cancelled_one_gives_back(shelf: Shelf, paid: bool) -> None:
    ledger = shelf({GHENT: 5})
    ledger.reserve("ord-1", [Want("SKU", 3)], key="web-1")
    row = ledger.figures(GHENT)
    assert (row.on_hand, row.reserved) == (5, 3)
    if paid:
        ledger.allocate("ord-1", {GHENT: 3}, key="pay-1")
        row = ledger.figures(GHENT)
        assert (row.free, row.reserved) == (2, 0)
    ledger.release("ord-1", key="cancel-1")
    row = ledger.figures(GHENT)
    assert (row.free, row.reserved) == (5, 0)


def test_scenario_04_a_count_below_what_is_held_is_refused_or_lists_the_shortage(shelf: Shelf) -> None:
    refusing, listing = shelf({GHENT: 5}), shelf({GHENT: 5})
    for ledger in (refusing, listing):
        ledger.reserve("ord-1", [Want("SKU", 4)], key="web-1")
    with pytest.raises(CommandRefused) as refused:
        refusing.count({GHENT: 2}, key="count-1")
    assert [reason.code for reason in refused.value.reasons] == ["stock.below_held"]
    assert refusing.figures(GHENT).on_hand == 5
    refusing.release("ord-1", key="cancel-1")
    refusing.count({GHENT: 2}, key="count-2")
    assert refusing.figures(GHENT).on_hand == 2
    result = listing.count({GHENT: 2}, key="count-1", victims=newest_first)
    assert result.short == {GHENT: 2}
    assert [(v.reservation, v.units) for v in result.victims] == [("ord-1", 2)]
    assert (listing.figures(GHENT).on_hand, listing.figures(GHENT).reserved) == (2, 2)


def test_scenario_05_only_what_may_be_sold_counts_in_thousandths_of_a_meter(shelf: Shelf) -> None:
    ledger = shelf({GHENT: 5_500, LILLE: 3_000, Cell("SKU", "closed"): 4_000})
    ledger.receive({Cell("SKU", "metz"): 10_000}, key="dock-2", to="quarantine")
    enabled = ("ghent", "lille", "metz")
    assert ledger.availability("SKU", nodes=enabled).units == 8_500
    ledger.reserve("ord-1", [Want("SKU", 5_000, nodes=enabled)], key="web-1")
    ledger.reserve("ord-1", [Want("SKU", 3_500, nodes=enabled)], key="web-2")
    assert ledger.availability("SKU", nodes=enabled).units == 5_000


def test_scenario_06_the_last_unit_reserved_ends_the_sale_and_releasing_it_opens_it_again(shelf: Shelf) -> None:
    ledger = shelf({GHENT: 5_500, LILLE: 3_000})
    ledger.reserve("ord-1", [Want("SKU", 8_500)], key="web-1")
    assert ledger.availability("SKU").units == 0
    ledger.release("ord-1", key="cancel-1")
    assert ledger.availability("SKU").units == 8_500


def test_scenario_07_a_threshold_is_kept_back_and_the_answer_says_what_could_be_had(shelf: Shelf) -> None:
    buffered = shelf({GHENT: 3}, buffers=(Buffer(units=2),))
    with pytest.raises(InsufficientStock) as refused:
        buffered.reserve("ord-1", [Want("SKU", 2)], key="web-1")
    assert refused.value.shortages[0].available == 1
    assert buffered.reserve("ord-1", [Want("SKU", 2)], key="web-2", policy="partial").cells == {GHENT: 1}
    plain = shelf({GHENT: 3})
    assert plain.reserve("ord-1", [Want("SKU", 5)], key="web-1", policy="partial").cells == {GHENT: 3}


def test_scenario_08_overselling_has_a_cap_and_below_it_everything_is_refused(shelf: Shelf) -> None:
    # What others write as a threshold of -20 is announced supply here: the units sold beyond stock have a source.
    ledger = shelf({GHENT: 5})
    ledger.expect("po-1", "SKU", "ghent", 20, MONDAY + timedelta(days=7), key="po-1")
    sold = ledger.reserve("ord-1", [Want("SKU", 25)], key="web-1", policy="promise")
    assert (sold.cells, sold.short) == ({GHENT: 5}, {"SKU": 20})
    with pytest.raises(InsufficientStock):
        ledger.reserve("ord-2", [Want("SKU", 1)], key="web-2", policy="promise")
    changed = ledger.expect("po-1", "SKU", "ghent", 10, MONDAY + timedelta(days=7), key="po-1-less")
    assert [(c.reservation, c.now) for c in changed] == [("ord-1", None)]
    assert ledger.availability("SKU").net + 10 == -10
    with pytest.raises(InsufficientStock):
        ledger.reserve("ord-2", [Want("SKU", 1)], key="web-3", policy="promise", not_after=MONDAY)


def test_scenario_09_cancelling_what_was_never_allocated_releases_nothing(shelf: Shelf) -> None:
    ledger = shelf({GHENT: 3})
    assert ledger.release("ord-1", key="cancel-1") == 0
    assert ledger.figures(GHENT)[:3] == (3, 0, 0)


def test_scenario_10_two_lines_of_one_item_are_both_allocated(shelf: Shelf) -> None:
    ledger = shelf({GHENT: 40})
    ledger.allocate("ord-1", {GHENT: 20}, key="route-1")
    held = ledger.reserve("ord-2", [Want("SKU", 10), Want("SKU", 5)], key="web-2")
    ledger.allocate("ord-2", held.cells, key="route-2")
    assert ledger.figures(GHENT).allocated == 35


def test_scenario_11_of_two_carts_for_the_last_unit_exactly_one_gets_it(shelf: Shelf) -> None:
    ledger = shelf({GHENT: 1})
    ledger.allocate("cart-1", ledger.reserve("cart-1", [Want("SKU", 1)], key="web-1").cells, key="route-1")
    with pytest.raises(InsufficientStock, match="asked 1 of 'SKU', 0 available"):
        ledger.reserve("cart-2", [Want("SKU", 1)], key="web-2")
    assert ledger.figures(GHENT).allocated == 1


def test_scenario_12_lines_of_one_item_are_summed_before_the_check(shelf: Shelf) -> None:
    ledger = shelf({GHENT: 5})
    with pytest.raises(InsufficientStock) as refused:
        ledger.reserve("ord-1", [Want("SKU", 3), Want("SKU", 3)], key="web-1")
    assert (refused.value.shortages[0].asked, refused.value.shortages[0].available) == (6, 5)
    assert ledger.figures(GHENT).reserved == 0
    assert ledger.reservation("ord-1") is None


def test_scenario_13_a_hold_that_ran_out_no_longer_stands_in_the_way(shelf: Shelf, clock: ManualClock) -> None:
    ledger = shelf({GHENT: 5})
    ledger.reserve("ord-1", [Want("SKU", 4)], key="web-1", expires_in=timedelta(minutes=5))
    with pytest.raises(InsufficientStock):
        ledger.reserve("ord-2", [Want("SKU", 3)], key="web-2")
    clock.advance(minutes=5)
    assert ledger.reserve("ord-2", [Want("SKU", 3)], key="web-2").cells == {GHENT: 3}
    first = ledger.reservation("ord-1")
    assert first is not None
    assert (first.ended, dict(first.held)) == ("expired", {})


def test_scenario_14_reserving_again_is_one_hold_and_extending_touches_that_order_alone(
    shelf: Shelf, clock: ManualClock
) -> None:
    ledger = shelf({GHENT: 9})
    minutes = timedelta(minutes=7)
    for n in (1, 2):
        ledger.reserve("ord-1", [Want("SKU", 2)], key=f"web-{n}", expires_in=minutes)
    ledger.reserve("ord-2", [Want("SKU", 2)], key="web-3", expires_in=minutes)
    assert ledger.figures(GHENT).reserved == 4
    clock.advance(minutes=3)
    assert ledger.extend("ord-1", minutes, key="pay-1").expires_at == MONDAY + timedelta(minutes=10)
    second = ledger.reservation("ord-2")
    assert second is not None
    assert second.expires_at == MONDAY + minutes


def test_scenario_15_nodes_are_asked_in_the_order_given_or_with_most_stock_first(shelf: Shelf) -> None:
    ledger = shelf({GHENT: 3, LILLE: 4})
    units = ledger.store.run(lambda txn: available(txn, "SKU"))
    first = ledger.reserve("ord-1", [Want("SKU", 5, nodes=most_stock_first(units))], key="web-1")
    assert first.cells == {LILLE: 4, GHENT: 1}
    again = ledger.reserve("ord-1", [Want("SKU", 5, nodes=("ghent", "lille"))], key="web-2")
    assert again.cells == {GHENT: 3, LILLE: 2}


def test_scenario_16_what_others_hold_is_passed_over_and_a_refusal_leaves_no_rows(shelf: Shelf) -> None:
    ledger = shelf({GHENT: 4, LILLE: 3})
    ledger.reserve("other-1", [Want("SKU", 2, nodes=("ghent",))], key="web-1")
    held = ledger.reserve("ord-1", [Want("SKU", 3, nodes=("ghent", "lille"))], key="web-2")
    assert held.cells == {GHENT: 2, LILLE: 1}
    ledger.release("ord-1", key="cancel-1")
    ledger.reserve("other-2", [Want("SKU", 1, nodes=("lille",))], key="web-3")
    before = len(ledger.journal())
    with pytest.raises(InsufficientStock):
        ledger.reserve("ord-2", [Want("SKU", 5)], key="web-4")
    assert len(ledger.journal()) == before
    assert ledger.reservation("ord-2") is None


def test_scenario_17_a_cart_takes_from_two_nodes_or_gets_nothing(shelf: Shelf) -> None:
    both, alone = shelf({GHENT: 3, LILLE: 2}), shelf({GHENT: 3})
    assert both.reserve("ord-1", [Want("SKU", 5)], key="web-1").cells == {GHENT: 3, LILLE: 2}
    with pytest.raises(InsufficientStock):
        alone.reserve("ord-1", [Want("SKU", 5)], key="web-1")
    assert alone.figures(GHENT).reserved == 0


def test_scenario_18_a_preorder_cap_counts_others_and_never_the_asker_itself(shelf: Shelf) -> None:
    ledger = shelf({})
    ledger.expect("po-1", "SKU", "ghent", 5, MONDAY + timedelta(days=30), key="po-1")
    ledger.reserve("cart-1", [Want("SKU", 3)], key="web-1", policy="promise")
    with pytest.raises(InsufficientStock) as refused:
        ledger.reserve("cart-2", [Want("SKU", 5)], key="web-2", policy="promise")
    assert refused.value.shortages[0].available == 2
    assert ledger.reserve("cart-1", [Want("SKU", 5)], key="web-3", policy="promise").short == {"SKU": 5}
    assert [(b.reservation, b.units) for b in ledger.backorders("SKU")] == [("cart-1", 5)]


def test_scenario_19_units_that_are_not_there_are_refused_or_wait_and_a_hold_may_grow(shelf: Shelf) -> None:
    ledger = shelf({GHENT: 2})
    with pytest.raises(InsufficientStock):
        ledger.reserve("ord-1", [Want("SKU", 3)], key="web-1")
    assert ledger.figures(GHENT).reserved == 0
    held = ledger.reserve("ord-1", [Want("SKU", 3)], key="web-2", policy="backorder")
    assert (held.cells, held.short) == ({GHENT: 2}, {"SKU": 1})
    ample = shelf({GHENT: 10})
    ample.reserve("ord-1", [Want("SKU", 3)], key="web-1")
    ample.reserve("ord-1", [Want("SKU", 7)], key="web-2")
    assert ample.figures(GHENT).reserved == 7


def test_scenario_20_fifo_takes_the_older_lot_and_lifo_the_newer(shelf: Shelf) -> None:
    old, new = Cell("SKU", "ghent", "", "lot-b"), Cell("SKU", "ghent", "", "lot-a")
    lots = {"lot-b": Lot(MONDAY - timedelta(days=5)), "lot-a": Lot(MONDAY)}
    ledger = shelf({old: 1, new: 1})
    assert ledger.reserve("ord-1", [Want("SKU", 1)], key="web-1", select=fifo(lots)).cells == {old: 1}
    assert ledger.reserve("ord-1", [Want("SKU", 1)], key="web-2", select=lifo(lots)).cells == {new: 1}


def test_scenario_21_stock_is_promised_in_the_order_of_dates_and_stays_promised(shelf: Shelf) -> None:
    ledger = shelf({GHENT: 20})
    demands = [5, 3, 20, 20, 15]
    got = [
        sum(ledger.reserve(f"ord-{n}", [Want("SKU", units)], key=f"web-{n}", policy="partial").cells.values())
        for n, units in enumerate(demands)
    ]
    assert got == [5, 3, 12, 0, 0]
    for n in (0, 1):
        ledger.allocate(f"ord-{n}", {GHENT: demands[n]}, key=f"route-{n}")
        forward(ledger, f"ord-{n}", {GHENT: demands[n]})
    third = ledger.reservation("ord-2")
    assert third is not None
    assert third.units("reserved") == 12


def test_scenario_22_stock_goes_before_what_is_coming_and_the_earliest_arrival_is_used(shelf: Shelf) -> None:
    ledger = shelf({GHENT: 100})
    ledger.expect("po-1", "SKU", "ghent", 100, MONDAY + timedelta(days=1), key="po-1")
    held = ledger.reserve("ord-1", [Want("SKU", 10)], key="web-1", policy="promise")
    assert (held.cells, held.short) == ({GHENT: 10}, {})
    assert ledger.availability("SKU").atp.now == 90  # type: ignore[union-attr]
    empty = shelf({})
    for days in (20, 1, 10):
        empty.expect(f"po-{days}", "SKU", "ghent", 100, MONDAY + timedelta(days=days), key=f"po-{days}")
    waiting = empty.reserve("ord-1", [Want("SKU", 10)], key="web-1", policy="promise")
    assert waiting.promises[0].promised_at == MONDAY + timedelta(days=1)
    assert empty.store.run(lambda txn: pegs(txn, "SKU")) == {"ord-1": (("po-1", 10),)}


def test_scenario_23_an_order_is_reserved_in_parts_and_cancelled_in_parts(shelf: Shelf) -> None:
    ledger = shelf({GHENT: 30})
    assert ledger.reserve("ord-1", [Want("SKU", 50)], key="web-1", policy="partial").short == {"SKU": 20}
    ledger.receive({GHENT: 20}, key="dock-2")
    assert ledger.reserve("ord-1", [Want("SKU", 50)], key="web-2").cells == {GHENT: 50}
    for units, left in ((30, 20), (20, 0)):
        ledger.release("ord-1", {(GHENT, "reserved"): units}, key=f"cancel-{units}")
        assert ledger.figures(GHENT).reserved == left


@pytest.mark.parametrize(("change", "net", "filled"), [(1, -1, ["ord-1"]), (3, 1, ["ord-1", "ord-2"]), (-1, -3, [])])
def test_scenario_24_what_comes_in_goes_to_the_oldest_first(
    shelf: Shelf, clock: ManualClock, change: int, net: int, filled: list[str]
) -> None:
    ledger = shelf({})
    for order in ("ord-1", "ord-2"):
        ledger.reserve(order, [Want("SKU", 1)], key=order, policy="backorder")
        clock.advance(minutes=1)
    assert ledger.availability("SKU").net == -2
    if change > 0:
        assert [f.reservation for f in ledger.receive({GHENT: change}, key="dock-1").filled] == filled
    else:
        ledger.reserve("ord-3", [Want("SKU", 1)], key="ord-3", policy="backorder")
    assert ledger.availability("SKU").net == net
