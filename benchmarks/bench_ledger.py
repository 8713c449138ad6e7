"""How fast the ledger is in memory, against plain dicts with the same promises and against a peer from PyPI.

Run `PYTHONPATH=src python benchmarks/bench_ledger.py`. Rounds are interleaved and medians of CPU time compared, so that
other work on the machine shows in all of them alike.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import blake2b
from heapq import heappush
from importlib import import_module
from itertools import repeat
from statistics import median
from threading import RLock
from time import perf_counter, process_time
from typing import Any

from omscore.adapters import MemoryStore
from omscore.inventory import (
    Cell,
    Ledger,
    MemoryBooks,
    Movement,
    Reserved,
    Want,
    as_of,
    fingerprint,
    once,
    reserve,
    verify,
)
from omscore.kernel import ManualClock

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
TTL = timedelta(minutes=15)
CELL = Cell("SKU-1", "ghent")


class StepClock:
    """A clock that is a little later whenever it is asked, as clocks are."""

    def __init__(self) -> None:
        self._times = repeat(timedelta(microseconds=50))
        self._now = START

    def now(self) -> datetime:
        self._now = now = self._now + next(self._times)
        return now


class Floor:
    """The least code that keeps the same promises: keys, fingerprints, deadlines, journal, outbox, a lock."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.now = StepClock().now
        self.cells: dict[tuple[str, ...], tuple[int, int, int]] = {}
        self.holds: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.due: list[tuple[datetime, str]] = []
        self.journal: list[Any] = []
        self.outbox: list[Any] = []

    def reserve(self, key: str, owner: str, item: str, node: str, units: int) -> Any:
        with self.lock:
            content = ("reserve", owner, ((item, units, (node,), ("",)),), TTL)
            name = blake2b(repr(content).encode(), digest_size=16).hexdigest()
            kept = self.claims.get(key)
            if kept is not None:
                if kept[0] != name:
                    raise ValueError(key)
                return kept[1]
            if type(units) is not int or units <= 0:
                raise ValueError(units)
            now = self.now()
            cell = (item, node, "", "")
            free, reserved, version = self.cells[cell]
            if free < units:
                raise ValueError(free)
            until = now + TTL
            self.cells[cell] = (free - units, reserved + units, version + 1)
            movement = (cell, "free", "reserved", units, "reserve", key, owner, None, 0)
            self.journal.append((version + 1, now, movement))
            self.holds[owner] = (owner, {(cell, "reserved"): units}, until, "", 0, 1, "", now)
            heappush(self.due, (until, owner))
            result = (owner, {cell: units}, until)
            self.outbox.append((key, "stock", item))
            self.claims[key] = (name, result)
            return result


def timed(work: Callable[[], object]) -> float:
    gc.collect()
    start = process_time()
    work()
    return process_time() - start


def floor_round(n: int) -> Callable[[], object]:
    floor = Floor()
    floor.cells[tuple(CELL)] = (10**9, 0, 0)

    def work() -> None:
        for i in range(n):
            floor.reserve(f"web-{i}", f"ord-{i}", "SKU-1", "ghent", 1)

    return work


def store_round(n: int) -> Callable[[], object]:
    store = MemoryStore(StepClock())
    Ledger(store).receive({CELL: 10**9}, key="dock-1")

    def one(key: str, order: str) -> Reserved:
        name = fingerprint("reserve", order, (("SKU-1", 1, None, ("",)),), TTL)
        wants = (Want("SKU-1", 1),)
        return store.run(
            lambda txn: once(txn, key, name, lambda: reserve(txn, order, wants, cause=key, expires_in=TTL))
        )

    def work() -> None:
        for i in range(n):
            one(f"web-{i}", f"ord-{i}")

    return work


def ledger_round(n: int) -> Callable[[], object]:
    ledger = Ledger(MemoryStore(StepClock()))
    ledger.receive({CELL: 10**9}, key="dock-1")

    def work() -> None:
        for i in range(n):
            ledger.reserve(f"ord-{i}", [Want("SKU-1", 1)], key=f"web-{i}", expires_in=TTL)

    return work


@cache
def peer() -> Any:
    """The peer's application and a stock with keys, fingerprints and deadlines as ours has them, or None."""
    try:
        application: Any = import_module("eventsourcing.application")
        domain: Any = import_module("eventsourcing.domain")
    except ImportError:
        return None

    class Stock(domain.Aggregate):  # type: ignore[misc, unused-ignore]
        @domain.event("Received")  # type: ignore[misc, untyped-decorator, unused-ignore]
        def __init__(self, free: int) -> None:
            self.free = free
            self.holds: dict[str, tuple[int, str]] = {}
            self.claims: dict[str, tuple[str, str]] = {}

        @domain.event("Reserved")  # type: ignore[misc, untyped-decorator, unused-ignore]
        def reserve(self, key: str, name: str, order: str, units: int, until: str) -> None:
            if self.free < units:
                raise ValueError(order)
            self.free -= units
            self.holds[order] = (units, until)
            self.claims[key] = (name, order)

    return application, Stock


