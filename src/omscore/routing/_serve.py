"""Serving: what one rule makes of one case, whose candidates are known."""

from __future__ import annotations

from math import inf
from typing import Any

from omscore.errors import Reason
from omscore.routing._case import Case
from omscore.routing._compile import ReadyRule
from omscore.routing._demand import NO_FACTS
from omscore.routing._plans import LAST, Found, Part, Search, cost_of, part_of, single
from omscore.routing._preferences import Rank
from omscore.routing._requirements import units_left
from omscore.routing._sourced import Question, can_source
from omscore.routing._terms import Condition, minor

RANKS_MAX = 256
"""Rankings kept for one destination; they are made again when there are more."""


def serve(ready: ReadyRule, x: Case, mask: int) -> Found | int | None:
    """The plan of one rule; the node alone when one ships everything; None when the rule hands on."""
    if not mask:
        return None
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
    if found is None and rule.partial != "next":
        found = search(ready, x, mask, partial=True)
        if found is not None and rule.partial == "backorder":
            found = backordered(ready, x, mask, found)
    return found


def first(ready: ReadyRule, x: Case, mask: int) -> int:
    """The best single node: from a remembered ranking where that holds, else by narrowing."""
    if ready.key is not None:
        ranks = x.place.ranks
        key = ready.key(x.demand)
        ranked = ranks.get(key)
        if ranked is None:
            if len(ranks) >= RANKS_MAX:
                ranks.clear()
            ranked = ranks[key] = _ranking(ready.ranks, x, x.grid.full)
        for bit in ranked:
            if bit & mask:
                return int(bit.bit_length()) - 1
    return _narrow(ready.ranks, x, mask)


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
    multiples = [max(line.multiple for line in x.demand.lines if line.item == row.item) for row, _ in x.needs]
    takes: list[tuple[int, int, int]] = []
    used = 0
    for bit in _ranking(ready.ranks, x, mask):
        if not bit & mask or used == rule.stops_max:
            continue
        i = bit.bit_length() - 1
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
    if rule.partial == "next" or (not takes and rule.partial != "backorder"):
        return None
    return backordered(ready, x, mask, found) if rule.partial == "backorder" else found


def backordered(ready: ReadyRule, x: Case, mask: int, found: Found) -> Found | None:
    """The rest promised from what nodes may backorder, in the order of the preferences; all of it or nothing."""
    given = [0] * len(x.needs)
    for _, k, n in found.takes:
        given[k] += n
    more: list[tuple[int, int, int]] = []
    ranked = [bit.bit_length() - 1 for bit in _ranking(ready.ranks, x, mask) if bit & mask]
    for k, (row, n) in enumerate(x.needs):
        rest = n - given[k]
        for i in ranked:
            cell = (x.grid.ids[i], row.item)
            cap = x.facts.backorder.get(cell)
            if cap is None:
                cap = sum(units for _, units in x.facts.incoming.get(cell, ()))
            if rest and cap > 0:
                more.append((i, k, min(rest, cap)))
                rest -= min(rest, cap)
        if rest:
            return None
    return Found(found.takes, found.vector, found.bound, found.proven, found.steps, tuple(more))


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
        if other is not None and (best is None or vector(ready, x, mask, other) < vector(ready, x, mask, best)):
            best = other
    return best


def vector(ready: ReadyRule, x: Case, mask: int, found: Found) -> tuple[Any, ...]:
    """A plan's figures in the order of the rule's preferences, then the nodes."""
    out: list[Any] = [x.demand.units - found.units()]
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
    d = x.demand
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
                        f"{left} minor units of margin remain",
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
                        f"costs {cost - least} minor units more than the cheapest plan",
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


def _ranking(ranks: tuple[Rank, ...], x: Case, mask: int) -> tuple[int, ...]:
    """The bits of all nodes, best first; what a preference does not know sorts last, ids as the last tie-break."""
    columns = []
    for rank in ranks:
        scores = rank.column(x, mask)
        columns.append([inf if score is None else score for score in scores] if None in scores else scores)
    return tuple([1 << row[-1] for row in sorted(zip(*columns, range(len(x.grid.nodes)), strict=True))])


def _narrow(ranks: tuple[Rank, ...], x: Case, mask: int) -> int:
    """The best node of a mask: each preference keeps its best (and what ties with it) for the next one."""
    for rank in ranks:
        if not mask & (mask - 1):
            break
        scores = rank.column(x, mask)
        if rank.term.op == "own":
            mask = _without_excluded(scores, mask)
        tolerance = rank.tolerance(x) if rank.tolerant else 0
        best: Any = None
        rest = mask
        while rest:
            low = rest & -rest
            rest ^= low
            score = scores[low.bit_length() - 1]
            if score is not None and (best is None or score < best):
                best = score
        if best is None:
            continue
        limit = best + tolerance if tolerance else best
        kept, rest = 0, mask
        while rest:
            low = rest & -rest
            rest ^= low
            score = scores[low.bit_length() - 1]
            if score is not None and score <= limit:
                kept |= low
        mask = kept
    return (mask & -mask).bit_length() - 1


def _without_excluded(scores: Any, mask: int) -> int:
    """A host's -1 says that the node should not be chosen while another can."""
    kept = 0
    rest = mask
    while rest:
        low = rest & -rest
        rest ^= low
        score = scores[low.bit_length() - 1]
        if score is None or score >= 0:
            kept |= low
    return kept or mask
