"""Track: what carriers tell of shipments, and what it means for the units inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from attrs import evolve

from omscore.app import _books, _money, _owed
from omscore.app._cancel import settle_up
from omscore.app._capture import reserve
from omscore.app._floor import close_if_finished
from omscore.app._return import expect_back, withdraw
from omscore.app._service import told_of
from omscore.app._wiring import Wiring
from omscore.app._work import Work
from omscore.errors import CommandRefused, InvalidValue, NotFound, Reason
from omscore.orders import Cancel, MoveUnits
from omscore.ports import Store, TellsTracking, Transaction
from omscore.returns import Return
from omscore.shipping import Mismatch, Shipment, Tracking, TrackingFact, told_status


def find(work: Work, name: str) -> Shipment:
    """A shipment by its id or one of its tracking numbers; raises NotFound."""
    if work.find("shipment", name) is None:
        found = work.txn.find("shipment", f"tracking:{name}", limit=1)
        if not found:
            raise NotFound("shipment", name)
        name = found[0][1]
    shipment: Shipment = work.load("shipment", name)
    return shipment


def track(work: Work, name: str, status: str) -> str:
    """A status as somebody tells it: forward or unchanged, never back."""
    shipment = find(work, name)
    _settle(work, shipment, shipment.told(status, work.now))
    return shipment.id


def track_facts(work: Work, name: str, facts: Sequence[TrackingFact]) -> str:
    """A carrier's facts: late, twice and out of order, any order of the same facts ends the same."""
    shipment = find(work, name)
    _of_voided(work, shipment, [fact for fact in facts if fact.tracking in shipment.voided])
    facts = [fact for fact in facts if fact.tracking not in shipment.voided]
    if strange := sorted({fact.tracking for fact in facts} - set(shipment.tracking)):
        raise InvalidValue(
            f"{', '.join(strange)} is no tracking number of {shipment.id}: {', '.join(shipment.tracking)}"
        )
    trackings = []
    for number in shipment.tracking:
        known: Tracking = work.find("tracking", number) or Tracking(number)
        after = known.told([fact for fact in facts if fact.tracking == number])
        if after != known:
            work.save("tracking", number, after, {f"shipment:{shipment.id}": number})
        trackings.append(after)
    status, at = told_status(trackings, len(shipment.tracking))
    if status:
        _settle(work, shipment, _at(shipment, status, at or work.now))
    return shipment.id


def _of_voided(work: Work, shipment: Shipment, facts: Sequence[TrackingFact]) -> None:
    """Facts of a label that was given back count for nothing, unless the parcel moves with it all the same."""
    for fact in facts:
        if fact.code in ("unknown", "pre_transit", "cancelled"):
            continue
        text = f"{fact.tracking} of {shipment.id} was given back, and the carrier says {fact.code} of it"
        mismatch(work, f"{fact.tracking}:moves", fact.carrier or "carrier", "label.moves", shipment.order, text)


def mismatch(work: Work, id_: str, source: str, code: str, order: str, text: str, **facts: Any) -> None:
    """Write down that what somebody told does not agree with what is known; the same again is one.

    What had settled by itself and comes again is another.
    """
    known: Mismatch | None = work.find("mismatch", id_)
    if known is None or known.settled_at is not None or (known.text, dict(known.facts)) != (text, facts):
        told = Mismatch(id_, source, code, order, text, work.now, facts)
        work.save("mismatch", id_, told, {"open": id_})
        work.txn.append("mismatch", id_, [told], cause=work.cause)


def settled(work: Work, id_: str) -> None:
    """What did not agree does now, if there is such a thing."""
    known: Mismatch | None = work.find("mismatch", id_)
    if known is not None and known.settled_at is None:
        work.save("mismatch", id_, evolve(known, settled_at=work.now))


def answers(work: Work, source: str, code: str, failed: str) -> None:
    """Whether somebody who is asked now and then answers: one who does not (`failed` says how) stands in the open."""
    id_ = f"{source}:{code}"
    if failed:
        mismatch(work, id_, source, code, "", f"{source} could not be asked: {failed}")
    else:
        settled(work, id_)


