"""Laws of payloads: whatever a sender breaks is refused by name, and money adds up for whatever is sold."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.payloads.test_amazon import ADDRESS, ITEMS, NEWER, purchase_order
from tests.adapters.payloads.test_amazon import ORDER as AMAZON
from tests.adapters.payloads.test_ebay import ORDER as EBAY
from tests.adapters.payloads.test_shopify import ORDER as SHOPIFY
from tests.adapters.payloads.test_woocommerce import ORDER as WOOCOMMERCE
from tests.adapters.payloads.test_woocommerce import REFUND

from omscore.adapters.payloads import amazon, ebay, shopify, woocommerce
from omscore.adapters.tracking import aftership, canada_post, dhl, easypost, fedex, shippo, usps
from omscore.adapters.tracking import amazon as amazon_tracking
from omscore.errors import CarrierError, ChannelError
from omscore.kernel import Money
from omscore.orders import Draft

junk = st.sampled_from(
    [None, "", " ", "x", "1e9", "-1", "NaN", "\x00", "9" * 400, 0, -1, 1.5, 2**80, True, [], [None], ["x"], {}, {"": 1}]
)
MESSAGES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "shopify": (shopify.draft, SHOPIFY),
    "woocommerce": (lambda m: woocommerce.draft(m[0], m[1:]), [WOOCOMMERCE, REFUND]),
    "ebay": (ebay.draft, EBAY),
    "amazon v0": (lambda m: amazon.draft(*m), [AMAZON, ITEMS, ADDRESS]),
    "amazon 2026": (amazon.draft, NEWER),
    "amazon vendor": (amazon.vendor_draft, purchase_order()),
}


_NAMES = [
    "order",
    "orders",
    "Orders",
    "payload",
    "line_items",
    "lineItems",
    "orderItems",
    "billing",
    "financial_status",
    "orderId",
    "OrderStatus",
    "create",
    "purchaseOrderState",
    "id",
]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield (*path, name)
        yield from _paths(one, (*path, name))


def _broken(message: Any, data: st.DataObject) -> Any:
    message = deepcopy(message)
    for _ in range(data.draw(st.integers(1, 3))):
        paths = list(_paths(message))
        if not paths:
            break
        path, value = data.draw(st.sampled_from(paths)), deepcopy(data.draw(junk))
        inner = message
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
    return message


@pytest.mark.parametrize("name", MESSAGES)
@given(data=st.data())
def test_a_broken_order_is_a_draft_that_adds_up_or_refused(name: str, data: st.DataObject) -> None:
    translate, whole = MESSAGES[name]
    try:
        draft = translate(_broken(whole, data))
    except ChannelError:
        return
    assert isinstance(draft, Draft)
    assert draft.total is None or draft.total == draft.due
    assert all(0 <= line.cancelled <= line.units for line in draft.lines)


anything = st.recursive(
    junk | st.sampled_from(["order", "orders"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("module", [shopify, woocommerce, amazon, ebay], ids=lambda module: module.__name__[-5:])
@given(payload=anything)
def test_whatever_comes_in_orders_are_found_or_refused(module: Any, payload: Any) -> None:
    try:
        orders = module.orders_in(payload)
    except ChannelError:
        return
    for order in orders:
        with pytest.raises(ChannelError):
            module.draft(order)


TELLS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "easypost": (
        easypost.facts,
        {"object": "Tracker", "tracking_code": "T", "status": "delivered", "carrier": "C", "tracking_details": [
            {"status": "delivered", "datetime": "2026-03-02T09:00:00Z", "tracking_location": {"country": "US"}}]},
    ),
    "shippo": (
        shippo.facts,
        {"tracking_number": "T", "carrier": "c", "tracking_history": [
            {"status": "TRANSIT", "substatus": {"code": "delayed"}, "status_date": "2026-03-02T09:00:00Z"}]},
    ),
    "aftership": (
        aftership.facts,
        {"data": {"tracking": {"tracking_number": "T", "tag": "InTransit", "checkpoints": [
            {"tag": "InTransit", "checkpoint_time": "2026-03-02T09:00:00", "state": "NY"}]}}},
    ),
    "dhl": (
        dhl.facts,
        {"shipments": [{"id": "T", "events": [{"statusCode": "transit", "timestamp": "2026-03-02T09:00:00"}],
                        "status": {"statusCode": "transit", "location": {"address": {"countryCode": "NL"}}}}]},
    ),
    "fedex": (
        fedex.facts,
        {"output": {"completeTrackResults": [{"trackResults": [
            {"trackingNumberInfo": {"trackingNumber": "T"}, "scanEvents": [
                {"eventType": "DL", "date": "2026-03-02T09:00:00Z", "scanLocation": {"countryCode": "US"}}]}]}]}},
    ),
    "amazon": (
        amazon_tracking.facts,
        {"trackingDetail": {"identifier": {"carrierTracking": {"trackingNumber": "T"}}, "milestoneHistory": [
            {"status": {"code": "DELIVERED"}, "occurredAt": "2026-03-02T09:00:00Z",
             "location": {"address": {"countryCode": "US"}}}]}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TELLS)
@given(data=st.data())
def test_a_broken_tracking_message_tells_facts_or_is_refused(name: str, data: st.DataObject) -> None:
    read, whole = TELLS[name]
    assert read(whole)
    try:
        facts = read(_broken(whole, data))
    except CarrierError:
        return
    assert all(fact.at is None or fact.at.tzinfo is UTC for fact in facts)


@pytest.mark.parametrize("read", [usps.facts, fedex.facts, canada_post.facts], ids=["usps", "fedex", "canada_post"])
@given(text=st.text(alphabet="<>/&;!?='\" abTtracking-detail\x00é", max_size=80) | st.binary(max_size=80))
def test_text_that_is_no_message_is_refused(read: Callable[[str | bytes], Any], text: str | bytes) -> None:
    with pytest.raises(CarrierError):
        read(text)


amounts = st.integers(0, 10**7)


@given(
    st.lists(st.tuples(st.integers(1, 40), amounts, amounts, amounts), min_size=1, max_size=5),
    amounts,
    st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_rows_that_do_not_divide_still_add_up(
    rows: list[tuple[int, int, int, int]], shipping: int, currency: str
) -> None:
    def text(minor: int) -> str:
        return str(Money(minor, currency).amount)

    lines = [
        {"id": i, "sku": f"S{i}", "quantity": units, "subtotal": text(net + less), "total": text(net),
         "total_tax": text(tax)}
        for i, (units, net, less, tax) in enumerate(rows)
    ]  # fmt: skip
    taxes, goods = sum(tax for *_, tax in rows), sum(net for _, net, _, _ in rows)
    draft = woocommerce.draft(
        WOOCOMMERCE
        | {"currency": currency, "line_items": lines, "fee_lines": [], "shipping_tax": "0", "refunds": []}
        | {"shipping_total": text(shipping), "total_tax": text(taxes), "total": text(goods + taxes + shipping)}
    )
    assert draft.due == draft.total == Money(goods + taxes + shipping, currency)
    assert [line.total.minor for line in draft.lines] == [net + tax for _, net, _, tax in rows]
