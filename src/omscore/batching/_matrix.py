"""Floors of any shape, given as a table of walking distances."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import pairwise

from attrs import field, frozen

from omscore.batching._floor import Tour
from omscore.batching._roundtrip import MATRIX_RULES, Matrix, held_karp, improve, nearest
from omscore.errors import DefinitionError, InvalidValue
from omscore.kernel.given import names, shown

MEMO_MAX = 200_000
"""Tour lengths kept before the memory is given back."""


def _names(given: Iterable[str]) -> tuple[str, ...]:
    return names("places", given, "dock")


def _rows(table: Iterable[Iterable[int]]) -> Matrix:
    try:
        return tuple(tuple(row) for row in table)
    except TypeError:
        raise DefinitionError(f"distances_mm is a table, such as [[0, 900], [900, 0]], not {shown(table)}") from None


@frozen
class MatrixFloor:
    """A floor given by the walking distance between any two of its places, in whole millimeters.

    `places` names the rows and the columns of `distances_mm`; `depot` is one of them, the others are bins. One-way
    floors are asymmetric tables. Rules: `local`, nearest neighbor improved by 2-opt and Or-opt (Croes 1958, Or 1976);
    `nearest` (Rosenkrantz, Stearns and Lewis 1977); `exact` up to 12 stops (Held and Karp 1962).

    Raises DefinitionError for a table that is not square, a negative distance, or a place named twice.

    >>> floor = MatrixFloor(("dock", "A", "B"), ((0, 10, 20), (10, 0, 15), (20, 15, 0)), depot="dock")
    >>> floor.tour(["A", "B"])
    Tour(stops=('A', 'B'), length_mm=45, walk=(), rule='local')
    >>> MatrixFloor(("dock", "A"), ((0, 10), (10,)), depot="dock")
    Traceback (most recent call last):
    omscore.errors.DefinitionError: the distance table is not square: row 'A' has 1 entries for 2 places
    """

    places: tuple[str, ...] = field(converter=_names)
    distances_mm: Matrix = field(converter=_rows, repr=False)
    depot: str
    _lengths: dict[str, Callable[[int], int]] = field(factory=dict, init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        n = len(self.places)
        if len(set(self.places)) < n or "" in self.places:
            raise DefinitionError("every place needs a name of its own")
        if self.depot not in self.places:
            raise DefinitionError(f"the depot {self.depot!r} is not one of the places")
        if len(self.distances_mm) != n:
            raise DefinitionError(f"the distance table is not square: {len(self.distances_mm)} rows for {n} places")
        for name, row in zip(self.places, self.distances_mm, strict=True):
            if len(row) != n:
                raise DefinitionError(
                    f"the distance table is not square: row {name!r} has {len(row)} entries for {n} places"
                )
            for other, distance in zip(self.places, row, strict=True):
                if type(distance) is not int or distance < 0:
                    raise DefinitionError(
                        f"distance from {name!r} to {other!r} must be a whole number of at least 0, not {distance!r}"
                    )

    @property
    def rules(self) -> tuple[str, ...]:
        """The tour rules of a matrix floor.

        >>> MatrixFloor(("dock",), ((0,),), depot="dock").rules
        ('local', 'nearest', 'exact')
        """
        return MATRIX_RULES

    def __contains__(self, bin_id: object) -> bool:
        return bin_id in self._numbers and bin_id != self.depot

    def tour(self, bins: Iterable[str], rule: str = "local") -> Tour:
        """The walk past these bins, with its stops in order.

        Raises InvalidValue for a bin that is not on the floor, DefinitionError for an unknown rule or too many stops.

        >>> floor = MatrixFloor(("dock", "A", "B"), ((0, 1, 9), (9, 0, 1), (1, 9, 0)), depot="dock")
        >>> floor.tour(["B", "A"], "exact").stops
        ('A', 'B')
        """
        stops = self._order(self.cover(names("bins", bins, "A-1")), self._known(rule))
        return Tour(tuple(self.places[i] for i in stops), self._walked(stops), (), rule)

    def tour_length(self, bins: Iterable[str], rule: str = "local") -> int:
        """The length of the tour in millimeters.

        >>> MatrixFloor(("dock", "A"), ((0, 7), (7, 0)), depot="dock").tour_length(["A"])
        14
        """
        return self.measure(rule)(self.cover(bins))

    def cover(self, bins: Iterable[str]) -> int:
        """The set of bins as one number; the union of two sets is their bitwise or.

        >>> MatrixFloor(("dock", "A"), ((0, 7), (7, 0)), depot="dock").cover(["A"])
        2
        """
        mask = 0
        for bin_id in bins:
            if bin_id not in self:
                raise InvalidValue(f"bin {bin_id!r} is not on the floor")
            mask |= 1 << self._numbers[bin_id]
        return mask

    def measure(self, rule: str = "local") -> Callable[[int], int]:
        """The function from a set of bins (see `cover`) to its tour's length in millimeters.

        >>> MatrixFloor(("dock", "A"), ((0, 7), (7, 0)), depot="dock").measure()(2)
        14
        """
        found = self._lengths.get(rule)
        if found is None:
            self._known(rule)
            memo: dict[int, int] = {}

            def length(mask: int) -> int:
                known = memo.get(mask)
                if known is None:
                    if len(memo) >= MEMO_MAX:
                        memo.clear()
                    known = memo[mask] = self._walked(self._order(mask, rule))
                return known

            found = self._lengths[rule] = length
        return found

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.places)}

    @cached_property
    def _symmetric(self) -> bool:
        d = self.distances_mm
        return all(d[i][j] == d[j][i] for i in range(len(d)) for j in range(i))

    def _known(self, rule: str) -> str:
        if rule not in MATRIX_RULES:
            raise DefinitionError(f"no tour rule {rule!r} on a matrix floor; choose one of: {', '.join(MATRIX_RULES)}")
        return rule

    def _walked(self, stops: Sequence[int]) -> int:
        if not stops:
            return 0
        home = self._numbers[self.depot]
        return sum(self.distances_mm[a][b] for a, b in pairwise((home, *stops, home)))

    def _order(self, mask: int, rule: str) -> list[int]:
        stops = [i for i in range(len(self.places)) if mask >> i & 1]
        if not stops:
            return []
        home = self._numbers[self.depot]
        if rule == "exact":
            return held_karp(self.distances_mm, home, stops)
        tour = nearest(self.distances_mm, home, stops)
        return tour if rule == "nearest" else improve(self.distances_mm, home, tour, symmetric=self._symmetric)
