"""TOML text of plain data: routes and rules as arrays of tables, everything below them inline."""

from __future__ import annotations

import json
from typing import Any


def toml_text(data: dict[str, Any]) -> str:
    """A policy's plain data as TOML 1.0, which tomllib reads back to the same data."""
    lines = [f"{_key(k)} = {_inline(v)}" for k, v in data.items() if k != "routes"]
    for route in data.get("routes", ()):
        lines += ["", "[[routes]]"]
        lines += [f"{_key(k)} = {_inline(v)}" for k, v in route.items() if k != "rules"]
        for rule in route["rules"]:
            lines += ["", "[[routes.rules]]"]
            for name, value in rule.items():
                if isinstance(value, list) and value:
                    lines += [f"{_key(name)} = ["] + [f"    {_inline(v)}," for v in value] + ["]"]
                else:
                    lines.append(f"{_key(name)} = {_inline(value)}")
    return "\n".join(lines)


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() and name.isascii() else _text(name)


def _text(value: str) -> str:
    # JSON's escapes are TOML's, but for characters beyond the basic plane, which TOML takes as they are, and DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_inline(v)}" for k, v in value.items() if v is not None) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return repr(value)
