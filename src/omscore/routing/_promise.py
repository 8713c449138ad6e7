"""Promising: by when an order that does not exist yet would arrive, by the engine that will route it, and why.

The engine is asked at the moment of the question and, as long as it finds no plan for everything, again at each moment
at which more is there: when announced supply comes in, when a node's day of full capacity is over. The first plan is
the one that live routing would make, and its slowest parcel gives the date.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from attrs import evolve, field, frozen

from omscore.errors import Reason
from omscore.inventory import Cell, LedgerTransaction, Selector, Supply, available, pegs, supplies
from omscore.kernel import Address, utc
from omscore.kernel.given import listed, mapped, of_kind
from omscore.routing._capacity import slot_end
from omscore.routing._case import Case
from omscore.routing._demand import NO_FACTS, Demand, DemandLine, Facts, Stock
from omscore.routing._engine import Router
from omscore.routing._promise_reasons import of_node, of_origin, of_refusal, of_travel
from omscore.routing._trace import Decision

_NO_FLOORS: Mapping[Cell, int] = {}


def _units(given: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    return mapped("units", given, "{('ghent', 'SKU-1'): 3}")


def _by_date(given: Iterable[Supply]) -> tuple[Supply, ...]:
    known = listed("incoming supply", given, Supply, "Supply('po-1', 'SKU-1', 'ghent', 5, due_at)")
    return tuple(sorted(known, key=lambda line: (line.due_at, line.id)))


@frozen
class Outlook:
    """What may be promised: units by (node, item) that are there now, and supply that nobody has been promised yet.

    >>> from datetime import UTC
    >>> from omscore.inventory import Supply
    >>> monday = datetime(2026, 3, 2, tzinfo=UTC)
    >>> coming = Outlook({("ghent", "X"): 1}, [Supply("po-1", "X", "ghent", 5, monday)])
    >>> coming.at(monday).available("ghent", "X"), coming.at(monday - timedelta(days=1)).available("ghent", "X")
    (6, 1)
    """

    units: Mapping[tuple[str, str], int] = field(factory=dict, converter=_units)
    incoming: tuple[Supply, ...] = field(default=(), converter=_by_date)

    def at(self, moment: datetime) -> Stock:
        """What is there at a moment, if nothing else is promised until then and supply comes when it is due.

        >>> from datetime import UTC
        >>> Outlook({("ghent", "X"): 1}).at(datetime(2026, 3, 2, tzinfo=UTC)).available("ghent", "X")
        1
        """
        units = dict(self.units)
        for line in self.incoming:
            if line.due_at <= moment:
                units[line.node, line.item] = units.get((line.node, line.item), 0) + line.outstanding
        return Stock(units)

    def of(self, items: Iterable[str]) -> Outlook:
        """The part that is about some items.

        >>> Outlook({("ghent", "X"): 1, ("ghent", "Y"): 2}).of(["Y"]).units
        {('ghent', 'Y'): 2}
        """
        kept = set(items)
        units = {cell: n for cell, n in self.units.items() if cell[1] in kept}
        return Outlook(units, [line for line in self.incoming if line.item in kept])


def outlook(
    books: LedgerTransaction,
    items: Iterable[str],
    *,
    reservation: str = "",
    floors: Mapping[Cell, int] = _NO_FLOORS,
    select: Selector | None = None,
) -> Outlook:
    """What a ledger may promise of some items: free less buffers, and announced supply less what others wait for.

    Supply that is overdue is none until it gets a new date. `reservation` is the asker's own, whose units count.
    Lots that `select` leaves out do not.

    >>> from datetime import UTC
    >>> from omscore.inventory import MemoryBooks, Want, expect, receive, reserve
    >>> books = MemoryBooks()
    >>> receive(books, {Cell("X", "ghent"): 1}, cause="dock-7")
    >>> _ = expect(books, "po-1", "X", "ghent", 5, datetime(2026, 3, 6, tzinfo=UTC))
    >>> _ = reserve(books, "ord-1", [Want("X", 3)], cause="web-1", policy="backorder")
    >>> [(line.id, line.outstanding) for line in outlook(books, ["X"]).incoming]
    [('po-1', 3)]
    """
    units: dict[tuple[str, str], int] = {}
    coming: list[Supply] = []
    now = books.now()
    for item in dict.fromkeys(items):
        for cell, n in available(books, item, reservation=reservation, floors=floors).items():
            if not cell.pool and (select is None or select(cell) is not None):
                units[cell.node, item] = units.get((cell.node, item), 0) + n
        coming += _unpromised(books, item, reservation, now)
    return Outlook(units, coming)


def _unpromised(books: LedgerTransaction, item: str, own: str, now: datetime) -> Iterator[Supply]:
    taken: dict[str, int] = {}
    for owner, shares in pegs(books, item).items():
        for id_, n in shares if owner != own else ():
            taken[id_] = taken.get(id_, 0) + n
    for line in supplies(books, item):
        left = line.outstanding - taken.get(line.id, 0)
        if left > 0 and not line.pool and line.due_at >= now:
            yield evolve(line, units=left, received=0)


@frozen
class PromisedPart:
    """What one node would send: units by line, when it is all there, the day it leaves, and when it has arrived.

    >>> from datetime import UTC
    >>> part = PromisedPart("ghent", {"1": 2}, ready_at=datetime(2026, 3, 2, 9, tzinfo=UTC))
    >>> part.arrives_at is None
    True
    """

    node: str
    units: Mapping[str, int]
    ready_at: datetime
    leaves_on: date | None = None
    days: int | None = None
    distance_m: int | None = None
    arrives_at: datetime | None = None


@frozen
class DeliveryPromise:
    """By when an order would surely arrive, and why then; `arrives_at` is None when that cannot be said.

    `arrives_at` is the end of the last parcel's day of arrival where it was sent from. `reasons` tell in turn where the
    units come from, what the nodes need, and how long the parcels travel; or why there is no date.

    >>> from datetime import UTC
    >>> asked = Demand("cart-1", [DemandLine("1", "X")])
    >>> print(DeliveryPromise(asked, datetime(2026, 3, 2, tzinfo=UTC), None, reasons=(Reason("promise.no_stock", "no X"),)))
    cart-1: no date
      no X (promise.no_stock)
    """  # noqa: E501 - one line of an example

    demand: Demand
    asked_at: datetime
    arrives_at: datetime | None
    parts: tuple[PromisedPart, ...] = ()
    reasons: tuple[Reason, ...] = ()
    decision: Decision | None = field(default=None, repr=False, eq=False)

    @property
    def ships_on(self) -> date | None:
        """The local day on which the last parcel leaves, or None.

        >>> from datetime import UTC
        >>> DeliveryPromise(Demand("c", [DemandLine("1", "X")]), datetime(2026, 3, 2, tzinfo=UTC), None).ships_on
        """
        days = [part.leaves_on for part in self.parts]
        return None if not days or None in days else max(day for day in days if day is not None)

    @property
    def arrives_on(self) -> date | None:
        """The day by whose end the last parcel has arrived, where it was sent from; None without a date.

        >>> from datetime import UTC
        >>> asked, monday = Demand("c", [DemandLine("1", "X")]), datetime(2026, 3, 2, tzinfo=UTC)
        >>> DeliveryPromise(asked, monday, arrives_at=monday + timedelta(days=2)).arrives_on
        datetime.date(2026, 3, 3)
        """
        return None if self.arrives_at is None else (self.arrives_at - timedelta(microseconds=1)).date()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a checkout page.

        >>> from datetime import UTC
        >>> nothing = DeliveryPromise(Demand("c", [DemandLine("1", "X")]), datetime(2026, 3, 2, tzinfo=UTC), None)
        >>> nothing.to_dict()["arrives_at"] is None
        True
        """
        return {
            "arrives_at": None if self.arrives_at is None else self.arrives_at.isoformat(),
            "arrives_on": None if self.arrives_on is None else self.arrives_on.isoformat(),
            "ships_on": None if self.ships_on is None else self.ships_on.isoformat(),
            "asked_at": self.asked_at.isoformat(),
            "parts": [
                {
                    "node": part.node,
                    "units": dict(part.units),
                    "leaves_on": None if part.leaves_on is None else part.leaves_on.isoformat(),
                    "days": part.days,
                    "arrives_at": None if part.arrives_at is None else part.arrives_at.isoformat(),
                }
                for part in self.parts
            ],
            "reasons": [{"code": reason.code, "text": reason.text} for reason in self.reasons],
        }

    def __str__(self) -> str:
        when = "no date" if self.arrives_at is None else f"there by the end of {self.arrives_on}"
        return "\n".join([f"{self.demand.id}: {when}", *(f"  {reason}" for reason in self.reasons)])


