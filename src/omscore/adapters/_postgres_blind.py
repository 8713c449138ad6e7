"""One round trip: a command run on what this process remembers, and written with COMMIT in one message.

Most commands of a busy shop take units from cells that the same process moved a moment ago, for a key and an owner
that are new. Such a command needs to ask nothing: it is run on what is remembered, taking its keys and owners for new.
What it writes names the versions it rests on and inserts the keys and owners it took for new, so the server refuses all
of it when any of that was wrong, and the command is run again in the usual way. A command that asks for anything else,
fails, or writes no proof of what it took for granted is run in the usual way from the start.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from threading import Lock
from typing import Any, NoReturn

from omscore.adapters._postgres_books import State, Wire
from omscore.adapters._postgres_txn import PostgresTransaction
from omscore.codec import Codec
from omscore.errors import StoreError
from omscore.inventory import Cell, Reservation

FRESH_S = 1.0
"""How long an item's cells and the server's time are remembered before they are asked for again."""

_ITEMS_MAX = 10_000


class Asked(StoreError):
    """The command asked for something that is not remembered."""


def _ask(*_: Any) -> NoReturn:
    raise Asked("this is not remembered")


class Memory:
    """What one process knows of the cells it moved, for a moment."""

    def __init__(self) -> None:
        self._lock = Lock()
        # Of each item: when its cells were asked for, and what they are now.
        self._items: dict[str, tuple[float, dict[Cell, State]]] = {}

    def cells_of(self, item: str) -> dict[Cell, State] | None:
        """An item's cells, if they were asked for lately."""
        with self._lock:
            asked_at, cells = self._items.get(item, (0.0, {}))
        return cells if asked_at and time.monotonic() - asked_at < FRESH_S else None

    def learn(self, cells: Mapping[Cell, State], items: Collection[str]) -> None:
        """Take over what a committed transaction knew: all cells of some items, and cells it moved of others."""
        found: dict[str, dict[Cell, State]] = {}
        for cell, state in cells.items():
            if state.figures.version:
                found.setdefault(cell.item, {})[cell] = state
        with self._lock:
            if len(self._items) > _ITEMS_MAX:
                self._items.clear()
            for item, states in found.items():
                if item in items:
                    self._items[item] = (time.monotonic(), states)
                elif item in self._items:
                    asked_at, known = self._items[item]
                    self._items[item] = (asked_at, known | states)

    def forget(self, items: Collection[str]) -> None:
        """Somebody else moved these."""
        with self._lock:
            for item in items:
                self._items.pop(item, None)


class BlindTransaction(PostgresTransaction):
    """A transaction that asks the server nothing."""

    def __init__(
        self, memory: Memory, time_of: Callable[[], int | None], tenant: str, codec: Codec, turn: Callable[[int], int]
    ) -> None:
        super().__init__(Wire(_ask, _ask, _ask, _ask), tenant, codec, _ask, turn)
        self._memory = memory
        self._time_of = time_of
        self._taken_for_new: set[str] = set()
        self._taken_for_free: set[str] = set()

    @property
    def proven(self) -> bool:
        """Whether all that was taken for granted is written, so that the server will refuse it if it is not so."""
        owners = all(id_ in self._saved and self._saved[id_][0] is None for id_ in self._taken_for_new)
        return self.writes > 0 and owners and not self._taken_for_free

    def learned(self) -> tuple[Mapping[Cell, State], Collection[str]]:
        # Nobody was asked which cells there are.
        return self._cells, ()

    def _stamp(self) -> int:
        if self._now is None:
            self._now = self._time_of()
            if self._now is None:
                _ask()
        return self._now

    def claimed(self, key: str) -> tuple[str, Any] | None:
        self._absent.add(key)
        self._taken_for_free.add(key)
        return None

    def claim(self, key: str, fingerprint: str, result: Any) -> None:
        super().claim(key, fingerprint, result)
        self._taken_for_free.discard(key)

    def _state(self, cell: Cell) -> State:
        if cell not in self._cells:
            self.cells_of(cell.item)
        return super()._state(cell)

    def cells_of(self, item: str) -> Any:
        if item not in self._items:
            known = self._memory.cells_of(item)
            if known is None:
                _ask()
            self._cells.update(known)
            self._items[item] = sorted(known)
        return super().cells_of(item)

    def read_ahead(self, reservation: str, items: Iterable[str]) -> None:
        """Nothing: what is remembered is there."""

    def reservation(self, id: str) -> Reservation | None:  # noqa: A002 - the field's word for it
        if id not in self._reservations:
            self._taken_for_new.add(id)
            self._reservations[id] = None
        return self._reservations[id]
