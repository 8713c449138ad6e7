"""Stores whose journal is not what happened."""

# ruff: noqa: SLF001 - breaking a store means reaching into it
from __future__ import annotations

from typing import Any

from omscore.testing._flaws import exchange, flaw


@flaw("numbers-with-gaps")
def _gaps(store: Any, txn: Any) -> None:
    """Numbers come from a sequence: what fails takes one along."""
    post, abort, lost = txn.post, txn.abort, dict[Any, int]()

    def bent(movements: Any, floors: Any, **k: Any) -> None:
        for cell in {m.cell for m in movements}:
            figures = txn.figures([cell])[cell]
            if lost.get(cell) and figures.version:
                txn._accounts[cell].figures = figures._replace(version=figures.version + lost.pop(cell))
            lost.setdefault(cell, 0)
        post(movements, floors, **k)

    def burn() -> None:
        for cell in lost:
            lost[cell] += 1
        abort()

    exchange(txn, post=bent, abort=burn)


@flaw("entries-edited")
def _edited(store: Any, txn: Any) -> None:
    """A movement that undoes the one before it is booked by editing that one."""
    post = txn.post

    def bent(movements: Any, floors: Any, **k: Any) -> None:
        post(movements, floors, **k)
        for m in movements:
            rows = txn._accounts[m.cell].rows
            if len(rows) > 1 and rows[-2][2:4] == (m.target, m.source):
                old = rows[-2]
                rows[-2] = new = (old[0], rows[-1][1], *old[2:6], m.cause, *old[7:])
                txn._journal[txn._journal.index(old)] = new

    exchange(txn, post=bent)


@flaw("journal-by-cell")
def _by_cell(store: Any, txn: Any) -> None:
    """The journal of all cells comes sorted by cell, not as it was recorded."""
    journal = txn.journal

    def bent(cell: Any = None, *, after: int = 0, limit: int | None = None) -> Any:
        if cell is not None:
            return journal(cell, after=after, limit=limit)
        rows = sorted(journal(), key=lambda e: e.movement.cell)
        return rows[after : None if limit is None else after + limit]

    exchange(txn, journal=bent)


@flaw("business-time-lost")
def _business(store: Any, txn: Any) -> None:
    """When a movement happened in the business is kept to the second."""
    post = txn.post

    def cut(m: Any) -> Any:
        return m if m.effective_at is None else m._replace(effective_at=m.effective_at.replace(microsecond=0))

    exchange(txn, post=lambda ms, floors, **k: post([cut(m) for m in ms], floors, **k))


@flaw("newest-snapshot")
def _newest(store: Any, txn: Any) -> None:
    """Looking back starts from the newest figures kept, whichever time was asked."""
    snapshot = txn.snapshot
    exchange(txn, snapshot=lambda cell, *, upto: snapshot(cell, upto=10**9))


@flaw("import-times-lost")
def _import_times(store: Any, txn: Any) -> None:
    """An import is recorded as if everything had happened now."""
    post = txn.post

    def bent(movements: Any, floors: Any, *, recorded_at: Any = None) -> None:
        post(movements, floors)

    exchange(txn, post=bent)
