"""WooCommerce orders become drafts to the cent, with their refunds beside them."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from omscore.adapters.payloads import Shipped, woocommerce
from omscore.errors import ChannelError
from omscore.kernel import Money

ORDER: dict[str, Any] = {
    "id": 900,
    "number": "W-900",
    "status": "processing",
    "currency": "EUR",
    "date_created": "2026-03-02T10:00:00",
    "date_created_gmt": "2026-03-02T09:00:00",
    "date_modified_gmt": "2026-03-02T09:00:05",
    "date_paid_gmt": "2026-03-02T09:00:04",
    "prices_include_tax": True,
    "total": "31.07",
    "total_tax": "4.12",
    "shipping_total": "5.00",
    "shipping_tax": "1.05",
    "customer_id": 17,
    "customer_note": "blue please",
    "billing": {"country": "BE", "postcode": "9000", "first_name": "A", "last_name": "B"},
    "shipping": {"country": "NL", "postcode": "1011AB", "state": ""},
    "coupon_lines": [{"code": "SPRING"}],
    "fee_lines": [{"total": "2.50", "total_tax": "0.00"}, {"total": "-0.55", "total_tax": "0.00"}],
    "shipping_lines": [{"method_id": "flat_rate:3", "total": "5.00"}],
    "line_items": [
        {
            "id": 1,
            "name": "Mug &ndash; blue",
            "sku": "MUG",
            "quantity": 3,
            "subtotal": "20.00",
            "total": "10.00",
            "total_tax": "1.00",
            "meta_data": [{"key": "gift_message", "value": "Hi"}],
        },
        {
            "id": 2,
            "sku": "",
            "product_id": 5,
            "variation_id": 6,
            "quantity": 2,
            "subtotal": "10.00",
            "total": "10.00",
            "total_tax": "2.08",
        },
    ],
    "refunds": [],
    "plugin_field": 7,
}

REFUND = {
    "amount": "10.00",
    "line_items": [{"quantity": -1, "meta_data": [{"key": "_refunded_item_id", "value": "2"}]}],
}


def order(**changes: Any) -> dict[str, Any]:
    return deepcopy(ORDER) | changes


def test_rows_are_net_and_taxes_come_on_top() -> None:
    draft = woocommerce.draft(order())
    assert draft.due == draft.total == Money.of("31.07", "EUR")
    assert draft.lines[0].total == Money.of("11.00", "EUR")
    assert draft.shipping == Money.of("7.50", "EUR"), "a fee comes beside the shipping"
    assert draft.discount == Money.of("0.55", "EUR"), "a fee below zero is a discount"
    assert draft.tax == Money.of("1.04", "EUR"), "the shipping's, and the cent by which rows were rounded up"


def test_a_shipping_cost_below_zero_is_a_discount_too() -> None:
    draft = woocommerce.draft(order(shipping_total="-5.00", total="21.07"))
    assert (draft.shipping, draft.discount, draft.due) == (Money(0, "EUR"), Money(305, "EUR"), draft.total)


def test_a_row_that_does_not_divide_keeps_its_cents() -> None:
    line = woocommerce.draft(order()).lines[0]
    assert line.unit_price == Money.of("6.67", "EUR")
    assert line.discount == Money.of("10.01", "EUR")
    assert line.unit_price * 3 - line.discount == Money.of("10.00", "EUR")


def test_times_come_from_the_gmt_fields() -> None:
    draft = woocommerce.draft(order())
    assert draft.placed_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    without = order()
    del without["date_created_gmt"]
    with pytest.raises(ChannelError, match="'date_created_gmt' is missing"):
        woocommerce.draft(without)


def test_what_is_asked_for_comes_along() -> None:
    draft = woocommerce.draft(order(), services={"flat_rate": "standard"})
    assert (draft.service, draft.note, draft.customer.id) == ("standard", "blue please", "17")
    assert [line.item for line in draft.lines] == ["MUG", "variation:6"]
    assert (draft.lines[0].name, draft.lines[0].gift_message) == ("Mug \N{EN DASH} blue", "Hi")
    assert draft.extra["coupons"] == ["SPRING"]
    assert draft.extra["unread"]["plugin_field"] == 7
    assert draft.ship_to is not None
    assert draft.ship_to.country == "NL"
    assert draft.bill_to is not None
    assert draft.bill_to.country == "BE"


@pytest.mark.parametrize(
    ("status", "payment", "cancelled", "fulfilled"),
    [
        ("processing", "partially_refunded", 1, None),
        ("completed", "partially_refunded", 0, 2),
        ("cancelled", "partially_refunded", 2, None),
        ("refunded", "refunded", 2, None),
    ],
)
def test_a_refunded_unit_is_cancelled_unless_it_had_shipped(
    status: str, payment: str, cancelled: int, fulfilled: int | None
) -> None:
    paid_back = order(status=status, refunds=[{"id": 1, "total": "-10.00"}])
    draft = woocommerce.draft(paid_back, [REFUND])
    assert draft.payment == payment
    assert draft.lines[1].cancelled == cancelled
    assert draft.lines[1].extra.get("fulfilled") == fulfilled
    assert draft.extra["refunded"] == "10.00"


def test_refunds_that_differ_from_what_the_order_says_are_refused() -> None:
    with pytest.raises(ChannelError, match="'refunds' is wrong"):
        woocommerce.draft(order(), [REFUND])


def test_an_unpaid_order_waits_for_its_payment() -> None:
    assert woocommerce.draft(order(status="on-hold", date_paid_gmt=None)).payment == "pending"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"total": "31.08"}, "'total' is wrong: it says 31.08 EUR"),
        ({"total_tax": "5.00"}, "'total_tax' is wrong: rows, fees and shipping leave 0.87 EUR"),
        ({"status": "checkout-draft"}, "'status' is wrong: 'checkout-draft' is not placed yet"),
        ({"shipping": {"country": "Belgium"}}, r"'shipping\.country' is wrong"),
        ({"line_items": [{"id": 1, "quantity": 1, "subtotal": "1"}]}, r"'line_items\[0\]\.sku' is missing"),
    ],
)
def test_a_missing_or_wrong_field_is_named_by_its_path(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ChannelError, match=f"woocommerce: .*{named}"):
        woocommerce.draft(order(**changes))


def test_a_batch_answer_gives_the_orders_that_still_exist() -> None:
    batch = {"create": [order()], "update": [order(id=901)], "delete": [order(id=902)]}
    assert [found["id"] for found in woocommerce.orders_in(batch)] == [900, 901]


def test_messages_back_are_small() -> None:
    parcel = Shipped("900", {"1": 3}, "TRACK", "PostNL", datetime(2026, 3, 3, 22, tzinfo=UTC), url="https://t.example")
    assert woocommerce.fulfillment(parcel) == {
        "custom_tracking_provider": "PostNL",
        "tracking_number": "TRACK",
        "date_shipped": "2026-03-03",
        "custom_tracking_link": "https://t.example",
    }
    assert woocommerce.stock_level(0) == {"manage_stock": True, "stock_quantity": 0}
