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


def two_nodes(default: Sequence[int], dropship: Sequence[int]) -> tuple[r.Network, r.Stock]:
    network = r.Network([r.Node("DEFAULT", groups={"default"}), r.Node("DROPSHIP", kind="vendor")])
    stock = {("DEFAULT", item): n for item, n in zip("XY", default, strict=True)}
    return network, r.Stock(stock | {("DROPSHIP", item): n for item, n in zip("XY", dropship, strict=True)})


def test_scenario_25_the_default_node_serves_all_it_has() -> None:
    network, stock = two_nodes((100, 100), (0, 0))
    decision = r.Router(r.packs.solidus_on_hand_first(), network).route(demand({"X": 30, "Y": 5}), stock)
    assert decision.outcome == "assigned"
    assert given(decision) == {("DEFAULT", "X"): 30, ("DEFAULT", "Y"): 5}


def test_scenario_26_the_dropshipper_adds_what_the_default_node_lacks() -> None:
    network, stock = two_nodes((10, 10), (20, 0))
    decision = r.Router(r.packs.solidus_on_hand_first(), network).route(demand({"X": 15, "Y": 5}), stock)
    assert given(decision) == {("DEFAULT", "X"): 10, ("DEFAULT", "Y"): 5, ("DROPSHIP", "X"): 5}


def test_scenario_27_without_a_backorder_nothing_is_given_when_a_rest_remains() -> None:
    network = r.Network([r.Node("A"), r.Node("B")])
    decision = r.Router(r.packs.solidus_on_hand_first(), network).route(
        demand({"SKU": 5}), r.Stock({("A", "SKU"): 1, ("B", "SKU"): 1})
    )
    assert (decision.outcome, decision.plan) == ("unroutable", None)


@pytest.mark.parametrize(
    ("stock", "asked", "backorders", "on_hand", "backordered"),
    [((5, 5), 8, {}, 8, 0), ((2, 3), 10, {("LA", "SKU"): 99, ("NYC", "SKU"): 99}, 5, 5)],
)
def test_scenario_28_on_hand_goes_before_backorder(
    stock: tuple[int, int], asked: int, backorders: Mapping[tuple[str, str], int], on_hand: int, backordered: int
) -> None:
    network = r.Network([r.Node("LA"), r.Node("NYC")])
    figures = r.Stock({("NYC", "SKU"): stock[0], ("LA", "SKU"): stock[1]})
    router = r.Router(r.packs.spree_rules(), network)
    decision = router.route(demand({"SKU": asked}), figures, facts=r.Facts(backorder=backorders))
    assert decision.nodes == ("LA", "NYC")
    assert decision.plan is not None
    assert sum(a.units for a in decision.plan.assignments if not a.backordered) == on_hand
    assert sum(a.units for a in decision.plan.assignments if a.backordered) == backordered
    assert decision.outcome == ("backordered" if backordered else "assigned")


def ranks(name: str, **scores: int | None) -> r.Preference:
    return r.own_preference(name, lambda node, _demand: scores.get(node.id))


@pytest.mark.parametrize(
    ("prefer", "winner"),
    [
        ((ranks("first", A=0, B=0, C=1), ranks("second", A=5, B=1, C=0)), "B"),
        ((ranks("abstains"), ranks("second", A=5, B=1, C=9)), "B"),
        ((ranks("ties", A=1, B=1, C=1), r.ranked_groups("default")), "C"),
    ],
)
def test_scenario_29_ranks_reduce_the_nodes_in_turn(prefer: tuple[r.Preference, ...], winner: str) -> None:
    network = r.Network([r.Node("A"), r.Node("B"), r.Node("C", groups={"default"})])
    rule = r.Rule("reduce", require=r.whole_order(), prefer=prefer)
    stock = r.Stock({(i, "SKU"): 1 for i in "ABC"})
    assert r.Router(policy(rule), network).route(demand({"SKU": 1}), stock).nodes == (winner,)


def test_scenario_30_the_node_with_the_most_lines_wins() -> None:
    network = r.Network([r.Node("X"), r.Node("Y")])
    stock = r.Stock({("X", "A"): 10, ("X", "B"): 10, ("Y", "A"): 10, ("Y", "B"): 0})
    rule = r.Rule("lines", require=r.has_stock(), prefer=r.most_lines())
    told = r.Router(policy(rule), network).route(demand({"A": 1, "B": 1}), stock).explain()
    assert [(s.node, s.scores) for s in told.ranking] == [("X", (-2,)), ("Y", (-1,))]
    assert told.plan is not None
    assert told.plan.nodes == ("X",)


@pytest.mark.parametrize(("asked", "outcome", "taken"), [(7_000, "assigned", 1_500), (15_000, "unroutable", 3_000)])
def test_scenario_31_sources_are_walked_by_priority_and_a_rest_is_not_shippable(
    asked: int, outcome: str, taken: int
) -> None:
    network = r.Network([r.Node("FIRST", priority=1), r.Node("SECOND", priority=2)])
    stock = r.Stock({("FIRST", "SKU"): 5_500, ("SECOND", "SKU"): 3_000})
    decision = r.Router(r.packs.magento_priority(), network).route(demand({"SKU": asked}), stock)
    assert decision.outcome == outcome
    if outcome == "assigned":
        assert given(decision) == {("FIRST", "SKU"): 5_500, ("SECOND", "SKU"): taken}
    else:
        assert decision.reason is not None
        assert decision.reason.code == "routing.not_shippable"
        assert decision.reason.facts["given"] == {"FIRST": {"SKU": 5_500}, "SECOND": {"SKU": taken}}


