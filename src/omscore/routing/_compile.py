"""Compilation: conditions and requirements become generated functions over one demand and bit masks of nodes.

Constants reach the generated code by name, through its namespace, and are never pasted into its text; the text is
made of fixed templates only, so that no policy, however it came in, can say anything but what the vocabulary says.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from omscore.routing._case import Case, Grid
from omscore.routing._conditions import lower_condition
from omscore.routing._demand import NO_FACTS, Demand
from omscore.routing._network import Network
from omscore.routing._policy import Policy, Rule
from omscore.routing._preferences import Rank, rank_of
from omscore.routing._qualify import lower_requirement
from omscore.routing._terms import Condition, Preference, Requirement

Select = Callable[[Demand, Case], int]
Holds = dict[Condition, Callable[[Demand, Case], bool]]
Screen = Callable[[Demand, Case], int]
Masks = Callable[[Demand, Case], tuple[int, ...]]


_STOCK_WORDS = frozenset({"has_stock", "full_line", "whole_order", "stocks", "keeps_stock"})


class _Binder:
    """Collects constants under the names k0, k1, ... of one namespace."""

    __slots__ = ("_known", "grid", "names")

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.names: dict[str, Any] = {}
        self._known: dict[Any, str] = {}

    def const(self, value: Any) -> str:
        """The name under which generated code finds the value; equal constants share one."""
        known_as = (type(value), value) if isinstance(value, str | int | float | frozenset) else ("id", id(value))
        name = self._known.get(known_as)
        if name is None:
            name = self._known[known_as] = f"k{len(self.names)}"
            self.names[name] = value
        return name


class ReadyRule:
    """A rule made ready for a network."""

    __slots__ = (
        "_grid",
        "_without",
        "capped",
        "complete",
        "holds",
        "id",
        "key",
        "masks",
        "plain",
        "ranks",
        "rest",
        "room",
        "rule",
        "screen",
        "single_first",
        "single_only",
    )

    def __init__(
        self,
        id_: int,
        rule: Rule,
        screen: Screen,
        masks: Masks,
        rest: Screen,
        ranks: tuple[Rank, ...],
        grid: Grid,
        holds: Holds,
    ) -> None:
        self._grid = grid
        self.rest = rest
        self.holds = holds
        self._without: dict[int, Screen] = {}
        self.id = id_
        self.rule = rule
        self.screen = screen
        self.masks = masks
        self.ranks = ranks
        ops = {term.op for term in rule.require}
        listed = [term.op for term in rule.require]
        after_floors = len(listed) - listed[::-1].index("keeps_stock") if "keeps_stock" in listed else 0
        self.complete = "whole_order" in listed[after_floors:]
        self.capped = "has_capacity" in ops and not rule.over_capacity
        self.room = grid.caps(NO_FACTS)
        one = rule.fill == "best" and rule.stops_max == 1
        self.single_first = one or (rule.fill == "best" and bool(ranks) and ranks[0].how == "parcels")
        self.single_only = one and rule.partial == "next"
        self.plain = rule.partial == "next" and not rule.review_when
        # Under what a ranking of single nodes is remembered at a destination; None when it must be made each time.
        self.key: Callable[[Demand], Any] | None = None
        kinds = [rank.per for rank in ranks]
        if all(k is not None for k in kinds) and not any(rank.tolerant for rank in ranks):
            per = frozenset[str]().union(*(k for k in kinds if k is not None))
            self.key = _key(id_, per, grid)

    def without(self, skip: int) -> Screen:
        """The rule's screen as it would be without one of its requirements; made when first asked for."""
        screen = self._without.get(skip)
        if screen is None:
            require = (*self.rule.require[:skip], *self.rule.require[skip + 1 :])
            b = _Binder(self._grid)
            source = "\n".join(_screen_lines("screen", require, b, floors=True))
            screen = self._without[skip] = _run(source, b.names)["screen"]
        return screen

    def without_stock(self) -> Screen:
        """The rule's screen as it would be with everything in stock."""
        screen = self._without.get(-1)
        if screen is None:
            require = [term for term in self.rule.require if term.op not in _STOCK_WORDS]
            b = _Binder(self._grid)
            source = "\n".join(_screen_lines("screen", require, b, floors=True))
            screen = self._without[-1] = _run(source, b.names)["screen"]
        return screen


