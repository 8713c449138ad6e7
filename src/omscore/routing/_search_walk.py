"""Tariffs by weight and limits of units: depth-first search over lines, nodes and quantities.

The figures of a partly made plan are its true cost so far: a tariff does not fall as a parcel grows. What is still to
come costs at least, for each line, the cheaper of its dual (from dual ascent on the fixed costs and the tariff of the
lightest parcel) and its own cost at a node already in use.
"""

from __future__ import annotations

from collections.abc import Iterator

from omscore.routing._search_problem import Shares, keyed, scale_of
from omscore.routing._search_values import Take


def by_walk(p: Shares, steps_max: int, bound: int) -> tuple[list[Take], int, int, int] | None:
    """(takes, cost, bound, steps), or None when there is no plan; `bound` is a cost known to be a lower bound."""
    return _Walk(p, steps_max, bound).run()


class _Walk:
    def __init__(self, p: Shares, steps_max: int, bound: int) -> None:
        self.p = p
        self.scale = scale_of(len(p.fixed))
        self.known = bound
        self.fixed = keyed(p.fixed, p.penalty)
        self.steps_max = steps_max
        self.stops_max = len(p.fixed) if p.stops_max is None else p.stops_max
        lines = range(len(p.units))
        self.order = sorted(lines, key=lambda line: (len(p.have[line]), line))
        self.prices = None if p.prices is None else [c * self.scale for c in p.prices]
        self.first = self._first_costs()
        self.duals = self._duals()
        self.best: int | None = None
        self.best_takes: list[Take] = []
        self.steps = 0
        self.cut_at: int | None = None
        self.takes: list[Take] = []
        self.grams: dict[int, int] = {}
        self.sizes: dict[int, int] = {}
        self.prices_now: dict[int, int] = {}
        if self.prices is not None:
            self.best = sum(c * n for c, n in zip(self.prices, p.units, strict=True)) + p.penalty * self.scale

    def run(self) -> tuple[list[Take], int, int, int] | None:
        root = self._rest(0)
        if root >= 0:
            self._line(0, 0)
        if self.best is None:
            return None
        p = self.p
        whole = 0 if p.prices is None else sum(c * n for c, n in zip(p.prices, p.units, strict=True))
        cost = self.best // self.scale - p.penalty if self.best_takes else whole
        bound = cost
        if self.cut_at is not None and self.cut_at < self.best:
            bound = min(cost, self.cut_at // self.scale - p.penalty)
            if p.prices is not None:
                bound = min(bound, whole)
        return sorted(self.best_takes), cost, max(0, bound, min(self.known, cost)), self.steps

    def _first_costs(self) -> dict[int, int]:
        """Per node, what opening it costs at least: its fixed cost and the tariff of the lightest parcel."""
        p = self.p
        lightest: dict[int, int] = {}
        for line, have in enumerate(p.have):
            for i in have:
                lightest[i] = min(lightest.get(i, p.grams[line]), p.grams[line])
        out = {}
        for i, grams in lightest.items():
            price = 0 if p.tariff is None else p.tariff(i, grams)
            if price is not None:
                out[i] = self.fixed[i] + price * self.scale
        return out

    def _duals(self) -> list[int]:
        """Per unit of each line, its part of a lower bound: the opening costs shared out by ascent, none paid twice."""
        p, scale = self.p, self.scale
        slack = dict(self.first)
        duals = []
        for line in self.order:
            have = p.have[line]
            n = p.units[line]
            fees = None if p.line_costs is None else p.line_costs[line]
            rows = sorted(
                (p.unit_costs[line][i] * scale + (0 if fees is None else fees[i] * scale // have[i]), i)
                for i in have
                if i in slack
            )
            if not rows:
                duals.append((line, -1 if self.prices is None else self.prices[line]))
                continue
            # Raise the dual level by level; each unit a node can give eats its slack.
            v = rows[0][0]
            cap = None if self.prices is None else self.prices[line]
            at = 1
            while cap is None or v < cap:
                top = rows[at][0] if at < len(rows) else None
                if cap is not None and (top is None or cap < top):
                    top = cap
                step = min(slack[i] // min(have[i], n) for _, i in rows[:at])
                if top is not None and step >= top - v:
                    step = top - v
                for _, i in rows[:at]:
                    slack[i] -= step * min(have[i], n)
                v += step
                if top is None or v < top or at == len(rows):
                    break
                at += 1
            duals.append((line, v if cap is None else min(v, cap)))
        return [v for _, v in sorted(duals)]

    def _rest(self, depth: int) -> int:
        """The least key of the lines still to come; -1 when one of them cannot be served."""
        total = 0
        closed = len(self.grams) >= self.stops_max
        for line in self.order[depth:]:
            least = self._least(line, self.p.units[line], closed=closed)
            if least < 0:
                return -1
            total += least
        return total

    def _least(self, line: int, rest: int, *, closed: bool) -> int:
        p = self.p
        have, costs = p.have[line], p.unit_costs[line]
        dual = self.duals[line]
        if closed or dual < 0:
            dual = -1 if self.prices is None else self.prices[line]
        total = 0
        near = sorted((costs[i] * self.scale, i) for i in self.grams if i in have)
        for c, i in near:
            if 0 <= dual <= c:
                break
            n = min(rest, have[i])
            total += n * c
            rest -= n
            if not rest:
                return total
        return -1 if dual < 0 else total + dual * rest

    def _line(self, depth: int, value: int) -> None:
        """Place the line at this depth in every way that may lead to the best plan."""
        if depth == len(self.order):
            if self.takes and (self.best is None or value < self.best):
                self.best, self.best_takes = value, list(self.takes)
            return
        line = self.order[depth]
        nodes = self._nodes(line)
        self._place(depth, line, nodes, 0, self.p.units[line], value)

    def _nodes(self, line: int) -> list[int]:
        """Nodes for a line: the cheapest next step first."""
        costs = self.p.unit_costs[line]
        grams = self.grams
        return sorted(
            (i for i in self.p.have[line] if i in self.first),
            key=lambda i: (costs[i] * self.scale + (0 if i in grams else self.first[i]), i),
        )

    def _place(self, depth: int, line: int, nodes: list[int], at: int, rest: int, value: int) -> None:
        if not rest:
            later = self._rest(depth + 1)
            if later >= 0 and self._go(value + later):
                self._line(depth + 1, value)
            return
        closed = len(self.grams) >= self.stops_max
        mine = self._least(line, rest, closed=closed)
        later = self._rest(depth + 1) if mine >= 0 else -1
        if later < 0 or not self._go(value + mine + later):
            return
        for k in range(at, len(nodes)):
            i = nodes[k]
            for n in self._amounts(line, i, rest):
                before = self._add(i, line, n)
                if before is None:
                    continue
                more = value + before
                # A loose line that is not yet whole goes on with later nodes only.
                self._place(depth, line, nodes, k + 1, rest - n, more)
                self._take_back(i, line, n)
        if self.prices is not None:
            value += self.prices[line] * rest
            later = self._rest(depth + 1)
            if later >= 0 and self._go(value + later):
                self._line(depth + 1, value)

    def _amounts(self, line: int, i: int, rest: int) -> Iterator[int]:
        have = min(rest, self.p.have[line][i])
        return iter(range(have, 0, -1))

    def _go(self, bound: int) -> bool:
        """Whether to go on below a bound; counts the step and remembers where the search was cut."""
        if self.best is not None:
            if bound >= self.best:
                return False
            if self.steps >= self.steps_max:
                self.cut_at = bound if self.cut_at is None else min(bound, self.cut_at)
                return False
        self.steps += 1
        return True

    def _add(self, i: int, line: int, n: int) -> int | None:
        """Put units on a node: what the plan then costs more, or None when it is not allowed."""
        p = self.p
        new = i not in self.grams
        if new and len(self.grams) >= self.stops_max:
            return None
        size = p.sizes[line] * n
        if p.caps is not None:
            cap = p.caps[i]
            if cap is not None and self.sizes.get(i, 0) + size > cap:
                return None
        grams = self.grams.get(i, 0) + p.grams[line] * n
        price = 0
        if p.tariff is not None:
            priced = p.tariff(i, grams)
            if priced is None:
                return None
            price = priced
        more = p.unit_costs[line][i] * n + price - self.prices_now.get(i, 0)
        if p.line_costs is not None:
            more += p.line_costs[line][i]
        self.grams[i] = grams
        self.sizes[i] = self.sizes.get(i, 0) + size
        self.prices_now[i] = price
        self.takes.append((i, line, n))
        return more * self.scale + (self.fixed[i] if new else 0)

    def _take_back(self, i: int, line: int, n: int) -> None:
        p = self.p
        self.takes.pop()
        size = p.sizes[line] * n
        self.sizes[i] -= size
        if not self.sizes[i]:
            del self.grams[i], self.sizes[i], self.prices_now[i]
            return
        grams = self.grams[i] = self.grams[i] - p.grams[line] * n
        self.prices_now[i] = 0 if p.tariff is None else p.tariff(i, grams) or 0
