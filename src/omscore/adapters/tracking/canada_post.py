"""Canada Post: the tracking detail of its web services (XML)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from omscore.adapters.payloads._reading import Fields
from omscore.adapters.tracking._common import fact, place, xml_fields
from omscore.errors import CarrierRejected
from omscore.shipping import TrackingFact

# Event identifiers with a meaning beyond "it moves"; a signature image (20) says nothing of where the item is.
_CODES = {
    "3000": "pre_transit",
    "3001": "pre_transit",
    "3002": "pre_transit",
    "2300": "in_transit",
    "0100": "in_transit",
    "0173": "exception",
    "0174": "out_for_delivery",
    "0500": "out_for_delivery",
} | dict.fromkeys(("1408", "1409", "1496", "1497", "1498", "1499"), "delivered")
_HOURS = {
    "NST": -3.5, "NDT": -2.5, "AST": -4, "ADT": -3, "EST": -5, "EDT": -4,
    "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip


def facts(text: str | bytes) -> tuple[TrackingFact, ...]:
    """The facts of a `<tracking-detail>`; an event identifier that is not listed is `unknown`.

    Raises CarrierRejected when Canada Post answers with messages, CarrierError naming what is missing or wrong.

    >>> facts("<tracking-detail><pin>T1</pin><significant-events><occurrence><event-identifier>1496</event-identifier>"
    ...     "<event-date>2026-03-02</event-date><event-time>11:59:59</event-time><event-time-zone>EST</event-time-zone>"
    ...     "<event-province>QC</event-province></occurrence></significant-events></tracking-detail>")
    (TrackingFact(tracking='T1', code='delivered', at=datetime.datetime(2026, 3, 2, 16, 59, 59, ...), place='CA QC',
                  carrier='canada_post', raw='1496'),)
    """
    if _is_messages(text):
        told = xml_fields("canada_post", text, root="messages", many={"message"}).rows("message")
        raise CarrierRejected("; ".join(f"canada_post: {m.text('code')}: {m.text_or('description')}" for m in told))
    f = xml_fields("canada_post", text, root="tracking-detail", many={"occurrence"})
    pin = f.text("pin")
    return tuple(
        fact(
            row,
            pin,
            _CODES.get(row.text("event-identifier"), "unknown"),
            _time(row),
            place("CA", row.text_or("event-province")),
            "canada_post",
            row.text("event-identifier"),
        )
        for row in f.part("significant-events").rows("occurrence")
    )


def _is_messages(text: str | bytes) -> bool:
    return b"<messages" in text if isinstance(text, bytes) else "<messages" in text


def _time(row: Fields) -> datetime:
    zone = row.text("event-time-zone")
    if zone not in _HOURS:
        raise row.wrong("event-time-zone", f"{zone!r} is none of {', '.join(_HOURS)}")
    both = Fields(row.source, {"event-date": f"{row.text('event-date')}T{row.text('event-time')}"}, row.path, row.error)
    return both.time("event-date", naive_is=timezone(timedelta(hours=_HOURS[zone])))


__all__ = ["facts"]
