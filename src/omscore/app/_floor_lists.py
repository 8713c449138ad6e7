"""Pick lists that are kept: printed, and worked off by scans at the bins and at the packing table."""

from __future__ import annotations

from collections.abc import Sequence

from omscore.app import _floor, _floor_plans
from omscore.app._floor_tally import LOGS, Table, put_away, save_list, tally
from omscore.app._work import Work
from omscore.batching import (
    Barcodes,
    Floor,
    Limits,
    PickList,
    Scan,
    Scanned,
    Short,
    ShortPick,
    Tally,
    apply_scans,
    decide_scan,
    decide_short,
)
from omscore.errors import CommandRefused, Reason
from omscore.orders import Fulfillment, PickTask


def pick_list(work: Work, id_: str) -> PickList:
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
        alone = _floor_plans.waiting(work, fulfillment.node, [fulfillment])
        made = _floor_plans.planned(alone, Limits(), method="first_come")
        if made.refused:
            raise CommandRefused([refused.reason for refused in made.refused])
        batch = _floor_plans.keep(work, alone, made, Limits()).batches[0].id
    made_or_found: PickList = work.load("pick_list", batch)
    return made_or_found


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
        save_list(work, work.load("pick_list", list_id), done=tally(work, list_id).is_done)
        return events
    units: dict[str, dict[str, int]] = {}
    for event in events:
        if event.counts:
            mine = units.setdefault(event.order, {})
            mine[event.line] = mine.get(event.line, 0) + event.units
    for order, lines in units.items():
        _floor.pick(work, order, lines)
    # Written even when nothing counts: two who scan at once meet in the list's version, in every store.
    save_list(work, work.load("pick_list", list_id), done=apply_scans(before, events).is_done)
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
        stock, done = _floor_plans.stock_left(work, task.node, [event.item])
        put_away(work, done)
        elsewhere = any(shelf.bin != event.bin for shelf in stock)
        missing = {event.line: event.missing}
        _floor.short_pick(work, event.order, missing, backorder=backorder, leave_out=not elsewhere)
    save_list(work, work.load("pick_list", list_id), done=apply_scans(before, events).is_done)
    return events


def _write(work: Work, list_id: str, events: Sequence[Scanned | ShortPick], at: Table, by: str) -> None:
    work.txn.append(LOGS[at], list_id, events, cause=work.cause, actor=by)


def _book(work: Work, counted: Tally) -> Barcodes:
    book = work.wiring.barcodes
    return book if book is not None else Barcodes.of(work.item(sku) for sku in {row.item for row in counted.rows})
