"""The retail days: invoices with many lines, in pounds, over three nodes.

The rules are ours and mechanical. Items are ranked by the units sold in the trailing 28 days: those that make the first
80 % of units are A items and stand at all three nodes, the next 15 % at two, the rest at one, so that splits are the
norm. Stock on hand is the file's cover of 10 days, split 2:1:1 or 1:1. Bins: the more an item sells, the nearer the
depot. A cancellation is matched to the customer's latest earlier order of the item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from zlib import crc32
from zoneinfo import ZoneInfo

from omscore.adapters.carrier import RateRow, TableCarrier
from omscore.adapters.channel import CsvChannel, moment, whole
from omscore.batching import Bin, Floor, Limits
from omscore.errors import ChannelError
from omscore.kernel import GeoPoint, Item, Money, largest_remainder
from omscore.replay._day import Day, Rejected, TakenBack, Wish
from omscore.replay._rows import ROW, figure, filled, good_groups, need, table
from omscore.routing import Network, Node, Policy, Route, Rule, by_priority, fewest_splits, has_stock, park, whole_order

SALES = ("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country", "line")
CANCELLATIONS = ("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "CustomerID")
STOCK = ("StockCode", "trailing28_units", "on_hand_cover10d")
ZONE = "Europe/London"
AISLES = 10

# ISO 3166-1 of the country names in the file.
COUNTRIES = {
    "United Kingdom": "GB", "Portugal": "PT", "Germany": "DE", "Australia": "AU", "EIRE": "IE", "Netherlands": "NL",
    "France": "FR", "Switzerland": "CH", "Channel Islands": "JE", "Israel": "IL", "Cyprus": "CY", "Spain": "ES",
    "Belgium": "BE", "Czech Republic": "CZ", "Denmark": "DK", "Finland": "FI", "Norway": "NO", "Sweden": "SE",
    "Italy": "IT", "Austria": "AT", "Poland": "PL", "Japan": "JP", "Iceland": "IS", "Greece": "GR", "Malta": "MT",
    "Singapore": "SG", "Lithuania": "LT", "USA": "US", "Canada": "CA", "Brazil": "BR", "Hong Kong": "HK",
    "United Arab Emirates": "AE", "Lebanon": "LB", "Bahrain": "BH", "Saudi Arabia": "SA", "RSA": "ZA",
}  # fmt: skip

NETWORK = Network(
    [
        Node("midlands", country="GB", point=GeoPoint(52.49, -1.89), priority=1, ships_to={"*"}),
        Node("north", country="GB", point=GeoPoint(53.48, -2.24), priority=2, ships_to={"*"}),
        Node("south", country="GB", point=GeoPoint(51.51, -0.13), priority=3, ships_to={"*"}),
    ],
    currency="GBP",
)
POLICY = Policy(
    "retail",
    routes=(
        Route(
            "all",
            rules=(
                Rule("one stop", require=(whole_order(),), prefer=(by_priority(),)),
                Rule("fewest stops", require=(has_stock(),), prefer=(fewest_splits(), by_priority()), stops_max=3),
            ),
        ),
    ),
    otherwise=park("waits for stock"),
)


def read(folder: Path) -> Day:
    """Read a retail folder: sales_lines.csv, cancellation_lines.csv and stock.csv, plain or gzipped."""
    rejected: list[Rejected] = []
    stock_path, sales_path = need(folder, "stock.csv"), need(folder, "sales_lines.csv")
    stock, ranked = _stock(stock_path, rejected)
    wishes = _wishes(sales_path, rejected)
    taken_back, unmatched = _taken_back(need(folder, "cancellation_lines.csv"), wishes, rejected)
    floors, bins = _floors(stock, ranked)
    return Day(
        folder.name,
        "Online Retail, UCI Machine Learning Repository, doi 10.24432/C5BW33, CC BY 4.0",
        "GBP",
        NETWORK,
        POLICY,
        {sku: Item(sku) for sku in ranked},
        stock,
        tuple(wishes),
        tuple(taken_back),
        (TableCarrier("post", [RateRow("standard", "*", 2**31, Money(595, "GBP"), days=2)]),),
        floors=floors,
        bins=bins,
        limits=Limits(orders_max=6, lines_max=160),
        rejected=tuple(rejected),
        unmatched=unmatched,
    )


def _wishes(path: Path, rejected: list[Rejected]) -> list[Wish]:
    channel = CsvChannel(
        "retail",
        currency="GBP",
        zone=ZONE,
        columns={
            "external_id": "InvoiceNo", "line": "line", "item": "StockCode", "units": "Quantity", "name": "Description",
            "unit_price": "UnitPrice", "placed_at": "InvoiceDate", "customer": "CustomerID", "country": "#country",
        },
    )  # fmt: skip
    wishes = []
    for group in good_groups(path, table(path, SALES, rejected), "InvoiceNo", rejected):
        try:
            for row in group:
                row["#country"] = _country(row)
            wishes.append(Wish(channel.draft(group), file=path.name, row=int(group[0][ROW])))
        except ChannelError as wrong:
            rejected.append(Rejected(path.name, _row_of(str(wrong), group), f"{wrong}; the order is left out whole"))
    return sorted(wishes, key=lambda wish: (wish.draft.placed_at, wish.id))


def _country(row: Mapping[str, str]) -> str:
    name = row["Country"].strip()
    code = COUNTRIES.get(name)
    if code is None:
        raise ChannelError(f"row {row[ROW]}: field 'Country' {name!r} is not known; write it as in the other rows")
    return code


def _row_of(text: str, group: list[dict[str, str]]) -> int:
    """The row that a message names, or the group's first."""
    for row in group:
        if f"row {row[ROW]}:" in text:
            return int(row[ROW])
    return int(group[0][ROW])


