"""The outbox: effects go out after the commit, at least once, and end in the open."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from omscore.app import _labels, _settle
from omscore.app._service import saw
from omscore.app._wiring import Wiring
from omscore.app._work import Work
from omscore.errors import CarrierRejected, CarrierUnavailable, CommandRefused, InvariantBroken, Reason
from omscore.orders import Fulfillment
from omscore.oversight import EffectParked, NoticeSent
from omscore.payments import Payment
from omscore.ports import Effect, Leased, PaymentAnswer, PaymentRequest, Store, Transaction

log = logging.getLogger("omscore")

LEASE_S = 60
"""How long a worker may take for one effect before another takes it over, in seconds."""

ATTEMPTS_MAX = 8
"""How often an effect is tried before it is parked; with the backoff below that is about an hour."""

BACKOFF_S = (1, 5, 30, 60, 300, 900, 1_800)
"""Seconds to wait after each failed attempt."""


def deliver(store: Store, wiring: Wiring, worker: str, effects_max: int) -> dict[str, int]:
    """Deliver effects that are due; returns how many were done, put off and parked."""
    counts = {"done": 0, "retried": 0, "parked": 0}
    left = effects_max
    while left > 0:
        batch = store.run(lambda txn: txn.lease(worker, limit=min(left, 100), seconds=LEASE_S))  # noqa: B023 - runs now
        if not batch:
            break
        for leased in batch:
            counts[_deliver_one(store, wiring, leased)] += 1
        left -= len(batch)
    return counts


def _deliver_one(store: Store, wiring: Wiring, leased: Leased) -> str:
    effect = leased.effect
    try:
        answer = _send(store, wiring, effect)

        def settle(txn: Transaction) -> None:
            # Only the holder of the lease writes the answer down; a late one finds it done already.
            if txn.ack(leased) and answer is not None:
                answer(Work(txn, wiring, effect.id))

        store.run(settle)
    except InvariantBroken:
        raise
    except CarrierRejected as final:
        error = f"{type(final).__name__}: {final}"
        store.run(lambda txn: _park(Work(txn, wiring, effect.id), leased, error))
        log.warning("effect %s parked: %s", effect.id, type(final).__name__)
        _saw(wiring, "parked", leased, final)
        return "parked"
    except Exception as failed:  # noqa: BLE001 - a port is a host's code: whatever it raises is a failed attempt
        error = f"{type(failed).__name__}: {failed}"
        attempt = leased.attempts + 1
        if attempt >= ATTEMPTS_MAX:
            store.run(lambda txn: _park(Work(txn, wiring, effect.id), leased, error))
            log.warning("effect %s parked after %d attempts: %s", effect.id, attempt, type(failed).__name__)
            _saw(wiring, "parked", leased, failed)
            return "parked"
        wait = BACKOFF_S[min(attempt, len(BACKOFF_S)) - 1]
        if isinstance(failed, CarrierUnavailable) and failed.retry_after_s is not None:
            wait = max(wait, failed.retry_after_s)
        store.run(lambda txn: txn.retry(leased, due_at=txn.now() + timedelta(seconds=wait), error=error))
        log.info("effect %s failed, attempt %d: %s", effect.id, attempt, type(failed).__name__)
        _saw(wiring, "put_off", leased, failed)
        return "retried"
    return "done"


def _saw(wiring: Wiring, what: str, leased: Leased, failed: Exception) -> None:
    """Tell the observer; only the kind of error, because a host's own text may name a customer."""
    effect = leased.effect
    facts = {"effect": effect.id, "topic": effect.topic, "attempt": leased.attempts + 1}
    saw(wiring, f"effect_{what}", facts | {"error": type(failed).__name__})


