"""The report of a replay: figures folded from what the store holds, so that a cut run and an uncut one agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from omscore.inventory import HELD
from omscore.orders import UNIT_BUCKETS, Fulfillment, Order
from omscore.ports import Transaction
from omscore.render import text_table
from omscore.replay._day import Day
from omscore.replay._run import Replay
from omscore.shipping import Shipment

LISTED_MAX = 20
"""How many rejected rows and orders the printed report lists; the page lists all."""


@frozen
class Report:
    """What came in, what went out, what is held, and how well it went.

    Shares are (part, whole), so that the denominator is always told. `facts` are the same for every run over the same
    data; `seconds` are this machine's.

    >>> from omscore import MemoryStore
    >>> from omscore.replay import Replay, report, sample
    >>> replay = Replay(sample(), MemoryStore)
    >>> replay.run()
    >>> done = report(replay)
    >>> done.oversold, done.orders["in"], done.shares["orders explained"]
    (0, 20, (20, 20))
    """

    name: str
    source: str
    orders: Mapping[str, int]
    units: Mapping[str, int]
    stock: Mapping[str, int]
    shares: Mapping[str, tuple[int, int]]
    routing: Mapping[str, int]
    walk_mm: Mapping[str, int]
    rejected_orders: tuple[tuple[str, str], ...]
    rejected_rows: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: Mapping[str, float]

    @property
    def oversold(self) -> int:
        """Units promised beyond supply; anything but 0 is a bug.

        >>> from omscore import MemoryStore
        >>> from omscore.replay import Replay, report, sample
        >>> replay = Replay(sample(), MemoryStore)
        >>> replay.run()
        >>> report(replay).oversold
        0
        """
        return self.stock["oversold"]

    @property
    def units_in(self) -> int:
        """Units of all orders that were taken in.

        >>> from omscore import MemoryStore
        >>> from omscore.replay import Replay, report, sample
        >>> replay = Replay(sample(), MemoryStore)
        >>> replay.run()
        >>> done = report(replay)
        >>> done.units_in == done.units_out_and_held
        True
        """
        return self.units["ordered"]

    @property
    def units_out_and_held(self) -> int:
        """Units in every bucket of every line: where all of them are now.

        >>> from omscore import MemoryStore
        >>> from omscore.replay import Replay, report, sample
        >>> replay = Replay(sample(), MemoryStore)
        >>> replay.run()
        >>> report(replay).units_out_and_held == sum(wish.draft.units for wish in replay.day.wishes)
        True
        """
        return sum(self.units[bucket] for bucket in UNIT_BUCKETS)

    def facts(self) -> dict[str, Any]:
        """Everything but the time it took, as plain data.

        >>> from omscore import MemoryStore
        >>> from omscore.replay import Replay, report, sample
        >>> replay = Replay(sample(), MemoryStore)
        >>> replay.run()
        >>> report(replay).facts()["stock"]["oversold"]
        0
        """
        return {
            "name": self.name,
            "orders": dict(self.orders),
            "units": dict(self.units),
            "stock": dict(self.stock),
            "shares": {name: list(share) for name, share in self.shares.items()},
            "routing": dict(self.routing),
            "walk_mm": dict(self.walk_mm),
            "rejected_orders": [list(row) for row in self.rejected_orders],
            "rejected_rows": list(self.rejected_rows),
        }

    def __str__(self) -> str:
        parts = [f"{self.name}  ({self.source})", ""]
        parts += [text_table(("orders", ""), list(self.orders.items())), ""]
        moved = [(name, n) for name, n in self.units.items() if n or name in ("ordered", "shipped", "delivered")]
        parts += [text_table(("units of orders", ""), moved), ""]
        parts += [text_table(("units of stock", ""), list(self.stock.items())), ""]
        parts += [text_table(("how well", "part", "of", "share"), share_rows(self.shares)), ""]
        parts += [text_table(("routing outcomes", ""), list(self.routing.items())), ""]
        if self.walk_mm["order by order"]:
            parts += [text_table(("walked", ""), walk_rows(self.walk_mm)), ""]
        total = sum(self.seconds.values())
        rows = [(stage, f"{seconds:.2f} s") for stage, seconds in self.seconds.items()]
        rate = f"{self.orders['in'] / total:.0f}" if total else "-"
        parts += [text_table(("time by stage", ""), [*rows, ("all", f"{total:.2f} s"), ("orders a second", rate)]), ""]
        for title, listed in (
            ("rejected rows", self.rejected_rows),
            ("rejected orders", tuple(f"{id_}: {why}" for id_, why in self.rejected_orders)),
            ("notes", self.notes),
        ):
            if listed:
                more = [f"  ... and {len(listed) - LISTED_MAX} more"] if len(listed) > LISTED_MAX else []
                parts += [f"{title} ({len(listed)})", *(f"  {row}" for row in listed[:LISTED_MAX]), *more, ""]
        return "\n".join(parts).rstrip() + "\n"


def share_rows(shares: Mapping[str, tuple[int, int]]) -> list[tuple[str, int, int, str]]:
    """Shares as rows of a table."""
    return [(name, n, of, f"{100 * n / of:.1f} %" if of else "-") for name, (n, of) in shares.items()]


def walk_rows(walk_mm: Mapping[str, int]) -> list[tuple[str, str]]:
    """Distances as rows of a table."""
    alone, batched = walk_mm["order by order"], walk_mm["in batches"]
    saved = 100 * (alone - batched) / alone
    return [
        ("order by order", f"{alone / 1_000_000:.1f} km"),
        ("in batches", f"{batched / 1_000_000:.1f} km"),
        ("saved", f"{saved:.1f} %"),
    ]


def kept(txn: Transaction, kind: str, id_: str) -> Any:
    """A record's value; None when there is none."""
    stored = txn.get(kind, id_)
    return stored.value if stored else None


