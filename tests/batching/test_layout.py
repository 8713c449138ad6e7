"""Floors: made from numbers or from rows, wrong ones refused by name."""

import pytest

from omscore.batching import Bin, Floor, MatrixFloor
from omscore.errors import DefinitionError, InvalidValue


def test_a_floor_from_numbers_has_a_bin_in_every_cell() -> None:
    floor = Floor.parallel(aisles=3, cells=4)
    assert len(floor.bins) == 12
    assert floor.bin("2-3") == Bin("2-3", 2, 3)
    assert "2-3" in floor
    assert "3-0" not in floor


def test_a_floor_from_rows_ends_with_its_last_bin() -> None:
    floor = Floor.from_rows(
        [
            {"id": "A-1", "aisle": "0", "cell": "0", "level": "", "zone": None},
            {"id": "B-5", "aisle": "1", "cell": "4", "level": "2", "zone": "cold"},
        ],
        blocks=2,
        depot_aisle=1,
    )
    assert (floor.aisles, floor.cells, floor.depot_at_mm) == (2, 6, 3000)
    assert floor.bin("B-5") == Bin("B-5", 1, 4, 2, "cold")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"id": "A", "aisle": "x", "cell": "0"}, "row 1 ('A') is not a bin"),
        ({"id": "A", "aisle": 1.7, "cell": 0}, "row 1 ('A') is not a bin"),
        ({"id": "A", "cell": "0"}, "row 1 ('A') has no column 'aisle'; it has 'id', 'cell'"),
        ({"\ufeffid": "A", "aisle": "1", "cell": "0"}, "has no column 'id'; it has '\\ufeffid', 'aisle', 'cell'"),
        ({"id;aisle;cell": "A;1;0"}, "row 1 ('no id') has no column 'id'; it has 'id;aisle;cell'"),
        ({"id": "A", "aisle": -1, "cell": -1}, "bin 'A' is not on the floor: aisle -1"),
        ({"id": "A", "aisle": "-1", "cell": "0"}, "bin 'A' is not on the floor: aisle -1"),
        ({"id": "", "aisle": "1", "cell": "0"}, "bin id '' is empty"),
        ({"id": None, "aisle": "1", "cell": "0"}, "bin id '' is empty"),
    ],
)
def test_a_row_that_is_no_bin_is_named(row: dict[str, str], words: str) -> None:
    with pytest.raises(DefinitionError) as refusal:
        Floor.from_rows([row], aisles=2, cells=2)
    assert words in str(refusal.value)


def test_no_rows_are_no_floor() -> None:
    with pytest.raises(DefinitionError, match="at least one bin"):
        Floor.from_rows([])


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ({"aisles": 0, "cells": 1}, "aisles must be a whole number of at least 1"),
        ({"aisles": 1, "cells": 0}, "cells must be a whole number of at least 1"),
        ({"aisles": 1, "cells": 3, "blocks": 2}, "do not divide evenly"),
        ({"aisles": 1, "cells": 3, "aisle_mm": -1}, "aisle_mm must be a whole number of at least 0, not -1"),
        ({"aisles": 1, "cells": 3, "cell_mm": 1.5}, "cell_mm must be a whole number of at least 0, not 1.5"),
        ({"aisles": 300, "cells": 10, "cell_mm": 100_000}, "a floor with 270 km of aisles is too large"),
        ({"aisles": 2, "cells": 3, "depot_aisle": 2}, "depot_aisle 2 is not on the floor: aisles are 0 to 1"),
        ({"aisles": 2, "cells": 3, "depot_aisle": -1}, "depot_aisle must be a whole number of at least 0"),
    ],
)
def test_a_floor_that_cannot_be_is_refused(layout: dict[str, int], words: str) -> None:
    with pytest.raises(DefinitionError) as refusal:
        Floor.parallel(**layout)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("bins", "words"),
    [
        ([Bin("A", 0, 0), Bin("A", 0, 1)], "bin id 'A' is used twice"),
        ([Bin("A", 0, 9)], "bin 'A' is not on the floor: cell 9 is not one of 0 to 2"),
        ([Bin("A", 0, 0, level=-1)], "bin 'A' has level -1"),
    ],
)
def test_a_bin_that_cannot_be_is_named(bins: list[Bin], words: str) -> None:
    with pytest.raises(DefinitionError) as refusal:
        Floor(aisles=2, cells=3, bins=bins)
    assert words in str(refusal.value)


