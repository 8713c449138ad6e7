"""What the users of today's systems rely on when orders are routed, numbered as in the collection of scenarios."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from omscore import routing as r
from omscore.kernel import Address, GeoPoint, Money

HOME = Address("US", postcode="10001", point=GeoPoint(40.0, -74.0))


def demand(items: Mapping[str, int], **more: Any) -> r.Demand:
    lines = tuple(r.DemandLine(str(n), item, units) for n, (item, units) in enumerate(items.items(), 1))
    return r.Demand("ord-1", lines, **more)


def policy(*rules: r.Rule, **more: Any) -> r.Policy:
    return r.Policy("test", (r.Route("all", rules),), **more)


def given(decision: r.Decision) -> dict[tuple[str, str], int]:
    assert decision.plan is not None
    return {(a.node, a.item): a.units for a in decision.plan.assignments if not a.backordered}


def quotes(prices: Mapping[str, int]) -> Any:
    return lambda node, _demand, _grams: Money(prices[node.id], "USD")


@pytest.mark.parametrize(("each", "nodes", "parcels"), [(3, 3, 2), (2, 3, 3)])
def test_scenario_27_five_units_come_from_as_few_nodes_as_hold_them(each: int, nodes: int, parcels: int) -> None:
    ids = ["A", "B", "C"][:nodes]
    network = r.Network([r.Node(i) for i in ids])
    stock = r.Stock({(i, "SKU"): each for i in ids})
    rule = r.Rule("split", require=r.has_stock(), prefer=r.fewest_splits(), stops_max=3)
    decision = r.Router(policy(rule), network).route(demand({"SKU": 5}), stock)
    assert decision.outcome == "assigned"
    assert len(decision.nodes) == parcels
    assert sum(given(decision).values()) == 5


def test_scenario_27_too_little_everywhere_names_the_item() -> None:
    network = r.Network([r.Node("A"), r.Node("B")])
    stock = r.Stock({("A", "SKU"): 1, ("B", "SKU"): 1})
    rule = r.Rule("split", require=r.whole_order(), prefer=r.fewest_splits(), stops_max=3)
    decision = r.Router(policy(rule), network).route(demand({"SKU": 5}), stock)
    assert decision.outcome == "unroutable"
    assert "1 of 5 SKU" in decision.why_not("A")


def test_scenario_37_one_far_node_with_everything_beats_two_near_ones() -> None:
    network = r.Network(
        [
            r.Node("FAR", point=GeoPoint(34.0, -118.0), market="west"),
            r.Node("NEAR-1", point=GeoPoint(40.1, -74.0), market="east"),
            r.Node("NEAR-2", point=GeoPoint(40.2, -74.0), market="east"),
        ]
    )
    stock = r.Stock({("FAR", "X"): 1, ("FAR", "Y"): 1, ("NEAR-1", "X"): 1, ("NEAR-2", "Y"): 1})
    rule = r.Rule(
        "default", require=r.has_stock(), prefer=(r.fewest_splits(), r.same_market(), r.nearest()), stops_max=9
    )
    decision = r.Router(policy(rule), network).route(demand({"X": 1, "Y": 1}, destination=HOME, market="east"), stock)
    assert decision.nodes == ("FAR",)


@pytest.mark.parametrize(("region", "route"), [("NY", "1"), ("CA", "3")])
def test_scenario_38_the_most_specific_route_wins(region: str, route: str) -> None:
    rule = (r.Rule("any", require=r.has_stock()),)
    book = r.Policy(
        "sourcing",
        (
            r.Route("1", rule, when=r.has_item("ITEM1")),
            r.Route("2", rule, when=r.has_category("TV")),
            r.Route("3", rule, when=r.has_item("ITEM1") & r.region_is("CA")),
            r.Route("4", rule, when=r.region_is("CA")),
        ),
        pick="most_specific",
    )
    order = r.Demand(
        "ord-1", (r.DemandLine("1", "ITEM1", category="TV"),), destination=Address("US", region=region, postcode="1")
    )
    decision = r.Router(book, r.Network([r.Node("A")])).route(order, r.Stock({("A", "ITEM1"): 1}))
    assert decision.route == route


def test_scenario_40_below_the_threshold_near_wins_and_from_it_on_completeness_does() -> None:
    network = r.Network(
        [r.Node("FAR", point=GeoPoint(35.0, -90.0)), r.Node("NEAR", point=GeoPoint(40.1, -74.0))], currency="USD"
    )
    router = r.Router(r.packs.value_threshold(), network, quote_of=quotes({"NEAR": 900, "FAR": 700}))
    items = {"A": 1, "B": 1, "C": 1}
    everywhere = r.Stock({(n, i): 1 for n in ("NEAR", "FAR") for i in items})
    cheap = router.route(demand(items, destination=HOME, value=Money(7499, "USD")), everywhere)
    assert (cheap.outcome, cheap.nodes) == ("assigned", ("NEAR",))
    partial = r.Stock({("NEAR", "A"): 1, ("NEAR", "B"): 1} | {("FAR", i): 1 for i in items})
    dear = router.route(demand(items, destination=HOME, value=Money(7500, "USD")), partial)
    assert (dear.outcome, dear.nodes) == ("assigned", ("FAR",))


@pytest.mark.parametrize(("chosen", "outcome"), [(1800, "assigned"), (1801, "review")])
def test_scenario_41_a_plan_more_than_8_above_the_cheapest_is_reviewed(chosen: int, outcome: str) -> None:
    network = r.Network(
        [r.Node("FAR", point=GeoPoint(35.0, -90.0)), r.Node("NEAR", point=GeoPoint(40.1, -74.0))], currency="USD"
    )
    router = r.Router(r.packs.value_threshold(), network, quote_of=quotes({"NEAR": chosen, "FAR": 1000}))
    stock = r.Stock({("NEAR", "A"): 1, ("FAR", "A"): 1})
    decision = router.route(demand({"A": 1}, destination=HOME, value=Money(5000, "USD")), stock)
    assert (decision.outcome, decision.nodes) == (outcome, ("NEAR",))
    if outcome == "review":
        assert decision.review is not None
        assert decision.review.against is not None
        assert (decision.cost, decision.review.against.cost) == (Money(1801, "USD"), Money(1000, "USD"))


@pytest.mark.parametrize(("split", "nodes"), [(450, ("BOTH",)), (449, ("ONE", "TWO"))])
def test_scenario_41_a_split_must_save_more_than_the_threshold(split: int, nodes: tuple[str, ...]) -> None:
    network = r.Network([r.Node("BOTH"), r.Node("ONE"), r.Node("TWO")], currency="USD")
    prices = {"BOTH": 1400, "ONE": 450, "TWO": split}
    stock = r.Stock({("BOTH", "X"): 1, ("BOTH", "Y"): 1, ("ONE", "X"): 1, ("TWO", "Y"): 1})
    router = r.Router(r.packs.single_location(), network, quote_of=quotes(prices))
    assert router.route(demand({"X": 1, "Y": 1}), stock).nodes == nodes


@pytest.mark.parametrize(
    ("stock", "nodes"),
    [
        ({"DALLAS": "ABC", "LA": "AB"}, ("DALLAS",)),
        ({"DALLAS": "A", "CHICAGO": "BC"}, ("CHICAGO", "DALLAS")),
    ],
)
def test_scenario_42_complete_nodes_first_and_else_two_parcels_with_nothing_left(
    stock: Mapping[str, Sequence[str]], nodes: tuple[str, ...]
) -> None:
    network = r.Network([r.Node(i) for i in ("CHICAGO", "DALLAS", "LA")])
    figures = r.Stock({(node, item): 1 for node, items in stock.items() for item in items})
    decision = r.Router(r.packs.value_threshold(), network).route(
        demand({"A": 1, "B": 1, "C": 1}, value=Money(9000, "USD")), figures
    )
    assert (decision.outcome, decision.nodes) == ("assigned", nodes)
    assert sum(given(decision).values()) == 3
