"""Faults to put into a store: crashes at any call, errors at COMMIT, killed processes, a full disk."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence

from omscore.testing._processes import CAN_FORK, Ack, die, in_child
from omscore.testing._tap import Listener, Tapped, TappedTransaction


def failing(error: Callable[[], BaseException], *, at: str = "commit", every: int = 3) -> Listener:
    """A listener that raises at every so-manyth call of a name: a driver's 40001 at COMMIT, a lost connection.

    Give it to `Tapped(store, before=...)`. A store that reruns commands on that error never shows it to anybody.

    >>> from omscore.adapters import MemoryStore
    >>> store = Tapped(MemoryStore(), before=failing(lambda: OSError("pulled"), every=2))
    >>> store.run(lambda txn: 1)
    1
    >>> store.run(lambda txn: 2)
    Traceback (most recent call last):
    OSError: pulled
    """
    seen = 0

    def listen(name: str) -> None:
        nonlocal seen
        if name == at:
            seen += 1
            if seen % every == 0:
                raise error()

    return listen


def crash_points(calls: Sequence[str]) -> Iterator[tuple[str, str, Listener]]:
    """For every call that a command makes, both sides of it: (side, call, listener that kills this process there).

    Note the calls once with `Tapped(store, before=calls.append)`; then run the command in a child for each point.

    >>> [(side, call) for side, call, _ in crash_points(["post", "commit"])]
    [('before', 'post'), ('after', 'post'), ('before', 'commit'), ('after', 'commit')]
    """
    for point, call in enumerate(calls):
        for side in ("before", "after"):
            seen = 0

            def listen(name: str, point: int = point) -> None:
                nonlocal seen
                if seen == point:
                    die()
                seen += 1

            yield side, call, listen


def fill_disk(room_bytes: int) -> None:
    """From here on this process can make no file longer than that; writing further fails as on a full disk.

    It cannot be undone, so call it in a child (see `in_child`), after the store was opened.

    >>> import tempfile, pathlib
    >>> def write(ack):
    ...     fill_disk(1_000)
    ...     try:
    ...         pathlib.Path(tempfile.gettempdir(), "omscore-full").write_bytes(bytes(2_000))
    ...     except OSError as error:
    ...         ack(type(error).__name__)
    >>> in_child(write)
    (['OSError'], 0)
    """
    import resource  # noqa: PLC0415 - not on every system

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, most))


__all__ = [
    "Listener",
    "Tapped",
    "TappedTransaction",
    "failing",
    "crash_points",
    "CAN_FORK",
    "Ack",
    "in_child",
    "die",
    "fill_disk",
]
