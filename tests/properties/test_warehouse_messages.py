"""Laws of what warehouse systems and carriers tell: any interleaving, with repeats, ends in the same place."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import omscore as oms
from omscore.adapters import MemoryStore
from omscore.inventory import Cell
from omscore.kernel import ManualClock, Money
from omscore.orders import DraftLine
from omscore.ports import WmsMessage, WmsRow
from omscore.shipping import TRACKING_CODES, TrackingFact
from omscore.testing.walkthrough import MONDAY, draft, up_to

LINES = (("1", "A", 3), ("2", "A", 2), ("3", "B", 4))


def shop() -> oms.Oms:
    store = MemoryStore(ManualClock(MONDAY))
    made = oms.Oms(store=store, network=oms.Network([oms.Node("ghent")]))
    made.receive("ghent", {"A": 5, "B": 4, "C": 6}, key="dock")
    lines = tuple(DraftLine(id_, item, n, Money(500, "EUR")) for id_, item, n in LINES)
    made.capture("web", draft(lines=lines), key="capture", id="ord-1")
    made.route()
    return made


def ends(made: oms.Oms) -> Any:
    """All that must not depend on the order of messages."""
    order, fulfillment = made.order("ord-1"), made.fulfillment("ord-1-f1")
    shipped = [made.shipment(fulfillment.shipment)] if fulfillment.shipment else []
    figures = made._store.run(lambda txn: txn.figures([Cell(item, "ghent") for item in "ABC"]), write=False)
    figures = {cell: row._replace(version=0) for cell, row in figures.items()}
    told = [i.id for i in made.exceptions() if i.kind == "mismatch" and i.context["code"] != "wms.count_differs"]
    return (
        order.units,
        [(line.line, line.units, line.picked) for line in fulfillment.lines],
        fulfillment.state,
        [(s.tracking, s.lines, s.weight_grams) for s in shipped],
        figures,
        sorted(told),
    )


@st.composite
def consistent(draw: st.DrawFn) -> list[WmsMessage]:
    """Messages in which each unit is told of once at each step: picked or missing, then packed, then shipped."""
    messages = []
    for item, asked in (("A", 5), ("B", 4)):
        short = draw(st.integers(0, asked))
        for kind, units in (("short", short), *((kind, asked - short) for kind in ("picked", "packed", "shipped"))):
            if kind in ("picked", "packed") and draw(st.booleans()):
                continue
            left = units
            while left:
                part = draw(st.integers(1, left))
                left -= part
                id_ = f"{item}-{kind}-{left}"
                tracking = [f"T:{id_}"] if kind == "shipped" else []
                messages.append(WmsMessage(id_, kind, "ghent", "ord-1-f1", [WmsRow(item, part)], tracking=tracking))
    return messages


@st.composite
def counts(draw: st.DrawFn) -> list[WmsMessage]:
    """Counts of an item that lies there for nobody, each at a time of its own, in the hours before now."""
    found = draw(st.dictionaries(st.integers(0, 30), st.integers(0, 9), max_size=4))
    return [
        WmsMessage(f"count-{ago}", "counted", "ghent", rows=[WmsRow("C", units)], at=MONDAY - timedelta(hours=ago))
        for ago, units in found.items()
    ]


@given(consistent(), counts(), st.data())
def test_messages_in_any_order_and_again_end_the_same(
    messages: list[WmsMessage], counted: list[WmsMessage], data: st.DataObject
) -> None:
    messages = messages + counted
    straight, mixed = shop(), shop()
    for message in messages:
        straight.take(message)
    again = data.draw(st.lists(st.sampled_from(messages), max_size=4)) if messages else []
    for message in data.draw(st.permutations(messages + again)):
        mixed.take(message)
    assert ends(mixed) == ends(straight)
    assert not straight.order("ord-1").totals.allocated
    # Of counts the one that was seen last stands, whenever it was told.
    last = max(counted, key=lambda message: message.at or MONDAY, default=None)
    assert straight.available("C").get("ghent", 0) == (6 if last is None else last.rows[0].units)
    assert ends(straight)[-1] == []


claims = st.builds(
    lambda n, kind, item, units: WmsMessage(f"m-{n}", kind, "ghent", "ord-1-f1", [WmsRow(item, units)]),
    st.integers(0, 99),
    st.sampled_from(["picked", "packed", "shipped", "short"]),
    st.sampled_from(["A", "B", "C"]),
    st.integers(1, 6),
)


@given(st.lists(claims, max_size=10, unique_by=lambda message: message.id))
def test_whatever_is_claimed_no_unit_is_made_or_lost(messages: list[WmsMessage]) -> None:
    made = shop()
    for message in messages:
        made.take(message)
        order = made.order("ord-1")
        assert {line: units.ordered for line, units in order.units.items()} == {"1": 3, "2": 2, "3": 4}
        figures = made._store.run(lambda txn: txn.figures([Cell("A", "ghent"), Cell("B", "ghent")]), write=False)
        assert all(min(row.free, row.reserved, row.allocated, row.picked, row.packed) >= 0 for row in figures.values())
        assert sum(row.picked for row in figures.values()) == order.totals.picked


times = st.none() | st.integers(0, 20).map(lambda n: datetime(2026, 3, 3, tzinfo=UTC) + timedelta(hours=n))


@given(
    st.lists(st.builds(TrackingFact, st.just("post-ord-1-f1-s1-1"), st.sampled_from(TRACKING_CODES), times)), st.data()
)
def test_carriers_may_tell_a_shop_in_any_order_and_again(facts: list[TrackingFact], data: st.DataObject) -> None:
    def after(told: list[TrackingFact]) -> Any:
        at = up_to("shipped")
        at.shop.deliver()
        for n, fact in enumerate(told):
            at.shop.track("post-ord-1-f1-s1-1", [fact], key=f"t-{n}")
        shipment = at.shop.shipment(at.shipment.id if at.shipment else "")
        return shipment.status, shipment.delivered_at, at.shop.order("ord-1").units

    again = data.draw(st.lists(st.sampled_from(facts), max_size=3)) if facts else []
    assert after(data.draw(st.permutations(facts + again))) == after(facts)
