"""Carriers: rates and labels, and what some can do beyond that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from attrs import frozen

from omscore.kernel import Address, Money
from omscore.shipping import Parcel, TrackingFact


@frozen
class LabelRequest:
    """What a carrier needs to make a label; `id` makes asking twice harmless.

    >>> LabelRequest("shp-1", "ghent", Address("BE"), "standard", (Parcel("p-1", 500),)).service
    'standard'
    """

    id: str
    node: str
    destination: Address | None
    service: str
    parcels: tuple[Parcel, ...]


@frozen
class Label:
    """A carrier's answer: one tracking number for each parcel, and what it costs.

    >>> Label("shp-1", "table", "standard", ("T1",), Money(495, "EUR")).cost
    Money(minor=495, currency='EUR')
    """

    id: str
    carrier: str
    service: str
    tracking: tuple[str, ...]
    cost: Money | None = None


@frozen
class Rate:
    """What a carrier would charge for a service, and in how many days it delivers.

    >>> Rate("table", "standard", Money(495, "EUR"), days=2).days
    2
    """

    carrier: str
    service: str
    cost: Money
    days: int


@runtime_checkable
class Carrier(Protocol):
    """Gives rates and makes labels. What else it can do it declares by its methods: see `VoidsLabels`,
    `ListsPickups` and `TellsTracking`.

    >>> from omscore.adapters import TableCarrier
    >>> isinstance(TableCarrier.flat("post", cost_minor=495, currency="EUR"), Carrier)
    True
    """

    @property
    def name(self) -> str:
        """The carrier's name, unique in a host.

        >>> from omscore.adapters import TableCarrier
        >>> TableCarrier.flat("post", cost_minor=495, currency="EUR").name
        'post'
        """
        ...

    def rates(self, request: LabelRequest) -> Sequence[Rate]:
        """What each service would cost; none when it does not go there.

        >>> from omscore.adapters import TableCarrier
        >>> carrier = TableCarrier.flat("post", cost_minor=495, currency="EUR")
        >>> [r.cost.minor for r in carrier.rates(LabelRequest("s", "x", Address("BE"), "standard", (Parcel("p", 1),)))]
        [495]
        """
        ...

    def label(self, request: LabelRequest) -> Label:
        """Make a label, the same one for the same request id.

        Raises CarrierRejected (final) or CarrierUnavailable (try again).

        >>> from omscore.adapters import TableCarrier
        >>> carrier = TableCarrier.flat("post", cost_minor=495, currency="EUR")
        >>> carrier.label(LabelRequest("s-1", "x", Address("BE"), "standard", (Parcel("p", 1),))).tracking
        ('post-s-1-1',)
        """
        ...


@frozen
class VoidRequest:
    """Which label is given back: `id` makes asking twice harmless, `label` is the id under which it was made.

    >>> VoidRequest("shp-1:void", "shp-1", ("T1",)).label
    'shp-1'
    """

    id: str
    label: str
    tracking: tuple[str, ...]


@frozen
class Voided:
    """What a carrier says of a label that is given back: taken, or not and why (it was scanned already).

    >>> Voided(False, "scanned at the depot").done
    False
    """

    done: bool
    text: str = ""


@runtime_checkable
class VoidsLabels(Protocol):
    """A carrier that takes labels back has this method too; one that lacks it is never asked.

    >>> from omscore.adapters import TableCarrier
    >>> isinstance(TableCarrier.flat("post", cost_minor=495, currency="EUR"), VoidsLabels)
    True
    """

    def void(self, request: VoidRequest) -> Voided:
        """Take a label back, the same answer for the same request id; a refusal is an answer.

        Raising CarrierUnavailable, or anything, has it asked again later.

        >>> from omscore.adapters import TableCarrier
        >>> TableCarrier.flat("post", cost_minor=495, currency="EUR").void(VoidRequest("v", "s-1", ("post-s-1-1",)))
        Voided(done=True, text='')
        """
        ...


@frozen
class ManifestRequest:
    """Which labels a pickup covers; `id` makes asking twice harmless.

    >>> ManifestRequest("ghent-post-m1", "ghent", ("T1", "T2")).node
    'ghent'
    """

    id: str
    node: str
    tracking: tuple[str, ...]


@frozen
class ManifestAnswer:
    """A carrier's own name for a manifest, to be printed or scanned at the handover.

    >>> ManifestAnswer("ghent-post-m1", "SF-4711").reference
    'SF-4711'
    """

    id: str
    reference: str


@runtime_checkable
class ListsPickups(Protocol):
    """A carrier that wants a manifest of what it picks up has this method too; one that lacks it is never asked.

    >>> from omscore.adapters import TableCarrier
    >>> isinstance(TableCarrier.flat("post", cost_minor=495, currency="EUR"), ListsPickups)
    True
    """

    def manifest(self, request: ManifestRequest) -> ManifestAnswer:
        """Close a manifest, the same one for the same request id.

        Raises CarrierRejected (final: its labels may go on another one) or CarrierUnavailable (try again).

        >>> from omscore.adapters import TableCarrier
        >>> post = TableCarrier.flat("post", cost_minor=495, currency="EUR")
        >>> post.manifest(ManifestRequest("ghent-post-m1", "ghent", ("post-s-1-1",))).reference
        'post-ghent-post-m1'
        """
        ...


@runtime_checkable
class TellsTracking(Protocol):
    """A carrier that can be asked where parcels are has this method too; others send messages of their own.

    >>> from omscore.adapters import TableCarrier
    >>> isinstance(TableCarrier.flat("post", cost_minor=495, currency="EUR"), TellsTracking)
    False
    """

    def track(self, tracking: Sequence[str]) -> Sequence[TrackingFact]:
        """All that is known of tracking numbers, in any order; the same facts may be told again.

        >>> class Seer:
        ...     def track(self, tracking: Sequence[str]) -> Sequence[TrackingFact]:
        ...         return [TrackingFact(number, "in_transit") for number in tracking]
        >>> Seer().track(["T1"])[0].code
        'in_transit'
        """
        ...
