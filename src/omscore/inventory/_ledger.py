"""The ledger by itself: every verb as one transaction on a store, once per key. Here are its reads; see its bases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Self

from omscore.errors import DefinitionError, InvalidValue
from omscore.inventory import _availability
from omscore.inventory._backorders import Backorder, backorders
from omscore.inventory._books import Reservation
from omscore.inventory._buffers import Buffer
from omscore.inventory._cells import Cell, Entry, Figures, check_cells
from omscore.inventory._export import Foreign, export_lines, import_lines
from omscore.inventory._ledger_allocate import Allocating
from omscore.inventory._ledger_floor import OnTheFloor
from omscore.inventory._ledger_stock import Stocking
from omscore.inventory._ledger_store import MemoryLedgerStore
from omscore.inventory._ledger_supply import Supplying
from omscore.inventory._past import as_of
from omscore.inventory._verify import Verified, verify
from omscore.kernel.given import listed, names, shown, texts
from omscore.kernel.ids import key as checked_key


class Ledger(Allocating, OnTheFloor, Stocking, Supplying):
    """The allocation ledger on a store: each verb is a transaction, done once per key, that promises no unit twice.

    `buffers` and `velocities` (the velocity class of each item) are kept back from sale in every verb that takes free
    units. Every command takes the caller's `key` (the same key again gives the first answer and does nothing) and may
    take `not_after`, a time by the store's clock after which it is refused.

    >>> from omscore.inventory import Want
    >>> ledger = Ledger.in_memory()
    >>> ledger.receive({Cell("SKU-1", "ghent"): 5}, key="dock-7")
    Arrival(filled=(), repromised=())
    >>> ledger.reserve("ord-1", [Want("SKU-1", 3)], key="web-1").cells
    {Cell(item='SKU-1', node='ghent', pool='', lot=''): 3}
    >>> print(ledger.availability("SKU-1"))
    SKU-1: 2 available
      ghent: on hand 5 - reserved 3 = free 2
    """

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
        if now is not None and not callable(now):
            raise DefinitionError(f"now is a function that gives the time, such as a clock's now, not {shown(now)}")
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

    # -- reads ------------------------------------------------------------------------------------------------------

    def figures(self, cell: Cell) -> Figures:
        """The figures of a cell.

        >>> Ledger.in_memory().figures(Cell("SKU-1", "ghent")).on_hand
        0
        """
        check_cells([cell])
        return self.store.run(lambda txn: txn.figures([cell])[cell], write=False)

    def reservation(self, reservation: str) -> Reservation | None:
        """A reservation, or None.

        >>> Ledger.in_memory().reservation("ord-1")
        """
        checked_key(reservation, "reservation")
        return self.store.run(lambda txn: txn.reservation(reservation), write=False)

    def backorders(self, item: str) -> tuple[Backorder, ...]:
        """Who waits for an item, in the order in which they will be served; nobody for an item that nobody wants.

        >>> Ledger.in_memory().backorders("SKU-1")
        ()
        """
        checked_key(item, "item")
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

        An item of which nothing was ever recorded has none: what is sold is the catalog's matter, not the ledger's.

        >>> Ledger.in_memory().availability("SKU-1").units
        0
        """
        checked_key(item, "item")
        texts(reservation=reservation, channel=channel)
        pools = names("pools", pools, "marketplace")
        nodes = None if nodes is None else names("nodes", nodes, "ghent")
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
        check_cells([] if cell is None else [cell])
        return self.store.run(lambda txn: txn.journal(cell), write=False)

    def verify(self) -> Verified:
        """Replay the journal and compare; see :func:`omscore.inventory.verify`.

        >>> Ledger.in_memory().verify().ok
        True
        """
        return self.store.run(verify, write=False)

    def export(self, *, codec: Foreign | None = None) -> Iterator[str]:
        """The whole ledger as lines of JSON; with a codec, the keys of a host's own commands too.

        They show one moment: all are read in one transaction, and kept in memory until they are taken.

        >>> list(Ledger.in_memory().export())[0]
        '["omscore.ledger/1"]'
        """
        return iter(self.store.run(lambda txn: list(export_lines(txn, codec=codec)), write=False))

    def import_(self, lines: Iterable[str], *, codec: Foreign | None = None) -> int:
        """Read an export into this empty ledger; returns the number of entries.

        >>> Ledger.in_memory().import_(Ledger.in_memory().export())
        0
        """
        kept = listed("lines", lines, str, "an exported line")
        return self.store.run(lambda txn: import_lines(txn, kept, codec=codec))
