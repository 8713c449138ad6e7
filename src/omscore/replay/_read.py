"""Which format a folder is in, told by its files."""

from __future__ import annotations

from pathlib import Path

from omscore.errors import ChannelError
from omscore.replay import _brunel, _olist, _own, _uk
from omscore.replay._day import Day
from omscore.replay._rows import find

# The file that gives a format away, and its reader.
FORMATS = (
    ("orders.jsonl", _own.read),
    ("sales_lines.csv", _uk.read),
    ("lines.csv", _olist.read),
    ("ProductsPerPlant.csv", _brunel.read),
)


def read(folder: Path) -> Day:
    """Read a folder of days in any of the known formats.

    Raises ChannelError for a folder that is not there or holds none of them; rows that are wrong are listed in the
    day's `rejected`, and the rest goes on.

    >>> read(Path("no such folder"))
    Traceback (most recent call last):
    omscore.errors.ChannelError: no such folder is no folder; name the folder that holds the day's files
    """
    if not folder.is_dir():
        raise ChannelError(f"{folder} is no folder; name the folder that holds the day's files")
    for stem, reader in FORMATS:
        if find(folder, stem) is not None:
            day = reader(folder)
            if not day.wishes:
                raise ChannelError(f"{folder}: no order could be read; the first fault: {(*day.rejected, 'none')[0]}")
            return day
    known = ", ".join(stem for stem, _ in FORMATS)
    raise ChannelError(f"{folder} holds no orders: none of the files {known} (plain or .gz) is there")
