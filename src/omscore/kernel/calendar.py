"""Working calendars and cut-offs: when a place is open, and when the day's last order must be in.

A calendar is plain data in local wall-clock terms and answers in UTC. Each local year is expanded once, without a zone;
the zone is attached afterwards, and the openings are kept as sorted tuples in which answers are found by bisection.

When clocks change, two rules hold. A wall time that is skipped (02:30 on a spring night) means the moment that many
minutes after the clocks moved (03:30). A wall time that comes twice (02:30 on an autumn night) means the first of the
two. An opening that the skipped hour turns around (02:30 to 03:15) vanishes for that night.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from attrs import field, frozen
from dateutil.rrule import rrulestr

from omscore.errors import DefinitionError, InvalidValue, InvariantBroken
from omscore.kernel.times import utc

HORIZON_DAYS = 400
"""How far a search looks for the next opening, working day or cut-off before it says that there is none."""

WORKING_DAYS_MAX = 3_660
"""The most working days (or days' worth of working time) that one question may count: ten years of days."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_YEARS = range(2, 9_998)
_MIDNIGHT = 24 * 60

_Spans = tuple[tuple[int, int], ...]
_Openings = tuple[tuple[datetime, datetime], ...]


def _weekdays(text: str) -> tuple[int, ...]:
    found: list[int] = []
    if not isinstance(text, str):
        raise DefinitionError(f"weekdays are text such as 'mon-fri', not {text!r}")
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if first not in _DAYS or last not in _DAYS:
            raise DefinitionError(f"{text!r} names no weekdays; write 'mon-fri', 'sat' or 'mon,wed,fri'")
        start, end = _DAYS.index(first), _DAYS.index(last)
        found += [day % 7 for day in range(start, end + (8 if end < start else 1))]
    return tuple(sorted(set(found)))


def _minutes(text: str) -> int:
    if text == "24:00":
        return _MIDNIGHT
    if not isinstance(text, str) or not (match := _CLOCK.fullmatch(text)):
        raise DefinitionError(f"{text!r} is no time of day; write hours and minutes as '08:30'")
    return int(match[1]) * 60 + int(match[2])


def _spans(text: str) -> _Spans:
    """Opening hours of one day as minutes after its midnight; an end before the start is on the next day."""
    if not isinstance(text, str):
        raise DefinitionError(f"opening hours are text such as '09:00-17:00', not {text!r}")
    spans = []
    for part in text.split(",") if text.strip() else ():
        opens, dash, closes = (piece.strip() for piece in part.partition("-"))
        if not dash:
            raise DefinitionError(f"{text!r} are no opening hours; write '09:00-12:30, 13:00-17:00'")
        start, end = _minutes(opens), _minutes(closes)
        if start in (end, _MIDNIGHT):
            raise DefinitionError(f"{part.strip()!r} opens for no time; the whole day is '00:00-24:00'")
        spans.append((start, end if end > start else end + _MIDNIGHT))
    return tuple(sorted(spans))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError, TypeError):
        raise DefinitionError(
            f"{name!r} is no known time zone; use an IANA name such as 'Europe/Brussels' (install tzdata if it is one)"
        ) from None


def _day(value: object, name: str) -> date:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise InvalidValue(f"{name} holds plain dates, not {value!r}")
    return value


def _dates(days: Iterable[date]) -> tuple[date, ...]:
    return tuple(sorted({_day(day, "closed") for day in days}))


def _rules(rules: Iterable[str]) -> tuple[str, ...]:
    if isinstance(rules, str):
        raise DefinitionError("closed_rules is a sequence of rules; put the one rule into a tuple")
    return tuple(map(_checked_rule, rules))


def _checked_rule(rule: str) -> str:
    """A recurrence rule that means the same days in whichever year it is asked."""
    if not isinstance(rule, str) or rule.split() != [rule]:
        raise DefinitionError(
            f"closed_rules: {rule!r} is no recurrence rule; write 'FREQ=YEARLY;BYEASTER=1' or the like"
        )
    parts = dict(part.partition("=")[::2] for part in rule.upper().split(";"))
    for word in ("INTERVAL", "COUNT", "UNTIL", "DTSTART", "BYHOUR", "BYMINUTE", "BYSECOND"):
        if word in parts:
            raise DefinitionError(f"closed_rules: {word} in {rule!r} hangs on a start date; list the days in `closed`")
    weekly = parts.get("FREQ") == "WEEKLY"
    if not parts.keys() & ({"BYDAY"} if weekly else {"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYEASTER"}):
        raise DefinitionError(
            f"closed_rules: {rule!r} does not say which days; "
            + ("a weekly rule needs BYDAY" if weekly else "write 'FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=1' or the like")
        )
    if parts.get("FREQ") not in ("YEARLY", "MONTHLY", "WEEKLY"):
        raise DefinitionError(f"closed_rules: the frequency of {rule!r} must be YEARLY, MONTHLY or WEEKLY")
    try:
        rrulestr(rule, dtstart=datetime(2026, 1, 1))  # noqa: DTZ001 - rules are expanded without a zone
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DefinitionError(f"closed_rules: {rule!r} is no recurrence rule of RFC 5545: {error}") from None
    return rule


