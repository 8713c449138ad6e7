"""Batches on the published instances: gap to the best known plans by time, and what is saved.

Usage: python benchmarks/bench_batching.py [folder] [--every N] [--seconds 1 5] [--rule exact|s_shape] [--parts ...]

Time budgets are processor seconds of this process (time.process_time), so that a busy machine measures the same as an
idle one. Parts: `sets` (gaps by set, size and capacity, and the distance saved), `highs` (a set-
partitioning model of all possible batches in HiGHS, beside ours, on small instances), `thousand` (a thousand open
orders), `retail` (the UK retail slices). Every N-th instance of each set is taken.
"""

from __future__ import annotations

import argparse
import csv
import gc
import gzip
import importlib
import json
import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from omscore.batching import BatchPlan, Cart, Floor, Limits, PickLine, PickOrder, plan, report
from omscore.kernel import Rng
from omscore.render import text_table

SETS = {
    "Muter & Oncan": ("muter_oncan",),
    "Henn & Waescher": ("henn_waescher_sshape", "henn_waescher_sshape_part2", "henn_waescher_lgap_part"),
    "Bahceci & Oncan": ("bahceci_oncan",),
}
REFERENCE = {"exact": "optimal", "s_shape": "traversal"}
"""The published names of our rules."""

Instance = dict[str, Any]


def since() -> Callable[[], float]:
    """A function that tells the processor seconds since now."""
    began = time.process_time()
    return lambda: time.process_time() - began


LOOK_S = 0.002


def budget_clock() -> Callable[[], float]:
    """Processor seconds since now for a search, which asks often: they are read anew once `LOOK_S` have passed on the
    wall, because reading them is a call of the system.
    """
    elapsed, spent, looked = since(), 0.0, time.perf_counter()

    def seldom() -> float:
        nonlocal spent, looked
        now = time.perf_counter()
        if now - looked > LOOK_S:
            spent, looked = elapsed(), now
        return spent

    return seldom


def floor_of(instance: Instance) -> Floor:
    """The floor of an instance, in millimeters."""
    of = instance["layout"]
    return Floor.parallel(
        aisles=of["aisles"],
        cells=of["cells"],
        aisle_mm=round(1000 * of["aisle_dist"]),
        cell_mm=round(1000 * of["cell_dist"]),
        front_mm=round(1000 * of["bottom"]),
        back_mm=round(1000 * of["top"]),
        depot_aisle=of["depot_aisle"],
    )


def orders_of(instance: Instance) -> list[PickOrder]:
    """The orders; what an order takes of the capacity is put on its first line as weight."""
    weights = instance.get("weight") or [sum(units for _, _, units in rows) for rows in instance["orders"]]
    return [
        PickOrder(
            f"o{n:03}",
            [
                PickLine(f"o{n:03}", str(i), "item", units, f"{a}-{c}", int(weight) if i == 0 else 0)
                for i, (a, c, units) in enumerate(rows)
            ],
        )
        for n, (rows, weight) in enumerate(zip(instance["orders"], weights, strict=True))
    ]


def read(folder: Path, names: Sequence[str], every: int) -> list[Instance]:
    """Every N-th instance of some files."""
    found: list[Instance] = []
    for name in names:
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            found += [json.loads(line) for line in lines]
    return found[::every]


def search(orders: list[PickOrder], floor: Floor, limits: Limits | list[Cart], rule: str, seconds: float) -> BatchPlan:
    """Our plan in so many processor seconds; 0 is savings alone."""
    if not seconds:
        return plan(orders, floor, limits, rule=rule)
    return plan(orders, floor, limits, method="search", rule=rule, seconds_max=seconds, elapsed=budget_clock(), seed=1)


