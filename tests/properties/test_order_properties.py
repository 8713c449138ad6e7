"""Whatever is done to an order, its units add up, its history folds to its state, and it survives being stored."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

import omscore as oms
from omscore import codec
from omscore.orders import (
    UNIT_MOVES,
    Accept,
    Cancel,
    Capture,
    Close,
    Command,
    Event,
    MoveUnits,
    Order,
    PlaceHold,
    ReleaseHold,
    Reopen,
    Units,
    decide,
    fold,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LINES = st.lists(st.integers(1, 6), min_size=1, max_size=3)
HOLDS = st.sampled_from(["fraud", "payment"])
COMMANDS = st.one_of(
    st.just(Accept()),
    st.just(Close()),
    st.just(Reopen()),
    HOLDS.map(lambda code: PlaceHold(oms.Hold(code))),
    HOLDS.map(ReleaseHold),
    st.builds(
        MoveUnits,
        st.sampled_from(sorted(UNIT_MOVES)),
        st.dictionaries(st.sampled_from("123"), st.integers(1, 4), min_size=1, max_size=3),
    ),
    st.just(Cancel()),
)


def captured(units: list[int]) -> tuple[Event, ...]:
    lines = [oms.DraftLine(str(i), f"item-{i}", n, oms.Money(199, "EUR")) for i, n in enumerate(units, 1)]
    return decide(None, Capture("ord-1", oms.Draft("web", "1", "EUR", lines, NOW)), NOW)


def run(units: list[int], commands: list[Command]) -> tuple[Order, list[Event]]:
    history = list(captured(units))
    order = fold(history)
    for n, command in enumerate(commands):
        before = order
        try:
            events = decide(order, command, NOW + timedelta(minutes=n))
        except oms.OmsError:
            assert order == before
            continue
        history += events
        order = fold(events, order)
    return order, history


@given(LINES, st.lists(COMMANDS, max_size=30))
def test_the_units_of_each_line_always_add_up_to_what_was_ordered(units: list[int], commands: list[Command]) -> None:
    order, _ = run(units, commands)
    assert [order.units[line.id].ordered for line in order.lines] == units
    assert all(n >= 0 for line in order.units.values() for n in line)


@given(LINES, st.lists(COMMANDS, max_size=30))
def test_the_fold_of_all_events_is_the_state(units: list[int], commands: list[Command]) -> None:
    order, history = run(units, commands)
    assert fold(history) == order


@given(LINES, st.lists(COMMANDS, max_size=20))
def test_orders_and_their_events_survive_being_stored(units: list[int], commands: list[Command]) -> None:
    order, history = run(units, commands)
    kept = codec.standard()
    assert kept.loads(kept.dumps(order)) == order
    assert [kept.loads(kept.dumps(event)) for event in history] == history


@given(LINES, st.lists(COMMANDS, max_size=30))
def test_every_action_that_is_offered_is_taken_for_some_unit(units: list[int], commands: list[Command]) -> None:
    order, _ = run(units, commands)
    for action in order.next_actions():
        if action in UNIT_MOVES:
            taken = 0
            for line in order.units:
                try:
                    taken += bool(decide(order, MoveUnits(action, {line: 1}), NOW))
                except oms.CommandRefused:
                    continue
            assert taken, action


@given(st.tuples(*[st.integers(0, 5)] * len(Units._fields)), st.tuples(*[st.integers(0, 5)] * len(Units._fields)))
def test_bags_of_units_add_bucket_by_bucket(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    assert (Units(*a) + Units(*b)).ordered == sum(a) + sum(b)
