"""One order goes the whole way on every store, and what was stored reads back as what was done."""

from datetime import UTC, datetime

import omscore as oms
from omscore import routing as r
from omscore.adapters import JsonChannel, TableCarrier
from omscore.orders import fold
from omscore.ports import Store

PAYLOAD = {
    "external_id": "1001",
    "currency": "EUR",
    "placed_at": "2026-03-02T09:00:00Z",
    "payment": "paid",
    "ship_to": {"country": "BE", "postcode": "9000", "latitude": 51.05, "longitude": 3.72},
    "lines": [{"item": "SKU-1", "units": 2, "unit_price": "19.99"}],
}


def shop(store: Store) -> oms.Oms:
    return oms.Oms(
        store=store,
        network=oms.Network([oms.Node("ghent", point=oms.GeoPoint(51.05, 3.72), country="BE")]),
        routing=r.Policy(
            "near",
            routes=(r.Route("all", rules=(r.Rule("one", require=(r.whole_order(),), prefer=(r.nearest(),)),)),),
            otherwise=r.park("needs a person"),
        ),
        channels=(JsonChannel("web"),),
        carriers=(TableCarrier.flat("post", cost_minor=495, currency="EUR"),),
    )


def test_an_order_goes_from_capture_to_delivery(store: Store) -> None:
    host = shop(store)
    host.receive("ghent", {"SKU-1": 5}, key="dock-1")
    order = host.capture("web", PAYLOAD, key="c-1", id="ord-1")
    assert host.capture("web", PAYLOAD, key="c-1", id="ord-1") == order
    assert host.route()[0].nodes == ("ghent",)
    (fulfillment,) = host.fulfillments("ord-1")
    host.pick(fulfillment.id, key="p-1")
    host.pack(fulfillment.id, key="k-1")
    shipment = host.ship(fulfillment.id, key="s-1")
    assert host.deliver()["parked"] == 0
    (number,) = host.shipment(shipment.id).tracking
    host.track(number, "delivered", key="t-1")
    done = host.order("ord-1")
    assert sum(units.delivered for units in done.units.values()) == 2
    events = [logged.event for logged in host.history("ord-1")]
    assert fold(events) == done
    assert datetime(2026, 3, 2, 9, tzinfo=UTC) == host.history("ord-1")[0].recorded_at
