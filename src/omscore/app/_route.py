"""Route: choose the nodes for an order's units, and commit the choice against the ledger in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from omscore import inventory
from omscore.app._work import Work, cells_at
from omscore.inventory import Cell
from omscore.orders import Fulfillment, FulfillmentLine, MoveUnits, Order
from omscore.routing import Decision, Demand, DemandLine, Stock


@frozen
class Routed:
    """What became of one order in one attempt; `text` explains it.

    >>> Routed("ord-1", 1, "assigned", "one stop at ghent").outcome
    'assigned'
    """

    order: str
    attempt: int
    outcome: str
    text: str
    policy: str = ""
    nodes: tuple[str, ...] = ()


def demand_of(work: Work, order: Order, excluded: tuple[str, ...] = (), attempts: int = 0) -> Demand | None:
    """An order's units that wait for a node, as routing reads them; None when none do.

    Backordered units wait for stock, not for a node.
    """
    lines = []
    for line in order.lines:
        units = order.units[line.id]
        n = units.open + units.reserved
        if n:
            item = work.item(line.item)
            lines.append(
                DemandLine(
                    line.id,
                    line.item,
                    n,
                    price=line.unit_price,
                    weight_grams=item.weight_grams,
                    tags=item.tags | line.tags,
                    category=item.category,
                    group=line.group,
                )
            )
    if not lines:
        return None
    draft = order.draft
    return Demand(
        order.id,
        lines,
        destination=draft.ship_to,
        channel=draft.channel,
        service=draft.service,
        value=draft.value,
        placed_at=draft.placed_at,
        promised_at=draft.deliver_by,
        customer=draft.customer.id,
        customer_tier=draft.customer.tier,
        earlier_orders=draft.customer.orders_before,
        tags=draft.tags,
        excluded=excluded,
        attempts=attempts,
    )


def stock_for(work: Work, order: Order, demand: Demand) -> Stock:
    """What each node could promise to this order: free less its buffer, and what the order holds there already."""
    units: dict[tuple[str, str], int] = {}
    for item, _ in demand.needs:
        for cell, n in inventory.available(
            work.txn, item, reservation=order.id, floors=work.wiring.buffers
        ).items():
            if not cell.pool and n:
                units[cell.node, item] = units.get((cell.node, item), 0) + n
    return Stock(units)


def route(work: Work, order_id: str) -> Routed:
    """Decide one order's nodes and commit: allocate the units, open a fulfillment at each node, keep the reasons."""
    order = work.order(order_id)
    queued = work.find("queue", order_id)
    attempt = (queued.attempts if queued else 0) + 1
    excluded = queued.excluded if queued else ()
    demand = demand_of(work, order, excluded, attempt - 1)
    if demand is None or order.holds or order.state != "accepted":
        waiting = "backordered" if order.totals.backordered else "held" if order.holds else "assigned"
        work.queue(order, due_at=None, outcome=waiting)
        routed = Routed(order_id, attempt, waiting, f"nothing to route: {order!r}")
    else:
        stock = stock_for(work, order, demand)
        decision = work.wiring.router.route(demand, stock, now=work.now)
        routed = _commit(work, order, decision, attempt)
    work.save("decision", f"{order_id}-d{attempt}", routed, {f"order:{order_id}": f"{attempt:06}"})
    return routed


def _commit(work: Work, order: Order, decision: Decision, attempt: int) -> Routed:
    nodes: tuple[str, ...] = ()
    until = decision.until
    if decision.outcome in ("assigned", "partly_assigned") and decision.plan is not None:
        shares: dict[str, dict[str, int]] = {}
        for given in decision.plan.assignments:
            if not given.backordered:
                lines = shares.setdefault(given.node, {})
                lines[given.line] = lines.get(given.line, 0) + given.units
        items = {line.id: line.item for line in order.lines}
        cells: dict[Cell, int] = {}
        for node, lines in shares.items():
            cells.update(cells_at(node, [(items[line], n) for line, n in lines.items()]))
        inventory.allocate(work.txn, order.id, cells, cause=work.cause, floors=_own_floors(work, order, cells))
        _open_fulfillments(work, order, shares, items, attempt)
        nodes = tuple(sorted(shares))
        work.emit("notify.routed", f"{order.id}:{attempt}", order.id, order=order.id, nodes=list(nodes))
    work.queue(
        order, due_at=until, attempts=attempt, outcome=decision.outcome, note=decision.reason.text if decision.reason else ""
    )
    return Routed(order.id, attempt, decision.outcome, decision.explain().to_text(), decision.policy_hash, nodes)


def _own_floors(work: Work, order: Order, cells: Mapping[Cell, int]) -> dict[Cell, int]:
    return {cell: work.wiring.buffers[cell] for cell in cells if cell in work.wiring.buffers}


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


def as_rows(routed: Routed) -> dict[str, Any]:
    """A routing outcome as plain data.

    >>> as_rows(Routed("ord-1", 1, "assigned", "why", nodes=("ghent",)))["nodes"]
    ['ghent']
    """
    return {"order": routed.order, "outcome": routed.outcome, "nodes": list(routed.nodes), "attempt": routed.attempt}
