"""The engine: one demand in, one decision out, a pure function of policy, network, stock and facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from omscore.errors import InvalidValue, Reason
from omscore.kernel import utc
from omscore.kernel.given import shown
from omscore.routing._case import PLACES_MAX, Case, DistanceOf, Grid, Levels, Place, QuoteOf
from omscore.routing._compile import Compiled, ReadyRule
from omscore.routing._demand import NO_FACTS, Demand, Facts, Stock, StockView
from omscore.routing._explain import explain
from omscore.routing._explanation import Explanation
from omscore.routing._network import Network
from omscore.routing._plans import STEPS_MAX, Found, single
from omscore.routing._policy import Policy
from omscore.routing._serve import serve, signs, substituted
from omscore.routing._trace import Decision, Record, Trace


class Router:
    """A policy made ready for a network; `route` decides one demand at a time.

    `distance_of(node, address)` replaces the great circle (meters, or None for unknown) and `quote_of(node, demand,
    grams)` the tariffs (Money, or None for not served); both must be pure. A router keeps figures of the last stock
    it saw, as long as the stock's `version(item)` stays the same, and of places it shipped to; it never changes an
    answer by that. Raises InvalidValue for what is no policy or no network.

    >>> from omscore import routing as r
    >>> policy = r.Policy("p", (r.Route("all", (r.Rule("one stop", require=r.whole_order(), prefer=r.most_stock()),)),))
    >>> router = r.Router(policy, r.Network([r.Node("A"), r.Node("B")]))
    >>> router.route(r.Demand("ord-1", (r.DemandLine("1", "X", 2),)), r.Stock({("A", "X"): 2, ("B", "X"): 5}))
    <Decision ord-1: assigned at B by all/one stop>
    """

    __slots__ = (
        "_always",
        "_levels",
        "_network_hash",
        "_nowhere",
        "_places",
        "compiled",
        "distance_of",
        "grid",
        "hash",
        "network",
        "policy",
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
        if not isinstance(policy, Policy) or not isinstance(network, Network):
            raise InvalidValue(
                f"a router takes a Policy and a Network, not {type(policy).__name__} and {type(network).__name__}"
            )
        self.policy = policy
        self.network = network
        self.distance_of = distance_of
        self.grid = Grid(network, quote_of, steps_max)
        self.compiled = Compiled(policy, self.grid, quoted=quote_of is not None)
        self.hash = policy.content_hash
        self._levels: Levels | None = None
        self._network_hash = ""
        self._places: dict[Any, Place] = {}
        routes = self.compiled.routes
        self._always = bool(routes) and routes[0].when is None
        self._nowhere = "unroutable" if policy.otherwise is None else "parked"

    def route(
        self,
        demand: Demand,
        stock: StockView | Mapping[tuple[str, str], int],
        *,
        now: datetime | None = None,
        facts: Facts = NO_FACTS,
    ) -> Decision:
        """Decide one demand on the stock as it is now; nothing is reserved and nothing is changed.

        `now` is needed by rules that look at cut-offs, promises or ages; without it those words do not bind.

        >>> from omscore import routing as r
        >>> Router(r.Policy("none", otherwise=r.park("later")), r.Network()).route(
        ...     r.Demand("ord-1", (r.DemandLine("1", "X"),)), r.Stock()).queue
        'later'
        """
        return self.decide(self._case(demand, stock, now, facts))

    def case(
        self,
        demand: Demand,
        stock: StockView | Mapping[tuple[str, str], int],
        *,
        now: datetime | None = None,
        facts: Facts = NO_FACTS,
    ) -> Case:
        """Everything a decision looks at, read once; for those who decide it more than once.

        >>> from omscore import routing as r
        >>> router = Router(r.packs.value_threshold(), r.Network([r.Node("A")]))
        >>> case = router.case(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> case.covers_all()
        1
        """
        return self._case(demand, stock, now, facts)

    def _case(
        self, demand: Demand, stock: StockView | Mapping[tuple[str, str], int], now: datetime | None, facts: Facts
    ) -> Case:
        if type(demand) is not Demand and not isinstance(demand, Demand):
            raise InvalidValue(f"a router decides a Demand, not {shown(demand)}; demand_of makes one of an Order")
        levels = self._levels
        if levels is None or levels.stock is not stock:
            view = Stock(stock) if isinstance(stock, Mapping) else stock
            if not hasattr(view, "available"):
                raise InvalidValue(
                    f"stock is a Stock, a view of one, or a mapping (node, item) -> units, not {stock!r}"
                )
            levels = self._levels = Levels(view, self.grid.ids)
        if now is not None:
            now = utc(now, "now")
        key = demand.place if self.distance_of is None else demand.destination
        place = self._places.get(key)
        if place is None:
            if len(self._places) >= PLACES_MAX:
                self._places = {}
            place = self._places[key] = Place(self.grid, demand, self.distance_of)
        if not self.compiled.substitutes:
            return Case(self.grid, demand, levels.needs(demand.needs), place, facts, now)
        spare = {other.item: levels.row(other.item) for line in demand.lines for other in line.substitutes}
        return Case(self.grid, demand, levels.needs(demand.needs), place, facts, now, spare)

    def decide(self, x: Case) -> Decision:
        """Decide a case; the same case always gives the same decision.

        >>> from omscore import routing as r
        >>> router = Router(r.packs.value_threshold(), r.Network([r.Node("A")]))
        >>> case = router.case(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> router.decide(case) == router.decide(case)
        True
        """
        d = x.demand
        at = 0 if self._always else self.compiled.select(d, x)
        n = -1
        if at >= 0:
            for n, ready in enumerate(self.compiled.rules[at]):
                mask = ready.screen(d, x)
                found = serve(ready, x, mask)
                if found is None:
                    other = substituted(ready, x) if ready.rule.partial == "substitute" else None
                    if other is None:
                        continue
                    case, found = other
                    return self._judge(ready, case, at, n, single(case, found) if isinstance(found, int) else found)
                if ready.plain:
                    return Decision("assigned", self, x, at, n, found)
                return self._judge(ready, x, at, n, single(x, found) if isinstance(found, int) else found)
        return Decision(self._nowhere, self, x, at, n, None, self._why(at))

    @property
    def network_hash(self) -> str:
        """The content hash of the network, worked out once.

        >>> from omscore import routing as r
        >>> Router(r.packs.value_threshold(), r.Network()).network_hash == r.Network().content_hash
        True
        """
        if not self._network_hash:
            self._network_hash = self.network.content_hash
        return self._network_hash

    def _why(self, at: int) -> Reason:
        if not self.grid.nodes:
            return Reason("routing.no_nodes", "the network has no nodes")
        if at < 0:
            return Reason("routing.no_route", "no route's condition holds for the order")
        name = self.compiled.routes[at].name
        return Reason("routing.no_rule", "no rule of the route found a plan", {"route": name})

    def replay(self, trace: Trace | Record) -> Decision:
        """Decide again from a trace or a stored record alone.

        Raises InvalidValue when it is of another policy or network. A router that was given its own distances or
        quotes replays right only when it is given the same.

        >>> from omscore import routing as r
        >>> router = Router(r.Policy("none", otherwise=r.park("later")), r.Network())
        >>> decision = router.route(r.Demand("ord-1", (r.DemandLine("1", "X"),)), r.Stock())
        >>> router.replay(decision.trace) == decision
        True
        """
        if not isinstance(trace, Record | Trace):
            raise InvalidValue(f"a decision's `trace` or `record()` is replayed, not {trace!r}")
        if isinstance(trace, Record):
            same = trace.network_hash == self.network_hash
        else:
            same = trace.case.grid.network == self.network
        if trace.policy_hash != self.hash or not same:
            raise InvalidValue("the trace is of another policy or network; replay it with a router of that one")
        if isinstance(trace, Record):
            units = {(node, item): n for node, item, n in trace.stock}
            return self.decide(self._case(trace.demand, Stock(units), trace.now, trace.facts))
        old = trace.case
        return self.decide(Case(self.grid, old.demand, old.rows, old.place, old.facts, old.now, old.spare))

    def _judge(self, ready: ReadyRule, x: Case, at: int, n: int, found: Found) -> Decision:
        """The decision a plan leads to: assigned, or less, or a review."""
        rule = ready.rule
        outcome, units = "assigned", found.units()
        reasons: tuple[Reason, ...] = ()
        if found.backorders:
            outcome = "backordered"
        elif units < x.demand.units:
            if rule.partial == "park":
                return Decision(self._nowhere, self, x, at, n, None, _not_shippable(x, found))
            outcome = "partly_assigned"
            if rule.partial == "review":
                reasons = (Reason("routing.review.partial", "not everything can be served", {"units": units}),)
        if rule.review_when:
            reasons += tuple(signs(ready, x, ready.screen(x.demand, x), found))
        return Decision("review" if reasons else outcome, self, x, at, n, found, None, reasons)

    def explain(self, decision: Decision) -> Explanation:
        """Decode a decision's trace; the same as its own `explain`.

        >>> from omscore import routing as r
        >>> router = Router(r.packs.value_threshold(), r.Network([r.Node("A")]))
        >>> case = router.case(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> router.explain(router.decide(case)).outcome
        'assigned'
        """
        return explain(self, decision)


def _not_shippable(x: Case, found: Found) -> Reason:
    given: dict[str, dict[str, int]] = {}
    for i, k, n in found.takes:
        given.setdefault(x.grid.ids[i], {})[x.needs[k][0].item] = n
    text = f"only {found.units()} of {x.demand.units} units can be served"
    return Reason("routing.not_shippable", text, {"units": found.units(), "given": given})
