"""What PostgreSQL says, in omscore's words."""

from __future__ import annotations

from typing import Any

from omscore.errors import (
    Busy,
    Corrupt,
    InvalidValue,
    InvariantBroken,
    OmsError,
    ReadOnly,
    SchemaMismatch,
    StoreError,
    StoreFull,
    Unknown,
)

psycopg: Any
try:
    import psycopg
except ImportError:
    psycopg = None


class Lost(StoreError):
    """The connection is gone."""


class Raced(StoreError):
    """Another command won; nothing was written, and the command is run again."""


RERUN = (Lost, Raced)
"""Nothing happened, and another attempt may succeed."""

CHANGED = (
    "the tables were changed meanwhile, nothing was written; upgrade omscore if a newer version did it, "
    "or begin a transaction anew that began before they were changed"
)

# By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html), longest match first.
_TEXTS: dict[str, tuple[type[OmsError], str]] = {
    "40003": (Unknown, "repeat the command with the same key to learn its fate"),
    "40": (Raced, "run again"),
    "OC": (Raced, "run again"),
    "23505": (Raced, "a number or a key was taken meanwhile, run again"),
    "23502": (Raced, "a version was overtaken meanwhile, run again"),
    "23514": (InvariantBroken, "a bucket would fall below zero; this is our bug, please report it"),
    "26000": (Raced, "the connection was reset and forgot its statements, run again on another"),
    "55P03": (Raced, "a lock was held too long, run again"),
    "57P": (Lost, "the server went away"),
    "08": (Lost, "the connection broke"),
    "57014": (Busy, "the server ended the statement for taking too long; nothing was written"),
    "53100": (StoreFull, "the server's disk is full; nothing was written, make room and try again"),
    "53": (Busy, "the server is out of memory or connections; nothing was written, try again"),
    "25006": (ReadOnly, "the server or this transaction is read-only; nothing was written"),
    "XX001": (Corrupt, "the server found damaged data; restore a backup"),
    "XX002": (Corrupt, "the server found a damaged index; have it rebuilt"),
    "22012": (SchemaMismatch, CHANGED),
    "22": (InvalidValue, "a value cannot be stored; nothing was written"),
}


def classified(error: Exception, *, broken: bool = False) -> OmsError:
    """The omscore error for one of psycopg's."""
    if isinstance(error, UnicodeEncodeError):
        return InvalidValue(f"a text holds half a character ({error.reason}); nothing was written")
    state = getattr(error, "sqlstate", None) or ""
    for length in (5, 3, 2):
        found = _TEXTS.get(state[:length])
        if found is not None:
            kind, text = found
            return kind(f"PostgreSQL: {str(error).strip()} ({state}): {text}")
    if broken or (isinstance(error, psycopg.OperationalError) and not state):
        return Lost(f"PostgreSQL: {str(error).strip()}")
    if isinstance(error, psycopg.DataError):
        return InvalidValue(f"a value cannot be stored ({error}); nothing was written")
    return StoreError(f"PostgreSQL: {str(error).strip()} ({state or type(error).__name__}); nothing was written")
