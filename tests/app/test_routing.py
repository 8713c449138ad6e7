"""Routing in the service: what is brought, rejected, promised, counted down, and decided together."""

from datetime import UTC, timedelta
from typing import Any

import pytest

import omscore as oms
from omscore import routing as r
from omscore.adapters import MemoryStore
from omscore.app._route import route
from omscore.errors import CommandRefused, InsufficientStock, InvalidValue, NotFound, TransitionNotAllowed
from omscore.inventory import Cell, Ledger, Want, expect, supplies
from omscore.kernel import GeoPoint, Item, ManualClock, Money
from omscore.orders import AddLine, Draft, DraftLine, Reduce
from omscore.oversight import ChannelProfile
from omscore.ports import Effect
from omscore.routing import sourcing
from omscore.testing.walkthrough import MONDAY
from tests.app.shop import HERE, Shop

STORE = r.Node("store", kind="store", point=GeoPoint(51.05, 3.72))
DEPOT = r.Node("depot", point=GeoPoint(51.22, 4.40))
MAKER = r.Node("maker", kind="vendor", drop_ships={"X"}, lead_days=3, online=False)


def brought(partial: str, *require: r.Requirement, **more: Any) -> tuple[r.Rule, ...]:
    return (r.Rule("here", require=require or (r.kind_is("store"),), prefer=r.nearest(), partial=partial, **more),)


def test_a_transfer_is_sent_with_the_decision_and_the_order_gets_it_on_arrival_before_anybody_else() -> None:
    shop = Shop(STORE, DEPOT, rules=brought("transfer"))
    shop.stock(store={"X": 1}, depot={"X": 2})
    shop.order("ord-1", "X", units=3)
    routed = shop.oms.route_order("ord-1")
    assert (routed.outcome, routed.nodes) == ("backordered", ("store",))
    assert "2 of X go from depot to store first" in routed.text
    planned = shop.oms.fulfillments("ord-1")[0]
    assert (planned.state, planned.lines[0].units, planned.lines[0].awaited) == ("planned", 3, 2)
    assert (shop.figures("X", "depot").free, shop.figures("X", "store").in_transit) == (0, 2)
    shop.sound()
    shop.order("ord-2", "X")  # waits, and gets nothing of what is another order's
    shop.oms.arrive(planned.transfers[0], {"X": 1}, key="dock-8")
    assert shop.oms.fulfillment(planned.id).state == "planned"
    shop.oms.arrive(planned.transfers[0], key="dock-9")
    assert shop.oms.fulfillment(planned.id).state == "open"
    assert str(shop.oms.order("ord-1")) == "<Order ord-1 accepted: allocated 3>"
    assert shop.oms.order("ord-2").totals.backordered == 1
    shop.oms.ship(planned.id, key="ship-1")
    shop.sound()


def test_a_transfer_that_is_lost_has_the_order_routed_again() -> None:
    shop = Shop(STORE, DEPOT, rules=brought("transfer"))
    shop.stock(depot={"X": 4})
    shop.order("ord-1", "X", units=2)
    shop.oms.route()
    first = shop.oms.fulfillments("ord-1")[0]
    shop.oms.lose_transfer(first.transfers[0], key="lost-1")
    assert shop.oms.fulfillment(first.id).state == "cancelled"
    again = shop.oms.route()[0]
    assert (again.attempt, again.before, again.outcome) == (2, 1, "backordered")
    shop.oms.arrive(shop.oms.fulfillments("ord-1")[1].transfers[0], key="dock-9")
    assert str(shop.oms.order("ord-1")) == "<Order ord-1 accepted: allocated 2>"
    shop.sound()


def test_what_a_cancelled_order_had_sent_stays_where_it_arrives_and_serves_the_next() -> None:
    shop = Shop(STORE, DEPOT, rules=brought("transfer"))
    shop.stock(depot={"X": 2})
    shop.order("ord-1", "X", units=2)
    shop.oms.route()
    planned = shop.oms.fulfillments("ord-1")[0]
    shop.oms.cancel("ord-1", {"1": 1}, key="less")
    assert shop.oms.fulfillment(planned.id).lines[0].awaited == 1
    shop.order("ord-2", "X")
    shop.oms.arrive(planned.transfers[0], key="dock-9")
    assert shop.oms.order("ord-1").totals.allocated == 1
    assert shop.oms.order("ord-2").totals.reserved == 1
    shop.sound()


def test_a_held_order_keeps_what_arrives_for_it_and_goes_on_when_the_hold_is_over() -> None:
    shop = Shop(STORE, DEPOT, rules=brought("transfer"))
    shop.stock(depot={"X": 1})
    shop.order("ord-1", "X")
    shop.oms.route()
    shop.oms.hold("ord-1", oms.Hold("fraud"), key="hold")
    shop.oms.arrive(shop.oms.fulfillments("ord-1")[0].transfers[0], key="dock-9")
    assert shop.oms.order("ord-1").totals.reserved == 1
    shop.oms.release("ord-1", "fraud", key="release")
    shop.oms.route()
    assert shop.oms.order("ord-1").totals.allocated == 1
    shop.sound()


def test_a_vendor_is_offered_what_it_drop_ships_and_sends_it_once_it_accepts() -> None:
    shop = Shop(STORE, MAKER, rules=brought("drop_ship", stops_max=2))
    shop.stock(store={"X": 1})
    shop.order("ord-1", "X", units=3)
    assert shop.oms.route()[0].nodes == ("maker", "store")
    (offer,) = shop.oms.offers("maker")
    assert (offer.state, offer.negotiation, offer.units) == ("planned", "offered", 2)
    shop.oms.accept(offer.id, key="yes-1")
    assert str(shop.oms.order("ord-1")) == "<Order ord-1 accepted: allocated 3>"
    shop.oms.ship(offer.id, key="ship-1")
    assert shop.figures("X", "maker").on_hand == 0
    assert shop.oms.offers("maker") == []
    shop.sound()


