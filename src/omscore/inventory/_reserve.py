"""Reserve: soft holds at nodes, which may run out, grow, shrink, and be moved by routing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from attrs import field, frozen

from omscore.errors import CommandRefused, InsufficientStock, InvalidValue, NotFound, Reason, Shortage
from omscore.inventory._backorders import Promise, drop_backorders, prolong, wait
from omscore.inventory._books import Books, Held, LedgerTransaction, Reservation, version_of
from omscore.inventory._cells import Cell, Figures, Movement
from omscore.kernel.given import names
from omscore.kernel.ids import joined
from omscore.kernel.quantities import QUANTITY_MAX, quantity

POLICIES = ("all", "partial", "backorder", "promise")
"""What becomes of units that are not there: refuse all, leave them out, let them wait, let them wait if dated."""

NO_FLOORS: Mapping[Cell, int] = {}
_NOTHING: Mapping[Cell, int] = {}
_NO_TIME = timedelta(0)

SHARED: tuple[str, ...] = ("",)
"""The pools of whoever names none."""

# Nothing runs as often as a reserve, and this takes a third of the time of a NamedTuple's own constructor.
_new = tuple.__new__

Selector = Callable[[Cell], Any]
"""Puts an item's cells in order by a sort key; None leaves a cell out. See :func:`fefo`, :func:`fifo`, :func:`lifo`."""


