"""What a warehouse system tells counts once, in any order; what does not agree is told, and nothing moves twice."""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import omscore as oms
from omscore.adapters import JsonLinesWms, MemoryWms
from omscore.adapters.wms import message_of
from omscore.batching import Floor, Limits, Scan
from omscore.errors import CommandRefused, InvalidValue, KeyReused, Reason
from omscore.kernel import Item
from omscore.orders import Hold, Order
from omscore.ports import WmsMessage, WmsRow
from omscore.shipping import Parcel
from omscore.testing.walkthrough import MONDAY, Walk, draft, up_to

FULFILLMENT = "ord-1-f1"


def told(id_: str, kind: str, units: int = 2, item: str = "SKU-1", **facts: Any) -> WmsMessage:
    return WmsMessage(id_, kind, "ghent", FULFILLMENT, [WmsRow(item, units, facts.pop("bin", ""))], **facts)


def codes(at: Walk) -> list[str]:
    return [i.context["code"] for i in at.shop.exceptions() if i.kind == "mismatch"]


# -- out ---------------------------------------------------------------------------------------------------------------


def test_each_batch_goes_out_as_a_pick_list_with_its_bins() -> None:
    wms = MemoryWms()
    floor = Floor.parallel(aisles=2, cells=5)
    first = next(iter(floor.bins)).id
    catalog = {"SKU-1": Item("SKU-1", name="mug")}
    parts: dict[str, Any] = {"floors": {"ghent": floor}, "bins": {("ghent", "SKU-1"): first}, "catalog": catalog}
    at = up_to("allocated", wms={"ghent": wms}, **parts)
    (batch,) = at.shop.plan_batches("ghent", Limits(orders_max=9)).batches
    assert wms.lists == {}
    at.shop.deliver()
    (row,) = wms.lists[batch.id].rows
    assert (row.bin, row.item, row.units, row.order, row.name) == (first, "SKU-1", 2, FULFILLMENT, "mug")


def test_one_order_goes_out_at_once_and_is_in_no_batch_then() -> None:
    wms = MemoryWms()
    at = up_to("allocated", wms={"ghent": wms})
    made = at.shop.pick_list(FULFILLMENT)
    at.shop.deliver()
    assert wms.lists == {made.id: made}
    assert at.shop.plan_batches("ghent", Limits()).batches == ()


def test_a_list_that_is_planned_anew_is_taken_back_before_the_new_one_comes() -> None:
    wms = MemoryWms()
    at = up_to("allocated", wms={"ghent": wms}, stock=9)
    at.shop.plan_batches("ghent", Limits())
    at.shop.capture("web", draft("2"), key="c-2")
    at.shop.route()
    at.shop.deliver()
    assert wms.asked == {}
    (batch,) = at.shop.plan_batches("ghent", Limits(), replan=True).batches
    at.shop.deliver()
    assert wms.asked[FULFILLMENT][1] == {}
    assert len(wms.lists[batch.id].rows) == 2


def test_what_is_asked_for_no_longer_is_told_after_the_list() -> None:
    wms = MemoryWms()
    at = up_to("allocated", wms={"ghent": wms})
    at.shop.pick_list(FULFILLMENT)
    at.shop.cancel("ord-1", {"1": 1}, key="c-1")
    at.shop.deliver()
    assert wms.asked[FULFILLMENT][1] == {"SKU-1": 1}
    at.shop.cancel("ord-1", key="c-2")
    at.shop.deliver()
    assert wms.asked[FULFILLMENT][1] == {}


# -- in ----------------------------------------------------------------------------------------------------------------


def test_picked_packed_and_shipped_with_its_own_label() -> None:
    at = up_to("allocated")
    at.shop.take(told("m-1", "picked", 1))
    assert at.shop.order("ord-1").totals.picked == 1
    at.shop.take(told("m-2", "picked", 1))
    at.shop.take(told("m-3", "packed"))
    assert at.shop.fulfillment(FULFILLMENT).state == "packed"
    at.shop.take(told("m-4", "shipped", parcels=[Parcel("p-1", 900)], tracking=["T1"], carrier="dash"))
    at.shop.deliver()
    shipment = at.shop.shipment(f"{FULFILLMENT}-s1")
    assert (shipment.tracking, shipment.carrier, shipment.status, shipment.weight_grams) == (
        ("T1",),
        "dash",
        "labeled",
        900,
    )
    assert at.shop.track("T1", "delivered", key="t-1").status == "delivered"
    assert codes(at) == []


def test_the_same_message_again_changes_nothing_and_another_under_its_id_is_refused() -> None:
    at = up_to("allocated")
    at.shop.take(told("m-1", "picked", 1))
    at.shop.take(told("m-1", "picked", 1))
    assert at.shop.order("ord-1").totals.picked == 1
    with pytest.raises(KeyReused):
        at.shop.take(told("m-1", "picked", 2))