def test_a_vendor_that_rejects_or_says_nothing_in_time_is_left_out_and_the_next_is_asked() -> None:
    late = r.Node("late", kind="vendor", drop_ships={"*"}, answer_minutes=60, online=False)
    shop = Shop(late, MAKER, rules=brought("drop_ship", r.kind_is("warehouse")))
    shop.order("ord-1", "X")
    assert shop.oms.route()[0].nodes == ("late",)
    shop.clock.advance(minutes=61)
    shop.oms.tick()
    assert shop.oms.fulfillments("ord-1")[0].negotiation == "rejected"
    again = shop.oms.route()[0]
    assert (again.nodes, again.because) == (("maker",), "rejected by late: timeout")
    shop.oms.reject(shop.oms.offers("maker")[0].id, reason="closed", key="no-2")
    assert shop.oms.route()[0].outcome == "parked"
    assert shop.oms.order("ord-1").totals.backordered == 1
    shop.sound()


def test_a_substitute_is_an_edit_of_the_order_at_the_same_price() -> None:
    catalog = {sku: Item(sku, substitutes=["X2"] if sku == "X" else []) for sku in ("X", "X2", "Y")}
    rules = (r.Rule("here", require=r.whole_order(), prefer=r.nearest(), partial="substitute"),)
    shop = Shop(STORE, rules=rules, catalog=catalog)
    shop.stock(store={"X": 1, "X2": 5, "Y": 5})
    charges: dict[str, Any] = {"discount": Money(333, "EUR"), "shipping": Money(495, "EUR"), "tax": Money(77, "EUR")}
    before = shop.order("ord-1", "X", "Y", units=3, **charges)
    owed = oms.orders.due(before)
    assert shop.oms.route()[0].outcome == "assigned"
    order = shop.oms.order("ord-1")
    assert [(line.id, line.item, order.units[line.id].allocated) for line in order.lines] == [
        ("1", "X", 0),
        ("2", "Y", 3),
        ("1+s1", "X2", 3),
    ]
    assert oms.orders.due(order) == owed
    assert order.draft.line("1+s1").unit_price == Money(1000, "EUR")
    assert "Edited" in [type(logged.event).__name__ for logged in shop.oms.history("ord-1")]
    assert shop.figures("X", "store").free == 1
    shop.sound()


def test_a_line_that_wants_no_substitute_gets_none() -> None:
    catalog = {sku: Item(sku, substitutes=["X2"] if sku == "X" else []) for sku in ("X", "X2")}
    rules = (r.Rule("here", require=r.whole_order(), prefer=r.nearest(), partial="substitute"),)
    shop = Shop(STORE, rules=rules, catalog=catalog)
    shop.stock(store={"X2": 5})
    line = DraftLine("1", "X", 1, Money(1000, "EUR"), tags={"no_substitute"})
    draft = Draft("web", "1", "EUR", [line], MONDAY, ship_to=HERE, payment="paid")
    shop.oms.capture("web", draft, key="1", id="ord-1")
    assert shop.oms.route()[0].outcome == "parked"


@pytest.mark.parametrize(
    ("reason", "on_hand", "free"),
    [("not_in_stock", 0, 0), ("mismatch", 3, 3), ("damaged", 5, 3), ("display", 5, 3), ("no_time", 5, 5)],
)
def test_scenario_36_a_rejection_mends_the_figures_by_its_reason_and_the_item_goes_elsewhere(
    reason: str, on_hand: int, free: int
) -> None:
    shop = Shop(STORE, DEPOT, rules=(r.Rule("near", require=r.whole_order(), prefer=r.nearest()),))
    shop.stock(store={"X": 5}, depot={"X": 2})
    shop.order("ord-1", "X", units=2)
    assert shop.oms.route()[0].nodes == ("store",)
    shop.oms.reject("ord-1-f1", reason=reason, key="no-1")
    again = shop.oms.route()[0]
    assert (again.nodes, again.attempt, again.before) == (("depot",), 2, 1)
    assert f"rejected by store: {reason}" in shop.oms.explain("ord-1")
    assert "store is excluded for this order" in again.text
    figures = shop.figures("X", "store")
    assert (figures.on_hand, figures.free) == (on_hand, free)
    assert shop.oms.fulfillment("ord-1-f1").negotiation == "rejected"
    shop.sound()


def test_a_node_rejects_some_units_and_keeps_the_others() -> None:
    shop = Shop(STORE, DEPOT, rules=(r.Rule("near", require=r.has_stock(), prefer=r.nearest(), stops_max=2),))
    shop.stock(store={"X": 3}, depot={"X": 2})
    shop.order("ord-1", "X", units=3)
    shop.oms.route()
    with pytest.raises(CommandRefused, match="3 units left to work on, 4 cannot"):
        shop.oms.reject("ord-1-f1", {"1": 4}, reason="mismatch", key="no-0")
    with pytest.raises(InvalidValue, match="reason is one of"):
        shop.oms.reject("ord-1-f1", reason="dunno", key="no-0")
    shop.oms.reject("ord-1-f1", {"1": 1}, reason="mismatch", key="no-1")
    shop.oms.reject("ord-1-f1", {"1": 1}, reason="mismatch", key="no-1")  # a repeat does nothing
    assert shop.oms.route()[0].nodes == ("depot",)
    assert [f.units for f in shop.oms.fulfillments("ord-1")] == [2, 1]
    shop.oms.ship("ord-1-f1", key="ship-1")
    with pytest.raises(TransitionNotAllowed):
        shop.oms.reject("ord-1-f1", reason="closed", key="no-2")
    shop.sound()


def test_nothing_in_stock_moves_the_soft_holds_of_others_too() -> None:
    shop = Shop(STORE, DEPOT, rules=(r.Rule("near", require=r.whole_order(), prefer=r.nearest()),))
    shop.stock(store={"X": 3})
    for n in (1, 2, 3):
        shop.order(f"ord-{n}", "X")
    shop.oms.route_order("ord-1")
    shop.stock(depot={"X": 2})
    shop.oms.reject("ord-1-f1", reason="not_in_stock", key="no-1")
    assert [shop.oms.order(f"ord-{n}").totals.reserved for n in (1, 2, 3)].count(1) == 2
    shop.oms.route()
    assert sum(shop.oms.order(f"ord-{n}").totals.allocated for n in (1, 2, 3)) == 2
    shop.sound()


