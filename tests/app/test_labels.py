"""Labels are made once, given back when not wanted, listed once for the pickup, and nobody's choice is lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

import omscore as oms
from omscore.adapters import TableCarrier
from omscore.batching import Carton
from omscore.errors import CommandRefused, InvalidValue, TransitionNotAllowed
from omscore.kernel import Dimensions, Item, Money
from omscore.ports import Carrier, Label, LabelRequest, Rate
from omscore.shipping import Choice, LabelGivenBack, LabelMade, Parcel, TrackingFact, VoidAnswered, shop_rates
from omscore.testing.walkthrough import MONDAY, Walk, draft, up_to
from tests.app.carriers import Truck

SHIPMENT = "ord-1-f1-s1"


def labeled(*carriers: Carrier, **ports: Any) -> Walk:
    at = up_to("shipped", carriers=carriers or (Truck(),), **ports)
    at.shop.deliver()
    return at


def kinds(shop: oms.Oms) -> list[str]:
    return [incident.kind for incident in shop.exceptions()]


# -- given back --------------------------------------------------------------------------------------------------------


def test_a_label_is_given_back_and_another_one_made() -> None:
    truck = Truck("truck", standard=(700, 2), express=(1500, 1))
    at = labeled(truck)
    shipment = at.shop.relabel(SHIPMENT, service="express", why="customer called", key="r-1")
    assert (shipment.status, shipment.tracking) == ("created", ())
    assert at.shop.relabel(SHIPMENT, service="express", why="customer called", key="r-1") == shipment
    at.shop.deliver()
    shipment = at.shop.shipment(SHIPMENT)
    assert (shipment.status, shipment.service, shipment.tracking) == (
        "labeled",
        "express",
        ("truck-ord-1-f1-s1-l2-1",),
    )
    assert truck.voided == [("truck-ord-1-f1-s1-1",)]
    assert [type(event) for event in at.shop.labels(SHIPMENT)] == [LabelMade, LabelGivenBack, VoidAnswered, LabelMade]


def test_a_label_that_comes_after_it_was_given_back_goes_back_too() -> None:
    truck = Truck("truck", standard=(700, 2), express=(1500, 1))
    at = up_to("shipped", carriers=(truck,))

    def meanwhile() -> None:
        truck.during_label = lambda: None
        at.shop.relabel(SHIPMENT, service="express", key="r-1")

    truck.during_label = meanwhile
    at.shop.deliver()
    shipment = at.shop.shipment(SHIPMENT)
    assert shipment.tracking == ("truck-ord-1-f1-s1-l2-1",)
    assert truck.voided == [("truck-ord-1-f1-s1-1",)]
    assert at.shop.track("truck-ord-1-f1-s1-1", [TrackingFact("truck-ord-1-f1-s1-1", "cancelled")], key="t-1") == (
        shipment
    )
    assert kinds(at.shop) == []


def test_a_label_that_comes_too_late_and_cannot_be_given_back_is_an_exception() -> None:
    class Stubborn:
        name = "stubborn"

        def rates(self, request: LabelRequest) -> list[Rate]:
            return [Rate("stubborn", "standard", oms.Money(100, "EUR"), 1)]

        def label(self, request: LabelRequest) -> Label:
            if request.id == SHIPMENT:
                at.shop.relabel(SHIPMENT, key="r-1")
            return Label(request.id, "stubborn", "standard", (f"S:{request.id}",))

    at = up_to("shipped", carriers=(Stubborn(),))
    at.shop.deliver()
    (orphan,) = at.shop.exceptions()
    assert (orphan.kind, orphan.owner, orphan.context["code"]) == ("mismatch", "shipping", "label.orphan")
    with pytest.raises(CommandRefused, match="takes no labels back"):
        at.shop.relabel(SHIPMENT, key="r-2")
    assert at.shop.shipment(SHIPMENT).tracking == (f"S:{SHIPMENT}-l2",)


def test_a_parcel_that_stays_is_expected_back_into_stock() -> None:
    truck = Truck()
    at = labeled(truck)
    assert at.shop.void_label(SHIPMENT, why="damaged", key="v-1").status == "cancelled"
    at.shop.deliver()
    assert truck.voided == [("truck-ord-1-f1-s1-1",)]
    at.shop.receive_return(f"{SHIPMENT}-back", key="back-1")
    assert at.shop.available("SKU-1") == {"ghent": 5}
    assert at.shop.order("ord-1").totals.returned == 2
    with pytest.raises(TransitionNotAllowed):
        at.shop.void_label(SHIPMENT, key="v-2")


def test_a_voided_parcel_that_is_delivered_all_the_same_is_delivered() -> None:
    truck = Truck()
    truck.keeps = {"truck-ord-1-f1-s1-1"}
    at = labeled(truck)
    at.shop.void_label(SHIPMENT, key="v-1")
    at.shop.deliver()
    assert [incident.context["code"] for incident in at.shop.exceptions()] == ["label.void_refused"]
    at.shop.track("truck-ord-1-f1-s1-1", [TrackingFact("truck-ord-1-f1-s1-1", "in_transit")], key="t-1")
    assert {incident.context["code"] for incident in at.shop.exceptions()} == {"label.void_refused", "label.moves"}
    at.shop.track(SHIPMENT, "delivered", key="t-2")
    assert at.shop.order("ord-1").totals.delivered == 2


def test_what_moves_or_stands_on_a_manifest_keeps_its_label() -> None:
    at = labeled()
    at.shop.manifest("ghent", "truck", key="m-1")
    with pytest.raises(CommandRefused, match="stands on manifest ghent-truck-m1"):
        at.shop.relabel(SHIPMENT, key="r-1")
    at.shop.track(SHIPMENT, "in_transit", key="t-1")
    with pytest.raises(TransitionNotAllowed):
        at.shop.relabel(SHIPMENT, key="r-2")


def test_a_service_that_nobody_offers_ends_as_an_exception_with_a_way_out() -> None:
    at = up_to("shipped", carriers=(Truck("truck", express=(1500, 1)),))
    assert at.shop.deliver()["parked"] == 1
    assert kinds(at.shop) == ["effect_parked"]
    at.shop.relabel(SHIPMENT, service="express", key="r-1")
    at.shop.deliver()
    assert at.shop.shipment(SHIPMENT).status == "labeled"


@pytest.mark.parametrize(
    "rubbish",
    ["<html>", Label(SHIPMENT, "truck", "standard", ()), Label(SHIPMENT, "truck", "standard", ("", ""))],
)
def test_a_carrier_that_answers_rubbish_is_asked_again_and_nothing_is_labeled(rubbish: Any) -> None:
    truck = Truck()
    truck.answers_with = rubbish
    at = up_to("shipped", carriers=(truck,))
    assert at.shop.deliver()["retried"] == 1
    assert at.shop.shipment(SHIPMENT).status == "created"
    truck.answers_with = None
    at.clock.advance(seconds=2)
    at.shop.deliver()
    assert at.shop.shipment(SHIPMENT).status == "labeled"


def test_a_number_given_to_two_parcels_is_an_exception() -> None:
    truck = Truck()
    at = labeled(truck)
    second = at.shop.capture("web", draft("2"), key="c-2")
    at.shop.route()
    shipment = at.shop.ship(at.shop.fulfillments(second.id)[0].id, key="s-2")
    truck.answers_with = Label(shipment.id, "truck", "standard", ("truck-ord-1-f1-s1-1",))
    at.shop.deliver()
    assert [incident.context["code"] for incident in at.shop.exceptions()] == ["label.number_taken"]


# -- manifests ---------------------------------------------------------------------------------------------------------


def test_a_manifest_lists_each_label_once() -> None:
    truck = Truck()
    at = labeled(truck)
    made = at.shop.manifest("ghent", "truck", key="m-1")
    assert made.tracking == ("truck-ord-1-f1-s1-1",)
    assert at.shop.manifest("ghent", "truck", key="m-1").id == made.id
    with pytest.raises(CommandRefused, match="no label of truck at ghent waits"):
        at.shop.manifest("ghent", "truck", key="m-2")
    at.shop.deliver()
    (closed,) = at.shop.manifests("ghent", "truck")
    assert (closed.state, closed.reference, truck.manifests) == (
        "closed",
        "list:ghent-truck-m1",
        {"ghent-truck-m1": made.tracking},
    )


def test_the_labels_of_a_refused_manifest_may_go_on_another_one() -> None:
    truck = Truck()
    truck.refuses_manifests = True
    at = labeled(truck)
    at.shop.manifest("ghent", "truck", key="m-1")
    at.shop.deliver()
    assert at.shop.manifests("ghent", "truck")[0].state == "refused"
    truck.refuses_manifests = False
    assert at.shop.manifest("ghent", "truck", key="m-2").shipments == (SHIPMENT,)


def test_a_carrier_without_manifests_is_not_asked_for_one() -> None:
    class Bare:
        name = "bare"

        def rates(self, request: LabelRequest) -> list[Rate]:
            return []

        def label(self, request: LabelRequest) -> Label:
            raise AssertionError

    at = up_to("shipped", carriers=(Bare(),))
    with pytest.raises(CommandRefused, match="wants no manifest"):
        at.shop.manifest("ghent", "bare", key="m-1")
    with pytest.raises(CommandRefused, match="no carrier 'fedex' is wired; there is bare"):
        at.shop.manifest("ghent", "fedex", key="m-2")


# -- who carries it ----------------------------------------------------------------------------------------------------


def two() -> tuple[Truck, Truck]:
    return Truck("post", standard=(495, 3)), Truck("dash", standard=(695, 2), express=(990, 1))


def test_the_cheapest_that_keeps_the_promise_is_taken_and_the_others_are_told_why_not() -> None:
    at = up_to("packed", carriers=two())
    shopped = at.shop.rates("ord-1-f1")
    assert (shopped.chosen.carrier, shopped.chosen.service) == ("post", "standard")
    assert {reason.code for _, reason in shopped.refused} == {"rate.dearer"}
    with pytest.raises(CommandRefused, match="no carrier 'fedex' is wired; there is dash, post"):
        at.shop.rates("ord-1-f1", carriers={"fedex"})
    at.shop.ship("ord-1-f1", key="s-1")
    at.shop.deliver()
    made = at.shop.labels(SHIPMENT)[0]
    assert isinstance(made, LabelMade)
    assert (made.carrier, [reason.code for reason in made.refused]) == ("post", ["rate.dearer"])


def test_a_carrier_that_is_down_does_not_stop_the_others() -> None:
    post, dash = two()
    at = up_to("shipped", carriers=(post, dash))
    post.down = 99
    at.shop.deliver()
    made = at.shop.labels(SHIPMENT)[0]
    assert isinstance(made, LabelMade)
    assert (made.carrier, [reason.code for reason in made.refused]) == ("dash", ["rate.no_answer"])
    assert "Main Street" not in repr(made)


def test_a_persons_choice_is_kept_to_and_remembered_beside_the_proposal() -> None:
    at = up_to("packed", carriers=two())
    at.shop.ship("ord-1-f1", carrier="dash", service="express", why="customer called", key="s-1")
    (choice,) = at.shop.choices()
    assert (choice.proposed, choice.chosen, choice.overrides) == ("post standard", "dash express", True)
    at.shop.deliver()
    assert (at.shop.shipment(SHIPMENT).carrier, at.shop.shipment(SHIPMENT).service) == ("dash", "express")


def test_a_choice_that_nobody_offers_is_refused_and_nothing_has_left() -> None:
    at = up_to("packed", carriers=two())
    with pytest.raises(CommandRefused, match="no offer of service 'overnight'"):
        at.shop.ship("ord-1-f1", carrier="dash", service="overnight", key="s-1")
    assert at.shop.order("ord-1").totals.packed == 2
    assert at.shop.ship("ord-1-f1", carrier="dash", key="s-1").status == "created"


def test_choices_are_proposed_as_a_preference_and_decide_only_once_accepted() -> None:
    at = up_to("packed", carriers=two(), stock=100)
    at.shop.ship("ord-1-f1", carrier="dash", service="standard", why="post loses parcels", key="s-1")
    for n in range(2, 5):
        order = at.shop.capture("web", draft(str(n)), key=f"c-{n}")
        at.shop.route()
        chosen = "dash" if n < 4 else "post"
        at.shop.ship(at.shop.fulfillments(order.id)[0].id, carrier=chosen, key=f"s-{n}")
    (proposed,) = at.shop.preferences()
    assert (proposed.chosen, proposed.times, proposed.of, proposed.accepted_at) == ("dash standard", 3, 4, None)
    assert proposed.why == ("post loses parcels",)

    def carrier_of(number: str) -> tuple[str, str]:
        order = at.shop.capture("web", draft(number), key=f"c-{number}")
        at.shop.route()
        shipment = at.shop.ship(at.shop.fulfillments(order.id)[0].id, key=f"s-{number}")
        at.shop.deliver()
        made = at.shop.labels(shipment.id)[0]
        assert isinstance(made, LabelMade)
        return made.carrier, made.preference

    assert carrier_of("10") == ("post", "")
    at.shop.accept_preference(proposed.id, key="like-1")
    assert carrier_of("11") == ("dash", proposed.id)
    assert at.shop.preferences()[0].accepted_at is not None
    at.shop.drop_preference(proposed.id, key="drop-1")
    assert carrier_of("12") == ("post", "")


def test_an_accepted_preference_never_breaks_a_promise() -> None:
    fast, slow = Truck("fast", standard=(900, 1)), Truck("slow", standard=(400, 5))
    at = up_to("packed", carriers=(fast, slow), stock=100)
    for n in range(3):
        choice = Choice(
            "carrier_service",
            {"country": "BE", "service": "standard"},
            "fast standard",
            "slow standard",
            f"old-{n}",
            MONDAY,
        )
        at.shop.remember_choice(choice, key=f"choice-{n}")
    at.shop.accept_preference(at.shop.preferences()[0].id, key="like-1")
    order = at.shop.capture("web", draft("2", deliver_by=MONDAY + timedelta(days=2)), key="c-2")
    at.shop.route()
    assert at.shop.rates(at.shop.fulfillments(order.id)[0].id).chosen.carrier == "fast"
    shipment = at.shop.ship(at.shop.fulfillments(order.id)[0].id, key="s-2")
    at.shop.deliver()
    assert at.shop.shipment(shipment.id).carrier == "fast"


# -- parcels -----------------------------------------------------------------------------------------------------------


def test_proposed_cartons_are_what_carriers_are_asked_for() -> None:
    mug = Item("SKU-1", weight_grams=300, dimensions=Dimensions(90, 90, 100))
    asked: list[LabelRequest] = []

    class Scale(Truck):
        def label(self, request: LabelRequest) -> Label:
            asked.append(request)
            return super().label(request)

    boxes = [Carton("S", Dimensions(100, 100, 100), 5_000, tare_grams=50)]
    at = up_to("shipped", carriers=(Scale(),), catalog={"SKU-1": mug}, cartons=boxes)
    at.shop.deliver()
    assert [(p.weight_grams, p.contents, p.length_mm) for p in asked[0].parcels] == [(350, {"SKU-1": 1}, 100)] * 2
    assert len(at.shop.shipment(SHIPMENT).tracking) == 2


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"weight_grams": -1}, "weight_grams"),
        ({"weight_grams": 1.5}, "weight_grams"),
        ({"length_mm": -1}, "length_mm"),
        ({"contents": {"A": 0}}, "units of 'A'"),
        ({"contents": {"A": True}}, "units of 'A'"),
        ({"id": ""}, "parcel id"),
    ],
)
def test_a_parcel_says_which_of_its_figures_is_wrong(changes: dict[str, Any], names: str) -> None:
    facts: dict[str, Any] = {"id": "p-1", "weight_grams": 100} | changes
    with pytest.raises(InvalidValue, match=names):
        Parcel(**facts)


def test_costs_of_two_currencies_are_not_compared() -> None:
    offers = [
        Rate("post", "standard", Money(700, "EUR"), 2),
        Rate("dash", "standard", Money(650, "EUR"), 2),
        Rate("eagle", "standard", Money(100, "USD"), 2),
    ]
    shopped = shop_rates(offers, now=MONDAY)
    assert shopped.chosen.carrier == "dash"
    assert [(offer.carrier, reason.code) for offer, reason in shopped.refused] == [
        ("post", "rate.dearer"),
        ("eagle", "rate.currency"),
    ]
    late = [evolve(offer, days=9) if offer.cost.currency == "EUR" else offer for offer in offers]
    assert shop_rates(late, now=MONDAY, deliver_by=MONDAY + timedelta(days=3)).chosen.carrier == "eagle"


@pytest.mark.parametrize("wrong", [{"cost": Money(-500, "EUR")}, {"service": None}, {"days": 0.5}])
def test_an_offer_that_is_rubbish_is_never_the_cheapest_and_stops_no_other(wrong: dict[str, Any]) -> None:
    class Gives(Truck):
        def rates(self, request: LabelRequest) -> list[Rate]:
            return [evolve(Rate(self.name, "standard", Money(100, "EUR"), 1), **wrong)]

    at = up_to("packed", carriers=(Gives("gives"), Truck("post")))
    assert at.shop.rates("ord-1-f1").chosen.carrier == "post"


# -- asked where it is -------------------------------------------------------------------------------------------------


def test_carriers_are_asked_where_parcels_are_and_one_that_fails_stops_no_other() -> None:
    good, bad = Truck("good"), Truck("bad", standard=(900, 1))
    at = up_to("shipped", carriers=(good, bad, TableCarrier.flat("post", cost_minor=9_900, currency="EUR")), stock=9)
    second = at.shop.capture("web", draft("2"), key="c-2")
    at.shop.route()
    other = at.shop.ship(at.shop.fulfillments(second.id)[0].id, carrier="bad", key="s-2")
    at.shop.deliver()
    bad.down = 1
    good.facts = [TrackingFact("good-ord-1-f1-s1-1", "delivered", datetime(2026, 3, 2, 12, tzinfo=UTC))]
    assert at.shop.fetch_tracking() == {"told": 1, "silent": 0, "failed": 1}
    assert at.shop.shipment(SHIPMENT).status == "delivered"
    (silent,) = [incident for incident in at.shop.exceptions() if incident.kind == "mismatch"]
    assert (silent.owner, silent.text) == ("shipping", "bad could not be asked: TimeoutError")
    bad.facts = [TrackingFact(at.shop.shipment(other.id).tracking[0], "in_transit")]
    assert at.shop.fetch_tracking() == {"told": 1, "silent": 0, "failed": 0}
    assert at.shop.shipment(other.id).status == "in_transit"
    assert kinds(at.shop) == []


# -- told --------------------------------------------------------------------------------------------------------------


def test_a_mail_server_that_is_down_holds_up_no_label_and_the_notice_has_the_number() -> None:
    class Desk:
        down = True
        told: list[tuple[str, Any]] = []  # noqa: RUF012 - one desk

        def notify(self, effect: Any) -> None:
            if self.down:
                raise TimeoutError
            self.told.append((effect.topic, effect.payload))

    desk = Desk()
    at = up_to("shipped", carriers=(Truck(),), notifier=desk)
    at.shop.deliver()
    assert at.shop.shipment(SHIPMENT).status == "labeled"
    desk.down = False
    for _ in range(9):
        at.clock.advance(minutes=31)
        at.shop.deliver()
    (shipped,) = [payload for topic, payload in desk.told if topic == "notify.shipped"]
    assert (shipped["carrier"], shipped["tracking"], shipped["lines"]) == ("truck", ["truck-ord-1-f1-s1-1"], {"1": 2})
