"""Choices of people in front of a proposal, and the preferences that somebody accepted."""

from __future__ import annotations

from attrs import evolve

from omscore.app._work import Work
from omscore.errors import NotFound
from omscore.kernel import stamp
from omscore.shipping import Choice, Preference, preferences_of


def remember(work: Work, choice: Choice) -> None:
    """Write a choice down."""
    work.save("choice", f"{choice.what}:{choice.ref}:{work.cause}", choice, {f"of:{choice.what}": stamp(choice.at)})
    work.txn.append("choice", choice.ref, [choice], cause=work.cause, actor=work.actor)


def of(work: Work, what: str) -> list[Choice]:
    """The choices of a kind, oldest first."""
    return [work.load("choice", id_) for id_ in work.every("choice", f"of:{what}")]


def preferences(work: Work, what: str, times_min: int, percent_min: int) -> tuple[Preference, ...]:
    """The accepted preferences, then those that the choices suggest and nobody accepted yet."""
    accepted: list[Preference] = list(work.all("preference", f"accepted:{what}"))
    known = {one.id for one in accepted}
    suggested = preferences_of(of(work, what), times_min=times_min, percent_min=percent_min)
    return (*accepted, *(one for one in suggested if one.id not in known))


def accept(work: Work, id_: str) -> str:
    """Let a suggested preference decide from now on."""
    what = id_.partition(":")[0]
    for one in preferences(work, what, 1, 1):
        if one.id == id_:
            work.find("preference", id_)
            accepted = evolve(one, accepted_at=work.now)
            work.save("preference", id_, accepted, {f"accepted:{what}": stamp(work.now)})
            work.txn.append("preference", id_, [accepted], cause=work.cause, actor=work.actor)
            return id_
    raise NotFound("preference", id_)


def drop(work: Work, id_: str) -> str:
    """Let an accepted preference decide no longer."""
    known: Preference = work.load("preference", id_)
    dropped = evolve(known, accepted_at=None)
    work.save("preference", id_, dropped)
    work.txn.append("preference", id_, [dropped], cause=work.cause, actor=work.actor)
    return id_
