"""Plans: the best way to share one demand over a few nodes, by depth-first branch and bound over integer vectors.

Every preference becomes one component of a vector that only grows along a branch, so that comparing the vector
reached, plus a lower bound of what is still to come, with the best plan found prunes exactly: componentwise lower is
lexicographically lower. A line goes to one node; only where no candidate has all of it is it divided, and then every
node but one gives all it has (the extreme points of the transport problem, among which an optimum of linear costs
lies).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from omscore.routing._case import Case, Row
from omscore.routing._masks import bits
from omscore.routing._preferences import Rank
from omscore.routing._qualify import units_left
from omscore.routing._terms import minor

LAST = 10**15
"""The figure of what is unknown or unpriced: worse than anything real."""
STEPS_MAX = 20_000

Take = tuple[int, int, int]
"""(node, need, units): indexes into the network's nodes and the case's needs."""
Way = tuple[str, int, datetime | None]
"""(how, donor, due): "backorder", "transfer" or "drop_ship"; the node it comes from, or -1; when it is there."""


class Found:
    """A plan, its vector, and how sure it is: `bound` is a vector that no plan under the rule goes below.

    `backorders` are units that are not there yet; `ways` says of each how they come: by "backorder", by "transfer" from
    a node, or by "drop_ship", and by when.
    """

    __slots__ = ("backorders", "bound", "proven", "steps", "takes", "vector", "ways")

    def __init__(
        self,
        takes: tuple[Take, ...],
        vector: tuple[int, ...] = (),
        bound: tuple[int, ...] = (),
        proven: bool = True,
        steps: int = 0,
        backorders: tuple[Take, ...] = (),
        ways: tuple[Way, ...] = (),
    ) -> None:
        self.ways = ways
        self.takes = takes
        self.vector = vector
        self.bound = bound
        self.proven = proven
        self.steps = steps
        self.backorders = backorders

    @property
    def nodes(self) -> tuple[int, ...]:
        """The nodes used, in order."""
        return tuple(sorted({i for i, _, _ in (*self.takes, *self.backorders)}))

    def units(self) -> int:
        """Units given, backordered ones included."""
        return sum(n for _, _, n in (*self.takes, *self.backorders))


def single(x: Case, i: int) -> Found:
    """The plan in which one node ships everything."""
    return Found(tuple([(i, k, n) for k, (_, n) in enumerate(x.needs)]))


class Part:
    """One component of the vector."""

    __slots__ = ("how", "limit", "scores")

    def __init__(self, how: str, scores: Sequence[int] | None, limit: float | None = None) -> None:
        self.how = how
        self.scores = scores
        self.limit = limit


def part_of(rank: Rank, x: Case, mask: int) -> Part:
    """A preference as whole non-negative numbers; kinds other than sums become places in a ranking."""
    if rank.how in ("parcels", "cost"):
        return Part(rank.how, None)
    scores = rank.column(x, mask)
    if rank.term.op == "own":
        # A host's negative score puts the node behind all others.
        scores = [None if score is not None and score < 0 else score for score in scores]
    known = [scores[i] for i in bits(mask) if scores[i] is not None]
    out = [LAST] * len(x.grid.nodes)
    if not known:
        return Part("max", [0] * len(out))
    if rank.how == "sum":
        for i in bits(mask):
            if scores[i] is not None:
                out[i] = scores[i]
        return Part("sum", out)
    if rank.tolerant:
        low = min(known)
        for i in bits(mask):
            if scores[i] is not None:
                out[i] = scores[i] - low
        return Part("max", out)
    place = {score: n for n, score in enumerate(sorted(set(known)))}
    for i in bits(mask):
        if scores[i] is not None:
            out[i] = place[scores[i]]
    return Part("max", out)


def bundles_of(x: Case, *, keep_groups: bool) -> list[tuple[int, ...]]:
    """The needs by what ships together: each by itself, unless groups are kept; groups that share an item are one."""
    if not keep_groups:
        return [(k,) for k in range(len(x.needs))]
    index = {row.item: k for k, (row, _) in enumerate(x.needs)}
    groups: dict[str, set[int]] = {}
    for line in x.demand.lines:
        groups.setdefault(line.group or f"\0{line.item}", set()).add(index[line.item])
    bundles: list[set[int]] = []
    for members in groups.values():
        joined = set(members)
        for other in [b for b in bundles if b & joined]:
            joined |= other
            bundles.remove(other)
        bundles.append(joined)
    return sorted(tuple(sorted(b)) for b in bundles)


def multiples_of(x: Case) -> list[int]:
    """Of each need, the number of units that only go together: a kit's."""
    return [max(line.multiple for line in x.demand.lines if line.item == row.item) for row, _ in x.needs]


