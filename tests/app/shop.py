"""A small service for tests of routing, and the check that orders and ledger agree."""

from collections.abc import Mapping
from typing import Any

import omscore as oms
from omscore import routing as r
from omscore.adapters import MemoryStore
from omscore.inventory import Cell, verify
from omscore.kernel import Address, GeoPoint, ManualClock, Money
from omscore.orders import Draft, DraftLine, Order
from omscore.testing.walkthrough import MONDAY

HERE = Address("BE", postcode="9000", point=GeoPoint(51.0, 3.7), name="A. Person")


class Shop:
    """A service with its clock; orders are captured with short ids."""

    def __init__(
        self, *nodes: r.Node, rules: tuple[r.Rule, ...] = (), network: Mapping[str, Any] | None = None, **more: Any
    ) -> None:
        self.clock = ManualClock(MONDAY)
        self.store = MemoryStore(clock=self.clock)
        if rules:
            more["routing"] = r.Policy("p", (r.Route("all", rules),), otherwise=r.park("later", days=7))
        self.oms = oms.Oms(store=self.store, network=r.Network(nodes, **(network or {})), **more)

    def stock(self, **units: Mapping[str, int]) -> None:
        for node, items in units.items():
            self.oms.receive(node, items, key=f"dock {node} {sorted(items.items())} {self.clock.now()}")

    def order(self, id_: str, *items: str, units: int = 1, channel: str = "web", **more: Any) -> Order:
        lines = [DraftLine(str(n), item, units, Money(1000, "EUR")) for n, item in enumerate(items, 1)]
        facts: dict[str, Any] = {"ship_to": HERE, "payment": "paid", **more}
        draft = Draft(channel, id_, "EUR", lines, self.clock.now(), **facts)
        return self.oms.capture(channel, draft, key=id_, id=id_)

    def figures(self, item: str, node: str) -> Any:
        cell = Cell(item, node)
        return self.store.run(lambda txn: txn.figures([cell]))[cell]

    def sound(self) -> None:
        """Every unit of every order is where the ledger says it is."""
        assert self.store.run(verify).ok
        held: dict[str, dict[str, int]] = {}
        for state in ("captured", "accepted", "closed", "cancelled"):
            for order in self.oms.orders(state):
                found = self.store.run(lambda txn: txn.reservation(order.id))  # noqa: B023
                for (_, bucket), n in found.held.items() if found is not None else ():
                    held.setdefault(order.id, {})[bucket] = held.get(order.id, {}).get(bucket, 0) + n
                totals = order.totals
                for bucket in ("reserved", "allocated", "picked", "packed"):
                    assert held.get(order.id, {}).get(bucket, 0) == getattr(totals, bucket), (order, bucket)
