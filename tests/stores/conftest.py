"""Every store under one roof: the rules in this folder hold for each."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from omscore.adapters import MemoryStore, SqliteStore
from omscore.kernel import ManualClock
from omscore.ports import Store

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NINE)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore(clock)
        return
    sqlite = SqliteStore(tmp_path / "shop.db", clock=clock, durability="process-crash")
    yield sqlite
    sqlite.close()


Opener = Callable[..., SqliteStore]


@pytest.fixture
def opened(tmp_path: Path, clock: ManualClock) -> Iterator[Opener]:
    """Opens the same file again, as another process would."""
    stores = []

    def open_(**options: object) -> SqliteStore:
        stores.append(SqliteStore(tmp_path / "shop.db", **({"clock": clock} | options)))  # type: ignore[arg-type]
        return stores[-1]

    yield open_
    for one in stores:
        one.close()
