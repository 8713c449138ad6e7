"""Lots: which of an item's lots goes first, as small pure functions from a cell to a sort key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from attrs import frozen

from omscore.inventory._cells import Cell
from omscore.inventory._reserve import Selector


@frozen
class Lot:
    """What is known of a lot: when it came in, and the last day on which it may be used.

    >>> from datetime import UTC
    >>> Lot(datetime(2026, 3, 2, tzinfo=UTC), expires_on=date(2026, 9, 1)).expires_on.month
    9
    """

    received_at: datetime
    expires_on: date | None = None


def fifo(lots: Mapping[str, Lot]) -> Selector:
    """First in, first out: the lot received earliest goes first; cells without a known lot go last.

    >>> from datetime import UTC
    >>> lots = {"L1": Lot(datetime(2026, 3, 2, tzinfo=UTC)), "L2": Lot(datetime(2026, 2, 25, tzinfo=UTC))}
    >>> sorted(["L1", "L2"], key=lambda lot: fifo(lots)(Cell("A", "x", "", lot)))
    ['L2', 'L1']
    """
    return lambda cell: (0, lots[cell.lot].received_at.timestamp()) if cell.lot in lots else (1, 0.0)


def lifo(lots: Mapping[str, Lot]) -> Selector:
    """Last in, first out: the lot received latest goes first; cells without a known lot go last.

    >>> from datetime import UTC
    >>> lots = {"L1": Lot(datetime(2026, 3, 2, tzinfo=UTC)), "L2": Lot(datetime(2026, 2, 25, tzinfo=UTC))}
    >>> sorted(["L1", "L2"], key=lambda lot: lifo(lots)(Cell("A", "x", "", lot)))
    ['L1', 'L2']
    """
    return lambda cell: (0, -lots[cell.lot].received_at.timestamp()) if cell.lot in lots else (1, 0.0)


def fefo(lots: Mapping[str, Lot], *, usable_on: date) -> Selector:
    """First expired, first out: the lot that expires earliest goes first, and none that expires before `usable_on`.

    Give the day on which the customer shall still be able to use it. Lots without an expiry go last, oldest first.

    >>> from datetime import UTC
    >>> came = datetime(2026, 3, 2, tzinfo=UTC)
    >>> lots = {"L1": Lot(came, date(2026, 9, 1)), "L2": Lot(came, date(2026, 4, 1)), "L3": Lot(came, date(2026, 3, 1))}
    >>> select = fefo(lots, usable_on=date(2026, 3, 15))
    >>> [select(Cell("A", "x", "", lot)) is None for lot in ("L1", "L2", "L3")]
    [False, False, True]
    """

    def place(cell: Cell) -> tuple[int, int, float] | None:
        lot = lots.get(cell.lot)
        if lot is None:
            return (2, 0, 0.0)
        if lot.expires_on is None:
            return (1, 0, lot.received_at.timestamp())
        if lot.expires_on < usable_on:
            return None
        return (0, lot.expires_on.toordinal(), lot.received_at.timestamp())

    return place
