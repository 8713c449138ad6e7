"""Scenarios of the whole life of an order, through the public API."""

from datetime import timedelta

import pytest
from attrs import evolve
from tests.app.gateways import Till

import omscore as oms
from omscore.orders import AddLine, MoveUnits, Reduce, Units, apply, decide
from omscore.oversight import ChannelProfile
from omscore.testing.walkthrough import MONDAY, draft, up_to

EUR = "EUR"
TEN = MONDAY + timedelta(hours=1)


def _moved(order: oms.Order, *steps: tuple[str, int]) -> oms.Order:
    for verb, n in steps:
        for event in decide(order, MoveUnits(verb, {"1": n}), MONDAY):
            order = apply(order, event)
    return order


def _of(units: int, *, price: int = 1000) -> oms.Draft:
    return draft(lines=(oms.DraftLine("1", "SKU-1", units, oms.Money(price, EUR)),))


def _shop(stock: int = 10, **ports: object) -> tuple[oms.Oms, oms.ManualClock]:
    clock = oms.ManualClock(MONDAY)
    host = oms.Oms(store=oms.MemoryStore(clock), network=oms.Network([oms.Node("ghent")]), **ports)  # type: ignore[arg-type]
    if stock:
        host.receive("ghent", {"SKU-1": stock}, key="dock")
    return host, clock


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ((), "unfulfilled"),
        ((("allocate", 5), ("pick", 5), ("pack", 5)), "unfulfilled"),
        ((("allocate", 3), ("pick", 3), ("pack", 3), ("ship", 3)), "partly_shipped"),
        ((("allocate", 5), ("pick", 5), ("pack", 5), ("ship", 5)), "shipped"),
        (
            (
                *((verb, 5) for verb in ("allocate", "pick", "pack", "ship")),
                ("expect_return", 1),
                ("receive_return", 1),
            ),
            "partly_returned",
        ),
        (
            (
                *((verb, 5) for verb in ("allocate", "pick", "pack", "ship")),
                ("expect_return", 5),
                ("receive_return", 5),
            ),
            "returned",
        ),
    ],
)
def test_scenario_44_the_headline_follows_the_units(steps: tuple[tuple[str, int], ...], status: str) -> None:
    host, _ = _shop()
    order = host.capture("web", _of(5), key="c")
    assert _moved(order, *steps).fulfillment_status == status


def test_scenario_45_reducing_takes_what_waits_first_and_never_what_has_shipped() -> None:
    host, _ = _shop(stock=2)
    order = host.capture("web", _of(3), key="c")
    host.route()
    assert (order.totals.reserved, order.totals.backordered) == (2, 1)
    assert host.edit(order.id, [Reduce("1", 1)], key="e-1").totals.backordered == 0
    assert host.available("SKU-1") == {"ghent": 0}
    full, _ = _shop(stock=3)
    whole = full.capture("web", _of(3), key="c")
    full.edit(whole.id, [Reduce("1", 1)], key="e-1")
    assert full.available("SKU-1") == {"ghent": 1}
    host, _ = _shop(stock=1)
    order = host.capture("web", _of(2), key="c")
    host.route()
    host.ship(host.fulfillments(order.id)[0].id, key="s")
    after = host.cancel(order.id, key="x")
    assert after.units["1"] == Units(shipped=1, cancelled=1)


def test_scenario_46_units_that_will_not_come_leave_the_total() -> None:
    host, _ = _shop(stock=0)
    order = host.capture("web", _of(4), key="c")
    assert host.due(order.id).minor == 4000
    host.cancel(order.id, {"1": 1}, why="short", key="x-1")
    assert host.due(order.id).minor == 3000
    host.cancel(order.id, {"1": 3}, why="short", key="x-2")
    assert host.due(order.id).minor == 0
    assert host.order(order.id).totals.cancelled == 4
    assert type(host.history(order.id)[-1].event).__name__ == "Cancelled"


def test_scenario_47_two_of_two_may_return_and_a_third_may_not() -> None:
    at = up_to("shipped")
    with pytest.raises(oms.CommandRefused):
        at.shop.open_return(at.order.id, {"SKU-1": 3}, key="r-1")
    back = at.shop.open_return(at.order.id, {"SKU-1": 2}, key="r-2")
    at.shop.receive_return(back.id, disposition="scrap", key="r-3")
    assert at.shop.available("SKU-1") == {"ghent": 3}


def test_scenario_47_captured_money_or_packed_goods_stop_the_cancellation_of_the_whole() -> None:
    paid = up_to("accepted", gateway=Till())
    with pytest.raises(oms.CommandRefused, match="captured"):
        paid.shop.cancel(paid.order.id, key="x")
    packed = up_to("packed")
    with pytest.raises(oms.CommandRefused, match="no unit can be cancelled"):
        packed.shop.cancel(packed.order.id, key="x")
    shipped = up_to("shipped")
    with pytest.raises(oms.CommandRefused):
        shipped.shop.edit(shipped.order.id, [Reduce("1", 1)], key="e")


