"""Planning a node's work: what waits is read, planned outside of every transaction, and what still stands is kept.

A search may take seconds, and a store may have one writer: nobody is made to wait for it. What changed while it ran is
left out when the batches are kept, by name, and is open for the next plan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from omscore.app._floor_tally import open_lists, put_away, save_list
from omscore.app._surge import region
from omscore.app._work import Work
from omscore.batching import (
    Batch,
    BatchPlan,
    BinStock,
    CarrierCutOff,
    Cart,
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
    Shift,
    find_bins,
    plan_due,
    release,
)
from omscore.errors import DefinitionError, Reason
from omscore.kernel import stamp
from omscore.kernel.given import shown
from omscore.kernel.ids import joined
from omscore.orders import Fulfillment, PickTask

Lots = dict[tuple[str, str, str], dict[str, int]]
"""The units by lot that an order holds of an item at a node and that no pick line has taken yet."""

_NOWHERE = "anywhere"
_NO_FLOOR = MatrixFloor(("depot", _NOWHERE), ((0, 0), (0, 0)), depot="depot")
"""A host that describes no floor still gets batches that keep the cart's limits; nothing is known of the walk."""

CHANGED = "batching.changed"
"""The reason of a fulfillment that was left out of a plan because it changed while the plan was made."""

Carts = Limits | Sequence[Cart]
_UNBOUND = 1 << 60


@frozen
class Waiting:
    """A node's open fulfillments as the planner reads them, and what must still be so when their batches are kept.

    `versions` are those of the fulfillments, `release` is the number of the node's last plan, `items` those that lie in
    several bins, `apart` the lists that are to be taken apart for this plan, and `done` lists to be put away.
    """

    node: str
    floor: Any
    orders: tuple[PickOrder, ...]
    shortages: tuple[PickShortage, ...]
    refused: tuple[Refused, ...]
    versions: Mapping[str, int]
    release: int
    items: tuple[str, ...] = ()
    cutoffs: tuple[CarrierCutOff, ...] | None = None
    apart: tuple[str, ...] = ()
    done: tuple[str, ...] = ()


# -- read --------------------------------------------------------------------------------------------------------------


def to_plan(
    work: Work,
    node: str,
    limit: int,
    *,
    replan: bool = False,
    started: Collection[str] = (),
    cutoffs: Iterable[CarrierCutOff] | None = None,
) -> Waiting:
    """What waits at a node, those due first first; with `replan` also what is on lists that nobody has begun."""
    found = [(due, id_) for due, id_ in work.txn.find("fulfillment", f"to_batch:{node}", limit=limit)]
    apart = _unbegun(work, [listed for listed, _ in open_lists(work, node)[0]], started) if replan else []
    for id_ in dict.fromkeys(row.order for listed in apart for row in listed.rows):
        due = work.waits_since(work.load("fulfillment", id_))
        found += [(due, id_)] if due else []
    chosen = [work.load("fulfillment", id_) for _, id_ in sorted(found)[:limit]]
    return waiting(work, node, chosen, cutoffs, [listed.id for listed in apart])


def waiting(
    work: Work,
    node: str,
    found: Sequence[Fulfillment],
    cutoffs: Iterable[CarrierCutOff] | None = None,
    apart: Sequence[str] = (),
) -> Waiting:
    """Fulfillments as the planner reads them: what is left to pick, from which bins; and units that no bin holds."""
    floor = work.wiring.floors.get(node, _NO_FLOOR)
    lots: Lots = {}
    wanted = {fulfillment.id: _lines(work, floor, fulfillment, lots) for fulfillment in found}
    spread = [line for lines in wanted.values() for line, where in lines if not isinstance(where, str)]
    items = sorted({line.item for line in spread})
    stock, done = stock_left(work, node, items, apart)
    lines, missing = find_bins(spread, stock)
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
        order = work.order(fulfillment.order)
        zones = {floor.bin(line.bin).zone for line in mine if line.bin in floor} if isinstance(floor, Floor) else set()
        orders.append(
            PickOrder(
                fulfillment.id,
                mine,
                due=fulfillment.due_at,
                lane=fulfillment.service,
                priority=work.wiring.profile(order.draft.channel).priority,
                zone=zones.pop() if len(zones) == 1 else "",
                region=region(work, order),
            )
        )
    return Waiting(
        node,
        floor,
        tuple(orders),
        tuple(shortages),
        tuple(refused),
        {fulfillment.id: work.version("fulfillment", fulfillment.id) for fulfillment in found},
        _release(work, node),
        tuple(items),
        None if cutoffs is None else tuple(_with_room(work, node, cutoffs, apart)),
        tuple(apart),
        tuple(done),
    )


