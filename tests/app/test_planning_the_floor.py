"""Batches through the service: waves, lanes, zones, regions, one item, carts, surges, and planning again."""

from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve

import omscore as oms
from omscore.batching import (
    Bin,
    CarrierCutOff,
    Cart,
    Floor,
    Limits,
    MatrixFloor,
    Mode,
    Modes,
    Scan,
    Shift,
    plan,
    report,
)
from omscore.kernel import Address, Dimensions, Item
from omscore.orders import DraftLine
from omscore.oversight import ChannelProfile, SurgeRule, SurgeState
from omscore.testing.walkthrough import MONDAY, draft

FLOOR = Floor(
    4, 10, [Bin("cold-1", 0, 1, zone="cold"), Bin("cold-2", 1, 2, zone="cold"), Bin("dry-1", 3, 4, zone="dry")]
)
BINS = {("ghent", "MILK"): "cold-1", ("ghent", "FISH"): "cold-2", ("ghent", "RICE"): "dry-1"}


def at(hour: int) -> datetime:
    return datetime(2026, 3, 2, hour, tzinfo=UTC)


def shop(clock: oms.ManualClock | None = None, **parts: Any) -> oms.Oms:
    facts: dict[str, Any] = {
        "store": oms.MemoryStore(clock or oms.ManualClock(MONDAY)),
        "network": oms.Network([oms.Node("ghent")]),
        "floors": {"ghent": FLOOR},
        "bins": BINS,
    }
    host = oms.Oms(**(facts | parts))
    host.receive("ghent", {"MILK": 50, "FISH": 50, "RICE": 50}, key="dock")
    return host


def place(host: oms.Oms, number: str, *skus: str, channel: str = "web", **facts: Any) -> None:
    lines = tuple(DraftLine(str(n), sku, 1, oms.Money(1000, "EUR")) for n, sku in enumerate(skus, 1))
    made = draft(number, lines=lines, **facts)
    made = evolve(made, channel=channel)
    host.capture(channel, made, key=f"c-{number}", id=number)
    host.route_order(number)


def test_waves_leave_with_the_cutoff_of_their_lane_and_keep_what_earlier_plans_took() -> None:
    clock = oms.ManualClock(MONDAY)
    host = shop(clock)
    cutoffs = [
        CarrierCutOff("gone", "standard", at(8)),
        CarrierCutOff("noon", "standard", at(12), orders_max=2),
        CarrierCutOff("five", "standard", at(17), units_max=1),
        CarrierCutOff("express noon", "express", at(12)),
    ]
    for number in ("a", "b", "c"):
        place(host, number, "MILK")
    place(host, "x", "MILK", service="express")
    made = host.plan_batches("ghent", Limits(), cutoffs=cutoffs)
    assert [(b.wave, b.orders) for b in made.batches] == [
        ("express noon", ("x-f1",)),
        ("noon", ("a-f1", "b-f1")),
        ("five", ("c-f1",)),
    ]
    noon = host.pick_list(made.batches[1].id)
    assert "wave noon" in str(noon)
    assert noon.leaves_at == at(12)
    place(host, "d", "MILK")
    (late,) = host.plan_batches("ghent", Limits(), cutoffs=cutoffs).refused
    assert (late.order, late.reason.code) == ("d-f1", "batching.no_wave")
    assert [b.orders for b in host.plan_batches("ghent", Limits()).batches] == [("d-f1",)], "not lost, only late"


def test_a_cutoff_of_the_same_name_on_another_day_has_its_own_room() -> None:
    clock = oms.ManualClock(MONDAY)
    host = shop(clock)
    for day in (2, 3):
        place(host, f"a{day}", "MILK")
        noon = CarrierCutOff("noon", "standard", datetime(2026, 3, day, 12, tzinfo=UTC), orders_max=1)
        assert [b.orders for b in host.plan_batches("ghent", Limits(), cutoffs=[noon])] == [(f"a{day}-f1",)]
        place(host, f"b{day}", "MILK")
        assert [r.order for r in host.plan_batches("ghent", Limits(), cutoffs=[noon]).refused] == [f"b{day}-f1"]
        host.cancel(f"b{day}", key=f"x{day}")
        clock.advance(days=1)


