"""What every test shares: hypothesis profiles, picked by the environment variable OMSCORE_PROFILE, and a PostgreSQL."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres import server

# `ci` is the default, so that the same commit gives the same answer everywhere; `deep` is for a long look by hand.
_BASE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", _BASE, max_examples=30, derandomize=True, print_blob=True)
settings.register_profile("dev", _BASE, max_examples=60)
settings.register_profile("deep", _BASE, max_examples=3_000)
settings.load_profile(os.environ.get("OMSCORE_PROFILE", "ci"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A server for all tests of this process that want one; each makes a database of its own there."""
    with server() as uri:
        yield uri
