"""Each carrier's message becomes facts in one vocabulary; what cannot be read is refused by the field."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from omscore.adapters.tracking import aftership, amazon, canada_post, dhl, easypost, fedex, shippo, usps
from omscore.adapters.tracking._common import DEPTH_MAX, xml_fields
from omscore.errors import CarrierError, CarrierRejected, CarrierUnavailable
from omscore.shipping import Tracking

TRACKER: dict[str, Any] = {
    "object": "Tracker",
    "tracking_code": "EZ1",
    "status": "unknown",
    "updated_at": "2026-03-02T09:00:00Z",
    "carrier": "USPS",
    "tracking_details": [],
}


def test_a_tracker_without_details_tells_its_own_status() -> None:
    (fact,) = easypost.facts(TRACKER)
    assert (fact.code, fact.at) == ("unknown", datetime(2026, 3, 2, 9, tzinfo=UTC))


def test_trackers_come_in_events_shipments_and_pages() -> None:
    alone = easypost.facts(TRACKER)
    assert easypost.facts({"object": "Event", "result": TRACKER}) == alone
    assert easypost.facts({"object": "Shipment", "tracker": TRACKER}) == alone
    assert easypost.facts({"trackers": [TRACKER, TRACKER]}) == alone * 2


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        (TRACKER | {"status": "teleported"}, "'status' is wrong: 'teleported' is none of"),
        (TRACKER | {"tracking_code": None}, "'tracking_code' is missing"),
        (TRACKER | {"tracking_details": [{"status": "delivered"}]}, r"'tracking_details\[0\]\.datetime' is missing"),
        ({"object": "Shipment", "tracker": None}, "'tracker' is missing; a shipment has one from the moment"),
        ({"object": "Batch"}, "an object with 'Batch' tells no tracking facts"),
    ],
)
def test_an_easypost_message_is_refused_by_the_field(payload: dict[str, Any], named: str) -> None:
    with pytest.raises(CarrierError, match=f"easypost: .*{named}"):
        easypost.facts(payload)


def test_the_latest_status_is_not_told_twice() -> None:
    row = {"status": "DELIVERED", "status_date": "2026-03-02T09:00:00Z", "location": {"country": "US", "zip": "94705"}}
    track = {"carrier": "usps", "tracking_number": "S1", "tracking_status": row, "tracking_history": [row]}
    assert [f.place for f in shippo.facts({"event": "track_updated", "data": track})] == ["US 94705"]


def test_a_time_without_a_zone_takes_the_one_given_or_none() -> None:
    checkpoint = {"tag": "Delivered", "checkpoint_time": "2026-03-02T10:00:00"}
    tracking = {"tracking_number": "A1", "slug": "x", "tag": "Delivered", "checkpoints": [checkpoint]}
    assert aftership.facts({"msg": tracking})[0].at is None
    zone = ZoneInfo("Europe/Brussels")
    assert aftership.facts({"msg": tracking}, zone=zone)[0].at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    event = {"statusCode": "transit", "timestamp": "2026-03-02T10:00:00"}
    shipment = {"shipments": [{"id": "D1", "events": [event]}]}
    assert dhl.facts(shipment)[0].at is None
    assert dhl.facts(shipment, zone=zone)[0].at == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_return_is_a_return_also_when_it_is_delivered_to_the_sender() -> None:
    back = {"tag": "Exception", "subtag": "Exception_011", "checkpoint_time": "2026-03-02T10:00:00Z"}
    assert aftership.facts({"tracking_number": "A1", "tag": "Exception", "checkpoint": back})[0].code == (
        "return_to_sender"
    )
    history = [
        {"eventCode": "OutForDelivery", "eventTime": "2026-03-01T09:00:00Z", "shipmentType": "FORWARD"},
        {"eventCode": "ReturnInitiated", "eventTime": "2026-03-02T09:00:00Z", "shipmentType": "RETURNS"},
        {"eventCode": "Delivered", "eventTime": "2026-03-04T09:00:00Z", "shipmentType": "RETURNS"},
    ]
    assert Tracking("Z1").told(amazon.facts({"trackingId": "Z1", "eventHistory": history})).code == "return_to_sender"


def test_a_carrier_that_knows_no_such_parcel_has_refused() -> None:
    with pytest.raises(CarrierRejected, match=r"dhl: No result found \(404\)"):
        dhl.facts({"title": "No result found", "status": 404, "detail": "No shipment with given number."})
    with pytest.raises(CarrierRejected, match="canada_post: 004: No Pin History"):
        canada_post.facts(
            b"<messages><message><code>004</code><description>No Pin History</description></message></messages>"
        )
    with pytest.raises(CarrierRejected, match="usps: U1: -1: not found"):
        usps.facts(
            '<TrackResponse><TrackInfo ID="U1"><Error><Number>-1</Number><Description>not found</Description></Error>'
            "</TrackInfo></TrackResponse>"
        )


def fedex_xml(severity: str, events: str = "") -> str:
    notice = f"<Notification><Severity>{severity}</Severity><Code>1</Code><Message>m</Message></Notification>"
    details = f"<TrackDetails>{notice}<TrackingNumber>F1</TrackingNumber>{events}</TrackDetails>"
    return f'<TrackReply xmlns="urn:x"><CompletedTrackDetails>{details}</CompletedTrackDetails></TrackReply>'


def test_fedex_says_whether_asking_again_is_of_use() -> None:
    with pytest.raises(CarrierRejected, match="fedex: F1: 1: m"):
        fedex.facts(fedex_xml("ERROR"))
    with pytest.raises(CarrierUnavailable, match="fedex: F1: 1: m"):
        fedex.facts(fedex_xml("FAILURE"))
    event = (
        "<Events><Timestamp>2026-03-02T03:00:00-06:00</Timestamp><EventType>OD</EventType><Address>"
        "<PostalCode>76119</PostalCode><CountryCode>US</CountryCode><StreetLines>S 1</StreetLines></Address></Events>"
    )
    (fact,) = fedex.facts(fedex_xml("SUCCESS", event))
    assert (fact.code, fact.at, fact.place) == ("out_for_delivery", datetime(2026, 3, 2, 9, tzinfo=UTC), "US 76119")


def test_one_unknown_number_does_not_hide_the_others() -> None:
    unknown = '<TrackInfo ID="U2"><Error><Number>-1</Number></Error></TrackInfo>'
    known = '<TrackInfo ID="U1"><TrackSummary><EventCode>OF</EventCode></TrackSummary></TrackInfo>'
    assert [f.tracking for f in usps.facts(f"<TrackResponse>{unknown}{known}</TrackResponse>")] == ["U1"]


@pytest.mark.parametrize(
    ("day", "clock", "named"),
    [
        ("Mars 2, 2026", "9:01 am", "EventDate"),
        ("March 2, 2026", "21:01", "EventTime"),
        ("March 32, 2026", "9:01 am", "EventDate"),
    ],
)
def test_a_date_that_is_none_is_refused_by_the_field(day: str, clock: str, named: str) -> None:
    summary = f"<EventDate>{day}</EventDate><EventTime>{clock}</EventTime><EventCode>01</EventCode>"
    message = f'<TrackResponse><TrackInfo ID="U1"><TrackSummary>{summary}</TrackSummary></TrackInfo></TrackResponse>'
    with pytest.raises(CarrierError, match=rf"TrackSummary\[0\]\.{named}' is wrong"):
        usps.facts(message, zone=ZoneInfo("America/Chicago"))


@pytest.mark.parametrize(("clock", "hour"), [("12:00 am", 0), ("12:30 pm", 12), ("1:05 PM", 13), ("11:59 am", 11)])
def test_noon_and_midnight_are_told_apart(clock: str, hour: int) -> None:
    summary = f"<EventDate>March 2, 2026</EventDate><EventTime>{clock}</EventTime><EventCode>10</EventCode>"
    message = f'<TrackResponse><TrackInfo ID="U1"><TrackSummary>{summary}</TrackSummary></TrackInfo></TrackResponse>'
    (fact,) = usps.facts(message, zone=timezone(timedelta(0)))
    assert fact.at is not None
    assert fact.at.hour == hour


BOMB = '<!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize("prolog", ["<!DOCTYPE TrackResponse>", BOMB, '<!DOCTYPE x SYSTEM "file:///etc/passwd">'])
@pytest.mark.parametrize("read", [usps.facts, fedex.facts, canada_post.facts], ids=["usps", "fedex", "canada_post"])
def test_xml_that_declares_a_document_type_is_refused_unread(read: Any, prolog: str) -> None:
    with pytest.raises(CarrierError, match="declares a document type"):
        read(f'<?xml version="1.0"?>{prolog}<TrackResponse>&b;</TrackResponse>')


@pytest.mark.parametrize(
    "text", ["", "<a>", "<a></b>", b"\xff\xfe\x00", "no xml", b'<?xml version="1.0" encoding="x"?><a/>']
)
def test_what_is_not_xml_is_refused(text: str | bytes) -> None:
    with pytest.raises(CarrierError, match="not well-formed XML"):
        xml_fields("post", text, root="a")


def test_xml_nested_without_end_is_refused() -> None:
    assert xml_fields("post", "<a>" * DEPTH_MAX + "</a>" * DEPTH_MAX, root="a").source == "post"
    with pytest.raises(CarrierError, match="nest deeper than 100"):
        xml_fields("post", "<a>" * 100_000, root="a")
