"""Several clients at once: threads, and commands that meet in the worst moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

from omscore.errors import Conflict, InsufficientStock
from omscore.inventory import Ledger, Want, allocate, fingerprint, lose, once, release, reserve, scrap, verify
from omscore.ports import Effect, Store, Transaction
from omscore.testing._bench import A_LILLE, A, B, Bench, Client, holds, rule, same, together
from omscore.testing._tap import Tapped
from omscore.testing.linear import Call, serial_order
from omscore.testing.model import Model


def meet(
    bench: Bench, at: str, first: Callable[[Transaction], Any], second: Callable[[Transaction], Any]
) -> tuple[Client, Client]:
    """Send a second command when the first is about to make a certain call of the port, and let both end."""
    other = Client(lambda: bench.another().run(second))
    started = False

    def before(name: str) -> None:
        nonlocal started
        if name == at and not started:
            started = True
            other.start()
            bench.wait(other)

    one = Client(lambda: Tapped(bench.store, before=before).run(first))
    one.start()
    one.join(60)
    holds("the first client never came back", not one.is_alive())
    holds(f"the first command never called {at!r}", started)
    other.join(60)
    holds("the second client never came back", not other.is_alive())
    for client in (one, other):
        if client.error is not None and not isinstance(client.error, InsufficientStock | Conflict):
            raise client.error
    return one, other


def _sells(id_: str, units: int) -> Callable[[Transaction], Any]:
    return lambda t: reserve(t, id_, [Want("A", units)], cause=id_)


def _verified(bench: Bench) -> None:
    same("findings of verify", [str(f) for f in bench.read(verify).findings], [])


@rule("R-RACE-1", "I1 I2 I13")
def the_last_unit_is_sold_once(bench: Bench) -> None:
    """Of two commands that want the last units, one before the other's posting, exactly one gets them."""
    for n, at in enumerate(("post", "save_reservation", "commit")):
        bench.stock(3, cells=(A,), cause=f"dock-{n}")
        one, two = meet(bench, at, _sells(f"a{n}", 2), _sells(f"b{n}", 2))
        kept = sorted(c.error is None for c in (one, two))
        same(f"who was served ({at})", kept, [False, True])
        same("free", bench.free(), 1)
        _verified(bench)
        for id_ in (f"a{n}", f"b{n}"):
            bench.run(lambda t, i=id_: release(t, i, cause=f"end-{i}"))  # type: ignore[misc]
        bench.run(lambda t, n=n: reserve(t, f"rest{n}", [Want("A", 3)], cause="rest"))  # type: ignore[misc]


@rule("R-RACE-2", "I6 I13")
def units_are_settled_once(bench: Bench) -> None:
    """When one command allocates a hold while another releases it, its units end in exactly one place."""
    for n, at in enumerate(("post", "save_reservation", "commit")):
        id_ = f"ord-{n}"
        bench.stock(4, cells=(A,), cause=f"dock-{n}")
        bench.run(_sells(id_, 4))
        meet(
            bench,
            at,
            lambda t, i=id_: release(t, i, cause="cancel"),  # type: ignore[misc]
            lambda t, i=id_: allocate(t, i, {A: 4}, cause="route"),  # type: ignore[misc]
        )
        _verified(bench)
        moved = bench.read(lambda t, i=id_: [e.movement for e in t.journal(A) if e.movement.reservation == i])  # type: ignore[misc]
        out = sum(m.units for m in moved if m.source == "reserved")
        same("units that left the hold", out, 4)
        bench.run(lambda t, i=id_: release(t, i, cause="end"))  # type: ignore[misc]
        bench.run(lambda t, n=n: reserve(t, f"rest{n}", [Want("A", 4)], cause="rest"))  # type: ignore[misc]


