"""Scarce stock: a higher priority takes units from lower ones, and everybody who lost some is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from attrs import frozen

from omscore.errors import InsufficientStock
from omscore.inventory._backorders import Promise, wait
from omscore.inventory._books import LedgerTransaction, Reservation
from omscore.inventory._cells import Cell
from omscore.inventory._reserve import NO_FLOORS, Reserved, Want, candidates, reserve
from omscore.inventory._stock import save_all
from omscore.inventory._victims import Victim, VictimOrder, lowest_priority_first, take_away


@frozen
class Outranked:
    """What a reservation got, whose units it took, and when the victims may expect theirs.

    >>> Outranked(Reserved("ord-9", {}, {}), ()).victims
    ()
    """

    reserved: Reserved
    victims: tuple[Victim, ...]
    promises: tuple[Promise, ...] = ()


def let_wait(books: LedgerTransaction, victims: Sequence[Victim]) -> tuple[Promise, ...]:
    """Put what victims lost into the queue, with the priority they had and the place of when they first took units.

    >>> from omscore.inventory import MemoryBooks
    >>> let_wait(MemoryBooks(), [Victim("ord-1", Cell("A", "x"), "reserved", 2, "web", 0)])
    (Promise(reservation='ord-1', item='A', units=2, promised_at=None),)
    """
    lost: dict[str, list[Victim]] = {}
    for victim in victims:
        lost.setdefault(victim.reservation, []).append(victim)
    promises: list[Promise] = []
    for id_, own in lost.items():
        kept = books.reservation(id_)
        promises += wait(
            books,
            id_,
            [(v.cell.item, v.units, None, (v.cell.pool,)) for v in own],
            channel=own[0].channel,
            priority=own[0].priority,
            expires_at=kept.expires_at if kept else None,
            since=kept.since if kept else None,
            replace=False,
        )
    return tuple(promises)


def outrank(
    books: LedgerTransaction,
    reservation: str,
    wants: Sequence[Want],
    *,
    cause: str,
    priority: int,
    expires_in: timedelta | None = None,
    floors: Mapping[Cell, int] = NO_FLOORS,
    channel: str = "",
    hard: bool = False,
    order: VictimOrder = lowest_priority_first,
) -> Outranked:
    """Reserve all of what is wanted, taking from reservations of lower priority where there is not enough.

    Free units go first, so that nobody loses more than is needed. Only soft holds are taken, or allocated units too
    with `hard`; never from an equal or higher priority, and never what is picked. The victims wait in the queue with
    their old priority and seniority, so that they are served before whoever comes later.

    Raises InsufficientStock, with nothing moved, when even that is not enough.

    >>> from omscore.inventory import MemoryBooks, receive
    >>> books = MemoryBooks()
    >>> receive(books, {Cell("A", "x"): 5}, cause="dock-7")
    >>> _ = reserve(books, "ord-1", [Want("A", 4)], cause="web-1")
    >>> got = outrank(books, "ord-2", [Want("A", 3)], cause="vip-1", priority=5)
    >>> [(v.reservation, v.units) for v in got.victims]
    [('ord-1', 2)]
    """
    now = books.now()

    def lower(other: Reservation) -> bool:
        # What has run out was counted as free already.
        stands = other.expires_at is None or other.expires_at > now
        return stands and other.priority < priority and other.id != reservation

    victims: list[Victim] = []
    while True:
        try:
            reserved = reserve(
                books,
                reservation,
                wants,
                cause=cause,
                expires_in=expires_in,
                floors=floors,
                channel=channel,
                priority=priority,
            )
        except InsufficientStock as refused:
            missing = {s.item: s.asked - s.available for s in refused.shortages}
            movements, touched = [], dict[str, Reservation]()
            before = len(victims)
            for want in wants:
                for cell, _ in candidates(books, want, None):
                    if missing.get(want.item, 0):
                        moves, lost = take_away(
                            books,
                            cell,
                            missing[want.item],
                            order,
                            cause=cause,
                            buckets=("reserved", "allocated") if hard else ("reserved",),
                            among=lower,
                            touched=touched,
                        )
                        movements += moves
                        victims += lost
                        missing[want.item] -= sum(v.units for v in lost)
            if len(victims) == before:
                raise
            books.post(movements, NO_FLOORS)
            save_all(books, touched)
        else:
            break
    return Outranked(reserved, tuple(victims), let_wait(books, victims))
