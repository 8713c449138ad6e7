"""What holds for every routing decision: exact plans, answers that hang on nothing but the facts, and true bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from omscore import codec
from omscore import routing as r
from omscore.errors import DefinitionError
from omscore.kernel import Address, GeoPoint, Money
from omscore.routing._compile import Compiled
from omscore.routing._logic import contradiction, implies
from omscore.routing._plans import Search, part_of
from omscore.routing._sourced import Question

CODEC = codec.standard()
ITEMS = ("A", "B", "C")
HOME = Address("BE", point=GeoPoint(50.0, 4.0))


@st.composite
def networks(draw: st.DrawFn, nodes_max: int = 4) -> r.Network:
    count = draw(st.integers(1, nodes_max))
    small = st.integers(0, 5)
    nodes = []
    for n in range(count):
        point = draw(st.none() | st.integers(0, 4).map(lambda x: GeoPoint(50.0, 4.0 + x / 2)))
        nodes.append(
            r.Node(
                f"N{n}",
                kind=draw(st.sampled_from(["warehouse", "store"])),
                point=point,
                country=draw(st.sampled_from(["BE", "NL", ""])),
                groups=draw(st.sets(st.sampled_from(["x", "y"]))),
                capabilities=draw(st.sets(st.sampled_from(["cold", "gift"]))),
                active=draw(st.integers(0, 9)) > 0,
                online=draw(st.booleans()),
                priority=draw(st.none() | small),
                capacity_units=draw(st.none() | small),
                lead_days=draw(small),
                rejection_permille=draw(small),
                parcel_cost=Money(draw(small) * 100, "EUR"),
                line_cost=Money(draw(small) * 10, "EUR"),
                unit_cost=Money(draw(small), "EUR"),
            )
        )
    rates = [
        r.Rate(Money(300, "EUR"), grams_max=1000),
        r.Rate(Money(500, "EUR"), grams_max=3000),
        r.Rate(Money(900, "EUR")),
    ]
    return r.Network(
        nodes, services=[r.Service("", rates=rates if draw(st.booleans()) else (), transit=((40, 1), (None, 3)))]
    )


@st.composite
def demands(draw: st.DrawFn) -> r.Demand:
    rows = draw(st.lists(st.tuples(st.sampled_from(ITEMS), st.integers(1, 4)), min_size=1, max_size=4))
    lines = [
        r.DemandLine(
            str(n), item, units, weight_grams=400, price=Money(1000, "EUR"), group=draw(st.sampled_from(["", "g"]))
        )
        for n, (item, units) in enumerate(rows)
    ]
    return r.Demand(
        "ord-1",
        lines,
        destination=draw(st.sampled_from([HOME, None])),
        channel=draw(st.sampled_from(["web", "amazon"])),
        tags=draw(st.sets(st.sampled_from(["cold", "gift"]))),
    )


@st.composite
def stocks(draw: st.DrawFn, network: r.Network) -> r.Stock:
    return r.Stock({(node.id, item): draw(st.integers(0, 4)) for node in network.nodes for item in ITEMS})


@st.composite
def cases(draw: st.DrawFn, nodes_max: int = 4) -> tuple[r.Network, r.Demand, r.Stock]:
    network = draw(networks(nodes_max))
    return network, draw(demands()), draw(stocks(network))


ADDITIVE = (r.fewest_splits(), r.nearest(), r.lowest_cost(), r.by_priority())


def _shares(need: int, have: list[int]) -> Iterator[tuple[int, ...]]:
    """Every way to give a need to nodes: whole to one of them, or divided where none has all."""
    if any(h >= need for h in have):
        for n, h in enumerate(have):
            if h >= need:
                yield tuple(need if m == n else 0 for m in range(len(have)))
        return
    for share in product(*(range(min(need, h) + 1) for h in have)):
        if sum(share) == need:
            yield share


def _figures(
    router: r.Router, order: r.Demand, plan: list[tuple[int, ...]], prefer: tuple[r.Preference, ...]
) -> tuple[int, ...]:
    """A plan's vector, worked out in the plainest way."""
    case = router.case(order, r.Stock())
    grid = router.grid
    used = [i for i in range(len(grid.nodes)) if any(share[i] for share in plan)]
    lines = {item: sum(1 for line in order.lines if line.item == item) for item, _ in order.needs}
    ranks = sorted({n.priority for n in grid.nodes if n.priority is not None})
    out = []
    for term in prefer:
        if term.op == "fewest_splits":
            out.append(len(used))
        elif term.op == "nearest":
            meters = [case.place.meters[i] for i in used]
            out.append(
                0 if all(m is None for m in case.place.meters) else sum(10**15 if m is None else m for m in meters)
            )
        elif term.op == "by_priority":
            places = [grid.nodes[i].priority for i in used]
            worst = [10**9 if p is None else ranks.index(p) for p in places]
            out.append(0 if not ranks else max(worst))
        else:
            total = 0
            for i in used:
                units = [share[i] for share in plan]
                count = sum(lines[item] for (item, _), n in zip(order.needs, units, strict=True) if n)
                total += case.cost(i, 400 * sum(units), count, sum(units)) or 0
            out.append(total)
    return tuple(out)


