"""Every store under one roof: the rules in this folder hold for each."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from omscore.adapters import MemoryStore, PostgresStore, SqliteStore
from omscore.kernel import ManualClock
from omscore.ports import Store

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
_TENANTS = count()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NINE)


PostgresOpener = Callable[..., PostgresStore]


@pytest.fixture
def connected(postgres: str, clock: ManualClock) -> Iterator[PostgresOpener]:
    """Opens the same tenant again, as another host would; each test has a tenant of its own."""
    stores = []
    tenant = f"tenant-{next(_TENANTS)}"

    def open_(**options: object) -> PostgresStore:
        stores.append(PostgresStore(postgres, **({"clock": clock, "tenant": tenant} | options)))  # type: ignore[arg-type]
        return stores[-1]

    yield open_
    for one in stores:
        one.close()


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


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, clock: ManualClock) -> Store:
    if request.param == "memory":
        return MemoryStore(clock)
    if request.param == "sqlite":
        made: Store = request.getfixturevalue("opened")(durability="process-crash")
        return made
    other: Store = request.getfixturevalue("connected")()
    return other
