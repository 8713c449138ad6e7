"""Whatever the floor, the orders and the limits: nothing is lost, limits hold, exact tours are shortest."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from omscore.batching import BatchPlan, Floor, Limits, MatrixFloor, PickLine, PickOrder, Shift, Tour, plan, plan_due

FLOORS = st.builds(
    lambda aisles, per_block, blocks, lengths, depot_at_mm, depot_mm: Floor.parallel(
        aisles=aisles,
        cells=per_block * blocks,
        blocks=blocks,
        aisle_mm=lengths[0],
        cell_mm=lengths[1],
        front_mm=lengths[2],
        back_mm=lengths[3],
        depot_at_mm=depot_at_mm,
        depot_mm=depot_mm,
    ),
    st.integers(1, 5),
    st.integers(1, 5),
    st.integers(1, 3),
    st.tuples(*[st.integers(0, 9)] * 4),
    st.integers(0, 40),
    st.integers(0, 5),
)


def picks(floor: Floor, data: st.DataObject, most: int) -> list[str]:
    return data.draw(st.lists(st.sampled_from([b.id for b in floor.bins]), min_size=1, max_size=most, unique=True))


def point(floor: Floor, bin_id: str) -> tuple[int, int]:
    b = floor.bin(bin_id)
    per_block = floor.cells // floor.blocks
    block, cell = divmod(b.cell, per_block)
    return b.aisle * floor.aisle_mm, block * block_mm(floor) + floor.front_mm + cell * floor.cell_mm


def block_mm(floor: Floor) -> int:
    return floor.front_mm + (floor.cells // floor.blocks - 1) * floor.cell_mm + floor.back_mm


def distance(floor: Floor, one: str, other: str) -> int:
    """Between two bins: along their aisle, or over the nearest cross-aisle (aisles may be drawn without a width)."""
    (x, y), (u, v) = point(floor, one), point(floor, other)
    if floor.bin(one).aisle == floor.bin(other).aisle:
        return abs(y - v)
    crossings = range(0, floor.blocks * block_mm(floor) + 1, block_mm(floor) or 1)
    return abs(x - u) + min(abs(y - c) + abs(v - c) for c in crossings)


def from_depot(floor: Floor, bin_id: str) -> int:
    x, y = point(floor, bin_id)
    return floor.depot_mm + abs(x - floor.depot_at_mm) + y


def brute_force(floor: Floor, bins: list[str]) -> int:
    return min(
        from_depot(floor, way[0]) + sum(distance(floor, a, b) for a, b in pairwise(way)) + from_depot(floor, way[-1])
        for way in permutations(bins)
    )


def walked(tour: Tour) -> int:
    return sum(abs(x - u) + abs(y - v) for (x, y), (u, v) in pairwise(tour.walk))


@given(FLOORS, st.data())
def test_exact_tours_are_as_short_as_trying_every_order_of_stops(floor: Floor, data: st.DataObject) -> None:
    bins = picks(floor, data, 6)
    assert floor.tour_length(bins) == brute_force(floor, bins)


@given(FLOORS, st.data())
def test_every_tour_starts_and_ends_at_the_depot_and_stops_everywhere_once(floor: Floor, data: st.DataObject) -> None:
    bins = picks(floor, data, 12)
    shortest = floor.tour_length(bins)
    for rule in floor.rules:
        tour = floor.tour(bins, rule)
        assert tour.walk[0] == tour.walk[-1] == (floor.depot_at_mm, -floor.depot_mm)
        assert sorted(tour.stops) == sorted(bins)
        assert walked(tour) == tour.length_mm == floor.tour_length(bins, rule)
        assert shortest <= tour.length_mm
        on_the_way = {point(floor, b) for b in bins}
        for (x, y), (u, v) in pairwise([*tour.walk, tour.walk[-1]]):
            low, high = (min(x, u), min(y, v)), (max(x, u), max(y, v))
            on_the_way -= {(px, py) for px, py in on_the_way if low[0] <= px <= high[0] and low[1] <= py <= high[1]}
        assert not on_the_way


@given(FLOORS, st.data())
def test_one_more_stop_never_shortens_a_tour_under_any_rule(floor: Floor, data: st.DataObject) -> None:
    bins = picks(floor, data, 12)
    for rule in floor.rules:
        assert floor.tour_length(bins[1:], rule) <= floor.tour_length(bins, rule)


@given(st.data(), st.booleans())
def test_local_tours_on_a_matrix_are_never_shorter_than_exact_nor_longer_than_nearest(
    data: st.DataObject, both_ways: bool
) -> None:
    n = data.draw(st.integers(1, 7))
    table = [[data.draw(st.integers(0, 20)) for _ in range(n)] for _ in range(n)]
    if both_ways:
        table = [[table[min(i, j)][max(i, j)] for j in range(n)] for i in range(n)]
    floor = MatrixFloor([f"p{i}" for i in range(n)], table, depot="p0")
    bins = [f"p{i}" for i in range(1, n)]
    exact = (
        min(sum(table[a][b] for a, b in pairwise((0, *way, 0))) for way in permutations(range(1, n))) if n > 1 else 0
    )
    assert floor.tour_length(bins, "exact") == exact
    assert exact <= floor.tour_length(bins, "local") <= floor.tour_length(bins, "nearest")


SMALL = Floor.parallel(aisles=4, cells=6)
START = datetime(2026, 3, 2, 6, tzinfo=UTC)

ORDERS = st.lists(
    st.tuples(
        st.lists(st.sampled_from([b.id for b in SMALL.bins]), min_size=1, max_size=4),
        st.integers(1, 3),
        st.sampled_from("xy"),
    ),
    max_size=14,
).map(
    lambda rows: [
        PickOrder(
            f"o{n:02}",
            [PickLine(f"o{n:02}", str(i), f"item-{b}", units, b, 10 * units, 5 * units) for i, b in enumerate(bins)],
            lane=lane,
        )
        for n, (bins, units, lane) in enumerate(rows)
    ]
)

LIMITS = st.builds(
    Limits,
    orders_max=st.none() | st.integers(1, 4),
    lines_max=st.none() | st.integers(3, 9),
    units_max=st.none() | st.integers(3, 15),
    weight_max=st.none() | st.integers(30, 150),
    volume_max=st.none() | st.integers(20, 90),
    totes_max=st.none() | st.integers(1, 4),
    tote_volume=st.none() | st.integers(10, 60),
    same=st.sampled_from([(), ("lane",)]),
)


def check(made: BatchPlan, orders: list[PickOrder], limits: Limits) -> None:
    by_id = {order.id: order for order in orders}
    held = [name for batch in made.batches for name in batch.orders]
    assert sorted([*held, *(r.order for r in made.refused)]) == sorted(by_id)
    lines = [line for batch in made.batches for line in batch.lines]
    assert sorted((line.order, line.line) for line in lines) == sorted(
        (line.order, line.line) for name in held for line in by_id[name].lines
    )
    for batch in made.batches:
        members = [by_id[name] for name in batch.orders]
        for what, _, limit in limits.bounds():
            assert sum(limits.load(order)[what] for order in members) <= limit
        assert "lane" not in limits.same or len({order.lane for order in members}) == 1
        assert set(batch.tour.stops) == {line.bin for line in batch.lines}
    assert made.distance_mm == sum(batch.tour.length_mm for batch in made.batches)
    if made.lower_bound_mm is not None:
        assert made.lower_bound_mm <= made.distance_mm
    for refused in made.refused:
        assert limits.refusals(by_id[refused.order])


@given(ORDERS, LIMITS, st.sampled_from(["first_come", "seed", "savings"]), st.sampled_from(SMALL.rules))
def test_every_line_is_in_exactly_one_batch_and_all_limits_hold(
    orders: list[PickOrder], limits: Limits, method: str, rule: str
) -> None:
    check(plan(orders, SMALL, limits, method=method, rule=rule), orders, limits)


@settings(max_examples=15)
@given(ORDERS, LIMITS, st.integers(0, 9))
def test_a_search_keeps_all_that_and_never_walks_further_than_savings(
    orders: list[PickOrder], limits: Limits, seed: int
) -> None:
    made = plan(orders, SMALL, limits, method="search", steps_max=300, seed=seed)
    check(made, orders, limits)
    assert made.distance_mm <= plan(orders, SMALL, limits).distance_mm
    assert made == plan(orders, SMALL, limits, method="search", steps_max=300, seed=seed)


@settings(max_examples=10)
@given(st.integers(0, 99), st.lists(st.integers(1, 30_000), min_size=2, max_size=3))
def test_more_steps_never_give_a_longer_plan(seed: int, budgets: list[int]) -> None:
    orders = [
        PickOrder(
            f"o{n:02}",
            [
                PickLine(f"o{n:02}", str(i), "item", 1, f"{(n * n + i * seed) % 4}-{(3 * n + 5 * i) % 6}")
                for i in range(3)
            ],
        )
        for n in range(22)
    ]
    limits = Limits(orders_max=5)
    found = [
        plan(orders, SMALL, limits, method="search", steps_max=steps, seed=seed).distance_mm
        for steps in sorted(budgets)
    ]
    assert found == sorted(found, reverse=True)


CLOCKED = st.lists(
    st.tuples(st.sampled_from([b.id for b in SMALL.bins]), st.none() | st.integers(1, 40), st.integers(0, 2)),
    max_size=9,
).map(
    lambda rows: [
        PickOrder(
            f"o{n}",
            [PickLine(f"o{n}", "1", "item", 1, bin_id)],
            due=None if minutes is None else START + timedelta(minutes=minutes),
            priority=priority,
        )
        for n, (bin_id, minutes, priority) in enumerate(rows)
    ]
)


@settings(max_examples=25)
@given(CLOCKED, st.integers(1, 3), st.integers(1, 4))
def test_plans_against_the_clock_lose_nothing_and_tell_lateness_as_it_is(
    orders: list[PickOrder], pickers: int, orders_max: int
) -> None:
    made = plan_due(orders, SMALL, Limits(orders_max=orders_max), Shift(START, pickers), steps_max=60)
    check(made.plan, orders, Limits(orders_max=orders_max))
    finish = {
        name: task.finish for batch, task in zip(made.plan.batches, made.tasks, strict=True) for name in batch.orders
    }
    late = {o.id: int((finish[o.id] - o.due).total_seconds()) for o in orders if o.due and finish[o.id] > o.due}
    assert made.late_s == late
    assert made.tardiness_s == sum(late[o.id] * (1 + o.priority) for o in orders if o.id in late)
