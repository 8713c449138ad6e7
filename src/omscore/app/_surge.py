"""Surge mode: counts what came in, period by period, and says how work is to be done until it is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from omscore.app._service import told_of
from omscore.app._work import Work
from omscore.kernel import stamp
from omscore.orders import ORDER_STATES, Order
from omscore.oversight import SurgeChanged, SurgeClock, SurgeState

_ID = "shop"
TOGETHER_MAX = 50
"""How many orders are routed in one transaction during a surge."""


def state(work: Work) -> SurgeState:
    """Whether there is a surge, as of the last tick."""
    clock: SurgeClock | None = work.find("surge", _ID)
    return clock.state if clock else SurgeState()


def advance(work: Work) -> SurgeState:
    """Count the periods that are over, and begin at once when the present one has too many already."""
    rule = work.wiring.surge
    if rule is None:
        return SurgeState()
    before: SurgeClock = work.find("surge", _ID) or SurgeClock(SurgeState(), rule.begun(work.now))
    now, at, orders = before.state, before.upto, 0
    while at + rule.period <= work.now:
        orders = captured(work, at, at + rule.period)
        now, at = now.after(rule, orders), at + rule.period
    if not now.on and rule.begins(present := captured(work, at, work.now)):
        now, orders = SurgeState(on=True), present
    after = SurgeClock(now, at)
    if after != before or work.version("surge", _ID) == 0:
        work.save("surge", _ID, after)
    if now.on != before.state.on:
        work.txn.append("surge", _ID, [SurgeChanged(now.on, work.now, orders, rule.normal)], cause=work.cause)
    return now


def captured(work: Work, since: datetime, until: datetime) -> int:
    """How many orders were captured from a time on and before another."""
    upto = stamp(until - timedelta(microseconds=1))
    return sum(
        1 for name in ORDER_STATES.states for _ in work.every("order", f"state:{name}", since=stamp(since), upto=upto)
    )


def groups(work: Work, orders_max: int) -> list[list[str]]:
    """The orders that are due, in groups to be routed together: express ones first, then region by region."""
    express = due(work, "express", orders_max)
    lane = set(express)
    others = [id_ for id_ in due(work, "due", orders_max) if id_ not in lane]
    return [*_by_region(work, express), *_by_region(work, others[: orders_max - len(express)])]


def due(work: Work, index: str, orders_max: int) -> list[str]:
    """The orders that are to be routed by now, those due first first; of the index "express" those of its services."""
    return [id_ for _, id_ in work.txn.find("queue", index, upto=stamp(work.now), limit=orders_max)]


def _by_region(work: Work, ids: Sequence[str]) -> list[list[str]]:
    regions: dict[str, list[str]] = {}
    for id_ in ids:
        regions.setdefault(region(work, work.order(id_)), []).append(id_)
    return [
        mine[n : n + TOGETHER_MAX] for _, mine in sorted(regions.items()) for n in range(0, len(mine), TOGETHER_MAX)
    ]


def region(work: Work, order: Order) -> str:
    """The region that an order is batched in; none where the host's own function cannot tell."""
    try:
        return work.wiring.region(order.draft)
    except Exception as wrong:  # noqa: BLE001 - a host's code: an order whose region it cannot tell is routed all the same
        told_of(wrong)
        return ""
