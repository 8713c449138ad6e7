"""Cartons: the fewest and the smallest, and the rules of packing kept."""

import json

import pytest
from tests.batching.carton_check import check

from omscore.batching import (
    PACKING_RULES,
    Carton,
    CartonChooser,
    Packing,
    PackingRule,
    PackLine,
    choose_cartons,
    packing_rules,
)
from omscore.batching._stacking import Kind, _stands
from omscore.errors import DefinitionError, InvalidValue
from omscore.kernel import Dimensions, Item

SMALL = Carton("S", Dimensions(200, 150, 100), weight_max=5_000, tare_grams=80)
MEDIUM = Carton("M", Dimensions(300, 200, 150), weight_max=10_000, tare_grams=150)
LARGE = Carton("L", Dimensions(400, 300, 300), weight_max=20_000, tare_grams=300)
CARTONS = (SMALL, MEDIUM, LARGE)


def item(sku: str, size: tuple[int, int, int], *tags: str, grams: int = 100) -> Item:
    return Item(sku, dimensions=Dimensions(*size), weight_grams=grams, tags=frozenset(tags))


def packed(*lines: PackLine, cartons: tuple[Carton, ...] = CARTONS, **how: object) -> Packing:
    made = choose_cartons(lines, cartons, **how)  # type: ignore[arg-type]
    rules = how.get("rules", PACKING_RULES)
    check(made, lines, cartons, rules)  # type: ignore[arg-type]
    return made


def test_the_smallest_carton_that_holds_everything_is_taken() -> None:
    mug = item("MUG", (100, 75, 100))
    assert [p.carton for p in packed(PackLine("1", mug, 4)).parcels] == ["S"]
    assert [p.carton for p in packed(PackLine("1", mug, 5)).parcels] == ["M"]


def test_pieces_are_turned_in_all_six_ways_to_fit() -> None:
    tube = Carton("tube", Dimensions(100, 100, 900), weight_max=5_000)
    rod = item("ROD", (900, 100, 100))
    (parcel,) = packed(PackLine("1", rod), cartons=(tube,)).parcels
    assert parcel.pieces[0].size == (100, 100, 900)


def test_what_must_stay_upright_is_not_laid_down() -> None:
    bottle = item("OIL", (80, 80, 300), "this_side_up")
    made = packed(PackLine("1", bottle), cartons=CARTONS)
    assert [p.carton for p in made.parcels] == ["L"]
    assert made.parcels[0].notes == ("this side up",)
    assert [p.carton for p in packed(PackLine("1", item("OIL", (80, 80, 300)))).parcels] == ["M"]


def test_fragile_lies_on_top() -> None:
    glass, brick = item("GLASS", (100, 100, 100), "fragile"), item("BRICK", (200, 150, 50))
    carton = Carton("C", Dimensions(200, 150, 150), weight_max=9_000)
    (parcel,) = packed(PackLine("1", glass), PackLine("2", brick), cartons=(carton,)).parcels
    assert [piece.item for piece in parcel.pieces] == ["BRICK", "GLASS"]


def test_fragile_is_not_slid_under_what_it_cannot_bear() -> None:
    table = [((0, 0, 0, 50, 100, 100), 0, (50, 100, 100)), ((0, 0, 100, 90, 100, 150), 0, (90, 100, 50))]
    brick = Kind(((10, 10, 10),), 1, bears=frozenset({0, 1}))
    glass = Kind(((10, 10, 10),), 1, bears=frozenset({1}))
    under, beside = (60, 0, 0, 70, 10, 10), (90, 0, 0, 100, 10, 10)
    assert not _stands(table, [brick, glass], 1, under, (10, 10, 10), 75)
    assert _stands(table, [brick, glass], 0, under, (10, 10, 10), 75)
    assert _stands(table, [brick, glass], 1, beside, (10, 10, 10), 75)


def test_fragile_bears_its_like_but_a_rule_may_say_that_it_bears_nothing() -> None:
    glass = item("GLASS", (200, 150, 50), "fragile")
    assert len(packed(PackLine("1", glass, 2), cartons=(SMALL,)).parcels) == 1
    strict = (PackingRule("fragile", bears="none"),)
    assert len(packed(PackLine("1", glass, 2), cartons=(SMALL,), rules=strict).parcels) == 2


