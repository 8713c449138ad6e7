"""Every published message of a channel or carrier becomes something right or is refused by name."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from omscore import codec
from omscore.adapters.payloads import Shipped, amazon, shopify, woocommerce
from omscore.adapters.tracking import easypost
from omscore.kernel import Money
from omscore.orders import validate
from omscore.shipping import Tracking
from tests.adapters.real_messages import Result, carrier_results, channel_results, tables
from tests.shared_data import ROOT, shared

PAGE = ROOT / "docs" / "reference" / "payloads.md"


@cache
def _channels(base: Path) -> tuple[Result, ...]:
    return tuple(channel_results(base))


@pytest.fixture
def channels() -> tuple[Result, ...]:
    return _channels(shared("payloads"))


def orders(channels: tuple[Result, ...], source: str) -> list[Result]:
    return [r for r in channels if r.source == source and r.draft is not None]


def _load(*parts: str) -> Any:
    return json.loads(shared("payloads", *parts).read_text("utf-8"))


def test_every_order_is_translated_or_refused_by_a_field(channels: tuple[Result, ...]) -> None:
    assert channels
    for result in channels:
        assert result.outcome in {"draft", "refused", "no order", "no reader"}
        if result.outcome == "refused":
            assert result.named, f"{result.file}: {result.error}"
        if result.outcome == "no order":
            assert "not an order" in result.error or "must be an object" in result.error, result.file


def test_no_draft_has_a_finding_about_its_money(channels: tuple[Result, ...]) -> None:
    for result in channels:
        if result.draft is not None:
            assert "money.total" not in {finding.code for finding in validate(result.draft, {})}


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _words(inner)
    elif isinstance(value, str):
        yield value


def test_persons_stand_in_addresses_only(channels: tuple[Result, ...]) -> None:
    for result in channels:
        if (draft := result.draft) is None:
            continue
        told = set(_words(draft.extra)) | {word for line in draft.lines for word in _words(line.extra)}
        for address in filter(None, (draft.ship_to, draft.bill_to)):
            assert not told & ({address.name, address.phone, address.email, *address.lines} - {""}), result.file


def test_a_draft_survives_being_stored(channels: tuple[Result, ...]) -> None:
    stored = codec.standard()
    for result in channels:
        if result.draft is not None:
            assert stored.loads(stored.dumps(result.draft)) == result.draft, result.file


def test_shopify_sums_are_the_payloads_own(channels: tuple[Result, ...]) -> None:
    found = orders(channels, "shopify")
    assert found
    for result in found:
        draft, o = result.draft, result.payload
        assert draft is not None
        money = {name: Money.of(o[name], o["currency"]) for name in ("total_price", "total_line_items_price")}
        assert draft.due == money["total_price"]
        goods = Money.of(sum(Decimal(r["price"]) * r["quantity"] for r in o["line_items"]), o["currency"])
        assert goods == money["total_line_items_price"]
        tax = sum((line.tax.minor for line in draft.lines if line.tax), draft.tax.minor if draft.tax else 0)
        assert Money(tax, o["currency"]) == Money.of(o["total_tax"], o["currency"])
        less = sum((x.discount.minor for x in draft.lines if x.discount), draft.discount.minor if draft.discount else 0)
        assert Money(less, o["currency"]) == Money.of(o["total_discounts"], o["currency"])
        assert [line.units for line in draft.lines] == [row["quantity"] for row in o["line_items"]]
        if not o["cancelled_at"]:
            left = [line.units - line.cancelled - line.extra.get("fulfilled", 0) for line in draft.lines]
            assert left == [row["fulfillable_quantity"] for row in o["line_items"]]


def test_woocommerce_sums_are_the_payloads_own(channels: tuple[Result, ...]) -> None:
    found = orders(channels, "woocommerce")
    assert found
    for result in found:
        draft, o = result.draft, result.payload
        assert draft is not None
        assert draft.due == Money.of(o["total"], "USD")
        tax = sum((line.tax.minor for line in draft.lines if line.tax), draft.tax.minor if draft.tax else 0)
        assert Money(tax, "USD") == Money.of(o["total_tax"], "USD")
        assert draft.shipping == Money.of(o["shipping_total"], "USD")
        assert [line.units for line in draft.lines] == [row["quantity"] for row in o["line_items"]]


def test_ebay_sums_are_the_buyers(channels: tuple[Result, ...]) -> None:
    found = orders(channels, "ebay")
    assert found
    for result in found:
        draft, prices = result.draft, result.payload["pricingSummary"]
        assert draft is not None
        for stated, ours in ((prices["total"], draft.due), (prices["deliveryCost"], draft.shipping)):
            amount = stated.get("convertedFromValue", stated["value"])
            assert ours == Money.of(amount, stated.get("convertedFromCurrency", stated["currency"]))


def test_an_ebay_order_cancelled_after_it_was_marked_shipped_leaves_nothing_to_ship(
    channels: tuple[Result, ...],
) -> None:
    (cancelled,) = (r.draft for r in orders(channels, "ebay") if "cancelled" in r.file)
    assert cancelled is not None
    assert [(line.units, line.cancelled, line.extra["fulfilled"]) for line in cancelled.lines] == [(1, 1, 1)]
    assert (cancelled.payment, cancelled.extra["refunded"]) == ("refunded", "1.28")


def test_amazon_orders_keep_gifts_serials_yen_and_times(channels: tuple[Result, ...]) -> None:
    drafts = {r.draft.external_id: r.draft for r in orders(channels, "amazon_sp_api") if r.draft}
    gift = drafts["202-1234567-8901234"]
    assert gift.lines[0].gift_message.startswith("Happy Christmas!")
    assert len(gift.lines[0].extra["serials"]) == gift.lines[0].units == 3
    yen = drafts["250-1234567-8901234"]
    assert yen.due == Money.of("19940", "JPY")
    assert "ships_itself" in yen.tags


def test_an_amazon_order_and_an_item_of_its_total_make_a_draft_at_its_address(channels: tuple[Result, ...]) -> None:
    order = _load("amazon_sp_api", "ordersV0_getOrder_06.json")["response"]["payload"]
    there = _load("amazon_sp_api", "ordersV0_getOrderAddress_11.json")["response"]["payload"]["ShippingAddress"]
    item = {"OrderItemId": "1", "ASIN": "B0", "QuantityOrdered": 1, "ItemPrice": order["OrderTotal"]}
    draft = amazon.draft(order, [item], there)
    assert draft.due == Money.of("11.01", "USD")
    assert draft.ship_to is not None
    assert (draft.ship_to.country, draft.ship_to.region) == ("US", "WA")


def test_a_woocommerce_order_with_its_refunds_knows_which_unit_came_back() -> None:
    (order,) = _load("woocommerce", "orders_04_http-request.json")["delete"]
    refunds = _load("woocommerce", "order-refunds_02_http-request.json")
    draft = woocommerce.draft(order, refunds)
    assert draft.due == Money.of("39.00", "USD")
    assert draft.extra["refunded"] == "19.00"
    assert draft.payment == "partially_refunded"
    assert [line.extra.get("returned", 0) for line in draft.lines] == [1, 0], "the order was completed before"


def test_a_shopify_fulfillment_order_takes_the_parcel() -> None:
    wanted = _load("shopify", "rb_fulfillment_order_02.json")["response"]
    parcel = Shipped("450789469", {"518995019": 1}, "1Z2345", "UPS", datetime(2026, 3, 2, tzinfo=UTC))
    assert shopify.fulfillment(parcel, wanted)["fulfillment"]["line_items_by_fulfillment_order"] == [
        {"fulfillment_order_id": 1046000784, "fulfillment_order_line_items": [{"id": 1072503281, "quantity": 1}]}
    ]


def test_the_messages_back_are_the_recorded_ones() -> None:
    recorded = _load("shopify", "rb_inventory_level_06.json")["request"]["body"]
    assert shopify.stock_level(recorded["inventory_item_id"], recorded["location_id"], 42) == recorded
    assert woocommerce.completed() == _load("woocommerce", "req_put_02.json")["request"]["body"]


def test_every_carrier_message_tells_facts_or_is_refused_by_name() -> None:
    results = tuple(carrier_results(shared("carriers").parent))
    assert results
    for result in results:
        told = result.facts or result.outcome in {"nothing yet", "no reader"}
        assert told or result.error, result
        for fact in result.facts:
            assert len(fact.place) <= 24, f"{result.file}: {fact.place!r} looks like an address"


def _trackers(value: Any) -> Iterator[dict[str, Any]]:
    """EasyPost's trackers with details, wherever in a message they stand."""
    if isinstance(value, dict):
        if value.get("object") == "Tracker" and value.get("tracking_details"):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _trackers(inner)