def test_a_node_that_rejects_in_a_blocking_way_is_left_alone_for_a_day() -> None:
    rule = r.Rule("near", require=(r.not_blocked(), r.whole_order()), prefer=r.nearest())
    shop = Shop(STORE, DEPOT, rules=(rule,))
    shop.stock(store={"X": 5}, depot={"X": 5})
    shop.order("ord-1", "X")
    shop.oms.route()
    shop.oms.reject("ord-1-f1", reason="closed", blocking=True, key="no-1")
    shop.order("ord-2", "X")
    assert [routed.nodes for routed in shop.oms.route()] == [("depot",), ("depot",)]
    shop.clock.advance(hours=24)
    shop.order("ord-3", "X")
    assert shop.oms.route()[0].nodes == ("store",)


def test_an_order_given_back_five_times_waits_for_a_person() -> None:
    nodes = [r.Node(f"n{n}") for n in range(6)]
    shop = Shop(*nodes, rules=(r.Rule("any", require=r.whole_order(), prefer=r.by_position()),))
    shop.stock(**{node.id: {"X": 1} for node in nodes})
    shop.order("ord-1", "X")
    for n in range(5):
        (routed,) = shop.oms.route()
        assert (routed.nodes, routed.attempt, routed.before) == ((f"n{n}",), n + 1, n)
        shop.oms.reject(f"ord-1-f{n + 1}", reason="no_time", key=f"no-{n}")
    assert shop.oms.order("ord-1").holds[0].text == "given back 5 times, last: rejected by n4: no_time"
    assert shop.oms.route()[0].outcome == "held"
    shop.sound()


@pytest.mark.parametrize("reason", sorted(r.REJECTIONS))
def test_all_nodes_of_an_order_may_give_it_back_before_it_is_routed_again(reason: str) -> None:
    nodes = [r.Node(f"n{n}") for n in range(7)]
    shop = Shop(*nodes, rules=(r.Rule("any", require=r.has_stock(), prefer=r.fewest_splits(), stops_max=7),))
    shop.stock(**{node.id: {"X": 1} for node in nodes})
    shop.order("ord-1", "X", units=7)
    shop.oms.route()
    for n, fulfillment in enumerate(shop.oms.fulfillments("ord-1")):
        shop.oms.reject(fulfillment.id, reason=reason, key=f"no-{n}")
        shop.sound()
    (hold,) = shop.oms.order("ord-1").holds
    assert (hold.code, hold.text) == ("routing_review", f"given back 5 times, last: rejected by n4: {reason}")
    totals = shop.oms.order("ord-1").totals
    assert totals.reserved + totals.backordered == 7
    assert all(f.state == "cancelled" for f in shop.oms.fulfillments("ord-1"))


def test_a_pickup_order_is_never_sent_from_elsewhere_when_its_node_rejects() -> None:
    shop = Shop(STORE, DEPOT)
    shop.stock(store={"X": 1}, depot={"X": 1})
    shop.order("ord-1", "X", extra={"pickup_node": "store"})
    assert shop.oms.route()[0].nodes == ("store",)
    shop.oms.reject("ord-1-f1", reason="mismatch", key="no-1")
    routed = shop.oms.route()[0]
    assert routed.outcome == "parked"
    assert "the order is to be fetched at store" in routed.text


def test_a_node_that_is_asked_answers_or_time_answers_for_it() -> None:
    asked = r.Node("asked", answer_minutes=30)
    shop = Shop(asked, r.Node("other"), rules=(r.Rule("any", require=r.whole_order(), prefer=r.by_position()),))
    shop.stock(asked={"X": 2}, other={"X": 2})
    shop.order("ord-1", "X")
    shop.order("ord-2", "X")
    shop.oms.route()
    assert [f.id for f in shop.oms.offers("asked")] == ["ord-1-f1", "ord-2-f1"]
    shop.oms.accept("ord-1-f1", key="yes-1")
    shop.clock.advance(minutes=31)
    shop.oms.tick()
    assert [routed.nodes for routed in shop.oms.route()] == [("other",)]
    assert shop.oms.fulfillment("ord-1-f1").state == "open"
    shop.sound()


def full(*more: r.Requirement, **rule: Any) -> tuple[r.Rule, ...]:
    return (r.Rule("near", require=(r.has_capacity(), r.whole_order(), *more), prefer=r.by_position(), **rule),)


def test_capacity_is_counted_down_with_the_commit_and_given_back() -> None:
    shop = Shop(r.Node("a", capacity_orders=1), r.Node("b", capacity_units=2), rules=full())
    shop.stock(a={"X": 9}, b={"X": 9})
    for n in (1, 2, 3, 4):
        shop.order(f"ord-{n}", "X", units=2 if n == 2 else 1)
    routed = shop.oms.route()
    assert [one.nodes for one in routed] == [("a",), ("b",), (), ()]
    assert "a can take 0 more units" in routed[2].text
    shop.oms.reject("ord-1-f1", reason="no_time", key="no-1")
    # ord-1 may not go back to a, and ord-3 or ord-4 takes its place there.
    assert sorted(one.nodes for one in shop.oms.route()) == [(), (), ("a",)]
    shop.oms.cancel("ord-2", key="cancel-2")
    assert ("b",) in [one.nodes for one in shop.oms.route()]
    shop.sound()


def test_a_full_node_has_room_again_in_the_next_slot_and_orders_that_waited_go_then() -> None:
    node = r.Node("a", capacity_minutes=30, minutes_per_order=10, minutes_per_unit=5, slot_hours=4)
    shop = Shop(node, rules=full())
    shop.stock(a={"X": 9})
    for n in (1, 2, 3):
        shop.order(f"ord-{n}", "X")
    assert [one.nodes for one in shop.oms.route()] == [("a",), ("a",), ()]
    assert shop.oms.route() == []
    shop.clock.advance(hours=3)  # from nine to noon, when the slot ends
    assert [one.nodes for one in shop.oms.route()] == [("a",)]


