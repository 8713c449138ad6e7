"""Every verb of the ledger once, in an order in which each of them is done."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from omscore.inventory import Cell, Ledger, Want, newest_first

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
GHENT, LILLE, LOT = Cell("SKU", "ghent"), Cell("SKU", "lille"), Cell("SKU", "ghent", "", "lot-1")
HOUR = timedelta(hours=1)

# Every verb once, so that every kind of answer is kept under a key.
COMMANDS: dict[str, Callable[[Ledger], object]] = {
    "receive": lambda on: on.receive({GHENT: 20, LILLE: 4}, key="receive"),
    "expect": lambda on: on.expect("po-1", "SKU", "ghent", 50, NINE + 48 * HOUR, key="expect"),
    "reserve": lambda on: on.reserve("ord-1", [Want("SKU", 6)], key="reserve", expires_in=HOUR),
    "promise": lambda on: on.reserve("ord-2", [Want("SKU", 30)], key="promise", policy="promise"),
    "outrank": lambda on: on.outrank("ord-3", [Want("SKU", 9)], key="outrank", priority=5),
    "extend": lambda on: on.extend("ord-1", 2 * HOUR, key="extend"),
    "sooner": lambda on: on.expect("po-1", "SKU", "ghent", 50, NINE + 24 * HOUR, key="sooner"),
    "later": lambda on: on.expect("po-1", "SKU", "ghent", 50, NINE + 72 * HOUR, key="later"),
    "repromise": lambda on: on.repromise("SKU", key="repromise"),
    "allocate": lambda on: on.allocate("ord-3", {GHENT: 3}, key="allocate"),
    "pick": lambda on: on.pick("ord-3", {GHENT: 2}, key="pick"),
    "short_pick": lambda on: on.short_pick("ord-3", {GHENT: 1}, key="short_pick"),
    "pack": lambda on: on.pack("ord-3", {GHENT: 2}, key="pack"),
    "ship": lambda on: on.ship("ord-3", {GHENT: 1}, key="ship"),
    "return_stock": lambda on: on.return_stock({GHENT: 1}, to="quarantine", key="return_stock"),
    "restore": lambda on: on.restore({GHENT: 1}, key="restore"),
    "count": lambda on: on.count({LILLE: 0}, key="count", victims=newest_first, let_wait=True),
    "arrival": lambda on: on.receive({GHENT: 15}, key="arrival"),
    "release": lambda on: on.release("ord-3", key="release"),
    "lot": lambda on: on.receive({LOT: 9}, key="lot", effective_at=NINE - HOUR, to="quarantine"),
    "correct": lambda on: on.correct(LOT, 1, key="correct"),
    "feed": lambda on: on.feed("vendor-1", {"B": 9}, key="feed", seen_at=NINE - HOUR),
    "quarantine": lambda on: on.quarantine({Cell("B", "vendor-1"): 3}, key="quarantine"),
    "damage": lambda on: on.damage({Cell("B", "vendor-1"): 1}, key="damage", source="quarantine"),
    "scrap": lambda on: on.scrap({Cell("B", "vendor-1"): 1}, key="scrap"),
    "repool": lambda on: on.repool({Cell("B", "vendor-1"): 2}, "web", key="repool"),
    "send": lambda on: on.send("t-1", {Cell("B", "vendor-1"): 3}, "ghent", key="send", due_at=NINE + HOUR),
    "arrive": lambda on: on.arrive("t-1", {Cell("B", "ghent"): 2}, key="arrive"),
    "lose": lambda on: on.lose("t-1", key="lose"),
    "expire": lambda on: on.expire(key="expire"),
}
