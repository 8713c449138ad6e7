"""Carry out: a plan becomes allocations, transfers, edits and fulfillments, all in the order's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import evolve

from omscore import inventory
from omscore.app._capture import reserve
from omscore.app._edit import change as edit
from omscore.app._fill import fill
from omscore.app._promises import keep_promise, keep_promise_of_arrival
from omscore.app._work import Work, cells_at
from omscore.inventory import Cell
from omscore.orders import (
    DraftLine,
    Edit,
    Fulfillment,
    FulfillmentLine,
    MoveUnits,
    Order,
    Substitute,
    decide,
    due,
    fold,
)
from omscore.routing import Plan, carry_out, transfers_of

_ROUNDS_MAX = 8


def commit(work: Work, order: Order, plan: Plan, attempt: int) -> tuple[str, ...]:
    """Carry out a plan; returns the nodes that ship."""
    if plan.substitutes:
        order, plan = _substituted(work, order, plan, attempt)
    prefix = f"{order.id}-a{attempt}"
    transfers = carry_out(
        work.txn,
        order.id,
        plan,
        cause=work.cause,
        floors=work.floors(order),
        select=work.select(),
        transfer_id=prefix,
    )
    coming: dict[str, tuple[str, ...]] = {}
    for (_, to), id_ in zip(sorted(transfers_of(plan)), transfers, strict=True):
        coming[to] = (*coming.get(to, ()), id_)
    nodes = _open_fulfillments(work, order, plan, coming, attempt)
    if nodes:
        work.notify("routed", f"{order.id}:{attempt}", order, nodes=list(nodes))
    return nodes


def _substituted(work: Work, order: Order, plan: Plan, attempt: int) -> tuple[Order, Plan]:
    """Edit the order: each substitute is a line of its own, priced so that the customer owes what they owed."""
    names: dict[str, str] = {}
    changes: list[Substitute] = []
    for line_id, _, instead in plan.substitutes:
        line = order.draft.line(line_id)
        n = sum(given.units for given in plan.assignments if given.line == line_id)
        names[line_id] = f"{line_id}+s{attempt}"
        made = DraftLine(names[line_id], instead, n, line.unit_price, tags=line.tags, group=line.group)
        changes.append(_priced(work, order, changes, Substitute(line_id, n, made)))
    told = ", ".join(f"{instead} in place of {item}" for _, item, instead in plan.substitutes)
    edit(work, order.id, changes, told, None)
    given = [evolve(one, line=names.get(one.line, one.line)) for one in plan.assignments]
    return work.order(order.id), evolve(plan, assignments=tuple(given))


def _priced(work: Work, order: Order, before: list[Substitute], change: Substitute) -> Substitute:
    """A substitute whose row is discounted or taxed until the order comes to what it came to."""
    owed = due(order)
    for _ in range(_ROUNDS_MAX):
        after = fold(decide(order, Edit((*before, change)), work.now), order)
        more = due(after) - owed
        if not more:
            break
        row = change.instead
        if more.minor > 0:
            row = evolve(row, discount=more if row.discount is None else row.discount + more)
        else:
            row = evolve(row, tax=-more if row.tax is None else row.tax - more)
        change = evolve(change, instead=row)
    return change


def _open_fulfillments(
    work: Work, order: Order, plan: Plan, coming: Mapping[str, tuple[str, ...]], attempt: int
) -> tuple[str, ...]:
    number = len(work.fulfillments(order.id))
    items = {line.id: line.item for line in order.lines}
    there: dict[str, dict[str, int]] = {}
    awaited: dict[str, dict[str, int]] = {}
    comes_at: dict[str, datetime] = {}
    for given in plan.assignments:
        if given.how == "backorder":
            continue
        units = (awaited if given.backordered else there).setdefault(given.node, {})
        units[given.line] = units.get(given.line, 0) + given.units
        if given.backordered and given.due_at is not None:
            comes_at[given.node] = max(given.due_at, comes_at.get(given.node, given.due_at))
    moves = []
    nodes = tuple(sorted({*there, *awaited}))
    for id_ in nodes:
        number += 1
        here, later = there.get(id_, {}), awaited.get(id_, {})
        lines = tuple(
            FulfillmentLine(line, item, here.get(line, 0) + later.get(line, 0), awaited=later.get(line, 0))
            for line, item in items.items()
            if line in here or line in later
        )
        fulfillment = Fulfillment(
            f"{order.id}-f{number}",
            order.id,
            id_,
            lines,
            state="planned" if later else "open",
            service=order.draft.service,
            due_at=work.wiring.due(order.draft, work.now),
            created_at=work.now,
            attempt=attempt,
            transfers=coming.get(id_, ()),
            comes_at=comes_at.get(id_),
        )
        work.save_fulfillment(offered(work, fulfillment))
        if here:
            moves.append(MoveUnits("allocate", here, fulfillment.id))
    order = work.tell(order, *moves)
    if awaited:
        _let_wait(work, order)
        _backorder_open(work, order.id)
    return nodes


def _let_wait(work: Work, order: Order) -> None:
    """What is on its way is backordered, and soft holds that went off with a transfer are no more."""
    order = match_ledger(work, order)
    short: dict[str, int] = {}
    soft: dict[str, int] = {}
    for line, n in work.awaited(order.id).items():
        units = order.units[line]
        rest = max(0, n - units.backordered)
        if from_soft := max(0, rest - units.open):
            soft[line] = from_soft
        if rest:
            short[line] = rest
    if soft:
        order = work.tell(order, MoveUnits("unreserve", soft))
    if short:
        order = work.tell(order, MoveUnits("backorder", short))
    free_surplus(work, order)


def match_ledger(work: Work, order: Order) -> Order:
    """Let an order's lines hold no more softly than the ledger does for them; the rest is open again."""
    soft = _soft(work, order.id)
    lost: dict[str, int] = {}
    for line in order.lines:
        has = order.units[line.id].reserved
        keeps = min(has, soft.get(line.item, 0))
        soft[line.item] = soft.get(line.item, 0) - keeps
        if has > keeps:
            lost[line.id] = has - keeps
    return work.tell(order, MoveUnits("unreserve", lost)) if lost else order


