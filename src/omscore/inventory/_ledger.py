"""The ledger by itself: every verb as one transaction on a store, once per key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, Protocol, Self, TypeVar

from attrs import evolve, field, frozen

from omscore.errors import CommandRefused, InvalidValue, KeyReused, NotFound, OmsError, Reason, Unknown
from omscore.inventory import _allocate, _availability, _count, _floor, _outrank, _reserve, _stock, _supply
from omscore.inventory import _transfer as _move
from omscore.inventory._backorders import Backorder, Repromise, backorders, repromise
from omscore.inventory._books import Held, LedgerTransaction, Reservation
from omscore.inventory._buffers import Buffer, floors
from omscore.inventory._cells import Cell, Entry, Figures
from omscore.inventory._export import export_lines, import_lines
from omscore.inventory._fill import Arrival, Filled, fill
from omscore.inventory._memory import MemoryBooks
from omscore.inventory._once import REFUSALS, fingerprint, run_once
from omscore.inventory._past import as_of
from omscore.inventory._reserve import Selector, Want
from omscore.inventory._verify import Verified, verify
from omscore.inventory._victims import Victim, VictimOrder
from omscore.kernel.ids import key as checked_key

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


def _wants(wants: Sequence[Want]) -> tuple[Any, ...]:
    return tuple([(w.item, w.units, w.nodes, w.pools) for w in wants])


def _units(cells: Mapping[Any, int] | None) -> Any:
    if cells is None:
        return None
    return sorted([(tuple(cell), n) for cell, n in cells.items()])


class Ledger:
    """The allocation ledger on a store: each verb is a transaction, done once per key, that promises no unit twice.

    `buffers` and `velocities` (the velocity class of each item) are kept back from sale in every verb that takes free
    units. Every command takes the caller's `key` (the same key again gives the first answer and does nothing) and may
    take `not_after`, a time by the store's clock after which it is refused.

    >>> ledger = Ledger.in_memory()
    >>> ledger.receive({Cell("SKU-1", "ghent"): 5}, key="dock-7")
    Arrival(filled=(), repromised=())
    >>> ledger.reserve("ord-1", [Want("SKU-1", 3)], key="web-1").cells
    {Cell(item='SKU-1', node='ghent', pool='', lot=''): 3}
    >>> print(ledger.availability("SKU-1"))
    SKU-1: 2 available
      ghent: on hand 5 - reserved 3 = free 2
    """

    def __init__(
        self, store: LedgerStore, *, buffers: Sequence[Buffer] = (), velocities: Mapping[str, str] | None = None
    ) -> None:
        self.store = store
        self.buffers = tuple(buffers)
        self.velocities = dict(velocities or {})

    @classmethod
    def in_memory(
        cls,
        now: Callable[[], datetime] | None = None,
        *,
        buffers: Sequence[Buffer] = (),
        velocities: Mapping[str, str] | None = None,
    ) -> Self:
        """A ledger that lives in this process alone, for one thread; `now` gives the time, which else stands still.

        >>> Ledger.in_memory().figures(Cell("SKU-1", "ghent")).free
        0
        """
        return cls(MemoryLedgerStore(now), buffers=buffers, velocities=velocities)

    def fork(self) -> Ledger:
        """A ledger that starts as this one is and shares nothing that changes: a what-if. In memory only.

        >>> ledger = Ledger.in_memory()
        >>> _ = ledger.fork().receive({Cell("SKU-1", "ghent"): 5}, key="dock-7")
        >>> ledger.availability("SKU-1").units
        0
        """
        fork = getattr(self.store, "fork", None)
        if fork is None:
            raise InvalidValue(
                f"{type(self.store).__name__} cannot fork; export it and import it into Ledger.in_memory()"
            )
        return Ledger(fork(), buffers=self.buffers, velocities=self.velocities)

    def _once(
        self, key: str, content: tuple[Any, ...], work: Callable[[LedgerTransaction], T], not_after: datetime | None
    ) -> T:
        checked_key(key)
        name = fingerprint(*content)
        return run_once(self.store, key, name, work, not_after=not_after)

    def _floors(self, txn: LedgerTransaction, items: Iterable[str], channel: str = "") -> Mapping[Cell, int]:
        if not self.buffers:
            return _reserve.NO_FLOORS
        cells = [row for item in sorted(set(items)) for row in txn.cells_of(item)]
        return floors(self.buffers, cells, velocities=self.velocities, channel=channel)

    # -- allocate ---------------------------------------------------------------------------------------------------

    def reserve(
        self,
        reservation: str,
        wants: Sequence[Want],
        *,
        key: str,
        expires_in: timedelta | None = None,
        policy: str = "all",
        channel: str = "",
        priority: int = 0,
        quotas: Mapping[str, int] | None = None,
        select: Selector | None = None,
        not_after: datetime | None = None,
    ) -> _reserve.Reserved:
        """Hold units softly for an owner; see :func:`omscore.inventory.reserve`.

        >>> Ledger.in_memory().reserve("ord-1", [Want("SKU-1", 3)], key="web-1", policy="partial").short
        {'SKU-1': 3}
        """
        checked_key(reservation, "reservation")
        return self._once(
            key,
            ("reserve", reservation, _wants(wants), expires_in, policy, channel, priority),
            lambda txn: _reserve.reserve(
                txn,
                reservation,
                wants,
                cause=key,
                expires_in=expires_in,
                policy=policy,
                floors=self._floors(txn, [w.item for w in wants], channel) if self.buffers else _reserve.NO_FLOORS,
                channel=channel,
                priority=priority,
                quotas=quotas,
                select=select,
            ),
            not_after,
        )

    def outrank(
        self,
        reservation: str,
        wants: Sequence[Want],
        *,
        key: str,
        priority: int,
        expires_in: timedelta | None = None,
        channel: str = "",
        hard: bool = False,
        not_after: datetime | None = None,
    ) -> _outrank.Outranked:
        """Reserve all of it, taking from lower priorities if need be; see :func:`omscore.inventory.outrank`.

        >>> ledger = Ledger.in_memory()
        >>> _ = ledger.receive({Cell("SKU-1", "ghent"): 1}, key="dock-7")
        >>> _ = ledger.reserve("ord-1", [Want("SKU-1", 1)], key="web-1")
        >>> ledger.outrank("ord-2", [Want("SKU-1", 1)], key="vip-1", priority=9).victims[0].reservation
        'ord-1'
        """
        checked_key(reservation, "reservation")
        return self._once(
            key,
            ("outrank", reservation, _wants(wants), expires_in, channel, priority, hard),
            lambda txn: _outrank.outrank(
                txn,
                reservation,
                wants,
                cause=key,
                priority=priority,
                expires_in=expires_in,
                floors=self._floors(txn, (w.item for w in wants), channel),
                channel=channel,
                hard=hard,
            ),
            not_after,
        )

    def extend(
        self, reservation: str, expires_in: timedelta | None, *, key: str, not_after: datetime | None = None
    ) -> Reservation:
        """Give a reservation more time; see :func:`omscore.inventory.extend`.

        >>> Ledger.in_memory().extend("ord-1", None, key="pay-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no reservation with id 'ord-1'
        """
        return self._once(
            key,
            ("extend", reservation, expires_in),
            lambda txn: _reserve.extend(txn, reservation, expires_in),
            not_after,
        )

    def expire(self, *, key: str, limit: int = 1_000) -> tuple[str, ...]:
        """End what has run out by the store's clock; returns the reservations' ids.

        >>> Ledger.in_memory().expire(key="tick-1")
        ()
        """
        return self._once(key, ("expire", limit), lambda txn: _reserve.expire(txn, cause=key, limit=limit), None)

    def allocate(
        self,
        reservation: str,
        cells: Mapping[Cell, int],
        *,
        key: str,
        rest: Literal["keep", "release"] = "keep",
        not_after: datetime | None = None,
    ) -> _allocate.Allocated:
        """Turn units hard at nodes; see :func:`omscore.inventory.allocate`.

        >>> ledger, cell = Ledger.in_memory(), Cell("SKU-1", "ghent")
        >>> _ = ledger.receive({cell: 5}, key="dock-7")
        >>> _ = ledger.allocate("ord-1", {cell: 2}, key="route-1")
        >>> ledger.figures(cell).allocated
        2
        """
        checked_key(reservation, "reservation")
        return self._once(
            key,
            ("allocate", reservation, _units(cells), rest),
            lambda txn: _allocate.allocate(
                txn, reservation, cells, cause=key, floors=self._floors(txn, (c.item for c in cells)), rest=rest
            ),
            not_after,
        )

    def release(
        self,
        reservation: str,
        cells: Mapping[Held, int] | None = None,
        *,
        key: str,
        not_after: datetime | None = None,
    ) -> int:
        """Give units back, all of them unless named; see :func:`omscore.inventory.release`.

        >>> Ledger.in_memory().release("ord-1", key="cancel-1")
        0
        """
        return self._once(
            key,
            ("release", reservation, _units(cells)),
            lambda txn: _allocate.release(txn, reservation, cells, cause=key),
            not_after,
        )

    # -- the floor --------------------------------------------------------------------------------------------------

    def pick(self, reservation: str, cells: Mapping[Cell, int], *, key: str, not_after: datetime | None = None) -> None:
        """Units taken from their bins: allocated -> picked.

        >>> Ledger.in_memory().pick("ord-1", {Cell("SKU-1", "ghent"): 1}, key="pick-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no reservation with id 'ord-1'
        """
        self._forward(_floor.pick, reservation, cells, key, not_after)

    def short_pick(
        self, reservation: str, cells: Mapping[Cell, int], *, key: str, not_after: datetime | None = None
    ) -> None:
        """Units that should have been in the bin and were not.

        >>> Ledger.in_memory().short_pick("ord-1", {Cell("SKU-1", "ghent"): 1}, key="pick-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no reservation with id 'ord-1'
        """
        self._forward(_floor.short_pick, reservation, cells, key, not_after)

    def pack(self, reservation: str, cells: Mapping[Cell, int], *, key: str, not_after: datetime | None = None) -> None:
        """Units put into a parcel: picked -> packed.

        >>> Ledger.in_memory().pack("ord-1", {Cell("SKU-1", "ghent"): 1}, key="pack-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no reservation with id 'ord-1'
        """
        self._forward(_floor.pack, reservation, cells, key, not_after)

    def ship(self, reservation: str, cells: Mapping[Cell, int], *, key: str, not_after: datetime | None = None) -> None:
        """Units handed to a carrier: packed -> customer.

        >>> Ledger.in_memory().ship("ord-1", {Cell("SKU-1", "ghent"): 1}, key="ship-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no reservation with id 'ord-1'
        """
        self._forward(_floor.ship, reservation, cells, key, not_after)

    def _forward(
        self, verb: Any, reservation: str, cells: Mapping[Cell, int], key: str, not_after: datetime | None
    ) -> None:
        self._once(
            key,
            (verb.__name__, reservation, _units(cells)),
            lambda txn: verb(txn, reservation, cells, cause=key),
            not_after,
        )

    def return_stock(
        self, stock: Mapping[Cell, int], *, to: str, key: str, not_after: datetime | None = None
    ) -> Arrival:
        """Goods that came back from a customer; what turns free fills backorders at once.

        >>> Ledger.in_memory().return_stock({Cell("SKU-1", "ghent"): 1}, to="free", key="ret-1").filled
        ()
        """

        def work(txn: LedgerTransaction) -> Arrival:
            _floor.return_stock(txn, stock, to=to, cause=key)
            return self._settle(txn, stock, key)

        return self._once(key, ("return_stock", _units(stock), to), work, not_after)

    # -- stock ------------------------------------------------------------------------------------------------------

    def _settle(self, txn: LedgerTransaction, cells: Iterable[Cell], key: str) -> Arrival:
        filled: list[Filled] = []
        changed: list[Repromise] = []
        for item in sorted({cell.item for cell in cells}):
            filled += fill(txn, item, cause=key, floors=self._floors(txn, [item]))
            changed += repromise(txn, item)
        return Arrival(tuple(filled), tuple(changed))

    def receive(
        self,
        stock: Mapping[Cell, int],
        *,
        key: str,
        effective_at: datetime | None = None,
        to: str = "free",
        supply: str = "",
        not_after: datetime | None = None,
    ) -> Arrival:
        """Take goods in and give them at once to those who wait; returns who got what, and whose date changed.

        >>> ledger = Ledger.in_memory()
        >>> _ = ledger.reserve("ord-1", [Want("SKU-1", 1)], key="web-1", policy="backorder")
        >>> [f.reservation for f in ledger.receive({Cell("SKU-1", "ghent"): 5}, key="dock-7").filled]
        ['ord-1']
        """

        def work(txn: LedgerTransaction) -> Arrival:
            _stock.receive(txn, stock, cause=key, effective_at=effective_at, to=to, supply=supply)
            return self._settle(txn, stock, key)

        return self._once(key, ("receive", _units(stock), effective_at, to, supply), work, not_after)

    def count(
        self,
        counted: Mapping[Cell, int],
        *,
        key: str,
        victims: VictimOrder | None = None,
        let_wait: bool = False,
        seen_at: datetime | None = None,
        not_after: datetime | None = None,
    ) -> _count.Counted:
        """Take a count as true; `let_wait` queues what its victims lost; see :func:`omscore.inventory.count`.

        >>> Ledger.in_memory().count({Cell("SKU-1", "ghent"): 7}, key="count-1").changes
        {Cell(item='SKU-1', node='ghent', pool='', lot=''): 7}
        """

        def work(txn: LedgerTransaction) -> _count.Counted:
            result = _count.count(txn, counted, cause=key, victims=victims, seen_at=seen_at)
            if let_wait:
                _outrank.let_wait(txn, result.victims)
            return evolve(result, arrival=self._settle(txn, result.changes, key))

        return self._once(key, ("count", _units(counted), let_wait, seen_at), work, not_after)

    def feed(
        self,
        node: str,
        units: Mapping[str, int],
        *,
        key: str,
        seen_at: datetime | None = None,
        pool: str = "",
        not_after: datetime | None = None,
    ) -> _count.Counted:
        """Take a vendor's statement of what it can sell as true; see :func:`omscore.inventory.feed`.

        >>> Ledger.in_memory().feed("vendor-1", {"SKU-1": 31}, key="feed-1").victims
        ()
        """

        def work(txn: LedgerTransaction) -> _count.Counted:
            result = _count.feed(txn, node, units, cause=key, seen_at=seen_at, pool=pool)
            return evolve(result, arrival=self._settle(txn, result.changes, key))

        return self._once(key, ("feed", node, sorted(units.items()), seen_at, pool), work, not_after)

    def quarantine(
        self,
        cells: Mapping[Cell, int],
        *,
        key: str,
        source: str = "free",
        victims: VictimOrder | None = None,
        not_after: datetime | None = None,
    ) -> tuple[Victim, ...]:
        """Set units aside until somebody has looked at them; see :func:`omscore.inventory.quarantine`.

        >>> ledger, cell = Ledger.in_memory(), Cell("SKU-1", "ghent")
        >>> _ = ledger.receive({cell: 5}, key="dock-7")
        >>> ledger.quarantine({cell: 5}, key="recall-1")
        ()
        """
        return self._aside(_stock.quarantine, cells, key, source, victims, not_after)

    def damage(
        self,
        cells: Mapping[Cell, int],
        *,
        key: str,
        source: str = "free",
        victims: VictimOrder | None = None,
        not_after: datetime | None = None,
    ) -> tuple[Victim, ...]:
        """Units that broke; see :func:`omscore.inventory.damage`.

        >>> ledger, cell = Ledger.in_memory(), Cell("SKU-1", "ghent")
        >>> _ = ledger.receive({cell: 5}, key="dock-7")
        >>> ledger.damage({cell: 1}, key="drop-1")
        ()
        """
        return self._aside(_stock.damage, cells, key, source, victims, not_after)

    def scrap(
        self,
        cells: Mapping[Cell, int],
        *,
        key: str,
        source: str = "damaged",
        victims: VictimOrder | None = None,
        not_after: datetime | None = None,
    ) -> tuple[Victim, ...]:
        """Throw units away; see :func:`omscore.inventory.scrap`.

        >>> ledger, cell = Ledger.in_memory(), Cell("SKU-1", "ghent")
        >>> _ = ledger.receive({cell: 5}, key="dock-7")
        >>> ledger.scrap({cell: 1}, key="bin-1", source="free")
        ()
        """
        return self._aside(_stock.scrap, cells, key, source, victims, not_after)

    def _aside(
        self,
        verb: Any,
        cells: Mapping[Cell, int],
        key: str,
        source: str,
        victims: VictimOrder | None,
        not_after: datetime | None,
    ) -> tuple[Victim, ...]:
        return self._once(
            key,
            (verb.__name__, _units(cells), source),
            lambda txn: verb(txn, cells, cause=key, source=source, victims=victims),
            not_after,
        )

    def restore(
        self,
        cells: Mapping[Cell, int],
        *,
        key: str,
        source: str = "quarantine",
        not_after: datetime | None = None,
    ) -> Arrival:
        """Put units back on sale, and give them to those who wait; see :func:`omscore.inventory.restore`.

        >>> ledger, cell = Ledger.in_memory(), Cell("SKU-1", "ghent")
        >>> _ = ledger.receive({cell: 5}, key="dock-7", to="quarantine")
        >>> ledger.restore({cell: 5}, key="inspect-1").filled
        ()
        """

        def work(txn: LedgerTransaction) -> Arrival:
            _stock.restore(txn, cells, cause=key, source=source)
            return self._settle(txn, cells, key)

        return self._once(key, ("restore", _units(cells), source), work, not_after)

    def repool(self, cells: Mapping[Cell, int], pool: str, *, key: str, not_after: datetime | None = None) -> None:
        """Move free units behind another fence; see :func:`omscore.inventory.repool`.

        >>> ledger, cell = Ledger.in_memory(), Cell("SKU-1", "ghent")
        >>> _ = ledger.receive({cell: 5}, key="dock-7")
        >>> ledger.repool({cell: 2}, "marketplace", key="fence-1")
        >>> ledger.figures(Cell("SKU-1", "ghent", "marketplace")).free
        2
        """
        self._once(
            key,
            ("repool", _units(cells), pool),
            lambda txn: _stock.repool(
                txn, cells, pool, cause=key, floors=self._floors(txn, (cell.item for cell in cells))
            ),
            not_after,
        )

    def correct(self, cell: Cell, seq: int, *, key: str, not_after: datetime | None = None) -> Entry:
        """Take back one movement by its mirror, once; see :func:`omscore.inventory.correct`.

        >>> ledger, cell = Ledger.in_memory(), Cell("SKU-1", "ghent")
        >>> _ = ledger.receive({cell: 50}, key="dock-7")
        >>> ledger.correct(cell, 1, key="typo-1").movement.units
        50
        """
        return self._once(
            key, ("correct", tuple(cell), seq), lambda txn: _stock.correct(txn, cell, seq, cause=key), not_after
        )

    # -- between nodes, and what is coming --------------------------------------------------------------------------

    def send(
        self,
        transfer: str,
        cells: Mapping[Cell, int],
        to: str,
        *,
        key: str,
        due_at: datetime | None = None,
        not_after: datetime | None = None,
    ) -> _move.Transfer:
        """Send free units to another node; see :func:`omscore.inventory.send`.

        >>> ledger = Ledger.in_memory()
        >>> _ = ledger.receive({Cell("SKU-1", "ghent"): 5}, key="dock-7")
        >>> ledger.send("t-1", {Cell("SKU-1", "ghent"): 2}, "lille", key="t-1").closed
        False
        """
        checked_key(transfer, "transfer")
        return self._once(
            key,
            ("send", transfer, _units(cells), to, due_at),
            lambda txn: _move.send(
                txn,
                transfer,
                cells,
                to,
                cause=key,
                due_at=due_at,
                floors=self._floors(txn, (cell.item for cell in cells)),
            ),
            not_after,
        )

    def arrive(
        self,
        transfer: str,
        cells: Mapping[Cell, int] | None = None,
        *,
        key: str,
        to: str = "free",
        not_after: datetime | None = None,
    ) -> Arrival:
        """Units of a transfer have come, and go at once to those who wait; see :func:`omscore.inventory.arrive`.

        >>> Ledger.in_memory().arrive("t-1", key="dock-8")
        Traceback (most recent call last):
        omscore.errors.NotFound: no transfer with id 't-1'
        """

        def work(txn: LedgerTransaction) -> Arrival:
            return self._settle(txn, _move.arrive(txn, transfer, cells, cause=key, to=to).sent, key)

        return self._once(key, ("arrive", transfer, _units(cells), to), work, not_after)

    def lose(
        self,
        transfer: str,
        cells: Mapping[Cell, int] | None = None,
        *,
        key: str,
        not_after: datetime | None = None,
    ) -> Arrival:
        """Give up units of a transfer that will never come; see :func:`omscore.inventory.lose`.

        >>> Ledger.in_memory().lose("t-1", key="lost-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no transfer with id 't-1'
        """

        def work(txn: LedgerTransaction) -> Arrival:
            return self._settle(txn, _move.lose(txn, transfer, cells, cause=key).sent, key)

        return self._once(key, ("lose", transfer, _units(cells)), work, not_after)

    def transfer(self, transfer: str) -> _move.Transfer:
        """A transfer: what was sent, and what is still under way; raises NotFound.

        >>> Ledger.in_memory().transfer("t-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no transfer with id 't-1'
        """
        return self.store.run(lambda txn: _move.transfer(txn, transfer), write=False)

    def expect(
        self,
        supply: str,
        item: str,
        node: str,
        units: int,
        due_at: datetime,
        *,
        key: str,
        pool: str = "",
        not_after: datetime | None = None,
    ) -> tuple[Repromise, ...]:
        """Announce or correct dated supply; returns the promises that this changes, with their new dates.

        >>> from datetime import UTC
        >>> ledger = Ledger.in_memory()
        >>> _ = ledger.reserve("ord-1", [Want("SKU-1", 1)], key="web-1", policy="backorder")
        >>> due_at = datetime(2026, 3, 3, tzinfo=UTC)
        >>> [p.now.day for p in ledger.expect("po-1", "SKU-1", "ghent", 9, due_at, key="po-1")]
        [3]
        """
        checked_key(supply, "supply")

        def work(txn: LedgerTransaction) -> tuple[Repromise, ...]:
            _supply.expect(txn, supply, item, node, units, due_at, pool=pool)
            return repromise(txn, item)

        return self._once(key, ("expect", supply, item, node, units, due_at, pool), work, not_after)

    def repromise(self, item: str, *, key: str) -> tuple[Repromise, ...]:
        """Give new dates to promises that no longer hold, as when supply is overdue; returns those that changed.

        >>> Ledger.in_memory().repromise("SKU-1", key="tick-1")
        ()
        """
        return self._once(key, ("repromise", item), lambda txn: repromise(txn, item), None)

    # -- reads ------------------------------------------------------------------------------------------------------

    def figures(self, cell: Cell) -> Figures:
        """The figures of a cell.

        >>> Ledger.in_memory().figures(Cell("SKU-1", "ghent")).on_hand
        0
        """
        return self.store.run(lambda txn: txn.figures([cell])[cell], write=False)

    def reservation(self, reservation: str) -> Reservation | None:
        """A reservation, or None.

        >>> Ledger.in_memory().reservation("ord-1")
        """
        return self.store.run(lambda txn: txn.reservation(reservation), write=False)

    def backorders(self, item: str) -> tuple[Backorder, ...]:
        """Who waits for an item, in the order in which they will be served.

        >>> Ledger.in_memory().backorders("SKU-1")
        ()
        """
        return self.store.run(lambda txn: tuple(backorders(txn, item)), write=False)

    def availability(
        self,
        item: str,
        *,
        reservation: str = "",
        channel: str = "",
        nodes: tuple[str, ...] | None = None,
        pools: tuple[str, ...] = ("",),
    ) -> _availability.Availability:
        """What may be promised of an item, now and by date, with its own arithmetic: print it to see why.

        >>> Ledger.in_memory().availability("SKU-1").units
        0
        """
        return self.store.run(
            lambda txn: _availability.availability(
                txn,
                item,
                reservation=reservation,
                floors=self._floors(txn, [item], channel),
                nodes=nodes,
                pools=pools,
            ),
            write=False,
        )

    def as_of(self, cell: Cell, at: datetime | int) -> Figures:
        """The figures of a cell as they were recorded at a time, or after its movement number `at`.

        >>> Ledger.in_memory().as_of(Cell("SKU-1", "ghent"), 0).free
        0
        """
        return self.store.run(lambda txn: as_of(txn, cell, at), write=False)

    def journal(self, cell: Cell | None = None) -> list[Entry]:
        """The entries of a cell, or of all cells as they were recorded.

        >>> Ledger.in_memory().journal()
        []
        """
        return self.store.run(lambda txn: txn.journal(cell), write=False)

    def verify(self) -> Verified:
        """Replay the journal and compare; see :func:`omscore.inventory.verify`.

        >>> Ledger.in_memory().verify().ok
        True
        """
        return self.store.run(verify, write=False)

    def export(self) -> Iterator[str]:
        """The whole ledger as lines of JSON.

        >>> list(Ledger.in_memory().export())[0]
        '["omscore.ledger/1"]'
        """
        return iter(self.store.run(lambda txn: list(export_lines(txn)), write=False))

    def import_(self, lines: Iterable[str]) -> int:
        """Read an export into this empty ledger; returns the number of entries.

        >>> Ledger.in_memory().import_(Ledger.in_memory().export())
        0
        """
        kept = list(lines)
        return self.store.run(lambda txn: import_lines(txn, kept))
