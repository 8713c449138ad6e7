"""Ids, times and random numbers come from the caller, so the same input gives the same answer."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omscore.errors import InvalidValue
from omscore.kernel import KEY_LENGTH_MAX, ManualClock, Rng, SequenceIds, TimeIds, key, utc, uuid7

MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
BITS = st.integers(0, 2**74 - 1)


@given(MOMENTS, BITS)
def test_a_time_ordered_id_is_version_seven_and_tells_its_millisecond(now: datetime, entropy: int) -> None:
    made = uuid7(now, entropy)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == int(now.timestamp() * 1000)


@given(MOMENTS, BITS, BITS, st.integers(1, 10**9))
def test_a_later_id_sorts_later(now: datetime, one: int, two: int, millis: int) -> None:
    assert str(uuid7(now, one)) < str(uuid7(now + timedelta(milliseconds=millis), two))


@given(MOMENTS, BITS, BITS)
def test_other_bits_make_another_id(now: datetime, one: int, two: int) -> None:
    assert (uuid7(now, one) == uuid7(now, two)) == (one == two)


def test_a_source_of_ids_counts_each_kind_for_itself() -> None:
    ids = SequenceIds()
    assert [ids.next(kind) for kind in ("ord", "ord", "ret", "ord")] == ["ord-1", "ord-2", "ret-1", "ord-3"]


def test_ids_by_time_ask_the_given_clock_and_bits() -> None:
    asked: list[int] = []
    clock = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))
    ids = TimeIds(clock.now, lambda n: asked.append(n) or len(asked))  # type: ignore[func-returns-value]
    first = ids.next("ord")
    clock.advance(minutes=1)
    assert first < ids.next("ord")
    assert asked == [74, 74]


@given(st.text(max_size=300))
def test_a_key_is_either_kept_as_it_is_or_refused(text: str) -> None:
    fine = 0 < len(text) <= KEY_LENGTH_MAX and text.isprintable() and text == text.strip()
    if fine:
        assert key(text) == text
    else:
        with pytest.raises(InvalidValue, match="key"):
            key(text)


@pytest.mark.parametrize("value", [None, 17, b"x", "", " a", "a\n", "a\x00b", "\ud800", "a" * 256])
def test_what_no_store_can_hold_is_no_key(value: object) -> None:
    with pytest.raises(InvalidValue, match="order id"):
        key(value, "order id")


@given(MOMENTS, st.integers(-14 * 60, 14 * 60))
def test_a_moment_is_the_same_whatever_zone_it_came_in(moment: datetime, minutes: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(minutes=minutes)))
    assert utc(elsewhere) == moment
    assert utc(elsewhere).tzinfo is UTC


@pytest.mark.parametrize("value", [datetime(2026, 1, 1), "2026-01-01", None, 0])  # noqa: DTZ001 - the point
def test_a_time_without_zone_is_refused(value: object) -> None:
    with pytest.raises(InvalidValue, match="captured_at"):
        utc(value, "captured_at")


def test_a_manual_clock_stands_still_until_told() -> None:
    clock = ManualClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
    assert clock.now() == clock.now()
    clock.advance(hours=1, minutes=30)
    assert clock.now() == datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
    clock.set(datetime(2026, 1, 1, tzinfo=UTC))
    assert clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(InvalidValue, match="naive"):
        clock.set(datetime(2026, 1, 1))  # noqa: DTZ001 - the point


def test_the_generator_is_splitmix64() -> None:
    """The first numbers for seed 1234567 as the method's reference program prints them."""
    rng = Rng(1234567)
    assert [rng.bits64() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@given(st.integers(), st.integers(1, 10**9))
def test_the_same_seed_draws_the_same_numbers_within_bounds(seed: int, n: int) -> None:
    one, two = Rng(seed), Rng(seed)
    drawn = [one.below(n) for _ in range(5)]
    assert drawn == [two.below(n) for _ in range(5)]
    assert all(0 <= number < n for number in drawn)
    assert 0 <= one.unit() < 1


@given(st.integers(), st.lists(st.integers()))
def test_shuffling_keeps_every_card(seed: int, cards: list[int]) -> None:
    shuffled = list(cards)
    Rng(seed).shuffle(shuffled)
    assert sorted(shuffled) == sorted(cards)


def test_every_face_of_a_die_comes_up_about_as_often() -> None:
    rng = Rng(42)
    counts = [0] * 6
    for _ in range(6_000):
        counts[rng.below(6)] += 1
    assert sum((n - 1_000) ** 2 / 1_000 for n in counts) < 20.5  # chi-square, five degrees, one in a thousand


@pytest.mark.parametrize("seed", [1.0, "1", None, True])
def test_a_seed_is_a_whole_number(seed: int) -> None:
    with pytest.raises(InvalidValue, match="seed"):
        Rng(seed)
