"""Order to demand, ledger to stock, decision to units: what live routing and what-if share."""

from __future__ import annotations

from collections.abc import Mapping

from omscore.inventory import Books, Cell, available
from omscore.kernel import Item
from omscore.orders import Items, Order
from omscore.routing._demand import Demand, DemandLine, Stock
from omscore.routing._trace import Decision, Plan

_NO_FLOORS: Mapping[Cell, int] = {}


def demand_of(
    order: Order, items: Items | None = None, *, excluded: tuple[str, ...] = (), attempts: int = 0
) -> Demand | None:
    """An order's units that wait for a node, as routing reads them; None when none do.

    Backordered units wait for stock, not for a node. `items` gives weights, tags and categories by SKU; what it does
    not know weighs nothing.

    >>> from datetime import UTC, datetime
    >>> from omscore.kernel import Money
    >>> from omscore.orders import Accepted, Captured, Draft, DraftLine, fold
    >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> draft = Draft("web", "1001", "EUR", [DraftLine("1", "SKU-1", 2, Money(1999, "EUR"))], now)
    >>> order = fold([Captured("ord-1", draft, now), Accepted(now)])
    >>> demand = demand_of(order, {"SKU-1": Item("SKU-1", weight_grams=450)})
    >>> demand.needs, demand.grams, demand.value
    ((('SKU-1', 2),), 900, Money(minor=3998, currency='EUR'))
    """
    lines = []
    for line in order.lines:
        units = order.units[line.id]
        n = units.open + units.reserved
        if n:
            item = (items.get(line.item) if items is not None else None) or Item(line.item)
            lines.append(
                DemandLine(
                    line.id,
                    line.item,
                    n,
                    price=line.unit_price,
                    weight_grams=item.weight_grams,
                    tags=item.tags | line.tags,
                    category=item.category,
                    group=line.group,
                )
            )
    if not lines:
        return None
    draft = order.draft
    return Demand(
        order.id,
        lines,
        destination=draft.ship_to,
        channel=draft.channel,
        service=draft.service,
        value=draft.value,
        placed_at=draft.placed_at,
        promised_at=draft.deliver_by,
        customer=draft.customer.id,
        customer_tier=draft.customer.tier,
        earlier_orders=draft.customer.orders_before,
        tags=draft.tags,
        excluded=excluded,
        attempts=attempts,
    )


def stock_of(books: Books, demand: Demand, *, floors: Mapping[Cell, int] = _NO_FLOORS) -> Stock:
    """What each node could promise to a demand: free less its buffer, and what the order of its id holds there already.

    >>> from omscore.inventory import MemoryBooks, Want, receive, reserve
    >>> books = MemoryBooks()
    >>> receive(books, {Cell("X", "A"): 5}, cause="dock-7")
    >>> _ = reserve(books, "ord-1", [Want("X", 2)], cause="web-1")
    >>> mine, other = (Demand(id, [DemandLine("1", "X")]) for id in ("ord-1", "ord-2"))
    >>> stock_of(books, mine).available("A", "X"), stock_of(books, other).available("A", "X")
    (5, 3)
    """
    units: dict[tuple[str, str], int] = {}
    for item, _ in demand.needs:
        for cell, n in available(books, item, reservation=demand.id, floors=floors).items():
            if not cell.pool and n:
                units[cell.node, item] = units.get((cell.node, item), 0) + n
    return Stock(units)


def plan_to_commit(decision: Decision, *, approved: bool = False) -> Plan | None:
    """The plan that is carried out at once, or None: a review waits for a person unless `approved` says it has seen it.

    >>> from omscore import routing as r
    >>> router = r.Router(r.packs.single_location(), r.Network([r.Node("A")]))
    >>> order = r.Demand("ord-1", [r.DemandLine("1", "X")])
    >>> plan_to_commit(router.route(order, {("A", "X"): 1})).nodes, plan_to_commit(router.route(order, {}))
    (('A',), None)
    """
    if decision.outcome in ("assigned", "partly_assigned") or (approved and decision.outcome == "review"):
        return decision.plan
    return None


def shares_of(plan: Plan) -> dict[str, dict[str, int]]:
    """The units that a plan takes from stock, by node and line; backordered ones are not there to be taken.

    >>> from omscore.routing import Assignment
    >>> shares_of(Plan((Assignment("A", "1", "X", 2), Assignment("A", "2", "X", 1))))
    {'A': {'1': 2, '2': 1}}
    """
    shares: dict[str, dict[str, int]] = {}
    for given in plan.assignments:
        if not given.backordered:
            lines = shares.setdefault(given.node, {})
            lines[given.line] = lines.get(given.line, 0) + given.units
    return shares


def cells_of(plan: Plan) -> dict[Cell, int]:
    """The units that a plan takes from stock, by the ledger's cells: what to allocate.

    >>> from omscore.routing import Assignment
    >>> cells_of(Plan((Assignment("A", "1", "X", 2), Assignment("A", "2", "X", 1))))
    {Cell(item='X', node='A', pool='', lot=''): 3}
    """
    cells: dict[Cell, int] = {}
    for given in plan.assignments:
        if not given.backordered:
            cell = Cell(given.item, given.node)
            cells[cell] = cells.get(cell, 0) + given.units
    return cells
