"""Cells and the journal: figures, floors, numbering, and looking back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from omscore.errors import InvalidValue, InvariantBroken, OmsError
from omscore.inventory import Cell, Figures, Movement, Short, as_of, folded, linked, receive, verify
from omscore.ports import Transaction
from omscore.testing._bench import A_LILLE, START, A, B, Bench, holds, raises, rule, same
from omscore.testing.model import walk


def _in(cell: Cell, units: int) -> Movement:
    return Movement(cell, "supplier", "free", units, "receive", "dock")


def _hold(cell: Cell, units: int) -> Movement:
    return Movement(cell, "free", "reserved", units, "reserve", "k", "r")


@rule("R-CELL-1", "I3 I4")
def units_move_between_buckets(bench: Bench) -> None:
    """A movement takes units from one bucket and puts them into another; the outside world is no bucket."""
    bench.run(lambda t: t.post([_in(A, 9), _hold(A, 4)], {}))
    bench.run(lambda t: t.post([Movement(A, "reserved", "allocated", 3, "allocate", "k", "r")], {}))
    same("figures", bench.figures(), Figures(free=5, reserved=1, allocated=3, version=3))


@rule("R-CELL-2", "I2")
def a_floor_is_kept(bench: Bench) -> None:
    """Free units that go down stay at their floor or above: one less raises Short, exactly the floor is fine."""
    bench.stock()
    raises(Short, lambda: bench.run(lambda t: t.post([_hold(A, 3)], {A: 3})))
    same("free", bench.free(), 5)
    bench.run(lambda t: t.post([_hold(A, 2)], {A: 3}))
    same("free", bench.free(), 3)


@rule("R-CELL-3", "I1 I2")
def without_a_floor_the_floor_is_zero(bench: Bench) -> None:
    """Free units never fall below 0, and a floor below 0 counts as 0."""
    bench.stock()
    raises(Short, lambda: bench.run(lambda t: t.post([_hold(A, 6)], {})))
    raises((Short, InvariantBroken), lambda: bench.run(lambda t: t.post([_hold(A, 6)], {A: -5})))
    raises(Short, lambda: bench.run(lambda t: t.post([_hold(Cell("Z", "ghent"), 1)], {})))
    same("free", bench.free(), 5)


@rule("R-CELL-4", "I1 I2")
def movements_of_one_cell_are_summed_before_the_floor(bench: Bench) -> None:
    """The floor is checked against what all movements of a posting leave in the cell, not against each by itself."""
    bench.stock()
    raises(Short, lambda: bench.run(lambda t: t.post([_hold(A, 3), _hold(A, 3)], {})))
    same("free", bench.free(), 5)
    bench.run(lambda t: t.post([_in(A, 3), _hold(A, 8)], {}))
    same("figures", bench.figures(), Figures(free=0, reserved=8, version=3))


@rule("R-CELL-5", "I2")
def a_floor_binds_only_what_goes_down(bench: Bench) -> None:
    """A floor above the free units stops taking, and never receiving, releasing or moving other buckets."""
    bench.stock()
    bench.run(lambda t: t.post([_hold(A, 3)], {}))
    bench.run(lambda t: t.post([_in(A, 1)], {A: 50}))
    bench.run(lambda t: t.post([Movement(A, "reserved", "free", 1, "release", "k", "r")], {A: 50}))
    bench.run(lambda t: t.post([Movement(A, "reserved", "allocated", 1, "allocate", "k", "r")], {A: 50}))
    raises(Short, lambda: bench.run(lambda t: t.post([_hold(A, 1)], {A: 50})))
    same("free", bench.free(), 4)


@rule("R-CELL-6", "I1")
def no_bucket_falls_below_zero(bench: Bench) -> None:
    """Taking from any other bucket what it does not hold raises InvariantBroken (or Short) and moves nothing."""
    bench.stock()
    for source, target, verb in (("reserved", "free", "release"), ("picked", "packed", "pack")):
        move = Movement(A, source, target, 1, verb, "k", "r")
        raises((InvariantBroken, Short), lambda move=move: bench.run(lambda t: t.post([move], {})))  # type: ignore[misc]
    same("figures", bench.figures(), Figures(free=5, version=1))


@rule("R-CELL-7", "I20")
def cells_are_told_apart_by_every_part(bench: Bench) -> None:
    """Cells that differ in item, node, pool or lot, in letter case, a space or the form of an accent are different."""
    cells = [
        A,
        Cell("a", "ghent"),
        Cell("A ", "ghent"),
        Cell("A", "Ghent"),
        Cell("A", "ghent", "web"),
        Cell("A", "ghent", "", "web"),
        Cell("A", "ghent", "WEB"),
        Cell("caf\u00e9", "ghent"),
        Cell("cafe\u0301", "ghent"),
        Cell("A'; DROP TABLE cells; --", 'gh"ent', "\\", "%_"),
    ]
    for n, cell in enumerate(cells, 1):
        bench.run(lambda t, c=cell, n=n: t.post([_in(c, n)], {}))  # type: ignore[misc]
    for n, cell in enumerate(cells, 1):
        same(f"free of {cell}", bench.free(cell), n)
    bench.run(lambda t: t.post([_hold(cells[4], 5)], {}))
    same("free of the shared pool", bench.free(), 1)
    same("cells", bench.read(lambda t: sorted(c for c, _ in t.cells())), sorted(cells))


@rule("R-CELL-8", "I4")
def cells_of_an_item_come_in_order(bench: Bench) -> None:
    """`cells_of` gives the cells in which an item ever moved, in order, and nobody else's; unknown cells show zeros."""
    cells = [Cell("A", "n2"), Cell("A", "n1", "web"), Cell("A", "n1"), Cell("A", "n1", "", "lot"), Cell("AA", "n0")]
    for cell in cells:
        bench.run(lambda t, c=cell: receive(t, {c: 1}, cause="k"))  # type: ignore[misc]
    same("cells of A", bench.read(lambda t: [c for c, _ in t.cells_of("A")]), sorted(cells[:4]))
    same("cells of Z", bench.read(lambda t: t.cells_of("Z")), [])
    same("an unknown cell", bench.figures(Cell("Z", "x")), Figures())
    bench.run(lambda t: t.post([Movement(cells[2], "free", "adjustment", 1, "count", "k")], {}))
    same("an emptied cell", bench.read(lambda t: len(t.cells_of("A"))), 4)