@rule("R-RACE-3", "I8 I13")
def a_doubled_command_has_one_effect(bench: Bench) -> None:
    """The same command sent twice at once, with one key, has one effect, and both senders get the same answer."""

    def command(n: int) -> Callable[[Transaction], Any]:
        name = fingerprint("reserve", n)
        return lambda t: once(
            t, f"web-{n}", name, lambda: reserve(t, f"ord-{n}", [Want("A", 1)], cause=f"web-{n}").reservation
        )

    bench.stock(50)
    for n, at in enumerate(("post", "claim", "commit")):
        one, two = meet(bench, at, command(n), command(n))
        answers = [c.answer for c in (one, two) if c.error is None]
        same(f"answers ({at})", answers, [f"ord-{n}"] * len(answers))
        holds("neither was answered", answers)
        same("units held", bench.figures().reserved, n + 1)
        _verified(bench)


@rule("R-RACE-4", "I11 I13")
def no_write_of_a_record_is_lost(bench: Bench) -> None:
    """Two commands that each add to a record: both count, or one is told of the Conflict; none is silently lost."""

    def add(name: str) -> Callable[[Transaction], Any]:
        def command(t: Transaction) -> None:
            stored = t.get("sum", "s")
            value = [*stored.value, name] if stored else [name]
            t.put("sum", "s", value, version=stored.version if stored else 0)

        return command

    for n, at in enumerate(("put", "commit")):
        clients = meet(bench, at, add(f"a{n}"), add(f"b{n}"))
        served = [f"{x}{n}" for x, client in zip("ab", clients, strict=True) if client.error is None]
        stored = bench.read(lambda t: t.get("sum", "s"))
        there = stored.value if stored else []
        same("what the record holds of those served", sorted(v for v in there if v[1:] == str(n)), served)


@rule("R-RACE-5", "I7 I13")
def a_reader_sees_whole_commands(bench: Bench) -> None:
    """A reader sees all of a command or nothing of it, at one moment, also while it is being written."""
    bench.stock(5)
    seen: list[tuple[int, int, int, bool]] = []

    def move(t: Transaction) -> None:
        reserve(t, "ord-1", [Want("A", 7), Want("B", 2)], cause="web-1")

    def read(t: Transaction) -> None:
        figures = t.figures([A, A_LILLE, B])
        holder = t.reservation("ord-1")
        held = holder is not None and bool(holder.held)
        seen.append((figures[A].free, figures[A_LILLE].free, figures[B].free, held))

    for at in ("save_reservation", "commit"):
        reader = Client(lambda: bench.another().run(read, write=False))
        started = False

        def before(name: str, reader: Client = reader, at: str = at) -> None:
            nonlocal started
            if name == at and not started:
                started = True
                reader.start()
                bench.wait(reader)

        Tapped(bench.store, before=before).run(move)
        reader.result()
        bench.run(lambda t: release(t, "ord-1", cause="cancel"))
    holds(f"a reader saw {seen}", set(seen) <= {(5, 5, 5, False), (0, 3, 3, True)})


@rule("R-RACE-6", "I10")
def no_effect_is_given_to_two(bench: Bench) -> None:
    """Two workers that lease at once never get the same effect; together they get all of them."""
    bench.run(lambda t: t.emit([Effect(f"e{n}", "notify.x", {}) for n in range(6)]))
    one, two = meet(
        bench,
        "commit",
        lambda t: t.lease("w1", limit=6, seconds=30),
        lambda t: t.lease("w2", limit=6, seconds=30),
    )
    given = [leased.effect.id for client in (one, two) if client.error is None for leased in client.answer]
    given += [leased.effect.id for leased in bench.run(lambda t: t.lease("w3", limit=6, seconds=30))]
    same("given out", sorted(given), [f"e{n}" for n in range(6)])


@rule("R-RACE-7", "I10")
def a_late_commit_is_not_missed(bench: Bench) -> None:
    """An effect that was written first and committed last is given out, though a relay has passed meanwhile."""

    def early(t: Transaction) -> None:
        t.emit([Effect("early", "notify.x", {})])
        t.put("note", "a", 1, version=0)

    def late(t: Transaction) -> None:
        t.emit([Effect("late", "notify.x", {})])

    told: list[str] = []

    def relay(store: Store) -> None:
        for leased in store.run(lambda t: t.lease("w", limit=9, seconds=30)):
            told.append(leased.effect.id)
            store.run(lambda t, g=leased: t.ack(g))  # type: ignore[misc]

    def between() -> None:
        store = bench.another()
        store.run(late)
        relay(store)

    other = Client(between)

    def before(name: str) -> None:
        if name == "commit" and not other.ident:
            other.start()
            bench.wait(other)

    Tapped(bench.store, before=before).run(early)
    other.result()
    relay(bench.store)
    same("told", sorted(told), ["early", "late"])


