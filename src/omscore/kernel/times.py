"""Time: aware, stored as UTC, and told by a clock that the host injects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from omscore.errors import InvalidValue
from omscore.kernel.given import shown


def utc(value: Any, name: str = "time") -> datetime:
    """An aware datetime, turned to UTC.

    Raises InvalidValue for naive datetimes and for anything that is not a datetime.

    >>> utc(datetime(2026, 3, 2, 9, 30, tzinfo=UTC))
    datetime.datetime(2026, 3, 2, 9, 30, tzinfo=datetime.timezone.utc)
    >>> utc(datetime(2026, 3, 2, 9, 30))
    Traceback (most recent call last):
    omscore.errors.InvalidValue: time must carry a time zone; 2026-03-02T09:30:00 is naive, ...
    """
    if not isinstance(value, datetime):
        raise InvalidValue(f"{name} must be a datetime, not {shown(value)}")
    if value.utcoffset() is None:
        raise InvalidValue(
            f"{name} must carry a time zone; {value.isoformat()} is naive, attach zoneinfo.ZoneInfo or datetime.UTC"
        )
    try:
        return value if value.tzinfo is UTC else value.astimezone(UTC)
    except OverflowError:
        raise InvalidValue(f"{name} {value.isoformat()} lies outside the years that can be told in UTC") from None


def moments(**named: object) -> None:
    """Raise InvalidValue for what is neither an aware datetime nor None, which says that there is none."""
    for name, value in named.items():
        if value is not None:
            utc(value, name)


LONGEST = timedelta(days=36_525)
"""A hundred years: longer waits are slips, and may overflow when added to a time."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """An aware time as whole microseconds since 1970; `EPOCH + timedelta(microseconds=n)` is the way back.

    >>> microseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (at - EPOCH) // _MICROSECOND


def stamp(at: datetime) -> str:
    """A UTC time as text that sorts like the time, for the sort keys of indexes.

    >>> stamp(datetime(2026, 3, 2, 9, tzinfo=UTC)) < stamp(datetime(2026, 3, 2, 9, 0, 0, 1, tzinfo=UTC))
    True
    """
    return at.isoformat(timespec="microseconds")


class ManualClock:
    """A clock that stands still until it is told to move: for tests, notebooks, simulation and replays.

    >>> clock = ManualClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
    >>> clock.advance(minutes=30)
    >>> clock.now().isoformat()
    '2026-03-02T09:30:00+00:00'
    """

    __slots__ = ("_now",)

    def __init__(self, start: datetime) -> None:
        self._now = utc(start, "start")

    def now(self) -> datetime:
        """The time it was last set to.

        >>> ManualClock(datetime(2026, 3, 2, tzinfo=UTC)).now().year
        2026
        """
        return self._now

    def advance(self, **interval: float) -> None:
        """Move forward by a timedelta's keywords (hours=, minutes=, seconds=, days=).

        >>> clock = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))
        >>> clock.advance(days=1)
        >>> clock.now().day
        3
        """
        self._now += timedelta(**interval)

    def set(self, to: datetime) -> None:
        """Jump to a time, forward or back.

        >>> clock = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))
        >>> clock.set(datetime(2026, 1, 1, tzinfo=UTC))
        >>> clock.now().month
        1
        """
        self._now = utc(to, "to")
