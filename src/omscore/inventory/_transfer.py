"""Transfers: units that leave one node, are on their way, and arrive at another, or do not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import evolve, field, frozen

from omscore.errors import CommandRefused, InvalidValue, NotFound, Reason
from omscore.inventory._books import LedgerTransaction, Records, Stored
from omscore.inventory._cells import Cell, Movement, check_cells, check_movement
from omscore.inventory._reserve import NO_FLOORS, require_free
from omscore.inventory._stock import check_room
from omscore.inventory._supply import arrived, expect
from omscore.kernel.ids import joined
from omscore.kernel.quantities import quantity

_KIND = "ledger.transfer"


@frozen
class Transfer:
    """Units on their way to a node: what was sent, and what is still under way, by the cell they go to.

    >>> Transfer("t-1", {Cell("A", "ghent"): 3}, {Cell("A", "ghent"): 1}).closed
    False
    """

    id: str
    sent: Mapping[Cell, int]
    under_way: Mapping[Cell, int] = field(factory=dict)
    supplies: Mapping[str, str] = field(factory=dict)

    @property
    def closed(self) -> bool:
        """Whether nothing is under way any more.

        >>> Transfer("t-1", {Cell("A", "ghent"): 3}).closed
        True
        """
        return not self.under_way


def transfer(books: Records, id: str) -> Transfer:  # noqa: A002 - the field's word for it
    """A transfer by id; raises NotFound.

    >>> from omscore.inventory import MemoryBooks
    >>> transfer(MemoryBooks(), "t-1")
    Traceback (most recent call last):
    omscore.errors.NotFound: no transfer with id 't-1'
    """
    found: Transfer = _stored(books, id).value
    return found


def _stored(books: Records, id_: str) -> Stored:
    stored = books.get(_KIND, id_)
    if stored is None:
        raise NotFound("transfer", id_)
    return stored


def save_transfer(books: Records, line: Transfer, version: int) -> None:
    """Write a transfer read at a version; one that is closed is no longer found among the open ones."""
    index = {"all": line.id}
    if not line.closed:
        index["open"] = line.id
    books.put(_KIND, line.id, line, version=version, index=index)


def send(
    books: LedgerTransaction,
    id: str,  # noqa: A002 - the field's word for it
    cells: Mapping[Cell, int],
    to: str,
    *,
    cause: str,
    due_at: datetime | None = None,
    floors: Mapping[Cell, int] = NO_FLOORS,
) -> Transfer:
    """Send free units to another node: free at one -> in_transit at the other, in the same transaction.

    Reservations that have run out do not stand in the way. In transit units are on nobody's shelf and cannot be
    reserved. With `due_at` they are also announced as supply
    there, so that they can be promised.

    Raises InsufficientStock, and CommandRefused (`transfer.exists`).

    >>> from omscore.inventory import MemoryBooks, receive
    >>> books = MemoryBooks()
    >>> receive(books, {Cell("A", "ghent"): 5}, cause="dock-7")
    >>> _ = send(books, "t-1", {Cell("A", "ghent"): 2}, "lille", cause="t-1")
    >>> books.figures([Cell("A", "lille")])[Cell("A", "lille")].in_transit
    2
    """
    if books.get(_KIND, id) is not None:
        raise CommandRefused([Reason("transfer.exists", f"transfer {id!r} was sent before; choose another id")])
    check_cells(cells)
    movements: list[Movement] = []
    sent: dict[Cell, int] = {}
    for cell in sorted(cells):
        n = quantity(cells[cell], f"units of {cell.item!r}")
        if cell.node == to:
            raise InvalidValue(f"{cell.item!r} is at {to!r} already; a transfer goes to another node")
        other = cell._replace(node=to)
        sent[other] = sent.get(other, 0) + n
        movements.append(Movement(cell, "free", "transfer", n, "transfer", cause))
        movements.append(Movement(other, "transfer", "in_transit", n, "transfer", cause))
    reclaimed = require_free(books, cells, floors)
    check_room(books, sent)
    reclaimed.post(movements, floors, cause=cause)
    announced: dict[str, str] = {}
    if due_at is not None:
        totals: dict[tuple[str, str], int] = {}
        for cell, n in sent.items():
            totals[cell.item, cell.pool] = totals.get((cell.item, cell.pool), 0) + n
        for (item, pool), n in totals.items():
            name = joined(id, joined(item, pool, " "), " ").strip()
            announced[joined(item, pool, " ")] = expect(books, name, item, to, n, due_at, pool=pool).id
    line = Transfer(id, sent, dict(sent), announced)
    save_transfer(books, line, 0)
    return line


def _take_off(
    books: LedgerTransaction,
    id_: str,
    cells: Mapping[Cell, int] | None,
    verb: str,
    target: str,
    cause: str,
) -> Transfer:
    stored = _stored(books, id_)
    line: Transfer = stored.value
    wanted = dict(line.under_way) if cells is None else dict(cells)
    check_cells(wanted)
    left = dict(line.under_way)
    movements = []
    reasons = []
    for cell in sorted(wanted):
        n = quantity(wanted[cell], f"units of {cell.item!r}")
        if n > left.get(cell, 0):
            reasons.append(
                Reason(
                    "transfer.not_under_way",
                    f"{left.get(cell, 0)} of {cell.item!r} are under way to {cell.node!r} in {id_!r}, not {n}; "
                    "book what came on top with a count",
                    {"item": cell.item, "under_way": left.get(cell, 0), "asked": n},
                )
            )
            continue
        movements.append(check_movement(Movement(cell, "in_transit", target, n, verb, cause)))
        left[cell] -= n
        if name := line.supplies.get(joined(cell.item, cell.pool, " ")):
            arrived(books, name, n)
    if reasons:
        raise CommandRefused(reasons)
    if movements:
        books.post(movements, NO_FLOORS)
    line = evolve(line, under_way={cell: n for cell, n in left.items() if n})
    save_transfer(books, line, stored.version)
    return line


def arrive(
    books: LedgerTransaction,
    id: str,  # noqa: A002 - the field's word for it
    cells: Mapping[Cell, int] | None = None,
    *,
    cause: str,
    to: str = "free",
) -> Transfer:
    """Units of a transfer have come: in_transit -> free, quarantine or damaged; all of them unless cells are named.

    What did not come stays in transit until it comes or is given up with `lose`.

    Raises NotFound, and CommandRefused (`transfer.not_under_way`).

    >>> from omscore.inventory import MemoryBooks, receive
    >>> books, lille = MemoryBooks(), Cell("A", "lille")
    >>> receive(books, {Cell("A", "ghent"): 5}, cause="dock-7")
    >>> _ = send(books, "t-1", {Cell("A", "ghent"): 2}, "lille", cause="t-1")
    >>> arrive(books, "t-1", {lille: 1}, cause="dock-8").under_way
    {Cell(item='A', node='lille', pool='', lot=''): 1}
    """
    return _take_off(books, id, cells, "arrive", to, cause)


def lose(
    books: LedgerTransaction,
    id: str,  # noqa: A002 - the field's word for it
    cells: Mapping[Cell, int] | None = None,
    *,
    cause: str,
) -> Transfer:
    """Give up units of a transfer that will never come: in_transit -> adjustment; all that are left unless named.

    Raises NotFound, and CommandRefused (`transfer.not_under_way`).

    >>> from omscore.inventory import MemoryBooks, receive
    >>> books = MemoryBooks()
    >>> receive(books, {Cell("A", "ghent"): 5}, cause="dock-7")
    >>> _ = send(books, "t-1", {Cell("A", "ghent"): 2}, "lille", cause="t-1")
    >>> lose(books, "t-1", cause="lost-1").closed
    True
    """
    return _take_off(books, id, cells, "lose", "adjustment", cause)
