"""Promises: by when each order is to arrive, kept with it, and told again when facts change or do not come true."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from attrs import evolve

from omscore import inventory
from omscore.app._facts import facts_of
from omscore.app._work import Work
from omscore.errors import Reason
from omscore.kernel import stamp
from omscore.orders import Order, Promised
from omscore.routing import (
    Decision,
    DeliveryPromise,
    Demand,
    DemandLine,
    Outlook,
    demand_of,
    outlook,
    plan_to_commit,
    promise_of,
)
from omscore.shipping import Shipment


def look(work: Work, demand: Demand, order: Order | None = None) -> DeliveryPromise:
    """By when a demand would arrive, on what there is now and is announced."""
    floors = work.wiring.buffers if order is None else work.floors(order)
    items = [item for item, _ in demand.needs]
    coming = outlook(work.txn, items, reservation=demand.id, floors=floors, select=work.select())
    return promise_of(demand, work.now, router=work.wiring.router, outlook=coming, facts=facts_of(work, demand))


def keep_promise(work: Work, order: Order, because: str, decision: Decision | None = None) -> Promised | None:
    """Promise an order anew: from the plan just carried out, else from what there is; an event when it differs.

    The customer is told when a date that was promised is missed. Returns the promise when it changed.
    """
    if not work.wiring.keeps_promises or order.state not in ("captured", "accepted"):
        return None
    plan = None if decision is None else plan_to_commit(decision)
    if decision is not None and not _takes_known_time(work, decision.demand.service):
        plan = None
    if decision is not None and plan is not None and plan.units == decision.demand.units and decision.arrives_at:
        reasons = () if decision.reason is None else (decision.reason,)
        coming = [given.due_at for given in plan.assignments if given.due_at is not None]
        return _promised(work, order, because, decision.arrives_at, reasons, max(coming, default=None))
    demand = demand_of(order, work.wiring.catalog, waiting=True, coming=work.coming(order))
    return None if demand is None else _told(work, order, because, look(work, demand, order))


def _takes_known_time(work: Work, service: str) -> bool:
    """Whether the network says how long a service takes; one without any services takes no days at all."""
    network = work.wiring.network
    return not network.services or network.service(service) is not None


def _told(work: Work, order: Order, because: str, promise: DeliveryPromise) -> Promised | None:
    later = [part.ready_at for part in promise.parts if part.ready_at > work.now]
    return _promised(work, order, because, promise.arrives_at, promise.reasons, max(later, default=None))


def _promised(
    work: Work,
    order: Order,
    because: str,
    arrives_at: datetime | None,
    reasons: tuple[Reason, ...],
    rests_until: datetime | None,
) -> Promised | None:
    """Keep a promise; an event, and the customer told, when it differs from the one before."""
    before: Promised | None = work.find("promise", order.id)
    was = None if before is None else before.arrives_at
    if before is not None and was == arrives_at:
        if before.rests_until != rests_until:
            _save(work, evolve(before, rests_until=rests_until))
        return None
    made = Promised(order.id, arrives_at, was, work.now, because, reasons, rests_until)
    _save(work, made)
    work.txn.append("promise", order.id, [made], cause=work.cause)
    if made.later:
        told = f"{order.id}:{work.version('promise', order.id)}"
        when = None if arrives_at is None else arrives_at.isoformat()
        work.emit("notify.delayed", told, order.id, order=order.id, arrives_at=when)
        queued = work.find("queue", order.id)
        # What is due already keeps the reason for which it is.
        idle = queued is not None and (queued.due_at is None or queued.due_at > work.now)
        if idle and queued is not None and queued.outcome in ("parked", "unroutable", "backordered"):
            work.queue(order, due_at=work.now, note="the promise is at risk")
    return made


def _save(work: Work, made: Promised) -> None:
    """Keep a promise, found by when it may turn out untrue: what it rests on has not come, or the day has passed."""
    index = {"all": stamp(made.at or work.now)}
    ends = [when for when in (made.rests_until, made.arrives_at) if when is not None and when >= work.now]
    if ends:
        index["ends"] = stamp(min(ends).astimezone(UTC))
    work.save("promise", made.order, made, index)


def keep_promise_of_arrival(work: Work, order: Order, node: str, units: Mapping[str, int]) -> None:
    """All that an order awaited has come to a node: promise what it sends, by the engine, from that node alone."""
    if not work.wiring.keeps_promises or order.state not in ("captured", "accepted"):
        return
    demand = demand_of(order, work.wiring.catalog, waiting=True)
    if demand is None or {line.id: line.units for line in demand.lines} != units:
        return
    there = Outlook({(node, item): n for item, n in demand.needs})
    promise = promise_of(demand, work.now, router=work.wiring.router, outlook=there, facts=facts_of(work, demand))
    _told(work, order, f"what it awaited has come to {node}", promise)


def keep_promise_of_sending(work: Work, order: Order, shipment: Shipment) -> None:
    """The last of an order has left: where no date was promised, or one that cannot be met any more, it has one now.

    By the days that the shipment's service takes from its node. A date that is still met stands as it was told.
    """
    before: Promised | None = work.find("promise", order.id) if work.wiring.keeps_promises else None
    totals = order.totals
    waits = totals.open + totals.reserved + totals.backordered + totals.allocated + totals.picked + totals.packed
    network = work.wiring.network
    if before is None or waits or shipment.node not in network or not _takes_known_time(work, shipment.service):
        return
    lines = [DemandLine(id_, order.draft.line(id_).item, n) for id_, n in shipment.lines.items()]
    demand = Demand(order.id, lines, destination=order.destination, service=shipment.service)
    case = work.wiring.router.case(demand, {}, now=work.now)
    arrives_at = case.arrives_if_gone(network.index(shipment.node))
    if arrives_at is not None and (before.arrives_at is None or arrives_at > before.arrives_at):
        _promised(work, order, f"{shipment.id} left {shipment.node}", arrives_at, (), None)


def overdue(work: Work) -> list[str]:
    """The orders whose promise rests on something that was to be there by now, or that were to arrive by now."""
    return list(work.every("promise", "ends", upto=stamp(work.now - timedelta(microseconds=1))))


def promise_again(work: Work, order_id: str) -> Promised | None:
    """Something was to be there by now: promise the order anew where it is not, or say that nobody knows a date."""
    order = work.order(order_id)
    made = _again(work, order) if order.state in ("captured", "accepted") else None
    after: Promised = work.load("promise", order_id)
    past = after.rests_until is not None and after.rests_until < work.now
    _save(work, evolve(after, rests_until=None) if past else after)
    return made


def _again(work: Work, order: Order) -> Promised | None:
    late = [
        Reason(
            "promise.overdue",
            f"{line.awaited} of {line.item} were to come to {one.node} by {one.comes_at:%Y-%m-%d %H:%M %Z}",
            {"units": line.awaited, "item": line.item, "node": one.node, "fulfillment": one.id},
        )
        for one in work.fulfillments(order.id)
        if one.state == "planned" and one.comes_at is not None and one.comes_at < work.now
        for line in one.lines
        if line.awaited
    ]
    before: Promised = work.load("promise", order.id)
    missed = before.arrives_at is not None and before.arrives_at < work.now
    if not late and missed:
        totals = order.totals
        left = totals.allocated + totals.picked + totals.packed
        waits = totals.open + totals.reserved + totals.backordered
        some = "1 unit was" if left + waits == 1 else f"{left + waits} units were"
        text = f"{some} to arrive by {before.arrives_at:%Y-%m-%d %H:%M %Z}, not all of it has left"
        if waits:
            return keep_promise(work, order, text)
        late = [Reason("promise.missed", text, {"units": left})] if left else []
        return _promised(work, order, text, None, tuple(late), None) if late else None
    if late:
        return _promised(work, order, f"{late[0].text} and have not", None, tuple(late), None)
    return keep_promise(work, order, _late_supply(work, order))


def _late_supply(work: Work, order: Order) -> str:
    """The announced supply of what an order waits for that has not come in time, in words."""
    late = []
    for item in dict.fromkeys(line.item for line in order.lines if order.units[line.id].backordered):
        inventory.repromise(work.txn, item)
        late += [
            f"{line.outstanding} of {item} were to come to {line.node} by {line.due_at:%Y-%m-%d %H:%M %Z} ({line.id})"
            for line in inventory.supplies(work.txn, item)
            if line.due_at < work.now
        ]
    return f"{'; '.join(late)} and have not" if late else "what it waits for has not come"


def expect(work: Work, supply: str, item: str, node: str, units: int, due_at: datetime) -> list[str]:
    """Announce supply or correct what was announced; returns the waiting orders that were promised anew."""
    work.wiring.check_node(node)
    inventory.expect(work.txn, supply, item, node, units, due_at)
    inventory.repromise(work.txn, item)
    because = f"{units} of {item} come to {node} on {due_at:%Y-%m-%d} ({supply})"
    waiting = (*work.every("order", f"wants:{item}"), *work.every("queue", f"waits:{item}"))
    return [id_ for id_ in dict.fromkeys(waiting) if keep_promise(work, work.order(id_), because) is not None]