def test_a_list_gives_as_many_totes_as_the_carts_limits_counted() -> None:
    milk = Item("MILK", dimensions=Dimensions(100, 100, 100))
    host = shop(catalog={"MILK": milk})
    lines = (DraftLine("1", "MILK", 3, oms.Money(1000, "EUR")),)
    host.capture("web", draft("a", lines=lines), key="a", id="a")
    host.route_order("a")
    (batch,) = host.plan_batches("ghent", Limits(totes_max=2, tote_volume=2_000_000))
    assert [(row.tote, row.units) for row in host.pick_list(batch.id).rows] == [("T1", 2), ("T2", 1)]


def test_zones_are_picked_apart_and_lists_say_what_is_brought_together() -> None:
    host = shop()
    place(host, "a", "MILK", "RICE")
    place(host, "b", "FISH")
    made = host.plan_batches("ghent", Limits(), zones=["cold", "dry"])
    assert [(b.zone, b.orders) for b in made.batches] == [("cold", ("a-f1", "b-f1")), ("dry", ("a-f1",))]
    cold, dry = (host.pick_list(b.id) for b in made.batches)
    assert cold.together == {"a-f1": (dry.id,)}
    assert "also on" in str(dry)
    host.scan(cold.id, Scan("s-1", "MILK"))
    with pytest.raises(oms.CommandRefused, match="a-f1 is not picked in full: 1 of line 2 left"):
        host.pack("a-f1", key="k")
    host.scan(dry.id, Scan("s-2", "RICE"))
    assert host.pack("a-f1", key="k").state == "packed"


def test_regions_lanes_and_zones_stay_apart_where_the_limits_say_so() -> None:
    host = shop()
    place(host, "a", "MILK")
    place(host, "b", "MILK", ship_to=Address("FR", postcode="59000"))
    place(host, "c", "RICE")
    place(host, "d", "MILK", service="express")
    made = host.plan_batches("ghent", Limits(same=("region", "lane", "zone")))
    assert sorted(b.orders for b in made.batches) == [("a-f1",), ("b-f1",), ("c-f1",), ("d-f1",)]


def test_a_host_says_what_a_region_is() -> None:
    host = shop(region=lambda draft: draft.ship_to.postcode[:2])
    place(host, "a", "MILK")
    place(host, "b", "MILK", ship_to=Address("BE", postcode="9030"))
    place(host, "c", "MILK", ship_to=Address("BE", postcode="1000"))
    made = host.plan_batches("ghent", Limits(same="region"))
    assert [b.orders for b in made.batches] == [("a-f1", "b-f1"), ("c-f1",)]


def test_orders_of_a_channel_with_priority_are_released_first() -> None:
    host = shop(profiles={"market": ChannelProfile(priority=5)})
    place(host, "a", "MILK")
    place(host, "b", "MILK", channel="market")
    made = host.plan_batches("ghent", Limits(same="priority"))
    assert [b.orders for b in made.batches] == [("b-f1",), ("a-f1",)]


def test_orders_for_one_item_are_batched_by_themselves() -> None:
    host = shop()
    for number, skus in {"a": ["MILK"], "b": ["MILK", "FISH"], "c": ["MILK"], "d": ["FISH"]}.items():
        place(host, number, *skus)
    made = host.plan_batches("ghent", Limits(), same_item_min=2)
    assert [b.orders for b in made.batches] == [("a-f1", "c-f1"), ("b-f1", "d-f1")]


