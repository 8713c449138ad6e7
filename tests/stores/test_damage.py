"""Torn and rotten files: what opens shows a state that the store went through, or the damage is named."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from psycopg import connect

from omscore.adapters import SqliteStore
from omscore.adapters._seal import Sealing, _unpacked, packed, sealed
from omscore.codec import standard
from omscore.errors import Corrupt, StoreError
from omscore.inventory import Cell, Ledger, Want, newest_first
from omscore.ports import Effect, Store
from tests.stores.conftest import Opener, PostgresOpener
from tests.stores.damage import Shop, State, became, damaged, rotten_files, shop, torn_logs

CASES = 120
Rot = Callable[[str], None]


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


@pytest.fixture(params=["sqlite", "postgres"])
def rotting(request: pytest.FixtureRequest) -> tuple[Store, Rot]:
    """A store, and how its rows are changed behind its back."""
    if request.param == "sqlite":
        opened: Opener = request.getfixturevalue("opened")
        file = opened(durability="process-crash")

        def by_hand(statement: str) -> None:
            statement = statement.replace("{7 for 2}", "replace(result, '2', '7')")
            with closing(sqlite3.connect(file._path, isolation_level=None)) as conn:
                conn.execute(statement)

        return file, by_hand
    connected: PostgresOpener = request.getfixturevalue("connected")
    store = connected()

    def on_the_server(statement: str) -> None:
        # There answers are packed: another bit in the middle.
        bit = "set_bit(result, 8 * (length(result) / 2), 1 - get_bit(result, 8 * (length(result) / 2)))"
        statement = statement.replace("{7 for 2}", bit)
        with connect(store._conninfo, autocommit=True) as conn:
            conn.execute(f"{statement} AND tenant = '{store._tenant}'".encode())

    return store, on_the_server


@pytest.mark.parametrize(
    ("changed", "what", "name"),
    [
        ("oms_claims SET result = {7 for 2} WHERE key = 'web-1'", "key", "web-1"),
        ("oms_claims SET result = substr(result, 1, length(result) - 1) WHERE key = 'web-1'", "key", "web-1"),
        ("oms_claims SET fingerprint = 'f' WHERE key = 'web-1'", "key", "web-1"),
        ("oms_claims SET key = 'web-7' WHERE key = 'web-1'", "key", "web-7"),
        ("oms_records SET value = replace(value, 'ghent', 'lille') WHERE id = 'po-1'", "record", "po-1"),
        ("oms_log SET event = replace(event, 'hello', 'hallo') WHERE id = 'n-1'", "event", "n-1"),
        ("oms_log SET actor = 'b' WHERE id = 'n-1'", "event", "n-1"),
        ("oms_outbox SET topic = 'notify.y' WHERE id = 'e-1'", "effect", "e-1"),
    ],
)
def test_a_row_that_rots_is_named_and_never_read(
    rotting: tuple[Store, Rot], changed: str, what: str, name: str
) -> None:
    store, rot = rotting
    ledger = Ledger(store)
    ledger.receive({Cell("A", "ghent"): 9}, key="dock-1")
    ledger.reserve("ord-1", [Want("A", 2)], key="web-1")
    due_at = store.run(lambda t: t.now(), write=False)
    ledger.expect("po-1", "A", "ghent", 5, due_at, key="po-1")
    store.run(lambda t: t.append("note", "n-1", ["hello"], cause="c", actor="a"))
    store.run(lambda t: t.emit([Effect("e-1", "notify.x", {"to": "them"})]))
    assert ledger.verify().ok
    rot(f"UPDATE {changed}")
    (found,) = ledger.verify().findings
    assert (found.code, dict(found.facts)) == (f"ledger.{what}", {what: name})
    reads: dict[str, Callable[[], object]] = {
        "key": lambda: store.run(lambda t: t.claimed(name), write=False),
        "record": lambda: ledger.expect("po-1", "A", "ghent", 6, due_at, key="po-2"),
        "event": lambda: store.run(lambda t: t.events("note", name), write=False),
        "effect": lambda: store.run(lambda t: t.lease("w", limit=1, seconds=9)),
    }
    with pytest.raises(Corrupt, match=f"{what} '{name}' is not what was written"):
        reads[what]()


def test_a_packed_answer_of_which_a_byte_rots_is_never_another_answer() -> None:
    texts = Sealing(standard())
    # Its seal has an "e" among digits: where the line end between them rots to a digit, the two are one number.
    packs = packed(texts.dumps(7, "key", "web-1", "f1329"))
    assert _unpacked(packs) == "7\n246340e2"
    told = set()
    for at in range(len(packs)):
        for byte in range(256):
            with suppress(Corrupt):
                told.add(texts.loads(packs[:at] + bytes([byte]) + packs[at + 1 :], "key", "web-1", "f1329"))
    assert told == {7}


def test_a_table_whose_definition_rots_is_named(opened: Opener) -> None:
    store = opened()
    ledger = Ledger(store)
    ledger.receive({Cell("A", "ghent"): 9}, key="dock-1")
    with closing(sqlite3.connect(store._path, isolation_level=None)) as conn:
        conn.execute("PRAGMA writable_schema = ON")
        # One bit, in a word without which the journal has no order: no figure changes, and the export is empty.
        conn.execute("UPDATE sqlite_schema SET sql = replace(sql, 'PRIMARY', 'PRIEARY') WHERE name = 'oms_journal'")
        conn.execute("PRAGMA writable_schema = RESET")
    (found,) = ledger.verify().findings
    assert (found.code, found.facts["file"]) == ("ledger.file", "oms_journal")


def test_the_formula_of_the_seals_does_not_change_unnoticed() -> None:
    # Of the CRC-32 of ('key', 'web-1', None)[1] and of ('effect', 'e-1', 'stock', 'A')[1].
    assert sealed("[1]", "key", "web-1", None) == "[1]\n4f8585ca"
    assert sealed("[1]", "effect", "e-1", "stock", "A") == "[1]\n98bc18a8"


def test_a_row_from_before_there_were_seals_is_read_as_it_is(rotting: tuple[Store, Rot]) -> None:
    store, rot = rotting
    ledger = Ledger(store)
    ledger.receive({Cell("A", "ghent"): 9}, key="dock-1")
    first = ledger.reserve("ord-1", [Want("A", 2)], key="web-1")
    rot("UPDATE oms_reservations SET value = substr(value, 1, length(value) - 9) WHERE id = 'ord-1'")
    if isinstance(store, SqliteStore):
        # On a server the form of a key's answer is younger than seals: see the tests of its versions.
        rot("UPDATE oms_claims SET result = substr(result, 1, length(result) - 9) WHERE key = 'web-1'")
    assert ledger.reserve("ord-1", [Want("A", 2)], key="web-1") == first
    assert ledger.release("ord-1", key="web-2") == 2
    assert ledger.verify().ok


@pytest.mark.parametrize(
    ("gone", "found"),
    [
        ("oms_log WHERE seq = 2", {"event": "number 2"}),
        ("oms_log WHERE seq = 1", {"event": "number 1"}),
        ("oms_outbox WHERE id = 'e-1'", {"effect": "number 1"}),
        ("oms_records WHERE id = 'n-1'", {"record": "n-1"}),
    ],
)
def test_a_row_that_somebody_deletes_is_noticed_where_others_lean_on_it(
    opened: Opener, gone: str, found: dict[str, str]
) -> None:
    store = opened()
    opened(tenant="other").run(lambda t: t.append("note", "n-1", ["theirs"], cause="c"))
    store.run(lambda t: t.append("note", "n-1", ["a", "b", "c"], cause="c"))
    store.run(lambda t: t.emit([Effect("e-1", "notify.x", {}), Effect("e-2", "notify.x", {})]))
    store.run(lambda t: t.put("note", "n-1", "a", version=0, index={"all": "n-1"}))
    assert Ledger(store).verify().ok
    with closing(sqlite3.connect(store._path)) as conn, conn:
        conn.execute(f"DELETE FROM {gone} AND tenant = 0")  # noqa: S608 - the rows above
    (finding,) = Ledger(store).verify().findings
    assert dict(finding.facts) == found


@pytest.mark.parametrize(
    ("gone", "found"),
    [
        ("oms_log WHERE seq = 2", {"event": "n-1 2"}),
        ("oms_log WHERE seq = 1", {"event": "n-1 1"}),
        ("oms_records WHERE id = 'n-1'", {"record": "n-1"}),
    ],
)
def test_a_row_that_somebody_deletes_on_the_server_is_noticed_where_others_lean_on_it(
    connected: PostgresOpener, gone: str, found: dict[str, str]
) -> None:
    store = connected()
    store.run(lambda t: t.append("note", "n-1", ["a", "b", "c"], cause="c"))
    store.run(lambda t: t.append("note", "n-2", ["a"], cause="c"))
    store.run(lambda t: t.put("note", "n-1", "a", version=0, index={"all": "n-1"}))
    assert Ledger(store).verify().ok
    with connect(store._conninfo) as conn:
        conn.execute(f"DELETE FROM {gone} AND tenant = '{store._tenant}'".encode())  # noqa: S608 - the rows above
    (finding,) = Ledger(store).verify().findings
    assert dict(finding.facts) == found


def test_a_record_that_is_found_no_more_is_named(rotting: tuple[Store, Rot]) -> None:
    store, rot = rotting
    ledger = Ledger(store)
    ledger.reserve("ord-1", [Want("A", 20)], key="web-1", policy="backorder")
    rot("UPDATE oms_indexes SET sort = sort || 'x' WHERE name != 'all'")
    assert {finding.code for finding in ledger.verify().findings} == {"ledger.record"}


@pytest.mark.parametrize(
    "changed",
    [
        "oms_cells SET free = 'nine'",
        "oms_cells SET free = x'09'",
        "oms_cells SET free = 0.5",
        "oms_journal SET units = 'nine'",
        "oms_journal SET recorded_at = x'09'",
        "oms_journal SET mirrors = 'none'",
        "oms_journal SET digest = 'none'",
        "oms_journal SET cause = 7",
        "oms_journal SET reservation = 7",
        "oms_reservations SET due = 'soon'",
        "oms_records SET value = x'37'",
    ],
)
def test_a_column_of_another_type_is_corrupt_in_every_command(opened: Opener, changed: str) -> None:
    store = opened()
    ledger, cell = Ledger(store), Cell("A", "ghent")
    ledger.receive({cell: 9}, key="dock-1")
    ledger.reserve("ord-1", [Want("A", 2)], key="web-1")
    ledger.reserve("ord-2", [Want("A", 20)], key="web-2", policy="backorder")
    with closing(sqlite3.connect(store._path, isolation_level=None)) as conn:
        # A bit that flips asks no column what it takes.
        conn.execute("PRAGMA writable_schema = ON")
        conn.execute("UPDATE sqlite_schema SET sql = replace(sql, ' TEXT', '') WHERE name = 'oms_journal'")
        conn.execute("PRAGMA writable_schema = RESET")
        conn.execute(f"UPDATE {changed}")
    commands: list[Callable[[], object]] = [
        lambda: ledger.reserve("ord-1", [Want("A", 1)], key="web-3", policy="partial"),
        lambda: ledger.release("ord-1", key="web-4"),
        lambda: ledger.receive({cell: 1}, key="dock-2"),
        lambda: ledger.count({cell: 3}, key="count-1", victims=newest_first),
        lambda: ledger.as_of(cell, 1),
        ledger.journal,
        lambda: ledger.verify().require(),
        lambda: list(ledger.export()),
    ]
    met = 0
    for command in commands:
        try:
            command()
        except Corrupt:
            met += 1
    assert met > 0
