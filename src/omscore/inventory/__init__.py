"""Allocate: the ledger that never promises a unit twice."""

from omscore.inventory._books import Books, Held, LedgerTransaction, Records, Reservation, Short, Stored
from omscore.inventory._cells import (
    BUCKETS,
    HELD,
    MOVES,
    OUTSIDE,
    Cell,
    Entry,
    Figures,
    Movement,
    check_movement,
    linked,
)
from omscore.inventory._commands import (
    Reserved,
    Want,
    allocate,
    available,
    expire,
    extend,
    figures_by_node,
    pack,
    pick,
    receive,
    release,
    reserve,
    return_stock,
    ship,
    short_pick,
)
from omscore.inventory._memory import MemoryBooks
from omscore.inventory._once import Claims, fingerprint, once

for _public in (Short, Cell, Reservation, Movement, MemoryBooks, Stored):
    _public.__module__ = __name__

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
    "Want",
    "Reserved",
    "receive",
    "available",
    "reserve",
    "expire",
    "extend",
    "allocate",
    "release",
    "pick",
    "short_pick",
    "pack",
    "ship",
    "return_stock",
    "figures_by_node",
]
