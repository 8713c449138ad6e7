"""Thresholds on an order's money: the nearest value, or margin, with which the decision would have been another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import evolve

from omscore.kernel import Money
from omscore.routing._case import Case
from omscore.routing._policy import Policy
from omscore.routing._terms import Term, minor
from omscore.routing._trace import Decision

if TYPE_CHECKING:
    from omscore.routing._engine import Router

TRIES_MAX = 12
"""How many thresholds are tried, the nearest first."""


def other_amounts(router: Router, decision: Decision, x: Case) -> Iterator[str]:
    """For value and margin: the smallest change that another decision would have followed, and which."""
    d = x.demand
    for name, now in (("value", d.value_minor), ("margin", d.margin_minor)):
        limits = _limits(router.policy, name, x)
        if now is None or not limits:
            continue
        tried = {n for limit in limits for n in (limit - 1, limit, limit + 1) if n != now and n >= min(0, now)}
        for n in sorted(tried, key=lambda n: (abs(n - now), n))[:TRIES_MAX]:
            amount = Money(n, d.currency)
            changed = evolve(d, value=amount) if name == "value" else evolve(d, margin=amount)
            other = router.decide(Case(x.grid, changed, x.rows, x.place, x.facts, x.now, x.spare))
            if (other.outcome, other.plan) != (decision.outcome, decision.plan):
                where = f" at {', '.join(other.nodes)}" if other.nodes else ""
                by = f" by {other.route}/{other.rule}" if other.rule else ""
                yield f"with a {name} of {amount} it would be {other.outcome}{where}{by}"
                break


def _limits(policy: Policy, name: str, x: Case) -> set[int]:
    """The amounts in minor units with which a policy compares the order's value or margin."""
    found: set[int] = set()
    terms: list[Term] = [route.when for route in policy.routes if route.when is not None]
    for route in policy.routes:
        for rule in route.rules:
            terms += [*rule.require, *rule.review_when]
    while terms:
        term = terms.pop()
        terms += term.parts
        if term.op == "compare" and term["field"] == name:
            to = term["to"]
            for text in to if isinstance(to, tuple) else (to,):
                if (limit := minor(text, x.demand.currency, x.demand.decimals)) is not None:
                    found.add(limit)
    return found
