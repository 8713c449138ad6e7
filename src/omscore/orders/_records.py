"""What a service keeps beside an order: where it came from, how it stands with routing, what routing said."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen


@frozen
class External:
    """Which order a channel's id led to, the latest revision of it, and the fingerprint of what was sent.

    >>> External("ord-1", 1, "f").revision
    1
    """

    order: str
    revision: int
    fingerprint: str


@frozen
class Queued:
    """Where an order stands with routing: when it is due, what the last attempt came to, which nodes are left out.

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


@frozen
class Routed:
    """What became of one order in one routing attempt; `text` explains it.

    >>> Routed("ord-1", 1, "assigned", "one stop at ghent").outcome
    'assigned'
    """

    order: str
    attempt: int
    outcome: str
    text: str
    policy: str = ""
    nodes: tuple[str, ...] = ()


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