class Search:
    """One rule's question about one case: which candidates ship which units."""

    def __init__(
        self,
        x: Case,
        mask: int,
        *,
        stops_max: int,
        split_lines: bool = True,
        keep_groups: bool = False,
        capped: bool = False,
        parcel_min: str | None = None,
        partial: bool = False,
        steps_max: int = STEPS_MAX,
    ) -> None:
        self.x = x
        self.stops_max = stops_max
        self.partial = partial
        self.steps_max = steps_max
        d = x.demand
        index = {row.item: k for k, (row, _) in enumerate(x.needs)}
        count = len(x.needs)
        self.grams, self.lines, self.multiples = [0] * count, [0] * count, [1] * count
        self.prices = [0] * count
        for line in d.lines:
            k = index[line.item]
            self.grams[k] = max(self.grams[k], line.weight_grams)
            self.prices[k] = line.price.minor if line.price else self.prices[k]
            self.lines[k] += 1
            self.multiples[k] = max(self.multiples[k], line.multiple)
        self.caps = {i: cap for i in bits(mask) if (cap := units_left(x, i)) is not None} if capped else {}
        self.floor = 0 if parcel_min is None else minor(parcel_min, d.currency, d.decimals) or 0
        self.mask = mask
        self.needs: list[tuple[Row, int]] = list(x.needs)
        self.bundles: list[tuple[int, ...]] = bundles_of(x, keep_groups=keep_groups)
        self.full: list[int] = []
        self.some: list[int] = []
        for bundle in self.bundles:
            full = some = mask
            for k in bundle:
                row, n = self.needs[k]
                full &= row.at_least(n)
                some &= row.at_least(self.multiples[k])
            size = sum(self.needs[k][1] for k in bundle)
            for i, cap in self.caps.items():
                if cap < size:
                    full &= ~(1 << i)
                if cap < 1:
                    some &= ~(1 << i)
            self.full.append(full)
            may_divide = len(bundle) == 1 and split_lines
            self.some.append(some if may_divide and (partial or not full) else 0)
        self.order = sorted(range(len(self.bundles)), key=lambda b: ((self.full[b] or self.some[b]).bit_count(), b))

    def best(self, parts: list[Part], tolerances: Sequence[int | float] = ()) -> Found | None:
        """The lexicographically best plan; a part with a tolerance only limits those after it."""
        steps, proven = 0, True
        for k, tolerance in enumerate(tolerances):
            if not tolerance:
                continue
            found = self._solve(parts[: k + 1])
            if found is None:
                return None
            steps, proven = steps + found.steps, proven and found.proven
            shift = 1 if self.partial else 0
            parts[k].limit = found.vector[shift + k] + tolerance
        found = self._solve(parts)
        return (
            found
            if found is None
            else Found(found.takes, found.vector, found.bound, found.proven and proven, found.steps + steps)
        )

    def _solve(self, parts: list[Part]) -> Found | None:
        if not self.partial and not all(f or s for f, s in zip(self.full, self.some, strict=True)):
            return None
        return _Walk(self, parts).run()


