"""Nothing that is logged, shown or raised tells a customer's name or address, however the ports misbehave."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import omscore as oms
from omscore import ports as ports_module
from omscore import shipping
from omscore.adapters import MemoryWms
from omscore.codec import values_of
from omscore.errors import CarrierRejected
from omscore.kernel import Address
from omscore.orders import SetAddress
from omscore.ports import Label, LabelRequest, PaymentAnswer, PaymentRequest
from omscore.testing.walkthrough import draft, up_to
from tests.app.carriers import Truck
from tests.app.gateways import Till

SECRETS = ("Zephyrine", "Quillfeather", "Gallowmere", "Thistledown", "0471-55", "zq@nowhere")
TO = Address(
    "BE",
    "9000",
    city="Gallowmere",
    lines=("Thistledown 7",),
    name="Zephyrine Quillfeather",
    phone="0471-55",
    email="zq@nowhere.example",
)


class Talkative(Truck):
    def label(self, request: LabelRequest) -> Label:
        where = request.destination
        raise CarrierRejected(f"cannot go to {where.name if where else ''}, {where.lines if where else ''}")


class Shy(Till):
    def authorize(self, request: PaymentRequest) -> PaymentAnswer:
        raise TimeoutError(f"card of {TO.name} of {TO.lines[0]}")


class Desk:
    def notify(self, effect: Any) -> None:
        raise TimeoutError(f"no mail box for {TO.email}")


class Postman:
    def problems(self, address: Address) -> list[str]:
        raise LookupError(f"{address.name} does not live in {address.city}")


class Eyes:
    def __init__(self) -> None:
        self.told: list[str] = []

    def saw(self, what: str, facts: Mapping[str, Any]) -> None:
        self.told.append(f"{what} {dict(facts)!r}")


def said(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def everything(shop: oms.Oms) -> Iterator[str]:
    """What an operator may see in a terminal or a log: records, events, effects and what is read from them."""

    def records(txn: Any) -> list[str]:
        found = [repr(logged) for logged in txn.log()]
        for state in ("waiting", "leased", "done", "parked"):
            found += [repr(effect) for effect, _, _ in txn.outbox(state)]
        return found

    yield from shop._store.run(records, write=False)
    for name in ("accepted", "captured", "rejected", "cancelled", "closed"):
        for order in shop.orders(name):
            yield repr(order)
            yield repr(order.draft)
            yield repr(shop.history(order.id))
            yield repr(shop.fulfillments(order.id))
            yield repr(shop.obligations(order.id))
            yield repr(shop.notices(order.id))
            yield shop.explain(order.id)
            yield repr(shop.findings(order.id))
    yield repr(shop.exceptions())
    yield repr(shop.kpis())


@pytest.mark.parametrize("payment", ["paid", "pending"])
def test_a_life_with_ports_that_shout_names_shows_none(payment: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="omscore")
    eyes = Eyes()
    parts: dict[str, Any] = {"observer": eyes, "notifier": Desk(), "carriers": (Talkative(),), "verifier": Postman()}
    at = up_to("accepted", stock=50, gateway=Shy(), wms={"ghent": MemoryWms()}, **parts)
    shop = at.shop
    wish = draft("2", ship_to=TO, bill_to=TO, payment=payment, note=f"ring {TO.name}")
    order = shop.capture("web", wish, key="c-2")
    shop.capture("web", draft("3", ship_to=None, bill_to=TO), key="c-3")
    for hold in order.holds:
        shop.release(order.id, hold.code, key=f"r-{hold.code}")
    shop.edit(order.id, [SetAddress(TO)], key="e-1")
    shop.route()
    for fulfillment in shop.fulfillments(order.id):
        shop.pick_list(fulfillment.id)
        shop.ship(fulfillment.id, key=f"s-{fulfillment.id}")
    for _ in range(12):
        shop.deliver()
        shop.tick()
        at.clock.advance(minutes=31)
    shown = [*everything(shop), *eyes.told, *(record.getMessage() for record in caplog.records)]
    assert any("CarrierRejected" in text for text in shown)
    assert [(text[:200], names) for text in shown if (names := said(text))] == []


def test_every_value_that_holds_an_address_shows_no_more_than_country_region_and_postcode() -> None:
    wish = draft("2", ship_to=TO, bill_to=TO, note=TO.name, gift_message=TO.name)
    request = LabelRequest("s-1", "ghent", TO, "standard", ())
    assert said(f"{wish!r} {request!r} {SetAddress(TO)!r} {TO!r}") == []
    kinds = {*values_of(ports_module), *values_of(shipping)}
    assert LabelRequest in kinds
