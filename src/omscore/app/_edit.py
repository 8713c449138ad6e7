"""Edit: changes to an order, seen before and then made, with everything that hangs on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from omscore.app import _credit, _money
from omscore.app._cancel import free, release_at_nodes, settle_up
from omscore.app._capture import must_wait, payment_hold, reserve
from omscore.app._promises import keep_promise
from omscore.app._work import Work
from omscore.errors import Conflict
from omscore.orders import (
    Change,
    Edit,
    MoveUnits,
    Order,
    PlaceHold,
    Preview,
    UnitsMoved,
    decide,
    fold,
    preview,
    reroutes,
)


def look(work: Work, order_id: str, changes: Sequence[Change]) -> Preview:
    """What changes would mean: money, stock and routing; nothing is touched."""
    order = work.order(order_id)
    after = fold(decide(order, Edit(tuple(changes)), work.now), order)
    new = {line.item for line in after.lines if line.id not in order.units}
    floors = work.floors(order)
    available = {item: sum(work.available(item, floors).values()) for item in sorted(new)}
    _credit.check_growth(work, order, after)
    return preview(order, after, available=available, version=work.version("order", order_id))


def edit(work: Work, order_id: str, changes: Sequence[Change], why: str, version: int | None) -> str:
    """Make changes: all or none, and only to the order that was seen when a version is given; promise it anew."""
    change(work, order_id, changes, why, version)
    keep_promise(work, work.order(order_id), "edited")
    return order_id


def change(work: Work, order_id: str, changes: Sequence[Change], why: str, version: int | None) -> str:
    """The same by somebody who promises it anew himself."""
    order = work.order(order_id)
    if version is not None and version != work.version("order", order_id):
        is_at = work.version("order", order_id)
        raise Conflict(f"order {order_id!r} is at version {is_at}, not {version}; look at it again and repeat the edit")
    command = Edit(tuple(changes), why)
    events = decide(order, command, work.now)
    if not events:
        return order_id
    rerouted = reroutes(order, fold(events, order).draft)
    _money.pin(work, order)
    before, order = order, work.tell(order, command)
    moves = [move for event in events if isinstance(event, UnitsMoved) for move in event.moves]
    free(work, order, moves)
    if order.state == "cancelled":
        work.queue(order, due_at=None, outcome="cancelled")
    else:
        order = _restock(work, before, order, rerouted)
    settle_up(work, order, why=why)
    _credit.check_growth(work, before, order)
    if _money.authorize_rest(work, order) and must_wait(work, order):
        work.tell(order, PlaceHold(payment_hold(work, order.draft)))
    return order_id


def _restock(work: Work, before: Order, order: Order, rerouted: Mapping[str, int]) -> Order:
    """Reserve what came on top, and take units back from nodes that were chosen for another address or service."""
    taken = {line: min(n, order.units[line].allocated) for line, n in rerouted.items() if order.units[line].allocated}
    if taken:
        release_at_nodes(work, order, taken, "allocated", restock=True)
        order = work.tell(order, MoveUnits("deallocate", taken))
    if not taken and len(order.lines) == len(before.lines):
        return order
    order = reserve(work, order)
    if order.state == "accepted":
        work.queue(order, due_at=work.now, note="edited")
    return order
