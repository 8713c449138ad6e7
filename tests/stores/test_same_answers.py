"""The same commands, in the same order, get the same answers from every store, and the books add up in each."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from omscore import inventory as inv
from omscore.adapters import MemoryStore
from omscore.errors import OmsError
from omscore.inventory import Cell, Want, fewest_orders, fingerprint, newest_first, once, verify
from omscore.kernel import ManualClock, Rng
from omscore.ports import Store, Transaction

ITEMS = ("A", "B")
NODES = ("ghent", "lille")
CELLS = [Cell(item, node, pool) for item in ITEMS for node in NODES for pool in ("", "web")]


def command(rng: Rng, number: int) -> Callable[[Transaction], Any]:
    """One command of the ledger, any verb, sometimes one that must be refused."""
    key, id_, units = f"k-{number}", f"ord-{rng.below(12)}", 1 + rng.below(4)
    cell, other = CELLS[rng.below(len(CELLS))], CELLS[rng.below(len(CELLS))]
    wants = [Want(cell.item, units, pools=("", "web")), Want(other.item, 1)]
    minutes = timedelta(minutes=1 + rng.below(20))
    victims = (newest_first, fewest_orders, None)[rng.below(3)]
    verbs: list[Callable[[Transaction], Any]] = [
        lambda t: inv.receive(t, {cell: units * 3, other: 1}, cause=key),
        lambda t: inv.reserve(t, id_, wants, cause=key, expires_in=minutes, priority=units),
        lambda t: inv.reserve(t, id_, wants, cause=key, policy="partial", floors={cell: 1}),
        lambda t: once(t, f"same-{units}", fingerprint(units), lambda: inv.reserve(t, id_, wants, cause=key)),
        lambda t: inv.allocate(t, id_, {cell: units}, cause=key),
        lambda t: inv.pick(t, id_, {cell: 1}, cause=key),
        lambda t: inv.pack(t, id_, {cell: 1}, cause=key),
        lambda t: inv.ship(t, id_, {cell: 1}, cause=key),
        lambda t: inv.release(t, id_, cause=key),
        lambda t: inv.expire(t, cause=key),
        lambda t: inv.extend(t, id_, minutes),
        lambda t: inv.count(t, {cell: units}, cause=key, victims=victims),
        lambda t: inv.damage(t, {cell: 1}, cause=key, victims=victims),
        lambda t: inv.repool(t, {cell: 1}, "" if cell.pool else "web", cause=key),
        lambda t: inv.return_stock(t, {cell: 1}, to="quarantine", cause=key),
        lambda t: inv.short_pick(t, id_, {cell: 1}, cause=key),
        lambda t: inv.correct(t, cell, units, cause=key).movement,
        lambda t: [t.reservations_at(cell), t.reservations_due(t.now(), cell=cell), t.figures([cell, other])],
    ]
    return verbs[rng.below(len(verbs))]


def answer(store: Store, work: Callable[[Transaction], Any]) -> str:
    try:
        return repr(store.run(work))
    except OmsError as error:
        return f"{type(error).__name__}: {error}"


def everything(store: Store) -> list[object]:
    def look(t: Transaction) -> list[object]:
        return [
            t.cells(),
            t.reservations(),
            [(e.seq, e.recorded_at, e.movement) for e in t.journal()],
            [[(e.seq, e.movement) for e in t.journal(cell)] for cell in CELLS],
            [r.id for r in t.reservations_due(t.now() + timedelta(days=1))],
            verify(t).findings,
        ]

    return store.run(look, write=False)


@pytest.mark.parametrize("seed", range(3))
def test_every_store_gives_the_answers_of_memory(store: Store, clock: ManualClock, seed: int) -> None:
    reference = MemoryStore(clock)
    rng = Rng(seed)
    refused = 0
    for number in range(120):
        work = command(rng, number)
        expected = answer(reference, work)
        assert answer(store, work) == expected, number
        refused += not expected.startswith(
            ("None", "[", "(", "Reserved", "Allocated", "Reservation", "Counted", "Movement")
        )
        if rng.below(4) == 0:
            clock.advance(minutes=rng.below(5))
    assert everything(store) == everything(reference)
    assert everything(store)[-1] == ()
    assert 5 < refused < 100
