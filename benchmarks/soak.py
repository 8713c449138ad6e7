"""Long runs of what the timed test run does a little of: simulated commands, killed clients, damaged files, bad disks.

    python -m benchmarks.soak simulate --seeds 100000
    python -m benchmarks.soak kills 2000              # clients of a SQLite file, several at a time
    python -m benchmarks.soak postgres 1000           # clients of a PostgreSQL server of its own
    python -m benchmarks.soak migration 100           # processes that move older tables of it to today's
    python -m benchmarks.soak torn 10000
    python -m benchmarks.soak rot 10000 --seed 2      # other damage to the file of other commands
    python -m benchmarks.soak eio 100                 # needs strace
    python -m benchmarks.soak crash sqlite            # every verb, killed at every call; or: crash postgres

Every part prints one line of figures and ends with status 1 when a promise was broken. Figures of such runs stand in
docs/explanation/soak.md. Nothing here is part of the timed test run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from random import Random
from threading import Thread, Timer

from tests.inventory.every_verb import COMMANDS, NINE
from tests.postgres import connect, database, server
from tests.stores.damage import became, damaged, rotten_files, shop, torn_logs
from tests.stores.test_postgres_versions import as_version_3_wrote_it

from omscore.adapters import PostgresStore, SqliteStore
from omscore.errors import StoreError
from omscore.inventory import Cell, Ledger, Want, receive, reserve, verify
from omscore.kernel import ManualClock
from omscore.ports import Effect, Store, Transaction
from omscore.testing import simulate
from omscore.testing.faults import Ack, Listener, Tapped, crash_points, die, in_child

Verb = Callable[[Ledger], object]
CELLS = {Cell("A", "ghent"): 10_000_000, Cell("B", "ghent"): 10_000_000}
_AT_ONCE = 4
_LIVES_S = 0.4


def hold(txn: Transaction, id_: str) -> None:
    """A reservation of two lines, its key and its effect."""
    reserve(txn, id_, [Want("A", 1), Want("B", 1)], cause=id_)
    txn.claim(id_, "f", id_)
    txn.emit([Effect(id_, "notify.x", {})])


def kills(what: str, rounds: int, connect: Callable[[], Store]) -> bool:
    """Clients, four at a time, each killed with signal 9 in the middle; whatever one acknowledged must be there."""
    acked = set[str]()
    store = connect()
    store.run(lambda t: receive(t, CELLS, cause="dock"))
    start = time.monotonic()

    def client(ack: Ack, turn: int) -> None:
        mine = connect()
        mine.run(lambda t: t.now())
        # Whatever the client is doing then: waiting for its turn, writing, committing, telling us.
        Timer(Random(turn).random() * _LIVES_S, die).start()
        for n in range(100_000):
            mine.run(lambda t, i=f"k{turn}-{n}": hold(t, i))  # type: ignore[misc]
            ack(f"k{turn}-{n}")

    def lane(first: int) -> None:
        for turn in range(first, rounds, _AT_ONCE):
            lines, status = in_child(lambda ack, turn=turn: client(ack, turn))  # type: ignore[misc]
            if status != 9:
                raise RuntimeError(f"a client ended by itself with {status}: {lines[-1:]}")
            acked.update(lines)

    lanes = [Thread(target=lane, args=(n,)) for n in range(_AT_ONCE)]
    for one in lanes:
        one.start()
    for one in lanes:
        one.join()
    spent = time.monotonic() - start
    there, after = set[str](), ""
    while page := store.run(lambda t, a=after: t.reservations(after=a, limit=10_000), write=False):  # type: ignore[misc]
        there |= {r.id for r in page}
        after = page[-1].id
    findings = store.run(verify, write=False).findings
    figures = store.run(lambda t: t.figures(CELLS), write=False)
    keys, after = set[str](), ""
    while rows := store.run(lambda t, a=after: t.claims(after=a, limit=10_000), write=False):  # type: ignore[misc]
        keys |= {key for key, _, _ in rows}
        after = rows[-1][0]
    told = {e.id for e, _, _ in store.run(lambda t: t.outbox("waiting", limit=10_000_000), write=False)}
    wrong = sum(row.reserved != len(there) for row in figures.values()) + len(findings)
    half = len(keys ^ there) + len(told ^ there)
    lost = len(acked - there)
    print(
        f"{what}: {rounds} kills, {_AT_ONCE} clients at a time, {len(there)} holds, {len(acked)} acknowledged, "
        f"{lost} of these lost, {half} half done, {wrong} wrong cells or findings, {spent:.0f} s"
    )
    return not (lost or half or wrong)


def migration(rounds: int, uri: str) -> bool:
    """Older tables moved to today's by two processes at a time, each killed with signal 9 until one gets through."""
    store = PostgresStore(uri)
    store.run(lambda t: receive(t, CELLS, cause="dock"))
    for start in range(0, 10_000, 100):

        def many(txn: Transaction, start: int = start) -> None:
            for n in range(start, start + 100):
                hold(txn, f"k{n:05}")

        store.run(many)
    shown, begun = list(Ledger(store).export()), time.monotonic()
    died = moved = wrong = 0

    def client(ack: Ack, turn: int) -> None:
        Timer(Random(turn).random() * _LIVES_S, die).start()
        PostgresStore(uri).close()
        ack("moved")

    def lane(turn: int, ended: list[list[str]]) -> None:
        ended.append(in_child(lambda ack: client(ack, turn))[0])

    while died < rounds:
        with connect(uri) as conn:
            as_version_3_wrote_it(conn)
        done = False
        while not done:
            ended: list[list[str]] = []
            lanes = [Thread(target=lane, args=(died + n, ended)) for n in range(2)]
            for one in lanes:
                one.start()
            for one in lanes:
                one.join()
            done = ["moved"] in ended
            died += sum(lines != ["moved"] for lines in ended)
        moved += 1
        wrong += list(Ledger(store).export()) != shown or not store.run(verify, write=False).ok
    print(
        f"migration of {len(shown)} lines of PostgreSQL: {moved} times, {died} kills, "
        f"{wrong} that show something else, {time.monotonic() - begun:.0f} s"
    )
    return not wrong


