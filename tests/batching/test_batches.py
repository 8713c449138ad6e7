"""Batches: limits kept, nothing lost, what cannot be planned refused by name."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.batching.published import floor_of, instances, orders_of

from omscore.batching import BatchPlan, Cart, Floor, Limits, MatrixFloor, PickLine, PickOrder, Tour, plan, release
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
    with pytest.raises(InvalidValue, match="due of order 'o-1' must carry a time zone"):
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


def scattered(n: int) -> list[PickOrder]:
    return [order(f"o{i:02}", f"{i * i % 4}-{i * 7 % 10}", f"{(i + 1) % 4}-{i * 3 % 10}") for i in range(n)]


def test_a_search_by_steps_gives_the_same_plan_again_and_a_shorter_one_than_savings() -> None:
    orders, limits = scattered(24), Limits(orders_max=5)
    first, again = (plan(orders, FLOOR, limits, method="search", steps_max=5000, seed=3) for _ in range(2))
    assert first == again
    assert first.steps == 5000
    assert first.distance_mm < plan(orders, FLOOR, limits).distance_mm


@pytest.mark.parametrize("how", [{}, {"method": "search", "steps_max": 2000}])
def test_hundreds_of_orders_are_planned_at_once_and_none_is_lost(how: dict[str, Any]) -> None:
    floor = Floor.parallel(aisles=12, cells=30)
    orders = [order(f"o{n:03}", f"{n * n % 12}-{n * 7 % 30}", f"{n * 5 % 12}-{n * 11 % 30}") for n in range(400)]
    made = plan(orders, floor, Limits(orders_max=12), **how)
    assert sorted(name for batch in held(made) for name in batch) == [o.id for o in orders]
    assert max(map(len, held(made))) <= 12
    assert made.distance_mm < 0.6 * plan(orders, floor, Limits(orders_max=12), method="first_come").distance_mm


def test_a_small_plan_is_proven_shortest() -> None:
    orders, limits = scattered(6), Limits(orders_max=2)
    made = plan(orders, FLOOR, limits, method="search", steps_max=1)

    def shortest(left: list[PickOrder]) -> int:
        if not left:
            return 0
        first, *rest = left
        alone = FLOOR.tour_length(first.bins) + shortest(rest)
        paired = [
            FLOOR.tour_length([*first.bins, *mate.bins]) + shortest([o for o in rest if o is not mate]) for mate in rest
        ]
        return min([alone, *paired])

    assert made.lower_bound_mm == made.distance_mm == shortest(orders)


def test_a_search_by_time_stops_when_the_time_is_up() -> None:
    ticks = iter(range(100_000))
    made = plan(
        scattered(24), FLOOR, Limits(orders_max=5), method="search", seconds_max=50, elapsed=lambda: float(next(ticks))
    )
    assert made.steps > 0
    assert next(ticks) <= 60


def test_any_clock_in_seconds_will_do_wherever_it_stands() -> None:
    ticks = itertools.count(1_000_000)
    made = plan(
        scattered(24), FLOOR, Limits(orders_max=5), method="search", seconds_max=50, elapsed=lambda: float(next(ticks))
    )
    assert made.steps > 0
    began = next(ticks)
    parts = release(
        scattered(24),
        FLOOR,
        Limits(orders_max=5, same="lane"),
        method="search",
        seconds_max=50,
        elapsed=lambda: float(next(ticks)),
    )
    assert parts.steps > 0
    assert next(ticks) - began <= 62


class CountingFloor:
    """A floor on which each length asked for takes a second."""

    def __init__(self, floor: Floor) -> None:
        self.floor, self.seconds, self.rules = floor, 0, floor.rules

    def __contains__(self, bin_id: object) -> bool:
        return bin_id in self.floor

    def cover(self, bins: Iterable[str]) -> int:
        return self.floor.cover(bins)

    def measure(self, rule: str = "exact") -> Callable[[int], int]:
        length = self.floor.measure(rule)

        def slowly(mask: int) -> int:
            self.seconds += 1
            return length(mask)

        return slowly

    def tour(self, bins: Iterable[str], rule: str = "exact") -> Tour:
        return self.floor.tour(bins, rule)


@pytest.mark.parametrize("n", [120, 240])
def test_a_first_plan_that_takes_longer_than_the_budget_is_cut_short_and_still_whole(n: int) -> None:
    floor, orders = CountingFloor(FLOOR), scattered(n)
    made = plan(
        orders,
        floor,
        Limits(orders_max=7),
        method="search",
        seconds_max=1000,
        elapsed=lambda: float(floor.seconds),
    )
    assert n < floor.seconds <= 3000
    assert sorted(name for batch in held(made) for name in batch) == sorted(o.id for o in orders)
    assert max(map(len, held(made))) <= 7
    whole = CountingFloor(FLOOR)
    plan(orders, whole, Limits(orders_max=7))
    assert whole.seconds > 6000


@pytest.mark.parametrize(("value", "told"), [(None, "None"), ("far", "'far'"), (1.5, "1.5")])
def test_an_objective_that_gives_no_whole_number_is_named(value: Any, told: str) -> None:
    def toll(_members: Sequence[PickOrder], _length_mm: int) -> Any:
        return value

    with pytest.raises(DefinitionError, match=f"objective toll must give a whole number .* it gave {told}"):
        plan(scattered(6), FLOOR, Limits(orders_max=2), method="search", steps_max=100, objective=toll)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"method": "search"}, "needs a budget"),
        ({"method": "search", "steps_max": 1, "seconds_max": 1.0, "elapsed": float}, "needs a budget"),
        ({"method": "search", "seconds_max": 1.0}, "seconds_max needs elapsed"),
        ({"method": "savings", "steps_max": 9}, "takes no budget"),
        ({"method": "savings", "objective": lambda _orders, length: length}, "needs method 'search'"),
    ],
)
def test_budgets_that_make_no_sense_are_refused(how: dict[str, Any], words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        plan(scattered(3), FLOOR, Limits(), **how)


def test_an_objective_of_ones_own_is_what_the_search_makes_small() -> None:
    orders, limits = scattered(18), Limits(orders_max=6)

    def apart(members: Sequence[PickOrder], length_mm: int) -> int:
        odd = sum(o.id[-1] in "13579" for o in members)
        return length_mm + 100_000 * min(odd, len(members) - odd)

    made = plan(orders, FLOOR, limits, method="search", steps_max=20_000, objective=apart)
    assert all(len({name[-1] in "02468" for name in batch.orders}) == 1 for batch in made.batches)
    assert made.lower_bound_mm is None


def test_each_order_goes_with_the_first_kind_of_cart_that_takes_it() -> None:
    carts = (
        Cart("tote cart", Limits(totes_max=2, volume_max=100, tote_volume=50)),
        Cart("pallet truck", Limits(orders_max=1, volume_max=1000), volume_min=200),
    )
    made = plan(
        [order("a", "0-1", mm3=10), order("b", "0-2", mm3=500), order("c", "0-3", mm3=10), order("d", "0-4", mm3=150)],
        FLOOR,
        carts,
    )
    assert [(batch.cart, batch.orders) for batch in made.batches] == [
        ("tote cart", ("a", "c")),
        ("pallet truck", ("b",)),
    ]
    assert made.refused[0].reason.text == (
        "order 'd' fits no cart: cart 'tote cart': volume_mm3 150 is more than volume_max 100; "
        "cart 'tote cart': totes 3 is more than totes_max 2; "
        "cart 'pallet truck': volume_mm3 150 is less than volume_min 200"
    )


def test_the_best_known_plans_are_met_on_small_published_instances() -> None:
    for instance in list(instances("bahceci_oncan"))[::100]:
        floor, limits = floor_of(instance), Limits(weight_max=int(instance["capacity"]))
        orders = [
            PickOrder(
                o.id,
                [
                    PickLine(o.id, x.line, "item", x.units, x.bin, int(weight) if i == 0 else 0)
                    for i, x in enumerate(o.lines)
                ],
            )
            for o, weight in zip(orders_of(instance), instance["weight"], strict=True)
        ]
        made = plan(orders, floor, limits, method="search", steps_max=3000)
        assert made.distance_mm == round(1000 * instance["ref"]["optimal"]["bks"])


@pytest.mark.parametrize(
    ("rule", "published"),
    [
        ("exact", "optimal"),
        ("s_shape", "traversal"),
        ("return", "return"),
        ("midpoint", "midpoint"),
        ("combined", "combined"),
    ],
)
def test_every_rule_is_read_as_its_textbook_means_it(rule: str, published: str) -> None:
    small = [i for i in instances("henn_waescher_sshape") if (len(i["orders"]), i["capacity"]) == (20, 30.0)][:3]
    for instance in small:
        made = plan(
            orders_of(instance), floor_of(instance), Limits(units_max=30), method="search", steps_max=1, rule=rule
        )
        assert made.distance_mm == made.lower_bound_mm == round(1000 * instance["ref"][published]["bks"])


def test_an_order_is_given_its_own_lines_only() -> None:
    with pytest.raises(InvalidValue, match="line '1' of order 'b' was given to order 'a'"):
        PickOrder("a", [PickLine("b", "1", "mug", 1, "0-0")])


def test_a_search_ends_as_soon_as_its_plan_is_proven() -> None:
    instance = next(i for i in instances("henn_waescher_sshape") if (len(i["orders"]), i["capacity"]) == (40, 30.0))
    made = plan(orders_of(instance), floor_of(instance), Limits(units_max=30), method="search", steps_max=2_000_000)
    assert made.distance_mm == made.lower_bound_mm == round(1000 * instance["ref"]["optimal"]["bks"])
    assert made.steps < 2_000_000


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        ({"steps_max": -1}, "steps_max must be a whole number of at least 0, not -1"),
        ({"steps_max": 1.5}, "steps_max must be a whole number of at least 0, not 1.5"),
        (
            {"seconds_max": float("nan"), "elapsed": float},
            "seconds_max must be a number of seconds, at least 0, not nan",
        ),
        ({"seconds_max": -2, "elapsed": float}, "seconds_max must be a number of seconds, at least 0, not -2"),
    ],
)
def test_a_budget_that_is_none_is_refused(budget: dict[str, Any], words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        plan([], Floor.parallel(aisles=1, cells=1), Limits(), method="search", **budget)


def test_carts_are_told_apart_by_their_ids() -> None:
    with pytest.raises(DefinitionError, match="two carts have the id 'basket'"):
        plan([], Floor.parallel(aisles=1, cells=1), [Cart("basket", Limits()), Cart("basket", Limits(orders_max=2))])
    with pytest.raises(
        DefinitionError, match="volume_min of cart 'basket' must be a whole number of at least 0, not -1"
    ):
        Cart("basket", Limits(), volume_min=-1)