@frozen
class Repromised:
    """A promise made again: what it was, what it is now, and the reasons that are new.

    >>> from datetime import UTC
    >>> asked = Demand("cart-1", [DemandLine("1", "X")])
    >>> was = DeliveryPromise(asked, datetime(2026, 3, 2, tzinfo=UTC), None)
    >>> Repromised(was, was).changed
    False
    """

    was: DeliveryPromise
    now: DeliveryPromise
    reasons: tuple[Reason, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the date is another.

        >>> from datetime import UTC
        >>> was = DeliveryPromise(Demand("c", [DemandLine("1", "X")]), datetime(2026, 3, 2, tzinfo=UTC), None)
        >>> Repromised(was, evolve(was, arrives_at=was.asked_at)).changed
        True
        """
        return self.was.arrives_at != self.now.arrives_at

    @property
    def later(self) -> bool:
        """Whether the date is later than it was, or gone.

        >>> from datetime import UTC
        >>> was = DeliveryPromise(Demand("c", [DemandLine("1", "X")]), datetime(2026, 3, 2, tzinfo=UTC), None)
        >>> Repromised(evolve(was, arrives_at=was.asked_at), was).later
        True
        """
        before, after = self.was.arrives_at, self.now.arrives_at
        return before is not None and (after is None or after > before)


def promise(
    lines: Iterable[DemandLine],
    destination: Address | None,
    service: str,
    at: datetime,
    *,
    router: Router,
    outlook: Outlook,
    facts: Facts = NO_FACTS,
    id: str = "promise",  # noqa: A002 - the field's word for it
    **more: Any,
) -> DeliveryPromise:
    """By when these lines would arrive if they were ordered at a moment, and why; nothing is reserved.

    The router decides as it will live: first on what is there, then on what is there at each later moment. `facts`
    hold for the slot of `at` as far as they say what capacity is left; after it nodes have all of theirs. What a
    transfer brings first, or a vendor drop-ships, counts from when that has happened.
    `more` are further fields of `Demand` that rules may ask about (`channel`, `value`, `customer_tier`). A plan that a
    person has to review counts from the end of the review desk's hours.

    Always an answer: without stock in sight, capacity, a working day within the calendars' horizon, or a service that
    reaches so far, it is a promise without a date that says which; without coordinates the farthest band counts.

    >>> from datetime import UTC
    >>> from omscore import routing as r
    >>> from omscore.inventory import Supply
    >>> network = r.Network([r.Node("ghent", cutoff="16:00")], services=[r.Service("standard", transit=[(None, 2)])])
    >>> router, monday = r.Router(r.packs.single_location(), network), datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> coming = r.Outlook({}, [Supply("po-1", "X", "ghent", 5, datetime(2026, 3, 4, 17, tzinfo=UTC))])
    >>> print(r.promise([r.DemandLine("1", "X")], None, "standard", monday, router=router, outlook=coming))
    promise: there by the end of 2026-03-07
      1 of X comes to ghent on 2026-03-04 (po-1) (promise.supply)
      ready at 17:00, after the cut-off at 16:00: it leaves ghent on 2026-03-05 (promise.cutoff)
      the distance from ghent is unknown, the farthest one counts (promise.no_coordinates)
      2 days in transit by standard (promise.transit)
    """
    demand = Demand(id, lines, destination=destination, service=service, **{"placed_at": at, **more})
    of_kind("router", router, Router, "Router(policy, network)")
    of_kind("outlook", outlook, Outlook, "Outlook({('ghent', 'SKU-1'): 3})")
    return _promise(demand, utc(at, "at"), router, outlook, facts)


def promise_of(
    demand: Demand, at: datetime, *, router: Router, outlook: Outlook, facts: Facts = NO_FACTS
) -> DeliveryPromise:
    """The same for a demand that exists: an order that waits for its nodes.

    >>> from datetime import UTC
    >>> from omscore import routing as r
    >>> router = r.Router(r.packs.single_location(), r.Network([r.Node("ghent")]))
    >>> waiting = r.Demand("ord-1", [r.DemandLine("1", "X")])
    >>> promise_of(waiting, datetime(2026, 3, 2, tzinfo=UTC), router=router, outlook=r.Outlook()).arrives_at is None
    True
    """
    return _promise(demand, utc(at, "at"), router, outlook, facts)


def repromise(
    was: DeliveryPromise, at: datetime, *, router: Router, outlook: Outlook, facts: Facts = NO_FACTS
) -> Repromised:
    """The same question on changed facts: supply that is late, stock that is gone, a node that closed, time that passed.

    A host that keeps its promises in events appends one when `changed`; `reasons` say what is new.

    >>> from datetime import UTC
    >>> from omscore import routing as r
    >>> network = r.Network([r.Node("ghent")], services=[r.Service("standard", transit=[(None, 2)])])
    >>> router, monday = r.Router(r.packs.single_location(), network), datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> first = r.promise([r.DemandLine("1", "X")], None, "standard", monday, router=router,
    ...                   outlook=r.Outlook({("ghent", "X"): 1}))
    >>> again = r.repromise(first, monday, router=router, outlook=r.Outlook())
    >>> again.later, str(again.reasons[0])
    (True, '0 of 1 X are there or announced (promise.no_stock)')
    """  # noqa: E501 - one line of an example
    now = _promise(was.demand, utc(at, "at"), router, outlook, facts)
    return Repromised(was, now, tuple(reason for reason in now.reasons if reason not in was.reasons))


def _promise(demand: Demand, at: datetime, router: Router, outlook: Outlook, facts: Facts) -> DeliveryPromise:
    outlook = outlook.of([item for item, _ in demand.needs])
    for moment in _moments(router, at, outlook, facts):
        stock, left = outlook.at(moment), _capacity_at(router, at, moment, facts)
        decision = router.route(demand, stock, now=moment, facts=left)
        if decision.plan is not None and (decision.outcome in ("assigned", "review") or _brought(decision)):
            return _dated(demand, at, moment, router, outlook, left, decision)
    reasons = tuple(of_refusal(router, demand, stock, moment, left, decision))
    return DeliveryPromise(demand, at, None, reasons=reasons, decision=decision)


def _moments(router: Router, at: datetime, outlook: Outlook, facts: Facts) -> list[datetime]:
    """The moment asked, and those after it at which more is there or a node may take more."""
    found = {line.due_at for line in outlook.incoming if line.due_at > at}
    for node in router.network.nodes:
        if any(node.id in left for left in (facts.capacity_left, facts.orders_left, facts.minutes_left)):
            found.add(slot_end(node, at))
    return [at, *sorted(found)]


def _capacity_at(router: Router, at: datetime, moment: datetime, facts: Facts) -> Facts:
    """The facts at a moment: what is left of a slot's capacity holds for that slot only."""
    if moment == at or not (facts.capacity_left or facts.orders_left or facts.minutes_left):
        return facts
    same = {node.id for node in router.network.nodes if slot_end(node, at) > moment}

    def still(left: Mapping[str, int]) -> dict[str, int]:
        return {id_: n for id_, n in left.items() if id_ in same}

    return evolve(
        facts,
        capacity_left=still(facts.capacity_left),
        orders_left=still(facts.orders_left),
        minutes_left=still(facts.minutes_left),
    )


def _brought(decision: Decision) -> bool:
    """Whether all that is not there yet is brought, and does not wait for supply that nobody knows of."""
    later = [given for given in decision.plan.assignments if given.backordered] if decision.plan is not None else []
    return bool(later) and all(given.how in ("transfer", "drop_ship") and given.due_at is not None for given in later)


def _dated(
    demand: Demand, at: datetime, moment: datetime, router: Router, outlook: Outlook, facts: Facts, decision: Decision
) -> DeliveryPromise:
    """The promise of a plan that was found at a moment."""
    reasons: list[Reason] = []
    start = moment
    supplied = False
    plan = decision.plan
    units: dict[str, dict[str, int]] = {}
    asked: dict[tuple[str, str], int] = {}
    ready: dict[str, datetime] = {}
    for given in plan.assignments if plan is not None else ():
        mine = units.setdefault(given.node, {})
        mine[given.line] = mine.get(given.line, 0) + given.units
        if given.due_at is not None:
            due = f"{given.due_at:%Y-%m-%d %H:%M %Z}"
            what = f"{given.units} of {given.item}"
            if given.how == "transfer":
                ready[given.node] = max(ready.get(given.node, given.due_at), given.due_at)
                text = f"{what} come from {given.origin} to {given.node} by {due}"
            else:
                text = f"{what} are ordered at {given.node}, which sends them by {due}"
            facts_told = {"units": given.units, "item": given.item, "node": given.node, "origin": given.origin}
            reasons.append(Reason(f"promise.{given.how}", text, facts_told))
            continue
        asked[given.node, given.item] = asked.get((given.node, given.item), 0) + given.units
    for (node, item), n in asked.items():
        told, late = of_origin(outlook.units, outlook.incoming, node, item, n)
        reasons += told
        supplied = supplied or late
    if moment > at and not supplied:
        text = f"no node has room for it before {moment:%Y-%m-%d %H:%M %Z}"
        reasons.append(Reason("promise.capacity", text, {"from": moment.isoformat()}))
    if decision.outcome == "review":
        desk = router.policy.review
        start = moment + timedelta(hours=desk.hours)
        text = f"{desk.owner} looks at the plan within {desk.hours} h"
        reasons.append(Reason("promise.review", text, {"hours": desk.hours}))
    parts = []
    for id_ in sorted(units):
        begin = max(start, ready.get(id_, start))
        case = router.case(demand, outlook.at(moment), now=begin, facts=facts)
        part, told = _part(router, case, id_, units[id_], begin)
        parts.append(part)
        reasons += told
    arrivals = [part.arrives_at for part in parts]
    there = None if None in arrivals else max(when for when in arrivals if when is not None)
    return DeliveryPromise(demand, at, there, tuple(parts), tuple(reasons), decision)


def _part(
    router: Router, case: Case, id_: str, units: Mapping[str, int], start: datetime
) -> tuple[PromisedPart, list[Reason]]:
    i = router.network.index(id_)
    meters, days = case.place.meters[i], case.place.days(case.demand.service)[i]
    leaves, arrives = case.leaves_on(i), case.arrives(i)
    if router.network.services and router.network.service(case.demand.service) is None:
        days = arrives = None  # a service that nobody offers takes no known time
    part = PromisedPart(id_, dict(units), start, leaves, days, meters, arrives)
    node = router.network.nodes[i]
    told = [
        *of_node(router.network, node, start, leaves),
        *of_travel(router.network, node, case.demand.service, leaves, days, meters, arrives),
    ]
    return part, told
