"""Amazon's vendor purchase orders (Vendor Orders v1): cases and eaches, ship windows, parties known by a code."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from omscore.adapters.payloads._amazon_2026 import street
from omscore.adapters.payloads._reading import Fields, revision_at
from omscore.kernel import Address, Money
from omscore.orders import Customer, Draft, DraftLine

_READ = frozenset(
    [
        "purchaseOrderDate",
        "purchaseOrderChangedDate",
        "shipWindow",
        "deliveryWindow",
        "items",
        "shipToParty",
        "billToParty",
    ]
)
_ITEM_READ = frozenset(
    ["itemSequenceNumber", "amazonProductIdentifier", "vendorProductIdentifier", "orderedQuantity", "netCost"]
)


def vendor_draft(
    order: Mapping[str, Any], addresses: Mapping[str, Address] | None = None, *, channel: str = "amazon_vendor"
) -> Draft:
    """A Draft from one purchase order that Amazon itself gives a vendor; it is paid on terms and states no total.

    Units are eaches: two cases of ten are 20, and the line's `extra` keeps `cases` and `case_units`. Amazon names its
    warehouses by a code; `addresses` says where they are, and an address in the message itself comes first. Items are
    known by the vendor's own identifier. Lines reduced to none are named in `extra["cancelled_lines"]`.

    Raises ChannelError naming the field that is missing or wrong, such as a price by weight.

    >>> got = vendor_draft({"purchaseOrderNumber": "PO1", "purchaseOrderState": "New", "orderDetails": {
    ...     "purchaseOrderDate": "2026-03-02T09:00:00Z", "shipToParty": {"partyId": "ABC1"},
    ...     "shipWindow": "2026-03-03T07:00:00Z--2026-03-09T07:00:00Z", "items": [{"itemSequenceNumber": "1",
    ...         "vendorProductIdentifier": "MUG", "netCost": {"amount": "4.50", "currencyCode": "EUR"},
    ...         "orderedQuantity": {"amount": 2, "unitOfMeasure": "Cases", "unitSize": 10}}]}},
    ...     {"ABC1": Address("DE", "04347")})
    >>> got.units, got.value, got.ship_by.isoformat(), got.ship_to
    (20, Money(minor=9000, currency='EUR'), '2026-03-09T07:00:00+00:00',
     Address(country='DE', region='', postcode='04347'))
    """
    o = Fields.of("amazon_vendor", order)
    number, state = o.text("purchaseOrderNumber"), o.text("purchaseOrderState")
    if o.get("orderDetails") is None:
        raise o.missing("orderDetails", "ask for it with includeDetails=true")
    details = o.part("orderDetails")
    rows = details.rows("items")
    if not rows:
        raise details.missing("items")
    dropped = [row.text("itemSequenceNumber") for row in rows if not row.part("orderedQuantity").whole("amount")]
    rows = [row for row in rows if row.part("orderedQuantity").whole("amount")]
    if not rows:
        raise details.missing("items", "every item of it was reduced to none; nothing is ordered")
    currency = rows[0].part("netCost").currency("currencyCode")
    ship_to, party = _party(details, "shipToParty", addresses or {})
    bill_to, _ = _party(details, "billToParty", addresses or {})
    extra: dict[str, Any] = {"status": state, "ship_to_party": party}
    if dropped:
        extra["cancelled_lines"] = dropped
    with o.building():
        return Draft(
            channel,
            number,
            currency,
            tuple(_line(row, currency) for row in rows),
            details.time("purchaseOrderDate"),
            revision=revision_at(details.time_or_none("purchaseOrderChangedDate")),
            ship_to=ship_to,
            bill_to=bill_to,
            customer=Customer(party),
            payment="terms",
            ship_by=_window_end(details, "shipWindow"),
            deliver_by=_window_end(details, "deliveryWindow"),
            tags=frozenset({"vendor"}),
            extra=extra | {"unread": details.unread(_READ)},
        )


def _line(row: Fields, currency: str) -> DraftLine:
    ordered, cost = row.part("orderedQuantity"), row.part("netCost")
    if cost.get("unitOfMeasure") is not None:
        raise cost.wrong(
            "unitOfMeasure", f"a price per {cost.text('unitOfMeasure')} needs the weight; ask for one each"
        )
    if cost.currency("currencyCode") != currency:
        raise cost.wrong("currencyCode", f"the order is in {currency}; one order, one currency")
    amount, measure = ordered.whole("amount"), ordered.text("unitOfMeasure").upper()
    if measure not in {"EACHES", "CASES"}:
        raise ordered.wrong("unitOfMeasure", f"{measure!r} is none of CASES, EACHES")
    size = ordered.whole("unitSize") if measure == "CASES" else 1
    extra: dict[str, Any] = {"asin": row.text_or("amazonProductIdentifier"), "unread": row.unread(_ITEM_READ)}
    if measure == "CASES":
        extra |= {"cases": amount, "case_units": size}
    price: Money = cost.money("amount", currency)
    with row.building():
        return DraftLine(
            row.text("itemSequenceNumber"),
            row.text_or("vendorProductIdentifier") or f"asin:{row.text('amazonProductIdentifier')}",
            amount * size,
            price,
            extra=extra,
        )


def _party(details: Fields, name: str, addresses: Mapping[str, Address]) -> tuple[Address | None, str]:
    party = details.part_or_none(name)
    if party is None:
        return None, ""
    code = party.text_or("partyId")
    a = party.part_or_none("address")
    if a is None:
        return addresses.get(code), code
    return street(a), code


def _window_end(details: Fields, name: str) -> datetime | None:
    """The end of a window written as `start--end`."""
    window = details.text_or(name)
    if not window:
        return None
    _, dashes, end = window.partition("--")
    if not dashes:
        raise details.wrong(name, f"a window is written start--end, not {window!r}")
    return Fields(details.source, {name: end}, details.path).time(name)
