"""A shop that embeds omscore: its own carrier, notices and gateway, one file for the books, and a day of orders."""

# %%
from contextlib import closing
from datetime import UTC, datetime

import omscore as oms
from omscore import batching
from omscore.adapters import JsonChannel, SqliteStore, TableCarrier
from omscore.ports import Effect, GatewayAbilities, PaymentAnswer, PaymentRequest
from omscore.render import text_table

NETWORK = oms.Network(
    [
        oms.Node("ghent", country="BE", point=oms.GeoPoint(51.05, 3.72)),
        oms.Node("lille", country="FR", point=oms.GeoPoint(50.63, 3.06), ships_to={"BE"}),
    ]
)


# %% [markdown]
# The ports: small classes of the host. A gateway must give the same answer when it is asked the same thing again.


# %%
class Bank:
    """Says yes to everything; a real one calls a provider, with `request.id` as its idempotency key."""

    abilities = GatewayAbilities(multi_capture=True, partial_void=True)

    def __init__(self) -> None:
        self.answers: dict[str, PaymentAnswer] = {}

    def authorize(self, request: PaymentRequest) -> PaymentAnswer:
        return self.answers.setdefault(request.id, PaymentAnswer(True, f"bank-{len(self.answers) + 1}"))

    capture = void = refund = authorize


class Mail:
    """Collects what customers would be told."""

    def __init__(self) -> None:
        self.sent: dict[str, str] = {}

    def notify(self, effect: Effect) -> None:
        self.sent[effect.id] = effect.topic  # by id: an effect may come twice


# %%
CLOCK = oms.ManualClock(datetime(2026, 3, 2, 8, tzinfo=UTC))
MAIL = Mail()


def open_shop(store: SqliteStore) -> oms.Oms:
    """Everything is wired here, once."""
    return oms.Oms(
        store=store,
        network=NETWORK,
        carriers=(TableCarrier.flat("post", cost_minor=495, currency="EUR"),),
        channels=(JsonChannel("web"),),
        gateway=Bank(),
        notifier=MAIL,
    )


def checkout(number: int, item: str, units: int) -> dict[str, object]:
    """What the shop's front end sends."""
    return {
        "external_id": f"{1000 + number}",
        "currency": "EUR",
        "payment": "pending",
        "placed_at": CLOCK.now().isoformat(),
        "ship_to": {"country": "BE", "postcode": "9000", "latitude": 51.05, "longitude": 3.72},
        "lines": [{"item": item, "units": units, "unit_price": "19.99"}],
    }


# %% [markdown]
# The day: goods come in, orders come in (one of them twice), a customer cancels, the floor works, one thing comes back.


# %%
def a_day(shop: oms.Oms) -> None:
    shop.receive("ghent", {"lamp": 6, "vase": 1}, key="dock-1")
    shop.receive("lille", {"lamp": 4, "vase": 4}, key="dock-2")

    wishes = [("lamp", 2), ("vase", 2), ("lamp", 1), ("vase", 1), ("lamp", 9)]
    orders = [
        shop.capture("web", checkout(n, item, units), key=f"checkout-{n}") for n, (item, units) in enumerate(wishes)
    ]
    again = shop.capture(
        "web", checkout(0, *wishes[0]), key="checkout-0"
    )  # the front end lost the answer and asks again
    print("asked twice, one order:", again.id == orders[0].id)

    shop.deliver()  # the bank authorizes
    shop.cancel(orders[2].id, why="changed their mind", key="cancel-2")
    shop.route()
    for node in ("ghent", "lille"):
        for batch in shop.plan_batches(node, batching.Limits(orders_max=4)):
            print(f"\n{batch.pick_list()}")

    CLOCK.advance(hours=3)
    for order in orders:
        for fulfillment in shop.fulfillments(order.id):
            if fulfillment.state == "open":
                shipment = shop.ship(fulfillment.id, key=f"ship-{fulfillment.id}")
                shop.deliver()  # the label is bought, the money is taken
                shop.track(shipment.id, "delivered", key=f"scan-{shipment.id}")
    shop.deliver()

    back = shop.open_return(orders[0].id, {"lamp": 1}, why="too bright", key="return-0")
    shop.receive_return(back.id, {"1": 1}, key="return-0-in")
    shop.deliver()

    rows = [
        (order.id, repr(shop.order(order.id)).partition(": ")[2].rstrip(">"), shop.payment(order.id).status)
        for order in orders
    ]
    print(f"\n{text_table(['order', 'units', 'payment'], rows)}")
    print("\nlamps left:", shop.available("lamp"), " notices sent:", len(MAIL.sent))


# %%
def main() -> None:
    with closing(SqliteStore("webshop.db", clock=CLOCK)) as store:
        a_day(open_shop(store))


if __name__ == "__main__":
    main()
