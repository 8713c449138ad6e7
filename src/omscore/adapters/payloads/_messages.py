"""What goes back to a channel: that something was shipped, and how many units may be sold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

from omscore.errors import InvalidValue
from omscore.kernel import key, quantity, utc


@frozen
class Shipped:
    """One parcel that left: which units of which of the channel's lines, with whom, under what number, and when.

    `units` is by the channel's own line id. Raises InvalidValue without units or with a count below one.

    >>> from datetime import UTC
    >>> Shipped("1001", {"1": 2}, "RR123456785BE", "bpost", datetime(2026, 3, 2, tzinfo=UTC)).carrier
    'bpost'
    """

    order: str
    units: Mapping[str, int]
    tracking: str
    carrier: str
    at: datetime = field(converter=utc)
    service: str = ""
    url: str = ""

    def __attrs_post_init__(self) -> None:
        key(self.order, "order")
        if not self.units:
            raise InvalidValue("a shipment needs at least one line with units; there is nothing to tell")
        for line, units in self.units.items():
            quantity(units, f"line {line}: units")


def zulu(at: datetime) -> str:
    """A time as most channels write it: UTC, to the second, with a Z.

    >>> from datetime import UTC
    >>> zulu(datetime(2026, 3, 2, 9, 30, 5, 123, tzinfo=UTC))
    '2026-03-02T09:30:05Z'
    """
    return utc(at).strftime("%Y-%m-%dT%H:%M:%SZ")
