"""Cells, buckets and movements: the double-entry words of the ledger.

Every unit of stock is in exactly one bucket of one cell. A movement takes units out of one bucket and puts them into
another of the same cell, so nothing appears or vanishes; where units cross the border of a cell (a supplier, a
customer, a transfer to another node) the other side is an outside bucket, which only the journal knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from omscore.errors import InvalidValue
from omscore.kernel.times import microseconds

BUCKETS = ("free", "reserved", "allocated", "picked", "packed", "in_transit", "quarantine", "damaged")
"""The buckets of a cell; a unit is in exactly one of them."""

OUTSIDE = ("supplier", "customer", "adjustment", "scrap", "production", "transfer")
"""The other sides of movements that cross a cell's border; their sums mirror what the cells hold."""

HELD = ("reserved", "allocated", "picked", "packed")
"""The buckets in which every unit belongs to somebody's reservation."""

# Copied for each use: made anew with its options it takes half as long again.
_HASH = blake2b(digest_size=16)

# What each verb may move, as data: the checks, the reference page and the tests read the same rows.
MOVES: dict[str, tuple[tuple[str, str], ...]] = {
    "receive": (("supplier", "free"), ("supplier", "quarantine"), ("production", "free")),
    "reserve": (("free", "reserved"),),
    "allocate": (("reserved", "allocated"), ("free", "allocated")),
    "release": (("reserved", "free"), ("allocated", "free"), ("picked", "free"), ("packed", "free")),
    "expire": (("reserved", "free"),),
    "pick": (("allocated", "picked"),),
    "pack": (("picked", "packed"),),
    "ship": (("packed", "customer"),),
    "return": (("customer", "free"), ("customer", "quarantine"), ("customer", "damaged"), ("customer", "scrap")),
    "send_back": (("quarantine", "supplier"), ("damaged", "supplier")),
    "transfer": (("free", "transfer"), ("transfer", "in_transit")),
    "arrive": (("in_transit", "free"), ("in_transit", "quarantine"), ("in_transit", "damaged")),
    "lose": (("in_transit", "adjustment"),),
    "repool": (("free", "transfer"), ("transfer", "free")),
    "quarantine": (("free", "quarantine"), ("damaged", "quarantine")),
    "damage": (("free", "damaged"), ("quarantine", "damaged")),
    "restore": (("quarantine", "free"), ("damaged", "free")),
    "scrap": (("free", "scrap"), ("quarantine", "scrap"), ("damaged", "scrap")),
    "count": (("adjustment", "free"), ("free", "adjustment")),
}


VERBS = (*MOVES, "correct")
"""Every verb that a movement may have."""

SIDES = (*BUCKETS, *OUTSIDE)
"""Everything that a movement may take units from or bring them to."""


class Cell(NamedTuple):
    """Where units are counted: an item at a node, in a pool (empty is the shared one) and a lot (empty is none).

    >>> Cell("SKU-1", "ghent")
    Cell(item='SKU-1', node='ghent', pool='', lot='')
    """

    item: str
    node: str
    pool: str = ""
    lot: str = ""


class Figures(NamedTuple):
    """The units in each bucket of a cell, and how often the cell has moved (its version).

    >>> Figures(free=3, reserved=2, damaged=1).on_hand
    6
    """

    free: int = 0
    reserved: int = 0
    allocated: int = 0
    picked: int = 0
    packed: int = 0
    in_transit: int = 0
    quarantine: int = 0
    damaged: int = 0
    version: int = 0

    @property
    def on_hand(self) -> int:
        """Everything that stands at the node: all buckets but in_transit.

        >>> Figures(free=3, in_transit=9).on_hand
        3
        """
        return self.free + self.reserved + self.allocated + self.picked + self.packed + self.quarantine + self.damaged


class Movement(NamedTuple):
    """Units that go from one bucket of a cell to another, by a verb, because of a command.

    `cause` is the caller's key of the command, `reservation` whose units they are (empty for nobody's), `effective_at`
    when it happened in the business, where that differs from when it was recorded, `mirrors` the number (in the same
    cell) of the movement that a correction takes back, 0 for all others.

    >>> Movement(Cell("SKU-1", "ghent"), "supplier", "free", 10, "receive", cause="dock-7")
    Movement(cell=Cell(item='SKU-1', node='ghent', pool='', lot=''), source='supplier', target='free', units=10, ...)
    """

    cell: Cell
    source: str
    target: str
    units: int
    verb: str
    cause: str
    reservation: str = ""
    effective_at: datetime | None = None
    mirrors: int = 0


class Entry(NamedTuple):
    """A movement as the journal keeps it: numbered without gaps within its cell, with the store's time.

    `digest` is the link of the cell's hash chain (see :func:`linked`); it is empty where a store computes the chain
    only when it is asked for.

    >>> Entry(1, None, Movement(Cell("SKU-1", "ghent"), "supplier", "free", 10, "receive", "dock-7")).seq
    1
    """

    seq: int
    recorded_at: datetime | None
    movement: Movement
    digest: str = ""


JournalRow = tuple[int, Any, str, str, int, str, str, str, Any, int, bytes]
"""An entry as plain columns, without its cell: number, time, source, target, units, verb, cause, reservation, effective
time, mirrored number, digest. Times are whole microseconds since 1970, None where there is none."""


