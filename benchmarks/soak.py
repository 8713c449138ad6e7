"""Long runs: simulated commands for some minutes, and clients of the SQLite store killed again and again.

    PYTHONPATH=src python benchmarks/soak.py --seconds 60 --kills 200

Figures of such runs stand in docs/explanation/soak.md. Nothing here is part of the timed test run.
"""

import argparse
import tempfile
import time
from pathlib import Path

from omscore.adapters import SqliteStore
from omscore.inventory import Cell, Want, receive, reserve, verify
from omscore.kernel.rng import Rng
from omscore.ports import Effect, Transaction
from omscore.testing import simulate
from omscore.testing.faults import Ack, in_child

CELLS = {Cell("A", "ghent"): 1_000_000, Cell("B", "ghent"): 1_000_000}


def hold(txn: Transaction, id_: str) -> None:
    """A reservation of two lines, its key and its effect."""
    reserve(txn, id_, [Want("A", 1), Want("B", 1)], cause=id_)
    txn.claim(id_, "f", id_)
    txn.emit([Effect(id_, "notify.x", {})])


def kills(rounds: int, folder: Path) -> str:
    """In each round a client is killed with signal 9; whatever it acknowledged must be there."""
    path, rng, acked = folder / "shop.db", Rng(1), set[str]()
    store = SqliteStore(path)
    store.run(lambda t: receive(t, CELLS, cause="dock"))
    store.close()
    start = time.monotonic()
    for turn in range(rounds):

        def client(ack: Ack, turn: int = turn) -> None:
            mine = SqliteStore(path)
            for n in range(100_000):
                id_ = f"k{turn}-{n}"
                mine.run(lambda t, i=id_: hold(t, i))  # type: ignore[misc]
                ack(id_)

        lines, _ = in_child(client, kill_after=1 + rng.below(60))
        acked.update(lines)
    store = SqliteStore(path)
    there = set[str]()
    after = ""
    while page := store.run(lambda t, a=after: t.reservations(after=a), write=False):  # type: ignore[misc]
        there |= {r.id for r in page}
        after = page[-1].id
    findings = store.run(verify, write=False).findings
    figures = store.run(lambda t: t.figures(CELLS), write=False)
    wrong = sum(row.reserved != len(there) for row in figures.values())
    store.close()
    return (
        f"SQLite, power-loss durability: {rounds} kills, {len(there)} holds, {len(acked)} acknowledged, "
        f"{len(acked - there)} acknowledged and lost, {wrong + len(findings)} wrong cells or findings, "
        f"{time.monotonic() - start:.0f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="processor time for the simulation")
    parser.add_argument("--first", type=int, default=1_000_000, help="the first seed")
    parser.add_argument("--kills", type=int, default=100, help="clients of the SQLite store to kill")
    asked = parser.parse_args()
    simulate.main(["--seeds", "100000000", "--first", str(asked.first), "--seconds", str(asked.seconds)])
    with tempfile.TemporaryDirectory() as folder:
        print(kills(asked.kills, Path(folder)))


if __name__ == "__main__":
    main()