def test_the_last_step_says_enough_and_earlier_ones_that_come_late_change_nothing() -> None:
    at = up_to("allocated")
    at.shop.take(told("m-3", "shipped"))
    assert at.shop.order("ord-1").totals.shipped == 2
    before = at.shop.order("ord-1")
    at.shop.take(told("m-1", "picked"))
    at.shop.take(told("m-2", "packed"))
    assert (at.shop.order("ord-1"), codes(at)) == (before, [])


def test_a_short_pick_is_served_from_elsewhere_and_the_rest_ships() -> None:
    at = up_to("allocated", stock=2)
    at.shop.take(told("m-1", "short", 1))
    at.shop.take(told("m-2", "shipped", 1))
    order = at.shop.order("ord-1")
    assert (order.totals.shipped, order.totals.backordered) == (1, 1)


def test_more_than_was_asked_for_moves_no_more_and_is_an_exception() -> None:
    at = up_to("allocated")
    at.shop.take(told("m-1", "picked", 3))
    assert at.shop.order("ord-1").totals.picked == 2
    (incident,) = at.shop.exceptions()
    assert (incident.kind, incident.owner, incident.context["told"], incident.context["asked"]) == (
        "mismatch",
        "warehouse",
        3,
        2,
    )
    assert "pack:ord-1-f1" in incident.actions
    at.shop.resolve(incident.id, note="put back", key="r-1")
    assert at.shop.exceptions() == []
    at.shop.take(told("m-2", "picked", 1))
    assert [i.context["told"] for i in at.shop.exceptions()] == [4]


def test_less_than_was_asked_for_is_an_exception_until_the_rest_is_told() -> None:
    at = up_to("allocated", stock=2)
    at.shop.take(told("m-1", "shipped", 1))
    assert at.shop.order("ord-1").totals.shipped == 0
    assert codes(at) == ["wms.too_few"]
    at.shop.take(told("m-2", "short", 1))
    assert at.shop.order("ord-1").totals.shipped == 1
    assert "wms.too_few" not in codes(at)


def test_items_bins_and_fulfillments_that_nobody_knows_are_exceptions() -> None:
    at = up_to("allocated", bins={("ghent", "SKU-1"): "A-07"})
    at.shop.take(told("m-1", "picked", item="SKU-9"))
    at.shop.take(told("m-2", "picked", 1, bin="B-01"))
    at.shop.take(WmsMessage("m-3", "picked", "ghent", "ord-9-f1", [WmsRow("SKU-1", 1)]))
    at.shop.take(WmsMessage("m-4", "picked", "liege", FULFILLMENT, [WmsRow("SKU-1", 1)]))
    assert sorted(codes(at)) == [
        "wms.unknown_bin",
        "wms.unknown_fulfillment",
        "wms.unknown_fulfillment",
        "wms.unknown_item",
    ]
    assert at.shop.order("ord-1").totals.picked == 1


def test_what_was_done_while_the_order_was_held_is_kept_and_done_once_it_may_go_on() -> None:
    at = up_to("allocated")
    at.shop.hold("ord-1", Hold("fraud", "risk"), key="h-1")
    at.shop.take(told("m-1", "shipped"))
    assert at.shop.order("ord-1").totals.allocated == 2
    assert codes(at) == ["wms.stopped"]
    at.shop.release("ord-1", "fraud", key="h-2")
    at.shop.tick()
    assert at.shop.order("ord-1").totals.shipped == 2
    assert codes(at) == []


def test_what_was_picked_for_a_cancelled_order_is_an_exception_and_moves_nothing() -> None:
    at = up_to("allocated")
    at.shop.cancel("ord-1", key="c-1")
    at.shop.take(told("m-1", "picked"))
    assert at.shop.order("ord-1").totals.cancelled == 2
    assert codes(at) == ["wms.too_many"]


# -- counts ------------------------------------------------------------------------------------------------------------


def counted(id_: str, units: int, hours: int = 0) -> WmsMessage:
    return WmsMessage(id_, "counted", "ghent", rows=[WmsRow("SKU-1", units)], at=MONDAY + timedelta(hours=hours))


def test_a_count_is_true_at_once_and_whose_units_went_is_told() -> None:
    at = up_to("allocated")
    at.clock.advance(hours=1)
    at.shop.take(counted("m-1", 1, 1))
    order = at.shop.order("ord-1")
    assert (order.totals.allocated, order.totals.backordered) == (1, 1)
    assert at.shop.fulfillment(FULFILLMENT).units == 1
    assert codes(at) == ["wms.count_differs"]
    at.clock.advance(hours=1)
    at.shop.take(counted("m-2", 3, 2))
    assert at.shop.order("ord-1").totals.backordered == 0


