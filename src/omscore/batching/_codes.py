"""What a scanner reads: check digits, and the book that says which item a code stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from attrs import field, frozen

from omscore.errors import InvalidValue, Reason
from omscore.kernel import Item

_GTIN_LENGTHS = (8, 12, 13, 14)
_SSCC_LENGTH = 18


def check_digit(digits: str) -> int:
    """The GS1 check digit that belongs behind these digits: weights 3 and 1 from the right, modulo 10.

    One rule serves GTIN-8, -12, -13, -14 and SSCC. Source: GS1 General Specifications, section 7.9.1.

    >>> check_digit("400638133393"), check_digit("10614141234567890")
    (1, 8)

    Raises InvalidValue for anything but digits.
    """
    if not (digits.isascii() and digits.isdigit()):
        raise InvalidValue(f"a check digit is one of digits, not of {digits!r}")
    return -sum(int(d) * (3 if place % 2 == 0 else 1) for place, d in enumerate(reversed(digits))) % 10


def is_gs1(code: str) -> bool:
    """Whether a code is a GTIN (8, 12, 13 or 14 digits) or an SSCC (18 digits) with a right check digit.

    >>> is_gs1("4006381333931"), is_gs1("4006381333932"), is_gs1("SKU-1")
    (True, False, False)
    """
    return has_gs1_shape(code) and check_digit(code[:-1]) == int(code[-1])


def has_gs1_shape(code: str) -> bool:
    """Whether a code is as long as a GTIN or an SSCC and all digits, whatever its check digit."""
    return code.isascii() and code.isdigit() and (len(code) in _GTIN_LENGTHS or len(code) == _SSCC_LENGTH)


def _normal(code: str) -> str:
    # The same article number may be read as 12, 13 or 14 digits: GS1 fills with zeros on the left.
    return code.zfill(14) if has_gs1_shape(code) and len(code) != _SSCC_LENGTH else code


@frozen
class Barcodes:
    """Which item, and how many units of it, each code stands for; and which items are variants of one thing.

    An item answers to its SKU and to its GTIN, in 8, 12, 13 or 14 digits alike. `refused` lists codes that were left
    out, with the item named: a wrong check digit, or a code that already stands for something else.

    >>> book = Barcodes.of([Item("MUG-RED", gtin="4006381333931")], packs={"14006381333938": ("MUG-RED", 12)})
    >>> book.find("4006381333931"), book.find("04006381333931"), book.find("14006381333938"), book.find("9")
    (('MUG-RED', 1), ('MUG-RED', 1), ('MUG-RED', 12), None)
    """

    entries: Mapping[str, tuple[str, int]]
    families: Mapping[str, str] = field(factory=dict)
    refused: tuple[Reason, ...] = ()

    @classmethod
    def of(
        cls,
        items: Iterable[Item],
        *,
        packs: Mapping[str, tuple[str, int]] | None = None,
        families: Mapping[str, str] | None = None,
    ) -> Self:
        """A book of items, of packs {code: (sku, units)}, and of families {sku: name of what it is a variant of}.

        >>> Barcodes.of([Item("MUG", gtin="4006381333932")]).refused[0].code
        'scan.bad_check_digit'
        """
        entries: dict[str, tuple[str, int]] = {}
        refused: list[Reason] = []
        stock = list(items)
        wanted = [(item.sku, item.sku, 1) for item in stock]
        wanted += [(item.gtin, item.sku, 1) for item in stock if item.gtin]
        wanted += [(code, sku, units) for code, (sku, units) in (packs or {}).items()]
        for code, sku, units in wanted:
            facts = {"code": code, "item": sku}
            if code != sku and has_gs1_shape(code) and not is_gs1(code):
                text = f"code {code!r} of {sku!r} has a wrong check digit; read it again from the article"
                refused.append(Reason("scan.bad_check_digit", text, facts))
            elif units < 1:
                refused.append(Reason("scan.bad_units", f"code {code!r} of {sku!r} stands for {units} units", facts))
            elif entries.setdefault(_normal(code), (sku, units)) != (sku, units):
                text = f"code {code!r} of {sku!r} already stands for {entries[_normal(code)][0]!r}"
                refused.append(Reason("scan.code_taken", text, facts))
        return cls(entries, dict(families or {}), tuple(refused))

    def find(self, code: str) -> tuple[str, int] | None:
        """The item and the units a code stands for, or None.

        >>> Barcodes.of([Item("MUG")]).find("MUG")
        ('MUG', 1)
        """
        return self.entries.get(_normal(code))

    def are_variants(self, one: str, other: str) -> bool:
        """Whether two different items belong to one family (the red mug and the blue one).

        >>> Barcodes.of([], families={"RED": "mug", "BLUE": "mug"}).are_variants("RED", "BLUE")
        True
        """
        return one != other and one in self.families and self.families.get(other) == self.families[one]
