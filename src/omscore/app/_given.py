"""What callers give, looked at by the door: what is of the wrong kind is named, and nothing of it happens."""

from __future__ import annotations

from collections.abc import Mapping

from omscore.errors import InvalidValue
from omscore.kernel import Money
from omscore.kernel.given import shown, text


def cents(amount: Money, name: str = "amount") -> tuple[int, str]:
    """Money as plain values, for fingerprints; raises InvalidValue for what is no money."""
    if not isinstance(amount, Money):
        raise InvalidValue(f"{name} must be Money, not {shown(amount)}; write Money.of('19.99', 'EUR')")
    return amount.minor, amount.currency


def pairs(units: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Units as plain values in one order, for fingerprints; raises InvalidValue for what names no units.

    None named is refused as well: the key would be taken by a command that did nothing, and the right units could not
    be told under it any more.
    """
    if not isinstance(units, Mapping):
        raise InvalidValue(f"units are given by item or line, such as {{'SKU-1': 2}}, not as {shown(units)}")
    if not units:
        raise InvalidValue("no units are named, so there is nothing to do; name them, such as {'SKU-1': 2}")
    for name in units:
        text("an item or line", name)
    return tuple(sorted(units.items()))


def pairs_or_all(units: Mapping[str, int] | None) -> tuple[tuple[str, int], ...] | None:
    """The same where None stands for all that are left."""
    if units is not None and not units and isinstance(units, Mapping):
        raise InvalidValue("no units are named, so there is nothing to do; name them, or leave them out for all")
    return None if units is None else pairs(units)
