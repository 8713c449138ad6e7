"""Route: choose the nodes for an order's units, and commit the choice against the ledger in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping

from omscore import inventory
from omscore.app._cancel import cancel
from omscore.app._work import Work
from omscore.inventory import Cell
from omscore.orders import Fulfillment, FulfillmentLine, Hold, MoveUnits, Order, PlaceHold, Routed
from omscore.routing import Plan, cells_of, demand_of, plan_to_commit, shares_of, stock_of

ROUTING_HOLD = "routing_review"


def route(work: Work, order_id: str, *, approved: bool = False) -> Routed:
    """Decide one order's nodes and commit: allocate the units, open a fulfillment at each node, keep the reasons.

    `approved` commits a plan that a rule wanted a person to see: the person has.
    """
    order = work.order(order_id)
    queued = work.find("queue", order_id)
    attempt = (queued.attempts if queued else 0) + 1
    excluded = queued.excluded if queued else ()
    if order.state not in ("captured", "accepted"):
        return Routed(order_id, attempt - 1, order.state, f"nothing to route: {order!r}")
    demand = demand_of(order, work.wiring.catalog, excluded=excluded, attempts=attempt - 1)
    if demand is None or order.holds or order.state != "accepted":
        waiting = "held" if order.holds else "backordered" if order.totals.backordered else "assigned"
        work.queue(order, due_at=None, outcome=waiting)
        return Routed(order_id, attempt, waiting, f"nothing to route: {order!r}")
    stock = stock_of(work.txn, demand, floors=work.floors(order))
    decision = work.wiring.router.route(demand, stock, now=work.now)
    plan = plan_to_commit(decision, approved=approved)
    nodes = () if plan is None else _commit(work, order, plan, attempt)
    outcome = "assigned" if approved and decision.outcome == "review" else decision.outcome
    note = decision.reason.text if decision.reason else ""
    was_parked = queued is not None and queued.outcome == "parked"
    until = decision.parked_until
    time_is_up = False
    if was_parked and queued and queued.parked_until is not None and outcome == "parked":
        # Stock that came in meanwhile gives an order another try, never more time.
        time_is_up = queued.parked_until <= work.now
        until = until if time_is_up else queued.parked_until
    work.queue(work.order(order_id), due_at=until, attempts=attempt, outcome=outcome, note=note, parked_until=until)
    if outcome == "review" and decision.review is not None:
        review = decision.review
        text = "; ".join(reason.text for reason in review.reasons)
        work.tell(order, PlaceHold(Hold(ROUTING_HOLD, review.owner, review.until, text)))
    elif time_is_up:
        _after_parking(work, order_id)
    routed = Routed(order_id, attempt, outcome, str(decision.explain()), decision.policy_hash, nodes)
    work.save("decision", f"{order_id}-d{attempt}", routed, {f"order:{order_id}": f"{attempt:06}"})
    return routed


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
        cancel(work, order_id, waiting, f"parked in {park.queue!r} for {park.days} days")
    else:
        hold = Hold(ROUTING_HOLD, "routing", text=f"parked in {park.queue!r} till its time was up")
        work.tell(work.order(order_id), PlaceHold(hold))


def _commit(work: Work, order: Order, plan: Plan, attempt: int) -> tuple[str, ...]:
    shares, cells = shares_of(plan), cells_of(plan)
    items = {line.id: line.item for line in order.lines}
    inventory.allocate(work.txn, order.id, cells, cause=work.cause, floors=_own_floors(work.floors(order), cells))
    _open_fulfillments(work, order, shares, items, attempt)
    nodes = tuple(sorted(shares))
    work.notify("routed", f"{order.id}:{attempt}", order, nodes=list(nodes))
    return nodes


def _own_floors(floors: Mapping[Cell, int], cells: Mapping[Cell, int]) -> dict[Cell, int]:
    return {cell: floors[cell] for cell in cells if cell in floors}


def _open_fulfillments(
    work: Work, order: Order, shares: Mapping[str, Mapping[str, int]], items: Mapping[str, str], attempt: int
) -> None:
    number = len(work.fulfillments(order.id))
    moves = []
    for node in sorted(shares):
        number += 1
        fulfillment = Fulfillment(
            f"{order.id}-f{number}",
            order.id,
            node,
            tuple(FulfillmentLine(line, items[line], n) for line, n in shares[node].items()),
            service=order.draft.service,
            due_at=work.wiring.due(order.draft, work.now),
            created_at=work.now,
            attempt=attempt,
        )
        work.save_fulfillment(fulfillment)
        moves.append(MoveUnits("allocate", dict(shares[node]), fulfillment.id))
    work.tell(order, *moves)


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
