"""An export takes everything along, the keys of commands too: what was done there is done here."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from omscore.adapters import MemoryStore, SqliteStore
from omscore.errors import CommandRefused, Corrupt, KeyReused
from omscore.inventory import Cell, Ledger, Want, import_lines, newest_first
from omscore.kernel import ManualClock
from omscore.ports import Store

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
GHENT, LILLE, LOT = Cell("SKU", "ghent"), Cell("SKU", "lille"), Cell("SKU", "ghent", "", "lot-1")
HOUR = timedelta(hours=1)

# Every verb once, so that every kind of answer is kept under a key.
COMMANDS: dict[str, Callable[[Ledger], object]] = {
    "receive": lambda on: on.receive({GHENT: 20, LILLE: 4}, key="receive"),
    "expect": lambda on: on.expect("po-1", "SKU", "ghent", 50, NINE + 48 * HOUR, key="expect"),
    "reserve": lambda on: on.reserve("ord-1", [Want("SKU", 6)], key="reserve", expires_in=HOUR),
    "promise": lambda on: on.reserve("ord-2", [Want("SKU", 30)], key="promise", policy="promise"),
    "outrank": lambda on: on.outrank("ord-3", [Want("SKU", 9)], key="outrank", priority=5),
    "extend": lambda on: on.extend("ord-1", 2 * HOUR, key="extend"),
    "sooner": lambda on: on.expect("po-1", "SKU", "ghent", 50, NINE + 24 * HOUR, key="sooner"),
    "later": lambda on: on.expect("po-1", "SKU", "ghent", 50, NINE + 72 * HOUR, key="later"),
    "repromise": lambda on: on.repromise("SKU", key="repromise"),
    "allocate": lambda on: on.allocate("ord-3", {GHENT: 3}, key="allocate"),
    "pick": lambda on: on.pick("ord-3", {GHENT: 2}, key="pick"),
    "short_pick": lambda on: on.short_pick("ord-3", {GHENT: 1}, key="short_pick"),
    "pack": lambda on: on.pack("ord-3", {GHENT: 2}, key="pack"),
    "ship": lambda on: on.ship("ord-3", {GHENT: 1}, key="ship"),
    "return_stock": lambda on: on.return_stock({GHENT: 1}, to="quarantine", key="return_stock"),
    "restore": lambda on: on.restore({GHENT: 1}, key="restore"),
    "count": lambda on: on.count({LILLE: 0}, key="count", victims=newest_first, let_wait=True),
    "arrival": lambda on: on.receive({GHENT: 15}, key="arrival"),
    "release": lambda on: on.release("ord-3", key="release"),
    "lot": lambda on: on.receive({LOT: 9}, key="lot", effective_at=NINE - HOUR, to="quarantine"),
    "correct": lambda on: on.correct(LOT, 1, key="correct"),
    "feed": lambda on: on.feed("vendor-1", {"B": 9}, key="feed", seen_at=NINE - HOUR),
    "quarantine": lambda on: on.quarantine({Cell("B", "vendor-1"): 3}, key="quarantine"),
    "damage": lambda on: on.damage({Cell("B", "vendor-1"): 1}, key="damage", source="quarantine"),
    "scrap": lambda on: on.scrap({Cell("B", "vendor-1"): 1}, key="scrap"),
    "repool": lambda on: on.repool({Cell("B", "vendor-1"): 2}, "web", key="repool"),
    "send": lambda on: on.send("t-1", {Cell("B", "vendor-1"): 3}, "ghent", key="send", due_at=NINE + HOUR),
    "arrive": lambda on: on.arrive("t-1", {Cell("B", "ghent"): 2}, key="arrive"),
    "lose": lambda on: on.lose("t-1", key="lose"),
    "expire": lambda on: on.expire(key="expire"),
}


@pytest.fixture(params=["memory", "sqlite"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    clock = ManualClock(NINE)
    if request.param == "memory":
        yield MemoryStore(clock)
        return
    store = SqliteStore(tmp_path / "shop.db", clock=clock, durability="process-crash")
    yield store
    store.close()


def test_every_command_sent_again_after_an_import_is_a_repeat(other: Store) -> None:
    ledger, twin = Ledger.in_memory(lambda: NINE), Ledger(other)
    answers = {name: command(ledger) for name, command in COMMANDS.items()}
    # The answers are worth comparing only if there is something in them.
    assert len({type(answer) for answer in answers.values()}) >= 11
    lines = list(ledger.export())
    twin.import_(lines)
    assert {name: command(twin) for name, command in COMMANDS.items()} == answers
    assert list(twin.export()) == lines
    with pytest.raises(KeyReused):
        twin.receive({GHENT: 21}, key="receive")


def test_books_that_know_a_key_are_not_empty(other: Store) -> None:
    other.run(lambda txn: txn.claim("web-1", "f", None))
    with pytest.raises(CommandRefused, match=r"ledger\.not_empty"):
        Ledger(other).import_(Ledger.in_memory().export())


def test_a_key_of_a_hosts_own_command_stays_with_its_store() -> None:
    store = MemoryStore(ManualClock(NINE))
    store.run(lambda txn: txn.claim("ours", "f", ("ord-1", 2)))
    store.run(lambda txn: txn.claim("theirs", "f", {"rate": 1.5}))
    keys = [line for line in Ledger(store).export() if line.startswith('["key"')]
    assert keys == ['["key","ours","f",["tuple","ord-1",2]]']


def test_an_answer_that_nobody_wrote_is_corrupt() -> None:
    from hashlib import blake2b

    from omscore.inventory import MemoryBooks

    rows = ['["omscore.ledger/1"]', '["key","web-1","f",["Refund",5]]']
    seal = blake2b("".join(f"{row}\n" for row in rows).encode(), digest_size=16).hexdigest()
    with pytest.raises(Corrupt, match="line 2"):
        import_lines(MemoryBooks(), [*rows, f'["end","{seal}"]'])
