"""Amazon: shipment tracking 2026-01-30 with its notification, and Shipping v2."""

from __future__ import annotations

from typing import Any

from omscore.adapters.payloads._reading import Fields
from omscore.adapters.tracking._common import carrier_fields, fact, not_tracking, place
from omscore.shipping import TrackingFact

_MILESTONES = {
    "ORDER_PREPARING": "pre_transit",
    "BOOKING_CONFIRMED": "pre_transit",
    "CARRIER_ASSIGNED": "pre_transit",
    "SHIPPED": "in_transit",
    "CUSTOMS_CLEARED": "in_transit",
    "OUT_FOR_DELIVERY": "out_for_delivery",
    "DELIVERED": "delivered",
    "ORDER_CANCELLED": "cancelled",
}
_EVENTS = {
    "ReadyForReceive": "pre_transit",
    "PickupDone": "in_transit",
    "Departed": "in_transit",
    "ArrivedAtCarrierFacility": "in_transit",
    "OutForDelivery": "out_for_delivery",
    "AvailableForPickup": "available_for_pickup",
    "Delivered": "delivered",
    "DeliveryAttempted": "exception",
    "Rejected": "exception",
    "Damaged": "exception",
    "Undeliverable": "failure",
    "Lost": "failure",
    "Destroyed": "failure",
    "ReturnInitiated": "return_to_sender",
    "PickupCancelled": "cancelled",
    "Cancelled": "cancelled",
}


def facts(payload: Any) -> tuple[TrackingFact, ...]:
    """The facts of a tracking answer of either API, or of the milestone notification.

    A code that is not listed is `unknown`; everything that happens on the way back to the sender is `return_to_sender`.
    Raises CarrierError naming what is missing or wrong.

    >>> [f.code for f in facts({"trackingId": "T1", "eventHistory": [
    ...     {"eventCode": "Undeliverable", "eventTime": "2026-03-02T09:00:00Z", "shipmentType": "FORWARD"},
    ...     {"eventCode": "Delivered", "eventTime": "2026-03-04T09:00:00Z", "shipmentType": "RETURNS"}]})]
    ['failure', 'return_to_sender']
    """
    f = carrier_fields("amazon", payload)
    for name in ("payload", "shipmentTrackingMilestoneChangedNotification"):
        f = f.part_or_none(name) or f
    if "trackingDetail" in f.data:
        return _milestones(f.part("trackingDetail"))
    if "eventHistory" in f.data:
        return _events(f)
    raise not_tracking("amazon", f.data)


def _milestones(f: Fields) -> tuple[TrackingFact, ...]:
    names = f.part("identifier")
    carried = names.part_or_none("carrierTracking")
    number = carried.text("trackingNumber") if carried else names.text_or("aftn") or names.text("id")
    carrier = carried.text_or("carrierCode") if carried else ""
    found = []
    for row in f.rows("milestoneHistory"):
        code = row.part("status").text("code")
        found.append(
            fact(
                row,
                number,
                _MILESTONES.get(code, "unknown"),
                row.time("occurredAt"),
                _address(row),
                carrier or "amazon",
                code,
            )
        )
    return tuple(found)


def _events(f: Fields) -> tuple[TrackingFact, ...]:
    number = f.text("trackingId")
    found = []
    for row in f.rows("eventHistory"):
        raw = row.text("eventCode")
        back = row.text_or("shipmentType") == "RETURNS"
        code = "return_to_sender" if back else _EVENTS.get(raw, "unknown")
        at = row.part_or_none("location")
        where = place(at.text_or("countryCode"), at.text_or("stateOrRegion"), at.text_or("postalCode")) if at else ""
        found.append(fact(row, number, code, row.time("eventTime"), where, "amazon", raw))
    return tuple(found)


def _address(row: Fields) -> str:
    at = row.part_or_none("location")
    a = at.part_or_none("address") if at else None
    return place(a.text_or("countryCode"), a.text_or("region"), a.text_or("postalCode")) if a else ""


__all__ = ["facts"]