@given(cases(), st.permutations(ADDITIVE), st.integers(1, 4), st.integers(1, 3))
def test_the_plan_is_the_best_of_all_plans(
    case: tuple[r.Network, r.Demand, r.Stock], prefer: list[r.Preference], depth: int, stops: int
) -> None:
    network, order, stock = case
    chosen = tuple(prefer[:depth])
    rule = r.Rule("any", prefer=chosen, stops_max=stops)
    router = r.Router(r.Policy("p", (r.Route("all", (rule,)),)), network)
    decision = router.route(order, stock)
    have = [[stock.available(node.id, item) if node.active else 0 for node in network.nodes] for item, _ in order.needs]
    plans = [
        list(plan)
        for plan in product(*(_shares(need, have[k]) for k, (_, need) in enumerate(order.needs)))
        if sum(1 for i in range(len(network.nodes)) if any(share[i] for share in plan)) <= stops
    ]
    if not plans:
        assert decision.plan is None
        return
    assert decision.plan is not None
    assert decision.proven
    assert decision.gap == 0
    index = {item: k for k, (item, _) in enumerate(order.needs)}
    mine = [[0] * len(network.nodes) for _ in order.needs]
    for a in decision.plan.assignments:
        mine[index[a.item]][network.index(a.node)] += a.units
    best = min(_figures(router, order, plan, chosen) for plan in plans)
    assert _figures(router, order, [tuple(row) for row in mine], chosen) == best


@given(cases(5), st.permutations(ADDITIVE), st.integers(1, 4), st.integers(1, 3), st.tuples(*[st.booleans()] * 4))
def test_two_searches_find_plans_of_the_same_worth(
    case: tuple[r.Network, r.Demand, r.Stock],
    prefer: list[r.Preference],
    depth: int,
    stops: int,
    flags: tuple[bool, bool, bool, bool],
) -> None:
    network, order, stock = case
    split, groups, capped, partial = flags
    rule = r.Rule("any", prefer=prefer[:depth], stops_max=stops, split_lines=split, keep_groups=groups)
    router = r.Router(r.Policy("p", (r.Route("all", (rule,)),)), network)
    x = router.case(order, stock)
    mask = x.base
    if not mask:
        return
    parts = [part_of(rank, x, mask) for rank in router.compiled.rules[0][0].ranks]
    question = Question(x, mask, rule, parts, capped=capped, partial=partial, steps_max=10**6).best(())
    walk = Search(
        x, mask, stops_max=stops, split_lines=split, keep_groups=groups, capped=capped, partial=partial, steps_max=10**6
    ).best(parts)
    assert (question is None) == (walk is None)
    if question is not None and walk is not None:
        assert question.proven
        assert walk.proven
        assert question.vector == walk.vector


def _valid(decision: r.Decision, order: r.Demand, stock: r.Stock) -> None:
    """A plan never gives what is not there, nor more than was asked."""
    assert decision.plan is not None
    taken: dict[tuple[str, str], int] = {}
    served: dict[str, int] = {}
    for a in decision.plan.assignments:
        served[a.line] = served.get(a.line, 0) + a.units
        if not a.backordered:
            taken[a.node, a.item] = taken.get((a.node, a.item), 0) + a.units
    assert all(n <= stock.available(*cell) for cell, n in taken.items())
    assert all(served.get(line.id, 0) <= line.units for line in order.lines)
    if decision.outcome == "assigned":
        assert all(served[line.id] == line.units for line in order.lines)


