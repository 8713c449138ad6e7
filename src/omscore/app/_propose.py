"""Propose: one open set of changes for each order, looked at as long as needed, then confirmed or discarded."""

from __future__ import annotations

from collections.abc import Sequence

from omscore.app._edit import edit, look
from omscore.app._work import Work
from omscore.errors import CommandRefused, Conflict, InsufficientStock, Reason, Shortage
from omscore.kernel import stamp
from omscore.orders import Change, ChangeSet, Order


def propose(work: Work, order_id: str, changes: Sequence[Change], why: str) -> str:
    """Write changes down that could be made now; a set that the order has gone on without gives way."""
    version = work.version("order", order_id)
    for known in list(work.all("change_set", f"open:{order_id}")):
        if known.version == version:
            text = f"{known.id} is open for {order_id}; confirm or discard it first"
            raise CommandRefused([Reason("edit.open", text, {"change_set": known.id})])
        _save(work, known.ended("lapse", work.now, f"the order is at version {version}"))
    look(work, order_id, changes)
    number = work.count("change_set", f"order:{order_id}") + 1
    made = ChangeSet(f"{order_id}-e{number}", order_id, version, tuple(changes), why, proposed_at=work.now)
    _save(work, made)
    return made.id


def confirm(work: Work, change_set_id: str, *, backorder: bool) -> str:
    """Make the changes of a set, if the order is still the one they were proposed for and what they add is there."""
    value: ChangeSet = work.load("change_set", change_set_id)
    ended = value.ended("confirm", work.now)
    is_at = work.version("order", value.order)
    if is_at != value.version:
        text = f"order {value.order!r} is at version {is_at}, {value.id} is for {value.version}"
        raise Conflict(f"{text}; propose the changes anew")
    before = work.order(value.order)
    edit(work, value.order, value.changes, value.why, value.version)
    if not backorder and (missing := _missing(before, work.order(value.order))):
        raise InsufficientStock(missing)
    _save(work, ended)
    return value.order


def discard(work: Work, change_set_id: str, note: str) -> str:
    """Drop a set of changes; the order stays as it is."""
    value: ChangeSet = work.load("change_set", change_set_id)
    _save(work, value.ended("discard", work.now, note))
    return change_set_id


def _missing(before: Order, after: Order) -> list[Shortage]:
    """What nobody has of the units that came on top, by item."""
    asked: dict[str, int] = {}
    short: dict[str, int] = {}
    for line in after.lines:
        if line.id not in before.units:
            asked[line.item] = asked.get(line.item, 0) + after.units[line.id].ordered
            short[line.item] = short.get(line.item, 0) + after.units[line.id].backordered
    return [Shortage(item, asked[item], asked[item] - n) for item, n in sorted(short.items()) if n]


def _save(work: Work, value: ChangeSet) -> None:
    """Write a set and log it as it stands; found by its order, and while it is open."""
    index = {f"order:{value.order}": stamp(value.proposed_at or work.now)}
    if value.state == "open":
        index[f"open:{value.order}"] = value.id
    work.txn.append("change_set", value.id, [value], cause=work.cause, actor=work.actor)
    work.save("change_set", value.id, value, index)
