"""DHL: the unified shipment tracking answer."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from omscore.adapters.payloads._reading import Fields
from omscore.adapters.tracking._common import carrier_fields, fact, not_tracking, place
from omscore.errors import CarrierRejected
from omscore.shipping import TrackingFact

_CODES = {
    "pre-transit": "pre_transit",
    "transit": "in_transit",
    "delivered": "delivered",
    "failure": "exception",
    "unknown": "unknown",
}


def facts(payload: Any, *, zone: tzinfo | None = None) -> tuple[TrackingFact, ...]:
    """The facts of `{"shipments": [...]}`. DHL writes events in the local time of where they happened, without a zone:
    they take `zone`, and without one their time is left out; the shipment's latest status has its own.

    Raises CarrierRejected when DHL knows no such shipment, CarrierError naming what is missing or wrong.

    >>> facts({"shipments": [{"id": "T1", "status": {"statusCode": "delivered", "timestamp": "2026-03-02T09:00:00Z",
    ...     "location": {"address": {"countryCode": "NL", "postalCode": "1043 AG"}}}}]})[0].place
    'NL 1043 AG'
    """
    f = carrier_fields("dhl", payload)
    if "shipments" in f.data:
        return tuple(fact for row in f.rows("shipments") for fact in _of(row, zone))
    if "title" in f.data and "status" in f.data:
        raise CarrierRejected(f"dhl: {f.text('title')} ({f.text('status')}): {f.text_or('detail')}")
    raise not_tracking("dhl", f.data)


def _of(f: Fields, zone: tzinfo | None) -> tuple[TrackingFact, ...]:
    rows = f.rows_or_none("events")
    if (latest := f.part_or_none("status")) is not None:
        rows.append(latest)
    if not rows:
        raise f.missing("events")
    found = []
    for row in rows:
        text = row.text_or("timestamp")
        aware = text.endswith("Z") or "+" in text or "-" in text[10:]
        at = row.time("timestamp", naive_is=zone) if text and (aware or zone is not None) else None
        code = row.one_of("statusCode", _CODES)
        found.append(fact(row, f.text("id"), code, at, _place(row), "dhl", row.text("statusCode")))
    return tuple(dict.fromkeys(found))


def _place(row: Fields) -> str:
    at = row.part_or_none("location")
    a = at.part_or_none("address") if at else None
    return place(a.text_or("countryCode"), "", a.text_or("postalCode")) if a else ""


__all__ = ["facts"]