def test_a_rule_may_go_beyond_capacity() -> None:
    shop = Shop(
        r.Node("a", capacity_orders=1), rules=(*full(), r.Rule("more", require=r.whole_order(), over_capacity=True))
    )
    shop.stock(a={"X": 9})
    for n in (1, 2):
        shop.order(f"ord-{n}", "X")
    assert [one.nodes for one in shop.oms.route()] == [("a",), ("a",)]


def priced(a: int = 500, b: int = 510) -> tuple[r.Node, ...]:
    return (r.Node("a", parcel_cost=Money(a, "EUR")), r.Node("b", parcel_cost=Money(b, "EUR")))


def test_waiting_orders_are_decided_together_and_soft_holds_move_to_where_the_plan_wants_them() -> None:
    shop = Shop(*priced(), profiles={"amazon": ChannelProfile(commitment=timedelta(hours=24))})
    shop.stock(a={"X": 1, "Y": 1}, b={"X": 1})
    shop.order("ord-1", "X")  # holds a's unit
    shop.order("ord-2", "X", "Y")  # would have to be split, holding b's X and a's Y
    done = shop.oms.route_many()
    assert {one.order: one.nodes for one in done.routed} == {"ord-1": ("b",), "ord-2": ("a",)}
    assert done.report is not None
    assert (done.report.cost, done.report.gap, done.report.displaced) == (1010, 0.0, ())
    assert "decided together with 1 others" in shop.oms.explain("ord-2")
    shop.sound()


def test_an_order_that_rules_or_the_catalog_cannot_read_stops_nobody_who_is_decided_with_it() -> None:
    ready: list[bool] = []

    def on_a_shelf(node: r.Node, demand: Any) -> bool:
        return bool({"X": True}[demand.lines[0].item])

    class Shelf(dict[str, Item]):
        def get(self, sku: str, default: Any = None, /) -> Any:
            if sku == "Y" and ready:
                raise TimeoutError("the catalog is down")
            return Item(sku)

    shop = Shop(
        *priced(),
        rules=(r.Rule("one", require=r.own_requirement("shelf", on_a_shelf)),),
        catalog=Shelf(),
    )
    shop.stock(a={"X": 2, "Y": 2, "Z": 2})
    for id_, item in (("ord-1", "X"), ("ord-2", "Y"), ("ord-3", "Z"), ("ord-4", "X")):
        shop.order(id_, item)
    ready.append(True)
    done = shop.oms.route_many()
    assert {one.order: one.outcome for one in done.routed} == {
        "ord-1": "assigned",
        "ord-2": "failed",
        "ord-3": "failed",
        "ord-4": "assigned",
    }
    shop.sound()


def test_an_urgent_order_displaces_one_that_came_before_it_and_both_are_told() -> None:
    shop = Shop(*priced())
    shop.stock(a={"X": 1})
    shop.order("ord-1", "X")
    shop.clock.advance(hours=1)
    assert shop.order("ord-2", "X", channel="marketplace").totals.backordered == 1
    done = shop.oms.route_many()
    assert {one.order: one.outcome for one in done.routed} == {"ord-2": "assigned", "ord-1": "parked"}
    assert done.report is not None
    assert [(one.demand, one.by) for one in done.report.displaced] == [("ord-1", ("ord-2",))]
    assert "ord-2 got units it would have had, first come" in shop.oms.explain("ord-1")
    assert shop.oms.order("ord-1").totals.backordered == 1
    shop.sound()
    shop.stock(b={"X": 1})
    assert [(one.order, one.nodes) for one in shop.oms.route()] == [("ord-1", ("b",))]


def test_a_host_s_planner_decides_and_a_unit_lost_meanwhile_is_decided_again() -> None:
    shop = Shop(*priced())
    shop.stock(a={"X": 1}, b={"X": 1})
    shop.order("ord-1", "X")

    class Slow:
        def plan(self, backlog: sourcing.Backlog) -> sourcing.BacklogPlan:
            # While it thinks, somebody counts the shelf: the unit it will give is not there.
            shop.store.run(
                lambda txn: oms.inventory.count(txn, {Cell("X", "a"): 0}, cause="c", victims=oms.inventory.newest_first)
            )
            return sourcing.one_by_one(backlog)

    done = shop.oms.route_many(planner=Slow())
    assert done.routed[0].nodes == ("b",)
    assert [reason.code for reason in done.routed[0].lost] == ["routing.lost_race"]
    assert "lost a race: 1 of the 1 X planned at a were taken" in shop.oms.explain("ord-1")


