"""Cancel: units go back to where they came from, and only the units that were asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from omscore import inventory
from omscore.app import _books, _credit, _money, _owed
from omscore.app._fill import fill
from omscore.app._names import by_line
from omscore.app._work import Work
from omscore.errors import CommandRefused, Reason
from omscore.inventory import Cell
from omscore.kernel import Money
from omscore.orders import UNIT_MOVES, Cancel, Order, UnitsMoved, decide


def cancel(
    work: Work,
    order_id: str,
    units: Mapping[str, int] | None,
    why: str,
    *,
    refund: bool | None = None,
    restock: bool = True,
) -> str:
    """Cancel units of lines, or everything that can still be; stock that was held becomes free at once.

    Without `restock` the units that a node had are set aside in quarantine. With `refund` what was taken for them is
    given back. Cancelling a whole order of which the gateway has taken money needs a word on the refund.
    """
    order = work.order(order_id)
    if units is None and refund is None and work.wiring.gateway is not None:
        taken = _owed.payment_of(work, order).kept
        if taken:
            text = f"{taken} was captured for {order_id}; say refund=True to give it back or refund=False to keep it"
            raise CommandRefused([Reason("cancel.captured", text, {"captured": taken.minor})])
    command = Cancel(None if units is None else _lines(order, units), why)
    moves = [
        move for event in decide(order, command, work.now) if isinstance(event, UnitsMoved) for move in event.moves
    ]
    _money.pin(work, order)
    before = _owed.overpaid(work, order)
    order = work.tell(order, command)
    free(work, order, moves, restock=restock)
    if order.state == "cancelled":
        work.queue(order, due_at=None, outcome="cancelled")
    if restock:
        items = {line.id: line.item for line in order.lines}
        fill(work, {items[line] for line, source, _, _ in moves if source in ("reserved", "allocated", "picked")})
    settle_up(work, order, refund_beyond=before if refund else None, why=why)
    work.emit("channel.cancelled", work.done_to(order_id), order_id, channel=order.draft.channel, order=order_id)
    return order_id


def _lines(order: Order, units: Mapping[str, int]) -> dict[str, int]:
    sources = UNIT_MOVES["cancel"].sources
    rows = [(x.id, x.item, sum(getattr(order.units[x.id], source) for source in sources)) for x in order.lines]
    return by_line(f"order {order.id}", rows, units)


def _release_reserved(work: Work, order: Order, units: Iterable[tuple[str, int]]) -> None:
    held = work.txn.reservation(order.id)
    if held is None:
        return
    shares: dict[tuple[Cell, str], int] = {}
    for item, n in units:
        rest = n
        for (cell, bucket), has in held.held.items():
            if bucket == "reserved" and cell.item == item and rest:
                take = min(rest, has - shares.get((cell, bucket), 0))
                if take:
                    shares[cell, bucket] = shares.get((cell, bucket), 0) + take
                    rest -= take
    if shares:
        inventory.release(work.txn, order.id, shares, cause=work.cause)


def free(work: Work, order: Order, moves: Iterable[tuple[str, str, str, int]], *, restock: bool = True) -> None:
    """Give back the stock behind units that were cancelled, by the bucket they came from."""
    moves = list(moves)
    items = {line.id: line.item for line in order.lines}
    _release_reserved(work, order, [(items[line], n) for line, source, _, n in moves if source == "reserved"])
    for bucket in ("allocated", "picked"):
        release_at_nodes(
            work, order, {line: n for line, source, _, n in moves if source == bucket}, bucket, restock=restock
        )
    if any(source == "backordered" for _, source, _, _ in moves):
        _await_less(work, order)


def _await_less(work: Work, order: Order) -> None:
    """Let fulfillments await no more units than the order's lines still wait for, the newest fulfillment first."""
    over = {line: n - order.units[line].backordered for line, n in work.awaited(order.id).items()}
    for fulfillment in reversed(work.fulfillments(order.id)) if any(n > 0 for n in over.values()) else ():
        units = {}
        for line in fulfillment.lines if fulfillment.state == "planned" else ():
            if (n := min(line.awaited, over.get(line.line, 0))) > 0:
                units[line.line] = n
                over[line.line] -= n
        if units:
            work.save_fulfillment(fulfillment.reduced(units, awaited=True))


def settle_up(work: Work, order: Order, *, why: str, refund_beyond: int | None = None) -> None:
    """The money after units went: promises beyond what is owed are let go, and what is due by now is taken.

    `refund_beyond` are the minor units that were overpaid before, and stay so: what is overpaid now beyond them was
    taken for the units that went, and is given back.
    """
    _money.let_go(work, order)
    _money.catch_up(work, order)
    _credit.bind_credit(work, order)
    if refund_beyond is not None and (over := _owed.overpaid(work, order) - refund_beyond) > 0:
        _money.refund(work, order, Money(over, order.currency), why)
    _books.post_invoice(work, order)
    _money.note_overpaid(work, order)


def release_at_nodes(work: Work, order: Order, units: Mapping[str, int], bucket: str, *, restock: bool) -> None:
    """Take units out of the fulfillments that have them, the newest fulfillment first, and free their stock."""
    rest = dict(units)
    if not rest:
        return
    for fulfillment in reversed(work.fulfillments(order.id)):
        if fulfillment.state not in ("planned", "open", "picking"):
            continue
        taken: dict[str, int] = {}
        freed: list[tuple[str, int]] = []
        for line in fulfillment.lines:
            has = line.picked if bucket == "picked" else line.units - line.picked - line.awaited
            n = min(rest.get(line.line, 0), has)
            if n:
                taken[line.line] = n
                freed.append((line.item, n))
                rest[line.line] -= n
        if taken:
            cells = work.held(order.id, fulfillment.node, freed, bucket)
            shares = {(cell, bucket): n for cell, n in cells.items()}
            inventory.release(work.txn, order.id, shares, cause=work.cause)
            if not restock:
                inventory.quarantine(work.txn, cells, cause=work.cause)
            work.save_fulfillment(fulfillment.reduced(taken, picked=bucket == "picked"))
