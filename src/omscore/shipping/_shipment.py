"""Shipments: what a carrier is handed, and where it has got to.

Carriers tell their facts late, twice and out of order; a shipment's status only ever moves forward, so any order of
delivery of the same facts ends in the same status.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import evolve, field, frozen

from omscore.kernel import Money, StateTable, key, quantity, utc
from omscore.kernel.given import listed, mapped, name_set, names, of_kind, one_of, text, texts
from omscore.kernel.times import moments
from omscore.shipping._parcel import Parcel

SHIPMENT_STATES = StateTable(
    "shipment",
    {
        "created": {"label": "labeled", "relabel": "created", "move": "in_transit", "cancel": "cancelled"},
        "labeled": {"relabel": "created", "move": "in_transit", "cancel": "cancelled"},
        "in_transit": {
            "deliver": "delivered",
            "trouble": "exception",
            "lose": "lost",
            "send_back": "returned_to_sender",
        },
        "exception": {
            "move": "in_transit",
            "deliver": "delivered",
            "lose": "lost",
            "send_back": "returned_to_sender",
        },
        "lost": {"deliver": "delivered"},
        "delivered": {},
        "returned_to_sender": {},
        "cancelled": {},
    },
)
"""How far a shipment is; told by its tracking facts."""

# What a status outranks: a fact of lower rank that comes late changes nothing. A parcel found again is delivered after
# all, and nothing outranks the two final statuses; of those two, the one that happened first stands.
_RANK = {
    "created": 0,
    "labeled": 1,
    # A cancelled label counts until the parcel moves all the same.
    "cancelled": 2,
    "in_transit": 3,
    "exception": 4,
    "lost": 5,
    "delivered": 6,
    "returned_to_sender": 6,
}


def _seen(facts: Iterable[str]) -> frozenset[str]:
    return name_set("the facts seen", facts, "T1 delivered")


def _tracking(numbers: Iterable[str]) -> tuple[str, ...]:
    return names("tracking numbers", numbers, "T1")


def _voided(numbers: Iterable[str]) -> tuple[str, ...]:
    return names("voided tracking numbers", numbers, "T1")


def _packed(parcels: Iterable[Parcel]) -> tuple[Parcel, ...]:
    return listed("parcels", parcels, Parcel, "Parcel('p-1', weight_grams=900)")


@frozen
class Shipment:
    """What a carrier is handed for one fulfillment: parcels, a service, and the units of each order line inside.

    `only_carrier` must carry it, where one is named; `labels` counts the labels asked for, `voided` are the tracking
    numbers of those that were given back, `manifest` is the one it stands on. `serials` are the serial numbers inside,
    by order line, where somebody told them. Raises InvalidValue naming the field that is wrong.

    >>> s = Shipment("shp-1", "ord-1", "ful-1", "ghent", "standard", {"1": 2})
    >>> s.status, s.units
    ('created', 2)
    """

    id: str
    order: str
    fulfillment: str
    node: str
    service: str
    lines: Mapping[str, int]
    carrier: str = ""
    tracking: tuple[str, ...] = field(default=(), converter=_tracking)
    cost: Money | None = None
    weight_grams: int = 0
    parcels: int = 1
    status: str = "created"
    status_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    promised_at: datetime | None = None
    packed: tuple[Parcel, ...] = field(default=(), converter=_packed)
    only_carrier: str = ""
    labels: int = 1
    voided: tuple[str, ...] = field(default=(), converter=_voided)
    manifest: str = ""
    serials: Mapping[str, tuple[str, ...]] = field(factory=dict)
    seen: frozenset[str] = field(default=frozenset(), converter=_seen, repr=False)

    def __attrs_post_init__(self) -> None:
        key(self.id, "shipment id")
        what = f"shipment {self.id!r}"
        for name in ("order", "fulfillment", "node", "service"):
            key(getattr(self, name), f"{what}: {name}")
        for line, n in mapped(f"the lines of {what}", self.lines, "{'1': 2}").items():
            text(f"a line of {what}", line)
            quantity(n, f"{what}: units of line {line!r}")
        texts(carrier=self.carrier, only_carrier=self.only_carrier, manifest=self.manifest)
        if self.cost is not None:
            of_kind(f"the cost of {what}", self.cost, Money, "Money.of('4.95', 'EUR')")
        quantity(self.weight_grams, f"{what}: weight_grams", at_least=0)
        quantity(self.parcels, f"{what}: parcels")
        quantity(self.labels, f"{what}: labels")
        one_of(f"the status of {what}", self.status, _RANK)
        moments(
            status_at=self.status_at,
            shipped_at=self.shipped_at,
            delivered_at=self.delivered_at,
            promised_at=self.promised_at,
        )
        for line, numbers in mapped(f"the serials of {what}", self.serials, "{'1': ('S-9',)}").items():
            names(f"the serials of line {line!r} of {what}", numbers, "S-9")

    @property
    def units(self) -> int:
        """All units inside.

        >>> Shipment("s", "o", "f", "n", "standard", {"1": 2, "2": 3}).units
        5
        """
        return sum(self.lines.values())

    @property
    def request(self) -> str:
        """The id under which the present label is asked for; a label that is asked for again has another one.

        >>> Shipment("s", "o", "f", "n", "standard", {"1": 2}, labels=2).request
        's-l2'
        """
        return self.id if self.labels == 1 else f"{self.id}-l{self.labels}"

    def given_back(self, command: str, at: datetime) -> Shipment:
        """This shipment without its label: "relabel" asks for another one, "cancel" ends it.

        Raises TransitionNotAllowed when it is on its way, InvalidValue for a naive time.

        >>> from datetime import UTC, datetime
        >>> s = Shipment("s", "o", "f", "n", "standard", {"1": 2}, tracking=("T1",), status="labeled")
        >>> again = s.given_back("relabel", datetime(2026, 3, 2, tzinfo=UTC))
        >>> again.status, again.tracking, again.voided, again.request
        ('created', (), ('T1',), 's-l2')
        """
        at = utc(at, "at")
        return evolve(
            self,
            status=SHIPMENT_STATES.next(self.status, command, self.id),
            status_at=at,
            # The next label is asked for under a new id, so that a late answer to the old one finds nobody.
            labels=self.labels + 1,
            voided=(*self.voided, *self.tracking),
            tracking=(),
            carrier="",
            cost=None,
        )

    def told(self, status: str, at: datetime) -> Shipment:
        """This shipment after a fact about it: forward or unchanged, never back.

        Of two facts about the same status the earlier time stands, so that duplicates and delays change nothing.
        Raises InvalidValue for another status, and for a naive time.

        >>> from datetime import UTC, datetime
        >>> noon, later = datetime(2026, 3, 2, 12, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)
        >>> s = Shipment("s", "o", "f", "n", "standard", {"1": 2}).told("delivered", later)
        >>> s.told("in_transit", noon).status
        'delivered'
        """
        one_of("the status of a shipment", status, _RANK)
        at = utc(at, "at")
        ahead = _RANK[status] - _RANK[self.status]
        if ahead < 0:
            return self
        # Equal rank: the earlier fact stands; at the same instant the name decides, so that arrival order never does.
        if ahead == 0 and self.status_at is not None and (self.status_at, self.status) <= (at, status):
            return self
        delivered_at = at if status == "delivered" else None
        return evolve(self, status=status, status_at=at, delivered_at=delivered_at)
