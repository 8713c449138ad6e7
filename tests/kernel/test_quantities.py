"""Units are whole numbers, and bags of them follow the laws of counting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omscore.errors import InvalidValue
from omscore.kernel import QUANTITY_MAX, Quantities, quantity

BAGS = st.dictionaries(st.sampled_from("ABCDE"), st.integers(-50, 50)).map(Quantities)
STOCK = st.dictionaries(st.sampled_from("ABCDE"), st.integers(0, 50)).map(Quantities)


@given(BAGS, BAGS, BAGS)
def test_adding_bags_is_associative_and_in_any_order(a: Quantities, b: Quantities, c: Quantities) -> None:
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a


@given(BAGS, BAGS)
def test_what_is_added_can_be_taken_away(a: Quantities, b: Quantities) -> None:
    assert (a + b) - b == a
    assert (a + b).units == a.units + b.units


@given(STOCK, STOCK)
def test_what_one_can_give_the_other_is_neither_more_than_asked_nor_more_than_had(a: Quantities, b: Quantities) -> None:
    given_ = a & b
    assert given_ == b & a
    assert all(0 < given_[item] <= min(a[item], b[item]) for item in given_)
    assert all(n >= 0 for n in (a - given_).values())


@given(BAGS)
def test_a_bag_holds_no_zeros_and_lists_its_items_in_order(bag: Quantities) -> None:
    assert all(bag.values())
    assert list(bag) == sorted(bag)
    assert len(bag) == len(list(bag))


@given(BAGS)
def test_equal_bags_hash_alike_whatever_order_they_came_in(bag: Quantities) -> None:
    again = Quantities(reversed(list(bag.items())))
    assert again == bag
    assert hash(again) == hash(bag)
    assert bag == dict(bag) | {"Z": 0}


def test_an_item_that_is_not_there_counts_zero() -> None:
    bag = Quantities({"A": 1, "B": 0})
    assert bag["Z"] == 0
    assert "B" not in bag
    assert bag != Quantities({"A": 2})
    assert bag != "A"


def test_the_same_item_on_two_rows_is_summed() -> None:
    assert Quantities([("A", 1), ("A", 2)]) == {"A": 3}


@pytest.mark.parametrize("units", [1.5, "1", True, None])
def test_a_bag_counts_whole_units_only(units: int) -> None:
    with pytest.raises(InvalidValue, match="whole number"):
        Quantities({"A": units})


@pytest.mark.parametrize("value", [1.5, 1.0, "1", True, None, 0, -2, QUANTITY_MAX + 1])
def test_what_is_no_whole_quantity_is_refused_by_name(value: int) -> None:
    with pytest.raises(InvalidValue, match="units of SKU-1"):
        quantity(value, "units of SKU-1")


def test_the_bounds_themselves_are_quantities() -> None:
    assert quantity(QUANTITY_MAX) == QUANTITY_MAX
    assert quantity(0, at_least=0) == 0
