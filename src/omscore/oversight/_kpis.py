"""Key figures as folds over the event log, each with the denominator it is out of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from statistics import median
from typing import Any, Protocol

from attrs import field, frozen

from omscore.errors import InvalidValue
from omscore.kernel import quantity
from omscore.kernel.given import function, listed, mapped, of_kind, shown, texts
from omscore.orders import Accepted, Cancelled, Captured, UnitsMoved
from omscore.oversight._incidents import Resolved
from omscore.oversight._notices import NoticeSent
from omscore.oversight._profile import ChannelProfile


class Recorded(Protocol):
    """An event of the log, as stores give it.

    >>> from omscore.ports import Logged
    >>> row: Recorded = Logged("order", "ord-1", 1, None, "web-17", "", "event")
    """

    @property
    def kind(self) -> str:
        """The kind of record.

        >>> from omscore.ports import Logged
        >>> Logged("order", "ord-1", 1, None, "web-17", "", "event").kind
        'order'
        """
        ...

    @property
    def id(self) -> str:
        """The record's id.

        >>> from omscore.ports import Logged
        >>> Logged("order", "ord-1", 1, None, "web-17", "", "event").id
        'ord-1'
        """
        ...

    @property
    def event(self) -> Any:
        """What happened.

        >>> from omscore.ports import Logged
        >>> Logged("order", "ord-1", 1, None, "web-17", "", "event").event
        'event'
        """
        ...


@frozen
class Kpi:
    """A figure: so many of so many, and what both are. A time has a median in seconds instead of a share.

    `failed` is what a host's own measure failed with, so that there is no figure. Raises InvalidValue for what is no
    number.

    >>> Kpi("split", 1, 4, "orders shipped from more than one place", "orders with a node").percent
    25.0
    """

    name: str
    count: int
    of: int
    counts: str
    denominator: str
    median_s: float | None = None
    # A host's own error may name a customer, and what stands in a repr ends in a log.
    failed: str = field(default="", repr=False)

    def __attrs_post_init__(self) -> None:
        texts(name=self.name, counts=self.counts, denominator=self.denominator, failed=self.failed)
        what, middle = f"figure {self.name!r}", self.median_s
        for name, n in (("count", self.count), ("of", self.of)):
            if type(n) is not int:
                raise InvalidValue(f"{name} of {what} must be a whole number, not {shown(n)}")
        if middle is not None and (isinstance(middle, bool) or not isinstance(middle, (int, float))):
            raise InvalidValue(f"median_s of {what} must be seconds, not {shown(middle)}")

    @property
    def percent(self) -> float | None:
        """The share in percent; None when there is nothing to be out of.

        >>> Kpi("split", 0, 0, "", "").percent
        """
        return 100 * self.count / self.of if self.of else None


Measure = Callable[[Iterable[Recorded]], Kpi]
"""A host's own figure: a fold over the same log, with its denominator."""

_STAGES = (
    ("captured", "accepted"),
    ("accepted", "allocate"),
    ("allocate", "pick"),
    ("pick", "pack"),
    ("pack", "ship"),
    ("ship", "deliver"),
)


@frozen
class _Seen:
    """What the log says of one order."""

    captured: Captured
    first: dict[str, datetime] = field(factory=dict)
    last: dict[str, datetime] = field(factory=dict)
    units: dict[str, int] = field(factory=dict)
    # Units given to each fulfillment and not taken back.
    parts: dict[str, int] = field(factory=dict)
    taken_back: set[str] = field(factory=set)
    oversold: list[int] = field(factory=list)
    sent: dict[str, datetime] = field(factory=dict)

    def see(self, what: str, at: datetime) -> None:
        self.first.setdefault(what, at)
        self.last[what] = at

    def moved(self, event: UnitsMoved) -> None:
        self.see(event.verb, event.at)
        n = sum(move[3] for move in event.moves)
        self._count(event.verb, n)
        if event.verb in ("deallocate", "unreserve", "lose"):
            self._count("to promise anew", n)
        elif event.verb == "reserve":
            again = min(n, self.units.get("to promise anew", 0))
            self._count("to promise anew", -again)
            self._count("promised", n - again)
        if event.verb == "allocate":
            self.parts[event.ref] = self.parts.get(event.ref, 0) + n
        elif event.verb == "deallocate":
            self._taken_back(event.ref, n)
        if event.verb == "deallocate" and event.ref:
            # A node did not find what it was said to have.
            self._count("not found", n)
            self.taken_back.update(move[0] for move in event.moves)
        elif event.verb == "backorder":
            self.oversold.append(sum(move[3] for move in event.moves if move[0] in self.taken_back))
            if "accepted" not in self.first:
                self._count("short at capture", n)

    def _count(self, what: str, n: int) -> None:
        self.units[what] = self.units.get(what, 0) + n

    def _taken_back(self, ref: str, n: int) -> None:
        """Units are routed anew; where nobody says from which fulfillment, from the newest ones."""
        for part in [ref] if ref else list(reversed(self.parts)):
            less = min(n, self.parts.get(part, 0))
            self.parts[part] = self.parts.get(part, 0) - less
            n -= less