def peer_round(n: int) -> Callable[[], object] | None:
    found = peer()
    if found is None:
        return None
    application, stock_class = found
    app = application.Application(env={"AGGREGATE_CACHE_MAXSIZE": "100", "AGGREGATE_CACHE_FASTFORWARD": "n"})
    stock = stock_class(10**9)
    app.save(stock)
    clock = StepClock()

    def work() -> None:
        for i in range(n):
            key, order = f"web-{i}", f"ord-{i}"
            name = fingerprint("reserve", order, (("SKU-1", 1, None, ("",)),), TTL)
            one = app.repository.get(stock.id, deepcopy_from_cache=False)
            kept = one.claims.get(key)
            if kept is not None:
                if kept[0] != name:
                    raise ValueError(key)
                continue
            one.reserve(key, name, order, 1, (clock.now() + TTL).isoformat())
            app.save(one)

    return work


def rates(n: int, rounds: int) -> None:
    makers = {"floor": floor_round, "store": store_round, "Ledger": ledger_round, "eventsourcing": peer_round}
    spent: dict[str, list[float]] = {name: [] for name in makers}
    for _ in range(rounds):
        for name, make in makers.items():
            work = make(n)
            if work is not None:
                spent[name].append(timed(work))
    beside = (spent["floor"], spent["eventsourcing"])
    print(f"reserve of one line, {n} of them, median of {rounds} interleaved rounds, CPU time")
    for name, seconds in spent.items():
        if seconds:
            ratios = [median(a / b for a, b in zip(base, seconds, strict=True)) for base in beside if base]
            shown = f"{ratios[0]:.2f}x of the floor" + "".join(f", {ratio:.1f}x of the peer" for ratio in ratios[1:])
            print(f"  {name:14} {n / median(seconds):>10,.0f}/s   {shown}")
        else:
            print(f"  {name:14} not installed, skipped")
    print(f"  ({median(spent['floor']) / n * 1e6:.1f} us for one reserve on the floor)")


def flatness() -> None:
    print("cost of a reserve and its release as the journal grows")
    ledger = Ledger(MemoryStore(ManualClock(START)))
    ledger.receive({CELL: 10**9}, key="dock-1")
    done, first = 0, 0.0
    for rows in (1_000, 10_000, 100_000, 1_000_000):
        while done < rows:
            ledger.reserve(f"r{done}", [Want("SKU-1", 1)], key=f"a{done}", expires_in=TTL)
            ledger.release(f"r{done}", key=f"b{done}")
            done += 2
        costs = []
        for _ in range(15):
            start = process_time()
            for _ in range(250):
                ledger.reserve(f"r{done}", [Want("SKU-1", 1)], key=f"a{done}", expires_in=TTL)
                ledger.release(f"r{done}", key=f"b{done}")
                done += 2
            costs.append((process_time() - start) / 500)
        cost = median(costs)
        first = first or cost
        print(f"  {rows:>9,} rows   {cost * 1e6:6.1f} us   {cost / first:.2f}x")


def past(rows: int) -> None:
    clock = ManualClock(START)
    books = MemoryBooks(clock.now)
    books.post([Movement(CELL, "supplier", "free", 10**9, "receive", "dock-1")], {})
    move = Movement(CELL, "free", "reserved", 1, "reserve", "k", "r")
    back = Movement(CELL, "reserved", "free", 1, "release", "k", "r")
    for _ in range(rows // 10):
        clock.advance(seconds=1)
        books.post([move, back] * 5, {})
        books.commit()
    times = []
    for i in range(200):
        start = perf_counter()
        as_of(books, CELL, START + timedelta(seconds=(i * 7919) % (rows // 10)))
        times.append(perf_counter() - start)
    print(f"as-of on a cell of {rows:,} rows: median {median(times) * 1e3:.3f} ms, worst {max(times) * 1e3:.3f} ms")
    start = process_time()
    found = verify(books)
    spent = process_time() - start
    print(f"verify: {found.entries / spent:,.0f} rows/s, {len(found.findings)} findings")


def main() -> None:
    quick = "--quick" in sys.argv
    rates(2_000, 3 if quick else 15)
    if not quick:
        rates(20_000, 7)
        flatness()
    past(20_000 if quick else 1_000_000)


if __name__ == "__main__":
    main()
