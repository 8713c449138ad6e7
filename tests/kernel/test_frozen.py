"""Values made fast are the same values: equal, hashable, frozen, and checked where their class checks."""

import copy
from datetime import UTC, datetime

import pytest
from attrs import Factory, evolve, field, frozen
from attrs.exceptions import FrozenInstanceError
from attrs.validators import instance_of

from omscore.kernel.frozen import maker
from omscore.orders import UnitsMoved
from omscore.orders._messages import units_moved

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MOVES = (("1", "open", "reserved", 2),)


def test_a_value_made_fast_equals_one_that_its_class_made_and_is_as_frozen() -> None:
    fast, slow = units_moved(NOW, "reserve", MOVES, why="asked"), UnitsMoved(NOW, "reserve", MOVES, "", "asked")
    assert type(fast) is UnitsMoved
    assert (fast, hash(fast), repr(fast)) == (slow, hash(slow), repr(slow))
    assert copy.copy(fast) == slow
    assert evolve(fast, ref="ful-1") == evolve(slow, ref="ful-1")
    with pytest.raises(FrozenInstanceError):
        fast.verb = "pick"  # type: ignore[misc]


def test_leaving_out_a_value_without_a_default_is_an_error() -> None:
    with pytest.raises(TypeError, match="moves"):
        units_moved(NOW, "reserve")  # type: ignore[call-arg]


def test_a_class_that_checks_its_values_is_refused_since_the_check_would_be_passed_over() -> None:
    @frozen(weakref_slot=False)
    class Checked:
        units: int = field(validator=instance_of(int))

    @frozen(weakref_slot=False)
    class Converted:
        units: int = field(converter=int)

    @frozen(weakref_slot=False)
    class After:
        units: int

        def __attrs_post_init__(self) -> None:
            raise AssertionError

    for kind in (Checked, Converted, After):
        with pytest.raises(TypeError, match="converts or checks"):
            maker(kind)


def test_a_class_whose_objects_cannot_be_made_this_way_is_refused_with_the_way_out() -> None:
    @frozen
    class Weak:
        units: int

    @frozen(weakref_slot=False)
    class Anew:
        units: list[int] = Factory(list)

    with pytest.raises(TypeError, match="weakref_slot=False"):
        maker(Weak)
    with pytest.raises(TypeError, match="made anew"):
        maker(Anew)
