"""Surge: when far more orders than usual come in, work is done in larger steps until it is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from attrs import frozen

from omscore.errors import DefinitionError, InvalidValue
from omscore.kernel import quantity, utc
from omscore.kernel.given import flags, of_kind, shown


@frozen
class SurgeRule:
    """When surge mode begins and ends, as percentages of the normal number of orders in a `period`.

    It begins above `on_percent` and ends only after `calm_periods` periods in a row at or below `off_percent`, so that
    it does not flicker. Raises DefinitionError when it could end while it begins.

    >>> SurgeRule(normal=100).on_percent
    200
    """

    normal: int
    on_percent: int = 200
    off_percent: int = 150
    calm_periods: int = 2
    period: timedelta = timedelta(minutes=15)

    def __attrs_post_init__(self) -> None:
        quantity(self.normal, "the normal number of orders in a period")
        for name in ("on_percent", "off_percent", "calm_periods"):
            quantity(getattr(self, name), name, at_least=0)
        of_kind("period", self.period, timedelta, "timedelta(minutes=15)")
        if not 0 < self.off_percent < self.on_percent or self.calm_periods < 1:
            raise DefinitionError(
                f"surge mode that begins above {self.on_percent} % must end below that and after at least one calm "
                f"period, not at {self.off_percent} % after {self.calm_periods}"
            )
        if self.period <= timedelta(0):
            raise DefinitionError(f"a period takes some time, not {self.period}")

    def begins(self, orders: int) -> bool:
        """Whether so many orders in a period, or in a part of one, are a surge.

        >>> SurgeRule(normal=100).begins(200), SurgeRule(normal=100).begins(201)
        (False, True)
        """
        quantity(orders, "orders", at_least=0)
        return orders * 100 > self.on_percent * self.normal

    def begun(self, at: datetime) -> datetime:
        """When the period began in which a time falls; periods are counted from 1970, so that every process agrees.

        >>> SurgeRule(normal=100).begun(datetime(2026, 3, 2, 9, 20, tzinfo=UTC)).minute
        15
        """
        at = utc(at, "at")
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        return at - (at - epoch) % self.period


@frozen
class SurgeState:
    """Whether surge mode is on, and how many calm periods there have been in a row.

    `mode` says what that means: orders routed many in one transaction, batches made within a region, express first.

    >>> SurgeState().mode["routing"]
    'one by one'
    """

    on: bool = False
    calm: int = 0

    def __attrs_post_init__(self) -> None:
        flags(on=self.on)
        quantity(self.calm, "calm", at_least=0)

    @property
    def mode(self) -> dict[str, str]:
        """How orders are to be worked on: what is switched on during a surge, by stage.

        >>> SurgeState(on=True).mode
        {'routing': 'in batches', 'batching': 'by region', 'lanes': 'express first'}
        """
        if self.on:
            return {"routing": "in batches", "batching": "by region", "lanes": "express first"}
        return {"routing": "one by one", "batching": "by due date", "lanes": "none"}

    def after(self, rule: SurgeRule, orders: int) -> SurgeState:
        """The state after one more period in which so many orders came in.

        >>> SurgeState().after(SurgeRule(normal=100), 201).on, SurgeState().after(SurgeRule(normal=100), 200).on
        (True, False)
        """
        of_kind("rule", rule, SurgeRule, "SurgeRule(normal=100)")
        if rule.begins(orders):
            return SurgeState(on=True)
        if not self.on:
            return self
        calm = self.calm + 1 if orders * 100 <= rule.off_percent * rule.normal else 0
        return SurgeState() if calm >= rule.calm_periods else SurgeState(on=True, calm=calm)


def surges(rule: SurgeRule, orders: Iterable[int], state: SurgeState | None = None) -> Iterator[SurgeState]:
    """The state after each of a row of periods; the same orders always give the same states.

    >>> [s.on for s in surges(SurgeRule(normal=100), [100, 1500, 180, 140, 160, 150, 150])]
    [False, True, True, True, True, True, False]
    """
    of_kind("rule", rule, SurgeRule, "SurgeRule(normal=100)")
    state = SurgeState() if state is None else state
    of_kind("state", state, SurgeState, "SurgeState()")
    if isinstance(orders, (str, bytes)) or not isinstance(orders, Iterable):
        raise InvalidValue(f"orders are counts of periods such as [100, 150], not {shown(orders)}")
    # One by one: the counts of a shop that is open come as its periods end.
    for n in orders:
        state = state.after(rule, n)
        yield state


@frozen
class SurgeClock:
    """Where counting has come to: the state after the periods up to a time.

    >>> SurgeClock(SurgeState(), datetime(2026, 3, 2, tzinfo=UTC)).state.on
    False
    """

    state: SurgeState
    upto: datetime


@frozen
class SurgeChanged:
    """Surge mode began or ended: an event for the log, with the orders of the period that decided it.

    >>> SurgeChanged(True, datetime(2026, 3, 2, tzinfo=UTC), 240, 100).on
    True
    """

    on: bool
    at: datetime
    orders: int
    normal: int
