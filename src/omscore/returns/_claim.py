"""Warranty claims: something that was delivered fails within its time; the item may be kept or come back."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve, frozen

from omscore.kernel import StateTable, key, quantity
from omscore.kernel.given import one_of, texts
from omscore.kernel.times import moments

CLAIM_STATES = StateTable(
    "claim",
    {"open": {"approve": "approved", "refuse": "refused"}, "approved": {}, "refused": {}},
)
"""A person decides a claim once."""


@frozen
class Claim:
    """Units of a line that failed: which (by serial, where the item has one), why, and what was decided.

    `replacement` names the line that is sent instead, `returning` the return of the item when it is not to be kept.
    Raises InvalidValue naming the field that is wrong.

    >>> Claim("clm-1", "ord-1", "1", "SKU-1", 1, serial="S-9", why="does not start").state
    'open'
    """

    id: str
    order: str
    line: str
    item: str
    units: int
    serial: str = ""
    why: str = ""
    state: str = "open"
    opened_at: datetime | None = None
    replacement: str = ""
    returning: str = ""

    def __attrs_post_init__(self) -> None:
        key(self.id, "claim id")
        key(self.order, f"claim {self.id!r}: order")
        key(self.line, f"claim {self.id!r}: line")
        key(self.item, f"claim {self.id!r}: item")
        quantity(self.units, f"claim {self.id!r}: units")
        texts(serial=self.serial, why=self.why, replacement=self.replacement, returning=self.returning)
        one_of("the state of a claim", self.state, CLAIM_STATES.moves)
        moments(opened_at=self.opened_at)

    def decided(self, command: str, *, replacement: str = "", returning: str = "") -> Claim:
        """This claim after "approve" or "refuse"; raises TransitionNotAllowed for a second decision.

        >>> Claim("clm-1", "ord-1", "1", "SKU-1", 1).decided("refuse").state
        'refused'
        """
        state = CLAIM_STATES.next(self.state, command, self.id)
        return evolve(self, state=state, replacement=replacement, returning=returning)
