"""The store: transactions in which books, records, events and effects are written together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar, runtime_checkable

from attrs import frozen

from omscore.inventory import LedgerTransaction
from omscore.ports._effects import Effect, Leased, Logged

T = TypeVar("T")


class Transaction(LedgerTransaction, Protocol):
    """What a command sees of a store: books, keys and records (the ledger's half), events and outbox; all or nothing.

    Reads see the transaction's own writes.

    >>> from omscore.adapters import MemoryStore
    >>> MemoryStore().run(lambda txn: txn.get("order", "ord-1"))
    """

    def append(self, kind: str, id: str, events: Sequence[Any], *, cause: str, actor: str = "") -> None:  # noqa: A002
        """Append events to a record's log.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.append("order", "ord-1", ["captured"], cause="web-17"))
        """
        ...

    def events(self, kind: str, id: str) -> list[Logged]:  # noqa: A002 - the field's word for it
        """A record's events, in order.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.events("order", "ord-1"))
        []
        """
        ...

    def log(self, *, after: int = 0, limit: int = 1_000) -> list[Logged]:
        """All records' events in recorded order, skipping `after`: for folds such as KPIs, never as a live cursor.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.log())
        []
        """
        ...

    def emit(self, effects: Iterable[Effect]) -> None:
        """Put effects into the outbox; an id that is there already is left alone.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.emit([Effect("e1", "notify.x", {})]))
        """
        ...

    def lease(self, worker: str, *, limit: int, seconds: int) -> list[Leased]:
        """Effects that are due and nobody else's, claimed by state for some seconds; the oldest of each key first.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.lease("w1", limit=10, seconds=30))
        []
        """
        ...

    def ack(self, leased: Leased) -> bool:
        """The effect was delivered; False when the lease had run out and somebody else has it.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.ack(Leased(Effect("e", "notify.x", {}), 0, "w1:1")))
        False
        """
        ...

    def retry(self, leased: Leased, *, due_at: datetime, error: str) -> bool:
        """The effect failed and is to be tried again at a time.

        >>> from omscore.adapters import MemoryStore
        >>> from datetime import UTC, datetime
        >>> effect = Leased(Effect("e", "notify.x", {}), 0, "w1:1")
        >>> MemoryStore().run(lambda txn: txn.retry(effect, due_at=datetime(2026, 3, 2, tzinfo=UTC), error="busy"))
        False
        """
        ...

    def park(self, leased: Leased, *, error: str) -> bool:
        """The effect will not be tried again by itself; it stands in the open as parked.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.park(Leased(Effect("e", "notify.x", {}), 0, "w1:1"), error="rejected"))
        False
        """
        ...

    def outbox(self, state: str, *, limit: int = 1_000) -> list[tuple[Effect, int, str]]:
        """(effect, attempts, last error) of the effects in a state: "waiting", "leased", "done" or "parked".

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.outbox("parked"))
        []
        """
        ...


@frozen
class Capabilities:
    """What a store declares it can do; the contract suites test what is declared and list what is not.

    >>> Capabilities(durable=True).multi_process
    False
    """

    durable: bool = False
    multi_process: bool = False
    multi_host: bool = False
    group_commit: bool = False
    lines_max: int = 10_000


@runtime_checkable
class Store(Protocol):
    """Runs a function in a transaction and commits it, or leaves no trace.

    >>> from omscore.adapters import MemoryStore
    >>> isinstance(MemoryStore(), Store)
    True
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this store can do.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().capabilities.durable
        False
        """
        ...

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Call `work` with a transaction and commit; an exception rolls everything back and comes through.

        `work` may be called more than once (another writer won a race), so it must do nothing but use the transaction.
        Raises Busy when the store stayed locked, Unknown when the commit's reply was lost.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: 42)
        42
        """
        ...
