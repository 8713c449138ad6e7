"""Decisions and their trace: kept as masks and references, decoded only when somebody asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import frozen

from omscore.errors import Reason
from omscore.kernel import Money
from omscore.kernel.frozen import maker
from omscore.routing._case import Case
from omscore.routing._demand import Demand, Facts
from omscore.routing._plans import Found, Way, cost_of, single
from omscore.routing._serve import cheapest

if TYPE_CHECKING:
    from omscore.routing._engine import Router
    from omscore.routing._explanation import Explanation

OUTCOMES = ("assigned", "partly_assigned", "backordered", "review", "parked", "unroutable")
"""What can become of a demand."""


@frozen(weakref_slot=False)
class Assignment:
    """Units of one demand line given to one node; `backordered` ones are not there yet.

    `how` says of those how they come: "backorder" (the node waits for supply), "transfer" (another node, `origin`,
    sends them here first) or "drop_ship" (the node is a vendor that sends them to order); `due_at` is when that has
    happened, as far as it is known.

    >>> Assignment("GHENT", "1", "SKU-1", 2).units
    2
    """

    node: str
    line: str
    item: str
    units: int
    backordered: bool = False
    how: str = ""
    origin: str = ""
    due_at: datetime | None = None


assignment = maker(Assignment)


@frozen(weakref_slot=False)
class Plan:
    """Which node ships which units, and what that costs as far as the network prices it.

    `substitutes` names (line, item asked, item sent) where a line's substitute is sent in its place.

    >>> Plan((Assignment("GHENT", "1", "SKU-1", 2),)).nodes
    ('GHENT',)
    """

    assignments: tuple[Assignment, ...] = ()
    cost: Money | None = None
    substitutes: tuple[tuple[str, str, str], ...] = ()

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes used, by id.

        >>> Plan().nodes
        ()
        """
        return tuple(sorted({a.node for a in self.assignments}))

    @property
    def load(self) -> dict[str, int]:
        """The units that each node is to work on, those included that are on their way to it.

        >>> Plan((Assignment("GHENT", "1", "SKU-1", 2), Assignment("GHENT", "2", "SKU-2", 1))).load
        {'GHENT': 3}
        """
        load: dict[str, int] = {}
        for given in self.assignments:
            if given.how != "backorder":
                load[given.node] = load.get(given.node, 0) + given.units
        return load

    @property
    def units(self) -> int:
        """Units given to nodes, backordered ones included.

        >>> Plan().units
        0
        """
        return sum(a.units for a in self.assignments)


_plan = maker(Plan)


@frozen
class Review:
    """Why a person should look at a plan, who, until when, what happens otherwise, and the plan it stands against.

    >>> Review((Reason("routing.review.partial", "not everything can be served"),)).owner
    'routing'
    """

    reasons: tuple[Reason, ...]
    owner: str = "routing"
    until: datetime | None = None
    default: str = "accept"
    against: Plan | None = None


@frozen(eq=False, weakref_slot=False)
class Trace:
    """What a decision rested on: everything needed to explain it or to decide again.

    `masks` holds, for each rule tried, the nodes still in: at first, then after each requirement.

    >>> from omscore import routing as r
    >>> router = r.Router(r.packs.single_location(), r.Network([r.Node("A"), r.Node("B")]))
    >>> router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1}).trace.masks
    ((3, 1),)
    """

    case: Case
    policy_hash: str
    route: int
    masks: tuple[tuple[int, ...], ...]


_trace = maker(Trace)


@frozen
class Record:
    """A decision as it can be stored: all it rested on, and what came out. `Router.replay` decides it again.

    `stock` holds (node, item, units) for the items of the demand. `omscore.codec` writes it as JSON and reads it back.

    >>> from omscore import routing as r
    >>> router = r.Router(r.packs.single_location(), r.Network([r.Node("A"), r.Node("B")]))
    >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
    >>> decision.record().stock, router.replay(decision.record()) == decision
    ((('A', 'X', 1),), True)
    """

    demand: Demand
    stock: tuple[tuple[str, str, int], ...]
    facts: Facts
    now: datetime | None
    policy_hash: str
    network_hash: str
    outcome: str
    nodes: tuple[str, ...]


