"""Tours: equal to the published optima, each rule walked as its textbook says, every walk as long as it claims."""

from itertools import pairwise

import pytest
from tests.batching.published import instances, tour_of

from omscore.batching import Floor, Limits, MatrixFloor, PickLine, PickOrder, Tour, plan
from omscore.batching._table_blocks import TableBlocks
from omscore.errors import DefinitionError
from omscore.kernel import Rng

FLOOR = Floor.parallel(aisles=5, cells=8, aisle_mm=3000, cell_mm=1000, front_mm=1000, back_mm=1000)
"""Aisles 9 m long, 3 m apart, the depot at the front of the leftmost."""


def walked(tour: Tour) -> int:
    return sum(abs(x - u) + abs(y - v) for (x, y), (u, v) in pairwise(tour.walk))


@pytest.mark.parametrize(("blocks", "key"), [(1, "opt_single_block"), (2, "opt_two_block")])
def test_exact_lengths_equal_every_published_optimum(blocks: int, key: str) -> None:
    wrong = []
    for instance in instances("sprp"):
        floor, bins = tour_of(instance, blocks)
        if floor.tour_length(bins) != 1000 * instance[key]:
            wrong.append(instance["name"])
    assert wrong == []


@pytest.mark.parametrize("blocks", [1, 2])
def test_exact_tours_walk_as_far_as_they_say_and_stop_everywhere_once(blocks: int) -> None:
    for instance in list(instances("sprp"))[::40]:
        floor, bins = tour_of(instance, blocks)
        tour = floor.tour(bins)
        assert walked(tour) == tour.length_mm == floor.tour_length(bins)
        assert sorted(tour.stops) == sorted(set(bins))
        assert tour.walk[0] == tour.walk[-1] == (floor.depot_at_mm, 0)


def test_s_shape_walks_every_aisle_through() -> None:
    tour = FLOOR.tour(["0-2", "2-0", "3-7", "4-4"], "s_shape")
    assert tour.stops == ("0-2", "2-0", "3-7", "4-4")
    assert tour.length_mm == 4 * 9000 + 2 * 12_000


@pytest.mark.parametrize("cells", [1, 7, 8, 9, 64, 65])
def test_s_shape_is_told_from_the_aisles_with_stops_and_the_farthest_of_the_last(cells: int) -> None:
    floor = Floor.parallel(aisles=6, cells=cells, aisle_mm=4000, cell_mm=1000, front_mm=700, back_mm=300, depot_aisle=2)
    through, rng = 1000 * cells, Rng(cells)
    for _ in range(100):
        stops = [(rng.below(6), rng.below(cells)) for _ in range(1 + rng.below(9))]
        aisles = sorted({aisle for aisle, _ in stops})
        last = max(cell for aisle, cell in stops if aisle == aisles[-1])
        into = 2 * (700 + 1000 * last) if len(aisles) % 2 else 0
        across = 2 * 4000 * (max(aisles[-1], 2) - min(aisles[0], 2))
        expected = len(aisles) // 2 * 2 * through + into + across
        assert floor.tour_length([f"{aisle}-{cell}" for aisle, cell in stops], "s_shape") == expected


def test_s_shape_returns_in_a_last_odd_aisle() -> None:
    tour = FLOOR.tour(["0-2", "2-0", "4-4"], "s_shape")
    assert tour.length_mm == 2 * 9000 + 2 * 5000 + 2 * 12_000
    assert tour.walk[-3:] == ((12_000, 5000), (12_000, 0), (0, 0))


def test_return_enters_and_leaves_at_the_front() -> None:
    assert FLOOR.tour(["0-2", "2-0", "4-4"], "return").length_mm == 2 * (3000 + 1000 + 5000) + 2 * 12_000


def test_midpoint_serves_halves_from_their_ends() -> None:
    tour = FLOOR.tour(["0-1", "2-1", "2-6", "4-0"], "midpoint")
    assert tour.stops == ("0-1", "2-6", "4-0", "2-1")
    assert tour.length_mm == 2 * 9000 + 2 * (2000 + 2000) + 2 * 12_000


def test_largest_gap_leaves_out_the_widest_gap() -> None:
    tour = FLOOR.tour(["0-1", "2-1", "2-3", "2-7", "4-0"], "largest_gap")
    assert tour.stops == ("0-1", "2-7", "4-0", "2-1", "2-3")
    assert tour.length_mm == 2 * 9000 + 2 * (4000 + 1000) + 2 * 12_000


def test_combined_returns_or_walks_through_whichever_is_shorter_in_all() -> None:
    assert FLOOR.tour(["0-0", "1-7", "2-0", "3-7"], "combined").length_mm == 2 * 1000 + 9000 + 2 * 8000 + 9000 + 18_000


@pytest.mark.parametrize("rule", ["s_shape", "return", "midpoint", "largest_gap"])
def test_a_single_aisle_is_entered_and_left_at_the_front(rule: str) -> None:
    assert FLOOR.tour(["2-5", "2-1"], rule).length_mm == 2 * 6000 + 2 * 6000


