"""A channel that contradicts itself: the first word stands, both are kept, and a person decides."""

import pytest
from attrs import evolve

import omscore as oms
from omscore.testing.walkthrough import Walk, draft, up_to
from tests.app.gateways import Till


def said_twice(**changes: object) -> tuple[Walk, oms.Draft, str]:
    """An order, what its channel then said under the same revision, and what that is kept as."""
    at = up_to("accepted", stock=9)
    first = draft()
    second = evolve(first, lines=(evolve(first.lines[0], units=3),), **changes)  # type: ignore[arg-type]
    with pytest.raises(oms.ContentConflict, match="the first stands") as caught:
        at.shop.capture("web", second, key="hook-2")
    return at, second, caught.value.conflict


def test_the_first_stands_and_what_differs_is_kept_for_a_person() -> None:
    at, _, id_ = said_twice(service="express")
    assert at.shop.order("ord-1") == at.order
    assert at.shop.available("SKU-1") == {"ghent": 7}
    (conflict,) = at.shop.conflicts()
    assert conflict.id == id_
    assert conflict.fields == (("lines[1].units", "2", "3"), ("service", "standard", "express"))
    (incident,) = at.shop.exceptions()
    assert (incident.kind, incident.owner) == ("conflict", "channels")
    assert incident.actions == (f"keep_first:{id_}", f"take_second:{id_}")


def test_the_contradiction_delivered_again_is_the_same_conflict() -> None:
    at, second, id_ = said_twice()
    for key in ("hook-2", "hook-3"):
        with pytest.raises(oms.ContentConflict):
            at.shop.capture("web", second, key=key)
    assert [conflict.id for conflict in at.shop.conflicts("ord-1")] == [id_]
    assert at.shop.capture("web", draft(), key="hook-4").id == "ord-1", "the first content is still a repeat"


def test_a_person_keeps_the_first_and_is_not_asked_again() -> None:
    at, second, id_ = said_twice()
    at.shop.resolve_conflict(id_, take="first", note="they sent it by mistake", key="d-1")
    at.shop.resolve_conflict(id_, take="first", note="they sent it by mistake", key="d-1")
    assert (at.shop.conflicts(), at.shop.exceptions()) == ([], [])
    assert at.shop.capture("web", second, key="hook-5").totals.ordered == 2
    with pytest.raises(oms.TransitionNotAllowed):
        at.shop.resolve_conflict(id_, take="second", key="d-2")


def test_a_person_takes_the_second_as_an_edit() -> None:
    at, _, id_ = said_twice()
    after = at.shop.resolve_conflict(id_, take="second", key="d-1")
    assert after.totals.reserved == 3
    assert at.shop.available("SKU-1") == {"ghent": 6}
    assert at.shop.capture("web", draft(), key="hook-6").totals.ordered == 3, "the first word is history"


def test_a_later_revision_settles_it() -> None:
    at, second, id_ = said_twice()
    third = evolve(second, revision=2, lines=(evolve(second.lines[0], units=4),))
    assert at.shop.capture("web", third, key="hook-7").totals.reserved == 4
    assert at.shop.conflicts() == []
    with pytest.raises(oms.TransitionNotAllowed, match="superseded"):
        at.shop.resolve_conflict(id_, take="second", key="d-1")


def test_a_second_that_can_no_longer_be_done_is_refused_and_stays_open() -> None:
    at = up_to("shipped", gateway=Till())
    with pytest.raises(oms.ContentConflict) as caught:
        at.shop.capture("web", evolve(draft(), lines=(evolve(draft().lines[0], units=1),)), key="hook-2")
    with pytest.raises(oms.CommandRefused):
        at.shop.resolve_conflict(caught.value.conflict, take="second", key="d-1")
    assert len(at.shop.conflicts()) == 1


def test_a_persons_name_and_door_are_not_shown() -> None:
    elsewhere = oms.Address("BE", postcode="9000", city="Ghent", lines=("Elsewhere 2",), name="Another Person")
    at, _, _ = said_twice(ship_to=elsewhere)
    (conflict,) = at.shop.conflicts()
    shown = f"{conflict!r} {at.shop.exceptions()}"
    assert "ship_to.lines" in shown
    assert "ship_to.name" in shown
    for secret in ("Elsewhere", "Another", "Korenmarkt", "A. Person"):
        assert secret not in shown
    with pytest.raises(oms.InvalidValue, match="'first' or 'second'"):
        at.shop.resolve_conflict(conflict.id, take="both", key="d-1")
