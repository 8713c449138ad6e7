"""Pages that name DATABASE_URL get a PostgreSQL of their own, and the files that pages open are closed."""

from collections.abc import Iterator
from typing import Any

import pytest

from omscore.adapters import SqliteStore
from tests.postgres import database


@pytest.fixture
def stores_of_the_page(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[SqliteStore]]:
    """The files that a page opens as its process would: they are given back when it ends."""
    opened: list[SqliteStore] = []
    open_ = SqliteStore.__init__

    def noted(self: SqliteStore, *args: Any, **options: Any) -> None:
        open_(self, *args, **options)
        opened.append(self)

    monkeypatch.setattr(SqliteStore, "__init__", noted)
    yield opened
    for store in opened:
        store.close()


@pytest.fixture(autouse=True)
def a_database_for_the_page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    page = getattr(request.node, "callspec", None) and request.node.callspec.params.get("page")
    if page is None or "runs" not in request.node.name or "DATABASE_URL" not in page.read_text("utf-8"):
        yield
        return
    with database(request.getfixturevalue("postgres_server")) as own:
        monkeypatch.setenv("DATABASE_URL", own)
        yield
