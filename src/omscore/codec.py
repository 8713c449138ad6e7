"""Values to plain JSON-able dicts and back: a tag and an integer version on every value, and upcasters for old ones.

A codec is a value: the types it knows are given to it, none are registered anywhere. Each type is compiled once, on
first use, from its attrs fields (or NamedTuple fields) and their type hints. Reading is strict: a field that is
missing, unknown or of the wrong type is a CodecError that names the path to it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache, partial
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, NewType, TypeVar, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import attrs

from omscore import batching, inventory, kernel, orders, oversight, payments, returns, routing, shipping
from omscore.errors import CodecError, DefinitionError, OmsError, Reason, Shortage

Upcaster = Callable[[dict[str, Any]], Mapping[str, Any]]
"""Takes the fields of one version and returns those of the next."""

_REMEMBERED_MAX = 1_024
"""How many values `Codec.recall` remembers."""

_TAG = "$"
_Coder = tuple[Callable[[Any], Any], Callable[[Any], Any]]


class _Bad(Exception):
    """What is wrong and where; becomes a CodecError at the border."""

    def __init__(self, text: str, *path: str | int) -> None:
        self.text = text
        self.path = list(path)
        super().__init__(text)

    def error(self) -> CodecError:
        where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in self.path).lstrip(".")
        return CodecError(f"{where}: {self.text}" if where else self.text)


def tag_of(cls: type) -> str:
    """The name a type is stored under: its package and class name, so that files within a package may be moved.

    >>> tag_of(kernel.Money), tag_of(inventory.Cell)
    ('kernel.Money', 'inventory.Cell')
    """
    parts = cls.__module__.split(".")
    package = parts[1] if parts[0] == "omscore" and len(parts) > 1 else cls.__module__
    return f"{package}.{cls.__qualname__}"


def values_of(package: ModuleType) -> tuple[type, ...]:
    """The value types a package shows in its `__all__`: attrs classes, NamedTuples, enums and mappings.

    >>> kernel.Money in values_of(kernel), kernel.ManualClock in values_of(kernel)
    (True, False)
    """
    named = (getattr(package, name) for name in package.__all__)
    return tuple(value for value in named if isinstance(value, type) and _kind(value))


def _kind(cls: type) -> str:
    if attrs.has(cls):
        return "attrs"
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return "tuple"
    if issubclass(cls, Enum):
        return "enum"
    return "mapping" if issubclass(cls, Mapping) and cls is not dict else ""


class Codec:
    """Encodes and decodes the types it is given, and everything made of them and of plain values.

    `types` are attrs classes, NamedTuples, enums and Mapping classes. `upcasters` maps (tag, version) to a function
    that turns the fields of that version into those of the next; a type's present version is one above its last
    upcaster.

    Plain values are None, bool, int, finite float, str, list, tuple, dict, set, frozenset, datetime (stored UTC), date,
    time, timedelta, Decimal and ZoneInfo.

    >>> codec = Codec([kernel.Money])
    >>> codec.encode(kernel.Money(1999, "EUR"))
    {'$': 'kernel.Money/1', 'minor': 1999, 'currency': 'EUR'}
    >>> codec.decode(_)
    Money(minor=1999, currency='EUR')
    >>> codec.decode({"$": "kernel.Money/1", "minor": "1999", "currency": "EUR"})
    Traceback (most recent call last):
    omscore.errors.CodecError: minor: must be a whole number, not '1999'
    """

    def __init__(
        self, types: Iterable[type] = (), *, upcasters: Mapping[tuple[str, int], Upcaster] | None = None
    ) -> None:
        self._upcasters = dict(upcasters or {})
        self._types: dict[str, type] = {}
        self._known: set[type] = set()
        for cls in types:
            if not _kind(cls):
                raise DefinitionError(
                    f"{cls!r} is no attrs class, NamedTuple, enum or mapping; a codec cannot store it"
                )
            if self._types.setdefault(tag_of(cls), cls) is not cls:
                raise DefinitionError(f"two types are called {tag_of(cls)!r}; rename one")
            self._known.add(cls)
        self._versions = dict.fromkeys(self._types, 1)
        for tag, version in sorted(self._upcasters):
            if tag not in self._types:
                raise DefinitionError(f"an upcaster is for {tag!r}, which is no type of this codec")
            if version != self._versions[tag]:
                raise DefinitionError(f"the upcasters of {tag!r} skip version {self._versions[tag]}")
            self._versions[tag] = version + 1
        self._remembered: dict[str, Any] = {}
        self._encoders: dict[type, Callable[[Any], Any]] = dict(_DYNAMIC_PLAIN)
        self._encoders |= {
            list: self._encode_list,
            tuple: lambda v: {_TAG: "tuple", "of": self._encode_list(v)},
            dict: self._encode_dict,
            frozenset: lambda v: {_TAG: "frozenset", "of": _in_order(self._encode_list(v))},
            set: lambda v: {_TAG: "set", "of": _in_order(self._encode_list(v))},
        }
        self._decoders: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            name: partial(_tagged, decode) for name, decode in _TAGGED_PLAIN.items()
        }
        self._decoders["tuple"] = lambda d: tuple(self._decode_list(_field(d, "of")))
        self._decoders["frozenset"] = lambda d: frozenset(self._decode_list(_field(d, "of")))
        self._decoders["set"] = lambda d: set(self._decode_list(_field(d, "of")))
        self._decoders["map"] = lambda d: dict(_pairs(self._decode, self._decode, _field(d, "of")))
        self._coders: dict[Any, _Coder] = {}

    def with_types(self, *types: type, upcasters: Mapping[tuple[str, int], Upcaster] | None = None) -> Codec:
        """A codec that knows these types too: for a host's own events and states.

        >>> Codec().with_types(kernel.Money).encode(kernel.Money(5, "EUR"))["minor"]
        5
        """
        return Codec(dict.fromkeys((*self._types.values(), *types)), upcasters=self._upcasters | dict(upcasters or {}))

    def encode(self, value: Any) -> Any:
        """A value as JSON-able data; raises CodecError naming the path to what it cannot store.

        >>> Codec().encode((1, "a"))
        {'$': 'tuple', 'of': [1, 'a']}
        >>> Codec().encode({"what": object()})
        Traceback (most recent call last):
        omscore.errors.CodecError: what: cannot store a object; give the codec its type
        """
        try:
            return self._encode(value)
        except _Bad as bad:
            raise bad.error() from None

    def decode(self, data: Any) -> Any:
        """The value back from JSON-able data; raises CodecError naming the path to what it cannot read.

        >>> Codec().decode({"$": "orders.Unheard/1"})
        Traceback (most recent call last):
        omscore.errors.CodecError: unknown type 'orders.Unheard'; it was written by another version or host
        """
        try:
            return self._decode(data)
        except _Bad as bad:
            raise bad.error() from None

    def dumps(self, value: Any) -> str:
        """A value as JSON text.

        >>> Codec([kernel.Money]).dumps({"paid": kernel.Money(5, "EUR")})
        '{"paid":{"$":"kernel.Money/1","minor":5,"currency":"EUR"}}'
        """
        if value is None:
            return "null"
        data = self.encode(value)
        try:
            return json_text(data)
        except (TypeError, ValueError, RecursionError):
            # The encoder takes typed fields at their word; here one did not hold what its type says.
            raise _odd(data).error() from None

    def loads(self, text: str) -> Any:
        """The value back from JSON text.

        >>> Codec().loads('{"n":[1,2]}')
        {'n': [1, 2]}
        """
        if text == "null":
            return None
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CodecError(f"this is no JSON: {error}") from None
        return self.decode(data)

    def recall(self, text: str) -> Any:
        """The value back from JSON text that was read or written lately, else read anew: the same for the same text.

        Only tagged values are remembered, since they never change; plain lists and dicts are read anew.

        >>> codec = Codec([kernel.Money])
        >>> text = codec.dumps(kernel.Money(1999, "EUR"))
        >>> codec.recall(text) is codec.recall(text)
        True
        """
        if text in self._remembered:
            return self._remembered[text]
        value = self.loads(text)
        self.remember(text, value)
        return value

    def remember(self, text: str, value: Any) -> None:
        """Keep a value for `recall`, by the text it was written as; the oldest give way.

        >>> codec, price = Codec([kernel.Money]), kernel.Money(1999, "EUR")
        >>> codec.remember(codec.dumps(price), price)
        >>> codec.recall(codec.dumps(price)) is price
        True
        """
        if text.startswith('{"$"'):
            if len(self._remembered) >= _REMEMBERED_MAX:
                # Threads may race to drop the same oldest text; either way one gives way.
                self._remembered.pop(next(iter(self._remembered)), None)
            self._remembered[text] = value

    # -- values whose type no hint tells ----------------------------------------------------------------------------

    def _encode(self, value: Any) -> Any:
        encode = self._encoders.get(type(value))
        if encode is None:
            encode = self._compile(type(value))
        return encode(value)

    def _encode_list(self, values: Iterable[Any]) -> list[Any]:
        return _each(self._encode, values)

    def _encode_dict(self, value: Mapping[Any, Any]) -> Any:
        if _TAG in value or any(type(k) is not str for k in value):
            return {_TAG: "map", "of": [[self._encode(k), self._encode(v)] for k, v in value.items()]}
        return _values(self._encode, value)

    def _decode(self, data: Any) -> Any:
        kind = type(data)
        if kind is dict:
            return self._decode_tagged(data) if _TAG in data else _values(self._decode, data)
        if kind is list:
            return self._decode_list(data)
        if data is None or kind in (str, int, bool) or (kind is float and math.isfinite(data)):
            return data
        raise _Bad(f"{data!r} is no JSON value")

    def _decode_list(self, data: Any) -> list[Any]:
        return _each(self._decode, _typed(list, "a list", data))

    def _decode_tagged(self, data: dict[str, Any]) -> Any:
        tag = data[_TAG]
        decode = self._decoders.get(tag) if type(tag) is str else None
        return decode(data) if decode else self._decoder(tag)(data)

    def _decoder(self, tagged: Any) -> Callable[[Mapping[str, Any]], Any]:
        """The decoder of a tag and version met for the first time."""
        tag, slash, number = tagged.rpartition("/") if type(tagged) is str else ("", "", "")
        if not slash or not (number.isascii() and number.isdecimal()):
            raise _Bad(f"{tagged!r} is no type and version such as 'kernel.Money/1'")
        cls = self._types.get(tag)
        if cls is None:
            raise _Bad(f"unknown type {tag!r}; it was written by another version or host")
        version, newest = int(number), self._versions[tag]
        if version == newest:
            self._compile(cls)
            return self._decoders[tagged]
        if version > newest:
            raise _Bad(
                f"{tag!r} version {version} is newer than {newest}, the newest this version reads; upgrade first"
            )
        if (tag, version) not in self._upcasters:
            raise _Bad(f"{tag!r} version {version} is older than any this version reads")

        def upcast(data: Mapping[str, Any]) -> Any:
            fields = {k: v for k, v in data.items() if k != _TAG}
            for step in range(version, newest):
                fields = dict(self._upcasters[tag, step](fields))
            return self._decode_tagged({_TAG: f"{tag}/{newest}", **fields})

        self._decoders[tagged] = upcast
        return upcast

    # -- types ------------------------------------------------------------------------------------------------------

    def _compile(self, cls: type) -> Callable[[Any], Any]:
        if cls not in self._known:
            raise _Bad(f"cannot store a {cls.__qualname__}; give the codec its type")
        tag = f"{tag_of(cls)}/{self._versions[tag_of(cls)]}"
        kind = _kind(cls)
        if kind == "enum":
            encode: Callable[[Any], Any] = lambda v: {_TAG: tag, "is": v.value}  # noqa: E731 - one of four forms
            self._decoders[tag] = lambda d: _enum(cls, _field(d, "is"))
        elif kind == "mapping":
            encode = lambda v: {_TAG: tag, "of": [[self._encode(k), self._encode(x)] for k, x in v.items()]}  # noqa: E731
            self._decoders[tag] = lambda d: cls(_pairs(self._decode, self._decode, _field(d, "of")))
        else:
            encode, self._decoders[tag] = _compiled(cls, tag, self._fields(cls))
        self._encoders[cls] = encode
        return encode

    def _fields(self, cls: type) -> list[tuple[str, str, _Coder]]:
        """(attribute, argument of the constructor, coder) of each field a type is built from."""
        hints = get_type_hints(cls)
        if attrs.has(cls):
            return [
                (f.name, f.alias or f.name, self._coder(hints.get(f.name, Any))) for f in attrs.fields(cls) if f.init
            ]
        return [(name, name, self._coder(hints.get(name, Any))) for name in cls._fields]  # type: ignore[attr-defined]

    def _coder(self, hint: Any) -> _Coder:
        try:
            found = self._coders.get(hint)
        except TypeError:  # an unhashable hint, such as a Literal of a list
            return self._made(hint)
        if found is None:
            self._coders[hint] = found = self._made(hint)
        return found

    def _made(self, hint: Any) -> _Coder:
        if hint in _PLAIN:
            return _PLAIN[hint]
        origin, args = get_origin(hint), get_args(hint)
        if isinstance(hint, NewType):
            return self._coder(hint.__supertype__)
        if isinstance(hint, TypeVar) or hint in (Any, object):
            return self._encode, self._decode
        if origin in (Union, UnionType):
            rest = [a for a in args if a is not NoneType]
            if len(rest) == 1 and len(args) == 2:
                return _optional(self._coder(rest[0]))
            return self._encode, partial(_one_of, tuple(get_origin(a) or a for a in args), self._decode)
        if origin is Literal:
            return _same, partial(_choice, args)
        if origin is not None and isinstance(origin, type):
            return self._container(origin, args)
        if isinstance(hint, type):
            if hint in (list, tuple, dict, set, frozenset) or hint in _CONTAINERS:
                return self._container(hint, ())
            if hint in self._known and _kind(hint) == "enum":
                return (lambda v: v.value), partial(_enum, hint)
            if hint in self._known and _kind(hint) == "tuple":
                return self._row(hint)
        return self._encode, partial(_one_of, (hint,), self._decode)

    def _container(self, origin: type, args: tuple[Any, ...]) -> _Coder:
        if issubclass(origin, tuple):
            if args and args[-1] is not Ellipsis:
                return _fixed([self._coder(a) for a in args])
            encode, decode = self._coder(args[0] if args else Any)
            return partial(_each, encode), lambda v: tuple(_each(decode, _typed(list, "a list", v)))
        if issubclass(origin, Mapping):
            key, value = (self._coder(a) for a in (args if len(args) == 2 else (Any, Any)))
            if args and args[0] is str:
                return partial(_values, value[0]), lambda v: _values(value[1], _typed(dict, "an object", v))
            return (
                lambda v: [[key[0](k), value[0](x)] for k, x in v.items()],
                lambda v: dict(_pairs(key[1], value[1], v)),
            )
        encode, decode = self._coder(args[0] if args else Any)
        if issubclass(origin, Set):
            made = set if origin is set else frozenset
            return lambda v: _in_order(_each(encode, v)), lambda v: made(_each(decode, _typed(list, "a list", v)))
        if issubclass(origin, list):
            return partial(_each, encode), lambda v: _each(decode, _typed(list, "a list", v))
        if issubclass(origin, Collection | Iterable) and origin in _CONTAINERS:
            return partial(_each, encode), lambda v: tuple(_each(decode, _typed(list, "a list", v)))
        # A generic class of the host's own: its values carry their tags.
        return self._encode, partial(_one_of, (origin,), self._decode)

    def _row(self, cls: type) -> _Coder:
        """A NamedTuple where the hint tells its type: a plain list; missing ends are filled with their defaults."""
        encode, decode = _fixed(
            [coder for _, _, coder in self._fields(cls)],
            least=len(cls._fields) - len(cls._field_defaults),  # type: ignore[attr-defined]
        )
        return encode, lambda v: cls(*decode(v))


def standard() -> Codec:
    """The codec of everything omscore stores: the value types of every package.

    >>> standard().loads(standard().dumps(inventory.Cell("SKU-1", "ghent")))
    Cell(item='SKU-1', node='ghent', pool='', lot='')
    """
    return _STANDARD()


@cache
def _STANDARD() -> Codec:  # noqa: N802 - made once, never changed
    packages = (kernel, orders, payments, inventory, routing, batching, shipping, returns, oversight)
    return Codec((Reason, Shortage, *(cls for package in packages for cls in values_of(package))))


# -- plain values ---------------------------------------------------------------------------------------------------


def _same(value: Any) -> Any:
    return value


def _typed(kind: type, called: str, value: Any) -> Any:
    if type(value) is not kind:
        raise _Bad(f"must be {called}, not {value!r}")
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise _Bad(f"must be a text, not {value!r}")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise _Bad(f"must be a whole number, not {value!r}")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise _Bad(f"must be a finite number, not {value!r}")
    return float(value)


def _finite(value: float) -> float:
    return _number(value)


def _parsed(parse: Callable[[str], Any], called: str) -> Callable[[Any], Any]:
    def decode(value: Any) -> Any:
        try:
            return parse(_text(value))
        except (ValueError, InvalidOperation, KeyError, OSError):
            raise _Bad(f"must be {called}, not {value!r}") from None

    return decode


def _utc_text(value: datetime) -> str:
    if value.tzinfo is UTC:
        return value.isoformat()
    if value.utcoffset() is None:
        raise _Bad(f"{value.isoformat()} is naive; times carry a zone")
    return value.astimezone(UTC).isoformat()


def _moment(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.utcoffset() is None:
        raise ValueError(text)
    return value.astimezone(UTC)


def _microseconds(value: timedelta) -> int:
    return value // timedelta(microseconds=1)


_TEXTUAL: dict[type, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = {
    datetime: ("datetime", _utc_text, _parsed(_moment, "an ISO 8601 time with its offset")),
    date: ("date", date.isoformat, _parsed(date.fromisoformat, "an ISO 8601 date")),
    time: ("time", time.isoformat, _parsed(time.fromisoformat, "an ISO 8601 time of day")),
    timedelta: ("timedelta", _microseconds, lambda v: timedelta(microseconds=_whole(v))),
    Decimal: ("decimal", str, _parsed(Decimal, "a decimal number")),
    ZoneInfo: ("zone", str, _parsed(ZoneInfo, "a time zone's name")),
}

# By hint, where the field's type is told: the value alone.
_PLAIN: dict[Any, _Coder] = {
    str: (_same, _text),
    int: (_same, _whole),
    bool: (_same, partial(_typed, bool, "true or false")),
    float: (_finite, _number),
    NoneType: (_same, lambda v: v if v is None else _typed(NoneType, "null", v)),
    **{kind: (encode, decode) for kind, (_, encode, decode) in _TEXTUAL.items()},
}


def _named(name: str, encode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: {_TAG: name, "is": encode(value)}


def _tagged(decode: Callable[[Any], Any], data: Mapping[str, Any]) -> Any:
    return decode(_field(data, "is"))


# By the value's own type, where no hint tells: with a tag.
_DYNAMIC_PLAIN: dict[type, Callable[[Any], Any]] = {
    str: _same,
    int: _same,
    bool: _same,
    NoneType: _same,
    float: _finite,
    **{kind: _named(name, encode) for kind, (name, encode, _) in _TEXTUAL.items()},
}
_TAGGED_PLAIN = {name: decode for name, _, decode in _TEXTUAL.values()}
_CONTAINERS = frozenset({Sequence, Collection, Iterable, Set, Mapping})


# -- compounds: the quick way first; only when it fails, again step by step to name the path ------------------------


def _each(code: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
    try:
        return [code(v) for v in values]
    except _Bad:
        for i, value in enumerate(values):
            try:
                code(value)
            except _Bad as bad:
                raise _Bad(bad.text, i, *bad.path) from None
        raise


def _values(code: Callable[[Any], Any], mapping: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {k: code(v) for k, v in mapping.items()}
    except _Bad:
        for key, value in mapping.items():
            try:
                code(value)
            except _Bad as bad:
                raise _Bad(bad.text, key, *bad.path) from None
        raise


def _pairs(key: Callable[[Any], Any], value: Callable[[Any], Any], data: Any) -> list[tuple[Any, Any]]:
    def pair(row: Any) -> tuple[Any, Any]:
        if type(row) is not list or len(row) != 2:
            raise _Bad(f"must be a pair, not {row!r}")
        return key(row[0]), value(row[1])

    return _each(pair, _typed(list, "a list of pairs", data))


def _fixed(coders: Sequence[_Coder], least: int | None = None) -> _Coder:
    encoders, decoders = [c[0] for c in coders], [c[1] for c in coders]
    most = len(coders)
    least = most if least is None else least

    def encode(value: Any) -> list[Any]:
        return [code(v) for code, v in zip(encoders, value, strict=True)]

    def decode(value: Any) -> tuple[Any, ...]:
        if type(value) is not list or not least <= len(value) <= most:
            raise _Bad(f"must be a list of {most}, not {value!r}")
        return tuple([code(v) for code, v in zip(decoders, value, strict=False)])

    return encode, decode


def _optional(coder: _Coder) -> _Coder:
    encode, decode = coder
    return (lambda v: None if v is None else encode(v)), (lambda v: None if v is None else decode(v))


def _one_of(kinds: tuple[Any, ...], decode: Callable[[Any], Any], data: Any) -> Any:
    value = decode(data)
    allowed = tuple(k for k in kinds if isinstance(k, type))
    # A hint that is no class (a Protocol's alias, a Callable) cannot be checked here.
    if len(allowed) == len(kinds) and not isinstance(value, allowed):
        raise _Bad(f"must be {' or '.join(k.__name__ for k in allowed)}, not {value!r}")
    return value


def _choice(allowed: tuple[Any, ...], value: Any) -> Any:
    if not any(value == a and type(value) is type(a) for a in allowed):
        raise _Bad(f"must be one of {', '.join(map(repr, allowed))}, not {value!r}")
    return value


def _enum(cls: Any, value: Any) -> Any:
    try:
        return cls(value)
    except ValueError:
        raise _Bad(f"{value!r} is no {cls.__name__}; known: {', '.join(repr(m.value) for m in cls)}") from None


def _field(data: Mapping[str, Any], name: str) -> Any:
    if name not in data or len(data) != 2:
        raise _Bad(f"must have the one field {name!r}, not {sorted(set(data) - {_TAG})}")
    return data[name]


def _in_order(encoded: list[Any]) -> list[Any]:
    # Sets have no order of their own; stored text has the same one every time.
    return sorted(encoded, key=json_text)


def _unknown(value: Any) -> Any:
    raise TypeError(f"{type(value).__name__} is no JSON")


def _text_encoder() -> Callable[[Any], str]:
    """Compact JSON, by the encoder that json.dumps makes anew for each call: here it is made once."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
    pieces = make(None, _unknown, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, False)
    return lambda data: "".join(pieces(data, 0))


