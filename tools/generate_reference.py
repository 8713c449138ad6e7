"""Write what is generated from the code: marked parts of the docs, and the list of public names.

Run `python tools/generate_reference.py` after changing a state table, an error or a public name, look at the
difference, and commit it. A page takes a generated part between two comments:

    <!-- generated: order states -->
    <!-- end generated -->

The tests fail when a part is stale, and name the parts that exist when a page asks for another.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

from omscore import errors
from omscore.inventory import MOVES
from omscore.kernel import StateTable
from omscore.orders import UNIT_MOVES

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
API_LIST = ROOT / "tests" / "architecture" / "public_api.txt"
PART = re.compile(r"(<!-- generated: ([^>]+) -->\n).*?(<!-- end generated -->)", re.DOTALL)

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Assign | ast.AnnAssign


# --- the public names, read from the source ---------------------------------------------------------------------


@cache
def tree(module: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(file_of(module).read_text("utf-8"))


def file_of(module: str) -> Path:
    """The file in which a module is written."""
    path = SOURCE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def exported(module: str) -> list[str] | None:
    """What a module lists in `__all__`; None when it has no such list."""
    for node in tree(module).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return [str(name) for name in ast.literal_eval(node.value)]
    return None


def public_modules() -> list[str]:
    """Every module that says what it exports and has no private part in its name."""
    paths = sorted((SOURCE / "omscore").rglob("*.py"))
    names = [".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    return [name for name in sorted(names) if "._" not in name and exported(name) is not None]


def definition(module: str, name: str) -> tuple[str, Definition] | None:
    """Where a name is defined, following re-exports; None when it is a module or cannot be told from the source."""
    for node in tree(module).body:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef() if node.name == name:
                return module, node
            case ast.Assign() if any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
                return module, node
            case ast.AnnAssign(target=ast.Name(id=found)) if found == name:
                return module, node
            case ast.ImportFrom(module=str(origin), level=0) if origin.startswith("omscore"):
                for alias in node.names:
                    if (alias.asname or alias.name) == name and not file_of(f"{origin}.{alias.name}").exists():
                        return definition(origin, alias.name)
    return None


def methods(node: ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The public methods and properties that a class defines itself."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and not part.name.startswith("_"):
            yield part


def lineage(module: str, node: ast.ClassDef) -> Iterator[ast.ClassDef]:
    """A class and the classes it is put together from that no room lists: their methods are its own to users."""
    yield node
    for base in node.bases:
        found = definition(module, ast.unparse(base))
        if found is not None and isinstance(found[1], ast.ClassDef) and not _listed(*found):
            yield from lineage(found[0], found[1])


def _listed(home: str, node: Definition) -> bool:
    name = node.name if isinstance(node, ast.ClassDef) else ""
    rooms = (home.rpartition("._")[0], home) if "._" in home else (home,)
    return any(name in (exported(room) or ()) for room in rooms)


def _arguments(function: ast.FunctionDef | ast.AsyncFunctionDef, *, bound: bool) -> str:
    shown = ast.unparse(function.args)
    if bound and not any(ast.unparse(d) == "staticmethod" for d in function.decorator_list):
        shown = re.sub(r"^(self|cls)(, /)?(, |$)", "", shown)
    returns = f" -> {ast.unparse(function.returns)}" if function.returns and function.name != "__init__" else ""
    return f"({shown}){returns}"


def _fields(node: ast.ClassDef) -> str:
    shown = []
    for part in node.body:
        if not isinstance(part, ast.AnnAssign) or not isinstance(part.target, ast.Name):
            continue
        kind, value = ast.unparse(part.annotation), part.value
        if kind.startswith("ClassVar") or (value is not None and re.search(r"\binit=False\b", ast.unparse(value))):
            continue
        optional = value is not None and (
            not isinstance(value, ast.Call) or bool({word.arg for word in value.keywords} & {"default", "factory"})
        )
        shown.append(f"{part.target.id.lstrip('_')}: {kind}{' = ...' if optional else ''}")
    return f"({', '.join(shown)})" if shown else ""


def _describe(name: str, home: str, node: Definition) -> Iterator[str]:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        yield f"  {name}"
    elif isinstance(node, ast.ClassDef):
        line = list(dict.fromkeys(lineage(home, node)))
        inits = [p for one in line for p in one.body if isinstance(p, ast.FunctionDef) and p.name == "__init__"]
        built = _arguments(inits[0], bound=True) if inits else _fields(node)
        hidden = {one.name for one in line}
        bases = ", ".join(told for base in node.bases if (told := ast.unparse(base)) not in hidden)
        yield f"  class {name}{built}{f' is {bases}' if bases else ''}"
        for method in (method for one in line for method in methods(one)):
            is_property = any("property" in ast.unparse(d) for d in method.decorator_list)
            returns = f": {ast.unparse(method.returns)}" if method.returns else ""
            yield f"    .{method.name}{returns if is_property else _arguments(method, bound=True)}"
    else:
        yield f"  def {name}{_arguments(node, bound=False)}"


def api_list() -> str:
    """Every public name with its signature, as text that reads well in a difference."""
    lines = ["# Written by tools/generate_reference.py. A change here is a change for users: say it in CHANGELOG.md."]
    for module in public_modules():
        lines += ["", module]
        for name in exported(module) or ():
            found = definition(module, name)
            if module == "omscore" or found is None:
                lines.append(f"  {name}")
            else:
                lines += _describe(name, *found)
    return "\n".join(lines) + "\n"


# --- the generated parts of the docs ----------------------------------------------------------------------------


def state_tables() -> dict[str, StateTable]:
    """Every state table that a public module exports, by its name."""
    found = {}
    for module in public_modules():
        if module.startswith("omscore.testing"):
            continue
        loaded = importlib.import_module(module)
        for name in exported(module) or ():
            if isinstance(table := getattr(loaded, name), StateTable):
                found[table.name] = table
    return dict(sorted(found.items()))


def diagram(table: StateTable) -> str:
    """A state table as a mermaid diagram, which forges and the documentation site draw."""
    return f"```mermaid\n{table:mermaid}\n```\n"


def state_reference() -> str:
    """Every state table as a heading, a diagram and its rows."""
    parts = []
    for name, table in state_tables().items():
        rows = "".join(f"| `{state}` | `{command}` | `{target}` |\n" for state, command, target in table.rows())
        final = [f"`{state}`" for state in table.states if not table.allowed(state)]
        ends = f"\nFinal: {', '.join(final)}.\n" if final else ""
        parts.append(f"## {name}\n\n{diagram(table)}\n| in | command | leads to |\n|---|---|---|\n{rows}{ends}")
    return "\n".join(parts)


def unit_moves() -> str:
    """What each verb does to the units of an order line."""
    rows = "".join(
        f"| `{verb}` | {', '.join(f'`{source}`' for source in move.sources)} | `{move.target}` |"
        f" {'yes' if move.gated else 'no'} |\n"
        for verb, move in UNIT_MOVES.items()
    )
    return f"| verb | takes from | puts into | stopped by holds |\n|---|---|---|---|\n{rows}"


def ledger_moves() -> str:
    """What each verb of the ledger takes from one bucket and puts into another."""
    rows = "".join(
        f"| `{verb}` | {', '.join(f'`{source}` to `{target}`' for source, target in moves)} |\n"
        for verb, moves in MOVES.items()
    )
    return f"| verb | moves |\n|---|---|\n{rows}"


def store_rules() -> str:
    """Every rule that a store must keep."""
    return str(importlib.import_module("omscore.testing.rules").table())


def port_rules() -> str:
    """Every rule that an adapter of another port must keep."""
    return str(importlib.import_module("omscore.testing.ports").port_table())


def broken_stores() -> str:
    """Every store broken on purpose, and the rules that catch it."""
    flaws = importlib.import_module("omscore.testing.broken").FLAWS
    order = list(importlib.import_module("omscore.testing.rules").RULES)
    rows = "".join(
        f"| {flaw.name} | {flaw.text} | {', '.join(f'`{id_}`' for id_ in sorted(flaw.caught_by, key=order.index))} |\n"
        for _, flaw in sorted(flaws.items())
    )
    return f"| broken store | what is wrong with it | caught by |\n|---|---|---|\n{rows}"


def error_tree() -> str:
    """The tree of errors with the first sentence of each."""
    lines = []

    def walk(kind: type[Exception], depth: int) -> None:
        first = (kind.__doc__ or "").split("\n\n")[0]
        lines.append(f"{'  ' * depth}- `{kind.__name__}`: {' '.join(first.split())}\n")
        for child in vars(errors).values():
            if isinstance(child, type) and kind in child.__bases__:
                walk(child, depth + 1)

    walk(errors.OmsError, 0)
    return "".join(lines)


def parts() -> dict[str, Callable[[], str]]:
    """Every part that a page may ask for, by name."""
    made: dict[str, Callable[[], str]] = {
        "error tree": error_tree,
        "state tables": state_reference,
        "unit moves": unit_moves,
        "ledger moves": ledger_moves,
        "store rules": store_rules,
        "broken stores": broken_stores,
        "port rules": port_rules,
    }
    for name, table in state_tables().items():
        made[f"{name} states"] = partial(diagram, table)
    return made


def refreshed(text: str) -> str:
    """A page's text with every generated part written anew."""
    known = parts()

    def fill(match: re.Match[str]) -> str:
        if (name := match[2].strip()) not in known:
            raise LookupError(f"no generated part {name!r}; there are: {', '.join(sorted(known))}")
        return f"{match[1]}\n{known[name]().strip()}\n\n{match[3]}"

    return PART.sub(fill, text)


def pages() -> list[Path]:
    """Every page that takes generated parts."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if page.exists() and PART.search(page.read_text("utf-8"))]


def main() -> None:
    """Write what is stale and say which files changed."""
    wanted = {page: refreshed(page.read_text("utf-8")) for page in pages()} | {API_LIST: api_list()}
    for path, text in wanted.items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
