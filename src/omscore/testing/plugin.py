"""A pytest plugin for adapters' test runs: `pytest -p omscore.testing.plugin --omscore-level=full`.

With `--omscore-report=rules.json` it writes what became of each rule: kept, broken or skipped, and why.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from omscore.testing.rules import LEVELS


def pytest_addoption(parser: Any) -> None:
    """Add --omscore-level and --omscore-report to the command line.

    >>> pytest_addoption.__name__
    'pytest_addoption'
    """
    group = parser.getgroup("omscore")
    group.addoption("--omscore-level", choices=LEVELS, default=None, help="how long the contract kit looks")
    group.addoption("--omscore-report", metavar="FILE", default=None, help="write what became of each rule, as JSON")


def pytest_configure(config: Any) -> None:
    """Register the marker that every rule of the kit carries, so that `-m omscore_rule` picks them.

    >>> pytest_configure.__name__
    'pytest_configure'
    """
    config.addinivalue_line("markers", "omscore_rule(id): one rule of omscore's contract kit")
    path = config.getoption("--omscore-report", default=None)
    if path is not None:
        config.pluginmanager.register(Report(Path(path)), "omscore-report")


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Mark the kit's tests with the ids of their rules.

    >>> pytest_collection_modifyitems([])
    """
    for item in items:
        rule = getattr(getattr(item, "callspec", None), "params", {}).get("rule")
        if rule is not None and getattr(item, "originalname", "") == "test_rule":
            item.add_marker("omscore_rule")


class Report:
    """Gathers what the kits told of each rule and writes it when the run ends.

    >>> Report(Path("rules.json")).rows
    []
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, str]] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note what a test of the kit told.

        >>> Report.pytest_runtest_logreport.__name__
        'pytest_runtest_logreport'
        """
        if report.when == "call":
            where = report.nodeid.partition("::test_rule")[0]
            self.rows += [{"kit": where, **told} for name, told in report.user_properties if name == "omscore_rule"]

    def pytest_sessionfinish(self) -> None:
        """Write the file.

        >>> Report.pytest_sessionfinish.__name__
        'pytest_sessionfinish'
        """
        counts = Counter(row["state"] for row in self.rows)
        self.path.write_text(json.dumps({"counts": counts, "rules": self.rows}, indent=1) + "\n", "utf-8")


__all__ = ["Report", "pytest_addoption", "pytest_configure", "pytest_collection_modifyitems"]
