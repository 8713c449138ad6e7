"""eBay orders become drafts in the buyer's currency, without the taxes that eBay keeps."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from omscore.adapters.payloads import Shipped, ebay
from omscore.errors import ChannelError
from omscore.kernel import Money


def eur(amount: str) -> dict[str, str]:
    """An amount as a seller in the United States is shown one in euro."""
    return {"value": "9.99", "currency": "USD", "convertedFromValue": amount, "convertedFromCurrency": "EUR"}


ORDER: dict[str, Any] = {
    "orderId": "12-34567-89012",
    "creationDate": "2026-03-02T09:00:00.000Z",
    "lastModifiedDate": "2026-03-02T09:05:00.000Z",
    "orderPaymentStatus": "PAID",
    "orderFulfillmentStatus": "NOT_STARTED",
    "buyer": {"username": "b-1"},
    "buyerCheckoutNotes": "thanks",
    "pricingSummary": {
        "priceSubtotal": eur("25.0"),
        "priceDiscount": eur("-2.0"),
        "deliveryCost": eur("4.95"),
        "deliveryDiscount": eur("-0.95"),
        "tax": eur("1.5"),
        "total": eur("28.5"),
    },
    "cancelStatus": {"cancelState": "NONE_REQUESTED"},
    "fulfillmentStartInstructions": [
        {
            "fulfillmentInstructionsType": "SHIP_TO",
            "shippingStep": {
                "shipTo": {"fullName": "N", "contactAddress": {"countryCode": "DE", "postalCode": "10115"}},
                "shippingServiceCode": "DE_Express",
            },
        }
    ],
    "lineItems": [
        {
            "lineItemId": "1",
            "sku": "MUG",
            "quantity": 3,
            "lineItemCost": eur("10.0"),
            "discountedLineItemCost": eur("8.0"),
            "taxes": [{"amount": eur("1.5")}, {"amount": eur("0.7")}],
            "ebayCollectAndRemitTaxes": [{"amount": eur("0.7")}],
            "giftDetails": {"message": "Enjoy", "recipientEmail": "r@example.org"},
            "lineItemFulfillmentInstructions": {
                "shipByDate": "2026-03-05T22:59:59.000Z",
                "maxEstimatedDeliveryDate": "2026-03-07T22:00:00.000Z",
            },
        },
        {
            "lineItemId": "2",
            "legacyItemId": "777",
            "legacyVariationId": "0",
            "quantity": 1,
            "lineItemCost": eur("15.0"),
            "lineItemFulfillmentInstructions": {
                "shipByDate": "2026-03-04T22:59:59.000Z",
                "maxEstimatedDeliveryDate": "2026-03-09T22:00:00.000Z",
            },
        },
    ],
}


def order(**changes: Any) -> dict[str, Any]:
    return deepcopy(ORDER) | changes


def test_money_is_what_the_buyer_was_asked() -> None:
    draft = ebay.draft(order())
    assert draft.due == draft.total == Money.of("28.50", "EUR")
    assert draft.lines[0].total == Money.of("9.50", "EUR")
    assert draft.lines[0].unit_price == Money.of("3.34", "EUR")
    assert draft.discount == Money.zero("EUR"), "the order's discount is the one its rows already have"
    assert draft.shipping == Money.of("4.00", "EUR")


def test_tax_that_ebay_keeps_is_no_part_of_the_price() -> None:
    line = ebay.draft(order()).lines[0]
    assert line.tax == Money.of("1.50", "EUR")
    assert line.extra["tax_collected_by_ebay"] == "0.70"


def test_what_is_asked_for_comes_along() -> None:
    draft = ebay.draft(order(), services={"DE_Express": "express"})
    assert (draft.service, draft.note, draft.customer.id) == ("express", "thanks", "b-1")
    assert [line.item for line in draft.lines] == ["MUG", "item:777"]
    assert draft.lines[0].gift_message == "Enjoy"
    assert draft.ship_by == datetime(2026, 3, 4, 22, 59, 59, tzinfo=UTC), "the earliest of the lines"
    assert draft.deliver_by == datetime(2026, 3, 9, 22, tzinfo=UTC), "the latest of the lines"


def test_a_cancelled_order_is_cancelled_even_where_it_was_marked_as_shipped() -> None:
    payload = order(
        cancelStatus={"cancelState": "CANCELED", "cancelledDate": "2026-03-03T09:00:00.000Z"},
        orderPaymentStatus="FULLY_REFUNDED",
        paymentSummary={"refunds": [{"amount": eur("28.5")}]},
    )
    payload["lineItems"][0]["lineItemFulfillmentStatus"] = "FULFILLED"
    draft = ebay.draft(payload)
    assert [line.cancelled for line in draft.lines] == [3, 1]
    assert draft.lines[0].extra["fulfilled"] == 3
    assert (draft.payment, draft.extra["refunded"]) == ("refunded", "28.50")
    assert draft.extra["cancelled_at"] == "2026-03-03T09:00:00+00:00"


def test_a_wish_to_cancel_is_a_tag() -> None:
    assert "cancel_requested" in ebay.draft(order(cancelStatus={"cancelState": "IN_PROGRESS"})).tags


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("pricingSummary", "total"), eur("28.51"), r"'pricingSummary\.total' is wrong: it says 28.51 EUR"),
        (("pricingSummary", "priceSubtotal"), eur("24"), r"'pricingSummary\.priceSubtotal' is wrong"),
        (
            ("pricingSummary", "deliveryCost"),
            {"value": "1", "currency": "USD"},
            r"deliveryCost' is wrong: it is in USD",
        ),
        (("pricingSummary", "total"), None, r"'pricingSummary\.total' is missing"),
        (("orderPaymentStatus",), "ODD", "'orderPaymentStatus' is wrong"),
        (("lineItems", 1, "legacyItemId"), None, r"'lineItems\[1\]\.legacyItemId' is missing"),
        (("lineItems", 0, "quantity"), 0, r"'lineItems\[0\]\.quantity' is wrong"),
    ],
)
def test_a_missing_or_wrong_field_is_named_by_its_path(path: tuple[Any, ...], value: Any, named: str) -> None:
    payload = order()
    inner: Any = payload
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(ChannelError, match=f"ebay: .*{named}"):
        ebay.draft(payload)


def test_stock_is_told_for_at_most_25_items_at_once() -> None:
    parcel = Shipped("12", {"1": 3}, "00 340-434", "DHL", datetime(2026, 3, 3, tzinfo=UTC))
    assert ebay.fulfillment(parcel)["trackingNumber"] == "00340434"
    with pytest.raises(ChannelError, match="at most 25"):
        ebay.stock_level({f"S{i}": 1 for i in range(26)})
