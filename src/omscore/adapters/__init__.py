"""Adapters that come with omscore: stores, a table-rate carrier, file channels, payload translators.

A store that needs a database is loaded when it is first used, so that hosts without one do not pay for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from omscore.adapters.carrier import RateRow, TableCarrier
from omscore.adapters.channel import CsvChannel, JsonChannel
from omscore.adapters.clock import SystemClock
from omscore.adapters.memory import MemoryStore
from omscore.adapters.wms import JsonLinesWms, MemoryWms

if TYPE_CHECKING:
    from omscore.adapters.postgres import PostgresStore
    from omscore.adapters.sqlite import SqliteStore

_LATER = {"SqliteStore": "omscore.adapters.sqlite", "PostgresStore": "omscore.adapters.postgres"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'omscore.adapters' has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(_LATER[name]), name)
    return value


__all__ = [
    "SystemClock",
    "MemoryStore",
    "SqliteStore",
    "PostgresStore",
    "RateRow",
    "TableCarrier",
    "CsvChannel",
    "JsonChannel",
    "MemoryWms",
    "JsonLinesWms",
]
