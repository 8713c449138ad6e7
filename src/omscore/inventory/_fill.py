"""Fill: give what came in to those who wait, in the order of the queue."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, frozen

from omscore.inventory._backorders import save_backorder, waiting_still
from omscore.inventory._books import LedgerTransaction, Reservation
from omscore.inventory._cells import Cell, Movement
from omscore.inventory._reserve import NO_FLOORS, Reclaimed, Selector, Want, candidates


@frozen
class Filled:
    """Units that a waiting reservation was given, by cell, and how many it still waits for.

    >>> Filled("ord-1", "SKU-1", {Cell("SKU-1", "ghent"): 2}, waiting=1).waiting
    1
    """

    reservation: str
    item: str
    cells: Mapping[Cell, int]
    waiting: int


def fill(
    books: LedgerTransaction,
    item: str,
    *,
    cause: str,
    floors: Mapping[Cell, int] = NO_FLOORS,
    select: Selector | None = None,
) -> tuple[Filled, ...]:
    """Give free units to backorders: free -> reserved, higher priority first, oldest first within one.

    A backorder that cannot be filled wholly takes what there is for it and stays first in the queue. What belongs to a
    reservation that has run out is passed over.

    >>> from omscore.inventory import MemoryBooks, receive, reserve
    >>> books = MemoryBooks()
    >>> for order in ("ord-1", "ord-2"):
    ...     _ = reserve(books, order, [Want("SKU-1", 2)], cause=order, policy="backorder")
    >>> receive(books, {Cell("SKU-1", "ghent"): 3}, cause="dock-7")
    >>> [(f.reservation, f.waiting) for f in fill(books, "SKU-1", cause="dock-7")]
    [('ord-1', 0), ('ord-2', 1)]
    """
    spent: dict[Cell, int] = {}
    movements: list[Movement] = []
    filled: list[Filled] = []
    touched: dict[str, Reservation] = {}
    reclaimed = Reclaimed(books)
    for line in waiting_still(books, item, books.now()):
        found = candidates(books, Want(item, line.units, line.nodes, line.pools), select)
        reclaimed.more(found, spare=line.reservation)
        rest, cells = line.units, {}
        for cell, figures in found:
            room = figures.free + reclaimed.freed.get(cell, 0) - spent.get(cell, 0) - floors.get(cell, 0)
            if (n := min(rest, room)) > 0:
                cells[cell] = n
                spent[cell] = spent.get(cell, 0) + n
                rest -= n
        if not cells:
            continue
        own = touched.get(line.reservation) or books.reservation(line.reservation)
        own = own or Reservation(line.reservation, {}, line.expires_at, line.channel, line.priority, since=line.since)
        moves = [Movement(cell, "free", "reserved", n, "reserve", cause, own.id) for cell, n in cells.items()]
        movements += moves
        touched[own.id] = own.moved(moves, ended="")
        save_backorder(books, evolve(line, units=rest, promised_at=line.promised_at if rest else None))
        filled.append(Filled(line.reservation, item, cells, rest))
    reclaimed.post(movements, floors, cause=cause)
    for own in touched.values():
        books.save_reservation(own)
    return tuple(filled)