class _Walk:
    """The depth-first search itself."""

    def __init__(self, search: Search, parts: list[Part]) -> None:
        self.s = search
        self.parts = parts
        self.best: tuple[Any, ...] | None = None
        self.best_takes: tuple[Take, ...] = ()
        self.steps = 0
        self.cut = False
        self.takes: list[Take] = []
        self.groups: dict[int, list[int]] = {}
        self.costs: dict[int, int] = {}
        self.unserved = 0
        self.least = [self._least(b) for b in range(len(search.bundles))]

    def _least(self, b: int) -> list[int]:
        """Per component the least that a new node for this bundle adds."""
        s, out = self.s, []
        where = list(bits(s.full[b] or s.some[b]))
        for part in self.parts:
            if part.limit is not None or not where:
                out.append(0)
            elif part.how == "parcels":
                out.append(1)
            elif part.how == "cost":
                # A divided line may leave as little as one multiple at a node.
                share = [(k, s.needs[k][1] if s.full[b] else s.multiples[k]) for k in s.bundles[b]]
                grams = sum(s.grams[k] * n for k, n in share)
                lines = sum(s.lines[k] for k, _ in share)
                units = sum(n for _, n in share)
                out.append(min(_priced(s.x, i, grams, lines, units) for i in where))
            else:
                scores = part.scores or ()
                out.append(min(scores[i] for i in where))
        return out

    def run(self) -> Found | None:
        """The best plan within the steps allowed, or None when there is none."""
        root = self._bound(0)
        self._branch(0)
        if self.best is None:
            return None
        vector = tuple(v[0] if isinstance(v, tuple) else v for v in self.best[: self._width()])
        return Found(self.best_takes, vector, root if self.cut else vector, not self.cut, self.steps)

    def _width(self) -> int:
        return len(self.parts) + (1 if self.s.partial else 0)

    def _vector(self) -> list[int]:
        out = [self.unserved] if self.s.partial else []
        for part in self.parts:
            if part.how == "parcels":
                out.append(len(self.groups))
            elif part.how == "cost":
                out.append(sum(self.costs.values()))
            else:
                scores = part.scores or ()
                used = [scores[i] for i in self.groups]
                out.append(sum(used) if part.how == "sum" else max(used, default=0))
        return out

    def _bound(self, depth: int) -> tuple[int, ...]:
        vector = self._vector()
        shift = 1 if self.s.partial else 0
        if self.s.partial:
            vector[0] += self._short(depth)
            return tuple(vector)
        used = 0
        for i in self.groups:
            used |= 1 << i
        extra = [0] * len(self.parts)
        for b in self.s.order[depth:]:
            if not (self.s.full[b] or self.s.some[b]) & used:
                extra = list(map(max, extra, self.least[b]))
        for k, part in enumerate(self.parts):
            at = shift + k
            vector[at] = max(vector[at], extra[k]) if part.how == "max" else vector[at] + extra[k]
        return tuple(vector)

    def _short(self, depth: int) -> int:
        """Units of the lines still to come that cannot be served, whatever is chosen."""
        s, short = self.s, 0
        closed = len(self.groups) >= s.stops_max
        for b in s.order[depth:]:
            for k in s.bundles[b]:
                row, n = s.needs[k]
                where = self.groups if closed else bits(s.some[b] or s.full[b])
                short += max(0, n - sum(max(0, row.units[i]) for i in where))
        return short

    def _masked(self, vector: tuple[int, ...]) -> tuple[int, ...] | None:
        """The vector without limited parts; None when a limit is broken."""
        shift = 1 if self.s.partial else 0
        out = list(vector)
        for k, part in enumerate(self.parts):
            if part.limit is not None:
                if vector[shift + k] > part.limit:
                    return None
                out[shift + k] = 0
        return tuple(out)

    def _branch(self, depth: int) -> None:
        if self.cut:
            return
        self.steps += 1
        if self.steps > self.s.steps_max and self.best is not None:
            self.cut = True
            return
        bound = self._masked(self._bound(depth))
        if bound is None or (self.best is not None and bound > self.best[-1][: len(bound)]):
            return
        if depth == len(self.s.order):
            self._leaf()
            return
        b = self.s.order[depth]
        full = self.s.full[b]
        if full:
            for i in self._sorted(full):
                if not self._room(i, sum(self.s.needs[k][1] for k in self.s.bundles[b])):
                    continue
                self._put(i, [(k, self.s.needs[k][1]) for k in self.s.bundles[b]])
                self._branch(depth + 1)
                self._back(i, len(self.s.bundles[b]))
        if self.s.some[b] and not (full and not self.s.partial):
            k = self.s.bundles[b][0]
            self._divide(depth, k, self.s.needs[k][1], list(bits(self.s.some[b])), 0, -1)
        elif self.s.partial:
            rest = sum(self.s.needs[k][1] for k in self.s.bundles[b])
            self.unserved += rest
            self._branch(depth + 1)
            self.unserved -= rest

    def _sorted(self, mask: int) -> list[int]:
        """Nodes in use first, then by what they would add."""
        keys = [part.scores for part in self.parts if part.scores is not None and part.limit is None]
        return sorted(bits(mask), key=lambda i: (i not in self.groups, [scores[i] for scores in keys], i))

    def _room(self, i: int, units: int) -> bool:
        if i not in self.groups and len(self.groups) >= self.s.stops_max:
            return False
        cap = self.s.caps.get(i)
        return cap is None or units + (self.groups[i][2] if i in self.groups else 0) <= cap

    def _put(self, i: int, share: list[tuple[int, int]]) -> None:
        group = self.groups.setdefault(i, [0, 0, 0, 0])
        for k, n in share:
            group[0] += self.s.grams[k] * n
            group[1] += self.s.lines[k]
            group[2] += n
            group[3] += self.s.prices[k] * n
            self.takes.append((i, k, n))
        self.costs[i] = _priced(self.s.x, i, group[0], group[1], group[2])

    def _back(self, i: int, count: int) -> None:
        group = self.groups[i]
        for _ in range(count):
            _, k, n = self.takes.pop()
            group[0] -= self.s.grams[k] * n
            group[1] -= self.s.lines[k]
            group[2] -= n
            group[3] -= self.s.prices[k] * n
        if group[1] == 0:
            del self.groups[i], self.costs[i]
        else:
            self.costs[i] = _priced(self.s.x, i, group[0], group[1], group[2])

    def _divide(self, depth: int, k: int, rest: int, nodes: list[int], at: int, open_: int) -> None:
        """Give a line to several nodes: each gives all it has or nothing, and one (`open_`) gives the rest."""
        if self.cut:
            return
        row, multiple = self.s.needs[k][0], self.s.multiples[k]
        if rest == 0 and open_ < 0:
            self._branch(depth + 1)
            return
        if (
            open_ >= 0
            and 0 < rest <= self._have(open_, row, multiple)
            and rest % multiple == 0
            and self._room(open_, rest)
        ):
            self._put(open_, [(k, rest)])
            self._branch(depth + 1)
            self._back(open_, 1)
        if at == len(nodes):
            if self.s.partial and open_ < 0:
                self.unserved += rest
                self._branch(depth + 1)
                self.unserved -= rest
            return
        self.steps += 1
        if self.steps > self.s.steps_max and self.best is not None:
            self.cut = True
            return
        bound = self._masked(self._bound(depth + 1))
        if bound is None or (self.best is not None and bound > self.best[-1][: len(bound)]):
            return
        i = nodes[at]
        have = self._have(i, row, multiple)
        if have > 0:
            give = min(have, rest - rest % multiple)
            if give and give == have and self._room(i, give):
                self._put(i, [(k, give)])
                self._divide(depth, k, rest - give, nodes, at + 1, open_)
                self._back(i, 1)
            if open_ < 0 and (have > 1 or give < have) and (i in self.groups or len(self.groups) < self.s.stops_max):
                self._divide(depth, k, rest, nodes, at + 1, i)
        self._divide(depth, k, rest, nodes, at + 1, open_)

    def _have(self, i: int, row: Row, multiple: int) -> int:
        have = row.units[i]
        cap = self.s.caps.get(i)
        if cap is not None:
            have = min(have, cap - (self.groups[i][2] if i in self.groups else 0))
        return have - have % multiple

    def _leaf(self) -> None:
        if not self.takes:
            return
        s = self.s
        if s.floor and (len(self.groups) > 1 or self.unserved):
            if any(group[3] < s.floor for group in self.groups.values()):
                return
            given = sum(group[3] for group in self.groups.values())
            whole = sum(s.prices[k] * n for k, (_, n) in enumerate(s.needs))
            if self.unserved and whole - given < s.floor:
                return
        vector = tuple(self._vector())
        masked = self._masked(vector)
        if masked is None:
            return
        takes = tuple(sorted(self.takes))
        # The last tie-breaks: stops, the nodes' ids, then what each ships.
        ranked = (*masked, len(self.groups), tuple(sorted(self.groups)), takes)
        if self.best is None or ranked < self.best[-1]:
            self.best = (*vector, ranked)
            self.best_takes = takes