def _park(work: Work, leased: Leased, error: str) -> None:
    if work.txn.park(leased, error=error):
        effect = leased.effect
        order = _order_of(work, effect)
        order = order if work.find("order", order) else ""
        parked = EffectParked(effect.id, effect.topic, order, leased.attempts + 1, error, work.now)
        work.txn.append("effect", effect.id, [parked], cause="deliver")
        if effect.topic == "carrier.manifest":
            _labels.refuse_manifest(work, effect, error)


def _order_of(work: Work, effect: Effect) -> str:
    """The order that an effect is about; "" for what belongs to none, such as a manifest or a list."""
    told = effect.payload
    if "order" in told:
        return str(told["order"])
    # Whatever an effect holds, it is put aside: one that stayed would stop all that come after it.
    if effect.topic == "erp.post":
        return str(getattr(told.get("posting"), "order", ""))
    if effect.topic == "wms.change":
        changed: Fulfillment | None = work.find("fulfillment", str(told.get("fulfillment")))
        return changed.order if changed else ""
    return "" if effect.topic in ("wms.pick", "carrier.manifest") else effect.key.partition(":")[2]


def _send(store: Store, wiring: Wiring, effect: Effect) -> Callable[[Work], None] | None:
    port = effect.topic.partition(".")[0]
    if port == "notify" and wiring.notifier is not None:
        wiring.notifier.notify(effect)
        return lambda work: _noticed(work, effect)
    if port == "channel":
        channel = wiring.channels.get(effect.payload["channel"])
        if channel is not None:
            channel.tell(effect)
    elif port == "payment" and wiring.gateway is not None:
        return _pay(store, wiring, effect)
    elif port == "erp" and wiring.erp is not None:
        wiring.erp.post(effect.payload["posting"])
    elif port == "wms" and (wms := wiring.wms.get(effect.payload["node"])) is not None:
        if effect.topic == "wms.pick":
            wms.pick(effect.payload["list"])
        else:
            wms.change(effect.payload["fulfillment"], effect.payload["units"], effect.payload["version"])
    elif effect.topic == "carrier.label":
        return _labels.ask_label(store, wiring, effect)
    elif effect.topic == "carrier.void":
        return _labels.ask_void(wiring, effect)
    elif effect.topic == "carrier.manifest":
        return _labels.ask_manifest(store, wiring, effect)
    return None


def _noticed(work: Work, effect: Effect) -> None:
    order, notice = str(effect.payload["order"]), effect.topic.partition(".")[2]
    work.txn.append("notice", order, [NoticeSent(order, notice, work.now)], cause=effect.id)


def _pay(store: Store, wiring: Wiring, effect: Effect) -> Callable[[Work], None] | None:
    """Ask the gateway for what a row says, unless its answer is known already."""
    order_id, transaction = effect.payload["order"], effect.payload["transaction"]

    def read(txn: Transaction) -> Payment:
        found: Payment = Work(txn, wiring, effect.id).load("payment", order_id)
        return found

    payment = store.run(read, write=False)
    row = payment.transaction(transaction)
    if row is None or row.outcome != "asked" or wiring.gateway is None:
        return None
    parent = payment.transaction(row.parent)
    if row.kind == "refund" and parent is not None and parent.outcome != "done":
        if parent.outcome == "asked":
            text = f"{parent.id} has no answer yet, so nothing of it can be given back"
            raise CommandRefused([Reason("payment.unanswered", text, {"capture": parent.id})])
        nothing = PaymentAnswer(done=False, text=f"{parent.id} failed: there is nothing to give back")
        return lambda work: _settled(work, order_id, transaction, nothing)
    request = PaymentRequest(row.id, order_id, row.amount, parent.reference if parent else "")
    answer = getattr(wiring.gateway, row.kind)(request)
    if not isinstance(answer, PaymentAnswer):
        raise TypeError(f"a gateway answers with a PaymentAnswer, not {type(answer).__name__}")
    return lambda work: _settled(work, order_id, transaction, answer)


def _settled(work: Work, order_id: str, transaction: str, answer: PaymentAnswer) -> None:
    _settle.answered(work, order_id, transaction, answer)
