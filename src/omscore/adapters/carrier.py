"""A carrier from a table of rates: enough to run without anybody outside, and a model for a real one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

from attrs import frozen

from omscore.errors import CarrierRejected, DefinitionError
from omscore.kernel import Money, key, quantity
from omscore.kernel.given import listed, shown, texts
from omscore.ports import Label, LabelRequest, ManifestAnswer, ManifestRequest, Rate, Voided, VoidRequest


@frozen
class RateRow:
    """One row of a tariff: a service to a country ("*" for any), up to a weight, its price and days in transit.

    >>> RateRow("standard", "BE", 2_000, Money(495, "EUR"), days=1).days
    1
    """

    service: str
    country: str
    weight_max_grams: int
    cost: Money
    days: int = 1

    def __attrs_post_init__(self) -> None:
        texts(service=self.service)
        land = self.country
        if land != "*" and not (isinstance(land, str) and len(land) == 2 and land.isascii() and land.isupper()):
            raise DefinitionError(f"a rate is for a country such as 'BE', or '*' for all, not {shown(land)}")
        if not isinstance(self.cost, Money) or self.cost.minor < 0:
            raise DefinitionError(f"a rate costs Money of at least 0, not {self.cost!r}")
        quantity(self.weight_max_grams, "weight_max_grams", at_least=0)
        quantity(self.days, "days", at_least=0)


class TableCarrier:
    """A carrier whose rates stand in a table; labels are made at once, the same one for the same request.

    >>> carrier = TableCarrier("post", [RateRow("standard", "*", 30_000, Money(495, "EUR"), days=2)])
    >>> from omscore.kernel import Address
    >>> from omscore.ports import Parcel
    >>> request = LabelRequest("shp-1", "ghent", Address("BE"), "standard", (Parcel("p-1", 500),))
    >>> carrier.label(request)
    Label(id='shp-1', carrier='post', service='standard', tracking=('post-shp-1-1',), cost=Money(minor=495, ...))
    """

    def __init__(self, name: str, rows: Iterable[RateRow]) -> None:
        self._name = key(name, "name")
        rows = listed("rows", rows, RateRow, "RateRow('standard', 'BE', 5_000, cost, 1)")
        self._rows = sorted(rows, key=lambda r: (r.service, r.country == "*", r.weight_max_grams))
        if not self._rows:
            raise DefinitionError(f"carrier {name!r} has no rates; give at least one RateRow")

    @classmethod
    def flat(cls, name: str, *, cost_minor: int, currency: str, days: int = 1, service: str = "standard") -> Self:
        """A carrier with one price for everything, everywhere.

        >>> TableCarrier.flat("post", cost_minor=495, currency="EUR").name
        'post'
        """
        return cls(name, [RateRow(service, "*", 2**31, Money(cost_minor, currency), days)])

    @property
    def name(self) -> str:
        """The carrier's name.

        >>> TableCarrier.flat("post", cost_minor=495, currency="EUR").name
        'post'
        """
        return self._name

    def _rate(self, service: str, country: str, grams: int) -> RateRow | None:
        for row in self._rows:
            if row.service == service and row.country in (country, "*") and grams <= row.weight_max_grams:
                return row
        return None

    def rates(self, request: LabelRequest) -> Sequence[Rate]:
        """What each service costs for all parcels of the request; none for a service that does not take one of them.

        >>> TableCarrier.flat("post", cost_minor=495, currency="EUR").rates(LabelRequest("s", "x", None, "", ()))
        []
        """
        country = request.destination.country if request.destination else ""
        found = []
        for service in dict.fromkeys(row.service for row in self._rows):
            rows = [self._rate(service, country, parcel.weight_grams) for parcel in request.parcels]
            taken = [row for row in rows if row is not None]
            if taken and len(taken) == len(rows):
                cost = taken[0].cost
                for row in taken[1:]:
                    cost += row.cost
                found.append(Rate(self._name, service, cost, max(row.days for row in taken)))
        return found

    def label(self, request: LabelRequest) -> Label:
        """A label for the request's service; raises CarrierRejected when no rate takes its parcels.

        >>> from omscore.kernel import Address
        >>> from omscore.ports import Parcel
        >>> carrier = TableCarrier.flat("post", cost_minor=495, currency="EUR")
        >>> carrier.label(LabelRequest("s", "x", Address("BE"), "overnight", (Parcel("p", 1),)))
        Traceback (most recent call last):
        omscore.errors.CarrierRejected: post has no service 'overnight' for this parcel to 'BE'; it has standard
        """
        for rate in self.rates(request):
            if rate.service == request.service:
                numbers = tuple(f"{self._name}-{request.id}-{i}" for i in range(1, len(request.parcels) + 1))
                return Label(request.id, self._name, rate.service, numbers, rate.cost)
        country = request.destination.country if request.destination else ""
        services = ", ".join(dict.fromkeys(row.service for row in self._rows))
        raise CarrierRejected(
            f"{self._name} has no service {request.service!r} for this parcel to {country!r}; it has {services}"
        )

    def void(self, request: VoidRequest) -> Voided:
        """Take a label back: a table has no trucks that could have scanned it.

        >>> TableCarrier.flat("post", cost_minor=495, currency="EUR").void(VoidRequest("v", "s-1", ("T1",))).done
        True
        """
        return Voided(True)

    def manifest(self, request: ManifestRequest) -> ManifestAnswer:
        """A manifest named for its request.

        >>> post = TableCarrier.flat("post", cost_minor=495, currency="EUR")
        >>> post.manifest(ManifestRequest("m1", "ghent", ("T1",))).reference
        'post-m1'
        """
        return ManifestAnswer(request.id, f"{self._name}-{request.id}")
