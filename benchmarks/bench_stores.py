"""The stores beside the bare database doing the same writes: CPU time, interleaved rounds, medians.

A reserve of one line: look up the key, read reservation and cells, write journal, cell, reservation and key. The bare
side is written by hand for this one case, with the same writes and bytes and no layers, twice: once it reads the cell
for every reserve, as one writes it, once it remembers the cell as the store does, which gives the same statements.

Run it with `python -m benchmarks.bench_stores` (add `--rounds 20` for calmer figures).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any
from zlib import crc32

from omscore.adapters import SqliteStore
from omscore.adapters import _sqlite_statements as sql
from omscore.adapters._sqlite_schema import TENANT_SPAN, prepare, tenant_number
from omscore.inventory import Cell, Movement, Want, allocate, as_of, once, receive, release, reserve, verify
from omscore.kernel.times import EPOCH
from omscore.ports import Store, Transaction

CELL = Cell("SKU-1", "ghent")
TTL = timedelta(minutes=15)
_TTL_MICROSECONDS = 900_000_000
_FINGERPRINT = "0123456789abcdef" * 2
_quoted = json.encoder.encode_basestring_ascii


def command(key: str) -> Callable[[Transaction], object]:
    def work(txn: Transaction) -> object:
        return once(
            txn,
            key,
            _FINGERPRINT,
            lambda: reserve(txn, f"ord-{key}", [Want("SKU-1", 1)], cause=key, expires_in=TTL),
        )

    return work


def stocked(store: Store) -> None:
    store.run(lambda txn: receive(txn, {CELL: 10_000_000}, cause="dock-1"))


class Raw:
    """Plain sqlite3 by hand: the same writes, and the same bytes worked out without layers."""

    def __init__(self, path: str, synchronous: str, *, remembers: bool = False) -> None:
        self.conn = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        self.conn.execute("PRAGMA journal_mode = WAL")
        self.conn.execute(f"PRAGMA synchronous = {synchronous}")
        prepare(self.conn)
        tenant_number(self.conn, "")
        run = self.conn.execute
        run(sql.ADD_MOVE, ("reserve", "free", "reserved"))
        run(sql.ADD_CELL, (0, *CELL, 10_000_000, 0, 0, 0, 0, 0, 0, 0, 1, b"0" * 16))
        self.remembers = remembers
        self.changes = -1
        self.cell: Any = None
        self.n = 0

    def begin(self, run: Callable[..., sqlite3.Cursor]) -> None:
        run("BEGIN IMMEDIATE")
        if self.remembers:
            (changes,) = run(sql.READ_CHANGES).fetchone()
            if changes != self.changes:
                self.changes, self.cell = changes, None

    def read(self, run: Callable[..., sqlite3.Cursor], id_: str) -> Any:
        if self.remembers and self.cell is not None:
            run(sql.READ_RESERVATION, (0, id_)).fetchone()
        else:
            _, _, _, n, *_ = run(sql.READ_FIRST, (TENANT_SPAN, 0, id_)).fetchone()
            self.n = n or 0
            (self.cell,) = run(sql.READ_CELLS, (0, "SKU-1")).fetchall()
        return self.cell

    def reserve(self, run: Callable[..., sqlite3.Cursor], key: str) -> None:
        id_ = f"ord-{key}"
        no, node, pool, lot, free, reserved, *others, version, digest = self.read(run, id_)
        now = time.time_ns() // 1_000
        if free < 1:
            raise ValueError("sold out")
        version += 1
        self.n += 1
        link = blake2b(f"{digest!r}{version}{now}{CELL}free reserved 1 {key} {id_}".encode(), digest_size=16).digest()
        run(sql.ADD_ENTRY, (self.n, no, version, now, 1, 1, key, id_, None, 0, link))
        run(sql.SET_CELL, (free - 1, reserved + 1, *others, version, link, no))
        self.cell = (no, node, pool, lot, free - 1, reserved + 1, *others, version, link)
        held = f'{{"h":[["SKU-1","{node}","{pool}","{lot}","reserved",1]],"s":{now}}}'
        due = now + _TTL_MICROSECONDS
        held += f"\n{crc32(f'{id_}{due}{held}'.encode()):08x}"
        run(sql.ADD_RESERVATION, (1, due, no, held, 0, id_))
        expires_at = (EPOCH + timedelta(microseconds=due)).isoformat()
        result = (
            f'{{"$":"inventory.Reserved/1","reservation":{_quoted(id_)},'
            f'"cells":[[["SKU-1","{node}","{pool}","{lot}"],1]],'
            f'"short":{{}},"expires_at":"{expires_at}","promises":[]}}'
        )
        result += f"\n{crc32(f'{key}{_FINGERPRINT}{result}'.encode()):08x}"
        run(sql.ADD_CLAIM, (0, key, _FINGERPRINT, result))

    def reserves(self, keys: list[str], batch: int) -> None:
        run = self.conn.cursor().execute
        if batch == 1:
            for key in keys:
                run(sql.READ_CLAIM, (0, key)).fetchone()
                self.begin(run)
                self.reserve(run, key)
                run("COMMIT")
            return
        for start in range(0, len(keys), batch):
            self.begin(run)
            for key in keys[start : start + batch]:
                run(sql.READ_CLAIM, (0, key)).fetchone()
                run("SAVEPOINT job")
                self.reserve(run, key)
                run("RELEASE job")
            run("COMMIT")


def in_groups(store: SqliteStore, keys: list[str], batch: int) -> None:
    """What many threads would send, handed over at once."""
    from omscore.adapters._waiting import Job  # noqa: PLC0415 - the benchmark looks inside

    for start in range(0, len(keys), batch):
        jobs = [Job(command(key)) for key in keys[start : start + batch]]
        store._perform(jobs)  # noqa: SLF001
        for job in jobs:
            job.outcome()


def in_turn(store: Store, keys: list[str]) -> None:
    for key in keys:
        store.run(command(key))


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def beside_raw(folder: Path, rounds: int, n: int) -> None:
    print(f"\nSQLite, one item, CPU time per reserve, sync OFF, {rounds} interleaved rounds of {n}")
    print(f"{'batch':>6} {'reading us':>11} {'remembering us':>15} {'omscore us':>11} {'ratios':>12}")
    for batch in (1, 100):
        reading = Raw(str(folder / f"raw-{batch}.db"), "OFF")
        remembering = Raw(str(folder / f"rem-{batch}.db"), "OFF", remembers=True)
        store = SqliteStore(folder / f"oms-{batch}.db", durability="process-crash")
        store._writer.execute("PRAGMA synchronous = OFF")  # noqa: SLF001 - the floor is measured without the disk
        stocked(store)
        spent: list[list[float]] = []
        for r in range(rounds + 1):
            keys = [f"web-{r}-{i:06}" for i in range(n)]
            ours = partial(in_turn, store, keys) if batch == 1 else partial(in_groups, store, keys, batch)
            sides = (partial(reading.reserves, keys, batch), partial(remembering.reserves, keys, batch), ours)
            # Each is first, second and last in turn: whoever comes after another finds other things in the caches.
            times = {i % 3: cpu(sides[i % 3]) / n * 1e6 for i in range(r, r + 3)}
            spent.append([times[i] for i in range(3)])
        first, second, third = (median(times) for times in zip(*spent[1:], strict=True))
        ratios = [median(times[side] / times[2] for times in spent[1:]) for side in (0, 1)]
        print(f"{batch:>6} {first:>11.1f} {second:>15.1f} {third:>11.1f} {ratios[0]:>6.2f} {ratios[1]:>5.2f}")
        reading.conn.close()
        remembering.conn.close()
        store.close()


def in_threads(threads: int, n: int, reserve_one: Callable[[int, str], object]) -> float:
    """Reserves per second of so many threads, each doing n."""

    def shop(name: int) -> None:
        for i in range(n):
            reserve_one(name, f"t-{name}-{i}")

    running = [Thread(target=shop, args=(t,)) for t in range(threads)]
    start = time.perf_counter()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return threads * n / (time.perf_counter() - start)


def group_commit(folder: Path, rounds: int, threads: int = 16, n: int = 30) -> None:
    """One store shared by threads, against a store for each thread: interleaved, FULL, by the wall."""
    shared, own = [], []
    for r in range(rounds):
        store = SqliteStore(folder / f"shared-{r}.db")
        stocked(store)
        shared.append(in_threads(threads, n, lambda _, key, s=store: s.run(command(key))))  # type: ignore[misc]
        store.close()
        stores = [SqliteStore(folder / f"own-{r}.db") for _ in range(threads)]
        stocked(stores[0])
        own.append(in_threads(threads, n, lambda t, key, s=stores: s[t].run(command(key))))  # type: ignore[misc]
        for one in stores:
            one.close()
    ratio = median(a / b for a, b in zip(shared, own, strict=True))
    print(f"\nSQLite, {threads} threads, power-loss durability, {rounds} interleaved rounds")
    print(f"own connections {median(own):,.0f}/s, one store in groups {median(shared):,.0f}/s, ratio {ratio:.2f}")


def _process(path: str, name: int, seconds: float, together: Any, answers: Any) -> None:
    store = SqliteStore(path, patience_s=30)
    waits: list[float] = []
    together.wait()
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        store.run(command(f"p-{name}-{len(waits)}"))
        waits.append(time.perf_counter() - start)
    store.close()
    answers.put((len(waits), max(waits), median(waits)))


def processes(folder: Path, count: int = 8, seconds: float = 3) -> None:
    """Processes on one item of one file: who got how much, who waited longest."""
    path = str(folder / "processes.db")
    store = SqliteStore(path)
    stocked(store)
    spawn = multiprocessing.get_context("spawn")
    answers, together = spawn.Queue(), spawn.Barrier(count)
    running = [spawn.Process(target=_process, args=(path, i, seconds, together, answers)) for i in range(count)]
    for process in running:
        process.start()
    got = [answers.get() for _ in running]
    for process in running:
        process.join()
    done = sorted(n for n, _, _ in got)
    reserved = store.run(lambda txn: txn.figures([CELL])[CELL].reserved, write=False)
    store.close()
    print(f"\nSQLite, {count} processes on one item, power-loss durability, {seconds:g} s")
    print(
        f"{sum(done) / seconds:,.0f}/s, shares {done[0]} to {done[-1]} ({done[-1] / done[0]:.2f}x), "
        f"median wait {median(w for _, _, w in got) * 1e3:.1f} ms, "
        f"worst wait {max(w for _, w, _ in got) * 1e3:.0f} ms, "
        f"reserved {reserved} of {sum(done)} acknowledged"
    )


_SYNCED = """
import sys
from benchmarks.bench_stores import command, stocked
from omscore.adapters import SqliteStore
store = SqliteStore(sys.argv[1])
stocked(store)
for i in range(int(sys.argv[2])):
    store.run(command(f"f-{i}"))
