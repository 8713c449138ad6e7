"""One-way aisles: how they are told, and tours that obey them."""

import csv
import io

import pytest

from omscore.batching import Floor, Limits, PickLine, PickOrder, plan
from omscore.errors import DefinitionError

UP_AND_DOWN = Floor.parallel(aisles=4, cells=10, one_way=["up", "down", "up", "down"])


def test_a_picker_leaves_an_aisle_where_it_ends_and_comes_back_by_another() -> None:
    tour = UP_AND_DOWN.tour(["0-3"])
    assert tour.walk == ((0, 0), (0, 11_000), (3000, 11_000), (3000, 0), (0, 0))
    assert tour.length_mm == 28_000
    assert Floor.parallel(aisles=4, cells=10).tour_length(["0-3"]) == 8_000


def test_stops_are_met_in_the_way_of_the_aisle() -> None:
    assert UP_AND_DOWN.tour(["1-2", "1-8", "0-8", "0-2"]).stops == ("0-2", "0-8", "1-8", "1-2")


def test_two_aisles_of_one_way_in_a_row_take_two_ways_back() -> None:
    floor = Floor.parallel(aisles=4, cells=10, one_way=["up", "up", "down", "down"])
    tour = floor.tour(["0-1", "1-1"])
    assert tour.length_mm == floor.tour(["0-1", "1-1", "2-1", "3-1"]).length_mm - 2 * 3000
    assert floor.rules == ("exact", "s_shape")
    assert floor.tour(["0-1", "1-1"], "s_shape").length_mm >= tour.length_mm


def test_where_all_aisles_go_both_ways_nothing_is_one_way() -> None:
    floor = Floor.parallel(aisles=3, cells=5, one_way=["both"] * 3)
    assert floor.one_way == ()
    assert "largest_gap" in floor.rules


def test_batches_are_planned_on_a_one_way_floor() -> None:
    bins = {"a": "0-3", "b": "3-4", "c": "0-5", "d": "3-9"}
    orders = [PickOrder(name, [PickLine(name, "1", "mug", 1, b)]) for name, b in bins.items()]
    made = plan(orders, UP_AND_DOWN, Limits(orders_max=2), method="search", steps_max=500)
    assert made.distance_mm == made.lower_bound_mm == 2 * 22_000 + 2 * (3000 + 3000) + 6000 * 2


@pytest.mark.parametrize(
    ("ways", "words"),
    [
        (["up", "up"], "every aisle goes up: nobody comes back to the front"),
        (["down", "down"], "every aisle goes down: nobody comes back to the back"),
        (["up"], "one_way names 1 aisles, the floor has 2"),
        (["up", "north"], "one_way: aisle 1 is 'north'; an aisle is one of both, up, down"),
    ],
)
def test_ways_that_cannot_be_are_refused(ways: list[str], words: str) -> None:
    with pytest.raises(DefinitionError) as refusal:
        Floor.parallel(aisles=2, cells=3, one_way=ways)
    assert words in str(refusal.value)


def test_several_blocks_are_walked_by_the_rules_of_a_table() -> None:
    floor = Floor.parallel(aisles=3, cells=10, blocks=2, one_way=["up", "down", "up"])
    assert floor.rules == ("local", "nearest", "exact")
    tour = floor.tour(["0-2", "1-3"], "local")
    assert tour.walk == ((0, 0), (0, 6000), (3000, 6000), (3000, 0), (0, 0)), "back by the middle cross-aisle"
    many = [f"{a}-{c}" for a in range(3) for c in range(5)]
    assert len(floor.tour(many, "local").stops) == 15
    with pytest.raises(DefinitionError, match="exact tours over a table go up to 12 stops, not 15; use rule 'local'"):
        floor.tour(many)
    orders = [PickOrder(b, [PickLine(b, "1", "mug", 1, b)]) for b in many]
    assert sum(len(batch.orders) for batch in plan(orders, floor, Limits(orders_max=5))) == 15


def test_a_rule_that_a_one_way_floor_does_not_know_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"no tour rule 'return' for 1 block\(s\) with one-way aisles"):
        UP_AND_DOWN.tour(["0-1"], "return")


def test_a_csv_may_say_which_way_an_aisle_goes() -> None:
    text = "id,aisle,cell,one_way\nA,0,0,up\nB,0,1,\nC,1,0,down\nD,2,0,\n"
    floor = Floor.from_rows(csv.DictReader(io.StringIO(text)))
    assert floor.one_way == ("up", "down", "both")
    with pytest.raises(DefinitionError, match="bin 'B' says that aisle 0 goes down, a row before it says up"):
        Floor.from_rows(csv.DictReader(io.StringIO(text.replace("B,0,1,", "B,0,1,down"))))


def test_arrows_show_the_ways() -> None:
    plain = Floor.parallel(aisles=4, cells=10)
    assert UP_AND_DOWN.svg().count("<polygon") == 12
    assert plain.svg().count("<polygon") == 0
