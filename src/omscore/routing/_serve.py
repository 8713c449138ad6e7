"""Serving: what one rule makes of one case, whose candidates are known."""

from __future__ import annotations

from copy import copy
from itertools import islice, product
from typing import Any

from attrs import evolve

from omscore.errors import Reason
from omscore.kernel import Money
from omscore.routing._case import Case
from omscore.routing._compile import ReadyRule
from omscore.routing._demand import NO_FACTS
from omscore.routing._plans import LAST, Found, Part, Search, cost_of, multiples_of, part_of, single
from omscore.routing._qualify import units_left
from omscore.routing._rank import first, ranked_nodes
from omscore.routing._rest import RESTS, with_rest
from omscore.routing._sourced import Question, can_source
from omscore.routing._terms import Condition, minor

VARIANTS_MAX = 64
"""Ways to put substitutes into a demand that are tried, those with the fewest substitutes first."""


def serve(ready: ReadyRule, x: Case, mask: int) -> Found | int | None:
    """The plan of one rule; the node alone when one ships everything; None when the rule hands on."""
    if not mask:
        # A vendor may send all of it, whoever else qualifies.
        return with_rest(ready, x, mask, Found(())) if ready.rule.partial == "drop_ship" else None
    if ready.single_first:
        whole = mask if ready.complete else mask & x.covers_all()
        if whole and ready.capped:
            room = ready.room if x.facts is NO_FACTS else x.grid.caps(x.facts)
            fits = room.masks.get(x.demand.units)
            whole &= room.at_least(x.demand.units) if fits is None else fits
        if whole:
            return first(ready, x, whole)
        if ready.single_only:
            return None
    return _serve_many(ready, x, mask)


def served(ready: ReadyRule, x: Case, mask: int) -> Found | None:
    """The plan of one rule, written out."""
    found = serve(ready, x, mask)
    return single(x, found) if isinstance(found, int) else found


def _serve_many(ready: ReadyRule, x: Case, mask: int) -> Found | None:
    rule = ready.rule
    if rule.fill == "in_order":
        return in_order(ready, x, mask)
    found = search(ready, x, mask)
    if found is not None and rule.saving_min is not None and len(found.nodes) > 1:
        whole = mask & x.covers_all()
        if ready.capped:
            whole &= x.grid.caps(x.facts).at_least(x.demand.units)
        alone = single(x, first(ready, x, whole)) if whole else None
        if alone is not None and not _saves(x, alone, found, rule.saving_min):
            return alone
    if found is None and rule.partial not in ("next", "substitute"):
        found = search(ready, x, mask, partial=True)
        if rule.partial in RESTS:
            found = with_rest(ready, x, mask, found or Found(()))
    return found


def substituted(ready: ReadyRule, x: Case) -> tuple[Case, Found | int] | None:
    """The plan of a rule for the same demand with as few substitutes as it takes, in the order the lines name them.

    A line gets its substitute whole. None when no way was found that serves everything.
    """
    lines = x.demand.lines
    choices = [range(len(line.substitutes) + 1) for line in lines]
    ways = sorted(islice(product(*choices), 1, VARIANTS_MAX), key=lambda way: (sum(map(bool, way)), sum(way), way))
    for way in ways:
        changed = [line.substitutes[n - 1] if n else line for line, n in zip(lines, way, strict=True)]
        other = x.instead(evolve(x.demand, lines=changed, value=x.demand.value))
        found = serve(ready, other, ready.screen(other.demand, other))
        if found is not None:
            return other, found
    return None


def search(
    ready: ReadyRule, x: Case, mask: int, *, partial: bool = False, parts: list[Part] | None = None
) -> Found | None:
    """The best plan of several nodes by the rule's preferences, or by the parts given."""
    rule, steps_max = ready.rule, x.grid.steps_max
    tolerances: list[int | float] = []
    if parts is None:
        # Complete plans cover all lines alike.
        ranks = [rank for rank in ready.ranks if rank.term.op != "most_lines"]
        parts = [part_of(rank, x, mask) for rank in ranks]
        tolerances = [rank.tolerance(x) for rank in ranks]
    if can_source(rule, x, parts, tolerances):
        question = Question(x, mask, rule, parts, capped=ready.capped, partial=partial, steps_max=steps_max)
        return question.best(tolerances)
    walk = Search(
        x,
        mask,
        stops_max=rule.stops_max,
        split_lines=rule.split_lines,
        keep_groups=rule.keep_groups,
        capped=ready.capped,
        parcel_min=rule.parcel_min,
        partial=partial,
        steps_max=steps_max,
    )
    return walk.best(parts, tolerances)


def in_order(ready: ReadyRule, x: Case, mask: int) -> Found | None:
    """Walk the nodes in the order of the preferences and take what each has."""
    rule = ready.rule
    left = [n for _, n in x.needs]
    multiples = multiples_of(x)
    takes: list[tuple[int, int, int]] = []
    used = 0
    for i in ranked_nodes(ready.ranks, x, mask):
        if used == rule.stops_max:
            break
        room = units_left(x, i) if ready.capped else None
        mine = []
        for k, (row, n) in enumerate(x.needs):
            give = min(left[k], max(0, row.units[i]), left[k] if room is None else room)
            give -= give % multiples[k]
            if not rule.split_lines and give < n:
                give = 0
            if give:
                mine.append((i, k, give))
                left[k] -= give
                room = None if room is None else room - give
        if mine:
            takes += mine
            used += 1
        if not any(left):
            break
    found = Found(tuple(takes), (sum(left),), (sum(left),))
    if not any(left):
        return found
    if rule.partial in RESTS:
        return with_rest(ready, x, mask, found)
    return None if rule.partial in ("next", "substitute") or not takes else found


