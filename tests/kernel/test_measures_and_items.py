"""Weights and sizes become whole grams and millimeters once, with a stated rounding."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omscore.errors import InvalidValue
from omscore.kernel import Dimensions, Item, cm, inch, kg, lb, oz


def test_halves_round_up() -> None:
    assert (kg("0.0005"), kg("0.00049"), cm("0.05"), cm("0.049")) == (1, 0, 1, 0)


def test_a_float_means_the_decimal_it_is_written_as() -> None:
    assert kg(1.0005) == kg("1.0005") == kg(Decimal("1.0005")) == 1001


@given(st.integers(0, 10**6))
def test_sixteen_ounces_are_a_pound(n: int) -> None:
    assert oz(16 * n) == lb(n)


@given(st.decimals(0, 10**6, places=4))
def test_rounding_moves_a_weight_by_half_a_gram_at_most(weight: Decimal) -> None:
    assert abs(kg(weight) - weight * 1000) <= Decimal("0.5")


@pytest.mark.parametrize("measure", [kg, lb, oz, cm, inch])
@pytest.mark.parametrize("value", [-1, "heavy", "NaN", "Infinity", True, float("nan"), float("inf"), ""])
def test_what_is_no_measure_is_refused(measure: object, value: object) -> None:
    assert callable(measure)
    with pytest.raises(InvalidValue, match="measure in"):
        measure(value)


@pytest.mark.parametrize("side", [0, -1, 1.5, True])
def test_a_size_has_three_whole_positive_sides(side: int) -> None:
    for sides in ((side, 1, 1), (1, side, 1), (1, 1, side)):
        with pytest.raises(InvalidValue, match="_mm must be"):
            Dimensions(*sides)


def test_an_item_needs_a_sku_and_a_whole_weight() -> None:
    for wrong in ({"sku": ""}, {"sku": 7}, {"sku": "A", "weight_grams": -1}, {"sku": "A", "weight_grams": 0.5}):
        with pytest.raises(InvalidValue):
            Item(**wrong)


def test_tags_are_given_one_by_one() -> None:
    with pytest.raises(InvalidValue, match="tags"):
        Item("A", tags="fragile")


def test_items_with_the_same_facts_are_equal_whatever_the_order_of_their_tags() -> None:
    assert Item("A", tags=frozenset(["cold", "fragile"])) == Item("A", tags=frozenset(["fragile", "cold"]))
