"""Negotiate: work is offered to whoever runs a node, who accepts it, rejects it, or says nothing in time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import evolve

from omscore import inventory
from omscore.app._capture import reserve
from omscore.app._carry import arrived, free_surplus
from omscore.app._counts import lose
from omscore.app._facts import block
from omscore.app._fill import fill
from omscore.app._floor import left_of
from omscore.app._promises import keep_promise
from omscore.app._work import Work
from omscore.errors import CommandRefused, InvalidValue, Reason
from omscore.inventory import Cell, newest_first
from omscore.kernel import stamp
from omscore.orders import Fulfillment, Hold, MoveUnits, Order, PlaceHold
from omscore.routing import REJECTIONS

ROUTING_HOLD = "routing_review"
REJECTIONS_MAX = 5
"""How often nodes may give an order back before a person looks at it."""


def offer(work: Work, fulfillment_id: str, answer_by: datetime | None) -> str:
    """Ask whoever runs the node."""
    fulfillment: Fulfillment = work.load("fulfillment", fulfillment_id)
    work.save_fulfillment(evolve(fulfillment.answered("offer"), answer_by=answer_by))
    return fulfillment_id


def accept(work: Work, fulfillment_id: str) -> str:
    """The node takes the work; a vendor's units, which it sends to order, are the order's from now on."""
    fulfillment: Fulfillment = work.load("fulfillment", fulfillment_id)
    accepted = evolve(fulfillment.answered("accept"), answer_by=None)
    work.save_fulfillment(accepted)
    if accepted.state == "planned" and not accepted.transfers:
        units: dict[str, int] = {}
        for line in accepted.lines:
            units[line.item] = units.get(line.item, 0) + line.awaited
        inventory.receive(work.txn, {Cell(item, accepted.node): n for item, n in units.items()}, cause=work.cause)
        arrived(work, accepted, units)
    return fulfillment_id


def reject(work: Work, fulfillment_id: str, units: Mapping[str, int] | None, reason: str, *, blocking: bool) -> str:
    """A node gives work back: its figures are mended by the reason, and the units are routed again without it."""
    if reason not in REJECTIONS:
        raise InvalidValue(f"a rejection's reason is one of {', '.join(REJECTIONS)}, not {reason!r}")
    fulfillment: Fulfillment = work.load("fulfillment", fulfillment_id)
    fulfillment.moved("reject")
    lines = {line.line: line for line in fulfillment.lines}
    if units is None:
        units = {line.line: line.units - line.picked for line in fulfillment.lines if line.units > line.picked}
    units = left_of(fulfillment, units)
    for name, n in units.items():
        left = lines[name].units - lines[name].picked
        if n > left:
            text = f"line {name} of {fulfillment_id} has {left} units left to work on, {n} cannot be rejected"
            raise CommandRefused([Reason("reject.too_many", text, {"line": name, "left": left, "rejected": n})])
    if not units:
        raise InvalidValue(f"{fulfillment_id} has nothing left that its node could reject")
    awaited = {name: k for name, n in units.items() if (k := min(n, lines[name].awaited))}
    there = {name: k for name, n in units.items() if (k := n - awaited.get(name, 0))}
    rest = fulfillment.reduced(awaited, awaited=True) if awaited else fulfillment
    if rest.lines:
        rest = rest.reduced(there)
    if not rest.lines:
        asked = rest if rest.negotiation != "not_sent" else rest.answered("offer")
        rest = evolve(asked.answered("reject"), answer_by=None)
    work.save_fulfillment(rest)
    order = work.order(fulfillment.order)
    cells = work.held(
        fulfillment.order, fulfillment.node, [(lines[name].item, n) for name, n in there.items()], "allocated"
    )
    if there:
        order = work.tell(order, MoveUnits("deallocate", there, fulfillment_id))
    if cells:
        _mend(work, order, cells, reason)
    if blocking:
        block(work, fulfillment.node)
    order = reserve(work, work.order(order.id))
    _again(work, order, fulfillment.node, f"rejected by {fulfillment.node}: {reason}")
    if reason in ("no_time", "closed", "timeout"):
        fill(work, sorted({cell.item for cell in cells}))
    return order.id


def _mend(work: Work, order: Order, cells: Mapping[Cell, int], reason: str) -> None:
    """What the reason says of the node's figures (see `routing.rejection_effect`)."""
    if reason == "mismatch":
        inventory.short_pick(work.txn, order.id, cells, cause=work.cause)
        return
    inventory.release(work.txn, order.id, {(cell, "allocated"): n for cell, n in cells.items()}, cause=work.cause)
    if reason == "damaged":
        inventory.damage(work.txn, cells, cause=work.cause)
    elif reason == "display":
        inventory.quarantine(work.txn, cells, cause=work.cause)
    elif reason == "not_in_stock":
        # Nothing is there to sell: soft holds of others move elsewhere; what the node works on is its to reject.
        gone = {(cell.item, cell.node) for cell in cells}
        shelf = {
            cell: figures.allocated
            for item in sorted({cell.item for cell in cells})
            for cell, figures in work.txn.cells_of(item)
            if (item, cell.node) in gone and not cell.pool
        }
        counted = inventory.count(work.txn, shelf, cause=work.cause, victims=newest_first)
        for id_ in dict.fromkeys(victim.reservation for victim in counted.victims):
            lose(work, id_, next(iter(cells)).node, [victim for victim in counted.victims if victim.reservation == id_])


def _again(work: Work, order: Order, node: str, note: str) -> None:
    """Queue an order for another node, or for a person when nodes gave it back too often."""
    queued = work.find("queue", order.id)
    rejections = (queued.rejections if queued else 0) + 1
    excluded = tuple(sorted({*(queued.excluded if queued else ()), node}))
    free_surplus(work, order)
    work.queue(order, due_at=work.now, excluded=excluded, note=note, rejections=rejections)
    if rejections >= REJECTIONS_MAX and ROUTING_HOLD not in [hold.code for hold in work.order(order.id).holds]:
        text = f"given back {rejections} times, last: {note}"
        work.tell(work.order(order.id), PlaceHold(Hold(ROUTING_HOLD, "routing", text=text)))
    keep_promise(work, work.order(order.id), note)


def unanswered(work: Work) -> list[str]:
    """The fulfillments whose node has not answered in time."""
    return [id_ for _, id_ in work.txn.find("fulfillment", "offered", upto=stamp(work.now))]
