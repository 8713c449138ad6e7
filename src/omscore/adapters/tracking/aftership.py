"""AfterShip: trackings, last checkpoints, and the webhook's `msg`."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from omscore.adapters.payloads._reading import Fields
from omscore.adapters.tracking._common import carrier_fields, fact, not_tracking, place
from omscore.shipping import TrackingFact

_CODES = {
    "Pending": "unknown",
    "InfoReceived": "pre_transit",
    "InTransit": "in_transit",
    "OutForDelivery": "out_for_delivery",
    "AttemptFail": "exception",
    "Delivered": "delivered",
    "AvailableForPickup": "available_for_pickup",
    "Exception": "exception",
    "Expired": "unknown",
}
_FINER = {"Exception_010": "return_to_sender", "Exception_011": "return_to_sender"}


def facts(payload: Any, *, zone: tzinfo | None = None) -> tuple[TrackingFact, ...]:
    """The facts of a tracking, a list of them, a last checkpoint or a webhook.

    A tracking without checkpoints gives one fact, its own tag. Some couriers give times without a zone: those take
    `zone`, and without one they are left out. Raises CarrierError naming what is missing or wrong.

    >>> facts({"data": {"tracking": {"tracking_number": "T1", "slug": "postnl", "tag": "InTransit", "checkpoints": [
    ...     {"tag": "InTransit", "checkpoint_time": "2026-03-02T10:00:00+01:00", "country_iso3": "NLD"}]}}})
    (TrackingFact(tracking='T1', code='in_transit', at=datetime.datetime(2026, 3, 2, 9, 0, ...), place='NLD',
                  carrier='postnl', raw='InTransit'),)
    """
    f = carrier_fields("aftership", payload)
    data = f.part_or_none("data") or f.part_or_none("msg") or f
    if "trackings" in data.data:
        return tuple(fact for row in data.rows("trackings") for fact in _of(row, zone))
    if "tracking" in data.data:
        return _of(data.part("tracking"), zone)
    if "tracking_number" in data.data:
        return _of(data, zone)
    raise not_tracking("aftership", data.data)


def _of(f: Fields, zone: tzinfo | None) -> tuple[TrackingFact, ...]:
    rows = f.rows_or_none("checkpoints")
    if (last := f.part_or_none("checkpoint")) is not None:
        rows.append(last)
    if not rows:
        return (_fact(f, f, "updated_at", zone),)
    return tuple(_fact(f, row, "checkpoint_time", zone) for row in rows)


def _fact(f: Fields, row: Fields, time: str, zone: tzinfo | None) -> TrackingFact:
    code = row.one_of("tag", _CODES)
    naive = zone is None and row.get(time) is not None and _is_naive(row.text(time))
    return fact(
        row,
        f.text("tracking_number"),
        _FINER.get(row.text_or("subtag"), code),
        None if naive else row.time_or_none(time, naive_is=zone),
        place(row.text_or("country_iso3"), row.text_or("state"), row.text_or("zip")),
        f.text_or("slug"),
        row.text_or("subtag") or row.text("tag"),
    )


def _is_naive(text: str) -> bool:
    return not (text.endswith("Z") or "+" in text or "-" in text[10:])


__all__ = ["facts"]
