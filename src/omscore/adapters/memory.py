"""The store in memory: the same promises as the others within one process, and nothing survives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from threading import RLock
from typing import Any, Self, TypeVar

from omscore.adapters._given import clock_of
from omscore.adapters.clock import SystemClock
from omscore.inventory import MemoryBooks, Short
from omscore.ports import Capabilities, Clock, Effect, Leased, Logged, Transaction

T = TypeVar("T")

_RACES_MAX = 20


class _MemoryTransaction(MemoryBooks):
    """Books, records, events and outbox in dicts; every write notes how to undo it."""

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        super().__init__(now)
        self._streams: dict[tuple[str, str], list[Logged]] = {}
        self._log: list[Logged] = []
        self._effects: dict[str, tuple[Effect, str, int, str, str, datetime | None]] = {}
        # The effects that are not settled, by the number of their turn.
        self._open: dict[str, int] = {}
        self._turns = 0
        self._leases = self._leases_before = 0

    def begin(self) -> None:
        if self._undo:
            self.abort()  # the rest of what was interrupted before it was undone
        self._leases_before = self._leases

    def abort(self) -> None:
        self.rollback(0)
        # What a failed command leased was never given out: who repeats a log of commands gets the same leases again.
        self._leases = self._leases_before

    # -- events -----------------------------------------------------------------------------------------------------

    def append(self, kind: str, id: str, events: Sequence[Any], *, cause: str, actor: str = "") -> None:  # noqa: A002
        stream = self._streams.setdefault((kind, id), [])
        size, total, now = len(stream), len(self._log), self.now()
        logged = [Logged(kind, id, size + i, now, cause, actor, event) for i, event in enumerate(events, 1)]

        def undo() -> None:
            del stream[size:]
            del self._log[total:]

        self._undo.append((undo,))
        stream.extend(logged)
        self._log.extend(logged)

    def events(self, kind: str, id: str) -> list[Logged]:  # noqa: A002 - the field's word for it
        return list(self._streams.get((kind, id), ()))

    def log(self, *, after: int = 0, limit: int = 1_000) -> list[Logged]:
        return self._log[after : after + limit]

    # -- outbox -----------------------------------------------------------------------------------------------------

    def emit(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if effect.id not in self._effects:
                self._set(self._effects, effect.id, (effect, "waiting", 0, "", "", effect.due_at))
                self._turns += 1
                self._set(self._open, effect.id, self._turns)

    def lease(self, worker: str, *, limit: int, seconds: int) -> list[Leased]:
        now = self.now()
        given: list[Leased] = []
        busy: set[str] = set()
        # Undoing a settlement puts an effect back at the dict's end, so the turns decide, not the dict's order.
        for id_ in sorted(self._open, key=self._open.__getitem__):
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
            self._drop(self._open, leased.effect.id)
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

    `clock` gives the store's time; without one it is the machine's.

    >>> store = MemoryStore()
    >>> store.run(lambda txn: txn.put("note", "n-1", "hello", version=0))
    >>> store.run(lambda txn: txn.get("note", "n-1").value)
    'hello'
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._lock = RLock()
        self._txn = _MemoryTransaction(clock_of(clock) or SystemClock().now)
        self._depth = 0

    @property
    def capabilities(self) -> Capabilities:
        """Nothing survives the process, and no other process sees it.

        >>> MemoryStore().capabilities.durable
        False
        """
        return Capabilities()

    def fork(self) -> Self:
        """A store that starts with this one's books and records and goes its own way; its outbox and log are empty.

        >>> store = MemoryStore()
        >>> store.run(lambda txn: txn.put("note", "n-1", "hello", version=0))
        >>> store.fork().run(lambda txn: txn.get("note", "n-1").value)
        'hello'
        """
        twin = type(self)()
        with self._lock:
            twin._txn = self._txn.fork()  # noqa: SLF001 - its own kind
        return twin

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
        txn = self._txn
        with self._lock:
            if self._depth:
                raise RuntimeError("a transaction is running in this thread; use the one you were given")
            try:
                self._depth = 1
                races = 0
                while True:
                    txn.begin()
                    try:
                        result = work(txn)
                    except Short:
                        races += 1
                        if races == _RACES_MAX:
                            raise
                        txn.abort()
                    else:
                        txn.commit()
                        return result
            except BaseException:
                txn.abort()
                raise
            finally:
                self._depth = 0
