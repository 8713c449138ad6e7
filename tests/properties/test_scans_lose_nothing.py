"""Whatever pickers scan, in whatever order facts arrive and however often: nothing is lost or counted twice."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from omscore.batching import (
    Barcodes,
    PickEvent,
    PickRow,
    Scan,
    Short,
    Tally,
    apply_scans,
    decide_scan,
    decide_short,
    pack_tally,
)
from omscore.kernel import Item

BOOK = Barcodes.of([Item(sku) for sku in "ABC"], packs={"box of A": ("A", 3)})
ROWS = tuple(
    PickRow(
        n, stop=n, bin=f"bin-{n % 3}", item="ABA"[n % 3], units=1 + n, order=f"o-{n % 2}", line=str(n), tote=f"T{n % 2}"
    )
    for n in range(1, 5)
)
SCANS = st.builds(
    Scan,
    key=st.just("later"),
    code=st.sampled_from(["A", "B", "C", "box of A", "?"]),
    bin=st.sampled_from(["", "bin-0", "bin-1", "bin-2"]),
    tote=st.sampled_from(["", "T0", "T1"]),
    units=st.integers(1, 4),
    row=st.sampled_from([0, 0, 1, 2, 3, 4]),
)


def worked(scans: list[Scan], *, shorts: Sequence[int] = ()) -> tuple[Tally, list[PickEvent]]:
    tally, log = Tally(ROWS), list[PickEvent]()
    for number, scan in enumerate(scans):
        events = decide_scan(tally, Scan(f"s-{number}", scan.code, scan.bin, scan.tote, "", scan.units, scan.row), BOOK)
        log += events
        tally = apply_scans(tally, events)
    for row in shorts:
        if tally.open(row):
            closed = decide_short(tally, Short(f"short-{row}", row))
            log += closed
            tally = apply_scans(tally, closed)
    return tally, log


@given(st.lists(SCANS, max_size=12), st.lists(st.integers(1, 4), max_size=3), st.randoms(use_true_random=False))
def test_facts_in_any_order_and_twice_give_the_same_tally(scans: list[Scan], shorts: list[int], random: object) -> None:
    tally, log = worked(scans, shorts=shorts)
    shuffled = [*log, *log]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert apply_scans(Tally(ROWS), shuffled) == tally
    again = Tally(ROWS)
    for event in shuffled:
        again = apply_scans(again, [event])
    assert again == tally


@given(st.lists(SCANS, max_size=20), st.lists(st.integers(1, 4), max_size=3))
def test_one_after_the_other_no_row_is_ever_over_and_each_unit_is_counted_missing_or_open(
    scans: list[Scan], shorts: list[int]
) -> None:
    tally, log = worked(scans, shorts=shorts)
    for row in ROWS:
        assert tally.over(row.row) == 0
        assert tally.counted(row.row) + tally.missing(row.row) + tally.open(row.row) == row.units
        assert tally.counted(row.row) == sum(getattr(e, "units", 0) for e in log if e.row == row.row and _right(e))
    assert sum(tally.picked().values()) == sum(row.units for row in pack_tally(tally).rows)


@given(st.lists(SCANS, max_size=8), st.lists(SCANS, max_size=8))
def test_two_pickers_apart_lose_nothing_when_their_facts_meet(ann: list[Scan], bob: list[Scan]) -> None:
    _, hers = worked(ann)
    tally = Tally(ROWS)
    for number, scan in enumerate(bob):
        mine = Scan(f"bob-{number}", scan.code, scan.bin, scan.tote, "", scan.units, scan.row)
        tally = apply_scans(tally, decide_scan(tally, mine, BOOK))
    alone = Tally(ROWS)
    met = apply_scans(tally, hers)
    for row in ROWS:
        assert met.counted(row.row) == tally.counted(row.row) + apply_scans(alone, hers).counted(row.row)


def _right(event: PickEvent) -> bool:
    return getattr(event, "verdict", "") == "right"
