"""Units that become free: they go to whoever waits, the oldest order first, whatever made them free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from omscore import inventory
from omscore.app._capture import reserve
from omscore.app._promises import keep_promise
from omscore.app._work import Work
from omscore.inventory import Cell


def receive(work: Work, node: str, stock: Mapping[str, int], lot: str = "", supply: str = "") -> list[str]:
    """Take goods in at a node and give them to whoever waits; returns the orders that got units.

    A node that was left out because it was short has goods again, and is no longer left out for these items.
    """
    work.wiring.check_node(node)
    cells = {Cell(item, node, lot=lot): n for item, n in stock.items()}
    inventory.receive(work.txn, cells, cause=work.cause, supply=supply)
    return fill(work, stock, node)


def fill(work: Work, items: Iterable[str], node: str = "", note: str = "stock arrived") -> list[str]:
    """Reserve free units of items for backorders and have waiting orders routed again; returns who got units."""
    filled: dict[str, None] = {}
    for item in sorted(items):
        for _, order_id in work.txn.find("order", f"wants:{item}"):
            before = work.order(order_id)
            after = reserve(work, before)
            if after.totals.reserved > before.totals.reserved:
                filled[order_id] = None
                if after.state == "accepted" and not after.holds:
                    _again(work, order_id, node, note)
            # Nobody overtakes: when the oldest is not filled, the item is gone.
            coming = work.coming(after)
            waits = (
                after.units[line.id].backordered - coming.get(line.id, 0) for line in after.lines if line.item == item
            )
            if any(waits):
                break
        for _, order_id in work.txn.find("queue", f"waits:{item}"):
            if order_id not in filled:
                _again(work, order_id, node, note)
    return list(filled)


def _again(work: Work, order_id: str, node: str, note: str) -> None:
    queued = work.find("queue", order_id)
    excluded = tuple(name for name in (queued.excluded if queued else ()) if name != node)
    work.queue(work.order(order_id), due_at=work.now, excluded=excluded, note=note)
    keep_promise(work, work.order(order_id), note)
