"""The supply-chain day: one product an order, plants that make only some products, customers bound to their plants.

A plant may take an order when it makes the product; a plant with vendor-managed customers serves nobody else; the
cheapest warehouse cost per unit wins. Products are made to order, so every plant that makes one is given what was
ordered of it. Units are the file's own, money is in cents of the file's cost per unit.
"""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from omscore.adapters.channel import whole
from omscore.batching import Limits
from omscore.errors import ChannelError, OmsError, Reason
from omscore.kernel import Address, Item, Money
from omscore.orders import Customer, Draft, DraftLine
from omscore.replay._day import Day, Rejected, Wish
from omscore.replay._rows import ROW, filled, need, number, table
from omscore.routing import Network, Node, Policy, Route, Rule, by_priority, own_requirement, park, whole_order

ORDERS = ("Order ID", "Order Date", "Customer", "Product ID", "Unit quantity", "Weight", "Service Level")


def read(folder: Path) -> Day:
    """Read a supply-chain folder: orders_1000.csv, ProductsPerPlant.csv, VmiCustomers.csv and WhCosts.csv."""
    rejected: list[Rejected] = []
    costs: dict[str, Money] = {}
    path = need(folder, "WhCosts.csv")
    for row in table(path, ("WH", "Cost/unit"), rejected):
        if "#broken" not in row:
            try:
                costs[filled(row, "WH")] = Money.of(f"{number(row, 'Cost/unit'):.2f}", "USD")
            except OmsError as wrong:
                rejected.append(Rejected(path.name, int(row[ROW]), f"{wrong}; the plant is left out"))
    ranked = sorted(costs, key=lambda plant: (costs[plant].minor, plant))
    nodes = [Node(p, priority=i, unit_cost=costs[p], ships_to={"*"}) for i, p in enumerate(ranked, 1)]
    own: dict[str, set[str]] = {}
    for row in table(need(folder, "VmiCustomers.csv"), ("Plant Code", "Customers"), rejected):
        if "#broken" not in row:
            own.setdefault(row["Plant Code"], set()).add(row["Customers"])

    def serves(node: Node, demand: Any) -> bool | Reason:
        if node.id in own and demand.customer not in own[node.id]:
            return Reason("routing.vendor_managed", f"{node.id} serves its own customers only")
        return True

    policy = Policy(
        "plants",
        routes=(
            Route(
                "all",
                rules=(
                    Rule(
                        "cheapest plant",
                        require=(whole_order(), own_requirement("vendor-managed customers", serves)),
                        prefer=(by_priority(),),
                    ),
                ),
            ),
        ),
        otherwise=park("no plant"),
    )
    wishes = _wishes(need(folder, "orders_1000.csv"), rejected)
    asked: dict[str, int] = {}
    for wish in wishes:
        line = wish.draft.lines[0]
        asked[line.item] = asked.get(line.item, 0) + line.units
    stock: dict[tuple[str, str], int] = {}
    for row in table(need(folder, "ProductsPerPlant.csv"), ("Plant Code", "Product ID"), rejected):
        if "#broken" not in row and row["Product ID"] in asked and row["Plant Code"] in costs:
            stock[row["Plant Code"], row["Product ID"]] = asked[row["Product ID"]]
    return Day(
        folder.name,
        "Supply Chain Logistics Problem Dataset, Brunel University London, CC BY 4.0",
        "USD",
        Network(nodes, currency="USD"),
        policy,
        {sku: Item(sku) for sku in asked},
        stock,
        tuple(sorted(wishes, key=lambda w: (w.draft.placed_at, w.draft.external_id))),
        limits=Limits(orders_max=50),
        rejected=tuple(rejected),
    )


def _wishes(path: Path, rejected: list[Rejected]) -> list[Wish]:
    wishes = []
    for row in table(path, ORDERS, rejected):
        if "#broken" in row:
            continue
        try:
            units = whole(row["Unit quantity"], lambda why: ChannelError(f"field 'Unit quantity' {why}"))
            placed_at = datetime.combine(datetime.fromisoformat(row["Order Date"]), time(9), ZoneInfo("UTC"))
            line = DraftLine("1", row["Product ID"], units, Money(0, "USD"))
            draft = Draft(
                "plants",
                row["Order ID"],
                "USD",
                (line,),
                placed_at,
                # The file names ports, not countries: every destination port is in one country, which it hides.
                ship_to=Address("ZZ", postcode=row.get("Destination Port", "")),
                customer=Customer(row["Customer"]),
                payment="terms",
            )
        except (OmsError, ValueError) as wrong:
            rejected.append(Rejected(path.name, int(row[ROW]), f"order {row['Order ID']}: {wrong}; it is left out"))
            continue
        wishes.append(Wish(draft, file=path.name, row=int(row[ROW])))
    return wishes
