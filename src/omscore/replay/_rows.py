"""Reading rows from files: plain or gzipped CSV and JSON lines, with every fault named by file, row and field."""

from __future__ import annotations

import csv
import gzip
import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omscore.errors import ChannelError
from omscore.kernel import QUANTITY_MAX
from omscore.replay._day import Rejected

ROW = "#row"
"""Under this name each row carries its number in the file, the header being row 1."""


def find(folder: Path, stem: str) -> Path | None:
    """A file by its name without .gz, plain or gzipped."""
    for name in (stem, f"{stem}.gz"):
        if (folder / name).is_file():
            return folder / name
    return None


def need(folder: Path, stem: str) -> Path:
    """A file that must be there; raises ChannelError naming what is missing."""
    found = find(folder, stem)
    if found is None:
        raise ChannelError(f"{folder}: the file {stem} (or {stem}.gz) is missing; put it there or name another folder")
    return found


def _lines(path: Path, rejected: list[Rejected]) -> Iterator[str]:
    """A file's lines; a file that ends half-way gives what is whole and says so."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as text:
        number = 0
        try:
            for line in text:
                number += 1
                yield line
        except (EOFError, zlib.error, gzip.BadGzipFile) as broken:
            why = f"the file ends half-way or is damaged ({broken}); rows from here on are lost, get it again"
            rejected.append(Rejected(path.name, number + 1, why))
        except UnicodeDecodeError as wrong:
            why = f"not UTF-8 text ({wrong.reason}); rows from here on are lost, save it as UTF-8"
            rejected.append(Rejected(path.name, number + 1, why))


def table(path: Path, columns: Sequence[str], rejected: list[Rejected]) -> list[dict[str, str]]:
    """The rows of a CSV file that has these columns; rows with too few or too many fields are rejected by number.

    Raises ChannelError when a column is missing.
    """
    reader = csv.reader(_lines(path, rejected))
    header = next(reader, None)
    if header is None:
        raise ChannelError(f"{path.name}: the file is empty; its first row must name the columns {', '.join(columns)}")
    missing = [name for name in columns if name not in header]
    if missing:
        raise ChannelError(f"{path.name}, row 1: column {missing[0]!r} is missing; the columns are {', '.join(header)}")
    rows: list[dict[str, str]] = []
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return rows
        except csv.Error as wrong:
            rejected.append(Rejected(path.name, reader.line_num, f"not CSV: {wrong}; rows from here on are lost"))
            return rows
        if not cells:
            continue
        row = dict(zip(header, cells, strict=False)) | {ROW: str(reader.line_num)}
        if len(cells) != len(header):
            why = f"{len(cells)} fields instead of {len(header)}; the row is cut or has a stray comma"
            rejected.append(Rejected(path.name, reader.line_num, why))
            row["#broken"] = "yes"
        rows.append(row)


def objects(path: Path, rejected: list[Rejected]) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row, object) of a JSON-lines file; a line that is no object is rejected by number."""
    for number, line in enumerate(_lines(path, rejected), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as wrong:
            rejected.append(
                Rejected(path.name, number, f"not JSON: {wrong.msg} at column {wrong.colno}; mend the line")
            )
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            rejected.append(Rejected(path.name, number, f"expected an object, not {type(value).__name__}"))


def figure(row: Mapping[str, str], name: str) -> int:
    """A whole number from 0 to the largest quantity, from a column; raises ChannelError naming the field."""
    text = row[name].strip()
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(QUANTITY_MAX)) and int(text) <= QUANTITY_MAX):
        raise ChannelError(f"field {name!r} must be a whole number from 0 to {QUANTITY_MAX}, not {text!r}")
    return int(text)


def filled(row: Mapping[str, str], name: str) -> str:
    """The text of a column that must not be empty; raises ChannelError naming the field."""
    text = row[name].strip()
    if not text:
        raise ChannelError(f"field {name!r} is empty; fill it in")
    return text


def number(row: Mapping[str, str], name: str) -> float:
    """A finite number from a column; raises ChannelError naming the field."""
    try:
        value = float(row[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ChannelError(f"field {name!r} must be a number, not {row[name]!r}")
    return value


def good_groups(
    path: Path, rows: Sequence[dict[str, str]], key: str, rejected: list[Rejected]
) -> Iterator[list[dict[str, str]]]:
    """Rows grouped by a column; a group with a broken row is left out whole, since half an order is no order."""
    groups: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault(row.get(key, ""), []).append(row)
    for name, group in groups.items():
        broken = [row for row in group if "#broken" in row]
        if broken:
            if len(group) > len(broken):
                why = f"order {name!r} has {len(group) - len(broken)} good rows and a broken one; it is left out whole"
                rejected.append(Rejected(path.name, int(broken[0][ROW]), why))
        else:
            yield group
