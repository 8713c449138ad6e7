"""Stores whose outbox loses effects, doubles them, or gives them out at the wrong time."""

# ruff: noqa: SLF001 - breaking a store means reaching into it
from __future__ import annotations

from typing import Any

from omscore.testing._flaws import exchange, flaw


@flaw("outbox-by-cursor")
def _cursor(store: Any, txn: Any) -> None:
    """A relay remembers how far it came, and never looks back: what was given out once is not given out again."""
    lease, given = txn.lease, set[str]()

    def bent(worker: str, **k: Any) -> Any:
        found = [one for one in lease(worker, **k) if one.effect.id not in given]
        given.update(one.effect.id for one in found)
        return found

    exchange(txn, lease=bent)


@flaw("outbox-unordered")
def _unordered(store: Any, txn: Any) -> None:
    """Effects of one key are given out all at once."""
    emit = txn.emit
    exchange(txn, emit=lambda effects: emit([type(e)(e.id, e.topic, e.payload, "", e.due_at) for e in effects]))


@flaw("outbox-newest-first")
def _newest_first(store: Any, txn: Any) -> None:
    """The newest effect is given out first."""
    emit = txn.emit
    exchange(txn, emit=lambda effects: emit(list(effects)[::-1]))


@flaw("lease-shared")
def _shared(store: Any, txn: Any) -> None:
    """A lease keeps nobody else away."""
    lease = txn.lease
    exchange(txn, lease=lambda worker, *, limit, seconds: lease(worker, limit=limit, seconds=0))


@flaw("lease-for-ever")
def _for_ever(store: Any, txn: Any) -> None:
    """A lease never runs out: when its worker dies, its effect is stuck."""
    lease = txn.lease
    exchange(txn, lease=lambda worker, *, limit, seconds: lease(worker, limit=limit, seconds=10**9))


@flaw("late-answers-count")
def _late_answers(store: Any, txn: Any) -> None:
    """An answer is taken from whoever gives it, whatever became of the lease."""

    def bent(leased: Any, state: str, error: str, due_at: Any) -> bool:
        row = txn._effects.get(leased.effect.id)
        if row is None:
            return False
        txn._set(txn._effects, leased.effect.id, (row[0], state, row[2] + 1, error, "", due_at))
        if state in ("done", "parked"):
            txn._open.pop(leased.effect.id, None)
        return True

    exchange(txn, _settle=bent)


@flaw("effects-doubled")
def _doubled(store: Any, txn: Any) -> None:
    """An effect that was told already is told again when it is emitted again."""
    emit = txn.emit

    def bent(effects: Any) -> None:
        effects = list(effects)
        for e in effects:
            if e.id in txn._effects and e.id not in txn._open:
                del txn._effects[e.id]
        emit(effects)

    exchange(txn, emit=bent)


@flaw("parked-comes-back")
def _parked(store: Any, txn: Any) -> None:
    """Parking only puts off."""
    exchange(txn, park=lambda leased, *, error: txn._settle(leased, "waiting", error, None))


@flaw("effects-too-early")
def _early(store: Any, txn: Any) -> None:
    """An effect's own time is not waited for."""
    emit = txn.emit
    exchange(txn, emit=lambda effects: emit([type(e)(e.id, e.topic, e.payload, e.key) for e in effects]))
