"""Standing in line: threads of one process behind a leader, processes of one machine behind a lock file."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from threading import Condition, Lock, Thread
from typing import Any

try:
    import fcntl
except ImportError:  # Windows: whoever is refused the write lock tries again at random times
    fcntl = None  # type: ignore[assignment]
    _TRY = 0
else:
    _TRY = fcntl.LOCK_EX | fcntl.LOCK_NB

from omscore.errors import Busy, Unknown

_OPEN = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
_ALONE, _SPARED = 16, 8
"""How often in a row a process finds nobody else at the lock file before it goes without it, and how often it does."""


class Job:
    """A command that waits for its turn, and what became of it."""

    __slots__ = ("error", "lead", "result", "wake", "work")

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self.work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.lead = False
        self.wake = Lock()

    def outcome(self) -> Any:
        """The result, or the error raised."""
        if self.error is not None:
            raise self.error
        return self.result


class Line:
    """Lets one thread at a time lead, and take along those who came while the last leader was busy.

    Who comes first leads first, so that nobody waits longer than those before need.
    """

    def __init__(
        self,
        perform_one: Callable[[Callable[[Any], Any]], Any],
        perform: Callable[[Sequence[Job]], None],
        *,
        most: int,
        patience_s: float,
    ) -> None:
        self._perform_one = perform_one
        self._perform = perform
        self._most = most
        self._patience_s = patience_s
        self._mutex = Lock()
        self._jobs: list[Job] = []
        # Who leads: a thread that found nobody there, or the job of one that waited.
        self._leader: object | None = None

    def run(self, work: Callable[[Any], Any]) -> Any:
        """Have a command performed, by this thread or by one that leads meanwhile."""
        me: object = object()
        job: Job | None = None
        try:
            with self._mutex:
                if self._leader is None:
                    self._leader = me
                else:
                    me = job = Job(work)
                    job.wake.acquire()
                    self._jobs.append(job)
            if job is None:
                return self._perform_one(work)
            self._wait(job)
            if job.lead:
                self._lead(job)
            return job.outcome()
        finally:
            # Also where this thread was interrupted before or behind its work: nobody waits for one who is gone. An
            # interruption comes in where a function begins or ends, and here none does before somebody else may lead.
            with self._mutex:
                if job is not None and job in self._jobs:
                    self._jobs.remove(job)
                if self._leader is me:
                    if self._jobs:
                        self._leader = heir = self._jobs[0]
                        heir.lead = True
                        heir.wake.release()
                    else:
                        self._leader = None

    def _wait(self, job: Job) -> None:
        if job.wake.acquire(timeout=self._patience_s):
            return
        with self._mutex:
            waiting = job in self._jobs and not job.lead
            if waiting:
                self._jobs.remove(job)
        if waiting:
            raise Busy(f"{self._patience_s:g} s were not enough to come to the head of the line; try again")
        job.wake.acquire()  # it is being performed right now

    def _lead(self, me: Job) -> None:
        group: list[Job] = []
        try:
            with self._mutex:
                # Nothing is called here, so no interruption comes between the two.
                group += self._jobs[: self._most]
                del self._jobs[: self._most]
            self._perform(group)
        except BaseException as error:  # noqa: BLE001 - whatever stopped the leader, nobody may take it for success
            stopped = Unknown(f"the thread that committed for this one was stopped ({error!r}); repeat the same key")
            for job in group:
                job.error = stopped
            me.error = error
        finally:
            try:
                _wake(group, me)
            except BaseException:
                _wake(group, me)  # those whom an interruption left asleep
                raise


def _wake(group: Sequence[Job], me: Job) -> None:
    for job in group:
        if job is not me and job.wake.locked():
            job.wake.release()


class LockFile:
    """A lock between processes that is given in the order it was asked for, by flock on two files beside the store.

    Whoever wants the lock first takes the gate, and leaves it when the lock is his: so whoever gave the lock back
    cannot take it again before the one who stands in the gate. The kernel keeps the line and frees the place of a
    process that dies. It guards no data: the database has its own lock, this one only keeps eager processes from
    pushing in front of patient ones. So a process that is alone may go without it for a few turns, which saves most of
    its calls of the system.
    """

    def __init__(self, path: str) -> None:
        self._gate, self._file = -1, -1
        if fcntl is not None:
            self._gate, self._file = (os.open(f"{path}{end}", _OPEN, 0o644) for end in ("-gate", ""))
        self._turn = Condition()
        self._asked = self._standing = self._got = self._closed = False
        self._thread: Thread | None = None
        # Whether the gate may be ours with nobody standing in it, and whether the lock is to be given back.
        self._gated = self._taken = False
        # How often in a row nobody else was there, and the turns to go without.
        self._alone = self._spared = 0

    def acquire(self, patience_s: float) -> None:
        """Wait for the lock, or go without it for a few turns where nobody else was there many times in a row.

        Raises Busy when patience ends.
        """
        if self._spared:
            self._spared -= 1
        else:
            self._take(patience_s)

    def insist(self, patience_s: float) -> None:
        """Wait for the lock, where the database turned out to be locked: somebody else is there after all.

        If that is one who goes without the lock, it finds it taken when its few turns are over, and waits for it.
        """
        self._alone = self._spared = 0
        self._take(patience_s)

    def _take(self, patience_s: float) -> None:
        if fcntl is None or self._taken:
            return
        self._taken = True
        if self._thread is None and self._try():
            return
        with self._turn:
            if not self._standing and self._thread is not None and self._try():
                return
            # flock itself knows no deadline, so a thread of ours stands in line.
            if self._thread is None:
                self._thread = Thread(target=self._stand, name="omscore-lock", daemon=True)
                self._thread.start()
            self._asked = True
            self._turn.notify_all()
            try:
                got = self._turn.wait_for(lambda: self._got, patience_s)
            except BaseException:
                if self._got:
                    fcntl.flock(self._file, fcntl.LOCK_UN)
                raise
            finally:
                # Whoever stops waiting must not be given the lock: it would keep everybody else out.
                self._asked = self._got = False
        if not got:
            self._taken = False
            raise Busy(f"another process held the store for {patience_s:g} s; try again")

    def _try(self) -> bool:
        """Take the lock if nobody has it or stands in line; else stay in the gate, if that was free."""
        self._gated = True
        try:
            fcntl.flock(self._gate, _TRY)
            fcntl.flock(self._file, _TRY)
        except BlockingIOError:
            self._alone = 0
            return False
        fcntl.flock(self._gate, fcntl.LOCK_UN)
        self._gated = False
        self._alone += 1
        if self._alone >= _ALONE:
            self._spared = _SPARED
        return True

    def _stand(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._asked or self._closed)
                if self._closed:
                    return
                self._standing = True
                self._gated = False
            fcntl.flock(self._gate, fcntl.LOCK_EX)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            fcntl.flock(self._gate, fcntl.LOCK_UN)
            with self._turn:
                self._standing = False
                if self._closed:
                    self.shut()
                    return
                if self._asked:
                    self._asked, self._got = False, True
                    self._turn.notify_all()
                else:
                    # Who asked went away: the place is the next one's.
                    fcntl.flock(self._file, fcntl.LOCK_UN)

    def release(self) -> None:
        """Let the next one in."""
        if self._gated:
            # Interrupted on the way in: whoever came next would wait in front of a gate that nobody stands in.
            with self._turn:
                if not self._standing:
                    fcntl.flock(self._gate, fcntl.LOCK_UN)
                self._gated = False
        if self._taken:
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._taken = False

    def close(self) -> None:
        """Give the file back."""
        if fcntl is None:
            return
        with self._turn:
            self._closed = True
            self._turn.notify_all()
            # A file that somebody waits for is not to be closed, since its number would be given to another.
            if not self._standing:
                self.shut()

    def shut(self) -> None:
        """Close the files and nothing else: in a forked child, the lock stays its parent's."""
        files, self._file, self._gate = (self._file, self._gate), -1, -1
        for file in files:
            if file >= 0:
                os.close(file)


def pauses(patience_s: float, least_s: float = 0.0005, most_s: float = 0.05) -> Any:
    """Sleep for growing random times until patience ends: an iterator with one turn for each attempt."""
    end = time.monotonic() + patience_s
    pause = least_s
    while True:
        yield
        if time.monotonic() >= end:
            return
        time.sleep(random.uniform(0, pause))  # noqa: S311 - no secret, only jitter
        pause = min(pause * 2, most_s)
