"""Amazon's Orders API 2026-01-01: one message with items, address, prices and fulfillment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from omscore.adapters.payloads._reading import Fields, revision_at, total_checked, unit_price
from omscore.kernel import Address, Money, total
from omscore.orders import Customer, Draft, DraftLine

_STATUS = {
    "PENDING_AVAILABILITY": "pending",
    "PENDING": "pending",
    "UNSHIPPED": "paid",
    "PARTIALLY_SHIPPED": "paid",
    "SHIPPED": "paid",
    "UNFULFILLABLE": "paid",
    "CANCELLED": "voided",
}
_READ = frozenset(
    [
        "orderId",
        "createdTime",
        "lastUpdatedTime",
        "programs",
        "recipient",
        "proceeds",
        "fulfillment",
        "orderItems",
        "buyer",
        "payment",
    ]
)
_ITEM_READ = frozenset(["orderItemId", "quantityOrdered", "product", "proceeds", "fulfillment"])


# Tax registrations carry the buyer's name, packages the addresses of their nodes.
_PERSONAL = frozenset({"tax", "packages"})


@frozen
class _Prices:
    goods: Money
    tax: Money
    shipping: Money
    discount: Money
    fees: Money


def draft_2026(o: Fields, channel: str, services: Mapping[str, str]) -> Draft:
    """A Draft from one order of the 2026-01-01 version; see `amazon.draft`."""
    number, placed_at = o.text("orderId"), o.time("createdTime")
    if o.get("proceeds") is None:
        raise o.missing("proceeds", "ask for it with includedData=PROCEEDS; a pending order has none yet")
    due = o.part("proceeds").part("grandTotal")
    currency = due.currency("currencyCode")
    state = o.part("fulfillment")
    status = state.text("fulfillmentStatus")
    rows = o.rows("orderItems")
    dropped = [row.text("orderItemId") for row in rows if row.whole("quantityOrdered") == 0]
    rows = [row for row in rows if row.whole("quantityOrdered") > 0]
    prices = [_prices(row, currency) for row in rows]
    lines = tuple(
        _line(row, price, order_cancelled=status == "CANCELLED") for row, price in zip(rows, prices, strict=True)
    )
    fees = total((price.fees for price in prices), currency)
    programs = [name.lower() for name in o.texts("programs")]
    if state.text_or("fulfilledBy") == "AMAZON":
        programs.append("ships_itself")
    extra: dict[str, Any] = {"status": status}
    if dropped:
        extra["cancelled_lines"] = dropped
    if fees:
        extra["fees"] = str(fees.amount)
    raw_service = state.text_or("fulfillmentServiceLevel").lower()
    ship, deliver = state.part_or_none("shipByWindow"), state.part_or_none("deliverByWindow")
    recipient = o.part_or_none("recipient")
    with o.building():
        made = Draft(
            channel,
            number,
            currency,
            lines,
            placed_at,
            revision=revision_at(o.time_or_none("lastUpdatedTime")),
            ship_to=_address(recipient.part_or_none("deliveryAddress") if recipient else None, o.part_or_none("buyer")),
            service=services.get(raw_service, raw_service) or "standard",
            customer=Customer(),
            shipping=total((price.shipping for price in prices), currency) + fees,
            total=due.money("amount", currency),
            payment=state.one_of("fulfillmentStatus", _STATUS),
            ship_by=ship.time_or_none("latestDateTime") if ship else None,
            deliver_by=deliver.time_or_none("latestDateTime") if deliver else None,
            tags=frozenset(programs),
            extra=extra | {"unread": o.unread(_READ, _PERSONAL)},
        )
    return total_checked(made, o, "proceeds.grandTotal")


def _prices(row: Fields, currency: str) -> _Prices:
    """What the item's proceeds are made of; without a breakdown, the unit price alone."""
    zero = Money.zero(currency)
    units = row.whole("quantityOrdered")
    proceeds = row.part_or_none("proceeds")
    parts = proceeds.rows_or_none("breakdowns") if proceeds else []
    if not parts:
        price = row.part("product").part("price").part("unitPrice")
        return _Prices(_amount(price, currency) * units, zero, zero, zero, zero)
    sums = {"ITEM": zero, "TAX": zero, "SHIPPING": zero, "DISCOUNT": zero, "OTHER": zero}
    for part in parts:
        kind = part.text("type")
        amount = _amount(part.part("subtotal"), currency)
        if "DISCOUNT" in kind or kind == "PROMOTION":
            sums["DISCOUNT"] += amount if amount.minor >= 0 else -amount
        else:
            sums[kind if kind in sums else "OTHER"] += amount
    return _Prices(sums["ITEM"], sums["TAX"], sums["SHIPPING"], sums["DISCOUNT"], sums["OTHER"])


def _amount(of: Fields, currency: str) -> Money:
    if of.currency("currencyCode") != currency:
        raise of.wrong("currencyCode", f"the order is in {currency}; one order, one currency")
    return of.money("amount", currency)


def _line(row: Fields, price: _Prices, *, order_cancelled: bool) -> DraftLine:
    units, product = row.whole("quantityOrdered"), row.part("product")
    each, rounding = unit_price(price.goods, units)
    done = row.part_or_none("fulfillment")
    fulfilled = done.whole_or("quantityFulfilled") if done else 0
    # What is neither fulfilled nor still to be fulfilled was cancelled.
    cancelled = units - fulfilled - done.whole_or("quantityUnfulfilled", units - fulfilled) if done else 0
    packing = done.part_or_none("packing") if done else None
    gift = packing.part_or_none("giftOption") if packing else None
    extra: dict[str, Any] = {"asin": product.text_or("asin"), "unread": row.unread(_ITEM_READ)}
    if fulfilled:
        extra["fulfilled"] = fulfilled
    if serials := product.texts("serialNumbers"):
        extra["serials"] = serials
    with row.building():
        return DraftLine(
            row.text("orderItemId"),
            product.text_or("sellerSku") or f"asin:{product.text('asin')}",
            units,
            each,
            discount=price.discount + rounding,
            tax=price.tax,
            name=product.text_or("title"),
            tags=frozenset({"gift"} if gift else ()),
            gift_message=gift.text_or("giftMessage") if gift else "",
            cancelled=units if order_cancelled else max(0, cancelled),
            extra=extra,
        )


def _address(a: Fields | None, buyer: Fields | None) -> Address | None:
    return None if a is None else street(a, email=buyer.text_or("buyerEmail") if buyer else "")


def street(a: Fields, email: str = "") -> Address:
    """An address as Amazon's newer messages write it."""
    with a.building():
        return Address(
            country=a.country("countryCode"),
            postcode=a.text_or("postalCode"),
            region=a.text_or("stateOrRegion"),
            city=a.text_or("city"),
            lines=tuple(t for n in (1, 2, 3) if (t := a.text_or(f"addressLine{n}"))),
            name=a.text_or("name"),
            company=a.text_or("companyName"),
            phone=a.text_or("phone"),
            email=email,
        )
