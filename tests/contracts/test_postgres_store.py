"""The store in PostgreSQL keeps every rule, at each level of isolation."""

from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from omscore.adapters import PostgresStore
from omscore.ports import Clock
from omscore.testing import Backing
from omscore.testing.faults import Tapped, failing
from omscore.testing.kit import StoreKit

_TENANTS = count()


class PostgresKit(StoreKit):
    isolation: ClassVar[Literal["read committed", "repeatable read", "serializable"]] = "read committed"
    one_trip: ClassVar[bool] = False
    uri: str

    @pytest.fixture(autouse=True)
    def _started(self, postgres: str) -> None:
        self.uri = postgres

    def make(self, tmp_path: Path) -> Backing:
        options: dict[str, Any] = {"isolation": self.isolation, "one_trip": self.one_trip}
        uri, tenant = self.uri, f"contract-{next(_TENANTS)}"
        return Backing(lambda clock: PostgresStore(uri, clock=clock, tenant=tenant, **options))


class TestPostgresStore(PostgresKit):
    pass


class TestPostgresInOneTrip(PostgresKit):
    one_trip = True


class TestPostgresSerializable(PostgresKit):
    isolation = "serializable"


class TestPostgresConflictsAtCommit(PostgresKit):
    """As on engines that find conflicts at COMMIT only: every seventh command ends in 40001 and is run again."""

    isolation = "repeatable read"

    def make(self, tmp_path: Path) -> Backing:
        errors = pytest.importorskip("psycopg").errors
        connect = super().make(tmp_path).connect

        def faulty(clock: Clock) -> Tapped:
            return Tapped(connect(clock), before=failing(lambda: errors.SerializationFailure("injected"), every=7))

        return Backing(faulty)
