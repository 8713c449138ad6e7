"""An export takes everything along, the keys of commands too: what was done there is done here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from omscore.adapters import MemoryStore, SqliteStore
from omscore.codec import standard
from omscore.errors import CommandRefused, Corrupt, KeyReused
from omscore.inventory import Ledger, import_lines
from omscore.kernel import ManualClock, Money
from omscore.ports import Store
from tests.inventory.every_verb import COMMANDS, GHENT, NINE


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


def test_a_key_of_a_hosts_own_command_goes_along_where_a_codec_knows_its_answer(other: Store) -> None:
    store, codec = MemoryStore(ManualClock(NINE)), standard()
    answer = Money(1999, "EUR")
    store.run(lambda txn: txn.claim("pay-1", "f", answer))
    lines = list(Ledger(store).export(codec=codec))
    with pytest.raises(CommandRefused, match=r"ledger\.foreign_keys"):
        Ledger(other).import_(lines)
    Ledger(other).import_(lines, codec=codec)
    assert other.run(lambda txn: txn.claimed("pay-1"), write=False) == ("f", answer)
    assert list(Ledger(other).export(codec=codec)) == lines


def test_an_answer_that_nobody_wrote_is_corrupt() -> None:
    from hashlib import blake2b

    from omscore.inventory import MemoryBooks

    rows = ['["omscore.ledger/1"]', '["key","web-1","f",["Refund",5]]']
    seal = blake2b("".join(f"{row}\n" for row in rows).encode(), digest_size=16).hexdigest()
    with pytest.raises(Corrupt, match="line 2"):
        import_lines(MemoryBooks(), [*rows, f'["end","{seal}"]'])
