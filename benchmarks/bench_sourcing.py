"""Sourcing one order exactly, with HiGHS beside it: mean CPU time, share decided within 1 and 10 ms, differences.

Run: PYTHONPATH=src:. python benchmarks/bench_sourcing.py [orders per row] [orders given to HiGHS]
"""

from __future__ import annotations

import gc
import sys
import time
from statistics import mean, median

from benchmarks.sourcing_cases import Highs, lines_of, order

from omscore.kernel.rng import Rng
from omscore.routing._search import solve
from omscore.routing.sourcing import Sourcing

ROUNDS = 15


def timed(question: Sourcing, rounds: int) -> float:
    """Median seconds of CPU time of one exact search."""
    spent = []
    for _ in range(rounds):
        start = time.process_time()
        solve(question)
        spent.append(time.process_time() - start)
    return median(spent)


def row(name: str, questions: list[Sourcing], peer: Highs | None, asked: int) -> None:
    """Measure one class of orders, ours and HiGHS in turn, and print it."""
    ours, theirs, different = [], [], 0
    for k, question in enumerate(questions):
        ours.append(timed(question, ROUNDS))
        plan = solve(question)
        assert plan is not None
        assert plan.proven
        if peer is not None and k < asked:
            start = time.process_time()
            cost = peer.solve(question)
            theirs.append(time.process_time() - start)
            different += cost != plan.cost
    within = [100 * sum(t < limit for t in ours) / len(ours) for limit in (1e-3, 1e-2)]
    text = f"{name:22} {mean(ours) * 1e6:8.0f} {within[0]:6.1f} % {within[1]:6.1f} % {max(ours) * 1e3:7.1f}"
    if theirs:
        text += (
            f" {mean(theirs) * 1e6:9.0f} {sum(theirs) / sum(ours[: len(theirs)]):6.0f}x {different:4} of {len(theirs)}"
        )
    print(text, flush=True)


def main(count: int = 400, asked: int = 120) -> None:
    """Print the table."""
    try:
        peer: Highs | None = Highs()
    except ModuleNotFoundError:
        peer = None
        print("highspy is not installed: HiGHS is skipped")
    gc.disable()
    print("orders                  mean us   <1 ms   <10 ms  max ms  HiGHS us  ratio  different")
    for mix in ("marketplace", "mix", "heavy"):
        for dense in (True, False):
            rng = Rng(71)
            questions = [order(rng, lines_of(rng, mix), 50, dense=dense) for _ in range(count)]
            row(f"{mix} x 50 {'dense' if dense else 'sparse'}", questions, peer, asked)
    for lines, nodes, few in ((5, 10, 60), (10, 50, 40), (20, 100, 5)):
        for dense in (True, False):
            rng = Rng(73)
            questions = [order(rng, lines, nodes, dense=dense) for _ in range(min(few, count))]
            row(f"{lines} x {nodes} {'dense' if dense else 'sparse'}", questions, peer, asked)
    for lines, nodes in ((3, 10), (3, 50), (5, 50), (10, 20)):
        rng = Rng(79)
        questions = [order(rng, lines, nodes, dense=False, units=4) for _ in range(min(200, count))]
        row(f"divided {lines} x {nodes}", questions, peer, min(asked, 30))


if __name__ == "__main__":
    main(*[int(figure) for figure in sys.argv[1:]])
