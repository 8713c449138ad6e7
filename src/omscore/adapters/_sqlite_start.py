"""How a transaction on SQLite begins: its lock, its time, what it remembers from those before it, and its keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from omscore.adapters import _sql
from omscore.adapters import _sqlite_statements as sql
from omscore.adapters._seal import Sealing, sealed
from omscore.adapters._sqlite_schema import TENANT_SPAN, VERSION, newer
from omscore.codec import Codec
from omscore.errors import Conflict, Corrupt
from omscore.inventory import Cell, Figures
from omscore.kernel.times import EPOCH

_REMEMBERED_MAX = 10_000
"""How many cells and items are remembered from one transaction to the next."""


class Behind(Exception):
    """The store has recorded a later time than this transaction was told; it is run again."""

    def __init__(self, newest: int) -> None:
        self.newest = newest
        super().__init__(newest)


class Raced(Conflict):
    """A key that was free before the transaction began is claimed now; the command is run again."""


class Move(NamedTuple):
    """A verb and its two buckets: what they are kept as, and where in a cell's row the buckets stand, if they do.

    `write` is the statement that writes what such a move changes of a cell, `of` gives these figures.
    """

    no: int
    out: int | None
    into: int | None
    write: str
    of: Callable[[Figures], tuple[int, ...]]


class Known:
    """A cell as it was read or left last: its number, its figures, and the digest of its newest entry.

    `move` is the only one that is not written yet, None where there are more.
    """

    __slots__ = ("cell", "digest", "figures", "move", "no")

    def __init__(self, cell: Cell, no: int, figures: Figures, digest: bytes) -> None:
        self.cell = cell
        self.no = no
        self.figures = figures
        self.digest = digest
        self.move: Move | None = None


class SqliteStart:
    """The part of a transaction on SQLite that all the others stand on.

    `begin` is called before the first statement that needs the write lock; looking up a key does not. `told` gives the
    time to go by, unless the store has recorded a later one; `careful` looks for that before it tells a time, because
    this transaction cannot be run again.
    """

    def __init__(
        self,
        cursor: sqlite3.Cursor,
        tenant: int,
        codec: Codec,
        told: Callable[[], int],
        begin: Callable[[], object] | None,
        *,
        careful: bool = False,
    ) -> None:
        self._run = cursor.execute
        self._many = cursor.executemany
        self._cursor = cursor
        self._tenant = tenant
        self._codec = Sealing(codec)
        self._text = codec.dumps
        self._told = told
        self._begin = begin
        self._careful = careful
        self._end = (tenant + 1) * TENANT_SPAN
        self._now: int | None = None
        # The time that was told last, and its stamp.
        self._at = (EPOCH, 0)
        # The time of what was recorded or told last, if what was recorded is known; the number of the newest entry.
        self._newest: int | None = None
        self._n = 0
        self._moves: dict[tuple[str, str, str], Move] = {}
        self._changes = -1
        self._unclaimed: set[str] = set()
        self._cells: dict[Cell, Known] = {}
        # Of each item that was asked for: the cells it moved in, in their order.
        self._items: dict[str, list[Known]] = {}
        self._reservations: dict[str, tuple[int, list[Cell]]] = {}
        # What is not written yet: entries, the cells that moved by number, figures kept for looking back, new
        # reservations by id; then how many rows were ever put here, and how many changes writing them made.
        self._entries: list[tuple[Any, ...]] = []
        self._moved: dict[int, Known] = {}
        self._kept: list[tuple[Any, ...]] = []
        self._made: dict[str, tuple[Any, ...]] = {}
        self._noted = self._later = 0
        self._records: dict[tuple[str, str], tuple[int, dict[str, str]]] = {}

    def after(self, begin: Callable[[], object]) -> None:
        """Go on with the next command of a group, knowing what was read and written for those before it."""
        self._begin = begin

    def again(self, begin: Callable[[], object]) -> None:
        """Begin anew on the same connection after a COMMIT, with what is still known unless others wrote meanwhile."""
        self._begin = begin
        self._now = None
        self._unclaimed.clear()
        self._reservations.clear()
        self._records.clear()

    def recheck(self) -> None:
        """Forget what was read before somebody else wrote; called behind BEGIN, and by nobody who keeps nothing."""
        (changes,) = self._run(sql.READ_CHANGES).fetchone()
        if changes != self._changes or len(self._cells) + len(self._items) > _REMEMBERED_MAX:
            self._changes = changes
            self._newest = None
            self._cells.clear()
            self._items.clear()

    def _changed(self) -> int:
        changes: int = self._cursor.connection.total_changes
        return changes

    @property
    def done(self) -> tuple[int, int]:
        """What was done so far, written or not: the same again where nothing was done since."""
        return self._noted, self._changed() - self._later

    @property
    def begun(self) -> bool:
        """Whether anything but keys was asked or written."""
        return self._begin is None

    def _start(self) -> None:
        begin, self._begin = self._begin, None
        if begin is not None:
            begin()

    # -- time -------------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        if self._now is None:
            self._stamp()
        return self._at[0]

    def _stamp(self) -> int:
        if self._now is None:
            # Told while waiting for the lock, a time would lie behind what others record meanwhile.
            if self._begin is not None:
                self._start()
            if self._careful and self._newest is None:
                self._saw(*self._run(sql.READ_NEWEST, (self._end,)).fetchone())
            now, newest = self._told(), self._newest
            if newest is not None:
                if newest > now:
                    now = newest
                else:
                    self._newest = now
            self._at = (_sql.moment(now), now)
            self._now = now
        return self._now

    def _saw(self, n: int | None, journal: int | None, log: int | None, schema: int) -> None:
        """Compare what the store recorded last with what was told; asked once, along with another question."""
        if type(journal or 0) is not int or type(log or 0) is not int:
            raise Corrupt(f"the time recorded last, {journal!r} or {log!r}, is none; verify the store against a backup")
        if schema > VERSION:
            raise newer(schema)
        self._n = n or self._end - TENANT_SPAN
        newest = max(journal or 0, log or 0)
        if self._now is not None:
            if newest > self._now:
                raise Behind(newest)
            newest = self._now
        self._newest = newest

    def _look(self) -> None:
        """See what was recorded last, before anything of our own is: behind that, one would find only oneself."""
        if self._newest is None:
            self._saw(*self._run(sql.READ_NEWEST, (self._end,)).fetchone())

    def finish(self) -> None:
        """The last look at what a command did: at the time recorded last, and whether the tables are still ours."""
        if self._begin is None and self._newest is None:
            self._look()

    # -- idempotency ------------------------------------------------------------------------------------------------

    def claimed(self, key: str) -> tuple[str, Any] | None:
        row = self._run(sql.READ_CLAIM, (self._tenant, key)).fetchone()
        if row is None:
            if self._begin is not None:
                self._unclaimed.add(key)
            return None
        return row[0], self._codec.loads(row[1], "key", key, row[0])

    def claim(self, key: str, fingerprint: str, result: Any) -> None:
        if self._begin is not None:
            self._start()
        text = sealed(self._text(result), "key", key, fingerprint)
        try:
            self._run(sql.ADD_CLAIM, (self._tenant, key, fingerprint, text))
        except sqlite3.IntegrityError:
            raced = Raced if key in self._unclaimed else Conflict
            raise raced(f"key {key!r} was claimed meanwhile; run the command again") from None

    def claims(self, *, after: str = "", limit: int = 1_000) -> list[tuple[str, str, Any]]:
        self._start()
        rows = self._run(sql.READ_CLAIMS, (self._tenant, after, limit)).fetchall()
        loads = self._codec.loads
        return [(key, fingerprint, loads(result, "key", key, fingerprint)) for key, fingerprint, result in rows]
