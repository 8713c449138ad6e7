"""The ledger's half of a store in plain dicts: for notebooks, simulation and the memory store. One thread at a time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Self

from omscore.errors import Conflict, InvalidValue, InvariantBroken
from omscore.inventory._books import Reservation, Short
from omscore.inventory._cells import BUCKETS, OUTSIDE, VERBS, Cell, Entry, Figures, Movement, check_words
from omscore.inventory._memory_records import MemoryRecords, put_in, take_out
from omscore.inventory._memory_rows import (
    VERSION,
    ReservationRow,
    cells_held,
    deadline_of,
    reservation_of,
    reservation_row,
)
from omscore.kernel.quantities import QUANTITY_MAX, quantity

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INDEX = {bucket: i for i, bucket in enumerate(BUCKETS)}
_FREE = _INDEX["free"]
_VERBS, _OUTSIDE = frozenset(VERBS), frozenset(OUTSIDE)
_VERSION = len(BUCKETS)
_ZEROS = Figures()
_new = tuple.__new__

# A movement as it is kept: number, time, and the movement's fields but for its cell. The garbage collector does not
# walk plain tuples of plain values, and there are as many of these as of anything.
_Row = tuple[int, datetime, str, str, int, str, str, str, datetime | None, int]

# What a posting makes of an account: its figures as they become, what they were, and how many rows it had.
_Change = tuple[list[int], Figures, int]

SNAPSHOT_EVERY = 250
"""After how many movements of a cell its figures are kept for looking back."""


def _entry(cell: Cell, row: _Row) -> Entry:
    return _new(Entry, (row[0], row[1], _new(Movement, (cell, *row[2:])), ""))


class _Account:
    """What is kept of one cell: its figures, its rows, and who holds units there."""

    __slots__ = ("cell", "figures", "holders", "rows")

    def __init__(self, cell: Cell, figures: Figures, rows: list[_Row], holders: dict[str, None]) -> None:
        self.cell = cell
        # Replaced, never changed: undoing is putting the old ones back.
        self.figures = figures
        self.rows = rows
        self.holders = holders

    def copy(self) -> _Account:
        return _Account(self.cell, self.figures, self.rows.copy(), self.holders.copy())


class MemoryBooks(MemoryRecords):
    """Books, keys and records in plain dicts, with marks to roll back to and forks that share nothing that changes.

    `now` is a callable that gives the time; without one the books stand still at 1970.

    >>> books, cell = MemoryBooks(), Cell("SKU-1", "ghent")
    >>> books.post([Movement(cell, "supplier", "free", 5, "receive", "dock-7")], {})
    >>> what_if = books.fork()
    >>> what_if.post([Movement(cell, "free", "reserved", 2, "reserve", "k", "ord-1")], {})
    >>> books.figures([cell])[cell].free, what_if.figures([cell])[cell].free
    (5, 3)
    """

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        super().__init__()
        self._clock = now
        self._last = _EPOCH
        self._accounts: dict[tuple[str, ...], _Account] = {}
        # The figures of a cell as they were now and then.
        self._snapshots: dict[Cell, list[Figures]] = {}
        # The cells that an item moved in, sorted.
        self._cells: dict[str, list[Cell]] = {}
        self._reservations: dict[str, ReservationRow] = {}
        # (deadline, id) of the reservations that may run out, sorted.
        self._due: list[tuple[datetime, str]] = []
        # The rows of all cells in recorded order, and the cell of each.
        self._journal: list[_Row] = []
        self._where: list[Cell] = []
        # Their ids in order, for walks in pages; made anew when some were added.
        self._ids: list[str] = []

    def fork(self) -> Self:
        """Books that start as these are and go their own way: a what-if. Copies the figures once, never per order.

        >>> MemoryBooks().fork().journal()
        []
        """
        twin = type(self)(self._clock)
        twin.__dict__.update(
            _last=self._last,
            _accounts={cell: account.copy() for cell, account in self._accounts.items()},
            _snapshots={cell: list(kept) for cell, kept in self._snapshots.items()},
            _cells={item: list(cells) for item, cells in self._cells.items()},
            _reservations=dict(self._reservations),
            _due=list(self._due),
            _journal=list(self._journal),
            _where=list(self._where),
            _claims=dict(self._claims),
            _records=dict(self._records),
            _indexed=dict(self._indexed),
            _indexes={name: list(entries) for name, entries in self._indexes.items()},
        )
        return twin

    # -- reads ------------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The clock's time, or the latest it ever told if the clock has gone back.

        >>> MemoryBooks().now().isoformat()
        '1970-01-01T00:00:00+00:00'
        """
        if self._clock is not None and (told := self._clock()) > self._last:
            self._last = told
        return self._last

    def figures(self, cells: Iterable[Cell]) -> dict[Cell, Figures]:
        """The figures of cells; a cell that never moved has zeros.

        >>> MemoryBooks().figures([Cell("A", "x")])[Cell("A", "x")].on_hand
        0
        """
        accounts = self._accounts
        return {cell: account.figures if (account := accounts.get(cell)) else _ZEROS for cell in cells}

    def cells_of(self, item: str) -> list[tuple[Cell, Figures]]:
        """Every cell that an item ever moved in, in cell order.

        >>> books = MemoryBooks()
        >>> books.post([Movement(Cell("A", "x"), "supplier", "free", 5, "receive", "k")], {})
        >>> [cell.node for cell, _ in books.cells_of("A")]
        ['x']
        """
        accounts, found = self._accounts, self._cells.get(item, ())
        if len(found) == 1:
            cell = found[0]
            return [(cell, accounts[cell].figures)]
        return [(cell, accounts[cell].figures) for cell in found]

    def cells(self, *, after: Cell | None = None, limit: int = 1_000) -> list[tuple[Cell, Figures]]:
        """Cells that ever moved, in cell order, behind `after`.

        >>> MemoryBooks().cells()
        []
        """
        found: list[tuple[Cell, Figures]] = []
        items = sorted(self._cells)
        for item in items[bisect_left(items, after.item) if after else 0 :]:
            found += [row for row in self.cells_of(item) if after is None or row[0] > after]
            if len(found) >= limit:
                break
        return found[:limit]

    def reservation(self, id: str) -> Reservation | None:  # noqa: A002 - the field's word for it
        """A reservation by id, or None.

        >>> MemoryBooks().reservation("ord-1")
        """
        row = self._reservations.get(id)
        return None if row is None else reservation_of(row)

    def reservations(self, *, after: str = "", limit: int = 1_000) -> list[Reservation]:
        """Reservations in id order, behind `after`; ended ones too.

        >>> MemoryBooks().reservations()
        []
        """
        if len(self._ids) != len(self._reservations):
            self._ids = sorted(self._reservations)
        at = bisect_right(self._ids, after)
        return [reservation_of(self._reservations[id_]) for id_ in self._ids[at : at + limit]]

    def reservations_at(self, cell: Cell) -> list[Reservation]:
        """The reservations that hold units in a cell, in id order.

        >>> MemoryBooks().reservations_at(Cell("A", "x"))
        []
        """
        return [reservation_of(self._reservations[id_]) for id_ in sorted(self._holders(cell))]

    def reservations_due(self, at: datetime, *, cell: Cell | None = None, limit: int = 1_000) -> list[Reservation]:
        """Reservations with reserved units whose deadline is at or before a time, oldest deadline first.

        >>> MemoryBooks().reservations_due(datetime(2026, 3, 2, tzinfo=UTC))
        []
        """
        over = bisect_right(self._due, at, key=itemgetter(0))
        if cell is None:
            return [reservation_of(self._reservations[id_]) for _, id_ in self._due[: min(over, limit)]]
        # Of what has run out and of what holds units here, the shorter list is walked.
        holders = self._holders(cell)
        if len(holders) < over:
            ids = sorted(holders, key=lambda id_: (deadline_of(self._reservations[id_]) or at, id_))
        else:
            ids = [id_ for _, id_ in self._due[:over] if id_ in holders]
        found = []
        for id_ in ids:
            held = reservation_of(self._reservations[id_])
            if held.expires_at is not None and held.expires_at <= at and (cell, "reserved") in held.held:
                found.append(held)
        return found[:limit]

    def _holders(self, cell: Cell) -> dict[str, None]:
        account = self._accounts.get(cell)
        return {} if account is None else account.holders

    def journal(self, cell: Cell | None = None, *, after: int = 0, limit: int | None = None) -> list[Entry]:
        """Entries in recorded order: of one cell by its numbers, or of all cells.

        >>> books, cell = MemoryBooks(), Cell("A", "x")
        >>> books.post([Movement(cell, "supplier", "free", 5, "receive", "k")], {})
        >>> [(e.seq, e.movement.units) for e in books.journal(cell)]
        [(1, 5)]
        """
        part = slice(after, None if limit is None else after + limit)
        if cell is None:
            return [_entry(where, row) for where, row in zip(self._where[part], self._journal[part], strict=True)]
        account = self._accounts.get(cell)
        return [] if account is None else [_entry(cell, row) for row in account.rows[part]]

    def snapshot(self, cell: Cell, *, upto: int) -> Figures:
        """The newest figures kept of a cell whose version is at most `upto`; zeros when none is kept.

        >>> MemoryBooks().snapshot(Cell("A", "x"), upto=5_000).version
        0
        """
        kept = self._snapshots.get(cell, [])
        at = bisect_right(kept, upto, key=lambda figures: figures.version)
        return kept[at - 1] if at else _ZEROS

    # -- writes -----------------------------------------------------------------------------------------------------

    def post(
        self, movements: Sequence[Movement], floors: Mapping[Cell, int], *, recorded_at: datetime | None = None
    ) -> None:
        """Post movements all or nothing; see :meth:`Books.post`.

        >>> books, cell = MemoryBooks(), Cell("A", "x")
        >>> books.post([Movement(cell, "free", "reserved", 1, "reserve", "k", "r")], {})
        Traceback (most recent call last):
        omscore.inventory.Short: 'A' at 'x' would fall below 0 free units
        """
        accounts, index, journal, where = self._accounts, _INDEX, self._journal, self._where
        now = self.now() if recorded_at is None else recorded_at
        changed: dict[_Account, _Change] = {}
        size, suspect = len(journal), bool(floors)
        self._undo.append((self._unpost, changed, size))
        try:
            for cell, source, target, units, verb, cause, reservation, effective_at, mirrors in movements:
                account = accounts.get(cell) or self._opened(cell)
                if account in changed:
                    row = changed[account][0]
                else:
                    row = list(account.figures)
                    changed[account] = row, account.figures, len(account.rows)
                if type(units) is not int or units < 1:
                    quantity(units, "the units of a movement")
                if verb not in _VERBS:
                    check_words(verb, source, target)
                if source in index:
                    at = index[source]
                    row[at] = left = row[at] - units
                    if left < 0:
                        suspect = True
                elif source not in _OUTSIDE:
                    check_words(verb, source, target)
                if target in index:
                    at = index[target]
                    row[at] = grown = row[at] + units
                    if grown > QUANTITY_MAX:
                        suspect = True
                elif target not in _OUTSIDE:
                    check_words(verb, source, target)
                row[_VERSION] = version = row[_VERSION] + 1
                entry = (version, now, source, target, units, verb, cause, reservation, effective_at, mirrors)
                account.rows.append(entry)
                journal.append(entry)
                where.append(account.cell)
            if suspect:
                for account, (row, *_) in changed.items():
                    self._check(account.cell, row, floors.get(account.cell, 0))
        except BaseException:
            # Whoever catches this finds the books as they were, and may go on.
            self._unpost(changed, size)
            self._undo.pop()
            raise
        for account, (row, old, _) in changed.items():
            if not old[_VERSION]:
                put_in(self._cells.setdefault(account.cell.item, []), account.cell)
            account.figures = new = _new(Figures, row)
            if new[_VERSION] // SNAPSHOT_EVERY != old[_VERSION] // SNAPSHOT_EVERY:
                self._snapshots.setdefault(account.cell, []).append(new)

    def _unpost(self, changed: Mapping[_Account, _Change], size: int) -> None:
        del self._journal[size:], self._where[size:]
        for account, (_, old, rows) in changed.items():
            del account.rows[rows:]
            account.figures = old
            kept = self._snapshots.get(account.cell, [])
            while kept and kept[-1].version > old.version:
                kept.pop()
            if not old.version:
                take_out(self._cells.get(account.cell.item, []), account.cell)
                self._forget(account)

    def _opened(self, cell: tuple[str, ...]) -> _Account:
        account = _Account(_new(Cell, cell), _ZEROS, [], {})
        self._accounts[account.cell] = account
        return account

    def _forget(self, account: _Account) -> None:
        """Forget a cell that nothing moved in and nobody holds units in."""
        if not (account.rows or account.holders):
            self._accounts.pop(account.cell, None)

    def _check(self, cell: Cell, row: Sequence[int], floor: int) -> None:
        before = self._accounts[cell].figures
        if row[_FREE] < before.free and row[_FREE] < floor:
            raise Short(cell, floor)
        for bucket, units in zip(BUCKETS, row, strict=False):
            if units < 0:
                raise InvariantBroken(f"{bucket} of {cell} would be {units}: a command took what nobody holds")
            if units > QUANTITY_MAX:
                raise InvalidValue(f"{bucket} of {cell} would be {units}, more than any store can hold")

    def save_reservation(self, reservation: Reservation) -> None:
        """Write a reservation whose version is the one that was read; raises Conflict otherwise.

        >>> books = MemoryBooks()
        >>> books.save_reservation(Reservation("ord-1", {}))
        >>> books.save_reservation(Reservation("ord-1", {}))
        Traceback (most recent call last):
        omscore.errors.Conflict: reservation 'ord-1' is at version 1, not 0; read it again and repeat the command
        """
        id_, held, expires_at, _, _, version, _, _ = reservation
        old = self._reservations.get(id_)
        if (old[VERSION] if old else 0) != version:
            raise Conflict(
                f"reservation {id_!r} is at version {old[VERSION] if old else 0}, not {version}; "
                "read it again and repeat the command"
            )
        new = reservation_row(reservation, version + 1)
        self._undo.append((self._place, id_, new, old))
        if old is not None:
            self._place(id_, old, new)
            return
        # Most are new: nothing makes room for them, and their cells are at hand.
        accounts, due = self._accounts, None
        self._reservations[id_] = new
        for cell, bucket in held:
            (accounts.get(cell) or self._opened(cell)).holders[id_] = None
            if bucket == "reserved":
                due = expires_at
        if due is not None:
            put_in(self._due, (due, id_))

    def _place(self, id_: str, old: ReservationRow | None, new: ReservationRow | None) -> None:
        """Put a reservation in another's place: under its id, at the cells that it holds units in, by its deadline."""
        if new is None:
            self._reservations.pop(id_, None)
            self._ids = []
        else:
            self._reservations[id_] = new
        accounts = self._accounts
        left, held = cells_held(old), cells_held(new)
        if left != held:
            for cell in left:
                if (account := accounts.get(cell)) is not None:
                    account.holders.pop(id_, None)
                    self._forget(account)
            for cell in held:
                (accounts.get(cell) or self._opened(cell)).holders[id_] = None
        was, due = deadline_of(old), deadline_of(new)
        if due is not was and due != was:
            if was is not None:
                take_out(self._due, (was, id_))
            if due is not None:
                put_in(self._due, (due, id_))
