"""Pick lists that are kept: planned and planned again, printed, and worked off by scans at the bins and at packing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import evolve

from omscore.app import _floor
from omscore.app._floor_tally import LOGS, Table, tally
from omscore.app._work import Work
from omscore.batching import (
    Barcodes,
    BatchPlan,
    BinStock,
    Cart,
    CutOff,
    DuePlan,
    Floor,
    Limits,
    MatrixFloor,
    Mode,
    PickLine,
    PickList,
    PickOrder,
    PickShortage,
    Refused,
    Scan,
    Scanned,
    Shift,
    Short,
    ShortPick,
    Tally,
    apply_scans,
    decide_scan,
    decide_short,
    find_bins,
    plan_due,
    release,
)
from omscore.errors import CommandRefused, Reason
from omscore.kernel import stamp
from omscore.orders import Fulfillment, PickTask

_NOWHERE = "anywhere"
_NO_FLOOR = MatrixFloor(("depot", _NOWHERE), ((0, 0), (0, 0)), depot="depot")
"""A host that describes no floor still gets batches that keep the cart's limits; nothing is known of the walk."""

# -- planning ----------------------------------------------------------------------------------------------------------


def plan_batches(
    work: Work,
    node: str,
    limits: Limits | Sequence[Cart] | Mode,
    limit: int,
    *,
    replan: bool = False,
    started: Collection[str] = (),
    **options: Any,
) -> BatchPlan:
    """Plan the open fulfillments of a node, those due first first, and keep the batches; they are not batched again.

    With `replan`, the batches that nobody has begun are taken apart first and planned anew with what came in.
    """
    if replan:
        _take_apart(work, node, started)
    return _plan(work, node, _to_batch(work, node, limit), limits, prefix=_prefix(work, node), **options)


def plan_by_due(
    work: Work,
    node: str,
    limits: Limits,
    shift: Shift,
    limit: int,
    *,
    replan: bool = False,
    started: Collection[str] = (),
    totes: Sequence[str] = (),
    **options: Any,
) -> DuePlan:
    """The same against the clock: batches for a shift's pickers, late as little as can be."""
    if replan:
        _take_apart(work, node, started)
    floor = work.wiring.floors.get(node, _NO_FLOOR)
    orders, shortages, refused = pick_orders(work, node, floor, _to_batch(work, node, limit))
    made, prefix = plan_due(orders, floor, limits, shift, **options), _prefix(work, node)
    ids = {batch.id: f"{prefix}{number}" for number, batch in enumerate(made.plan.batches, 1)}
    batches = tuple(evolve(batch, id=ids[batch.id]) for batch in made.plan.batches)
    named = evolve(made.plan, batches=batches, refused=(*refused, *made.plan.refused))
    _keep(work, node, floor, named, shortages, totes, {"": limits}, {})
    return evolve(made, plan=named, tasks=tuple(evolve(task, batch=ids[task.batch]) for task in made.tasks))


def _to_batch(work: Work, node: str, limit: int) -> list[Fulfillment]:
    return [work.load("fulfillment", id_) for _, id_ in work.txn.find("fulfillment", f"to_batch:{node}", limit=limit)]


def _plan(
    work: Work,
    node: str,
    found: Sequence[Fulfillment],
    limits: Limits | Sequence[Cart] | Mode,
    *,
    cutoffs: Iterable[CutOff] | None = None,
    totes: Sequence[str] = (),
    **options: Any,
) -> BatchPlan:
    if isinstance(limits, Mode):
        mode, limits = limits, limits.limits
        options |= {"method": mode.method, "rule": mode.rule, "steps_max": mode.steps_max, "seed": mode.seed}
    floor = work.wiring.floors.get(node)
    if floor is None:
        # Where every walk is unknown, no order of batches is better than first come, first served.
        told = ("prefix", "same_item_min", "zones")
        floor, options = _NO_FLOOR, {name: options[name] for name in told if name in options} | {"method": "first_come"}
    orders, shortages, refused = pick_orders(work, node, floor, found)
    leaving = None if cutoffs is None else _with_room(work, node, cutoffs)
    carts = {"": limits} if isinstance(limits, Limits) else {cart.id: cart.limits for cart in limits}
    made = release(orders, floor, limits, cutoffs=leaving, **options)
    made = evolve(made, refused=(*refused, *made.refused))
    _keep(work, node, floor, made, shortages, totes, carts, {cutoff.id: cutoff.at for cutoff in leaving or ()})
    return made


