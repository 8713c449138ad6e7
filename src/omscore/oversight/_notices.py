"""Notices and deadlines: what each order owes its customer, by when, and how much time is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from omscore.kernel import utc
from omscore.kernel.given import listed, mapped, of_kind
from omscore.kernel.times import moments
from omscore.orders import Fulfillment, Order
from omscore.oversight._profile import ChannelProfile
from omscore.payments import Payment
from omscore.returns import ANY_TIME, Return, ReturnPolicy

NOTICE_STATUSES = ("due", "sent", "late", "dropped")
"""Where a notice may stand: `late` was not sent in time, or is past its time; `dropped` is of an order that ended."""


@frozen
class NoticeSent:
    """A notice went out: an event for the log.

    >>> NoticeSent("ord-1", "confirmed", None).notice
    'confirmed'
    """

    order: str
    notice: str
    at: datetime


@frozen
class Notice:
    """One notice of one order: when it is due, when it was first sent if it was, and where that leaves it.

    `status` is one of NOTICE_STATUSES.

    >>> Notice("ord-1", "confirmed", datetime(2026, 3, 2, 10, 2), None, "due").status
    'due'
    """

    order: str
    notice: str
    due_at: datetime
    sent_at: datetime | None
    status: str


def notices_of(
    order: Order, sent: Mapping[str, datetime], profile: ChannelProfile, now: datetime
) -> tuple[Notice, ...]:
    """The notices that an order owes, in the order of their deadlines; `sent` says when each went out first.

    >>> from omscore.testing.walkthrough import MONDAY, up_to
    >>> at = up_to("accepted")
    >>> [(n.notice, n.status) for n in notices_of(at.order, {"confirmed": MONDAY}, ChannelProfile(), MONDAY)][:2]
    [('confirmed', 'sent'), ('paid', 'due')]
    """
    _check(order, sent, profile)
    now = utc(now, "now")
    result = []
    for notice, after in sorted(profile.notices.items(), key=lambda row: (row[1], row[0])):
        due_at, sent_at = order.captured_at + after, sent.get(notice)
        if sent_at is not None:
            status = "sent" if sent_at <= due_at else "late"
        elif order.state in ("rejected", "cancelled", "closed"):
            status = "dropped"
        else:
            status = "late" if now > due_at else "due"
        result.append(Notice(order.id, notice, due_at, sent_at, status))
    return tuple(result)


def _check(order: object, sent: Mapping[str, datetime], profile: object) -> None:
    of_kind("order", order, Order, "shop.order('ord-1')")
    of_kind("profile", profile, ChannelProfile, "ChannelProfile()")
    for notice, at in mapped("the notices sent", sent, "{'confirmed': at}").items():
        utc(at, f"when notice {notice!r} was sent")


@frozen
class Obligation:
    """Something that is owed by a time, and the slack that is left; negative slack is lateness.

    >>> Obligation("ord-1", "ship", datetime(2026, 3, 2), timedelta(hours=-1)).late
    True
    """

    order: str
    what: str
    due_at: datetime
    slack: timedelta

    @property
    def late(self) -> bool:
        """Whether its time has passed.

        >>> Obligation("ord-1", "ship", datetime(2026, 3, 2), timedelta(0)).late
        False
        """
        return self.slack < timedelta(0)


def obligations_of(
    order: Order,
    sent: Mapping[str, datetime],
    profile: ChannelProfile,
    now: datetime,
    *,
    fulfillments: Sequence[Fulfillment] = (),
    payment: Payment | None = None,
    returns: Sequence[Return] = (),
    policy: ReturnPolicy = ANY_TIME,
    refund_since: datetime | None = None,
) -> tuple[Obligation, ...]:
    """Everything an order still owes: holds to decide, shipping, delivery and notices, the most urgent first.

    Of its `fulfillments` also the answer of the node and the hour to leave, of its `payment` the capture before an
    authorization runs out, of its `returns` the goods that are expected, by the `policy`. Money that is to be given
    back `refund_since` a time is owed whatever has become of the order.

    >>> from omscore.testing.walkthrough import MONDAY, up_to
    >>> profile = ChannelProfile(commitment=timedelta(hours=48), notices={})
    >>> [(o.what, o.slack) for o in obligations_of(up_to("accepted").order, {}, profile, MONDAY)]
    [('ship', datetime.timedelta(days=2))]
    """
    _check(order, sent, profile)
    now = utc(now, "now")
    fulfillments = listed("fulfillments", fulfillments, Fulfillment, "shop.fulfillment('ord-1-f1')")
    returns = listed("returns", returns, Return, "shop.return_('ord-1-r1')")
    if payment is not None:
        of_kind("payment", payment, Payment, "Payment('ord-1', 'EUR')")
    of_kind("policy", policy, ReturnPolicy, "ReturnPolicy(window=timedelta(days=30))")
    moments(refund_since=refund_since)
    owed = (
        {}
        if order.state not in ("captured", "accepted")
        else _of_open(order, sent, profile, now, fulfillments, payment)
    )
    for back in returns:
        if back.state in ("expected", "receiving") and back.opened_at is not None:
            owed[f"receive {back.id}"] = back.opened_at + policy.patience
    if refund_since is not None:
        owed["refund"] = refund_since + policy.refund_within
    rows = [Obligation(order.id, what, at, at - now) for what, at in owed.items() if at is not None]
    return tuple(sorted(rows, key=lambda o: (o.due_at, o.what)))


def _of_open(
    order: Order,
    sent: Mapping[str, datetime],
    profile: ChannelProfile,
    now: datetime,
    fulfillments: Sequence[Fulfillment],
    payment: Payment | None,
) -> dict[str, datetime | None]:
    """What an order owes that is not over, and by when."""
    owed = {f"decide {hold.code}": hold.until for hold in order.holds}
    totals = order.totals
    here = totals.open + totals.reserved + totals.backordered + totals.allocated + totals.picked + totals.packed
    if here:
        by_profile = None if profile.commitment is None else order.draft.placed_at + profile.commitment
        owed["ship"] = order.draft.ship_by or by_profile
    if here or totals.shipped:
        owed["deliver"] = order.draft.deliver_by
    for notice in notices_of(order, sent, profile, now):
        if notice.sent_at is None and notice.status in ("due", "late"):
            owed[f"notify {notice.notice}"] = notice.due_at
    for fulfillment in fulfillments:
        if fulfillment.negotiation == "offered":
            owed[f"answer {fulfillment.id}"] = fulfillment.answer_by
        if fulfillment.state in ("open", "picking", "packed"):
            owed[f"ship {fulfillment.id}"] = fulfillment.due_at
    for row in payment.open_authorizations if payment else ():
        owed[f"capture {row.id}"] = row.expires_at
    return owed
