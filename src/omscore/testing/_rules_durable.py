"""What survives: closing, other handles, other processes, and being killed."""

from __future__ import annotations

from omscore.errors import InsufficientStock, StoreError
from omscore.inventory import Want, release, reserve, verify
from omscore.kernel.rng import Rng
from omscore.ports import Effect, Transaction
from omscore.testing._bench import A, B, Bench, Client, holds, look, rule, same
from omscore.testing._processes import CAN_FORK, Ack, die, in_child
from omscore.testing._rules_atomic import everything, named
from omscore.testing._tap import Tapped
from omscore.testing.faults import fill_disk


@rule("R-DURABLE-1", "I9 I11", needs="durable")
def what_was_done_survives_closing(bench: Bench) -> None:
    """After every handle was closed and one is opened anew, the store shows exactly what it showed."""
    bench.stock()
    bench.run(everything)
    bench.run(lambda t: t.emit([Effect("e1", "notify.x", {"n": 1})]))
    bench.run(lambda t: t.lease("w1", limit=1, seconds=30))
    before = bench.read(look), bench.read(named)
    for _ in range(2):
        bench.reopen()
        same("what the store shows", (bench.read(look), bench.read(named)), before)
    bench.run(lambda t: release(t, "ord-1", cause="cancel"))
    same("numbers", bench.read(lambda t: [e.seq for e in t.journal(A)]), [1, 2, 3, 4, 5])


@rule("R-DURABLE-2", "I8 I9", needs="durable")
def keys_and_versions_survive_closing(bench: Bench) -> None:
    """After reopening, keys are still claimed, leases still stand, and versions go on where they were."""
    bench.run(lambda t: t.claim("web-1", "f", ("ord-1", 2)))
    bench.run(lambda t: t.put("note", "n", "a", version=0, index={"x": "1"}))
    bench.run(lambda t: t.emit([Effect("e1", "notify.x", {})]))
    (given,) = bench.run(lambda t: t.lease("w1", limit=9, seconds=30))
    bench.reopen()
    same("the key", bench.read(lambda t: t.claimed("web-1")), ("f", ("ord-1", 2)))
    same("leased again", bench.run(lambda t: t.lease("w2", limit=9, seconds=30)), [])
    same("answered", bench.run(lambda t: t.ack(given)), want=True)
    bench.run(lambda t: t.put("note", "n", "b", version=1, index={"x": "2"}))
    same("found", bench.read(lambda t: t.find("note", "x")), [("2", "n")])


@rule("R-DURABLE-3", "I11 I16", needs="durable")
def the_time_survives_closing(bench: Bench) -> None:
    """A store opened anew under a clock that is behind does not record before what was recorded."""
    bench.stock()
    before = bench.clock.now()
    bench.clock.advance(hours=-3)
    bench.reopen()
    bench.stock(cause="dock-2")
    same("recorded", {e.recorded_at for e in bench.read(lambda t: t.journal())}, {before})


@rule("R-DURABLE-4", "I9 I11", needs="durable")
def nothing_acknowledged_is_lost_to_a_kill(bench: Bench) -> None:
    """A process killed with signal 9 at any moment loses nothing that it acknowledged, and leaves no half command."""
    if not CAN_FORK:
        return
    rng, acked = Rng(11), set[str]()
    bench.stock(100_000, cells=(A, B))
    for turn in range(bench.times(3, 30, 1_000)):

        def client(ack: Ack, turn: int = turn) -> None:
            store = bench.fresh()
            for n in range(10_000):
                id_ = f"k{turn}-{n}"
                store.run(lambda t, i=id_: _hold(t, i))  # type: ignore[misc]
                ack(id_)

        bench.let_go()
        lines, status = in_child(client, kill_after=1 + rng.below(25))
        same("how the client ended", status, 9)
        acked.update(lines)
        bench.reopen()
        same("findings of verify", [str(f) for f in bench.read(verify).findings], [])
        there = {r.id for r in bench.read(lambda t: t.reservations(limit=1_000_000))}
        holds(f"lost: {sorted(acked - there)[:5]}", acked <= there)
        holds("more was done than was sent", len(there) <= len(acked) + turn + 1)
        told = {e.id for e, _, _ in bench.read(lambda t: t.outbox("waiting", limit=1_000_000))}
        same("effects of what was done", told, there)
        same("units held", (bench.figures(A).reserved, bench.figures(B).reserved), (len(there), len(there)))


def _hold(t: Transaction, id_: str) -> None:
    reserve(t, id_, [Want("A", 1, ("ghent",)), Want("B", 1)], cause=id_)
    t.claim(id_, "f", id_)
    t.emit([Effect(id_, "notify.x", {})])


