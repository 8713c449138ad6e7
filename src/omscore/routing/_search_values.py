"""One order's question and its answer: plain values, which all search methods share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from attrs import define, frozen

from omscore.errors import InvalidValue

Take = tuple[int, int, int]
"""(node, line, units)."""

NEVER: Literal["never"] = "never"

Tariff = Callable[[int, int], int | None]
"""(node, grams of the parcel) -> price of the parcel, or None where a node does not ship so much."""


@define(eq=False)
class Sourcing:
    """The question: an order's lines, the nodes, and what everything costs, as whole numbers.

    Per line: `units` asked, `grams` of one unit, `unfilled` = price of leaving one unit out (None: all must ship).
    Per node: `fixed` = cost of a parcel from it, `caps` = most units it may ship (None: any).
    Per line and node: `have` = units there, `line_costs` = cost once when any of the line ships from it, `unit_costs`
    = cost of each unit. Instead of `have`, `full` gives for each line the bitmask of nodes that have all of it.
    `tariff` adds a price by the parcel's weight; it must not fall as the weight rises. `split_penalty` is paid for
    each stop after the first. `divide` says which lines may be divided: "never", "needed" (only those that no node
    has whole) or "free". `groups` are lines that ship together, undivided. A question is not changed once asked.

    >>> Sourcing(units=(2, 1), fixed=(600, 500), have=((2, 0), (1, 9))).nodes
    2
    """

    units: Sequence[int]
    fixed: Sequence[int]
    have: Sequence[Sequence[int]] | None = None
    full: Sequence[int] | None = None
    line_costs: Sequence[Sequence[int]] | None = None
    unit_costs: Sequence[Sequence[int]] | None = None
    grams: Sequence[int] | None = None
    tariff: Tariff | None = None
    split_penalty: int = 0
    stops_max: int | None = None
    divide: Literal["never", "needed", "free"] = NEVER
    unfilled: Sequence[int] | None = None
    groups: Sequence[Sequence[int]] = ()
    caps: Sequence[int | None] | None = None

    @property
    def nodes(self) -> int:
        """How many nodes there are.

        >>> Sourcing(units=(1,), fixed=(5, 6, 7), full=(0b111,)).nodes
        3
        """
        return len(self.fixed)

    def check(self) -> None:
        """Refuse a question that makes no sense, with InvalidValue; `cheapest_plan` does it for you.

        >>> Sourcing(units=(0,), fixed=(5,), full=(1,)).check()
        Traceback (most recent call last):
        omscore.errors.InvalidValue: line 0 asks 0 units; ask for 1 or more
        """
        lines, nodes = len(self.units), len(self.fixed)
        if not lines:
            raise InvalidValue("an order without lines has no plan; give at least one line")
        for line, n in enumerate(self.units):
            if n < 1:
                raise InvalidValue(f"line {line} asks {n} units; ask for 1 or more")
        if self.have is None and self.full is None:
            raise InvalidValue("nothing says what is in stock; give `have` or `full`")
        if self.have is None and self.divide != NEVER:
            raise InvalidValue("dividing a line needs the units at each node; give `have`")
        if self.divide not in (NEVER, "needed", "free"):
            raise InvalidValue(f'divide is "never", "needed" or "free", not {self.divide!r}')
        for name, rows in (("have", self.have), ("line_costs", self.line_costs), ("unit_costs", self.unit_costs)):
            if rows is not None and (len(rows) != lines or any(len(row) != nodes for row in rows)):
                raise InvalidValue(f"{name} needs {lines} rows (lines) of {nodes} figures (nodes)")
            if rows is not None and name != "have" and any(figure < 0 for row in rows for figure in row):
                raise InvalidValue(f"{name} holds a cost below 0; shift all costs of its line up by the same amount")
        for name, column in (("full", self.full), ("grams", self.grams), ("unfilled", self.unfilled)):
            if column is not None and (len(column) != lines or any(figure < 0 for figure in column)):
                raise InvalidValue(f"{name} needs {lines} figures (lines) of 0 or more")
        if self.full is not None and any(mask >> nodes for mask in self.full):
            raise InvalidValue(f"full names a node beyond the {nodes} there are")
        if self.caps is not None and len(self.caps) != nodes:
            raise InvalidValue(f"caps needs {nodes} figures (nodes)")
        if self.tariff is not None and self.grams is None:
            raise InvalidValue("a tariff by weight needs `grams`")
        if self.split_penalty < 0 or any(cost < 0 for cost in self.fixed):
            raise InvalidValue("costs of parcels and the split penalty are 0 or more")
        if self.stops_max is not None and self.stops_max < 1:
            raise InvalidValue(f"stops_max is {self.stops_max}; a plan needs 1 stop or more")
        if any(not 0 <= line < lines for group in self.groups for line in group):
            raise InvalidValue(f"a group names a line beyond the {lines} there are")


@frozen
class Sourced:
    """The answer: `takes` = (node, line, units), `unfilled` = (line, units), the cost, and a bound that no plan beats.

    >>> from omscore.routing.sourcing import cheapest_plan
    >>> plan = cheapest_plan(Sourcing(units=(2, 1), fixed=(600, 500), have=((2, 0), (1, 9))))
    >>> plan.takes, plan.cost, plan.proven, plan.gap
    (((0, 0, 2), (0, 1, 1)), 600, True, 0)
    """

    takes: tuple[Take, ...]
    unfilled: tuple[tuple[int, int], ...]
    cost: int
    bound: int
    steps: int
    method: str

    @property
    def proven(self) -> bool:
        """Whether no plan is cheaper.

        >>> Sourced((), ((0, 1),), 500, 480, 9, "sites").proven
        False
        """
        return self.bound >= self.cost

    @property
    def gap(self) -> int:
        """By how much the cheapest plan could be cheaper, in minor units.

        >>> Sourced((), ((0, 1),), 500, 480, 9, "sites").gap
        20
        """
        return max(0, self.cost - self.bound)

    @property
    def nodes(self) -> tuple[int, ...]:
        """The nodes that ship something, in order.

        >>> Sourced(((0, 0, 2), (3, 0, 1)), (), 500, 500, 1, "units").nodes
        (0, 3)
        """
        return tuple(sorted({node for node, _, _ in self.takes}))