def _stock(path: Path, rejected: list[Rejected]) -> tuple[dict[tuple[str, str], int], list[str]]:
    figures: dict[str, tuple[int, int]] = {}
    for row in table(path, STOCK, rejected):
        if "#broken" in row:
            continue
        try:
            sold, on_hand = (figure(row, name) for name in ("trailing28_units", "on_hand_cover10d"))
            figures[filled(row, "StockCode")] = (sold, on_hand)
        except ChannelError as wrong:
            rejected.append(Rejected(path.name, int(row[ROW]), f"{wrong}; the item is not stocked"))
            continue
    ranked = sorted(figures, key=lambda sku: (-figures[sku][0], sku))
    total = sum(sold for sold, _ in figures.values())
    nodes = [node.id for node in NETWORK.nodes]
    stock: dict[tuple[str, str], int] = {}
    seen = 0
    for sku in ranked:
        sold, on_hand = figures[sku]
        # By the share of units sold before this item: A to 80 %, B to 95 %, C.
        homes = 3 if seen * 100 < 80 * total else 2 if seen * 100 < 95 * total else 1
        seen += sold
        first = crc32(sku.encode()) % 3
        chosen = [nodes[(first + i) % 3] for i in range(homes)]
        for node, units in zip(chosen, largest_remainder(on_hand, [2, 1, 1][:homes]), strict=True):
            if units:
                stock[node, sku] = units
    return stock, ranked


def _taken_back(path: Path, wishes: Sequence[Wish], rejected: list[Rejected]) -> tuple[list[TakenBack], int]:
    """Cancelled rows matched to the customer's latest earlier order of the item; the rest has no sale in the slice."""
    zone = ZoneInfo(ZONE)
    open_units = {(wish.id, line.id): line.units for wish in wishes for line in wish.draft.lines}
    matched: list[TakenBack] = []
    unmatched = 0
    for row in table(path, CANCELLATIONS, rejected):
        if "#broken" in row:
            continue

        def wrong(why: str, row: Mapping[str, str] = row) -> ChannelError:
            return ChannelError(f"row {row[ROW]}: {why}")

        try:
            units = whole(row["Quantity"].lstrip("-"), lambda why: wrong(f"field 'Quantity' {why}"))
            at = moment(row["InvoiceDate"], zone, lambda why: wrong(f"field 'InvoiceDate' {why}"))
        except ChannelError as bad:
            rejected.append(Rejected(path.name, int(row[ROW]), str(bad)))
            continue
        found = _matches(row, at, wishes, open_units)
        unmatched += not found
        for order, line in found:
            take = min(units, open_units[order, line])
            if take:
                open_units[order, line] -= take
                units -= take
                number = f"{row['InvoiceNo']}/{row[ROW]}/{line}"
                matched.append(TakenBack(at, order, line, take, number, path.name, int(row[ROW])))
    return matched, unmatched


def _matches(
    row: Mapping[str, str],
    at: datetime,
    wishes: Sequence[Wish],
    open_units: Mapping[tuple[str, str], int],
) -> list[tuple[str, str]]:
    customer = row["CustomerID"]
    return [
        (wish.id, line.id)
        for wish in reversed(wishes)
        if customer and wish.draft.customer.id == customer and wish.draft.placed_at <= at
        for line in wish.draft.lines
        if line.item == row["StockCode"] and open_units[wish.id, line.id]
    ]


def _floors(
    stock: Mapping[tuple[str, str], int], ranked: list[str]
) -> tuple[dict[str, Floor], dict[tuple[str, str], str]]:
    """One block of ten aisles at each node; the best sellers take the cells nearest the depot, one item a bin."""
    floors: dict[str, Floor] = {}
    bins: dict[tuple[str, str], str] = {}
    for node in (node.id for node in NETWORK.nodes):
        held = [sku for sku in ranked if (node, sku) in stock]
        cells = max(1, -(-len(held) // AISLES))
        places = sorted(((a, c) for a in range(AISLES) for c in range(cells)), key=lambda p: (3 * p[0] + p[1], p))
        floors[node] = Floor(aisles=AISLES, cells=cells, bins=[Bin(f"{a:02}-{c:03}", a, c) for a, c in sorted(places)])
        for sku, (a, c) in zip(held, places, strict=False):
            bins[node, sku] = f"{a:02}-{c:03}"
    return floors, bins
