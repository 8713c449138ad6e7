"""Places: addresses that never print themselves, points, and the distance between them."""

from __future__ import annotations

from collections.abc import Iterable
from math import asin, cos, radians, sin, sqrt

from attrs import field, frozen

from omscore.errors import InvalidValue

EARTH_RADIUS_M = 6_371_009
"""The mean radius of the earth in meters (IUGG, (2a + b) / 3)."""


@frozen
class GeoPoint:
    """A point on the globe in decimal degrees (WGS 84).

    Raises InvalidValue outside -90..90 and -180..180.

    >>> GeoPoint(51.05, 3.72)
    GeoPoint(latitude=51.05, longitude=3.72)
    """

    latitude: float
    longitude: float

    def __attrs_post_init__(self) -> None:
        try:
            # The comparison also refuses NaN.
            is_one = -90 <= self.latitude <= 90 and -180 <= self.longitude <= 180
        except TypeError:
            is_one = False
        if not is_one:
            raise InvalidValue(
                f"({self.latitude!r}, {self.longitude!r}) is no point: latitude is -90..90, longitude -180..180"
            )


def distance_m(a: GeoPoint, b: GeoPoint) -> int:
    """The great-circle distance between two points in whole meters, by the haversine formula (Sinnott 1984).

    >>> distance_m(GeoPoint(51.05, 3.72), GeoPoint(50.85, 4.35))
    49420
    """
    lat_a, lat_b = radians(a.latitude), radians(b.latitude)
    half_lat = sin((lat_b - lat_a) / 2)
    half_lon = sin(radians(b.longitude - a.longitude) / 2)
    chord = half_lat * half_lat + cos(lat_a) * cos(lat_b) * half_lon * half_lon
    return round(2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(chord))))


def _lines(lines: Iterable[str]) -> tuple[str, ...]:
    if isinstance(lines, str) or not isinstance(lines, Iterable):
        raise InvalidValue("an address's lines are a sequence of texts, not one text; put the one line into a tuple")
    return tuple(lines)


@frozen
class Address:
    """Where an order goes. Its repr names only country, region and postcode, so logs never show who or where exactly.

    `country` is ISO 3166-1 alpha-2; `region` is the state, province or county code as the country writes it.

    >>> Address(name="A. Person", lines=("Main Street 1",), city="Ghent", postcode="9000", country="BE")
    Address(country='BE', region='', postcode='9000')
    """

    country: str
    postcode: str = ""
    region: str = ""
    city: str = field(default="", repr=False)
    lines: tuple[str, ...] = field(default=(), converter=_lines, repr=False)
    name: str = field(default="", repr=False)
    company: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    point: GeoPoint | None = field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        c = self.country
        if not (isinstance(c, str) and len(c) == 2 and c.isascii() and c.isalpha() and c.isupper()):
            raise InvalidValue("an address's country must be an ISO 3166-1 alpha-2 code such as 'BE'")
        if self.point is not None and not isinstance(self.point, GeoPoint):
            raise InvalidValue("an address's point is a GeoPoint such as GeoPoint(51.05, 3.72)")

    def __repr__(self) -> str:
        return f"Address(country={self.country!r}, region={self.region!r}, postcode={self.postcode!r})"
