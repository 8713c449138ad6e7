"""Whatever is packed: nothing overlaps, nothing sticks out, everything rests on something, and the rules are kept."""

from unittest import mock

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.batching.carton_check import check

from omscore.batching import PACKING_RULES, Carton, PackLine, choose_cartons
from omscore.kernel import Dimensions, Item

TAGS = [rule.tag for rule in PACKING_RULES]
SIDES = st.integers(5, 220)


@st.composite
def pack_lines(draw: st.DrawFn) -> list[PackLine]:
    found = []
    for n in range(draw(st.integers(1, 7))):
        size = Dimensions(draw(SIDES), draw(SIDES), draw(SIDES))
        tags = frozenset(draw(st.lists(st.sampled_from(TAGS), max_size=2)))
        item = Item(f"I{n}", dimensions=size, weight_grams=draw(st.integers(0, 4_000)), tags=tags)
        found.append(PackLine(str(n), item, draw(st.integers(1, 5))))
    return found


def cartons() -> st.SearchStrategy[list[Carton]]:
    size = st.builds(Dimensions, st.integers(60, 400), st.integers(60, 400), st.integers(60, 400))
    one = st.builds(Carton, st.just("c"), size, st.integers(500, 20_000), st.integers(0, 300))
    return st.lists(one, min_size=1, max_size=4).map(
        lambda found: [Carton(f"c{n}", c.inner, c.weight_max, c.tare_grams) for n, c in enumerate(found)]
    )


@given(pack_lines(), cartons(), st.sampled_from([60, 75, 100]))
@settings(max_examples=100)
def test_every_packing_could_be_built(lines: list[PackLine], boxes: list[Carton], support: int) -> None:
    made = choose_cartons(lines, boxes, support_percent=support, tries=8)
    check(made, lines, boxes, PACKING_RULES, support)


@given(st.integers(2, 9), st.data())
@settings(max_examples=40)
def test_equal_boxes_fill_a_carton_made_for_them(per_side: int, data: st.DataObject) -> None:
    a, b, c = (data.draw(st.integers(10, 60)) for _ in range(3))
    nx, ny, nz = (data.draw(st.integers(1, per_side)) for _ in range(3))
    carton = Carton("c", Dimensions(nx * a, ny * b, nz * c), weight_max=10**6)
    lines = [PackLine("1", Item("I", dimensions=Dimensions(b, c, a)), nx * ny * nz)]
    made = choose_cartons(lines, [carton])
    check(made, lines, [carton], PACKING_RULES)
    assert len(made.parcels) == 1
    assert made.void_mm3 == 0


@given(pack_lines(), cartons())
@settings(max_examples=30)
def test_a_carton_more_never_makes_more_parcels_of_what_went_into_one(
    lines: list[PackLine], boxes: list[Carton]
) -> None:
    before = choose_cartons(lines, boxes, tries=8)
    if len(before.parcels) == 1 and not before.refused:
        large = Carton("larger", Dimensions(500, 500, 500), weight_max=50_000)
        after = choose_cartons(lines, [*boxes, large], tries=8)
        assert after.parcels == before.parcels


@st.composite
def cut_boxes(draw: st.DrawFn, pieces: int) -> tuple[tuple[int, int, int], list[tuple[int, int, int]]]:
    """A box, and the pieces it falls into when it is sawn through again and again, each turned somehow."""
    whole = (draw(st.integers(20, 400)), draw(st.integers(20, 400)), draw(st.integers(20, 400)))
    found = [whole]
    while len(found) < pieces:
        box = list(found.pop(draw(st.integers(0, len(found) - 1))))
        axis = draw(st.sampled_from([axis for axis in range(3) if box[axis] > 1] or [0]))
        if box[axis] < 2:
            return whole, [(box[0], box[1], box[2]), *found]
        here = draw(st.integers(1, box[axis] - 1))
        for side in (here, box[axis] - here):
            box[axis] = side
            found.append((box[0], box[1], box[2]))
    return whole, [(s[0], s[1], s[2]) for s in (draw(st.permutations(piece)) for piece in found)]


@given(st.integers(1, 3).flatmap(cut_boxes))
def test_a_box_sawn_in_up_to_three_is_put_together_again(
    sawn: tuple[tuple[int, int, int], list[tuple[int, int, int]]],
) -> None:
    whole, pieces = sawn
    carton = Carton("c", Dimensions(*whole), weight_max=1_000)
    lines = [PackLine(str(n), Item(f"I{n}", dimensions=Dimensions(*piece))) for n, piece in enumerate(pieces)]
    made = choose_cartons(lines, [carton])
    check(made, lines, [carton], PACKING_RULES)
    assert len(made.parcels) == 1
    assert made.void_mm3 == 0


@given(pack_lines(), cartons())
@settings(max_examples=30)
def test_sets_of_cartons_only_ever_improve_on_filling_one_after_the_other(
    lines: list[PackLine], boxes: list[Carton]
) -> None:
    plain = [PackLine(line.line, evolve(line.item, tags=frozenset()), line.units) for line in lines]
    good = [line for line in plain if not choose_cartons([line], boxes, tries=1).refused]
    if good:
        made = choose_cartons(good, boxes, tries=8)
        with mock.patch("omscore.batching._packer._SET_SIZE_MAX", 0):
            greedy = choose_cartons(good, boxes, tries=8)
        cost, plain_cost = ((len(p.parcels), sum(b.inner.volume_mm3 for b in p.parcels)) for p in (made, greedy))
        assert cost <= plain_cost
