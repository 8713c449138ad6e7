"""Review signs: what about a chosen plan a person should see first (review_when=...)."""

from __future__ import annotations

from typing import Any

from omscore.routing._conditions import CONDITIONS
from omscore.routing._terms import ReviewSign, amount


def cost_gap_over(limit: Any) -> ReviewSign:
    """The chosen plan costs more than the cheapest plan of the same rule by more than this; exactly this much passes.

    >>> cost_gap_over("8.00")
    cost_gap_over(limit='8.00')
    """
    return ReviewSign("cost_gap_over", (("limit", amount("cost_gap_over", limit)),))


def near_tie(margin: Any) -> ReviewSign:
    """The best plan without the chosen set of nodes costs at most this much more or less.

    >>> near_tie("0.50")
    near_tie(margin='0.50')
    """
    return ReviewSign("near_tie", (("margin", amount("near_tie", margin)),))


def partial_only() -> ReviewSign:
    """The plan leaves units unserved or backordered.

    >>> partial_only()
    partial_only()
    """
    return ReviewSign("partial_only")


def margin_below(limit: Any) -> ReviewSign:
    """The order's margin less the plan's cost is below this; an unknown margin is no sign.

    >>> margin_below("5.00")
    margin_below(limit='5.00')
    """
    return ReviewSign("margin_below", (("limit", amount("margin_below", limit)),))


def first_order_over(limit: Any) -> ReviewSign:
    """The customer's first order is worth more than this.

    >>> first_order_over("500.00")
    first_order_over(limit='500.00')
    """
    return ReviewSign("first_order_over", (("limit", amount("first_order_over", limit)),))


REVIEW_SIGNS = {
    "cost_gap_over": cost_gap_over,
    "near_tie": near_tie,
    "partial_only": partial_only,
    "margin_below": margin_below,
    "first_order_over": first_order_over,
}
REVIEW_WORDS = {**{name: word.make for name, word in CONDITIONS.items()}, **REVIEW_SIGNS}
