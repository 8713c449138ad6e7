"""The PostgreSQL store beside bare psycopg with the same SQL, and under many clients. Starts a server by itself.

The server runs with fsync off, so that the figures are of the work and not of this machine's disk. Run it with
`python -m benchmarks.bench_postgres`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from hashlib import blake2b
from itertools import islice
from statistics import median, quantiles
from typing import Any
from zlib import crc32

import psycopg
from benchmarks.bench_stores import _FINGERPRINT, CELL, TTL, command, in_threads
from tests.postgres import connect, database, server

from omscore.adapters import PostgresStore
from omscore.adapters import _postgres_statements as sql
from omscore.adapters import postgres as module
from omscore.adapters._postgres_pipe import Statement
from omscore.adapters._postgres_rows import number_of
from omscore.adapters._seal import packed
from omscore.adapters._sql import SNAPSHOT_EVERY
from omscore.adapters.postgres import _Attempt
from omscore.inventory import Cell, Want, as_of, link, once, receive, release, reserve, verify

_RESERVE = number_of("reserve", "free", "reserved")


class Bare:
    """psycopg by hand for this one case: the same statements and bytes, in the same round trips or one by one."""

    def __init__(self, conninfo: str, tenant: str, *, pipes: bool = True) -> None:
        self.conn = psycopg.connect(conninfo, autocommit=True, prepare_threshold=0)
        self.tenant = tenant
        self.pipes = pipes

    def piped(self, *statements: tuple[Any, tuple[Any, ...]]) -> psycopg.Cursor[tuple[Any, ...]]:
        if not self.pipes:
            return [self.conn.execute(statement, values) for statement, values in statements][-1]
        with self.conn.pipeline():
            return [self.conn.execute(statement, values) for statement, values in statements][-1]

    def reserve(self, key: str) -> None:
        tenant, id_ = self.tenant, f"ord-{key}"
        first = ("BEGIN ISOLATION LEVEL READ COMMITTED", ()), (sql.READ_CLAIM, (tenant, key))
        ((server_time, _, _),) = self.piped(*first, (sql.NEWEST, (tenant, tenant))).fetchall()
        (row,) = self.piped((sql.READ_RESERVATION, (tenant, id_)), (sql.READ_CELLS, (tenant, CELL.item))).fetchall()
        free, reserved, *others, version, _, _, digest = row[4:]
        if free < 1:
            raise ValueError("sold out")
        now, turn = int(server_time.timestamp() * 1e6), time.time_ns()
        link = blake2b(f"{digest!r}{version}{now}{CELL}free reserved 1 {key} {id_}".encode(), digest_size=16).digest()
        figures = (free - 1, reserved + 1, *others)
        due = now + 900_000_000
        held = f'{{"h":[["{CELL.item}","{CELL.node}","","","reserved",1]],"s":{now}}}'
        result = (
            f'{{"$":"inventory.Reserved/1","reservation":"{id_}","cells":[[["{CELL.item}","{CELL.node}","",""],1]],'
            f'"short":{{}},"expires_at":"{server_time.isoformat()}"}}'
        )
        held += f"\n{crc32(f'{id_}{due}{held}'.encode()):08x}"
        result += f"\n{crc32(f'{key}{_FINGERPRINT}{result}'.encode()):08x}"
        entry = (tenant, *CELL, version + 1, now, _RESERVE, 1, key, id_, "", link, turn)
        self.piped(
            (sql.SET_CELL, (*figures, version, version + 1, now, turn, link, tenant, *CELL)),
            (sql.ADD_ENTRY, entry),
            (sql.ADD_RESERVATION, (1, due, held, tenant, id_)),
            (sql.ADD_HOLDER, (tenant, *CELL, id_, due)),
            (sql.ADD_CLAIM, (tenant, key, _FINGERPRINT, packed(result))),
            ("COMMIT", ()),
        )


def beside_bare(conninfo: str, rounds: int, n: int) -> None:
    store, bare = PostgresStore(conninfo, tenant="ours"), Bare(conninfo, "bare")
    plain = Bare(conninfo, "plain", pipes=False)
    quick = PostgresStore(conninfo, tenant="quick", one_trip=True)
    for tenant in ("ours", "bare", "plain", "quick"):
        stock = PostgresStore(conninfo, tenant=tenant)
        stock.run(lambda txn: receive(txn, {CELL: 10_000_000}, cause="dock-1"))
        stock.close()
    sides: dict[str, Callable[[str], object]] = {
        "bare psycopg, the same round trips": bare.reserve,
        "bare psycopg, one by one": plain.reserve,
        "omscore": lambda key: store.run(command(key)),
        "omscore, one_trip": lambda key: quick.run(command(key)),
    }
    walls: dict[str, list[float]] = {name: [] for name in sides}
    cpus: dict[str, list[float]] = {name: [] for name in sides}
    # One and one in turn, and medians of single commands: what else the machine does hits all alike.
    for i in range(rounds * n + 50):
        for name, run in sides.items():
            wall, used = time.perf_counter(), time.process_time()
            run(f"web-{i}")
            if i >= 50:
                walls[name].append(time.perf_counter() - wall)
                cpus[name].append(time.process_time() - used)
    print(f"\nPostgreSQL, one client, one item, {rounds * n} reserves each, in turn, medians")
    base_wall, base_cpu = (median(spent["bare psycopg, the same round trips"]) for spent in (walls, cpus))
    for name in sides:
        wall, used = median(walls[name]), median(cpus[name])
        print(
            f"  {name:34} {wall * 1e6:6.0f} us ({base_wall / wall:.2f}x), "
            f"CPU of the client {used * 1e6:4.0f} us ({base_cpu / used:.2f}x)"
        )
    store.close()
    quick.close()
    bare.conn.close()
    plain.conn.close()


class OneStatement(_Attempt):
    """What `one_trip` sends in one message, as one statement: its writes joined by WITH, its version check on top."""

    def _piped(self, statements: Sequence[Statement]) -> list[Any]:
        if not self._first or statements[-1][0] != "COMMIT":
            return super()._piped(statements)
        check, self._first = self._first[-1], []
        writes = [*(one for one in statements[:-1] if one != sql.HURRY), check]
        *parts, last = [statement for statement, _ in writes]
        text = "WITH " + ", ".join(f"w{n} AS ({part} RETURNING 1)" for n, part in enumerate(parts)) + f" {last}"
        return self._conn.send([(text, tuple(value for _, values in writes for value in values))])


def _one_way(conninfo: str, joined: bool, name: int, n: int, answers: Any) -> None:
    if joined:
        module._Attempt = OneStatement  # type: ignore[misc]  # noqa: SLF001 - the benchmark looks inside
    store = PostgresStore(conninfo, tenant=f"way-{name}", one_trip=True, patience_s=60)
    kind, start = "one" if joined else "many", 0.0
    for i in range(n + 50):
        if i == 50:
            start = time.perf_counter()
        store.run(command(f"{kind}-{time.time_ns()}"))
    answers.put(n / (time.perf_counter() - start))
    store.close()


def ways_of_one_trip(conninfo: str, rounds: int, n: int = 400) -> None:
    """One message of several statements, or one statement: clients that are processes, each on an item of its own."""
    spawn = multiprocessing.get_context("spawn")
    for name in range(4):
        stock = PostgresStore(conninfo, tenant=f"way-{name}")
        stock.run(lambda txn: receive(txn, {CELL: 10_000_000}, cause="dock-1"))
        stock.close()
    print("\nPostgreSQL, one_trip: its writes as one statement beside several in one message, interleaved")
    for clients in (1, 4):
        rates: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(rounds):
            for joined, found in rates.items():
                answers = spawn.Queue()
                running = [
                    spawn.Process(target=_one_way, args=(conninfo, joined, c, n, answers)) for c in range(clients)
                ]
                for process in running:
                    process.start()
                found.append(sum(answers.get() for _ in running))
                for process in running:
                    process.join()
        ratio = median(a / b for a, b in zip(rates[True], rates[False], strict=True))
        several, one = median(rates[False]), median(rates[True])
        print(f"{clients:>4} clients: several {several:,.0f}/s, one {one:,.0f}/s ({ratio:.2f}x)")


def past(conninfo: str, rows: int) -> None:
    """A cell with a long journal: what it held at some moment, and the proof of all of it."""
    store = PostgresStore(conninfo, tenant="past")
    with connect(conninfo) as conn:
        _loaded(conn, rows)
        conn.execute("VACUUM ANALYZE oms_journal, oms_snapshots")
    times, used = [], []
    for i in range(400):
        begin, cpu = time.perf_counter(), time.process_time()
        store.run(lambda txn, at=(i * 7_919) % rows: as_of(txn, CELL, at), write=False)  # type: ignore[misc]
        times.append(time.perf_counter() - begin)
        used.append(time.process_time() - cpu)
    print(
        f"\nPostgreSQL, a cell of {rows:,} rows: as-of median {median(times) * 1e3:.2f} ms by the wall, "
        f"p99 {quantiles(times, n=100)[98] * 1e3:.2f} ms; {median(used) * 1e3:.2f} ms of the client's CPU"
    )
    for _ in range(2):
        begin, cpu = time.perf_counter(), time.process_time()
        found = store.run(verify, write=False)
        wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
        print(
            f"verify {found.entries / wall:,.0f} rows/s by the wall, {found.entries / cpu:,.0f} by the client's CPU, "
            f"{len(found.findings)} findings"
        )
    store.close()


def as_it_grows(conninfo: str, small: str, rows: int) -> None:
    """A reserve on a cell of many rows (made by `past`) beside one in a database that has a thousand."""
    long, short = PostgresStore(conninfo, tenant="past"), PostgresStore(small, tenant="past")
    with connect(small) as conn:
        _loaded(conn, 1_001)
        conn.execute("VACUUM ANALYZE oms_journal, oms_snapshots")
        spent: dict[str, list[float]] = {"long": [], "short": []}
        for i in range(600):
            for name, one in (("long", long), ("short", short)):
                begin = time.perf_counter()
                one.run(command(f"more-{i}"))
                spent[name].append(time.perf_counter() - begin)
        ratio = median(spent["long"]) / median(spent["short"])
        print(f"reserve at {rows:,} rows takes {ratio:.2f} times what it takes at 1,000")
    long.close()
    short.close()


def room(uri: str, n: int = 1_000, rounds: int = 5) -> None:
    """What a reservation of one line, settled, takes for good: journal, chain, seals, its key's answer, all indexes.

    Every command is a commit of its own, as a shop's are, and the tables are vacuumed behind every n, as the server
    does by itself, so that room of what is gone is used again. The same without that, and what the rows would take if
    they stood as close as they can.
    """
    size = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname LIKE 'oms\\_%' AND relkind = 'r'"
    print("\nPostgreSQL, room of a reservation of one line that was settled, with its indexes")
    for cell in (CELL, Cell("SHIRT-0042-BLUE-XL", "warehouse-ghent", "web")):
        with database(uri) as own, connect(own) as conn:

            def measured(conn: Any = conn) -> int:
                return int(conn.execute(size).fetchone()[0])

            store = PostgresStore(own, tenant="shop")
            store.run(lambda txn, cell=cell: receive(txn, {cell: 10_000_000}, cause="dock-1"))  # type: ignore[misc]
            done = iter(range(rounds * n * 3))
            _settle(store, cell, islice(done, n))
            conn.execute("VACUUM")
            before = measured()
            for _ in range(rounds):
                _settle(store, cell, islice(done, n))
                conn.execute("VACUUM")
            vacuumed = measured()
            _settle(store, cell, islice(done, rounds * n))
            never = measured()
            conn.execute("VACUUM FULL")
            close = measured()
            store.close()
        each = rounds * n
        print(
            f"  {cell.item}: {(vacuumed - before) / each:,.0f} bytes, vacuumed now and then; "
            f"{(never - vacuumed) / each:,.0f} before the next vacuum; {close / (2 * each + n):,.0f} closely packed"
        )


def _settle(store: PostgresStore, cell: Cell, numbers: Iterable[int]) -> None:
    wants = [Want(cell.item, 1, pools=(cell.pool,))]
    for i in numbers:
        key = f"web-{i:06}"
        store.run(
            lambda txn, key=key: once(  # type: ignore[misc]
                txn, key, _FINGERPRINT, lambda: reserve(txn, f"ord-{key}", wants, cause=key, expires_in=TTL)
            )
        )
        store.run(lambda txn, key=key: release(txn, f"ord-{key}", cause=f"{key}-x"))  # type: ignore[misc]


def _loaded(conn: Any, rows: int) -> None:
    """Fill a cell's journal through COPY: a receipt, then units that are reserved and released again."""
    if rows % 2 == 0:
        raise ValueError(f"{rows} rows would leave a unit reserved that nobody holds; take {rows + 1}")
    begun, figures, digest = time.time_ns() // 1_000, [0] * 8, b""
    kept = []
    columns = "tenant, item, node, pool, lot, seq, recorded_at, move, units, cause, reservation, rare, digest, turn"
    journal = f"COPY oms_journal ({columns}) FROM STDIN"
    with conn.transaction(), conn.cursor().copy(journal) as copy:
        for seq in range(1, rows + 1):
            if seq == 1:
                move = ("supplier", "free", 10_000_000, "receive", "dock-1", "")
                figures[0] = 10_000_000
            elif seq % 2 == 0:
                move = ("free", "reserved", 1, "reserve", f"web-{seq:07}", f"ord-{seq:07}")
                figures[0], figures[1] = figures[0] - 1, 1
            else:
                move = ("reserved", "free", 1, "release", f"can-{seq:07}", f"ord-{seq - 1:07}")
                figures[0], figures[1] = figures[0] + 1, 0
            entry = (seq, begun + seq, *move, None, 0)
            digest = link(digest, CELL, (*entry, b""))
            source, target, units, verb, cause, reservation = move
            row = (number_of(verb, source, target), units, cause, reservation, "", digest, seq)
            copy.write_row(("past", *CELL, seq, begun + seq, *row))
            if seq % SNAPSHOT_EVERY == 0:
                kept.append((*figures, seq))
    figures_of = (
        "tenant, item, node, pool, lot, free, reserved, allocated, picked, packed, in_transit, quarantine, damaged"
    )
    with conn.transaction(), conn.cursor().copy(f"COPY oms_snapshots ({figures_of}, version) FROM STDIN") as copy:
        for then in kept:
            copy.write_row(("past", *CELL, *then))
    where = ("past", *CELL)
    conn.execute(sql.ADD_CELL, (*figures, rows, begun + rows, rows, digest, *where))