def fetch(store: Store, wiring: Wiring, shipments_max: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Ask carriers about what is on its way; who failed is listed, and stops nobody else."""

    def on_the_way(txn: Transaction) -> list[Shipment]:
        work = Work(txn, wiring, "")
        ids = islice(work.every("shipment", "on_the_way"), shipments_max)
        return [shipment for id_ in ids if (shipment := work.load("shipment", id_)).tracking]

    counts = {"told": 0, "silent": 0, "failed": 0}
    failures: list[tuple[str, str]] = []
    asked: dict[str, str] = {}
    for shipment in store.run(on_the_way, write=False):
        carrier = wiring.carriers.get(shipment.carrier)
        if not isinstance(carrier, TellsTracking):
            counts["silent"] += 1
            continue
        asked.setdefault(carrier.name, "")
        try:
            facts = [fact for fact in carrier.track(shipment.tracking) if fact.tracking in shipment.tracking]
            store.run(lambda txn: track_facts(Work(txn, wiring, "fetch_tracking"), shipment.id, facts))  # noqa: B023
            counts["told"] += 1
        except Exception as failed:  # noqa: BLE001 - a carrier is a host's code: it may raise and answer anything
            told_of(failed)
            counts["failed"] += 1
            failures.append((shipment.id, type(failed).__name__))
            asked[carrier.name] = type(failed).__name__
    if asked:
        store.run(lambda txn: _answered(Work(txn, wiring, "fetch_tracking"), asked))
    return counts, failures


def _answered(work: Work, asked: Mapping[str, str]) -> None:
    for carrier, failed in asked.items():
        answers(work, carrier, "tracking.unanswered", failed)


def _at(shipment: Shipment, status: str, at: datetime) -> Shipment:
    return evolve(shipment, status=status, status_at=at, delivered_at=at if status == "delivered" else None)


def _settle(work: Work, before: Shipment, after: Shipment) -> None:
    if after == before:
        return
    work.save_shipment(after)
    order = work.order(after.order)
    if after.status == "in_transit" and before.status in ("created", "labeled"):
        work.notify("picked_up", after.id, order, shipment=after.id)
    back: Return | None = work.find("return", sent_back_id(after))
    if after.status == "delivered" and before.status != "delivered":
        if back is not None and back.state == "expected":
            withdraw(work, back.id)
        # Units that are already expected back while on their way arrive as a return, not as a delivery.
        order = work.order(after.order)
        arrived = {line: min(n, order.units[line].shipped) for line, n in after.lines.items()}
        order = work.tell(order, MoveUnits("deliver", {line: n for line, n in arrived.items() if n}, after.id))
        work.notify("delivered", after.id, order, shipment=after.id)
    elif after.status == "returned_to_sender" and before.status != "returned_to_sender" and back is None:
        coming = {
            line: min(n, order.units[line].shipped + order.units[line].delivered) for line, n in after.lines.items()
        }
        if lines := {line: n for line, n in coming.items() if n}:
            expect_back(work, order, lines, "returned to sender", after.node, sent_back_id(after))
    close_if_finished(work, after.order)


def sent_back_id(shipment: Shipment) -> str:
    """The id of the return as which a shipment's units are expected back."""
    return f"{shipment.id}-back"


def give_up(work: Work, name: str, *, reship: bool, refund: bool, why: str) -> str:
    """A shipment will not arrive: its units are sent again from stock, or cancelled."""
    shipment = find(work, name)
    order = work.order(shipment.order)
    gone = {line: min(n, order.units[line].shipped) for line, n in shipment.lines.items()}
    gone = {line: n for line, n in gone.items() if n}
    if shipment.status == "delivered" or not gone:
        text = f"{shipment.id} is {shipment.status}; none of its units are on their way"
        raise CommandRefused([Reason("shipment.nothing_lost", text, {"status": shipment.status})])
    # The units are another shipment's matter from here on, whatever the carrier still tells of this one.
    work.save_shipment(evolve(shipment, status="lost", status_at=work.now, lines={}))
    _money.pin(work, order)
    before = _owed.overpaid(work, order)
    order = work.tell(order, MoveUnits("lose", gone, shipment.id))
    _books.post_cost(work, order, gone, work.done_to(shipment.id), sign=-1)
    _books.post_loss(work, order, gone, work.done_to(shipment.id))
    if reship:
        order = reserve(work, order)
        work.queue(order, due_at=work.now, note=f"{shipment.id} was lost")
        return shipment.id
    order = work.tell(order, Cancel(gone, why))
    settle_up(work, order, refund_beyond=before if refund else None, why=why)
    close_if_finished(work, order.id)
    return shipment.id
