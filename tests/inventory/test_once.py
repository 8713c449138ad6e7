"""A key makes a retry harmless: the first answer is given again, and nothing moves twice."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omscore.errors import CommandRefused, InsufficientStock, KeyReused
from omscore.inventory import Cell, Ledger, MemoryBooks, Want, fingerprint, once, receive, reserve
from omscore.kernel import ManualClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CELL = Cell("SKU-1", "ghent")


def test_the_same_key_and_content_give_the_first_result_and_one_effect() -> None:
    books = MemoryBooks()
    for _ in range(3):
        once(books, "dock-7", "f", lambda: receive(books, {CELL: 5}, cause="dock-7"))
    assert books.figures([CELL])[CELL].free == 5


def test_the_same_key_with_other_content_is_refused_and_changes_nothing() -> None:
    books = MemoryBooks()
    once(books, "dock-7", "f", lambda: receive(books, {CELL: 5}, cause="dock-7"))
    with pytest.raises(KeyReused) as refused:
        once(books, "dock-7", "g", lambda: receive(books, {CELL: 6}, cause="dock-7"))
    assert refused.value.key == "dock-7"
    assert books.figures([CELL])[CELL].free == 5


def test_a_refused_key_may_be_tried_again_when_there_is_stock() -> None:
    books = MemoryBooks()

    def hold() -> int:
        return reserve(books, "ord-1", [Want("SKU-1", 2)], cause="web-1").cells[CELL]

    with pytest.raises(InsufficientStock):
        once(books, "web-1", "f", hold)
    receive(books, {CELL: 5}, cause="dock-7")
    assert once(books, "web-1", "f", hold) == 2


def test_a_command_never_runs_after_its_deadline_but_what_was_done_is_still_answered() -> None:
    clock = ManualClock(NOON)
    books = MemoryBooks(clock.now)
    assert once(books, "web-1", "f", lambda: "done", not_after=NOON) == "done"
    clock.advance(seconds=1)
    assert once(books, "web-1", "f", lambda: "never", not_after=NOON) == "done"
    with pytest.raises(CommandRefused) as refused:
        once(books, "web-2", "f", lambda: "never", not_after=NOON)
    assert [reason.code for reason in refused.value.reasons] == ["command.too_late"]
    assert once(books, "web-2", "f", lambda: "in time", not_after=NOON + timedelta(hours=1)) == "in time"


_words = st.text(st.characters(blacklist_categories=["C", "Z"]), min_size=1, max_size=6)
_wants = st.builds(Want, _words, st.integers(1, 9), st.none() | st.lists(_words, max_size=2), st.tuples(_words))


@given(st.lists(_wants, min_size=1, max_size=2), _words, st.none() | st.timedeltas(timedelta(0), timedelta(9)))
@example([Want("a'b\"c", 2)], "ord-'1", timedelta(minutes=15))
def test_a_reserve_is_named_by_its_parts_as_every_version_named_it(
    wants: list[Want], word: str, expires_in: timedelta | None
) -> None:
    ledger = Ledger.in_memory()
    ledger.reserve(word, wants, key="web-1", expires_in=expires_in, policy="partial", channel=word, priority=-3)
    told = tuple((w.item, w.units, w.nodes, w.pools) for w in wants)
    kept = ledger.store.run(lambda txn: txn.claimed("web-1"))
    assert kept is not None
    assert kept[0] == fingerprint("reserve", word, told, expires_in, "partial", word, -3)
    ledger.reserve(word, tuple(wants), key="web-1", expires_in=expires_in, policy="partial", channel=word, priority=-3)


def test_a_fingerprint_tells_every_part_apart() -> None:
    seen = {
        fingerprint("reserve", "a", 1),
        fingerprint("reserve", "a", "1"),
        fingerprint("reserve", "a1"),
        fingerprint("reserve", ("a", 1)),
        fingerprint("reserve", "a", None, NOON),
        fingerprint("reserve", "\ud800"),
    }
    assert len(seen) == 6


def test_a_pool_that_is_named_by_an_enum_is_the_same_want_in_a_list_and_in_a_tuple() -> None:
    class Pool(StrEnum):
        SHARED = ""

    ledger = Ledger.in_memory()
    ledger.receive({CELL: 5}, key="dock-7")
    want = Want("SKU-1", 1, pools=(Pool.SHARED,))
    assert ledger.reserve("ord-1", [want], key="web-1") == ledger.reserve("ord-1", (want,), key="web-1")
