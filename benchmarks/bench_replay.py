"""How long a week of retail orders takes on SQLite, and how much memory: `python benchmarks/bench_replay.py [DIR]`.

The target is a week (449 orders, 12,643 lines) in under 30 s on two cores, with a peak under 250 MiB.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from omscore.adapters import SqliteStore
from omscore.replay import Replay, read, report

WEEK = Path(__file__).resolve().parents[2] / "shared" / "data" / "replay" / "uk_week_2011-10-03_07"


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else WEEK
    if not folder.is_dir():
        print(f"{folder} is not there; name a folder of orders")
        return
    with tempfile.TemporaryDirectory() as home:
        wall, cpu = time.perf_counter(), time.process_time()
        day = read(folder)
        replay = Replay(day, lambda clock: SqliteStore(f"{home}/r.db", clock=clock, durability="process-crash"))
        replay.run()
        done = report(replay)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    orders, lines = done.orders["in"], sum(len(wish.draft.lines) for wish in day.wishes)
    print(f"{day.name}: {orders} orders, {lines} lines: {wall:.1f} s ({cpu:.1f} s of CPU), peak {peak:.0f} MiB")
    print(f"{orders / wall:.0f} orders/s, {lines / wall:.0f} lines/s, oversold {done.oversold}")


if __name__ == "__main__":
    main()