@given(
    cases(5), st.sampled_from(["next", "ship"]), st.sampled_from(["best", "in_order"]), st.booleans(), st.integers(1, 3)
)
def test_a_plan_only_gives_what_is_there(
    case: tuple[r.Network, r.Demand, r.Stock], partial: str, fill: str, groups: bool, stops: int
) -> None:
    network, order, stock = case
    rule = r.Rule(
        "any",
        require=r.has_capacity(),
        prefer=r.nearest(),
        stops_max=stops,
        partial=partial,
        fill=fill,
        keep_groups=groups,
    )
    decision = r.Router(r.Policy("p", (r.Route("all", (rule,)),)), network).route(order, stock)
    if decision.plan is None:
        return
    _valid(decision, order, stock)
    for node in decision.nodes:
        cap = network[node].capacity_units
        assert cap is None or sum(a.units for a in decision.plan.assignments if a.node == node) <= cap


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_lines_and_nodes_changes_nothing(case: tuple[r.Network, r.Demand, r.Stock], random: Any) -> None:
    network, order, stock = case
    lines, nodes = list(order.lines), list(network.nodes)
    random.shuffle(lines)
    random.shuffle(nodes)
    rule = r.Rule("any", require=r.has_stock(), prefer=(r.fewest_splits(), r.lowest_cost()), stops_max=3)
    policy = r.Policy("p", (r.Route("all", (rule,)),))
    shuffled = r.Demand("ord-1", lines, destination=order.destination, channel=order.channel, tags=order.tags)
    a = r.Router(policy, network).route(order, stock)
    b = r.Router(policy, r.Network(nodes, services=network.services)).route(shuffled, stock)
    assert (a.outcome, a.nodes, a.cost) == (b.outcome, b.nodes, b.cost)
    assert _given(a) == _given(b)


def _given(decision: r.Decision) -> dict[tuple[str, str], int]:
    given: dict[tuple[str, str], int] = {}
    for one in decision.plan.assignments if decision.plan is not None else ():
        given[one.node, one.item] = given.get((one.node, one.item), 0) + one.units
    return given


@given(cases(), st.integers(0, 4))
def test_a_trace_replays_to_the_same_decision(case: tuple[r.Network, r.Demand, r.Stock], taken: int) -> None:
    network, order, stock = case
    router = r.Router(r.packs.value_threshold("30.00"), network)
    decision = router.route(order, stock)
    again = r.Router(r.packs.value_threshold("30.00"), network).replay(decision.trace)
    for node in network.nodes:
        stock.set(node.id, "A", taken)
    assert again == decision
    assert router.replay(decision.trace) == decision
    assert router.explain(decision) == again.explain()


@given(cases(5), st.integers(1, 8))
def test_a_search_cut_short_gives_a_valid_plan_and_a_true_bound(
    case: tuple[r.Network, r.Demand, r.Stock], steps: int
) -> None:
    network, order, stock = case
    rule = r.Rule("any", prefer=(r.lowest_cost(), r.nearest()), stops_max=4)
    policy = r.Policy("p", (r.Route("all", (rule,)),))
    best = r.Router(policy, network).route(order, stock)
    cut = r.Router(policy, network, steps_max=steps).route(order, stock)
    assert (best.plan is None) == (cut.plan is None)
    if best.plan is None or cut.plan is None:
        return
    _valid(cut, order, stock)
    assert best.cost is not None
    assert cut.cost is not None
    assert cut.bound <= best.bound
    assert best.cost.minor <= cut.cost.minor
    if cut.proven:
        assert cut.cost == best.cost


