"""Amazon's order formats (Selling Partner API): Orders v0 and 2026-01-01, vendor purchase orders; confirmations out.

Orders v0 comes in pieces: the order, its items, and the address that only some applications may read. A pending order
has no totals, so it is refused by the name of what is missing; read it again when it is no longer pending.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from omscore.adapters.payloads._amazon_2026 import draft_2026
from omscore.adapters.payloads._amazon_vendor import vendor_draft
from omscore.adapters.payloads._messages import Shipped, zulu
from omscore.adapters.payloads._reading import Fields, revision_at, total_checked, unit_price
from omscore.errors import ChannelError
from omscore.kernel import Address, Money, quantity, total
from omscore.orders import Customer, Draft, DraftLine

_STATUS = {
    "PendingAvailability": "pending",
    "Pending": "pending",
    "Unshipped": "paid",
    "PartiallyShipped": "paid",
    "Shipped": "paid",
    "InvoiceUnconfirmed": "paid",
    "Canceled": "voided",
    "Unfulfillable": "paid",
}
_READ = frozenset(
    [
        "AmazonOrderId",
        "PurchaseDate",
        "LastUpdateDate",
        "OrderStatus",
        "FulfillmentChannel",
        "ShipServiceLevel",
        "OrderTotal",
        "ShipmentServiceLevelCategory",
        "LatestShipDate",
        "LatestDeliveryDate",
        "ShippingAddress",
        "IsPrime",
        "IsBusinessOrder",
    ]
)
_PERSONAL = frozenset({"BuyerInfo", "DefaultShipFromLocationAddress", "PaymentExecutionDetail"})
_ITEM_READ = frozenset(
    [
        "OrderItemId",
        "ASIN",
        "SellerSKU",
        "Title",
        "QuantityOrdered",
        "QuantityShipped",
        "ProductInfo",
        "ItemPrice",
        "ItemTax",
        "ShippingPrice",
        "ShippingTax",
        "ShippingDiscount",
        "ShippingDiscountTax",
        "PromotionDiscount",
        "PromotionDiscountTax",
        "BuyerInfo",
        "IsGift",
        "CODFee",
        "CODFeeDiscount",
    ]
)


def orders_in(payload: Any) -> tuple[Mapping[str, Any], ...]:
    """The orders of an answer or notification: Orders v0 and 2026-01-01, and vendor purchase orders.

    Raises ChannelError when the message is something else, such as returns or labels.

    >>> [o["AmazonOrderId"] for o in orders_in({"payload": {"Orders": [{"AmazonOrderId": "1"}]}})]
    ['1']
    >>> orders_in({"payload": {"shipmentId": "1"}})
    Traceback (most recent call last):
    omscore.errors.ChannelError: amazon: an object with 'shipmentId' is not an order; ...
    """
    fields = Fields.of("amazon", payload)
    for name in ("payload", "order"):
        fields = fields.part_or_none(name) or fields
    for name in ("Orders", "orders"):
        if name in fields.data:
            return tuple(row.data for row in fields.rows(name))
    if any(name in fields.data for name in ("OrderStatus", "orderItems", "purchaseOrderState")):
        return (fields.data,)
    holds = ", ".join(repr(name) for name in list(fields.data)[:3]) or "nothing"
    raise ChannelError(
        f"amazon: an object with {holds} is not an order; orders have 'AmazonOrderId' with 'OrderStatus', 'orderId'"
        " with 'orderItems', or 'purchaseOrderNumber' with 'purchaseOrderState'"
    )


def draft(
    order: Mapping[str, Any],
    items: Sequence[Mapping[str, Any]] | None = None,
    address: Mapping[str, Any] | None = None,
    *,
    channel: str = "amazon",
    services: Mapping[str, str] | None = None,
) -> Draft:
    """A Draft from one order of either Orders API.

    Orders v0 needs `items` (the `OrderItems` of getOrderItems) and, when the order does not carry it, `address` (the
    `ShippingAddress` of getOrderAddress); 2026-01-01 carries both itself. Prices may hold the tax or not, by
    marketplace; the stated total tells which. A unit is one of the seller's SKU; how many pieces that SKU packs is
    `pieces` in the line's `extra`. Orders that Amazon ships itself are tagged `ships_itself`. `services` maps
    Amazon's service levels in small letters (`expedited`) to the host's words.

    Raises ChannelError naming the field that is missing or wrong; one that does not add up to the cent is wrong.

    >>> usd = lambda amount: {"CurrencyCode": "USD", "Amount": amount}
    >>> got = draft({"AmazonOrderId": "9", "PurchaseDate": "2026-03-02T09:00:00Z", "OrderStatus": "Unshipped",
    ...     "OrderTotal": usd("11.01")}, [{"OrderItemId": "1", "SellerSKU": "MUG", "QuantityOrdered": 1,
    ...     "ItemPrice": usd("10.00"), "ItemTax": usd("1.01")}])
    >>> got.lines[0].item, got.due.minor
    ('MUG', 1101)
    """
    o = Fields.of("amazon", order)
    if "orderItems" in order or "orderId" in order:
        return draft_2026(o, channel, services or {})
    number, placed_at, status = o.text("AmazonOrderId"), o.time("PurchaseDate"), o.text("OrderStatus")
    if o.get("OrderTotal") is None:
        raise o.missing("OrderTotal", f"an order that is {status} has no prices yet; read it again later")
    due = o.part("OrderTotal")
    currency = due.currency("CurrencyCode")
    if items is None:
        raise o.missing("OrderItems", "Orders v0 gives them apart; pass what getOrderItems answered as `items`")
    rows = Fields("amazon", {"OrderItems": items}).rows("OrderItems")
    # Amazon sets the quantity of an item that was cancelled whole to none.
    dropped = [row.text("OrderItemId") for row in rows if row.whole("QuantityOrdered") == 0]
    rows = [row for row in rows if row.whole("QuantityOrdered") > 0]
    lines = tuple(_line(row, currency, order_cancelled=status == "Canceled") for row in rows)
    zero = Money.zero(currency)
    shipping, shipping_tax, less, fees = zero, zero, zero, zero
    for row in rows:
        shipping += _money(row, "ShippingPrice", currency) - _money(row, "ShippingDiscount", currency)
        shipping_tax += _money(row, "ShippingTax", currency) - _money(row, "ShippingDiscountTax", currency)
        fees += _money(row, "CODFee", currency)
        less += _money(row, "CODFeeDiscount", currency)
        if buyer := row.part_or_none("BuyerInfo"):
            fees += _money(buyer, "GiftWrapPrice", currency)
            shipping_tax += _money(buyer, "GiftWrapTax", currency)
    there = o.part_or_none("ShippingAddress") or (Fields.of("amazon", address, "address") if address else None)
    raw_service = o.text_or("ShipmentServiceLevelCategory").lower()
    tags = [tag for tag, flag in (("prime", "IsPrime"), ("business", "IsBusinessOrder")) if o.get(flag)]
    if o.text_or("FulfillmentChannel") == "AFN":
        tags.append("ships_itself")
    extra: dict[str, Any] = {"status": status, "ship_service_level": o.text_or("ShipServiceLevel")}
    if dropped:
        extra["cancelled_lines"] = dropped
    if fees:
        extra["fees"] = str(fees.amount)
    with o.building():
        made = Draft(
            channel,
            number,
            currency,
            lines,
            placed_at,
            revision=revision_at(o.time_or_none("LastUpdateDate")),
            ship_to=_address(there, o.part_or_none("BuyerInfo")),
            service=(services or {}).get(raw_service, raw_service) or "standard",
            customer=Customer(),
            shipping=shipping + fees,
            discount=less,
            tax=shipping_tax,
            total=due.money("Amount", currency),
            payment=o.one_of("OrderStatus", _STATUS),
            ship_by=o.time_or_none("LatestShipDate"),
            deliver_by=o.time_or_none("LatestDeliveryDate"),
            tags=frozenset(tags),
            extra=extra | {"unread": o.unread(_READ, _PERSONAL)},
        )
    held = total((line.tax or zero for line in lines), currency) + shipping_tax
    if made.total != made.due and made.total == made.due - held:
        made = _tax_held(made, held)
    return total_checked(made, o, "OrderTotal")


def _tax_held(made: Draft, held: Money) -> Draft:
    """The same draft where prices hold the taxes."""
    lines = tuple(
        evolve(line, tax=None, extra={**line.extra, "tax_included": str(line.tax.amount)}) if line.tax else line
        for line in made.lines
    )
    return evolve(made, lines=lines, tax=None, extra={**made.extra, "tax_included": str(held.amount)})


def _line(row: Fields, currency: str, *, order_cancelled: bool) -> DraftLine:
    units, gross = row.whole("QuantityOrdered"), row.part("ItemPrice").money("Amount", currency)
    shipped = row.whole_or("QuantityShipped")
    each, rounding = unit_price(gross, units)
    buyer = row.part_or_none("BuyerInfo")
    product = row.part_or_none("ProductInfo")
    extra: dict[str, Any] = {"asin": row.text_or("ASIN"), "unread": row.unread(_ITEM_READ)}
    if shipped:
        extra["fulfilled"] = shipped
    if product and product.whole_or("NumberOfItems", 1) != 1:
        extra["pieces"] = product.whole("NumberOfItems")
    with row.building():
        return DraftLine(
            row.text("OrderItemId"),
            row.text_or("SellerSKU") or f"asin:{row.text('ASIN')}",
            units,
            each,
            discount=_money(row, "PromotionDiscount", currency) + rounding,
            tax=_money(row, "ItemTax", currency) - _money(row, "PromotionDiscountTax", currency),
            name=row.text_or("Title"),
            tags=frozenset({"gift"} if str(row.get("IsGift")).lower() == "true" else ()),
            gift_message=buyer.text_or("GiftMessageText") if buyer else "",
            cancelled=units if order_cancelled else 0,
            extra=extra,
        )


def _money(of: Fields, name: str, currency: str) -> Money:
    amount = of.part_or_none(name)
    if amount is None:
        return Money.zero(currency)
    if amount.currency("CurrencyCode") != currency:
        raise amount.wrong("CurrencyCode", f"the order is in {currency}; one order, one currency")
    return amount.money("Amount", currency)


def _address(a: Fields | None, buyer: Fields | None) -> Address | None:
    if a is None:
        return None
    with a.building():
        return Address(
            country=a.country("CountryCode"),
            postcode=a.text_or("PostalCode"),
            region=a.text_or("StateOrRegion"),
            city=a.text_or("City"),
            lines=tuple(t for n in (1, 2, 3) if (t := a.text_or(f"AddressLine{n}"))),
            name=a.text_or("Name"),
            company=a.text_or("CompanyName"),
            phone=a.text_or("Phone"),
            email=buyer.text_or("BuyerEmail") if buyer else "",
        )


def fulfillment(shipped: Shipped, marketplace: str, *, package: int = 1) -> dict[str, Any]:
    """The body for `POST /orders/v0/orders/{orderId}/shipmentConfirmation`.

    `package` numbers the parcels of one order; the same number again corrects what was said of that parcel.

    >>> from datetime import UTC, datetime
    >>> shipped = Shipped("902-1", {"1": 2}, "RR123456785BE", "bpost", datetime(2026, 3, 2, tzinfo=UTC))
    >>> fulfillment(shipped, "A1PA6795UKMFR9")["packageDetail"]["orderItems"]
    [{'orderItemId': '1', 'quantity': 2}]
    """
    return {
        "marketplaceId": marketplace,
        "packageDetail": {
            "packageReferenceId": str(quantity(package, "package")),
            "carrierCode": shipped.carrier,
            "trackingNumber": shipped.tracking,
            "shipDate": zulu(shipped.at),
            "orderItems": [{"orderItemId": line, "quantity": units} for line, units in shipped.units.items()],
        }
        | ({"shippingMethod": shipped.service} if shipped.service else {}),
    }


def stock_level(available: int) -> dict[str, Any]:
    """The body for `PATCH /listings/2021-08-01/items/{sellerId}/{sku}`: units on sale that the seller ships.

    >>> stock_level(42)["patches"][0]["value"]
    [{'fulfillment_channel_code': 'DEFAULT', 'quantity': 42}]
    """
    quantity(available, "available", at_least=0)
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": available}]
    return {
        "productType": "PRODUCT",
        "patches": [{"op": "replace", "path": "/attributes/fulfillment_availability", "value": value}],
    }


__all__ = ["orders_in", "draft", "vendor_draft", "fulfillment", "stock_level"]
