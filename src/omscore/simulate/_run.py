"""Runs: orders decided one after the other on a fork of the ledger, by the code that decides them live."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from attrs import field, frozen

from omscore.errors import InvalidValue, OmsError
from omscore.inventory import Ledger, LedgerTransaction, floors
from omscore.kernel import Money, quantity, utc
from omscore.kernel.given import function, listed, of_kind, text, texts
from omscore.kernel.given import shown as shown_value
from omscore.orders import Items, Order
from omscore.render import Svg, geo_map, html_table, text_table
from omscore.routing import (
    Decision,
    Demand,
    Explanation,
    Facts,
    Network,
    Plan,
    Policy,
    Router,
    Slots,
    carry_out,
    demand_of,
    items_of,
    plan_to_commit,
    stock_of,
)

NO_FACTS = Facts()
MAP_ORDERS_MAX = 500
_WIDTH_MAX = 100_000


@frozen
class Fate:
    """What became of one order in a run; `units_placed` are those that were taken from stock for it.

    `distance_m` adds up the parcels' ways (None when one is unknown), `arrives_at` is when the last parcel has surely
    arrived, `reason` why there is no plan.

    >>> Fate("ord-1", "assigned", ("ghent",), units=2, units_placed=2).placed
    True
    """

    order: str
    outcome: str
    nodes: tuple[str, ...] = ()
    units: int = 0
    units_placed: int = 0
    distance_m: int | None = None
    cost: Money | None = None
    promised_at: datetime | None = None
    arrives_at: datetime | None = None
    route: str = ""
    rule: str = ""
    reason: str = ""
    decision: Decision | None = field(default=None, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        texts(order=self.order, outcome=self.outcome)
        quantity(self.units, "units", at_least=0)
        quantity(self.units_placed, "units_placed", at_least=0)

    @property
    def placed(self) -> bool:
        """Whether all of it was taken from stock.

        >>> Fate("ord-1", "partly_assigned", ("ghent",), units=2, units_placed=1).placed
        False
        """
        return self.units_placed == self.units > 0

    @property
    def on_time(self) -> bool | None:
        """Whether it arrives by the promised date; None when nothing was placed, promised or known of its arrival.

        >>> from datetime import UTC
        >>> due = datetime(2026, 3, 4, tzinfo=UTC)
        >>> Fate("ord-1", "assigned", ("ghent",), 1, 1, promised_at=due, arrives_at=due).on_time
        True
        """
        if not self.units_placed or self.promised_at is None or self.arrives_at is None:
            return None
        return self.arrives_at <= self.promised_at

    def to_dict(self) -> dict[str, Any]:
        """The figures as one flat row: amounts as decimals, distances in kilometers.

        >>> Fate("ord-1", "assigned", ("ghent",), 1, 1, cost=Money(450, "EUR")).to_dict()["cost"]
        Decimal('4.50')
        """
        return {
            "order": self.order,
            "outcome": self.outcome,
            "nodes": ", ".join(self.nodes),
            "parcels": len(self.nodes),
            "units": self.units,
            "units_placed": self.units_placed,
            "km": None if self.distance_m is None else self.distance_m / 1000,
            "cost": None if self.cost is None else self.cost.amount,
            "promised_at": self.promised_at,
            "arrives_at": self.arrives_at,
            "on_time": self.on_time,
            "route": self.route,
            "rule": self.rule,
            "reason": self.reason,
        }


class Run:
    """A policy's decisions for a list of orders, with their traces; made by :func:`run`.

    >>> from omscore import routing as r, samples, simulate
    >>> network = samples.network()
    >>> orders, ledger = samples.orders(100, seed=7), samples.ledger(network, seed=7)
    >>> result = simulate.run(r.packs.single_location(), orders, network, ledger)
    >>> result
    <Run single_location: 100 orders, 100 placed>
    """

    def __init__(self, policy: Policy, network: Network, fates: Iterable[Fate]) -> None:
        of_kind("policy", policy, Policy, "packs.single_location()")
        of_kind("network", network, Network, "samples.network()")
        self.policy = policy
        self.network = network
        self.fates = listed("fates", fates, Fate, "Fate('ord-1', 'assigned', ('ghent',), 1, 1)")

    @cached_property
    def _by_order(self) -> Mapping[str, Fate]:
        return {fate.order: fate for fate in self.fates}

    def __len__(self) -> int:
        return len(self.fates)

    def __getitem__(self, order: str) -> Fate:
        text("order", order)
        try:
            return self._by_order[order]
        except KeyError:
            raise InvalidValue(f"the run has no order {order!r}") from None

    def __contains__(self, order: object) -> bool:
        return isinstance(order, str) and order in self._by_order

    def trace(self, order: str) -> Explanation:
        """Why an order went where it went: each rule tried, each node dropped and why, the runner-up, what it cost.

        Raises InvalidValue for an order that the run does not have, or that was not decided: it failed, or had nothing
        left to route.

        >>> from omscore import routing as r, samples, simulate
        >>> network = samples.network()
        >>> orders, ledger = samples.orders(20, seed=7), samples.ledger(network, seed=7)
        >>> simulate.run(r.packs.single_location(), orders, network, ledger).trace(orders[17].id).outcome
        'assigned'
        """
        decision = self[order].decision
        if decision is None:
            raise InvalidValue(
                f"order {order!r} has no decision ({self[order].outcome}): {self[order].reason or 'nothing to route'}"
            )
        return decision.explain()

    def summary(self) -> dict[str, Any]:
        """The run in figures; None where nothing can be counted.

        `placed` orders had all units taken from stock, `partly` some; `fill` is placed orders by all orders and
        `unit_fill` the same in units; `splits` are placed or partly placed orders in more than one parcel and
        `split_rate` their share; `km` and `cost` add up what was placed, as far as it is known and priced (`unpriced`
        orders are not), and stand by order beside it; `on_time` is the share of the `dated` orders, those with a
        promise and a known arrival. Reviewed orders count as placed when the policy's desk accepts by default.

        >>> from omscore import routing as r, samples, simulate
        >>> network = samples.network()
        >>> empty = simulate.run(r.packs.single_location(), (), network, samples.ledger(network))
        >>> empty.summary()["orders"], empty.summary()["fill"]
        (0, None)
        """
        fates = self.fates
        sent = [f for f in fates if f.units_placed]
        known = [f.distance_m for f in sent if f.distance_m is not None]
        prices = [f.cost for f in sent if f.cost is not None]
        dated = [f for f in sent if f.on_time is not None]
        placed, units = sum(f.placed for f in fates), sum(f.units for f in fates)
        taken, splits = sum(f.units_placed for f in fates), sum(len(f.nodes) > 1 for f in sent)
        minor = sum(p.minor for p in prices)
        currency = self.network.currency

        def outcomes(name: str) -> int:
            return sum(f.outcome == name for f in fates)

        return {
            "policy": self.policy.name,
            "orders": len(fates),
            "placed": placed,
            "partly": len(sent) - placed,
            "fill": _share(placed, len(fates)),
            "units": units,
            "units_placed": taken,
            "unit_fill": _share(taken, units),
            "parcels": sum(len(f.nodes) for f in sent),
            "splits": splits,
            "split_rate": _share(splits, len(sent)),
            "km": sum(known) / 1000,
            "km_per_order": None if not known else sum(known) / 1000 / len(known),
            "cost": Money(minor, currency).amount,
            "cost_per_order": None if not prices else Money(round(minor / len(prices)), currency).amount,
            "unpriced": len(sent) - len(prices),
            "dated": len(dated),
            "on_time": _share(sum(bool(f.on_time) for f in dated), len(dated)),
            "reviews": outcomes("review"),
            "backordered": outcomes("backordered"),
            "parked": outcomes("parked"),
            "unroutable": outcomes("unroutable"),
            "failed": outcomes("failed"),
        }

    def by_node(self) -> dict[str, dict[str, int]]:
        """Orders and units by node, of what was placed; an order counts at each of its nodes, idle nodes have zeros.

        >>> from omscore import routing as r, samples, simulate
        >>> network = samples.network()
        >>> orders, ledger = samples.orders(100, seed=7), samples.ledger(network, seed=7)
        >>> simulate.run(r.packs.single_location(), orders, network, ledger).by_node()["ghent"]["orders"]
        46
        """
        load = {node.id: {"orders": 0, "units": 0} for node in self.network.nodes}
        for fate in self.fates:
            plan = fate.decision.plan if fate.decision is not None and fate.units_placed else None
            for node in fate.nodes if plan is not None else ():
                load[node]["orders"] += 1
            for given in plan.assignments if plan is not None else ():
                if not given.backordered:
                    load[given.node]["units"] += given.units
        return load

    def to_records(self) -> list[dict[str, Any]]:
        """One flat row for each order, for a data frame.

        >>> from omscore import routing as r, samples, simulate
        >>> network = samples.network()
        >>> orders, ledger = samples.orders(9, seed=7), samples.ledger(network, seed=7)
        >>> rows = simulate.run(r.packs.single_location(), orders, network, ledger).to_records()
        >>> len(rows), list(rows[0])[:3]
        (9, ['order', 'outcome', 'nodes'])
        """
        return [fate.to_dict() for fate in self.fates]

    def map(self, *, orders_max: int = MAP_ORDERS_MAX, width: float = 640) -> Svg:
        """The nodes, the first orders and who serves them, as an SVG drawing; places without coordinates are left out.

        Each node has a color that its orders take; orders without a plan are gray. A notebook shows the result.

        >>> from omscore import routing as r, samples, simulate
        >>> network = samples.network()
        >>> orders, ledger = samples.orders(9, seed=7), samples.ledger(network, seed=7)
        >>> str(simulate.run(r.packs.single_location(), orders, network, ledger).map()).startswith("<svg")
        True
        """
        quantity(orders_max, "orders_max", at_least=0)
        number = isinstance(width, (int, float)) and not isinstance(width, bool)
        if not number or not 1 <= width <= _WIDTH_MAX:
            raise InvalidValue(f"width must be a number of pixels from 1 to {_WIDTH_MAX:,}, not {shown_value(width)}")
        at = {n.id: (n.point.longitude, n.point.latitude) for n in self.network.nodes if n.point is not None}
        colors = {id_: i % 5 for i, id_ in enumerate(at)}  # the sixth color is gray
        places: dict[tuple[float, float], int] = {}
        links: dict[tuple[tuple[float, float], tuple[float, float]], None] = {}
        for fate in self.fates[:orders_max]:
            place = fate.decision.demand.destination if fate.decision is not None else None
            if place is None or place.point is None:
                continue
            point = (place.point.longitude, place.point.latitude)
            nodes = [node for node in fate.nodes if node in at]
            places.setdefault(point, colors[nodes[0]] if nodes else 5)
            links.update(dict.fromkeys((at[node], point) for node in nodes))
        marks = [(point, "") for point in places] + [(point, id_) for id_, point in at.items()]
        groups = [*places.values(), *(colors[id_] for id_ in at)]
        shown = min(orders_max, len(self.fates))
        title = f"{self.policy.name}: {shown} of {len(self.fates)} orders"
        return geo_map(marks, title=title, links=links, groups=groups, width=width)

    def __repr__(self) -> str:
        placed = sum(fate.placed for fate in self.fates)
        return f"<Run {self.policy.name}: {len(self.fates)} orders, {placed} placed>"

    def __str__(self) -> str:
        return text_table(["figure", "value"], self._rows())

    def _repr_html_(self) -> str:
        return html_table(["figure", "value"], self._rows(), caption=self.policy.name)

    def _rows(self) -> list[tuple[str, str]]:
        return [(name, shown(name, value)) for name, value in self.summary().items() if name != "policy"]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


PERCENT = ("fill", "unit_fill", "split_rate", "on_time")


def shown(name: str, value: Any) -> str:
    """A figure as people read it."""
    if value is None:
        return "-"
    if name in PERCENT:
        return f"{value:.1%}"
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def run(
    policy: Policy | Router,
    orders: Iterable[Order | Demand],
    network: Network,
    ledger: Ledger,
    *,
    items: Items | None = None,
    now: datetime | None = None,
    facts: Facts = NO_FACTS,
    progress: Callable[[int], None] | None = None,
) -> Run:
    """Route orders one after the other, as they are given, on a fork of a ledger, which itself stays as it is.

    This is what a service does with each order: read what every node could promise, decide, allocate the plan's units,
    so that the next order finds them gone. Each order is decided at the moment it was placed, or at `now`. An order is
    an `Order` (`items` then gives weights and tags by SKU) or a `Demand`; orders that have nothing to route are kept as
    "held", "backordered" or "nothing", those that an error stops as "failed". A plan sent to review is carried out when
    the policy's desk accepts by default, and waits otherwise. `policy` may be a `Router` that was given its own
    distances or quotes. `progress` is called with the number of orders done.

    Raises InvalidValue when an order's id comes twice, the router is of another network, or the ledger's store cannot
    fork.

    >>> from omscore import routing as r, samples
    >>> network = samples.network()
    >>> orders, ledger = samples.orders(100, seed=7), samples.ledger(network, seed=7)
    >>> run(r.packs.single_location(), orders, network, ledger).summary()["fill"]
    1.0
    """
    of_kind("network", network, Network, "samples.network()")
    of_kind("facts", facts, Facts, "Facts()")
    if items is not None and not callable(getattr(items, "get", None)):
        raise InvalidValue(f"items are a mapping by SKU, such as {{'SKU-1': Item('SKU-1')}}, not {shown_value(items)}")
    if progress is not None:
        function("progress", progress)
    of_kind("ledger", ledger, Ledger, "samples.ledger(network)")
    router = policy if isinstance(policy, Router) else Router(policy, network)
    orders = listed("orders", orders, (Order, Demand), "Demand('try-1', lines)")
    if router.network != network:
        raise InvalidValue("the router is of another network; make one of this network, or give the policy")
    at = None if now is None else utc(now, "now")
    fork = ledger.fork()
    slots = Slots(network)
    fates: dict[str, Fate] = {}
    for done, order in enumerate(orders, 1):
        if order.id in fates:
            raise InvalidValue(f"order {order.id!r} comes twice; a run decides each order once")
        found = order if isinstance(order, Demand) else _waiting(order, items)
        if isinstance(found, Demand):
            found = _decide(fork, router, found, at or found.placed_at, facts, slots)
        fates[order.id] = found
        if progress is not None:
            progress(done)
    return Run(router.policy, network, fates.values())


def _waiting(order: Order, items: Items | None) -> Demand | Fate:
    """What there is to route of an order, or why there is nothing."""
    waits = order.totals
    if order.holds or order.state != "accepted":
        return Fate(order.id, "held" if order.holds else "nothing", units=waits.open + waits.reserved)
    demand = demand_of(order, items)
    if demand is None:
        return Fate(order.id, "backordered" if waits.backordered else "nothing", units=waits.backordered)
    return demand


def _decide(ledger: Ledger, router: Router, demand: Demand, now: datetime | None, facts: Facts, slots: Slots) -> Fate:
    facts = slots.facts(now, facts)

    def work(txn: LedgerTransaction) -> Fate:
        kept = floors(
            ledger.buffers,
            [row for item in items_of(demand) for row in txn.cells_of(item)] if ledger.buffers else (),
            velocities=ledger.velocities,
            channel=demand.channel,
        )
        case = router.case(demand, stock_of(txn, demand, floors=kept), now=now, facts=facts)
        decision = router.decide(case)
        plan = taken(router, decision)
        if plan is not None:
            carry_out(txn, demand.id, plan, cause=f"simulate {demand.id}", floors=kept)
        return fate_of(case, decision, plan)

    try:
        fate = ledger.store.run(work)
    except OmsError as wrong:  # as in a service: this order fails with its reason, the others go on
        return Fate(demand.id, "failed", units=demand.units, reason=str(wrong))
    plan = None if fate.decision is None else taken(router, fate.decision)
    if plan is not None:
        for node, units in plan.load.items():
            slots.take(node, units, now)
    return fate


def taken(router: Router, decision: Decision) -> Plan | None:
    """The plan that is carried out, when a policy's review desk does what it does by default."""
    return plan_to_commit(decision, approved=router.policy.review.default == "accept")


def fate_of(case: Any, decision: Decision, plan: Plan | None) -> Fate:
    """A decision of a case (`Router.case`) in figures; the plan is the one carried out.

    Units that a transfer or a vendor brings count as placed, those that wait for supply do not.
    """
    nodes = decision.nodes
    index = [case.grid.index[node] for node in nodes]
    meters = [case.place.meters[i] for i in index]
    given = () if plan is None else plan.assignments
    units_placed = sum(one.units for one in given if one.how != "backorder")
    return Fate(
        decision.demand.id,
        decision.outcome,
        nodes,
        decision.demand.units,
        units_placed,
        distance_m=None if not meters or None in meters else sum(m for m in meters if m is not None),
        cost=decision.cost,
        promised_at=decision.demand.promised_at,
        arrives_at=decision.arrives_at,
        route=decision.route,
        rule=decision.rule,
        reason=str(decision.reason) if decision.reason is not None else "",
        decision=decision,
    )