def test_an_older_count_that_comes_late_changes_nothing() -> None:
    at = up_to("accepted")
    at.clock.advance(hours=3)
    at.shop.take(counted("m-2", 4, 2))
    at.shop.take(counted("m-1", 0, 1))
    assert at.shop.available("SKU-1") == {"ghent": 2}
    with pytest.raises(CommandRefused, match="was seen at"):
        at.shop.count("ghent", {"SKU-1": 0}, seen_at=MONDAY, key="count-1")


def test_a_count_at_a_node_that_nobody_knows_makes_no_stock() -> None:
    at = up_to("accepted")
    with pytest.raises(oms.NotFound, match="no node with id 'nowhere'"):
        at.shop.take(WmsMessage("m-1", "counted", "nowhere", rows=[WmsRow("SKU-1", 2)]))
    assert at.shop.available("SKU-1") == {"ghent": 3}
    assert codes(at) == ["wms.refused"]


def test_a_count_of_what_is_reserved_only_takes_from_who_came_last() -> None:
    at = up_to("accepted", stock=4)
    late = at.shop.capture("web", draft("2"), key="c-2")
    assert at.shop.count("ghent", {"SKU-1": 3}, key="count-1") == [late.id]
    assert at.shop.order("ord-1").totals.reserved == 2
    assert (at.shop.order(late.id).totals.reserved, at.shop.order(late.id).totals.backordered) == (1, 1)
    assert at.shop.count("ghent", {"SKU-1": 3}, key="count-1") == [late.id]


# -- refused and unanswered --------------------------------------------------------------------------------------------


class Forbids:
    """A guard of the host's own that lets nobody pick, until it does."""

    on = True

    def __call__(self, order: Order, verb: str, units: Mapping[str, int]) -> Iterable[Reason]:
        if self.on and verb == "pick":
            raise RuntimeError(f"no badge for {order.draft.ship_to}")
        return ()


def test_a_message_that_is_refused_is_an_exception_until_it_is_told_again_and_taken() -> None:
    wms, guard = MemoryWms(), Forbids()
    at = up_to("allocated", wms={"ghent": wms}, guards=[guard])
    wms.to_tell = [told("m-1", "picked"), WmsMessage("m-2", "counted", "ghent", rows=[WmsRow("SKU-9", 4)])]
    assert at.shop.fetch_messages() == {"taken": 1, "failed": 1}
    assert at.shop.fetch_messages() == {"taken": 1, "failed": 1}
    (incident,) = [i for i in at.shop.exceptions() if i.context.get("code") == "wms.refused"]
    assert (incident.order, incident.owner, incident.due_at) == ("ord-1", "warehouse", MONDAY + timedelta(hours=4))
    assert incident.text == "ghent told m-1, which was refused: RuntimeError"
    assert (incident.context["message"], incident.context["kind"]) == ("m-1", "picked")
    assert {"resolve", "pick:ord-1-f1"} <= set(incident.actions)
    guard.on = False
    assert at.shop.fetch_messages() == {"taken": 2, "failed": 0}
    assert at.shop.order("ord-1").totals.picked == 2
    assert "wms.refused" not in codes(at)


def test_another_message_under_an_id_that_was_used_stops_no_message_after_it() -> None:
    wms = MemoryWms()
    at = up_to("allocated", wms={"ghent": wms})
    wms.to_tell = [told("m-1", "picked", 1), told("m-1", "picked", 2), told("m-2", "picked", 1)]
    assert at.shop.fetch_messages() == {"taken": 2, "failed": 1}
    assert (at.shop.order("ord-1").totals.picked, codes(at)) == (2, ["wms.refused"])
    (incident,) = at.shop.exceptions()
    at.shop.resolve(incident.id, note="they count anew on Mondays", key="r-1")
    at.shop.fetch_messages()
    assert at.shop.exceptions() == []


def test_a_system_that_does_not_answer_is_an_exception_until_it_does_and_when_it_does_not_again() -> None:
    class Weak(MemoryWms):
        down = True

        def messages(self) -> Any:
            if self.down:
                raise TimeoutError
            return super().messages()

    weak = Weak()
    at = up_to("allocated", wms={"ghent": weak})
    for down in (True, True, False, True):
        weak.down = down
        at.shop.fetch_messages()
        assert codes(at) == (["wms.unanswered"] if down else [])