@pytest.mark.parametrize("depot_at_mm", [0, 4000, 6000, 12_000, 20_000])
@pytest.mark.parametrize("rule", FLOOR.rules)
def test_every_rule_walks_its_own_length_wherever_the_depot_is(rule: str, depot_at_mm: int) -> None:
    floor = Floor.parallel(aisles=5, cells=8, depot_at_mm=depot_at_mm, depot_mm=2500)
    for bins in (["0-0"], ["4-7"], ["1-3", "2-5", "2-0"], ["0-7", "1-1", "2-4", "3-3", "4-6"], ["1-0", "3-7"]):
        tour = floor.tour(bins, rule)
        assert walked(tour) == tour.length_mm == floor.tour_length(bins, rule)
        assert tour.walk[0] == tour.walk[-1] == (depot_at_mm, -2500)
        assert floor.tour_length(bins) <= tour.length_mm


def test_bins_asked_twice_or_sharing_a_cell_are_stops_once_each() -> None:
    floor = Floor.from_rows([{"id": name, "aisle": 0, "cell": 3, "level": n} for n, name in enumerate("ab")])
    assert floor.tour(["b", "a", "b"]).stops == ("b", "a")


def test_no_bins_are_no_walk() -> None:
    assert FLOOR.tour([]) == Tour((), 0, (), "exact")
    assert FLOOR.tour_length([]) == 0
    assert MatrixFloor(("dock",), ((0,),), depot="dock").tour_length([]) == 0


def test_rules_of_thumb_are_for_one_block_only() -> None:
    with pytest.raises(DefinitionError, match="for 2 block"):
        Floor.parallel(aisles=2, cells=4, blocks=2).tour(["0-0"], "s_shape")


def test_beyond_four_blocks_a_tour_is_one_over_a_table_and_no_shorter_than_the_shortest() -> None:
    floor = Floor.parallel(aisles=4, cells=20, blocks=5, aisle_mm=3000)
    assert floor.rules == ("local", "nearest", "exact")
    picks = ["0-3", "0-17", "1-9", "2-2", "2-13", "3-19", "3-6"]
    shortest = floor.tour(picks, "exact")
    assert set(shortest.stops) == set(picks)
    for rule in floor.rules:
        tour = floor.tour(picks, rule)
        assert (tour.walk[0], tour.walk[-1]) == ((0, 0), (0, 0))
        assert tour.length_mm >= shortest.length_mm
    many = [f"{aisle}-{cell}" for aisle in range(4) for cell in range(0, 20, 3)]
    with pytest.raises(DefinitionError, match="12"):
        floor.tour(many, "exact")
    made = plan([PickOrder(b, [PickLine(b, "1", "item", 1, b)]) for b in many], floor, Limits(orders_max=7))
    assert made.rule == "local"
    assert sum(len(batch.orders) for batch in made) == len(many)


def test_a_table_of_blocks_finds_what_the_sweep_finds() -> None:
    rng = Rng(5)
    for blocks in (2, 3):
        floor = Floor.parallel(aisles=3, cells=6, blocks=blocks)
        table = TableBlocks(floor._grid, ("both",) * 3)
        for _ in range(15):
            picks = {f"{rng.below(3)}-{rng.below(6)}" for _ in range(6)}
            cover = floor.cover(picks)
            assert table.length("exact")(cover) == floor.measure("exact")(cover)


def test_a_middle_cross_aisle_shortens_the_way() -> None:
    bins = ["0-1", "1-8", "2-9", "3-0"]
    one, two = (Floor.parallel(aisles=4, cells=10, blocks=blocks, front_mm=0, back_mm=1000) for blocks in (1, 2))
    assert two.tour_length(bins) <= one.tour_length(bins)


def test_local_tours_on_a_matrix_floor_are_near_the_exact_ones() -> None:
    grid = [(x, y) for x in range(4) for y in range(3)]
    table = tuple(tuple(abs(x - u) + abs(y - v) for u, v in grid) for x, y in grid)
    floor = MatrixFloor([f"p{i}" for i in range(12)], table, depot="p0")
    bins = [f"p{i}" for i in (1, 3, 5, 6, 8, 11)]
    exact = floor.tour(bins, "exact")
    assert exact.length_mm <= floor.tour_length(bins, "local") <= floor.tour_length(bins, "nearest")
    assert floor.tour_length(bins, "local") == exact.length_mm
    assert sorted(exact.stops) == sorted(bins)


def test_exact_matrix_tours_refuse_too_many_stops() -> None:
    n = 14
    floor = MatrixFloor([f"p{i}" for i in range(n)], [[int(i != j) for j in range(n)] for i in range(n)], depot="p0")
    with pytest.raises(DefinitionError, match="up to 12 stops, not 13"):
        floor.tour_length([f"p{i}" for i in range(1, n)], "exact")


def test_a_stop_right_at_a_corner_is_passed_along_the_cross_aisle() -> None:
    floor = Floor.parallel(aisles=3, cells=2, front_mm=0)
    assert floor.tour(["2-0", "1-0"]).stops == ("1-0", "2-0")
    assert floor.tour(["0-0"]).stops == ("0-0",)


def test_an_aisle_of_one_long_cell_is_never_free() -> None:
    floor = Floor.parallel(aisles=3, cells=1, aisle_mm=8, cell_mm=4, front_mm=3, back_mm=1, depot_at_mm=2, depot_mm=3)
    assert floor.tour(["0-0", "1-0", "2-0"]).length_mm == 48
