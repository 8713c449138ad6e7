"""Parcels by a host's own packer: held to what a carrier is told, and never in the way of goods that leave."""

from typing import Any

import pytest
from attrs import evolve

import omscore as oms
from omscore.batching import Carton, Packing, PackLine, choose_cartons
from omscore.kernel import Dimensions, Item
from omscore.testing.walkthrough import Walk, up_to

BOXES = [Carton("S", Dimensions(200, 100, 100), 5_000), Carton("L", Dimensions(400, 400, 400), 9_000)]
MUG = Item("SKU-1", weight_grams=300, dimensions=Dimensions(90, 90, 100))


def packed(packer: Any, **parts: Any) -> Walk:
    return up_to("packed", catalog={"SKU-1": MUG}, cartons=BOXES, packer=packer, **parts)


def largest(lines: Any, cartons: Any, /) -> Packing:
    return choose_cartons(lines, [cartons[-1]])


def loses_one(lines: Any, cartons: Any, /) -> Packing:
    return choose_cartons([PackLine(line.line, line.item, line.units - 1) for line in lines], cartons)


def own_carton(lines: Any, cartons: Any, /) -> Packing:
    return choose_cartons(lines, [evolve(cartons[-1], id="XXL")])


def too_light(lines: Any, cartons: Any, /) -> Packing:
    made = choose_cartons(lines, cartons)
    return evolve(made, parcels=tuple(evolve(parcel, weight_grams=1) for parcel in made.parcels))


def no_places(lines: Any, cartons: Any, /) -> Packing:
    made = choose_cartons(lines, cartons)
    return evolve(
        made,
        parcels=tuple(
            evolve(parcel, pieces=tuple(evolve(piece, at=(0, 0, 0)) for piece in parcel.pieces))
            for parcel in made.parcels
        ),
    )


def out_of_order(_lines: Any, _cartons: Any, /) -> Packing:
    raise TimeoutError("the packer's machine does not answer")


def test_a_host_packs_with_a_packer_of_its_own() -> None:
    at = packed(largest)
    assert [parcel.carton for parcel in at.shop.propose_parcels("ord-1-f1").parcels] == ["L"]
    assert [parcel.length_mm for parcel in at.shop.ship("ord-1-f1", key="s").packed] == [400]


@pytest.mark.parametrize(
    ("packer", "why"),
    [
        (loses_one, "1 of 2 units of line 1 are in a parcel or refused"),
        (own_carton, "parcel 1 \\(XXL\\) is none of the cartons \\(L, S\\), nor one piece in its own box"),
        (too_light, "weighs 1 g, less than the 600 g of what is in it"),
        (lambda _lines, _cartons: ["S"], "the packer answered with a list; a packer returns a Packing"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_by_what_is_wrong_with_it(packer: Any, why: str) -> None:
    with pytest.raises(oms.InvalidValue, match=why):
        packed(packer).shop.propose_parcels("ord-1-f1")


def test_a_packer_need_not_say_where_pieces_lie() -> None:
    assert [parcel.carton for parcel in packed(no_places).shop.propose_parcels("ord-1-f1").parcels] == ["S"]


@pytest.mark.parametrize("packer", [out_of_order, loses_one])
def test_goods_leave_by_weight_when_the_packer_fails(packer: Any) -> None:
    seen = Seen()
    at = packed(packer, observer=seen)
    shipment = at.shop.ship("ord-1-f1", key="s")
    assert (shipment.packed, shipment.weight_grams) == ((), 600)
    assert at.shop.ship("ord-1-f1", key="s") == shipment
    assert "packer_failed" in seen.told


def test_others_work_while_a_packer_thinks() -> None:
    at: list[Walk] = []

    def asks(lines: Any, cartons: Any, /) -> Packing:
        if at:
            at[0].shop.receive("ghent", {"SKU-1": 1}, key="lorry")
        return largest(lines, cartons)

    at.append(packed(asks))
    assert len(at[0].shop.ship("ord-1-f1", key="s").packed) == 1
    assert at[0].shop.ship("ord-1-f1", key="s").packed


class Seen:
    def __init__(self) -> None:
        self.told: list[str] = []

    def saw(self, what: str, _facts: Any, /) -> None:
        self.told.append(what)