def test_what_is_being_scanned_by_hand_is_packed_once_it_is_scanned_whatever_the_system_says() -> None:
    at = up_to("allocated", wms={"ghent": MemoryWms()})
    listed = at.shop.pick_list(FULFILLMENT).id
    at.shop.scan(listed, Scan("s-1", "SKU-1", units=2))
    at.shop.scan(listed, Scan("s-2", "SKU-1", units=1), at="pack")
    at.shop.take(told("m-1", "packed"))
    assert (at.shop.fulfillment(FULFILLMENT).state, codes(at)) == ("picking", ["wms.stopped"])
    at.shop.tick()
    assert codes(at) == ["wms.stopped"]
    at.shop.scan(listed, Scan("s-3", "SKU-1", units=1), at="pack")
    at.shop.tick()
    assert (at.shop.fulfillment(FULFILLMENT).state, codes(at)) == ("packed", [])


def test_work_on_an_order_that_is_held_a_second_time_is_an_exception_a_second_time() -> None:
    at = up_to("allocated")
    for n, kind in enumerate(("picked", "shipped")):
        at.shop.hold("ord-1", Hold("fraud", "risk"), key=f"h-{n}")
        at.shop.take(told(f"m-{n}", kind))
        assert codes(at) == ["wms.stopped"]
        at.shop.release("ord-1", "fraud", key=f"r-{n}")
        at.shop.tick()
        assert codes(at) == []


# -- files of lines ----------------------------------------------------------------------------------------------------


def test_a_warehouse_system_of_files_keeps_what_it_cannot_read(tmp_path: Path) -> None:
    wms = JsonLinesWms(tmp_path)
    at = up_to("allocated", wms={"ghent": wms})
    at.shop.pick_list(FULFILLMENT)
    at.shop.deliver()
    assert json.loads((tmp_path / "out.jsonl").read_text())["pick"]["rows"][0]["units"] == 2
    line = {"id": "m-1", "kind": "picked", "node": "ghent", "fulfillment": FULFILLMENT}
    rows = [{"item": "SKU-1", "units": 2}]
    inbox = tmp_path / "in.jsonl"
    inbox.write_text("{\n" + json.dumps(line | {"rows": rows}) + "\n" + '{"id": "m-2"', encoding="utf-8")
    assert at.shop.fetch_messages() == {"taken": 1, "failed": 0}
    assert at.shop.order("ord-1").totals.picked == 2
    assert json.loads((tmp_path / "bad.jsonl").read_text())["line"] == "{"
    again = evolve_shop(at, JsonLinesWms(tmp_path))
    assert again == {"taken": 1, "failed": 0}
    assert at.shop.order("ord-1").totals.picked == 2


def evolve_shop(at: Walk, wms: JsonLinesWms) -> dict[str, int]:
    """Another process over the same books reads the files from the beginning."""
    wiring = at.shop._wiring
    at.shop._wiring = evolve(wiring, wms={"ghent": wms})
    return dict(at.shop.fetch_messages())


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ([], "a message must be an object"),
        ({"kind": "picked", "node": "ghent"}, "lacks its field 'id'"),
        ({"id": "m", "kind": "stolen", "node": "ghent"}, "kind must be one of"),
        ({"id": "m", "kind": "picked", "node": "ghent"}, "fulfillment must be a non-empty string"),
        ({"id": "m", "kind": "picked", "node": "ghent", "fulfillment": "f", "rows": {}}, "rows must be a list"),
        (
            {"id": "m", "kind": "picked", "node": "ghent", "fulfillment": "f", "rows": [{"item": "A"}]},
            "a row lacks its field 'units'",
        ),
        (
            {"id": "m", "kind": "picked", "node": "ghent", "fulfillment": "f", "rows": [{"item": "A", "units": 1.5}]},
            "units of 'A' must be a whole number",
        ),
        ({"id": "m", "kind": "counted", "node": "ghent", "at": "noon"}, "at must be a time"),
        ({"id": "m", "kind": "counted", "node": "ghent", "at": "2026-03-02T09:00:00"}, "at"),
    ],
)
def test_a_message_that_cannot_be_read_names_its_field(wrong: Any, says: str) -> None:
    with pytest.raises(InvalidValue, match=says):
        message_of(wrong)


def test_a_warehouse_system_that_is_down_or_talks_rubbish_stops_nobody() -> None:
    class Down(MemoryWms):
        def messages(self) -> Any:
            raise TimeoutError

    rubbish = MemoryWms()
    rubbish.to_tell = [{"id": "m"}, told("m-1", "picked")]  # type: ignore[list-item]
    seen: list[tuple[str, Any]] = []

    class Eyes:
        def saw(self, what: str, facts: Any) -> None:
            seen.append((what, facts.get("error")))

    nodes = oms.Network([oms.Node("antwerp"), oms.Node("ghent")])
    at = up_to("allocated", network=nodes, wms={"antwerp": Down(), "ghent": rubbish}, observer=Eyes())
    assert at.shop.fetch_messages() == {"taken": 1, "failed": 2}
    assert ("wms_failed", "TimeoutError") in seen
    assert ("wms_failed", "InvalidValue") in seen
    assert isinstance(at.shop, oms.Oms)
