"""A scan is judged, its verdict is a fact, and totals are folds of facts."""

import json

import pytest

from omscore.batching import (
    Barcodes,
    PickRow,
    Scan,
    Scanned,
    Short,
    Tally,
    apply_scans,
    check_digit,
    decide_scan,
    decide_short,
    is_gs1,
    pack_tally,
)
from omscore.codec import standard
from omscore.errors import CommandRefused, InvalidValue, KeyReused, NotFound
from omscore.kernel import Item

RED, BLUE, JUG, POT = "MUG-RED", "MUG-BLUE", "JUG", "POT"
BOOK = Barcodes.of(
    [Item(RED, gtin="4006381333931"), Item(BLUE), Item(JUG), Item(POT)],
    packs={"14006381333938": (RED, 2)},
    families={RED: "mug", BLUE: "mug"},
)
ROWS = (
    PickRow(1, stop=1, bin="A-1", item=RED, units=3, order="o-1", line="1", tote="T1"),
    PickRow(2, stop=1, bin="A-1", item=RED, units=1, order="o-2", line="1", tote="T2"),
    PickRow(3, stop=2, bin="A-2", item=JUG, units=2, order="o-1", line="2", tote="T1", lot="L7"),
)
START = Tally(ROWS)


def judged(scan: Scan, tally: Tally = START) -> Scanned:
    (event,) = decide_scan(tally, scan, BOOK)
    return event


def after(*scans: Scan, tally: Tally = START) -> Tally:
    for scan in scans:
        tally = apply_scans(tally, decide_scan(tally, scan, BOOK))
    return tally


@pytest.mark.parametrize(
    ("scan", "verdict", "words"),
    [
        (Scan("k", RED, bin="A-1", tote="T1"), "right", "1 of 'MUG-RED'"),
        (Scan("k", "4006381333931", bin="A-1"), "right", ""),
        (Scan("k", "4006381333932", bin="A-1"), "bad_check_digit", "scan it again"),
        (Scan("k", "96385074"), "unknown_code", "no item has the code"),
        (Scan("k", "TEAPOT"), "unknown_code", ""),
        (Scan("k", POT, bin="A-1"), "wrong_item", "not on the list"),
        (Scan("k", BLUE, bin="A-1"), "wrong_variant", "another variant of 'MUG-RED'"),
        (Scan("k", BLUE), "wrong_variant", ""),
        (Scan("k", BLUE, bin="A-2"), "wrong_item", ""),
        (Scan("k", RED, bin="A-2"), "wrong_bin", "from 'A-1', not from 'A-2'"),
        (Scan("k", RED, bin="Z-9"), "wrong_bin", ""),
        (Scan("k", RED, tote="T9"), "wrong_tote", "'T1 of order o-1' or 'T2 of order o-2'"),
        (Scan("k", JUG, lot="L8"), "wrong_lot", "lot 'L7', not 'L8'"),
        (Scan("k", JUG, lot="L7"), "right", ""),
        (Scan("k", JUG, units=3), "too_many", "3 of 'JUG' scanned, 2 still to go"),
        (Scan("k", RED, tote="T2", units=2), "too_many", "1 still to go"),
        (Scan("k", JUG, row=1), "wrong_item", ""),
        (Scan("k", BLUE, row=1), "wrong_variant", ""),
    ],
)
def test_every_scan_gets_its_verdict_with_words_to_show(scan: Scan, verdict: str, words: str) -> None:
    event = judged(scan)
    assert event.verdict == verdict
    assert words in event.text
    assert apply_scans(START, [event]).picked()["o-1", "1"] == (event.units if event.row == 1 and event.counts else 0)


def test_only_a_right_scan_counts() -> None:
    tally = after(Scan("1", POT), Scan("2", RED, bin="A-2"), Scan("3", JUG, units=9))
    assert tally.picked() == {("o-1", "1"): 0, ("o-2", "1"): 0, ("o-1", "2"): 0}
    assert len(tally.events) == 3, "wrong scans are facts too"


