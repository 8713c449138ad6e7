"""The verbs of the ledger: pure functions that read books, decide movements and post them.

Each takes the transaction's books and a `cause`, the caller's key. They decide from what they read and let `post` check
the floors in the write itself, so that nothing is oversold between reading and writing. Running a verb twice under one
key is the business of `once`; here everything happens once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import field, frozen

from omscore.errors import CommandRefused, InsufficientStock, InvalidValue, NotFound, Reason, Shortage
from omscore.inventory._books import Books, Reservation
from omscore.inventory._cells import HELD, Cell, Movement, check_movement
from omscore.kernel.quantities import quantity

Policy = str
POLICIES = ("all", "partial")
_NO_FLOORS: Mapping[Cell, int] = {}


def _maybe_tuple(nodes: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if nodes is None else tuple(nodes)


@frozen
class Want:
    """Units of an item that somebody wants, from the nodes given, in that order; no nodes means any, by node id.

    >>> Want("SKU-1", 2, nodes=("ghent", "lille"))
    Want(item='SKU-1', units=2, nodes=('ghent', 'lille'), pools=('',))
    """

    item: str
    units: int
    nodes: tuple[str, ...] | None = field(default=None, converter=_maybe_tuple)
    pools: tuple[str, ...] = ("",)

    def __attrs_post_init__(self) -> None:
        quantity(self.units, f"units of {self.item!r}")


@frozen
class Reserved:
    """What a reservation now holds, and what it could not get.

    >>> Reserved("ord-1", {Cell("A", "x"): 2}, short={"B": 1}).short
    {'B': 1}
    """

    reservation: str
    cells: Mapping[Cell, int]
    short: Mapping[str, int] = field(factory=dict)
    expires_at: datetime | None = None


def receive(books: Books, stock: Mapping[Cell, int], *, cause: str, effective_at: datetime | None = None) -> None:
    """Take goods in: supplier -> free, one movement for each cell.

    >>> from omscore.inventory import MemoryBooks
    >>> books, cell = MemoryBooks(), Cell("SKU-1", "ghent")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> books.figures([cell])[cell].free
    5
    """
    books.post(
        [
            Movement(
                cell,
                "supplier",
                "free",
                quantity(stock[cell], f"units of {cell.item!r}"),
                "receive",
                cause,
                "",
                effective_at,
            )
            for cell in sorted(stock)
        ],
        _NO_FLOORS,
    )


def available(
    books: Books, item: str, *, reservation: str = "", floors: Mapping[Cell, int] = _NO_FLOORS
) -> dict[Cell, int]:
    """Units of an item that could be promised, by cell: free less the floor, and one's own reserved units added back.

    >>> from omscore.inventory import MemoryBooks
    >>> books, cell = MemoryBooks(), Cell("SKU-1", "ghent")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> available(books, "SKU-1", floors={cell: 2})
    {Cell(item='SKU-1', node='ghent', pool='', lot=''): 3}
    """
    own = books.reservation(reservation) if reservation else None
    result = {}
    for cell, figures in books.cells_of(item):
        mine = own.held.get((cell, "reserved"), 0) if own else 0
        result[cell] = max(0, figures.free - floors.get(cell, 0)) + mine
    return result


def reserve(
    books: Books,
    reservation: str,
    wants: Sequence[Want],
    *,
    cause: str,
    expires_in: timedelta | None = None,
    policy: Policy = "all",
    floors: Mapping[Cell, int] = _NO_FLOORS,
    channel: str = "",
    priority: int = 0,
) -> Reserved:
    """Hold units softly for an owner: free -> reserved, at nodes that routing may still change.

    Reserving again under the same reservation replaces its reserved units, so one's own hold never blocks oneself.
    Wants of one item are summed before the check. `policy` "all" takes every unit or none, "partial" what there is.
    `floors`
    are the free units to leave in a cell (its buffer). `expires_in` counts from the store's clock. Expired reservations
    that stand in the way are reclaimed.

    Raises InsufficientStock naming every short item, with nothing moved.

    >>> from omscore.inventory import MemoryBooks
    >>> books, cell = MemoryBooks(), Cell("SKU-1", "ghent")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> reserve(books, "ord-1", [Want("SKU-1", 3)], cause="web-1").cells[cell]
    3
    >>> reserve(books, "ord-2", [Want("SKU-1", 3)], cause="web-2")
    Traceback (most recent call last):
    omscore.errors.InsufficientStock: asked 3 of 'SKU-1', 2 available (stock.insufficient)
    """
    if policy not in POLICIES:
        raise InvalidValue(f"policy must be one of {', '.join(POLICIES)}, not {policy!r}")
    now = books.now()
    own = books.reservation(reservation) or Reservation(reservation, {})
    held = {cell: n for (cell, bucket), n in own.held.items() if bucket == "reserved"}
    taken: dict[Cell, int] = {}
    short: dict[str, int] = {}
    shortages: list[Shortage] = []
    asked: dict[str, int] = {}
    for want in _summed(wants):
        asked[want.item] = asked.get(want.item, 0) + want.units
        rest = _take(books, want, held, taken, floors)
        if rest and _reclaim(books, want.item, now, cause=cause, spare=reservation):
            rest = _take(books, Want(want.item, rest, want.nodes, want.pools), held, taken, floors)
        if rest:
            short[want.item] = short.get(want.item, 0) + rest
    if short and policy == "all":
        shortages = [Shortage(item, asked[item], asked[item] - short[item]) for item in sorted(short)]
        raise InsufficientStock(shortages)
    movements = []
    for cell in sorted({*held, *taken}):
        change = taken.get(cell, 0) - held.get(cell, 0)
        if change > 0:
            movements.append(Movement(cell, "free", "reserved", change, "reserve", cause, reservation))
        elif change < 0:
            movements.append(Movement(cell, "reserved", "free", -change, "release", cause, reservation))
    expires_at = now + expires_in if expires_in is not None else None
    # Releases first: what this reservation gives up at a cell is free before anything is taken.
    books.post(sorted(movements, key=lambda m: m.verb == "reserve"), floors)
    books.save_reservation(own.moved(movements, expires_at=expires_at, channel=channel, priority=priority, ended=""))
    return Reserved(reservation, taken, short, expires_at)


def _summed(wants: Sequence[Want]) -> list[Want]:
    units: dict[tuple[str, tuple[str, ...] | None, tuple[str, ...]], int] = {}
    for want in wants:
        key = (want.item, want.nodes, want.pools)
        units[key] = units.get(key, 0) + want.units
    return [Want(item, n, nodes, pools) for (item, nodes, pools), n in units.items()]


def _take(
    books: Books, want: Want, held: Mapping[Cell, int], taken: dict[Cell, int], floors: Mapping[Cell, int]
) -> int:
    """Take what there is of one want, cell by cell; returns the rest that no cell had."""
    rest = want.units
    found = [
        (cell, figures.free - floors.get(cell, 0))
        for cell, figures in books.cells_of(want.item)
        if cell.pool in want.pools and (want.nodes is None or cell.node in want.nodes)
    ]
    if want.nodes is not None or len(want.pools) > 1:
        nodes = want.nodes
        found.sort(key=lambda f: (nodes.index(f[0].node) if nodes else 0, want.pools.index(f[0].pool), f[0]))
    for cell, free in found:
        if rest <= 0:
            break
        # A floor raised above free stops new holds; it does not take away what one holds already.
        units = min(rest, max(0, free) + held.get(cell, 0) - taken.get(cell, 0))
        if units > 0:
            taken[cell] = taken.get(cell, 0) + units
            rest -= units
    return rest


def _reclaim(books: Books, item: str, now: datetime, *, cause: str, spare: str) -> bool:
    """Expire what has run out in an item's cells, so that nobody is refused for a dead reservation."""
    ids = {}
    for cell, figures in books.cells_of(item):
        if figures.reserved:
            ids.update({r.id: r for r in books.reservations_due(now, cell=cell) if r.id != spare})
    for _, reservation in sorted(ids.items()):
        _end_reserved(books, reservation, "expire", "expired", cause)
    return bool(ids)


