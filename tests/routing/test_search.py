"""Plan search: the cheapest plan, the reason it is known to be the cheapest, and what happens when steps run out."""

import pytest
from attrs import evolve
from tests.routing.sourcing_cases import brute_force, check_plan, small_case

from omscore.errors import InvalidValue
from omscore.kernel.rng import Rng
from omscore.routing import _search
from omscore.routing._search import cheapest_plan, runner_up
from omscore.routing._search_problem import Atoms, Shares
from omscore.routing._search_sites import _Sites
from omscore.routing._search_subsets import by_subsets
from omscore.routing._search_units import _Units
from omscore.routing._search_values import Sourcing


def test_one_node_is_kept_while_splitting_saves_no_more_than_the_penalty() -> None:
    # Node 0 has both lines; node 1 ships the second one 4.00 cheaper, and its parcel costs nothing.
    question = Sourcing(
        units=(1, 1), fixed=(500, 0), full=(0b01, 0b11), line_costs=((0, 0), (400, 0)), split_penalty=400
    )
    plan = cheapest_plan(question)
    assert plan is not None
    assert (plan.nodes, plan.cost, plan.proven) == ((0,), 900, True)
    question.split_penalty = 399
    cheaper = cheapest_plan(question)
    assert cheaper is not None
    assert (cheaper.nodes, cheaper.cost) == ((0, 1), 899)


def test_a_line_that_no_node_has_whole_is_divided_only_when_that_is_allowed() -> None:
    have = ((2, 3, 1),)
    assert cheapest_plan(Sourcing(units=(5,), fixed=(1, 1, 1), have=have)) is None
    plan = cheapest_plan(Sourcing(units=(5,), fixed=(1, 1, 1), have=have, divide="needed"))
    assert plan is not None
    assert plan.takes == ((0, 0, 2), (1, 0, 3))
    assert plan.proven


def test_units_may_be_left_out_at_their_price() -> None:
    question = Sourcing(units=(3, 1), fixed=(500,), have=((2,), (1,)), divide="free", unfilled=(100, 600))
    plan = cheapest_plan(question)
    assert plan is not None
    assert (plan.takes, plan.unfilled, plan.cost) == (((0, 0, 2), (0, 1, 1)), ((0, 1),), 600)


def test_a_parcel_beyond_a_weight_step_is_divided_when_two_light_ones_cost_less() -> None:
    def tariff(_node: int, grams: int) -> int:
        return 400 if grams <= 1_000 else 1_500

    question = Sourcing(units=(1, 1), fixed=(0, 0), full=(0b11, 0b11), grams=(900, 900), tariff=tariff)
    plan = cheapest_plan(question)
    assert plan is not None
    assert (plan.nodes, plan.cost, plan.proven) == ((0, 1), 800, True)


def test_lines_that_ship_together_are_never_parted() -> None:
    question = Sourcing(units=(1, 1, 1), fixed=(0, 0), full=(0b01, 0b11, 0b11), line_costs=((0, 0), (9, 0), (9, 0)))
    apart = cheapest_plan(question)
    assert apart is not None
    assert apart.takes == ((0, 0, 1), (1, 1, 1), (1, 2, 1))
    question.groups = ((0, 1),)
    together = cheapest_plan(question)
    assert together is not None
    assert together.takes == ((0, 0, 1), (0, 1, 1), (1, 2, 1))


def test_a_node_never_ships_more_units_than_its_cap() -> None:
    question = Sourcing(units=(2, 2), fixed=(0, 50), full=(0b11, 0b11), caps=(3, None))
    plan = cheapest_plan(question)
    assert plan is not None
    assert (plan.nodes, plan.cost) == ((1,), 50)


def test_ties_go_to_fewer_stops_and_then_to_the_nodes_given_first() -> None:
    plan = cheapest_plan(Sourcing(units=(1, 1), fixed=(0, 0, 0), full=(0b110, 0b111)))
    assert plan is not None
    assert plan.nodes == (1,)


def test_the_runner_up_does_without_a_chosen_node() -> None:
    question = Sourcing(units=(1, 1), fixed=(500, 300, 330), full=(0b111, 0b001))
    plan = cheapest_plan(question)
    assert plan is not None
    assert plan.nodes == (0,)
    assert runner_up(question, plan) is None  # nobody else has the second line
    question.full = (0b111, 0b101)
    first = cheapest_plan(question)
    assert first is not None
    assert first.nodes == (2,)
    second = runner_up(question, first)
    assert second is not None
    assert (second.nodes, second.cost) == ((0,), 500)


def _hard(lines: int, nodes: int, seed: int, *, units: int = 1) -> Sourcing:
    rng = Rng(seed)
    have = [[(1 + rng.below(units)) * (rng.below(4) == 0) for _ in range(nodes)] for _ in range(lines)]
    for row in have:
        row[rng.below(nodes)] = units
    return Sourcing(
        units=[units] * lines,
        fixed=[300 + rng.below(400) for _ in range(nodes)],
        have=have,
        unit_costs=[[rng.below(200) for _ in range(nodes)] for _ in range(lines)],
        divide="free" if units > 1 else "never",
    )


