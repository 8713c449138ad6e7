"""The ledger on the store: what its verbs promise, whatever the store does underneath."""

from __future__ import annotations

from datetime import timedelta

from omscore.errors import CommandRefused, Conflict, InsufficientStock, KeyReused
from omscore.inventory import Buffer, Cell, Ledger, MemoryLedgerStore, Want
from omscore.kernel.rng import Rng
from omscore.testing._bench import A_LILLE, A, B, Bench, raises, rule, same
from omscore.testing.model import Model, walk


def _ledger(bench: Bench) -> Ledger:
    return Ledger(bench.store)


@rule("R-LEDGER-1", "I2 I7")
def lines_of_one_item_are_summed(bench: Bench) -> None:
    """Two lines of one item in one command count together, and a multi-line command takes all or nothing."""
    ledger = _ledger(bench)
    ledger.receive({A: 5, B: 1}, key="dock")
    raises(InsufficientStock, lambda: ledger.reserve("o1", [Want("A", 3), Want("A", 3)], key="w1"))
    raises(InsufficientStock, lambda: ledger.reserve("o1", [Want("A", 1), Want("B", 2)], key="w2"))
    same("free", (ledger.figures(A).free, ledger.figures(B).free), (5, 1))
    ledger.reserve("o1", [Want("A", 3), Want("A", 2)], key="w3")
    same("free", ledger.figures(A).free, 0)


@rule("R-LEDGER-2", "I8 I14")
def repeats_and_delays_change_nothing(bench: Bench) -> None:
    """Commands delivered several times, shuffled among others, end in the same books as when delivered once."""
    rng = Rng(5)
    ledger = _ledger(bench)
    orders = [(f"o{n}", 1 + n % 3) for n in range(bench.times(12, 100, 1_000))]
    stock = 90 + 3 * len(orders)
    ledger.receive({A: stock, B: stock}, key="dock")
    queue = [order for order in orders for _ in range(1 + rng.below(4))]
    rng.shuffle(queue)
    for id_, units in queue:
        ledger.reserve(id_, [Want("A", units % 7), Want("B", 1)], key=f"web-{id_}")
    same("free A", ledger.figures(A).free, stock - sum(units for _, units in orders))
    same("free B", ledger.figures(B).free, stock - len(orders))
    raises(KeyReused, lambda: ledger.reserve("o0", [Want("A", 5)], key="web-o0"))
    same("findings", ledger.verify().findings, ())


@rule("R-LEDGER-3", "I1 I2 I7 I17")
def answers_are_those_of_the_model(bench: Bench) -> None:
    """Each command of a long random day is answered as the model answers it: never oversold, never falsely refused."""
    ledger, model, rng = _ledger(bench), Model(), Rng(3)
    for n in range(bench.times(70, 1_000, 20_000)):
        item, holder = rng.choice("AB"), f"o{rng.below(9)}"
        match rng.below(5):
            case 0:
                ledger.receive({Cell(item, "ghent"): 3}, key=f"k{n}")
                model.receive(item, 3)
            case 1:
                got: object = ledger.release(holder, key=f"k{n}")
                same(f"released at {n}", got, model.release(holder))
            case _:
                wants = {"A": 1 + rng.below(3), "B": 1 + rng.below(2)}
                done = True
                try:
                    ledger.reserve(holder, [Want(i, u) for i, u in wants.items()], key=f"k{n}")
                except InsufficientStock:
                    done = False
                same(f"reserved at {n}", done, model.reserve(holder, wants))
        for i in "AB":
            same(f"free {i} at {n}", ledger.figures(Cell(i, "ghent")).free, model.free.get(i, 0))


@rule("R-LEDGER-4", "I21")
def a_correction_is_made_once(bench: Bench) -> None:
    """Correcting a movement restores the figures; correcting it twice is refused."""
    ledger = _ledger(bench)
    ledger.receive({A: 5}, key="dock")
    ledger.receive({A: 50}, key="wrong")
    ledger.correct(A, 2, key="fix-1")
    same("free", ledger.figures(A).free, 5)
    raises((CommandRefused, Conflict), lambda: ledger.correct(A, 2, key="fix-2"))
    same("free", ledger.figures(A).free, 5)


