"""What adapters are given when they are made: what cannot be is named there, not by the first command that fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime

from omscore.errors import DefinitionError
from omscore.kernel import key
from omscore.kernel.given import shown
from omscore.ports import Clock

PATIENCE_MAX_S = 2_000_000
"""The longest time to wait, in seconds: three weeks, which is what SQLite can count in milliseconds."""


def path_of(what: str, path: object, such_as: str) -> str:
    """A path as text; raises DefinitionError for what is none."""
    named = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(named, str):
        raise DefinitionError(f"{what} is given by its path, such as {such_as!r}, not by {shown(path)}")
    if not named or "\0" in named:
        raise DefinitionError(f"{what} is given by its path, such as {such_as!r}; {named!r} can be none")
    try:
        os.fsencode(named)
    except UnicodeEncodeError:
        raise DefinitionError(f"{what} has a path with half a character in it, {named!r}; correct it") from None
    return named


def clock_of(clock: Clock | None) -> Callable[[], datetime] | None:
    """What tells the time; None where no clock is given. Raises DefinitionError for what is none."""
    if clock is None:
        return None
    if isinstance(clock, type):
        raise DefinitionError(f"a clock must be an object, not the class {clock.__name__}; make one of it")
    if not callable(getattr(clock, "now", None)):
        raise DefinitionError(f"a clock has a method now, as ManualClock has; {shown(clock)} has none")
    return clock.now


def tenant_of(tenant: str) -> str:
    """The name of a tenant, "" where there is but one; raises InvalidValue for what is no name."""
    return tenant if tenant == "" else key(tenant, "tenant")


def patience_of(patience_s: float) -> float:
    """Seconds to wait; raises DefinitionError for what is no such time."""
    number = isinstance(patience_s, (int, float)) and not isinstance(patience_s, bool)
    if not number or not 0 <= patience_s <= PATIENCE_MAX_S:
        raise DefinitionError(
            f"patience_s must be a number of seconds from 0 to {PATIENCE_MAX_S:,}, not {shown(patience_s)}"
        )
    return patience_s