def _lines(
    work: Work, floor: Any, fulfillment: Fulfillment, lots: Lots
) -> list[tuple[PickLine, str | Sequence[BinStock]]]:
    """What is left to pick, and where: one bin, "" where none is known, or what lies in several."""
    lines = []
    for line in fulfillment.lines:
        n = line.units - line.picked
        if n <= 0:
            continue
        item = work.item(line.item)
        volume = item.dimensions.volume_mm3 if item.dimensions else 0
        where = _NOWHERE if floor is _NO_FLOOR else _place(work, fulfillment.node, line.item)
        bin_id = where if isinstance(where, str) else ""
        # Shelves that name no lot hold whichever lot there is.
        named = isinstance(where, str) or any(shelf.lot for shelf in where)
        for lot, k in _of_lots(work, fulfillment, line.item, n, lots) if named else (("", n),):
            weight_grams = item.weight_grams * k
            pick = PickLine(fulfillment.id, line.line, line.item, k, bin_id, weight_grams, volume * k, lot=lot)
            lines.append((pick, where))
    return lines


def _of_lots(work: Work, fulfillment: Fulfillment, item: str, units: int, lots: Lots) -> list[tuple[str, int]]:
    """Units of an item by the lots in which the order holds them at the node; `lots` are those not given out yet."""
    at = (fulfillment.order, fulfillment.node, item)
    if at not in lots:
        held = work.txn.reservation(fulfillment.order)
        lots[at] = {
            cell.lot: n
            for (cell, bucket), n in sorted(held.held.items() if held else ())
            if bucket == "allocated" and (cell.item, cell.node) == (item, fulfillment.node) and cell.lot
        }
    given = []
    for lot, n in lots[at].items():
        if take := min(n, units):
            given.append((lot, take))
            lots[at][lot] -= take
            units -= take
    return [("", units), *given] if units else given


def _place(work: Work, node: str, item: str) -> str | Sequence[BinStock]:
    """Where an item lies at a node, as the host says; "" where it does not say."""
    place: str | Sequence[BinStock] | None = work.wiring.bins.get((node, item))
    if place is None or isinstance(place, str):
        return place or ""
    if not all(isinstance(shelf, BinStock) for shelf in place):
        text = f"bins of {item!r} at {node!r} are {place!r}; name the one bin, or give a BinStock for each of several"
        raise DefinitionError(text)
    return place


def stock_left(
    work: Work, node: str, items: Iterable[str], apart: Collection[str] = ()
) -> tuple[list[BinStock], list[str]]:
    """What the bins hold of items, less what lists that are worked on will still take; and the lists that are done."""
    stock: list[BinStock] = []
    for item in items:
        place = _place(work, node, item)
        stock += () if isinstance(place, str) else place
    if not stock:
        return [], []
    lists, done = open_lists(work, node)
    taken: dict[tuple[str, str, str], int] = {}
    for listed, counted in lists:
        for row in () if listed.id in apart else counted.rows:
            at = (row.bin, row.item, row.lot)
            taken[at] = taken.get(at, 0) + counted.open(row.row)
    left = []
    for shelf in stock:
        at = (shelf.bin, shelf.item, shelf.lot)
        gone = min(shelf.units, taken.get(at, 0))
        taken[at] = taken.get(at, 0) - gone
        if shelf.units > gone:
            left.append(evolve(shelf, units=shelf.units - gone))
    return left, done


def _nothing_found(order: str, shortages: Sequence[PickShortage]) -> Refused:
    items = ", ".join(repr(shortage.item) for shortage in shortages)
    facts = {"order": order, "items": [shortage.item for shortage in shortages]}
    return Refused(order, Reason("batching.no_bin", f"order {order!r}: no bin holds {items}", facts))


