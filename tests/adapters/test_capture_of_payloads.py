"""Payloads through the front door: one order for what is delivered twice, and nothing reserved that is not wanted."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

import omscore as oms
from omscore.adapters.payloads import ebay, ships_elsewhere, shopify
from omscore.errors import KeyReused
from omscore.orders import STANDARD_CHECKS
from omscore.ports import Effect
from tests.adapters.payloads.test_ebay import ORDER as EBAY
from tests.adapters.payloads.test_shopify import order


class Translated:
    """A channel that only knows how to read."""

    def __init__(self, name: str, module: Any) -> None:
        self._name, self._module = name, module

    @property
    def name(self) -> str:
        return self._name

    def draft(self, payload: Mapping[str, Any]) -> oms.Draft:
        (one,) = self._module.orders_in(payload)
        draft: oms.Draft = self._module.draft(one, channel=self._name)
        return draft

    def tell(self, effect: Effect) -> None:
        raise AssertionError(effect)


@pytest.fixture
def shop() -> oms.Oms:
    shop = oms.Oms(
        store=oms.MemoryStore(),
        network=oms.Network([oms.Node("ghent")]),
        channels=(Translated("shopify", shopify), Translated("ebay", ebay)),
        checks=(*STANDARD_CHECKS, ships_elsewhere),
    )
    shop.receive("ghent", {"MUG": 10, "variant:88": 10, "item:777": 10}, key="dock-1")
    return shop


def test_a_webhook_delivered_twice_is_one_order_with_one_reservation(shop: oms.Oms) -> None:
    first = shop.capture("shopify", order(), key="hook-1")
    again = shop.capture("shopify", {"order": order()}, key="hook-2")
    assert (again.id, again.state) == (first.id, "accepted")
    assert shop.available("MUG") == {"ghent": 7}


def test_other_content_under_the_same_revision_is_a_conflict(shop: oms.Oms) -> None:
    shop.capture("shopify", order(), key="hook-1")
    with pytest.raises(KeyReused, match="shopify/5001/"):
        shop.capture("shopify", order(note="leave it with the neighbor"), key="hook-2")
    assert shop.available("MUG") == {"ghent": 7}


def test_units_cancelled_in_the_channel_are_never_reserved(shop: oms.Oms) -> None:
    cancelled = order(
        refunds=[{"refund_line_items": [{"line_item_id": 1, "quantity": 2, "restock_type": "cancel"}]}],
    )
    shop.capture("shopify", cancelled, key="hook-1")
    assert shop.available("MUG") == {"ghent": 9}


def test_what_left_before_it_came_in_is_rejected_and_takes_no_stock(shop: oms.Oms) -> None:
    gone = [{"status": "success", "line_items": [{"id": 1, "quantity": 3}, {"id": 2, "quantity": 1}]}]
    late = shop.capture("shopify", order(fulfillments=gone), key="hook-1")
    assert late.state == "rejected"
    assert shop.available("MUG") == {"ghent": 10}


def test_marketplaces_phones_and_stores_come_through_the_same_door(shop: oms.Oms) -> None:
    shop.capture("ebay", EBAY, key="page-1")
    line = oms.DraftLine("1", "MUG", 1, oms.Money.of("10.00", "EUR"))
    for channel in ("phone", "store"):
        taken = oms.Draft(channel, "17", "EUR", (line,), datetime(2026, 3, 2, tzinfo=UTC), ship_to=oms.Address("BE"))
        assert shop.capture(channel, taken, key=f"{channel}-17").draft.channel == channel
    assert shop.available("MUG") == {"ghent": 5}
