"""Rule packs: the routing behavior of known systems and of common practice, each a function that returns a Policy."""

from __future__ import annotations

from typing import Any

from omscore.routing._conditions import value
from omscore.routing._policy import Park, Policy, Route, Rule, park
from omscore.routing._preferences import fewest_splits, lowest_cost, nearest
from omscore.routing._requirements import has_stock, whole_order
from omscore.routing._review import cost_gap_over

__all__ = ["UNFILLABLE", "value_threshold", "single_location"]

UNFILLABLE = park("unfillable", days=7, then="cancel")
"""Where orders wait that nothing could serve, unless another queue is given: a week, then they are cancelled."""


def value_threshold(
    threshold: Any = "75.00", gap: Any = "8.00", *, stops_max: int = 3, otherwise: Park = UNFILLABLE
) -> Policy:
    """Cheap orders go to the nearest node, dear ones to a node that has everything; dear plans are reviewed.

    Below the threshold: the nearest node covering all, else the nearest with something. From it on: complete nodes by
    distance, else the fewest parcels. A plan that costs more than `gap` above the cheapest goes to review.

    >>> [route.name for route in value_threshold().routes]
    ['below', 'from']
    """
    sign = cost_gap_over(gap)
    complete = Rule("complete node", require=whole_order(), prefer=nearest(), review_when=sign)
    near = Rule("nearest with something", require=has_stock(), prefer=nearest(), partial="ship", review_when=sign)
    split = Rule(
        "fewest parcels",
        require=has_stock(),
        prefer=(fewest_splits(), nearest()),
        stops_max=stops_max,
        review_when=sign,
    )
    return Policy(
        "value_threshold",
        (Route("below", (complete, near), when=value < threshold), Route("from", (complete, split))),
        otherwise=otherwise,
    )


def single_location(saving: Any = "5.00", *, stops_max: int = 3, otherwise: Park = UNFILLABLE) -> Policy:
    """Stay at one node unless the best split saves more than this; exactly this much keeps the single node.

    >>> single_location().routes[0].rules[0].saving_min
    '5.00'
    """
    rule = Rule(
        "cheapest", require=has_stock(), prefer=(lowest_cost(), nearest()), stops_max=stops_max, saving_min=saving
    )
    return Policy("single_location", (Route("all", (rule,)),), otherwise=otherwise)
