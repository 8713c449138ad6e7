"""The source as syntax trees: what the architecture tests ask about, without importing anything."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "omscore"

# Left may import right, never back; names of one row never meet. The command line stands above all it wires together.
LAYERS = (
    ("__main__",),
    ("replay",),
    ("testing",),
    ("adapters",),
    ("app",),
    ("ports",),
    ("codec", "simulate", "samples"),
    ("oversight",),
    ("returns",),
    ("shipping",),
    ("batching",),
    ("routing",),
    ("inventory",),
    ("payments", "orders"),
    ("kernel",),
    ("render", "errors"),
)
HEIGHT = {name: len(LAYERS) - i for i, row in enumerate(LAYERS) for name in row}


def modules() -> dict[str, Path]:
    """Dotted name -> file, for every module of the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ["omscore", *path.relative_to(PACKAGE).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def room(module: str) -> str:
    """The name in LAYERS to which a module belongs; empty for the package's own front door."""
    return [*module.split("."), ""][1]


@cache
def imports(module: str, path: Path) -> tuple[tuple[int, str], ...]:
    """(line, dotted target) of every import anywhere in a file; `from a import b` gives `a.b`."""
    return tuple(_imports(module, path))


def _imports(module: str, path: Path) -> Iterator[tuple[int, str]]:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def text_files() -> list[Path]:
    """Every file of the project that people read, as version control lists it or as it lies there."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = listed.stdout.splitlines() if listed.returncode == 0 else []
    folders = ("src", "tests", "docs", "examples", "benchmarks", "tools")
    lying = [*ROOT.glob("*.md"), *(path for folder in folders for path in ROOT.glob(f"{folder}/**/*"))]
    paths = [ROOT / name for name in names] or lying
    wanted = {".py", ".md", ".toml", ".cfg", ".yml", ".yaml", ".json", ".sh", ".svg", ".html", ""}
    return sorted(p for p in paths if p.is_file() and p.suffix in wanted)
