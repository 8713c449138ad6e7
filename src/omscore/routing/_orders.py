"""Order to demand, ledger to stock, decision to units: what live routing and what-if share."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from omscore.inventory import (
    Books,
    Cell,
    LedgerTransaction,
    Selector,
    allocate,
    available,
    lots_to_allocate,
    release,
    send,
)
from omscore.kernel import Item, Money
from omscore.orders import DraftLine, Items, Order
from omscore.routing._demand import Demand, DemandLine, Stock
from omscore.routing._trace import Decision, Plan

_NO_FLOORS: Mapping[Cell, int] = {}
_NOTHING: Mapping[str, int] = {}
NO_SUBSTITUTE = "no_substitute"
"""The tag of a line that gets no substitute, whatever its item allows."""
COMMITTED = ("assigned", "partly_assigned", "backordered")
"""The outcomes whose plan is carried out at once; what is backordered in it waits."""


def demand_of(
    order: Order,
    items: Items | None = None,
    *,
    excluded: tuple[str, ...] = (),
    attempts: int = 0,
    queue: str = "",
    waiting: bool = False,
    coming: Mapping[str, int] = _NOTHING,
) -> Demand | None:
    """An order's units that wait for a node, as routing reads them; None when none do.

    Backordered units wait for stock, not for a node, and are left out unless `waiting` asks for them too (a rule may
    bring them from elsewhere); `coming` are those of them, by line, that are on their way already. `items` gives
    weights, tags, categories and substitutes by SKU; what it does not know weighs nothing. A line with the tag
    "no_substitute" gets none. A draft's `extra` may name "pickup_node", "wished_node", "market", "seller" and "margin"
    (an amount as text), and further facts that rules ask about under "routing".

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
        if waiting:
            n += max(0, units.backordered - coming.get(line.id, 0))
        if n:
            item = _item(items, line.item)
            made = _line(line, item, n)
            if item.substitutes and NO_SUBSTITUTE not in made.tags:
                made = evolve(made, substitutes=[_line(line, _item(items, sku), n) for sku in item.substitutes])
            lines.append(made)
    if not lines:
        return None
    draft = order.draft
    extra = draft.extra
    wished = extra.get("pickup_node") or extra.get("wished_node") or ""
    margin = extra.get("margin")
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
        queue=queue,
        wished=str(wished),
        pickup=bool(extra.get("pickup_node")),
        market=str(extra.get("market") or ""),
        seller=str(extra.get("seller") or ""),
        margin=None if margin is None else Money.of(str(margin), draft.currency),
        facts=extra.get("routing") or {},
    )


def _item(items: Items | None, sku: str) -> Item:
    return (items.get(sku) if items is not None else None) or Item(sku)


def _line(line: DraftLine, item: Item, units: int) -> DemandLine:
    return DemandLine(
        line.id,
        item.sku,
        units,
        price=line.unit_price,
        weight_grams=item.weight_grams,
        tags=item.tags | line.tags,
        category=item.category,
        group=line.group,
    )


def stock_of(
    books: Books, demand: Demand, *, floors: Mapping[Cell, int] = _NO_FLOORS, select: Selector | None = None
) -> Stock:
    """What each node could promise to a demand: free less its buffer, and what the order of its id holds there already.

    Lots count together, without those that `select` leaves out.

    >>> from omscore.inventory import MemoryBooks, Want, receive, reserve
    >>> books = MemoryBooks()
    >>> receive(books, {Cell("X", "A"): 5}, cause="dock-7")
    >>> _ = reserve(books, "ord-1", [Want("X", 2)], cause="web-1")
    >>> mine, other = (Demand(id, [DemandLine("1", "X")]) for id in ("ord-1", "ord-2"))
    >>> stock_of(books, mine).available("A", "X"), stock_of(books, other).available("A", "X")
    (5, 3)
    """
    units: dict[tuple[str, str], int] = {}
    for item in items_of(demand):
        for cell, n in available(books, item, reservation=demand.id, floors=floors).items():
            if not cell.pool and n and (select is None or select(cell) is not None):
                units[cell.node, item] = units.get((cell.node, item), 0) + n
    return Stock(units)


