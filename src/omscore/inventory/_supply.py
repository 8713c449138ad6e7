"""Dated supply: what is expected when, and what may be promised from it by when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from attrs import evolve, frozen

from omscore.errors import CommandRefused, NotFound, Reason
from omscore.inventory._books import Records, version_of
from omscore.kernel.ids import key
from omscore.kernel.quantities import quantity
from omscore.kernel.times import utc

_KIND = "ledger.supply"
_PAGE = 1_000


@frozen
class Supply:
    """Units of an item that are due at a node: a purchase order's line, a production run, a transfer on its way.

    >>> from datetime import UTC
    >>> Supply("po-1", "SKU-1", "ghent", 100, datetime(2026, 3, 3, tzinfo=UTC), received=40).outstanding
    60
    """

    id: str
    item: str
    node: str
    units: int
    due_at: datetime
    pool: str = ""
    received: int = 0

    @property
    def outstanding(self) -> int:
        """The units still to come; none when more came than was expected.

        >>> from datetime import UTC
        >>> Supply("po-1", "A", "x", 5, datetime(2026, 3, 3, tzinfo=UTC), received=7).outstanding
        0
        """
        return max(0, self.units - self.received)


def pages(books: Records, kind: str, index: str) -> Iterable[tuple[str, str]]:
    """All (sort key, id) of an index, however many."""
    after = ("", "")
    while True:
        page = books.find(kind, index, after=after, limit=_PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1]


def supply(books: Records, id: str) -> Supply | None:  # noqa: A002 - the field's word for it
    """A line of dated supply, or None.

    >>> from omscore.inventory import MemoryBooks
    >>> supply(MemoryBooks(), "po-1")
    """
    stored = books.get(_KIND, id)
    found: Supply | None = stored.value if stored else None
    return found


def save_supply(books: Records, line: Supply, version: int) -> None:
    """Write a line of supply read at a version; what has come in wholly is no longer found by its item."""
    index = {"all": line.id}
    if line.outstanding:
        index[f"item:{line.item}"] = line.due_at.isoformat()
    books.put(_KIND, line.id, line, version=version, index=index)


def supplies(books: Records, item: str) -> list[Supply]:
    """What is still to come of an item, earliest first.

    >>> from omscore.inventory import MemoryBooks
    >>> supplies(MemoryBooks(), "SKU-1")
    []
    """
    return [line for _, id_ in pages(books, _KIND, f"item:{item}") if (line := supply(books, id_)) is not None]


def expect(
    books: Records,
    id: str,  # noqa: A002 - the field's word for it
    item: str,
    node: str,
    units: int,
    due_at: datetime,
    *,
    pool: str = "",
) -> Supply:
    """Announce supply, or correct what was announced under the same id: later, earlier, more, fewer, none.

    Nothing moves in the ledger: expected units are a promise by a supplier and not stock. Run :func:`repromise` after
    it, which lists the promises that this makes untrue and gives them new dates.

    Raises CommandRefused (`supply.other`) when the id announces another item, node or pool.

    >>> from datetime import UTC
    >>> from omscore.inventory import MemoryBooks
    >>> books = MemoryBooks()
    >>> expect(books, "po-1", "SKU-1", "ghent", 100, datetime(2026, 3, 3, tzinfo=UTC)).outstanding
    100
    """
    for name, text in (("supply", id), ("item", item), ("node", node)):
        key(text, name)
    if pool != "":
        key(pool, "pool")
    line = Supply(id, item, node, quantity(units, f"units of {item!r}", at_least=0), utc(due_at, "due_at"), pool)
    stored = books.get(_KIND, id)
    if stored is not None:
        old = stored.value
        if (old.item, old.node, old.pool) != (item, node, pool):
            other = Reason(
                "supply.other",
                f"{id!r} announces {old.item!r} at {old.node!r} already; use one id for each item, node and pool",
                {"supply": id, "item": old.item, "node": old.node, "pool": old.pool},
            )
            raise CommandRefused([other])
        line = evolve(line, received=old.received)
    save_supply(books, line, version_of(stored))
    return line


def arrived(books: Records, id: str, units: int) -> Supply:  # noqa: A002 - the field's word for it
    """Note that units of a supply have come in; what stands in the ledger is `receive`'s work.

    Raises NotFound.

    >>> from omscore.inventory import MemoryBooks
    >>> arrived(MemoryBooks(), "po-1", 5)
    Traceback (most recent call last):
    omscore.errors.NotFound: no supply with id 'po-1'
    """
    stored = books.get(_KIND, id)
    if stored is None:
        raise NotFound("supply", id)
    line: Supply = evolve(stored.value, received=stored.value.received + units)
    save_supply(books, line, stored.version)
    return line


@frozen
class Atp:
    """What may be promised of an item by when: from each time on, that many units at least (available to promise).

    Cumulative with look-ahead, as the APICS dictionary has it: units that a later promise needs are not offered
    earlier.

    >>> from datetime import UTC
    >>> curve = atp(5, [(datetime(2026, 3, 9, tzinfo=UTC), 100)], [(datetime(2026, 3, 9, tzinfo=UTC), 3)])
    >>> print(curve)
    now          5
    2026-03-09   102
    """

    now: int
    steps: tuple[tuple[datetime, int], ...] = ()

    def at(self, when: datetime) -> int:
        """The units that may be promised for a time.

        >>> from datetime import UTC
        >>> Atp(5, ((datetime(2026, 3, 9, tzinfo=UTC), 102),)).at(datetime(2026, 3, 8, tzinfo=UTC))
        5
        """
        units = self.now
        for time, n in self.steps:
            if time > when:
                break
            units = n
        return units

    def first(self, units: int, *, earliest: datetime) -> datetime | None:
        """The first time, not before `earliest`, for which so many units may be promised; None when never.

        >>> from datetime import UTC
        >>> curve = Atp(5, ((datetime(2026, 3, 9, tzinfo=UTC), 102),))
        >>> curve.first(6, earliest=datetime(2026, 3, 2, tzinfo=UTC)).day
        9
        """
        if self.at(earliest) >= units:
            return earliest
        return next((time for time, n in self.steps if time > earliest and n >= units), None)

    def __str__(self) -> str:
        rows = [("now", self.now), *((f"{time:%Y-%m-%d}", n) for time, n in self.steps)]
        return "\n".join(f"{when:<12} {n}" for when, n in rows)


def atp(
    free: int,
    supply: Sequence[tuple[datetime, int]],
    demand: Sequence[tuple[datetime, int]],
) -> Atp:
    """The units available to promise over time: ATP(t) is the least of supply minus demand at t and at any time after.

    `free` is there now; `supply` and `demand` are (time, units) in any order; demand due in the past counts as due now.
    Below 0 is shown as 0: nothing may be promised, and somebody has been promised too much.

    >>> from datetime import UTC
    >>> day = lambda n: datetime(2026, 3, n, tzinfo=UTC)
    >>> atp(10, [(day(5), 20)], [(day(3), 4), (day(6), 8)]).steps
    ((datetime.datetime(2026, 3, 3, ...), 6), (datetime.datetime(2026, 3, 5, ...), 18), ...)
    """
    changes: dict[datetime, int] = {}
    for time, n in supply:
        changes[time] = changes.get(time, 0) + n
    for time, n in demand:
        changes[time] = changes.get(time, 0) - n
    times = sorted(changes)
    level, levels = free, []
    for time in times:
        level += changes[time]
        levels.append(level)
    least, steps = level, []
    for time, at_time in zip(reversed(times), reversed(levels), strict=True):
        least = min(least, at_time)
        steps.append((time, max(0, least)))
    return Atp(max(0, min(free, least)), tuple(reversed(steps)))
