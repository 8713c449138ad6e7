"""The floor through the service: lists with bins and lots, scans that pick, shorts that mend, sorting proved."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import omscore as oms
from omscore.adapters import SqliteStore
from omscore.batching import Barcodes, BinStock, Floor, Limits, Scan, Scanned, Short, ShortPick
from omscore.kernel import Item
from omscore.orders import DraftLine, Hold
from omscore.oversight import ChannelProfile
from omscore.ports import Effect
from omscore.testing.walkthrough import MONDAY, draft, up_to
from tests.app.gateways import Till

EUR = "EUR"
CATALOG = {
    sku: Item(sku, gtin=gtin, name=name, weight_grams=300, tags=())
    for sku, gtin, name in (
        ("RED", "4006381333931", "mug, red"),
        ("BLUE", "", "mug, blue"),
        ("PLATE", "", "plate"),
    )
}
BOOK = Barcodes.of(CATALOG.values(), families={"RED": "mug", "BLUE": "mug"})
BINS: dict[tuple[str, str], str | tuple[BinStock, ...]] = {
    ("ghent", "RED"): (BinStock("0-3", "RED", 2, lot="L7"), BinStock("2-8", "RED", 10, lot="L8")),
    ("ghent", "BLUE"): "1-1",
    ("ghent", "PLATE"): "3-1",
}


class Notes:
    def __init__(self) -> None:
        self.told: list[Effect] = []

    def notify(self, effect: Effect) -> None:
        self.told.append(effect)


def shop(nodes: tuple[str, ...] = ("ghent",), **parts: Any) -> oms.Oms:
    facts: dict[str, Any] = {
        "store": oms.MemoryStore(oms.ManualClock(MONDAY)),
        "network": oms.Network([oms.Node(node) for node in nodes]),
        "catalog": CATALOG,
        "floors": {"ghent": Floor.parallel(aisles=4, cells=10)},
        "bins": BINS,
        "barcodes": BOOK,
    }
    return oms.Oms(**(facts | parts))


def wants(number: str, **units: int) -> oms.Draft:
    lines = tuple(DraftLine(str(n), sku, k, oms.Money(1000, EUR)) for n, (sku, k) in enumerate(units.items(), 1))
    return draft(number, lines=lines)


def placed(host: oms.Oms, number: str, **units: int) -> str:
    host.capture("web", wants(number, **units), key=f"c-{number}", id=f"o-{number}")
    return f"o-{number}-f1"


def two_orders(**parts: Any) -> oms.Oms:
    host = shop(**parts)
    host.receive("ghent", {"RED": 12, "BLUE": 5, "PLATE": 5}, key="dock")
    placed(host, "1", RED=3, PLATE=2)
    placed(host, "2", RED=1)
    host.route()
    return host


def test_a_batchs_list_names_bin_lot_units_and_tote_along_the_walk() -> None:
    host = two_orders()
    (batch,) = host.plan_batches("ghent", Limits(orders_max=5), totes=["T-red", "T-blue"]).batches
    assert str(host.pick_list(batch.id)) == (
        "pick list ghent-w1-b1: 4 rows, 3 stops, 6 units, walk 44 m\n\n"
        "stop  bin  item   name      lot  units  tote    order\n"
        "----  ---  -----  --------  ---  -----  ------  ------\n"
        "   1  0-3  RED    mug, red  L7       2  T-red   o-1-f1\n"
        "   2  2-8  RED    mug, red  L8       1  T-red   o-1-f1\n"
        "   2  2-8  RED    mug, red  L8       1  T-blue  o-2-f1\n"
        "   3  3-1  PLATE  plate              2  T-red   o-1-f1"
    )
    page = host.pick_page(batch.id)
    assert "<svg" in page
    assert page.count("\u2610") == 4
    assert host.pick_list(batch.id).to_dict()["rule"] == "exact"


def test_one_order_gets_its_list_at_once_and_the_same_one_again() -> None:
    host = two_orders()
    alone = host.pick_list("o-2-f1")
    assert [(row.bin, row.lot, row.units) for row in alone.rows] == [("0-3", "L7", 1)]
    assert host.pick_list("o-2-f1") == host.pick_list(alone.id) == alone
    (batch,) = host.plan_batches("ghent", Limits()).batches
    assert batch.orders == ("o-1-f1",), "what has its list is not batched again"
    bins = [(row.bin, row.units) for row in host.pick_list(batch.id).rows if row.item == "RED"]
    assert bins == [("0-3", 1), ("2-8", 2)], "no unit of a bin is promised to two lists"
    with pytest.raises(oms.NotFound):
        host.pick_list("nothing")


def test_an_order_without_bins_is_named_and_the_rest_is_planned() -> None:
    bins = {k: v for k, v in BINS.items() if k[1] != "PLATE"}
    host = two_orders(bins=bins)
    plan = host.plan_batches("ghent", Limits())
    assert [batch.orders for batch in plan.batches] == [("o-2-f1",)]
    assert [r.reason.text for r in plan.refused] == ["order 'o-1-f1': item 'PLATE' has no bin"]
    with pytest.raises(oms.CommandRefused, match="item 'PLATE' has no bin"):
        host.pick_list("o-1-f1")


def test_units_that_no_bin_holds_are_on_the_list_as_missing() -> None:
    host = two_orders(bins={**BINS, ("ghent", "RED"): (BinStock("0-3", "RED", 2),)})
    (batch,) = host.plan_batches("ghent", Limits()).batches
    listed = host.pick_list(batch.id)
    assert [(s.order, s.item, s.asked, s.found) for s in listed.shortages] == [("o-1-f1", "RED", 3, 2)]
    assert "missing" in str(listed)
    assert [r.order for r in host.plan_batches("ghent", Limits()).refused] == ["o-2-f1"]


def test_every_verdict_is_an_event_and_only_right_scans_pick() -> None:
    host = two_orders()
    batch = host.plan_batches("ghent", Limits()).batches[0].id
    scans = [
        Scan("s-1", "4006381333931", bin="0-3", tote="T1", by="ann"),
        Scan("s-2", "4006381333932", bin="0-3"),
        Scan("s-3", "BLUE", bin="0-3"),
        Scan("s-4", "PLATE", bin="0-3"),
        Scan("s-5", "TEAPOT"),
        Scan("s-6", "RED", bin="0-3", units=9),
        Scan("s-7", "RED", bin="2-8", lot="L9"),
    ]
    verdicts = [event.verdict for scan in scans for event in host.scan(batch, scan)]
    assert verdicts == [
        "right",
        "bad_check_digit",
        "wrong_variant",
        "wrong_bin",
        "unknown_code",
        "too_many",
        "wrong_lot",
    ]
    assert repr(host.order("o-1")) == "<Order o-1 accepted: allocated 4, picked 1>"
    logged = host._store.run(lambda txn: txn.events("pick_list", batch))
    assert [one.event.verdict for one in logged] == verdicts
    assert (logged[0].cause, logged[0].actor) == ("s-1", "ann")
    assert host.tally(batch).open(1) == 1


def test_a_scan_repeated_gets_its_first_verdict_and_picks_nothing_more() -> None:
    host = two_orders()
    batch = host.pick_list("o-2-f1").id
    first = host.scan(batch, Scan("s-1", "RED"))
    assert host.scan(batch, Scan("s-1", "RED")) == first
    assert repr(host.order("o-2")) == "<Order o-2 accepted: picked 1>"
    with pytest.raises(oms.KeyReused):
        host.scan(batch, Scan("s-1", "BLUE"))
    with pytest.raises(oms.InvalidValue, match="at 'pick' or at 'pack'"):
        host.scan(batch, Scan("s-9", "RED"), at="dock")


def test_what_is_cancelled_meanwhile_is_no_longer_asked_for() -> None:
    host = two_orders()
    batch = host.plan_batches("ghent", Limits()).batches[0].id
    host.cancel("o-1", {"1": 2}, key="x")
    tally = host.tally(batch)
    assert [(row.bin, row.units) for row in tally.rows if row.order == "o-1-f1"] == [("0-3", 1), ("2-8", 0), ("3-1", 2)]
    assert host.scan(batch, Scan("s-1", "RED", tote="T1", units=2))[0].verdict == "too_many"
    assert host.scan(batch, Scan("s-2", "RED", tote="T1"))[0].verdict == "right"


def test_a_held_order_is_not_picked() -> None:
    host = two_orders()
    batch = host.pick_list("o-2-f1").id
    host.hold("o-2", Hold("fraud_review", owner="risk"), key="h")
    with pytest.raises(oms.CommandRefused, match="fraud_review"):
        host.scan(batch, Scan("s-1", "RED"))
    host.release("o-2", "fraud_review", key="r")
    assert host.scan(batch, Scan("s-1", "RED"))[0].verdict == "right"


def test_a_short_row_mends_the_ledger_backorders_the_rest_and_tells_the_customer() -> None:
    notes = Notes()
    host = two_orders(notifier=notes)
    batch = host.plan_batches("ghent", Limits()).batches[0].id
    host.scan(batch, Scan("s-1", "RED", bin="0-3", units=2))
    free = host.available("RED")["ghent"]
    (short,) = host.short_row(batch, Short("s-2", row=2, why="bin is empty", by="ann"))
    assert (short.asked, short.picked, short.missing) == (1, 0, 1)
    assert host.available("RED")["ghent"] == free - 1, "one was reserved again elsewhere in the node, one was lost"
    assert host.short_row(batch, Short("s-2", row=2, why="bin is empty", by="ann")) == (short,)
    host.deliver()
    (told,) = [effect for effect in notes.told if effect.topic == "notify.short"]
    assert told.payload["missing"] == {"1": 1}
    assert host.notices("o-1", status="late") == []


@pytest.mark.parametrize("backorder", [True, False])
def test_what_no_node_has_waits_or_is_cancelled_and_its_money_follows(backorder: bool) -> None:
    till, notes = Till(), Notes()
    at = up_to("accepted", payment="pending", stock=2, gateway=till, notifier=notes)
    host = at.shop
    host.deliver()
    host.route()
    batch = host.pick_list("ord-1-f1").id
    host.scan(batch, Scan("s-1", "SKU-1"))
    host.short_row(batch, Short("s-2", row=1), backorder=backorder)
    host.pack("ord-1-f1", key="k")
    host.ship("ord-1-f1", key="s")
    host.deliver()
    host.deliver()
    payment = host.payment("ord-1")
    assert payment.captured.minor == 1999, "only what left is taken"
    told = next(effect for effect in notes.told if effect.topic == "notify.short")
    if backorder:
        assert told.payload["backordered"] == {"1": 1}
        assert repr(host.order("ord-1")) == "<Order ord-1 accepted: backordered 1, shipped 1>"
        assert payment.authorized.minor == 3998
    else:
        assert told.payload["cancelled"] == {"1": 1}
        assert repr(host.order("ord-1")) == "<Order ord-1 accepted: shipped 1, cancelled 1>"
        assert [n for id_, n in till.asked.items() if "-void-" in id_] == [1999]


def test_money_taken_at_order_is_given_back_for_what_is_not_found() -> None:
    till = Till()
    profiles = {"web": ChannelProfile(capture_method="at_order")}
    at = up_to("accepted", payment="pending", stock=2, gateway=till, profiles=profiles)
    at.shop.deliver()
    at.shop.deliver()
    at.shop.route()
    at.shop.short_pick("ord-1-f1", {"1": 1}, backorder=False, key="s")
    at.shop.deliver()
    assert at.shop.payment("ord-1").refunded.minor == 1999


def test_the_rest_of_a_short_row_goes_to_another_node() -> None:
    host = shop(("ghent", "lille"))
    host.receive("ghent", {"RED": 3}, key="d-1")
    host.receive("lille", {"RED": 3}, key="d-2")
    placed(host, "1", RED=3)
    host.route()
    (fulfillment,) = host.fulfillments("o-1")
    batch = host.pick_list(fulfillment.id).id
    row = host.tally(batch).rows[0]
    host.short_row(batch, Short("s-1", row=row.row))
    host.route()
    assert {f.node for f in host.fulfillments("o-1")} == {"ghent", "lille"}


def test_the_rest_of_a_short_row_is_taken_from_another_bin_of_the_node() -> None:
    host = two_orders()
    batch = host.pick_list("o-1-f1").id
    assert host.pick_list(batch).rows[0].bin == "0-3"
    host.short_row(batch, Short("s-1", row=1))
    (routed,) = host.route()
    assert (routed.outcome, routed.nodes) == ("assigned", ("ghent",))


def test_nobody_packs_what_was_begun_to_be_scanned_and_is_not_through() -> None:
    host = two_orders()
    batch = host.plan_batches("ghent", Limits()).batches[0].id
    host.scan(batch, Scan("s-1", "RED", bin="0-3", units=2))
    with pytest.raises(oms.CommandRefused, match="o-1-f1 is not picked in full: 1 of line 1, 2 of line 2 left"):
        host.ship("o-1-f1", key="k-1")
    host.short_row(batch, Short("s-2", row=2))
    host.scan(batch, Scan("s-3", "PLATE", units=2))
    host.pack("o-1-f1", key="k-2")


def test_totes_are_proved_at_the_packing_table() -> None:
    host = two_orders()
    batch = host.plan_batches("ghent", Limits()).batches[0].id
    for row in host.pick_list(batch).rows:
        host.scan(batch, Scan(f"s-{row.row}", row.item, row=row.row, units=row.units))
    assert host.tally(batch).is_done
    (wrong,) = host.scan(batch, Scan("p-1", "PLATE", tote="T2"), at="pack")
    assert (wrong.verdict, wrong.order) == ("wrong_tote", "o-1-f1")
    assert host.scan(batch, Scan("p-2", "RED", tote="T1", units=3), at="pack")[0].verdict == "right"
    with pytest.raises(oms.CommandRefused, match="not verified: 2 of 'PLATE' from tote T1 still to be scanned"):
        host.pack("o-1-f1", key="k-1")
    host.scan(batch, Scan("p-3", "PLATE", tote="T1", units=2), at="pack")
    assert host.pack("o-1-f1", key="k-1").state == "packed"
    assert repr(host.order("o-1")) == "<Order o-1 accepted: packed 5>"
    assert host.tally(batch, at="pack").open(3) == 1


def test_pickers_who_scan_the_same_row_at_once_lose_nothing_and_take_nothing_twice(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    def open_shop() -> oms.Oms:
        store = SqliteStore(tmp_path / "shop.db", clock=oms.ManualClock(MONDAY))
        request.addfinalizer(store.close)
        return shop(store=store, bins={("ghent", "RED"): "0-1"})

    host = open_shop()
    host.receive("ghent", {"RED": 30}, key="dock")
    placed(host, "1", RED=25)
    host.route()
    batch = host.pick_list("o-1-f1").id
    shops = [open_shop() for _ in range(4)]

    def picker(number: int) -> list[Scanned]:
        return [e for n in range(10) for e in shops[number].scan(batch, Scan(f"{number}-{n}", "RED", by=str(number)))]

    with ThreadPoolExecutor(4) as pool:
        events = [event for found in pool.map(picker, range(4)) for event in found]
    assert sorted(event.verdict for event in events) == ["right"] * 25 + ["too_many"] * 15
    tally = host.tally(batch)
    assert (tally.counted(1), tally.over(1), tally.is_done) == (25, 0, True)
    assert repr(host.order("o-1")) == "<Order o-1 accepted: picked 25>"
    logged = host._store.run(lambda txn: txn.events("pick_list", batch))
    assert len(logged) == 40
    assert not any(isinstance(one.event, ShortPick) for one in logged)