def items_of(demand: Demand) -> tuple[str, ...]:
    """The items that a decision looks at: those asked and those that may be sent in their place.

    >>> items_of(Demand("ord-1", [DemandLine("1", "X", substitutes=["Y"])]))
    ('X', 'Y')
    """
    items = dict.fromkeys(item for item, _ in demand.needs)
    return tuple(items | dict.fromkeys(other.item for line in demand.lines for other in line.substitutes))


def plan_to_commit(decision: Decision, *, approved: bool = False) -> Plan | None:
    """The plan that is carried out at once, or None: a review waits for a person unless `approved` says it has seen it.

    >>> from omscore import routing as r
    >>> router = r.Router(r.packs.single_location(), r.Network([r.Node("A")]))
    >>> order = r.Demand("ord-1", [r.DemandLine("1", "X")])
    >>> plan_to_commit(router.route(order, {("A", "X"): 1})).nodes, plan_to_commit(router.route(order, {}))
    (('A',), None)
    """
    if decision.outcome in COMMITTED or (approved and decision.outcome == "review"):
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


def transfers_of(plan: Plan) -> dict[tuple[str, str], dict[Cell, int]]:
    """The units that a plan has sent between nodes first: by (from, to) the cells they leave.

    >>> from omscore.routing import Assignment
    >>> transfers_of(Plan((Assignment("B", "1", "X", 2, True, how="transfer", origin="A"),)))
    {('A', 'B'): {Cell(item='X', node='A', pool='', lot=''): 2}}
    """
    moves: dict[tuple[str, str], dict[Cell, int]] = {}
    for given in plan.assignments:
        if given.how == "transfer":
            cells = moves.setdefault((given.origin, given.node), {})
            cell = Cell(given.item, given.origin)
            cells[cell] = cells.get(cell, 0) + given.units
    return moves


def carry_out(
    books: LedgerTransaction,
    owner: str,
    plan: Plan,
    *,
    cause: str,
    floors: Mapping[Cell, int] = _NO_FLOORS,
    select: Selector | None = None,
    transfer_id: str = "",
) -> tuple[str, ...]:
    """Carry out a plan in the ledger, in one transaction: allocate what is there, send what is to be brought first.

    What the owner holds softly at a node that sends is given up there. Lots go as the owner holds them, then as
    `select` puts them in order (by name unless it is given). Returns the ids of the transfers: `transfer_id`
    (the owner's, unless given) with "-t" and their number. Raises InsufficientStock, with nothing moved, when the plan
    does not hold any more.

    >>> from omscore.inventory import MemoryBooks, receive
    >>> from omscore.routing import Assignment
    >>> books = MemoryBooks()
    >>> receive(books, {Cell("X", "A"): 5}, cause="dock-7")
    >>> plan = Plan((Assignment("A", "1", "X", 1), Assignment("B", "1", "X", 2, True, how="transfer", origin="A")))
    >>> carry_out(books, "ord-1", plan, cause="route-1")
    ('ord-1-t1',)
    >>> books.figures([Cell("X", "A")])[Cell("X", "A")]
    Figures(free=2, reserved=0, allocated=1, ...)
    """
    if cells := cells_of(plan):
        cells = lots_to_allocate(books, owner, cells, floors=floors, select=select)
        own = {cell: floors[cell] for cell in cells if cell in floors}
        allocate(books, owner, cells, cause=cause, floors=own)
    ids: list[str] = []
    for (_, to), asked in sorted(transfers_of(plan).items()):
        cells = lots_to_allocate(books, owner, asked, floors=floors, select=select)
        held = books.reservation(owner)
        soft = {
            (cell, "reserved"): n
            for cell in cells
            if held is not None and (n := min(cells[cell], held.held.get((cell, "reserved"), 0)))
        }
        if soft:
            release(books, owner, soft, cause=cause)
        ids.append(f"{transfer_id or owner}-t{len(ids) + 1}")
        own = {cell: floors[cell] for cell in cells if cell in floors}
        send(books, ids[-1], cells, to, cause=cause, floors=own)
    return tuple(ids)
