"""Routing again: what a rejection does to stock, what is left to route, and how a decision is committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from omscore.errors import InvalidValue, Reason
from omscore.kernel import quantity
from omscore.routing._demand import NO_FACTS, Demand, Facts, StockView
from omscore.routing._engine import Router
from omscore.routing._trace import Decision, Plan

REJECTIONS = ("not_in_stock", "mismatch", "damaged", "display", "no_time", "closed", "timeout")
"""Why a node rejects: the first four say something about its stock, the others do not."""


@frozen
class StockAfter:
    """What a rejection leaves of a node's figures for an item.

    >>> StockAfter(on_hand=3, sellable=3).on_hand
    3
    """

    on_hand: int
    sellable: int


def rejection_effect(reason: str, *, units: int, on_hand: int, sellable: int) -> StockAfter:
    """What a node's rejection of some units says about its stock, by reason.

    Not in stock: nothing is there. Mismatch: as many less on hand and for sale. Damaged or on display: still on hand,
    but not for sale. Other reasons change nothing. Figures never fall below zero. Raises InvalidValue for other
    words.

    >>> rejection_effect("damaged", units=2, on_hand=5, sellable=5)
    StockAfter(on_hand=5, sellable=3)
    """
    quantity(units, "rejected units")
    if reason not in REJECTIONS:
        raise InvalidValue(f"a rejection's reason is one of {', '.join(REJECTIONS)}, not {reason!r}")
    if reason == "not_in_stock":
        return StockAfter(0, 0)
    if reason == "mismatch":
        return StockAfter(max(0, on_hand - units), max(0, sellable - units))
    if reason in ("damaged", "display"):
        return StockAfter(on_hand, max(0, sellable - units))
    return StockAfter(on_hand, sellable)


def left_to_route(
    demand: Demand, plan: Plan, node: str, rejected: Mapping[str, int] | None = None, *, attempts_max: int = 5
) -> Demand | None:
    """The demand that a rejection leaves: the rejected units by line (or all of the node's), the node excluded.

    One attempt is counted; beyond `attempts_max` there is nothing more to try and the answer is None. Raises
    InvalidValue when more is rejected than the plan gave the node.

    >>> from omscore.routing import Assignment, DemandLine
    >>> order = Demand("ord-1", [DemandLine("1", "X", 3)])
    >>> rest = left_to_route(order, Plan((Assignment("A", "1", "X", 3),)), "A", {"1": 2})
    >>> rest.lines[0].units, sorted(rest.excluded), rest.attempts
    (2, ['A'], 1)
    """
    given: dict[str, int] = {}
    for a in plan.assignments:
        if a.node == node:
            given[a.line] = given.get(a.line, 0) + a.units
    back = given if rejected is None else dict(rejected)
    for line, n in back.items():
        if quantity(n, "rejected units") > given.get(line, 0):
            raise InvalidValue(f"{node!r} was given {given.get(line, 0)} units of line {line!r} and cannot reject {n}")
    if not back:
        raise InvalidValue(f"{node!r} was given nothing of {demand.id!r}; there is nothing to reject")
    if demand.attempts >= attempts_max:
        return None
    lines = [evolve(line, units=back[line.id]) for line in demand.lines if line.id in back]
    return evolve(demand, lines=lines, excluded=demand.excluded | {node}, attempts=demand.attempts + 1)


@frozen
class Settled:
    """A decision that was carried out, or the last one that could not be, the races lost on the way, and who won then.

    >>> Settled.__name__
    'Settled'
    """

    decision: Decision
    committed: bool
    lost: tuple[Reason, ...] = ()
    text: str = ""


def lost_by(decision: Decision, reason: Reason) -> Reason:
    """The reason why a decision could not be carried out, with the route, rule and nodes whose plan came too late.

    >>> from omscore import routing as r
    >>> router = r.Router(r.packs.single_location(), r.Network([r.Node("A")]))
    >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
    >>> lost_by(decision, Reason("stock.taken", "A's last unit is gone")).facts
    {'order': 'ord-1', 'route': 'all', 'rule': 'cheapest', 'nodes': ['A']}
    """
    where = {"route": decision.route, "rule": decision.rule, "nodes": list(decision.nodes)}
    return evolve(reason, facts={**reason.facts, "order": decision.demand.id, **where})


def won_after(lost: Sequence[Reason], decision: Decision) -> str:
    """One sentence on a decision made again after lost races: whether the rule that had won did so again, or who did.

    Empty when no race was lost; `lost` are reasons that came through `lost_by`.

    >>> from omscore import routing as r
    >>> router = r.Router(r.packs.single_location(), r.Network([r.Node("A"), r.Node("B")]))
    >>> first, again = (router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {(n, "X"): 1}) for n in "AB")
    >>> won_after([lost_by(first, Reason("stock.taken", "A's last unit is gone"))], again)
    'a race for stock was lost, and on what is there now all/cheapest won again, with B instead of A'
    """
    if not lost:
        return ""
    had = lost[-1].facts
    before, now = f"{had.get('route', '')}/{had.get('rule', '')}", f"{decision.route}/{decision.rule}"
    nodes, was = ", ".join(decision.nodes), ", ".join(had.get("nodes", ()))
    if decision.plan is None:
        told = f"neither {before}, which had won, nor another rule finds a plan"
    elif before == now:
        told = f"{now} won again, " + ("with the same nodes" if nodes == was else f"with {nodes} instead of {was}")
    else:
        told = f"{now} won with {nodes}, where {before} had won with {was}"
    return f"a race for stock was lost, and on what is there now {told}"


def settle(
    router: Router,
    demand: Demand,
    read: Callable[[], StockView],
    commit: Callable[[Decision], Reason | None],
    *,
    now: datetime | None = None,
    facts: Facts = NO_FACTS,
    tries_max: int = 3,
) -> Settled:
    """Decide and commit; when the commit loses a race, read stock again and decide again, at most so many times.

    All rules are asked again in their order, up to the one that had won and, should it find nothing more, beyond it.
    Each reason in `Settled.lost` names the route and rule whose plan came too late, `Settled.text` who won in the end.

    `read()` gives the stock as it is now; `commit(decision)` takes the units in one transaction and answers None, or
    the reason why it could not, in which case it must have changed nothing. Decisions without a plan are not
    committed.

    >>> from omscore import routing as r
    >>> router = r.Router(r.packs.single_location(), r.Network([r.Node("A"), r.Node("B")]))
    >>> order = r.Demand("ord-1", [r.DemandLine("1", "X")])
    >>> answers = iter([Reason("stock.taken", "A's last unit is gone"), None])
    >>> done = r.settle(router, order, lambda: r.Stock({("B", "X"): 1}), lambda decision: next(answers))
    >>> done.committed, [reason.code for reason in done.lost]
    (True, ['stock.taken'])
    """
    if type(tries_max) is not int or tries_max < 1:
        raise InvalidValue(f"tries_max must be a whole number of at least 1, not {tries_max!r}")
    lost: list[Reason] = []
    while True:
        decision = router.route(demand, read(), now=now, facts=facts)
        if decision.plan is None or decision.outcome in ("review", "parked", "unroutable"):
            return Settled(decision, committed=False, lost=tuple(lost), text=won_after(lost, decision))
        refused: Any = commit(decision)
        if refused is None:
            return Settled(decision, committed=True, lost=tuple(lost), text=won_after(lost, decision))
        lost.append(lost_by(decision, refused))
        if len(lost) >= tries_max:
            return Settled(decision, committed=False, lost=tuple(lost))
