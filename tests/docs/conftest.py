"""Pages that name DATABASE_URL get a PostgreSQL of their own."""

from collections.abc import Iterator

import pytest

from tests.postgres import database


@pytest.fixture(autouse=True)
def a_database_for_the_page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    page = getattr(request.node, "callspec", None) and request.node.callspec.params.get("page")
    if page is None or "runs" not in request.node.name or "DATABASE_URL" not in page.read_text("utf-8"):
        yield
        return
    with database(request.getfixturevalue("postgres_server")) as own:
        monkeypatch.setenv("DATABASE_URL", own)
        yield