def _with_room(
    work: Work, node: str, cutoffs: Iterable[CarrierCutOff], apart: Collection[str] = ()
) -> list[CarrierCutOff]:
    """The cut-offs that are still to come, with the room that earlier plans have left in them."""
    left = []
    for cutoff in cutoffs:
        if cutoff.at <= work.now:
            continue
        # A cut-off of the same name on another day is another one.
        at = stamp(cutoff.at)
        found = work.txn.find("pick_list", f"wave:{joined(node, cutoff.id, ':')}", after=(at, ""), upto=at)
        rows = [row for _, id_ in found if id_ not in apart for row in work.load("pick_list", id_).rows]
        orders = _less(cutoff.orders_max, len({row.order for row in rows}))
        units = _less(cutoff.units_max, sum(row.units for row in rows))
        if orders != 0 and units != 0:
            left.append(evolve(cutoff, orders_max=orders, units_max=units))
    return left


def _less(room: int | None, used: int) -> int | None:
    return None if room is None else max(0, room - used)


def _unbegun(work: Work, lists: Sequence[PickList], started: Collection[str]) -> list[PickList]:
    """The lists that nobody has begun; an order that is on a list that has been begun stays on all of its."""
    begun = {listed.id for listed in lists if listed.id in started or _is_begun(work, listed)}
    while True:
        busy = {row.order for listed in lists if listed.id in begun for row in listed.rows}
        more = {listed.id for listed in lists if listed.id not in begun and any(r.order in busy for r in listed.rows)}
        if not more:
            return [listed for listed in lists if listed.id not in begun]
        begun |= more


def _is_begun(work: Work, listed: PickList) -> bool:
    orders = {row.order for row in listed.rows}
    return bool(work.txn.events("pick_list", listed.id)) or any(
        work.load("fulfillment", id_).state != "open" for id_ in sorted(orders)
    )


def _release(work: Work, node: str) -> int:
    """How many plans a node has had."""
    known: int | None = work.find("release", node)
    # Plans were told apart by the batches before them, once: numbers go on from there.
    return work.count("pick_task", f"node:{node}") if known is None else known


def within(limits: Carts | Mode, totes: Sequence[str]) -> Carts | Mode:
    """Limits of carts that carry no more totes than there are names for."""
    if isinstance(limits, Limits):
        return within_totes(limits, totes)
    if isinstance(limits, Mode):
        own = limits.limits
        if isinstance(own, Limits):
            return evolve(limits, limits=within_totes(own, totes))
        return evolve(limits, limits=tuple(evolve(cart, limits=within_totes(cart.limits, totes)) for cart in own))
    if not limits or not isinstance(limits, Sequence) or not all(isinstance(cart, Cart) for cart in limits):
        raise DefinitionError(
            f"limits are Limits(orders_max=12) or their like, several Cart or a Mode, not {shown(limits)}"
        )
    return [evolve(cart, limits=within_totes(cart.limits, totes)) for cart in limits]


def within_totes(limits: Limits, totes: Sequence[str]) -> Limits:
    """The same for one kind of cart."""
    if not totes:
        return limits
    return evolve(limits, totes_max=min(len(totes), limits.totes_max or len(totes)))


# -- plan --------------------------------------------------------------------------------------------------------------


def planned(waiting: Waiting, limits: Carts | Mode, **options: Any) -> BatchPlan:
    """The batches of what waits; nothing of it is kept yet."""
    floor = waiting.floor
    if isinstance(limits, Mode):
        mode, limits = limits, limits.limits
        options |= {"method": mode.method, "rule": mode.rule, "steps_max": mode.steps_max, "seed": mode.seed}
    if floor is _NO_FLOOR:
        # Where every walk is unknown, no order of batches is better than first come, first served.
        told = ("same_item_min", "zones")
        options = {name: options[name] for name in told if name in options} | {"method": "first_come"}
    made = release(waiting.orders, floor, limits, cutoffs=waiting.cutoffs, **options)
    return evolve(made, refused=(*waiting.refused, *made.refused))


def planned_by_due(waiting: Waiting, limits: Limits, shift: Shift, **options: Any) -> DuePlan:
    """The same against the clock: batches for a shift's pickers, late as little as can be."""
    made = plan_due(waiting.orders, waiting.floor, limits, shift, **options)
    return evolve(made, plan=evolve(made.plan, refused=(*waiting.refused, *made.plan.refused)))


# -- keep --------------------------------------------------------------------------------------------------------------


