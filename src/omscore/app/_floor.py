"""The work at a node: batches, picks, shorts, packing and handing over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from omscore import inventory
from omscore.app import _money
from omscore.app._capture import reserve
from omscore.app._work import Work, cells_at
from omscore.batching import BatchPlan, Limits, MatrixFloor, PickLine, PickOrder, plan
from omscore.errors import CommandRefused, InvalidValue, Reason
from omscore.kernel import quantity
from omscore.orders import Close, Fulfillment, MoveUnits, PickTask
from omscore.shipping import Parcel, Shipment

# A host that describes no floor still gets batches that keep the cart's limits; nothing is known of the walk.
_NOWHERE = "anywhere"
_NO_FLOOR = MatrixFloor(("depot", _NOWHERE), ((0, 0), (0, 0)), depot="depot")


def pick_order(work: Work, fulfillment: Fulfillment) -> PickOrder:
    """A fulfillment as the planner reads it: what is left to pick, from which bins."""
    lines = []
    mapped = fulfillment.node in work.wiring.floors
    for line in fulfillment.lines:
        n = line.units - line.picked
        if n <= 0:
            continue
        item = work.item(line.item)
        volume = item.dimensions.volume_mm3 if item.dimensions else 0
        lines.append(
            PickLine(
                fulfillment.id,
                line.line,
                line.item,
                n,
                work.wiring.bins.get((fulfillment.node, line.item), "") if mapped else _NOWHERE,
                weight_grams=item.weight_grams * n,
                volume_mm3=volume * n,
            )
        )
    return PickOrder(fulfillment.id, lines, due=fulfillment.due_at, lane=fulfillment.service)


def plan_batches(work: Work, node: str, limits: Limits, limit: int, **options: Any) -> BatchPlan:
    """Plan the open fulfillments of a node, those due first first, and keep the batches; they are not batched again."""
    found = [
        pick_order(work, work.load("fulfillment", id_))
        for _, id_ in work.txn.find("fulfillment", f"to_batch:{node}", limit=limit)
    ]
    floor = work.wiring.floors.get(node)
    if floor is None:
        # Where every walk is unknown, no order of batches is better than first come, first served.
        floor, options = _NO_FLOOR, {"method": "first_come", **options}
    number = work.count("pick_task", f"node:{node}")
    made = plan(found, floor, limits, prefix=f"{node}-w{number + 1}-b", **options)
    length = floor.measure(made.rule)
    for batch in made.batches:
        alone = {id_: floor.cover([]) for id_ in batch.orders}
        for line in batch.lines:
            alone[line.order] |= floor.cover([line.bin])
        for id_ in batch.orders:
            work.save_fulfillment(evolve(work.load("fulfillment", id_), batch=batch.id))
        task = PickTask(
            batch.id,
            node,
            batch.orders,
            work.now,
            batch.tour.length_mm,
            sum(length(cover) for cover in alone.values()),
            len(batch.tour.stops),
        )
        work.save("pick_task", batch.id, task, {f"node:{node}": batch.id, "all": batch.id})
    return made


def pick(work: Work, fulfillment_id: str, units: Mapping[str, int] | None) -> str:
    """Units were taken from their bins; all that are left to pick unless units of lines are named."""
    fulfillment: Fulfillment = work.load("fulfillment", fulfillment_id)
    if units is None:
        units = {line.line: line.units - line.picked for line in fulfillment.lines if line.units > line.picked}
    picked = fulfillment.picked(units)
    items = {line.line: line.item for line in fulfillment.lines}
    if units:
        cells = cells_at(fulfillment.node, [(items[line], n) for line, n in units.items()])
        inventory.pick(work.txn, fulfillment.order, cells, cause=work.cause)
        work.tell(work.order(fulfillment.order), MoveUnits("pick", units, fulfillment_id))
    if fulfillment.state == "open":
        work.notify("picking", fulfillment_id, work.order(fulfillment.order))
    work.save_fulfillment(picked)
    return fulfillment_id


def short_pick(work: Work, fulfillment_id: str, units: Mapping[str, int]) -> str:
    """Units were not in their bins: mend the figure, take what other nodes have, queue the rest for routing.

    The node that was short is left out when the rest is routed again.
    """
    fulfillment: Fulfillment = work.load("fulfillment", fulfillment_id)
    if not units:
        raise InvalidValue(f"a short pick of {fulfillment_id} needs the units that are missing; name its lines")
    left = {line.line: line for line in fulfillment.lines}
    for name, n in units.items():
        quantity(n, f"line {name}: units")
        if name not in left or n > left[name].units - left[name].picked:
            has = left[name].units - left[name].picked if name in left else 0
            text = f"line {name} of {fulfillment_id} has {has} units left to pick, {n} cannot be short"
            raise CommandRefused([Reason("pick.too_many", text, {"line": name, "left": has, "short": n})])
    cells = cells_at(fulfillment.node, [(left[name].item, n) for name, n in units.items()])
    inventory.short_pick(work.txn, fulfillment.order, cells, cause=work.cause)
    work.save_fulfillment(fulfillment.reduced(units))
    order = work.tell(work.order(fulfillment.order), MoveUnits("deallocate", units, fulfillment_id))
    order = reserve(work, order)
    queued = work.find("queue", order.id)
    excluded = tuple(sorted({*(queued.excluded if queued else ()), fulfillment.node}))
    work.queue(order, due_at=work.now, excluded=excluded, note=f"short pick at {fulfillment.node}")
    return order.id


def pack(work: Work, fulfillment_id: str) -> str:
    """Everything of a fulfillment is in its parcels; what was not picked yet counts as picked now."""
    fulfillment: Fulfillment = work.load("fulfillment", fulfillment_id)
    if fulfillment.state == "open" or any(line.units > line.picked for line in fulfillment.lines):
        pick(work, fulfillment_id, None)
        fulfillment = work.load("fulfillment", fulfillment_id)
    packed = fulfillment.moved("pack")
    cells = cells_at(fulfillment.node, [(line.item, line.units) for line in fulfillment.lines])
    inventory.pack(work.txn, fulfillment.order, cells, cause=work.cause)
    units = {line.line: line.units for line in fulfillment.lines}
    work.tell(work.order(fulfillment.order), MoveUnits("pack", units, fulfillment_id))
    work.save_fulfillment(packed)
    return fulfillment_id


def ship(
    work: Work,
    fulfillment_id: str,
    parcels: Sequence[Parcel],
    *,
    carrier: str = "",
    service: str = "",
    tracking: Sequence[str] = (),
) -> str:
    """A fulfillment goes to a carrier; what was not packed yet counts as packed now. Returns the shipment's id.

    With tracking numbers its label was made elsewhere, and none is asked for.
    """
    fulfillment: Fulfillment = work.load("fulfillment", fulfillment_id)
    if fulfillment.state != "packed":
        pack(work, fulfillment_id)
        fulfillment = work.load("fulfillment", fulfillment_id)
    closed = fulfillment.moved("ship")
    cells = cells_at(fulfillment.node, [(line.item, line.units) for line in fulfillment.lines])
    inventory.ship(work.txn, fulfillment.order, cells, cause=work.cause)
    units = {line.line: line.units for line in fulfillment.lines}
    before = work.order(fulfillment.order)
    order = work.tell(before, MoveUnits("ship", units, fulfillment_id))
    weights = [work.item(line.item).weight_grams * line.units for line in fulfillment.lines]
    shipment = Shipment(
        f"{fulfillment_id}-s1",
        order.id,
        fulfillment_id,
        fulfillment.node,
        service or fulfillment.service,
        units,
        carrier=carrier if tracking else "",
        tracking=tuple(tracking),
        weight_grams=sum(parcel.weight_grams for parcel in parcels) or sum(weights),
        parcels=max(1, len(parcels)),
        shipped_at=work.now,
        promised_at=order.draft.deliver_by,
        packed=tuple(parcels),
        only_carrier=carrier,
    )
    shipment = shipment.told("labeled", work.now) if tracking else shipment
    work.save_shipment(shipment)
    work.save_fulfillment(evolve(closed, shipment=shipment.id))
    if not tracking:
        work.emit("carrier.label", shipment.id, order.id, shipment=shipment.id)
    work.notify("shipped", shipment.id, order, shipment=shipment.id)
    _money.catch_up(work, order, ref=shipment.id)
    _money.post_invoice(work, before, order, shipment.id)
    _money.post_cost(work, order, units, shipment.id)
    work.emit("channel.shipped", shipment.id, order.id, channel=order.draft.channel, shipment=shipment.id)
    return shipment.id


def close_if_finished(work: Work, order_id: str) -> None:
    """Close an order whose units are all where they stay."""
    order = work.order(order_id)
    if order.state == "accepted" and order.finished:
        work.tell(order, Close())
