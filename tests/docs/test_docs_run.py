"""Every Python block of the README and the docs runs, page by page, as a reader would run it from top to bottom."""

import ast
import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest

from omscore.adapters import SqliteStore

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    page
    for page in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    if "_build" not in page.relative_to(ROOT).parts
]
LANGUAGES = {"python", "text", "console", "mermaid", "json", "toml", "sql", "csv", "html"}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FENCE = re.compile(r"^( *)(`{3,}|~{3,})([^\n`]*)\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)


def fences(text: str) -> Iterator[tuple[int, str, str]]:
    """(line on which the block's content begins, language with all that follows it, content) of each fenced block."""
    for match in FENCE.finditer(text):
        indent, body = len(match[1]), match[4]
        yield (
            text.count("\n", 0, match.start()) + 2,
            match[3].strip(),
            "".join(line[indent:] for line in body.splitlines(keepends=True)),
        )


def run_block(source: str, namespace: dict[str, object], name: str, line: int) -> None:
    """Run one block in a page's namespace: a session is compared line by line, a script has only to succeed."""
    if re.search(r"^\s*>>> ", source, re.MULTILINE):
        test = doctest.DocTestParser().get_doctest(source, {}, name, name, line - 1)
        test.globs = namespace
        said: list[str] = []
        doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append, clear_globs=False)
        assert not said, "".join(said)
    else:
        exec(_compiled(source, name, line), namespace)  # noqa: S102 - the project's own pages


def _compiled(source: str, name: str, line: int) -> CodeType:
    parsed = ast.parse(source, name)
    ast.increment_lineno(parsed, line - 1)
    return compile(parsed, name, "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stores_of_the_page: list[SqliteStore]
) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__page__"}
    for line, language, source in fences(page.read_text("utf-8")):
        if language == "python":
            run_block(source, namespace, str(page), line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_says_what_it_is_and_python_has_no_way_out(page: Path) -> None:
    odd = [
        f"line {line - 1}: {language or 'no language'!r}"
        for line, language, _ in fences(page.read_text("utf-8"))
        if language not in LANGUAGES
    ]
    assert not odd, f"{page.name}: {'; '.join(odd)}; use one of {', '.join(sorted(LANGUAGES))}, without more words"


def test_a_wrong_value_on_a_page_fails() -> None:
    with pytest.raises(AssertionError, match=r'File "page.md", line 7'):
        run_block(">>> 1 + 1\n3\n", {}, "page.md", 7)


def test_an_error_in_a_script_names_the_line_of_the_page() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        run_block("a = 1\na / 0\n", {}, "page.md", 7)
    assert caught.traceback[-1].lineno == 8 - 1  # counted from 0


def test_blocks_of_a_page_share_their_names() -> None:
    namespace: dict[str, object] = {}
    run_block("n = 2\n", namespace, "page.md", 1)
    run_block(">>> n + 1\n3\n", namespace, "page.md", 5)
    assert namespace["n"] == 2


def test_a_block_inside_a_list_is_found_and_told_apart_from_its_neighbors() -> None:
    text = "1. Do:\n\n   ```python\n   n = 1\n   ```\n\n```text\nno code\n```\n"
    assert list(fences(text)) == [(4, "python", "n = 1\n"), (8, "text", "no code\n")]
