"""Lint: what in a policy is allowed but probably not meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import frozen

from omscore.routing._logic import implies
from omscore.routing._network import Network, Node
from omscore.routing._policy import Policy, Route, Rule

# Words that leave nodes equal as a rule, so that ids decide.
_COARSE = frozenset({"fewest_splits", "same_market", "ranked_groups", "clearance", "most_lines", "wished_first"})


@frozen
class Finding:
    """Something to look at in a policy: a stable code, where, and why.

    >>> Finding("tie_risk", "routes[0].rules[0]", "only ids tell nodes apart").code
    'tie_risk'
    """

    code: str
    where: str
    text: str


def lint(policy: Policy, network: Network | None = None) -> tuple[Finding, ...]:
    """Dead routes, missing fallbacks, and rules in which ties are left to node ids.

    With a network also names that it does not have: nodes, groups, kinds of nodes, countries, capabilities.

    >>> from omscore import routing as r
    >>> bare = r.Policy("bare", (r.Route("web", (r.Rule("any"),), when=r.channel_is("web")),))
    >>> [finding.code for finding in r.lint(bare)]
    ['no_fallback', 'tie_risk', 'no_last_route']
    """
    out: list[Finding] = []
    if policy.otherwise is None:
        out.append(
            Finding("no_fallback", "otherwise", "orders that no rule serves end as unroutable; park them in a queue")
        )
    elif policy.otherwise.then == "cancel" and policy.otherwise.days is None:
        text = "parked without days, orders wait for ever and are never cancelled; say after how many days"
        out.append(Finding("never_cancelled", "otherwise", text))
    routes = policy.ordered()
    for n, route in enumerate(routes):
        where = f"routes[{policy.routes.index(route)}]"
        for earlier in routes[:n]:
            if implies(route.when, earlier.when):
                out.append(Finding("dead_route", where, f"every order it takes is taken by {earlier.name!r} before"))
                break
        for k, rule in enumerate(route.rules):
            out += _rule(rule, f"{where}.rules[{k}]")
            out += () if network is None else _unknown(rule, network, f"{where}.rules[{k}]")
        out += _dead_rules(route, where)
    if routes and all(route.when is not None for route in routes):
        out.append(
            Finding("no_last_route", "routes", "every route has a condition; orders that fit none go to otherwise")
        )
    return tuple(out)


def _rule(rule: Rule, where: str) -> list[Finding]:
    out = []
    if all(term.op in _COARSE for term in rule.prefer):
        out.append(
            Finding("tie_risk", where, "its preferences leave nodes equal, and then ids decide; add one that does not")
        )
    if rule.saving_min is not None and rule.stops_max == 1:
        out.append(Finding("idle_saving", where, "saving_min without stops_max above 1 never compares anything"))
    if rule.fill == "in_order" and (rule.keep_groups or rule.parcel_min is not None or rule.saving_min is not None):
        text = "walking nodes in order does not look at keep_groups, parcel_min or saving_min; use fill='best'"
        out.append(Finding("idle_in_order", where, text))
    ops = {term.op for term in rule.require}
    if rule.stops_max > 1 and "whole_order" in ops:
        out.append(Finding("idle_stops", where, "whole_order leaves only nodes that need no split; use has_stock"))
    if rule.stops_max > 1 and rule.fill == "best" and "most_lines" in {term.op for term in rule.prefer}:
        out.append(
            Finding(
                "idle_most_lines", where, "complete plans cover all lines alike; most_lines ranks single nodes only"
            )
        )
    return out


def _unknown(rule: Rule, network: Network, where: str) -> list[Finding]:
    """Names in a rule that no node of the network has: probably a slip of the pen."""
    known = {name: {value for node in network.nodes for value in have(node)} for name, have in _NAMED.items()}
    out: list[Finding] = []
    for term in (*rule.require, *rule.rest_from, *rule.prefer):
        for inner in term.walk():
            out += [
                Finding("unknown_name", where, f"{inner!r}: no node of the network has {name!r}")
                for name in (inner["names"] if inner.op in known else ())
                if name not in known[inner.op]
            ]
    return out


_NAMED: dict[str, Callable[[Node], Iterable[str]]] = {
    "node_is": lambda node: (node.id,),
    "ranked_nodes": lambda node: (node.id,),
    "in_group": lambda node: node.groups,
    "ranked_groups": lambda node: node.groups,
    "kind_is": lambda node: (node.kind,),
    "in_country": lambda node: (node.country,),
    "has_capability": lambda node: node.capabilities,
    "can_handle": lambda node: node.capabilities,
}


def _dead_rules(route: Route, where: str) -> list[Finding]:
    out = []
    for n, rule in enumerate(route.rules):
        for earlier in route.rules[:n]:
            if (
                set(earlier.require) == set(rule.require)
                and earlier.stops_max >= rule.stops_max
                and earlier.partial != "next"
            ):
                text = f"rule {earlier.name!r} serves or ends every order that comes to it"
                out.append(Finding("dead_rule", f"{where}.rules[{n}]", text))
                break
    return out
