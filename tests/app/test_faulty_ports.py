"""Ports answer late, twice, never or with rubbish: the order stays whole, and what keeps failing ends in the open."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from omscore.adapters import MemoryWms
from omscore.errors import CarrierUnavailable, Reason
from omscore.orders import Hold, Order
from omscore.ports import Effect, Label, LabelRequest, PaymentAnswer, PaymentRequest, Rate
from omscore.testing.walkthrough import draft, up_to
from tests.app.carriers import Truck
from tests.app.gateways import Books, Till

FAULTS = ("fine", "raises", "rubbish", "lost", "busy")


class Faults:
    """What goes wrong with each call of a port, in turn; after the last, nothing does any more."""

    def __init__(self, script: Sequence[str]) -> None:
        self.script: Iterator[str] = iter(script)

    def strike(self, answer: Any) -> Any:
        match next(self.script, "fine"):
            case "raises":
                raise TimeoutError
            case "busy":
                raise CarrierUnavailable("busy", retry_after_s=90)
            case "rubbish":
                return {"status": "ok"}
            case "lost":
                # It was done, and the answer got lost on the way: it will be asked again.
                raise ConnectionError
        return answer


class ShakyTruck(Truck):
    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults

    def rates(self, request: LabelRequest) -> Sequence[Rate]:
        found: Sequence[Rate] = self.faults.strike(super().rates(request))
        return found

    def label(self, request: LabelRequest) -> Label:
        made: Label = self.faults.strike(super().label(request))
        return made


class ShakyTill(Till):
    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults

    def _answer(self, kind: str, request: PaymentRequest) -> PaymentAnswer:
        answer: PaymentAnswer = self.faults.strike(super()._answer(kind, request))
        return answer


class ShakyDesk:
    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.told: list[str] = []

    def notify(self, effect: Effect) -> None:
        if effect.id not in self.told:
            self.told.append(effect.id)
        self.faults.strike(None)


class ShakyBooks(Books):
    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults

    def post(self, posting: Any) -> None:
        super().post(posting)
        self.faults.strike(None)


class ShakyWms(MemoryWms):
    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults

    def pick(self, pick_list: Any) -> None:
        super().pick(pick_list)
        self.faults.strike(None)


class Eyes:
    def __init__(self) -> None:
        self.told: list[str] = []

    def saw(self, what: str, facts: Mapping[str, Any]) -> None:
        self.told.append(what)


scripts = st.lists(st.sampled_from(FAULTS), max_size=5)


def end(each: Sequence[Sequence[str]]) -> Any:
    """What is left of an order that went through five ports, each with its own faults."""
    truck, till, mail, erp, floor = (
        ShakyTruck(Faults(each[0])),
        ShakyTill(Faults(each[1])),
        ShakyDesk(Faults(each[2])),
        ShakyBooks(Faults(each[3])),
        ShakyWms(Faults(each[4])),
    )
    eyes = Eyes()
    at = up_to(
        "accepted",
        payment="pending",
        carriers=(truck,),
        gateway=till,
        notifier=mail,
        erp=erp,
        wms={"ghent": floor},
        observer=eyes,
    )
    shop = at.shop

    def settle() -> int:
        retried = 0
        for _ in range(9):
            retried += shop.deliver()["retried"]
            at.clock.advance(minutes=31)
        return retried

    retried = settle()
    shop.route()
    shop.pick_list("ord-1-f1")
    shipment = shop.ship("ord-1-f1", key="s-1")
    retried += settle()
    assert shop.deliver() == {"done": 0, "retried": 0, "parked": 0}
    assert eyes.told.count("effect_put_off") == retried
    payment = shop.payment("ord-1")
    return (
        shop.order("ord-1").units,
        shop.shipment(shipment.id).tracking,
        truck.labels,
        (payment.captured, payment.status),
        till.asked,
        sorted(mail.told),
        sorted(erp),
        sorted(floor.lists),
        [incident.kind for incident in shop.exceptions() if incident.kind == "effect_parked"],
    )


@cache
def sound() -> Any:
    return end([()] * 5)


@given(st.tuples(*[scripts] * 5))
def test_a_life_through_shaky_ports_ends_as_one_through_sound_ones(faults: tuple[list[str], ...]) -> None:
    assert end(faults) == sound()


@given(st.sampled_from(["raises", "rubbish", "lost", "busy"]))
def test_what_never_answers_ends_as_an_exception_and_the_rest_goes_on(fault: str) -> None:
    eyes = Eyes()
    truck = ShakyTruck(Faults([fault] * 100))
    at = up_to("shipped", carriers=(truck,), notifier=ShakyDesk(Faults([])), observer=eyes)
    shop = at.shop
    for _ in range(12):
        shop.deliver()
        at.clock.advance(minutes=31)
    (parked,) = [incident for incident in shop.exceptions() if incident.kind == "effect_parked"]
    assert (parked.context["topic"], parked.context["attempts"]) == ("carrier.label", 8)
    assert "relabel:ord-1-f1-s1" in parked.actions
    assert eyes.told.count("effect_put_off") == 7
    assert eyes.told.count("effect_parked") == 1
    assert shop.order("ord-1").totals.shipped == 2
    assert {notice.notice for notice in shop.notices("ord-1") if notice.sent_at} >= {"confirmed", "paid", "routed"}
    truck.faults = Faults([])
    shop.relabel("ord-1-f1-s1", why="the carrier is back", key="again-1")
    shop.deliver()
    assert shop.shipment("ord-1-f1-s1").status == "labeled"


def test_time_goes_on_for_everybody_when_a_host_s_own_guard_fails_for_one_order() -> None:
    seen: list[Any] = []

    class Eyes:
        def saw(self, what: str, facts: Mapping[str, Any]) -> None:
            if what == "tick_failed":
                seen.append(dict(facts))

    def guard(order: Order, verb: str, units: Mapping[str, int]) -> Sequence[Reason]:
        if order.id == "ord-1" and verb == "cancel":
            raise ZeroDivisionError
        return ()

    at = up_to("accepted", stock=9, guards=[guard], observer=Eyes())
    at.shop.capture("web", draft("2"), key="c-2", id="ord-2")
    for id_ in ("ord-1", "ord-2"):
        at.shop.hold(id_, Hold("late", until=at.clock.now() + timedelta(hours=1), on_expiry="cancel"), key=f"h-{id_}")
    at.clock.advance(hours=2)
    assert at.shop.tick()["cancelled"] == 1
    assert (at.shop.order("ord-1").state, at.shop.order("ord-2").state) == ("accepted", "cancelled")
    assert seen == [{"step": "hold", "id": "ord-1", "error": "ZeroDivisionError"}]
    assert "hold_overdue" in [incident.kind for incident in at.shop.exceptions("ord-1")]