def _client(conninfo: str, name: int, n: int, items: int, lines: int, answers: Any, ready: Any) -> None:
    store = PostgresStore(conninfo, tenant="many", patience_s=60)
    waits = []
    ready.wait()
    for i in range(n):
        wants = [Want(f"SKU-{(name * 7 + i * 3 + k * 11) % items}", 1) for k in range(lines)]
        start = time.perf_counter()
        store.run(partial(reserve, reservation=f"o-{name}-{i}", wants=wants, cause="k"))
        waits.append(time.perf_counter() - start)
    store.close()
    answers.put(waits)


def many_clients(conninfo: str, clients: int = 8, n: int = 200, items: int = 20, lines: int = 5) -> None:
    store = PostgresStore(conninfo, tenant="many")
    store.run(lambda txn: receive(txn, {Cell(f"SKU-{i}", "ghent"): 1_000_000 for i in range(items)}, cause="dock-1"))
    store.close()
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    with connect(conninfo) as conn:
        before = conn.execute(deadlocks).fetchone()[0]
        # Nobody begins before all are there: a process that starts takes more of a core than one that reserves.
        ready = spawn.Barrier(clients)
        given = (n, items, lines, answers, ready)
        running = [spawn.Process(target=_client, args=(conninfo, c, *given)) for c in range(clients)]
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


def hot(conninfo: str, rounds: int, n: int = 40) -> None:
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
    parser.add_argument("--rows", type=int, default=1_000_001)
    options = parser.parse_args(argv)
    with server() as uri, database(uri) as own:
        PostgresStore(own).close()
        beside_bare(own, options.rounds, options.n)
        ways_of_one_trip(own, options.rounds)
        many_clients(own)
        hot(own, options.rounds)
        past(own, options.rows)
        with database(uri) as small:
            PostgresStore(small).close()
            as_it_grows(own, small, options.rows)
        room(uri)


if __name__ == "__main__":
    main(sys.argv[1:])
