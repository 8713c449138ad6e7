"""Labels and manifests as the log tells of them: made, given back, listed at the handover."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from omscore.errors import Reason
from omscore.kernel import Money, StateTable


@frozen
class LabelMade:
    """A carrier made a label: an event for the log, with why each other offer was left out.

    `request` is the id under which the carrier was asked, `preference` the accepted one that decided, if any did.

    >>> LabelMade("shp-1", "shp-1", "post", "standard", ("T1",), None, None).tracking
    ('T1',)
    """

    shipment: str
    request: str
    carrier: str
    service: str
    tracking: tuple[str, ...]
    cost: Money | None
    at: datetime
    refused: tuple[Reason, ...] = ()
    preference: str = ""


@frozen
class LabelGivenBack:
    """A label is no longer wanted: an event for the log. A new one follows when `again` says so.

    >>> LabelGivenBack("shp-1", "shp-1", "post", ("T1",), None, why="wrong service").again
    False
    """

    shipment: str
    request: str
    carrier: str
    tracking: tuple[str, ...]
    at: datetime
    again: bool = False
    why: str = ""


@frozen
class VoidAnswered:
    """What the carrier said of a label that it was asked to take back: an event for the log.

    >>> VoidAnswered("shp-1", "shp-1", "post", True, None).done
    True
    """

    shipment: str
    request: str
    carrier: str
    done: bool
    at: datetime
    text: str = ""


MANIFEST_STATES = StateTable(
    "manifest",
    {"asked": {"close": "closed", "refuse": "refused"}, "closed": {}, "refused": {}},
)
"""How far a manifest is: asked for, closed by the carrier, or refused, which frees its shipments for another one."""


@frozen
class Manifest:
    """The list of labels that a carrier is handed at one pickup; a shipment is on one manifest at most.

    >>> Manifest("ghent-post-m1", "ghent", "post", ("shp-1",), ("T1",)).state
    'asked'
    """

    id: str
    node: str
    carrier: str
    shipments: tuple[str, ...]
    tracking: tuple[str, ...]
    asked_at: datetime | None = None
    state: str = "asked"
    reference: str = ""
    text: str = ""


@frozen
class Mismatch:
    """Somebody outside told what does not agree with what is known: an event for the log, and an exception.

    `source` is who told it (a carrier, a node's warehouse system), `code` says what does not agree, and `settled_at`
    when it agreed again by itself.

    >>> Mismatch("post:T1", "post", "label.void_refused", "ord-1", "the parcel was scanned", None).code
    'label.void_refused'
    """

    id: str
    source: str
    code: str
    order: str
    text: str
    at: datetime
    # What a host's own error says may name a customer, and what stands in a repr ends in a log.
    facts: Mapping[str, Any] = field(factory=dict, repr=False)
    settled_at: datetime | None = None
