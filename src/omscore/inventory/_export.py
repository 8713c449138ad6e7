"""Export and import: the whole ledger as lines of JSON, the same bytes from whichever store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from hashlib import blake2b
from typing import Any, Protocol

from attrs import fields

from omscore.errors import CommandRefused, Corrupt, Reason
from omscore.inventory._allocate import Allocated
from omscore.inventory._backorders import Backorder, Promise, Repromise, save_backorder
from omscore.inventory._books import Held, LedgerTransaction, Reservation
from omscore.inventory._cells import HELD, Cell, Entry, Movement, cell_of, linked
from omscore.inventory._count import Counted, look
from omscore.inventory._fill import Arrival, Filled
from omscore.inventory._outrank import Outranked
from omscore.inventory._reserve import Reserved
from omscore.inventory._supply import Supply, pages, save_supply
from omscore.inventory._transfer import Transfer, save_transfer
from omscore.inventory._verify import all_reservations
from omscore.inventory._victims import Victim

_FORMAT = "omscore.ledger/1"
_PAGE = 1_000
_KEYS_PAGE = 10_000


def _when(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _rows(cells: Any) -> list[Any]:
    return [[*cell, n] for cell, n in sorted(cells.items())]


def _cells(rows: Any) -> dict[Cell, int]:
    return {Cell(*where): n for *where, n in rows}


# How each kind of record is written and read, and the indexes that it is found by.
_RECORDS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "ledger.supply": (
        lambda s: [s.id, s.item, s.node, s.units, _when(s.due_at), s.pool, s.received],
        lambda d: Supply(d[0], d[1], d[2], d[3], datetime.fromisoformat(d[4]), d[5], d[6]),
    ),
    "ledger.backorder": (
        lambda b: [
            *(b.reservation, b.item, b.units, _when(b.since), b.priority, b.channel, b.nodes, b.pools),
            *(_when(b.promised_at), _when(b.expires_at)),
        ],
        lambda d: Backorder(
            reservation=d[0],
            item=d[1],
            units=d[2],
            since=datetime.fromisoformat(d[3]),
            priority=d[4],
            channel=d[5],
            nodes=None if d[6] is None else tuple(d[6]),
            pools=tuple(d[7]),
            promised_at=_time(d[8]),
            expires_at=_time(d[9]),
        ),
    ),
    "ledger.transfer": (
        lambda t: [t.id, _rows(t.sent), _rows(t.under_way), dict(sorted(t.supplies.items()))],
        lambda d: Transfer(d[0], _cells(d[1]), _cells(d[2]), d[3]),
    ),
    "ledger.seen": (_when, _time),
    "ledger.corrected": (str, str),
}


# What commands of the ledger are answered with, besides plain values.
_ANSWERS: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        *(Allocated, Arrival, Cell, Counted, Entry, Filled, Movement, Outranked, Promise, Repromise, Reservation),
        *(Reserved, Transfer, Victim),
    )
}


class Foreign(Protocol):
    """What turns a host's own values into plain ones and back; `omscore.codec.Codec` does.

    >>> from omscore.codec import standard
    >>> foreign: Foreign = standard()
    """

    def encode(self, value: Any) -> Any:
        """A value as plain JSON data.

        >>> from omscore.codec import standard
        >>> standard().encode((1, 2))
        {'$': 'tuple', 'of': [1, 2]}
        """
        ...

    def decode(self, data: Any) -> Any:
        """The value back.

        >>> from omscore.codec import standard
        >>> standard().decode({'$': 'tuple', 'of': [1, 2]})
        (1, 2)
        """
        ...


class _Foreign(Exception):
    """An answer that is no answer of the ledger."""


def _plain(value: Any) -> Any:
    """An answer as plain JSON: values as they are, everything else as a list that begins with what it is."""
    if value is None or type(value) in (bool, int, str):
        return value
    kind = type(value).__name__
    if isinstance(value, datetime):
        return ["time", value.isoformat()]
    if isinstance(value, dict):
        return ["map", *sorted(([_plain(k), _plain(v)] for k, v in value.items()), key=json.dumps)]
    if type(value) in (tuple, list):
        return [kind, *map(_plain, value)]
    if _ANSWERS.get(kind) is not type(value):
        raise _Foreign(kind)
    return [kind, *(_plain(getattr(value, name)) for name in _names(type(value)))]


def _is_foreign(data: Any) -> bool:
    return isinstance(data, list) and data[:1] == ["foreign"]


def _answer(data: Any) -> Any:
    """The answer that `_plain` wrote."""
    if not isinstance(data, list):
        return data
    kind, *parts = data
    if kind == "time":
        return datetime.fromisoformat(*parts)
    if kind == "map":
        return {_answer(k): _answer(v) for k, v in parts}
    if kind in ("tuple", "list"):
        return (tuple if kind == "tuple" else list)(map(_answer, parts))
    cls = _ANSWERS[kind]
    return cls(**dict(zip(_names(cls), map(_answer, parts), strict=True)))


def _names(cls: Any) -> tuple[str, ...]:
    return cls._fields if hasattr(cls, "_fields") else tuple(a.name for a in fields(cls))


def export_lines(books: LedgerTransaction, *, codec: Foreign | None = None) -> Iterator[str]:
    """The ledger as lines of JSON, in one order: entries as recorded, reservations and records by id, and a seal.

    Every entry carries its link of its cell's hash chain, and the last line a digest of all lines before it, so that a
    changed or cut file is found out. The keys of commands are in it, with their fingerprints and answers, so that a
    command sent again to the books that read it is a repeat there too. Keys whose answer is none of the ledger's (a
    host's own commands, kept in the same store) go along where a `codec` knows it, and else stay where they are; what
    such an answer speaks of, an order say, is the host's to take along.

    >>> from omscore.inventory import MemoryBooks, receive
    >>> books = MemoryBooks()
    >>> receive(books, {Cell("A", "x"): 5}, cause="dock-7")
    >>> lines = list(export_lines(books))
    >>> lines[0], json.loads(lines[1])[0], len(lines)
    ('["omscore.ledger/1"]', 'entry', 3)
    """
    seal = blake2b(digest_size=16)
    for row in _exported(books, codec):
        line = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        seal.update(line.encode() + b"\n")
        yield line
    yield json.dumps(["end", seal.hexdigest()], separators=(",", ":"))


def _exported(books: LedgerTransaction, codec: Foreign | None) -> Iterator[list[Any]]:
    yield [_FORMAT]
    chain: dict[Cell, str] = {}
    after = 0
    while page := books.journal(after=after, limit=_PAGE):
        after += len(page)
        for entry in page:
            cell, source, target, units, verb, cause, reservation, effective_at, mirrors = entry.movement
            chain[cell] = digest = linked(chain.get(cell, ""), entry)
            yield [
                *("entry", entry.seq, _when(entry.recorded_at), *cell, source, target, units, verb, cause),
                *(reservation, _when(effective_at), mirrors, digest),
            ]
    for r in all_reservations(books):
        yield ["reservation", r.id, _when(r.expires_at), r.channel, r.priority, r.ended, _when(r.since)]
    after_key = ""
    while keys := books.claims(after=after_key, limit=_KEYS_PAGE):
        after_key = keys[-1][0]
        for key, name, answer in keys:
            try:
                yield ["key", key, name, _plain(answer)]
            except _Foreign:
                if codec is not None:
                    yield ["key", key, name, ["foreign", codec.encode(answer)]]
    for kind, (write, _) in _RECORDS.items():
        for _, id_ in pages(books, kind, "all"):
            stored = books.get(kind, id_)
            if stored is not None:
                yield [kind, id_, write(stored.value)]


def import_lines(books: LedgerTransaction, lines: Iterable[str], *, codec: Foreign | None = None) -> int:
    """Read an export into empty books, with its times; returns the number of entries.

    Raises Corrupt naming the line that is not what was written, and CommandRefused: `ledger.not_empty`, and
    `ledger.foreign_keys` where the export was written with a `codec` and none is given here.

    >>> from omscore.inventory import MemoryBooks, receive
    >>> books, twin = MemoryBooks(), MemoryBooks()
    >>> receive(books, {Cell("A", "x"): 5}, cause="dock-7")
    >>> import_lines(twin, export_lines(books))
    1
    >>> list(export_lines(twin)) == list(export_lines(books))
    True
    """
    if books.journal(limit=1) or books.reservations(limit=1) or books.claims(limit=1):
        raise CommandRefused([Reason("ledger.not_empty", "these books have entries already; import into empty ones")])
    seal = blake2b(digest_size=16)
    reader = _Reader(books, codec)
    number, ended = 0, False
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        try:
            row = json.loads(text)
            if ended or not isinstance(row, list) or (number == 1) != (row == [_FORMAT]):
                raise ValueError("it stands where no such line belongs")
            if row[0] == "end":
                ended = True
                if row[1] != seal.hexdigest():
                    raise ValueError("the lines before it were changed after they were written")
            elif number > 1:
                reader.take(row)
        except (ValueError, TypeError, IndexError, KeyError) as error:
            raise Corrupt(f"line {number} of the export is not what was written: {error}") from error
        seal.update(text.encode() + b"\n")
    if not ended:
        raise Corrupt(f"the export ends after line {number} without its seal; it was cut off")
    reader.finish()
    return reader.entries


class _Reader:
    """Takes the rows of an export one by one and writes them in a few large steps."""

    def __init__(self, books: LedgerTransaction, codec: Foreign | None) -> None:
        self.entries = 0
        self._codec = codec
        self._books = books
        self._chain: dict[Cell, tuple[int, str]] = {}
        self._held: dict[str, dict[Held, int]] = {}
        self._batch: list[Movement] = []
        self._batch_at: datetime | None = None

    def take(self, row: list[Any]) -> None:
        if row[0] == "entry":
            self._entry(row)
            return
        self._flush()
        if row[0] == "reservation":
            _, id_, expires_at, channel, priority, ended, since = row
            held = {key: n for key, n in sorted(self._held.pop(id_, {}).items()) if n}
            self._books.save_reservation(
                Reservation(id_, held, _time(expires_at), channel, priority, 0, ended, _time(since))
            )
        elif row[0] == "key":
            _, key, name, answer = row
            self._books.claim(key, name, self._foreign(key, answer[1]) if _is_foreign(answer) else _answer(answer))
        else:
            kind, id_, data = row
            self._record(kind, id_, _RECORDS[kind][1](data))

    def _foreign(self, key: str, data: Any) -> Any:
        if self._codec is None:
            text = f"the answer of key {key!r} is a host's own; import it with the codec that it was exported with"
            raise CommandRefused([Reason("ledger.foreign_keys", text, {"key": key})])
        return self._codec.decode(data)

    def _entry(self, row: list[Any]) -> None:
        _, seq, at, *rest = row
        item, node, pool, lot, source, target, units, verb, cause, reservation, effective_at, mirrors, digest = rest
        cell = Cell(item, node, pool, lot)
        movement = Movement(cell, source, target, units, verb, cause, reservation, _time(effective_at), mirrors)
        entry = Entry(seq, _time(at), movement)
        before, link = self._chain.get(cell, (0, ""))
        if seq != before + 1:
            raise ValueError(f"number {seq} of {item!r} at {node!r} follows number {before}")
        if linked(link, entry) != digest:
            raise ValueError(f"number {seq} of {item!r} at {node!r} does not match its digest")
        self._chain[cell] = (seq, digest)
        if self._batch and (entry.recorded_at != self._batch_at or len(self._batch) >= _PAGE):
            self._flush()
        self._batch.append(movement)
        self._batch_at = entry.recorded_at
        self.entries += 1
        if reservation:
            held = self._held.setdefault(reservation, {})
            if source in HELD:
                held[cell, source] = held.get((cell, source), 0) - units
            if target in HELD:
                held[cell, target] = held.get((cell, target), 0) + units

    def _flush(self) -> None:
        if self._batch:
            self._books.post(self._batch, {}, recorded_at=self._batch_at)
            self._batch = []

    def _record(self, kind: str, id_: str, value: Any) -> None:
        if isinstance(value, Supply):
            save_supply(self._books, value, 0)
        elif isinstance(value, Backorder):
            save_backorder(self._books, value, 0)
        elif isinstance(value, Transfer):
            save_transfer(self._books, value, 0)
        elif kind == "ledger.seen":
            look(self._books, cell_of(id_), value, 0)
        else:
            self._books.put(kind, id_, value, version=0, index={"all": id_})

    def finish(self) -> None:
        self._flush()
        if self._held:
            raise Corrupt(f"the export has entries of reservation {min(self._held)!r} and not the reservation itself")