@pytest.mark.parametrize(
    ("payment", "state"), [("pending", "cancelled"), ("paid", "accepted"), ("refunded", "captured")]
)
def test_scenario_48_what_is_unpaid_for_six_days_is_cancelled_and_nothing_else(payment: str, state: str) -> None:
    host, clock = _shop(profiles={"web": ChannelProfile(unpaid_max=timedelta(days=6))})
    order = host.capture("web", draft(payment=payment), key="c")
    clock.advance(days=5, hours=23)
    host.tick()
    assert host.order(order.id).state != "cancelled"
    clock.advance(hours=1)
    host.tick()
    assert host.order(order.id).state == state
    assert host.available("SKU-1") == {"ghent": 10 if state == "cancelled" else 8}


def test_scenario_48_what_is_paid_is_not_cancelled_because_more_was_ordered_and_not_paid() -> None:
    till = Till()
    till.declines = {"authorize"}
    host, clock = _shop(gateway=till, profiles={"web": ChannelProfile(unpaid_max=timedelta(days=6))})
    order = host.capture("web", draft(), key="c")
    host.edit(order.id, [AddLine(oms.DraftLine("2", "SKU-1", 1, oms.Money(500, "EUR")))], key="e")
    clock.advance(days=7)
    host.tick()
    assert [hold.code for hold in host.order(order.id).holds] == ["payment"]
    assert host.order(order.id).totals.reserved == 3


def test_scenario_49_what_was_shipped_left_once_and_a_late_cancel_adds_nothing() -> None:
    host, _ = _shop(stock=100)
    order = host.capture("web", _of(5), key="c")
    host.route()
    host.ship(host.fulfillments(order.id)[0].id, key="s")
    assert host.available("SKU-1") == {"ghent": 95}
    with pytest.raises(oms.CommandRefused):
        host.cancel(order.id, key="x")
    assert host.available("SKU-1") == {"ghent": 95}


def test_scenario_50_cancelling_twice_or_deleting_after_a_refund_moves_stock_once() -> None:
    at = up_to("allocated", gateway=Till())
    for _ in range(2):
        at.shop.cancel(at.order.id, {"1": 2}, refund=True, key="x-1")
        assert at.shop.available("SKU-1") == {"ghent": 5}
    with pytest.raises(oms.OmsError):
        at.shop.cancel(at.order.id, {"1": 2}, key="x-2")
    with pytest.raises(oms.OmsError):
        at.shop.edit(at.order.id, [Reduce("1", 2)], key="e-1")
    assert at.shop.available("SKU-1") == {"ghent": 5}
    assert at.shop.payment(at.order.id).total("refund", "asked", "done").minor == 3998


def test_scenario_51_who_left_the_payment_page_and_comes_back_may_still_buy_the_last_unit() -> None:
    till = Till()
    till.declines = {"authorize"}
    host, _ = _shop(stock=1, gateway=till)
    wish = evolve(_of(1), payment="pending")
    order = host.capture("web", wish, key="c")
    host.deliver()
    assert host.available("SKU-1") == {"ghent": 0}
    assert host.capture("web", wish, key="back again").id == order.id
    till.declines = set()
    host.authorize(order.id, key="pay again")
    host.deliver()
    assert host.route()[0].outcome == "assigned"


def test_scenario_57_one_order_for_one_event_and_seven_notices_in_time() -> None:
    clock = oms.ManualClock(TEN)
    host = oms.Oms(store=oms.MemoryStore(clock), network=oms.Network([oms.Node("ghent")]))
    host.receive("ghent", {"SKU-1": 10}, key="dock")
    order = host.capture("web", draft(placed_at=TEN), key="hook-1")
    assert host.capture("web", draft(placed_at=TEN), key="hook-2").id == order.id
    with pytest.raises(oms.ContentConflict) as caught:
        host.capture("web", draft(placed_at=TEN, note="another wish"), key="hook-3")
    assert [incident.kind for incident in host.exceptions()] == ["conflict"]
    host.resolve_conflict(caught.value.conflict, take="first", key="d-1")
    due = [notice.due_at for notice in host.notices(order.id)]
    assert [at.strftime("%H:%M") for at in due] == ["10:02", "10:05", "10:15", "10:30", "12:00", "14:00", "10:00"]
    assert due[-1].date() == (TEN + timedelta(days=1)).date()
    host.route()
    clock.set(TEN + timedelta(hours=2))
    assert host.exceptions() == []
    clock.advance(seconds=1)
    assert [incident.kind for incident in host.exceptions()] == ["stuck"]
