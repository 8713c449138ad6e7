"""The store in PostgreSQL: durable, for many processes on many hosts. Needs the extra `postgres` (psycopg 3)."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from threading import BoundedSemaphore, Lock, local
from typing import Any, Literal, TypeVar

from omscore import codec as codecs
from omscore.adapters import _postgres_schema as schema
from omscore.adapters import _postgres_statements as sql
from omscore.adapters import _sql
from omscore.adapters._given import clock_of, patience_of, tenant_of
from omscore.adapters._postgres_blind import FRESH_S, BlindTransaction, Memory
from omscore.adapters._postgres_books import Wire
from omscore.adapters._postgres_errors import RERUN, Lost, Raced, classified, psycopg
from omscore.adapters._postgres_joined import JoinedPostgres
from omscore.adapters._postgres_pipe import Pipe, Statement, touched
from omscore.adapters._postgres_txn import PostgresTransaction
from omscore.adapters._waiting import Job, Line, pauses
from omscore.errors import Busy, DefinitionError, InvariantBroken, StoreError, Unknown
from omscore.inventory import Cell
from omscore.kernel import quantity
from omscore.kernel.given import flags, shown
from omscore.ports import Capabilities, Clock, Transaction

T = TypeVar("T")

_LEVELS = ("read committed", "repeatable read", "serializable")
_CROWDED_S = 0.1
_GROUP_MAX = 64
_READ: list[Statement] = [("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ())]
_PARENTS: list[object] = []


class PostgresStore:
    """A store in a PostgreSQL database, reached through psycopg 3.

    `conninfo` is libpq's connection string. Commands run side by side on up to `connections_max` connections; a command
    that loses a race is run again until `patience_s` is over, behind the locks of the cells it wants, and together with
    the commands of other threads that lost theirs. `clock` gives
    the store's time; without one it is the server's, so that hosts whose clocks differ agree. `tenant` leads every key.
    `isolation` may be raised to "repeatable read" or "serializable"; "read committed" is enough, because every write
    checks that what it rests on still stands. `codec` reads and writes records, events and effects.

    `one_trip` sends a command that only takes from cells this process knows, for a key and an owner that are new, in
    one round trip: it is run on what was asked for in the last second, and written with COMMIT in one message, which
    the server refuses as a whole where what it moves was not so; then it is run again in the usual way. Cells it looked
    at and left alone may be a second old. For few processes and a slow network: where many processes move the same
    cells, it only adds a vain trip.

    Raises DefinitionError when psycopg is not installed, StoreError when the server cannot be reached, SchemaMismatch
    when a newer version wrote the tables.

    >>> PostgresStore.__name__
    'PostgresStore'
    """

    def __init__(
        self,
        conninfo: str,
        *,
        clock: Clock | None = None,
        tenant: str = "",
        isolation: Literal["read committed", "repeatable read", "serializable"] = "read committed",
        connections_max: int = 10,
        patience_s: float = 10.0,
        one_trip: bool = False,
        codec: codecs.Codec | None = None,
    ) -> None:
        if psycopg is None:
            raise DefinitionError("PostgresStore needs psycopg 3; install omscore[postgres]")
        if isolation not in _LEVELS:
            raise DefinitionError(f"isolation is one of {', '.join(_LEVELS)}, not {isolation!r}")
        if not isinstance(conninfo, str):
            told = shown(conninfo)
            raise DefinitionError(f"conninfo must be text, such as 'postgresql://me@localhost/shop', not {told}")
        quantity(connections_max, "connections_max")
        flags(one_trip=one_trip)
        self._conninfo = conninfo
        self._clock = clock_of(clock)
        self._tenant = tenant_of(tenant)
        self._write: list[Statement] = [(f"BEGIN ISOLATION LEVEL {isolation.upper()}", ())]
        if isolation != "read committed":
            self._write.append((schema.AWAIT_CHANGE, ()))
        self._connections_max = connections_max
        self._patience_s = patience_of(patience_s)
        self._codec = _sql.codec_of(codec)
        self._busy = local()
        self._last = self._turns = 0
        self._one_trip = one_trip
        # The server's time when it was last asked, and this machine's steady clock then.
        self._server = (0, -FRESH_S)
        self._closed = False
        self._reset()
        self._prepare()

    def _reset(self) -> None:
        self._pid = os.getpid()
        # Another thread of the parent may have held these at the fork.
        self._times = Lock()
        self._memory = Memory() if self._one_trip else None
        self._idle: deque[Pipe] = deque()
        self._crowded_until = 0.0
        self._line = Line(self._by_itself, self._together, most=_GROUP_MAX, patience_s=self._patience_s)
        self._places = BoundedSemaphore(self._connections_max)

    @property
    def capabilities(self) -> Capabilities:
        """Durable, for many processes on many hosts.

        >>> PostgresStore.capabilities.fget(None).multi_host
        True
        """
        return Capabilities(durable=True, multi_process=True, multi_host=True, group_commit=True)

    def close(self) -> None:
        """Close the connections; the store cannot be used any more.

        Commands under way in other threads end as they would, and are waited for until `patience_s` is over (one that
        takes longer closes its connection when it ends). Those that wait for a turn and those that come later raise
        StoreError; of these nothing was written. Raises RuntimeError when called by a command itself.

        >>> callable(PostgresStore.close)
        True
        """
        if getattr(self._busy, "now", False):
            raise RuntimeError("a transaction is running in this thread; close the store when it has ended")
        if self._pid != os.getpid():
            self._leave_to_parent()
        self._closed = True
        end, places = time.monotonic() + self._patience_s, 0
        while places < self._connections_max and self._places.acquire(timeout=max(0.0, end - time.monotonic())):
            places += 1
        # Who waits for a place finds the store closed.
        for _ in range(places):
            self._places.release()
        self._close_idle()

    def _close_idle(self) -> None:
        with suppress(IndexError):  # another thread was faster
            while self._idle:
                self._idle.pop().close()

    def _leave_to_parent(self) -> None:
        """A forked child must not touch its parent's connections, not even to close them: it lets them lie."""
        _PARENTS.extend(self._idle)
        self._reset()

    def _give_back(self, conn: Pipe) -> None:
        self._idle.append(conn)
        if self._closed:
            self._close_idle()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("this store was closed, nothing was written; open a new one")

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Call `work` with a transaction and commit; an exception rolls everything back and comes through.

        `work` is called again when another command won a race, so it must do nothing but use the transaction. Reading
        (`write=False`) sees one moment throughout. Raises Busy when patience ends, Unknown when the connection broke
        during COMMIT: send the same key again; SchemaMismatch when a newer omscore has changed the tables meanwhile.

        >>> callable(PostgresStore.run)
        True
        """
        if getattr(self._busy, "now", False):
            raise RuntimeError("a transaction is running in this thread; use the one you were given")
        self._check_open()
        if self._pid != os.getpid():
            self._leave_to_parent()
        if not write:
            return self._by_itself(work, write=False)
        if time.monotonic() >= self._crowded_until:
            if self._memory is not None:
                try:
                    blind = self._blind(self._memory, work)
                    if blind is not None:
                        return blind[0]
                except (*RERUN, InvariantBroken):
                    pass  # something was not so: it is asked for now
            wanted: set[Cell] = set()
            try:
                return self._try(lambda attempt: attempt.run(work), wanted=wanted)
            except (*RERUN, InvariantBroken):
                self._crowded_until = time.monotonic() + _CROWDED_S
            self._busy.lost = wanted
        try:
            result: T = self._line.run(work)
        finally:
            self._busy.lost = ()
        return result

    def joined(self, conn: Any) -> JoinedPostgres:
        """A store whose commands become part of a transaction that the host has begun on its own psycopg connection.

        The connection must be to the same database. The host's rows and what the commands write are committed together,
        by the host, or not at all. The cells stay locked until then: keep such transactions short.

        >>> callable(PostgresStore.joined)
        True
        """
        if not hasattr(conn, "pgconn"):
            raise DefinitionError(f"a command joins a transaction of a psycopg.Connection, not of {shown(conn)}")
        return JoinedPostgres(conn, self.capabilities, self._transaction)

    def _transaction(self, wire: Wire) -> PostgresTransaction:
        return PostgresTransaction(wire, self._tenant, self._codec, self._told, self._turn)

    # -- attempts ---------------------------------------------------------------------------------------------------

    def _try(
        self,
        run: Callable[[_Attempt], T],
        locks: Sequence[Cell] = (),
        *,
        write: bool = True,
        wanted: set[Cell] | None = None,
    ) -> T:
        """One attempt on a connection of its own, behind the locks of some cells; tells which cells it `wanted`."""
        if not self._places.acquire(timeout=self._patience_s):
            raise Busy(f"all {self._connections_max} connections were in use for {self._patience_s:g} s; try again")
        self._busy.now = True
        try:
            self._check_open()
            attempt = _Attempt(self, locks, write=write)
            try:
                return run(attempt)
            finally:
                if wanted is not None:
                    wanted |= attempt.txn.wanted
        finally:
            self._busy.now = False
            self._places.release()

    def _repeat(self, run: Callable[[_Attempt], T], *, wanted: set[Cell], write: bool = True) -> T:
        """Attempts until one goes through, behind the locks of the cells that one before wanted."""
        locks = sorted(wanted)
        failure: BaseException | None = None
        for _ in pauses(self._patience_s):
            try:
                return self._try(run, locks, write=write, wanted=wanted)
            except RERUN as error:
                failure = error
            except InvariantBroken:
                # Its reservation and its cells may have been read at two moments; behind the cells' locks they are not.
                if wanted <= set(locks):
                    raise
            locks = sorted(wanted)
        raise Busy(f"no turn came within {self._patience_s:g} s ({failure}); try again") from failure

    def _by_itself(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        lost, self._busy.lost = getattr(self._busy, "lost", ()), ()
        return self._repeat(lambda attempt: attempt.run(work), wanted=set(lost), write=write)

    def _together(self, group: Sequence[Job]) -> None:
        """Commit the commands of several threads at once: where they want the same cell, it moves in one go."""
        try:
            if len(group) > 1:
                self._repeat(lambda attempt: attempt.run_all(group), wanted=set())
                self._crowded_until = time.monotonic() + _CROWDED_S
                return
        except (Unknown, Busy) as error:
            # Also of those that were refused: what refused them may never have happened.
            for job in group:
                job.error = error
            return
        except Exception:  # noqa: BLE001, S110 - nothing was committed: each command meets its own error below
            pass
        for job in group:
            job.error = job.result = None
            try:
                job.result = self._by_itself(job.work)
            except Exception as error:  # noqa: BLE001 - it belongs to the thread that sent the job
                job.error = error

    def _blind(self, memory: Memory, work: Callable[[Transaction], T]) -> tuple[T] | None:
        """One round trip on what is remembered; None when that is not enough for this command."""
        txn = BlindTransaction(memory, self._time_of, self._tenant, self._codec, self._turn)
        self._busy.now = True
        try:
            result = work(txn)
        except Exception:  # noqa: BLE001 - a refusal, too, must rest on what the server says now
            return None
        finally:
            self._busy.now = False
        if not txn.proven:
            return None

        def send(attempt: _Attempt) -> T:
            attempt.txn = txn
            return attempt.run(lambda _: result)

        try:
            return (self._try(send),)
        except Exception:
            memory.forget([cell.item for cell in txn.wanted])
            raise

    def _time_of(self) -> int | None:
        """The store's time without asking the server; None when that is too long ago."""
        with self._times:
            if self._clock is not None:
                told = _sql.stamp(self._clock())
            elif time.monotonic() - self._server[1] < FRESH_S:
                told = self._server[0] + int((time.monotonic() - self._server[1]) * 1_000_000)
            else:
                return None
            self._last = max(self._last, told)
            return self._last

    # -- what an attempt needs --------------------------------------------------------------------------------------

    def _connection(self) -> Pipe:
        with suppress(IndexError):  # none is idle, or other threads were faster
            while True:
                conn = self._idle.pop()
                if not conn.closed:
                    return conn
        return Pipe(self._connect())

    def _connect(self) -> Any:
        try:
            conn = psycopg.connect(self._conninfo, autocommit=True, client_encoding="utf8")
            # Whoever holds a row and never goes on (a stopped process, a forgotten console) must not stop us for ever.
            conn.execute(f"SET lock_timeout = {max(1, int(self._patience_s * 1_000))}")
        except psycopg.Error as error:
            raise Lost(f"the server cannot be reached: {error}") from error
        return conn

    def _told(self, server: datetime, newest: int) -> int:
        told = _sql.stamp(self._clock() if self._clock else server)
        with self._times:
            self._server = (told, time.monotonic())
            self._last = max(self._last, told, newest)
            return self._last

    def _turn(self, behind: int) -> int:
        """A number for a row that orders it behind every row this process wrote, and behind one that was read."""
        with self._times:
            self._turns = max(time.time_ns(), self._turns + 1, behind + 1)
            return self._turns

    def _prepare(self) -> None:
        for _ in pauses(self._patience_s):
            try:
                conn = self._connect()
            except Lost as error:
                raise StoreError(str(error)) from error
            try:
                with conn:
                    schema.prepare(conn, schema.STEPS)
            except psycopg.Error as error:
                # Another process makes the same tables just now.
                if not isinstance(classified(error), RERUN) and error.sqlstate not in ("42P07", "42710", "23505"):
                    raise classified(error) from error
            else:
                return
        raise Busy(f"the tables could not be made within {self._patience_s:g} s; try again")


