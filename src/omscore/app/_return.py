"""Returns: opened by the customer, received at a node; the refund is a matter of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import evolve

from omscore import inventory
from omscore.app import _books, _money
from omscore.app._edit import edit
from omscore.app._fill import fill
from omscore.app._floor import close_if_finished
from omscore.app._names import by_line
from omscore.app._work import Work, cells_at
from omscore.errors import CommandRefused, InvalidValue, Reason
from omscore.orders import AddLine, DraftLine, MoveUnits, Order, Reopen
from omscore.returns import DISPOSITIONS, Return, ReturnLine
from omscore.shipping import Shipment


def open_return(work: Work, order_id: str, units: Mapping[str, int], why: str, node: str) -> str:
    """Expect goods back: units of lines, or of items, that were shipped or delivered."""
    if not units:
        raise InvalidValue(f"a return of order {order_id} needs the units that come back; name lines or items")
    if node:
        work.wiring.check_node(node)
    order = work.order(order_id)
    has = order.units
    rows = [(line.id, line.item, has[line.id].delivered + has[line.id].shipped) for line in order.lines]
    lines = by_line(f"order {order_id}", rows, units)
    if reasons := _refusals(work, order, lines):
        raise CommandRefused(reasons)
    number = work.count("return", f"order:{order_id}") + 1
    return expect_back(work, order, lines, why, node or from_node(work, order_id), f"{order_id}-r{number}")


def _refusals(work: Work, order: Order, lines: Mapping[str, int]) -> list[Reason]:
    """Why the policy lets units not come back; the last delivery of a line counts."""
    policy = work.wiring.return_policy
    shipments: list[Shipment] = list(work.all("shipment", f"order:{order.id}"))
    reasons: list[Reason] = []
    for line in lines:
        row = order.draft.line(line)
        arrived = [s.delivered_at for s in shipments if line in s.lines and s.delivered_at is not None]
        tags = row.tags | work.item(row.item).tags
        reasons += policy.refusals(line, tags, max(arrived, default=None), work.now)
    return reasons


def expect_back(work: Work, order: Order, lines: Mapping[str, int], why: str, node: str, id_: str) -> str:
    """Write down that units are coming back; a closed order is taken up again for it."""
    if order.state == "closed":
        order = work.tell(order, Reopen(why="return"))
    work.tell(order, MoveUnits("expect_return", lines))
    items = {line.id: line.item for line in order.lines}
    rows = tuple(ReturnLine(line, items[line], n) for line, n in lines.items())
    work.save_return(Return(id_, order.id, node, rows, why=why, opened_at=work.now))
    return id_


def withdraw(work: Work, return_id: str, command: str = "withdraw") -> str:
    """What has not come back yet stays with the customer; a replacement that was sent in advance is charged."""
    value: Return = work.load("return", return_id)
    rest = {line.line: line.rest for line in value.lines if line.rest}
    work.save_return(value.ended(command))
    order = work.tell(work.order(value.order), MoveUnits("withdraw_return", rest, return_id))
    if value.replacement:
        _money.authorize_rest(work, order)
        _money.catch_up(work, order)
    close_if_finished(work, order.id)
    return return_id


def inspect(work: Work, return_id: str, units: Mapping[str, int], disposition: str) -> str:
    """Units that came back into quarantine were looked at: they go on sale, are damaged, scrap, or their vendor's."""
    value: Return = work.load("return", return_id)
    items = {line.line: line.item for line in value.lines}
    moves: dict[str, Callable[..., object]] = {
        "restock": inventory.restore,
        "damaged": inventory.damage,
        "scrap": inventory.scrap,
        "vendor": inventory.send_back,
    }
    if disposition not in moves:
        raise InvalidValue(f"an inspection ends in {', '.join(moves)}, not {disposition!r}")
    rows = [(line.line, line.item, line.received - line.inspected) for line in value.lines]
    units = by_line(f"return {return_id}", rows, units)
    work.save_return(value.inspected(units))
    cells = cells_at(value.node, [(items[line], n) for line, n in units.items()])
    moves[disposition](work.txn, cells, source="quarantine", cause=work.cause)
    _worth(work, work.order(value.order), units, disposition, return_id)
    if disposition == "restock":
        fill(work, {items[line] for line in units})
    return return_id


def _worth(work: Work, order: Order, units: Mapping[str, int], disposition: str, return_id: str) -> None:
    """Tell the books of goods that came back and are not for sale again."""
    if disposition == "vendor":
        _books.post_vendor(work, order, units, work.done_to(return_id))
    elif disposition in ("scrap", "damaged"):
        _books.post_loss(work, order, units, work.done_to(return_id))


def exchange(work: Work, return_id: str, line: DraftLine) -> str:
    """Reserve a replacement for what comes back; the money is netted, and the rest is charged if nothing comes."""
    value: Return = work.load("return", return_id)
    if value.replacement or value.state not in ("expected", "receiving", "received"):
        text = f"return {return_id} is {value.state} and {'has' if value.replacement else 'has no'} replacement"
        raise CommandRefused([Reason("return.no_exchange", text, {"state": value.state})])
    work.save_return(evolve(value, replacement=line.id))
    order = work.order(value.order)
    if order.state == "closed":
        order = work.tell(order, Reopen(why="exchange"))
    edit(work, order.id, [AddLine(line)], f"exchange for {return_id}", None)
    return return_id


def from_node(work: Work, order_id: str) -> str:
    """Goods come back to the node that shipped last, unless the caller says otherwise."""
    shipped = [f for f in work.fulfillments(order_id) if f.shipment]
    return shipped[-1].node if shipped else work.wiring.network.nodes[0].id


def receive_return(work: Work, return_id: str, units: Mapping[str, int] | None, disposition: str) -> str:
    """Goods came back: they go where the disposition says, once, and the money is not touched."""
    bucket = DISPOSITIONS.get(disposition)
    if bucket is None:
        raise InvalidValue(f"disposition must be one of {', '.join(DISPOSITIONS)}, not {disposition!r}")
    value: Return = work.load("return", return_id)
    if units is None:
        units = {line.line: line.rest for line in value.lines if line.rest}
    units = by_line(f"return {return_id}", [(line.line, line.item, line.rest) for line in value.lines], units)
    after = value.received(units)
    if disposition != "quarantine":
        # What goes its way at once needs no inspection.
        after = after.inspected(units)
    items = {line.line: line.item for line in value.lines}
    cells = cells_at(value.node, [(items[line], n) for line, n in units.items()])
    inventory.return_stock(work.txn, cells, to=bucket, cause=work.cause)
    if disposition == "vendor":
        inventory.send_back(work.txn, cells, cause=work.cause)
    work.save_return(after)
    order = work.tell(work.order(value.order), MoveUnits("receive_return", units, return_id))
    _books.post_cost(work, order, units, work.done_to(return_id), sign=-1)
    _worth(work, order, units, disposition, return_id)
    if disposition == "restock":
        fill(work, {items[line] for line in units})
    _money.note_overpaid(work, order)
    close_if_finished(work, order.id)
    return return_id
