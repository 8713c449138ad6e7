"""Generated backlogs over scarce stock, and HiGHS as a planner for them."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

from benchmarks.sourcing_cases import lines_of

from omscore.kernel.rng import Rng
from omscore.routing.sourcing import Backlog, BacklogOrder, BacklogPlan, settle


def backlog(seed: int, orders: int, nodes: int, *, tight: float = 1.15) -> Backlog:
    """Orders of the mix over a tenth as many items as orders, the popular ones asked most.

    Stock is `tight` times the demand in all, strewn over about half the nodes of each item without regard to who asks.
    """
    rng = Rng(seed)
    items = max(20, orders // 4)
    waiting = []
    demand = [0] * items
    for _ in range(orders):
        wanted: list[int] = []
        for _ in range(lines_of(rng, "mix")):
            item = min(rng.below(items), rng.below(items))
            if item not in wanted:
                wanted.append(item)
        units = [2 if rng.below(6) == 0 else 1 for _ in wanted]
        zones = [rng.below(6) for _ in range(nodes)]
        for item, n in zip(wanted, units, strict=True):
            demand[item] += n
        waiting.append(
            BacklogOrder(
                items=wanted,
                units=units,
                fixed=[450 + 110 * zone for zone in zones],
                line_costs=[[60 + n * (20 + 15 * zone) for zone in zones] for n in units],
                unfilled=[n * (1_200 + rng.below(1_200)) for n in units],
                split_penalty=100,
            )
        )
    stock = [[0] * nodes for _ in range(items)]
    for item, asked in enumerate(demand):
        holders = [i for i in range(nodes) if rng.below(2)] or [rng.below(nodes)]
        for _ in range(int(asked * tight + 0.5)):
            stock[item][rng.choice(holders)] += 1
    return Backlog(waiting, stock)


class HighsPlanner:
    """The whole backlog as one mixed-integer program; ModuleNotFoundError where highspy and numpy are absent."""

    def __init__(self, *, gap: float = 1e-5, seconds_max: float = 120.0) -> None:
        self.lib: Any = import_module("highspy")
        self.np: Any = import_module("numpy")
        self.gap = gap
        self.seconds_max = seconds_max
        self.seconds = 0.0

    def plan(self, backlog: Backlog) -> BacklogPlan:
        """Columns: per order y = node used, x = line from node; a line without x is left out."""
        np = self.np
        start = time.process_time()
        cost: list[float] = []
        rows: list[tuple[list[int], list[float], float]] = []
        taken: dict[tuple[int, int], tuple[list[int], list[float]]] = {}
        columns: list[tuple[int, int, int]] = []
        whole = 0.0
        for o, order in enumerate(backlog.orders):
            opened: dict[int, int] = {}
            several = len(order.items) > 1
            penalty = order.split_penalty if several else 0
            served: list[int] = []
            for line, (item, n) in enumerate(zip(order.items, order.units, strict=True)):
                mine = []
                whole += order.unfilled[line]
                for i in range(backlog.nodes):
                    if backlog.stock[item][i] < n:
                        continue
                    if several and i not in opened:
                        opened[i] = len(cost)
                        cost.append(order.fixed[i] + penalty)
                        columns.append((o, -1, i))
                    x = len(cost)
                    cost.append(order.line_costs[line][i] - order.unfilled[line] + (0 if several else order.fixed[i]))
                    columns.append((o, line, i))
                    mine.append(x)
                    cell = taken.setdefault((item, i), ([], []))
                    cell[0].append(x)
                    cell[1].append(float(n))
                    if several:
                        rows.append(([x, opened[i]], [1.0, -1.0], 0.0))
                if mine:
                    rows.append((mine, [1.0] * len(mine), 1.0))
                    served += mine
            if several and penalty and served:
                # One penalty is given back when anything ships.
                back = len(cost)
                cost.append(-float(penalty))
                columns.append((o, -2, -1))
                rows.append(([back, *opened.values()], [1.0] + [-1.0] * len(opened), 0.0))
        rows += [(index, value, float(backlog.stock[item][i])) for (item, i), (index, value) in taken.items()]
        lp = self.lib.HighsLp()
        lp.num_col_, lp.num_row_ = len(cost), len(rows)
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = np.array(cost), np.zeros(len(cost)), np.ones(len(cost))
        lp.row_lower_, lp.row_upper_ = np.full(len(rows), -np.inf), np.array([high for _, _, high in rows])
        lp.a_matrix_.format_ = self.lib.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.cumsum([0, *(len(index) for index, _, _ in rows)])
        lp.a_matrix_.index_ = np.array([k for index, _, _ in rows for k in index])
        lp.a_matrix_.value_ = np.array([v for _, value, _ in rows for v in value])
        lp.integrality_ = [self.lib.HighsVarType.kInteger] * len(cost)
        highs = self.lib.Highs()
        for option, value in (
            ("output_flag", False),
            ("mip_rel_gap", self.gap),
            ("threads", 1),
            ("time_limit", self.seconds_max),
        ):
            highs.setOptionValue(option, value)
        highs.passModel(lp)
        highs.run()
        answer = highs.getSolution().col_value
        where = [[-1] * len(order.items) for order in backlog.orders]
        for (o, line, i), x in zip(columns, answer, strict=True):
            if line >= 0 and x > 0.5:
                where[o][line] = i
        bound = int(highs.getInfo().mip_dual_bound + whole - 1e-6)
        self.seconds = time.process_time() - start
        return settle(backlog, where, bound=bound)
