"""A client that stops in the middle, and does not die: others wait a bounded time, are told Busy, and go on later."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from omscore.errors import Busy
from omscore.inventory import Cell, Ledger, Movement, Want
from omscore.ports import Store, Transaction
from tests.stores.conftest import Opener, PostgresOpener

A = Cell("A", "ghent")
PATIENCE_S = 0.5

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork and no SIGSTOP")


def stopped_inside(connect: Callable[[], Store]) -> int:
    """A child that holds a transaction with a write in it, and sleeps there; returns its process id."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:

            def work(txn: Transaction) -> None:
                txn.post([Movement(A, "free", "reserved", 1, "reserve", "stopped", "ord-stopped")], {})
                txn.cells()  # whatever waits to be written is written now
                os.write(writing, b"x")
                os.kill(os.getpid(), signal.SIGSTOP)
                raise KeyError

            try:
                connect().run(work)
            except KeyError:
                status = 0
        finally:
            os._exit(status)
    os.close(writing)
    assert os.read(reading, 1) == b"x"
    os.close(reading)
    return pid


def others_go_on(connect: Callable[[], Store]) -> None:
    ledger = Ledger(connect())
    ledger.receive({A: 5}, key="dock")
    pid = stopped_inside(connect)
    try:
        begun = time.monotonic()
        with pytest.raises(Busy):
            ledger.reserve("ord-1", [Want("A", 1)], key="web-1")
        assert time.monotonic() - begun < 20 * PATIENCE_S
        assert ledger.figures(A).free == 5, "who only reads waits for nobody"
    finally:
        os.kill(pid, signal.SIGCONT)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert ledger.reserve("ord-1", [Want("A", 1)], key="web-1").cells == {A: 1}
    assert ledger.verify().ok


def test_sqlite(opened: Opener) -> None:
    others_go_on(lambda: opened(patience_s=PATIENCE_S))


def test_postgres(connected: PostgresOpener) -> None:
    others_go_on(lambda: connected(patience_s=PATIENCE_S))
