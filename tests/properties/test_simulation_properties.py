"""Whatever is tried: the live ledger stays as it is, the same seed gives the same run, and nothing is taken twice."""

from collections import Counter
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from omscore import routing as r
from omscore import samples, simulate
from omscore.inventory import Cell, Ledger

POLICIES = (
    r.packs.single_location,
    r.packs.value_threshold,
    r.packs.magento_distance,
    r.packs.shopify_default,
    r.packs.hotwax_protect_stores,
    r.packs.speed_then_cost,
    r.packs.spree_rules,
)
NETWORKS = {name: samples.network(name) for name in samples.networks()}


def free(ledger: Ledger) -> dict[Cell, int]:
    return {cell: figures.free for cell, figures in ledger.store.run(lambda books: books.cells())}


@settings(max_examples=25)
@given(
    name=st.sampled_from(sorted(NETWORKS)),
    make=st.sampled_from(POLICIES),
    seed=st.integers(0, 2**64),
    n=st.integers(0, 25),
    sized_for=st.integers(1, 60),
)
def test_a_run_is_repeatable_takes_no_unit_twice_and_leaves_the_ledger_alone(
    name: str, make: Callable[[], r.Policy], seed: int, n: int, sized_for: int
) -> None:
    network, policy = NETWORKS[name], make()
    ledger = samples.ledger(network, seed=seed, orders=sized_for)
    orders = samples.orders(n, seed=seed, network=name)
    before, exported = free(ledger), list(ledger.export())

    result = simulate.run(policy, orders, network, ledger)

    assert list(ledger.export()) == exported
    taken: Counter[Cell] = Counter()
    for fate in result.fates:
        assert fate.decision is not None
        plan = r.plan_to_commit(fate.decision, approved=True)
        cells = {} if plan is None else r.cells_of(plan)
        assert fate.units_placed == sum(cells.values()) <= fate.units
        taken.update(cells)
    assert all(taken[cell] <= before[cell] for cell in taken)

    figures = result.summary()
    assert figures["orders"] == n
    assert figures["units_placed"] == sum(taken.values())
    assert figures["parcels"] == sum(len(f.nodes) for f in result.fates if f.units_placed)
    outcomes = ("reviews", "backordered", "parked", "unroutable", "failed")
    assigned = sum(f.outcome in ("assigned", "partly_assigned") for f in result.fates)
    assert assigned + sum(figures[outcome] for outcome in outcomes) == n

    again = simulate.run(policy, samples.orders(n, seed=seed, network=name), network, ledger)
    assert again.fates == result.fates
    assert simulate.compare(one=result, two=again).moved == ()

    router = r.Router(policy, network)
    for fate in result.fates:
        if fate.decision is not None:
            assert router.replay(fate.decision.trace) == fate.decision


@given(name=st.sampled_from(sorted(NETWORKS)), seed=st.integers(-(2**70), 2**70), n=st.integers(0, 40))
def test_samples_are_the_same_for_the_same_seed_and_can_be_routed(name: str, seed: int, n: int) -> None:
    orders = samples.orders(n, seed=seed, network=name)
    assert orders == samples.orders(n, seed=seed, network=name)
    assert len({order.id for order in orders}) == n
    catalog = samples.items()
    for order, draft in zip(orders, samples.drafts(n, seed=seed, network=name), strict=True):
        assert order.value == draft.value
        assert order.placed_at == draft.placed_at
        assert 1 <= len(order.lines) <= 5
        assert all(line.weight_grams == catalog[line.item].weight_grams > 0 for line in order.lines)
        assert order.destination is not None
        assert order.destination.point is not None
    assert [order.placed_at for order in orders] == sorted(order.placed_at for order in orders if order.placed_at)
