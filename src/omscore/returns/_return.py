"""Returns: goods that come back. Receiving never forces refunding, nor the reverse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import evolve, field, frozen

from omscore.errors import CommandRefused, InvalidValue, Reason
from omscore.kernel import StateTable, key, quantity
from omscore.kernel.given import listed, mapped, one_of, texts
from omscore.kernel.times import moments

RETURN_STATES = StateTable(
    "return",
    {
        "expected": {"receive": "receiving", "withdraw": "withdrawn", "expire": "expired"},
        "receiving": {"receive": "receiving", "close": "received", "withdraw": "received", "expire": "received"},
        "received": {},
        "withdrawn": {},
        "expired": {},
    },
)
"""How far a return is; money has an axis of its own."""

DISPOSITIONS = {
    "restock": "free",
    "quarantine": "quarantine",
    "scrap": "scrap",
    "damaged": "damaged",
    "vendor": "quarantine",
}
"""What becomes of a returned unit, and the ledger's bucket it comes into; "vendor" sends it on to a supplier."""


@frozen
class ReturnLine:
    """Units of one order line that come back, how many have arrived, and how many of those were looked at.

    Raises InvalidValue naming the figure that is wrong.

    >>> ReturnLine("1", "SKU-1", 2).rest
    2
    """

    line: str
    item: str
    units: int
    received: int = 0
    inspected: int = 0

    def __attrs_post_init__(self) -> None:
        key(self.line, "the line of a return")
        key(self.item, f"line {self.line}: item")
        for name in ("units", "received", "inspected"):
            quantity(getattr(self, name), f"line {self.line}: {name}", at_least=0)
        if not self.inspected <= self.received <= self.units:
            raise InvalidValue(
                f"line {self.line}: of {self.units} units {self.received} cannot have come and {self.inspected} been "
                "looked at; what came is at most what is expected, and what was looked at is at most what came"
            )

    @property
    def rest(self) -> int:
        """Units still expected.

        >>> ReturnLine("1", "SKU-1", 2, received=1).rest
        1
        """
        return self.units - self.received


def _line_tuple(lines: Iterable[ReturnLine]) -> tuple[ReturnLine, ...]:
    return listed("the lines of a return", lines, ReturnLine, "ReturnLine('1', 'SKU-1', 2)")


@frozen
class Return:
    """Goods of one order that come back to a node. Raises InvalidValue naming the field that is wrong.

    >>> r = Return("ret-1", "ord-1", "ghent", (ReturnLine("1", "SKU-1", 2),), why="too small")
    >>> r.state
    'expected'
    """

    id: str
    order: str
    node: str
    lines: tuple[ReturnLine, ...] = field(converter=_line_tuple)
    why: str = ""
    state: str = "expected"
    opened_at: datetime | None = None
    replacement: str = ""

    def __attrs_post_init__(self) -> None:
        key(self.id, "return id")
        key(self.order, f"return {self.id!r}: order")
        key(self.node, f"return {self.id!r}: node")
        texts(why=self.why, replacement=self.replacement)
        one_of("the state of a return", self.state, RETURN_STATES.moves)
        moments(opened_at=self.opened_at)

    def ended(self, command: str) -> Return:
        """This return when nothing more comes: "withdraw" or "expire"; what had arrived stays received.

        >>> Return("ret-1", "ord-1", "ghent", (ReturnLine("1", "SKU-1", 2),)).ended("expire").state
        'expired'
        """
        lines = tuple(evolve(line, units=line.received) if line.received else line for line in self.lines)
        return evolve(self, lines=lines, state=RETURN_STATES.next(self.state, command, self.id))

    def inspected(self, units: Mapping[str, int]) -> Return:
        """This return after units that arrived were looked at.

        Raises CommandRefused for more than arrived, InvalidValue for a line that it does not have.

        >>> r = Return("ret-1", "ord-1", "ghent", (ReturnLine("1", "SKU-1", 2, received=1),), state="receiving")
        >>> r.inspected({"1": 1}).lines[0].inspected
        1
        """
        lines, reasons = [], []
        units = self._named(units)
        for line in self.lines:
            n = line.inspected + units.get(line.line, 0)
            if n > line.received:
                text = f"line {line.line}: {line.received - line.inspected} units wait for inspection"
                reasons.append(Reason("return.not_there", text, {"line": line.line}))
            else:
                lines.append(evolve(line, inspected=n))
        if reasons:
            raise CommandRefused(reasons)
        return evolve(self, lines=tuple(lines))

    def received(self, units: Mapping[str, int]) -> Return:
        """This return after units of lines arrived; it closes when none are left to come.

        Raises CommandRefused when more arrive than were expected.

        >>> r = Return("ret-1", "ord-1", "ghent", (ReturnLine("1", "SKU-1", 2),))
        >>> r.received({"1": 1}).state, r.received({"1": 2}).state
        ('receiving', 'received')
        """
        state = RETURN_STATES.next(self.state, "receive", self.id)
        known = {line.line: line for line in self.lines}
        reasons = []
        units = self._named(units)
        for name, n in units.items():
            if n > known[name].rest:
                text = f"line {name}: {n} came back, {known[name].rest} were expected"
                reasons.append(Reason("return.too_many", text, {"line": name, "units": n, "rest": known[name].rest}))
        if reasons:
            raise CommandRefused(reasons)
        lines = tuple(evolve(line, received=line.received + units.get(line.line, 0)) for line in self.lines)
        if not any(line.rest for line in lines):
            state = RETURN_STATES.next(state, "close")
        return evolve(self, lines=lines, state=state)

    def _named(self, units: Mapping[str, int]) -> Mapping[str, int]:
        """Units of lines that it has; raises InvalidValue for others."""
        known = {line.line for line in self.lines}
        for name, n in mapped("units", units, "{'1': 2}").items():
            if name not in known:
                raise InvalidValue(f"return {self.id} expects no line {name!r}; it expects {sorted(known)}")
            quantity(n, f"line {name}: units")
        return units
