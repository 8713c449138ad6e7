"""Plans for a backlog, made and mended: insertion at prices, single moves, and ruin and recreate.

Ruin and recreate (Shaw 1998; Schrimpf and others 2000): take a few orders that compete for the same stock out of the
plan and put them back in another order; keep what is no worse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from omscore.kernel.rng import Rng
from omscore.routing._backlog_orders import FAR, SCALE, Ready, Rows, Where
from omscore.routing._backlog_prices import at_prices

PriceRows = list[list[int] | None]


class Assigned:
    """A plan in the making: the node of each line of each order, and what is left of the stock."""

    def __init__(self, ready: Ready, where: Sequence[Where] | None) -> None:
        self.ready = ready
        self.left = [list(row) for row in ready.stock]
        self.where: list[Where] = [(-1,) * len(items) for items in ready.items]
        self.values = [sum(outs) for outs in ready.outs]
        self.total = sum(self.values)
        if where is not None:
            for o, nodes in enumerate(where):
                self.set(o, nodes)

    @property
    def cost(self) -> int:
        """The cost in minor units."""
        return self.total // SCALE

    def set(self, o: int, where: Where) -> None:
        """Give an order that has nothing a plan."""
        ready = self.ready
        for item, n, i in zip(ready.items[o], ready.units[o], where, strict=True):
            if i >= 0:
                self.left[item][i] -= n
        self.where[o] = where
        value = ready.value(o, where)
        self.total += value - self.values[o]
        self.values[o] = value

    def clear(self, o: int) -> None:
        """Take an order's units back."""
        ready = self.ready
        for item, n, i in zip(ready.items[o], ready.units[o], self.where[o], strict=True):
            if i >= 0:
                self.left[item][i] += n
        self.where[o] = (-1,) * len(ready.items[o])
        value = sum(ready.outs[o])
        self.total += value - self.values[o]
        self.values[o] = value

    def place(self, o: int, rows: Rows | None = None) -> None:
        """Give an order its cheapest plan from what is left; `rows` are its costs if not the true ones."""
        ready = self.ready
        out = []
        for row, item, n in zip(ready.rows[o] if rows is None else rows, ready.items[o], ready.units[o], strict=True):
            left = self.left[item]
            out.append(row if min(left) >= n else [c if k >= n else FAR for c, k in zip(row, left, strict=True)])
        self.set(o, ready.best(o, out)[1])

    def settle_down(self) -> None:
        """Re-decide orders one at a time while that saves."""
        for _ in range(4):
            before = self.total
            for o in range(len(self.where)):
                self.mend(o)
            if self.total == before:
                return

    def mend(self, o: int) -> None:
        """Re-decide one order; a plan as cheap as before is kept."""
        old, value = self.where[o], self.values[o]
        self.clear(o)
        self.place(o)
        if self.values[o] >= value:
            self.clear(o)
            self.set(o, old)


def insert(ready: Ready, prices: PriceRows, share: int) -> Assigned:
    """All orders at the prices, those with most lines first: they have the least choice."""
    assigned = Assigned(ready, None)
    for o in sorted(range(len(ready.orders)), key=lambda o: (-len(ready.items[o]), o)):
        assigned.place(o, at_prices(ready, o, prices, share))
    return assigned


def improve(plan: Assigned, prices: PriceRows, repairs: int, seed: int, late: Callable[[], bool]) -> int:
    """Ruin and recreate around stock that is short; gives the number of tries made.

    A worse plan may be gone on from, by less and less (threshold accepting: Dueck and Scheuer 1990); the best is kept.
    """
    ready, rng = plan.ready, Rng(seed)
    hooks = [item for item, row in enumerate(prices) if row is not None and any(row) for _ in ready.wanting[item]]
    if not hooks:
        return 0
    best, best_where = plan.total, list(plan.where)
    heat = plan.total * 3 // (8 * len(plan.where))
    step = 0
    while step < repairs and not (step % 32 == 0 and late()):
        out = _ruined(ready, rng, rng.choice(hooks), 2 + rng.below(8))
        old = [(o, plan.where[o]) for o in out]
        before = plan.total
        for o in out:
            plan.clear(o)
        share = rng.choice((0, 4, 8, 8, 10))
        if rng.below(3):
            rng.shuffle(out)
        else:
            # Those that lose most without stock first.
            out.sort(key=lambda o: -plan.values[o])
        for o in out:
            plan.place(o, at_prices(ready, o, prices, share) if share else None)
        if plan.total > before + rng.below(1 + heat * (repairs - step) // repairs):
            for o, _ in old:
                plan.clear(o)
            for o, where in old:
                plan.set(o, where)
        elif plan.total < best:
            best, best_where = plan.total, list(plan.where)
        step += 1
    if plan.total > best:
        for o in range(len(best_where)):
            plan.clear(o)
        for o, where in enumerate(best_where):
            plan.set(o, where)
    plan.settle_down()
    return step


def _ruined(ready: Ready, rng: Rng, item: int, size: int) -> list[int]:
    """Orders around an item: some that want it, and some that want what these want."""
    out: list[int] = []
    pool = ready.wanting[item]
    for _ in range(3 * size):
        o = rng.choice(pool)
        if o not in out:
            out.append(o)
            if len(out) >= size:
                break
        if rng.below(2):
            pool = ready.wanting[rng.choice(ready.items[o])]
    return out
