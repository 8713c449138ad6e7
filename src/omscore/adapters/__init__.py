"""Adapters that come with omscore: stores, a table-rate carrier, file channels, payload translators."""

from omscore.adapters.carrier import RateRow, TableCarrier
from omscore.adapters.channel import CsvChannel, JsonChannel
from omscore.adapters.clock import SystemClock
from omscore.adapters.memory import MemoryStore
from omscore.adapters.sqlite import SqliteStore

__all__ = ["SystemClock", "MemoryStore", "SqliteStore", "RateRow", "TableCarrier", "CsvChannel", "JsonChannel"]
