"""The store in memory: the same promises as the others within one process, and nothing survives it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from threading import RLock
from typing import Any, TypeVar

from omscore.errors import Conflict
from omscore.inventory import MemoryBooks, Short
from omscore.ports import Capabilities, Clock, Effect, Leased, Logged, Stored, Transaction

T = TypeVar("T")

_RACES_MAX = 20


class _MemoryTransaction(MemoryBooks):
    """Books, records, events and outbox in dicts; every write notes how to undo it."""

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        super().__init__(now)
        self._claims: dict[str, tuple[str, Any]] = {}
        self._records: dict[tuple[str, str], Stored] = {}
        self._indexed: dict[tuple[str, str], Mapping[str, str]] = {}
        # For each (kind, index) the sorted (sort key, id) pairs.
        self._indexes: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self._streams: dict[tuple[str, str], list[Logged]] = {}
        self._log: list[Logged] = []
        self._effects: dict[str, tuple[Effect, str, int, str, str, datetime | None]] = {}
        self._open: dict[str, None] = {}
        self._leases = 0
        self._undone: list[Callable[[], object]] = []

    def begin(self) -> None:
        self.commit()
        self._undone.clear()
        self._start = self.mark()

    def abort(self) -> None:
        while self._undone:
            self._undone.pop()()
        self.rollback(self._start)

    # -- idempotency ------------------------------------------------------------------------------------------------

    def claimed(self, key: str) -> tuple[str, Any] | None:
        return self._claims.get(key)

    def claim(self, key: str, fingerprint: str, result: Any) -> None:
        if key in self._claims:
            raise Conflict(f"key {key!r} was claimed meanwhile; run the command again")
        self._set(self._claims, key, (fingerprint, result))

    # -- records ----------------------------------------------------------------------------------------------------

    def get(self, kind: str, id: str) -> Stored | None:  # noqa: A002 - the field's word for it
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
                entry = (before[name], id)
                del entries[bisect_left(entries, entry)]
                self._undone.append(partial(insort, entries, entry))
            if name in after and after[name] != before.get(name):
                entry = (after[name], id)
                insort(entries, entry)
                self._undone.append(partial(entries.remove, entry))

    def find(
        self, kind: str, index: str, *, after: tuple[str, str] = ("", ""), upto: str | None = None, limit: int = 1_000
    ) -> list[tuple[str, str]]:
        entries = self._indexes.get((kind, index), [])
        start = bisect_right(entries, after)
        found = entries[start : start + limit]
        return found if upto is None else [entry for entry in found if entry[0] <= upto]

    # -- events -----------------------------------------------------------------------------------------------------

    def append(self, kind: str, id: str, events: Sequence[Any], *, cause: str, actor: str = "") -> None:  # noqa: A002
        stream = self._streams.setdefault((kind, id), [])
        size, total, now = len(stream), len(self._log), self.now()
        logged = [Logged(kind, id, size + i, now, cause, actor, event) for i, event in enumerate(events, 1)]
        stream.extend(logged)
        self._log.extend(logged)

        def undo() -> None:
            del stream[size:]
            del self._log[total:]

        self._undone.append(undo)

    def events(self, kind: str, id: str) -> list[Logged]:  # noqa: A002 - the field's word for it
        return list(self._streams.get((kind, id), ()))

    def log(self, *, after: int = 0, limit: int = 1_000) -> list[Logged]:
        return self._log[after : after + limit]

    # -- outbox -----------------------------------------------------------------------------------------------------

    def emit(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if effect.id not in self._effects:
                self._set(self._effects, effect.id, (effect, "waiting", 0, "", "", effect.due_at))
                self._set(self._open, effect.id, None)

    def lease(self, worker: str, *, limit: int, seconds: int) -> list[Leased]:
        now = self.now()
        given: list[Leased] = []
        busy: set[str] = set()
        for id_ in list(self._open):
            if len(given) >= limit:
                break
            effect, _, attempts, _, _, due_at = self._effects[id_]
            # Effects of one key go in order: a later one waits until the earlier is done or parked.
            if effect.key in busy:
                continue
            if effect.key:
                busy.add(effect.key)
            if due_at is not None and due_at > now:
                continue
            self._leases += 1
            lease = f"{worker}:{self._leases}"
            until = now + timedelta(seconds=seconds)
            self._set(self._effects, id_, (effect, "leased", attempts, "", lease, until))
            given.append(Leased(effect, attempts, lease))
        return given

    def _settle(self, leased: Leased, state: str, error: str, due_at: datetime | None) -> bool:
        row = self._effects.get(leased.effect.id)
        if row is None or row[1] != "leased" or row[4] != leased.lease:
            return False
        self._set(self._effects, leased.effect.id, (row[0], state, row[2] + 1, error, "", due_at))
        if state in ("done", "parked"):
            self._undo.append((self._open, leased.effect.id, self._open.pop(leased.effect.id)))
        return True

    def ack(self, leased: Leased) -> bool:
        return self._settle(leased, "done", "", None)

    def retry(self, leased: Leased, *, due_at: datetime, error: str) -> bool:
        return self._settle(leased, "waiting", error, due_at)

    def park(self, leased: Leased, *, error: str) -> bool:
        return self._settle(leased, "parked", error, None)

    def outbox(self, state: str, *, limit: int = 1_000) -> list[tuple[Effect, int, str]]:
        rows = [(row[0], row[2], row[3]) for row in self._effects.values() if row[1] == state]
        return rows[:limit]


class MemoryStore:
    """A store in memory, safe between threads: one transaction at a time.

    `clock` gives the store's time; without one it stands still at 1970.

    >>> store = MemoryStore()
    >>> store.run(lambda txn: txn.put("note", "n-1", "hello", version=0))
    >>> store.run(lambda txn: txn.get("note", "n-1").value)
    'hello'
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._lock = RLock()
        self._txn = _MemoryTransaction(clock.now if clock else None)
        self._depth = 0

    @property
    def capabilities(self) -> Capabilities:
        """Nothing survives the process, and no other process sees it.

        >>> MemoryStore().capabilities.durable
        False
        """
        return Capabilities()

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Call `work` with a transaction and commit; an exception rolls everything back and comes through.

        >>> store = MemoryStore()
        >>> def half(txn):
        ...     txn.put("note", "n-1", "hello", version=0)
        ...     raise RuntimeError("crash")
        >>> store.run(half)
        Traceback (most recent call last):
        RuntimeError: crash
        >>> store.run(lambda txn: txn.get("note", "n-1"))
        """
        del write  # one lock serves readers and writers alike
        with self._lock:
            if self._depth:
                raise RuntimeError("a transaction is running in this thread; use the one you were given")
            self._depth = 1
            try:
                for race in range(_RACES_MAX):
                    self._txn.begin()
                    try:
                        return work(self._txn)
                    except Short:
                        self._txn.abort()
                        if race == _RACES_MAX - 1:
                            raise
                    except BaseException:
                        self._txn.abort()
                        raise
                raise AssertionError  # pragma: no cover - the loop returns or raises
            finally:
                self._depth = 0
