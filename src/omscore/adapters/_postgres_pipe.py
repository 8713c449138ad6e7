"""A connection driven through libpq: several statements in one message, their answers in one go.

psycopg makes the connection, waits on it, reads its rows and names its errors. Its cursors are left out: they look at
every statement and every value anew, which for a command of a dozen small statements is most of the client's work.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, NamedTuple

from omscore.adapters._postgres_errors import psycopg

Statement = tuple[str, tuple[Any, ...]]

# Types as PostgreSQL numbers them; 0 leaves it to the server to see from the statement.
_INT8, _ANY = 20, 0
_BINARY = 1


class _Sent(NamedTuple):
    """What will be answered: for each answer whether it is to a statement and not to its preparation; what is new."""

    wanted: list[bool]
    new: dict[str, tuple[bytes, list[int]]]


class Pipe:
    """A connection of our own. Every statement is prepared once, by its text, and stays prepared."""

    def __init__(self, conn: Any) -> None:
        self._conn = conn
        self._pg = conn.pgconn
        self._rows = psycopg.adapt.Transformer(conn)
        # Of each statement: its name, and the formats of its values.
        self._known: dict[str, tuple[bytes, list[int]]] = {}
        self._named = 0
        # The question that was sent ahead, and what its answers are to.
        self._ahead: tuple[Statement, _Sent] | None = None

    @property
    def closed(self) -> bool:
        """Whether the connection is gone."""
        return bool(self._conn.closed)

    def close(self) -> None:
        """End the connection."""
        self._conn.close()

    def send(self, statements: Sequence[Statement]) -> list[Any]:
        """One round trip; the answer to each statement. Raises psycopg's error for the first that failed."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            answers = self._receive(ahead[1])
            if list(statements) == [ahead[0]]:
                return answers
        return self._receive(self._begin(statements))

    def send_ahead(self, statement: Statement) -> None:
        """Send a question that is likely to come next, for the server to answer meanwhile.

        It is answered when `send` is called with it, and forgotten when that is called with something else.
        """
        self._ahead = (statement, self._begin([statement]))
        self._pg.flush()

    def _begin(self, statements: Sequence[Statement]) -> _Sent:
        pg, known = self._pg, self._known
        new: dict[str, tuple[bytes, list[int]]] = {}
        wanted: list[bool] = []
        # A value that cannot be sent shows before anything is.
        bound = [_bound(values) for _, values in statements]
        pg.enter_pipeline_mode()
        for (statement, values), sent in zip(statements, bound, strict=True):
            prepared = known.get(statement) or new.get(statement)
            if prepared is None:
                self._named += 1
                new[statement] = prepared = (b"oms%d" % self._named, [_BINARY] * len(values))
                pg.send_prepare(prepared[0], _numbered(statement), [_type(value) for value in values])
                wanted.append(False)
            pg.send_query_prepared(prepared[0], sent, prepared[1], _BINARY)
            wanted.append(True)
        pg.pipeline_sync()
        return _Sent(wanted, new)

    def _receive(self, sent: _Sent) -> list[Any]:
        answers = self._conn.wait(self._answers())
        self._pg.exit_pipeline_mode()
        for answer in answers:
            if answer.status == psycopg.pq.ExecStatus.FATAL_ERROR:
                error = psycopg.errors.error_from_result(answer)
                if isinstance(error, psycopg.errors.InvalidSqlStatementName):
                    # Somebody reset the connection, a pooler perhaps: what we set and prepared on it is gone.
                    self.close()
                raise error
        self._known.update(sent.new)
        return [answer for answer, is_wanted in zip(answers, sent.wanted, strict=True) if is_wanted]

    def _answers(self) -> Generator[Any, Any, list[Any]]:
        """All answers up to the end of the message."""
        pg, ready, status = self._pg, psycopg.waiting.Ready, psycopg.pq.ExecStatus
        read, both = psycopg.waiting.Wait.R, psycopg.waiting.Wait.RW
        answers: list[Any] = []
        unsent = pg.flush()
        while True:
            # Also while there is more to send: the server may have to tell something before it takes the rest.
            # Nothing comes back where the wait was interrupted and is taken up again, to the end of what was cancelled.
            now = (yield both if unsent else read) or ready.NONE
            if now & ready.W:
                unsent = pg.flush()
            if now & ready.R:
                pg.consume_input()
            while not pg.is_busy():
                answer = pg.get_result()
                if answer is None:
                    continue
                if answer.status == status.PIPELINE_SYNC:
                    return answers
                answers.append(answer)
                if pg.status == psycopg.pq.ConnStatus.BAD:
                    # Nothing will come any more.
                    raise psycopg.OperationalError(answer.get_error_message())

    def rows(self, answer: Any) -> list[tuple[Any, ...]]:
        """The rows of an answer."""
        self._rows.set_pgresult(answer)
        found: list[tuple[Any, ...]] = self._rows.load_rows(0, answer.ntuples, tuple)
        return found

    def undo(self) -> None:
        """End what was begun; a connection that cannot do that any more is closed."""
        pg = self._pg
        ahead, self._ahead = self._ahead, None
        try:
            if ahead is not None:
                self._receive(ahead[1])
            if not self.closed and pg.pipeline_status != psycopg.pq.PipelineStatus.OFF:
                self.close()
            if not self.closed and pg.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                pg.exec_(b"ROLLBACK")
        except psycopg.Error:
            self.close()


def _bound(values: tuple[Any, ...]) -> list[bytes | None]:
    """Values as they are sent. Texts go with their length: without it they end at their first zero byte."""
    try:
        return [
            value.encode()
            if isinstance(value, str)
            else value.to_bytes(8, "big", signed=True)
            if isinstance(value, int)
            else value
            for value in values
        ]
    except OverflowError as error:
        raise psycopg.DataError("a number has more than 64 bits") from error


def _type(value: Any) -> int:
    # Of a whole number its bytes do not tell the length that the server would take them for.
    return _INT8 if isinstance(value, int) else _ANY


def _numbered(statement: str) -> bytes:
    """A statement with libpq's places for values."""
    first, *rest = statement.split("%s")
    return "".join([first, *(f"${n}{part}" for n, part in enumerate(rest, 1))]).encode()


def touched(answer: Any) -> int:
    """How many rows a statement wrote."""
    return int(answer.command_tuples or 0)
