"""What a broken store is, and the table of them that the rooms beside this one fill."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from omscore.adapters import MemoryStore
from omscore.ports import Clock, Store
from omscore.testing._bench import Backing
from omscore.testing._caught import CAUGHT, SOMETIMES


@frozen
class Flaw:
    """One way to be broken: a name, a sentence, the rules that catch it, and those that do by luck of timing.

    >>> from omscore.testing.broken import FLAWS
    >>> FLAWS["floor-ignored"].text
    'Floors are not checked, nor whether any bucket falls below 0.'
    """

    name: str
    text: str
    make: Callable[[Clock], Store]
    caught_by: frozenset[str]
    sometimes: frozenset[str] = frozenset()
    concurrent: bool = False

    def backing(self) -> Backing:
        """A store with this flaw and nothing in it.

        >>> from omscore.testing.broken import FLAWS
        >>> FLAWS["key-ignored"].backing().connect(None).run(lambda txn: txn.claimed("web-1"))
        """
        return Backing(self.make)


FLAWS: dict[str, Flaw] = {}
"""The broken stores, by name."""

Bend = Callable[[Any, Any], None]


def add(name: str, bend: Callable[..., Any], make: Callable[[Clock], Store], *, concurrent: bool = False) -> None:
    """Name a broken store; its sentence is the docstring of what bends it."""
    text = " ".join((bend.__doc__ or "").split())
    rules = frozenset(CAUGHT.get(name, "").split())
    FLAWS[name] = Flaw(name, text, make, rules, frozenset(SOMETIMES.get(name, "").split()), concurrent)


def flaw(name: str) -> Callable[[Bend], Bend]:
    """A flaw made by replacing methods of a memory store's one transaction."""

    def made(bend: Bend) -> Bend:
        def make(clock: Clock) -> Store:
            store = MemoryStore(clock)
            bend(store, store.run(lambda txn: txn))
            return store

        add(name, bend, make)
        return bend

    return made


def exchange(where: Any, **methods: Any) -> None:
    """Exchange methods of one object."""
    vars(where).update(methods)
