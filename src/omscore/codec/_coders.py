"""How single values become JSON-able data and JSON text, and come back: the parts that a codec is put together from."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache, partial
from types import NoneType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from omscore.errors import CodecError, OmsError

TAG = "$"


class Coder(NamedTuple):
    """How values of one hint become JSON-able data, come back from it, and become JSON text at once.

    Where one value is told by a constant text (None, or what is empty), `brief` has both; `rest` writes the others.
    """

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]
    write: Callable[[Any], str]
    brief: tuple[Any, str] | None = None
    rest: Callable[[Any], str] | None = None


class Bad(Exception):
    """What is wrong and where; becomes a CodecError at the border."""

    def __init__(self, text: str, *path: str | int) -> None:
        self.text = text
        self.path = list(path)
        super().__init__(text)

    def error(self) -> CodecError:
        where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in self.path).lstrip(".")
        return CodecError(f"{where}: {self.text}" if where else self.text)


# -- plain values ---------------------------------------------------------------------------------------------------


def same(value: Any) -> Any:
    return value


def typed(kind: type, called: str, value: Any) -> Any:
    if type(value) is not kind:
        raise Bad(f"must be {called}, not {value!r}")
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise Bad(f"must be a text, not {value!r}")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise Bad(f"must be a whole number, not {value!r}")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise Bad(f"must be a finite number, not {value!r}")
    return float(value)


def _finite(value: float) -> float:
    return _number(value)


def _parsed(parse: Callable[[str], Any], called: str) -> Callable[[Any], Any]:
    def decode(value: Any) -> Any:
        try:
            return parse(_text(value))
        except (ValueError, InvalidOperation, KeyError, OSError):
            raise Bad(f"must be {called}, not {value!r}") from None

    return decode


_TWO = [f"{i:02}" for i in range(60)]
_THREE = [f"{i:03}" for i in range(1_000)]


@lru_cache(maxsize=64)
def _day_text(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


def _utc_text(value: datetime) -> str:
    if value.tzinfo is UTC:
        if micro := value.microsecond:
            # What isoformat gives, in two fifths of its time: every event and answer holds a time.
            day, hour, minute, second = _day_text(value.toordinal()), value.hour, value.minute, value.second
            milli, micro = divmod(micro, 1_000)
            return f"{day}T{_TWO[hour]}:{_TWO[minute]}:{_TWO[second]}.{_THREE[milli]}{_THREE[micro]}+00:00"
        return value.isoformat()
    if value.utcoffset() is None:
        raise Bad(f"{value.isoformat()} is naive; times carry a zone")
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

quoted: Callable[[str], str] = json.encoder.encode_basestring_ascii


def _bool_text(value: bool) -> str:
    return "true" if typed(bool, "true or false", value) else "false"


def _none_text(value: None) -> str:
    return typed(NoneType, "null", value) or "null"


_WRITE: dict[type, Callable[[Any], str]] = {
    str: quoted,
    int: int.__repr__,
    bool: _bool_text,
    float: lambda v: repr(_number(v)),
    NoneType: _none_text,
    datetime: lambda v: f'"{_utc_text(v)}"',
    date: lambda v: f'"{date.isoformat(v)}"',
    time: lambda v: f'"{time.isoformat(v)}"',
    timedelta: lambda v: repr(_microseconds(v)),
    Decimal: lambda v: f'"{v}"',
    ZoneInfo: lambda v: quoted(str(v)),
}

# By hint, where the field's type is told: the value alone.
PLAIN: dict[Any, Coder] = {
    str: Coder(same, _text, _WRITE[str]),
    int: Coder(same, _whole, _WRITE[int]),
    bool: Coder(same, partial(typed, bool, "true or false"), _WRITE[bool]),
    float: Coder(_finite, _number, _WRITE[float]),
    NoneType: Coder(same, lambda v: v if v is None else typed(NoneType, "null", v), _WRITE[NoneType]),
    **{kind: Coder(encode, decode, _WRITE[kind]) for kind, (_, encode, decode) in _TEXTUAL.items()},
}


def _named(name: str, encode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: {TAG: name, "is": encode(value)}


def _named_text(name: str, write: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: f'{{"{TAG}":"{name}","is":{write(value)}}}'


def tagged_value(decode: Callable[[Any], Any], data: Mapping[str, Any]) -> Any:
    return decode(only_field(data, "is"))


# By the value's own type, where no hint tells: with a tag.
DYNAMIC_PLAIN: dict[type, Callable[[Any], Any]] = {
    str: same,
    int: same,
    bool: same,
    NoneType: same,
    float: _finite,
    **{kind: _named(name, encode) for kind, (name, encode, _) in _TEXTUAL.items()},
}
DYNAMIC_TEXT: dict[type, Callable[[Any], str]] = _WRITE | {
    kind: _named_text(name, _WRITE[kind]) for kind, (name, _, _) in _TEXTUAL.items()
}
TAGGED_PLAIN = {name: decode for name, _, decode in _TEXTUAL.values()}
CONTAINERS = frozenset({Sequence, Collection, Iterable, Set, Mapping})


# -- compounds: the quick way first; only when it fails, again step by step to name the path ------------------------


def each(code: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
    try:
        return [code(v) for v in values]
    except Bad:
        for i, value in enumerate(values):
            try:
                code(value)
            except Bad as bad:
                raise Bad(bad.text, i, *bad.path) from None
        raise


def each_value(code: Callable[[Any], Any], mapping: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {k: code(v) for k, v in mapping.items()}
    except Bad:
        for key, value in mapping.items():
            try:
                code(value)
            except Bad as bad:
                raise Bad(bad.text, key, *bad.path) from None
        raise


def pairs(key: Callable[[Any], Any], value: Callable[[Any], Any], data: Any) -> list[tuple[Any, Any]]:
    def pair(row: Any) -> tuple[Any, Any]:
        if type(row) is not list or len(row) != 2:
            raise Bad(f"must be a pair, not {row!r}")
        return key(row[0]), value(row[1])

    return each(pair, typed(list, "a list of pairs", data))


def fixed(coders: Sequence[Coder], least: int | None = None) -> Coder:
    encoders, decoders = [c[0] for c in coders], [c[1] for c in coders]
    most = len(coders)
    least = most if least is None else least
    names = ", ".join(f"v{i}" for i in range(most))
    scope: dict[str, Any] = {f"w{i}": coder.write for i, coder in enumerate(coders)}
    exec(  # noqa: S102 - as in compiled
        f"def write(v):\n    [{names}] = v\n    return f'[{','.join(f'{{w{i}(v{i})}}' for i in range(most))}]'\n", scope
    )

    def encode(value: Any) -> list[Any]:
        return [code(v) for code, v in zip(encoders, value, strict=True)]

    def decode(value: Any) -> tuple[Any, ...]:
        if type(value) is not list or not least <= len(value) <= most:
            raise Bad(f"must be a list of {most}, not {value!r}")
        return tuple([code(v) for code, v in zip(decoders, value, strict=False)])

    return Coder(encode, decode, scope["write"])


def optional(coder: Coder) -> Coder:
    encode, decode, write, _, _ = coder
    return Coder(
        lambda v: None if v is None else encode(v),
        lambda v: None if v is None else decode(v),
        lambda v: "null" if v is None else write(v),
        (None, "null"),
        write,
    )


def list_text(write: Callable[[Any], str], values: Iterable[Any]) -> str:
    return f"[{','.join([write(v) for v in values])}]" if values != () else "[]"


def set_text(write: Callable[[Any], str], values: Iterable[Any]) -> str:
    return f"[{','.join(sorted([write(v) for v in values]))}]"


def dict_text(write: Callable[[Any], str], mapping: Mapping[str, Any]) -> str:
    return f"{{{','.join([f'{quoted(k)}:{write(v)}' for k, v in mapping.items()])}}}" if mapping != {} else "{}"


def pairs_text(key: Callable[[Any], str], value: Callable[[Any], str], mapping: Mapping[Any, Any]) -> str:
    if len(mapping) == 1:
        ((k, v),) = mapping.items()
        return f"[[{key(k)},{value(v)}]]"
    return f"[{','.join([f'[{key(k)},{value(v)}]' for k, v in mapping.items()])}]" if mapping != {} else "[]"


def one_of(kinds: tuple[Any, ...], decode: Callable[[Any], Any], data: Any) -> Any:
    value = decode(data)
    allowed = tuple(k for k in kinds if isinstance(k, type))
    # A hint that is no class (a Protocol's alias, a Callable) cannot be checked here.
    if len(allowed) == len(kinds) and not isinstance(value, allowed):
        raise Bad(f"must be {' or '.join(k.__name__ for k in allowed)}, not {value!r}")
    return value


def choice(allowed: tuple[Any, ...], value: Any) -> Any:
    if not any(value == a and type(value) is type(a) for a in allowed):
        raise Bad(f"must be one of {', '.join(map(repr, allowed))}, not {value!r}")
    return value


def enum_member(cls: Any, value: Any) -> Any:
    try:
        return cls(value)
    except ValueError:
        raise Bad(f"{value!r} is no {cls.__name__}; known: {', '.join(repr(m.value) for m in cls)}") from None


def only_field(data: Mapping[str, Any], name: str) -> Any:
    if name not in data or len(data) != 2:
        raise Bad(f"must have the one field {name!r}, not {sorted(set(data) - {TAG})}")
    return data[name]


def in_order(encoded: list[Any]) -> list[Any]:
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


def odd(data: Any) -> Bad:
    """Where data stops being JSON."""
    found = Bad(f"cannot store {data!r} here")
    steps: Iterable[tuple[Any, Any]] = ()
    if isinstance(data, dict):
        steps = data.items()
    elif isinstance(data, list):
        steps = enumerate(data)
    for step, part in steps:
        try:
            json_text(part)
        except (TypeError, ValueError, RecursionError):
            inner = odd(part)
            return Bad(inner.text, step if isinstance(step, int) else str(step), *inner.path)
    return found


def _asked(values: Sequence[str], fields: Sequence[tuple[str, str, Coder]]) -> list[str]:
    return [f"{value} = v.{name}" for value, (name, _, _) in zip(values, fields, strict=True)]


def _text_of(i: int, coder: Coder) -> str:
    """The source of what writes the field of a number."""
    if coder.brief is None:
        return f"w{i}(v{i})"
    return f"t{i} if v{i} {'is' if coder.brief[0] is None else '=='} b{i} else w{i}(v{i})"


def compiled(
    cls: type, tag: str, fields: list[tuple[str, str, Coder]]
) -> tuple[Callable[[Any], Any], Callable[[Mapping[str, Any]], Any], Callable[[Any], str]]:
    """An encoder, decoder and writer of a class, as Python source: a fourth of the time of loops over its fields."""
    scope: dict[str, Any] = {"cls": cls, "head": f'{{"{TAG}":{quoted(tag)}'}
    for i, (_, _, (encode, decode, write, brief, rest)) in enumerate(fields):
        scope |= {f"e{i}": encode, f"d{i}": decode, f"w{i}": rest or write}
        if brief is not None:
            scope |= {f"b{i}": brief[0], f"t{i}": brief[1]}
    parts = [
        f"{name!r}: v.{name}" if coder.encode is same else f"{name!r}: e{i}(v.{name})"
        for i, (name, _, coder) in enumerate(fields)
    ]
    values = [f"v{i}" for i in range(len(fields))]
    # A row is taken apart at once; of other values each field is asked for.
    take = f"{', '.join(values)}, = v" if issubclass(cls, tuple) else "; ".join(_asked(values, fields)) or "pass"
    texts = [f",{quoted(name)}:{{{_text_of(i, coder)}}}" for i, (name, _, coder) in enumerate(fields)]
    arguments = [f"{alias}=d{i}(d[{name!r}])" for i, (name, alias, _) in enumerate(fields)]
    source = (
        f"def encode(v):\n    return {{{', '.join([f'{TAG!r}: {tag!r}', *parts])}}}\n"
        f"def decode(d):\n    return cls({', '.join(arguments)})\n"
        f"def write(v):\n    {take}\n    return f'''{{head}}{''.join(texts)}}}}}'''\n"
    )
    # The source holds nothing but the class's own field names, which are identifiers.
    exec(source, scope)  # noqa: S102 - as attrs itself makes __init__
    quick_encode, quick_decode = scope["encode"], scope["decode"]
    names = {name for name, _, _ in fields}

    def encode_class(value: Any) -> Any:
        try:
            return quick_encode(value)
        except (Bad, AttributeError, TypeError, ValueError):
            for name, _, (encode, *_) in fields:
                part = getattr(value, name)
                try:
                    encode(part)
                except Bad as bad:
                    raise Bad(bad.text, name, *bad.path) from None
                except (AttributeError, TypeError, ValueError):
                    raise Bad(f"cannot store {part!r} here", name) from None
            raise

    def decode_class(data: Mapping[str, Any]) -> Any:
        try:
            if len(data) == len(fields) + 1:
                return quick_decode(data)
        except (Bad, KeyError):
            pass  # found again below, with its path
        except (OmsError, TypeError, ValueError) as error:
            raise Bad(f"{tag}: {error}") from None
        for name, _, (_, decode, *_) in fields:
            if name not in data:
                raise Bad(f"{tag}: field {name!r} is missing")
            try:
                decode(data[name])
            except Bad as bad:
                raise Bad(bad.text, name, *bad.path) from None
        unknown = sorted(set(data) - names - {TAG})
        raise Bad(f"{tag}: unknown field {unknown[0]!r}" if unknown else f"{tag}: its fields do not fit together")

    return encode_class, decode_class, scope["write"]
