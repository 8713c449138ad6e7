"""Shopify orders become drafts to the cent, and messages back name what Shopify asks for."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from omscore.adapters.payloads import Shipped, ships_elsewhere, shopify
from omscore.errors import ChannelError, InvalidValue
from omscore.kernel import Money

ORDER: dict[str, Any] = {
    "id": 5001,
    "name": "#77",
    "created_at": "2026-03-02T23:30:00-05:00",
    "updated_at": "2026-03-03T00:00:00-05:00",
    "currency": "EUR",
    "financial_status": "paid",
    "taxes_included": False,
    "tags": "VIP, gift ",
    "note": "ring twice",
    "note_attributes": [{"name": "Gift message", "value": "Well done"}, {"name": "Wrap", "value": "blue"}],
    "total_discounts": "5.01",
    "total_tax": "10.50",
    "total_price": "60.44",
    "shipping_address": {"country_code": "be", "zip": "9000", "province_code": "", "address1": "S 1", "name": "N"},
    "shipping_lines": [
        {"code": "EXP", "price": "5.95", "discount_allocations": [{"amount": "1.00"}], "tax_lines": [{"price": "0.50"}]}
    ],
    "line_items": [
        {
            "id": 1,
            "sku": "MUG",
            "quantity": 3,
            "price": "10.00",
            "tax_lines": [{"price": "4.00"}, {"price": "1.00"}],
            "discount_allocations": [{"amount": "3.34"}],
            "properties": [{"name": "_gift_note", "value": "For S."}],
        },
        {"id": 2, "variant_id": 88, "quantity": 1, "price": "19.00", "tax_lines": [{"price": "5.00"}]},
    ],
    "an_app_field": {"answer": 42},
}


def order(**changes: Any) -> dict[str, Any]:
    return deepcopy(ORDER) | changes


def test_money_adds_up_to_the_stated_total() -> None:
    draft = shopify.draft(order())
    assert draft.due == draft.total == Money.of("60.44", "EUR")
    assert [line.discount for line in draft.lines] == [Money.of("3.34", "EUR"), Money.zero("EUR")]
    assert draft.shipping == Money.of("4.95", "EUR")
    assert draft.discount == Money.of("0.67", "EUR"), "the part that no row was given"
    assert draft.tax == Money.of("0.50", "EUR"), "the tax on shipping"


def test_an_order_that_does_not_add_up_is_refused_by_the_field() -> None:
    with pytest.raises(ChannelError, match=r"'total_price' is wrong: it says 60\.45 EUR, but .* make 60\.44 EUR"):
        shopify.draft(order(total_price="60.45"))


def test_what_is_asked_for_comes_along() -> None:
    draft = shopify.draft(order(), services={"EXP": "express"})
    assert draft.placed_at == datetime(2026, 3, 3, 4, 30, tzinfo=UTC)
    assert draft.revision == int(datetime(2026, 3, 3, 5, tzinfo=UTC).timestamp())
    assert draft.service == "express"
    assert draft.tags == {"VIP", "gift"}
    assert (draft.note, draft.gift_message) == ("ring twice", "Well done")
    assert draft.lines[0].gift_message == "For S."
    assert draft.extra["attributes"]["Wrap"] == "blue"
    assert draft.lines[0].extra["attributes"] == {"_gift_note": "For S."}
    assert [line.item for line in draft.lines] == ["MUG", "variant:88"]
    assert draft.ship_to is not None
    assert (draft.ship_to.country, draft.ship_to.postcode) == ("BE", "9000")
    assert draft.extra["unread"] == {"an_app_field": {"answer": 42}}


def test_a_persons_particulars_are_kept_in_addresses_only() -> None:
    draft = shopify.draft(order(browser_ip="192.0.2.1", email="x@example.org", customer={"id": 4, "email": "x@e.org"}))
    assert draft.customer.id == "4"
    assert draft.ship_to is not None
    assert draft.ship_to.email == "x@example.org", "where news of the parcel goes"
    assert set(draft.extra["unread"]) == {"an_app_field"}


def test_prices_that_hold_the_tax_are_not_taxed_twice() -> None:
    draft = shopify.draft(order(taxes_included=True, total_price="48.94", total_discounts="6.01"))
    assert draft.due == Money.of("48.94", "EUR")
    assert draft.tax == Money.zero("EUR")
    assert draft.lines[0].tax is None
    assert draft.extra["tax_included"] == "10.50"


def test_units_refunded_before_they_shipped_are_cancelled_and_later_ones_returned() -> None:
    refunds = [
        {
            "refund_line_items": [
                {"line_item_id": 1, "quantity": 1, "restock_type": "cancel"},
                {"line_item_id": 1, "quantity": 1, "restock_type": "return"},
            ],
            "transactions": [{"kind": "refund", "status": "success", "amount": "20.00"}],
        }
    ]
    shipped = [
        {"status": "success", "line_items": [{"id": 1, "quantity": 1}]},
        {"status": "cancelled", "line_items": [{"id": 2, "quantity": 1}]},
    ]
    draft = shopify.draft(order(refunds=refunds, fulfillments=shipped, financial_status="partially_refunded"))
    mug, other = draft.lines
    assert (mug.units, mug.cancelled, mug.extra["fulfilled"], mug.extra["returned"]) == (3, 1, 1, 1)
    assert (other.cancelled, "fulfilled" in other.extra) == (0, False)
    assert (draft.payment, draft.extra["refunded"]) == ("partially_refunded", "20.00")
    assert draft.due == draft.total, "what was ordered stays what was ordered"


@pytest.mark.parametrize(("current", "cancelled"), [(3, 0), (1, 2), (0, 3), (4, 0)])
def test_units_edited_out_are_cancelled(current: int, cancelled: int) -> None:
    payload = order()
    payload["line_items"][0]["current_quantity"] = current
    line = shopify.draft(payload).lines[0]
    assert (line.units, line.cancelled, "returned" in line.extra) == (3, cancelled, False)


def test_of_a_cancelled_order_every_unit_is_cancelled() -> None:
    draft = shopify.draft(order(cancelled_at="2026-03-04T00:00:00Z", cancel_reason="customer"))
    assert [line.cancelled for line in draft.lines] == [3, 1]
    assert draft.extra["cancelled_at"] == "2026-03-04T00:00:00+00:00"


def test_what_has_left_already_is_found_before_it_leaves_twice() -> None:
    some = [{"status": "success", "line_items": [{"id": 1, "quantity": 2}]}]
    (finding,) = ships_elsewhere(shopify.draft(order(fulfillments=some)), {})
    assert (finding.severity, finding.text) == (
        "review",
        "2 units were shipped before the order was captured, 2 are left",
    )
    assert list(ships_elsewhere(shopify.draft(order()), {})) == []


def test_tips_fees_and_duties_are_part_of_what_is_paid() -> None:
    both = {"shop_money": {"amount": "2.00", "currency_code": "EUR"}}
    draft = shopify.draft(order(total_tip_received="1.00", original_total_duties_set=both, total_price="63.44"))
    assert draft.due == Money.of("63.44", "EUR")
    assert draft.extra["fees"] == "1.00"


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("currency",), None, "'currency' is missing"),
        (("currency",), "euro", "'currency' is wrong"),
        (("created_at",), "2026-03-02T09:00:00", "'created_at' is wrong: .* must carry a time zone"),
        (("financial_status",), "strange", "'financial_status' is wrong: 'strange' is none of authorized"),
        (("line_items",), {}, "'line_items' is wrong: it must be a list"),
        (("line_items", 0, "price"), 10.0, r"'line_items\[0\]\.price' is wrong: .*text"),
        (("line_items", 0, "price"), "10.001", r"'line_items\[0\]\.price' is wrong: .* more decimals"),
        (("line_items", 0, "quantity"), None, r"'line_items\[0\]\.quantity' is missing"),
        (("line_items", 0, "quantity"), 0, r"refused in line_items\[0\]: line 1: quantity must be at least 1"),
        (("line_items", 1, "variant_id"), None, r"'line_items\[1\]\.sku' is missing"),
        (("line_items", 1, "id"), 1, "refused: line id '1' stands twice"),
        (("shipping_address", "country_code"), "BEL", r"'shipping_address\.country_code' is wrong"),
        (("shipping_lines", 0, "price"), None, r"'shipping_lines\[0\]\.price' is missing"),
    ],
)
def test_a_missing_or_wrong_field_is_named_by_its_path(path: tuple[Any, ...], value: Any, named: str) -> None:
    payload = order()
    inner: Any = payload
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(ChannelError, match=f"shopify: .*{named}"):
        shopify.draft(payload)


@pytest.mark.parametrize("kind", ["draft_order", "checkouts", "product", "refund", "fulfillments"])
def test_what_is_no_order_is_refused_by_name(kind: str) -> None:
    with pytest.raises(ChannelError, match=f"'{kind}' is not an order"):
        shopify.orders_in({kind: {"id": 1, "line_items": []}})


def test_orders_come_bare_wrapped_or_in_pages() -> None:
    assert shopify.orders_in(ORDER) == shopify.orders_in({"order": ORDER}) == shopify.orders_in({"orders": [ORDER]})


WANTED = {
    "fulfillment_orders": [
        {"id": 70, "status": "closed", "line_items": [{"id": 700, "line_item_id": 1, "fulfillable_quantity": 3}]},
        {"id": 71, "status": "open", "line_items": [{"id": 710, "line_item_id": 1, "fulfillable_quantity": 1}]},
        {"id": 72, "status": "in_progress", "line_items": [{"id": 720, "line_item_id": 1, "fulfillable_quantity": 2}]},
    ]
}


def shipped(units: int) -> Shipped:
    return Shipped("5001", {"1": units}, "TRACK", "bpost", datetime(2026, 3, 3, tzinfo=UTC), url="https://t.example/1")


def test_a_parcel_takes_open_units_from_the_fulfillment_orders_in_turn() -> None:
    body = shopify.fulfillment(shipped(2), WANTED)["fulfillment"]
    assert body["line_items_by_fulfillment_order"] == [
        {"fulfillment_order_id": 71, "fulfillment_order_line_items": [{"id": 710, "quantity": 1}]},
        {"fulfillment_order_id": 72, "fulfillment_order_line_items": [{"id": 720, "quantity": 1}]},
    ]
    assert body["tracking_info"] == {"number": "TRACK", "company": "bpost", "url": "https://t.example/1"}
    assert body["notify_customer"] is False


def test_more_than_shopify_has_open_is_refused() -> None:
    with pytest.raises(ChannelError, match=r"no open units left for \{'1': 1\}"):
        shopify.fulfillment(shipped(4), WANTED)


def test_a_stock_level_is_never_below_none() -> None:
    with pytest.raises(InvalidValue, match="available must be at least 0"):
        shopify.stock_level(1, 2, -1)
