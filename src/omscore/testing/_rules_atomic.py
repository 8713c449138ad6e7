"""All or nothing: what a command leaves behind when it fails, and what it sees of itself."""

from __future__ import annotations

from omscore.inventory import Movement, Short, Want, allocate, reserve
from omscore.ports import Effect, Transaction
from omscore.testing._bench import A_LILLE, A, B, Bench, look, raises, rule, same
from omscore.testing._tap import Tapped


class Crash(Exception):
    """Raised by rules in the middle of a command."""


def everything(t: Transaction) -> str:
    """A command that writes to every part of a store."""
    reserve(t, "ord-1", [Want("A", 7), Want("B", 1)], cause="web-1")
    allocate(t, "ord-1", {A: 2}, cause="route-1")
    t.put("order", "ord-1", "captured", version=0, index={"open": "1"})
    t.append("order", "ord-1", ["captured"], cause="web-1")
    t.emit([Effect("ord-1:confirmed", "notify.confirmed", {"order": "ord-1"}, "ord-1")])
    t.claim("web-1", "f", "ord-1")
    return "done"


def named(t: Transaction) -> list[object]:
    """What of that command is found by its names."""
    return [
        t.reservation("ord-1"),
        t.get("order", "ord-1"),
        t.find("order", "open"),
        t.events("order", "ord-1"),
        t.claimed("web-1"),
        [r.id for r in t.reservations_at(A)],
        [f for _, f in t.cells_of("A")],
    ]


@rule("R-ATOM-1", "I7")
def a_failed_command_leaves_no_trace(bench: Bench) -> None:
    """A command that raises leaves nothing behind: no figure, reservation, key, record, index, event or effect."""
    bench.stock()
    before, by_name = bench.read(look), bench.read(named)

    def work(t: Transaction) -> None:
        everything(t)
        raise Crash

    raises(Crash, lambda: bench.run(work))
    same("what the store shows", bench.read(look), before)
    same("what is found by name", bench.read(named), by_name)


@rule("R-ATOM-2", "I7")
def a_crash_at_any_call_leaves_no_trace(bench: Bench) -> None:
    """A command that fails at any call of the port, before or after, leaves nothing behind and works when repeated."""
    bench.stock()
    calls: list[str] = []

    class Stop(Exception):
        pass

    def probe(t: Transaction) -> None:
        everything(t)
        raise Stop

    raises(Stop, lambda: Tapped(bench.store, before=calls.append).run(probe))
    before, by_name = bench.read(look), bench.read(named)
    for point in range(len(calls)):
        for side in ("before", "after"):
            seen = 0

            def crash(name: str, point: int = point) -> None:
                nonlocal seen
                if seen == point:
                    raise Crash
                seen += 1

            faulty = Tapped(bench.store, before=crash) if side == "before" else Tapped(bench.store, after=crash)
            raises(Crash, lambda faulty=faulty: faulty.run(everything))  # type: ignore[misc]
            where = f"a crash {side} call {point + 1} ({calls[point]})"
            same(f"what the store shows after {where}", bench.read(look), before)
            same(f"what is found by name after {where}", bench.read(named), by_name)
    same("the command without a crash", bench.run(everything), "done")


@rule("R-ATOM-3", "I7 I2")
def a_posting_is_all_or_nothing(bench: Bench) -> None:
    """A posting over several cells of which one is short raises Short and moves nothing in any of them."""
    bench.stock()
    moves = [
        Movement(A, "free", "reserved", 2, "reserve", "k", "r"),
        Movement(A_LILLE, "free", "reserved", 2, "reserve", "k", "r"),
        Movement(B, "free", "reserved", 9, "reserve", "k", "r"),
    ]
    before = bench.read(look)
    raises(Short, lambda: bench.run(lambda t: t.post(moves, {})))
    same("what the store shows", bench.read(look), before)


@rule("R-ATOM-4", "I7")
def a_command_sees_its_own_writes(bench: Bench) -> None:
    """Reads inside a command see what the command has written so far, in every part of the store."""
    bench.stock()

    def work(t: Transaction) -> list[object]:
        everything(t)
        return [
            t.figures([A])[A].allocated,
            t.figures([A_LILLE])[A_LILLE].reserved,
            [r.id for r in t.reservations_at(A)],
            [r.id for r in t.reservations()],
            [cell for cell, _ in t.cells()],
            t.get("order", "ord-1") is not None,
            t.find("order", "open"),
            [e.event for e in t.events("order", "ord-1")],
            [e.id for e, _, _ in t.outbox("waiting")],
            t.claimed("web-1"),
            len(t.journal(A)),
        ]

    want = [2, 2, ["ord-1"], ["ord-1"], [A, A_LILLE, B], True, [("1", "ord-1")], ["captured"]]
    same("what the command read", bench.run(work), [*want, ["ord-1:confirmed"], ("f", "ord-1"), 3])


@rule("R-ATOM-5", "I9")
def an_acknowledged_command_is_there(bench: Bench) -> None:
    """When `run` returns, the command's writes are seen by every later command and every reader."""
    bench.stock()
    same("the answer", bench.run(everything), "done")
    for t in (bench.read, bench.run):
        same("allocated", t(lambda t: t.figures([A])[A].allocated), 2)
        same("the key", t(lambda t: t.claimed("web-1")), ("f", "ord-1"))
        same("effects", t(lambda t: [e.id for e, _, _ in t.outbox("waiting")]), ["ord-1:confirmed"])
        same("events", t(lambda t: [e.event for e in t.events("order", "ord-1")]), ["captured"])


@rule("R-ATOM-6", "I7")
def any_exception_rolls_back_and_comes_through(bench: Bench) -> None:
    """Whatever a command raises comes through as it is, KeyboardInterrupt too, and the store goes on working."""
    for error in (Crash("x"), KeyError("k"), KeyboardInterrupt()):

        def work(t: Transaction, error: BaseException = error) -> None:
            t.put("note", "n", "x", version=0)
            raise error

        got = raises(BaseException, lambda work=work: bench.run(work))  # type: ignore[misc]
        same("the exception", got is error, want=True)
        same("the record", bench.run(lambda t: t.get("note", "n")), None)
    bench.stock()
    same("free", bench.free(), 5)


@rule("R-ATOM-7", "I7")
def a_command_inside_a_command_is_refused(bench: Bench) -> None:
    """Running a command inside another one of the same thread raises RuntimeError; the store goes on working."""
    raises(RuntimeError, lambda: bench.run(lambda _: bench.run(lambda _: None)))
    bench.run(lambda t: t.claim("web-1", "f", None))
    same("the key", bench.read(lambda t: t.claimed("web-1")), ("f", None))


@rule("R-ATOM-8", "I9")
def a_refused_posting_does_not_stop_the_next(bench: Bench) -> None:
    """After a command was refused, others go on as if it had never been sent."""
    bench.stock()
    moves = [Movement(A, "free", "reserved", 6, "reserve", "k", "r")]
    for _ in range(3):
        raises(Short, lambda: bench.run(lambda t: t.post(moves, {})))
    bench.run(lambda t: t.post([moves[0]._replace(units=5)], {}))
    same("free", bench.free(), 0)