json_text = _text_encoder()
"""JSON-able data as compact text; raises TypeError or ValueError for what is no JSON."""


def _odd(data: Any) -> _Bad:
    """Where data stops being JSON."""
    found = _Bad(f"cannot store {data!r} here")
    steps: Iterable[tuple[Any, Any]] = ()
    if isinstance(data, dict):
        steps = data.items()
    elif isinstance(data, list):
        steps = enumerate(data)
    for step, part in steps:
        try:
            json_text(part)
        except (TypeError, ValueError, RecursionError):
            inner = _odd(part)
            return _Bad(inner.text, step if isinstance(step, int) else str(step), *inner.path)
    return found


def _compiled(
    cls: type, tag: str, fields: list[tuple[str, str, _Coder]]
) -> tuple[Callable[[Any], Any], Callable[[Mapping[str, Any]], Any]]:
    """An encoder and a decoder of a class, written out as Python: a fourth of the time of a loop over its fields."""
    scope: dict[str, Any] = {"cls": cls}
    for i, (_, _, (encode, decode)) in enumerate(fields):
        scope |= {f"e{i}": encode, f"d{i}": decode}
    parts = [
        f"{name!r}: v.{name}" if e is _same else f"{name!r}: e{i}(v.{name})"
        for i, (name, _, (e, _)) in enumerate(fields)
    ]
    arguments = [f"{alias}=d{i}(d[{name!r}])" for i, (name, alias, _) in enumerate(fields)]
    source = (
        f"def encode(v):\n    return {{{', '.join([f'{_TAG!r}: {tag!r}', *parts])}}}\n"
        f"def decode(d):\n    return cls({', '.join(arguments)})\n"
    )
    # The source holds nothing but the class's own field names, which are identifiers.
    exec(source, scope)  # noqa: S102 - as attrs itself makes __init__
    quick_encode, quick_decode = scope["encode"], scope["decode"]
    names = {name for name, _, _ in fields}

    def encode_class(value: Any) -> Any:
        try:
            return quick_encode(value)
        except (_Bad, AttributeError, TypeError, ValueError):
            for name, _, (encode, _) in fields:
                part = getattr(value, name)
                try:
                    encode(part)
                except _Bad as bad:
                    raise _Bad(bad.text, name, *bad.path) from None
                except (AttributeError, TypeError, ValueError):
                    raise _Bad(f"cannot store {part!r} here", name) from None
            raise

    def decode_class(data: Mapping[str, Any]) -> Any:
        try:
            if len(data) == len(fields) + 1:
                return quick_decode(data)
        except (_Bad, KeyError):
            pass  # found again below, with its path
        except (OmsError, TypeError, ValueError) as error:
            raise _Bad(f"{tag}: {error}") from None
        for name, _, (_, decode) in fields:
            if name not in data:
                raise _Bad(f"{tag}: field {name!r} is missing")
            try:
                decode(data[name])
            except _Bad as bad:
                raise _Bad(bad.text, name, *bad.path) from None
        unknown = sorted(set(data) - names - {_TAG})
        raise _Bad(f"{tag}: unknown field {unknown[0]!r}" if unknown else f"{tag}: its fields do not fit together")

    return encode_class, decode_class


__all__ = ["Codec", "Upcaster", "standard", "tag_of", "values_of", "json_text"]