class Decision:
    """What routing decided for one demand, immutable; plan, cost and explanation are worked out when asked for.

    `outcome` is assigned, partly_assigned, backordered, review, parked or unroutable. `bound` and `gap` say how far a
    plan could be from the best under the rule's preferences: gap 0 is proven.

    >>> from omscore import routing as r
    >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A")]))
    >>> router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
    <Decision ord-1: assigned at A by from/complete node>
    """

    __slots__ = ("_last", "_outcome", "_plan", "_reason", "_review_reasons", "_route", "_router", "_served", "_x")

    def __init__(
        self,
        outcome: str,
        router: Router,
        x: Case,
        route: int,
        last: int,
        found: Found | int | None,
        reason: Reason | None = None,
        review: tuple[Reason, ...] = (),
    ) -> None:
        self._outcome = outcome
        self._router = router
        self._x = x
        self._route = route
        self._last = last
        self._served = found
        self._reason = reason
        self._review_reasons = review
        self._plan: Plan | None = None

    @property
    def outcome(self) -> str:
        """assigned, partly_assigned, backordered, review, parked or unroutable.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.outcome
        'assigned'
        """
        return self._outcome

    @property
    def reason(self) -> Reason | None:
        """Why there is no plan, or None when there is one.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.reason is None
        True
        """
        return self._reason

    @property
    def trace(self) -> Trace:
        """What the decision rested on.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.trace.route
        1
        """
        x, rules = self._x.asked or self._x, self._router.compiled.rules[self._route] if self._route >= 0 else []
        d = x.demand
        masks = tuple([ready.masks(d, x) for ready in rules[: self._last + 1]])
        return _trace(x, self._router.hash, self._route, masks)

    @property
    def _found(self) -> Found | None:
        """The plan; of a single node that ships everything only the node is kept until somebody asks."""
        if isinstance(self._served, int):
            self._served = single(self._x, self._served)
        return self._served

    @property
    def _rule(self) -> int:
        """The place of the rule that gave the plan, or -1."""
        return self._last if self._served is not None else -1

    @property
    def demand(self) -> Demand:
        """The demand that was decided.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.demand.id
        'ord-1'
        """
        return (self._x.asked or self._x).demand

    @property
    def route(self) -> str:
        """The name of the route taken, empty when no condition held.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.route
        'from'
        """
        at = self._route
        return self._router.compiled.routes[at].name if at >= 0 else ""

    @property
    def rule(self) -> str:
        """The name of the rule that gave the plan, empty when none did.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.rule
        'complete node'
        """
        return self._router.compiled.routes[self._route].rules[self._rule].name if self._rule >= 0 else ""

    @property
    def policy_hash(self) -> str:
        """The content hash of the policy that decided.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.policy_hash == r.packs.value_threshold().content_hash
        True
        """
        return self._router.hash

    @property
    def plan(self) -> Plan | None:
        """Who ships what, or None.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.plan.assignments
        (Assignment(node='A', line='1', item='X', units=1, backordered=False, ...),)
        """
        if self._plan is None and self._served is not None:
            served = self._served
            self._plan = whole_plan(self._x, served) if isinstance(served, int) else plan_of(self._x, served)
        return self._plan

    @property
    def nodes(self) -> tuple[str, ...]:
        """The ids of the nodes that ship, by id.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.nodes
        ('A',)
        """
        ids = self._x.grid.ids
        return () if self._found is None else tuple(ids[i] for i in self._found.nodes)

    @property
    def cost(self) -> Money | None:
        """What the plan costs by the network's tariffs, or None when there is no plan or no price.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.cost
        Money(minor=0, currency='EUR')
        """
        return None if self.plan is None else self.plan.cost

    @property
    def proven(self) -> bool:
        """Whether the plan is proven to be the best under its rule.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.proven
        True
        """
        return self._found is None or self._found.proven

    @property
    def bound(self) -> tuple[int, ...]:
        """A vector of the rule's preferences that no plan goes below.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.bound
        ()
        """
        return () if self._found is None else self._found.bound

    @property
    def gap(self) -> float:
        """How far the first preference is above its bound, relative to it; 0 when the plan is proven.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.gap
        0.0
        """
        found = self._found
        if found is None or found.proven:
            return 0.0
        for value, low in zip(found.vector, found.bound, strict=True):
            if value != low:
                return (value - low) / max(1, abs(low))
        return 0.0

    @property
    def queue(self) -> str:
        """The queue in which a parked order waits, empty otherwise.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.queue
        ''
        """
        park = self._router.policy.otherwise
        return park.queue if self.outcome == "parked" and park is not None else ""

    @property
    def parked_until(self) -> datetime | None:
        """Until when a parked order waits, or None for no end.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.parked_until is None
        True
        """
        park, now = self._router.policy.otherwise, self._x.now
        if self.outcome != "parked" or park is None or park.days is None or now is None:
            return None
        return now + timedelta(days=park.days)

    @property
    def review(self) -> Review | None:
        """Why and by whom the plan is to be reviewed, with the cheapest plan beside it, or None.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.review is None
        True
        """
        if self.outcome != "review":
            return None
        desk, now = self._router.policy.review, self._x.now
        until = None if now is None else now + timedelta(hours=desk.hours)
        other = cheapest(self._router.compiled.rules[self._route][self._rule], self._x)
        against = None if other is None else plan_of(self._x, other)
        return Review(self._review_reasons, desk.owner, until, desk.default, against)

    @property
    def arrives_at(self) -> datetime | None:
        """When the last parcel of the plan has surely arrived, as far as everything in it is dated; else None.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.arrives_at is None
        True
        """
        plan, x = self.plan, self._x
        if plan is None or x.now is None:
            return None
        ready = dict.fromkeys(plan.nodes, x.now)
        for given in plan.assignments:
            if given.how in ("transfer", "backorder"):
                if given.due_at is None:
                    return None
                ready[given.node] = max(ready[given.node], given.due_at)
        last = x.now
        for node, start in ready.items():
            there = x.at(start).arrives(x.grid.index[node])
            if there is None:
                return None
            last = max(last, there)
        return last

    def explain(self) -> Explanation:
        """Why this plan: the nodes refused and by what, the ranking, the runner-up and the margin.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.explain().ranking[0].node
        'A'
        """
        return self._router.explain(self)

    def why_not(self, node: str) -> str:
        """Why a node does not ship: the first requirement that refused it, or what it was worse in.

        Raises InvalidValue for a node that the network does not have.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.why_not("B")
        'complete node: B has 0 of 1 X (routing.not_all_lines)'
        """
        return self._router.explain(self).why_not(node)

    def record(self) -> Record:
        """The decision as a value that can be stored and replayed.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.record().nodes
        ('A',)
        """
        x, ids = self._x.asked or self._x, self._x.grid.ids
        rows = {row.item: row for row in (*(row for row, _ in x.rows), *x.spare.values())}
        stock = tuple((ids[i], row.item, n) for row in rows.values() for i, n in enumerate(row.units) if n)
        network_hash = self._router.network_hash
        return Record(x.demand, stock, x.facts, x.now, self.policy_hash, network_hash, self.outcome, self.nodes)

    def key(self) -> tuple[Any, ...]:
        """What two equal decisions have in common: outcome, route, rule, and who ships what.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.value_threshold(), r.Network([r.Node("A"), r.Node("B")]))
        >>> decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
        >>> decision.key()[0]
        'assigned'
        """
        found, x = self._found, self._x
        plan = () if found is None else (found.takes, found.backorders, found.ways)
        sent = () if x.asked is None else x.demand.needs
        return (self._outcome, self._route, self._rule, plan, sent, self.policy_hash)

    def __eq__(self, other: object) -> bool:
        return self.key() == other.key() if isinstance(other, Decision) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key())

    def __repr__(self) -> str:
        where = f" at {', '.join(self.nodes)}" if self.nodes else ""
        by = f" by {self.route}/{self.rule}" if self.rule else ""
        return f"<Decision {self.demand.id}: {self.outcome}{where}{by}>"


