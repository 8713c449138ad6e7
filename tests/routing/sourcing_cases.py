"""Small sourcing questions and their answer by trying everything, for the tests of the plan search."""

from collections.abc import Iterator
from itertools import product

from omscore.kernel.rng import Rng
from omscore.routing.sourcing import Sourced, Sourcing


def price_of(s: Sourcing, takes: tuple[tuple[int, int, int], ...]) -> int | None:
    """What a plan costs, straight from the words of `Sourcing`; None when it is not allowed."""
    left = list(s.units)
    grams: dict[int, int] = {}
    count: dict[int, int] = {}
    nodes_of: dict[int, set[int]] = {}
    total = 0
    for node, line, n in takes:
        assert n > 0
        assert line not in nodes_of or node not in nodes_of[line]
        nodes_of.setdefault(line, set()).add(node)
        left[line] -= n
        grams[node] = grams.get(node, 0) + n * (s.grams[line] if s.grams else 0)
        count[node] = count.get(node, 0) + n
        if s.have is not None and s.have[line][node] < n:
            return None
        if s.full is not None and n == s.units[line] and not s.full[line] >> node & 1:
            return None
        total += (s.line_costs[line][node] if s.line_costs else 0) + n * (
            s.unit_costs[line][node] if s.unit_costs else 0
        )
    caps = s.caps or [None] * s.nodes
    whole_somewhere = [
        s.have is None or any(h >= n and (c is None or c >= n) for h, c in zip(s.have[line], caps, strict=True))
        for line, n in enumerate(s.units)
    ]
    for line, rest in enumerate(left):
        if rest < 0 or (rest and s.unfilled is None):
            return None
        divided = len(nodes_of.get(line, ())) > 1 or (line in nodes_of and rest)
        if divided and (s.divide == "never" or (s.divide == "needed" and whole_somewhere[line])):
            return None
        total += rest * (s.unfilled[line] if s.unfilled else 0)
    for group in s.groups:
        if len({tuple(sorted(nodes_of.get(line, ()))) for line in group}) > 1:
            return None
        if len(group) > 1 and any(left[line] and left[line] < s.units[line] for line in group):
            return None
        if len(group) > 1 and any(len(nodes_of.get(line, ())) > 1 for line in group):
            return None
    for node, weight in grams.items():
        if s.caps is not None and (cap := s.caps[node]) is not None and count[node] > cap:
            return None
        total += s.fixed[node]
        if s.tariff is not None:
            price = s.tariff(node, weight)
            if price is None:
                return None
            total += price
    if s.stops_max is not None and len(grams) > s.stops_max:
        return None
    return total + s.split_penalty * max(0, len(grams) - 1)


def every_plan(s: Sourcing) -> Iterator[tuple[tuple[int, int, int], ...]]:
    """All ways to give each line's units to nodes, or to leave them out."""
    per_line = []
    for line, n in enumerate(s.units):
        most = [min(n, s.have[line][i]) if s.have else n for i in range(s.nodes)]
        ways = [
            tuple((i, line, g) for i, g in enumerate(gives) if g)
            for gives in product(*[range(m + 1) for m in most])
            if sum(gives) <= n and (s.divide != "never" or sum(g > 0 for g in gives) <= 1)
        ]
        per_line.append(ways)
    for choice in product(*per_line):
        yield tuple(sorted(take for way in choice for take in way))


def brute_force(s: Sourcing) -> tuple[int, int, tuple[int, ...]] | None:
    """(cost, stops, nodes) of the best plan of all."""
    best = None
    for takes in every_plan(s):
        cost = price_of(s, takes)
        if cost is not None:
            nodes = tuple(sorted({node for node, _, _ in takes}))
            if best is None or (cost, len(nodes), nodes) < best:
                best = (cost, len(nodes), nodes)
    return best


def small_case(rng: Rng, *, lines_max: int = 4, nodes_max: int = 4, units_max: int = 3) -> Sourcing:
    """A question small enough to try everything, with any of the words of `Sourcing`."""
    lines, nodes = 1 + rng.below(lines_max), 1 + rng.below(nodes_max)
    units = [1 + rng.below(units_max) for _ in range(lines)]
    have = [[max(0, rng.below(n + 3) - 1) for _ in range(nodes)] for n in units]
    coarse = 1 + rng.below(2) * 99

    def costs(top: int) -> list[list[int]]:
        return [[rng.below(top // coarse + 1) * coarse for _ in range(nodes)] for _ in range(lines)]

    grams = [rng.below(5) * 100 for _ in range(lines)]
    base = [rng.below(5) * 100 for _ in range(nodes)]
    step = [100 * (1 + rng.below(8)) for _ in range(nodes)]
    rate = [rng.below(4) * 100 for _ in range(nodes)]
    top = 300 + 100 * rng.below(30)

    def tariff(node: int, weight: int) -> int | None:
        return None if weight > top else base[node] + rate[node] * (weight // step[node])

    groups: tuple[tuple[int, ...], ...] = ()
    if lines > 1 and rng.below(4) == 0:
        first = rng.below(lines - 1)
        groups = ((first, first + 1),)
    return Sourcing(
        units=units,
        fixed=[rng.below(8) * coarse for _ in range(nodes)],
        have=have,
        line_costs=costs(500) if rng.below(2) else None,
        unit_costs=costs(300) if rng.below(2) else None,
        grams=grams,
        tariff=tariff if rng.below(2) else None,
        split_penalty=rng.below(3) * 150,
        stops_max=1 + rng.below(3) if rng.below(3) == 0 else None,
        divide=("never", "needed", "free")[rng.below(3)],
        unfilled=[rng.below(12) * 100 for _ in range(lines)] if rng.below(3) == 0 else None,
        groups=groups,
        caps=[rng.below(6) if rng.below(2) else None for _ in range(nodes)] if rng.below(4) == 0 else None,
    )


def check_plan(s: Sourcing, plan: Sourced) -> None:
    """The plan is allowed, costs what it says, and says what is left out."""
    assert price_of(s, plan.takes) == plan.cost
    given = [0] * len(s.units)
    for _, line, n in plan.takes:
        given[line] += n
    for line, n in plan.unfilled:
        given[line] += n
    assert given == list(s.units)
    assert 0 <= plan.bound <= plan.cost
