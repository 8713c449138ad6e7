"""Victims: whose units go when there are fewer than were promised, by a policy that the caller chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from attrs import frozen

from omscore.inventory._books import Books, Reservation
from omscore.inventory._cells import Cell, Movement
from omscore.inventory._reserve import expiry

VictimOrder = Callable[[Iterable[Reservation]], list[Reservation]]
"""Puts reservations in the order in which they lose units, the first first."""

_NEVER = datetime.min.replace(tzinfo=UTC)


def newest_first(reservations: Iterable[Reservation]) -> list[Reservation]:
    """Who came last loses first; of two that came together the higher id.

    >>> [r.id for r in newest_first([Reservation("ord-1", {}), Reservation("ord-2", {})])]
    ['ord-2', 'ord-1']
    """
    return sorted(reservations, key=lambda r: (r.since or _NEVER, r.id), reverse=True)


def lowest_priority_first(reservations: Iterable[Reservation]) -> list[Reservation]:
    """The lowest priority loses first, and within one who came last.

    >>> rs = [Reservation("ord-1", {}, priority=1), Reservation("ord-2", {}), Reservation("ord-3", {})]
    >>> [r.id for r in lowest_priority_first(rs)]
    ['ord-3', 'ord-2', 'ord-1']
    """
    return sorted(newest_first(reservations), key=lambda r: r.priority)


def fewest_orders(reservations: Iterable[Reservation]) -> list[Reservation]:
    """Who holds most loses first, so that the fewest orders are hit; of equals who came last.

    >>> cell = Cell("A", "x")
    >>> rs = [Reservation("ord-1", {(cell, "reserved"): 1}), Reservation("ord-2", {(cell, "reserved"): 5})]
    >>> [r.id for r in fewest_orders(rs)]
    ['ord-2', 'ord-1']
    """
    return sorted(newest_first(reservations), key=lambda r: -sum(r.held.values()))


@frozen
class Victim:
    """A reservation that lost units: how many, from where, and of which bucket.

    >>> Victim("ord-1", Cell("A", "x"), "reserved", 2, channel="web", priority=0).units
    2
    """

    reservation: str
    cell: Cell
    bucket: str
    units: int
    channel: str
    priority: int


def end_run_out(books: Books, cell: Cell, *, cause: str, touched: dict[str, Reservation]) -> list[Movement]:
    """The movements that end reservations in a cell whose time has run out, so that nobody else loses units."""
    movements: list[Movement] = []
    more = True
    while more:
        more = False
        for due in books.reservations_due(books.now(), cell=cell, limit=1_000 + len(touched)):
            if due.id not in touched:
                more = True
                moves = expiry(due, cause)
                touched[due.id] = due.moved(moves, ended="expired", expires_at=None)
                movements += moves
    return movements


def take_away(
    books: Books,
    cell: Cell,
    units: int,
    order: VictimOrder,
    *,
    cause: str,
    buckets: Sequence[str] = ("reserved", "allocated"),
    among: Callable[[Reservation], bool] = lambda _: True,
    touched: dict[str, Reservation],
) -> tuple[list[Movement], list[Victim]]:
    """The movements that take units of a cell from those who hold them, soft holds before hard ones.

    `touched` collects the reservations as they are afterwards, to be saved once the movements are posted. Takes as many
    as there are; the caller sees from the victims whether that was enough.
    """
    movements: list[Movement] = []
    victims: list[Victim] = []
    holders = [touched.get(r.id, r) for r in books.reservations_at(cell)]
    for bucket in buckets:
        for holder in order(r for r in holders if among(r) and r.held.get((cell, bucket))):
            own = touched.get(holder.id, holder)
            n = min(units, own.held[cell, bucket])
            if not n:
                return movements, victims
            units -= n
            move = Movement(cell, bucket, "free", n, "release", cause, own.id)
            after = own.moved([move])
            if own.units("reserved") and not after.units("reserved"):
                after = after.moved((), ended="released", expires_at=None)
            touched[own.id] = after
            movements.append(move)
            victims.append(Victim(own.id, cell, bucket, n, own.channel, own.priority))
    return movements, victims
