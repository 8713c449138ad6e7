"""Spread: units asked for at a node without a word of lots, as the cells that hold them."""

from __future__ import annotations

from collections.abc import Mapping

from omscore.inventory._availability import available
from omscore.inventory._books import Books
from omscore.inventory._cells import Cell
from omscore.inventory._reserve import NO_FLOORS, Selector


def held_lots(books: Books, reservation: str, cells: Mapping[Cell, int], bucket: str) -> dict[Cell, int]:
    """Units that a reservation holds in a bucket at nodes, by lot: what to pick, pack, ship or give back.

    `cells` name no lot; lots go by name. What it does not hold stays in the cell without a lot, so that the command
    that follows refuses it by name.

    >>> from omscore.inventory import MemoryBooks, Want, receive, reserve
    >>> books = MemoryBooks()
    >>> receive(books, {Cell("A", "x", lot="L1"): 2, Cell("A", "x", lot="L2"): 5}, cause="dock-7")
    >>> _ = reserve(books, "ord-1", [Want("A", 3)], cause="web-1")
    >>> {cell.lot: n for cell, n in held_lots(books, "ord-1", {Cell("A", "x"): 3}, "reserved").items()}
    {'L1': 2, 'L2': 1}
    """
    found, rest = _held(books, reservation, cells, bucket)
    return _sum(found, rest)


def lots_to_allocate(
    books: Books,
    reservation: str,
    cells: Mapping[Cell, int],
    *,
    floors: Mapping[Cell, int] = NO_FLOORS,
    select: Selector | None = None,
) -> dict[Cell, int]:
    """Units to allocate at nodes, by lot: those that the reservation holds softly there first, then free ones.

    `cells` name no lot. `select` puts free lots in order and leaves some out (:func:`fefo`); without it they go by
    name. What no lot has stays in the cell without a lot, so that `allocate` says what is short.

    >>> from omscore.inventory import MemoryBooks, receive
    >>> books = MemoryBooks()
    >>> receive(books, {Cell("A", "x", lot="L1"): 2, Cell("A", "x", lot="L2"): 5}, cause="dock-7")
    >>> {cell.lot: n for cell, n in lots_to_allocate(books, "ord-1", {Cell("A", "x"): 3}).items()}
    {'L1': 2, 'L2': 1}
    """
    found, rest = _held(books, reservation, cells, "reserved")
    for cell in sorted(rest):
        places = []
        for lot, n in available(books, cell.item, reservation=reservation, floors=floors).items():
            place = 0 if select is None else select(lot)
            if (lot.node, lot.pool) == (cell.node, cell.pool) and place is not None:
                places.append((place, lot, n - found.get(lot, 0)))
        for _, lot, n in sorted(places):
            take = min(rest[cell], n)
            if take > 0:
                found[lot] = found.get(lot, 0) + take
                rest[cell] -= take
    return _sum(found, {cell: n for cell, n in rest.items() if n})


def _held(
    books: Books, reservation: str, cells: Mapping[Cell, int], bucket: str
) -> tuple[dict[Cell, int], dict[Cell, int]]:
    """What a reservation holds of the units asked for, by cell, and the rest."""
    own = books.reservation(reservation)
    held = {} if own is None else own.held
    if all(held.get((cell, bucket), 0) >= n for cell, n in cells.items()):
        return dict(cells), {}
    rest = dict(cells)
    found: dict[Cell, int] = {}
    for (cell, at), n in sorted(held.items()):
        asked = cell._replace(lot="")
        take = min(n, rest.get(asked, 0)) if at == bucket else 0
        if take:
            found[cell] = take
            rest[asked] -= take
    return found, {cell: n for cell, n in rest.items() if n}


def _sum(found: Mapping[Cell, int], rest: Mapping[Cell, int]) -> dict[Cell, int]:
    return {cell: found.get(cell, 0) + rest.get(cell, 0) for cell in (*found, *(c for c in rest if c not in found))}
