"""What can never hold, and what follows from what: as far as it is plain from the terms; no full prover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from math import ceil, floor

from omscore.routing._terms import Condition, Requirement, Term

_SINGLE = (
    "channel_is",
    "service_is",
    "country_is",
    "region_is",
    "market_is",
    "tier_is",
    "seller_is",
    "parked_in",
    "node_is",
    "kind_is",
    "in_country",
)
"""Words about something that has one name at a time, so that two of them may leave nothing."""

_LEAST = {
    "units": Decimal(1),
    "line_count": Decimal(1),
    "weight_grams": Decimal(0),
    "attempts": Decimal(0),
    "earlier_orders": Decimal(0),
}
"""Measures that are whole numbers, with the least each can be."""

Bound = tuple[Decimal, bool]
"""A number, and whether it is itself excluded."""


def number(bound: object) -> Decimal:
    """A bound as a number, its currency aside."""
    return Decimal(str(bound).partition(" ")[0])


def _parts(term: Term) -> Iterator[Term]:
    """What must all hold for a term to hold."""
    inner = term.parts[0] if term.op == "not" else None
    if term.op == "all":
        for part in term.parts:
            yield from _parts(part)
    elif inner is not None and inner.op == "not":
        yield from _parts(inner.parts[0])
    elif inner is not None and inner.op == "any":
        for part in inner.parts:
            yield from _parts(_opposite(part))
    else:
        yield term


def _opposite(term: Term) -> Term:
    return ~term if isinstance(term, Requirement) else term


def _sides(term: Term) -> tuple[Term, ...]:
    """The terms of which one must hold for a term to hold; none where it is not of that kind."""
    if term.op == "any":
        return term.parts
    if term.op == "not" and term.parts[0].op == "all":
        return tuple([_opposite(part) for part in term.parts[0].parts])
    return ()


def contradiction(terms: Iterable[Term]) -> str:
    """Why terms can never all hold, or nothing when no reason was found.

    Looks at terms beside their opposite, at names that exclude each other, at bounds that leave nothing between, and at
    alternatives of which none can hold beside the rest.
    """
    parts = [part for term in terms for part in _parts(term)]
    plain = [part for part in parts if not _sides(part)]
    why = _contradiction(plain)
    for part in parts:
        sides = [contradiction([*plain, side]) for side in _sides(part)] if not why else []
        if sides and all(sides):
            return sides[0]
    return why


def _contradiction(parts: list[Term]) -> str:
    sets: dict[str, frozenset[str]] = {}
    low: dict[str, Bound] = {}
    high: dict[str, Bound] = {}
    for part in parts:
        if part.op == "not":
            for other in parts:
                if _covers(part.parts[0], other):
                    return f"{part!r} and {other!r} exclude each other"
        if part.op in _SINGLE:
            wanted = frozenset(part["names"])
            sets[part.op] = sets.get(part.op, wanted) & wanted
            if not sets[part.op]:
                return f"no {'order' if isinstance(part, Condition) else 'node'} fits every {part.op} in it"
        if part.op == "compare":
            name = part["field"]
            above, below = _range(part)
            if above is not None:
                low[name] = max(low.get(name, above), above)
            if below is not None:
                old = high.get(name, below)
                high[name] = min(old, below, key=lambda bound: (bound[0], not bound[1]))
    for name, least in _LEAST.items():
        if name in high:
            low[name] = max(low.get(name, (least, False)), (least, False))
    for name in sorted(low.keys() & high.keys()):
        (a, open_a), (z, open_z) = low[name], high[name]
        if a > z or (a == z and (open_a or open_z)):
            return f"no {name} fits every bound in it"
    return ""


def _range(term: Term) -> tuple[Bound | None, Bound | None]:
    """The lower and the upper bound of a comparison."""
    sign, to = term["is"], term["to"]
    low, high = (number(to[0]), number(to[1])) if sign == "between" else (number(to), number(to))
    above = (low, sign == ">") if sign in (">", ">=", "=", "between") else None
    below = (high, sign == "<") if sign in ("<", "<=", "=", "between") else None
    if term["field"] in _LEAST:
        # Whole numbers: more than 3 is 4 at least.
        above = None if above is None else (Decimal(floor(low) + 1 if above[1] else ceil(low)), False)
        below = None if below is None else (Decimal(ceil(high) - 1 if below[1] else floor(high)), False)
    return above, below


def implies(narrow: Condition | None, wide: Condition | None) -> bool:
    """Whether every order that fits `narrow` surely fits `wide`; false when that is not plain."""
    if wide is None:
        return True
    if narrow is None:
        return False
    if narrow.op == "any":
        return all(implies(part, wide) for part in narrow.parts)  # type: ignore[arg-type]
    if wide.op == "any" and any(implies(narrow, part) for part in wide.parts):  # type: ignore[arg-type]
        return True
    mine, theirs = list(_parts(narrow)), list(_parts(wide))
    return all(any(_covers(t, m) for m in mine) for t in theirs)


def _covers(wide: Term, narrow: Term) -> bool:
    if wide == narrow:
        return True
    if wide.op == "not" and narrow.op == "not":
        return _covers(narrow.parts[0], wide.parts[0])
    if not isinstance(wide, Condition) or not isinstance(narrow, Condition) or wide.op != narrow.op:
        return False
    if wide.op == "compare":
        return wide["field"] == narrow["field"] and _within(_range(narrow), _range(wide), _currencies(wide, narrow))
    same = wide["names"] is not None and wide["fact"] == narrow["fact"]
    if same and wide.op == "all_tags":
        return set(wide["names"]) <= set(narrow["names"])
    return same and set(narrow["names"]) <= set(wide["names"])


def _currencies(wide: Term, narrow: Term) -> bool:
    """Whether the wide comparison holds in every currency that the narrow one is about."""
    mine = {str(b).partition(" ")[2] for b in (wide["to"] if isinstance(wide["to"], tuple) else (wide["to"],))}
    other = {str(b).partition(" ")[2] for b in (narrow["to"] if isinstance(narrow["to"], tuple) else (narrow["to"],))}
    return mine in ({""}, other)


def _within(
    inner: tuple[Bound | None, Bound | None],
    outer: tuple[Bound | None, Bound | None],
    comparable: bool,
) -> bool:
    if not comparable:
        return False
    (a, z), (low, high) = inner, outer
    above = low is None or (a is not None and (a[0] > low[0] or (a[0] == low[0] and (a[1] or not low[1]))))
    below = high is None or (z is not None and (z[0] < high[0] or (z[0] == high[0] and (z[1] or not high[1]))))
    return above and below


def never(require: Iterable[Requirement], when: Condition | None = None) -> str:
    """Why no node of no order can meet a rule's requirements on its route, or nothing."""
    return contradiction([*require, *(() if when is None else (when,))])
