"""Whoever stops a command with Ctrl-C, at whatever line, finds it done or not begun, and the store goes on."""

import signal
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread
from time import sleep
from types import FrameType
from typing import Any

import pytest

from omscore.adapters import MemoryStore, SqliteStore
from omscore.adapters._waiting import Job, Line, LockFile
from omscore.errors import Unknown
from omscore.inventory import Cell, Want, receive, release, reserve, verify
from omscore.kernel import ManualClock
from omscore.ports import Effect, Store, Transaction
from tests.stores.conftest import Opener

A, A_LILLE, B = Cell("A", "ghent"), Cell("A", "lille"), Cell("B", "ghent")


class Stopped(KeyboardInterrupt):
    """Ctrl-C."""


# Python looks for signals where a function begins or returns and where a loop goes round, not at each line of these:
# they are stopped in what they call.
_STEADY = frozenset(run.__code__ for run in (MemoryStore.run, SqliteStore._alone))


def stopped_at(line: int, files: tuple[str, ...], command: Callable[[], object]) -> bool:
    """Run a command and stop it at the n-th line of some files; whether it came that far."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if frame.f_code in _STEADY or not frame.f_code.co_filename.endswith(files):
            return None
        if event == "line":
            count += 1
            if count == line:
                frame.f_trace = None
                sys.settrace(None)
                raise Stopped
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        command()
    except Stopped:
        return True
    except ZeroDivisionError:
        return False
    finally:
        sys.settrace(before)
    return False


def everything(store: Store) -> list[object]:
    def look(t: Transaction) -> list[object]:
        due = t.reservations_due(t.now() + timedelta(days=1))
        held = [t.reservations_at(cell) for cell in (A, A_LILLE, B)]
        found = [t.find("note", name) for name in ("i", "j")]
        kept = (t.get("note", "n-1"), t.claims(), t.log(), t.events("note", "n-1"))
        sent = (t.outbox("waiting"), t.outbox("leased"))
        return [t.journal(), t.cells(), t.cells_of("A"), t.reservations(), due, held, found, kept, sent]

    return store.run(look, write=False)


def _begin(store: Store) -> None:
    def work(t: Transaction) -> None:
        receive(t, {A: 9}, cause="dock-1")
        reserve(t, "ord-1", [Want("A", 2)], cause="web-1", expires_in=timedelta(minutes=5))
        t.put("note", "n-1", "x", version=0, index={"i": "1"})

    store.run(work)


def _all_sorts(t: Transaction) -> None:
    receive(t, {A_LILLE: 5, B: 4}, cause="dock-2")
    reserve(t, "ord-2", [Want("A", 3), Want("B", 1)], cause="web-2", expires_in=timedelta(minutes=3))
    release(t, "ord-1", cause="web-3")
    t.put("note", "n-1", "y", version=1, index={"i": "2", "j": "0"})
    t.append("note", "n-1", ["a", "b"], cause="web-4")
    t.emit([Effect("e-1", "notify.x", {})])
    t.lease("worker", limit=5, seconds=5)
    t.claim("web-5", "f", "done")


def _and_fails(t: Transaction) -> None:
    _all_sorts(t)
    raise ZeroDivisionError


@pytest.mark.parametrize("work", [_all_sorts, _and_fails])
def test_memory(clock: ManualClock, work: Callable[[Transaction], None]) -> None:
    def begun() -> MemoryStore:
        store = MemoryStore(clock)
        _begin(store)
        return store

    before, done = everything(begun()), begun()
    done.run(_all_sorts)
    after = [before, everything(done)]
    files = ("_memory.py", "_memory_records.py", "adapters/memory.py")
    line = 1
    store = begun()
    while stopped_at(line, files, partial(store.run, work)):
        assert everything(store) in after, line
        assert store.run(verify, write=False).ok
        store = begun()
        line += 1
    assert line > 200


def test_a_stop_before_a_command_leaves_the_one_before_it_done(clock: ManualClock) -> None:
    store = MemoryStore(clock)
    store.run(lambda t: receive(t, {A: 9}, cause="dock-1"))
    assert stopped_at(1, ("adapters/memory.py",), lambda: store.run(lambda t: t.cells()))
    assert store.run(lambda t: t.figures([A])[A].free) == 9


def test_sqlite(opened: Opener) -> None:
    store = opened(durability="process-crash", patience_s=1)
    store.run(lambda t: receive(t, {A: 10_000}, cause="dock-1"))
    wanted = 0

    def take(t: Transaction) -> None:
        nonlocal wanted
        wanted += 1
        reserve(t, f"ord-{wanted}", [Want("A", 1)], cause="web")

    def fails(t: Transaction) -> None:
        take(t)
        raise ZeroDivisionError

    files = ("adapters/sqlite.py", "_sqlite_start.py", "_sqlite_books.py")
    for work, step in ((fails, 1), (take, 3)):
        line = 1
        while stopped_at(line, files, partial(store.run, work)):
            store.run(take)
            line += step
        assert line > 100
    journal, figures, held = store.run(lambda t: (t.journal(A), t.figures([A])[A], t.reservations_at(A)), write=False)
    assert figures.reserved == len(journal) - 1 == len(held)
    assert store.run(verify, write=False).ok


class _Stopping:
    """A lock behind which Ctrl-C strikes, once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.armed = True

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        if self.armed:
            self.armed = False
            raise Stopped


