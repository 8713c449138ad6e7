"""FedEx: the track reply of its web services (XML) and of its REST API (JSON)."""

from __future__ import annotations

from typing import Any

from omscore.adapters.payloads._reading import Fields
from omscore.adapters.tracking._common import carrier_fields, fact, not_tracking, place, xml_fields
from omscore.errors import CarrierError, CarrierRejected, CarrierUnavailable
from omscore.shipping import TrackingFact

# Scan codes, which both interfaces share; every other scan is one on the way.
_CODES = {
    "OC": "pre_transit",
    "CA": "cancelled",
    "OD": "out_for_delivery",
    "HL": "available_for_pickup",
    "HP": "available_for_pickup",
    "DE": "exception",
    "SE": "exception",
    "DY": "exception",
    "CD": "exception",
    "RS": "return_to_sender",
    "RD": "return_to_sender",
    "DL": "delivered",
    "PU": "in_transit",
    "PX": "in_transit",
    "IP": "in_transit",
    "IT": "in_transit",
    "AR": "in_transit",
    "AF": "in_transit",
    "DP": "in_transit",
    "OX": "in_transit",
    "CC": "in_transit",
    "FD": "in_transit",
    "TR": "in_transit",
}


def facts(payload: Any) -> tuple[TrackingFact, ...]:
    """The facts of a track reply: text or bytes are XML, an object is JSON. A scan code not listed here is `unknown`.

    Raises CarrierRejected when FedEx knows none of the numbers, CarrierUnavailable when it asks to try again,
    CarrierError naming what is missing or wrong.

    >>> scan = {"eventType": "DL", "date": "2026-03-02T02:00:00-07:00", "scanLocation": {"countryCode": "US"}}
    >>> got = {"trackingNumberInfo": {"trackingNumber": "T1"}, "scanEvents": [scan]}
    >>> facts({"output": {"completeTrackResults": [{"trackResults": [got]}]}})[0].at.isoformat()
    '2026-03-02T09:00:00+00:00'
    """
    return _xml(payload) if isinstance(payload, (str, bytes)) else _json(payload)


def _json(payload: Any) -> tuple[TrackingFact, ...]:
    f = carrier_fields("fedex", payload)
    if said := f.rows_or_none("errors"):
        raise CarrierRejected("; ".join(f"fedex: {e.text('code')}: {e.text_or('message')}" for e in said))
    output = f.part_or_none("output")
    if output is None or "completeTrackResults" not in output.data:
        raise not_tracking("fedex", (output or f).data)
    found: list[TrackingFact] = []
    refused: list[CarrierError] = []
    results = [row for part in output.rows("completeTrackResults") for row in part.rows("trackResults")]
    for result in results:
        number = result.part("trackingNumberInfo").text("trackingNumber")
        if (error := result.part_or_none("error")) is not None and not result.get("scanEvents"):
            refused.append(CarrierRejected(f"fedex: {number}: {error.text('code')}: {error.text_or('message')}"))
        else:
            found += [_fact(number, row, "date", "scanLocation") for row in result.rows("scanEvents")]
    return _some(found, refused)


def _xml(text: str | bytes) -> tuple[TrackingFact, ...]:
    f = xml_fields("fedex", text, root="TrackReply", many={"CompletedTrackDetails", "TrackDetails", "Events"})
    found: list[TrackingFact] = []
    refused: list[CarrierError] = []
    for whole in f.rows("CompletedTrackDetails"):
        notice = whole.part_or_none("Notifications")
        if notice is not None and (error := _refusal(notice, "the request")):
            refused.append(error)
            continue
        if whole.text_or("DuplicateWaybill") == "true":
            many = len(whole.rows("TrackDetails"))
            raise whole.wrong("DuplicateWaybill", f"the number stands for {many} shipments; ask by unique id")
        for details in whole.rows("TrackDetails"):
            number = details.text("TrackingNumber")
            if error := _refusal(details.part("Notification"), number):
                refused.append(error)
            else:
                found += [_fact(number, row, "Timestamp", "Address") for row in details.rows("Events")]
    return _some(found, refused)


def _some(found: list[TrackingFact], refused: list[CarrierError]) -> tuple[TrackingFact, ...]:
    """What was found; a reply about many numbers is only refused when none of them is known."""
    if refused and not found:
        raise refused[0]
    return tuple(found)


def _refusal(notice: Fields, what: str) -> CarrierError | None:
    """FedEx says ERROR when asking again is of no use, FAILURE when it is."""
    severity, said = notice.text("Severity"), f"{notice.text_or('Code')}: {notice.text_or('Message')}"
    if severity == "ERROR":
        return CarrierRejected(f"fedex: {what}: {said}")
    return CarrierUnavailable(f"fedex: {what}: {said}") if severity == "FAILURE" else None


def _fact(number: str, row: Fields, time: str, where: str) -> TrackingFact:
    raw = row.text("EventType" if "EventType" in row.data else "eventType")
    at = row.part_or_none(where)
    spot = ""
    if at is not None:
        names = [
            ("CountryCode", "countryCode"),
            ("StateOrProvinceCode", "stateOrProvinceCode"),
            ("PostalCode", "postalCode"),
        ]
        spot = place(*(at.text_or(xml) or at.text_or(json) for xml, json in names))
    return fact(row, number, _CODES.get(raw, "unknown"), row.time(time), spot, "fedex", raw)


__all__ = ["facts"]
