"""A host adds states, guards, checks, kinds of exceptions and figures; none of them can undo what the core keeps."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import omscore as oms
from omscore.errors import CommandRefused, Corrupt, DefinitionError, NotFound, Reason, TransitionNotAllowed
from omscore.inventory import Cell
from omscore.kernel import StateTable
from omscore.orders import GUARDED_VERBS, Cancelled, Finding, Order, UnitsMoved, Workflow, has_lines
from omscore.oversight import Facts, Incident, Kpi, measured
from omscore.testing.walkthrough import MONDAY, draft, up_to
from tests.app.gateways import Till

TABLE = StateTable("engraving", {"waiting": {"finish": "done", "skip": "done"}, "done": {"redo": "waiting"}})
CELL = Cell("SKU-1", "ghent")
ENGRAVING = Workflow("engraving", TABLE, {"waiting": ("pack", "ship", "cancel")})


def test_a_state_of_the_hosts_own_stops_what_it_says_and_nothing_else() -> None:
    at = up_to("allocated", workflows=(ENGRAVING,))
    assert at.shop.workflows("ord-1") == {"engraving": "waiting"}
    at.shop.pick("ord-1-f1", key="p-1")
    with pytest.raises(CommandRefused, match="engraving is waiting: finish or skip comes first"):
        at.shop.ship("ord-1-f1", key="s-1")
    with pytest.raises(CommandRefused, match=r"workflow\.engraving"):
        at.shop.cancel("ord-1", key="c-1")
    assert at.shop.order("ord-1").totals.picked == 2
    assert at.shop.advance("ord-1", "engraving", "finish", key="a-1") == "done"
    assert at.shop.advance("ord-1", "engraving", "finish", key="a-1") == "done"
    at.shop.ship("ord-1-f1", key="s-1")
    assert at.shop.order("ord-1").totals.shipped == 2
    with pytest.raises(TransitionNotAllowed):
        at.shop.advance("ord-1", "engraving", "finish", key="a-2")
    with pytest.raises(NotFound):
        at.shop.advance("ord-1", "painting", "finish", key="a-3")


def test_an_order_that_waits_for_a_state_is_routed_once_it_is_reached() -> None:
    flow = Workflow(
        "approval", StateTable("approval", {"asked": {"grant": "given"}, "given": {}}), {"asked": ["allocate"]}
    )
    at = up_to("accepted", workflows=(flow,))
    (routed,) = at.shop.route()
    assert (routed.outcome, "grant comes first" in routed.text) == ("failed", True)
    at.shop.advance("ord-1", "approval", "grant", key="a-1")
    assert [routed.outcome for routed in at.shop.route()] == ["assigned"]


def test_a_workflow_applies_to_the_orders_it_says() -> None:
    flow = Workflow("engraving", TABLE, ENGRAVING.stops, applies=lambda order: "engraved" in order.draft.tags)
    at = up_to("allocated", workflows=(flow,))
    assert at.shop.workflows("ord-1") == {}
    at.shop.ship("ord-1-f1", key="s-1")
    other = at.shop.capture("web", draft("2", tags={"engraved"}), key="c-2")
    assert at.shop.workflows(other.id) == {"engraving": "waiting"}


def test_the_next_actions_of_an_exception_name_the_hosts_own_commands() -> None:
    at = up_to("allocated", workflows=(ENGRAVING,))
    at.clock.advance(hours=3)
    (stuck,) = at.shop.exceptions()
    assert {"advance:engraving:finish", "advance:engraving:skip"} <= set(stuck.actions)


@pytest.mark.parametrize(
    ("stops", "says"),
    [
        ({"lost": ("ship",)}, "'lost' is none of waiting, done"),
        ({"waiting": ("deliver",)}, "'deliver' cannot be stopped"),
        ({"waiting": ("ship",), "done": ("ship",)}, "leads to no state that lets it go on"),
    ],
)
def test_a_workflow_that_could_stop_facts_or_never_lets_go_is_refused(stops: Any, says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        Workflow("engraving", TABLE, stops)


def test_a_guard_refuses_with_a_reason_and_nothing_has_happened() -> None:
    def office_hours(order: Order, verb: str, units: Mapping[str, int]) -> Iterable[Reason]:
        if verb == "ship" and sum(units.values()) > 1:
            yield Reason("dock.full", "one unit at a time today")

    at = up_to("packed", guards=(office_hours,))
    with pytest.raises(CommandRefused, match="one unit at a time today"):
        at.shop.ship("ord-1-f1", key="s-1")
    assert at.shop.order("ord-1").totals.packed == 2
    assert at.shop.deliver() == {"done": 0, "retried": 0, "parked": 0}


def test_no_guard_or_state_lets_an_unpaid_order_go() -> None:
    def nothing_to_say(order: Order, verb: str, units: Mapping[str, int]) -> Iterable[Reason]:
        return ()

    till = Till()
    till.declines = {"authorize"}
    at = up_to("accepted", payment="pending", gateway=till, guards=(nothing_to_say,), workflows=(ENGRAVING,))
    at.shop.deliver()
    at.shop.advance("ord-1", "engraving", "finish", key="a-1")
    assert [routed.outcome for routed in at.shop.route()] == []
    assert at.shop.route_order("ord-1").outcome == "held"
    assert at.shop.order("ord-1").totals.reserved == 2


VERBS = st.sampled_from(["pick", "pack", "ship", "cancel", "advance", "redo", "track", "route"])


@given(st.lists(VERBS, max_size=8), st.sets(st.sampled_from(GUARDED_VERBS)))
def test_whatever_states_and_guards_refuse_units_and_stock_add_up(verbs: list[str], refused: set[str]) -> None:
    def guard(order: Order, verb: str, units: Mapping[str, int]) -> Iterable[Reason]:
        if verb in refused:
            yield Reason("no", "not today")

    at = up_to("accepted", workflows=(ENGRAVING,), guards=(guard,))
    shop = at.shop
    for n, verb in enumerate(verbs):
        key = f"k-{n}"
        try:
            match verb:
                case "route":
                    shop.route()
                case "cancel":
                    shop.cancel("ord-1", key=key)
                case "advance" | "redo":
                    shop.advance("ord-1", "engraving", "finish" if verb == "advance" else "redo", key=key)
                case "track":
                    shop.track("ord-1-f1-s1", "delivered", key=key)
                case _:
                    getattr(shop, verb)("ord-1-f1", key=key)
        except oms.OmsError:
            pass
        order = shop.order("ord-1")
        totals = order.totals
        assert totals.ordered == 2
        gone = totals.shipped + totals.delivered
        figures = shop._store.run(lambda txn: txn.figures([CELL]), write=False)[CELL]
        assert figures.free + figures.reserved + figures.allocated + figures.picked + figures.packed == 5 - gone
        assert not (refused & {"ship"} and gone)


def test_a_check_of_the_hosts_own_stands_beside_the_others() -> None:
    def no_pallets(d: Any, items: Any) -> Iterable[Finding]:
        if d.units > 1:
            yield Finding("error", "pallet.too_many", "one at a time", "order twice")

    shop = oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")]), checks=(has_lines, no_pallets))
    assert shop.capture("web", draft(), key="c-1").state == "rejected"


def test_a_figure_of_the_hosts_own_is_a_fold_over_the_same_log() -> None:
    def cancelled(log: Iterable[Any]) -> Kpi:
        rows = list(log)
        moved = [row.event for row in rows if isinstance(row.event, UnitsMoved) and row.event.verb == "cancel"]
        whole = sum(isinstance(row.event, Cancelled) for row in rows)
        return Kpi("cancelled", sum(move[3] for event in moved for move in event.moves), 2 + whole, "units", "units")

    at = up_to("accepted", measures=(cancelled,))
    at.shop.cancel("ord-1", {"1": 1}, key="c-1")
    assert at.shop.kpis()["cancelled"].count == 1
    assert "fill" in at.shop.kpis()


def test_a_figure_of_the_hosts_own_that_fails_is_told_by_its_name_and_hides_no_other() -> None:
    def returned(log: Iterable[Any]) -> Kpi:
        raise ZeroDivisionError("no orders yet, says A. Person")

    def spent(log: Iterable[Any]) -> Any:
        return sum(1.5 for _ in log)

    def orders(log: Iterable[Any]) -> Kpi:
        return Kpi("orders", len({row.id for row in log if row.kind == "order"}), 1, "orders", "days")

    figures = up_to("accepted", measures=(returned, spent, orders)).shop.kpis()
    assert figures["fill"].percent == 100
    assert figures["orders"].count == 1
    assert figures["returned"].percent is None
    assert figures["returned"].failed == "ZeroDivisionError: no orders yet, says A. Person"
    assert figures["spent"].failed == "it gave a float, and a measure gives a Kpi"
    assert "A. Person" not in repr(figures), "a host's words may name a customer"


def test_a_log_that_cannot_be_read_is_no_fault_of_a_measure() -> None:
    def rotten() -> Iterator[Any]:
        raise Corrupt("row 7 does not add up")
        yield

    with pytest.raises(Corrupt):
        measured(lambda log: Kpi("rows", len(list(log)), 1, "rows", "logs"), rotten())


def test_a_kind_of_exception_of_the_hosts_own_has_legal_next_actions() -> None:
    def big(facts: Facts, now: datetime) -> Iterable[Incident]:
        yield Incident(f"big:{facts.order.id}", "big", facts.order.id, MONDAY, "call first")

    at = up_to("allocated", detectors=(big,))
    (incident,) = at.shop.exceptions()
    assert incident.due_at == MONDAY + timedelta(hours=24)
    assert "pick:ord-1-f1" in incident.actions
