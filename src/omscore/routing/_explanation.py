"""What an explanation holds and how it shows itself."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from omscore.errors import InvalidValue, Reason
from omscore.kernel import Money
from omscore.render import html_table
from omscore.routing._trace import Plan


@frozen
class Refusal:
    """A node that a rule refused, by which requirement, and why."""

    node: str
    rule: str
    requirement: str
    reason: Reason


@frozen
class Scored:
    """A node that stayed in, its scores in the order of the rule's preferences, and its cost for the whole demand.

    `lacks` tells what it has too little of to ship everything alone.
    """

    node: str
    scores: tuple[Any, ...]
    cost: Money | None
    lacks: str = ""


@frozen
class Explanation:
    """A decision in words and rows: prints as text, shows as a table in notebooks, `to_dict()` for machines.

    >>> from omscore import routing as r
    >>> router = r.Router(r.packs.single_location(), r.Network([r.Node("A"), r.Node("B")]))
    >>> print(router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1}).explain())
    ord-1: assigned at A for 0.00 EUR
      by route 'all', rule 'cheapest' (proven best): lowest_cost(), nearest()
      stock: 1 of X at A
      not B (cheapest): B has 0 of 1 X (routing.no_stock)
    """

    demand: str
    outcome: str
    route: str
    rule: str
    plan: Plan | None
    preferences: tuple[str, ...]
    refused: tuple[Refusal, ...]
    ranking: tuple[Scored, ...]
    runner_up: Plan | None
    margin: str
    changes: tuple[str, ...]
    stock: tuple[tuple[str, str, int], ...]
    reason: Reason | None
    proven: bool
    split: str
    nearer: tuple[str, ...]
    rest: tuple[str, ...]
    review: tuple[str, ...]
    ties: tuple[int | float, ...] = field(repr=False)
    known: tuple[str, ...] = field(repr=False)

    def why_not(self, node: str) -> str:
        """Why a node does not ship, rule by rule; raises InvalidValue for an unknown node.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.single_location(), r.Network([r.Node("A"), r.Node("B")]))
        >>> told = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1}).explain()
        >>> told.why_not("B")
        'cheapest: B has 0 of 1 X (routing.no_stock)'
        """
        if node not in self.known:
            raise InvalidValue(f"the network has no node {node!r}; it has {', '.join(self.known) or 'none'}")
        if self.plan is not None and node in self.plan.nodes:
            return f"{node} does ship"
        lines = [f"{r.rule}: {r.reason}" for r in self.refused if r.node == node]
        for n, scored in enumerate(self.ranking, 1):
            if scored.node == node:
                lines.append(f"{self.rule or 'the last rule'}: place {n} of {len(self.ranking)}; {self._worse(scored)}")
        return "; ".join(lines) or f"{node} was never asked: {self.reason or 'an earlier rule decided'}"

    def _worse(self, scored: Scored) -> str:
        if not self.ranking or self.plan is None:
            return f"it has {scored.lacks}, and no plan was found" if scored.lacks else "no plan was found"
        if scored.lacks:
            others = "others make up the plan" if len(self.plan.nodes) > 1 else "another node would have to ship too"
            return f"it has {scored.lacks}, so {others}"
        best = next((s for s in self.ranking if s.node in self.plan.nodes), None)
        if best is None:
            return "others make up the plan"
        for name, mine, theirs, tie in zip(self.preferences, scored.scores, best.scores, self.ties, strict=True):
            if mine != theirs and not (tie and None not in (mine, theirs) and abs(mine - theirs) <= tie):
                return f"{name} gives {mine} against {theirs} of {best.node}"
        return f"equal to {best.node} in every preference; ids decide"

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.single_location(), r.Network([r.Node("A"), r.Node("B")]))
        >>> told = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1}).explain()
        >>> told.to_dict()["nodes"]
        ['A']
        """
        return {
            "demand": self.demand,
            "outcome": self.outcome,
            "route": self.route,
            "rule": self.rule,
            "nodes": [] if self.plan is None else list(self.plan.nodes),
            "cost": None if self.plan is None or self.plan.cost is None else str(self.plan.cost),
            "preferences": list(self.preferences),
            "refused": [
                {
                    "node": r.node,
                    "rule": r.rule,
                    "requirement": r.requirement,
                    "code": r.reason.code,
                    "text": r.reason.text,
                }
                for r in self.refused
            ],
            "ranking": [
                {"node": s.node, "scores": list(s.scores), "cost": None if s.cost is None else str(s.cost)}
                for s in self.ranking
            ],
            "runner_up": None if self.runner_up is None else list(self.runner_up.nodes),
            "margin": self.margin,
            "changes": list(self.changes),
            "split": self.split,
            "nearer": list(self.nearer),
            "rest": list(self.rest),
            "review": list(self.review),
            "stock": [list(row) for row in self.stock],
            "reason": None if self.reason is None else str(self.reason),
            "proven": self.proven,
        }

    def to_records(self) -> list[dict[str, Any]]:
        """One row per node and rule, for data frames.

        >>> from omscore import routing as r
        >>> router = r.Router(r.packs.single_location(), r.Network([r.Node("A"), r.Node("B")]))
        >>> told = router.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1}).explain()
        >>> [(row["node"], row["answer"]) for row in told.to_records()]
        [('B', 'refused'), ('A', 'chosen')]
        """
        rows = [{"node": r.node, "rule": r.rule, "answer": "refused", "why": str(r.reason)} for r in self.refused]
        used = () if self.plan is None else self.plan.nodes
        rows += [
            {
                "node": s.node,
                "rule": self.rule,
                "answer": "chosen" if s.node in used else "not chosen",
                "why": self._worse(s),
            }
            for s in self.ranking
        ]
        return rows

    def __str__(self) -> str:
        head = f"{self.demand}: {self.outcome}"
        if self.plan is not None:
            head += f" at {', '.join(self.plan.nodes)}"
            if self.plan.cost is not None:
                head += f" for {self.plan.cost}"
        lines = [head]
        if self.rule:
            sure = "proven best" if self.proven else "best found"
            lines.append(
                f"  by route {self.route!r}, rule {self.rule!r} ({sure}): {', '.join(self.preferences) or 'ids'}"
            )
        if self.reason is not None:
            lines.append(f"  because {self.reason}")
        if self.split:
            lines.append(f"  split because {self.split}")
        lines += [f"  {told}" for told in self.rest]
        lines += [f"  review: {told}" for told in self.review]
        lines += [f"  nearer, but not chosen: {told}" for told in self.nearer]
        for item, node, units in self.stock:
            lines.append(f"  stock: {units} of {item} at {node}")
        if self.runner_up is not None:
            lines.append(f"  runner-up: {', '.join(self.runner_up.nodes)}; {self.margin}")
        lines += [f"  would change it: {change}" for change in self.changes]
        lines += [f"  not {r.node} ({r.rule}): {r.reason}" for r in self.refused]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [(r["node"], r["rule"], r["answer"], r["why"]) for r in self.to_records()]
        caption = "; ".join((f"{self.demand}: {self.outcome}", *self.rest, *self.review))
        return html_table(("node", "rule", "answer", "why"), rows, caption=caption)