def test_an_unknown_bin_is_named_when_asked_for() -> None:
    floor = Floor.parallel(aisles=2, cells=2)
    for ask in (floor.bin, lambda b: floor.tour([b]), lambda b: floor.tour_length([b])):
        with pytest.raises(InvalidValue, match="bin 'X' is not on the floor"):
            ask("X")


def test_an_unknown_rule_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(DefinitionError, match="no tour rule 'zigzag' for 1 block"):
        Floor.parallel(aisles=2, cells=2).tour_length(["0-0"], "zigzag")
    with pytest.raises(DefinitionError, match="choose one of: local"):
        MatrixFloor(("dock",), ((0,),), depot="dock").measure("zigzag")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (((0, 1), (1,)), "row 'A' has 1 entries for 2 places"),
        (((0, 1),), "1 rows for 2 places"),
        (((0, -1), (1, 0)), "distance from 'dock' to 'A' must be a whole number of at least 0, not -1"),
    ],
)
def test_a_distance_table_that_cannot_be_is_refused(table: tuple[tuple[int, ...], ...], words: str) -> None:
    with pytest.raises(DefinitionError) as refusal:
        MatrixFloor(("dock", "A"), table, depot="dock")
    assert words in str(refusal.value)


def test_a_matrix_floor_needs_its_depot_and_distinct_places() -> None:
    with pytest.raises(DefinitionError, match="depot 'door' is not one of the places"):
        MatrixFloor(("dock", "A"), ((0, 1), (1, 0)), depot="door")
    with pytest.raises(DefinitionError, match="name of its own"):
        MatrixFloor(("dock", "dock"), ((0, 1), (1, 0)), depot="dock")
    with pytest.raises(InvalidValue, match="bin 'dock' is not on the floor"):
        MatrixFloor(("dock", "A"), ((0, 1), (1, 0)), depot="dock").tour(["dock"])


def test_the_drawing_shows_every_aisle_the_stops_and_the_walk() -> None:
    floor = Floor.parallel(aisles=3, cells=5)
    plain, drawn = floor.svg(), floor.svg(floor.tour(["1-1", "2-4"]))
    assert plain.count("<circle") == 15
    assert drawn.count("<circle") == 17
    assert drawn.count("<polyline") == plain.count("<polyline") + 1


def test_rows_for_no_blocks_are_no_floor() -> None:
    with pytest.raises(DefinitionError, match="blocks must be a whole number of at least 1, not 0"):
        Floor.from_rows([{"id": "A", "aisle": "0", "cell": "0"}], blocks=0)


def test_a_misnumbered_cell_is_refused_before_a_floor_is_made_of_it() -> None:
    for place in ({"aisle": "0", "cell": "4006381333931"}, {"aisle": "1000000", "cell": "1"}):
        with pytest.raises(DefinitionError, match="are more than 1000000 cells; is one misnumbered"):
            Floor.from_rows([{"id": "A"} | place])
    with pytest.raises(DefinitionError, match="more than 1000000 cells"):
        Floor.parallel(aisles=10**6, cells=10**6)


def test_what_is_no_row_is_refused() -> None:
    with pytest.raises(DefinitionError, match="row 1 is a str; give mappings"):
        Floor.from_rows(["A,0,0"])  # type: ignore[list-item]


@pytest.mark.parametrize(("cells", "blocks"), [(8, 1), (10, 2), (64, 1), (65, 1), (200, 2)])
def test_bins_are_in_the_same_aisles_when_their_aisles_are_the_same(cells: int, blocks: int) -> None:
    floor = Floor.parallel(aisles=5, cells=cells, blocks=blocks)
    aisles = floor.aisle_bits()
    every = [aisles(floor.cover([f"{aisle}-{cell}" for cell in range(cells)])) for aisle in range(5)]
    assert [bits.bit_count() for bits in every] == [1, 1, 1, 1, 1]
    assert aisles(floor.cover(["0-0", f"3-{cells - 1}", "3-0"])) == every[0] | every[3]
    assert aisles(0) == 0
