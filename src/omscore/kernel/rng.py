"""Randomness: a small seeded generator, so that the same seed gives the same plan on every machine and version."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from typing import Any, TypeVar

from omscore.errors import InvalidValue

T = TypeVar("T")

_MASK = 2**64 - 1


class Rng:
    """A seeded stream of numbers, by splitmix64 (Steele, Lea, Flood 2014).

    The standard library's generator is not used because the core takes its randomness from the caller, and because its
    derived methods (shuffle, sample) have changed between Python versions, which would change recorded plans.

    >>> rng = Rng(7)
    >>> rng.below(10), rng.below(10), rng.choice("abc")
    (3, 0, 'c')
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        if type(seed) is not int:
            raise InvalidValue(f"a seed is a whole number, not {seed!r}")
        self._state = seed & _MASK

    def bits64(self) -> int:
        """64 random bits.

        >>> Rng(0).bits64()
        16294208416658607535
        """
        self._state = state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1; the bias of the multiplication is under n / 2**64 (Lemire 2019).

        >>> Rng(1).below(6)
        3
        """
        return (self.bits64() * n) >> 64

    def unit(self) -> float:
        """A float in [0, 1).

        >>> round(Rng(1).unit(), 4)
        0.5666
        """
        return (self.bits64() >> 11) * 2.0**-53

    def choice(self, options: Sequence[T]) -> T:
        """One of the options.

        >>> Rng(1).choice("xyz")
        'y'
        """
        return options[self.below(len(options))]

    def shuffle(self, items: MutableSequence[Any]) -> None:
        """Shuffle a list in place (Fisher and Yates).

        >>> deck = [1, 2, 3, 4]
        >>> Rng(3).shuffle(deck)
        >>> sorted(deck)
        [1, 2, 3, 4]
        """
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