def sets(folder: Path, every: int, budgets: Sequence[float], rule: str) -> None:
    """Gaps to the best known values."""
    for title, names in SETS.items():
        gaps: dict[float, list[float]] = {}
        cells: dict[tuple[int, float], list[float]] = {}
        saved: dict[str, list[float]] = {"first come": [], "one at a time": [], "best known": []}
        proven = 0
        instances = [i for i in read(folder, names, every) if REFERENCE[rule] in i["ref"]]
        for instance in instances:
            floor, orders = floor_of(instance), orders_of(instance)
            limits = Limits(weight_max=int(instance["capacity"]))
            best = 1000 * instance["ref"][REFERENCE[rule]]["bks"]
            for seconds in (0.0, *budgets):
                made = search(orders, floor, limits, rule, seconds)
                gap = 100 * (made.distance_mm / best - 1)
                gaps.setdefault(seconds, []).append(gap)
                if seconds == budgets[-1]:
                    cells.setdefault((len(orders), instance["capacity"]), []).append(gap)
                    proven += made.lower_bound_mm == made.distance_mm
                    told = report(made, orders, floor, limits)
                    for way in ("first come", "one at a time"):
                        saved[way].append(100 * told.saved(way)[0])
                    before = made.distance_mm / (1 - told.saved("first come")[0])
                    saved["best known"].append(100 * (1 - best / before))
        if not instances:
            continue
        print(f"\n{title}: {len(instances)} instances, {rule} tours, {proven} proven; gap to best known in %")
        rows = [
            ["savings" if not s else f"{s:g} s", f"{statistics.mean(g):.2f}", f"{max(g):.2f}"] for s, g in gaps.items()
        ]
        print(text_table(["budget", "mean", "worst"], rows))
        sizes, capacities = sorted({k[0] for k in cells}), sorted({k[1] for k in cells})
        table = [
            [n, *(f"{statistics.mean(cells[n, c]):.2f}" if (n, c) in cells else "" for c in capacities)] for n in sizes
        ]
        print(text_table([f"orders at {budgets[-1]:g} s", *(f"capacity {c:g}" for c in capacities)], table))
        means = {way: f"{statistics.mean(shares):.1f}" for way, shares in saved.items()}
        print(
            f"distance saved against first come + S-shape {means['first come']} % (the best known plans save "
            f"{means['best known']} %), against one at a time + S-shape {means['one at a time']} %"
        )


def highs(folder: Path, every: int, seconds: float) -> None:
    """All possible batches as columns of a set-partitioning model, HiGHS and ours in the same processor time."""
    try:
        solver, numpy = importlib.import_module("highspy"), importlib.import_module("numpy")
    except ImportError as missing:
        print(f"\nHiGHS: not installed ({missing.name}), left out")
        return
    rows = []
    for instance in read(folder, SETS["Bahceci & Oncan"], every):
        floor, orders = floor_of(instance), orders_of(instance)
        limits = Limits(weight_max=int(instance["capacity"]))
        gc.collect()
        took = since()
        made = search(orders, floor, limits, "exact", seconds)
        ours_s = took()
        gc.collect()
        took = since()
        length, loads = floor.measure(), [order.weight_grams for order in orders]
        masks = [floor.cover(order.bins) for order in orders]
        columns: list[tuple[tuple[int, ...], int]] = []
        ends: list[tuple[tuple[int, ...], int, int]] = [((), 0, 0)]
        while ends:
            members, load, mask = ends.pop()
            for o in range(members[-1] + 1 if members else 0, len(orders)):
                if load + loads[o] <= instance["capacity"]:
                    ends.append(((*members, o), load + loads[o], mask | masks[o]))
                    columns.append(((*members, o), length(mask | masks[o])))
        model = solver.Highs()
        model.setOptionValue("output_flag", False)
        model.setOptionValue("threads", 1)
        model.setOptionValue("time_limit", seconds)
        for _ in orders:
            model.addRow(1.0, 1.0, 0, numpy.array([], dtype=numpy.int32), numpy.array([], dtype=numpy.double))
        for members, cost in columns:
            model.addCol(
                float(cost), 0.0, 1.0, len(members), numpy.array(members, dtype=numpy.int32), numpy.ones(len(members))
            )
        model.changeColsIntegrality(
            len(columns),
            numpy.arange(len(columns), dtype=numpy.int32),
            numpy.full(len(columns), solver.HighsVarType.kInteger),
        )
        model.run()
        proves = model.getModelStatus() == solver.HighsModelStatus.kOptimal
        value = model.getInfo().objective_function_value
        rows.append((ours_s, took(), proves and made.distance_mm == round(value), proves, len(columns)))
    print(f"\nset partitioning in HiGHS, {len(rows)} small instances, all possible batches listed ({seconds:g} s)")
    equal = sum(same for _, _, same, proves, _ in rows if proves)
    print(f"HiGHS proves {sum(r[3] for r in rows)}; ours equal on {equal} of them")
    print(
        text_table(
            ["", "median s", "worst s"],
            [
                [name, f"{statistics.median(r[i] for r in rows):.3f}", f"{max(r[i] for r in rows):.3f}"]
                for i, name in ((0, "omscore"), (1, "listing + HiGHS"))
            ],
        )
    )
    print(f"ours faster on {sum(r[0] < r[1] for r in rows)} of {len(rows)}")


