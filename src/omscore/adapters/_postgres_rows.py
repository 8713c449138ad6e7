"""What the journal's rows and the keys' answers look like on a PostgreSQL server.

Every row there costs 28 bytes before it holds anything, and every index on it 12 more, so what can be short is: a verb
and its two sides are one number, what few entries have is one text, and answers are packed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from omscore.inventory import JournalRow, check_words

# A place in these is a part of a number that stands in rows: they are only ever added to, at the end.
VERBS = (
    *("receive", "reserve", "allocate", "release", "expire", "pick", "pack", "ship", "return", "send_back", "transfer"),
    *("arrive", "lose", "repool", "quarantine", "damage", "restore", "scrap", "count", "correct"),
)
SIDES = (
    *("free", "reserved", "allocated", "picked", "packed", "in_transit", "quarantine", "damaged"),
    *("supplier", "customer", "adjustment", "scrap", "production", "transfer"),
)


WRONG = -1
"""The number of what is no movement, in rows of older tables: `verify` names an entry that has it."""


@cache
def number_of(verb: str, source: str, target: str) -> int:
    """The number that stands for what an entry does: 256 for each verb, 16 for each source, 1 for each target.

    Raises InvalidValue for words that the ledger does not have.
    """
    check_words(verb, source, target)
    return (VERBS.index(verb) * 16 + SIDES.index(source)) * 16 + SIDES.index(target)


@cache
def _move(number: int) -> tuple[str, str, str]:
    verb, sides = divmod(number, 256)
    source, target = divmod(sides, 16)
    if 0 <= verb < len(VERBS) and source < len(SIDES) and target < len(SIDES):
        return VERBS[verb], SIDES[source], SIDES[target]
    return f"number {number}", "", ""


def rare(effective_at: int | None, mirrors: int) -> str:
    """What few entries have: another time at which they took effect, and the entry that they take back."""
    return "" if effective_at is None and not mirrors else f"{effective_at} {mirrors}"


def _told(text: str) -> tuple[int | None, Any]:
    first, _, second = text.partition(" ")
    try:
        return None if first == "None" else int(first), int(second)
    except ValueError:
        # For `verify` to name, too, which expects a number.
        return None, text


def plain(rows: Iterable[tuple[Any, ...]]) -> list[JournalRow]:
    """Rows of the journal as the plain columns of entries."""
    found: list[JournalRow] = []
    for seq, at, number, units, cause, reservation, more, digest in rows:
        verb, source, target = _move(number)
        effective_at, mirrors = _told(more) if more else (None, 0)
        found.append((seq, at, source, target, units, verb, cause, reservation, effective_at, mirrors, digest))
    return found
