"""Ids are the host's: whatever stands in them, what belongs to one is never taken for another's."""

from typing import Any

import pytest
from attrs import evolve

import omscore as oms
from omscore.adapters import MemoryStore, TableCarrier
from omscore.batching import Limits, Scan
from omscore.inventory import Cell, Ledger, Want
from omscore.kernel.ids import alone, joined
from omscore.orders import Draft
from omscore.payments import Posting
from omscore.ports import Effect, PaymentAnswer, PaymentRequest, WmsMessage, WmsRow
from omscore.testing.walkthrough import MONDAY
from tests.app.gateways import Till

ODD = [
    ("ord 1", "node one", "sku 1", "my post"),
    ("ord/1", "n/1", "s/1", "c/1"),
    ("ord:1", "n:1", "s:1", "c:1"),
    ("é☃", "gänt", "ü☃", "pöst"),
    ("a'b\"c", "x'y", "<b>&", "q%s{}"),
    ("o" * 200, "n" * 255, "s" * 255, "c" * 255),
    ("-", "-", "-", "-"),
]


def shop(nodes: list[str], carriers: list[str], **more: Any) -> oms.Oms:
    return oms.Oms(
        store=MemoryStore(oms.ManualClock(MONDAY)),
        network=oms.Network([oms.Node(node, country="BE") for node in nodes]),
        carriers=[TableCarrier.flat(name, cost_minor=495, currency="EUR") for name in carriers],
        **more,
    )


def wish(number: str, sku: str, channel: str = "web") -> Draft:
    lines = [oms.DraftLine("1", sku, 1, oms.Money(100, "EUR"))]
    return Draft(channel, number, "EUR", lines, MONDAY, ship_to=oms.Address("BE"), payment="paid")


@pytest.mark.parametrize(("order", "node", "sku", "carrier"), ODD)
def test_an_order_goes_the_whole_way_whatever_stands_in_its_ids(order: str, node: str, sku: str, carrier: str) -> None:
    host = shop([node], [carrier])
    host.receive(node, {sku: 5}, key="dock")
    host.capture("web", wish("1", sku), key="c", id=order)
    host.route()
    (given,) = host.fulfillments(order)
    (batch,) = host.plan_batches(node, Limits(orders_max=3)).batches
    assert sku in str(host.pick_list(batch.id))
    assert host.pick_page(batch.id).startswith("<!doctype html>")
    assert host.scan(batch.id, Scan("s-1", sku))[0].verdict == "right"
    host.pack(given.id, key="p")
    sent = host.ship(given.id, key="s")
    assert host.deliver() == {"done": 1, "retried": 0, "parked": 0}
    assert host.manifest(node, carrier, key="m").shipments == (sent.id,)
    host.track(sent.id, "delivered", key="t")
    back = host.open_return(order, {"1": 1}, key="r")
    host.receive_return(back.id, key="rr")
    assert host.order(order).totals.returned == 1
    assert host.exceptions() == []


def test_an_id_that_leaves_no_room_for_those_that_begin_with_it_is_refused_before_anything_happens() -> None:
    host = shop(["ghent"], ["post"])
    with pytest.raises(oms.InvalidValue, match="at most 200 characters, not 201: the ids of its fulfillments"):
        host.capture("web", wish("1", "A"), key="c", id="o" * 201)
    assert host.orders("accepted") == []


@pytest.mark.parametrize(
    ("nodes", "carriers"), [(("eu", "eu-west"), ("west-post", "post")), (("eu", "eu:west"), ("west:post", "post"))]
)
def test_the_manifests_of_two_nodes_never_mix_however_they_and_their_carriers_are_called(
    nodes: tuple[str, str], carriers: tuple[str, str]
) -> None:
    host = shop(list(nodes), list(carriers))
    for number, (node, carrier) in enumerate(zip(nodes, carriers, strict=True)):
        host.receive(node, {f"SKU-{number}": 1}, key=f"dock {number}")
        host.capture("web", wish(str(number), f"SKU-{number}"), key=f"c {number}", id=f"ord-{number}")
        host.route()
        host.ship(f"ord-{number}-f1", carrier=carrier, key=f"s {number}")
    host.deliver()
    made = [host.manifest(node, carrier, key=f"m {node}") for node, carrier in zip(nodes, carriers, strict=True)]
    assert [list(one.shipments) for one in made] == [["ord-0-f1-s1"], ["ord-1-f1-s1"]]
    assert [host.manifests(*pair)[0].id for pair in zip(nodes, carriers, strict=True)] == [one.id for one in made]


def test_the_same_number_under_another_channel_is_another_order_wherever_the_slash_stands() -> None:
    host = shop(["ghent"], ["post"])
    one = host.capture("web", wish("2026/1001", "A"), key="a")
    other = host.capture("web/2026", wish("1001", "A", "web/2026"), key="b")
    assert one.id != other.id


def test_who_waits_for_an_item_with_a_space_is_not_taken_for_another_who_waits() -> None:
    ledger = Ledger.in_memory(lambda: MONDAY)
    ledger.reserve("ord", [Want("1 MUG", 3)], key="a", policy="backorder")
    ledger.reserve("ord 1", [Want("MUG", 2)], key="b", policy="backorder")
    assert [(line.reservation, line.units) for line in ledger.backorders("1 MUG")] == [("ord", 3)]
    assert [(line.reservation, line.units) for line in ledger.backorders("MUG")] == [("ord 1", 2)]
    ledger.receive({Cell("MUG", "ghent"): 2, Cell("1 MUG", "ghent"): 3}, key="dock")
    assert (ledger.backorders("MUG"), ledger.backorders("1 MUG")) == ((), ())


