"""What every store promises about books, records, events and the outbox."""

from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import pytest

from omscore.adapters import MemoryStore
from omscore.errors import Conflict, InsufficientStock, InvalidValue, InvariantBroken
from omscore.inventory import (
    Cell,
    Movement,
    Reservation,
    Short,
    Want,
    allocate,
    expire,
    receive,
    release,
    reserve,
    verify,
)
from omscore.kernel import ManualClock
from omscore.ports import Effect, Leased, Store, Transaction

A, B = Cell("A", "ghent"), Cell("B", "ghent")
A_LILLE = Cell("A", "lille")


def stocked(store: Store, units: int = 5) -> None:
    store.run(lambda t: receive(t, {A: units, A_LILLE: units, B: units}, cause="dock-1"))


def free(store: Store, cell: Cell = A) -> int:
    return store.run(lambda t: t.figures([cell])[cell].free, write=False)


class Crash(Exception):
    pass


def test_a_command_that_fails_leaves_no_trace(store: Store) -> None:
    stocked(store)

    def work(t: Transaction) -> None:
        reserve(t, "ord-1", [Want("A", 2)], cause="web-1")
        t.put("order", "ord-1", "captured", version=0, index={"open": "1"})
        t.append("order", "ord-1", ["captured"], cause="web-1")
        t.emit([Effect("ord-1:confirmed", "notify.confirmed", {"order": "ord-1"})])
        t.claim("web-1", "f", "ord-1")
        raise Crash

    with pytest.raises(Crash):
        store.run(work)

    def look(t: Transaction) -> list[object]:
        return [
            t.figures([A])[A].reserved,
            t.reservation("ord-1"),
            t.get("order", "ord-1"),
            t.find("order", "open"),
            t.events("order", "ord-1"),
            t.outbox("waiting"),
            t.claimed("web-1"),
            [e.movement.verb for e in t.journal()],
        ]

    assert store.run(look, write=False) == [0, None, None, [], [], [], None, ["receive"] * 3]


def test_a_transaction_sees_its_own_writes(store: Store) -> None:
    def work(t: Transaction) -> None:
        receive(t, {A: 5}, cause="dock-1")
        reserve(t, "ord-1", [Want("A", 2)], cause="web-1")
        allocate(t, "ord-1", {A: 2}, cause="route-1")
        figures = t.figures([A])[A]
        assert (figures.free, figures.reserved, figures.allocated, figures.version) == (3, 0, 2, 3)
        own = t.reservation("ord-1")
        assert own is not None
        assert (own.at(A), own.version, own.ended) == ({"allocated": 2}, 2, "allocated")
        assert [r.id for r in t.reservations_at(A)] == ["ord-1"]
        t.put("order", "ord-1", {"n": 1}, version=0, index={"open": "1"})
        t.put("order", "ord-1", {"n": 2}, version=1, index={"done": "1"})
        assert t.find("order", "open") == []
        assert t.find("order", "done") == [("1", "ord-1")]
        assert [e.seq for e in t.journal(A)] == [1, 2, 3]

    store.run(work)


def test_stock_cannot_be_promised_twice(store: Store) -> None:
    stocked(store)
    store.run(lambda t: reserve(t, "ord-1", [Want("A", 8)], cause="web-1"))
    with pytest.raises(InsufficientStock):
        store.run(lambda t: reserve(t, "ord-2", [Want("A", 3)], cause="web-2"))
    store.run(lambda t: reserve(t, "ord-2", [Want("A", 2)], cause="web-2"))


def test_a_posting_below_the_floor_is_short_and_moves_nothing(store: Store) -> None:
    stocked(store)
    moves = [Movement(A, "free", "reserved", 3, "reserve", "k", "r")]
    with pytest.raises(Short):
        store.run(lambda t: t.post(moves, {A: 3}))
    assert free(store) == 5
    store.run(lambda t: t.post(moves, {A: 2}))
    assert free(store) == 2