class Stop(Exception):
    """Ends a command whose calls were only to be noted."""


def crash(what: str, connect: Callable[[], Store]) -> bool:
    """Every verb of the ledger in a process killed with signal 9 before and after each call: all of it, or nothing."""
    ledger, start = Ledger(connect()), time.monotonic()
    deaths = half = doubled = 0
    for command in COMMANDS.values():
        calls: list[str] = []

        def note(name: str, calls: list[str] = calls) -> None:
            calls.append(name)
            if name == "commit":
                raise Stop

        with suppress(Stop):
            command(Ledger(Tapped(connect(), before=note)))
        before = list(ledger.export())
        for side, call, listen in crash_points(calls):

            def client(_: Ack, side: str = side, listen: Listener = listen, command: Verb = command) -> None:
                command(Ledger(Tapped(connect(), **{side: listen})))

            _, status = in_child(client)
            if status != 9:
                raise RuntimeError(f"a client ended by itself with {status} {side} {call}")
            deaths += 1
            committed = (side, call) == ("after", "commit")
            half += (list(ledger.export()) == before) == committed
        done = list(ledger.export())
        command(ledger)
        doubled += list(ledger.export()) != done
    wrong = len(ledger.verify().findings)
    print(
        f"crash {what}: {len(COMMANDS)} verbs, {deaths} kills, {half} half done or lost, {doubled} done twice, "
        f"{wrong} findings, {time.monotonic() - start:.0f} s"
    )
    return not (half or doubled or wrong)


def files(what: str, cases: int, folder: Path, seed: int) -> bool:
    """Damaged files: each shows a state that the store went through, or says that it is damaged."""
    made = shop(folder / what, 40 if what == "torn" else 260, seed)
    known = {seen: n for n, seen in enumerate(made.states)}
    torn = (made.folder / "torn.db").read_bytes()
    start, found = time.monotonic(), Counter[str]()
    rng = Random(seed)
    damage = torn_logs(made.log, rng) if what == "torn" else rotten_files(made.file, rng)
    for data in islice(damage, cases):
        path = damaged(folder, torn, data) if what == "torn" else damaged(folder, data, None)
        try:
            found[became(path, known)] += 1
        except Exception as error:  # noqa: BLE001 - counted, shown and failed on
            found[f"{type(error).__name__} ({error})"] += 1
    told = ", ".join(f"{n} {name}" for name, n in found.most_common())
    print(f"{what}: {cases} files of {len(known)} states, seed {seed}: {told}; {time.monotonic() - start:.0f} s")
    return set(found) <= ({"prefix"} if what == "torn" else {"prefix", "typed", "found", "other"})


