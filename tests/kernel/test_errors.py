"""Errors travel between processes with their facts, and one base catches them all."""

import pickle

import pytest

from omscore import errors
from omscore.errors import OmsError, Reason, Shortage

SAMPLES: list[OmsError] = [
    errors.TransitionNotAllowed("closed", "ship", ("reopen",)),
    errors.CommandRefused([Reason("hold.fraud", "held", {"owner": "risk"})]),
    errors.InsufficientStock([Shortage("SKU-1", 5, 3, "ghent")]),
    errors.NotFound("order", "ord-9"),
    errors.KeyReused("checkout-17"),
    errors.CarrierUnavailable("timed out", retry_after_s=30),
    errors.DefinitionError("wrong"),
]


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_with_its_facts(error: OmsError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - made on the line itself
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_every_error_hangs_on_the_one_tree() -> None:
    kinds = [kind for name in errors.__all__ if isinstance(kind := getattr(errors, name), type)]
    raised = [kind for kind in kinds if issubclass(kind, BaseException)]
    assert len(raised) > 20
    assert all(issubclass(kind, OmsError) for kind in raised)
    assert errors.__doc__ is not None
    assert not [kind.__name__ for kind in raised if kind.__name__ not in errors.__doc__]


def test_the_nearest_kin_of_the_standard_library_catches_too() -> None:
    assert issubclass(errors.InvalidValue, ValueError)
    assert issubclass(errors.DefinitionError, ValueError)
    assert issubclass(errors.NotFound, LookupError)


def test_a_shortage_names_its_node_when_there_is_one() -> None:
    assert "at ghent" in str(errors.InsufficientStock([Shortage("SKU-1", 5, 3, "ghent")]))
    assert " at " not in str(errors.InsufficientStock([Shortage("SKU-1", 5, 3)]))


def test_reasons_of_a_refusal_are_kept_in_order() -> None:
    first, second = Reason("a.b", "one"), Reason("c.d", "two")
    refused = errors.CommandRefused(iter([first, second]))
    assert refused.reasons == (first, second)
    assert str(refused) == "one (a.b); two (c.d)"