@rule("R-CELL-9", "I4")
def cells_are_walked_in_pages(bench: Bench) -> None:
    """`cells` gives every cell once, in order, however small the pages are."""
    cells = sorted(Cell(f"i{i % 5}", f"n{i % 3}", "p" * (i % 2)) for i in range(30))
    for cell in cells:
        bench.run(lambda t, c=cell: receive(t, {c: 1}, cause="k"))  # type: ignore[misc]
    for size in (1, 2, 7, 100):
        found: list[Cell] = []
        while page := bench.read(lambda t, f=found, n=size: t.cells(after=f[-1] if f else None, limit=n)):  # type: ignore[misc]
            holds("a page is longer than asked", len(page) <= size)
            found += [cell for cell, _ in page]
        same(f"cells in pages of {size}", found, sorted(set(cells)))


@rule("R-CELL-10", "I1")
def big_quantities_are_exact(bench: Bench) -> None:
    """Figures are whole numbers, exact beyond what a float can hold; more than a store can hold is refused."""
    big = 2**53 + 1
    bench.run(lambda t: t.post([_in(A, big)], {}))
    same("free", (bench.free(), type(bench.free())), (big, int))
    bench.run(lambda t: t.post([_hold(A, 1)], {}))
    same("free", bench.free(), big - 1)
    (_, entry) = bench.read(lambda t: t.journal(A))
    same("units", (entry.movement.units, type(entry.movement.units)), (1, int))
    raises((InvalidValue, OmsError), lambda: bench.run(lambda t: t.post([_in(A, 2**63 - 1)], {})))
    same("free", bench.free(), big - 1)


@rule("R-CELL-11", "I7")
def a_long_command_is_fine(bench: Bench) -> None:
    """A command of as many lines as the store declares (here up to 300) is committed whole."""
    lines = min(bench.capabilities.lines_max, 300)
    cells = [Cell(f"i{i:04}", "ghent") for i in range(lines)]
    bench.run(lambda t: t.post([_in(cell, 1) for cell in cells], {}))
    same("cells", bench.read(lambda t: len(t.cells(limit=10_000))), lines)
    same("entries", bench.read(lambda t: len(t.journal())), lines)


