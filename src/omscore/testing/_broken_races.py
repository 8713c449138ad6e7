"""Stores that go wrong only when several clients come at once, and the one they are to be told from."""

# ruff: noqa: SLF001 - breaking a store means reaching into it
from __future__ import annotations

from copy import deepcopy
from threading import RLock, get_ident
from typing import Any

from omscore.adapters import MemoryStore
from omscore.errors import Busy, InvariantBroken, StoreError
from omscore.ports import Capabilities, Clock, Store


class LostUpdate:
    """Every command works on a copy, and the last to finish wins: whole, alone, and blind to the others."""

    capabilities = Capabilities()

    def __init__(self, clock: Clock) -> None:
        self._inner = MemoryStore(clock)
        self._keep = {id(clock): clock}
        self._busy: set[int] = set()

    def run(self, work: Any, *, write: bool = True) -> Any:
        inner: Any = MemoryStore()
        inner._txn = deepcopy(self._inner.run(lambda txn: txn), dict(self._keep))
        if get_ident() in self._busy:
            raise RuntimeError("a transaction is running in this thread; use the one you were given")
        self._busy.add(get_ident())
        try:
            result = inner.run(work)
        finally:
            self._busy.discard(get_ident())
        if write:
            self._inner = inner
        return result


class Autocommit:
    """Every call of the port is a transaction of its own: what fails later stays half done, and others get between."""

    capabilities = Capabilities()

    def __init__(self, clock: Clock) -> None:
        self._inner = MemoryStore(clock)

    def run(self, work: Any, *, write: bool = True) -> Any:
        return work(_Calls(self._inner))


class _Calls:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return lambda *a, **k: self._store.run(lambda txn: getattr(txn, name)(*a, **k))


class DirtyReads:
    """Readers wait for nobody: they see what is being written, and what is then undone."""

    capabilities = Capabilities()

    def __init__(self, clock: Clock) -> None:
        self._inner = MemoryStore(clock)
        self._txn = self._inner.run(lambda txn: txn)

    def run(self, work: Any, *, write: bool = True) -> Any:
        return self._inner.run(work) if write else work(self._txn)


class Unlocked:
    """Threads share one transaction without a lock, as a connection passed from hand to hand."""

    capabilities = Capabilities()

    def __init__(self, clock: Clock) -> None:
        self._inner: Any = MemoryStore(clock)
        self._txn: Any = self._inner.run(lambda txn: txn)
        self._lock = RLock()

    def run(self, work: Any, *, write: bool = True) -> Any:
        mark = self._txn.mark()
        try:
            return work(self._txn)
        except BaseException:
            with self._lock:
                self._txn.rollback(min(mark, self._txn.mark()))
            raise


class ReadCommitted:
    """What many databases are by default: each call sees what others have committed so far, and writes check again.

    Whole in itself (the tests say so): what a command wrote is kept aside, made again under every check before each of
    its calls and at the commit, and a command that fails after others have committed is run again.

    >>> ReadCommitted(None).run(lambda txn: txn.claimed("web-1"))
    """

    capabilities = Capabilities()
    _reruns_max = 100

    def __init__(self, clock: Clock) -> None:
        self._inner: Any = MemoryStore(clock)
        self._txn: Any = self._inner.run(lambda txn: txn)
        self._lock: Any = self._inner._lock
        self._busy: set[int] = set()
        self._commits = 0

    def run(self, work: Any, *, write: bool = True) -> Any:
        """Call `work` with a transaction, again when others were faster, and commit.

        >>> ReadCommitted(None).run(lambda txn: 42)
        42
        """
        if get_ident() in self._busy:
            raise RuntimeError("a transaction is running in this thread; use the one you were given")
        if not write:
            return self._inner.run(work, write=False)
        self._busy.add(get_ident())
        try:
            for _ in range(self._reruns_max):
                begun = self._commits
                try:
                    return self._tried(work)
                except _Overtaken:
                    continue
                except (StoreError, InvariantBroken):
                    # What it read may be of two moments.
                    if begun == self._commits:
                        raise
            raise Busy("others were faster every time; try again")
        finally:
            self._busy.discard(get_ident())

    def _tried(self, work: Any) -> Any:
        txn = self._transaction()
        result = work(txn)
        with self._lock:
            try:
                txn.again()
            except BaseException:
                self._txn.abort()
                raise
            self._txn.commit()
            self._commits += 1
        return result

    def _transaction(self) -> _Aside:
        return _Aside(self._txn, self._lock)


class _Overtaken(BaseException):
    """What a command read is no longer so; passes through whatever it catches."""


class _Aside:
    _writes = ("post", "save_reservation", "claim", "put", "append", "emit", "lease", "ack", "retry", "park")

    def __init__(self, txn: Any, lock: Any) -> None:
        self._txn = txn
        self._lock = lock
        self._made: list[tuple[str, Any, Any, Any]] = []

    def __getattr__(self, name: str) -> Any:
        def call(*a: Any, **k: Any) -> Any:
            with self._lock:
                try:
                    self.again()
                    result = getattr(self._txn, name)(*a, **k)
                finally:
                    self._txn.abort()
            if name in self._writes:
                self._made.append((name, a, k, result))
            return result

        return call

    def again(self) -> None:
        self._txn.begin()
        for name, a, k, told in self._made:
            try:
                if getattr(self._txn, name)(*a, **k) != told:
                    raise _Overtaken
            except (StoreError, InvariantBroken) as error:
                raise _Overtaken from error


class KeysRemembered(ReadCommitted):
    """A key that was looked up once is not looked up again in the same command, while stock is."""

    def _transaction(self) -> Any:
        return _Remembering(self._txn, self._lock)


class _Remembering(_Aside):
    def __init__(self, txn: Any, lock: Any) -> None:
        super().__init__(txn, lock)
        self._seen: dict[str, Any] = {}

    def claimed(self, key: str) -> Any:
        if key not in self._seen:
            self._seen[key] = self.__getattr__("claimed")(key)
        return self._seen[key]

    def claim(self, key: str, fingerprint: str, result: Any) -> None:
        self._seen[key] = (fingerprint, result)
        self.__getattr__("claim")(key, fingerprint, result)
