"""What carriers tell of a parcel, and where that leaves it: any order of the same facts gives the same answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from attrs import evolve, field, frozen

from omscore.errors import InvalidValue
from omscore.kernel import key, quantity, utc
from omscore.kernel.given import listed, shown, texts

TRACKING_CODES = (
    "unknown",
    "pre_transit",
    "cancelled",
    "in_transit",
    "out_for_delivery",
    "available_for_pickup",
    "exception",
    "failure",
    "delivered",
    "return_to_sender",
)
"""What a fact may say, in one vocabulary for all carriers; of two facts of one instant, the later in this list counts.

`exception` is trouble on the way (a delay, a failed attempt), `failure` says that it will not be delivered (lost,
destroyed, undeliverable), `cancelled` that the label was given back.
"""

_RANK = {code: rank for rank, code in enumerate(TRACKING_CODES)}
_FINAL = ("delivered", "return_to_sender")
_STATUS = {
    "pre_transit": "labeled",
    "cancelled": "cancelled",
    "in_transit": "in_transit",
    "out_for_delivery": "in_transit",
    "available_for_pickup": "in_transit",
    "exception": "exception",
    "failure": "lost",
    "delivered": "delivered",
    "return_to_sender": "returned_to_sender",
}
_NEVER = datetime.min.replace(tzinfo=UTC)


def _maybe_utc(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value, "at")


@frozen
class TrackingFact:
    """One thing that a carrier told of a parcel. `place` holds country, region and postcode at most, never an address.

    `at` is None when the carrier gave no time, or one without a zone that nobody could name; `raw` is the carrier's own
    code. Raises InvalidValue for a code that is not in TRACKING_CODES and for naive times.

    >>> TrackingFact("T1", "out_for_delivery", datetime(2026, 3, 2, 9, tzinfo=UTC), "US IL 61536").shipment_status
    'in_transit'
    """

    tracking: str
    code: str
    at: datetime | None = field(default=None, converter=_maybe_utc)
    place: str = ""
    carrier: str = ""
    raw: str = ""

    def __attrs_post_init__(self) -> None:
        key(self.tracking, "tracking number")
        if not isinstance(self.code, str) or self.code not in _RANK:
            raise InvalidValue(f"{shown(self.code)} is no tracking code; the codes are {', '.join(TRACKING_CODES)}")
        texts(place=self.place, carrier=self.carrier, raw=self.raw)

    @property
    def shipment_status(self) -> str:
        """The status of a Shipment that this speaks for; blank when it says nothing of one.

        >>> TrackingFact("T1", "unknown").shipment_status
        ''
        """
        return _STATUS.get(self.code, "")


def _facts(facts: Iterable[TrackingFact]) -> tuple[TrackingFact, ...]:
    return listed("facts", facts, TrackingFact, "TrackingFact('T1', 'delivered', at)")


def _order(fact: TrackingFact) -> tuple[Any, ...]:
    return fact.at or _NEVER, _RANK[fact.code], fact.place, fact.carrier, fact.raw


@frozen
class Tracking:
    """All that was told of one tracking number, each fact once, oldest first.

    Facts may come late, twice and out of order. What counts is decided by the times that the carrier gave: the first
    delivery or return to the sender stands for good, since what a carrier tells after that (a signature scan, a late
    depot scan) moves nothing; before one, the latest fact counts. Facts without a time only count where none has one.

    >>> day = lambda n: datetime(2026, 3, n, tzinfo=UTC)
    >>> late = Tracking("T1").told([TrackingFact("T1", "delivered", day(4)), TrackingFact("T1", "in_transit", day(5))])
    >>> late.code, late.told([TrackingFact("T1", "out_for_delivery", day(3))]).code, late.delivered_at.day
    ('delivered', 'delivered', 4)
    """

    tracking: str
    facts: tuple[TrackingFact, ...] = field(default=(), converter=_facts)

    def __attrs_post_init__(self) -> None:
        key(self.tracking, "tracking number")

    def told(self, facts: Iterable[TrackingFact]) -> Tracking:
        """This tracking after more facts; raises InvalidValue for a fact of another parcel.

        >>> fact = TrackingFact("T1", "in_transit", datetime(2026, 3, 2, tzinfo=UTC))
        >>> Tracking("T1").told([fact, fact]) == Tracking("T1").told([fact])
        True
        """
        more = set(_facts(facts))
        if other := sorted({fact.tracking for fact in more} - {self.tracking}):
            raise InvalidValue(f"facts of {', '.join(map(repr, other))} do not belong to {self.tracking!r}")
        return evolve(self, facts=tuple(sorted(more | set(self.facts), key=_order)))

    @property
    def decisive(self) -> TrackingFact | None:
        """The fact that counts, or None when nothing was told.

        >>> Tracking("T1").decisive
        """
        finals = [fact for fact in self.facts if fact.code in _FINAL]
        if dated := [fact for fact in finals if fact.at is not None]:
            return min(dated, key=_order)
        # Nobody knows which came first: together they mean that the goods went back.
        if finals:
            return max(finals, key=_order)
        telling = [fact for fact in self.facts if fact.code != "unknown"] or self.facts
        return max(telling, key=_order) if telling else None

    @property
    def code(self) -> str:
        """What the decisive fact says; "unknown" when nothing was told.

        >>> Tracking("T1").code
        'unknown'
        """
        return self.decisive.code if self.decisive else "unknown"

    @property
    def at(self) -> datetime | None:
        """When the decisive fact happened.

        >>> Tracking("T1").at
        """
        return self.decisive.at if self.decisive else None

    @property
    def delivered_at(self) -> datetime | None:
        """When it was delivered, if it was.

        >>> Tracking("T1").delivered_at
        """
        return self.at if self.code == "delivered" else None


def told_status(trackings: Iterable[Tracking], parcels: int) -> tuple[str, datetime | None]:
    """The status of a shipment of so many parcels, and since when: any order of the same facts gives the same answer.

    It is delivered, or went back, when every parcel did; one that is lost or in trouble speaks for all; blank when no
    parcel says anything.

    >>> day = lambda n: datetime(2026, 3, n, tzinfo=UTC)
    >>> one = Tracking("T1").told([TrackingFact("T1", "delivered", day(4))])
    >>> two = Tracking("T2").told([TrackingFact("T2", "in_transit", day(3))])
    >>> told_status([one], 1)[0], told_status([one, two], 2)[0]
    ('delivered', 'in_transit')
    """
    trackings = listed("trackings", trackings, Tracking, "Tracking('T1')")
    quantity(parcels, "parcels", at_least=0)
    said = [t.decisive for t in trackings if t.decisive is not None and t.decisive.shipment_status]
    statuses = [fact.shipment_status for fact in said if fact is not None]
    if not statuses:
        return "", None
    for end in ("delivered", "returned_to_sender", "cancelled"):
        if statuses.count(end) == parcels:
            return end, max((fact.at for fact in said if fact and fact.at), default=None)
    if "returned_to_sender" in statuses:
        statuses.append("exception")
    status = next((s for s in ("lost", "exception", "in_transit", "delivered") if s in statuses), "labeled")
    status = "in_transit" if status == "delivered" else status
    return status, min((fact.at for fact in said if fact and fact.at), default=None)
