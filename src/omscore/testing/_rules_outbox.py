"""The outbox, and the store's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from omscore.inventory import Movement, receive
from omscore.ports import Effect, Leased, Transaction
from omscore.testing._bench import START, A, Bench, holds, raises, rule, same


def _emit(bench: Bench, *effects: Effect) -> None:
    bench.run(lambda t: t.emit(effects))


def _lease(bench: Bench, worker: str = "w1", *, limit: int = 9, seconds: int = 30) -> list[Leased]:
    return bench.run(lambda t: t.lease(worker, limit=limit, seconds=seconds))


def _effect(id_: str, key: str = "", due_at: datetime | None = None) -> Effect:
    return Effect(id_, "notify.x", {"id": id_, "n": 1}, key, due_at)


def _ids(leased: list[Leased]) -> list[str]:
    return [given.effect.id for given in leased]


def _ack(bench: Bench, leased: Leased) -> bool:
    return bench.run(lambda t: t.ack(leased))


def _states(bench: Bench) -> dict[str, list[str]]:
    def look(t: Transaction) -> dict[str, list[str]]:
        return {s: [e.id for e, _, _ in t.outbox(s)] for s in ("waiting", "leased", "done", "parked")}

    return bench.read(look)


@rule("R-OUTBOX-1", "I10")
def an_effect_is_kept_once(bench: Bench) -> None:
    """An effect comes back word for word; one whose id is there already is left alone, even when it was done."""
    effect = Effect("e1", "notify.x", {"n": 1, "to": ["a", None]}, "ord-1")
    _emit(bench, effect)
    _emit(bench, Effect("e1", "notify.y", {"n": 2}))
    (given,) = _lease(bench)
    same("the effect", given.effect, effect)
    same("acknowledged", _ack(bench, given), want=True)
    _emit(bench, effect)
    same("leased again", _ids(_lease(bench)), [])
    same("states", _states(bench), {"waiting": [], "leased": [], "done": ["e1"], "parked": []})


@rule("R-OUTBOX-2", "I10")
def effects_live_and_die_with_their_command(bench: Bench) -> None:
    """Effects of a command that failed are never given out; those of one that was done always are."""

    def command(t: Transaction) -> None:
        t.post([Movement(A, "supplier", "free", 1, "receive", "k")], {})
        t.emit([_effect(f"e{len(t.journal(A))}")])
        if len(t.journal(A)) == 2:
            raise ZeroDivisionError

    bench.run(command)
    raises(ZeroDivisionError, lambda: bench.run(command))
    same("given out", _ids(_lease(bench)), ["e1"])


@rule("R-OUTBOX-3", "I10")
def effects_of_one_key_go_in_order(bench: Bench) -> None:
    """Of each key only the oldest open effect is given out; effects without a key go freely; oldest first."""
    _emit(bench, _effect("e0", "o1"), _effect("e1"), _effect("e2", "o1"), _effect("e3", "o2"), _effect("e4"))
    first = _lease(bench)
    same("first", _ids(first), ["e0", "e1", "e3", "e4"])
    same("while they are out", _ids(_lease(bench)), [])
    _ack(bench, first[0])
    same("next", _ids(_lease(bench)), ["e2"])


@rule("R-OUTBOX-4", "I10")
def a_lease_runs_out(bench: Bench) -> None:
    """What was given out and not answered is given out again when its lease runs out, and not before."""
    _emit(bench, _effect("e1"))
    (first,) = _lease(bench, seconds=30)
    bench.clock.advance(seconds=29)
    same("before", _ids(_lease(bench, "w2")), [])
    bench.clock.advance(seconds=1)
    (second,) = _lease(bench, "w2")
    holds("two leases are called the same", first.lease != second.lease)
    same("the effect", second.effect.id, "e1")


@rule("R-OUTBOX-5", "I10")
def a_late_answer_counts_for_nothing(bench: Bench) -> None:
    """An answer under a lease that somebody else has taken over, or that was settled, is False and changes nothing."""
    _emit(bench, _effect("e1"))
    (first,) = _lease(bench)
    bench.clock.advance(seconds=30)
    (second,) = _lease(bench)
    later = START + timedelta(hours=1)
    same("late ack", _ack(bench, first), want=False)
    same("late retry", bench.run(lambda t: t.retry(first, due_at=later, error="x")), want=False)
    same("late park", bench.run(lambda t: t.park(first, error="x")), want=False)
    same("ack", _ack(bench, second), want=True)
    same("second ack", _ack(bench, second), want=False)
    same("ack of an unknown one", _ack(bench, Leased(_effect("none"), 0, "w1:1")), want=False)
    same("states", _states(bench)["done"], ["e1"])


def _retry(bench: Bench, leased: Leased, due_at: datetime, error: str) -> None:
    same("retry", bench.run(lambda t: t.retry(leased, due_at=due_at, error=error)), want=True)


@rule("R-OUTBOX-6", "I10")
def a_failure_is_tried_again_later(bench: Bench) -> None:
    """`retry` gives an effect out again at its time and not before, counting attempts and keeping the last error."""
    _emit(bench, _effect("e1"))
    for n in range(3):
        (given,) = _lease(bench)
        same("attempts", given.attempts, n)
        later = bench.clock.now() + timedelta(minutes=1)
        _retry(bench, given, later, f"busy {n}")
        same("before its time", _ids(_lease(bench)), [])
        rows = bench.read(lambda t: [(e.id, a, why) for e, a, why in t.outbox("waiting")])
        same("waiting", rows, [("e1", n + 1, f"busy {n}")])
        bench.clock.advance(minutes=1)
    same("at its time", _ids(_lease(bench)), ["e1"])


@rule("R-OUTBOX-7", "I10")
def what_is_parked_stays_parked(bench: Bench) -> None:
    """A parked effect is never given out by itself, stands in the open with its error, and frees its key."""
    _emit(bench, _effect("e1", "o1"), _effect("e2", "o1"))
    (given,) = _lease(bench)
    same("park", bench.run(lambda t: t.park(given, error="rejected")), want=True)
    bench.clock.advance(days=9)
    same("next", _ids(_lease(bench)), ["e2"])
    rows = bench.read(lambda t: [(e.id, a, why) for e, a, why in t.outbox("parked")])
    same("parked", rows, [("e1", 1, "rejected")])


@rule("R-OUTBOX-8", "I10")
def an_effect_waits_for_its_time(bench: Bench) -> None:
    """An effect with a time is given out at that time; later ones of its key wait behind it, others do not."""
    later = START + timedelta(hours=1)
    _emit(bench, _effect("e1", "o1", later), _effect("e2", "o1"), _effect("e3", "o2"))
    same("now", _ids(_lease(bench, seconds=9_999)), ["e3"])
    bench.clock.advance(hours=1)
    (given,) = _lease(bench, seconds=9_999)
    same("then", given.effect, _effect("e1", "o1", later))


@rule("R-OUTBOX-9", "I10")
def a_lease_is_no_longer_than_asked(bench: Bench) -> None:
    """`lease` gives out at most `limit` effects, the oldest first, and `outbox` lists at most `limit`."""
    _emit(bench, *(_effect(f"e{n}") for n in range(7)))
    same("first", _ids(_lease(bench, limit=3)), ["e0", "e1", "e2"])
    same("then", _ids(_lease(bench, limit=3)), ["e3", "e4", "e5"])
    same("leased", bench.read(lambda t: [e.id for e, _, _ in t.outbox("leased", limit=4)]), ["e0", "e1", "e2", "e3"])
    same("waiting", bench.read(lambda t: [e.id for e, _, _ in t.outbox("waiting")]), ["e6"])


@rule("R-OUTBOX-10", "I9")
def an_undone_lease_was_never_given(bench: Bench) -> None:
    """When the command that leased or answered fails, the effect is as it was before."""
    _emit(bench, _effect("e1"), _effect("e2"))

    def fail(work: Any) -> None:
        def command(t: Transaction) -> None:
            work(t)
            raise ZeroDivisionError

        raises(ZeroDivisionError, lambda: bench.run(command))

    fail(lambda t: t.lease("w1", limit=9, seconds=30))
    given = _lease(bench)
    same("given out", _ids(given), ["e1", "e2"])
    fail(lambda t: t.ack(given[0]))
    fail(lambda t: t.park(given[1], error="x"))
    same("states", _states(bench)["leased"], ["e1", "e2"])
    same("answers", [_ack(bench, one) for one in given], [True, True])


# -- time -------------------------------------------------------------------------------------------------------------


@rule("R-TIME-1", "I11")
def the_store_tells_the_time_of_its_clock(bench: Bench) -> None:
    """`now` is the time of the clock that the store was given, aware and in UTC, to the microsecond."""
    for step in (0, 0.000001, 59.999999, 86_400 * 400):
        bench.clock.advance(seconds=step)
        now = bench.run(lambda t: t.now())
        same("now", (now, now.utcoffset()), (bench.clock.now(), timedelta(0)))


@rule("R-TIME-2", "I11 I16")
def the_time_never_goes_back(bench: Bench) -> None:
    """When the clock goes back, the store's time stands still: in `now`, in the journal and in the log."""
    bench.stock()
    before = bench.clock.now()
    bench.clock.advance(hours=-1)
    same("now", bench.run(lambda t: t.now()), before)
    bench.stock(cause="dock-2")
    bench.run(lambda t: t.append("order", "o1", ["captured"], cause="web"))
    same("recorded", {e.recorded_at for e in bench.read(lambda t: t.journal())}, {before})
    same("logged", [e.recorded_at for e in bench.read(lambda t: t.log())], [before])
    bench.clock.advance(hours=2)
    same("now", bench.run(lambda t: t.now()), START + timedelta(hours=1))


