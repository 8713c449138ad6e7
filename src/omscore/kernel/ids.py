"""Ids: made by a source that the host injects, so that replays and tests draw the same ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from omscore.errors import InvalidValue
from omscore.kernel.given import shown

KEY_LENGTH_MAX = 255
"""The longest id or idempotency key any store must hold, in characters."""


def key(value: object, name: str = "key") -> str:
    """A checked id or idempotency key: printable text without surrounding spaces, 1 to 255 characters.

    Raises InvalidValue for anything else: control characters and lone surrogates are refused because stores differ in
    what they do with them.

    >>> key("checkout-17")
    'checkout-17'
    """
    # Of all white space only the space itself is printable.
    if type(value) is str and 0 < len(value) <= KEY_LENGTH_MAX and value.isprintable() and value[0] != " " != value[-1]:
        return value
    if not isinstance(value, str) or not value:
        raise InvalidValue(f"{name} must be a non-empty string, not {shown(value)}")
    if len(value) > KEY_LENGTH_MAX:
        raise InvalidValue(f"{name} must be at most {KEY_LENGTH_MAX} characters, not {len(value)}")
    if not value.isprintable() or value != value.strip():
        raise InvalidValue(f"{name} {value!r} must be printable text without surrounding spaces")
    return value


def joined(first: str, second: str, by: str) -> str:
    """Two ids as one text that no other two ids make: `by` stands between them, where the first does not contain it.

    The longer form begins with a space, as no id does.

    >>> joined("ord-1", "SKU-1", " "), joined("ord 1", "SKU-1", " ")
    ('ord-1 SKU-1', ' ["ord 1","SKU-1"]')
    """
    return f"{first}{by}{second}" if by not in first else _listed(first, second)


def alone(one: str, by: str) -> str:
    """An id where two that are :func:`joined` may stand as well, as a text that no two make.

    >>> alone("ord-1", ":"), alone("ord:1", ":")
    ('ord-1', ' ["ord:1"]')
    """
    return one if by not in one else _listed(one)


def _listed(*ids: str) -> str:
    return " " + json.dumps(ids, ensure_ascii=False, separators=(",", ":"))


def uuid7(now: datetime, entropy: int) -> UUID:
    """A version 7 UUID (RFC 9562, 5.7) from a time and 74 random bits: sortable by time, made without a clock.

    >>> from datetime import UTC
    >>> str(uuid7(datetime(2026, 3, 2, tzinfo=UTC), entropy=1))
    '019cabd8-3800-7000-8000-000000000001'
    """
    millis = int(now.timestamp() * 1000) & (2**48 - 1)
    rand_a, rand_b = (entropy >> 62) & 0xFFF, entropy & (2**62 - 1)
    return UUID(int=millis << 80 | 7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)


class SequenceIds:
    """Ids that count up per kind, for tests, notebooks and replays: `ord-1`, `ord-2`, `ful-1`.

    >>> ids = SequenceIds()
    >>> ids.next("ord"), ids.next("ord"), ids.next("ful")
    ('ord-1', 'ord-2', 'ful-1')
    """

    __slots__ = ("_counts", "_prefix")

    def __init__(self, prefix: str = "") -> None:
        self._counts: dict[str, int] = {}
        self._prefix = prefix

    def next(self, kind: str) -> str:
        """The next id of a kind.

        >>> SequenceIds("t-").next("ord")
        't-ord-1'
        """
        self._counts[kind] = n = self._counts.get(kind, 0) + 1
        return f"{self._prefix}{kind}-{n}"


class TimeIds:
    """Ids of the form kind_uuid7, from a clock and a source of random bits that the caller gives.

    >>> from datetime import UTC
    >>> from omscore.kernel.times import ManualClock
    >>> ids = TimeIds(ManualClock(datetime(2026, 3, 2, tzinfo=UTC)).now, randbits=lambda n: 1)
    >>> ids.next("ord")
    'ord_019cabd8380070008000000000000001'
    """

    __slots__ = ("_now", "_randbits")

    def __init__(self, now: Callable[[], datetime], randbits: Callable[[int], int]) -> None:
        self._now = now
        self._randbits = randbits

    def next(self, kind: str) -> str:
        """The next id of a kind.

        >>> from datetime import UTC
        >>> TimeIds(lambda: datetime(2026, 3, 2, tzinfo=UTC), lambda n: 2).next("ful")
        'ful_019cabd8380070008000000000000002'
        """
        return f"{kind}_{uuid7(self._now(), self._randbits(74)).hex}"
