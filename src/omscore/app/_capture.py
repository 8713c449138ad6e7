"""Capture, validate and reserve: a channel's draft becomes an order once, whatever is delivered twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from omscore import inventory
from omscore.app import _books, _credit, _money, _owed
from omscore.app._promises import keep_promise
from omscore.app._work import Work
from omscore.errors import Reason
from omscore.inventory import Cell, Want
from omscore.kernel import stamp
from omscore.kernel.ids import joined
from omscore.orders import (
    Accept,
    Capture,
    Command,
    Draft,
    External,
    Finding,
    Hold,
    MoveUnits,
    Order,
    PlaceHold,
    Reject,
    ReleaseHold,
    likeness,
    similar,
    validate,
)

PAYMENT_HOLD = "payment"
REVIEW_HOLD = "review"
CREDIT_HOLD = "credit"


def capture(work: Work, draft: Draft, content: str, order_id: str, told: Sequence[Finding] = ()) -> str:
    """Take in a draft that is new to us.

    `content` is the draft's fingerprint, `told` what was found out before, outside of the store.
    """
    external_id = external_of(draft)
    work.save("external", external_id, External(order_id, draft.revision, content, said=said_by(draft)))
    findings = (*validate(draft, work.wiring.catalog, work.wiring.checks), *told, *_similar(work, draft))
    order = work.tell(None, Capture(order_id, draft))
    errors = [f for f in findings if f.severity == "error"]
    if errors:
        work.tell(order, Reject(tuple(reason_of(f) for f in errors)))
        work.emit("channel.rejected", order_id, order_id, channel=draft.channel, order=order_id)
        return order_id
    order = reserve(work, order)
    order = work.tell(order, *_holds(work, order, findings))
    if work.wiring.gateway is not None or work.wiring.erp is not None or draft.payment == "terms":
        open_payment(work, order)
    accept(work, order)
    work.notify("confirmed", order_id, order)
    if _owed.covered(work, order):
        work.notify("paid", order_id, order)
    return order_id


def external_of(draft: Draft) -> str:
    """What a channel's own number is known by, whatever the channel is called and however it numbers."""
    return joined(draft.channel, draft.external_id, "/")


def said_by(draft: Draft) -> dict[str, int]:
    """The units that a channel asks for, by line."""
    return {line.id: line.units - line.cancelled for line in draft.lines}


def reason_of(finding: Finding) -> Reason:
    """A finding as the reason why an order is refused."""
    return Reason(finding.code, finding.text, {"hint": finding.hint, "field": finding.field})


def _similar(work: Work, draft: Draft) -> tuple[Finding, ...]:
    """The orders like this one that were captured a short while ago and still stand."""
    window = work.wiring.duplicates_within
    if window is None:
        return ()
    found = []
    since = (stamp(work.now - window), "")
    for _, id_ in work.txn.find("order", f"like:{likeness(draft)}", after=since):
        if work.order(id_).state in ("captured", "accepted"):
            found.append(id_)
    return similar(found)


def open_payment(work: Work, order: Order) -> None:
    """Write down what the channel said of the payment, tell the books, and ask the gateway for what is missing."""
    _money.pin(work, order)
    _books.post_said(work, order)
    if order.draft.payment == "pending":
        _money.authorize_rest(work, order)
    elif order.draft.payment not in ("refunded", "voided") and _owed.payment_of(work, order).method == "at_order":
        _money.catch_up(work, order)


def _holds(work: Work, order: Order, findings: Sequence[Finding]) -> Iterable[Command]:
    draft = order.draft
    if reviews := [finding for finding in findings if finding.severity == "review"]:
        yield PlaceHold(_review(reviews, work.now))
    if must_wait(work, order):
        yield PlaceHold(payment_hold(work, draft))
    if (reason := _credit.credit_reason(work, order)) is not None:
        yield PlaceHold(Hold(CREDIT_HOLD, owner="credit", text=f"{reason.text} ({reason.code})"))


