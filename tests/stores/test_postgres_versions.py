"""Tables that older versions of omscore wrote are brought to the newest, wherever a migration is killed."""

# ruff: noqa: S608 - built from the constants of the schema

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from omscore.adapters import PostgresStore
from omscore.adapters import _postgres_schema as schema
from omscore.adapters._postgres_rows import SIDES, VERBS, _move, number_of, plain, rare
from omscore.adapters._relink import _link_v1
from omscore.adapters._seal import _unpacked
from omscore.errors import InvalidValue, SchemaMismatch
from omscore.inventory import BUCKETS, MOVES, OUTSIDE, Cell, Ledger, Want, export_lines, receive, verify
from omscore.kernel import ManualClock
from omscore.ports import Transaction
from tests.inventory.every_verb import COMMANDS, NINE
from tests.postgres import connect, database

psycopg = pytest.importorskip("psycopg", reason="the extra postgres is not installed")

CELL = "tenant, item, node, pool, lot"


def as_version_3_wrote_it(conn: Any) -> None:
    """Turn the tables of today into those of version 3, whose rows were longer."""
    entry = f"{CELL}, turn, seq, recorded_at, move, units, cause, reservation, rare, digest"
    entries = [(*row[:6], *plain([row[6:]])[0]) for row in conn.execute(f"SELECT {entry} FROM oms_journal")]
    claims = conn.execute("SELECT tenant, key, fingerprint, result FROM oms_claims").fetchall()
    for table in ("oms_journal", "oms_claims"):
        conn.execute(f"DROP TABLE {table}")
    for statement in schema._V1:
        if " oms_journal" in statement or " oms_claims" in statement or " oms_reservations_due" in statement:
            conn.execute(statement)
    columns = "seq, recorded_at, source, target, units, verb, cause, reservation, effective_at, mirrors, digest"
    add = conn.cursor().executemany
    add(f"INSERT INTO oms_journal ({CELL}, turn, {columns}) VALUES ({schema.places(17)})", entries)
    add(
        "INSERT INTO oms_claims (tenant, key, fingerprint, result) VALUES (%s, %s, %s, %s)",
        [(*row, _unpacked(result)) for *row, result in claims],
    )
    conn.execute("ALTER TABLE oms_holders DROP COLUMN due")
    conn.execute("UPDATE oms_schema SET version = 3")


def as_version_1_wrote_it(conn: Any) -> None:
    """Turn them into those of version 1, which had another formula for the chain, and no seals."""
    as_version_3_wrote_it(conn)
    for table, column in (("claims", "result"), ("reservations", "value"), ("records", "value"), ("log", "event")):
        conn.execute(f"UPDATE oms_{table} SET {column} = substr({column}, 1, length({column}) - 9)".encode())
    conn.execute("UPDATE oms_schema SET version = 1")
    for where in conn.execute(f"SELECT {CELL} FROM oms_cells").fetchall():
        digest = b""
        for row in conn.execute(schema._V1_ENTRIES, (*where, 0)).fetchall():
            digest = _link_v1(digest, Cell._make(where[1:]), row)
            conn.execute(
                f"UPDATE oms_journal SET digest = %s WHERE {schema.IS_CELL} AND seq = %s", (digest, *where, row[0])
            )
        conn.execute(f"UPDATE oms_cells SET digest = %s WHERE {schema.IS_CELL}", (digest, *where))


@pytest.fixture(scope="module")
def books(postgres: str) -> Iterator[str]:
    """A database with the books of two tenants, in which every verb was used and something is held."""
    with database(postgres) as own:
        for tenant in ("shop-a", "shop-b"):
            store = at(own, tenant)
            ledger = Ledger(store)
            for command in COMMANDS.values():
                command(ledger)
            wants = [Want("SKU", 1, nodes=("ghent",)), Want("B", 1)]
            ledger.receive({Cell("B", "ghent"): 3, Cell("SKU", "ghent"): 9}, key="more")
            ledger.reserve("ord-held", wants, key="held", expires_in=timedelta(hours=1))
            store.close()
        yield own


@pytest.fixture
def shops(postgres: str, books: str) -> Iterator[str]:
    """The same, for one test."""
    with database(postgres, like=books) as own:
        yield own


def at(conninfo: str, tenant: str, *, hours: int = 0) -> PostgresStore:
    return PostgresStore(conninfo, tenant=tenant, clock=ManualClock(NINE + timedelta(hours=hours)))


