"""A host's own days: nodes.json, stock.csv, orders.jsonl, and items.csv and cancellations.jsonl if there are any.

`nodes.json` is what Network.from_dict reads; `stock.csv` has node, item, units; an order is a JSON object as
JsonChannel reads it, with a channel; `items.csv` has sku and optionally name, weight_grams; a cancellation has at,
order, line and units. Every time carries its zone. The policy is policy.json if there is one, else the nearest node
that has it all, else as few stops as can be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from omscore.adapters.carrier import RateRow, TableCarrier
from omscore.adapters.channel import JsonChannel, moment, whole
from omscore.errors import ChannelError, OmsError
from omscore.kernel import Item, Money, exponent
from omscore.replay._day import Day, Rejected, TakenBack, Wish
from omscore.replay._rows import ROW, find, need, objects, table
from omscore.routing import Network, Policy, Route, Rule, fewest_splits, has_stock, nearest, park, whole_order

POLICY = Policy(
    "nearest",
    routes=(
        Route(
            "all",
            rules=(
                Rule("one stop", require=(whole_order(),), prefer=(nearest(),)),
                Rule("split", require=(has_stock(),), prefer=(fewest_splits(), nearest()), stops_max=4),
            ),
        ),
    ),
    otherwise=park("waits for stock"),
)


def read(folder: Path) -> Day:
    """Read a folder in omscore's own format; raises ChannelError naming the file that cannot be used."""
    rejected: list[Rejected] = []
    network = Network.from_dict(_json(need(folder, "nodes.json")))
    exponent(network.currency)
    policy_path = find(folder, "policy.json")
    policy = Policy.from_dict(_json(policy_path)) if policy_path else POLICY
    nodes = {node.id for node in network.nodes}
    stock: dict[tuple[str, str], int] = {}
    path = need(folder, "stock.csv")
    for row in table(path, ("node", "item", "units"), rejected):
        if "#broken" in row:
            continue
        try:
            if row["node"] not in nodes:
                raise ChannelError(f"field 'node' {row['node']!r} is no node of nodes.json")
            units = whole(row["units"], lambda why: ChannelError(f"field 'units' {why}"))
        except ChannelError as wrong:
            rejected.append(Rejected(path.name, int(row[ROW]), f"{wrong}; the figure is left out"))
            continue
        cell = (row["node"], row["item"])
        stock[cell] = stock.get(cell, 0) + units
    items = _items(folder, stock, rejected)
    wishes = _wishes(folder, network.currency, rejected)
    return Day(
        folder.name,
        "own data",
        network.currency,
        network,
        policy,
        items,
        stock,
        tuple(sorted(wishes, key=lambda w: (w.draft.placed_at, w.draft.channel, w.draft.external_id))),
        tuple(_taken_back(folder, wishes, rejected)),
        (TableCarrier("post", [RateRow("standard", "*", 2**31, Money(500, network.currency), days=2)]),),
        rejected=tuple(rejected),
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as wrong:
        raise ChannelError(f"{path.name}: not JSON: {wrong}; mend the file") from None
    if not isinstance(value, dict):
        raise ChannelError(f"{path.name}: expected an object at the top, not {type(value).__name__}")
    return value


def _items(folder: Path, stock: Mapping[tuple[str, str], int], rejected: list[Rejected]) -> dict[str, Item]:
    path = find(folder, "items.csv")
    if path is None:
        return {item: Item(item) for _, item in sorted(stock)}
    items = {}
    for row in table(path, ("sku",), rejected):
        try:
            grams = (
                whole(row["weight_grams"], lambda why: ChannelError(f"field 'weight_grams' {why}"))
                if row.get("weight_grams")
                else 0
            )
            items[row["sku"]] = Item(row["sku"], row.get("name", ""), weight_grams=grams)
        except OmsError as wrong:
            rejected.append(Rejected(path.name, int(row[ROW]), f"{wrong}; the item is not sold"))
    return items


def _wishes(folder: Path, currency: str, rejected: list[Rejected]) -> list[Wish]:
    path = need(folder, "orders.jsonl")
    wishes = []
    for number, payload in objects(path, rejected):
        channel = payload.get("channel", "web")
        try:
            if not isinstance(channel, str) or not channel:
                raise ChannelError(f"field 'channel' must be text, not {channel!r}")
            draft = JsonChannel(channel).draft(payload)
            if draft.currency != currency:
                raise ChannelError(
                    f"order {draft.external_id}: field 'currency' is {draft.currency}, the network's is {currency}; "
                    "convert it or replay it apart"
                )
            paid_at = payload.get("paid_at")
            paid = moment(str(paid_at), None, _wrong("paid_at")) if paid_at else None
        except OmsError as wrong:
            rejected.append(Rejected(path.name, number, f"{wrong}; the order is left out whole"))
            continue
        wishes.append(Wish(draft, paid if draft.payment == "pending" else None))
    return wishes


def _wrong(field: str) -> Callable[[str], ChannelError]:
    return lambda why: ChannelError(f"field {field!r} {why}")


def _taken_back(folder: Path, wishes: list[Wish], rejected: list[Rejected]) -> list[TakenBack]:
    path = find(folder, "cancellations.jsonl")
    if path is None:
        return []
    known = {(w.draft.external_id, line.id) for w in wishes for line in w.draft.lines}
    found = []
    for number, payload in objects(path, rejected):
        try:
            at = moment(str(payload.get("at")), None, _wrong("at"))
            order, line = str(payload.get("order")), str(payload.get("line"))
            if (order, line) not in known:
                raise ChannelError(f"order {order!r} line {line!r} is not in orders.jsonl; correct it or leave it out")
            units = whole(str(payload.get("units")), _wrong("units"))
        except ChannelError as wrong:
            rejected.append(Rejected(path.name, number, str(wrong)))
            continue
        found.append(TakenBack(at, order, line, units, f"{order}/{number}"))
    return found
