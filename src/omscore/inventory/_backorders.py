"""Backorders: units somebody waits for, pegged to dated supply where there is some, oldest first in a priority."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import evolve, frozen

from omscore.errors import InsufficientStock, Shortage
from omscore.inventory._books import LedgerTransaction, Records, Stored, version_of
from omscore.inventory._supply import Atp, Supply, atp, pages, supplies
from omscore.kernel.ids import joined, key

_KIND = "ledger.backorder"
PRIORITY_MAX = 10**9
"""The highest priority, and with a minus the lowest: what waits is sorted by it as text."""

Waiting = tuple[str, int, tuple[str, ...] | None, tuple[str, ...]]


@frozen
class Promise:
    """A date for units that are not there yet; None when no supply is announced that covers them.

    >>> Promise("ord-1", "SKU-1", 3, None).promised_at
    """

    reservation: str
    item: str
    units: int
    promised_at: datetime | None


@frozen
class Repromise:
    """A promise that became untrue: what it was, and what it is now.

    >>> Repromise("ord-1", "SKU-1", 3, was=None, now=None).units
    3
    """

    reservation: str
    item: str
    units: int
    was: datetime | None
    now: datetime | None


@frozen
class Backorder:
    """Units of an item that a reservation waits for, in the queue since `since`.

    >>> from datetime import UTC
    >>> Backorder("ord-1", "SKU-1", 3, since=datetime(2026, 3, 2, tzinfo=UTC)).units
    3
    """

    reservation: str
    item: str
    units: int
    since: datetime
    priority: int = 0
    channel: str = ""
    nodes: tuple[str, ...] | None = None
    pools: tuple[str, ...] = ("",)
    promised_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def id(self) -> str:
        """The record's id: the reservation and the item.

        >>> from datetime import UTC
        >>> Backorder("ord-1", "SKU-1", 3, since=datetime(2026, 3, 2, tzinfo=UTC)).id
        'ord-1 SKU-1'
        """
        return joined(self.reservation, self.item, " ")

    @property
    def turn(self) -> tuple[str, str]:
        """Its place in the queue: higher priority first, then older, then by id.

        >>> from datetime import UTC
        >>> Backorder("ord-1", "SKU-1", 3, since=datetime(2026, 3, 2, tzinfo=UTC)).turn[1]
        'ord-1 SKU-1'
        """
        return f"{PRIORITY_MAX - self.priority:010d} {self.since.isoformat()}", self.id


def save_backorder(books: Records, line: Backorder, version: int) -> None:
    """Write a backorder read at a version; one without units left drops out of the queue."""
    index = {"all": line.id}
    if line.units:
        index |= {f"item:{line.item}": line.turn[0], f"owner:{line.reservation}": line.item}
    books.put(_KIND, line.id, line, version=version, index=index)


def _read(books: Records, index: str) -> list[Stored]:
    return [stored for _, id_ in pages(books, _KIND, index) if (stored := books.get(_KIND, id_)) is not None]


def queue_of(books: Records, item: str) -> list[tuple[Backorder, int]]:
    """Who waits for an item, in the order in which they will be served, each with the version it was read at."""
    return [(stored.value, stored.version) for stored in _read(books, f"item:{item}")]


def backorders(books: Records, item: str) -> list[Backorder]:
    """Who waits for an item, in the order in which they will be served: by priority, oldest first.

    >>> from omscore.inventory import MemoryBooks
    >>> backorders(MemoryBooks(), "SKU-1")
    []
    """
    return [line for line, _ in queue_of(books, item)]


def backorders_of(books: Records, reservation: str) -> list[Backorder]:
    """What a reservation waits for, by item.

    >>> from omscore.inventory import MemoryBooks
    >>> backorders_of(MemoryBooks(), "ord-1")
    []
    """
    return [stored.value for stored in _read(books, f"owner:{reservation}")]


def drop_backorders(books: Records, reservation: str, *, keep: frozenset[str] = frozenset()) -> int:
    """Stop waiting, for all items but those to keep; returns the units that nobody waits for any more."""
    dropped = 0
    for stored in _read(books, f"owner:{reservation}"):
        line: Backorder = stored.value
        if line.item not in keep:
            dropped += line.units
            save_backorder(books, evolve(line, units=0, promised_at=None), stored.version)
    return dropped


def wait(
    books: LedgerTransaction,
    reservation: str,
    waiting: Sequence[Waiting],
    *,
    channel: str = "",
    priority: int = 0,
    expires_at: datetime | None = None,
    since: datetime | None = None,
    dated: bool = False,
    replace: bool = True,
) -> tuple[Promise, ...]:
    """Put units in the queue, in place of what the reservation waited for or on top, and date them where supply covers.

    One line for each item; lines of one item are summed and wait at the nodes and pools of the first. Waiting again
    keeps the place in the queue. With `dated`, raises InsufficientStock when a line gets no date.
    """
    now = books.now()
    before = {stored.value.item: stored for stored in _read(books, f"owner:{reservation}")}
    old = [stored.value for stored in before.values()]
    lines: dict[str, Waiting] = {} if replace else {b.item: (b.item, b.units, b.nodes, b.pools) for b in old}
    changed = {item for item, *_ in waiting}
    for item, units, nodes, pools in waiting:
        if item in lines:
            _, n, nodes, pools = lines[item]  # noqa: PLW2901 - the first line's
            units += n  # noqa: PLW2901 - and the sum of both
        lines[item] = (item, units, nodes, pools)
    drop_backorders(books, reservation, keep=frozenset(lines))
    promises, shortages = [], []
    for item in sorted(changed):
        key(item, "item")
        _, units, nodes, pools = lines[item]
        waits = before[item].value.since if item in before else since or now
        line = Backorder(reservation, item, units, waits, priority, channel, nodes, pools, expires_at=expires_at)
        others = [b for b in waiting_still(books, item, now) if b.reservation != reservation]
        curve = _curve(line, supplies(books, item), others, now)
        line = evolve(line, promised_at=curve.first(units, earliest=now))
        if dated and line.promised_at is None:
            shortages.append(Shortage(item, units, min(units, curve.steps[-1][1] if curve.steps else 0)))
        # One that was served before is still there, without units.
        save_backorder(books, line, version_of(before.get(item) or books.get(_KIND, line.id)))
        promises.append(Promise(reservation, item, units, line.promised_at))
    if shortages:
        raise InsufficientStock(shortages)
    return tuple(promises)


def waiting_still(books: Records, item: str, now: datetime) -> list[Backorder]:
    """The queue without those whose reservation has run out."""
    return [b for b in backorders(books, item) if b.expires_at is None or b.expires_at > now]


def prolong(books: Records, reservation: str, expires_at: datetime | None) -> bool:
    """Let what a reservation waits for run out at another time; False when it waits for nothing."""
    lines = _read(books, f"owner:{reservation}")
    for stored in lines:
        save_backorder(books, evolve(stored.value, expires_at=expires_at), stored.version)
    return bool(lines)


def _curve(line: Backorder, lines: Sequence[Supply], others: Sequence[Backorder], now: datetime) -> Atp:
    # What is overdue is no supply until it has a new date. Where the nodes of two demands overlap, the other is taken
    # to come first: that can make a promise later, never untrue. Who waits without a date and comes before this one is
    # served from whatever comes first; who comes after it has no claim yet.
    reach = [(s.due_at, s.outstanding) for s in lines if s.due_at >= now and reaches(line, s.node, s.pool)]
    demand = [
        (max(b.promised_at or now, now), b.units)
        for b in others
        if meet(line, b) and (b.promised_at is not None or b.turn < line.turn)
    ]
    return atp(0, reach, demand)


def reaches(line: Backorder, node: str, pool: str) -> bool:
    """Whether units at a node and in a pool could serve a backorder."""
    return pool in line.pools and (line.nodes is None or node in line.nodes)


def meet(a: Backorder, b: Backorder) -> bool:
    """Whether two backorders could want the same units."""
    return bool(set(a.pools) & set(b.pools)) and (
        a.nodes is None or b.nodes is None or bool(set(a.nodes) & set(b.nodes))
    )


def repromise(books: LedgerTransaction, item: str) -> tuple[Repromise, ...]:
    """After supply changed: keep every promise that still holds, give new dates to the others, and list those.

    The queue decides who keeps a date where not all can: higher priority first, then older. A promise that still holds
    is never moved, not even to an earlier date; who waits without a date gets the first one there is.

    >>> from omscore.inventory import MemoryBooks
    >>> repromise(MemoryBooks(), "SKU-1")
    ()
    """
    now = books.now()
    read = [(line, n) for line, n in queue_of(books, item) if line.expires_at is None or line.expires_at > now]
    queue, versions = [line for line, _ in read], {line.id: n for line, n in read}
    if not queue:
        return ()
    lines = supplies(books, item)
    settled: list[Backorder] = []
    for line in queue:
        # What was promised for a time that has passed holds only if the supply is due this instant.
        if line.promised_at is not None:
            when = max(line.promised_at, now)
            if _curve(line, lines, settled, now).at(when) >= line.units:
                settled.append(line)
    kept = {line.id for line in settled}
    changes = []
    for line in queue:
        if line.id in kept:
            continue
        date = _curve(line, lines, settled, now).first(line.units, earliest=now)
        settled.append(evolve(line, promised_at=date))
        if date != line.promised_at:
            changes.append(Repromise(line.reservation, item, line.units, line.promised_at, date))
            save_backorder(books, settled[-1], versions[line.id])
    return tuple(changes)


def pegs(books: Records, item: str) -> dict[str, tuple[tuple[str, int], ...]]:
    """Which announced supply each promise rests on: (supply, units) pairs by reservation.

    The earliest promise takes from the earliest supply that it may use; of two for one time the one with fewer nodes to
    choose from comes first. Units that no supply covers in time are left out: run :func:`repromise`.

    >>> from datetime import UTC
    >>> from omscore.inventory import MemoryBooks, Want, expect, reserve
    >>> books = MemoryBooks()
    >>> _ = expect(books, "po-1", "SKU-1", "ghent", 5, datetime(2026, 3, 3, tzinfo=UTC))
    >>> _ = expect(books, "po-2", "SKU-1", "ghent", 5, datetime(2026, 3, 5, tzinfo=UTC))
    >>> _ = reserve(books, "ord-1", [Want("SKU-1", 7)], cause="web-1", policy="promise")
    >>> pegs(books, "SKU-1")
    {'ord-1': (('po-1', 5), ('po-2', 2))}
    """
    lines = supplies(books, item)
    left = {line.id: line.outstanding for line in lines}
    dated = [b for b in backorders(books, item) if b.promised_at is not None]
    dated.sort(key=lambda b: (b.promised_at, len(lines) if b.nodes is None else len(b.nodes), b.turn))
    result: dict[str, tuple[tuple[str, int], ...]] = {}
    for b in dated:
        taken, rest = [], b.units
        for line in lines:
            if b.promised_at is not None and line.due_at <= b.promised_at and reaches(b, line.node, line.pool):
                n = min(rest, left[line.id])
                if n:
                    left[line.id] -= n
                    rest -= n
                    taken.append((line.id, n))
        result[b.reservation] = tuple(taken)
    return result