def eio(rounds: int, folder: Path) -> bool:
    """The disk fails at fdatasync, from some commit on: what was acknowledged is there, and the error is typed."""
    strace = shutil.which("strace")
    if strace is None:
        print("eio: skipped, because there is no strace here to make the disk fail")
        return True
    lost = wrong = untyped = acked_all = 0
    for n in range(rounds):
        path = folder / f"eio-{n}.db"
        SqliteStore(path).close()
        inject = f"inject=fdatasync,fsync:error=EIO:when={2 + n % 40}+"
        ran = subprocess.run(  # noqa: S603 - strace and this script
            [strace, "-f", "-o", os.devnull, "-e", inject, sys.executable, "-m", "benchmarks.soak", "buyer", str(path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        acked = [line for line in ran.stdout.split() if line.startswith("ord-")]
        acked_all += len(acked)
        untyped += "ended: StoreError" not in ran.stdout
        store = SqliteStore(path)
        there = {r.id for r in store.run(lambda t: t.reservations(limit=10_000), write=False)}
        lost += len(set(acked) - there)
        wrong += not store.run(verify, write=False).ok or len(there) > len(acked) + 1
        store.close()
    print(
        f"eio: {rounds} disks that failed, {acked_all} holds acknowledged, {lost} of these lost, {wrong} wrong files, "
        f"{untyped} errors without a type"
    )
    return not (lost or wrong or untyped)


def buyer(path: str) -> None:
    """Reserve one unit after the other until the store says no; used by `eio`."""
    try:
        ledger = Ledger(SqliteStore(path))
        ledger.receive({Cell("A", "ghent"): 1_000}, key="dock")
        for n in range(60):
            ledger.reserve(f"ord-{n}", [Want("A", 1)], key=f"web-{n}")
            print(f"ord-{n}", flush=True)
    except StoreError as error:
        print("ended: StoreError", type(error).__name__, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "part", choices=("simulate", "kills", "postgres", "migration", "torn", "rot", "eio", "crash", "buyer")
    )
    parser.add_argument(
        "often", nargs="?", default="100", help="how many kills, files or failing disks; of crash, the store"
    )
    parser.add_argument("--seeds", type=int, default=1_000, help="how many seeds to simulate")
    parser.add_argument("--first", type=int, default=1_000_000, help="the first of them")
    parser.add_argument("--commands", type=int, default=130, help="commands in each")
    parser.add_argument("--seed", type=int, default=1, help="of damaged files: which commands, and which damage")
    asked = parser.parse_args()
    if asked.part == "buyer":
        buyer(asked.often)
        return 0
    if asked.part == "simulate":
        words = ("--seeds", asked.seeds, "--first", asked.first, "--commands", asked.commands)
        return simulate.main([str(word) for word in words])
    if asked.part == "crash":
        clock = ManualClock(NINE)
        if asked.often == "postgres":
            with server() as running, database(running) as uri:
                return 0 if crash("PostgreSQL", lambda: PostgresStore(uri, clock=clock)) else 1
        with tempfile.TemporaryDirectory() as name:
            return 0 if crash("SQLite", lambda: SqliteStore(Path(name) / "shop.db", clock=clock)) else 1
    often = int(asked.often)
    if asked.part == "migration":
        with server() as running, database(running) as uri:
            return 0 if migration(often, uri) else 1
    if asked.part == "postgres":
        with server() as running, database(running) as uri:
            return 0 if kills("PostgreSQL", often, lambda: PostgresStore(uri)) else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.part == "kills":
            return 0 if kills("SQLite, power-loss", often, lambda: SqliteStore(folder / "shop.db")) else 1
        if asked.part == "eio":
            return 0 if eio(often, folder) else 1
        return 0 if files(asked.part, often, folder, asked.seed) else 1


if __name__ == "__main__":
    sys.exit(main())
