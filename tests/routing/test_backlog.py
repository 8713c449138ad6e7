"""The backlog: many orders over scarce stock, decided together, never worse than one by one, and with a true bound."""

from itertools import product

import pytest
from attrs import evolve

from omscore.errors import InvalidValue
from omscore.kernel.rng import Rng
from omscore.routing._backlog import JointPlanner, Planner, one_by_one, pressing, settle
from omscore.routing._backlog_assigned import Choices
from omscore.routing._backlog_orders import FAR, Ready, _by_ascent, best_plan
from omscore.routing._backlog_prices import priced
from omscore.routing._backlog_values import Backlog, BacklogOrder, BacklogPlan, Displaced


def small_backlog(seed: int, *, orders: int = 3, nodes: int = 2, items: int = 2) -> Backlog:
    rng = Rng(seed)
    waiting = []
    for _ in range(orders):
        wanted = [item for item in range(items) if rng.below(2)] or [rng.below(items)]
        waiting.append(
            BacklogOrder(
                items=wanted,
                units=[1 + rng.below(2) for _ in wanted],
                fixed=[300 + rng.below(300) for _ in range(nodes)],
                line_costs=[[rng.below(200) for _ in range(nodes)] for _ in wanted],
                unfilled=[400 + rng.below(900) for _ in wanted],
                split_penalty=rng.below(2) * 100,
                nodes=None if rng.below(3) else 1 + rng.below((1 << nodes) - 1),
            )
        )
    return Backlog(waiting, [[rng.below(3) for _ in range(nodes)] for _ in range(items)])


def cost_of(backlog: Backlog, where: tuple[tuple[int, ...], ...]) -> int | None:
    """What an assignment costs, straight from the words of `BacklogOrder`; None when stock does not allow it."""
    left = [list(row) for row in backlog.stock]
    total = 0
    for order, nodes in zip(backlog.orders, where, strict=True):
        for line, i in enumerate(nodes):
            if i < 0:
                total += order.unfilled[line]
                continue
            left[order.items[line]][i] -= order.units[line]
            if left[order.items[line]][i] < 0 or (order.nodes is not None and not order.nodes >> i & 1):
                return None
            total += order.line_costs[line][i]
        used = {i for i in nodes if i >= 0}
        total += sum(order.fixed[i] for i in used) + order.split_penalty * max(0, len(used) - 1)
    return total


def best_of_all(backlog: Backlog) -> int:
    lines = [len(order.items) for order in backlog.orders]
    best = None
    for flat in product(range(-1, backlog.nodes), repeat=sum(lines)):
        at = iter(flat)
        cost = cost_of(backlog, tuple(tuple(next(at) for _ in range(n)) for n in lines))
        if cost is not None and (best is None or cost < best):
            best = cost
    assert best is not None
    return best


def test_the_last_unit_goes_where_it_saves_most_and_the_displaced_order_is_named() -> None:
    first = BacklogOrder(items=(0,), units=(1,), fixed=(500,), line_costs=((0,),), unfilled=(900,))
    dearer = evolve(first, unfilled=(4_000,))
    backlog = Backlog((first, dearer), stock=((1,),))
    assert one_by_one(backlog).where == ((0,), (-1,))
    plan = JointPlanner().plan(backlog)
    assert plan.where == ((-1,), (0,))
    assert (plan.cost, plan.first_come, plan.saved) == (1_400, 4_500, 3_100)
    assert plan.displaced == (Displaced(order=0, line=0, by=(1,)),)


def test_an_order_that_waits_long_enough_outbids_any_newcomer() -> None:
    """The price of leaving it out grows without end, while a newcomer's starts at most at the dearest line's price."""
    newcomer = BacklogOrder(items=(0,), units=(1,), fixed=(500,), line_costs=((0,),), unfilled=(2_500,))
    served_at = None
    for waited in range(0, 480, 24):
        price = pressing(1_000, slack_hours=24 - waited, commitment_hours=24)
        waiting = BacklogOrder(items=(0,), units=(1,), fixed=(500,), line_costs=((0,),), unfilled=(price,))
        plan = JointPlanner(repairs=20).plan(Backlog((newcomer, waiting), stock=((1,),)))
        if plan.where[1] == (0,):
            served_at = waited
            break
    assert served_at == 48


@pytest.mark.parametrize("seed", range(40))
def test_a_plan_is_allowed_costs_what_it_says_and_lies_between_its_bound_and_first_come(seed: int) -> None:
    backlog = small_backlog(seed)
    best = best_of_all(backlog)
    plan = JointPlanner(seed=seed, price_rounds=40, repairs=200).plan(backlog)
    assert cost_of(backlog, plan.where) == plan.cost
    assert plan.bound <= best <= plan.cost <= plan.first_come == one_by_one(backlog).cost
    for gone in plan.displaced:
        assert plan.where[gone.order][gone.line] < 0