def test_a_posting_that_fails_half_way_leaves_nothing_to_a_command_that_goes_on(store: Store) -> None:
    if isinstance(store, MemoryStore):
        return  # it keeps any time as it is
    store.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    naive = datetime(2026, 3, 2)  # noqa: DTZ001 - what it is about

    def work(t: Transaction) -> None:
        good = Movement(A, "free", "damaged", 1, "damage", "drop-1")
        with pytest.raises(TypeError):
            t.post([good, good._replace(effective_at=naive)], {})
        t.post([good._replace(cause="drop-2")], {})

    store.run(work)
    assert [e.movement.cause for e in store.run(lambda t: t.journal(), write=False)] == ["dock-1", "drop-2"]
    assert store.run(verify, write=False).findings == ()


def test_taking_what_nobody_holds_is_our_bug_and_moves_nothing(store: Store) -> None:
    stocked(store)
    with pytest.raises(InvariantBroken, match="picked of"):
        store.run(lambda t: t.post([Movement(A, "picked", "packed", 1, "pack", "k", "r")], {}))
    assert free(store) == 5


def test_the_journal_numbers_each_cell_without_gaps(store: Store) -> None:
    stocked(store)
    store.run(lambda t: reserve(t, "ord-1", [Want("A", 7), Want("B", 1)], cause="web-1"))
    store.run(lambda t: release(t, "ord-1", cause="cancel-1"))
    everything = store.run(lambda t: t.journal(), write=False)
    assert [(e.movement.cell, e.seq) for e in everything] == [
        *[(cell, 1) for cell in (A, A_LILLE, B)],
        *[(cell, 2) for cell in (A, A_LILLE, B)],
        *[(cell, 3) for cell in (A, A_LILLE, B)],
    ]
    of_one = [e for e in everything if e.movement.cell == A]
    assert store.run(lambda t: t.journal(A), write=False) == of_one
    assert store.run(lambda t: t.journal(A, after=1, limit=1), write=False) == of_one[1:2]
    assert store.run(lambda t: t.journal(after=2, limit=3), write=False) == everything[2:5]


def test_units_that_are_none_are_refused_and_nothing_is_kept(store: Store) -> None:
    stocked(store)
    good = Movement(A, "free", "damaged", 1, "damage", "drop")
    for units in (0, -1, 1.5, True, "1", None):
        for moves in ([good._replace(units=units)], [good, good._replace(units=units)]):  # type: ignore[arg-type]
            with pytest.raises(InvalidValue, match="the units of a movement must be"):
                store.run(lambda t: t.post(moves, {}))  # noqa: B023 - runs now
    assert free(store) == 5
    assert store.run(lambda t: len(t.journal(A)), write=False) == 1
    assert store.run(lambda t: t.journal(A, limit=0), write=False) == []


def test_an_entry_keeps_every_word_of_its_movement(store: Store, clock: ManualClock) -> None:
    cell = Cell("A", "ghent", "web", "lot-7")
    movement = Movement(
        cell, "supplier", "free", 5, "receive", "dock-1", "", clock.now() - timedelta(days=1, microseconds=1)
    )
    store.run(lambda t: t.post([movement], {}))
    (entry,) = store.run(lambda t: t.journal(cell))
    assert (entry.seq, entry.recorded_at, entry.movement) == (1, clock.now(), movement)


def test_a_reservation_comes_back_as_it_was_saved(store: Store, clock: ManualClock) -> None:
    held = {(A, "reserved"): 2, (B, "picked"): 1}
    saved = Reservation("ord-1", held, clock.now() + timedelta(minutes=5), "web", 3)
    store.run(lambda t: t.save_reservation(saved))
    assert store.run(lambda t: t.reservation("ord-1")) == Reservation(
        "ord-1", held, clock.now() + timedelta(minutes=5), "web", 3, version=1
    )
    ended = Reservation("ord-1", {}, clock.now(), "web", 3, version=1, ended="released")
    store.run(lambda t: t.save_reservation(ended))
    assert store.run(lambda t: t.reservation("ord-1")) == Reservation(
        "ord-1", {}, clock.now(), "web", 3, version=2, ended="released"
    )


