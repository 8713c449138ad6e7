"""The ledger's commands on the floor: pick, short_pick, pack, ship, return_stock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from omscore.inventory import _floor
from omscore.inventory._books import LedgerTransaction
from omscore.inventory._cells import Cell
from omscore.inventory._commands import Commands, units_of
from omscore.inventory._fill import Arrival
from omscore.kernel.ids import key as checked_key


class OnTheFloor(Commands):
    """Units on their way out, and back."""

    def pick(self, reservation: str, cells: Mapping[Cell, int], *, key: str, not_after: datetime | None = None) -> None:
        """Units taken from their bins: allocated -> picked.

        >>> from omscore.inventory import Cell, Ledger
        >>> Ledger.in_memory().pick("ord-1", {Cell("SKU-1", "ghent"): 1}, key="pick-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no reservation with id 'ord-1'
        """
        self._forward(_floor.pick, reservation, cells, key, not_after)

    def short_pick(
        self, reservation: str, cells: Mapping[Cell, int], *, key: str, not_after: datetime | None = None
    ) -> None:
        """Units that should have been in the bin and were not.

        >>> from omscore.inventory import Cell, Ledger
        >>> Ledger.in_memory().short_pick("ord-1", {Cell("SKU-1", "ghent"): 1}, key="pick-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no reservation with id 'ord-1'
        """
        self._forward(_floor.short_pick, reservation, cells, key, not_after)

    def pack(self, reservation: str, cells: Mapping[Cell, int], *, key: str, not_after: datetime | None = None) -> None:
        """Units put into a parcel: picked -> packed.

        >>> from omscore.inventory import Cell, Ledger
        >>> Ledger.in_memory().pack("ord-1", {Cell("SKU-1", "ghent"): 1}, key="pack-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no reservation with id 'ord-1'
        """
        self._forward(_floor.pack, reservation, cells, key, not_after)

    def ship(self, reservation: str, cells: Mapping[Cell, int], *, key: str, not_after: datetime | None = None) -> None:
        """Units handed to a carrier: packed -> customer.

        >>> from omscore.inventory import Cell, Ledger
        >>> Ledger.in_memory().ship("ord-1", {Cell("SKU-1", "ghent"): 1}, key="ship-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no reservation with id 'ord-1'
        """
        self._forward(_floor.ship, reservation, cells, key, not_after)

    def _forward(
        self, verb: Any, reservation: str, cells: Mapping[Cell, int], key: str, not_after: datetime | None
    ) -> None:
        checked_key(reservation, "reservation")
        self._once(
            key,
            (verb.__name__, reservation, units_of(cells)),
            lambda txn: verb(txn, reservation, cells, cause=key),
            not_after,
        )

    def return_stock(
        self, stock: Mapping[Cell, int], *, to: str, key: str, not_after: datetime | None = None
    ) -> Arrival:
        """Goods that came back from a customer; what turns free fills backorders at once.

        >>> from omscore.inventory import Cell, Ledger
        >>> Ledger.in_memory().return_stock({Cell("SKU-1", "ghent"): 1}, to="free", key="ret-1").filled
        ()
        """

        def work(txn: LedgerTransaction) -> Arrival:
            _floor.return_stock(txn, stock, to=to, cause=key)
            return self._settle(txn, stock, key)

        return self._once(key, ("return_stock", units_of(stock), to), work, not_after)
