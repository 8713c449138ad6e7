"""Prices on (item, node) for stock that is too short: a Lagrangian bound by subgradient steps.

With a price on each unit every order is decided for itself; the sum of their costs less what the stock is worth at
these prices never exceeds the cost of the best plan (Fisher 1981). A step raises the price of what is asked too much
and lowers that of what is left (Held, Wolfe, Crowder 1974). How far is settled for each price by itself: in the mean
direction of the last steps, divided by how much they moved (Kingma and Ba 2015), and shorter from round to round.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from operator import add

from attrs import frozen

from omscore.routing._backlog_orders import SCALE, Ready, Rows, Where

PriceRows = list[list[int] | None]
"""Per item its scaled price per node, or None where stock suffices."""
FIRST_STEP = 0.375
LAST_STEP = 0.01
"""A price moves at most about this part of what a unit costs in the first round; in the last, a hundredth of that."""
MEAN_KEPT = 0.5
SPREAD_KEPT = 0.9
"""What is kept, at each round, of the mean overdraft of a price and of its mean square."""
SPREAD_LEAST = 0.3
"""Units added to the spread, so that a price which hardly moved does not leap."""


@frozen
class Prices:
    """`of[item]` = scaled price per node, or None where stock suffices; `bound` in minor units."""

    of: list[list[int] | None]
    bound: int
    rounds: int


def price_rows(ready: Ready, prices: PriceRows) -> PriceRows:
    """For each place of `Ready.free`, the price of so many units at each node."""
    rows: PriceRows = []
    for item, n in ready.asked:
        price = prices[item]
        rows.append(price if price is None or n == 1 else [p * n for p in price])
    return rows


def at_prices(ready: Ready, o: int, priced: PriceRows) -> Rows:
    """An order's costs with the prices of `price_rows` added."""
    rows = []
    for row, place in zip(ready.rows[o], ready.places[o], strict=True):
        price = priced[place]
        rows.append(row if price is None else list(map(add, row, price)))
    return rows


def priced(ready: Ready, cost: int, rounds_max: int, late: Callable[[], bool]) -> Prices:
    """The best prices found, and their bound; `cost` is the cost of a plan, by which the steps are sized."""
    of, binding = _scarce(ready)
    fine = [None if row is None else [0.0] * len(row) for row in of]
    singles, others, constant = _by_effort(ready, of)
    target = cost * SCALE
    best_bound: int | None = None
    best_of = [None if row is None else list(row) for row in of]
    mean = dict.fromkeys(binding, 0.0)
    square = dict.fromkeys(binding, 0.0)
    step = FIRST_STEP * target / max(1, sum(map(sum, ready.units)))
    shrink = LAST_STEP ** (1 / max(1, rounds_max))
    rounds = 0
    while rounds < rounds_max and not (rounds and late()):
        rounds += 1
        total = constant
        usage = [[0] * ready.nodes if row is not None else None for row in of]
        rows = price_rows(ready, of)
        for place, item, n, row, out in singles:
            costs = list(map(add, row, rows[place] or ()))
            least = min(costs)
            if least <= out:
                total += least
                (usage[item] or [])[costs.index(least)] += n
            else:
                total += out
        for o in others:
            _, where, low = ready.best(o, at_prices(ready, o, rows))
            total += low
            _use(usage, ready, o, where)
        for item, i in binding:
            total -= (of[item] or ())[i] * ready.stock[item][i]
        if best_bound is None or total > best_bound:
            best_bound = total
            best_of = [None if row is None else list(row) for row in of]
        if target <= total:
            break
        # Both means begin at 0 and are enlarged by what they lack for it.
        step *= shrink
        per_mean, per_square = step / (1 - MEAN_KEPT**rounds), 1 / (1 - SPREAD_KEPT**rounds)
        moved = False
        for cell in binding:
            item, i = cell
            over = (usage[item] or ())[i] - ready.stock[item][i]
            mean[cell] += (1 - MEAN_KEPT) * (over - mean[cell])
            square[cell] += (1 - SPREAD_KEPT) * (over * over - square[cell])
            exact, whole = fine[item], of[item]
            if exact is None or whole is None or (over <= 0 and exact[i] <= 0.0):
                continue
            moved = moved or over != 0
            exact[i] = max(0.0, exact[i] + per_mean * mean[cell] / (sqrt(per_square * square[cell]) + SPREAD_LEAST))
            whole[i] = int(exact[i] + 0.5)
        if not moved:
            break
    bound = -(-(best_bound or 0) // SCALE)
    return Prices(best_of, max(0, bound), rounds)


def _scarce(ready: Ready) -> tuple[PriceRows, list[tuple[int, int]]]:
    """Prices of 0 for the items of which some node has too few, None for the others; and those (item, node)."""
    of: PriceRows = []
    binding: list[tuple[int, int]] = []
    for item, row in enumerate(ready.stock):
        asked = sum(ready.units[o][ready.items[o].index(item)] for o in ready.wanting[item])
        short = [(item, i) for i in range(ready.nodes) if 0 < row[i] < asked]
        of.append([0] * len(row) if short else None)
        binding += short
    return of, binding


def _by_effort(ready: Ready, of: PriceRows) -> tuple[list[tuple[int, int, int, list[int], int]], list[int], int]:
    """Orders of one scarce item, which need no search and are most of all; the others; and what the rest cost anyway.

    Of each of the first: its place in `Ready.free`, its item and units, its cost from each node, and if left out.
    """
    singles: list[tuple[int, int, int, list[int], int]] = []
    others: list[int] = []
    constant = 0
    for o in range(len(ready.orders)):
        if all(of[item] is None for item in ready.items[o]):
            constant += ready.best(o, ready.rows[o])[2]
        elif len(ready.items[o]) == 1:
            alone = list(map(add, ready.fixed[o], ready.rows[o][0]))
            singles.append((ready.places[o][0], ready.items[o][0], ready.units[o][0], alone, ready.outs[o][0]))
        else:
            others.append(o)
    return singles, others, constant


def _use(usage: list[list[int] | None], ready: Ready, o: int, where: Where) -> None:
    for item, n, i in zip(ready.items[o], ready.units[o], where, strict=True):
        if i >= 0:
            row = usage[item]
            if row is not None:
                row[i] += n
