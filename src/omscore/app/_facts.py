"""What routing is told beside orders and stock: capacity left, who is blocked, what is coming, who served last."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from attrs import evolve

from omscore.app._loads import counts_capacity, load_in_slot
from omscore.app._work import Work
from omscore.inventory import seen
from omscore.kernel import stamp
from omscore.routing import (
    Demand,
    Facts,
    capacity_left,
    items_of,
    outlook,
)

BLOCKED_FOR = timedelta(hours=24)
"""How long a node that rejected in a blocking way is left alone by rules that ask for `not_blocked`."""

NO_FACTS = Facts()


def facts_of(work: Work, demand: Demand) -> Facts:
    """What is known at this moment, as far as the policy asks for it; the host's own facts come first."""
    wiring = work.wiring
    words = wiring.router.compiled.words
    facts = NO_FACTS if wiring.facts is None else wiring.facts(demand, work.now)
    more: dict[str, Any] = {}
    if "not_blocked" in words and (blocked := _blocked(work)):
        more["blocked"] = facts.blocked | blocked
    if "round_robin" in words and not facts.last_node:
        more["last_node"] = work.find("routing", "last_node") or ""
    if "feed_age_max" in words:
        more["read_at"] = _read_at(work, demand) | dict(facts.read_at)
    if "backorder" in words:
        more["incoming"] = incoming(work, demand) | dict(facts.incoming)
    if more:
        facts = evolve(facts, **more)
    if counts_capacity(work):
        given = {node.id: load_in_slot(work, node, work.now) for node in wiring.limited}
        facts = capacity_left(wiring.limited, given, facts)
    return facts


def _blocked(work: Work) -> frozenset[str]:
    return frozenset(id_ for _, id_ in work.txn.find("blocked", "until", after=(stamp(work.now), "~")))


def block(work: Work, node: str) -> None:
    """Leave a node alone for a while."""
    work.find("blocked", node)
    until = work.now + BLOCKED_FOR
    work.save("blocked", node, until, {"until": stamp(until)})


def _read_at(work: Work, demand: Demand) -> dict[str, datetime]:
    """When the oldest figure of the items asked was read at each node; figures kept by the ledger alone are live."""
    oldest: dict[str, datetime] = {}
    for item in items_of(demand):
        for cell, _ in work.txn.cells_of(item):
            when = seen(work.txn, cell)
            if when is not None:
                oldest[cell.node] = min(when, oldest.get(cell.node, when))
    return oldest


def incoming(work: Work, demand: Demand) -> dict[tuple[str, str], tuple[tuple[datetime, int], ...]]:
    """Announced supply that nobody has been promised, of the items that a demand is about."""
    coming: dict[tuple[str, str], tuple[tuple[datetime, int], ...]] = {}
    for line in outlook(work.txn, items_of(demand), reservation=demand.id).incoming:
        cell = (line.node, line.item)
        coming[cell] = (*coming.get(cell, ()), (line.due_at, line.outstanding))
    return coming


def served(work: Work, nodes: Iterable[str]) -> None:
    """Remember whom round-robin chose last, where the policy asks for it."""
    if "round_robin" in work.wiring.router.compiled.words and (last := max(nodes, default="")):
        work.find("routing", "last_node")
        work.save("routing", "last_node", last)
