"""What all search methods share: the problem in the shape they work on, and one whole number that orders plans.

Plans compare by cost, then by stops, then by nodes (earlier nodes first). All three fit into one integer that is a sum
over nodes and lines, so that no method needs rules for ties: with M nodes and node i used, add
`cost * (M + 1) * 2**M + 2**M - 2**(M - 1 - i)`. The second term counts stops; of two sets of as many nodes, the one
with the larger sum of powers comes first in lexicographic order. Dividing by `(M + 1) * 2**M` gives the cost back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import define

from omscore.routing._masks import bits
from omscore.routing._search_values import Sourcing


def scale_of(nodes: int) -> int:
    """By what a cost is multiplied to leave room for stops and nodes below it."""
    return (nodes + 1) << nodes


def keyed(fixed: Sequence[int], penalty: int) -> list[int]:
    """The fixed costs of nodes, each stop's penalty included, as keys that order plans."""
    nodes = len(fixed)
    scale = (nodes + 1) << nodes
    stop = 1 << nodes
    return [(f + penalty) * scale + stop - (stop >> 1 + i) for i, f in enumerate(fixed)]


def thinned(valued: Callable[[int], tuple[int, int] | None], value: int, used: int) -> tuple[int, int]:
    """A plan's value and its nodes after closing nodes one by one while that helps.

    `valued` gives the least value with some nodes open and the nodes then used, or None where there is no plan.
    """
    better = used.bit_count() > 1
    while better:
        better = False
        for i in bits(used):
            other = valued(used ^ (1 << i))
            if other is not None and other[0] < value:
                value, used = other
                better = True
                break
    return value, used


class Incumbent:
    """The best plan that a search over sets of open nodes has found: its value, and the nodes that it uses."""

    best: int | None
    best_open: int
    stops_max: int

    def _value(self, opened: int) -> tuple[int, int] | None:
        """(value, nodes really used) of a set of open nodes; None where it makes no plan."""
        raise NotImplementedError

    def _offer(self, opened: int) -> None:
        """Take a set of open nodes as the best plan if it is, after closing nodes while that helps."""
        found = self._value(opened)
        if found is None:
            return
        value, used = found
        # Closing nodes takes time: only a plan that is nearly the best may become it that way.
        if self.best is None or value < self.best + (self.best >> 4):
            value, used = thinned(self._value, value, used)
        if used.bit_count() <= self.stops_max and (self.best is None or value < self.best):
            self.best, self.best_open = value, used


@define(eq=False)
class Atoms:
    """Lines (or groups of lines) that each ship whole from one node.

    Per line: `masks` = nodes that can ship it, `rows` = its cost from each node, `prices` = cost of not shipping it,
    `weights` in grams and `sizes` in units. `caps` is None when no node's limit of units can be reached.
    """

    masks: Sequence[int]
    rows: Sequence[Sequence[int]]
    fixed: Sequence[int]
    penalty: int
    stops_max: int | None
    prices: Sequence[int] | None
    weights: Sequence[int] | None
    tariff: Callable[[int, int], int | None] | None
    caps: Sequence[int | None] | None
    sizes: Sequence[int]

    def best_single(self) -> tuple[int, int]:
        """(cost, node) of the cheapest plan with one node and nothing left out; node -1 when there is none."""
        whole = -1
        for mask in self.masks:
            whole &= mask
        best, node = 0, -1
        if not whole:
            return best, node
        rows, fixed, tariff, caps = self.rows, self.fixed, self.tariff, self.caps
        weight = sum(self.weights) if tariff is not None and self.weights is not None else 0
        size = sum(self.sizes) if caps is not None else 0
        many = len(rows) > 1
        row = rows[0]
        while whole:
            low = whole & -whole
            whole ^= low
            i = low.bit_length() - 1
            cost = fixed[i]
            if many:
                for row in rows:
                    cost += row[i]
            else:
                cost += row[i]
            if node >= 0 and cost >= best:
                continue
            if tariff is not None:
                price = tariff(i, weight)
                if price is None:
                    continue
                cost += price
                if node >= 0 and cost >= best:
                    continue
            if caps is not None:
                cap = caps[i]
                if cap is not None and cap < size:
                    continue
            best, node = cost, i
        return best, node

    def bound_of_others(self) -> int:
        """No plan other than with one node that ships all costs less, or comes before it at the same cost.

        Every line at its cheapest, and either two stops at the two least fixed costs, or one stop and the line whose
        leaving out costs least beyond that, or nothing shipped.
        """
        masks, rows, prices = self.masks, self.rows, self.prices
        lines = len(masks)
        if lines == 1 and prices is None:
            return 1 << 200
        total, any_mask, least_extra = 0, 0, -1
        for line in range(lines):
            mask, row = masks[line], rows[line]
            any_mask |= mask
            least = -1
            while mask:
                low = mask & -mask
                mask ^= low
                cost = row[low.bit_length() - 1]
                if least < 0 or cost < least:
                    least = cost
            if prices is not None:
                price = prices[line]
                if least < 0 or price < least:
                    least = price
                if least_extra < 0 or price - least < least_extra:
                    least_extra = price - least
            total += least
        first = second = -1
        fixed, tariff = self.fixed, self.tariff
        lightest = 0
        if tariff is not None and self.weights is not None:
            lightest = min(self.weights)
        for i in bits(any_mask):
            cost = fixed[i]
            if tariff is not None:
                cost += tariff(i, lightest) or 0
            if first < 0 or cost < first:
                first, second = cost, first
            elif second < 0 or cost < second:
                second = cost
        bound = total + first + second + self.penalty if second >= 0 and lines > 1 else 1 << 200
        if prices is not None:
            # At the same cost these come first or may: they have no more stops.
            bound = min(bound, sum(prices) - 1)
            if first >= 0:
                bound = min(bound, total + first + least_extra - 1)
        return bound


