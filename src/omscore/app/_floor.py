"""The work at a node: batches, picks, shorts, packing and handing over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve

from omscore import inventory
from omscore.app import _books, _money
from omscore.app._cancel import cancel
from omscore.app._capture import reserve
from omscore.app._floor_tally import unscanned
from omscore.app._names import by_line
from omscore.app._promises import keep_promise, keep_promise_of_sending
from omscore.app._work import Work
from omscore.errors import CommandRefused, InvalidValue, Reason
from omscore.inventory import Cell
from omscore.kernel import key
from omscore.kernel.ids import alone
from omscore.orders import Close, Fulfillment, MoveUnits, Order
from omscore.shipping import Parcel, Shipment


def left_of(fulfillment: Fulfillment, units: Mapping[str, int]) -> dict[str, int]:
    """Units of lines or items by the lines of a fulfillment that have them left to pick."""
    rows = [(line.line, line.item, line.units - line.picked) for line in fulfillment.lines]
    return by_line(f"fulfillment {fulfillment.id}", rows, units)


def pick(work: Work, fulfillment_id: str, units: Mapping[str, int] | None) -> str:
    """Units were taken from their bins; all that are left to pick unless units of lines are named."""
    fulfillment: Fulfillment = work.load("fulfillment", fulfillment_id)
    if units is None:
        units = {line.line: line.units - line.picked for line in fulfillment.lines if line.units > line.picked}
        if not units and fulfillment.state == "picking":
            text = f"every unit of {fulfillment_id} is picked already; pack it"
            raise CommandRefused([Reason("pick.nothing_left", text, {"fulfillment": fulfillment_id})])
    units = left_of(fulfillment, units)
    picked = fulfillment.picked(units)
    items = {line.line: line.item for line in fulfillment.lines}
    if units:
        cells = work.held(
            fulfillment.order, fulfillment.node, [(items[line], n) for line, n in units.items()], "allocated"
        )
        inventory.pick(work.txn, fulfillment.order, cells, cause=work.cause)
        work.tell(work.order(fulfillment.order), MoveUnits("pick", units, fulfillment_id))
    if fulfillment.state == "open":
        work.notify("picking", fulfillment_id, work.order(fulfillment.order))
    work.save_fulfillment(picked)
    return fulfillment_id


def short_pick(
    work: Work, fulfillment_id: str, units: Mapping[str, int], *, backorder: bool = True, leave_out: bool = True
) -> str:
    """Units were not in their bins: mend the figure, take what other nodes have, queue the rest for routing.

    The node that was short is left out when the rest is routed again, unless `leave_out` says otherwise. Without
    `backorder`, what no node has is cancelled and its money let go or given back. The customer is told what became of
    the units.
    """
    fulfillment: Fulfillment = work.load("fulfillment", fulfillment_id)
    if not units:
        raise InvalidValue(f"a short pick of {fulfillment_id} needs the units that are missing; name its lines")
    units = left_of(fulfillment, units)
    left = {line.line: line for line in fulfillment.lines}
    for name, n in units.items():
        has = left[name].units - left[name].picked
        if n > has:
            text = f"line {name} of {fulfillment_id} has {has} units left to pick, {n} cannot be short"
            raise CommandRefused([Reason("pick.too_many", text, {"line": name, "left": has, "short": n})])
    cells = work.held(
        fulfillment.order, fulfillment.node, [(left[name].item, n) for name, n in units.items()], "allocated"
    )
    inventory.short_pick(work.txn, fulfillment.order, cells, cause=work.cause)
    work.save_fulfillment(fulfillment.reduced(units))
    order = work.tell(work.order(fulfillment.order), MoveUnits("deallocate", units, fulfillment_id))
    _books.post_loss(work, order, units, work.done_to(fulfillment_id))
    order = reserve(work, order)
    queued = work.find("queue", order.id)
    excluded = tuple(sorted({*(queued.excluded if queued else ()), *([fulfillment.node] if leave_out else ())}))
    work.queue(order, due_at=work.now, excluded=excluded, note=f"short pick at {fulfillment.node}")
    waiting = {name: n for name in units if (n := min(units[name], order.units[name].backordered))}
    if waiting and not backorder:
        cancel(work, order.id, waiting, f"short pick at {fulfillment.node}", refund=True)
    told = {"fulfillment": fulfillment_id, "missing": dict(units), "backordered" if backorder else "cancelled": waiting}
    keep_promise(work, work.order(order.id), f"short pick at {fulfillment.node}")
    work.notify("short", work.done_to(fulfillment_id), order, **told)
    return order.id


def pack(work: Work, fulfillment_id: str) -> str:
    """Everything of a fulfillment is in its parcels; what was not picked yet counts as picked now."""
    fulfillment: Fulfillment = work.load("fulfillment", fulfillment_id)
    if reasons := unscanned(work, fulfillment):
        raise CommandRefused(reasons)
    if fulfillment.state == "open" or any(line.units > line.picked for line in fulfillment.lines):
        pick(work, fulfillment_id, None)
        fulfillment = work.load("fulfillment", fulfillment_id)
    packed = fulfillment.moved("pack")
    cells = _held(work, fulfillment, "picked")
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
    serials: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """A fulfillment goes to a carrier; what was not packed yet counts as packed now. Returns the shipment's id.

    With tracking numbers its label was made elsewhere, and none is asked for.
    """
    fulfillment: Fulfillment = work.load("fulfillment", fulfillment_id)
    if fulfillment.state in ("open", "picking"):
        pack(work, fulfillment_id)
        fulfillment = work.load("fulfillment", fulfillment_id)
    closed = fulfillment.moved("ship")
    cells = _held(work, fulfillment, "packed")
    inventory.ship(work.txn, fulfillment.order, cells, cause=work.cause)
    units = {line.line: line.units for line in fulfillment.lines}
    numbers = _serials(work, fulfillment, serials or {})
    order = work.tell(work.order(fulfillment.order), MoveUnits("ship", units, fulfillment_id))
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
        serials=numbers,
    )
    shipment = shipment.told("labeled", work.now) if tracking else shipment
    work.save_shipment(shipment)
    work.save_fulfillment(evolve(closed, shipment=shipment.id))
    keep_promise_of_sending(work, order, shipment)
    if work.wiring.carriers and not tracking:
        work.emit("carrier.label", shipment.id, order.id, shipment=shipment.id)
    else:
        tell_shipped(work, order, shipment)
    _money.catch_up(work, order, ref=shipment.id)
    _books.post_invoice(work, order)
    _books.post_cost(work, order, units, alone(shipment.id, ":"))
    return shipment.id


def _held(work: Work, fulfillment: Fulfillment, bucket: str) -> Mapping[Cell, int]:
    units = [(line.item, line.units) for line in fulfillment.lines]
    return work.held(fulfillment.order, fulfillment.node, units, bucket)


def _serials(work: Work, fulfillment: Fulfillment, told: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The serial numbers of a fulfillment's units by line: each once, and no more than there are units."""
    rows = {line.line: line for line in fulfillment.lines}
    named: dict[str, tuple[str, ...]] = {}
    for name, numbers in told.items():
        (line, *others) = by_line(
            f"fulfillment {fulfillment.id}", [(x.line, x.item, 0) for x in rows.values()], {name: 1}
        )
        same = [x for x in rows.values() if x.item == name] if name not in rows else []
        if others or len(same) > 1:
            raise InvalidValue(f"{name!r} is on several lines of {fulfillment.id}; name the line of each serial")
        named[line] = (*named.get(line, ()), *(key(number, "serial") for number in numbers))
    for line, numbers in named.items():
        if len(numbers) > rows[line].units or len(set(numbers)) < len(numbers):
            text = f"line {line} has {rows[line].units} units, each with a serial of its own; told were {len(numbers)}"
            raise CommandRefused([Reason("ship.serials", text, {"line": line, "units": rows[line].units})])
        for shipment in work.all("shipment", f"order:{fulfillment.order}"):
            if again := sorted(set(numbers) & set(shipment.serials.get(line, ()))):
                text = f"{again[0]} of line {line} left with {shipment.id} already"
                raise CommandRefused([Reason("ship.serials", text, {"line": line, "serial": again[0]})])
    return named


def tell_shipped(work: Work, order: Order, shipment: Shipment) -> None:
    """Tell the customer and the channel that goods have left, as soon as there is a number to follow them by.

    One format for all: the carrier, its tracking numbers, and the units of each order line.
    """
    facts = {
        "shipment": shipment.id,
        "carrier": shipment.carrier,
        "service": shipment.service,
        "tracking": list(shipment.tracking),
        "lines": dict(shipment.lines),
    }
    work.notify("shipped", shipment.id, order, **facts)
    work.emit("channel.shipped", shipment.request, order.id, channel=order.draft.channel, **facts)


def close_if_finished(work: Work, order_id: str) -> None:
    """Close an order whose units are all where they stay."""
    order = work.order(order_id)
    if order.state == "accepted" and order.finished:
        work.tell(order, Close())
