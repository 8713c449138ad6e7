"""Oms: the thin service that a host wires once. Every method is one transaction, harmless to repeat."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from secrets import randbits
from typing import Any, TypeVar

from attrs import asdict

from omscore import inventory
from omscore.app import _cancel, _capture, _floor, _outbox, _return, _route
from omscore.app._route import ROUTING_HOLD
from omscore.app._wiring import AnyItem, Wiring, standard_checks
from omscore.app._work import Work
from omscore.batching import BatchPlan, Limits
from omscore.errors import ChannelError, InvalidValue, NotFound, OmsError
from omscore.inventory import Cell, expire, fingerprint, once
from omscore.kernel import Item, TimeIds, key, stamp, utc
from omscore.orders import Check, Draft, Fulfillment, Hold, Order, PlaceHold, Routed
from omscore.ports import Carrier, Channel, IdSource, Logged, Notifier, Observer, Parcel, Store, Transaction
from omscore.returns import Return
from omscore.routing import Network, Policy, Router, packs
from omscore.shipping import Shipment

T = TypeVar("T")
log = logging.getLogger("omscore")
log.addHandler(logging.NullHandler())


class Oms:
    """An order-management service over a store: capture, route, batch, ship, return.

    Every command takes the caller's `key`: sending it again gives the first answer and does nothing, sending other
    content under it raises KeyReused. What is wrong raises an error of omscore.errors, and then nothing has happened.
    Bulk verbs (`route`, `deliver`, `tick`) need no key: what is done is no longer due.

    >>> import omscore as oms
    >>> from datetime import UTC, datetime
    >>> shop = oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")]))
    >>> shop.receive("ghent", {"SKU-1": 5}, key="dock-7")
    []
    >>> line = oms.DraftLine("1", "SKU-1", 2, oms.Money.of("19.99", "EUR"))
    >>> draft = oms.Draft("web", "1001", "EUR", (line,), datetime(2026, 3, 2, 9, tzinfo=UTC),
    ...                   ship_to=oms.Address("BE"), payment="paid")
    >>> order = shop.capture("web", draft, key="checkout-17", id="ord-1")
    >>> shop.route()[0].outcome
    'assigned'
    >>> shop.order("ord-1")
    <Order ord-1 accepted: allocated 2>
    """

    def __init__(
        self,
        *,
        store: Store,
        network: Network,
        routing: Policy | None = None,
        carriers: Iterable[Carrier] = (),
        channels: Iterable[Channel] = (),
        catalog: Mapping[str, Item] | None = None,
        checks: Sequence[Check] | None = None,
        notifier: Notifier | None = None,
        observer: Observer | None = None,
        ids: IdSource | None = None,
        floors: Mapping[str, Any] | None = None,
        bins: Mapping[tuple[str, str], str] | None = None,
        buffers: Mapping[Cell, int] | None = None,
        due: Callable[[Draft, datetime], datetime | None] | None = None,
    ) -> None:
        self._store = store
        policy = packs.single_location() if routing is None else routing
        self._wiring = Wiring(
            network=network,
            policy=policy,
            router=Router(policy, network),
            catalog=AnyItem() if catalog is None else catalog,
            ids=ids or TimeIds(lambda: store.run(lambda txn: txn.now(), write=False), randbits),
            carriers={carrier.name: carrier for carrier in carriers},
            channels={channel.name: channel for channel in channels},
            checks=standard_checks(catalog) if checks is None else tuple(checks),
            notifier=notifier,
            observer=observer,
            floors=floors or {},
            bins=bins or {},
            buffers=buffers or {},
            due=due or (lambda draft, now: draft.ship_by),
        )

    def _command(self, name: str, key_: str, content: tuple[object, ...], work: Callable[[Work], T]) -> T:
        """Run a command once per key, in one transaction."""
        key(key_)
        print_ = fingerprint(name, *content)

        def run(txn: Transaction) -> T:
            return once(txn, key_, print_, lambda: work(Work(txn, self._wiring, key_)))

        result = self._store.run(run)
        self._saw(name, key=key_)
        return result

    def _read(self, work: Callable[[Work], T]) -> T:
        return self._store.run(lambda txn: work(Work(txn, self._wiring, "")), write=False)

    def _saw(self, what: str, **facts: Any) -> None:
        log.debug("%s %s", what, facts)
        if self._wiring.observer is not None:
            self._wiring.observer.saw(what, facts)

    # -- capture ----------------------------------------------------------------------------------------------------

    def capture(self, channel: str, payload: Any, *, key: str, id: str | None = None) -> Order:  # noqa: A002
        """Take an order in from a channel: parse, validate, reserve, accept; once per key and per channel's own id.

        `payload` is what the channel sends, or a Draft. An order with errors is captured and rejected with its reasons;
        one that needs a person, or whose payment is pending, is held. Raises ChannelError for a payload that cannot be
        read, KeyReused when the same (channel, external id, revision) or key came before with other content.

        >>> import omscore as oms
        >>> shop = oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")]))
        >>> shop.capture("web", {}, key="checkout-17")
        Traceback (most recent call last):
        omscore.errors.ChannelError: no channel 'web' is wired; pass it in Oms(channels=...) or give a Draft
        """
        draft = payload if isinstance(payload, Draft) else self._channel(channel).draft(payload)
        if draft.channel != channel:
            raise InvalidValue(f"the draft is of channel {draft.channel!r}, not {channel!r}")
        order_id = id or self._wiring.ids.next("ord")
        content = fingerprint(_content(draft))
        found = self._command(
            "capture", key, (channel, content), lambda work: _capture.capture(work, draft, content, order_id)
        )
        return self.order(found)

    def _channel(self, name: str) -> Channel:
        channel = self._wiring.channels.get(name)
        if channel is None:
            raise ChannelError(f"no channel {name!r} is wired; pass it in Oms(channels=...) or give a Draft")
        return channel

    def hold(self, order_id: str, hold: Hold, *, key: str) -> Order:
        """Stop an order's progress until the hold is released.

        >>> Oms.hold.__name__
        'hold'
        """
        self._command("hold", key, (order_id, hold), lambda work: work.tell(work.order(order_id), PlaceHold(hold)).id)
        return self.order(order_id)

    def release(self, order_id: str, code: str, *, key: str) -> Order:
        """Release a hold; the order is accepted when it was the last one ("payment", "review", ...).

        Releasing "routing_review" approves the plan that was under review.

        >>> Oms.release.__name__
        'release'
        """
        self._command("release", key, (order_id, code), lambda work: _capture.release_hold(work, order_id, code))
        if code == ROUTING_HOLD:
            self.route_order(order_id, approved=True)
        return self.order(order_id)

    def cancel(self, order_id: str, units: Mapping[str, int] | None = None, *, why: str = "", key: str) -> Order:
        """Cancel units of lines, or all that still can be; their stock is free at once.

        Raises CommandRefused for units that are packed or gone, with nothing cancelled.

        >>> Oms.cancel.__name__
        'cancel'
        """
        content = (order_id, _pairs(units), why)
        self._command("cancel", key, content, lambda work: _cancel.cancel(work, order_id, units, why))
        return self.order(order_id)

    # -- stock ------------------------------------------------------------------------------------------------------

    def receive(self, node: str, stock: Mapping[str, int], *, key: str) -> list[str]:
        """Take goods in at a node; backorders get them first, oldest order first. Returns the orders that got units.

        >>> import omscore as oms
        >>> shop = oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")]))
        >>> shop.receive("antwerp", {"SKU-1": 5}, key="dock-7")
        Traceback (most recent call last):
        omscore.errors.NotFound: no node with id 'antwerp'
        """
        if all(known.id != node for known in self._wiring.network.nodes):
            raise NotFound("node", node)
        return list(
            self._command("receive", key, (node, _pairs(stock)), lambda work: _capture.receive(work, node, stock))
        )

    def available(self, item: str) -> dict[str, int]:
        """Units of an item that could be promised now, by node.

        >>> import omscore as oms
        >>> shop = oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")]))
        >>> _ = shop.receive("ghent", {"SKU-1": 5}, key="dock-7")
        >>> shop.available("SKU-1")
        {'ghent': 5}
        """

        def read(work: Work) -> dict[str, int]:
            cells = inventory.available(work.txn, item, floors=work.wiring.buffers)
            result: dict[str, int] = {}
            for cell, n in cells.items():
                result[cell.node] = result.get(cell.node, 0) + n
            return result

        return self._read(read)

    # -- route ------------------------------------------------------------------------------------------------------

    def route(self, orders_max: int = 500) -> list[Routed]:
        """Route the orders that are due, those due first first, each in a transaction of its own.

        An order that cannot be routed for a reason of its own comes back with outcome "failed" and the reason; the
        others go on.

        >>> import omscore as oms
        >>> oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")])).route()
        []
        """
        now = self._store.run(lambda txn: txn.now(), write=False)
        due = self._store.run(lambda txn: txn.find("queue", "due", upto=stamp(now), limit=orders_max), write=False)
        return [self.route_order(order_id) for _, order_id in due]

    def route_order(self, order_id: str, *, approved: bool = False) -> Routed:
        """Route one order now, due or not; `approved` commits a plan that a rule sent to review.

        >>> Oms.route_order.__name__
        'route_order'
        """
        try:
            routed = self._store.run(
                lambda txn: _route.route(Work(txn, self._wiring, f"route:{order_id}"), order_id, approved=approved)
            )
        except NotFound:
            raise
        except OmsError as wrong:
            why = str(wrong)
            self._store.run(lambda txn: _put_off(Work(txn, self._wiring, f"route:{order_id}"), order_id, why))
            routed = Routed(order_id, 0, "failed", why)
        self._saw("routed", order=order_id, outcome=routed.outcome)
        return routed

    def explain(self, order_id: str) -> str:
        """Why an order went where it went: every routing attempt, in words.

        >>> import omscore as oms
        >>> oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")])).explain("ord-9")
        Traceback (most recent call last):
        omscore.errors.NotFound: no order with id 'ord-9'
        """
        attempts = self._read(lambda work: _route.explain(work, order_id))
        if not attempts:
            return f"{self.order(order_id)!r}: not routed yet"
        return "\n\n".join(f"{order_id}, attempt {a.attempt}: {a.outcome}\n{a.text}" for a in attempts)

    # -- batch, pick, pack ------------------------------------------------------------------------------------------

    def plan_batches(self, node: str, limits: Limits, *, fulfillments_max: int = 1_000, **options: Any) -> BatchPlan:
        """Plan a node's open fulfillments into batches and keep them; `options` go to omscore.batching.plan.

        A fulfillment that fits no cart, or whose item has no bin, is listed in the plan's `refused`.

        >>> Oms.plan_batches.__name__
        'plan_batches'
        """
        made: BatchPlan = self._store.run(
            lambda txn: _floor.plan_batches(
                Work(txn, self._wiring, f"batch:{node}"), node, limits, fulfillments_max, **options
            )
        )
        self._saw("batched", node=node, batches=len(made.batches))
        return made

    def pick(self, fulfillment_id: str, units: Mapping[str, int] | None = None, *, key: str) -> Fulfillment:
        """Record units as picked: all that are left unless units of lines are named.

        >>> Oms.pick.__name__
        'pick'
        """
        content = (fulfillment_id, _pairs(units))
        self._command("pick", key, content, lambda work: _floor.pick(work, fulfillment_id, units))
        return self.fulfillment(fulfillment_id)

    def short_pick(self, fulfillment_id: str, units: Mapping[str, int], *, key: str) -> Order:
        """Record units as not found: the ledger is mended, the rest is taken from elsewhere or backordered.

        >>> Oms.short_pick.__name__
        'short_pick'
        """
        content = (fulfillment_id, _pairs(units))
        found = self._command("short_pick", key, content, lambda work: _floor.short_pick(work, fulfillment_id, units))
        return self.order(found)

    def pack(self, fulfillment_id: str, *, key: str) -> Fulfillment:
        """Record a fulfillment as packed.

        >>> Oms.pack.__name__
        'pack'
        """
        self._command("pack", key, (fulfillment_id,), lambda work: _floor.pack(work, fulfillment_id))
        return self.fulfillment(fulfillment_id)

    # -- ship -------------------------------------------------------------------------------------------------------

    def ship(self, fulfillment_id: str, parcels: Sequence[Parcel] = (), *, key: str) -> Shipment:
        """Hand a fulfillment to a carrier; the label is made after the commit, by `deliver`.

        >>> Oms.ship.__name__
        'ship'
        """
        content = (fulfillment_id, tuple((p.id, p.weight_grams) for p in parcels))
        found = self._command("ship", key, content, lambda work: _floor.ship(work, fulfillment_id, parcels))
        return self.shipment(found)

    def track(self, shipment_id: str, status: str, *, key: str) -> Shipment:
        """Record a carrier's fact about a shipment, named by its id or a tracking number.

        >>> Oms.track.__name__
        'track'
        """
        found = self._command("track", key, (shipment_id, status), lambda work: _floor.track(work, shipment_id, status))
        return self.shipment(found)

    def deliver(self, effects_max: int = 1_000, *, worker: str = "oms") -> dict[str, int]:
        """Drain the outbox: labels, notices, channel messages; failures are tried again later and end parked.

        >>> import omscore as oms
        >>> oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")])).deliver()
        {'done': 0, 'retried': 0, 'parked': 0}
        """
        return _outbox.deliver(self._store, self._wiring, worker, effects_max)

    # -- return -----------------------------------------------------------------------------------------------------

    def open_return(
        self, order_id: str, units: Mapping[str, int], *, why: str = "", node: str = "", key: str
    ) -> Return:
        """Expect goods back: units of lines, or of items, that were shipped.

        >>> Oms.open_return.__name__
        'open_return'
        """
        content = (order_id, _pairs(units), why, node)
        found = self._command(
            "open_return", key, content, lambda work: _return.open_return(work, order_id, units, why, node)
        )
        return self.return_(found)

    def receive_return(
        self, return_id: str, units: Mapping[str, int] | None = None, *, disposition: str = "restock", key: str
    ) -> Return:
        """Record goods that came back, and what becomes of them: restock, quarantine, scrap or damaged.

        >>> Oms.receive_return.__name__
        'receive_return'
        """
        content = (return_id, _pairs(units), disposition)
        self._command(
            "receive_return",
            key,
            content,
            lambda work: _return.receive_return(work, return_id, units, disposition),
        )
        return self.return_(return_id)

    # -- time -------------------------------------------------------------------------------------------------------

    def tick(self) -> dict[str, int]:
        """Do what time has brought: reservations that ran out expire, holds past their deadline take their way out.

        >>> import omscore as oms
        >>> oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")])).tick()
        {'expired': 0, 'released': 0, 'cancelled': 0}
        """
        expired = self._store.run(lambda txn: len(expire(txn, cause="tick")))
        counts = {"expired": expired, "released": 0, "cancelled": 0}
        now = self._store.run(lambda txn: txn.now(), write=False)
        held = self._store.run(lambda txn: txn.find("order", "held", upto=stamp(now)), write=False)
        for _, order_id in held:
            for what in self._store.run(lambda txn: _expire_holds(Work(txn, self._wiring, "tick"), order_id)):  # noqa: B023
                counts[what] += 1
        return counts

    # -- reads ------------------------------------------------------------------------------------------------------

    def order(self, order_id: str) -> Order:
        """An order; raises NotFound.

        >>> Oms.order.__name__
        'order'
        """
        return self._read(lambda work: work.order(order_id))

    def orders(self, state: str, *, limit: int = 1_000) -> list[Order]:
        """Orders in a state, oldest first.

        >>> import omscore as oms
        >>> oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")])).orders("accepted")
        []
        """

        def read(work: Work) -> list[Order]:
            return [work.order(id_) for _, id_ in work.txn.find("order", f"state:{state}", limit=limit)]

        return self._read(read)

    def history(self, order_id: str) -> list[Logged]:
        """Every event of an order, with its time and cause.

        >>> Oms.history.__name__
        'history'
        """
        return self._read(lambda work: work.txn.events("order", order_id))

    def fulfillment(self, fulfillment_id: str) -> Fulfillment:
        """A fulfillment; raises NotFound.

        >>> Oms.fulfillment.__name__
        'fulfillment'
        """
        found: Fulfillment = self._read(lambda work: work.load("fulfillment", fulfillment_id))
        return found

    def fulfillments(self, order_id: str) -> list[Fulfillment]:
        """The fulfillments of an order, oldest first.

        >>> Oms.fulfillments.__name__
        'fulfillments'
        """
        return self._read(lambda work: work.fulfillments(order_id))

    def shipment(self, shipment_id: str) -> Shipment:
        """A shipment; raises NotFound.

        >>> Oms.shipment.__name__
        'shipment'
        """
        found: Shipment = self._read(lambda work: work.load("shipment", shipment_id))
        return found

    def return_(self, return_id: str) -> Return:
        """A return; raises NotFound.

        >>> Oms.return_.__name__
        'return_'
        """
        found: Return = self._read(lambda work: work.load("return", return_id))
        return found


def _pairs(units: Mapping[str, int] | None) -> tuple[tuple[str, int], ...] | None:
    return None if units is None else tuple(sorted(units.items()))


def _content(draft: Draft) -> str:
    """A draft's whole content as text that is the same for the same content, in every process."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return sorted((str(k), plain(v)) for k, v in value.items())
        if isinstance(value, (set, frozenset)):
            return sorted(map(str, value))
        if isinstance(value, (list, tuple)):
            return [plain(v) for v in value]
        return value

    return repr(plain(asdict(draft)))


def _put_off(work: Work, order_id: str, note: str) -> None:
    order = work.order(order_id)
    queued = work.find("queue", order_id)
    attempts = (queued.attempts if queued else 0) + 1
    work.queue(order, due_at=None, attempts=attempts, outcome="failed", note=note)


def _expire_holds(work: Work, order_id: str) -> list[str]:
    done: list[str] = []
    for hold in work.order(order_id).holds:
        if hold.until is None or utc(hold.until) > work.now:
            continue
        if hold.on_expiry == "release":
            _capture.release_hold(work, order_id, hold.code)
            done.append("released")
        elif hold.on_expiry == "cancel":
            _cancel.cancel(work, order_id, None, f"hold {hold.code!r} ran out")
            done.append("cancelled")
            break
    return done
