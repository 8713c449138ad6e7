"""Exceptions: what needs a person, with its context, its owner, a deadline, and what may legally be done next.

They are called incidents here, to keep the word exception for Python's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import evolve, field, frozen

from omscore.errors import InvalidValue
from omscore.kernel import utc
from omscore.kernel.given import listed, mapped, names, of_kind, texts
from omscore.kernel.times import LONGEST, moments
from omscore.orders import (
    FULFILLMENT_STATES,
    DraftConflict,
    Event,
    Fulfillment,
    Order,
    Queued,
    Rejected,
    UnitsMoved,
)
from omscore.payments import Payment
from omscore.shipping import SHIPMENT_STATES, Mismatch, Shipment

STUCK_AFTER = timedelta(hours=2)
"""How long an order may sit without anything happening to it before it is flagged."""

UNANSWERED_AFTER = timedelta(hours=2)
"""How long a question to the gateway may stay without an answer before it is flagged."""

UNSCANNED_AFTER = timedelta(hours=24)
"""How long a parcel may be said to have left without any carrier having scanned it."""


@frozen
class IncidentRule:
    """Who looks at a kind of incident, and within what time. Raises InvalidValue for what is no such time.

    >>> INCIDENT_RULES["payment_failed"].owner
    'payments'
    """

    owner: str
    within: timedelta

    def __attrs_post_init__(self) -> None:
        texts(owner=self.owner)
        of_kind("within", self.within, timedelta, "timedelta(hours=4)")
        if not timedelta(0) <= self.within <= LONGEST:
            raise InvalidValue(f"within must be from no time to {LONGEST.days} days, not {self.within}")


INCIDENT_RULES: Mapping[str, IncidentRule] = {
    "payment_failed": IncidentRule("payments", timedelta(hours=4)),
    "conflict": IncidentRule("channels", timedelta(hours=4)),
    "payment_unanswered": IncidentRule("payments", timedelta(hours=4)),
    "authorization_expiring": IncidentRule("payments", timedelta(hours=12)),
    "bad_address": IncidentRule("customer care", timedelta(hours=4)),
    "rejected": IncidentRule("customer care", timedelta(hours=4)),
    "hold_overdue": IncidentRule("", timedelta(hours=1)),
    "shortage": IncidentRule("purchasing", timedelta(hours=24)),
    "late_transfer": IncidentRule("warehouse", timedelta(hours=4)),
    "short_pick": IncidentRule("warehouse", timedelta(hours=2)),
    "node_rejected": IncidentRule("routing", timedelta(hours=2)),
    "not_routed": IncidentRule("routing", timedelta(hours=2)),
    "stuck": IncidentRule("operations", timedelta(hours=1)),
    "late": IncidentRule("operations", timedelta(hours=4)),
    "carrier": IncidentRule("shipping", timedelta(hours=24)),
    "effect_parked": IncidentRule("integration", timedelta(hours=2)),
    "detector_failed": IncidentRule("integration", timedelta(hours=24)),
    "mismatch": IncidentRule("", timedelta(hours=4)),
}
"""The owner and the time of each kind; a host's own mapping may change them and add kinds."""

_ANY = IncidentRule("operations", timedelta(hours=24))


def _actions(actions: Iterable[str]) -> tuple[str, ...]:
    return names("actions", actions, "cancel")


@frozen
class Incident:
    """Something that needs a person. `id` stays the same while it lasts; `actions` are the legal next ones.

    >>> Incident("stuck:ord-1", "stuck", "ord-1", None, "nothing has happened").owner
    ''
    """

    id: str
    kind: str
    order: str
    since: datetime
    text: str
    # A host's own error may name a customer, and what stands in a repr ends in a log.
    context: Mapping[str, Any] = field(factory=dict, repr=False)
    owner: str = ""
    due_at: datetime | None = None
    actions: tuple[str, ...] = field(default=(), converter=_actions)

    def __attrs_post_init__(self) -> None:
        texts(id=self.id, kind=self.kind, order=self.order, text=self.text, owner=self.owner)
        mapped(f"the context of incident {self.id!r}", self.context, "{'units': 2}")


