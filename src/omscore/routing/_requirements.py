"""Requirements: the words for what a node must meet to serve an order (require=...)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omscore.errors import Reason
from omscore.routing._network import Node
from omscore.routing._terms import Requirement, amount, names, positive, whole


def online() -> Requirement:
    """The node sells online.

    >>> online()
    online()
    """
    return Requirement("online")


def node_is(*names_: str) -> Requirement:
    """The node is one of these.

    >>> ~node_is("GHENT")
    ~node_is('GHENT')
    """
    return Requirement("node_is", names("node_is", names_))


def in_group(*names_: str) -> Requirement:
    """The node belongs to at least one of these groups; `~in_group(...)` keeps them out.

    >>> in_group("benelux") & ~in_group("outlets")
    (in_group('benelux') & ~in_group('outlets'))
    """
    return Requirement("in_group", names("in_group", names_))


def kind_is(*names_: str) -> Requirement:
    """The node is of one of these kinds (warehouse, store, vendor, 3pl).

    >>> kind_is("warehouse", "3pl")
    kind_is('warehouse', '3pl')
    """
    return Requirement("kind_is", names("kind_is", names_))


def in_country(*names_: str) -> Requirement:
    """The node stands in one of these countries.

    >>> in_country("BE")
    in_country('BE')
    """
    return Requirement("in_country", names("in_country", names_))


def has_capability(*names_: str) -> Requirement:
    """The node can do all of this, whatever the order needs.

    >>> has_capability("cold")
    has_capability('cold')
    """
    return Requirement("has_capability", names("has_capability", names_))


def can_handle(*names_: str) -> Requirement:
    """The node has each of these capabilities that a tag of the order or its lines asks for.

    >>> can_handle("cold", "hazmat")
    can_handle('cold', 'hazmat')
    """
    return Requirement("can_handle", names("can_handle", names_))


def has_stock() -> Requirement:
    """The node has at least one unit of something asked.

    >>> has_stock()
    has_stock()
    """
    return Requirement("has_stock")


def full_line() -> Requirement:
    """The node has all units of at least one item asked.

    >>> full_line()
    full_line()
    """
    return Requirement("full_line")


def whole_order() -> Requirement:
    """The node has all units of every item asked.

    >>> whole_order()
    whole_order()
    """
    return Requirement("whole_order")


def stocks(*names_: str) -> Requirement:
    """The node has at least one unit of each of these items, as far as the order asks for them.

    >>> stocks("SKU-1")
    stocks('SKU-1')
    """
    return Requirement("stocks", names("stocks", names_))


def keeps_stock(units: int, *, after: bool = True, more: bool = False) -> Requirement:
    """Only stock above a floor counts: at least `units` remain after this order, or are there before it.

    With `more`, more than the floor must remain. It changes what later words see as stock, so it stands first and
    alone in `require`, never inside & | ~.

    >>> keeps_stock(3)
    keeps_stock(units=3, after=True, more=False)
    """
    return Requirement(
        "keeps_stock", (("units", whole("keeps_stock", "units", units)), ("after", bool(after)), ("more", bool(more)))
    )


def within_km(km: float) -> Requirement:
    """The node is at most this far from the destination; an unknown distance is refused.

    >>> within_km(400)
    within_km(km=400)
    """
    return Requirement("within_km", (("km", positive("within_km", "km", km)),))


def known_distance() -> Requirement:
    """The distance between node and destination is known.

    >>> known_distance()
    known_distance()
    """
    return Requirement("known_distance")


def in_market() -> Requirement:
    """The node is in the order's market (its market, or else its country).

    >>> in_market()
    in_market()
    """
    return Requirement("in_market")


def may_cross_border() -> Requirement:
    """The destination is in the node's country or in one that the node ships to; an unknown country is refused.

    >>> may_cross_border()
    may_cross_border()
    """
    return Requirement("may_cross_border")


def before_cutoff() -> Requirement:
    """The order still makes today's cut-off at the node, on a working day; at the very minute it does.

    >>> before_cutoff()
    before_cutoff()
    """
    return Requirement("before_cutoff")


def meets_promise() -> Requirement:
    """The parcel arrives by the promised date; without a promise every node that serves the place qualifies.

    >>> meets_promise()
    meets_promise()
    """
    return Requirement("meets_promise")


def has_capacity() -> Requirement:
    """The node can take at least one more order and one more unit; plans never give it more units than it has left.

    >>> has_capacity()
    has_capacity()
    """
    return Requirement("has_capacity")


def lead_days_max(days: int) -> Requirement:
    """The node hands over within this many days.

    >>> lead_days_max(2)
    lead_days_max(days=2)
    """
    return Requirement("lead_days_max", (("days", whole("lead_days_max", "days", days)),))


def feed_age_max(hours: float) -> Requirement:
    """The node's figures were read at most this long ago; figures without an age count as live.

    >>> feed_age_max(24)
    feed_age_max(hours=24)
    """
    return Requirement("feed_age_max", (("hours", positive("feed_age_max", "hours", hours)),))


def not_blocked() -> Requirement:
    """The node did not lately reject in a way that blocks it.

    >>> not_blocked()
    not_blocked()
    """
    return Requirement("not_blocked")


def rejections_max(permille: int) -> Requirement:
    """The node rejects at most this many of a thousand orders.

    >>> rejections_max(50)
    rejections_max(permille=50)
    """
    return Requirement("rejections_max", (("permille", whole("rejections_max", "permille", permille)),))


def cost_max(limit: Any) -> Requirement:
    """Sending the whole order from the node costs at most this; a node that cannot be priced is refused.

    >>> cost_max("12.50")
    cost_max(limit='12.50')
    """
    return Requirement("cost_max", (("limit", amount("cost_max", limit)),))


def same_owner() -> Requirement:
    """The node belongs to the order's seller.

    >>> same_owner()
    same_owner()
    """
    return Requirement("same_owner")


def same_currency() -> Requirement:
    """The node works in the order's currency; a node without one works in all.

    >>> same_currency()
    same_currency()
    """
    return Requirement("same_currency")


def wished_node() -> Requirement:
    """The node is the one that the customer or the channel wished; without a wish all qualify.

    >>> wished_node()
    wished_node()
    """
    return Requirement("wished_node")


def own_requirement(name: str, call: Callable[[Node, Any], bool | Reason]) -> Requirement:
    """A requirement of the host's own: `call(node, demand)` answers True, False, or a Reason for the refusal.

    It works like any other but cannot be stored as data.

    >>> quiet = own_requirement("not on strike", lambda node, demand: node.region != "75")
    >>> quiet & online()
    (own('not on strike') & online())
    """
    return Requirement("own", (("names", (name,)),), call=call)
