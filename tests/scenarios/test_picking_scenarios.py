"""Scenarios of the picking floor, through the public API."""

import omscore as oms
from omscore.batching import (
    Barcodes,
    BinStock,
    Limits,
    PickLine,
    Scan,
    Short,
    Tally,
    apply_scans,
    decide_scan,
    decide_short,
    find_bins,
    pick_list,
)
from omscore.kernel import Item
from omscore.testing.walkthrough import MONDAY, draft


def test_scenario_52_a_batch_finishes_one_order_in_full_and_the_other_with_a_backorder() -> None:
    stock = [BinStock("A-1", "CHAIR", 5), BinStock("B-1", "TABLE", 10)]
    wanted = [PickLine("A", "1", "CHAIR", 10, ""), PickLine("B", "1", "TABLE", 10, "")]
    lines, shortages = find_bins(wanted, stock)
    work = pick_list("batch-1", lines, shortages=shortages)
    book = Barcodes.of([Item("CHAIR"), Item("TABLE")])

    tally = Tally(work.rows)
    for number, row in enumerate(work.rows):
        scan = Scan(f"s-{number}", row.item, bin=row.bin, tote=row.tote, units=row.units)
        tally = apply_scans(tally, decide_scan(tally, scan, book))

    assert tally.is_done
    assert tally.picked() == {("A", "1"): 5, ("B", "1"): 10}
    assert [(s.order, s.item, s.missing) for s in work.shortages] == [("A", "CHAIR", 5)]


def test_scenario_52_the_shortage_may_also_be_found_at_the_bin() -> None:
    work = pick_list("batch-1", [PickLine("A", "1", "CHAIR", 10, "A-1"), PickLine("B", "1", "TABLE", 10, "B-1")])
    book = Barcodes.of([Item("CHAIR"), Item("TABLE")])
    tally = Tally(work.rows)
    for key, item, units in (("s-1", "CHAIR", 5), ("s-2", "TABLE", 10)):
        tally = apply_scans(tally, decide_scan(tally, Scan(key, item, units=units), book))
    (row,) = [row.row for row in work.rows if row.order == "A"]
    tally = apply_scans(tally, decide_short(tally, Short("s-3", row=row, why="bin is empty")))

    assert tally.is_done
    assert tally.picked() == {("A", "1"): 5, ("B", "1"): 10}
    assert [(s.order, s.line, s.missing) for s in tally.shorts] == [("A", "1", 5)]


def test_scenario_52_in_a_shop_the_backorder_is_an_order_that_waits() -> None:
    shop = oms.Oms(store=oms.MemoryStore(oms.ManualClock(MONDAY)), network=oms.Network([oms.Node("ghent")]))
    shop.receive("ghent", {"CHAIR": 10, "TABLE": 10}, key="dock")
    for name, item in (("A", "CHAIR"), ("B", "TABLE")):
        line = oms.DraftLine("1", item, 10, oms.Money(5000, "EUR"))
        shop.capture("web", draft(name, lines=(line,)), key=name, id=name)
    shop.route()
    (batch,) = shop.plan_batches("ghent", Limits()).batches
    row = {row.item: row.row for row in shop.pick_list(batch.id).rows}
    shop.scan(batch.id, Scan("s-1", "CHAIR", units=5))
    shop.scan(batch.id, Scan("s-2", "TABLE", units=10))
    shop.short_row(batch.id, Short("s-3", row=row["CHAIR"], why="only five there"))

    assert shop.tally(batch.id).is_done
    assert repr(shop.order("A")) == "<Order A accepted: backordered 5, picked 5>"
    assert repr(shop.order("B")) == "<Order B accepted: picked 10>"
    assert shop.available("CHAIR") == {"ghent": 0}
    for name in "AB":
        shop.ship(f"{name}-f1", key=f"ship {name}")
    assert repr(shop.order("A")) == "<Order A accepted: backordered 5, shipped 5>"


def test_scenario_55_a_quantity_is_split_over_its_bins_and_the_rest_is_reported() -> None:
    stock = [BinStock("A-1", "SCREW", 5), BinStock("B-4", "SCREW", 10)]
    lines, shortages = find_bins([PickLine("o-1", "1", "SCREW", 1000, "")], stock)
    work = pick_list("7", lines, shortages=shortages)

    assert [(row.bin, row.units) for row in work.rows] == [("A-1", 5), ("B-4", 10)]
    assert [s.missing for s in work.shortages] == [985]
    assert "985 units missing" in str(work)
