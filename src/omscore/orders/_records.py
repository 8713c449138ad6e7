"""What a service keeps beside an order: where it came from, how it stands with routing, what routing said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from omscore.errors import Reason


@frozen
class External:
    """Which order a channel's id led to, the latest revision of it, and the fingerprint of what was sent.

    `decided` are the fingerprints of other contents of that revision that a person has decided about; `said` are the
    units that the revision asked for, by line.

    >>> External("ord-1", 1, "f").revision
    1
    """

    order: str
    revision: int
    fingerprint: str
    decided: tuple[str, ...] = ()
    said: Mapping[str, int] | None = None


@frozen
class Queued:
    """Where an order stands with routing: when it is due, what the last attempt came to, which nodes are left out.

    `note` says why it is due again; `rejections` counts how often nodes gave it back.

    >>> Queued("ord-1").attempts
    0
    """

    order: str
    due_at: datetime | None = None
    attempts: int = 0
    outcome: str = ""
    note: str = ""
    excluded: tuple[str, ...] = ()
    parked_until: datetime | None = None
    rejections: int = 0


@frozen
class Routed:
    """What became of one order in one routing attempt; `text` explains it.

    `because` is what made it due and `before` the attempt before it (0 for the first), so that attempts form a chain.
    `lost` are the races for stock that were lost on the way, `record` is the decision as a router replays it.

    >>> Routed("ord-1", 1, "assigned", "one stop at ghent").outcome
    'assigned'
    """

    order: str
    attempt: int
    outcome: str
    text: str
    policy: str = ""
    nodes: tuple[str, ...] = ()
    because: str = ""
    before: int = 0
    lost: tuple[Reason, ...] = ()
    record: Any = field(default=None, repr=False)


@frozen
class Promised:
    """By when an order would arrive, as last promised, and what was promised before; None when nobody can say.

    `rests_until` is when supply, a transfer or a vendor's goods that it rests on are to be there; once that has passed
    `tick` asks again.

    >>> Promised("ord-1", None, None).later
    False
    """

    order: str
    arrives_at: datetime | None
    was: datetime | None
    at: datetime | None = None
    because: str = ""
    reasons: tuple[Reason, ...] = ()
    rests_until: datetime | None = None

    @property
    def later(self) -> bool:
        """Whether a date that was promised is missed or gone.

        >>> from datetime import UTC
        >>> Promised("ord-1", None, was=datetime(2026, 3, 4, tzinfo=UTC)).later
        True
        """
        return self.was is not None and (self.arrives_at is None or self.arrives_at > self.was)


@frozen
class PickTask:
    """A batch as it is given to one picker: fulfillments at a node, and what they cost to walk.

    `walk_mm` is the one tour for all of them; `alone_mm` the sum of a tour for each by the same rule; both whole
    millimeters.

    >>> PickTask("ghent-w1-b1", "ghent", ("ord-1-f1",)).walk_mm
    0
    """

    id: str
    node: str
    fulfillments: tuple[str, ...]
    planned_at: datetime | None = None
    walk_mm: int = 0
    alone_mm: int = 0
    stops: int = 0
