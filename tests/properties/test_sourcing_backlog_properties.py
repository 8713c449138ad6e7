"""Whatever the orders and the stock: a joint plan holds and lies between its bound and first come, first served."""

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.routing.test_backlog import best_of_all, cost_of, small_backlog

from omscore.routing.sourcing import JointPlanner, one_by_one, settle


@given(st.integers(0, 2**40), st.integers(0, 40), st.integers(0, 60))
def test_any_budget_gives_a_whole_plan_and_a_true_bound(seed: int, price_rounds: int, repairs: int) -> None:
    backlog = small_backlog(seed)
    plan = JointPlanner(seed=seed, price_rounds=price_rounds, repairs=repairs).plan(backlog)
    assert cost_of(backlog, plan.where) == plan.cost
    assert plan.bound <= best_of_all(backlog) <= plan.cost <= one_by_one(backlog).cost == plan.first_come


@given(st.integers(0, 2**40))
def test_more_stock_never_raises_the_bound_of_a_proven_plan(seed: int) -> None:
    backlog = small_backlog(seed)
    more = evolve(backlog, stock=[[n + 1 for n in row] for row in backlog.stock])
    assert best_of_all(more) <= best_of_all(backlog)
    assert JointPlanner(price_rounds=20, repairs=20).plan(more).bound <= best_of_all(backlog)


@given(st.integers(0, 2**40))
def test_settling_a_plan_again_gives_the_same_plan(seed: int) -> None:
    backlog = small_backlog(seed)
    plan = JointPlanner(price_rounds=20, repairs=20).plan(backlog)
    assert settle(backlog, plan.where, bound=plan.bound, steps=plan.steps) == plan
