"""Allocate and release: reserved units turn hard at a node, or go back on sale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from attrs import field, frozen

from omscore.errors import CommandRefused, InvalidValue, Reason
from omscore.inventory._backorders import drop_backorders
from omscore.inventory._books import Books, Held, LedgerTransaction, Reservation
from omscore.inventory._cells import HELD, Cell, Movement, check_cells
from omscore.inventory._reserve import NO_FLOORS, require_free
from omscore.kernel.quantities import quantity


@frozen
class Allocated:
    """What a command made hard, and the rest that is still reserved, by cell.

    >>> Allocated("ord-1", {Cell("A", "x"): 2}, rest={Cell("A", "x"): 1}).rest
    {Cell(item='A', node='x', pool='', lot=''): 1}
    """

    reservation: str
    cells: Mapping[Cell, int]
    rest: Mapping[Cell, int] = field(factory=dict)


def allocate(
    books: Books,
    reservation: str,
    cells: Mapping[Cell, int],
    *,
    cause: str,
    floors: Mapping[Cell, int] = NO_FLOORS,
    rest: Literal["keep", "release"] = "keep",
) -> Allocated:
    """Turn units hard, at nodes: reserved -> allocated where one holds them, else free -> allocated.

    Units taken from free give back as many reserved units of the same item elsewhere: that is how routing moves a
    reservation. What stays reserved is named in the answer: it is kept, or given back with `rest="release"`. A
    reservation that has run out is treated as released, never as held. `floors` bind only what is taken from free.

    Raises InsufficientStock naming every short cell, with nothing moved.

    >>> from omscore.inventory import MemoryBooks, Want, receive, reserve
    >>> books, ghent, lille = MemoryBooks(), Cell("A", "ghent"), Cell("A", "lille")
    >>> receive(books, {ghent: 5, lille: 5}, cause="dock-7")
    >>> _ = reserve(books, "ord-1", [Want("A", 3)], cause="web-1")
    >>> allocate(books, "ord-1", {lille: 2}, cause="route-1").rest
    {Cell(item='A', node='ghent', pool='', lot=''): 1}
    >>> books.figures([ghent])[ghent].free, books.figures([lille])[lille].allocated
    (4, 2)
    """
    check_cells(cells)
    now = books.now()
    own = books.reservation(reservation) or Reservation(reservation, {}, since=now)
    reserved = {cell: n for (cell, bucket), n in own.held.items() if bucket == "reserved"}
    movements: list[Movement] = []
    ran_out = own.expires_at is not None and own.expires_at <= now and bool(reserved)
    freed: dict[Cell, int] = {}
    if ran_out:
        movements += [Movement(cell, "reserved", "free", n, "expire", cause, own.id) for cell, n in reserved.items()]
        freed, reserved = reserved, {}
    asked = {cell: quantity(n, f"units of {cell.item!r}") for cell, n in sorted(cells.items())}
    from_free = {cell: n - reserved.get(cell, 0) for cell, n in asked.items() if n > reserved.get(cell, 0)}
    reclaimed = require_free(books, from_free, floors, asked=asked, freed=freed, spare=reservation)
    owed: dict[str, int] = {}
    for cell, n in from_free.items():
        owed[cell.item] = owed.get(cell.item, 0) + n
    hard: list[Movement] = []
    for cell, n in asked.items():
        mine = min(n, reserved.get(cell, 0))
        if mine:
            reserved[cell] -= mine
            hard.append(Movement(cell, "reserved", "allocated", mine, "allocate", cause, own.id))
        if n > mine:
            hard.append(Movement(cell, "free", "allocated", n - mine, "allocate", cause, own.id))
    for cell in sorted(reserved):
        n = reserved[cell] if rest == "release" else min(reserved[cell], owed.get(cell.item, 0))
        if n:
            owed[cell.item] = owed.get(cell.item, 0) - n
            reserved[cell] -= n
            movements.append(Movement(cell, "reserved", "free", n, "release", cause, own.id))
    movements += hard
    left = {cell: n for cell, n in reserved.items() if n}
    ended = own.ended if left or not own.units("reserved") else "expired" if ran_out else "allocated"
    moved = own.moved(movements, ended=ended, expires_at=own.expires_at if left else None, since=own.since or now)
    reclaimed.post(movements, floors, cause=cause)
    books.save_reservation(moved)
    return Allocated(own.id, asked, left)


def release(
    books: LedgerTransaction,
    reservation: str,
    cells: Mapping[Held, int] | None = None,
    *,
    cause: str,
) -> int:
    """Give units back: reserved, allocated, picked or packed -> free; all of them unless cells and buckets are named.

    Returns the units released. Giving everything back also ends the waiting for backorders. Releasing more than is held
    is refused and nothing moves; releasing all of nothing is no error, so that cancelling twice is harmless.

    Raises CommandRefused (`stock.not_held`).

    >>> from omscore.inventory import MemoryBooks, Want, receive, reserve
    >>> books, cell = MemoryBooks(), Cell("A", "x")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> _ = reserve(books, "ord-1", [Want("A", 3)], cause="web-1")
    >>> release(books, "ord-1", cause="cancel-1")
    3
    """
    own = books.reservation(reservation) or Reservation(reservation, {})
    if cells is None:
        drop_backorders(books, reservation)
        if not own.held:
            return 0
        shares = dict(sorted(own.held.items()))
    else:
        check_shares(cells)
        shares = {k: quantity(n) for k, n in sorted(cells.items())}
        check_held(own, shares)
    movements = [Movement(cell, bucket, "free", n, "release", cause, own.id) for (cell, bucket), n in shares.items()]
    books.post(movements, NO_FLOORS)
    moved = own.moved(movements)
    if own.units("reserved") and not moved.units("reserved"):
        moved = moved._replace(ended="released", expires_at=None)
    books.save_reservation(moved)
    return sum(shares.values())


def check_shares(shares: Iterable[object]) -> None:
    """Refuse what is no share of a reservation; raises InvalidValue."""
    for share in shares:
        if not (isinstance(share, tuple) and len(share) == 2 and isinstance(share[0], Cell)):
            raise InvalidValue(f"{share!r} is no share of a reservation; write (Cell('SKU-1', 'ghent'), 'reserved')")


def check_held(own: Reservation, shares: Mapping[Held, int]) -> None:
    """Refuse a command that would move units which a reservation does not hold."""
    reasons = []
    for (cell, bucket), n in shares.items():
        if bucket not in HELD:
            raise InvalidValue(f"a reservation holds units in {', '.join(HELD)}, not in {bucket!r}")
        if n > (has := own.held.get((cell, bucket), 0)):
            reasons.append(
                Reason(
                    "stock.not_held",
                    f"{own.id!r} holds {has} of {cell.item!r} {bucket} at {cell.node!r}, not {n}",
                    {"item": cell.item, "node": cell.node, "bucket": bucket, "held": has, "asked": n},
                )
            )
    if reasons:
        raise CommandRefused(reasons)