@rule("R-DURABLE-5", "I7 I9", needs="durable")
def a_kill_at_any_call_leaves_all_or_nothing(bench: Bench) -> None:
    """A process killed before or after any call of a command, or of its commit, has done all of it or nothing."""
    if not CAN_FORK:
        return
    bench.stock()
    calls = ("cells_of", "post", "save_reservation", "put", "append", "emit", "claim", "commit")
    for name in calls if bench.level != "smoke" else ("post", "emit", "commit"):
        for side in ("before", "after"):
            before = bench.read(look)

            def client(ack: Ack, side: str = side, name: str = name) -> None:
                def kill(called: str) -> None:
                    if called == name:
                        die()

                store = bench.fresh()
                Tapped(store, **{side: kill}).run(everything)
                ack("survived")

            bench.let_go()
            same(f"the client at {name!r}", in_child(client), ([], 9))
            bench.reopen()
            if (name, side) == ("commit", "after"):
                same("the key", bench.read(lambda t: t.claimed("web-1")), ("f", "ord-1"))
                return
            same(f"what the store shows after a kill {side} {name!r}", bench.read(look), before)


@rule("R-DURABLE-6", "I7 I9", needs="durable")
def a_full_disk_loses_nothing(bench: Bench) -> None:
    """When there is no room left, a command ends in a typed error; what was acknowledged is there."""
    if not CAN_FORK:
        return
    bench.stock(100_000, cells=(A, B))

    def client(ack: Ack) -> None:
        store = bench.fresh()
        fill_disk(bench.times(200_000, 400_000, 4_000_000))
        for n in range(bench.times(60, 600, 20_000)):
            try:
                store.run(lambda t, i=f"full-{n}": _hold(t, i))  # type: ignore[misc]
            except StoreError:
                return
            ack(f"full-{n}")

    bench.let_go()
    acked, status = in_child(client)
    same("how the client ended", (status, acked[-1:] if status else []), (0, []))
    bench.reopen()
    there = {r.id for r in bench.read(lambda t: t.reservations(limit=1_000_000))}
    holds(f"lost: {sorted(set(acked) - there)[:5]}", set(acked) <= there)
    holds("more than the last command was done without being acknowledged", len(there) <= len(acked) + 1)
    same("findings of verify", [str(f) for f in bench.read(verify).findings], [])
    same("units held", (bench.figures(A).reserved, bench.figures(B).reserved), (len(there), len(there)))
    bench.run(lambda t: _hold(t, "later"))


@rule("R-MULTI-1", "I9 I13", needs="durable multi_process")
def handles_see_each_other(bench: Bench) -> None:
    """What one handle has committed is seen at once by every other handle, reading and writing."""
    other = bench.another()
    bench.stock()
    for n in range(4):
        one, two = (bench.store, other) if n % 2 else (other, bench.store)
        one.run(lambda t, n=n: reserve(t, f"o{n}", [Want("A", 1)], cause=f"w{n}"))  # type: ignore[misc]
        same("free", two.run(lambda t: t.figures([A])[A].free, write=False), 4 - n)
        two.run(lambda t, n=n: t.claim(f"w{n}", "f", n))  # type: ignore[misc]
        same("the key", one.run(lambda t, n=n: t.claimed(f"w{n}"), write=False), ("f", n))  # type: ignore[misc]


@rule("R-MULTI-2", "I1 I2 I9 I17", needs="durable multi_process")
def processes_never_oversell(bench: Bench) -> None:
    """Processes that buy what is too little sell exactly what was there, and every answer is true."""
    if not CAN_FORK:
        return
    stock = bench.times(12, 200, 5_000)
    bench.stock(stock, cells=(A,))

    def shop(ack: Ack, n: int) -> None:
        store = bench.fresh()
        for i in range(stock):
            try:
                store.run(lambda t, i=i: reserve(t, f"o{n}-{i}", [Want("A", 1)], cause="k"))  # type: ignore[misc]
            except InsufficientStock:
                return
            ack(f"o{n}-{i}")

    def start(n: int) -> Client:
        client = Client(lambda: in_child(lambda ack: shop(ack, n)))
        client.start()
        return client

    lines: list[str] = []
    for client in [start(n) for n in range(3)]:
        told, status = client.result()
        same("how a client ended", (status, told[-1:] if status else []), (0, []))
        lines += told
    same("sold", len(lines), stock)
    written = bench.read(lambda t: sorted(e.movement.reservation for e in t.journal() if e.movement.verb == "reserve"))
    same("what the journal says was sold", written, sorted(lines))
    same("free", bench.free(), 0)
