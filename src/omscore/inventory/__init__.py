"""Allocate: the ledger that never promises a unit twice."""

from omscore.inventory._allocate import Allocated, allocate, release
from omscore.inventory._availability import (
    Availability,
    AvailableCell,
    availability,
    available,
    figures_by_node,
    most_stock_first,
)
from omscore.inventory._backorders import (
    Backorder,
    Promise,
    Repromise,
    backorders,
    backorders_of,
    pegs,
    repromise,
)
from omscore.inventory._books import Books, Held, LedgerTransaction, Records, Reservation, Short, Stored
from omscore.inventory._buffers import Buffer, floors
from omscore.inventory._cells import (
    BUCKETS,
    HELD,
    MOVES,
    OUTSIDE,
    Cell,
    Entry,
    Figures,
    JournalRow,
    Movement,
    check_movement,
    flat,
    link,
    linked,
)
from omscore.inventory._count import Counted, ages, count, feed, seen
from omscore.inventory._export import Foreign, export_lines, import_lines
from omscore.inventory._fill import Arrival, Filled, fill
from omscore.inventory._floor import pack, pick, return_stock, ship, short_pick
from omscore.inventory._ledger import Ledger
from omscore.inventory._ledger_store import LedgerStore, MemoryLedgerStore, Outcome, outcome
from omscore.inventory._lots import Lot, fefo, fifo, lifo
from omscore.inventory._memory import MemoryBooks
from omscore.inventory._once import Answered, Claims, fingerprint, once, run_once
from omscore.inventory._outrank import Outranked, let_wait, outrank
from omscore.inventory._past import as_of, folded, seq_at
from omscore.inventory._reserve import POLICIES, Reserved, Selector, Want, expire, extend, reserve
from omscore.inventory._spread import held_lots, lots_to_allocate
from omscore.inventory._stock import correct, damage, quarantine, receive, repool, restore, scrap, send_back
from omscore.inventory._supply import Atp, Supply, arrived, atp, expect, supplies, supply
from omscore.inventory._transfer import Transfer, arrive, lose, send, transfer
from omscore.inventory._verify import Difference, Verified, reconcile, verify
from omscore.inventory._victims import Victim, VictimOrder, fewest_orders, lowest_priority_first, newest_first

Short.__module__ = Answered.__module__ = __name__  # tracebacks name them as users import them

__all__ = [
    "BUCKETS",
    "HELD",
    "OUTSIDE",
    "MOVES",
    "Cell",
    "Figures",
    "Movement",
    "Entry",
    "check_movement",
    "JournalRow",
    "flat",
    "link",
    "linked",
    "Held",
    "Reservation",
    "Stored",
    "Short",
    "Books",
    "Records",
    "Claims",
    "LedgerTransaction",
    "MemoryBooks",
    "fingerprint",
    "once",
    "run_once",
    "Answered",
    "Buffer",
    "floors",
    "Lot",
    "fefo",
    "fifo",
    "lifo",
    "Selector",
    "held_lots",
    "lots_to_allocate",
    "receive",
    "quarantine",
    "damage",
    "restore",
    "scrap",
    "send_back",
    "repool",
    "correct",
    "Supply",
    "expect",
    "supply",
    "supplies",
    "arrived",
    "Atp",
    "atp",
    "Availability",
    "AvailableCell",
    "availability",
    "available",
    "figures_by_node",
    "most_stock_first",
    "POLICIES",
    "Want",
    "Reserved",
    "reserve",
    "expire",
    "extend",
    "Backorder",
    "Promise",
    "Repromise",
    "backorders",
    "backorders_of",
    "pegs",
    "repromise",
    "Filled",
    "Arrival",
    "fill",
    "Allocated",
    "allocate",
    "release",
    "Victim",
    "VictimOrder",
    "newest_first",
    "lowest_priority_first",
    "fewest_orders",
    "Outranked",
    "outrank",
    "let_wait",
    "Counted",
    "count",
    "feed",
    "seen",
    "ages",
    "Transfer",
    "send",
    "arrive",
    "lose",
    "transfer",
    "pick",
    "short_pick",
    "pack",
    "ship",
    "return_stock",
    "as_of",
    "seq_at",
    "folded",
    "Verified",
    "verify",
    "Difference",
    "reconcile",
    "Foreign",
    "export_lines",
    "import_lines",
    "Ledger",
    "LedgerStore",
    "MemoryLedgerStore",
    "Outcome",
    "outcome",
]
