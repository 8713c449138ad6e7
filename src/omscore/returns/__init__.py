"""Return: goods that come back, and what becomes of them."""

from omscore.returns._claim import CLAIM_STATES, Claim
from omscore.returns._policy import ANY_TIME, ReturnPolicy
from omscore.returns._return import DISPOSITIONS, RETURN_STATES, Return, ReturnLine

__all__ = ["RETURN_STATES", "DISPOSITIONS", "ReturnLine", "Return", "ReturnPolicy", "ANY_TIME", "CLAIM_STATES", "Claim"]