class Web:
    """A channel, notifier and ERP in one, that remembers the id of all it is told."""

    name = "web"

    def __init__(self) -> None:
        self.ids: list[str] = []

    def draft(self, payload: Any) -> Draft:
        assert isinstance(payload, Draft)
        return payload

    def tell(self, effect: Effect) -> None:
        self.ids.append(effect.id)

    notify = tell

    def post(self, posting: Posting) -> None:
        self.ids.append(posting.id)


def told_apart(web: Web, first: str, other: str) -> oms.Oms:
    """Two orders, of one unit each, at a node; what was told until now is forgotten."""
    host = shop(["ghent"], [], channels=[web], notifier=web, erp=web, costs={"A": oms.Money(60, "EUR")})
    host.receive("ghent", {"A": 2}, key="dock")
    for order in (first, other):
        host.capture("web", wish(order, "A"), key=f"c {order}", id=order)
    host.route()
    host.deliver()
    web.ids.clear()
    return host


def test_the_cancellations_of_two_orders_are_both_told_wherever_the_colon_stands() -> None:
    web = Web()
    host = told_apart(web, "2026", "2026:1")
    host.cancel("2026", key="1:void")
    host.cancel("2026:1", key="void")
    host.deliver()
    assert web.ids == ["2026:1:void:channel.cancelled", ' ["2026:1","void"]:channel.cancelled']


def test_the_short_picks_of_two_orders_are_both_told_and_written_off() -> None:
    web = Web()
    host = told_apart(web, "ord", "ord-f1:b")
    host.short_pick("ord-f1", {"A": 1}, key="b-f1:gone")
    host.short_pick("ord-f1:b-f1", {"A": 1}, key="gone")
    host.deliver()
    assert len([id_ for id_ in web.ids if id_.endswith("notify.short")]) == 2
    assert len([id_ for id_ in web.ids if id_.endswith("-loss-EUR")]) == 2


@pytest.mark.parametrize("key", ["b-f1-s1", "b-f1-s1:k"])
def test_what_was_sent_and_what_was_lost_of_two_orders_is_told_to_the_books_each(key: str) -> None:
    web = Web()
    host = told_apart(web, "ord", "ord-f1-s1:b")
    host.ship("ord-f1", key="s-1")
    host.ship("ord-f1-s1:b-f1", key="s-2")
    host.give_up("ord-f1-s1", reship=False, key=key)
    host.give_up("ord-f1-s1:b-f1-s1", reship=False, key="k")
    host.deliver()
    assert len([id_ for id_ in web.ids if id_.endswith("-cost-EUR")]) == 4
    assert len([id_ for id_ in web.ids if id_.endswith("-loss-EUR")]) == 2


def test_what_came_back_of_two_orders_is_told_to_the_books_each() -> None:
    web = Web()
    host = told_apart(web, "ord", "ord-r1:b")
    for order in ("ord", "ord-r1:b"):
        host.ship(f"{order}-f1", key=f"s {order}")
        host.track(f"{order}-f1-s1", "delivered", key=f"d {order}")
        host.open_return(order, {"1": 1}, key=f"r {order}")
    host.receive_return("ord-r1", key="b-r1:k", disposition="scrap")
    host.receive_return("ord-r1:b-r1", key="k", disposition="scrap")
    host.deliver()
    assert len([id_ for id_ in web.ids if id_.endswith("-cost-EUR")]) == 4
    assert len([id_ for id_ in web.ids if id_.endswith("-loss-EUR")]) == 2


@pytest.mark.parametrize("key", ["b-authorize-1", "b-authorize-1:k"])
def test_a_bank_is_asked_again_for_each_of_two_orders(key: str) -> None:
    class Shut(Till):
        def authorize(self, request: PaymentRequest) -> PaymentAnswer:
            if self.down:
                raise oms.CarrierRejected("no bank today")
            return super().authorize(request)

    till = Shut()
    till.down = 1
    host = shop(["ghent"], [], channels=[Web()], gateway=till)
    for order in ("ord", "ord-authorize-1:b"):
        host.capture("web", evolve(wish(order, "A"), payment="pending"), key=f"c {order}", id=order)
    assert host.deliver()["parked"] == 2
    till.down = 0
    host.ask_again("ord", "ord-authorize-1", key=key)
    host.ask_again("ord-authorize-1:b", "ord-authorize-1:b-authorize-1", key="k")
    assert host.deliver()["done"] == 2


def test_what_the_warehouse_systems_of_two_nodes_tell_stands_in_the_open_for_each() -> None:
    host = shop(["g", "g:m"], [])
    for node, message, item in (("g", "m:1", "A"), ("g:m", "1", "A"), ("g", "n:1", "A"), ("g", "n", "1:A")):
        kind = "picked" if message in ("m:1", "1") else "counted"
        host.take(WmsMessage(message, kind, node, "unheard", [WmsRow(item, 1)]))
    assert len(host.exceptions()) == 4


def test_two_ids_make_one_that_no_other_two_make_and_none_alone() -> None:
    words = ["a", "b", "a b", "b a", "a b a", 'a"', '["a', '["a b","b"]', "b]", '["a b"]']
    made = {joined(first, second, " ") for first in words for second in words} | {alone(one, " ") for one in words}
    assert len(made) == len(words) ** 2 + len(words)