def keep(
    work: Work,
    waiting: Waiting,
    made: BatchPlan,
    limits: Carts | Mode,
    *,
    started: Collection[str] = (),
    totes: Sequence[str] = (),
) -> BatchPlan:
    """Write down the batches of what is as it was read, and take apart the lists that this plan replaces."""
    limits = limits.limits if isinstance(limits, Mode) else limits
    carts = {"": limits} if isinstance(limits, Limits) else {cart.id: cart.limits for cart in limits}
    node, release_ = waiting.node, _release(work, waiting.node)
    put_away(work, waiting.done)
    gone = _changed(work, waiting, made)
    # Whatever was begun meanwhile stays on its list.
    lists = [work.load("pick_list", id_) for id_ in waiting.apart]
    apart = _unbegun(work, [listed for listed in lists if listed.rows], started)
    replaced = {listed.id for listed in apart}
    for listed in lists:
        if listed.id not in replaced:
            gone |= {row.order: "is on a list that was begun" for row in listed.rows}
    _take_apart(work, apart)
    if release_ != waiting.release:
        gone |= _crowded_out(work, waiting, made, gone)
    kept = _without(made, gone, waiting.floor)
    prefix = f"{node}-w{release_ + 1}-b"
    kept = evolve(kept, batches=tuple(evolve(b, id=f"{prefix}{n}") for n, b in enumerate(kept.batches, 1)))
    if kept.batches or apart:
        work.save("release", node, release_ + 1)
    _write(work, waiting, kept, totes, carts)
    return kept


def keep_by_due(work: Work, waiting: Waiting, made: DuePlan, limits: Limits, **options: Any) -> DuePlan:
    """The same with the shift's tasks; one whose batch lost an order meanwhile keeps its times."""
    plan = keep(work, waiting, made.plan, limits, **options)
    kept = {batch.orders[0]: batch.id for batch in plan.batches}
    ids = {b.id: kept[first] for b in made.plan.batches if (first := next((o for o in b.orders if o in kept), ""))}
    tasks = tuple(evolve(task, batch=ids[task.batch]) for task in made.tasks if task.batch in ids)
    picked = {id_ for batch in plan.batches for id_ in batch.orders}
    late = {id_: late_s for id_, late_s in made.late_s.items() if id_ in picked}
    weights = {order.id: 1 + max(0, order.priority) for order in waiting.orders}
    return DuePlan(plan, tasks, late, sum(late_s * weights[id_] for id_, late_s in late.items()))


def _changed(work: Work, waiting: Waiting, made: BatchPlan) -> dict[str, str]:
    """The fulfillments in a plan that are no longer as they were read, and what they are now."""
    gone = {}
    for id_ in dict.fromkeys(id_ for batch in made.batches for id_ in batch.orders):
        if work.version("fulfillment", id_) != waiting.versions[id_]:
            now: Fulfillment = work.load("fulfillment", id_)
            gone[id_] = f"was put on list {now.batch}" if now.batch else f"was changed and is {now.state}"
    return gone


def _crowded_out(work: Work, waiting: Waiting, made: BatchPlan, gone: Collection[str]) -> dict[str, str]:
    """The fulfillments for which another plan, kept meanwhile, left no room in their wave or no units in their bins."""
    left: dict[tuple[str, str, str], int] = {}
    for shelf in stock_left(work, waiting.node, waiting.items)[0]:
        at = (shelf.bin, shelf.item, shelf.lot)
        left[at] = left.get(at, 0) + shelf.units
    room = {cutoff.id: _space(cutoff) for cutoff in _with_room(work, waiting.node, waiting.cutoffs or ())}
    orders = {order.id: order for order in waiting.orders}
    crowded: dict[str, str] = {}
    for id_, wave in {id_: batch.wave for batch in made.batches for id_ in batch.orders if id_ not in gone}.items():
        takes: dict[tuple[str, str, str], int] = {}
        for line in orders[id_].lines:
            if line.item in waiting.items:
                at = (line.bin, line.item, line.lot)
                takes[at] = takes.get(at, 0) + line.units
        orders_max, units_max = room.get(wave, (0, 0)) if wave else _space(None)
        if any(n > left.get(at, 0) for at, n in takes.items()):
            crowded[id_] = "wants units of a bin that another list takes now"
        elif orders_max < 1 or units_max < orders[id_].units:
            crowded[id_] = f"has no room in wave {wave} any more"
        else:
            left |= {at: left[at] - n for at, n in takes.items()}
            room[wave] = (orders_max - 1, units_max - orders[id_].units)
    return crowded