def test_hazardous_goods_travel_apart() -> None:
    acid, soap = item("ACID", (50, 50, 50), "hazardous"), item("SOAP", (50, 50, 50))
    made = packed(PackLine("1", acid), PackLine("2", soap))
    assert sorted((p.pieces[0].item, p.notes) for p in made.parcels) == [("ACID", ("hazardous goods",)), ("SOAP", ())]
    assert made.parcels_min == 2


def test_a_gift_of_this_order_is_wrapped_and_takes_more_room() -> None:
    book = item("BOOK", (200, 150, 100))
    assert [p.carton for p in packed(PackLine("1", book)).parcels] == ["S"]
    (parcel,) = packed(PackLine("1", book, tags={"gift"})).parcels
    assert (parcel.carton, parcel.weight_grams, parcel.notes) == ("M", 100 + 15 + 150, ("gift wrap",))


def test_what_ships_in_its_own_box_is_a_parcel_each() -> None:
    chair = item("CHAIR", (900, 600, 500), "own_box", grams=12_000)
    made = packed(PackLine("1", chair, 2), PackLine("2", item("MUG", (90, 90, 90))))
    assert [p.carton for p in made.parcels] == ["own box", "own box", "S"]
    assert made.parcels[0].void_mm3 == 0


def test_weight_limits_make_more_parcels() -> None:
    iron = item("IRON", (50, 50, 50), grams=4_000)
    made = packed(PackLine("1", iron, 6), cartons=(SMALL,))
    assert len(made.parcels) == made.parcels_min + 1 == 6
    made = packed(PackLine("1", iron, 6))
    assert [(p.carton, len(p.pieces)) for p in made.parcels] == [("L", 5), ("S", 1)]


def test_several_parcels_use_the_smallest_cartons_that_do() -> None:
    cube = item("CUBE", (100, 100, 100))
    made = packed(PackLine("1", cube, 38))
    assert [p.carton for p in made.parcels] == ["L", "S"]
    assert [len(p.pieces) for p in made.parcels] == [36, 2]
    assert made.parcels_min == 2


def test_units_of_two_lines_of_one_item_keep_their_lines() -> None:
    cube = item("CUBE", (100, 100, 100))
    made = packed(PackLine("b", cube, 3), PackLine("a", cube, 2))
    assert made.parcels[0].contents == {"a": 2, "b": 3}


def test_a_carrier_is_told_the_outer_size() -> None:
    thick = Carton("T", Dimensions(200, 150, 100), weight_max=5_000, outer=Dimensions(206, 156, 112))
    mug = item("MUG", (100, 75, 100))
    (parcel,) = packed(PackLine("1", mug, 2), cartons=(thick,)).parcels
    assert (parcel.size, parcel.items) == (thick.outer, {"MUG": 2})
    (parcel,) = packed(PackLine("1", mug, 2)).parcels
    assert parcel.size == SMALL.inner


def test_the_order_of_lines_and_cartons_changes_nothing() -> None:
    lines = [PackLine(str(n), item(f"I{n}", (40 + 10 * n, 60, 30 + 5 * n)), n) for n in range(1, 7)]
    lines += [PackLine(str(n), item(f"J{n}", (150, 100, 80)), 9) for n in (8, 7)]
    lines += [PackLine(str(n), item("K", (150, 100, 80)), 9) for n in (10, 9)]
    forward = packed(*lines)
    assert len(forward.parcels) > 1
    assert packed(*reversed(lines), cartons=tuple(reversed(CARTONS))) == forward


def test_bulk_is_packed_in_equal_parcels_quickly() -> None:
    made = packed(PackLine("1", item("CUBE", (100, 100, 100), grams=1), 2_000))
    assert {len(p.pieces) for p in made.parcels} <= {36, 20}
    assert len(made.parcels) == made.parcels_min == 56


