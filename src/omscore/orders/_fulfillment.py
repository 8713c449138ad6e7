"""Fulfillments: the share of one order given to one node, on two axes that never disagree.

Execution says how far the work is; negotiation says what whoever runs the node thinks of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import evolve, frozen

from omscore.errors import CommandRefused, InvalidValue, Reason
from omscore.kernel import StateTable, quantity

FULFILLMENT_STATES = StateTable(
    "fulfillment",
    {
        "planned": {"release": "open", "cancel": "cancelled"},
        "open": {"pick": "picking", "cancel": "cancelled", "reject": "cancelled"},
        "picking": {"pick": "picking", "pack": "packed", "cancel": "cancelled", "reject": "cancelled"},
        "packed": {"ship": "closed", "unpack": "picking", "give_up": "incomplete"},
        "closed": {},
        "cancelled": {},
        "incomplete": {},
    },
)
"""How far the work at the node is."""

NEGOTIATION_STATES = StateTable(
    "negotiation",
    {
        "not_sent": {"offer": "offered"},
        "offered": {"accept": "accepted", "reject": "rejected"},
        "accepted": {"reject": "rejected"},
        "rejected": {},
    },
)
"""What whoever runs the node says to it; a timeout counts as a rejection."""


@frozen
class FulfillmentLine:
    """Units of one order line at the node; `units` shrink when units are cancelled or found short.

    >>> FulfillmentLine("1", "SKU-1", 2).picked
    0
    """

    line: str
    item: str
    units: int
    picked: int = 0


@frozen
class Fulfillment:
    """The share of one order given to one node.

    >>> f = Fulfillment("ful-1", "ord-1", "ghent", (FulfillmentLine("1", "SKU-1", 2),))
    >>> f.state, f.negotiation, f.units
    ('open', 'not_sent', 2)
    """

    id: str
    order: str
    node: str
    lines: tuple[FulfillmentLine, ...]
    state: str = "open"
    negotiation: str = "not_sent"
    service: str = "standard"
    due_at: datetime | None = None
    created_at: datetime | None = None
    batch: str = ""
    shipment: str = ""
    attempt: int = 1

    @property
    def units(self) -> int:
        """All units of all lines.

        >>> Fulfillment("f", "o", "n", (FulfillmentLine("1", "A", 2), FulfillmentLine("2", "B", 3))).units
        5
        """
        return sum(line.units for line in self.lines)

    def moved(self, command: str) -> Fulfillment:
        """This fulfillment after a command of FULFILLMENT_STATES; raises TransitionNotAllowed.

        >>> Fulfillment("f", "o", "n", ()).moved("pick").state
        'picking'
        """
        return evolve(self, state=FULFILLMENT_STATES.next(self.state, command))

    def picked(self, units: Mapping[str, int]) -> Fulfillment:
        """This fulfillment after units of lines were picked; raises CommandRefused for more than it has.

        >>> f = Fulfillment("f", "o", "n", (FulfillmentLine("1", "A", 2),))
        >>> f.picked({"1": 2}).lines[0].picked
        2
        """
        reasons, lines = [], []
        known = {line.line for line in self.lines}
        for name in units:
            if name not in known:
                raise InvalidValue(f"fulfillment {self.id} has no line {name!r}; its lines are {sorted(known)}")
        for line in self.lines:
            n = line.picked + (quantity(units[line.line], "units") if line.line in units else 0)
            if n > line.units:
                text = f"line {line.line}: {n} picked would be more than its {line.units}"
                reasons.append(Reason("pick.too_many", text, {"line": line.line, "units": line.units, "picked": n}))
            lines.append(evolve(line, picked=n))
        if reasons:
            raise CommandRefused(reasons)
        return evolve(self.moved("pick"), lines=tuple(lines))

    def reduced(self, units: Mapping[str, int], *, picked: bool = False) -> Fulfillment:
        """This fulfillment with fewer units of lines: cancelled, or found short. An empty one is cancelled.

        `picked` says whether the units were picked already.

        >>> f = Fulfillment("f", "o", "n", (FulfillmentLine("1", "A", 2, picked=1),))
        >>> f.reduced({"1": 1}).lines, f.reduced({"1": 1}, picked=True).lines[0].picked
        ((FulfillmentLine(line='1', item='A', units=1, picked=1),), 0)
        >>> f.reduced({"1": 2}).state
        'cancelled'
        """
        lines = []
        for line in self.lines:
            n = units.get(line.line, 0)
            if n < line.units:
                has = line.picked - n if picked else line.picked
                lines.append(evolve(line, units=line.units - n, picked=max(0, min(has, line.units - n))))
        if lines:
            return evolve(self, lines=tuple(lines))
        return evolve(self, lines=(), state=FULFILLMENT_STATES.next(self.state, "cancel"))
