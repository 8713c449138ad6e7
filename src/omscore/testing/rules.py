"""The rules of a store, numbered, as data: the kit runs them, the reference page lists them."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from omscore.testing import (
    _rules_atomic,
    _rules_cells,
    _rules_durable,
    _rules_ledger,
    _rules_outbox,
    _rules_race,
    _rules_records,
)
from omscore.testing._bench import LEVELS, Backing, Level, Rule, RuleBroken, gathered, opened

_WRITTEN_IN = (
    _rules_atomic,
    _rules_cells,
    _rules_records,
    _rules_outbox,
    _rules_race,
    _rules_durable,
    _rules_ledger,
)

RULES: dict[str, Rule] = gathered(_WRITTEN_IN)
"""Every rule by its id, in the order of the reference page."""


@frozen
class Verdict:
    """What became of a rule: "kept", "broken" with what was seen, or "skipped" with the capability that is missing.

    >>> Verdict("R-ATOM-1", "kept").state
    'kept'
    """

    rule: str
    state: str
    why: str = ""


def attempt(rule: Rule, backing: Backing, *, level: Level = "smoke", patience_s: float = 0.15) -> Verdict:
    """Try one rule on a backing; any error but a missing capability counts as broken.

    `patience_s` is how long a rule about two clients lets one of them wait for the other.

    >>> from omscore.adapters import MemoryStore
    >>> attempt(RULES["R-ATOM-1"], Backing(MemoryStore))
    Verdict(rule='R-ATOM-1', state='kept', why='')
    >>> attempt(RULES["R-DURABLE-1"], Backing(MemoryStore)).why
    'the store does not declare durable'
    """
    with opened(backing, level=level, patience_s=patience_s) as bench:
        if missing := rule.missing(bench.capabilities):
            return Verdict(rule.id, "skipped", f"the store does not declare {', '.join(missing)}")
        try:
            rule.attempt(bench)
        except RuleBroken as broken:
            return Verdict(rule.id, "broken", str(broken))
        except Exception as error:  # noqa: BLE001 - a store that cannot answer breaks the rule
            return Verdict(rule.id, "broken", f"{type(error).__name__}: {error}")
    return Verdict(rule.id, "kept")


def table(rules: Iterable[Rule] = RULES.values()) -> str:
    """The rules as a table in Markdown, for the reference page.

    >>> print(table([RULES["R-TIME-1"]]).splitlines()[-1])
    | `R-TIME-1` | `now` is the time of the clock that the store was given, ... | I11 |  |
    """
    rows = "".join(
        f"| `{one.id}` | {one.text} | {', '.join(one.invariants)} | {', '.join(one.needs)} |\n" for one in rules
    )
    return f"| rule | a store keeps it when | invariants | only where declared |\n|---|---|---|---|\n{rows}"


__all__ = ["Level", "LEVELS", "Backing", "RuleBroken", "Rule", "RULES", "Verdict", "attempt", "table"]
