"""On the way and back: carriers tell things late and twice, goods return, and money has a path of its own."""

from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import omscore as oms
from omscore.inventory import Cell
from omscore.orders import AddLine
from omscore.ports import Rate
from omscore.returns import ReturnPolicy
from omscore.shipping import TrackingFact, shop_rates
from omscore.testing.walkthrough import MONDAY, Walk, up_to
from tests.app.gateways import Books, Till

EUR = "EUR"
NUMBER = "post-ord-1-f1-s1-1"


def labeled(**ports: object) -> Walk:
    at = up_to("shipped", **ports)  # type: ignore[arg-type]
    at.shop.deliver()
    return at


def fact(code: str, hours: float) -> TrackingFact:
    return TrackingFact(NUMBER, code, MONDAY + timedelta(hours=hours))


STORY = [fact("in_transit", 1), fact("exception", 2), fact("in_transit", 3), fact("delivered", 5)]
SENT_BACK = [fact("in_transit", 1), fact("return_to_sender", 4), fact("delivered", 9)]


@given(st.sampled_from([STORY, SENT_BACK]), st.randoms(use_true_random=False), st.data())
def test_facts_in_any_order_with_duplicates_lead_to_the_same_state(
    story: list[TrackingFact], random: object, data: st.DataObject
) -> None:
    told = data.draw(st.permutations(story + data.draw(st.lists(st.sampled_from(story), max_size=3))))
    straight, mixed = labeled(), labeled()
    straight.shop.track(NUMBER, story, key="all")
    for i, one in enumerate(told):
        mixed.shop.track(NUMBER, [one], key=f"t-{i}")
    for shop in (straight.shop, mixed.shop):
        shipment = shop.shipment("ord-1-f1-s1")
        assert (shipment.status, shipment.status_at) == (
            ("delivered", MONDAY + timedelta(hours=5))
            if story is STORY
            else ("returned_to_sender", MONDAY + timedelta(hours=4))
        )
    a, b = straight.shop.order("ord-1"), mixed.shop.order("ord-1")
    assert (a.units, a.state) == (b.units, b.state)


def test_what_goes_back_to_the_sender_is_expected_as_a_return() -> None:
    at = labeled()
    at.shop.track(NUMBER, SENT_BACK, key="t-1")
    assert at.shop.order("ord-1").totals.return_expected == 2
    at.shop.receive_return("ord-1-f1-s1-back", key="r-1")
    assert at.shop.available("SKU-1") == {"ghent": 5}
    assert "carrier" in [incident.kind for incident in at.shop.exceptions()]


def test_facts_of_another_parcel_are_refused() -> None:
    at = labeled()
    with pytest.raises(oms.InvalidValue, match="T9 is no tracking number"):
        at.shop.track(NUMBER, [TrackingFact("T9", "delivered")], key="t-1")


def test_a_lost_parcel_is_sent_again_from_stock_and_not_paid_twice() -> None:
    till = Till()
    at = labeled(gateway=till)
    at.shop.track(NUMBER, "lost", key="t-1")
    assert [incident.kind for incident in at.shop.exceptions()] == ["carrier"]
    at.shop.give_up(NUMBER, reship=True, key="g-1")
    assert at.shop.available("SKU-1") == {"ghent": 1}
    at.shop.route()
    at.shop.ship("ord-1-f2", key="s-2")
    at.shop.deliver()
    assert at.shop.payment("ord-1").captured.minor == 3998
    at.shop.track(NUMBER, "delivered", key="found after all")
    assert at.shop.order("ord-1").totals.shipped == 2


def test_a_lost_parcel_may_be_refunded_instead() -> None:
    at = labeled(gateway=Till())
    after = at.shop.give_up(NUMBER, reship=False, refund=True, key="g-1")
    at.shop.deliver()
    assert after.totals.cancelled == 2
    assert at.shop.payment("ord-1").refunded.minor == 3998
    with pytest.raises(oms.CommandRefused, match="none of its units"):
        at.shop.give_up(NUMBER, reship=True, key="g-2")


