"""One order goes the whole way, and every command is harmless to repeat."""

from datetime import UTC, datetime, timedelta

import pytest

import omscore as oms
from omscore import batching
from omscore import routing as r
from omscore.adapters import JsonChannel, TableCarrier

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
NETWORK = oms.Network(
    [
        oms.Node("ghent", point=oms.GeoPoint(51.05, 3.72), country="BE"),
        oms.Node("lille", point=oms.GeoPoint(50.63, 3.06), country="FR"),
    ]
)
ONE_STOP = r.Policy(
    "one stop, else two",
    routes=(
        r.Route(
            "all",
            rules=(
                r.Rule("one stop", require=(r.whole_order(),), prefer=(r.nearest(),)),
                r.Rule("two stops", require=(r.has_stock(),), prefer=(r.fewest_splits(), r.nearest()), stops_max=2),
            ),
        ),
    ),
    otherwise=r.park("needs a person"),
)


class Notes:
    def __init__(self) -> None:
        self.topics: list[str] = []

    def notify(self, effect: object) -> None:
        self.topics.append(effect.topic)  # type: ignore[attr-defined]


def shop(clock: oms.ManualClock | None = None, **more: object) -> oms.Oms:
    return oms.Oms(
        store=oms.MemoryStore(clock or oms.ManualClock(MONDAY)),
        network=NETWORK,
        routing=ONE_STOP,
        channels=(JsonChannel("web"),),
        carriers=(TableCarrier.flat("post", cost_minor=495, currency="EUR"),),
        **more,  # type: ignore[arg-type]
    )


def payload(number: str = "1001", units: dict[str, int] | None = None) -> dict[str, object]:
    wanted = units or {"SKU-1": 2}
    return {
        "external_id": number,
        "currency": "EUR",
        "placed_at": "2026-03-02T09:00:00Z",
        "payment": "paid",
        "ship_to": {"country": "BE", "postcode": "9000", "latitude": 51.05, "longitude": 3.72},
        "lines": [{"item": item, "units": n, "unit_price": "19.99"} for item, n in wanted.items()],
    }


def test_an_order_goes_from_capture_to_return() -> None:
    notes = Notes()
    host = shop(notifier=notes)
    host.receive("ghent", {"SKU-1": 5}, key="dock-1")
    order = host.capture("web", payload(), key="c-1", id="ord-1")
    assert repr(order) == "<Order ord-1 accepted: reserved 2>"
    assert host.route()[0].nodes == ("ghent",)
    (fulfillment,) = host.fulfillments("ord-1")
    plan = host.plan_batches("ghent", batching.Limits(orders_max=4))
    assert [batch.orders for batch in plan.batches] == [(fulfillment.id,)]
    host.pick(fulfillment.id, key="p-1")
    host.pack(fulfillment.id, key="k-1")
    shipment = host.ship(fulfillment.id, key="s-1")
    assert host.deliver()["parked"] == 0
    assert host.shipment(shipment.id).tracking == ("post-ord-1-f1-s1-1",)
    host.track("post-ord-1-f1-s1-1", "delivered", key="t-1")
    assert host.order("ord-1").state == "closed"
    back = host.open_return("ord-1", {"SKU-1": 1}, why="too small", key="r-1")
    host.receive_return(back.id, key="r-2")
    assert repr(host.order("ord-1")) == "<Order ord-1 closed: delivered 1, returned 1>"
    assert host.available("SKU-1") == {"ghent": 4}
    assert notes.topics == [
        "notify.confirmed",
        "notify.paid",
        "notify.routed",
        "notify.picking",
        "notify.shipped",
    ]
    host.deliver()
    assert notes.topics[-1] == "notify.delivered"


def test_a_command_repeated_gives_the_first_answer_and_moves_nothing() -> None:
    host = shop()
    host.receive("ghent", {"SKU-1": 5}, key="dock-1")
    host.receive("ghent", {"SKU-1": 5}, key="dock-1")
    assert host.available("SKU-1") == {"ghent": 5}
    first = host.capture("web", payload(), key="c-1")
    again = host.capture("web", payload(), key="c-1")
    twin = host.capture("web", payload(), key="another key, the same order")
    assert first.id == again.id == twin.id
    assert host.available("SKU-1") == {"ghent": 3}
    with pytest.raises(oms.KeyReused):
        host.capture("web", payload(units={"SKU-1": 1}), key="c-1")
    with pytest.raises(oms.KeyReused, match="web/1001/1"):
        host.capture("web", payload(units={"SKU-1": 1}), key="other content under the channel's id")
    host.route()
    (fulfillment,) = host.fulfillments(first.id)
    for _ in range(2):
        host.ship(fulfillment.id, key="s-1")
    assert host.order(first.id).totals.shipped == 2


def test_what_is_short_is_backordered_and_filled_oldest_first() -> None:
    clock = oms.ManualClock(MONDAY)
    host = shop(clock)
    host.receive("ghent", {"SKU-1": 3}, key="dock-1")
    for n, units in enumerate((2, 2, 2), 1):
        clock.advance(minutes=1)
        host.capture("web", payload(str(n), {"SKU-1": units}), key=f"c-{n}", id=f"ord-{n}")
    assert [host.order(f"ord-{n}").totals.backordered for n in (1, 2, 3)] == [0, 1, 2]
    host.route()
    assert host.receive("lille", {"SKU-1": 2}, key="dock-2") == ["ord-2", "ord-3"]
    assert [host.order(f"ord-{n}").totals.backordered for n in (1, 2, 3)] == [0, 0, 1]
    assert {routed.order: routed.outcome for routed in host.route()} == {"ord-2": "assigned", "ord-3": "assigned"}


