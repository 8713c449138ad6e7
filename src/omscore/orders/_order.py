"""The order as a value, and the table of its states."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType

from attrs import field, frozen

from omscore.kernel import Address, StateTable
from omscore.kernel.frozen import maker
from omscore.orders._draft import Draft, DraftLine
from omscore.orders._messages import Hold
from omscore.orders._units import UNIT_BUCKETS, UNIT_INDEX, UNIT_MOVES, Units

_DELIVERED = UNIT_INDEX["delivered"]

ORDER_STATES = StateTable(
    "order",
    {
        "draft": {"capture": "captured"},
        "captured": {"accept": "accepted", "reject": "rejected", "cancel": "cancelled"},
        "accepted": {"close": "closed", "cancel": "cancelled"},
        "rejected": {"reopen": "captured"},
        "cancelled": {"reopen": "captured"},
        "closed": {"reopen": "accepted"},
    },
)
"""The life of an order as a whole; where its units are is told by their buckets."""


@frozen(weakref_slot=False)
class Order:
    """An accepted wish: what was asked (`draft`), the state of the whole, and where each line's units are.

    Everything else is derived. Never built by hand: fold its events.

    >>> from datetime import UTC, datetime
    >>> from omscore.kernel import Money
    >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> line = DraftLine("1", "SKU-1", 2, Money(1999, "EUR"))
    >>> from omscore.orders import Capture, decide, fold
    >>> order = fold(decide(None, Capture("ord-1", Draft("web", "1001", "EUR", (line,), now)), now))
    >>> order
    <Order ord-1 captured: open 2>
    >>> order.units["1"]
    Units(open=2)
    """

    id: str
    draft: Draft
    state: str
    units: MappingProxyType[str, Units] = field(repr=False)
    holds: tuple[Hold, ...]
    captured_at: datetime

    @property
    def lines(self) -> tuple[DraftLine, ...]:
        """What was ordered, row by row.

        >>> from datetime import UTC, datetime
        >>> from omscore.kernel import Money
        >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
        >>> draft = Draft("web", "1001", "EUR", (DraftLine("1", "SKU-1", 2, Money(1999, "EUR")),), now)
        >>> from omscore.orders import Accepted, Captured, fold
        >>> fold([Captured("ord-1", draft, now), Accepted(now)]).lines
        (DraftLine(id='1', item='SKU-1', units=2, ...),)
        """
        return self.draft.lines

    @property
    def currency(self) -> str:
        """The one currency of the order.

        >>> from datetime import UTC, datetime
        >>> from omscore.kernel import Money
        >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
        >>> draft = Draft("web", "1001", "EUR", (DraftLine("1", "SKU-1", 2, Money(1999, "EUR")),), now)
        >>> from omscore.orders import Accepted, Captured, fold
        >>> fold([Captured("ord-1", draft, now), Accepted(now)]).currency
        'EUR'
        """
        return self.draft.currency

    @property
    def destination(self) -> Address | None:
        """Where it goes.

        >>> from datetime import UTC, datetime
        >>> from omscore.kernel import Money
        >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
        >>> draft = Draft("web", "1001", "EUR", (DraftLine("1", "SKU-1", 2, Money(1999, "EUR")),), now)
        >>> from omscore.orders import Accepted, Captured, fold
        >>> fold([Captured("ord-1", draft, now), Accepted(now)]).destination
        """
        return self.draft.ship_to

    @property
    def totals(self) -> Units:
        """The units of all lines, by bucket.

        >>> from datetime import UTC, datetime
        >>> from omscore.kernel import Money
        >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
        >>> draft = Draft("web", "1001", "EUR", (DraftLine("1", "SKU-1", 2, Money(1999, "EUR")),), now)
        >>> from omscore.orders import Accepted, Captured, fold
        >>> fold([Captured("ord-1", draft, now), Accepted(now)]).totals
        Units(open=2)
        """
        return Units._make(map(sum, zip(Units(), *self.units.values(), strict=True)))

    @property
    def fulfillment_status(self) -> str:
        """The headline of fulfillment, derived from the buckets, never stored.

        "unfulfilled", "partly_shipped", "shipped", "partly_delivered", "delivered", "partly_returned", "returned" or
        "cancelled". Cancelled units do not count; the order of precedence is that of Saleor's derived status.

        >>> from datetime import UTC, datetime
        >>> from omscore.kernel import Money
        >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
        >>> draft = Draft("web", "1001", "EUR", (DraftLine("1", "SKU-1", 2, Money(1999, "EUR")),), now)
        >>> from omscore.orders import Accepted, Captured, fold
        >>> fold([Captured("ord-1", draft, now), Accepted(now)]).fulfillment_status
        'unfulfilled'
        """
        t = self.totals
        live = t.ordered - t.cancelled
        gone = t.shipped + t.delivered + t.return_expected + t.returned
        if live == 0:
            return "cancelled" if t.cancelled else "unfulfilled"
        if t.returned:
            return "returned" if t.returned == live else "partly_returned"
        if t.delivered + t.return_expected:
            return "delivered" if t.delivered + t.return_expected == live else "partly_delivered"
        if gone:
            return "shipped" if gone == live else "partly_shipped"
        return "unfulfilled"

    @property
    def finished(self) -> bool:
        """Whether every unit is where it stays: delivered, returned or cancelled.

        >>> from datetime import UTC, datetime
        >>> from omscore.kernel import Money
        >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
        >>> draft = Draft("web", "1001", "EUR", (DraftLine("1", "SKU-1", 2, Money(1999, "EUR")),), now)
        >>> from omscore.orders import Accepted, Captured, fold
        >>> fold([Captured("ord-1", draft, now), Accepted(now)]).finished
        False
        """
        return not any(units.return_expected or any(units[:_DELIVERED]) for units in self.units.values())

    def next_actions(self) -> tuple[str, ...]:
        """The legal next actions, from the tables: commands on the whole, then verbs that have units to move.

        >>> from datetime import UTC, datetime
        >>> from omscore.kernel import Money
        >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
        >>> draft = Draft("web", "1001", "EUR", (DraftLine("1", "SKU-1", 2, Money(1999, "EUR")),), now)
        >>> from omscore.orders import Accepted, Captured, fold
        >>> fold([Captured("ord-1", draft, now), Accepted(now)]).next_actions()
        ('close', 'reserve', 'backorder', 'allocate', 'cancel')
        """
        verbs = []
        if self.state in ("captured", "accepted"):
            totals = self.totals
            for verb, move in UNIT_MOVES.items():
                blocked = move.gated and (self.holds or self.state != "accepted")
                if not blocked and any(getattr(totals, source) for source in move.sources):
                    verbs.append(verb)
        whole = [c for c in ORDER_STATES.allowed(self.state) if c != "cancel"]
        return tuple(whole + verbs)

    def __repr__(self) -> str:
        filled = ", ".join(f"{bucket} {n}" for bucket, n in zip(UNIT_BUCKETS, self.totals, strict=True) if n)
        held = f", held: {', '.join(h.code for h in self.holds)}" if self.holds else ""
        return f"<Order {self.id} {self.state}: {filled}{held}>"


order_of = maker(Order)
"""Makes an order: once for every event that is folded."""
