"""Links between pages lead somewhere, headings included, and every page can be reached from the index."""

import re
from pathlib import Path

import pytest

from tests.docs.test_docs_run import FENCE, PAGES, ROOT

LINK = re.compile(r"(?<!\\)\[[^\]\n]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
INDEX = ROOT / "docs" / "index.md"


def _prose(page: Path) -> str:
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text("utf-8")))


def _anchors(page: Path) -> set[str]:
    """The anchors a forge gives to headings: lower case, words joined by hyphens, other signs dropped."""
    headings = re.findall(r"^#+ +(.+?) *#* *$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _targets(page: Path) -> list[tuple[str, Path, str]]:
    """(link as written, file it means, anchor) of every link of a page that stays inside the project."""
    found = []
    for link in LINK.findall(_prose(page)):
        if not re.match(r"[a-z][a-z0-9+.-]*:", link):
            path, _, anchor = link.partition("#")
            found.append((link, (page.parent / path).resolve() if path else page.resolve(), anchor))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    dead = [
        link
        for link, target, anchor in _targets(page)
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in _anchors(target))
    ]
    assert not dead, f"{page.relative_to(ROOT)} links to what is not there: {', '.join(dead)}"


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, frontier = {INDEX}, [INDEX]
    while frontier:
        for _, target, _ in _targets(frontier.pop()):
            if target.suffix == ".md" and target.exists() and target not in reached:
                reached.add(target)
                frontier.append(target)
    lost = [str(page.relative_to(ROOT)) for page in PAGES if page not in reached and INDEX.parent in page.parents]
    assert not lost, f"link these pages from docs/index.md: {', '.join(lost)}"
