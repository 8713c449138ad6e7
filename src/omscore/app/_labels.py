"""Labels and manifests: rates are shopped and carriers asked outside of transactions, answers written down inside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from attrs import evolve, frozen

from omscore.app._floor import tell_shipped
from omscore.app._return import expect_back
from omscore.app._track import find, mismatch, sent_back_id
from omscore.app._wiring import Wiring
from omscore.app._work import Work
from omscore.errors import CarrierError, CarrierRejected, CommandRefused, Reason
from omscore.kernel import Money
from omscore.kernel.ids import joined
from omscore.orders import Fulfillment
from omscore.ports import (
    Effect,
    Label,
    LabelRequest,
    ListsPickups,
    ManifestAnswer,
    ManifestRequest,
    Rate,
    Store,
    Transaction,
    Voided,
    VoidRequest,
    VoidsLabels,
)
from omscore.shipping import (
    MANIFEST_STATES,
    Choice,
    LabelGivenBack,
    LabelMade,
    Manifest,
    Parcel,
    Preference,
    Shipment,
    Shopped,
    VoidAnswered,
    shop_rates,
)

Settle = Callable[[Work], None]
CARRIER_SERVICE = "carrier_service"


# -- rates -------------------------------------------------------------------------------------------------------------


@frozen
class Chosen:
    """The offer taken for a label, why each other one was not, and the preference that decided, if one did."""

    rate: Rate
    refused: tuple[Reason, ...]
    preference: str = ""


def offers(wiring: Wiring, request: LabelRequest) -> tuple[list[Rate], list[Reason]]:
    """What every carrier offers, and which ones gave no answer; raises the first failure when nobody answers."""
    found: list[Rate] = []
    silent: list[Reason] = []
    failure: Exception | None = None
    for name in sorted(wiring.carriers):
        try:
            found += _checked_rates(name, wiring.carriers[name].rates(request))
        except Exception as failed:  # noqa: BLE001 - one host's carrier that is down must not stop the others
            failure = failure or failed
            silent.append(Reason("rate.no_answer", f"{name} gave no rates ({type(failed).__name__})"))
    if failure is not None and not found:
        raise failure
    return found, silent


def _checked_rates(name: str, rates: Sequence[Rate]) -> list[Rate]:
    for rate in rates:
        if not (
            isinstance(rate, Rate)
            and rate.carrier == name
            and isinstance(rate.service, str)
            and isinstance(rate.cost, Money)
            and rate.cost.minor >= 0
            and type(rate.days) is int
            and rate.days >= 0
        ):
            raise CarrierError(f"{name} must answer with its own rates, each with a service, a cost and whole days")
    return list(rates)


def shop(
    wiring: Wiring,
    request: LabelRequest,
    *,
    now: datetime,
    deliver_by: datetime | None,
    carriers: Collection[str] | None = None,
    services: Collection[str] | None = None,
) -> Shopped:
    """The cheapest offer that is there in time, of some carriers and services only where they are named."""
    check_carriers(wiring, carriers or ())
    found, _ = offers(wiring, request)
    return shop_rates(found, now=now, deliver_by=deliver_by, carriers=carriers, services=services)


def check_carriers(wiring: Wiring, names: Collection[str]) -> None:
    """Raise CommandRefused for a carrier that is not wired: another one is never taken silently."""
    if unknown := sorted(set(names) - set(wiring.carriers)):
        there = ", ".join(sorted(wiring.carriers)) or "none"
        raise CommandRefused(
            [Reason("rate.no_carrier", f"no carrier {name!r} is wired; there is {there}") for name in unknown]
        )


def pick_offer(
    found: Sequence[Rate],
    service: str,
    only_carrier: str,
    now: datetime,
    deliver_by: datetime | None,
    liked: Sequence[Preference],
) -> tuple[Shopped, str, tuple[Reason, ...]] | None:
    """The cheapest offer of a service that is there in time, or the one that an accepted preference names.

    Where none can be in time any more, the fastest is taken rather than none. None when nobody offers the service.
    """
    if only_carrier:
        found = [offer for offer in found if offer.carrier == only_carrier]
    for preference in () if only_carrier else liked:
        mine = [offer for offer in found if f"{offer.carrier} {offer.service}" == preference.chosen]
        try:
            return shop_rates(mine, now=now, deliver_by=deliver_by), preference.id, ()
        except CommandRefused:
            continue
    fitting = [offer for offer in found if offer.service == service]
    if not fitting:
        return None
    try:
        return shop_rates(fitting, now=now, deliver_by=deliver_by), "", ()
    except CommandRefused as late:
        fastest = min(offer.days for offer in fitting)
        return shop_rates([offer for offer in fitting if offer.days == fastest], now=now), "", late.reasons


def choose(
    wiring: Wiring, shipment: Shipment, request: LabelRequest, *, now: datetime, liked: Sequence[Preference] = ()
) -> Chosen:
    """The offer that a shipment's label is made from; raises CarrierRejected when nobody offers its service."""
    found, silent = offers(wiring, request)
    picked = pick_offer(found, request.service, shipment.only_carrier, now, shipment.promised_at, liked)
    if picked is None and silent:
        raise CarrierError(f"{'; '.join(reason.text for reason in silent)}, and no other offers {request.service!r}")
    if picked is None:
        only = f"carrier {shipment.only_carrier!r} does not offer" if shipment.only_carrier else "no carrier offers"
        raise CarrierRejected(
            f"{only} {request.service!r} for shipment {shipment.id}; choose another service or add a carrier"
        )
    shopped, preference, late = picked
    rate = Rate(shopped.chosen.carrier, shopped.chosen.service, shopped.chosen.cost, shopped.chosen.days)
    refused = (*(reason for _, reason in shopped.refused), *late, *silent)
    return Chosen(rate, refused, preference)


