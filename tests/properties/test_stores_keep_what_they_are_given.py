"""Whatever is written comes back word for word, from every store that stands in this process or in a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omscore.adapters import MemoryStore, SqliteStore
from omscore.inventory import Movement, Reservation
from omscore.kernel import ManualClock
from omscore.ports import Effect, Store
from omscore.testing._bench import START
from omscore.testing.linear import Call, serial_order
from omscore.testing.model import Model
from omscore.testing.strategies import effects, movements, reservations


@contextmanager
def opened(kind: str) -> Iterator[Store]:
    clock = ManualClock(START)
    if kind == "memory":
        yield MemoryStore(clock)
        return
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "shop.db", clock=clock, durability="process-crash")
        yield store
        store.close()


STORES = pytest.mark.parametrize("kind", ["memory", "sqlite"])
FEW = settings(max_examples=25)


@STORES
@FEW
@given(st.lists(movements(), min_size=1, max_size=6))
def test_entries_come_back_word_for_word(kind: str, moves: list[Movement]) -> None:
    given_ = [move._replace(source="supplier", target="free", verb="receive") for move in moves]
    with opened(kind) as store:
        store.run(lambda t: t.post(given_, {}))
        assert [e.movement for e in store.run(lambda t: t.journal(), write=False)] == given_


@STORES
@FEW
@given(reservations())
def test_reservations_come_back_word_for_word(kind: str, reservation: Reservation) -> None:
    with opened(kind) as store:
        store.run(lambda t: t.save_reservation(reservation))
        assert store.run(lambda t: t.reservation(reservation.id), write=False) == reservation.saved()
        for cell, _ in reservation.held:
            assert [r.id for r in store.run(lambda t, c=cell: t.reservations_at(c))] == [reservation.id]  # type: ignore[misc]


@STORES
@FEW
@given(effects())
def test_effects_come_back_word_for_word(kind: str, effect: Effect) -> None:
    with opened(kind) as store:
        store.run(lambda t: t.emit([effect]))
        assert [e for e, _, _ in store.run(lambda t: t.outbox("waiting"), write=False)] == [effect]


@given(st.lists(st.tuples(st.sampled_from(["r1", "r2"]), st.integers(1, 3)), max_size=6), st.integers(0, 4))
def test_a_history_that_was_serial_has_a_serial_order(asked: list[tuple[str, int]], stock: int) -> None:
    model = Model({"A": stock})
    history = []
    for n, (holder, units) in enumerate(asked):
        answer = model.reserve(holder, {"A": units})
        act = lambda m, h=holder, u=units: m.reserve(h, {"A": u})  # noqa: E731 - two names to bind
        history.append(Call(f"c{n}", 2 * n, 2 * n + 1, act, answer))
    assert serial_order(history, Model({"A": stock})) == [f"c{n}" for n in range(len(asked))]
    if history and stock < 3:
        wrong: Call[Model] = Call("wrong", 99, 100, lambda m: m.reserve("r3", {"A": stock + 1}), answer=True)
        assert serial_order([*history, wrong], Model({"A": stock})) is None