RATES = [
    Rate("usps", "first", oms.Money(1174, "USD"), days=5),
    Rate("usps", "priority", oms.Money(1564, "USD"), days=3),
    Rate("dash", "express", oms.Money(4000, "USD"), days=1),
]


def test_the_cheapest_offer_that_keeps_the_promise_is_taken_and_the_others_say_why_not() -> None:
    def chosen(**limits: object) -> str:
        return shop_rates(RATES, now=MONDAY, **limits).chosen.service  # type: ignore[arg-type]

    assert chosen() == "first"
    assert chosen(services={"priority"}) == "priority"
    assert chosen(deliver_by=MONDAY + timedelta(days=3)) == "priority"
    for offers in permutations(RATES):
        assert shop_rates(offers, now=MONDAY).chosen.cost.minor == 1174
    refused = shop_rates(RATES, now=MONDAY, deliver_by=MONDAY + timedelta(days=3)).refused
    assert [(offer.service, reason.code) for offer, reason in refused] == [
        ("first", "rate.too_late"),
        ("express", "rate.dearer"),
    ]
    with pytest.raises(oms.CommandRefused, match="no offer of carrier 'ups'"):
        chosen(carriers={"ups"})


def at_door(**ports: object) -> Walk:
    return up_to("delivered", **ports)  # type: ignore[arg-type]


def test_returns_are_taken_within_their_window_and_never_of_some_goods() -> None:
    at = at_door(return_policy=ReturnPolicy(window=timedelta(days=30)))
    at.clock.advance(days=30)
    assert at.shop.open_return("ord-1", {"1": 1}, key="r-1").state == "expected"
    at.clock.advance(seconds=1)
    with pytest.raises(oms.CommandRefused, match="could come back until"):
        at.shop.open_return("ord-1", {"1": 1}, key="r-2")
    final = at_door(
        catalog={"SKU-1": oms.Item("SKU-1", tags={"final_sale"})}, return_policy=ReturnPolicy(never={"final_sale"})
    )
    with pytest.raises(oms.CommandRefused, match="cannot come back"):
        final.shop.open_return("ord-1", {"1": 1}, key="r-1")


def test_each_unit_has_its_own_disposition_and_quarantine_ends_in_an_inspection() -> None:
    at = at_door()
    back = at.shop.open_return("ord-1", {"1": 2}, key="r-1")
    at.shop.receive_return(back.id, {"1": 1}, disposition="scrap", key="r-2")
    at.shop.receive_return(back.id, {"1": 1}, disposition="quarantine", key="r-3")
    assert at.shop.available("SKU-1") == {"ghent": 3}
    at.shop.inspect_return(back.id, {"1": 1}, disposition="restock", key="r-4")
    assert at.shop.available("SKU-1") == {"ghent": 4}
    with pytest.raises(oms.CommandRefused, match="0 units wait"):
        at.shop.inspect_return(back.id, {"1": 1}, key="r-5")


@pytest.mark.parametrize("money_first", [True, False])
def test_receiving_and_refunding_are_independent(money_first: bool) -> None:
    at = at_door(gateway=Till())
    back = at.shop.open_return("ord-1", {"1": 1}, key="r-1")
    if money_first:
        at.shop.refund("ord-1", oms.Money(1999, EUR), ref=back.id, key="m-1")
        assert at.shop.return_(back.id).state == "expected"
        at.shop.receive_return(back.id, key="r-2")
    else:
        at.shop.receive_return(back.id, key="r-2")
        assert at.shop.payment("ord-1").total("refund", "asked", "done").minor == 0
        at.shop.refund("ord-1", ref=back.id, key="m-1")
    at.shop.deliver()
    assert at.shop.payment("ord-1").refunded.minor == 1999
    assert at.shop.available("SKU-1") == {"ghent": 4}


def test_a_return_of_which_nothing_comes_expires() -> None:
    at = at_door(return_policy=ReturnPolicy(patience=timedelta(days=60)))
    back = at.shop.open_return("ord-1", {"1": 1}, key="r-1")
    at.clock.advance(days=60)
    assert at.shop.tick()["expired"] == 1
    assert at.shop.return_(back.id).state == "expired"
    assert repr(at.shop.order("ord-1")) == "<Order ord-1 closed: delivered 2>"
    assert at.shop.tick()["expired"] == 0


