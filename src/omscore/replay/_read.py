"""Which format a folder is in, told by its files; and what must hold of a day in any format."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from attrs import evolve

from omscore.errors import ChannelError
from omscore.replay import _brunel, _olist, _own, _uk
from omscore.replay._day import Day, Rejected, TakenBack, Wish
from omscore.replay._rows import find

# The file that gives a format away, and its reader.
FORMATS = (
    ("orders.jsonl", _own.read),
    ("sales_lines.csv", _uk.read),
    ("lines.csv", _olist.read),
    ("ProductsPerPlant.csv", _brunel.read),
)

YEARS = range(1970, 2200)
"""Times outside these years are slips of the pen."""


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
            day = _sound(reader(folder))
            if not day.wishes:
                first = f"; the first fault: {day.rejected[0]}" if day.rejected else ": the file of orders is empty"
                raise ChannelError(f"{folder}: no order could be read{first}")
            return day
    known = ", ".join(stem for stem, _ in FORMATS)
    raise ChannelError(f"{folder} holds no orders: none of the files {known} (plain or .gz) is there")


def _sound(day: Day) -> Day:
    """The day without what no run could use: orders told twice, and times that cannot be."""
    rejected = list(day.rejected)
    wishes = tuple(_sound_wishes(day.wishes, rejected))
    taken_back = tuple(_sound_backs(day.taken_back, wishes, rejected))
    return evolve(day, wishes=wishes, taken_back=taken_back, rejected=tuple(rejected))


def _sound_wishes(wishes: Iterable[Wish], rejected: list[Rejected]) -> Iterable[Wish]:
    first: dict[str, Wish] = {}
    for wish in wishes:
        number = wish.draft.external_id
        same = first.setdefault(wish.id, wish)
        if same is not wish:
            told = "again" if same.draft == wish.draft else "again with other content; the first stands"
            rejected.append(Rejected(wish.file, wish.row, f"order {number!r} came {told}; it is taken once"))
        elif wish.draft.placed_at.year not in YEARS:
            why = f"order {number!r} was placed in {wish.draft.placed_at.year}; correct the time"
            rejected.append(Rejected(wish.file, wish.row, f"{why}; the order is left out"))
        elif wish.paid_at is not None and wish.paid_at.year not in YEARS:
            why = f"order {number!r} was paid in {wish.paid_at.year}; correct the time"
            rejected.append(Rejected(wish.file, wish.row, f"{why}; the order is left out"))
        elif wish.paid_at is not None and wish.paid_at < wish.draft.placed_at:
            why = f"order {number!r} was paid before it was placed; correct one of the times"
            rejected.append(Rejected(wish.file, wish.row, f"{why}; the order is left out"))
        else:
            yield wish


def _sound_backs(backs: Iterable[TakenBack], wishes: Iterable[Wish], rejected: list[Rejected]) -> Iterable[TakenBack]:
    placed = {wish.id: wish.draft.placed_at for wish in wishes}
    for back in backs:
        at = placed.get(back.order)
        if at is None:
            rejected.append(Rejected(back.file, back.row, f"order {back.order} was left out, and this with it"))
        elif back.at < at:
            why = f"order {back.order} was cancelled before it was placed; correct one of the times"
            rejected.append(Rejected(back.file, back.row, why))
        elif back.at.year not in YEARS:
            rejected.append(Rejected(back.file, back.row, f"cancelled in {back.at.year}; correct the time"))
        else:
            yield back
