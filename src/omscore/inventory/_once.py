"""Once: the one place where a caller's key makes a retry harmless."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Any, Protocol, TypeVar

from omscore.errors import CommandRefused, Conflict, InvalidValue, KeyReused, NotFound, Reason, TransitionNotAllowed
from omscore.kernel.times import utc

T = TypeVar("T")

# Copied for each use: made anew with its options it takes half as long again.
_HASH = blake2b(digest_size=16)

REFUSALS = (CommandRefused, InvalidValue, NotFound, KeyReused, Conflict, TransitionNotAllowed)
"""What a command raises that leaves no trace and would be answered the same if the world stood still."""


class Answered(Conflict):
    """A copy of the command was done while this one was on its way; `result` is what the copy was answered.

    It undoes what this one wrote, as any exception does; :func:`run_once` turns it into the answer.

    >>> Answered("web-17", "ord-1").result
    'ord-1'
    """

    def __init__(self, key: str, result: Any) -> None:
        self.key = key
        self.result = result
        super().__init__(f"a copy of command {key!r} was done meanwhile; run the command again for its answer")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.key, self.result)


class _Runs(Protocol):
    def run(self, work: Callable[[Any], T], *, write: bool = True) -> T: ...


class Claims(Protocol):
    """The idempotency keys of a transaction.

    >>> from omscore.inventory import MemoryBooks
    >>> claims: Claims = MemoryBooks()
    """

    def now(self) -> datetime:
        """The store's clock, which never goes back.

        >>> from omscore.inventory import MemoryBooks
        >>> MemoryBooks().now().year
        1970
        """
        ...

    def claimed(self, key: str) -> tuple[str, Any] | None:
        """The fingerprint and result kept under a key, or None when the key is new.

        >>> from omscore.inventory import MemoryBooks
        >>> MemoryBooks().claimed("web-17")
        """
        ...

    def claim(self, key: str, fingerprint: str, result: Any) -> None:
        """Keep a result under a new key; raises Conflict when somebody else claimed it meanwhile.

        >>> from omscore.inventory import MemoryBooks
        >>> MemoryBooks().claim("web-17", "f", "ord-1")
        """
        ...

    def claims(self, *, after: str = "", limit: int = 1_000) -> list[tuple[str, str, Any]]:
        """Keys in their order, behind `after`, each with its fingerprint and result: what an export walks through.

        >>> from omscore.inventory import MemoryBooks
        >>> MemoryBooks().claims()
        []
        """
        ...


def fingerprint(*parts: object) -> str:
    """A short name for a command's content: equal parts give the same one, on every machine and version.

    The parts are plain values (text, whole numbers, None, times, tuples and lists of these); their `repr` is hashed
    (BLAKE2b, 128 bits).

    >>> fingerprint("reserve", "ord-1", (("SKU-1", 2),))
    'e022869b6bdd95f5f79941c88a98da5b'
    """
    return fingerprint_of(repr(parts))


def fingerprint_of(text: str) -> str:
    """The fingerprint of a command whose parts have this `repr`."""
    hashed = _HASH.copy()
    hashed.update(text.encode())
    return hashed.hexdigest()


def once(txn: Claims, key: str, fingerprint: str, work: Callable[[], T], *, not_after: datetime | None = None) -> T:
    """Do a command's work the first time its key is seen; later give the first result and do nothing.

    The key, the fingerprint and the result are kept in the transaction of the work itself, so that they live and die
    together. A refusal (any exception) leaves no trace: the same key may be tried again when there is stock, but never
    later than `not_after` by the store's clock, so that a late copy of an abandoned request cannot succeed.

    Raises KeyReused when the key was used with other content, and CommandRefused (`command.too_late`) after
    `not_after`; a repeat of what was done is answered even then. A command is never refused for what its own copy did:
    before a refusal the key is looked up once more, and where a copy was done meanwhile, Answered is raised instead
    (:func:`run_once` answers for it).

    >>> from omscore.inventory import MemoryBooks
    >>> books = MemoryBooks()
    >>> once(books, "web-17", fingerprint("greet", "you"), lambda: "hello")
    'hello'
    >>> once(books, "web-17", fingerprint("greet", "you"), lambda: "never run")
    'hello'
    >>> once(books, "web-17", fingerprint("greet", "me"), lambda: "hello")
    Traceback (most recent call last):
    omscore.errors.KeyReused: key 'web-17' was used before with other content; use a new key for a new command
    """
    return _once(txn, key, fingerprint, work, (), not_after)


def _once(
    txn: Claims, key: str, fingerprint: str, work: Callable[..., T], given: tuple[Any, ...], not_after: datetime | None
) -> T:
    kept = txn.claimed(key)
    if kept is not None:
        first: T = _first(key, fingerprint, kept)
        return first
    try:
        if not_after is not None and (now := txn.now()) > utc(not_after, "not_after"):
            raise CommandRefused([_late(key, now, not_after)])
        result = work(*given)
    except REFUSALS:
        # The stock that is missing, the reservation that is gone: a copy on its way at the same time may have them.
        kept = txn.claimed(key)
        if kept is None:
            raise
        raise Answered(key, _first(key, fingerprint, kept)) from None
    txn.claim(key, fingerprint, result)
    return result


def run_once(
    store: _Runs,
    key: str,
    fingerprint: str,
    work: Callable[[Any], T],
    *,
    not_after: datetime | None = None,
) -> T:
    """Run a command on a store once per key: `work` is given the transaction; see :func:`once`.

    >>> from omscore.inventory import MemoryLedgerStore
    >>> store = MemoryLedgerStore()
    >>> run_once(store, "web-17", fingerprint("greet", "you"), lambda txn: "hello")
    'hello'
    >>> run_once(store, "web-17", fingerprint("greet", "you"), lambda txn: "never run")
    'hello'
    """
    return run_given(store, key, fingerprint, work, (), not_after)


def run_given(
    store: _Runs,
    key: str,
    fingerprint: str,
    work: Callable[..., T],
    given: tuple[Any, ...],
    not_after: datetime | None,
) -> T:
    """The same for work that is given the transaction and then more: that costs less than a closure over as much."""
    try:
        return store.run(lambda txn: _once(txn, key, fingerprint, work, (txn, *given), not_after))
    except Answered as answered:
        first: T = answered.result
        return first


def _first(key: str, fingerprint: str, kept: tuple[str, Any]) -> Any:
    if kept[0] != fingerprint:
        raise KeyReused(key)
    return kept[1]


def _late(key: str, now: datetime, not_after: datetime) -> Reason:
    return Reason(
        "command.too_late",
        f"it is {now.isoformat()}, and command {key!r} was not to run after {not_after.isoformat()}; "
        "send it again with a new key if it is still wanted",
        {"now": now, "not_after": not_after},
    )