def exported(conninfo: str) -> list[list[str]]:
    found = []
    for tenant in ("shop-a", "shop-b"):
        store = at(conninfo, tenant)
        found.append(store.run(lambda t: list(export_lines(t)), write=False))
        assert store.run(verify, write=False).findings == ()
        store.close()
    return found


def killed(conninfo: str, monkeypatch: pytest.MonkeyPatch, *, batches: int) -> bool:
    """Open the store in a process that dies when it has committed so many batches; whether it died."""
    taken = schema.taken

    class Killed(BaseException):
        pass

    def dying(conn: Any, step: schema.Step) -> Iterator[None]:
        for n, _ in enumerate(taken(conn, step)):
            if n == batches:
                raise Killed
            yield

    with monkeypatch.context() as patched:
        patched.setattr(schema, "taken", dying)
        try:
            PostgresStore(conninfo).close()
        except Killed:
            return True
    return False


@pytest.mark.parametrize("before", [as_version_1_wrote_it, as_version_3_wrote_it])
def test_older_rows_say_the_same_when_they_are_moved(shops: str, before: Callable[[Any], None]) -> None:
    then = exported(shops)
    with connect(shops) as conn:
        before(conn)
    assert exported(shops) == then
    store = at(shops, "shop-b", hours=2)
    ledger = Ledger(store)
    # Keys are answered as before, what runs out does, and what comes is chained to what was there.
    assert ledger.reserve(
        "ord-held", [Want("SKU", 1, nodes=("ghent",)), Want("B", 1)], key="held", expires_in=timedelta(hours=1)
    ).cells == {Cell("B", "ghent"): 1, Cell("SKU", "ghent"): 1}
    assert [r.id for r in store.run(lambda t: t.reservations_due(t.now()))] == ["ord-held", "ord-1"]
    ledger.expire(key="tick")
    assert store.run(lambda t: t.reservations_due(t.now())) == []
    ledger.receive({Cell("SKU", "ghent"): 1}, key="new")
    ledger.verify().require()
    store.close()


def test_a_migration_that_is_killed_again_and_again_goes_on_where_it_was(
    shops: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "_BATCH", 20)
    then = exported(shops)
    with connect(shops) as conn:
        as_version_3_wrote_it(conn)
        deaths = 0
        while killed(shops, monkeypatch, batches=2):
            deaths += 1
            # Whoever still runs the version that wrote the old tables writes no more of them.
            with pytest.raises(psycopg.errors.DivisionByZero):
                conn.execute(schema.CHECK_VERSION, (3,))
        assert deaths > 2
    assert exported(shops) == then


