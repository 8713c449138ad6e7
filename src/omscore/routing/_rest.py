"""The rest: what a rule does about units that its nodes do not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from omscore.routing._case import Case
from omscore.routing._compile import ReadyRule
from omscore.routing._masks import bits
from omscore.routing._plans import Found, Take, Way, bundles_of, multiples_of
from omscore.routing._qualify import units_left
from omscore.routing._rank import ranked_nodes

RESTS = ("backorder", "transfer", "drop_ship")
"""The ways in which a rule may serve units that are not there."""

Rest = list[tuple[Take, Way]]


def with_rest(ready: ReadyRule, x: Case, mask: int, found: Found) -> Found | None:
    """A plan with the units that are missing in it: all of them or nothing.

    Backorders wait at the nodes for supply, in the order of the preferences. A transfer brings them to the best node of
    the plan, from the nearest others. A vendor drop-ships them, all from one where one can.
    """
    left = [n for _, n in x.needs]
    for _, k, n in found.takes:
        left[k] -= n
    make = {"backorder": _backordered, "transfer": _transferred, "drop_ship": _drop_shipped}[ready.rule.partial]
    more = make(ready, x, mask, found, left)
    if ready.rule.partial == "drop_ship" and len(_nodes(found, more)) > ready.rule.stops_max:
        # Too many parcels: one vendor sends everything, or the rule hands on.
        found, left = Found(()), [n for _, n in x.needs]
        more = make(ready, x, mask, found, left)
        if len(_nodes(found, more)) > ready.rule.stops_max:
            return None
    if any(left) or not more:
        return None
    takes, ways = tuple(take for take, _ in more), tuple(way for _, way in more)
    return Found(found.takes, found.vector, found.bound, found.proven, found.steps, takes, ways)


def _nodes(found: Found, more: Rest) -> set[int]:
    return {i for i, _, _ in found.takes} | {take[0] for take, _ in more}


def _backordered(ready: ReadyRule, x: Case, mask: int, found: Found, left: list[int]) -> Rest:
    more: Rest = []
    ranked = ranked_nodes(ready.ranks, x, mask)
    for bundle in bundles_of(x, keep_groups=ready.rule.keep_groups):
        for i in ranked:
            for k, n in _share(ready, x, bundle, left, {k: _awaits(x, i, k) for k in bundle}).items():
                more.append(((i, k, n), ("backorder", -1, _covered(_coming(x, i, k), n))))
                left[k] -= n
    return more


def _coming(x: Case, i: int, k: int) -> list[tuple[datetime, int]]:
    return sorted(x.facts.incoming.get((x.grid.ids[i], x.needs[k][0].item), ()))


def _awaits(x: Case, i: int, k: int) -> int:
    """The units that may wait at a node: as many as it says, else as many as are announced."""
    cap = x.facts.backorder.get((x.grid.ids[i], x.needs[k][0].item))
    return sum(units for _, units in _coming(x, i, k)) if cap is None else cap


def _share(
    ready: ReadyRule, x: Case, bundle: Sequence[int], left: Sequence[int], most: Mapping[int, int]
) -> dict[int, int]:
    """The units by item of a bundle that a node gives: kits whole, and a group or an undivided line whole or not."""
    share: dict[int, int] = {}
    whole = len(bundle) > 1 or not ready.rule.split_lines
    for k in bundle:
        n = min(left[k], max(0, most[k]))
        n -= n % multiples_of(x)[k]
        if whole and n < left[k]:
            return {}
        if n:
            share[k] = n
    return share


def _covered(coming: list[tuple[datetime, int]], units: int) -> datetime | None:
    """When so many units have come in; None when that many are not announced."""
    for due_at, n in coming:
        units -= n
        if units <= 0:
            return due_at
    return None


def _transferred(ready: ReadyRule, x: Case, mask: int, found: Found, left: list[int]) -> Rest:
    used = {i for i, _, _ in found.takes}
    ranked = ranked_nodes(ready.ranks, x, mask)
    to = next((i for i in ranked if i in used or not used), None)
    if to is None:
        return []
    donors = ready.rest(x.demand, x) & ~(1 << to)
    # What a donor may give is what its own words leave of it: a floor in rest_from holds.
    rows, x.needs = [row for row, _ in x.needs], x.rows
    taken = {(i, k): n for i, k, n in found.takes}
    ways = sorted((x.grid.between(i, to) is None, x.grid.between(i, to) or 0, i) for i in bits(donors))
    room = units_left(x, to) if ready.capped else None
    if room is not None and sum(n for i, _, n in found.takes if i == to) + sum(left) > room:
        return []
    more: Rest = []
    for k, row in enumerate(rows):
        for _, _, i in ways:
            n = min(left[k], max(0, row.units[i]) - taken.get((i, k), 0))
            if n > 0:
                more.append(((to, k, n), ("transfer", i, x.transfer_arrives(i, to))))
                left[k] -= n
    return more


def _drop_shipped(ready: ReadyRule, x: Case, mask: int, found: Found, left: list[int]) -> Rest:
    vendors = ranked_nodes(ready.ranks, x, ready.rest(x.demand, x))
    x.needs = x.rows
    whole = [i for i in vendors if all(_sends(x, i, k) >= n for k, n in enumerate(left)) and _fits(ready, x, i, left)]
    more: Rest = []
    for i in whole[:1] or vendors:
        room = units_left(x, i) if ready.capped else None
        for bundle in bundles_of(x, keep_groups=ready.rule.keep_groups):
            if room is not None and len(bundle) > 1 and sum(left[k] for k in bundle) > room:
                continue
            most = {k: _sends(x, i, k) if room is None else min(room, _sends(x, i, k)) for k in bundle}
            for k, n in _share(ready, x, bundle, left, most).items():
                more.append(((i, k, n), ("drop_ship", -1, x.leaves_at(i))))
                left[k] -= n
                room = None if room is None else room - n
    return more


def _fits(ready: ReadyRule, x: Case, i: int, units: list[int]) -> bool:
    room = units_left(x, i) if ready.capped else None
    return room is None or sum(units) <= room


def _sends(x: Case, i: int, k: int) -> int:
    """The units that a node sends to order without having them here."""
    node, item = x.grid.nodes[i], x.needs[k][0].item
    cap = x.facts.backorder.get((node.id, item))
    if cap is not None:
        return cap
    return x.needs[k][1] if item in node.drop_ships or "*" in node.drop_ships else 0