def test_a_surge_switches_how_batches_are_planned_and_off_again() -> None:
    modes = Modes(Mode(Limits(), "search", steps_max=500), Mode(Limits(same="region"), "first_come", "s_shape"))
    rule = SurgeRule(normal=100)
    state = SurgeState().after(rule, 500)
    host = shop()
    place(host, "a", "MILK")
    place(host, "b", "MILK", ship_to=Address("FR", postcode="59000"))
    surge = host.plan_batches("ghent", modes.when(surging=state.on))
    assert (surge.method, surge.rule, len(surge)) == ("first_come", "s_shape", 2)
    state = state.after(rule, 90).after(rule, 90)
    calm = host.plan_batches("ghent", modes.when(surging=state.on), replan=True)
    assert (calm.method, calm.rule, len(calm)) == ("search", "exact", 1)
    assert host.pick_list(calm.batches[0].id).rule == "exact"


def test_who_is_due_first_is_picked_first_by_the_shift_at_hand() -> None:
    host = shop(due=lambda draft, now: at(10) if draft.external_id == "b" else at(17))
    for number in "abc":
        place(host, number, "MILK")
    made = host.plan_due("ghent", Limits(orders_max=2), Shift(MONDAY, pickers=1), steps_max=200)
    assert "b-f1" in made.plan.batches[0].orders
    assert made.late_s == {}
    assert [task.batch for task in made.tasks] == [batch.id for batch in made.plan.batches]
    assert host.pick_list("b-f1").id == made.tasks[0].batch


def test_planning_again_leaves_alone_what_was_begun() -> None:
    host = shop()
    for number in "abc":
        place(host, number, "MILK")
    first = host.plan_batches("ghent", Limits(orders_max=1))
    by_order = {b.orders[0]: b.id for b in first.batches}
    host.scan(by_order["a-f1"], Scan("s-1", "MILK"))
    place(host, "d", "MILK")
    second = host.plan_batches("ghent", Limits(), replan=True, started=[by_order["b-f1"]])
    assert [b.orders for b in second.batches] == [("c-f1", "d-f1")]
    assert {b.id for b in second.batches}.isdisjoint(by_order.values())
    assert host.pick_list(by_order["a-f1"]).rows
    assert host.pick_list("c-f1").id == second.batches[0].id
    assert host.pick_list(by_order["c-f1"]).rows == (), "taken apart: nothing is on it any more"
    third = host.plan_batches("ghent", Limits(), replan=True)
    assert [b.orders for b in third.batches] == [("b-f1", "c-f1", "d-f1")]


def test_an_order_in_two_zones_is_left_on_both_lists_once_one_is_begun() -> None:
    host = shop()
    place(host, "a", "MILK", "RICE")
    place(host, "b", "RICE")
    cold, dry = host.plan_batches("ghent", Limits(), zones=["cold", "dry"]).batches
    host.scan(cold.id, Scan("s-1", "MILK"))
    assert host.plan_batches("ghent", Limits(), zones=["cold", "dry"], replan=True).batches == ()
    assert {row.order for row in host.pick_list(dry.id).rows} == {"a-f1", "b-f1"}


def test_orders_too_large_for_every_cart_are_named_and_stay_open() -> None:
    host = shop()
    place(host, "a", "MILK", "FISH", "RICE")
    place(host, "b", "MILK")
    made = host.plan_batches("ghent", [Cart("basket", Limits(lines_max=2))])
    assert [b.orders for b in made.batches] == [("b-f1",)]
    assert [(r.order, r.reason.code) for r in made.refused] == [("a-f1", "batching.no_cart")]
    assert len(host.plan_batches("ghent", Limits()).batches) == 1


def test_zones_need_an_aisle_floor() -> None:
    host = shop(floors={"ghent": MatrixFloor(("dock", "cold-1"), ((0, 5), (5, 0)), depot="dock")})
    with pytest.raises(oms.DefinitionError, match="zones are parts of an aisle floor"):
        host.plan_batches("ghent", Limits(), zones=["cold"])
    host = shop(floors={})
    place(host, "a", "MILK")
    assert len(host.plan_batches("ghent", Mode(Limits(), "search", "s_shape", steps_max=9)).batches) == 1
    assert "<svg" not in host.pick_page("a-f1")