store.close()
"""


def fsyncs(folder: Path, n: int = 300) -> None:
    """How often a reserve waits for the disk, counted by strace."""
    if shutil.which("strace") is None:
        print("\nstrace is not installed: fsyncs not counted")
        return
    counts = []
    for runs in (0, n):
        trace = folder / f"trace-{runs}"
        command_line = ["strace", "-f", "-o", str(trace), "-e", "trace=fsync,fdatasync"]
        command_line += [sys.executable, "-c", _SYNCED, str(folder / f"sync-{runs}.db"), str(runs)]
        subprocess.run(command_line, check=True)  # noqa: S603 - our own
        counts.append(sum("sync(" in line for line in trace.read_text().splitlines()))
    print(f"\nSQLite, {n} reserves: {(counts[1] - counts[0]) / n:.3f} fsyncs each, checkpoints included")


def size(folder: Path, n: int = 3_000) -> None:
    """Bytes in the file for each one-line reservation that was made and released."""
    store = SqliteStore(folder / "size.db", durability="process-crash")
    stocked(store)
    path = folder / "size.db"

    def bytes_used() -> int:
        store._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # noqa: SLF001 - the benchmark looks inside
        return path.stat().st_size

    before = bytes_used()
    for i in range(n):
        key = f"web-{i:06}"
        if i % 2:
            store.run(lambda txn, k=key: reserve(txn, k, [Want("SKU-1", 1)], cause=k))  # type: ignore[misc]
            store.run(lambda txn, k=key: release(txn, k, cause=f"{k}-x"))  # type: ignore[misc]
        else:
            store.run(lambda txn, k=key: reserve(txn, k, [Want("SKU-1", 1)], cause=k))  # type: ignore[misc]
            store.run(lambda txn, k=key: allocate(txn, k, {CELL: 1}, cause=f"{k}-x"))  # type: ignore[misc]
    print(f"\nSQLite: {(bytes_used() - before) / n:.0f} bytes for each one-line reservation, settled")
    store.close()


def journal_of(store: SqliteStore, rows: int, target: int) -> int:
    """Lengthen the one cell's journal by settled holds, many in one transaction; returns its length."""
    while rows < target:
        moves = []
        for i in range(rows, min(rows + 1_000, target), 2):
            moves.append(Movement(CELL, "free", "reserved", 1, "reserve", f"web-{i:07}", f"ord-{i:07}"))
            moves.append(Movement(CELL, "reserved", "free", 1, "release", f"can-{i:07}", f"ord-{i:07}"))
        store.run(lambda txn, moves=moves: txn.post(moves, {}))  # type: ignore[misc]
        rows += len(moves)
    return rows