def situation(request: LabelRequest) -> dict[str, str]:
    """What the choice of a carrier may depend on: where it goes, and the service that the order asks for."""
    return {"country": request.destination.country if request.destination else "", "service": request.service}


def asked(
    work: Work, fulfillment_id: str, parcels: Sequence[Parcel]
) -> tuple[LabelRequest, datetime, datetime | None, list[Preference]]:
    """What carriers are asked about a fulfillment, by when it is promised, and what is preferred for it."""
    fulfillment: Fulfillment = work.load("fulfillment", fulfillment_id)
    order = work.order(fulfillment.order)
    weight = sum(work.item(line.item).weight_grams * line.units for line in fulfillment.lines)
    packed = tuple(parcels) or (Parcel(f"{fulfillment_id}-1", weight),)
    request = LabelRequest(f"{fulfillment_id}-s1", fulfillment.node, order.destination, fulfillment.service, packed)
    liked = preferred(work, situation(request))
    return request, work.now, order.draft.deliver_by, liked


def proposal(
    store: Store,
    wiring: Wiring,
    fulfillment_id: str,
    parcels: Sequence[Parcel],
    carrier: str,
    service: str,
    why: str,
) -> Choice | None:
    """A person's choice beside what would have been proposed; None when no carrier could be asked.

    Raises CommandRefused for a carrier or a service of which there is no offer.
    """
    check_carriers(wiring, [carrier] if carrier else [])
    request, now, deliver_by, liked = store.run(
        lambda txn: asked(Work(txn, wiring, ""), fulfillment_id, parcels), write=False
    )
    try:
        found, _ = offers(wiring, request)
    except Exception:  # noqa: BLE001 - whatever a host's carriers raise, the goods may leave; the label is asked for later
        return None
    services = {service or request.service}
    mine = shop_rates(found, now=now, carriers={carrier} if carrier else None, services=services).chosen
    ours = pick_offer(found, request.service, "", now, deliver_by, liked)
    proposed = "" if ours is None else f"{ours[0].chosen.carrier} {ours[0].chosen.service}"
    return Choice(CARRIER_SERVICE, situation(request), proposed, f"{mine.carrier} {mine.service}", request.id, now, why)


# -- labels ------------------------------------------------------------------------------------------------------------


def ask_label(store: Store, wiring: Wiring, effect: Effect) -> Settle | None:
    """Have a label made for a shipment, unless it has one or the one asked for is no longer wanted."""

    def read(txn: Transaction) -> tuple[Shipment, LabelRequest, datetime, list[Preference]]:
        work = Work(txn, wiring, effect.id)
        shipment: Shipment = work.load("shipment", effect.payload["shipment"])
        to = work.order(shipment.order).destination
        request = LabelRequest(shipment.request, shipment.node, to, shipment.service, parcels_in(shipment))
        return shipment, request, work.now, preferred(work, situation(request))

    shipment, request, now, liked = store.run(read, write=False)
    if shipment.tracking or effect.payload.get("request", shipment.id) != shipment.request:
        return None
    chosen = choose(wiring, shipment, request, now=now, liked=liked)
    request = evolve(request, service=chosen.rate.service)
    label = _checked_label(wiring.carriers[chosen.rate.carrier].label(request), request, chosen.rate.carrier)
    return lambda work: _labeled(work, shipment.id, label, chosen)


