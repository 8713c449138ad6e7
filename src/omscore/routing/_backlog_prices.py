"""Prices on (item, node) for stock that is too short: a Lagrangian bound by deflected subgradient steps.

With a price on each unit every order is decided for itself; the sum of their costs less what the stock is worth at
these prices never exceeds the cost of the best plan (Fisher 1981). A step raises the price of what is asked too much
and lowers that of what is left (Held, Wolfe, Crowder 1974; deflection after Camerini, Fratta, Maffioli 1975).
"""

from __future__ import annotations

from collections.abc import Callable
from operator import add

from attrs import frozen

from omscore.routing._backlog_orders import SCALE, Ready, Rows, Where

PriceRows = list[list[int] | None]
"""Per item its scaled price per node, or None where stock suffices."""
DEFLECT = 0.65
PATIENCE = 4


@frozen
class Prices:
    """`of[item]` = scaled price per node, or None where stock suffices; `bound` in minor units."""

    of: list[list[int] | None]
    bound: int
    rounds: int


def price_rows(ready: Ready, prices: PriceRows, share: int = 8) -> PriceRows:
    """For each place of `Ready.free`, `share` eighths of the price of so many units at each node."""
    rows: PriceRows = []
    for item, n in ready.asked:
        price = prices[item]
        if price is None or (n == 1 and share == 8):
            rows.append(price)
        else:
            rows.append([p * n * share // 8 for p in price])
    return rows


def at_prices(ready: Ready, o: int, priced: PriceRows) -> Rows:
    """An order's costs with the prices of `price_rows` added."""
    rows = []
    for row, place in zip(ready.rows[o], ready.places[o], strict=True):
        price = priced[place]
        rows.append(row if price is None else list(map(add, row, price)))
    return rows


def priced(ready: Ready, cost: int, rounds_max: int, late: Callable[[], bool]) -> Prices:
    """The best prices found, and their bound; `cost` is the cost of a plan, towards which the steps are sized."""
    nodes = range(ready.nodes)
    of: list[list[int] | None] = []
    fine: list[list[float] | None] = []
    binding: list[tuple[int, int]] = []
    for item, row in enumerate(ready.stock):
        asked = 0
        for o in ready.wanting[item]:
            asked += ready.units[o][ready.items[o].index(item)]
        if any(0 < row[i] < asked for i in nodes):
            of.append([0] * len(row))
            fine.append([0.0] * len(row))
            binding += [(item, i) for i in nodes if 0 < row[i] < asked]
        else:
            of.append(None)
            fine.append(None)
    count = len(ready.orders)
    # Orders of one line are priced here and now: they are most of all, and need no search.
    singles: list[tuple[int, int, int, list[int], int]] = []
    others: list[int] = []
    constant = 0
    for o in range(count):
        if all(of[item] is None for item in ready.items[o]):
            constant += ready.best(o, ready.rows[o])[2]
        elif len(ready.items[o]) == 1:
            alone = list(map(add, ready.fixed[o], ready.rows[o][0]))
            singles.append((ready.places[o][0], ready.items[o][0], ready.units[o][0], alone, ready.outs[o][0]))
        else:
            others.append(o)
    target = cost * SCALE
    best_bound: int | None = None
    best_of = [None if row is None else list(row) for row in of]
    direction = dict.fromkeys(binding, 0.0)
    theta = 1.0
    stale = rounds = 0
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
            stale = 0
        else:
            stale += 1
            if stale >= PATIENCE:
                theta, stale = theta * 0.7, 0
        norm = 0.0
        for cell in binding:
            item, i = cell
            over = (usage[item] or ())[i] - ready.stock[item][i]
            price = (fine[item] or ())[i]
            step = over + DEFLECT * direction[cell]
            if price <= 0.0 and step < 0.0:
                step = 0.0
            direction[cell] = step
            norm += step * step
        if norm == 0.0 or target <= total:
            break
        # Steps are sized towards a little above the bound: a plan found first come, first served is far from it.
        length = theta * (min(target, best_bound * 1.03) - total) / norm
        for cell in binding:
            step = direction[cell]
            if step:
                item, i = cell
                exact, whole = fine[item], of[item]
                if exact is not None and whole is not None:
                    exact[i] = max(0.0, exact[i] + length * step)
                    whole[i] = int(exact[i] + 0.5)
    bound = -(-(best_bound or 0) // SCALE)
    return Prices(best_of, max(0, bound), rounds)


def _use(usage: list[list[int] | None], ready: Ready, o: int, where: Where) -> None:
    for item, n, i in zip(ready.items[o], ready.units[o], where, strict=True):
        if i >= 0:
            row = usage[item]
            if row is not None:
                row[i] += n
