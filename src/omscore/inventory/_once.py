"""Once: the one place where a caller's key makes a retry harmless."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Any, Protocol, TypeVar

from omscore.errors import CommandRefused, KeyReused, Reason

T = TypeVar("T")


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


def fingerprint(*parts: object) -> str:
    """A short name for a command's content: equal parts give the same one, on every machine and version.

    The parts are plain values (text, whole numbers, None, times, tuples and lists of these); their `repr` is hashed
    (BLAKE2b, 128 bits).

    >>> fingerprint("reserve", "ord-1", (("SKU-1", 2),))
    'e022869b6bdd95f5f79941c88a98da5b'
    """
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def once(txn: Claims, key: str, fingerprint: str, work: Callable[[], T], *, not_after: datetime | None = None) -> T:
    """Do a command's work the first time its key is seen; later give the first result and do nothing.

    The key, the fingerprint and the result are kept in the transaction of the work itself, so that they live and die
    together. A refusal (any exception) leaves no trace: the same key may be tried again when there is stock, but never
    later than `not_after` by the store's clock, so that a late copy of an abandoned request cannot succeed.

    Raises KeyReused when the key was used with other content, and CommandRefused (`command.too_late`) after
    `not_after`; a repeat of what was done is answered even then.

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
    kept = txn.claimed(key)
    if kept is not None:
        if kept[0] != fingerprint:
            raise KeyReused(key)
        first: T = kept[1]
        return first
    if not_after is not None and (now := txn.now()) > not_after:
        late = Reason(
            "command.too_late",
            f"it is {now.isoformat()}, and command {key!r} was not to run after {not_after.isoformat()}; "
            "send it again with a new key if it is still wanted",
            {"now": now, "not_after": not_after},
        )
        raise CommandRefused([late])
    result = work()
    txn.claim(key, fingerprint, result)
    return result
