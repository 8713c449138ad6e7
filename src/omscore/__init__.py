"""omscore: the domain core of order management, embeddable in any host.

An order flows one way: capture -> validate -> allocate -> route -> batch -> ship -> return. The stages are the
packages `orders`, `inventory`, `routing`, `batching`, `shipping` and `returns`; :class:`Oms` runs them over a store.

Importing omscore loads nothing but this page: each name is loaded from its home when it is first used (PEP 562), so
that a host pays for the rooms it enters.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omscore.adapters.memory import MemoryStore
    from omscore.app import Network, Oms
    from omscore.errors import (
        Busy,
        CarrierError,
        CarrierRejected,
        CarrierUnavailable,
        ChannelError,
        CodecError,
        CommandRefused,
        Conflict,
        ContentConflict,
        Corrupt,
        DefinitionError,
        InsufficientStock,
        InvalidValue,
        InvariantBroken,
        KeyReused,
        NotFound,
        OmsError,
        ReadOnly,
        Reason,
        SchemaMismatch,
        Shortage,
        StoreError,
        StoreFull,
        TransitionNotAllowed,
        Unknown,
    )
    from omscore.kernel import (
        Address,
        Dimensions,
        GeoPoint,
        Item,
        ManualClock,
        Money,
        Quantities,
        SequenceIds,
        StateTable,
        cm,
        inch,
        kg,
        lb,
        oz,
    )
    from omscore.orders import ORDER_STATES, Customer, Draft, DraftLine, Fulfillment, Hold, Order, Routed
    from omscore.ports import Parcel
    from omscore.routing import Node

# Where names live, those that load least first.
_HOMES = ("errors", "kernel", "orders", "app", "routing", "ports", "adapters.memory")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"omscore.{home}")
            if name in vars(module):
                globals()[name] = vars(module)[name]
                return globals()[name]
    raise AttributeError(f"module 'omscore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "Oms",
    "Routed",
    "MemoryStore",
    "Network",
    "Node",
    "Customer",
    "Draft",
    "DraftLine",
    "Order",
    "ORDER_STATES",
    "Hold",
    "Fulfillment",
    "Parcel",
    "Address",
    "GeoPoint",
    "Item",
    "Dimensions",
    "kg",
    "lb",
    "oz",
    "cm",
    "inch",
    "Money",
    "Quantities",
    "StateTable",
    "ManualClock",
    "SequenceIds",
    "Reason",
    "Shortage",
    "OmsError",
    "DefinitionError",
    "InvalidValue",
    "TransitionNotAllowed",
    "CommandRefused",
    "InsufficientStock",
    "StoreError",
    "NotFound",
    "Conflict",
    "KeyReused",
    "ContentConflict",
    "Unknown",
    "Busy",
    "StoreFull",
    "ReadOnly",
    "Corrupt",
    "SchemaMismatch",
    "CarrierError",
    "CarrierRejected",
    "CarrierUnavailable",
    "ChannelError",
    "CodecError",
    "InvariantBroken",
]
