"""Allocate: the ledger that never promises a unit twice."""

from omscore.inventory._books import Books, Held, Reservation, Short
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

for _public in (Short, Cell, Reservation, Movement, MemoryBooks):
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
    "Held",
    "Reservation",
    "Short",
    "Books",
    "MemoryBooks",
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
