"""Terms: the words of a policy as values, which compose, print and turn into plain data one to one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from attrs import field, frozen

from omscore.errors import DefinitionError, InvalidValue
from omscore.kernel import Money

DEPTH_MAX = 32
"""How deep terms may be nested; a term that contains itself ends here instead of never."""

COMBINED = ("all", "any", "not")


@frozen(repr=False, order=False)
class Term:
    """A word with its arguments, or `all`, `any` or `not` of other terms."""

    op: str
    args: tuple[tuple[str, Any], ...] = ()
    parts: tuple[Term, ...] = ()
    call: Callable[..., Any] | None = None

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"{self!r} has no truth value before an order is known; combine terms with &, | and ~ instead of "
            "and, or and not, and write between(a, b) instead of a < x < b"
        )

    def __getitem__(self, name: str) -> Any:
        for mine, value in self.args:
            if mine == name:
                return value
        return None

    @property
    def stored(self) -> bool:
        """Whether the term can be written as data: it holds no host's callable.

        >>> from omscore.routing import nearest
        >>> nearest().stored
        True
        """
        return self.call is None and all(part.stored for part in self.parts)

    def walk(self) -> Iterator[Term]:
        """The term and everything in it.

        >>> from omscore.routing import online, whole_order
        >>> [t.op for t in (online() & ~whole_order()).walk()]
        ['all', 'online', 'not', 'whole_order']
        """
        yield self
        for part in self.parts:
            yield from part.walk()

    def to_data(self) -> dict[str, Any]:
        """Plain data; raises DefinitionError when the term holds a host's callable, which has no text.

        >>> from omscore.routing import within_km
        >>> within_km(400).to_data()
        {'op': 'within_km', 'km': 400}
        """
        if self.call is not None:
            raise DefinitionError(f"{self!r} is a callable of your own and cannot be stored; keep it in code")
        if self.op == "not":
            return {"not": self.parts[0].to_data()}
        if self.op in COMBINED:
            return {self.op: [part.to_data() for part in self.parts]}
        out: dict[str, Any] = {"op": self.op}
        for name, value in self.args:
            out[name] = list(value) if isinstance(value, tuple) else value
        if self.parts:
            out["parts"] = [part.to_data() for part in self.parts]
        return out

    def __repr__(self) -> str:
        if self.op == "not":
            return f"~{self.parts[0]!r}"
        if self.op in COMBINED:
            return "(" + (" & " if self.op == "all" else " | ").join(map(repr, self.parts)) + ")"
        if self.op == "compare":
            shown = self["to"]
            if self["is"] == "between":
                return f"{self['field']}.between({shown[0]!r}, {shown[1]!r})"
            return f"({self['field']} {self['is']} {shown!r})"
        shown_args = [repr(part) for part in self.parts]
        for name, value in self.args:
            if isinstance(value, tuple):
                shown_args += [repr(v) for v in value] if name == "names" else [f"{name}={list(value)!r}"]
            else:
                shown_args.append(f"{name}={value!r}")
        return f"{self.op}({', '.join(shown_args)})"


@frozen(repr=False, order=False)
class Requirement(Term):
    """Something a node must meet; `&`, `|` and `~` combine it with others.

    >>> from omscore import routing as r
    >>> isinstance(r.online() | r.within_km(50), r.Requirement)
    True
    """

    def __and__(self, other: Requirement) -> Any:
        return _combined("all", self, other)

    def __or__(self, other: Requirement) -> Any:
        return _combined("any", self, other)

    def __invert__(self) -> Requirement:
        return type(self)("not", parts=(self,))


@frozen(repr=False, order=False)
class Condition(Requirement):
    """Something that must hold for an order, whatever the node; it may stand wherever a requirement may.

    >>> from omscore import routing as r
    >>> isinstance(r.channel_is("web") & (r.units > 3), r.Condition)
    True
    """

    def __and__(self, other: Any) -> Any:
        return _combined("all", self, other)

    def __or__(self, other: Any) -> Any:
        return _combined("any", self, other)

    def __invert__(self) -> Condition:
        return Condition("not", parts=(self,))


@frozen(repr=False, order=False)
class Preference(Term):
    """An order among the nodes and plans that meet all requirements; the first that tells two apart decides.

    >>> from omscore import routing as r
    >>> isinstance(r.nearest(), r.Preference)
    True
    """


@frozen(repr=False, order=False)
class ReviewSign(Term):
    """Something about a chosen plan that a person should look at before it is carried out.

    >>> from omscore import routing as r
    >>> isinstance(r.partial_only(), r.ReviewSign)
    True
    """


def _combined(op: str, left: Requirement, right: Any) -> Any:
    if not isinstance(right, Requirement):
        raise DefinitionError(f"{left!r} combines with conditions and requirements only, not with {right!r}")
    kind = Condition if isinstance(left, Condition) and isinstance(right, Condition) else Requirement
    parts: list[Term] = []
    for side in (left, right):
        parts += side.parts if side.op == op else (side,)
    return kind(op, parts=tuple(parts))


def names(op: str, given: tuple[Any, ...]) -> tuple[tuple[str, Any], ...]:
    """Checked names as a term's arguments, in the order given, without repeats."""
    if not given:
        raise DefinitionError(f"{op} needs at least one name; without one it can never hold")
    for name in given:
        if not isinstance(name, str) or not name:
            raise DefinitionError(f"{op} takes names as non-empty text, not {name!r}")
    return (("names", tuple(dict.fromkeys(given))),)


