"""The table of what always holds names, for each invariant, a test that holds it on every store."""

import inspect
import re
from pathlib import Path

from omscore.testing.rules import RULES
from tests.fresh import KINDS
from tests.machines import test_ledger_machine as machine
from tests.properties import test_ledger_invariants as properties

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "ledger.md"
ROWS = re.findall(r"^\| (I\d+) \| .+? \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)


def test_every_invariant_is_held_on_every_store() -> None:
    assert [number for number, _ in ROWS] == [f"I{n}" for n in range(1, 25)]
    runs = inspect.signature(machine.test_the_ledger_keeps_its_promises_on_every_store).parameters
    for number, told in ROWS:
        held_by = re.findall(r"(machine: )?`(\w+)`", told)
        assert held_by, f"{number} names no test"
        for in_machine, name in held_by:
            if in_machine:
                assert "fresh" in runs
                source = inspect.getsource(getattr(machine.LedgerMachine, name))
                assert re.search(rf"\b{number}\b", source), f"{name} is not about {number}"
            else:
                assert f"_{number.lower()}_" in name, f"{name} is not about {number}"
                assert "fresh" in inspect.signature(getattr(properties, name)).parameters, f"{name} is of one store"
    assert KINDS == ("memory", "sqlite", "postgres")


def test_every_property_of_every_store_is_in_the_table_and_every_rule_is_about_one_of_them() -> None:
    named = " ".join(told for _, told in ROWS)
    for name, test in vars(properties).items():
        if name.startswith("test_i") and "fresh" in inspect.signature(test).parameters:
            assert f"`{name}`" in named, f"{name} is missing from the table"
    numbers = {number for number, _ in ROWS}
    for rule in RULES.values():
        assert set(rule.invariants) <= numbers, f"{rule.id} is about an invariant that is not in the table"
