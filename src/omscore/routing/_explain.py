"""Explanations: a decision's trace decoded into reasons, rankings, the runner-up and what would have changed it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from omscore.errors import Reason
from omscore.kernel import Money
from omscore.routing._case import Case
from omscore.routing._explain_thresholds import other_amounts
from omscore.routing._explanation import Explanation, Refusal, Scored
from omscore.routing._masks import bits
from omscore.routing._plans import Found, single
from omscore.routing._qualify import refusal, units_left
from omscore.routing._rank import first
from omscore.routing._serve import runner_up, vector
from omscore.routing._trace import Decision, Plan, Review, plan_of

if TYPE_CHECKING:
    from omscore.routing._compile import ReadyRule
    from omscore.routing._engine import Router

RANKING_MAX = 200
CHANGES_MAX = 5
NEARER_MAX = 3


def explain(router: Router, decision: Decision) -> Explanation:
    """Everything there is to say about a decision."""
    trace, x = decision.trace, decision._x  # noqa: SLF001 - the two are one thing
    asked = trace.case
    found = decision._found  # noqa: SLF001 - the two are one thing
    rules = router.compiled.rules[trace.route] if trace.route >= 0 else []
    shown = [[repr(term) for term in ready.rule.require] for ready in rules]
    refused = (*_set_aside(asked), *_refusals(asked, rules, trace.masks, shown))
    ready = rules[len(trace.masks) - 1] if trace.masks else None
    ranking: tuple[Scored, ...] = ()
    preferences: tuple[str, ...] = ()
    second: Found | None = None
    margin = ""
    changes: tuple[str, ...] = ()
    split = ""
    nearer: tuple[str, ...] = ()
    if ready is not None:
        x.needs = x.rows
        mask = ready.screen(x.demand, x)
        preferences = tuple(repr(rank.term) for rank in ready.ranks)
        ranking = _ranking(router, x, ready, mask)
        if found is not None:
            second = runner_up(ready, x, mask, found)
            mine = vector(ready, x, mask, found)
            theirs = None if second is None else vector(ready, x, mask, second)
            others = "" if second is None else ", ".join(x.grid.ids[i] for i in second.nodes)
            margin = _margin(router, x, ready, mine, theirs, others, mask)
            found_changes = chain(
                _closer(router, x, ready, mine, theirs, others),
                other_amounts(router, decision, asked),
                _lifted(x, ready, shown[len(trace.masks) - 1], mask, found),
                _alone_with_more(x, ready, mask, found, mine),
            )
            changes = tuple(islice(found_changes, CHANGES_MAX))
            split = _split(x, ready, mask, found)
            nearer = _nearer(x, found, refused, ranking)
        else:
            more = chain(_with_more(x, rules[: len(trace.masks)]), other_amounts(router, decision, asked))
            changes = tuple(islice(more, CHANGES_MAX))
    return Explanation(
        demand=decision.demand.id,
        outcome=decision.outcome,
        route=decision.route,
        rule=decision.rule,
        plan=decision.plan,
        preferences=preferences,
        refused=refused,
        ranking=ranking,
        runner_up=None if second is None else plan_of(x, second),
        margin=margin,
        changes=changes,
        stock=tuple(
            (row.item, x.grid.ids[i], row.units[i])
            for row, _ in x.rows
            for i in (found.nodes if found is not None else ())
            if row.units[i] > 0
        ),
        reason=decision.reason,
        proven=decision.proven,
        split=split,
        nearer=nearer,
        rest=_rest(decision.plan),
        review=_review(decision.review),
        ties=() if ready is None else tuple(rank.tolerance(x) for rank in ready.ranks),
        known=x.grid.ids,
    )


def _review(review: Review | None) -> tuple[str, ...]:
    """Why a person looks at the plan, by when, and the plan that it stands against."""
    if review is None:
        return ()
    until = "" if review.until is None else f" until {review.until:%Y-%m-%d %H:%M} UTC"
    out = [f"{review.owner} looks at it{until}, else {review.default}: {reason}" for reason in review.reasons]
    if review.against is not None:
        price = "" if review.against.cost is None else f" for {review.against.cost}"
        out.append(f"against {', '.join(review.against.nodes)}{price}")
    return tuple(out)


def _rest(plan: Plan | None) -> tuple[str, ...]:
    """What is sent in a line's place, and how the units come that are not there yet."""
    if plan is None:
        return ()
    out = [f"line {line}: {instead} in place of {item}" for line, item, instead in plan.substitutes]
    for given in plan.assignments:
        when = "" if given.due_at is None else f", due {given.due_at:%Y-%m-%d %H:%M} UTC"
        what = f"{given.units} of {given.item}"
        if given.how == "transfer":
            out.append(f"{what} go from {given.origin} to {given.node} first{when}")
        elif given.how == "drop_ship":
            out.append(f"{what} are ordered at {given.node}, which sends them itself{when}")
        elif given.how:
            out.append(f"{what} wait at {given.node} for supply{when}")
    return tuple(out)


