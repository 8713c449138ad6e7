"""Routing's speed as ratios: rules on one order, rules on many nodes, whole decisions, the trace, explanations.

Times are of the processor, so that other programs weigh less. Everything that is compared runs in turn within each
round, so that the machine's moods hit all alike; figures are medians of the rounds, ratios are medians of the rounds'
ratios. Answers are checked to be equal before anything is timed. Peers from PyPI (zen-engine, rule-engine,
common-expression-language) are left out by name when they are not installed.
"""

import gc
import importlib
import statistics
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

from omscore import routing as r
from omscore.kernel import Address, GeoPoint, Money, Rng
from omscore.render import text_table

ROUNDS = 15
TURN_S = 0.02
TWELVE = (
    r.online(),
    r.in_group("main") | r.channel_is("outlet"),
    r.can_handle("cold", "hazmat"),
    r.may_cross_border(),
    r.lead_days_max(2),
    r.not_blocked(),
    r.rejections_max(35),
    r.has_capacity(),
    r.within_km(4000),
    ~r.tier_is("gold") | r.kind_is("warehouse"),
    r.whole_order(),
    (r.value < "500.00") | r.kind_is("warehouse"),
)
CONDITIONS = (
    r.channel_is("web") & (r.value >= "75.00"),
    r.service_is("express", "same-day"),
    r.country_is("US") & ~r.region_is("AK", "HI"),
    r.tier_is("gold") | (r.earlier_orders > 10),
    r.any_tag("hazmat"),
    (r.units > 5) & (r.line_count <= 3),
    r.weight_grams > 20_000,
    (r.margin < "5.00") & (r.value < "30.00"),
    r.fact("risk") > 80,
    r.attempts >= 2,
    r.market_is("us") & r.seller_is("own"),
    r.parked_in("unfillable") | (r.fact("age") > 48),
)
ZEN = """[channel == "web" and value >= 7500, service in ["express", "same-day"],
 country == "US" and not (region in ["AK", "HI"]), tier == "gold" or earlier > 10, "hazmat" in tags,
 units > 5 and lines <= 3, grams > 20000, margin < 500 and value < 3000, risk > 80, attempts >= 2,
 market == "us" and seller == "own", queue == "unfillable" or age > 48]"""
CEL = ZEN.replace(" and ", " && ").replace(" or ", " || ").replace("not (", "!(").replace("\n", " ")
RULE_ENGINE = (
    'channel == "web" and value >= 7500',
    'service in ["express", "same-day"]',
    'country == "US" and not (region in ["AK", "HI"])',
    'tier == "gold" or earlier > 10',
    '"hazmat" in tags',
    "units > 5 and lines <= 3",
    "grams > 20000",
    "margin < 500 and value < 3000",
    "risk > 80",
    "attempts >= 2",
    'market == "us" and seller == "own"',
    'queue == "unfillable" or age > 48',
)

Timed = dict[str, Callable[[], object]]