def test_an_exchange_reserves_its_replacement_and_nets_the_money() -> None:
    till = Till()
    at = at_door(payment="authorized", gateway=till)
    at.shop.deliver()
    back = at.shop.open_return("ord-1", {"1": 1}, key="r-1")
    dearer = oms.DraftLine("2", "SKU-1", 1, oms.Money(2499, EUR))
    after = at.shop.exchange(back.id, dearer, key="x-1")
    assert after.totals.reserved == 1
    assert at.shop.available("SKU-1") == {"ghent": 2}
    at.shop.deliver()
    assert sum(n for id_, n in till.asked.items() if "-authorize-" in id_) == 500
    at.shop.receive_return(back.id, key="r-2")
    at.shop.route()
    at.shop.ship(at.shop.fulfillments("ord-1")[-1].id, key="s-2")
    at.shop.deliver()
    payment = at.shop.payment("ord-1")
    assert (payment.captured.minor, payment.refunded.minor) == (3998 + 500, 0)


def test_a_replacement_sent_in_advance_is_charged_when_nothing_comes_back() -> None:
    till = Till()
    at = at_door(payment="authorized", gateway=till)
    at.shop.deliver()
    back = at.shop.open_return("ord-1", {"1": 1}, key="r-1")
    at.shop.exchange(back.id, oms.DraftLine("2", "SKU-1", 1, oms.Money(1999, EUR)), key="x-1")
    at.shop.route()
    at.shop.ship(at.shop.fulfillments("ord-1")[-1].id, key="s-2")
    at.shop.deliver()
    assert at.shop.payment("ord-1").captured.minor == 3998
    at.clock.advance(days=60)
    at.shop.tick()
    at.shop.deliver()
    at.shop.deliver()
    assert at.shop.payment("ord-1").captured.minor == 3998 + 1999


def test_a_time_that_a_carrier_gives_is_the_time_that_counts() -> None:
    at = labeled()
    at.clock.advance(days=3)
    at.shop.track(NUMBER, STORY, key="t-1")
    assert at.shop.shipment("ord-1-f1-s1").delivered_at == MONDAY + timedelta(hours=5)
    assert isinstance(at.shop.history("ord-1")[-1].recorded_at, datetime)


def test_a_claim_is_made_within_the_warranty_once_for_a_serial_and_replaced_for_nothing() -> None:
    till = Till()
    at = at_door(gateway=till, return_policy=ReturnPolicy(warranty=timedelta(days=730)))
    claim = at.shop.claim("ord-1", "1", serial="S-9", why="does not start", key="w-1")
    with pytest.raises(oms.CommandRefused, match="S-9 was claimed before"):
        at.shop.claim("ord-1", "1", serial="S-9", key="w-2")
    decided = at.shop.decide_claim(claim.id, approve=True, keep_item=False, key="w-3")
    assert repr(at.shop.order("ord-1")) == "<Order ord-1 accepted: reserved 1, delivered 1, return_expected 1>"
    assert at.shop.return_(decided.returning).why == "does not start"
    assert at.shop.due("ord-1").minor == 3998
    with pytest.raises(oms.TransitionNotAllowed):
        at.shop.decide_claim(claim.id, approve=False, key="w-4")
    at.clock.advance(days=731)
    with pytest.raises(oms.CommandRefused, match="warranty of line 1 ended"):
        at.shop.claim("ord-1", "1", key="w-5")
    assert at.shop.payment("ord-1").captured.minor == 3998


def test_a_refused_claim_moves_nothing_and_may_be_made_again() -> None:
    at = at_door()
    claim = at.shop.claim("ord-1", "1", units=2, serial="S-9", key="w-1")
    with pytest.raises(oms.CommandRefused, match="0 delivered units without a claim"):
        at.shop.claim("ord-1", "1", key="w-2")
    at.shop.decide_claim(claim.id, approve=False, key="w-3")
    assert repr(at.shop.order("ord-1")) == "<Order ord-1 closed: delivered 2>"
    assert at.shop.claim("ord-1", "1", serial="S-9", key="w-4").state == "open"


