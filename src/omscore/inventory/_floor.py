"""The floor: units are picked, packed and shipped, or found missing; and come back."""

from __future__ import annotations

from collections.abc import Mapping

from omscore.inventory._allocate import check_held
from omscore.inventory._books import Books
from omscore.inventory._cells import Cell, Movement, check_cells, check_movement
from omscore.inventory._reserve import NO_FLOORS, found
from omscore.inventory._stock import check_room
from omscore.kernel.quantities import quantity


def _forward(
    books: Books, reservation: str, cells: Mapping[Cell, int], verb: str, path: tuple[str, str], cause: str
) -> None:
    check_cells(cells)
    own = found(books, reservation)
    source, target = path
    shares = {(cell, source): quantity(n, f"units of {cell.item!r}") for cell, n in sorted(cells.items())}
    check_held(own, shares)
    movements = [Movement(cell, source, target, n, verb, cause, own.id) for (cell, _), n in shares.items()]
    books.post(movements, NO_FLOORS)
    books.save_reservation(own.moved(movements))


def pick(books: Books, reservation: str, cells: Mapping[Cell, int], *, cause: str) -> None:
    """Units taken from their bins: allocated -> picked. Units not named stay allocated.

    Raises NotFound, and CommandRefused (`stock.not_held`).

    >>> from omscore.inventory import MemoryBooks, allocate, receive
    >>> books, cell = MemoryBooks(), Cell("A", "x")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> _ = allocate(books, "ord-1", {cell: 2}, cause="route-1")
    >>> pick(books, "ord-1", {cell: 2}, cause="pick-1")
    >>> books.figures([cell])[cell].picked
    2
    """
    _forward(books, reservation, cells, "pick", ("allocated", "picked"), cause)


def pack(books: Books, reservation: str, cells: Mapping[Cell, int], *, cause: str) -> None:
    """Units put into a parcel: picked -> packed.

    Raises NotFound, and CommandRefused (`stock.not_held`).

    >>> from omscore.inventory import MemoryBooks
    >>> pack(MemoryBooks(), "ord-1", {Cell("A", "x"): 1}, cause="pack-1")
    Traceback (most recent call last):
    omscore.errors.NotFound: no reservation with id 'ord-1'
    """
    _forward(books, reservation, cells, "pack", ("picked", "packed"), cause)


def ship(books: Books, reservation: str, cells: Mapping[Cell, int], *, cause: str) -> None:
    """Units handed to a carrier: packed -> customer; they leave the node.

    Raises NotFound, and CommandRefused (`stock.not_held`).

    >>> from omscore.inventory import MemoryBooks
    >>> ship(MemoryBooks(), "ord-1", {Cell("A", "x"): 1}, cause="ship-1")
    Traceback (most recent call last):
    omscore.errors.NotFound: no reservation with id 'ord-1'
    """
    _forward(books, reservation, cells, "ship", ("packed", "customer"), cause)


def short_pick(books: Books, reservation: str, cells: Mapping[Cell, int], *, cause: str) -> None:
    """Units that should have been in the bin and were not: allocated -> free -> adjustment, so the figure is mended.

    Raises NotFound, and CommandRefused (`stock.not_held`).

    >>> from omscore.inventory import MemoryBooks, allocate, receive
    >>> books, cell = MemoryBooks(), Cell("A", "x")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> _ = allocate(books, "ord-1", {cell: 2}, cause="route-1")
    >>> short_pick(books, "ord-1", {cell: 2}, cause="pick-1")
    >>> books.figures([cell])[cell].on_hand
    3
    """
    check_cells(cells)
    own = found(books, reservation)
    shares = {(cell, "allocated"): quantity(n, f"units of {cell.item!r}") for cell, n in sorted(cells.items())}
    check_held(own, shares)
    movements = []
    for (cell, _), n in shares.items():
        movements.append(Movement(cell, "allocated", "free", n, "release", cause, own.id))
        movements.append(Movement(cell, "free", "adjustment", n, "count", cause))
    books.post(movements, NO_FLOORS)
    books.save_reservation(own.moved(movements))


def return_stock(books: Books, stock: Mapping[Cell, int], *, to: str, cause: str) -> None:
    """Goods that came back from a customer: customer -> free, quarantine, damaged or scrap.

    >>> from omscore.inventory import MemoryBooks
    >>> books, cell = MemoryBooks(), Cell("A", "x")
    >>> return_stock(books, {cell: 1}, to="quarantine", cause="ret-9")
    >>> books.figures([cell])[cell].quarantine
    1
    """
    check_cells(stock)
    movements = [check_movement(Movement(cell, "customer", to, stock[cell], "return", cause)) for cell in sorted(stock)]
    check_room(books, stock)
    books.post(movements, NO_FLOORS)
