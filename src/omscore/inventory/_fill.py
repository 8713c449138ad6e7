"""Fill: give what came in to those who wait, in the order of the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import evolve, frozen

from omscore.inventory._backorders import Backorder, Repromise, meet, queue_of, reaches, save_backorder
from omscore.inventory._books import LedgerTransaction, Reservation
from omscore.inventory._cells import Cell, Movement
from omscore.inventory._reserve import NO_FLOORS, Reclaimed, Selector, Want, ranked
from omscore.inventory._supply import Supply, atp, supplies


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


@frozen
class Arrival:
    """What units that came in brought about: who was filled, and whose promised date changed because of it.

    >>> Arrival().filled
    ()
    """

    filled: tuple[Filled, ...] = ()
    repromised: tuple[Repromise, ...] = ()


def fill(
    books: LedgerTransaction,
    item: str,
    *,
    cause: str,
    floors: Mapping[Cell, int] = NO_FLOORS,
    select: Selector | None = None,
) -> tuple[Filled, ...]:
    """Give free units to backorders: free -> reserved, higher priority first, oldest first within one.

    A backorder that cannot be filled wholly takes what there is for it and stays first in the queue. Units that another
    one needs to get its promised date are left for it, whatever its priority. What belongs to a reservation that has
    run out leaves the queue.

    >>> from omscore.inventory import MemoryBooks, receive, reserve
    >>> books = MemoryBooks()
    >>> for order in ("ord-1", "ord-2"):
    ...     _ = reserve(books, order, [Want("SKU-1", 2)], cause=order, policy="backorder")
    >>> receive(books, {Cell("SKU-1", "ghent"): 3}, cause="dock-7")
    >>> [(f.reservation, f.waiting) for f in fill(books, "SKU-1", cause="dock-7")]
    [('ord-1', 0), ('ord-2', 1)]
    """
    now = books.now()
    queue, versions = [], {}
    for line, version in queue_of(books, item):
        if line.expires_at is None or line.expires_at > now:
            queue.append(line)
            versions[line.id] = version
        else:
            save_backorder(books, evolve(line, units=0, promised_at=None), version)
    if not queue:
        return ()
    lines = [line for line in supplies(books, item) if line.due_at >= now]
    left = {line.id: line.units for line in queue}
    spent: dict[Cell, int] = {}
    movements: list[Movement] = []
    filled: list[Filled] = []
    touched: dict[str, Reservation] = {}
    reclaimed = Reclaimed(books)
    stock = books.cells_of(item)
    for line in queue:
        reclaimed.more(stock, spare=line.reservation)
        room = {
            cell: max(0, figures.free + reclaimed.freed.get(cell, 0) - spent.get(cell, 0) - floors.get(cell, 0))
            for cell, figures in stock
        }
        rest = min(line.units, _not_promised(line, queue, left, room, lines, now))
        cells: dict[Cell, int] = {}
        for cell, _ in ranked(stock, Want(item, line.units, line.nodes, line.pools), select):
            if (n := min(rest, room[cell])) > 0:
                cells[cell] = n
                spent[cell] = spent.get(cell, 0) + n
                rest -= n
        if not cells:
            continue
        left[line.id] -= sum(cells.values())
        own = touched.get(line.reservation) or books.reservation(line.reservation)
        own = own or Reservation(line.reservation, {}, line.expires_at, line.channel, line.priority, since=line.since)
        moves = [Movement(cell, "free", "reserved", n, "reserve", cause, own.id) for cell, n in cells.items()]
        movements += moves
        touched[own.id] = own.moved(moves, ended="")
        waits = left[line.id]
        served = evolve(line, units=waits, promised_at=line.promised_at if waits else None)
        save_backorder(books, served, versions[line.id])
        filled.append(Filled(line.reservation, item, cells, waits))
    reclaimed.post(movements, floors, cause=cause)
    for own in touched.values():
        books.save_reservation(own)
    return tuple(filled)


def _not_promised(
    line: Backorder,
    queue: Sequence[Backorder],
    left: Mapping[str, int],
    room: Mapping[Cell, int],
    lines: Sequence[Supply],
    now: datetime,
) -> int:
    """The units that may be given to a backorder now without breaking a date that another one was given."""
    dated = [b for b in queue if b is not line and b.promised_at is not None and left[b.id] and meet(line, b)]
    if not dated:
        return line.units
    both = [line, *dated]
    free = sum(n for cell, n in room.items() if any(reaches(b, cell.node, cell.pool) for b in both))
    coming = [(s.due_at, s.outstanding) for s in lines if any(reaches(b, s.node, s.pool) for b in both)]
    return atp(free, coming, [(max(b.promised_at or now, now), left[b.id]) for b in dated]).now
