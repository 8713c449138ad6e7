"""eBay's order format (Sell Fulfillment API): orders in, shipping fulfillments and stock levels out.

eBay shows a seller amounts converted to the seller's currency beside what the buyer was asked; only the buyer's add up
to the cent, so those are read. Taxes that eBay collects and remits itself are no part of what the seller is paid; they
stand in `extra`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from omscore.adapters.payloads._messages import Shipped, zulu
from omscore.adapters.payloads._reading import Fields, revision_at, total_checked, unit_price
from omscore.errors import ChannelError
from omscore.kernel import Address, Money, quantity, total
from omscore.orders import Customer, Draft, DraftLine

_PAYMENT = {
    "FAILED": "pending",
    "PENDING": "pending",
    "PAID": "paid",
    "PARTIALLY_REFUNDED": "partially_refunded",
    "FULLY_REFUNDED": "refunded",
}
_READ = frozenset(
    [
        "orderId",
        "legacyOrderId",
        "creationDate",
        "lastModifiedDate",
        "orderPaymentStatus",
        "orderFulfillmentStatus",
        "buyer",
        "pricingSummary",
        "cancelStatus",
        "paymentSummary",
        "fulfillmentStartInstructions",
        "lineItems",
        "buyerCheckoutNotes",
    ]
)
_LINE_READ = frozenset(
    [
        "lineItemId",
        "legacyItemId",
        "legacyVariationId",
        "sku",
        "title",
        "lineItemCost",
        "discountedLineItemCost",
        "quantity",
        "total",
        "taxes",
        "ebayCollectAndRemitTaxes",
        "giftDetails",
        "lineItemFulfillmentStatus",
        "deliveryCost",
    ]
)


def orders_in(payload: Any) -> tuple[Mapping[str, Any], ...]:
    """The orders of a message: one order, or a page `{"orders": [...]}`.

    Raises ChannelError when the message is something else.

    >>> orders_in({"fulfillmentId": "1"})
    Traceback (most recent call last):
    omscore.errors.ChannelError: ebay: an object with 'fulfillmentId' is not an order; ...
    """
    fields = Fields.of("ebay", payload)
    if "orders" in payload:
        return tuple(row.data for row in fields.rows("orders"))
    if "lineItems" in payload and "orderId" in payload:
        return (payload,)
    holds = ", ".join(repr(name) for name in list(payload)[:3])
    raise ChannelError(f"ebay: an object with {holds} is not an order; an order has 'orderId' and 'lineItems'")


def draft(order: Mapping[str, Any], *, channel: str = "ebay", services: Mapping[str, str] | None = None) -> Draft:
    """A Draft from one order.

    The revision is the second the order was last modified. `services` maps eBay's shipping service codes to the host's
    service words. Items are known by SKU, else as `item:<id>` or `item:<id>:<variation>`. The ship-by time is the
    earliest of the lines, the deliver-by time the latest. `extra` says `fulfilled` units of a line, `cancelled_at`,
    `refunded`, `tax_collected_by_ebay`, and `final_country` when eBay forwards the parcel abroad.

    Raises ChannelError naming the field that is missing or wrong; one that does not add up to the cent is wrong.

    >>> eur = lambda amount: {"value": amount, "currency": "EUR"}
    >>> got = draft({"orderId": "12-3", "creationDate": "2026-03-02T09:00:00.000Z", "orderPaymentStatus": "PAID",
    ...     "pricingSummary": {"priceSubtotal": eur("21.0"), "deliveryCost": eur("4.95"), "total": eur("25.95")},
    ...     "lineItems": [{"lineItemId": "1", "sku": "MUG", "quantity": 2, "lineItemCost": eur("21.0")}]})
    >>> got.lines[0].unit_price.minor, got.due.minor
    (1050, 2595)
    """
    o = Fields.of("ebay", order)
    number, placed_at = o.text("orderId"), o.time("creationDate")
    prices = o.part("pricingSummary")
    currency = _currency(prices.part("total"))
    cancel = o.part_or_none("cancelStatus")
    cancel_state = cancel.text_or("cancelState") if cancel else ""
    rows = o.rows("lineItems")
    lines = tuple(_line(row, currency, order_cancelled=cancel_state == "CANCELED") for row in rows)
    zero = Money.zero(currency)
    gross = total((line.unit_price * line.units for line in lines), currency)
    on_lines = total((line.discount or zero for line in lines), currency)
    subtotal = _money(prices, "priceSubtotal", currency)
    rounding = gross - total((_money(row, "lineItemCost", currency) for row in rows), currency)
    if gross - rounding != subtotal:
        raise prices.wrong("priceSubtotal", f"it says {subtotal}, but the lines' costs make {gross - rounding}")
    # eBay writes discounts as amounts below zero in some answers and above in others.
    discount = _magnitude(_money_or_zero(prices, "priceDiscount", currency))
    shipping = _money_or_zero(prices, "deliveryCost", currency)
    shipping -= _magnitude(_money_or_zero(prices, "deliveryDiscount", currency))
    fees = _money_or_zero(prices, "fee", currency) + _money_or_zero(prices, "adjustment", currency)
    tax = _money_or_zero(prices, "tax", currency) - total((line.tax or zero for line in lines), currency)
    instructions = o.rows_or_none("fulfillmentStartInstructions")
    step = instructions[0].part_or_none("shippingStep") if instructions else None
    raw_service = step.text_or("shippingServiceCode") if step else ""
    extra: dict[str, Any] = {"legacy_id": o.text_or("legacyOrderId")}
    if cancel is not None and cancel.get("cancelledDate") is not None:
        extra["cancelled_at"] = cancel.time("cancelledDate").isoformat()
    paid = o.part_or_none("paymentSummary")
    if paid and (refunds := _sum(paid.rows_or_none("refunds"), "amount", currency)):
        extra["refunded"] = str(refunds.amount)
    if fees:
        extra["fees"] = str(fees.amount)
    final = instructions[0].part_or_none("finalDestinationAddress") if instructions else None
    if final:
        extra["final_country"] = final.country("countryCode")
    kinds = {row.text_or("fulfillmentInstructionsType", "SHIP_TO") for row in instructions}
    tags = {kind.lower() for kind in kinds - {"SHIP_TO"}} | (
        {"cancel_requested"} if cancel_state == "IN_PROGRESS" else set()
    )
    limits = [w for row in rows if (w := row.part_or_none("lineItemFulfillmentInstructions"))]
    ship_by = [at for w in limits if (at := w.time_or_none("shipByDate"))]
    deliver_by = [at for w in limits if (at := w.time_or_none("maxEstimatedDeliveryDate"))]
    buyer = o.part_or_none("buyer")
    registered = buyer.part_or_none("buyerRegistrationAddress") if buyer else None
    with o.building():
        made = Draft(
            channel,
            number,
            currency,
            lines,
            placed_at,
            revision=revision_at(o.time_or_none("lastModifiedDate")),
            ship_to=_address(step.part_or_none("shipTo") if step else None),
            bill_to=_address(registered),
            service=(services or {}).get(raw_service, raw_service) or "standard",
            customer=Customer(buyer.text_or("username") if buyer else ""),
            shipping=shipping + fees,
            discount=discount - (on_lines - rounding),
            tax=tax,
            total=_money(prices, "total", currency),
            payment=o.one_of("orderPaymentStatus", _PAYMENT),
            ship_by=min(ship_by, default=None),
            deliver_by=max(deliver_by, default=None),
            tags=frozenset(tags),
            note=o.text_or("buyerCheckoutNotes"),
            extra=extra | {"unread": o.unread(_READ)},
        )
    return total_checked(made, prices, "total")


def _line(row: Fields, currency: str, *, order_cancelled: bool) -> DraftLine:
    units, cost = row.whole("quantity"), _money(row, "lineItemCost", currency)
    if units < 1:
        raise row.wrong("quantity", f"{units} units cannot be ordered")
    item = row.text_or("sku")
    if not item:
        variation = row.text_or("legacyVariationId")
        item = f"item:{row.text('legacyItemId')}" + (f":{variation}" if variation and variation != "0" else "")
    each, rounding = unit_price(cost, units)
    discounted = _money(row, "discountedLineItemCost", currency) if row.get("discountedLineItemCost") else cost
    remitted = _sum(row.rows_or_none("ebayCollectAndRemitTaxes"), "amount", currency)
    taxes = _sum(row.rows_or_none("taxes"), "amount", currency)
    gift = row.part_or_none("giftDetails")
    extra: dict[str, Any] = {"unread": row.unread(_LINE_READ)}
    if remitted:
        extra["tax_collected_by_ebay"] = str(remitted.amount)
    if row.text_or("lineItemFulfillmentStatus") == "FULFILLED":
        extra["fulfilled"] = units
    with row.building():
        return DraftLine(
            row.text("lineItemId"),
            item,
            units,
            each,
            discount=cost - discounted + rounding,
            # What eBay remits is listed among the taxes too, but the seller is never paid it.
            tax=taxes - remitted if taxes >= remitted else Money.zero(currency),
            name=row.text_or("title"),
            gift_message=gift.text_or("message") if gift else "",
            cancelled=units if order_cancelled else 0,
            extra=extra,
        )


def _currency(amount: Fields) -> str:
    converted = amount.get("convertedFromCurrency") is not None
    return amount.currency("convertedFromCurrency" if converted else "currency")


def _money(of: Fields, name: str, currency: str) -> Money:
    amount = of.part(name)
    if _currency(amount) != currency:
        raise of.wrong(name, f"it is in {_currency(amount)}, the order in {currency}; one order, one currency")
    return amount.money("convertedFromValue" if amount.get("convertedFromCurrency") is not None else "value", currency)


def _money_or_zero(of: Fields, name: str, currency: str) -> Money:
    return Money.zero(currency) if of.get(name) is None else _money(of, name, currency)


def _sum(rows: Iterable[Fields], name: str, currency: str) -> Money:
    return total((_money(row, name, currency) for row in rows), currency)


def _magnitude(amount: Money) -> Money:
    return amount if amount.minor >= 0 else -amount


def _address(a: Fields | None) -> Address | None:
    if a is None:
        return None
    at = a.part("contactAddress")
    phone = a.part_or_none("primaryPhone")
    with a.building():
        return Address(
            country=at.country("countryCode"),
            postcode=at.text_or("postalCode"),
            region=at.text_or("stateOrProvince"),
            city=at.text_or("city"),
            lines=tuple(line for line in (at.text_or("addressLine1"), at.text_or("addressLine2")) if line),
            name=a.text_or("fullName"),
            company=a.text_or("companyName"),
            phone=phone.text_or("phoneNumber") if phone else "",
            email=a.text_or("email"),
        )


def fulfillment(shipped: Shipped) -> dict[str, Any]:
    """The body for `POST /order/{orderId}/shipping_fulfillment`.

    eBay takes letters and digits only in a tracking number; the rest is left out.

    >>> from datetime import UTC, datetime
    >>> fulfillment(Shipped("12-3", {"1": 2}, "RR 123456785 BE", "bpost", datetime(2026, 3, 2, tzinfo=UTC)))
    {'lineItems': [{'lineItemId': '1', 'quantity': 2}], 'shippedDate': '2026-03-02T00:00:00Z',
     'shippingCarrierCode': 'bpost', 'trackingNumber': 'RR123456785BE'}
    """
    return {
        "lineItems": [{"lineItemId": line, "quantity": units} for line, units in shipped.units.items()],
        "shippedDate": zulu(shipped.at),
        "shippingCarrierCode": shipped.carrier,
        "trackingNumber": "".join(c for c in shipped.tracking if c.isascii() and c.isalnum()),
    }


def stock_level(units: Mapping[str, int]) -> dict[str, Any]:
    """The body for `POST /bulk_update_price_quantity` (Sell Inventory API): units on sale by SKU, at most 25 at once.

    >>> stock_level({"MUG": 42})
    {'requests': [{'sku': 'MUG', 'shipToLocationAvailability': {'quantity': 42}}]}
    """
    quantity(len(units), "number of SKUs")
    if len(units) > 25:
        raise ChannelError(f"ebay: at most 25 SKUs fit into one message, not {len(units)}; send several")
    return {
        "requests": [
            {"sku": sku, "shipToLocationAvailability": {"quantity": quantity(n, f"{sku}: units", at_least=0)}}
            for sku, n in units.items()
        ]
    }


__all__ = ["orders_in", "draft", "fulfillment", "stock_level"]
