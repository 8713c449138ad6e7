"""Whatever is put into what notebooks and hosts call directly is named in words, never by an error from the depths."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from attrs import evolve

import omscore as oms
from omscore import oversight, payments, returns, samples, shipping, simulate
from omscore import routing as r
from omscore.adapters import MemoryStore
from omscore.batching import Packing
from omscore.ports import Rate, Transaction
from omscore.testing.walkthrough import up_to

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAIVE = datetime(2026, 3, 2)  # noqa: DTZ001 - the mistake under test
DAY = timedelta(days=1)
FIVE = oms.Money(500, "EUR")

WRONG: tuple[Any, ...] = (
    *(None, 5, -1, 0, 10**30, 1.5, float("nan"), True, "", " ", "x", "\0", b"x", object(), int),
    *([], {}, (), [None], {"1": "2"}, {"1": -1}, {None: 1}, {5: 1}, {1, 2}, [("a", 1)], range(3)),
    *(NAIVE, timedelta(-1), timedelta.max, oms.Money(-1, "EUR"), oms.Money(1, "USD")),
)

NETWORK = samples.network()
LEDGER = samples.ledger(NETWORK, seed=1)
ORDERS = samples.orders(3, seed=1)
POLICY = r.packs.single_location()
ROUTER = r.Router(POLICY, NETWORK)
RUN = simulate.run(POLICY, ORDERS, NETWORK, LEDGER)
BESIDE = simulate.compare(a=RUN, b=RUN)
AT = up_to("delivered")

LINE = returns.ReturnLine("1", "SKU-1", 2)
BACK = returns.Return("r", "o", "n", (LINE,))
ROW = payments.PaymentTransaction("a1", "authorize", FIVE, NOW, "done")
PAYMENT = payments.fold([ROW])
ASKED = payments.fold([payments.PaymentTransaction("a1", "authorize", FIVE, NOW)])
ACCOUNT = payments.CreditAccount("c", FIVE)
FACT = shipping.TrackingFact("T1", "delivered", NOW)
SHIPMENT = shipping.Shipment("s", "o", "f", "n", "standard", {"1": 2})
CHOICE = shipping.Choice("node", {"country": "BE"}, "a", "b", "o", NOW)
LIKED = shipping.Preference("p", "node", {"country": "BE"}, "liege", 3, 4, ("o",), (), NOW)
FACTS = oversight.Facts(AT.order, NOW)
PROFILE = oversight.ChannelProfile()
SURGE = oversight.SurgeRule(5)
FIGURE = oversight.Kpi("a", 1, 2, "x", "y")
BOOKED = {"id": "p", "order": "o", "amount": FIVE, "at": NOW}

# What is right, by the name of what is tried: each of its values is exchanged for each of the wrong ones.
RIGHT: dict[str, tuple[Callable[..., Any], Mapping[str, Any]]] = {
    "ReturnLine": (returns.ReturnLine, {"line": "1", "item": "A", "units": 2, "received": 0, "inspected": 0}),
    "Return": (
        returns.Return,
        {"id": "r", "order": "o", "node": "n", "lines": (LINE,), "why": "", "state": "expected", "opened_at": NOW},
    ),
    "Return.ended": (BACK.ended, {"command": "expire"}),
    "Return.inspected": (BACK.inspected, {"units": {}}),
    "Return.received": (BACK.received, {"units": {"1": 1}}),
    "Claim": (
        returns.Claim,
        {
            "id": "c",
            "order": "o",
            "line": "1",
            "item": "A",
            "units": 1,
            "serial": "",
            "state": "open",
            "opened_at": NOW,
        },
    ),
    "Claim.decided": (returns.Claim("c", "o", "1", "A", 1).decided, {"command": "refuse", "replacement": ""}),
    "ReturnPolicy": (
        returns.ReturnPolicy,
        {"window": DAY, "never": (), "patience": DAY, "warranty": None, "refund_within": DAY},
    ),
    "ReturnPolicy.refusals": (
        returns.ReturnPolicy(DAY).refusals,
        {"line": "1", "tags": (), "delivered_at": NOW, "now": NOW},
    ),
    "Parcel": (
        shipping.Parcel,
        {"id": "p", "weight_grams": 1, "contents": {"A": 1}, "length_mm": 1, "width_mm": 1, "height_mm": 1},
    ),
    "parcels_of": (shipping.parcels_of, {"packing": Packing(()), "prefix": "p"}),
    "Shipment": (
        shipping.Shipment,
        {
            "id": "s",
            "order": "o",
            "fulfillment": "f",
            "node": "n",
            "service": "x",
            "lines": {"1": 2},
            "carrier": "",
            "tracking": (),
            "cost": None,
            "weight_grams": 0,
            "parcels": 1,
            "status": "created",
            "status_at": NOW,
            "shipped_at": NOW,
            "delivered_at": NOW,
            "promised_at": NOW,
            "packed": (),
            "only_carrier": "",
            "labels": 1,
            "voided": (),
            "manifest": "",
            "serials": {},
            "seen": (),
        },
    ),
    "Shipment.told": (SHIPMENT.told, {"status": "delivered", "at": NOW}),
    "Shipment.given_back": (SHIPMENT.given_back, {"command": "relabel", "at": NOW}),
    "shop_rates": (
        shipping.shop_rates,
        {
            "offers": [Rate("post", "parcel", FIVE, days=2)],
            "now": NOW,
            "deliver_by": NOW + 9 * DAY,
            "carriers": None,
            "services": None,
        },
    ),
    "Choice": (
        shipping.Choice,
        {"what": "node", "situation": {"a": "b"}, "proposed": "x", "chosen": "y", "ref": "o", "at": NOW, "why": ""},
    ),
    "Preference": (
        shipping.Preference,
        {
            "id": "p",
            "what": "node",
            "situation": {},
            "chosen": "x",
            "times": 3,
            "of": 4,
            "evidence": ("o",),
            "why": (),
            "accepted_at": NOW,
        },
    ),
    "preferences_of": (shipping.preferences_of, {"choices": [CHOICE] * 3, "times_min": 3, "percent_min": 60}),
    "prefer_nodes": (shipping.prefer_nodes, {"preferences": [LIKED], "situation": {"country": "BE"}}),
    "FloorReport.told": (
        shipping.FloorReport("f", "n").told,
        {"kind": "picked", "units": {"A": 1}, "parcels": (), "tracking": (), "carrier": ""},
    ),
    "FloorReport.picked_of": (shipping.FloorReport("f", "n").picked_of, {"item": "A"}),
    "TrackingFact": (
        shipping.TrackingFact,
        {"tracking": "T", "code": "unknown", "at": NOW, "place": "", "carrier": "", "raw": ""},
    ),
    "Tracking": (shipping.Tracking, {"tracking": "T1", "facts": (FACT,)}),
    "Tracking.told": (shipping.Tracking("T1").told, {"facts": [FACT]}),
    "told_status": (shipping.told_status, {"trackings": [shipping.Tracking("T1", (FACT,))], "parcels": 1}),
    "PaymentTransaction": (
        payments.PaymentTransaction,
        {
            "id": "a",
            "kind": "capture",
            "amount": FIVE,
            "at": NOW,
            "outcome": "asked",
            "parent": "",
            "ref": "",
            "reference": "",
            "expires_at": NOW,
            "text": "",
            "goodwill_minor": 0,
        },
    ),
    "Payment": (
        payments.Payment,
        {"order": "o", "currency": "EUR", "method": "at_order", "allowance_minor": 0, "rows": ()},
    ),
    "Payment.transaction": (PAYMENT.transaction, {"id": "a1"}),
    "Payment.total": (PAYMENT.total, {"kind": "capture"}),
    "Payment.ask": (PAYMENT.ask, {"row": payments.PaymentTransaction("c1", "capture", oms.Money(1, "EUR"), NOW)}),
    "Payment.settled": (
        ASKED.settled,
        {"id": "a1", "outcome": "done", "at": NOW, "reference": "", "expires_at": NOW, "text": ""},
    ),
    "fold": (payments.fold, {"rows": [ROW], "payment": None}),
    "CreditAccount": (payments.CreditAccount, {"customer": "c", "limit": FIVE, "days": 30, "bound": {"o": 1}}),
    "CreditAccount.binding": (ACCOUNT.binding, {"order": "o", "amount": FIVE}),
    "check_credit": (payments.check_credit, {"account": ACCOUNT, "order": "o", "amount": FIVE}),
    "Posting": (
        payments.Posting,
        {"id": "p", "kind": "k", "order": "o", "currency": "EUR", "lines": (), "at": NOW, "due_at": None},
    ),
    "PostingLine": (payments.PostingLine, {"account": "bank", "minor": 5}),
    "invoice": (payments.invoice, {**BOOKED, "due_at": NOW}),
    "paid": (payments.paid, BOOKED),
    "refunded": (payments.refunded, {**BOOKED, "prepaid_minor": 0}),
    "credit_note": (payments.credit_note, BOOKED),
    "written_off": (payments.written_off, BOOKED),
    "vendor_return": (payments.vendor_return, BOOKED),
    "stock_value": (payments.stock_value, BOOKED),
    "IncidentRule": (oversight.IncidentRule, {"owner": "me", "within": DAY}),
    "Incident": (
        oversight.Incident,
        {"id": "i", "kind": "k", "order": "o", "since": NOW, "text": "", "context": {}, "owner": "", "actions": ()},
    ),
    "Facts": (
        oversight.Facts,
        {
            "order": AT.order,
            "quiet_since": NOW,
            "queued": None,
            "payment": PAYMENT,
            "fulfillments": (),
            "shipments": (),
            "also": (),
            "conflicts": (),
            "events": (),
        },
    ),
    "incidents_of": (
        oversight.incidents_of,
        {"facts": FACTS, "now": NOW, "rules": oversight.INCIDENT_RULES, "detectors": ()},
    ),
    "actions_of": (oversight.actions_of, {"facts": FACTS}),
    "Kpi": (
        oversight.Kpi,
        {"name": "a", "count": 1, "of": 2, "counts": "x", "denominator": "y", "median_s": None, "failed": ""},
    ),
    "kpis": (oversight.kpis, {"log": AT.shop.history("ord-1"), "incidents_open": 0}),
    "measured": (oversight.measured, {"measure": lambda log: FIGURE, "log": []}),
    "to_records": (oversight.to_records, {"figures": {"a": FIGURE}}),
    "notices_of": (
        oversight.notices_of,
        {"order": AT.order, "sent": {"confirmed": NOW}, "profile": PROFILE, "now": NOW},
    ),
    "obligations_of": (
        oversight.obligations_of,
        {
            "order": AT.order,
            "sent": {},
            "profile": PROFILE,
            "now": NOW,
            "fulfillments": (),
            "payment": None,
            "returns": (),
            "policy": returns.ANY_TIME,
            "refund_since": NOW,
        },
    ),
    "ChannelProfile": (
        oversight.ChannelProfile,
        {
            "commitment": DAY,
            "priority": 0,
            "packaging": "box",
            "capture_method": "at_order",
            "allowance_minor": 0,
            "unpaid_max": None,
            "payment_gate": "none",
            "buffers": {},
            "notices": {},
            "occasions": (),
        },
    ),
    "SurgeRule": (
        oversight.SurgeRule,
        {"normal": 5, "on_percent": 200, "off_percent": 150, "calm_periods": 2, "period": DAY},
    ),
    "SurgeRule.begins": (SURGE.begins, {"orders": 5}),
    "SurgeRule.begun": (SURGE.begun, {"at": NOW}),
    "SurgeState": (oversight.SurgeState, {"on": False, "calm": 0}),
    "SurgeState.after": (oversight.SurgeState().after, {"rule": SURGE, "orders": 1}),
    "surges": (lambda **given: list(oversight.surges(**given)), {"rule": SURGE, "orders": [1], "state": None}),
    "run": (
        simulate.run,
        {
            "policy": POLICY,
            "orders": ORDERS,
            "network": NETWORK,
            "ledger": LEDGER,
            "items": None,
            "now": NOW,
            "facts": r.Facts(),
            "progress": None,
        },
    ),
    "Run": (simulate.Run, {"policy": POLICY, "network": NETWORK, "fates": RUN.fates}),
    "Run.trace": (RUN.trace, {"order": ORDERS[0].id}),
    "Run.__getitem__": (RUN.__getitem__, {"order": ORDERS[0].id}),
    "Run.__contains__": (RUN.__contains__, {"order": ORDERS[0].id}),
    "Run.map": (RUN.map, {"orders_max": 5, "width": 640}),
    "Fate": (simulate.Fate, {"order": "o", "outcome": "assigned", "units": 1, "units_placed": 1}),
    "compare": (simulate.compare, {"a": RUN, "b": RUN}),
    "Comparison": (simulate.Comparison, {"runs": {"a": RUN}, "settings": None}),
    "Comparison.moved_in": (BESIDE.moved_in, {"name": "b"}),
    "Comparison.delta": (BESIDE.delta, {"figure": "fill", "name": "b"}),
    "Comparison.by_node": (BESIDE.by_node, {"name": "b"}),
    "sweep": (
        partial(simulate.sweep, lambda v: POLICY),
        {"settings": {"v": [1]}, "orders": ORDERS, "network": NETWORK, "ledger": LEDGER},
    ),
    "Shadow": (simulate.Shadow, {"live": ROUTER, "candidate": POLICY, "orders_max": 5}),
    "Shadow.route": (
        simulate.Shadow(ROUTER, POLICY).route,
        {"demand": r.Demand("d", [r.DemandLine("1", "A")]), "stock": {}, "now": NOW, "facts": r.Facts()},
    ),
}

# What omscore alone makes, and what is but a type.
MADE = """LabelMade LabelGivenBack VoidAnswered Manifest Mismatch FloorReport Shopped Offer Invoiced EffectParked
    Resolved NoticeSent Notice Obligation SurgeChanged SurgeClock Moved Recorded Measure Detector parked_effect
    told_otherwise"""

# Functions of the host's own, which may raise what they like: only what cannot be called is named.
PASSED_THROUGH = {("run", "progress")}


@pytest.mark.parametrize("name", RIGHT)
def test_no_wrong_value_ends_in_an_error_from_the_depths(name: str) -> None:
    call, right = RIGHT[name]
    call(**right)
    for field in right:
        for wrong in WRONG:
            if (name, field) in PASSED_THROUGH and callable(wrong):
                continue
            try:
                call(**{**right, field: wrong})
            except oms.OmsError:
                continue
            except Exception as deep:  # noqa: BLE001 - whatever it is, it says where
                pytest.fail(f"{name}({field}={wrong!r}): {type(deep).__name__}: {deep}")


def test_all_that_these_rooms_offer_is_tried() -> None:
    rooms = (returns, shipping, payments, oversight, simulate)
    offered = {name for room in rooms for name in room.__all__ if callable(getattr(room, name))}
    assert offered - {name.partition(".")[0] for name in RIGHT} - set(MADE.split()) == set()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: returns.ReturnLine("1", "A", 2, received=3), "of 2 units 3 cannot have come"),
        (lambda: returns.ReturnLine("1", "A", 2, received=1, inspected=2), "what was looked at is at most what came"),
        (lambda: BACK.received({"9": 1}), "return r expects no line '9'; it expects ['1']"),
        (lambda: BACK.inspected({"9": 1}), "return r expects no line '9'"),
        (lambda: BACK.received({"1": 0}), "line 1: units must be at least 1, not 0"),
        (lambda: returns.Return("r", "o", "n", (LINE,), opened_at=NAIVE), "opened_at must carry a time zone"),
        (
            lambda: returns.Return("r", "o", "n", (LINE,), state="lost"),
            "the state of a return must be one of expected,",
        ),
        (lambda: returns.ReturnPolicy(window=timedelta(-1)), "window must be from no time to 36525 days"),
        (lambda: returns.ReturnPolicy(window=timedelta.max), "23:59:59.999999; None is for ever"),
        (lambda: returns.ReturnPolicy(DAY).refusals("1", "sealed", None, NOW), "the tags of a line are a list"),
        (lambda: returns.ReturnPolicy(DAY).refusals("1", (), NOW, NAIVE), "now must carry a time zone"),
        (lambda: shipping.shop_rates([FIVE], now=NOW), "the carrier of an offer must be text"),  # type: ignore[list-item]
        (lambda: shipping.shop_rates([], now=NOW, carriers="post"), "carriers are a list such as ['post'], not 'post'"),
        (lambda: SHIPMENT.told("delivered", NAIVE), "at must carry a time zone"),
        (lambda: SHIPMENT.told("eaten", NOW), "the status of a shipment must be one of created, labeled"),
        (lambda: shipping.Parcel("p", 1, {"": 1}), "parcel 'p': item must be a non-empty string, not ''"),
        (lambda: payments.PaymentTransaction("a", "capture", 5, NOW), "the amount of a payment's row must be Money"),  # type: ignore[arg-type]
        (
            lambda: payments.PaymentTransaction("", "capture", FIVE, NOW),
            "the id of a payment's row must be a non-empty",
        ),
        (lambda: ASKED.settled("a1", "perhaps", NOW), "an answer must be one of done, failed, not 'perhaps'"),
        (lambda: PAYMENT.total("tip"), "kind must be one of authorize, capture, void"),
        (lambda: ACCOUNT.binding("o", oms.Money(1, "USD")), "c has credit in EUR, not in USD"),
        (lambda: payments.refunded("p", "o", FIVE, NOW, 501), "prepaid_minor is a part of what went back, 5.00 EUR"),
        (lambda: oversight.IncidentRule("me", 4), "within must be timedelta, such as timedelta(hours=4), not 4"),  # type: ignore[arg-type]
        (
            lambda: oversight.notices_of(AT.order, {"paid": NAIVE}, PROFILE, NOW),
            "when notice 'paid' was sent must carry",
        ),
        (lambda: oversight.kpis(["accepted"]), "a log is rows such as shop.history('ord-1') gives; 'accepted' is none"),  # type: ignore[list-item]
        (lambda: oversight.Kpi("returned", "1", 2, "x", "y"), "count of figure 'returned' must be a whole number"),  # type: ignore[arg-type]
        (lambda: simulate.run(POLICY, ORDERS, NETWORK, LEDGER, facts={}), "facts must be Facts"),  # type: ignore[arg-type]
        (lambda: RUN[5], "order must be text, not 5"),  # type: ignore[index]
        (lambda: RUN.map(width=float("nan")), "width must be a number of pixels from 1 to 100,000, not nan"),
        (lambda: r.Stock({"SKU-1": 5}), "stock is by node and SKU, such as {('ghent', 'SKU-1'): 5}, not by 'SKU-1'"),  # type: ignore[dict-item]
    ],
)
def test_a_wrong_value_is_named_with_what_would_do(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(oms.OmsError) as told:
        wrong()
    assert message in str(told.value)


@pytest.mark.parametrize(
    "found",
    [["heavy"], [None], 5, "heavy", [oversight.Incident("heavy:ord-1", "heavy", "ord-1", NAIVE, "40 kg")]],
)
def test_a_detector_that_finds_nonsense_is_found_itself_and_hides_nothing_else(found: Any) -> None:
    def overweight(facts: oversight.Facts, now: datetime) -> Any:
        return found

    at = up_to("accepted", stock=1, detectors=(overweight,))
    kinds = {incident.kind: incident.text for incident in at.shop.exceptions()}
    assert set(kinds) == {"shortage", "detector_failed"}
    assert kinds["detector_failed"] == "detector overweight failed on it: InvalidValue"


def test_credit_that_orders_bind_is_not_counted_in_another_currency() -> None:
    shop = up_to("accepted", payment="terms").shop
    with pytest.raises(
        oms.CommandRefused, match=r"orders bind 39.98 EUR of the credit of c-17, which cannot be counted"
    ):
        shop.set_credit("c-17", oms.Money(90_000, "USD"), key="k-1")
    shop.cancel("ord-1", key="k-2")
    shop.set_credit("c-17", oms.Money(90_000, "USD"), key="k-3")


def test_a_time_that_a_policy_must_have_is_not_told_to_be_none() -> None:
    with pytest.raises(oms.InvalidValue, match=r"patience must be .* 23:59:59\.999999$"):
        returns.ReturnPolicy(None, patience=timedelta.max)


def test_the_surges_of_a_shop_that_is_open_are_told_as_its_periods_end() -> None:
    ended = iter([11])
    live = oversight.surges(SURGE, (next(ended) for _ in range(2)))
    assert next(live).on


def test_an_order_lets_go_of_the_credit_that_was_given_in_another_currency_when_that_was_not_refused_yet() -> None:
    store = MemoryStore(oms.ManualClock(NOW))
    shop = up_to("accepted", store=store, payment="terms").shop

    def exchanged(txn: Transaction) -> None:
        kept = txn.get("credit", "c-17")
        assert kept is not None
        txn.put("credit", "c-17", evolve(kept.value, limit=oms.Money(90_000, "USD")), version=kept.version)

    store.run(exchanged)
    shop.cancel("ord-1", key="k-1")
    assert shop.set_credit("c-17", oms.Money(90_000, "EUR"), key="k-2").bound == {}