def test_scenario_32_the_default_node_comes_first_and_then_priority() -> None:
    network = r.Network([r.Node(f"P{n}", priority=n, groups={"default"} if n == 3 else ()) for n in (2, 3, 1, 4)])
    rule = r.Rule("sorted", require=r.has_stock(), prefer=(r.ranked_groups("default"), r.by_priority()))
    stock = r.Stock({(node.id, "SKU"): 1 for node in network.nodes})
    told = r.Router(policy(rule), network).route(demand({"SKU": 1}), stock).explain()
    assert [s.node for s in told.ranking] == ["P3", "P1", "P2", "P4"]


@pytest.mark.parametrize(
    ("by_weeks", "order"), [(True, ["THIRD", "SECOND", "FIRST"]), (False, ["THIRD", "FIRST", "SECOND"])]
)
def test_scenario_33_weeks_of_supply_and_stock_balance_rank_differently(by_weeks: bool, order: list[str]) -> None:
    network = r.Network([r.Node(i, kind="store") for i in ("FIRST", "SECOND", "THIRD")])
    cells = {("FIRST", "SKU"): 18, ("SECOND", "SKU"): 14, ("THIRD", "SKU"): 22}
    sales = {("FIRST", "SKU"): 9, ("SECOND", "SKU"): 2, ("THIRD", "SKU"): 1}
    router = r.Router(r.packs.hotwax_protect_stores(5, by_weeks=by_weeks), network)
    decision = router.route(demand({"SKU": 1}), r.Stock(cells), facts=r.Facts(weekly_sales=sales))
    assert decision.rule == "above the floor"
    assert [s.node for s in decision.explain().ranking] == order


def test_scenario_35_orders_fall_through_the_tiers_and_the_rest_is_parked() -> None:
    far, near, home = GeoPoint(20.0, 0.0), GeoPoint(0.5, 0.0), Address("US", point=GeoPoint(0.0, 0.0))
    network = r.Network(
        [
            r.Node("WH-NEAR", point=near),
            r.Node("STORE-NEAR", kind="store", point=near),
            r.Node("STORE-MID", kind="store", point=GeoPoint(3.0, 0.0)),
            r.Node("STORE-FAR", kind="store", point=far),
            r.Node("STORE-HALF", kind="store", point=far),
        ]
    )
    items = ("A", "B")
    stock = r.Stock(dict.fromkeys([("WH-NEAR", "A"), ("WH-NEAR", "B")], 800))
    for node, units in (("STORE-NEAR", 350), ("STORE-MID", 190), ("STORE-FAR", 150)):
        for item in items:
            stock.set(node, item, units)
    router = r.Router(r.packs.hotwax_express(), network)
    tiers: dict[str, int] = {}
    for n in range(1_500):
        if n == 1_490:
            stock.set("STORE-HALF", "A", 8)
            stock.set("STORE-FAR", "B", 8)
        order = r.Demand(f"ord-{n}", [r.DemandLine("1", "A"), r.DemandLine("2", "B")], destination=home)
        decision = router.route(order, stock)
        tiers[decision.rule or decision.queue] = tiers.get(decision.rule or decision.queue, 0) + 1
        for a in decision.plan.assignments if decision.plan else ():
            stock.take(a.node, a.item, a.units)
    assert tiers == {"warehouses 100": 800, "all 100": 350, "all 250": 190, "all": 150, "all split": 8, "unfillable": 2}


@pytest.mark.parametrize(("reason", "after"), [("not_in_stock", (0, 0)), ("mismatch", (3, 3)), ("damaged", (5, 3))])
def test_scenario_36_a_rejection_mends_the_figures_and_the_item_goes_elsewhere(
    reason: str, after: tuple[int, int]
) -> None:
    effect = r.rejection_effect(reason, units=2, on_hand=5, sellable=5)
    assert (effect.on_hand, effect.sellable) == after
    network = r.Network([r.Node("OTHER"), r.Node("STORE", kind="store", priority=1)])
    stock = r.Stock({("STORE", "SKU"): 5, ("OTHER", "SKU"): 5})
    rule = r.Rule("one", require=(r.whole_order(), r.not_blocked()), prefer=r.by_priority())
    router = r.Router(policy(rule), network)
    first = router.route(demand({"SKU": 2}), stock)
    assert first.nodes == ("STORE",)
    assert first.plan is not None
    stock.set("STORE", "SKU", effect.sellable)
    rest = r.left_to_route(first.demand, first.plan, "STORE")
    assert rest is not None
    second = router.route(rest, stock)
    assert (second.nodes, rest.attempts) == (("OTHER",), 1)
    assert second.why_not("STORE")
