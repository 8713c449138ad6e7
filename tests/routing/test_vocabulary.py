"""Each word of the vocabulary: when it holds, whom it refuses and why, whom it puts first."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from omscore import routing as r
from omscore.errors import DefinitionError, InvalidValue, Reason
from omscore.kernel import Address, GeoPoint, Money, WorkingCalendar

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
GHENT = GeoPoint(51.05, 3.72)
ORDER = r.Demand(
    "ord-1",
    [
        r.DemandLine("1", "A", 2, price=Money(2000, "EUR"), weight_grams=500, tags={"cold"}, category="food"),
        r.DemandLine("2", "B", 1, price=Money(3500, "EUR"), weight_grams=100, tags={"gift"}),
    ],
    destination=Address("BE", region="OVL", postcode="9000", point=GHENT),
    channel="web",
    service="express",
    margin=Money(1500, "EUR"),
    placed_at=NOON - timedelta(hours=5),
    promised_at=NOON + timedelta(hours=36),
    customer_tier="gold",
    earlier_orders=0,
    tags={"vip"},
    market="benelux",
    seller="own",
    wished="B",
    attempts=1,
    queue="later",
    facts={"risk": 80, "segment": "staff"},
)
BARE = r.Demand("ord-2", [r.DemandLine("1", "A")])


def holds(condition: r.Condition, demand: r.Demand) -> bool:
    policy = r.Policy("p", [r.Route("yes", [r.Rule("any")], when=condition)])
    stock = r.Stock({("N", "A"): 9, ("N", "B"): 9})
    return r.Router(policy, r.Network([r.Node("N")])).route(demand, stock, now=NOON).route == "yes"


@pytest.mark.parametrize(
    ("condition", "order", "bare"),
    [
        (r.channel_is("phone", "web"), True, False),
        (r.service_is("express"), True, False),
        (r.country_is("BE"), True, False),
        (r.region_is("OVL"), True, False),
        (r.postcode_starts("90", "1"), True, False),
        (r.market_is("benelux"), True, False),
        (r.tier_is("gold"), True, False),
        (r.seller_is("own"), True, False),
        (r.parked_in("later"), True, False),
        (r.any_tag("gift"), True, False),
        (r.any_tag("hazmat", "vip"), True, False),
        (r.all_tags("vip", "cold"), True, False),
        (r.every_line_tagged("cold", "gift"), True, False),
        (r.every_line_tagged("cold"), False, False),
        (r.has_item("B"), True, False),
        (r.has_category("food"), True, False),
        (r.is_pickup(), False, False),
        (r.no_coordinates(), False, True),
        (r.fact_is("segment", "staff"), True, False),
        (r.fact("risk") > 79, True, False),
        (r.fact("risk").between(80, 80), True, False),
        (r.value < "75.00", False, False),
        (r.value <= "75.00", True, False),
        (r.value >= Money(7500, "EUR"), True, False),
        (r.value >= Money(7500, "USD"), False, False),
        (r.value.equals("75"), True, False),
        (r.value.between("74.99", "75.01"), True, False),
        (r.value > "74.999", True, False),
        (r.margin < "15.01", True, False),
        (r.units.equals(3), True, False),
        (r.line_count > 1, True, False),
        (r.weight_grams >= 1100, True, False),
        (r.attempts >= 1, True, False),
        (r.earlier_orders < 1, True, False),
        (r.age_hours >= 5, True, False),
        (r.hours_to_promise <= 36, True, False),
        (r.own_condition("odd", lambda d: d.units % 2 == 1), True, True),
        (~r.channel_is("web"), False, True),
        (r.channel_is("web") & r.tier_is("silver"), False, False),
        (r.channel_is("web") | r.tier_is("silver"), True, False),
    ],
    ids=repr,
)
def test_a_condition_holds_for_the_orders_it_means(condition: r.Condition, order: bool, bare: bool) -> None:
    assert (holds(condition, ORDER), holds(condition, BARE)) == (order, bare)
    assert bool(r.matcher([condition])(ORDER)) == (
        order and condition["field"] not in ("age_hours", "hours_to_promise")
    )


YES = r.Node(
    "YES",
    kind="warehouse",
    point=GHENT,
    country="BE",
    market="benelux",
    owner="own",
    groups={"main"},
    capabilities={"cold", "gift"},
    cutoff="18:00",
)
NO = r.Node(
    "NO",
    kind="store",
    country="FR",
    market="fr",
    owner="other",
    currency="USD",
    online=False,
    groups={"outlet"},
    lead_days=9,
    rejection_permille=99,
    cutoff="08:00",
    capacity_orders=0,
    parcel_cost=Money(9900, "EUR"),
)
FACTS = r.Facts(read_at={"NO": NOON - timedelta(hours=30)}, blocked={"NO"})


@pytest.mark.parametrize(
    ("requirement", "code"),
    [
        (r.online(), "offline"),
        (r.node_is("YES"), "other_node"),
        (r.in_group("main"), "other_group"),
        (r.kind_is("warehouse", "3pl"), "other_kind"),
        (r.in_country("BE"), "other_country"),
        (r.has_capability("cold"), "no_capability"),
        (r.can_handle("cold", "hazmat"), "cannot_handle"),
        (r.has_stock(), "no_stock"),
        (r.full_line(), "no_full_line"),
        (r.whole_order(), "not_all_lines"),
        (r.stocks("B"), "item_missing"),
        (r.keeps_stock(1), "below_floor"),
        (r.within_km(10), "distance_unknown"),
        (r.known_distance(), "distance_unknown"),
        (r.in_market(), "other_market"),
        (r.may_cross_border(), "no_border"),
        (r.before_cutoff(), "after_cutoff"),
        (r.meets_promise(), "too_late"),
        (r.has_capacity(), "no_capacity"),
        (r.lead_days_max(3), "lead_time"),
        (r.feed_age_max(24), "feed_too_old"),
        (r.not_blocked(), "blocked"),
        (r.rejections_max(50), "rejects_often"),
        (r.cost_max("50.00"), "too_expensive"),
        (r.same_owner(), "other_owner"),
        (r.same_currency(), "other_currency"),
        (~r.node_is("NO"), "refused"),
        (r.online() & r.whole_order(), "refused"),
        (r.own_requirement("mine", lambda node, _: node.id == "YES"), "own"),
    ],
    ids=repr,
)
def test_a_requirement_keeps_one_node_and_refuses_the_other_with_a_code(requirement: r.Requirement, code: str) -> None:
    network = r.Network([YES, NO], services=[r.Service("", transit=((None, 0),))])
    rule = r.Rule("one", require=requirement, partial="ship", stops_max=2)
    stock = r.Stock({("YES", "A"): 9, ("YES", "B"): 9})
    decision = r.Router(r.Policy("p", [r.Route("all", [rule])]), network).route(ORDER, stock, now=NOON, facts=FACTS)
    assert decision.nodes == ("YES",)
    (refusal,) = [found for found in decision.explain().refused if found.node == "NO"]
    assert refusal.reason.code == f"routing.{code}"
    assert refusal.reason.text
    assert decision.why_not("NO").startswith("one: ")


def test_a_host_s_requirement_may_give_its_own_reason() -> None:
    def on_strike(node: r.Node, _demand: Any) -> bool | Reason:
        return node.id == "YES" or Reason("host.strike", "on strike until Friday")

    rule = r.Rule("one", require=on_strike, prefer=r.by_position())
    router = r.Router(r.Policy("p", [r.Route("all", [rule])]), r.Network([YES, NO]))
    decision = router.route(BARE, {("YES", "A"): 1, ("NO", "A"): 1})
    assert decision.nodes == ("YES",)
    assert decision.why_not("NO") == "one: on strike until Friday (host.strike)"


@pytest.mark.parametrize(
    ("floor", "taken"),
    [
        (r.keeps_stock(3), 2),
        (r.keeps_stock(3, more=True), 1),
        (r.keeps_stock(5, after=False), 5),
        (r.keeps_stock(5, after=False, more=True), None),
    ],
    ids=repr,
)
def test_a_floor_counts_before_or_after_and_at_or_above(floor: r.Requirement, taken: int | None) -> None:
    rule = r.Rule("floor", require=floor, fill="in_order", partial="ship")
    router = r.Router(r.Policy("p", [r.Route("all", [rule])]), r.Network([r.Node("N")]))
    decision = router.route(r.Demand("o", [r.DemandLine("1", "A", 5)]), {("N", "A"): 5})
    assert (decision.plan.units if decision.plan else None) == taken


@pytest.mark.parametrize("require", [(r.keeps_stock(3), r.whole_order()), (r.whole_order(), r.keeps_stock(3))])
def test_a_floor_holds_wherever_it_stands(require: tuple[r.Requirement, ...]) -> None:
    rule = r.Rule("floor", require=require)
    router = r.Router(r.Policy("p", [r.Route("all", [rule])]), r.Network([r.Node("N")]))
    assert router.route(r.Demand("o", [r.DemandLine("1", "A", 2)]), {("N", "A"): 5}).nodes == ("N",)
    assert router.route(r.Demand("o", [r.DemandLine("1", "A", 3)]), {("N", "A"): 5}).plan is None


def test_distances_may_come_from_the_host() -> None:
    road = {"A": 9_000, "B": 4_000, "C": None}
    rule = r.Rule("near", require=r.within_km(8) | ~r.known_distance(), prefer=r.nearest())
    policy = r.Policy("p", [r.Route("all", [rule])])
    router = r.Router(policy, r.Network([r.Node(i) for i in "ABC"]), distance_of=lambda node, _: road[node.id])
    order = r.Demand("o", [r.DemandLine("1", "X")], destination=Address("BE"))
    told = router.route(order, {(i, "X"): 1 for i in "ABC"}).explain()
    assert [scored.node for scored in told.ranking] == ["B", "C"]
    assert told.why_not("A").startswith("near: A does not fit (within_km(km=8)")


def ranked(preference: r.Preference, nodes: list[r.Node], facts: r.Facts | None = None, **more: Any) -> list[str]:
    network = r.Network(nodes, services=[r.Service("", transit=((50, 1), (None, 2)))])
    rule = r.Rule("one", require=r.has_stock(), prefer=preference, partial="ship")
    stock = more.pop("stock", {(node.id, "A"): 5 for node in nodes})
    order = r.Demand("ord-1", [r.DemandLine("1", "A", 2), r.DemandLine("2", "B")], **more)
    router = r.Router(r.Policy("p", [r.Route("all", [rule])]), network)
    told = router.route(order, stock, now=NOON, facts=facts or r.Facts()).explain()
    return [scored.node for scored in told.ranking]


A, B, C = "A", "B", "C"
HOME = Address("BE", point=GHENT)
NAN = float("nan")


@pytest.mark.parametrize(
    ("preference", "fields", "facts", "expected"),
    [
        (r.by_priority(), [{"priority": 2}, {}, {"priority": 1}], {}, [C, A, B]),
        (r.by_position(), [{"position": 2}, {"position": 1}, {"position": 0}], {}, [C, B, A]),
        (r.ranked_nodes("B", "C"), [{}, {}, {}], {}, [B, C, A]),
        (r.ranked_groups("x", "y"), [{"groups": {"y"}}, {}, {"groups": {"x"}}], {}, [C, A, B]),
        (r.same_market(), [{"country": "NL"}, {"country": "BE"}, {}], {}, [B, A, C]),
        (r.nearest(), [{}, {"point": GeoPoint(50, 3)}, {"point": GeoPoint(51, 3.7)}], {}, [C, B, A]),
        (r.nearest(band_km=500), [{}, {"point": GeoPoint(50, 3)}, {"point": GeoPoint(51, 3.7)}], {}, [B, C, A]),
        (r.wished_first(), [{}, {}, {}], {}, [B, A, C]),
        (r.shortest_lead(), [{"lead_days": 3}, {"lead_days": 1}, {}], {}, [C, B, A]),
        (r.earliest_arrival(), [{"lead_days": 3}, {}, {"point": GHENT}], {}, [C, B, A]),
        (r.lowest_cost(), [{"parcel_cost": Money(3, "EUR")}, {"parcel_cost": Money(1, "EUR")}, {}], {}, [C, B, A]),
        (r.most_capacity(), [{"capacity_units": 3}, {"capacity_units": 9}, {}], {}, [C, B, A]),
        (r.most_capacity(), [{}, {}, {}], {"capacity_left": {"A": 1, "B": 5}}, [C, B, A]),
        (r.fewest_rejections(), [{"rejection_permille": 9}, {}, {}], {"rejections": {"C": 2}}, [B, C, A]),
        (r.weeks_of_supply(), [{}, {}, {}], {"weekly_sales": {(A, "A"): 5, (B, "A"): 1}}, [B, A, C]),
        (r.clearance(), [{}, {}, {}], {"clearance": {(C, "A")}}, [C, A, B]),
        (r.clearance(), [{}, {}, {}], {}, [A, B, C]),
        (r.round_robin(), [{}, {}, {}], {"last_node": "A"}, [B, C, A]),
        (r.round_robin(), [{}, {}, {}], {"last_node": "C"}, [A, B, C]),
        (
            r.least_carbon(),
            [
                {"point": GeoPoint(50, 3), "carbon_grams_per_km": 9},
                {"point": GeoPoint(50, 3), "carbon_grams_per_km": 1},
                {},
            ],
            {},
            [B, A, C],
        ),
        (
            r.blend(r.by_priority(), r.by_position(), weights=(1, 3)),
            [{"priority": 1, "position": 9}, {"priority": 9, "position": 1}, {"priority": 5, "position": 9}],
            {},
            [B, A, C],
        ),
        (r.own_preference("mine", lambda node, _: {"A": 2, "B": 1}.get(node.id)), [{}, {}, {}], {}, [B, A, C]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_preference_ranks_nodes(
    preference: r.Preference, fields: list[dict[str, Any]], facts: dict[str, Any], expected: list[str]
) -> None:
    nodes = [r.Node(id_, **more) for id_, more in zip("ABC", fields, strict=True)]
    assert ranked(preference, nodes, r.Facts(**facts), destination=HOME, wished="B") == expected


def test_most_stock_and_most_lines_look_at_what_is_there() -> None:
    nodes = [r.Node(id_) for id_ in "ABC"]
    stock = {("A", "A"): 2, ("B", "A"): 9, ("C", "A"): 2, ("C", "B"): 1}
    assert ranked(r.most_stock(), nodes, stock=stock) == ["B", "C", "A"]
    assert ranked(r.most_lines(), nodes, stock=stock) == ["C", "A", "B"]


def chosen(prefer: tuple[r.Preference, ...], nodes: list[r.Node], **more: Any) -> str:
    rule = r.Rule("one", require=r.whole_order(), prefer=prefer)
    router = r.Router(r.Policy("p", [r.Route("all", [rule])]), r.Network(nodes))
    order = r.Demand("ord-1", [r.DemandLine("1", "A", price=Money(100, "EUR"))], destination=HOME)
    return router.route(order, {(node.id, "A"): 1 for node in nodes}, **more).nodes[0]


def test_within_a_tolerance_the_next_preference_decides() -> None:
    nodes = [
        r.Node("A", priority=3, parcel_cost=Money(500, "EUR"), point=GeoPoint(51.05, 3.80)),
        r.Node("B", priority=2, parcel_cost=Money(700, "EUR"), point=GeoPoint(51.05, 3.85)),
        r.Node("C", priority=1, parcel_cost=Money(701, "EUR"), point=GeoPoint(51.05, 4.80)),
    ]
    assert chosen((r.lowest_cost(), r.by_priority()), nodes) == "A"
    assert chosen((r.lowest_cost(tolerance="2.00"), r.by_priority()), nodes) == "B"
    assert chosen((r.lowest_cost(tolerance="2.01"), r.by_priority()), nodes) == "C"
    assert chosen((r.nearest(tolerance_km=5), r.by_priority()), nodes) == "B"


def mine(**more: Any) -> r.Preference:
    return r.own_preference("mine", lambda node, _: {"A": 1.0, "B": 1.5}[node.id], **more)


def mixed(**more: Any) -> r.Preference:
    return r.blend(r.by_priority(), r.most_stock(), weights=(1, 3), **more)


@pytest.mark.parametrize(
    ("word", "name", "reach", "short", "fields", "facts"),
    [
        (r.by_priority, "tolerance", 2, 1, [{"priority": 1}, {"priority": 3}], {}),
        (r.shortest_lead, "tolerance_days", 2, 1, [{"lead_days": 1}, {"lead_days": 3}], {}),
        (r.earliest_arrival, "tolerance_days", 2, 1, [{"lead_days": 1}, {"lead_days": 3}], {}),
        (r.fewest_rejections, "tolerance_permille", 20, 19, [{}, {"rejection_permille": 20}], {}),
        (r.most_capacity, "tolerance_units", 6, 5, [{"capacity_units": 9}, {"capacity_units": 3}], {}),
        (r.most_stock, "tolerance_units", 5, 4, [{}, {}], {}),
        (r.weeks_of_supply, "tolerance_weeks", 2.5, 2.4, [{}, {}], {"weekly_sales": {("A", "A"): 2, ("B", "A"): 2}}),
        (r.clearance, "tolerance_items", 2, 1, [{}, {}], {"clearance": {("A", "A"), ("A", "B")}}),
        (r.lowest_cost, "tolerance", "0.20", "0.19", [{}, {"parcel_cost": Money(20, "EUR")}], {}),
        (r.nearest, "tolerance_km", 9.8, 9.7, [{"point": GHENT}, {"point": GeoPoint(51.05, 3.86)}], {}),
        (
            r.least_carbon,
            "tolerance_grams",
            30,
            29,
            [{"point": GHENT}, {"point": GeoPoint(51.05, 3.86), "carbon_grams_per_km": 3}],
            {},
        ),
        (mine, "tolerance", 0.5, 0.4, [{}, {}], {}),
        (mixed, "tolerance", 0.5, 0.4, [{"priority": 2}, {"priority": 1}], {}),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_every_word_that_is_a_figure_may_have_a_tolerance(
    word: Any, name: str, reach: Any, short: Any, fields: list[dict[str, Any]], facts: dict[str, Any]
) -> None:
    """A is better than B by just what `reach` tolerates; the list after it would rather have B."""
    network = r.Network([r.Node(id_, **more) for id_, more in zip("AB", fields, strict=True)])
    stock = {("A", "A"): 6, ("B", "A"): 1, ("A", "B"): 1, ("B", "B"): 1}
    order = r.Demand("o", [r.DemandLine("1", "A"), r.DemandLine("2", "B")], destination=HOME)
    for more in ({}, {"stops_max": 2}, {"fill": "in_order", "stops_max": 2}):
        for tolerance, node in (({}, "A"), ({name: short}, "A"), ({name: reach}, "B")):
            prefer = word(**tolerance)
            rule = r.Rule("x", require=r.has_stock(), prefer=(prefer, r.ranked_nodes("B", "A")), **more)
            policy = r.Policy("p", [r.Route("all", [rule])])
            if prefer.stored:
                assert r.Policy.from_dict(policy.to_dict()) == policy == r.Policy.from_toml(policy.to_toml())
            decided = r.Router(policy, network).route(order, stock, now=NOON, facts=r.Facts(**facts))
            assert decided.nodes == (node,), (prefer, more)


def test_a_node_with_nearly_as_many_lines_ties_within_its_tolerance() -> None:
    rule = r.Rule("x", prefer=(r.most_lines(tolerance_lines=1), r.ranked_nodes("B", "A")), fill="in_order", stops_max=2)
    network = r.Network([r.Node("A"), r.Node("B")])
    order = r.Demand("o", [r.DemandLine("1", "A"), r.DemandLine("2", "B")])
    decided = r.Router(r.Policy("p", [r.Route("all", [rule])]), network).route(
        order, {("A", "A"): 1, ("A", "B"): 1, ("B", "A"): 1}
    )
    assert decided.plan is not None
    assert {given.item: given.node for given in decided.plan.assignments} == {"A": "B", "B": "A"}


def test_plans_of_two_nodes_tie_by_their_worst_node_within_a_tolerance() -> None:
    """Without one, the pair whose worst node has most stock wins; with one, the pair that the list puts first."""
    network = r.Network([r.Node(id_) for id_ in "ABCD"])
    stock = {("A", "A"): 9, ("B", "B"): 8, ("C", "A"): 5, ("D", "B"): 6}
    order = r.Demand("o", [r.DemandLine("1", "A"), r.DemandLine("2", "B")])

    def nodes(*prefer: r.Preference) -> tuple[str, ...]:
        rule = r.Rule("x", require=r.has_stock(), prefer=prefer, stops_max=2)
        return r.Router(r.Policy("p", [r.Route("all", [rule])]), network).route(order, stock).nodes

    last = r.ranked_nodes("C", "D")
    assert nodes(r.most_stock(), last) == ("A", "B")
    assert nodes(r.most_stock(tolerance_units=2), last) == ("A", "B")
    assert nodes(r.most_stock(tolerance_units=3), last) == ("C", "D")


@pytest.mark.parametrize(
    "make",
    [
        lambda: r.most_stock(tolerance_units=0),
        lambda: r.most_lines(tolerance_lines=1.5),  # type: ignore[arg-type]
        lambda: r.blend(r.nearest(), r.most_stock(), weights=(1, 1), tolerance=-0.1),
        lambda: r.own_preference("x", lambda _, __: 1, tolerance="1.00"),  # type: ignore[arg-type]
        lambda: r.by_priority(tolerance=True),
    ],
    ids=["none at all", "half a line", "below zero", "text", "yes"],
)
def test_a_tolerance_is_a_figure_of_its_word(make: Any) -> None:
    with pytest.raises(DefinitionError, match="tolerance"):
        make()


def test_minus_one_of_a_host_s_preference_excludes_while_another_is_left() -> None:
    mine = r.own_preference("mine", lambda node, _: -1 if node.id == "A" else 5)
    assert chosen((mine,), [r.Node("A"), r.Node("B")]) == "B"
    assert chosen((mine,), [r.Node("A")]) == "A"


def test_a_negative_score_of_a_host_excludes_in_splits_walks_and_blends_too() -> None:
    network = r.Network([r.Node("A", position=1), r.Node("B", position=2), r.Node("C", position=3)])
    never_a = r.own_preference("never A", lambda node, _: -1 if node.id == "A" else node.position)
    stock = {(id_, "X"): 2 for id_ in "ABC"}
    order = r.Demand("o", [r.DemandLine("1", "X", 4)])
    one = r.Demand("o", [r.DemandLine("1", "X", 1)])
    mixed = r.blend(never_a, r.by_position(), weights=(1, 1))
    for prefer in (never_a, mixed):
        for fill in ("best", "in_order"):
            rule = r.Rule("x", require=r.has_stock(), prefer=prefer, stops_max=3, fill=fill)
            router = r.Router(r.Policy("p", (r.Route("all", (rule,)),)), network)
            assert router.route(order, stock).nodes == ("B", "C"), (prefer, fill)
            assert router.route(one, stock).nodes == ("B",), (prefer, fill)
            assert router.route(one, {("A", "X"): 1}).nodes == ("A",), (prefer, fill)


def test_ids_decide_when_every_preference_ties_or_abstains() -> None:
    assert chosen((r.wished_first(), r.clearance(), r.same_market()), [r.Node("B"), r.Node("A")]) == "A"


def test_a_term_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="combine terms with &"):
        _ = r.online() and r.has_stock()
    with pytest.raises(TypeError, match="between"):
        _ = 1 < r.units < 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: r.value < 75, "value compares money"),
        (lambda: r.value < "seventy", "not an amount"),
        (lambda: r.units < Money(1, "EUR"), "units is a number, not money"),
        (lambda: r.units.equals(NAN), "compared with a number"),
        (lambda: r.compare("hue", "<", 1), "unknown field 'hue'"),
        (lambda: r.compare("units", "!=", 1), "unknown comparison"),
        (lambda: r.units.between(3, 1), "can never hold"),
        (r.channel_is, "needs at least one name"),
        (lambda: r.channel_is(7), "names as non-empty text"),  # type: ignore[arg-type]
        (lambda: r.within_km(0), "above 0, not 0"),
        (lambda: r.within_km("far"), "above 0, not 'far'"),  # type: ignore[arg-type]
        (lambda: r.keeps_stock(-1), "at least 0"),
        (lambda: r.blend(r.nearest(), weights=(1,)), "at least two"),
        (lambda: r.blend(r.nearest(), r.most_stock(), weights=(1,)), "one weight for each"),
        (lambda: r.blend(r.nearest(), r.fewest_splits(), weights=(1, 1)), "cannot contain fewest_splits"),
        (lambda: r.online() & "online", "combines with conditions and requirements only"),  # type: ignore[operator]
        (lambda: r.fact(""), "named by non-empty text"),
    ],
)
def test_a_word_that_makes_no_sense_is_refused_when_it_is_written(make: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        make()


def test_working_calendars_decide_what_leaves_when_and_arrives() -> None:
    easter = WorkingCalendar("Europe/Brussels", {"mon-fri": "08:00-18:00"}, closed_rules=["FREQ=YEARLY;BYEASTER=1"])
    network = r.Network(
        [r.Node("B", cutoff="16:00", timezone="Europe/Brussels", calendar="be"), r.Node("C", cutoff="23:00")],
        services=[r.Service("", transit=((None, 1),), calendar="be")],
        calendars={"be": easter},
    )
    rule = r.Rule("one", require=r.before_cutoff(), prefer=r.earliest_arrival())
    router = r.Router(r.Policy("p", [r.Route("all", [rule])]), network)
    saturday = datetime(2026, 4, 4, 9, tzinfo=UTC)
    decision = router.route(BARE, {("B", "A"): 1, ("C", "A"): 1}, now=saturday)
    assert decision.nodes == ("C",)
    assert decision.why_not("B").startswith("one: B does not work today")
    case = router.case(BARE, {}, now=saturday)
    assert [str(case.leaves_on(i)) for i in (0, 1)] == ["2026-04-07", "2026-04-04"]
    assert [str(case.arrives(i)) for i in (0, 1)] == ["2026-04-09 00:00:00+02:00", "2026-04-08 00:00:00+00:00"]


def test_a_node_that_never_opens_is_refused_not_an_error() -> None:
    never = WorkingCalendar("UTC", {"mon": "09:00-10:00"}, closed_rules=["FREQ=WEEKLY;BYDAY=MO"])
    network = r.Network([r.Node("N", calendar="never")], calendars={"never": never})
    rule = r.Rule("one", require=r.meets_promise())
    decision = r.Router(r.Policy("p", [r.Route("all", [rule])]), network).route(
        ORDER, {("N", "A"): 9, ("N", "B"): 9}, now=NOON
    )
    assert decision.plan is None
    assert "no express service from N" in decision.why_not("N")


def test_facts_and_networks_say_what_is_wrong_with_them() -> None:
    with pytest.raises(DefinitionError, match="node 'A': kind must be one of"):
        r.Node("A", kind="shop")
    with pytest.raises(DefinitionError, match="node 'A': lead_days"):
        r.Node("A", lead_days=-1)
    with pytest.raises(DefinitionError, match=r"node .A.: .*time zone"):
        r.Node("A", timezone="Mars/Base")
    with pytest.raises(DefinitionError, match="node 'A' is listed twice"):
        r.Network([r.Node("A"), r.Node("A")])
    with pytest.raises(DefinitionError, match="node 'A': parcel_cost is in USD"):
        r.Network([r.Node("A", parcel_cost=Money(1, "USD"))])
    with pytest.raises(DefinitionError, match="no calendar 'be'"):
        r.Network([r.Node("A", calendar="be")])
    with pytest.raises(DefinitionError, match="a heavier parcel may not cost less"):
        r.Service("s", rates=[r.Rate(Money(2, "EUR"), grams_max=1), r.Rate(Money(1, "EUR"))])
    with pytest.raises(DefinitionError, match=r"nodes\[1\] \('B'\): point must be"):
        r.Network.from_dict({"nodes": [{"id": "A"}, {"id": "B", "point": "here"}]})
    with pytest.raises(DefinitionError, match="not JSON"):
        r.Network.from_json("{")
    with pytest.raises(InvalidValue, match="no lines"):
        r.Demand("ord-1", [])
    with pytest.raises(InvalidValue, match="same id"):
        r.Demand("ord-1", [r.DemandLine("1", "A"), r.DemandLine("1", "B")])
    with pytest.raises(InvalidValue, match="mixes currencies"):
        r.Demand("ord-1", [r.DemandLine("1", "A", price=Money(1, "EUR"))], margin=Money(1, "USD"))


def test_a_network_comes_back_equal_from_its_data() -> None:
    network = r.Network(
        [
            r.Node("A", address=Address("BE", city="Ghent", lines=("Dock 1",), point=GHENT), groups={"x", "y"}),
            r.Node("B", parcel_cost=Money(450, "EUR"), cutoff="16:00", timezone="Europe/Brussels", calendar="be"),
        ],
        services=[r.Service("road", rates=[r.Rate(Money(500, "EUR"), km_max=300)], transit=((300, 1), (None, 2)))],
        calendars={"be": WorkingCalendar("Europe/Brussels", {"mon-fri": "09:00-17:00"})},
    )
    assert r.Network.from_dict(network.to_dict()) == network
    assert network["A"].country == "BE"
