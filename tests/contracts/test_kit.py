"""The kit cannot be talked out of a rule."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from omscore.adapters import MemoryStore
from omscore.errors import DefinitionError
from omscore.testing import RULES, Backing, attempt
from omscore.testing.broken import FLAWS
from omscore.testing.kit import StoreKit
from omscore.testing.rules import Rule


def test_a_rule_cannot_be_overridden() -> None:
    with pytest.raises(DefinitionError, match="overrides test_rule"):
        type("TestSly", (StoreKit,), {"test_rule": lambda self: None})


def test_an_expected_failure_needs_a_known_rule_and_a_reason() -> None:
    with pytest.raises(DefinitionError, match="no rule"):
        type("TestSly", (StoreKit,), {"xfails": {"R-NONE-1": "why not"}})
    with pytest.raises(DefinitionError, match="without a reason"):
        type("TestSly", (StoreKit,), {"xfails": {"R-ATOM-1": " "}})


class Late(StoreKit):
    xfails = {"R-TIME-2": "its clock goes back", "R-TIME-1": "nothing is wrong with it"}  # noqa: RUF012 - as authors do

    def make(self, tmp_path: Path) -> Backing:
        return FLAWS["clock-goes-back"].backing()


def test_an_expected_failure_is_strict(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with pytest.raises(pytest.xfail.Exception, match="its clock goes back"):
        Late().test_rule(RULES["R-TIME-2"], tmp_path, request)
    with pytest.raises(pytest.fail.Exception, match="is kept now"):
        Late().test_rule(RULES["R-TIME-1"], tmp_path, request)


def test_a_broken_rule_says_which_and_what_was_seen(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    class Broken(StoreKit):
        def make(self, tmp_path: Path) -> Backing:
            return FLAWS["key-ignored"].backing()

    with pytest.raises(pytest.fail.Exception, match=r"R-KEY-1 \(I8\): A key keeps its first"):
        Broken().test_rule(RULES["R-KEY-1"], tmp_path, request)


def test_what_is_not_declared_is_skipped_aloud(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    class Memory(StoreKit):
        def make(self, tmp_path: Path) -> Backing:
            return Backing(MemoryStore)

    with pytest.raises(pytest.skip.Exception, match="does not declare durable"):
        Memory().test_rule(RULES["R-DURABLE-1"], tmp_path, request)


@pytest.mark.parametrize("rule", [rule for rule in RULES.values() if not rule.needs], ids=lambda rule: rule.id)
def test_a_longer_look_finds_no_more_in_a_store_that_is_right(rule: Rule) -> None:
    assert attempt(rule, Backing(MemoryStore), level="full").why == ""


def test_a_report_says_what_became_of_each_rule(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "from omscore.adapters import MemoryStore\n"
        "from omscore.testing import Backing\n"
        "from omscore.testing.broken import FLAWS\n"
        "from omscore.testing.kit import StoreKit\n\n\n"
        "class TestMine(StoreKit):\n"
        "    def make(self, tmp_path):\n"
        "        return Backing(MemoryStore)\n\n\n"
        "class TestLate(StoreKit):\n"
        "    xfails = {'R-TIME-2': 'its clock goes back'}\n\n"
        "    def make(self, tmp_path):\n"
        "        return FLAWS['clock-goes-back'].backing()\n"
    )
    chosen = ["-k", "R-TIME-2 or R-DURABLE-1", "-p", "no:cacheprovider", "-p", "omscore.testing.plugin"]
    command = [sys.executable, "-m", "pytest", "-q", *chosen, "--omscore-report=rules.json"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    told = json.loads((tmp_path / "rules.json").read_text())
    assert told["counts"] == {"kept": 1, "broken": 1, "skipped": 2}
    rows = {(row["kit"].rpartition("::")[2], row["rule"]): row for row in told["rules"]}
    assert rows["TestLate", "R-TIME-2"]["xfail"] == "its clock goes back"
    assert rows["TestMine", "R-TIME-2"]["state"] == "kept"
    assert rows["TestMine", "R-DURABLE-1"]["why"] == "the store does not declare durable"
