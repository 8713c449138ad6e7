"""Lines divided by quantity, no tariff: branch and bound over open and closed nodes with a bound per unit."""

from __future__ import annotations

from omscore.routing._masks import bits
from omscore.routing._search_problem import Incumbent, Shares, keyed, scale_of
from omscore.routing._search_values import Take

PASSES = 2
"""How often the prices per unit are raised anew for each bound."""


def by_quantities(p: Shares, steps_max: int) -> tuple[list[Take], int, int, int] | None:
    """(takes, cost, bound, steps), or None when there is no plan.

    With the open nodes known, each line is filled for itself. Until then prices per unit bound the cost: see `_bound`.
    """
    return _Units(p, steps_max).run()


class _Units(Incumbent):
    def __init__(self, p: Shares, steps_max: int) -> None:
        scale = scale_of(len(p.fixed))
        self.p = p
        self.scale = scale
        self.fixed = keyed(p.fixed, p.penalty)
        self.steps_max = steps_max
        self.stops_max = len(p.fixed) if p.stops_max is None else p.stops_max
        self.prices = None if p.prices is None else [c * scale for c in p.prices]
        most: dict[int, int] = {}
        for have in p.have:
            for i, n in have.items():
                most[i] = most.get(i, 0) + n
        self.most = most
        self.free = sum(1 << i for i in most)
        # Per line, cheapest first: (key per unit with its part of the fee, node, most units), (key, fee, node, most).
        self.as_open: list[list[tuple[int, int, int]]] = []
        self.exact: list[list[tuple[int, int, int, int]]] = []
        for line, have in enumerate(p.have):
            costs = p.unit_costs[line]
            fees = None if p.line_costs is None else p.line_costs[line]
            near = []
            exact = []
            for i, n in have.items():
                fee = 0 if fees is None else fees[i] * scale
                near.append((costs[i] * scale + fee // n, i, n))
                exact.append((costs[i] * scale, fee, i, n))
            near.sort()
            exact.sort()
            self.as_open.append(near)
            self.exact.append(exact)
        self.fees = [any(fee for _, fee, _, _ in rows) for rows in self.exact]
        self.best: int | None = None
        self.best_open = 0
        self.steps = 0
        self.cut_at: int | None = None
        if self.prices is not None:
            self.best = sum(c * n for c, n in zip(self.prices, p.units, strict=True)) + p.penalty * scale

    def run(self) -> tuple[list[Take], int, int, int] | None:
        self._branch(self.free, 0)
        if self.best is None:
            return None
        takes: list[Take] = []
        for line in range(len(self.exact)):
            _, gives = self._fill(line, self.best_open)
            takes += [(i, line, n) for i, n in gives]
        p = self.p
        whole = 0 if p.prices is None else sum(c * n for c, n in zip(p.prices, p.units, strict=True))
        cost = self.best // self.scale - p.penalty if takes else whole
        bound = cost
        if self.cut_at is not None and self.cut_at < self.best:
            bound = min(cost, self.cut_at // self.scale - p.penalty)
            if p.prices is not None:
                bound = min(bound, whole)
        return takes, cost, max(0, bound), self.steps

    def _fill(self, line: int, opened: int) -> tuple[int, list[tuple[int, int]]]:
        """(least key, [(node, units)]) of one line from the open nodes; key -1 when they cannot fill it."""
        if self.fees[line]:
            return self._fill_with_fees(line, opened)
        rest = self.p.units[line]
        price = None if self.prices is None else self.prices[line]
        total = 0
        gives = []
        for c, _, i, n in self.exact[line]:
            if price is not None and c >= price:
                break
            if opened >> i & 1:
                give = min(n, rest)
                total += c * give
                gives.append((i, give))
                rest -= give
                if not rest:
                    return total, gives
        return (-1, []) if price is None else (total + price * rest, gives)

    def _fill_with_fees(self, line: int, opened: int) -> tuple[int, list[tuple[int, int]]]:
        """The same where each node asks a fee for the line: all chosen nodes but one give all they have."""
        price = None if self.prices is None else self.prices[line]
        rows = [row for row in self.exact[line] if opened >> row[2] & 1]
        # Cheapest first by what a unit costs at best, which bounds what is still to come.
        rows.sort(key=lambda row: (row[0] + row[1] // row[3], row))
        best = -1
        best_gives: list[tuple[int, int]] = []

        def go(at: int, rest: int, total: int, gives: list[tuple[int, int]], end: int) -> None:
            """`end` is the node that gives what is left after the others have given all; -1 while there is none."""
            nonlocal best, best_gives
            if end >= 0:
                c, fee, i, n = rows[end]
                if 0 < rest <= n and (best < 0 or total + fee + c * rest < best):
                    best, best_gives = total + fee + c * rest, [*gives, (i, rest)]
            elif not rest or price is not None:
                value = total + (price or 0) * rest
                if best < 0 or value < best:
                    best, best_gives = value, gives
            if not rest or at == len(rows):
                return
            c, fee, i, n = rows[at]
            floor = 0 if end >= 0 else c + fee // n if price is None else min(c + fee // n, price)
            if best >= 0 and total + floor * rest >= best:
                return
            if n <= rest:
                go(at + 1, rest - n, total + fee + c * n, [*gives, (i, n)], end)
            if end < 0:
                go(at + 1, rest, total, gives, at)
            go(at + 1, rest, total, gives, end)

        go(0, self.p.units[line], 0, [], -1)
        return best, sorted(best_gives)

    def _value(self, opened: int) -> tuple[int, int] | None:
        total = used = 0
        for line in range(len(self.exact)):
            key, gives = self._fill(line, opened)
            if key < 0:
                return None
            total += key
            for i, _ in gives:
                used |= 1 << i
        if not used:
            return total + self.p.penalty * self.scale, 0
        for i in bits(used):
            total += self.fixed[i]
        return total, used

    def _branch(self, free: int, opened: int) -> None:
        """Bound the plans that use all of `opened`, maybe some of `free`, and nothing else; then divide them."""
        if opened.bit_count() >= self.stops_max:
            free = 0
        bound, used, left = self._bound(free, opened)
        if bound < 0 or (self.best is not None and bound >= self.best):
            return
        if self.steps >= self.steps_max and self.best is not None:
            self.cut_at = bound if self.cut_at is None else min(bound, self.cut_at)
            return
        self.steps += 1
        self._offer(opened | used)
        if self.best is not None:
            room = self.best - bound
            if room <= 0:
                return
            # Against its sign in the bound a node costs at least what is left of, or over, its fixed cost.
            for i, n in left.items():
                if n >= room:
                    free &= ~(1 << i)
                elif -n >= room:
                    free &= ~(1 << i)
                    opened |= 1 << i
        if not free:
            self._offer(opened)
            return
        i = max(bits(used & free or free), key=lambda i: (self.most[i], -i))
        self._branch(free & ~(1 << i), opened | 1 << i)
        self._branch(free & ~(1 << i), opened)

    def _bound(self, free: int, opened: int) -> tuple[int, int, dict[int, int]]:
        """(bound, nodes of the relaxed plan, what is left of each free node's fixed cost).

        With a price v for a unit of each line, a plan costs at least the sum of v times the units asked, less what each
        node earns at these prices beyond its fixed cost. The prices rise line by line: each is the price of the last
        unit when a node's units cost c plus their part of what other lines leave of its fixed cost. The bound is -1
        when a line cannot be filled.
        """
        p = self.p
        allowed = free | opened
        left = {i: self.fixed[i] for i in bits(free)}
        stops = self.stops_max - opened.bit_count()
        tight = stops < free.bit_count()
        rows = []
        for line, asked in enumerate(p.units):
            mine = [row for row in self.as_open[line] if allowed >> row[1] & 1]
            if self.prices is None:
                far = sorted([n for _, i, n in mine if free >> i & 1], reverse=True) if tight else ()
                reach = sum([n for _, i, n in mine if not tight or opened >> i & 1]) + sum(far[: max(0, stops)])
                if reach < asked:
                    return -1, 0, left
            rows.append(mine)
        duals = [0] * len(rows)
        used = 0
        for turn in range(PASSES):
            used = 0
            for line, mine in enumerate(rows):
                v = duals[line]
                offers = []
                for c, i, n in mine:
                    if i in left:
                        if turn and v > c:
                            left[i] += (v - c) * n
                        rest = left[i]
                        # At first each unit the node could ship pays the same part.
                        part = rest // n if turn else self.fixed[i] // self.most[i]
                        offers.append((c + part if part > 0 else c, i, n, c))
                    else:
                        offers.append((c, i, n, c))
                offers.sort()
                asked = p.units[line]
                v = -1 if self.prices is None else self.prices[line]
                for price, i, n, _ in offers:
                    if 0 <= v <= price:
                        break
                    used |= 1 << i
                    asked -= n
                    if asked <= 0:
                        v = price
                        break
                for _, i, n, c in offers:
                    if c < v and i in left:
                        left[i] -= (v - c) * n
                duals[line] = v
        total = 0
        for i in bits(opened):
            total += self.fixed[i]
        for line, mine in enumerate(rows):
            v = duals[line]
            total += v * p.units[line]
            for c, i, n in mine:
                if c < v and opened >> i & 1:
                    total -= (v - c) * n
        for n in left.values():
            if n < 0:
                total += n
        return total, used, left
