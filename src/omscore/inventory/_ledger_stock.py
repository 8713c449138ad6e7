"""The ledger's commands on stock: receive, count, feed, quarantine, damage, scrap, restore, repool, correct."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import evolve

from omscore.errors import InvalidValue
from omscore.inventory import _count, _outrank, _stock
from omscore.inventory._books import LedgerTransaction
from omscore.inventory._cells import Cell, Entry, check_cells
from omscore.inventory._commands import Commands, units_of
from omscore.inventory._fill import Arrival
from omscore.inventory._victims import Victim, VictimOrder
from omscore.kernel.given import shown, text
from omscore.kernel.ids import key as checked_key
from omscore.kernel.quantities import quantity


class Stocking(Commands):
    """What is there, and whether it may be sold."""

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

        >>> from omscore.inventory import Cell, Ledger, Want
        >>> ledger = Ledger.in_memory()
        >>> _ = ledger.reserve("ord-1", [Want("SKU-1", 1)], key="web-1", policy="backorder")
        >>> [f.reservation for f in ledger.receive({Cell("SKU-1", "ghent"): 5}, key="dock-7").filled]
        ['ord-1']
        """
        if supply != "":
            checked_key(supply, "supply")

        def work(txn: LedgerTransaction) -> Arrival:
            _stock.receive(txn, stock, cause=key, effective_at=effective_at, to=to, supply=supply)
            return self._settle(txn, stock, key)

        return self._once(key, ("receive", units_of(stock), effective_at, to, supply), work, not_after)

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

        >>> from omscore.inventory import Cell, Ledger
        >>> Ledger.in_memory().count({Cell("SKU-1", "ghent"): 7}, key="count-1").changes
        {Cell(item='SKU-1', node='ghent', pool='', lot=''): 7}
        """

        def work(txn: LedgerTransaction) -> _count.Counted:
            result = _count.count(txn, counted, cause=key, victims=victims, seen_at=seen_at)
            if let_wait:
                _outrank.let_wait(txn, result.victims)
            return evolve(result, arrival=self._settle(txn, result.changes, key))

        return self._once(key, ("count", units_of(counted), let_wait, seen_at), work, not_after)

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

        >>> from omscore.inventory import Cell, Ledger
        >>> Ledger.in_memory().feed("vendor-1", {"SKU-1": 31}, key="feed-1").victims
        ()
        """

        def work(txn: LedgerTransaction) -> _count.Counted:
            result = _count.feed(txn, node, units, cause=key, seen_at=seen_at, pool=pool)
            return evolve(result, arrival=self._settle(txn, result.changes, key))

        checked_key(node, "node")
        text("pool", pool)
        if not isinstance(units, Mapping):
            raise InvalidValue(f"units are given by item, such as {{'SKU-1': 31}}, not as {shown(units)}")
        if not units:
            raise InvalidValue("a feed of no items says nothing; name what the vendor told of, if it is 0 of them")
        for item in units:
            checked_key(item, "item")
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

        >>> from omscore.inventory import Cell, Ledger
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

        >>> from omscore.inventory import Cell, Ledger
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

        >>> from omscore.inventory import Cell, Ledger
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
            (verb.__name__, units_of(cells), source),
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

        >>> from omscore.inventory import Cell, Ledger
        >>> ledger, cell = Ledger.in_memory(), Cell("SKU-1", "ghent")
        >>> _ = ledger.receive({cell: 5}, key="dock-7", to="quarantine")
        >>> ledger.restore({cell: 5}, key="inspect-1").filled
        ()
        """

        def work(txn: LedgerTransaction) -> Arrival:
            _stock.restore(txn, cells, cause=key, source=source)
            return self._settle(txn, cells, key)

        return self._once(key, ("restore", units_of(cells), source), work, not_after)

    def send_back(
        self,
        cells: Mapping[Cell, int],
        *,
        key: str,
        source: str = "quarantine",
        not_after: datetime | None = None,
    ) -> None:
        """Give units back to whoever sold them to us; see :func:`omscore.inventory.send_back`.

        >>> from omscore.inventory import Cell, Ledger
        >>> ledger, cell = Ledger.in_memory(), Cell("SKU-1", "ghent")
        >>> _ = ledger.receive({cell: 5}, key="dock-7", to="quarantine")
        >>> ledger.send_back({cell: 2}, key="vendor-1")
        """

        def work(txn: LedgerTransaction) -> None:
            _stock.send_back(txn, cells, cause=key, source=source)

        self._once(key, ("send_back", units_of(cells), source), work, not_after)

    def repool(self, cells: Mapping[Cell, int], pool: str, *, key: str, not_after: datetime | None = None) -> None:
        """Move free units behind another fence; see :func:`omscore.inventory.repool`.

        >>> from omscore.inventory import Cell, Ledger
        >>> ledger, cell = Ledger.in_memory(), Cell("SKU-1", "ghent")
        >>> _ = ledger.receive({cell: 5}, key="dock-7")
        >>> ledger.repool({cell: 2}, "marketplace", key="fence-1")
        >>> ledger.figures(Cell("SKU-1", "ghent", "marketplace")).free
        2
        """
        self._once(
            key,
            ("repool", units_of(cells), pool),
            lambda txn: _stock.repool(
                txn, cells, pool, cause=key, floors=self._floors(txn, (cell.item for cell in cells))
            ),
            not_after,
        )

    def correct(self, cell: Cell, seq: int, *, key: str, not_after: datetime | None = None) -> Entry:
        """Take back one movement by its mirror, once; see :func:`omscore.inventory.correct`.

        >>> from omscore.inventory import Cell, Ledger
        >>> ledger, cell = Ledger.in_memory(), Cell("SKU-1", "ghent")
        >>> _ = ledger.receive({cell: 50}, key="dock-7")
        >>> ledger.correct(cell, 1, key="typo-1").movement.units
        50
        """
        check_cells([cell])
        quantity(seq, "number of the entry")
        return self._once(
            key, ("correct", tuple(cell), seq), lambda txn: _stock.correct(txn, cell, seq, cause=key), not_after
        )
