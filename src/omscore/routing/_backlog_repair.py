"""Plans for a backlog, made and mended: insertion at prices, single moves, and ruin and recreate.

Ruin and recreate (Shaw 1998; Schrimpf and others 2000): take a few orders that compete for the same stock out of the
plan and put them back in another order; keep what is no worse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from omscore.kernel.rng import Rng
from omscore.routing._backlog_assigned import Assigned, Choices
from omscore.routing._backlog_orders import SCALE, Ready
from omscore.routing._backlog_prices import Prices

RUINED_MAX = 17
"""Orders taken out at once."""


def insert(ready: Ready, choices: Choices) -> Assigned:
    """All orders at the prices, those with most lines first: they have the least choice."""
    assigned = Assigned(ready)
    for o in sorted(range(len(ready.orders)), key=lambda o: (-len(ready.items[o]), o)):
        assigned.place(o, choices)
    return assigned


def improve(
    plan: Assigned,
    prices: Prices,
    choices: Sequence[Choices],
    repairs: int,
    seed: int,
    late: Callable[[], bool],
) -> int:
    """Ruin and recreate around stock that is short; gives the number of tries made.

    The first of `choices` is at true costs. A worse plan may be gone on from, by less and less (threshold accepting:
    Dueck and Scheuer 1990); the best is kept.
    """
    ready, rng = plan.ready, Rng(seed)
    hooks = [item for item, row in enumerate(prices.of) if row is not None and any(row) for _ in ready.wanting[item]]
    if not hooks:
        return 0
    best, best_choices = plan.total, list(plan.choices)
    heat = plan.total * 3 // (8 * len(plan.choices))
    # What each order costs at least: nobody else takes anything.
    floors = [choices[0].of(o, ready.free)[1] for o in range(len(plan.choices))]
    least_of_all = prices.bound * SCALE
    step = 0
    while step < repairs and best > least_of_all and not (step % 32 == 0 and late()):
        out = _ruined(ready, rng, rng.choice(hooks), 2 + rng.below(RUINED_MAX - 1))
        limit = plan.total + rng.below(1 + heat * (repairs - step) // repairs)
        old = [(o, plan.clear(o)) for o in out]
        # What the plan would cost if all that are to come got the cheapest they can.
        least = plan.total + sum([floors[o] - plan.choices[o][1] for o in out])
        chosen = rng.choice(choices)
        if rng.below(3):
            rng.shuffle(out)
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
    plan.settle_down(choices[0])
    return step


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
