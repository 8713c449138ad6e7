"""Counts: what somebody saw is true at once; whose units were not there is told, and they are served from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from omscore import inventory
from omscore.app._capture import reserve
from omscore.app._fill import fill
from omscore.app._promises import keep_promise
from omscore.app._work import Work
from omscore.inventory import Cell, Figures, Victim, newest_first
from omscore.orders import MoveUnits


def count(work: Work, node: str, counted: Mapping[str, int], seen_at: datetime | None = None) -> list[str]:
    """Take a count as true; returns the orders that lost units. Those that turn up go to whoever waits.

    Fewer than are held are taken from those who came last, soft holds before hard ones, and their orders are served
    from other nodes, or wait. Where an item lies in lots, the count is of all of them together: free units are missing
    before held ones, and what turns up has no lot. Raises NotFound, and CommandRefused for a count older than
    the last one.
    """
    work.wiring.check_node(node)
    cells: dict[Cell, int] = {}
    for item, n in counted.items():
        cells |= _by_lot(shelf(work, node, item), Cell(item, node), n)
    result = inventory.count(work.txn, cells, cause=work.cause, victims=newest_first, seen_at=seen_at)
    hit: dict[str, list[Victim]] = {}
    for victim in result.victims:
        hit.setdefault(victim.reservation, []).append(victim)
    for order_id, victims in hit.items():
        lose(work, order_id, node, victims)
    if more := sorted({cell.item for cell, change in result.changes.items() if change > 0}):
        fill(work, more, node)
    return list(hit)


def shelf(work: Work, node: str, item: str) -> dict[Cell, Figures]:
    """What lies on a node's shelves of an item, by lot; where there are no lots, in the cell without one."""
    found = {cell: figures for cell, figures in work.txn.cells_of(item) if cell.node == node and not cell.pool}
    return {cell: figures for cell, figures in found.items() if not cell.lot or there(figures)}


def there(figures: Figures) -> int:
    """The units of a cell that lie on its shelf."""
    return figures.free + figures.reserved + figures.allocated


def _by_lot(known: Mapping[Cell, Figures], plain: Cell, counted: int) -> dict[Cell, int]:
    """A count of an item as counts of its lots: what is held is there first, then what is free, the first lot first."""
    left = counted
    seen = dict.fromkeys((plain, *known), 0)
    rows = sorted(known.items())
    held = [(cell, figures.reserved + figures.allocated) for cell, figures in rows]
    for cell, has in (*held, *((cell, max(0, figures.free)) for cell, figures in rows)):
        n = min(left, has)
        seen[cell] += n
        left -= n
    seen[plain] += left
    return seen


def lose(work: Work, order_id: str, node: str, victims: Sequence[Victim]) -> None:
    """Take units from an order that were not there, and have the rest of it served from elsewhere."""
    order = work.order(order_id)
    for victim in victims:
        if victim.bucket == "reserved":
            order = work.tell(order, MoveUnits("unreserve", _of_lines(work, order_id, victim)))
            continue
        left = victim.units
        for fulfillment in work.fulfillments(order_id):
            if fulfillment.node != node or fulfillment.state not in ("planned", "open", "picking"):
                continue
            taken: dict[str, int] = {}
            for line in reversed(fulfillment.lines):
                if line.item == victim.cell.item and (n := min(left, line.units - line.picked - line.awaited)):
                    taken[line.line] = n
                    left -= n
            if taken:
                work.save_fulfillment(fulfillment.reduced(taken))
                order = work.tell(order, MoveUnits("deallocate", taken, fulfillment.id))
    order = reserve(work, order)
    if order.state == "accepted" and not order.holds:
        queued = work.find("queue", order_id)
        excluded = tuple(sorted({*(queued.excluded if queued else ()), node}))
        note = f"a count at {node} found too few"
        work.queue(order, due_at=work.now, excluded=excluded, note=note)
        keep_promise(work, order, note)


def _of_lines(work: Work, order_id: str, victim: Victim) -> dict[str, int]:
    """Reserved units of an item as units of lines, the last line first."""
    order, left, found = work.order(order_id), victim.units, {}
    for line in reversed(order.lines):
        if line.item == victim.cell.item and (n := min(left, order.units[line.id].reserved)):
            found[line.id] = n
            left -= n
    return found
