"""What a run takes, what it leaves alone, and how it counts."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import omscore as oms
from omscore import routing as r
from omscore import samples, simulate
from omscore.errors import InvalidValue
from omscore.inventory import Buffer, Cell, Ledger, Want
from omscore.kernel import Address, GeoPoint, Item, Money
from omscore.orders import Accepted, Captured, Draft, DraftLine, Hold, HoldPlaced, Order, UnitsMoved, apply, fold

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOME = Address("BE", point=GeoPoint(51.0, 3.7))
NETWORK = r.Network(
    [
        r.Node("ghent", point=GeoPoint(51.05, 3.72), parcel_cost=Money(100, "EUR"), cutoff="16:00"),
        r.Node("liege", point=GeoPoint(50.63, 5.57), parcel_cost=Money(50, "EUR"), cutoff="16:00"),
    ],
    services=[
        r.Service(
            "standard",
            rates=[r.Rate(Money(500, "EUR"), grams_max=1_000), r.Rate(Money(900, "EUR"))],
            transit=[(50, 1), (None, 2)],
        )
    ],
)
NEAR = r.Policy(
    "near",
    (
        r.Route(
            "all",
            (
                r.Rule("one stop", require=r.whole_order(), prefer=r.nearest()),
                r.Rule("split", require=r.has_stock(), prefer=r.fewest_splits(), stops_max=2),
            ),
        ),
    ),
    otherwise=r.park("later"),
)


def stocked(units: Mapping[tuple[str, str], int], **more: Any) -> Ledger:
    ledger = Ledger.in_memory(lambda: MONDAY, **more)
    ledger.receive({Cell(item, node): n for (node, item), n in units.items()}, key="dock-1")
    return ledger


def demand(number: int, items: Mapping[str, int] | None = None, **more: Any) -> r.Demand:
    lines = [r.DemandLine(str(i), item, n) for i, (item, n) in enumerate((items or {"X": 1}).items(), 1)]
    values: dict[str, Any] = {"destination": HOME, "service": "standard", "placed_at": MONDAY} | more
    return r.Demand(f"ord-{number}", lines, **values)


def order(number: int, units: int = 1) -> Order:
    line = DraftLine("1", "X", units, Money(1_000, "EUR"))
    draft = Draft("web", str(number), "EUR", [line], MONDAY, ship_to=HOME)
    return fold([Captured(f"ord-{number}", draft, MONDAY), Accepted(MONDAY)])


def test_the_earlier_order_takes_the_last_unit_and_the_later_one_goes_elsewhere() -> None:
    ledger = stocked({("ghent", "X"): 1, ("liege", "X"): 1})
    result = simulate.run(NEAR, [demand(1), demand(2), demand(3)], NETWORK, ledger)
    assert [fate.nodes for fate in result.fates] == [("ghent",), ("liege",), ()]
    assert result["ord-3"].outcome == "parked"
    assert "ghent has 0 of 1 X" in result.trace("ord-2").why_not("ghent")


def test_the_live_ledger_stays_as_it_is() -> None:
    ledger = stocked({("ghent", "X"): 1})
    before = list(ledger.export())
    simulate.run(NEAR, [demand(1)], NETWORK, ledger)
    assert list(ledger.export()) == before


def test_buffers_are_kept_back_as_they_are_live() -> None:
    ledger = stocked({("ghent", "X"): 2, ("liege", "X"): 2}, buffers=[Buffer(units=2, node="ghent")])
    assert simulate.run(NEAR, [demand(1)], NETWORK, ledger)["ord-1"].nodes == ("liege",)


def test_an_orders_own_reservation_does_not_stand_in_its_way() -> None:
    ledger = stocked({("ghent", "X"): 1, ("liege", "X"): 1})
    ledger.reserve("ord-1", [Want("X", 1, nodes=("ghent",))], key="web-1")
    result = simulate.run(NEAR, [demand(2), demand(1)], NETWORK, ledger)
    assert [fate.nodes for fate in result.fates] == [("liege",), ("ghent",)]


def test_orders_and_demands_give_the_same_run() -> None:
    ledger = stocked({("ghent", "X"): 3})
    items = {"X": Item("X", weight_grams=700)}
    by_order = simulate.run(NEAR, [order(1), order(2, units=2)], NETWORK, ledger, items=items)
    demands = [r.demand_of(one, items) for one in (order(1), order(2, units=2))]
    by_demand = simulate.run(NEAR, [d for d in demands if d is not None], NETWORK, ledger)
    assert by_order.fates == by_demand.fates
    assert [fate.cost for fate in by_order.fates] == [Money(600, "EUR"), Money(1_000, "EUR")]


def test_an_order_that_is_held_or_done_has_nothing_to_route() -> None:
    held = apply(order(1), HoldPlaced(MONDAY, Hold("fraud")))
    done = apply(order(1), UnitsMoved(MONDAY, "allocate", (("1", "open", "allocated", 1),)))
    for one, outcome in ((held, "held"), (done, "nothing")):
        result = simulate.run(NEAR, [one], NETWORK, stocked({("ghent", "X"): 3}))
        assert result["ord-1"].outcome == outcome
        with pytest.raises(InvalidValue, match="no decision"):
            result.trace("ord-1")


def test_each_order_is_decided_at_the_moment_it_was_placed_unless_another_is_given() -> None:
    late = demand(1, placed_at=MONDAY + timedelta(hours=12), promised_at=MONDAY + timedelta(days=1, hours=15))
    ledger = stocked({("ghent", "X"): 1})
    at_its_time = simulate.run(NEAR, [late], NETWORK, ledger)["ord-1"]
    in_the_morning = simulate.run(NEAR, [late], NETWORK, ledger, now=MONDAY)["ord-1"]
    assert (at_its_time.on_time, in_the_morning.on_time) == (False, True)


def test_a_review_is_carried_out_when_the_desk_accepts_by_default_and_waits_otherwise() -> None:
    rule = r.Rule("one", require=r.whole_order(), prefer=r.nearest(), review_when=r.value > "1.00")

    def policy(default: str) -> r.Policy:
        return r.Policy("careful", (r.Route("all", (rule,)),), review=r.ReviewDesk(default=default))

    orders = [demand(1, value=Money(500, "EUR")), demand(2)]
    ledger = stocked({("ghent", "X"): 1})
    accepted = simulate.run(policy("accept"), orders, NETWORK, ledger)
    parked = simulate.run(policy("park"), orders, NETWORK, ledger)
    assert [fate.placed for fate in accepted.fates] == [True, False]
    assert [fate.placed for fate in parked.fates] == [False, True]
    assert accepted.summary()["reviews"] == parked.summary()["reviews"] == 1


def test_the_summary_counts_orders_parcels_and_what_they_cost() -> None:
    ledger = stocked({("ghent", "X"): 1, ("liege", "Y"): 1})
    orders = [demand(1, {"X": 1, "Y": 1}, promised_at=MONDAY + timedelta(days=9)), demand(2)]
    figures = simulate.run(NEAR, orders, NETWORK, ledger).summary()
    assert (figures["orders"], figures["placed"], figures["fill"], figures["parked"]) == (2, 1, 0.5, 1)
    assert (figures["parcels"], figures["splits"], figures["split_rate"]) == (2, 1, 1.0)
    assert str(figures["cost"]) == "11.50"
    assert figures["km"] == pytest.approx(143.0, abs=2)
    assert (figures["dated"], figures["on_time"]) == (1, 1.0)


def test_what_cannot_be_counted_is_none_and_never_zero() -> None:
    figures = simulate.run(NEAR, [demand(1, destination=None)], NETWORK, stocked({("ghent", "X"): 1})).summary()
    assert figures["placed"] == 1
    assert (figures["km_per_order"], figures["on_time"]) == (None, None)
    empty = simulate.run(NEAR, [], NETWORK, stocked({("ghent", "X"): 1})).summary()
    assert (empty["fill"], empty["unit_fill"], empty["cost_per_order"]) == (None, None, None)


def test_a_part_of_an_order_counts_as_a_part() -> None:
    rule = r.Rule("what there is", require=r.has_stock(), prefer=r.nearest(), stops_max=2, partial="ship")
    result = simulate.run(
        r.Policy("part", (r.Route("all", (rule,)),)), [demand(1, {"X": 3})], NETWORK, stocked({("ghent", "X"): 2})
    )
    figures = result.summary()
    assert (figures["placed"], figures["partly"], figures["units_placed"]) == (0, 1, 2)
    assert result.by_node()["ghent"] == {"orders": 1, "units": 2}


def test_an_order_that_an_error_stops_fails_alone_and_says_why() -> None:
    def not_for_the_first(node: r.Node, asked: r.Demand) -> bool:
        if asked.id == "ord-1":
            raise InvalidValue("nobody knows the item's 'hazard class'")
        return True

    policy = r.Policy("careful", (r.Route("all", (r.Rule("one", require=(not_for_the_first, r.whole_order())),)),))
    ledger = stocked({("ghent", "X"): 1, ("ghent", "Y"): 1})
    result = simulate.run(policy, [demand(1), demand(2, {"Y": 1})], NETWORK, ledger)
    assert [fate.outcome for fate in result.fates] == ["failed", "assigned"]
    assert "'hazard class'" in result["ord-1"].reason
    assert result.summary()["failed"] == 1


def test_units_in_lots_are_routed_like_others() -> None:
    ledger = Ledger.in_memory(lambda: MONDAY)
    ledger.receive({Cell("X", "ghent", "", "lot-1"): 1}, key="dock-1")
    assert [fate.outcome for fate in simulate.run(NEAR, [demand(1)], NETWORK, ledger).fates] == ["assigned"]


def test_an_order_given_twice_is_refused() -> None:
    with pytest.raises(InvalidValue, match="comes twice"):
        simulate.run(NEAR, [demand(1), demand(1)], NETWORK, stocked({("ghent", "X"): 1}))


def test_a_router_of_another_network_is_refused() -> None:
    with pytest.raises(InvalidValue, match="another network"):
        simulate.run(r.Router(NEAR, r.Network([r.Node("A")])), [], NETWORK, stocked({("ghent", "X"): 1}))


def test_a_store_that_cannot_fork_is_refused_with_the_way_out() -> None:
    class Rented:
        def run(self, work: Any, *, write: bool = True) -> Any:
            raise AssertionError

    with pytest.raises(InvalidValue, match="export it and import it"):
        simulate.run(NEAR, [], NETWORK, Ledger(Rented()))


def test_progress_is_told_after_each_order() -> None:
    told: list[int] = []
    orders = [demand(n) for n in range(3)]
    simulate.run(NEAR, orders, NETWORK, stocked({("ghent", "X"): 1}), progress=told.append)
    assert told == [1, 2, 3]


def test_a_map_leaves_out_places_without_coordinates() -> None:
    orders = [demand(1), demand(2, destination=None), demand(3, destination=Address("BE"))]
    drawing = str(simulate.run(NEAR, orders, NETWORK, stocked({("ghent", "X"): 3})).map())
    assert drawing.count("<circle") == 3  # two nodes and one order
    bare = simulate.run(NEAR, [demand(1)], r.Network([r.Node("A")]), stocked({("A", "X"): 1}))
    assert str(bare.map()).count("<circle") == 1


def test_a_run_decides_what_the_service_decides() -> None:
    network = samples.network()
    clock = oms.ManualClock(samples.START + timedelta(days=1))
    store = oms.MemoryStore(clock)
    policy = r.packs.value_threshold()
    shop = oms.Oms(store=store, network=network, routing=policy, catalog=dict(samples.items()))
    for node, item, n in [
        (cell.node, cell.item, figures.free)
        for cell, figures in samples.ledger(network, seed=5, orders=120).store.run(lambda books: books.cells())
    ]:
        shop.receive(node, {item: n}, key=f"dock {node} {item}")
    captured = [
        shop.capture(draft.channel, draft, key=f"k-{draft.external_id}", id=f"ord-{draft.external_id}")
        for draft in samples.drafts(120, seed=5)
    ]
    orders = [shop.order(one.id) for one in captured]
    result = simulate.run(policy, orders, network, Ledger(store), items=samples.items(), now=clock.now())
    live = {routed.order: (routed.outcome, routed.nodes) for routed in shop.route(orders_max=200)}
    assert len(live) > 90
    for id_, (outcome, nodes) in live.items():
        fate = result[id_]
        assert fate.outcome == outcome, id_
        if outcome != "review":
            assert (fate.nodes if fate.units_placed else ()) == nodes, id_
