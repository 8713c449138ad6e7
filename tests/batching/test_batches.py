"""Batches: limits kept, nothing lost, what cannot be planned refused by name."""

from datetime import UTC, datetime

import pytest
from tests.batching.published import floor_of, instances, orders_of

from omscore.batching import BatchPlan, Floor, Limits, MatrixFloor, PickLine, PickOrder, plan
from omscore.errors import DefinitionError, InvalidValue

FLOOR = Floor.parallel(aisles=4, cells=10)
METHODS = ("first_come", "seed", "savings")


def order(name: str, *bins: str, units: int = 1, grams: int = 0, mm3: int = 0) -> PickOrder:
    return PickOrder(name, [PickLine(name, str(n), f"SKU-{b}", units, b, grams, mm3) for n, b in enumerate(bins)])


def held(made: BatchPlan) -> list[tuple[str, ...]]:
    return [batch.orders for batch in made.batches]


def test_orders_in_the_same_aisle_share_a_walk() -> None:
    orders = [order("a", "0-1"), order("b", "3-1"), order("c", "0-9"), order("d", "3-9")]
    assert held(plan(orders, FLOOR, Limits(orders_max=2))) == [("a", "c"), ("b", "d")]


def test_first_come_fills_in_the_order_given() -> None:
    made = plan([order(n, "0-1") for n in "abcde"], FLOOR, Limits(orders_max=2), method="first_come")
    assert held(made) == [("a", "b"), ("c", "d"), ("e",)]


@pytest.mark.parametrize("method", METHODS)
def test_every_limit_binds(method: str) -> None:
    orders = [order(n, "0-1", "1-2", units=3, grams=400, mm3=50) for n in "abcdef"]
    for limits, most in (
        (Limits(orders_max=3), 3),
        (Limits(lines_max=4), 2),
        (Limits(units_max=7), 1),
        (Limits(weight_max=1600), 2),
        (Limits(volume_max=300), 3),
        (Limits(totes_max=5), 5),
        (Limits(totes_max=5, tote_volume=60), 2),
        (Limits(orders_max=3, lines_max=4), 2),
        (Limits(), 6),
    ):
        made = plan(orders, FLOOR, limits, method=method)
        fullest = max(map(len, held(made)))
        assert fullest <= most
        assert method == "savings" or fullest == most  # merging pairs may leave room for one more
        assert sorted(o for batch in held(made) for o in batch) == list("abcdef")


@pytest.mark.parametrize("method", METHODS)
def test_lines_follow_the_walk(method: str) -> None:
    made = plan([order("a", "3-1", "0-9"), order("b", "0-2", "3-7")], FLOOR, Limits(), method=method)
    (batch,) = made.batches
    assert [line.bin for line in batch.lines] == list(batch.tour.stops)
    assert batch.units == 4


def test_what_cannot_be_planned_is_refused_by_name_and_the_rest_is_planned() -> None:
    made = plan(
        [
            order("fine", "0-1"),
            order("lost", "9-9"),
            PickOrder("binless", [PickLine("binless", "1", "SKU-1", 1, "")]),
            order("big", "0-2", units=99),
            PickOrder("empty", []),
            order("fine", "0-3"),
        ],
        FLOOR,
        Limits(units_max=10),
    )
    assert held(made) == [("fine",)]
    assert [(r.order, r.reason.code) for r in made.refused] == [
        ("lost", "batching.bin_unknown"),
        ("binless", "batching.no_bin"),
        ("big", "batching.no_cart"),
        ("empty", "batching.no_lines"),
        ("fine", "batching.order_twice"),
    ]
    assert "units 99 is more than units_max 10" in made.refused[2].reason.text


def test_a_limit_of_nothing_is_refused_by_name() -> None:
    with pytest.raises(DefinitionError, match="weight_max must be a whole number of at least 1, not 0"):
        Limits(weight_max=0)
    with pytest.raises(DefinitionError, match="same='color' is not a field"):
        Limits(same="color")


def test_wrong_lines_and_dues_are_refused_by_name() -> None:
    with pytest.raises(InvalidValue, match="units of order 'o-1' must be a whole number of at least 1, not 0"):
        PickLine("o-1", "1", "SKU", 0, "0-0")
    with pytest.raises(InvalidValue, match="due of order 'o-1' is a naive time"):
        PickOrder("o-1", [], due=datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake under test
    assert PickOrder("o-1", [], due=datetime(2026, 1, 1, tzinfo=UTC)).units == 0


def test_unknown_methods_and_rules_are_refused_with_the_ones_there_are() -> None:
    with pytest.raises(DefinitionError, match="no batching method 'magic'; choose one of: first_come"):
        plan([], FLOOR, Limits(), method="magic")
    with pytest.raises(DefinitionError, match="no tour rule 'magic'"):
        plan([], FLOOR, Limits(), rule="magic")


def test_no_orders_are_no_batches() -> None:
    assert plan([], FLOOR, Limits()) == BatchPlan((), (), 0, "savings", "exact")


def test_a_matrix_floor_is_planned_the_same_way() -> None:
    floor = MatrixFloor(("dock", "A", "B", "C"), ((0, 5, 9, 9), (5, 0, 9, 9), (9, 9, 0, 1), (9, 9, 1, 0)), depot="dock")
    made = plan([order("a", "B"), order("b", "A"), order("c", "C")], floor, Limits(orders_max=2))
    assert held(made) == [("a", "c"), ("b",)]
    assert made.distance_mm == 19 + 10


def test_savings_walks_less_than_first_come_on_published_orders() -> None:
    shorter = 0
    for instance in list(instances("muter_oncan"))[::20]:
        floor, limits = floor_of(instance), Limits(units_max=int(instance["capacity"]))
        orders = orders_of(instance)
        first, saved = (plan(orders, floor, limits, method=m).distance_mm for m in ("first_come", "savings"))
        shorter += saved < first
        assert saved >= round(1000 * instance["ref"]["optimal"]["lb"])
    assert shorter == 9
