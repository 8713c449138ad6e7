"""What a replay is given: orders and cancellations of some days, stock, a network, and what was wrong in the files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from omscore.batching import Limits
from omscore.kernel import Item
from omscore.orders import Draft
from omscore.ports import Carrier
from omscore.routing import Network, Policy


@frozen
class Rejected:
    """A row that was not taken, where it stands, and what to do about it.

    >>> str(Rejected("stock.csv", 7, "field 'units' must be a whole number, not 'x'"))
    "stock.csv, row 7: field 'units' must be a whole number, not 'x'"
    """

    file: str
    row: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}: {self.why}" if self.row else f"{self.file}: {self.why}"


@frozen
class Wish:
    """One order: its draft, and when it was paid if that was later.

    >>> Wish(draft=None).paid_at
    """

    draft: Draft
    paid_at: datetime | None = None
    file: str = ""
    row: int = 0

    @property
    def id(self) -> str:
        """The id its order gets, made from the channel's own so that a second run finds it again.

        >>> from datetime import UTC
        >>> Wish(Draft("web", "1001", "EUR", (), datetime(2026, 3, 2, tzinfo=UTC))).id
        'web-1001'
        """
        return f"{self.draft.channel}-{self.draft.external_id}"


@frozen
class TakenBack:
    """Units of one order line that the customer gave up, before or after they were shipped; `order` is a Wish's id.

    >>> from datetime import UTC, datetime
    >>> TakenBack(datetime(2026, 3, 2, tzinfo=UTC), "web-1001", "1", 2, "c-1").units
    2
    """

    at: datetime
    order: str
    line: str
    units: int
    id: str
    file: str = ""
    row: int = 0


@frozen
class Day:
    """Everything that a replay needs; made by the reader of a format, mechanical and the same every time.

    >>> from pathlib import Path
    >>> from omscore.replay import read
    >>> read(Path("no such folder"))
    Traceback (most recent call last):
    omscore.errors.ChannelError: no such folder is no folder; name the folder that holds the day's files
    """

    name: str
    source: str
    currency: str
    network: Network
    policy: Policy
    items: Mapping[str, Item]
    stock: Mapping[tuple[str, str], int]
    wishes: tuple[Wish, ...]
    taken_back: tuple[TakenBack, ...] = ()
    carriers: tuple[Carrier, ...] = ()
    transit_days: int = 2
    floors: Mapping[str, Any] = field(factory=dict)
    bins: Mapping[tuple[str, str], str] = field(factory=dict)
    limits: Limits = field(factory=lambda: Limits(orders_max=8))
    rejected: tuple[Rejected, ...] = ()
    unmatched: int = 0
    promise: str = "shipped within 24 hours of the order"
