"""The core reads no clock, draws no randomness and touches no file: below the ports everything is a pure function."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import HEIGHT, imports, modules, room, tree

CORE = {m: p for m, p in modules().items() if room(m) and HEIGHT.get(room(m), 99) < HEIGHT["ports"]}
WORLD = {
    *("sqlite3", "asyncio", "socket", "threading", "logging", "random", "os", "pathlib", "hypothesis", "pytest"),
    *("time", "io", "secrets", "tempfile", "shutil", "glob", "subprocess", "multiprocessing", "concurrent", "select"),
    *("signal", "ssl", "http", "urllib", "selectors", "contextvars", "queue", "sched", "getpass", "locale", "platform"),
}
CLOCKS = {"now", "utcnow", "today"}


@pytest.mark.parametrize("module", CORE)
def test_the_core_imports_nothing_that_touches_the_world(module: str) -> None:
    wrong = [f"line {n}: {t}" for n, t in imports(module, CORE[module]) if t.split(".")[0] in WORLD]
    assert not wrong, f"{module}: {'; '.join(wrong)}; take it from the caller as a value or a callable"


def impure_calls(parsed: ast.Module) -> Iterator[str]:
    for node in ast.walk(parsed):
        if isinstance(node, ast.Call):
            keywords = {word.arg for word in node.keywords}
            match node.func:
                case ast.Name(id="open" | "input" | "print" | "breakpoint" as name):
                    yield f"line {node.lineno}: {name}()"
                case ast.Name(id="rrule" | "rrulestr" as name) if "dtstart" not in keywords:
                    yield f"line {node.lineno}: {name}() without dtstart reads the clock"
                case ast.Attribute(value=ast.Name(id="datetime" | "date"), attr=name) if name in CLOCKS:
                    yield f"line {node.lineno}: {name}() reads the clock"
                case ast.Attribute(value=ast.Attribute(attr="datetime" | "date"), attr=name) if name in CLOCKS:
                    yield f"line {node.lineno}: {name}() reads the clock"
            if "cache" in keywords and isinstance(node.func, ast.Name) and node.func.id.startswith("rrule"):
                yield f"line {node.lineno}: a cached rule hangs on dateutil 2.9"
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name in ("uuid1", "uuid4", "getnode"):
                yield f"line {node.lineno}: {name} draws an id"


@pytest.mark.parametrize("module", CORE)
def test_the_core_calls_no_clock_no_file_and_no_id_maker(module: str) -> None:
    wrong = list(impure_calls(tree(CORE[module])))
    assert not wrong, f"{module}: {'; '.join(wrong)}"


@pytest.mark.parametrize("module", CORE)
def test_the_core_keeps_no_state_of_its_own(module: str) -> None:
    """No `global` statement: what changes is given in and comes out."""
    wrong = [f"line {n.lineno}" for n in ast.walk(tree(CORE[module])) if isinstance(n, ast.Global)]
    assert not wrong, f"{module}: {'; '.join(wrong)}"
