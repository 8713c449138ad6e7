"""A host's own rows and the store's commands are committed together or not at all."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread
from typing import Any

import pytest

from omscore.errors import Busy, InsufficientStock, InvalidValue, StoreError
from omscore.inventory import Cell, Want, receive, release, reserve
from omscore.ports import Store, Transaction
from tests.postgres import connect
from tests.stores.conftest import Opener, PostgresOpener

A = Cell("A", "ghent")


class Host:
    """A shop with a table and a connection of its own, on either database."""

    def __init__(self, store: Any, conn: Any, begin: str) -> None:
        self.store, self.conn, self.begin = store, conn, begin

    def joined(self) -> Store:
        joined: Store = self.store.joined(self.conn)
        return joined

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        cursor = self.conn.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []

    def orders(self) -> list[tuple[Any, ...]]:
        return self.sql("SELECT id FROM shop_orders ORDER BY id")

    def reserved(self) -> int:
        figures = self.store.run(lambda t: t.figures([A])[A], write=False)
        return int(figures.reserved)


@pytest.fixture(params=["sqlite", "postgres"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    if request.param == "sqlite":
        opened: Opener = request.getfixturevalue("opened")
        store: Any = opened()
        conn: Any = sqlite3.connect(store._path, isolation_level=None)
    else:
        connected: PostgresOpener = request.getfixturevalue("connected")
        store = connected()
        conn = connect(store._conninfo)
    store.run(lambda t: receive(t, {A: 5}, cause="dock-1"))
    conn.execute("CREATE TABLE shop_orders (id TEXT PRIMARY KEY)")
    yield Host(store, conn, "BEGIN IMMEDIATE" if request.param == "sqlite" else "BEGIN")
    if request.param == "postgres":
        conn.execute("ROLLBACK")
        conn.execute("DROP TABLE shop_orders")
    conn.close()


def take(units: int, id_: str = "ord-1") -> Callable[[Transaction], object]:
    return lambda t: reserve(t, id_, [Want("A", units)], cause=id_)


def test_they_are_committed_together(host: Host) -> None:
    host.sql(host.begin)
    host.sql("INSERT INTO shop_orders VALUES ('ord-1')")
    host.joined().run(take(2))
    assert host.reserved() == 0
    host.sql("COMMIT")
    assert (host.orders(), host.reserved()) == ([("ord-1",)], 2)


def test_they_are_rolled_back_together(host: Host) -> None:
    host.sql(host.begin)
    host.sql("INSERT INTO shop_orders VALUES ('ord-1')")
    host.joined().run(take(2))
    host.sql("ROLLBACK")
    assert (host.orders(), host.reserved()) == ([], 0)
    host.store.run(take(3))
    assert [e.movement.verb for e in host.store.run(lambda t: t.journal(A))] == ["receive", "reserve"]


def test_a_refusal_undoes_the_command_and_leaves_the_host_its_rows(host: Host) -> None:
    def work(t: Transaction) -> None:
        reserve(t, "ord-1", [Want("A", 4)], cause="k1")
        assert t.reservations_at(A)[0].id == "ord-1"  # asking sends the writes
        reserve(t, "ord-2", [Want("A", 4)], cause="k2")

    host.sql(host.begin)
    host.sql("INSERT INTO shop_orders VALUES ('ord-1')")
    with pytest.raises(InsufficientStock):
        host.joined().run(work)
    host.joined().run(take(1, "ord-3"))
    host.sql("COMMIT")
    assert (host.orders(), host.reserved()) == ([("ord-1",)], 1)


def test_several_commands_may_join_one_transaction(host: Host) -> None:
    joined = host.joined()
    host.sql(host.begin)
    joined.run(take(2))
    joined.run(lambda t: release(t, "ord-1", cause="c-1"))
    joined.run(take(4, "ord-2"))
    host.sql("COMMIT")
    assert host.reserved() == 4


def test_without_a_transaction_there_is_nothing_to_join(host: Host) -> None:
    with pytest.raises(InvalidValue, match="in no transaction"):
        host.joined().run(take(1))


def test_a_joined_command_inside_another_is_refused(host: Host) -> None:
    joined = host.joined()
    host.sql(host.begin)
    with pytest.raises(RuntimeError, match="use the one you were given"):
        joined.run(lambda _: joined.run(lambda _: None))
    host.sql("ROLLBACK")


def test_a_joined_command_that_catches_what_the_server_refused_is_undone(connected: PostgresOpener) -> None:
    store = connected()

    def caught(t: Transaction, *, at_first: bool) -> None:
        if at_first:
            with suppress(Exception):
                t.journal(A, limit=-1)
        t.put("note", "n-1", "hello", version=0)
        t.find("note", "sent by now")
        with suppress(Exception):
            t.journal(A, limit=-1)

    with connect(store._conninfo) as conn:
        for at_first in (False, True):
            conn.execute("BEGIN")
            with pytest.raises(StoreError):
                store.joined(conn).run(lambda t, first=at_first: caught(t, at_first=first))  # type: ignore[misc]
            conn.execute("COMMIT")
    assert store.run(lambda t: t.get("note", "n-1"), write=False) is None


def test_a_host_whose_connection_is_lost_is_not_told_that_others_were_faster(connected: PostgresOpener) -> None:
    store = connected()
    with connect(store._conninfo) as conn, connect(store._conninfo) as other:
        conn.execute("BEGIN")
        other.execute("SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,))
        with pytest.raises(StoreError) as told:
            store.joined(conn).run(take(1))
    assert not isinstance(told.value, Busy)


def test_hosts_that_join_never_oversell(host: Host) -> None:
    sold: list[str] = []

    def shop(name: int) -> None:
        is_file = isinstance(host.conn, sqlite3.Connection)
        conn: Any = (
            sqlite3.connect(host.store._path, isolation_level=None, timeout=30)
            if is_file
            else connect(host.store._conninfo)
        )
        for i in range(4):
            conn.execute(host.begin)
            try:
                host.store.joined(conn).run(take(1, f"o-{name}-{i}"))
                conn.execute("COMMIT")
                sold.append(f"o-{name}-{i}")
            except (InsufficientStock, StoreError):
                conn.execute("ROLLBACK")
        conn.close()

    threads = [Thread(target=shop, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal = host.store.run(lambda t: t.journal(A))
    assert sorted(e.movement.reservation for e in journal[1:]) == sorted(sold)
    assert host.reserved() == len(sold) == 5
