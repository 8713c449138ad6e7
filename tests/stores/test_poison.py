"""What no store can keep is refused with a type and a reason, in every store, and nothing is stored of it."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from omscore.adapters import MemoryStore
from omscore.errors import CodecError, CommandRefused, InvalidValue, OmsError
from omscore.inventory import Cell, Ledger, Want, verify
from omscore.kernel import ManualClock
from omscore.ports import Effect, Store

A = Cell("A", "ghent")
UNITS: list[Any] = [0, -1, 2**63, 1.5, math.nan, math.inf, True, "3", None]
NAMES: list[Any] = ["", "k" * 257, "a\0b", "\ud800", None, 5, b"web-1"]


def everything(store: Store) -> object:
    return store.run(
        lambda t: (t.journal(), t.cells(), t.reservations(), t.claims(), t.log(), t.outbox("waiting")), write=False
    )


def refused(store: Store, command: Callable[[], object]) -> None:
    before = everything(store)
    with pytest.raises(OmsError) as caught:
        command()
    assert isinstance(caught.value, InvalidValue | CodecError | CommandRefused), repr(caught.value)
    assert everything(store) == before
    assert store.run(verify, write=False).ok


def test_units_that_are_no_quantity(store: Store) -> None:
    ledger = Ledger(store)
    ledger.receive({A: 9}, key="dock")
    ledger.allocate("ord-1", {A: 3}, key="route")
    for n in UNITS:
        commands: list[Callable[[], object]] = [
            lambda n=n: ledger.receive({A: n}, key="k"),  # type: ignore[misc]
            lambda n=n: ledger.reserve("ord-2", [Want("A", n)], key="k"),  # type: ignore[misc]
            lambda n=n: ledger.allocate("ord-2", {A: n}, key="k"),  # type: ignore[misc]
            lambda n=n: ledger.release("ord-1", {(A, "allocated"): n}, key="k"),  # type: ignore[misc]
            lambda n=n: ledger.pick("ord-1", {A: n}, key="k"),  # type: ignore[misc]
            lambda n=n: ledger.short_pick("ord-1", {A: n}, key="k"),  # type: ignore[misc]
            lambda n=n: ledger.damage({A: n}, key="k"),  # type: ignore[misc]
            lambda n=n: ledger.scrap({A: n}, key="k", source="free"),  # type: ignore[misc]
            lambda n=n: ledger.repool({A: n}, "web", key="k"),  # type: ignore[misc]
            lambda n=n: ledger.send("t-1", {A: n}, "lille", key="k"),  # type: ignore[misc]
            lambda n=n: ledger.return_stock({A: n}, to="free", key="k"),  # type: ignore[misc]
        ]
        # Nothing counted, nothing expected: of these, none is a quantity too.
        if n != 0 or n is False:
            commands += [
                lambda n=n: ledger.count({A: n}, key="k"),  # type: ignore[misc]
                lambda n=n: ledger.feed("vendor-1", {"A": n}, key="k"),  # type: ignore[misc]
                lambda n=n: ledger.expect("po-1", "A", "ghent", n, datetime(2026, 3, 9, tzinfo=UTC), key="k"),  # type: ignore[misc]
            ]
        for command in commands:
            refused(store, command)


def test_names_that_no_store_could_tell_apart_or_keep(store: Store) -> None:
    ledger = Ledger(store)
    ledger.receive({A: 9}, key="dock")
    for name in NAMES:
        for command in (
            lambda name=name: ledger.receive({A: 1}, key=name),
            lambda name=name: ledger.receive({Cell(name, "ghent"): 1}, key="k"),
            lambda name=name: ledger.receive({Cell("A", name): 1}, key="k"),
            lambda name=name: ledger.reserve(name, [Want("A", 1)], key="k"),
            lambda name=name: ledger.send(name, {A: 1}, "lille", key="k"),
            lambda name=name: ledger.send("t-1", {A: 1}, name, key="k"),
            lambda name=name: ledger.expect(name, "A", "ghent", 1, datetime(2026, 3, 9, tzinfo=UTC), key="k"),
            lambda name=name: ledger.expect("po", name, "ghent", 1, datetime(2026, 3, 9, tzinfo=UTC), key="k"),
            lambda name=name: ledger.expect("po", "A", name, 1, datetime(2026, 3, 9, tzinfo=UTC), key="k"),
        ):
            refused(store, command)
        if name != "":
            refused(store, lambda name=name: ledger.repool({A: 1}, name, key="k"))  # type: ignore[misc]
            refused(store, lambda name=name: ledger.receive({A._replace(lot=name): 1}, key="k"))  # type: ignore[misc]


def test_times_beyond_the_calendar(store: Store) -> None:
    ledger = Ledger(store)
    ledger.receive({A: 9}, key="dock")
    ledger.reserve("ord-1", [Want("A", 1)], key="web-1", expires_in=timedelta(minutes=5))
    for command in (
        lambda: ledger.reserve("ord-2", [Want("A", 1)], key="k", expires_in=timedelta.max),
        lambda: ledger.outrank("ord-2", [Want("A", 1)], key="k", expires_in=timedelta.max, priority=1),
        lambda: ledger.extend("ord-1", timedelta.max, key="k"),
        lambda: ledger.reserve("ord-2", [Want("A", 1)], key="k", expires_in=timedelta(seconds=-1)),
        lambda: ledger.expect("po-1", "A", "ghent", 1, datetime(2026, 3, 9), key="k"),  # noqa: DTZ001 - the poison
    ):
        refused(store, command)


def test_records_that_are_too_deep_or_nothing_plain(store: Store) -> None:
    if isinstance(store, MemoryStore):
        return  # it keeps any value as it is, and nobody reads it back from text
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"d": deep}
    for value in (deep, object(), math.nan, {"a": {1, object()}}):
        refused(store, lambda value=value: store.run(lambda t: t.put("note", "n", value, version=0)))  # type: ignore[misc]
        refused(store, lambda value=value: store.run(lambda t: t.claim("web", "f", value)))  # type: ignore[misc]
        refused(store, lambda value=value: store.run(lambda t: t.emit([Effect("e", "notify.x", {"v": value})])))  # type: ignore[misc]


def test_a_large_record_is_kept_whole(store: Store) -> None:
    value = {f"field-{n}": "x" * 1_000 for n in range(1_000)}
    store.run(lambda t: t.put("note", "n", value, version=0))
    stored = store.run(lambda t: t.get("note", "n"), write=False)
    assert stored is not None
    assert stored.value == value


@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
        datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC),
        datetime(9999, 12, 31, 22, 0, tzinfo=UTC),
    ],
    ids=["clocks go forward", "32 bits end", "the calendar ends"],
)
def test_a_hold_lasts_as_long_as_it_was_given_on_every_day(store: Store, clock: ManualClock, start: datetime) -> None:
    clock.advance(seconds=(start - clock.now()).total_seconds())
    ledger = Ledger(store)
    ledger.receive({A: 1}, key="dock")
    ledger.reserve("ord-1", [Want("A", 1)], key="web-1", expires_in=timedelta(minutes=20))
    clock.advance(seconds=1_199)
    assert ledger.availability("A").units == 0
    # The machine's clock jumps back and forth, and stands still; the store's does neither.
    clock.advance(hours=-1)
    assert ledger.availability("A").units == 0
    clock.advance(hours=1)
    assert ledger.availability("A").units == 0
    clock.advance(seconds=1)
    assert ledger.availability("A").units == 1
    ledger.reserve("ord-2", [Want("A", 1)], key="web-2")
    times = [e.recorded_at for e in ledger.journal() if e.recorded_at]
    assert times == sorted(times)
