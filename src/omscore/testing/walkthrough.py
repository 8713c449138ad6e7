"""Orders that have come as far as an example or a test needs them, in a shop of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import field, frozen

from omscore.adapters import MemoryStore, TableCarrier
from omscore.app import Oms
from omscore.errors import InvalidValue
from omscore.kernel import Address, ManualClock, Money
from omscore.orders import Customer, Draft, DraftLine, Fulfillment, Order
from omscore.routing import Network, Node
from omscore.shipping import Shipment

STAGES = ("accepted", "allocated", "picked", "packed", "shipped", "delivered")
"""How far an order can be taken, in the order of the flow."""

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""When the walk begins: a Monday at nine."""


@frozen
class Walk:
    """Where a walk has come to: the shop and its clock, the order, and its fulfillment and shipment once there are any.

    >>> up_to("accepted").order
    <Order ord-1 accepted: reserved 2>
    """

    shop: Oms = field(repr=False)
    clock: ManualClock = field(repr=False)
    order: Order
    fulfillment: Fulfillment | None = None
    shipment: Shipment | None = None


def draft(number: str = "1001", **changes: Any) -> Draft:
    """A draft of two units of SKU-1 at 19.99 EUR to Belgium, placed on the Monday; fields may be changed.

    >>> draft(payment="pending").payment
    'pending'
    """
    lines = (DraftLine("1", "SKU-1", 2, Money(1999, "EUR")),)
    facts: dict[str, Any] = {
        "lines": lines,
        "placed_at": MONDAY,
        "ship_to": Address("BE", postcode="9000", city="Ghent", lines=("Korenmarkt 1",), name="A. Person"),
        "customer": Customer("c-17"),
        "payment": "paid",
    }
    return Draft("web", number, "EUR", **(facts | changes))


def up_to(stage: str, *, payment: str = "paid", stock: int = 5, **ports: Any) -> Walk:
    """An order of two units of SKU-1, taken to a stage in a shop with one node; `ports` go to Oms.

    On terms, its customer has a credit of 10,000.00 EUR.

    >>> up_to("accepted", stock=0).order
    <Order ord-1 accepted: backordered 2>
    >>> at = up_to("shipped")
    >>> at.order, at.shipment.status
    (<Order ord-1 accepted: shipped 2>, 'created')
    """
    if stage not in STAGES:
        raise InvalidValue(f"a walk goes up to {', '.join(STAGES)}, not {stage!r}")
    goal = STAGES.index(stage)
    clock = ManualClock(MONDAY)
    parts: dict[str, Any] = {
        "store": MemoryStore(clock),
        "network": Network([Node("ghent")]),
        "carriers": (TableCarrier.flat("post", cost_minor=495, currency="EUR"),),
    } | ports
    shop = Oms(**parts)
    if stock:
        shop.receive("ghent", {"SKU-1": stock}, key="walk-dock")
    if payment == "terms":
        shop.set_credit("c-17", Money(1_000_000, "EUR"), key="walk-credit")
    order = shop.capture("web", draft(payment=payment), key="walk-capture", id="ord-1")
    if goal < 1:
        return Walk(shop, clock, order)
    shop.route()
    fulfillment = shop.fulfillments(order.id)[0]
    for verb in (shop.pick, shop.pack)[: max(0, goal - 1)]:
        fulfillment = verb(fulfillment.id, key=f"walk-{verb.__name__}")
    shipment = shop.ship(fulfillment.id, key="walk-ship") if goal >= STAGES.index("shipped") else None
    if shipment is not None and stage == "delivered":
        shop.deliver()
        shipment = shop.track(shipment.id, "delivered", key="walk-delivered")
    return Walk(shop, clock, shop.order(order.id), shop.fulfillment(fulfillment.id), shipment)


__all__ = ["STAGES", "MONDAY", "Walk", "draft", "up_to"]
