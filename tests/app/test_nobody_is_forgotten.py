"""Who waits is served when units become free, is given the time that was promised, and stops nobody else."""

from datetime import UTC, datetime, timedelta

import pytest

import omscore as oms
from omscore import routing as r
from omscore.testing.walkthrough import up_to

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
TWO = oms.Network([oms.Node("a", country="BE"), oms.Node("b", country="BE")])


def policy(park: r.Park, *require: r.Requirement) -> r.Policy:
    rules = (r.Rule("one", require=require or (r.whole_order(),), prefer=(r.by_priority(),)),)
    return r.Policy("p", routes=(r.Route("all", rules=rules),), otherwise=park)


def shop(rules: r.Policy, network: oms.Network = TWO) -> tuple[oms.Oms, oms.ManualClock]:
    clock = oms.ManualClock(MONDAY)
    return oms.Oms(store=oms.MemoryStore(clock), network=network, routing=rules), clock


def order(host: oms.Oms, number: str, **units: int) -> oms.Order:
    lines = [oms.DraftLine(str(i), item, n, oms.Money(500, "EUR")) for i, (item, n) in enumerate(units.items(), 1)]
    draft = oms.Draft("web", number, "EUR", lines, MONDAY, ship_to=oms.Address("BE"), payment="paid")
    return host.capture("web", draft, key=number, id=number)


def test_stock_that_comes_in_gives_a_parked_order_another_try_and_never_less_time() -> None:
    host, clock = shop(policy(r.park("later", days=7, then="cancel")))
    host.receive("a", {"X": 1}, key="1")
    host.receive("b", {"Y": 1}, key="2")
    order(host, "o", X=1, Y=1)
    assert host.route()[0].outcome == "parked"
    host.receive("a", {"X": 1}, key="3")
    assert host.route()[0].outcome == "parked"
    assert host.order("o").state == "accepted"
    clock.advance(days=6, hours=23)
    assert host.route() == []
    clock.advance(hours=1)
    host.route()
    assert host.order("o").state == "cancelled"


def test_when_parking_ends_only_what_still_waits_is_cancelled() -> None:
    at = up_to("allocated", stock=5)
    host, fulfillment = at.shop, at.fulfillment
    assert fulfillment is not None
    host.short_pick(fulfillment.id, {"1": 1}, key="short")
    host.pick(fulfillment.id, key="pick")
    host.route()
    host.receive("ghent", {"SKU-1": 10}, key="more")
    host.route()
    assert host.order(at.order.id).totals.picked == 1
    assert host.order(at.order.id).state == "accepted"


def test_units_freed_by_a_cancellation_go_to_the_oldest_who_waits() -> None:
    host, _ = shop(policy(r.park("later")))
    host.receive("a", {"X": 2}, key="1")
    order(host, "o1", X=2)
    order(host, "o2", X=2)
    host.cancel("o1", key="c")
    assert host.order("o2").totals.reserved == 2
    assert order(host, "o3", X=2).totals.backordered == 2


def test_a_node_that_was_short_is_asked_again_when_it_has_goods_again() -> None:
    host, _ = shop(policy(r.park("later", days=2), r.has_stock()))
    host.receive("a", {"X": 2}, key="1")
    order(host, "o", X=2)
    host.route()
    host.short_pick("o-f1", {"1": 2}, key="short")
    host.route()
    host.receive("a", {"X": 2}, key="2")
    assert host.route()[0].nodes == ("a",)


def test_a_hold_that_cannot_cancel_any_more_keeps_nobody_else_waiting() -> None:
    at = up_to("packed")
    until = at.clock.now() + timedelta(hours=1)
    at.shop.hold(at.order.id, oms.Hold("late", until=until, on_expiry="cancel"), key="h")
    at.clock.advance(hours=2)
    assert at.shop.tick()["cancelled"] == 0
    assert at.shop.order(at.order.id).holds


@pytest.mark.parametrize("bug", [oms.InvalidValue("the catalog is down"), KeyError("colors")])
def test_a_rule_of_the_hosts_that_fails_is_tried_again_and_stops_no_other_order(bug: Exception) -> None:
    broken = ["o1"]

    def careful(node: oms.Node, demand: r.Demand) -> bool:
        if demand.id in broken:
            raise bug
        return True

    host, clock = shop(policy(r.park("later"), r.own_requirement("careful", careful), r.whole_order()))
    host.receive("a", {"X": 4}, key="1")
    order(host, "o1", X=2)
    order(host, "o2", X=2)
    assert {routed.order: routed.outcome for routed in host.route()} == {"o1": "failed", "o2": "assigned"}
    assert host.route() == []
    broken.clear()
    clock.advance(minutes=5)
    assert host.route()[0].outcome == "assigned"


def test_nothing_is_no_quantity() -> None:
    delivered = up_to("delivered")
    for units in ({}, {"SKU-1": 0}, {"SKU-1": -1}):
        with pytest.raises(oms.InvalidValue):
            delivered.shop.open_return(delivered.order.id, units, key="r")
    assert delivered.shop.order(delivered.order.id).state == "closed"
    allocated = up_to("allocated")
    assert allocated.fulfillment is not None
    with pytest.raises(oms.InvalidValue):
        allocated.shop.short_pick(allocated.fulfillment.id, {}, key="s")


def test_a_node_that_is_not_there_is_named() -> None:
    delivered = up_to("delivered")
    with pytest.raises(oms.NotFound, match="nowhere"):
        delivered.shop.open_return(delivered.order.id, {"SKU-1": 1}, node="nowhere", key="r")


def test_routing_a_finished_order_says_so_and_touches_nothing() -> None:
    at = up_to("accepted")
    at.shop.cancel(at.order.id, key="c")
    assert at.shop.route_order(at.order.id).outcome == "cancelled"
    assert at.shop.route() == []


def test_a_label_that_was_cancelled_is_no_end_once_the_parcel_moves() -> None:
    at = up_to("shipped")
    assert at.shipment is not None
    at.shop.track(at.shipment.id, "cancelled", key="t-1")
    at.shop.track(at.shipment.id, "delivered", key="t-2")
    at.shop.track(at.shipment.id, "cancelled", key="t-3")
    assert at.shop.shipment(at.shipment.id).status == "delivered"
    assert at.shop.order(at.order.id).state == "closed"


def test_explain_says_why_an_order_has_not_been_routed() -> None:
    host, _ = shop(policy(r.park("later")))
    order(host, "o", X=2)
    assert host.explain("o") == "o: waits for stock: 2 of X are not there"
    host.hold("o", oms.Hold("fraud", "risk"), key="h")
    assert host.explain("o") == "o: held, fraud by risk"


def test_work_at_a_node_stops_while_somebody_holds_the_order() -> None:
    at = up_to("allocated")
    assert at.fulfillment is not None
    at.shop.hold(at.order.id, oms.Hold("fraud", "risk"), key="h")
    for verb in (at.shop.pick, at.shop.pack, at.shop.ship):
        with pytest.raises(oms.CommandRefused, match="held by risk"):
            verb(at.fulfillment.id, key=f"k-{verb.__name__}")
    at.shop.release(at.order.id, "fraud", key="r")
    assert at.shop.ship(at.fulfillment.id, key="s").status == "created"
