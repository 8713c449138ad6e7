"""Reservations, keys, records and their indexes, and the log of events."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from omscore.errors import Conflict, KeyReused
from omscore.inventory import Cell, Movement, Reservation, Short, Want, expire, fingerprint, once, receive, reserve
from omscore.kernel import Money
from omscore.ports import Transaction
from omscore.testing._bench import A_LILLE, START, A, B, Bench, holds, raises, rule, same


def _save(bench: Bench, reservation: Reservation) -> None:
    bench.run(lambda t: t.save_reservation(reservation))


def _at(bench: Bench, cell: Cell) -> list[str]:
    return bench.read(lambda t: [r.id for r in t.reservations_at(cell)])


@rule("R-HOLD-1", "I6")
def a_reservation_comes_back_as_saved(bench: Bench) -> None:
    """A reservation comes back word for word, at the next version, and None before it was ever saved."""
    same("before", bench.read(lambda t: t.reservation("ord-1")), None)
    held = {(A, "reserved"): 2, (B, "picked"): 1}
    until = START + timedelta(minutes=5, microseconds=7)
    _save(bench, Reservation("ord-1", held, until, "web", 3, since=START))
    want = Reservation("ord-1", held, until, "web", 3, version=1, since=START)
    same("saved", bench.read(lambda t: t.reservation("ord-1")), want)
    _save(bench, Reservation("ord-1", {}, None, "", 0, version=1, ended="released"))
    same("ended", bench.read(lambda t: t.reservation("ord-1")), Reservation("ord-1", {}, version=2, ended="released"))


@rule("R-HOLD-2", "I6")
def an_old_version_is_a_conflict(bench: Bench) -> None:
    """Saving a reservation that was read at another version raises Conflict and changes nothing."""
    raises(Conflict, lambda: _save(bench, Reservation("ord-1", {}, version=4)))
    _save(bench, Reservation("ord-1", {(A, "reserved"): 1}))
    raises(Conflict, lambda: _save(bench, Reservation("ord-1", {})))
    same("kept", bench.read(lambda t: t.reservation("ord-1")), Reservation("ord-1", {(A, "reserved"): 1}, version=1))


@rule("R-HOLD-3", "I5")
def holders_are_found_by_their_cells(bench: Bench) -> None:
    """`reservations_at` gives those that hold units in a cell now, in id order, and no others."""
    for id_, cells in (("r-2", (A, B)), ("r-1", (B, A_LILLE)), ("r-3", (A,))):
        _save(bench, Reservation(id_, {(cell, "reserved"): 1 for cell in cells}))
    same("holders", [_at(bench, c) for c in (A, A_LILLE, B)], [["r-2", "r-3"], ["r-1"], ["r-1", "r-2"]])
    _save(bench, Reservation("r-2", {(B, "picked"): 1}, version=1))
    same("holders", [_at(bench, c) for c in (A, A_LILLE, B)], [["r-3"], ["r-1"], ["r-1", "r-2"]])
    same("of a cell nobody knows", _at(bench, Cell("never", "seen")), [])


@rule("R-HOLD-4", "I4")
def reservations_are_walked_in_pages(bench: Bench) -> None:
    """`reservations` gives every reservation once, ended ones too, in id order, however small the pages are."""
    ids = sorted(f"r-{n * 7 % 23:02}" for n in range(23))
    for id_ in reversed(ids):
        _save(bench, Reservation(id_, {}))
    for size in (1, 5, 99):
        found: list[str] = []
        while page := bench.read(lambda t, f=found, n=size: t.reservations(after=f[-1] if f else "", limit=n)):  # type: ignore[misc]
            found += [r.id for r in page]
        same(f"ids in pages of {size}", found, ids)


@rule("R-HOLD-5", "I16")
def what_is_due_comes_oldest_first(bench: Bench) -> None:
    """`reservations_due` gives those with reserved units whose deadline has come, to the microsecond, oldest first."""
    bench.stock(50)
    tick = timedelta(microseconds=1)
    for id_, minutes, cell in (("r-1", 9, A), ("r-2", 3, A), ("r-3", 3, B), ("r-4", 99, A), ("r-0", 9, A)):
        late = tick if id_ == "r-0" else timedelta(0)
        held = {(cell, "reserved"): 1}
        _save(bench, Reservation(id_, held, START + timedelta(minutes=minutes) + late))
    _save(bench, Reservation("r-5", {(A, "allocated"): 1}, START))
    _save(bench, Reservation("r-6", {(A, "reserved"): 1}))
    at = START + timedelta(minutes=9)

    def due(**k: Any) -> list[str]:
        return bench.read(lambda t: [r.id for r in t.reservations_due(at, **k)])

    same("due", due(), ["r-2", "r-3", "r-1"])
    same("the first two", due(limit=2), ["r-2", "r-3"])
    same("at a cell", (due(cell=A), due(cell=B), due(cell=A_LILLE)), (["r-2", "r-1"], ["r-3"], []))
    _save(bench, Reservation("r-2", {}, version=1, ended="expired"))
    same("due after one has ended", due(), ["r-3", "r-1"])


@rule("R-HOLD-6", "I15 I16")
def nothing_expires_before_its_time(bench: Bench) -> None:
    """A hold stands until its deadline by the store's clock; at the deadline its units are sellable at once."""
    bench.stock(5, cells=(A,))
    minutes = timedelta(minutes=7)
    bench.run(lambda t: reserve(t, "ord-1", [Want("A", 5)], cause="web-1", expires_in=minutes))
    bench.clock.advance(seconds=7 * 60 - 0.000001)
    same("expired before the deadline", bench.run(lambda t: expire(t, cause="tick-1")), ())
    bench.clock.advance(seconds=0.000001)
    got = bench.run(lambda t: reserve(t, "ord-2", [Want("A", 5)], cause="web-2"))
    same("reserved at the deadline", dict(got.cells), {A: 5})
    first = bench.read(lambda t: t.reservation("ord-1"))
    same("how the first ended", (first.ended, dict(first.held)) if first else None, ("expired", {}))


