"""Policies as values and as data, what is refused in them, the packs, reviews, parcels, and routing again."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from omscore import routing as r
from omscore.errors import DefinitionError, InvalidValue, Reason
from omscore.kernel import Address, GeoPoint, Money
from omscore.routing import packs

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ONE = r.Rule("one", require=r.whole_order(), prefer=r.nearest())


def data(**changes: Any) -> dict[str, Any]:
    rule = {"name": "one", "require": [{"op": "whole_order"}], "prefer": [{"op": "nearest"}]}
    return {"name": "p", "routes": [{"name": "all", "rules": [rule | changes]}]}


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        (data(require=[{"op": "whole"}]), r"routes\[0\]\.rules\[0\]\.require\[0\]: unknown word 'whole'"),
        (data(require=[{"op": "within_km", "miles": 3}]), r"require\[0\]: within_km: .*'miles'"),
        (data(require=[{"op": "within_km", "km": "far"}]), r"require\[0\]: within_km: km must be a number above 0"),
        (data(require=[{"any": [{"op": "online"}]}]), r"require\[0\]\.any: a list of at least two"),
        (data(require=[{"not": {"op": "on"}}]), r"require\[0\]\.not: unknown word 'on'"),
        (data(require=[{"all": [{"op": "online"}, {"op": "x"}]}]), r"require\[0\]\.all\[1\]: unknown word 'x'"),
        (data(require=[{"any": [], "op": "online"}]), r"require\[0\]: 'any' stands alone"),
        (data(require="online"), r"rules\[0\]\.require: a list is needed"),
        (data(require=["online"]), r"require\[0\]: a term is an object"),
        (data(prefer=[{"op": "whole_order"}]), r"prefer\[0\]: unknown word 'whole_order'"),
        (data(stops=2), r"routes\[0\]\.rules\[0\]: unknown field 'stops'"),
        (data(stops_max=0), r"rules\[0\]: rule 'one': stops_max must be"),
        (data(partial="maybe"), r"rules\[0\]: rule 'one': partial must be one of"),
        (data(saving_min=5), r"rules\[0\]: the rule compares money"),
        (data(require=[{"not": {"op": "keeps_stock", "units": 1}}]), "keeps_stock stands alone"),
        ({"name": "p", "routes": [{"name": "all"}]}, r"routes\[0\]: 'rules' is missing"),
        ({"name": "p", "routes": [{"name": "all", "rules": []}]}, r"routes\[0\]: route 'all' needs at least one rule"),
        ({"name": "p", "otherwise": {"line": "x"}}, "otherwise: unknown field 'line'"),
        ({"name": "p", "otherwise": {"queue": "x", "then": "burn"}}, "otherwise: park: then must be"),
        ({"name": "p", "pick": "last"}, "pick must be one of"),
        ({"routes": []}, "policy: 'name' is missing"),
        ([], "policy: an object is needed"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_fault_in_stored_data_is_named_by_its_path(bad: Any, where: str) -> None:
    with pytest.raises(DefinitionError, match=where):
        r.Policy.from_dict(bad)


def test_data_that_contains_itself_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["not"] = loop
    with pytest.raises(DefinitionError, match="nested deeper than 32"):
        r.Policy.from_dict(data(require=[loop]))


def test_text_that_is_no_json_or_toml_is_refused() -> None:
    with pytest.raises(DefinitionError, match="not JSON"):
        r.Policy.from_json("{")
    with pytest.raises(DefinitionError, match="not TOML"):
        r.Policy.from_toml("name =")


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        (lambda: [r.Route("a", [ONE]), r.Route("b", [ONE])], r"routes\[1\] \('b'\): no order reaches it"),
        (
            lambda: [r.Route(n, [ONE], when=r.channel_is("web")) for n in "ab"],
            r"routes\[1\] \('b'\): no order reaches it, 'a' takes them all",
        ),
        (
            lambda: [
                r.Route("a", [ONE], when=r.channel_is("x", "y")),
                r.Route("b", [ONE], when=r.channel_is("x") & r.is_pickup()),
            ],
            r"\('b'\): no order reaches it, 'a' takes them all",
        ),
        (
            lambda: [r.Route("a", [ONE], when=r.value < "75"), r.Route("b", [ONE], when=r.value.between("5", "7"))],
            r"no order reaches it, 'a' takes them all",
        ),
        (
            lambda: [r.Route("a", [r.Rule("x", require=r.value > "10")], when=r.value <= "10")],
            r"route 'a': rules\[0\] \('x'\) can never serve an order: no value fits every bound",
        ),
        (lambda: [r.Route("a", [r.Rule("x", require=(r.online(), ~r.online()))])], "require can never be met"),
        (
            lambda: [r.Route("a", [r.Rule("x", require=(r.kind_is("store"), r.kind_is("vendor")))])],
            "no node fits every kind_is in it",
        ),
        (lambda: [r.Route("a", [ONE], when=r.is_pickup()), r.Route("a", [ONE])], "a route named 'a' comes before"),
        (lambda: [r.Route("a", [ONE], when=r.channel_is("x") & r.channel_is("y"))], "no order fits every channel_is"),
        (lambda: [r.Route("a", [ONE], when=(r.value < "5") & (r.value > "7"))], "no value fits every bound"),
        (lambda: [r.Route("a", [ONE], when=(r.units < 5) & (r.units >= 5))], "no units fits every bound"),
        (lambda: [r.Route("a", [ONE], when=r.is_pickup() & ~r.is_pickup())], "exclude each other"),
        (lambda: [r.Route("a", [ONE], when=r.units < 1)], r"\(units < 1\) can never hold: no units fits every"),
        (lambda: [r.Route("a", [ONE], when=(r.units > 3) & (r.units < 4))], r"\(units < 4\)\) can never hold"),
        (lambda: [r.Route("a", [ONE], when=(r.units > 6) & ~(r.units > 5))], "> 6\\) exclude each other"),
        (lambda: [r.Route("a", [ONE], when=r.channel_is("x") & ~(r.is_pickup() | r.channel_is("x", "y")))], "exclude"),
        (
            lambda: [
                r.Route(
                    "a",
                    [ONE],
                    when=r.channel_is("x")
                    & ((r.channel_is("y") & r.is_pickup()) | (r.channel_is("z") & (r.units > 2))),
                )
            ],
            r"channel_is\('x'\).*can never hold: no order fits every channel_is",
        ),
        (lambda: [r.Route("a", [ONE], when=r.online())], "when must be a condition"),  # type: ignore[arg-type]
        (lambda: [r.Route("a", [ONE, ONE])], "two rules of the same name"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_route_that_no_order_can_reach_is_refused(routes: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        r.Policy("p", routes())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"op": "channel_is", "names": "web"}, r"routes\[0\].when.names: a list is needed, not 'web'"),
        ({"op": "channel_is", "names": 5}, r"routes\[0\].when.names: a list is needed, not 5"),
        ({"not": {"op": "channel_is", "names": {"a": 1}}}, r"routes\[0\].when.not.names: a list is needed"),
        ({"op": "compare", "field": "units", "is": "<", "to": float("inf")}, "compared with a number, not inf"),
    ],
)
def test_what_is_no_list_of_names_is_refused_at_load_and_never_taken_apart(data: dict[str, Any], message: str) -> None:
    stored = r.Policy("p", [r.Route("a", [ONE])]).to_dict()
    stored["routes"][0]["when"] = data
    with pytest.raises(DefinitionError, match=message):
        r.Policy.from_dict(stored)
    blend = {"op": "blend", "parts": 5, "weights": [1, 1]}
    stored["routes"][0] = {"name": "a", "rules": [{"name": "x", "prefer": [blend]}]}
    with pytest.raises(DefinitionError, match=r"routes\[0\].rules\[0\].prefer\[0\].parts: a list is needed, not 5"):
        r.Policy.from_dict(stored)
    with pytest.raises(DefinitionError, match="an owner is named by"):
        r.ReviewDesk(5)  # type: ignore[arg-type]


def test_the_hash_changes_with_the_content_and_with_nothing_else() -> None:
    policy = r.Policy("p", [r.Route("all", [ONE])])
    assert (
        policy.content_hash
        == r.Policy("p", [r.Route("all", [r.Rule("one", r.whole_order(), r.nearest())])]).content_hash
    )
    other = r.Policy("p", [r.Route("all", [r.Rule("one", r.whole_order(), r.nearest(band_km=5))])])
    assert policy.content_hash != other.content_hash


def test_a_host_s_callable_works_and_says_that_it_cannot_be_stored() -> None:
    def near_the_river(node: r.Node, _demand: Any) -> bool:
        return node.id == "B"

    policy = r.Policy("p", [r.Route("all", [r.Rule("one", require=near_the_river)])])
    network = r.Network([r.Node("A"), r.Node("B")])
    assert r.Router(policy, network).route(
        r.Demand("o", [r.DemandLine("1", "X")]), {("A", "X"): 1, ("B", "X"): 1}
    ).nodes == ("B",)
    with pytest.raises(
        DefinitionError, match=r"own\('near_the_river'\) is a callable of your own and cannot be stored"
    ):
        policy.to_json()
    assert len(policy.content_hash) == 16


def test_lint_finds_what_is_probably_not_meant() -> None:
    policy = r.Policy(
        "p",
        [
            r.Route(
                "a",
                [r.Rule("x", prefer=r.nearest(), partial="ship"), r.Rule("y", prefer=r.nearest())],
                when=r.channel_is("x", "y"),
            ),
            r.Route("b", [ONE], when=r.is_pickup()),
            r.Route(
                "c",
                [r.Rule("z", require=r.whole_order(), prefer=r.fewest_splits(), stops_max=2)],
                when=r.channel_is("z"),
            ),
            r.Route("d", [r.Rule("z", prefer=(r.nearest(), r.most_lines()), stops_max=2, saving_min="1")]),
            r.Route("e", [r.Rule("z", prefer=r.nearest(), saving_min="1")], when=r.channel_is("q")),
        ][:4],
    )
    found = {(finding.code, finding.where) for finding in r.lint(policy)}
    assert found == {
        ("no_fallback", "otherwise"),
        ("dead_rule", "routes[0].rules[1]"),
        ("tie_risk", "routes[2].rules[0]"),
        ("idle_stops", "routes[2].rules[0]"),
        ("idle_most_lines", "routes[3].rules[0]"),
    }
    idle = r.Policy("p", [r.Route("e", [r.Rule("z", prefer=r.nearest(), saving_min="1")])], otherwise=r.park("q"))
    assert [finding.code for finding in r.lint(idle)] == ["idle_saving"]


def test_lint_finds_names_that_the_network_does_not_have() -> None:
    network = r.Network([r.Node("A", groups={"eu"})])
    rule = r.Rule(
        "x", require=(r.in_group("eu", "uk"), ~r.node_is("B")), prefer=(r.ranked_nodes("A", "Z"), r.nearest())
    )
    policy = r.Policy("p", [r.Route("all", [rule])], otherwise=r.park("q"))
    assert [(finding.code, finding.text.rpartition(" ")[2]) for finding in r.lint(policy, network)] == [
        ("unknown_name", "'uk'"),
        ("unknown_name", "'B'"),
        ("unknown_name", "'Z'"),
    ]
    assert r.lint(policy) == ()


def test_what_may_still_be_reached_is_not_refused() -> None:
    for first, then in [
        (r.value < "75", r.value < "100"),
        (r.value < "75 EUR", r.value < "50"),
        (r.value > "5", r.value >= "5"),
        (r.channel_is("x") & r.is_pickup(), r.channel_is("x")),
        (~(r.value < "75"), r.value < "100"),
    ]:
        r.Policy("p", [r.Route("a", [ONE], when=first), r.Route("b", [ONE], when=then)])
    specific = r.Policy(
        "p",
        [r.Route("a", [ONE], when=r.value < "75"), r.Route("b", [ONE], when=(r.value < "5") & r.country_is("BE"))],
        pick="most_specific",
    )
    assert [route.name for route in specific.ordered()] == ["b", "a"]


ALL_PACKS = {
    "shopify_default": packs.shopify_default(),
    "shopify_ranked": packs.shopify_ranked(r.ranked_groups("x"), r.fewest_splits(), r.nearest()),
    "magento_priority": packs.magento_priority(),
    "magento_distance": packs.magento_distance(),
    "hotwax_express": packs.hotwax_express(),
    "hotwax_standard": packs.hotwax_standard(),
    "hotwax_cost_distance": packs.hotwax_cost_distance(),
    "hotwax_grouped": packs.hotwax_grouped(),
    "hotwax_protect_stores": packs.hotwax_protect_stores(),
    "solidus_on_hand_first": packs.solidus_on_hand_first(),
    "spree_rules": packs.spree_rules(),
    "saleor_high_stock": packs.saleor_high_stock(),
    "saleor_order": packs.saleor_order(),
    "vendure_channel": packs.vendure_channel("web", 2),
    "sterling_priority": packs.sterling_priority(),
    "sterling_cost": packs.sterling_priority(by_cost=True),
    "fluent_profile": packs.fluent_profile(["x"], [r.nearest()], fallback_groups=["y"]),
    "value_threshold": packs.value_threshold(),
    "single_location": packs.single_location(),
    "channel_sla": packs.channel_sla(),
    "speed_then_cost": packs.speed_then_cost(),
}


@pytest.mark.parametrize("name", ALL_PACKS)
def test_a_pack_can_be_stored_and_routes_an_order(name: str) -> None:
    policy = ALL_PACKS[name]
    assert r.Policy.from_toml(policy.to_toml()) == policy
    assert r.Policy.from_json(json.dumps(policy.to_dict())) == policy
    network = r.Network([r.Node("A", groups={"x", "web"}, point=GeoPoint(50, 4)), r.Node("B", groups={"y", "web"})])
    order = r.Demand(
        "o", [r.DemandLine("1", "X", 2)], destination=Address("BE", point=GeoPoint(50, 4.1)), channel="web"
    )
    decision = r.Router(policy, network).route(order, {("A", "X"): 4, ("B", "X"): 4}, now=NOW)
    assert (decision.outcome, decision.nodes) == ("assigned", ("A",))


def net(**costs: int) -> r.Network:
    return r.Network([r.Node(id_, parcel_cost=Money(cost, "EUR")) for id_, cost in costs.items()])


def order(*lines: r.DemandLine, **more: Any) -> r.Demand:
    return r.Demand("ord-1", lines or [r.DemandLine("1", "X")], **more)


def route(
    rule: r.Rule, network: r.Network, demand: r.Demand, stock: dict[tuple[str, str], int], **more: Any
) -> r.Decision:
    return r.Router(r.Policy("p", [r.Route("all", [rule])], otherwise=r.park("q", days=2)), network).route(
        demand, stock, now=NOW, **more
    )


@pytest.mark.parametrize(
    ("sign", "facts", "reviewed"),
    [
        (r.near_tie("1.00"), {}, True),
        (r.near_tie("0.99"), {}, False),
        (r.margin_below("3.01"), {"margin": Money(800, "EUR")}, True),
        (r.margin_below("3.00"), {"margin": Money(800, "EUR")}, False),
        (r.margin_below("3.00"), {}, False),
        (r.first_order_over("50.00"), {"value": Money(5001, "EUR"), "earlier_orders": 0}, True),
        (r.first_order_over("50.00"), {"value": Money(5000, "EUR"), "earlier_orders": 0}, False),
        (r.first_order_over("50.00"), {"value": Money(9000, "EUR"), "earlier_orders": 1}, False),
        (r.no_coordinates(), {}, True),
        (r.value > "10.00", {}, False),
        (r.partial_only(), {}, False),
        (r.partial_only(), {"units": 3}, True),
    ],
    ids=repr,
)
def test_a_sign_sends_the_plan_to_review(sign: Any, facts: dict[str, Any], reviewed: bool) -> None:
    more = dict(facts)
    demand = order(r.DemandLine("1", "X", more.pop("units", 1)), **more)
    rule = r.Rule("one", prefer=r.lowest_cost(), review_when=sign, partial="ship")
    decision = route(rule, net(A=500, B=600), demand, {("A", "X"): 1, ("B", "X"): 1})
    assert decision.outcome == ("review" if reviewed else "assigned")
    assert decision.nodes == ("A",)
    if reviewed:
        assert decision.review is not None
        assert (decision.review.owner, decision.review.until) == ("routing", NOW + timedelta(hours=24))


@pytest.mark.parametrize(
    ("partial", "outcome", "units"),
    [("next", "parked", None), ("ship", "partly_assigned", 3), ("review", "review", 3), ("park", "parked", None)],
)
def test_what_is_done_when_not_everything_is_there(partial: str, outcome: str, units: int | None) -> None:
    rule = r.Rule("one", prefer=r.fewest_splits(), stops_max=2, partial=partial)
    decision = route(rule, net(A=1, B=1), order(r.DemandLine("1", "X", 5)), {("A", "X"): 2, ("B", "X"): 1})
    assert decision.outcome == outcome
    assert (decision.plan.units if decision.plan else None) == units
    if outcome == "parked":
        assert decision.parked_until == NOW + timedelta(days=2)


def test_a_backorder_needs_a_promise_for_the_whole_rest() -> None:
    rule = r.Rule("one", prefer=r.lowest_cost(), stops_max=2, partial="backorder")
    demand = order(r.DemandLine("1", "X", 5))
    facts = r.Facts(incoming={("B", "X"): ((NOW, 2), (NOW, 1))})
    assert route(rule, net(A=1, B=9), demand, {("A", "X"): 1}, facts=facts).outcome == "parked"
    decision = route(rule, net(A=1, B=9), demand, {("A", "X"): 2}, facts=facts)
    assert decision.outcome == "backordered"
    assert decision.plan is not None
    assert [(a.node, a.units, a.backordered) for a in decision.plan.assignments] == [("A", 2, False), ("B", 3, True)]


def test_lines_of_a_group_stay_together() -> None:
    lines = [r.DemandLine("1", "X", group="set"), r.DemandLine("2", "Y", group="set"), r.DemandLine("3", "Z")]
    stock = {("A", "X"): 1, ("A", "Z"): 1, ("B", "Y"): 1, ("C", "X"): 1, ("C", "Y"): 1}
    apart = r.Rule("one", prefer=r.lowest_cost(), stops_max=3)
    assert route(apart, net(A=1, B=1, C=50), order(*lines), stock).nodes == ("A", "B")
    together = r.Rule("one", prefer=r.lowest_cost(), stops_max=3, keep_groups=True)
    assert route(together, net(A=1, B=1, C=50), order(*lines), stock).nodes == ("A", "C")


def test_a_kit_goes_out_in_whole_multiples() -> None:
    rule = r.Rule("one", prefer=r.fewest_splits(), stops_max=3)
    kit = order(r.DemandLine("1", "X", 6, multiple=2))
    decision = route(rule, net(A=1, B=1, C=1), kit, {("A", "X"): 3, ("B", "X"): 3, ("C", "X"): 2})
    assert decision.plan is not None
    assert sorted(a.units for a in decision.plan.assignments) == [2, 2, 2]


def test_a_kit_is_walked_in_whole_multiples_too() -> None:
    rule = r.Rule("walk", prefer=r.by_priority(), stops_max=3, fill="in_order")
    kit = order(r.DemandLine("1", "X", 6, multiple=2))
    decision = route(rule, net(A=1, B=1, C=1), kit, {("A", "X"): 3, ("B", "X"): 3, ("C", "X"): 2})
    assert decision.plan is not None
    assert sorted(a.units for a in decision.plan.assignments) == [2, 2, 2]


def test_lint_says_what_walking_in_order_does_not_look_at() -> None:
    walk = r.Rule("walk", prefer=r.by_priority(), fill="in_order", keep_groups=True)
    policy = r.Policy("p", [r.Route("all", [walk])], otherwise=r.park("q"))
    assert [finding.code for finding in r.lint(policy)] == ["idle_in_order"]


def test_each_parcel_of_a_split_is_worth_a_minimum_but_a_single_one_need_not_be() -> None:
    rule = r.Rule("one", prefer=r.lowest_cost(), stops_max=2, parcel_min="10.00")
    lines = [r.DemandLine("1", "X", price=Money(900, "EUR")), r.DemandLine("2", "Y", price=Money(1000, "EUR"))]
    split = {("A", "X"): 1, ("B", "Y"): 1}
    assert route(rule, net(A=1, B=1), order(*lines), split).outcome == "parked"
    assert route(rule, net(A=1, B=1), order(lines[0]), split).nodes == ("A",)


def test_capacity_holds_a_node_back_unless_the_rule_says_otherwise() -> None:
    demand = order(r.DemandLine("1", "X", 3))
    stock = {("A", "X"): 9, ("B", "X"): 9}
    facts = r.Facts(capacity_left={"A": 2})
    kept = r.Rule("one", require=r.has_capacity(), prefer=r.lowest_cost())
    assert route(kept, net(A=1, B=5), demand, stock, facts=facts).nodes == ("B",)
    over = r.Rule("one", require=r.has_capacity(), prefer=r.lowest_cost(), over_capacity=True)
    assert route(over, net(A=1, B=5), demand, stock, facts=facts).nodes == ("A",)


def test_speed_wins_unless_another_is_cheaper_by_more_than_the_threshold() -> None:
    network = r.Network(
        [r.Node("FAST", parcel_cost=Money(800, "EUR")), r.Node("SLOW", lead_days=2, parcel_cost=Money(500, "EUR"))]
    )
    stock = {("FAST", "X"): 1, ("SLOW", "X"): 1}
    for saving, node in (("3.00", "FAST"), ("2.99", "SLOW")):
        decision = r.Router(packs.speed_then_cost(saving), network).route(order(), stock, now=NOW)
        assert decision.nodes == (node,)


def test_the_queue_by_slack_starves_nobody() -> None:
    old = order(channel="web", placed_at=NOW - timedelta(hours=71))
    new = r.Demand("ord-2", old.lines, channel="marketplace", placed_at=NOW)
    rich = r.Demand("ord-3", old.lines, channel="marketplace", placed_at=NOW, margin=Money(900, "EUR"))
    promised = r.Demand("ord-4", old.lines, channel="web", promised_at=NOW + timedelta(minutes=5))
    assert [d.id for d in packs.queue_by_slack([new, old, rich, promised], NOW)] == ["ord-4", "ord-1", "ord-3", "ord-2"]


def test_splitters_cut_parcels_and_lose_nothing() -> None:
    lines = [
        r.DemandLine("1", "X", 3, weight_grams=60, category="a"),
        r.DemandLine("2", "Y", 1, weight_grams=400, category="b", tags={"hazmat"}),
        r.DemandLine("3", "Z", 1, weight_grams=30, category="a"),
    ]
    demand = order(*lines)
    plan = r.Plan(
        (
            r.Assignment("N", "1", "X", 3),
            r.Assignment("N", "2", "Y", 1),
            r.Assignment("N", "3", "Z", 1, backordered=True),
        )
    )
    cut = r.split_packages(plan, demand, [r.by_backorder, r.by_category, r.by_tag("hazmat"), r.by_weight(150)])
    assert [[(a.item, a.units) for a in package.assignments] for package in cut] == [
        [("X", 2)],
        [("X", 1)],
        [("Y", 1)],
        [("Z", 1)],
    ]
    with pytest.raises(InvalidValue, match="lost or added units"):
        r.split_packages(plan, demand, [lambda _package, _demand: []])


def test_a_rejection_is_routed_again_without_the_rejecter_and_not_for_ever() -> None:
    demand = order(r.DemandLine("1", "X", 3), r.DemandLine("2", "Y"))
    plan = r.Plan((r.Assignment("A", "1", "X", 3), r.Assignment("B", "2", "Y", 1)))
    rest = r.left_to_route(demand, plan, "A", {"1": 2})
    assert rest is not None
    assert [(line.id, line.units) for line in rest.lines] == [("1", 2)]
    assert (rest.excluded, rest.attempts) == (frozenset({"A"}), 1)
    assert r.left_to_route(order(attempts=5), r.Plan((r.Assignment("A", "1", "X", 1),)), "A") is None
    with pytest.raises(InvalidValue, match="cannot reject 4"):
        r.left_to_route(demand, plan, "A", {"1": 4})
    with pytest.raises(InvalidValue, match="given nothing"):
        r.left_to_route(demand, plan, "C")
    with pytest.raises(InvalidValue, match="reason is one of"):
        r.rejection_effect("mood", units=1, on_hand=1, sellable=1)


def test_a_lost_race_is_decided_again_on_fresh_stock_a_few_times() -> None:
    router = r.Router(packs.single_location(), net(A=1, B=2))
    stock = r.Stock({("A", "X"): 1, ("B", "X"): 1})
    seen = []

    def commit(decision: r.Decision) -> Reason | None:
        seen.append(decision.nodes)
        if decision.nodes == ("A",):
            stock.take("A", "X", 1)
            return Reason("stock.taken", "somebody else took it")
        return None

    done = r.settle(router, order(), lambda: stock, commit)
    assert (done.committed, seen, len(done.lost)) == (True, [("A",), ("B",)], 1)
    assert (done.lost[0].facts["rule"], done.lost[0].facts["nodes"]) == ("cheapest", ["A"])
    assert done.text.endswith("all/cheapest won again, with B instead of A")
    never = r.settle(router, order(), lambda: stock, lambda _: Reason("stock.taken", "again"), tries_max=2)
    assert (never.committed, len(never.lost)) == (False, 2)
    gone = r.settle(router, order(), r.Stock, commit)
    assert (gone.committed, gone.decision.outcome) == (False, "parked")
