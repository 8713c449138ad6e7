"""Items: what is sold, with the facts that routing, batching and carriers need."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from omscore.errors import InvalidValue
from omscore.kernel.given import name_set, names
from omscore.kernel.measures import Dimensions


def _tags(tags: Iterable[str]) -> frozenset[str]:
    # A function of its own: type checkers cannot see through the generic constructor.
    return name_set("tags", tags, "fragile")


def _skus(skus: Iterable[str]) -> tuple[str, ...]:
    return names("substitutes", skus, "SKU-2")


@frozen
class Item:
    """One thing that can be stocked and sold, known by its SKU.

    Quantities are whole numbers of `unit`, the item's smallest unit (a cut meter of cable is 1000 of unit "mm").
    `weight_grams` is the weight of one unit; `tags` carry what rules ask about ("fragile", "cold", "gift").
    `substitutes` are the SKUs that may be sent in its place, the best first.

    >>> Item("SKU-1", weight_grams=450, tags={"fragile"})
    Item(sku='SKU-1', name='', unit='piece', weight_grams=450, dimensions=None, tags=frozenset({'fragile'}), ...)
    """

    sku: str
    name: str = ""
    unit: str = "piece"
    weight_grams: int = 0
    dimensions: Dimensions | None = None
    tags: frozenset[str] = field(default=frozenset(), converter=_tags)
    gtin: str = ""
    category: str = ""
    substitutes: tuple[str, ...] = field(default=(), converter=_skus)

    def __attrs_post_init__(self) -> None:
        if not self.sku or not isinstance(self.sku, str):
            raise InvalidValue(f"an item's sku is a non-empty string, not {self.sku!r}")
        if type(self.weight_grams) is not int or self.weight_grams < 0:
            raise InvalidValue(
                f"weight_grams of {self.sku!r} must be a whole number of at least 0, not {self.weight_grams!r}"
            )
