"""Work in a process of its own that may be killed at any moment."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

Ack = Callable[[str], None]
"""Tells the parent, in one write that nothing can tear, that something was done."""

CAN_FORK = hasattr(os, "fork")
"""Whether this machine can fork and kill; where it cannot, rules about processes say nothing."""


def in_child(work: Callable[[Ack], None], *, kill_after: int | None = None) -> tuple[list[str], int]:
    """Do work in a forked process; returns what it acknowledged and how it ended (as `os.wait` tells it).

    With `kill_after` the process is killed with signal 9 as soon as it has acknowledged that often, wherever it then
    is. An error in the child is its exit status 1, with the error as its last line.

    >>> in_child(lambda ack: ack("done"))
    (['done'], 0)
    >>> acks, status = in_child(lambda ack: [ack(str(n)) for n in range(100_000)], kill_after=3)
    >>> acks[:3], status
    (['0', '1', '2'], 9)
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        _child(work, reading, writing)
    os.close(writing)
    lines: list[str] = []
    rest = b""
    try:
        while chunk := os.read(reading, 4096):
            *whole, rest = (rest + chunk).split(b"\n")
            lines += [line.decode() for line in whole]
            if kill_after is not None and len(lines) >= kill_after:
                os.kill(pid, signal.SIGKILL)
                kill_after = None
    finally:
        os.close(reading)
        _, status = os.waitpid(pid, 0)
    return lines, status


def _child(work: Callable[[Ack], None], reading: int, writing: int) -> None:
    status = 1
    try:
        os.close(reading)
        work(lambda text: (os.write(writing, f"{text}\n".encode()), None)[1])
        status = 0
    except BaseException as error:  # noqa: BLE001 - the parent is told, and the child must not run the parent's code
        os.write(writing, f"{type(error).__name__}: {error}\n".replace("\n", " ").encode() + b"\n")
    finally:
        os._exit(status)


def die() -> None:
    """Kill this process as it stands, with signal 9.

    >>> in_child(lambda ack: die())
    ([], 9)
    """
    os.kill(os.getpid(), signal.SIGKILL)
