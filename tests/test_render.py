"""What is drawn is escaped, aligned, rounded, and the same every time."""

import math
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omscore import render

ANY_TEXT = st.text(alphabet=st.characters(codec=None), max_size=12)


def test_numbers_stand_right_and_words_stand_left() -> None:
    table = render.text_table(["item", "units", "share"], [["mug", 2, 0.5], ["plate", 120, None]])
    assert table.splitlines() == [
        "item   units  share",
        "-----  -----  -----",
        "mug        2   0.50",
        "plate    120",
    ]


def test_a_flag_is_a_word_and_not_a_number() -> None:
    assert render.text_table(["ok"], [[True], [False]]).splitlines()[2:] == ["yes", "no"]


def test_a_table_without_rows_still_names_its_columns() -> None:
    assert render.text_table(["bin"], []) == "bin\n---"
    assert "bin" in render.html_table(["bin"], [])


@pytest.mark.parametrize("table", [render.text_table, render.html_table])
def test_a_row_of_the_wrong_length_is_refused_by_number(table: object) -> None:
    with pytest.raises(ValueError, match="row 1 has 1 cells, the table has 2 columns"):
        table(["a", "b"], [[1, 2], [3]])  # type: ignore[operator]


def test_an_html_table_counts_what_it_does_not_show() -> None:
    shown = render.html_table(["n"], [[n] for n in range(250)])
    assert shown.count("<td") == render.ROWS_MAX + 1
    assert "and 50 more rows" in shown
    assert "more rows" not in render.html_table(["n"], [[n] for n in range(250)], rows_max=250)


def test_html_takes_the_color_of_the_page_and_a_caption() -> None:
    shown = render.html_table(["n"], [[1]], caption="A & B")
    assert "color:inherit" in shown
    assert "A &amp; B" in shown
    assert "background" not in shown


@given(st.lists(st.lists(ANY_TEXT, min_size=2, max_size=2), max_size=4), ANY_TEXT)
def test_whatever_is_written_the_markup_stays_well_formed(rows: list[list[str]], caption: str) -> None:
    ET.fromstring(render.html_table(["a", "b"], rows, caption=caption))  # noqa: S314 - our own text
    drawing = render.walk([(0, 0), (1, 2)], stops=[((1, 2), caption)], title=caption)
    ET.fromstring(str(drawing.text(0, 0, caption)))  # noqa: S314 - our own text


@given(st.lists(st.lists(ANY_TEXT, min_size=3, max_size=3), max_size=5))
def test_a_text_table_has_one_line_for_each_row(rows: list[list[str]]) -> None:
    assert len(render.text_table(["a", "b", "c"], rows).split("\n")) == len(rows) + 2


def test_a_page_is_a_whole_document() -> None:
    page = render.html_page("<7>", "<p>x</p>")
    assert page.startswith("<!doctype html>")
    assert "<title>&lt;7&gt;</title>" in page
    assert "<p>x</p></body></html>" in page


def test_a_drawing_speaks_its_title_and_repeats_itself_exactly() -> None:
    def draw() -> str:
        return str(render.walk([(0, 0), (0, 1 / 3), (2, 1 / 3)], places=[(1, 1)], stops=[((2, 0), "B")], title="tour"))

    assert draw() == draw()
    assert "<title>tour</title>" in draw()
    assert "0.33" not in draw()


def test_a_drawing_shows_itself_in_a_notebook() -> None:
    drawing = render.Svg(10, 10, "t").box(0, 0, 5, 5, opacity=0.5).line([(0, 0), (9, 9)], dash="4 3", title="way")
    assert drawing._repr_svg_() == str(drawing)
    assert 'stroke-dasharray="4 3"' in str(drawing)
    assert 'fill-opacity="0.50"' in str(drawing)


def test_a_walk_keeps_one_scale_and_points_up() -> None:
    root = ET.fromstring(str(render.walk([(0, 0), (10, 0), (10, 5)], title="t", width=148)))  # noqa: S314 - our own text
    line = root.find("{http://www.w3.org/2000/svg}polyline")
    assert line is not None
    assert line.get("points") == "24,74 124,74 124,24"


def test_a_walk_of_one_point_or_none_is_drawn() -> None:
    assert "start" in str(render.walk([(3, 3)], title="stay"))
    assert "<polyline" not in str(render.walk([], title="nothing"))


def test_a_map_shows_links_groups_and_names() -> None:
    ghent, antwerp = (3.72, 51.05), (4.40, 51.22)
    drawing = str(
        render.geo_map([(ghent, "Ghent"), (antwerp, "Antwerp")], links=[(ghent, antwerp)], groups=[0, 7], title="m")
    )
    assert drawing.count("<polyline") == 1
    assert render.COLORS[0] in drawing
    assert render.COLORS[1] in drawing


def test_names_stay_inside_the_map() -> None:
    drawing = str(render.geo_map([((3.72, 51.05), "Ghent"), ((4.40, 51.22), "Antwerp")], title="m"))
    (tag,) = [mark for mark in drawing.split("<") if mark.endswith(">Antwerp")][-1:]
    assert 'text-anchor="end"' in tag


def test_a_latitude_beyond_the_pole_is_refused() -> None:
    with pytest.raises(ValueError, match="not 91"):
        render.geo_map([((0, 91), "nowhere")], title="m")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_number_without_an_end_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        str(render.Svg(10, 10, "t").dot(bad, 1))
    with pytest.raises(ValueError, match="finite"):
        render.bars([("09", bad)], title="t")


def test_bars_say_their_value_and_thin_out_their_labels() -> None:
    few = str(render.bars([("09", 4), ("10", 0)], title="orders by hour"))
    assert "<title>09: 4</title>" in few
    assert "most: 4" in few
    many = str(render.bars([(str(n), n) for n in range(100)], title="t"))
    assert many.count("<rect") == 100
    assert many.count("<text") < 30
    assert "<rect" not in str(render.bars([], title="none"))


def test_a_timeline_has_one_row_for_each_name_and_its_own_ticks() -> None:
    drawing = str(
        render.timeline(
            [("ord-1", 0, 60, "pick"), ("ord-2", 30, 90, "pack"), ("ord-1", 60, 60, "pack")],
            title="t",
            tick=lambda minutes: f"{minutes // 60:.0f}h",
        )
    )
    assert "<title>ord-1: pick, 0h to 1h</title>" in drawing
    assert drawing.count(">ord-1</text>") == 1
    assert drawing.count(">pack</text>") == 1, "each color is named once"
    assert "<svg" in str(render.timeline([], title="none"))


def test_a_span_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="'pick' of 'ord-1'"):
        render.timeline([("ord-1", 5, 4, "pick")], title="t")


def test_facts_line_up() -> None:
    assert render.key_values({"a": 1, "long": None, "b": 2.0}) == "a     1\nlong\nb     2.00"
    assert render.key_values({}) == ""
