"""Waves, groups, zones, orders for one item, planning again, and modes."""

from datetime import UTC, datetime

import pytest

from omscore.batching import (
    Bin,
    CarrierCutOff,
    Floor,
    Limits,
    Mode,
    Modes,
    PickLine,
    PickOrder,
    by_item,
    by_zone,
    group_lines,
    plan,
    replan,
    waves,
)
from omscore.errors import DefinitionError, InvalidValue

FLOOR = Floor.parallel(aisles=3, cells=6)


def at(hour: int) -> datetime:
    return datetime(2026, 3, 2, hour, tzinfo=UTC)


def order(name: str, *bins: str, lane: str = "parcel", due: datetime | None = None, priority: int = 0) -> PickOrder:
    lines = [PickLine(name, str(n), f"item-{b}", 1, b) for n, b in enumerate(bins or ("0-0",))]
    return PickOrder(name, lines, due=due, lane=lane, priority=priority)


def test_orders_leave_with_the_earliest_cutoff_of_their_lane_that_has_room() -> None:
    cutoffs = [
        CarrierCutOff("late", "parcel", at(17)),
        CarrierCutOff("early", "parcel", at(12), orders_max=2),
        CarrierCutOff("pallets", "freight", at(10)),
    ]
    made, refused = waves([order(n) for n in "abc"] + [order("d", lane="freight")], cutoffs)
    assert [(w.cutoff.id, [o.id for o in w.orders]) for w in made] == [
        ("pallets", ["d"]),
        ("early", ["a", "b"]),
        ("late", ["c"]),
    ]
    assert refused == ()


def test_urgent_orders_choose_first_and_nobody_leaves_after_his_due() -> None:
    cutoffs = [CarrierCutOff("early", "parcel", at(12), orders_max=1), CarrierCutOff("late", "parcel", at(17))]
    made, refused = waves([order("calm"), order("due", due=at(13)), order("express", priority=5, due=at(16))], cutoffs)
    assert {w.cutoff.id: [o.id for o in w.orders] for w in made} == {"early": ["express"], "late": ["calm"]}
    assert [(r.order, r.reason.code) for r in refused] == [("due", "batching.no_wave")]
    assert refused[0].reason.text.startswith("order 'due': no cut-off of lane 'parcel' by 2026-03-02T13:00:00+00:00")


def test_a_wave_carries_no_more_units_than_its_room() -> None:
    made, refused = waves(
        [order("a", "0-0", "0-1"), order("b", "0-2"), order("c")], [CarrierCutOff("x", "parcel", at(9), units_max=3)]
    )
    assert [[o.id for o in w.orders] for w in made] == [["a", "b"]]
    assert [r.order for r in refused] == ["c"]


def test_cutoffs_that_cannot_be_are_refused_by_name() -> None:
    with pytest.raises(DefinitionError, match="two cut-offs have the id 'x'"):
        waves([], [CarrierCutOff("x", "parcel", at(9)), CarrierCutOff("x", "pallet", at(12))])
    with pytest.raises(InvalidValue, match="cut-off 'x' must carry a time zone"):
        CarrierCutOff("x", "parcel", datetime(2026, 3, 2, 9))  # noqa: DTZ001 - the mistake under test
    with pytest.raises(DefinitionError, match="orders_max must be a whole number of at least 1, not 0"):
        CarrierCutOff("x", "parcel", at(9), orders_max=0)


def test_grouping_keeps_every_line_once() -> None:
    orders = [order("a", "0-0", "1-0", "0-1"), order("b", "1-1")]
    parts = group_lines(orders, lambda _, line: line.bin[0])
    assert {key: [(o.id, len(o.lines)) for o in group] for key, group in parts.items()} == {
        "0": [("a", 2)],
        "1": [("a", 1), ("b", 1)],
    }


def test_zone_picking_names_the_orders_to_bring_together() -> None:
    floor = Floor(2, 3, [Bin("A", 0, 0, zone="cold"), Bin("B", 0, 1, zone="dry"), Bin("C", 1, 2, zone="cold-store")])
    made = by_zone([order("a", "A", "B"), order("b", "A"), order("c", "A", "C")], floor, ["cold", "dry"])
    assert {zone: [o.id for o in parts] for zone, parts in made.zones.items()} == {
        "cold": ["a", "b", "c"],
        "dry": ["a"],
    }
    assert [o.id for o in made.rest] == ["c"]
    assert made.consolidate == {"a": ("cold", "dry"), "c": ("cold", "")}
    assert all(o.zone == zone for zone, parts in made.zones.items() for o in parts)
    with pytest.raises(InvalidValue, match="bin 'X' is not on the floor"):
        by_zone([order("a", "X")], floor, ["cold"])


def test_orders_for_one_item_are_set_apart_when_there_are_enough() -> None:
    orders = [order("a", "0-1"), order("b", "0-1"), order("c", "0-1", "0-2"), order("d", "0-3")]
    same, others = by_item(orders)
    assert {item: [o.id for o in group] for item, group in same.items()} == {"item-0-1": ["a", "b"]}
    assert [o.id for o in others] == ["c", "d"]
    assert by_item(orders, orders_min=3) == ({}, tuple(orders))


def test_batches_already_started_are_left_alone() -> None:
    old = [order(n, b) for n, b in (("a", "0-1"), ("b", "0-2"), ("c", "2-1"), ("d", "2-2"))]
    before = plan(old, FLOOR, Limits(orders_max=2))
    after = replan(before, ["batch-2"], [*old, order("e", "0-3")], FLOOR, Limits(orders_max=3), method="first_come")
    assert after.batches[0] == before.batches[1]
    assert [(b.id, b.orders) for b in after.batches[1:]] == [("batch-3", ("a", "b", "e"))]
    assert after.distance_mm == sum(b.tour.length_mm for b in after.batches)
    with pytest.raises(InvalidValue, match="batch 'batch-9' is not in the previous plan; it has: batch-1, batch-2"):
        replan(before, ["batch-9"], old, FLOOR, Limits())


def test_a_surge_switches_the_rules_and_off_again() -> None:
    modes = Modes(Mode(Limits(), "search", steps_max=2000), Mode(Limits(same="region"), "first_come", "s_shape"))
    orders = [
        PickOrder(n, [PickLine(n, "1", "i", 1, f"{k % 3}-{k}")], region="NS"[k % 2]) for k, n in enumerate("abcd")
    ]
    surge, normal = (modes.when(surging=surging).plan(orders, FLOOR) for surging in (True, False))
    assert [b.orders for b in surge.batches] == [("a", "c"), ("b", "d")]
    assert (surge.rule, normal.method, len(normal.batches)) == ("s_shape", "search", 1)
