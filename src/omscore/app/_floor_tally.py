"""How far the work on a pick list is: a fold of its events over rows that ask for what is still wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from attrs import evolve

from omscore.app._work import Work
from omscore.batching import PickList, PickRow, Tally, apply_scans, pack_tally
from omscore.errors import Reason
from omscore.kernel import stamp
from omscore.kernel.ids import joined
from omscore.orders import Fulfillment, PickTask

Table = Literal["pick", "pack"]
"""Where a scan is made: at the bins, or at the packing table."""

LOGS: Mapping[str, str] = {"pick": "pick_list", "pack": "packing"}
"""The log that the events of each are kept in."""


def tally(work: Work, list_id: str, at: Table = "pick") -> Tally:
    """Where the work on a list stands, folded from its events; rows ask for no more than its orders still want."""
    listed: PickList = work.load("pick_list", list_id)
    picked = apply_scans(Tally(listed.rows), _events(work, list_id, "pick"))
    picked = Tally(tuple(_still_wanted(work, picked)), picked.events)
    return picked if at == "pick" else apply_scans(pack_tally(picked), _events(work, list_id, "pack"))


def _events(work: Work, list_id: str, at: Table) -> list[Any]:
    return [logged.event for logged in work.txn.events(LOGS[at], list_id)]


def _still_wanted(work: Work, picked: Tally) -> Iterable[PickRow]:
    """The rows, the last of a line first without the units that were cancelled or picked without a scan since."""
    over: dict[tuple[str, str], int] = {}
    for row in picked.rows:
        over[row.order, row.line] = over.get((row.order, row.line), 0) + picked.open(row.row)
    for order in dict.fromkeys(row.order for row in picked.rows):
        fulfillment: Fulfillment = work.load("fulfillment", order)
        live = fulfillment.state in ("open", "picking")
        for line in fulfillment.lines:
            if live and (order, line.line) in over:
                over[order, line.line] -= line.units - line.picked
    rows = []
    for row in reversed(picked.rows):
        less = max(0, min(picked.open(row.row), over[row.order, row.line]))
        over[row.order, row.line] -= less
        rows.append(evolve(row, units=row.units - less) if less else row)
    return reversed(rows)


# -- lists -------------------------------------------------------------------------------------------------------------


def save_list(work: Work, listed: PickList, *, done: bool) -> None:
    """Write a list down; it is found at its node until it is done, by its wave and by its fulfillments."""
    task: PickTask = work.load("pick_task", listed.id)
    index = {f"of:{row.order}": listed.id for row in listed.rows}
    if listed.wave:
        index[f"wave:{joined(task.node, listed.wave, ':')}"] = stamp(listed.leaves_at or work.now)
    if not done:
        index[f"open:{task.node}"] = stamp(task.planned_at or work.now)
    work.save("pick_list", listed.id, listed, index)


def open_lists(work: Work, node: str) -> tuple[list[tuple[PickList, Tally]], list[str]]:
    """The lists of a node that have something left to do, and those that were worked off without the list's scans."""
    found, done = [], []
    for id_ in work.every("pick_list", f"open:{node}"):
        counted = tally(work, id_)
        if counted.is_done:
            done.append(id_)
        else:
            found.append((work.load("pick_list", id_), counted))
    return found, done


def put_away(work: Work, done: Iterable[str]) -> None:
    """Write down that lists are done, so that nobody looks for them again."""
    for id_ in done:
        save_list(work, work.load("pick_list", id_), done=True)


def unscanned(work: Work, fulfillment: Fulfillment) -> list[Reason]:
    """Why to pack must wait: what was begun to be scanned is not through, at the bins or at the packing table."""
    for list_id in [id_ for _, id_ in work.txn.find("pick_list", f"of:{fulfillment.id}")]:
        if _events(work, list_id, "pick"):
            left = {line.line: n for line in fulfillment.lines if (n := line.units - line.picked)}
            if left:
                named = ", ".join(f"{n} of line {line}" for line, n in left.items())
                text = f"{fulfillment.id} is not picked in full: {named} left; scan them or report them short"
                return [Reason("pack.not_picked", text, {"list": list_id, "left": left})]
        if _events(work, list_id, "pack"):
            packing = tally(work, list_id, "pack")
            rows = [row for row in packing.rows if row.order == fulfillment.id and packing.open(row.row)]
            if rows:
                named = ", ".join(f"{packing.open(row.row)} of {row.item!r} from tote {row.tote}" for row in rows)
                text = f"{fulfillment.id} is not verified: {named} still to be scanned at the packing table"
                return [Reason("pack.not_verified", text, {"list": list_id})]
    return []
