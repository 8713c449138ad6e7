"""What a ledger is, in the fewest words: the model that stores are compared with, and random commands to compare by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from omscore.inventory import Cell, Ledger, Outcome, Want, outcome
from omscore.kernel.rng import Rng
from omscore.ports import Store

Step = Callable[[Store], Outcome[object]]
"""One random command: takes a store, says what became of it."""


class Model:
    """Free units of items and who holds how many, in two dicts, without cells, keys, journal or time.

    It shares no code with the ledger, so that both can hardly be wrong in the same way.

    >>> model = Model({"A": 5})
    >>> model.reserve("ord-1", {"A": 3}), model.reserve("ord-2", {"A": 3}), model.release("ord-1")
    (True, False, 3)
    >>> model.free
    {'A': 5}
    """

    def __init__(self, free: Mapping[str, int] | None = None) -> None:
        self.free = dict(free or {})
        self.held: dict[str, dict[str, int]] = {}

    def receive(self, item: str, units: int) -> None:
        """Units arrive.

        >>> model = Model()
        >>> model.receive("A", 2)
        >>> model.free
        {'A': 2}
        """
        self.free[item] = self.free.get(item, 0) + units

    def reserve(self, holder: str, units: Mapping[str, int]) -> bool:
        """Take all of it or nothing; what the holder had before is replaced.

        >>> Model({"A": 1}).reserve("ord-1", {"A": 1, "B": 1})
        False
        """
        mine = self.held.get(holder, {})
        if any(self.free.get(item, 0) + mine.get(item, 0) < n for item, n in units.items()):
            return False
        self.release(holder)
        for item, n in units.items():
            self.free[item] -= n
        self.held[holder] = dict(units)
        return True

    def release(self, holder: str) -> int:
        """Give everything back; returns the units.

        >>> Model().release("ord-1")
        0
        """
        mine = self.held.pop(holder, {})
        for item, n in mine.items():
            self.free[item] += n
        return sum(mine.values())

    def state(self) -> tuple[object, ...]:
        """All of it as one value that can be compared and kept in a set.

        >>> Model({"A": 1}).state()
        ((('A', 1),), ())
        """
        held = sorted((holder, tuple(sorted(units.items()))) for holder, units in self.held.items() if units)
        return tuple(sorted(self.free.items())), tuple(held)

    def copy(self) -> Model:
        """A model that goes its own way from here.

        >>> Model({"A": 1}).copy().free
        {'A': 1}
        """
        twin = Model(self.free)
        twin.held = {holder: dict(units) for holder, units in self.held.items()}
        return twin


_ITEMS = ("A", "B", "C")
_NODES = ("ghent", "lille")


def walk(seed: int, steps: int) -> Iterator[Step]:
    """Random commands of the whole ledger, some of them refused; the same ones for the same seed.

    >>> from omscore.adapters import MemoryStore
    >>> store = MemoryStore()
    >>> [step(store).state for step in walk(seed=1, steps=5)]
    ['refused', 'refused', 'done', 'done', 'done']
    """
    rng = Rng(seed)
    for n in range(steps):
        yield _step(rng, n)


def _step(rng: Rng, n: int) -> Step:
    key = f"step-{n}"
    holder = f"ord-{rng.below(12)}"
    cell = Cell(rng.choice(_ITEMS), rng.choice(_NODES))
    units = 1 + rng.below(5)
    match rng.below(12):
        case 0 | 1 | 2:
            return lambda store: outcome(lambda: Ledger(store).receive({cell: 4 * units}, key=key))
        case 3 | 4 | 5:
            wants = [Want(cell.item, units), Want(rng.choice(_ITEMS), 1 + rng.below(2))]
            time = timedelta(minutes=rng.below(30)) if rng.below(2) else None
            return lambda store: outcome(lambda: Ledger(store).reserve(holder, wants, key=key, expires_in=time))
        case 6 | 7:
            return lambda store: outcome(lambda: Ledger(store).allocate(holder, {cell: units}, key=key))
        case 8:
            return lambda store: outcome(lambda: Ledger(store).release(holder, key=key))
        case 9:
            return lambda store: outcome(lambda: Ledger(store).pick(holder, {cell: 1}, key=key))
        case 10:
            return lambda store: outcome(lambda: Ledger(store).damage({cell: 1}, key=key))
        case _:
            return lambda store: outcome(lambda: Ledger(store).count({cell: units}, key=key))


__all__ = ["Model", "Step", "walk"]