names = st.lists(st.sampled_from(["web", "BE", "x", "A", 'quo"te', "ünï"]), min_size=1, max_size=3, unique=True)
named = (
    r.channel_is,
    r.service_is,
    r.country_is,
    r.region_is,
    r.market_is,
    r.tier_is,
    r.seller_is,
    r.parked_in,
    r.postcode_starts,
    r.any_tag,
    r.all_tags,
    r.every_line_tagged,
    r.has_item,
    r.has_category,
)
conditions = st.recursive(
    st.builds(lambda make, given: make(*given), st.sampled_from(named), names)
    | st.sampled_from(
        [
            r.is_pickup(),
            r.no_coordinates(),
            r.fact_is("f", "x"),
            r.value < "75.00",
            r.margin >= "1.00 EUR",
            r.units > 2,
            r.line_count.between(1, 3),
            r.weight_grams <= 500,
            r.attempts.equals(0),
            r.earlier_orders < 1,
            r.fact("n") > 1.5,
            r.age_hours > 2,
            r.hours_to_promise < 0,
        ]
    ),
    lambda inner: (
        st.builds(lambda a, b: a & b, inner, inner)
        | st.builds(lambda a, b: a | b, inner, inner)
        | inner.map(lambda a: ~a)
    ),
    max_leaves=5,
)
node_words = st.builds(
    lambda make, given: make(*given),
    st.sampled_from([r.node_is, r.in_group, r.kind_is, r.in_country, r.has_capability, r.can_handle, r.stocks]),
    st.lists(
        st.sampled_from(["N0", "N1", "x", "store", "BE", "cold", "gift", "A"]), min_size=1, max_size=2, unique=True
    ),
) | st.sampled_from(
    [
        r.online(),
        r.has_stock(),
        r.full_line(),
        r.whole_order(),
        r.within_km(60),
        r.known_distance(),
        r.in_market(),
        r.may_cross_border(),
        r.before_cutoff(),
        r.meets_promise(),
        r.has_capacity(),
        r.lead_days_max(2),
        r.feed_age_max(4),
        r.not_blocked(),
        r.rejections_max(2),
        r.cost_max("7.00"),
        r.same_owner(),
        r.same_currency(),
        r.wished_node(),
    ]
)
requirements: st.SearchStrategy[Any] = st.recursive(
    node_words | conditions,
    lambda inner: (
        st.builds(lambda a, b: a & b, inner, inner)
        | st.builds(lambda a, b: a | b, inner, inner)
        | inner.map(lambda a: ~a)
    ),
    max_leaves=4,
)
preferences = st.sampled_from(
    [
        r.fewest_splits(),
        r.most_lines(),
        r.same_market(),
        r.nearest(),
        r.nearest(band_km=50),
        r.nearest(tolerance_km=10.5),
        r.ranked_nodes("N1", "N0"),
        r.ranked_groups("x"),
        r.by_priority(),
        r.by_position(),
        r.wished_first(),
        r.lowest_cost(),
        r.lowest_cost(tolerance="2.00"),
        r.earliest_arrival(),
        r.earliest_arrival(tolerance_days=1),
        r.most_stock(),
        r.weeks_of_supply(),
        r.most_capacity(),
        r.fewest_rejections(),
        r.shortest_lead(),
        r.clearance(),
        r.round_robin(),
        r.least_carbon(),
        r.blend(r.nearest(), r.most_stock(), weights=(2, 0.5)),
        r.blend(r.nearest(), r.by_priority(tolerance=1), weights=(1, 1), tolerance=0.25),
        r.most_stock(tolerance_units=2),
        r.weeks_of_supply(tolerance_weeks=1.5),
        r.fewest_rejections(tolerance_permille=5),
        r.least_carbon(tolerance_grams=100),
    ]
)
signs = st.sampled_from(
    [
        r.cost_gap_over("8.00"),
        r.near_tie("0.50"),
        r.partial_only(),
        r.margin_below("1.00"),
        r.first_order_over("5.00"),
        r.no_coordinates(),
    ]
)


@st.composite
def rules(draw: st.DrawFn, name: str) -> r.Rule:
    return r.Rule(
        name,
        require=draw(st.sampled_from([[], [r.keeps_stock(1)], [r.keeps_stock(2, after=False, more=True)]]))
        + draw(st.lists(requirements, max_size=3)),
        prefer=draw(st.lists(preferences, max_size=3)),
        stops_max=draw(st.integers(1, 3)),
        saving_min=draw(st.sampled_from([None, "5.00"])),
        review_when=draw(st.lists(signs, max_size=2)),
        partial=draw(st.sampled_from(["next", "ship", "backorder", "review", "park"])),
        fill=draw(st.sampled_from(["best", "in_order"])),
        split_lines=draw(st.booleans()),
        keep_groups=draw(st.booleans()),
        parcel_min=draw(st.sampled_from([None, "10.00"])),
        over_capacity=draw(st.booleans()),
    )


@st.composite
def policies(draw: st.DrawFn) -> r.Policy:
    when = draw(st.lists(conditions, max_size=2, unique_by=repr))
    routes = []
    for n, condition in enumerate([*when, None]):
        try:
            routes.append(r.Route(f"route {n}", (draw(rules("one")), draw(rules("two"))), when=condition))
        except DefinitionError:  # a conjunction that can never hold is refused, which is its own test
            continue
    return r.Policy(
        "p",
        routes,
        otherwise=draw(st.sampled_from([None, r.park("later"), r.park("week", days=7, then="cancel")])),
        pick=draw(st.sampled_from(["first", "most_specific"])),
        review=draw(st.sampled_from([r.ReviewDesk(), r.ReviewDesk("desk", hours=2, default="park")])),
    )