def fulfillments_of(txn: Transaction, order: str) -> list[Fulfillment]:
    """The fulfillments of an order, oldest first."""
    return [kept(txn, "fulfillment", id_) for _, id_ in txn.find("fulfillment", f"order:{order}")]


def report(replay: Replay) -> Report:
    """Fold the report from the store of a replay that has run; see :class:`Report`.

    >>> from omscore import MemoryStore
    >>> from omscore.replay import Replay, report, sample
    >>> replay = Replay(sample(), MemoryStore)
    >>> replay.run()
    >>> report(replay).shares["orders explained"]
    (20, 20)
    """
    explained = sum("not routed yet" not in replay.shop.explain(id_) for id_ in replay.orders)
    return replay.store.run(lambda txn: _fold(txn, replay, explained), write=False)


def _fold(txn: Transaction, replay: Replay, explained: int) -> Report:
    day = replay.day
    states: dict[str, int] = {}
    units = dict.fromkeys(("ordered", *UNIT_BUCKETS), 0)
    split = routed = filled = asked = on_time = promised = 0
    routing: dict[str, int] = {}
    rejected: list[tuple[str, str]] = []
    for id_ in replay.orders:
        order = kept(txn, "order", id_)
        states[order.state] = states.get(order.state, 0) + 1
        for name, n in zip(UNIT_BUCKETS, order.totals, strict=True):
            units[name] += n
        units["ordered"] += sum(line.units for line in order.lines)
        if order.state == "rejected":
            rejected.append((id_, _why(txn, id_)))
            continue
        totals = order.totals
        asked += totals.ordered - totals.cancelled
        filled += totals.shipped + totals.delivered + totals.return_expected + totals.returned
        queued = kept(txn, "queue", id_)
        outcome = queued.outcome if queued else "held"
        routing[outcome] = routing.get(outcome, 0) + 1
        fulfillments = [f for f in fulfillments_of(txn, id_) if f.state != "cancelled"]
        if fulfillments:
            routed += 1
            split += len({f.node for f in fulfillments}) > 1
        in_time, of = _on_time(txn, order, fulfillments)
        on_time += in_time
        promised += of
    stock = _stock(txn, day)
    tasks = [kept(txn, "pick_task", id_) for _, id_ in txn.find("pick_task", "all", limit=1_000_000)]
    notes = (f"cancelled rows without a sale in this slice: {day.unmatched}",) if day.unmatched else ()
    return Report(
        day.name,
        day.source,
        {"in": len(replay.orders), **{state: states[state] for state in sorted(states)}},
        units,
        stock,
        {
            "units filled, of those not cancelled": (filled, asked),
            "orders split over nodes": (split, routed),
            f"orders on time ({day.promise})": (on_time, promised),
            "orders explained": (explained, sum(states.values())),
        },
        {name: routing[name] for name in sorted(routing)},
        {"order by order": sum(task.alone_mm for task in tasks), "in batches": sum(task.walk_mm for task in tasks)},
        tuple(rejected),
        tuple(str(row) for row in day.rejected),
        notes,
        replay.seconds,
    )


def _why(txn: Transaction, order_id: str) -> str:
    for logged in reversed(txn.events("order", order_id)):
        reasons = getattr(logged.event, "reasons", ())
        if reasons:
            return "; ".join(reason.text for reason in reasons)
    return "no reason was logged"


def _on_time(txn: Transaction, order: Order, fulfillments: list[Fulfillment]) -> tuple[int, int]:
    """Whether an order kept its promise: (1 or 0, 1), or (0, 0) when it had nothing to keep."""
    if not fulfillments:
        return 0, 0
    for fulfillment in fulfillments:
        if not fulfillment.shipment:
            return 0, 1
        shipment: Shipment = kept(txn, "shipment", fulfillment.shipment)
        if order.draft.deliver_by is not None:
            late = shipment.delivered_at is None or shipment.delivered_at > order.draft.deliver_by
        else:
            late = (
                fulfillment.due_at is not None
                and shipment.shipped_at is not None
                and shipment.shipped_at > fulfillment.due_at
            )
        if late:
            return 0, 1
    return 1, 1


def _stock(txn: Transaction, day: Day) -> dict[str, int]:
    """Where the stock is, and whether it adds up: received + returned = on hand + shipped, in every cell."""
    figures = dict.fromkeys(("received", "on hand", "held for orders", "shipped", "came back", "short"), 0)
    oversold = wrong = 0
    flows: dict[Any, list[int]] = {}
    after, page = 0, 10_000
    while entries := txn.journal(after=after, limit=page):
        after += len(entries)
        for entry in entries:
            moved = entry.movement
            flow = flows.setdefault(moved.cell, [0, 0, 0])
            if moved.source == "supplier":
                flow[0] += moved.units
            elif moved.target == "customer":
                flow[1] += moved.units
            elif moved.source == "customer":
                flow[2] += moved.units
    for cell, found in txn.figures(flows).items():
        received, shipped, back = flows[cell]
        figures["received"] += received
        figures["shipped"] += shipped
        figures["came back"] += back
        figures["on hand"] += found.on_hand
        figures["held for orders"] += sum(getattr(found, bucket) for bucket in HELD)
        oversold += max(0, -found.free) + max(0, shipped - back - received)
        wrong += received + back != shipped + found.on_hand
    figures["short"] = sum(
        work_units.backordered
        for _, id_ in txn.find("order", "state:accepted", limit=1_000_000)
        if (stored := txn.get("order", id_)) is not None
        for work_units in stored.value.units.values()
    )
    return {**figures, "oversold": oversold, "cells that do not add up": wrong}
