"""From a rule's preferences to the exact search over plain integers, and back.

Preferences that add up over nodes (parcels, distance, cost, carbon) become the digits of one whole number, the first
the highest, so that the plan with the smallest number is the lexicographically best one. A preference that counts the
worst node used (arrival, priority) is a threshold: among plans that are best in everything before it, the smallest
score at which such a plan is still possible is found by bisection, and nodes beyond it are left out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from omscore.routing._case import Case
from omscore.routing._masks import bits
from omscore.routing._plans import LAST, Found, Part, need_figures
from omscore.routing._policy import Rule
from omscore.routing._search import solve
from omscore.routing._search_values import Sourced, Sourcing

ADDITIVE = frozenset({"parcels", "sum", "cost"})


def can_source(rule: Rule, x: Case, parts: Sequence[Part], tolerances: Sequence[int | float]) -> bool:
    """Whether the search over integers knows everything that a question asks; the walk over vectors knows the rest."""
    if rule.parcel_min is not None or any(line.multiple > 1 for line in x.demand.lines):
        return False
    return not any(t and part.how in ADDITIVE for part, t in zip(parts, tolerances, strict=False))


class Question:
    """One rule's question about one case, in the search's terms."""

    def __init__(
        self, x: Case, mask: int, rule: Rule, parts: Sequence[Part], *, capped: bool, partial: bool, steps_max: int
    ) -> None:
        self.x, self.rule, self.parts, self.partial, self.steps_max = x, rule, parts, partial, steps_max
        self.mask = mask
        self.caps = x.grid.caps(x.facts) if capped else None
        self.grams, self.lines = need_figures(x)
        self.units = [n for _, n in x.needs]
        self.additive = [k for k, part in enumerate(parts) if part.how in ADDITIVE]
        self.groups = _groups(x) if rule.keep_groups else ()
        self.stops = min(rule.stops_max, mask.bit_count(), sum(self.units))
        self.weights, self.top = self._weights()

    def _weights(self) -> tuple[list[int], int]:
        """What one of each additive part weighs, and one unit left out."""
        weights = [0] * len(self.parts)
        weight = 1
        for k in reversed(self.additive):
            weights[k] = weight
            weight *= self._most(self.parts[k]) + 1
        return weights, weight

    def _most(self, part: Part) -> int:
        """More than any plan's figure."""
        if part.how == "parcels":
            return self.stops
        if part.how == "sum":
            return self.stops * max((part.scores or (0,))[i] for i in bits(self.mask))
        x = self.x
        weight, lines, units = (
            sum(map(_product, zip(self.grams, self.units, strict=True))),
            sum(self.lines),
            sum(self.units),
        )
        return self.stops * max(_priced(x, i, weight, lines, units) for i in bits(self.mask))

    def ask(self, mask: int, upto: int) -> Sourced | None:
        """The best plan by the additive parts before `upto`, with the nodes of a mask."""
        x, nodes = self.x, list(bits(mask))
        if not nodes:
            return None
        fixed = [0] * len(nodes)
        lines: list[list[int]] | None = None
        unit_costs: list[list[int]] | None = None
        tariff: Callable[[int, int], int | None] | None = None
        for k in self.additive:
            part, weight = self.parts[k], self.weights[k]
            if k >= upto:
                break
            if part.how == "parcels":
                fixed = [f + weight for f in fixed]
            elif part.how == "sum":
                scores = part.scores or ()
                fixed = [f + weight * scores[i] for f, i in zip(fixed, nodes, strict=True)]
            else:
                costs = [x.grid.fixed[i] for i in nodes]
                fixed = [f + weight * c[0] for f, c in zip(fixed, costs, strict=True)]
                if x.grid.sized:
                    lines = [[weight * c[1] * count for c in costs] for count in self.lines]
                    unit_costs = [[weight * c[2] for c in costs] for _ in self.lines]
                fixed, tariff = self._prices(nodes, fixed, weight)
        have = [[max(0, row.units[i]) for i in nodes] for row, _ in x.needs]
        divide = "never"
        if self.rule.split_lines:
            divide = "free" if self.partial else "needed"
        return solve(
            Sourcing(
                units=self.units,
                fixed=fixed,
                have=have,
                line_costs=lines,
                unit_costs=unit_costs,
                grams=self.grams if tariff is not None else None,
                tariff=tariff,
                stops_max=self.rule.stops_max,
                divide=divide,  # type: ignore[arg-type]
                unfilled=[self.top] * len(self.units) if self.partial else None,
                groups=self.groups,
                caps=None if self.caps is None else [self.caps.units[i] for i in nodes],
            ),
            self.steps_max,
        )

    def _prices(
        self, nodes: list[int], fixed: list[int], weight: int
    ) -> tuple[list[int], Callable[[int, int], int | None] | None]:
        """The tariff: part of the fixed costs where no weight of this order changes it, else a function of weight."""
        x = self.x
        least = min(self.grams)
        whole = sum(map(_product, zip(self.grams, self.units, strict=True)))
        if x.grid.quote_of is not None:
            return fixed, lambda n, grams: weight * _quoted(x, nodes[n], grams)
        bands = [x.place.bands(x.demand.service)[i] for i in nodes]
        if all(bisect_left(limits, least) == bisect_left(limits, whole) for limits, _ in bands):
            return [f + weight * _price(band, whole) for f, band in zip(fixed, bands, strict=True)], None
        return fixed, lambda n, grams: weight * _price(bands[n], grams)

    def best(self, tolerances: Sequence[int | float]) -> Found | None:
        """The lexicographically best plan."""
        mask, steps, proven = self.mask, 0, True
        whole = self.ask(mask, len(self.parts))
        if whole is None or not whole.takes:
            return None
        steps, proven = whole.steps, whole.proven
        low = whole.bound
        found = whole
        for k, part in enumerate(self.parts):
            if part.how in ADDITIVE:
                continue
            scores = part.scores or ()
            steps_of = sorted({scores[i] for i in bits(mask)})
            if len(steps_of) < 2:
                continue
            prefix = self.ask(mask, k)
            if prefix is None:
                return None
            first, last = 0, len(steps_of) - 1
            while first < last:
                middle = (first + last) // 2
                tried = self.ask(_upto(mask, scores, steps_of[middle]), k)
                if tried is not None:
                    steps, proven = steps + tried.steps, proven and tried.proven
                if tried is not None and tried.cost <= prefix.cost:
                    last = middle
                else:
                    first = middle + 1
            mask = _upto(mask, scores, steps_of[first] + (tolerances[k] if k < len(tolerances) else 0))
            again = self.ask(mask, len(self.parts))
            if again is None:
                return None
            found, steps, proven = again, steps + again.steps, proven and again.proven
        return self._told(found, mask, low, steps, proven=proven)

    def _told(self, found: Sourced, mask: int, low: int, steps: int, *, proven: bool) -> Found:
        nodes = list(bits(mask))
        takes = tuple(sorted((nodes[n], k, units) for n, k, units in found.takes))
        used = {i for i, _, _ in takes}
        vector, bound = self._digits(found.cost), self._digits(low)
        shift = 1 if self.partial else 0
        for k, part in enumerate(self.parts):
            if part.how not in ADDITIVE:
                vector[shift + k] = max(((part.scores or ())[i] for i in used), default=0)
        return Found(takes, tuple(vector), tuple(vector if proven else bound), proven, steps)

    def _digits(self, number: int) -> list[int]:
        digits = [0] * len(self.parts)
        head, rest = divmod(max(0, number), self.top)
        for k in self.additive:
            digits[k], rest = divmod(rest, self.weights[k])
        return [head, *digits] if self.partial else digits


