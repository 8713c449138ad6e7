"""Generated orders for the sourcing benchmarks, and the same question as a mixed-integer program for HiGHS.

Baskets, stock and prices are made up by rule (there is no public data on them): see `order` for every figure.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from omscore.kernel.rng import Rng
from omscore.routing.sourcing import Sourcing

# Lines per order in percent; the "mix" has 60 % single-line orders and a mean of 1.9 lines.
MIXES = {
    "marketplace": ((97, 1), (2, 2), (1, 3)),
    "mix": ((60, 1), (19, 2), (10, 3), (5, 4), (3, 6), (2, 8), (1, 12)),
    "heavy": ((10, 2), (20, 4), (30, 7), (25, 9), (10, 12), (5, 16)),
}


def lines_of(rng: Rng, mix: str) -> int:
    """A number of lines drawn from a mix."""
    draw = rng.below(100)
    for percent, lines in MIXES[mix]:
        draw -= percent
        if draw < 0:
            return lines
    raise AssertionError(mix)


def order(rng: Rng, lines: int, nodes: int, *, dense: bool, units: int = 1) -> Sourcing:
    """One order: nodes of three kinds (a tenth warehouses, a fifth hubs, the rest stores), parcels by zone.

    Sparse: 40, 25 and 10 % of the items at a node of each kind, split penalty 0.50. Dense: 97 % everywhere, 3.50.
    With `units` > 1 each line asks up to so many, and a node seldom has them all.
    """
    kinds = [0 if i * 10 < nodes else 1 if i * 10 < nodes * 3 else 2 for i in range(nodes)]
    zones = [rng.below(5) for _ in range(nodes)]
    percent = (97, 97, 97) if dense else (40, 25, 10)
    handling = (30, 60, 110)
    have = []
    for _ in range(lines):
        row = [(1 + (rng.below(units) if units > 1 else 0)) * (rng.below(100) < percent[kind]) for kind in kinds]
        if units > 1:
            while sum(row) < units:
                row[rng.below(nodes)] += 1
        elif not any(row):
            row[rng.below(nodes)] = 1
        have.append(row)
    grams = [200 + 100 * rng.below(20) for _ in range(lines)]
    return Sourcing(
        units=[units] * lines,
        fixed=[350 + 90 * zones[i] + 40 * kinds[i] + rng.below(60) for i in range(nodes)],
        have=have,
        unit_costs=[[handling[kinds[i]] + g * (10 + 4 * zones[i]) // 100 for i in range(nodes)] for g in grams],
        split_penalty=350 if dense else 50,
        divide="free" if units > 1 else "never",
    )


class Highs:
    """HiGHS over passModel, one instance reused; `solve` gives the optimal cost, model build included.

    Raises ModuleNotFoundError where highspy and numpy are not installed.
    """

    def __init__(self) -> None:
        self.lib: Any = import_module("highspy")
        self.np: Any = import_module("numpy")
        self.highs = self.lib.Highs()
        for option, value in (("output_flag", False), ("mip_rel_gap", 0.0), ("mip_abs_gap", 0.5), ("threads", 1)):
            self.highs.setOptionValue(option, value)

    def solve(self, s: Sourcing) -> int:
        """Facility location: y opens a node, x is the share (or the units) of a line it ships."""
        np = self.np
        nodes, lines = s.nodes, len(s.units)
        whole = s.divide == "never"
        pairs = [
            (line, i)
            for line in range(lines)
            for i in range(nodes)
            if (s.have or ())[line][i] >= (s.units[line] if whole else 1)
        ]
        costs = np.array(
            [f + s.split_penalty for f in s.fixed]
            + [(s.unit_costs or ())[line][i] * (s.units[line] if whole else 1) for line, i in pairs],
            dtype=float,
        )
        upper = np.array([1.0] * nodes + [1.0 if whole else float((s.have or ())[line][i]) for line, i in pairs])
        columns = nodes + len(pairs)
        # Rows: each line is served; x <= most * y.
        starts, index, value, low, high = [0], [], [], [], []
        by_line: list[list[int]] = [[] for _ in range(lines)]
        for k, (line, _) in enumerate(pairs):
            by_line[line].append(nodes + k)
        for line in range(lines):
            index += by_line[line]
            value += [1.0] * len(by_line[line])
            starts.append(len(index))
            asked = 1.0 if whole else float(s.units[line])
            low.append(asked)
            high.append(asked)
        for k, (_, i) in enumerate(pairs):
            index += [nodes + k, i]
            value += [1.0, -upper[nodes + k]]
            starts.append(len(index))
            low.append(-np.inf)
            high.append(0.0)
        lp = self.lib.HighsLp()
        lp.num_col_, lp.num_row_ = columns, len(low)
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = costs, np.zeros(columns), upper
        lp.row_lower_, lp.row_upper_ = np.array(low), np.array(high)
        lp.a_matrix_.format_ = self.lib.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = (
            np.array(starts),
            np.array(index),
            np.array(value),
        )
        kind = self.lib.HighsVarType
        lp.integrality_ = [kind.kInteger] * nodes + [kind.kContinuous if whole else kind.kInteger] * len(pairs)
        self.highs.passModel(lp)
        self.highs.run()
        cost: float = self.highs.getInfo().objective_function_value
        return round(cost) - s.split_penalty
