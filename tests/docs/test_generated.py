"""What pages show of the code is drawn from the code."""

from pathlib import Path

import pytest
from tools import generate_reference as reference

PAGES = reference.pages()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(reference.ROOT)))
def test_generated_parts_of_a_page_are_current(page: Path) -> None:
    text = page.read_text("utf-8")
    assert reference.refreshed(text) == text, (
        f"{page.name} is stale: run `python tools/generate_reference.py` and look at the difference"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(reference.ROOT)))
def test_every_generated_part_ends(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text.count("<!-- generated: ") == text.count("<!-- end generated -->") == len(reference.PART.findall(text))


def test_a_stale_part_is_written_anew_and_the_rest_is_left_alone() -> None:
    page = "before\n<!-- generated: error tree -->\nold\n<!-- end generated -->\nafter\n"
    fresh = reference.refreshed(page)
    assert "old" not in fresh
    assert "- `OmsError`" in fresh
    assert fresh.startswith("before\n")
    assert fresh.endswith("after\n")
    assert reference.refreshed(fresh) == fresh


def test_an_unknown_part_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(LookupError, match="error tree"):
        reference.refreshed("<!-- generated: nonsense -->\n<!-- end generated -->")
