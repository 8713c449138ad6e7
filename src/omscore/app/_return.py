"""Returns: opened by the customer, received at a node; the refund is a matter of its own."""

from __future__ import annotations

from collections.abc import Mapping

from omscore import inventory
from omscore.app import _money
from omscore.app._floor import close_if_finished
from omscore.app._work import Work, cells_at
from omscore.errors import CommandRefused, InvalidValue, Reason
from omscore.orders import MoveUnits, Order, Reopen
from omscore.returns import DISPOSITIONS, Return, ReturnLine


def open_return(work: Work, order_id: str, units: Mapping[str, int], why: str, node: str) -> str:
    """Expect goods back: units of lines, or of items, that were shipped or delivered."""
    order = work.order(order_id)
    lines = _by_line(order, units)
    if order.state == "closed":
        order = work.tell(order, Reopen(why="return"))
    order = work.tell(order, MoveUnits("expect_return", lines))
    items = {line.id: line.item for line in order.lines}
    number = work.count("return", f"order:{order_id}") + 1
    value = Return(
        f"{order_id}-r{number}",
        order_id,
        node or _from_node(work, order_id),
        tuple(ReturnLine(line, items[line], n) for line, n in lines.items()),
        why=why,
        opened_at=work.now,
    )
    work.save_return(value)
    return value.id


def _from_node(work: Work, order_id: str) -> str:
    """Goods come back to the node that shipped last, unless the caller says otherwise."""
    shipped = [f for f in work.fulfillments(order_id) if f.shipment]
    return shipped[-1].node if shipped else work.wiring.network.nodes[0].id


def _by_line(order: Order, units: Mapping[str, int]) -> dict[str, int]:
    """Units by line id; a key that is no line is an item, spread over its lines in their order."""
    result: dict[str, int] = {}
    for name, n in units.items():
        if name in order.units:
            result[name] = result.get(name, 0) + n
            continue
        rest = n
        for line in order.lines:
            if line.item == name and rest:
                has = order.units[line.id]
                take = min(rest, has.delivered + has.shipped - result.get(line.id, 0))
                if take > 0:
                    result[line.id] = result.get(line.id, 0) + take
                    rest -= take
        if rest:
            if all(line.item != name for line in order.lines):
                raise InvalidValue(f"order {order.id} has no line or item {name!r}")
            text = f"order {order.id} has {n - rest} of {name!r} that could come back, not {n}"
            raise CommandRefused([Reason("return.too_many", text, {"item": name, "asked": n, "has": n - rest})])
    return result


def receive_return(work: Work, return_id: str, units: Mapping[str, int] | None, disposition: str) -> str:
    """Goods came back: they go where the disposition says, once, and the money is not touched."""
    bucket = DISPOSITIONS.get(disposition)
    if bucket is None:
        raise InvalidValue(f"disposition must be one of {', '.join(DISPOSITIONS)}, not {disposition!r}")
    value: Return = work.load("return", return_id)
    if units is None:
        units = {line.line: line.rest for line in value.lines if line.rest}
    after = value.received(units)
    items = {line.line: line.item for line in value.lines}
    cells = cells_at(value.node, [(items[line], n) for line, n in units.items()])
    inventory.return_stock(work.txn, cells, to=bucket, cause=work.cause)
    work.save_return(after)
    order = work.tell(work.order(value.order), MoveUnits("receive_return", units, return_id))
    if disposition == "restock":
        _money.post_cost(work, order, units, f"{return_id}:{work.cause}", sign=-1)
    close_if_finished(work, order.id)
    return return_id
