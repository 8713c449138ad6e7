"""Adapters that come with omscore: stores, a table-rate carrier, file channels, payload translators."""

from omscore.adapters.memory import MemoryStore

__all__ = ["MemoryStore"]
