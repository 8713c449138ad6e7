"""A rush is seen as it begins, worked off in larger steps with express first, and over only when it is over."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from omscore.adapters import MemoryStore
from omscore.app import Network, Oms
from omscore.batching import Limits, Mode, Modes
from omscore.errors import Busy, Reason
from omscore.kernel import Address, ManualClock, Rng, SequenceIds
from omscore.orders import Draft, Order
from omscore.oversight import SurgeChanged, SurgeRule
from omscore.ports import Transaction
from omscore.routing import Node
from omscore.testing.walkthrough import MONDAY, draft

RULE = SurgeRule(normal=4, period=timedelta(minutes=15))
# Orders in each quarter of an hour: normal, up to fifteen times normal, a dip, and back.
DAY = [4, 5, 8, 12, 40, 60, 60, 48, 6, 9, 5, 4, 4, 4]


class Counted(MemoryStore):
    writes = 0

    def run(self, work: Any, *, write: bool = True) -> Any:
        self.writes += write
        return super().run(work, write=write)


def shop(**ports: Any) -> tuple[Oms, ManualClock, Counted]:
    clock = ManualClock(MONDAY)
    store = Counted(clock)
    made = Oms(store=store, network=Network([Node("ghent")]), surge=RULE, ids=SequenceIds(), **ports)
    made.receive("ghent", {"SKU-1": 10_000}, key="dock")
    made.tick()
    return made, clock, store


def come_in(made: Oms, n: int, name: str, seed: int = 7) -> None:
    rng = Rng(seed)
    for i in range(n):
        service = "express" if rng.below(4) == 0 else "standard"
        country = ("BE", "NL", "DE")[rng.below(3)]
        made.capture("web", draft(f"{name}-{i}", service=service, ship_to=Address(country)), key=f"{name}-{i}")


def a_day(**ports: Any) -> list[Any]:
    made, clock, _ = shop(**ports)
    seen = []
    for n, orders in enumerate(DAY):
        come_in(made, orders, f"q{n}", seed=n)
        clock.advance(minutes=15)
        made.tick()
        routed = [one.order for one in made.route()]
        services = [made.order(id_).draft.service for id_ in routed]
        regions = [made.order(id_).draft.ship_to for id_ in routed]
        seen.append((made.surge().on, services, [place.country for place in regions if place]))
    return seen


def test_it_begins_above_twice_the_normal_rate_and_ends_after_two_calm_periods() -> None:
    day = a_day()
    assert [on for on, _, _ in day] == [False, False, False, *[True] * 8, False, False, False]
    assert day == a_day()


def test_while_it_lasts_express_orders_go_first_and_the_others_region_by_region() -> None:
    for on, services, regions in a_day():
        if on:
            first = services.count("express")
            assert services == ["express"] * first + ["standard"] * (len(services) - first)
            assert regions[:first] == sorted(regions[:first])
            assert regions[first:] == sorted(regions[first:])


def test_it_begins_within_a_period_that_has_too_many_already() -> None:
    made, clock, _ = shop()
    clock.advance(minutes=1)
    come_in(made, 8, "a")
    clock.advance(minutes=1)
    made.tick()
    assert not made.surge().on
    come_in(made, 1, "b")
    clock.advance(minutes=1)
    made.tick()
    assert made.surge().on
    assert made.surge().mode["routing"] == "in batches"


def test_it_is_in_the_log_and_the_observer_is_told() -> None:
    told: list[tuple[str, Any]] = []

    class Eyes:
        def saw(self, what: str, facts: Mapping[str, Any]) -> None:
            if what == "surge":
                told.append((what, facts["on"]))

    made, clock, store = shop(observer=Eyes())
    come_in(made, 40, "a")
    clock.advance(minutes=15)
    made.tick()
    clock.advance(hours=1)
    made.tick()

    def events(txn: Transaction) -> list[Any]:
        return [logged.event for logged in txn.events("surge", "shop")]

    begun, over = store.run(events, write=False)
    assert isinstance(begun, SurgeChanged)
    assert (begun.on, begun.orders, begun.normal, over.on) == (True, 40, 4, False)
    assert told == [("surge", True), ("surge", False)]


def test_many_orders_take_few_transactions_and_the_outcome_is_the_same() -> None:
    def routed(rule: SurgeRule | None) -> tuple[int, list[str]]:
        made, clock, store = shop()
        if rule is None:
            made = Oms(store=store, network=Network([Node("ghent")]))
        come_in(made, 60, "a")
        clock.advance(minutes=15)
        made.tick()
        before = store.writes
        made.route()
        spent = store.writes - before
        return spent, sorted(repr(made.order(id_).totals) for id_ in (order.id for order in made.orders("accepted")))

    rush, normal = routed(RULE), routed(None)
    assert rush[1] == normal[1]
    assert (rush[0], normal[0]) == (6, 60)


def test_an_order_that_cannot_be_routed_stops_nobody_of_its_group() -> None:
    def broken(order: Order, verb: str, units: Mapping[str, int]) -> Iterable[Reason]:
        if verb == "allocate" and order.draft.external_id == "a-3":
            yield Reason("no", "not this one")

    made, clock, _ = shop(guards=(broken,))
    come_in(made, 20, "a")
    clock.advance(minutes=15)
    made.tick()
    outcomes = [routed.outcome for routed in made.route()]
    assert (outcomes.count("assigned"), outcomes.count("failed")) == (19, 1)


def test_an_order_whose_region_nobody_can_tell_is_routed_with_those_of_none() -> None:
    def region(of: Draft) -> str:
        assert of.ship_to is not None
        return {"BE": "north", "DE": "east"}[of.ship_to.country]

    made, clock, _ = shop(region=region)
    come_in(made, 20, "a")
    clock.advance(minutes=15)
    made.tick()
    assert [routed.outcome for routed in made.route()] == ["assigned"] * 20


def test_a_crash_between_two_groups_loses_no_order() -> None:
    class Dies(Counted):
        left = -1

        def run(self, work: Any, *, write: bool = True) -> Any:
            self.left -= write
            if self.left == 0:
                raise Busy("gone")
            return super().run(work, write=write)

    clock = ManualClock(MONDAY)
    store = Dies(clock)
    made = Oms(store=store, network=Network([Node("ghent")]), surge=RULE, ids=SequenceIds())
    made.receive("ghent", {"SKU-1": 100}, key="dock")
    made.tick()
    come_in(made, 30, "a")
    clock.advance(minutes=15)
    made.tick()
    store.left = 4
    with pytest.raises(Busy):
        made.route()
    store.left = -1
    done = sum(order.totals.allocated > 0 for order in made.orders("accepted"))
    assert 0 < done < 30
    assert len(made.route()) == 30 - done
    assert all(order.totals.allocated == 2 for order in made.orders("accepted"))


def test_batches_are_made_within_a_region_while_it_lasts() -> None:
    modes = Modes(
        Mode(Limits(orders_max=50), "first_come"), Mode(Limits(orders_max=50, same=("region",)), "first_come")
    )
    made, clock, _ = shop()
    come_in(made, 40, "a")
    clock.advance(minutes=15)
    made.tick()
    made.route()
    for batch in made.plan_batches("ghent", modes).batches:
        places = [made.order(made.fulfillment(id_).order).draft.ship_to for id_ in batch.orders]
        assert len({place.country for place in places if place}) == 1