def rounds(candidates: Timed, per_call: int) -> dict[str, list[float]]:
    """Microseconds per operation of each candidate in each round, run in turn, each turn about as long."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    repeats = {}
    for name, run in candidates.items():
        start = time.process_time()
        run()
        repeats[name] = 1 + int(TURN_S / (time.process_time() - start))
    gc.disable()
    try:
        for _ in range(ROUNDS):
            for name, run in candidates.items():
                start = time.process_time()
                for _ in range(repeats[name]):
                    run()
                times[name].append((time.process_time() - start) / per_call / repeats[name] * 1e6)
            gc.collect()
    finally:
        gc.enable()
    return times


def rows(times: dict[str, list[float]], base: str) -> list[list[object]]:
    """One row per candidate: its median, and the median of its ratio to the base in the same round."""
    out: list[list[object]] = []
    for name, mine in times.items():
        ratio = statistics.median(a / b for a, b in zip(mine, times[base], strict=True))
        out.append([name, round(statistics.median(mine), 3), round(ratio, 2)])
    return out


def network(count: int, rng: Rng) -> r.Network:
    """A made-up country with nodes of all sorts and a tariff of 4 zones by 20 weights."""
    nodes = [
        r.Node(
            f"N{i:03d}",
            kind="warehouse" if i % 3 else "store",
            point=GeoPoint(30 + rng.unit() * 15, -120 + rng.unit() * 45),
            country="US",
            capabilities={"cold", "hazmat", "gift"} if i % 4 else {"gift"},
            groups={"main"} if i % 5 else {"outlet"},
            online=i % 11 != 0,
            lead_days=i % 3,
            rejection_permille=i % 40,
            capacity_units=10_000,
            parcel_cost=Money(200 + i % 7 * 30, "USD"),
        )
        for i in range(count)
    ]
    rates = [
        r.Rate(Money(500 + 150 * zone + 40 * kg, "USD"), km_max=km, grams_max=kg * 1000)
        for zone, km in enumerate((300, 800, 1600, None))
        for kg in range(1, 21)
    ]
    return r.Network(nodes, services=[r.Service("", rates=rates)], currency="USD")


def orders(count: int, lines: int, rng: Rng, places: int = 60) -> list[r.Demand]:
    """Orders of different items to some places, with all the facts that rules ask for."""
    points = [GeoPoint(30 + rng.unit() * 15, -120 + rng.unit() * 45) for _ in range(places)]
    out = []
    for n in range(count):
        first = rng.below(290)
        rows_ = [
            r.DemandLine(
                str(k), f"S{first + 3 * k}", 1 + rng.below(2), weight_grams=450, tags={"gift"} if k == 0 else ()
            )
            for k in range(lines)
        ]
        out.append(
            r.Demand(
                f"ord-{n}",
                rows_,
                destination=Address("US", region=rng.choice(["CA", "AK", "TX"]), point=points[rng.below(places)]),
                channel=rng.choice(["web", "amazon", "phone"]),
                service=rng.choice(["", "express"]),
                customer_tier="gold" if rng.below(5) == 0 else "",
                earlier_orders=rng.below(20),
                value=Money(rng.below(60_000), "USD"),
                margin=Money(rng.below(3_000), "USD"),
                tags={"hazmat"} if rng.below(9) == 0 else (),
                attempts=rng.below(3),
                market="us",
                seller="own",
                queue=rng.choice(["", "unfillable"]),
                facts={"risk": rng.below(100), "age": rng.below(60)},
            )
        )
    return out


def context(d: r.Demand) -> dict[str, Any]:
    """The same order as the plain dict that the peers take."""
    return {
        "channel": d.channel, "service": d.service, "country": d.country, "region": d.region, "tier": d.customer_tier,
        "earlier": d.earlier_orders, "value": d.value_minor, "margin": d.margin_minor, "tags": sorted(d.all_tags),
        "units": d.units, "lines": d.line_count, "grams": d.grams, "risk": d.facts["risk"], "attempts": d.attempts,
        "market": d.market, "seller": d.seller, "queue": d.queue, "age": d.facts["age"],
    }  # fmt: skip


def optional(name: str) -> Any:
    """A peer's module, or None when it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed and left out")
        return None


def one_context() -> None:
    """12 rules over 16 variables of one order, all answers wanted."""
    demands = orders(200, 3, Rng(1))
    contexts = [context(d) for d in demands]
    match = r.matcher(CONDITIONS)
    wanted = [[bool(match(d) >> i & 1) for i in range(12)] for d in demands]
    candidates: Timed = {"omscore": lambda: [match(d) for d in demands]}
    if zen := optional("zen"):
        expression = zen.compile_expression(ZEN)
        assert [expression.evaluate(c) for c in contexts] == wanted
        candidates["zen-engine, one compiled expression"] = lambda: [expression.evaluate(c) for c in contexts]
    if cel := optional("cel"):
        program = cel.compile(CEL)
        assert [program.execute(c) for c in contexts] == wanted
        candidates["common-expression-language (Rust CEL)"] = lambda: [program.execute(c) for c in contexts]
    if engine := optional("rule_engine"):
        rules = [engine.Rule(text) for text in RULE_ENGINE]
        assert [[rule.matches(c) for rule in rules] for c in contexts] == wanted
        candidates["rule-engine"] = lambda: [[rule.matches(c) for rule in rules] for c in contexts]
    print("12 rules x 16 variables, one order")
    print(text_table(["", "us per order", "x omscore"], rows(rounds(candidates, 200), "omscore")), "\n")


PER_NODE = """
def rules(c):
    return ((1 if c.online else 0) | (2 if c.main or c.channel == k0 else 0)
        | (4 if (c.cold or k1 not in c.tags) and (c.hazmat or k2 not in c.tags) else 0) | (8 if c.country == c.to or
        c.to in c.ships_to else 0) | (16 if c.lead <= 2 else 0) | (32 if not c.blocked else 0) | (64 if c.rejections
        <= 35 else 0) | (128 if c.room >= 1 else 0) | (256 if c.meters <= 4000000 else 0) | (512 if c.tier != k3 or
        c.warehouse else 0) | (1024 if c.has_all else 0) | (2048 if c.value < 50000 or c.warehouse else 0))
"""