def test_a_trial_of_what_waits_is_reported_before_anything_is_kept() -> None:
    host = shop()
    for number, sku in zip("abcd", ["MILK", "RICE", "MILK", "FISH"], strict=True):
        place(host, number, sku)
    orders = host.pick_orders("ghent")
    limits = Limits(orders_max=2)
    told = report(plan(orders, FLOOR, limits), orders, FLOOR, limits)
    assert [row.lines for row in told.rows] == [4, 4, 4]
    assert told.rows[0].distance_mm <= min(row.distance_mm for row in told.rows)
    assert host.plan_batches("ghent", limits).distance_mm == told.rows[0].distance_mm
    assert host.pick_orders("ghent") == []


def test_a_shop_searches_for_so_many_seconds_by_the_machines_clock() -> None:
    host = shop()
    for number in "abcdef":
        place(host, number, "MILK" if number in "abc" else "RICE")
    made = host.plan_batches("ghent", Limits(orders_max=3), method="search", seconds_max=0.2)
    assert sorted(sorted(batch.orders) for batch in made) == [["a-f1", "b-f1", "c-f1"], ["d-f1", "e-f1", "f-f1"]]


def test_a_zone_that_the_floor_does_not_have_is_refused_with_those_it_has() -> None:
    host = shop()
    place(host, "a", "MILK")
    with pytest.raises(
        oms.DefinitionError, match="no bin of the floor is in zone 'frozen'; its zones are: 'cold', 'dry'"
    ):
        host.plan_batches("ghent", Limits(), zones=["cold", "frozen"])
    assert [batch.zone for batch in host.plan_batches("ghent", Limits(), zones="cold")] == ["cold"], "one zone is one"


def test_a_cart_carries_no_more_totes_than_have_names() -> None:
    host = shop()
    for number in "abc":
        place(host, number, "MILK")
    for limits in (Limits(), [Cart("basket", Limits(totes_max=9))], Mode(Limits())):
        made = host.plan_batches("ghent", limits, totes=["red", "blue"], replan=True)
        assert sorted(len(batch.orders) for batch in made) == [1, 2]
    due = host.plan_due("ghent", Limits(), Shift(MONDAY), totes=["red"], replan=True)
    assert [len(batch.orders) for batch in due.plan] == [1, 1, 1]


def test_an_item_without_a_bin_is_refused_and_a_word_where_stock_should_be_is_named() -> None:
    host = shop(bins={("ghent", "MILK"): None, ("ghent", "RICE"): "dry-1"})
    place(host, "a", "MILK")
    place(host, "b", "RICE")
    made = host.plan_batches("ghent", Limits())
    assert [batch.orders for batch in made] == [("b-f1",)]
    assert [(r.order, r.reason.code) for r in made.refused] == [("a-f1", "batching.no_bin")]
    host = shop(bins={("ghent", "MILK"): ["cold-1"]})
    place(host, "a", "MILK")
    with pytest.raises(oms.DefinitionError, match=r"bins of 'MILK' at 'ghent' are .* give a BinStock for each"):
        host.plan_batches("ghent", Limits())


def test_a_shift_is_planned_with_one_kind_of_cart() -> None:
    with pytest.raises(oms.DefinitionError, match="Limits of one kind of cart"):
        shop().plan_due("ghent", [Cart("basket", Limits())], Shift(MONDAY))  # type: ignore[arg-type]


def test_a_list_printed_again_leaves_out_what_was_cancelled_and_keeps_what_is_packed() -> None:
    host = shop()
    lines = (DraftLine("1", "MILK", 5, oms.Money(1000, "EUR")),)
    host.capture("web", draft("a", lines=lines), key="a", id="a")
    host.route_order("a")
    place(host, "b", "RICE")
    (batch,) = host.plan_batches("ghent", Limits())
    host.cancel("a", {"1": 2}, key="fewer")
    assert [(row.order, row.units) for row in host.pick_list(batch.id).rows] == [("a-f1", 3), ("b-f1", 1)]
    host.pack("b-f1", key="packed")
    host.cancel("a", key="all")
    assert [(row.order, row.units) for row in host.pick_list(batch.id).rows] == [("b-f1", 1)]
