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
        "planned": {"release": "open", "cancel": "cancelled", "reject": "cancelled"},
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

    `awaited` units of them are not there yet: another node sends them, or the vendor has not accepted them.

    >>> FulfillmentLine("1", "SKU-1", 2).picked
    0
    """

    line: str
    item: str
    units: int
    picked: int = 0
    awaited: int = 0


@frozen
class Fulfillment:
    """The share of one order given to one node.

    It stays `planned` while units are awaited; `transfers` are those that bring them, by `comes_at`. A node to which it
    was offered answers by `answer_by`.

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
    answer_by: datetime | None = None
    transfers: tuple[str, ...] = ()
    comes_at: datetime | None = None

    @property
    def units(self) -> int:
        """All units of all lines.

        >>> Fulfillment("f", "o", "n", (FulfillmentLine("1", "A", 2), FulfillmentLine("2", "B", 3))).units
        5
        """
        return sum(line.units for line in self.lines)

    @property
    def _hint(self) -> str:
        """What may be done with a fulfillment that takes no command of its own."""
        if self.shipment:
            return f"it left as shipment {self.shipment!r}, which may be relabeled, voided or given up"
        return "it awaits units that have not come yet" if self.state == "planned" else ""

    def moved(self, command: str) -> Fulfillment:
        """This fulfillment after a command of FULFILLMENT_STATES; raises TransitionNotAllowed.

        >>> Fulfillment("f", "o", "n", ()).moved("pick").state
        'picking'
        """
        return evolve(self, state=FULFILLMENT_STATES.next(self.state, command, self.id, self._hint))

    def answered(self, command: str) -> Fulfillment:
        """This fulfillment after a command of NEGOTIATION_STATES; raises TransitionNotAllowed.

        >>> Fulfillment("f", "o", "n", ()).answered("offer").negotiation
        'offered'
        """
        return evolve(self, negotiation=NEGOTIATION_STATES.next(self.negotiation, command, self.id))

    def come(self, units: Mapping[str, int], *, rest: bool = True) -> Fulfillment:
        """This fulfillment after awaited units of lines have come; open when none are awaited any more.

        Without `rest` nothing more is to come: what is still awaited is taken out.

        >>> f = Fulfillment("f", "o", "n", (FulfillmentLine("1", "A", 2, awaited=2),), state="planned")
        >>> f.come({"1": 2}).state, f.come({"1": 1}, rest=False).lines
        ('open', (FulfillmentLine(line='1', item='A', units=1, picked=0, awaited=0),))
        """
        lines = []
        for line in self.lines:
            left = line.awaited - units.get(line.line, 0)
            n = line.units if rest else line.units - left
            if n:
                lines.append(evolve(line, units=n, awaited=left if rest else 0))
        made = evolve(self, lines=tuple(lines))
        if not lines:
            return made.moved("cancel")
        return made if any(line.awaited for line in lines) else made.moved("release")

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

    def reduced(self, units: Mapping[str, int], *, picked: bool = False, awaited: bool = False) -> Fulfillment:
        """This fulfillment with fewer units of lines: cancelled, or found short. An empty one is cancelled.

        `picked` says whether the units were picked already, `awaited` whether they were not there yet.

        >>> f = Fulfillment("f", "o", "n", (FulfillmentLine("1", "A", 2, picked=1),))
        >>> f.reduced({"1": 1}).lines, f.reduced({"1": 1}, picked=True).lines[0].picked
        ((FulfillmentLine(line='1', item='A', units=1, picked=1, awaited=0),), 0)
        >>> f.reduced({"1": 2}).state
        'cancelled'
        """
        lines = []
        for line in self.lines:
            n = units.get(line.line, 0)
            if n < line.units:
                has = line.picked - n if picked else line.picked
                left = line.units - n
                waits = max(0, line.awaited - n) if awaited else line.awaited
                lines.append(evolve(line, units=left, picked=max(0, min(has, left)), awaited=max(0, min(waits, left))))
        if lines:
            made = evolve(self, lines=tuple(lines))
            ready = made.state == "planned" and not any(line.awaited for line in lines)
            return made.moved("release") if ready else made
        return evolve(self, lines=(), state=FULFILLMENT_STATES.next(self.state, "cancel", self.id, self._hint))
