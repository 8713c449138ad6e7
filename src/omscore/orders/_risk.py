"""Risk: indicators as data, scored with their evidence; above a threshold a person decides, in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from hashlib import blake2b
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from attrs import field, frozen

from omscore.errors import DefinitionError, InvalidValue
from omscore.orders._draft import Draft
from omscore.orders._findings import Check, Finding, Items

_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
    "in": lambda fact, values: fact in values,
}


@frozen
class Indicator:
    """One sign of trouble: a fact of the draft, a comparison, and how much it weighs.

    Raises DefinitionError for a comparison that is none of ==, !=, <, <=, >, >= and in.

    >>> Indicator("first order", 15, "orders_before", "==", 0).weight
    15
    """

    name: str
    weight: int
    fact: str
    test: str
    value: Any

    def __attrs_post_init__(self) -> None:
        if self.test not in _TESTS:
            raise DefinitionError(f"{self.test!r} is no comparison; use one of {', '.join(_TESTS)}")


STANDARD_INDICATORS: tuple[Indicator, ...] = (
    Indicator("billed and shipped to different countries", 40, "countries_differ", "==", True),
    Indicator("billed and shipped to different postcodes", 10, "postcodes_differ", "==", True),
    Indicator("a first order", 10, "orders_before", "==", 0),
    Indicator("a high value", 25, "value_minor", ">=", 50_000),
    Indicator("many of one item", 20, "units_of_one_item_max", ">=", 10),
    Indicator("the fastest service", 10, "service", "in", ("express", "overnight", "same_day")),
    Indicator("nobody to ask", 15, "reachable", "==", False),
)
"""Signs that shops commonly look at; weights and limits are each host's own to set."""


def risk_facts(draft: Draft) -> dict[str, Any]:
    """What indicators may ask of a draft.

    >>> from datetime import UTC, datetime
    >>> risk_facts(Draft("web", "1", "EUR", (), datetime(2026, 3, 2, tzinfo=UTC)))["value_minor"]
    0
    """
    ship, bill = draft.ship_to, draft.bill_to
    both = ship is not None and bill is not None
    units: dict[str, int] = {}
    for line in draft.lines:
        units[line.item] = units.get(line.item, 0) + line.units
    return {
        "channel": draft.channel,
        "service": draft.service,
        "payment": draft.payment,
        "value_minor": draft.value.minor,
        "units": draft.units,
        "lines": len(draft.lines),
        "units_of_one_item_max": max(units.values(), default=0),
        "orders_before": draft.customer.orders_before,
        "customer_tier": draft.customer.tier,
        "country": ship.country if ship else "",
        "countries_differ": both and bill is not None and ship is not None and bill.country != ship.country,
        "postcodes_differ": both and bill is not None and ship is not None and bill.postcode != ship.postcode,
        "reachable": any(a is not None and (a.email or a.phone) for a in (ship, bill)),
    }


def _rows(rows: Iterable[Iterable[Any]]) -> tuple[Any, ...]:
    return tuple(tuple(row) for row in rows)


@frozen
class Risk:
    """A score and what it rests on: (indicator, weight, the fact as it was found) for each sign that was seen.

    Raises InvalidValue for a score that is no whole number, and for evidence that is no such rows.

    >>> Risk(25, (("a high value", 25, "60000"),)).score
    25
    """

    score: int
    evidence: tuple[tuple[str, int, str], ...] = field(default=(), converter=_rows)

    def __attrs_post_init__(self) -> None:
        if type(self.score) is not int:
            raise InvalidValue(f"a risk's score is a whole number, not {self.score!r}")
        for row in self.evidence:
            if [type(part) for part in row] != [str, int, str]:
                raise InvalidValue(f"evidence is (sign, weight, what was found) as text, number and text, not {row!r}")


@frozen
class RiskLimit:
    """From which score on a person decides: who, within what time, and what happens then (see HOLD_EXPIRIES).

    >>> RiskLimit(60).owner
    'risk'
    """

    threshold: int = 60
    owner: str = "risk"
    within: timedelta = timedelta(hours=4)
    on_expiry: str = "escalate"

    def findings(self, risk: Risk, code: str = "risk.score") -> tuple[Finding, ...]:
        """The finding of a risk that reaches the limit, with its evidence; none below.

        >>> [found.text for found in RiskLimit(20).findings(Risk(25, (("a high value", 25, "60000"),)))]
        ['risk 25 of 20: a high value (25, is 60000)']
        """
        if risk.score < self.threshold:
            return ()
        signs = ", ".join(f"{name} ({weight}, is {fact})" for name, weight, fact in risk.evidence)
        return (self.finding(f"risk {risk.score} of {self.threshold}: {signs or 'no reason given'}", code),)

    def finding(self, text: str, code: str) -> Finding:
        """A finding for whoever decides about risks.

        >>> RiskLimit(60).finding("the scorer gave no answer", "risk.unanswered").severity
        'review'
        """
        return Finding("review", code, text, "call the customer", "", self.owner, self.within, self.on_expiry)


