"""A plan for a backlog in the making, and the plans its orders choose from what is left."""

from __future__ import annotations

from collections.abc import Sequence
from operator import add
from typing import Any

from omscore.routing._backlog_orders import FAR, LINES_MAX, Ready, Rows, Sizes, Where, best_plan, divided
from omscore.routing._backlog_prices import PriceRows, at_prices, price_rows
from omscore.routing._masks import bits

Choice = tuple[Where, int, tuple[tuple[int, int, int, Sizes], ...]]
"""One order's plan: the node of each line, its true scaled cost, and its (item, units, node, sizes of the item)."""


KNOWN_MAX = 1_000
"""Answers remembered for an order."""
LATEST_MAX = 12
"""Answers of an order that are looked through when what is left is new."""


class Menu:
    """What one order may choose from: for each set of its lines the nodes that may ship it, cheapest first."""

    def __init__(self, fixed: list[int], rows: Rows, outs: list[int], penalty: int) -> None:
        self.fixed, self.rows, self.outs, self.penalty = fixed, rows, outs, penalty
        self.none = [0]
        self.ranks: list[list[tuple[int, int]]] = []
        if len(rows) <= LINES_MAX:
            for out in outs:
                self.none += [v + out for v in self.none]
            sums: list[list[int]] = [fixed]
            for row in rows:
                sums += [list(map(add, one, row)) for one in sums]
            # A node that costs no less than leaving the lines out is never needed.
            self.ranks = [
                sorted([(v, i) for i, v in enumerate(one) if v < none])
                for one, none in zip(sums, self.none, strict=True)
            ]

    def best(self, masks: tuple[int, ...]) -> Where:
        """The node of each line in the cheapest plan when only nodes in the masks have the lines."""
        if not self.ranks:
            rows = [
                [c if mask >> i & 1 else FAR for i, c in enumerate(row)]
                for row, mask in zip(self.rows, masks, strict=True)
            ]
            return best_plan(self.fixed, rows, self.outs, self.penalty)[1]
        if len(masks) == 1:
            mask = masks[0]
            for _, i in self.ranks[1]:
                if mask >> i & 1:
                    return (i,)
            return (-1,)
        alike = [-1]
        for mask in masks:
            alike += [m & mask for m in alike]
        penalty = self.penalty
        cheapest = []
        node = []
        for ranks, mask in zip(self.ranks, alike, strict=True):
            for v, i in ranks:
                if mask >> i & 1:
                    cheapest.append(v + penalty)
                    node.append(i)
                    break
            else:
                cheapest.append(FAR)
                node.append(-1)
        where = [-1] * len(masks)
        for group in divided(cheapest, self.none, penalty)[1]:
            i = node[group]
            for line in bits(group):
                where[line] = i
        return tuple(where)


class Choices:
    """The cheapest plan of each order, at true costs or at prices, by which nodes still have its lines; remembered."""

    def __init__(self, ready: Ready, prices: PriceRows | None = None) -> None:
        self.ready = ready
        self.priced = None if prices is None else price_rows(ready, prices)
        self.menus: list[Menu | None] = [None] * len(ready.orders)
        self.known: list[dict[Any, Choice]] = [{} for _ in ready.orders]
        # Per order, the latest answers: what was left, what is taken of it, and the choice.
        self.latest: list[list[tuple[int, int, Choice]]] = [[] for _ in ready.orders]

    def of(self, o: int, free: list[int]) -> Choice:
        """What order `o` takes when `free` is left."""
        masks = self.ready.masks[o](free)
        known = self.known[o]
        choice = known.get(masks)
        if choice is None:
            if len(known) >= KNOWN_MAX:
                known.clear()
            choice = known[masks] = self._alike(o, masks) if len(self.ready.items[o]) > 1 else self._best(o, (masks,))
        return choice

    def _alike(self, o: int, masks: tuple[int, ...]) -> Choice:
        """The answer when more was left, if what is left now allows it: fewer choices make nothing cheaper."""
        nodes = self.ready.nodes
        left = 0
        for mask in reversed(masks):
            left = left << nodes | mask
        latest = self.latest[o]
        for more, taken, choice in latest:
            if not (left & ~more or taken & ~left):
                return choice
        choice = self._best(o, masks)
        taken = sum([1 << (line * nodes + i) for line, i in enumerate(choice[0]) if i >= 0])
        latest.insert(0, (left, taken, choice))
        del latest[LATEST_MAX:]
        return choice

    def _best(self, o: int, masks: tuple[int, ...]) -> Choice:
        ready = self.ready
        menu = self.menus[o]
        if menu is None:
            rows = ready.rows[o] if self.priced is None else at_prices(ready, o, self.priced)
            menu = self.menus[o] = Menu(ready.fixed[o], rows, ready.outs[o], ready.penalties[o])
        return choice_of(ready, o, menu.best(masks))


def choice_of(ready: Ready, o: int, where: Where) -> Choice:
    """A plan of one order with its cost and what it takes."""
    sizes, rows = ready.sizes, zip(ready.items[o], ready.units[o], where, strict=True)
    return where, ready.value(o, where), tuple([(item, n, i, sizes[item]) for item, n, i in rows if i >= 0])


class Assigned:
    """A plan in the making: the choice of each order, and what is left of the stock."""

    def __init__(self, ready: Ready, where: Sequence[Where] | None = None) -> None:
        self.ready = ready
        self.left = [list(row) for row in ready.stock]
        self.free = list(ready.free)
        self.nothing: list[Choice] = [((-1,) * len(outs), sum(outs), ()) for outs in ready.outs]
        self.choices = list(self.nothing)
        self.total = sum([cost for _, cost, _ in self.choices])
        for o, nodes in enumerate(where or ()):
            self.put(o, choice_of(ready, o, nodes))

    @property
    def where(self) -> list[Where]:
        """The node of each line of each order."""
        return [where for where, _, _ in self.choices]

    def put(self, o: int, choice: Choice) -> None:
        """Give an order that has nothing a plan."""
        left, free = self.left, self.free
        for item, n, i, sizes in choice[2]:
            row = left[item]
            row[i] = rest = row[i] - n
            for size, at in sizes:
                if rest < size:
                    free[at] &= ~(1 << i)
        self.total += choice[1] - self.choices[o][1]
        self.choices[o] = choice

    def clear(self, o: int) -> Choice:
        """Take an order's units back; gives the plan it had."""
        left, free = self.left, self.free
        choice = self.choices[o]
        for item, n, i, sizes in choice[2]:
            row = left[item]
            row[i] = rest = row[i] + n
            for size, at in sizes:
                if rest >= size:
                    free[at] |= 1 << i
        nothing = self.choices[o] = self.nothing[o]
        self.total += nothing[1] - choice[1]
        return choice

    def place(self, o: int, choices: Choices) -> None:
        """Give an order that has nothing its cheapest plan from what is left."""
        self.put(o, choices.of(o, self.free))

    def settle_down(self, choices: Choices) -> None:
        """Re-decide orders one at a time while that saves; a plan as cheap as before is kept."""
        for _ in range(4):
            before = self.total
            for o in range(len(self.choices)):
                old = self.clear(o)
                new = choices.of(o, self.free)
                self.put(o, new if new[1] < old[1] else old)
            if self.total == before:
                return
