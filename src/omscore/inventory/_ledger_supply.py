"""The ledger's commands on what is coming: send, arrive, lose, expect, repromise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from omscore.inventory import _supply, _transfer
from omscore.inventory._backorders import Repromise, repromise
from omscore.inventory._books import LedgerTransaction
from omscore.inventory._cells import Cell
from omscore.inventory._commands import Commands, units_of, units_or_all
from omscore.inventory._fill import Arrival
from omscore.kernel.ids import key as checked_key


class Supplying(Commands):
    """Units between nodes, and units that somebody expects."""

    def send(
        self,
        transfer: str,
        cells: Mapping[Cell, int],
        to: str,
        *,
        key: str,
        due_at: datetime | None = None,
        not_after: datetime | None = None,
    ) -> _transfer.Transfer:
        """Send free units to another node; see :func:`omscore.inventory.send`.

        >>> from omscore.inventory import Cell, Ledger
        >>> ledger = Ledger.in_memory()
        >>> _ = ledger.receive({Cell("SKU-1", "ghent"): 5}, key="dock-7")
        >>> ledger.send("t-1", {Cell("SKU-1", "ghent"): 2}, "lille", key="t-1").closed
        False
        """
        checked_key(transfer, "transfer")
        checked_key(to, "node")
        return self._once(
            key,
            ("send", transfer, units_of(cells), to, due_at),
            lambda txn: _transfer.send(
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

        >>> from omscore.inventory import Ledger
        >>> Ledger.in_memory().arrive("t-1", key="dock-8")
        Traceback (most recent call last):
        omscore.errors.NotFound: no transfer with id 't-1'
        """
        checked_key(transfer, "transfer")

        def work(txn: LedgerTransaction) -> Arrival:
            return self._settle(txn, _transfer.arrive(txn, transfer, cells, cause=key, to=to).sent, key)

        return self._once(key, ("arrive", transfer, units_or_all(cells), to), work, not_after)

    def lose(
        self,
        transfer: str,
        cells: Mapping[Cell, int] | None = None,
        *,
        key: str,
        not_after: datetime | None = None,
    ) -> Arrival:
        """Give up units of a transfer that will never come; see :func:`omscore.inventory.lose`.

        >>> from omscore.inventory import Ledger
        >>> Ledger.in_memory().lose("t-1", key="lost-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no transfer with id 't-1'
        """
        checked_key(transfer, "transfer")

        def work(txn: LedgerTransaction) -> Arrival:
            return self._settle(txn, _transfer.lose(txn, transfer, cells, cause=key).sent, key)

        return self._once(key, ("lose", transfer, units_or_all(cells)), work, not_after)

    def transfer(self, transfer: str) -> _transfer.Transfer:
        """A transfer: what was sent, and what is still under way; raises NotFound.

        >>> from omscore.inventory import Ledger
        >>> Ledger.in_memory().transfer("t-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no transfer with id 't-1'
        """
        checked_key(transfer, "transfer")
        return self.store.run(lambda txn: _transfer.transfer(txn, transfer), write=False)

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

        >>> from omscore.inventory import Ledger, Want
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

        >>> from omscore.inventory import Ledger
        >>> Ledger.in_memory().repromise("SKU-1", key="tick-1")
        ()
        """
        checked_key(item, "item")
        return self._once(key, ("repromise", item), lambda txn: repromise(txn, item), None)
