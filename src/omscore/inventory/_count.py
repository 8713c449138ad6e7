"""Counts and feeds: what somebody saw is taken as true at once, and what that makes short is listed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import field, frozen

from omscore.errors import CommandRefused, Reason
from omscore.inventory._books import LedgerTransaction, Records, Reservation, version_of
from omscore.inventory._cells import Cell, Movement, cell_id, cell_of, check_cells
from omscore.inventory._fill import Arrival
from omscore.inventory._reserve import NO_FLOORS
from omscore.inventory._stock import check_room, save_all
from omscore.inventory._supply import pages
from omscore.inventory._victims import Victim, VictimOrder, end_run_out, take_away
from omscore.kernel.quantities import quantity
from omscore.kernel.times import utc

_KIND = "ledger.seen"


@frozen
class Counted:
    """What a count changed, by cell, whose units turned out not to be there, and who got units that turned up.

    >>> Counted({Cell("A", "x"): -1}).victims
    ()
    """

    changes: Mapping[Cell, int]
    victims: tuple[Victim, ...] = ()
    short: Mapping[Cell, int] = field(factory=dict)
    arrival: Arrival = field(factory=Arrival)


def count(
    books: LedgerTransaction,
    counted: Mapping[Cell, int],
    *,
    cause: str,
    victims: VictimOrder | None = None,
    seen_at: datetime | None = None,
) -> Counted:
    """Take a count as true: on the shelf stand free, reserved and allocated units; picked and packed ones do not.

    The difference goes to or from free. Where fewer were counted than are reserved and allocated, the count is refused,
    or with a `victims` order it is booked and the shortage taken from those who hold the units, soft holds before hard
    ones; the answer lists them, and their orders are to be routed again. Units are never below none. `seen_at` is when
    somebody looked, where that is not now; a count older than the last one of its cell is refused.

    Raises CommandRefused (`stock.below_held`, `stock.stale_count`).

    >>> from omscore.inventory import MemoryBooks, Want, newest_first, receive, reserve
    >>> books, cell = MemoryBooks(), Cell("A", "x")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> _ = reserve(books, "ord-1", [Want("A", 4)], cause="web-1")
    >>> result = count(books, {cell: 2}, cause="count-1", victims=newest_first)
    >>> [(v.reservation, v.units) for v in result.victims], books.figures([cell])[cell].on_hand
    ([('ord-1', 2)], 2)
    """
    check_cells(counted)
    now = books.now()
    when = now if seen_at is None else min(utc(seen_at, "seen_at"), now)
    movements: list[Movement] = []
    hit: list[Victim] = []
    changes: dict[Cell, int] = {}
    short: dict[Cell, int] = {}
    more: dict[Cell, int] = {}
    touched: dict[str, Reservation] = {}
    reasons: list[Reason] = []
    effective_at = when if when < now else None
    figures = books.figures(sorted(counted))
    ended: dict[Cell, int] = {}
    for cell in sorted(counted):
        units = quantity(counted[cell], f"counted units of {cell.item!r}", at_least=0)
        row = figures[cell]
        held = row.reserved + row.allocated
        change = units - held - row.free
        if units < held:
            ends = end_run_out(books, cell, cause=cause, touched=touched)
            movements += ends
            for move in ends:
                ended[move.cell] = ended.get(move.cell, 0) + move.units
            held -= ended.get(cell, 0)
        looked = books.get(_KIND, cell_id(cell))
        last: datetime | None = looked.value if looked else None
        if last is not None and when < last:
            reasons.append(
                Reason(
                    "stock.stale_count",
                    f"{cell.item!r} at {cell.node!r} was seen at {last.isoformat()}, after {when.isoformat()}",
                    {"item": cell.item, "node": cell.node, "seen_at": when, "last": last},
                )
            )
            continue
        if units < held:
            if victims is None:
                reasons.append(
                    Reason(
                        "stock.below_held",
                        f"{units} counted of {cell.item!r} at {cell.node!r}, and {held} are held; "
                        "choose whose units go (victims=) or release some first",
                        {"item": cell.item, "node": cell.node, "counted": units, "held": held},
                    )
                )
                continue
            taken, lost = take_away(books, cell, held - units, victims, cause=cause, touched=touched)
            movements += taken
            hit += lost
            short[cell] = held - units
        if change:
            changes[cell] = change
            path = ("adjustment", "free") if change > 0 else ("free", "adjustment")
            movements.append(Movement(cell, *path, abs(change), "count", cause, "", effective_at))
            if change > 0:
                more[cell] = change
        look(books, cell, when, version_of(looked))
    if reasons:
        raise CommandRefused(reasons)
    if more:
        check_room(books, more)
    if movements:
        books.post(movements, NO_FLOORS)
    save_all(books, touched)
    return Counted(changes, tuple(hit), short)


def feed(
    books: LedgerTransaction,
    node: str,
    units: Mapping[str, int],
    *,
    cause: str,
    seen_at: datetime | None = None,
    pool: str = "",
) -> Counted:
    """A vendor's or store's own statement of what it has to sell: taken as true like a count of free units.

    A feed says what its sender can still sell, so units that are held here are not in it and stay held. A feed older
    than what was last seen of a cell is refused.

    Raises CommandRefused (`stock.stale_count`).

    >>> from omscore.inventory import MemoryBooks
    >>> books = MemoryBooks()
    >>> feed(books, "vendor-1", {"A": 25, "B": 0}, cause="feed-1").changes
    {Cell(item='A', node='vendor-1', pool='', lot=''): 25}
    """
    cells = {item: Cell(item, node, pool) for item in units}
    figures = books.figures(cells.values())
    counted = {
        cell: quantity(units[item], f"units of {item!r}", at_least=0) + figures[cell].reserved + figures[cell].allocated
        for item, cell in cells.items()
    }
    return count(books, counted, cause=cause, seen_at=seen_at)


def look(books: Records, cell: Cell, when: datetime, version: int) -> None:
    """Note when somebody looked into a cell; the note was read at a version."""
    id_ = cell_id(cell)
    index = {"all": id_, f"item:{cell.item}": when.isoformat()}
    books.put(_KIND, id_, when, version=version, index=index)


def seen(books: Records, cell: Cell) -> datetime | None:
    """When somebody last looked what is in a cell (a count, a feed), or None when nobody ever did.

    >>> from omscore.inventory import MemoryBooks
    >>> seen(MemoryBooks(), Cell("A", "x"))
    """
    stored = books.get(_KIND, cell_id(cell))
    return stored.value if stored else None


def ages(books: LedgerTransaction, item: str) -> dict[Cell, timedelta]:
    """How old the figures of an item's cells are: the time since somebody looked, for the cells that were ever seen.

    >>> from omscore.inventory import MemoryBooks
    >>> books = MemoryBooks()
    >>> _ = feed(books, "vendor-1", {"A": 25}, cause="feed-1")
    >>> ages(books, "A")
    {Cell(item='A', node='vendor-1', pool='', lot=''): datetime.timedelta(0)}
    """
    now = books.now()
    found = {cell_of(id_): now - datetime.fromisoformat(when) for when, id_ in pages(books, _KIND, f"item:{item}")}
    return {cell: found[cell] for cell in sorted(found)}
