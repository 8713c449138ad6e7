"""The ledger's invariants one by one, on every store; tests/machines holds the others after each step.

Numbers are those of docs/explanation/ledger.md, whose table says where each of them is held.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import permutations
from threading import Thread
from time import perf_counter
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.fresh import Fresh

from omscore.errors import CommandRefused, Corrupt, InsufficientStock
from omscore.inventory import (
    Buffer,
    Cell,
    Figures,
    Ledger,
    MemoryBooks,
    Movement,
    Reservation,
    Want,
    allocate,
    as_of,
    atp,
    export_lines,
    extend,
    fill,
    floors,
    folded,
    import_lines,
    newest_first,
    receive,
    release,
    reserve,
    supplies,
    verify,
)
from omscore.kernel import ManualClock, Rng
from omscore.ports import Effect, Store, Transaction

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CELL = Cell("SKU", "ghent")
HOUR = timedelta(hours=1)

Do = Callable[..., Any]


def doing(store: Store) -> Do:
    """Runs a verb on a store, in a transaction of its own."""
    return lambda verb, *args, **options: store.run(lambda txn: verb(txn, *args, **options))


def row(txn: Any, cell: Cell = CELL) -> Figures:
    found: Figures = txn.figures([cell])[cell]
    return found


def everybody(txn: Any) -> list[Reservation]:
    found: list[Reservation] = txn.reservations()
    return found


small = st.integers(0, 12)
asks = st.lists(st.integers(1, 5), min_size=1, max_size=8)


def test_i2_a_reserve_never_leaves_less_than_the_floor_it_was_given(fresh: Fresh) -> None:
    @fresh.examples
    @given(free=small, floor=small, asked=asks)
    def check(free: int, floor: int, asked: list[int]) -> None:
        do = doing(fresh())
        if free:
            do(receive, {CELL: free}, cause="dock")
        for n, units in enumerate(asked):
            before = do(row).free
            want = [Want("SKU", units)]
            if before - units < floor:
                with pytest.raises(InsufficientStock) as refused:
                    do(reserve, f"r{n}", want, cause=f"k{n}", floors={CELL: floor})
                assert refused.value.shortages[0].available == max(0, before - floor)
            else:
                do(reserve, f"r{n}", want, cause=f"k{n}", floors={CELL: floor})
                assert do(row).free >= floor

    check()


def test_i6_what_was_reserved_is_allocated_released_expired_or_still_held(fresh: Fresh) -> None:
    @fresh.examples
    @given(seed=st.integers(0, 10_000))
    def check(seed: int) -> None:
        clock, rng = ManualClock(START), Rng(seed)
        do = doing(fresh(clock))
        do(receive, {CELL: 20}, cause="dock")
        for n in range(25):
            order = f"r{rng.below(4)}"
            with suppress(CommandRefused):  # a refusal moves nothing, which the sums below would show
                do(_random_step, order, rng, f"k{n}")
            clock.advance(minutes=rng.below(3))
        moved: dict[tuple[str, str], int] = {}
        for entry in do(lambda txn: txn.journal(CELL)):
            move = entry.movement
            if "reserved" in (move.source, move.target):
                key = (move.reservation, move.verb)
                moved[key] = moved.get(key, 0) + move.units
        for reservation in do(everybody):
            settled = sum(moved.get((reservation.id, verb), 0) for verb in ("allocate", "release", "expire"))
            assert moved.get((reservation.id, "reserve"), 0) == settled + reservation.units("reserved")

    check()


def _random_step(books: Transaction, order: str, rng: Rng, cause: str) -> None:
    own = books.reservation(order)
    held = {cell: n for (cell, bucket), n in own.held.items() if bucket == "reserved"} if own else {}
    step = rng.below(4)
    if step == 0 or not held:
        reserve(books, order, [Want("SKU", 1 + rng.below(5))], cause=cause, expires_in=timedelta(minutes=3))
    elif step == 1:
        release(books, order, {(CELL, "reserved"): 1}, cause=cause)
    elif step == 2 and own is not None and own.expires_at is not None and own.expires_at > books.now():
        allocate(books, order, {CELL: 1 + rng.below(held[CELL])}, cause=cause, rest="release")
    else:
        extend(books, order, timedelta(minutes=2))


class Crash(Exception):
    """The process stops here."""


class Crashing:
    """A transaction that stops dead at its k-th call."""

    def __init__(self, txn: Any, calls: int) -> None:
        self._txn, self._left = txn, calls

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._txn, name)

        def counted(*args: Any, **options: Any) -> Any:
            if self._left == 0:
                raise Crash(name)
            self._left -= 1
            return call(*args, **options)

        return counted


class CrashingStore:
    """A store whose next transaction stops at its k-th call, or right before its commit."""

    def __init__(self, store: Store) -> None:
        self.store, self.crash_at = store, -1

    def run(self, work: Callable[[Any], Any], *, write: bool = True) -> Any:
        def crashing(txn: Any) -> Any:
            if self.crash_at < 0:
                return work(txn)
            proxy = Crashing(txn, self.crash_at)
            result = work(proxy)
            if proxy._left == 0:
                raise Crash("commit")
            return result

        return self.store.run(crashing, write=write)


COMMANDS: dict[str, Callable[[Ledger], Any]] = {
    "receive": lambda s: s.receive({CELL: 3}, key="k"),
    "reserve": lambda s: s.reserve("new", [Want("SKU", 6)], key="k", expires_in=HOUR),
    "reserve more": lambda s: s.reserve("soft", [Want("SKU", 7), Want("OTHER", 2)], key="k", policy="backorder"),
    "outrank": lambda s: s.outrank("vip", [Want("SKU", 9)], key="k", priority=5),
    "allocate": lambda s: s.allocate("soft", {CELL: 2}, key="k", rest="release"),
    "release": lambda s: s.release("soft", key="k"),
    "expire": lambda s: s.expire(key="k"),
    "extend": lambda s: s.extend("soft", HOUR, key="k"),
    "pick": lambda s: s.pick("hard", {CELL: 1}, key="k"),
    "short_pick": lambda s: s.short_pick("hard", {CELL: 1}, key="k"),
    "count": lambda s: s.count({CELL: 1}, key="k", victims=newest_first, let_wait=True),
    "feed": lambda s: s.feed("ghent", {"SKU": 1, "OTHER": 9}, key="k"),
    "scrap": lambda s: s.scrap({CELL: 5}, key="k", source="free", victims=newest_first),
    "repool": lambda s: s.repool({CELL: 2}, "m", key="k"),
    "send": lambda s: s.send("t-2", {CELL: 1}, "lille", key="k", due_at=START + HOUR),
    "arrive": lambda s: s.arrive("t-1", key="k"),
    "correct": lambda s: s.correct(CELL, 1, key="k"),
    "expect": lambda s: s.expect("po-1", "OTHER", "ghent", 1, START + HOUR, key="k"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_i7_i9_a_crash_at_any_call_leaves_all_or_nothing_and_the_same_key_finishes_the_work(
    name: str, fresh: Fresh
) -> None:
    clock = ManualClock(START)
    store = CrashingStore(fresh(clock))
    ledger = Ledger(store)
    ledger.receive({CELL: 12}, key="dock-1")
    ledger.receive({Cell("SKU", "lille"): 2}, key="dock-2")
    ledger.expect("po-1", "OTHER", "ghent", 5, START + 2 * HOUR, key="po-1")
    ledger.reserve("over", [Want("SKU", 2, nodes=("ghent",))], key="web-0", expires_in=timedelta(minutes=1))
    ledger.reserve("soft", [Want("SKU", 3, nodes=("ghent",))], key="web-1")
    ledger.reserve("waits", [Want("OTHER", 4)], key="web-2", policy="promise")
    ledger.allocate("hard", {CELL: 2}, key="route-1")
    ledger.send("t-1", {Cell("SKU", "lille"): 1}, "ghent", key="t-1")
    clock.advance(minutes=1)
    if name == "correct":
        ledger.count({CELL: 20}, key="count-0")
    before = list(ledger.export())
    # Each call in memory; on disk some of them, since tests/inventory/test_crash_points.py and the soak take them all.
    for crash_at in range(0, 200, 6 // fresh.share(6)):
        store.crash_at = crash_at
        try:
            result = COMMANDS[name](ledger)
        except Crash:
            store.crash_at = -1
            assert list(ledger.export()) == before
            assert ledger.verify().ok
        else:
            break
    store.crash_at = -1
    assert crash_at > 3 or fresh.kind != "memory"
    after = list(ledger.export())
    assert after != before
    assert COMMANDS[name](ledger) == result
    assert list(ledger.export()) == after
    assert ledger.verify().ok


def test_i10_there_is_a_message_for_each_effect_and_an_effect_for_each_message(fresh: Fresh) -> None:
    @fresh.examples
    @given(asked=asks, crashes=st.lists(st.integers(-1, 9), min_size=8, max_size=8))
    def check(asked: list[int], crashes: list[int]) -> None:
        def sell(txn: Transaction, id_: str, units: int) -> None:
            txn.emit([Effect(id_, "notify.sold", {"units": units})])
            reserve(txn, id_, [Want("SKU", units)], cause=id_)

        store = CrashingStore(fresh())
        store.run(lambda txn: receive(txn, {CELL: 12}, cause="dock"))
        for n, units in enumerate(asked):
            store.crash_at = crashes[n]
            with suppress(Crash, InsufficientStock):
                store.run(lambda txn, n=n, units=units: sell(txn, f"r{n}", units))  # type: ignore[misc]
        store.crash_at = -1
        told = {effect.id: effect.payload["units"] for effect, _, _ in store.run(lambda txn: txn.outbox("waiting"))}
        assert told == {r.id: r.units("reserved") for r in store.run(everybody)}
        assert sum(told.values()) == store.run(row).reserved

    check()


def test_i13_threads_see_one_order_of_events_and_every_refusal_was_true_at_some_instant(fresh: Fresh) -> None:
    ledger = Ledger(fresh())
    ledger.receive({CELL: 60}, key="dock")
    done: list[tuple[float, float, int, bool]] = []

    def shop(name: int) -> None:
        rng = Rng(name)
        for n in range(15):
            units = 1 + rng.below(4)
            start = perf_counter()
            try:
                ledger.reserve(f"{name}-{n}", [Want("SKU", units)], key=f"{name}-{n}")
                ok = True
            except InsufficientStock:
                ok = False
            done.append((start, perf_counter(), units, ok))

    threads = [Thread(target=shop, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    got = sum(units for _, _, units, ok in done if ok)
    figures = ledger.figures(CELL)
    assert (figures.free, figures.reserved) == (60 - got, got)
    # Stock only falls here, so a refusal is true if what had been taken by its end left too little.
    for _, end, units, ok in done:
        if not ok:
            taken_by_then = sum(u for start, _, u, other in done if other and start < end)
            assert 60 - taken_by_then < units
    assert ledger.verify().ok


def test_i14_independent_commands_end_in_the_same_state_in_any_order_with_any_repeats(fresh: Fresh) -> None:
    commands: Sequence[Callable[[Ledger], Any]] = (
        lambda s: s.receive({CELL: 5}, key="dock-2"),
        lambda s: s.reserve("a", [Want("SKU", 3)], key="web-a"),
        lambda s: s.allocate("b", {CELL: 2}, key="route-b"),
        lambda s: s.damage({CELL: 1}, key="drop-1"),
        lambda s: s.return_stock({CELL: 2}, to="quarantine", key="ret-1"),
    )
    ends = set()
    orders = list(permutations(range(len(commands))))
    for order in orders[:: len(orders) // fresh.share(len(orders))]:
        ledger = Ledger(fresh())
        ledger.receive({CELL: 10}, key="dock-1")
        for n in (*order, *order[:2]):
            commands[n](ledger)
        held = [(r.id, tuple(r.held.items())) for r in ledger.store.run(lambda txn: txn.reservations())]
        ends.add((ledger.figures(CELL), tuple(held)))
    assert len(ends) == 1


def test_i15_i16_a_hold_stands_until_its_deadline_and_is_sellable_from_that_instant(fresh: Fresh) -> None:
    @fresh.examples
    @given(minutes=st.integers(1, 60), at=st.integers(-3, 3))
    @example(minutes=5, at=0)
    @example(minutes=5, at=-1)
    def check(minutes: int, at: int) -> None:
        clock = ManualClock(START)
        do = doing(fresh(clock))
        do(receive, {CELL: 1}, cause="dock")
        do(reserve, "first", [Want("SKU", 1)], cause="k1", expires_in=timedelta(minutes=minutes))
        clock.set(START + timedelta(minutes=minutes, microseconds=at))
        if at < 0:
            with pytest.raises(InsufficientStock):
                do(reserve, "second", [Want("SKU", 1)], cause="k2")
            do(allocate, "first", {CELL: 1}, cause="k3")
            assert do(row).allocated == 1
        else:
            with pytest.raises(CommandRefused):
                do(extend, "first", HOUR)
            do(reserve, "second", [Want("SKU", 1)], cause="k2")
            with pytest.raises(InsufficientStock):
                do(allocate, "first", {CELL: 1}, cause="k3")

    check()


def test_i16_a_clock_that_goes_back_neither_expires_early_nor_records_the_past(fresh: Fresh) -> None:
    clock = ManualClock(START)
    do = doing(fresh(clock))
    do(receive, {CELL: 1}, cause="dock")
    clock.set(START - 24 * HOUR)
    held = do(reserve, "first", [Want("SKU", 1)], cause="k1", expires_in=HOUR)
    assert held.expires_at == START + HOUR
    assert [entry.recorded_at for entry in do(lambda txn: txn.journal())] == [START, START]


queues = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2)), min_size=1, max_size=8)


def test_i18_backorders_are_filled_by_priority_and_oldest_first(fresh: Fresh) -> None:
    @fresh.examples
    @given(queue=queues, receipts=st.lists(st.integers(1, 6), min_size=1, max_size=6))
    def check(queue: list[tuple[int, int]], receipts: list[int]) -> None:
        clock = ManualClock(START)
        do = doing(fresh(clock))
        for n, (units, priority) in enumerate(queue):
            do(reserve, f"r{n}", [Want("SKU", units)], cause=f"k{n}", policy="backorder", priority=priority)
            clock.advance(minutes=1)
        turns = sorted(range(len(queue)), key=lambda n: (-queue[n][1], n))
        left = {n: queue[n][0] for n in turns}
        for n, units in enumerate(receipts):
            do(receive, {CELL: units}, cause=f"dock-{n}")
            do(fill, "SKU", cause=f"dock-{n}")
            for turn in turns:
                given_now = min(left[turn], units)
                left[turn] -= given_now
                units -= given_now  # noqa: PLW2901 - the receipt is used up in the queue's order
            got = {r.id: r.units("reserved") for r in do(everybody)}
            assert got == {f"r{n}": queue[n][0] - left[n] for n in turns}

    check()


dated = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=6)


def _days(rows: list[tuple[int, int]]) -> list[tuple[datetime, int]]:
    return [(START + timedelta(days=day), units) for day, units in rows]


@given(free=small, supply=dated, demand=dated)
def test_i19_atp_is_the_least_of_supply_minus_demand_from_then_on(
    free: int, supply: list[tuple[int, int]], demand: list[tuple[int, int]]
) -> None:
    curve = atp(free, _days(supply), _days(demand))
    for day in range(11):
        least = min(
            free + sum(n for d, n in supply if d <= later) - sum(n for d, n in demand if d <= later)
            for later in range(day, 11)
        )
        assert curve.at(START + timedelta(days=day)) == max(0, least)


@given(free=small, supply=dated, demand=dated, which=st.integers(0, 5), later=st.integers(1, 5))
def test_i19_moving_a_receipt_later_never_raises_what_may_be_promised_before_its_new_date(
    free: int, supply: list[tuple[int, int]], demand: list[tuple[int, int]], which: int, later: int
) -> None:
    assume(which < len(supply))
    day, units = supply[which]
    moved = [*supply[:which], (day + later, units), *supply[which + 1 :]]
    before, after = atp(free, _days(supply), _days(demand)), atp(free, _days(moved), _days(demand))
    for n in range(day + later):
        when = START + timedelta(days=n)
        assert after.at(when) <= before.at(when)


def test_i19_promises_never_exceed_the_supply_of_any_date(fresh: Fresh) -> None:
    @fresh.examples
    @given(seed=st.integers(0, 10_000))
    def check(seed: int) -> None:
        rng, ledger = Rng(seed), Ledger(fresh(ManualClock(START)))
        for n in range(14):
            if rng.below(3) == 0:
                due_at = START + timedelta(days=rng.below(8))
                ledger.expect(f"po-{rng.below(3)}", "SKU", "ghent", rng.below(9), due_at, key=f"k{n}")
            else:
                want = [Want("SKU", 1 + rng.below(4))]
                ledger.reserve(f"r{rng.below(6)}", want, key=f"k{n}", policy="backorder", priority=rng.below(2))
            lines = ledger.store.run(lambda txn: supplies(txn, "SKU"))
            promised = [(b.promised_at, b.units) for b in ledger.backorders("SKU") if b.promised_at is not None]
            for when, _ in promised:
                asked = sum(units for at, units in promised if at <= when)
                assert asked <= sum(s.outstanding for s in lines if s.due_at <= when)

    check()


def test_i20_no_command_on_one_side_of_a_fence_lowers_the_other_side(fresh: Fresh) -> None:
    fenced = CELL._replace(pool="marketplace")

    @fresh.examples
    @given(seed=st.integers(0, 10_000))
    def check(seed: int) -> None:
        rng, do = Rng(seed), doing(fresh())
        do(receive, {CELL: 6, fenced: 6}, cause="dock")
        for n in range(12):
            pools = (("",), ("marketplace",), ("marketplace", ""))[rng.below(3)]
            before = do(lambda txn: txn.figures([CELL, fenced]))
            try:
                got = do(reserve, f"r{n}", [Want("SKU", 1 + rng.below(3), pools=pools)], cause=f"k{n}")
            except InsufficientStock:
                continue
            after = do(lambda txn: txn.figures([CELL, fenced]))
            for cell in (CELL, fenced):
                if cell.pool not in pools:
                    assert after[cell] == before[cell]
            if pools == ("marketplace", "") and CELL in got.cells:
                assert after[fenced].free == 0, "a fence's own units go before the shared ones"

    check()


def test_i22_figures_kept_now_and_then_plus_the_tail_are_the_full_replay(fresh: Fresh) -> None:
    clock = ManualClock(START)
    do = doing(fresh(clock))
    rng, rows = Rng(7), [Figures()]
    moves = 1_200 if fresh.kind == "memory" else 230  # figures are kept at each 250th number there, here at each 100th
    do(lambda txn: txn.post([Movement(CELL, "supplier", "free", 500, "receive", "dock")], {}))
    for n in range(moves):
        here = do(row)
        out = rng.below(2) == 0 and here.free > 0
        path = ("free", "damaged", "damage") if out or not here.damaged else ("damaged", "free", "restore")
        move = Movement(CELL, path[0], path[1], 1, path[2], f"k{n}")
        do(lambda txn, move=move: txn.post([move], {}))
        clock.advance(seconds=1)
    for entry in do(lambda txn: txn.journal(CELL)):
        rows.append(folded(rows[-1], [entry]))
    for seq in range(0, moves + 2, 7):
        assert do(as_of, CELL, seq) == rows[seq]
    assert do(as_of, CELL, START + timedelta(seconds=100)) == rows[102]
    assert do(as_of, CELL, START - HOUR) == Figures()
    assert do(as_of, CELL, START + 24 * HOUR) == do(row)


def test_i23_an_export_reads_back_byte_for_byte_and_a_changed_or_cut_one_is_found_out(fresh: Fresh) -> None:
    clock = ManualClock(START)
    ledger = Ledger.in_memory(clock.now)
    ledger.receive({CELL: 9, Cell("SKU", "lille", "", "lot-1"): 4}, key="dock-1", effective_at=START - HOUR)
    ledger.expect("po-1", "SKU", "ghent", 30, START + 24 * HOUR, key="po-1")
    ledger.reserve("ord-1", [Want("SKU", 20)], key="web-1", policy="promise", expires_in=HOUR, priority=2)
    ledger.reserve("ord-2", [Want("SKU", 2)], key="web-2", policy="backorder", channel="web")
    ledger.count({Cell("B", "lille"): 4}, key="count-1")
    ledger.correct(Cell("B", "lille"), 1, key="typo-1")
    ledger.feed("vendor-1", {"B": 3, "C": 9}, key="feed-1")
    ledger.send("t-1", {Cell("C", "vendor-1"): 2}, "ghent", key="t-1", due_at=START + HOUR)
    lines = list(ledger.export())
    twin = Ledger(fresh(clock))
    assert twin.import_(lines) == len(ledger.journal())
    assert list(twin.export()) == lines
    assert twin.verify() == ledger.verify()
    assert twin.backorders("SKU") == ledger.backorders("SKU")
    for n, line in enumerate(lines):
        with pytest.raises(Corrupt):
            import_lines(
                MemoryBooks(), [*lines[:n], line.replace("0", "1", 1) + " " * ("0" not in line), *lines[n + 1 :]]
            )
        with pytest.raises(Corrupt):
            import_lines(MemoryBooks(), lines[:n])
    with pytest.raises(CommandRefused):
        twin.import_(lines)


def test_i24_splitting_a_receipt_renaming_an_item_or_a_settled_pair_changes_no_later_answer(fresh: Fresh) -> None:
    @fresh.examples
    @given(first=st.integers(1, 9), second=st.integers(1, 9), asked=asks)
    def check(first: int, second: int, asked: list[int]) -> None:
        def answers(prepare: Callable[[Do], object], item: str = "SKU") -> list[int]:
            do = doing(fresh())
            prepare(do)
            got = []
            for n, units in enumerate(asked):
                try:
                    got.append(sum(do(reserve, f"r{n}", [Want(item, units)], cause=f"k{n}").cells.values()))
                except InsufficientStock as refused:
                    got.append(-refused.shortages[0].available)
            return got

        def split(do: Do) -> None:
            do(receive, {CELL: first}, cause="dock-1")
            do(receive, {CELL: second}, cause="dock-2")

        def settled(do: Do) -> None:
            split(do)
            do(reserve, "gone", [Want("SKU", 1)], cause="web-0")
            do(release, "gone", cause="cancel-0")

        whole = answers(lambda do: do(receive, {CELL: first + second}, cause="dock"))
        assert answers(split) == whole
        assert answers(settled) == whole
        renamed = {Cell("NEW", "ghent"): first + second}
        assert answers(lambda do: do(receive, renamed, cause="dock"), "NEW") == whole

    check()


@given(on_hand=st.integers(0, 500), percent=st.integers(0, 100), held=st.integers(0, 50))
def test_a_share_kept_back_is_rounded_up_so_that_what_is_published_is_rounded_down(
    on_hand: int, percent: int, held: int
) -> None:
    row = Figures(free=on_hand, reserved=held)
    keep = floors([Buffer(percent=percent)], [(CELL, row)]).get(CELL, 0)
    total = on_hand + held
    assert total - keep == total * (100 - percent) // 100


def test_verify_names_the_entry_that_was_changed() -> None:
    books = MemoryBooks()
    receive(books, {CELL: 5}, cause="dock-1")
    receive(books, {CELL: 3}, cause="dock-2")
    reserve(books, "ord-1", [Want("SKU", 4)], cause="web-1")
    lines = list(export_lines(books))
    rows = books._accounts[CELL].rows
    row = rows[1]
    seq, at, source, target, units, verb, *rest = row
    rows[1] = (seq, at, source, target, units + 1, verb, *rest)  # type: ignore[assignment]
    assert [reason.code for reason in verify(books).findings] == ["ledger.figures"]
    rows[1] = (7, *row[1:])
    assert "number 7 follows" in verify(books).findings[0].text
    rows[1] = (seq, at, "customer", target, units, "ship", *rest)  # type: ignore[assignment]
    assert "'dock-2'" in verify(books).findings[0].text
    rows[1] = row
    assert verify(books).ok
    *most, held = books._reservations["ord-1"]
    books._reservations["ord-1"] = (*most, held - 1)
    assert [reason.code for reason in verify(books).findings] == ["ledger.reservation"]
    assert lines[2] != lines[1]
