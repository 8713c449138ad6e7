"""Real orders routed whole: a marketplace's days, and a maker's orders over plants, ports and carriers.

Both data sets are published (Olist; the outbound logistics network of Brunel University) and not shipped: give their
folder as the first argument, or set OMSCORE_SHARED. The tables show what the policy does beside what really happened,
as far as the data says so.
"""

import csv
import gzip
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from omscore import routing as r
from omscore.kernel import Address, GeoPoint, Money, distance_m
from omscore.render import text_table

SLICE = "olist_ordinary_2018-05-07_16"
NEAREST = r.Policy(
    "nearest",
    [
        r.Route(
            "all",
            [
                r.Rule("one node", require=r.whole_order(), prefer=r.nearest()),
                r.Rule("split", require=r.has_stock(), prefer=(r.fewest_splits(), r.nearest()), stops_max=6),
            ],
        )
    ],
    otherwise=r.park("short"),
)


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, packed or not."""
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8", newline="") as packed:
            return list(csv.DictReader(packed))
    with path.open(encoding="utf-8-sig", newline="") as plain:
        return list(csv.DictReader(plain))


# --- the marketplace -------------------------------------------------------------------------------------------------


@frozen
class Replayed:
    """What became of the marketplace's orders at one level of stock."""

    orders: int
    one_parcel: int
    split: int
    parked: int
    km: float
    real_parcels: int
    real_km: float
    parcels: int
    microseconds: float


def marketplace(folder: Path, mode: str, level: str) -> Replayed:
    """Route every order with lines, first come first served, on the stock of one placement and level."""
    nodes = [
        r.Node(row["warehouse"], point=GeoPoint(float(row["lat"]), float(row["lng"])), country="BR")
        for row in table(folder / "olist_warehouses.csv.gz")
    ]
    weights = {row["product_id"]: row["product_weight_g"] for row in table(folder / SLICE / "skus.csv.gz")}
    stock = r.Stock()
    for row in table(folder / SLICE / "stock.csv.gz"):
        if (row["mode"], row["level"]) == (mode, level):
            stock.set(row["warehouse"], row["product_id"], int(row["on_hand"]))
    lines: dict[str, list[dict[str, str]]] = {}
    for row in table(folder / SLICE / "lines.csv.gz"):
        lines.setdefault(row["order_id"], []).append(row)
    demands, real = [], {}
    for row in sorted(table(folder / SLICE / "orders.csv.gz"), key=lambda row: (row["placed_at"], row["order_id"])):
        mine = lines.get(row["order_id"])
        if not mine or not row["lat"]:
            continue  # the data set has orders without lines, and places without coordinates
        point = GeoPoint(float(row["lat"]), float(row["lng"]))
        rows = [
            r.DemandLine(
                line["line"],
                line["product_id"],
                int(line["qty"]),
                price=Money.of(str(round(float(line["unit_price"]), 2)), "BRL"),
                weight_grams=int(float(weights.get(line["product_id"]) or 0)),
            )
            for line in mine
        ]
        demands.append(r.Demand(row["order_id"], rows, destination=Address("BR", point=point), channel=row["channel"]))
        real[row["order_id"]] = {line["dc"] for line in mine}
    network = r.Network(nodes, currency="BRL")
    router = r.Router(NEAREST, network)
    counts = {"one": 0, "split": 0, "parked": 0}
    km = real_km = 0.0
    parcels = real_parcels = 0
    start = time.perf_counter()
    decisions = []
    for d in demands:
        decision = router.route(d, stock)
        decisions.append(decision)
        for a in decision.plan.assignments if decision.plan else ():
            stock.take(a.node, a.item, a.units)
    spent = time.perf_counter() - start
    for decision in decisions:
        if not decision.nodes:
            counts["parked"] += 1
            continue
        counts["one" if len(decision.nodes) == 1 else "split"] += 1
        parcels += len(decision.nodes)
        km += sum(_km(network, node, decision.demand) for node in decision.nodes)
        there = real[decision.demand.id]
        real_parcels += len(there)
        real_km += sum(_km(network, node, decision.demand) for node in there)
    return Replayed(
        len(demands),
        counts["one"],
        counts["split"],
        counts["parked"],
        km,
        real_parcels,
        real_km,
        parcels,
        spent / len(demands) * 1e6,
    )


def _km(network: r.Network, node: str, d: r.Demand) -> float:
    here, there = network[node].point, d.destination.point if d.destination else None
    return 0.0 if here is None or there is None else distance_m(here, there) / 1000


def show_marketplace(folder: Path) -> None:
    """The table of the marketplace."""
    rows = []
    for mode in ("retail_abc", "marketplace"):
        for level in ("tight", "exact", "easy"):
            got = marketplace(folder, mode, level)
            served = got.one_parcel + got.split
            rows.append(
                [
                    f"{mode}, {level}",
                    got.orders,
                    f"{got.one_parcel / served:.1%}",
                    f"{got.split / served:.1%}",
                    got.parked,
                    round(got.km / served),
                    round(got.real_km / served),
                    round(got.microseconds),
                ]
            )
    columns = ["stock", "orders", "one parcel", "split", "parked", "km per order", "km as it was", "us per order"]
    print(
        "marketplace: nearest node with everything, else the fewest parcels (as it was: the node nearest each seller)"
    )
    print(text_table(columns, rows), "\n")


# --- plants, ports and carriers ---------------------------------------------------------------------------------------


