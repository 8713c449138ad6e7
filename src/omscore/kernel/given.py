"""What callers give: values of the wrong kind are named at the door, and never with what a customer told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from omscore.errors import InvalidValue

K = TypeVar("K")
T = TypeVar("T")

SHOWN_MAX = 60
"""The longest text of a value that is shown as it is, in characters."""


def shown(value: object) -> str:
    """A value that is wrong, as a message may tell it: short plain ones as they are, of all others only the kind.

    A whole payload that was given in place of one value would bring the customer's name into logs.

    >>> shown("2"), shown(None), shown({"name": "A. Person"}), shown([])
    ("'2'", 'None', 'a dict', 'a list')
    """
    plain = value is None or isinstance(value, (bool, int, float, str, bytes))
    if plain and len(text := repr(value)) <= SHOWN_MAX:
        return text
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"


def text(name: str, value: object) -> None:
    """Raise InvalidValue for what should be text and is not, such as an Order where its id belongs."""
    if not isinstance(value, str):
        own = getattr(value, "id", None)
        way_out = f"; give its id {own!r}" if isinstance(own, str) else ""
        raise InvalidValue(f"{name} must be text, not {shown(value)}{way_out}")


def texts(**named: object) -> None:
    """The same for several."""
    for name, value in named.items():
        text(name, value)


def flags(**named: object) -> None:
    """Raise InvalidValue for what is neither True nor False: the text "false" would count as true."""
    for name, value in named.items():
        if not isinstance(value, bool):
            raise InvalidValue(f"{name} must be True or False, not {shown(value)}")


def names(what: str, given: Iterable[str], such_as: str) -> tuple[str, ...]:
    """Several names; raises InvalidValue for a text alone, whose letters would be taken for names."""
    return listed(what, given, str, repr(such_as))


def name_set(what: str, given: Iterable[str], such_as: str) -> frozenset[str]:
    """The same without an order."""
    return given if type(given) is frozenset else frozenset(names(what, given, such_as))


def mapped(what: str, given: Mapping[K, T], such_as: str) -> dict[K, T]:
    """A mapping of its own; raises InvalidValue for anything else."""
    if type(given) is not dict and not isinstance(given, Mapping):
        raise InvalidValue(f"{what} are a mapping such as {such_as}, not {shown(given)}")
    return dict(given)


def listed(what: str, given: Iterable[T], kind: type[Any] | tuple[type[Any], ...], such_as: str) -> tuple[T, ...]:
    """Several values of one kind; raises InvalidValue for one alone, and for other kinds."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise InvalidValue(f"{what} are a list such as [{such_as}], not {shown(given)}")
    found = tuple(given)
    for one in found:
        if not isinstance(one, kind):
            raise InvalidValue(f"{what} are a list such as [{such_as}]; {shown(one)} is none")
    return found


def function(what: str, value: object) -> None:
    """Raise InvalidValue for what cannot be called."""
    if not callable(value):
        raise InvalidValue(f"{what} must be a function, not {shown(value)}")


def one_of(what: str, value: object, known: Collection[str]) -> None:
    """Raise InvalidValue for what is none of some words."""
    if not isinstance(value, str) or value not in known:
        raise InvalidValue(f"{what} must be one of {', '.join(known)}, not {shown(value)}")


def of_kind(what: str, value: object, kind: type[Any], such_as: str) -> None:
    """Raise InvalidValue for a value of another kind."""
    if not isinstance(value, kind):
        raise InvalidValue(f"{what} must be {kind.__name__}, such as {such_as}, not {shown(value)}")
