"""What the users of today's systems rely on when they try rules on past orders, numbered as in the collection."""

from omscore import routing as r
from omscore import simulate
from omscore.inventory import Cell, Ledger

NETWORK = r.Network([r.Node("STORE", kind="store"), r.Node("WH")])


FULLEST = r.most_stock()


def policy(name: str, *rules: r.Rule) -> r.Policy:
    return r.Policy(name, (r.Route("all", rules),), otherwise=r.park("unfillable"))


def one_stop(name: str, *require: r.Requirement, prefer: r.Preference = FULLEST) -> r.Rule:
    return r.Rule(name, require=(*require, r.whole_order()), prefer=prefer)


WAREHOUSES = policy("warehouses", one_stop("warehouses", r.kind_is("warehouse")))
STORES_TOO = policy("stores too", one_stop("warehouses", r.kind_is("warehouse")), one_stop("all"))


def ledger(**units: int) -> Ledger:
    books = Ledger.in_memory()
    books.receive({Cell("SKU", node): n for node, n in units.items()}, key="dock-1")
    return books


def orders(n: int) -> list[r.Demand]:
    return [r.Demand(f"ord-{i:03}", [r.DemandLine("1", "SKU")]) for i in range(1, n + 1)]


def test_scenario_58_a_variation_that_places_ten_more_of_a_hundred_orders_shows_its_fill_and_the_difference() -> None:
    live = ledger(WH=80, STORE=10)
    before = list(live.export())
    baseline = simulate.run(WAREHOUSES, orders(100), NETWORK, live)
    variation = simulate.run(STORES_TOO, orders(100), NETWORK, live)
    compared = simulate.compare(baseline=baseline, variation=variation)
    assert [row["placed"] for row in compared.to_records()] == [80, 90]
    assert variation.summary()["fill"] == 0.9
    assert compared.delta("placed") == 10
    assert {m.how for m in compared.moved} == {"newly placed"}
    assert list(live.export()) == before


def test_scenario_58_an_order_that_moves_from_the_warehouse_to_the_store_shows_minus_one_and_plus_one() -> None:
    live = ledger(WH=1, STORE=1)
    to_store = policy("store first", one_stop("store", prefer=r.ranked_nodes("STORE")))
    compared = simulate.compare(
        baseline=simulate.run(WAREHOUSES, orders(1), NETWORK, live),
        variation=simulate.run(to_store, orders(1), NETWORK, live),
    )
    assert compared.by_node() == {"STORE": 1, "WH": -1}
    assert [str(m) for m in compared.moved] == ["ord-001: assigned at WH -> assigned at STORE"]


def test_scenario_58_only_the_order_that_waits_more_than_before_is_newly_waiting() -> None:
    live = ledger(WH=3, STORE=1)
    compared = simulate.compare(
        baseline=simulate.run(STORES_TOO, orders(5), NETWORK, live),
        variation=simulate.run(WAREHOUSES, orders(5), NETWORK, live),
    )
    waiting = {name: [f.order for f in run.fates if f.outcome == "parked"] for name, run in compared.runs.items()}
    assert waiting == {"baseline": ["ord-005"], "variation": ["ord-004", "ord-005"]}
    assert [m.order for m in compared.moved if m.how == "not placed any more"] == ["ord-004"]
    assert compared.delta("parked") == 1
