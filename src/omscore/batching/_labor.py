"""What a plan is worth: labor under a stated time model, distance against simpler ways, what each order cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from omscore.batching._floor import Floor
from omscore.batching._orders import Limits, PickOrder
from omscore.batching._plan import AnyFloor, Batch, BatchPlan, Cart, plan
from omscore.errors import DefinitionError
from omscore.kernel import Money, largest_remainder
from omscore.render import html_table, text_table


def _not_negative(_owner: Any, attribute: Any, value: Any) -> None:
    if type(value) is not int or value < 0:
        raise DefinitionError(f"{attribute.name} must be a whole number of at least 0, not {value!r}")


def _positive(_owner: Any, attribute: Any, value: Any) -> None:
    if type(value) is not int or value < 1:
        raise DefinitionError(f"{attribute.name} must be a whole number of at least 1, not {value!r}")


@frozen
class Pace:
    """The time model: a batch takes its set-up, the walk, a search at every stop and a grip for every unit.

    `walk_mm_per_s` is the walking speed, `setup_s` what a batch takes before and after, `search_s` each stop, `pick_s`
    each unit, `level_s` what each level above the floor adds to a stop. The defaults (48 m a minute, 3 minutes, 10 s a
    stop, 6 units a minute) are those Henn (2012) used for order batching; measure your own.

    >>> Pace().seconds(length_mm=96_000, stops=3, units=4)
    370
    """

    walk_mm_per_s: int = field(default=800, validator=_positive)
    setup_s: int = field(default=180, validator=_not_negative)
    search_s: int = field(default=10, validator=_not_negative)
    pick_s: int = field(default=10, validator=_not_negative)
    level_s: int = field(default=0, validator=_not_negative)

    def seconds(self, *, length_mm: int, stops: int, units: int, levels: int = 0) -> int:
        """The labor of one batch, in whole seconds, rounded up.

        >>> Pace(setup_s=0).seconds(length_mm=801, stops=0, units=0)
        2
        """
        walk = -(-length_mm // self.walk_mm_per_s)
        return self.setup_s + walk + self.search_s * stops + self.pick_s * units + self.level_s * levels


def batch_seconds(batch: Batch, floor: AnyFloor, pace: Pace) -> int:
    """The labor of a batch in seconds; levels count where the floor knows them.

    >>> from omscore.batching import PickLine
    >>> floor = Floor.parallel(aisles=2, cells=5)
    >>> (batch,) = plan([PickOrder("o-1", [PickLine("o-1", "1", "mug", 2, "0-3")])], floor, Limits()).batches
    >>> batch_seconds(batch, floor, Pace(walk_mm_per_s=1000, setup_s=60, search_s=5, pick_s=2))
    77
    """
    stops = batch.tour.stops
    levels = _levels(stops, floor)
    return pace.seconds(length_mm=batch.tour.length_mm, stops=len(stops), units=batch.units, levels=levels)


@frozen
class OrderCost:
    """What one order cost in one batch: its share of the batch's walk, of its labor, and of the wage if one is known.

    >>> OrderCost("o-1", "batch-1", 12_000, 40).labor_s
    40
    """

    order: str
    batch: str
    distance_mm: int
    labor_s: int
    cost: Money | None = None


def order_costs(
    made: BatchPlan, floor: AnyFloor, pace: Pace | None = None, *, wage_per_hour: Money | None = None
) -> tuple[OrderCost, ...]:
    """Each order's share of its batch: distance in proportion to its tour alone, labor and wage to its labor alone.

    The shares of a batch add up to the whole (largest remainder). An order that zones split has a row for each batch.

    >>> from omscore.batching import PickLine
    >>> floor = Floor.parallel(aisles=2, cells=5)
    >>> orders = [PickOrder(id, [PickLine(id, "1", "mug", 1, "0-3")]) for id in "ab"]
    >>> costs = order_costs(plan(orders, floor, Limits()), floor, wage_per_hour=Money.of("27.00", "EUR"))
    >>> [(row.distance_mm, row.labor_s, str(row.cost)) for row in costs]
    [(4000, 110, '0.83 EUR'), (4000, 110, '0.82 EUR')]
    """
    pace = pace or Pace()
    length = floor.measure(made.rule)
    costs: list[OrderCost] = []
    for batch in made.batches:
        alone, labor = [], []
        for name in batch.orders:
            lines = [line for line in batch.lines if line.order == name]
            bins = dict.fromkeys(line.bin for line in lines)
            alone.append(length(floor.cover(bins)))
            units = sum(line.units for line in lines)
            levels = _levels(bins, floor)
            labor.append(pace.seconds(length_mm=alone[-1], stops=len(bins), units=units, levels=levels))
        seconds = batch_seconds(batch, floor, pace)
        ways = largest_remainder(batch.tour.length_mm, [own or 1 for own in alone])
        weights = [own or 1 for own in labor]
        times = largest_remainder(seconds, weights)
        wages: Sequence[Money | None] = [None] * len(batch.orders)
        if wage_per_hour is not None:
            minor = (wage_per_hour.minor * seconds + 1800) // 3600
            wages = [Money(part, wage_per_hour.currency) for part in largest_remainder(minor, weights)]
        rows = zip(batch.orders, ways, times, wages, strict=True)
        costs += [OrderCost(name, batch.id, way, time, wage) for name, way, time, wage in rows]
    return tuple(costs)


def _levels(bins: Iterable[str], floor: AnyFloor) -> int:
    return sum(floor.bin(b).level for b in bins) if isinstance(floor, Floor) else 0


@frozen
class ReportRow:
    """One way of picking the same orders.

    >>> ReportRow("as planned", 2, 9, 120_000, 900).distance_m
    120
    """

    way: str
    batches: int
    lines: int
    distance_mm: int
    labor_s: int

    @property
    def distance_m(self) -> int:
        """The distance in whole meters, half rounded up.

        >>> ReportRow("as planned", 2, 9, 1_500, 900).distance_m
        2
        """
        return (self.distance_mm + 500) // 1000


@frozen
class Report:
    """The plan beside first come first served and one order at a time, both walked by rule of thumb.

    >>> Report((ReportRow("as planned", 1, 1, 50, 10), ReportRow("slow", 1, 1, 100, 40))).saved("slow")
    (0.5, 0.75)
    """

    rows: tuple[ReportRow, ...]

    def saved(self, against: str) -> tuple[float, float]:
        """The shares of distance and of labor the plan saves against another row, by its name.

        >>> Report((ReportRow("as planned", 1, 1, 0, 0), ReportRow("slow", 1, 1, 0, 0))).saved("slow")
        (0.0, 0.0)
        """
        ours, other = self.rows[0], next(row for row in self.rows if row.way == against)
        return (
            1 - ours.distance_mm / other.distance_mm if other.distance_mm else 0.0,
            1 - ours.labor_s / other.labor_s if other.labor_s else 0.0,
        )

    def to_records(self) -> list[dict[str, Any]]:
        """One row for each way, for tables and data frames.

        >>> Report((ReportRow("as planned", 1, 2, 50_000, 90),)).to_records()
        [{'way': 'as planned', 'batches': 1, 'lines': 2, 'distance_m': 50, 'labor_min': 1.5, 'distance_saved': 0.0}]
        """
        return [
            {
                "way": row.way,
                "batches": row.batches,
                "lines": row.lines,
                "distance_m": row.distance_m,
                "labor_min": round(row.labor_s / 60, 1),
                "distance_saved": round(self.saved(row.way)[0], 3),
            }
            for row in self.rows
        ]

    def __str__(self) -> str:
        records = self.to_records()
        return text_table(list(records[0]), [list(record.values()) for record in records])

    def _repr_html_(self) -> str:
        records = self.to_records()
        return html_table(list(records[0]), [list(record.values()) for record in records])


def report(
    made: BatchPlan,
    orders: Iterable[PickOrder],
    floor: AnyFloor,
    limits: Limits | Sequence[Cart],
    *,
    pace: Pace | None = None,
) -> Report:
    """What a plan walks and works, beside simpler ways of picking the same orders.

    The simpler ways are `first come` (batches as orders come in) and `one at a time`, both by S-shape tours where the
    floor knows them. Orders the plan refused are left out everywhere.

    >>> from omscore.batching import PickLine
    >>> floor, limits = Floor.parallel(aisles=4, cells=10), Limits(orders_max=2)
    >>> bins = ["0-3", "3-4", "0-5", "3-9"]
    >>> orders = [PickOrder(f"o-{n}", [PickLine(f"o-{n}", "1", "mug", 1, bin)]) for n, bin in enumerate(bins)]
    >>> print(report(plan(orders, floor, limits), orders, floor, limits))
    way            batches  lines  distance_m  labor_min  distance_saved
    -------------  -------  -----  ----------  ---------  --------------
    as planned           2      4          50       8.40            0.00
    first come           2      4          80       9.00            0.38
    one at a time        4      4          86      15.10            0.42
    """
    pace = pace or Pace()
    picked = {name for batch in made.batches for name in batch.orders}
    asked = [order for order in orders if order.id in picked]
    thumb = "s_shape" if "s_shape" in floor.rules else made.rule
    ways: Mapping[str, BatchPlan] = {
        "as planned": made,
        "first come": plan(asked, floor, limits, method="first_come", rule=thumb),
        "one at a time": plan(asked, floor, Limits(orders_max=1), method="first_come", rule=thumb),
    }
    return Report(
        tuple(
            ReportRow(
                way,
                len(each.batches),
                sum(len(batch.lines) for batch in each.batches),
                each.distance_mm,
                sum(batch_seconds(batch, floor, pace) for batch in each.batches),
            )
            for way, each in ways.items()
        )
    )