def _space(cutoff: CarrierCutOff | None) -> tuple[int, int]:
    """How many orders and units a wave takes."""
    orders, units = (cutoff.orders_max, cutoff.units_max) if cutoff else (None, None)
    return (_UNBOUND if orders is None else orders, _UNBOUND if units is None else units)


def _without(made: BatchPlan, gone: Mapping[str, str], floor: Any) -> BatchPlan:
    """The plan without some fulfillments; the walk of a batch that had one of them is drawn anew."""
    planned = {id_ for batch in made.batches for id_ in batch.orders}
    left = [id_ for id_ in gone if id_ in planned]
    if not left:
        return made
    batches = [fewer for batch in made.batches if (fewer := _fewer(batch, gone, floor, made.rule)).orders]
    refused = [
        Refused(id_, Reason(CHANGED, f"{id_} {gone[id_]}: left for the next plan", {"order": id_})) for id_ in left
    ]
    distance = sum(batch.tour.length_mm for batch in batches)
    # What was proven of all of them is not proven of fewer.
    return evolve(
        made, batches=tuple(batches), refused=(*made.refused, *refused), distance_mm=distance, lower_bound_mm=None
    )


def _fewer(batch: Batch, gone: Collection[str], floor: Any, rule: str) -> Batch:
    orders = tuple(id_ for id_ in batch.orders if id_ not in gone)
    if len(orders) in (0, len(batch.orders)):
        return batch if orders else evolve(batch, orders=())
    lines = [line for line in batch.lines if line.order not in gone]
    tour = floor.tour([line.bin for line in lines], rule)
    place = {bin_id: at for at, bin_id in enumerate(tour.stops)}
    return evolve(batch, orders=orders, lines=tuple(sorted(lines, key=lambda line: place[line.bin])), tour=tour)


def _take_apart(work: Work, lists: Sequence[PickList]) -> None:
    """Withdraw lists: their fulfillments are open again."""
    for listed in lists:
        for id_ in dict.fromkeys(row.order for row in listed.rows):
            work.asked_of_wms(work.load("fulfillment", id_), {})
            work.save_fulfillment(evolve(work.load("fulfillment", id_), batch=""))
        work.save("pick_list", listed.id, evolve(listed, rows=(), shortages=(), totes={}, together={}), {})
        task: PickTask = work.load("pick_task", listed.id)
        work.save("pick_task", listed.id, evolve(task, fulfillments=()), {f"node:{task.node}": listed.id})


def _write(work: Work, waiting: Waiting, made: BatchPlan, totes: Sequence[str], carts: Mapping[str, Limits]) -> None:
    """Write the batches down: a task and a list for each, and on each fulfillment the batch it is in."""
    node, floor = waiting.node, waiting.floor
    leaving = {cutoff.id: cutoff.at for cutoff in waiting.cutoffs or ()}
    batches_of: dict[str, list[str]] = {}
    for batch in made.batches:
        for id_ in batch.orders:
            batches_of.setdefault(id_, []).append(batch.id)
    told: set[str] = set()
    length = floor.measure(made.rule)
    for batch in made.batches:
        for id_ in batch.orders:
            work.save_fulfillment(evolve(work.load("fulfillment", id_), batch=batches_of[id_][0]))
        alone = {id_: floor.cover(line.bin for line in batch.lines if line.order == id_) for id_ in batch.orders}
        walk_mm, alone_mm = batch.tour.length_mm, sum(length(cover) for cover in alone.values())
        task = PickTask(batch.id, node, batch.orders, work.now, walk_mm, alone_mm, len(batch.tour.stops))
        work.save("pick_task", batch.id, task, {f"node:{node}": batch.id, "all": batch.id})
        mine = [lack for lack in waiting.shortages if lack.order in batch.orders and lack.order not in told]
        told.update(batch.orders)
        names = {line.item: title for line in batch.lines if (title := work.item(line.item).name)}
        others = {id_: tuple(b for b in batches_of[id_] if b != batch.id) for id_ in batch.orders}
        tote_volume = carts[batch.cart].tote_volume
        listed = batch.pick_list(names=names, totes=totes, tote_volume=tote_volume, shortages=mine)
        together = {id_: ids for id_, ids in others.items() if ids}
        listed = evolve(listed, together=together, leaves_at=leaving.get(batch.wave))
        save_list(work, listed, done=False)
        work.emit("wms.pick", batch.id, node, node=node, list=listed)