def _end_reserved(books: Books, reservation: Reservation, verb: str, ended: str, cause: str) -> None:
    movements = [
        Movement(cell, "reserved", "free", n, verb, cause, reservation.id)
        for (cell, bucket), n in reservation.held.items()
        if bucket == "reserved"
    ]
    books.post(movements, _NO_FLOORS)
    books.save_reservation(reservation.moved(movements, ended=ended, expires_at=None))


def expire(books: Books, *, cause: str, limit: int = 1_000) -> tuple[str, ...]:
    """End the reservations whose time has run out by the store's clock: reserved -> free; returns their ids.

    Never needed for safety, since `reserve` reclaims on demand; it gives unsold units back to view.

    >>> from omscore.inventory import MemoryBooks
    >>> expire(MemoryBooks(), cause="tick-1")
    ()
    """
    due = books.reservations_due(books.now(), limit=limit)
    for reservation in due:
        _end_reserved(books, reservation, "expire", "expired", cause)
    return tuple(r.id for r in due)


def extend(books: Books, reservation: str, expires_in: timedelta | None) -> Reservation:
    """Give a reservation more time, counted from the store's clock; None makes it stand until it is ended.

    Raises NotFound, and CommandRefused when nothing is reserved any more.

    >>> from omscore.inventory import MemoryBooks
    >>> books = MemoryBooks()
    >>> receive(books, {Cell("A", "x"): 5}, cause="dock-7")
    >>> _ = reserve(books, "ord-1", [Want("A", 1)], cause="web-1", expires_in=timedelta(minutes=7))
    >>> extend(books, "ord-1", None).expires_at
    """
    own = _found(books, reservation)
    if not own.units("reserved"):
        raise CommandRefused(
            [
                Reason(
                    "stock.nothing_reserved",
                    f"reservation {reservation!r} holds no reserved units any more; reserve again",
                )
            ]
        )
    extended = own.moved((), expires_at=None if expires_in is None else books.now() + expires_in)
    books.save_reservation(extended)
    return extended


