"""Stores of every kind with nothing in them, for what must hold on each."""

from itertools import count
from pathlib import Path

from hypothesis import settings

from omscore.adapters import MemoryStore, PostgresStore, SqliteStore
from omscore.ports import Clock, Store

KINDS = ("memory", "sqlite", "postgres")
_TENANTS = count()


class Fresh:
    """Opens stores of one kind, each with nothing in it; the one before is closed."""

    def __init__(self, kind: str, folder: Path, uri: str = "") -> None:
        self.kind, self._folder, self._uri = kind, folder, uri
        self._open: SqliteStore | PostgresStore | None = None

    def __call__(self, clock: Clock | None = None) -> Store:
        self.close()
        if self.kind == "memory":
            return MemoryStore(clock)
        tenant = f"fresh-{next(_TENANTS)}"
        if self.kind == "sqlite":
            path = self._folder / "fresh.db"
            self._open = SqliteStore(path, clock=clock, tenant=tenant, durability="process-crash")
        else:
            self._open = PostgresStore(self._uri, clock=clock, tenant=tenant)
        return self._open

    def close(self) -> None:
        if self._open is not None:
            self._open.close()

    def share(self, of: int) -> int:
        """How many of so many examples are tried on it: each of memory, fewer where a command takes its time."""
        return max(1, of // {"memory": 1, "sqlite": 3, "postgres": 6}[self.kind])

    @property
    def examples(self) -> settings:
        """For a property: as many examples as there is time for."""
        return settings(max_examples=self.share(settings().max_examples))
