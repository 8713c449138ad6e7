"""The codec itself: which types it knows, and what each was compiled to."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from enum import Enum
from functools import cache, lru_cache, partial
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs

from omscore import batching, inventory, kernel, orders, oversight, payments, returns, routing, shipping
from omscore.codec._coders import (
    CONTAINERS,
    DYNAMIC_PLAIN,
    DYNAMIC_TEXT,
    PLAIN,
    TAG,
    TAGGED_PLAIN,
    Bad,
    Coder,
    choice,
    compiled,
    dict_text,
    each,
    each_value,
    enum_member,
    fixed,
    in_order,
    json_text,
    list_text,
    odd,
    one_of,
    only_field,
    optional,
    pairs,
    pairs_text,
    quoted,
    same,
    set_text,
    tagged_value,
    typed,
)
from omscore.errors import CodecError, DefinitionError, Reason, Shortage

Upcaster = Callable[[dict[str, Any]], Mapping[str, Any]]
"""Takes the fields of one version and returns those of the next."""

_REMEMBERED_MAX = 1_024
"""How many values `Codec.recall` remembers, and how many rows of words their texts."""


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
        self._encoders: dict[type, Callable[[Any], Any]] = dict(DYNAMIC_PLAIN)
        self._encoders |= {
            list: self._encode_list,
            tuple: lambda v: {TAG: "tuple", "of": self._encode_list(v)},
            dict: self._encode_dict,
            frozenset: lambda v: {TAG: "frozenset", "of": in_order(self._encode_list(v))},
            set: lambda v: {TAG: "set", "of": in_order(self._encode_list(v))},
        }
        self._writers: dict[type, Callable[[Any], str]] = dict(DYNAMIC_TEXT)
        self._writers |= {
            list: partial(list_text, self._write),
            tuple: lambda v: f'{{"{TAG}":"tuple","of":{list_text(self._write, v)}}}',
            dict: self._write_dict,
            frozenset: lambda v: f'{{"{TAG}":"frozenset","of":{set_text(self._write, v)}}}',
            set: lambda v: f'{{"{TAG}":"set","of":{set_text(self._write, v)}}}',
        }
        self._decoders: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            name: partial(tagged_value, decode) for name, decode in TAGGED_PLAIN.items()
        }
        self._decoders["tuple"] = lambda d: tuple(self._decode_list(only_field(d, "of")))
        self._decoders["frozenset"] = lambda d: frozenset(self._decode_list(only_field(d, "of")))
        self._decoders["set"] = lambda d: set(self._decode_list(only_field(d, "of")))
        self._decoders["map"] = lambda d: dict(pairs(self._decode, self._decode, only_field(d, "of")))
        self._coders: dict[Any, Coder] = {}

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
        except Bad as bad:
            raise bad.error() from None
        except RecursionError:
            raise CodecError("a value is nested too deep, or holds itself; store it flat") from None

    def decode(self, data: Any) -> Any:
        """The value back from JSON-able data; raises CodecError naming the path to what it cannot read.

        >>> Codec().decode({"$": "orders.Unheard/1"})
        Traceback (most recent call last):
        omscore.errors.CodecError: unknown type 'orders.Unheard'; it was written by another version or host
        """
        try:
            return self._decode(data)
        except Bad as bad:
            raise bad.error() from None

    def dumps(self, value: Any) -> str:
        """A value as JSON text.

        >>> Codec([kernel.Money]).dumps({"paid": kernel.Money(5, "EUR")})
        '{"paid":{"$":"kernel.Money/1","minor":5,"currency":"EUR"}}'
        """
        try:
            write = self._writers.get(type(value))
            return self._write(value) if write is None else write(value)
        except (Bad, AttributeError, TypeError, ValueError, RecursionError):
            pass  # found again below, with its path
        data = self.encode(value)
        try:
            return json_text(data)
        except (TypeError, ValueError, RecursionError):
            # The encoder takes typed fields at their word; here one did not hold what its type says.
            raise odd(data).error() from None

    def loads(self, text: str) -> Any:
        """The value back from JSON text.

        >>> Codec().loads('{"n":[1,2]}')
        {'n': [1, 2]}
        """
        if text == "null":
            return None
        try:
            data = json.loads(text)
        except (TypeError, ValueError, RecursionError) as error:
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

    def _write(self, value: Any) -> str:
        """A value as JSON text at once: what `json_text` makes of `_encode`, in half the time."""
        write = self._writers.get(type(value))
        if write is None:
            self._compile(type(value))
            write = self._writers[type(value)]
        return write(value)

    def _write_dict(self, value: Mapping[Any, Any]) -> str:
        if TAG in value or any(type(k) is not str for k in value):
            return f'{{"{TAG}":"map","of":{pairs_text(self._write, self._write, value)}}}'
        return dict_text(self._write, value)

    def _encode_list(self, values: Iterable[Any]) -> list[Any]:
        return each(self._encode, values)

    def _encode_dict(self, value: Mapping[Any, Any]) -> Any:
        if TAG in value or any(type(k) is not str for k in value):
            return {TAG: "map", "of": [[self._encode(k), self._encode(v)] for k, v in value.items()]}
        return each_value(self._encode, value)

    def _decode(self, data: Any) -> Any:
        kind = type(data)
        if kind is dict:
            return self._decode_tagged(data) if TAG in data else each_value(self._decode, data)
        if kind is list:
            return self._decode_list(data)
        if data is None or kind in (str, int, bool) or (kind is float and math.isfinite(data)):
            return data
        raise Bad(f"{data!r} is no JSON value")

    def _decode_list(self, data: Any) -> list[Any]:
        return each(self._decode, typed(list, "a list", data))

    def _decode_tagged(self, data: dict[str, Any]) -> Any:
        tag = data[TAG]
        decode = self._decoders.get(tag) if type(tag) is str else None
        return decode(data) if decode else self._decoder(tag)(data)

    def _decoder(self, tagged: Any) -> Callable[[Mapping[str, Any]], Any]:
        """The decoder of a tag and version met for the first time."""
        tag, slash, number = tagged.rpartition("/") if type(tagged) is str else ("", "", "")
        if not slash or not (number.isascii() and number.isdecimal()):
            raise Bad(f"{tagged!r} is no type and version such as 'kernel.Money/1'")
        cls = self._types.get(tag)
        if cls is None:
            raise Bad(f"unknown type {tag!r}; it was written by another version or host")
        version, newest = int(number), self._versions[tag]
        if version == newest:
            self._compile(cls)
            return self._decoders[tagged]
        if version > newest:
            raise Bad(f"{tag!r} version {version} is newer than {newest}, the newest this version reads; upgrade first")
        if (tag, version) not in self._upcasters:
            raise Bad(f"{tag!r} version {version} is older than any this version reads")

        def upcast(data: Mapping[str, Any]) -> Any:
            fields = {k: v for k, v in data.items() if k != TAG}
            for step in range(version, newest):
                fields = dict(self._upcasters[tag, step](fields))
            return self._decode_tagged({TAG: f"{tag}/{newest}", **fields})

        self._decoders[tagged] = upcast
        return upcast

    # -- types ------------------------------------------------------------------------------------------------------

    def _compile(self, cls: type) -> Callable[[Any], Any]:
        if cls not in self._known:
            raise Bad(f"cannot store a {cls.__qualname__}; give the codec its type")
        tag = f"{tag_of(cls)}/{self._versions[tag_of(cls)]}"
        head = f'{{"{TAG}":{quoted(tag)},'
        kind = _kind(cls)
        if kind == "enum":
            encode: Callable[[Any], Any] = lambda v: {TAG: tag, "is": v.value}  # noqa: E731 - one of four forms
            write: Callable[[Any], str] = lambda v: f'{head}"is":{json_text(v.value)}}}'  # noqa: E731
            self._decoders[tag] = lambda d: enum_member(cls, only_field(d, "is"))
        elif kind == "mapping":
            encode = lambda v: {TAG: tag, "of": [[self._encode(k), self._encode(x)] for k, x in v.items()]}  # noqa: E731
            write = lambda v: f'{head}"of":{pairs_text(self._write, self._write, v)}}}'  # noqa: E731
            self._decoders[tag] = lambda d: cls(pairs(self._decode, self._decode, only_field(d, "of")))
        else:
            encode, self._decoders[tag], write = compiled(cls, tag, self._fields(cls))
        self._encoders[cls] = encode
        self._writers[cls] = write
        return encode

    def _fields(self, cls: type) -> list[tuple[str, str, Coder]]:
        """(attribute, argument of the constructor, coder) of each field a type is built from."""
        hints = get_type_hints(cls)
        if attrs.has(cls):
            return [
                (f.name, f.alias or f.name, self._coder(hints.get(f.name, Any))) for f in attrs.fields(cls) if f.init
            ]
        return [(name, name, self._coder(hints.get(name, Any))) for name in cls._fields]  # type: ignore[attr-defined]

    def _coder(self, hint: Any) -> Coder:
        try:
            found = self._coders.get(hint)
        except TypeError:  # an unhashable hint, such as a Literal of a list
            return self._made(hint)
        if found is None:
            self._coders[hint] = found = self._made(hint)
        return found

    def _made(self, hint: Any) -> Coder:
        if hint in PLAIN:
            return PLAIN[hint]
        origin, args = get_origin(hint), get_args(hint)
        if isinstance(hint, NewType):
            return self._coder(hint.__supertype__)
        if isinstance(hint, TypeVar) or hint in (Any, object):
            return Coder(self._encode, self._decode, self._write)
        if origin in (Union, UnionType):
            rest = [a for a in args if a is not NoneType]
            if len(rest) == 1 and len(args) == 2:
                return optional(self._coder(rest[0]))
            return self._tagged(*(get_origin(a) or a for a in args))
        if origin is Literal:
            return Coder(same, partial(choice, args), self._write)
        if origin is not None and isinstance(origin, type):
            return self._container(origin, args)
        if isinstance(hint, type):
            if hint in (list, tuple, dict, set, frozenset) or hint in CONTAINERS:
                return self._container(hint, ())
            if hint in self._known and _kind(hint) == "enum":
                return Coder(lambda v: v.value, partial(enum_member, hint), lambda v: json_text(v.value))
            if hint in self._known and _kind(hint) == "tuple":
                return self._row(hint)
        return self._tagged(hint)

    def _tagged(self, *kinds: Any) -> Coder:
        """For values that carry their own tags."""
        return Coder(self._encode, partial(one_of, kinds, self._decode), self._write)

    def _container(self, origin: type, args: tuple[Any, ...]) -> Coder:
        if args and isinstance(args[0], list):
            return self._tagged(origin)  # a Callable: no function can be stored, only a value that holds one is refused
        if issubclass(origin, tuple):
            if args and args[-1] is not Ellipsis:
                return fixed([self._coder(a) for a in args])
            encode, decode, write, *_ = self._coder(args[0] if args else Any)
            return Coder(
                partial(each, encode),
                lambda v: tuple(each(decode, typed(list, "a list", v))),
                partial(list_text, write),
                ((), "[]"),
            )
        if issubclass(origin, Mapping):
            key, value = (self._coder(a) for a in (args if len(args) == 2 else (Any, Any)))
            if args and args[0] is str:
                return Coder(
                    partial(each_value, value.encode),
                    lambda v: each_value(value.decode, typed(dict, "an object", v)),
                    partial(dict_text, value.write),
                    ({}, "{}"),
                )
            return Coder(
                lambda v: [[key.encode(k), value.encode(x)] for k, x in v.items()],
                lambda v: dict(pairs(key.decode, value.decode, v)),
                partial(pairs_text, key.write, value.write),
                ({}, "[]"),
            )
        encode, decode, write, *_ = self._coder(args[0] if args else Any)
        if issubclass(origin, Set):
            made = set if origin is set else frozenset
            return Coder(
                lambda v: in_order(each(encode, v)),
                lambda v: made(each(decode, typed(list, "a list", v))),
                partial(set_text, write),
            )
        many = Coder(partial(each, encode), partial(each, decode), partial(list_text, write))
        if issubclass(origin, list):
            return many._replace(decode=lambda v: each(decode, typed(list, "a list", v)))
        if issubclass(origin, Collection | Iterable) and origin in CONTAINERS:
            return many._replace(decode=lambda v: tuple(each(decode, typed(list, "a list", v))))
        # A generic class of the host's own: its values carry their tags.
        return self._tagged(origin)

    def _row(self, cls: type) -> Coder:
        """A NamedTuple where the hint tells its type: a plain list; missing ends are filled with their defaults."""
        coders = [coder for _, _, coder in self._fields(cls)]
        row = fixed(coders, least=len(cls._fields) - len(cls._field_defaults))  # type: ignore[attr-defined]
        # Rows of words (cells) are few and written again and again.
        words = all(coder is PLAIN[str] for coder in coders)
        write = lru_cache(maxsize=_REMEMBERED_MAX)(row.write) if words else row.write
        return row._replace(decode=lambda v: cls(*row.decode(v)), write=write)


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
