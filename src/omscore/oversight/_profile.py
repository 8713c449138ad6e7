"""A channel's profile: everything that one channel's orders ask of the service, in one object."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from attrs import field, frozen

from omscore.errors import InvalidValue
from omscore.inventory import Cell
from omscore.kernel import quantity
from omscore.kernel.given import mapped, names, one_of, shown, texts
from omscore.kernel.times import LONGEST
from omscore.payments import CAPTURE_METHODS

NOTICES: Mapping[str, timedelta] = {
    "confirmed": timedelta(minutes=2),
    "paid": timedelta(minutes=5),
    "routed": timedelta(minutes=15),
    "picking": timedelta(minutes=30),
    "shipped": timedelta(hours=2),
    "picked_up": timedelta(hours=4),
    "delivered": timedelta(hours=24),
}
"""The seven notices and how soon after capture each is due, unless the channel's profile says otherwise."""

OCCASIONS = ("short",)
"""The notices that are owed at no time of their own, but when something happens: units were not found when picked."""


PAYMENT_GATES = ("authorized", "captured", "none")
"""What an order needs before anybody works on it: a promise of all that is owed, the money itself, or neither."""


def _positive(time: object, name: str) -> None:
    if not isinstance(time, timedelta) or not timedelta(0) < time <= LONGEST:
        raise InvalidValue(f"{name} is a positive timedelta, not {shown(time)}; {LONGEST.days} days are the most")


@frozen
class ChannelProfile:
    """What a channel promises and needs.

    `commitment` is how soon an order ships; orders of a higher `priority` are worked on first; `packaging` is told to
    the packing table. `capture_method` and `allowance_minor` say when and how far money is taken; an order that is not
    paid within `unpaid_max` is cancelled. `payment_gate` says what an order waits for (see PAYMENT_GATES); "none" is
    for marketplaces that vouch for the money. `buffers` are the free units to leave in a cell for this channel.
    `notices` maps each notice to how soon after capture it is due; one that is left out is not sent. `occasions` are
    the notices that are sent when something happens. Raises InvalidValue for what cannot be meant.

    >>> ChannelProfile(commitment=timedelta(hours=72)).notices["confirmed"]
    datetime.timedelta(seconds=120)
    """

    commitment: timedelta | None = None
    priority: int = 0
    packaging: str = "standard"
    capture_method: str = "at_shipment"
    allowance_minor: int = 0
    unpaid_max: timedelta | None = None
    payment_gate: str = "authorized"
    buffers: Mapping[Cell, int] = field(factory=dict)
    notices: Mapping[str, timedelta] = field(default=NOTICES)
    occasions: tuple[str, ...] = OCCASIONS

    def __attrs_post_init__(self) -> None:
        for name, time in (("commitment", self.commitment), ("unpaid_max", self.unpaid_max)):
            if time is not None:
                _positive(time, name)
        for notice, after in mapped("notices", self.notices, "{'confirmed': timedelta(minutes=2)}").items():
            _positive(after, f"notice {notice!r}")
        texts(packaging=self.packaging)
        if type(self.priority) is not int:
            raise InvalidValue(f"priority is a whole number, not {self.priority!r}")
        quantity(self.allowance_minor, "allowance_minor", at_least=0)
        for cell, n in mapped("buffers", self.buffers, "{Cell('SKU-1', 'ghent'): 2}").items():
            if not isinstance(cell, Cell):
                raise InvalidValue(f"buffers are of cells (item and node), not of {cell!r}")
            quantity(n, f"buffer of {cell.item!r} at {cell.node!r}", at_least=0)
        one_of("capture_method", self.capture_method, CAPTURE_METHODS)
        one_of("payment_gate", self.payment_gate, PAYMENT_GATES)
        if self.payment_gate == "captured" and self.capture_method != "at_order":
            raise InvalidValue("a gate at 'captured' needs capture_method 'at_order': shipping waits for the money")
        if unknown := sorted(set(self.notices) - set(NOTICES)):
            raise InvalidValue(f"no notice is called {', '.join(unknown)}; the notices are {', '.join(NOTICES)}")
        if unknown := sorted(set(names("occasions", self.occasions, "short")) - set(OCCASIONS)):
            raise InvalidValue(f"no occasion is called {', '.join(unknown)}; the occasions are {', '.join(OCCASIONS)}")
