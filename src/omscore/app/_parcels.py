"""Parcels: which cartons a fulfillment fits into, by the packing rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from omscore.app._work import Work
from omscore.batching import Packing, PackLine, choose_cartons
from omscore.errors import DefinitionError, InvalidValue
from omscore.orders import Fulfillment
from omscore.shipping import Parcel, parcels_of


def propose(work: Work, fulfillment_id: str) -> Packing:
    """The fewest and smallest cartons for a fulfillment's units."""
    wiring = work.wiring
    if not wiring.cartons:
        raise DefinitionError("no cartons are known; give Oms(cartons=[Carton(...), ...])")
    fulfillment: Fulfillment = work.load("fulfillment", fulfillment_id)
    draft = work.order(fulfillment.order).draft
    packaging = wiring.profile(draft.channel).packaging
    lines = [
        PackLine(line.line, work.item(line.item), line.units, draft.line(line.line).tags | {packaging})
        for line in fulfillment.lines
    ]
    if wiring.packer is None:
        return choose_cartons(lines, wiring.cartons, rules=wiring.packing_rules)
    return _whole(wiring.packer(lines, wiring.cartons), lines)


def _whole(packing: Packing, lines: Sequence[PackLine]) -> Packing:
    """What a host's own packer says, checked: each unit is in one parcel or refused, and no parcel is overweight."""
    held: Counter[str] = Counter()
    for parcel in packing.parcels:
        held.update(parcel.contents)
    for refused in packing.refused:
        held[refused.line] += refused.units
    asked = {line.line: line.units for line in lines}
    if wrong := [
        f"{held[line]} of {asked.get(line, 0)} of line {line}"
        for line in {**asked, **held}
        if held[line] != asked.get(line, 0)
    ]:
        raise InvalidValue(f"the packer's answer has {', '.join(wrong)}; each unit goes into one parcel or is refused")
    return packing


def for_shipping(work: Work, fulfillment_id: str) -> Sequence[Parcel]:
    """The proposed parcels; none where nothing is proposed or something fits no carton, which a person must see."""
    if not work.wiring.cartons:
        return ()
    packing = propose(work, fulfillment_id)
    return () if packing.refused else parcels_of(packing, fulfillment_id)
