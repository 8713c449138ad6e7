"""Pick lists: rows along the walk, split over bins, a tote for each order."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omscore.batching import BinStock, Floor, PickLine, PickShortage, find_bins, pick_list
from omscore.errors import DefinitionError, InvalidValue

FLOOR = Floor.parallel(aisles=4, cells=10)


def lines() -> list[PickLine]:
    return [
        PickLine("o-1", "1", "MUG", 2, "0-3"),
        PickLine("o-2", "1", "CUP", 1, "3-4", lot="L7"),
        PickLine("o-1", "2", "JUG", 3, "0-5"),
    ]


def test_rows_follow_the_tour_and_each_order_has_its_tote() -> None:
    tour = FLOOR.tour([line.bin for line in lines()])
    made = pick_list("7", lines(), tour, totes=["red", "blue"], names={"MUG": "mug, large"})
    assert [row.bin for row in made.rows] == list(tour.stops)
    assert [row.stop for row in made.rows] == [1, 2, 3]
    assert made.totes == {"o-1": ("red",), "o-2": ("blue",)}
    assert all(row.tote in made.totes[row.order] for row in made.rows)
    assert {row.item: row.name for row in made.rows}["MUG"] == "mug, large"
    assert made.length_mm == tour.length_mm
    assert made.units == 6


def test_one_order_gets_its_list_at_once_without_a_tour() -> None:
    made = pick_list("o-1", [line for line in lines() if line.order == "o-1"])
    assert [(row.stop, row.bin) for row in made.rows] == [(1, "0-3"), (2, "0-5")]
    assert "walk" not in str(made)


def test_bins_without_a_tour_go_in_natural_order() -> None:
    made = pick_list("7", [PickLine("o", str(n), "MUG", 1, b) for n, b in enumerate(["A-10", "A-9", "A-1-2", "B"])])
    assert [row.bin for row in made.rows] == ["A-1-2", "A-9", "A-10", "B"]


def test_the_same_item_for_two_orders_stays_two_rows_of_one_stop() -> None:
    made = pick_list("7", [PickLine("o-2", "1", "MUG", 1, "0-3"), PickLine("o-1", "1", "MUG", 4, "0-3")])
    assert [(row.row, row.stop, row.order, row.units) for row in made.rows] == [(1, 1, "o-1", 4), (2, 1, "o-2", 1)]


def test_a_bin_that_the_tour_does_not_pass_is_refused_by_name() -> None:
    tour = FLOOR.tour(["0-3"])
    with pytest.raises(DefinitionError, match=r"bin '3-4' of line '1' of order 'o-2' is not on the tour"):
        pick_list("7", lines(), tour)


def test_too_few_totes_are_refused_and_the_order_left_without_is_named() -> None:
    with pytest.raises(DefinitionError, match=r"more than the 1 totes named: order 'o-2' gets none"):
        pick_list("7", lines(), totes=["red"])
    with pytest.raises(DefinitionError, match="tote 'red' is named twice; each order needs its own"):
        pick_list("7", lines(), totes=["red", "red"])


def test_an_order_takes_another_tote_when_one_is_full_and_a_row_is_split_there() -> None:
    wanted = [
        PickLine("o-1", "1", "CUP", 5, "0-1", volume_mm3=50),
        PickLine("o-2", "1", "CUP", 1, "0-2", volume_mm3=10),
        PickLine("o-1", "2", "POT", 1, "0-3", volume_mm3=99),
        PickLine("o-1", "3", "TAG", 7, "0-4"),
        PickLine("o-2", "2", "CUP", 2, "0-5", volume_mm3=20),
    ]
    made = pick_list("7", wanted, tote_volume=30)
    assert [(row.line, row.units, row.tote) for row in made.rows if row.order == "o-1"] == [
        ("1", 3, "T1"),
        ("1", 2, "T2"),
        ("2", 1, "T4"),
        ("3", 7, "T4"),
    ]
    assert made.totes == {"o-1": ("T1", "T2", "T4"), "o-2": ("T3",)}
    assert made.to_dict()["totes"]["o-1"] == ["T1", "T2", "T4"]


def test_a_list_prints_as_text_html_and_plain_data() -> None:
    tour = FLOOR.tour([line.bin for line in lines()])
    made = pick_list("<7>", lines(), tour, shortages=[PickShortage("o-2", "2", "POT", 4, 1)])
    text = str(made)
    assert text == made.to_text()
    assert text.startswith("pick list <7>: 3 rows, 3 stops, 6 units, walk ")
    assert "3 units missing" in text
    assert "L7" in text
    assert "name" not in text, "a column with nothing in it is left out"
    page = made.to_html(FLOOR.svg(tour))
    assert "<svg" in page
    assert "&lt;7&gt;" in page
    assert "POT" in page
    assert page.count("\u2610") == 3
    assert "<svg" not in made._repr_html_()
    data = json.loads(json.dumps(made.to_dict()))
    assert [row["item"] for row in data["rows"]] == [row.item for row in made.rows]
    assert data["shortages"][0]["missing"] == 3


def test_a_printed_list_leaves_no_row_out() -> None:
    made = pick_list("7", [PickLine("o", str(n), "MUG", 1, f"A-{n}") for n in range(300)])
    assert made.to_html().count("\u2610") == 300
    assert "and 100 more rows" in made._repr_html_()


def test_bins_are_drawn_from_in_the_order_given_and_never_twice() -> None:
    stock = [BinStock("A", "MUG", 3), BinStock("B", "MUG", 4), BinStock("C", "CUP", 9)]
    found, shortages = find_bins([PickLine("o-1", "1", "MUG", 2, ""), PickLine("o-2", "1", "MUG", 6, "")], stock)
    assert [(line.order, line.bin, line.units) for line in found] == [("o-1", "A", 2), ("o-2", "A", 1), ("o-2", "B", 4)]
    assert shortages == (PickShortage("o-2", "1", "MUG", asked=6, found=5),)


def test_weight_and_volume_go_with_the_units_and_lose_nothing() -> None:
    line = PickLine("o-1", "1", "MUG", 3, "", weight_grams=100, volume_mm3=30)
    found, _ = find_bins([line], [BinStock("A", "MUG", 1), BinStock("B", "MUG", 1), BinStock("C", "MUG", 1)])
    assert sum(part.weight_grams for part in found) == 100
    assert [part.volume_mm3 for part in found] == [10, 10, 10]


def test_a_line_with_a_lot_takes_that_lot_only() -> None:
    stock = [BinStock("A", "MUG", 3, lot="old"), BinStock("B", "MUG", 4, lot="new")]
    found, shortages = find_bins([PickLine("o-1", "1", "MUG", 5, "", lot="new")], stock)
    assert [(line.bin, line.lot, line.units) for line in found] == [("B", "new", 4)]
    assert shortages[0].missing == 1


def test_a_line_that_has_a_bin_keeps_it() -> None:
    line = PickLine("o-1", "1", "MUG", 5, "Z-9")
    assert find_bins([line], [BinStock("A", "MUG", 9)]) == ((line,), ())


def test_an_item_that_lies_nowhere_is_wholly_short() -> None:
    found, shortages = find_bins([PickLine("o-1", "1", "MUG", 5, "")], [])
    assert found == ()
    assert shortages[0].missing == 5


def test_stock_without_a_bin_or_below_zero_is_refused_by_name() -> None:
    with pytest.raises(InvalidValue, match="'MUG' has no bin"):
        BinStock("", "MUG", 1)
    with pytest.raises(InvalidValue, match="units of 'MUG' in bin 'A'"):
        BinStock("A", "MUG", -1)


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 9)), max_size=8),
    st.lists(st.tuples(st.sampled_from("ABCD"), st.integers(1, 12), st.sampled_from("xyz")), max_size=8),
    st.sampled_from([None, 1, 25]),
)
def test_every_unit_asked_is_on_one_row_or_reported_and_no_bin_gives_more_than_it_has(
    held: list[tuple[str, int]], wanted: list[tuple[str, int, str]], tote_volume: int | None
) -> None:
    stock = [BinStock(f"A-{n}", item, units) for n, (item, units) in enumerate(held)]
    asked = [
        PickLine(order, str(n), item, units, "", volume_mm3=units * 7, weight_grams=units)
        for n, (item, units, order) in enumerate(wanted)
    ]
    lines, shortages = find_bins(asked, stock)
    made = pick_list("7", lines, tote_volume=tote_volume, shortages=shortages)
    for line in asked:
        rows = [row for row in made.rows if (row.order, row.line) == (line.order, line.line)]
        missing = sum(short.missing for short in made.shortages if (short.order, short.line) == (line.order, line.line))
        assert sum(row.units for row in rows) + missing == line.units
        assert all(row.item == line.item for row in rows)
    for shelf in stock:
        assert sum(row.units for row in made.rows if row.bin == shelf.bin) <= shelf.units
    for short in made.shortages:
        left = sum(shelf.units for shelf in stock if shelf.item == short.item)
        assert left == sum(row.units for row in made.rows if row.item == short.item), "short only when all is taken"
    owners = {(row.tote, row.order) for row in made.rows}
    assert len({tote for tote, _ in owners}) == len(owners), "a tote belongs to one order"
    assert [row.row for row in made.rows] == list(range(1, len(made.rows) + 1))
