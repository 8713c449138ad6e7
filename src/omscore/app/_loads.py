"""Loads: what each node has been given in each slot, counted with the commit and given back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from omscore.kernel import stamp
from omscore.orders import Fulfillment
from omscore.routing import Load, Node, load_of, slot_end, slot_start

if TYPE_CHECKING:
    from omscore.app._work import Work

NO_LOAD = Load()
_CAPACITY = frozenset({"has_capacity", "most_capacity"})
_RETRIED_MAX = 100
"""So many parked orders are asked again when a node has room again."""


def counts_capacity(work: Work) -> bool:
    """Whether capacity decides anything: some node has a limit, and the policy asks for it."""
    wiring = work.wiring
    return bool(wiring.limited) and not wiring.router.compiled.words.isdisjoint(_CAPACITY)


def load_in_slot(work: Work, node: Node, at: datetime) -> Load:
    """What a node has been given in the slot that holds a moment."""
    found: Load | None = work.find("load", _slot(node, at))
    return found or NO_LOAD


def _slot(node: Node, at: datetime) -> str:
    return f"{node.id} {stamp(slot_start(node, at))}"


def count_load(work: Work, fulfillment: Fulfillment) -> None:
    """Count what a fulfillment, about to be written, takes of its node's slot, or gives back.

    It counts in the slot in which it was made. When a node has room again, orders that nobody could take are asked
    again.
    """
    node = next((one for one in work.wiring.limited if one.id == fulfillment.node), None)
    if node is None:
        return
    before: Fulfillment | None = work.find("fulfillment", fulfillment.id)
    change = _taken(node, fulfillment) - (NO_LOAD if before is None else _taken(node, before))
    if change == NO_LOAD:
        return
    at = fulfillment.created_at or work.now
    after = load_in_slot(work, node, at) + change
    work.save("load", _slot(node, at), after)
    if change.units < 0 and counts_capacity(work):
        for _, order_id in work.txn.find("queue", "outcome:parked", limit=_RETRIED_MAX):
            work.queue(work.order(order_id), due_at=work.now, note=f"{node.id} has room again")


def _taken(node: Node, fulfillment: Fulfillment) -> Load:
    return NO_LOAD if fulfillment.state == "cancelled" else load_of(node, fulfillment.units)


def next_slot(work: Work) -> datetime | None:
    """When a node may have room again because its slot ends; None where capacity decides nothing."""
    return min(slot_end(node, work.now) for node in work.wiring.limited) if counts_capacity(work) else None
