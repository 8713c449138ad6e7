"""The machine's clock: the only place where omscore asks what time it is."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """The machine's time, in UTC.

    >>> SystemClock().now().tzinfo
    datetime.timezone.utc
    """

    def now(self) -> datetime:
        """The time now.

        >>> SystemClock().now() > datetime(2026, 1, 1, tzinfo=UTC)
        True
        """
        return datetime.now(UTC)
