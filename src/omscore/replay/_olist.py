"""The marketplace days: small baskets with coordinates, paid later, promised by a date, in reals, over six nodes.

Stock is the file's `retail_abc` placement at level `exact` (1.0 of the demand). The nodes stand beside the folder, in
olist_warehouses.csv. On time means delivered by the date that the marketplace told its customer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

from omscore.adapters.carrier import RateRow, TableCarrier
from omscore.adapters.channel import moment, whole
from omscore.batching import Limits
from omscore.errors import ChannelError, InvalidValue, OmsError
from omscore.kernel import Address, Dimensions, GeoPoint, Item, Money, cm
from omscore.orders import Customer, Draft, DraftLine
from omscore.replay._day import Day, Rejected, Wish
from omscore.replay._own import POLICY
from omscore.replay._rows import ROW, figure, filled, need, number, table
from omscore.routing import Network, Node

ORDERS = ("order_id", "channel", "placed_at", "order_approved_at", "customer_unique_id", "customer_zip_code_prefix",
          "customer_city", "customer_state", "lat", "lng", "order_estimated_delivery_date")  # fmt: skip
LINES = ("order_id", "line", "product_id", "qty", "unit_price", "freight", "ship_by")
SKUS = ("product_id", "product_category_name", "product_weight_g", "product_length_cm", "product_height_cm",
        "product_width_cm")  # fmt: skip
STOCK = ("mode", "level", "product_id", "warehouse", "on_hand")
NODES = ("warehouse", "lat", "lng", "state", "zip_prefix")
ZONE = ZoneInfo("America/Sao_Paulo")


def read(folder: Path) -> Day:
    """Read a marketplace folder: orders.csv, lines.csv, skus.csv, stock.csv; and olist_warehouses.csv beside it."""
    rejected: list[Rejected] = []
    network = _network(folder, rejected)
    items = _items(need(folder, "skus.csv"), rejected)
    wishes = _wishes(folder, rejected)
    stock: dict[tuple[str, str], int] = {}
    path = need(folder, "stock.csv")
    nodes = {node.id for node in network.nodes}
    for row in table(path, STOCK, rejected):
        if "#broken" in row or (row["mode"], row["level"]) != ("retail_abc", "exact"):
            continue
        try:
            if row["warehouse"] not in nodes:
                raise ChannelError(f"field 'warehouse' {row['warehouse']!r} is no node of olist_warehouses.csv")
            if units := figure(row, "on_hand"):
                stock[row["warehouse"], filled(row, "product_id")] = units
        except ChannelError as wrong:
            rejected.append(Rejected(path.name, int(row[ROW]), f"{wrong}; the figure is left out"))
    return Day(
        folder.name,
        "Brazilian e-commerce public data set by Olist, CC BY-NC-SA 4.0",
        "BRL",
        network,
        POLICY,
        items,
        stock,
        tuple(sorted(wishes, key=lambda w: (w.draft.placed_at, w.draft.external_id))),
        carriers=(TableCarrier("correios", [RateRow("standard", "*", 2**31, Money(1590, "BRL"), days=3)]),),
        transit_days=3,
        limits=Limits(orders_max=20),
        rejected=tuple(rejected),
        promise="delivered by the date the marketplace told its customer",
    )


def _at(row: Mapping[str, str], field: str) -> Callable[[str], ChannelError]:
    return lambda why: ChannelError(f"row {row[ROW]}: field {field!r} {why}")


def _network(folder: Path, rejected: list[Rejected]) -> Network:
    here = folder if (folder / "olist_warehouses.csv").exists() else folder.parent
    nodes = []
    path = need(here, "olist_warehouses.csv")
    for row in table(path, NODES, rejected):
        if "#broken" in row:
            continue
        try:
            point = GeoPoint(number(row, "lat"), number(row, "lng"))
            nodes.append(Node(filled(row, "warehouse"), country="BR", region=row["state"], point=point))
        except OmsError as wrong:
            rejected.append(Rejected(path.name, int(row[ROW]), f"{wrong}; the node is left out"))
    return Network(nodes, currency="BRL")


def _items(path: Path, rejected: list[Rejected]) -> dict[str, Item]:
    items: dict[str, Item] = {}
    for row in table(path, SKUS, rejected):
        if "#broken" in row:
            continue
        try:
            sides = [cm(row[f"product_{side}_cm"]) for side in ("length", "width", "height")]
            size = Dimensions(*sides) if all(sides) else None
            grams = round(number(row, "product_weight_g")) if row["product_weight_g"] else 0
            sku = row["product_id"]
            items[sku] = Item(sku, category=row["product_category_name"], weight_grams=grams, dimensions=size)
        except OmsError as wrong:
            rejected.append(Rejected(path.name, int(row[ROW]), f"{wrong}; the item is not sold"))
    return items


def _wishes(folder: Path, rejected: list[Rejected]) -> list[Wish]:
    lines_path, orders_path = need(folder, "lines.csv"), need(folder, "orders.csv")
    by_order: dict[str, list[dict[str, str]]] = {}
    for row in table(lines_path, LINES, rejected):
        by_order.setdefault(row.get("order_id", ""), []).append(row)
    wishes = []
    for row in table(orders_path, ORDERS, rejected):
        if "#broken" in row:
            continue
        try:
            wishes.append(_wish(row, by_order.get(row["order_id"], []), orders_path.name))
        except OmsError as wrong:
            why = f"order {row['order_id']}: {wrong}; the order is left out whole"
            rejected.append(Rejected(orders_path.name, int(row[ROW]), why))
    return wishes


def _wish(row: Mapping[str, str], rows: list[dict[str, str]], file: str) -> Wish:
    if any("#broken" in line for line in rows):
        raise ChannelError("one of its lines is broken")
    placed_at = moment(row["placed_at"], ZONE, _at(row, "placed_at"))
    paid_at = None
    if row["order_approved_at"]:
        paid_at = moment(row["order_approved_at"], ZONE, _at(row, "order_approved_at")).astimezone(UTC)
    promised = moment(row["order_estimated_delivery_date"], ZONE, _at(row, "order_estimated_delivery_date"))
    freight = Money(0, "BRL")
    lines = []
    for line in rows:
        freight += _money(line, "freight")
        units = whole(line["qty"], _at(line, "qty"))
        lines.append(DraftLine(line["line"], line["product_id"], units, _money(line, "unit_price")))
    ship_by = [moment(line["ship_by"], ZONE, _at(line, "ship_by")) for line in rows if line["ship_by"]]
    waits = paid_at is None or paid_at > placed_at
    draft = Draft(
        row["channel"],
        row["order_id"],
        "BRL",
        lines,
        placed_at,
        ship_to=Address(
            "BR",
            postcode=row["customer_zip_code_prefix"],
            region=row["customer_state"],
            city=row["customer_city"],
            point=GeoPoint(number(row, "lat"), number(row, "lng")) if row["lat"] and row["lng"] else None,
        ),
        customer=Customer(row["customer_unique_id"]),
        shipping=freight,
        payment="pending" if waits else "paid",
        ship_by=min(ship_by) if ship_by else None,
        # The promise is a date: the end of that day.
        deliver_by=datetime.combine(promised.date(), time(23, 59, 59), ZONE),
    )
    return Wish(draft, paid_at if waits else None, file, int(row[ROW]))


def _money(row: Mapping[str, str], name: str) -> Money:
    try:
        # The file holds sums of binary floats (72.69999999999999): amounts are read to the nearest centavo.
        amount = Money.of(str(Decimal(row[name]).quantize(Decimal("0.01"), ROUND_HALF_UP)), "BRL")
    except (InvalidValue, InvalidOperation):
        raise ChannelError(f"row {row[ROW]}: field {name!r} {row[name]!r} is not an amount; write 19.99") from None
    if amount.minor < 0:
        raise ChannelError(f"row {row[ROW]}: field {name!r} must not be negative, not {row[name]}")
    return amount
