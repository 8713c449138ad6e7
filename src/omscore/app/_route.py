"""Route: choose the nodes for an order's units, and commit the choice against the ledger in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from attrs import evolve

from omscore.app._cancel import cancel
from omscore.app._carry import commit
from omscore.app._facts import facts_of, served
from omscore.app._loads import next_slot
from omscore.app._promises import keep_promise
from omscore.app._work import Work
from omscore.errors import InsufficientStock, Reason
from omscore.kernel import Address
from omscore.orders import Hold, Order, PlaceHold, Queued, ReleaseHold, Routed
from omscore.routing import Decision, Record, Stock, demand_of, lost_by, plan_to_commit, stock_of, won_after

ROUTING_HOLD = "routing_review"


def route(
    work: Work,
    order_id: str,
    *,
    approved: bool = False,
    share: Mapping[tuple[str, str], int] | None = None,
    waiting: bool = False,
    lost: tuple[Reason, ...] = (),
    told: str = "",
) -> Routed:
    """Decide one order's nodes and commit: allocate the units, open a fulfillment at each node, keep the reasons.

    `approved` commits a plan that a rule wanted a person to see: the person has. `share` is the stock that a joint plan
    gives the order, `waiting` has its backordered units decided too, `lost` are the races lost before, and `told`
    stands in front of the explanation.
    """
    order = work.order(order_id)
    queued = work.find("queue", order_id)
    before = queued.attempts if queued else 0
    attempt = before + 1
    because = queued.note if queued else ""
    if order.state not in ("captured", "accepted"):
        return Routed(order_id, before, order.state, f"nothing to route: {order!r}")
    decision = None
    if not order.holds and order.state == "accepted":
        decision = _decided(work, order, queued, share, waiting=waiting)
    if decision is None:
        outcome = "held" if order.holds else "backordered" if order.totals.backordered else "assigned"
        work.queue(order, due_at=None, outcome=outcome)
        return Routed(order_id, attempt, outcome, f"nothing to route: {order!r}", because=because, before=before)
    plan = plan_to_commit(decision, approved=approved)
    try:
        nodes = () if plan is None else commit(work, order, plan, attempt)
    except InsufficientStock as late:
        late.reasons = tuple([lost_by(decision, reason) for reason in late.reasons])
        raise
    outcome = "assigned" if approved and decision.outcome == "review" else decision.outcome
    note = decision.reason.text if decision.reason else ""
    was_parked = queued is not None and queued.outcome == "parked"
    until = decision.parked_until
    time_is_up = False
    if was_parked and queued and queued.parked_until is not None and outcome == "parked":
        # Stock that came in meanwhile gives an order another try, never more time.
        time_is_up = queued.parked_until <= work.now
        until = until if time_is_up else queued.parked_until
    due_at = until
    if outcome == "parked" and not time_is_up and (slot := next_slot(work)) is not None:
        due_at = slot if until is None else min(slot, until)
    work.queue(work.order(order_id), due_at=due_at, attempts=attempt, outcome=outcome, note=note, parked_until=until)
    if outcome == "review" and decision.review is not None:
        review = decision.review
        text = "; ".join(reason.text for reason in review.reasons)
        on_expiry = "release" if review.default == "accept" else "escalate"
        hold = Hold(ROUTING_HOLD, review.owner, review.until, text, on_expiry)
        work.tell(work.order(order_id), PlaceHold(hold))
    elif time_is_up:
        _after_parking(work, order_id)
    if nodes:
        served(work, nodes)
    keep_promise(work, work.order(order_id), because or "routed", decision)
    text = "\n".join(part for part in (told, won_after(lost, decision), str(decision.explain())) if part)
    record = _without_name(decision.record())
    routed = Routed(order_id, attempt, outcome, text, decision.policy_hash, nodes, because, before or 0, lost, record)
    work.save("decision", f"{order_id}-d{attempt}", routed, {f"order:{order_id}": f"{attempt:06}"})
    return routed


def _decided(
    work: Work, order: Order, queued: Queued | None, share: Mapping[tuple[str, str], int] | None, *, waiting: bool
) -> Decision | None:
    """What the policy says of the units that have no node; None when there are none.

    Backordered units are decided too where some rule says what becomes of a rest; when none can serve them, the units
    that are there are decided without them.
    """
    router, wiring = work.wiring.router, work.wiring
    floors = work.floors(order)
    both = bool(order.totals.backordered) and (waiting or router.compiled.rests)
    decision = None
    for with_waiting in (True, False) if both else (False,):
        demand = demand_of(
            order,
            wiring.catalog,
            excluded=queued.excluded if queued else (),
            attempts=queued.attempts if queued else 0,
            queue=router.policy.otherwise.queue if _was_parked(queued) and router.policy.otherwise else "",
            waiting=with_waiting,
            coming=work.coming(order),
        )
        if demand is None:
            continue
        stock = stock_of(work.txn, demand, floors=floors, select=work.select())
        if share is not None:
            stock = Stock({cell: min(n, share.get(cell, 0)) for cell, n in stock.items().items()})
        found = (wiring.shadow or router).route(demand, stock, now=work.now, facts=facts_of(work, demand))
        if decision is None or found.plan is not None:
            decision = found
        if found.plan is not None:
            break
    return decision


def _was_parked(queued: Queued | None) -> bool:
    return queued is not None and queued.outcome == "parked"


def _without_name(record: Record) -> Record:
    """A record of where an order goes, without who it goes to."""
    place = record.demand.destination
    if place is None:
        return record
    bare = Address(place.country, postcode=place.postcode, region=place.region, city=place.city, point=place.point)
    return evolve(record, demand=evolve(record.demand, destination=bare))


def _after_parking(work: Work, order_id: str) -> None:
    """An order was parked till its time was up and still has no node: do what the policy says then."""
    park = work.wiring.policy.otherwise
    queued = work.find("queue", order_id)
    if park is None or park.then == "retry" or queued is None:
        return
    if park.then == "cancel":
        # What a node works on already was not parked: only units that still wait go.
        order = work.order(order_id)
        waiting = {line: n for line, u in order.units.items() if (n := u.open + u.reserved + u.backordered)}
        cancel(work, order_id, waiting, f"parked in {park.queue!r} for {park.days} days", refund=True)
    else:
        hold = Hold(ROUTING_HOLD, "routing", text=f"parked in {park.queue!r} till its time was up")
        work.tell(work.order(order_id), PlaceHold(hold))


def park_review(work: Work, order_id: str) -> bool:
    """Nobody reviewed an order's plan in time: park it, where the review desk says so; tells whether it does.

    It waits like any parked order: till stock comes, or the time of the policy's queue is up, and is then decided anew.
    """
    queued = work.find("queue", order_id)
    policy = work.wiring.policy
    if queued is None or queued.outcome != "review" or policy.review.default != "park":
        return False
    order = work.tell(work.order(order_id), ReleaseHold(ROUTING_HOLD))
    days = None if policy.otherwise is None else policy.otherwise.days
    until = None if days is None else work.now + timedelta(days=days)
    work.queue(order, due_at=until, outcome="parked", note="nobody reviewed the plan in time", parked_until=until)
    return True


def explain(work: Work, order_id: str) -> list[Routed]:
    """Every routing attempt of an order, oldest first."""
    work.order(order_id)
    return list(work.all("decision", f"order:{order_id}"))


def why_not_routed(work: Work, order_id: str) -> str:
    """Why an order has not been to routing yet: rejected, held, short of stock, cancelled, or simply not due."""
    order = work.order(order_id)
    if order.state == "rejected":
        told = [r for logged in work.txn.events("order", order_id) for r in getattr(logged.event, "reasons", ())]
        return f"rejected: {'; '.join(str(reason) for reason in told)}"
    if order.holds:
        holds = [
            f"{hold.code}{f' by {hold.owner}' if hold.owner else ''}{f' until {hold.until}' if hold.until else ''}"
            f"{f': {hold.text}' if hold.text else ''}"
            for hold in order.holds
        ]
        return f"held, {'; '.join(holds)}"
    if order.state in ("cancelled", "closed"):
        return f"{order.state} before it was routed"
    short = {line.item: n for line in order.lines if (n := order.units[line.id].backordered)}
    if short and not order.totals.reserved:
        return f"waits for stock: {', '.join(f'{n} of {item}' for item, n in sorted(short.items()))} are not there"
    return f"not routed yet: {order!r}"


RETRY_AFTER = timedelta(minutes=5)
"""How long an order whose routing failed waits before it is tried again; twice as long each time."""

RETRY_AFTER_MAX = timedelta(days=1)
"""The longest such wait."""


def put_off(work: Work, order_id: str, note: str) -> None:
    """An order whose routing failed is tried again later, and later each time."""
    order = work.order(order_id)
    queued = work.find("queue", order_id)
    attempts = (queued.attempts if queued else 0) + 1
    wait = min(RETRY_AFTER * 2 ** min(attempts - 1, 20), RETRY_AFTER_MAX)
    work.queue(order, due_at=work.now + wait, attempts=attempts, outcome="failed", note=note)
