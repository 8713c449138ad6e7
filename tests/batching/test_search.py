"""The moves of the search: whatever was exchanged, lengths are those of what lies in the carts, and what is thrown away
unwalked was too long.
"""

import pytest
from attrs import evolve

from omscore.batching import Floor, Limits, PickLine, PickOrder
from omscore.batching._construct import savings
from omscore.batching._master import members_of
from omscore.batching._problem import Problem, never, problem
from omscore.batching._search import _Search
from omscore.kernel import Rng

FLOOR = Floor.parallel(aisles=3, cells=4)


def crowded(n: int, rule: str) -> Problem:
    """Orders of one to four units on a floor so small that most cells are shared by several orders of a cart."""
    rng = Rng(5)
    orders = [
        PickOrder(
            f"o{i}",
            [PickLine(f"o{i}", str(k), "item", 1, f"{rng.below(3)}-{rng.below(4)}") for k in range(1 + rng.below(4))],
        )
        for i in range(n)
    ]
    return problem(orders, [FLOOR.cover(o.bins) for o in orders], Limits(units_max=9), FLOOR.measure(rule))


@pytest.mark.parametrize("by_aisle", [True, False])
@pytest.mark.parametrize("rule", ["exact", "s_shape"])
def test_every_length_that_is_kept_is_that_of_its_orders(rule: str, by_aisle: bool) -> None:
    bare = crowded(30, rule)
    if by_aisle:
        bare = evolve(bare, aisles=FLOOR.aisle_bits())
    search = _Search(bare, savings(bare), 1, None, never)
    search.round(lambda taken: taken / 6000, 6000)
    assert len(search.lengths) > 500
    for key, length in search.lengths.items():
        assert length == bare.length(bare.cover(members_of(key)))
    assert sum(search.lengths[key] for key in search.best_keys) == search.best
    assert sorted(o for key in search.best_keys for o in members_of(key)) == list(range(30))


def test_what_is_dropped_by_its_aisles_alone_would_have_been_too_long() -> None:
    bare = evolve(crowded(30, "s_shape"), aisles=FLOOR.aisle_bits(), by_aisles=True)
    search = _Search(bare, savings(bare), 1, None, never)
    search.round(lambda taken: taken / 6000, 6000)
    assert search.least is not None
    even = 0
    for key, length in search.lengths.items():
        aisles = 0
        for order in members_of(key):
            aisles |= search.aisles[order]
        if aisles.bit_count() % 2:
            assert search.least[aisles] <= length
        else:
            even += 1
            assert search.least[aisles] == length
    assert even > 50


def test_dropping_moves_by_their_aisles_saves_walks_and_changes_no_plan() -> None:
    bare = evolve(crowded(30, "s_shape"), aisles=FLOOR.aisle_bits(), monotone=True, by_aisles=True)
    dropped, walked = (_Search(bare, savings(bare), 1, None, never) for _ in range(2))
    walked.least = None
    for search in (dropped, walked):
        search.round(lambda taken: taken / 6000, 6000)
    assert dropped.best_keys == walked.best_keys
    assert len(dropped.lengths) < len(walked.lengths)
