"""Watch: which orders need a person, what they owe, and what the log says of them all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from attrs import evolve

from omscore.app import _money, _owed, _workflows
from omscore.app._work import Work
from omscore.errors import NotFound
from omscore.kernel import stamp
from omscore.orders import Edited, Order, UnitsMoved
from omscore.oversight import (
    STUCK_AFTER,
    UNANSWERED_AFTER,
    UNSCANNED_AFTER,
    EffectParked,
    Facts,
    Incident,
    NoticeSent,
    Obligation,
    Resolved,
    actions_of,
    incidents_of,
    obligations_of,
    parked_effect,
    told_otherwise,
)
from omscore.ports import Logged

_WORRIES = ("failed", "parked", "unroutable", "review")
_PAGE = 1_000


def incidents(work: Work) -> list[Incident]:
    """Everything that needs a person now and was not resolved since, the most urgent first."""
    found = [i for id_ in _candidates(work) for i in of_order(work, id_)]
    rules = work.wiring.incident_rules
    for effect, _, _ in work.txn.outbox("parked"):
        last = [logged.event for logged in work.txn.events("effect", effect.id)[-1:]]
        found += [_with_actions(work, parked_effect(one, rules)) for one in last if isinstance(one, EffectParked)]
    found += [_with_actions(work, told_otherwise(one, rules)) for one in work.all("mismatch", "open")]
    # A mismatch that was resolved is not found any more; what is told anew is another matter, if at the same instant.
    standing = [i for i in found if i.kind == "mismatch" or not _resolved(work, i)]
    return sorted(standing, key=lambda i: (i.due_at or i.since, i.id))


def _with_actions(work: Work, incident: Incident) -> Incident:
    """What is not found by looking at an order has the order's legal next actions all the same, if it has one."""
    if work.find("order", incident.order) is None:
        return incident
    return evolve(incident, actions=(*incident.actions, *actions_of(facts_of(work, incident.order))))


def of_order(work: Work, order_id: str) -> tuple[Incident, ...]:
    """What is wrong with one order, resolved or not."""
    return incidents_of(facts_of(work, order_id), work.now, work.wiring.incident_rules, work.wiring.detectors)


def facts_of(work: Work, order_id: str) -> Facts:
    """All that is known of one order."""
    order = work.order(order_id)
    logged = work.txn.events("order", order_id)
    quiet_since = logged[-1].recorded_at if logged else None
    return Facts(
        order,
        quiet_since or order.captured_at,
        work.find("queue", order_id),
        _owed.payment_of(work, order),
        work.fulfillments(order_id),
        list(work.all("shipment", f"order:{order_id}")),
        _workflows.actions(work, order),
        list(work.all("conflict", f"open:{order_id}")),
        [one.event for one in logged],
    )


def _candidates(work: Work) -> list[str]:
    """The orders that may have something wrong, found by the indexes that say so."""
    now = work.now
    found: dict[str, None] = {}

    def add(kind: str, index: str, upto: datetime | None = None) -> None:
        for id_ in work.every(kind, index, upto=None if upto is None else stamp(upto)):
            found[work.load(kind, id_).order if kind in ("shipment", "conflict", "fulfillment") else id_] = None

    add("conflict", "open")
    add("payment", "failed")
    add("payment", "lapsed")
    add("payment", "asked", now - UNANSWERED_AFTER)
    add("payment", "expires", now + _money.RENEW_BEFORE)
    add("order", "held", now)
    add("order", "address_doubted")
    add("order", "state:rejected")
    add("order", "short")
    add("fulfillment", "awaits", now)
    add("order", "quiet", now - STUCK_AFTER)
    add("order", "ship_by", now)
    for outcome in _WORRIES:
        add("queue", f"outcome:{outcome}")
    add("queue", "given_back")
    add("shipment", "unscanned", now - UNSCANNED_AFTER)
    add("shipment", "trouble")
    add("shipment", "promised", now)
    if work.wiring.detectors:
        add("order", "state:captured")
        add("order", "state:accepted")
    return sorted(found)


def _resolved(work: Work, incident: Incident) -> bool:
    known: Resolved | None = work.find("resolved", incident.id)
    return known is not None and incident.since <= known.since


def resolve(work: Work, incident_id: str, note: str) -> str:
    """Write down that a person dealt with an incident; it comes back only when it happens anew."""
    found = next((incident for incident in incidents(work) if incident.id == incident_id), None)
    if found is None:
        raise NotFound("incident", incident_id)
    resolved = Resolved(found.id, found.kind, found.order, found.since, work.now, note)
    if found.kind == "mismatch":
        # Nobody looks at it again: what is told anew is another one.
        id_ = found.id.partition(":")[2]
        work.save("mismatch", id_, work.load("mismatch", id_))
    work.save("resolved", found.id, resolved, {"order:" + found.order: stamp(work.now)})
    work.txn.append("incident", found.id, [resolved], cause=work.cause, actor=work.actor)
    return found.id


def sent(work: Work, order_id: str) -> dict[str, datetime]:
    """When each notice of an order first went out."""
    times: dict[str, datetime] = {}
    for logged in work.txn.events("notice", order_id):
        if isinstance(logged.event, NoticeSent):
            times.setdefault(logged.event.notice, logged.event.at)
    return times


def log(work: Work, since: datetime | None) -> Iterator[Logged]:
    """The whole log, page by page, of the orders captured since a time."""
    after = 0
    while page := work.txn.log(after=after, limit=_PAGE):
        for logged in page:
            if since is None or (logged.recorded_at is not None and logged.recorded_at >= since):
                yield logged
        after += len(page)


def open_orders(work: Work, within: timedelta) -> Iterator[str]:
    """The orders that still owe a notice or have owed one lately."""
    for state in ("captured", "accepted", "closed"):
        yield from work.every("order", f"state:{state}", since=stamp(work.now - within))


def unfinished(work: Work) -> Iterator[str]:
    """The orders that are not over, oldest first, then those that are and of which money is to be given back."""
    for state in ("captured", "accepted"):
        yield from work.every("order", f"state:{state}")
    for id_ in work.every("payment", "to_give_back"):
        if work.order(id_).state not in ("captured", "accepted"):
            yield id_


def obligations(work: Work, order_id: str) -> tuple[Obligation, ...]:
    """What an order still owes."""
    order = work.order(order_id)
    return obligations_of(
        order,
        sent(work, order_id),
        work.wiring.profile(order.draft.channel),
        work.now,
        fulfillments=work.fulfillments(order_id),
        payment=_owed.payment_of(work, order),
        returns=list(work.all("return", f"order:{order_id}")),
        policy=work.wiring.return_policy,
        refund_since=_refund_since(work, order),
    )


def _refund_since(work: Work, order: Order) -> datetime | None:
    """Since when money is to be given back: since the last units went or came back; None when none is."""
    if not _owed.to_give_back(work, order):
        return None
    since: datetime = order.captured_at
    for logged in work.txn.events("order", order.id):
        event = logged.event
        if isinstance(event, Edited) or (isinstance(event, UnitsMoved) and event.verb in ("cancel", "receive_return")):
            since = event.at
    return since