class Context:
    """One order at one node, ready for a function that is called for each node."""

    __slots__ = (
        "blocked",
        "channel",
        "cold",
        "country",
        "has_all",
        "hazmat",
        "lead",
        "main",
        "meters",
        "online",
        "rejections",
        "room",
        "ships_to",
        "tags",
        "tier",
        "to",
        "value",
        "warehouse",
    )  # fmt: skip

    def __init__(self, router: r.Router, d: r.Demand, i: int, stock: r.Stock) -> None:
        node = router.grid.nodes[i]
        self.online, self.main, self.channel = node.online, "main" in node.groups, d.channel
        self.cold, self.hazmat, self.tags = "cold" in node.capabilities, "hazmat" in node.capabilities, d.all_tags
        self.country, self.to, self.ships_to = node.country, d.country, node.ships_to
        self.lead, self.blocked, self.rejections = node.lead_days, False, node.rejection_permille
        self.room, self.meters = 10_000, router.case(d, stock).place.meters[i] or 0
        self.tier, self.warehouse, self.value = d.customer_tier, node.kind == "warehouse", d.value_minor
        self.has_all = all(stock.available(node.id, item) >= n for item, n in d.needs)


def figures(count: int, rng: Rng, below: int = 20) -> r.Stock:
    """Units of 300 items at all nodes."""
    return r.Stock({(f"N{i:03d}", f"S{k}"): rng.below(below) for i in range(count) for k in range(300)})


def many_nodes() -> None:
    """12 rules over 50 and over 200 nodes."""
    namespace: dict[str, Any] = {"k0": "outlet", "k1": "cold", "k2": "hazmat", "k3": "gold"}
    exec(PER_NODE, namespace)  # noqa: S102 - the peer of this benchmark is one generated function
    per_node = namespace["rules"]
    candidates: Timed = {}
    for count in (50, 200):
        stock, demands = figures(count, Rng(2)), orders(100, 3, Rng(3))
        rule = r.Rule("twelve", require=TWELVE)
        router = r.Router(r.Policy("p", (r.Route("all", (rule,)),)), network(count, Rng(4)))
        screen = router.compiled.rules[0][0].screen
        cases = [router.case(d, stock) for d in demands]
        ready = [[Context(router, d, i, stock) for i in range(count)] for d in demands]
        for d, x, contexts in zip(demands, cases, ready, strict=True):
            assert screen(d, x) == sum(1 << i for i, c in enumerate(contexts) if per_node(c) == 4095)
        pairs = list(zip(demands, cases, strict=True))
        candidates[f"omscore, {count} nodes"] = lambda pairs=pairs, screen=screen: [screen(d, x) for d, x in pairs]  # type: ignore[misc]
        masks = router.compiled.rules[0][0].masks
        candidates[f"the trace when asked for, {count} nodes"] = lambda pairs=pairs, masks=masks: [  # type: ignore[misc]
            masks(d, x) for d, x in pairs
        ]
        candidates[f"a function per node, {count} nodes"] = lambda ready=ready: [  # type: ignore[misc]
            [per_node(c) for c in contexts] for contexts in ready
        ]
    times = rounds(candidates, 100)
    print("12 rules on all nodes, one order (contexts of the function per node are ready)")
    print(text_table(["", "us per order", "x omscore, 50 nodes"], rows(times, "omscore, 50 nodes")))
    for count in (50, 200):
        function = times[f"a function per node, {count} nodes"]
        gain = statistics.median(a / b for a, b in zip(function, times[f"omscore, {count} nodes"], strict=True))
        print(f"{count} nodes: {gain:.1f}x one function per node")
    print()


class Straight:
    """A straight loop over nodes, as one would write it by hand: rules inline, cheapest node, nothing kept.

    Its node facts are laid out ready, distances are kept by place and prices in a table, as ours are.
    """

    def __init__(self, router: r.Router, stock: r.Stock, items: int = 300) -> None:
        grid = router.grid
        self.router = router
        self.have = {f"S{k}": [stock.available(id_, f"S{k}") for id_ in grid.ids] for k in range(items)}
        self.nodes = [
            (
                i, n.online,
                "main" in n.groups, "cold" in n.capabilities, "hazmat" in n.capabilities, n.country, n.ships_to,
                n.lead_days, n.rejection_permille, 10_000, n.kind == "warehouse",
                n.parcel_cost.minor if n.parcel_cost else 0,
            )
            for i, n in enumerate(grid.nodes)
        ]  # fmt: skip
        self.places: dict[Any, Any] = {}

    def route(self, d: r.Demand) -> int:
        """The cheapest node that passes all twelve, nearest on a tie, or -1."""
        place: Any = self.places.get(d.place)
        if place is None:
            x = self.router.case(d, r.Stock())
            place = self.places[d.place] = (x.place.meters, x.place.bands(""))
        meters, bands = place
        needs = [(self.have[item], n) for item, n in d.needs]
        tags, country, grams = d.all_tags, d.country, d.grams
        cold, hazmat, outlet = "cold" in tags, "hazmat" in tags, d.channel == "outlet"
        gold, dear = d.customer_tier == "gold", (d.value_minor or 0) >= 50_000
        best: tuple[int, int, int] = (10**18, 10**18, -1)
        for (
            i,
            online,
            main,
            has_cold,
            has_hazmat,
            land,
            ships_to,
            lead,
            rejections,
            room,
            warehouse,
            fixed,
        ) in self.nodes:
            if not online or not (main or outlet) or (cold and not has_cold) or (hazmat and not has_hazmat):
                continue
            if (land != country and country not in ships_to) or lead > 2 or rejections > 35 or room < d.units:
                continue
            if meters[i] > 4_000_000 or ((gold or dear) and not warehouse):
                continue
            if any(have[i] < n for have, n in needs):
                continue
            limits, prices = bands[i]
            at = bisect_left(limits, grams)
            if at < len(prices):
                ranked = (fixed + prices[at], meters[i], i)
                best = min(best, ranked)
        return best[2]


