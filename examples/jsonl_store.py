"""A store of your own: one file of JSON lines, written only from the port and the rules of a store.

It keeps the books in memory, and each command that wrote something as one line of the file: the writes, in order. When
it is opened, the lines are done again. That makes it durable for one process; it declares no more than that.
"""

# %% The store: everything is remembered as calls of the port, so that opening is repeating
import json
import os
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from omscore import inventory, kernel
from omscore.adapters import MemoryStore, SystemClock
from omscore.codec import Codec, values_of
from omscore.errors import Corrupt, Reason, Shortage, StoreFull
from omscore.inventory import Cell, Ledger, Want
from omscore.ports import Capabilities, Clock, Effect, Leased, Transaction

T = TypeVar("T")

WRITES = {"post", "save_reservation", "claim", "put", "append", "emit", "lease", "ack", "retry", "park"}


class Replayed:
    """The clock of the store: while the file is read, the time that stands in it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.at: datetime | None = None

    def now(self) -> datetime:
        return self.at or self._clock.now()


class Noting:
    """A transaction that notes what is written through it."""

    def __init__(self, txn: Transaction) -> None:
        self._txn = txn
        self.noted: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._txn, name)
        if name not in WRITES:
            return method

        def write(*args: Any, **words: Any) -> Any:
            args = tuple(list(arg) if name in ("post", "emit") and n == 0 else arg for n, arg in enumerate(args))
            result = method(*args, **words)
            # Floors are kept by now; pairs, because the keys of a mapping may be cells.
            plain = (args[0], {}) if name == "post" else args
            self.noted.append([name, list(plain), words])
            return result

        return write


class JsonLinesStore:
    """A store in a file of JSON lines, for one process."""

    def __init__(self, path: Path, *, clock: Clock | None = None) -> None:
        self._codec = Codec((*values_of(kernel), *values_of(inventory), Reason, Shortage, Effect, Leased))
        self._clock = Replayed(clock or SystemClock())
        self._memory = MemoryStore(self._clock)
        self._file = path.open("ab+", buffering=0)
        self._file.seek(0)
        whole = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break  # a command that was cut off was never acknowledged
            self._repeat(path, line)
            whole += len(line)
        self._file.truncate(whole)
        self._clock.at = None

    def _repeat(self, path: Path, line: bytes) -> None:
        try:
            told, calls = self._codec.loads(line.decode())
        except Exception as error:
            raise Corrupt(f"{path} has a line that cannot be read: {error}") from error
        self._clock.at = told

        def again(txn: Transaction) -> None:
            txn.now()
            for name, args, words in calls:
                getattr(txn, name)(*args, **words)

        self._memory.run(again)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(durable=True)

    def close(self) -> None:
        self._file.close()

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        def noted(txn: Transaction) -> T:
            noting = Noting(txn)
            result = work(noting)
            if noting.noted:
                self._keep(self._codec.dumps([txn.now(), noting.noted]))
            return result

        return self._memory.run(noted, write=write)

    def _keep(self, text: str) -> None:
        """The line reaches the disk before the command is acknowledged; an error here rolls the command back."""
        size = os.fstat(self._file.fileno()).st_size
        line = text.encode() + b"\n"
        try:
            if self._file.write(line) != len(line):
                raise OSError("half a line")
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(size)
            raise StoreFull(f"the line could not be written ({error}); nothing of the command was") from error


# %% It keeps what the kit asks of it (tests/contracts/test_example_store.py), and a ledger runs on it
def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.jsonl"
        store = JsonLinesStore(path)
        ledger = Ledger(store)
        ledger.receive({Cell("SKU-1", "ghent"): 5}, key="dock-7")
        ledger.reserve("ord-1", [Want("SKU-1", 2)], key="web-1")
        store.close()
        again = JsonLinesStore(path)
        print(Ledger(again).availability("SKU-1"))
        print(f"{len(path.read_text().splitlines())} commands, {len(json.dumps(path.read_text()))} bytes")
        again.close()


if __name__ == "__main__":
    main()
