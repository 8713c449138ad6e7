"""Amazon orders of both versions, and vendor purchase orders in cases and eaches, become drafts to the cent."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from omscore.adapters.payloads import Shipped, amazon, ships_elsewhere
from omscore.errors import ChannelError
from omscore.kernel import Address, Money


def old(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"CurrencyCode": currency, "Amount": amount}


def new(amount: str) -> dict[str, str]:
    return {"currencyCode": "EUR", "amount": amount}


ORDER: dict[str, Any] = {
    "AmazonOrderId": "900-1",
    "PurchaseDate": "2026-03-02T09:00:00Z",
    "LastUpdateDate": "2026-03-02T09:10:00Z",
    "OrderStatus": "Unshipped",
    "OrderTotal": old("35.40"),
    "FulfillmentChannel": "MFN",
    "ShipmentServiceLevelCategory": "Expedited",
    "LatestShipDate": "2026-03-03T22:59:59Z",
    "IsPrime": True,
    "SomethingNew": "x",
}
ITEMS: list[dict[str, Any]] = [
    {
        "OrderItemId": "1",
        "ASIN": "B0",
        "SellerSKU": "MUG-6",
        "QuantityOrdered": 2,
        "QuantityShipped": 0,
        "ProductInfo": {"NumberOfItems": "6"},
        "ItemPrice": old("30.00"),
        "ItemTax": old("2.10"),
        "ShippingPrice": old("4.00"),
        "ShippingTax": old("0.40"),
        "ShippingDiscount": old("1.00"),
        "ShippingDiscountTax": old("0.10"),
        "PromotionDiscount": old("3.00"),
        "PromotionDiscountTax": old("0.20"),
        "IsGift": "true",
        "BuyerInfo": {"GiftMessageText": "Hello", "GiftWrapPrice": old("2.99"), "GiftWrapTax": old("0.21")},
    },
    {"OrderItemId": "2", "ASIN": "B1", "SellerSKU": "GONE", "QuantityOrdered": 0, "QuantityShipped": 0},
]
ADDRESS = {"Name": "N", "AddressLine1": "S 1", "City": "C", "PostalCode": "75001", "CountryCode": "FR"}


def test_an_order_its_items_and_its_address_make_one_draft() -> None:
    draft = amazon.draft(ORDER, ITEMS, ADDRESS, services={"expedited": "express"})
    assert draft.due == draft.total == Money.of("35.40", "EUR")
    (line,) = draft.lines
    assert (line.item, line.units, line.extra["pieces"]) == ("MUG-6", 2, 6)
    assert (line.gift_message, line.tags) == ("Hello", frozenset({"gift"}))
    assert line.tax == Money.of("1.90", "EUR")
    assert draft.shipping == Money.of("5.99", "EUR"), "shipping less its discount, and the gift wrap"
    assert draft.extra["cancelled_lines"] == ["2"]
    assert draft.extra["unread"] == {"SomethingNew": "x"}
    assert (draft.service, draft.tags) == ("express", frozenset({"prime"}))
    assert draft.ship_by == datetime(2026, 3, 3, 22, 59, 59, tzinfo=UTC)
    assert draft.ship_to is not None
    assert draft.ship_to.country == "FR"


def test_the_total_tells_whether_prices_hold_the_tax() -> None:
    draft = amazon.draft(ORDER | {"OrderTotal": old("32.99")}, ITEMS)
    assert draft.due == draft.total == Money.of("32.99", "EUR")
    assert draft.extra["tax_included"] == "2.41"
    assert draft.lines[0].tax is None
    assert draft.ship_to is None


def test_a_pending_order_is_refused_by_the_totals_it_lacks() -> None:
    pending = {k: v for k, v in ORDER.items() if k != "OrderTotal"} | {"OrderStatus": "Pending"}
    with pytest.raises(ChannelError, match="'OrderTotal' is missing; an order that is Pending has no prices yet"):
        amazon.draft(pending, ITEMS)


def test_an_order_without_its_items_is_refused_by_what_it_lacks() -> None:
    with pytest.raises(ChannelError, match="'OrderItems' is missing"):
        amazon.draft(ORDER)


def test_what_amazon_ships_itself_is_not_ours_to_ship() -> None:
    draft = amazon.draft(ORDER | {"FulfillmentChannel": "AFN"}, ITEMS)
    assert [f.code for f in ships_elsewhere(draft, {})] == ["channel.ships_itself"]


def test_a_cancelled_order_leaves_nothing_to_ship() -> None:
    draft = amazon.draft(ORDER | {"OrderStatus": "Canceled"}, ITEMS)
    assert (draft.lines[0].cancelled, draft.payment) == (2, "voided")


@pytest.mark.parametrize(
    ("item", "named"),
    [
        ({"ItemPrice": None}, r"'OrderItems\[0\]\.ItemPrice' is missing"),
        ({"ItemPrice": old("30.01")}, "'OrderTotal' is wrong: it says 35.40 EUR"),
        ({"ItemTax": old("1", "USD")}, r"'OrderItems\[0\]\.ItemTax\.CurrencyCode' is wrong"),
        ({"QuantityOrdered": "two"}, r"'OrderItems\[0\]\.QuantityOrdered' is wrong"),
    ],
)
def test_a_missing_or_wrong_field_is_named_by_its_path(item: dict[str, Any], named: str) -> None:
    with pytest.raises(ChannelError, match=f"amazon: .*{named}"):
        amazon.draft(ORDER, [ITEMS[0] | item])


NEWER: dict[str, Any] = {
    "orderId": "900-2",
    "createdTime": "2026-03-02T09:00:00Z",
    "programs": ["PRIME"],
    "proceeds": {"grandTotal": new("24.50")},
    "recipient": {"deliveryAddress": {"countryCode": "IT", "postalCode": "00118"}},
    "fulfillment": {
        "fulfillmentStatus": "PARTIALLY_SHIPPED",
        "fulfilledBy": "MERCHANT",
        "fulfillmentServiceLevel": "STANDARD",
        "shipByWindow": {"latestDateTime": "2026-03-04T23:59:59Z"},
    },
    "orderItems": [
        {
            "orderItemId": "1",
            "quantityOrdered": 4,
            "product": {"asin": "B0", "sellerSku": "MUG", "serialNumbers": ["S-1"]},
            "proceeds": {
                "breakdowns": [
                    {"type": "ITEM", "subtotal": new("20.00")},
                    {"type": "TAX", "subtotal": new("2.00")},
                    {"type": "SHIPPING", "subtotal": new("3.00")},
                    {"type": "DISCOUNT", "subtotal": new("-1.50")},
                    {"type": "GIFT_WRAP", "subtotal": new("1.00")},
                ]
            },
            "fulfillment": {
                "quantityFulfilled": 1,
                "quantityUnfulfilled": 2,
                "packing": {"giftOption": {"giftMessage": "Ciao"}},
            },
        }
    ],
}


def test_the_newer_orders_carry_everything_themselves() -> None:
    draft = amazon.draft(NEWER)
    (line,) = draft.lines
    assert draft.due == draft.total == Money.of("24.50", "EUR")
    assert (line.units, line.cancelled, line.extra["fulfilled"]) == (4, 1, 1)
    assert (line.gift_message, line.extra["serials"]) == ("Ciao", ["S-1"])
    assert (draft.service, draft.tags, draft.extra["fees"]) == ("standard", frozenset({"prime"}), "1.00")


def test_the_newer_orders_are_refused_by_what_they_lack() -> None:
    with pytest.raises(ChannelError, match="'proceeds' is missing; ask for it with includedData=PROCEEDS"):
        amazon.draft({k: v for k, v in NEWER.items() if k != "proceeds"})


def purchase_order(**item: Any) -> dict[str, Any]:
    first = {
        "itemSequenceNumber": "1",
        "amazonProductIdentifier": "B0",
        "vendorProductIdentifier": "8711",
        "orderedQuantity": {"amount": 3, "unitOfMeasure": "Cases", "unitSize": 12},
        "netCost": new("1.25"),
    }
    second = deepcopy(first) | {
        "itemSequenceNumber": "2",
        "orderedQuantity": {"amount": 0, "unitOfMeasure": "Eaches", "unitSize": 1},
    }
    return {
        "purchaseOrderNumber": "PO9",
        "purchaseOrderState": "New",
        "orderDetails": {
            "purchaseOrderDate": "2026-03-02T09:00:00Z",
            "shipToParty": {"partyId": "LEJ1"},
            "deliveryWindow": "2026-03-05T00:00:00Z--2026-03-06T00:00:00Z",
            "items": [first | item, second],
        },
    }


def test_cases_are_counted_in_units() -> None:
    draft = amazon.vendor_draft(purchase_order(), {"LEJ1": Address("DE", "04347")})
    (line,) = draft.lines
    assert (line.units, line.extra["cases"], line.extra["case_units"]) == (36, 3, 12)
    assert draft.value == Money.of("45.00", "EUR")
    assert (draft.payment, draft.total, draft.ship_to) == ("terms", None, Address("DE", "04347"))
    assert draft.deliver_by == datetime(2026, 3, 6, tzinfo=UTC)
    assert draft.extra["cancelled_lines"] == ["2"]


def test_a_price_by_weight_is_refused_by_name() -> None:
    with pytest.raises(ChannelError, match=r"items\[0\]\.netCost\.unitOfMeasure' is wrong: a price per POUNDS"):
        amazon.vendor_draft(purchase_order(netCost=new("1.25") | {"unitOfMeasure": "POUNDS"}))


def test_a_confirmation_names_package_lines_and_time() -> None:
    parcel = Shipped("900-1", {"1": 2}, "TRACK", "DHL", datetime(2026, 3, 3, 8, tzinfo=UTC), service="Paket")
    assert amazon.fulfillment(parcel, "A13V1IB3VIYZZH", package=2) == {
        "marketplaceId": "A13V1IB3VIYZZH",
        "packageDetail": {
            "packageReferenceId": "2",
            "carrierCode": "DHL",
            "trackingNumber": "TRACK",
            "shipDate": "2026-03-03T08:00:00Z",
            "orderItems": [{"orderItemId": "1", "quantity": 2}],
            "shippingMethod": "Paket",
        },
    }
