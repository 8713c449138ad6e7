"""Many lines, no tariff: dual ascent (Erlenkotter 1978) inside branch and bound over open and closed nodes."""

from __future__ import annotations

from omscore.routing._masks import bits
from omscore.routing._search_problem import Atoms, Incumbent, keyed, scale_of


def by_dual_ascent(a: Atoms, steps_max: int) -> tuple[list[int], int, int, int] | None:
    """(node of each line or -1, cost, bound, steps), or None when no plan serves all lines."""
    return _Sites(a, steps_max).run()


class _Sites(Incumbent):
    """One search. A line's `levels` are its (key, node) pairs, cheapest first; `cap` is its price of being left out."""

    def __init__(self, a: Atoms, steps_max: int) -> None:
        scale = scale_of(len(a.fixed))
        self.a = a
        self.scale = scale
        self.fixed = keyed(a.fixed, a.penalty)
        self.steps_max = steps_max
        lines = range(len(a.masks))
        self.levels = [sorted([(a.rows[line][i] * scale, i) for i in bits(a.masks[line])]) for line in lines]
        self.prices = None if a.prices is None else [p * scale for p in a.prices]
        self.stops_max = len(a.fixed) if a.stops_max is None else a.stops_max
        # Lines with few nodes first: their duals have the least choice.
        self.order = sorted(lines, key=lambda line: (len(self.levels[line]), line))
        self.best: int | None = None
        self.best_open = 0
        self.steps = 0
        self.cut_at: int | None = None
        if self.prices is not None:
            # Nothing shipped: it pays no penalty, while every other plan here counts one too many.
            self.best = sum(self.prices) + a.penalty * scale

    def run(self) -> tuple[list[int], int, int, int] | None:
        """Search from the root."""
        free = 0
        for mask in self.a.masks:
            free |= mask
        self._branch(free, 0)
        if self.best is None:
            return None
        where = [self._cheapest(line, self.best_open)[1] for line in range(len(self.levels))]
        a = self.a
        shipped = any(i >= 0 for i in where)
        cost = self.best // self.scale - a.penalty if shipped else sum(a.prices or ())
        bound = cost
        if self.cut_at is not None and self.cut_at < self.best:
            bound = min(cost, self.cut_at // self.scale - a.penalty)
            if a.prices is not None:
                bound = min(bound, sum(a.prices))
        return where, cost, max(0, bound), self.steps

    def _cheapest(self, line: int, opened: int) -> tuple[int, int]:
        """(key, node) of a line among open nodes; node -1 when it is left out, key -1 when it cannot be served."""
        price = None if self.prices is None else self.prices[line]
        for key, i in self.levels[line]:
            if price is not None and key > price:
                break
            if opened >> i & 1:
                return key, i
        return (-1, -1) if price is None else (price, -1)

    def _value(self, opened: int) -> tuple[int, int] | None:
        total = used = 0
        for line in self.order:
            key, i = self._cheapest(line, opened)
            if key < 0:
                return None
            total += key
            if i >= 0:
                used |= 1 << i
        if not used:
            return total + self.a.penalty * self.scale, 0
        for i in bits(used):
            total += self.fixed[i]
        return total, used

    def _branch(self, free: int, opened: int) -> None:
        """Bound the plans that use all of `opened`, maybe some of `free`, and nothing else; then divide them."""
        if self.steps >= self.steps_max and self.best is not None:
            bound = self._ascend(free, opened)[0]
            if bound < self.best:
                self.cut_at = bound if self.cut_at is None else min(bound, self.cut_at)
            return
        self.steps += 1
        if opened.bit_count() >= self.stops_max:
            free = 0
        bound, slack, duals = self._ascend(free, opened)
        if bound < 0 or (self.best is not None and bound >= self.best):
            return
        tight = opened
        for i in bits(free):
            if slack[i] <= 0:
                tight |= 1 << i
        cover = self._cover(tight, opened, duals)
        self._offer(cover)
        if self.best is not None:
            if bound >= self.best:
                return
            # Opening a node costs at least its slack.
            room = self.best - bound
            for i in bits(free):
                if slack[i] >= room:
                    free &= ~(1 << i)
        if not free:
            self._offer(opened)
            return
        i = self._most_contested(free, cover & free or tight & free or free, duals)
        self._branch(free & ~(1 << i), opened | 1 << i)
        self._branch(free & ~(1 << i), opened)

    def _ascend(self, free: int, opened: int) -> tuple[int, list[int], list[int]]:
        """(bound, what is left of each node's fixed cost, dual of each line); bound -1 when a line has no node.

        Each line's dual rises to the next node's cost, or until it has eaten up the fixed cost of a node on its way.
        """
        allowed = free | opened
        slack = list(self.fixed)
        total = 0
        for i in bits(opened):
            total += slack[i]
            slack[i] = 0
        lines = len(self.levels)
        duals = [0] * lines
        rising: list[tuple[int, list[tuple[int, int]], int]] = []
        for line in self.order:
            levels = []
            cap = None if self.prices is None else self.prices[line]
            for level in self.levels[line]:
                if cap is not None and level[0] >= cap:
                    break
                bit = 1 << level[1]
                if bit & opened:
                    cap = level[0]
                    break
                if bit & allowed:
                    levels.append(level)
            if levels:
                duals[line] = levels[0][0]
                rising.append((line, levels, -1 if cap is None else cap))
            elif cap is None:
                return -1, slack, duals
            else:
                duals[line] = cap
        while rising:
            still = []
            for entry in rising:
                line, levels, cap = entry
                v = duals[line]
                least = -1
                top = cap
                for key, i in levels:
                    if key > v:
                        top = key
                        break
                    s = slack[i]
                    if least < 0 or s < least:
                        least = s
                if least <= 0 or v == cap:
                    continue
                step = least if top < 0 or least < top - v else top - v
                for key, i in levels:
                    if key > v:
                        break
                    slack[i] -= step
                duals[line] = v + step
                if step < least:
                    still.append(entry)
            rising = still
        return total + sum(duals), slack, duals

    def _cover(self, tight: int, opened: int, duals: list[int]) -> int:
        """Open nodes, and for each line without one at its dual, the cheapest node whose fixed cost is used up."""
        cover = opened
        for line in self.order:
            v = duals[line]
            first = 0
            for key, i in self.levels[line]:
                if key > v:
                    break
                if cover >> i & 1:
                    first = 0
                    break
                if not first and tight >> i & 1:
                    first = 1 << i
            cover |= first
        return cover

    def _most_contested(self, free: int, among: int, duals: list[int]) -> int:
        """The node to branch on: where lines pay most towards the fixed cost."""
        paid = dict.fromkeys(bits(among & free), 0)
        for line, v in enumerate(duals):
            for key, i in self.levels[line]:
                if key >= v:
                    break
                if i in paid:
                    paid[i] += v - key
        return max(paid, key=lambda i: (paid[i], -i))
