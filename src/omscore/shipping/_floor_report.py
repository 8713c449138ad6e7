"""What a warehouse system has told of one fulfillment: sums that any order of the same messages leaves the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, frozen

from omscore.kernel import quantity
from omscore.kernel.given import listed, mapped, names, one_of, text, texts
from omscore.shipping._parcel import Parcel

_KINDS = ("picked", "packed", "shipped", "short")


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

        Raises InvalidValue for another kind, and for what are no units.

        >>> report = FloorReport("ord-1-f1", "ghent").told("picked", {"MUG": 1})
        >>> report.told("picked", {"MUG": 1}).picked
        {'MUG': 2}
        """
        one_of("the kind of a report", kind, _KINDS)
        parcels = listed("parcels", parcels, Parcel, "Parcel('p-1', weight_grams=900)")
        tracking = names("tracking numbers", tracking, "T1")
        texts(carrier=carrier)
        sums: dict[str, int] = dict(getattr(self, kind))
        for item, n in mapped("units", units, "{'MUG': 2}").items():
            quantity(n, f"units of {item!r}", at_least=0)
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
        text("item", item)
        return max(self.picked.get(item, 0), self.packed_of(item))

    def packed_of(self, item: str) -> int:
        """Units of an item that must have been packed by now.

        >>> FloorReport("ord-1-f1", "ghent").told("picked", {"MUG": 1}).packed_of("MUG")
        0
        """
        text("item", item)
        return max(self.packed.get(item, 0), self.shipped.get(item, 0))
