"""One spelling, no unfinished corners, and files of a size that a reader can hold."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGE, ROOT, text_files, tree

# Stems of British spellings, looked for in lower case; `cancelled` is the name of a state and stays.
BRITISH = re.compile(
    r"\b(?:(?:dis|un|mis|re|multi)?(?:"
    r"(?:colou|behaviou|favou|flavou|harbou|honou|humou|labou|neighbou|rumou|vapou|endeavou)r\w*"
    r"|(?:kilo|centi|milli)?met(?:re)s?|(?:milli)?litres?|cent(?:re)[sd]?|fib(?:re)s?|theat(?:re)s?|cal(?:ibre)s?"
    r"|fulfil(?:s|ment|ments)?|skilful|enrol(?:s|ment)?|instal(?:ment|ments)"
    r"|(?:author|organ|recogn|optim|minim|maxim|priorit|normal|initial|serial|summar|final|util|custom|local|synchron"
    r"|special|general|visual|emphas|categor|real|equal|central|character|memo|random|token|material|anonym|apolog"
    r"|capital|critic|formal|harmon|penal|standard|stabil|symbol)is(?:e[sdr]?|ing|ation|ations|able)"
    r"|(?:anal|paral|catal)ys(?:e[sdr]?|ing)|catalogue[sd]?|dialogues?|analogues?"
    r"|(?:label|travel|model|channel|level|signal|total|tunnel|counsel|fuel|parcel)l(?:ed|ing|er|ers)"
    r"|grey(?:s|ed)?|licence[sd]?|defence|offence|pretence|cheques?|tyres?|storeys?|whilst|amongst|learnt|spelt"
    r"|judgement|acknowledgement|programme[sd]?|artefacts?|sceptic\w*|aluminium|mould\w*|plough\w*|jewellery|cosy"
    r"))\b"
)
MACHINE_PATH = re.compile(r"(?<![\w.~$}])/(?:home|Users|root|work|tmp|var|opt|mnt|srv|workspace)/\w|[A-Z]:\\+Users\\")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|HACK|TBD)\b")
CODE_LINES_MAX = 500

FILES = [path for path in text_files() if path.resolve() != Path(__file__).resolve()]


@cache
def _text(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")


def _hits(pattern: re.Pattern[str], *, lowered: bool = False) -> list[str]:
    found = []
    for path in FILES:
        text = _text(path).lower() if lowered else _text(path)
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{path.relative_to(ROOT)}:{line}: {match[0]}")
    return found


def test_spelling_is_american() -> None:
    assert _hits(BRITISH, lowered=True) == []


def test_the_project_speaks_of_no_machine_but_the_readers() -> None:
    assert _hits(MACHINE_PATH) == []


def test_nothing_is_left_unfinished() -> None:
    assert _hits(UNFINISHED) == []


def _code_lines(path: Path) -> int:
    """Lines that are neither blank, nor comment, nor docstring."""
    silent: set[int] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            silent.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(path.read_text("utf-8").splitlines(), start=1)
    return sum(1 for n, line in lines if n not in silent and line.strip() and not line.strip().startswith("#"))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_is_short_enough_to_read(path: Path) -> None:
    assert _code_lines(path) <= CODE_LINES_MAX, "split it where a reader would lose the thread"
