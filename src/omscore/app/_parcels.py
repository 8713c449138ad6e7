"""Parcels: which cartons a fulfillment fits into, by the packing rules."""

from __future__ import annotations

from collections.abc import Sequence

from omscore.app._wiring import Wiring
from omscore.app._work import Work
from omscore.batching import Packing, PackLine, choose_cartons, packing_faults
from omscore.errors import DefinitionError, InvalidValue
from omscore.kernel.given import shown
from omscore.orders import Fulfillment
from omscore.shipping import Parcel, parcels_of

_HELD_TO = ("packing.units", "packing.no_carton", "packing.weight")
"""What a carrier is told of a parcel must be right; where pieces lie is the packer's own word."""


def to_pack(work: Work, fulfillment_id: str) -> list[PackLine]:
    """A fulfillment's units as a packer is given them; raises NotFound."""
    fulfillment: Fulfillment = work.load("fulfillment", fulfillment_id)
    draft = work.order(fulfillment.order).draft
    packaging = work.wiring.profile(draft.channel).packaging
    return [
        PackLine(line.line, work.item(line.item), line.units, draft.line(line.line).tags | {packaging})
        for line in fulfillment.lines
    ]


def are_parcels(parcels: Sequence[Parcel]) -> None:
    """Raise InvalidValue for what is no list of parcels."""
    several = isinstance(parcels, Sequence) and not isinstance(parcels, str)
    if not several or not all(isinstance(parcel, Parcel) for parcel in parcels):
        raise InvalidValue(f"parcels are a list such as [Parcel('p-1', weight_grams=900)], not {shown(parcels)}")
    ids = [parcel.id for parcel in parcels]
    if twice := [id_ for id_ in ids if ids.count(id_) > 1]:
        raise InvalidValue(f"two parcels have the id {twice[0]!r}; give each its own")


def propose(wiring: Wiring, lines: Sequence[PackLine]) -> Packing:
    """The fewest and smallest cartons for the lines, outside of any transaction: a host's packer may ask a machine."""
    if not wiring.cartons:
        raise DefinitionError("no cartons are known; give Oms(cartons=[Carton(...), ...])")
    if wiring.packer is None:
        return choose_cartons(lines, wiring.cartons, rules=wiring.packing_rules)
    answer: object = wiring.packer(lines, wiring.cartons)
    if not isinstance(answer, Packing):
        raise InvalidValue(f"the packer answered with a {type(answer).__name__}; a packer returns a Packing")
    faults = [str(fault) for fault in packing_faults(answer, lines, wiring.cartons) if fault.code in _HELD_TO]
    if faults:
        raise InvalidValue(f"the packer's answer cannot be: {'; '.join(faults)}")
    return answer


def for_shipping(wiring: Wiring, lines: Sequence[PackLine], fulfillment_id: str) -> Sequence[Parcel]:
    """The proposed parcels; none where nothing is proposed or something fits no carton, which a person must see."""
    if not wiring.cartons:
        return ()
    packing = propose(wiring, lines)
    return () if packing.refused else parcels_of(packing, fulfillment_id)
