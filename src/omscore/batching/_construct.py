"""First plans: first come first served, seed, savings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush, nsmallest

from omscore.batching._problem import ALL_PAIRS_MAX, FEW, LOOK, Batches, Problem, never

SLACK_NODES = 2000
"""Fillings looked at for each batch of the tightest packing."""


def first_come(problem: Problem) -> Batches:
    """Fill one batch after the other in the order given; the next batch starts when an order does not fit."""
    return _in_turn(problem, [([order], load) for order, load in enumerate(problem.loads)])


def _in_turn(problem: Problem, parts: Sequence[tuple[list[int], int]]) -> Batches:
    """Parts of batches, each with its load, put together as they come."""
    batches: Batches = []
    load = 0
    for part, more in parts:
        if batches and problem.fits(load + more):
            batches[-1] += part
            load += more
        else:
            batches.append(list(part))
            load = more
    return batches


def seed(problem: Problem) -> Batches:
    """Start each batch with the order of the longest tour, then add what lengthens the tour least.

    The seed and accompanying-order rules are those that de Koster, van der Poort and Wolters (International Journal of
    Production Research 37, 1999) found best together: farthest first, smallest extra distance next.
    """
    length, masks, loads = problem.length, problem.masks, problem.loads
    alone = [length(mask) for mask in masks]
    waiting = sorted(range(len(masks)), key=lambda order: (-alone[order], order))
    batches: Batches = []
    while waiting:
        batch = [waiting.pop(0)]
        mask, load = masks[batch[0]], loads[batch[0]]
        while True:
            offers = [
                (length(mask | masks[order]) - alone[order], order)
                for order in waiting
                if problem.fits(load + loads[order])
            ]
            if not offers:
                break
            _, order = min(offers)
            batch.append(order)
            waiting.remove(order)
            mask |= masks[order]
            load += loads[order]
        batches.append(batch)
    return batches


def tight(problem: Problem, stop: Callable[[], bool] = never) -> Batches:
    """Few batches, wherever they walk: each takes the largest order left and what fills it best beside that.

    Told to stop, it gives none.

    This is the minimum bin slack heuristic (Gupta and Ho, Production Planning & Control 10, 1999); with several limits
    an order's size is its largest share of any of them.
    """
    loads, fits = problem.loads, problem.fits
    sizes = problem.sizes()
    waiting = sorted(range(len(sizes)), key=lambda o: (-sizes[o], o))
    batches: Batches = []
    while waiting:
        if stop():
            return []
        first, *others = waiting
        best, best_fill, nodes = [first], sizes[first], 0
        ends: list[tuple[int, list[int], int, float]] = [(0, [first], loads[first], sizes[first])]
        while ends and nodes < SLACK_NODES and best_fill < 1 - 1e-9:
            place, members, load, fill = ends.pop()
            nodes += 1
            if fill > best_fill:
                best, best_fill = members, fill
            for k in range(len(others) - 1, place - 1, -1):
                o = others[k]
                if fill + sizes[o] <= 1 + 1e-9 and fits(load + loads[o]):
                    ends.append((k + 1, [*members, o], load + loads[o], fill + sizes[o]))
        batches.append(best)
        waiting = [o for o in waiting if o not in best]
    return batches


def savings(problem: Problem, stop: Callable[[], bool] = never) -> Batches:
    """Merge the two batches that save most until none fit: Clarke and Wright (Operations Research 12, 1964), second
    form.

    In the second form the savings of a merged batch are computed anew. With many orders, only partners that share many
    bins' neighborhoods are looked at. Told to stop, it fills batches with what it has merged so far, as it comes.
    """
    length, fits = problem.length, problem.fits
    n = len(problem.masks)
    batches: dict[int, list[int]] = {order: [order] for order in range(n)}
    masks = dict(enumerate(problem.masks))
    loads = dict(enumerate(problem.loads))
    cost = {order: length(mask) for order, mask in masks.items()}
    near: dict[int, set[int]] = {order: set() for order in range(n)}
    for i, ranked in enumerate(problem.relatives(stop)):
        near[i].update(ranked)
        for j in ranked:
            near[j].add(i)
    heap: list[tuple[int, int, int]] = []
    for i, partners in near.items():
        if not i & LOOK and stop():
            break
        fitting = [j for j in partners if i < j and fits(loads[i] + loads[j])]
        heap += [(problem.pair(i, j) - cost[i] - cost[j], i, j) for j in fitting]
    heapify(heap)
    fresh = n
    while heap and (fresh & LOOK or not stop()):
        saving, i, j = heappop(heap)
        if i not in batches or j not in batches or saving > 0:
            continue
        merged = batches.pop(i) + batches.pop(j)
        masks[fresh] = mask = masks.pop(i) | masks.pop(j)
        loads[fresh] = load = loads.pop(i) + loads.pop(j)
        cost[fresh] = own = cost.pop(i) + cost.pop(j) + saving
        # Partners that were dropped for being too many may still name batches merged since.
        partners = {k for k in near.pop(i) | near.pop(j) if k in batches}
        if len(partners) > 2 * FEW and n > ALL_PAIRS_MAX:
            partners = set(nsmallest(2 * FEW, partners, key=lambda k: (-(masks[k] & mask).bit_count(), k)))
        for k in sorted(partners):
            near[k].add(fresh)
            if fits(load + loads[k]):
                heappush(heap, (length(mask | masks[k]) - own - cost[k], k, fresh))
        near[fresh] = partners
        batches[fresh] = merged
        fresh += 1
    made = sorted(batches, key=lambda key: min(batches[key]))
    if heap or stop():
        return [sorted(batch) for batch in _in_turn(problem, [(batches[key], loads[key]) for key in made])]
    return [sorted(batches[key]) for key in made]
