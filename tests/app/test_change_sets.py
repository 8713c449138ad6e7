"""One open set of changes for each order: proposed, looked at, and then confirmed or discarded."""

from pathlib import Path
from typing import Any

import pytest

import omscore as oms
from omscore.adapters import SqliteStore
from omscore.orders import AddLine, ChangeSet, Hold, Reduce, SetAddress, SetPrice, SetService, Substitute
from omscore.testing.walkthrough import Walk, draft, up_to

ONE_LESS = [Reduce("1", 1)]


def line(item: str, units: int, id_: str = "2") -> oms.DraftLine:
    return oms.DraftLine(id_, item, units, oms.Money(500, "EUR"))


def proposed(at: Walk, *changes: object, key: str = "ask-1") -> ChangeSet:
    return at.shop.propose_changes("ord-1", changes or ONE_LESS, why="by phone", key=key)  # type: ignore[arg-type]


def test_a_proposal_touches_neither_the_order_nor_stock_nor_money_until_it_is_confirmed() -> None:
    at = up_to("allocated")
    before = (at.shop.order("ord-1"), at.shop.available("SKU-1"), at.shop.payment("ord-1"), at.shop.history("ord-1"))
    made = proposed(at)
    seen = at.shop.preview_changes(made.id)
    assert (seen.money, seen.stock, seen.version) == (oms.Money(-1999, "EUR"), {"SKU-1": -1}, made.version)
    after = (at.shop.order("ord-1"), at.shop.available("SKU-1"), at.shop.payment("ord-1"), at.shop.history("ord-1"))
    assert after == before
    order = at.shop.confirm_changes(made.id, key="yes-1")
    assert (order.totals.allocated, order.totals.cancelled) == (1, 1)
    assert at.shop.change_set(made.id).state == "confirmed"


def test_a_second_proposal_is_refused_by_the_name_of_the_open_one_and_taken_when_that_has_ended() -> None:
    at = up_to("allocated")
    made = proposed(at)
    with pytest.raises(oms.CommandRefused, match=rf"{made.id} is open .*edit\.open"):
        proposed(at, Reduce("1", 2), key="ask-2")
    at.shop.discard_changes(made.id, why="they keep both", key="no-1")
    second = proposed(at, Reduce("1", 2), key="ask-3")
    assert [(s.id, s.state) for s in at.shop.change_sets("ord-1")] == [(made.id, "discarded"), (second.id, "open")]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_each_step_is_done_once_however_often_it_is_sent_and_is_in_the_log(kind: str, tmp_path: Path) -> None:
    ports: dict[str, Any] = {} if kind == "memory" else {"store": SqliteStore(tmp_path / "shop.db")}
    at = up_to("allocated", **ports)
    changes = (
        Substitute("1", 1, line("SKU-1", 1)),
        SetPrice("1", oms.Money(1500, "EUR")),
        SetAddress(oms.Address("BE", postcode="2000")),
        SetService("express"),
    )
    made = proposed(at, *changes)
    assert (proposed(at, *changes), made.changes) == (made, changes)
    with pytest.raises(oms.KeyReused):
        proposed(at, Reduce("1", 2))
    first = at.shop.confirm_changes(made.id, key="yes-1")
    assert at.shop.confirm_changes(made.id, key="yes-1") == first
    with pytest.raises(oms.TransitionNotAllowed):
        at.shop.confirm_changes(made.id, key="yes-2")
    with pytest.raises(oms.TransitionNotAllowed):
        at.shop.discard_changes(made.id, key="no-1")
    assert (first.totals.ordered, first.totals.cancelled) == (3, 1)
    logged = at.shop._read(lambda work: work.txn.events("change_set", made.id))
    assert [row.event.state for row in logged] == ["open", "confirmed"]
    assert logged[-1].event == at.shop.change_set(made.id)
    if kind == "sqlite":
        ports["store"].close()


def test_a_set_of_an_order_that_went_on_is_a_conflict_and_gives_way_to_the_next_proposal() -> None:
    at = up_to("allocated")
    made = proposed(at)
    at.shop.hold("ord-1", Hold("fraud_review", owner="risk"), key="hold-1")
    with pytest.raises(oms.Conflict, match="propose the changes anew"):
        at.shop.confirm_changes(made.id, key="yes-1")
    assert at.shop.change_set(made.id).state == "open"
    assert at.shop.order("ord-1").totals.cancelled == 0
    assert at.shop.preview_changes(made.id).version > made.version
    second = proposed(at, key="ask-2")
    assert (at.shop.change_set(made.id).state, second.state) == ("lapsed", "open")
    assert at.shop.confirm_changes(second.id, key="yes-2").totals.cancelled == 1


def test_units_that_were_sold_meanwhile_are_named_and_nothing_is_changed_unless_they_may_wait() -> None:
    at = up_to("allocated", stock=5)
    made = proposed(at, AddLine(line("SKU-1", 3)), Reduce("1", 1))
    assert at.shop.preview_changes(made.id).short == {}
    other = draft("9", lines=(line("SKU-1", 2),))
    at.shop.capture("web", other, key="c-9")
    before = (at.shop.order("ord-1"), at.shop.available("SKU-1"))
    with pytest.raises(oms.InsufficientStock) as refused:
        at.shop.confirm_changes(made.id, key="yes-1")
    assert [(s.item, s.asked, s.available) for s in refused.value.shortages] == [("SKU-1", 3, 2)]
    assert (at.shop.order("ord-1"), at.shop.available("SKU-1")) == before
    assert at.shop.change_set(made.id).state == "open"
    order = at.shop.confirm_changes(made.id, backorder=True, key="yes-2")
    assert (order.totals.reserved, order.totals.backordered, order.totals.cancelled) == (2, 1, 1)


def test_what_an_edit_would_be_refused_for_is_no_proposal() -> None:
    at = up_to("shipped")
    with pytest.raises(oms.CommandRefused, match=r"units\.too_few"):
        proposed(at)
    with pytest.raises(oms.InvalidValue, match="no changes are named"):
        at.shop.propose_changes("ord-1", [], key="ask-2")
    assert at.shop.change_sets("ord-1") == []
