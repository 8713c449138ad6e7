"""The rules bite: each broken store is caught, at the shortest level, by the rules named for it and by no others."""

from functools import cache

import pytest

from omscore.adapters import MemoryStore
from omscore.testing import RULES, Backing, attempt
from omscore.testing.broken import FLAWS
from omscore.testing.rules import Verdict


@cache
def verdicts(name: str) -> tuple[Verdict, ...]:
    flaw = FLAWS[name]
    # Only where two clients really get between each other does it matter how long one waits for the other.
    patience_s = 0.3 if flaw.concurrent else 0.005
    return tuple(attempt(rule, flaw.backing(), patience_s=patience_s) for rule in RULES.values())


@pytest.mark.parametrize("name", FLAWS)
def test_a_broken_store_is_caught_by_exactly_its_rules(name: str) -> None:
    broken = {v.rule for v in verdicts(name) if v.state == "broken"}
    assert broken - FLAWS[name].sometimes == FLAWS[name].caught_by


def test_there_are_enough_of_them_and_each_says_what_it_is() -> None:
    assert len(FLAWS) >= 30
    assert all(flaw.text.endswith(".") and flaw.caught_by for flaw in FLAWS.values())
    assert {id_ for flaw in FLAWS.values() for id_ in flaw.caught_by | flaw.sometimes} <= set(RULES)


def test_most_rules_of_one_process_are_the_only_ones_to_catch_something() -> None:
    """A rule that never catches alone may be a copy of others; these are known, and the list only gets shorter."""
    alone = {next(iter(flaw.caught_by)) for flaw in FLAWS.values() if len(flaw.caught_by) == 1}
    assert len(alone) >= 20


def test_the_whole_store_keeps_every_rule_under_the_same_short_patience() -> None:
    kept = [attempt(rule, Backing(MemoryStore), patience_s=0.005) for rule in RULES.values()]
    assert [v for v in kept if v.state == "broken"] == []
