"""Who may import whom: the order of the one-way flow, read from the source."""

import sys

import pytest

from tests.architecture.source import HEIGHT, LAYERS, imports, modules, room

MODULES = modules()
RUNTIME = {"attrs", "attr", "dateutil"}


def test_every_module_has_its_place_in_the_layers() -> None:
    strangers = {room(module) for module in MODULES} - {""} - set(HEIGHT)
    assert not strangers, f"give {sorted(strangers)} a place in LAYERS (tests/architecture/source.py)"


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module: str) -> None:
    mine = room(module)
    wrong = []
    for line, target in imports(module, MODULES[module]):
        theirs = room(target) if target.split(".")[0] == "omscore" else ""
        if not mine and theirs in ("testing", "replay", "__main__"):
            wrong.append(f"line {line}: `import omscore` must not load {target}")
        elif mine and theirs and mine != theirs and HEIGHT[mine] <= HEIGHT.get(theirs, 99):
            wrong.append(f"line {line}: {mine} may not import {target}")
        elif mine and target == "omscore":
            wrong.append(f"line {line}: {mine} imports the front door; import the room instead")
    assert not wrong, f"{module}: {'; '.join(wrong)}; the order is {' > '.join(' | '.join(row) for row in LAYERS)}"


@pytest.mark.parametrize("module", MODULES)
def test_private_modules_stay_at_home(module: str) -> None:
    package = ".".join(module.split(".")[:2])
    wrong = [
        f"line {line}: {target}"
        for line, target in imports(module, MODULES[module])
        if target.startswith("omscore.")
        and any(part.startswith("_") and not part.startswith("__") for part in target.split("."))
        and not f"{target}.".startswith(f"{package}.")
    ]
    assert not wrong, f"{module} reaches into private modules: {'; '.join(wrong)}; use what the package exports"


@pytest.mark.parametrize("module", MODULES)
def test_the_library_needs_attrs_and_dateutil_and_nothing_else(module: str) -> None:
    allowed = RUNTIME | ({"hypothesis", "pytest"} if room(module) == "testing" else set())
    allowed |= {"psycopg"} if "postgres" in module else set()
    wrong = [
        f"line {line}: {target}"
        for line, target in imports(module, MODULES[module])
        if (top := target.split(".")[0]) != "omscore" and top not in sys.stdlib_module_names and top not in allowed
    ]
    assert not wrong, f"{module} imports what is no dependency: {'; '.join(wrong)}"


@pytest.mark.parametrize("module", MODULES)
def test_of_dateutil_only_three_modules_are_touched(module: str) -> None:
    fine = ("dateutil.rrule.", "dateutil.relativedelta.", "dateutil.easter.")
    wrong = [
        f"line {line}: {target}"
        for line, target in imports(module, MODULES[module])
        if target.split(".")[0] == "dateutil" and not target.startswith(fine)
    ]
    assert not wrong, f"{module}: {'; '.join(wrong)}; zones are zoneinfo's, times are parsed by datetime"
