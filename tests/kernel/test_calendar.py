"""When a place is open, also on the nights when the clocks change."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omscore.errors import DefinitionError, InvalidValue
from omscore.kernel import HORIZON_DAYS, CutOff, WorkingCalendar

NEW_YORK = ZoneInfo("America/New_York")
OFFICE = WorkingCalendar("Europe/Brussels", {"mon-fri": "09:00-12:30, 13:00-17:00", "sat": "10:00-12:00"})
NIGHTS = WorkingCalendar("America/New_York", {"mon-sun": "22:00-06:00"}, closed=[date(2026, 7, 4)])


def new_york(*when: int, fold: int = 0) -> datetime:
    return datetime(*when, tzinfo=NEW_YORK, fold=fold)  # type: ignore[misc,arg-type]


def test_a_place_opens_at_its_local_hours_in_winter_and_in_summer() -> None:
    assert OFFICE.next_open(datetime(2026, 1, 5, 0, 0, tzinfo=UTC)) == datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
    assert OFFICE.next_open(datetime(2026, 7, 6, 0, 0, tzinfo=UTC)) == datetime(2026, 7, 6, 7, 0, tzinfo=UTC)


def test_a_place_is_closed_at_noon_at_night_and_on_sunday() -> None:
    monday = datetime(2026, 1, 5, tzinfo=UTC)
    assert OFFICE.is_open(monday + timedelta(hours=11, minutes=29))
    assert not OFFICE.is_open(monday + timedelta(hours=11, minutes=30))
    assert OFFICE.is_open(monday + timedelta(hours=12))
    assert not OFFICE.is_open(monday - timedelta(hours=12))


def test_working_time_skips_the_lunch_break_and_the_weekend() -> None:
    saturday_noon = datetime(2026, 1, 10, 10, 0, tzinfo=UTC)
    assert OFFICE.add_working_time(saturday_noon, timedelta(hours=5)) == datetime(2026, 1, 12, 12, 30, tzinfo=UTC)


def test_working_time_that_ends_at_closing_time_ends_there() -> None:
    assert OFFICE.add_working_time(datetime(2026, 1, 5, 14, tzinfo=UTC), timedelta(hours=2)) == datetime(
        2026, 1, 5, 16, tzinfo=UTC
    )


def test_no_working_time_is_the_next_moment_of_opening() -> None:
    assert OFFICE.add_working_time(datetime(2026, 1, 4, tzinfo=UTC), timedelta(0)) == datetime(
        2026, 1, 5, 8, tzinfo=UTC
    )


def test_a_night_shift_belongs_to_the_day_on_which_it_begins() -> None:
    assert NIGHTS.is_open(new_york(2026, 7, 4, 5, 59))  # begun on the third
    assert not NIGHTS.is_open(new_york(2026, 7, 4, 22, 0))  # the fourth is closed
    assert not NIGHTS.is_open(new_york(2026, 7, 5, 5, 0))
    assert NIGHTS.is_open(new_york(2026, 7, 5, 22, 0))


def test_a_night_shift_over_new_year_goes_on() -> None:
    assert NIGHTS.is_open(new_york(2026, 1, 1, 0, 0))
    assert NIGHTS.add_working_time(new_york(2025, 12, 31, 23), timedelta(hours=6)) == new_york(2026, 1, 1, 5)


def test_a_night_shift_is_an_hour_shorter_in_spring_and_an_hour_longer_in_autumn() -> None:
    def length(opened: date) -> timedelta:
        start = new_york(opened.year, opened.month, opened.day, 22).astimezone(UTC)
        return next(closes - opens for opens, closes in NIGHTS.openings(opened.year) if opens == start)

    assert length(date(2026, 3, 7)) == timedelta(hours=7)
    assert length(date(2026, 10, 31)) == timedelta(hours=9)
    assert length(date(2026, 6, 1)) == timedelta(hours=8)


def test_an_opening_time_in_the_skipped_hour_comes_that_much_after_the_clocks_moved() -> None:
    early = WorkingCalendar("America/New_York", {"sun": "02:30-09:00"})
    assert early.next_open(new_york(2026, 3, 8)) == new_york(2026, 3, 8, 3, 30)


def test_an_opening_that_the_skipped_hour_turns_around_vanishes() -> None:
    short = WorkingCalendar("America/New_York", {"sun": "02:30-03:15"})
    assert short.next_open(new_york(2026, 3, 8)) == new_york(2026, 3, 15, 2, 30)


def test_a_wall_time_that_comes_twice_means_the_first() -> None:
    late = WorkingCalendar("America/New_York", {"sat": "20:00-01:30"})
    assert late.is_open(new_york(2026, 11, 1, 1, 29, fold=0))
    assert not late.is_open(new_york(2026, 11, 1, 1, 29, fold=1))


def test_easter_fixed_feasts_and_first_mondays_close_by_rule() -> None:
    rules = ("FREQ=YEARLY;BYEASTER=1", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25,26", "FREQ=MONTHLY;BYDAY=1MO")
    shop = WorkingCalendar("Europe/Brussels", {"mon-fri": "09:00-17:00"}, closed_rules=rules)
    shut = {day for day in (date(2026, 1, 1) + timedelta(days=n) for n in range(365)) if not shop.is_working_day(day)}
    assert {day for day in shut if day.weekday() < 5} == {
        *(date(2026, 4, 6), date(2026, 12, 25)),
        *(min(date(2026, m, d) for d in range(1, 8) if date(2026, m, d).weekday() == 0) for m in range(1, 13)),
    }


def test_a_rule_means_the_same_days_in_a_far_year() -> None:
    shop = WorkingCalendar("UTC", {"mon-sun": "00:00-24:00"}, closed_rules=["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"])
    assert not shop.is_working_day(date(2096, 2, 29))
    assert shop.openings(2095) == ((datetime(2095, 1, 1, tzinfo=UTC), datetime(2096, 1, 1, tzinfo=UTC)),)


def test_closed_days_may_come_as_the_keys_of_a_mapping() -> None:
    holidays = {date(2026, 5, 1): "Labor Day"}
    assert not WorkingCalendar("UTC", {"mon-fri": "09:00-17:00"}, closed=holidays).is_working_day(date(2026, 5, 1))


def test_a_special_day_wins_over_week_and_closed_days() -> None:
    sunday = date(2026, 12, 20)
    shop = WorkingCalendar(
        "UTC",
        {"mon-fri": "09:00-17:00"},
        closed=[sunday],
        special={sunday: "10:00-14:00", date(2026, 12, 24): "09:00-12:00", date(2026, 12, 25): ""},
    )
    assert shop.next_open(datetime(2026, 12, 19, tzinfo=UTC)) == datetime(2026, 12, 20, 10, tzinfo=UTC)
    assert not shop.is_open(datetime(2026, 12, 24, 12, tzinfo=UTC))
    assert not shop.is_working_day(date(2026, 12, 25))


def test_overlapping_openings_count_once() -> None:
    shop = WorkingCalendar("UTC", {"mon": "08:00-12:00, 10:00-14:00"})
    assert shop.add_working_time(datetime(2026, 3, 2, tzinfo=UTC), timedelta(hours=6)) == datetime(
        2026, 3, 2, 14, tzinfo=UTC
    )


def test_working_days_are_counted_from_the_next_day() -> None:
    assert OFFICE.working_days_after(date(2026, 1, 9), 1) == date(2026, 1, 10)
    assert OFFICE.working_days_after(date(2026, 1, 9), 2) == date(2026, 1, 12)
    assert OFFICE.working_days_after(date(2026, 1, 11), 0) == date(2026, 1, 12)


def test_an_endless_search_says_how_far_it_looked() -> None:
    once = WorkingCalendar("UTC", (), special={date(2026, 1, 1): "09:00-10:00"})
    late = datetime(2026, 1, 2, tzinfo=UTC)
    with pytest.raises(DefinitionError, match=f"no working day within {HORIZON_DAYS} days"):
        once.working_days_after(date(2026, 1, 1), 1)
    with pytest.raises(DefinitionError, match=f"no opening within {HORIZON_DAYS} days"):
        once.next_open(late)
    with pytest.raises(DefinitionError, match=f"no opening within {HORIZON_DAYS} days"):
        once.add_working_time(datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=2))
    with pytest.raises(DefinitionError, match=f"no cut-off within {HORIZON_DAYS} days"):
        CutOff("16:00", "UTC").next(late, once)


def test_an_opening_just_within_the_horizon_is_found() -> None:
    start = datetime(2026, 1, 1, 9, tzinfo=UTC)
    far = (start + timedelta(days=HORIZON_DAYS)).date()
    assert WorkingCalendar("UTC", (), special={far: "09:00-10:00"}).next_open(start) == start + timedelta(
        days=HORIZON_DAYS
    )
    with pytest.raises(DefinitionError, match="no opening"):
        WorkingCalendar("UTC", (), special={far: "09:01-10:00"}).next_open(start)


@pytest.mark.parametrize(
    "hours",
    [
        {},
        {"mon-fri": ""},
        {"mon-fri": "9:00-17:00"},
        {"mon-fri": "09:00"},
        {"mon-fri": "09:00-25:00"},
        {"mon-fri": "09:00-09:00"},
        {"mon-fri": "24:00-09:00"},
        {"mon-fri": 900},
        {"lun": "09:00-17:00"},
        {"mon-fri": "09:00-17:00", "fri": "09:00-12:00"},
        {1: "09:00-17:00"},
    ],
)
def test_unreadable_hours_are_refused(hours: dict[str, str]) -> None:
    with pytest.raises(DefinitionError):
        WorkingCalendar("UTC", hours)


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "every monday",
        "FREQ=DAILY;BYDAY=MO",
        "FREQ=WEEKLY",
        "FREQ=WEEKLY;BYMONTH=5",
        "FREQ=YEARLY;BYMONTH=5",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO",
        "FREQ=YEARLY;COUNT=2;BYMONTHDAY=1",
        "FREQ=YEARLY;UNTIL=20270101;BYMONTHDAY=1",
        "FREQ=YEARLY;BYMONTHDAY=first",
        "FREQ=YEARLY;BYMONTHDAY=1;COLOR=red",
        "FREQ=YEARLY;BYMONTHDAY=1\nDTSTART:20260101T000000",
        7,
    ],
)
def test_a_rule_that_hangs_on_a_start_date_or_says_nothing_is_refused(rule: str) -> None:
    with pytest.raises(DefinitionError, match="closed_rules"):
        WorkingCalendar("UTC", {"mon": "09:00-17:00"}, closed_rules=[rule])


def test_one_rule_without_its_tuple_is_refused() -> None:
    with pytest.raises(DefinitionError, match="tuple"):
        WorkingCalendar("UTC", {"mon": "09:00-17:00"}, closed_rules="FREQ=YEARLY;BYEASTER=1")


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "../etc/passwd", "Europe"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(DefinitionError, match="time zone"):
        WorkingCalendar(zone, {"mon": "09:00-17:00"})


def test_naive_times_negative_durations_and_absurd_counts_are_refused() -> None:
    with pytest.raises(InvalidValue, match="naive"):
        OFFICE.is_open(datetime(2026, 1, 1))  # noqa: DTZ001 - the point
    with pytest.raises(InvalidValue, match="working time"):
        OFFICE.add_working_time(datetime(2026, 1, 1, tzinfo=UTC), timedelta(seconds=-1))
    with pytest.raises(InvalidValue, match="working days"):
        OFFICE.working_days_after(date(2026, 1, 1), -1)
    with pytest.raises(InvalidValue, match="plain dates"):
        OFFICE.working_days_after(datetime(2026, 1, 1, tzinfo=UTC), 1)
    with pytest.raises(InvalidValue, match="plain dates"):
        WorkingCalendar("UTC", {"mon": "09:00-17:00"}, closed=[datetime(2026, 1, 1, tzinfo=UTC)])
    with pytest.raises(InvalidValue, match="years"):
        OFFICE.is_open(datetime.max.replace(tzinfo=UTC))


def test_an_order_at_the_cut_off_makes_it_and_a_second_later_does_not() -> None:
    cutoff = CutOff("16:00", "Europe/Brussels", "mon-fri")
    at = datetime(2026, 3, 6, 15, 0, tzinfo=UTC)
    assert cutoff.next(at) == at
    assert cutoff.day(at) == date(2026, 3, 6)
    assert cutoff.day(at + timedelta(seconds=1)) == date(2026, 3, 9)


def test_a_cut_off_keeps_its_wall_time_when_the_clocks_change() -> None:
    cutoff = CutOff("16:00", "America/New_York")
    assert cutoff.next(new_york(2026, 3, 8)) - cutoff.next(new_york(2026, 3, 7)) == timedelta(hours=23)


def test_a_closed_day_has_no_cut_off() -> None:
    shop = WorkingCalendar("UTC", {"mon-fri": "09:00-17:00"}, closed=[date(2026, 5, 1)])
    assert CutOff("16:00", "UTC").day(datetime(2026, 5, 1, tzinfo=UTC), shop) == date(2026, 5, 4)


def test_a_midnight_cut_off_belongs_to_the_day_that_ends() -> None:
    cutoff = CutOff("24:00", "UTC", "fri")
    assert cutoff.day(datetime(2026, 3, 6, 23, 59, tzinfo=UTC)) == date(2026, 3, 6)
    assert cutoff.next(datetime(2026, 3, 7, tzinfo=UTC)) == datetime(2026, 3, 7, tzinfo=UTC)


@pytest.mark.parametrize(("time", "weekdays"), [("4 pm", "mon"), ("24:01", "mon"), ("16:00", ""), ("16:00", "mon-")])
def test_an_unreadable_cut_off_is_refused(time: str, weekdays: str) -> None:
    with pytest.raises(DefinitionError):
        CutOff(time, "UTC", weekdays)


ZONES = ["UTC", "Europe/Brussels", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo"]
CLOCKS = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
HOURS = st.tuples(CLOCKS, CLOCKS).filter(lambda pair: pair[0] != pair[1]).map("-".join)
CALENDARS = st.builds(
    WorkingCalendar,
    st.sampled_from(ZONES),
    st.dictionaries(
        st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
        st.lists(HOURS, min_size=1, max_size=2).map(", ".join),
        min_size=1,
    ),
    closed=st.sets(st.dates(date(2009, 1, 1), date(2012, 12, 31)), max_size=8),
)
MOMENTS = st.datetimes(datetime(2009, 1, 1), datetime(2012, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


def open_time(calendar: WorkingCalendar, start: datetime, end: datetime) -> timedelta:
    openings = [span for year in range(start.year - 1, end.year + 2) for span in calendar.openings(year)]
    return sum((max(timedelta(0), min(b, end) - max(a, start)) for a, b in openings), timedelta(0))


@given(CALENDARS, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=20)))
@example(WorkingCalendar("Pacific/Apia", {"fri": "09:00-17:00"}), datetime(2011, 12, 29, tzinfo=UTC), timedelta(1))
def test_the_working_time_added_is_the_time_it_was_open(
    calendar: WorkingCalendar, start: datetime, duration: timedelta
) -> None:
    end = calendar.add_working_time(start, duration)
    assert open_time(calendar, start, end) == duration


@given(CALENDARS, MOMENTS)
def test_the_next_opening_is_open_and_nothing_before_it_is(calendar: WorkingCalendar, at: datetime) -> None:
    found = calendar.next_open(at)
    assert found >= at
    assert calendar.is_open(found)
    assert open_time(calendar, at, found) == timedelta(0)


@given(CALENDARS, st.integers(2009, 2012))
def test_openings_are_sorted_and_never_touch_or_overlap(calendar: WorkingCalendar, year: int) -> None:
    openings = calendar.openings(year)
    assert all(a < b for a, b in openings)
    assert all(one[1] < two[0] for one, two in pairwise(openings))


@given(CALENDARS, st.dates(date(2010, 1, 1), date(2012, 1, 1)), st.integers(0, 40))
def test_working_days_count_exactly_the_days_between(calendar: WorkingCalendar, day: date, n: int) -> None:
    found = calendar.working_days_after(day, n)
    passed = (day + timedelta(days=i) for i in range(1, (found - day).days + 1))
    assert calendar.is_working_day(found)
    if n:
        assert sum(map(calendar.is_working_day, passed)) == n


@given(
    st.builds(CutOff, CLOCKS, st.sampled_from(ZONES), st.sampled_from(["mon-fri", "sat-mon", "wed"])),
    MOMENTS,
    st.timedeltas(timedelta(0), timedelta(days=9)),
)
def test_a_later_order_never_makes_an_earlier_cut_off(cutoff: CutOff, at: datetime, later: timedelta) -> None:
    assert at <= cutoff.next(at) <= cutoff.next(at + later)
    assert cutoff.next(cutoff.next(at)) == cutoff.next(at)