@frozen
class Resolved:
    """A person dealt with an incident: an event for the log, from which the time it took is told.

    >>> Resolved("stuck:ord-1", "stuck", "ord-1", None, None, "called the node").note
    'called the node'
    """

    incident: str
    kind: str
    order: str
    since: datetime
    at: datetime
    note: str = ""


@frozen
class EffectParked:
    """An effect kept failing and will not be tried again by itself: an event for the log.

    >>> EffectParked("e-1", "carrier.label", "ord-1", 8, "TimeoutError", None).topic
    'carrier.label'
    """

    effect: str
    topic: str
    order: str
    attempts: int
    error: str = field(repr=False)
    at: datetime


@frozen
class Facts:
    """All that is known of one order when incidents are looked for: it, what belongs to it, and its events.

    `also` are next actions of the host's own.

    >>> Facts.__name__
    'Facts'
    """

    order: Order
    quiet_since: datetime
    queued: Queued | None = None
    payment: Payment | None = None
    fulfillments: Sequence[Fulfillment] = ()
    shipments: Sequence[Shipment] = ()
    also: Sequence[str] = ()
    conflicts: Sequence[DraftConflict] = ()
    events: Sequence[Event] = ()

    def __attrs_post_init__(self) -> None:
        of_kind("order", self.order, Order, "shop.order('ord-1')")
        utc(self.quiet_since, "quiet_since")
        for name, kind in (("queued", Queued), ("payment", Payment)):
            if getattr(self, name) is not None:
                of_kind(name, getattr(self, name), kind, f"the {kind.__name__} of the order")
        listed("fulfillments", self.fulfillments, Fulfillment, "shop.fulfillment('ord-1-f1')")
        listed("shipments", self.shipments, Shipment, "shop.shipment('ord-1-f1-s1')")
        names("also", self.also, "advance:engraving")


Detector = Callable[[Facts, datetime], Iterable[Incident]]
"""Finds incidents of one order: a host's own kinds are such functions."""


def incidents_of(
    facts: Facts,
    now: datetime,
    rules: Mapping[str, IncidentRule] = INCIDENT_RULES,
    detectors: Sequence[Detector] = (),
) -> tuple[Incident, ...]:
    """What is wrong with one order now, in order of deadline, each with its owner and its legal next actions.

    >>> from omscore.testing.walkthrough import MONDAY, up_to
    >>> at = up_to("allocated")
    >>> [(i.kind, i.owner) for i in incidents_of(Facts(at.order, MONDAY), MONDAY + timedelta(hours=2, seconds=1))]
    [('stuck', 'operations')]
    """
    of_kind("facts", facts, Facts, "Facts(order, quiet_since)")
    now = utc(now, "now")
    for kind, rule in mapped("rules", rules, "{'stuck': IncidentRule('me', timedelta(hours=1))}").items():
        of_kind(f"the rule of {kind!r}", rule, IncidentRule, "IncidentRule('me', timedelta(hours=1))")
    detectors = listed("detectors", detectors, object, "overweight")
    found = [incident for detector in STANDARD_DETECTORS for incident in detector(facts, now)]
    found += [incident for detector in detectors for incident in _own(detector, facts, now)]
    return tuple(sorted((_owned(i, facts, rules) for i in found), key=lambda i: (i.due_at, i.id)))


def _own(detector: Detector, facts: Facts, now: datetime) -> list[Incident]:
    """What a host's own detector finds; one that fails must not hide what the others see, and is found itself."""
    try:
        found = listed("what a detector finds", detector(facts, now), Incident, "Incident('heavy:ord-1', ...)")
        for one in found:
            # Incidents stand in the order of their deadlines: one without a time would hide all the others.
            utc(one.since, f"since of incident {one.id!r}")
            moments(due_at=one.due_at)
        return list(found)
    except Exception as failed:  # noqa: BLE001 - a host's code may raise anything
        name = getattr(detector, "__name__", type(detector).__name__)
        text = f"detector {name} failed on it: {type(failed).__name__}"
        return [
            _incident("detector_failed", facts, facts.quiet_since, text, f"{name}:{facts.order.id}", says=str(failed))
        ]


