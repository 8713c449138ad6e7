"""What units of an order cost, so that the parts of an order always add up to the whole, to the cent."""

from __future__ import annotations

from collections.abc import Mapping

from omscore.kernel import Money
from omscore.orders._draft import Draft
from omscore.orders._order import Order
from omscore.orders._units import Units


def line_costs(draft: Draft) -> tuple[dict[str, int], int]:
    """The minor units that all units of each line cost, and what comes once beside them (shipping).

    The order-wide tax and discount are spread over the lines by what they cost; rounding is by the largest remainder
    (:meth:`omscore.kernel.Money.split`), so all figures add up to what the customer pays.

    >>> from datetime import UTC, datetime
    >>> from omscore.orders import DraftLine
    >>> line = DraftLine("1", "A", 3, Money(334, "EUR"), discount=Money(2, "EUR"))
    >>> now = datetime(2026, 3, 2, tzinfo=UTC)
    >>> line_costs(Draft("web", "1", "EUR", (line,), now, shipping=Money(495, "EUR"), discount=Money(100, "EUR")))
    ({'1': 900}, 495)
    """
    totals = [line.total for line in draft.lines]
    beside = Money(0, draft.currency)
    if draft.tax:
        beside += draft.tax
    if draft.discount:
        beside -= draft.discount
    if beside and totals:
        parts = beside.split([max(0, total.minor) for total in totals])
        totals = [total + part for total, part in zip(totals, parts, strict=True)]
    fee = draft.shipping.minor if draft.shipping else 0
    # Where the channel's own sum differs from its rows, the customer pays what the channel told them. A channel that
    # cancelled units before we saw them has taken them out of its sum, so nothing can be said of a difference.
    if draft.total is not None and not any(line.cancelled for line in draft.lines):
        fee += draft.total.minor - draft.due.minor
    return {line.id: total.minor for line, total in zip(draft.lines, totals, strict=True)}, fee


def _first(minor: int, of: int, n: int) -> int:
    """What the first n of so many units cost: an amount shared equally, its odd minor units on the first units."""
    if minor < 0:
        return -_first(-minor, of, n)
    each, odd = divmod(minor, of)
    return n * each + min(n, odd)


def cost_of(order: Order, units: Mapping[str, int]) -> Money:
    """What some units of an order's lines cost, without what comes once for the order.

    >>> from datetime import UTC, datetime
    >>> from omscore.orders import Captured, DraftLine, fold
    >>> now = datetime(2026, 3, 2, tzinfo=UTC)
    >>> draft = Draft("web", "1", "EUR", (DraftLine("1", "A", 3, Money(334, "EUR")),), now)
    >>> cost_of(fold([Captured("ord-1", draft, now)]), {"1": 2})
    Money(minor=668, currency='EUR')
    """
    costs, _ = line_costs(order.draft)
    return Money(sum(_first(costs[line], order.units[line].ordered, n) for line, n in units.items()), order.currency)


def _live(order: Order, without_returned: bool, but_for: Mapping[str, int] | None) -> dict[str, int]:
    less = but_for or {}
    return {
        line: u.ordered - u.cancelled - (u.returned if without_returned else 0) - less.get(line, 0)
        for line, u in order.units.items()
    }


def due(order: Order, *, without_returned: bool = False, but_for: Mapping[str, int] | None = None) -> Money:
    """What the customer owes for all units that are not cancelled, and for the order itself if any are left.

    `without_returned` leaves out what came back, `but_for` some units of lines that are left out too.

    >>> from datetime import UTC, datetime
    >>> from omscore.orders import Captured, DraftLine, fold
    >>> now = datetime(2026, 3, 2, tzinfo=UTC)
    >>> lines = (DraftLine("1", "A", 3, Money(334, "EUR")),)
    >>> order = fold([Captured("ord-1", Draft("web", "1", "EUR", lines, now, shipping=Money(495, "EUR")), now)])
    >>> due(order).minor, due(order, but_for={"1": 1}).minor
    (1497, 1163)
    """
    live = _live(order, without_returned, but_for)
    fee = line_costs(order.draft)[1] if any(live.values()) else 0
    return Money(max(0, cost_of(order, live).minor + fee), order.currency)


def _gone(units: Units) -> int:
    return units.shipped + units.delivered + units.return_expected + units.returned


def due_shipped(order: Order, *, without_returned: bool = False, but_for: Mapping[str, int] | None = None) -> Money:
    """What the customer owes for what has left; the last shipment brings it to all that is owed, to the cent.

    `without_returned` and `but_for` leave units out, as for :func:`due`.

    >>> from datetime import UTC, datetime
    >>> from omscore.orders import Captured, DraftLine, fold
    >>> now = datetime(2026, 3, 2, tzinfo=UTC)
    >>> draft = Draft("web", "1", "EUR", (DraftLine("1", "A", 3, Money(334, "EUR")),), now)
    >>> due_shipped(fold([Captured("ord-1", draft, now)]))
    Money(minor=0, currency='EUR')
    """
    totals = order.totals
    if _gone(totals) and _gone(totals) + totals.cancelled == totals.ordered:
        return due(order, without_returned=without_returned, but_for=but_for)
    less = but_for or {}
    left = {
        line: _gone(u) - (u.returned if without_returned else 0) - less.get(line, 0) for line, u in order.units.items()
    }
    return Money(max(0, cost_of(order, left).minor), order.currency)
