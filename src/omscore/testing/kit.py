"""The contract kit: a test class from which an adapter's author inherits. Needs pytest.

class TestMyStore(StoreKit):
    def make(self, tmp_path):
        return Backing(lambda clock: MyStore(tmp_path / "my.db", clock=clock))
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from omscore.errors import DefinitionError
from omscore.testing.rules import LEVELS, RULES, Backing, Level, Rule, attempt

_HINT = "the rules and what they mean stand in docs/reference/store-rules.md"


def level_of(config: Any) -> Level:
    """The level asked for: by --omscore-level where the plugin is loaded, else by OMSCORE_LEVEL, else smoke.

    >>> level_of(None) in LEVELS
    True
    """
    asked = config.getoption("--omscore-level", default=None) if config is not None else None
    asked = asked or os.environ.get("OMSCORE_LEVEL", "smoke")
    if asked not in LEVELS:
        raise DefinitionError(f"OMSCORE_LEVEL must be one of {', '.join(LEVELS)}, not {asked!r}")
    found: Level = asked
    return found


class StoreKit:
    """Every rule of a store as a test. Give `make`; name what you cannot do yet in `xfails`, with a reason.

    A rule that needs a capability which the store does not declare is skipped, and says so. A rule named in `xfails`
    must fail: when it is kept, the test fails until the line is taken out. Rules cannot be overridden, because a kit
    from which something is missing proves nothing.

    >>> class TestHalf(StoreKit):
    ...     xfails = {"R-ATOM-99": "not yet"}
    Traceback (most recent call last):
    omscore.errors.DefinitionError: TestHalf.xfails names 'R-ATOM-99', which is no rule; ...
    """

    xfails: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls) -> None:
        for id_, reason in cls.xfails.items():
            if id_ not in RULES:
                raise DefinitionError(f"{cls.__name__}.xfails names {id_!r}, which is no rule; {_HINT}")
            if not isinstance(reason, str) or not reason.strip():
                raise DefinitionError(f"{cls.__name__}.xfails names {id_!r} without a reason; say why it fails")
        for name in vars(StoreKit):
            if name.startswith("test_") and getattr(cls, name) is not vars(StoreKit)[name]:
                raise DefinitionError(f"{cls.__name__} overrides {name}; name rules in xfails with a reason instead")

    def make(self, tmp_path: Path) -> Backing:
        """A backing with nothing in it: called anew for every rule, with a folder of the rule's own.

        >>> from omscore.adapters import MemoryStore
        >>> class TestMemory(StoreKit):
        ...     def make(self, tmp_path):
        ...         return Backing(MemoryStore)
        >>> TestMemory().make(Path()).connect.__name__
        'MemoryStore'
        """
        raise NotImplementedError("give your test class a method make(self, tmp_path) that returns a Backing")

    @pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
    def test_rule(self, rule: Rule, tmp_path: Path, request: pytest.FixtureRequest) -> None:
        """Keep one rule.

        >>> StoreKit.test_rule.__name__
        'test_rule'
        """
        verdict = attempt(rule, self.make(tmp_path), level=level_of(request.config))
        told = {"rule": rule.id, "state": verdict.state, "why": verdict.why, "xfail": self.xfails.get(rule.id, "")}
        request.node.user_properties.append(("omscore_rule", told))
        if verdict.state == "skipped":
            pytest.skip(verdict.why)
        if rule.id in self.xfails:
            if verdict.state == "kept":
                pytest.fail(f"{rule.id} is kept now; take it out of xfails ({self.xfails[rule.id]})")
            pytest.xfail(self.xfails[rule.id])
        if verdict.state == "broken":
            pytest.fail(f"{rule.id} ({', '.join(rule.invariants)}): {rule.text}\n  {verdict.why}\n  {_HINT}")


__all__ = ["StoreKit", "level_of"]