def _owned(incident: Incident, facts: Facts, rules: Mapping[str, IncidentRule]) -> Incident:
    rule = rules.get(incident.kind, _ANY)
    return evolve(
        incident,
        owner=incident.owner or rule.owner or _ANY.owner,
        due_at=incident.due_at or incident.since + rule.within,
        actions=incident.actions or actions_of(facts),
    )


def actions_of(facts: Facts) -> tuple[str, ...]:
    """What may be done with an order next, from the tables: its own, its holds', its goods' and its money's.

    >>> from omscore.testing.walkthrough import MONDAY, up_to
    >>> actions_of(Facts(up_to("accepted", payment="pending").order, MONDAY))
    ('accept', 'reject', 'unreserve', 'cancel', 'release:payment')
    """
    of_kind("facts", facts, Facts, "Facts(order, quiet_since)")
    order = facts.order
    actions = [*order.next_actions(), *(f"release:{hold.code}" for hold in order.holds)]
    for fulfillment in facts.fulfillments:
        actions += [f"{verb}:{fulfillment.id}" for verb in FULFILLMENT_STATES.allowed(fulfillment.state)]
    for shipment in facts.shipments:
        actions += [f"{verb}:{shipment.id}" for verb in SHIPMENT_STATES.allowed(shipment.status)]
    if facts.payment is not None:
        failed = {row.kind for row in facts.payment.failures}
        if failed & {"authorize", "capture"} or any(hold.code == "payment" for hold in order.holds):
            actions.append("authorize")
        if "refund" in failed:
            actions.append("refund")
        for row in facts.payment.transactions:
            if row.outcome == "asked":
                actions += [f"ask_again:{row.id}", f"settle:{row.id}"]
    actions += facts.also
    return tuple(dict.fromkeys(actions))


def _incident(kind: str, facts: Facts, since: datetime, text: str, ref: str = "", **context: Any) -> Incident:
    order = facts.order
    context = {"state": order.state, "status": order.fulfillment_status, "channel": order.draft.channel} | context
    return Incident(f"{kind}:{ref or order.id}", kind, order.id, since, text, context)


def _payment(facts: Facts, now: datetime) -> Iterable[Incident]:
    payment = facts.payment
    if payment is None:
        return
    live = facts.order.state in ("captured", "accepted")
    for row in payment.failures:
        # Money that was to be taken or given back is somebody's work, however the order has ended.
        if live or row.kind in ("capture", "refund"):
            text = f"{row.kind} of {row.amount} failed: {row.text or 'no reason given'}"
            yield _incident("payment_failed", facts, row.at, text, row.id, amount=row.amount.minor)
    for row in payment.transactions:
        if row.outcome == "asked" and now - row.at > UNANSWERED_AFTER:
            text = f"{row.kind} of {row.amount} was asked at {row.at.isoformat()} and never answered"
            since = row.at + UNANSWERED_AFTER
            yield _incident("payment_unanswered", facts, since, text, row.id, amount=row.amount.minor)
    if not live:
        return
    if any(hold.code == "payment" for hold in facts.order.holds):
        for row in [t for t in payment.transactions if t.kind == "expire"][-1:]:
            text = f"the authorization of {row.amount} ran out; the order waits for another"
            yield _incident("authorization_expiring", facts, row.at, text, row.id)
    for row in payment.open_authorizations:
        if row.expires_at is not None and row.expires_at <= now + timedelta(hours=24):
            text = f"the authorization of {row.amount} runs out at {row.expires_at.isoformat()}"
            since = row.expires_at - timedelta(hours=24)
            yield evolve(_incident("authorization_expiring", facts, since, text, row.id), due_at=row.expires_at)


