"""The store in one SQLite file keeps every rule."""

from pathlib import Path

from omscore.adapters import SqliteStore
from omscore.testing import Backing
from omscore.testing.kit import StoreKit


class TestSqliteStore(StoreKit):
    def make(self, tmp_path: Path) -> Backing:
        return Backing(lambda clock: SqliteStore(tmp_path / "shop.db", clock=clock, durability="process-crash"))
