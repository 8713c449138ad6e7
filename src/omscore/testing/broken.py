"""Stores that are broken on purpose, each in one way that was seen somewhere: they prove that the rules bite.

Each is a MemoryStore with one thing done wrong; `FLAWS` names what it is and which rules must catch it, and no others.
"""

from __future__ import annotations

from omscore.testing import _broken_atomic, _broken_cells, _broken_ledger, _broken_outbox, _broken_records
from omscore.testing._broken_races import Autocommit, DirtyReads, KeysRemembered, LostUpdate, ReadCommitted, Unlocked
from omscore.testing._flaws import FLAWS, Flaw, add

# Importing the rooms fills the table.
ROOMS = (_broken_cells, _broken_atomic, _broken_ledger, _broken_records, _broken_outbox)

for _name, _kind in (
    ("keys-remembered", KeysRemembered),
    ("lost-update", LostUpdate),
    ("two-transactions", Autocommit),
    ("dirty-reads", DirtyReads),
    ("no-isolation", Unlocked),
):
    add(_name, _kind, _kind, concurrent=True)


__all__ = ["Flaw", "FLAWS", "ReadCommitted"]
