"""What was ordered may change: seen before it is done, all or none, and only as far as goods are still here."""

from datetime import UTC, datetime

import pytest
from attrs import evolve

import omscore as oms
from omscore.orders import AddLine, Change, Reduce, SetAddress, SetPrice, SetService, Substitute, fold
from omscore.testing.walkthrough import draft, up_to
from tests.app.gateways import Till

EUR = "EUR"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def other(id_: str = "2", item: str = "SKU-2", units: int = 1, cents: int = 500) -> oms.DraftLine:
    return oms.DraftLine(id_, item, units, oms.Money(cents, EUR))


def journal(shop: oms.Oms, item: str) -> int:
    ((_, figures),) = shop._store.run(lambda txn: txn.cells_of(item))
    return int(figures.version)


def test_a_price_only_edit_moves_no_stock() -> None:
    at = up_to("allocated")
    before = journal(at.shop, "SKU-1")
    at.shop.edit(at.order.id, [SetPrice("1", oms.Money(1500, EUR))], key="e-1")
    assert journal(at.shop, "SKU-1") == before
    assert at.shop.due(at.order.id).minor == 3000
    assert at.shop.order(at.order.id).units == at.order.units


def test_a_preview_tells_money_stock_and_routing_and_touches_nothing() -> None:
    at = up_to("allocated")
    at.shop.receive("ghent", {"SKU-2": 1}, key="d-2")
    changes: list[Change] = [Reduce("1", 1), AddLine(other(units=2)), SetService("express")]
    seen = at.shop.preview(at.order.id, changes)
    assert seen.money.minor == -1999 + 1000
    assert seen.stock == {"SKU-1": -1, "SKU-2": 2}
    assert seen.short == {"SKU-2": 1}
    assert seen.rerouted == {"1": 2}
    assert at.shop.order(at.order.id) == at.order
    assert at.shop.available("SKU-2") == {"ghent": 1}


def test_an_edit_is_made_to_the_order_that_was_seen() -> None:
    at = up_to("allocated")
    seen = at.shop.preview(at.order.id, [Reduce("1", 1)])
    at.shop.pick(at.fulfillment.id, key="p-1")  # type: ignore[union-attr]
    with pytest.raises(oms.Conflict, match="look at it again"):
        at.shop.edit(at.order.id, [Reduce("1", 1)], version=seen.version, key="e-1")
    seen = at.shop.preview(at.order.id, [Reduce("1", 1)])
    at.shop.edit(at.order.id, [Reduce("1", 1)], version=seen.version, key="e-1")
    at.shop.edit(at.order.id, [Reduce("1", 1)], version=seen.version, key="e-1")
    assert repr(at.shop.order(at.order.id)) == "<Order ord-1 accepted: picked 1, cancelled 1>"


def test_an_edit_happens_whole_or_not_at_all() -> None:
    at = up_to("shipped")
    with pytest.raises(oms.CommandRefused, match="only 0 are"):
        at.shop.edit(at.order.id, [AddLine(other()), Reduce("1", 1)], key="e-1")
    assert at.shop.order(at.order.id) == at.order


def test_a_substitute_gives_one_item_back_and_reserves_the_other() -> None:
    at = up_to("allocated")
    at.shop.receive("ghent", {"SKU-2": 3}, key="d-2")
    at.shop.edit(at.order.id, [Substitute("1", 2, other(units=2))], key="e-1")
    assert at.shop.available("SKU-1") == {"ghent": 5}
    assert at.shop.available("SKU-2") == {"ghent": 1}
    assert [routed.outcome for routed in at.shop.route()] == ["assigned"]


def test_another_address_has_its_node_chosen_again_but_not_once_it_is_packed() -> None:
    at = up_to("allocated")
    after = at.shop.edit(at.order.id, [SetAddress(oms.Address("NL", "1011"))], key="e-1")
    assert (after.totals.allocated, after.totals.reserved) == (0, 2)
    assert at.shop.route()[0].outcome == "assigned"
    packed = up_to("packed")
    with pytest.raises(oms.CommandRefused, match="unpack them first"):
        packed.shop.edit(packed.order.id, [SetAddress(oms.Address("NL", "1011"))], key="e-1")


def test_what_comes_on_top_is_authorized_before_the_order_goes_on() -> None:
    till = Till()
    at = up_to("accepted", payment="pending", gateway=till)
    at.shop.deliver()
    after = at.shop.edit(at.order.id, [AddLine(other(item="SKU-1"))], key="e-1")
    assert [hold.code for hold in after.holds] == ["payment"]
    at.shop.deliver()
    assert at.shop.order(at.order.id).holds == ()
    assert sum(n for id_, n in till.asked.items() if "authorize" in id_) == 4498


def test_an_edit_beyond_the_credit_is_refused() -> None:
    at = up_to("accepted", payment="terms")
    at.shop.set_credit("c-17", oms.Money(4000, EUR), key="t-1")
    with pytest.raises(oms.CommandRefused, match="too much"):
        at.shop.edit(at.order.id, [AddLine(other(item="SKU-1"))], key="e-1")
    assert at.shop.order(at.order.id) == at.order


def test_a_later_revision_is_an_edit_and_an_earlier_one_that_comes_late_is_left_alone() -> None:
    at = up_to("allocated")
    first = draft()
    third = evolve(first, revision=3, lines=(evolve(first.lines[0], units=3), other(item="SKU-1")))
    assert at.shop.capture("web", third, key="c-3").id == at.order.id
    assert at.shop.due(at.order.id).minor == 3 * 1999 + 500
    second = evolve(first, revision=2, lines=(evolve(first.lines[0], units=1),))
    assert at.shop.capture("web", second, key="c-2").totals == at.shop.order(at.order.id).totals
    fourth = evolve(third, revision=4, lines=(evolve(first.lines[0], units=1),))
    after = at.shop.capture("web", fourth, key="c-4")
    assert after.totals.ordered - after.totals.cancelled == 1
    assert at.shop.available("SKU-1") == {"ghent": 4}
    events = [logged.event for logged in at.shop.history(at.order.id)]
    assert fold(events) == at.shop.order(at.order.id)


def test_a_revision_that_says_paid_lets_the_order_go_on() -> None:
    at = up_to("accepted", payment="pending")
    after = at.shop.capture("web", evolve(draft(payment="paid"), revision=2), key="c-2")
    assert after.state == "accepted"


def test_a_later_revision_about_something_else_does_not_bring_back_what_was_cancelled_here() -> None:
    at = up_to("accepted", stock=9)
    at.shop.cancel("ord-1", {"1": 1}, why="broken on the shelf", key="x-1")
    later = evolve(draft(), revision=2, note="ring twice", service="express")
    after = at.shop.capture("web", later, key="c-2")
    assert (after.totals.reserved, after.totals.cancelled, after.draft.service) == (1, 1, "express")
    more = evolve(draft(), revision=3, lines=(evolve(draft().lines[0], units=3),))
    assert at.shop.capture("web", more, key="c-3").totals.reserved == 3, "what the channel asks for anew it gets"
