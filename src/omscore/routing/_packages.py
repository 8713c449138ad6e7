"""Packages: a plan's assignments cut into parcels by a chain of pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import evolve, frozen

from omscore.errors import InvalidValue
from omscore.routing._demand import Demand
from omscore.routing._trace import Assignment, Plan


@frozen
class Package:
    """What one node puts into one parcel.

    >>> Package("A", (Assignment("A", "1", "X", 2),)).units
    2
    """

    node: str
    assignments: tuple[Assignment, ...]

    @property
    def units(self) -> int:
        """Units in it.

        >>> Package("A", ()).units
        0
        """
        return sum(a.units for a in self.assignments)


Splitter = Callable[[Package, Demand], Iterable[Package]]
"""Cuts one package into one or more; a chain of them is applied one after the other."""


def split_packages(plan: Plan, demand: Demand, splitters: Sequence[Splitter] = ()) -> tuple[Package, ...]:
    """A plan as packages: one for each node, cut further by each splitter in turn; no unit is lost or doubled.

    Raises InvalidValue when a splitter loses or adds units.

    >>> from omscore.routing import DemandLine
    >>> plan = Plan((Assignment("A", "1", "X", 1), Assignment("A", "2", "Y", 1, backordered=True)))
    >>> demand = Demand("ord-1", [DemandLine("1", "X"), DemandLine("2", "Y")])
    >>> [package.assignments[0].item for package in split_packages(plan, demand, [by_backorder])]
    ['X', 'Y']
    """
    packages = [Package(node, tuple(a for a in plan.assignments if a.node == node)) for node in plan.nodes]
    for splitter in splitters:
        packages = [part for package in packages for part in splitter(package, demand) if part.assignments]
    if sum(package.units for package in packages) != plan.units:
        raise InvalidValue("a splitter lost or added units; it must hand on every assignment it is given")
    return tuple(packages)


def _grouped(package: Package, key: Callable[[Assignment], object]) -> Iterable[Package]:
    groups: dict[object, list[Assignment]] = {}
    for a in package.assignments:
        groups.setdefault(key(a), []).append(a)
    return [Package(package.node, tuple(rows)) for rows in groups.values()]


def by_backorder(package: Package, _: Demand) -> Iterable[Package]:
    """Cut what is backordered from what is there.

    >>> from omscore.routing import DemandLine
    >>> len(list(by_backorder(Package("A", (Assignment("A", "1", "X", 1),)), Demand("o", [DemandLine("1", "X")]))))
    1
    """
    return _grouped(package, lambda a: a.backordered)


def by_category(package: Package, demand: Demand) -> Iterable[Package]:
    """Cut by the category of the lines.

    >>> from omscore.routing import DemandLine
    >>> rows = (Assignment("A", "1", "X", 1), Assignment("A", "2", "Y", 1))
    >>> lines = [DemandLine("1", "X", category="TV"), DemandLine("2", "Y", category="book")]
    >>> len(list(by_category(Package("A", rows), Demand("o", lines))))
    2
    """
    category = {line.id: line.category for line in demand.lines}
    return _grouped(package, lambda a: category[a.line])


def by_tag(tag: str) -> Splitter:
    """Cut lines with a tag (such as "hazmat") from those without.

    >>> from omscore.routing import DemandLine
    >>> rows = (Assignment("A", "1", "X", 1), Assignment("A", "2", "Y", 1))
    >>> lines = [DemandLine("1", "X", tags={"hazmat"}), DemandLine("2", "Y")]
    >>> len(list(by_tag("hazmat")(Package("A", rows), Demand("o", lines))))
    2
    """

    def cut(package: Package, demand: Demand) -> Iterable[Package]:
        tagged = {line.id for line in demand.lines if tag in line.tags}
        return _grouped(package, lambda a: a.line in tagged)

    return cut


def by_weight(grams_max: int) -> Splitter:
    """Cut so that no parcel is heavier than this, heaviest units first; a unit heavier by itself goes alone.

    First-fit decreasing (Johnson 1973), by whole units.

    >>> from omscore.routing import DemandLine
    >>> order = Demand("o", [DemandLine("1", "X", 3, weight_grams=60)])
    >>> [p.units for p in by_weight(150)(Package("A", (Assignment("A", "1", "X", 3),)), order)]
    [2, 1]
    """
    if type(grams_max) is not int or grams_max < 1:
        raise InvalidValue(f"grams_max must be a whole number of at least 1, not {grams_max!r}")

    def cut(package: Package, demand: Demand) -> Iterable[Package]:
        grams = {line.id: line.weight_grams for line in demand.lines}
        parcels: list[tuple[int, list[Assignment]]] = []
        for a in sorted(package.assignments, key=lambda a: (-grams[a.line], a.line)):
            left, each = a.units, grams[a.line]
            for n, (load, rows) in enumerate(parcels):
                fits = left if each == 0 else min(left, (grams_max - load) // each)
                if fits > 0:
                    rows.append(evolve(a, units=fits))
                    parcels[n] = (load + fits * each, rows)
                    left -= fits
            while left:
                fits = left if each == 0 else max(1, min(left, grams_max // each))
                parcels.append((fits * each, [evolve(a, units=fits)]))
                left -= fits
        return [Package(package.node, tuple(rows)) for _, rows in parcels]

    return cut