def _product(pair: tuple[int, int]) -> int:
    return pair[0] * pair[1]


def _upto(mask: int, scores: Sequence[int], most: float) -> int:
    return sum(1 << i for i in bits(mask) if scores[i] <= most)


def _price(band: tuple[tuple[int, ...], tuple[int, ...]], grams: int) -> int:
    limits, prices = band
    at = bisect_left(limits, grams)
    return prices[at] if at < len(prices) else LAST


def _quoted(x: Case, i: int, grams: int) -> int:
    quote = x.grid.quote_of(x.grid.nodes[i], x.demand, grams) if x.grid.quote_of is not None else None
    return LAST if quote is None else quote.minor


def _priced(x: Case, i: int, grams: int, lines: int, units: int) -> int:
    cost = x.cost(i, grams, lines, units)
    parcel, per_line, per_unit = x.grid.fixed[i]
    return LAST + parcel + per_line * lines + per_unit * units if cost is None else cost


def _groups(x: Case) -> list[list[int]]:
    """The needs of each ship-together group."""
    index = {row.item: k for k, (row, _) in enumerate(x.needs)}
    groups: dict[str, list[int]] = {}
    for line in x.demand.lines:
        if line.group:
            groups.setdefault(line.group, []).append(index[line.item])
    return list(groups.values())
