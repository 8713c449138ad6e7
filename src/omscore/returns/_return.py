"""Returns: goods that come back. Receiving never forces refunding, nor the reverse."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import evolve, frozen

from omscore.errors import CommandRefused, InvalidValue, Reason
from omscore.kernel import StateTable, quantity

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
    """Units of one order line that come back, and how many have arrived.

    >>> ReturnLine("1", "SKU-1", 2).rest
    2
    """

    line: str
    item: str
    units: int
    received: int = 0
    inspected: int = 0

    @property
    def rest(self) -> int:
        """Units still expected.

        >>> ReturnLine("1", "SKU-1", 2, received=1).rest
        1
        """
        return self.units - self.received


@frozen
class Return:
    """Goods of one order that come back to a node.

    >>> r = Return("ret-1", "ord-1", "ghent", (ReturnLine("1", "SKU-1", 2),), why="too small")
    >>> r.state
    'expected'
    """

    id: str
    order: str
    node: str
    lines: tuple[ReturnLine, ...]
    why: str = ""
    state: str = "expected"
    opened_at: datetime | None = None
    replacement: str = ""

    def ended(self, command: str) -> Return:
        """This return when nothing more comes: "withdraw" or "expire"; what had arrived stays received.

        >>> Return("ret-1", "ord-1", "ghent", (ReturnLine("1", "SKU-1", 2),)).ended("expire").state
        'expired'
        """
        lines = tuple(evolve(line, units=line.received) if line.received else line for line in self.lines)
        return evolve(self, lines=lines, state=RETURN_STATES.next(self.state, command, self.id))

    def inspected(self, units: Mapping[str, int]) -> Return:
        """This return after units that arrived were looked at; raises CommandRefused for more than arrived.

        >>> r = Return("ret-1", "ord-1", "ghent", (ReturnLine("1", "SKU-1", 2, received=1),), state="receiving")
        >>> r.inspected({"1": 1}).lines[0].inspected
        1
        """
        lines, reasons = [], []
        for line in self.lines:
            n = line.inspected + units.get(line.line, 0)
            if n > line.received:
                text = f"line {line.line}: {line.received - line.inspected} units wait for inspection"
                reasons.append(Reason("return.not_there", text, {"line": line.line}))
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
        for name, n in units.items():
            if name not in known:
                raise InvalidValue(f"return {self.id} expects no line {name!r}; it expects {sorted(known)}")
            if quantity(n, "units") > known[name].rest:
                text = f"line {name}: {n} came back, {known[name].rest} were expected"
                reasons.append(Reason("return.too_many", text, {"line": name, "units": n, "rest": known[name].rest}))
        if reasons:
            raise CommandRefused(reasons)
        lines = tuple(evolve(line, received=line.received + units.get(line.line, 0)) for line in self.lines)
        if not any(line.rest for line in lines):
            state = RETURN_STATES.next(state, "close")
        return evolve(self, lines=lines, state=state)
