"""Whatever comes in, good or bad: each order is planned whole or refused by name, and everything asked for is kept."""

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from omscore.batching import Bin, CarrierCutOff, Cart, Floor, Limits, PickLine, PickOrder, plan, release

FLOOR = Floor(3, 4, [Bin(f"{a}-{c}", a, c, zone=("cold", "cold/deep", "dry")[a]) for a in range(3) for c in range(4)])
NOON, FIVE = datetime(2026, 3, 2, 12, tzinfo=UTC), datetime(2026, 3, 2, 17, tzinfo=UTC)
GOOD_BINS = [b.id for b in FLOOR.bins]

LINES = st.lists(
    st.tuples(
        st.sampled_from([*GOOD_BINS, *GOOD_BINS, "", "9-9"]),
        st.sampled_from(["mug", "cup"]),
        st.integers(1, 4),
    ),
    max_size=4,
)
ORDERS = st.lists(
    st.tuples(st.integers(0, 9), LINES, st.sampled_from(["parcel", "pallet"]), st.integers(0, 2)), max_size=10
).map(
    lambda rows: [
        PickOrder(
            f"o{number}",
            [PickLine(f"o{number}", str(n), item, units, bin_id) for n, (bin_id, item, units) in enumerate(lines)],
            lane=lane,
            priority=priority,
            due=NOON if priority else None,
        )
        for number, lines, lane, priority in rows
    ]
)
LIMITS = st.builds(
    Limits,
    orders_max=st.none() | st.integers(1, 3),
    lines_max=st.none() | st.integers(1, 5),
    units_max=st.none() | st.integers(2, 9),
    same=st.sampled_from([(), ("lane",), ("priority",)]),
)
CUTOFFS = st.none() | st.lists(
    st.builds(
        CarrierCutOff,
        st.uuids().map(str),
        st.sampled_from(["parcel", "pallet"]),
        st.sampled_from([NOON, FIVE]),
        orders_max=st.none() | st.integers(1, 3),
        units_max=st.none() | st.integers(1, 9),
    ),
    max_size=4,
    unique_by=lambda cutoff: cutoff.id,
)
ZONES = st.lists(st.sampled_from(["cold", "cold/deep", "dry"]), unique=True, max_size=3)


def is_good(order: PickOrder) -> bool:
    return bool(order.lines) and all(line.bin in FLOOR for line in order.lines)


@given(ORDERS, LIMITS, CUTOFFS, ZONES, st.none() | st.integers(2, 3))
def test_each_order_is_planned_whole_or_refused_by_name(
    orders: list[PickOrder],
    limits: Limits,
    cutoffs: list[CarrierCutOff] | None,
    zones: list[str],
    same_item_min: int | None,
) -> None:
    made = release(orders, FLOOR, limits, cutoffs=cutoffs, zones=zones, same_item_min=same_item_min)
    first = {order.id: order for order in reversed(orders)}
    planned = Counter((line.order, line.line) for batch in made.batches for line in batch.lines)
    by_id = {line.order: True for batch in made.batches for line in batch.lines}
    assert all(n == 1 for n in planned.values()), "every pick line is in exactly one batch"
    for id_, order in first.items():
        if id_ in by_id:
            assert is_good(order)
            assert {line.line for line in order.lines} == {line for name, line in planned if name == id_}
        else:
            assert id_ in {refused.order for refused in made.refused}
    counts = Counter(order.id for order in orders)
    assert Counter(refused.order for refused in made.refused) == Counter(
        {id_: n - (id_ in by_id) for id_, n in counts.items() if n - (id_ in by_id)}
    )
    assert all(repr(refused.order) in refused.reason.text for refused in made.refused)
    assert made.distance_mm == sum(batch.tour.length_mm for batch in made.batches)
    assert [batch.id for batch in made.batches] == [f"batch-{n}" for n in range(1, len(made.batches) + 1)]
    named = {cutoff.id: cutoff for cutoff in cutoffs or ()}
    for batch in made.batches:
        members = [first[id_] for id_ in batch.orders]
        assert limits.orders_max is None or len(members) <= limits.orders_max
        assert limits.lines_max is None or len(batch.lines) <= limits.lines_max
        assert limits.units_max is None or batch.units <= limits.units_max
        assert all(len({getattr(order, name) for order in members}) == 1 for name in limits.same)
        assert cutoffs is None or {order.lane for order in members} == {named[batch.wave].lane}
        assert cutoffs is None or all(order.due is None or named[batch.wave].at <= order.due for order in members)
        if batch.zone:
            assert all((FLOOR.bin(line.bin).zone + "/").startswith(batch.zone + "/") for line in batch.lines)
    for cutoff in cutoffs or ():
        leaving = {id_ for batch in made.batches if batch.wave == cutoff.id for id_ in batch.orders}
        assert cutoff.orders_max is None or len(leaving) <= cutoff.orders_max
        assert cutoff.units_max is None or sum(first[id_].units for id_ in leaving) <= cutoff.units_max


@given(ORDERS, LIMITS)
def test_released_without_more_words_is_the_same_as_planned(orders: list[PickOrder], limits: Limits) -> None:
    for cart in (limits, [Cart("small", limits), Cart("large", Limits())]):
        assert [b.lines for b in release(orders, FLOOR, cart)] == [b.lines for b in plan(orders, FLOOR, cart)]
