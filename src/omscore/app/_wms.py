"""What warehouse systems tell: each message once, in any order, as far as holds and what was asked for allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import evolve

from omscore import inventory
from omscore.app import _counts, _floor
from omscore.app._floor_tally import unscanned
from omscore.app._track import mismatch, settled
from omscore.app._work import Work
from omscore.errors import Reason
from omscore.inventory import Cell
from omscore.kernel.ids import joined
from omscore.orders import Fulfillment, Order
from omscore.ports import WmsMessage
from omscore.shipping import FloorReport

# -- in ----------------------------------------------------------------------------------------------------------------


def take(work: Work, message: WmsMessage) -> list[str]:
    """Do what a message means; returns the ids of the mismatches that it brought to light."""
    notes = _Notes(work, message.node)
    notes.settled(message.id, "wms.refused")
    if message.kind == "counted":
        _counted(work, message, notes)
        return notes.ids
    fulfillment: Fulfillment | None = work.find("fulfillment", message.fulfillment)
    if fulfillment is None or fulfillment.node != message.node:
        where = "unknown" if fulfillment is None else f"at {fulfillment.node}"
        notes.add(message.id, "wms.unknown_fulfillment", "", f"fulfillment {message.fulfillment} is {where}")
        return notes.ids
    report = work.find("floor_report", fulfillment.id) or FloorReport(fulfillment.id, fulfillment.node)
    units = _known_units(work, message, fulfillment, notes)
    _save(work, report.told(message.kind, units, message.parcels, message.tracking, message.carrier), settled=False)
    settle(work, fulfillment.id, notes)
    return notes.ids


def refused(work: Work, node: str, id_: str, why: str, told: str, message: WmsMessage | None = None) -> None:
    """A message could not be taken: a person looks, until it is told again and taken."""
    fulfillment: Fulfillment | None = work.find("fulfillment", message.fulfillment) if message else None
    facts = {"message": id_, "kind": message.kind if message else "", "says": told}
    order = fulfillment.order if fulfillment else ""
    _Notes(work, node).add(id_, "wms.refused", order, f"{node} told {id_}, which was refused: {why}", **facts)


class _Notes:
    """The mismatches that a node's message brings to light, or settles."""

    def __init__(self, work: Work, node: str) -> None:
        self.work = work
        self.node = node
        self.ids: list[str] = []

    def add(self, id_: str, code: str, order: str, text: str, **facts: object) -> None:
        name = self._name(id_, code)
        mismatch(self.work, name, self.node, code, order, text, **facts)
        self.ids.append(name)

    def settled(self, id_: str, code: str) -> None:
        settled(self.work, self._name(id_, code))

    def _name(self, id_: str, code: str) -> str:
        return f"{joined(self.node, id_, ':')}:{code}"


def _known_units(work: Work, message: WmsMessage, fulfillment: Fulfillment, notes: _Notes) -> dict[str, int]:
    """The units of a message by item, without items that the order does not have."""
    order = work.order(fulfillment.order)
    items = {line.item for line in order.lines}
    units: dict[str, int] = {}
    for row in message.rows:
        if row.item not in items:
            text = f"{message.node} {message.kind} {row.units} of {row.item}, which {order.id} does not have"
            id_ = joined(message.id, row.item, ":")
            notes.add(id_, "wms.unknown_item", order.id, text, item=row.item, units=row.units)
            continue
        _check_bin(work, message, row.item, row.bin, order.id, notes)
        units[row.item] = units.get(row.item, 0) + row.units
    return units


def _check_bin(work: Work, message: WmsMessage, item: str, bin_: str, order: str, notes: _Notes) -> None:
    where = work.wiring.bins.get((message.node, item), "")
    known = [where] if isinstance(where, str) else [shelf.bin for shelf in where]
    if bin_ and any(known) and bin_ not in known:
        text = f"{message.node} names bin {bin_} for {item}, which lies in {', '.join(known)}"
        notes.add(joined(item, bin_, ":"), "wms.unknown_bin", order, text, item=item, bin=bin_, known=known)


def unsettled(work: Work) -> list[str]:
    """The fulfillments of which more was told than could be done."""
    return list(work.every("floor_report", "unsettled"))


def settle(work: Work, fulfillment_id: str, notes: _Notes | None = None) -> None:
    """Bring a fulfillment to where its report says it is, as far as holds and the units asked for allow."""
    report: FloorReport = work.load("floor_report", fulfillment_id)
    notes = notes or _Notes(work, report.node)
    fulfillment: Fulfillment = work.load("fulfillment", fulfillment_id)
    order = work.order(fulfillment.order)
    if reasons := _stopped(work, order, fulfillment, report):
        _stop(notes, report, order, reasons)
        return
    _pick(work, report)
    report = _short(work, report)
    fulfillment = work.load("fulfillment", fulfillment_id)
    _excess(order, fulfillment, report, notes)
    if fulfillment.state in ("open", "picking") and _covers(report.packed_of, fulfillment):
        if reasons := unscanned(work, fulfillment):
            _save(work, report, settled=False)
            _stop(notes, report, order, reasons)
            return
        _floor.pack(work, fulfillment_id)
    notes.settled(fulfillment_id, "wms.stopped")
    shipped = report.shipped
    if fulfillment.state in ("open", "picking", "packed") and _covers(lambda item: shipped.get(item, 0), fulfillment):
        _floor.ship(work, fulfillment_id, report.parcels, carrier=report.carrier, tracking=report.tracking)
    _less(work, report, notes)


