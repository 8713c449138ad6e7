"""Keys and records in plain dicts, every write of which can be undone: what the books in memory stand on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from omscore.errors import Conflict
from omscore.inventory._books import Stored
from omscore.inventory._memory_rows import AnswerRow, answer_of, answer_row

ABSENT: Any = object()
"""What stood in a dict before a key was written there for the first time."""


def take_out(where: list[Any], value: Any) -> None:
    """Remove a value from a sorted list, if it is there."""
    at = bisect_left(where, value)
    if where[at : at + 1] == [value]:
        del where[at]


def put_in(where: list[Any], value: Any) -> None:
    """Add a value to a sorted list, if it is not there."""
    # Deadlines mostly come in their order.
    if not where or where[-1] < value:
        where.append(value)
    else:
        at = bisect_left(where, value)
        if where[at] != value:
            where.insert(at, value)


def put_back(where: MutableMapping[Any, Any], key: Any, old: Any) -> None:
    """Undo a write to a dict."""
    if old is ABSENT:
        where.pop(key, None)
    else:
        where[key] = old


class MemoryRecords:
    """Keys and records in plain dicts, with marks to roll back to.

    >>> records = MemoryRecords()
    >>> records.put("note", "n-1", "hello", version=0)
    >>> records.rollback(0)
    >>> records.get("note", "n-1")
    """

    def __init__(self) -> None:
        self._claims: dict[str, AnswerRow] = {}
        # Its keys in order, for walks in pages; made anew when some were added.
        self._keys: list[str] = []
        self._records: dict[tuple[str, str], Stored] = {}
        self._indexed: dict[tuple[str, str], Mapping[str, str]] = {}
        # For each (kind, index) the sorted (sort key, id) pairs.
        self._indexes: dict[tuple[str, str], list[tuple[str, str]]] = {}
        # What undoes each write: a function and what to call it with. Noted before the write, so that it may find the
        # write done in part or not at all, and called again where an interruption stopped it: so each may be repeated.
        self._undo: list[tuple[Callable[..., object], *tuple[Any, ...]]] = []

    # -- marks: a transaction is what lies after one ----------------------------------------------------------------

    def mark(self) -> int:
        """A point to which `rollback` can return.

        >>> MemoryRecords().mark()
        0
        """
        return len(self._undo)

    def rollback(self, mark: int) -> None:
        """Undo everything written since a mark.

        >>> from omscore.inventory import Cell, MemoryBooks, Movement
        >>> books, cell = MemoryBooks(), Cell("A", "x")
        >>> mark = books.mark()
        >>> books.post([Movement(cell, "supplier", "free", 5, "receive", "k")], {})
        >>> books.rollback(mark)
        >>> books.figures([cell])[cell].free, books.journal()
        (0, [])
        """
        self._keys = []
        undo = self._undo
        while len(undo) > mark:
            step, *what = undo[-1]
            step(*what)
            undo.pop()

    def commit(self) -> None:
        """Forget how to undo what was written so far.

        >>> records = MemoryRecords()
        >>> records.commit()
        """
        self._undo.clear()

    def _set(self, where: MutableMapping[Any, Any], key: Any, value: Any) -> None:
        self._undo.append((put_back, where, key, where.get(key, ABSENT)))
        where[key] = value

    def _drop(self, where: MutableMapping[Any, Any], key: Any) -> None:
        self._undo.append((put_back, where, key, where[key]))
        del where[key]

    def _insert(self, where: list[Any], value: Any) -> None:
        self._undo.append((take_out, where, value))
        put_in(where, value)

    def _remove(self, where: list[Any], value: Any) -> None:
        self._undo.append((put_in, where, value))
        take_out(where, value)

    # -- keys and records -------------------------------------------------------------------------------------------

    def claimed(self, key: str) -> tuple[str, Any] | None:
        """The fingerprint and result kept under a key, or None when the key is new.

        >>> MemoryRecords().claimed("web-17")
        """
        row = self._claims.get(key)
        return None if row is None else answer_of(row)

    def claim(self, key: str, fingerprint: str, result: Any) -> None:
        """Keep a result under a new key; raises Conflict when somebody else claimed it meanwhile.

        >>> records = MemoryRecords()
        >>> records.claim("web-17", "f", "ord-1")
        >>> records.claimed("web-17")
        ('f', 'ord-1')
        """
        if key in self._claims:
            raise Conflict(f"key {key!r} was claimed meanwhile; run the command again")
        self._undo.append((put_back, self._claims, key, ABSENT))
        self._claims[key] = answer_row(fingerprint, result)

    def claims(self, *, after: str = "", limit: int = 1_000) -> list[tuple[str, str, Any]]:
        """Keys in their order, behind `after`, each with its fingerprint and result.

        >>> MemoryRecords().claims()
        []
        """
        if len(self._keys) != len(self._claims):
            self._keys = sorted(self._claims)
        at = bisect_right(self._keys, after)
        return [(key, *answer_of(self._claims[key])) for key in self._keys[at : at + limit]]

    def get(self, kind: str, id: str) -> Stored | None:  # noqa: A002 - the field's word for it
        """A record, or None.

        >>> MemoryRecords().get("order", "ord-1")
        """
        return self._records.get((kind, id))

    def put(
        self,
        kind: str,
        id: str,  # noqa: A002 - the field's word for it
        value: Any,
        *,
        version: int,
        index: Mapping[str, str] | None = None,
    ) -> None:
        """Write a record read at `version` (0 for a new one), and the indexes it shall be found by.

        >>> records = MemoryRecords()
        >>> records.put("order", "ord-1", "a value", version=0)
        >>> records.get("order", "ord-1")
        Stored(value='a value', version=1)
        """
        at = (kind, id)
        old = self._records.get(at)
        if (old.version if old else 0) != version:
            raise Conflict(
                f"{kind} {id!r} is at version {old.version if old else 0}, not {version}; "
                "read it again and repeat the command"
            )
        self._set(self._records, at, Stored(value, version + 1))
        before, after = self._indexed.get(at, {}), dict(index or {})
        if before == after:
            return
        self._set(self._indexed, at, after)
        for name in sorted({*before, *after}):
            entries = self._indexes.setdefault((kind, name), [])
            if name in before and before[name] != after.get(name):
                self._remove(entries, (before[name], id))
            if name in after and after[name] != before.get(name):
                self._insert(entries, (after[name], id))

    def find(
        self, kind: str, index: str, *, after: tuple[str, str] = ("", ""), upto: str | None = None, limit: int = 1_000
    ) -> list[tuple[str, str]]:
        """(sort key, id) of the records in an index, in that order, behind `after` and up to sort key `upto`.

        >>> MemoryRecords().find("order", "to_route")
        []
        """
        entries = self._indexes.get((kind, index), [])
        start = bisect_right(entries, after)
        found = entries[start : start + limit]
        return found if upto is None else [entry for entry in found if entry[0] <= upto]