def test_the_latest_status_that_a_message_states_is_where_its_facts_lead() -> None:
    compared = Counter[str]()
    for result in carrier_results(shared("carriers").parent):
        message = result.payload
        if result.source == "easypost":
            for tracker in _trackers(message):
                stated = {"error": "exception"}.get(tracker["status"], tracker["status"])
                assert Tracking(tracker["tracking_code"]).told(easypost.facts(tracker)).code == stated, result.file
                compared["easypost"] += 1
        elif result.facts and result.source == "shippo":
            decisive = Tracking(message["tracking_number"]).told(result.facts).decisive
            assert decisive is not None
            assert decisive.raw == message["tracking_status"]["status"], result.file
            compared["shippo"] += 1
        elif isinstance(message, dict) and "trackingDetail" in message:
            decisive = Tracking(result.facts[0].tracking).told(result.facts).decisive
            assert decisive is not None
            assert decisive.raw == message["trackingDetail"]["latestMilestone"]["status"]["code"], result.file
            compared["amazon"] += 1
    assert compared["easypost"] > 50
    assert (compared["shippo"], compared["amazon"]) == (2, 10)


def test_an_item_delivered_and_then_sorted_again_stays_delivered() -> None:
    (whole,) = (
        r for r in carrier_results(shared("carriers").parent) if r.file == "xml_canadapost_pws_tracking_details_en.xml"
    )
    tracking = Tracking(whole.facts[0].tracking).told(whole.facts)
    assert tracking.code == "delivered"
    assert tracking.delivered_at is not None
    assert tracking.delivered_at.isoformat() == "2011-02-01T12:59:52+00:00", "the first of two deliveries"


def test_the_counts_in_the_docs_are_current() -> None:
    counted = tables(shared("payloads").parent)
    page = PAGE.read_text("utf-8")
    for part in counted.split("<!-- end counted -->")[:-1]:
        assert part.strip() in page, f"{PAGE.name} is stale; PYTHONPATH=src:. python tests/adapters/real_messages.py"