@define(eq=False)
class Shares:
    """Lines of which some (`loose`) may be divided between nodes.

    Per line: `units` asked (1 for a line that is not loose), `have` = {node: most units it can give}, `unit_costs` per
    node (the cost of the whole where the line is not loose), `line_costs` per node, `prices` per unit left out,
    `grams` and `sizes` per unit (of the whole where it is not loose).
    """

    units: list[int]
    have: list[dict[int, int]]
    unit_costs: list[Sequence[int]]
    line_costs: list[Sequence[int]] | None
    fixed: Sequence[int]
    penalty: int
    stops_max: int | None
    prices: list[int] | None
    grams: list[int]
    tariff: Callable[[int, int], int | None] | None
    sizes: list[int]
    caps: Sequence[int | None] | None

    @classmethod
    def of_atoms(cls, a: Atoms) -> Shares:
        """The same problem, no line loose."""
        count = len(a.masks)
        return cls(
            [1] * count,
            [dict.fromkeys(bits(mask), 1) for mask in a.masks],
            list(a.rows),
            None,
            a.fixed,
            a.penalty,
            a.stops_max,
            None if a.prices is None else list(a.prices),
            [0] * count if a.weights is None else list(a.weights),
            a.tariff,
            list(a.sizes),
            a.caps,
        )

    @classmethod
    def of_sourcing(
        cls,
        s: Sourcing,
        bundles: Sequence[Sequence[int]],
        masks: Sequence[int],
        loose: Sequence[bool],
        rows: Sequence[Sequence[int]],
    ) -> Shares:
        """The problem of a question in which some lines are loose."""
        out = cls([], [], [], None, s.fixed, s.split_penalty, s.stops_max, None, [], s.tariff, [], None)
        nothing = [0] * len(s.fixed)
        fees: list[Sequence[int]] = []
        prices: list[int] = []
        most: dict[int, int] = {}
        for b, bundle in enumerate(bundles):
            line = bundle[0]
            n = s.units[line]
            if loose[b]:
                have = {i: min(h, n) for i, h in enumerate((s.have or ())[line]) if h > 0}
                if s.caps is not None:
                    capped = {i: n if (cap := s.caps[i]) is None else min(n, cap) for i, n in have.items()}
                    have = {i: n for i, n in capped.items() if n}
                out.units.append(n)
                out.have.append(have)
                out.unit_costs.append(nothing if s.unit_costs is None else s.unit_costs[line])
                fees.append(nothing if s.line_costs is None else s.line_costs[line])
                prices.append(0 if s.unfilled is None else s.unfilled[line])
                out.grams.append(0 if s.grams is None else s.grams[line])
                out.sizes.append(1)
            else:
                have = dict.fromkeys(bits(masks[b]), 1)
                out.units.append(1)
                out.have.append(have)
                whole = (
                    rows[line] if len(bundle) == 1 else [sum(c) for c in zip(*(rows[k] for k in bundle), strict=True)]
                )
                out.unit_costs.append(whole)
                fees.append(nothing)
                prices.append(0 if s.unfilled is None else sum(s.unfilled[k] * s.units[k] for k in bundle))
                out.grams.append(0 if s.grams is None else sum(s.grams[k] * s.units[k] for k in bundle))
                out.sizes.append(sum(s.units[k] for k in bundle))
            for i, n in out.have[-1].items():
                most[i] = most.get(i, 0) + n * out.sizes[-1]
        if s.line_costs is not None:
            out.line_costs = fees
        if s.unfilled is not None:
            out.prices = prices
        if s.caps is not None and any((cap := s.caps[i]) is not None and cap < n for i, n in most.items()):
            out.caps = s.caps
        return out
