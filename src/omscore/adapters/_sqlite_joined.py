"""Commands inside a transaction that the host began and will end: SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from omscore.adapters._sqlite_errors import ENGINE_ERRORS, typed
from omscore.adapters._sqlite_txn import SqliteTransaction
from omscore.errors import InvalidValue
from omscore.ports import Capabilities, Transaction

T = TypeVar("T")


class JoinedSqlite:
    """A store whose commands are part of a host's own transaction; see :meth:`SqliteStore.joined`."""

    def __init__(
        self, conn: sqlite3.Connection, capabilities: Capabilities, transaction: Callable[..., SqliteTransaction]
    ) -> None:
        self._conn = conn
        self._capabilities = capabilities
        self._transaction = transaction
        self._busy = False

    @property
    def capabilities(self) -> Capabilities:
        """Those of the store."""
        return self._capabilities

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Call `work`; commit nothing: what it wrote stands and falls with the host's transaction.

        An exception undoes what `work` wrote, and nothing else.
        """
        del write  # the host's transaction is what it is
        if self._busy:
            raise RuntimeError("a transaction is running here; use the one you were given")
        if not self._conn.in_transaction:
            raise InvalidValue(
                "this connection is in no transaction; begin one with BEGIN IMMEDIATE, then run commands"
            )
        cursor = self._conn.cursor()
        cursor.row_factory = None
        begun = False

        def begin() -> None:
            nonlocal begun
            cursor.execute("SAVEPOINT oms_joined")
            begun = True

        # The host may roll back later, so nothing learned here may be remembered by the store.
        txn = self._transaction(cursor, begin, careful=True)
        self._busy = True
        try:
            result = work(txn)
            txn.finish()
            txn.write()
        except BaseException as error:
            if begun and self._conn.in_transaction:
                cursor.execute("ROLLBACK TO oms_joined")
                cursor.execute("RELEASE oms_joined")
            if isinstance(error, ENGINE_ERRORS):
                raise typed(error) from error
            raise
        finally:
            self._busy = False
        if begun:
            cursor.execute("RELEASE oms_joined")
        return result
