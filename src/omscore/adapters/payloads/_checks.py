"""A check for drafts that channels send late: what has already left must not leave twice."""

from __future__ import annotations

from collections.abc import Iterator

from omscore.orders import Draft, Finding, Items


def ships_elsewhere(draft: Draft, items: Items) -> Iterator[Finding]:
    """Units that the channel ships itself or that were shipped before the order was captured.

    Add it to the checks of a channel whose orders may come in late: an error when nothing is left to ship, a review
    when something is.

    >>> from omscore.adapters.payloads import shopify
    >>> order = {"id": 9, "created_at": "2026-03-02T10:00:00Z", "currency": "EUR", "total_price": "10.50",
    ...     "financial_status": "paid", "line_items": [{"id": 1, "sku": "MUG", "quantity": 1, "price": "10.50"}],
    ...     "fulfillments": [{"status": "success", "line_items": [{"id": 1, "quantity": 1}]}]}
    >>> [(f.severity, f.code) for f in ships_elsewhere(shopify.draft(order), {})]
    [('error', 'channel.already_shipped')]
    """
    if "ships_itself" in draft.tags:
        yield Finding(
            "error",
            "channel.ships_itself",
            "the channel ships this order from its own stock",
            "keep it out of the orders to fulfill, or ask the channel to let you ship",
            "tags",
        )
        return
    shipped = {line.id: line.extra["fulfilled"] for line in draft.lines if line.extra.get("fulfilled")}
    if not shipped:
        return
    left = sum(line.units - max(line.cancelled, shipped.get(line.id, 0)) for line in draft.lines)
    yield Finding(
        "review" if left else "error",
        "channel.already_shipped",
        f"{sum(shipped.values())} units were shipped before the order was captured, {left} are left",
        "cancel the shipped units without refund and restock, then ship the rest" if left else "reject it: it is done",
        "lines",
    )
