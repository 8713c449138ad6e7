"""The bare problem: sets of bins and loads as numbers, to be split into batches of least total length.

Loads of all limits are packed into one number with a guard bit above each: a batch fits when subtracting its packed
load from `room` leaves every guard bit standing, which is one subtraction whatever the number of limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import field, frozen

from omscore.batching._orders import Limits, PickOrder

Batches = list[list[int]]
"""Orders by their number, batch by batch."""

ALL_PAIRS_MAX = 160
"""Up to so many orders all pairs are looked at."""

FEW = 24
"""Partners of each order looked at beyond that."""


def never() -> bool:
    """No reason to stop."""
    return False


LOOK = 15
"""Between looks at the clock so many orders, less one, a power of two."""


@frozen
class Problem:
    """Orders 0 to n - 1: their sets of bins, packed loads, and the function from a set of bins to a tour length."""

    masks: list[int]
    loads: list[int]
    room: int
    guards: int
    length: Callable[[int], int]
    cost: Callable[[Sequence[int], int], int] | None = None
    """Another cost of a batch, from its orders and its bins, where it is not the length."""
    monotone: bool = False
    """Whether one more order never makes a tour shorter."""
    aisles: Callable[[int], int] = int
    """The aisles that a set of bins is in, as bits; on a floor without aisles the bins themselves."""
    by_aisles: bool = False
    """Whether aisles are walked through, so that their nearest cells alone give a length close below the true one."""
    _pairs: dict[int, int] = field(factory=dict, init=False, repr=False, eq=False)
    _relatives: list[list[int]] = field(factory=list, init=False, repr=False, eq=False)

    def fits(self, load: int) -> bool:
        """Whether a packed load is within all limits."""
        return (self.room - load) & self.guards == self.guards

    def cover(self, batch: Sequence[int]) -> int:
        """All bins of a batch."""
        mask = 0
        for order in batch:
            mask |= self.masks[order]
        return mask

    def price(self, batch: Sequence[int], mask: int) -> int:
        """What a batch costs, from its orders and its bins: its length unless the problem says otherwise."""
        return self.length(mask) if self.cost is None else self.cost(batch, mask)

    def fewest(self) -> int:
        """A number of batches no plan goes below: what all orders take of any one limit, in whole carts."""
        return max((-(-sum(loads) // limit) for limit, loads in self._limits()), default=1)

    def lower_bound(self) -> int:
        """A length no plan goes below, cheap and weak: each order pays its own tour by the share of the cart it fills.

        A batch is at least as long as the longest of its orders' tours alone, so at least as long as their mean
        weighted by the shares of any one limit, which sum to no more than one.
        """
        alone = [self.length(mask) for mask in self.masks]
        best = max(alone, default=0)
        for limit, loads in self._limits():
            best = max(best, -(-sum(own * load for own, load in zip(alone, loads, strict=True)) // limit))
        return best

    def _limits(self) -> Iterator[tuple[int, list[int]]]:
        """Each limit and what every order takes of it, unpacked."""
        at, guards = 0, self.guards
        while guards:
            top = (guards & -guards).bit_length() - 1
            digits = (1 << (top - at)) - 1
            yield self.room >> at & digits, [load >> at & digits for load in self.loads]
            guards &= guards - 1
            at = top + 1

    def sizes(self) -> list[float]:
        """The largest share of any limit that each order takes."""
        shares = [[load / limit for load in loads] for limit, loads in self._limits()]
        return [max(each) for each in zip(*shares, strict=True)] or [0.0] * len(self.loads)

    def pair(self, i: int, j: int) -> int:
        """The length of the tour for two orders together, computed once."""
        at = i * len(self.masks) + j if i < j else j * len(self.masks) + i
        known = self._pairs.get(at)
        if known is None:
            known = self._pairs[at] = self.length(self.masks[i] | self.masks[j])
        return known

    def relatives(self, stop: Callable[[], bool] = never) -> list[list[int]]:
        """For each order the others, those that save most when walked together first.

        With many orders what they save is guessed from how many cells they have next to each other, and only the best
        few are given. Orders not yet looked at when it is told to stop have none.
        """
        n, ranked = len(self.masks), self._relatives
        alone = [self.length(mask) for mask in self.masks] if n <= ALL_PAIRS_MAX else []
        for i, mask in enumerate(self.masks[len(ranked) :], len(ranked)):
            if not i & LOOK and stop():
                break
            if alone:
                gain = [-(alone[i] + alone[j]) / (self.pair(i, j) or 1) for j in range(n)]
                ranked.append(sorted((j for j in range(n) if j != i), key=gain.__getitem__))
            else:
                wide = mask | mask << 1 | mask >> 1 | mask << 2 | mask >> 2
                overlap = [(wide & other).bit_count() for other in self.masks]
                overlap[i] = -1
                ranked.append(sorted(range(n), key=overlap.__getitem__, reverse=True)[:FEW])
        return ranked + [[] for _ in range(n - len(ranked))]

    def total(self, batches: Batches) -> int:
        """The length of all tours."""
        return sum(self.length(self.cover(batch)) for batch in batches)


def problem(orders: Sequence[PickOrder], masks: Sequence[int], limits: Limits, length: Callable[[int], int]) -> Problem:
    """Pack orders and limits; every order must fit alone."""
    loads = [0] * len(orders)
    room = guards = at = 0
    each = [limits.load(order) for order in orders]
    for what, _, limit in limits.bounds():
        # Two orders or two batches are added before the check: room for twice the sum of everything is always enough.
        width = (2 * (sum(load[what] for load in each) + limit)).bit_length() + 1
        for i, load in enumerate(each):
            loads[i] |= load[what] << at
        room |= (limit | 1 << width) << at
        guards |= 1 << (at + width)
        at += width + 1
    return Problem(list(masks), loads, room, guards, length)