class Compiled:
    """A policy made ready for a network: which route, and each rule's screen."""

    __slots__ = ("grid", "rests", "routes", "rules", "select", "source", "substitutes", "words")

    def __init__(self, policy: Policy, grid: Grid, *, quoted: bool) -> None:
        b = _Binder(grid)
        self.grid = grid
        self.routes = policy.ordered()
        self.words = frozenset(_words(policy))
        self.rests = not self.words.isdisjoint(("backorder", "transfer", "drop_ship", "substitute"))
        self.substitutes = any(rule.partial == "substitute" for route in self.routes for rule in route.rules)
        lines = ["def select(d, x):"]
        for i, route in enumerate(self.routes):
            if route.when is None:
                lines.append(f"    return {i}")
                break
            lines.append(f"    if {lower_condition(route.when, b)}: return {i}")
        lines.append("    return -1")
        floors = any(t.op == "keeps_stock" for route in self.routes for rule in route.rules for t in rule.require)
        for i, route in enumerate(self.routes):
            for j, rule in enumerate(route.rules):
                lines += _screen_lines(f"screen_{i}_{j}", rule.require, b, floors=floors)
                lines += _masks_lines(f"masks_{i}_{j}", rule.require, b, floors=floors)
                lines += _screen_lines(f"rest_{i}_{j}", rule.rest_from, b, floors=True, base="x.anywhere()")
        signs = {
            sign: f"sign_{n}"
            for n, sign in enumerate(
                s for route in self.routes for rule in route.rules for s in rule.review_when if isinstance(s, Condition)
            )
        }
        for sign, name in signs.items():
            lines += [f"def {name}(d, x):", f"    return {lower_condition(sign, b)}"]
        self.source = "\n".join(lines)
        namespace = _run(self.source, b.names)
        holds: Holds = {s: namespace[name] for s, name in signs.items()}
        self.select: Select = namespace["select"]
        self.rules: list[list[ReadyRule]] = []
        ranks: dict[Preference, Rank] = {}
        count = 0
        for i, route in enumerate(self.routes):
            ready = []
            for j, rule in enumerate(route.rules):
                for term in rule.prefer:
                    if term not in ranks:
                        ranks[term] = rank_of(term, grid, quoted=quoted)
                ready.append(
                    ReadyRule(
                        count,
                        rule,
                        namespace[f"screen_{i}_{j}"],
                        namespace[f"masks_{i}_{j}"],
                        namespace[f"rest_{i}_{j}"],
                        tuple(ranks[t] for t in rule.prefer),
                        grid,
                        holds,
                    )
                )
                count += 1
            self.rules.append(ready)


def _words(policy: Policy) -> Iterator[str]:
    """Every word that a policy uses below its routes' conditions: what must be known to follow it."""
    for route in policy.routes:
        for rule in route.rules:
            yield rule.partial
            for term in (*rule.require, *rule.rest_from, *rule.prefer):
                yield from (inner.op for inner in term.walk())


_KEY_PARTS = {"service": "d.service", "size": "d.line_count, d.units", "market": "d.market or d.country"}


def _key(id_: int, per: frozenset[str], grid: Grid) -> Callable[[Demand], Any]:
    """A function from a demand to what a rule's ranking of nodes hangs on, the destination aside."""
    b = _Binder(grid)
    parts = [b.const(id_)] + [source for name, source in _KEY_PARTS.items() if name in per]
    if "grams" in per:
        # Weights between the same two steps of the tariff share a ranking.
        steps, others = grid.weight_steps()
        parts.append(f"{b.const(bisect_left)}({b.const(steps)}.get(d.service, {b.const(others)}), d.grams)")
    return _run(f"def key(d):\n    return ({', '.join(parts)},)", b.names)["key"]  # type: ignore[no-any-return]


def _run(source: str, names: dict[str, Any]) -> dict[str, Any]:
    namespace = dict(names)
    # The text is assembled from this package's own templates; values only enter through the namespace.
    exec(compile(source, "<policy>", "exec"), namespace)  # noqa: S102 - see above
    return namespace


def _screen_lines(
    name: str, require: Sequence[Requirement], b: _Binder, *, floors: bool, base: str = "x.base"
) -> list[str]:
    """The nodes that pass all requirements; where some rule has a floor, each begins with the stock as it is."""
    lines = [f"def {name}(d, x):", f"    m = {base}"]
    if floors:
        lines.append("    x.needs = x.rows")
    for term in require:
        if term.op == "whole_order":
            lines += _whole_order()
        else:
            lines.append(f"    m &= {lower_requirement(term, b)}")
    return [*lines, "    return m"]


def _masks_lines(name: str, require: Sequence[Requirement], b: _Binder, *, floors: bool) -> list[str]:
    """The nodes still in, at first and after each requirement: what the screen does, told step by step."""
    lines = [f"def {name}(d, x):", "    m0 = m = x.base"]
    if floors:
        lines.append("    x.needs = x.rows")
    for n, term in enumerate(require):
        if term.op == "whole_order":
            lines += [*_whole_order(), f"    m{n + 1} = m"]
        else:
            lines.append(f"    m{n + 1} = m = m & {lower_requirement(term, b)}")
    return [*lines, f"    return ({''.join(f'm{n}, ' for n in range(len(require) + 1))})"]


def _whole_order() -> list[str]:
    """The same as x.covers_all(), which nearly every policy asks, without a call."""
    return [
        "    for row, n in x.needs:",
        "        t = row.masks.get(n)",
        "        m &= row.at_least(n) if t is None else t",
    ]


def matcher(conditions: Sequence[Condition]) -> Callable[[Demand], int]:
    """Many conditions compiled into one function that answers, for a demand, the bits of those that hold.

    Bit i is the i-th condition. Conditions on age or promise need a moment and never hold here.

    >>> from omscore import routing as r
    >>> d = r.Demand("ord-1", (r.DemandLine("1", "SKU-1", 3),), channel="web")
    >>> bin(r.matcher([r.channel_is("web"), r.units > 5, r.units >= 3])(d))
    '0b101'
    """
    b = _Binder(Grid(Network()))
    parts = [f"({1 << i} if {lower_condition(term, b)} else 0)" for i, term in enumerate(conditions)]
    source = f"def match(d):\n    return {' | '.join(parts) or '0'}"
    return _run(source, b.names | {"x": _Timeless()})["match"]  # type: ignore[no-any-return]


class _Timeless:
    """The moment of a matcher: none."""

    def age_hours(self) -> None:
        """Unknown."""

    def hours_to_promise(self) -> None:
        """Unknown."""