def whole(op: str, name: str, value: Any, *, at_least: int = 0) -> int:
    """A checked whole number."""
    if type(value) is not int or value < at_least:
        raise DefinitionError(f"{op}: {name} must be a whole number of at least {at_least}, not {value!r}")
    return value


def positive(op: str, name: str, value: Any) -> int | float:
    """A checked number above zero."""
    if type(value) not in (int, float) or not 0 < value < 1e9:
        raise DefinitionError(f"{op}: {name} must be a number above 0, not {value!r}")
    return value  # type: ignore[no-any-return]


def amount(op: str, value: Any) -> str:
    """An amount as text: '75.00' is in the order's currency, '75.00 EUR' in that one only; numbers are refused."""
    if isinstance(value, Money):
        return str(value)
    if isinstance(value, Decimal):
        value = str(value)
    if not isinstance(value, str):
        raise DefinitionError(
            f"{op} compares money, so {value!r} will not do; write '75.00' (in its currency) or Money.of('75', 'EUR')"
        )
    try:
        limits(value)
    except (InvalidValue, InvalidOperation):
        raise DefinitionError(f"{op}: {value!r} is not an amount; write '75.00' or '75.00 EUR'") from None
    return value


def limits(text: str) -> tuple[str, tuple[int, ...]]:
    """The currency ("" for any) and the amount in minor units by the number of decimals (0 to 3), rounded up."""
    number, _, currency = text.partition(" ")
    exact = Decimal(number)
    if not exact.is_finite():
        raise InvalidValue(f"{text!r} is not an amount")
    if currency:
        Money.of(number, currency)
    return currency, tuple(-int((-exact.scaleb(places)) // 1) for places in range(4))


def minor(text: str, currency: str, decimals: int) -> int | None:
    """An amount in minor units of a currency, or None when it is of another one."""
    mine, by_decimals = limits(text)
    return by_decimals[decimals] if not mine or not currency or mine == currency else None


def from_data(data: Any, words: Mapping[str, Callable[..., Any]], kind: type[Term], where: str, depth: int = 0) -> Any:
    """A term from plain data; every fault is a DefinitionError that begins with the path to it."""
    if depth > DEPTH_MAX:
        raise DefinitionError(f"{where}: nested deeper than {DEPTH_MAX}; does it contain itself?")
    if not isinstance(data, Mapping):
        raise DefinitionError(f"{where}: a term is an object such as {{'op': 'online'}}, not {data!r}")
    if kind is not Preference:
        for op in COMBINED:
            if op in data:
                return _combined_from(op, data, words, kind, where, depth)
    if "op" not in data:
        raise DefinitionError(f"{where}: 'op' is missing in {dict(data)!r}")
    op = data["op"]
    make = words.get(op) if isinstance(op, str) else None
    if make is None:
        raise DefinitionError(f"{where}: unknown word {op!r}; known are {', '.join(sorted(words))}")
    args = {str(k): v for k, v in data.items() if k != "op"}
    listed = list(_list(args.pop("names", []), f"{where}.names"))
    parts = _list(args.pop("parts", []), f"{where}.parts")
    listed += [from_data(part, words, kind, f"{where}.parts[{i}]", depth + 1) for i, part in enumerate(parts)]
    args = {k: tuple(v) if isinstance(v, list) else v for k, v in args.items()}
    try:
        return make(*listed, **args)
    except TypeError as wrong:
        raise DefinitionError(f"{where}: {op}: {wrong}") from None
    except DefinitionError as wrong:
        raise DefinitionError(f"{where}: {wrong}") from None


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise DefinitionError(f"{where}: a list is needed, not {value!r}")
    return [tuple(v) if isinstance(v, list) else v for v in value]


def _combined_from(
    op: str, data: Mapping[str, Any], words: Mapping[str, Any], kind: type[Term], where: str, depth: int
) -> Any:
    if len(data) != 1:
        raise DefinitionError(f"{where}: {op!r} stands alone in its object, not beside {sorted(set(data) - {op})}")
    inner = data[op]
    if op == "not":
        return ~from_data(inner, words, kind, f"{where}.not", depth + 1)
    if not isinstance(inner, list) or len(inner) < 2:
        raise DefinitionError(f"{where}.{op}: a list of at least two terms is needed")
    parts = tuple(from_data(part, words, kind, f"{where}.{op}[{i}]", depth + 1) for i, part in enumerate(inner))
    made = Condition if all(isinstance(part, Condition) for part in parts) else Requirement
    return made(op, parts=parts)


@frozen
class Word:
    """One word of the vocabulary: how it is made from arguments, compiled, and its refusal explained."""

    make: Callable[..., Any]
    lower: Callable[..., Any]
    reason: Callable[..., Any] | None = None
    per: frozenset[str] | None = field(default=None)
    how: str = "max"
