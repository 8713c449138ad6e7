"""The ledger by itself: outcomes, what-ifs, and values that no store could keep."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from omscore import inventory
from omscore.adapters import MemoryStore
from omscore.errors import Busy, InvalidValue, Unknown
from omscore.inventory import Buffer, Cell, Ledger, MemoryBooks, Movement, Reservation, Short, Want, outcome
from omscore.kernel import QUANTITY_MAX, ManualClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CELL = Cell("SKU", "ghent")


def test_a_bulk_goes_on_after_a_refusal_and_tells_each_outcome() -> None:
    ledger = Ledger.in_memory()
    ledger.receive({CELL: 3}, key="dock-1")
    done = [outcome(lambda n=n: ledger.reserve(f"ord-{n}", [Want("SKU", 2)], key=f"web-{n}")) for n in range(3)]  # type: ignore[misc]
    assert [one.state for one in done] == ["done", "refused", "refused"]
    assert done[1].reasons[0].code == "stock.insufficient"
    assert outcome(lambda: ledger.pick("nobody", {CELL: 1}, key="p")).reasons[0].code == "command.not_found"
    assert outcome(lambda: ledger.receive({CELL: 9}, key="web-0")).reasons[0].code == "command.key_reused"


def test_an_unknown_commit_is_neither_done_nor_refused_and_a_busy_store_comes_through() -> None:
    def lost() -> None:
        raise Unknown("connection lost during COMMIT")

    def busy() -> None:
        raise Busy("locked")

    assert outcome(lost).state == "unknown"
    with pytest.raises(Busy):
        outcome(busy)


@pytest.mark.parametrize("notebook", [True, False])
def test_a_what_if_shares_nothing_with_what_is(notebook: bool) -> None:
    ledger = Ledger.in_memory() if notebook else Ledger(MemoryStore())
    ledger.receive({CELL: 3}, key="dock-1")
    ledger.reserve("ord-1", [Want("SKU", 1)], key="web-1", expires_in=timedelta(minutes=1))
    before = list(ledger.export())
    what_if = ledger.fork()
    what_if.reserve("ord-1", [Want("SKU", 3)], key="web-2")
    what_if.expect("po-1", "SKU", "ghent", 3, NOON, key="po-1")
    assert list(ledger.export()) == before
    assert what_if.figures(CELL).reserved == 3
    assert ledger.reserve("ord-1", [Want("SKU", 2)], key="web-2").cells == {CELL: 2}


@pytest.mark.parametrize(
    "stock",
    [
        {CELL: 0},
        {CELL: -1},
        {CELL: 2**63},
        {CELL: 1.5},
        {CELL: True},
        {Cell("", "ghent"): 1},
        {Cell("SKU", "ghent\x00"): 1},
        {Cell("SKU", "ghent", " pool"): 1},
        {Cell("S" * 256, "ghent"): 1},
        {Cell("\ud800", "ghent"): 1},
    ],
)
def test_what_no_store_could_keep_is_refused_before_anything_moves(stock: dict[Cell, int]) -> None:
    ledger = Ledger.in_memory()
    with pytest.raises(InvalidValue):
        ledger.receive(stock, key="dock-1")
    assert ledger.journal() == []


def test_figures_never_grow_beyond_what_every_store_can_hold() -> None:
    ledger = Ledger.in_memory()
    ledger.receive({CELL: QUANTITY_MAX}, key="dock-1")
    with pytest.raises(InvalidValue, match="more than any store can hold"):
        ledger.receive({CELL: 1}, key="dock-2")
    assert ledger.figures(CELL).free == QUANTITY_MAX


def test_ten_thousand_lines_are_one_command() -> None:
    ledger = Ledger.in_memory()
    ledger.receive({Cell(f"SKU-{n}", "ghent"): 1 for n in range(10_000)}, key="dock-1")
    wants = [Want(f"SKU-{n}", 1) for n in range(10_000)]
    assert len(ledger.reserve("ord-1", wants, key="web-1").cells) == 10_000
    assert ledger.release("ord-1", key="cancel-1") == 10_000


def test_a_late_copy_of_an_abandoned_request_cannot_succeed_after_a_restock() -> None:
    clock = ManualClock(NOON)
    ledger = Ledger.in_memory(clock.now)
    until = NOON + timedelta(seconds=30)
    one = outcome(lambda: ledger.reserve("ord-1", [Want("SKU", 1)], key="web-1", not_after=until))
    ledger.receive({CELL: 5}, key="dock-1")
    clock.advance(minutes=1)
    late = outcome(lambda: ledger.reserve("ord-1", [Want("SKU", 1)], key="web-1", not_after=until))
    assert (one.reasons[0].code, late.reasons[0].code) == ("stock.insufficient", "command.too_late")


def test_a_store_that_cannot_fork_says_what_to_do() -> None:
    class Remote:
        run = MemoryStore().run

    with pytest.raises(InvalidValue, match="export it"):
        Ledger(Remote()).fork()


def test_pages_of_reservations_and_keys_show_what_was_undone_and_what_came_instead() -> None:
    books = MemoryBooks()
    books.save_reservation(Reservation("b", {}))
    books.claim("b", "f", None)
    assert [r.id for r in books.reservations()] == ["b"]
    mark = books.mark()
    books.save_reservation(Reservation("a", {}))
    books.claim("a", "f", None)
    assert ([r.id for r in books.reservations()], len(books.claims())) == (["a", "b"], 2)
    books.rollback(mark)
    books.save_reservation(Reservation("c", {}))
    books.claim("c", "f", None)
    assert [r.id for r in books.reservations()] == [key for key, _, _ in books.claims()] == ["b", "c"]
    assert [r.id for r in books.reservations(after="b", limit=1)] == ["c"]


_TUPLE: Any = ("SKU-1", "ghent")

# Every command that names cells, given a plain tuple for one.
_NO_CELL: dict[str, Callable[[Ledger], object]] = {
    "receive": lambda on: on.receive({_TUPLE: 1}, key="k"),
    "return_stock": lambda on: on.return_stock({_TUPLE: 1}, to="free", key="k"),
    "allocate": lambda on: on.allocate("ord-1", {_TUPLE: 1}, key="k"),
    "pick": lambda on: on.pick("ord-1", {_TUPLE: 1}, key="k"),
    "short_pick": lambda on: on.short_pick("ord-1", {_TUPLE: 1}, key="k"),
    "count": lambda on: on.count({_TUPLE: 1}, key="k"),
    "damage": lambda on: on.damage({_TUPLE: 1}, key="k"),
    "restore": lambda on: on.restore({_TUPLE: 1}, key="k"),
    "repool": lambda on: on.repool({_TUPLE: 1}, "web", key="k"),
    "correct": lambda on: on.correct(_TUPLE, 1, key="k"),
    "send": lambda on: on.send("t-1", {_TUPLE: 1}, "lille", key="k"),
    "figures": lambda on: on.figures(_TUPLE),
    "journal": lambda on: on.journal(_TUPLE),
    "as_of": lambda on: on.as_of(_TUPLE, 1),
}


@pytest.mark.parametrize("verb", _NO_CELL)
@pytest.mark.parametrize("buffers", [(), (Buffer(units=1),)], ids=["no buffer", "a buffer"])
def test_a_plain_tuple_is_no_cell_and_the_refusal_shows_how_to_write_one(
    verb: str, buffers: tuple[Buffer, ...]
) -> None:
    with pytest.raises(InvalidValue, match=r"\('SKU-1', 'ghent'\) is no cell; write Cell\('SKU-1', 'ghent'\)"):
        _NO_CELL[verb](Ledger.in_memory(buffers=buffers))


@pytest.mark.parametrize(
    ("work", "told"),
    [
        (lambda books, tuple_: inventory.receive(books, {tuple_: 1}, cause="k"), "is no cell"),
        (lambda books, tuple_: inventory.allocate(books, "r", {tuple_: 1}, cause="k"), "is no cell"),
        (lambda books, tuple_: inventory.as_of(books, tuple_, 1), "is no cell"),
        (lambda books, tuple_: inventory.release(books, "r", {tuple_: 1}, cause="k"), "is no share"),
        (lambda books, tuple_: inventory.reserve(books, "r", [tuple_], cause="k"), "write Want"),
        (lambda books, tuple_: inventory.reserve(books, "r", [Want("A", 1), tuple_], cause="k"), "write Want"),
        (lambda books, _: inventory.reserve(books, "r", [], cause="k"), "nothing is wanted"),
    ],
    ids=["receive", "allocate", "as_of", "release", "reserve", "a second line", "nothing"],
)
def test_the_functions_on_books_refuse_tuples_and_nothing_too(work: Callable[[Any, Any], object], told: str) -> None:
    with pytest.raises(InvalidValue, match=told):
        work(inventory.MemoryBooks(), _TUPLE)


@pytest.mark.parametrize("verb", ["reserve", "outrank"])
@pytest.mark.parametrize(
    ("wants", "told"),
    [
        ([], "nothing is wanted: name at least one Want; to give up what is held, release it"),
        ([("SKU-1", 2)], "('SKU-1', 2) is nothing one can want; write Want('SKU-1', 2)"),
        ("SKU-1", "'S' is nothing one can want"),
        (Want("SKU-1", 2), "what is wanted is a list of wants; write [Want("),
        (None, "what is wanted is a list of wants, not None; write [Want('SKU-1', 2)]"),
        ((want for want in [Want("SKU-1", 2)]), "what is wanted is a list of wants, not <generator"),
    ],
)
def test_whoever_wants_nothing_or_no_wants_is_told_how_to_want(verb: str, wants: Any, told: str) -> None:
    ledger = Ledger.in_memory()
    priority = {} if verb == "reserve" else {"priority": 1}
    with pytest.raises(InvalidValue, match=re.escape(told)):
        getattr(ledger, verb)("ord-1", wants, key="web-1", **priority)
    assert ledger.reservation("ord-1") is None


def test_a_share_of_a_reservation_is_a_cell_and_a_bucket() -> None:
    ledger, cell = Ledger.in_memory(), Cell("SKU-1", "ghent")
    ledger.receive({cell: 5}, key="dock-7")
    ledger.reserve("ord-1", [Want("SKU-1", 2)], key="web-1")
    with pytest.raises(InvalidValue, match=r"is no share of a reservation; write \(Cell\("):
        ledger.release("ord-1", {cell: 1}, key="cancel-1")  # type: ignore[dict-item]
    assert ledger.release("ord-1", {(cell, "reserved"): 1}, key="cancel-1") == 1


@pytest.mark.parametrize(("units", "error"), [("2", InvalidValue), (99, Short)], ids=["no number", "too many"])
def test_a_posting_that_fails_half_way_leaves_nothing_to_a_command_that_goes_on(
    units: Any, error: type[Exception]
) -> None:
    books, other = MemoryBooks(), Cell("SKU", "lille")
    books.post([Movement(CELL, "supplier", "free", 5, "receive", "dock-7")], {})
    before = books.figures([CELL, other]), books.journal(), books.cells()
    with pytest.raises(error):
        books.post(
            [
                Movement(other, "supplier", "free", 3, "receive", "dock-8"),
                Movement(CELL, "free", "damaged", units, "damage", "drop-1"),
            ],
            {},
        )
    assert (books.figures([CELL, other]), books.journal(), books.cells()) == before
    books.post([Movement(CELL, "free", "damaged", 1, "damage", "drop-2")], {})
    assert [e.seq for e in books.journal(CELL)] == [1, 2]
