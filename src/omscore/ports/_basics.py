"""The two ports that every service draws on, time and ids, and the one that watches it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    """Tells the time, aware and in UTC; a test's ManualClock or the host's own.

    >>> from omscore.kernel import ManualClock
    >>> from datetime import UTC, datetime
    >>> isinstance(ManualClock(datetime(2026, 3, 2, tzinfo=UTC)), Clock)
    True
    """

    def now(self) -> datetime:
        """The time now.

        >>> from omscore.kernel import ManualClock
        >>> from datetime import UTC, datetime
        >>> ManualClock(datetime(2026, 3, 2, tzinfo=UTC)).now().year
        2026
        """
        ...


@runtime_checkable
class IdSource(Protocol):
    """Makes ids, each once: SequenceIds in tests, TimeIds or the host's own in service.

    >>> from omscore.kernel import SequenceIds
    >>> isinstance(SequenceIds(), IdSource)
    True
    """

    def next(self, kind: str) -> str:
        """The next id of a kind.

        >>> from omscore.kernel import SequenceIds
        >>> SequenceIds().next("ord")
        'ord-1'
        """
        ...


class Observer(Protocol):
    """Is told what the service does, with durations, so that a host can bind its own logs or traces.

    >>> class Lines:
    ...     def saw(self, what: str, facts: Mapping[str, Any]) -> None:
    ...         print(what, sorted(facts))
    >>> Lines().saw("routed", {"order": "ord-1", "seconds": 0.001})
    routed ['order', 'seconds']
    """

    def saw(self, what: str, facts: Mapping[str, Any]) -> None:
        """Something happened; facts never carry names or addresses.

        >>> class Quiet:
        ...     def saw(self, what: str, facts: Mapping[str, Any]) -> None: ...
        >>> Quiet().saw("captured", {"order": "ord-1"})
        """
        ...
