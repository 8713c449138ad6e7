"""Labor, reports, what orders cost, and batches against the clock."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from tests.batching.published import floor_of, instances, orders_of

from omscore.batching import (
    Bin,
    Floor,
    Limits,
    MatrixFloor,
    Pace,
    PickLine,
    PickOrder,
    Shift,
    batch_seconds,
    order_costs,
    plan,
    plan_due,
    release,
    report,
)
from omscore.errors import DefinitionError, InvalidValue
from omscore.kernel import Money

FLOOR = Floor.parallel(aisles=4, cells=10)
START = datetime(2026, 3, 2, 6, tzinfo=UTC)


def order(name: str, *bins: str, due_min: int | None = None, priority: int = 0) -> PickOrder:
    due = None if due_min is None else START + timedelta(minutes=due_min)
    return PickOrder(
        name, [PickLine(name, str(n), "mug", 1, b) for n, b in enumerate(bins)], due=due, priority=priority
    )


def test_labor_is_setup_walk_search_and_grips() -> None:
    (batch,) = plan([order("a", "0-3", "1-3")], FLOOR, Limits()).batches
    pace = Pace(walk_mm_per_s=1000, setup_s=60, search_s=5, pick_s=2)
    assert batch_seconds(batch, FLOOR, pace) == 60 + batch.tour.length_mm // 1000 + 2 * 5 + 2 * 2


def test_high_levels_take_longer_where_the_floor_knows_them() -> None:
    floor = Floor(1, 4, [Bin("A", 0, 1, level=2), Bin("B", 0, 3)])
    (batch,) = plan([order("a", "A", "B")], floor, Limits()).batches
    flat, high = (batch_seconds(batch, floor, Pace(level_s=seconds)) for seconds in (0, 15))
    assert high - flat == 30


def test_a_pace_that_cannot_be_is_refused() -> None:
    with pytest.raises(DefinitionError, match="walk_mm_per_s must be a whole number of at least 1, not 0"):
        Pace(walk_mm_per_s=0)
    with pytest.raises(DefinitionError, match="setup_s must be a whole number of at least 0, not -1"):
        Pace(setup_s=-1)


def test_shares_of_orders_add_up_to_their_batch() -> None:
    orders = [order("a", "0-3"), order("b", "3-9", "2-2"), order("c", "1-1"), order("d", "3-3")]
    made = plan(orders, FLOOR, Limits(orders_max=3))
    wage = Money.of("31.00", "EUR")
    costs = order_costs(made, FLOOR, wage_per_hour=wage)
    assert sorted(cost.order for cost in costs) == list("abcd")
    for batch in made.batches:
        mine = [cost for cost in costs if cost.batch == batch.id]
        assert sum(cost.distance_mm for cost in mine) == batch.tour.length_mm
        seconds = batch_seconds(batch, FLOOR, Pace())
        assert sum(cost.labor_s for cost in mine) == seconds
        assert sum(cost.cost.minor for cost in mine if cost.cost) == round(3100 * seconds / 3600)


def test_an_order_split_among_zones_costs_its_part_of_each_batch() -> None:
    floor = Floor(2, 2, [Bin("A", 0, 0, zone="cold"), Bin("B", 1, 1, zone="dry")])
    made = release([order("a", "A", "B"), order("b", "A")], floor, Limits(), zones=["cold", "dry"])
    costs = order_costs(made, floor)
    assert [(cost.order, cost.batch) for cost in costs] == [("a", "batch-1"), ("b", "batch-1"), ("a", "batch-2")]
    assert costs[2].distance_mm == made.batches[1].tour.length_mm


def test_a_report_compares_the_same_orders_picked_in_simpler_ways() -> None:
    orders = [order(f"o{n}", f"{n % 4}-{n % 10}") for n in range(12)] + [order("lost", "X")]
    told = report(plan(orders, FLOOR, Limits(orders_max=4)), orders, FLOOR, Limits(orders_max=4))
    assert [row.way for row in told.rows] == ["as planned", "first come", "one at a time"]
    assert {row.lines for row in told.rows} == {12}
    assert told.rows[2].batches == 12
    assert 0 < told.saved("first come")[0] < told.saved("one at a time")[0] < 1
    assert str(told).count("\n") == 4
    assert told.to_records()[0]["distance_saved"] == 0.0


def test_a_matrix_floor_is_reported_by_its_own_rule() -> None:
    floor = MatrixFloor(("dock", "A", "B"), ((0, 5, 9), (5, 0, 9), (9, 9, 0)), depot="dock")
    orders = [order("a", "A"), order("b", "B")]
    assert report(plan(orders, floor, Limits()), orders, floor, Limits()).rows[2].distance_mm == 28


def test_planning_saves_over_a_fifth_against_first_come_on_published_orders() -> None:
    ours = first = alone = 0
    for instance in list(instances("henn_waescher_sshape"))[::60]:
        floor, limits = floor_of(instance), Limits(units_max=int(instance["capacity"]))
        orders = orders_of(instance)
        rows = report(plan(orders, floor, limits, method="search", steps_max=20_000), orders, floor, limits).rows
        ours, first, alone = ours + rows[0].distance_mm, first + rows[1].distance_mm, alone + rows[2].distance_mm
    assert ours <= 0.78 * first
    assert ours <= 0.35 * alone


def test_urgent_orders_are_started_first_and_made_in_time() -> None:
    orders = [order("a", "0-1"), order("b", "3-9", due_min=6), order("c", "0-2", due_min=6), order("d", "3-8")]
    made = plan_due(orders, FLOOR, Limits(orders_max=2), Shift(START))
    assert [b.orders for b in made.plan.batches] == [("b", "c"), ("a", "d")]
    assert (made.late_s, made.tardiness_s) == ({}, 0)
    assert made.tasks[0].start == START
    assert made.tasks[0].finish == made.tasks[1].start


def test_with_nothing_due_the_plan_only_walks_little() -> None:
    orders = [order("a", "0-1"), order("b", "3-9"), order("c", "0-2"), order("d", "3-8")]
    made = plan_due(orders, FLOOR, Limits(orders_max=2), Shift(START))
    assert made.plan.distance_mm == plan(orders, FLOOR, Limits(orders_max=2)).distance_mm


def test_lateness_counts_more_for_orders_of_higher_priority() -> None:
    orders = [order("calm", "0-9", due_min=4), order("urgent", "3-9", due_min=4, priority=9)]
    made = plan_due(orders, FLOOR, Limits(orders_max=1), Shift(START, pace=Pace(setup_s=150)))
    assert [b.orders for b in made.plan.batches] == [("urgent",), ("calm",)]
    assert list(made.late_s) == ["calm"]
    assert made.tardiness_s == made.late_s["calm"]


def test_more_pickers_are_late_less_and_each_does_one_batch_at_a_time() -> None:
    orders = [order(f"o{n}", f"{n % 4}-{n % 10}", due_min=8 + n % 5) for n in range(16)]
    one, three = (
        plan_due(orders, FLOOR, Limits(orders_max=4), Shift(START, pickers), steps_max=2000) for pickers in (1, 3)
    )
    assert three.tardiness_s < one.tardiness_s
    for picker in (1, 2, 3):
        mine = sorted((t for t in three.tasks if t.picker == picker), key=lambda t: t.start)
        assert all(before.finish <= after.start for before, after in pairwise(mine))


def test_more_steps_are_never_later_and_the_same_seed_gives_the_same_plan() -> None:
    orders = [order(f"o{n}", f"{n * n % 4}-{n * 3 % 10}", due_min=10 + n * 7 % 20) for n in range(20)]
    limits, shift = Limits(orders_max=4), Shift(START)
    found = [plan_due(orders, FLOOR, limits, shift, steps_max=steps) for steps in (1, 300, 3000)]
    costs = [(made.tardiness_s, made.plan.distance_mm) for made in found]
    assert costs == sorted(costs, reverse=True)
    assert found[2] == plan_due(orders, FLOOR, limits, shift, steps_max=3000)


def test_what_cannot_be_planned_against_the_clock_is_refused_by_name() -> None:
    made = plan_due([order("lost", "X")], FLOOR, Limits(), Shift(START))
    assert [r.order for r in made.plan.refused] == ["lost"]
    with pytest.raises(InvalidValue, match="is naive"):
        Shift(datetime(2026, 3, 2, 6))  # noqa: DTZ001 - the mistake under test
    with pytest.raises(InvalidValue, match="pickers must be a whole number of at least 1, not 0"):
        Shift(START, pickers=0)


def test_a_report_shows_itself_as_a_table_in_a_notebook() -> None:
    told = report(plan([order("a", "0-3")], FLOOR, Limits()), [order("a", "0-3")], FLOOR, Limits())
    html = told._repr_html_()
    assert "<table" in html
    assert all(row.way in html for row in told.rows)
