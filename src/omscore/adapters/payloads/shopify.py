"""Shopify's order format (Admin REST API and order webhooks): orders in, fulfillments and stock levels out.

Money is read in the shop's currency; what the shopper saw in another one stays in `extra`. Draft orders and checkouts
are refused: the order they may become comes by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from omscore.adapters.payloads._messages import Shipped
from omscore.adapters.payloads._reading import Fields, gift_message, revision_at, total_checked
from omscore.errors import ChannelError
from omscore.kernel import Address, GeoPoint, Money, quantity, total
from omscore.orders import Customer, Draft, DraftLine

_PAYMENT = {
    "pending": "pending",
    "authorized": "authorized",
    "partially_paid": "pending",
    "paid": "paid",
    "partially_refunded": "partially_refunded",
    "refunded": "refunded",
    "voided": "voided",
    "expired": "voided",
    "unpaid": "pending",
}
_READ = frozenset(
    [
        "id",
        "name",
        "created_at",
        "processed_at",
        "updated_at",
        "currency",
        "cancelled_at",
        "cancel_reason",
        "financial_status",
        "taxes_included",
        "total_price",
        "total_tax",
        "total_discounts",
        "line_items",
        "shipping_lines",
        "refunds",
        "fulfillments",
        "tags",
        "note",
        "note_attributes",
        "shipping_address",
        "billing_address",
        "original_total_duties_set",
        "original_total_additional_fees_set",
        "total_tip_received",
        "payment_terms",
    ]
)
# A person's particulars have their place in the addresses; they are not kept twice.
_PERSONAL = frozenset(
    [
        "customer",
        "client_details",
        "payment_details",
        "browser_ip",
        "email",
        "phone",
        "contact_email",
        "landing_site",
        "referring_site",
        "order_status_url",
        "token",
        "cart_token",
        "checkout_token",
    ]
)
_LINE_READ = frozenset(
    [
        "id",
        "sku",
        "variant_id",
        "quantity",
        "current_quantity",
        "price",
        "tax_lines",
        "discount_allocations",
        "total_discount",
        "name",
        "title",
        "requires_shipping",
        "gift_card",
        "properties",
    ]
)


def orders_in(payload: Any) -> tuple[Mapping[str, Any], ...]:
    """The orders of a message: a webhook's bare order, `{"order": ...}` or a page `{"orders": [...]}`.

    Raises ChannelError naming what the message holds instead, such as products or fulfillments.

    >>> [order["id"] for order in orders_in({"orders": [{"id": 1}, {"id": 2}]})]
    [1, 2]
    >>> orders_in({"draft_order": {"id": 1}})
    Traceback (most recent call last):
    omscore.errors.ChannelError: shopify: 'draft_order' is not an order; ...
    """
    fields = Fields.of("shopify", payload)
    if "order" in payload:
        return (fields.part("order").data,)
    if "orders" in payload:
        return tuple(row.data for row in fields.rows("orders"))
    if "line_items" in payload and ("financial_status" in payload or "total_price" in payload):
        return (payload,)
    holds = ", ".join(repr(name) for name in list(payload)[:3]) or "nothing"
    raise ChannelError(f"shopify: {holds} is not an order; send a body with 'order' or 'orders', or an order webhook's")


def draft(order: Mapping[str, Any], *, channel: str = "shopify", services: Mapping[str, str] | None = None) -> Draft:
    """A Draft from one order.

    The external id is the order's numeric id and the revision the second it was last updated. `services` maps the
    shop's shipping codes to the host's service words; a code that it does not name is passed on as it is. Items are
    known by SKU, else as `variant:<id>`. Units that were refunded or removed before they shipped are `cancelled`; of a
    cancelled order all are. `extra` says what else there is to know: `fulfilled` and `returned` units of a line, its
    `attributes` (engravings and the like), `cancelled_at`, `refunded`.

    Raises ChannelError naming the field that is missing or wrong; one that does not add up to the cent is wrong.

    >>> got = draft({"id": 9, "created_at": "2026-03-02T10:00:00+01:00", "currency": "EUR", "total_price": "21.00",
    ...     "financial_status": "paid", "line_items": [{"id": 1, "sku": "MUG", "quantity": 2, "price": "10.50"}]})
    >>> got.lines[0].item, got.due, got.placed_at.isoformat()
    ('MUG', Money(minor=2100, currency='EUR'), '2026-03-02T09:00:00+00:00')
    """
    o = Fields.of("shopify", order)
    number, placed_at, currency = o.text("id"), o.time("created_at"), o.currency("currency")
    included = bool(o.get("taxes_included"))
    fulfilled, removed = _fulfilled(o), _removed(o)
    cancelled_at = o.time_or_none("cancelled_at")
    lines = tuple(
        _line(row, currency, fulfilled, removed, included=included, order_cancelled=cancelled_at is not None)
        for row in o.rows("line_items")
    )
    rows = o.rows_or_none("line_items")
    shipping, shipping_discount = Money.zero(currency), Money.zero(currency)
    for row in o.rows_or_none("shipping_lines"):
        if not row.get("is_removed"):
            shipping += row.money("price", currency)
            shipping_discount += _sum(row.rows_or_none("discount_allocations"), "amount", currency)
    on_lines = total((line.discount or Money.zero(currency) for line in lines), currency)
    # Discounts that a shop did not allocate to rows are the order's; those on shipping lower the shipping.
    discount = o.money_or_zero("total_discounts", currency) - on_lines - shipping_discount
    duties = _shop_money(o, "original_total_duties_set", currency)
    fees = _shop_money(o, "original_total_additional_fees_set", currency)
    if not any(row.get("tip") for row in rows):
        fees += o.money_or_zero("total_tip_received", currency)
    taxes = o.money_or_zero("total_tax", currency)
    tax = duties if included else taxes - _line_taxes(rows, currency) + duties
    raw_service = next((s.text_or("code") or s.text_or("title") for s in o.rows_or_none("shipping_lines")), "")
    customer = o.part_or_none("customer")
    extra: dict[str, Any] = {"number": o.text_or("name"), "payment": o.text("financial_status")}
    if cancelled_at is not None:
        extra |= {"cancelled_at": cancelled_at.isoformat(), "cancel_reason": o.text_or("cancel_reason")}
    if included:
        extra["tax_included"] = str(taxes.amount)
    if attributes := _pairs(o.rows_or_none("note_attributes")):
        extra["attributes"] = dict(attributes)
    if fees:
        extra["fees"] = str(fees.amount)
    if refunds := _refunded(o, currency):
        extra["refunded"] = str(refunds.amount)
    payment = o.one_of("financial_status", _PAYMENT)
    with o.building():
        made = Draft(
            channel,
            number,
            currency,
            lines,
            placed_at,
            revision=revision_at(o.time_or_none("updated_at")),
            ship_to=_address(o.part_or_none("shipping_address"), o.text_or("email"), o.text_or("phone")),
            bill_to=_address(o.part_or_none("billing_address")),
            service=(services or {}).get(raw_service, raw_service) or "standard",
            customer=Customer(customer.text("id"), orders_before=customer.whole_or("orders_count"))
            if customer
            else Customer(),
            shipping=shipping - shipping_discount + fees,
            discount=discount,
            tax=tax,
            total=o.money("total_price", currency),
            payment="terms" if o.get("payment_terms") and payment == "pending" else payment,
            tags=frozenset(tag.strip() for tag in o.text_or("tags").split(",") if tag.strip()),
            note=o.text_or("note"),
            gift_message=gift_message(attributes),
            extra=extra | {"unread": o.unread(_READ, _PERSONAL)},
        )
    return total_checked(made, o, "total_price")


def _line(
    row: Fields,
    currency: str,
    fulfilled: Mapping[str, int],
    removed: Mapping[str, Mapping[str, int]],
    *,
    included: bool,
    order_cancelled: bool,
) -> DraftLine:
    number, units = row.text("id"), row.whole("quantity")
    item = row.text_or("sku")
    if not item:
        if row.get("variant_id") is None:
            raise row.missing("sku", "a line with neither 'sku' nor 'variant_id' cannot be told from any other")
        item = f"variant:{row.text('variant_id')}"
    shipped = min(units, fulfilled.get(number, 0))
    refunds = removed.get(number, {})
    gone = units - row.whole("current_quantity") if row.get("current_quantity") is not None else sum(refunds.values())
    # A unit that shipped can come back but cannot be cancelled; only "cancel" says that the unit never shipped.
    returned = max(0, min(shipped, gone - refunds.get("cancel", 0)))
    cancelled = units if order_cancelled else max(0, gone - returned)
    taxes = _sum(row.rows_or_none("tax_lines"), "price", currency)
    allocations = row.rows_or_none("discount_allocations")
    discount = _sum(allocations, "amount", currency) if allocations else row.money_or_zero("total_discount", currency)
    extra: dict[str, Any] = {"unread": row.unread(_LINE_READ)}
    extra |= {name: count for name, count in (("fulfilled", shipped), ("returned", returned)) if count}
    if included and taxes:
        extra["tax_included"] = str(taxes.amount)
    if attributes := _pairs(row.rows_or_none("properties")):
        extra["attributes"] = dict(attributes)
    tags = [
        word
        for word, holds in (("no_shipping", row.get("requires_shipping") is False), ("gift_card", row.get("gift_card")))
        if holds
    ]
    with row.building():
        return DraftLine(
            number,
            item,
            units,
            row.money("price", currency),
            discount=discount,
            tax=None if included else taxes,
            name=row.text_or("name") or row.text_or("title"),
            tags=frozenset(tags),
            gift_message=gift_message(attributes),
            cancelled=cancelled,
            extra=extra,
        )


def _sum(rows: Iterable[Fields], name: str, currency: str) -> Money:
    return total((row.money(name, currency) for row in rows), currency)


def _line_taxes(rows: Iterable[Fields], currency: str) -> Money:
    return total((_sum(row.rows_or_none("tax_lines"), "price", currency) for row in rows), currency)


def _shop_money(o: Fields, name: str, currency: str) -> Money:
    both = o.part_or_none(name)
    return both.part("shop_money").money("amount", currency) if both else Money.zero(currency)


def _pairs(rows: Iterable[Fields]) -> list[tuple[str, Any]]:
    return [(row.text_or("name"), row.get("value")) for row in rows]


def _fulfilled(o: Fields) -> dict[str, int]:
    """Units by line that fulfillments which are under way or done have taken."""
    units: dict[str, int] = {}
    for fulfillment in o.rows_or_none("fulfillments"):
        if fulfillment.text_or("status") in {"success", "open", "pending"}:
            for row in fulfillment.rows_or_none("line_items"):
                units[row.text("id")] = units.get(row.text("id"), 0) + row.whole("quantity")
    return units


def _removed(o: Fields) -> dict[str, dict[str, int]]:
    """Refunded units by line and by what the refund says of the stock ("cancel", "return", "no_restock", ...)."""
    units: dict[str, dict[str, int]] = {}
    for refund in o.rows_or_none("refunds"):
        for row in refund.rows_or_none("refund_line_items"):
            by_kind = units.setdefault(row.text("line_item_id"), {})
            kind = row.text_or("restock_type")
            by_kind[kind] = by_kind.get(kind, 0) + row.whole("quantity")
    return units


def _refunded(o: Fields, currency: str) -> Money:
    done = [
        row
        for refund in o.rows_or_none("refunds")
        for row in refund.rows_or_none("transactions")
        if row.text_or("kind") == "refund" and row.text_or("status") == "success"
    ]
    return _sum(done, "amount", currency)


def _address(a: Fields | None, email: str = "", phone: str = "") -> Address | None:
    if a is None:
        return None
    point = None
    with a.building():
        if isinstance(a.get("latitude"), float) and isinstance(a.get("longitude"), float):
            point = GeoPoint(a.data["latitude"], a.data["longitude"])
        return Address(
            country=a.country("country_code"),
            postcode=a.text_or("zip"),
            region=a.text_or("province_code") or a.text_or("province"),
            city=a.text_or("city"),
            lines=tuple(line for line in (a.text_or("address1"), a.text_or("address2")) if line),
            name=a.text_or("name") or f"{a.text_or('first_name')} {a.text_or('last_name')}".strip(),
            company=a.text_or("company"),
            phone=a.text_or("phone") or phone,
            email=a.text_or("email") or email,
            point=point,
        )


def fulfillment(shipped: Shipped, fulfillment_orders: Any, *, notify: bool = False) -> dict[str, Any]:
    """The body for `POST /fulfillments.json` that tells Shopify of a parcel.

    Shopify wants its own fulfillment order lines named, so `fulfillment_orders` is its answer to
    `GET /orders/{id}/fulfillment_orders.json`; open units are taken from them in their order. `notify` lets Shopify
    mail the customer; leave it out when the host's own notices do.

    Raises ChannelError when Shopify has fewer units open than were shipped.

    >>> from datetime import UTC, datetime
    >>> shipped = Shipped("9", {"1": 2}, "RR123456785BE", "bpost", datetime(2026, 3, 2, tzinfo=UTC))
    >>> wanted = {"fulfillment_orders": [{"id": 70, "status": "open", "line_items": [
    ...     {"id": 700, "line_item_id": 1, "fulfillable_quantity": 2}]}]}
    >>> fulfillment(shipped, wanted)["fulfillment"]["line_items_by_fulfillment_order"]
    [{'fulfillment_order_id': 70, 'fulfillment_order_line_items': [{'id': 700, 'quantity': 2}]}]
    """
    left = dict(shipped.units)
    taken = []
    for wanted in Fields.of("shopify", fulfillment_orders).rows("fulfillment_orders"):
        if wanted.text_or("status", "open") not in {"open", "in_progress"}:
            continue
        rows = []
        for row in wanted.rows("line_items"):
            units = min(left.get(row.text("line_item_id"), 0), row.whole("fulfillable_quantity"))
            if units > 0:
                left[row.text("line_item_id")] -= units
                rows.append({"id": row.whole("id"), "quantity": units})
        if rows:
            taken.append({"fulfillment_order_id": wanted.whole("id"), "fulfillment_order_line_items": rows})
    if short := {line: units for line, units in left.items() if units}:
        raise ChannelError(
            f"shopify: order {shipped.order} has no open units left for {short} (by line id);"
            " read the fulfillment orders again, somebody else may have fulfilled them"
        )
    tracking = {"number": shipped.tracking, "company": shipped.carrier}
    return {
        "fulfillment": {
            "line_items_by_fulfillment_order": taken,
            "tracking_info": tracking | ({"url": shipped.url} if shipped.url else {}),
            "notify_customer": notify,
        }
    }


def stock_level(inventory_item_id: int, location_id: int, available: int) -> dict[str, Any]:
    """The body for `POST /inventory_levels/set.json`: how many units a location may sell.

    >>> stock_level(808950810, 655441491, 42)
    {'location_id': 655441491, 'inventory_item_id': 808950810, 'available': 42}
    """
    quantity(available, "available", at_least=0)
    return {"location_id": location_id, "inventory_item_id": inventory_item_id, "available": available}


__all__ = ["orders_in", "draft", "fulfillment", "stock_level"]