# -- keys -------------------------------------------------------------------------------------------------------------


@rule("R-KEY-1", "I8")
def a_key_is_claimed_once(bench: Bench) -> None:
    """A key keeps its first fingerprint and result; claiming it again raises Conflict and changes nothing."""
    same("before", bench.read(lambda t: t.claimed("web-1")), None)
    bench.run(lambda t: t.claim("web-1", "f1", {"order": "ord-1", "lines": (1, 2)}))
    raises(Conflict, lambda: bench.run(lambda t: t.claim("web-1", "f2", "other")))
    raises(Conflict, lambda: bench.run(lambda t: t.claim("web-1", "f1", "other")))
    same("kept", bench.read(lambda t: t.claimed("web-1")), ("f1", {"order": "ord-1", "lines": (1, 2)}))


@rule("R-KEY-2", "I8")
def a_repeat_has_one_effect(bench: Bench) -> None:
    """The same key with the same content gives the first result and moves nothing, however often it is sent."""

    def command(t: Transaction) -> object:
        name = fingerprint("reserve", "ord-1", 2)
        return once(t, "web-1", name, lambda: reserve(t, "ord-1", [Want("A", 2)], cause="web-1"))

    bench.stock()
    first = bench.run(command)
    for _ in range(4):
        same("the answer", bench.run(command), first)
    same("free", bench.free(), 3)
    same("entries", bench.read(lambda t: len(t.journal(A))), 2)


@rule("R-KEY-3", "I8")
def a_key_with_other_content_is_refused(bench: Bench) -> None:
    """The same key with other content raises KeyReused and has no effect; the first content stands."""

    def command(units: int) -> object:
        name = fingerprint("receive", units)
        return bench.run(lambda t: once(t, "dock-1", name, lambda: receive(t, {A: units}, cause="dock-1")))

    command(3)
    raises(KeyReused, lambda: command(4))
    command(3)
    same("free", bench.free(), 3)


@rule("R-KEY-4", "I8")
def keys_are_told_apart_exactly(bench: Bench) -> None:
    """Keys that differ in letter case, a space, the form of an accent, or behind 200 equal letters are different."""
    keys = ["web-1", "WEB-1", "web-1 ", " web-1", "caf\u00e9", "cafe\u0301", "k" * 200, "k" * 199 + "j", "%", "_", "'"]
    for key in keys:
        bench.run(lambda t, key=key: t.claim(key, "f", key))  # type: ignore[misc]
    for key in keys:
        same(f"the result of {key!r}", bench.read(lambda t, key=key: t.claimed(key)), ("f", key))  # type: ignore[misc]


