"""What all commands of the ledger share: once per key, behind the buffers, and giving to those who wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from omscore.errors import DefinitionError, InvalidValue
from omscore.inventory import _reserve
from omscore.inventory._allocate import check_shares
from omscore.inventory._backorders import Repromise, repromise
from omscore.inventory._books import Held, LedgerTransaction
from omscore.inventory._buffers import Buffer, floors
from omscore.inventory._cells import Cell, check_cells
from omscore.inventory._fill import Arrival, Filled, fill
from omscore.inventory._ledger_store import LedgerStore
from omscore.inventory._once import fingerprint, run_once
from omscore.inventory._reserve import SHARED, Want, check_wants
from omscore.kernel.given import shown
from omscore.kernel.ids import key as checked_key

T = TypeVar("T")


def wants_of(wants: Sequence[Want]) -> tuple[Any, ...]:
    try:
        if len(wants) == 1:
            (w,) = wants
            return ((w.item, w.units, w.nodes, w.pools),)
        found = tuple([(w.item, w.units, w.nodes, w.pools) for w in wants])
    except (AttributeError, TypeError):
        found = ()
    if not found:
        check_wants(wants)
    return found


def text_of(wants: Sequence[Want]) -> str:
    """The `repr` of `wants_of`, which for a single want is put together in less time than tuples are written."""
    if type(wants) is list and len(wants) == 1:
        (want,) = wants
        if type(want) is Want:
            pools = "('',)" if want.pools is SHARED else repr(want.pools)
            return f"(({want.item!r}, {want.units!r}, {want.nodes!r}, {pools}),)"
    return repr(wants_of(wants))


def units_of(cells: Mapping[Cell, int]) -> list[Any]:
    """Units by cell as plain values, for fingerprints; raises InvalidValue for anything else, and for none at all.

    A command that did nothing would take its key, and the right units could not be told under it any more.
    """
    if type(cells) is not dict and not isinstance(cells, Mapping):
        raise InvalidValue(f"units are given by cell, such as {{Cell('SKU-1', 'ghent'): 2}}, not as {shown(cells)}")
    if not cells:
        raise InvalidValue("no cells are named, so there is nothing to do; name them, such as {Cell('A', 'ghent'): 2}")
    check_cells(cells)
    return sorted([(tuple(cell), n) for cell, n in cells.items()])


def units_or_all(cells: Mapping[Cell, int] | None) -> list[Any] | None:
    """The same where None stands for all that are left."""
    return None if cells is None else units_of(cells)


def shares_or_all(shares: Mapping[Held, int] | None) -> list[Any] | None:
    """Units by cell and bucket likewise."""
    if shares is None:
        return None
    if type(shares) is not dict and not isinstance(shares, Mapping):
        one = "{(Cell('SKU-1', 'ghent'), 'reserved'): 2}"
        raise InvalidValue(f"shares are given by cell and bucket, such as {one}, not as {shown(shares)}")
    if not shares:
        raise InvalidValue("no shares are named, so there is nothing to release; name them, or leave them out for all")
    check_shares(shares)
    return sorted([(tuple(share), n) for share, n in shares.items()])


class Commands:
    """A store, what is kept back from sale, and how every command of the ledger is run."""

    def __init__(
        self, store: LedgerStore, *, buffers: Sequence[Buffer] = (), velocities: Mapping[str, str] | None = None
    ) -> None:
        if not callable(getattr(store, "run", None)):
            raise DefinitionError(
                f"a ledger is kept in a store, such as MemoryStore() of omscore.adapters, not {store!r}"
            )
        self.store = store
        self.buffers = tuple(buffers)
        self.velocities = dict(velocities or {})

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

    def _settle(self, txn: LedgerTransaction, cells: Iterable[Cell], key: str) -> Arrival:
        filled: list[Filled] = []
        changed: list[Repromise] = []
        for item in sorted({cell.item for cell in cells}):
            filled += fill(txn, item, cause=key, floors=self._floors(txn, [item]))
            changed += repromise(txn, item)
        return Arrival(tuple(filled), tuple(changed))
