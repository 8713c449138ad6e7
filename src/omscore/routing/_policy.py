"""Policies: routes of rules as values and, one to one, as data."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, Self

from attrs import Factory, field, fields, frozen

from omscore.errors import DefinitionError
from omscore.kernel.given import listed, shown
from omscore.routing._conditions import CONDITIONS
from omscore.routing._logic import contradiction, implies, never
from omscore.routing._preferences import PREFERENCE_WORDS, own_preference
from omscore.routing._qualify import WORDS
from omscore.routing._requirements import own_requirement
from omscore.routing._review import REVIEW_WORDS
from omscore.routing._terms import Condition, Preference, Requirement, ReviewSign, Term, amount, from_data
from omscore.routing._toml import toml_text

PARTIAL = ("next", "ship", "backorder", "transfer", "drop_ship", "substitute", "review", "park")
FILL = ("best", "in_order")
PICK = ("first", "most_specific")


def _terms(given: Any, kind: type[Any], wrap: Any) -> tuple[Any, ...]:
    """Terms of one kind; one alone need not be put into a tuple, and a host's callable is wrapped."""
    if isinstance(given, Term) or callable(given):
        given = (given,)
    if not isinstance(given, Iterable):
        raise DefinitionError(f"expected a list of {kind.__name__.lower()}s, not {shown(given)}")
    out = []
    for term in given:
        if isinstance(term, kind) or (kind is ReviewSign and isinstance(term, Condition)):
            out.append(term)
        elif callable(term) and str(getattr(term, "__module__", "")).startswith("omscore.routing."):
            raise DefinitionError(f"{term.__name__} is to be called: write {term.__name__}(), with what it takes")
        elif callable(term) and not isinstance(term, Term) and wrap is not None:
            out.append(wrap(getattr(term, "__name__", type(term).__name__), term))
        else:
            raise DefinitionError(f"expected a {kind.__name__.lower()}, not {term!r}")
    return tuple(out)


def _requirements(given: Any) -> tuple[Requirement, ...]:
    return _terms(given, Requirement, own_requirement)


def _preferences(given: Any) -> tuple[Preference, ...]:
    return _terms(given, Preference, own_preference)


def _signs(given: Any) -> tuple[ReviewSign | Condition, ...]:
    return _terms(given, ReviewSign, None)


def _rules(given: Iterable[Rule] | Rule) -> tuple[Rule, ...]:
    return (given,) if isinstance(given, Rule) else listed("rules", given, Rule, "Rule('one stop', ...)")


def _routes(given: Iterable[Route] | Route) -> tuple[Route, ...]:
    return (given,) if isinstance(given, Route) else listed("routes", given, Route, "Route('all', rules)")


def _optional_amount(value: Any) -> str | None:
    return None if value is None else amount("the rule", value)


@frozen
class Rule:
    """One way to serve an order: who qualifies (`require`), which plan is best (`prefer`), and how it may be split.

    `saving_min`: a split is taken only if it saves more than this over the best single node. `partial` says what
    happens when not everything can be served: hand on to the `next` rule, `ship` what is there, `backorder` the rest,
    bring it in by a `transfer` from other nodes, order it at a vendor that will `drop_ship` it, send a `substitute`
    that the line allows, ask for a `review`, or `park`. `rest_from` says who may bring or drop-ship the rest (any node
    with stock; any node that drop-ships the item). `fill` is `best` (the best plan of all) or `in_order` (walk the
    nodes in the order of `prefer` and take what each has). A line is split over nodes only when `split_lines` and no
    node has all of it. `keep_groups` keeps lines of one group at one node; `parcel_min` is the least value of each
    parcel of a split and of an unfilled rest. `review_when` sends the chosen plan to a person first. `over_capacity`
    lets plans exceed capacity.

    >>> from omscore.routing import nearest, whole_order
    >>> Rule("one stop", require=whole_order(), prefer=nearest()).stops_max
    1
    """

    name: str
    require: tuple[Requirement, ...] = field(default=(), converter=_requirements)
    prefer: tuple[Preference, ...] = field(default=(), converter=_preferences)
    stops_max: int = 1
    saving_min: str | None = field(default=None, converter=_optional_amount)
    review_when: tuple[ReviewSign | Condition, ...] = field(default=(), converter=_signs)
    partial: str = "next"
    rest_from: tuple[Requirement, ...] = field(default=(), converter=_requirements)
    fill: str = "best"
    split_lines: bool = True
    keep_groups: bool = False
    parcel_min: str | None = field(default=None, converter=_optional_amount)
    over_capacity: bool = False

    def __attrs_post_init__(self) -> None:
        where = f"rule {self.name!r}"
        if not self.name or not isinstance(self.name, str):
            raise DefinitionError(f"a rule's name is non-empty text, not {self.name!r}")
        if type(self.stops_max) is not int or self.stops_max < 1:
            raise DefinitionError(f"{where}: stops_max must be a whole number of at least 1, not {self.stops_max!r}")
        for name, allowed in (("partial", PARTIAL), ("fill", FILL)):
            if getattr(self, name) not in allowed:
                raise DefinitionError(
                    f"{where}: {name} must be one of {', '.join(allowed)}, not {getattr(self, name)!r}"
                )
        for name in ("split_lines", "keep_groups", "over_capacity"):
            if type(getattr(self, name)) is not bool:
                raise DefinitionError(f"{where}: {name} must be true or false, not {getattr(self, name)!r}")
        if self.rest_from and self.partial not in ("transfer", "drop_ship"):
            raise DefinitionError(f"{where}: rest_from needs partial to be transfer or drop_ship, not {self.partial!r}")
        for term in (*self.require, *self.rest_from):
            if why := contradiction((term,)):
                raise DefinitionError(f"{where}: {term!r} can never hold: {why}")
            for inner in term.walk():
                if inner.op == "keeps_stock" and inner is not term:
                    raise DefinitionError(f"{where}: keeps_stock stands alone in require, not inside & | ~")
        for name in ("require", "rest_from"):
            if why := never(getattr(self, name)):
                raise DefinitionError(f"{where}: {name} can never be met: {why}")