class Freight:
    """The published freight rates: what a weight costs from a port, at the cheapest carrier or at a given one."""

    def __init__(self, folder: Path) -> None:
        self.rows: dict[str, list[tuple[str, float, float, float, float]]] = {}
        for row in table(folder / "FreightRates.csv"):
            figures = (row["minm_wgh_qty"], row["max_wgh_qty"], row["minimum cost"], row["rate"])
            low, high, least, rate = (float(figure.replace("$", "").replace(",", "")) for figure in figures)
            self.rows.setdefault(row["orig_port_cd"], []).append((row["Carrier"], low, high, least, rate))
        self.ports: dict[str, list[str]] = {}
        for row in table(folder / "PlantPorts.csv"):
            self.ports.setdefault(row["Plant Code"], []).append(row["Port"])

    def cents(self, ports: Iterable[str], kg: float, carrier: str = "") -> int | None:
        """Cents at the cheapest rate, or None when no carrier takes the weight."""
        offers = [
            max(least, rate * kg)
            for port in ports
            for name, low, high, least, rate in self.rows.get(port, ())
            if low <= kg <= high and carrier in ("", name)
        ]
        return round(min(offers) * 100) if offers else None


@frozen
class Made:
    """What became of the maker's orders."""

    orders: int
    routed: int
    parked: int
    cost: int
    comparable: int
    our_cost: int
    real_cost: int
    moved: int
    microseconds: float


def maker(folder: Path, scale: float) -> Made:
    """Route the orders by cost under plants' products, customers of their own and daily capacities times `scale`."""
    freight = Freight(folder)
    per_unit = {row["WH"]: float(row["Cost/unit"]) for row in table(folder / "WhCosts.csv")}
    capacity = {
        row["Plant ID"]: max(1, round(int(row["Daily Capacity "]) * scale))
        for row in table(folder / "WhCapacities.csv")
    }
    own_customers: dict[str, set[str]] = {}
    for row in table(folder / "VmiCustomers.csv"):
        own_customers.setdefault(row["Plant Code"], set()).add(row["Customers"])
    stock = r.Stock()
    for row in table(folder / "ProductsPerPlant.csv"):
        stock.set(row["Plant Code"], row["Product ID"], 10**9)
    network = r.Network([r.Node(plant) for plant in sorted(capacity)], currency="USD")

    def serves(node: r.Node, d: r.Demand) -> bool:
        return node.id not in own_customers or d.customer in own_customers[node.id]

    def cost(plant: str, ports: Iterable[str], d: r.Demand, carrier: str = "") -> Money | None:
        # The customer pays the freight of service CRF himself.
        freight_cents = 0 if d.service == "CRF" else freight.cents(ports, d.facts["kg"], carrier)
        return None if freight_cents is None else Money(freight_cents + round(per_unit[plant] * d.units * 100), "USD")

    def quote(node: r.Node, d: r.Demand, _grams: int) -> Money | None:
        # The rows give the weight of all units together, so it stands among the facts.
        return cost(node.id, freight.ports.get(node.id, ()), d)

    require = (r.own_requirement("customer", serves), r.whole_order(), r.has_capacity(), r.cost_max("1000000"))
    rule = r.Rule("cheapest", require=require, prefer=r.lowest_cost())
    router = r.Router(
        r.Policy("maker", [r.Route("all", [rule])], otherwise=r.park("no plant")), network, quote_of=quote
    )
    left = dict(capacity)
    routed = total = comparable = ours = theirs = moved = 0
    rows = table(folder / "orders_1000.csv.gz")
    spent = 0.0
    for row in rows:
        d = r.Demand(
            row["Order ID"],
            [r.DemandLine("1", row["Product ID"], int(row["Unit quantity"]))],
            customer=row["Customer"],
            service=row["Service Level"],
            facts={"kg": float(row["Weight"])},
        )
        start = time.perf_counter()
        decision = router.route(d, stock, facts=r.Facts(orders_left=left))
        spent += time.perf_counter() - start
        if decision.plan is None or decision.plan.cost is None:
            continue
        (plant,) = decision.nodes
        left[plant] -= 1
        routed += 1
        total += decision.plan.cost.minor
        real = cost(row["Plant Code"], [row["Origin Port"]], d, row["Carrier"])
        if real is not None:
            comparable += 1
            ours += decision.plan.cost.minor
            theirs += real.minor
            moved += plant != row["Plant Code"]
    return Made(len(rows), routed, len(rows) - routed, total, comparable, ours, theirs, moved, spent / len(rows) * 1e6)


def show_maker(folder: Path) -> None:
    """The table of the maker."""
    rows = []
    for name, scale in (("daily capacities as published", 1.0), ("scaled to 1,000 orders", 1000 / 9215)):
        got = maker(folder / "brunel", scale)
        change = (got.our_cost - got.real_cost) / got.real_cost
        rows.append(
            [
                name,
                got.orders,
                got.routed,
                got.parked,
                got.comparable,
                got.real_cost // 100,
                got.our_cost // 100,
                f"{change:+.1%}",
                got.moved,
                round(got.microseconds),
            ]
        )
    columns = ["", "orders", "routed", "parked", "compared", "USD as it was", "USD ours", "change", "other plant", "us"]
    print("maker: the cheapest plant that makes the product, serves the customer and has capacity")
    print(text_table(columns, rows))


def main(folder: str | None = None) -> None:
    """Print both tables."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    base = Path(folder or os.environ.get("OMSCORE_SHARED") or beside)
    replay = base if (base / "brunel").exists() else base / "data" / "replay"
    if not replay.exists():
        print("needs the published data sets, which are not shipped; give their folder as the first argument")
        return
    show_marketplace(replay)
    show_maker(replay)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
