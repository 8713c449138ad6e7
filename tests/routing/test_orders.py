"""What live routing and what-if share: orders as demands, the ledger as stock, and what a plan takes."""

from datetime import UTC, datetime

import pytest

from omscore import routing as r
from omscore.inventory import Cell, MemoryBooks, Want, receive, reserve
from omscore.kernel import Address, Item, Money
from omscore.orders import Accepted, Captured, Customer, Draft, DraftLine, Event, UnitsMoved, fold

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
DRAFT = Draft(
    "web",
    "1001",
    "EUR",
    [
        DraftLine("1", "X", 5, Money(1_000, "EUR"), tags={"gift"}, group="set"),
        DraftLine("2", "Y", 1, Money(500, "EUR")),
    ],
    MONDAY,
    ship_to=Address("BE", postcode="9000"),
    service="express",
    customer=Customer("c-1", tier="gold", orders_before=4),
    deliver_by=datetime(2026, 3, 4, tzinfo=UTC),
    tags={"rush"},
)
ITEMS = {"X": Item("X", weight_grams=300, tags={"fragile"}, category="kitchen")}
ACCEPTED: tuple[Event, ...] = (Captured("ord-1", DRAFT, MONDAY), Accepted(MONDAY))


def test_a_demand_says_all_that_rules_may_ask_of_an_order() -> None:
    demand = r.demand_of(fold(ACCEPTED), ITEMS, excluded=("ghent",), attempts=2)
    assert demand is not None
    first, second = demand.lines
    assert (first.units, first.weight_grams, first.category, first.group) == (5, 300, "kitchen", "set")
    assert first.tags == {"fragile", "gift"}
    assert (second.weight_grams, second.category) == (0, "")
    assert (demand.id, demand.channel, demand.service, demand.value) == ("ord-1", "web", "express", Money(5_500, "EUR"))
    assert (demand.placed_at, demand.promised_at) == (MONDAY, DRAFT.deliver_by)
    assert (demand.customer, demand.customer_tier, demand.earlier_orders) == ("c-1", "gold", 4)
    assert (sorted(demand.tags), sorted(demand.excluded), demand.attempts) == (["rush"], ["ghent"], 2)


def test_units_that_wait_for_stock_or_have_a_node_are_not_routed() -> None:
    moves = (("1", "open", "reserved", 2), ("1", "open", "backordered", 1), ("1", "open", "allocated", 1))
    order = fold(
        [*ACCEPTED, UnitsMoved(MONDAY, "test", moves), UnitsMoved(MONDAY, "x", (("2", "open", "allocated", 1),))]
    )
    demand = r.demand_of(order, ITEMS)
    assert demand is not None
    assert demand.needs == (("X", 3),)  # one open, two reserved
    done = fold([*ACCEPTED, UnitsMoved(MONDAY, "x", (("1", "open", "allocated", 5), ("2", "open", "backordered", 1)))])
    assert r.demand_of(done, ITEMS) is None


def test_stock_is_free_less_the_buffer_with_ones_own_and_without_the_units_of_others_or_of_pools() -> None:
    books = MemoryBooks()
    receive(books, {Cell("X", "A"): 10, Cell("X", "B", "marketplace"): 10, Cell("Y", "B"): 3}, cause="dock-1")
    reserve(books, "ord-1", [Want("X", 2)], cause="web-1")
    reserve(books, "ord-2", [Want("X", 3)], cause="web-2")
    demand = r.demand_of(fold(ACCEPTED))
    assert demand is not None
    stock = r.stock_of(books, demand, floors={Cell("X", "A"): 1})
    assert stock.items() == {("A", "X"): 6, ("B", "Y"): 3}


def test_a_plan_takes_only_what_is_there() -> None:
    plan = r.Plan(
        (
            r.Assignment("A", "1", "X", 2),
            r.Assignment("A", "2", "X", 1),
            r.Assignment("B", "1", "X", 1),
            r.Assignment("B", "1", "X", 4, backordered=True),
        )
    )
    assert r.shares_of(plan) == {"A": {"1": 2, "2": 1}, "B": {"1": 1}}
    assert r.cells_of(plan) == {Cell("X", "A"): 3, Cell("X", "B"): 1}


@pytest.mark.parametrize(
    ("units", "partial", "outcome", "committed"),
    [(5, "next", "assigned", True), (3, "ship", "partly_assigned", True), (3, "next", "unroutable", False)],
)
def test_what_is_assigned_is_carried_out(units: int, partial: str, outcome: str, committed: bool) -> None:
    rule = r.Rule("all", require=r.has_stock(), prefer=r.most_stock(), partial=partial)
    router = r.Router(r.Policy("p", (r.Route("all", (rule,)),)), r.Network([r.Node("A")]))
    decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X", 5)]), {("A", "X"): units})
    assert decision.outcome == outcome
    assert (r.plan_to_commit(decision) is not None) == committed


def test_a_review_is_carried_out_only_when_somebody_has_approved_it() -> None:
    rule = r.Rule("all", require=r.has_stock(), prefer=r.most_stock(), review_when=r.units > 0)
    router = r.Router(r.Policy("p", (r.Route("all", (rule,)),)), r.Network([r.Node("A")]))
    decision = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1})
    assert r.plan_to_commit(decision) is None
    assert r.plan_to_commit(decision, approved=True) == decision.plan
