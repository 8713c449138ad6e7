"""A store with somebody listening at every call of its port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from omscore.ports import Capabilities, Store, Transaction

T = TypeVar("T")

Listener = Callable[[str], object]
"""Is told the name of a port call ("post", "claim", ..., at the end "commit"); what it raises goes to the command."""


def nobody(name: str) -> None:
    """Listen to nothing."""


class TappedTransaction:
    """A transaction that tells its listeners before and after every call.

    >>> from omscore.inventory import MemoryBooks
    >>> TappedTransaction(MemoryBooks(), print, nobody).claimed("web-1")
    claimed
    """

    def __init__(self, txn: Any, before: Listener, after: Listener) -> None:
        self._txn = txn
        self._before = before
        self._after = after

    def __getattr__(self, name: str) -> Any:
        method, before, after = getattr(self._txn, name), self._before, self._after

        def call(*args: Any, **kwargs: Any) -> Any:
            before(name)
            result = method(*args, **kwargs)
            after(name)
            return result

        return call


class Tapped:
    """A store that calls `before` and `after` around every port call of its commands, and around the commit.

    A listener may raise (a crash at that point), kill the process, let another client go on, or count.

    >>> from omscore.adapters import MemoryStore
    >>> calls = []
    >>> Tapped(MemoryStore(), before=calls.append).run(lambda txn: txn.get("order", "ord-1"))
    >>> calls
    ['get', 'commit']
    """

    def __init__(self, store: Store, *, before: Listener = nobody, after: Listener = nobody) -> None:
        self._store = store
        self._before = before
        self._after = after

    @property
    def capabilities(self) -> Capabilities:
        """Those of the store behind it.

        >>> from omscore.adapters import MemoryStore
        >>> Tapped(MemoryStore()).capabilities.durable
        False
        """
        return self._store.capabilities

    def close(self) -> None:
        """Close the store behind it, where it can be closed.

        >>> from omscore.adapters import MemoryStore
        >>> Tapped(MemoryStore()).close()
        """
        close = getattr(self._store, "close", None)
        if close is not None:
            close()

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Run a command with somebody listening; `before("commit")` is told inside it, `after("commit")` behind it.

        >>> from omscore.adapters import MemoryStore
        >>> Tapped(MemoryStore(), after=print).run(lambda txn: 42)
        commit
        42
        """

        def tapped(txn: Transaction) -> T:
            result = work(cast("Transaction", TappedTransaction(txn, self._before, self._after)))
            self._before("commit")
            return result

        result = self._store.run(tapped, write=write)
        self._after("commit")
        return result