def test_lines_that_fit_no_carton_are_refused_by_name_and_the_rest_is_packed() -> None:
    made = packed(
        PackLine("1", item("SOFA", (2000, 900, 800)), 2),
        PackLine("2", item("ANVIL", (100, 100, 100), grams=50_000)),
        PackLine("3", Item("GHOST")),
        PackLine("4", item("GRAIN", (1, 1, 1)), 10_001),
        PackLine("5", item("MUG", (90, 90, 90))),
    )
    assert {(r.item, r.units, r.reason.code) for r in made.refused} == {
        ("SOFA", 2, "packing.too_large"),
        ("ANVIL", 1, "packing.too_heavy"),
        ("GHOST", 1, "packing.no_dimensions"),
        ("GRAIN", 10_001, "packing.too_many_units"),
    }
    assert [p.contents for p in made.parcels] == [{"5": 1}]
    assert "refused: 2 of line 1: item 'SOFA' (2000 x 900 x 800 mm)" in str(made)


def test_nothing_to_pack_makes_no_parcel() -> None:
    assert choose_cartons([], CARTONS) == Packing(())


def test_a_packing_prints_and_is_plain_data() -> None:
    made = packed(PackLine("1", item("GLASS", (100, 75, 100), "fragile"), 3), PackLine("2", Item("GHOST")))
    assert str(made).splitlines()[:2] == ["1 parcel, 25.0 % empty", "S: 3 pieces, 380 g, 25.0 % empty (fragile)"]
    data = json.loads(json.dumps(made.to_dict()))
    assert data["parcels"][0]["contents"] == {"1": 3}
    assert data["refused"][0]["reason"]["code"] == "packing.no_dimensions"


def test_a_host_brings_its_own_packer_as_a_function() -> None:
    def everything_in_the_largest(lines: object, cartons: object, /) -> Packing:
        return choose_cartons(lines, list(cartons)[-1:])  # type: ignore[arg-type, call-overload]

    chooser: CartonChooser = everything_in_the_largest
    for one in (chooser, choose_cartons):
        made = one([PackLine("1", item("MUG", (90, 90, 90)))], CARTONS)
        assert len(made.parcels) == 1


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"cartons": ()}, "no cartons"),
        ({"cartons": (SMALL, SMALL)}, "two cartons have the id 'S'"),
        ({"support_percent": 40}, "support_percent"),
        ({"tries": 0}, "tries"),
    ],
)
def test_a_definition_that_cannot_work_is_refused(how: dict[str, object], words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        packed(PackLine("1", item("MUG", (90, 90, 90))), **how)  # type: ignore[arg-type]


def test_values_that_make_no_sense_are_refused_by_name() -> None:
    with pytest.raises(InvalidValue, match="weight_max of carton 'S'"):
        Carton("S", Dimensions(1, 1, 1), weight_max=0)
    with pytest.raises(InvalidValue, match="units of line '1'"):
        PackLine("1", Item("MUG"), 0)
    with pytest.raises(InvalidValue, match="'MUG' has two sizes or weights"):
        choose_cartons([PackLine("1", item("MUG", (9, 9, 9))), PackLine("2", item("MUG", (8, 9, 9)))], CARTONS)


def test_rules_round_trip_through_plain_data() -> None:
    rows = json.loads(json.dumps([rule.to_dict() for rule in PACKING_RULES]))
    assert packing_rules(rows) == PACKING_RULES


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"tag": "glass"}, {"tag": "x", "hue": 1}], r"packing_rules\[1\]: unknown field 'hue'"),
        ([{"bears": "all"}], r"packing_rules\[0\]: 'tag' is missing"),
        ([{"tag": ""}], r"packing_rules\[0\]: a packing rule's tag"),
        ([{"tag": "x", "bears": "some"}], r"bears='some' is not one of all, same, none"),
        ([{"tag": "x", "upright": 1}], "upright is true or false"),
        ([{"tag": "x", "padding_mm": -1}], "padding_mm must be a whole number"),
        ([{"tag": "x"}, {"tag": "x"}], "a second rule for tag 'x'"),
    ],
)
def test_wrong_rules_fail_where_they_are_wrong(rows: list[dict[str, object]], words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        packing_rules(rows)
