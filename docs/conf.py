"""The documentation site: plain Markdown pages, built with `sphinx-build docs docs/_build`."""

import tomllib
from pathlib import Path
from typing import Any

_PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]

project = _PROJECT["name"]
version = release = _PROJECT["version"]
author = copyright = "the omscore contributors"

extensions = ["myst_parser", "sphinxcontrib.mermaid"]
exclude_patterns = ["_build"]
root_doc = "index"
html_theme = "furo"
html_title = f"{project} {version}"

# Pages are written for a forge first: fences named mermaid are drawn, headings are link targets.
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 3

# The index is plain Markdown for a forge; the site's own sidebar is added to it here.
_SIDEBAR = """
```{toctree}
:hidden:
:glob:

tutorial/*
how-to/*
reference/*
explanation/*
```
"""


def _add_sidebar(_app: Any, page: str, source: list[str]) -> None:
    if page == root_doc:
        source[0] += _SIDEBAR


def setup(app: Any) -> None:
    """Hook the sidebar into the build."""
    app.connect("source-read", _add_sidebar)