def _maybe_tuple(nodes: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if nodes is None else names("nodes", nodes, "ghent")


@frozen
class Want:
    """Units of an item that somebody wants: from these pools in order, and within a pool from these nodes in order.

    No nodes means any, by node id. Several pools are a fence with its fallback: ("marketplace", "") takes the
    marketplace's own units first and then the shared ones.

    >>> Want("SKU-1", 2, nodes=("ghent", "lille"))
    Want(item='SKU-1', units=2, nodes=('ghent', 'lille'), pools=('',))
    """

    item: str
    units: int
    nodes: tuple[str, ...] | None = field(default=None, converter=_maybe_tuple)
    pools: tuple[str, ...] = SHARED

    def __attrs_post_init__(self) -> None:
        if type(self.units) is not int or not 0 < self.units <= QUANTITY_MAX:
            quantity(self.units, f"units of {self.item!r}")


class Reserved(NamedTuple):
    """What a reservation now holds, what it could not get, and until when.

    `short` names the units by item that are not held: left out under "partial", waiting under "backorder" and
    "promise", whose dates stand in `promises`.

    >>> Reserved("ord-1", {Cell("A", "x"): 2}, short={"B": 1}).short
    {'B': 1}
    """

    reservation: str
    cells: Mapping[Cell, int]
    short: Mapping[str, int]
    expires_at: datetime | None = None
    promises: tuple[Promise, ...] = ()


def reserve(
    books: LedgerTransaction,
    reservation: str,
    wants: Sequence[Want],
    *,
    cause: str,
    expires_in: timedelta | None = None,
    policy: str = "all",
    floors: Mapping[Cell, int] = NO_FLOORS,
    channel: str = "",
    priority: int = 0,
    quotas: Mapping[str, int] | None = None,
    select: Selector | None = None,
) -> Reserved:
    """Hold units softly for an owner: free -> reserved, at nodes that routing may still change.

    Reserving again under the same reservation replaces its reserved units and what it waits for, so one's own hold
    never blocks oneself. Wants of one item are summed before the check. Expired reservations that stand in the way are
    reclaimed, so nobody is refused for a dead one.

    `policy`: "all" takes every unit or none; "partial" what there is; "backorder" what there is, and the rest waits,
    with a date if dated supply covers it; "promise" the same, but refuses what has no date. `floors` are the free units
    to leave in a cell (its buffer). `expires_in` counts from the store's clock. `quotas` are the units of an item that
    the channel may hold at once. `select` orders cells within a pool and node: lots by expiry or age.

    Raises InvalidValue when nothing is wanted, InsufficientStock naming every short item, and CommandRefused
    (`stock.quota`), all with nothing moved.

    >>> from omscore.inventory import MemoryBooks, receive
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
    summed = wants if len(wants) == 1 else _summed(wants)
    # A store on a network can read all that this needs in one message; asked of the class, as in `verify`.
    if _reads_ahead(type(books)):
        books.read_ahead(reservation, [want.item for want in summed])  # type: ignore[attr-defined]
    own = books.reservation(reservation)
    held = {cell: n for (cell, bucket), n in own.held.items() if bucket == "reserved"} if own else _NOTHING
    taken: dict[Cell, int] = {}
    short: dict[str, int] = {}
    waiting: list[Want] = []
    reclaimed: Reclaimed | None = None
    for want in summed:
        if type(want) is not Want:
            check_wants(wants)
        found = ranked(books.cells_of(want.item), want, select)
        if found and not (held or floors or taken or reclaimed) and want.units <= found[0][1][0]:
            # The first cell has it all, as it mostly does.
            taken[found[0][0]] = want.units
            continue
        rest = _take(found, want.units, held, taken, floors, reclaimed)
        if rest:
            reclaimed = reclaimed or Reclaimed(books)
            while rest and reclaimed.more(found, spare=reservation):
                rest = _take(found, rest, held, taken, floors, reclaimed)
        if rest:
            short[want.item] = short.get(want.item, 0) + rest
            waiting.append(Want(want.item, rest, want.nodes, want.pools))
    if short and policy == "all":
        asked: dict[str, int] = {}
        for want in summed:
            asked[want.item] = asked.get(want.item, 0) + want.units
        raise InsufficientStock([Shortage(item, asked[item], asked[item] - short[item]) for item in sorted(short)])
    if quotas:
        _check_quotas(books, own or Reservation(reservation, {}), channel, taken, quotas)
    movements: list[Movement] = []
    expires_at = None if expires_in is None else deadline(now, expires_in)
    in_order = sorted(taken.items()) if len(taken) > 1 else taken.items()
    if own is None:
        now_held: dict[Held, int] = {}
        for cell, n in in_order:
            now_held[cell, "reserved"] = n
            row = (cell, "free", "reserved", n, "reserve", cause, reservation, None, 0)
            movements.append(_new(Movement, row))
        after = _new(Reservation, (reservation, now_held, expires_at, channel, priority, 0, "", now))
    else:
        # What this reservation gives up at a cell is free before anything is taken.
        for cell, had in sorted(held.items()):
            if (n := had - taken.get(cell, 0)) > 0:
                movements.append(Movement(cell, "reserved", "free", n, "release", cause, reservation))
        for cell, has in in_order:
            if (n := has - held.get(cell, 0)) > 0:
                movements.append(Movement(cell, "free", "reserved", n, "reserve", cause, reservation))
        after = own.moved(
            movements, expires_at=expires_at, channel=channel, priority=priority, ended="", since=own.since or now
        )
    if reclaimed is not None:
        reclaimed.post(movements, floors, cause=cause)
    elif movements:
        books.post(movements, floors)
    books.save_reservation(after)
    promises: tuple[Promise, ...] = ()
    if waiting and policy in ("backorder", "promise"):
        promises = wait(
            books,
            reservation,
            [(w.item, w.units, w.nodes, w.pools) for w in waiting],
            channel=channel,
            priority=priority,
            expires_at=expires_at,
            dated=policy == "promise",
        )
    elif own is not None:
        drop_backorders(books, reservation)
    return _new(Reserved, (reservation, taken, short, expires_at, promises))


@cache
def _reads_ahead(kind: type) -> bool:
    return hasattr(kind, "read_ahead")


def deadline(now: datetime, expires_in: timedelta | None) -> datetime | None:
    """When a hold ends that begins now; raises InvalidValue for a time that no calendar has."""
    if expires_in is None:
        return None
    try:
        if expires_in < _NO_TIME:
            raise InvalidValue(f"a hold lasts no less than no time, not {expires_in}; release it instead")
        return now + expires_in
    except (OverflowError, TypeError) as error:
        raise InvalidValue(f"a hold cannot last {expires_in!r} ({error}); None lets it stand until it ends") from None


def check_wants(wants: object) -> None:
    """Refuse what is no list of wants, or one without any; raises InvalidValue."""
    if isinstance(wants, Want):
        raise InvalidValue(f"what is wanted is a list of wants; write [{wants!r}]")
    if not isinstance(wants, Collection):
        raise InvalidValue(f"what is wanted is a list of wants, not {wants!r}; write [Want('SKU-1', 2)]")
    if not wants:
        raise InvalidValue("nothing is wanted: name at least one Want; to give up what is held, release it")
    for want in wants:
        if not isinstance(want, Want):
            raise InvalidValue(f"{want!r} is nothing one can want; write Want('SKU-1', 2)")


def _summed(wants: Sequence[Want]) -> list[Want]:
    check_wants(wants)
    units: dict[tuple[str, tuple[str, ...] | None, tuple[str, ...]], int] = {}
    for want in wants:
        key = (want.item, want.nodes, want.pools)
        units[key] = units.get(key, 0) + want.units
    return [Want(item, n, nodes, pools) for (item, nodes, pools), n in units.items()]


def candidates(books: Books, want: Want, select: Selector | None) -> list[tuple[Cell, Figures]]:
    """The cells that may serve a want, in the order in which they are to be asked: pool, node, selector, cell."""
    return ranked(books.cells_of(want.item), want, select)


def ranked(found: list[tuple[Cell, Figures]], want: Want, select: Selector | None) -> list[tuple[Cell, Figures]]:
    """Those of an item's cells that may serve a want, in that order."""
    nodes, pools = want.nodes, want.pools
    if nodes is None and select is None and pools == ("",):
        if len(found) == 1 and not found[0][0].pool:
            return found
        return [row for row in found if not row[0].pool]
    node_rank = {} if nodes is None else {node: i for i, node in enumerate(nodes)}
    pool_rank = {pool: i for i, pool in enumerate(pools)}
    rows = []
    for cell, figures in found:
        if cell.pool not in pool_rank or (nodes is not None and cell.node not in node_rank):
            continue
        place = select(cell) if select is not None else 0
        if place is not None:
            rows.append(((pool_rank[cell.pool], node_rank.get(cell.node, 0), place, cell), figures))
    rows.sort(key=lambda row: row[0])
    return [(key[3], figures) for key, figures in rows]


def _take(
    found: Sequence[tuple[Cell, Figures]],
    units: int,
    held: Mapping[Cell, int],
    taken: dict[Cell, int],
    floors: Mapping[Cell, int],
    reclaimed: Reclaimed | None,
) -> int:
    """Take units cell by cell, as many as there are; returns the rest that no cell had."""
    rest = units
    for cell, figures in found:
        room = figures[0]
        if floors:
            room -= floors.get(cell, 0)
        if reclaimed is not None:
            room += reclaimed.freed.get(cell, 0)
        if held:
            # A floor raised above free stops new holds; it does not take away what one holds already.
            room = max(room, 0) + held.get(cell, 0)
        if taken:
            room -= taken.get(cell, 0)
        if rest <= room:
            taken[cell] = taken.get(cell, 0) + rest
            return 0
        if room > 0:
            taken[cell] = taken.get(cell, 0) + room
            rest -= room
    return rest


class Reclaimed:
    """Expired reservations that a command ends on its way, and the units that this frees, posted with its own."""

    __slots__ = ("_books", "_ended", "freed")

    def __init__(self, books: Books) -> None:
        self._books = books
        self._ended: dict[str, Reservation] = {}
        self.freed: dict[Cell, int] = {}

    def more(self, found: Iterable[tuple[Cell, Figures]], *, spare: str) -> bool:
        """Take in what has run out in some cells; False when there is nothing more."""
        now, before = self._books.now(), len(self._ended)
        for cell, figures in found:
            if not figures.reserved:
                continue
            for due in self._books.reservations_due(now, cell=cell, limit=1_000 + len(self._ended)):
                if due.id != spare and due.id not in self._ended:
                    self.end(due)
        return len(self._ended) > before

    def end(self, reservation: Reservation) -> None:
        """Count a reservation's reserved units as free from here on."""
        self._ended[reservation.id] = reservation
        for (cell, bucket), n in reservation.held.items():
            if bucket == "reserved":
                self.freed[cell] = self.freed.get(cell, 0) + n

    def post(self, movements: Sequence[Movement], floors: Mapping[Cell, int], *, cause: str) -> None:
        """Post what was reclaimed and then the command's own movements, all in one go."""
        if not self._ended:
            if movements:
                self._books.post(movements, floors)
            return
        ends = [(r, expiry(r, cause)) for _, r in sorted(self._ended.items())]
        self._books.post([*(m for _, end in ends for m in end), *movements], floors)
        for reservation, end in ends:
            self._books.save_reservation(reservation.moved(end, ended="expired", expires_at=None))


def expiry(reservation: Reservation, cause: str) -> list[Movement]:
    """The movements that end the soft part of a reservation whose time has run out."""
    return [
        Movement(cell, "reserved", "free", n, "expire", cause, reservation.id)
        for (cell, bucket), n in sorted(reservation.held.items())
        if bucket == "reserved"
    ]


def require_free(
    books: Books,
    wanted: Mapping[Cell, int],
    floors: Mapping[Cell, int] = NO_FLOORS,
    *,
    asked: Mapping[Cell, int] | None = None,
    freed: Mapping[Cell, int] | None = None,
    spare: str = "",
) -> Reclaimed:
    """See that units are free in cells, counting what has run out there; what was reclaimed is to be posted along.

    `asked` is what the caller was asked for where that is more, `freed` what it frees itself, `spare` the reservation
    that is not to be ended. Raises InsufficientStock naming every short cell.
    """
    reclaimed = Reclaimed(books)
    figures = books.figures(sorted(wanted)) if wanted else {}
    shortages = []
    for cell, n in wanted.items():
        free = figures[cell].free - floors.get(cell, 0) + (freed or {}).get(cell, 0)
        while free + reclaimed.freed.get(cell, 0) < n and reclaimed.more([(cell, figures[cell])], spare=spare):
            pass
        free += reclaimed.freed.get(cell, 0)
        if free < n:
            all_of = (asked or wanted)[cell]
            shortages.append(Shortage(cell.item, all_of, all_of - n + max(0, free), cell.node))
    if shortages:
        raise InsufficientStock(shortages)
    return reclaimed


def _check_quotas(
    books: LedgerTransaction, own: Reservation, channel: str, taken: Mapping[Cell, int], quotas: Mapping[str, int]
) -> None:
    """Refuse a channel more units than it may hold at once; a written record makes two such commands take turns."""
    reasons = []
    for item in sorted({cell.item for cell in taken} & set(quotas)):
        place = joined(channel, item, " ")
        turn = books.get("ledger.quota", place)
        mine = sum(n for cell, n in taken.items() if cell.item == item)
        holders = {
            r.id: r
            for cell, _ in books.cells_of(item)
            for r in books.reservations_at(cell)
            if r.channel == channel and r.id != own.id
        }
        hard = own.units("allocated", item) + own.units("picked", item) + own.units("packed", item)
        others = sum(n for r in holders.values() for (cell, _), n in r.held.items() if cell.item == item)
        if others + hard + mine > quotas[item]:
            reasons.append(
                Reason(
                    "stock.quota",
                    f"{channel!r} may hold {quotas[item]} of {item!r} at once and holds {others + hard}; asked {mine}",
                    {"channel": channel, "item": item, "quota": quotas[item], "held": others + hard, "asked": mine},
                )
            )
        books.put("ledger.quota", place, {}, version=version_of(turn))
    if reasons:
        raise CommandRefused(reasons)


def expire(books: Books, *, cause: str, limit: int = 1_000) -> tuple[str, ...]:
    """End the reservations whose time has run out by the store's clock: reserved -> free; returns their ids.

    Never needed for safety, since `reserve` reclaims on demand; it gives unsold units back to view.

    >>> from omscore.inventory import MemoryBooks
    >>> expire(MemoryBooks(), cause="tick-1")
    ()
    """
    due = books.reservations_due(books.now(), limit=limit)
    reclaimed = Reclaimed(books)
    for reservation in due:
        reclaimed.end(reservation)
    reclaimed.post((), NO_FLOORS, cause=cause)
    return tuple(r.id for r in due)


def extend(books: LedgerTransaction, reservation: str, expires_in: timedelta | None) -> Reservation:
    """Give a reservation more time, counted from the store's clock; None makes it stand until it is ended.

    What it waits for gets the same time. Raises NotFound, and CommandRefused (`stock.nothing_reserved`) when it has
    nothing reserved and waits for nothing any more, or its time has already run out.

    >>> from omscore.inventory import MemoryBooks, receive
    >>> books = MemoryBooks()
    >>> receive(books, {Cell("A", "x"): 5}, cause="dock-7")
    >>> _ = reserve(books, "ord-1", [Want("A", 1)], cause="web-1", expires_in=timedelta(minutes=7))
    >>> extend(books, "ord-1", None).expires_at
    """
    own = found(books, reservation)
    now = books.now()
    expires_at = deadline(now, expires_in)
    ran_out = own.expires_at is not None and own.expires_at <= now
    waits = not ran_out and prolong(books, reservation, expires_at)
    if ran_out or not (waits or own.units("reserved")):
        over = Reason(
            "stock.nothing_reserved",
            f"reservation {reservation!r} holds no reserved units any more; reserve again",
            {"reservation": reservation, "ended": own.ended or "expired"},
        )
        raise CommandRefused([over])
    extended = own.moved((), expires_at=expires_at)
    books.save_reservation(extended)
    return extended


def found(books: Books, reservation: str) -> Reservation:
    """A reservation that must be there; raises NotFound."""
    own = books.reservation(reservation)
    if own is None:
        raise NotFound("reservation", reservation)
    return own