@frozen
class Route:
    """Orders for which `when` holds, and the rules that are tried for them in turn; no `when` means all orders.

    >>> from omscore.routing import nearest, service_is
    >>> Route("express", (Rule("near", prefer=nearest()),), when=service_is("express")).name
    'express'
    """

    name: str
    rules: tuple[Rule, ...] = field(default=(), converter=_rules)
    when: Condition | None = None

    def __attrs_post_init__(self) -> None:
        if not self.name or not isinstance(self.name, str):
            raise DefinitionError(f"a route's name is non-empty text, not {self.name!r}")
        where = f"route {self.name!r}"
        if self.when is not None and not isinstance(self.when, Condition):
            raise DefinitionError(f"{where}: when must be a condition, not {self.when!r}")
        if self.when is not None and (why := contradiction((self.when,))):
            raise DefinitionError(f"{where}: {self.when!r} can never hold: {why}")
        if not self.rules or not all(isinstance(rule, Rule) for rule in self.rules):
            raise DefinitionError(f"{where} needs at least one rule")
        if len({rule.name for rule in self.rules}) != len(self.rules):
            raise DefinitionError(f"{where} has two rules of the same name")
        for n, rule in enumerate(self.rules):
            if why := never(rule.require, self.when):
                raise DefinitionError(f"{where}: rules[{n}] ({rule.name!r}) can never serve an order: {why}")


@frozen
class Park:
    """Where orders wait that no rule could serve: a queue, for how many days, and what happens then.

    >>> Park("unfillable", days=7, then="cancel").queue
    'unfillable'
    """

    queue: str
    days: int | None = None
    then: str = "review"

    def __attrs_post_init__(self) -> None:
        if not self.queue or not isinstance(self.queue, str):
            raise DefinitionError(f"a queue is named by non-empty text, not {self.queue!r}")
        if self.days is not None and (type(self.days) is not int or self.days < 0):
            raise DefinitionError(f"park: days must be a whole number of at least 0 or none, not {self.days!r}")
        if self.then not in ("review", "cancel", "retry"):
            raise DefinitionError(f"park: then must be review, cancel or retry, not {self.then!r}")


def park(queue: str, *, days: int | None = None, then: str = "review") -> Park:
    """Let orders wait in a named queue, at most so many days, then review, cancel or retry them.

    >>> park("needs a person")
    Park(queue='needs a person', days=None, then='review')
    """
    return Park(queue, days, then)


@frozen
class ReviewDesk:
    """Who looks at plans sent to review, by when, and what happens when nobody does: `accept` or `park`.

    >>> ReviewDesk("routing desk", hours=4).default
    'accept'
    """

    owner: str = "routing"
    hours: int = 24
    default: str = "accept"

    def __attrs_post_init__(self) -> None:
        if not self.owner or not isinstance(self.owner, str):
            raise DefinitionError(f"review: an owner is named by non-empty text, not {self.owner!r}")
        if self.default not in ("accept", "park"):
            raise DefinitionError(f"review: default must be accept or park, not {self.default!r}")
        if type(self.hours) is not int or self.hours < 1:
            raise DefinitionError(f"review: hours must be a whole number of at least 1, not {self.hours!r}")


