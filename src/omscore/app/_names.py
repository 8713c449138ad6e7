"""Names: units are told by line or by item, whichever the caller knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from omscore.errors import InvalidValue
from omscore.kernel import quantity


def by_line(what: str, rows: Iterable[tuple[str, str, int]], units: Mapping[str, int]) -> dict[str, int]:
    """Units by line id, of `what` with rows of (line, item, units that could be meant).

    A name that is no line is an item; its units are spread over its lines in their order, and what is beyond them all
    is asked of the last one, so that the command refuses it in its own words. Raises InvalidValue for other names.

    >>> rows = [("1", "A", 2), ("2", "B", 1), ("3", "A", 2)]
    >>> by_line("order ord-1", rows, {"A": 3, "2": 1})
    {'1': 2, '3': 1, '2': 1}
    >>> by_line("order ord-1", rows, {"C": 1})
    Traceback (most recent call last):
    omscore.errors.InvalidValue: order ord-1 has no line or item 'C'; it has '1' (A), '2' (B), '3' (A)
    """
    rows = list(rows)
    lines = {line for line, _, _ in rows}
    result: dict[str, int] = {}
    for name, n in units.items():
        rest = quantity(n, f"line {name}: units")
        mine = [(name, rest)] if name in lines else [(line, has) for line, item, has in rows if item == name]
        if not mine:
            known = ", ".join(f"{line!r} ({item})" for line, item, _ in rows)
            raise InvalidValue(f"{what} has no line or item {name!r}; it has {known or 'none'}")
        for i, (line, has) in enumerate(mine, 1):
            take = rest if i == len(mine) else min(rest, max(0, has - result.get(line, 0)))
            if take:
                result[line] = result.get(line, 0) + take
                rest -= take
    return result