def test_one_scan_fills_the_rows_of_its_item_in_list_order() -> None:
    events = decide_scan(START, Scan("1", RED, bin="A-1", units=4), BOOK)
    assert [(e.row, e.order, e.units) for e in events] == [(1, "o-1", 3), (2, "o-2", 1)]
    tally = apply_scans(START, events)
    assert (tally.open(1), tally.open(2)) == (0, 0)


def test_a_pack_counts_what_it_holds() -> None:
    assert judged(Scan("1", "14006381333938")).units == 2
    assert judged(Scan("1", "14006381333938", units=3)).verdict == "too_many"


def test_a_tote_decides_which_order_the_units_are_for() -> None:
    assert judged(Scan("1", RED, tote="T2")).order == "o-2"


def test_the_same_scan_again_moves_nothing_and_a_reused_key_is_refused() -> None:
    scan = Scan("1", RED)
    tally = after(scan, scan)
    assert tally.counted(1) == 1
    assert decide_scan(tally, scan, BOOK) == ()
    with pytest.raises(KeyReused):
        decide_scan(tally, Scan("1", JUG), BOOK)
    with pytest.raises(KeyReused):
        decide_short(tally, Short("1", row=1))


def test_facts_and_the_work_so_far_survive_being_stored() -> None:
    tally = after(Scan("1", RED, units=4), Scan("2", POT), Scan("3", JUG))
    tally = apply_scans(tally, decide_short(tally, Short("4", row=3, why="bin is empty")))
    codec = standard()
    assert codec.decode(json.loads(json.dumps(codec.encode(tally)))) == tally


def test_two_pickers_who_scan_the_same_row_lose_nothing() -> None:
    ann = decide_scan(START, Scan("ann-1", RED, row=2, by="ann"), BOOK)
    bob = decide_scan(START, Scan("bob-1", RED, row=2, by="bob"), BOOK)
    for both in ([*ann, *bob], [*bob, *ann, *ann]):
        tally = apply_scans(START, both)
        assert tally.counted(2) == 2
        assert tally.over(2) == 1
        assert tally.open(2) == 0
    assert judged(Scan("bob-2", RED, row=2), apply_scans(START, ann)).verdict == "too_many"


def test_a_short_pick_closes_the_row_and_says_all_that_mending_needs() -> None:
    tally = after(Scan("1", JUG))
    (short,) = decide_short(tally, Short("2", row=3, why="bin is empty", by="ann"))
    assert (short.order, short.line, short.item, short.bin, short.lot) == ("o-1", "2", JUG, "A-2", "L7")
    assert (short.asked, short.picked, short.missing) == (2, 1, 1)
    tally = apply_scans(tally, [short, short])
    assert tally.open(3) == 0
    assert tally.missing(3) == 1
    assert tally.shorts == (short,)
    assert decide_short(tally, Short("2", row=3, why="bin is empty", by="ann")) == ()
    assert judged(Scan("3", JUG), tally).verdict == "too_many"


def test_two_who_close_one_row_side_by_side_miss_its_units_once() -> None:
    ann, bob = decide_short(START, Short("ann-1", row=3)), decide_short(START, Short("bob-1", row=3))
    tally = apply_scans(START, [*ann, *bob])
    assert (tally.missing(3), tally.open(3)) == (2, 0)


def test_a_row_with_nothing_open_cannot_be_short() -> None:
    tally = after(Scan("1", JUG, units=2))
    with pytest.raises(CommandRefused, match="row 3 has nothing open: 2 of 2 counted"):
        decide_short(tally, Short("2", row=3))
    with pytest.raises(NotFound, match="99"):
        decide_short(tally, Short("2", row=99))
    with pytest.raises(KeyReused):
        decide_scan(apply_scans(START, decide_short(START, Short("2", row=3))), Scan("2", JUG), BOOK)


def test_work_is_done_when_every_row_is_counted_or_closed() -> None:
    tally = after(Scan("1", RED, units=4), Scan("2", JUG))
    assert not tally.is_done
    assert apply_scans(tally, decide_short(tally, Short("3", row=3))).is_done


