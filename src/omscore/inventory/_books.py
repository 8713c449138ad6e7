"""The ledger's half of a store's transaction: what inventory needs to read and write, and nothing more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from attrs import evolve, field, frozen

from omscore.errors import StoreError
from omscore.inventory._cells import HELD, Cell, Entry, Figures, Movement

Held = tuple[Cell, str]
"""One share of a reservation: a cell and one of its held buckets."""


def _sorted_held(held: Mapping[Held, int]) -> dict[Held, int]:
    return {key: held[key] for key in sorted(held) if held[key]}


@frozen
class Reservation:
    """Whose units are where: one owner's share of the held buckets of cells.

    Units in `reserved` are soft: routing may move them, and they may expire at `expires_at`. Units in `allocated`,
    `picked` and `packed` are hard and never expire. For every cell, the sum over all reservations of a bucket is that
    bucket's figure. `ended` says how the soft part ended ("allocated", "released", "expired"), empty while it stands.

    >>> r = Reservation("ord-1", {(Cell("SKU-1", "ghent"), "reserved"): 2})
    >>> r.units("reserved"), r.at(Cell("SKU-1", "ghent"))
    (2, {'reserved': 2})
    """

    id: str
    held: Mapping[Held, int] = field(converter=_sorted_held)
    expires_at: datetime | None = None
    channel: str = ""
    priority: int = 0
    version: int = 0
    ended: str = ""

    def units(self, bucket: str, item: str | None = None) -> int:
        """How many units it holds in a bucket, of one item or of all.

        >>> Reservation("r", {(Cell("A", "x"), "reserved"): 2, (Cell("B", "x"), "reserved"): 1}).units("reserved", "A")
        2
        """
        return sum(n for (cell, b), n in self.held.items() if b == bucket and (item is None or cell.item == item))

    def at(self, cell: Cell) -> dict[str, int]:
        """What it holds in one cell, by bucket.

        >>> Reservation("r", {(Cell("A", "x"), "picked"): 2}).at(Cell("A", "x"))
        {'picked': 2}
        """
        return {b: self.held[cell, b] for b in HELD if (cell, b) in self.held}

    def moved(self, movements: Iterable[Movement], **changes: Any) -> Reservation:
        """This reservation after some movements of its own units.

        >>> cell = Cell("A", "x")
        >>> Reservation("r", {}).moved([Movement(cell, "free", "reserved", 2, "reserve", "k", "r")]).at(cell)
        {'reserved': 2}
        """
        held = dict(self.held)
        for m in movements:
            if m.source in HELD:
                held[m.cell, m.source] = held.get((m.cell, m.source), 0) - m.units
            if m.target in HELD:
                held[m.cell, m.target] = held.get((m.cell, m.target), 0) + m.units
        return evolve(self, held=held, **changes)


class Short(StoreError):
    """A posting would have brought a cell's free units below its floor; the transaction is to be run again.

    Stores raise it from `post`; commands turn it into InsufficientStock when reading again shows the same.

    >>> Short(Cell("SKU-1", "ghent"), floor=2).floor
    2
    """

    def __init__(self, cell: Cell, floor: int) -> None:
        self.cell = cell
        self.floor = floor
        super().__init__(f"{cell.item!r} at {cell.node!r} would fall below {floor} free units")


class Books(Protocol):
    """The ledger's half of a transaction.

    Reads see the transaction's own writes. `post` is the only writer of cells: it checks every floor in the write
    itself, numbers the movements of each cell without gaps and appends them to the journal, all or nothing.

    >>> from omscore.inventory import MemoryBooks
    >>> books: Books = MemoryBooks()
    """

    def now(self) -> datetime:
        """The store's clock, which never goes back. See :class:`MemoryBooks`.

        >>> from omscore.inventory import MemoryBooks
        >>> MemoryBooks().now().year
        1970
        """
        ...

    def figures(self, cells: Iterable[Cell]) -> dict[Cell, Figures]:
        """The figures of cells; a cell that never moved has zeros.

        >>> from omscore.inventory import MemoryBooks
        >>> MemoryBooks().figures([Cell("A", "x")])[Cell("A", "x")].free
        0
        """
        ...

    def cells_of(self, item: str) -> list[tuple[Cell, Figures]]:
        """Every cell that an item ever moved in, in cell order.

        >>> from omscore.inventory import MemoryBooks
        >>> MemoryBooks().cells_of("A")
        []
        """
        ...

    def post(self, movements: Sequence[Movement], floors: Mapping[Cell, int]) -> None:
        """Post movements all or nothing; `free` of a debited cell must stay at its floor (0 unless named).

        Raises Short when a floor would be broken. Every other bucket must stay at 0 or above: below is InvariantBroken,
        because commands never take what they have not read as held.

        >>> from omscore.inventory import MemoryBooks
        >>> books, cell = MemoryBooks(), Cell("A", "x")
        >>> books.post([Movement(cell, "supplier", "free", 5, "receive", "dock-7")], {})
        >>> books.figures([cell])[cell].free
        5
        """
        ...

    def reservation(self, id: str) -> Reservation | None:  # noqa: A002 - the field's word for it
        """A reservation by id, or None.

        >>> from omscore.inventory import MemoryBooks
        >>> MemoryBooks().reservation("ord-1")
        """
        ...

    def save_reservation(self, reservation: Reservation) -> None:
        """Write a reservation whose version is the one that was read; raises Conflict otherwise.

        >>> from omscore.inventory import MemoryBooks
        >>> books = MemoryBooks()
        >>> books.save_reservation(Reservation("ord-1", {}))
        >>> books.reservation("ord-1").version
        1
        """
        ...

    def reservations_at(self, cell: Cell) -> list[Reservation]:
        """The reservations that hold units in a cell, in id order.

        >>> from omscore.inventory import MemoryBooks
        >>> MemoryBooks().reservations_at(Cell("A", "x"))
        []
        """
        ...

    def reservations_due(self, at: datetime, *, cell: Cell | None = None, limit: int = 1_000) -> list[Reservation]:
        """Reservations with reserved units whose deadline is at or before a time, oldest deadline first.

        >>> from omscore.inventory import MemoryBooks
        >>> from datetime import UTC, datetime
        >>> MemoryBooks().reservations_due(datetime(2026, 3, 2, tzinfo=UTC))
        []
        """
        ...

    def journal(self, cell: Cell | None = None, *, after: int = 0, limit: int | None = None) -> list[Entry]:
        """Entries in recorded order: of one cell by its numbers, or of all cells.

        `after` skips that many entries (for one cell: up to that number).

        >>> from omscore.inventory import MemoryBooks
        >>> MemoryBooks().journal()
        []
        """
        ...
