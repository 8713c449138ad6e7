"""Runs side by side: differences, sweeps, and a candidate beside a live policy."""

from typing import Any

import pytest
from tests.simulate.test_run import MONDAY, NEAR, NETWORK, demand, stocked

from omscore import routing as r
from omscore import samples, simulate
from omscore.errors import InvalidValue

FAR = r.Policy(
    "far",
    (r.Route("all", (r.Rule("listed", require=r.whole_order(), prefer=r.ranked_nodes("liege", "ghent")),)),),
    otherwise=r.park("later"),
)


def both(**stock: int) -> tuple[simulate.Run, simulate.Run]:
    ledger = stocked({(node, "X"): n for node, n in stock.items()})
    orders = [demand(n) for n in range(1, 4)]
    return simulate.run(NEAR, orders, NETWORK, ledger), simulate.run(FAR, orders, NETWORK, ledger)


def test_a_policy_compared_with_itself_moves_nothing() -> None:
    near, _ = both(ghent=2, liege=1)
    compared = simulate.compare(one=near, two=near)
    assert compared.moved == ()
    assert compared.delta("placed") == 0


def test_moved_orders_say_from_where_to_where_and_what_spoke_against() -> None:
    near, far = both(ghent=3, liege=3)
    compared = simulate.compare(near=near, far=far)
    first = compared.moved[0]
    assert (first.order, first.was.nodes, first.now.nodes, first.how) == (
        "ord-1",
        ("ghent",),
        ("liege",),
        "other nodes",
    )
    assert first.why.startswith("rule 'listed' of route 'all'; not ghent: listed: place 2 of 2")


def test_figures_and_nodes_are_compared_with_the_first_run() -> None:
    near, far = both(ghent=2, liege=2)
    compared = simulate.compare(near=near, far=far)
    assert compared.by_node() == {"ghent": -1, "liege": 1}
    assert compared.delta("km") > 0
    assert compared.delta("km", "near") == 0
    with pytest.raises(InvalidValue, match="no figure 'kilometers'"):
        compared.delta("kilometers")
    with pytest.raises(InvalidValue, match="no run 'farther'"):
        compared.by_node("farther")


def test_how_an_order_moved_is_told_in_words() -> None:
    def how(was: tuple[int, str], now: tuple[int, str]) -> str:
        fates = [simulate.Fate("o", outcome, ("x",), units=2, units_placed=n) for n, outcome in (was, now)]
        return simulate.Moved("o", *fates).how

    assert how((0, "parked"), (2, "assigned")) == "newly placed"
    assert how((0, "parked"), (1, "partly_assigned")) == "newly placed in part"
    assert how((2, "assigned"), (0, "parked")) == "not placed any more"
    assert how((2, "assigned"), (1, "partly_assigned")) == "only in part"
    assert how((1, "partly_assigned"), (2, "assigned")) == "now in full"
    assert how((2, "assigned"), (2, "review")) == "newly in review"
    assert how((0, "parked"), (0, "unroutable")) == "another outcome"


def test_a_review_tells_its_reason() -> None:
    rule = r.Rule("one", require=r.whole_order(), prefer=r.nearest(), review_when=r.units > 0)
    careful = r.Policy("careful", (r.Route("all", (rule,)),))
    ledger = stocked({("ghent", "X"): 1})
    runs = [simulate.run(policy, [demand(1)], NETWORK, ledger) for policy in (NEAR, careful)]
    moved = simulate.compare(near=runs[0], careful=runs[1]).moved
    assert [m.how for m in moved] == ["newly in review"]
    assert "routing.review.condition" in moved[0].why


def test_runs_over_other_orders_do_not_compare() -> None:
    near, _ = both(ghent=1)
    other = simulate.run(NEAR, [demand(9)], NETWORK, stocked({("ghent", "X"): 1}))
    with pytest.raises(InvalidValue, match="not over the same orders"):
        simulate.compare(near=near, other=other)
    with pytest.raises(InvalidValue, match="at least one run"):
        simulate.compare()


