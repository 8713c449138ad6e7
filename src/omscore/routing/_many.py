"""Many demands at once: over scarce stock decided together, by a planner, and never worse than one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from omscore.errors import InvalidValue
from omscore.kernel import Money, utc
from omscore.kernel.given import listed, mapped, of_kind, shown
from omscore.render import html_table, text_table
from omscore.routing._capacity import Slots
from omscore.routing._case import Case
from omscore.routing._demand import NO_FACTS, Demand, Facts, Stock, StockView
from omscore.routing._engine import Router
from omscore.routing._masks import bits
from omscore.routing._orders import items_of, plan_to_commit
from omscore.routing._plans import need_figures
from omscore.routing._trace import Decision, Plan
from omscore.routing.packs import SLA_HOURS, queue_by_slack
from omscore.routing.sourcing import Backlog, BacklogOrder, BacklogPlan, JointPlanner, Planner, pressing

NEVER = 10**9
"""The split penalty, in minor units, where no rule may split."""

Outcomes = dict[str, Decision]


@frozen
class Displacement:
    """A demand that gets fewer units than it would have, first come, first served, and who gets them instead.

    >>> Displacement("ord-1", {"SKU-1": 2}, ("ord-7",)).by
    ('ord-7',)
    """

    demand: str
    units: Mapping[str, int]
    by: tuple[str, ...]


class Together:
    """Decisions made together, what they cost by a common measure, and who was displaced; made by `route_many`.

    `cost` is what all parcels cost and what is charged for units that get none; `first_come` the same where each demand
    is decided in the order it was placed. `bound` is what no plan in which each line ships whole, or not, can go below
    (rules that send nothing in part may not get near it), as far as parcels cost by node and not by weight (`exact`);
    otherwise it is the planner's estimate.

    >>> from omscore import routing as r
    >>> route_many(r.Router(r.packs.single_location(), r.Network()), [], {})
    <Together: 0 demands, 0 displaced, saved 0>
    """

    def __init__(
        self,
        decisions: Outcomes,
        *,
        cost: int,
        first_come: int,
        bound: int,
        exact: bool,
        displaced: tuple[Displacement, ...],
        currency: str,
        plan: BacklogPlan | None,
        how: str,
    ) -> None:
        self.decisions = decisions
        self.cost = cost
        self.first_come = first_come
        self.bound = bound
        self.exact = exact
        self.displaced = displaced
        self.currency = currency
        self.plan = plan
        self.how = how

    @property
    def gap(self) -> float:
        """By what part of its cost the whole could be cheaper at most, as far as the bound is exact.

        >>> from omscore import routing as r
        >>> route_many(r.Router(r.packs.single_location(), r.Network()), [], {}).gap
        0.0
        """
        return 0.0 if self.cost <= self.bound else (self.cost - self.bound) / self.cost

    @property
    def saved(self) -> int:
        """What it saves over first come, first served, in minor units.

        >>> from omscore import routing as r
        >>> route_many(r.Router(r.packs.single_location(), r.Network()), [], {}).saved
        0
        """
        return self.first_come - self.cost

    def __getitem__(self, demand: str) -> Decision:
        try:
            return self.decisions[demand]
        except KeyError:
            raise InvalidValue(f"no demand {demand!r} was decided here") from None

    def __len__(self) -> int:
        return len(self.decisions)

    def to_records(self) -> list[dict[str, Any]]:
        """One flat row for each demand, in the order they were decided.

        >>> from omscore import routing as r
        >>> route_many(r.Router(r.packs.single_location(), r.Network()), [], {}).to_records()
        []
        """
        lost = {one.demand: one for one in self.displaced}
        return [
            {
                "demand": id_,
                "outcome": decision.outcome,
                "nodes": ", ".join(decision.nodes),
                "units": decision.demand.units,
                "units_placed": placed_units(decision),
                "cost": None if decision.cost is None else decision.cost.amount,
                "displaced_by": ", ".join(lost[id_].by) if id_ in lost else "",
            }
            for id_, decision in self.decisions.items()
        ]

    def _head(self) -> list[tuple[str, str]]:
        def money(minor: int) -> str:
            return str(Money(minor, self.currency))

        bound = money(self.bound) if self.exact else f"about {money(self.bound)}"
        return [
            ("demands", f"{len(self):,}"),
            ("decided", self.how),
            ("cost", money(self.cost)),
            ("first come, first served", money(self.first_come)),
            ("bound", bound),
            ("gap", f"{self.gap:.2%}"),
            ("displaced", f"{len(self.displaced):,}"),
        ]

    def __repr__(self) -> str:
        return f"<Together: {len(self)} demands, {len(self.displaced)} displaced, saved {self.saved}>"

    def __str__(self) -> str:
        out = text_table(["figure", "value"], self._head())
        for one in self.displaced:
            units = ", ".join(f"{n} of {item}" for item, n in one.units.items())
            out += f"\n{one.demand} goes without {units}; {', '.join(one.by) or 'nobody'} got it"
        return out

    def _repr_html_(self) -> str:
        return html_table(["figure", "value"], self._head(), caption="decided together")


def route_many(
    router: Router,
    demands: Iterable[Demand],
    stock: StockView | Mapping[tuple[str, str], int],
    *,
    now: datetime | None = None,
    facts: Facts = NO_FACTS,
    planner: Planner | None = None,
    hours: Mapping[str, int] | None = None,
    unfilled: Callable[[Demand], int] | None = None,
) -> Together:
    """Decide many demands over one stock: where it is scarce, units go where they save most; nothing is reserved.

    A `planner` (the library's JointPlanner, unless another is given) shares the stock out by what parcels cost, in
    minor units, or by distance where nothing is priced; then each demand is decided by the router on its share, so that
    every rule holds and every decision explains itself, and what a share left over goes round once more. The outcome is
    compared with demands decided one by one, by the urgency of `packs.queue_by_slack` and in the order they were
    placed, and the cheapest of the three is given: never worse than one by one.

    A line left out costs twice the dearest parcel and its part of the demand's margin, or `unfilled(demand)` minor
    units, and ever more the less slack it has to the commitment of its channel (`hours`, as for `queue_by_slack`;
    `sourcing.pressing` over the longest of them), so that nobody starves.

    Raises InvalidValue for a demand that comes twice.

    >>> from omscore import routing as r
    >>> network = r.Network([r.Node("A", parcel_cost=Money(500, "EUR")), r.Node("B", parcel_cost=Money(510, "EUR"))])
    >>> router = r.Router(r.packs.single_location(), network)
    >>> either, only = (r.Demand(id, [r.DemandLine("1", "X")], excluded=no) for id, no in (("a", []), ("b", ["B"])))
    >>> done = route_many(router, [either, only], {("A", "X"): 1, ("B", "X"): 1})
    >>> done["a"].nodes, done["b"].nodes, done.cost
    (('B',), ('A',), 1010)
    """
    waiting = listed("demands", demands, Demand, "Demand('ord-1', lines)")
    of_kind("router", router, Router, "Router(policy, network)")
    if now is not None:
        now = utc(now, "now")
    if planner is not None and not callable(getattr(planner, "plan", None)):
        raise InvalidValue(f"a planner has a method plan, as sourcing.JointPlanner has; {shown(planner)} has none")
    if len({d.id for d in waiting}) != len(waiting):
        twice = next(d.id for n, d in enumerate(waiting) if d.id in {e.id for e in waiting[:n]})
        raise InvalidValue(f"demand {twice!r} comes twice; a demand is decided once")
    return _Many(
        router,
        waiting,
        stock,
        now,
        facts,
        dict(SLA_HOURS if hours is None else mapped("hours", hours, "{'web': 48}")),
        unfilled,
    ).best(planner)


def placed_units(decision: Decision) -> int:
    """The units of a decision that are carried out and do not wait for supply."""
    return sum(_placed(decision).values())


def _carried(decision: Decision) -> Plan | None:
    return plan_to_commit(decision, approved=decision._router.policy.review.default == "accept")  # noqa: SLF001 - as runs do


def _placed(decision: Decision) -> dict[str, int]:
    """Units by line that are carried out."""
    plan = _carried(decision)
    placed: dict[str, int] = {}
    for given in plan.assignments if plan is not None else ():
        if given.how != "backorder":
            placed[given.line] = placed.get(given.line, 0) + given.units
    return placed


class _Many:
    """The demands with everything that the ways to decide them share."""

    def __init__(
        self,
        router: Router,
        waiting: Sequence[Demand],
        stock: StockView | Mapping[tuple[str, str], int],
        now: datetime | None,
        facts: Facts,
        hours: dict[str, int],
        unfilled: Callable[[Demand], int] | None,
    ) -> None:
        self.router, self.now, self.facts, self.hours = router, now, facts, hours
        view = Stock(stock) if isinstance(stock, Mapping) else stock
        items = dict.fromkeys(item for d in waiting for item in items_of(d))
        self.stock = {(id_, item): n for item in items for id_ in router.grid.ids if (n := view.available(id_, item))}
        self.arrived = sorted(waiting, key=lambda d: (d.placed_at is None, d.placed_at or 0, d.id))
        self.urgent = self.arrived if now is None else queue_by_slack(waiting, now, hours)
        grid = router.grid
        self.priced = (
            grid.quote_of is not None or any(map(any, grid.fixed)) or any(s.rates for s in router.network.services)
        )
        view = Stock(self.stock)
        self.cases = {d.id: router.case(d, view, now=now, facts=facts) for d in waiting}
        self.exact = True
        self.figures = {d.id: self._figures(self.cases[d.id]) for d in self.urgent}
        dearest = max(
            (max(fixed) + sum(map(max, rows)) for _, fixed, rows in self.figures.values() if fixed), default=0
        )
        self.out = {d.id: self._unfilled(d, 2 * dearest + 1, unfilled) for d in waiting}

    # -- costs ---------------------------------------------------------------------------------------------------------

    def _figures(self, x: Case) -> tuple[int, list[int], list[list[int]]]:
        """The nodes that some rule of the demand's route may use, what a parcel from each costs, and each need from it.

        Where a tariff goes by weight, what a whole order costs above its lightest line is spread over the lines.
        """
        d, compiled = x.demand, self.router.compiled
        at = compiled.select(d, x)
        mask = 0
        for ready in compiled.rules[at] if at >= 0 else ():
            mask |= ready.screen(d, x)
        x.needs = x.rows
        grams, lines = need_figures(x)
        weights = [each * n for each, (_, n) in zip(grams, x.needs, strict=True)]
        fixed, rows = [0] * len(x.grid.nodes), [[0] * len(x.grid.nodes) for _ in x.needs]
        for i in bits(mask):
            least, whole = self._parcel(x, i, min(weights)), self._parcel(x, i, sum(weights))
            if least is None or whole is None:
                mask &= ~(1 << i)
                continue
            self.exact = self.exact and least == whole
            fixed[i] = least
            _, per_line, per_unit = x.grid.fixed[i] if self.priced else (0, 0, 0)
            shares = Money(whole - least, "EUR").split(weights) if whole > least else None
            for k, (_, n) in enumerate(x.needs):
                rows[k][i] = per_line * lines[k] + per_unit * n + (shares[k].minor if shares else 0)
        return mask, fixed, rows

    def _parcel(self, x: Case, i: int, grams: int) -> int | None:
        if self.priced:
            return x.cost(i, grams, 0, 0)
        meters = x.place.meters[i]
        return 10**6 if meters is None else meters // 100

    def _unfilled(self, d: Demand, least: int, own: Callable[[Demand], int] | None) -> list[int]:
        """What it costs to leave each need of a demand out, as pressing as it is by now."""
        margin = max(0, d.margin_minor or 0)
        prices = [own(d)] * len(d.needs) if own is not None else [least + margin * n // d.units for _, n in d.needs]
        if self.now is None:
            return prices
        # One measure for all channels, so that the least slack is the most pressing, whatever was promised.
        longest = max(1, *self.hours.values(), 1)
        due = d.promised_at or (d.placed_at or self.now) + timedelta(hours=self.hours.get(d.channel, longest))
        slack = min(longest, (due - self.now) // timedelta(hours=1))
        return [pressing(price, slack_hours=slack, commitment_hours=longest) for price in prices]

    def cost(self, decisions: Outcomes) -> int:
        """What decisions cost by the common measure."""
        total = 0
        for id_, decision in decisions.items():
            x, placed = self.cases[id_], _placed(decision)
            plan = _carried(decision)
            if plan is not None and plan.cost is not None and self.priced:
                total += plan.cost.minor
            elif plan is not None:
                total += sum(self._parcel(x, x.grid.index[node], x.demand.grams) or 0 for node in plan.load)
            got: dict[str, int] = {}
            for line in x.demand.lines:
                got[line.item] = got.get(line.item, 0) + placed.get(line.id, 0)
            for (item, n), price in zip(x.demand.needs, self.out[id_], strict=True):
                total += price * (n - min(n, got[item])) // n
        return total

    # -- ways ----------------------------------------------------------------------------------------------------------

    def one_by_one(self, demands: Iterable[Demand]) -> Outcomes:
        """Each demand in turn, on what those before it have left."""
        rest = _Rest(self)
        return {d.id: rest.decide(d, rest.stock) for d in demands}

    def by_shares(self, shares: Mapping[str, Mapping[tuple[str, str], int]]) -> Outcomes:
        """Each demand on its share; those that get nothing whole from it once more, on what is left in the end."""
        rest = _Rest(self)
        decided = {d.id: rest.decide(d, Stock(shares[d.id])) for d in self.urgent if shares[d.id]}
        for d in self.urgent:
            before = decided.get(d.id)
            if before is None or not _placed(before):
                decided[d.id] = rest.decide(d, rest.stock)
        return {d.id: decided[d.id] for d in self.urgent}

    def planned(self, planner: Planner) -> tuple[BacklogPlan, dict[str, dict[tuple[str, str], int]]]:
        """What a planner makes of the demands, and the share of stock that it gives to each."""
        ids, count = self.router.grid.ids, len(self.router.grid.nodes)
        items = {item: n for n, item in enumerate(dict.fromkeys(i for d in self.urgent for i, _ in d.needs))}
        orders = [self._order(d, items) for d in self.urgent]
        stock = [[max(0, self.stock.get((id_, item), 0)) for id_ in ids] for item in items]
        plan = planner.plan(Backlog(orders, stock if count else ()))
        shares = {}
        for d, where in zip(self.urgent, plan.where, strict=True):
            shares[d.id] = {(ids[i], item): n for (item, n), i in zip(d.needs, where, strict=True) if i >= 0}
        return plan, shares

    def _order(self, d: Demand, items: Mapping[str, int]) -> BacklogOrder:
        mask, fixed, rows = self.figures[d.id]
        at = self.router.compiled.select(d, self.cases[d.id])
        rules = [ready.rule for ready in self.router.compiled.rules[at]] if at >= 0 else []
        penalty = 0
        if all(rule.stops_max == 1 for rule in rules):
            penalty = NEVER
        elif rules[0].prefer and rules[0].prefer[0].op == "fewest_splits":
            penalty = max(fixed) + sum(map(max, rows)) + 1
        return BacklogOrder(
            items=[items[item] for item, _ in d.needs],
            units=[n for _, n in d.needs],
            fixed=fixed,
            line_costs=rows,
            unfilled=self.out[d.id],
            split_penalty=penalty,
            nodes=mask,
        )

    def best(self, planner: Planner | None) -> Together:
        """The cheapest of: decided together, one by one by urgency, one by one as they came."""
        first = self.one_by_one(self.arrived)
        least = self.cost(first)
        found: list[tuple[int, int, str, Outcomes]] = [(least, 2, "as they were placed", first)]
        if self.urgent != self.arrived:
            queued = self.one_by_one(self.urgent)
            found.append((self.cost(queued), 1, "one by one, the most urgent first", queued))
        plan = None
        bound = least
        if self.urgent and self.router.grid.nodes:
            plan, shares = self.planned(JointPlanner() if planner is None else planner)
            bound = plan.bound
            joint = self.by_shares(shares)
            found.append((self.cost(joint), 0, "together", joint))
        cost, _, how, chosen = min(found, key=lambda row: row[:2])
        return Together(
            {d.id: chosen[d.id] for d in self.urgent},
            cost=cost,
            first_come=least,
            bound=min(bound, cost),
            exact=self.exact,
            displaced=tuple(_displaced(first, chosen)),
            currency=self.router.network.currency,
            plan=plan,
            how=how,
        )


class _Rest:
    """Stock and capacity as demands take of them, one after the other."""

    def __init__(self, many: _Many) -> None:
        self.many = many
        self.stock = Stock(many.stock)
        self.slots = Slots(many.router.network)

    def decide(self, d: Demand, stock: Stock) -> Decision:
        """Decide on a stock, and take from what is left what the plan takes."""
        many = self.many
        decision = many.router.route(d, stock, now=many.now, facts=self.slots.facts(many.now, many.facts))
        plan = _carried(decision)
        if plan is not None:
            for given in plan.assignments:
                if not given.backordered or given.how == "transfer":
                    self.stock.take(given.origin or given.node, given.item, given.units)
            for node, units in plan.load.items():
                self.slots.take(node, units, many.now)
        return decision


def _displaced(first: Outcomes, chosen: Outcomes) -> Iterator[Displacement]:
    """Who gets less than first come, first served would have given, and who gets more of the same items."""

    def by_item(decision: Decision) -> dict[str, int]:
        items = {line.id: line.item for line in decision.demand.lines}
        got: dict[str, int] = {}
        for line, n in _placed(decision).items():
            got[items[line]] = got.get(items[line], 0) + n
        return got

    lost: dict[str, dict[str, int]] = {}
    gained: dict[str, list[str]] = {}
    for id_, was in first.items():
        before, after = by_item(was), by_item(chosen[id_])
        for item, n in before.items():
            if after.get(item, 0) < n:
                lost.setdefault(id_, {})[item] = n - after.get(item, 0)
        for item, n in after.items():
            if before.get(item, 0) < n:
                gained.setdefault(item, []).append(id_)
    for id_, units in lost.items():
        yield Displacement(id_, units, tuple(dict.fromkeys(other for item in units for other in gained.get(item, ()))))
