"""Whatever the stock, costs and rules: the plan found is the best of all plans, however nodes are numbered."""

from collections.abc import Callable

from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.routing.sourcing_cases import brute_force, check_plan, small_case

from omscore.kernel.rng import Rng
from omscore.routing.sourcing import Sourcing, cheapest_plan, runner_up

SEEDS = st.integers(0, 2**40)


@given(SEEDS)
def test_the_plan_is_the_best_of_all_plans(seed: int) -> None:
    question = small_case(Rng(seed), nodes_max=3)
    truth = brute_force(question)
    plan = cheapest_plan(question)
    assert (plan is None) == (truth is None)
    if plan is not None:
        check_plan(question, plan)
        assert (plan.cost, len(plan.nodes), plan.nodes) == truth
        assert plan.proven


@given(SEEDS, st.integers(1, 6))
def test_a_cut_search_keeps_a_plan_that_holds_and_a_bound_that_is_true(seed: int, steps_max: int) -> None:
    question = small_case(Rng(seed), nodes_max=3)
    truth = brute_force(question)
    plan = cheapest_plan(question, steps_max=steps_max)
    assert (plan is None) == (truth is None)
    if plan is not None and truth is not None:
        check_plan(question, plan)
        assert plan.bound <= truth[0] <= plan.cost


def _renumbered(s: Sourcing, order: list[int]) -> Sourcing:
    """The same question, new node k being old node order[k]."""
    tariff: Callable[[int, int], int | None] | None = None
    if s.tariff is not None:
        old = s.tariff

        def tariff(node: int, grams: int) -> int | None:
            return old(order[node], grams)

    def rows(given: object) -> list[list[int]] | None:
        return None if given is None else [[row[i] for i in order] for row in given]  # type: ignore[attr-defined]

    return evolve(
        s,
        fixed=[s.fixed[i] for i in order],
        have=rows(s.have),
        line_costs=rows(s.line_costs),
        unit_costs=rows(s.unit_costs),
        tariff=tariff,
        caps=None if s.caps is None else [s.caps[i] for i in order],
    )


@given(SEEDS)
def test_numbering_the_nodes_otherwise_changes_no_cost(seed: int) -> None:
    rng = Rng(seed)
    question = small_case(rng)
    order = list(range(question.nodes))
    rng.shuffle(order)
    plan, other = cheapest_plan(question), cheapest_plan(_renumbered(question, order))
    assert (plan is None) == (other is None)
    if plan is not None and other is not None:
        assert (plan.cost, len(plan.nodes)) == (other.cost, len(other.nodes))


@given(SEEDS)
def test_the_runner_up_is_the_best_plan_that_misses_a_chosen_node(seed: int) -> None:
    question = small_case(Rng(seed), nodes_max=3)
    plan = cheapest_plan(question)
    assume(plan is not None and plan.nodes)
    assert plan is not None
    second = runner_up(question, plan)
    costs = []
    for node in plan.nodes:
        have = [[0 if i == node else n for i, n in enumerate(row)] for row in question.have or ()]
        truth = brute_force(evolve(question, have=have))
        if truth is not None:
            costs.append(truth[0])
    assert (None if second is None else second.cost) == (min(costs) if costs else None)
