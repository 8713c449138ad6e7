"""Stock that comes in, is set aside, changes its pool, or was booked wrongly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from omscore.errors import CommandRefused, InsufficientStock, InvalidValue, NotFound, Reason, Shortage
from omscore.inventory._books import Books, LedgerTransaction, Reservation
from omscore.inventory._cells import BUCKETS, HELD, Cell, Entry, Movement, cell_id, check_cells, check_movement
from omscore.inventory._reserve import NO_FLOORS, require_free
from omscore.inventory._supply import arrived
from omscore.inventory._supply import supply as announced
from omscore.inventory._victims import Victim, VictimOrder, end_run_out, take_away
from omscore.kernel.ids import key
from omscore.kernel.quantities import QUANTITY_MAX, quantity
from omscore.kernel.times import utc


def check_room(books: Books, stock: Mapping[Cell, int]) -> None:
    """Refuse units that no store could count, in cells that no store could name."""
    check_cells(stock)
    for cell in stock:
        key(cell.item, "item")
        key(cell.node, "node")
        for name in ("pool", "lot"):
            if (text := getattr(cell, name)) != "":
                key(text, name)
    for cell, figures in books.figures(sorted(stock)).items():
        total = sum(figures[:-1]) + stock[cell]
        if total > QUANTITY_MAX:
            raise InvalidValue(f"{cell.item!r} at {cell.node!r} would be {total}, more than any store can hold")


def receive(
    books: LedgerTransaction,
    stock: Mapping[Cell, int],
    *,
    cause: str,
    effective_at: datetime | None = None,
    to: str = "free",
    supply: str = "",
) -> None:
    """Take goods in: supplier -> free (or quarantine, until they are inspected), one movement for each cell.

    `supply` names the announced supply that this is; its outstanding units go down by what came of its item. Run `fill`
    afterwards, which gives the units to those who wait. Raises NotFound for no such supply, and CommandRefused
    (`supply.other`) when nothing of what it announces came.

    >>> from omscore.inventory import MemoryBooks
    >>> books, cell = MemoryBooks(), Cell("SKU-1", "ghent")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> books.figures([cell])[cell].free
    5
    """
    check_cells(stock)
    if effective_at is not None:
        effective_at = utc(effective_at, "effective_at")
    movements = [
        Movement(
            cell, "supplier", to, quantity(stock[cell], f"units of {cell.item!r}"), "receive", cause, "", effective_at
        )
        for cell in sorted(stock)
    ]
    if to != "free":
        for movement in movements:
            check_movement(movement)
    check_room(books, stock)
    come = _of_supply(books, supply, stock) if supply else 0
    books.post(movements, NO_FLOORS)
    if supply:
        arrived(books, supply, come)


def _of_supply(books: LedgerTransaction, id_: str, stock: Mapping[Cell, int]) -> int:
    """The units of what a supply announces; raises CommandRefused when none of them are."""
    line = announced(books, id_)
    if line is None:
        raise NotFound("supply", id_)
    wanted = (line.item, line.node, line.pool)
    if not (units := sum(n for cell, n in stock.items() if (cell.item, cell.node, cell.pool) == wanted)):
        text = f"{id_!r} announces {line.item!r} at {line.node!r}, and none of that came; name the supply that came"
        raise CommandRefused([Reason("supply.other", text, {"supply": id_, "item": line.item, "node": line.node})])
    return units


def _aside(
    books: Books,
    cells: Mapping[Cell, int],
    verb: str,
    path: tuple[str, str],
    cause: str,
    victims: VictimOrder | None,
) -> tuple[Victim, ...]:
    source, target = path
    check_cells(cells)
    moves = [check_movement(Movement(cell, source, target, cells[cell], verb, cause)) for cell in sorted(cells)]
    before: list[Movement] = []
    hit: list[Victim] = []
    touched: dict[str, Reservation] = {}
    shortages: list[Shortage] = []
    ended: dict[Cell, int] = {}
    figures = books.figures(sorted(cells))
    for cell in sorted(cells):
        missing = cells[cell] - getattr(figures[cell], source)
        if missing > 0 and source == "free":
            ends = end_run_out(books, cell, cause=cause, touched=touched)
            before += ends
            for move in ends:
                ended[move.cell] = ended.get(move.cell, 0) + move.units
            missing -= ended.get(cell, 0)
        if missing > 0 and source == "free" and victims is not None:
            taken, lost = take_away(books, cell, missing, victims, cause=cause, touched=touched)
            before += taken
            hit += lost
            missing -= sum(v.units for v in lost)
        if missing > 0:
            shortages.append(Shortage(cell.item, cells[cell], cells[cell] - missing, cell.node))
    if shortages:
        raise InsufficientStock(shortages)
    books.post([*before, *moves], NO_FLOORS)
    save_all(books, touched)
    return tuple(hit)


def save_all(books: Books, touched: Mapping[str, Reservation]) -> None:
    """Save reservations in id order."""
    for id_ in sorted(touched):
        books.save_reservation(touched[id_])


def quarantine(
    books: Books, cells: Mapping[Cell, int], *, cause: str, source: str = "free", victims: VictimOrder | None = None
) -> tuple[Victim, ...]:
    """Set units aside until somebody has looked at them: free or damaged -> quarantine.

    Where fewer are free, the command is refused, or with a `victims` order takes the rest from those who hold them and
    answers whose units went. Raises InsufficientStock.

    >>> from omscore.inventory import MemoryBooks
    >>> books, cell = MemoryBooks(), Cell("A", "x")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> quarantine(books, {cell: 2}, cause="recall-1")
    ()
    >>> books.figures([cell])[cell].quarantine
    2
    """
    return _aside(books, cells, "quarantine", (source, "quarantine"), cause, victims)


def damage(
    books: Books, cells: Mapping[Cell, int], *, cause: str, source: str = "free", victims: VictimOrder | None = None
) -> tuple[Victim, ...]:
    """Units that broke: free or quarantine -> damaged; see `quarantine` for `victims`.

    >>> from omscore.inventory import MemoryBooks
    >>> damage(MemoryBooks(), {Cell("A", "x"): 1}, cause="drop-1")
    Traceback (most recent call last):
    omscore.errors.InsufficientStock: asked 1 of 'A' at x, 0 available (stock.insufficient)
    """
    return _aside(books, cells, "damage", (source, "damaged"), cause, victims)


def restore(books: Books, cells: Mapping[Cell, int], *, cause: str, source: str = "quarantine") -> None:
    """Put units back on sale: quarantine or damaged -> free.

    >>> from omscore.inventory import MemoryBooks
    >>> books, cell = MemoryBooks(), Cell("A", "x")
    >>> receive(books, {cell: 5}, cause="dock-7", to="quarantine")
    >>> restore(books, {cell: 5}, cause="inspect-1")
    >>> books.figures([cell])[cell].free
    5
    """
    _aside(books, cells, "restore", (source, "free"), cause, None)


def scrap(
    books: Books, cells: Mapping[Cell, int], *, cause: str, source: str = "damaged", victims: VictimOrder | None = None
) -> tuple[Victim, ...]:
    """Throw units away: damaged, quarantine or free -> scrap; see `quarantine` for `victims`.

    >>> from omscore.inventory import MemoryBooks
    >>> books, cell = MemoryBooks(), Cell("A", "x")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> _ = scrap(books, {cell: 5}, cause="fire-1", source="free")
    >>> books.figures([cell])[cell].on_hand
    0
    """
    return _aside(books, cells, "scrap", (source, "scrap"), cause, victims)


def send_back(books: Books, cells: Mapping[Cell, int], *, cause: str, source: str = "quarantine") -> None:
    """Give units back to whoever sold them to us: quarantine or damaged -> supplier. Raises InsufficientStock.

    >>> from omscore.inventory import MemoryBooks
    >>> books, cell = MemoryBooks(), Cell("A", "x")
    >>> receive(books, {cell: 5}, cause="dock-7", to="quarantine")
    >>> send_back(books, {cell: 2}, cause="vendor-1")
    >>> books.figures([cell])[cell].on_hand
    3
    """
    _aside(books, cells, "send_back", (source, "supplier"), cause, None)


def repool(
    books: Books, cells: Mapping[Cell, int], pool: str, *, cause: str, floors: Mapping[Cell, int] = NO_FLOORS
) -> None:
    """Move free units behind another fence: free in one pool -> free in another, at the same node and in the same lot.

    Reservations that have run out do not stand in the way. Raises InsufficientStock, and InvalidValue when a cell is in
    that pool already.

    >>> from omscore.inventory import MemoryBooks
    >>> books, shared = MemoryBooks(), Cell("A", "x")
    >>> receive(books, {shared: 5}, cause="dock-7")
    >>> repool(books, {shared: 2}, "marketplace", cause="fence-1")
    >>> {cell.pool: figures.free for cell, figures in books.cells_of("A")}
    {'': 3, 'marketplace': 2}
    """
    if pool != "":
        key(pool, "pool")
    check_cells(cells)
    movements: list[Movement] = []
    arriving: dict[Cell, int] = {}
    for cell in sorted(cells):
        n = quantity(cells[cell], f"units of {cell.item!r}")
        if cell.pool == pool:
            raise InvalidValue(f"{cell.item!r} at {cell.node!r} is in pool {pool!r} already")
        other = cell._replace(pool=pool)
        arriving[other] = arriving.get(other, 0) + n
        movements.append(Movement(cell, "free", "transfer", n, "repool", cause))
        movements.append(Movement(other, "transfer", "free", n, "repool", cause))
    reclaimed = require_free(books, cells, floors)
    check_room(books, arriving)
    reclaimed.post(movements, floors, cause=cause)


def correct(books: LedgerTransaction, cell: Cell, seq: int, *, cause: str) -> Entry:
    """Take back one movement by its exact mirror, once; the original stays in the journal as it was.

    Only movements of units that belong to nobody can be mirrored: what a reservation holds is changed by its own verbs.
    Returns the entry that was taken back. Raises NotFound, CommandRefused (`stock.corrected`, `stock.held`,
    `stock.two_cells`), and InsufficientStock when the units have gone on.

    >>> from omscore.inventory import MemoryBooks
    >>> books, cell = MemoryBooks(), Cell("A", "x")
    >>> receive(books, {cell: 50}, cause="dock-7")
    >>> correct(books, cell, 1, cause="typo-1").movement.units
    50
    >>> books.figures([cell])[cell].free
    0
    """
    check_cells([cell])
    rows = books.journal(cell, after=seq - 1, limit=1) if seq >= 1 else []
    if not rows:
        raise NotFound("entry", f"{cell.item} at {cell.node}, number {seq}")
    entry = rows[0]
    _, source, target, units, verb, *_ = entry.movement
    if "transfer" in (source, target):
        two = Reason(
            "stock.two_cells",
            f"number {seq} of {cell.item!r} at {cell.node!r} is half of a move between two cells; move the units back",
            {"seq": seq, "verb": verb},
        )
        raise CommandRefused([two])
    if source in HELD or target in HELD or entry.movement.reservation:
        held = Reason(
            "stock.held",
            f"number {seq} of {cell.item!r} at {cell.node!r} moved units of {entry.movement.reservation!r}; "
            "release, pick or ship them instead",
            {"seq": seq, "reservation": entry.movement.reservation},
        )
        raise CommandRefused([held])
    id_ = f"{cell_id(cell)} {seq}"
    if verb == "correct" or books.get("ledger.corrected", id_) is not None:
        again = Reason(
            "stock.corrected",
            f"number {seq} of {cell.item!r} at {cell.node!r} is a correction or was corrected before",
            {"seq": seq},
        )
        raise CommandRefused([again])
    reclaimed = require_free(books, {cell: units} if target == "free" else {})
    if target in BUCKETS and target != "free" and (has := getattr(books.figures([cell])[cell], target)) < units:
        raise InsufficientStock([Shortage(cell.item, units, has, cell.node)])
    books.put("ledger.corrected", id_, cause, version=0, index={"all": id_})
    mirror = Movement(cell, target, source, units, "correct", cause, mirrors=seq)
    reclaimed.post([mirror], NO_FLOORS, cause=cause)
    return entry
