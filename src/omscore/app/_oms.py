"""Oms: the thin service that a host wires once. Every method is one transaction, harmless to repeat."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from secrets import randbits
from typing import Any

from omscore.app import (
    _ask,
    _cancel,
    _capture,
    _fill,
    _money,
    _owed,
    _return,
    _revise,
    _settle,
    _surge,
    _wms,
    _workflows,
)
from omscore.app._edit_work import EditWork
from omscore.app._floor_work import FloorWork
from omscore.app._given import pairs, pairs_or_all
from omscore.app._money_work import MoneyWork
from omscore.app._route import ROUTING_HOLD, park_review
from omscore.app._route_work import RouteWork
from omscore.app._service import content_of
from omscore.app._ship_work import ShipWork
from omscore.app._watch_work import WatchWork
from omscore.app._wiring import AnyItem, Wiring, by_name, region_of, several, standard_checks
from omscore.app._wms_work import WmsWork
from omscore.app._work import Work
from omscore.batching import PACKING_RULES, Barcodes, BinStock, Carton, CartonChooser, PackingRule
from omscore.errors import (
    ChannelError,
    CommandRefused,
    ContentConflict,
    DefinitionError,
    InvalidValue,
)
from omscore.inventory import Cell, Selector, expire, fingerprint
from omscore.kernel import KEY_LENGTH_MAX, Item, Money, TimeIds, stamp, utc
from omscore.kernel import key as named
from omscore.kernel.given import flags, mapped, of_kind, texts
from omscore.orders import (
    Check,
    Draft,
    DraftConflict,
    Finding,
    Guard,
    Hold,
    Order,
    PlaceHold,
    RiskLimit,
    Workflow,
    validate,
)
from omscore.oversight import INCIDENT_RULES, ChannelProfile, Detector, IncidentRule, Measure, SurgeRule
from omscore.ports import (
    AddressVerifier,
    Carrier,
    Channel,
    Erp,
    FraudScorer,
    IdSource,
    Notifier,
    Observer,
    PaymentGateway,
    Store,
    Wms,
)
from omscore.returns import ANY_TIME, ReturnPolicy
from omscore.routing import Demand, Facts, Network, Policy, Router, limited, packs

ORDER_ID_MAX = KEY_LENGTH_MAX - 55
"""The longest id of an order, in characters: what is derived from it has to fit into any store, and on a label."""


class Oms(EditWork, RouteWork, FloorWork, WmsWork, ShipWork, MoneyWork, WatchWork):
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
        candidate: Policy | None = None,
        facts: Callable[[Demand, datetime], Facts] | None = None,
        keeps_promises: bool = False,
        carriers: Iterable[Carrier] = (),
        channels: Iterable[Channel] = (),
        catalog: Mapping[str, Item] | None = None,
        checks: Sequence[Check] | None = None,
        notifier: Notifier | None = None,
        observer: Observer | None = None,
        ids: IdSource | None = None,
        floors: Mapping[str, Any] | None = None,
        bins: Mapping[tuple[str, str], str | Sequence[BinStock]] | None = None,
        barcodes: Barcodes | None = None,
        region: Callable[[Draft], str] = region_of,
        buffers: Mapping[Cell, int] | None = None,
        lots: Callable[[datetime], Selector] | None = None,
        due: Callable[[Draft, datetime], datetime | None] | None = None,
        gateway: PaymentGateway | None = None,
        erp: Erp | None = None,
        verifier: AddressVerifier | None = None,
        scorer: FraudScorer | None = None,
        risk_limit: RiskLimit | None = None,
        duplicates_within: timedelta | None = None,
        incident_rules: Mapping[str, IncidentRule] | None = None,
        detectors: Sequence[Detector] = (),
        return_policy: ReturnPolicy = ANY_TIME,
        costs: Mapping[str, Money] | None = None,
        profiles: Mapping[str, ChannelProfile] | None = None,
        wms: Mapping[str, Wms] | None = None,
        workflows: Sequence[Workflow] = (),
        guards: Sequence[Guard] = (),
        measures: Sequence[Measure] = (),
        surge: SurgeRule | None = None,
        express: Collection[str] = ("express",),
        cartons: Sequence[Carton] = (),
        packing_rules: Sequence[PackingRule] = PACKING_RULES,
        packer: CartonChooser | None = None,
    ) -> None:
        if not callable(getattr(store, "run", None)):
            raise DefinitionError(
                f"store must be a Store such as SqliteStore('shop.db') or MemoryStore(), not {store!r}"
            )
        self._store = store
        policy = packs.single_location() if routing is None else routing
        router = Router(policy, network)
        self._wiring = Wiring(
            network=network,
            policy=policy,
            router=router,
            shadow=None if candidate is None else _shadow(router, candidate),
            facts=facts,
            limited=limited(network),
            keeps_promises=keeps_promises,
            catalog=AnyItem() if catalog is None else catalog,
            ids=ids or TimeIds(lambda: store.run(lambda txn: txn.now(), write=False), randbits),
            carriers=by_name("carriers", carriers),
            channels=by_name("channels", channels),
            checks=standard_checks(catalog) if checks is None else several("checks", checks),
            notifier=notifier,
            observer=observer,
            floors=floors or {},
            bins={} if bins is None else bins,
            barcodes=barcodes,
            region=region,
            buffers=buffers or {},
            lots=lots,
            due=due or (lambda draft, now: _ship_by(profiles or {}, draft, now)),
            gateway=gateway,
            erp=erp,
            verifier=verifier,
            scorer=scorer,
            risk_limit=risk_limit or RiskLimit(),
            duplicates_within=duplicates_within,
            incident_rules={**INCIDENT_RULES, **mapped("incident_rules", incident_rules or {}, "{'stuck': rule}")},
            detectors=several("detectors", detectors),
            return_policy=return_policy,
            costs=costs or {},
            profiles=profiles or {},
            wms=wms or {},
            workflows=several("workflows", workflows),
            guards=several("guards", guards),
            measures=several("measures", measures),
            surge=surge,
            express=frozenset(several("express", express)),
            cartons=several("cartons", cartons),
            packing_rules=several("packing_rules", packing_rules),
            packer=packer,
        )

    # -- capture -------------------------------------------------------------------------------------------------------

    def capture(self, channel: str, payload: Any, *, key: str, id: str | None = None) -> Order:  # noqa: A002
        """Take an order in from a channel: parse, validate, reserve, accept; once per key and per channel's own id.

        `payload` is what the channel sends, or a Draft. An order with errors is captured and rejected with its reasons;
        one that needs a person, or whose payment is pending, is held. Raises ChannelError for a payload that cannot be
        read, KeyReused when the key came before with other content. When the same (channel, external id, revision) came
        before with other content, raises ContentConflict: the first stands, and what differs is kept for a person (see
        :meth:`conflicts`).

        >>> import omscore as oms
        >>> shop = oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")]))
        >>> shop.capture("web", {}, key="checkout-17")
        Traceback (most recent call last):
        omscore.errors.ChannelError: no channel 'web' is wired; pass it in Oms(channels=...) or give a Draft
        """
        texts(channel=channel)
        draft = payload if isinstance(payload, Draft) else self._channel(channel).draft(payload)
        if not isinstance(draft, Draft):
            raise ChannelError(f"channel {channel!r} made {type(draft).__name__} of a payload, not a Draft")
        if draft.channel != channel:
            raise InvalidValue(f"the draft is of channel {draft.channel!r}, not {channel!r}")
        order_id = self._wiring.ids.next("ord") if id is None else named(id, "id")
        if len(order_id) > ORDER_ID_MAX:
            text = f"the id of an order must be at most {ORDER_ID_MAX} characters, not {len(order_id)}"
            raise InvalidValue(f"{text}: the ids of its fulfillments, shipments and parcels begin with it")
        content = fingerprint(content_of(draft))
        told = self._told_of(draft)

        def work_(work: Work) -> str | DraftConflict:
            if id is not None:
                _revise.check_id(work, draft, id)
            return _revise.capture(work, draft, content, order_id, told)

        found = self._command("capture", key, (channel, content), work_)
        if isinstance(found, DraftConflict):
            key_ = f"{found.external}/{found.revision}"
            raise ContentConflict(key_, found.id, [path for path, _, _ in found.fields])
        return self.order(found)

    def conflicts(self, order_id: str | None = None) -> list[DraftConflict]:
        """The contents that contradict what came first, of one order or of all, until a person has decided.

        Raises NotFound for an order that is not known.

        >>> from omscore.testing.walkthrough import draft, up_to
        >>> at = up_to("accepted")
        >>> at.shop.capture("web", draft(service="express"), key="hook-2")
        Traceback (most recent call last):
        omscore.errors.ContentConflict: web/1001/1 came again with other content (service); the first stands, ...
        >>> [conflict.fields for conflict in at.shop.conflicts("ord-1")]
        [(('service', 'standard', 'express'),)]
        """
        index = "open" if order_id is None else f"open:{order_id}"
        return self._read(lambda work: list(work.all("conflict", index)) or self._none_of(work, order_id))

    def resolve_conflict(self, conflict_id: str, *, take: str, note: str = "", key: str) -> Order:
        """Decide between two contents: "first" stands, or the order is edited to what the "second" says.

        Raises NotFound, TransitionNotAllowed when it is decided already, and what an edit raises.

        >>> import omscore as oms
        >>> from omscore.testing.walkthrough import draft, up_to
        >>> at = up_to("accepted")
        >>> try:
        ...     at.shop.capture("web", draft(service="express"), key="hook-2")
        ... except oms.KeyReused as error:
        ...     conflict = error.conflict
        >>> at.shop.resolve_conflict(conflict, take="second", note="they called", key="decide-1").draft.service
        'express'
        """
        texts(take=take, note=note)
        content = (conflict_id, take, note)
        found = self._command(
            "resolve_conflict", key, content, lambda work: _revise.resolve(work, conflict_id, take, note)
        )
        return self.order(found)

    def _told_of(self, draft: Draft) -> tuple[Finding, ...]:
        """What those say who are asked about a draft: once for an order, however often its channel sends it."""
        if self._wiring.verifier is None and self._wiring.scorer is None:
            return ()
        known = self._read(lambda work: work.find("external", _capture.external_of(draft)))
        return _ask.about(self._wiring, draft) if known is None else ()

    def findings(self, order_id: str) -> tuple[Finding, ...]:
        """What the checks say of an order now, worst first; run again whenever the rules or the catalog change.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted").shop.findings("ord-1")
        ()
        """
        return self._read(lambda work: validate(work.order(order_id).draft, work.wiring.catalog, work.wiring.checks))

    def _channel(self, name: str) -> Channel:
        channel = self._wiring.channels.get(name)
        if channel is None:
            raise ChannelError(f"no channel {name!r} is wired; pass it in Oms(channels=...) or give a Draft")
        return channel

    def hold(self, order_id: str, hold: Hold, *, key: str) -> Order:
        """Stop an order's progress until the hold is released.

        >>> from omscore.testing.walkthrough import up_to
        >>> from omscore.orders import Hold
        >>> at = up_to("accepted")
        >>> at.shop.hold(at.order.id, Hold("fraud_review", owner="risk"), key="hold-1")
        <Order ord-1 accepted: reserved 2, held: fraud_review>
        """
        of_kind("hold", hold, Hold, "Hold('fraud_review', owner='risk')")
        self._command("hold", key, (order_id, hold), lambda work: work.tell(work.order(order_id), PlaceHold(hold)).id)
        return self.order(order_id)

    def release(self, order_id: str, code: str, *, key: str) -> Order:
        """Release a hold; the order is accepted when it was the last one ("payment", "review", ...).

        Releasing "routing_review" approves the plan that was under review.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("accepted", payment="pending")
        >>> at.shop.release(at.order.id, "payment", key="release-1")
        <Order ord-1 accepted: reserved 2>
        """
        texts(code=code)
        self._command("release", key, (order_id, code), lambda work: _capture.release_hold(work, order_id, code))
        if code == ROUTING_HOLD:
            self.route_order(order_id, approved=True)
        return self.order(order_id)

    def cancel(
        self,
        order_id: str,
        units: Mapping[str, int] | None = None,
        *,
        why: str = "",
        refund: bool | None = None,
        restock: bool = True,
        key: str,
    ) -> Order:
        """Cancel units of lines, or all that still can be; their stock is free at once.

        `refund` gives back what was taken for them; `restock=False` puts the units that a node had allocated or picked
        into quarantine instead of on sale. Raises CommandRefused for units that are packed or gone, and
        (`cancel.captured`) for a whole order of which money was captured when nothing is said about the refund.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> at.shop.cancel(at.order.id, {"1": 1}, why="one is enough", key="cancel-1")
        <Order ord-1 accepted: allocated 1, cancelled 1>
        """
        texts(why=why)
        flags(restock=restock, **({} if refund is None else {"refund": refund}))
        content = (order_id, pairs_or_all(units), why, refund, restock)
        self._command(
            "cancel",
            key,
            content,
            lambda work: _cancel.cancel(work, order_id, units, why, refund=refund, restock=restock),
        )
        return self.order(order_id)

    def advance(self, order_id: str, workflow: str, command: str, *, key: str) -> str:
        """Take an order on in a workflow of `Oms(workflows=...)`; returns the state it is in then.

        Raises NotFound for a workflow that does not apply to it, TransitionNotAllowed naming what is allowed.

        >>> from omscore.kernel import StateTable
        >>> from omscore.orders import Workflow
        >>> from omscore.testing.walkthrough import up_to
        >>> table = StateTable("engraving", {"waiting": {"finish": "done"}, "done": {}})
        >>> at = up_to("allocated", workflows=[Workflow("engraving", table, {"waiting": ("pack",)})])
        >>> at.shop.advance("ord-1", "engraving", "finish", key="engraved-1")
        'done'
        """
        texts(workflow=workflow, command=command)
        content = (order_id, workflow, command)
        return self._command(
            "advance", key, content, lambda work: _workflows.advance(work, order_id, workflow, command)
        )

    def workflows(self, order_id: str) -> Mapping[str, str]:
        """Where an order stands in each workflow that applies to it.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted").shop.workflows("ord-1")
        {}
        """
        return self._read(lambda work: _workflows.standing(work, work.order(order_id)))

    # -- stock ---------------------------------------------------------------------------------------------------------

    def receive(self, node: str, stock: Mapping[str, int], *, lot: str = "", supply: str = "", key: str) -> list[str]:
        """Take goods in at a node; backorders get them first, oldest order first. Returns the orders that got units.

        With `lot` they are kept apart as that lot; `Oms(lots=...)` says which lots go first. `supply` names what was
        announced and comes with this (see `expect`): less of it is still to come.

        >>> import omscore as oms
        >>> shop = oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")]))
        >>> shop.receive("antwerp", {"SKU-1": 5}, key="dock-7")
        Traceback (most recent call last):
        omscore.errors.NotFound: no node with id 'antwerp'
        """
        texts(node=node, lot=lot, supply=supply)
        content = (node, pairs(stock), lot, supply) if lot or supply else (node, pairs(stock))
        return list(self._command("receive", key, content, lambda work: _fill.receive(work, node, stock, lot, supply)))

    def available(self, item: str) -> dict[str, int]:
        """Units of an item that an order could be promised now, by node; {} where it never was.

        Of nodes that are active, online and in the network, and of units that stand in no pool, as orders are. An item
        that nobody has heard of has none either: what is sold is the catalog's matter, what is there the ledger's.

        >>> import omscore as oms
        >>> shop = oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")]))
        >>> _ = shop.receive("ghent", {"SKU-1": 5}, key="dock-7")
        >>> shop.available("SKU-1")
        {'ghent': 5}
        """
        texts(item=item)
        return self._read(lambda work: work.available(item, work.wiring.buffers))

    # -- time ----------------------------------------------------------------------------------------------------------

    def tick(self) -> dict[str, int]:
        """Do what time has brought: reservations that ran out expire, holds past their deadline take their way out.

        A plan that nobody reviewed in time is carried out, or its order is parked, as the review desk says; work
        that a node was offered and did not answer in time counts as rejected. Authorizations of payments that run out
        within a day are asked for anew, if the gateway can; returns of which nothing came in time expire; a surge
        begins or ends. Orders promised on supply or transfers that have not come, or not gone in time, are promised
        anew. What fails for one order stops no other: the observer is told, and it is tried next time.

        >>> import omscore as oms
        >>> oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")])).tick()
        {'expired': 0, 'released': 0, 'cancelled': 0, 'renewed': 0}
        """
        if self._wiring.surge is not None:
            before, after = self.surge(), self._store.run(lambda txn: _surge.advance(Work(txn, self._wiring, "tick")))
            if before.on != after.on:
                self._saw("surge", on=after.on)
        expired = self._store.run(lambda txn: len(expire(txn, cause="tick")))
        counts = {"expired": expired, "released": 0, "cancelled": 0, "renewed": 0}
        now = self._store.run(lambda txn: txn.now(), write=False)
        held = self._store.run(lambda txn: txn.find("order", "held", upto=stamp(now)), write=False)
        for _, order_id in held:
            for what in self._in_time("hold", order_id, lambda work: _expire_holds(work, order_id)) or ():  # noqa: B023
                counts[what] += 1
                if what == "released":
                    queued = self._read(lambda work: work.find("queue", order_id))  # noqa: B023
                    if queued is not None and queued.outcome == "review":
                        self.route_order(order_id, approved=True)
        self._tick_routing()
        old = stamp(now - self._wiring.return_policy.patience)
        for _, return_id in self._store.run(lambda txn: txn.find("return", "expected", upto=old), write=False):
            gone = self._in_time("return", return_id, lambda work: _return.withdraw(work, return_id, "expire"))  # noqa: B023
            counts["expired"] += gone is not None
        for id_ in self._store.run(lambda txn: _wms.unsettled(Work(txn, self._wiring, "tick")), write=False):
            self._in_time("floor report", id_, lambda work: _wms.settle(work, id_))  # noqa: B023
        soon = stamp(now + _money.RENEW_BEFORE)
        for _, order_id in self._store.run(lambda txn: txn.find("payment", "expires", upto=soon), write=False):
            counts["renewed"] += bool(self._in_time("payment", order_id, lambda work: _renewed(work, order_id)))  # noqa: B023
        return counts


def _shadow(router: Router, candidate: Policy) -> Any:
    from omscore.simulate import Shadow  # noqa: PLC0415 - most hosts never try a candidate beside the live policy

    return Shadow(router, candidate)


def _ship_by(profiles: Mapping[str, ChannelProfile], draft: Draft, now: datetime) -> datetime | None:
    """When an order is to leave: as its channel says, or as the channel's profile promises."""
    profile = profiles.get(draft.channel)
    if draft.ship_by is not None or profile is None or profile.commitment is None:
        return draft.ship_by
    return draft.placed_at + profile.commitment


def _expire_holds(work: Work, order_id: str) -> list[str]:
    done: list[str] = []
    for hold in work.order(order_id).holds:
        if hold.until is None or utc(hold.until) > work.now:
            continue
        if hold.code == ROUTING_HOLD and park_review(work, order_id):
            continue
        if hold.on_expiry == "release":
            _capture.release_hold(work, order_id, hold.code)
            done.append("released")
        elif hold.on_expiry == "cancel":
            if hold.code == _capture.PAYMENT_HOLD and _owed.has_some(work, work.order(order_id)):
                # Only what nobody has paid for is swept away: where a part is missing, a person decides.
                continue
            try:
                _cancel.cancel(work, order_id, None, f"hold {hold.code!r} ran out", refund=True)
            except CommandRefused:
                # What has been packed cannot be cancelled any more: the hold stays, overdue and in the open.
                continue
            done.append("cancelled")
            break
    return done


def _renewed(work: Work, order_id: str) -> bool:
    renewed = _money.renew(work, work.order(order_id))
    _settle.wait_again(work, order_id)
    return renewed
