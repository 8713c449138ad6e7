"""What the SQL stores share: how movements change rows, and how values become columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from omscore.codec import json_text
from omscore.errors import Conflict, Corrupt, InvalidValue, InvariantBroken
from omscore.inventory import BUCKETS, Cell, Entry, Movement, Reservation, Short
from omscore.kernel import QUANTITY_MAX

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_INDEX = {bucket: i for i, bucket in enumerate(BUCKETS)}
_FREE = _INDEX["free"]
VERSION = len(BUCKETS)

SNAPSHOT_EVERY = 100
"""After how many movements of a cell its figures are kept: looking back reads no more rows than that."""

Row = tuple[int, ...]
"""A cell's buckets in BUCKETS order, then its version."""


Numbered = tuple[int, Movement]
"""A movement and its number within its cell."""


def stamp(moment: datetime) -> int:
    """Microseconds since 1970: what the stores keep times as."""
    return (moment - EPOCH) // _MICROSECOND


def moment(stamped: int) -> datetime:
    """The time of a stamp."""
    return EPOCH + timedelta(0, 0, stamped)


def applied(
    movements: Sequence[Movement], floors: Mapping[Cell, int], rows: Callable[[Cell], Row]
) -> tuple[dict[Cell, list[int]], list[Numbered]]:
    """The rows after some movements, and the movements numbered within their cells; raises what `Books.post` raises."""
    changed: dict[Cell, list[int]] = {}
    numbered: list[Numbered] = []
    index = _INDEX
    for movement in movements:
        cell, source, target, units = movement[:4]
        row = changed.get(cell)
        if row is None:
            changed[cell] = row = list(rows(cell))
        at = index.get(source)
        if at is not None:
            row[at] -= units
        at = index.get(target)
        if at is not None:
            row[at] += units
        row[VERSION] += 1
        numbered.append((row[VERSION], movement))
    for cell, row in changed.items():
        if min(row) < 0 or max(row) > QUANTITY_MAX or cell in floors:
            _check(cell, rows(cell)[_FREE], row, floors.get(cell, 0))
    return changed, numbered


def _check(cell: Cell, free_before: int, row: Sequence[int], floor: int) -> None:
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
    for *where, seq, at, source, target, units, verb, cause, reservation, effective, mirrors, digest in rows:
        key = (where[0], where[1], where[2], where[3])
        cell = cells.get(key)
        if cell is None:
            cells[key] = cell = Cell._make(key)
        effective_at = None if effective is None else moment(effective)
        movement = Movement(cell, source, target, units, verb, cause, reservation, effective_at, mirrors)
        found.append(Entry(seq, EPOCH + timedelta(0, 0, at), movement, digest.hex()))
    return found


def due_at(reservation: Reservation) -> int | None:
    """When a reservation runs out, if it holds anything that can."""
    if reservation.expires_at is not None:
        for _, bucket in reservation.held:
            if bucket == "reserved":
                return stamp(reservation.expires_at)
    return None


def reservation_text(reservation: Reservation, due: int | None) -> str:
    """A reservation's own fields as compact JSON: id, version and a live deadline stand in columns."""
    fields: dict[str, Any] = {}
    if reservation.held:
        fields["h"] = [[*cell, bucket, n] for (cell, bucket), n in reservation.held.items()]
    if reservation.channel:
        fields["c"] = reservation.channel
    if reservation.priority:
        fields["p"] = reservation.priority
    if reservation.ended:
        fields["e"] = reservation.ended
    if reservation.expires_at is not None and due is None:
        fields["x"] = stamp(reservation.expires_at)
    if reservation.since is not None:
        fields["s"] = stamp(reservation.since)
    return json_text(fields)


def reservation_from(id_: str, version: int, due: int | None, text: str) -> Reservation:
    """The reservation of a row."""
    try:
        fields = json.loads(text)
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


def holding(reservation: Reservation) -> list[Cell]:
    """The cells a reservation holds units in, in order."""
    return list(dict.fromkeys(cell for cell, _ in reservation.held))


def conflict(kind: str, id_: str, version: int, expected: int) -> Conflict:
    """The record is at another version than the one that was read."""
    return Conflict(f"{kind} {id_!r} is at version {version}, not {expected}; read it again and repeat the command")