def _checks(facts: Facts, now: datetime) -> Iterable[Incident]:
    order = facts.order
    if order.state == "rejected":
        codes = [reason.code for event in facts.events if isinstance(event, Rejected) for reason in event.reasons]
        kind = "bad_address" if any(code.startswith("address.") for code in codes) else "rejected"
        text = f"the order was rejected: {', '.join(codes) or 'its history says why'}"
        yield _incident(kind, facts, facts.quiet_since, text, codes=codes)
    for hold in order.holds:
        if "(address." in hold.text and (hold.until is None or hold.until > now):
            # A check's own words may quote the address: only its code is told.
            code = hold.text.rpartition("(")[2].rstrip(")")
            doubted = _incident(
                "bad_address", facts, facts.quiet_since, f"held for {code}", hold=hold.code, says=hold.text
            )
            yield evolve(doubted, owner=hold.owner, due_at=hold.until)
        if hold.until is not None and hold.until <= now:
            text = f"hold {hold.code!r} is past its deadline"
            overdue = _incident(
                "hold_overdue", facts, hold.until, text, f"{order.id}:{hold.code}", hold=hold.code, says=hold.text
            )
            yield evolve(overdue, owner=hold.owner)


def _goods(facts: Facts, now: datetime) -> Iterable[Incident]:
    order = facts.order
    if order.state not in ("captured", "accepted"):
        return
    coming: dict[str, int] = {}
    for fulfillment in facts.fulfillments:
        for row in fulfillment.lines if fulfillment.state == "planned" else ():
            coming[row.line] = coming.get(row.line, 0) + row.awaited
    short: dict[str, int] = {}
    for line in order.lines:
        # What is on its way from another node or a vendor is nobody's to buy.
        if (n := order.units[line.id].backordered - coming.get(line.id, 0)) > 0:
            short[line.item] = short.get(line.item, 0) + n
    yield from _transfers(facts, now)
    if short:
        text = "nobody has " + ", ".join(f"{n} of {item}" for item, n in short.items())
        yield _incident("shortage", facts, facts.quiet_since, text, items=short)
    yield from _given_back(facts)
    queued = facts.queued
    if queued is not None and queued.outcome in ("failed", "parked", "unroutable", "review"):
        text = f"routing: {queued.outcome} after {queued.attempts} attempts; {queued.note}"
        yield _incident("not_routed", facts, facts.quiet_since, text, attempts=queued.attempts)


def _transfers(facts: Facts, now: datetime) -> Iterable[Incident]:
    """Units that another node was to send by now."""
    for one in facts.fulfillments:
        if one.state == "planned" and one.transfers and one.comes_at is not None and one.comes_at < now:
            missing = {line.item: line.awaited for line in one.lines if line.awaited}
            units = ", ".join(f"{n} of {item}" for item, n in missing.items())
            text = f"{units} were to come to {one.node} by {one.comes_at.isoformat()} ({', '.join(one.transfers)})"
            yield _incident("late_transfer", facts, one.comes_at, text, one.id, items=missing)


def _given_back(facts: Facts) -> Iterable[Incident]:
    """Units that a node did not find, or would not send, and that no other node has yet."""
    order = facts.order
    note = facts.queued.note if facts.queued else ""
    rejected = {
        one.id
        for one in facts.fulfillments
        if one.negotiation == "rejected" or note.startswith(f"rejected by {one.node}")
    }
    last: dict[str, UnitsMoved] = {}
    for event in facts.events:
        if isinstance(event, UnitsMoved) and event.verb in ("allocate", "deallocate"):
            last |= {move[0]: event for move in event.moves}
    told: dict[str, dict[str, int]] = {}
    since: dict[str, datetime] = {}
    for line, event in last.items():
        units = order.units[line]
        if event.verb == "deallocate" and event.ref and (n := units.open + units.reserved + units.backordered):
            told.setdefault(event.ref, {})[line] = n
            since[event.ref] = event.at
    for ref, lines in told.items():
        kind, what = ("node_rejected", "sent back") if ref in rejected else ("short_pick", "not found")
        text = f"{sum(lines.values())} units of {ref} were {what}, and wait for another node"
        yield _incident(kind, facts, since[ref], text, ref, lines=lines)