def _set_aside(x: Case) -> list[Refusal]:
    """Nodes that no rule was asked about: not active, excluded for this order, or not where it is to be fetched."""
    out = []
    for i in bits(x.grid.full & ~x.base):
        id_ = x.grid.ids[i]
        code, text = "not_pickup", f"the order is to be fetched at {x.demand.wished or 'a node it does not name'}"
        if not x.grid.active >> i & 1:
            code, text = "inactive", f"{id_} is not active"
        elif id_ in x.demand.excluded:
            code, text = "excluded", f"{id_} is excluded for this order"
        out.append(Refusal(id_, "before any rule", "", Reason(f"routing.{code}", text, {"node": id_})))
    return out


def _split(x: Case, ready: ReadyRule, mask: int, found: Found) -> str:
    """Why a plan has several nodes: nobody has everything, or what one node alone would have been worse in."""
    if len(found.nodes) < 2:
        return ""
    whole = mask & x.covers_all()
    if not whole:
        return f"none of the {mask.bit_count()} candidates has everything"
    alone = single(x, first(ready, x, whole))
    ids = x.grid.ids[alone.nodes[0]]
    for rank, a, b in zip(
        ready.ranks, vector(ready, x, mask, found)[1:], vector(ready, x, mask, alone)[1:], strict=False
    ):
        if a != b:
            return f"{rank.term!r} gives {a} against {b} of {ids} alone"
    return f"{ids} alone had no room for it"


def _nearer(x: Case, found: Found, refused: tuple[Refusal, ...], ranking: tuple[Scored, ...]) -> tuple[str, ...]:
    """The nodes nearer than the farthest one chosen, nearest first, and why they do not ship."""
    meters = x.place.meters
    far = max((d for i in found.nodes if (d := meters[i]) is not None), default=None)
    if far is None:
        return ()
    before = sorted((d, i) for i, d in enumerate(meters) if d is not None and d < far and i not in found.nodes)
    out = []
    for d, i in before[:NEARER_MAX]:
        id_ = x.grid.ids[i]
        reasons = [refusal.reason.text for refusal in refused if refusal.node == id_]
        others = "others make up the plan" if len(found.nodes) > 1 else "another node would have to ship too"
        places = [
            f"it has {scored.lacks}, so {others}" if scored.lacks else f"place {n} in the ranking"
            for n, scored in enumerate(ranking, 1)
            if scored.node == id_
        ]
        out.append(f"{id_} at {d / 1000:.0f} km: {(places or reasons or ['an earlier rule decided'])[-1]}")
    return tuple(out)


