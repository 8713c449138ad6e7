"""Money adds up: nothing is lost in a split, and currencies never mix."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omscore.errors import InvalidValue
from omscore.kernel import Money, exponent, largest_remainder, total

CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "KWD"])
AMOUNTS = st.builds(Money, st.integers(-(10**15), 10**15), CURRENCIES)
WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=12)


@given(AMOUNTS, WEIGHTS)
def test_the_parts_of_a_split_add_up_to_the_whole(amount: Money, weights: list[int]) -> None:
    assert total(amount.split(weights), amount.currency) == amount


@given(st.integers(-(10**15), 10**15), WEIGHTS)
def test_each_part_is_within_one_minor_unit_of_its_exact_share(whole: int, weights: list[int]) -> None:
    parts, of = largest_remainder(whole, weights), sum(weights)
    if of:
        assert all(abs(part * of - whole * weight) < of for part, weight in zip(parts, weights, strict=True))
    else:
        assert max(parts) - min(parts) <= 1


@given(st.integers(0, 10**12), WEIGHTS)
def test_a_refund_is_split_as_the_mirror_of_the_charge(whole: int, weights: list[int]) -> None:
    assert largest_remainder(-whole, weights) == tuple(-part for part in largest_remainder(whole, weights))


@given(st.integers(0, 10**12), WEIGHTS.filter(any))
def test_a_line_of_no_weight_gets_nothing(whole: int, weights: list[int]) -> None:
    assert all(part == 0 for part, w in zip(largest_remainder(whole, weights), weights, strict=True) if w == 0)


def test_a_tie_goes_to_the_earlier_part() -> None:
    assert largest_remainder(2, [1, 1, 1]) == (1, 1, 0)


@given(AMOUNTS)
def test_an_amount_survives_its_decimal_and_its_text(amount: Money) -> None:
    assert Money.of(amount.amount, amount.currency) == amount
    assert Money.of(str(amount).split()[0], amount.currency) == amount


@given(st.lists(st.integers(-1000, 1000), max_size=6))
def test_a_total_is_the_sum_in_any_order(minors: list[int]) -> None:
    amounts = [Money(minor, "EUR") for minor in minors]
    assert total(amounts, "EUR") == total(reversed(amounts), "EUR") == Money(sum(minors), "EUR")


@given(AMOUNTS, st.integers(-1000, 1000))
def test_arithmetic_is_that_of_whole_numbers(amount: Money, n: int) -> None:
    other = Money(n, amount.currency)
    assert (amount + other) - other == amount
    assert n * amount == amount * n == Money(amount.minor * n, amount.currency)
    assert amount + -amount == Money.zero(amount.currency)
    assert (amount < other) == (amount.minor < n)
    assert (amount <= other) == (not amount > other)
    assert (amount >= other) == (not amount < other)


def test_no_money_is_false_and_a_cent_is_true() -> None:
    assert not Money.zero("EUR")
    assert Money(1, "EUR")


def test_currencies_never_mix() -> None:
    euro, dollar = Money(1, "EUR"), Money(1, "USD")
    for mixed in (
        lambda: euro + dollar,
        lambda: euro - dollar,
        lambda: euro < dollar,
        lambda: euro >= dollar,
        lambda: total([euro, dollar], "EUR"),
    ):
        with pytest.raises(InvalidValue, match="EUR and USD"):
            mixed()
    assert euro != dollar


@pytest.mark.parametrize(
    "amount", ["", "1,99", "ten", "NaN", "Infinity", "-Infinity", "sNaN", 0.1, True, None, "1.999"]
)
def test_what_is_no_exact_amount_is_refused(amount: str) -> None:
    with pytest.raises(InvalidValue):
        Money.of(amount, "EUR")


@pytest.mark.parametrize("minor", [1.0, "1", None, True, Decimal(1)])
def test_minor_units_are_whole_numbers(minor: int) -> None:
    with pytest.raises(InvalidValue, match="whole number"):
        Money(minor, "EUR")


@pytest.mark.parametrize("factor", [0.5, "2", True])
def test_money_is_multiplied_by_whole_numbers_only(factor: int) -> None:
    with pytest.raises(InvalidValue, match="split"):
        Money(100, "EUR") * factor


@pytest.mark.parametrize("code", ["eur", "EU", "EURO", "", "ÄÖÜ", 978, None])
def test_a_currency_is_three_capital_letters(code: str) -> None:
    with pytest.raises(InvalidValue, match="ISO 4217"):
        Money(1, code)


def test_decimals_follow_the_currency() -> None:
    assert [exponent(code) for code in ("EUR", "JPY", "KWD")] == [2, 0, 3]
    assert Money.of("5", "JPY").minor == 5
    assert str(Money(5, "KWD")) == "0.005 KWD"


@pytest.mark.parametrize("weights", [[], [-1, 2], [0.5], [True]])
def test_a_split_needs_whole_weights(weights: list[int]) -> None:
    with pytest.raises(InvalidValue):
        Money(1, "EUR").split(weights)
