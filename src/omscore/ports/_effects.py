"""What is told to the world after the commit, and the log of what happened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen


@frozen
class Effect:
    """Something to tell the world after the commit: a label, a notice, a stock figure, a posting.

    `id` is made from the command, so that telling it twice is seen by the receiver. `topic` names the port and verb
    ("notify.shipped", "channel.stock", "carrier.label"); `key` is what orders it (effects of one key go in order).

    >>> Effect("ord-1:confirmed", "notify.confirmed", {"order": "ord-1"}, key="ord-1").topic
    'notify.confirmed'
    """

    id: str
    topic: str
    payload: Mapping[str, Any]
    key: str = ""
    due_at: datetime | None = None


@frozen
class Leased:
    """An effect given out for delivery: how often it was tried, and the lease that fences late answers.

    >>> Leased(Effect("e", "notify.x", {}), attempts=0, lease="w1:1").attempts
    0
    """

    effect: Effect
    attempts: int
    lease: str


@frozen
class Logged:
    """One event of the log: which record's, its number there, when it was recorded, who and what caused it.

    >>> Logged("order", "ord-1", 1, None, "web-17", "", "event-value").seq
    1
    """

    kind: str
    id: str
    seq: int
    recorded_at: datetime | None
    cause: str
    actor: str
    event: Any
