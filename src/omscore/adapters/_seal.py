"""Seals: a checksum behind every text that a row keeps, so that what rots on a disk shows when the row is read.

A text goes into its row as itself, a line end and eight digits: the CRC-32 of what the row is of (its kind, its key)
and of the text. JSON has no line end of its own. Texts written before there were seals have none, and are read as they
are until they are written again; but what is packed always has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from zlib import DEFLATED, compressobj, crc32, decompressobj, error

from omscore.codec import Codec
from omscore.errors import Corrupt


def sealed(text: str, what: str, name: str, more: object, *rest: object) -> str:
    """A text as it is kept; the others are what else of its row must be what it was."""
    # Three are what most rows are of: the same text as the tuple's in two thirds of the time.
    of = repr((what, name, more, *rest)) if rest else f"({what!r}, {name!r}, {more!r})"
    return f"{text}\n{crc32(f'{of}{text}'.encode()).to_bytes(4, 'big').hex()}"


def opened(text: object, *of: object) -> str:
    """The text of a row, packed or not; raises Corrupt when it is not what was written there."""
    is_packed = type(text) is bytes
    if type(text) is bytes:
        text = _unpacked(text)
    if type(text) is str:
        body, mark, seal = text.rpartition("\n")
        if not (mark or is_packed):
            return text
        if mark and seal == f"{crc32(f'{of}{body}'.encode()):08x}":
            return body
    raise Corrupt(f"{of[0]} {of[1]!r} is not what was written; verify the store against a backup")


# What answers of commands are made of, the most frequent last. Packed texts are read with it, so it never changes.
_WORDS = (
    rb'{"$":"inventory.Transfer/1","id":"","sent":[[["","under_way":[[["","supplies":{"":""'
    rb'{"$":"inventory.Entry/1","seq":1,"recorded_at":"","movement":[["","","",""],"","",1,"","","",null,0],"digest":""}'
    rb'{"$":"inventory.Repromise/1","reservation":"","item":"","units":1,"was":"","now":"'
    rb'{"$":"inventory.Outranked/1","reserved":["",[[["","","",""],1]],{},null,[]],'
    rb'{"$":"inventory.Reservation/1","id":"","held":[[[["","","",""],"allocated"],1]],'
    rb'"channel":"","priority":0,"version":1,"ended":"","since":"'
    rb'{"$":"inventory.Counted/1","changes":[[["","","",""],-1]],"victims":[],"short":[],"arrival":'
    rb'{"$":"inventory.Victim/1","reservation":"","cell":["","","",""],"bucket":"reserved","units":1,"channel":"","priority":0}],'
    rb'"promises":[{"$":"inventory.Promise/1","reservation":"","item":"","units":1,"promised_at":"2026-'
    rb'{"$":"tuple","of":[]}'
    rb'{"$":"inventory.Arrival/1","filled":[{"$":"inventory.Filled/1","reservation":"","item":"","cells":[[["","waiting":1}],'
    rb'{"$":"inventory.Arrival/1","filled":[],"repromised":[]}'
    rb'{"$":"inventory.Allocated/1","reservation":"","cells":[[["","","",""],1]],"rest":[]}'
    rb'{"$":"inventory.Reserved/1","reservation":"","cells":[[["","","",""],1]],"short":{},"expires_at":null,"promises":[]}'
    rb',"","",""],1]],"short":{},"expires_at":"2026-01-01T00:00:00.000000+00:00","promises":[]}'
)
# Small tables, which are quickly made: a text is no longer than its words.
_PACKER = compressobj(6, DEFLATED, -11, 3, zdict=_WORDS)


def packed(text: str) -> bytes:
    """A sealed text for a row that is kept for good and seldom read, in a third of the room (RFC 1951)."""
    packer = _PACKER.copy()
    return packer.compress(text.encode()) + packer.flush()


def _unpacked(data: bytes) -> str | None:
    unpacker = decompressobj(-11, _WORDS)
    try:
        text = unpacker.decompress(data).decode()
    except (error, UnicodeDecodeError):
        return None
    return text if unpacker.eof and not unpacker.unused_data else None


class Sealing:
    """A codec whose texts are sealed."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._text = codec.dumps

    def dumps(self, value: Any, what: str, name: str, more: str, *rest: str) -> str:
        text = self._text(value)
        return sealed(text, what, name, more, *rest) if rest else sealed(text, what, name, more)

    def loads(self, text: object, *of: str) -> Any:
        return self._codec.loads(opened(text, *of))

    def recall(self, text: object, *of: str) -> Any:
        return self._codec.recall(opened(text, *of))

    def remember(self, text: str, value: Any) -> None:
        self._codec.remember(text.rpartition("\n")[0], value)


class Table(NamedTuple):
    """A table of sealed texts: what its rows are, how they are ordered, and what each seal covers."""

    what: str
    name: str
    order: tuple[str, ...]
    of: tuple[str, ...]
    text: str


TABLES = (
    Table("key", "oms_claims", ("key",), ("key", "fingerprint"), "result"),
    Table("record", "oms_records", ("kind", "id"), ("id", "kind"), "value"),
    Table("event", "oms_log", ("kind", "id", "seq"), ("id", "kind", "cause", "actor"), "event"),
    Table("effect", "oms_outbox", ("id",), ("id", "topic", "key"), "payload"),
)


def broken(table: Table, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[str, str]]:
    """What the rows are and the name of those whose seal is broken; rows are what `of` names, and the text."""
    for *of, text in rows:
        try:
            opened(text, table.what, *of)
        except Corrupt:
            yield table.what, str(of[0])
