"""What may come back, and until when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from attrs import field, frozen

from omscore.errors import InvalidValue, Reason
from omscore.kernel.given import name_set, names, of_kind, text
from omscore.kernel.times import LONGEST, moments, utc


def _tags(tags: Iterable[str]) -> frozenset[str]:
    return name_set("the tags that never come back", tags, "sealed")


@frozen
class ReturnPolicy:
    """The window in which goods may come back, counted from their delivery, and what may not come back at all.

    `window` None means for ever; items or lines with one of the tags in `never` stay sold. A return of which nothing
    has arrived after `patience` expires. `warranty` is how long after delivery a claim may be made, None for ever.
    Money is to be given back within `refund_within` of when goods went or came back (fourteen days, as Article 13 of
    Directive 2011/83/EU has it for consumers). No time is below 0 or above a hundred years: InvalidValue.

    >>> ReturnPolicy(window=timedelta(days=30)).patience.days
    60
    """

    window: timedelta | None = None
    never: frozenset[str] = field(default=frozenset(), converter=_tags)
    patience: timedelta = timedelta(days=60)
    warranty: timedelta | None = None
    refund_within: timedelta = timedelta(days=14)

    def __attrs_post_init__(self) -> None:
        for name in ("window", "patience", "warranty", "refund_within"):
            value, ends = getattr(self, name), name in ("patience", "refund_within")
            if value is not None or ends:
                of_kind(name, value, timedelta, "timedelta(days=30)")
                if not timedelta(0) <= value <= LONGEST:
                    way_out = "" if ends else "; None is for ever"
                    raise InvalidValue(f"{name} must be from no time to {LONGEST.days} days, not {value}{way_out}")

    def refusals(
        self, line: str, tags: Iterable[str], delivered_at: datetime | None, now: datetime
    ) -> tuple[Reason, ...]:
        """Why units of a line may not come back; none when they may. What is not delivered yet is in time.

        Raises InvalidValue for naive times.

        >>> from datetime import UTC
        >>> policy, now = ReturnPolicy(timedelta(days=30), never={"final_sale"}), datetime(2026, 3, 2, tzinfo=UTC)
        >>> [r.code for r in policy.refusals("1", {"final_sale"}, now - timedelta(days=31), now)]
        ['return.never', 'return.window']
        """
        text("line", line)
        now = utc(now, "now")
        moments(delivered_at=delivered_at)
        reasons = []
        tags = names("the tags of a line", tags, "sealed")
        if bad := sorted(self.never & set(tags)):
            reasons.append(Reason("return.never", f"line {line} is {bad[0]}: it cannot come back", {"line": line}))
        if self.window is not None and delivered_at is not None and now > delivered_at + self.window:
            until = delivered_at + self.window
            why = f"line {line} could come back until {until.isoformat()}"
            reasons.append(Reason("return.window", why, {"line": line, "until": until.isoformat()}))
        return tuple(reasons)


ANY_TIME = ReturnPolicy()
"""Everything may come back, at any time."""