def _refusals(
    x: Case, rules: list[ReadyRule], tried: tuple[tuple[int, ...], ...], shown: list[list[str]]
) -> list[Refusal]:
    out: list[Refusal] = []
    for ready, masks, texts in zip(rules, tried, shown, strict=False):
        x.needs = x.rows
        before = masks[0]
        for term, text, after in zip(ready.rule.require, texts, masks[1:], strict=True):
            if term.op == "keeps_stock":
                x.needs = tuple(
                    (row.above(term["units"], after=term["after"], more=term["more"]), n) for row, n in x.needs
                )
            name = ready.rule.name
            out += [Refusal(x.grid.ids[i], name, text, refusal(x, i, term, text)) for i in bits(before & ~after)]
            before = after
    x.needs = x.rows
    return out


def _ranking(router: Router, x: Case, ready: ReadyRule, mask: int) -> tuple[Scored, ...]:
    columns = [rank.column(x, mask) for rank in ready.ranks]
    currency = router.network.currency

    def key(i: int) -> list[Any]:
        return [(1, 0) if column[i] is None else (0, column[i]) for column in columns]

    out = []
    for i in sorted(bits(mask), key=lambda i: (key(i), i))[:RANKING_MAX]:
        cost = x.whole_cost(i)
        scores = tuple(column[i] for column in columns)
        lacks = [f"{max(0, row.units[i])} of {n} {row.item}" for row, n in x.needs if not row.at_least(n) >> i & 1]
        if not _room(x, ready, i):
            lacks.append(f"room for {max(0, units_left(x, i) or 0)} of {x.demand.units} units")
        price = None if cost is None else Money(cost, currency)
        out.append(Scored(x.grid.ids[i], scores, price, ", ".join(lacks)))
    return tuple(out)


def _room(x: Case, ready: ReadyRule, i: int) -> bool:
    """Whether a node's capacity lets it work on everything, as far as the rule looks at it."""
    left = units_left(x, i) if ready.capped else None
    return left is None or left >= x.demand.units


def _first_difference(
    x: Case, ready: ReadyRule, mine: tuple[Any, ...], theirs: tuple[Any, ...]
) -> tuple[int, Any, Any] | None:
    """The first preference in which two plans differ by more than it tolerates: its place, and the figures."""
    if mine[0] != theirs[0]:
        return 0, mine[0], theirs[0]
    for k, rank in enumerate(ready.ranks, 1):
        if mine[k] != theirs[k] and not (rank.tolerant and abs(mine[k] - theirs[k]) <= rank.tolerance(x)):
            return k, mine[k], theirs[k]
    return None