@rule("R-RACE-8", "I11")
def events_of_two_writers_are_numbered(bench: Bench) -> None:
    """Two commands that append to one record at once leave events numbered without gaps, none lost."""

    def add(name: str) -> Callable[[Transaction], Any]:
        return lambda t: t.append("order", "o1", [name], cause=name)

    clients = meet(bench, "commit", add("a"), add("b"))
    served = [x for x, client in zip("ab", clients, strict=True) if client.error is None]
    rows = bench.read(lambda t: [(e.seq, e.event) for e in t.events("order", "o1")])
    same("numbers", [seq for seq, _ in rows], list(range(1, len(served) + 1)))
    same("events", sorted(str(event) for _, event in rows), served)


@rule("R-RACE-9", "I1 I2 I9 I17")
def threads_never_oversell(bench: Bench) -> None:
    """Many threads that buy what is too little: exactly what was there is sold, and every answer is true."""
    stock = bench.times(20, 200, 2_000)
    bench.stock(stock, cells=(A,))

    def shop(n: int) -> list[str]:
        sold = []
        for i in range(stock // 4):
            try:
                bench.store.run(_sells(f"o{n}-{i}", 1))
                sold.append(f"o{n}-{i}")
            except InsufficientStock:
                continue
        return sold

    clients = together(lambda n=n: shop(n) for n in range(6))  # type: ignore[misc]
    sold = sorted(id_ for client in clients for id_ in client.result())
    same("sold", len(sold), stock)
    same("free", bench.free(), 0)
    written = bench.read(lambda t: sorted(e.movement.reservation for e in t.journal() if e.movement.verb == "reserve"))
    same("what the journal says was sold", written, sold)
    _verified(bench)


@rule("R-RACE-10", "I7 I15")
def opposite_orders_do_not_lock_each_other_out(bench: Bench) -> None:
    """Commands over the same cells in opposite orders all end, and soon: nobody waits for one who waits for him."""
    bench.stock(1_000)
    rounds = bench.times(8, 60, 600)

    def shop(n: int) -> int:
        wants = [Want("A", 1, ("ghent",)), Want("B", 1)]
        if n % 2:
            wants.reverse()
        for i in range(rounds):
            bench.store.run(lambda t, i=i: reserve(t, f"o{n}-{i}", wants, cause="k"))  # type: ignore[misc]
        return rounds

    clients = together(lambda n=n: shop(n) for n in range(4))  # type: ignore[misc]
    same("served", sum(client.result() for client in clients), 4 * rounds)
    same("free", (bench.free(), bench.free(B)), (1_000 - 4 * rounds, 1_000 - 4 * rounds))


@rule("R-RACE-11", "I13 I17")
def small_histories_have_a_serial_order(bench: Bench) -> None:
    """What a few threads were answered could have been answered to one who did the same one after the other."""
    ticks = count()
    ledger = Ledger(bench.store)
    for turn in range(bench.times(3, 40, 1_000)):
        ledger.receive({A: 3, B: 2}, key=f"dock-{turn}")
        start = {"A": bench.free(), "B": bench.free(B)}
        history: list[Call[Model]] = []

        def client(n: int, turn: int = turn, history: list[Call[Model]] = history) -> None:
            for i in range(3):
                holder = f"r{turn}-{n}"
                wants = [("A", 1 + (n + i) % 2), ("B", 1)][: 1 + (i + n) % 2]
                began = next(ticks)
                if i == 1 and n == 0:
                    answer: object = ledger.release(holder, key=f"{holder}-{i}")
                    act: Callable[[Model], object] = lambda m, h=holder: m.release(h)  # type: ignore[misc]  # noqa: E731 - one of two
                else:
                    answer = True
                    try:
                        ledger.reserve(holder, [Want(a, u) for a, u in wants], key=f"{holder}-{i}")
                    except InsufficientStock:
                        answer = False
                    act = lambda m, h=holder, w=dict(wants): m.reserve(h, w)  # type: ignore[misc]  # noqa: E731
                history.append(Call(f"{holder}-{i}", began, next(ticks), act, answer))

        for one in together(lambda n=n: client(n) for n in range(3)):  # type: ignore[misc]
            one.result()
        holds(f"no serial order for {history}", serial_order(history, Model(start)) is not None)
        for n in range(3):
            ledger.release(f"r{turn}-{n}", key=f"end-{turn}-{n}")


@rule("R-RACE-12", "I6 I15 I16")
def a_hold_expires_or_is_allocated(bench: Bench) -> None:
    """When a hold runs out just as it is allocated, its units end in one place, and nobody else's are taken."""
    bench.stock(4, cells=(A,))
    minutes = timedelta(minutes=5)
    bench.run(lambda t: reserve(t, "ord-1", [Want("A", 4)], cause="web-1", expires_in=minutes))
    bench.clock.advance(minutes=5)
    one, two = meet(
        bench,
        "post",
        lambda t: allocate(t, "ord-1", {A: 4}, cause="route-1"),
        lambda t: reserve(t, "ord-2", [Want("A", 4)], cause="web-2"),
    )
    same("who was served", sorted(c.error is None for c in (one, two)), [False, True])
    _verified(bench)


@rule("R-RACE-14", "I3 I6 I13")
def units_on_their_way_end_once(bench: Bench) -> None:
    """When two commands give up the same transfer at once, its units end once, and nobody else's are taken for them."""
    for n, at in enumerate(("post", "put", "commit")):
        ledger = Ledger(bench.store)
        ledger.receive({A: 6}, key=f"dock-{n}")
        for id_ in (f"t{n}", f"u{n}"):
            ledger.send(id_, {A: 3}, "lille", key=id_)
        meet(
            bench,
            at,
            lambda t, n=n: lose(t, f"t{n}", cause=f"a{n}"),  # type: ignore[misc]
            lambda t, n=n: lose(t, f"t{n}", cause=f"b{n}"),  # type: ignore[misc]
        )
        same(f"in transit ({at})", bench.figures(A_LILLE).in_transit, 3)
        ledger.lose(f"u{n}", key=f"c{n}")
        _verified(bench)


@rule("R-RACE-13", "I8 I13")
def a_command_is_not_refused_for_what_its_copy_did(bench: Bench) -> None:
    """A command whose copy is done while it is on its way is answered as done, not refused for what the copy took.

    A key that is looked up again, once other reads show what a command did, is there if that command claimed it.
    """
    verbs: tuple[tuple[str, Callable[[Ledger, str], object]], ...] = (
        ("cells_of", lambda ledger, id_: ledger.reserve(id_, [Want("A", 4)], key=id_)),
        ("now", lambda ledger, id_: ledger.reserve(id_, [Want("A", 4)], key=id_)),
        ("figures", lambda ledger, id_: ledger.allocate(id_, {A: 4}, key=id_)),
        ("figures", lambda ledger, id_: ledger.scrap({A: 4}, key=id_, source="free")),
        ("get", lambda ledger, id_: ledger.send(id_, {A: 4}, "lille", key=id_)),
    )
    for n, (at, verb) in enumerate(verbs):
        id_ = f"ord-{n}"
        bench.stock(4, cells=(A,), cause=f"dock-{n}")
        started = False
        other = Client(lambda id_=id_, verb=verb: verb(Ledger(bench.another()), id_))  # type: ignore[misc]

        def before(name: str, at: str = at, other: Client = other) -> None:
            nonlocal started
            if name == at and not started:
                started = True
                other.start()
                bench.wait(other)

        verb(Ledger(Tapped(bench.store, before=before)), id_)
        holds(f"the command never called {at!r}", started)
        other.result()
        same(f"free after both ({at})", bench.free(), 0)
        bench.run(lambda t, i=id_: release(t, i, cause=f"end-{i}"))  # type: ignore[misc]
        if units := bench.free():
            bench.run(lambda t, n=n, units=units: scrap(t, {A: units}, cause=f"rest-{n}", source="free"))  # type: ignore[misc]
    _verified(bench)
