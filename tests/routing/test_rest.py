"""What a rule does about units that its nodes do not have: transfer, drop-ship, substitute, backorder."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from omscore import codec, simulate
from omscore import routing as r
from omscore.errors import DefinitionError, InvalidValue
from omscore.inventory import Cell, Ledger, MemoryLedgerStore, verify
from omscore.kernel import GeoPoint, Item, Money

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
NETWORK = r.Network(
    [
        r.Node("ANTWERP", point=GeoPoint(51.22, 4.40), lead_days=1),
        r.Node("GHENT", kind="store", point=GeoPoint(51.05, 3.72)),
        r.Node("LILLE", point=GeoPoint(50.63, 3.06)),
        r.Node("MAKER", kind="vendor", lead_days=3, drop_ships={"X", "Y"}),
    ],
    services=[r.Service("", transit=[(None, 1)]), r.Service("transfer", rates=[r.Rate(Money(200, "EUR"))])],
)


def rule(partial: str, *require: r.Requirement, **more: Any) -> r.Rule:
    words = require or (r.kind_is("store"),)
    return r.Rule("here", require=words, prefer=r.nearest(), partial=partial, **more)


def router(*rules: r.Rule, network: r.Network = NETWORK) -> r.Router:
    return r.Router(r.Policy("p", (r.Route("all", rules),), otherwise=r.park("later")), network)


def order(units: int = 3, **more: Any) -> r.Demand:
    return r.Demand("ord-1", [r.DemandLine("1", "X", units, weight_grams=500)], **more)


def test_a_transfer_brings_the_rest_from_the_nearest_nodes_and_says_by_when() -> None:
    stock = {("GHENT", "X"): 1, ("ANTWERP", "X"): 1, ("LILLE", "X"): 5}
    decision = router(rule("transfer")).route(order(), stock, now=MONDAY)
    assert decision.outcome == "backordered"
    assert decision.nodes == ("GHENT",)
    assert decision.plan is not None
    rows = [(a.node, a.units, a.how, a.origin, a.due_at) for a in decision.plan.assignments]
    assert rows == [
        ("GHENT", 1, "", "", None),
        ("GHENT", 1, "transfer", "ANTWERP", datetime(2026, 3, 4, tzinfo=UTC)),
        ("GHENT", 1, "transfer", "LILLE", datetime(2026, 3, 3, tzinfo=UTC)),
    ]
    assert decision.cost == Money(400, "EUR")  # two transfers by their own tariff; the parcel itself has none
    assert "1 of X go from ANTWERP to GHENT first, due 2026-03-04 00:00 UTC" in str(decision.explain())


def test_the_node_to_which_the_least_must_be_brought_is_chosen_and_that_is_said() -> None:
    near, far = ("GHENT", "X"), ("ANTWERP", "X")
    decision = router(rule("transfer", r.online())).route(order(), {near: 1, far: 2}, now=MONDAY)
    assert decision.nodes == ("ANTWERP",)
    assert decision.explain().margin == "decided by units that are not there: 1 against 2"


def test_who_may_bring_the_rest_is_a_requirement_of_its_own_and_its_floor_holds() -> None:
    stock = {("ANTWERP", "X"): 9, ("LILLE", "X"): 4}
    only = router(rule("transfer", rest_from=(r.keeps_stock(2), r.node_is("LILLE"))))
    fits = only.route(order(2), stock)
    assert fits.plan is not None
    assert [(a.origin, a.units) for a in fits.plan.assignments] == [("LILLE", 2)]
    assert only.route(order(3), stock).outcome == "parked"


def test_a_pickup_order_has_its_units_brought_to_the_node_where_it_is_fetched() -> None:
    decision = router(rule("transfer", r.online())).route(order(2, wished="LILLE", pickup=True), {("GHENT", "X"): 2})
    assert decision.plan is not None
    assert [(a.node, a.origin) for a in decision.plan.assignments] == [("LILLE", "GHENT")]


def test_a_vendor_drop_ships_the_rest_to_order_after_its_lead_days() -> None:
    decision = router(rule("drop_ship", stops_max=2)).route(order(), {("GHENT", "X"): 1}, now=MONDAY)
    assert decision.plan is not None
    rows = [(a.node, a.units, a.how, a.due_at) for a in decision.plan.assignments]
    assert rows == [("GHENT", 1, "", None), ("MAKER", 2, "drop_ship", datetime(2026, 3, 6, tzinfo=UTC))]


def test_where_no_split_is_allowed_the_vendor_sends_all_of_it() -> None:
    decision = router(rule("drop_ship")).route(order(), {("GHENT", "X"): 1})
    assert (decision.outcome, decision.nodes) == ("backordered", ("MAKER",))


def test_a_vendor_sends_only_what_it_sells_and_no_more_than_its_cap() -> None:
    asked = r.Demand("ord-1", [r.DemandLine("1", "Z")])
    assert router(rule("drop_ship")).route(asked, {}).outcome == "parked"
    capped = r.Facts(backorder={("MAKER", "X"): 2})
    assert router(rule("drop_ship")).route(order(2), {}, facts=capped).outcome == "backordered"
    assert router(rule("drop_ship")).route(order(3), {}, facts=capped).outcome == "parked"


def test_a_substitute_that_the_line_allows_is_sent_in_its_place_and_no_more_of_them_than_it_takes() -> None:
    lines = [r.DemandLine("1", "X", 2, substitutes=["X2", "X3"]), r.DemandLine("2", "Y", substitutes=["Y2"])]
    stock = {("GHENT", "X3"): 2, ("GHENT", "X"): 1, ("GHENT", "Y"): 1, ("GHENT", "Y2"): 1}
    decision = router(rule("substitute", r.whole_order())).route(r.Demand("ord-1", lines), stock)
    assert decision.outcome == "assigned"
    assert decision.plan is not None
    assert decision.plan.substitutes == (("1", "X", "X3"),)
    assert [(a.line, a.item, a.units) for a in decision.plan.assignments] == [("1", "X3", 2), ("2", "Y", 1)]
    told = decision.explain()
    assert "line 1: X3 in place of X" in str(told)
    assert told.to_dict()["rest"] == ["line 1: X3 in place of X"]
    assert "LILLE has 0 of 2 X" in told.why_not("LILLE")
    assert decision.demand.lines[0].item == "X"


def test_what_is_there_is_sent_before_any_substitute() -> None:
    lines = [r.DemandLine("1", "X", substitutes=["X2"])]
    decision = router(rule("substitute")).route(r.Demand("o", lines), {("GHENT", "X"): 1, ("GHENT", "X2"): 9})
    assert decision.plan is not None
    assert decision.plan.substitutes == ()


def test_a_backorder_is_dated_by_the_supply_that_covers_it_and_capped_by_item() -> None:
    coming = {("GHENT", "X"): ((MONDAY + timedelta(days=2), 1), (MONDAY + timedelta(days=5), 4))}
    decision = router(rule("backorder")).route(order(), {}, now=MONDAY, facts=r.Facts(incoming=coming))
    assert decision.plan is not None
    assert [(a.units, a.how, a.due_at) for a in decision.plan.assignments] == [
        (3, "backorder", MONDAY + timedelta(days=5))
    ]
    capped = r.Facts(incoming=coming, backorder={("GHENT", "X"): 2})
    assert router(rule("backorder")).route(order(), {}, facts=capped).outcome == "parked"


@pytest.mark.parametrize("partial", ["backorder", "transfer", "drop_ship", "substitute"])
def test_the_rest_is_data_and_decisions_about_it_replay(partial: str) -> None:
    ready = router(rule(partial, stops_max=2))
    assert r.Policy.from_json(ready.policy.to_json()) == ready.policy
    assert r.Policy.from_toml(ready.policy.to_toml()) == ready.policy
    lines = [r.DemandLine("1", "X", 3, substitutes=["X2"])]
    stock = r.Stock({("GHENT", "X"): 1, ("GHENT", "X2"): 3, ("LILLE", "X"): 9})
    facts = r.Facts(backorder={("GHENT", "X"): 9})
    decision = ready.route(r.Demand("ord-1", lines), stock, now=MONDAY, facts=facts)
    assert decision.plan is not None
    again = codec.standard().loads(codec.standard().dumps(decision.record()))
    stock.set("GHENT", "X2", 0)
    assert ready.replay(again) == ready.replay(decision.trace) == decision
    assert ready.replay(again).plan == decision.plan


def test_rest_from_without_a_rest_is_refused_with_its_place() -> None:
    bad = {"name": "p", "routes": [{"name": "a", "rules": [{"name": "r", "rest_from": [{"op": "online"}]}]}]}
    with pytest.raises(DefinitionError, match=r"^routes\[0\].rules\[0\]: .*rest_from needs partial"):
        r.Policy.from_dict(bad)
    with pytest.raises(InvalidValue, match="substitute for line '1'"):
        r.DemandLine("1", "X", substitutes=[r.DemandLine("2", "Y")])
    with pytest.raises(InvalidValue, match="substitutes are a list"):
        Item("X", substitutes="Y")


def test_a_run_sends_what_a_transfer_takes_so_that_nobody_is_promised_it_twice() -> None:
    ledger = Ledger(MemoryLedgerStore(lambda: MONDAY))
    ledger.receive({Cell("X", "LILLE"): 3}, key="dock-1")
    orders = [r.Demand(f"ord-{n}", [r.DemandLine("1", "X", 2)], placed_at=MONDAY) for n in (1, 2)]
    result = simulate.run(router(rule("transfer")).policy, orders, NETWORK, ledger)
    assert [(f.outcome, f.nodes, f.units_placed) for f in result.fates] == [
        ("backordered", ("GHENT",), 2),
        ("parked", (), 0),
    ]
    assert ledger.store.run(verify).ok
    assert ledger.availability("X").units == 3  # the live ledger is as it was


def test_minutes_of_work_are_counted_down_slot_by_slot() -> None:
    network = r.Network(
        [r.Node("A", capacity_minutes=30, minutes_per_order=10, minutes_per_unit=5, slot_hours=4), r.Node("B")]
    )
    policy = r.Policy(
        "p", (r.Route("all", (r.Rule("here", require=(r.has_capacity(), r.whole_order()), prefer=r.by_position()),)),)
    )
    ledger = Ledger(MemoryLedgerStore(lambda: MONDAY))
    ledger.receive({Cell("X", "A"): 9, Cell("X", "B"): 9}, key="dock-1")
    times = [MONDAY, MONDAY, MONDAY, MONDAY + timedelta(hours=4)]
    orders = [r.Demand(f"ord-{n}", [r.DemandLine("1", "X")], placed_at=at) for n, at in enumerate(times)]
    result = simulate.run(policy, orders, network, ledger)
    assert [fate.nodes for fate in result.fates] == [("A",), ("A",), ("B",), ("A",)]
    assert result.fates[2].decision is not None
    assert "can take 0 more units" in result.fates[2].decision.why_not("A")


def test_a_promise_counts_from_when_a_transfer_has_come_or_a_vendor_sends() -> None:
    def asked(partial: str, units: dict[tuple[str, str], int]) -> r.DeliveryPromise:
        lines = [r.DemandLine("1", "X", 2)]
        return r.promise(lines, None, "", MONDAY, router=router(rule(partial)), outlook=r.Outlook(units))

    brought = asked("transfer", {("LILLE", "X"): 2})
    # Monday's transfer is there by the end of Tuesday; Wednesday's parcel arrives on Thursday.
    assert (brought.parts[0].node, str(brought.ships_on), str(brought.arrives_on)) == (
        "GHENT",
        "2026-03-03",
        "2026-03-04",
    )
    assert brought.reasons[0].code == "promise.transfer"
    sent = asked("drop_ship", {})
    assert (sent.parts[0].node, str(sent.ships_on), str(sent.arrives_on)) == ("MAKER", "2026-03-05", "2026-03-06")
    assert sent.reasons[0].code == "promise.drop_ship"


def test_vendors_and_waiting_nodes_split_no_kit_no_undivided_line_and_no_group() -> None:
    vendors = [r.Node(id_, kind="vendor", drop_ships={"X", "Y"}) for id_ in ("v1", "v2")]
    caps = {("v1", "X"): 3, ("v2", "X"): 3, ("v1", "Y"): 1, ("v2", "Y"): 1}

    def given(*lines: r.DemandLine, partial: str = "drop_ship", **more: Any) -> list[tuple[str, str, int]] | str:
        rule = r.Rule("x", require=r.online(), prefer=r.by_position(), partial=partial, stops_max=2, **more)
        router = r.Router(r.Policy("p", (r.Route("all", (rule,)),)), r.Network(vendors))
        decision = router.route(r.Demand("ord-1", lines), {}, facts=r.Facts(backorder=caps))
        if decision.plan is None:
            return decision.outcome
        return [(one.node, one.item, one.units) for one in decision.plan.assignments]

    for partial in ("drop_ship", "backorder"):
        assert given(r.DemandLine("1", "X", 4), partial=partial) == [("v1", "X", 3), ("v2", "X", 1)]
        assert given(r.DemandLine("1", "X", 4, multiple=2), partial=partial) == [("v1", "X", 2), ("v2", "X", 2)]
        assert given(r.DemandLine("1", "X", 4), partial=partial, split_lines=False) == "unroutable"
        group = (r.DemandLine("1", "X", 3, group="set"), r.DemandLine("2", "Y", 1, group="set"))
        assert given(*group, partial=partial, keep_groups=True) == [("v1", "X", 3), ("v1", "Y", 1)]
        larger = (r.DemandLine("1", "X", 3, group="set"), r.DemandLine("2", "Y", 2, group="set"))
        assert len(given(*larger, partial=partial)) == 3
        assert given(*larger, partial=partial, keep_groups=True) == "unroutable"


def test_a_queue_that_cancels_and_never_ends_is_told_of() -> None:
    rule = r.Rule("x", require=r.whole_order(), prefer=r.most_stock())
    policy = r.Policy("p", (r.Route("all", (rule,)),), otherwise=r.park("later", then="cancel"))
    assert [(found.code, found.where) for found in r.lint(policy)] == [("never_cancelled", "otherwise")]
