"""Rule packs: the routing behavior of known systems and of common practice, each a function that returns a Policy.

They are policies like any other: print them, write them as JSON or TOML, take one apart to begin your own. Amounts
are in the order's currency; distances given in miles by their models are kilometers here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from omscore.routing._conditions import channel_is, value
from omscore.routing._demand import Demand
from omscore.routing._policy import Park, Policy, Route, Rule, park
from omscore.routing._preferences import (
    by_position,
    by_priority,
    earliest_arrival,
    fewest_splits,
    lowest_cost,
    most_lines,
    most_stock,
    nearest,
    ranked_groups,
    same_market,
    weeks_of_supply,
    wished_first,
)
from omscore.routing._requirements import (
    has_stock,
    in_group,
    keeps_stock,
    kind_is,
    not_blocked,
    online,
    whole_order,
    within_km,
)
from omscore.routing._review import cost_gap_over
from omscore.routing._terms import Condition, Preference, Requirement

__all__ = [
    "KM_PER_MILE",
    "UNFILLABLE",
    "shopify_default",
    "shopify_ranked",
    "magento_priority",
    "magento_distance",
    "hotwax_express",
    "hotwax_standard",
    "hotwax_cost_distance",
    "hotwax_grouped",
    "hotwax_protect_stores",
    "solidus_on_hand_first",
    "spree_rules",
    "saleor_high_stock",
    "saleor_order",
    "vendure_channel",
    "sterling_priority",
    "fluent_profile",
    "value_threshold",
    "single_location",
    "channel_sla",
    "SLA_HOURS",
    "queue_by_slack",
    "speed_then_cost",
]

KM_PER_MILE = 1.609344
"""Kilometers in an international mile (exact, 1959)."""

UNFILLABLE = park("unfillable", days=7, then="cancel")
"""Where orders wait that nothing could serve, unless another queue is given: a week, then they are cancelled."""

_ANY = 1_000
"""More stops than any plan has."""


def _all(name: str, *rules: Rule, otherwise: Park | None = UNFILLABLE) -> Policy:
    return Policy(name, (Route("all", rules),), otherwise=otherwise)


def shopify_default(*, otherwise: Park = UNFILLABLE) -> Policy:
    """Nodes that sell online; fewest parcels, then the customer's market, then distance; ties pass down.

    >>> [term.op for term in shopify_default().routes[0].rules[0].prefer]
    ['fewest_splits', 'same_market', 'nearest']
    """
    return shopify_ranked(fewest_splits(), same_market(), nearest(), otherwise=otherwise)


def shopify_ranked(*prefer: Preference, otherwise: Park = UNFILLABLE) -> Policy:
    """The same with the preferences in your own order; ranked groups may be put anywhere and more than once.

    >>> from omscore.routing import fewest_splits, nearest, ranked_groups
    >>> policy = shopify_ranked(ranked_groups("own stores"), fewest_splits(), ranked_groups("3pl"), nearest())
    >>> len(policy.routes[0].rules[0].prefer)
    4
    """
    rule = Rule("ranked", require=(online(), has_stock()), prefer=prefer, stops_max=_ANY)
    return _all("shopify", rule, otherwise=otherwise)


def magento_priority(*, otherwise: Park | None = None) -> Policy:
    """Walk the enabled nodes by priority and take what each has; not shippable when a rest remains.

    >>> magento_priority().routes[0].rules[0].fill
    'in_order'
    """
    return _walk("magento_priority", (by_priority(), by_position()), partial="park", otherwise=otherwise)


def magento_distance(*, otherwise: Park | None = None) -> Policy:
    """Walk the enabled nodes by distance, those without coordinates last in order of priority.

    >>> [term.op for term in magento_distance().routes[0].rules[0].prefer]
    ['nearest', 'by_priority', 'by_position']
    """
    return _walk("magento_distance", (nearest(), by_priority(), by_position()), partial="park", otherwise=otherwise)


def _walk(
    name: str,
    prefer: Sequence[Preference],
    *,
    partial: str = "next",
    require: Sequence[Requirement] = (),
    otherwise: Park | None = None,
) -> Policy:
    rule = Rule("walk", require=(online(), *require), prefer=prefer, stops_max=_ANY, fill="in_order", partial=partial)
    return _all(name, rule, otherwise=otherwise)


def _km(miles: float) -> float:
    return round(miles * KM_PER_MILE, 3)


def _stop(name: str, *require: Requirement, prefer: Any, **more: Any) -> Rule:
    return Rule(name, require=(online(), not_blocked(), *require, whole_order()), prefer=prefer, **more)


def _split(name: str, *require: Requirement, prefer: Any, **more: Any) -> Rule:
    return Rule(name, require=(online(), not_blocked(), *require, has_stock()), prefer=prefer, stops_max=_ANY, **more)


def hotwax_express(*, otherwise: Park = UNFILLABLE) -> Policy:
    """Warehouses within 100 miles, all within 100, all within 250, all, each without a split; then all with one.

    >>> [rule.name for rule in hotwax_express().routes[0].rules]
    ['warehouses 100', 'all 100', 'all 250', 'all', 'all split']
    """
    return _all(
        "hotwax_express",
        _stop("warehouses 100", kind_is("warehouse"), within_km(_km(100)), prefer=nearest()),
        _stop("all 100", within_km(_km(100)), prefer=nearest()),
        _stop("all 250", within_km(_km(250)), prefer=nearest()),
        _stop("all", prefer=nearest()),
        _split("all split", prefer=(fewest_splits(), nearest())),
        otherwise=otherwise,
    )


def hotwax_standard(*, otherwise: Park = UNFILLABLE) -> Policy:
    """Warehouses within 250 miles, within 500, any; the fullest first, never split.

    >>> {rule.stops_max for rule in hotwax_standard().routes[0].rules}
    {1}
    """
    warehouse = kind_is("warehouse")
    return _all(
        "hotwax_standard",
        _stop("warehouses 250", warehouse, within_km(_km(250)), prefer=most_stock()),
        _stop("warehouses 500", warehouse, within_km(_km(500)), prefer=most_stock()),
        _stop("warehouses", warehouse, prefer=most_stock()),
        otherwise=otherwise,
    )


def hotwax_cost_distance(*, otherwise: Park = UNFILLABLE) -> Policy:
    """Within 100 miles at one node, within 100 miles split, any one node, any split; the cheapest first.

    >>> [rule.name for rule in hotwax_cost_distance().routes[0].rules]
    ['near', 'near split', 'any', 'any split']
    """
    near, prefer = within_km(_km(100)), (lowest_cost(), nearest())
    return _all(
        "hotwax_cost_distance",
        _stop("near", near, prefer=prefer),
        _split("near split", near, prefer=prefer),
        _stop("any", prefer=prefer),
        _split("any split", prefer=prefer),
        otherwise=otherwise,
    )


def hotwax_grouped(*, otherwise: Park = UNFILLABLE) -> Policy:
    """One node; a split that keeps ship-together groups whole; any split.

    >>> [rule.keep_groups for rule in hotwax_grouped().routes[0].rules]
    [False, True, False]
    """
    return _all(
        "hotwax_grouped",
        _stop("single", prefer=nearest()),
        _split("groups whole", prefer=(fewest_splits(), nearest()), keep_groups=True),
        _split("split", prefer=(fewest_splits(), nearest())),
        otherwise=otherwise,
    )


def hotwax_protect_stores(
    floor: int = 5, *, after: bool = True, by_weeks: bool = False, otherwise: Park = UNFILLABLE
) -> Policy:
    """Only stock above a floor, the fullest node first; then all stock, the fullest first.

    With `by_weeks` the node whose stock lasts longest comes first; nodes without sales figures last.

    >>> hotwax_protect_stores(3).routes[0].rules[0].require[0]
    keeps_stock(units=3, after=True, more=False)
    """
    prefer = weeks_of_supply() if by_weeks else most_stock()
    require = (online(), not_blocked(), whole_order())
    return _all(
        "hotwax_protect_stores",
        Rule("above the floor", require=(keeps_stock(floor, after=after), *require), prefer=prefer),
        Rule("all stock", require=require, prefer=prefer),
        otherwise=otherwise,
    )


def solidus_on_hand_first(*, otherwise: Park | None = None) -> Policy:
    """Active nodes, group `default` first and then by position: on hand greedily, then backorder greedily.

    A rest that may not be backordered leaves the order unroutable. Parcels are then cut with `split_packages`.

    >>> solidus_on_hand_first().routes[0].rules[0].partial
    'backorder'
    """
    return _walk(
        "solidus_on_hand_first", (ranked_groups("default"), by_position()), partial="backorder", otherwise=otherwise
    )


def spree_rules(*more: Preference, otherwise: Park | None = None) -> Policy:
    """The wished node (else it abstains), the most lines covered, group `default`; the rest spills down the ranking.

    Further preferences of your own come first. On hand before backorder.

    >>> [term.op for term in spree_rules().routes[0].rules[0].prefer]
    ['wished_first', 'most_lines', 'ranked_groups']
    """
    prefer = (*more, wished_first(), most_lines(), ranked_groups("default"))
    return _walk("spree_rules", prefer, partial="backorder", otherwise=otherwise)


def saleor_high_stock(*, otherwise: Park | None = None) -> Policy:
    """The node with the most stock first, taking what each has; the wished node (pickup point) always first.

    >>> [term.op for term in saleor_high_stock().routes[0].rules[0].prefer]
    ['wished_first', 'most_stock']
    """
    return _walk("saleor_high_stock", (wished_first(), most_stock()), otherwise=otherwise)


def saleor_order(*, otherwise: Park | None = None) -> Policy:
    """The channel's own order of nodes (their position), taking what each has; the wished node always first.

    >>> [term.op for term in saleor_order().routes[0].rules[0].prefer]
    ['wished_first', 'by_position']
    """
    return _walk("saleor_order", (wished_first(), by_position()), otherwise=otherwise)


def vendure_channel(channel: str, threshold: int = 0, *, otherwise: Park | None = None) -> Policy:
    """The channel's nodes (a group of its name) in order, never below the out-of-stock threshold of an item.

    >>> vendure_channel("web", 2).routes[0].rules[0].require[-1]
    keeps_stock(units=2, after=True, more=False)
    """
    policy = _walk(
        "vendure_channel", (by_position(),), require=(in_group(channel), keeps_stock(threshold)), otherwise=otherwise
    )
    return Policy(policy.name, (Route(channel, policy.routes[0].rules, when=channel_is(channel)),), otherwise=otherwise)


def sterling_priority(*, by_cost: bool = False, stops_max: int = 5, otherwise: Park = UNFILLABLE) -> Policy:
    """Node priority, fewest shipments, earliest date; or by landed cost, shipments, priority, earliest date.

    >>> [term.op for term in sterling_priority(by_cost=True).routes[0].rules[0].prefer]
    ['lowest_cost', 'fewest_splits', 'by_priority', 'earliest_arrival']
    """
    by_rank = (by_priority(), fewest_splits(), earliest_arrival())
    prefer = (lowest_cost(), fewest_splits(), by_priority(), earliest_arrival()) if by_cost else by_rank
    rule = Rule("sourcing", require=(online(), has_stock()), prefer=prefer, stops_max=stops_max)
    return _all("sterling_priority", rule, otherwise=otherwise)


def fluent_profile(
    groups: Iterable[str],
    criteria: Sequence[Preference],
    *,
    when: Condition | None = None,
    split_max: int = 2,
    fallback_groups: Iterable[str] = (),
    otherwise: Park = UNFILLABLE,
) -> Policy:
    """A sourcing profile: for orders that fit, the nodes of some networks, at most so many parts, criteria in sequence.

    The fallback networks are tried after the first ones, and for orders that do not fit.

    >>> from omscore.routing import nearest, service_is
    >>> policy = fluent_profile(["dc"], [nearest()], when=service_is("express"), fallback_groups=["stores"])
    >>> [(route.name, [rule.name for rule in route.rules]) for route in policy.routes]
    [('profile', ['primary', 'fallback']), ('fallback', ['fallback'])]
    """
    primary = Rule("primary", require=(in_group(*groups), has_stock()), prefer=criteria, stops_max=split_max)
    spare = tuple(fallback_groups)
    rules = (primary,)
    last: tuple[Rule, ...] = ()
    if spare:
        last = (Rule("fallback", require=(in_group(*spare), has_stock()), prefer=criteria, stops_max=split_max),)
    routes: tuple[Route, ...] = (Route("profile", (*rules, *last), when=when),)
    if when is not None and last:
        routes += (Route("fallback", last),)
    return Policy("fluent_profile", routes, otherwise=otherwise)


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
    parcels = (fewest_splits(), nearest())
    split = Rule("fewest parcels", require=has_stock(), prefer=parcels, stops_max=stops_max, review_when=sign)
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
    prefer = (lowest_cost(), nearest())
    rule = Rule("cheapest", require=has_stock(), prefer=prefer, stops_max=stops_max, saving_min=saving)
    return _all("single_location", rule, otherwise=otherwise)


def channel_sla(
    *, wholesale: str = "wholesale", marketplace: str = "marketplace", stops_max: int = 3, otherwise: Park = UNFILLABLE
) -> Policy:
    """Wholesale prefers speed, the marketplace cost, all others fewer parcels and distance.

    In which order competing demands are decided is `queue_by_slack`'s part.

    >>> [route.name for route in channel_sla().routes]
    ['wholesale', 'marketplace', 'others']
    """

    def rule(*prefer: Preference) -> tuple[Rule, ...]:
        return (Rule("sla", require=(online(), has_stock()), prefer=prefer, stops_max=stops_max),)

    return Policy(
        "channel_sla",
        (
            Route("wholesale", rule(earliest_arrival(), lowest_cost(), nearest()), when=channel_is(wholesale)),
            Route("marketplace", rule(lowest_cost(), nearest()), when=channel_is(marketplace)),
            Route("others", rule(fewest_splits(), nearest())),
        ),
        otherwise=otherwise,
    )


SLA_HOURS = {"marketplace": 24, "wholesale": 48, "web": 72}
"""Hours from placing to sending that channels commit to, unless others are given."""


def queue_by_slack(demands: Iterable[Demand], now: datetime, hours: dict[str, int] | None = None) -> tuple[Demand, ...]:
    """Demands in the order in which they should be decided: least time left to their commitment, then highest margin.

    The commitment is the promised date, or so many `hours` by channel after the order was placed (marketplace 24,
    wholesale 48, all others 72). Since slack only shrinks, every demand comes first in the end. Ties go by id.

    >>> from datetime import UTC
    >>> from omscore.routing import DemandLine
    >>> at = datetime(2026, 3, 2, tzinfo=UTC)
    >>> def order(id_, channel):
    ...     return Demand(id_, [DemandLine("1", "X")], channel=channel, placed_at=at)
    >>> [d.id for d in queue_by_slack([order("a", "web"), order("b", "wholesale"), order("c", "marketplace")], at)]
    ['c', 'b', 'a']
    """
    limits = SLA_HOURS if hours is None else hours
    longest = max(limits.values(), default=72)

    def rank(d: Demand) -> tuple[timedelta, int, str]:
        due = d.promised_at
        if due is None:
            due = (d.placed_at or now) + timedelta(hours=limits.get(d.channel, longest))
        return (due - now, -(d.margin_minor or 0), d.id)

    return tuple(sorted(demands, key=rank))


def speed_then_cost(saving: Any = "3.00", *, stops_max: int = 3, otherwise: Park = UNFILLABLE) -> Policy:
    """The earliest delivery, unless another plan is cheaper by more than this; then the earliest near the cheapest.

    >>> [repr(term) for term in speed_then_cost().routes[0].rules[0].prefer]
    ["lowest_cost(tolerance='3.00')", 'earliest_arrival()', 'lowest_cost()']
    """
    prefer = (lowest_cost(tolerance=saving), earliest_arrival(), lowest_cost())
    rule = Rule("fast", require=(online(), has_stock()), prefer=prefer, stops_max=stops_max)
    return _all("speed_then_cost", rule, otherwise=otherwise)