def pick_orders(
    work: Work, node: str, floor: Any, found: Iterable[Fulfillment]
) -> tuple[list[PickOrder], list[PickShortage], list[Refused]]:
    """Fulfillments as the planner reads them: what is left to pick, from which bins; and units that no bin holds."""
    wanted = {fulfillment.id: _lines(work, floor, fulfillment) for fulfillment in found}
    spread = [line for lines in wanted.values() if all(where != "" for _, where in lines) for line, where in lines]
    stock = _stock(work, node, {line.item for line in spread if not line.bin})
    lines, missing = find_bins((line for line in spread if not line.bin), stock)
    held = {id_: [line for line, where in lines if isinstance(where, str)] for id_, lines in wanted.items()}
    for line in lines:
        held[line.order].append(line)
    short: dict[str, list[PickShortage]] = {}
    for shortage in missing:
        short.setdefault(shortage.order, []).append(shortage)
    orders, shortages, refused = [], list[PickShortage](), []
    for fulfillment in found:
        mine = held[fulfillment.id]
        if not mine and fulfillment.id in short:
            refused.append(_nothing_found(fulfillment.id, short[fulfillment.id]))
            continue
        shortages += short.get(fulfillment.id, [])
        draft = work.order(fulfillment.order).draft
        zones = {floor.bin(line.bin).zone for line in mine if line.bin in floor} if isinstance(floor, Floor) else set()
        orders.append(
            PickOrder(
                fulfillment.id,
                mine,
                due=fulfillment.due_at,
                lane=fulfillment.service,
                priority=work.wiring.profile(draft.channel).priority,
                zone=zones.pop() if len(zones) == 1 else "",
                region=work.wiring.region(draft),
            )
        )
    return orders, shortages, refused


def waiting(work: Work, node: str, limit: int) -> list[PickOrder]:
    """The open fulfillments of a node that are in no batch, as the planner reads them."""
    return pick_orders(work, node, work.wiring.floors.get(node, _NO_FLOOR), _to_batch(work, node, limit))[0]


def _lines(work: Work, floor: Any, fulfillment: Fulfillment) -> list[tuple[PickLine, str | Sequence[BinStock]]]:
    """What is left to pick, and where: one bin, "" where none is known, or what lies in several."""
    lines = []
    for line in fulfillment.lines:
        n = line.units - line.picked
        if n <= 0:
            continue
        item = work.item(line.item)
        volume = item.dimensions.volume_mm3 if item.dimensions else 0
        where = _NOWHERE if floor is _NO_FLOOR else work.wiring.bins.get((fulfillment.node, line.item), "")
        bin_id, weight_grams = where if isinstance(where, str) else "", item.weight_grams * n
        lines.append((PickLine(fulfillment.id, line.line, line.item, n, bin_id, weight_grams, volume * n), where))
    return lines


def _stock(work: Work, node: str, items: Collection[str]) -> list[BinStock]:
    """What the bins hold of items, less what lists that are worked on will still take."""
    stock: list[BinStock] = []
    for item in sorted(items):
        place = work.wiring.bins.get((node, item), "")
        stock += () if isinstance(place, str) else place
    if not stock:
        return []
    taken: dict[tuple[str, str, str], int] = {}
    for _, counted in _open_lists(work, node):
        for row in counted.rows:
            at = (row.bin, row.item, row.lot)
            taken[at] = taken.get(at, 0) + counted.open(row.row)
    left = []
    for shelf in stock:
        at = (shelf.bin, shelf.item, shelf.lot)
        gone = min(shelf.units, taken.get(at, 0))
        taken[at] = taken.get(at, 0) - gone
        if shelf.units > gone:
            left.append(evolve(shelf, units=shelf.units - gone))
    return left


def _nothing_found(order: str, shortages: Sequence[PickShortage]) -> Refused:
    items = ", ".join(repr(shortage.item) for shortage in shortages)
    facts = {"order": order, "items": [shortage.item for shortage in shortages]}
    return Refused(order, Reason("batching.no_bin", f"order {order!r}: no bin holds {items}", facts))


