"""Money follows the goods: promised before they are worked on, taken as they leave, given back on its own account."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

import omscore as oms
from omscore import routing as r
from omscore.orders import AddLine, Reduce, SetPrice
from omscore.oversight import ChannelProfile
from omscore.ports import PaymentAnswer
from omscore.testing.walkthrough import MONDAY, Walk, draft, up_to
from tests.app.gateways import Books, Till

EUR = "EUR"


def three_for_ten(**changes: Any) -> oms.Draft:
    line = oms.DraftLine("1", "SKU-1", 3, oms.Money(334, EUR), discount=oms.Money(2, EUR))
    return draft(lines=(line,), shipping=oms.Money(100, EUR), **changes)


def shop(till: Till, **more: object) -> tuple[oms.Oms, oms.ManualClock]:
    at = up_to("accepted", stock=50, gateway=till, **more)  # type: ignore[arg-type]
    return at.shop, at.clock


def test_an_order_waits_until_its_payment_is_authorized() -> None:
    till = Till()
    host, _ = shop(till)
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    assert [hold.code for hold in order.holds] == ["payment"]
    assert host.payment(order.id).status == "pending"
    host.deliver()
    assert host.payment(order.id).status == "authorized"
    assert host.order(order.id).state == "accepted"
    assert till.asked == {f"{order.id}-authorize-1": 3998}


def test_a_declined_payment_keeps_the_order_and_its_stock_until_it_is_tried_again() -> None:
    till = Till()
    till.declines = {"authorize"}
    host, _ = shop(till)
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    host.deliver()
    assert host.payment(order.id).status == "failed"
    assert host.order(order.id).totals.reserved == 2
    till.declines = set()
    host.authorize(order.id, key="again")
    host.deliver()
    assert host.order(order.id).state == "accepted"


def test_parts_captured_with_each_shipment_sum_to_the_cent() -> None:
    till = Till()
    network = oms.Network([oms.Node("ghent"), oms.Node("lille")])
    split = r.Policy(
        "split", (r.Route("all", (r.Rule("any", require=(r.has_stock(),), stops_max=3),)),), otherwise=r.park("later")
    )
    host = oms.Oms(store=oms.MemoryStore(oms.ManualClock(MONDAY)), network=network, routing=split, gateway=till)
    host.receive("ghent", {"SKU-1": 2}, key="d-1")
    host.receive("lille", {"SKU-1": 1}, key="d-2")
    order = host.capture("web", three_for_ten(payment="pending"), key="c-1")
    host.deliver()
    host.route()
    for fulfillment in host.fulfillments(order.id):
        host.ship(fulfillment.id, key=f"ship {fulfillment.id}")
        host.deliver()
    captures = [n for id_, n in till.asked.items() if "-capture-" in id_]
    assert len(captures) == 2
    assert captures[0] in (667, 334)
    assert sum(captures) == 1100
    assert host.payment(order.id).status == "captured"


def test_a_gateway_that_captures_once_captures_everything_with_the_last_shipment() -> None:
    till = Till(multi_capture=False)
    host, _ = shop(till)
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    host.deliver()
    host.route()
    (fulfillment,) = host.fulfillments(order.id)
    host.short_pick(fulfillment.id, {"1": 1}, key="short")
    host.ship(fulfillment.id, key="ship-1")
    host.deliver()
    assert host.payment(order.id).captured.minor == 0
    host.cancel(order.id, why="the rest is gone", refund=False, key="x")
    host.deliver()
    assert host.payment(order.id).captured.minor == 1999


def test_money_is_taken_at_order_where_the_channel_says_so() -> None:
    host, _ = shop(Till(), profiles={"web": ChannelProfile(capture_method="at_order")})
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    host.deliver()
    assert host.payment(order.id).captured == host.due(order.id)


def test_never_more_is_captured_than_authorized_nor_refunded_than_captured() -> None:
    at = up_to("delivered", gateway=Till())
    with pytest.raises(oms.CommandRefused, match=r"39\.98 EUR is left of what was captured"):
        at.shop.refund(at.order.id, oms.Money(3999, EUR), key="r-1")
    at.shop.refund(at.order.id, oms.Money(3000, EUR), key="r-2")
    with pytest.raises(oms.CommandRefused, match=r"9\.98 EUR is left"):
        at.shop.refund(at.order.id, oms.Money(999, EUR), key="r-3")
    at.shop.deliver()
    assert at.shop.payment(at.order.id).status == "partly_refunded"


def test_a_cancelled_order_lets_its_authorization_go() -> None:
    till = Till()
    host, _ = shop(till)
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    host.deliver()
    host.cancel(order.id, key="x")
    host.deliver()
    assert host.payment(order.id).status == "voided"
    assert till.asked[f"{order.id}-void-1"] == 3998


def test_a_promise_that_comes_after_the_cancellation_is_let_go_too() -> None:
    till = Till()
    host, _ = shop(till)
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    host.cancel(order.id, key="x")
    host.deliver()
    host.deliver()
    assert host.payment(order.id).authorized.minor == 0


def test_cancelling_refunding_and_restocking_are_independent() -> None:
    till = Till()
    at = up_to("allocated", gateway=till)
    with pytest.raises(oms.CommandRefused, match="refund=True"):
        at.shop.cancel(at.order.id, key="x-1")
    at.shop.cancel(at.order.id, {"1": 1}, refund=True, restock=False, key="x-2")
    at.shop.deliver()
    assert at.shop.payment(at.order.id).refunded.minor == 1999
    assert at.shop.available("SKU-1") == {"ghent": 3}
    at.shop.cancel(at.order.id, refund=False, key="x-3")
    at.shop.deliver()
    assert at.shop.available("SKU-1") == {"ghent": 4}
    assert at.shop.payment(at.order.id).refunded.minor == 1999


def test_an_authorization_about_to_run_out_is_renewed_where_the_gateway_can() -> None:
    till = Till(renews=True)
    till.expires_at = MONDAY + timedelta(days=7)
    host, clock = shop(till)
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    host.deliver()
    clock.advance(days=6, hours=1)
    till.expires_at = MONDAY + timedelta(days=14)
    assert host.tick()["renewed"] == 1
    host.deliver()
    payment = host.payment(order.id)
    assert payment.authorized.minor == 3998
    assert [row.id for row in payment.open_authorizations] == [f"{order.id}-authorize-2"]
    assert host.tick()["renewed"] == 0


def test_a_gateway_that_is_down_is_asked_again_and_the_money_moves_once() -> None:
    till = Till()
    till.down = 3
    host, clock = shop(till)
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    for _ in range(5):
        host.deliver()
        clock.advance(minutes=10)
    assert host.payment(order.id).status == "authorized"
    assert list(till.asked) == [f"{order.id}-authorize-1"]


def test_credit_is_checked_at_capture_and_on_reopening() -> None:
    at: Walk = up_to("accepted", stock=50)
    host = at.shop
    host.set_credit("c-17", oms.Money(5000, EUR), key="t-1")
    first = host.capture("web", draft("2", payment="terms"), key="c-2")
    assert host.credit("c-17").exposure.minor == 3998
    second = host.capture("web", draft("3", payment="terms"), key="c-3")
    assert [hold.code for hold in second.holds] == ["credit"]
    host.cancel(second.id, key="x-3")
    assert host.credit("c-17").exposure.minor == 3998
    with pytest.raises(oms.CommandRefused, match="too much"):
        host.reopen(second.id, key="o-1")
    assert host.order(second.id).state == "cancelled"
    host.receive_payment(first.id, oms.Money(3998, EUR), key="bank-1")
    assert host.credit("c-17").exposure.minor == 0
    assert host.reopen(second.id, key="o-2").totals.reserved == 2


def test_the_books_are_told_in_balance_and_once() -> None:
    books = Books()
    at = up_to("delivered", payment="terms", erp=books, costs={"SKU-1": oms.Money(1000, EUR)})
    at.shop.receive_payment(at.order.id, oms.Money(3998, EUR), key="bank-1")
    back = at.shop.open_return(at.order.id, {"1": 1}, key="ret-1")
    at.shop.receive_return(back.id, key="ret-2")
    at.shop.refund(at.order.id, key="ref-1")
    transaction = at.shop.payment(at.order.id).transactions[-1]
    at.shop.settle(at.order.id, transaction.id, done=True, key="ans-1")
    at.shop.deliver()
    at.shop.deliver()
    assert sorted(posting.kind for posting in books.values()) == [
        "invoice",
        "payment",
        "refund",
        "stock_value",
        "stock_value",
    ]
    assert books.balance("receivable") == 0
    assert books.balance("bank") == 1999
    assert books.balance("cost_of_sales") == 1000


def one_more(id_: str = "2", cents: int = 500) -> AddLine:
    return AddLine(oms.DraftLine(id_, "SKU-1", 1, oms.Money(cents, EUR)))


def test_cancelling_a_part_lets_go_of_the_promise_for_that_part() -> None:
    till = Till()
    host, _ = shop(till)
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    host.deliver()
    host.cancel(order.id, {"1": 1}, key="x-1")
    host.deliver()
    assert host.payment(order.id).promised == host.due(order.id) == oms.Money(1999, EUR)


def test_what_was_refunded_is_owed_again_when_more_is_ordered() -> None:
    till = Till()
    host, _ = shop(till)
    order = host.capture("web", draft("2"), key="c-2")
    host.cancel(order.id, {"1": 1}, refund=True, key="x-1")
    host.deliver()
    host.edit(order.id, [one_more()], key="e-1")
    host.deliver()
    assert till.asked.get(f"{order.id}-authorize-2") == 500
    host.route()
    host.ship(f"{order.id}-f1", key="s-1")
    host.deliver()
    payment = host.payment(order.id)
    assert payment.kept == host.due(order.id) == oms.Money(1999 + 500, EUR)


def test_a_reopened_order_whose_money_went_back_is_paid_again() -> None:
    till = Till()
    host, _ = shop(till)
    order = host.capture("web", draft("2"), key="c-2")
    host.cancel(order.id, refund=True, key="x-1")
    host.deliver()
    again = host.reopen(order.id, key="o-1")
    assert [hold.code for hold in again.holds] == ["payment"]
    host.deliver()
    assert host.order(order.id).state == "accepted"
    assert host.payment(order.id).promised == host.due(order.id)


def test_goodwill_is_not_taken_back_with_the_next_shipment() -> None:
    till = Till()
    host, _ = shop(till)
    order = host.capture("web", draft("2"), key="c-2")
    host.refund(order.id, oms.Money(500, EUR), why="sorry", key="r-1")
    host.route()
    host.ship(f"{order.id}-f1", key="s-1")
    host.deliver()
    assert host.payment(order.id).kept.minor == 3498
    assert not [id_ for id_ in till.asked if "-capture-" in id_]


def test_a_cancellation_gives_back_what_its_own_units_cost_and_nothing_else() -> None:
    till = Till()
    host, _ = shop(till)
    order = host.capture("web", draft("2"), key="c-2")
    host.cancel(order.id, {"1": 1}, refund=False, key="x-1")
    host.cancel(order.id, {"1": 1}, refund=True, key="x-2")
    host.deliver()
    assert host.payment(order.id).refunded.minor == 1999


def test_units_are_refunded_without_a_gateway_too_and_settled_by_hand() -> None:
    at = up_to("allocated")
    at.shop.cancel("ord-1", {"1": 1}, refund=True, key="x-1")
    (asked,) = [t for t in at.shop.payment("ord-1").transactions if t.kind == "refund"]
    assert (asked.outcome, asked.amount.minor) == ("asked", 1999)
    at.clock.advance(hours=2, seconds=1)
    unanswered = next(i for i in at.shop.exceptions() if i.kind == "payment_unanswered")
    assert f"settle:{asked.id}" in unanswered.actions
    at.shop.settle("ord-1", asked.id, done=True, key="paid back")
    assert at.shop.payment("ord-1").refunded.minor == 1999


def test_each_authorization_is_captured_by_itself() -> None:
    till = Till()
    host, _ = shop(till)
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    host.deliver()
    host.edit(order.id, [one_more()], key="e-1")
    host.deliver()
    host.route()
    host.ship(f"{order.id}-f1", key="s-1")
    host.deliver()
    captures = [t for t in host.payment(order.id).transactions if t.kind == "capture"]
    assert [(t.parent, t.amount.minor, t.outcome) for t in captures] == [
        (f"{order.id}-authorize-1", 3998, "done"),
        (f"{order.id}-authorize-2", 500, "done"),
    ]
    host.refund(order.id, oms.Money(4200, EUR), key="r-1")
    host.deliver()
    refunds = [t for t in host.payment(order.id).transactions if t.kind == "refund"]
    assert [(t.parent, t.amount.minor) for t in refunds] == [(captures[0].id, 3998), (captures[1].id, 202)]


def test_a_weighed_item_may_cost_a_little_more_than_was_promised() -> None:
    till = Till()
    host, _ = shop(till, profiles={"web": ChannelProfile(allowance_minor=100)})
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    host.deliver()
    till.granted[f"bank:{order.id}-authorize-1"] += 100
    host.route()
    host.pick(f"{order.id}-f1", key="p-1")
    host.edit(order.id, [SetPrice("1", oms.Money(2049, EUR))], key="e-1")
    host.deliver()
    host.ship(f"{order.id}-f1", key="s-1")
    host.deliver()
    assert host.payment(order.id).captured.minor == 4098


def test_a_refund_waits_for_its_capture_and_falls_with_it() -> None:
    till = Till()
    host, _ = shop(till, profiles={"web": ChannelProfile(capture_method="at_order")})
    order = host.capture("web", draft("2", payment="authorized"), key="c-2")
    host.cancel(order.id, refund=True, key="x-1")
    till.declines = {"capture"}
    host.deliver()
    host.deliver()
    payment = host.payment(order.id)
    assert (payment.captured.minor, payment.refunded.minor) == (0, 0)
    assert [t.outcome for t in payment.transactions if t.kind == "refund"] == ["failed"]
    assert not [id_ for id_ in till.asked if "-refund-" in id_]


def test_a_failed_capture_or_refund_is_somebodys_work_even_when_the_order_is_closed() -> None:
    till = Till()
    at = up_to("delivered", payment="authorized", gateway=till)
    till.declines = {"refund"}
    at.shop.deliver()
    at.shop.refund("ord-1", oms.Money(500, EUR), key="r-1")
    at.shop.deliver()
    assert at.shop.order("ord-1").state == "closed"
    (failed,) = at.shop.exceptions()
    assert (failed.kind, "refund" in failed.actions) == ("payment_failed", True)
    till.declines = set()
    at.shop.refund("ord-1", oms.Money(500, EUR), key="r-2")
    at.shop.deliver()
    assert at.shop.exceptions() == []


def test_a_declined_capture_is_tried_again_by_hand() -> None:
    till = Till()
    host, _ = shop(till)
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    host.deliver()
    till.declines = {"capture"}
    host.route()
    host.ship(f"{order.id}-f1", key="s-1")
    host.deliver()
    actions = {i.kind: i.actions for i in host.exceptions(order.id)}
    assert "authorize" in actions.get("payment_failed", ())
    till.declines = set()
    host.authorize(order.id, key="again")
    host.deliver()
    assert host.payment(order.id).captured == host.due(order.id)


def test_an_authorization_that_runs_out_stops_the_order_where_it_cannot_be_renewed() -> None:
    till = Till()
    till.expires_at = MONDAY + timedelta(days=7)
    host, clock = shop(till)
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    host.deliver()
    clock.advance(days=6, hours=1)
    host.tick()
    assert "authorization_expiring" in [i.kind for i in host.exceptions(order.id)]
    clock.advance(days=1)
    host.tick()
    assert [hold.code for hold in host.order(order.id).holds] == ["payment"]
    lapsed = next(i for i in host.exceptions(order.id) if i.kind == "authorization_expiring")
    assert "authorize" in lapsed.actions
    host.route()
    assert host.fulfillments(order.id) == []
    till.expires_at = MONDAY + timedelta(days=20)
    host.authorize(order.id, key="again")
    host.deliver()
    assert host.order(order.id).holds == ()


def test_an_authorization_stands_until_the_one_that_renews_it_is_given() -> None:
    till = Till(renews=True)
    till.expires_at = MONDAY + timedelta(days=7)
    host, clock = shop(till)
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    host.deliver()
    clock.advance(days=6, hours=1)
    till.declines = {"authorize"}
    host.tick()
    host.deliver()
    assert host.payment(order.id).authorized.minor == 3998
    assert "payment_failed" in [i.kind for i in host.exceptions(order.id)]
    assert host.tick()["renewed"] == 0
    assert host.order(order.id).holds == ()


def test_rubbish_from_a_gateway_is_a_failed_attempt_and_stops_no_other_effect() -> None:
    class Odd(Till):
        def authorize(self, request: Any) -> Any:
            return PaymentAnswer(True, "x", datetime(2026, 3, 9))  # noqa: DTZ001 - that is the rubbish

    host, _ = shop(Odd())
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    assert host.deliver()["retried"] == 1
    assert host.payment(order.id).status == "pending"


def test_a_question_without_an_answer_is_asked_again_by_hand_and_done_once() -> None:
    till = Till()
    till.down = 8
    host, clock = shop(till)
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    for _ in range(8):
        host.deliver()
        clock.advance(minutes=31)
    unanswered = next(i for i in host.exceptions(order.id) if i.kind == "payment_unanswered")
    assert f"ask_again:{order.id}-authorize-1" in unanswered.actions
    for n in range(2):
        host.ask_again(order.id, f"{order.id}-authorize-1", key=f"again-{n}")
    host.deliver()
    assert host.payment(order.id).status == "authorized"
    assert till.asked == {f"{order.id}-authorize-1": 3998}
    with pytest.raises(oms.CommandRefused, match="its answer is known"):
        host.ask_again(order.id, f"{order.id}-authorize-1", key="again-3")


@pytest.mark.parametrize("extra", [{}, {"refunded": "39.98"}])
@pytest.mark.parametrize("said", ["voided", "refunded"])
def test_an_order_whose_money_is_gone_waits_for_a_person(said: str, extra: dict[str, str]) -> None:
    till = Till()
    at = up_to("accepted", stock=9, gateway=till, profiles={"web": ChannelProfile(capture_method="at_order")})
    order = at.shop.capture("web", draft("2", payment=said, extra=extra), key="c-2")
    assert [hold.code for hold in order.holds] == ["payment"]
    at.shop.deliver()
    assert not till.asked, "nobody is asked to pay once more"


def test_a_channels_gate_says_what_an_order_waits_for() -> None:
    till = Till()
    gates = {
        "web": ChannelProfile(payment_gate="captured", capture_method="at_order"),
        "market": ChannelProfile(payment_gate="none"),
    }
    host, _ = shop(till, profiles=gates)
    order = host.capture("web", draft("2", payment="authorized"), key="c-2")
    assert [hold.code for hold in order.holds] == ["payment"]
    host.deliver()
    assert host.order(order.id).state == "accepted"
    theirs = host.capture("market", evolve(draft("3", payment="pending"), channel="market"), key="c-3")
    assert theirs.state == "accepted"
    with pytest.raises(oms.InvalidValue, match="at_order"):
        ChannelProfile(payment_gate="captured")


def test_goods_on_terms_that_come_back_unpaid_are_credited_and_free_the_limit() -> None:
    books = Books()
    at = up_to("accepted", stock=50, payment="pending", erp=books)
    at.shop.set_credit("c-17", oms.Money(5000, EUR), key="t-1")
    order = at.shop.capture("web", draft("2", payment="terms"), key="c-2")
    at.shop.route()
    at.shop.ship(f"{order.id}-f1", key="s-1")
    at.shop.track(f"{order.id}-f1-s1", "delivered", key="t-2")
    back = at.shop.open_return(order.id, {"1": 1}, key="r-1")
    at.shop.receive_return(back.id, key="r-2")
    assert at.shop.credit("c-17").exposure.minor == 3998, "receiving forgives nothing"
    at.shop.refund(order.id, ref=back.id, key="m-1")
    assert at.shop.credit("c-17").exposure.minor == 1999
    at.shop.deliver()
    assert books.balance("receivable") == 1999
    with pytest.raises(oms.CommandRefused, match=r"19\.99 EUR is left"):
        at.shop.receive_payment(order.id, oms.Money(2000, EUR), key="b-1")
    at.shop.receive_payment(order.id, oms.Money(1999, EUR), key="b-2")
    at.shop.deliver()
    assert books.balance("receivable") == at.shop.credit("c-17").exposure.minor == 0


def test_what_is_sent_again_is_invoiced_once_and_the_lost_goods_are_written_off() -> None:
    books = Books()
    at = up_to("shipped", gateway=Till(), erp=books, costs={"SKU-1": oms.Money(1000, EUR)})
    at.shop.give_up("ord-1-f1-s1", reship=True, key="g-1")
    at.shop.route()
    at.shop.ship("ord-1-f2", key="s-2")
    at.shop.deliver()
    assert -books.balance("revenue") == 3998
    assert books.balance("losses") == 2000
    assert books.balance("cost_of_sales") == 2000
    assert books.balance("inventory") == -4000


def test_units_that_were_paid_and_never_left_are_not_invoiced() -> None:
    books = Books()
    at = up_to("allocated", gateway=Till(), erp=books)
    at.shop.short_pick("ord-1-f1", {"1": 1}, key="short")
    at.shop.ship("ord-1-f1", key="s-1")
    at.shop.cancel("ord-1", refund=True, key="x-1")
    at.shop.deliver()
    assert books.balance("receivable") == 0, "what was paid for the unit that never left went back"
    assert -books.balance("revenue") == books.balance("bank") == at.shop.due("ord-1").minor == 1999


def test_money_that_a_channel_took_or_gave_back_itself_is_in_the_books_once() -> None:
    books = Books()
    at = up_to("shipped", erp=books)
    wish = draft("2", payment="partially_refunded", extra={"refunded": "19.99"})
    order = at.shop.capture("web", wish, key="c-2", id="ord-2")
    at.shop.capture("web", wish, key="hook-2")
    at.shop.cancel(order.id, {"1": 1}, key="x-2")
    at.shop.deliver()
    mine = [posting for posting in books.values() if posting.order == "ord-1"]
    assert sorted(posting.kind for posting in mine) == ["invoice", "payment"]
    theirs = [(p.kind, [(line.account, line.minor) for line in p.lines]) for p in books.values() if p.order == "ord-2"]
    assert theirs == [
        ("payment", [("bank", 3998), ("receivable", -3998)]),
        ("refund", [("revenue", 1999), ("bank", -1999)]),
    ]


def test_a_later_revision_that_says_paid_releases_the_order_and_lets_the_gateways_promise_go() -> None:
    till, books = Till(), Books()
    at = up_to("accepted", stock=9, gateway=till, erp=books)
    order = at.shop.capture("web", draft("2", payment="pending"), key="c-2", id="ord-2")
    assert [hold.code for hold in order.holds] == ["payment"]
    after = at.shop.capture("web", draft("2", payment="paid", revision=2), key="c-2b")
    assert (after.state, after.holds) == ("accepted", ())
    assert at.shop.payment("ord-2").captured.minor == 3998
    at.shop.deliver()
    at.shop.deliver()
    payment = at.shop.payment("ord-2")
    assert (payment.captured.minor, payment.promised.minor, payment.total("void").minor) == (3998, 0, 3998)
    assert [p.amount.minor for p in books.values() if p.order == "ord-2"] == [3998]
    at.shop.route()
    at.shop.ship("ord-2-f1", key="s-2")
    at.shop.deliver()
    assert not [id_ for id_ in till.asked if "ord-2-capture" in id_], "nobody pays twice"


def test_a_later_revision_that_says_authorized_lets_the_gateway_take_it_with_the_shipment() -> None:
    till = Till()
    at = up_to("accepted", stock=9, gateway=till)
    at.shop.capture("web", draft("2", payment="pending"), key="c-2", id="ord-2")
    assert at.shop.capture("web", draft("2", payment="authorized", revision=2), key="c-2b").state == "accepted"
    assert at.shop.payment("ord-2").promised.minor == 3998


def test_what_comes_on_top_of_a_channels_promise_is_asked_of_the_gateway_alone() -> None:
    till = Till(partial_void=False)
    at = up_to("accepted", stock=9, gateway=till)
    at.shop.capture("web", draft("2", payment="authorized"), key="c-2", id="ord-2")
    more = draft("2", payment="authorized", revision=2)
    more = evolve(more, lines=(evolve(more.lines[0], units=3),))
    assert [hold.code for hold in at.shop.capture("web", more, key="c-2b").holds] == ["payment"]
    at.shop.deliver()
    at.shop.deliver()
    assert at.shop.order("ord-2").state == "accepted"
    assert at.shop.payment("ord-2").promised.minor == 5997
    assert [n for id_, n in till.asked.items() if "ord-2" in id_] == [1999], "the channel's own promise is left alone"


def test_a_channel_that_says_paid_has_taken_what_it_had_promised() -> None:
    profile = ChannelProfile(payment_gate="captured", capture_method="at_order")
    at = up_to("accepted", stock=9, profiles={"web": profile})
    order = at.shop.capture("web", draft("2", payment="authorized"), key="c-2", id="ord-2")
    assert [hold.code for hold in order.holds] == ["payment"]
    assert at.shop.capture("web", draft("2", payment="paid", revision=2), key="c-2b").state == "accepted"
    payment = at.shop.payment("ord-2")
    assert (payment.captured.minor, payment.promised.minor, payment.total("void").minor) == (3998, 0, 0)


@pytest.mark.parametrize("first", ["authorized", "paid"])
def test_where_no_gateway_is_a_channel_that_says_paid_has_all_that_is_owed(first: str) -> None:
    at = up_to("accepted", stock=9)
    at.shop.capture("web", draft("2", payment=first), key="c-2", id="ord-2")
    more = draft("2", payment="paid", revision=2)
    for revision, units in ((2, 3), (3, 3), (4, 4)):
        more = evolve(more, revision=revision, lines=(evolve(more.lines[0], units=units),))
        at.shop.capture("web", more, key=f"c-2-{revision}")
        assert at.shop.payment("ord-2").captured.minor == 1999 * units


def revised(at: Walk, revision: int, units: int = 2, **says: Any) -> oms.Order:
    """What becomes of ord-2 when its channel says more of it."""
    later = draft("2", revision=revision, **says)
    later = evolve(later, lines=(evolve(later.lines[0], units=units),))
    return at.shop.capture("web", later, key=f"c-2-{revision}", id="ord-2")


def said_of_money(at: Walk) -> list[tuple[str, str]]:
    return [(i.owner, i.text) for i in at.shop.exceptions() if i.kind == "mismatch"]


@pytest.mark.parametrize("extra", [{}, {"refunded": "39.98"}])
@pytest.mark.parametrize("said", ["voided", "refunded"])
def test_a_channel_that_gave_its_own_money_back_stops_the_order_for_a_person(said: str, extra: dict[str, str]) -> None:
    till, books = Till(), Books()
    at = up_to("accepted", stock=9, gateway=till, erp=books)
    assert revised(at, 1, payment="paid").state == "accepted"
    order = revised(at, 2, payment=said, extra=extra)
    assert [(hold.code, hold.owner, hold.on_expiry) for hold in order.holds] == [("payment", "payments", "escalate")]
    assert "web says that the payment was" in order.holds[0].text
    assert at.shop.payment("ord-2").status == "refunded"
    at.shop.deliver()
    assert not till.asked, "the gateway never had that money"
    assert [p.kind for p in books.values() if p.order == "ord-2"] == ["payment", "refund"]
    at.shop.release("ord-2", "payment", key="all-the-same")
    assert not revised(at, 3, payment=said, extra=extra).holds, "what was said before is no news"
    assert at.shop.payment("ord-2").refunded.minor == 3998
    assert not said_of_money(at)


@pytest.mark.parametrize("extra", [{}, {"refunded": "19.99"}])
def test_what_a_channel_gave_back_for_fewer_units_is_not_to_be_given_back_again(extra: dict[str, str]) -> None:
    at = up_to("accepted", stock=9, gateway=Till())
    revised(at, 1, payment="paid")
    order = revised(at, 2, units=1, payment="partially_refunded", extra=extra)
    assert (order.state, order.holds, order.totals.cancelled) == ("accepted", (), 1)
    assert at.shop.payment("ord-2").refunded.minor == 1999
    assert not [due for due in at.shop.obligations("ord-2") if due.what == "refund"]
    revised(at, 3, units=1, payment="partially_refunded", extra=extra)
    assert at.shop.payment("ord-2").refunded.minor == 1999
    assert not said_of_money(at)


def test_what_a_channel_gave_back_of_the_price_is_owed_no_more() -> None:
    till = Till()
    at = up_to("accepted", stock=9, gateway=till)
    revised(at, 1, payment="paid")
    assert not revised(at, 2, payment="partially_refunded", extra={"refunded": "5.00"}).holds
    at.shop.route()
    at.shop.ship("ord-2-f1", key="s-2")
    revised(at, 3, payment="refunded", extra={"refunded": "39.98"})
    at.shop.deliver()
    payment = at.shop.payment("ord-2")
    assert (payment.status, payment.refunded.minor) == ("refunded", 3998)
    assert not till.asked, "what has left and was given back is not asked for again"
    assert at.shop.order("ord-2").holds == (), "nothing is left to wait"


def test_a_promise_that_a_channel_let_go_is_good_again_when_it_says_so() -> None:
    at = up_to("accepted", stock=9)
    revised(at, 1, payment="authorized")
    assert [hold.code for hold in revised(at, 2, payment="voided").holds] == ["payment"]
    assert at.shop.payment("ord-2").promised.minor == 0
    assert revised(at, 3, payment="paid").holds == ()
    assert at.shop.payment("ord-2").captured.minor == 3998


@pytest.mark.parametrize("said", ["voided", "refunded", "partially_refunded"])
def test_a_channel_that_speaks_of_money_it_never_had_is_brought_before_a_person(said: str) -> None:
    at = up_to("accepted", stock=9, gateway=Till())
    revised(at, 1, payment="pending")
    at.shop.deliver()
    revised(at, 2, payment=said)
    assert at.shop.payment("ord-2").promised.minor == 3998, "the gateway's promise stands"
    ((owner, text),) = said_of_money(at)
    assert owner == "payments"
    assert "0.00 EUR taken and 39.98 EUR promised are not its own" in text
    assert at.shop.order("ord-2").state == "accepted"


def test_what_a_gateway_took_of_a_channels_promise_is_the_channels_to_give_back() -> None:
    till = Till()
    at = up_to("accepted", stock=9, gateway=till)
    revised(at, 1, payment="authorized")
    at.shop.route()
    at.shop.ship("ord-2-f1", key="s-2")
    at.shop.deliver()
    assert at.shop.payment("ord-2").captured.minor == 3998
    asked = dict(till.asked)
    revised(at, 2, payment="partially_refunded", extra={"refunded": "10.00"})
    at.shop.deliver()
    assert at.shop.payment("ord-2").refunded.minor == 1000
    assert till.asked == asked
    assert not said_of_money(at)


def test_more_than_a_channel_took_cannot_be_given_back_by_it() -> None:
    at = up_to("accepted", stock=9)
    revised(at, 1, payment="paid")
    revised(at, 2, payment="partially_refunded", extra={"refunded": "50.00"})
    assert at.shop.payment("ord-2").refunded.minor == 3998
    assert [text for _, text in said_of_money(at)] == [
        "web says that the payment was given back in part: that is 10.02 EUR more than it is known to have taken"
    ]


def test_a_part_without_a_figure_is_asked_after() -> None:
    at = up_to("accepted", stock=9)
    revised(at, 1, payment="paid")
    revised(at, 2, payment="partially_refunded")
    assert at.shop.payment("ord-2").refunded.minor == 0
    assert "does not say how much" in said_of_money(at)[0][1]


def test_an_order_on_terms_of_a_customer_without_credit_waits_for_a_person() -> None:
    at = up_to("accepted", stock=50)
    order = at.shop.capture("web", draft("2", payment="terms"), key="c-2", id="ord-2")
    assert [(hold.code, hold.owner) for hold in order.holds] == [("credit", "credit")]
    assert "credit.no_account" in order.holds[0].text
    with pytest.raises(oms.CommandRefused, match=r"credit\.no_account"):
        at.shop.edit("ord-2", [one_more()], key="e-1")
    assert at.shop.edit("ord-2", [Reduce("1", 1)], key="e-2").totals.cancelled == 1, "less is always possible"
    at.shop.set_credit("c-17", oms.Money(5000, EUR), key="t-1")
    assert at.shop.release("ord-2", "credit", key="r-1").state == "accepted"
    assert at.shop.credit("c-17").exposure.minor == 1999


def test_goods_that_come_back_are_worth_something_until_they_are_scrapped() -> None:
    books = Books()
    at = up_to("delivered", erp=books, costs={"SKU-1": oms.Money(1000, EUR)})
    back = at.shop.open_return("ord-1", {"1": 2}, key="r-1")
    at.shop.receive_return(back.id, {"1": 2}, disposition="quarantine", key="r-2")
    at.shop.inspect_return(back.id, {"1": 1}, disposition="scrap", key="i-1")
    at.shop.deliver()
    assert books.balance("inventory") == -1000
    assert books.balance("losses") == 1000
    assert books.balance("cost_of_sales") == 0


def test_an_order_that_waited_in_vain_gets_its_money_back() -> None:
    till = Till()
    park = r.Policy(
        "park",
        (r.Route("all", (r.Rule("one", require=(r.within_km(1),)),)),),
        otherwise=r.park("later", days=1, then="cancel"),
    )
    host, clock = shop(till, routing=park)
    order = host.capture("web", draft("2"), key="c-2")
    host.route()
    clock.advance(days=1)
    host.route()
    host.deliver()
    assert host.order(order.id).state == "cancelled"
    assert host.payment(order.id).refunded.minor == 3998


@pytest.mark.parametrize(("cancelled", "left"), [(1, 1999), (0, 1999)])
def test_what_a_channel_gave_back_already_is_not_given_back_twice(cancelled: int, left: int) -> None:
    at = up_to("accepted", stock=9, gateway=Till())
    line = evolve(draft().lines[0], cancelled=cancelled)
    wish = draft("2", lines=(line,), payment="partially_refunded", extra={"refunded": "19.99"})
    order = at.shop.capture("web", wish, key="c-2")
    assert order.state == "accepted"
    payment = at.shop.payment(order.id)
    assert (payment.captured.minor, payment.refunded.minor, payment.kept.minor) == (3998, 1999, left)
    with pytest.raises(oms.CommandRefused, match=r"19\.99 EUR is left"):
        at.shop.refund(order.id, oms.Money(2000, EUR), key="r-1")
    with pytest.raises(oms.CommandRefused, match="nothing of what was captured"):
        at.shop.refund(order.id, key="r-2")


def test_the_payment_log_folds_to_the_payment() -> None:
    from omscore.payments import fold

    till = Till()
    host, _ = shop(till)
    order = host.capture("web", draft("2", payment="pending"), key="c-2")
    host.deliver()
    host.cancel(order.id, {"1": 1}, key="x")
    host.deliver()
    logged = host._store.run(lambda txn: txn.events("payment", order.id))
    payment = host.payment(order.id)
    assert fold(row.event for row in logged).rows == payment.rows
