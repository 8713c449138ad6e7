"""EasyPost: trackers, alone, in pages, in webhook events, and inside shipments."""

from __future__ import annotations

from typing import Any

from omscore.adapters.payloads._reading import Fields
from omscore.adapters.tracking._common import carrier_fields, fact, not_tracking, place
from omscore.shipping import TrackingFact

_CODES = {
    "unknown": "unknown",
    "pre_transit": "pre_transit",
    "in_transit": "in_transit",
    "out_for_delivery": "out_for_delivery",
    "delivered": "delivered",
    "available_for_pickup": "available_for_pickup",
    "return_to_sender": "return_to_sender",
    "failure": "failure",
    "cancelled": "cancelled",
    "error": "exception",
}


def facts(payload: Any) -> tuple[TrackingFact, ...]:
    """The facts of a Tracker, an Event about one, a Shipment that has one, or a page of any.

    A tracker without details gives one fact, its own status. Raises CarrierError naming what is missing or wrong.

    >>> facts({"object": "Tracker", "tracking_code": "T1", "status": "delivered", "carrier": "USPS",
    ...     "tracking_details": [{"status": "delivered", "datetime": "2026-03-02T09:00:00Z",
    ...         "tracking_location": {"country": "US", "state": "IL", "zip": "61536", "city": "H"}}]})
    (TrackingFact(tracking='T1', code='delivered', at=datetime.datetime(2026, 3, 2, 9, 0, ...), place='US IL 61536',
                  carrier='USPS', raw='delivered'),)
    """
    f = carrier_fields("easypost", payload)
    for name in ("trackers", "shipments"):
        if name in f.data:
            return tuple(fact for row in f.rows(name) for fact in _of(row))
    return _of(f)


def _of(f: Fields) -> tuple[TrackingFact, ...]:
    if f.get("object") == "Event":
        f = f.part("result")
    if f.get("object") == "Shipment":
        if f.get("tracker") is None:
            raise f.missing("tracker", "a shipment has one from the moment its label is bought")
        f = f.part("tracker")
    if f.get("object") != "Tracker":
        raise not_tracking("easypost", f.data)
    rows = f.rows_or_none("tracking_details") or [f]
    return tuple(
        fact(
            row,
            f.text("tracking_code"),
            row.one_of("status", _CODES),
            row.time("datetime") if row is not f else f.time_or_none("updated_at"),
            _place(row.part_or_none("tracking_location")),
            f.text_or("carrier"),
            row.text("status"),
        )
        for row in rows
    )


def _place(at: Fields | None) -> str:
    return place(at.text_or("country"), at.text_or("state"), at.text_or("zip")) if at else ""


__all__ = ["facts"]