def whole_decision() -> None:
    """A decision with result and trace, against a straight loop that keeps neither, and against its own floor."""
    candidates: Timed = {}
    table: list[list[object]] = []
    demands = orders(400, 3, Rng(5))
    kept: dict[int, tuple[r.Router, r.Stock]] = {}
    for count in (50, 200):
        stock = figures(count, Rng(2))
        rule = r.Rule("one stop", require=TWELVE, prefer=(r.lowest_cost(), r.nearest()))
        split = r.Rule("split", require=r.has_stock(), prefer=(r.lowest_cost(), r.nearest()), stops_max=3)
        policy = r.Policy("p", (r.Route("all", (rule, split)),), otherwise=r.park("later"))
        router = r.Router(policy, network(count, Rng(4)))
        straight = Straight(router, stock)
        for d in demands:
            decision = router.route(d, stock)
            node = straight.route(d)
            assert node < 0 or decision.nodes == (router.grid.ids[node],)
        mine = [d for d in demands if straight.route(d) >= 0]
        kept[count] = router, stock
        repeats = len(demands) // len(mine) + 1
        mine = (mine * repeats)[: len(demands)]
        candidates[f"omscore, {count} nodes"] = lambda router=router, stock=stock, mine=mine: [  # type: ignore[misc]
            router.route(d, stock) for d in mine
        ]
        candidates[f"straight loop, {count} nodes"] = lambda straight=straight, mine=mine: [  # type: ignore[misc]
            straight.route(d) for d in mine
        ]
        candidates[f"omscore, plan, cost and trace read, {count} nodes"] = (
            lambda router=router, stock=stock, mine=mine: [  # type: ignore[misc]
                (decision.plan, decision.cost, decision.trace) for decision in [router.route(d, stock) for d in mine]
            ]
        )
        pairs = [(d, router.case(d, stock)) for d in mine]
        screen = router.compiled.rules[0][0].screen
        candidates[f"floor: the masks alone, {count} nodes"] = lambda pairs=pairs, screen=screen: [  # type: ignore[misc]
            screen(d, x) for d, x in pairs
        ]
    times = rounds(candidates, len(demands))
    print("a whole decision, 3 lines, 12 rules, cheapest node, with result and trace")
    print(text_table(["", "us per order", "x omscore, 50 nodes"], rows(times, "omscore, 50 nodes")))
    for count in (50, 200):
        ours, loop = times[f"omscore, {count} nodes"], times[f"straight loop, {count} nodes"]
        read = times[f"omscore, plan, cost and trace read, {count} nodes"]
        gains = [statistics.median(b / a for a, b in zip(mine_, loop, strict=True)) for mine_ in (ours, read)]
        print(f"{count} nodes: {gains[0]:.1f}x a straight loop; {gains[1]:.1f}x with everything read")
    cold = []
    for d in orders(400, 3, Rng(6), places=400):
        router, stock = kept[50]
        start = time.process_time()
        router.route(d, stock)
        cold.append((time.process_time() - start) * 1e6)
    print(f"a place never seen before, 50 nodes: median {statistics.median(cold):.1f} us\n")
    router, stock = kept[50]
    decisions = [router.route(d, stock) for d in demands[:100]]
    told = rounds({"explain()": lambda: [decision.explain() for decision in decisions]}, 100)
    table = rows(told, "explain()")
    print("explain() at 50 nodes")
    print(text_table(["", "us per order", ""], table))


def main(parts: Sequence[Callable[[], None]] = (one_context, many_nodes, whole_decision)) -> None:
    """Print every table."""
    for part in parts:
        part()


if __name__ == "__main__":
    main()