def _with_room(work: Work, node: str, cutoffs: Iterable[CutOff]) -> list[CutOff]:
    """The cut-offs that are still to come, with the room that earlier plans have left in them."""
    left = []
    for cutoff in cutoffs:
        if cutoff.at <= work.now:
            continue
        # A cut-off of the same name on another day is another one.
        at = stamp(cutoff.at)
        found = work.txn.find("pick_list", f"wave:{node}:{cutoff.id}", after=(at, ""), upto=at)
        rows = [row for _, id_ in found for row in work.load("pick_list", id_).rows]
        orders = _less(cutoff.orders_max, len({row.order for row in rows}))
        units = _less(cutoff.units_max, sum(row.units for row in rows))
        if orders != 0 and units != 0:
            left.append(evolve(cutoff, orders_max=orders, units_max=units))
    return left


def _less(room: int | None, used: int) -> int | None:
    return None if room is None else max(0, room - used)


def _keep(
    work: Work,
    node: str,
    floor: Any,
    made: BatchPlan,
    shortages: Sequence[PickShortage],
    totes: Sequence[str],
    carts: Mapping[str, Limits],
    leaving: Mapping[str, datetime],
) -> None:
    """Write the batches down: a task and a list for each, and on each fulfillment the batch it is in."""
    batches_of: dict[str, list[str]] = {}
    for batch in made.batches:
        for id_ in batch.orders:
            batches_of.setdefault(id_, []).append(batch.id)
    told: set[str] = set()
    length = floor.measure(made.rule)
    for batch in made.batches:
        alone = {id_: floor.cover(line.bin for line in batch.lines if line.order == id_) for id_ in batch.orders}
        for id_ in batch.orders:
            work.save_fulfillment(evolve(work.load("fulfillment", id_), batch=batches_of[id_][0]))
        walk_mm, alone_mm = batch.tour.length_mm, sum(length(cover) for cover in alone.values())
        task = PickTask(batch.id, node, batch.orders, work.now, walk_mm, alone_mm, len(batch.tour.stops))
        work.save("pick_task", batch.id, task, {f"node:{node}": batch.id, "all": batch.id})
        mine = [shortage for shortage in shortages if shortage.order in batch.orders and shortage.order not in told]
        told.update(batch.orders)
        items = dict.fromkeys(line.item for line in batch.lines)
        names = {item: title for item in items if (title := work.item(item).name)}
        others = {id_: tuple(b for b in batches_of[id_] if b != batch.id) for id_ in batch.orders}
        tote_volume = carts[batch.cart].tote_volume
        listed = batch.pick_list(names=names, totes=totes, tote_volume=tote_volume, shortages=mine)
        together = {id_: ids for id_, ids in others.items() if ids}
        listed = evolve(listed, together=together, leaves_at=leaving.get(batch.wave))
        _save(work, listed, done=False)
        work.emit("wms.pick", batch.id, node, node=node, list=listed)


def _save(work: Work, listed: PickList, *, done: bool) -> None:
    """Write a list down; it is found at its node until it is done, by its wave and by its fulfillments."""
    task: PickTask = work.load("pick_task", listed.id)
    index = {f"of:{row.order}": listed.id for row in listed.rows}
    if listed.wave:
        index[f"wave:{task.node}:{listed.wave}"] = stamp(listed.leaves_at or work.now)
    if not done:
        index[f"open:{task.node}"] = stamp(task.planned_at or work.now)
    work.save("pick_list", listed.id, listed, index)


def _open_lists(work: Work, node: str) -> list[tuple[PickList, Tally]]:
    """The lists that have something left to do; those that were worked off without scans are put away on the way."""
    found = []
    after = ("", "")
    while page := work.txn.find("pick_list", f"open:{node}", after=after, limit=1_000):
        after = page[-1]
        for _, id_ in page:
            listed, counted = work.load("pick_list", id_), tally(work, id_)
            if counted.is_done:
                _save(work, listed, done=True)
            else:
                found.append((listed, counted))
    return found


def _take_apart(work: Work, node: str, started: Collection[str]) -> None:
    """Withdraw the lists that nobody has begun; an order that is on a list that has been begun stays on all of its."""
    lists = [listed for listed, _ in _open_lists(work, node)]
    begun = {listed.id for listed in lists if listed.id in started or _is_begun(work, listed)}
    while True:
        busy = {row.order for listed in lists if listed.id in begun for row in listed.rows}
        more = {listed.id for listed in lists if listed.id not in begun and any(r.order in busy for r in listed.rows)}
        if not more:
            break
        begun |= more
    for listed in lists:
        if listed.id in begun:
            continue
        for id_ in dict.fromkeys(row.order for row in listed.rows):
            work.asked_of_wms(work.load("fulfillment", id_), {})
            work.save_fulfillment(evolve(work.load("fulfillment", id_), batch=""))
        work.save("pick_list", listed.id, evolve(listed, rows=(), shortages=(), totes={}, together={}), {})
        task: PickTask = work.load("pick_task", listed.id)
        work.save("pick_task", listed.id, evolve(task, fulfillments=()), {f"node:{node}": listed.id})


