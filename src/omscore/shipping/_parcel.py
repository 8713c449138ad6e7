"""Parcels: what a carrier is handed, and how a packing becomes parcels."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from omscore.batching import Packing
from omscore.kernel import key, quantity
from omscore.kernel.given import mapped, of_kind, texts


@frozen
class Parcel:
    """What a carrier is handed: weight in grams, outer size in millimeters, and the units of each item inside.

    A size of 0 is one that nobody measured. Raises InvalidValue naming the figure that is no whole number, or negative.

    >>> Parcel("p-1", 1_250, {"SKU-1": 2}).weight_grams
    1250
    >>> Parcel("p-1", 1_250, {"SKU-1": 0})
    Traceback (most recent call last):
    omscore.errors.InvalidValue: parcel 'p-1': units of 'SKU-1' must be at least 1, not 0
    """

    id: str
    weight_grams: int
    contents: Mapping[str, int] = field(factory=dict)
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0

    def __attrs_post_init__(self) -> None:
        key(self.id, "parcel id")
        for name in ("weight_grams", "length_mm", "width_mm", "height_mm"):
            quantity(getattr(self, name), f"parcel {self.id!r}: {name}", at_least=0)
        for item, n in mapped(f"contents of parcel {self.id!r}", self.contents, "{'SKU-1': 2}").items():
            key(item, f"parcel {self.id!r}: item")
            quantity(n, f"parcel {self.id!r}: units of {item!r}")


def parcels_of(packing: Packing, prefix: str = "p") -> tuple[Parcel, ...]:
    """The parcels of a packing, numbered, each with its outer size, its gross weight and the units inside.

    >>> from omscore.batching import Carton, PackLine, choose_cartons
    >>> from omscore.kernel import Dimensions, Item
    >>> mug = Item("MUG", weight_grams=300, dimensions=Dimensions(90, 90, 100))
    >>> parcels_of(choose_cartons([PackLine("1", mug, 2)], [Carton("S", Dimensions(200, 100, 100), 5_000)]))
    (Parcel(id='p-1', weight_grams=600, contents={'MUG': 2}, length_mm=200, width_mm=100, height_mm=100),)
    """
    of_kind("packing", packing, Packing, "choose_cartons(lines, cartons)")
    texts(prefix=prefix)
    return tuple(
        Parcel(
            f"{prefix}-{n}",
            box.weight_grams,
            dict(box.items),
            box.size.length_mm,
            box.size.width_mm,
            box.size.height_mm,
        )
        for n, box in enumerate(packing.parcels, 1)
    )
