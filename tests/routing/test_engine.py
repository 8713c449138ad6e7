"""What a router decides, and what it says about it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from omscore import routing as r
from omscore.errors import InvalidValue
from omscore.kernel import Address, GeoPoint, Money, Rng

GHENT, BRUSSELS, PARIS = GeoPoint(51.05, 3.72), GeoPoint(50.85, 4.35), GeoPoint(48.86, 2.35)
NETWORK = r.Network(
    [
        r.Node("BRU", point=BRUSSELS, cutoff="16:00", timezone="Europe/Brussels", parcel_cost=Money(500, "EUR")),
        r.Node("GNT", kind="store", point=GHENT, parcel_cost=Money(700, "EUR")),
        r.Node("PAR", point=PARIS, parcel_cost=Money(400, "EUR")),
    ]
)
HOME = Address("BE", postcode="9000", point=GHENT)
SPRING = r.Policy(
    "spring",
    routes=(
        r.Route(
            "express",
            when=r.service_is("express"),
            rules=(
                r.Rule(
                    "one stop",
                    require=(r.whole_order(), r.before_cutoff()),
                    prefer=(r.earliest_arrival(), r.lowest_cost()),
                ),
            ),
        ),
        r.Route(
            "standard",
            rules=(
                r.Rule("one stop", require=(r.whole_order(), r.within_km(60)), prefer=(r.nearest(), r.most_stock())),
                r.Rule("two stops", require=(r.has_stock(),), prefer=(r.fewest_splits(), r.nearest()), stops_max=2),
            ),
        ),
    ),
    otherwise=r.park("needs a person"),
)


def demand(*items: tuple[str, int], **more: Any) -> r.Demand:
    lines = tuple(r.DemandLine(str(n), item, units) for n, (item, units) in enumerate(items, 1))
    return r.Demand("ord-1", lines, **({"destination": HOME} | more))


def test_the_nearest_node_with_everything_serves() -> None:
    stock = r.Stock({("BRU", "A"): 2, ("GNT", "A"): 1, ("PAR", "A"): 9})
    decision = r.Router(SPRING, NETWORK).route(demand(("A", 2)), stock)
    assert (decision.outcome, decision.nodes, decision.route, decision.rule) == (
        "assigned",
        ("BRU",),
        "standard",
        "one stop",
    )
    assert decision.cost == Money(500, "EUR")
    assert decision.why_not("GNT").startswith("one stop: GNT has 1 of 2 A")
    assert "km is beyond 60 km" in decision.why_not("PAR")


def test_a_second_rule_splits_what_no_node_has() -> None:
    stock = r.Stock({("BRU", "A"): 1, ("GNT", "B"): 1, ("PAR", "A"): 1})
    decision = r.Router(SPRING, NETWORK).route(demand(("A", 1), ("B", 1)), stock)
    assert (decision.outcome, decision.nodes, decision.rule) == ("assigned", ("BRU", "GNT"), "two stops")
    assert decision.proven
    assert decision.explain().split == "none of the 3 candidates has everything"


def test_nodes_set_aside_before_any_rule_say_why() -> None:
    network = NETWORK.replace(r.Node("OLD", active=False))
    order = demand(("A", 1), excluded={"PAR"})
    decision = r.Router(SPRING, network).route(order, {("BRU", "A"): 1, ("PAR", "A"): 1, ("OLD", "A"): 1})
    assert decision.nodes == ("BRU",)
    assert decision.why_not("OLD") == "before any rule: OLD is not active (routing.inactive)"
    assert decision.why_not("PAR") == "before any rule: PAR is excluded for this order (routing.excluded)"


def test_a_split_that_saves_says_what_one_node_would_have_cost() -> None:
    stock = {("BRU", "A"): 1, ("PAR", "B"): 1, ("DEAR", "A"): 1, ("DEAR", "B"): 1}
    network = NETWORK.replace(r.Node("DEAR", parcel_cost=Money(2000, "EUR")))
    told = r.Router(r.packs.single_location(), network).route(demand(("A", 1), ("B", 1)), stock).explain()
    assert told.split == "lowest_cost() gives 900 against 2000 of DEAR alone"


def test_after_the_cutoff_another_node_serves_the_express_order() -> None:
    stock = r.Stock({("BRU", "A"): 1, ("GNT", "A"): 1})
    router = r.Router(SPRING, NETWORK)
    order = demand(("A", 1), service="express")
    early, late = datetime(2026, 3, 2, 15, 0, tzinfo=UTC), datetime(2026, 3, 2, 15, 1, tzinfo=UTC)
    assert router.route(order, stock, now=early).nodes == ("BRU",)
    decision = router.route(order, stock, now=late)
    assert decision.nodes == ("GNT",)
    assert "16:01 at BRU is past its cut-off 16:00" in decision.why_not("BRU")


def test_what_no_rule_serves_waits_in_the_queue() -> None:
    decision = r.Router(SPRING, NETWORK).route(demand(("A", 1)), r.Stock())
    assert (decision.outcome, decision.queue, decision.plan) == ("parked", "needs a person", None)
    assert decision.reason is not None
    assert decision.reason.code == "routing.no_rule"


def test_an_empty_network_is_a_reason_not_an_error() -> None:
    decision = r.Router(SPRING, r.Network()).route(demand(("A", 1)), r.Stock())
    assert decision.outcome == "parked"
    assert decision.reason is not None
    assert decision.reason.code == "routing.no_nodes"


def test_figures_are_read_again_when_stock_changes() -> None:
    stock = r.Stock({("BRU", "A"): 1, ("GNT", "A"): 1})
    router = r.Router(SPRING, NETWORK)
    assert router.route(demand(("A", 1)), stock).nodes == ("GNT",)
    stock.take("GNT", "A", 1)
    assert router.route(demand(("A", 1)), stock).nodes == ("BRU",)


def test_a_view_without_versions_is_read_every_time() -> None:
    figures = {("BRU", "A"): 1, ("GNT", "A"): 1}

    class View:
        def available(self, node: str, item: str) -> int:
            return figures.get((node, item), 0)

    router, view = r.Router(SPRING, NETWORK), View()
    assert router.route(demand(("A", 1)), view).nodes == ("GNT",)
    figures["GNT", "A"] = 0
    assert router.route(demand(("A", 1)), view).nodes == ("BRU",)


def test_a_trace_replays_to_the_same_decision_after_the_stock_is_gone() -> None:
    stock = r.Stock({("BRU", "A"): 1, ("GNT", "B"): 1, ("PAR", "A"): 1})
    router = r.Router(SPRING, NETWORK)
    decision = router.route(demand(("A", 1), ("B", 1)), stock)
    stock.take("BRU", "A", 1)
    assert router.replay(decision.trace) == decision
    assert r.Router(SPRING, NETWORK).replay(decision.trace) == decision
    with pytest.raises(InvalidValue, match="another policy or network"):
        r.Router(r.packs.value_threshold(), NETWORK).replay(decision.trace)


def test_an_explanation_names_the_runner_up_and_what_would_change_it() -> None:
    cheap = r.Policy("cheap", (r.Route("all", (r.Rule("one", require=r.whole_order(), prefer=r.lowest_cost()),)),))
    stock = r.Stock({("BRU", "A"): 2, ("GNT", "A"): 2, ("PAR", "A"): 1})
    told = r.Router(cheap, NETWORK).route(demand(("A", 2)), stock).explain()
    assert told.plan is not None
    assert told.plan.nodes == ("BRU",)
    assert told.runner_up is not None
    assert told.runner_up.nodes == ("GNT",)
    assert told.margin == "decided by lowest_cost(): 500 against 700"
    assert "GNT would win if it cost more than 2.00 EUR less" in told.changes
    assert "PAR would win with enough stock: PAR has 1 of 2 A" in told.changes
    text = str(told)
    assert "ord-1: assigned at BRU for 5.00 EUR" in text
    assert "not PAR (one): PAR has 1 of 2 A (routing.not_all_lines)" in text
    assert "<table" in told._repr_html_()
    assert told.nearer == ("GNT at 0 km: place 2 in the ranking",)
    assert {row["node"] for row in told.to_records()} == {"BRU", "GNT", "PAR"}
    assert told.to_dict()["runner_up"] == ["GNT"]


def test_a_pickup_order_stays_at_its_node() -> None:
    stock = r.Stock({("BRU", "A"): 1, ("GNT", "A"): 1})
    router = r.Router(SPRING, NETWORK)
    assert router.route(demand(("A", 1), pickup=True, wished="BRU"), stock).nodes == ("BRU",)
    assert router.route(demand(("A", 1), pickup=True, wished="PAR"), stock).outcome == "parked"


def test_the_same_item_on_two_lines_is_one_need() -> None:
    stock = r.Stock({("BRU", "A"): 3, ("GNT", "A"): 2})
    decision = r.Router(SPRING, NETWORK).route(demand(("A", 2), ("A", 1)), stock)
    assert decision.nodes == ("BRU",)
    assert decision.plan is not None
    assert [(a.line, a.units) for a in decision.plan.assignments] == [("1", 2), ("2", 1)]


def test_a_policy_written_as_json_and_toml_decides_alike() -> None:
    assert r.Policy.from_json(SPRING.to_json()) == SPRING
    assert r.Policy.from_toml(SPRING.to_toml()) == SPRING
    assert r.Policy.from_toml(SPRING.to_toml()).content_hash == SPRING.content_hash


def test_an_unknown_node_asked_about_is_an_error() -> None:
    decision = r.Router(SPRING, NETWORK).route(demand(("A", 1)), r.Stock())
    with pytest.raises(InvalidValue, match="no node 'NYC'"):
        decision.why_not("NYC")


def explained(rule: r.Rule, stock: dict[tuple[str, str], int], *lines: r.DemandLine, **prices: int) -> r.Explanation:
    network = r.Network([r.Node(id_, parcel_cost=Money(price, "EUR")) for id_, price in prices.items()])
    policy = r.Policy("p", [r.Route("all", [rule])], otherwise=r.park("later"))
    return r.Router(policy, network).route(r.Demand("o", lines), stock).explain()


X, Y = r.DemandLine("1", "X"), r.DemandLine("2", "Y")


def test_a_split_says_which_node_would_have_shipped_it_alone_with_how_much_more() -> None:
    rule = r.Rule("x", require=r.has_stock(), prefer=(r.fewest_splits(), r.lowest_cost()), stops_max=3)
    told = explained(rule, {("A", "X"): 1, ("B", "Y"): 1}, X, Y, A=100, B=200)
    assert told.split == "none of the 2 candidates has everything"
    assert told.changes == ("A alone would win with 1 more Y", "B alone would win with 1 more X")


def test_an_order_without_a_plan_says_who_lacks_the_least() -> None:
    rule = r.Rule("x", require=r.whole_order(), prefer=r.lowest_cost())
    told = explained(rule, {("A", "X"): 1, ("B", "X"): 2}, r.DemandLine("1", "X", 5), A=100, B=200)
    assert told.changes == ("B would serve it by rule 'x' with 3 more X",)
    assert "would change it: B would serve it" in str(told)


def test_a_saving_below_the_threshold_says_what_threshold_would_have_changed_it() -> None:
    rule = r.Rule("x", require=r.has_stock(), prefer=r.lowest_cost(), stops_max=2, saving_min="5.00")
    stock = {("A", "X"): 1, ("A", "Y"): 1, ("B", "X"): 1, ("C", "Y"): 1}
    told = explained(rule, stock, X, Y, A=500, B=100, C=100)
    assert told.margin == "kept at one node: B, C saves 3.00 EUR, not more than 5.00"
    assert told.changes == (
        "B, C would win if saving_min were below 3.00 EUR",
        "B alone would win with 1 more Y",
        "C alone would win with 1 more X",
    )


def test_what_a_tolerance_lets_tie_does_not_decide() -> None:
    rule = r.Rule("x", require=r.has_stock(), prefer=(r.lowest_cost(tolerance="1.00"), r.most_stock()))
    told = explained(rule, {("A", "X"): 1, ("B", "X"): 9}, X, A=100, B=150)
    assert told.plan is not None
    assert told.plan.nodes == ("B",)
    assert told.margin == "decided by most_stock(): -9 against -1"
    assert told.why_not("A") == "x: place 1 of 2; most_stock() gives -1 against -9 of B"


def test_a_review_tells_who_looks_until_when_and_shows_the_plan_it_stands_against() -> None:
    rule = r.Rule("x", require=r.has_stock(), prefer=r.by_position(), review_when=r.cost_gap_over("1.00"))
    told = explained(rule, {("A", "X"): 1, ("B", "X"): 1}, X, A=900, B=100)
    assert told.review == (
        "routing looks at it, else accept: costs 8.00 EUR more than the cheapest plan (routing.review.cost)",
        "against B for 1.00 EUR",
    )
    assert "review: against B for 1.00 EUR" in str(told)
    assert "against B for 1.00 EUR" in told._repr_html_()


def test_the_nearest_value_on_the_other_side_of_a_threshold_is_named_with_what_it_would_lead_to() -> None:
    nodes = [r.Node("near", point=GHENT), r.Node("far", point=PARIS)]
    router = r.Router(r.packs.value_threshold(), r.Network(nodes))
    stock = {("near", "X"): 1, ("far", "Y"): 1}
    other = "with a value of {} it would be {}"
    for value, text in (
        ("74.00 EUR", other.format("75.00 EUR", "assigned at far, near by from/fewest parcels")),
        ("99.00 EUR", other.format("74.99 EUR", "partly_assigned at near by below/nearest with something")),
    ):
        found = router.route(demand(("X", 1), ("Y", 1), value=Money.of(*value.split())), stock).explain().changes
        assert text in found, found
    same = router.route(demand(("X", 1), value=Money.of("99", "EUR")), {("near", "X"): 1, ("far", "X"): 1})
    assert not [text for text in same.explain().changes if "value" in text]


def test_a_threshold_on_the_margin_is_named_too_and_one_in_another_currency_is_not() -> None:
    rules = (
        r.Rule("rich", require=(r.margin >= "5.00", r.kind_is("store")), prefer=r.nearest()),
        r.Rule("poor", require=(r.value < Money.of("1", "USD")) | r.online(), prefer=r.most_stock()),
    )
    router = r.Router(r.Policy("p", (r.Route("all", rules),)), NETWORK)
    mine = demand(("X", 1), value=Money.of("9", "EUR"), margin=Money.of("4", "EUR"))
    told = router.route(mine, {("GNT", "X"): 1, ("PAR", "X"): 5}).explain()
    assert told.rule == "poor"
    assert "with a margin of 5.00 EUR it would be assigned at GNT by all/rich" in told.changes
    assert not [text for text in told.changes if "value" in text]


def test_the_masks_of_a_trace_end_where_the_rule_s_own_screen_ends() -> None:
    for floors in ((), (r.keeps_stock(1),)):
        rule = r.Rule("x", require=(r.online(), r.whole_order(), *floors, r.whole_order()), prefer=r.most_stock())
        router = r.Router(r.Policy("p", (r.Route("all", (rule,)),)), NETWORK)
        case = router.case(
            demand(("X", 2), ("Y", 1)), {("GNT", "X"): 2, ("GNT", "Y"): 1, ("PAR", "X"): 3, ("PAR", "Y"): 2}
        )
        ready = router.compiled.rules[0][0]
        masks = ready.masks(case.demand, case)
        assert masks[-1] == ready.screen(case.demand, case)
        assert len(masks) == len(rule.require) + 1
        assert masks[2].bit_count() == 2
        assert masks[-1].bit_count() == (1 if floors else 2)


def test_what_is_no_policy_or_no_network_is_refused_at_once() -> None:
    wrong: list[tuple[Any, Any]] = [("near.json", NETWORK), (SPRING.to_dict(), NETWORK), (SPRING, ["A"])]
    for policy, network in wrong:
        with pytest.raises(InvalidValue, match="takes a Policy and a Network"):
            r.Router(policy, network)


def test_a_host_s_preference_that_gives_no_number_is_named_with_its_node() -> None:
    network = r.Network([r.Node("A"), r.Node("B")])
    for given in ("x", float("nan")):
        odd = r.own_preference("odd", lambda node, _, given=given: given if node.id == "B" else 1)  # type: ignore[misc]
        router = r.Router(r.Policy("p", [r.Route("all", [r.Rule("x", prefer=odd)])]), network)
        with pytest.raises(InvalidValue, match=r"own\('odd'\) gave .* for node 'B'; give a number"):
            router.route(r.Demand("o", [r.DemandLine("1", "X")]), {("A", "X"): 1, ("B", "X"): 1})


def test_what_is_no_stock_and_what_is_no_trace_is_said_so() -> None:
    router = r.Router(r.packs.single_location(), r.Network([r.Node("A")]))
    order = r.Demand("o", [r.DemandLine("1", "X")])
    with pytest.raises(InvalidValue, match="stock is a Stock, a view of one, or a mapping"):
        router.route(order, None)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match=r"`trace` or `record\(\)` is replayed"):
        router.replay(router.route(order, {("A", "X"): 1}))  # type: ignore[arg-type]


def test_a_nearer_candidate_that_lacks_something_says_so_and_with_how_much_more_it_would_have_won() -> None:
    network = r.Network([r.Node("near", point=GHENT), r.Node("far", point=PARIS)])
    router = r.Router(r.packs.shopify_default(), network)
    stock = {("near", "X"): 1, ("near", "Y"): 1, ("far", "X"): 1, ("far", "Y"): 3}
    order = r.Demand("o", [r.DemandLine("1", "X"), r.DemandLine("2", "Y", 3)], destination=Address("BE", point=GHENT))
    told = router.route(order, stock).explain()
    assert told.plan is not None
    assert told.plan.nodes == ("far",)
    lacks = "it has 1 of 3 Y, so another node would have to ship too"
    assert told.nearer == (f"near at 0 km: {lacks}",)
    assert told.why_not("near") == f"ranked: place 1 of 2; {lacks}"
    assert "near alone would win with 2 more Y" in told.changes
    split = router.route(order, {("near", "X"): 1, ("far", "Y"): 3}).explain()
    assert split.split == "none of the 2 candidates has everything"
    none = router.route(order, {("near", "X"): 1}).explain()
    assert none.why_not("near") == "the last rule: place 1 of 1; it has 0 of 3 Y, and no plan was found"


def test_the_runner_up_is_a_plan_of_the_same_rule_and_divides_no_line_that_somebody_has_whole() -> None:
    """B and C could send the two X for less, one each; but A has both, so X is not divided."""
    nodes = [r.Node(id_, parcel_cost=Money(cost, "EUR")) for id_, cost in (("A", 900), ("B", 100), ("C", 100))]
    router = r.Router(r.packs.single_location(), r.Network(nodes))
    stock = {("A", "X"): 2, ("B", "X"): 1, ("C", "X"): 1, ("B", "Y"): 1}
    order = r.Demand("o", [r.DemandLine("1", "X", 2), r.DemandLine("2", "Y")])
    told = router.route(order, stock).explain()
    assert told.plan is not None
    assert (told.plan.nodes, told.runner_up, told.margin) == (("A", "B"), None, "no other plan was possible")
    stock["C", "X"] = 2
    told = router.route(order, stock).explain()
    assert told.plan is not None
    assert (told.plan.nodes, told.plan.cost) == (("B", "C"), Money(200, "EUR"))
    assert told.runner_up is not None
    assert told.runner_up.nodes == ("A", "B")


def test_a_node_without_room_for_all_of_it_says_so_and_would_not_win_with_more_stock() -> None:
    nodes = [r.Node("A", capacity_units=2, parcel_cost=Money(100, "EUR")), r.Node("B", parcel_cost=Money(500, "EUR"))]
    rule = r.Rule("x", require=(r.has_stock(), r.has_capacity()), prefer=r.lowest_cost(), stops_max=3)
    router = r.Router(r.Policy("p", [r.Route("all", [rule])]), r.Network(nodes))
    order = r.Demand("o", [r.DemandLine("1", "X", 2), r.DemandLine("2", "Y")])
    stock = {("A", "X"): 2, ("B", "X"): 2, ("B", "Y"): 1}
    told = router.route(order, stock).explain()
    assert told.why_not("A") == (
        "x: place 1 of 2; it has 0 of 1 Y, room for 2 of 3 units, so another node would have to ship too"
    )
    assert told.changes == ()
    assert router.route(order, {("A", "X"): 1}).explain().changes == (
        "B would serve it by rule 'x' with 2 more X, 1 more Y",
    )
    stock["A", "Y"] = 1
    again = router.route(order, stock).explain()
    assert again.plan is not None
    assert again.plan.nodes == ("B",)
    assert again.why_not("A") == "x: place 1 of 2; it has room for 2 of 3 units, so another node would have to ship too"


def test_what_an_explanation_says_is_so_the_runner_up_is_no_better_and_a_node_wins_with_what_it_lacks() -> None:
    rng, told = Rng(3), 0
    policies = [
        r.packs.shopify_default(),
        r.packs.single_location(),
        r.packs.value_threshold(),
        r.packs.speed_then_cost(),
    ]
    for n in range(120):
        nodes = [
            r.Node(id_, point=GeoPoint(50 + rng.below(20) / 10, 3), parcel_cost=Money(300 + 100 * rng.below(8), "EUR"))
            for id_ in "ABCD"[: 2 + rng.below(3)]
        ]
        router = r.Router(policies[n % 4], r.Network(nodes))
        stock = {(node.id, item): rng.below(3) for node in nodes for item in "XYZ"}
        lines = [r.DemandLine(item, item, 1 + rng.below(2), price=Money(2000, "EUR")) for item in "XYZ"[: 1 + n % 3]]
        order = r.Demand("o", lines, destination=Address("BE", point=GHENT))
        answer = router.route(order, stock).explain()
        if n % 4 == 1 and answer.runner_up is not None and answer.plan is not None:
            first, second = answer.plan.cost, answer.runner_up.cost
            assert first is not None
            assert second is not None
            saved = first - second
            assert saved <= Money(0, "EUR") or (len(answer.plan.nodes) == 1 and saved <= Money(500, "EUR"))
        for change in answer.changes:
            node, alone, missing = change.partition(" alone would win with ")
            if alone:
                more = dict(stock)
                for part in missing.split(", "):
                    count, _, item = part.split(" ")
                    more[node, item] += int(count)
                assert router.route(order, more).nodes == (node,), change
                told += 1
    assert told > 50