@frozen
class Policy:
    """Everything routing follows: routes in order, and what becomes of orders that none can serve.

    `pick` is `first` (the first route whose condition holds) or `most_specific` (among those that hold the one that
    names most: seller, then order, item, category, region). Raises DefinitionError for a policy with a route that no
    order can reach.

    >>> from omscore import routing as r
    >>> spring = r.Policy("spring", (r.Route("all", (r.Rule("near", require=r.whole_order(), prefer=r.nearest()),)),))
    >>> r.Policy.from_json(spring.to_json()) == spring
    True
    """

    name: str
    routes: tuple[Route, ...] = field(default=(), converter=_routes)
    otherwise: Park | None = None
    pick: str = "first"
    review: ReviewDesk = Factory(ReviewDesk)

    def __attrs_post_init__(self) -> None:
        if not self.name or not isinstance(self.name, str):
            raise DefinitionError(f"a policy's name is non-empty text, not {self.name!r}")
        if self.pick not in PICK:
            raise DefinitionError(f"policy {self.name!r}: pick must be one of {', '.join(PICK)}, not {self.pick!r}")
        if not all(isinstance(route, Route) for route in self.routes):
            raise DefinitionError(f"policy {self.name!r}: routes are Route values")
        seen: list[Route] = []
        for i, route in enumerate(self.routes):
            for earlier in seen:
                if earlier.name == route.name:
                    raise DefinitionError(f"routes[{i}]: a route named {route.name!r} comes before it")
                if earlier.when == route.when or (self.pick == "first" and implies(route.when, earlier.when)):
                    raise DefinitionError(
                        f"routes[{i}] ({route.name!r}): no order reaches it, {earlier.name!r} takes them all"
                    )
            seen.append(route)

    @property
    def content_hash(self) -> str:
        """16 hexadecimal digits that change whenever anything in the policy does (the first 64 bits of SHA-256).

        A host's own callable counts by its name only.

        >>> len(Policy("empty").content_hash)
        16
        """
        text = json.dumps(_policy_out(self, named=True), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def ordered(self) -> tuple[Route, ...]:
        """The routes in the order in which they are asked.

        >>> Policy("empty").ordered()
        ()
        """
        if self.pick == "first":
            return self.routes
        return tuple(sorted(self.routes, key=lambda route: tuple(-n for n in _specificity(route.when))))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON; raises DefinitionError when the policy holds callables of the host.

        >>> Policy("empty", otherwise=park("later")).to_dict()
        {'name': 'empty', 'routes': [], 'otherwise': {'queue': 'later'}}
        """
        return _policy_out(self, named=False)

    def to_json(self) -> str:
        """JSON text that `from_json` reads back to an equal policy.

        >>> Policy("empty").to_json()
        '{"name": "empty", "routes": []}'
        """
        return json.dumps(self.to_dict())

    def to_toml(self) -> str:
        """TOML text that `from_toml` reads back to an equal policy.

        >>> print(Policy("empty", otherwise=park("later")).to_toml())
        name = "empty"
        otherwise = { queue = "later" }
        """
        return toml_text(self.to_dict())

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """A policy from `to_dict`'s shape; raises DefinitionError that begins with the path to the fault.

        >>> rule = {"name": "r", "prefer": [{"op": "closest"}]}
        >>> Policy.from_dict({"name": "p", "routes": [{"name": "all", "rules": [rule]}]})
        Traceback (most recent call last):
        omscore.errors.DefinitionError: routes[0].rules[0].prefer[0]: unknown word 'closest'; known are ...
        """
        row = _object("policy", data, ("name", "routes", "otherwise", "pick", "review"), needed=("name",))
        routes = tuple(_route_in(f"routes[{i}]", r) for i, r in enumerate(_list("routes", row.get("routes", []))))
        values: dict[str, Any] = {k: row[k] for k in ("pick",) if k in row}
        if row.get("otherwise") is not None:
            values["otherwise"] = _value(Park, "otherwise", row["otherwise"])
        if row.get("review") is not None:
            values["review"] = _value(ReviewDesk, "review", row["review"])
        return cls(row["name"], routes, **values)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """A policy from JSON text.

        >>> Policy.from_json('{"name": "empty"}').name
        'empty'
        """
        try:
            data = json.loads(text)
        except (TypeError, ValueError) as wrong:
            raise DefinitionError(f"the policy is not JSON: {wrong}") from None
        return cls.from_dict(data)

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """A policy from TOML text.

        >>> Policy.from_toml('name = "empty"').name
        'empty'
        """
        if not isinstance(text, str):
            raise DefinitionError(f"a policy is read from text, not from {shown(text)}; open a file as text")
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as wrong:
            raise DefinitionError(f"the policy is not TOML: {wrong}") from None
        return cls.from_dict(data)


_SPECIFIC = (
    ("seller_is",),
    ("service_is", "channel_is", "tier_is", "market_is", "any_tag", "all_tags", "fact_is", "compare", "is_pickup"),
    ("has_item",),
    ("has_category",),
    ("country_is", "region_is", "postcode_starts"),
)


def _specificity(when: Condition | None) -> tuple[int, ...]:
    """Filled beats blank, field by field: seller, order, item, category, region."""
    ops = set() if when is None else {t.op for t in (when.parts if when.op == "all" else (when,))}
    return tuple(int(not ops.isdisjoint(group)) for group in _SPECIFIC)


def _term_out(term: Term, *, named: bool) -> dict[str, Any]:
    if named and not term.stored:
        if term.call is not None:
            return {"own": list(term["names"])}
        return {"op": term.op, "parts": [_term_out(part, named=True) for part in term.parts]}
    return term.to_data()


def _rule_out(rule: Rule, *, named: bool) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for spec in fields(Rule):
        value = getattr(rule, spec.name)
        if spec.name != "name" and value == spec.default:
            continue
        out[spec.name] = [_term_out(t, named=named) for t in value] if isinstance(value, tuple) else value
    return out


def _policy_out(policy: Policy, *, named: bool) -> dict[str, Any]:
    routes = []
    for route in policy.routes:
        row: dict[str, Any] = {"name": route.name}
        if route.when is not None:
            row["when"] = _term_out(route.when, named=named)
        row["rules"] = [_rule_out(rule, named=named) for rule in route.rules]
        routes.append(row)
    out: dict[str, Any] = {"name": policy.name, "routes": routes}
    if policy.otherwise is not None:
        out["otherwise"] = _plain(policy.otherwise)
    if policy.pick != "first":
        out["pick"] = policy.pick
    if policy.review != ReviewDesk():
        out["review"] = _plain(policy.review)
    return out


def _plain(value: Park | ReviewDesk) -> dict[str, Any]:
    return {
        s.name: getattr(value, s.name)
        for s in fields(type(value))
        if getattr(value, s.name) != s.default or s.name == "queue"
    }


def _object(where: str, data: Any, known: Iterable[str], needed: tuple[str, ...] = ()) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise DefinitionError(f"{where}: an object is needed, not {data!r}")
    for name in data:
        if name not in known:
            raise DefinitionError(f"{where}: unknown field {name!r}; fields are {', '.join(known)}")
    for name in needed:
        if name not in data:
            raise DefinitionError(f"{where}: {name!r} is missing")
    return data


def _list(where: str, data: Any) -> list[Any]:
    if not isinstance(data, list | tuple):
        raise DefinitionError(f"{where}: a list is needed, not {data!r}")
    return list(data)


def _value(kind: Any, where: str, data: Any) -> Any:
    row = _object(where, data, [s.name for s in fields(kind)])
    try:
        return kind(**row)
    except (DefinitionError, TypeError) as wrong:
        raise DefinitionError(f"{where}: {wrong}") from None


def _route_in(where: str, data: Any) -> Route:
    row = _object(where, data, ("name", "when", "rules"), needed=("name", "rules"))
    when = row.get("when")
    condition = (
        None
        if when is None
        else from_data(when, {k: w.make for k, w in CONDITIONS.items()}, Condition, f"{where}.when")
    )
    rules = tuple(_rule_in(f"{where}.rules[{i}]", r) for i, r in enumerate(_list(f"{where}.rules", row["rules"])))
    try:
        return Route(row["name"], rules, condition)
    except DefinitionError as wrong:
        raise DefinitionError(f"{where}: {wrong}") from None


def _rule_in(where: str, data: Any) -> Rule:
    row = dict(_object(where, data, [s.name for s in fields(Rule)], needed=("name",)))
    tables: tuple[tuple[str, Mapping[str, Any], type[Term]], ...] = (
        ("require", WORDS, Requirement),
        ("rest_from", WORDS, Requirement),
        ("prefer", PREFERENCE_WORDS, Preference),
        ("review_when", REVIEW_WORDS, ReviewSign),
    )
    for name, words, kind in tables:
        if name in row:
            listed = _list(f"{where}.{name}", row[name])
            row[name] = tuple(from_data(t, words, kind, f"{where}.{name}[{i}]") for i, t in enumerate(listed))
    try:
        return Rule(**row)
    except DefinitionError as wrong:
        raise DefinitionError(f"{where}: {wrong}") from None
