"""Conflicts: a channel sent other content under a revision that came before; the first stands, and a person decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs
from attrs import evolve, field, frozen

from omscore.kernel import Money, StateTable
from omscore.orders._draft import Draft

CONFLICT_STATES = StateTable(
    "conflict",
    {
        "open": {"keep_first": "kept", "take_second": "taken", "supersede": "superseded"},
        "kept": {},
        "taken": {},
        "superseded": {},
    },
)
"""A person decides a conflict once; a later revision of the order settles it too."""

_HIDDEN = "(not shown)"
_PERSONAL = frozenset({"name", "company", "phone", "email", "lines", "note", "gift_message"})


@frozen
class DraftConflict:
    """Two contents of one revision: what differs (path, first, second), and the second draft, which was not taken.

    What names a person or their door is told by its path only.

    >>> DraftConflict("web/1/1/f", "ord-1", "web/1", 1, "f", (("service", "standard", "express"),)).state
    'open'
    """

    id: str
    order: str
    external: str
    revision: int
    fingerprint: str
    fields: tuple[tuple[str, str, str], ...]
    draft: Draft | None = field(default=None, repr=False)
    since: datetime | None = None
    state: str = "open"
    note: str = ""

    def decided(self, command: str, note: str = "") -> DraftConflict:
        """This conflict after "keep_first", "take_second" or "supersede"; raises TransitionNotAllowed the second time.

        >>> DraftConflict("web/1/1/f", "ord-1", "web/1", 1, "f", ()).decided("keep_first").state
        'kept'
        """
        return evolve(self, state=CONFLICT_STATES.next(self.state, command, self.id), note=note)


def differences(first: Draft, second: Draft) -> tuple[tuple[str, str, str], ...]:
    """Where two drafts differ: (path, first, second) in the order of their fields; lines are known by their ids.

    >>> from datetime import UTC
    >>> one = Draft("web", "1", "EUR", (), datetime(2026, 3, 2, tzinfo=UTC))
    >>> differences(one, evolve(one, service="express", shipping=Money(495, "EUR")))
    (('service', 'standard', 'express'), ('shipping', 'None', '4.95 EUR'))
    """
    return tuple(_differ(first, second, "", hide=False))


def _differ(first: Any, second: Any, path: str, *, hide: bool) -> Iterator[tuple[str, str, str]]:
    if first == second:
        return
    a, b = _parts(first), _parts(second)
    if a is None or b is None:
        yield (path, _HIDDEN, _HIDDEN) if hide else (path, str(first), str(second))
        return
    for name in dict.fromkeys((*a, *b)):
        # Rows of an order are told apart by their ids; the lines of an address are a person's door.
        inner = hide or (name in _PERSONAL and not (path == "" and name == "lines")) or name == "extra"
        where = f"{path}[{name}]" if path == "lines" else f"{path}.{name}".lstrip(".")
        yield from _differ(a.get(name), b.get(name), where, hide=inner)


def _parts(value: Any) -> Mapping[str, Any] | None:
    """The named parts of a value; None for one that is shown whole."""
    if isinstance(value, tuple) and all(hasattr(row, "unit_price") for row in value):
        return {row.id: row for row in value}
    if attrs.has(type(value)) and not isinstance(value, Money):
        return {f.name: getattr(value, f.name) for f in attrs.fields(type(value))}
    return value if isinstance(value, Mapping) else None
