"""USPS: the track response of its Web Tools (XML)."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

from omscore.adapters.payloads._reading import Fields
from omscore.adapters.tracking._common import fact, place, xml_fields
from omscore.errors import CarrierRejected
from omscore.shipping import TrackingFact

_CODES = {
    "GX": "pre_transit",
    "MA": "pre_transit",
    "NP": "pre_transit",
    "03": "in_transit",
    "06": "in_transit",
    "07": "in_transit",
    "08": "in_transit",
    "10": "in_transit",
    "OA": "in_transit",
    "PC": "in_transit",
    "EF": "in_transit",
    "OF": "out_for_delivery",
    "16": "available_for_pickup",
    "02": "exception",
    "04": "exception",
    "05": "exception",
    "11": "failure",
    "01": "delivered",
} | dict.fromkeys(("09", "21", "22", "23", "24", "25", "26", "27", "28", "29", "31"), "return_to_sender")
_MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
_DATE = re.compile(r"(\w+) (\d{1,2}), (\d{4})")
_TIME = re.compile(r"(\d{1,2}):(\d{2}) ([ap])m", re.IGNORECASE)


def facts(text: str | bytes, *, zone: tzinfo | None = None) -> tuple[TrackingFact, ...]:
    """The facts of a `<TrackResponse>` for one or many numbers; an event code that is not listed is `unknown`.

    USPS writes times in the local time of where an event happened, without a zone: they take `zone`, and without one
    they are left out. A number that USPS cannot find gives no facts; when it finds none of them, CarrierRejected says
    why. Raises CarrierError naming what is missing or wrong.

    >>> from zoneinfo import ZoneInfo
    >>> facts('<TrackResponse><TrackInfo ID="T1"><TrackSummary><EventTime>9:01 am</EventTime><EventDate>March 2, 2026'
    ...     '</EventDate><EventState>IL</EventState><EventZIPCode>61536</EventZIPCode><EventCode>01</EventCode>'
    ...     '</TrackSummary></TrackInfo></TrackResponse>', zone=ZoneInfo("America/Chicago"))
    (TrackingFact(tracking='T1', code='delivered', at=datetime.datetime(2026, 3, 2, 15, 1, ...), place='US IL 61536',
                  carrier='usps', raw='01'),)
    """
    f = xml_fields("usps", text, root="TrackResponse", many={"TrackInfo", "TrackDetail", "TrackSummary"})
    found: list[TrackingFact] = []
    refused = []
    for info in f.rows("TrackInfo"):
        number = info.text("@ID")
        if (error := info.part_or_none("Error")) is not None:
            refused.append(f"usps: {number}: {error.text_or('Number')}: {error.text_or('Description')}")
            continue
        rows = [*info.rows_or_none("TrackSummary"), *info.rows_or_none("TrackDetail")]
        if not rows:
            raise info.missing("TrackSummary")
        found += [_fact(number, row, zone) for row in rows]
    if refused and not found:
        raise CarrierRejected("; ".join(refused))
    return tuple(found)


def _fact(number: str, row: Fields, zone: tzinfo | None) -> TrackingFact:
    raw, country = row.text("EventCode"), row.text_or("EventCountry")
    return fact(
        row,
        number,
        _CODES.get(raw, "unknown"),
        _time(row, zone) if zone is not None and row.get("EventDate") is not None else None,
        place(country or "US", row.text_or("EventState"), row.text_or("EventZIPCode")),
        "usps",
        raw,
    )


def _time(row: Fields, zone: tzinfo) -> datetime:
    day = _DATE.fullmatch(row.text("EventDate"))
    if day is None or day[1] not in _MONTHS:
        raise row.wrong("EventDate", f"a date is written 'April 28, 2015', not {row.text('EventDate')!r}")
    clock = _TIME.fullmatch(row.text_or("EventTime", "12:00 am"))
    if clock is None:
        raise row.wrong("EventTime", f"a time is written '9:01 am', not {row.text('EventTime')!r}")
    hour = int(clock[1]) % 12 + (12 if clock[3].lower() == "p" else 0)
    written = f"{int(day[3]):04}-{_MONTHS.index(day[1]) + 1:02}-{int(day[2]):02}T{hour:02}:{clock[2]}:00"
    return Fields(row.source, {"EventDate": written}, row.path, row.error).time("EventDate", naive_is=zone)


__all__ = ["facts"]
