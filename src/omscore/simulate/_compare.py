"""Runs beside each other: figures, differences, and which orders moved and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import Parameter, signature
from itertools import product
from typing import Any

from attrs import frozen

from omscore.errors import InvalidValue
from omscore.inventory import Ledger
from omscore.kernel.given import listed, mapped, text
from omscore.orders import Order
from omscore.render import html_table, text_table
from omscore.routing import Demand, Network, Policy, Router
from omscore.simulate._run import Fate, Run, run, shown

_COLUMNS = (
    ("orders", "orders"),
    ("placed", "placed"),
    ("fill", "fill"),
    ("split_rate", "splits"),
    ("km_per_order", "km/order"),
    ("cost_per_order", "cost/order"),
    ("on_time", "on time"),
    ("reviews", "reviews"),
    ("parked", "parked"),
)
_MOVED_SHOWN = 20


@frozen
class Moved:
    """An order that two runs treat differently: what became of it in the first (`was`) and in the other (`now`).

    >>> was, now = Fate("ord-1", "assigned", ("lille",), 1, 1), Fate("ord-1", "parked", (), 1, 0)
    >>> moved = Moved("ord-1", was, now)
    >>> moved.how, str(moved)
    ('not placed any more', 'ord-1: assigned at lille -> parked')
    """

    order: str
    was: Fate
    now: Fate

    @property
    def how(self) -> str:
        """In a few words: newly placed, not placed any more, only in part, other nodes, newly in review, or the like.

        >>> Moved("a", Fate("a", "assigned", ("x",), 1, 1), Fate("a", "assigned", ("y",), 1, 1)).how
        'other nodes'
        """
        was, now = self.was, self.now
        if not was.units_placed or not now.units_placed:
            if now.units_placed:
                return "newly placed" if now.placed else "newly placed in part"
            if was.units_placed:
                return "not placed any more"
        elif was.placed != now.placed:
            return "now in full" if now.placed else "only in part"
        if now.outcome == "review" != was.outcome:
            return "newly in review"
        return "other nodes" if was.nodes != now.nodes else "another outcome"

    @property
    def why(self) -> str:
        """Why, by the other run's trace: what decided, and what spoke against each node of the first run.

        >>> from omscore import routing as r, samples, simulate
        >>> network = samples.network()
        >>> orders, ledger = samples.orders(100, seed=7), samples.ledger(network, seed=7)
        >>> runs = [simulate.run(p, orders, network, ledger) for p in (r.packs.single_location(), r.packs.saleor_order())]
        >>> simulate.compare(cheap=runs[0], listed=runs[1]).moved[0].why
        "rule 'walk' of route 'all'; not rotterdam: walk: place 2 of 5; by_position() gives 2 against 1 of ghent"
        """  # noqa: E501 - one line of an example
        decision = self.now.decision
        if decision is None:
            return self.now.reason or "nothing was left to route"
        parts = []
        if self.now.rule:
            parts.append(f"rule {self.now.rule!r} of route {self.now.route!r}")
        elif self.now.reason:
            parts.append(self.now.reason)
        if decision.review is not None and self.was.outcome != "review":
            parts += [str(reason) for reason in decision.review.reasons]
        told = decision.explain()
        parts += [
            f"not {node}: {told.why_not(node)}"
            for node in self.was.nodes
            if node not in self.now.nodes and node in told.known
        ]
        return "; ".join(parts)

    def __str__(self) -> str:
        return f"{self.order}: {_place(self.was)} -> {_place(self.now)}"


def _place(fate: Fate) -> str:
    return f"{fate.outcome} at {', '.join(fate.nodes)}" if fate.nodes else fate.outcome


class Comparison:
    """Runs over the same orders side by side; the first is the one that the others are measured by.

    Prints as text, shows as tables in a notebook; `to_records()` has every figure for a data frame.

    >>> from omscore import routing as r, samples, simulate
    >>> network = samples.network()
    >>> orders, ledger = samples.orders(100, seed=7), samples.ledger(network, seed=7)
    >>> run = simulate.run(r.packs.single_location(), orders, network, ledger)
    >>> simulate.compare(one=run, same=run).moved
    ()
    """

    def __init__(self, runs: Mapping[str, Run], settings: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.runs = mapped("runs", runs, "{'today': run}")
        self.settings = mapped("settings", settings or {}, "{'today': {'saving': '3.00'}}")
        self.base = next(iter(self.runs), "")
        if not self.runs:
            raise InvalidValue("compare needs at least one run: compare(today=a, tomorrow=b)")
        for name, one in self.runs.items():
            if not isinstance(one, Run):
                raise InvalidValue(f"{name!r} is a {type(one).__name__}; compare takes what run(...) gave")
        ids = [fate.order for fate in self.runs[self.base].fates]
        for name, other in self.runs.items():
            if sorted(ids) != sorted(fate.order for fate in other.fates):
                raise InvalidValue(f"runs {self.base!r} and {name!r} are not over the same orders")
        self._moved = {
            name: _moved(self.runs[self.base], other) for name, other in self.runs.items() if name != self.base
        }

    @property
    def moved(self) -> tuple[Moved, ...]:
        """The orders that the last run treats otherwise than the first, in the order of the first run.

        >>> from omscore import routing as r, samples, simulate
        >>> network = samples.network()
        >>> orders, ledger = samples.orders(100, seed=7), samples.ledger(network, seed=7)
        >>> runs = [simulate.run(p, orders, network, ledger) for p in (r.packs.single_location(), r.packs.saleor_order())]
        >>> str(simulate.compare(cheap=runs[0], listed=runs[1]).moved[0])
        'ord-00002: assigned at rotterdam -> assigned at ghent'
        """  # noqa: E501 - one line of an example
        return self._moved[next(reversed(self._moved))] if self._moved else ()

    def moved_in(self, name: str) -> tuple[Moved, ...]:
        """The orders that a named run treats otherwise than the first; raises InvalidValue naming the runs.

        >>> from omscore import routing as r, samples, simulate
        >>> network = samples.network()
        >>> run = simulate.run(r.packs.single_location(), (), network, samples.ledger(network))
        >>> simulate.compare(a=run, b=run).moved_in("b")
        ()
        """
        text("name", name)
        if name not in self.runs:
            raise InvalidValue(f"no run {name!r}; there are {', '.join(self.runs)}")
        return self._moved.get(name, ())

    def delta(self, figure: str, name: str = "") -> Any:
        """How much more of a figure of `Run.summary` a run (the last, unless named) has than the first, or None.

        >>> from omscore import routing as r, samples, simulate
        >>> network = samples.network()
        >>> run = simulate.run(r.packs.single_location(), (), network, samples.ledger(network))
        >>> simulate.compare(a=run, b=run).delta("placed")
        0
        """
        text("figure", figure)
        last = next(reversed(self.runs)) if name == "" else name
        self.moved_in(last)  # raises for an unknown run
        rows = [self.runs[run].summary() for run in (self.base, last)]
        if figure == "policy" or figure not in rows[0]:
            raise InvalidValue(f"no figure {figure!r}; there are {', '.join(list(rows[0])[1:])}")
        return None if None in (rows[0][figure], rows[1][figure]) else rows[1][figure] - rows[0][figure]

    def by_node(self, name: str = "") -> dict[str, int]:
        """How many orders more or fewer each node has in a run (the last, unless named) than in the first.

        >>> from omscore import routing as r, samples, simulate
        >>> network = samples.network()
        >>> run = simulate.run(r.packs.single_location(), (), network, samples.ledger(network))
        >>> simulate.compare(a=run, b=run).by_node()["ghent"]
        0
        """
        last = next(reversed(self.runs)) if name == "" else name
        self.moved_in(last)  # raises for an unknown run
        was, now = self.runs[self.base].by_node(), self.runs[last].by_node()
        return {
            node: now.get(node, {}).get("orders", 0) - was.get(node, {}).get("orders", 0)
            for node in dict.fromkeys((*was, *now))
        }

    def to_records(self) -> list[dict[str, Any]]:
        """One flat row for each run: its name, what a sweep set, all figures, and how many orders moved.

        >>> from omscore import routing as r, samples, simulate
        >>> network = samples.network()
        >>> run = simulate.run(r.packs.single_location(), (), network, samples.ledger(network))
        >>> [(row["run"], row["moved"]) for row in simulate.compare(a=run, b=run).to_records()]
        [('a', 0), ('b', 0)]
        """
        return [
            {"run": name, **self.settings.get(name, {}), **one.summary(), "moved": len(self.moved_in(name))}
            for name, one in self.runs.items()
        ]

    def _table(self) -> tuple[list[str], list[list[str]]]:
        rows = []
        for row in self.to_records():
            moved = "" if row["run"] == self.base else f"{row['moved']:,}"
            rows.append([row["run"], *(shown(key, row[key]) for key, _ in _COLUMNS), moved])
        return ["run", *(title for _, title in _COLUMNS), "moved"], rows

    def _listed(self) -> tuple[list[str], list[list[str]], int]:
        rows = [[m.order, _place(m.was), _place(m.now), m.how, m.why] for m in self.moved[:_MOVED_SHOWN]]
        return ["order", self.base, next(reversed(self.runs)), "how", "why"], rows, len(self.moved)

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self.runs)}: {len(self.moved)} orders moved>"

    def __str__(self) -> str:
        head, rows = self._table()
        out = [text_table(head, rows)]
        if self._moved:
            columns, moved, count = self._listed()
            out.append(f"\n{count} orders moved")
            if moved:
                out[-1] += ":" if count <= len(moved) else f", the first {len(moved)}:"
                out.append(text_table(columns[:4], [row[:4] for row in moved]))
        return "\n".join(out)

    def _repr_html_(self) -> str:
        head, rows = self._table()
        out = html_table(head, rows, caption="by run")
        if self._moved:
            columns, moved, count = self._listed()
            out += html_table(columns, moved, caption=f"{count} orders moved, the first {len(moved)}")
        return out


def _moved(was: Run, now: Run) -> tuple[Moved, ...]:
    return tuple(
        Moved(fate.order, fate, now[fate.order])
        for fate in was.fates
        if (fate.outcome, fate.nodes, fate.units_placed)
        != (now[fate.order].outcome, now[fate.order].nodes, now[fate.order].units_placed)
    )


def compare(**runs: Run) -> Comparison:
    """Runs over the same orders side by side: fill, splits, distance, cost, on time, reviews, and which orders moved.

    The first is what the others are measured by. Raises InvalidValue when they are not over the same orders.

    >>> from omscore import routing as r, samples, simulate
    >>> network = samples.network()
    >>> orders, ledger = samples.orders(100, seed=7), samples.ledger(network, seed=7)
    >>> a, b = (simulate.run(p, orders, network, ledger) for p in (r.packs.single_location(), r.packs.saleor_order()))
    >>> print(simulate.compare(cheap=a, listed=b))
    run     orders  placed  fill   splits ...
    """
    return Comparison(runs)


def sweep(
    policy_of: Callable[..., Policy | Router],
    settings: Mapping[str, Sequence[Any]],
    orders: Iterable[Order | Demand],
    network: Network,
    ledger: Ledger,
    **more: Any,
) -> Comparison:
    """A run for each combination of settings, which `policy_of` takes by name, compared; the first is the measure.

    `more` goes to `run` (`items`, `now`, `facts`). Raises InvalidValue when there is nothing to try, and for settings
    that `policy_of` does not take.

    >>> from omscore import routing as r, samples
    >>> network = samples.network()
    >>> orders, ledger = samples.orders(50, seed=7), samples.ledger(network, seed=7)
    >>> tried = sweep(r.packs.single_location, {"saving": ["0.00", "3.00"]}, orders, network, ledger)
    >>> [(row["saving"], row["orders"]) for row in tried.to_records()]
    [('0.00', 50), ('3.00', 50)]
    """
    _check_settings(policy_of, settings)
    taken = listed("orders", orders, (Order, Demand), "Demand('try-1', lines)")
    runs, tried = {}, {}
    for values in product(*settings.values()):
        one = dict(zip(settings, values, strict=True))
        name = ", ".join(f"{key}={value}" for key, value in one.items())
        if not one:
            break
        runs[name] = run(policy_of(**one), taken, network, ledger, **more)
        tried[name] = one
    if not runs:
        raise InvalidValue("a sweep needs settings with values, such as {'saving': ['0.00', '3.00']}")
    return Comparison(runs, tried)


def _check_settings(policy_of: Callable[..., Policy | Router], settings: Mapping[str, Sequence[Any]]) -> None:
    """Refuse settings that cannot be tried, before anything is run."""
    name = getattr(policy_of, "__name__", type(policy_of).__name__)
    if not callable(policy_of):
        raise InvalidValue(f"a sweep takes a function that makes a policy from settings, not {policy_of!r}")
    for setting, values in mapped("settings", settings, "{'saving': ['0.00', '3.00']}").items():
        text("the name of a setting", setting)
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise InvalidValue(f"setting {setting!r} needs a list of values to try, not {values!r}")
    try:
        takes = signature(policy_of).parameters.values()
    except ValueError:
        return  # a function without a signature says itself what it does not take
    if any(one.kind is Parameter.VAR_KEYWORD for one in takes):
        return
    known = {one.name: one for one in takes if one.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)}
    unknown = [setting for setting in settings if setting not in known]
    if unknown:
        told = ", ".join(map(repr, known)) or "no settings"
        raise InvalidValue(f"{name} takes no setting {', '.join(map(repr, unknown))}; it takes {told}")
    missing = [id_ for id_, one in known.items() if one.default is Parameter.empty and id_ not in settings]
    if settings and missing:
        raise InvalidValue(f"{name} also needs {', '.join(map(repr, missing))}; give each a list of values to try")
