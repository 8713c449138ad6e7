"""One unit of work: a transaction, the wiring, and the loading and saving that every stage needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from omscore.app._loads import count_load
from omscore.app._wiring import Wiring
from omscore.errors import CommandRefused, NotFound, Reason
from omscore.inventory import Cell, Selector, available, held_lots
from omscore.kernel import Item, stamp
from omscore.kernel.given import text
from omscore.kernel.ids import joined
from omscore.orders import (
    Command,
    Event,
    Fulfillment,
    InWorkflow,
    Order,
    Queued,
    Workflow,
    apply,
    decide,
    guarded_verb,
    likeness,
)
from omscore.ports import Effect, Transaction
from omscore.returns import Return
from omscore.shipping import Shipment

T = TypeVar("T")


class Work:
    """A transaction with what the stages do over and over: load, decide, apply, save, tell.

    >>> Work.__name__
    'Work'
    """

    def __init__(self, txn: Transaction, wiring: Wiring, cause: str, actor: str = "") -> None:
        self.txn = txn
        self.wiring = wiring
        self.cause = cause
        self.actor = actor
        self.now = txn.now()
        # What this unit of work has read or written: nobody else writes while it runs, so it is read once.
        self._versions: dict[tuple[str, str], int] = {}
        self._values: dict[tuple[str, str], Any] = {}

    # -- records -------------------------------------------------------------------------------------------------------

    def find(self, kind: str, id_: str) -> Any | None:
        """A record's value, or None."""
        if not isinstance(id_, str):
            text(f"{kind.replace('_', ' ')} id", id_)
        at = (kind, id_)
        if at not in self._values:
            stored = self.txn.get(kind, id_)
            self._versions[at] = stored.version if stored else 0
            self._values[at] = stored.value if stored else None
        return self._values[at]

    def version(self, kind: str, id_: str) -> int:
        """How often a record was written; 0 when there is none."""
        self.find(kind, id_)
        return self._versions[kind, id_]

    def load(self, kind: str, id_: str) -> Any:
        """A record's value; raises NotFound."""
        value = self.find(kind, id_)
        if value is None:
            raise NotFound(kind, id_)
        return value

    def save(self, kind: str, id_: str, value: Any, index: Mapping[str, str] | None = None) -> None:
        """Write a record that was loaded by this unit of work, or a new one."""
        version = self._versions.get((kind, id_), 0)
        self.txn.put(kind, id_, value, version=version, index=index)
        self._versions[kind, id_] = version + 1
        self._values[kind, id_] = value

    def all(self, kind: str, index: str) -> Iterator[Any]:
        """The records of an index, in its order."""
        for id_ in self.every(kind, index):
            yield self.load(kind, id_)

    def every(self, kind: str, index: str, *, since: str = "", upto: str | None = None) -> Iterator[str]:
        """The ids of an index from one text to another, page by page, so that none is left out."""
        after = (since, "")
        while page := self.txn.find(kind, index, after=after, upto=upto, limit=1_000):
            for after in page:
                yield after[1]

    # -- orders --------------------------------------------------------------------------------------------------------

    def order(self, id_: str) -> Order:
        """An order; raises NotFound."""
        result: Order = self.load("order", id_)
        return result

    def tell(self, order: Order | None, *commands: Command) -> Order:
        """Decide commands one after the other, apply their events, log and save; returns the order after them."""
        events: list[Event] = []
        for command in commands:
            if order is not None and (asked := guarded_verb(command)) and (why := self.guarded(order, *asked)):
                raise CommandRefused(why)
            for event in decide(order, command, self.now):
                order = apply(order, event)
                events.append(event)
        assert order is not None  # noqa: S101 - the first command of a new order is Capture
        if events:
            self.txn.append("order", order.id, events, cause=self.cause, actor=self.actor)
            index = _order_index(order, self.now)
            if self.wiring.duplicates_within is not None:
                index[f"like:{likeness(order.draft)}"] = stamp(order.captured_at)
            self.save("order", order.id, order, index)
        return order

    def guarded(self, order: Order, verb: str, units: Mapping[str, int]) -> list[Reason]:
        """Why the host's workflows and guards do not let an order do a verb now."""
        found = [
            reason
            for flow in self.wiring.workflows
            if flow.applies(order)
            for reason in flow.reasons(self.standing(flow, order.id), verb)
        ]
        return found + [reason for guard in self.wiring.guards for reason in guard(order, verb, units)]

    def standing(self, flow: Workflow, order_id: str) -> str:
        """The state of an order in a workflow; an order that nobody took on stands in the first."""
        known: InWorkflow | None = self.find("workflow", joined(flow.name, order_id, ":"))
        return known.state if known else flow.table.initial

    def queue(self, order: Order, **changes: Any) -> None:
        """Put an order into routing's queue, or change how it stands there."""
        old = self.find("queue", order.id)
        facts = (
            {
                name: getattr(old, name)
                for name in ("attempts", "outcome", "note", "excluded", "parked_until", "rejections")
            }
            if old
            else {}
        )
        queued = Queued(order.id, **(facts | changes))
        index = {}
        if queued.due_at is not None:
            index["due"] = stamp(queued.due_at)
            if queued.note:
                index["given_back"] = stamp(queued.due_at)
            if order.draft.service in self.wiring.express:
                index["express"] = stamp(queued.due_at)
        if queued.outcome not in ("", "assigned", "cancelled"):
            index["outcome:" + queued.outcome] = stamp(order.captured_at)
            for line in order.lines:
                units = order.units[line.id]
                if units.open or units.reserved:
                    index[f"waits:{line.item}"] = stamp(order.captured_at)
        self.save("queue", order.id, queued, index)

    def coming(self, order: Order) -> Mapping[str, int]:
        """The backordered units by line that are on their way to a node already, and want nothing from stock."""
        return self.awaited(order.id) if order.totals.backordered else {}

    def awaited(self, order_id: str) -> Mapping[str, int]:
        """The units by line that an order's fulfillments await."""
        result: dict[str, int] = {}
        for fulfillment in self.fulfillments(order_id):
            for line in fulfillment.lines if fulfillment.state == "planned" else ():
                result[line.line] = result.get(line.line, 0) + line.awaited
        return result

    # -- fulfillments, shipments, returns ------------------------------------------------------------------------------

    def fulfillments(self, order: str) -> list[Fulfillment]:
        """The fulfillments of an order, oldest first."""
        return list(self.all("fulfillment", f"order:{order}"))

    def save_fulfillment(self, fulfillment: Fulfillment) -> None:
        """Write a fulfillment; open ones are found at their node, by when they are due.

        It counts towards its node's capacity; one that was offered is found by when the node is to answer.
        """
        if self.wiring.limited:
            count_load(self, fulfillment)
        index = {f"order:{fulfillment.order}": fulfillment.id}
        due = self._due(fulfillment)
        if fulfillment.negotiation == "offered" and fulfillment.state in ("planned", "open"):
            answer_by = "~" if fulfillment.answer_by is None else stamp(fulfillment.answer_by)
            index |= {"offered": answer_by, f"offered:{fulfillment.node}": answer_by}
        elif not fulfillment.batch and (since := self.waits_since(fulfillment)):
            index[f"to_batch:{fulfillment.node}"] = since
        for transfer_id in fulfillment.transfers:
            index[f"transfer:{transfer_id}"] = fulfillment.id
        if fulfillment.state == "planned" and fulfillment.transfers and fulfillment.comes_at is not None:
            index["awaits"] = stamp(fulfillment.comes_at)
        if fulfillment.state in ("open", "picking", "packed"):
            index[f"work:{fulfillment.node}"] = stamp(due)
        self._tell_wms(fulfillment)
        self.save("fulfillment", fulfillment.id, fulfillment, index)

    def waits_since(self, fulfillment: Fulfillment) -> str:
        """Where a fulfillment that is in no batch stands in the line to be batched; "" when it is not to be."""
        waits = fulfillment.state == "open" and fulfillment.negotiation != "offered"
        return stamp(self._due(fulfillment)) if waits else ""

    def _due(self, fulfillment: Fulfillment) -> datetime:
        return fulfillment.due_at or fulfillment.created_at or self.now

    def _tell_wms(self, after: Fulfillment) -> None:
        """When fewer units are asked for than a node's warehouse system was told of, it is told so."""
        before: Fulfillment | None = self.find("fulfillment", after.id)
        if before is None or not before.batch or after.units >= before.units:
            return
        asked: dict[str, int] = {}
        for line in after.lines:
            asked[line.item] = asked.get(line.item, 0) + line.units
        self.asked_of_wms(after, asked)

    def asked_of_wms(self, fulfillment: Fulfillment, units: Mapping[str, int]) -> None:
        """Tell a node's warehouse system what is still asked of a fulfillment, by item."""
        version = self.version("fulfillment", fulfillment.id) + 1
        facts = {"fulfillment": fulfillment.id, "units": dict(units), "version": version}
        self.emit("wms.change", f"{fulfillment.id}:{version}", fulfillment.node, node=fulfillment.node, **facts)

    def save_shipment(self, shipment: Shipment) -> None:
        """Write a shipment; found by order, by tracking number, and while it is on its way."""
        index = {f"order:{shipment.order}": shipment.id}
        for number in (*shipment.voided, *shipment.tracking):
            index[f"tracking:{number}"] = shipment.id
        if shipment.status == "labeled" and shipment.tracking and not shipment.manifest:
            index[f"to_manifest:{joined(shipment.node, shipment.carrier, ':')}"] = shipment.id
        if shipment.status in ("created", "labeled", "in_transit", "exception"):
            index["on_the_way"] = stamp(shipment.shipped_at or self.now)
            if shipment.promised_at is not None:
                index["promised"] = stamp(shipment.promised_at)
        if shipment.status in ("created", "labeled"):
            index["unscanned"] = stamp(shipment.status_at or shipment.shipped_at or self.now)
        if shipment.status in ("exception", "lost", "returned_to_sender"):
            index["trouble"] = stamp(shipment.status_at or self.now)
        self.save("shipment", shipment.id, shipment, index)

    def save_return(self, value: Return) -> None:
        """Write a return; found by order, and while it is expected."""
        index = {f"order:{value.order}": value.id}
        if value.state in ("expected", "receiving"):
            index["expected"] = stamp(value.opened_at or self.now)
        self.save("return", value.id, value, index)

    def count(self, kind: str, index: str) -> int:
        """How many records an index has."""
        return len(self.txn.find(kind, index, limit=100_000))

    # -- the world -----------------------------------------------------------------------------------------------------

    def done_to(self, id_: str) -> str:
        """An id for what this command does to a thing: no other command and thing make the same, whatever their ids."""
        return joined(id_, self.cause, ":")

    def emit(self, topic: str, id_: str, key: str = "", /, **payload: Any) -> None:
        """Put an effect into the outbox if somebody takes it.

        Effects of one key go in order within a port: a mail server that is down must not hold up labels and money.
        """
        port, _, _verb = topic.partition(".")
        taken = {
            "notify": self.wiring.notifier is not None,
            "carrier": bool(self.wiring.carriers),
            "channel": payload.get("channel") in self.wiring.channels,
            "payment": self.wiring.gateway is not None,
            "erp": self.wiring.erp is not None,
            "wms": payload.get("node") in self.wiring.wms,
        }
        if taken.get(port, False):
            self.txn.emit([Effect(f"{id_}:{topic}", topic, payload, key=f"{port}:{key}" if key else "")])

    def notify(self, notice: str, id_: str, order: Order, /, **payload: Any) -> None:
        """Have the customer told, if the channel's profile has this notice."""
        profile = self.wiring.profile(order.draft.channel)
        if notice in profile.notices or notice in profile.occasions:
            self.emit(f"notify.{notice}", id_, order.id, order=order.id, **payload)

    def floors(self, order: Order) -> Mapping[Cell, int]:
        """The free units to leave in each cell: the larger of everybody's buffer and the channel's own."""
        mine = self.wiring.profile(order.draft.channel).buffers
        if not mine:
            return self.wiring.buffers
        everybody = self.wiring.buffers
        return {cell: max(mine.get(cell, 0), everybody.get(cell, 0)) for cell in sorted({*mine, *everybody})}

    def select(self) -> Selector | None:
        """Which lots go first, and which may not be sold any more; None where the host does not say."""
        return None if self.wiring.lots is None else self.wiring.lots(self.now)

    def held(self, order: str, node: str, units: Iterable[tuple[str, int]], bucket: str) -> dict[Cell, int]:
        """Units of items that an order holds in a bucket at a node, by lot."""
        return held_lots(self.txn, order, cells_at(node, units), bucket)

    def selling(self) -> tuple[str, ...]:
        """The nodes whose stock orders may be promised."""
        return tuple(node.id for node in self.wiring.network.nodes if node.active and node.online)

    def available(self, item: str, floors: Mapping[Cell, int]) -> dict[str, int]:
        """Units of an item that an order could be promised now, by node."""
        selling, select = self.selling(), self.select()
        result: dict[str, int] = {}
        for cell, n in available(self.txn, item, floors=floors).items():
            if not cell.pool and cell.node in selling and (select is None or select(cell) is not None):
                result[cell.node] = result.get(cell.node, 0) + n
        return result

    def item(self, sku: str) -> Item:
        """What is known of an item; an unknown one has no weight and no tags."""
        return self.wiring.catalog.get(sku) or Item(sku)


