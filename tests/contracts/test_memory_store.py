"""The store in memory keeps every rule that it declares."""

from pathlib import Path

from omscore.adapters import MemoryStore
from omscore.testing import Backing
from omscore.testing.kit import StoreKit


class TestMemoryStore(StoreKit):
    def make(self, tmp_path: Path) -> Backing:
        return Backing(MemoryStore)