def test_a_line_whose_leader_is_stopped_before_its_work_goes_on() -> None:
    line = Line(lambda work: work(None), lambda group: None, most=9, patience_s=0.05)
    line._mutex = _Stopping()  # type: ignore[assignment]
    with pytest.raises(Stopped):
        line.run(lambda _: "never")
    assert line.run(lambda _: "done") == "done"


def stopped_in_a_call(n: int, command: Callable[[], object]) -> bool:
    """Run a command and stop it where the n-th function of the line begins, or returns to it; whether it came there."""
    count = 0

    def profile(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        if event in ("call", "c_return") and frame.f_code.co_filename.endswith("_waiting.py"):
            count += 1
            if count == n:
                sys.setprofile(None)
                raise Stopped

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        command()
    except Stopped:
        return True
    finally:
        sys.setprofile(before)
    return False


def test_a_line_goes_on_wherever_one_who_is_alone_in_it_is_stopped() -> None:
    n = 1
    line = Line(lambda work: work(None), lambda group: None, most=9, patience_s=0.05)
    while stopped_in_a_call(n, lambda: line.run(lambda _: "done")):
        assert line.run(lambda _: "done") == "done", n
        n += 1
    assert n > 2


def test_those_whom_a_leader_took_along_hear_of_it_wherever_it_is_stopped() -> None:
    def perform(group: Sequence[Job]) -> None:
        for job in group:
            job.result = "done"

    n, stopped = 1, True
    while stopped:
        line = Line(lambda work: work(None), perform, most=9, patience_s=5)
        line._leader = object()  # who leads before
        heard: list[object] = []
        over = Event()

        def follow(line: Line = line, heard: list[object] = heard) -> None:
            try:
                heard.append(line.run(lambda _: None))
            except Unknown as unknown:
                heard.append(unknown)

        followers = [Thread(target=follow, daemon=True) for _ in range(2)]

        def hand_on(line: Line = line, over: Event = over, followers: Sequence[Thread] = followers) -> None:
            while not (line._jobs or over.is_set()):
                sleep(0)
            first = line._jobs[:1]
            for follower in followers:
                follower.start()
            while len([job for job in line._jobs if job not in first]) < 2:
                sleep(0)
            with line._mutex:
                line._leader = heir = line._jobs[0]
                heir.lead = True
                heir.wake.release()

        before = Thread(target=hand_on, daemon=True)
        before.start()
        stopped = stopped_in_a_call(n, partial(line.run, lambda _: None))
        over.set()
        for thread in (before, *followers):
            thread.join(2)
        assert len(heard) == 2, n
        assert line.run(lambda _: "next") == "next", n
        n += 1
    assert n > 9


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer signals")
def test_whoever_stops_waiting_for_the_lock_file_leaves_it_to_others(tmp_path: Path) -> None:
    def stop(*_: object) -> None:
        raise Stopped

    holder, gone, other = (LockFile(str(tmp_path / "queue")) for _ in range(3))
    holder.acquire(1)
    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Stopped):
            gone.acquire(5)
    finally:
        signal.signal(signal.SIGALRM, before)
    holder.release()
    other.acquire(2)
    other.release()
    for one in (holder, gone, other):
        one.close()