def test_a_chain_is_made_anew_in_one_go(shops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    then = exported(shops)
    with connect(shops) as conn:
        as_version_1_wrote_it(conn)
    with connect(shops) as half, half.transaction(force_rollback=True):
        list(schema.taken(half, schema.STEPS[1]))  # as far as a process came that was killed before COMMIT
    assert exported(shops) == then


def test_hosts_that_open_the_store_at_once_move_the_rows_once(shops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "_BATCH", 5)
    then = exported(shops)
    with connect(shops) as conn, connect(shops) as other:
        as_version_3_wrote_it(conn)
        schema._take(conn, 4, schema.taken(conn, schema.STEPS[3]))
        slow = schema.taken(other, schema.STEPS[4])
        with other.transaction():
            next(slow)
        schema.prepare(conn, schema.STEPS)
        schema._take(other, 5, slow)
    assert exported(shops) == then


def test_what_was_changed_by_hand_does_not_become_right_by_moving_it(shops: str) -> None:
    by_hand = {
        "oms_journal SET verb = 'steal' WHERE cause = 'reserve'": "reserve",
        "oms_journal SET units = units + 1 WHERE cause = 'scrap'": "scrap",
        "oms_journal SET effective_at = 7 WHERE cause = 'lot'": "lot",
        "oms_claims SET result = replace(result, 'ord-1', 'ord-7') WHERE key = 'extend'": "extend",
        "oms_claims SET fingerprint = 'f' WHERE key = 'pick'": "pick",
    }
    with connect(shops) as conn:
        as_version_3_wrote_it(conn)
        for change in by_hand:
            assert conn.execute(f"UPDATE {change} AND tenant = 'shop-a'".encode()).rowcount
    store = at(shops, "shop-a")
    found = {f.facts.get("cause", f.facts.get("key")) for f in store.run(verify, write=False).findings}
    assert set(by_hand.values()) <= found
    store.close()


def refused_behind_a_change(store: PostgresStore, host: Any) -> None:
    cell = Cell("SKU", "ghent")
    commands: list[Callable[[Transaction], object]] = [
        lambda t: t.figures([cell]),
        lambda t: t.put("note", "n-1", "hello", version=0),
        lambda t: receive(t, {cell: 1}, cause="dock-9"),
    ]
    for command in commands:
        with pytest.raises(SchemaMismatch, match="begin a transaction anew"):
            store.joined(host).run(command)


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_host_that_began_to_look_before_a_change_of_the_tables_cannot_join_behind_it(
    shops: str, monkeypatch: pytest.MonkeyPatch, isolation: str
) -> None:
    older = at(shops, "shop-a")
    with connect(shops) as host, connect(shops) as other:
        host.execute(f"BEGIN ISOLATION LEVEL {isolation}".encode())
        host.execute("SELECT 1")
        # A change of what rows mean, which no statement of the older version would stumble over.
        steps = (*schema.STEPS, ("UPDATE oms_cells SET quarantine = free",))
        schema.prepare(other, steps)
        refused_behind_a_change(older, host)
        monkeypatch.setattr(schema, "STEPS", steps)
        newer = at(shops, "shop-a")
        refused_behind_a_change(newer, host)
        # What else the host did is not lost by our refusal.
        assert host.execute("SELECT 1").fetchone() == (1,)
        host.execute("ROLLBACK")
        host.execute(f"BEGIN ISOLATION LEVEL {isolation}".encode())
        newer.joined(host).run(lambda t: receive(t, {Cell("SKU", "ghent"): 1}, cause="dock-9"))
        host.execute("COMMIT")
        assert other.execute("SELECT count(*) FROM oms_journal WHERE cause = 'dock-9'").fetchone() == (1,)
    older.close()
    newer.close()


def test_tables_are_made_where_there_are_none_with_nothing_that_other_engines_may_lack(postgres: str) -> None:
    with database(postgres) as own, connect(own) as conn:
        said: list[str] = []

        class Heard:
            """A connection that writes down what it is asked."""

            def __getattr__(self, name: str) -> Any:
                return getattr(conn, name)

            def execute(self, statement: str, *values: Any) -> Any:
                said.append(statement)
                return conn.execute(statement, *values)

        schema.prepare(Heard(), schema.STEPS)
        assert not [statement for statement in said if statement.startswith(("LOCK", "TRUNCATE", "SAVEPOINT"))]
        assert conn.execute(schema.READ_VERSION).fetchone() == (len(schema.STEPS),)


def test_hosts_that_make_the_tables_at_once_make_them_once(postgres: str) -> None:
    with database(postgres) as own, ThreadPoolExecutor(6) as pool:
        for store in pool.map(lambda i: at(own, f"shop-{i}"), range(6)):
            Ledger(store).receive({Cell("SKU", "ghent"): 1}, key="k")
            assert Ledger(store).verify().ok
            store.close()


def test_every_movement_of_the_ledger_has_a_number_of_its_own_for_good() -> None:
    assert set(VERBS) == {*MOVES, "correct"}
    assert set(SIDES) == {*BUCKETS, *OUTSIDE}
    moves = [(verb, source, target) for verb in VERBS for source in SIDES for target in SIDES]
    numbers = {number_of(*move): move for move in moves}
    assert len(numbers) == len(moves)
    assert all(_move(number) == move for number, move in numbers.items())
    assert max(numbers) < 1 << 15
    # Numbers that stand in rows.
    assert number_of("receive", "supplier", "free") == 128
    assert number_of("reserve", "free", "reserved") == 257
    assert number_of("correct", "damaged", "transfer") == 4989
    with pytest.raises(InvalidValue, match="'steal' is no verb of the ledger"):
        number_of("steal", "free", "customer")
    assert {_move(n)[1] for n in range(-600, 8_000) if n not in numbers} == {""}


def test_what_few_entries_have_is_read_as_it_was_written() -> None:
    for effective_at, mirrors in ((None, 0), (0, 0), (None, 7), (-5, 0), (1_772_442_000_000_000, 12)):
        (row,) = plain([(1, 2, 257, 3, "c", "r", rare(effective_at, mirrors), b"")])
        assert row == (1, 2, "free", "reserved", 3, "reserve", "c", "r", effective_at, mirrors, b"")
