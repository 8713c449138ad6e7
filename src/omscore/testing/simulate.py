"""Deterministic simulation: one seed drives time, clients, interleaving at every port call, faults and latencies.

`python -m omscore.testing.simulate --seeds 1000` runs seeds one after the other. A seed that fails prints its program;
the same seed fails the same way on every machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from attrs import frozen

from omscore.errors import Busy, CommandRefused, InvalidValue, NotFound, Unknown
from omscore.inventory import expire, fingerprint, run_once, verify
from omscore.kernel.rng import Rng
from omscore.testing._sim_commands import FEATURES, ITEMS, Command, Sender, do, take_all
from omscore.testing._sim_store import Killed, SimBooks, SimStore

FAULTS = ("kills", "lost-replies", "duplicates", "late-repeats", "clock-jumps", "slow-calls")
"""What may go wrong: clients die at any call, replies to commits get lost, commands come twice or late, time jumps."""

_START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Failed(AssertionError):
    """A promise was broken in a simulation; the message says which, in which seed, and prints the program.

    >>> issubclass(Failed, AssertionError)
    True
    """


@frozen
class Ran:
    """What a simulation did: commands sent, calls of the port, and what became of the commands.

    >>> run(1, commands=50).commands
    50
    """

    seed: int
    commands: int
    calls: int
    done: int
    refused: int
    unknown: int
    killed: int
    reruns: int
    features: tuple[str, ...]
    faults: tuple[str, ...]


class _Clock:
    def __init__(self) -> None:
        self.time = _START

    def now(self) -> datetime:
        return self.time


class Simulation:
    """One seed's world: books, clients, and what each command was answered.

    `books` may be replaced by broken ones, to see that the simulation can fail.

    >>> Simulation(7).features == Simulation(7).features
    True
    """

    def __init__(
        self,
        seed: int,
        *,
        clients: int = 6,
        books: Callable[[Callable[[], datetime]], SimBooks] = SimBooks,
    ) -> None:
        self.seed = seed
        self._rng = rng = Rng(seed)
        self.features = tuple(f for f in FEATURES if rng.below(2))
        self.faults = tuple(f for f in FAULTS if rng.below(2))
        self._sender = Sender(rng, self.features)
        self._clock = _Clock()
        self._books = books(self._clock.now)
        self._store = SimStore(self._books, rng, interrupt_in=6 + rng.below(40))
        self._idle = list(range(clients))
        self._sent = 0
        self._left = 0
        self._program: list[tuple[Command, str]] = []
        self._fate: dict[str, str] = {}
        self._open: list[Command] = []
        self._past: list[Command] = []
        self._killed = self._unknown = 0

    def run(self, commands: int) -> Ran:
        """Send commands with faults, then let the faults stop and see that everything settles; raises Failed.

        Settling sends a few commands more.

        >>> Simulation(3).run(40).commands >= 40
        True
        """
        self._left = commands
        self._store.faults = frozenset(self.faults)
        self._store.others = self._somebody
        try:
            while self._left:
                self._somebody()
            self._safe()
            self._live()
            self._safe()
        except Failed:
            raise
        except Exception as error:
            raise self._failure(f"{type(error).__name__}: {error}") from error
        answers = list(self._fate.values())
        return Ran(
            self.seed,
            self._sent,
            self._store.calls,
            answers.count("done"),
            answers.count("refused"),
            self._unknown,
            self._killed,
            self._store.reruns,
            self.features,
            self.faults,
        )

    # -- clients ----------------------------------------------------------------------------------------------------

    def _somebody(self) -> None:
        """One client that is not in the middle of something sends one command, from begin to end."""
        if not self._left or not self._idle:
            return
        self._left -= 1
        client = self._idle.pop(self._rng.below(len(self._idle)))
        try:
            if "slow-calls" in self.faults:
                self._clock.time += timedelta(milliseconds=self._rng.below(3_000))
            if "clock-jumps" in self.faults and self._rng.below(60) == 0:
                self._clock.time += timedelta(minutes=self._rng.below(180) - 60)
            self._send(self._next())
        finally:
            self._idle.append(client)

    def _next(self) -> Command:
        rng = self._rng
        if self._open and rng.below(3) == 0:
            return self._open.pop(rng.below(len(self._open)))
        if self._past and "duplicates" in self.faults and rng.below(12) == 0:
            return self._past[-1 - rng.below(min(8, len(self._past)))]
        if self._past and "late-repeats" in self.faults and rng.below(30) == 0:
            return rng.choice(self._past)
        command = self._sender.fresh(f"k{self._sent}")
        self._past.append(command)
        return command

    def _send(self, command: Command) -> None:
        self._sent += 1
        name = fingerprint(command.verb, repr(command.args))

        try:
            run_once(self._store, command.key, name, lambda txn: do(txn, command, self.features, _START))
            answer = "done"
        except (CommandRefused, NotFound, InvalidValue):
            # A maybe that is refused now did not happen.
            answer = "refused"
        except Busy:
            answer = "busy"
        except Unknown:
            answer = "maybe"
            self._unknown += 1
            self._open.append(command)
        except Killed:
            answer = "maybe"
            self._killed += 1
            if self._rng.below(2):
                self._open.append(command)
        self._program.append((command, answer))
        if self._fate.get(command.key) != "done":
            self._fate[command.key] = answer
        elif answer == "refused":
            # Also when a copy of it was done while this one was on its way.
            raise self._failure(f"{command.key} was done and is refused now")

    # -- promises ---------------------------------------------------------------------------------------------------

    def _safe(self) -> None:
        """Nothing oversold, nothing lost, nothing half done: the books against themselves and against the answers."""
        books = self._books
        if findings := verify(books).findings:
            raise self._failure("; ".join(str(f) for f in findings[:3]))
        for cell, figures in books.cells(limit=10_000):
            if min(figures) < 0:
                raise self._failure(f"{cell} holds {figures}")
        moved = {entry.movement.cause for entry in books.journal()}
        for key, answer in self._fate.items():
            claimed, told = books.claimed(key) is not None, key in books.outbox
            if claimed != told or (key in moved and not claimed):
                raise self._failure(f"{key} is half done: claimed {claimed}, told {told}, moved {key in moved}")
            if answer == "done" and not claimed:
                raise self._failure(f"{key} was answered as done and is lost")
            if answer in ("refused", "busy") and claimed:
                raise self._failure(f"{key} was answered as {answer} and is there")
        if len(books.outbox) != sum(books.claimed(key) is not None for key in self._fate):
            raise self._failure("the outbox holds what nobody sent")

    def _live(self) -> None:
        """The faults stop: every open command settles, and everything that ran out is sellable at once."""
        self._store.faults, self._store.others = frozenset(), None
        for key in [key for key, answer in self._fate.items() if answer == "maybe"]:
            command = next(c for c in self._past if c.key == key)
            self._send(command)
            if self._fate[key] == "maybe":
                raise self._failure(f"{key} did not settle when the faults had stopped")
        self._clock.time += timedelta(days=1)
        books = self._books
        now = books.now()
        for item in ITEMS:
            rows = books.cells_of(item)
            due = {r.id: r for cell, _ in rows for r in books.reservations_due(now, cell=cell, limit=10_000)}
            units = sum(figures.free for _, figures in rows)
            units += sum(r.units("reserved", item) for r in due.values())
            if units:
                self._store.run(partial(take_all, item=item, units=units))
        if books.reservations_due(now):
            expire(books, cause="end")
            books.commit()

    def _failure(self, what: str) -> Failed:
        lines = [f"  {c.key} {c.verb} {c.args} -> {answer}" for c, answer in self._program[-200:]]
        skipped = len(self._program) - len(lines)
        head = f"seed {self.seed}: {what}\nfeatures {', '.join(self.features)}; faults {', '.join(self.faults)}"
        return Failed("\n".join([head, *([f"  ... {skipped} commands before these"] if skipped else []), *lines]))


def run(seed: int, *, commands: int = 1_000, **options: Any) -> Ran:
    """Run one seed; raises Failed with its program when a promise is broken.

    >>> run(7, commands=100) == run(7, commands=100)
    True
    """
    return Simulation(seed, **options).run(commands)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: how many seeds, from which on, how many commands each, and for how long at most.

    >>> main(["--seeds", "2", "--commands", "20"])
    2 seeds, 40 commands, ...
    0
    """
    parser = argparse.ArgumentParser(prog="python -m omscore.testing.simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--commands", type=int, default=1_000, help="commands in each")
    parser.add_argument("--seconds", type=float, default=None, help="stop after so much time of the processor")
    asked = parser.parse_args(arguments)
    start = time.process_time()
    sums = dict.fromkeys(("commands", "calls", "done", "refused", "unknown", "killed", "reruns"), 0)
    seeds = failed = 0
    for seed in range(asked.first, asked.first + asked.seeds):
        if asked.seconds is not None and time.process_time() - start > asked.seconds:
            break
        seeds += 1
        try:
            ran = run(seed, commands=asked.commands)
        except Failed as failure:
            failed += 1
            print(failure, file=sys.stderr)  # noqa: T201 - a command line speaks
            continue
        for name in sums:
            sums[name] += getattr(ran, name)
    spent = max(time.process_time() - start, 1e-9)
    told = ", ".join(f"{n} {name}" for name, n in sums.items())
    rate = f"{sums['commands'] / spent:,.0f} commands and {sums['calls'] / spent:,.0f} calls a second"
    print(f"{seeds} seeds, {told}, {failed} failed; {spent:.1f} s of processor time, {rate}")  # noqa: T201
    return 1 if failed else 0


__all__ = ["FEATURES", "FAULTS", "Failed", "Ran", "Simulation", "run", "main"]

if __name__ == "__main__":
    sys.exit(main())