few = st.recursive(
    st.builds(
        lambda make, given: make(*given),
        st.sampled_from([r.channel_is, r.any_tag, r.all_tags]),
        st.lists(st.sampled_from("ab"), min_size=1, max_size=2, unique=True),
    )
    | st.builds(
        lambda sign, to: r.compare("units", sign, to),
        st.sampled_from(["<", "<=", "=", ">=", ">"]),
        st.sampled_from([0, 1, 1.5, 2, 3]),
    )
    | st.builds(
        lambda sign, to: r.compare("margin", sign, to),
        st.sampled_from(["<", "=", ">"]),
        st.sampled_from(["1.00", "2.00 EUR", "2.00 USD"]),
    ),
    lambda inner: (
        st.builds(lambda a, b: a & b, inner, inner)
        | st.builds(lambda a, b: a | b, inner, inner)
        | inner.map(lambda a: ~a)
    ),
    max_leaves=6,
)
EVERY_KIND = [
    r.Demand("o", [r.DemandLine("1", "X", n)], channel=channel, tags=tags, margin=margin)
    for n in (1, 2, 3, 4)
    for channel in ("", "a", "b")
    for tags in ((), ("a",), ("a", "b"))
    for margin in (None, *(Money(minor, currency) for minor in (50, 100, 150, 200, 250) for currency in ("EUR", "USD")))
]


@given(st.lists(few, min_size=2, max_size=40))
def test_what_is_refused_because_it_can_never_hold_holds_for_no_order(conditions: list[r.Condition]) -> None:
    never = [one for one in conditions if contradiction([one])]
    match = r.matcher(never)
    assert not any(match(demand) for demand in EVERY_KIND)
    narrow = [(a, b) for a in conditions for b in conditions[:5] if a is not b and implies(a, b)]
    for a, b in narrow:
        both = r.matcher([a, b])
        assert all(both(demand) != 1 for demand in EVERY_KIND)


@given(policies())
def test_a_policy_comes_back_equal_from_json_and_toml(policy: r.Policy) -> None:
    assert r.Policy.from_json(policy.to_json()) == policy
    assert r.Policy.from_toml(policy.to_toml()) == policy
    assert r.Policy.from_toml(policy.to_toml()).content_hash == policy.content_hash
    r.lint(policy)


@given(cases(), policies())
def test_any_policy_gives_a_decision_that_explains_itself_and_replays(
    case: tuple[r.Network, r.Demand, r.Stock], policy: r.Policy
) -> None:
    network, order, stock = case
    router = r.Router(policy, network)
    decision = router.route(order, stock)
    assert decision.outcome in r.OUTCOMES
    assert router.replay(decision.trace) == decision
    stored = json.dumps(CODEC.encode(decision.record()))
    assert r.Router(policy, network).replay(CODEC.decode(json.loads(stored))) == decision
    told = decision.explain()
    assert str(told)
    assert told._repr_html_().startswith("<table")
    assert all(decision.why_not(node.id) for node in network.nodes)
    if decision.plan is not None:
        _valid(decision, order, stock)


@given(cases(), requirements)
def test_a_mask_says_of_each_node_what_it_says_of_the_node_alone(
    case: tuple[r.Network, r.Demand, r.Stock], term: r.Requirement
) -> None:
    network, order, stock = case
    assume(not (isinstance(term, r.Condition) and contradiction([term])))  # such a rule is refused when it is written
    rule = r.Rule("any", require=term)

    def kept(some: r.Network) -> set[str]:
        router = r.Router(r.Policy("p", (r.Route("all", (rule,)),)), some)
        x = router.case(order, stock)
        mask = router.compiled.rules[0][0].screen(order, x)
        assert mask == router.compiled.rules[0][0].masks(order, x)[-1]
        assert isinstance(router.compiled, Compiled)
        return {id_ for i, id_ in enumerate(router.grid.ids) if mask >> i & 1}

    alone = {node.id for node in network.nodes if kept(r.Network([node], services=network.services))}
    assert kept(network) == alone