def again(ready: ReadyRule, x: Case) -> int:
    """The candidates of a rule, with the case's stock as the rule sees it."""
    x.needs = x.rows
    return ready.screen(x.demand, x)


def cheapest(ready: ReadyRule, x: Case) -> Found | None:
    """The cheapest plan that a rule's requirements and stops allow, whatever it prefers."""
    mask = again(ready, x)
    return search(ready, x, mask, parts=[Part("cost", None)])


def runner_up(ready: ReadyRule, x: Case, mask: int, found: Found) -> Found | None:
    """The best plan of the rule that does without at least one of the chosen nodes."""
    best: Found | None = None
    for i in found.nodes:
        rest = mask & ~(1 << i)
        other = served(ready, x, rest) if rest else None
        if other is not None and _divides_more(ready, x, mask, other):
            # Without the node nobody may have all of a line; but as the rule stands, somebody has.
            whole = copy(ready)
            whole.rule = evolve(ready.rule, split_lines=False)
            other = served(whole, x, rest)
        if other is not None and (best is None or vector(ready, x, mask, other) < vector(ready, x, mask, best)):
            best = other
    return best


def _divides_more(ready: ReadyRule, x: Case, mask: int, found: Found) -> bool:
    """Whether a complete plan divides something that a candidate has whole, which the rule's own search would not."""
    if ready.rule.fill == "in_order" or found.backorders or found.units() < x.demand.units:
        return False
    given = [k for _, k, _ in found.takes]
    return any(given.count(k) > 1 and row.at_least(n) & mask for k, (row, n) in enumerate(x.needs))


def vector(ready: ReadyRule, x: Case, mask: int, found: Found) -> tuple[Any, ...]:
    """A plan's figures: the units that are not there, then the rule's preferences in order, then the nodes."""
    out: list[Any] = [x.demand.units - sum(n for _, _, n in found.takes)]
    for rank in ready.ranks:
        if rank.how == "parcels":
            out.append(len(found.nodes))
        elif rank.how == "cost":
            cost = cost_of(x, found)
            out.append(LAST if cost is None else cost)
        else:
            part = part_of(rank, x, mask)
            used = [(part.scores or ())[i] for i in found.nodes]
            out.append(sum(used) if part.how == "sum" else max(used, default=0))
    return (*out, found.nodes)


def signs(ready: ReadyRule, x: Case, mask: int, found: Found) -> list[Reason]:
    """The signs that send a plan to review."""
    out: list[Reason] = []
    d, currency = x.demand, x.grid.network.currency
    cost = cost_of(x, found)
    for sign in ready.rule.review_when:
        if isinstance(sign, Condition):
            if ready.holds[sign](d, x):
                out.append(Reason("routing.review.condition", f"the order fits {sign!r}", {"condition": repr(sign)}))
            continue
        limit = minor(next((v for _, v in sign.args), "0"), d.currency, d.decimals)
        if sign.op == "partial_only":
            if found.backorders or found.units() < d.units:
                out.append(Reason("routing.review.partial", "not everything is there", {"units": found.units()}))
        elif limit is None:
            continue
        elif sign.op == "margin_below":
            left = None if d.margin_minor is None or cost is None else d.margin_minor - cost
            if left is not None and left < limit:
                out.append(
                    Reason(
                        "routing.review.margin",
                        f"{Money(left, currency)} of margin remain",
                        {"left": left, "limit": limit},
                    )
                )
        elif sign.op == "first_order_over":
            if d.earlier_orders == 0 and d.value_minor is not None and d.value_minor > limit:
                out.append(
                    Reason("routing.review.first_order", "a first order of high value", {"value": d.value_minor})
                )
        elif sign.op == "cost_gap_over":
            other = cheapest(ready, x)
            least = None if other is None else cost_of(x, other)
            if cost is not None and least is not None and cost - least > limit:
                facts = {"cost": cost, "cheapest": least, "limit": limit}
                out.append(
                    Reason(
                        "routing.review.cost",
                        f"costs {Money(cost - least, currency)} more than the cheapest plan",
                        facts,
                    )
                )
        else:
            second = runner_up(ready, x, mask, found)
            beside = None if second is None else cost_of(x, second)
            if cost is not None and beside is not None and abs(beside - cost) <= limit:
                out.append(
                    Reason(
                        "routing.review.near_tie",
                        "another plan costs nearly the same",
                        {"cost": cost, "other": beside},
                    )
                )
    return out


def _saves(x: Case, single: Found, split: Found, saving_min: str) -> bool:
    one, many = cost_of(x, single), cost_of(x, split)
    limit = minor(saving_min, x.demand.currency, x.demand.decimals)
    return one is None or (many is not None and limit is not None and one - many > limit)
