"""Tour lengths on the published single-picker instances: time and gap, alone and beside general routing solvers.

Give the folder of the picking data as the first argument, or set OMSCORE_SHARED. `cold` is the first tour on a floor,
with nothing kept from before; `warm` repeats it (the best of five). Peers are asked for the same stops over the table
of walking distances, which is built outside the clock; those not installed are named and left out.
"""

from __future__ import annotations

import gzip
import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from omscore.batching import Bin, Floor
from omscore.render import text_table

EVERY = 36
"""Every so many instances are given to the peers, which are slow."""

Table = list[list[int]]


def folder() -> Path:
    """Where the published instances lie."""
    if len(sys.argv) > 1:
        return Path(sys.argv[1])
    return Path(os.environ.get("OMSCORE_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data" / "picking"


def floor_and_bins(instance: dict[str, Any], blocks: int) -> tuple[Floor, list[str]]:
    """A floor with the picked bins only; a depot at the back turns the floor around."""
    of = instance["layout"]
    cells = {(a, of["cells"] - 1 - c if of["depot"] == "top" else c) for a, c in instance["picks"]}
    bins = [Bin(f"{a}-{c}", a, c) for a, c in sorted(cells)]
    floor = Floor.parallel(
        aisles=of["aisles"],
        cells=of["cells"],
        blocks=blocks,
        bins=bins,
        aisle_mm=round(1000 * of["aisle_dist"]),
        cell_mm=round(1000 * of["cell_dist"]),
        front_mm=round(1000 * of["bottom"]),
        back_mm=round(1000 * of["top"]),
        depot_aisle=of["depot_aisle"],
    )
    return floor, [b.id for b in bins]


def timed(call: Callable[[Any], int], given: Any) -> tuple[int, float]:
    """The answer and the seconds it took."""
    began = time.perf_counter()
    answer = call(given)
    return answer, time.perf_counter() - began


def ours(instances: list[dict[str, Any]]) -> None:
    """Time and correctness of the exact sweep."""
    for blocks, key in ((1, "opt_single_block"), (2, "opt_two_block")):
        cells: dict[tuple[int, int], list[tuple[float, float]]] = {}
        wrong = 0
        for instance in instances:
            floor, bins = floor_and_bins(instance, blocks)
            floor.cover(bins[:1])
            floor.measure()
            length, cold = timed(floor.tour_length, bins)
            warm = min(timed(floor.tour_length, bins)[1] for _ in range(5))
            wrong += length != round(1000 * instance[key])
            cells.setdefault((instance["layout"]["aisles"], len(instance["picks"])), []).append((cold, warm))
        both = [pair for pairs in cells.values() for pair in pairs]
        print(f"\n{blocks} block(s): {len(instances) - wrong} of {len(instances)} equal to the published optimum")
        rows = [
            [aisles, picks, *(f"{1e6 * statistics.mean(pair[i] for pair in pairs):.1f}" for i in (0, 1))]
            for (aisles, picks), pairs in sorted(cells.items())
        ]
        rows.append(["all", "", *(f"{1e6 * statistics.mean(pair[i] for pair in both):.1f}" for i in (0, 1))])
        print(text_table(["aisles", "picks", "cold us", "warm us"], rows))


def distances(floor: Floor, bins: list[str]) -> Table:
    """Walking distances in millimeters between the depot (first) and the bins: half of the tour past two of them.

    In an aisle with one block the way between two bins is the shorter one over either end, unless they share the aisle.
    """
    height = floor.front_mm + (floor.cells - 1) * floor.cell_mm + floor.back_mm
    points = [(floor.depot_at_mm, 0)]
    points += [(b.aisle * floor.aisle_mm, floor.front_mm + b.cell * floor.cell_mm) for b in map(floor.bin, bins)]
    return [
        [abs(y - v) if x == u else abs(x - u) + min(y + v, 2 * height - y - v) for u, v in points] for x, y in points
    ]


def elkai(table: Table) -> int:
    """LKH through elkai."""
    walk = importlib.import_module("elkai").DistanceMatrix(table).solve_tsp()
    return sum(table[a][b] for a, b in pairwise(walk))


def ortools(table: Table) -> int:
    """OR-tools' routing solver, its default search from the cheapest arc."""
    routing = importlib.import_module("ortools.constraint_solver.pywrapcp")
    enums = importlib.import_module("ortools.constraint_solver.routing_enums_pb2")
    manager = routing.RoutingIndexManager(len(table), 1, 0)
    model = routing.RoutingModel(manager)
    model.SetArcCostEvaluatorOfAllVehicles(
        model.RegisterTransitCallback(lambda i, j: table[manager.IndexToNode(i)][manager.IndexToNode(j)])
    )
    parameters = routing.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = enums.FirstSolutionStrategy.PATH_CHEAPEST_ARC
    return int(model.SolveWithParameters(parameters).ObjectiveValue())


def python_tsp(table: Table) -> int:
    """Lin-Kernighan of python-tsp."""
    numpy = importlib.import_module("numpy")
    solve = importlib.import_module("python_tsp.heuristics").solve_tsp_lin_kernighan
    return int(solve(numpy.array(table))[1])


def side_by_side(instances: list[dict[str, Any]]) -> None:
    """The same stops for everybody."""
    chosen = [i for i in instances if i["layout"]["aisles"] in (10, 25) and len(i["picks"]) in (15, 30)][:: EVERY // 4]
    rows: list[list[Any]] = []
    base = 0.0
    for name, solve in (
        ("omscore, warm", None),
        ("elkai (LKH)", elkai),
        ("OR-tools routing", ortools),
        ("python-tsp LK", python_tsp),
    ):
        seconds: list[float] = []
        gaps: list[float] = []
        try:
            for instance in chosen:
                floor, bins = floor_and_bins(instance, 1)
                best = 1000 * instance["opt_single_block"]
                if solve is None:
                    floor.tour_length(bins)
                    length, took = timed(floor.tour_length, bins)
                else:
                    table = distances(floor, bins)
                    length, took = timed(solve, table)
                seconds.append(took)
                gaps.append(100 * (length / best - 1))
        except ImportError as missing:
            print(f"{name}: not installed ({missing.name}), left out")
            continue
        mean = 1e6 * statistics.mean(seconds)
        base = base or mean
        rows.append([name, f"{mean:.0f}", f"{mean / base:.0f}", f"{statistics.mean(gaps):.2f}", f"{max(gaps):.2f}"])
    print(f"\nside by side, one block, {len(chosen)} instances of 10 and 25 aisles, 15 and 30 picks")
    print(text_table(["solver", "us a tour", "times ours", "mean gap %", "worst gap %"], rows))


def main() -> None:
    """Print the tables."""
    path = folder() / "sprp.jsonl.gz"
    if not path.exists():
        print(f"skipped: no published instances at {path}")
        return
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        instances = [json.loads(line) for line in lines]
    ours(instances)
    side_by_side(instances)


if __name__ == "__main__":
    main()
