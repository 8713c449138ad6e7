"""What every test shares: hypothesis profiles (OMSCORE_PROFILE picks one), a PostgreSQL, and stores of every kind."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# First of all: a module that pytest imports by its path, and its package again on the way to it, would stand there
# twice, and what a test exchanges in one of the two would not be exchanged in the other.
import omscore.testing.walkthrough  # noqa: F401
from tests.fresh import KINDS, Fresh
from tests.postgres import database, server

# `ci` is the default, so that the same commit gives the same answer everywhere; `deep` is for a long look by hand.
_BASE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", _BASE, max_examples=30, derandomize=True, print_blob=True)
settings.register_profile("dev", _BASE, max_examples=60)
settings.register_profile("deep", _BASE, max_examples=3_000)
settings.load_profile(os.environ.get("OMSCORE_PROFILE", "ci"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """One server for all tests of this process that want one."""
    with server() as uri:
        yield uri


@pytest.fixture(scope="session")
def postgres(postgres_server: str) -> Iterator[str]:
    """A database on it, shared by tenants."""
    with database(postgres_server) as own:
        yield own


@pytest.fixture(params=KINDS)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fresh]:
    uri = request.getfixturevalue("postgres") if request.param == "postgres" else ""
    stores = Fresh(request.param, tmp_path, uri)
    yield stores
    stores.close()
