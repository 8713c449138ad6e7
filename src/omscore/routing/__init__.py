"""Route: which node ships which units, by a policy of routes and rules, with reasons for every node.

A `Policy` holds `Route`s, a route holds `Rule`s; a rule says what a node must meet (`require`) and what is best among
those that do (`prefer`). `Router(policy, network).route(demand, stock)` gives a `Decision` that explains itself.
"""

from omscore.routing import packs
from omscore.routing._capacity import Load, Slots, capacity_left, limited, load_of, slot_end, slot_start
from omscore.routing._compile import matcher
from omscore.routing._conditions import (
    age_hours,
    all_tags,
    any_tag,
    attempts,
    channel_is,
    compare,
    country_is,
    earlier_orders,
    every_line_tagged,
    fact,
    fact_is,
    has_category,
    has_item,
    hours_to_promise,
    is_pickup,
    line_count,
    margin,
    market_is,
    no_coordinates,
    own_condition,
    parked_in,
    postcode_starts,
    region_is,
    seller_is,
    service_is,
    tier_is,
    units,
    value,
    weight_grams,
)
from omscore.routing._demand import Demand, DemandLine, Facts, Stock, StockView
from omscore.routing._engine import Router
from omscore.routing._explanation import Explanation
from omscore.routing._lint import Finding, lint
from omscore.routing._many import Displacement, Together, route_many
from omscore.routing._network import Network, Node, Rate, Service
from omscore.routing._orders import (
    carry_out,
    cells_of,
    demand_of,
    items_of,
    plan_to_commit,
    shares_of,
    stock_of,
    transfers_of,
)
from omscore.routing._packages import (
    Package,
    Splitter,
    by_backorder,
    by_category,
    by_tag,
    by_weight,
    split_packages,
)
from omscore.routing._policy import Park, Policy, ReviewDesk, Route, Rule, park
from omscore.routing._preferences import (
    blend,
    by_position,
    by_priority,
    clearance,
    earliest_arrival,
    fewest_rejections,
    fewest_splits,
    least_carbon,
    lowest_cost,
    most_capacity,
    most_lines,
    most_stock,
    nearest,
    own_preference,
    ranked_groups,
    ranked_nodes,
    round_robin,
    same_market,
    shortest_lead,
    weeks_of_supply,
    wished_first,
)
from omscore.routing._promise import (
    DeliveryPromise,
    Outlook,
    PromisedPart,
    Repromised,
    outlook,
    promise,
    promise_of,
    repromise,
)
from omscore.routing._requirements import (
    before_cutoff,
    can_handle,
    cost_max,
    feed_age_max,
    full_line,
    has_capability,
    has_capacity,
    has_stock,
    in_country,
    in_group,
    in_market,
    keeps_stock,
    kind_is,
    known_distance,
    lead_days_max,
    may_cross_border,
    meets_promise,
    node_is,
    not_blocked,
    online,
    own_requirement,
    rejections_max,
    same_currency,
    same_owner,
    stocks,
    whole_order,
    wished_node,
    within_km,
)
from omscore.routing._reroute import (
    REJECTIONS,
    Settled,
    StockAfter,
    left_to_route,
    lost_by,
    rejection_effect,
    settle,
    won_after,
)
from omscore.routing._review import cost_gap_over, first_order_over, margin_below, near_tie, partial_only
from omscore.routing._terms import Condition, Preference, Requirement, ReviewSign
from omscore.routing._trace import OUTCOMES, Assignment, Decision, Plan, Record, Review, Trace

__all__ = [
    # the network and the demand
    "Node", "Rate", "Service", "Network", "DemandLine", "Demand", "StockView", "Stock", "Facts",
    # policies
    "Policy", "Route", "Rule", "Park", "park", "ReviewDesk", "Finding", "lint", "packs",
    # when
    "Condition", "channel_is", "service_is", "country_is", "region_is", "postcode_starts", "market_is",
    "tier_is", "seller_is", "parked_in", "any_tag", "all_tags", "every_line_tagged", "has_item", "has_category",
    "is_pickup", "no_coordinates", "fact_is", "fact", "value", "margin", "units", "line_count", "weight_grams",
    "attempts", "earlier_orders", "age_hours", "hours_to_promise", "compare", "own_condition",
    # require
    "Requirement", "online", "node_is", "in_group", "kind_is", "in_country", "has_capability", "can_handle",
    "has_stock", "full_line", "whole_order", "stocks", "keeps_stock", "within_km", "known_distance",
    "in_market", "may_cross_border", "before_cutoff", "meets_promise", "has_capacity", "lead_days_max",
    "feed_age_max", "not_blocked", "rejections_max", "cost_max", "same_owner", "same_currency", "wished_node",
    "own_requirement",
    # prefer
    "Preference", "fewest_splits", "most_lines", "same_market", "nearest", "ranked_nodes", "ranked_groups",
    "by_priority", "by_position", "wished_first", "lowest_cost", "earliest_arrival", "most_stock",
    "weeks_of_supply", "most_capacity", "fewest_rejections", "shortest_lead", "clearance", "round_robin",
    "least_carbon", "blend", "own_preference",
    # review
    "ReviewSign", "cost_gap_over", "near_tie", "partial_only", "margin_below", "first_order_over",
    # deciding
    "Router", "matcher", "OUTCOMES", "Decision", "Plan", "Assignment", "Review", "Trace", "Record", "Explanation",
    # from orders and the ledger, and back
    "demand_of", "items_of", "stock_of", "plan_to_commit", "shares_of", "cells_of", "transfers_of", "carry_out",
    # many at once
    "route_many", "Together", "Displacement",
    # capacity
    "Load", "limited", "load_of", "slot_start", "slot_end", "capacity_left", "Slots",
    # promising
    "Outlook", "outlook", "promise", "promise_of", "DeliveryPromise", "PromisedPart", "repromise", "Repromised",
    # parcels and routing again
    "Package", "Splitter", "split_packages", "by_backorder", "by_category", "by_tag", "by_weight", "Settled", "settle",
    "lost_by", "won_after", "REJECTIONS", "StockAfter", "rejection_effect", "left_to_route",
]  # fmt: skip