@rule("R-KEY-8", "I8 I23")
def keys_are_listed_in_order(bench: Bench) -> None:
    """`claims` gives every key once, with its fingerprint and result, in key order, however small the pages are."""
    keys = ["web-1", "WEB-1", "web 1", "caf\u00e9", "cafe\u0301", "k" * 200, "z", "\U0001f4e6", "%", "_"]
    for key in keys:
        bench.run(lambda t, key=key: t.claim(key, f"f{key}", (key, 1)))  # type: ignore[misc]
    want = [(key, f"f{key}", (key, 1)) for key in sorted(keys)]
    for size in (1, 3, 1_000):
        found: list[tuple[str, str, object]] = []
        while page := bench.read(lambda t, f=found, n=size: t.claims(after=f[-1][0] if f else "", limit=n)):  # type: ignore[misc]
            holds(f"a page of at most {size} held {len(page)}", len(page) <= size)
            found += page
            holds(f"the pages never end: {found}", len(found) <= len(keys))
        same(f"keys in pages of {size}", found, want)


@rule("R-KEY-5", "I8")
def a_key_lives_as_long_as_the_journal(bench: Bench) -> None:
    """A key is never forgotten: a year and hundreds of commands later it is still known."""
    bench.run(lambda t: t.claim("first", "f", 1))
    for n in range(bench.times(120, 1_200, 12_000)):
        bench.run(lambda t, n=n: t.claim(f"web-{n}", "f", n))  # type: ignore[misc]
        bench.clock.advance(days=3)
    same("the first key", bench.read(lambda t: t.claimed("first")), ("f", 1))


@rule("R-KEY-6", "I8")
def a_result_comes_back_equal(bench: Bench) -> None:
    """A result kept under a key comes back equal and of the same types: plain values and omscore's own."""
    result: dict[str, list[object]] = {
        "plain": [None, True, 7, 1.5, "x\u00e9\n", (1, "2"), START, timedelta(minutes=7), Decimal("1.10")],
        "own": [Money(1999, "EUR"), A, Movement(A, "supplier", "free", 5, "receive", "dock-7"), date(2026, 3, 2)],
    }
    bench.run(lambda t: t.claim("web-1", "f", result))
    got = bench.read(lambda t: t.claimed("web-1"))
    same("the result", got, ("f", result))
    kinds = [[type(v) for v in part] for part in result.values()]
    same("its types", [[type(v) for v in part] for part in got[1].values()] if got else None, kinds)


@rule("R-KEY-7", "I8")
def a_refusal_keeps_no_key(bench: Bench) -> None:
    """A command that was refused leaves its key free: it may be sent again when there is stock."""

    def command(t: Transaction) -> object:
        moves = [Movement(A, "free", "reserved", 9, "reserve", "web-1", "r")]
        return once(t, "web-1", "f", lambda: t.post(moves, {}))

    bench.stock()
    raises(Short, lambda: bench.run(command))
    same("the key", bench.read(lambda t: t.claimed("web-1")), None)
    bench.stock(4, cells=(A,), cause="dock-2")
    bench.run(command)
    same("the key", bench.read(lambda t: t.claimed("web-1")), ("f", None))
    same("free", bench.free(), 0)


# -- records ----------------------------------------------------------------------------------------------------------


def _put(bench: Bench, id_: str, value: object, version: int = 0, kind: str = "order", **index: str) -> None:
    bench.run(lambda t: t.put(kind, id_, value, version=version, index=index))


def _find(bench: Bench, **k: Any) -> list[tuple[str, str]]:
    return bench.read(lambda t: t.find("order", "due", **k))


@rule("R-RECORD-1", "I11")
def a_record_is_written_at_its_version(bench: Bench) -> None:
    """A record is written at the version it was read at, 0 for a new one; another one raises Conflict, unchanged."""
    same("before", bench.read(lambda t: t.get("order", "ord-1")), None)
    raises(Conflict, lambda: _put(bench, "ord-1", "x", 1))
    _put(bench, "ord-1", "a")
    _put(bench, "ord-1", "b", 1)
    for version in (0, 1, 3):
        raises(Conflict, lambda v=version: _put(bench, "ord-1", "c", v, due="x"))  # type: ignore[misc]
    stored = bench.read(lambda t: t.get("order", "ord-1"))
    same("kept", (stored.value, stored.version) if stored else None, ("b", 2))
    same("index", _find(bench), [])


@rule("R-RECORD-2", "I4")
def an_index_is_walked_in_order(bench: Bench) -> None:
    """`find` gives (sort key, id) in that order, behind `after`, up to `upto` inclusive, in pages of `limit`."""
    for n, key in enumerate(("b", "a", "c", "a", "", "B", "\u00e9")):
        _put(bench, f"o{n}", n, due=key, all="x")
    rows = [("", "o4"), ("B", "o5"), ("a", "o1"), ("a", "o3"), ("b", "o0"), ("c", "o2"), ("\u00e9", "o6")]
    same("all", _find(bench), rows)
    same("a page", _find(bench, after=("a", "o1"), limit=2), rows[3:5])
    same("up to", _find(bench, upto="a"), rows[:4])
    same("another kind", bench.read(lambda t: t.find("return", "due")), [])


