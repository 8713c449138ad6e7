"""Planning takes time and the floor does not stand still: nobody waits for a search, and what changed is left out."""

from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import omscore as oms
from omscore.adapters import SqliteStore
from omscore.batching import BatchPlan, BinStock, CarrierCutOff, Limits, Scan, Shift, Tour
from omscore.testing.walkthrough import MONDAY
from tests.app.test_planning_the_floor import FLOOR, at, place, shop


class BusyFloor:
    """A floor of the host's own; once, when it is asked for lengths in the middle of a plan, something happens."""

    def __init__(self) -> None:
        self.do: Callable[[], object] | None = None

    @property
    def rules(self) -> tuple[str, ...]:
        return FLOOR.rules

    def __contains__(self, bin_id: object) -> bool:
        return bin_id in FLOOR

    def cover(self, bins: Iterable[str]) -> int:
        return FLOOR.cover(bins)

    def measure(self, rule: str = "exact") -> Callable[[int], int]:
        do, self.do = self.do, None
        if do is not None:
            do()
        return FLOOR.measure(rule)

    def tour(self, bins: Iterable[str], rule: str = "exact") -> Tour:
        return FLOOR.tour(bins, rule)


BUSY = BusyFloor()


def meanwhile(host: oms.Oms, do: Callable[[], object], limits: Limits | None = None, **more: Any) -> BatchPlan:
    BUSY.do = do
    made = host.plan_batches("ghent", limits or Limits(), **more)
    assert BUSY.do is None, "it happened"
    return made


def left_out(made: BatchPlan) -> dict[str, str]:
    return {refused.order: refused.reason.text for refused in made.refused if refused.reason.code == "batching.changed"}


def with_orders(*numbers: str, **parts: Any) -> oms.Oms:
    host = shop(**{"floors": {"ghent": BUSY}, **parts})
    for number in numbers:
        place(host, number, "MILK")
    return host


def test_others_write_to_the_store_while_a_plan_is_searched_for(tmp_path: Path) -> None:
    clock = oms.ManualClock(MONDAY)
    mine, another = (SqliteStore(tmp_path / "shop.db", clock=clock, patience_s=patience_s) for patience_s in (10, 0.2))
    host = with_orders("a", "b", store=mine)
    other = oms.Oms(store=another, network=oms.Network([oms.Node("ghent")]))
    with closing(mine), closing(another):
        made = meanwhile(host, lambda: other.receive("ghent", {"MILK": 7}, key="lorry"))
        assert [batch.orders for batch in made] == [("a-f1", "b-f1")]
        assert other.fulfillment("b-f1").batch == made.batches[0].id


def test_what_was_cancelled_while_it_was_planned_is_in_no_batch_and_the_rest_is_kept() -> None:
    host = with_orders("a", "b", "c")
    made = meanwhile(host, lambda: host.cancel("b", key="x"))
    (batch,) = made.batches
    assert batch.orders == ("a-f1", "c-f1")
    assert {line.order for line in batch.lines} == {"a-f1", "c-f1"}
    assert left_out(made) == {"b-f1": "b-f1 was changed and is cancelled: left for the next plan"}
    assert {row.order for row in host.pick_list(batch.id).rows} == {"a-f1", "c-f1"}
    assert host.fulfillment("b-f1").batch == ""


def test_the_walk_of_a_batch_is_drawn_anew_without_what_left_it() -> None:
    host = with_orders("near")
    place(host, "far", "RICE")
    made = meanwhile(host, lambda: host.cancel("far", key="x"), method="search", steps_max=10)
    (batch,) = made.batches
    assert batch.tour == FLOOR.tour(["cold-1"])
    assert made.distance_mm == batch.tour.length_mm
    assert made.lower_bound_mm is None, "what was proven of two orders is not proven of one"


def test_two_who_plan_at_once_put_nothing_into_two_batches() -> None:
    host = with_orders("a", "b", "c")
    inner: list[BatchPlan] = []
    made = meanwhile(host, lambda: inner.append(host.plan_batches("ghent", Limits(orders_max=2), fulfillments_max=2)))
    ours, theirs = ([id_ for batch in one for id_ in batch.orders] for one in (made, inner[0]))
    assert (ours, theirs) == (["c-f1"], ["a-f1", "b-f1"])
    assert left_out(made)["a-f1"] == f"a-f1 was put on list {inner[0].batches[0].id}: left for the next plan"
    assert {batch.id for batch in made}.isdisjoint(batch.id for batch in inner[0])
    assert host.plan_batches("ghent", Limits()).batches == ()


