"""WooCommerce's order format (REST API v3 and order webhooks): orders and refunds in, tracking and stock out.

A row's `subtotal` and `total` are net of tax, whatever the shop shows; times are read from the `_gmt` fields, because
the others are in a zone that the message does not name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from html import unescape
from typing import Any

from omscore.adapters.payloads._messages import Shipped
from omscore.adapters.payloads._reading import Fields, gift_message, revision_at, total_checked, unit_price
from omscore.errors import ChannelError
from omscore.kernel import Address, Money, quantity, total
from omscore.orders import Customer, Draft, DraftLine

_READ = frozenset(
    [
        "id",
        "number",
        "status",
        "currency",
        "date_created",
        "date_created_gmt",
        "date_modified",
        "date_modified_gmt",
        "date_paid",
        "date_paid_gmt",
        "total",
        "total_tax",
        "shipping_total",
        "shipping_tax",
        "discount_total",
        "discount_tax",
        "cart_tax",
        "customer_id",
        "customer_note",
        "billing",
        "shipping",
        "line_items",
        "fee_lines",
        "shipping_lines",
        "coupon_lines",
        "refunds",
        "meta_data",
    ]
)
_PERSONAL = frozenset(
    ["customer_ip_address", "customer_user_agent", "order_key", "cart_hash", "transaction_id", "_links"]
)
_LINE_READ = frozenset(
    [
        "id",
        "name",
        "product_id",
        "variation_id",
        "quantity",
        "subtotal",
        "subtotal_tax",
        "total",
        "total_tax",
        "taxes",
        "sku",
        "price",
        "meta_data",
    ]
)
_NOT_YET = {"auto-draft", "checkout-draft", "trash"}


def orders_in(payload: Any) -> tuple[Mapping[str, Any], ...]:
    """The orders of a message: one order, a page (a list of them), or a batch answer's created and updated ones.

    Raises ChannelError when the message is something else, such as a product or a refund.

    >>> orders_in({"id": 142, "topic": "order.updated"})
    Traceback (most recent call last):
    omscore.errors.ChannelError: woocommerce: an object with 'id', 'topic' is not an order; ...
    """
    if isinstance(payload, list):
        return tuple(_order(row) for row in Fields("woocommerce", {"page": payload}).rows("page"))
    fields = Fields.of("woocommerce", payload)
    # A batch answer's "delete" holds orders that no longer exist.
    if batch := [name for name in ("create", "update") if name in payload]:
        return tuple(_order(row) for name in batch for row in fields.rows(name))
    return (_order(fields),)


def _order(fields: Fields) -> Mapping[str, Any]:
    if "line_items" in fields.data and "billing" in fields.data:
        return fields.data
    holds = ", ".join(repr(name) for name in list(fields.data)[:3]) or "nothing"
    raise ChannelError(f"woocommerce: an object with {holds} is not an order; an order has 'line_items' and 'billing'")


def draft(
    order: Mapping[str, Any],
    refunds: Sequence[Mapping[str, Any]] = (),
    *,
    channel: str = "woocommerce",
    services: Mapping[str, str] | None = None,
) -> Draft:
    """A Draft from one order and, when it was partly refunded, its refunds.

    The order itself only says how much was refunded; which units is in the answer to `GET /orders/{id}/refunds`
    (negative rows). Units refunded before the order is completed are `cancelled`, later ones `returned` in `extra`.
    The revision is the second the order was last modified. `services` maps shipping methods (`flat_rate`) to the
    host's service words. Items are known by SKU, else as `variation:<id>` or `product:<id>`.

    Raises ChannelError naming the field that is missing or wrong; one that does not add up to the cent is wrong.

    >>> got = draft({"id": 7, "status": "processing", "currency": "EUR", "date_created_gmt": "2026-03-02T09:00:00",
    ...     "total": "12.10", "total_tax": "2.10", "billing": {}, "line_items": [{"id": 1, "sku": "MUG", "quantity": 3,
    ...         "subtotal": "10.00", "total": "10.00", "total_tax": "2.10"}]})
    >>> got.lines[0].unit_price.minor, got.lines[0].discount.minor, got.due.minor
    (334, 2, 1210)
    """
    o = Fields.of("woocommerce", order)
    number, status, currency = o.text("id"), o.text("status"), o.currency("currency")
    if status in _NOT_YET:
        raise o.wrong("status", f"{status!r} is not placed yet; wait for the order")
    placed_at = o.time("date_created_gmt", naive_is=UTC)
    gone = _refunded_units(o, refunds, currency)
    rows = o.rows("line_items")
    lines = tuple(_line(row, currency, gone.get(row.text("id"), 0), status) for row in rows)
    zero = Money.zero(currency)
    fees, less, fee_tax = zero, zero, zero
    for row in o.rows_or_none("fee_lines"):
        amount = row.money("total", currency)
        fees, less = (fees + amount, less) if amount >= zero else (fees, less - amount)
        fee_tax += row.money_or_zero("total_tax", currency)
    shipping = o.money_or_zero("shipping_total", currency) + fees
    if shipping < zero:
        shipping, less = zero, less - shipping
    # Shops round taxes by row or by order; what the rows do not hold is the order's.
    tax = o.money("total_tax", currency) - total((line.tax or zero for line in lines), currency)
    rest = tax - fee_tax - o.money_or_zero("shipping_tax", currency)
    if abs(rest.minor) > len(rows) + 1:
        raise o.wrong("total_tax", f"rows, fees and shipping leave {rest} of it unexplained")
    methods = o.rows_or_none("shipping_lines")
    method = methods[0].text_or("method_id").split(":")[0] if methods else ""
    given_back = -_sum(o.rows_or_none("refunds"), "total", currency)
    extra: dict[str, Any] = {"number": o.text_or("number", number), "status": status}
    if coupons := [row.text("code") for row in o.rows_or_none("coupon_lines")]:
        extra["coupons"] = coupons
    if fees:
        extra["fees"] = str(fees.amount)
    if given_back:
        extra["refunded"] = str(given_back.amount)
    stated = o.money("total", currency)
    billing = o.part_or_none("billing")
    customer = o.text_or("customer_id")
    with o.building():
        made = Draft(
            channel,
            number,
            currency,
            lines,
            placed_at,
            revision=revision_at(o.time_or_none("date_modified_gmt", naive_is=UTC)),
            ship_to=_address(o.part_or_none("shipping"), billing),
            bill_to=_address(billing),
            service=(services or {}).get(method, method) or "standard",
            customer=Customer("" if customer == "0" else customer),
            shipping=shipping,
            discount=less,
            tax=tax,
            total=stated,
            payment=_payment(o, status, given_back, stated),
            note=o.text_or("customer_note"),
            gift_message=gift_message(_pairs(o.rows_or_none("meta_data"))),
            extra=extra | {"unread": o.unread(_READ, _PERSONAL)},
        )
    return total_checked(made, o, "total")


def _payment(o: Fields, status: str, given_back: Money, stated: Money) -> str:
    if status == "refunded" or (given_back and given_back >= stated):
        return "refunded"
    if given_back:
        return "partially_refunded"
    if status == "cancelled":
        return "voided"
    return "paid" if o.get("date_paid_gmt") else "pending"


def _line(row: Fields, currency: str, gone: int, status: str) -> DraftLine:
    units, gross = row.whole("quantity"), row.money("subtotal", currency)
    if units < 1:
        raise row.wrong("quantity", f"{units} units cannot be ordered")
    item = row.text_or("sku")
    if not item and row.whole_or("variation_id"):
        item = f"variation:{row.text('variation_id')}"
    if not item and row.whole_or("product_id"):
        item = f"product:{row.text('product_id')}"
    if not item:
        raise row.missing("sku", "a line with neither 'sku' nor 'product_id' cannot be told from any other")
    each, rounding = unit_price(gross, units)
    fulfilled = units if status == "completed" else 0
    over = status in {"cancelled", "refunded"}
    facts = {"fulfilled": fulfilled, "returned": min(gone, fulfilled)}
    extra: dict[str, Any] = {"unread": row.unread(_LINE_READ)}
    extra |= {name: count for name, count in facts.items() if count}
    if attributes := _pairs(row.rows_or_none("meta_data")):
        extra["attributes"] = dict(attributes)
    with row.building():
        return DraftLine(
            row.text("id"),
            item,
            units,
            each,
            discount=gross - row.money("total", currency) + rounding,
            tax=row.money_or_zero("total_tax", currency),
            name=unescape(row.text_or("name")),
            gift_message=gift_message(attributes),
            cancelled=units if over else gone - min(gone, fulfilled),
            extra=extra,
        )


def _refunded_units(o: Fields, refunds: Sequence[Mapping[str, Any]], currency: str) -> dict[str, int]:
    """Refunded units by order row; the refunds must add up to what the order says was refunded."""
    units: dict[str, int] = {}
    given = Fields("woocommerce", {"refunds": refunds}).rows("refunds")
    if given and _sum(given, "amount", currency) != -_sum(o.rows_or_none("refunds"), "total", currency):
        raise o.wrong("refunds", "the order's refunds and the ones sent with it differ; read both again")
    for row in (row for refund in given for row in refund.rows_or_none("line_items")):
        of = next((m.text("value") for m in row.rows_or_none("meta_data") if m.get("key") == "_refunded_item_id"), "")
        if not of:
            raise row.missing("meta_data[_refunded_item_id]")
        units[of] = units.get(of, 0) - row.whole("quantity")
    return units


def _sum(rows: Iterable[Fields], name: str, currency: str) -> Money:
    return total((row.money(name, currency) for row in rows), currency)


def _pairs(rows: Iterable[Fields]) -> list[tuple[str, Any]]:
    return [(row.text_or("key"), row.get("value")) for row in rows]


def _address(a: Fields | None, contact: Fields | None = None) -> Address | None:
    """An address; a shipping address has neither mail nor telephone, the billing address lends it both."""
    if a is None or a.get("country") is None:
        return None
    contact = contact or a
    with a.building():
        return Address(
            country=a.country("country"),
            postcode=a.text_or("postcode"),
            region=a.text_or("state"),
            city=a.text_or("city"),
            lines=tuple(line for line in (a.text_or("address_1"), a.text_or("address_2")) if line),
            name=f"{a.text_or('first_name')} {a.text_or('last_name')}".strip(),
            company=a.text_or("company"),
            phone=a.text_or("phone") or contact.text_or("phone"),
            email=a.text_or("email") or contact.text_or("email"),
        )


def completed() -> dict[str, Any]:
    """The body for `PUT /orders/{id}` once everything has shipped.

    >>> completed()
    {'status': 'completed'}
    """
    return {"status": "completed"}


def fulfillment(shipped: Shipped) -> dict[str, Any]:
    """The body for `POST /orders/{id}/shipment-trackings`, the route of WooCommerce's Shipment Tracking extension.

    WooCommerce itself has no place for a tracking number; without the extension, tell it `completed()` only.

    >>> from datetime import UTC, datetime
    >>> fulfillment(Shipped("7", {"1": 3}, "RR123456785BE", "bpost", datetime(2026, 3, 2, tzinfo=UTC)))
    {'custom_tracking_provider': 'bpost', 'tracking_number': 'RR123456785BE', 'date_shipped': '2026-03-02'}
    """
    body = {
        "custom_tracking_provider": shipped.carrier,
        "tracking_number": shipped.tracking,
        "date_shipped": shipped.at.date().isoformat(),
    }
    return body | ({"custom_tracking_link": shipped.url} if shipped.url else {})


def stock_level(available: int) -> dict[str, Any]:
    """The body for `PUT /products/{id}` or `PUT /products/{id}/variations/{id}`: how many units may be sold.

    >>> stock_level(42)
    {'manage_stock': True, 'stock_quantity': 42}
    """
    quantity(available, "available", at_least=0)
    return {"manage_stock": True, "stock_quantity": available}


__all__ = ["orders_in", "draft", "completed", "fulfillment", "stock_level"]
