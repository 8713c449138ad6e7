"""The documentation site: plain Markdown pages, built with `sphinx-build docs docs/_build`."""

import tomllib
from pathlib import Path

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
