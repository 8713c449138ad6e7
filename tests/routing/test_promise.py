"""Dates before an order exists: where they come from, what makes them later, and when there is none."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omscore import routing as r
from omscore import samples
from omscore.inventory import Cell, Ledger, Supply, Want
from omscore.kernel import Address, GeoPoint, Money, WorkingCalendar

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
BRUSSELS = Address("BE", point=GeoPoint(50.85, 4.35))
ROAD = r.Service("standard", transit=[(60, 1), (None, 2)])
ANY_NODE = r.Policy(
    "any",
    (
        r.Route(
            "all",
            (
                r.Rule("one stop", require=(r.has_capacity(), r.whole_order()), prefer=r.nearest()),
                r.Rule("split", require=(r.has_capacity(), r.has_stock()), prefer=r.fewest_splits(), stops_max=3),
            ),
        ),
    ),
    otherwise=r.park("later"),
)


def ghent(**more: Any) -> r.Node:
    return r.Node("ghent", point=GeoPoint(51.05, 3.72), timezone="Europe/Brussels", **more)


def utrecht(**more: Any) -> r.Node:
    return r.Node("utrecht", point=GeoPoint(52.09, 5.12), timezone="Europe/Amsterdam", **more)


def ask(
    *nodes: r.Node,
    units: Mapping[tuple[str, str], int] | None = None,
    incoming: tuple[Supply, ...] = (),
    items: Mapping[str, int] | None = None,
    at: datetime = MONDAY,
    to: Address | None = BRUSSELS,
    service: str = "standard",
    policy: r.Policy = ANY_NODE,
    facts: r.Facts | None = None,
    services: tuple[r.Service, ...] = (ROAD,),
    calendars: Mapping[str, WorkingCalendar] | None = None,
    **more: Any,
) -> r.DeliveryPromise:
    network = r.Network(nodes, services=services, calendars=calendars or {})
    lines = [r.DemandLine(str(n), item, k) for n, (item, k) in enumerate((items or {"X": 1}).items(), 1)]
    return r.promise(
        lines,
        to,
        service,
        at,
        router=r.Router(policy, network),
        outlook=r.Outlook(units or {}, incoming),
        facts=facts or r.Facts(),
        **more,
    )


def codes(promise: r.DeliveryPromise) -> list[str]:
    return [reason.code.removeprefix("promise.") for reason in promise.reasons]


def test_what_is_in_stock_leaves_today_and_arrives_after_its_days_in_transit() -> None:
    promise = ask(ghent(cutoff="16:00"), units={("ghent", "X"): 3})
    assert promise.ships_on == date(2026, 3, 2)
    assert promise.arrives_on == date(2026, 3, 3)
    assert codes(promise) == ["in_stock", "transit"]
    assert promise.parts[0].distance_m == 49_420


def test_the_node_is_the_one_that_live_routing_would_choose() -> None:
    units = {("ghent", "X"): 3, ("utrecht", "X"): 9}
    promise = ask(ghent(), utrecht(), units=units)
    network = r.Network([ghent(), utrecht()], services=[ROAD])
    live = r.Router(ANY_NODE, network).route(promise.demand, units, now=MONDAY)
    assert [part.node for part in promise.parts] == list(live.nodes) == ["ghent"]


def test_what_comes_after_the_cut_off_of_its_own_zone_leaves_on_the_next_day() -> None:
    just_in_time = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # four in the afternoon in Brussels
    in_time = ask(ghent(cutoff="16:00"), units={("ghent", "X"): 1}, at=just_in_time)
    late = ask(ghent(cutoff="16:00"), units={("ghent", "X"): 1}, at=just_in_time + timedelta(minutes=1))
    assert in_time.ships_on == date(2026, 3, 2)
    assert late.ships_on == date(2026, 3, 3)
    assert "cutoff" not in codes(in_time)
    assert "cutoff" in codes(late)


def test_the_work_a_node_needs_can_make_it_miss_the_cut_off() -> None:
    promise = ask(ghent(cutoff="12:00", processing_hours=3), units={("ghent", "X"): 1})
    assert promise.ships_on == date(2026, 3, 3)
    assert codes(promise) == ["in_stock", "processing", "cutoff", "transit"]


def test_a_holiday_of_one_country_stops_its_nodes_only() -> None:
    kings_day = datetime(2026, 4, 27, 7, tzinfo=UTC)
    calendars = {
        "be": WorkingCalendar("Europe/Brussels", {"mon-fri": "08:00-18:00"}),
        "nl": WorkingCalendar("Europe/Amsterdam", {"mon-fri": "08:00-18:00"}, closed=[date(2026, 4, 27)]),
    }
    nodes = {"ghent": ghent(calendar="be"), "utrecht": utrecht(calendar="nl")}
    days = {
        id_: ask(node, units={(id_, "X"): 1}, at=kings_day, calendars=calendars).ships_on for id_, node in nodes.items()
    }
    assert days == {"ghent": date(2026, 4, 27), "utrecht": date(2026, 4, 28)}
    closed = ask(nodes["utrecht"], units={("utrecht", "X"): 1}, at=kings_day, calendars=calendars)
    assert "utrecht is closed on 2026-04-27 (promise.closed)" in str(closed)


def test_the_carrier_rests_on_its_own_days() -> None:
    friday = datetime(2026, 3, 6, 9, tzinfo=UTC)
    service = r.Service("standard", transit=[(None, 2)], calendar="carrier")
    calendars = {"carrier": WorkingCalendar("Europe/Brussels", {"mon-fri": "00:00-24:00"})}
    promise = ask(ghent(), units={("ghent", "X"): 1}, at=friday, services=(service,), calendars=calendars)
    assert promise.arrives_on == date(2026, 3, 10)
    assert codes(promise)[-1] == "carrier_rests"


def test_a_vendors_lead_days_come_before_the_parcel_leaves() -> None:
    promise = ask(ghent(lead_days=3), units={("ghent", "X"): 1})
    assert promise.ships_on == date(2026, 3, 5)
    assert "lead" in codes(promise)


def test_what_is_not_there_is_promised_from_the_first_supply_that_covers_it() -> None:
    incoming = (
        Supply("po-2", "X", "ghent", 5, datetime(2026, 3, 9, 8, tzinfo=UTC)),
        Supply("po-1", "X", "ghent", 1, datetime(2026, 3, 5, 8, tzinfo=UTC)),
    )
    promise = ask(ghent(), units={("ghent", "X"): 1}, incoming=incoming, items={"X": 4})
    assert promise.ships_on == date(2026, 3, 9)
    assert codes(promise) == ["in_stock", "supply", "supply", "transit"]
    assert "2 of X come to ghent on 2026-03-09 (po-2)" in str(promise)


def test_stock_at_another_node_comes_before_supply_that_is_still_to_come() -> None:
    incoming = (Supply("po-1", "X", "ghent", 5, datetime(2026, 3, 3, 8, tzinfo=UTC)),)
    promise = ask(ghent(), utrecht(), units={("utrecht", "X"): 1}, incoming=incoming)
    assert [part.node for part in promise.parts] == ["utrecht"]


def test_of_two_parcels_the_slower_one_gives_the_date() -> None:
    promise = ask(ghent(), utrecht(), units={("ghent", "X"): 1, ("utrecht", "Y"): 1}, items={"X": 1, "Y": 1})
    by_node = {part.node: part.arrives_at for part in promise.parts}
    assert promise.arrives_at == by_node["utrecht"]
    assert by_node["ghent"] is not None
    assert by_node["utrecht"] is not None
    assert by_node["ghent"] < by_node["utrecht"]


def test_a_node_that_is_full_today_has_room_again_tomorrow() -> None:
    full = ask(ghent(capacity_units=50), units={("ghent", "X"): 1}, facts=r.Facts(capacity_left={"ghent": 0}))
    assert full.ships_on == date(2026, 3, 3)
    assert codes(full) == ["in_stock", "capacity", "transit"]


def test_a_node_without_any_capacity_gives_no_date_and_says_so() -> None:
    promise = ask(ghent(capacity_orders=0), units={("ghent", "X"): 1})
    assert promise.arrives_at is None
    assert codes(promise) == ["no_capacity"]
    assert promise.reasons[0].facts["nodes"] == ["ghent"]


def test_nothing_in_sight_gives_no_date_and_says_how_much_there_is() -> None:
    promise = ask(ghent(), units={("ghent", "X"): 2}, items={"X": 5})
    assert promise.arrives_at is None
    assert str(promise.reasons[0]) == "2 of 5 X are there or announced (promise.no_stock)"


def test_a_node_that_never_opens_within_the_horizon_gives_no_date() -> None:
    once = {"once": WorkingCalendar("Europe/Brussels", {}, special={date(2020, 1, 1): "09:00-17:00"})}
    promise = ask(ghent(calendar="once"), units={("ghent", "X"): 1}, calendars=once)
    assert promise.arrives_at is None
    assert promise.ships_on is None
    assert "no_calendar" in codes(promise)


def test_a_carrier_that_never_works_within_the_horizon_gives_no_date() -> None:
    once = {"once": WorkingCalendar("Europe/Brussels", {}, special={date(2020, 1, 1): "09:00-17:00"})}
    service = r.Service("standard", transit=[(None, 1)], calendar="once")
    promise = ask(ghent(), units={("ghent", "X"): 1}, services=(service,), calendars=once)
    assert promise.arrives_at is None
    assert promise.ships_on == date(2026, 3, 2)
    assert "no_calendar" in codes(promise)


@pytest.mark.parametrize("to", [None, Address("BE", postcode="1000")])
def test_without_coordinates_the_farthest_band_counts(to: Address | None) -> None:
    promise = ask(ghent(), units={("ghent", "X"): 1}, to=to)
    assert promise.arrives_on == date(2026, 3, 4)
    assert codes(promise) == ["in_stock", "no_coordinates", "transit"]


def test_a_service_that_does_not_reach_so_far_gives_no_date() -> None:
    near = r.Service("standard", transit=[(10, 1)])
    promise = ask(ghent(), units={("ghent", "X"): 1}, services=(near,))
    assert promise.arrives_at is None
    assert codes(promise) == ["in_stock", "not_served"]


def test_a_service_that_nobody_offers_gives_no_date_and_names_those_there_are() -> None:
    promise = ask(ghent(), units={("ghent", "X"): 1}, service="drone")
    assert promise.arrives_at is None
    assert "it has 'standard'" in str(promise)


def test_a_network_without_services_counts_no_days_of_travel_and_says_so() -> None:
    promise = ask(ghent(), units={("ghent", "X"): 1}, services=())
    assert promise.arrives_on == date(2026, 3, 2)
    assert codes(promise) == ["in_stock", "no_service"]


def test_an_empty_network_gives_no_date() -> None:
    assert codes(ask()) == ["no_nodes"]


def test_a_rule_that_refuses_every_node_gives_no_date_and_names_the_nodes() -> None:
    policy = r.Policy("near", (r.Route("all", (r.Rule("near", require=(r.whole_order(), r.within_km(10))),)),))
    promise = ask(ghent(), units={("ghent", "X"): 1}, policy=policy)
    assert promise.arrives_at is None
    assert codes(promise) == ["refused", "node_refused"]


def test_a_rule_that_only_ever_sends_a_part_gives_no_date() -> None:
    rule = r.Rule("a part", require=r.has_stock(), prefer=r.nearest(), partial="ship")
    policy = r.Policy("part", (r.Route("all", (rule,)),))
    units = {("ghent", "X"): 1, ("utrecht", "Y"): 1}
    promise = ask(ghent(), utrecht(), units=units, items={"X": 1, "Y": 1}, policy=policy)
    assert promise.arrives_at is None
    assert str(promise.reasons[0]).startswith("rule 'a part' gives 1 of 2 units to nodes and the rest no date")


def test_stock_at_a_node_that_is_not_active_counts_for_nothing() -> None:
    assert codes(ask(ghent(active=False), units={("ghent", "X"): 1})) == ["no_stock"]


def test_a_plan_that_a_person_reviews_counts_from_the_end_of_the_desks_hours() -> None:
    sign = r.first_order_over("10.00")
    policy = r.Policy(
        "careful",
        (r.Route("all", (r.Rule("one", require=r.whole_order(), prefer=r.nearest(), review_when=sign),)),),
        review=r.ReviewDesk("desk", hours=48),
    )
    more: dict[str, Any] = {"value": Money(5_000, "EUR"), "earlier_orders": 0}
    promise = ask(ghent(), units={("ghent", "X"): 1}, policy=policy, **more)
    assert promise.ships_on == date(2026, 3, 4)
    assert "review" in codes(promise)


def test_rules_see_what_is_known_of_the_order_to_come() -> None:
    policy = r.Policy(
        "by channel",
        (r.Route("wholesale", (r.Rule("one", require=r.whole_order()),), when=r.channel_is("wholesale")),),
    )
    assert ask(ghent(), units={("ghent", "X"): 1}, policy=policy, channel="wholesale").arrives_at is not None
    assert ask(ghent(), units={("ghent", "X"): 1}, policy=policy, channel="web").arrives_at is None


def test_a_ledger_promises_no_unit_that_somebody_else_waits_for() -> None:
    ledger = Ledger.in_memory(lambda: MONDAY)
    ledger.receive({Cell("X", "ghent"): 1}, key="dock-1")
    ledger.expect("po-1", "X", "ghent", 2, MONDAY + timedelta(days=2), key="po-1")
    ledger.expect("po-2", "X", "ghent", 2, MONDAY + timedelta(days=6), key="po-2")
    ledger.reserve("ord-1", [Want("X", 2)], key="web-1", policy="backorder")  # takes the one and waits for another
    router = r.Router(ANY_NODE, r.Network([ghent()], services=[ROAD]))

    def days(units: int) -> date | None:
        view = ledger.store.run(lambda books: r.outlook(books, ["X"]))
        return r.promise(
            [r.DemandLine("1", "X", units)], BRUSSELS, "standard", MONDAY, router=router, outlook=view
        ).ships_on

    assert days(1) == date(2026, 3, 4)
    assert days(2) == date(2026, 3, 8)
    assert days(4) is None


def test_supply_that_is_overdue_is_none_until_it_has_a_new_date() -> None:
    now = [MONDAY]
    ledger = Ledger.in_memory(lambda: now[0])
    ledger.expect("po-1", "X", "ghent", 2, MONDAY + timedelta(days=1), key="po-1")
    now[0] = MONDAY + timedelta(days=2)
    assert ledger.store.run(lambda books: r.outlook(books, ["X"])).incoming == ()


def test_ones_own_reservation_counts_when_a_promise_is_made_for_it() -> None:
    ledger = Ledger.in_memory(lambda: MONDAY)
    ledger.receive({Cell("X", "ghent"): 1}, key="dock-1")
    ledger.reserve("ord-1", [Want("X", 1)], key="web-1")
    for own, units in (("ord-1", 1), ("", 0)):
        view = ledger.store.run(lambda books, own=own: r.outlook(books, ["X"], reservation=own))  # type: ignore[misc]
        assert view.units["ghent", "X"] == units


def test_a_supply_that_is_late_gives_a_later_date_and_the_reason() -> None:
    router = r.Router(ANY_NODE, r.Network([ghent()], services=[ROAD]))
    first_due, new_due = datetime(2026, 3, 5, 8, tzinfo=UTC), datetime(2026, 3, 12, 8, tzinfo=UTC)
    coming = r.Outlook({}, [Supply("po-1", "X", "ghent", 5, first_due)])
    was = r.promise([r.DemandLine("1", "X")], BRUSSELS, "standard", MONDAY, router=router, outlook=coming)
    late = r.Outlook({}, [Supply("po-1", "X", "ghent", 5, new_due)])
    again = r.repromise(was, MONDAY + timedelta(days=1), router=router, outlook=late)
    assert (again.changed, again.later) == (True, True)
    assert (again.was.arrives_on, again.now.arrives_on) == (date(2026, 3, 6), date(2026, 3, 13))
    assert [str(reason) for reason in again.reasons] == ["1 of X comes to ghent on 2026-03-12 (po-1) (promise.supply)"]


def test_stock_that_came_in_gives_an_earlier_date_that_is_not_later() -> None:
    router = r.Router(ANY_NODE, r.Network([ghent()], services=[ROAD]))
    coming = r.Outlook({}, [Supply("po-1", "X", "ghent", 5, datetime(2026, 3, 5, 8, tzinfo=UTC))])
    was = r.promise([r.DemandLine("1", "X")], BRUSSELS, "standard", MONDAY, router=router, outlook=coming)
    again = r.repromise(was, MONDAY, router=router, outlook=r.Outlook({("ghent", "X"): 1}))
    assert (again.changed, again.later) == (True, False)


def test_the_same_facts_give_the_same_promise() -> None:
    router = r.Router(ANY_NODE, r.Network([ghent()], services=[ROAD]))
    view = r.Outlook({("ghent", "X"): 1})
    was = r.promise([r.DemandLine("1", "X")], BRUSSELS, "standard", MONDAY, router=router, outlook=view)
    again = r.repromise(was, MONDAY, router=router, outlook=view)
    assert again.now == was
    assert (again.changed, again.reasons) == (False, ())


def test_a_promise_is_plain_data_for_a_checkout_page() -> None:
    told = ask(ghent(), units={("ghent", "X"): 1}).to_dict()
    assert told["arrives_on"] == "2026-03-03"
    assert told["parts"][0]["units"] == {"1": 1}
    assert told["reasons"][0]["code"] == "promise.in_stock"


def test_of_the_sample_orders_the_promise_is_when_live_routing_would_have_them_arrive() -> None:
    network = samples.network()
    ledger, router = samples.ledger(network, seed=3), r.Router(r.packs.single_location(), samples.network())
    for order in samples.orders(60, seed=3):
        at = order.placed_at
        assert at is not None
        view = ledger.store.run(lambda books, order=order: r.outlook(books, [i for i, _ in order.needs]))  # type: ignore[misc]
        stock = ledger.store.run(lambda books, order=order: r.stock_of(books, order))  # type: ignore[misc]
        case = router.case(order, stock, now=at)
        live = router.decide(case)
        assert live.outcome == "assigned"
        arrivals = [case.arrives(network.index(node)) for node in live.nodes]
        promise = r.promise(order.lines, order.destination, order.service, at, router=router, outlook=view)
        assert promise.arrives_at == max(a for a in arrivals if a is not None)


PACKS = (
    r.packs.single_location,
    r.packs.value_threshold,
    r.packs.magento_distance,
    r.packs.hotwax_standard,
    r.packs.solidus_on_hand_first,
    r.packs.channel_sla,
)
NO_DATE = {"no_stock", "no_capacity", "no_calendar", "not_served", "no_service", "no_nodes", "only_part", "refused"}


@settings(max_examples=40)
@given(make=st.sampled_from(PACKS), seed=st.integers(0, 2**32), sized_for=st.integers(1, 30))
def test_a_promise_is_a_date_that_live_routing_keeps_or_says_why_there_is_none(
    make: Callable[[], r.Policy], seed: int, sized_for: int
) -> None:
    network = samples.network("usa-8")
    router, ledger = r.Router(make(), network), samples.ledger(network, seed=seed, orders=sized_for)
    for order in samples.orders(4, seed=seed, network="usa-8"):
        at = order.placed_at
        assert at is not None
        items = [item for item, _ in order.needs]
        view = ledger.store.run(lambda books, items=items: r.outlook(books, items))  # type: ignore[misc]
        promise = r.promise(
            order.lines, order.destination, order.service, at, router=router, outlook=view, channel=order.channel
        )
        assert set(codes(promise)) & NO_DATE or promise.arrives_at is not None
        assert promise.reasons
        live = router.route(promise.demand, view.units, now=at)
        if live.outcome == "assigned":
            assert [part.node for part in promise.parts] == list(live.nodes)
        for part in promise.parts:
            assert part.ready_at >= at
            assert promise.arrives_at is None or part.arrives_at is None or part.arrives_at <= promise.arrives_at
        given_units = sum(n for part in promise.parts for n in part.units.values())
        assert given_units == (order.units if promise.parts else 0)


@given(
    at=st.integers(0, 14 * 24 * 60),
    due=st.integers(0, 21 * 24 * 60),
    later=st.integers(0, 5 * 24 * 60),
    processing=st.integers(0, 12),
    lead=st.integers(0, 3),
)
def test_at_one_node_asking_later_or_getting_supply_later_never_gives_an_earlier_date(
    at: int, due: int, later: int, processing: int, lead: int
) -> None:
    node = ghent(cutoff="15:00", processing_hours=processing, lead_days=lead, calendar="be")
    calendars = {"be": WorkingCalendar("Europe/Brussels", {"mon-fri": "08:00-18:00"}, closed=[date(2026, 3, 11)])}

    def arrival(asked: int, comes: int) -> datetime:
        incoming = (Supply("po-1", "X", "ghent", 1, MONDAY + timedelta(minutes=comes)),)
        promise = ask(node, incoming=incoming, at=MONDAY + timedelta(minutes=asked), calendars=calendars)
        assert promise.arrives_at is not None
        return promise.arrives_at

    first = arrival(at, due)
    assert arrival(at + later, due) >= first
    assert arrival(at, due + later) >= first
