"""What SQLite says, in omscore's words."""

from __future__ import annotations

import sqlite3

from omscore.errors import Busy, Corrupt, InvalidValue, OmsError, ReadOnly, StoreError, StoreFull, Unknown

ENGINE_ERRORS = (sqlite3.Error, OverflowError, UnicodeEncodeError, UnicodeDecodeError)
"""What comes out of the database or on the way into it."""

# By the first word of SQLite's result code (https://sqlite.org/rescode.html).
_TEXTS: dict[str, tuple[type[StoreError], str]] = {
    "BUSY": (Busy, "another connection held the lock; nothing was written, try again"),
    "LOCKED": (Busy, "another connection held the lock; nothing was written, try again"),
    "FULL": (StoreFull, "the disk or the file's size limit is full; nothing was written, make room and try again"),
    "READONLY": (ReadOnly, "the file or this transaction is read-only; nothing was written"),
    "CANTOPEN": (StoreError, "the file or its folder cannot be opened; check the path and its permissions"),
    "CORRUPT": (Corrupt, "the file is damaged; restore a backup, nothing is guessed"),
    "NOTADB": (Corrupt, "the file is no SQLite database; nothing was changed"),
    "IOERR": (StoreError, "the disk failed; nothing was written"),
    "CONSTRAINT": (Corrupt, "a row already stands where the figures say there is none; verify the store"),
}


def typed(error: Exception, *, committing: bool = False) -> OmsError:
    """The omscore error for one of SQLite's."""
    if isinstance(error, OverflowError):
        return InvalidValue("a number is beyond 64 bits, more than any store can hold; nothing was written")
    if isinstance(error, UnicodeDecodeError):
        return Corrupt(f"a text in the file is none ({error.reason}); restore a backup, nothing is guessed")
    if isinstance(error, UnicodeEncodeError):
        return InvalidValue(f"a text holds half a character ({error.reason}); nothing was written")
    name = getattr(error, "sqlite_errorname", None) or ""
    word = name.removeprefix("SQLITE_").partition("_")[0]
    if word == "IOERR" and committing and "FSYNC" in name:
        return Unknown("the disk failed during COMMIT; repeat the command with the same key to learn its fate")
    if isinstance(error, sqlite3.InterfaceError) or (isinstance(error, sqlite3.ProgrammingError) and not name):
        return InvalidValue(f"a value cannot be stored ({error}); nothing was written")
    kind, text = _TEXTS.get(word, (StoreError, "nothing was written"))
    return kind(f"SQLite: {error} ({name or type(error).__name__}): {text}")
