"""What a rule is and what it is tried on: a backing that an author gives, and a bench around it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, Literal, TypeVar

from attrs import field, frozen

from omscore.errors import DefinitionError, OmsError
from omscore.inventory import Cell, Figures, receive
from omscore.kernel import ManualClock
from omscore.ports import Capabilities, Clock, Store, Transaction

T = TypeVar("T")
Level = Literal["smoke", "full", "soak"]
"""How long the kit looks: seconds, minutes, or as long as it takes."""

LEVELS: tuple[Level, ...] = ("smoke", "full", "soak")
"""The levels, from the shortest."""

START = datetime(2026, 3, 2, 9, tzinfo=UTC)

A, B, C = Cell("A", "ghent"), Cell("B", "ghent"), Cell("C", "ghent")
A_LILLE = Cell("A", "lille")


@frozen
class Backing:
    """Where a store under test keeps its data: `connect` opens one more handle to it, told the time by a clock.

    A store whose data lives in one object (not durable, one process) is connected to once and used by all. `close` is
    called when a rule has been tried; handles are closed before it, where they have a `close` of their own.

    >>> from omscore.adapters import MemoryStore
    >>> Backing(MemoryStore).connect(ManualClock(START)).capabilities.durable
    False
    """

    connect: Callable[[Clock], Store]
    close: Callable[[], object] = lambda: None


@frozen
class Rule:
    """One thing a store must do: a stable id, one sentence, the invariants behind it, and the function that tries it.

    `needs` names the capabilities without which the rule says nothing about a store. `since` is the version that
    brought the rule.

    >>> from omscore.testing.rules import RULES
    >>> RULES["R-ATOM-1"].invariants
    ('I7',)
    """

    id: str
    text: str
    invariants: tuple[str, ...]
    attempt: Callable[[Bench], None] = field(repr=False)
    needs: tuple[str, ...] = ()
    since: str = "0.1.0"

    def missing(self, capabilities: Capabilities) -> tuple[str, ...]:
        """The capabilities that this rule needs and a store does not declare.

        >>> from omscore.testing.rules import RULES
        >>> RULES["R-DURABLE-1"].missing(Capabilities())
        ('durable',)
        """
        return tuple(name for name in self.needs if not getattr(capabilities, name))


_FOUND: list[Rule] = []


def rule(id: str, invariants: str, needs: str = "") -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:  # noqa: A002
    """Make a function a rule; its docstring is the rule's text."""

    def made(attempt: Callable[[Bench], None]) -> Callable[[Bench], None]:
        text = " ".join((attempt.__doc__ or "").split())
        twin = next((known for known in _FOUND if known.id == id), None)
        if twin is not None and twin.attempt.__code__ == attempt.__code__:
            return attempt  # its module is run once more, as pytest does to look for examples in it
        if not text or twin is not None:
            raise DefinitionError(f"rule {id!r} has no text, or its id is used twice")
        _FOUND.append(Rule(id, text, tuple(invariants.split()), attempt, tuple(needs.split())))
        return attempt

    return made


def gathered(rooms: Sequence[ModuleType]) -> dict[str, Rule]:
    """The rules, by id, in the order in which they are written in some modules, whichever was imported first."""
    # By the last part of their names: whoever looks for examples in a module may run it under another.
    at = {room.__name__.rpartition(".")[2]: i for i, room in enumerate(rooms)}
    return {one.id: one for one in sorted(_FOUND, key=lambda one: at[one.attempt.__module__.rpartition(".")[2]])}


