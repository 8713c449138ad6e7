"""What each unit of an order costs, so that parts of an order always add up to the whole, to the cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from omscore.kernel import Money


def shares(rows: Mapping[str, tuple[Money, int]], beside: Money | None = None) -> dict[str, tuple[int, ...]]:
    """The minor units that each unit of each row costs: {row: (row's total, units)} in, {row: one figure a unit} out.

    `beside` is money of the order as a whole (a tax, a negative discount), spread over the rows by what they cost.
    Rounding is by the largest remainder (:meth:`Money.split`), so the figures add up to all that was given.

    >>> shares({"1": (Money(1000, "EUR"), 3)}, Money(-100, "EUR"))
    {'1': (300, 300, 300)}
    >>> shares({"1": (Money(1000, "EUR"), 3)})
    {'1': (334, 333, 333)}
    """
    totals = {row: amount for row, (amount, _) in rows.items()}
    if beside and totals:
        weights = [max(0, amount.minor) for amount in totals.values()]
        totals = {row: amount + part for (row, amount), part in zip(totals.items(), beside.split(weights), strict=True)}
    return {row: tuple(part.minor for part in totals[row].split([1] * n)) for row, (_, n) in rows.items()}


def due_for(costs: Mapping[str, Sequence[int]], units: Mapping[str, int], before: Mapping[str, int]) -> int:
    """What some units cost, in minor units, when others of their rows came before them.

    >>> due_for({"1": (334, 333, 333)}, {"1": 2}, {"1": 1})
    666
    """
    return sum(sum(costs[row][before.get(row, 0) : before.get(row, 0) + n]) for row, n in units.items())


def total_due(costs: Mapping[str, Sequence[int]], live: Mapping[str, int], beside: int = 0) -> int:
    """What the units that are not cancelled cost, in minor units, and what comes beside them if there are any.

    >>> total_due({"1": (334, 333, 333)}, {"1": 2}, beside=495), total_due({"1": (334, 333, 333)}, {"1": 0}, beside=495)
    (1162, 0)
    """
    return due_for(costs, live, {}) + (beside if any(live.values()) else 0)
