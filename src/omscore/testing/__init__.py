"""Tools for those who write adapters: the rules of a store, a kit that runs them, faults, a model and a simulation.

`omscore.testing.kit` needs pytest, `omscore.testing.strategies` needs hypothesis; nothing else here does.
"""

from omscore.testing.rules import LEVELS, RULES, Backing, Level, Rule, RuleBroken, Verdict, attempt

__all__ = ["Level", "LEVELS", "Backing", "RuleBroken", "Rule", "RULES", "Verdict", "attempt"]