def test_a_reservation_read_at_an_old_version_is_a_conflict(store: Store) -> None:
    store.run(lambda t: t.save_reservation(Reservation("ord-1", {})))
    with pytest.raises(Conflict, match="'ord-1' is at version 1, not 0"):
        store.run(lambda t: t.save_reservation(Reservation("ord-1", {})))


def test_holders_are_found_by_each_of_their_cells(store: Store) -> None:
    def at(cell: Cell) -> list[str]:
        return store.run(lambda t: [r.id for r in t.reservations_at(cell)], write=False)

    for id_, cells in (("r-2", (A, B)), ("r-1", (B, A_LILLE)), ("r-3", (A,))):
        held = {(cell, "reserved"): 1 for cell in cells}
        store.run(lambda t, id_=id_, held=held: t.save_reservation(Reservation(id_, held)))  # type: ignore[misc]
    assert (at(A), at(A_LILLE), at(B)) == (["r-2", "r-3"], ["r-1"], ["r-1", "r-2"])
    store.run(lambda t: t.save_reservation(Reservation("r-2", {(B, "picked"): 1}, version=1)))
    assert (at(A), at(A_LILLE), at(B)) == (["r-3"], ["r-1"], ["r-1", "r-2"])
    assert at(Cell("never", "seen")) == []
    assert store.run(lambda t: t.cells_of("B")) == []  # held, but never moved


def test_due_reservations_come_oldest_deadline_first(store: Store, clock: ManualClock) -> None:
    stocked(store)
    for id_, minutes in (("r-1", 9), ("r-2", 3), ("r-3", 3), ("r-4", 99)):
        wait = timedelta(minutes=minutes)
        store.run(lambda t, i=id_, w=wait: reserve(t, i, [Want("A", 1)], cause=i, expires_in=w))  # type: ignore[misc]
    clock.advance(minutes=9)

    def due(cell: Cell | None = None, limit: int = 1_000) -> list[str]:
        return store.run(lambda t: [r.id for r in t.reservations_due(clock.now(), cell=cell, limit=limit)])

    assert due() == ["r-2", "r-3", "r-1"]
    assert due(limit=2) == ["r-2", "r-3"]
    assert due(cell=A) == ["r-2", "r-3", "r-1"]
    assert due(cell=B) == []
    assert store.run(lambda t: expire(t, cause="tick")) == ("r-2", "r-3", "r-1")
    assert due() == []


def test_cells_of_an_item_come_in_order(store: Store) -> None:
    cells = [Cell("A", "n2"), Cell("A", "n1", "web"), Cell("A", "n1"), Cell("A", "n1", "", "lot"), Cell("AA", "n0")]
    for cell in cells:
        store.run(lambda t, c=cell: receive(t, {c: 1}, cause="k"))  # type: ignore[misc]
    assert store.run(lambda t: [c for c, _ in t.cells_of("A")]) == sorted(cells[:4])


def test_a_key_is_claimed_once(store: Store) -> None:
    store.run(lambda t: t.claim("web-1", "f1", {"order": "ord-1", "lines": (1, 2)}))
    assert store.run(lambda t: t.claimed("web-1"), write=False) == ("f1", {"order": "ord-1", "lines": (1, 2)})
    assert store.run(lambda t: t.claimed("web-2")) is None
    with pytest.raises(Conflict):
        store.run(lambda t: t.claim("web-1", "f2", "other"))
    assert store.run(lambda t: t.claimed("web-1")) == ("f1", {"order": "ord-1", "lines": (1, 2)})


