"""What a warehouse system has told of one fulfillment: sums that any order of the same messages leaves the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, frozen

from omscore.shipping._parcel import Parcel


@frozen
class FloorReport:
    """Units of each item that a warehouse system said were picked, packed, shipped or missing, in sum.

    `settled_short` are the missing ones that were acted upon. What was shipped was packed, what was packed was picked.

    >>> FloorReport("ord-1-f1", "ghent").told("shipped", {"MUG": 2}).picked_of("MUG")
    2
    """

    fulfillment: str
    node: str
    picked: Mapping[str, int] = field(factory=dict)
    packed: Mapping[str, int] = field(factory=dict)
    shipped: Mapping[str, int] = field(factory=dict)
    short: Mapping[str, int] = field(factory=dict)
    settled_short: Mapping[str, int] = field(factory=dict)
    parcels: tuple[Parcel, ...] = ()
    tracking: tuple[str, ...] = ()
    carrier: str = ""

    def told(
        self,
        kind: str,
        units: Mapping[str, int],
        parcels: tuple[Parcel, ...] = (),
        tracking: tuple[str, ...] = (),
        carrier: str = "",
    ) -> FloorReport:
        """This report after one more message; whoever calls sees to it that each is counted once.

        >>> report = FloorReport("ord-1-f1", "ghent").told("picked", {"MUG": 1})
        >>> report.told("picked", {"MUG": 1}).picked
        {'MUG': 2}
        """
        sums: dict[str, int] = dict(getattr(self, kind))
        for item, n in units.items():
            sums[item] = sums.get(item, 0) + n
        changes: dict[str, Any] = {kind: dict(sorted(sums.items()))}
        return evolve(
            self,
            **changes,
            parcels=tuple(sorted((*self.parcels, *parcels), key=lambda parcel: parcel.id)),
            tracking=tuple(sorted({*self.tracking, *tracking})),
            carrier=max(self.carrier, carrier),
        )

    def picked_of(self, item: str) -> int:
        """Units of an item that must have been picked by now.

        >>> FloorReport("ord-1-f1", "ghent").told("picked", {"MUG": 1}).told("packed", {"MUG": 2}).picked_of("MUG")
        2
        """
        return max(self.picked.get(item, 0), self.packed_of(item))

    def packed_of(self, item: str) -> int:
        """Units of an item that must have been packed by now.

        >>> FloorReport("ord-1-f1", "ghent").told("picked", {"MUG": 1}).packed_of("MUG")
        0
        """
        return max(self.packed.get(item, 0), self.shipped.get(item, 0))