@rule("R-RECORD-3", "I4")
def an_index_follows_its_record(bench: Bench) -> None:
    """Writing a record replaces all its index entries: changed ones move, those not named are gone."""
    _put(bench, "o0", 0, due="b", all="x")
    _put(bench, "o1", 0, due="a")
    _put(bench, "o0", 0, 1, due="0")
    same("due", _find(bench), [("0", "o0"), ("a", "o1")])
    same("all", bench.read(lambda t: t.find("order", "all")), [])
    _put(bench, "o0", 0, 2)
    same("due", _find(bench), [("a", "o1")])


@rule("R-RECORD-4", "I7")
def an_index_is_rolled_back_with_its_record(bench: Bench) -> None:
    """When a command fails, index entries that it changed are as they were."""
    _put(bench, "o0", "kept", due="b")

    def fail(t: Transaction) -> None:
        t.put("order", "o0", "lost", version=1, index={"due": "a"})
        t.put("order", "o1", "lost", version=0, index={"due": "c"})
        raise ZeroDivisionError

    raises(ZeroDivisionError, lambda: bench.run(fail))
    same("due", _find(bench), [("b", "o0")])
    same("the record", bench.read(lambda t: (t.get("order", "o0") or 0, t.get("order", "o1")))[1], None)
    _put(bench, "o0", "next", 1, due="d")
    same("due", _find(bench), [("d", "o0")])


@rule("R-RECORD-5", "I4")
def kinds_are_told_apart(bench: Bench) -> None:
    """Records of two kinds may have the same id and the same index names, and never meet."""
    _put(bench, "x", "an order", due="a")
    _put(bench, "x", "a return", kind="return", due="b")
    got = bench.read(lambda t: [t.get(kind, "x") for kind in ("order", "return", "note")])
    same("values", [one and one.value for one in got], ["an order", "a return", None])
    same("index", (_find(bench), bench.read(lambda t: t.find("return", "due"))), ([("a", "x")], [("b", "x")]))


# -- events -----------------------------------------------------------------------------------------------------------


@rule("R-LOG-1", "I11")
def events_are_numbered_by_record(bench: Bench) -> None:
    """A record's events are numbered 1, 2, 3, ... without gaps and keep who and what caused them, and when."""
    bench.run(lambda t: t.append("order", "o1", ["captured", "accepted"], cause="web-1", actor="desk"))
    bench.clock.advance(minutes=1)
    bench.run(lambda t: t.append("order", "o2", [{"to": "ghent"}], cause="web-2"))
    bench.run(lambda t: t.append("return", "o1", ["asked"], cause="web-4"))
    bench.run(lambda t: t.append("order", "o1", ["closed"], cause="web-3"))
    rows = bench.read(lambda t: [(e.seq, e.event, e.cause, e.actor, e.recorded_at) for e in t.events("order", "o1")])
    later = START + timedelta(minutes=1)
    want = [(1, "captured", "web-1", "desk", START), (2, "accepted", "web-1", "desk", START)]
    same("events", rows, [*want, (3, "closed", "web-3", "", later)])


@rule("R-LOG-2", "I11")
def the_log_is_read_in_pages(bench: Bench) -> None:
    """`log` gives the events of all records in recorded order; `after` skips that many, `limit` ends a page."""
    for n in range(5):
        bench.run(lambda t, n=n: t.append("order", f"o{n % 2}", [n], cause="web"))  # type: ignore[misc]
    log = bench.read(lambda t: t.log())
    same("log", [(e.id, e.seq, e.event) for e in log], [(f"o{n % 2}", n // 2 + 1, n) for n in range(5)])
    for after in range(6):
        got = bench.read(lambda t, n=after: t.log(after=n, limit=2))  # type: ignore[misc]
        same(f"log after {after}", got, log[after : after + 2])


@rule("R-LOG-3", "I7 I11")
def a_failed_command_logs_nothing(bench: Bench) -> None:
    """Events of a command that failed are not in the log and take no number."""

    def fail(t: Transaction) -> None:
        t.append("order", "o1", ["lost"], cause="web")
        raise ZeroDivisionError

    bench.run(lambda t: t.append("order", "o1", ["first"], cause="web"))
    raises(ZeroDivisionError, lambda: bench.run(fail))
    bench.run(lambda t: t.append("order", "o1", ["second"], cause="web"))
    got = bench.read(lambda t: [(e.seq, e.event) for e in t.events("order", "o1")])
    same("events", got, [(1, "first"), (2, "second")])