class Bench:
    """A store being tried by one rule: handles, a clock that stands still, and small words for what rules do."""

    def __init__(self, backing: Backing, *, level: Level = "smoke", patience_s: float = 0.15) -> None:
        self.clock = ManualClock(START)
        self.level: Level = level
        self.patience_s = patience_s
        self._backing = backing
        self._handles: list[Store] = []
        self.store = self.another()
        self.capabilities = self.store.capabilities

    def another(self, clock: Clock | None = None) -> Store:
        """One more handle to the same data; the same one again where only one may be open."""
        if self._handles and not self.capabilities.multi_process:
            return self.store
        handle = self._backing.connect(clock or self.clock)
        self._handles.append(handle)
        return handle

    def reopen(self) -> Store:
        """Close every handle and open one anew, as a process that starts."""
        self._close_handles()
        self.store = self.another()
        return self.store

    def let_go(self) -> None:
        """Close what a child may not find open, where only one process may have the data."""
        if not self.capabilities.multi_process:
            self._close_handles()

    def fresh(self) -> Store:
        """A handle opened in this process only, for a child that was forked off."""
        return self._backing.connect(self.clock)

    def _close_handles(self) -> None:
        for handle in self._handles:
            close = getattr(handle, "close", None)
            if close is not None:
                close()
        self._handles.clear()

    def close(self) -> None:
        """Give everything back."""
        self._close_handles()
        self._backing.close()

    def times(self, smoke: int, full: int, soak: int) -> int:
        """How often to do something at this level."""
        return {"smoke": smoke, "full": full, "soak": soak}[self.level]

    # -- small words ------------------------------------------------------------------------------------------------

    def run(self, work: Callable[[Transaction], T]) -> T:
        """A command."""
        return self.store.run(work)

    def read(self, work: Callable[[Transaction], T]) -> T:
        """A look that writes nothing."""
        return self.store.run(work, write=False)

    def stock(self, units: int = 5, cells: Sequence[Cell] = (A, A_LILLE, B), cause: str = "dock-1") -> None:
        """Units received in some cells."""
        self.run(lambda t: receive(t, dict.fromkeys(cells, units), cause=cause))

    def figures(self, cell: Cell = A) -> Figures:
        """A cell's figures."""
        return self.read(lambda t: t.figures([cell])[cell])

    def free(self, cell: Cell = A) -> int:
        """A cell's free units."""
        return self.figures(cell).free

    def wait(self, thread: threading.Thread) -> None:
        """Let another client go on for as long as it can, or until patience ends because it waits for us."""
        thread.join(self.patience_s)


class RuleBroken(AssertionError):
    """A rule was not kept; the message says what was seen and what was promised.

    >>> issubclass(RuleBroken, AssertionError)
    True
    """


def same(what: str, got: object, want: object) -> None:
    """Say what differs, unless nothing does."""
    if got != want:
        raise RuleBroken(f"{what}: got {got!r}, and the rule says {want!r}")


def holds(what: str, fact: object) -> None:
    """Say what does not hold, unless it does."""
    if not fact:
        raise RuleBroken(what)


def raises(kinds: type[BaseException] | tuple[type[BaseException], ...], call: Callable[[], object]) -> BaseException:
    """The exception that a call must end in."""
    try:
        result = call()
    except kinds as error:
        return error
    except OmsError as error:
        raise RuleBroken(f"raised {type(error).__name__} ({error}) where {_names(kinds)} is promised") from error
    raise RuleBroken(f"answered {result!r} where {_names(kinds)} is promised")


def _names(kinds: type[BaseException] | tuple[type[BaseException], ...]) -> str:
    return " or ".join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))


class Client(threading.Thread):
    """A client in a thread of its own; its answer or its error is kept."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self.answer: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Do it, and keep what came of it."""
        try:
            self.answer = self._call()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever asks for the answer
            self.error = error

    def result(self, within_s: float = 30) -> Any:
        """Its answer; raises its error, or RuleBroken when it never came back."""
        self.join(within_s)
        if self.is_alive():
            raise RuleBroken(f"a client was still waiting after {within_s:g} s")
        if self.error is not None:
            raise self.error
        return self.answer


def together(calls: Iterable[Callable[[], Any]]) -> list[Client]:
    """Clients that start at once; all of them have ended."""
    clients = [Client(call) for call in calls]
    for client in clients:
        client.start()
    for client in clients:
        client.join(60)
        holds("a client never came back", not client.is_alive())
    return clients


@contextmanager
def opened(backing: Backing, **options: Any) -> Iterator[Bench]:
    """A bench that is closed again."""
    bench = Bench(backing, **options)
    try:
        yield bench
    finally:
        bench.close()


def look(txn: Transaction) -> Mapping[str, object]:
    """Everything a store shows, as one value that can be compared."""
    states = ("waiting", "leased", "done", "parked")
    return {
        "cells": txn.cells(limit=10_000),
        "reservations": txn.reservations(limit=10_000),
        "journal": txn.journal(),
        "log": txn.log(limit=10_000),
        "outbox": {state: txn.outbox(state) for state in states},
    }
