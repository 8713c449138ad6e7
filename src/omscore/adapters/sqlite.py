"""The store in one SQLite file: durable, for many threads and many processes of one machine."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import local
from typing import Literal, TypeVar

from omscore import codec as codecs
from omscore.adapters import _sql
from omscore.adapters._given import clock_of, path_of, patience_of, tenant_of
from omscore.adapters._sqlite_errors import ENGINE_ERRORS, typed
from omscore.adapters._sqlite_joined import JoinedSqlite
from omscore.adapters._sqlite_schema import prepare, tenant_number
from omscore.adapters._sqlite_start import Behind, Raced
from omscore.adapters._sqlite_txn import SqliteTransaction
from omscore.adapters._waiting import Job, Line, LockFile, pauses
from omscore.errors import Busy, DefinitionError, StoreError
from omscore.kernel.given import shown
from omscore.ports import Capabilities, Clock, Transaction

T = TypeVar("T")

_RERUNS_MAX = 20
_GROUP_MAX = 256
_LOG_BYTES_MAX = 64 * 1024 * 1024
_PARENTS: list[object] = []
# This process, as a forked child is told that it is another one: asking the system at each command takes far longer.
_PROCESS = [os.getpid()]
_SYNCHRONOUS = {"power-loss": "FULL", "process-crash": "NORMAL"}


def _forked() -> None:
    _PROCESS[0] = os.getpid()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _nothing() -> None:
    """Begin a command of a group that is undone as a whole."""


class SqliteStore:
    """A store in one SQLite file.

    Any number of threads and processes of one machine may use the file at once; never put it on a network drive.
    Commands that come while another is being committed are committed together, with one write to the disk.

    `clock` gives the store's time (the machine's without one); the store's time never goes back, whatever the clock
    does. `tenant` keeps the figures of several businesses apart in one file. `durability` says what an acknowledged
    command survives: "power-loss" waits for the disk at each commit, "process-crash" leaves that to the operating
    system. `patience_s` is how long a command waits for its turn before it is Busy. `codec` reads and writes records,
    events and effects.

    Raises SchemaMismatch for a file that a newer version wrote, Corrupt for one that is no database.

    >>> import tempfile, pathlib
    >>> folder = tempfile.TemporaryDirectory()
    >>> store = SqliteStore(pathlib.Path(folder.name) / "shop.db")
    >>> store.run(lambda txn: txn.put("note", "n-1", "hello", version=0))
    >>> store.run(lambda txn: txn.get("note", "n-1").value)
    'hello'
    >>> store.close()
    >>> folder.cleanup()
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Clock | None = None,
        tenant: str = "",
        durability: Literal["power-loss", "process-crash"] = "power-loss",
        patience_s: float = 10.0,
        codec: codecs.Codec | None = None,
    ) -> None:
        if durability not in tuple(_SYNCHRONOUS):
            raise DefinitionError(f"durability is one of {', '.join(_SYNCHRONOUS)}, not {shown(durability)}")
        self._path = path_of("a SQLite store", path, "shop.db") if path != "" else ""
        if self._path in ("", ":memory:"):
            raise DefinitionError("a SQLite store is a file that others can open too; use MemoryStore for memory")
        self._clock = clock_of(clock)
        self._codec = _sql.codec_of(codec)
        self._synchronous = _SYNCHRONOUS[durability]
        self._patience_s = patience_of(patience_s)
        self._tenant_name = tenant_of(tenant)
        self._busy = local()
        self._last = 0
        self._open()

    def _open(self) -> None:
        self._line = Line(self._alone, self._perform, most=_GROUP_MAX, patience_s=self._patience_s)
        self._readers: list[sqlite3.Connection] = []
        self._closed = False
        self._writer = self._connect(self._patience_s)
        try:
            prepare(self._writer)
            self._tenant = tenant_number(self._writer, self._tenant_name)
            # Whoever waits for the write lock waits in line and at random, see _begin.
            self._writer.execute("PRAGMA busy_timeout = 0")
        except ENGINE_ERRORS as error:
            self._writer.close()
            raise typed(error) from error
        except BaseException:
            self._writer.close()
            raise
        self._cursor = self._writer.cursor()
        self._queue = LockFile(f"{self._path}-queue")
        self._forget()
        self._clean = True
        # Last of all: a forked child that could not open the file goes on trying, never on its parent's connections.
        self._pid = _PROCESS[0]

    def _connect(self, timeout_s: float) -> sqlite3.Connection:
        if not Path(self._path).resolve().parent.is_dir():
            raise StoreError(f"the folder of {self._path!r} does not exist; create it first")
        conn: sqlite3.Connection | None = None
        try:
            conn = sqlite3.connect(
                self._path, timeout=timeout_s, isolation_level=None, check_same_thread=False, cached_statements=256
            )
            (mode,) = conn.execute("PRAGMA journal_mode = WAL").fetchone()
            conn.execute(f"PRAGMA synchronous = {self._synchronous}")
            # What a long reader made the log grow to is given back when the log begins anew behind it.
            conn.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES_MAX}")
        except ENGINE_ERRORS as error:
            if conn is not None:
                conn.close()
            raise typed(error) from error
        if mode != "wal":
            conn.close()
            raise StoreError(f"{self._path!r} cannot keep a write-ahead log ({mode}); put it on a local disk")
        return conn

    @property
    def capabilities(self) -> Capabilities:
        """Durable, for many processes of one machine, committing in groups.

        >>> SqliteStore.capabilities.fget(None).multi_process
        True
        """
        return Capabilities(durable=True, multi_process=True, group_commit=True)

    def close(self) -> None:
        """Give every file back; the store cannot be used any more.

        >>> import tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     SqliteStore(pathlib.Path(folder) / "shop.db").close()
        """
        if not self._closed:
            self._closed = True
            for conn in (*self._readers, self._writer):
                conn.close()
            self._readers.clear()
            self._queue.close()

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Call `work` with a transaction and commit; an exception rolls everything back and comes through.

        `work` may be called more than once, and by another thread that commits for several, so it must do nothing but
        use the transaction. Raises Busy when its turn did not come in time, StoreFull, ReadOnly or Corrupt with nothing
        written, Unknown when the disk failed during the commit: send the same key again.

        >>> import tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = SqliteStore(pathlib.Path(folder) / "shop.db")
        ...     print(store.run(lambda txn: txn.claimed("web-17"), write=False))
        ...     store.close()
        None
        """
        if getattr(self._busy, "now", False):
            raise RuntimeError("a transaction is running in this thread; use the one you were given")
        if self._closed:
            raise StoreError("this store was closed; open a new one")
        if self._pid != _PROCESS[0]:
            # A forked child must not touch its parent's connections, not even to close them: it lets them lie.
            _PARENTS.extend((self._writer, self._cursor, *self._readers))
            self._queue.shut()
            self._open()
        result: T = self._line.run(work) if write else self._read(work)
        return result

    def joined(self, conn: sqlite3.Connection) -> JoinedSqlite:
        """A store whose commands become part of a transaction that the host has begun on its own connection.

        The connection must be to the same file and in a transaction, best begun with BEGIN IMMEDIATE. The host's rows
        and what the commands write are committed together, by the host, or not at all.

        >>> import tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = SqliteStore(pathlib.Path(folder) / "shop.db")
        ...     conn = sqlite3.connect(pathlib.Path(folder) / "shop.db", isolation_level=None)
        ...     _ = conn.execute("BEGIN IMMEDIATE")
        ...     store.joined(conn).run(lambda txn: txn.put("note", "n-1", "hello", version=0))
        ...     _ = conn.execute("ROLLBACK")
        ...     print(store.run(lambda txn: txn.get("note", "n-1")))
        ...     conn.close()
        ...     store.close()
        None
        """
        if not hasattr(conn, "in_transaction"):
            raise DefinitionError(f"a command joins a transaction of a sqlite3.Connection, not of {shown(conn)}")
        return JoinedSqlite(conn, self.capabilities, self._transaction)

    # -- reading ----------------------------------------------------------------------------------------------------

    def _read(self, work: Callable[[Transaction], T]) -> T:
        try:
            conn = self._readers.pop()
        except IndexError:
            conn = self._connect(self._patience_s)
            conn.execute("PRAGMA query_only = 1")
        self._busy.now = True
        try:
            conn.execute("BEGIN")
            txn = self._transaction(conn.cursor(), None, careful=True)
            result = work(txn)
            txn.write()  # and so be refused, where somebody writes in a read
        except ENGINE_ERRORS as error:
            raise typed(error) from error
        else:
            return result
        finally:
            self._busy.now = False
            if conn.in_transaction:
                conn.execute("ROLLBACK")
            self._readers.append(conn)

    def _transaction(
        self, cursor: sqlite3.Cursor, begin: Callable[[], object] | None, *, careful: bool = False
    ) -> SqliteTransaction:
        return SqliteTransaction(cursor, self._tenant, self._codec, self._told, begin, careful=careful)

    def _told(self) -> int:
        told = _sql.stamp(self._clock()) if self._clock else time.time_ns() // 1_000
        if told < self._last:
            return self._last
        self._last = told
        return told

    # -- writing: only the thread that leads the line comes here ----------------------------------------------------

    def _perform(self, group: Sequence[Job]) -> None:
        # A savepoint for each job costs a fifth of its time, and few jobs fail after they wrote.
        if len(group) > 1 and (self._together(group) or self._together(group, savepoints=True)):
            return
        for job in group:
            job.error = job.result = None
            try:
                job.result = self._alone(job.work)
            except Exception as error:  # noqa: BLE001 - it belongs to the thread that sent the job
                job.error = error

    def _forget(self) -> None:
        """Know nothing of the store any more: what was read or written last may have been undone."""
        self._txn = self._transaction(self._cursor, None)

    def _begin(self) -> None:
        self._queue.acquire(self._patience_s)
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not isinstance(typed(error), Busy):
                raise
            # Somebody who does not stand in the line: one who goes without the lock, a host's own transaction, or a
            # process that died just now.
            self._queue.insist(self._patience_s)
            self._begin_later()
        self._txn.recheck()

    def _begin_later(self) -> None:
        for _ in pauses(self._patience_s):
            with suppress(Busy):
                try:
                    self._cursor.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError as error:
                    raise typed(error) from error
                return
        raise Busy(f"{self._path!r} stayed locked for {self._patience_s:g} s; try again")

    def _leave(self, *, kept: bool) -> None:
        """Leave no transaction and no lock behind, whatever happened; what was kept or not begun has left none."""
        try:
            if not kept and self._writer.in_transaction:
                self._cursor.execute("ROLLBACK")
        finally:
            self._queue.release()
        if not kept:
            self._forget()
        self._clean = True

    def _alone(self, work: Callable[[Transaction], T]) -> T:
        cursor, busy = self._cursor, self._busy
        for _ in range(_RERUNS_MAX):
            if not self._clean:
                self._leave(kept=False)  # the rest of a command that was interrupted while it cleaned up
            self._clean = False
            txn = self._txn
            txn.again(self._begin)
            committing = committed = False
            try:
                busy.now = True
                result = work(txn)
                if txn.begun:
                    txn.finish()
                    txn.write()
                    committing = True
                    cursor.execute("COMMIT")
                committed = True
            except Behind as behind:
                self._last = behind.newest
            except Raced:
                pass
            except ENGINE_ERRORS as error:
                raise typed(error, committing=committing) from error
            else:
                return result
            finally:
                busy.now = False
                self._leave(kept=committed or not txn.begun)
        raise Busy(f"other processes were faster {_RERUNS_MAX} times in a row; try again")

    def _together(self, group: Sequence[Job], *, savepoints: bool = False) -> bool:
        """Commit many jobs at once; False when one failed in a way that undoes the others too, so that none is done."""
        committing = committed = False
        execute, busy, writer = self._cursor.execute, self._busy, self._writer
        begin = self._savepoint if savepoints else _nothing
        if not self._clean:
            self._leave(kept=False)
        self._clean = False
        try:
            busy.now = True
            self._txn.again(begin)
            self._begin()
            for job in group:
                txn, done = self._txn, self._txn.done
                job.error = None
                txn.after(begin)
                try:
                    job.result = job.work(txn)
                    txn.finish()
                    if savepoints:
                        txn.write()
                except Exception as error:  # noqa: BLE001 - it belongs to the thread that sent the job
                    wrote = txn.done != done
                    if isinstance(error, Behind) or not writer.in_transaction or (wrote and not savepoints):
                        return False
                    job.error = typed(error) if isinstance(error, ENGINE_ERRORS) else error
                    if savepoints and txn.begun:
                        execute("ROLLBACK TO job")
                        execute("RELEASE job")
                    if wrote:
                        self._forget()
                else:
                    if savepoints and txn.begun:
                        execute("RELEASE job")
            try:
                self._txn.write()
            except ENGINE_ERRORS:
                # With savepoints each job writes its own, and it shows whose cannot be written.
                if savepoints:
                    raise
                return False
            committing = True
            execute("COMMIT")
            committed = True
        except (StoreError, *ENGINE_ERRORS) as error:
            # The group as a whole failed: what held for one of its jobs holds for all. Also for one that was refused,
            # since what refused it may never have happened.
            ours = error if isinstance(error, StoreError) else typed(error, committing=committing)
            for job in group:
                job.error = ours
        finally:
            busy.now = False
            self._leave(kept=committed)
        return True

    def _savepoint(self) -> None:
        self._cursor.execute("SAVEPOINT job")


__all__ = ["SqliteStore"]
