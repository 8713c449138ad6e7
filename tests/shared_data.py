"""Published data that is not shipped: tests read it where it lies and skip, saying so, where it does not."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def shared(*parts: str) -> Path:
    """A path under the shared data folder beside the checkout (or in OMSCORE_SHARED); skips the test when absent."""
    base = Path(os.environ.get("OMSCORE_SHARED", ROOT.parent / "shared"))
    path = base.joinpath("data", *parts)
    if not path.exists():
        pytest.skip(f"needs the published data set {'/'.join(parts)}, which is not shipped with the project")
    return path