def _found(books: Books, reservation: str) -> Reservation:
    own = books.reservation(reservation)
    if own is None:
        raise NotFound("reservation", reservation)
    return own


def allocate(
    books: Books,
    reservation: str,
    cells: Mapping[Cell, int],
    *,
    cause: str,
    floors: Mapping[Cell, int] = _NO_FLOORS,
) -> None:
    """Turn units hard, at nodes: reserved -> allocated where one holds them, else free -> allocated.

    Units taken from free give back as many reserved units of the same item elsewhere: that is how routing moves a
    reservation. A reservation that has run out is refused for its reserved units, as if they were released.

    Raises InsufficientStock naming every short cell, with nothing moved.

    >>> from omscore.inventory import MemoryBooks
    >>> books, ghent, lille = MemoryBooks(), Cell("A", "ghent"), Cell("A", "lille")
    >>> receive(books, {ghent: 5, lille: 5}, cause="dock-7")
    >>> _ = reserve(books, "ord-1", [Want("A", 3)], cause="web-1")
    >>> allocate(books, "ord-1", {lille: 3}, cause="route-1")
    >>> books.figures([ghent])[ghent].free, books.figures([lille])[lille].allocated
    (5, 3)
    """
    own = books.reservation(reservation) or Reservation(reservation, {})
    if own.expires_at is not None and own.expires_at <= books.now() and own.units("reserved"):
        _end_reserved(books, own, "expire", "expired", cause)
        own = _found(books, reservation)
    reserved = {cell: n for (cell, bucket), n in own.held.items() if bucket == "reserved"}
    asked = {cell: quantity(n, f"units of {cell.item!r}") for cell, n in sorted(cells.items())}
    movements: list[Movement] = []
    from_free: dict[str, int] = {}
    for cell, n in asked.items():
        mine = min(n, reserved.get(cell, 0))
        if mine:
            reserved[cell] -= mine
            movements.append(Movement(cell, "reserved", "allocated", mine, "allocate", cause, reservation))
        if n > mine:
            from_free[cell.item] = from_free.get(cell.item, 0) + n - mine
            movements.append(Movement(cell, "free", "allocated", n - mine, "allocate", cause, reservation))
    figures = books.figures(asked)
    shortages = [
        Shortage(m.cell.item, asked[m.cell], asked[m.cell] - m.units + max(0, free), m.cell.node)
        for m in movements
        if m.source == "free" and (free := figures[m.cell].free - floors.get(m.cell, 0)) < m.units
    ]
    if shortages:
        raise InsufficientStock(shortages)
    given_back = []
    for cell in sorted(reserved):
        n = min(reserved[cell], from_free.get(cell.item, 0))
        if n:
            from_free[cell.item] -= n
            given_back.append(Movement(cell, "reserved", "free", n, "release", cause, reservation))
    movements = given_back + movements
    books.post(movements, floors)
    moved = own.moved(movements)
    if own.units("reserved") and not moved.units("reserved"):
        moved = moved.moved((), ended="allocated", expires_at=None)
    books.save_reservation(moved)


def release(
    books: Books,
    reservation: str,
    cells: Mapping[tuple[Cell, str], int] | None = None,
    *,
    cause: str,
) -> int:
    """Give units back: reserved, allocated, picked or packed -> free; all of them unless cells and buckets are named.

    Returns the units released. Releasing more than is held is refused and nothing moves.

    >>> from omscore.inventory import MemoryBooks
    >>> books, cell = MemoryBooks(), Cell("A", "x")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> _ = reserve(books, "ord-1", [Want("A", 3)], cause="web-1")
    >>> release(books, "ord-1", cause="cancel-1")
    3
    """
    own = books.reservation(reservation)
    if own is None or (cells is None and not own.held):
        return 0
    shares = dict(own.held) if cells is None else {k: quantity(n) for k, n in sorted(cells.items())}
    _check_held(own, shares)
    movements = [
        Movement(cell, bucket, "free", n, "release", cause, reservation) for (cell, bucket), n in shares.items()
    ]
    books.post(movements, _NO_FLOORS)
    moved = own.moved(movements)
    if own.units("reserved") and not moved.units("reserved"):
        moved = moved.moved((), ended="released", expires_at=None)
    books.save_reservation(moved)
    return sum(shares.values())


