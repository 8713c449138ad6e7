"""A backlog decided together: what it saves over first come, first served, its own gap, and HiGHS beside it.

Run: PYTHONPATH=src:. python benchmarks/bench_backlog.py [orders] [nodes] [seeds] [HiGHS's seconds] [first seed]
Seconds are of the processor, one thread each.
"""

from __future__ import annotations

import sys
import time
from statistics import median

from benchmarks.backlog_cases import HighsPlanner, backlog

from omscore.routing.sourcing import JointPlanner, one_by_one


def main(orders: int = 1_000, nodes: int = 8, seeds: int = 8, seconds_max: int = 120, first_seed: int = 201) -> None:
    """Print one row per seed and the medians; `seconds_max` is HiGHS's limit for each."""
    try:
        peer: HighsPlanner | None = HighsPlanner(gap=1e-4, seconds_max=float(seconds_max))
    except ModuleNotFoundError:
        peer = None
        print("highspy is not installed: HiGHS is skipped")
    print(f"{orders} orders x {nodes} nodes; seconds of CPU time; saving of the best plan known = 100 %")
    print("at least = the part of the saving if the best plan were as cheap as the best bound known")
    print("seed  first come    joint    s    gap     HiGHS    s  of saving  available  captured  at least")
    rows = []
    for seed in range(first_seed, first_seed + seeds):
        waiting = backlog(seed, orders, nodes)
        first = one_by_one(waiting).cost
        start = time.process_time()
        joint = JointPlanner(seed=1).plan(waiting)
        spent = time.process_time() - start
        best, bound, theirs, peer_spent = joint.cost, joint.bound, first, 0.0
        if peer is not None:
            highs = peer.plan(waiting)
            theirs, peer_spent = highs.cost, peer.seconds
            best, bound = min(best, theirs), max(bound, highs.bound)
            assert joint.bound <= theirs
        captured, reached, least = (
            (first - cost) / (first - low) if first > low else 1.0
            for cost, low in ((joint.cost, best), (theirs, best), (joint.cost, bound))
        )
        rows.append((captured, least, joint.gap, spent, peer_spent))
        print(
            f"{seed:4} {first:11} {joint.cost:8} {spent:4.1f} {joint.gap:6.2%} {theirs:9} {peer_spent:4.0f}"
            f" {reached:10.1%} {(first - best) / first:10.1%} {captured:9.1%} {least:9.1%}",
            flush=True,
        )
    captured, least, gap, spent, peer_spent = (median(column) for column in zip(*rows, strict=True))
    worst = min(row[0] for row in rows)
    print(f"medians of {len(rows)}: captured {captured:.1%} (worst {worst:.1%}), at least {least:.1%}, gap {gap:.2%},")
    print(f"{spent:.1f} s; HiGHS {peer_spent:.1f} s")


if __name__ == "__main__":
    main(*[int(figure) for figure in sys.argv[1:]])