def _review(findings: Sequence[Finding], now: datetime) -> Hold:
    """One stop for all that a person is to look at: by the earliest deadline, and with the most careful way out.

    It is released by itself only when each finding would be; it cancels the order when one of them would.
    """
    ways = {finding.on_expiry for finding in findings}
    way = next(way for way in ("cancel", "escalate", "release") if way in ways)
    until = now + min(finding.within for finding in findings if finding.on_expiry == way)
    owners = " and ".join(dict.fromkeys(finding.owner for finding in findings))
    text = "; ".join(f"{finding.text} ({finding.code})" for finding in findings)
    return Hold(REVIEW_HOLD, owners, until, text, way)


def must_wait(work: Work, order: Order) -> bool:
    """Whether an order is to wait for its payment, and does not yet."""
    if work.wiring.profile(order.draft.channel).payment_gate == "none" or _owed.covered(work, order):
        return False
    return all(hold.code != PAYMENT_HOLD for hold in order.holds)


def payment_hold(work: Work, draft: Draft) -> Hold:
    """The stop of an order that is not paid; when the channel's patience ends, the order is cancelled.

    One whose money was given back is for a person: nobody knows whether it is still wanted.
    """
    patience = work.wiring.profile(draft.channel).unpaid_max
    returned = draft.payment == "refunded"
    text = "the payment was given back" if returned else "the payment is not authorized yet"
    if patience is None or returned:
        return Hold(PAYMENT_HOLD, owner="payments", text=text)
    return Hold(PAYMENT_HOLD, "payments", work.now + patience, text, on_expiry="cancel")


def accept(work: Work, order: Order) -> Order:
    """Accept an order that nothing holds any more, and queue it for routing."""
    if order.state != "captured" or order.holds:
        return order
    order = work.tell(order, Accept())
    work.queue(order, due_at=work.now)
    keep_promise(work, order, "accepted")
    return order


def release_hold(work: Work, order_id: str, code: str) -> str:
    """Let an order go on; it is accepted when this was its last hold."""
    order = work.tell(work.order(order_id), ReleaseHold(code))
    if code == CREDIT_HOLD:
        # Whoever let it go on may have given the customer a credit first.
        _credit.bind_credit(work, order)
    if order.state == "accepted" and not order.holds:
        work.queue(order, due_at=work.now)
    accept(work, order)
    return order_id


def reserve(work: Work, order: Order) -> Order:
    """Reserve what an order's lines still want (open and backordered units); what is short is backordered."""
    wanted: dict[str, int] = {}
    coming = work.coming(order)
    for line in order.lines:
        units = order.units[line.id]
        n = units.open + units.backordered - coming.get(line.id, 0)
        if n:
            wanted[line.item] = wanted.get(line.item, 0) + n
    if not wanted:
        return order
    held = work.txn.reservation(order.id)
    nodes = work.selling()
    # Reserving again replaces what one holds softly, so what is held already is asked for once more.
    wants = [
        Want(item, n + (held.units("reserved", item) if held else 0), nodes=nodes) for item, n in sorted(wanted.items())
    ]
    if held:
        wants += [Want(item, n, nodes=nodes) for item, n in _soft(held.held).items() if item not in wanted]
    got = inventory.reserve(
        work.txn,
        order.id,
        wants,
        cause=work.cause,
        policy="partial",
        floors=work.floors(order),
        channel=order.draft.channel,
        select=work.select(),
    )
    reserved = {item: n - got.short.get(item, 0) for item, n in wanted.items()}
    by_verb: dict[str, dict[str, int]] = {"reserve": {}, "backorder": {}}
    for line in order.lines:
        units = order.units[line.id]
        n = min(units.open + units.backordered - coming.get(line.id, 0), reserved.get(line.item, 0))
        if n:
            by_verb["reserve"][line.id] = n
            reserved[line.item] -= n
        # Reserving takes open units before backordered ones, as the table of unit moves says.
        if rest := units.open - min(n, units.open):
            by_verb["backorder"][line.id] = rest
    return work.tell(order, *(MoveUnits(verb, units) for verb, units in by_verb.items() if units))


def _soft(held: Mapping[tuple[Cell, str], int]) -> dict[str, int]:
    soft: dict[str, int] = {}
    for (cell, bucket), n in held.items():
        if bucket == "reserved":
            soft[cell.item] = soft.get(cell.item, 0) + n
    return soft
