"""Laws of tracking: any order of the same facts, told any number of times, leaves a parcel in the same place."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omscore.errors import InvalidValue
from omscore.shipping import TRACKING_CODES, Tracking, TrackingFact

DAY = datetime(2026, 3, 2, tzinfo=UTC)
times = st.none() | st.integers(0, 20).map(lambda n: DAY + timedelta(hours=n))
facts = st.builds(TrackingFact, st.just("T1"), st.sampled_from(TRACKING_CODES), times, st.sampled_from(["", "US"]))


@given(st.lists(facts, max_size=8), st.data())
def test_order_and_repetition_change_nothing(told: list[TrackingFact], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told)) if told else st.just([]))))
    tracking = Tracking("T1")
    for fact in shuffled:
        tracking = tracking.told([fact])
    assert tracking == Tracking("T1").told(told)
    assert len(tracking.facts) == len(set(told))


@given(st.lists(facts, max_size=8), st.integers(0, 20))
def test_a_delivered_parcel_stays_delivered(told: list[TrackingFact], hour: int) -> None:
    at = DAY + timedelta(hours=hour)
    tracking = Tracking("T1").told([*told, TrackingFact("T1", "delivered", at)])
    went_back_before = any(f.code == "return_to_sender" and f.at is not None and f.at < at for f in told)
    if not went_back_before:
        assert tracking.code == "delivered"
        assert tracking.delivered_at is not None
        assert tracking.delivered_at <= at


@given(st.lists(facts, min_size=1, max_size=8), facts)
def test_a_late_fact_moves_nothing_back(told: list[TrackingFact], late: TrackingFact) -> None:
    before = Tracking("T1").told(told)
    final = late.code in ("delivered", "return_to_sender")
    if before.at is None or before.code == "unknown" or final:
        return  # what says nothing, or not when, gives way to what does, however old
    if late.at is None or late.at < before.at:
        assert before.told([late]).decisive == before.decisive


def test_trouble_passes_when_the_parcel_moves_on() -> None:
    tracking = Tracking("T1").told(
        [TrackingFact("T1", "exception", DAY), TrackingFact("T1", "in_transit", DAY + timedelta(hours=1))]
    )
    assert tracking.code == "in_transit"
    assert tracking.told([TrackingFact("T1", "failure", DAY + timedelta(hours=2))]).code == "failure"


def test_the_first_of_delivery_and_return_stands() -> None:
    out, back = TrackingFact("T1", "delivered", DAY), TrackingFact("T1", "return_to_sender", DAY + timedelta(hours=9))
    assert Tracking("T1").told([back, out]).code == "delivered"
    earlier = TrackingFact("T1", "return_to_sender", DAY - timedelta(hours=9))
    assert Tracking("T1").told([out, earlier]).code == "return_to_sender"
    assert Tracking("T1").told([out, earlier]).delivered_at is None


def test_a_fact_of_another_parcel_is_refused() -> None:
    with pytest.raises(InvalidValue, match="facts of 'T2' do not belong to 'T1'"):
        Tracking("T1").told([TrackingFact("T2", "delivered", DAY)])


def test_a_code_of_ones_own_is_refused() -> None:
    with pytest.raises(InvalidValue, match="'Delivered' is no tracking code"):
        TrackingFact("T1", "Delivered")
