"""Unit buckets: every unit of an order line is in exactly one, and every command moves n units between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from attrs import frozen

from omscore.errors import CommandRefused, Reason

_new = tuple.__new__


class Units(NamedTuple):
    """How many units of a line are in each bucket; the sum is always what was ordered.

    >>> Units(open=5).moved("open", "reserved", 3)
    Units(open=2, reserved=3)
    """

    open: int = 0
    reserved: int = 0
    backordered: int = 0
    allocated: int = 0
    picked: int = 0
    packed: int = 0
    shipped: int = 0
    delivered: int = 0
    return_expected: int = 0
    returned: int = 0
    cancelled: int = 0

    @property
    def ordered(self) -> int:
        """What was ordered: the sum of all buckets.

        >>> Units(open=2, shipped=3).ordered
        5
        """
        return sum(self)

    def moved(self, source: str, target: str, n: int) -> Units:
        """These units after n of them went from one bucket to another.

        >>> Units(open=1).moved("open", "allocated", 2)
        Traceback (most recent call last):
        omscore.errors.CommandRefused: 1 unit is open, 2 cannot become allocated (units.too_few)
        """
        row = [*self]
        at = UNIT_INDEX[source]
        row[at] = rest = row[at] - n
        row[UNIT_INDEX[target]] += n
        if rest < 0:
            raise self._too_few(source, target, n)
        # Not Units(...): a move runs for every line of every event that is folded.
        return _new(Units, row)

    def _too_few(self, source: str, target: str, n: int) -> CommandRefused:
        has = self[UNIT_INDEX[source]]
        text = f"{has} {'unit is' if has == 1 else 'units are'} {source}, {n} cannot become {target}"
        return CommandRefused([Reason("units.too_few", text, {"bucket": source, "has": has, "asked": n})])

    def __add__(self, other: object) -> Units:
        if not isinstance(other, Units):
            return NotImplemented
        return Units(*map(sum, zip(self, other, strict=True)))

    def __repr__(self) -> str:
        filled = ", ".join(f"{name}={n}" for name, n in zip(self._fields, self, strict=True) if n)
        return f"Units({filled})"


UNIT_BUCKETS = Units._fields
"""The buckets, in the order of the one-way flow."""

UNIT_INDEX = {bucket: i for i, bucket in enumerate(UNIT_BUCKETS)}
"""Where a bucket stands in Units."""

FINAL_BUCKETS = ("delivered", "returned", "cancelled")
"""Where units stay when all is done."""


@frozen
class UnitMove:
    """What a verb does to units: the buckets it takes from, in that order, the one it puts them into.

    `gated` moves are progress: holds stop them. The others record what has happened, and nothing stops a fact.

    >>> UNIT_MOVES["pick"]
    UnitMove(sources=('allocated',), target='picked', gated=True)
    """

    sources: tuple[str, ...]
    target: str
    gated: bool = False

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((source, self.target) for source in self.sources)


# The table from which checks, legal next actions and the reference page come. Cancelling takes what is least bound
# first (Solidus: a backordered unit goes before one on hand); packed units are unpacked first, shipped ones return.
UNIT_MOVES: dict[str, UnitMove] = {
    "reserve": UnitMove(("open", "backordered"), "reserved"),
    "unreserve": UnitMove(("reserved",), "open"),
    "backorder": UnitMove(("open",), "backordered"),
    "allocate": UnitMove(("reserved", "open", "backordered"), "allocated", gated=True),
    "deallocate": UnitMove(("allocated",), "open"),
    "pick": UnitMove(("allocated",), "picked", gated=True),
    "unpick": UnitMove(("picked",), "allocated"),
    "pack": UnitMove(("picked",), "packed", gated=True),
    "unpack": UnitMove(("packed",), "picked"),
    "ship": UnitMove(("packed",), "shipped", gated=True),
    "deliver": UnitMove(("shipped",), "delivered"),
    "lose": UnitMove(("shipped",), "open"),
    "expect_return": UnitMove(("delivered", "shipped"), "return_expected"),
    "withdraw_return": UnitMove(("return_expected",), "delivered"),
    "receive_return": UnitMove(("return_expected",), "returned"),
    "cancel": UnitMove(("backordered", "open", "reserved", "allocated", "picked"), "cancelled"),
}

UNIT_SOURCES = {
    verb: tuple([(source, UNIT_INDEX[source]) for source in move.sources]) for verb, move in UNIT_MOVES.items()
}
"""Per verb, the buckets it takes from and where they stand in Units."""
