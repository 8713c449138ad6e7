"""A rush of fifteen times the normal rate, with and without surge mode: who waits how long, and at what pace.

Two tables. The first simulates eight hours of arrivals, minute by minute: a normal hour, four hours in which the rate
climbs to fifteen times normal, and a calm end; whoever routes manages ten times the normal rate and no more. The
second measures how fast a backlog is routed in one SQLite file, an order a transaction against fifty.

    python benchmarks/bench_surge.py
"""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from omscore import render
from omscore.adapters import MemoryStore, SqliteStore
from omscore.app import Network, Oms
from omscore.kernel import Address, ManualClock, Rng, SequenceIds
from omscore.oversight import SurgeRule, surges
from omscore.ports import Store
from omscore.routing import Node
from omscore.testing.walkthrough import MONDAY, draft

NORMAL_A_MINUTE = 5
CAPACITY_A_MINUTE = 50
REGIONS = ("BE", "NL", "DE", "FR")
RULE = SurgeRule(normal=NORMAL_A_MINUTE * 15, period=timedelta(minutes=15))


def rate(minute: int) -> int:
    """Orders in a minute, in percent of normal: flat, up to 1,500 within four hours, then flat again."""
    if minute < 60:
        return 100
    if minute < 300:
        return 100 + 1_400 * (minute - 60) // 240
    return 90


def shop(store: Store, rule: SurgeRule | None) -> Oms:
    made = Oms(store=store, network=Network([Node("ghent")]), surge=rule, ids=SequenceIds())
    made.receive("ghent", {"SKU-1": 1_000_000}, key="dock")
    made.tick()
    return made


def come_in(made: Oms, n: int, name: str, rng: Rng, now: datetime) -> None:
    for i in range(n):
        service = "express" if rng.below(10) == 0 else "standard"
        wish = draft(f"{name}-{i}", service=service, ship_to=Address(rng.choice(REGIONS)), placed_at=now)
        made.capture("web", wish, key=f"{name}-{i}")


def waits(rule: SurgeRule | None) -> tuple[dict[str, list[float]], int, list[int]]:
    """Minutes from capture to routing by service, the longest backlog, and the minutes in which a surge was on."""
    clock, rng = ManualClock(MONDAY), Rng(7)
    made = shop(MemoryStore(clock), rule)
    found: dict[str, list[float]] = {"express": [], "standard": []}
    backlog = longest = 0
    on = []
    for minute in range(480):
        n = NORMAL_A_MINUTE * rate(minute) // 100
        come_in(made, n, str(minute), rng, clock.now())
        clock.advance(minutes=1)
        made.tick()
        done = made.route(CAPACITY_A_MINUTE)
        for routed in done:
            order = made.order(routed.order)
            waited = (clock.now() - order.captured_at).total_seconds() / 60
            found[order.draft.service].append(waited)
        backlog += n - len(done)
        longest = max(longest, backlog)
        if made.surge().on:
            on.append(minute + 1)
    return found, longest, on


def pace(rule: SurgeRule | None, orders: int) -> float:
    """Orders routed a second from a backlog in one SQLite file."""
    with tempfile.TemporaryDirectory() as folder:
        clock = ManualClock(MONDAY)
        made = shop(SqliteStore(Path(folder, "shop.db"), clock=clock), rule)
        come_in(made, orders, "b", Rng(7), clock.now())
        clock.advance(minutes=15)
        made.tick()
        start = perf_counter()
        done = made.route(orders)
        return len(done) / (perf_counter() - start)


def main() -> None:
    """Print both tables."""
    rows = []
    for name, rule in (("as on any day", None), ("surge mode", RULE)):
        found, longest, on = waits(rule)
        for service, minutes in found.items():
            ranked = sorted(minutes)
            rows.append(
                [name, service, len(ranked), median(ranked), ranked[len(ranked) * 95 // 100], ranked[-1], longest]
            )
        if on:
            print(f"surge mode from minute {on[0]} to {on[-1]} of 480, {len(on)} minutes")
    print(render.text_table(["routing", "service", "orders", "median wait", "95 %", "longest", "backlog"], rows))
    counts = [NORMAL_A_MINUTE * 15 * percent // 100 for percent in (100, 250, 1_500, 1_200, 160, 140, 140)]
    print([state.on for state in surges(RULE, counts)])
    paces: dict[str, list[float]] = {"an order a transaction": [], "fifty orders a transaction": []}
    for _ in range(3):
        paces["an order a transaction"].append(pace(None, 500))
        paces["fifty orders a transaction"].append(pace(SurgeRule(normal=1), 500))
    print(render.text_table(["SQLite file", "orders/s"], [[name, round(median(each))] for name, each in paces.items()]))


if __name__ == "__main__":
    main()
