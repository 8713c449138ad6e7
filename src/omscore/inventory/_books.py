"""The ledger's half of a store's transaction: what inventory needs to read and write, and nothing more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from attrs import frozen

from omscore.errors import StoreError
from omscore.inventory._cells import HELD, Cell, Entry, Figures, Movement
from omscore.inventory._once import Claims

Held = tuple[Cell, str]
"""One share of a reservation: a cell and one of its held buckets."""


class Reservation(NamedTuple):
    """Whose units are where: one owner's share of the held buckets of cells.

    Units in `reserved` are soft: routing may move them, and they may expire at `expires_at`. Units in `allocated`,
    `picked` and `packed` are hard and never expire. For every cell, the sum over all reservations of a bucket is that
    bucket's figure. `since` is when it first took units, by the store's clock. `ended` says how the soft part ended
    ("allocated", "released", "expired"), empty while it stands. `held` names no share of 0 units.

    >>> r = Reservation("ord-1", {(Cell("SKU-1", "ghent"), "reserved"): 2})
    >>> r.units("reserved"), r.at(Cell("SKU-1", "ghent"))
    (2, {'reserved': 2})
    """

    id: str
    held: Mapping[Held, int]
    expires_at: datetime | None = None
    channel: str = ""
    priority: int = 0
    version: int = 0
    ended: str = ""
    since: datetime | None = None

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
        for cell, source, target, units, *_ in movements:
            if source in HELD:
                held[cell, source] = held.get((cell, source), 0) - units
            if target in HELD:
                held[cell, target] = held.get((cell, target), 0) + units
        left = {key: held[key] for key in sorted(held) if held[key]}
        moved: Reservation = tuple.__new__(Reservation, (self[0], left, *self[2:]))
        return moved._replace(**changes) if changes else moved

    def saved(self) -> Reservation:
        """This reservation at its next version, as a store keeps it.

        >>> Reservation("r", {}).saved().version
        1
        """
        id_, held, expires_at, channel, priority, version, ended, since = self
        return tuple.__new__(Reservation, (id_, held, expires_at, channel, priority, version + 1, ended, since))


@frozen
class Stored:
    """A record as a store gives it: its value and the version to write it back with.

    >>> Stored("order-value", 3).version
    3
    """

    value: Any
    version: int


def version_of(stored: Stored | None) -> int:
    """The version to write a record back with: the one it was read at, 0 for one that is not there."""
    return stored.version if stored is not None else 0


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

    def cells(self, *, after: Cell | None = None, limit: int = 1_000) -> list[tuple[Cell, Figures]]:
        """Cells that ever moved, in cell order, behind `after`: what checks and exports walk through.

        >>> from omscore.inventory import MemoryBooks
        >>> MemoryBooks().cells()
        []
        """
        ...

    def post(
        self, movements: Sequence[Movement], floors: Mapping[Cell, int], *, recorded_at: datetime | None = None
    ) -> None:
        """Post movements all or nothing; where `free` goes down on balance it must stay at its floor.

        A floor is 0 unless named and never below 0, so that free units are never fewer than none. Raises Short when a
        floor would be broken. Every other bucket must stay at 0 or above: below is InvariantBroken, because commands
        never take what they have not read; a store in which somebody may write between the reading and the posting
        raises Short for these too, and the command, run again, refuses for itself. Words that the ledger does not have
        (:func:`check_words`) and units that are no whole number of at least 1 are InvalidValue. `recorded_at` is given
        by an import alone, which keeps the times of the books that it reads; everybody else is recorded by the store's
        clock.

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

    def reservations(self, *, after: str = "", limit: int = 1_000) -> list[Reservation]:
        """Reservations in id order, behind `after`; ended ones too.

        >>> from omscore.inventory import MemoryBooks
        >>> MemoryBooks().reservations()
        []
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

    def snapshot(self, cell: Cell, *, upto: int) -> Figures:
        """The newest figures kept of a cell whose version is at most `upto`; zeros when none is kept.

        Stores keep one about every 1,000 movements of a cell, so that looking back never folds more than that.

        >>> from omscore.inventory import MemoryBooks
        >>> MemoryBooks().snapshot(Cell("A", "x"), upto=5_000).version
        0
        """
        ...


class Records(Protocol):
    """The records of a transaction: values by kind and id, with a version, found by indexes.

    >>> from omscore.inventory import MemoryBooks
    >>> records: Records = MemoryBooks()
    """

    def get(self, kind: str, id: str) -> Stored | None:  # noqa: A002 - the field's word for it
        """A record, or None.

        >>> from omscore.inventory import MemoryBooks
        >>> MemoryBooks().get("order", "ord-1")
        """
        ...

    def put(
        self,
        kind: str,
        id: str,  # noqa: A002 - the field's word for it
        value: Any,
        *,
        version: int,
        index: Mapping[str, str] | None = None,
    ) -> None:
        """Write a record read at `version` (0 for a new one), and the indexes it shall be found by.

        `index` maps an index name to a sort key and replaces the record's earlier entries. Raises Conflict when the
        record is at another version.

        >>> from omscore.inventory import MemoryBooks
        >>> books = MemoryBooks()
        >>> books.put("order", "ord-1", "a value", version=0, index={"to_route": "2026-03-02"})
        >>> books.find("order", "to_route")
        [('2026-03-02', 'ord-1')]
        """
        ...

    def find(
        self, kind: str, index: str, *, after: tuple[str, str] = ("", ""), upto: str | None = None, limit: int = 1_000
    ) -> list[tuple[str, str]]:
        """(sort key, id) of the records in an index, in that order, behind `after` and up to sort key `upto`.

        >>> from omscore.inventory import MemoryBooks
        >>> MemoryBooks().find("order", "to_route")
        []
        """
        ...


class LedgerTransaction(Books, Records, Claims, Protocol):
    """All that the ledger ever asks of a store's transaction.

    >>> from omscore.inventory import MemoryBooks
    >>> txn: LedgerTransaction = MemoryBooks()
    """
