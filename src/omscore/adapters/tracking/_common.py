"""What the readers of tracking messages share: places without addresses, XML without traps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, fromstring
from xml.parsers.expat import ExpatError, ParserCreate

from omscore.adapters.payloads._reading import Fields
from omscore.errors import CarrierError
from omscore.shipping import TrackingFact

DEPTH_MAX = 100
"""How deep elements of a message may nest; carriers' own stay below twenty."""


def carrier_fields(carrier: str, payload: Any, path: str = "") -> Fields:
    """The fields of a carrier's message; what is missing or wrong raises CarrierError."""
    return Fields.of(carrier, payload, path, error=CarrierError)


def place(country: str = "", region: str = "", postcode: str = "") -> str:
    """Where a fact happened, as country, region and postcode; cities and streets are left out.

    >>> place("US", "IL", "61536")
    'US IL 61536'
    """
    return " ".join(part for part in (country, region, postcode) if part)


def fact(of: Fields, tracking: str, code: str, at: datetime | None, where: str, carrier: str, raw: str) -> TrackingFact:
    """A fact made of a message's fields; a tracking number that cannot be one is refused where it stands."""
    with of.building():
        return TrackingFact(tracking, code, at, where, carrier, raw)


def not_tracking(carrier: str, payload: Mapping[str, Any]) -> CarrierError:
    """The error that says what a message holds instead of tracking facts."""
    kind = payload.get("object")
    holds = repr(kind) if isinstance(kind, str) else ", ".join(repr(name) for name in list(payload)[:3]) or "nothing"
    return CarrierError(f"{carrier}: an object with {holds} tells no tracking facts; send a tracking answer or webhook")


def xml_fields(carrier: str, text: str | bytes, *, root: str, many: Collection[str] = ()) -> Fields:
    """The fields of an XML message: elements as objects, text as text, attributes with an @, `many` always as lists.

    Raises CarrierError for what is not well formed, for another root element, for elements nested deeper than
    DEPTH_MAX, and for any document type declaration: no carrier needs one, and entities are how XML attacks.

    >>> xml_fields("post", "<a><b>1</b></a>", root="a", many={"b"}).data
    {'b': ['1']}
    >>> xml_fields("post", '<!DOCTYPE a [<!ENTITY x "boom">]><a>&x;</a>', root="a")
    Traceback (most recent call last):
    omscore.errors.CarrierError: post: the message declares a document type (DOCTYPE 'a'), ...
    """
    _check(carrier, text)
    tree = fromstring(text)  # noqa: S314 - document types and deep nesting were refused above
    name = _local(tree.tag)
    if name != root:
        raise CarrierError(f"{carrier}: a message <{name}> tells no tracking facts; expected <{root}>")
    value = _plain(tree, many)
    return carrier_fields(carrier, value if isinstance(value, dict) else {}, name)


def _check(carrier: str, text: str | bytes) -> None:
    depth = 0

    def begins(name: str, _attributes: object) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH_MAX:
            raise CarrierError(
                f"{carrier}: elements nest deeper than {DEPTH_MAX} at <{name}>; this is no message of theirs"
            )

    def ends(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def declares(name: str, *_rest: object) -> None:
        raise CarrierError(
            f"{carrier}: the message declares a document type (DOCTYPE {name!r}), which may hide entities;"
            " it is refused unread"
        )

    parser = ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begins, ends
    parser.StartDoctypeDeclHandler = declares
    try:
        parser.Parse(text, True)
    except (ExpatError, LookupError, ValueError) as wrong:
        raise CarrierError(f"{carrier}: the message is not well-formed XML: {wrong}") from wrong


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _plain(element: Element, many: Collection[str]) -> Any:
    found: dict[str, Any] = {f"@{_local(name)}": value for name, value in element.attrib.items()}
    for child in element:
        name, value = _local(child.tag), _plain(child, many)
        if name in many:
            found.setdefault(name, []).append(value)
        elif name in found:
            found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), value]
        else:
            found[name] = value
    text = (element.text or "").strip()
    if not found:
        return text
    return found | ({"#text": text} if text else {})