def test_a_comparison_is_text_a_table_and_rows() -> None:
    near, far = both(ghent=3, liege=3)
    compared = simulate.compare(near=near, far=far)
    assert "3 orders moved:" in str(compared)
    assert compared._repr_html_().count("<table") == 2
    assert [row["moved"] for row in compared.to_records()] == [0, 3]
    assert repr(compared) == "<Comparison of near, far: 3 orders moved>"


def test_a_sweep_runs_every_combination_and_keeps_what_it_set() -> None:
    network = samples.network()
    orders, ledger = samples.orders(40, seed=2), samples.ledger(network, seed=2, orders=40)
    settings: dict[str, Any] = {"saving": ["0.00", "5.00"], "stops_max": [1, 3]}
    tried = simulate.sweep(r.packs.single_location, settings, orders, network, ledger)
    rows = tried.to_records()
    assert [(row["saving"], row["stops_max"]) for row in rows] == [("0.00", 1), ("0.00", 3), ("5.00", 1), ("5.00", 3)]
    assert rows[0]["splits"] == 0 < rows[1]["splits"]
    assert rows[1]["placed"] >= rows[0]["placed"]


@pytest.mark.parametrize(
    ("policy_of", "settings", "says"),
    [
        (r.packs.single_location, {"savings": ["3.00"]}, "takes no setting 'savings'; it takes 'saving'"),
        (r.packs.single_location, {"saving": "3.00"}, "'saving' needs a list of values to try, not '3.00'"),
        (r.packs.single_location(), {"saving": ["3.00"]}, "a function that makes a policy"),
        (lambda *, km, saving: r.packs.single_location(saving=saving), {"saving": ["3.00"]}, "also needs 'km'"),
        (lambda: r.packs.single_location(), {"saving": ["3.00"]}, "it takes no settings"),  # noqa: PLW0108
    ],
    ids=["unknown", "not a list", "not a function", "missing", "none at all"],
)
def test_a_sweep_says_which_setting_it_does_not_take_and_which_it_does(
    policy_of: Any, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidValue, match=says):
        simulate.sweep(policy_of, settings, [], NETWORK, stocked({("ghent", "X"): 1}))


@pytest.mark.parametrize("settings", [{}, {"saving": []}])
def test_a_sweep_without_anything_to_try_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match="needs settings"):
        simulate.sweep(r.packs.single_location, settings, [], NETWORK, stocked({("ghent", "X"): 1}))


def test_a_shadow_gives_the_live_decision_and_keeps_what_the_candidate_would_do() -> None:
    live = r.Router(NEAR, NETWORK)
    shadow = simulate.Shadow(live, FAR)
    stock = r.Stock({("ghent", "X"): 2, ("liege", "X"): 2})
    for n in (1, 2):
        decision = shadow.route(demand(n), stock, now=MONDAY)
        assert decision == live.route(demand(n), stock, now=MONDAY)
    assert [(m.order, m.now.nodes) for m in shadow.compare().moved] == [("ord-1", ("liege",)), ("ord-2", ("liege",))]
    assert stock.available("ghent", "X") == 2


def test_a_candidate_that_raises_does_not_stop_the_live_policy() -> None:
    def broken(node: r.Node, order: r.Demand) -> bool:
        raise ZeroDivisionError("no luck")

    rule = r.Rule("mine", require=r.own_requirement("mine", broken))
    shadow = simulate.Shadow(r.Router(NEAR, NETWORK), r.Policy("broken", (r.Route("all", (rule,)),)))
    assert shadow.route(demand(1), {("ghent", "X"): 1}).outcome == "assigned"
    moved = shadow.compare().moved
    assert moved[0].now.outcome == "failed"
    assert "no luck" in moved[0].why


def test_a_shadow_keeps_the_last_decision_of_the_last_orders() -> None:
    shadow = simulate.Shadow(r.Router(NEAR, NETWORK), FAR, orders_max=2)
    for n in (1, 2, 1, 3):
        shadow.route(demand(n), {("ghent", "X"): 1})
    assert [fate.order for fate in shadow.compare().runs["live"].fates] == ["ord-1", "ord-3"]


def test_a_candidate_of_another_network_is_refused() -> None:
    with pytest.raises(InvalidValue, match="another network"):
        simulate.Shadow(r.Router(NEAR, NETWORK), r.Router(FAR, r.Network([r.Node("A")])))
