"""Stock that lies in lots goes through a service like any other, and the shelf is told which lot to take."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from omscore import routing as r
from omscore.batching import BinStock, MatrixFloor
from omscore.inventory import Cell, Lot, Selector, fefo, release
from tests.app.shop import Shop

CAME = datetime(2026, 2, 1, tzinfo=UTC)
LOTS = {"L1": Lot(CAME, date(2026, 9, 1)), "L2": Lot(CAME, date(2026, 4, 1)), "L3": Lot(CAME, date(2026, 3, 3))}
BINS = [BinStock("A-1", "A", 9, "L1"), BinStock("A-2", "A", 9, "L2")]
FLOOR = MatrixFloor(("dock", "A-1", "A-2"), ((0, 5, 9), (5, 0, 4), (9, 4, 0)), depot="dock")
GHENT, LILLE = r.Node("ghent"), r.Node("lille")


def soonest(now: datetime) -> Selector:
    """The lot that expires first goes first, and none with less than a week left."""
    return fefo(LOTS, usable_on=now.date() + timedelta(days=7))


def stocked(*nodes: r.Node, units: dict[str, int], **more: Any) -> Shop:
    shop = Shop(*(nodes or (GHENT,)), **more)
    for lot, n in units.items():
        shop.oms.receive("ghent", {"A": n}, lot=lot, key=f"dock {lot}")
    return shop


def held(shop: Shop, order_id: str, bucket: str) -> dict[str, int]:
    found = shop.store.run(lambda txn: txn.reservation(order_id))
    assert found is not None
    return {cell.lot: n for (cell, b), n in sorted(found.held.items()) if b == bucket}


def test_an_order_takes_from_several_lots_and_goes_all_the_way() -> None:
    shop = stocked(units={"L1": 2, "L2": 3})
    shop.order("o-1", "A", units=4)
    assert shop.oms.route()[0].outcome == "assigned"
    assert held(shop, "o-1", "allocated") == {"L1": 2, "L2": 2}
    (fulfillment,) = shop.oms.fulfillments("o-1")
    shop.oms.pick(fulfillment.id, {"1": 1}, key="pick-1")
    shop.sound()
    shop.oms.ship(fulfillment.id, key="ship-1")
    shop.sound()
    assert shop.oms.order("o-1").totals.shipped == 4
    assert shop.oms.available("A") == {"ghent": 1}


def test_the_lot_that_expires_first_goes_first_and_one_about_to_expire_is_not_sold() -> None:
    shop = stocked(units={"L1": 2, "L2": 1, "L3": 9}, lots=soonest)
    assert shop.oms.available("A") == {"ghent": 3}
    assert shop.oms.promise({"A": 4}).arrives_at is None
    shop.order("o-1", "A", units=2)
    shop.order("o-2", "A", units=2)
    shop.oms.route()
    assert held(shop, "o-1", "allocated") == {"L1": 1, "L2": 1}
    assert shop.oms.order("o-2").totals.backordered == 1
    shop.sound()


def test_free_lots_that_a_plan_takes_go_in_the_same_order_and_a_cancelled_one_is_free_again() -> None:
    shop = stocked(units={"L1": 2, "L2": 1, "L3": 9}, lots=soonest)
    shop.order("o-1", "A", units=2)
    soft = {(cell, "reserved"): n for cell, n in ((Cell("A", "ghent", lot="L2"), 1), (Cell("A", "ghent", lot="L1"), 1))}
    shop.store.run(lambda txn: release(txn, "o-1", soft, cause="by hand"))
    shop.oms.route()
    assert held(shop, "o-1", "allocated") == {"L1": 1, "L2": 1}
    shop.oms.cancel("o-1", key="no")
    assert shop.oms.available("A") == {"ghent": 3}


def test_the_pick_list_shows_the_lots_that_the_order_holds() -> None:
    shop = stocked(units={"L1": 2, "L2": 3}, lots=soonest, bins={("ghent", "A"): BINS}, floors={"ghent": FLOOR})
    shop.order("o-1", "A", units=4)
    shop.oms.route()
    (fulfillment,) = shop.oms.fulfillments("o-1")
    rows = shop.oms.pick_list(fulfillment.id).rows
    assert [(row.bin, row.lot, row.units) for row in rows] == [("A-1", "L1", 1), ("A-2", "L2", 3)]


def test_a_count_without_lots_is_of_all_lots_together() -> None:
    shop = stocked(units={"L1": 2, "L2": 3})
    shop.order("o-1", "A", units=1)
    shop.oms.route()
    assert shop.oms.count("ghent", {"A": 4}, key="count-1") == []
    assert shop.oms.available("A") == {"ghent": 3}
    assert shop.oms.count("ghent", {"A": 0}, key="count-2") == ["o-1"]
    assert shop.oms.order("o-1").totals.backordered == 1
    assert shop.oms.count("ghent", {"A": 2}, key="count-3") == []
    assert shop.oms.order("o-1").totals.reserved == 1
    shop.sound()


def test_what_a_node_gives_back_or_finds_short_is_taken_off_the_lots_that_the_order_holds() -> None:
    for reason, left in (("not_in_stock", 0), ("mismatch", 2), ("damaged", 2), ("display", 2), ("no_time", 5)):
        shop = stocked(units={"L1": 2, "L2": 3})
        shop.order("o-1", "A", units=3)
        shop.oms.route()
        (fulfillment,) = shop.oms.fulfillments("o-1")
        shop.oms.reject(fulfillment.id, reason=reason, key="no")
        figures = shop.store.run(lambda txn: txn.cells_of("A"))
        assert sum(f.free + f.reserved for _, f in figures) == left, reason
        shop.sound()
    shop = stocked(units={"L1": 2, "L2": 3})
    shop.order("o-1", "A", units=3)
    shop.oms.route()
    (fulfillment,) = shop.oms.fulfillments("o-1")
    shop.oms.short_pick(fulfillment.id, {"1": 3}, key="short")
    assert held(shop, "o-1", "reserved") == {"L2": 2}
    shop.sound()


def test_a_transfer_brings_lots_and_the_order_that_waits_gets_them() -> None:
    store = r.Node("store", kind="store")
    rule = r.Rule("here", require=(r.kind_is("store"),), prefer=r.nearest(), partial="transfer")
    shop = stocked(store, GHENT, units={"L1": 1, "L2": 3}, rules=(rule,))
    shop.order("o-1", "A", units=3)
    assert shop.oms.route()[0].outcome == "backordered"
    (planned,) = shop.oms.fulfillments("o-1")
    shop.oms.arrive(planned.transfers[0], {"A": 2}, key="dock-8")
    assert held(shop, "o-1", "allocated") == {"L1": 1, "L2": 1}
    shop.oms.arrive(planned.transfers[0], key="dock-9")
    shop.oms.ship(planned.id, key="ship-1")
    assert shop.oms.order("o-1").totals.shipped == 3
    shop.sound()


def test_a_joint_plan_moves_soft_holds_of_lots() -> None:
    shop = stocked(GHENT, LILLE, units={"L1": 1, "L2": 1})
    shop.stock(lille={"A": 1, "B": 1})
    shop.order("o-1", "A", units=2)
    shop.order("o-2", "A", "B")
    done = shop.oms.route_many()
    assert {one.outcome for one in done.routed} == {"assigned"}
    assert not any(one.lost for one in done.routed)
    shop.sound()
