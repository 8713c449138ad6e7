"""What is public is said once, listed in full, and shown by an example that runs."""

import ast
import importlib

import pytest
from tools import generate_reference as reference

from tests.architecture.source import modules, tree

PUBLIC = reference.public_modules()
NAMES = [(module, name) for module in PUBLIC for name in reference.exported(module) or ()]


def _bound(module: str) -> set[str]:
    """The public names a module binds at its top: its own, and for a package those of omscore it re-exports."""
    path, names = modules()[module], set()
    for node in tree(path).body:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                names.add(node.name)
            case ast.Assign():
                names.update(target.id for target in node.targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.ImportFrom(module=str(origin)) if path.name == "__init__.py" and origin.startswith("omscore"):
                names.update(alias.asname or alias.name for alias in node.names)
    return {name for name in names if not name.startswith("_")}


def _type_variables(module: str) -> set[str]:
    return {
        target.id
        for node in tree(modules()[module]).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        for target in node.targets
        if isinstance(target, ast.Name) and ast.unparse(node.value.func) in ("TypeVar", "ParamSpec")
    }


@pytest.mark.parametrize(
    "module", [m for m in modules() if m.count(".") <= 1 and not m.rpartition(".")[2].startswith("_")]
)
def test_a_room_lists_exactly_what_it_binds(module: str) -> None:
    listed = reference.exported(module)
    bound = _bound(module) - _type_variables(module)
    assert listed is not None or not bound, f"{module} binds {sorted(bound)} and has no __all__"
    names = listed or []
    assert len(names) == len(set(names)), f"{module}.__all__ names something twice"
    assert not bound - set(names), f"{module} binds public names that __all__ lacks: {sorted(bound - set(names))}"


@pytest.mark.parametrize("module", PUBLIC)
def test_every_listed_name_is_there(module: str) -> None:
    if module.startswith("omscore.testing"):
        pytest.importorskip("hypothesis")
    loaded = importlib.import_module(module)
    missing = [name for name in reference.exported(module) or () if not hasattr(loaded, name)]
    assert not missing, f"{module}.__all__ lists what is not there: {missing}"


def _undocumented(where: str, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    text = ast.get_docstring(node) or ""
    if not text:
        return [f"{where} has no docstring"]
    faults = []
    if text.split("\n\n")[0].rstrip()[-1] not in ".:?":
        faults.append(f"{where}: the docstring does not begin with a sentence")
    if ">>> " not in text:
        faults.append(f"{where} shows no example")
    return faults


@pytest.mark.parametrize(("module", "name"), NAMES, ids=[f"{m}.{n}" for m, n in NAMES])
def test_a_public_name_is_explained_and_shown_by_an_example(module: str, name: str) -> None:
    if (found := reference.definition(module, name)) is None:
        return  # a module, which its own docstring explains
    home, node = found
    where = f"{module}.{name}"
    if isinstance(node, ast.Assign | ast.AnnAssign):
        body = reference.tree(home).body
        after = body[body.index(node) + 1 : body.index(node) + 2]
        above = reference.file_of(home).read_text("utf-8").splitlines()[node.lineno - 2]
        told = above.startswith("#") or any(
            isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant) for n in after
        )
        assert told, f"say what {where} is: a docstring below it or a comment above it"
        return
    faults = _undocumented(where, node)
    line = reference.lineage(home, node) if isinstance(node, ast.ClassDef) else ()
    for method in (method for one in line for method in reference.methods(one)):
        if not any("overload" in ast.unparse(d) or ".setter" in ast.unparse(d) for d in method.decorator_list):
            faults += _undocumented(f"{where}.{method.name}", method)
    assert not faults, "; ".join(faults)


@pytest.mark.parametrize("module", modules())
def test_every_module_says_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(tree(modules()[module])), f"{module} has no docstring"


def test_the_list_of_public_names_is_current() -> None:
    assert reference.api_list() == reference.API_LIST.read_text("utf-8"), (
        "public names changed: run `python tools/generate_reference.py`, look at the difference of "
        "tests/architecture/public_api.txt, and tell users in CHANGELOG.md"
    )
