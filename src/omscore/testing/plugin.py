"""A pytest plugin for adapters' test runs: `pytest -p omscore.testing.plugin --omscore-level=full`."""

from __future__ import annotations

from typing import Any

from omscore.testing.rules import LEVELS


def pytest_addoption(parser: Any) -> None:
    """Add --omscore-level to the command line.

    >>> pytest_addoption.__name__
    'pytest_addoption'
    """
    group = parser.getgroup("omscore")
    group.addoption("--omscore-level", choices=LEVELS, default=None, help="how long the contract kit looks")


def pytest_configure(config: Any) -> None:
    """Register the marker that every rule of the kit carries, so that `-m omscore_rule` picks them.

    >>> pytest_configure.__name__
    'pytest_configure'
    """
    config.addinivalue_line("markers", "omscore_rule(id): one rule of omscore's contract kit")


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Mark the kit's tests with the ids of their rules.

    >>> pytest_collection_modifyitems([])
    """
    for item in items:
        rule = getattr(getattr(item, "callspec", None), "params", {}).get("rule")
        if rule is not None and getattr(item, "originalname", "") == "test_rule":
            item.add_marker("omscore_rule")


__all__ = ["pytest_addoption", "pytest_configure", "pytest_collection_modifyitems"]
