"""What needs a person is seen in time, has an owner and legal ways on, and is counted when it is done."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

import omscore as oms
from omscore.adapters import MemoryStore
from omscore.inventory import Cell
from omscore.kernel import ManualClock
from omscore.oversight import ChannelProfile, Facts, Incident, IncidentRule, SurgeRule, surges
from omscore.ports import Effect
from omscore.returns import ReturnPolicy
from omscore.testing.walkthrough import MONDAY, draft, up_to
from tests.app.gateways import Till


class Desk:
    def __init__(self) -> None:
        self.down = False
        self.told: list[str] = []

    def notify(self, effect: Any) -> None:
        if self.down:
            raise TimeoutError
        self.told.append(effect.topic)


def kinds(shop: oms.Oms) -> list[str]:
    return [incident.kind for incident in shop.exceptions()]


def test_an_order_that_sits_for_more_than_two_hours_is_flagged_until_something_happens() -> None:
    at = up_to("allocated")
    at.clock.advance(hours=2)
    assert kinds(at.shop) == []
    at.clock.advance(seconds=1)
    (stuck,) = at.shop.exceptions()
    assert stuck.due_at == MONDAY + timedelta(hours=3)
    assert {"pick", "cancel", "pick:ord-1-f1"} <= set(stuck.actions)
    at.shop.pick("ord-1-f1", key="p-1")
    assert kinds(at.shop) == []


def test_a_held_order_is_its_owners_until_the_deadline_and_overdue_after_it() -> None:
    at = up_to("accepted")
    at.shop.hold("ord-1", oms.Hold("fraud", "risk", MONDAY + timedelta(hours=4)), key="h-1")
    at.clock.advance(hours=3)
    assert kinds(at.shop) == []
    at.clock.advance(hours=1)
    overdue = next(incident for incident in at.shop.exceptions() if incident.kind == "hold_overdue")
    assert overdue.owner == "risk"
    assert "release:fraud" in overdue.actions


def test_a_declined_payment_is_an_exception_with_a_way_on() -> None:
    till = Till()
    till.declines = {"authorize"}
    at = up_to("accepted", payment="pending", gateway=till)
    at.shop.deliver()
    (failed,) = at.shop.exceptions()
    assert (failed.kind, failed.owner, failed.context["amount"]) == ("payment_failed", "payments", 3998)
    assert "authorize" in failed.actions
    till.declines = set()
    at.shop.authorize("ord-1", key="again")
    at.shop.deliver()
    assert kinds(at.shop) == []


def test_an_effect_that_keeps_failing_ends_in_the_open_and_is_resolved_by_a_person() -> None:
    desk = Desk()
    desk.down = True
    at = up_to("accepted", notifier=desk)
    for _ in range(40):
        at.shop.deliver()
        at.clock.advance(minutes=31)
    parked = [incident for incident in at.shop.exceptions() if incident.kind == "effect_parked"]
    assert [incident.context["topic"] for incident in parked] == ["notify.confirmed", "notify.paid"]
    assert parked[0].context["attempts"] == 8
    at.shop.resolve(parked[0].id, note="called them", key="r-1")
    assert parked[0].id not in [incident.id for incident in at.shop.exceptions()]
    figure = at.shop.kpis()["incidents_resolved"]
    assert (figure.count, figure.of) == (1, 3)
    with pytest.raises(oms.NotFound):
        at.shop.resolve(parked[0].id, key="r-2")


def test_books_and_warehouses_that_take_nothing_are_exceptions_of_the_order_that_they_were_told_of() -> None:
    class Closed:
        def post(self, posting: object) -> None:
            raise oms.CarrierRejected("no such account")

        def pick(self, listed: object) -> None: ...

        def change(self, fulfillment: str, units: Mapping[str, int], version: int) -> None:
            raise oms.CarrierRejected("no such list")

    at = up_to("allocated", erp=Closed(), wms={"ghent": Closed()})
    at.shop.pick_list("ord-1-f1")
    at.shop.capture("web", draft("2", payment="pending"), key="c-2", id="ghent")
    at.shop.short_pick("ord-1-f1", {"1": 1}, key="short")
    at.shop.ship("ord-1-f1", key="s-1")
    at.shop.deliver()
    parked = [incident for incident in at.shop.exceptions() if incident.kind == "effect_parked"]
    assert {incident.context["topic"] for incident in parked} == {"erp.post", "wms.change"}
    assert {incident.order for incident in parked} == {"ord-1"}


def test_an_effect_of_which_nobody_can_tell_the_order_is_put_aside_and_stops_no_other() -> None:
    class Closed:
        def pick(self, listed: object) -> None: ...

        def post(self, *told: object) -> None:
            raise oms.CarrierRejected("no such account")

        change = post

    store = MemoryStore(ManualClock(MONDAY))
    shop = up_to("allocated", store=store, wms={"ghent": Closed()}).shop
    lost = Effect(
        "gone:1:wms.change", "wms.change", {"node": "ghent", "fulfillment": "gone", "units": {}, "version": 1}
    )
    odd = Effect("odd:erp.post", "erp.post", {"posting": None})
    store.run(lambda txn: txn.emit([lost, odd]))
    oms.Oms(store=store, network=oms.Network([oms.Node("ghent")]), erp=Closed(), wms={"ghent": Closed()}).deliver()
    parked = [(found.id, found.order) for found in shop.exceptions()]
    assert parked == [("effect_parked:gone:1:wms.change", ""), ("effect_parked:odd:erp.post", "")]


def test_shortages_unrouted_orders_and_late_ones_appear() -> None:
    at = up_to("accepted", stock=1)
    assert kinds(at.shop) == ["shortage"]
    late = at.shop.capture("web", draft("2", ship_by=MONDAY + timedelta(hours=1)), key="c-2")
    at.shop.receive("ghent", {"SKU-1": 9}, key="d-2")
    at.clock.advance(hours=1, seconds=1)
    assert [(i.kind, i.order) for i in at.shop.exceptions()] == [("late", late.id)]


def test_a_bad_address_is_customer_cares_from_the_start() -> None:
    at = up_to("accepted")
    bad = at.shop.capture("web", draft("2", ship_to=None), key="c-2")
    assert bad.state == "rejected"
    (incident,) = at.shop.exceptions()
    assert (incident.kind, incident.owner, incident.order) == ("bad_address", "customer care", bad.id)

    class Postman:
        def problems(self, address: oms.Address) -> list[str]:
            return ["no such house in Korenmarkt"]

    at = up_to("accepted", verifier=Postman())
    (doubted,) = at.shop.exceptions()
    assert (doubted.kind, doubted.due_at) == ("bad_address", at.order.holds[0].until)
    assert "release:review" in doubted.actions
    assert "Korenmarkt" not in repr(doubted)
    at.shop.release("ord-1", "review", key="r-1")
    assert kinds(at.shop) == []


def test_a_short_pick_is_an_exception_until_another_node_has_the_units() -> None:
    at = up_to("allocated", network=oms.Network([oms.Node("ghent"), oms.Node("liege")]), stock=2)
    at.shop.receive("liege", {"SKU-1": 5}, key="d-2")
    at.shop.short_pick("ord-1-f1", {"1": 1}, key="short-1")
    (short,) = at.shop.exceptions()
    assert (short.kind, short.owner, short.context["lines"]) == ("short_pick", "warehouse", {"1": 1})
    at.shop.route()
    assert kinds(at.shop) == []


@pytest.mark.parametrize("units", [None, {"1": 1}])
def test_work_that_a_node_sent_back_is_an_exception_until_another_has_it(units: dict[str, int] | None) -> None:
    at = up_to("allocated", network=oms.Network([oms.Node("ghent"), oms.Node("liege")]), stock=2)
    at.shop.receive("liege", {"SKU-1": 5}, key="d-2")
    at.shop.reject("ord-1-f1", units, reason="no_time", key="no-1")
    (back,) = at.shop.exceptions()
    assert (back.kind, back.owner) == ("node_rejected", "routing")
    at.shop.route()
    assert kinds(at.shop) == []


def test_a_parcel_that_no_carrier_scans_for_a_day_is_late() -> None:
    at = up_to("shipped")
    at.shop.deliver()
    at.clock.advance(hours=24, seconds=1)
    late = [incident for incident in at.shop.exceptions() if incident.kind == "late"]
    assert [incident.id for incident in late] == ["late:ord-1-f1-s1"]
    at.shop.track("ord-1-f1-s1", "in_transit", key="t-1")
    assert "late" not in kinds(at.shop)


def test_every_open_obligation_has_a_deadline_and_its_slack() -> None:
    till = Till()
    till.expires_at = MONDAY + timedelta(days=3)
    at = up_to(
        "accepted", payment="pending", gateway=till, profiles={"web": ChannelProfile(timedelta(hours=8), notices={})}
    )
    at.shop.deliver()
    at.shop.route()
    at.shop.offer("ord-1-f1", answer_by=MONDAY + timedelta(hours=1), key="o-1")
    owed = {one.what: one.slack for one in at.shop.obligations()}
    assert owed["answer ord-1-f1"] == timedelta(hours=1)
    assert owed["ship"] == owed["ship ord-1-f1"] == timedelta(hours=8)
    assert [slack for what, slack in owed.items() if what.startswith("capture ")] == [timedelta(days=3)]
    at.clock.advance(hours=2)
    assert [(one.what, one.slack) for one in at.shop.obligations(late=True)] == [
        ("answer ord-1-f1", timedelta(hours=-1)),
    ]


def owed(shop: oms.Oms, *what: str) -> dict[str, timedelta]:
    return {one.what: one.slack for one in shop.obligations() if one.what.split(" ")[0] in what}


def test_goods_that_are_to_come_back_and_money_that_is_to_be_given_back_are_owed_by_a_time() -> None:
    policy = ReturnPolicy(patience=timedelta(days=20), refund_within=timedelta(days=10))
    at = up_to("delivered", return_policy=policy, gateway=Till())
    at.shop.deliver()
    back = at.shop.open_return("ord-1", {"1": 1}, key="ret-1")
    assert owed(at.shop, "receive", "refund") == {f"receive {back.id}": timedelta(days=20)}
    at.clock.advance(days=2)
    at.shop.receive_return(back.id, key="ret-2")
    assert at.shop.order("ord-1").state == "closed"
    assert owed(at.shop, "receive", "refund") == {"refund": timedelta(days=10)}
    at.clock.advance(days=11)
    assert [(one.what, one.late) for one in at.shop.obligations("ord-1")] == [("refund", True)]
    at.shop.refund("ord-1", key="ret-3")
    assert owed(at.shop, "refund") == {"refund": timedelta(days=-1)}
    at.shop.deliver()
    assert at.shop.obligations() == []


@pytest.mark.parametrize("gateway", [None, Till()])
def test_money_of_a_cancelled_order_is_owed_until_it_is_given_back(gateway: Till | None) -> None:
    at = up_to("accepted", gateway=gateway)
    at.clock.advance(hours=1)
    at.shop.cancel("ord-1", refund=False, key="c-1")
    assert owed(at.shop, "refund") == {"refund": timedelta(days=14)}
    at.shop.refund("ord-1", key="r-1")
    for row in at.shop.payment("ord-1").transactions:
        at.shop.settle("ord-1", row.id, done=True, key=f"s-{row.id}")
    assert at.shop.obligations() == []


def test_a_return_that_ends_with_the_customer_owes_nothing() -> None:
    at = up_to("delivered")
    back = at.shop.open_return("ord-1", {"1": 1}, key="ret-1")
    at.shop.withdraw_return(back.id, key="ret-2")
    assert owed(at.shop, "receive", "refund") == {}


def test_a_host_adds_a_kind_of_its_own_with_its_own_owner() -> None:
    def big(facts: Facts, now: datetime) -> Iterable[Incident]:
        if facts.order.draft.units > 50:
            yield Incident(f"big:{facts.order.id}", "big", facts.order.id, now, "call the node first")

    rules = {"big": IncidentRule("wholesale", timedelta(minutes=30))}
    at = up_to("accepted", stock=100, detectors=(big,), incident_rules=rules)
    wish = draft("2")
    at.shop.capture("web", evolve(wish, lines=(evolve(wish.lines[0], units=60),)), key="c-2")
    (incident,) = at.shop.exceptions()
    assert (incident.owner, incident.due_at) == ("wholesale", MONDAY + timedelta(minutes=30))


def test_key_figures_state_what_they_are_out_of() -> None:
    at = up_to("delivered", stock=3)
    short = at.shop.capture("web", draft("2"), key="c-2")
    at.shop.route()
    at.shop.short_pick(at.shop.fulfillments(short.id)[0].id, {"1": 1}, key="short-1")
    figures = at.shop.kpis()
    assert (figures["fill"].count, figures["fill"].of) == (3, 4)
    assert (figures["oversell"].count, figures["oversell"].of) == (1, 3)
    assert (figures["pick_accuracy"].count, figures["pick_accuracy"].of) == (2, 3)
    assert all(figure.denominator for figure in figures.values())
    assert at.shop.kpis(since=MONDAY + timedelta(days=1))["fill"].percent is None


def test_a_small_day_has_the_key_figures_that_one_counts_by_hand() -> None:
    clock, desk = ManualClock(MONDAY), Desk()
    shop = oms.Oms(store=oms.MemoryStore(clock), network=oms.Network([oms.Node("ghent")]), notifier=desk)
    shop.receive("ghent", {"SKU-1": 6}, key="dock")
    wishes = {
        "a": draft("a", ship_by=MONDAY + timedelta(hours=1), deliver_by=MONDAY + timedelta(days=1)),
        "b": draft("b", ship_by=MONDAY + timedelta(hours=4), deliver_by=MONDAY + timedelta(days=1)),
        "c": draft("c", lines=(evolve(draft().lines[0], units=4),)),
    }
    for id_, wish in wishes.items():
        shop.capture("web", wish, key=id_, id=id_)  # two units of the last one are not there
    shop.deliver()  # confirmed and paid, three times each, at once
    clock.advance(minutes=10)
    assert [routed.outcome for routed in shop.route()] == ["assigned"] * 3
    clock.advance(minutes=20)
    shop.pick("a-f1", key="pick a")
    shop.short_pick("b-f1", {"1": 1}, key="short b")  # and nobody else has it: promised, and not there
    clock.advance(minutes=10)
    shop.pick("b-f1", key="pick b")
    shop.pack("a-f1", key="pack a")
    clock.advance(minutes=20)
    shop.ship("a-f1", key="ship a")  # at ten, just in time
    clock.advance(hours=4)
    shop.ship("b-f1", key="ship b")  # at two, an hour late
    clock.advance(hours=19)
    for id_ in ("a", "b"):
        shop.track(f"{id_}-f1-s1", "delivered", key=f"there {id_}")  # at nine, just in time
        clock.advance(microseconds=1)
    back = shop.open_return("a", {"1": 1}, key="back")
    shop.receive_return(back.id, key="came back")
    stuck = next(one for one in shop.exceptions() if one.kind == "stuck")
    assert (stuck.order, stuck.since) == ("c", MONDAY + timedelta(hours=2, minutes=10))
    shop.resolve(stuck.id, note="the node was asked", key="asked")
    shares = {name: (figure.count, figure.of) for name, figure in shop.kpis().items()}
    assert shares == {
        "oversell": (1, 6),  # of the units promised: 2 + 2 + 2, and one of them again
        "fill": (6, 8),  # of the units ordered: 2 + 2 + 4
        "split": (0, 3),
        "pick_accuracy": (3, 4),  # 2 + 1 picked, 1 not found
        "shipped_on_time": (1, 2),  # of the orders that shipped and had a time to
        "delivered_on_time": (1, 2),
        "returns": (1, 3),
        "notices_on_time": (6, 6),
        "cycle_captured_to_accepted": (3, 3),
        "cycle_accepted_to_allocate": (3, 3),
        "cycle_allocate_to_pick": (2, 3),
        "cycle_pick_to_pack": (2, 3),
        "cycle_pack_to_ship": (2, 3),
        "cycle_ship_to_deliver": (2, 3),
        "incidents_resolved": (1, 1 + len(shop.exceptions())),
    }
    minutes = {name: figure.median_s / 60 for name, figure in shop.kpis().items() if figure.median_s is not None}
    assert minutes == pytest.approx(
        {
            "cycle_captured_to_accepted": 0,
            "cycle_accepted_to_allocate": 10,
            "cycle_allocate_to_pick": 25,  # 20 and 30
            "cycle_pick_to_pack": 135,  # 10, and 260 of what was packed as it left
            "cycle_pack_to_ship": 10,  # 20 and 0
            "cycle_ship_to_deliver": (23 + 19) * 30,
            "incidents_resolved": 21 * 60 + 50,
        }
    )


def test_an_order_that_a_node_sends_back_whole_is_not_split() -> None:
    shop = oms.Oms(store=oms.MemoryStore(ManualClock(MONDAY)), network=oms.Network([oms.Node("a"), oms.Node("b")]))
    for node in ("a", "b"):
        shop.receive(node, {"SKU-1": 3}, key=node)
    shop.capture("web", draft(), key="c-1", id="ord-1")
    shop.route()
    shop.reject("ord-1-f1", reason="no_time", key="no-1")
    shop.route()
    assert (shop.kpis()["split"].count, shop.kpis()["split"].of) == (0, 1)
    shop.reject("ord-1-f2", {"1": 1}, reason="no_time", key="no-2")
    assert [one.node for one in shop.fulfillments("ord-1")] == ["a", "b"]


def test_notices_are_due_by_the_clock_on_a_weekend_and_at_midnight_too() -> None:
    clock = ManualClock(datetime(2026, 3, 7, 23, 59, tzinfo=UTC))  # a Saturday
    shop = oms.Oms(store=oms.MemoryStore(clock), network=oms.Network([oms.Node("ghent")]))
    shop.capture("web", draft(placed_at=clock.now()), key="c-1", id="ord-1")
    assert [(notice.notice, notice.due_at - clock.now()) for notice in shop.notices("ord-1")] == [
        ("confirmed", timedelta(minutes=2)),
        ("paid", timedelta(minutes=5)),
        ("routed", timedelta(minutes=15)),
        ("picking", timedelta(minutes=30)),
        ("shipped", timedelta(hours=2)),
        ("picked_up", timedelta(hours=4)),
        ("delivered", timedelta(hours=24)),
    ]


def test_a_detector_or_an_observer_that_fails_hides_nothing_and_undoes_nothing() -> None:
    class Blind:
        def saw(self, what: str, facts: Any) -> None:
            raise OSError("the disk of the log is full")

    def lost(facts: Facts, now: datetime) -> Iterable[Incident]:
        raise KeyError(facts.order.draft.ship_to)

    at = up_to("allocated", detectors=(lost,), observer=Blind())
    at.clock.advance(hours=3)
    stuck, failed = sorted(at.shop.exceptions(), key=lambda one: one.kind, reverse=True)
    assert (stuck.kind, failed.kind, failed.owner) == ("stuck", "detector_failed", "integration")
    assert "Korenmarkt" not in repr(failed)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"notices": {"confirmed": 5}}, "notice 'confirmed' is a positive timedelta, not 5"),
        ({"notices": {"confirmed": timedelta(minutes=-1)}}, "positive timedelta"),
        ({"notices": {"tea": timedelta(minutes=5)}}, "no notice is called tea"),
        ({"commitment": 48}, "commitment is a positive timedelta, not 48"),
        ({"unpaid_max": timedelta(0)}, "unpaid_max is a positive timedelta"),
        ({"priority": "high"}, "priority is a whole number, not 'high'"),
        ({"allowance_minor": -1}, "allowance_minor must be at least 0"),
        ({"buffers": {"SKU-1": 2}}, "buffers are of cells"),
        ({"buffers": {Cell("SKU-1", "ghent"): -2}}, "buffer of 'SKU-1' at 'ghent'"),
    ],
)
def test_a_profile_that_cannot_be_meant_is_refused_when_it_is_made(wrong: Any, says: str) -> None:
    with pytest.raises(oms.InvalidValue, match=says):
        ChannelProfile(**wrong)


def test_notices_follow_the_profile_and_say_whether_they_were_in_time() -> None:
    desk = Desk()
    at = up_to("accepted", notifier=desk, profiles={"web": ChannelProfile(notices={"confirmed": timedelta(minutes=2)})})
    at.clock.advance(minutes=3)
    assert [notice.status for notice in at.shop.notices(status="late")] == ["late"]
    at.shop.deliver()
    assert desk.told == ["notify.confirmed"]
    (notice,) = at.shop.notices("ord-1")
    assert (notice.status, notice.sent_at) == ("late", MONDAY + timedelta(minutes=3))
    assert at.shop.kpis()["notices_on_time"].percent == 0


def test_surge_mode_begins_above_twice_the_normal_rate_and_does_not_flicker() -> None:
    rule = SurgeRule(normal=40)
    day = [40, 80, 81, 500, 600, 70, 55, 79, 60, 60, 40]
    assert [state.on for state in surges(rule, day)] == [False, False, *([True] * 7), False, False]
    assert list(surges(rule, day)) == list(surges(rule, day))
