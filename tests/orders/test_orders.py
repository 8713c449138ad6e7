"""The rules of an order: what may follow what, and that nothing happens when something is refused."""

from datetime import UTC, datetime

import pytest
from attrs import evolve

import omscore as oms
from omscore.codec import standard
from omscore.orders import (
    EVENTS,
    ORDER_STATES,
    UNIT_BUCKETS,
    UNIT_MOVES,
    Accept,
    Cancel,
    Capture,
    Captured,
    Close,
    Command,
    Edit,
    MoveUnits,
    Order,
    PlaceHold,
    Reject,
    ReleaseHold,
    Reopen,
    SetCharges,
    SetPrice,
    Units,
    decide,
    fold,
    validate,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
EUR = "EUR"


def draft(**units: int) -> oms.Draft:
    wanted = units or {"A": 3}
    lines = [oms.DraftLine(str(i), item, n, oms.Money(1000, EUR)) for i, (item, n) in enumerate(wanted.items(), 1)]
    return oms.Draft("web", "1001", EUR, lines, NOW, ship_to=oms.Address("BE"))


def told(order: Order | None, *commands: Command) -> Order:
    for command in commands:
        order = fold(decide(order, command, NOW), order)
    assert order is not None
    return order


def accepted(**units: int) -> Order:
    return told(None, Capture("ord-1", draft(**units)), Accept())


def test_an_order_begins_with_all_units_open() -> None:
    order = told(None, Capture("ord-1", draft(A=3, B=1)))
    assert order.state == "captured"
    assert order.totals == Units(open=4)


def test_an_order_kept_with_a_price_below_zero_is_still_read_and_changed_to_one_that_would_be_taken() -> None:
    lines = [oms.DraftLine("1", "A", 1, oms.Money(1000, EUR)), oms.DraftLine("2", "GIFT", 1, oms.Money(-200, EUR))]
    kept = oms.Draft("web", "1", EUR, lines, NOW, shipping=oms.Money(-495, EUR), total=oms.Money(-1, EUR))
    with pytest.raises(oms.InvalidValue, match="line 2: unit_price must be at least 0"):
        decide(None, Capture("ord-1", kept), NOW)
    read = standard().loads(standard().dumps(Captured("ord-1", kept, NOW)))
    order = told(fold([read]), Accept(), Edit((SetPrice("2", oms.Money(0, EUR)), SetCharges())))
    assert order.draft.due == oms.Money(1000, EUR)
    assert told(order, Cancel()).state == "cancelled"


def test_a_price_falls_also_where_the_channel_asks_for_nothing() -> None:
    free = evolve(draft(A=1), total=oms.Money(0, EUR))
    order = told(None, Capture("ord-1", free), Edit((SetPrice("1", oms.Money(900, EUR)),)))
    assert order.draft.total == oms.Money(-100, EUR)


def test_units_cancelled_before_capture_are_recorded_and_never_open() -> None:
    line = oms.DraftLine("1", "A", 3, oms.Money(1000, EUR), cancelled=2)
    order = told(None, Capture("ord-1", oms.Draft("web", "1", EUR, [line], NOW)))
    assert order.units["1"] == Units(open=1, cancelled=2)


@pytest.mark.parametrize("verb", UNIT_MOVES)
def test_an_illegal_move_raises_and_nothing_changed(verb: str) -> None:
    order = accepted()
    before = order
    if "open" not in UNIT_MOVES[verb].sources and verb != "cancel":
        with pytest.raises(oms.CommandRefused):
            decide(order, MoveUnits(verb, {"1": 1}), NOW)
    assert order == before


def test_a_move_of_too_many_units_names_every_line_and_moves_none() -> None:
    order = accepted(A=1, B=2)
    with pytest.raises(oms.CommandRefused) as refused:
        decide(order, MoveUnits("allocate", {"1": 2, "2": 3}), NOW)
    assert [reason.facts["line"] for reason in refused.value.reasons] == ["1", "2"]


def test_a_hold_stops_progress_but_not_facts() -> None:
    order = told(accepted(), MoveUnits("allocate", {"1": 3}), PlaceHold(oms.Hold("fraud")))
    with pytest.raises(oms.CommandRefused, match=r"hold\.fraud"):
        decide(order, MoveUnits("pick", {"1": 1}), NOW)
    assert told(order, MoveUnits("deallocate", {"1": 1})).units["1"].open == 1
    assert told(order, ReleaseHold("fraud"), MoveUnits("pick", {"1": 1})).units["1"].picked == 1


def test_a_hold_placed_twice_is_one_hold() -> None:
    order = accepted()
    order = told(order, PlaceHold(oms.Hold("fraud")), PlaceHold(oms.Hold("fraud")))
    assert len(order.holds) == 1


def test_an_order_that_is_held_is_not_accepted() -> None:
    order = told(None, Capture("ord-1", draft()), PlaceHold(oms.Hold("payment")))
    with pytest.raises(oms.CommandRefused, match="payment"):
        decide(order, Accept(), NOW)


def test_cancelling_takes_what_is_least_bound_first_and_never_what_is_shipped() -> None:
    order = told(accepted(A=5), MoveUnits("reserve", {"1": 4}), MoveUnits("backorder", {"1": 1}))
    order = told(order, *(MoveUnits(verb, {"1": 2}) for verb in ("allocate", "pick")))
    order = told(order, MoveUnits("pack", {"1": 1}), MoveUnits("ship", {"1": 1}))
    assert order.units["1"] == Units(reserved=2, backordered=1, picked=1, shipped=1)
    assert told(order, Cancel({"1": 1})).units["1"] == Units(reserved=2, picked=1, shipped=1, cancelled=1)
    assert told(order, Cancel({"1": 4})).units["1"] == Units(shipped=1, cancelled=4)
    with pytest.raises(oms.CommandRefused):
        decide(order, Cancel({"1": 5}), NOW)


def test_cancelling_everything_cancels_the_order_and_it_may_be_reopened() -> None:
    order = told(accepted(), Cancel(why="changed their mind"))
    assert (order.state, order.totals) == ("cancelled", Units(cancelled=3))
    again = told(order, Reopen())
    assert (again.state, again.totals) == ("captured", Units(open=3))


def test_an_order_closes_only_when_every_unit_is_where_it_stays() -> None:
    order = accepted()
    with pytest.raises(oms.CommandRefused, match="still has units that are open"):
        decide(order, Close(), NOW)
    order = told(order, *(MoveUnits(verb, {"1": 3}) for verb in ("allocate", "pick", "pack", "ship", "deliver")))
    assert order.finished
    assert told(order, Close()).state == "closed"


def test_a_lost_parcel_opens_its_units_again() -> None:
    order = told(accepted(), *(MoveUnits(verb, {"1": 3}) for verb in ("allocate", "pick", "pack", "ship")))
    assert told(order, MoveUnits("lose", {"1": 2})).units["1"] == Units(open=2, shipped=1)


def test_a_rejected_order_moves_no_units_until_it_is_reopened() -> None:
    order = told(None, Capture("ord-1", draft()), Reject((oms.Reason("payment.declined", "declined"),)))
    with pytest.raises(oms.TransitionNotAllowed):
        decide(order, MoveUnits("reserve", {"1": 1}), NOW)
    assert told(order, Reopen()).state == "captured"


def test_the_legal_next_actions_are_the_ones_that_are_taken() -> None:
    order = told(accepted(), MoveUnits("allocate", {"1": 2}))
    for verb in UNIT_MOVES:
        try:
            decide(order, MoveUnits(verb, {"1": 1}), NOW)
            taken = True
        except (oms.CommandRefused, oms.TransitionNotAllowed):
            taken = False
        assert taken == (verb in order.next_actions()), verb


def test_every_state_and_bucket_of_the_tables_is_spelled_one_way() -> None:
    assert {bucket for move in UNIT_MOVES.values() for bucket in (*move.sources, move.target)} == set(UNIT_BUCKETS)
    assert set(ORDER_STATES.states) == {"draft", "captured", "accepted", "rejected", "cancelled", "closed"}


def test_headlines_are_derived_from_the_buckets() -> None:
    order = told(accepted(A=4), *(MoveUnits(verb, {"1": 3}) for verb in ("allocate", "pick", "pack", "ship")))
    assert order.fulfillment_status == "partly_shipped"
    order = told(order, MoveUnits("deliver", {"1": 3}), Cancel({"1": 1}))
    assert order.fulfillment_status == "delivered"
    order = told(order, MoveUnits("expect_return", {"1": 1}), MoveUnits("receive_return", {"1": 1}))
    assert order.fulfillment_status == "partly_returned"


def test_no_repr_shows_a_name_or_an_address() -> None:
    address = oms.Address("BE", "9000", city="Ghent", lines=("Main Street 1",), name="A. Person", email="a@example.com")
    secret = oms.Draft("web", "1", EUR, draft().lines, NOW, ship_to=address, note="ring twice", gift_message="hi")
    order = told(None, Capture("ord-1", secret))
    for shown in (
        repr(secret),
        repr(order),
        repr(order.draft),
        str(order),
        repr(decide(None, Capture("o", secret), NOW)),
    ):
        for private in ("Person", "Main Street", "example.com", "ring twice", "Ghent"):
            assert private not in shown


def test_findings_come_all_at_once_worst_first() -> None:
    line = oms.DraftLine("1", "ghost", 1, oms.Money(100, EUR))
    wrong = oms.Draft("web", "1", EUR, [line], NOW, total=oms.Money(1, EUR))
    found = validate(wrong, {})
    assert [f.code for f in found] == ["address.missing", "item.unknown", "money.total"]
    assert all(f.hint for f in found)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: oms.DraftLine("1", "A", 0, oms.Money(1, EUR)), "quantity must be at least 1"),
        (lambda: oms.DraftLine("1", "A", 2, oms.Money(1, EUR), cancelled=3), "3 of 2 units cannot be cancelled"),
        (lambda: oms.Draft("web", "1", EUR, [], datetime(2026, 3, 2)), "must carry a time zone"),  # noqa: DTZ001
        (lambda: oms.Draft("web", "1", "euro", [], NOW), "ISO 4217"),
        (lambda: oms.Draft("web", "1", "USD", draft().lines, NOW), "one order, one currency"),
        (lambda: oms.Draft("web", "1", EUR, [*draft().lines, *draft().lines], NOW), "stands twice"),
        (lambda: oms.Draft("web", "1", EUR, [], NOW, payment="maybe"), "payment must be one of"),
        (lambda: oms.Hold(""), "a hold needs a code"),
    ],
)
def test_a_wrong_value_is_refused_at_the_border(build: object, message: str) -> None:
    with pytest.raises(oms.InvalidValue, match=message):
        build()  # type: ignore[operator]


def test_events_are_all_listed_for_codecs() -> None:
    from omscore import codec

    for kind in EVENTS:
        assert codec.tag_of(kind).startswith("orders.")