@rule("R-TIME-3", "I11 I16", needs="multi_process")
def no_handle_writes_before_another(bench: Bench) -> None:
    """Two handles whose clocks differ by hours never record a cell's movements in an order that goes back in time."""
    clock = type(bench.clock)(START - timedelta(hours=1))
    other = bench.another(clock)
    for n in range(4):
        for store in (bench.store, other):
            store.run(lambda t, n=n: receive(t, {A: 1}, cause=f"dock-{n}"))  # type: ignore[misc]
        bench.clock.advance(minutes=1)
        clock.advance(minutes=1)
    times = [e.recorded_at for e in bench.read(lambda t: t.journal(A)) if e.recorded_at is not None]
    same("times", (times, len(times)), (sorted(times), 8))


@rule("R-TIME-4", "I16")
def far_times_are_kept(bench: Bench) -> None:
    """Times of other centuries, leap days and single microseconds come back exactly."""
    times = [datetime(1970, 1, 1, tzinfo=UTC), datetime(2038, 1, 19, 3, 14, 8, 1, tzinfo=UTC)]
    times += [datetime(2000, 2, 29, 12, 0, 0, 999_999, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
    for n, at in enumerate(times):
        _emit(bench, _effect(f"e{n}", "", at))
        move = Movement(A, "supplier", "free", 1, "receive", "k", "", at)
        bench.run(lambda t, m=move: t.post([m], {}))  # type: ignore[misc]
    same("effective", bench.read(lambda t: [e.movement.effective_at for e in t.journal(A)]), times)
    due = {e.id: e.due_at for e, _, _ in bench.read(lambda t: t.outbox("waiting"))}
    same("due", due, {f"e{n}": at for n, at in enumerate(times)})
