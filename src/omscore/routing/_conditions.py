"""Conditions: what a route may ask about an order (when=...)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, Protocol

from omscore.errors import DefinitionError
from omscore.kernel import Money
from omscore.routing._logic import number
from omscore.routing._terms import Condition, Word, amount, limits, names


class Binder(Protocol):
    """Gives a constant a name in the generated source; constants are never pasted into it."""

    def const(self, value: Any) -> str:
        """The name under which generated code finds the value."""
        ...


def channel_is(*names_: str) -> Condition:
    """The order came in through one of these channels.

    >>> channel_is("web", "amazon")
    channel_is('web', 'amazon')
    """
    return Condition("channel_is", names("channel_is", names_))


def service_is(*names_: str) -> Condition:
    """The order asks for one of these service levels.

    >>> service_is("express") & ~channel_is("web")
    (service_is('express') & ~channel_is('web'))
    """
    return Condition("service_is", names("service_is", names_))


def country_is(*names_: str) -> Condition:
    """The destination is in one of these countries (ISO 3166-1 alpha-2).

    >>> country_is("BE", "NL")
    country_is('BE', 'NL')
    """
    return Condition("country_is", names("country_is", names_))


def region_is(*names_: str) -> Condition:
    """The destination is in one of these regions (state, province or county code).

    >>> region_is("CA")
    region_is('CA')
    """
    return Condition("region_is", names("region_is", names_))


def postcode_starts(*names_: str) -> Condition:
    """The destination's postcode begins with one of these.

    >>> postcode_starts("90", "91")
    postcode_starts('90', '91')
    """
    return Condition("postcode_starts", names("postcode_starts", names_))


def market_is(*names_: str) -> Condition:
    """The order belongs to one of these markets.

    >>> market_is("benelux")
    market_is('benelux')
    """
    return Condition("market_is", names("market_is", names_))


def tier_is(*names_: str) -> Condition:
    """The customer is in one of these tiers.

    >>> tier_is("gold")
    tier_is('gold')
    """
    return Condition("tier_is", names("tier_is", names_))


def seller_is(*names_: str) -> Condition:
    """One of these sellers or owners sells the order.

    >>> seller_is("own-brand")
    seller_is('own-brand')
    """
    return Condition("seller_is", names("seller_is", names_))


def parked_in(*names_: str) -> Condition:
    """The order waited in one of these queues before.

    >>> parked_in("unfillable")
    parked_in('unfillable')
    """
    return Condition("parked_in", names("parked_in", names_))


def any_tag(*names_: str) -> Condition:
    """The order or one of its lines carries at least one of these tags ("gift", "hazmat", "cold").

    >>> any_tag("gift")
    any_tag('gift')
    """
    return Condition("any_tag", names("any_tag", names_))


def all_tags(*names_: str) -> Condition:
    """The order and its lines together carry all of these tags.

    >>> all_tags("cold", "fragile")
    all_tags('cold', 'fragile')
    """
    return Condition("all_tags", names("all_tags", names_))


def every_line_tagged(*names_: str) -> Condition:
    """Each line carries at least one of these tags itself.

    >>> every_line_tagged("gift")
    every_line_tagged('gift')
    """
    return Condition("every_line_tagged", names("every_line_tagged", names_))


def has_item(*names_: str) -> Condition:
    """At least one line is for one of these items.

    >>> has_item("ITEM1")
    has_item('ITEM1')
    """
    return Condition("has_item", names("has_item", names_))


def has_category(*names_: str) -> Condition:
    """At least one line's item is in one of these categories.

    >>> has_category("TV")
    has_category('TV')
    """
    return Condition("has_category", names("has_category", names_))


def is_pickup() -> Condition:
    """The customer fetches the order at a node.

    >>> is_pickup()
    is_pickup()
    """
    return Condition("is_pickup")


def no_coordinates() -> Condition:
    """The destination has no point on the map, so that every distance is unknown.

    >>> no_coordinates()
    no_coordinates()
    """
    return Condition("no_coordinates")


def fact_is(name: str, *values: str) -> Condition:
    """A fact that the host put on the demand is one of these texts; a missing fact never holds.

    >>> fact_is("segment", "vip", "staff")
    fact_is('vip', 'staff', fact='segment')
    """
    return Condition("fact_is", (*names("fact_is", values), ("fact", _fact_name(name))))


def _fact_is(*values: str, fact: str) -> Condition:
    return fact_is(fact, *values)


def _fact_name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise DefinitionError(f"a fact is named by non-empty text, not {name!r}")
    return name


def own_condition(name: str, call: Callable[[Any], bool]) -> Condition:
    """A condition of the host's own: `call(demand)` says whether it holds. It works but cannot be stored as data.

    >>> even = own_condition("even units", lambda demand: demand.units % 2 == 0)
    >>> even, even.stored
    (own('even units'), False)
    """
    return Condition("own", (("names", (name,)),), call=call)


_SIGNS = {"<": "<", "<=": "<=", "=": "==", ">=": ">=", ">": ">"}
_MONEY = {"value": "d.value_minor", "margin": "d.margin_minor"}
_NUMBERS = {
    "units": "d.units",
    "line_count": "d.line_count",
    "weight_grams": "d.grams",
    "attempts": "d.attempts",
    "earlier_orders": "d.earlier_orders",
    "age_hours": "x.age_hours()",
    "hours_to_promise": "x.hours_to_promise()",
}


class Measure:
    """A number or an amount of an order, to be compared: `value < "75.00"`, `units.between(2, 5)`.

    `==` and `!=` make conditions too. Money is compared with text ("75.00": in the order's currency) or with Money; a
    plain number is refused with DefinitionError. What an order does not have (no margin, no promise) never holds.

    >>> value = Measure("value")
    >>> value >= "75.00", value < Money.of("10", "EUR"), Measure("units").between(2, 5)
    ((value >= '75.00'), (value < '10.00 EUR'), units.between(2, 5))
    >>> Measure("units") == 1, Measure("units") != 1
    ((units = 1), ~(units = 1))
    >>> value < 75
    Traceback (most recent call last):
    omscore.errors.DefinitionError: value compares money, so 75 will not do; ...
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __lt__(self, other: Any) -> Condition:
        return compare(self.name, "<", other)

    def __le__(self, other: Any) -> Condition:
        return compare(self.name, "<=", other)

    def __gt__(self, other: Any) -> Condition:
        return compare(self.name, ">", other)

    def __ge__(self, other: Any) -> Condition:
        return compare(self.name, ">=", other)

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return compare(self.name, "=", other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return ~compare(self.name, "=", other)

    __hash__ = object.__hash__

    def equals(self, other: Any) -> Condition:
        """Exactly this much.

        >>> Measure("units").equals(1)
        (units = 1)
        """
        return compare(self.name, "=", other)

    def between(self, low: Any, high: Any) -> Condition:
        """At least `low` and at most `high`; raises DefinitionError when nothing lies between.

        >>> Measure("units").between(5, 2)
        Traceback (most recent call last):
        omscore.errors.DefinitionError: units.between(5, 2) can never hold
        """
        return compare(self.name, "between", (low, high))

    def __repr__(self) -> str:
        return self.name


def compare(field: str, sign: str, to: Any) -> Condition:
    """A comparison by its parts, as stored data has it.

    >>> compare("units", ">=", 3)
    (units >= 3)
    """
    if not isinstance(field, str) or not (field in _MONEY or field in _NUMBERS or field.startswith("fact:")):
        raise DefinitionError(
            f"unknown field {field!r}; fields are {', '.join([*_MONEY, *_NUMBERS])} and 'fact:' with a name of your own"
        )
    if sign not in _SIGNS and sign != "between":
        raise DefinitionError(f"{field}: unknown comparison {sign!r}; use one of {', '.join(_SIGNS)}, between")
    pair = tuple(to) if sign == "between" and isinstance(to, tuple | list) else (to,)
    if len(pair) != (2 if sign == "between" else 1):
        raise DefinitionError(f"{field}: between takes two bounds, not {to!r}")
    checked = tuple(_bound(field, v) for v in pair)
    if sign == "between" and number(checked[0]) > number(checked[1]):
        raise DefinitionError(f"{field}.between({pair[0]!r}, {pair[1]!r}) can never hold")
    return Condition("compare", (("field", field), ("is", sign), ("to", checked if sign == "between" else checked[0])))


def _bound(field: str, value: Any) -> Any:
    if field in _MONEY:
        return amount(field, value)
    if isinstance(value, Money):
        raise DefinitionError(f"{field} is a number, not money; {value} will not do")
    if type(value) not in (int, float) or not isfinite(value):
        raise DefinitionError(f"{field} is compared with a number, not {value!r}")
    return value


def _compare_from(field: str, to: Any, **rest: Any) -> Condition:
    sign = rest.pop("is", None)
    if rest:
        raise DefinitionError(f"compare: unknown argument {min(rest)!r}")
    return compare(field, str(sign), to)


value = Measure("value")
"""The order's value in money."""
margin = Measure("margin")
"""What the order earns before shipping, in money."""
units = Measure("units")
"""Units over all lines."""
line_count = Measure("line_count")
"""Lines of the order."""
weight_grams = Measure("weight_grams")
"""The weight of all units, in grams."""
attempts = Measure("attempts")
"""How often the order was routed before."""
earlier_orders = Measure("earlier_orders")
"""Orders the customer placed before this one."""
age_hours = Measure("age_hours")
"""Hours since the order was placed."""
hours_to_promise = Measure("hours_to_promise")
"""Hours until the promised date, negative when it has passed."""


def fact(name: str) -> Measure:
    """A number that the host put on the demand, to be compared; a missing one never holds.

    >>> fact("risk_score") > 80
    (fact:risk_score > 80)
    """
    return Measure("fact:" + _fact_name(name))


def _member(attribute: str) -> Callable[..., str]:
    def lower(term: Condition, b: Binder) -> str:
        wanted = term["names"]
        if len(wanted) == 1:
            return f"{attribute} == {b.const(wanted[0])}"
        return f"{attribute} in {b.const(frozenset(wanted))}"

    return lower


def _tags(pattern: str) -> Callable[..., str]:
    def lower(term: Condition, b: Binder) -> str:
        return pattern.format(b.const(frozenset(term["names"])))

    return lower


def _lower_any_tag(term: Condition, b: Binder) -> str:
    wanted = term["names"]
    if len(wanted) == 1:
        return f"{b.const(wanted[0])} in d.all_tags"
    return f"not {b.const(frozenset(wanted))}.isdisjoint(d.all_tags)"


def _lower_fact_is(term: Condition, b: Binder) -> str:
    return f"d.facts.get({b.const(term['fact'])}) in {b.const(frozenset(term['names']))}"


def _lower_own(term: Condition, b: Binder) -> str:
    return f"{b.const(term.call)}(d)"


def _lower_compare(term: Condition, b: Binder) -> str:
    name, sign = term["field"], term["is"]
    bounds = term["to"] if sign == "between" else (term["to"],)
    source = _MONEY.get(name) or _NUMBERS.get(name) or f"d.facts.get({b.const(name[5:])})"
    guard = ""
    shown = []
    for bound in bounds:
        if name in _MONEY:
            currency, minors = limits(bound)
            if currency:
                guard = f"d.currency == {b.const(currency)} and "
            shown.append(f"{b.const(_exact(bound, minors))}[d.decimals]")
        else:
            shown.append(b.const(bound))
    known = "" if name in ("units", "line_count", "weight_grams", "attempts") else f"{source} is not None and "
    if sign == "between":
        return f"({guard}{known}{shown[0]} <= {source} <= {shown[1]})"
    return f"({guard}{known}{source} {_SIGNS[sign]} {shown[0]})"


def _exact(bound: str, minors: tuple[int, ...]) -> tuple[Any, ...]:
    """The bound by decimals, exact: an amount finer than the currency stays between two of its units."""
    number = Decimal(bound.partition(" ")[0])
    return tuple(m if number.scaleb(p) == m else number.scaleb(p) for p, m in enumerate(minors))


CONDITIONS: Mapping[str, Word] = {
    "channel_is": Word(channel_is, _member("d.channel")),
    "service_is": Word(service_is, _member("d.service")),
    "country_is": Word(country_is, _member("d.country")),
    "region_is": Word(region_is, _member("d.region")),
    "market_is": Word(market_is, _member("d.market")),
    "tier_is": Word(tier_is, _member("d.customer_tier")),
    "seller_is": Word(seller_is, _member("d.seller")),
    "parked_in": Word(parked_in, _member("d.queue")),
    "postcode_starts": Word(postcode_starts, lambda t, b: f"d.postcode.startswith({b.const(t['names'])})"),
    "any_tag": Word(any_tag, _lower_any_tag),
    "all_tags": Word(all_tags, _tags("{} <= d.all_tags")),
    "every_line_tagged": Word(every_line_tagged, _tags("all(not {}.isdisjoint(l.tags) for l in d.lines)")),
    "has_item": Word(has_item, _tags("any(i in {} for i, _ in d.needs)")),
    "has_category": Word(has_category, _tags("any(l.category in {} for l in d.lines)")),
    "is_pickup": Word(is_pickup, lambda _, __: "d.pickup"),
    "no_coordinates": Word(no_coordinates, lambda _, __: "not d.place"),
    "fact_is": Word(_fact_is, _lower_fact_is),
    "compare": Word(_compare_from, _lower_compare),
}


def lower_condition(term: Condition, b: Binder) -> str:
    """The Python expression of a condition over `d` (the demand) and `x` (the case)."""
    if term.op == "not":
        return f"(not {lower_condition(term.parts[0], b)})"  # type: ignore[arg-type]
    if term.op in ("all", "any"):
        joint = " and " if term.op == "all" else " or "
        return "(" + joint.join(lower_condition(p, b) for p in term.parts) + ")"  # type: ignore[arg-type]
    if term.op == "own":
        return _lower_own(term, b)
    return str(CONDITIONS[term.op].lower(term, b))
