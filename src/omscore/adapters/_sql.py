"""What the SQL stores share: how movements change rows, and how values become columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from omscore.adapters._seal import opened, sealed
from omscore.codec import Codec, standard
from omscore.errors import Conflict, Corrupt, DefinitionError, InvalidValue, InvariantBroken
from omscore.inventory import BUCKETS, Cell, Entry, Figures, Movement, Reservation, Short
from omscore.kernel import QUANTITY_MAX, quantity
from omscore.kernel.given import shown
from omscore.kernel.times import EPOCH, microseconds

_q: Callable[[str], str] = json.encoder.encode_basestring_ascii
INDEX = {bucket: i for i, bucket in enumerate(BUCKETS)}
_MICROSECOND = timedelta(microseconds=1)
_FREE = INDEX["free"]
VERSION = len(BUCKETS)

SNAPSHOT_EVERY = 100
"""The figures of a cell are kept at each of its movements so many apart: looking back reads no more rows than that."""

Row = tuple[int, ...]
"""A cell's buckets in BUCKETS order, then its version."""


Applied = tuple[dict[Cell, list[int]], list[tuple[int, Movement]], list[tuple[Cell, Row]]]
"""What movements change: new rows, numbered movements, and the rows that are kept for looking back."""

stamp = microseconds
"""What the stores keep times as."""


def codec_of(codec: Codec | None) -> Codec:
    """A codec, or the standard one; raises DefinitionError for what is none."""
    if codec is not None and not isinstance(codec, Codec):
        raise DefinitionError(f"codec must be Codec, such as codec.standard().with_types(Mine), not {shown(codec)}")
    return codec or standard()


def moment(stamped: int) -> datetime:
    """The time of a stamp."""
    try:
        return EPOCH + _MICROSECOND * stamped
    except (OverflowError, TypeError) as error:
        raise Corrupt(f"{stamped!r} is no time that was ever written; verify the store against a backup") from error


def applied(movements: Sequence[Movement], floors: Mapping[Cell, int], rows: Callable[[Cell], Row]) -> Applied:
    """What some movements change; raises what `Books.post` raises."""
    changed: dict[Cell, list[int]] = {}
    numbered: list[tuple[int, Movement]] = []
    kept: list[tuple[Cell, Row]] = []
    index = INDEX
    suspect = bool(floors)
    for movement in movements:
        cell, source, target, units, _, _, _, _, _ = movement
        if type(units) is not int or units < 1:
            quantity(units, "the units of a movement")
        row = changed.get(cell)
        if row is None:
            changed[cell] = row = list(rows(cell))
        if source in index:
            at = index[source]
            row[at] = left = row[at] - units
            if left < 0:
                suspect = True
        if target in index:
            at = index[target]
            row[at] = grown = row[at] + units
            if grown > QUANTITY_MAX:
                suspect = True
        row[VERSION] = version = row[VERSION] + 1
        numbered.append((version, movement))
        if not version % SNAPSHOT_EVERY:
            kept.append((cell, tuple(row)))
    if suspect:
        for cell, row in changed.items():
            check(cell, rows(cell)[_FREE], row, floors.get(cell, 0))
    return changed, numbered, kept


def check(cell: Cell, free_before: int, row: Sequence[int], floor: int) -> None:
    """Refuse what a posting would make of a cell; raises what `Books.post` raises."""
    if row[_FREE] < free_before and row[_FREE] < floor:
        raise Short(cell, floor)
    for bucket, units in zip(BUCKETS, row, strict=False):
        if units < 0:
            raise InvariantBroken(f"{bucket} of {cell} would be {units}: a command took what nobody holds")
        if units > QUANTITY_MAX:
            raise InvalidValue(f"{bucket} of {cell} would be {units}, more than any store can hold")


def entries(rows: Iterable[tuple[Any, ...]]) -> list[Entry]:
    """Journal rows (the four words of the cell, then the entry's columns) as entries."""
    cells: dict[tuple[str, ...], Cell] = {}
    found = []
    for item, node, pool, lot, seq, at, source, target, units, verb, cause, reservation, effective, mirrors, d in rows:
        key = (item, node, pool, lot)
        cell = cells.get(key)
        if cell is None:
            cells[key] = cell = Cell._make(key)
        effective_at = None if effective is None else moment(effective)
        if not (type(seq) is type(units) is int and type(cause) is type(reservation) is str and type(d) is bytes):
            raise Corrupt(f"an entry of {cell.item!r} at {cell.node!r} holds what was never written; verify the store")
        movement = Movement(cell, source, target, units, verb, cause, reservation, effective_at, mirrors)
        found.append(Entry(seq, moment(at), movement, d.hex()))
    return found


