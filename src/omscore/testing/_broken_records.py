"""Stores that are broken in holds, records, the log and time."""

# ruff: noqa: SLF001 - breaking a store means reaching into it
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from omscore.inventory import Stored
from omscore.testing._flaws import exchange, flaw


@flaw("hold-version-unchecked")
def _hold_version(store: Any, txn: Any) -> None:
    """A reservation is written whatever version was read: the last writer wins."""
    save = txn.save_reservation

    def bent(r: Any) -> None:
        old = txn.reservation(r.id)
        save(type(r)(r.id, r.held, r.expires_at, r.channel, r.priority, old.version if old else 0, r.ended, r.since))

    exchange(txn, save_reservation=bent)


@flaw("holders-stale")
def _holders(store: Any, txn: Any) -> None:
    """Once listed at a cell, a reservation stays listed there."""
    exchange(txn, reservations_at=lambda cell: [r for r in txn.reservations() if cell in seen(r)])
    save, ever = txn.save_reservation, dict[str, set[Any]]()

    def seen(r: Any) -> set[Any]:
        return ever.get(r.id, set())

    def bent(r: Any) -> None:
        save(r)
        ever.setdefault(r.id, set()).update(cell for cell, _ in r.held)

    exchange(txn, save_reservation=bent)


@flaw("expiry-by-wall-clock")
def _wall(store: Any, txn: Any) -> None:
    """What is due is decided by the machine's clock, not by the time that was asked."""
    due = txn.reservations_due
    exchange(txn, reservations_due=lambda at, **k: due(datetime.now(UTC) - timedelta(days=36_500), **k))


@flaw("expiry-too-late")
def _late(store: Any, txn: Any) -> None:
    """A hold is due after its deadline, not at it."""
    due = txn.reservations_due
    exchange(txn, reservations_due=lambda at, **k: due(at - timedelta(microseconds=1), **k))


@flaw("expiry-of-all-cells")
def _due_cells(store: Any, txn: Any) -> None:
    """What is due is listed for all cells, whichever was asked."""
    due = txn.reservations_due
    exchange(txn, reservations_due=lambda at, *, cell=None, limit=1_000: due(at, limit=limit))


@flaw("clock-goes-back")
def _back(store: Any, txn: Any) -> None:
    """The store's time follows its clock backwards."""
    exchange(txn, now=txn._clock)


@flaw("record-version-unchecked")
def _record_version(store: Any, txn: Any) -> None:
    """A record is written whatever version was read."""
    put = txn.put

    def bent(kind: str, id_: str, value: Any, *, version: int, index: Any = None) -> None:
        old = txn.get(kind, id_)
        put(kind, id_, value, version=old.version if old else 0, index=index)

    exchange(txn, put=bent)


@flaw("index-left-behind")
def _index(store: Any, txn: Any) -> None:
    """Index entries that a record no longer has stay."""
    put = txn.put

    def bent(kind: str, id_: str, value: Any, *, version: int, index: Any = None) -> None:
        put(kind, id_, value, version=version, index={**txn._indexed.get((kind, id_), {}), **(index or {})})

    exchange(txn, put=bent)


@flaw("index-end-excluded")
def _upto(store: Any, txn: Any) -> None:
    """`upto` leaves out what lies exactly at it."""
    find = txn.find

    def bent(kind: str, index: str, *, upto: Any = None, **k: Any) -> Any:
        return [row for row in find(kind, index, upto=upto, **k) if upto is None or row[0] < upto]

    exchange(txn, find=bent)


@flaw("kinds-mixed")
def _kinds(store: Any, txn: Any) -> None:
    """Records are found by id alone."""
    get, put = txn.get, txn.put
    exchange(
        txn,
        get=lambda kind, id_: get("", id_),
        put=lambda kind, id_, value, *, version, index=None: put(
            "", id_, value, version=getattr(get("", id_) or Stored(0, 0), "version", 0), index=index
        ),
    )


@flaw("log-off-by-one")
def _log(store: Any, txn: Any) -> None:
    """A page of the log begins one too early."""
    log = txn.log
    exchange(txn, log=lambda *, after=0, limit=1_000: log(after=max(0, after - 1), limit=limit))
