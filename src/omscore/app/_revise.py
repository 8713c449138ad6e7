"""Revise: a later revision of an order that is known already becomes an edit of it."""

from __future__ import annotations

from collections.abc import Sequence

from omscore.app import _capture
from omscore.app._edit import edit
from omscore.app._work import Work
from omscore.orders import Draft, External, Finding, changes_between


def capture(work: Work, draft: Draft, content: str, order_id: str, told: Sequence[Finding] = ()) -> str:
    """Take a draft in, as a new order or as a later revision of one; an earlier revision that comes late is left alone.

    Raises what an edit raises when the order has gone too far for what the channel now says; the order stays as it is,
    and so does the revision that counts.
    """
    external_id = f"{draft.channel}/{draft.external_id}"
    known = work.find("external", external_id)
    if known is None or draft.revision <= known.revision:
        return _capture.capture(work, draft, content, order_id, told)
    order = work.order(known.order)
    work.save("external", external_id, External(known.order, draft.revision, content))
    if changes := changes_between(order, draft):
        edit(work, order.id, changes, f"revision {draft.revision} of {external_id}", None)
        order = work.order(order.id)
    waiting = any(hold.code == _capture.PAYMENT_HOLD for hold in order.holds)
    if waiting and work.wiring.gateway is None and draft.payment in ("authorized", "paid"):
        _capture.release_hold(work, order.id, _capture.PAYMENT_HOLD)
    return order.id
