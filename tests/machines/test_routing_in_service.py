"""Whatever happens between capture and shipping, every unit stays where the order and the ledger both say it is."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from tests.app.shop import Shop

import omscore as oms
from omscore import routing as r
from omscore.errors import InvariantBroken, OmsError
from omscore.kernel import Address, Item, Money
from omscore.orders import Fulfillment, Order, Reduce, SetAddress
from omscore.routing import sourcing

ITEMS = "XYZ"
PLANNER = sourcing.JointPlanner(seed=1, price_rounds=3, repairs=20)


def shop_of(random: Random) -> Shop:
    """A small shop whose policy brings, drop-ships or replaces what is missing, under limits drawn at random."""
    nodes = [
        r.Node("a", "store", parcel_cost=Money(500, "EUR"), capacity_orders=random.choice([None, 3])),
        r.Node("b", parcel_cost=Money(510, "EUR"), capacity_units=random.choice([None, 5])),
        r.Node("c", parcel_cost=Money(700, "EUR"), answer_minutes=random.choice([None, 60])),
        r.Node("v", "vendor", parcel_cost=Money(900, "EUR"), drop_ships={"*"}, online=False),
    ]
    partial = random.choice(["transfer", "drop_ship", "substitute", "backorder", "ship", "next"])
    require: tuple[r.Requirement, ...] = random.choice([(r.online(),), (r.not_blocked(), r.has_capacity())])
    if partial in ("transfer", "drop_ship"):
        require = (*require, random.choice([r.online(), r.kind_is("store")]))
    stops = random.choice([1, 2, 3])
    first = r.Rule("first", require=require, prefer=r.lowest_cost(), stops_max=stops, partial=partial)
    then = r.Rule("then", require=r.has_stock(), prefer=r.most_stock(), stops_max=3, partial="ship")
    catalog = {sku: Item(sku, substitutes={"X": ["Y"], "Y": ["Z"]}.get(sku, [])) for sku in ITEMS}
    rules = (first, then) if random.random() < 0.4 else (first,)
    return Shop(*nodes, rules=rules, catalog=catalog, keeps_promises=random.random() < 0.3)


class Day:
    """Steps drawn at random; what is refused changes nothing, as the checks after it show."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.shop = shop_of(self.random)
        self.number = 0

    def key(self) -> str:
        self.number += 1
        return f"step-{self.number}"

    def orders(self) -> list[Order]:
        return [order for state in ("captured", "accepted") for order in self.shop.oms.orders(state)]

    def fulfillments(self, *states: str) -> list[Fulfillment]:
        found = [f for order in self.orders() for f in self.shop.oms.fulfillments(order.id)]
        return [f for f in found if f.state in states]

    def capture(self) -> None:
        items = self.random.sample(ITEMS, self.random.randint(1, 3))
        extra = {"pickup_node": self.random.choice("abc")} if self.random.random() < 0.15 else {}
        charges = Money(self.random.choice([0, 77]), "EUR")
        channel = self.random.choice(["web", "marketplace"])
        units = self.random.randint(1, 3)
        self.shop.order(f"ord-{self.key()}", *items, units=units, channel=channel, discount=charges, extra=extra)

    def receive(self) -> None:
        stock = {self.random.choice(ITEMS): self.random.randint(1, 3)}
        lot = self.random.choice(["", "", "L1", "L2"])
        self.shop.oms.receive(self.random.choice("abc"), stock, lot=lot, key=self.key())

    def count(self) -> None:
        stock = {self.random.choice(ITEMS): self.random.randint(0, 4)}
        self.shop.oms.count(self.random.choice("abc"), stock, key=self.key())

    def route(self) -> None:
        self.shop.oms.route()

    def route_many(self) -> None:
        self.shop.oms.route_many(planner=PLANNER)

    def reject(self) -> None:
        if found := self.fulfillments("planned", "open", "picking"):
            chosen, reason = self.random.choice(found), self.random.choice(r.REJECTIONS)
            self.shop.oms.reject(chosen.id, reason=reason, blocking=self.random.random() < 0.2, key=self.key())

    def accept(self) -> None:
        if found := self.fulfillments("planned", "open"):
            self.shop.oms.accept(self.random.choice(found).id, key=self.key())

    def ship(self) -> None:
        if found := self.fulfillments("open", "picking"):
            self.shop.oms.ship(self.random.choice(found).id, key=self.key())

    def short_pick(self) -> None:
        if found := self.fulfillments("open", "picking"):
            chosen = self.random.choice(found)
            self.shop.oms.short_pick(chosen.id, {chosen.lines[0].line: 1}, key=self.key())

    def arrive(self) -> None:
        if moves := [id_ for f in self.fulfillments("planned", "open", "cancelled") for id_ in f.transfers]:
            act = self.random.choice([self.shop.oms.arrive, self.shop.oms.lose_transfer])
            act(self.random.choice(moves), key=self.key())

    def cancel(self) -> None:
        if found := self.orders():
            order = self.random.choice(found)
            units = self.random.choice([None, {self.random.choice(order.lines).id: 1}])
            self.shop.oms.cancel(order.id, units, key=self.key())

    def hold(self) -> None:
        if found := self.orders():
            order = self.random.choice(found)
            if order.holds:
                self.shop.oms.release(order.id, order.holds[0].code, key=self.key())
            else:
                self.shop.oms.hold(order.id, oms.Hold("looked at"), key=self.key())

    def edit(self) -> None:
        if found := self.orders():
            order = self.random.choice(found)
            change: Any = Reduce(self.random.choice(order.lines).id, 1)
            if self.random.random() < 0.5:
                change = SetAddress(Address("NL", postcode=self.key()))
            self.shop.oms.edit(order.id, [change], key=self.key())

    def wait(self) -> None:
        self.shop.clock.advance(hours=self.random.choice([1, 9, 30]))
        self.shop.oms.tick()

    def check(self) -> None:
        """The ledger and the orders agree, and fulfillments add up to what their orders have given to nodes."""
        self.shop.sound()
        for state in ("captured", "accepted", "cancelled", "closed"):
            for order in self.shop.oms.orders(state):
                there: dict[str, int] = {}
                awaited: dict[str, int] = {}
                for fulfillment in self.shop.oms.fulfillments(order.id):
                    for line in fulfillment.lines if fulfillment.state not in ("closed", "cancelled") else ():
                        there[line.line] = there.get(line.line, 0) + line.units - line.awaited
                        awaited[line.line] = awaited.get(line.line, 0) + line.awaited
                for line_id, units in order.units.items():
                    assert there.get(line_id, 0) == units.allocated + units.picked + units.packed, (order, line_id)
                    assert awaited.get(line_id, 0) <= units.backordered, (order, line_id)


STEPS: tuple[tuple[Callable[[Day], None], int], ...] = (
    (Day.capture, 4),
    (Day.receive, 2),
    (Day.count, 1),
    (Day.route, 3),
    (Day.route_many, 1),
    (Day.reject, 2),
    (Day.accept, 1),
    (Day.ship, 1),
    (Day.short_pick, 1),
    (Day.arrive, 2),
    (Day.cancel, 1),
    (Day.hold, 1),
    (Day.edit, 1),
    (Day.wait, 1),
)


@pytest.mark.parametrize("seed", range(20))
def test_every_unit_is_where_the_order_and_the_ledger_say_it_is(seed: int) -> None:
    day = Day(seed)
    steps, weights = zip(*STEPS, strict=True)
    for step in day.random.choices(steps, weights, k=50):
        try:
            step(day)
        except InvariantBroken:
            raise
        except OmsError:
            pass  # refused: the check shows that nothing of it happened
        day.check()