def _time(facts: Facts, now: datetime) -> Iterable[Incident]:
    order = facts.order
    totals = order.totals
    here = totals.open + totals.reserved + totals.allocated + totals.picked + totals.packed
    if order.state not in ("captured", "accepted") or not here:
        return
    # A hold with a deadline ahead is somebody's work already.
    waiting = any(hold.until is not None and hold.until > now for hold in order.holds)
    if not waiting and now - facts.quiet_since > STUCK_AFTER:
        text = f"nothing has happened since {facts.quiet_since.isoformat()}"
        yield _incident("stuck", facts, facts.quiet_since + STUCK_AFTER, text, units=here)
    if order.draft.ship_by is not None and order.draft.ship_by < now:
        text = f"{here} units were to ship by {order.draft.ship_by.isoformat()}"
        yield _incident("late", facts, order.draft.ship_by, text, units=here)


def _carriers(facts: Facts, now: datetime) -> Iterable[Incident]:
    for shipment in facts.shipments:
        at = shipment.status_at or shipment.shipped_at or facts.quiet_since
        if shipment.status in ("exception", "lost", "returned_to_sender"):
            text = f"{shipment.carrier or 'the carrier'} says {shipment.status.replace('_', ' ')} of {shipment.id}"
            yield _incident("carrier", facts, at, text, shipment.id, tracking=list(shipment.tracking))
        elif (
            shipment.promised_at is not None
            and shipment.promised_at < now
            and shipment.status in ("created", "labeled", "in_transit")
        ):
            text = f"{shipment.id} was promised for {shipment.promised_at.isoformat()} and is {shipment.status}"
            yield _incident("late", facts, shipment.promised_at, text, shipment.id)
        elif shipment.status in ("created", "labeled") and at + UNSCANNED_AFTER < now:
            text = f"{shipment.id} is {shipment.status} since {at.isoformat()}, and no carrier has scanned it"
            yield _incident("late", facts, at + UNSCANNED_AFTER, text, shipment.id)


def _conflicts(facts: Facts, now: datetime) -> Iterable[Incident]:
    for conflict in facts.conflicts:
        paths = [path for path, _, _ in conflict.fields]
        text = f"the channel sent revision {conflict.revision} again with other content: {', '.join(paths)}"
        found = _incident("conflict", facts, conflict.since or now, text, conflict.id, fields=paths)
        yield evolve(found, actions=(f"keep_first:{conflict.id}", f"take_second:{conflict.id}"))


STANDARD_DETECTORS: tuple[Detector, ...] = (_conflicts, _payment, _checks, _goods, _time, _carriers)
"""What every order is looked at for."""


def parked_effect(parked: EffectParked, rules: Mapping[str, IncidentRule] = INCIDENT_RULES) -> Incident:
    """An effect that kept failing, as an incident.

    >>> parked = EffectParked("e-1", "carrier.label", "ord-1", 8, "TimeoutError: 30 s", datetime(2026, 3, 2))
    >>> parked_effect(parked).owner
    'integration'
    """
    rule = rules.get("effect_parked", _ANY)
    return Incident(
        f"effect_parked:{parked.effect}",
        "effect_parked",
        parked.order,
        parked.at,
        f"{parked.topic} failed {parked.attempts} times: {parked.error.partition(':')[0]}",
        {"topic": parked.topic, "attempts": parked.attempts, "error": parked.error},
        rule.owner,
        parked.at + rule.within,
        ("resolve",),
    )


_TELLERS = {"wms": "warehouse", "channel": "payments"}


def told_otherwise(told: Mismatch, rules: Mapping[str, IncidentRule] = INCIDENT_RULES) -> Incident:
    """What somebody outside told and does not agree with what is known, as an incident.

    A warehouse system's messages are the warehouse team's matter, what a channel says of money the payments team's,
    carriers are the shipping team's, unless a rule names who.

    >>> told_otherwise(Mismatch("T1:moves", "post", "label.moves", "ord-1", "it moves", datetime(2026, 3, 2))).owner
    'shipping'
    """
    rule = rules.get("mismatch", _ANY)
    owner = rule.owner or _TELLERS.get(told.code.partition(".")[0], "shipping")
    return Incident(
        f"mismatch:{told.id}",
        "mismatch",
        told.order,
        told.at,
        told.text,
        {"source": told.source, "code": told.code} | dict(told.facts),
        owner,
        told.at + rule.within,
        ("resolve",),
    )
