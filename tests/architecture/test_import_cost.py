"""`import omscore` is cheap, and so is the service behind it: no database, no event loop, no test tools are loaded."""

import json
import os
import subprocess
import sys

from tests.architecture.source import ROOT

CPU_MS_MAX = 160
"""Twice the budget of 80 ms, so that a busy machine fails nobody; the modules loaded are counted exactly."""

PROBE = """
import json, sys, time
before, start = set(sys.modules), time.process_time()
import omscore
{more}
spent = time.process_time() - start
print(json.dumps([spent * 1000, sorted(set(sys.modules) - before)]))
"""


WORLD = {"sqlite3", "asyncio", "hypothesis", "pytest", "multiprocessing", "http", "ssl", "psycopg"}


def _load(more: str) -> tuple[float, list[str]]:
    """Least processor time of a few runs, in milliseconds, and the modules loaded beyond the interpreter's own."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "COVERAGE_PROCESS_START")}
    runs = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", PROBE.replace("{more}", more)],
                env=env | {"PYTHONPATH": str(ROOT / "src")},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for _ in range(4)
    ]
    return min(spent for spent, _ in runs), runs[-1][1]


def _assert_frugal(loaded: list[str]) -> None:
    assert not {name.split(".")[0] for name in loaded} & WORLD
    assert not [name for name in loaded if name.startswith(("omscore.testing", "dateutil.tz", "dateutil.parser"))]


def test_importing_omscore_is_quick_and_loads_no_database_loop_or_test_tool() -> None:
    spent, loaded = _load("")
    _assert_frugal(loaded)
    assert spent < CPU_MS_MAX


def test_the_service_loads_no_database_loop_or_test_tool_either() -> None:
    spent, loaded = _load("omscore.Oms")
    _assert_frugal(loaded)
    assert spent < 10 * CPU_MS_MAX
