"""Money follows the goods: promised before they are worked on, taken as they leave, given back on its own account."""

from datetime import timedelta
from typing import Any

import pytest

import omscore as oms
from omscore import routing as r
from omscore.oversight import ChannelProfile
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
