"""Warehouse systems: pick lists out, messages in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from attrs import field, frozen

from omscore.batching import PickList
from omscore.errors import InvalidValue
from omscore.kernel import key, quantity, utc
from omscore.kernel.given import listed, names
from omscore.shipping import Parcel

WMS_KINDS = ("picked", "packed", "shipped", "short", "counted")
"""What a warehouse system tells: units taken, packed, handed over, not found, and how many lie there."""


@frozen
class WmsRow:
    """Units of an item in a message of a warehouse system, and the bin where that matters.

    >>> WmsRow("MUG", 2).bin
    ''
    """

    item: str
    units: int
    bin: str = ""


def _rows(rows: Iterable[WmsRow]) -> tuple[WmsRow, ...]:
    return listed("rows", rows, WmsRow, "WmsRow('SKU-1', 2)")


def _parcels(parcels: Iterable[Parcel]) -> tuple[Parcel, ...]:
    return listed("parcels", parcels, Parcel, "Parcel('p-1', 900)")


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    return names("tracking numbers", texts, "T1")


def _maybe_utc(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value, "at")


@frozen
class WmsMessage:
    """What a warehouse system tells of a fulfillment, or of its shelves ("counted"); known by its id, counted once.

    Units are those of this message alone; several messages add up. What was shipped was packed, what was packed was
    picked: a system that only tells of the last step has said enough. A count is of all units of an item that lie on
    the node's shelves, rows of several bins summed. Raises InvalidValue naming the field that is wrong.

    >>> WmsMessage("m-1", "picked", "ghent", "ord-1-f1", [WmsRow("MUG", 2)]).kind
    'picked'
    >>> WmsMessage("m-1", "picked", "ghent", "ord-1-f1", [WmsRow("MUG", 0)])
    Traceback (most recent call last):
    omscore.errors.InvalidValue: message 'm-1': units of 'MUG' must be at least 1, not 0
    """

    id: str
    kind: str
    node: str
    fulfillment: str = ""
    rows: tuple[WmsRow, ...] = field(default=(), converter=_rows)
    parcels: tuple[Parcel, ...] = field(default=(), converter=_parcels)
    tracking: tuple[str, ...] = field(default=(), converter=_texts)
    carrier: str = ""
    at: datetime | None = field(default=None, converter=_maybe_utc)

    def __attrs_post_init__(self) -> None:
        key(self.id, "message id")
        key(self.node, f"message {self.id!r}: node")
        if self.kind not in WMS_KINDS:
            raise InvalidValue(f"message {self.id!r}: kind must be one of {', '.join(WMS_KINDS)}, not {self.kind!r}")
        if self.kind != "counted":
            key(self.fulfillment, f"message {self.id!r}: fulfillment")
        if not self.rows and not self.parcels and not self.tracking:
            raise InvalidValue(f"message {self.id!r} tells of no units; give it rows, such as [WmsRow('SKU-1', 2)]")
        for row in self.rows:
            key(row.item, f"message {self.id!r}: item")
            least = 0 if self.kind == "counted" else 1
            quantity(row.units, f"message {self.id!r}: units of {row.item!r}", at_least=least)


@runtime_checkable
class Wms(Protocol):
    """A warehouse system: takes pick lists with their bins, and is told when less of one is asked for.

    What it tells comes back through `Oms.take`, or `Oms.fetch_messages` where it has a method for that too
    (`TellsMessages`).

    >>> from omscore.adapters import MemoryWms
    >>> isinstance(MemoryWms(), Wms)
    True
    """

    def pick(self, pick_list: PickList) -> None:
        """Take a pick list, once for its id; an order of a row is a fulfillment. Raise to have it sent again later.

        >>> from omscore.adapters import MemoryWms
        >>> MemoryWms().pick(PickList("ghent-w1-b1", ()))
        """
        ...

    def change(self, fulfillment: str, units: Mapping[str, int], version: int) -> None:
        """Take what is still asked of a fulfillment, by item; nothing means that it is withdrawn.

        Of two changes the one with the higher version stands, whichever comes first.

        >>> from omscore.adapters import MemoryWms
        >>> MemoryWms().change("ord-1-f1", {"MUG": 1}, 3)
        """
        ...


@runtime_checkable
class TellsMessages(Protocol):
    """A warehouse system that can be asked what it has to tell has this method too.

    >>> from omscore.adapters import MemoryWms
    >>> isinstance(MemoryWms(), TellsMessages)
    True
    """

    def messages(self) -> Sequence[WmsMessage]:
        """What it has to tell, in any order; a message may be told again.

        >>> from omscore.adapters import MemoryWms
        >>> MemoryWms().messages()
        []
        """
        ...