def test_a_record_is_written_at_the_version_it_was_read_at(store: Store) -> None:
    store.run(lambda t: t.put("order", "ord-1", "a", version=0))
    store.run(lambda t: t.put("order", "ord-1", "b", version=1))
    for version in (0, 1, 3):
        with pytest.raises(Conflict, match=f"is at version 2, not {version}"):
            store.run(lambda t, v=version: t.put("order", "ord-1", "c", version=v))  # type: ignore[misc]
    stored = store.run(lambda t: t.get("order", "ord-1"))
    assert stored is not None
    assert (stored.value, stored.version) == ("b", 2)
    assert store.run(lambda t: t.get("return", "ord-1")) is None


def test_an_index_is_walked_in_order_and_in_pages(store: Store) -> None:
    for i, key in enumerate(("b", "a", "c", "a", "")):
        put = lambda t, i=i, key=key: t.put("order", f"o{i}", i, version=0, index={"due": key, "all": "x"})  # noqa: E731
        store.run(put)

    def find(**k: Any) -> list[tuple[str, str]]:
        return store.run(lambda t: t.find("order", "due", **k), write=False)

    everything = [("", "o4"), ("a", "o1"), ("a", "o3"), ("b", "o0"), ("c", "o2")]
    assert find() == everything
    assert find(after=("a", "o1"), limit=2) == everything[2:4]
    assert find(upto="a") == everything[:3]
    store.run(lambda t: t.put("order", "o1", 1, version=1, index={"due": "d"}))
    store.run(lambda t: t.put("order", "o0", 1, version=1))
    assert find() == [("", "o4"), ("a", "o3"), ("c", "o2"), ("d", "o1")]
    assert store.run(lambda t: [i for _, i in t.find("order", "all")]) == ["o2", "o3", "o4"]
    assert store.run(lambda t: t.find("return", "due")) == []


def test_events_are_numbered_by_record_and_logged_in_order(store: Store, clock: ManualClock) -> None:
    store.run(lambda t: t.append("order", "o1", ["captured", "accepted"], cause="web-1", actor="anna"))
    clock.advance(minutes=1)
    store.run(lambda t: t.append("order", "o2", [{"to": "ghent"}], cause="web-2"))
    store.run(lambda t: t.append("order", "o1", ["closed"], cause="web-3"))
    of_one = store.run(lambda t: t.events("order", "o1"), write=False)
    assert [(e.seq, e.event, e.cause, e.actor) for e in of_one] == [
        (1, "captured", "web-1", "anna"),
        (2, "accepted", "web-1", "anna"),
        (3, "closed", "web-3", ""),
    ]
    assert of_one[2].recorded_at == clock.now()
    log = store.run(lambda t: t.log())
    assert [(e.id, e.seq) for e in log] == [("o1", 1), ("o1", 2), ("o2", 1), ("o1", 3)]
    assert store.run(lambda t: t.log(after=1, limit=2)) == log[1:3]


def test_whoever_reads_page_by_page_reads_every_row_once_in_recorded_order(store: Store, clock: ManualClock) -> None:
    stocked(store)
    for i in range(5):
        # Of many cells and records at one time, and later ones of the first.
        cells = (B, A, A_LILLE)
        store.run(lambda t: t.post([Movement(c, "free", "damaged", 1, "damage", "k") for c in cells], {}))  # noqa: B023
        store.run(lambda t, i=i: [t.append("note", n, [i], cause="c") for n in ("n-2", "n-1")])  # type: ignore[misc]
        clock.advance(seconds=i % 2)

    def read(t: Transaction) -> None:
        for rows in (t.journal, t.log):
            whole = rows(limit=1_000)
            assert len({(e.recorded_at, e.seq) for e in whole}) < len(whole)
            for page in (1, 2, 7):
                read: list[Any] = []
                while found := rows(after=len(read), limit=page):
                    read += found
                assert read == whole
                # Back, ahead, and from there on.
                assert [rows(after=n, limit=2) for n in (2, 6, 8, 3)] == [whole[n : n + 2] for n in (2, 6, 8, 3)]

    store.run(read, write=False)
    before = store.run(lambda t: len(t.journal()), write=False)

    def write_between(t: Transaction) -> int:
        assert len(t.journal(limit=before)) == before
        receive(t, {A: 1, B: 1}, cause="dock-2")
        return len(t.journal(after=before))

    assert store.run(write_between) == 2


