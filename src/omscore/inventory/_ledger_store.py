"""What the ledger runs on: a store as far as it needs one, one in memory, and what becomes of a command."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Generic, Literal, Protocol, Self, TypeVar

from attrs import field, frozen

from omscore.errors import CommandRefused, InvalidValue, KeyReused, NotFound, OmsError, Reason, Unknown
from omscore.inventory._books import LedgerTransaction
from omscore.inventory._memory import MemoryBooks
from omscore.inventory._once import REFUSALS

T = TypeVar("T")


class LedgerStore(Protocol):
    """A store as far as the ledger needs one; every store of `omscore.adapters` is.

    >>> store: LedgerStore = MemoryLedgerStore()
    """

    def run(self, work: Callable[[LedgerTransaction], T], *, write: bool = True) -> T:
        """Call `work` with a transaction and commit; an exception rolls everything back and comes through.

        >>> MemoryLedgerStore().run(lambda txn: 42)
        42
        """
        ...


class MemoryLedgerStore:
    """The ledger's half of a store in memory, for one thread: what a notebook needs.

    >>> MemoryLedgerStore().run(lambda txn: txn.figures([]))
    {}
    """

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self._books = MemoryBooks(now)

    def run(self, work: Callable[[LedgerTransaction], T], *, write: bool = True) -> T:
        """Call `work` with the books and keep what it wrote, or undo it when it raises.

        >>> MemoryLedgerStore().run(lambda txn: txn.cells())
        []
        """
        del write  # nobody else is there
        mark = self._books.mark()
        try:
            result = work(self._books)
        except BaseException:
            self._books.rollback(mark)
            raise
        if not mark:
            self._books.commit()
        return result

    def fork(self) -> Self:
        """A store that starts with these books and goes its own way.

        >>> MemoryLedgerStore().fork().run(lambda txn: txn.cells())
        []
        """
        twin = type(self)()
        twin._books = self._books.fork()  # noqa: SLF001 - its own kind
        return twin


@frozen
class Outcome(Generic[T]):
    """What became of a command: "done" with its result, "refused" without a trace, or "unknown".

    An unknown command happened or it did not; sending the same one with the same key settles it.

    >>> Outcome("refused", reasons=(Reason("stock.insufficient", "asked 3, 2 available"),)).done
    False
    """

    state: Literal["done", "refused", "unknown"]
    result: T | None = None
    reasons: tuple[Reason, ...] = ()
    error: OmsError | None = field(default=None, eq=False)

    @property
    def done(self) -> bool:
        """Whether the command happened.

        >>> Outcome("done", 3).done
        True
        """
        return self.state == "done"


def outcome(command: Callable[[], T]) -> Outcome[T]:
    """Run one command and tell what became of it instead of raising: for bulk work that goes on after a refusal.

    Refusals, wrong values, unknown records, reused keys and lost races are "refused", because they leave no trace.
    Errors of the store other than Unknown (busy, full, corrupt) come through: the next command would meet them too.

    >>> from omscore.inventory import Ledger, Want
    >>> ledger = Ledger.in_memory()
    >>> outcome(lambda: ledger.reserve("ord-1", [Want("SKU-1", 3)], key="web-1")).reasons[0].code
    'stock.insufficient'
    """
    try:
        return Outcome("done", command())
    except CommandRefused as refused:
        return Outcome("refused", reasons=refused.reasons, error=refused)
    except REFUSALS as refused:
        code = {InvalidValue: "invalid", NotFound: "not_found", KeyReused: "key_reused"}.get(type(refused), "conflict")
        return Outcome("refused", reasons=(Reason(f"command.{code}", str(refused)),), error=refused)
    except Unknown as unknown:
        return Outcome("unknown", error=unknown)
