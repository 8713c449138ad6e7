"""The report as one HTML page that needs nothing else: the figures, and pictures where one looks rather than reads."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from omscore.orders import Order, PickTask
from omscore.ports import Transaction
from omscore.render import bars, geo_map, html_page, html_table, stacked_bars
from omscore.replay._report import Report, fulfillments_of, kept, share_rows, walk_rows
from omscore.replay._run import Replay

Point = tuple[float, float]
LINKS_MAX = 400
"""How many shipments the map draws; more than that is a blot."""


def page(replay: Replay, report: Report) -> str:
    """The whole page as HTML text; see :class:`omscore.replay.Report` for what it shows.

    >>> from omscore import MemoryStore
    >>> from omscore.replay import Replay, page, report, sample
    >>> replay = Replay(sample(), MemoryStore)
    >>> replay.run()
    >>> page(replay, report(replay)).startswith("<!doctype html>")
    True
    """
    return replay.store.run(lambda txn: _draw(txn, replay, report), write=False)


def _draw(txn: Transaction, replay: Replay, report: Report) -> str:
    orders = [kept(txn, "order", id_) for id_ in replay.orders]
    moved = [(name, n) for name, n in report.units.items() if n]
    parts = [
        f"<h1>{escape(report.name)}</h1><p>{escape(report.source)}</p>",
        "<h2>Orders by hour and state</h2>",
        str(_by_hour(orders)),
        "<h2>Units by state</h2>",
        str(bars([(name, n) for name, n in moved if name != "ordered"], title="units by state")),
        html_table(("orders", ""), list(report.orders.items())),
        html_table(("units of orders", ""), moved),
        html_table(("units of stock", ""), list(report.stock.items())),
        html_table(("how well", "part", "of", "share"), share_rows(report.shares)),
        html_table(("routing outcomes", ""), list(report.routing.items())),
        "<h2>The network</h2>",
        str(_network(txn, replay, orders)),
    ]
    if report.walk_mm["order by order"]:
        parts += ["<h2>Walked</h2>", html_table(("walked", ""), walk_rows(report.walk_mm)), *_tour(txn, replay)]
    seconds = [(stage, f"{s:.2f} s") for stage, s in report.seconds.items()]
    parts += ["<h2>Time</h2>", html_table(("stage", "time"), seconds)]
    for title, rows in (
        ("Rejected rows", report.rejected_rows),
        ("Rejected orders", tuple(f"{id_}: {why}" for id_, why in report.rejected_orders)),
        ("Notes", report.notes),
    ):
        if rows:
            parts.append(f"<h2>{title}</h2><ul>{''.join(f'<li>{escape(row)}</li>' for row in rows)}</ul>")
    return html_page(f"Replay of {report.name}", *parts)


def _by_hour(orders: Iterable[Order]) -> object:
    counts: dict[str, dict[str, float]] = {f"{h:02}": {} for h in range(24)}
    for order in sorted(orders, key=lambda o: (o.state, o.id)):
        state = "accepted, waits for stock" if order.totals.backordered else order.state
        hour = counts[f"{order.draft.placed_at:%H}"]
        hour[state] = hour.get(state, 0) + 1
    return stacked_bars(list(counts.items()), title="orders by hour (UTC) and where they stand at the end")


def _network(txn: Transaction, replay: Replay, orders: Iterable[Order]) -> object:
    nodes = {
        node.id: (node.point.longitude, node.point.latitude)
        for node in replay.day.network.nodes
        if node.point is not None
    }
    links: list[tuple[Point, Point]] = []
    for order in orders:
        point = order.destination.point if order.destination else None
        if point is None or len(links) >= LINKS_MAX:
            continue
        shipped = [f.node for f in fulfillments_of(txn, order.id) if f.state == "closed" and f.node in nodes]
        links.extend((nodes[node], (point.longitude, point.latitude)) for node in shipped)
    places = [(at, node) for node, at in sorted(nodes.items())]
    if not places:
        rows = [(node.id, node.kind, node.country) for node in replay.day.network.nodes]
        return html_table(("node", "kind", "country"), rows)
    return geo_map(places, title="nodes, and where they shipped to", links=links)


def _tour(txn: Transaction, replay: Replay) -> list[str]:
    """The pick tour with the most stops, drawn on its floor."""
    tasks: list[PickTask] = [kept(txn, "pick_task", id_) for _, id_ in txn.find("pick_task", "all", limit=1_000_000)]
    tasks = [task for task in tasks if task.node in replay.day.floors]
    if not tasks:
        return []
    task = max(tasks, key=lambda t: (t.stops, t.id))
    bins = {
        replay.day.bins[task.node, line.item]
        for id_ in task.fulfillments
        for line in kept(txn, "fulfillment", id_).lines
    }
    tour = replay.day.floors[task.node].tour(sorted(bins))
    words = f"{task.id}: {len(task.fulfillments)} fulfillments, {len(tour.stops)} stops, {tour.length_m} m"
    return [f"<h2>A pick tour</h2><p>{escape(words)}</p>", str(replay.day.floors[task.node].svg(tour))]