def test_no_bound_of_the_prices_exceeds_the_best_plan_and_many_reach_it() -> None:
    reached = 0
    for seed in range(120):
        backlog = small_backlog(seed)
        best = best_of_all(backlog)
        bound = priced(
            Ready(backlog.orders, backlog.stock), one_by_one(backlog).cost, 1 + seed % 40, lambda: False
        ).bound
        assert bound <= best
        reached += bound == best
    assert reached > 40


def test_small_backlogs_are_nearly_always_decided_best() -> None:
    hits = 0
    for seed in range(100, 140):
        backlog = small_backlog(seed)
        hits += JointPlanner(price_rounds=40, repairs=200).plan(backlog).cost == best_of_all(backlog)
    assert hits >= 38


def test_the_same_seed_and_steps_give_the_same_plan() -> None:
    backlog = small_backlog(7, orders=30, nodes=4, items=8)
    assert JointPlanner(seed=3, repairs=300).plan(backlog) == JointPlanner(seed=3, repairs=300).plan(backlog)


def test_a_limit_in_seconds_is_told_by_the_hosts_clock_and_keeps_a_whole_plan() -> None:
    backlog = small_backlog(7, orders=30, nodes=4, items=8)
    ticks = iter(range(10_000))
    plan = JointPlanner(seconds_max=3.0, elapsed=lambda: float(next(ticks))).plan(backlog)
    assert plan.steps < 10
    assert plan.bound <= plan.cost <= plan.first_come
    with pytest.raises(InvalidValue, match="both"):
        JointPlanner(seconds_max=3.0)


def test_a_hosts_planner_answers_through_settle_which_refuses_a_unit_promised_twice() -> None:
    class Careless:
        def plan(self, backlog: Backlog) -> BacklogPlan:
            return settle(backlog, [(0,) * len(order.items) for order in backlog.orders])

    planner: Planner = Careless()
    order = BacklogOrder(items=(0,), units=(1,), fixed=(500,), line_costs=((0,),), unfilled=(900,))
    assert planner.plan(Backlog((order,), stock=((1,),))).cost == 500
    with pytest.raises(InvalidValue, match="more of item 0 from node 0"):
        planner.plan(Backlog((order, order), stock=((1,),)))
    with pytest.raises(InvalidValue, match="may not serve"):
        planner.plan(Backlog((evolve(order, nodes=0),), stock=((1,),)))


def test_a_plan_worse_than_first_come_is_replaced_by_it() -> None:
    order = BacklogOrder(items=(0,), units=(1,), fixed=(500,), line_costs=((0,),), unfilled=(900,))
    plan = settle(Backlog((order,), stock=((1,),)), ((-1,),))
    assert plan.where == ((0,),)


def test_an_order_chooses_from_what_is_left_as_if_it_were_asked_anew_however_often_it_was_asked_before() -> None:
    for seed in range(40):
        backlog = small_backlog(seed, orders=4, nodes=4, items=5)
        ready, rng = Ready(backlog.orders, backlog.stock), Rng(seed)
        remembered = Choices(ready)
        for _ in range(40):
            free = [mask & rng.below(1 << backlog.nodes) for mask in ready.free]
            for o, order in enumerate(backlog.orders):
                where, cost, takes = remembered.of(o, free)
                masks = [free[dict(ready.sizes[item])[n]] for item, n in zip(order.items, order.units, strict=True)]
                rows = [
                    [c if mask >> i & 1 else FAR for i, c in enumerate(row)]
                    for row, mask in zip(ready.rows[o], masks, strict=True)
                ]
                assert (
                    cost
                    == ready.value(o, where)
                    == best_plan(ready.fixed[o], rows, ready.outs[o], ready.penalties[o])[0]
                )
                assert all(i < 0 or mask >> i & 1 for i, mask in zip(where, masks, strict=True))
                assert [i for _, _, i, _ in takes] == [i for i in where if i >= 0]


def test_orders_of_many_lines_are_decided_with_the_others() -> None:
    """No work grows with the sets of an order's lines: thirty lines have a thousand million of them."""
    rng = Rng(5)
    lines = range(30)
    order = BacklogOrder(
        items=lines,
        units=[1] * 30,
        fixed=(500, 600, 700),
        line_costs=[[rng.below(200) for _ in range(3)] for _ in lines],
        unfilled=[1_000] * 30,
    )
    backlog = Backlog((order, order), stock=[[1, rng.below(2), rng.below(2)] for _ in lines])
    plan = JointPlanner(repairs=20).plan(backlog)
    assert cost_of(backlog, plan.where) == plan.cost
    assert plan.bound <= plan.cost <= plan.first_come


