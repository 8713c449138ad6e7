"""The bare problem: sets of bins and loads as numbers, to be split into batches of least total length.

Loads of all limits are packed into one number with a guard bit above each: a batch fits when subtracting its packed
load from `room` leaves every guard bit standing, which is one subtraction whatever the number of limits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import frozen

from omscore.batching._orders import Limits, PickOrder

Batches = list[list[int]]
"""Orders by their number, batch by batch."""


@frozen
class Problem:
    """Orders 0 to n - 1: their sets of bins, packed loads, and the function from a set of bins to a tour length."""

    masks: list[int]
    loads: list[int]
    room: int
    guards: int
    length: Callable[[int], int]

    def fits(self, load: int) -> bool:
        """Whether a packed load is within all limits."""
        return (self.room - load) & self.guards == self.guards

    def cover(self, batch: Sequence[int]) -> int:
        """All bins of a batch."""
        mask = 0
        for order in batch:
            mask |= self.masks[order]
        return mask

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
