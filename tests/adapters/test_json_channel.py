"""A payload becomes a draft or is refused by the name of its field, whatever stands in it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

import omscore as oms
from omscore.adapters import JsonChannel

GOOD = {
    "external_id": "1",
    "currency": "EUR",
    "placed_at": "2026-03-02T09:00:00Z",
    "payment": "paid",
    "ship_to": {"country": "BE", "postcode": "9000"},
    "lines": [{"item": "A", "units": 1, "unit_price": "5.00"}],
}
LINE = {"item": "A", "units": 1, "unit_price": "5.00"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lines": [LINE | {"units": "1e999999999"}]}, "field 'units' must be at most"),
        ({"lines": [LINE | {"unit_price": "1e50"}]}, "field 'unit_price' is no amount"),
        ({"lines": [LINE | {"unit_price": "-5"}]}, "field 'unit_price' must not be negative"),
        ({"lines": [LINE | {"tags": [[1]]}]}, "field 'tags' must be a list of texts"),
        ({"lines": [5]}, "expected an object"),
        ({"tags": None}, "field 'tags' must be a list of texts"),
        ({"ship_to": {"country": "BE", "lines": 5}}, "field 'lines' must be a list of texts"),
        ({"ship_to": {"country": "BE", "latitude": "abc", "longitude": 3}}, "field 'latitude' must be a number"),
        ({"placed_at": "0001-01-01T00:00:00+05:00"}, "outside the years"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(oms.ChannelError, match=message):
        JsonChannel("web").draft(GOOD | change)


def test_a_refusal_never_repeats_what_may_be_personal() -> None:
    with pytest.raises(oms.ChannelError) as refused:
        JsonChannel("web").draft(GOOD | {"ship_to": {"country": "BE", "phone": 32475123456}})
    assert "32475123456" not in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([*GOOD, "tags", "bill_to", "shipping", "revision", "customer", "ship_by", "note"]), JSON)
def test_any_value_in_any_field_gives_a_draft_or_a_named_refusal(field: str, value: object) -> None:
    with suppress(oms.ChannelError):
        assert JsonChannel("web").draft(GOOD | {field: value}).channel == "web"


@given(st.sampled_from(["item", "units", "unit_price", "tags", "id", "discount", "name"]), JSON)
def test_any_value_in_any_field_of_a_line_gives_a_draft_or_a_named_refusal(field: str, value: object) -> None:
    with suppress(oms.ChannelError):
        assert JsonChannel("web").draft(GOOD | {"lines": [LINE | {field: value}]}).channel == "web"