def test_cancelling_frees_stock_at_once_and_only_what_was_asked() -> None:
    host = shop()
    host.receive("ghent", {"SKU-1": 5, "SKU-2": 5}, key="dock-1")
    order = host.capture("web", payload(units={"SKU-1": 2, "SKU-2": 1}), key="c-1")
    host.route()
    host.cancel(order.id, {"1": 1}, why="changed their mind", key="x-1")
    host.cancel(order.id, {"1": 1}, why="changed their mind", key="x-1")
    assert host.available("SKU-1") == {"ghent": 4}
    assert host.available("SKU-2") == {"ghent": 4}
    host.cancel(order.id, key="x-2")
    assert host.order(order.id).state == "cancelled"
    assert host.available("SKU-1") == {"ghent": 5}
    assert [f.state for f in host.fulfillments(order.id)] == ["cancelled"]


def test_a_shipped_unit_cannot_be_cancelled() -> None:
    host = shop()
    host.receive("ghent", {"SKU-1": 5}, key="dock-1")
    order = host.capture("web", payload(), key="c-1")
    host.route()
    host.ship(host.fulfillments(order.id)[0].id, key="s-1")
    with pytest.raises(oms.CommandRefused, match="no unit can be cancelled any more"):
        host.cancel(order.id, key="x-1")
    assert host.available("SKU-1") == {"ghent": 3}


def test_a_short_pick_mends_the_figure_and_routes_the_rest_elsewhere() -> None:
    host = shop()
    host.receive("ghent", {"SKU-1": 5}, key="dock-1")
    host.receive("lille", {"SKU-1": 5}, key="dock-2")
    order = host.capture("web", payload(), key="c-1")
    host.route()
    (fulfillment,) = host.fulfillments(order.id)
    host.short_pick(fulfillment.id, {"1": 1}, key="short-1")
    assert host.route()[0].nodes == ("lille",)
    assert [(f.node, f.units) for f in host.fulfillments(order.id)] == [("ghent", 1), ("lille", 1)]
    assert host.available("SKU-1") == {"ghent": 3, "lille": 4}


def test_an_order_that_is_not_paid_is_held_and_goes_on_when_it_is() -> None:
    host = shop()
    host.receive("ghent", {"SKU-1": 5}, key="dock-1")
    order = host.capture("web", payload() | {"payment": "pending"}, key="c-1")
    assert [hold.code for hold in order.holds] == ["payment"]
    assert host.route() == []
    assert host.release(order.id, "payment", key="paid-1").state == "accepted"
    assert host.route()[0].outcome == "assigned"


def test_a_hold_past_its_deadline_takes_the_way_out_it_names() -> None:
    clock = oms.ManualClock(MONDAY)
    host = shop(clock)
    host.receive("ghent", {"SKU-1": 5}, key="dock-1")
    order = host.capture("web", payload(), key="c-1")
    host.hold(order.id, oms.Hold("fraud", "risk", MONDAY + timedelta(hours=2), on_expiry="cancel"), key="h-1")
    assert host.tick() == {"expired": 0, "released": 0, "cancelled": 0, "renewed": 0}
    clock.advance(hours=2)
    assert host.tick()["cancelled"] == 1
    assert host.available("SKU-1") == {"ghent": 5}


def test_an_order_with_errors_is_rejected_with_every_reason() -> None:
    host = shop(catalog={"SKU-1": oms.Item("SKU-1")})
    bad = payload(units={"SKU-9": 1})
    del bad["ship_to"]
    order = host.capture("web", bad, key="c-1")
    assert order.state == "rejected"
    reasons = host.history(order.id)[-1].event.reasons
    assert [reason.code for reason in reasons] == ["address.missing", "item.unknown"]


def test_what_was_logged_folds_to_what_is_stored() -> None:
    from omscore.orders import fold

    host = shop()
    host.receive("ghent", {"SKU-1": 5}, key="dock-1")
    order = host.capture("web", payload(), key="c-1")
    host.route()
    host.ship(host.fulfillments(order.id)[0].id, key="s-1")
    assert fold(logged.event for logged in host.history(order.id)) == host.order(order.id)


def test_a_carrier_that_fails_is_tried_again_and_ends_in_the_open() -> None:
    class Down:
        name = "down"

        def rates(self, request: object) -> list[object]:
            raise oms.CarrierUnavailable("timed out")

        def label(self, request: object) -> object:
            raise AssertionError

    clock = oms.ManualClock(MONDAY)
    host = oms.Oms(store=oms.MemoryStore(clock), network=NETWORK, carriers=(Down(),))  # type: ignore[arg-type]
    host.receive("ghent", {"SKU-1": 5}, key="dock-1")
    draft = JsonChannel("web").draft(payload())
    order = host.capture("web", draft, key="c-1")
    host.route()
    host.ship(host.fulfillments(order.id)[0].id, key="s-1")
    assert host.deliver() == {"done": 0, "retried": 1, "parked": 0}
    assert host.deliver() == {"done": 0, "retried": 0, "parked": 0}
    for _ in range(10):
        clock.advance(hours=1)
        host.deliver()
    assert host.order(order.id).totals.shipped == 2
