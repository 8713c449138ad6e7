"""Promises: by when each order is to arrive, kept with it, and told again when facts change."""

from __future__ import annotations

from datetime import datetime

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
    demand_of,
    outlook,
    plan_to_commit,
    promise_of,
)


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
    before: Promised | None = work.find("promise", order.id)
    arrives_at = None
    reasons: tuple[Reason, ...] = ()
    plan = None if decision is None else plan_to_commit(decision)
    if decision is not None and plan is not None and plan.units == decision.demand.units and decision.arrives_at:
        arrives_at = decision.arrives_at
        reasons = () if decision.reason is None else (decision.reason,)
    else:
        demand = demand_of(order, work.wiring.catalog, waiting=True, coming=work.coming(order))
        if demand is None:
            return None
        promise = look(work, demand, order)
        arrives_at, reasons = promise.arrives_at, promise.reasons
    was = None if before is None else before.arrives_at
    if before is not None and was == arrives_at:
        return None
    made = Promised(order.id, arrives_at, was, work.now, because, reasons)
    index = {} if order.state == "closed" else {"all": stamp(work.now)}
    work.save("promise", order.id, made, index)
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


def expect(work: Work, supply: str, item: str, node: str, units: int, due_at: datetime) -> list[str]:
    """Announce supply or correct what was announced; returns the waiting orders that were promised anew."""
    inventory.expect(work.txn, supply, item, node, units, due_at)
    inventory.repromise(work.txn, item)
    because = f"{units} of {item} come to {node} on {due_at:%Y-%m-%d} ({supply})"
    waiting = (*work.every("order", f"wants:{item}"), *work.every("queue", f"waits:{item}"))
    return [id_ for id_ in dict.fromkeys(waiting) if keep_promise(work, work.order(id_), because) is not None]
