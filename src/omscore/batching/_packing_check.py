"""What is wrong with a packing, whoever made it: checked from the outside, against what was to be packed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

from omscore.batching._cartons import Carton, PackedCarton, Packing, PackLine, Placed
from omscore.batching._packer import OWN_BOX
from omscore.errors import Reason
from omscore.kernel import Item


def packing_faults(packing: Packing, lines: Iterable[PackLine], cartons: Iterable[Carton]) -> list[Reason]:
    """What cannot be in a packing; nothing when it is sound. A host tries a packer of its own with it.

    Each unit is in one parcel or refused (`packing.units`); parcels are cartons there are, or one piece in its own box
    (`packing.no_carton`); none holds more than its carton may or weighs less than what is in it (`packing.weight`); no
    piece is smaller than its item (`packing.size`), sticks out (`packing.sticks_out`) or lies where another is
    (`packing.overlap`).

    >>> from omscore.batching import choose_cartons
    >>> from omscore.kernel import Dimensions
    >>> lines = [PackLine("1", Item("MUG", dimensions=Dimensions(90, 90, 100)), 2)]
    >>> boxes = [Carton("S", Dimensions(200, 100, 100), weight_max=5_000)]
    >>> packing_faults(choose_cartons(lines, boxes), lines, boxes)
    []
    >>> print(packing_faults(Packing(()), lines, boxes)[0])
    0 of 2 units of line 1 are in a parcel or refused (packing.units)
    """
    asked = list(lines)
    faults = list(_units(packing, asked))
    items = {line.line: line.item for line in asked}
    known = {carton.id: carton for carton in cartons}
    for number, parcel in enumerate(packing.parcels, 1):
        faults += _weight(f"parcel {number} ({parcel.carton})", parcel, known, items)
        faults += _places(f"parcel {number} ({parcel.carton})", parcel, known, items)
    return faults


def _units(packing: Packing, lines: Iterable[PackLine]) -> Iterator[Reason]:
    held = Counter({refused.line: 0 for refused in packing.refused})
    for parcel in packing.parcels:
        held.update(parcel.contents)
    for refused in packing.refused:
        held[refused.line] += refused.units
    asked: Counter[str] = Counter()
    for line in lines:
        asked[line.line] += line.units
    for name in {**asked, **held}:
        if held[name] != asked[name]:
            text = f"{held[name]} of {asked[name]} units of line {name} are in a parcel or refused"
            yield Reason("packing.units", text, {"line": name, "packed": held[name], "asked": asked[name]})


def _weight(
    where: str, parcel: PackedCarton, known: Mapping[str, Carton], items: Mapping[str, Item]
) -> Iterator[Reason]:
    carton = known.get(parcel.carton)
    own_box = parcel.carton == OWN_BOX and len(parcel.pieces) == 1
    if carton is None and not own_box:
        text = f"{where} is none of the cartons ({', '.join(sorted(known))}), nor one piece in its {OWN_BOX}"
        yield Reason("packing.no_carton", text, {"carton": parcel.carton})
    goods = sum(items[piece.line].weight_grams for piece in parcel.pieces if piece.line in items)
    if parcel.weight_grams < goods:
        text = f"{where} weighs {parcel.weight_grams} g, less than the {goods} g of what is in it"
        yield Reason("packing.weight", text, {"carton": parcel.carton, "weight_grams": parcel.weight_grams})
    most = None if carton is None else carton.weight_max + carton.tare_grams
    if most is not None and parcel.weight_grams > most:
        text = f"{where} weighs {parcel.weight_grams} g, more than the {most} g it may with the carton"
        yield Reason("packing.weight", text, {"carton": parcel.carton, "weight_grams": parcel.weight_grams})


def _places(
    where: str, parcel: PackedCarton, known: Mapping[str, Carton], items: Mapping[str, Item]
) -> Iterator[Reason]:
    inner = known[parcel.carton].inner if parcel.carton in known else parcel.inner
    room = (inner.length_mm, inner.width_mm, inner.height_mm)
    for piece in parcel.pieces:
        named = f"{where}: a piece of {piece.item!r} at {piece.at}"
        facts = {"carton": parcel.carton, "item": piece.item, "at": piece.at, "size": piece.size}
        real = items[piece.line].dimensions if piece.line in items else None
        least = sorted((real.length_mm, real.width_mm, real.height_mm)) if real else [0, 0, 0]
        if any(a < b for a, b in zip(sorted(piece.size), least, strict=True)):
            yield Reason("packing.size", f"{named} is {piece.size} mm, smaller than the item", facts)
        if any(low < 0 or low + side > most for low, side, most in zip(piece.at, piece.size, room, strict=True)):
            yield Reason("packing.sticks_out", f"{named}, {piece.size} mm, is not inside {room} mm", facts)
    for one, other in combinations(parcel.pieces, 2):
        if _overlap(one, other):
            text = f"{where}: pieces of {one.item!r} at {one.at} and of {other.item!r} at {other.at} overlap"
            yield Reason("packing.overlap", text, {"carton": parcel.carton, "at": (one.at, other.at)})


def _overlap(one: Placed, other: Placed) -> bool:
    return all(
        a < b + b_side and b < a + a_side
        for a, a_side, b, b_side in zip(one.at, one.size, other.at, other.size, strict=True)
    )