def test_what_was_begun_while_it_was_planned_again_stays_on_its_list() -> None:
    host = with_orders("a", "b")
    first = {batch.orders[0]: batch.id for batch in host.plan_batches("ghent", Limits(orders_max=1))}
    place(host, "c", "MILK")
    wrong = Scan("s-1", "no such code")
    made = meanwhile(host, lambda: host.scan(first["a-f1"], wrong), replan=True)
    assert [batch.orders for batch in made] == [("b-f1", "c-f1")]
    assert left_out(made) == {"a-f1": "a-f1 is on a list that was begun: left for the next plan"}
    assert [row.order for row in host.pick_list(first["a-f1"]).rows] == ["a-f1"]
    assert host.pick_list(first["b-f1"]).rows == ()


def test_a_plan_that_fails_takes_nothing_apart() -> None:
    host = with_orders("a")
    (kept,) = host.plan_batches("ghent", Limits())
    with pytest.raises(oms.InvalidValue, match="no line or item '9'"):
        meanwhile(host, lambda: host.cancel("a", {"9": 1}, key="x"), replan=True)
    assert [row.order for row in host.pick_list(kept.id).rows] == ["a-f1"]


def test_the_room_of_a_wave_is_given_away_once() -> None:
    host = with_orders("a", "b", "c")
    noon = [CarrierCutOff("noon", "standard", at(12), orders_max=2)]

    def another() -> None:
        host.plan_batches("ghent", Limits(), cutoffs=noon, fulfillments_max=1)

    made = meanwhile(host, another, cutoffs=noon, fulfillments_max=3)
    # The other took a; of the two places one is left, and it is b's.
    assert [batch.orders for batch in made] == [("b-f1",)]
    place(host, "d", "MILK")
    (late,) = [r for r in host.plan_batches("ghent", Limits(), cutoffs=noon).refused if r.order == "d-f1"]
    assert late.reason.code == "batching.no_wave"


def test_units_of_a_bin_are_promised_to_one_list() -> None:
    spread = {("ghent", "MILK"): (BinStock("cold-1", "MILK", 1), BinStock("cold-2", "MILK", 3))}
    host = with_orders("a", "b", "c", bins=spread)
    made = meanwhile(host, lambda: host.pick_list("c-f1"))
    # The list of c was printed at once and takes the one unit of the first bin; a was to have that one.
    rows = [row for batch in made for row in host.pick_list(batch.id).rows]
    taken = [(row.bin, row.order) for row in (*rows, *host.pick_list("c-f1").rows)]
    assert sorted(taken) == [("cold-1", "c-f1"), ("cold-2", "b-f1")]
    assert set(left_out(made)) == {"a-f1", "c-f1"}
    assert [batch.orders for batch in host.plan_batches("ghent", Limits())] == [("a-f1",)]


def test_a_shifts_plan_leaves_out_what_changed_and_keeps_its_times() -> None:
    host = with_orders("a", "b", "c", "d")
    BUSY.do = lambda: (host.cancel("a", key="x"), host.pick("c-f1", key="p"))
    made = host.plan_due("ghent", Limits(orders_max=2), Shift(MONDAY), steps_max=10)
    assert sorted(id_ for batch in made.plan for id_ in batch.orders) == ["b-f1", "d-f1"]
    assert set(left_out(made.plan)) == {"a-f1", "c-f1"}
    assert [task.batch for task in made.tasks] == [batch.id for batch in made.plan]
    assert host.fulfillment("a-f1").batch == host.fulfillment("c-f1").batch == ""


def test_plans_are_numbered_and_numbers_never_come_back() -> None:
    host = with_orders("a")
    (first,) = host.plan_batches("ghent", Limits())
    assert host.plan_batches("ghent", Limits()).batches == ()
    (again,) = host.plan_batches("ghent", Limits(), replan=True)
    place(host, "b", "MILK")
    assert [first.id, again.id, host.pick_list("b-f1").id] == ["ghent-w1-b1", "ghent-w2-b1", "ghent-w3-b1"]
