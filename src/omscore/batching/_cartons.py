"""What packing is given and what it gives: cartons and lines in; parcels with the place of every piece out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Protocol

from attrs import asdict, field, frozen

from omscore.batching._stacking import Size
from omscore.errors import InvalidValue, Reason
from omscore.kernel import Dimensions, Item, quantity
from omscore.kernel.given import name_set


@frozen
class Carton:
    """A kind of box to pack into: its inner size, what it may hold in grams, and what it weighs itself.

    `outer` is the size a carrier measures; left out, the inner size stands for it.

    >>> Carton("M", Dimensions(300, 200, 150), weight_max=20_000, tare_grams=180).inner.volume_mm3
    9000000
    """

    id: str
    inner: Dimensions
    weight_max: int
    tare_grams: int = 0
    outer: Dimensions | None = None

    def __attrs_post_init__(self) -> None:
        for name in ("inner", "outer"):
            size = getattr(self, name)
            if not isinstance(size, Dimensions) and (size is not None or name == "inner"):
                raise InvalidValue(f"{name} of carton {self.id!r} is Dimensions(300, 200, 150) in mm, not {size!r}")
        quantity(self.weight_max, f"weight_max of carton {self.id!r}, in grams,")
        quantity(self.tare_grams, f"tare_grams of carton {self.id!r}", at_least=0)


def _tags(tags: Iterable[str]) -> frozenset[str]:
    return name_set("tags", tags, "fragile")


@frozen
class PackLine:
    """Units of an item to pack for an order line; `tags` are added to the item's own (a gift, for this order).

    >>> PackLine("1", Item("MUG", dimensions=Dimensions(90, 90, 100)), 2, tags={"gift"}).units
    2
    """

    line: str
    item: Item
    units: int = 1
    tags: frozenset[str] = field(default=frozenset(), converter=_tags)

    def __attrs_post_init__(self) -> None:
        quantity(self.units, f"units of line {self.line!r}")


@frozen
class Placed:
    """One piece in a carton: the near lower left corner and the size as turned, in millimeters, padding included.

    >>> Placed("1", "MUG", at=(0, 0, 0), size=(90, 90, 100)).size
    (90, 90, 100)
    """

    line: str
    item: str
    at: Size
    size: Size


@frozen
class PackedCarton:
    """A packed parcel: its pieces in the order in which to put them in, bottom first.

    `carton` is the carton's id, or "own box" for a piece that ships as it is. `weight_grams` is gross; `void_mm3` is
    what stays empty.

    >>> PackedCarton("M", Dimensions(9, 9, 9), (Placed("1", "MUG", (0, 0, 0), (3, 3, 3)),), weight_grams=200).carton
    'M'
    """

    carton: str
    inner: Dimensions
    pieces: tuple[Placed, ...]
    weight_grams: int
    notes: tuple[str, ...] = ()
    outer: Dimensions | None = None

    @property
    def size(self) -> Dimensions:
        """The size a carrier measures: the outer one, or the inner one where no other is known.

        >>> PackedCarton("M", Dimensions(9, 9, 9), (), 200, outer=Dimensions(10, 10, 11)).size.height_mm
        11
        """
        return self.outer or self.inner

    @property
    def items(self) -> dict[str, int]:
        """Units by item, in item order: what a carrier's customs form and a packing slip ask for.

        >>> PackedCarton("M", Dimensions(9, 9, 9), (Placed("1", "MUG", (0, 0, 0), (3, 3, 3)),), 200).items
        {'MUG': 1}
        """
        return dict(sorted(Counter(piece.item for piece in self.pieces).items()))

    @property
    def contents(self) -> dict[str, int]:
        """Units by line, in line order.

        >>> box = PackedCarton("M", Dimensions(9, 9, 9), (Placed("1", "MUG", (0, 0, 0), (3, 3, 3)),), 200)
        >>> box.contents
        {'1': 1}
        """
        return dict(sorted(Counter(piece.line for piece in self.pieces).items()))

    @property
    def void_mm3(self) -> int:
        """The volume that stays empty, in cubic millimeters.

        >>> PackedCarton("M", Dimensions(9, 9, 9), (Placed("1", "MUG", (0, 0, 0), (3, 3, 3)),), 200).void_mm3
        702
        """
        return self.inner.volume_mm3 - sum(dx * dy * dz for dx, dy, dz in (piece.size for piece in self.pieces))

    @property
    def void_percent(self) -> float:
        """The share of the carton that stays empty, in percent to one decimal.

        >>> PackedCarton("M", Dimensions(10, 10, 10), (Placed("1", "MUG", (0, 0, 0), (5, 10, 10)),), 200).void_percent
        50.0
        """
        return round(100 * self.void_mm3 / self.inner.volume_mm3, 1)

    def to_dict(self) -> dict[str, Any]:
        """The parcel as plain data that json can write.

        >>> PackedCarton("M", Dimensions(9, 9, 9), (), 200).to_dict()["void_percent"]
        100.0
        """
        return asdict(self) | {
            "contents": self.contents,
            "void_mm3": self.void_mm3,
            "void_percent": self.void_percent,
        }


@frozen
class RefusedLine:
    """Units of a line that go into no carton, and why.

    >>> RefusedLine("1", "SOFA", 1, Reason("packing.too_large", "larger than every carton")).reason.code
    'packing.too_large'
    """

    line: str
    item: str
    units: int
    reason: Reason


@frozen
class Packing:
    """Parcels for an order, what was refused, and how few parcels volume and weight allow at all.

    >>> from omscore.batching import choose_cartons
    >>> print(choose_cartons([PackLine("1", Item("MUG", dimensions=Dimensions(90, 90, 100)), 2)],
    ...     [Carton("S", Dimensions(200, 100, 100), weight_max=5_000)]))
    1 parcel, 19.0 % empty
    S: 2 pieces, 0 g, 19.0 % empty
    """

    parcels: tuple[PackedCarton, ...]
    refused: tuple[RefusedLine, ...] = ()
    parcels_min: int = 0

    @property
    def void_mm3(self) -> int:
        """The empty volume of all parcels together, in cubic millimeters.

        >>> Packing(()).void_mm3
        0
        """
        return sum(parcel.void_mm3 for parcel in self.parcels)

    @property
    def void_percent(self) -> float:
        """The empty share of all parcels together, in percent to one decimal.

        >>> Packing(()).void_percent
        0.0
        """
        volume = sum(parcel.inner.volume_mm3 for parcel in self.parcels)
        return round(100 * self.void_mm3 / volume, 1) if volume else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The packing as plain data that json can write.

        >>> Packing(()).to_dict()
        {'parcels': [], 'refused': [], 'parcels_min': 0, 'void_mm3': 0, 'void_percent': 0.0}
        """
        return {
            "parcels": [parcel.to_dict() for parcel in self.parcels],
            "refused": [asdict(refused) for refused in self.refused],
            "parcels_min": self.parcels_min,
            "void_mm3": self.void_mm3,
            "void_percent": self.void_percent,
        }

    def __str__(self) -> str:
        count = len(self.parcels)
        rows = [f"{count} parcel{'' if count == 1 else 's'}, {self.void_percent} % empty"]
        for parcel in self.parcels:
            pieces = len(parcel.pieces)
            notes = f" ({', '.join(parcel.notes)})" if parcel.notes else ""
            rows.append(
                f"{parcel.carton}: {pieces} piece{'' if pieces == 1 else 's'}, {parcel.weight_grams} g,"
                f" {parcel.void_percent} % empty{notes}"
            )
        rows += [f"refused: {r.units} of line {r.line}: {r.reason}" for r in self.refused]
        return "\n".join(rows)


class CartonChooser(Protocol):
    """What the rest of omscore needs of a packer: any callable of this shape; `choose_cartons` is one.

    A host with a packer of its own wraps it in a function that takes lines and cartons and returns a `Packing`, in
    which each unit is in exactly one parcel or refused.

    >>> from omscore.batching import choose_cartons
    >>> chooser: CartonChooser = choose_cartons
    >>> len(chooser([PackLine("1", Item("MUG", dimensions=Dimensions(90, 90, 100)))],
    ...     [Carton("S", Dimensions(200, 100, 100), weight_max=5_000)]).parcels)
    1
    """

    def __call__(self, lines: Iterable[PackLine], cartons: Iterable[Carton], /) -> Packing:
        """Parcels for the lines, and the lines refused."""