def thousand() -> None:
    """A thousand open orders of one to five lines on 20 aisles of 50 cells, twelve to a cart."""
    rng, floor = Rng(1), Floor.parallel(aisles=20, cells=50)
    orders = [
        PickOrder(
            f"o{n:04}",
            [
                PickLine(f"o{n:04}", str(i), "item", 1, f"{rng.below(20)}-{rng.below(50)}")
                for i in range(1 + rng.below(5))
            ],
        )
        for n in range(1000)
    ]
    rows = []
    for seconds in (0.0, 2.0, 10.0):
        took = since()
        made = search(orders, floor, Limits(orders_max=12), "exact", seconds)
        rows.append(
            ["savings" if not seconds else f"{seconds:g} s", f"{took():.2f}", len(made.batches), made.distance_m]
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\na thousand open orders; peak memory of the process so far {peak:.0f} MiB")
    print(text_table(["budget", "seconds", "batches", "distance m"], rows))


def retail(folder: Path, seconds: float) -> None:
    """UK retail slices: an article's bin is its place in the list of articles by code, aisle by aisle.

    Up to 60 lines or 12 orders share a cart; an order of more lines than that is picked alone.
    """
    rows = []
    for name in ("uk_day_2011-10-06", "uk_week_2011-10-03_07"):
        path = folder.parent / "replay" / name / "sales_lines.csv.gz"
        if not path.exists():
            print(f"\nretail: no slice at {path}, left out")
            continue
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        codes = {code: place for place, code in enumerate(sorted({line["StockCode"] for line in lines}))}
        cells = 40
        floor = Floor.parallel(aisles=-(-len(codes) // cells), cells=cells)
        days: dict[str, dict[str, list[PickLine]]] = {}
        for n, line in enumerate(lines):
            aisle, cell = divmod(codes[line["StockCode"]], cells)
            order, day = line["InvoiceNo"], line["InvoiceDate"][:10]
            picked = PickLine(order, str(n), line["StockCode"], int(line["Quantity"]), f"{aisle}-{cell}")
            days.setdefault(day, {}).setdefault(order, []).append(picked)
        for day, found in sorted(days.items()):
            orders = [PickOrder(order, picked) for order, picked in found.items()]
            carts = [Cart("shared", Limits(orders_max=12, lines_max=60)), Cart("alone", Limits(orders_max=1))]
            made = search(orders, floor, carts, "exact", seconds)
            told = report(made, orders, floor, carts)
            rows.append(
                [
                    f"{name[:7]} {day}",
                    len(orders),
                    sum(batch.cart == "alone" for batch in made.batches),
                    sum(len(batch.lines) for batch in made.batches),
                    len(made.batches),
                    made.distance_m,
                    *(f"{100 * told.saved(way)[0]:.0f}" for way in ("first come", "one at a time")),
                ]
            )
    print(f"\nUK retail, {seconds:g} s a day")
    heads = ["slice", "orders", "alone", "lines", "batches", "walked m", "saved % first come", "saved % one at a time"]
    print(text_table(heads, rows))


def main() -> None:
    """Print the tables asked for."""
    shared = Path(os.environ.get("OMSCORE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", nargs="?", type=Path, default=shared / "data" / "picking")
    asked.add_argument("--every", type=int, default=10)
    asked.add_argument("--seconds", type=float, nargs="+", default=[1.0, 5.0])
    asked.add_argument("--rule", choices=sorted(REFERENCE), default="exact")
    asked.add_argument("--parts", nargs="+", default=["sets", "highs", "thousand", "retail"])
    args = asked.parse_args()
    if "thousand" in args.parts:
        thousand()
    if not args.folder.exists():
        print(f"skipped: no published instances at {args.folder}")
        return
    if "sets" in args.parts:
        sets(args.folder, args.every, args.seconds, args.rule)
    if "highs" in args.parts:
        highs(args.folder, args.every, args.seconds[-1])
    if "retail" in args.parts:
        retail(args.folder, args.seconds[0])


if __name__ == "__main__":
    main()
