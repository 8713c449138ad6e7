"""Points, distances, and addresses that do not print themselves."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omscore.errors import InvalidValue
from omscore.kernel import EARTH_RADIUS_M, Address, GeoPoint, distance_m

POINTS = st.builds(GeoPoint, st.floats(-90, 90), st.floats(-180, 180))


@given(POINTS, POINTS)
def test_a_distance_is_the_same_both_ways_and_at_most_half_the_globe(a: GeoPoint, b: GeoPoint) -> None:
    assert distance_m(a, b) == distance_m(b, a)
    assert 0 <= distance_m(a, b) <= math.ceil(math.pi * EARTH_RADIUS_M)


@given(POINTS)
def test_a_point_is_no_distance_from_itself(a: GeoPoint) -> None:
    assert distance_m(a, a) == 0


@given(POINTS, POINTS, POINTS)
def test_a_detour_is_never_shorter(a: GeoPoint, b: GeoPoint, c: GeoPoint) -> None:
    assert distance_m(a, c) <= distance_m(a, b) + distance_m(b, c) + 2  # three roundings to whole meters


def test_a_degree_along_a_meridian_and_the_antipode_are_what_geometry_says() -> None:
    degree = math.pi * EARTH_RADIUS_M / 180
    assert distance_m(GeoPoint(0, 0), GeoPoint(1, 0)) == round(degree)
    assert distance_m(GeoPoint(0, 0), GeoPoint(0, 180)) == round(180 * degree)
    assert distance_m(GeoPoint(10, 179.5), GeoPoint(10, -179.5)) == distance_m(GeoPoint(10, 0), GeoPoint(10, 1))


@pytest.mark.parametrize(("latitude", "longitude"), [(90.1, 0), (-91, 0), (0, 180.5), (math.nan, 0), (0, math.nan)])
def test_what_is_no_point_on_the_globe_is_refused(latitude: float, longitude: float) -> None:
    with pytest.raises(InvalidValue, match="is no point"):
        GeoPoint(latitude, longitude)


def test_an_address_never_prints_who_or_where_exactly() -> None:
    secrets = {"name": "A. Person", "company": "Firm", "phone": "+32", "email": "a@b.example", "city": "Ghent"}
    address = Address("BE", "9000", lines=("Main Street 1",), point=GeoPoint(51.0, 3.7), **secrets)
    for shown in (repr(address), str(address), f"{address}", repr([address])):
        assert not [secret for secret in (*secrets.values(), "Main Street", "51.0") if secret in shown]
        assert "9000" in shown


def test_the_lines_of_an_address_are_given_one_by_one_and_the_refusal_shows_nothing_of_them() -> None:
    with pytest.raises(InvalidValue, match="lines") as refused:
        Address("BE", lines="Main Street 1")
    assert "Main" not in str(refused.value)


@pytest.mark.parametrize("country", ["be", "BEL", "", "B1", None, "ÄÖ"])
def test_an_address_names_its_country_by_two_letters_and_the_refusal_shows_nothing_of_it(country: str) -> None:
    with pytest.raises(InvalidValue, match="ISO 3166-1") as refused:
        Address(country, name="A. Person")
    assert "Person" not in str(refused.value)
