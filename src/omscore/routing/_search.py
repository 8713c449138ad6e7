"""The cheapest plan of one order: which nodes ship which lines, at the least total cost, with a proof or a true bound.

Money is whole minor units, nodes and lines are indexes. The methods and their sources are told in
docs/explanation/plan-search.md: one node against a bound of all else, dynamic programming over sets of lines, dual
ascent with branch and bound, and branch and bound over quantities.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from omscore.routing._masks import bits
from omscore.routing._search_problem import Atoms, Shares
from omscore.routing._search_sites import by_dual_ascent
from omscore.routing._search_subsets import SUBSETS_MAX, by_subsets
from omscore.routing._search_units import by_quantities
from omscore.routing._search_values import NEVER, Sourced, Sourcing
from omscore.routing._search_walk import by_walk

STEPS_MAX = 20_000
"""Nodes of the search tree looked at before the best plan so far is returned."""


def cheapest_plan(sourcing: Sourcing, *, steps_max: int = STEPS_MAX) -> Sourced | None:
    """The cheapest plan; of equal cost the one with fewest stops, then the one whose nodes come first.

    None when no plan serves all that must ship. After `steps_max` steps the best plan found so far is returned with
    the bound reached (a first plan is always looked for). Raises InvalidValue for a question that makes no sense.

    >>> near_and_far = Sourcing(units=(1, 1), fixed=(500, 500), full=(0b01, 0b11), line_costs=((0, 0), (900, 100)))
    >>> cheapest_plan(near_and_far).nodes
    (0, 1)
    """
    sourcing.check()
    return solve(sourcing, steps_max)


def runner_up(sourcing: Sourcing, plan: Sourced, *, steps_max: int = STEPS_MAX) -> Sourced | None:
    """The cheapest plan that does without at least one node of `plan`; None when there is none.

    It costs one search per node of the plan.

    >>> question = Sourcing(units=(1,), fixed=(500, 530), full=(0b11,))
    >>> runner_up(question, cheapest_plan(question)).cost
    530
    """
    best: Sourced | None = None
    for node in plan.nodes:
        other = solve(_without(sourcing, node), steps_max)
        if other is not None and (best is None or (other.cost, len(other.nodes)) < (best.cost, len(best.nodes))):
            best = other
    return best


def _without(s: Sourcing, node: int) -> Sourcing:
    have = None if s.have is None else [[0 if i == node else n for i, n in enumerate(row)] for row in s.have]
    full = None if s.full is None else [mask & ~(1 << node) for mask in s.full]
    return evolve(s, have=have, full=full)


def solve(s: Sourcing, steps_max: int = STEPS_MAX) -> Sourced | None:
    """`cheapest_plan` of a question that is known to make sense."""
    full = s.full if s.full is not None else _full(s)
    if s.groups or s.caps is not None or s.divide != NEVER:
        return _solve_any(s, full, steps_max)
    unfilled = s.unfilled
    if unfilled is None and not all(full):
        return None
    rows = _rows(s)
    prices = None if unfilled is None else [p * n for p, n in zip(unfilled, s.units, strict=True)]
    weights = None if s.grams is None else [g * n for g, n in zip(s.grams, s.units, strict=True)]
    atoms = Atoms(full, rows, s.fixed, s.split_penalty, s.stops_max, prices, weights, s.tariff, None, s.units)
    found = _solve_atoms(atoms, steps_max)
    if found is None:
        return None
    where, cost, bound, steps, method = found
    takes = [(i, line, s.units[line]) for line, i in enumerate(where) if i >= 0]
    takes.sort()
    left = () if unfilled is None else tuple([(line, s.units[line]) for line, i in enumerate(where) if i < 0])
    return Sourced(tuple(takes), left, cost, bound, steps, method)


def _full(s: Sourcing) -> list[int]:
    out = []
    for n, row in zip(s.units, s.have or (), strict=True):
        mask, bit = 0, 1
        for h in row:
            if h >= n:
                mask |= bit
            bit <<= 1
        out.append(mask)
    return out


def _rows(s: Sourcing) -> Sequence[Sequence[int]]:
    """Per line, the cost of all of it from each node."""
    if s.unit_costs is None:
        return s.line_costs if s.line_costs is not None else [[0] * len(s.fixed)] * len(s.units)
    if s.line_costs is None:
        return [[c * n for c in row] for n, row in zip(s.units, s.unit_costs, strict=True)]
    return [
        [k + c * n for k, c in zip(ks, cs, strict=True)]
        for n, ks, cs in zip(s.units, s.line_costs, s.unit_costs, strict=True)
    ]


def _solve_atoms(a: Atoms, steps_max: int) -> tuple[list[int], int, int, int, str] | None:
    """Lines that are not divided: (node of each line or -1, cost, bound, steps, method)."""
    single, i = a.best_single()
    if i >= 0 and single <= a.bound_of_others():
        return [i] * len(a.masks), single, single, 1, "single"
    if len(a.masks) <= SUBSETS_MAX:
        found = by_subsets(a)
        if found is None:
            return None
        where, cost, distinct = found
        if distinct:
            return where, cost, cost, 1, "subsets"
        walked = by_walk(Shares.of_atoms(a), steps_max, cost)
    elif a.tariff is None and a.caps is None:
        answer = by_dual_ascent(a, steps_max)
        return None if answer is None else (*answer, "sites")
    else:
        walked = by_walk(Shares.of_atoms(a), steps_max, 0)
    if walked is None:
        return None
    takes, cost, bound, steps = walked
    where = [-1] * len(a.masks)
    for node, line, _ in takes:
        where[line] = node
    return where, cost, bound, steps, "walk"


def _solve_any(s: Sourcing, full: Sequence[int], steps_max: int) -> Sourced | None:
    """Groups, caps and divided lines."""
    bundles = _bundles(s)
    rows = _rows(s)
    masks = [_allowed(s, full, bundle) for bundle in bundles]
    loose = [
        len(bundle) == 1 and s.units[bundle[0]] > 1 and (s.divide == "free" or (s.divide == "needed" and not masks[b]))
        for b, bundle in enumerate(bundles)
    ]
    prices = None
    if s.unfilled is not None:
        prices = [sum(s.unfilled[line] * s.units[line] for line in bundle) for bundle in bundles]
    weights = [0 if s.grams is None else sum(s.grams[line] * s.units[line] for line in b) for b in bundles]
    if not any(loose):
        if prices is None and not all(masks):
            return None
        sums = [
            rows[b[0]] if len(b) == 1 else [sum(col) for col in zip(*(rows[k] for k in b), strict=True)]
            for b in bundles
        ]
        sizes = [sum(s.units[line] for line in bundle) for bundle in bundles]
        atoms = Atoms(
            masks,
            sums,
            s.fixed,
            s.split_penalty,
            s.stops_max,
            prices,
            weights,
            s.tariff,
            _binding(s.caps, masks, sizes),
            sizes,
        )
        found = _solve_atoms(atoms, steps_max)
        if found is None:
            return None
        where, cost, bound, steps, method = found
        shares = [(i, b, 0) for b, i in enumerate(where) if i >= 0]
    else:
        problem = Shares.of_sourcing(s, bundles, masks, loose, rows)
        easy = s.tariff is None and problem.caps is None
        answer = by_quantities(problem, steps_max) if easy else by_walk(problem, steps_max, 0)
        if answer is None:
            return None
        shares, cost, bound, steps = answer
        method = "units" if easy else "walk"
    return _sourced(s, [(i, bundles[b], n if loose[b] else 0) for i, b, n in shares], cost, bound, steps, method)


def _allowed(s: Sourcing, full: Sequence[int], bundle: Sequence[int]) -> int:
    """The nodes that can ship all lines of a bundle, as a mask."""
    mask = -1
    for line in bundle:
        mask &= full[line]
    if s.caps is not None:
        size = sum(s.units[line] for line in bundle)
        for i in bits(mask):
            cap = s.caps[i]
            if cap is not None and cap < size:
                mask &= ~(1 << i)
    return mask


def _sourced(
    s: Sourcing, shares: Sequence[tuple[int, Sequence[int], int]], cost: int, bound: int, steps: int, method: str
) -> Sourced:
    """What each node ships of each line, from (node, lines, units); 0 units are all that the lines have."""
    left = list(s.units)
    takes = []
    for i, bundle, n in shares:
        for line in bundle:
            given = n or s.units[line]
            takes.append((i, line, given))
            left[line] -= given
    rest = tuple([(line, n) for line, n in enumerate(left) if n])
    return Sourced(tuple(sorted(takes)), rest, cost, bound, steps, method)


def _binding(
    caps: Sequence[int | None] | None, masks: Sequence[int], sizes: Sequence[int]
) -> Sequence[int | None] | None:
    """The caps, if any of them can be reached."""
    if caps is None:
        return None
    for i, cap in enumerate(caps):
        if cap is not None and sum(n for mask, n in zip(masks, sizes, strict=True) if mask >> i & 1) > cap:
            return caps
    return None


def _bundles(s: Sourcing) -> list[tuple[int, ...]]:
    """Lines that ship together; groups which share a line are one."""
    bundles: list[set[int]] = []
    for group in s.groups:
        joined = set(group)
        for other in [b for b in bundles if b & joined]:
            joined |= other
            bundles.remove(other)
        if joined:
            bundles.append(joined)
    grouped = set().union(*bundles) if bundles else set()
    bundles += [{line} for line in range(len(s.units)) if line not in grouped]
    return sorted(tuple(sorted(b)) for b in bundles)
