"""What must be true of every packing, checked from the outside: cell by cell and pair by pair, with no packer code."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations, permutations

from omscore.batching import Carton, PackedCarton, Packing, PackingRule, PackLine, Placed


def _overlap(a_low: int, a_size: int, b_low: int, b_size: int) -> int:
    return max(min(a_low + a_size, b_low + b_size) - max(a_low, b_low), 0)


def _shared_base(a: Placed, b: Placed) -> int:
    return _overlap(a.at[0], a.size[0], b.at[0], b.size[0]) * _overlap(a.at[1], a.size[1], b.at[1], b.size[1])


def check(
    packing: Packing,
    lines: Iterable[PackLine],
    cartons: Sequence[Carton],
    rules: Sequence[PackingRule],
    support_percent: int = 75,
) -> None:
    """Raises AssertionError for anything that is not as it must be."""
    by_line = {line.line: line for line in lines}
    packed = Counter(piece.line for parcel in packing.parcels for piece in parcel.pieces)
    refused = Counter({refused.line: refused.units for refused in packing.refused})
    assert packed + refused == Counter({line.line: line.units for line in by_line.values()})
    assert len(packing.parcels) >= packing.parcels_min
    for parcel in packing.parcels:
        _check_parcel(parcel, by_line, {carton.id: carton for carton in cartons}, rules, support_percent)


def _check_parcel(
    parcel: PackedCarton,
    lines: dict[str, PackLine],
    cartons: dict[str, Carton],
    rules: Sequence[PackingRule],
    support_percent: int,
) -> None:
    def rules_of(piece: Placed) -> list[PackingRule]:
        line = lines[piece.line]
        return [rule for rule in rules if rule.tag in line.item.tags | line.tags]

    weight = sum(
        lines[piece.line].item.weight_grams + sum(rule.padding_grams for rule in rules_of(piece))
        for piece in parcel.pieces
    )
    room = (parcel.inner.length_mm, parcel.inner.width_mm, parcel.inner.height_mm)
    if parcel.carton == "own box":
        assert len(parcel.pieces) == 1
        assert any(rule.own_box for rule in rules_of(parcel.pieces[0]))
        assert parcel.weight_grams == weight
    else:
        carton = cartons[parcel.carton]
        assert parcel.inner == carton.inner
        assert weight <= carton.weight_max
        assert parcel.weight_grams == weight + carton.tare_grams
        assert not any(rule.own_box for piece in parcel.pieces for rule in rules_of(piece))

    apart = {tuple(rule.tag for rule in rules_of(piece) if rule.apart) for piece in parcel.pieces}
    assert len(apart) == 1, "hazardous goods share a parcel only with their like"

    for piece in parcel.pieces:
        item = lines[piece.line].item
        assert piece.item == item.sku
        pad = 2 * sum(rule.padding_mm for rule in rules_of(piece))
        assert item.dimensions is not None
        grown = [n + pad for n in (item.dimensions.length_mm, item.dimensions.width_mm, item.dimensions.height_mm)]
        upright = any(rule.upright for rule in rules_of(piece))
        turned = [turn for turn in permutations(grown) if not upright or turn[2] == grown[2]]
        assert piece.size in turned
        for low, side, limit in zip(piece.at, piece.size, room, strict=True):
            assert low >= 0
            assert low + side <= limit, "inside the carton"
        if piece.at[2]:
            rests_on = sum(
                _shared_base(piece, other) for other in parcel.pieces if other.at[2] + other.size[2] == piece.at[2]
            )
            assert rests_on * 100 >= piece.size[0] * piece.size[1] * support_percent, "rests on enough"

    for one, other in combinations(parcel.pieces, 2):
        below, above = sorted((one, other), key=lambda piece: piece.at[2])
        if _shared_base(one, other):
            assert above.at[2] >= below.at[2] + below.size[2], "no two pieces in one place"
            for rule in rules_of(below):
                assert rule.bears != "none", "nothing lies above what bears nothing"
                assert rule.bears != "same" or rule in rules_of(above), "only its like lies above"

    steps = [piece.at[2] for piece in parcel.pieces]
    assert steps == sorted(steps), "listed in the order in which they go in"
    taken = sum(piece.size[0] * piece.size[1] * piece.size[2] for piece in parcel.pieces)
    assert parcel.void_mm3 == room[0] * room[1] * room[2] - taken
