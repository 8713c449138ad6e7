"""Which nodes meet a requirement, as masks over the network, and why one does not: a code and the numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from omscore.errors import Reason
from omscore.routing._case import NO_LIMIT, Case, Grid
from omscore.routing._conditions import CONDITIONS, lower_condition
from omscore.routing._demand import NO_FACTS, Facts
from omscore.routing._network import Node
from omscore.routing._requirements import (
    before_cutoff,
    can_handle,
    cost_max,
    feed_age_max,
    full_line,
    has_capability,
    has_capacity,
    has_stock,
    in_country,
    in_group,
    in_market,
    keeps_stock,
    kind_is,
    known_distance,
    lead_days_max,
    may_cross_border,
    meets_promise,
    node_is,
    not_blocked,
    online,
    rejections_max,
    same_currency,
    same_owner,
    stocks,
    whole_order,
    wished_node,
    within_km,
)
from omscore.routing._terms import Condition, Requirement, Word, minor


class MaskBinder(Protocol):
    """A binder that also knows the network."""

    @property
    def grid(self) -> Grid:
        """The network as masks."""
        ...

    def const(self, value: Any) -> str:
        """The name under which generated code finds the value."""
        ...


def _static(holds: Callable[[Node, Requirement], bool]) -> Callable[..., str]:
    return lambda term, b: b.const(b.grid.where(lambda node: holds(node, term)))


def _kept(mask: int, holds: Callable[[int], bool]) -> int:
    kept = 0
    while mask:
        low = mask & -mask
        if holds(low.bit_length() - 1):
            kept |= low
        mask ^= low
    return kept


def _loop(holds: Callable[[Case, int, Requirement], bool]) -> Callable[..., str]:
    def lower(term: Requirement, b: MaskBinder) -> str:
        def test(x: Case, mask: int) -> int:
            return _kept(mask, lambda i: holds(x, i, term))

        return f"{b.const(test)}(x, m)"

    return lower


def _lower_can_handle(term: Requirement, b: MaskBinder) -> str:
    shown = []
    for name in term["names"]:
        mask = b.grid.where(lambda node, name=name: name in node.capabilities)  # type: ignore[misc]
        shown.append(f"({b.const(mask)} if {b.const(name)} in d.all_tags else -1)")
    return "(" + " & ".join(shown) + ")"


def _by_key(source: str, holds: Callable[[Node, str], bool]) -> Callable[..., str]:
    """A mask that depends on one text of the demand, remembered by it."""

    def lower(_: Requirement, b: MaskBinder) -> str:
        known: dict[str, int] = {}
        grid = b.grid

        def look(wanted: str) -> int:
            mask = known.get(wanted)
            if mask is None:
                mask = grid.where(lambda node: holds(node, wanted))
                if len(known) < 4096:
                    known[wanted] = mask
            return mask

        return f"(t if (t := {b.const(known)}.get({source})) is not None else {b.const(look)}({source}))"

    return lower


def _crosses(node: Node, country: str) -> bool:
    return bool(country and node.country) and (
        node.country == country or country in node.ships_to or "*" in node.ships_to
    )


def _before_cutoff(x: Case, i: int, _: Requirement) -> bool:
    return x.leaves_today(i)


def _meets_promise(x: Case, i: int, _: Requirement) -> bool:
    promised = x.demand.promised_at
    if promised is None or x.now is None:
        return x.place.days(x.demand.service)[i] is not None
    arrives = x.arrives(i)
    return arrives is not None and arrives <= promised


def units_left(x: Case, i: int) -> int | None:
    """Units a node can still take, or None when it has no limit; no order left means no units left."""
    room = x.grid.caps(x.facts).units[i]
    return None if room == NO_LIMIT else room


def _lower_capacity(_: Requirement, b: MaskBinder) -> str:
    usual = b.const(b.grid.caps(NO_FACTS).any)
    return f"({usual} if x.facts is {b.const(NO_FACTS)} else x.grid.caps(x.facts).any)"


def _lower_rejections(term: Requirement, b: MaskBinder) -> str:
    permille = term["permille"]
    usual = b.grid.where(lambda node: node.rejection_permille <= permille)
    index = b.grid.index

    def now(facts: Facts) -> int:
        mask = usual
        for id_, rate in facts.rejections.items():
            if id_ in index:
                bit = 1 << index[id_]
                mask = mask | bit if rate <= permille else mask & ~bit
        return mask

    return f"({b.const(now)}(x.facts) if x.facts.rejections else {b.const(usual)})"


def _lower_feed_age(term: Requirement, b: MaskBinder) -> str:
    limit, index = timedelta(hours=term["hours"]), b.grid.index

    def old(x: Case) -> int:
        mask = 0
        for id_, read in x.facts.read_at.items():
            if id_ in index and x.now is not None and x.now - read > limit:
                mask |= 1 << index[id_]
        return ~mask

    return f"({b.const(old)}(x) if x.facts.read_at else -1)"


def _cost_max(x: Case, i: int, term: Requirement) -> bool:
    cost = x.whole_cost(i)
    limit = minor(term["limit"], x.demand.currency, x.demand.decimals)
    return cost is not None and limit is not None and cost <= limit


def _own(x: Case, i: int, term: Requirement) -> bool:
    if term.call is None:
        return False
    return term.call(x.grid.nodes[i], x.demand) is True


def _lower_within(term: Requirement, b: MaskBinder) -> str:
    meters = b.const(round(term["km"] * 1000))
    return f"(t if (t := x.place.near.get({meters})) is not None else x.place.within({meters}))"


def _lower_stocks(term: Requirement, b: MaskBinder) -> str:
    wanted = frozenset(term["names"])

    def test(x: Case) -> int:
        mask = -1
        for row, _ in x.needs:
            if row.item in wanted:
                mask &= row.any
        return mask

    return f"{b.const(test)}(x)"


def _lower_floor(term: Requirement, b: MaskBinder) -> str:
    floor, after, more = term["units"], term["after"], term["more"]

    def test(x: Case) -> int:
        x.needs = tuple((row.above(floor, after=after, more=more), n) for row, n in x.needs)
        return x.covers_any()

    return f"{b.const(test)}(x)"


def _lower_known(_: Requirement, __: MaskBinder) -> str:
    return "x.place.within(10**9)"


def _says(code: str, text: str) -> Callable[[Case, int, Requirement], Reason]:
    """A reason from a template over the node, the case and the term."""

    def reason(x: Case, i: int, term: Requirement) -> Reason:
        node, d = x.grid.nodes[i], x.demand
        facts = {"node": node.id} | {k: v for k, v in term.args if k != "names"}
        return Reason(f"routing.{code}", text.format(node=node, d=d, x=x, names=", ".join(term["names"] or ())), facts)

    return reason


def _stock_reason(x: Case, i: int, term: Requirement) -> Reason:
    short = {row.item: {"asked": n, "available": max(0, row.units[i])} for row, n in x.needs if row.units[i] < n}
    shown = ", ".join(f"{v['available']} of {v['asked']} {item}" for item, v in short.items())
    code = {"whole_order": "not_all_lines", "full_line": "no_full_line"}.get(term.op, "no_stock")
    return Reason(f"routing.{code}", f"{x.grid.ids[i]} has {shown}", {"node": x.grid.ids[i], "short": short})


def _within_reason(x: Case, i: int, term: Requirement) -> Reason:
    meters = x.place.meters[i]
    if meters is None:
        return _unknown_reason(x, i, term)
    facts = {"node": x.grid.ids[i], "distance_km": meters / 1000, "km_max": term["km"]}
    return Reason("routing.too_far", f"{meters / 1000:.1f} km is beyond {term['km']} km", facts)


def _unknown_reason(x: Case, i: int, _: Requirement) -> Reason:
    return Reason("routing.distance_unknown", f"the distance from {x.grid.ids[i]} is unknown", {"node": x.grid.ids[i]})


def _cutoff_reason(x: Case, i: int, _: Requirement) -> Reason:
    node = x.grid.nodes[i]
    local = "" if x.now is None else f"{x.now.astimezone(x.grid.zones[i]):%H:%M}"
    facts = {"node": node.id, "cutoff": node.cutoff, "local_time": local}
    if node.cutoff and local > node.cutoff:
        return Reason("routing.after_cutoff", f"{local} at {node.id} is past its cut-off {node.cutoff}", facts)
    return Reason("routing.closed_today", f"{node.id} does not work today", facts)


def _promise_reason(x: Case, i: int, _: Requirement) -> Reason:
    id_, arrives, promised = x.grid.ids[i], x.arrives(i), x.demand.promised_at
    if arrives is None or promised is None:
        return Reason("routing.not_served", f"no {x.demand.service or 'default'} service from {id_}", {"node": id_})
    facts = {"node": id_, "arrives": arrives.isoformat(), "promised": promised.isoformat()}
    return Reason("routing.too_late", f"from {id_} it arrives {arrives:%Y-%m-%d}, promised {promised:%Y-%m-%d}", facts)


def _capacity_reason(x: Case, i: int, _: Requirement) -> Reason:
    left = units_left(x, i)
    return Reason(
        "routing.no_capacity", f"{x.grid.ids[i]} can take {left} more units", {"node": x.grid.ids[i], "left": left}
    )


def _age_reason(x: Case, i: int, term: Requirement) -> Reason:
    read = x.facts.read_at.get(x.grid.ids[i])
    hours = None if read is None or x.now is None else (x.now - read) / timedelta(hours=1)
    facts = {"node": x.grid.ids[i], "age_hours": hours, "hours_max": term["hours"]}
    return Reason(
        "routing.feed_too_old", f"figures of {x.grid.ids[i]} are {hours} h old, at most {term['hours']} allowed", facts
    )


def _rejections_reason(x: Case, i: int, term: Requirement) -> Reason:
    rate = x.facts.rejections.get(x.grid.ids[i], x.grid.nodes[i].rejection_permille)
    facts = {"node": x.grid.ids[i], "permille": rate, "permille_max": term["permille"]}
    return Reason(
        "routing.rejects_often", f"{x.grid.ids[i]} rejects {rate} of 1000, at most {term['permille']} allowed", facts
    )


def _cost_reason(x: Case, i: int, term: Requirement) -> Reason:
    cost = x.whole_cost(i)
    facts = {"node": x.grid.ids[i], "cost_minor": cost, "limit": term["limit"]}
    shown = "cannot be priced" if cost is None else f"costs {cost} minor units, more than {term['limit']}"
    return Reason("routing.too_expensive", f"{x.grid.ids[i]} {shown}", facts)


def _own_reason(x: Case, i: int, term: Requirement) -> Reason:
    answer = None if term.call is None else term.call(x.grid.nodes[i], x.demand)
    if isinstance(answer, Reason):
        return answer
    name = term["names"][0]
    return Reason("routing.own", f"{x.grid.ids[i]} fails {name!r}", {"node": x.grid.ids[i], "requirement": name})


REQUIREMENTS: Mapping[str, Word] = {
    "online": Word(online, _static(lambda n, _: n.online), _says("offline", "{node.id} does not sell online")),
    "node_is": Word(
        node_is, _static(lambda n, t: n.id in t["names"]), _says("other_node", "{node.id} is none of {names}")
    ),
    "in_group": Word(
        in_group,
        _static(lambda n, t: not n.groups.isdisjoint(t["names"])),
        _says("other_group", "{node.id} is in no group of {names}"),
    ),
    "kind_is": Word(
        kind_is, _static(lambda n, t: n.kind in t["names"]), _says("other_kind", "a {node.kind} is none of {names}")
    ),
    "in_country": Word(
        in_country,
        _static(lambda n, t: n.country in t["names"]),
        _says("other_country", "{node.id} stands in {node.country!r}, none of {names}"),
    ),
    "has_capability": Word(
        has_capability,
        _static(lambda n, t: n.capabilities >= set(t["names"])),
        _says("no_capability", "{node.id} lacks one of {names}"),
    ),
    "can_handle": Word(
        can_handle,
        _lower_can_handle,
        _says("cannot_handle", "{node.id} lacks a capability this order needs of {names}"),
    ),
    "has_stock": Word(has_stock, lambda _, __: "x.covers_any()", _stock_reason),
    "full_line": Word(full_line, lambda _, __: "x.covers_line()", _stock_reason),
    "whole_order": Word(whole_order, lambda _, __: "x.covers_all()", _stock_reason),
    "stocks": Word(stocks, _lower_stocks, _says("item_missing", "{node.id} lacks one of {names}")),
    "keeps_stock": Word(keeps_stock, _lower_floor, _says("below_floor", "{node.id} has nothing above its floor")),
    "within_km": Word(within_km, _lower_within, _within_reason),
    "known_distance": Word(known_distance, _lower_known, _unknown_reason),
    "in_market": Word(
        in_market,
        _by_key("d.market or d.country", lambda n, market: (n.market or n.country) == market),
        _says("other_market", "{node.id} is not in the order's market"),
    ),
    "may_cross_border": Word(
        may_cross_border, _by_key("d.country", _crosses), _says("no_border", "{node.id} does not ship to {d.country!r}")
    ),
    "before_cutoff": Word(before_cutoff, _loop(_before_cutoff), _cutoff_reason),
    "meets_promise": Word(meets_promise, _loop(_meets_promise), _promise_reason),
    "has_capacity": Word(has_capacity, _lower_capacity, _capacity_reason),
    "lead_days_max": Word(
        lead_days_max,
        _static(lambda n, t: n.lead_days <= t["days"]),
        _says("lead_time", "{node.id} needs {node.lead_days} days"),
    ),
    "feed_age_max": Word(feed_age_max, _lower_feed_age, _age_reason),
    "not_blocked": Word(
        not_blocked,
        lambda _, b: f"(~{b.const(b.grid.mask_of)}(x.facts.blocked) if x.facts.blocked else -1)",
        _says("blocked", "{node.id} rejected lately and is blocked"),
    ),
    "rejections_max": Word(rejections_max, _lower_rejections, _rejections_reason),
    "cost_max": Word(cost_max, _loop(_cost_max), _cost_reason),
    "same_owner": Word(
        same_owner,
        _by_key("d.seller", lambda n, seller: n.owner == seller),
        _says("other_owner", "{node.id} belongs to {node.owner!r}, not {d.seller!r}"),
    ),
    "same_currency": Word(
        same_currency,
        _by_key("d.currency", lambda n, currency: n.currency in ("", currency)),
        _says("other_currency", "{node.id} works in {node.currency}"),
    ),
    "wished_node": Word(
        wished_node,
        _by_key("d.wished", lambda n, wished: wished in ("", n.id)),
        _says("not_wished", "{node.id} is not the node wished, {d.wished!r}"),
    ),
}
WORDS = {name: word.make for table in (CONDITIONS, REQUIREMENTS) for name, word in table.items()}


def lower_requirement(term: Any, b: MaskBinder) -> str:
    """The Python expression of a requirement's mask over `d`, `x` and `m`, the nodes still in."""
    if isinstance(term, Condition):
        return f"(-1 if {lower_condition(term, b)} else 0)"
    if term.op == "not":
        return f"~{lower_requirement(term.parts[0], b)}"
    if term.op in ("all", "any"):
        joint = " & " if term.op == "all" else " | "
        return "(" + joint.join(lower_requirement(part, b) for part in term.parts) + ")"
    if term.op == "own":
        return _loop(_own)(term, b)
    return str(REQUIREMENTS[term.op].lower(term, b))


def refusal(x: Case, i: int, term: Requirement, shown: str) -> Reason:
    """Why a requirement refuses a node, with the numbers; `not`, `any` and conditions name the whole term as shown."""
    if isinstance(term, Condition):
        return Reason("routing.condition", f"the order does not fit {shown}", {"condition": shown})
    if term.op == "own":
        return _own_reason(x, i, term)
    word = REQUIREMENTS.get(term.op)
    if word is not None and word.reason is not None:
        return word.reason(x, i, term)  # type: ignore[no-any-return]
    return Reason("routing.refused", f"{x.grid.ids[i]} does not fit {shown}", {"node": x.grid.ids[i], "term": shown})