def kpis(
    log: Iterable[Recorded],
    *,
    profile: Callable[[str], ChannelProfile] = lambda channel: ChannelProfile(),
    incidents_open: int = 0,
) -> Mapping[str, Kpi]:
    """The key figures of a log: oversell, fill, split, accuracy, on time, notices, cycle times and incidents.

    `profile` gives the profile of a channel, whose notices are looked for; `incidents_open` is the backlog, which no
    log can tell.

    >>> kpis([])["split"].percent
    """
    function("profile", profile)
    quantity(incidents_open, "incidents_open", at_least=0)
    if isinstance(log, (str, bytes)) or not isinstance(log, Iterable):
        raise InvalidValue(f"a log is rows such as shop.history('ord-1') gives, not {shown(log)}")
    orders: dict[str, _Seen] = {}
    resolved: list[Resolved] = []
    for row in log:
        if not hasattr(row, "event"):
            raise InvalidValue(f"a log is rows such as shop.history('ord-1') gives; {shown(row)} is none")
        event = row.event
        if type(event) is Captured:
            orders[row.id] = _Seen(event)
            orders[row.id].see("captured", event.at)
        elif type(event) is Resolved:
            resolved.append(event)
        elif row.id not in orders:
            continue
        elif type(event) is UnitsMoved:
            orders[row.id].moved(event)
        elif type(event) is NoticeSent:
            orders[row.id].sent.setdefault(event.notice, event.at)
        elif type(event) is Accepted:
            orders[row.id].see("accepted", event.at)
        elif type(event) is Cancelled:
            orders[row.id].see("cancelled", event.at)
    seen = list(orders.values())
    figures = [*_shares(seen), _notices(seen, profile), *_times(seen), _incidents(resolved, incidents_open)]
    return {figure.name: figure for figure in figures}


def measured(measure: Measure, log: Iterable[Recorded]) -> Kpi:
    """A host's own figure; one that fails is told in its place, under the measure's own name, and hides no other.

    What reading the log itself raises goes through.

    >>> def returned(log):
    ...     return Kpi("returned", 1, 0 // 0, "returns", "orders")
    >>> measured(returned, []).failed
    'ZeroDivisionError: integer division or modulo by zero'
    """
    name = getattr(measure, "__name__", type(measure).__name__)
    unread: list[Exception] = []

    def told() -> Iterator[Recorded]:
        try:
            yield from log
        except Exception as error:
            unread.append(error)
            raise

    try:
        figure = measure(told())
    except Exception as error:
        if unread:
            raise
        return Kpi(name, 0, 0, "", "", failed=f"{type(error).__name__}: {error}")
    if isinstance(figure, Kpi):
        return figure
    return Kpi(name, 0, 0, "", "", failed=f"it gave a {type(figure).__name__}, and a measure gives a Kpi")


def _shares(seen: list[_Seen]) -> list[Kpi]:
    def units(verb: str) -> int:
        return sum(order.units.get(verb, 0) for order in seen)

    ordered = sum(order.captured.draft.units for order in seen)
    allocated = [order for order in seen if order.parts]
    shipped = [o for o in seen if "ship" in o.last and o.captured.draft.ship_by is not None]
    in_time = [o for o in shipped if o.last["ship"] <= (o.captured.draft.ship_by or o.last["ship"])]
    delivered = [o for o in seen if "deliver" in o.last and o.captured.draft.deliver_by is not None]
    there = [o for o in delivered if o.last["deliver"] <= (o.captured.draft.deliver_by or o.last["deliver"])]
    oversold = sum(sum(order.oversold) for order in seen)
    splits = sum(sum(n > 0 for n in order.parts.values()) > 1 for order in allocated)
    return [
        Kpi(
            "oversell",
            oversold,
            units("promised"),
            "units promised that were nowhere found",
            "units promised, once each",
        ),
        Kpi("fill", ordered - units("short at capture"), ordered, "units there at capture", "units ordered"),
        Kpi("split", splits, len(allocated), "orders in more than one fulfillment", "orders given to a node"),
        Kpi("pick_accuracy", units("pick"), units("pick") + units("not found"), "units picked", "units to be picked"),
        Kpi("shipped_on_time", len(in_time), len(shipped), "shipped by their time", "shipped orders with one"),
        Kpi("delivered_on_time", len(there), len(delivered), "delivered by their time", "delivered orders with one"),
        Kpi("returns", units("receive_return"), units("ship"), "units that came back", "units shipped"),
    ]


def _notices(seen: list[_Seen], profile: Callable[[str], ChannelProfile]) -> Kpi:
    sent = in_time = 0
    for order in seen:
        of = profile(order.captured.draft.channel)
        of_kind("what profile gives of a channel", of, ChannelProfile, "ChannelProfile()")
        limits = of.notices
        for notice, at in order.sent.items():
            sent += 1
            in_time += notice in limits and at <= order.captured.at + limits[notice]
    return Kpi("notices_on_time", in_time, sent, "notices sent in time", "notices sent")


def _times(seen: list[_Seen]) -> list[Kpi]:
    result = []
    for start, end in _STAGES:
        took = [(o.first[end] - o.first[start]).total_seconds() for o in seen if start in o.first and end in o.first]
        name = f"cycle_{start}_to_{end}"
        middle = median(took) if took else None
        result.append(Kpi(name, len(took), len(seen), f"orders that came from {start} to {end}", "orders", middle))
    return result


def _incidents(resolved: list[Resolved], backlog: int) -> Kpi:
    took = [(one.at - one.since).total_seconds() for one in resolved]
    middle = median(took) if took else None
    of = len(took) + backlog
    return Kpi("incidents_resolved", len(took), of, "incidents resolved", "incidents resolved or open", middle)


def to_records(figures: Mapping[str, Kpi]) -> list[dict[str, Any]]:
    """Key figures as plain rows, for tables and dashboards.

    >>> to_records({"split": Kpi("split", 1, 4, "split orders", "orders")})[0]["percent"]
    25.0
    """
    return [
        {
            "name": figure.name,
            "count": figure.count,
            "of": figure.of,
            "percent": figure.percent,
            "median_s": figure.median_s,
            "counts": figure.counts,
            "denominator": figure.denominator,
            "failed": figure.failed,
        }
        for figure in listed("figures", mapped("figures", figures, "kpis(log)").values(), Kpi, "kpis(log)['fill']")
    ]