@rule("R-LEDGER-5", "I20")
def a_pool_is_a_fence(bench: Bench) -> None:
    """Units of one pool are never taken by a command that names another."""
    ledger = _ledger(bench)
    web = Cell("A", "ghent", "web")
    ledger.receive({A: 2, web: 3}, key="dock")
    raises(InsufficientStock, lambda: ledger.reserve("o1", [Want("A", 3)], key="w1"))
    ledger.reserve("o1", [Want("A", 4, pools=("web", ""))], key="w2")
    same("free", (ledger.figures(web).free, ledger.figures(A).free), (0, 1))


@rule("R-LEDGER-6", "I2")
def a_buffer_is_kept(bench: Bench) -> None:
    """Units that a buffer keeps back are not promised, and raising a buffer takes nothing away from those who hold."""
    Ledger(bench.store).receive({A: 5}, key="dock")
    ledger = Ledger(bench.store, buffers=[Buffer(units=2)])
    raises(InsufficientStock, lambda: ledger.reserve("o1", [Want("A", 4)], key="w1"))
    ledger.reserve("o1", [Want("A", 3)], key="w2")
    strict = Ledger(bench.store, buffers=[Buffer(units=9)])
    strict.allocate("o1", {A: 3}, key="r1")
    same("figures", (strict.figures(A).free, strict.figures(A).allocated), (2, 3))


@rule("R-LEDGER-7", "I23")
def an_export_comes_back_equal(bench: Bench) -> None:
    """What is exported, imported elsewhere and exported again is the same, byte for byte; a repeat stays a repeat."""
    for step in walk(seed=5, steps=bench.times(40, 400, 4_000)):
        step(bench.store)
    first = _ledger(bench).receive({A: 5, B: 1}, key="dock-9")
    lines = list(_ledger(bench).export())
    twin = Ledger(MemoryLedgerStore())
    twin.import_(lines)
    same("the second export", list(twin.export()), lines)
    same("findings", twin.verify().findings, ())
    same("a repeat", twin.receive({A: 5, B: 1}, key="dock-9"), first)
    same("the export after a repeat", list(twin.export()), lines)


@rule("R-LEDGER-8", "I24")
def settled_pairs_change_no_later_answer(bench: Bench) -> None:
    """Splitting a receipt in two, or reserving and releasing in between, changes no later answer."""
    ledger, plain = _ledger(bench), Ledger.in_memory(bench.clock.now)
    for n in range(6):
        ledger.receive({A: 2}, key=f"a{n}")
        ledger.receive({A: 1}, key=f"b{n}")
        plain.receive({A: 3}, key=f"a{n}")
        ledger.reserve("ghost", [Want("A", 2)], key=f"c{n}")
        ledger.release("ghost", key=f"d{n}")
        for one in (ledger, plain):
            one.reserve(f"o{n}", [Want("A", 1 + n % 3)], key=f"w{n}")
        same("available", ledger.availability("A").units, plain.availability("A").units)
        same("free", ledger.figures(A)[:-1], plain.figures(A)[:-1])


@rule("R-LEDGER-9", "I3 I6")
def partial_commits_lose_no_unit(bench: Bench) -> None:
    """Reserved units end allocated, released or expired, each once: the parts always make the whole."""
    ledger = _ledger(bench)
    ledger.receive({A: 9, A_LILLE: 4}, key="dock")
    ledger.reserve("o1", [Want("A", 10)], key="w1", expires_in=timedelta(minutes=5))
    ledger.allocate("o1", {A: 4}, key="r1")
    ledger.pick("o1", {A: 3}, key="p1")
    ledger.release("o1", {(A, "reserved"): 2}, key="c1")
    bench.clock.advance(minutes=5)
    same("expired", ledger.expire(key="tick"), ("o1",))
    figures = ledger.figures(A)
    same("ghent", (figures.free, figures.reserved, figures.allocated, figures.picked), (5, 0, 1, 3))
    same("lille", ledger.figures(A_LILLE)[:2], (4, 0))
    same("findings", ledger.verify().findings, ())


@rule("R-LEDGER-10", "I8 I16")
def a_late_copy_cannot_succeed(bench: Bench) -> None:
    """A command after its `not_after`, by the store's clock, is refused; a repeat of what was done is not."""
    ledger = _ledger(bench)
    until = bench.clock.now() + timedelta(minutes=1)
    ledger.receive({A: 5}, key="dock", not_after=until)
    bench.clock.advance(minutes=2)
    ledger.receive({A: 5}, key="dock", not_after=until)
    raises(CommandRefused, lambda: ledger.receive({A: 5}, key="dock-2", not_after=until))
    same("free", ledger.figures(A).free, 5)
