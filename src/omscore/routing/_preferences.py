"""Preferences: which of the nodes and plans that qualify is best (prefer=...), the first word that differs deciding.

Lower scores win. A score of None means that the preference knows nothing about a node: it sorts last, and where it
knows nothing about any node it abstains. Whatever is a figure may have a tolerance, within which the next preference
decides; lists, markets, wishes and turns are no figures, and parcels have a rule's `saving_min`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from attrs import frozen

from omscore.errors import DefinitionError, InvalidValue
from omscore.routing._case import Case, Grid
from omscore.routing._masks import bits
from omscore.routing._network import Node
from omscore.routing._qualify import units_left
from omscore.routing._terms import Preference, Word, amount, minor, names, positive, whole

Scores = Sequence[Any]
Column = Callable[[Case, int], Scores]


def fewest_splits() -> Preference:
    """Fewer parcels first.

    >>> fewest_splits()
    fewest_splits()
    """
    return Preference("fewest_splits")


def most_lines(*, tolerance_lines: int | None = None) -> Preference:
    """The node with all units of the most lines first.

    With `tolerance_lines` everything that close to the most ties, and the next preference decides.

    >>> most_lines()
    most_lines()
    """
    return Preference("most_lines", _given("most_lines", tolerance_lines=tolerance_lines))


def same_market() -> Preference:
    """Nodes in the order's market (its market, or else its country) first; without one it abstains.

    >>> same_market()
    same_market()
    """
    return Preference("same_market")


def nearest(*, band_km: float | None = None, tolerance_km: float | None = None) -> Preference:
    """The nearest node first, split plans by the sum of distances; unknown distances last.

    With `band_km` distances in the same band tie (0 to under 50, 50 to under 100); with `tolerance_km` everything that
    close to the best ties, and the next preference decides.

    >>> nearest(band_km=50)
    nearest(band_km=50)
    """
    return Preference("nearest", _given("nearest", band_km=band_km, tolerance_km=tolerance_km))


def ranked_nodes(*names_: str) -> Preference:
    """These nodes first, in this order; others after them, equal.

    >>> ranked_nodes("GHENT", "LILLE")
    ranked_nodes('GHENT', 'LILLE')
    """
    return Preference("ranked_nodes", names("ranked_nodes", names_))


def ranked_groups(*names_: str) -> Preference:
    """Nodes of these groups first, in this order; others after them, equal.

    >>> ranked_groups("warehouses", "outlets")
    ranked_groups('warehouses', 'outlets')
    """
    return Preference("ranked_groups", names("ranked_groups", names_))


def by_priority(*, tolerance: int | None = None) -> Preference:
    """The node with the smallest priority number first; nodes without one last.

    With a `tolerance` numbers that close to the smallest tie.

    >>> by_priority()
    by_priority()
    """
    return Preference("by_priority", _given("by_priority", tolerance=tolerance))


def by_position() -> Preference:
    """The order of the nodes' `position`.

    >>> by_position()
    by_position()
    """
    return Preference("by_position")


def wished_first() -> Preference:
    """The wished node first; without a wish it abstains.

    >>> wished_first()
    wished_first()
    """
    return Preference("wished_first")


def lowest_cost(*, tolerance: Any = None) -> Preference:
    """The cheapest plan first: tariffs by distance and weight plus the nodes' own costs; unpriced nodes last.

    With a `tolerance` ("2.00") everything that close to the cheapest ties, and the next preference decides.

    >>> lowest_cost(tolerance="2.00")
    lowest_cost(tolerance='2.00')
    """
    args = () if tolerance is None else (("tolerance", amount("lowest_cost", tolerance)),)
    return Preference("lowest_cost", args)


def earliest_arrival(*, tolerance_days: int | None = None) -> Preference:
    """The plan whose last parcel arrives first.

    With `tolerance_days` everything that close to the earliest ties.

    >>> earliest_arrival()
    earliest_arrival()
    """
    return Preference("earliest_arrival", _given("earliest_arrival", tolerance_days=tolerance_days))


def most_stock(*, tolerance_units: int | None = None) -> Preference:
    """The node with the most units of the items asked first (stock balance).

    With `tolerance_units` everything that close to the most ties.

    >>> most_stock()
    most_stock()
    """
    return Preference("most_stock", _given("most_stock", tolerance_units=tolerance_units))


def weeks_of_supply(*, tolerance_weeks: float | None = None) -> Preference:
    """The node whose stock lasts longest first: on hand divided by weekly sales; nodes without sales figures last.

    With `tolerance_weeks` everything that close to the longest ties.

    >>> weeks_of_supply()
    weeks_of_supply()
    """
    return Preference("weeks_of_supply", _given("weeks_of_supply", tolerance_weeks=tolerance_weeks))


def most_capacity(*, tolerance_units: int | None = None) -> Preference:
    """The node that can still take the most units first; no limit counts as the most.

    With `tolerance_units` everything that close to the most ties.

    >>> most_capacity()
    most_capacity()
    """
    return Preference("most_capacity", _given("most_capacity", tolerance_units=tolerance_units))


def fewest_rejections(*, tolerance_permille: int | None = None) -> Preference:
    """The node that rejects the fewest orders first.

    With `tolerance_permille` everything that close to the fewest ties.

    >>> fewest_rejections()
    fewest_rejections()
    """
    return Preference("fewest_rejections", _given("fewest_rejections", tolerance_permille=tolerance_permille))


def shortest_lead(*, tolerance_days: int | None = None) -> Preference:
    """The node with the shortest lead time first.

    With `tolerance_days` everything that close to the shortest ties.

    >>> shortest_lead()
    shortest_lead()
    """
    return Preference("shortest_lead", _given("shortest_lead", tolerance_days=tolerance_days))


def clearance(*, tolerance_items: int | None = None) -> Preference:
    """The node with the most asked items on clearance first; without any it abstains.

    With `tolerance_items` everything that close to the most ties.

    >>> clearance()
    clearance()
    """
    return Preference("clearance", _given("clearance", tolerance_items=tolerance_items))


def round_robin() -> Preference:
    """The next node by id after the one that was chosen last (`Facts.last_node`).

    >>> round_robin()
    round_robin()
    """
    return Preference("round_robin")


def least_carbon(*, tolerance_grams: int | None = None) -> Preference:
    """The plan with the least carbon first: distance times the node's grams per km; unknown distances last.

    With `tolerance_grams` everything that close to the least ties.

    >>> least_carbon()
    least_carbon()
    """
    return Preference("least_carbon", _given("least_carbon", tolerance_grams=tolerance_grams))


def blend(*parts: Any, weights: tuple[float, ...] = (), tolerance: float | None = None) -> Preference:
    """A weighted mean of preferences, each brought to 0 (best here) to 1 (worst here) among the nodes still in.

    A node that a part knows nothing about counts as 1 for it; one that a host's own part scores below 0 is excluded
    while another is left. Split plans count their worst node. With a `tolerance` (0.05) all that close to the best tie.

    >>> blend(nearest(), most_stock(), weights=(2, 1))
    blend(nearest(), most_stock(), weights=[2, 1])
    """
    if len(parts) < 2 or not all(isinstance(p, Preference) for p in parts):
        raise DefinitionError(f"blend takes at least two preferences, not {parts!r}")
    for part in parts:
        if part.op in ("fewest_splits", "blend"):
            raise DefinitionError(f"blend cannot contain {part.op}, which has no score of its own for a node")
    if len(weights) != len(parts):
        raise DefinitionError(f"blend needs one weight for each of its {len(parts)} parts, not {len(weights)}")
    for weight in weights:
        positive("blend", "weight", weight)
    args = (("weights", tuple(weights)), *_given("blend", tolerance=tolerance))
    return Preference("blend", args, parts=tuple(parts))


def own_preference(name: str, call: Callable[[Node, Any], Any], *, tolerance: float | None = None) -> Preference:
    """A preference of the host's own: `call(node, demand)` gives a number, lower first, or None to abstain.

    It works like any other but cannot be stored as data. A negative score excludes the node while another is left. With
    a `tolerance` numbers that close to the best tie. What is no number raises InvalidValue when an order is decided.

    >>> own_preference("new first", lambda node, demand: node.position)
    own('new first')
    """
    return Preference("own", (("names", (name,)), *_given("own_preference", tolerance=tolerance)), call=call)


_WHOLE = frozenset({"tolerance_lines", "tolerance_units", "tolerance_items", "tolerance_permille", "tolerance_grams"})
"""What is counted in whole numbers; a tolerance in days or of a priority is too, and may be 0."""


def _given(op: str, **args: Any) -> tuple[tuple[str, Any], ...]:
    out = tuple((name, value) for name, value in args.items() if value is not None)
    for name, value in out:
        if name == "tolerance_days" or (op == "by_priority" and name == "tolerance"):
            whole(op, name, value)
        elif name in _WHOLE:
            whole(op, name, value, at_least=1)
        else:
            positive(op, name, value)
    return out


def _constant(score: Callable[[Node, Preference], Any]) -> Callable[[Preference, Grid], Column]:
    def make(term: Preference, grid: Grid) -> Column:
        column = tuple(score(node, term) for node in grid.nodes)
        return lambda _x, _mask: column

    return make


def _each(score: Callable[[Case, int], Any]) -> Callable[[Preference, Grid], Column]:
    def make(_: Preference, grid: Grid) -> Column:
        count = len(grid.nodes)

        def column(x: Case, mask: int) -> Scores:
            out: list[Any] = [None] * count
            for i in bits(mask):
                out[i] = score(x, i)
            return out

        return column

    return make


def _group_rank(node: Node, term: Preference) -> int:
    wanted = term["names"]
    return next((i for i, name in enumerate(wanted) if name in node.groups), len(wanted))


def _node_rank(node: Node, term: Preference) -> int:
    wanted = term["names"]
    return wanted.index(node.id) if node.id in wanted else len(wanted)


def _nearest(term: Preference, _: Grid) -> Column:
    band = term["band_km"]
    if band is None:
        return lambda x, _mask: x.place.meters
    meters = round(band * 1000)

    def column(x: Case, _mask: int) -> Scores:
        return tuple(None if d is None else d // meters for d in x.place.meters)

    return column


def _market(_: Preference, grid: Grid) -> Column:
    nothing = (None,) * len(grid.nodes)

    def column(x: Case, _mask: int) -> Scores:
        wanted = x.demand.market or x.demand.country
        if not wanted:
            return nothing
        return tuple(0 if (node.market or node.country) == wanted else 1 for node in grid.nodes)

    return column


def _wished(_: Preference, grid: Grid) -> Column:
    nothing = (None,) * len(grid.nodes)

    def column(x: Case, _mask: int) -> Scores:
        wanted = x.demand.wished
        return tuple(0 if id_ == wanted else 1 for id_ in grid.ids) if wanted else nothing

    return column


def _stock(x: Case, i: int) -> int:
    return -sum(max(0, row.units[i]) for row, _ in x.needs)


def _lines(x: Case, i: int) -> int:
    return -sum(1 for row, n in x.needs if row.units[i] >= n)


def _weeks(x: Case, i: int) -> float | None:
    """Weeks that the stock of the scarcest item asked lasts."""
    least = None
    for row, _ in x.needs:
        cell = (x.grid.ids[i], row.item)
        sales = x.facts.weekly_sales.get(cell)
        if not sales:
            continue
        weeks = x.facts.on_hand.get(cell, row.units[i]) / sales
        least = weeks if least is None or weeks < least else least
    return None if least is None else -least


def _capacity(x: Case, i: int) -> int:
    left = units_left(x, i)
    return -(2**62) if left is None else -left


def _rejections(x: Case, i: int) -> int:
    return x.facts.rejections.get(x.grid.ids[i], x.grid.nodes[i].rejection_permille)


def _clearance(x: Case, i: int) -> int | None:
    if not x.facts.clearance:
        return None
    return -sum(1 for row, _ in x.needs if (x.grid.ids[i], row.item) in x.facts.clearance)


def _round_robin(_: Preference, grid: Grid) -> Column:
    def column(x: Case, _mask: int) -> Scores:
        last = x.facts.last_node
        return tuple((id_ <= last, i) for i, id_ in enumerate(grid.ids))

    return column


def _carbon(x: Case, i: int) -> int | None:
    meters = x.place.meters[i]
    return None if meters is None else meters * x.grid.nodes[i].carbon_grams_per_km


def _arrival(x: Case, i: int) -> int | None:
    arrives = x.arrives(i)
    return None if arrives is None else int(arrives.timestamp())


def _blend(term: Preference, grid: Grid) -> Column:
    columns = [column_of(part, grid) for part in term.parts]  # type: ignore[arg-type]
    weights = term["weights"]
    total = sum(weights)

    def column(x: Case, mask: int) -> Scores:
        mixed: list[float | None] = [0.0] * len(grid.nodes)
        inside = list(bits(mask))
        for term_, make, weight in zip(term.parts, columns, weights, strict=True):
            scores = make(x, mask)
            if term_.op == "own":
                for i in [i for i in inside if scores[i] is not None and scores[i] < 0]:
                    mixed[i] = None
                    inside.remove(i)
            known = [scores[i] for i in inside if scores[i] is not None]
            if not known:
                continue
            low, span = min(known), max(known) - min(known)
            for i in inside:
                part = 1.0 if scores[i] is None else (scores[i] - low) / span if span else 0.0
                mixed[i] = (mixed[i] or 0.0) + weight * part / total
        return mixed

    return column


def _cost(_: Preference, grid: Grid) -> Column:
    """What the whole demand costs from each node: `Case.whole_cost`, for all nodes in one go."""

    def column(x: Case, mask: int) -> Scores:
        if grid.quote_of is not None:
            return [x.whole_cost(i) if mask >> i & 1 else None for i in range(len(grid.nodes))]
        d = x.demand
        grams, lines, units = d.grams, d.line_count, d.units
        out: list[int | None] = []
        for (limits, prices), (parcel, per_line, per_unit) in zip(x.place.bands(d.service), grid.fixed, strict=True):
            at = bisect_left(limits, grams)
            out.append(prices[at] + parcel + per_line * lines + per_unit * units if at < len(prices) else None)
        return out

    return column


def _own(term: Preference, _: Grid) -> Column:
    def score(x: Case, i: int) -> Any:
        if term.call is None:
            return None
        node = x.grid.nodes[i]
        given = term.call(node, x.demand)
        if given is not None and (not isinstance(given, int | float | Decimal) or given != given):  # noqa: PLR0124 - NaN
            raise InvalidValue(f"{term!r} gave {given!r} for node {node.id!r}; give a number, or None to abstain")
        return given

    return _each(score)(term, _)


PER_PLACE = frozenset[str]()
PREFERENCES: Mapping[str, Word] = {
    "fewest_splits": Word(fewest_splits, _constant(lambda _, __: 0), per=PER_PLACE, how="parcels"),
    "most_lines": Word(most_lines, _each(_lines)),
    "same_market": Word(same_market, _market, per=frozenset({"market"}), how="sum"),
    "nearest": Word(nearest, _nearest, per=PER_PLACE, how="sum"),
    "ranked_nodes": Word(ranked_nodes, _constant(_node_rank), per=PER_PLACE),
    "ranked_groups": Word(ranked_groups, _constant(_group_rank), per=PER_PLACE),
    "by_priority": Word(by_priority, _constant(lambda n, _: n.priority), per=PER_PLACE),
    "by_position": Word(by_position, _constant(lambda n, _: n.position), per=PER_PLACE),
    "wished_first": Word(wished_first, _wished),
    "lowest_cost": Word(lowest_cost, _cost, per=PER_PLACE, how="cost"),
    "earliest_arrival": Word(earliest_arrival, _each(_arrival)),
    "most_stock": Word(most_stock, _each(_stock)),
    "weeks_of_supply": Word(weeks_of_supply, _each(_weeks)),
    "most_capacity": Word(most_capacity, _each(_capacity)),
    "fewest_rejections": Word(fewest_rejections, _each(_rejections)),
    "shortest_lead": Word(shortest_lead, _constant(lambda n, _: n.lead_days), per=PER_PLACE),
    "clearance": Word(clearance, _each(_clearance)),
    "round_robin": Word(round_robin, _round_robin),
    "least_carbon": Word(least_carbon, _each(_carbon), per=PER_PLACE, how="sum"),
    "blend": Word(blend, _blend),
}
PREFERENCE_WORDS = {name: word.make for name, word in PREFERENCES.items()}


def column_of(term: Preference, grid: Grid) -> Column:
    """The scores of a preference by node."""
    if term.op == "own":
        return _own(term, grid)
    return PREFERENCES[term.op].lower(term, grid)  # type: ignore[no-any-return]


@frozen
class Rank:
    """A preference made ready for a network: its scores, how a split plan adds them up, and what ties."""

    term: Preference
    column: Column
    how: str
    per: frozenset[str] | None

    def tolerance(self, x: Case) -> int | float:
        """What a plan may be worse than the best and still tie, in the unit of the scores."""
        for name, value in self.term.args:
            if name == "tolerance_km":
                meters: int = round(value * 1000)
                return meters
            if name == "tolerance_days" and self.term.op == "earliest_arrival":
                return timedelta(days=value) // timedelta(seconds=1)
            if name == "tolerance_grams":
                # Scores are meters times grams per km.
                return int(value) * 1000
            if name == "tolerance" and isinstance(value, str):
                return int(minor(value, x.demand.currency, x.demand.decimals) or 0)
            if name.startswith("tolerance"):
                return value  # type: ignore[no-any-return]
        return 0

    @property
    def tolerant(self) -> bool:
        """Whether it has a tolerance at all."""
        return any(name.startswith("tolerance") for name, _ in self.term.args)


def rank_of(term: Preference, grid: Grid, *, quoted: bool) -> Rank:
    """A preference made ready for a network; quotes of the host are asked anew for every order."""
    column = column_of(term, grid)
    if term.op == "own":
        return Rank(term, column, "max", None)
    word = PREFERENCES[term.op]
    per = word.per
    if word.how == "cost":
        per = None if quoted else frozenset({"service", "grams"} | ({"size"} if grid.sized else set()))
    return Rank(term, column, word.how, per)