def whole_plan(x: Case, i: int) -> Plan:
    """The plan in which one node ships everything; written out apart because nearly every order ends here."""
    lines = x.demand.lines
    if len(x.needs) < len(lines):
        return plan_of(x, single(x, i))
    node = x.grid.ids[i]
    given = tuple([assignment(node, line.id, line.item, line.units) for line in lines])
    cost = x.whole_cost(i)
    price = None if cost is None else Money(cost, x.grid.network.currency)
    return _plan(given, price, () if x.asked is None else _substitutes(x))


def plan_of(x: Case, found: Found) -> Plan:
    """The assignments of a found plan: units of an item go to its lines in the order of the demand."""
    left = {line.id: line.units for line in x.demand.lines}
    out = []
    ids = x.grid.ids
    there: tuple[Way, ...] = (("", -1, None),) * len(found.takes)
    ways = (*there, *found.ways)
    for (i, k, n), (how, donor, due_at) in zip((*found.takes, *found.backorders), ways, strict=True):
        item, rest = x.needs[k][0].item, n
        for line in x.demand.lines:
            if line.item == item and rest and left[line.id]:
                give = min(rest, left[line.id])
                left[line.id] -= give
                rest -= give
                origin = ids[donor] if donor >= 0 else ""
                out.append(assignment(ids[i], line.id, item, give, bool(how), how, origin, due_at))
    cost = cost_of(x, found)
    price = None if cost is None else Money(cost, x.grid.network.currency)
    return Plan(tuple(out), price, _substitutes(x))


def _substitutes(x: Case) -> tuple[tuple[str, str, str], ...]:
    if x.asked is None:
        return ()
    pairs = zip(x.asked.demand.lines, x.demand.lines, strict=True)
    return tuple((line.id, line.item, other.item) for line, other in pairs if line.item != other.item)