@rule("R-CELL-12", "I3")
def only_words_of_the_ledger_are_posted(bench: Bench) -> None:
    """A verb, a bucket or an outside that the ledger has not, and less than 1 unit, is InvalidValue; none is kept."""
    bench.stock()
    good = _hold(A, 1)
    wrong_words = [good._replace(verb="lend"), good._replace(target="pocket"), _in(A, 1)._replace(source="nobody")]
    for wrong in (*wrong_words, _hold(A, 0), _in(A, -1)):
        raises(InvalidValue, lambda wrong=wrong: bench.run(lambda t: t.post([good, wrong], {})))  # type: ignore[misc]
    same("figures", bench.figures(), Figures(free=5, version=1))


# -- the journal ------------------------------------------------------------------------------------------------------


@rule("R-JOURNAL-1", "I11")
def every_cell_is_numbered_without_gaps(bench: Bench) -> None:
    """The movements of a cell are numbered 1, 2, 3, ... and the last number is the cell's version."""
    bench.stock()
    for _ in range(3):
        bench.run(lambda t: t.post([_hold(A, 1), _hold(B, 1), _in(A, 1)], {}))
    for cell, last in ((A, 7), (A_LILLE, 1), (B, 4)):
        seqs = bench.read(lambda t, c=cell: [e.seq for e in t.journal(c)])  # type: ignore[misc]
        same(f"numbers of {cell}", seqs, list(range(1, last + 1)))
        same(f"version of {cell}", bench.figures(cell).version, last)


@rule("R-JOURNAL-2", "I11")
def what_was_rolled_back_leaves_no_gap(bench: Bench) -> None:
    """A command that failed takes no number: the next one follows the last that was committed."""
    bench.stock()

    def fail(t: Transaction) -> None:
        t.post([_hold(A, 1), _in(B, 1)], {})
        raise ZeroDivisionError

    raises(ZeroDivisionError, lambda: bench.run(fail))
    raises(Short, lambda: bench.run(lambda t: t.post([_hold(A, 99)], {})))
    bench.run(lambda t: t.post([_hold(A, 1)], {}))
    same("numbers", bench.read(lambda t: [e.seq for e in t.journal(A)]), [1, 2])
    same("version", bench.figures().version, 2)


@rule("R-JOURNAL-3", "I4")
def an_entry_keeps_every_word(bench: Bench) -> None:
    """An entry gives back its movement word for word, business time to the microsecond, and the store's time."""
    cell = Cell("A", "ghent", "web", "lot-7")
    at = START - timedelta(days=1, microseconds=1)
    moves = [
        Movement(cell, "supplier", "free", 5, "receive", "dock \u00e9'1", "", at),
        Movement(cell, "free", "supplier", 5, "correct", "fix-1", "ord-1", None, 1),
    ]
    bench.run(lambda t: t.post(moves, {}))
    entries = bench.read(lambda t: t.journal(cell))
    same("movements", [e.movement for e in entries], moves)
    same("recorded", [e.recorded_at for e in entries], [bench.clock.now()] * 2)


@rule("R-JOURNAL-4", "I4 I11")
def the_journal_is_read_in_pages(bench: Bench) -> None:
    """`journal` gives entries in recorded order, of one cell or of all; `after` skips, `limit` ends a page."""
    bench.stock()
    for _ in range(4):
        bench.run(lambda t: t.post([_hold(A, 1), _hold(B, 1)], {}))
    everything = bench.read(lambda t: t.journal())
    order = [(A, 1), (A_LILLE, 1), (B, 1)]
    for n in range(2, 6):
        order += [(A, n), (B, n)]
    same("order", [(e.movement.cell, e.seq) for e in everything], order)
    of_a = [e for e in everything if e.movement.cell == A]
    for after in range(6):
        got = bench.read(lambda t, n=after: t.journal(A, after=n, limit=2))  # type: ignore[misc]
        same(f"entries of one cell after {after}", got, of_a[after : after + 2])
        got = bench.read(lambda t, n=after: t.journal(after=n, limit=3))  # type: ignore[misc]
        same(f"entries after {after}", got, everything[after : after + 3])