def _check_held(own: Reservation, shares: Mapping[tuple[Cell, str], int]) -> None:
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


def _forward(
    books: Books, reservation: str, cells: Mapping[Cell, int], verb: str, path: tuple[str, str], cause: str
) -> None:
    own = _found(books, reservation)
    source, target = path
    shares = {(cell, source): quantity(n, f"units of {cell.item!r}") for cell, n in sorted(cells.items())}
    _check_held(own, shares)
    movements = [Movement(cell, source, target, n, verb, cause, reservation) for (cell, _), n in shares.items()]
    books.post(movements, _NO_FLOORS)
    books.save_reservation(own.moved(movements))


def pick(books: Books, reservation: str, cells: Mapping[Cell, int], *, cause: str) -> None:
    """Units taken from their bins: allocated -> picked.

    >>> from omscore.inventory import MemoryBooks
    >>> books, cell = MemoryBooks(), Cell("A", "x")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> allocate(books, "ord-1", {cell: 2}, cause="route-1")
    >>> pick(books, "ord-1", {cell: 2}, cause="pick-1")
    >>> books.figures([cell])[cell].picked
    2
    """
    _forward(books, reservation, cells, "pick", ("allocated", "picked"), cause)


def pack(books: Books, reservation: str, cells: Mapping[Cell, int], *, cause: str) -> None:
    """Units put into a parcel: picked -> packed.

    >>> from omscore.inventory import MemoryBooks
    >>> pack(MemoryBooks(), "ord-1", {Cell("A", "x"): 1}, cause="pack-1")
    Traceback (most recent call last):
    omscore.errors.NotFound: no reservation with id 'ord-1'
    """
    _forward(books, reservation, cells, "pack", ("picked", "packed"), cause)


def ship(books: Books, reservation: str, cells: Mapping[Cell, int], *, cause: str) -> None:
    """Units handed to a carrier: packed -> customer; they leave the node.

    >>> from omscore.inventory import MemoryBooks
    >>> ship(MemoryBooks(), "ord-1", {Cell("A", "x"): 1}, cause="ship-1")
    Traceback (most recent call last):
    omscore.errors.NotFound: no reservation with id 'ord-1'
    """
    _forward(books, reservation, cells, "ship", ("packed", "customer"), cause)


def return_stock(books: Books, stock: Mapping[Cell, int], *, to: str, cause: str) -> None:
    """Goods that came back from a customer: customer -> free, quarantine, damaged or scrap.

    >>> from omscore.inventory import MemoryBooks
    >>> books, cell = MemoryBooks(), Cell("A", "x")
    >>> return_stock(books, {cell: 1}, to="quarantine", cause="ret-9")
    >>> books.figures([cell])[cell].quarantine
    1
    """
    movements = [check_movement(Movement(cell, "customer", to, stock[cell], "return", cause)) for cell in sorted(stock)]
    books.post(movements, _NO_FLOORS)


def short_pick(books: Books, reservation: str, cells: Mapping[Cell, int], *, cause: str) -> None:
    """Units that should have been in the bin and were not: allocated -> free -> adjustment, so the figure is mended.

    >>> from omscore.inventory import MemoryBooks
    >>> books, cell = MemoryBooks(), Cell("A", "x")
    >>> receive(books, {cell: 5}, cause="dock-7")
    >>> allocate(books, "ord-1", {cell: 2}, cause="route-1")
    >>> short_pick(books, "ord-1", {cell: 2}, cause="pick-1")
    >>> books.figures([cell])[cell].on_hand
    3
    """
    own = _found(books, reservation)
    shares = {(cell, "allocated"): quantity(n) for cell, n in sorted(cells.items())}
    _check_held(own, shares)
    movements = []
    for (cell, _), n in shares.items():
        movements.append(Movement(cell, "allocated", "free", n, "release", cause, reservation))
        movements.append(Movement(cell, "free", "adjustment", n, "count", cause))
    books.post(movements, {cell: -(2**63) for cell, _ in shares})
    books.save_reservation(own.moved(movements))


def figures_by_node(books: Books, items: Iterable[str]) -> dict[tuple[str, str], int]:
    """Free units of items by (node, item), summed over the shared pool's lots: what routing reads.

    >>> from omscore.inventory import MemoryBooks
    >>> books = MemoryBooks()
    >>> receive(books, {Cell("A", "x"): 5}, cause="dock-7")
    >>> figures_by_node(books, ["A"])
    {('x', 'A'): 5}
    """
    result: dict[tuple[str, str], int] = {}
    for item in items:
        for cell, figures in books.cells_of(item):
            if not cell.pool:
                result[cell.node, item] = result.get((cell.node, item), 0) + figures.free
    return result
