"""How the books in memory keep reservations and answers: as plain tuples of plain values.

The garbage collector lets go of such a tuple the first time it looks at it, and walks dicts and objects for as long as
they live. There is a reservation and an answer for every order, so that is most of what collecting costs. They are made
into what callers know when somebody reads them: a dict of one's own too, so that nobody can change what is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from omscore.inventory._allocate import Allocated
from omscore.inventory._books import Held, Reservation
from omscore.inventory._cells import Cell
from omscore.inventory._fill import Arrival
from omscore.inventory._reserve import Reserved

_new = tuple.__new__

ReservationRow = tuple[Any, ...]
"""A reservation's columns in their order but for `held`; then for each share item, node, pool, lot, bucket, units."""

VERSION = 4
_SHARES = 7
_BUCKET = _SHARES + 4
_WIDTH = 6

AnswerRow = tuple[Any, ...]
"""The fingerprint, a form and what it says: the answer itself, or the columns of one that most commands are given."""

_AS_IT_IS, _RESERVED, _ALLOCATED, _RESERVATION, _ARRIVED = "", "reserved", "allocated", "reservation", "arrived"


def reservation_row(reservation: Reservation, version: int) -> ReservationRow:
    """A reservation as it is kept, at a version."""
    id_, held, expires_at, channel, priority, _, ended, since = reservation
    row = [id_, expires_at, channel, priority, version, ended, since]
    for ((item, node, pool, lot), bucket), units in held.items():
        row += (item, node, pool, lot, bucket, units)
    return tuple(row)


def reservation_of(row: ReservationRow) -> Reservation:
    """The reservation that a row keeps."""
    held: dict[Held, int] = {}
    for i in range(_SHARES, len(row), _WIDTH):
        held[_new(Cell, row[i : i + 4]), row[i + 4]] = row[i + 5]
    return _new(Reservation, (row[0], held, *row[1:_SHARES]))


def cells_held(row: ReservationRow | None) -> tuple[tuple[Any, ...], ...]:
    """The cells in which a reservation holds units, as tuples, one as often as it holds there in different buckets."""
    if row is None or len(row) == _SHARES:
        return ()
    if len(row) == _SHARES + _WIDTH:
        return (row[_SHARES:_BUCKET],)
    return tuple([row[i : i + 4] for i in range(_SHARES, len(row), _WIDTH)])


def deadline_of(row: ReservationRow | None) -> datetime | None:
    """When a reservation runs out; None when it never does or has nothing reserved."""
    if row is None or row[1] is None or "reserved" not in row[_BUCKET::_WIDTH]:
        return None
    expires_at: datetime = row[1]
    return expires_at


def answer_row(fingerprint: str, answer: Any) -> AnswerRow:
    """The answer to a command as it is kept under its key, with the command's fingerprint."""
    kind = type(answer)
    if kind is Reserved and not (answer[2] or answer[4]):
        reservation, cells, _, expires_at, _ = answer
        return _with_cells([fingerprint, _RESERVED, reservation, expires_at], cells)
    if kind is Allocated:
        named = _with_cells([], answer.cells)
        return _with_cells([fingerprint, _ALLOCATED, answer.reservation, len(named), *named], answer.rest)
    if kind is Reservation:
        return (fingerprint, _RESERVATION, *reservation_row(answer, answer.version))
    if kind is Arrival and not (answer.filled or answer.repromised):
        return fingerprint, _ARRIVED
    return fingerprint, _AS_IT_IS, answer


def answer_of(row: AnswerRow) -> tuple[str, Any]:
    """The fingerprint and the answer that a row keeps."""
    form = row[1]
    if form == _AS_IT_IS:
        return row[0], row[2]
    if form == _RESERVED:
        return row[0], _new(Reserved, (row[2], _cells(row[4:]), {}, row[3], ()))
    if form == _ALLOCATED:
        rest = 4 + row[3]
        return row[0], Allocated(row[2], _cells(row[4:rest]), _cells(row[rest:]))
    if form == _RESERVATION:
        return row[0], reservation_of(row[2:])
    return row[0], Arrival()


def _with_cells(row: list[Any], units: Mapping[Cell, int]) -> tuple[Any, ...]:
    for (item, node, pool, lot), n in units.items():
        row += (item, node, pool, lot, n)
    return tuple(row)


def _cells(columns: tuple[Any, ...]) -> dict[Cell, int]:
    return {_new(Cell, columns[i : i + 4]): columns[i + 4] for i in range(0, len(columns), 5)}
