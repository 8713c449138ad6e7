"""Files of a SQLite store, torn and rotten, and what became of them: for the tests and for the soak script."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from attrs import frozen

from omscore.adapters import SqliteStore
from omscore.errors import OmsError
from omscore.inventory import Cell, Figures, Ledger, Want, newest_first
from omscore.kernel import ManualClock

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CELLS = [Cell(item, node) for item in ("A", "B") for node in ("ghent", "lille")]


@frozen
class State:
    """What a store shows: its export, which names every entry, reservation, key and record, and its figures."""

    export: tuple[str, ...]
    figures: tuple[tuple[Cell, Figures], ...]
    past: tuple[Figures, ...]


def state(store: SqliteStore) -> State:
    ledger = Ledger(store)
    cells = tuple(store.run(lambda t: t.cells(), write=False))
    past = tuple(ledger.as_of(cell, n) for cell, row in cells for n in range(0, row.version, 37))
    return State(tuple(ledger.export()), cells, past)


@frozen
class Shop:
    """A folder with a store's file as it was after some commands, and every state that it went through."""

    folder: Path
    states: tuple[State, ...]
    log: bytes

    @property
    def file(self) -> bytes:
        return (self.folder / "shop.db").read_bytes()


def shop(folder: Path, commands: int, seed: int = 5) -> Shop:
    """Run commands of every kind. The log is as it lies beside the file while the store is open, nothing checkpointed.

    The file itself is copied closed into `folder`, so that everything is in it.
    """
    clock, rng = ManualClock(START), Random(seed)
    live = folder / "live"
    live.mkdir(parents=True)
    store = SqliteStore(live / "shop.db", clock=clock, durability="process-crash")
    store._writer.execute("PRAGMA wal_autocheckpoint = 0")
    ledger = Ledger(store)
    states = [state(store)]
    for n in range(commands):
        clock.advance(seconds=30)
        cell, holder, key = rng.choice(CELLS), f"ord-{n % 17}", f"k{n}"
        match n % 8:
            case 0 | 5:
                ledger.receive({cell: 3 + rng.randrange(9) for cell in CELLS}, key=key)
            case 1 | 2:
                wants = [Want("A", 1 + rng.randrange(4)), Want("B", 2)]
                ledger.reserve(holder, wants, key=key, policy="backorder", expires_in=timedelta(minutes=n % 5 or 60))
            case 3:
                units = min(2, ledger.figures(cell).free)
                if units:
                    ledger.allocate(holder, {cell: units}, key=key)
            case 4:
                ledger.release(f"ord-{(n - 9) % 17}", key=key)
            case 6:
                ledger.count({cell: 7}, key=key, victims=newest_first)
            case _:
                ledger.expect(f"po-{n}", "A", "ghent", 9, START + timedelta(days=2), key=key)
        seen = state(store)
        if seen != states[-1]:
            states.append(seen)
    shutil.copy(live / "shop.db", folder / "torn.db")
    log = (live / "shop.db-wal").read_bytes()
    store.close()
    shutil.move(live / "shop.db", folder / "shop.db")
    return Shop(folder, tuple(states), log)


def torn_logs(log: bytes, rng: Random) -> Iterator[bytes]:
    """The log with its tail cut off, zeroed, overwritten with garbage or flipped in one bit, without end."""
    while True:
        cut = rng.randrange(len(log))
        yield log[:cut]
        yield log[:cut] + bytes(len(log) - cut)
        yield log[:cut] + rng.randbytes(len(log) - cut)
        flipped = bytearray(log)
        flipped[cut] ^= 1 << rng.randrange(8)
        yield bytes(flipped)


def rotten_files(file: bytes, rng: Random) -> Iterator[bytes]:
    """The file with a bit flipped, some bytes overwritten, a sector gone, or its end cut off, without end."""
    while True:
        at = rng.randrange(len(file))
        for _ in range(5):
            flipped = bytearray(file)
            flipped[rng.randrange(len(file))] ^= 1 << rng.randrange(8)
            yield bytes(flipped)
        yield file[:at] + rng.randbytes(4) + file[at + 4 :]
        sector = at // 512 * 512
        yield file[:sector] + bytes(512) + file[sector + 512 :]
        yield file[:at]


def became(path: Path, known: dict[State, int]) -> str:
    """What a damaged file shows when it is opened: a state that it was in, or that it is damaged.

    "prefix" is a state that the store went through, "typed" an error of ours, "found" what `verify` names. Else a
    figure is wrong and nobody says so ("wrong"), or something other than a figure ("other").
    """
    try:
        store = SqliteStore(path, clock=ManualClock(START + timedelta(days=1)), durability="process-crash")
        try:
            if not Ledger(store).verify().ok:
                return "found"
            shown = state(store)
        finally:
            store.close()
    except OmsError:
        return "typed"
    if shown in known:
        return "prefix"
    right = {(s.figures, s.past) for s in known if s.figures}
    return "other" if (shown.figures, shown.past) in right else "wrong"


def damaged(folder: Path, file: bytes, log: bytes | None) -> Path:
    """A file, and its log if there is one, where a store may open them."""
    for name in ("case.db", "case.db-wal", "case.db-shm"):
        (folder / name).unlink(missing_ok=True)
    (folder / "case.db").write_bytes(file)
    if log is not None:
        (folder / "case.db-wal").write_bytes(log)
    return folder / "case.db"