def score_risk(draft: Draft, indicators: Sequence[Indicator] = STANDARD_INDICATORS) -> Risk:
    """Weigh a draft's signs of trouble; the score is the sum of the weights of those that are seen.

    Raises DefinitionError for an indicator that asks for a fact there is not.

    >>> from datetime import UTC, datetime
    >>> score_risk(Draft("web", "1", "EUR", (), datetime(2026, 3, 2, tzinfo=UTC)))
    Risk(score=25, evidence=(('a first order', 10, '0'), ('nobody to ask', 15, 'False')))
    """
    facts = risk_facts(draft)
    evidence = []
    for indicator in indicators:
        if indicator.fact not in facts:
            raise DefinitionError(f"{indicator.name!r} asks for {indicator.fact!r}; the facts are {', '.join(facts)}")
        fact = facts[indicator.fact]
        if _TESTS[indicator.test](fact, indicator.value):
            evidence.append((indicator.name, indicator.weight, str(fact)))
    return Risk(sum(weight for _, weight, _ in evidence), tuple(evidence))


def risk_below(
    threshold: int,
    indicators: Sequence[Indicator] = STANDARD_INDICATORS,
    *,
    owner: str = "risk",
    within: timedelta = timedelta(hours=4),
    on_expiry: str = "escalate",
) -> Check:
    """A check that holds an order for a person when its score reaches a threshold, with the evidence.

    `within` is how long the person has, `on_expiry` what happens then (see HOLD_EXPIRIES).

    >>> from datetime import UTC, datetime
    >>> check = risk_below(25)
    >>> [f.text for f in check(Draft("web", "1", "EUR", (), datetime(2026, 3, 2, tzinfo=UTC)), {})]
    ['risk 25 of 25: a first order (10, is 0), nobody to ask (15, is False)']
    """
    limit = RiskLimit(threshold, owner, within, on_expiry)

    def check(draft: Draft, items: Items) -> Iterator[Finding]:
        yield from limit.findings(score_risk(draft, indicators))

    return check


def verified_by_hand(*channels: str, owner: str = "phone desk", within: timedelta = timedelta(hours=2)) -> Check:
    """A check that has a person verify every order of some channels, such as those taken over the phone.

    >>> from datetime import UTC, datetime
    >>> draft = Draft("phone", "1", "EUR", (), datetime(2026, 3, 2, tzinfo=UTC))
    >>> [f.code for f in verified_by_hand("phone")(draft, {})]
    ['channel.by_hand']
    """

    def check(draft: Draft, items: Items) -> Iterator[Finding]:
        if draft.channel in channels:
            text = f"orders of {draft.channel!r} are verified by hand"
            yield Finding("review", "channel.by_hand", text, "read it back to the customer", "channel", owner, within)

    return check


def likeness(draft: Draft) -> str:
    """A name that two drafts share when the same customer, or the same door, wants the same units of the same items.

    >>> from datetime import UTC, datetime
    >>> now = datetime(2026, 3, 2, tzinfo=UTC)
    >>> likeness(Draft("web", "1", "EUR", (), now)) == likeness(Draft("web", "2", "EUR", (), now))
    True
    """
    units: dict[str, int] = {}
    for line in draft.lines:
        units[line.item] = units.get(line.item, 0) + line.units
    ship = draft.ship_to
    door = (ship.country, ship.postcode, ship.city.casefold(), tuple(x.casefold() for x in ship.lines)) if ship else ()
    who = draft.customer.id or door
    return blake2b(repr((who, sorted(units.items()))).encode(), digest_size=8).hexdigest()


def similar(order_ids: Sequence[str]) -> tuple[Finding, ...]:
    """The finding that like orders were captured a short while ago.

    >>> similar(["ord-1"])[0].text
    'the same customer ordered the same a short while ago: ord-1'
    """
    if not order_ids:
        return ()
    text = f"the same customer ordered the same a short while ago: {', '.join(order_ids)}"
    return (Finding("review", "duplicate.similar", text, "ask whether both are wanted"),)