def _soft(work: Work, order_id: str) -> dict[str, int]:
    """The units by item that the ledger holds softly for an order."""
    held = work.txn.reservation(order_id)
    soft: dict[str, int] = {}
    for (cell, bucket), n in held.held.items() if held is not None else ():
        if bucket == "reserved":
            soft[cell.item] = soft.get(cell.item, 0) + n
    return soft


def _backorder_open(work: Work, order_id: str) -> None:
    """What lost its soft hold to a transfer of the same item, and is not on its way itself, reserves anew or waits."""
    order = work.order(order_id)
    if order.totals.open:
        reserve(work, order)


def free_surplus(work: Work, order: Order) -> None:
    """Free what the ledger holds softly for an order beyond what its lines say."""
    held = work.txn.reservation(order.id)
    over = _soft(work, order.id)
    for line in order.lines:
        over[line.item] = over.get(line.item, 0) - order.units[line.id].reserved
    shares: dict[tuple[Cell, str], int] = {}
    for (cell, bucket), has in sorted(held.held.items()) if held is not None else ():
        n = min(has, over.get(cell.item, 0)) if bucket == "reserved" else 0
        if n > 0:
            shares[cell, bucket] = n
            over[cell.item] -= n
    if shares:
        inventory.release(work.txn, order.id, shares, cause=work.cause)


