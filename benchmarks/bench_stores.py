"""The stores beside the bare database doing the same writes: CPU time, interleaved rounds, medians.

A reserve of one line: look up the key, read reservation and cells, write journal, cell, reservation and key. The bare
side runs the same statements with values made beforehand, and computes nothing.

Run it with `python -m benchmarks.bench_stores` (add `--rounds 20` for calmer figures).
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median

from omscore.adapters import SqliteStore
from omscore.adapters import _sqlite_statements as sql
from omscore.adapters._sqlite_schema import TENANT_SPAN, prepare, tenant_number
from omscore.inventory import Cell, Want, once, receive, reserve
from omscore.ports import Store, Transaction

CELL = Cell("SKU-1", "ghent")
_FINGERPRINT = "0123456789abcdef" * 2


def command(key: str) -> Callable[[Transaction], object]:
    def work(txn: Transaction) -> object:
        return once(
            txn,
            key,
            _FINGERPRINT,
            lambda: reserve(txn, f"ord-{key}", [Want("SKU-1", 1)], cause=key, expires_in=timedelta(minutes=15)),
        )

    return work


def stocked(store: Store) -> None:
    store.run(lambda txn: receive(txn, {CELL: 10_000_000}, cause="dock-1"))


class Raw:
    """Plain sqlite3: the statements of a reserve, their values ready."""

    def __init__(self, path: str, synchronous: str) -> None:
        self.conn = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        self.conn.execute("PRAGMA journal_mode = WAL")
        self.conn.execute(f"PRAGMA synchronous = {synchronous}")
        prepare(self.conn)
        tenant_number(self.conn, "")
        run = self.conn.execute
        run(sql.ADD_MOVE, ("reserve", "free", "reserved"))
        run(sql.ADD_CELL, (0, *CELL, 10_000_000, 0, 0, 0, 0, 0, 0, 0, 1, b"0" * 16))
        self.n = 0

    def reserves(self, keys: list[str], batch: int) -> None:
        run = self.conn.cursor().execute
        digest, result = b"0123456789abcdef", '{"$":"inventory.Reserved/1","reservation":"ord-web-17"}' + " " * 80
        held = '{"h":[["SKU-1","ghent","","","reserved",1]],"s":1795488348662381}'
        for start in range(0, len(keys), batch):
            if batch > 1:
                run("BEGIN IMMEDIATE")
            for key in keys[start : start + batch]:
                run(sql.READ_CLAIM, (0, key)).fetchone()
                if batch == 1:
                    run("BEGIN IMMEDIATE")
                else:
                    run("SAVEPOINT job")
                self.n += 1
                n = self.n
                run(sql.READ_RESERVATION, (TENANT_SPAN, 0, f"ord-{key}")).fetchone()
                run(sql.READ_CELLS, (0, "SKU-1")).fetchall()
                run(sql.ADD_ENTRY, (TENANT_SPAN, 1, n, 1_795_488_348_662_381, 1, 1, key, f"ord-{key}", None, 0, digest))
                run(sql.SET_CELL, (10_000_000 - n, n, 0, 0, 0, 0, 0, 0, n, digest, 1))
                run(sql.ADD_RESERVATION, (1, 1_795_488_648_662_381, 1, held, 0, f"ord-{key}"))
                run(sql.ADD_CLAIM, (0, key, _FINGERPRINT, result))
                if batch > 1:
                    run("RELEASE job")
                else:
                    run("COMMIT")
            if batch > 1:
                run("COMMIT")


def in_groups(store: SqliteStore, keys: list[str], batch: int) -> None:
    """What many threads would send, handed over at once."""
    from omscore.adapters._waiting import Job  # noqa: PLC0415 - the benchmark looks inside

    for start in range(0, len(keys), batch):
        jobs = [Job(command(key)) for key in keys[start : start + batch]]
        store._perform(jobs)  # noqa: SLF001
        for job in jobs:
            job.outcome()


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def beside_raw(folder: Path, rounds: int, n: int) -> None:
    print(f"\nSQLite, one item, CPU time per reserve, sync OFF, {rounds} interleaved rounds of {n}")
    print(f"{'batch':>6} {'bare us':>9} {'omscore us':>11} {'ratio':>7}")
    for batch in (1, 100):
        raw = Raw(str(folder / f"raw-{batch}.db"), "OFF")
        store = SqliteStore(folder / f"oms-{batch}.db", durability="process-crash")
        store._writer.execute("PRAGMA synchronous = OFF")  # noqa: SLF001 - the floor is measured without the disk
        stocked(store)
        bare, ours = [], []
        for r in range(rounds + 1):
            keys = [f"web-{r}-{i:06}" for i in range(n)]
            bare.append(cpu(lambda k=keys, b=batch, x=raw: x.reserves(k, b)) / n)  # type: ignore[misc]
            if batch == 1:
                ours.append(cpu(lambda k=keys, s=store: [s.run(command(key)) for key in k]) / n)  # type: ignore[misc]
            else:
                ours.append(cpu(lambda k=keys, b=batch, s=store: in_groups(s, k, b)) / n)  # type: ignore[misc]
        ratio = median(b / o for b, o in zip(bare[1:], ours[1:], strict=True))
        print(f"{batch:>6} {median(bare[1:]) * 1e6:>9.1f} {median(ours[1:]) * 1e6:>11.1f} {ratio:>7.2f}")
        raw.conn.close()
        store.close()


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--n", type=int, default=500)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        beside_raw(Path(folder), options.rounds, options.n)


if __name__ == "__main__":
    main(sys.argv[1:])