class _Attempt:
    """One try at a command, on one connection."""

    def __init__(self, store: PostgresStore, locks: Sequence[Cell], *, write: bool) -> None:
        self._store = store
        self._conn = store._connection()  # noqa: SLF001 - a part of the store
        self._first: list[Statement] = list(store._write if write else _READ)  # noqa: SLF001
        self._first.append((schema.CHECK_VERSION, (len(schema.STEPS),)))
        # Who lost a race before waits for the cells it wants, in the order in which everybody takes them, and reads
        # them in the same message: the fewer messages until COMMIT, the shorter everybody else waits for these cells.
        self._items = list(dict.fromkeys(cell.item for cell in locks))
        self._first += [(sql.LOCK_CELL, (store._tenant, *cell)) for cell in locks]  # noqa: SLF001
        self._first += [(sql.READ_CELLS, (store._tenant, item)) for item in self._items]  # noqa: SLF001
        self._locks = locks
        self._committing = False
        self._failed: BaseException | None = None
        wire = Wire(self._ask, self._ask_all, self._send, self._conn.send_ahead)
        self.txn: PostgresTransaction = store._transaction(wire)  # noqa: SLF001

    def _ask(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return self._conn.rows(self._piped([(statement, values)])[-1])

    def _ask_all(self, statements: Sequence[Statement]) -> list[list[tuple[Any, ...]]]:
        return [self._conn.rows(answer) for answer in self._piped(statements)]

    def _send(self, statements: Sequence[Statement]) -> list[int]:
        return [touched(answer) for answer in self._piped(statements)] if statements else []

    def _piped(self, statements: Sequence[Statement]) -> list[Any]:
        self._check()
        first, self._first = self._first, []
        items, self._items = self._items, []
        try:
            answers = self._conn.send([*first, *statements])
        except BaseException as error:
            self._failed = error
            raise
        for item, answer in zip(items, answers[len(first) - len(items) :], strict=False):
            self.txn.found_cells(item, self._conn.rows(answer))
        return answers[len(first) :]

    def _check(self) -> None:
        """End what failed before: of what was sent nothing stands, and a command that caught the error may not know."""
        if self._failed is not None:
            raise self._failed

    def run_all(self, group: Sequence[Job]) -> None:
        """Several commands in one transaction; each sees what those before it wrote."""

        def all_of(txn: PostgresTransaction) -> None:
            for job in group:
                writes = txn.writes
                job.error = job.result = None
                try:
                    job.result = job.work(txn)
                except Exception as error:
                    # What was written for it cannot be taken back alone.
                    if txn.writes != writes:
                        raise
                    job.error = error
                self._check()

        self.run(all_of)

    def run(self, work: Callable[[Any], T]) -> T:
        """One command, and COMMIT."""
        conn = self._conn
        hurry: tuple[Statement, ...] = ()
        try:
            result = work(self.txn)
            self._check()
            waiting = self.txn.waiting()
            if waiting or not self._first:
                self._committing = self.txn.writes > 0
                # A cell that somebody holds right now will have moved when it is let go: no use in waiting for it here.
                hurry = () if self._locks or not waiting else (sql.HURRY,)
                self._piped([*hurry, *waiting, ("COMMIT", ())])
        except BaseException as error:
            self._undo()
            if not isinstance(error, psycopg.Error | UnicodeEncodeError):
                raise
            ours = classified(error, broken=conn.closed)
            if hurry and isinstance(error, psycopg.errors.QueryCanceled):
                # A lock that is let go while its timeout runs out: the server may tell of that as somebody's request.
                raise Raced(str(ours)) from error
            if isinstance(ours, Lost) and self._committing:
                raise Unknown(
                    "the connection broke during COMMIT; repeat the command with the same key to learn its fate"
                ) from error
            raise ours from error
        store = self._store
        store._give_back(conn)  # noqa: SLF001 - a part of the store
        if store._memory is not None:  # noqa: SLF001
            store._memory.learn(*self.txn.learned())  # noqa: SLF001
        return result

    def _undo(self) -> None:
        self._conn.undo()
        if not self._conn.closed:
            self._store._give_back(self._conn)  # noqa: SLF001 - a part of the store


__all__ = ["PostgresStore"]