@pytest.mark.parametrize("dear", [10**12, 10**14, 10**18])
def test_however_dear_it_is_to_leave_an_order_out_no_node_serves_that_may_not(dear: int) -> None:
    for lines in (1, 2, 3, 8):
        order = BacklogOrder(
            items=range(lines),
            units=[1] * lines,
            fixed=(500, 600),
            line_costs=[(0, 0)] * lines,
            unfilled=[dear] * lines,
            nodes=0b01,
        )
        plan = JointPlanner(repairs=20).plan(Backlog((order, order), stock=[(n % 2 * 2, 2) for n in range(lines)]))
        assert plan.where[0] == tuple([0 if n % 2 else -1 for n in range(lines)])
        assert plan.bound <= plan.cost == plan.first_come


def crowd(seed: int) -> Backlog:
    """A hundred orders, a third of them of several lines, for the same twenty items at six nodes."""
    rng = Rng(seed)
    waiting = []
    for _ in range(100):
        items = sorted({rng.below(20) for _ in range(1 + rng.below(2) * rng.below(4))})
        zones = [rng.below(6) for _ in range(6)]
        waiting.append(
            BacklogOrder(
                items=items,
                units=[1] * len(items),
                fixed=[450 + 110 * zone for zone in zones],
                line_costs=[[80 + 15 * zone for zone in zones] for _ in items],
                unfilled=[1_200 + rng.below(1_200) for _ in items],
                split_penalty=100,
            )
        )
    return Backlog(waiting, [[rng.below(4) for _ in range(6)] for _ in range(20)])


def test_sixty_rounds_of_prices_come_close_to_what_five_times_as_many_reach() -> None:
    backlog = crowd(3)
    ready, first = Ready(backlog.orders, backlog.stock), one_by_one(backlog).cost
    soon, late = (priced(ready, first, rounds, lambda: False).bound for rounds in (60, 300))
    assert soon >= late * 0.995


def test_a_joint_plan_comes_close_to_the_bound_within_its_budget() -> None:
    plan = JointPlanner(repairs=400).plan(crowd(3))
    assert plan.saved > 0.05 * plan.first_come
    assert plan.gap < 0.01


def test_an_empty_backlog_and_empty_shelves_have_plain_answers() -> None:
    nothing = JointPlanner().plan(Backlog((), ()))
    assert (nothing.where, nothing.cost, nothing.proven, nothing.gap) == ((), 0, True, 0.0)
    order = BacklogOrder(items=(0,), units=(1,), fixed=(500,), line_costs=((0,),), unfilled=(900,))
    plan = JointPlanner().plan(Backlog((order,), stock=((0,),)))
    assert (plan.where, plan.cost, plan.proven) == (((-1,),), 900, True)


def test_the_ways_to_price_one_order_agree() -> None:
    for seed in range(300):
        rng = Rng(seed)
        nodes, lines = 1 + rng.below(6), 1 + rng.below(7)
        fixed = [rng.below(500) for _ in range(nodes)]
        rows = [[FAR if rng.below(3) == 0 else rng.below(400) for _ in range(nodes)] for _ in range(lines)]
        outs = [rng.below(1_500) for _ in range(lines)]
        penalty = rng.below(200)
        cost = best_plan(fixed, rows, outs, penalty)[0]
        assert cost == _by_ascent(fixed, rows, outs, penalty)[0]


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (BacklogOrder((), (), (1,), (), ()), "needs an item"),
        (BacklogOrder((0, 0), (1, 1), (1,), ((1,), (1,)), (1, 1)), "names an item twice"),
        (BacklogOrder((0,), (1,), (1, 1), ((1,),), (1,)), "for each of the 1 nodes"),
        (BacklogOrder((0,), (0,), (1,), ((1,),), (1,)), "units below 1"),
        (BacklogOrder((0,), (1,), (1,), ((-1,),), (1,)), "cost below 0"),
        (BacklogOrder((0,), (1,), (1,), ((1,),), (10**18 + 1,)), "costs end at"),
        (BacklogOrder((4,), (1,), (1,), ((1,),), (1,)), "asks for item 4"),
    ],
)
def test_a_backlog_that_makes_no_sense_is_refused(order: BacklogOrder, says: str) -> None:
    with pytest.raises(InvalidValue, match=says):
        one_by_one(Backlog((order,), stock=((1,),)))
