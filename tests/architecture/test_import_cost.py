"""`import omscore` is cheap: it loads no database, no event loop and no test tools."""

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
spent = time.process_time() - start
print(json.dumps({"ms": spent * 1000, "loaded": sorted(set(sys.modules) - before)}))
"""


def _import_once() -> dict[str, object]:
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "COVERAGE_PROCESS_START")}
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        env=env | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_importing_omscore_is_quick_and_loads_no_database_loop_or_test_tool() -> None:
    runs = [_import_once() for _ in range(4)]
    loaded = runs[-1]["loaded"]
    assert isinstance(loaded, list)
    tops = {name.split(".")[0] for name in loaded}
    assert not tops & {"sqlite3", "asyncio", "hypothesis", "pytest", "multiprocessing", "http", "ssl", "psycopg"}
    assert not [name for name in loaded if name.startswith(("omscore.testing", "dateutil.tz", "dateutil.parser"))]
    assert min(float(str(run["ms"])) for run in runs) < CPU_MS_MAX
