"""Many demands over one stock: decided together, never worse than one by one, and nobody starves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omscore import routing as r
from omscore import samples
from omscore.errors import InvalidValue
from omscore.kernel import GeoPoint, Money
from omscore.routing import sourcing

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def order(id_: str, *items: str, hours: int = 0, **more: Any) -> r.Demand:
    lines = [r.DemandLine(str(n), item) for n, item in enumerate(items, 1)]
    return r.Demand(id_, lines, placed_at=MONDAY - timedelta(hours=hours), **more)


def two(a: int = 500, b: int = 510) -> r.Router:
    network = r.Network([r.Node("A", parcel_cost=Money(a, "EUR")), r.Node("B", parcel_cost=Money(b, "EUR"))])
    return r.Router(r.packs.single_location(), network)


def test_units_go_where_they_save_most_and_each_decision_explains_itself() -> None:
    either, only = order("first", "X"), order("second", "X", excluded=["B"])
    stock = {("A", "X"): 1, ("B", "X"): 1}
    done = r.route_many(two(), [either, only], stock, now=MONDAY)
    assert {id_: decision.nodes for id_, decision in done.decisions.items()} == {"first": ("B",), "second": ("A",)}
    assert (done.cost, done.bound, done.gap, done.displaced) == (1010, 1010, 0.0, ())
    assert done.saved > 0
    assert "assigned at B" in str(done["first"].explain())
    assert r.Router(two().policy, two().network).replay(done["first"].record()) == done["first"]


def test_an_urgent_order_goes_before_one_placed_earlier_and_the_displaced_is_named() -> None:
    web = order("web-1", "X", hours=2, channel="web")
    market = order("amz-1", "X", hours=1, channel="marketplace")
    done = r.route_many(two(), [web, market], {("A", "X"): 1}, now=MONDAY)
    assert done["amz-1"].nodes == ("A",)
    assert done.displaced == (r.Displacement("web-1", {"X": 1}, ("amz-1",)),)
    assert "web-1 goes without 1 of X; amz-1 got it" in str(done)
    assert [(row["demand"], row["displaced_by"]) for row in done.to_records()] == [("amz-1", ""), ("web-1", "amz-1")]


def test_whoever_waits_long_enough_comes_first() -> None:
    old = order("old", "X", hours=24 * 14, channel="web")
    new = [order(f"new-{n}", "X", channel="marketplace") for n in range(5)]
    done = r.route_many(two(), [*new, old], {("A", "X"): 1}, now=MONDAY)
    assert done["old"].nodes == ("A",)


def test_rules_hold_whatever_the_planner_shares_out() -> None:
    whole = r.Policy("whole", (r.Route("all", (r.Rule("one", require=r.whole_order(), prefer=r.nearest()),)),))
    network = r.Network([r.Node("A", point=GeoPoint(51, 4)), r.Node("B", point=GeoPoint(50, 3))])
    done = r.route_many(r.Router(whole, network), [order("o", "X", "Y")], {("A", "X"): 1, ("B", "Y"): 1}, now=MONDAY)
    assert done["o"].outcome == "unroutable"


def test_capacity_is_counted_down_over_all_of_them() -> None:
    network = r.Network([r.Node("A", capacity_orders=1), r.Node("B")])
    rule = r.Rule("here", require=(r.has_capacity(), r.has_stock()), prefer=r.by_position())
    router = r.Router(r.Policy("p", (r.Route("all", (rule,)),)), network)
    done = r.route_many(router, [order("1", "X"), order("2", "X")], {("A", "X"): 2, ("B", "X"): 2}, now=MONDAY)
    assert sorted(decision.nodes for decision in done.decisions.values()) == [("A",), ("B",)]


def test_a_solver_of_the_host_s_own_decides_through_the_same_door() -> None:
    class Nobody:
        asked = 0

        def plan(self, backlog: sourcing.Backlog) -> sourcing.BacklogPlan:
            self.asked += len(backlog.orders)
            return sourcing.one_by_one(backlog)

    mine = Nobody()
    done = r.route_many(two(), [order("1", "X"), order("2", "X")], {("A", "X"): 2}, now=MONDAY, planner=mine)
    assert mine.asked == len(done) == 2


def test_a_demand_that_comes_twice_is_refused_and_nothing_to_decide_is_an_answer() -> None:
    with pytest.raises(InvalidValue, match="'1' comes twice"):
        r.route_many(two(), [order("1", "X"), order("1", "X")], {})
    with pytest.raises(InvalidValue, match="no demand 'x'"):
        r.route_many(two(), [], {})["x"]
    nowhere = r.route_many(r.Router(two().policy, r.Network()), [order("1", "X")], {}, now=MONDAY)
    assert nowhere["1"].outcome == "parked"


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from(["single_location", "shopify_default", "channel_sla"]))
def test_together_is_never_worse_than_one_by_one_and_no_unit_is_given_twice(seed: int, scarce: int, pack: str) -> None:
    network = samples.network()
    router = r.Router(getattr(r.packs, pack)(), network)
    demands = samples.orders(25, seed=seed)
    items = sorted({item for d in demands for item, _ in d.needs})
    stock = {(node.id, item): (n * 7 + seed) % scarce for n, node in enumerate(network.nodes) for item in items}
    planner = sourcing.JointPlanner(seed=1, price_rounds=5, repairs=50)
    done = r.route_many(router, demands, stock, now=MONDAY, planner=planner)
    assert done.cost <= done.first_come
    assert done.bound <= done.cost
    used: dict[tuple[str, str], int] = {}
    for decision in done.decisions.values():
        for given_ in decision.plan.assignments if decision.plan is not None else ():
            used[given_.node, given_.item] = used.get((given_.node, given_.item), 0) + given_.units
    assert all(n <= stock[cell] for cell, n in used.items())
    assert r.route_many(router, demands[::-1], stock, now=MONDAY, planner=planner).decisions == done.decisions
