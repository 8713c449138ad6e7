"""Route many: the waiting orders decided together, and each carried out in a transaction of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import evolve, frozen

from omscore import inventory
from omscore.app._capture import reserve
from omscore.app._carry import match_ledger
from omscore.app._facts import facts_of, incoming
from omscore.app._route import route
from omscore.app._service import told_of
from omscore.app._work import Work
from omscore.errors import Reason
from omscore.inventory import Cell
from omscore.kernel import stamp
from omscore.orders import Order, Routed
from omscore.routing import Decision, Demand, Facts, Router, Together, demand_of, items_of, lost_by, plan_to_commit
from omscore.routing.packs import SLA_HOURS

Share = Mapping[tuple[str, str], int]


@frozen
class RoutedTogether:
    """What became of each order, and how the whole was decided: its cost, bound and gap, and who was displaced.

    >>> RoutedTogether((), None).routed
    ()
    """

    routed: tuple[Routed, ...]
    report: Together | None


@frozen
class Waiting:
    """The demands of waiting orders, and the stock they compete for: what is free and what they hold softly.

    `failed` says of which orders nobody could tell what they want, and why.
    """

    demands: tuple[Demand, ...]
    stock: Mapping[tuple[str, str], int]
    facts: Facts
    failed: Mapping[str, str]


def waiting(work: Work, orders_max: int) -> Waiting:
    """The orders that no node works on yet, with what backordered units they have, the oldest first."""
    demands: list[Demand] = []
    failed: dict[str, str] = {}
    for order in _waiting_orders(work, orders_max):
        queued = work.find("queue", order.id)
        try:
            demand = demand_of(
                order,
                work.wiring.catalog,
                excluded=queued.excluded if queued else (),
                attempts=queued.attempts if queued else 0,
                waiting=True,
                coming=work.coming(order),
            )
        except Exception as wrong:  # noqa: BLE001 - a host's catalog: what it cannot say of one order stops no other
            failed[order.id] = told_of(wrong)
            continue
        if demand is not None:
            demands.append(demand)
    stock: dict[tuple[str, str], int] = {}
    select = work.select()
    for item in dict.fromkeys(item for d in demands for item in items_of(d)):
        for cell, n in inventory.available(work.txn, item, floors=work.wiring.buffers).items():
            if not cell.pool and n and (select is None or select(cell) is not None):
                stock[cell.node, item] = stock.get((cell.node, item), 0) + n
    for d in demands:
        for cell, n in _soft(work, d.id):
            stock[cell.node, cell.item] = stock.get((cell.node, cell.item), 0) + n
    facts = facts_of(work, demands[0]) if demands else Facts()
    if "backorder" in work.wiring.router.compiled.words:
        coming = dict(facts.incoming)
        for d in demands:
            coming = incoming(work, d) | coming
        facts = evolve(facts, incoming=coming)
    return Waiting(tuple(demands), stock, facts, failed)


def apart(router: Router, waiting: Waiting, now: datetime) -> tuple[tuple[Demand, ...], dict[str, str]]:
    """The demands that rules can decide, and why they cannot decide the others."""
    failed: dict[str, str] = {}
    for demand in waiting.demands:
        try:
            router.route(demand, waiting.stock, now=now, facts=waiting.facts)
        except Exception as wrong:  # noqa: BLE001 - a host's own rules: each demand's failure is its own
            failed[demand.id] = told_of(wrong)
    return tuple(demand for demand in waiting.demands if demand.id not in failed), failed


def _waiting_orders(work: Work, orders_max: int) -> Iterator[Order]:
    seen: set[str] = set()
    for kind, index, upto in (
        ("queue", "due", stamp(work.now)),
        ("queue", "outcome:parked", None),
        ("order", "short", None),
    ):
        for _, order_id in work.txn.find(kind, index, upto=upto, limit=orders_max):
            if order_id in seen or len(seen) >= orders_max:
                continue
            order = work.order(order_id)
            if order.state == "accepted" and not order.holds:
                seen.add(order_id)
                yield order


def _soft(work: Work, order_id: str) -> list[tuple[Cell, int]]:
    held = work.txn.reservation(order_id)
    if held is None or (held.expires_at is not None and held.expires_at <= work.now):
        return []
    return [(cell, n) for (cell, bucket), n in sorted(held.held.items()) if bucket == "reserved" and not cell.pool]


def hours_of(work: Work) -> dict[str, int]:
    """Hours to the commitment by channel: those of the channels' profiles, else the usual ones."""
    own = {
        name: max(1, profile.commitment // timedelta(hours=1))
        for name, profile in work.wiring.profiles.items()
        if profile.commitment is not None
    }
    return {**SLA_HOURS, **own}


def share_of(decision: Decision) -> dict[tuple[str, str], int]:
    """The stock that a decision's plan takes; nothing when it is not carried out."""
    plan = plan_to_commit(decision)
    share: dict[tuple[str, str], int] = {}
    for given in plan.assignments if plan is not None else ():
        if not given.backordered or given.how == "transfer":
            cell = (given.origin or given.node, given.item)
            share[cell] = share.get(cell, 0) + given.units
    return share


def carry_out_share(
    work: Work, order_id: str, *, planned: Decision, others: Sequence[str], told: str, lost: tuple[Reason, ...]
) -> Routed:
    """Route one order on its share of a joint plan; soft holds of the others that stand in its way move elsewhere.

    When somebody outside the plan was faster, the order is decided again on what is there now, and that is recorded.
    """
    displaced: list[str] = []
    races = list(lost)
    share = share_of(planned)
    order = work.order(order_id)
    floors = work.floors(order)
    for (node, item), n in sorted(share.items()):
        free = inventory.available(work.txn, item, reservation=order_id, floors=floors)
        missing = n - sum(k for cell, k in free.items() if cell.node == node and not cell.pool)
        for other in others if missing > 0 else ():
            shares: dict[tuple[Cell, str], int] = {}
            for cell, k in _soft(work, other):
                take = min(missing, k) if (cell.item, cell.node) == (item, node) else 0
                if take > 0:
                    shares[cell, "reserved"] = take
                    missing -= take
            if shares:
                inventory.release(work.txn, other, shares, cause=work.cause)
                match_ledger(work, work.order(other))
                if other not in displaced:
                    displaced.append(other)
        if missing > 0:
            text = f"{missing} of the {n} {item} planned at {node} were taken by somebody else"
            reason = Reason("routing.lost_race", text, {"item": item, "node": node, "units": missing})
            races.append(lost_by(planned, reason))
    routed = route(work, order_id, share=None if races else share, waiting=True, lost=tuple(races), told=told)
    for other in displaced:
        reserve(work, work.order(other))
    return routed
