"""Pick lists that are kept: printed, and worked off by scans at the bins and at the packing table."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

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

_LIVE = ("open", "picking")


def pick_list(work: Work, id_: str) -> PickList:
    """The list of a batch, or of a fulfillment; one that is in no batch is made a batch of its own at once."""
    if known := known_list(work, id_):
        return known
    fulfillment: Fulfillment = work.load("fulfillment", id_)
    if fulfillment.state not in _LIVE:
        text = f"{id_} is {fulfillment.state}: there is nothing to pick for it"
        raise CommandRefused([Reason("pick.nothing_open", text, {"state": fulfillment.state})])
    alone = _floor_plans.waiting(work, fulfillment.node, [fulfillment])
    made = _floor_plans.planned(alone, Limits(), method="first_come")
    if made.refused:
        raise CommandRefused([refused.reason for refused in made.refused])
    listed: PickList = work.load("pick_list", _floor_plans.keep(work, alone, made, Limits()).batches[0].id)
    return listed


def known_list(work: Work, id_: str) -> PickList | None:
    """The list of a batch, or of the batch a fulfillment is in, as it is to be worked off now; None for one in none.

    Raises NotFound for what is neither.
    """
    fulfillment: Fulfillment | None = work.find("fulfillment", id_)
    if fulfillment is not None and not fulfillment.batch:
        return None
    listed: PickList = work.load("pick_list", id_ if fulfillment is None else fulfillment.batch)
    wanted = {row.row: row.units for row in tally(work, listed.id).rows}
    # What is packed or gone is history: its rows stand as they were.
    states = {row.order: work.load("fulfillment", row.order).state for row in listed.rows}
    now = [
        evolve(row, units=wanted[row.row]) if states[row.order] in (*_LIVE, "cancelled") else row for row in listed.rows
    ]
    return evolve(listed, rows=tuple(row for row in now if row.units))


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
