"""The PostgreSQL store beside bare psycopg with the same SQL, and under many clients. Starts a server by itself.

The server runs with fsync off, so that the figures are of the work and not of this machine's disk. Run it with
`python -m benchmarks.bench_postgres`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from statistics import median, quantiles
from typing import Any

import psycopg
from benchmarks.bench_stores import _FINGERPRINT, CELL, command, in_threads
from tests.postgres import connect, database, server

from omscore.adapters import PostgresStore
from omscore.adapters import _postgres_schema as sql
from omscore.inventory import Cell, Want, receive, reserve


class Bare:
    """psycopg by hand for this one case: the same statements in the same round trips, and the same bytes."""

    def __init__(self, conninfo: str) -> None:
        self.conn = psycopg.connect(conninfo, autocommit=True, prepare_threshold=0)

    def piped(self, *statements: tuple[Any, tuple[Any, ...]]) -> psycopg.Cursor[tuple[Any, ...]]:
        with self.conn.pipeline():
            return [self.conn.execute(statement, values) for statement, values in statements][-1]

    def reserve(self, key: str) -> None:
        ask, tenant, id_ = self.conn.execute, "bare", f"ord-{key}"
        self.piped(("BEGIN ISOLATION LEVEL READ COMMITTED", ()), (sql.READ_CLAIM, (tenant, key))).fetchall()
        ((server_time, _, _),) = ask(sql.NEWEST, (tenant, tenant)).fetchall()
        ask(sql.READ_RESERVATION, (tenant, id_)).fetchall()
        (row,) = ask(sql.READ_CELLS, (tenant, CELL.item)).fetchall()
        free, reserved, *others, version, _, _, digest = row[4:]
        if free < 1:
            raise ValueError("sold out")
        now, turn = int(server_time.timestamp() * 1e6), time.time_ns()
        link = blake2b(f"{digest!r}{version}{now}{CELL}free reserved 1 {key} {id_}".encode(), digest_size=16).digest()
        figures = (free - 1, reserved + 1, *others)
        held = f'{{"h":[["{CELL.item}","{CELL.node}","","","reserved",1]],"s":{now}}}'
        result = (
            f'{{"$":"inventory.Reserved/1","reservation":"{id_}","cells":[[["{CELL.item}","{CELL.node}","",""],1]],'
            f'"short":{{}},"expires_at":"{server_time.isoformat()}"}}'
        )
        entry = (tenant, *CELL, version + 1, now, "free", "reserved", 1, "reserve", key, id_, None, 0, link, turn)
        self.piped(
            (sql.SET_CELL, (*figures, version, version + 1, now, turn, link, tenant, *CELL)),
            (sql.ADD_ENTRY, entry),
            (sql.ADD_RESERVATION, (1, now + 900_000_000, held, tenant, id_)),
            (sql.ADD_HOLDER, (tenant, *CELL, id_)),
            (sql.ADD_CLAIM, (tenant, key, _FINGERPRINT, result)),
            ("COMMIT", ()),
        )


def beside_bare(conninfo: str, rounds: int, n: int) -> None:
    store, bare = PostgresStore(conninfo, tenant="ours"), Bare(conninfo)
    for tenant in ("ours", "bare"):
        stock = PostgresStore(conninfo, tenant=tenant)
        stock.run(lambda txn: receive(txn, {CELL: 10_000_000}, cause="dock-1"))
        stock.close()
    walls: tuple[list[float], list[float]] = ([], [])
    cpus = [0.0, 0.0]
    # One and one in turn, and medians of single commands: what else the machine does hits both alike.
    ours_too: Callable[[str], object] = lambda key: store.run(command(key))  # noqa: E731
    for i in range(rounds * n + 50):
        for side, run in enumerate((bare.reserve, ours_too)):
            wall, used = time.perf_counter(), time.process_time()
            run(f"web-{i}")
            if i >= 50:
                walls[side].append(time.perf_counter() - wall)
                cpus[side] += time.process_time() - used
    theirs, ours = (median(side) for side in walls)
    print(f"\nPostgreSQL, one client, one item, {rounds * n} reserves each, in turn")
    print(f"wall time: bare psycopg {theirs * 1e6:.0f} us, omscore {ours * 1e6:.0f} us, ratio {theirs / ours:.2f}")
    each = [used / (rounds * n) * 1e6 for used in cpus]
    print(f"CPU of the client: {each[0]:.0f} us, {each[1]:.0f} us, ratio {each[0] / each[1]:.2f}")
    store.close()
    bare.conn.close()


def _client(conninfo: str, name: int, n: int, items: int, lines: int, answers: Any) -> None:
    store = PostgresStore(conninfo, tenant="many", patience_s=60)
    waits = []
    for i in range(n):
        wants = [Want(f"SKU-{(name * 7 + i * 3 + k * 11) % items}", 1) for k in range(lines)]
        start = time.perf_counter()
        store.run(partial(reserve, reservation=f"o-{name}-{i}", wants=wants, cause="k"))
        waits.append(time.perf_counter() - start)
    store.close()
    answers.put(waits)


def many_clients(conninfo: str, clients: int = 8, n: int = 60, items: int = 20, lines: int = 5) -> None:
    store = PostgresStore(conninfo, tenant="many")
    store.run(lambda txn: receive(txn, {Cell(f"SKU-{i}", "ghent"): 1_000_000 for i in range(items)}, cause="dock-1"))
    store.close()
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    with connect(conninfo) as conn:
        before = conn.execute(deadlocks).fetchone()[0]
        running = [spawn.Process(target=_client, args=(conninfo, c, n, items, lines, answers)) for c in range(clients)]
        for process in running:
            process.start()
        waits = sorted(w for _ in running for w in answers.get())
        for process in running:
            process.join()
        time.sleep(1)
        after = conn.execute(deadlocks).fetchone()[0]
    cut = quantiles(waits, n=100)
    print(f"\nPostgreSQL, {clients} client processes, orders of {lines} lines over {items} items")
    print(
        f"p50 {cut[49] * 1e3:.1f} ms, p99 {cut[98] * 1e3:.1f} ms ({cut[98] / cut[49]:.1f}x), "
        f"worst {waits[-1] * 1e3:.0f} ms, {after - before} deadlocks"
    )


def hot(conninfo: str, rounds: int, n: int = 25) -> None:
    """Callers of one process on one item: committed together when they meet, or each by itself."""
    print("\nPostgreSQL, callers of one process on one item, reserves per second, interleaved")
    for threads in (1, 4, 16):
        together, apart = [], []
        for r in range(rounds):
            store = PostgresStore(conninfo, tenant=f"hot-{threads}-{r}", connections_max=16, patience_s=60)
            store.run(lambda txn: receive(txn, {CELL: 1_000_000}, cause="dock-1"))
            in_threads(threads, 3, lambda t, key, run=store.run: run(command(f"w{t}{key}")))  # type: ignore[misc]
            run, alone = store.run, store._by_itself  # noqa: SLF001 - the benchmark looks inside
            together.append(in_threads(threads, n, lambda t, key, run=run: run(command(f"a{t}{key}"))))  # type: ignore[misc]
            apart.append(in_threads(threads, n, lambda t, key, run=alone: run(command(f"b{t}{key}"))))  # type: ignore[misc]
            store.close()
        ratio = median(a / b for a, b in zip(together, apart, strict=True))
        print(f"{threads:>4} callers: by itself {median(apart):,.0f}, together {median(together):,.0f} ({ratio:.1f}x)")


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--n", type=int, default=200)
    options = parser.parse_args(argv)
    with server() as uri, database(uri) as own:
        PostgresStore(own).close()
        beside_bare(own, options.rounds, options.n)
        many_clients(own)
        hot(own, options.rounds)


if __name__ == "__main__":
    main(sys.argv[1:])
