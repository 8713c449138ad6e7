"""The store in PostgreSQL keeps every rule, at each level of isolation."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from omscore.adapters import PostgresStore
from omscore.testing import Backing
from omscore.testing.kit import StoreKit
from tests.postgres import database, server

_TENANTS = count()


@pytest.fixture(scope="module")
def uri() -> Iterator[str]:
    with server() as running, database(running) as own:
        yield own


class TestPostgresStore(StoreKit):
    uri: str

    @pytest.fixture(autouse=True)
    def _started(self, uri: str) -> None:
        self.uri = uri

    def make(self, tmp_path: Path) -> Backing:
        uri, tenant = self.uri, f"tenant-{next(_TENANTS)}"
        return Backing(lambda clock: PostgresStore(uri, clock=clock, tenant=tenant))