def figures_from(row: Sequence[Any]) -> Figures:
    """The figures of a row, which are whole numbers unless it rotted: a column of SQLite takes any value."""
    try:
        whole = type(sum(row)) is int
    except TypeError:
        whole = False
    if not whole:
        raise Corrupt(f"{tuple(row)!r} are no figures that were ever written; verify the store against a backup")
    return tuple.__new__(Figures, row)


def index_entries(text: str) -> dict[str, str]:
    """The index entries of a record, as they stand in its row."""
    try:
        found: dict[str, str] = json.loads(text) if text else {}
    except ValueError as error:
        raise Corrupt(f"index entries cannot be read ({error}); verify the store against a backup") from error
    return found


def written(reservation: Reservation, told: tuple[datetime, int] = (EPOCH, 0)) -> tuple[list[Cell], int | None, str]:
    """What the row of a reservation has: its cells, when it runs out if it holds anything that can, and its own fields.

    These are compact JSON: id, version and a live deadline stand in columns. `told` is a time and its stamp: that of
    the command, since when most reservations are.
    """
    id_, held, expires_at, channel, priority, _, ended, since = reservation
    if len(held) == 1:
        (((cell, bucket), n),) = held.items()
        cells, soft = [cell], bucket == "reserved"
        text = f',"h":[[{_cell_text(cell)},"{bucket}",{n}]]'
    else:
        cells, soft = holding(reservation), "reserved" in [bucket for _, bucket in held]
        shares = [f'[{_cell_text(cell)},"{bucket}",{n}]' for (cell, bucket), n in held.items()]
        text = f',"h":[{",".join(shares)}]' if held else ""
    if channel:
        text += f',"c":{_q(channel)}'
    if priority:
        text += f',"p":{priority}'
    if ended:
        text += f',"e":{_q(ended)}'
    due = None
    if expires_at is not None:
        if soft:
            due = stamp(expires_at)
        else:
            text += f',"x":{stamp(expires_at)}'
    if since is not None:
        text += f',"s":{told[1] if since is told[0] else stamp(since)}'
    return cells, due, sealed(f"{{{text[1:]}}}", "reservation", id_, due)


@lru_cache(maxsize=4_096)
def _cell_text(cell: Cell) -> str:
    return ",".join([_q(word) for word in cell])


def reservation_from(id_: str, version: int, due: int | None, text: str) -> Reservation:
    """The reservation of a row."""
    try:
        fields = json.loads(opened(text, "reservation", id_, due))
        expires = due if due is not None else fields.get("x")
        return Reservation(
            id_,
            {(Cell(*row[:4]), row[4]): row[5] for row in fields.get("h", ())},
            None if expires is None else moment(expires),
            fields.get("c", ""),
            fields.get("p", 0),
            version,
            fields.get("e", ""),
            moment(fields["s"]) if "s" in fields else None,
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise Corrupt(f"reservation {id_!r} cannot be read ({error}); verify the store against a backup") from error


def due_at_cell(holders: Sequence[Reservation], cell: Cell, at: datetime) -> list[Reservation]:
    """Those of a cell's holders that have reserved units in it and run out by a time, oldest deadline first."""
    due = [(r.expires_at, r) for r in holders if r.expires_at is not None and (cell, "reserved") in r.held]
    return [r for _, r in sorted(((t, r) for t, r in due if t <= at), key=lambda pair: (pair[0], pair[1].id))]


def due_of(reservation: Reservation) -> int | None:
    """When a reservation runs out, if it holds anything that can."""
    if reservation.expires_at is None or all(bucket != "reserved" for _, bucket in reservation.held):
        return None
    return stamp(reservation.expires_at)


def holding(reservation: Reservation) -> list[Cell]:
    """The cells a reservation holds units in, in order."""
    held = reservation[1]
    if len(held) == 1:
        ((cell, _),) = held
        return [cell]
    return list(dict.fromkeys([cell for cell, _ in held]))


def conflict(kind: str, id_: str, version: int, expected: int) -> Conflict:
    """The record is at another version than the one that was read."""
    return Conflict(f"{kind} {id_!r} is at version {version}, not {expected}; read it again and repeat the command")
