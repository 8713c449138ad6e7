"""The engine: one demand in, one decision out, a pure function of policy, network, stock and facts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import evolve

from omscore.errors import InvalidValue, Reason
from omscore.kernel import utc
from omscore.routing._case import PLACES_MAX, Case, DistanceOf, Grid, Levels, Place, QuoteOf
from omscore.routing._compile import Compiled, ReadyRule
from omscore.routing._demand import NO_FACTS, Demand, Facts, StockView
from omscore.routing._explain import explain
from omscore.routing._network import Network
from omscore.routing._plans import LAST, STEPS_MAX, Found, Part, Search, part_of
from omscore.routing._policy import Policy
from omscore.routing._preferences import Rank
from omscore.routing._requirements import units_left
from omscore.routing._terms import Condition, minor
from omscore.routing._trace import Decision, Explanation, Trace, cost_of


class Router:
    """A policy made ready for a network; `route` decides one demand at a time.

    `distance_of(node, address)` replaces the great circle (meters, or None for unknown) and `quote_of(node, demand,
    grams)` the tariffs (Money, or None for not served); both must be pure. A router keeps figures of the last stock
    it saw, as long as the stock's `version(item)` stays the same, and of places it shipped to; it never changes an
    answer by that.

    >>> from omscore import routing as r
    >>> policy = r.Policy("p", (r.Route("all", (r.Rule("one stop", require=r.whole_order(), prefer=r.most_stock()),)),))
    >>> router = r.Router(policy, r.Network([r.Node("A"), r.Node("B")]))
    >>> router.route(r.Demand("ord-1", (r.DemandLine("1", "X", 2),)), r.Stock({("A", "X"): 2, ("B", "X"): 5}))
    <Decision ord-1: assigned at B by all/one stop>
    """

    __slots__ = (
        "_levels",
        "_places",
        "compiled",
        "distance_of",
        "grid",
        "hash",
        "network",
        "policy",
        "quote_of",
        "steps_max",
    )

    def __init__(
        self,
        policy: Policy,
        network: Network,
        *,
        distance_of: DistanceOf | None = None,
        quote_of: QuoteOf | None = None,
        steps_max: int = STEPS_MAX,
    ) -> None:
        self.policy = policy
        self.network = network
        self.distance_of = distance_of
        self.quote_of = quote_of
        self.steps_max = steps_max
        self.grid = Grid(network)
        self.compiled = Compiled(policy, self.grid, quoted=quote_of is not None)
        self.hash = policy.content_hash
        self._levels: Levels | None = None
        self._places: dict[Any, Place] = {}

    def route(
        self, demand: Demand, stock: StockView, *, now: datetime | None = None, facts: Facts = NO_FACTS
    ) -> Decision:
        """Decide one demand on the stock as it is now; nothing is reserved and nothing is changed.

        `now` is needed by rules that look at cut-offs, promises or ages; without it those words do not bind.

        >>> from omscore import routing as r
        >>> Router(r.Policy("none", otherwise=r.park("later")), r.Network()).route(
        ...     r.Demand("ord-1", (r.DemandLine("1", "X"),)), r.Stock()).queue
        'later'
        """
        return self.decide(self.case(demand, stock, now=now, facts=facts))

    def case(self, demand: Demand, stock: StockView, *, now: datetime | None = None, facts: Facts = NO_FACTS) -> Case:
        """Everything a decision looks at, read once."""
        levels = self._levels
        if levels is None or levels.stock is not stock:
            levels = self._levels = Levels(stock, self.grid.ids)
        row = levels.row
        rows = tuple([(row(item), n) for item, n in demand.needs])
        if now is not None:
            now = utc(now, "now")
        return Case(self.grid, demand, rows, self._place(demand), facts, now, self.quote_of)

    def _place(self, demand: Demand) -> Place:
        key = demand.place if self.distance_of is None else demand.destination
        place = self._places.get(key)
        if place is None:
            if len(self._places) >= PLACES_MAX:
                self._places = {}
            place = self._places[key] = Place(self.grid, demand, self.distance_of)
        return place

    def decide(self, x: Case) -> Decision:
        """Decide a case; the same case always gives the same decision."""
        d = x.demand
        at = self.compiled.select(d, x)
        tried: list[tuple[int, ...]] = []
        reason: Reason | None = None
        if at >= 0:
            for n, ready in enumerate(self.compiled.rules[at]):
                if ready.floors:
                    x.needs = x.rows
                masks = ready.screen(d, x)
                tried.append(masks)
                found = self._serve(ready, x, masks[-1])
                if found is None:
                    continue
                return self._judge(ready, x, found, Trace(x, self.hash, at, tuple(tried)), n)
            reason = Reason(
                "routing.no_rule", "no rule of the route found a plan", {"route": self.compiled.routes[at].name}
            )
        else:
            reason = Reason("routing.no_route", "no route's condition holds for the order")
        if not self.grid.nodes:
            reason = Reason("routing.no_nodes", "the network has no nodes")
        outcome = "parked" if self.policy.otherwise is not None else "unroutable"
        return Decision(outcome, self, Trace(x, self.hash, at, tuple(tried)), -1, None, reason)

    def replay(self, trace: Trace) -> Decision:
        """Decide again from a trace alone; raises InvalidValue when the trace is of another policy or network.

        >>> from omscore import routing as r
        >>> router = Router(r.Policy("none", otherwise=r.park("later")), r.Network())
        >>> decision = router.route(r.Demand("ord-1", (r.DemandLine("1", "X"),)), r.Stock())
        >>> router.replay(decision.trace) == decision
        True
        """
        if trace.policy_hash != self.hash or trace.case.grid.network != self.network:
            raise InvalidValue("the trace is of another policy or network; replay it with a router of that one")
        old = trace.case
        return self.decide(Case(self.grid, old.demand, old.rows, old.place, old.facts, old.now, self.quote_of))

    def _serve(self, ready: ReadyRule, x: Case, mask: int) -> Found | None:
        """The plan of one rule, or None when it hands on."""
        if not mask:
            return None
        rule = ready.rule
        if rule.fill == "in_order":
            return self._in_order(ready, x, mask)
        whole = mask if ready.complete else mask & x.covers_all()
        if ready.capped and whole:
            whole = _with_room(x, whole)
        if rule.stops_max == 1 or (whole and ready.ranks and ready.ranks[0].how == "parcels"):
            if whole:
                i = self._first(ready, x, whole)
                return _single(x, i)
            if rule.stops_max == 1 and rule.partial == "next":
                return None
        found = self._search(ready, x, mask)
        if found is not None and rule.saving_min is not None and whole and len(found.nodes) > 1:
            single = _single(x, self._first(ready, x, whole))
            if not _saves(x, single, found, rule.saving_min):
                return single
        if found is None and rule.partial != "next":
            found = self._search(ready, x, mask, partial=True)
            if found is not None and rule.partial == "backorder":
                found = self._backordered(ready, x, mask, found)
        return found

    def _first(self, ready: ReadyRule, x: Case, mask: int) -> int:
        """The best single node: from a remembered ranking where that holds, else by narrowing."""
        per = ready.per
        if per is not None:
            d = x.demand
            key = (
                ready.id,
                d.service if "service" in per else None,
                d.grams if "grams" in per else None,
                (d.line_count, d.units) if "size" in per else None,
                (d.market or d.country) if "market" in per else None,
            )
            ranked = x.place.ranks.get(key)
            if ranked is None:
                if len(x.place.ranks) >= 256:
                    x.place.ranks.clear()
                ranked = x.place.ranks[key] = _ranking(ready.ranks, x, self.grid.full)
            for bit in ranked:
                if bit & mask:
                    return int(bit.bit_length()) - 1
        return _narrow(ready.ranks, x, mask)

    def _search(
        self, ready: ReadyRule, x: Case, mask: int, *, partial: bool = False, parts: Any = None
    ) -> Found | None:
        rule = ready.rule
        search = Search(
            x,
            mask,
            stops_max=rule.stops_max,
            split_lines=rule.split_lines,
            keep_groups=rule.keep_groups,
            capped=ready.capped,
            parcel_min=rule.parcel_min,
            partial=partial,
            steps_max=self.steps_max,
        )
        if parts is not None:
            return search.best(parts)
        ranks = [rank for rank in ready.ranks if rank.term.op != "most_lines"]
        return search.best([part_of(rank, x, mask) for rank in ranks], [rank.tolerance(x) for rank in ranks])

    def _in_order(self, ready: ReadyRule, x: Case, mask: int) -> Found | None:
        """Walk the nodes in the order of the preferences and take what each has."""
        rule = ready.rule
        left = [n for _, n in x.needs]
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
        found = Found(tuple(takes), (sum(left),), (0,), not any(left), 0)
        if not any(left):
            return found
        if rule.partial == "next" or (not takes and rule.partial != "backorder"):
            return None
        return self._backordered(ready, x, mask, found) if rule.partial == "backorder" else found

    def _backordered(self, ready: ReadyRule, x: Case, mask: int, found: Found) -> Found | None:
        """The rest promised from what nodes may backorder, in the order of the preferences; all of it or nothing."""
        given = [0] * len(x.needs)
        for _, k, n in found.takes:
            given[k] += n
        more: list[tuple[int, int, int]] = []
        ranked = [bit.bit_length() - 1 for bit in _ranking(ready.ranks, x, mask) if bit & mask]
        for k, (row, n) in enumerate(x.needs):
            rest = n - given[k]
            for i in ranked:
                cell = (self.grid.ids[i], row.item)
                cap = x.facts.backorder.get(cell)
                if cap is None:
                    cap = sum(units for _, units in x.facts.incoming.get(cell, ()))
                if rest and cap > 0:
                    more.append((i, k, min(rest, cap)))
                    rest -= min(rest, cap)
            if rest:
                return None
        return evolve(found, backorders=tuple(more))

    def _judge(self, ready: ReadyRule, x: Case, found: Found, trace: Trace, n: int) -> Decision:
        """The decision a plan leads to: assigned, or less, or a review."""
        rule = ready.rule
        outcome = "assigned"
        if found.backorders:
            outcome = "backordered"
        elif found.units() < x.demand.units:
            if rule.partial == "park":
                reason = Reason("routing.partial", "not everything can be served", {"units": found.units()})
                parked = "parked" if self.policy.otherwise is not None else "unroutable"
                return Decision(parked, self, trace, -1, None, reason)
            outcome = "review" if rule.partial == "review" else "partly_assigned"
        reasons: tuple[Reason, ...] = ()
        if outcome == "review":
            reasons = (Reason("routing.review.partial", "not everything can be served", {"units": found.units()}),)
        if rule.review_when:
            reasons += tuple(self._signs(ready, x, found, trace, n))
            if reasons:
                outcome = "review"
        return Decision(outcome, self, trace, n, found, None, reasons)

    def _signs(self, ready: ReadyRule, x: Case, found: Found, trace: Trace, n: int) -> list[Reason]:
        """The signs that send a plan to review."""
        out: list[Reason] = []
        d = x.demand
        cost = cost_of(x, found)
        for sign in ready.rule.review_when:
            if isinstance(sign, Condition):
                if self.compiled.holds[sign](d, x):
                    out.append(
                        Reason("routing.review.condition", f"the order fits {sign!r}", {"condition": repr(sign)})
                    )
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
                cheapest = self.cheapest(x, trace.route, n)
                least = None if cheapest is None else cost_of(x, cheapest)
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
                second = self.runner_up(x, ready, trace.masks[-1][-1], found)
                other = None if second is None else cost_of(x, second)
                if cost is not None and other is not None and abs(other - cost) <= limit:
                    out.append(
                        Reason(
                            "routing.review.near_tie",
                            "another plan costs nearly the same",
                            {"cost": cost, "other": other},
                        )
                    )
        return out

    def _again(self, ready: ReadyRule, x: Case) -> int:
        """The candidates of a rule, with the case's stock as the rule sees it."""
        x.needs = x.rows
        return ready.screen(x.demand, x)[-1]

    def cheapest(self, x: Case, route: int, rule: int) -> Found | None:
        """The cheapest plan that a rule's requirements and stops allow, whatever it prefers."""
        ready = self.compiled.rules[route][rule]
        mask = self._again(ready, x)
        return self._search(ready, x, mask, parts=[Part("cost", None)])

    def runner_up(self, x: Case, ready: ReadyRule, mask: int, found: Found) -> Found | None:
        """The best plan of the rule that does without at least one of the chosen nodes."""
        best: Found | None = None
        for i in found.nodes:
            rest = mask & ~(1 << i)
            other = self._serve(ready, x, rest) if rest else None
            if other is not None and (
                best is None or self.vector(x, ready, mask, other) < self.vector(x, ready, mask, best)
            ):
                best = other
        return best

    def vector(self, x: Case, ready: ReadyRule, mask: int, found: Found) -> tuple[Any, ...]:
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

    def explain(self, decision: Decision) -> Explanation:
        """Decode a decision's trace; see `Decision.explain`."""
        return explain(self, decision)


def _single(x: Case, i: int) -> Found:
    takes = tuple([(i, k, n) for k, (_, n) in enumerate(x.needs)])
    return Found(takes, (), (), True, 0)


def _with_room(x: Case, mask: int) -> int:
    kept = 0
    while mask:
        low = mask & -mask
        left = units_left(x, low.bit_length() - 1)
        if left is None or left >= x.demand.units:
            kept |= low
        mask ^= low
    return kept


def _saves(x: Case, single: Found, split: Found, saving_min: str) -> bool:
    one, many = cost_of(x, single), cost_of(x, split)
    limit = minor(saving_min, x.demand.currency, x.demand.decimals)
    return one is None or (many is not None and limit is not None and one - many > limit)


def _ranking(ranks: tuple[Rank, ...], x: Case, mask: int) -> tuple[int, ...]:
    """The bits of all nodes, best first; None scores last, ids as the last tie-break."""
    columns = [rank.column(x, mask) for rank in ranks]

    def key(i: int) -> list[Any]:
        return [(1, 0) if column[i] is None else (0, column[i]) for column in columns]

    return tuple(1 << i for i in sorted(range(len(x.grid.nodes)), key=lambda i: (key(i), i)))


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
