"""Any sequence of commands, with retries, refusals and jumping clocks: after each the ledger keeps its promises.

The invariants named I1 to I24 are those of the ledger's explanation page; the ones here are checked after every step.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.fresh import Fresh

from omscore.adapters import MemoryStore
from omscore.errors import CommandRefused, KeyReused
from omscore.inventory import (
    HELD,
    Cell,
    Entry,
    Figures,
    Ledger,
    LedgerStore,
    Outcome,
    Want,
    lowest_priority_first,
    outcome,
    supplies,
)
from omscore.kernel import ManualClock

START = datetime(2026, 3, 2, 9, tzinfo=UTC)

cells = st.builds(Cell, st.sampled_from("AB"), st.sampled_from("xy"), st.sampled_from(["", "m"]), st.just(""))
orders = st.sampled_from(["ord-1", "ord-2", "ord-3"])
units = st.integers(1, 6)
wants = st.lists(
    st.builds(
        Want,
        st.sampled_from("AB"),
        units,
        st.one_of(st.none(), st.permutations(["x", "y"]), st.just(["y"])),
        st.sampled_from([("",), ("m", ""), ("", "m")]),
    ),
    min_size=1,
    max_size=3,
)
INSIDE = set(Figures._fields[:-1])


class LedgerMachine(RuleBasedStateMachine):
    """Drives one ledger; each rule is one command, and every refusal must leave the ledger byte for byte as it was."""

    def make_store(self) -> LedgerStore:
        raise NotImplementedError

    @initialize()
    def open(self) -> None:
        self.clock = ManualClock(START)
        self.ledger = Ledger(self.make_store())
        self.done: list[tuple[Callable[[], Any], Any]] = []
        self.keys = 0
        self.seen: list[Entry] = []
        self.past: list[tuple[Cell, datetime, Figures]] = []
        self.supplied = {"A": 0, "B": 0}

    def command(self, run: Callable[[str], Any]) -> Any:
        self.keys += 1
        key = f"k-{self.keys}"
        before = list(self.ledger.export())
        result: Outcome[Any] = outcome(lambda: run(key))
        if result.done:
            self.done.append((lambda: run(key), result.result))
        else:
            assert list(self.ledger.export()) == before, "a refused command left a trace"
        return result

    # -- commands ---------------------------------------------------------------------------------------------------

    @rule(cell=cells, n=units, to=st.sampled_from(["free", "free", "quarantine"]))
    def receive(self, cell: Cell, n: int, to: str) -> None:
        if self.command(lambda key: self.ledger.receive({cell: n}, key=key, to=to)).done:
            self.supplied[cell.item] += n

    @rule(
        order=orders,
        wanted=wants,
        policy=st.sampled_from(["all", "all", "partial", "backorder", "promise"]),
        minutes=st.one_of(st.none(), st.integers(1, 10)),
        priority=st.integers(0, 2),
    )
    def reserve(self, order: str, wanted: list[Want], policy: str, minutes: int | None, priority: int) -> None:
        until = None if minutes is None else timedelta(minutes=minutes)
        free = {cell: row.free for item in "AB" for cell, row in self.cells(item)}
        own = self.ledger.reservation(order)
        ran_out = self.expired_units(order)
        result = self.command(
            lambda key: self.ledger.reserve(order, wanted, key=key, policy=policy, expires_in=until, priority=priority)
        )
        if not result.done and policy == "all":
            # I17: refused only if truly short, counting what has run out and what one holds already.
            asked = {w.item: 0 for w in wanted}
            for w in wanted:
                asked[w.item] += w.units
            room = {
                item: sum(
                    n + ran_out.get(cell, 0) + (own.held.get((cell, "reserved"), 0) if own else 0)
                    for cell, n in free.items()
                    if cell.item == item
                )
                for item in asked
            }
            loose = all(w.nodes is None or len(w.nodes) == 2 for w in wanted) and all(len(w.pools) == 2 for w in wanted)
            assert not loose or any(asked[item] > room[item] for item in asked), "refused without being short"

    @rule(order=orders, wanted=wants, priority=st.integers(1, 3), hard=st.booleans())
    def outrank(self, order: str, wanted: list[Want], priority: int, hard: bool) -> None:
        ranks = {r.id: r.priority for r in self.reservations()}
        result = self.command(lambda key: self.ledger.outrank(order, wanted, key=key, priority=priority, hard=hard))
        if result.done:
            assert all(ranks[v.reservation] < priority for v in result.result.victims)

    @rule(order=orders, cell=cells, n=units, rest=st.sampled_from(["keep", "release"]))
    def allocate(self, order: str, cell: Cell, n: int, rest: Any) -> None:
        self.command(lambda key: self.ledger.allocate(order, {cell: n}, key=key, rest=rest))

    @rule(order=orders)
    def allocate_what_is_reserved(self, order: str) -> None:
        own = self.ledger.reservation(order)
        held = {cell: n for (cell, bucket), n in own.held.items() if bucket == "reserved"} if own else {}
        if held:
            in_time = own is not None and (own.expires_at is None or own.expires_at > self.now())
            result = self.command(lambda key: self.ledger.allocate(order, held, key=key))
            assert result.done or not in_time, "one's own units in time are always there (I16)"

    @rule(order=orders, minutes=st.one_of(st.none(), st.integers(1, 10)))
    def extend(self, order: str, minutes: int | None) -> None:
        until = None if minutes is None else timedelta(minutes=minutes)
        self.command(lambda key: self.ledger.extend(order, until, key=key))

    @rule(order=orders)
    def release(self, order: str) -> None:
        self.command(lambda key: self.ledger.release(order, key=key))

    @rule(order=orders, cell=cells, bucket=st.sampled_from(HELD), n=units)
    def release_some(self, order: str, cell: Cell, bucket: str, n: int) -> None:
        self.command(lambda key: self.ledger.release(order, {(cell, bucket): n}, key=key))

    @rule(order=orders, verb=st.sampled_from(["pick", "pack", "ship", "short_pick"]), n=units)
    def forward(self, order: str, verb: str, n: int) -> None:
        own = self.ledger.reservation(order)
        bucket = {"pack": "picked", "ship": "packed"}.get(verb, "allocated")
        held = [(cell, has) for (cell, b), has in own.held.items() if b == bucket] if own else []
        cell, has = held[0] if held else (Cell("A", "x"), n)
        moved = min(n, has)
        if self.command(lambda key: getattr(self.ledger, verb)(order, {cell: moved}, key=key)).done and verb in (
            "ship",
            "short_pick",
        ):
            self.supplied[cell.item] -= moved

    @rule(cell=cells, n=units, to=st.sampled_from(["free", "quarantine", "damaged", "scrap"]))
    def give_back(self, cell: Cell, n: int, to: str) -> None:
        if self.command(lambda key: self.ledger.return_stock({cell: n}, to=to, key=key)).done and to != "scrap":
            self.supplied[cell.item] += n

    @rule(cell=cells, n=st.integers(0, 8), listing=st.booleans(), waits=st.booleans())
    def count(self, cell: Cell, n: int, listing: bool, waits: bool) -> None:
        victims = lowest_priority_first if listing else None
        result = self.command(lambda key: self.ledger.count({cell: n}, key=key, victims=victims, let_wait=waits))
        assert result.done or not listing, "a count with a victims order is always taken as true"
        if result.done:
            self.supplied[cell.item] += sum(result.result.changes.values())
            row = self.ledger.figures(cell)
            assert row.free + row.reserved + row.allocated == n
            assert sum(v.units for v in result.result.victims) == sum(result.result.short.values())

    @rule(cell=cells, n=units, verb=st.sampled_from(["quarantine", "damage", "scrap"]), force=st.booleans())
    def set_aside(self, cell: Cell, n: int, verb: str, force: bool) -> None:
        victims = lowest_priority_first if force else None
        run = getattr(self.ledger, verb)
        if self.command(lambda key: run({cell: n}, key=key, source="free", victims=victims)).done and verb == "scrap":
            self.supplied[cell.item] -= n

    @rule(cell=cells, n=units, source=st.sampled_from(["quarantine", "damaged"]))
    def restore(self, cell: Cell, n: int, source: str) -> None:
        self.command(lambda key: self.ledger.restore({cell: n}, key=key, source=source))

    @rule(cell=cells, n=units)
    def repool(self, cell: Cell, n: int) -> None:
        self.command(lambda key: self.ledger.repool({cell: n}, "" if cell.pool else "m", key=key))

    @rule(cell=cells, n=units, days=st.one_of(st.none(), st.integers(1, 5)))
    def send(self, cell: Cell, n: int, days: int | None) -> None:
        to = "y" if cell.node == "x" else "x"
        due_at = None if days is None else self.now() + timedelta(days=days)
        self.command(lambda key: self.ledger.send(f"t-{key}", {cell: n}, to, key=key, due_at=due_at))

    @rule(which=st.integers(1, 40), lost=st.booleans())
    def arrive(self, which: int, lost: bool) -> None:
        run = self.ledger.lose if lost else self.ledger.arrive
        name = f"t-k-{which}"
        stored = self.ledger.store.run(lambda txn: txn.get("ledger.transfer", name))
        gone = dict(stored.value.under_way) if stored else {}
        if self.command(lambda key: run(name, key=key)).done and lost:
            for cell, n in gone.items():
                self.supplied[cell.item] -= n

    @rule(cell=cells, back=st.integers(0, 6))
    def correct(self, cell: Cell, back: int) -> None:
        before = self.ledger.figures(cell)
        seq = before.version - back
        result = self.command(lambda key: self.ledger.correct(cell, seq, key=key))
        if result.done:
            move, after = result.result.movement, self.ledger.figures(cell)
            for bucket in INSIDE:  # I21: what went from one to the other is back
                back_here = move.units * ((move.source == bucket) - (move.target == bucket))
                assert getattr(after, bucket) == getattr(before, bucket) + back_here
            self.supplied[cell.item] += move.units * ((move.source in INSIDE) - (move.target in INSIDE))
            with pytest.raises(CommandRefused):  # I21: once
                self.ledger.correct(cell, seq, key=f"{self.keys}-again")

    @rule(which=st.integers(1, 3), item=st.sampled_from("AB"), n=st.integers(0, 9), days=st.integers(0, 5))
    def expect(self, which: int, item: str, n: int, days: int) -> None:
        due_at = self.now() + timedelta(days=days)
        self.command(lambda key: self.ledger.expect(f"po-{which}{item}", item, "x", n, due_at, key=key))

    @rule(minutes=st.integers(-5, 8))
    def clock_jumps(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)

    @rule()
    def expire(self) -> None:
        self.command(lambda key: self.ledger.expire(key=key))
        assert not self.ledger.store.run(lambda txn: txn.reservations_due(txn.now()))

    # -- retries ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        again, first = data.draw(st.sampled_from(self.done), label="which")
        before = list(self.ledger.export())
        assert again() == first, "the same key gives the first answer (I8)"
        assert list(self.ledger.export()) == before, "and no second effect"

    @precondition(lambda self: self.done)
    @rule(n=st.integers(1, 5))
    def reuse_a_key(self, n: int) -> None:
        before = list(self.ledger.export())
        used = next((f"k-{k}" for k in range(1, self.keys + 1) if self.claimed(f"k-{k}")), "")
        with pytest.raises(KeyReused):  # I8
            self.ledger.receive({Cell("A", "x", "never-used"): n}, key=used)
        assert list(self.ledger.export()) == before

    # -- what must hold ---------------------------------------------------------------------------------------------

    def claimed(self, key: str) -> bool:
        return self.ledger.store.run(lambda txn: txn.claimed(key)) is not None

    def now(self) -> datetime:
        return self.ledger.store.run(lambda txn: txn.now())

    def cells(self, item: str) -> list[tuple[Cell, Figures]]:
        return self.ledger.store.run(lambda txn: txn.cells_of(item))

    def reservations(self) -> list[Any]:
        return self.ledger.store.run(lambda txn: txn.reservations())

    def expired_units(self, spare: str) -> dict[Cell, int]:
        found: dict[Cell, int] = {}
        for r in self.ledger.store.run(lambda txn: txn.reservations_due(txn.now())):
            for (cell, bucket), n in r.held.items():
                if bucket == "reserved" and r.id != spare:
                    found[cell] = found.get(cell, 0) + n
        return found

    @invariant()
    def every_bucket_is_at_least_zero_and_the_fold_of_the_journal(self) -> None:  # I1, I3, I4
        for item in "AB":
            for cell, row in self.cells(item):
                assert min(row) >= 0
                fold = dict.fromkeys(Figures._fields[:-1], 0)
                for _, _, move, _ in self.ledger.journal(cell):
                    for bucket, n in ((move.source, -move.units), (move.target, move.units)):
                        if bucket in fold:
                            fold[bucket] += n
                            assert fold[bucket] >= 0
                assert tuple(fold.values()) == row[:-1]

    @invariant()
    def what_is_held_in_a_cell_is_what_its_holders_hold(self) -> None:  # I5
        held: dict[tuple[Cell, str], int] = {}
        for r in self.reservations():
            assert all(n > 0 for n in r.held.values())
            for key, n in r.held.items():
                held[key] = held.get(key, 0) + n
        for item in "AB":
            for cell, row in self.cells(item):
                for bucket in HELD:
                    assert held.pop((cell, bucket), 0) == getattr(row, bucket)
        assert not held

    @invariant()
    def nothing_appears_or_vanishes(self) -> None:  # I3
        for item in "AB":
            assert sum(sum(row[:-1]) for _, row in self.cells(item)) == self.supplied[item]

    @invariant()
    def the_journal_only_grows_and_numbers_have_no_gap(self) -> None:  # I11
        entries = self.ledger.journal()
        assert entries[: len(self.seen)] == self.seen
        times = [e.recorded_at for e in entries]
        assert all(a <= b for a, b in pairwise(times) if a is not None and b is not None)
        for item in "AB":
            for cell, row in self.cells(item):
                assert [e.seq for e in self.ledger.journal(cell)] == list(range(1, row.version + 1))
        self.seen = entries

    @invariant()
    def the_past_never_changes(self) -> None:  # I12
        for cell, at, row in self.past:
            assert self.ledger.as_of(cell, at) == row
        cell, at = Cell("A", "x"), self.now()
        row = self.ledger.figures(cell)
        assert self.ledger.as_of(cell, row.version) == row
        self.clock.advance(seconds=1)
        if self.now() > at and len(self.past) < 5:  # else the clock stands still, and `at` is not over yet
            self.past.append((cell, at, row))

    @invariant()
    def promises_rest_on_supply_that_is_announced(self) -> None:  # I19
        for item in "AB":
            supply = self.ledger.store.run(partial(supplies, item=item))
            dated = [(b.promised_at, b.units) for b in self.ledger.backorders(item) if b.promised_at is not None]
            for when, _ in dated:
                asked = sum(n for at, n in dated if at <= when)
                coming = sum(s.outstanding for s in supply if s.due_at <= when)
                assert asked <= coming, "promised more than is announced"

    @invariant()
    def the_ledgers_own_check_agrees(self) -> None:
        assert self.ledger.verify().findings == ()

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            lines = list(self.ledger.export())
            twin = Ledger(MemoryStore(self.clock))
            twin.import_(lines)
            assert list(twin.export()) == lines, "export, import, export is byte-equal (I23)"
            assert twin.verify().ok


_RUNS = {"memory": (120, 30), "sqlite": (20, 25), "postgres": (6, 12)}


def test_the_ledger_keeps_its_promises_on_every_store(fresh: Fresh) -> None:
    examples, steps = _RUNS[fresh.kind]

    class Machine(LedgerMachine):
        def make_store(self) -> LedgerStore:
            return fresh(self.clock)

    run_state_machine_as_test(Machine, settings=settings(max_examples=examples, stateful_step_count=steps))
