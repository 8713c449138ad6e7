"""Measures: whole grams and whole millimeters, with stated rounding at the border.

Conversions round half up, so that a weight limit is never dodged by rounding down twice. The factors are exact by
definition (international yard and pound agreement, 1959).
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from attrs import frozen

from omscore.errors import InvalidValue

_Number = int | str | Decimal | float


def _whole(value: _Number, factor: str, unit: str) -> int:
    if isinstance(value, bool):
        raise InvalidValue(f"{value!r} is not a measure in {unit}")
    try:
        # str() first: 0.1 as a float literal means the decimal 0.1, not its binary neighbor.
        exact = Decimal(str(value)) * Decimal(factor)
    except InvalidOperation:
        raise InvalidValue(f"{value!r} is not a measure in {unit}") from None
    if exact.is_finite() and exact.adjusted() > 18:
        raise InvalidValue(f"a measure in {unit} ends below 10**19, not {value!r}")
    if not exact.is_finite() or exact < 0:
        raise InvalidValue(f"a measure in {unit} is a finite number of at least 0, not {value!r}")
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def kg(value: _Number) -> int:
    """Kilograms as whole grams.

    >>> kg(25), kg("0.4505")
    (25000, 451)
    """
    return _whole(value, "1000", "kg")


def lb(value: _Number) -> int:
    """Pounds (avoirdupois, 453.59237 g) as whole grams.

    >>> lb(1), lb(150)
    (454, 68039)
    """
    return _whole(value, "453.59237", "lb")


def oz(value: _Number) -> int:
    """Ounces (avoirdupois, 28.349523125 g) as whole grams.

    >>> oz(16)
    454
    """
    return _whole(value, "28.349523125", "oz")


def cm(value: _Number) -> int:
    """Centimeters as whole millimeters.

    >>> cm("12.5")
    125
    """
    return _whole(value, "10", "cm")


def inch(value: _Number) -> int:
    """Inches (25.4 mm) as whole millimeters.

    >>> inch(10)
    254
    """
    return _whole(value, "25.4", "in")


@frozen
class Dimensions:
    """The outer size of a thing, in whole millimeters.

    >>> box = Dimensions(300, 200, 100)
    >>> box.volume_mm3
    6000000
    """

    length_mm: int
    width_mm: int
    height_mm: int

    def __attrs_post_init__(self) -> None:
        for name in ("length_mm", "width_mm", "height_mm"):
            value = getattr(self, name)
            if type(value) is not int or value <= 0:
                raise InvalidValue(f"{name} must be a whole number of at least 1, not {value!r}")

    @property
    def volume_mm3(self) -> int:
        """Length times width times height, in cubic millimeters.

        >>> Dimensions(10, 10, 10).volume_mm3
        1000
        """
        return self.length_mm * self.width_mm * self.height_mm