def _is_begun(work: Work, listed: PickList) -> bool:
    orders = {row.order for row in listed.rows}
    return bool(work.txn.events("pick_list", listed.id)) or any(
        work.load("fulfillment", id_).state != "open" for id_ in sorted(orders)
    )


# -- one list ----------------------------------------------------------------------------------------------------------


def pick_list(work: Work, id_: str, totes: Sequence[str] = ()) -> PickList:
    """The list of a batch, or of a fulfillment; one that is in no batch is made a batch of its own at once."""
    fulfillment: Fulfillment | None = work.find("fulfillment", id_)
    if fulfillment is None:
        listed: PickList = work.load("pick_list", id_)
        return listed
    batch = fulfillment.batch
    if not batch:
        if fulfillment.state not in ("open", "picking"):
            text = f"{id_} is {fulfillment.state}: there is nothing to pick for it"
            raise CommandRefused([Reason("pick.nothing_open", text, {"state": fulfillment.state})])
        node = fulfillment.node
        made = _plan(work, node, [fulfillment], Limits(), method="first_come", prefix=_prefix(work, node), totes=totes)
        if made.refused:
            raise CommandRefused([refused.reason for refused in made.refused])
        batch = made.batches[0].id
    made_or_found: PickList = work.load("pick_list", batch)
    return made_or_found


def _prefix(work: Work, node: str) -> str:
    return f"{node}-w{work.count('pick_task', f'node:{node}') + 1}-b"


def drawing(work: Work, listed: PickList) -> str:
    """The list's walk as SVG; nothing where the floor is not known to have a shape."""
    task: PickTask = work.load("pick_task", listed.id)
    floor = work.wiring.floors.get(task.node)
    if not isinstance(floor, Floor):
        return ""
    return floor.svg(floor.tour(dict.fromkeys(row.bin for row in listed.rows), listed.rule or "exact"))


def scan(work: Work, list_id: str, wish: Scan, at: Table) -> tuple[Scanned, ...]:
    """Judge a scan and write its verdict down; what is right at the bins is picked, in the same transaction."""
    before = tally(work, list_id, at)
    events = decide_scan(before, wish, _book(work, before))
    _write(work, list_id, events, at, wish.by)
    if at == "pack":
        _save(work, work.load("pick_list", list_id), done=tally(work, list_id).is_done)
        return events
    units: dict[str, dict[str, int]] = {}
    for event in events:
        if event.counts:
            mine = units.setdefault(event.order, {})
            mine[event.line] = mine.get(event.line, 0) + event.units
    for order, lines in units.items():
        _floor.pick(work, order, lines)
    # Written even when nothing counts: two who scan at once meet in the list's version, in every store.
    _save(work, work.load("pick_list", list_id), done=apply_scans(before, events).is_done)
    return events


def short_row(work: Work, list_id: str, wish: Short, *, backorder: bool) -> tuple[ShortPick, ...]:
    """Close a row with what was found, and do what a short pick needs for the rest.

    The node is not left out when the rest is routed again where another of its bins is known to hold the item.
    """
    before = tally(work, list_id)
    events = decide_short(before, wish)
    _write(work, list_id, events, "pick", wish.by)
    task: PickTask = work.load("pick_task", list_id)
    for event in events:
        elsewhere = any(shelf.bin != event.bin for shelf in _stock(work, task.node, [event.item]))
        missing = {event.line: event.missing}
        _floor.short_pick(work, event.order, missing, backorder=backorder, leave_out=not elsewhere)
    _save(work, work.load("pick_list", list_id), done=apply_scans(before, events).is_done)
    return events


def _write(work: Work, list_id: str, events: Sequence[Scanned | ShortPick], at: Table, by: str) -> None:
    work.txn.append(LOGS[at], list_id, events, cause=work.cause, actor=by)


def _book(work: Work, counted: Tally) -> Barcodes:
    book = work.wiring.barcodes
    return book if book is not None else Barcodes.of(work.item(sku) for sku in {row.item for row in counted.rows})