def flat(folder: Path, sizes: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)) -> None:
    """The cost of a reserve as the journal of its one cell grows; then the past of that cell, and its proof."""
    store = SqliteStore(folder / "flat.db", durability="process-crash")
    store._writer.execute("PRAGMA synchronous = OFF")  # noqa: SLF001
    stocked(store)
    rows, costs = 1, []
    for target in sizes:
        rows = journal_of(store, rows, target)
        parts = [[f"flat-{target}-{part}-{i}" for i in range(100)] for part in range(7)]
        costs.append(min(cpu(partial(in_turn, store, keys)) for keys in parts) / 100)
        rows += 700
    told = ", ".join(f"{n:,} rows {c * 1e6:.0f} us" for n, c in zip(sizes, costs, strict=True))
    print(f"\nSQLite, CPU time per reserve by journal size: {told} (ratio {costs[-1] / costs[0]:.2f})")
    asked = [(i * 7_919) % rows for i in range(200)]
    times = sorted(cpu(lambda at=at: store.run(lambda txn: as_of(txn, CELL, at), write=False)) for at in asked)  # type: ignore[misc]
    print(f"as-of on that cell: median {median(times) * 1e3:.3f} ms, worst {times[-1] * 1e3:.3f} ms, CPU time")
    start = time.process_time()
    found = store.run(verify, write=False)
    spent = time.process_time() - start
    print(f"verify: {found.entries / spent:,.0f} rows/s of CPU time, {len(found.findings)} findings")
    store.close()


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--only", default="")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: dict[str, Callable[[], None]] = {
            "raw": lambda: beside_raw(folder, options.rounds, options.n),
            "group": lambda: group_commit(folder, options.rounds),
            "processes": lambda: processes(folder),
            "fsyncs": lambda: fsyncs(folder),
            "size": lambda: size(folder),
            "flat": lambda: flat(folder),
        }
        for part, run in parts.items():
            if options.only in ("", part):
                run()


if __name__ == "__main__":
    main(sys.argv[1:])
