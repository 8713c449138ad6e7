"""From version 1 of the tables to version 2: the chain of digests by the formula of today."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

from omscore.adapters._sql import moment
from omscore.inventory import Cell, JournalRow, link

Page = Callable[[int], Sequence[tuple[Any, ...]]]
"""The next rows of a cell's journal behind a number: columns as in JournalRow."""


def relinked(cell: Cell, page: Page) -> Iterator[list[tuple[bytes, int]]]:
    """The new digest and the number of each row of a cell's journal, page by page.

    The old chain is checked on the way. A row whose digest was wrong keeps it, so that it is wrong by the new formula
    too and `verify` names the same row as before: nothing that was changed behind the store's back becomes right.
    """
    old = new = b""
    number = 0
    while rows := page(number):
        found = []
        for columns in rows:
            row: JournalRow = (*columns[:10], bytes(columns[10]))
            number, kept = row[0], row[10]
            new = link(new, cell, row) if _link_v1(old, cell, row) == kept else kept
            old = kept
            found.append((new, number))
        yield found


def _link_v1(previous: bytes, cell: Cell, row: JournalRow) -> bytes:
    seq, at, source, target, units, verb, cause, reservation, effective, mirrors, _ = row
    columns = (
        previous.hex(),
        seq,
        moment(at).isoformat(),
        tuple(cell),
        source,
        target,
        units,
        verb,
        cause,
        reservation,
        "" if effective is None else moment(effective).isoformat(),
        mirrors,
    )
    return blake2b(repr(columns).encode(), digest_size=16).digest()