def _pairs(hours: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(hours.items() if isinstance(hours, Mapping) else hours)


def _special(special: Mapping[date, str] | Iterable[tuple[date, str]]) -> tuple[tuple[date, str], ...]:
    pairs = special.items() if isinstance(special, Mapping) else special
    return tuple(sorted((_day(day, "special"), text) for day, text in pairs))


@frozen
class WorkingCalendar:
    """When a place works: weekly opening hours in its own time zone, without the days it is closed.

    `hours` maps weekdays to hours ("mon-fri": "09:00-12:30, 13:00-17:00"); an end before its start is on the next day.
    `closed` takes any iterable of dates. `closed_rules` are RFC 5545 recurrence rules that mean the same days in every
    year; "FREQ=YEARLY;BYEASTER=1" is Easter Monday. `special` gives one date its own hours (none when empty) and wins
    over all others. A day is named by the date on which its opening begins.

    Raises DefinitionError for an unknown zone, unreadable hours, a weekday named twice and a rule that hangs on a
    start date; InvalidValue for a closed day that is not a plain date.

    >>> shop = WorkingCalendar("Europe/Brussels", {"mon-fri": "09:00-17:00"}, closed_rules=["FREQ=YEARLY;BYEASTER=1"])
    >>> shop.is_open(datetime(2026, 4, 7, 8, 0, tzinfo=UTC))
    True
    >>> shop.next_open(datetime(2026, 4, 3, 20, 0, tzinfo=UTC)).isoformat()
    '2026-04-07T07:00:00+00:00'
    """

    zone: str
    hours: tuple[tuple[str, str], ...] = field(converter=_pairs)
    closed: tuple[date, ...] = field(default=(), converter=_dates)
    closed_rules: tuple[str, ...] = field(default=(), converter=_rules)
    special: tuple[tuple[date, str], ...] = field(default=(), converter=_special)
    _tz: ZoneInfo = field(init=False, eq=False, repr=False)
    _week: Mapping[int, _Spans] = field(init=False, eq=False, repr=False)
    _days: dict[int, Mapping[date, _Spans]] = field(init=False, eq=False, repr=False, factory=dict)
    _years: dict[int, tuple[_Openings, tuple[datetime, ...]]] = field(init=False, eq=False, repr=False, factory=dict)

    @_tz.default
    def _find_zone(self) -> ZoneInfo:
        return _zone(self.zone)

    @_week.default
    def _read_week(self) -> Mapping[int, _Spans]:
        week: dict[int, _Spans] = {}
        for days, text in self.hours:
            if not (spans := _spans(text)):
                raise DefinitionError(f"hours of {days!r} are empty; leave the days out to keep them closed")
            for day in _weekdays(days):
                if day in week:
                    raise DefinitionError(f"hours name {_DAYS[day]!r} twice; give each weekday one entry")
                week[day] = spans
        return week

    def __attrs_post_init__(self) -> None:
        if not any([self._week, *(_spans(text) for _, text in self.special)]):
            raise DefinitionError("a calendar needs opening hours; write {'mon-fri': '09:00-17:00'}")

    def is_open(self, at: datetime) -> bool:
        """Whether the place is open at a moment; it is open at its opening time and closed at its closing time.

        >>> night = WorkingCalendar("Europe/Paris", {"mon-fri": "22:00-06:00"})
        >>> night.is_open(datetime(2026, 3, 7, 4, 59, tzinfo=UTC)), night.is_open(datetime(2026, 3, 7, 5, tzinfo=UTC))
        (True, False)
        """
        moment = utc(at, "at")
        openings, ends = self._year(_local_date(moment, self._tz).year)
        i = bisect_right(ends, moment)
        return i < len(openings) and openings[i][0] <= moment

    def next_open(self, at: datetime) -> datetime:
        """The first moment from `at` on at which the place is open, in UTC.

        Raises DefinitionError when it does not open within 400 days.

        >>> WorkingCalendar("UTC", {"mon": "09:00-17:00"}).next_open(datetime(2026, 3, 3, tzinfo=UTC)).isoformat()
        '2026-03-09T09:00:00+00:00'
        """
        moment = utc(at, "at")
        return max(moment, next(self._from(moment))[0])

    def add_working_time(self, start: datetime, duration: timedelta) -> datetime:
        """The moment, in UTC, by which the place has been open for a duration since `start`.

        A duration that ends at closing time ends there, not at the next opening; no duration gives the next moment
        of opening. Raises InvalidValue for a negative duration or one beyond ten years of days, DefinitionError when
        the place does not open for 400 days.

        >>> shop = WorkingCalendar("UTC", {"mon-fri": "09:00-17:00"})
        >>> shop.add_working_time(datetime(2026, 3, 6, 16, tzinfo=UTC), timedelta(hours=2)).isoformat()
        '2026-03-09T10:00:00+00:00'
        """
        if not isinstance(duration, timedelta) or not timedelta(0) <= duration <= timedelta(days=WORKING_DAYS_MAX):
            raise InvalidValue(f"working time must be between 0 and {WORKING_DAYS_MAX} days, not {duration!r}")
        moment, left = utc(start, "start"), duration
        for opens, closes in self._from(moment):
            moment = max(moment, opens)
            if left <= closes - moment:
                return moment + left
            left -= closes - moment
            moment = closes
        raise InvariantBroken("a search for openings ended without an answer")

    def is_working_day(self, day: date) -> bool:
        """Whether the place opens on a local date.

        >>> shop = WorkingCalendar("UTC", {"mon-fri": "09:00-17:00"}, closed=[date(2026, 5, 1)])
        >>> shop.is_working_day(date(2026, 4, 30)), shop.is_working_day(date(2026, 5, 1))
        (True, False)
        """
        return bool(self._spans_on(_day(day, "day")))

    def working_days_after(self, day: date, n: int) -> date:
        """The local date n working days after a day; 0 is the day itself, or the next working day when it is none.

        Raises InvalidValue when n is not between 0 and ten years of days, DefinitionError when there is no working
        day within 400 days.

        >>> shop = WorkingCalendar("UTC", {"mon-fri": "09:00-17:00"})
        >>> shop.working_days_after(date(2026, 3, 6), 1), shop.working_days_after(date(2026, 3, 7), 0)
        (datetime.date(2026, 3, 9), datetime.date(2026, 3, 9))
        """
        if type(n) is not int or not 0 <= n <= WORKING_DAYS_MAX:
            raise InvalidValue(f"working days are a whole number from 0 to {WORKING_DAYS_MAX}, not {n!r}")
        found = _day(day, "day") if n else self._working_day_from(day)
        for _ in range(n):
            found = self._working_day_from(found + timedelta(days=1))
        return found

    def openings(self, year: int) -> tuple[tuple[datetime, datetime], ...]:
        """Every opening of a local year as (opens, closes) in UTC; one that spans New Year is cut at midnight.

        >>> opens, closes = WorkingCalendar("Asia/Tokyo", {"sun": "10:00-18:00"}).openings(2026)[0]
        >>> opens.isoformat(), closes.isoformat()
        ('2026-01-04T01:00:00+00:00', '2026-01-04T09:00:00+00:00')
        """
        return self._year(year)[0]

    def _working_day_from(self, day: date) -> date:
        _day(day, "day")
        for ahead in range(HORIZON_DAYS + 1):
            if self._spans_on(found := day + timedelta(days=ahead)):
                return found
        raise DefinitionError(f"no working day within {HORIZON_DAYS} days of {day}; check hours, closed and rules")

    def _from(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The openings that end after a moment, in order; the search stops where 400 days hold none."""
        year, last = _local_date(moment, self._tz).year, moment
        openings, ends = self._year(year)
        i = bisect_right(ends, moment)
        while True:
            for opening in islice(openings, i, None):
                if opening[0] - last > timedelta(days=HORIZON_DAYS):
                    break
                yield opening
                last = opening[1]
            year, i = year + 1, 0
            openings = self._year(year)[0]
            # A day of grace, because the local year may begin before the year does in UTC.
            if datetime(year, 1, 1, tzinfo=UTC) - last > timedelta(days=HORIZON_DAYS + 1):
                raise DefinitionError(
                    f"no opening within {HORIZON_DAYS} days of {last.isoformat()}; check hours, closed and rules"
                )

    def _spans_on(self, day: date) -> _Spans:
        if (days := self._days.get(day.year)) is None:
            days = self._days[day.year] = self._expand(day.year)
        return days.get(day, ())

    def _expand(self, year: int) -> Mapping[date, _Spans]:
        """The opening hours of each day of a year that has any, still without a zone."""
        _known_year(year)
        first, last = datetime(year, 1, 1), datetime(year, 12, 31)  # noqa: DTZ001 - expanded without a zone
        shut = {day for day in self.closed if day.year == year}
        for rule in self.closed_rules:
            # Anchored in the year itself, so that a rule never walks through the decades before it.
            shut.update(moment.date() for moment in rrulestr(rule, dtstart=first).between(first, last, inc=True))
        days = {}
        for ahead in range((last - first).days + 1):
            day = first.date() + timedelta(days=ahead)
            if day not in shut and (spans := self._week.get(day.weekday())):
                days[day] = spans
        return days | {day: _spans(text) for day, text in self.special if day.year == year}

    def _year(self, year: int) -> tuple[_Openings, tuple[datetime, ...]]:
        if (known := self._years.get(year)) is None:
            openings = tuple(self._opening_times(year))
            known = self._years[year] = (openings, tuple(closes for _, closes in openings))
        return known

    def _opening_times(self, year: int) -> Iterable[tuple[datetime, datetime]]:
        begin, end = self._moment(date(year, 1, 1), 0), self._moment(date(year + 1, 1, 1), 0)
        merged: list[tuple[datetime, datetime]] = []
        day = date(year - 1, 12, 31)  # its night may reach into this year
        while day.year <= year:
            for opens, closes in self._spans_on(day) if day.year >= _YEARS.start else ():
                start, stop = max(begin, self._moment(day, opens)), min(end, self._moment(day, closes))
                if start < stop:
                    merged.append((start, stop))
            day += timedelta(days=1)
        merged.sort()
        joined: list[tuple[datetime, datetime]] = []
        for start, stop in merged:
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], stop))
            else:
                joined.append((start, stop))
        return joined

    def _moment(self, day: date, minutes: int) -> datetime:
        return _attach(day, minutes, self._tz)


def _known_year(year: int) -> None:
    if year not in _YEARS:
        raise InvalidValue(f"calendars cover the years {_YEARS.start} to {_YEARS.stop - 1}, not {year}")


def _local_date(moment: datetime, zone: ZoneInfo) -> date:
    _known_year(moment.year)
    return moment.astimezone(zone).date()


def _attach(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """A local wall time as a moment in UTC; fold 0 gives the two rules of the module's docstring."""
    return (datetime.combine(day, time()) + timedelta(minutes=minutes)).replace(tzinfo=zone).astimezone(UTC)


@frozen
class CutOff:
    """The local time until which orders still make the day, on given weekdays.

    Raises DefinitionError for an unreadable time, unknown weekdays or an unknown zone.

    >>> CutOff("16:00", "Europe/Brussels", "mon-fri").next(datetime(2026, 3, 6, 15, 30, tzinfo=UTC)).isoformat()
    '2026-03-09T15:00:00+00:00'
    """

    time: str
    zone: str
    weekdays: str = "mon-sun"
    _minutes: int = field(init=False, eq=False, repr=False)
    _tz: ZoneInfo = field(init=False, eq=False, repr=False)
    _on: tuple[int, ...] = field(init=False, eq=False, repr=False)

    @_minutes.default
    def _read_time(self) -> int:
        return _minutes(self.time)

    @_tz.default
    def _find_zone(self) -> ZoneInfo:
        return _zone(self.zone)

    @_on.default
    def _read_weekdays(self) -> tuple[int, ...]:
        return _weekdays(self.weekdays)

    def next(self, at: datetime, calendar: WorkingCalendar | None = None) -> datetime:
        """The first cut-off at or after a moment, in UTC; an order that comes at the very minute still makes it.

        With a calendar, days on which it does not work have no cut-off. Raises DefinitionError when there is none
        within 400 days.

        >>> cutoff = CutOff("16:00", "UTC", "mon-fri")
        >>> cutoff.next(datetime(2026, 3, 6, 16, 0, tzinfo=UTC)).isoformat()
        '2026-03-06T16:00:00+00:00'
        """
        return self._find(at, calendar)[1]

    def day(self, at: datetime, calendar: WorkingCalendar | None = None) -> date:
        """The local date whose cut-off an order that comes at a moment makes; raises as `next` does.

        >>> CutOff("16:00", "America/New_York", "mon-fri").day(datetime(2026, 3, 6, 21, 1, tzinfo=UTC))
        datetime.date(2026, 3, 9)
        """
        return self._find(at, calendar)[0]

    def _find(self, at: datetime, calendar: WorkingCalendar | None) -> tuple[date, datetime]:
        moment = utc(at, "at")
        # A cut-off at 24:00 belongs to the day before, and a skipped hour may carry one over midnight.
        first = _local_date(moment, self._tz) - timedelta(days=1)
        for ahead in range(HORIZON_DAYS + 2):
            day = first + timedelta(days=ahead)
            if day.weekday() in self._on and (calendar is None or calendar.is_working_day(day)):
                cut = _attach(day, self._minutes, self._tz)
                if cut >= moment:
                    return day, cut
        raise DefinitionError(f"no cut-off within {HORIZON_DAYS} days of {moment.isoformat()}; check the calendar")
