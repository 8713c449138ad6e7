"""The checks of this folder see what they are there to see."""

import ast
from pathlib import Path

import pytest

from tests.architecture.source import HEIGHT, imports
from tests.architecture.test_purity import impure_calls
from tests.architecture.test_text import BRITISH, MACHINE_PATH


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("import omscore.routing", "omscore.routing"),
        ("from omscore import routing", "omscore.routing"),
        ("from omscore.routing import Policy", "omscore.routing.Policy"),
        ("from ..routing import Policy", "omscore.routing.Policy"),
        ("from .. import routing", "omscore.routing"),
        ("from ._cells import Cell", "omscore.inventory._cells.Cell"),
        ("def f():\n    import omscore.routing", "omscore.routing"),
    ],
)
def test_an_import_is_seen_however_it_is_written(source: str, target: str, tmp_path: Path) -> None:
    path = tmp_path / "_memory.py"
    path.write_text(source)
    assert [found for _, found in imports("omscore.inventory._memory", path)] == [target]


def test_the_layers_stand_in_the_order_of_the_flow() -> None:
    flow = ["orders", "inventory", "routing", "batching", "shipping", "returns"]
    assert sorted(flow, key=HEIGHT.__getitem__) == flow
    assert HEIGHT["ports"] < HEIGHT["app"] < HEIGHT["adapters"] < HEIGHT["testing"]


@pytest.mark.parametrize(
    "source",
    [
        "open('x')",
        "datetime.now()",
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "uuid.uuid4()",
        "uuid4()",
        "rrule(DAILY)",
        "rrulestr(text, dtstart=day, cache=True)",
        "print(1)",
    ],
)
def test_a_call_that_touches_the_world_is_seen(source: str) -> None:
    assert list(impure_calls(ast.parse(source)))


@pytest.mark.parametrize("source", ["clock.now()", "rrule(DAILY, dtstart=day)", "self.open()", "datetime(2026, 1, 1)"])
def test_a_call_that_does_not_is_left_alone(source: str) -> None:
    assert not list(impure_calls(ast.parse(source)))


@pytest.mark.parametrize(
    "word", ["co" + "lour", "Ful" + "filment", "kilomet" + "res", "author" + "ised", "lab" + "elled"]
)
def test_a_british_word_is_seen(word: str) -> None:
    assert BRITISH.search(f"the {word} of it".lower())


@pytest.mark.parametrize(
    "word", ["color", "fulfillment", "parameters", "cancelled", "otherwise", "fulfill", "promised"]
)
def test_an_american_word_is_left_alone(word: str) -> None:
    assert not BRITISH.search(f"the {word} of it".lower())


def test_a_path_of_one_machine_is_seen_and_a_url_is_not() -> None:
    assert MACHINE_PATH.search("reads /" + "home/ada/shop.db")
    assert not MACHINE_PATH.search("https://example.org/home/ada and docs/tmp/x and #!/usr/bin/env bash")
