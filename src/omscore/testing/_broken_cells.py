"""Stores that are broken in their floors and figures."""

# ruff: noqa: SLF001 - breaking a store means reaching into it
from __future__ import annotations

import unicodedata
from typing import Any

from omscore.inventory import BUCKETS, MOVES, OUTSIDE, Cell, Figures, Movement, Short
from omscore.testing._flaws import exchange, flaw


@flaw("floor-ignored")
def _floor_ignored(store: Any, txn: Any) -> None:
    """Floors are not checked, nor whether any bucket falls below 0."""
    exchange(txn, _check=lambda *_: None)


@flaw("floor-per-line")
def _floor_per_line(store: Any, txn: Any) -> None:
    """Each line is checked against the same figure, as if it were the only one of its item."""
    post, check = txn.post, txn._check

    def bent(movements: Any, floors: Any, **k: Any) -> None:
        figures = txn.figures({m.cell for m in movements})
        for m in movements:
            if m.source == "free" and figures[m.cell].free - m.units < floors.get(m.cell, 0):
                raise Short(m.cell, floors.get(m.cell, 0))
        exchange(txn, _check=lambda cell, row, floor: check(cell, row, 0) if row[0] >= 0 else None)
        try:
            post(movements, {}, **k)
        finally:
            exchange(txn, _check=check)

    exchange(txn, post=bent)


@flaw("floor-always-zero")
def _floor_zero(store: Any, txn: Any) -> None:
    """The floors of a posting are not passed on: only 0 is kept."""
    post = txn.post
    exchange(txn, post=lambda movements, floors, **k: post(movements, {}, **k))


@flaw("floor-stops-receipts")
def _floor_receipts(store: Any, txn: Any) -> None:
    """A floor above the free units stops receiving and releasing too."""
    check = txn._check

    def bent(cell: Any, row: Any, floor: int) -> None:
        if row[0] < floor:
            raise Short(cell, floor)
        check(cell, row, floor)

    exchange(txn, _check=bent)


@flaw("only-free-guarded")
def _only_free(store: Any, txn: Any) -> None:
    """Only free units are kept from falling below 0; the other buckets are not."""
    check = txn._check

    def bent(cell: Any, row: Any, floor: int) -> None:
        check(cell, [row[0], *(max(0, n) for n in row[1:])], floor)

    exchange(txn, _check=bent)


@flaw("quantities-as-floats")
def _floats(store: Any, txn: Any) -> None:
    """Quantities pass through a column of floating point."""
    post = txn.post
    exchange(txn, post=lambda ms, floors, **k: post([m._replace(units=int(float(m.units))) for m in ms], floors, **k))


@flaw("long-commands-cut")
def _cut(store: Any, txn: Any) -> None:
    """Only the first hundred movements of a command are written."""
    post = txn.post
    exchange(txn, post=lambda movements, floors, **k: post(movements[:100], floors, **k))


@flaw("words-unknown")
def _words(store: Any, txn: Any) -> None:
    """What a movement is called is not looked at: words that the ledger does not have are kept as others."""
    post = txn.post

    def known(m: Movement) -> Movement:
        return m._replace(
            verb=m.verb if m.verb in MOVES or m.verb == "correct" else "count",
            source=m.source if m.source in (*BUCKETS, *OUTSIDE) else "adjustment",
            target=m.target if m.target in (*BUCKETS, *OUTSIDE) else "adjustment",
        )

    exchange(txn, post=lambda ms, floors, **k: post([known(m) for m in ms], floors, **k))


@flaw("pools-merged")
def _pools(store: Any, txn: Any) -> None:
    """The pool is no part of a cell's key."""
    post, figures = txn.post, txn.figures

    def plain(cell: Cell) -> Cell:
        return cell._replace(pool="")

    exchange(
        txn,
        post=lambda ms, floors, **k: post([m._replace(cell=plain(m.cell)) for m in ms], floors, **k),
        figures=lambda cells: {c: figures([plain(c)])[plain(c)] for c in cells},
    )


@flaw("names-folded")
def _folded(store: Any, txn: Any) -> None:
    """Item names are compared as some databases do: without case, and with accents composed."""
    post, figures = txn.post, txn.figures

    def fold(cell: Cell) -> Cell:
        return cell._replace(item=unicodedata.normalize("NFC", cell.item).upper())

    exchange(
        txn,
        post=lambda ms, floors, **k: post([m._replace(cell=fold(m.cell)) for m in ms], floors, **k),
        figures=lambda cells: {c: figures([fold(c)])[fold(c)] for c in cells},
    )


@flaw("own-writes-unseen")
def _unseen(store: Any, txn: Any) -> None:
    """Figures are read from before the command, without its own writes."""
    begin, committed = txn.begin, dict[Cell, Figures]()
    figures = txn.figures

    def bent() -> None:
        begin()
        committed.clear()
        committed.update({cell: account.figures for cell, account in txn._accounts.items()})

    exchange(txn, begin=bent, figures=lambda cells: {c: committed.get(c, Figures()) for c in cells})
    figures([])