def parcels_in(shipment: Shipment) -> tuple[Parcel, ...]:
    """The parcels of a shipment: as they were packed, or its weight shared out evenly where nobody said."""
    each = -(-shipment.weight_grams // shipment.parcels)
    return shipment.packed or tuple(Parcel(f"{shipment.id}-{i}", each) for i in range(1, shipment.parcels + 1))


def _checked_label(label: object, request: LabelRequest, carrier: str) -> Label:
    if not isinstance(label, Label):
        raise CarrierError(f"{carrier} answered {request.id} with a {type(label).__name__}, not a Label")
    numbers = label.tracking
    if len(numbers) != len(request.parcels) or len(set(numbers)) != len(numbers) or not all(numbers):
        raise CarrierError(
            f"{carrier} answered {request.id} with {len(set(numbers))} tracking numbers for "
            f"{len(request.parcels)} parcels; each parcel has one of its own"
        )
    return label


def _labeled(work: Work, shipment_id: str, label: Label, chosen: Chosen) -> None:
    shipment: Shipment = work.load("shipment", shipment_id)
    if shipment.request != label.id or shipment.tracking:
        # It was given back while the carrier was making it: the late label goes back as well.
        late = evolve(shipment, voided=tuple(dict.fromkeys((*shipment.voided, *label.tracking))))
        work.save_shipment(late)
        _ask_void(work, late, label.id, label.carrier, label.tracking)
        return
    for number in label.tracking:
        for _, other in work.txn.find("shipment", f"tracking:{number}", limit=1):
            text = f"{label.carrier} gave {number} to {shipment_id}, and it is a parcel of {other} already"
            mismatch(work, f"{number}:taken:{shipment_id}", label.carrier, "label.number_taken", shipment.order, text)
    labeled = evolve(shipment, carrier=label.carrier, tracking=label.tracking, cost=label.cost)
    work.save_shipment(labeled.told("labeled", work.now) if labeled.status == "created" else labeled)
    tell_shipped(work, work.order(shipment.order), labeled)
    made = LabelMade(
        shipment_id,
        label.id,
        label.carrier,
        label.service,
        label.tracking,
        label.cost,
        work.now,
        chosen.refused,
        chosen.preference,
    )
    work.txn.append("shipment", shipment_id, [made], cause=work.cause)


def give_back(work: Work, name: str, *, again: bool, service: str, carrier: str, why: str) -> str:
    """A label is not wanted: another one is asked for, or the parcels stay and come back into stock as a return."""
    shipment = find(work, name)
    check_carriers(work.wiring, [carrier] if carrier else [])
    back = shipment.given_back("relabel" if again else "cancel", work.now)
    if shipment.manifest:
        text = f"{shipment.id} stands on manifest {shipment.manifest}; the carrier has its list already"
        raise CommandRefused([Reason("label.on_manifest", text, {"manifest": shipment.manifest})])
    if shipment.tracking and not isinstance(work.wiring.carriers.get(shipment.carrier), VoidsLabels):
        known = not shipment.carrier or shipment.carrier in work.wiring.carriers
        why = "takes no labels back" if known else "is not wired any more"
        text = f"{shipment.carrier or 'the carrier'} {why}; {shipment.id} keeps the label it has"
        raise CommandRefused([Reason("label.no_void", text, {"carrier": shipment.carrier})])
    if again:
        back = evolve(back, service=service or back.service, only_carrier=carrier or back.only_carrier)
    work.save_shipment(back)
    event = LabelGivenBack(
        shipment.id, shipment.request, shipment.carrier, shipment.tracking, work.now, again=again, why=why
    )
    work.txn.append("shipment", shipment.id, [event], cause=work.cause)
    if shipment.tracking:
        _ask_void(work, shipment, shipment.request, shipment.carrier, shipment.tracking)
    if again:
        ask_for_label(work, back)
        return shipment.id
    order = work.order(shipment.order)
    lines = {line: n for line, units in shipment.lines.items() if (n := min(units, order.units[line].shipped))}
    if lines:
        expect_back(work, order, lines, why or "not sent", shipment.node, sent_back_id(shipment))
    return shipment.id


def ask_for_label(work: Work, shipment: Shipment) -> None:
    """Put the wish for the shipment's present label into the outbox."""
    work.emit("carrier.label", shipment.request, shipment.order, shipment=shipment.id, request=shipment.request)


def _ask_void(work: Work, shipment: Shipment, request: str, carrier: str, tracking: tuple[str, ...]) -> None:
    if not isinstance(work.wiring.carriers.get(carrier), VoidsLabels):
        text = f"{carrier} made {', '.join(tracking)} for {shipment.id} too late, and takes no labels back"
        mismatch(work, f"{request}:orphan", carrier, "label.orphan", shipment.order, text)
        return
    facts = {"shipment": shipment.id, "request": request, "carrier": carrier, "tracking": list(tracking)}
    work.emit("carrier.void", request, shipment.order, **facts)


def ask_void(wiring: Wiring, effect: Effect) -> Settle | None:
    """Have a carrier take a label back."""
    facts = effect.payload
    carrier = wiring.carriers.get(facts["carrier"])
    if not isinstance(carrier, VoidsLabels):
        raise CarrierRejected(f"{facts['carrier']} takes no labels back, or is not wired any more")
    answer = carrier.void(VoidRequest(effect.id, facts["request"], tuple(facts["tracking"])))
    if not isinstance(answer, Voided):
        raise CarrierError(f"{facts['carrier']} answered a void with a {type(answer).__name__}, not a Voided")

    def settle(work: Work) -> None:
        shipment: Shipment = work.load("shipment", facts["shipment"])
        told = VoidAnswered(shipment.id, facts["request"], facts["carrier"], answer.done, work.now, answer.text)
        work.txn.append("shipment", shipment.id, [told], cause=effect.id)
        if not answer.done:
            text = f"{facts['carrier']} does not take back {', '.join(facts['tracking'])} of {shipment.id}"
            mismatch(work, f"{facts['request']}:kept", facts["carrier"], "label.void_refused", shipment.order, text)

    return settle


# -- manifests ---------------------------------------------------------------------------------------------------------


def manifest(work: Work, node: str, carrier: str) -> str:
    """List every label of a carrier at a node that is on no list yet, and have the carrier close the list."""
    check_carriers(work.wiring, [carrier])
    if not isinstance(work.wiring.carriers[carrier], ListsPickups):
        raise CommandRefused([Reason("manifest.none", f"{carrier} wants no manifest; hand the parcels over")])
    index = f"to_manifest:{joined(node, carrier, ':')}"
    shipments: list[Shipment] = list(work.all("shipment", index))
    if not shipments:
        text = f"no label of {carrier} at {node} waits for a manifest"
        raise CommandRefused([Reason("manifest.nothing", text, {"node": node, "carrier": carrier})])
    number = work.count("manifest", f"of:{joined(node, carrier, ':')}") + 1
    while work.find("manifest", f"{node}-{carrier}-m{number}") is not None:
        number += 1  # a node "eu" with a carrier "west-post" and a node "eu-west" with a "post" number together
    made = Manifest(
        f"{node}-{carrier}-m{number}",
        node,
        carrier,
        tuple(shipment.id for shipment in shipments),
        tuple(number for shipment in shipments for number in shipment.tracking),
        work.now,
    )
    for shipment in shipments:
        work.save_shipment(evolve(shipment, manifest=made.id))
    _save_manifest(work, made)
    work.emit("carrier.manifest", made.id, f"manifest:{joined(node, carrier, ':')}", manifest=made.id)
    return made.id


def _save_manifest(work: Work, made: Manifest) -> None:
    work.save("manifest", made.id, made, {f"of:{joined(made.node, made.carrier, ':')}": made.id})
    work.txn.append("manifest", made.id, [made], cause=work.cause)


def ask_manifest(store: Store, wiring: Wiring, effect: Effect) -> Settle | None:
    """Have a carrier close a manifest; when it refuses for good, its labels may go on another one."""

    def read(txn: Transaction) -> Manifest:
        found: Manifest = Work(txn, wiring, effect.id).load("manifest", effect.payload["manifest"])
        return found

    made = store.run(read, write=False)
    carrier = wiring.carriers.get(made.carrier)
    if made.state != "asked" or not isinstance(carrier, ListsPickups):
        return None
    answer = carrier.manifest(ManifestRequest(made.id, made.node, made.tracking))
    if not isinstance(answer, ManifestAnswer) or not answer.reference:
        raise CarrierError(f"{made.carrier} answered manifest {made.id} without a reference")
    closed = evolve(made, state=MANIFEST_STATES.next(made.state, "close", made.id), reference=answer.reference)
    return lambda work: _save_manifest(_known(work, made), closed)


def refuse_manifest(work: Work, effect: Effect, why: str) -> None:
    """A manifest will not be closed: write it down, and let its labels go on another one."""
    made: Manifest = work.load("manifest", effect.payload["manifest"])
    if made.state != "asked":
        return
    _save_manifest(work, evolve(made, state=MANIFEST_STATES.next(made.state, "refuse", made.id), text=why))
    for id_ in made.shipments:
        shipment: Shipment = work.load("shipment", id_)
        if shipment.manifest == made.id:
            work.save_shipment(evolve(shipment, manifest=""))


def _known(work: Work, made: Manifest) -> Work:
    work.load("manifest", made.id)
    return work


# -- what people prefer ------------------------------------------------------------------------------------------------


def preferred(work: Work, situation_: dict[str, str]) -> list[Preference]:
    """The accepted preferences for a situation, the latest first."""
    accepted: list[Preference] = list(work.all("preference", f"accepted:{CARRIER_SERVICE}"))
    return [one for one in reversed(accepted) if dict(one.situation) == situation_]
