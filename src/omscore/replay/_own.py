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
from omscore.kernel import Item, Money, quantity
from omscore.replay._day import Day, Rejected, TakenBack, Wish
from omscore.replay._rows import ROW, figure, filled, find, need, objects, table
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
    network: Network = _made(need(folder, "nodes.json"), Network.from_dict)
    if not network.nodes:
        raise ChannelError("nodes.json: there is no node; give at least one under 'nodes'")
    policy_path = find(folder, "policy.json")
    policy: Policy = _made(policy_path, Policy.from_dict) if policy_path else POLICY
    nodes = {node.id for node in network.nodes}
    stock: dict[tuple[str, str], int] = {}
    path = need(folder, "stock.csv")
    for row in table(path, ("node", "item", "units"), rejected):
        if "#broken" in row:
            continue
        try:
            if row["node"] not in nodes:
                raise ChannelError(f"field 'node' {row['node']!r} is no node of nodes.json")
            cell = (row["node"], filled(row, "item"))
            units = stock.get(cell, 0) + figure(row, "units")
            quantity(units, "the units of this node and item together", at_least=0)
        except OmsError as wrong:
            rejected.append(Rejected(path.name, int(row[ROW]), f"{wrong}; the figure is left out"))
            continue
        stock[cell] = units
    items = _items(folder, stock, rejected)
    stock = {cell: units for cell, units in stock.items() if units}
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


def _made(path: Path, make: Callable[[dict[str, Any]], Any]) -> Any:
    """What a JSON file describes; raises ChannelError naming the file and what is wrong in it."""
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(value, dict):
            raise ChannelError(f"expected an object at the top, not {type(value).__name__}")
        return make(value)
    except (OmsError, ValueError, TypeError, LookupError) as wrong:
        raise ChannelError(f"{path.name}: {wrong}; mend the file") from None


def _items(folder: Path, stock: Mapping[tuple[str, str], int], rejected: list[Rejected]) -> dict[str, Item]:
    path = find(folder, "items.csv")
    if path is None:
        return {item: Item(item) for _, item in sorted(stock)}
    items = {}
    for row in table(path, ("sku",), rejected):
        if "#broken" in row:
            continue
        try:
            grams = figure(row, "weight_grams") if row.get("weight_grams") else 0
            items[filled(row, "sku")] = Item(row["sku"].strip(), row.get("name", ""), weight_grams=grams)
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
        wishes.append(Wish(draft, paid if draft.payment == "pending" else None, path.name, number))
    return wishes


def _wrong(field: str) -> Callable[[str], ChannelError]:
    return lambda why: ChannelError(f"field {field!r} {why}")


def _taken_back(folder: Path, wishes: list[Wish], rejected: list[Rejected]) -> list[TakenBack]:
    path = find(folder, "cancellations.jsonl")
    if path is None:
        return []
    known: dict[str, list[Wish]] = {}
    for wish in wishes:
        known.setdefault(wish.draft.external_id, []).append(wish)
    found = []
    for number, payload in objects(path, rejected):
        try:
            at = moment(str(payload.get("at")), None, _wrong("at"))
            wish = _named(payload, known)
            line = str(payload.get("line"))
            if all(known_line.id != line for known_line in wish.draft.lines):
                raise ChannelError(f"order {wish.draft.external_id!r} has no line {line!r}; correct it or leave it out")
            units = whole(str(payload.get("units")), _wrong("units"))
        except OmsError as wrong:
            rejected.append(Rejected(path.name, number, str(wrong)))
            continue
        found.append(TakenBack(at, wish.id, line, units, f"{wish.id}/{number}", path.name, number))
    return found


def _named(payload: Mapping[str, Any], known: Mapping[str, list[Wish]]) -> Wish:
    """The order that a cancellation names by its number, and by its channel where several use the same number."""
    order, channel = str(payload.get("order")), payload.get("channel")
    wishes = [wish for wish in known.get(order, ()) if channel in (None, wish.draft.channel)]
    if not wishes:
        raise ChannelError(f"order {order!r} is not in orders.jsonl; correct it or leave it out")
    if len({wish.id for wish in wishes}) > 1:
        channels = ", ".join(sorted({wish.draft.channel for wish in wishes}))
        raise ChannelError(f"order {order!r} is in several channels ({channels}); add a field 'channel'")
    return wishes[0]