def _priced(x: Case, i: int, grams: int, lines: int, units: int) -> int:
    cost = x.cost(i, grams, lines, units)
    return LAST if cost is None else cost


def cost_of(x: Case, found: Found) -> int | None:
    """The cost of a found plan in minor units, or None when a parcel has no price."""
    grams, lines = need_figures(x)
    total = 0
    for node in found.nodes:
        mine = [(k, n) for i, k, n in (*found.takes, *found.backorders) if i == node]
        count = sum(lines[k] for k in {k for k, _ in mine})
        cost = x.cost(node, sum(grams[k] * n for k, n in mine), count, sum(n for _, n in mine))
        if cost is None:
            return None
        total += cost
    brought: dict[tuple[int, int], int] = {}
    for (i, k, n), (how, donor, _) in zip(found.backorders, found.ways, strict=True):
        if how == "transfer":
            brought[donor, i] = brought.get((donor, i), 0) + grams[k] * n
    for (donor, i), weight in brought.items():
        cost = x.transfer_cost(donor, i, weight)
        if cost is None:
            return None
        total += cost
    return total


def need_figures(x: Case) -> tuple[list[int], list[int]]:
    """Per need the weight of a unit in grams and the number of lines that ask for it."""
    index = {row.item: k for k, (row, _) in enumerate(x.needs)}
    grams, lines = [0] * len(index), [0] * len(index)
    for line in x.demand.lines:
        k = index[line.item]
        grams[k] = max(grams[k], line.weight_grams)
        lines[k] += 1
    return grams, lines
