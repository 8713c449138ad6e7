"""Change sets: changes to an order that are proposed, looked at as long as needed, and then confirmed or discarded."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve, frozen

from omscore.kernel import StateTable
from omscore.orders._edit import Change

CHANGE_SET_STATES = StateTable(
    "change_set",
    {
        "open": {"confirm": "confirmed", "discard": "discarded", "lapse": "lapsed"},
        "confirmed": {},
        "discarded": {},
        "lapsed": {},
    },
)
"""A proposal ends once; it lapses when the order went on without it and somebody proposes anew."""


@frozen
class ChangeSet:
    """Changes proposed to an order as it was at `version`, and what became of them.

    >>> ChangeSet("ord-1-e1", "ord-1", 3, ()).state
    'open'
    """

    id: str
    order: str
    version: int
    changes: tuple[Change, ...]
    why: str = ""
    state: str = "open"
    proposed_at: datetime | None = None
    ended_at: datetime | None = None
    note: str = ""

    def ended(self, command: str, at: datetime, note: str = "") -> ChangeSet:
        """This set after "confirm", "discard" or "lapse"; raises TransitionNotAllowed the second time.

        >>> from datetime import UTC, datetime
        >>> ChangeSet("ord-1-e1", "ord-1", 3, ()).ended("discard", datetime(2026, 3, 2, tzinfo=UTC)).state
        'discarded'
        """
        return evolve(self, state=CHANGE_SET_STATES.next(self.state, command, self.id), ended_at=at, note=note)
