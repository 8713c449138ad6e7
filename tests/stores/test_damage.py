"""Torn and rotten files: what opens shows a state that the store went through, or the damage is named."""

from collections import Counter
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from omscore.adapters import SqliteStore
from omscore.errors import Corrupt, StoreError
from tests.stores.damage import Shop, State, became, damaged, rotten_files, shop, torn_logs

CASES = 120


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return shop(tmp_path_factory.mktemp("damage"), 24)


@pytest.fixture(scope="module")
def known(made: Shop) -> dict[State, int]:
    return {seen: n for n, seen in enumerate(made.states)}


def test_a_torn_write_ahead_log_reopens_as_a_prefix_of_what_was_committed(
    made: Shop, known: dict[State, int], tmp_path: Path
) -> None:
    file = (made.folder / "torn.db").read_bytes()
    for log in islice(torn_logs(made.log, Random(11)), CASES):
        assert became(damaged(tmp_path, file, log), known) == "prefix"


def test_a_rotten_file_never_shows_a_wrong_figure(made: Shop, known: dict[State, int], tmp_path: Path) -> None:
    found = Counter(
        became(damaged(tmp_path, file, None), known) for file in islice(rotten_files(made.file, Random(13)), CASES)
    )
    assert set(found) <= {"prefix", "typed", "found", "other"}
    # Most bits of a file carry nothing, and the rest is noticed: the check must have had something to find.
    assert found["typed"] > 5
    assert found["found"] > 0


def test_a_lost_log_is_an_earlier_state_and_never_a_mixture(
    made: Shop, known: dict[State, int], tmp_path: Path
) -> None:
    """Nothing was checkpointed, so that the file without its log is as it was before the first command."""
    path = damaged(tmp_path, (made.folder / "torn.db").read_bytes(), None)
    assert became(path, known) in ("prefix", "typed")


@pytest.mark.parametrize("content", [b"", b"SQLite format 3", b"x" * 4096, b"PK\x03\x04" + bytes(8_000)])
def test_a_file_that_is_something_else_is_refused_or_begun_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "shop.db"
    path.write_bytes(content)
    if not content:  # an empty file is an empty database
        SqliteStore(path).close()
        return
    with pytest.raises(Corrupt):
        SqliteStore(path)
    assert path.read_bytes() == content


def test_an_older_backup_beside_a_newer_log_is_no_mixture(made: Shop, known: dict[State, int], tmp_path: Path) -> None:
    path = damaged(tmp_path, made.file[: len(made.file) // 2], made.log)
    try:
        assert became(path, known) in ("prefix", "typed", "found")
    except StoreError:
        pytest.fail("became() takes every error of a store for typed")