def _order_index(order: Order, now: datetime) -> dict[str, str]:
    placed = stamp(order.captured_at)
    index = {f"state:{order.state}": placed, f"external:{order.draft.external_id}": placed}
    if order.holds:
        deadlines = [hold.until for hold in order.holds if hold.until is not None]
        index["held"] = stamp(min(deadlines)) if deadlines else "~"
        if any("(address." in hold.text for hold in order.holds):
            index["address_doubted"] = placed
    if order.state in ("captured", "accepted"):
        totals = order.totals
        if totals.backordered:
            index["short"] = placed
        if totals.open + totals.reserved + totals.allocated + totals.picked + totals.packed:
            # When something happened to it last: what has been quiet for too long is found here.
            index["quiet"] = stamp(now)
            if order.draft.ship_by is not None:
                index["ship_by"] = stamp(order.draft.ship_by)
        for line in order.lines:
            if order.units[line.id].backordered:
                index[f"wants:{line.item}"] = placed
    return index


def cells_at(node: str, units: Iterable[tuple[str, int]]) -> dict[Cell, int]:
    """Units of items as cells at one node, summed.

    >>> cells_at("ghent", [("A", 1), ("A", 2)])
    {Cell(item='A', node='ghent', pool='', lot=''): 3}
    """
    result: dict[Cell, int] = {}
    for item, n in units:
        cell = Cell(item, node)
        result[cell] = result.get(cell, 0) + n
    return result
