"""Shippo: tracks, and the `track_updated` webhook."""

from __future__ import annotations

from typing import Any

from omscore.adapters.payloads._reading import Fields
from omscore.adapters.tracking._common import carrier_fields, fact, not_tracking, place
from omscore.shipping import TrackingFact

_CODES = {
    "UNKNOWN": "unknown",
    "PRE_TRANSIT": "pre_transit",
    "TRANSIT": "in_transit",
    "DELIVERED": "delivered",
    "RETURNED": "return_to_sender",
    "FAILURE": "failure",
}
# The substatus tells more than the status: a parcel "in transit" may be at the door.
_FINER = {
    "out_for_delivery": "out_for_delivery",
    "pickup_available": "available_for_pickup",
    "delivery_attempted": "exception",
    "delivery_rescheduled": "exception",
    "delayed": "exception",
    "address_issue": "exception",
    "contact_carrier": "exception",
    "location_inaccessible": "exception",
    "notice_left": "exception",
    "package_damaged": "exception",
    "package_held": "exception",
    "return_to_sender": "return_to_sender",
}


def facts(payload: Any) -> tuple[TrackingFact, ...]:
    """The facts of a track or of a webhook about one; a track that knows nothing yet gives none.

    Raises CarrierError naming what is missing or wrong.

    >>> facts({"carrier": "usps", "tracking_number": "T1", "tracking_history": [{"status": "TRANSIT",
    ...     "substatus": {"code": "out_for_delivery"}, "status_date": "2026-03-02T09:00:00Z"}]})[0].code
    'out_for_delivery'
    """
    f = carrier_fields("shippo", payload)
    if "event" in f.data and "data" in f.data:
        f = f.part("data")
    if "tracking_history" not in f.data and "tracking_status" not in f.data:
        raise not_tracking("shippo", f.data)
    rows = f.rows_or_none("tracking_history")
    if (latest := f.part_or_none("tracking_status")) is not None:
        rows.append(latest)
    number, carrier = f.text("tracking_number"), f.text_or("carrier")
    found = [
        fact(row, number, _code(row), row.time("status_date"), _place(row), carrier, row.text("status")) for row in rows
    ]
    # The latest status usually stands in the history too.
    return tuple(dict.fromkeys(found))


def _code(row: Fields) -> str:
    code = row.one_of("status", _CODES)
    finer = row.part_or_none("substatus")
    return _FINER.get(finer.text_or("code"), code) if finer else code


def _place(row: Fields) -> str:
    at = row.part_or_none("location")
    return place(at.text_or("country"), at.text_or("state"), at.text_or("zip")) if at else ""


__all__ = ["facts"]
