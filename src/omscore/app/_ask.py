"""What those know who are asked about a draft before it is captured, outside of any transaction."""

from __future__ import annotations

from omscore.app._wiring import Wiring
from omscore.orders import Draft, Finding, Risk, verified


def about(wiring: Wiring, draft: Draft) -> tuple[Finding, ...]:
    """What the address verifier and the fraud scorer say; where one of them fails, a person looks."""
    return (*_address(wiring, draft), *_risk(wiring, draft))


def _address(wiring: Wiring, draft: Draft) -> tuple[Finding, ...]:
    if wiring.verifier is None or draft.ship_to is None:
        return ()
    try:
        problems = wiring.verifier.problems(draft.ship_to)
        if isinstance(problems, str) or not all(isinstance(problem, str) for problem in problems):
            raise TypeError("what is wrong with an address is told as a list of texts")
        return verified(list(problems))
    except Exception as failed:  # noqa: BLE001 - a port is a host's code: whatever it raises, nobody could say
        return verified([f"no answer ({type(failed).__name__})"])


def _risk(wiring: Wiring, draft: Draft) -> tuple[Finding, ...]:
    if wiring.scorer is None:
        return ()
    try:
        risk = wiring.scorer.score(draft)
        if not isinstance(risk, Risk):
            raise TypeError("a fraud scorer answers with a Risk")
    except Exception as failed:  # noqa: BLE001 - a port is a host's code: whatever it raises, nobody could say
        text = f"the fraud scorer gave no answer ({type(failed).__name__})"
        return (wiring.risk_limit.finding(text, "risk.unanswered"),)
    return wiring.risk_limit.findings(risk, "risk.scorer")
