"""What a caller of the ledger gets wrong is told in words, takes no key, and leaves the books as they were."""

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from omscore.errors import InvalidValue, OmsError
from omscore.inventory import Cell, Ledger, Want

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAIVE = datetime(2026, 3, 2, 9)  # noqa: DTZ001 - the mistake under test
SHELF = Cell("A", "ghent")


def opened() -> Ledger:
    """A ledger with free, reserved, allocated and quarantined units, and some under way."""
    ledger = Ledger.in_memory(lambda: MONDAY)
    ledger.receive({SHELF: 10}, key="dock")
    ledger.receive({SHELF: 2}, key="inspect", to="quarantine")
    ledger.reserve("ord-1", [Want("A", 3)], key="web")
    ledger.allocate("ord-1", {SHELF: 2}, key="route")
    ledger.send("t-1", {SHELF: 1}, "lille", key="truck")
    return ledger


NOTHING: dict[str, Callable[[Ledger], object]] = {
    "receive": lambda ledger: ledger.receive({}, key="k"),
    "reserve": lambda ledger: ledger.reserve("ord-2", [], key="k"),
    "outrank": lambda ledger: ledger.outrank("ord-2", [], key="k", priority=1),
    "allocate": lambda ledger: ledger.allocate("ord-1", {}, key="k"),
    "release": lambda ledger: ledger.release("ord-1", {}, key="k"),
    "pick": lambda ledger: ledger.pick("ord-1", {}, key="k"),
    "short_pick": lambda ledger: ledger.short_pick("ord-1", {}, key="k"),
    "pack": lambda ledger: ledger.pack("ord-1", {}, key="k"),
    "ship": lambda ledger: ledger.ship("ord-1", {}, key="k"),
    "return_stock": lambda ledger: ledger.return_stock({}, to="free", key="k"),
    "count": lambda ledger: ledger.count({}, key="k"),
    "feed": lambda ledger: ledger.feed("vendor-1", {}, key="k"),
    "quarantine": lambda ledger: ledger.quarantine({}, key="k"),
    "damage": lambda ledger: ledger.damage({}, key="k"),
    "scrap": lambda ledger: ledger.scrap({}, key="k"),
    "restore": lambda ledger: ledger.restore({}, key="k"),
    "send_back": lambda ledger: ledger.send_back({}, key="k"),
    "repool": lambda ledger: ledger.repool({}, "marketplace", key="k"),
    "send": lambda ledger: ledger.send("t-2", {}, "lille", key="k"),
    "arrive": lambda ledger: ledger.arrive("t-1", {}, key="k"),
    "lose": lambda ledger: ledger.lose("t-1", {}, key="k"),
}


@pytest.mark.parametrize("verb", NOTHING)
def test_a_command_with_nothing_to_do_is_refused_and_leaves_its_key_free(verb: str) -> None:
    ledger = opened()
    with pytest.raises(InvalidValue, match=r"nothing is wanted|nothing to do|nothing to release|says nothing"):
        NOTHING[verb](ledger)
    ledger.receive({SHELF: 1}, key="k")


WRONG: tuple[Any, ...] = (
    None,
    5,
    -1,
    1.5,
    True,
    "",
    " ",
    "nobody",
    [],
    {},
    [None],
    NAIVE,
    SHELF,
    [SHELF],
    {SHELF: "2"},
    {SHELF: 0},
    {"A": 1},
    {5: 1},
    {("A", "ghent"): 1},
    {Cell("A", None): 1},  # type: ignore[arg-type]
    [Want("A", 1), "B"],
)


def test_no_verb_answers_a_wrong_argument_with_an_error_from_its_depths() -> None:
    ledger = opened()
    right: dict[str, Any] = {"cells": {SHELF: 1}, "stock": {SHELF: 1}, "counted": {SHELF: 3}, "wants": [Want("A", 1)]}
    right |= {"reservation": "ord-1", "transfer": "t-1", "cell": SHELF, "item": "A", "node": "ghent", "units": 1}
    tried = 0
    for verb in (name for name in dir(Ledger) if name[0] != "_" and name not in ("in_memory", "fork")):
        named = inspect.signature(getattr(ledger, verb)).parameters
        needed = {name: right.get(name, "x") for name, one in named.items() if one.default is inspect.Parameter.empty}
        for name in named:
            for value in WRONG:
                tried += 1
                try:
                    getattr(ledger, verb)(**{**needed, name: value})
                except OmsError:
                    continue
    assert tried > 2_000
    assert ledger.verify().ok
    # What was taken in among all these is still served and counted: nothing that was accepted is poison.
    ledger.reserve("ord-9", [Want("A", 10**6)], key="last", policy="backorder")
    ledger.receive({SHELF: 10**7}, key="last dock")
    assert ledger.backorders("A") == ()
    assert ledger.verify().ok


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (lambda x: x.reserve("o", [Want("A", 1)], key="k", priority="high"), "priority must be a whole number"),
        (lambda x: x.reserve("o", [Want("A", 1)], key="k", priority=10**12), "priority must be a whole number up to"),
        (lambda x: x.reserve("o", [Want("A", 1)], key="k", channel=5), "channel must be text, not 5"),
        (lambda x: x.reserve("o", [Want("A", 1)], key="k", quotas={"A": "5"}), "quota of 'A' must be a whole number"),
        (lambda x: x.reserve("o", [Want("A", 1)], key="k", select="fefo"), "select must be a selector of lots"),
        (lambda x: x.receive({SHELF: 1}, key="k", effective_at=NAIVE), "effective_at must carry a time zone"),
        (lambda x: x.receive([SHELF], key="k"), "units are given by cell, such as {Cell('SKU-1', 'ghent'): 2}"),
        (lambda x: x.feed("v", ["A"], key="k"), "units are given by item"),
        (lambda x: x.pick(None, {SHELF: 1}, key="k"), "reservation must be a non-empty string"),
        (lambda x: x.correct("A", 1, key="k"), "'A' is no cell"),
        (lambda x: x.correct(SHELF, "1", key="k"), "number of the entry must be a whole number"),
        (lambda x: x.expire(key="k", limit=None), "limit must be a whole number"),
        (lambda x: x.availability("A", nodes="ghent"), "nodes are a list such as ['ghent'], not 'ghent'"),
    ],
)
def test_a_wrong_argument_is_named_and_nothing_happens(command: Callable[[Any], object], message: str) -> None:
    ledger = opened()
    before = ledger.journal()
    with pytest.raises(InvalidValue) as told:
        command(ledger)
    assert message in str(told.value)
    assert ledger.journal() == before
