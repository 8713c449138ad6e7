"""Buffers: units kept off sale, a number or a share by velocity class; the most specific rule wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal, InvalidOperation

from attrs import field, frozen

from omscore.errors import InvalidValue
from omscore.inventory._cells import Cell, Figures


def _percent(value: object) -> Decimal:
    if isinstance(value, float):
        raise InvalidValue(f"percent must be exact: write Decimal or text ('12.5'), not {value!r}")
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise InvalidValue(f"percent must be a number: write 12 or '12.5', not {value!r}") from None


@frozen
class Buffer:
    """A rule for units to keep back: `units`, or `percent` of what is on hand, for what the other fields name.

    Empty `item`, `node`, `velocity`, `channel` mean any. The most specific rule that fits a cell decides, alone: item
    before node before velocity class before channel. A share is rounded up to whole units, so that what is published is
    rounded down: 10 percent of 25 keeps 3 and publishes 22. A share counts from on hand and not from free, so that
    selling does not melt the buffer.

    >>> Buffer(percent=10).keep(Figures(free=150, reserved=50))
    20
    >>> Buffer(units=5).keep(Figures(free=3))
    5
    """

    units: int = 0
    percent: Decimal = field(default=Decimal(0), converter=_percent)
    item: str = ""
    node: str = ""
    velocity: str = ""
    channel: str = ""

    def __attrs_post_init__(self) -> None:
        if type(self.units) is not int or self.units < 0 or not (self.percent.is_finite() and 0 <= self.percent <= 100):
            raise InvalidValue(
                f"a buffer keeps a whole number of units or 0 to 100 percent, not {self.units!r} and {self.percent}"
            )
        if self.units and self.percent:
            raise InvalidValue("a buffer keeps units or a percentage, not both; write two rules")

    def keep(self, figures: Figures) -> int:
        """The units to keep back in a cell with these figures.

        >>> Buffer(percent="12.5").keep(Figures(free=9))
        2
        """
        return self.units or int((figures.on_hand * self.percent / 100).to_integral_value(ROUND_CEILING))

    def fits(self, cell: Cell, velocity: str, channel: str) -> bool:
        """Whether the rule speaks of a cell, an item's velocity class and a channel.

        >>> Buffer(units=1, velocity="A").fits(Cell("SKU-1", "ghent"), "A", "web")
        True
        """
        return (
            self.item in ("", cell.item)
            and self.node in ("", cell.node)
            and self.velocity in ("", velocity)
            and self.channel in ("", channel)
        )

    @property
    def rank(self) -> tuple[bool, bool, bool, bool]:
        """How specific the rule is; the greater decides.

        >>> Buffer(item="SKU-1").rank > Buffer(node="ghent", channel="web").rank
        True
        """
        return bool(self.item), bool(self.node), bool(self.velocity), bool(self.channel)


def floors(
    buffers: Sequence[Buffer],
    cells: Iterable[tuple[Cell, Figures]],
    *,
    velocities: Mapping[str, str] | None = None,
    channel: str = "",
) -> dict[Cell, int]:
    """The floors for cells under a set of rules: what `reserve`, `allocate` and `availability` take as `floors`.

    `velocities` names each item's velocity class. Of two rules of one rank the later decides. An item's lots at a node
    keep one buffer together, which lies on the lots with most free units. Cells of a pool have no buffer: their units
    are fenced for somebody already.

    >>> rules = [Buffer(percent=8), Buffer(percent=12, velocity="fast"), Buffer(units=2, item="SKU-2")]
    >>> cells = [(Cell("SKU-1", "ghent"), Figures(free=200)), (Cell("SKU-2", "ghent"), Figures(free=200))]
    >>> [floor for floor in floors(rules, cells, velocities={"SKU-1": "fast"}).values()]
    [24, 2]
    """
    lots: dict[tuple[str, str], list[tuple[Cell, Figures]]] = {}
    for cell, figures in cells:
        if not cell.pool:
            lots.setdefault((cell.item, cell.node), []).append((cell, figures))
    result = {}
    for rows in lots.values():
        cell = rows[0][0]
        velocity = (velocities or {}).get(cell.item, "")
        best = None
        for buffer in buffers:
            if buffer.fits(cell, velocity, channel) and (best is None or buffer.rank >= best.rank):
                best = buffer
        if best is None:
            continue
        if len(rows) == 1:
            keep = best.keep(rows[0][1])
            if keep:
                result[cell] = keep
            continue
        keep = best.keep(Figures(free=sum(figures.on_hand for _, figures in rows)))
        for lot, figures in sorted(rows, key=lambda row: (row[1].free, row[0]), reverse=True):
            if n := min(keep, figures.free):
                result[lot] = n
                keep -= n
    return result