def link(previous: bytes, cell: Cell, row: JournalRow) -> bytes:
    """The digest of an entry, given the digest of the one before it in its cell (empty for the first).

    It covers every column of the entry, and the first one its cell, so that a changed, dropped, inserted or swapped row
    shows from there on (BLAKE2b, 128 bits). Stores that keep the chain call this; `linked` is the same for an Entry.

    >>> row = (1, 1_772_442_000_000_000, "supplier", "free", 10, "receive", "dock-7", "", None, 0, b"")
    >>> link(b"", Cell("SKU-1", "ghent"), row).hex()
    '17159e647b1e29b1b5b056be23229f5f'
    """
    seq, at, source, target, units, verb, cause, reservation, effective, mirrors, _ = row
    # No verb, bucket or number holds a space, so no two rows give the same text.
    rare = "" if effective is None and not mirrors else f"{effective} {mirrors}"
    text = f"{seq} {at} {verb} {source} {target} {units} {rare} {len(cause)} {cause}{reservation}"
    before = previous or repr(tuple(cell)).encode()
    hashed = _HASH.copy()
    hashed.update(before + text.encode("utf-8", "surrogatepass"))
    return hashed.digest()


def flat(entry: Entry) -> JournalRow:
    """An entry as plain columns.

    >>> flat(Entry(1, None, Movement(Cell("SKU-1", "ghent"), "supplier", "free", 10, "receive", "dock-7")))
    (1, None, 'supplier', 'free', 10, 'receive', 'dock-7', '', None, 0, b'')
    """
    seq, recorded_at, movement, digest = entry
    _, source, target, units, verb, cause, reservation, effective_at, mirrors = movement
    at = None if recorded_at is None else microseconds(recorded_at)
    effective = None if effective_at is None else microseconds(effective_at)
    return (seq, at, source, target, units, verb, cause, reservation, effective, mirrors, bytes.fromhex(digest))


def linked(previous: str, entry: Entry) -> str:
    """The digest of an entry in hex, given that of the one before it in its cell; see :func:`link`.

    >>> first = Entry(1, None, Movement(Cell("SKU-1", "ghent"), "supplier", "free", 10, "receive", "dock-7"))
    >>> linked("", first)
    '6c4a3bf11ab35472245e76b7a621633b'
    """
    return link(bytes.fromhex(previous), entry[2][0], flat(entry)).hex()


def check_movement(movement: Movement) -> Movement:
    """The movement itself, if the table of verbs allows it.

    Raises InvalidValue for a verb, a pair of buckets or a number of units that no command may use.

    >>> check_movement(Movement(Cell("SKU-1", "ghent"), "free", "customer", 1, "ship", "x"))
    Traceback (most recent call last):
    omscore.errors.InvalidValue: 'ship' does not move units from 'free' to 'customer'; it moves packed -> customer
    """
    pairs = MOVES.get(movement.verb)
    # A correction mirrors any movement, so both directions of every pair are its to use.
    if movement.verb == "correct":
        pairs = tuple((b, a) for rows in MOVES.values() for a, b in rows)
    if pairs is None:
        raise InvalidValue(f"{movement.verb!r} is no verb of the ledger; the verbs are {', '.join(MOVES)}")
    if (movement.source, movement.target) not in pairs:
        known = ", ".join(f"{a} -> {b}" for a, b in pairs)
        raise InvalidValue(
            f"{movement.verb!r} does not move units from {movement.source!r} to {movement.target!r}; it moves {known}"
        )
    if type(movement.units) is not int or movement.units <= 0:
        raise InvalidValue(f"a movement moves a whole number of at least 1 unit, not {movement.units!r}")
    return movement


def check_words(verb: str, source: str, target: str) -> None:
    """Refuse what the journal has no words for, as every store's `post` does; raises InvalidValue.

    Which pairs a verb moves is for commands to say (:func:`check_movement`): a correction mirrors any.

    >>> check_words("receive", "supplier", "pocket")
    Traceback (most recent call last):
    omscore.errors.InvalidValue: 'pocket' is no bucket of the ledger and no outside of it; they are free, reserved, ...
    """
    if verb not in VERBS:
        raise InvalidValue(f"{verb!r} is no verb of the ledger; the verbs are {', '.join(VERBS)}")
    for side in (source, target):
        if side not in SIDES:
            raise InvalidValue(f"{side!r} is no bucket of the ledger and no outside of it; they are {', '.join(SIDES)}")


def check_cells(cells: Iterable[object]) -> None:
    """Refuse what is no cell; raises InvalidValue.

    >>> check_cells([("SKU-1", "ghent")])
    Traceback (most recent call last):
    omscore.errors.InvalidValue: ('SKU-1', 'ghent') is no cell; write Cell('SKU-1', 'ghent')
    """
    for cell in cells:
        if not isinstance(cell, Cell):
            words: tuple[object, ...] = cell if isinstance(cell, tuple) else ()
            shown = words[:4] if words and all(isinstance(word, str) for word in words) else ("SKU-1", "ghent")
            raise InvalidValue(f"{cell!r} is no cell; write Cell({', '.join(map(repr, shown))})")


def cell_id(cell: Cell) -> str:
    """A cell as text, for records that are about it; `cell_of` reads it back.

    >>> cell_id(Cell("SKU-1", "ghent"))
    '["SKU-1","ghent","",""]'
    """
    return json.dumps(cell, ensure_ascii=False, separators=(",", ":"))


def cell_of(text: str) -> Cell:
    """The cell that `cell_id` wrote.

    >>> cell_of('["SKU-1","ghent","",""]').node
    'ghent'
    """
    return Cell(*json.loads(text))
