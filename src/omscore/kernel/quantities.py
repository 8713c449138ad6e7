"""Quantities: whole units of an item, and bags of them with + - &."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from omscore.errors import InvalidValue
from omscore.kernel.given import shown

QUANTITY_MAX = 2**63 - 1
"""The largest quantity any store must hold: a signed 64-bit integer."""


def quantity(value: Any, name: str = "quantity", *, at_least: int = 1) -> int:
    """A checked whole quantity between `at_least` and QUANTITY_MAX.

    Raises InvalidValue for anything that is not an int (bools and floats included) or out of bounds.

    >>> quantity(3)
    3
    >>> quantity(1.5)
    Traceback (most recent call last):
    omscore.errors.InvalidValue: quantity must be a whole number, not 1.5; ...
    """
    if type(value) is not int:
        way_out = ""
        if isinstance(value, str):
            way_out = "; turn the text into a number first"
        elif isinstance(value, (float, Decimal)):
            way_out = "; count fractions in a smaller unit (1.5 m = 1500 mm)"
        raise InvalidValue(f"{name} must be a whole number, not {shown(value)}{way_out}")
    if value < at_least:
        raise InvalidValue(f"{name} must be at least {at_least}, not {value}")
    if value > QUANTITY_MAX:
        raise InvalidValue(f"{name} must be at most {QUANTITY_MAX}, not {value}")
    return value


class Quantities(Mapping[str, int]):
    """A bag of units by item, immutable; absent items count 0 and zero entries vanish.

    `+` adds, `-` subtracts and may go below zero, `&` is the smaller of both (what one can give the other).

    >>> asked, have = Quantities({"A": 3, "B": 1}), Quantities({"A": 2, "C": 9})
    >>> asked & have, asked - have
    (Quantities(A=2), Quantities(A=1, B=1, C=-9))
    """

    __slots__ = ("_units",)

    def __init__(self, units: Mapping[str, int] | Iterable[tuple[str, int]] = ()) -> None:
        pairs = units.items() if isinstance(units, Mapping) else units
        summed: dict[str, int] = {}
        if isinstance(pairs, str) or not isinstance(pairs, Iterable):
            raise InvalidValue(f"units are a mapping such as {{'SKU-1': 2}}, not {shown(units)}")
        for item, n in pairs:
            if type(n) is not int:
                raise InvalidValue(f"units of {item!r} must be a whole number, not {n!r}")
            summed[item] = summed.get(item, 0) + n
        self._units = {item: summed[item] for item in sorted(summed) if summed[item]}

    def __getitem__(self, item: str) -> int:
        return self._units.get(item, 0)

    def __contains__(self, item: object) -> bool:
        return item in self._units

    def __iter__(self) -> Iterator[str]:
        return iter(self._units)

    def __len__(self) -> int:
        return len(self._units)

    def __add__(self, other: Mapping[str, int]) -> Quantities:
        return Quantities([*self.items(), *other.items()])

    def __sub__(self, other: Mapping[str, int]) -> Quantities:
        return Quantities([*self.items(), *((item, -n) for item, n in other.items())])

    def __and__(self, other: Mapping[str, int]) -> Quantities:
        return Quantities({item: min(n, other[item]) for item, n in self.items() if item in other})

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Quantities):
            return self._units == other._units
        if isinstance(other, Mapping):
            return self._units == {item: n for item, n in other.items() if n}
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self._units.items()))

    def __repr__(self) -> str:
        return f"Quantities({', '.join(f'{item}={n}' for item, n in self._units.items())})"

    @property
    def units(self) -> int:
        """The sum over all items.

        >>> Quantities({"A": 3, "B": 1}).units
        4
        """
        return sum(self._units.values())
