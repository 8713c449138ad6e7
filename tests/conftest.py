"""Settings that every test shares: hypothesis profiles, picked by the environment variable OMSCORE_PROFILE."""

import os

from hypothesis import HealthCheck, settings

# `ci` is the default, so that the same commit gives the same answer everywhere; `deep` is for a long look by hand.
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ci", max_examples=60, derandomize=True, print_blob=True, **_COMMON)
settings.register_profile("dev", max_examples=60, **_COMMON)
settings.register_profile("deep", max_examples=3_000, **_COMMON)
settings.load_profile(os.environ.get("OMSCORE_PROFILE", "ci"))