@rule("R-JOURNAL-5", "I11")
def entries_never_change(bench: Bench) -> None:
    """What the journal once showed stays as it was, number, time and words, whatever happens later."""
    bench.stock()
    bench.run(lambda t: t.post([_hold(A, 2)], {}))
    shown: list[object] = list(bench.read(lambda t: t.journal()))
    back = Movement(A, "reserved", "free", 1, "release", "k", "r")
    for move in (back, _hold(A, 1)):
        bench.clock.advance(hours=1)
        bench.run(lambda t, m=move: t.post([m], {}))  # type: ignore[misc]
        now = bench.read(lambda t: t.journal())
        same("the entries shown before", now[: len(shown)], shown)
        shown = list(now)
    same("how many there are", len(shown), 6)


@rule("R-JOURNAL-6", "I1 I3 I4 I5 I6")
def the_books_always_verify(bench: Bench) -> None:
    """After any commands the figures are the sum of the journal, and reservations hold what the buckets hold."""
    steps = bench.times(60, 600, 6_000)
    for n, step in enumerate(walk(seed=7, steps=steps)):
        step(bench.store)
        if n % 20 == 0 or n == steps - 1:
            found = bench.read(verify).findings
            same(f"findings after {n + 1} commands", [str(f) for f in found], [])


@rule("R-JOURNAL-7", "I22")
def kept_figures_and_the_rest_make_the_whole(bench: Bench) -> None:
    """`snapshot` never looks past `upto`, and what it gives plus the entries behind it are the figures then."""
    bench.run(lambda t: t.post([_in(A, 1_000)], {}))
    for _ in range(bench.times(27, 110, 500)):
        bench.run(lambda t: t.post([_hold(A, 1) for _ in range(20)], {}))
        bench.run(lambda t: t.post([Movement(A, "reserved", "free", 20, "release", "k", "r")], {}))
    last = bench.figures().version
    for upto in (0, 1, 249, 250, 251, 400, last - 1, last, last + 9):
        kept = bench.read(lambda t, n=upto: t.snapshot(A, upto=n))  # type: ignore[misc]
        holds(f"a snapshot of {kept.version} for upto {upto}", kept.version <= upto)
        behind = bench.read(lambda t, k=kept: t.journal(A, after=k.version, limit=last))  # type: ignore[misc]
        whole = folded(kept, [e for e in behind if e.seq <= upto])
        first = bench.read(lambda t: t.journal(A))
        same(f"figures at {upto}", whole, folded(Figures(), first[:upto]))


@rule("R-JOURNAL-8", "I12")
def the_past_does_not_change(bench: Bench) -> None:
    """What a cell held at a number or a time is answered the same today and after anything that happens later."""
    bench.stock()
    answers = {}
    for n in range(1, 12):
        bench.clock.advance(minutes=1)
        bench.run(lambda t: t.post([_hold(A, 1), Movement(A, "reserved", "free", 1, "release", "k", "r")], {}))
        for at in (n, bench.clock.now()):
            answers[at] = bench.read(lambda t, at=at: as_of(t, A, at))  # type: ignore[misc]
        again = {at: bench.read(lambda t, at=at: as_of(t, A, at)) for at in answers}  # type: ignore[misc]
        same("the past", again, answers)


@rule("R-JOURNAL-9", "I11")
def the_chain_links(bench: Bench) -> None:
    """Where a store keeps digests, each is the link of the entry before it (see `linked`)."""
    bench.stock()
    bench.run(lambda t: t.post([_hold(A, 1), _hold(A, 1)], {}))
    previous = ""
    for entry in bench.read(lambda t: t.journal(A)):
        if entry.digest:
            same(f"digest of entry {entry.seq}", entry.digest, linked(previous, entry))
        previous = entry.digest


@rule("R-JOURNAL-10", "I11")
def an_import_keeps_its_times(bench: Bench) -> None:
    """`recorded_at` given by an import is kept; without it an entry is recorded by the store's clock."""
    then = datetime(2020, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
    bench.run(lambda t: t.post([_in(A, 1)], {}, recorded_at=then))
    bench.run(lambda t: t.post([_in(A, 1)], {}))
    same("recorded", bench.read(lambda t: [e.recorded_at for e in t.journal(A)]), [then, START])
