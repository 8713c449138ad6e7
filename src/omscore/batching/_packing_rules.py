"""Packing rules as data: what a tag on an item means for the way it is packed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import asdict, fields, frozen

from omscore.errors import DefinitionError

BEARS = ("all", "same", "none")
"""What may lie above a piece: everything, only pieces with the same tag, or nothing."""


@frozen
class PackingRule:
    """What a tag asks for; pieces with several tags obey all of their rules.

    `bears` says what may lie above the piece: "all", "same" (only pieces that have this tag too) or "none". `upright`
    lets it turn about its vertical axis only. `apart` keeps it out of parcels with pieces that lack the tag. `own_box`
    ships each unit as it is. `padding_mm` is added on every side and `padding_grams` to each unit. `note` is written on
    the parcel.

    Raises DefinitionError for an empty tag, an unknown `bears`, or a negative padding.

    >>> PackingRule("glass", bears="none", upright=True, padding_mm=10).bears
    'none'
    """

    tag: str
    bears: str = "all"
    upright: bool = False
    apart: bool = False
    own_box: bool = False
    padding_mm: int = 0
    padding_grams: int = 0
    note: str = ""

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.tag, str) or not self.tag:
            raise DefinitionError(f"a packing rule's tag is a non-empty string, not {self.tag!r}")
        if self.bears not in BEARS:
            raise DefinitionError(f"packing rule {self.tag!r}: bears={self.bears!r} is not one of {', '.join(BEARS)}")
        for name in ("upright", "apart", "own_box"):
            if type(getattr(self, name)) is not bool:
                raise DefinitionError(
                    f"packing rule {self.tag!r}: {name} is true or false, not {getattr(self, name)!r}"
                )
        for name in ("padding_mm", "padding_grams"):
            value = getattr(self, name)
            if type(value) is not int or value < 0:
                raise DefinitionError(
                    f"packing rule {self.tag!r}: {name} must be a whole number of at least 0, not {value!r}"
                )

    def to_dict(self) -> dict[str, Any]:
        """The rule as plain data; what is left at its default is left out.

        >>> PackingRule("glass", bears="none").to_dict()
        {'tag': 'glass', 'bears': 'none'}
        """
        return {name: value for name, value in asdict(self).items() if value != _DEFAULTS.get(name)}


_DEFAULTS: dict[str, Any] = {f.name: f.default for f in fields(PackingRule)}


PACKING_RULES = (
    PackingRule("fragile", bears="same", note="fragile"),
    PackingRule("this_side_up", upright=True, note="this side up"),
    PackingRule("hazardous", apart=True, note="hazardous goods"),
    PackingRule("gift", padding_mm=2, padding_grams=15, note="gift wrap"),
    PackingRule("own_box", own_box=True, note="ships in its own box"),
)
"""The rules used unless others are given: fragile on top, this side up, hazardous apart, gift wrapped, own box."""


def packing_rules(rows: Iterable[Mapping[str, Any]]) -> tuple[PackingRule, ...]:
    """Rules from plain data (JSON, TOML); the opposite of `PackingRule.to_dict`.

    Raises DefinitionError that names the row and the field: unknown names, wrong values, two rules for one tag.

    >>> packing_rules([{"tag": "glass", "bears": "none"}]) == (PackingRule("glass", bears="none"),)
    True
    >>> packing_rules([{"tag": "glass", "hue": "red"}])
    Traceback (most recent call last):
    omscore.errors.DefinitionError: packing_rules[0]: unknown field 'hue'; known: tag, bears, ...
    """
    made: dict[str, PackingRule] = {}
    for number, row in enumerate(rows):
        for name in row:
            if name not in _DEFAULTS:
                raise DefinitionError(f"packing_rules[{number}]: unknown field {name!r}; known: {', '.join(_DEFAULTS)}")
        if "tag" not in row:
            raise DefinitionError(f"packing_rules[{number}]: 'tag' is missing; name the tag the rule is for")
        try:
            rule = PackingRule(**row)
        except DefinitionError as error:
            raise DefinitionError(f"packing_rules[{number}]: {error}") from None
        if rule.tag in made:
            raise DefinitionError(f"packing_rules[{number}]: a second rule for tag {rule.tag!r}; say it in one rule")
        made[rule.tag] = rule
    return tuple(made.values())
