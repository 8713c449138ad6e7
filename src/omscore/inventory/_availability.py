"""Availability: what may be promised of an item, with the arithmetic that led there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from attrs import frozen

from omscore.inventory._backorders import waiting_still
from omscore.inventory._books import Books, LedgerTransaction
from omscore.inventory._cells import Cell, Figures
from omscore.inventory._count import ages
from omscore.inventory._reserve import NO_FLOORS
from omscore.inventory._supply import Atp, atp, supplies


@frozen
class AvailableCell:
    """One cell's part of an availability, as a sum that can be read.

    >>> row = AvailableCell(Cell("SKU-1", "ghent"), Figures(free=4, reserved=4, allocated=2), buffer=1)
    >>> print(row)
    ghent: on hand 10 - reserved 4 - allocated 2 = free 4 - buffer 1 = 3
    """

    cell: Cell
    figures: Figures
    buffer: int = 0
    expired: int = 0
    own: int = 0
    age: timedelta | None = None

    @property
    def available(self) -> int:
        """Free, plus what expired reservations hold, less the buffer (never below 0), plus one's own reserved units.

        >>> AvailableCell(Cell("SKU-1", "ghent"), Figures(free=1, reserved=2), buffer=2, own=2).available
        2
        """
        return max(0, self.figures.free + self.expired - self.buffer) + self.own

    def __str__(self) -> str:
        f = self.figures
        held = ("reserved", "allocated", "picked", "packed", "quarantine", "damaged")
        text = f"{self.cell.node}{f' pool {self.cell.pool}' if self.cell.pool else ''}"
        text += f"{f' lot {self.cell.lot}' if self.cell.lot else ''}: on hand {f.on_hand}"
        text += "".join(f" - {name} {n}" for name in held if (n := getattr(f, name))) + f" = free {f.free}"
        parts = [("+ expired", self.expired), ("- buffer", self.buffer), ("+ own", self.own)]
        if any(n for _, n in parts):
            text += "".join(f" {name} {n}" for name, n in parts if n) + f" = {self.available}"
        return text + ("" if self.age is None else f" (seen {_ago(self.age)} ago)")


def _ago(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


@frozen
class Availability:
    """How many units of an item may be promised now, and why: the sum of its cells.

    >>> row = AvailableCell(Cell("SKU-1", "ghent"), Figures(free=4, reserved=4, allocated=2), buffer=1)
    >>> print(Availability("SKU-1", datetime(2026, 3, 2), (row,)))
    SKU-1: 3 available
      ghent: on hand 10 - reserved 4 - allocated 2 = free 4 - buffer 1 = 3
    """

    item: str
    at: datetime
    cells: tuple[AvailableCell, ...]
    backordered: int = 0
    atp: Atp | None = None

    @property
    def units(self) -> int:
        """The units available in all cells together.

        >>> Availability("SKU-1", datetime(2026, 3, 2), ()).units
        0
        """
        return sum(row.available for row in self.cells)

    @property
    def net(self) -> int:
        """Available units less those that somebody waits for; below 0 when more are waited for than there are.

        >>> Availability("SKU-1", datetime(2026, 3, 2), (), backordered=2).net
        -2
        """
        return self.units - self.backordered

    def to_records(self) -> list[dict[str, object]]:
        """One plain dict for each cell, for a data frame.

        >>> Availability("SKU-1", datetime(2026, 3, 2), ()).to_records()
        []
        """
        return [
            {
                **row.cell._asdict(),
                **row.figures._asdict(),
                "buffer": row.buffer,
                "expired": row.expired,
                "own": row.own,
                "available": row.available,
                "age_s": None if row.age is None else row.age.total_seconds(),
            }
            for row in self.cells
        ]

    def __str__(self) -> str:
        lines = [f"{self.item}: {self.units} available", *(f"  {row}" for row in self.cells)]
        if self.backordered:
            lines.append(f"  backordered {self.backordered}: net {self.net}")
        if self.atp is not None and self.atp.steps:
            lines += ["  to promise:", *(f"    {line}" for line in str(self.atp).splitlines())]
        return "\n".join(lines)


def _expired(books: Books, cell: Cell, figures: Figures, now: datetime, own: str) -> int:
    """The units of a cell whose reservations have run out but are not ended yet."""
    if not figures.reserved:
        return 0
    due = books.reservations_due(now, cell=cell, limit=figures.reserved)
    return sum(r.held.get((cell, "reserved"), 0) for r in due if r.id != own)


def availability(
    books: LedgerTransaction,
    item: str,
    *,
    reservation: str = "",
    floors: Mapping[Cell, int] = NO_FLOORS,
    nodes: tuple[str, ...] | None = None,
    pools: tuple[str, ...] = ("",),
) -> Availability:
    """What may be promised of an item, now and by date, with its own arithmetic: print it to see why.

    `reservation` is the asker's own, whose reserved units count as available to it; `floors` are the buffers; every
    cell says how long ago somebody last looked. By date, expected supply comes on top and promised units go off.

    >>> from omscore.inventory import MemoryBooks, receive
    >>> books, cell = MemoryBooks(), Cell("SKU-1", "ghent")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> print(availability(books, "SKU-1", floors={cell: 2}))
    SKU-1: 3 available
      ghent: on hand 5 = free 5 - buffer 2 = 3
    """
    now = books.now()
    own = books.reservation(reservation) if reservation else None
    looked = ages(books, item)
    rows = tuple(
        AvailableCell(
            cell,
            figures,
            min(floors.get(cell, 0), max(0, figures.free)),
            _expired(books, cell, figures, now, reservation),
            own.held.get((cell, "reserved"), 0) if own else 0,
            looked.get(cell),
        )
        for cell, figures in books.cells_of(item)
        if cell.pool in pools and (nodes is None or cell.node in nodes)
    )
    waiting = [b for b in waiting_still(books, item, now) if b.reservation != reservation]
    coming = [
        (line.due_at, line.outstanding)
        for line in supplies(books, item)
        if line.due_at >= now and line.pool in pools and (nodes is None or line.node in nodes)
    ]
    promised = [(max(b.promised_at or now, now), b.units) for b in waiting]
    curve = atp(sum(row.available for row in rows), coming, promised)
    return Availability(item, now, rows, sum(b.units for b in waiting), curve)


def available(
    books: Books, item: str, *, reservation: str = "", floors: Mapping[Cell, int] = NO_FLOORS
) -> dict[Cell, int]:
    """Units of an item that could be promised, by cell: the figures of `availability` without the arithmetic.

    >>> from omscore.inventory import MemoryBooks, receive
    >>> books, cell = MemoryBooks(), Cell("SKU-1", "ghent")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> available(books, "SKU-1", floors={cell: 2})
    {Cell(item='SKU-1', node='ghent', pool='', lot=''): 3}
    """
    own = books.reservation(reservation) if reservation else None
    now = books.now()
    result = {}
    for cell, figures in books.cells_of(item):
        mine = own.held.get((cell, "reserved"), 0) if own else 0
        free = figures.free + _expired(books, cell, figures, now, reservation)
        result[cell] = max(0, free - floors.get(cell, 0)) + mine
    return result


def figures_by_node(
    books: Books, items: Iterable[str], *, floors: Mapping[Cell, int] = NO_FLOORS
) -> dict[tuple[str, str], int]:
    """Free units of items by (node, item) less the floors, over the shared pool's lots: what routing reads.

    Expired reservations count as held until `expire` ends them: run it before a routing run.

    >>> from omscore.inventory import MemoryBooks, receive
    >>> books = MemoryBooks()
    >>> receive(books, {Cell("A", "x"): 5}, cause="dock-7")
    >>> figures_by_node(books, ["A"])
    {('x', 'A'): 5}
    """
    result: dict[tuple[str, str], int] = {}
    for item in items:
        for cell, figures in books.cells_of(item):
            if not cell.pool:
                free = max(0, figures.free - floors.get(cell, 0))
                result[cell.node, item] = result.get((cell.node, item), 0) + free
    return result


def most_stock_first(units: Mapping[Cell, int]) -> tuple[str, ...]:
    """Nodes by how many units they have, most first, then by id: an order for `Want.nodes`.

    >>> most_stock_first({Cell("A", "x"): 3, Cell("A", "y"): 4})
    ('y', 'x')
    """
    totals: dict[str, int] = {}
    for cell, n in units.items():
        totals[cell.node] = totals.get(cell.node, 0) + n
    return tuple(sorted(totals, key=lambda node: (-totals[node], node)))
