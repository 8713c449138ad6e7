"""What an order is told (commands, imperative) and what happened to it (events, past tense)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from omscore.errors import InvalidValue, Reason
from omscore.kernel import utc
from omscore.kernel.frozen import maker
from omscore.orders._draft import Draft

HOLD_EXPIRIES = ("escalate", "release", "cancel")
"""What a hold does when its time is up: it stays and becomes an exception, is released, or the order is cancelled."""


@frozen
class Hold:
    """A named stop with an owner and a deadline: progress waits, facts are still recorded.

    `on_expiry` says what happens at `until`: "escalate" (it stays and becomes an exception), "release" or "cancel".

    >>> Hold("fraud_review", owner="risk").on_expiry
    'escalate'
    """

    code: str
    owner: str = ""
    until: datetime | None = None
    text: str = ""
    on_expiry: str = "escalate"

    def __attrs_post_init__(self) -> None:
        if not self.code:
            raise InvalidValue("a hold needs a code, such as 'fraud_review'")
        if self.until is not None:
            utc(self.until, f"until of hold {self.code!r}")
        if self.on_expiry not in HOLD_EXPIRIES:
            raise InvalidValue(f"on_expiry must be one of {', '.join(HOLD_EXPIRIES)}, not {self.on_expiry!r}")


# -- commands: imperative, what somebody wants --


@frozen
class Capture:
    """Take a draft in as an order.

    >>> Capture("ord-1", draft=None).id
    'ord-1'
    """

    id: str
    draft: Draft


@frozen
class Accept:
    """All checks passed: the order is ours to fulfill.

    >>> Accept()
    Accept()
    """


@frozen
class Reject:
    """The order will not be fulfilled, for these reasons.

    >>> Reject((Reason("payment.declined", "the bank declined"),)).reasons[0].code
    'payment.declined'
    """

    reasons: tuple[Reason, ...]


@frozen
class PlaceHold:
    """Stop progress until the hold is released.

    >>> PlaceHold(Hold("fraud_review")).hold.code
    'fraud_review'
    """

    hold: Hold


@frozen
class ReleaseHold:
    """Let progress go on.

    >>> ReleaseHold("fraud_review").code
    'fraud_review'
    """

    code: str


@frozen
class MoveUnits:
    """Move units of lines by a verb of UNIT_MOVES; `ref` names what they move with (a fulfillment, a return).

    >>> MoveUnits("pick", {"1": 2}, ref="ful-1").units
    {'1': 2}
    """

    verb: str
    units: Mapping[str, int]
    ref: str = ""


@frozen
class Cancel:
    """Cancel units, or all that still can be when no units are named. What is shipped can only come back as a return.

    >>> Cancel(why="customer changed their mind").units
    """

    units: Mapping[str, int] | None = None
    why: str = ""


@frozen
class Close:
    """Nothing is left to do.

    >>> Close()
    Close()
    """


@frozen
class Reopen:
    """Take a finished order up again.

    >>> Reopen(why="delivered to the wrong door").why
    'delivered to the wrong door'
    """

    why: str = ""


@frozen
class Edit:
    """Change what was ordered: a set of changes (see :class:`omscore.orders.AddLine` and the others), all or none.

    >>> Edit(()).why
    ''
    """

    changes: tuple[Any, ...]
    why: str = ""


Command = Capture | Accept | Reject | PlaceHold | ReleaseHold | MoveUnits | Cancel | Edit | Close | Reopen
"""Everything an order can be told."""


# -- events: past tense, what happened --


@frozen(weakref_slot=False)
class Captured:
    """A draft became an order.

    >>> Captured("ord-1", draft=None, at=None).id
    'ord-1'
    """

    id: str
    draft: Draft
    at: datetime


@frozen(weakref_slot=False)
class Accepted:
    """The order is ours to fulfill.

    >>> Accepted(at=None)
    Accepted(at=None)
    """

    at: datetime


@frozen(weakref_slot=False)
class Rejected:
    """The order will not be fulfilled.

    >>> Rejected(at=None, reasons=()).reasons
    ()
    """

    at: datetime
    reasons: tuple[Reason, ...]


@frozen(weakref_slot=False)
class HoldPlaced:
    """Progress stopped.

    >>> HoldPlaced(at=None, hold=Hold("fraud_review")).hold.code
    'fraud_review'
    """

    at: datetime
    hold: Hold


@frozen(weakref_slot=False)
class HoldReleased:
    """Progress may go on.

    >>> HoldReleased(at=None, code="fraud_review").code
    'fraud_review'
    """

    at: datetime
    code: str


@frozen(weakref_slot=False)
class UnitsMoved:
    """Units went from bucket to bucket: (line, source, target, units) for each.

    >>> UnitsMoved(at=None, verb="pick", moves=(("1", "allocated", "picked", 2),)).moves[0][3]
    2
    """

    at: datetime
    verb: str
    moves: tuple[tuple[str, str, str, int], ...]
    ref: str = ""
    why: str = ""


@frozen(weakref_slot=False)
class Cancelled:
    """Every unit of the order is cancelled.

    >>> Cancelled(at=None, why="").why
    ''
    """

    at: datetime
    why: str = ""


@frozen(weakref_slot=False)
class Closed:
    """Nothing is left to do.

    >>> Closed(at=None)
    Closed(at=None)
    """

    at: datetime


@frozen(weakref_slot=False)
class Reopened:
    """A finished order was taken up again; its cancelled units are open once more if it was cancelled.

    >>> Reopened(at=None).why
    ''
    """

    at: datetime
    why: str = ""


@frozen(weakref_slot=False)
class Edited:
    """The order is now about another draft: the same lines and perhaps more, at these prices, to this place.

    >>> Edited(at=None, draft=None).why
    ''
    """

    at: datetime
    draft: Draft
    why: str = ""


Event = Captured | Edited | Accepted | Rejected | HoldPlaced | HoldReleased | UnitsMoved | Cancelled | Closed | Reopened
"""Everything that can have happened to an order."""

# What every order goes through is made fast.
accepted, hold_placed, hold_released = maker(Accepted), maker(HoldPlaced), maker(HoldReleased)
units_moved, closed = maker(UnitsMoved), maker(Closed)

EVENTS: tuple[type, ...] = (
    Captured,
    Edited,
    Accepted,
    Rejected,
    HoldPlaced,
    HoldReleased,
    UnitsMoved,
    Cancelled,
    Closed,
    Reopened,
)
"""Every kind of event an order has, for codecs and reference pages."""