def offered(work: Work, fulfillment: Fulfillment) -> Fulfillment:
    """A fulfillment offered to whoever runs its node, where they are asked: vendors for what they send to order."""
    network = work.wiring.network
    minutes = network[fulfillment.node].answer_minutes if fulfillment.node in network else None
    vendor = fulfillment.state == "planned" and not fulfillment.transfers
    if not vendor and minutes is None:
        return fulfillment
    answer_by = None if minutes is None else work.now + timedelta(minutes=minutes)
    return evolve(fulfillment.answered("offer"), answer_by=answer_by)


def arrived(work: Work, fulfillment: Fulfillment, come: Mapping[str, int], *, rest: bool = True) -> Fulfillment:
    """Awaited units by item have come to a fulfillment's node: they are its own before anybody else may have them.

    What the order does not want any more, because it was cancelled or served from elsewhere, stays free. A held order
    keeps its units reserved and is routed anew when the hold is over. Without `rest` nothing more is to come.
    """
    order = work.order(fulfillment.order)
    left = dict(come)
    units: dict[str, int] = {}
    for line in fulfillment.lines:
        state = order.units[line.line]
        wants = state.open + state.reserved + state.backordered
        n = min(line.awaited, left.get(line.item, 0), wants)
        if n and order.state == "accepted" and not order.holds and not work.guarded(order, "allocate", {line.line: n}):
            units[line.line] = n
            left[line.item] -= n
    if units:
        keep_promise_of_arrival(work, order, fulfillment.node, units)
        items = {line.line: line.item for line in fulfillment.lines}
        cells = cells_at(fulfillment.node, [(items[line_id], n) for line_id, n in units.items()])
        cells = inventory.lots_to_allocate(work.txn, order.id, cells, select=work.select())
        inventory.allocate(work.txn, order.id, cells, cause=work.cause)
        work.tell(order, MoveUnits("allocate", units, fulfillment.id))
    unwanted = any(left.values())
    made = fulfillment.come(units, rest=rest and not unwanted)
    work.save_fulfillment(made)
    if unwanted or not rest:
        note = f"{fulfillment.id} gets less than was to come"
        work.queue(work.order(order.id), due_at=work.now, note=note)
        keep_promise(work, work.order(order.id), note)
    if unwanted:
        fill(work, [item for item, n in left.items() if n], fulfillment.node)
    return made


def arrive(work: Work, transfer_id: str, units: Mapping[str, int] | None, *, lost: bool = False) -> str:
    """Units of a transfer have come to their node, or are lost; all that are under way unless items are named."""
    line = inventory.transfer(work.txn, transfer_id)
    cells = dict(line.under_way)
    if units is not None:
        cells = _of_transfer(line, units)
    act = inventory.lose if lost else inventory.arrive
    after = act(work.txn, transfer_id, cells, cause=work.cause)
    come: dict[str, int] = {}
    for cell, n in cells.items():
        come[cell.item] = come.get(cell.item, 0) + n
    found = [id_ for _, id_ in work.txn.find("fulfillment", f"transfer:{transfer_id}", limit=1)]
    fulfillment = work.load("fulfillment", found[0]) if found else None
    if fulfillment is None or fulfillment.state != "planned":
        if not lost:
            fill(work, sorted(come), next(iter(line.sent)).node)
        return transfer_id
    open_ = any(not inventory.transfer(work.txn, id_).closed for id_ in fulfillment.transfers if id_ != transfer_id)
    arrived(work, fulfillment, {} if lost else come, rest=open_ or not after.closed)
    return transfer_id


def _of_transfer(line: inventory.Transfer, units: Mapping[str, int]) -> dict[Cell, int]:
    """Units of items that are under way, by lot; more than there are stay in the cell without a lot and are refused."""
    node = next(iter(line.sent)).node
    rest = dict(units)
    cells: dict[Cell, int] = {}
    for cell, n in sorted(line.under_way.items()):
        if take := min(n, rest.get(cell.item, 0)):
            cells[cell] = take
            rest[cell.item] -= take
    for item, n in rest.items():
        if n:
            cells[Cell(item, node)] = cells.get(Cell(item, node), 0) + n
    return cells