def test_sorting_into_totes_is_proved_when_they_are_opened() -> None:
    picked = after(Scan("1", RED, units=4), Scan("2", JUG))
    packing = pack_tally(picked)
    assert [(row.tote, row.item, row.units) for row in packing.rows] == [("T1", RED, 3), ("T2", RED, 1), ("T1", JUG, 1)]
    missorted = judged(Scan("p1", JUG, tote="T2"), packing)
    assert missorted.verdict == "wrong_tote"
    assert missorted.order == "o-1", "the order it belongs to is named"
    packing = after(Scan("p2", RED, tote="T2"), Scan("p3", RED, tote="T1", units=2), tally=packing)
    assert judged(Scan("p4", RED, tote="T2"), packing).verdict == "too_many"
    assert {row.item: packing.open(row.row) for row in packing.rows if row.tote == "T1"} == {RED: 1, JUG: 1}


def test_scans_and_rows_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InvalidValue, match="units of a scan"):
        Scan("1", RED, units=0)
    with pytest.raises(InvalidValue, match="key of a scan"):
        Scan("", RED)
    with pytest.raises(InvalidValue, match="same number"):
        Tally((ROWS[0], ROWS[0]))
    with pytest.raises(NotFound):
        decide_scan(START, Scan("1", RED, row=9), BOOK)


@pytest.mark.parametrize(
    "code", ["96385074", "036000291452", "6291041500213", "4006381333931", "10614141000415", "106141412345678908"]
)
def test_published_codes_have_right_check_digits_and_any_other_digit_is_wrong(code: str) -> None:
    assert is_gs1(code)
    assert check_digit(code[:-1]) == int(code[-1])
    for place in range(len(code)):
        misread = code[:place] + str((int(code[place]) + 1) % 10) + code[place + 1 :]
        assert not is_gs1(misread)


@pytest.mark.parametrize(
    "code", ["", "400638133393", "40063813339310", "SKU-1", "\u0664006381333931", "4006381333931 "]
)
def test_what_is_no_gs1_code_is_not_taken_for_one(code: str) -> None:
    assert not is_gs1(code)


def test_an_article_answers_to_its_number_in_every_length() -> None:
    book = Barcodes.of([Item("SODA", gtin="036000291452")])
    for code in ("SODA", "036000291452", "0036000291452", "00036000291452"):
        assert book.find(code) == ("SODA", 1)


def test_codes_that_cannot_be_trusted_are_left_out_by_name_and_the_rest_is_kept() -> None:
    book = Barcodes.of(
        [Item("A", gtin="4006381333932"), Item("B", gtin="4006381333931"), Item("C", gtin="4006381333931")],
        packs={"10614141000415": ("B", 0)},
    )
    assert [(reason.code, reason.facts["item"]) for reason in book.refused] == [
        ("scan.bad_check_digit", "A"),
        ("scan.code_taken", "C"),
        ("scan.bad_units", "B"),
    ]
    assert book.find("4006381333931") == ("B", 1)
    assert book.find("A") == ("A", 1)


def test_a_sku_made_of_digits_needs_no_check_digit() -> None:
    assert Barcodes.of([Item("12345678")]).find("12345678") == ("12345678", 1)


def test_a_scanner_that_ends_codes_with_a_line_break_is_understood_and_a_number_is_no_code() -> None:
    (event,) = decide_scan(Tally(ROWS), Scan("s-1", "4006381333931\r\n"), BOOK)
    assert event.verdict == "right"
    with pytest.raises(InvalidValue, match="a scanned code is text, not 12; keep its leading zeros"):
        Scan("s-2", 12)  # type: ignore[arg-type]


def test_a_check_digit_is_one_of_digits() -> None:
    for wrong in ("", "12a", "\u0661"):
        with pytest.raises(InvalidValue, match="a check digit is one of digits"):
            check_digit(wrong)
