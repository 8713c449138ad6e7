"""Plans put together by price: as short as the proven ones, never longer than the plan they start from."""

import pytest

from omscore.batching import Floor, Limits, PickLine, PickOrder
from omscore.batching._assemble import assemble
from omscore.batching._construct import savings
from omscore.batching._master import Master, column, dive, members_of
from omscore.batching._partition import all_columns, small_optimum
from omscore.batching._problem import Batches, Problem, problem
from omscore.kernel import Rng

FLOOR = Floor.parallel(aisles=6, cells=12)


def pairs_of(n: int, seed: int) -> Problem:
    """Orders of two lines, up to two of them or six units in a batch."""
    rng = Rng(seed)
    orders = [
        PickOrder(f"o{i}", [PickLine(f"o{i}", str(k), "item", 1, f"{rng.below(6)}-{rng.below(12)}") for k in range(2)])
        for i in range(n)
    ]
    return problem(orders, [FLOOR.cover(o.bins) for o in orders], Limits(orders_max=2), FLOOR.measure())


def alone(bare: Problem) -> Batches:
    return [[o] for o in range(len(bare.masks))]


def keys(batches: Batches) -> list[int]:
    return [sum(1 << o for o in batch) for batch in batches]


@pytest.mark.parametrize("seed", range(4))
def test_a_plan_put_together_by_price_is_as_short_as_the_proven_one(seed: int) -> None:
    bare = pairs_of(24, seed)
    proven = small_optimum(bare, savings(bare), lambda: False)
    assert proven is not None
    best, bound = proven
    assert bare.total(best) == bound
    # Only orders alone are known at the start: every pair has to be built by its price.
    lengths = {1 << o: bare.length(mask) for o, mask in enumerate(bare.masks)}
    near = [[other for other in range(24) if other != o] for o in range(24)]
    found = assemble(bare, lengths, keys(alone(bare)), near, 1, lambda: False)
    assert sorted(o for key in found for o in members_of(key)) == list(range(24))
    assert sum(lengths[key] for key in found) == bound


def test_prices_of_all_batches_add_up_to_no_more_than_the_shortest_plan() -> None:
    bare = pairs_of(16, 9)
    columns = all_columns(bare, 1000)
    proven = small_optimum(bare, savings(bare), lambda: False)
    assert columns is not None
    assert proven is not None
    costs = {each.key: each.cost for each in columns}
    master = Master(16, keys(alone(bare)), costs.__getitem__, bare.fewest())
    assert master.value == pytest.approx(bare.total(alone(bare)))
    master.solve(columns, 1000, lambda: False)
    assert all(each.cost - sum(each.entries(master.prices)) >= -0.5 - 1e-6 for each in columns)
    assert 0.9 * proven[1] < master.value <= proven[1] + 16 * 0.5
    rounded = dive(master, columns, 1000, lambda: False)
    assert rounded is not None
    assert sorted(o for key in rounded for o in members_of(key)) == list(range(16))


def test_what_is_told_to_stop_gives_back_its_plan() -> None:
    bare = pairs_of(10, 3)
    lengths = {1 << o: bare.length(mask) for o, mask in enumerate(bare.masks)}
    start = keys(alone(bare))
    assert assemble(bare, lengths, start, [[]] * 10, 1, lambda: True) == start


def test_a_column_counts_its_orders_and_itself() -> None:
    assert sum(column(0b101, (0, 2), 7, 3).entries([1.0, 10.0, 100.0, 1000.0])) == 1101.0