def test_a_race_lost_at_the_commit_is_decided_again_a_few_times_and_then_put_off(monkeypatch: Any) -> None:
    real, left = r.carry_out, [2]

    def late(*args: Any, **kwargs: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise InsufficientStock([oms.errors.Shortage("X", 1, 0, "a")])
        return real(*args, **kwargs)

    monkeypatch.setattr("omscore.app._carry.carry_out", late)
    shop = Shop(*priced())
    shop.stock(a={"X": 2})
    shop.order("ord-1", "X")
    routed = shop.oms.route_order("ord-1")
    assert (routed.outcome, [reason.code for reason in routed.lost]) == ("assigned", ["stock.insufficient"] * 2)
    left[0] = 3
    shop.order("ord-2", "X")
    assert shop.oms.route_order("ord-2").outcome == "failed"
    shop.sound()


class Replica:
    """A transaction whose look at stock is of a moment ago; what it writes is checked against what is there."""

    def __init__(self, txn: Any, old: dict[str, Any]) -> None:
        self.txn, self.old = txn, old

    def __getattr__(self, name: str) -> Any:
        return getattr(self.txn, name)

    def cells_of(self, item: str) -> Any:
        return self.old[item]


class LateStore(MemoryStore):
    """A store where somebody else takes a unit between the look at stock and the commit, once for each node named."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.takes: list[str] = []

    def run(self, work: Any, *, write: bool = True) -> Any:
        if not self.takes:
            return super().run(work, write=write)
        node = self.takes.pop(0)
        old = {"X": super().run(lambda txn: list(txn.cells_of("X")))}
        taker = f"taker-{len(self.takes)}-{node}"
        super().run(lambda txn: oms.inventory.reserve(txn, taker, [Want("X", 1, nodes=(node,))], cause=taker))
        return super().run(lambda txn: work(Replica(txn, old)), write=write)


def racing(*rules: r.Rule, takes: list[str]) -> Shop:
    shop = Shop()
    shop.store = store = LateStore(shop.clock)
    policy = r.Policy("p", (r.Route("all", rules),), otherwise=r.park("later"))
    shop.oms = oms.Oms(store=shop.store, network=r.Network(r.Node(id_) for id_ in "abcd"), routing=policy)
    shop.stock(a={"X": 1}, b={"X": 1}, c={"X": 1}, d={"X": 1})
    shop.order("ord-1", "X")
    store.takes = takes
    return shop


def only(name: str, *nodes: str) -> r.Rule:
    return r.Rule(name, require=(r.whole_order(), r.node_is(*nodes)), prefer=r.ranked_nodes(*nodes))


def test_after_a_lost_race_the_same_rule_runs_again_on_what_is_there_then_and_that_is_told() -> None:
    shop = racing(only("first", "b", "c", "d"), takes=["b", "c"])
    routed = shop.oms.route_order("ord-1")
    assert (routed.outcome, routed.nodes) == ("assigned", ("d",))
    assert [(lost.code, lost.facts["rule"], lost.facts["nodes"]) for lost in routed.lost] == [
        ("stock.insufficient", "first", ["b"]),
        ("stock.insufficient", "first", ["c"]),
    ]
    told = "on what is there now all/first won again, with d instead of c"
    assert told in shop.oms.explain("ord-1")
    assert shop.oms.decision("ord-1").nodes == ("d",)
    shop.sound()


def test_where_the_rule_that_lost_finds_no_plan_any_more_the_one_that_wins_instead_is_told() -> None:
    shop = racing(only("first", "b"), only("second", "c"), takes=["b"])
    routed = shop.oms.route_order("ord-1")
    assert (routed.outcome, routed.nodes, len(routed.lost)) == ("assigned", ("c",), 1)
    assert "all/second won with c, where all/first had won with b" in routed.text
    none = racing(only("first", "b"), takes=["b"])
    assert none.oms.route_order("ord-1").outcome == "parked"
    assert "neither all/first, which had won, nor another rule finds a plan" in none.oms.explain("ord-1")


def test_of_orders_decided_in_one_transaction_only_the_one_that_lost_the_race_says_so() -> None:
    """While a surge lasts a region's orders are routed together; each is then tried alone."""
    shop = racing(only("first", "b", "c", "d"), takes=[])
    shop.order("ord-2", "X")
    assert isinstance(shop.store, LateStore)
    shop.store.takes = ["c"]  # ord-2 holds the unit at b
    done = shop.oms._routed(["ord-1", "ord-2"], route)
    assert {one.order: (one.nodes, len(one.lost)) for one in done} == {"ord-1": (("d",), 1), "ord-2": (("b",), 0)}
    shop.sound()


def test_an_order_that_loses_three_races_is_put_off_and_tried_again_later() -> None:
    shop = racing(only("first", "b", "c", "d"), takes=["b", "c", "d"])
    routed = shop.oms.route_order("ord-1")
    assert (routed.outcome, [lost.facts["nodes"] for lost in routed.lost]) == ("failed", [["b"], ["c"], ["d"]])
    assert "lost 3 races for stock" in routed.text
    shop.clock.advance(minutes=6)
    assert [one.outcome for one in shop.oms.route()] == ["parked"]
    shop.sound()


def test_a_stored_decision_replays_and_explains_itself_as_it_did() -> None:
    shop = Shop(STORE, DEPOT, rules=(r.Rule("near", require=r.has_stock(), prefer=r.nearest(), stops_max=2),))
    shop.stock(store={"X": 2}, depot={"X": 5})
    shop.order("ord-1", "X", units=3)
    routed = shop.oms.route_order("ord-1")
    shop.stock(store={"X": 50})
    again = shop.oms.decision("ord-1")
    assert str(again.explain()) == routed.text
    assert again.nodes == routed.nodes
    assert (
        "A. Person" not in repr(routed.record.demand.destination.name) == "''"
        or not routed.record.demand.destination.name
    )
    with pytest.raises(NotFound):
        shop.oms.decision("ord-1", attempt=7)


def test_a_candidate_policy_decides_beside_the_live_one_and_nothing_comes_of_it() -> None:
    shop = Shop(*priced(), candidate=r.packs.saleor_high_stock())
    shop.stock(a={"X": 1}, b={"X": 5})
    shop.order("ord-1", "X")
    assert shop.oms.route()[0].nodes == ("a",)
    assert shop.oms.shadow is not None
    assert [str(moved) for moved in shop.oms.shadow.compare().moved] == ["ord-1: assigned at a -> assigned at b"]


def test_a_plan_that_nobody_reviewed_in_time_takes_the_desk_s_default_way() -> None:
    rule = r.Rule("near", require=r.whole_order(), prefer=r.by_position(), review_when=r.cost_gap_over("1.00"))
    policy = r.Policy("p", (r.Route("all", (rule,)),), review=r.ReviewDesk("desk", hours=4))
    shop = Shop(r.Node("a", parcel_cost=Money(900, "EUR")), r.Node("b", parcel_cost=Money(500, "EUR")), routing=policy)
    shop.stock(a={"X": 1}, b={"X": 1})
    shop.order("ord-1", "X")
    assert shop.oms.route()[0].outcome == "review"
    assert shop.oms.order("ord-1").holds[0].owner == "desk"
    shop.clock.advance(hours=4)
    shop.oms.tick()
    assert shop.oms.order("ord-1").totals.allocated == 1


def test_a_plan_that_nobody_reviewed_in_time_is_parked_where_the_desk_says_so() -> None:
    rule = r.Rule("near", require=r.whole_order(), prefer=r.by_position(), review_when=r.cost_gap_over("1.00"))
    desk = r.ReviewDesk("desk", hours=4, default="park")
    policy = r.Policy("p", (r.Route("all", (rule,)),), otherwise=r.park("unseen", days=2), review=desk)
    shop = Shop(r.Node("a", parcel_cost=Money(900, "EUR")), r.Node("b", parcel_cost=Money(500, "EUR")), routing=policy)
    shop.stock(a={"X": 1}, b={"X": 1})
    shop.order("ord-1", "X")
    shop.oms.route()
    shop.clock.advance(hours=4)
    shop.oms.tick()
    assert shop.oms.order("ord-1").holds == ()
    assert shop.oms.order("ord-1").totals.reserved == 1
    assert [i.text for i in shop.oms.exceptions()] == [
        "routing: parked after 1 attempts; nobody reviewed the plan in time"
    ]
    assert shop.oms.route() == []
    shop.clock.advance(days=2)
    assert shop.oms.route()[0].outcome == "review"
    shop.sound()


SERVICES = {"services": [r.Service("", transit=[(None, 2)])]}


def test_a_promise_is_kept_with_the_order_and_told_again_when_facts_change() -> None:
    told: list[Effect] = []

    class Notices:
        def notify(self, effect: Effect) -> None:
            told.append(effect)

    shop = Shop(STORE, DEPOT, network=SERVICES, keeps_promises=True, notifier=Notices())
    shop.stock(store={"X": 1})
    ask = shop.oms.promise({"X": 1}, HERE)
    order = shop.order("ord-1", "X")
    assert shop.oms.promised("ord-1").arrives_at == ask.arrives_at is not None
    shop.oms.route()
    assert shop.oms.promised("ord-1").arrives_at == ask.arrives_at
    soon = MONDAY + timedelta(days=3)
    shop.store.run(lambda txn: expect(txn, "po-1", "X", "depot", 5, soon))
    shop.oms.reject("ord-1-f1", reason="not_in_stock", key="no-1")
    again = shop.oms.promised(order.id)
    assert again.later
    assert again.because == "rejected by store: not_in_stock"
    assert str(again.arrives_at) == "2026-03-08 00:00:00+00:00"
    assert shop.oms.route()[0].because == "rejected by store: not_in_stock"
    shop.stock(depot={"X": 5})
    shop.oms.route()
    events = [logged.event for logged in shop.store.run(lambda txn: txn.events("promise", "ord-1"))]
    assert [event.because for event in events] == ["accepted", "rejected by store: not_in_stock", "stock arrived"]
    assert [event.later for event in events] == [False, True, False]
    shop.oms.deliver()
    assert [effect.topic for effect in told if effect.topic == "notify.delayed"] == ["notify.delayed"]


def test_a_supply_date_a_short_pick_a_count_and_an_edit_have_an_order_promised_anew() -> None:
    shop = Shop(STORE, DEPOT, network=SERVICES, keeps_promises=True)
    shop.stock(store={"X": 2, "Y": 1}, depot={"Y": 1})
    shop.order("ord-1", "X", "Y")
    shop.oms.route()
    first = shop.oms.promised("ord-1").arrives_at
    day = timedelta(days=1)
    assert shop.oms.expect("po-1", "X", "store", 5, MONDAY + 3 * day, key="po-1") == []
    (given,) = shop.oms.fulfillments("ord-1")
    shop.oms.count("store", {"X": 0}, key="count-1")
    assert shop.oms.promised("ord-1").because == "a count at store found too few"
    assert shop.oms.expect("po-1", "X", "store", 5, MONDAY + 9 * day, key="po-1 late") == ["ord-1"]
    assert shop.oms.expect("po-1", "X", "store", 5, MONDAY + 9 * day, key="po-1 again") == []
    late = shop.oms.promised("ord-1")
    assert late.because == "5 of X come to store on 2026-03-11 (po-1)"
    assert late.arrives_at is not None
    assert first is not None
    assert late.arrives_at - first == 9 * day
    shop.oms.edit("ord-1", [Reduce("1", 1)], why="not wanted", key="edit-1")
    shop.oms.short_pick(given.id, {"2": 1}, key="short-1")
    events = [logged.event for logged in shop.store.run(lambda txn: txn.events("promise", "ord-1"))]
    assert events[-1].because == "short pick at store"
    assert events[-1].arrives_at < late.arrives_at
    assert shop.oms.receive("store", {"X": 5}, supply="po-1", key="dock-9") == []
    assert shop.oms.promise({"X": 6}).arrives_at is None
    shop.sound()


def test_an_edit_has_what_still_waits_promised_anew() -> None:
    shop = Shop(STORE, network=SERVICES, keeps_promises=True)
    shop.stock(store={"X": 1})
    shop.order("ord-1", "X", units=2)
    assert shop.oms.promised("ord-1").arrives_at is None
    shop.oms.edit("ord-1", [Reduce("1", 1)], why="one is enough", key="edit-1")
    assert shop.oms.promised("ord-1").because == "edited"
    assert shop.oms.promised("ord-1").arrives_at is not None


def test_a_transfer_that_is_late_is_an_incident_and_one_that_is_not_is_none() -> None:
    shop = Shop(
        STORE, DEPOT, rules=brought("transfer"), network={"services": [r.Service("transfer", transit=[(None, 1)])]}
    )
    shop.stock(depot={"X": 1})
    shop.order("ord-1", "X")
    assert shop.oms.route()[0].outcome == "backordered"
    assert shop.oms.exceptions() == []
    shop.clock.advance(hours=49)
    (late,) = shop.oms.exceptions()
    assert (late.kind, late.owner, dict(late.context["items"])) == ("late_transfer", "warehouse", {"X": 1})
    assert "were to come to store" in late.text
    (given,) = shop.oms.fulfillments("ord-1")
    shop.oms.arrive(given.transfers[0], key="dock-9")
    assert [i.kind for i in shop.oms.exceptions()] == []


def promises(shop: Shop, order_id: str) -> list[Any]:
    return [logged.event for logged in shop.store.run(lambda txn: txn.events("promise", order_id))]


def test_a_transfer_that_is_late_takes_the_promise_with_it_and_its_arrival_gives_another() -> None:
    told: list[Effect] = []

    class Notices:
        def notify(self, effect: Effect) -> None:
            told.append(effect)

    services = [r.Service("transfer", transit=[(None, 1)]), *SERVICES["services"]]
    shop = Shop(
        STORE, DEPOT, rules=brought("transfer"), network={"services": services}, keeps_promises=True, notifier=Notices()
    )
    shop.stock(depot={"X": 1})
    shop.order("ord-1", "X")
    shop.oms.route()
    first = shop.oms.promised("ord-1")
    (given,) = shop.oms.fulfillments("ord-1")
    assert first.rests_until == given.comes_at is not None
    shop.clock.set(given.comes_at)
    shop.oms.tick()
    assert shop.oms.promised("ord-1") == first, "at the minute itself it is not late"
    shop.clock.advance(hours=49)
    for _ in range(2):
        shop.oms.tick()
    late = shop.oms.promised("ord-1")
    assert (late.arrives_at, late.was, [reason.code for reason in late.reasons]) == (
        None,
        first.arrives_at,
        ["promise.overdue"],
    )
    assert late.because.startswith("1 of X were to come to store by ")
    shop.oms.arrive(given.transfers[0], key="dock-9")
    again = shop.oms.promised("ord-1")
    assert again.because == "what it awaited has come to store"
    assert again.arrives_at is not None
    assert first.arrives_at is not None
    assert again.arrives_at > first.arrives_at
    assert [event.later for event in promises(shop, "ord-1")] == [False, True, False]
    shop.oms.deliver()
    assert [effect.topic for effect in told if effect.topic == "notify.delayed"] == ["notify.delayed"]
    shop.oms.ship(given.id, key="ship-1")
    shop.sound()


def test_a_transfer_that_is_lost_has_what_it_was_to_bring_promised_anew() -> None:
    services = [r.Service("transfer", transit=[(None, 1)]), *SERVICES["services"]]
    shop = Shop(STORE, DEPOT, rules=brought("transfer"), network={"services": services}, keeps_promises=True)
    shop.stock(depot={"X": 1})
    shop.order("ord-1", "X")
    shop.oms.route()
    assert shop.oms.promised("ord-1").arrives_at is not None
    (given,) = shop.oms.fulfillments("ord-1")
    shop.oms.lose_transfer(given.transfers[0], key="lost-1")
    assert shop.oms.promised("ord-1").arrives_at is None
    assert shop.oms.promised("ord-1").because == f"{given.id} gets less than was to come"


def test_supply_that_is_overdue_is_seen_by_tick_which_promises_anew_on_what_comes_next() -> None:
    shop = Shop(STORE, DEPOT, network=SERVICES, keeps_promises=True)
    day = timedelta(days=1)
    shop.oms.expect("po-1", "X", "store", 5, MONDAY + 2 * day, key="po-1")
    shop.oms.expect("po-2", "X", "depot", 5, MONDAY + 8 * day, key="po-2")
    shop.order("ord-1", "X")
    shop.order("ord-2", "Y")
    first = shop.oms.promised("ord-1")
    assert first.rests_until == MONDAY + 2 * day
    shop.clock.advance(days=2)
    shop.oms.tick()
    assert shop.oms.promised("ord-1") == first
    shop.clock.advance(minutes=1)
    for _ in range(3):
        shop.oms.tick()
    late = shop.oms.promised("ord-1")
    assert late.because == "5 of X were to come to store by 2026-03-04 09:00 UTC (po-1) and have not"
    assert (late.later, late.rests_until, len(promises(shop, "ord-1"))) == (True, MONDAY + 8 * day, 2)
    shop.clock.advance(days=7)
    shop.oms.tick()
    assert (shop.oms.promised("ord-1").arrives_at, shop.oms.promised("ord-1").rests_until) == (None, None)
    assert len(promises(shop, "ord-2")) == 1
    shop.oms.receive("depot", {"X": 5}, supply="po-2", key="dock-1")
    assert shop.oms.promised("ord-1").arrives_at is not None
    shop.clock.advance(days=1)
    shop.oms.tick()
    assert shop.oms.promised("ord-1").because == "stock arrived"


def test_what_was_to_arrive_by_now_and_has_not_left_is_promised_anew_and_what_has_left_is_not() -> None:
    shop = Shop(STORE, network=SERVICES, keeps_promises=True)
    shop.stock(store={"X": 3})
    for n in (1, 2, 3):
        shop.order(f"ord-{n}", "X")
    shop.oms.route(orders_max=2)
    shop.oms.ship("ord-1-f1", key="ship-1")
    first = shop.oms.promised("ord-1").arrives_at
    assert first is not None
    shop.clock.set(first)
    shop.oms.tick()
    assert [len(promises(shop, f"ord-{n}")) for n in (1, 2, 3)] == [1, 1, 1]
    shop.clock.advance(hours=1)
    for _ in range(2):
        shop.oms.tick()
    assert [len(promises(shop, f"ord-{n}")) for n in (1, 2, 3)] == [1, 2, 2]
    given, waits = shop.oms.promised("ord-2"), shop.oms.promised("ord-3")
    text = f"1 unit was to arrive by {first.astimezone(UTC):%Y-%m-%d %H:%M} UTC, not all of it has left"
    assert (given.arrives_at, given.because, given.reasons[0].code) == (None, text, "promise.missed")
    assert waits.because == text
    assert waits.arrives_at is not None
    assert waits.arrives_at > first
    shop.clock.advance(days=9)
    shop.oms.tick()
    assert [len(promises(shop, f"ord-{n}")) for n in (1, 2, 3)] == [1, 2, 3]


def test_what_leaves_without_a_date_is_given_one_and_what_leaves_in_time_keeps_its_own() -> None:
    told: list[str] = []

    class Notices:
        def notify(self, effect: Effect) -> None:
            told.append(effect.topic)

    shop = Shop(STORE, DEPOT, network=SERVICES, keeps_promises=True, notifier=Notices())
    shop.stock(store={"X": 3, "Y": 1}, depot={"Z": 1})
    shop.order("missed", "X")
    shop.order("late", "Y")
    shop.order("split", "X", "Z")
    shop.oms.route()
    first = shop.oms.promised("missed").arrives_at
    assert first is not None
    shop.clock.advance(days=1)
    shop.oms.ship("late-f1", key="ship-1")
    late = shop.oms.promised("late")
    assert late.because == "late-f1-s1 left store"
    assert late.arrives_at == first + timedelta(days=1), "two days from today"
    assert late.later
    shop.clock.set(first + timedelta(hours=1))
    shop.oms.tick()
    assert shop.oms.promised("missed").arrives_at is None
    shop.oms.ship("missed-f1", key="ship-2")
    found = shop.oms.promised("missed")
    assert (found.arrives_at, found.later) == (first + timedelta(days=3), False)
    assert found.because == "missed-f1-s1 left store"
    one, other = shop.oms.fulfillments("split")
    shop.oms.ship(one.id, key="ship-3")
    assert shop.oms.promised("split").arrives_at is None, "the rest has not left"
    shop.oms.ship(other.id, key="ship-4")
    assert shop.oms.promised("split").arrives_at == first + timedelta(days=3)
    shop.order("in time", "X")
    shop.oms.route()
    before = promises(shop, "in time")
    shop.oms.ship("in time-f1", key="ship-5")
    assert promises(shop, "in time") == before
    shop.oms.deliver()
    assert told.count("notify.delayed") == 3, "one for each that is later than it was told, or without a date"
    shop.sound()


def test_where_no_service_takes_a_known_time_what_leaves_has_no_date_either() -> None:
    shop = Shop(STORE, network={"services": [r.Service("express", transit=[(None, 1)])]}, keeps_promises=True)
    shop.stock(store={"X": 1})
    shop.order("ord-1", "X")
    shop.oms.route()
    assert shop.oms.promised("ord-1").arrives_at is None
    shop.oms.ship("ord-1-f1", key="ship-1")
    assert shop.oms.promised("ord-1").arrives_at is None
    shop.sound()


def test_goods_that_are_none_of_what_a_supply_announces_leave_it_as_it_was() -> None:
    shop = Shop(STORE, DEPOT)
    due = MONDAY + timedelta(days=3)
    shop.oms.expect("po-1", "X", "store", 5, due, key="po-1")
    for node, stock in (("store", {"Y": 5}), ("depot", {"X": 5})):
        with pytest.raises(CommandRefused, match=r"'po-1' announces 'X' at 'store'.*supply\.other"):
            shop.oms.receive(node, stock, supply="po-1", key="dock-1")
    assert shop.oms.available("Y") == {}
    shop.oms.receive("store", {"X": 2, "Y": 5}, supply="po-1", key="dock-1")
    (line,) = shop.store.run(lambda txn: supplies(txn, "X"))
    assert line.outstanding == 3, "what else came with it is none of it"
    shop.sound()


def test_what_no_order_could_be_promised_is_not_told_as_available() -> None:
    shop = Shop(STORE, DEPOT)
    shop.stock(store={"X": 5}, depot={"X": 3})
    ledger = Ledger(shop.store)
    ledger.repool({Cell("X", "store"): 4}, "marketplace", key="fence")
    assert shop.oms.available("X") == {"store": 1, "depot": 3}
    for changed, left in ((r.Node("depot", active=False), {"store": 1}), (r.Node("depot", online=False), {"store": 1})):
        after = oms.Oms(store=shop.store, network=r.Network([STORE, changed]))
        assert after.available("X") == left
    alone = oms.Oms(store=shop.store, network=r.Network([DEPOT]))
    assert alone.available("X") == {"depot": 3}, "a node that was closed promises nothing"
    order = shop.order("ord-1", "Y")
    more = AddLine(DraftLine("2", "X", 6, Money(100, "EUR")))
    assert shop.oms.preview(order.id, [more]).short == {"X": 2}
    assert shop.oms.edit(order.id, [more], key="edit-1").units["2"].backordered == 2, "as was said"
    shop.sound()


def test_the_host_says_what_only_it_knows() -> None:
    def facts(demand: r.Demand, now: Any) -> r.Facts:
        return r.Facts(weekly_sales={("a", "X"): 10, ("b", "X"): 1})

    rule = r.Rule("lasts", require=r.whole_order(), prefer=r.weeks_of_supply())
    shop = Shop(*priced(), rules=(rule,), facts=facts)
    shop.stock(a={"X": 5}, b={"X": 5})
    shop.order("ord-1", "X")
    assert shop.oms.route()[0].nodes == ("b",)


def test_round_robin_remembers_whom_it_chose_last() -> None:
    shop = Shop(*priced(), rules=(r.Rule("turns", require=r.whole_order(), prefer=r.round_robin()),))
    shop.stock(a={"X": 5}, b={"X": 5})
    for n in range(3):
        shop.order(f"ord-{n}", "X")
    assert [one.nodes for one in shop.oms.route()] == [("a",), ("b",), ("a",)]


def test_orders_that_wait_are_asked_again_when_a_buffer_changes() -> None:
    store = MemoryStore(clock=ManualClock(MONDAY))
    network = r.Network([STORE])
    strict = oms.Oms(store=store, network=network, buffers={Cell("X", "store"): 5})
    strict.receive("store", {"X": 5}, key="dock-1")
    draft = Draft("web", "1", "EUR", [DraftLine("1", "X", 1, Money(1000, "EUR"))], MONDAY, ship_to=HERE, payment="paid")
    assert strict.capture("web", draft, key="1", id="ord-1").totals.backordered == 1
    open_ = oms.Oms(store=store, network=network)
    assert open_.reconsider(["X"], why="buffer lowered", key="b-1") == ["ord-1"]
    assert open_.route()[0].because == "buffer lowered"
