"""Commands inside a transaction that the host began and will end: PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from omscore.adapters import _postgres_schema as schema
from omscore.adapters._postgres_books import Wire
from omscore.adapters._postgres_errors import CHANGED, Raced, classified, psycopg
from omscore.adapters._postgres_pipe import Statement
from omscore.adapters._postgres_txn import PostgresTransaction
from omscore.errors import Busy, InvalidValue, SchemaMismatch
from omscore.ports import Capabilities, Transaction

T = TypeVar("T")

_RERUNS_MAX = 5


class JoinedPostgres:
    """A store whose commands are part of a host's own transaction; see :meth:`PostgresStore.joined`."""

    def __init__(
        self, conn: Any, capabilities: Capabilities, transaction: Callable[[Wire], PostgresTransaction]
    ) -> None:
        self._conn = conn
        self._capabilities = capabilities
        self._transaction = transaction
        self._busy = self._saved = self._known = False

    @property
    def capabilities(self) -> Capabilities:
        """Those of the store."""
        return self._capabilities

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Call `work`; commit nothing: what it wrote stands and falls with the host's transaction.

        An exception undoes what `work` wrote, and nothing else. Raises Busy when other commands won every race: roll
        the host's transaction back and run it again. Raises StoreError when the connection is lost, and with it the
        host's transaction; SchemaMismatch when the tables were changed behind what the host's transaction sees.
        """
        del write  # the host's transaction is what it is
        if self._busy:
            raise RuntimeError("a transaction is running here; use the one you were given")
        status = self._conn.info.transaction_status
        if self._conn.autocommit and status == psycopg.pq.TransactionStatus.IDLE:
            raise InvalidValue("this connection is in no transaction; begin one, then run commands")
        if status == psycopg.pq.TransactionStatus.INERROR:
            raise InvalidValue("this connection's transaction has failed; roll it back, begin anew, then run commands")
        self._busy = True
        try:
            for _ in range(_RERUNS_MAX):
                try:
                    return self._attempt(work)
                except Raced as error:
                    failure = error
            raise Busy(f"other commands won every race ({failure}); roll back and run your transaction again")
        finally:
            self._busy = False

    def _attempt(self, work: Callable[[Transaction], T]) -> T:
        self._saved = self._known = False
        txn = self._transaction(Wire(self._ask, self._ask_all, self._send, _not_ahead))
        try:
            result = work(txn)
            self._send(txn.waiting())
            if self._saved:
                # It fails where the server refused something: a command that caught that may not know.
                self._execute("RELEASE SAVEPOINT oms_joined")
        except BaseException as error:
            if self._saved and not self._conn.closed:
                # There is none where the transaction had failed before.
                with suppress(psycopg.errors.InvalidSavepointSpecification):
                    self._execute("ROLLBACK TO SAVEPOINT oms_joined")
            if isinstance(error, psycopg.Error | UnicodeEncodeError):
                raise classified(error, broken=self._conn.closed) from error
            raise
        return result

    def _execute(self, statement: str, values: tuple[Any, ...] = (), *, prepare: bool | None = None) -> Any:
        # The host's connection may make rows or cursors of another kind.
        cursor = psycopg.Cursor(self._conn, row_factory=psycopg.rows.tuple_row)
        return cursor.execute(statement, values, prepare=prepare)

    def _first(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        """The first statement also asks for the tables' version, in the same message.

        Where the host's transaction began to look before they were changed, no version is to be seen.
        """
        if self._known:
            return self._execute(statement, values)
        with self._conn.pipeline():
            # Not prepared: of a pipeline that broke off, psycopg would not know what the server kept of it.
            version = self._execute(schema.READ_VERSION, prepare=False)
            cursor = self._execute(statement, values, prepare=False)
        if version.fetchone() != (len(schema.STEPS),):
            raise SchemaMismatch(CHANGED)
        self._known = True
        return cursor

    def _save(self) -> None:
        if not self._saved:
            self._saved = True
            self._first("SAVEPOINT oms_joined")

    def _ask(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._first(statement, values).fetchall()
        return rows

    def _ask_all(self, statements: Sequence[Statement]) -> list[list[tuple[Any, ...]]]:
        return [self._ask(statement, values) for statement, values in statements]

    def _send(self, statements: Sequence[Statement]) -> list[int]:
        if statements:
            self._save()
        return [self._execute(statement, values).rowcount for statement, values in statements]


def _not_ahead(statement: Statement) -> None:
    """The host's connection is not kept busy between two calls."""
