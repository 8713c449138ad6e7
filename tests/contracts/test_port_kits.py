"""Our own adapters keep the rules of the ports; ones broken on purpose are caught by exactly the rule that says so."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from omscore.adapters import JsonChannel, JsonLinesWms, MemoryWms, TableCarrier
from omscore.batching import Carton, Packing, PackLine, choose_cartons
from omscore.kernel import Address
from omscore.orders import Draft, Risk
from omscore.ports import (
    Effect,
    Label,
    LabelRequest,
    ManifestAnswer,
    ManifestRequest,
    PaymentAnswer,
    PaymentRequest,
    Rate,
    Voided,
    VoidRequest,
    WmsMessage,
)
from omscore.shipping import TrackingFact
from omscore.testing.port_kits import (
    CarrierKit,
    ChannelKit,
    ErpKit,
    GatewayKit,
    NotifierKit,
    PackerKit,
    ScorerKit,
    VerifierKit,
    WmsKit,
)
from omscore.testing.ports import PORT_RULES, Probe, attempt_port, port_table, rules_of
from tests.app.carriers import Truck
from tests.app.gateways import Books, Till

ORDER = {
    "external_id": "1001",
    "currency": "EUR",
    "placed_at": "2026-03-02T09:30:00+01:00",
    "ship_to": {"country": "BE", "postcode": "9000"},
    "lines": [{"item": "SKU-1", "units": 2, "unit_price": "19.99"}],
}


class Postman:
    def problems(self, address: Address) -> Sequence[str]:
        return [] if address.city else ["no city"]


class Watch:
    def score(self, draft: Draft) -> Risk:
        return Risk(20 * draft.units, [("units", 20 * draft.units, str(draft.units))])


class Desk:
    def __init__(self) -> None:
        self.sent: set[str] = set()

    def notify(self, effect: Effect) -> None:
        self.sent.add(effect.id)


class Shelf(JsonChannel):
    def __init__(self) -> None:
        super().__init__("web")
        self.count = 0

    def tell(self, effect: Effect) -> None:
        super().tell(effect)
        self.count = len(self.told)


# -- ours --------------------------------------------------------------------------------------------------------------


class TestTableCarrier(CarrierKit):
    def make(self) -> Probe:
        return Probe(TableCarrier.flat("post", cost_minor=495, currency="EUR"))


class TestTruck(CarrierKit):
    def make(self) -> Probe:
        return Probe(Truck())


class TestJsonChannel(ChannelKit):
    def make(self) -> Probe:
        shelf = Shelf()
        return Probe(shelf, payload=ORDER, seen=lambda: shelf.count)


class TestTill(GatewayKit):
    def make(self) -> Probe:
        till = Till()
        return Probe(till, seen=lambda: sum(till.asked.values()))


class TestMemoryWms(WmsKit):
    def make(self) -> Probe:
        wms = MemoryWms()
        return Probe(wms, seen=lambda: len(wms.lists))


class TestJsonLinesWms(WmsKit):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.path = tmp_path

    def make(self) -> Probe:
        out = self.path / "out.jsonl"
        # Its reader drops a list whose id it has.
        return Probe(
            JsonLinesWms(self.path), seen=lambda: len(set(out.read_text().splitlines())) if out.exists() else 0
        )


class TestBooks(ErpKit):
    def make(self) -> Probe:
        books = Books()
        return Probe(books, seen=lambda: len(books))


class TestDesk(NotifierKit):
    def make(self) -> Probe:
        desk = Desk()
        return Probe(desk, seen=lambda: len(desk.sent))


class TestPostman(VerifierKit):
    def make(self) -> Probe:
        return Probe(Postman())


class TestWatch(ScorerKit):
    def make(self) -> Probe:
        return Probe(Watch())


# -- broken ones -------------------------------------------------------------------------------------------------------


class OthersRates(Truck):
    def rates(self, request: LabelRequest) -> list[Rate]:
        return [evolve(rate, carrier="dash") for rate in super().rates(request)]


class Wavering(Truck):
    asked = 0

    def rates(self, request: LabelRequest) -> list[Rate]:
        self.asked += 1
        return [evolve(rate, days=self.asked) for rate in super().rates(request)]


class Forgetful(Truck):
    made = 0

    def label(self, request: LabelRequest) -> Label:
        self.made += 1
        found = super().label(request)
        return evolve(found, tracking=tuple(f"{number}-{self.made}" for number in found.tracking))


class OneNumber(Truck):
    def label(self, request: LabelRequest) -> Label:
        found = super().label(request)
        return evolve(found, tracking=found.tracking[:1])


class Reusing(Truck):
    def label(self, request: LabelRequest) -> Label:
        found = super().label(request)
        return evolve(found, tracking=tuple(f"T{n}" for n, _ in enumerate(found.tracking)))


class Willing(Truck):
    def label(self, request: LabelRequest) -> Label:
        return super().label(request if request.service in self.services else evolve(request, service="standard"))


class VoidsTwice(Truck):
    def void(self, request: VoidRequest) -> Voided:
        done = request.tracking not in self.voided
        super().void(request)
        return Voided(done)


class ManyLists(Truck):
    closed = 0

    def manifest(self, request: ManifestRequest) -> ManifestAnswer:
        self.closed += 1
        return ManifestAnswer(request.id, f"list-{self.closed}")


class Gossip(Truck):
    def track(self, tracking: Sequence[str]) -> list[TrackingFact]:
        return [TrackingFact("other", "delivered")]


class OtherName(Shelf):
    @property
    def name(self) -> str:
        return "shop"


class Changing(Shelf):
    def draft(self, payload: Any) -> Any:
        found = super().draft(payload)
        payload["lines"].append("read")
        payload["lines"].pop(0)
        payload["lines"].insert(0, {"item": "SKU-2", "units": 1, "unit_price": "1.00"})
        return found


class KeyErrors(Shelf):
    def draft(self, payload: Any) -> Any:
        payload["currency"]
        return super().draft(payload)


class KeyErrorsInside(Shelf):
    def draft(self, payload: Any) -> Any:
        if isinstance(payload, dict) and payload:
            payload["ship_to"]
        return super().draft(payload)


class TellsAll(Shelf):
    def tell(self, effect: Effect) -> None:
        self.count += 1


class NewAnswers(Till):
    calls = 0

    def _again(self, answer: PaymentAnswer) -> PaymentAnswer:
        self.calls += 1
        return evolve(answer, reference=f"{answer.reference}:{self.calls}")


class AuthorizesTwice(NewAnswers):
    def authorize(self, request: PaymentRequest) -> PaymentAnswer:
        return self._again(super().authorize(request))


class CapturesTwice(NewAnswers):
    def capture(self, request: PaymentRequest) -> PaymentAnswer:
        return self._again(super().capture(request))


class TakesTwice(Till):
    def capture(self, request: PaymentRequest) -> PaymentAnswer:
        self.asked[f"{request.id}:{len(self.asked)}"] = request.amount.minor
        return PaymentAnswer(True, f"bank:{request.id}")


class RefundsTwice(NewAnswers):
    def refund(self, request: PaymentRequest) -> PaymentAnswer:
        return self._again(super().refund(request))


class OnePart(Till):
    def capture(self, request: PaymentRequest) -> PaymentAnswer:
        parts = {id_ for id_ in self.asked if id_.startswith("kit-part")} - {request.id}
        return PaymentAnswer(False, text="captured already") if parts else super().capture(request)


class ManyPickLists(MemoryWms):
    def pick(self, pick_list: Any) -> None:
        self.lists[f"{pick_list.id}:{len(self.lists)}"] = pick_list


class InOrderOnly(MemoryWms):
    def change(self, fulfillment: str, units: Any, version: int) -> None:
        if version < self.asked.get(fulfillment, (0, {}))[0]:
            raise ValueError("out of order")
        super().change(fulfillment, units, version)


class OneIdForAll(MemoryWms):
    def messages(self) -> Sequence[WmsMessage]:
        return [WmsMessage("m", "counted", "ghent"), WmsMessage("m", "counted", "liege")]


class Doubling(list[Any]):
    def post(self, posting: Any) -> None:
        self.append(posting)


class Strict(Desk):
    def notify(self, effect: Effect) -> None:
        if effect.id in self.sent:
            raise ValueError("sent already")
        super().notify(effect)


class Shouting:
    def __init__(self) -> None:
        self.shouts = 0

    def notify(self, effect: Effect) -> None:
        self.shouts += 1


class Codes:
    def problems(self, address: Address) -> Sequence[Any]:
        return [404]


class CountsItself(Watch):
    asked = 0

    def score(self, draft: Draft) -> Risk:
        self.asked += 1
        return Risk(self.asked)


def carrier(port: Any) -> Probe:
    return Probe(port)


def channel(port: Any) -> Probe:
    return Probe(port, payload=ORDER, seen=lambda: port.count)


def gateway(port: Any) -> Probe:
    return Probe(port, seen=lambda: sum(n for id_, n in port.asked.items() if "kit-c" in id_))


def _lists(wms: MemoryWms) -> Probe:
    return Probe(wms, seen=lambda: len(wms.lists))


def _doubling() -> Probe:
    books = Doubling()
    return Probe(books, seen=lambda: len(books))


def _notices(desk: Desk) -> Probe:
    return Probe(desk, seen=lambda: len(desk.sent))


def _shouting() -> Probe:
    desk = Shouting()
    return Probe(desk, seen=lambda: desk.shouts)


def loses_one(lines: Iterable[PackLine], cartons: Iterable[Carton], /) -> Packing:
    made = choose_cartons(lines, cartons)
    first = made.parcels[0]
    return evolve(made, parcels=(evolve(first, pieces=first.pieces[1:]), *made.parcels[1:]))


def overloads(lines: Iterable[PackLine], cartons: Iterable[Carton], /) -> Packing:
    return choose_cartons(lines, [evolve(carton, weight_max=10_000) for carton in cartons])


def piles_up(lines: Iterable[PackLine], cartons: Iterable[Carton], /) -> Packing:
    made = choose_cartons(lines, cartons)
    return evolve(
        made,
        parcels=tuple(
            evolve(parcel, pieces=tuple(evolve(piece, at=(0, 0, 0)) for piece in parcel.pieces))
            for parcel in made.parcels
        ),
    )


def stops_at_the_first_misfit(lines: Iterable[PackLine], cartons: Iterable[Carton], /) -> Packing:
    made = choose_cartons(lines, cartons)
    if made.refused:
        raise ValueError(made.refused[0].reason.text)
    return made


def as_it_comes(lines: Iterable[PackLine], cartons: Iterable[Carton], /) -> Packing:
    """A parcel for each line, in the order in which they come."""
    each = [choose_cartons([line], cartons) for line in lines]
    return Packing(tuple(p for one in each for p in one.parcels), tuple(r for one in each for r in one.refused))


class TestOurPacker(PackerKit):
    def make(self) -> Probe:
        return Probe(choose_cartons)


BROKEN: list[tuple[str, Callable[[], Probe]]] = [
    ("P-CARRIER-1", lambda: carrier(OthersRates())),
    ("P-CARRIER-2", lambda: carrier(Wavering())),
    ("P-CARRIER-3", lambda: carrier(Forgetful())),
    ("P-CARRIER-4", lambda: carrier(OneNumber())),
    ("P-CARRIER-5", lambda: carrier(Reusing())),
    ("P-CARRIER-6", lambda: carrier(Willing())),
    ("P-CARRIER-7", lambda: carrier(VoidsTwice())),
    ("P-CARRIER-8", lambda: carrier(ManyLists())),
    ("P-CARRIER-9", lambda: carrier(Gossip())),
    ("P-CHANNEL-1", lambda: channel(OtherName())),
    ("P-CHANNEL-2", lambda: channel(Changing())),
    ("P-CHANNEL-3", lambda: channel(KeyErrors())),
    ("P-CHANNEL-4", lambda: channel(KeyErrorsInside())),
    ("P-CHANNEL-5", lambda: channel(TellsAll())),
    ("P-GATEWAY-1", lambda: gateway(AuthorizesTwice())),
    ("P-GATEWAY-2", lambda: gateway(CapturesTwice())),
    ("P-GATEWAY-3", lambda: gateway(TakesTwice())),
    ("P-GATEWAY-4", lambda: gateway(RefundsTwice())),
    ("P-GATEWAY-5", lambda: gateway(OnePart())),
    ("P-WMS-1", lambda: _lists(ManyPickLists())),
    ("P-WMS-2", lambda: _lists(InOrderOnly())),
    ("P-WMS-3", lambda: _lists(OneIdForAll())),
    ("P-ERP-1", _doubling),
    ("P-NOTIFIER-1", lambda: _notices(Strict())),
    ("P-NOTIFIER-2", _shouting),
    ("P-VERIFIER-1", lambda: Probe(Codes())),
    ("P-SCORER-1", lambda: Probe(CountsItself())),
    ("P-PACKER-1", lambda: Probe(loses_one)),
    ("P-PACKER-2", lambda: Probe(overloads)),
    ("P-PACKER-3", lambda: Probe(piles_up)),
    ("P-PACKER-4", lambda: Probe(stops_at_the_first_misfit)),
    ("P-PACKER-5", lambda: Probe(as_it_comes)),
]


@pytest.mark.parametrize(("rule", "make"), BROKEN, ids=[rule for rule, _ in BROKEN])
def test_an_adapter_that_breaks_a_rule_is_caught_by_it(rule: str, make: Callable[[], Probe]) -> None:
    caught = {one.id for one in rules_of(PORT_RULES[rule].port) if attempt_port(one, make()).state == "broken"}
    assert rule in caught
    # What else it breaks follows from the same mistake.
    assert caught <= ALLOWED.get(rule, set()) | {rule}


ALLOWED = {
    "P-CARRIER-3": {"P-CARRIER-5"},
    "P-CHANNEL-3": {"P-CHANNEL-4"},
    "P-GATEWAY-1": {"P-GATEWAY-5"},
    "P-GATEWAY-2": {"P-GATEWAY-4"},
    "P-NOTIFIER-1": {"P-NOTIFIER-2"},
}


def test_every_rule_has_an_adapter_that_breaks_it_and_stands_in_the_table() -> None:
    assert [rule for rule, _ in BROKEN] == list(PORT_RULES)
    assert all(f"`{rule}`" in port_table() for rule in PORT_RULES)


def test_a_rule_that_cannot_be_tried_is_skipped_with_what_it_lacks() -> None:
    verdict = attempt_port(PORT_RULES["P-GATEWAY-3"], Probe(Till()))
    assert (verdict.state, verdict.why) == ("skipped", "it does not have seen: how often something took effect")
    assert attempt_port(PORT_RULES["P-CHANNEL-1"], Probe(JsonChannel("web"))).state == "skipped"