def test_goods_for_their_vendor_leave_the_stock_and_the_vendor_owes_for_them() -> None:
    books = Books()
    at = up_to("delivered", erp=books, costs={"SKU-1": oms.Money(1000, "EUR")})
    back = at.shop.open_return("ord-1", {"SKU-1": 2}, key="r-1")
    at.shop.receive_return(back.id, {"SKU-1": 1}, disposition="vendor", key="r-2")
    at.shop.receive_return(back.id, {"SKU-1": 1}, disposition="quarantine", key="r-3")
    at.shop.inspect_return(back.id, {"SKU-1": 1}, disposition="vendor", key="i-1")
    at.shop.inspect_return(back.id, {"SKU-1": 1}, disposition="vendor", key="i-1")
    at.shop.deliver()
    figures = at.shop._read(lambda work: work.txn.figures([Cell("SKU-1", "ghent")]))[Cell("SKU-1", "ghent")]
    assert (figures.on_hand, figures.free) == (3, 3)
    assert (books.balance("payable"), books.balance("inventory"), books.balance("losses")) == (2000, -2000, 0)


def test_a_claim_on_a_serial_asks_for_one_that_left_with_the_order_and_counts_from_its_own_delivery() -> None:
    at = up_to("packed", return_policy=ReturnPolicy(warranty=timedelta(days=100)), stock=9)
    shop = at.shop
    shop.ship("ord-1-f1", serials={"SKU-1": ["S-1"]}, key="s-1")
    shop.deliver()
    shop.track("ord-1-f1-s1", "delivered", key="t-1")
    at.clock.advance(days=60)
    shop.reopen("ord-1", why="they want more", key="o-1")
    shop.edit("ord-1", [AddLine(oms.DraftLine("2", "SKU-1", 2, oms.Money(1999, EUR)))], key="e-1")
    shop.route()
    with pytest.raises(oms.CommandRefused, match=r"line 2 has 2 units.*ship\.serials"):
        shop.ship("ord-1-f2", serials={"2": ["S-2", "S-3", "S-4"]}, key="s-2")
    shop.ship("ord-1-f2", serials={"2": ["S-2", "S-3"]}, key="s-2b")
    assert shop.shipment("ord-1-f2-s1").serials == {"2": ("S-2", "S-3")}
    shop.deliver()
    shop.track("ord-1-f2-s1", "delivered", key="t-2")
    at.clock.advance(days=60)
    with pytest.raises(oms.CommandRefused, match=r"S-9 did not leave.*went S-2, S-3.*claim\.serial_not_shipped"):
        shop.claim("ord-1", "2", serial="S-9", key="w-1")
    with pytest.raises(oms.CommandRefused, match=r"claim\.window"):
        shop.claim("ord-1", "1", serial="S-1", key="w-2")
    assert shop.claim("ord-1", "2", serial="S-2", key="w-3").state == "open"


def test_serials_are_told_once_by_unit_and_a_repeat_with_others_is_another_command() -> None:
    shop = up_to("packed").shop
    with pytest.raises(oms.CommandRefused, match=r"ship\.serials"):
        shop.ship("ord-1-f1", serials={"1": ["S-1", "S-1"]}, key="s-1")
    with pytest.raises(oms.InvalidValue, match="no line or item 'lamp'"):
        shop.ship("ord-1-f1", serials={"lamp": ["S-1"]}, key="s-2")
    with pytest.raises(oms.InvalidValue, match="are a list such as"):
        shop.ship("ord-1-f1", serials={"1": "S-1"}, key="s-3")
    first = shop.ship("ord-1-f1", serials={"1": ["S-1"]}, key="s-4")
    assert shop.ship("ord-1-f1", serials={"1": ["S-1"]}, key="s-4") == first
    with pytest.raises(oms.KeyReused):
        shop.ship("ord-1-f1", serials={"1": ["S-2"]}, key="s-4")
