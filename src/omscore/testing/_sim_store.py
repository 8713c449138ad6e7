"""The store of the simulation: many transactions at once in one thread, as commands run at a call that others make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from omscore.errors import Busy, Conflict, InvariantBroken, Unknown
from omscore.inventory import MemoryBooks, Reservation, Short
from omscore.kernel.rng import Rng

_RERUNS_MAX = 50
# Deep enough for three clients in each other, as any two and any three may meet.
_DEPTH_MAX = 3


class Killed(Exception):
    """The client's process died at a call of the port; nobody hears of it again."""


class _Raced(BaseException):
    """Another client's commit spoiled a check; passes through whatever a command catches."""


class SimBooks(MemoryBooks):
    """The ledger's books with an outbox, in memory."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.outbox: dict[str, str] = {}

    def emit(self, id: str, about: str) -> None:  # noqa: A002 - the field's word for it
        """Put an effect into the outbox."""
        self._set(self.outbox, id, about)


class _Txn:
    """One command's view of the books: notes its writes, so that they can be taken back and made again."""

    __slots__ = ("_books", "_pause", "interrupted", "writes")

    def __init__(self, books: SimBooks, pause: Callable[[_Txn], None]) -> None:
        self._books = books
        self._pause = pause
        self.interrupted = False
        self.writes: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []

    def now(self) -> datetime:
        return self._books.now()

    def figures(self, cells: Any) -> Any:
        self._pause(self)
        return self._books.figures(cells)

    def cells_of(self, item: str) -> Any:
        self._pause(self)
        return self._books.cells_of(item)

    def cells(self, **k: Any) -> Any:
        return self._books.cells(**k)

    def reservation(self, id: str) -> Reservation | None:  # noqa: A002 - the field's word for it
        self._pause(self)
        return self._books.reservation(id)

    def reservations(self, **k: Any) -> Any:
        return self._books.reservations(**k)

    def reservations_at(self, cell: Any) -> Any:
        self._pause(self)
        return self._books.reservations_at(cell)

    def reservations_due(self, at: datetime, **k: Any) -> Any:
        self._pause(self)
        return self._books.reservations_due(at, **k)

    def journal(self, cell: Any = None, **k: Any) -> Any:
        return self._books.journal(cell, **k)

    def snapshot(self, cell: Any, *, upto: int) -> Any:
        return self._books.snapshot(cell, upto=upto)

    def claimed(self, key: str) -> Any:
        self._pause(self)
        return self._books.claimed(key)

    def get(self, kind: str, id: str) -> Any:  # noqa: A002 - the field's word for it
        self._pause(self)
        return self._books.get(kind, id)

    def find(self, kind: str, index: str, **k: Any) -> Any:
        self._pause(self)
        return self._books.find(kind, index, **k)

    def _write(self, call: Any, *a: Any, **k: Any) -> None:
        self._pause(self)
        call(*a, **k)
        self.writes.append((call, a, k))

    def post(self, movements: Any, floors: Mapping[Any, int], **k: Any) -> None:
        self._write(self._books.post, movements, floors, **k)

    def save_reservation(self, reservation: Reservation) -> None:
        self._write(self._books.save_reservation, reservation)

    def claim(self, key: str, fingerprint: str, result: Any) -> None:
        self._write(self._books.claim, key, fingerprint, result)

    def put(self, kind: str, id: str, value: Any, **k: Any) -> None:  # noqa: A002 - the field's word for it
        self._write(self._books.put, kind, id, value, **k)

    def emit(self, id: str, about: str) -> None:  # noqa: A002 - the field's word for it
        self._write(self._books.emit, id, about)


class SimStore:
    """Runs commands on the books; at any call another client's command may run from begin to commit in between.

    What the interrupted command wrote is taken back first and made again afterwards, so that every check of every
    write is done again on what the others left, as a database does it that checks when it writes. When a check fails
    then, the command lost a race and is run again. So a command that reads what it does not write sees the world change
    under it: the only promise is that of the port, that checks are made in the writes.
    """

    def __init__(self, books: SimBooks, rng: Rng, *, interrupt_in: int = 24) -> None:
        self.books = books
        self.faults: frozenset[str] = frozenset()
        self.others: Callable[[], None] | None = None
        self.calls = self.reruns = self.depth = 0
        self._rng = rng
        self._interrupt_in = interrupt_in
        self._next = 1 + rng.below(2 * interrupt_in)

    def run(self, work: Callable[[Any], Any], *, write: bool = True) -> Any:
        """Run a command: done, an error with nothing written, Unknown, or Killed."""
        books = self.books
        for _ in range(_RERUNS_MAX):
            txn = _Txn(books, self._pause)
            self.depth += 1
            try:
                result = work(txn)
                self._pause(txn)
                books.commit()
            except _Raced:
                books.rollback(0)
            except (Short, Conflict, InvariantBroken):
                books.rollback(0)
                # What it read was of two moments; the same with nobody in between is a bug and comes through.
                if not txn.interrupted:
                    raise
            except BaseException:
                books.rollback(0)
                raise
            else:
                if "lost-replies" in self.faults and self._rng.below(40) == 0:
                    raise Unknown("the reply to COMMIT was lost; send the same key again")
                return result
            finally:
                self.depth -= 1
            self.reruns += 1
        raise Busy(f"other clients were faster {_RERUNS_MAX} times in a row; try again")

    def _pause(self, txn: _Txn) -> None:
        self.calls += 1
        self._next -= 1
        if self._next:
            return
        self._next = 1 + self._rng.below(2 * self._interrupt_in)
        if "kills" in self.faults and self._rng.below(8) == 0:
            raise Killed
        if self.others is not None and self.depth < _DEPTH_MAX:
            # All the way up nothing of any interrupted command is written now, so that the books are as committed.
            self.books.rollback(0)
            txn.interrupted = True
            self.others()
            try:
                for call, args, words in txn.writes:
                    call(*args, **words)
            except (Short, Conflict, InvariantBroken) as error:
                raise _Raced from error
