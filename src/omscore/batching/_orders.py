"""What the planner is given: orders as plain rows of bins and units, and the limits of a cart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from attrs import Attribute, field, frozen

from omscore.errors import DefinitionError, InvalidValue
from omscore.kernel import utc
from omscore.kernel.given import listed

SAME = ("lane", "zone", "region", "priority")
"""The fields of an order that `Limits.same` may ask to be equal within a batch."""


def _at_least(least: int) -> Any:
    def check(owner: Any, attribute: Attribute[Any], value: Any) -> None:
        if type(value) is not int or value < least:
            name = getattr(owner, "order", "") or getattr(owner, "id", "")
            where = f" of order {name!r}" if name else ""
            raise InvalidValue(f"{attribute.name}{where} must be a whole number of at least {least}, not {value!r}")

    return check


@frozen
class PickLine:
    """Units of one item to take from one bin for one order.

    `line` is the order line's id; `weight_grams` and `volume_mm3` are those of all its units together.

    >>> PickLine("o-1", "1", "SKU-7", 2, "0-4", weight_grams=900).units
    2
    """

    order: str
    line: str
    item: str
    units: int = field(validator=_at_least(1))
    bin: str
    weight_grams: int = field(default=0, validator=_at_least(0))
    volume_mm3: int = field(default=0, validator=_at_least(0))
    lot: str = ""


def _lines(lines: Iterable[PickLine]) -> tuple[PickLine, ...]:
    return listed("lines", lines, PickLine, "PickLine('o-1', '1', 'MUG', 2, 'A-1')")


def _utc(owner: Any, _attribute: Attribute[Any], value: datetime | None) -> None:
    if value is not None:
        utc(value, f"due of order {owner.id!r}")


def _own_lines(owner: Any, _attribute: Attribute[Any], value: tuple[PickLine, ...]) -> None:
    for line in value:
        if line.order != owner.id:
            raise InvalidValue(f"line {line.line!r} of order {line.order!r} was given to order {owner.id!r}")


@frozen
class PickOrder:
    """One order, or the share of it that leaves this floor, as the planner sees it.

    `due` is when it must be picked (aware); a higher `priority` is picked first; `lane`, `zone` and `region` are the
    host's own words, compared for equality where `Limits.same` asks for it.

    >>> PickOrder("o-1", [PickLine("o-1", "1", "SKU-7", 2, "0-4")]).units
    2
    """

    id: str
    lines: tuple[PickLine, ...] = field(converter=_lines, validator=_own_lines)
    due: datetime | None = field(default=None, validator=_utc)
    lane: str = ""
    priority: int = 0
    zone: str = ""
    region: str = ""

    @property
    def units(self) -> int:
        """All units of all lines.

        >>> PickOrder("o-1", []).units
        0
        """
        return sum(line.units for line in self.lines)

    @property
    def weight_grams(self) -> int:
        """The weight of all lines.

        >>> PickOrder("o-1", [PickLine("o-1", "1", "A", 1, "0-0", weight_grams=40)]).weight_grams
        40
        """
        return sum(line.weight_grams for line in self.lines)

    @property
    def volume_mm3(self) -> int:
        """The volume of all lines.

        >>> PickOrder("o-1", []).volume_mm3
        0
        """
        return sum(line.volume_mm3 for line in self.lines)

    @property
    def bins(self) -> tuple[str, ...]:
        """The bins to visit, each once, in the order of the lines.

        >>> PickOrder("o-1", [PickLine("o-1", str(n), "A", 1, "0-0") for n in (1, 2)]).bins
        ('0-0',)
        """
        return tuple(dict.fromkeys(line.bin for line in self.lines))


def _limit(_owner: Any, attribute: Attribute[Any], value: Any) -> None:
    if value is not None and (type(value) is not int or value < 1):
        raise DefinitionError(
            f"{attribute.name} must be a whole number of at least 1, not {value!r}; leave it out for no such limit"
        )


def _same(_owner: Any, _attribute: Attribute[Any], value: Any) -> None:
    for name in value:
        if name not in SAME:
            raise DefinitionError(f"same={name!r} is not a field to keep equal; choose from: {', '.join(SAME)}")


def _limit_field() -> Any:
    return field(default=None, validator=_limit)


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else listed("fields that are the same in a batch", names, str, "'lane'")


@frozen
class Limits:
    """What one batch may hold; a limit left out does not bind.

    `weight_max` is in grams (`oms.kg(25)`), `volume_max` in cubic millimeters. Every order takes a tote of its own, and
    more of them when its volume exceeds `tote_volume`; `totes_max` is how many the cart carries. `same` names fields of
    the order that must be equal within a batch: `lane`, `zone`, `region`, `priority`.

    >>> heavy = PickOrder("o-1", [PickLine("o-1", "1", "A", 1, "0-0", weight_grams=30_000)])
    >>> Limits(orders_max=12, weight_max=25_000).refusals(heavy)
    ['weight_grams 30000 is more than weight_max 25000']
    """

    orders_max: int | None = _limit_field()
    lines_max: int | None = _limit_field()
    units_max: int | None = _limit_field()
    weight_max: int | None = _limit_field()
    volume_max: int | None = _limit_field()
    totes_max: int | None = _limit_field()
    tote_volume: int | None = _limit_field()
    same: tuple[str, ...] = field(default=(), converter=_names, validator=_same)

    def bounds(self) -> tuple[tuple[str, str, int], ...]:
        """The limits that bind: (what is measured, the limit's name, its value).

        >>> Limits(orders_max=12).bounds()
        (('orders', 'orders_max', 12),)
        """
        named = (
            ("orders", "orders_max", self.orders_max),
            ("lines", "lines_max", self.lines_max),
            ("units", "units_max", self.units_max),
            ("weight_grams", "weight_max", self.weight_max),
            ("volume_mm3", "volume_max", self.volume_max),
            ("totes", "totes_max", self.totes_max),
        )
        return tuple((what, name, limit) for what, name, limit in named if limit is not None)

    def load(self, order: PickOrder) -> dict[str, int]:
        """How much of each limited measure an order takes.

        >>> order = PickOrder("o-1", [PickLine("o-1", "1", "A", 1, "0-0", volume_mm3=150)])
        >>> Limits(totes_max=3, tote_volume=100).load(order)
        {'totes': 2}
        """
        measures = {
            "orders": 1,
            "lines": len(order.lines),
            "units": order.units,
            "weight_grams": order.weight_grams,
            "volume_mm3": order.volume_mm3,
            "totes": max(1, -(-order.volume_mm3 // self.tote_volume)) if self.tote_volume else 1,
        }
        return {what: measures[what] for what, _, _ in self.bounds()}

    def refusals(self, order: PickOrder) -> list[str]:
        """Why an order fits no cart even alone, in words; empty when it fits.

        >>> Limits(orders_max=1).refusals(PickOrder("o-1", []))
        []
        """
        load = self.load(order)
        return [
            f"{what} {load[what]} is more than {name} {limit}"
            for what, name, limit in self.bounds()
            if load[what] > limit
        ]
