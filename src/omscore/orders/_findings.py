"""Validation: what is wrong with a draft, as data, all at once; checks are plain functions in a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Protocol

from attrs import frozen

from omscore.errors import InvalidValue, OmsError
from omscore.kernel import Item
from omscore.orders._draft import Draft

SEVERITIES = ("error", "review", "warning")
"""An error rejects, a review holds the order for a person, a warning is only told."""


@frozen
class Finding:
    """One result of a check: how bad, a stable dotted code, a sentence, and what to do about it.

    A review is for `owner` to decide `within` a time; `on_expiry` is what happens then (see HOLD_EXPIRIES).

    >>> Finding("error", "lines.none", "the order has no lines", "send at least one line").code
    'lines.none'
    """

    severity: str
    code: str
    text: str
    hint: str = ""
    field: str = ""
    owner: str = "review"
    within: timedelta = timedelta(hours=24)
    on_expiry: str = "escalate"

    def __attrs_post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise InvalidValue(f"severity must be one of {', '.join(SEVERITIES)}, not {self.severity!r}")


class Items(Protocol):
    """What checks ask about items: a dict of items by SKU will do.

    >>> {"SKU-1": Item("SKU-1")}.get("SKU-1").sku
    'SKU-1'
    """

    def get(self, sku: str, /) -> Item | None:
        """An item, or None when nobody sells it.

        >>> {"SKU-1": Item("SKU-1")}.get("SKU-2")
        """
        ...


Check = Callable[[Draft, Items], Iterable[Finding]]
"""A check gets a draft and the items that are sold, and yields findings."""


def has_lines(draft: Draft, items: Items) -> Iterator[Finding]:
    """An order needs at least one line.

    >>> from datetime import UTC, datetime
    >>> [f.code for f in has_lines(Draft("web", "1", "EUR", (), datetime(2026, 3, 2, tzinfo=UTC)), {})]
    ['lines.none']
    """
    if not draft.lines:
        yield Finding("error", "lines.none", "the order has no lines", "send at least one line with an item", "lines")


def sells_items(draft: Draft, items: Items) -> Iterator[Finding]:
    """Every line names an item that is sold.

    >>> from datetime import UTC, datetime
    >>> from omscore.kernel import Money
    >>> from omscore.orders import DraftLine
    >>> line = DraftLine("1", "SKU-9", 1, Money(100, "EUR"))
    >>> [f.text for f in sells_items(Draft("web", "1", "EUR", (line,), datetime(2026, 3, 2, tzinfo=UTC)), {})]
    ["no item 'SKU-9' is sold"]
    """
    for line in draft.lines:
        if items.get(line.item) is None:
            yield Finding(
                "error",
                "item.unknown",
                f"no item {line.item!r} is sold",
                "correct the SKU or add the item to the catalog",
                f"lines[{line.id}].item",
            )


def has_destination(draft: Draft, items: Items) -> Iterator[Finding]:
    """An order that ships needs somewhere to go.

    >>> from datetime import UTC, datetime
    >>> [f.code for f in has_destination(Draft("web", "1", "EUR", (), datetime(2026, 3, 2, tzinfo=UTC)), {})]
    ['address.missing']
    """
    if draft.ship_to is None:
        yield Finding("error", "address.missing", "there is no shipping address", "ask the channel for it", "ship_to")


def adds_up(draft: Draft, items: Items) -> Iterator[Finding]:
    """The channel's total is what its rows add up to.

    >>> from datetime import UTC, datetime
    >>> from omscore.kernel import Money
    >>> draft = Draft("web", "1", "EUR", (), datetime(2026, 3, 2, tzinfo=UTC), total=Money(100, "EUR"))
    >>> [f.code for f in adds_up(draft, {})]
    ['money.total']
    """
    if draft.total is not None and draft.total != draft.due:
        yield Finding(
            "warning",
            "money.total",
            f"the channel says {draft.total}, the rows add up to {draft.due}",
            "compare discounts, taxes and shipping with the channel",
            "total",
        )


STANDARD_CHECKS: tuple[Check, ...] = (has_lines, sells_items, has_destination, adds_up)
"""What every order is checked for unless the host says otherwise."""


def _found(check: Check, draft: Draft, items: Items) -> list[Finding]:
    try:
        return list(check(draft, items))
    except OmsError:
        raise
    except Exception as failed:  # noqa: BLE001 - a check may be a host's code: whatever it raises, it could not say
        # Only the kind of error: its text may name a customer.
        text = f"check {getattr(check, '__name__', type(check).__name__)} failed: {type(failed).__name__}"
        return [Finding("review", "check.failed", text, "mend the check, and look at the order by hand")]


def validate(draft: Draft, items: Items, checks: Sequence[Check] = STANDARD_CHECKS) -> tuple[Finding, ...]:
    """Every finding of every check, worst first; nothing stops at the first one.

    A check of the host's own that raises says nothing, and a person looks: nobody's order is lost for it. An OmsError,
    such as the DefinitionError of a check that cannot work, comes through.

    >>> from datetime import UTC, datetime
    >>> [f.code for f in validate(Draft("web", "1", "EUR", (), datetime(2026, 3, 2, tzinfo=UTC)), {})]
    ['address.missing', 'lines.none']
    """
    found = [finding for check in checks for finding in _found(check, draft, items)]
    return tuple(sorted(found, key=lambda f: (SEVERITIES.index(f.severity), f.code, f.field)))