def test_effects_of_one_key_go_in_order(store: Store, clock: ManualClock) -> None:
    effects = [Effect(f"e{i}", "notify.x", {"n": i}, key) for i, key in enumerate(("o1", "", "o1", "o2", ""))]
    store.run(lambda t: t.emit(effects))
    store.run(lambda t: t.emit([Effect("e0", "notify.x", {"n": "again"}, "o1")]))

    def lease() -> list[Leased]:
        return store.run(lambda t: t.lease("w1", limit=9, seconds=30))

    first = lease()
    assert [given.effect for given in first] == [effects[0], effects[1], effects[3], effects[4]]
    assert lease() == []
    assert store.run(lambda t: t.ack(first[0])) is True
    assert store.run(lambda t: t.ack(first[0])) is False
    assert [given.effect.id for given in lease()] == ["e2"]
    later = clock.now() + timedelta(minutes=1)
    assert store.run(lambda t: t.retry(first[1], due_at=later, error="busy")) is True
    assert store.run(lambda t: t.park(first[2], error="gone")) is True
    assert lease() == []
    assert store.run(lambda t: t.outbox("parked"), write=False) == [(effects[3], 1, "gone")]
    assert store.run(lambda t: t.outbox("waiting")) == [(effects[1], 1, "busy")]
    clock.advance(minutes=1)
    again = lease()
    assert [(given.effect.id, given.attempts) for given in again] == [("e1", 1), ("e2", 0), ("e4", 0)]
    # A lease that ran out answers for nobody any more.
    assert store.run(lambda t: t.ack(first[3])) is False
    assert store.run(lambda t: t.ack(again[2])) is True
    assert [e.id for e, _, _ in store.run(lambda t: t.outbox("done"))] == ["e0", "e4"]


def test_an_effect_waits_for_its_time(store: Store, clock: ManualClock) -> None:
    later = clock.now() + timedelta(hours=1)
    store.run(lambda t: t.emit([Effect("e1", "notify.x", {}, "o1", later), Effect("e2", "notify.x", {}, "o1")]))
    assert store.run(lambda t: t.lease("w1", limit=9, seconds=30)) == []
    clock.advance(hours=1)
    (given,) = store.run(lambda t: t.lease("w1", limit=9, seconds=30))
    assert given.effect == Effect("e1", "notify.x", {}, "o1", later)


def test_a_clock_that_goes_back_does_not_take_the_store_along(store: Store, clock: ManualClock) -> None:
    stocked(store)
    before = clock.now()
    clock.advance(hours=-1)
    assert store.run(lambda t: t.now()) == before
    assert store.run(lambda t: t.now(), write=False) == before
    stocked(store)
    assert {e.recorded_at for e in store.run(lambda t: t.journal())} == {before}


def test_a_transaction_inside_a_transaction_is_refused(store: Store) -> None:
    with pytest.raises(RuntimeError, match="use the one you were given"):
        store.run(lambda _: store.run(lambda _: None))
    store.run(lambda t: t.claim("web-1", "f", None))


def test_threads_never_oversell_and_every_answer_is_true(store: Store) -> None:
    stocked(store, 20)
    sold: list[str] = []
    refused: list[str] = []

    def shop(name: int) -> None:
        for i in range(15):
            id_ = f"ord-{name}-{i}"
            try:
                store.run(lambda t, id_=id_: reserve(t, id_, [Want("A", 1)], cause=id_))  # type: ignore[misc]
                sold.append(id_)
            except InsufficientStock:
                refused.append(id_)

    threads = [Thread(target=shop, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(sold), len(refused)) == (40, 80)
    journal = store.run(lambda t: t.journal(), write=False)
    assert sorted(e.movement.reservation for e in journal if e.movement.verb == "reserve") == sorted(sold)
    assert free(store) == free(store, A_LILLE) == 0
