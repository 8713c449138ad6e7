"""Whoever stops a command with Ctrl-C, at whatever line, finds it done or not begun, and the store goes on."""

import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Lock
from types import FrameType
from typing import Any

import pytest

from omscore.adapters import MemoryStore, SqliteStore
from omscore.adapters._waiting import Line, LockFile
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
