"""A backlog decided together: what it saves over first come, first served, its own gap, and HiGHS beside it.

Run: PYTHONPATH=src:. python benchmarks/bench_backlog.py [orders] [nodes] [seeds]; CPU seconds, one thread each.
"""

from __future__ import annotations

import sys
import time
from statistics import median

from benchmarks.backlog_cases import HighsPlanner, backlog

from omscore.routing.sourcing import JointPlanner, one_by_one

FIRST_SEED = 11


def main(orders: int = 1_000, nodes: int = 8, seeds: int = 8) -> None:
    """Print one row per seed and the medians."""
    try:
        peer: HighsPlanner | None = HighsPlanner(gap=1e-4, seconds_max=120.0)
    except ModuleNotFoundError:
        peer = None
        print("highspy is not installed: HiGHS is skipped")
    print(f"{orders} orders x {nodes} nodes; seconds of CPU time; saving of the best plan known = 100 %")
    print("seed  first come    joint    s    gap    HiGHS    s   available  captured")
    rows = []
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        waiting = backlog(seed, orders, nodes)
        first = one_by_one(waiting).cost
        start = time.process_time()
        joint = JointPlanner(seed=1).plan(waiting)
        spent = time.process_time() - start
        best, bound, peer_spent = joint.cost, joint.bound, 0.0
        if peer is not None:
            highs = peer.plan(waiting)
            best, bound, peer_spent = min(best, highs.cost), max(bound, highs.bound), peer.seconds
            assert joint.bound <= highs.cost
        captured = (first - joint.cost) / (first - best) if first > best else 1.0
        if best <= bound * 1.001:
            # Where HiGHS stopped before it was done, nobody knows what there was to save.
            rows.append((captured, joint.gap, spent, peer_spent))
        print(
            f"{seed:4} {first:11} {joint.cost:8} {spent:4.1f} {joint.gap:6.2%} {best:8} {peer_spent:5.1f}"
            f" {(first - best) / first:9.1%} {captured:9.1%}   best plan known within {best / bound - 1:.2%}",
            flush=True,
        )
    if not rows:
        print("no optimum known: nothing to compare with")
        return
    captured, gap, spent, peer_spent = (median(column) for column in zip(*rows, strict=True))
    least = min(row[0] for row in rows)
    print(f"{len(rows)} backlogs with a known optimum: median captured {captured:.1%} (least {least:.1%}),")
    print(f"gap {gap:.2%}, {spent:.1f} s; HiGHS {peer_spent:.1f} s")


if __name__ == "__main__":
    main(*[int(figure) for figure in sys.argv[1:]])