@pytest.mark.parametrize(("lines", "nodes", "units"), [(16, 30, 1), (5, 25, 4)])
def test_when_steps_run_out_the_plan_is_whole_and_the_bound_true(lines: int, nodes: int, units: int) -> None:
    question = _hard(lines, nodes, 5, units=units)
    best = cheapest_plan(question)
    assert best is not None
    assert best.proven
    unproven = 0
    for steps_max in (1, 2, 5, 10):
        plan = cheapest_plan(question, steps_max=steps_max)
        assert plan is not None
        check_plan(question, plan)
        assert plan.bound <= best.cost <= plan.cost
        assert plan.steps <= steps_max
        assert plan.gap == plan.cost - plan.bound
        unproven += not plan.proven
    assert unproven


def test_every_method_finds_the_best_plan_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, int] = {}
    for subsets_max in (8, 0):
        monkeypatch.setattr(_search, "SUBSETS_MAX", subsets_max)
        for seed in range(700):
            question = small_case(Rng(10_000 + seed), nodes_max=3)
            truth = brute_force(question)
            plan = cheapest_plan(question)
            assert (plan is None) == (truth is None)
            if plan is not None:
                check_plan(question, plan)
                assert (plan.cost, len(plan.nodes), plan.nodes) == truth
                assert plan.proven
                seen[plan.method] = seen.get(plan.method, 0) + 1
    assert set(seen) == {"single", "subsets", "sites", "units", "walk"}
    assert min(seen.values()) > 20


def test_no_bound_at_the_root_exceeds_the_best_plan_and_many_reach_it() -> None:
    reached = {"sites": 0, "units": 0}
    for seed in range(250):
        rng = Rng(20_000 + seed)
        lines, nodes, penalty = 1 + rng.below(4), 1 + rng.below(6), rng.below(2) * 90
        prices = [rng.below(900) for _ in range(lines)] if rng.below(2) else None
        fixed = [rng.below(400) for _ in range(nodes)]
        rows = [[rng.below(300) for _ in range(nodes)] for _ in range(lines)]
        masks = [1 + rng.below((1 << nodes) - 1) for _ in range(lines)]
        atoms = Atoms(masks, rows, fixed, penalty, None, prices, None, None, None, [1] * lines)
        found = by_subsets(atoms)
        assert found is not None
        sites = _Sites(atoms, 1)
        bound = sites._ascend((1 << nodes) - 1, 0)[0] // sites.scale - penalty
        assert bound <= found[1]
        reached["sites"] += bound == found[1]
        question = evolve(
            small_case(rng, lines_max=3, nodes_max=3), tariff=None, caps=None, groups=(), stops_max=None, divide="free"
        )
        truth = brute_force(question)
        loose = [n > 1 for n in question.units]
        bundles = [(line,) for line in range(len(loose))]
        shares = Shares.of_sourcing(question, bundles, _search._full(question), loose, _search._rows(question))
        units = _Units(shares, 1)
        least = units._bound(units.free, 0)[0]
        if truth is not None and truth[1] and least >= 0:
            least = least // units.scale - question.split_penalty
            assert least <= truth[0]
            reached["units"] += least == truth[0]
    assert min(reached.values()) > 40


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (Sourcing(units=(), fixed=(1,), full=()), "without lines"),
        (Sourcing(units=(1,), fixed=(1,)), "give `have` or `full`"),
        (Sourcing(units=(1,), fixed=(1,), full=(1,), divide="needed"), "give `have`"),
        (Sourcing(units=(1,), fixed=(1,), full=(2,)), "beyond the 1"),
        (Sourcing(units=(1,), fixed=(-1,), full=(1,)), "0 or more"),
        (Sourcing(units=(1,), fixed=(1,), have=((1, 1),)), "1 rows"),
        (Sourcing(units=(1,), fixed=(1,), full=(1,), unit_costs=((-4,),)), "below 0"),
        (Sourcing(units=(1,), fixed=(1,), full=(1,), tariff=lambda _node, grams: grams), "needs `grams`"),
        (Sourcing(units=(1,), fixed=(1,), full=(1,), stops_max=0), "1 stop or more"),
        (Sourcing(units=(1,), fixed=(1,), full=(1,), groups=((0, 1),)), "beyond the 1"),
        (Sourcing(units=(1,), fixed=(1,), full=(1,), caps=(1, 1)), "caps needs 1"),
        (Sourcing(units=(1,), fixed=(1,), full=(1,), unfilled=(1, 1)), "unfilled needs 1"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(question: Sourcing, says: str) -> None:
    with pytest.raises(InvalidValue, match=says):
        cheapest_plan(question)
