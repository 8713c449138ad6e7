"""What people choose in front of a proposal, and the preferences that their choices suggest.

A choice is remembered with what was proposed. Choices that keep going the same way in the same situation are proposed
as a preference, with the choices as evidence; nothing changes until somebody accepts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import field, frozen

from omscore.kernel import quantity
from omscore.kernel.given import listed, names, of_kind, text, texts
from omscore.kernel.times import moments
from omscore.routing import Preference as RoutingPreference
from omscore.routing import ranked_nodes


def _situation(situation: object) -> None:
    of_kind("a situation", situation, Mapping, "{'country': 'BE'}")
    for name, value in situation.items():  # type: ignore[attr-defined]
        text("what a situation is told by", name)
        text(f"{name} of a situation", value)


@frozen
class Choice:
    """A person chose in front of a proposal: an event for the log.

    `what` is the kind of thing chosen ("carrier_service", or a host's own such as "node"), `situation` what the choice
    may depend on, `ref` the shipment or order it was made for.

    >>> Choice("carrier_service", {"country": "BE"}, "post standard", "dash express", "shp-1", None).overrides
    True
    """

    what: str
    situation: Mapping[str, str]
    proposed: str
    chosen: str
    ref: str
    at: datetime
    why: str = ""

    def __attrs_post_init__(self) -> None:
        texts(what=self.what, proposed=self.proposed, chosen=self.chosen, ref=self.ref, why=self.why)
        _situation(self.situation)
        moments(at=self.at)

    @property
    def overrides(self) -> bool:
        """Whether it went against the proposal.

        >>> Choice("carrier_service", {}, "post standard", "post standard", "shp-1", None).overrides
        False
        """
        return self.chosen != self.proposed


@frozen
class Preference:
    """What choices suggest for a situation: `chosen` was taken `times` of `of`, in the choices for `evidence`.

    `accepted_at` is None while it is but a proposal.

    >>> Preference("p", "carrier_service", {"country": "BE"}, "dash express", 3, 4, ("shp-1",)).percent
    75.0
    """

    id: str
    what: str
    situation: Mapping[str, str]
    chosen: str
    times: int
    of: int
    evidence: tuple[str, ...] = field(repr=False)
    why: tuple[str, ...] = ()
    accepted_at: datetime | None = None

    def __attrs_post_init__(self) -> None:
        texts(id=self.id, what=self.what, chosen=self.chosen)
        _situation(self.situation)
        quantity(self.times, "times", at_least=0)
        quantity(self.of, "of")
        names("evidence", self.evidence, "ord-1")
        names("why", self.why, "faster")
        moments(accepted_at=self.accepted_at)

    @property
    def percent(self) -> float:
        """The share of the choices in its situation that went this way.

        >>> Preference("p", "node", {}, "ghent", 3, 4, ()).percent
        75.0
        """
        return 100 * self.times / self.of


def preferences_of(choices: Iterable[Choice], *, times_min: int = 3, percent_min: int = 60) -> tuple[Preference, ...]:
    """The preferences that choices suggest: the same override in the same situation, often enough and most of the time.

    A choice that kept the proposal counts against an override in its situation. The strongest evidence comes first; the
    same choices in any order give the same answer.

    >>> def choice(chosen, ref):
    ...     return Choice("carrier_service", {"country": "BE"}, "post standard", chosen, ref, None)
    >>> made = [choice("dash express", f"s-{n}") for n in range(3)] + [choice("post standard", "s-9")]
    >>> [(found.chosen, found.times, found.of) for found in preferences_of(made)]
    [('dash express', 3, 4)]
    >>> preferences_of(made, percent_min=80)
    ()
    """
    choices = listed("choices", choices, Choice, "Choice('node', {'country': 'BE'}, 'ghent', 'liege', 'ord-1', at)")
    quantity(times_min, "times_min")
    quantity(percent_min, "percent_min", at_least=0)
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[Choice]] = {}
    for choice in choices:
        groups.setdefault((choice.what, tuple(sorted(choice.situation.items()))), []).append(choice)
    found = []
    for (what, situation), group in groups.items():
        for chosen in sorted({choice.chosen for choice in group if choice.overrides}):
            mine = [choice for choice in group if choice.overrides and choice.chosen == chosen]
            if len(mine) >= times_min and 100 * len(mine) >= percent_min * len(group):
                where = ",".join(f"{name}={value}" for name, value in situation)
                refs, why = sorted({one.ref for one in mine}), sorted({one.why for one in mine if one.why})
                id_ = f"{what}:{where}:{chosen}"
                found.append(
                    Preference(id_, what, dict(situation), chosen, len(mine), len(group), tuple(refs), tuple(why))
                )
    return tuple(sorted(found, key=lambda p: (-p.times, p.id)))


def prefer_nodes(preferences: Iterable[Preference], situation: Mapping[str, str]) -> tuple[RoutingPreference, ...]:
    """The nodes that people prefer in a situation, as a word for a rule of a policy (`prefer=`); none when none are.

    Only what was accepted counts, of choices of a "node", where the situation it was made in is part of this one: the
    one accepted last comes first. Nothing changes until you put it into a policy.

    >>> from datetime import UTC, datetime
    >>> when = datetime(2026, 3, 2, tzinfo=UTC)
    >>> liked = Preference("p", "node", {"country": "BE"}, "liege", 3, 4, ("ord-1", "ord-2", "ord-3"), (), when)
    >>> prefer_nodes([liked], {"country": "BE", "service": "express"}), prefer_nodes([liked], {"country": "NL"})
    ((ranked_nodes('liege'),), ())
    """
    preferences = listed("preferences", preferences, Preference, "preferences_of(choices)[0]")
    _situation(situation)
    here = [
        one
        for one in preferences
        if one.what == "node" and one.accepted_at is not None and one.situation.items() <= situation.items()
    ]
    # Of what was accepted at one time the stronger evidence first.
    here.sort(key=lambda one: (one.accepted_at, one.times, one.id), reverse=True)
    nodes = dict.fromkeys(one.chosen for one in here)
    return (ranked_nodes(*nodes),) if nodes else ()