def _beats(x: Case, ready: ReadyRule, one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether a plan wins over another: by the first preference that tells them apart, else by stops and node ids."""
    found = _first_difference(x, ready, one, other)
    if found is None:
        return (len(one[-1]), one[-1]) < (len(other[-1]), other[-1])
    return bool(found[1] < found[2])


def _margin(
    router: Router,
    x: Case,
    ready: ReadyRule,
    mine: tuple[Any, ...],
    theirs: tuple[Any, ...] | None,
    others: str,
    mask: int,
) -> str:
    if theirs is None:
        return "no other plan was possible"
    found = _first_difference(x, ready, mine, theirs)
    if found is None:
        return "a tie in every preference; node ids decided"
    k, a, b = found
    saving_min = ready.rule.saving_min
    if k and a > b and saving_min is not None and ready.ranks[k - 1].how == "cost":
        saved = Money(a - b, router.network.currency)
        return f"kept at one node: {others} saves {saved}, not more than {saving_min}"
    if not k:
        return f"decided by units that are not there: {a} against {b}"
    rank = ready.ranks[k - 1]
    if rank.how == "max":
        # The search counts places in a ranking; people want the scores.
        column = rank.column(x, mask)
        a, b = (_worst(column, nodes) for nodes in (mine[-1], theirs[-1]))
    return f"decided by {rank.term!r}: {a} against {b}"


def _worst(column: Any, nodes: tuple[int, ...]) -> Any:
    """The score of the node that counts for a plan; None when one is unknown."""
    scores = [column[i] for i in nodes]
    return None if None in scores else max(scores, default=None)


def _closer(
    router: Router,
    x: Case,
    ready: ReadyRule,
    mine: tuple[Any, ...],
    theirs: tuple[Any, ...] | None,
    others: str,
) -> Iterator[str]:
    """By how much the runner-up would have had to be cheaper or nearer, or a threshold lower."""
    found = None if theirs is None else _first_difference(x, ready, mine, theirs)
    if found is None or not found[0]:
        return
    rank, gap = ready.ranks[found[0] - 1], found[2] - found[1]
    if rank.how == "cost" and gap > 0:
        yield f"{others} would win if it cost more than {Money(gap, router.network.currency)} less"
    elif rank.how == "cost" and ready.rule.saving_min is not None:
        yield f"{others} would win if saving_min were below {Money(-gap, router.network.currency)}"
    elif rank.term.op == "nearest" and gap > 0 and rank.term["band_km"] is None:
        yield f"{others} would win if it were more than {gap / 1000:.1f} km nearer"


def _missing(x: Case, i: int) -> dict[str, int]:
    """The units by item that a node lacks."""
    return {row.item: n - max(0, row.units[i]) for row, n in x.needs if row.units[i] < n}


def _told(missing: dict[str, int]) -> str:
    return ", ".join(f"{n} more {item}" for item, n in missing.items())


def _alone_with_more(x: Case, ready: ReadyRule, mask: int, found: Found, mine: tuple[Any, ...]) -> Iterator[str]:
    """The candidates that would have shipped everything alone and won, those that lack the least first."""
    if found.backorders:
        return
    lacking = sorted((sum(_missing(x, i).values()), i) for i in bits(mask & ~x.covers_all()) if _room(x, ready, i))
    for _, i in lacking[:CHANGES_MAX]:
        if _beats(x, ready, vector(ready, x, mask, single(x, i)), mine):
            yield f"{x.grid.ids[i]} alone would win with {_told(_missing(x, i))}"


def _with_more(x: Case, rules: list[ReadyRule]) -> Iterator[str]:
    """For an order without a plan: the node that lacks the least by each rule, stock aside."""
    for ready in rules:
        x.needs = x.rows
        able = ready.without_stock()(x.demand, x)
        x.needs = x.rows
        lacking = sorted(
            (sum(missing.values()), i) for i in bits(able) if (missing := _missing(x, i)) and _room(x, ready, i)
        )
        if lacking:
            i = lacking[0][1]
            yield f"{x.grid.ids[i]} would serve it by rule {ready.rule.name!r} with {_told(_missing(x, i))}"


def _lifted(x: Case, ready: ReadyRule, shown: list[str], mask: int, found: Found) -> Iterator[str]:
    """Nodes that exactly one requirement keeps out, and that would have won without it, best first."""
    better = _better_alone(x, ready, found)
    if not better:
        return
    for skip, term in enumerate(ready.rule.require):
        without = _alone(x, ready, skip) & ~mask
        stock = term.op in ("whole_order", "full_line", "has_stock")
        for i in better:
            if without >> i & 1 and _room(x, ready, i):
                lifted = "with enough stock" if stock else f"without {shown[skip]}"
                yield f"{x.grid.ids[i]} would win {lifted}: {refusal(x, i, term, shown[skip]).text}"


def _better_alone(x: Case, ready: ReadyRule, found: Found) -> list[int]:
    """The nodes that would, with everything in stock, be better by themselves than the plan's single node, best first.

    For a plan of several nodes every node would save a parcel, so all are, and none is told apart.
    """
    if len(found.nodes) != 1:
        return []
    columns = [rank.column(x, x.base) for rank in ready.ranks]
    keys = {i: ([(1, 0) if c[i] is None else (0, c[i]) for c in columns], i) for i in bits(x.base)}
    limit = keys.get(found.nodes[0])
    return [] if limit is None else [i for key, i in sorted((key, i) for i, key in keys.items()) if key < limit]


def _alone(x: Case, ready: ReadyRule, skip: int) -> int:
    """The candidates if one requirement were lifted."""
    x.needs = x.rows
    return ready.without(skip)(x.demand, x)