def _stop(notes: _Notes, report: FloorReport, order: Order, reasons: Sequence[Reason]) -> None:
    text = f"{report.node} works on {report.fulfillment}, which is stopped: {'; '.join(map(str, reasons))}"
    notes.add(report.fulfillment, "wms.stopped", order.id, text)


def _stopped(work: Work, order: Order, fulfillment: Fulfillment, report: FloorReport) -> list[Reason]:
    """Why nothing may be done now: what was told is kept, and done once the order may go on."""
    if fulfillment.state in ("closed", "cancelled", "incomplete"):
        return []
    if order.state != "accepted":
        return [Reason("order.state", f"{order.id} is {order.state}")]
    if order.holds:
        return [Reason(f"hold.{hold.code}", f"held until {hold.code!r} is released") for hold in order.holds]
    verbs = ["pick", *(["pack", "ship"] if report.shipped else ["pack"] if report.packed else [])]
    units = {line.line: line.units for line in fulfillment.lines}
    return [reason for verb in verbs for reason in work.guarded(order, verb, units)]


def _pick(work: Work, report: FloorReport) -> None:
    fulfillment: Fulfillment = work.load("fulfillment", report.fulfillment)
    if fulfillment.state not in ("open", "picking"):
        return
    units: dict[str, int] = {}
    left = {item: report.picked_of(item) for item in {line.item for line in fulfillment.lines}}
    for line in fulfillment.lines:
        target = min(line.units, left[line.item])
        left[line.item] -= target
        if target > line.picked:
            units[line.line] = target - line.picked
    if units:
        _floor.pick(work, report.fulfillment, units)


def _short(work: Work, report: FloorReport) -> FloorReport:
    """Act upon missing units, the last line first, since picks fill the first."""
    fulfillment: Fulfillment = work.load("fulfillment", report.fulfillment)
    units: dict[str, int] = {}
    settled = dict(report.settled_short)
    if fulfillment.state in ("open", "picking"):
        for line in reversed(fulfillment.lines):
            missing = report.short.get(line.item, 0) - settled.get(line.item, 0)
            if n := min(missing, line.units - line.picked):
                units[line.line] = n
                settled[line.item] = settled.get(line.item, 0) + n
    if units:
        _floor.short_pick(work, report.fulfillment, units)
        report = evolve(report, settled_short=dict(sorted(settled.items())))
    _save(work, report, settled=True)
    return report


def _save(work: Work, report: FloorReport, *, settled: bool) -> None:
    work.find("floor_report", report.fulfillment)
    index = {} if settled else {"unsettled": report.fulfillment}
    work.save("floor_report", report.fulfillment, report, index)


def _covers(done: Callable[[str], int], fulfillment: Fulfillment) -> bool:
    asked = _asked(fulfillment)
    return bool(asked) and all(done(item) >= n for item, n in asked.items())


def _asked(fulfillment: Fulfillment) -> dict[str, int]:
    asked: dict[str, int] = {}
    for line in fulfillment.lines:
        asked[line.item] = asked.get(line.item, 0) + line.units
    return asked


def _excess(order: Order, fulfillment: Fulfillment, report: FloorReport, notes: _Notes) -> None:
    """More than was asked for, picked or missing: nothing moves for it, and a person looks where the goods are."""
    asked = _asked(fulfillment)
    for item in sorted({*report.picked, *report.packed, *report.shipped, *report.short}):
        done, missing = report.picked_of(item), report.short.get(item, 0) - report.settled_short.get(item, 0)
        told = done + missing
        if told > asked.get(item, 0):
            text = f"{report.node} told of {told} of {item} for {fulfillment.id}, asked for are {asked.get(item, 0)}"
            notes.add(
                joined(fulfillment.id, item, ":"),
                "wms.too_many",
                order.id,
                text,
                item=item,
                told=told,
                asked=asked.get(item, 0),
            )


def _less(work: Work, report: FloorReport, notes: _Notes) -> None:
    """Shipped in part, and not a word of the rest: open until the rest is told."""
    fulfillment: Fulfillment = work.load("fulfillment", report.fulfillment)
    if report.shipped and fulfillment.state in ("open", "picking", "packed"):
        short = {item: n - report.shipped.get(item, 0) for item, n in _asked(fulfillment).items()}
        rest = {item: n for item, n in short.items() if n > 0}
        text = f"{report.node} shipped {fulfillment.id} without {', '.join(f'{n} of {i}' for i, n in rest.items())}"
        notes.add(fulfillment.id, "wms.too_few", fulfillment.order, text, rest=rest)
    else:
        notes.settled(fulfillment.id, "wms.too_few")


def _counted(work: Work, message: WmsMessage, notes: _Notes) -> None:
    """A count of all units of items at the node; one that is older than the last changes nothing."""
    work.wiring.check_node(message.node)
    counted: dict[str, int] = {}
    for row in message.rows:
        _check_bin(work, message, row.item, row.bin, "", notes)
        counted[row.item] = counted.get(row.item, 0) + row.units
    when = message.at or work.now
    cells = {item: Cell(item, message.node) for item in counted}
    last = {item: inventory.seen(work.txn, cell) for item, cell in cells.items()}
    fresh = {item: n for item, n in counted.items() if (seen := last[item]) is None or when >= seen}
    for item, n in fresh.items():
        known = sum(_counts.there(shelf) for shelf in _counts.shelf(work, message.node, item).values())
        if n != known:
            text = f"{message.node} counted {n} of {item}, known are {known}"
            notes.add(joined(message.id, item, ":"), "wms.count_differs", "", text, item=item, counted=n, known=known)
    if fresh:
        _counts.count(work, message.node, fresh, when)
