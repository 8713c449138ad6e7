"""Plans for a backlog, made and mended: insertion at prices, single moves, and ruin and recreate.

Ruin and recreate (Shaw 1998; Schrimpf and others 2000): take a few orders that compete for the same stock out of the
plan and put them back in another order; keep what is no worse. Every other time it is done for one order that, at the
prices, would rather have another plan: it and those who hold what it would take go out, and it comes back first, so
that the others move on in their turn (an ejection chain: Glover 1996).
"""

from __future__ import annotations

from collections.abc import Callable

from omscore.kernel.rng import Rng
from omscore.routing._backlog_assigned import Assigned, Choice, Choices
from omscore.routing._backlog_orders import SCALE, Ready
from omscore.routing._backlog_prices import Prices

RUINED_MAX = 17
"""Orders taken out at once."""
LOOKS_MAX = 20
"""Orders looked at to find one that would rather have another plan."""


def insert(ready: Ready, prices: Prices, choices: Choices) -> Assigned:
    """All orders at the prices, those first that lose most when somebody else takes what they would."""
    alone = [choices.of(o, ready.free) for o in range(len(ready.orders))]
    lost = []
    for o, choice in enumerate(alone):
        most = 0
        for item, _, i, sizes in choice[2]:
            price = prices.of[item]
            if price is not None and price[i]:
                free = list(ready.free)
                for _, at in sizes:
                    free[at] &= ~(1 << i)
                most = max(most, _at_prices(prices, choices.of(o, free)) - _at_prices(prices, choice))
        lost.append(most)
    assigned = Assigned(ready)
    for o in sorted(range(len(alone)), key=lambda o: (-lost[o], o)):
        assigned.place(o, choices)
    return assigned


def improve(
    plan: Assigned,
    prices: Prices,
    plain: Choices,
    choices: Choices,
    repairs: int,
    seed: int,
    late: Callable[[], bool],
) -> int:
    """Ruin and recreate around stock that is short; gives the number of tries made.

    Orders are put back at true costs (`plain`) or, twice as often, at the prices (`choices`). A worse plan may be gone
    on from, by less and less (threshold accepting: Dueck and Scheuer 1990); the best is kept.
    """
    ready, rng = plan.ready, Rng(seed)
    hooks = [item for item, row in enumerate(prices.of) if row is not None and any(row) for _ in ready.wanting[item]]
    if not hooks:
        return 0
    best, best_choices = plan.total, list(plan.choices)
    heat = plan.total * 3 // (8 * len(plan.choices))
    # What each order costs at least: nobody else takes anything.
    floors = [plain.of(o, ready.free)[1] for o in range(len(plan.choices))]
    wishes = _Wishes(ready, prices, choices)
    least_of_all = prices.bound * SCALE
    step = 0
    while step < repairs and best > least_of_all and not (step % 32 == 0 and late()):
        size = 2 + rng.below(RUINED_MAX - 1)
        if step % 2:
            out = wishes.granted(plan, rng, size)
            first = 1
        else:
            out = _ruined(ready, rng, rng.choice(hooks), size)
            first = 0
        limit = plan.total + rng.below(1 + heat * (repairs - step) // repairs)
        old = [(o, plan.clear(o)) for o in out]
        # What the plan would cost if all that are to come got the cheapest they can.
        least = plan.total + sum([floors[o] - plan.choices[o][1] for o in out])
        chosen = choices if rng.below(3) else plain
        if first or rng.below(3):
            others = out[first:]
            rng.shuffle(others)
            out[first:] = others
        else:
            # Those that have most to lose first.
            out.sort(key=lambda o: floors[o] - plan.choices[o][1])
        for done, o in enumerate(out):
            choice = chosen.of(o, plan.free)
            plan.put(o, choice)
            least += choice[1] - floors[o]
            if least > limit:
                for placed in out[: done + 1]:
                    plan.clear(placed)
                for ruined, choice in old:
                    plan.put(ruined, choice)
                break
        else:
            if plan.total < best:
                best, best_choices = plan.total, list(plan.choices)
        step += 1
    if plan.total > best:
        for o in range(len(best_choices)):
            plan.clear(o)
        for o, choice in enumerate(best_choices):
            plan.put(o, choice)
    plan.settle_down(plain)
    return step


class _Wishes:
    """What each order would take at the prices if nobody else took anything."""

    def __init__(self, ready: Ready, prices: Prices, choices: Choices) -> None:
        self.ready, self.prices = ready, prices
        self.of = [choices.of(o, ready.free) for o in range(len(ready.orders))]
        self.least = [_at_prices(prices, choice) for choice in self.of]

    def granted(self, plan: Assigned, rng: Rng, size: int) -> list[int]:
        """An order that would rather have its wish, those who hold what it wishes, and some that want the same."""
        ready = self.ready
        for _ in range(LOOKS_MAX):
            o = rng.below(len(self.of))
            mine = plan.choices[o]
            if mine is not self.of[o] and _at_prices(self.prices, mine) > self.least[o]:
                break
        out = [o]
        for item, n, i, _ in self.of[o][2]:
            if plan.left[item][i] < n:
                for other in ready.wanting[item]:
                    takes = plan.choices[other][2]
                    if other not in out and any(at == item and node == i for at, _, node, _ in takes):
                        out.append(other)
        if len(out) < size:
            more = _ruined(ready, rng, rng.choice(ready.items[o]), size - len(out))
            out += [other for other in more if other not in out]
        return out


def _at_prices(prices: Prices, choice: Choice) -> int:
    """What a plan costs with what it takes paid for."""
    cost = choice[1]
    for item, n, i, _ in choice[2]:
        price = prices.of[item]
        if price is not None:
            cost += price[i] * n
    return cost


def _ruined(ready: Ready, rng: Rng, item: int, size: int) -> list[int]:
    """Orders around an item: some that want it, and some that want what these want."""
    out: list[int] = []
    wanting, items = ready.wanting, ready.items
    pool = wanting[item]
    for _ in range(3 * size):
        # One draw of 64 bits holds four small choices.
        draw = rng.bits64()
        o = pool[(draw & 0xFFFFF) * len(pool) >> 20]
        if o not in out:
            out.append(o)
            if len(out) >= size:
                break
        if draw >> 63:
            mine = items[o]
            pool = wanting[mine[(draw >> 20 & 0xFFFFF) * len(mine) >> 20]]
    return out
