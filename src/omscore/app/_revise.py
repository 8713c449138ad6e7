"""Revise: what a channel says again of an order that is known: nothing new, a later revision, or a contradiction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve

from omscore.app import _capture, _said
from omscore.app._edit import edit
from omscore.app._work import Work
from omscore.errors import Conflict, InvalidValue
from omscore.kernel import stamp
from omscore.orders import Captured, Draft, DraftConflict, External, Finding, Order, changes_between, differences

TAKES = {"first": "keep_first", "second": "take_second"}
"""What a person may take of two contents, and the command that says so."""


def capture(work: Work, draft: Draft, content: str, order_id: str, told: Sequence[Finding] = ()) -> str | DraftConflict:
    """Take a draft in, as a new order or as a later revision of one; an earlier revision that comes late is left alone.

    Other content under a revision that came before is kept as a conflict, which is returned: nothing of it is done.
    Raises what an edit raises when the order has gone too far for what the channel now says; the order stays as it is,
    and so does the revision that counts.
    """
    external_id = _capture.external_of(draft)
    known: External | None = work.find("external", external_id)
    if known is None:
        return _capture.capture(work, draft, content, order_id, told)
    if draft.revision < known.revision or content in (known.fingerprint, *known.decided):
        return known.order
    if draft.revision == known.revision:
        return _contradiction(work, known, external_id, draft, content)
    work.save("external", external_id, External(known.order, draft.revision, content, said=_capture.said_by(draft)))
    for conflict in list(work.all("conflict", f"open:{known.order}")):
        save(work, conflict.decided("supersede", f"revision {draft.revision} came"))
    _bring(work, work.order(known.order), draft, f"revision {draft.revision} of {external_id}", known.said)
    return known.order


def check_id(work: Work, draft: Draft, order_id: str) -> None:
    """Refuse the id of another draft's order; those that are drawn are nobody's yet."""
    known: Order | None = work.find("order", order_id)
    if known is not None and (known.draft.channel, known.draft.external_id) != (draft.channel, draft.external_id):
        theirs, ours = (f"{one.channel}/{one.external_id}" for one in (known.draft, draft))
        raise Conflict(f"order {order_id!r} is {theirs} already; give {ours} an id of its own, or none")


def _bring(work: Work, order: Order, draft: Draft, why: str, said: Mapping[str, int] | None = None) -> None:
    """Bring an order to what a draft of it says."""
    waiting = any(hold.code == _capture.PAYMENT_HOLD for hold in order.holds)
    if changes := changes_between(order, draft, said):
        edit(work, order.id, changes, why, None)
        order = work.order(order.id)
    _said.believe(work, order, draft, waiting=waiting)


def _contradiction(work: Work, known: External, external_id: str, draft: Draft, content: str) -> DraftConflict:
    id_ = f"{external_id}/{draft.revision}/{content[:8]}"
    found: DraftConflict | None = work.find("conflict", id_)
    if found is None:
        fields = differences(_first(work, known), draft)
        found = DraftConflict(id_, known.order, external_id, draft.revision, content, fields, draft, work.now)
        save(work, found)
    return found


def _first(work: Work, known: External) -> Draft:
    """What the channel said first; of a later revision, what became of the order with it."""
    for logged in work.txn.events("order", known.order)[:1]:
        if isinstance(logged.event, Captured) and logged.event.draft.revision == known.revision:
            return logged.event.draft
    return evolve(work.order(known.order).draft, revision=known.revision)


def save(work: Work, conflict: DraftConflict) -> None:
    """Write a conflict; found by its order, and while it is open."""
    index = {f"order:{conflict.order}": stamp(conflict.since or work.now)}
    if conflict.state == "open":
        index |= {"open": stamp(conflict.since or work.now), f"open:{conflict.order}": conflict.id}
    work.save("conflict", conflict.id, conflict, index)


def resolve(work: Work, conflict_id: str, take: str, note: str) -> str:
    """Do what a person decided: the first content stands, or the order is brought to the second."""
    if take not in TAKES:
        raise InvalidValue(f"take is 'first' or 'second', not {take!r}")
    conflict: DraftConflict = work.load("conflict", conflict_id)
    decided = conflict.decided(TAKES[take], note)
    known: External = work.load("external", conflict.external)
    save(work, decided)
    # Whichever of the contents is delivered again, a person has decided about it.
    seen = tuple(dict.fromkeys((*known.decided, known.fingerprint, conflict.fingerprint)))
    second = conflict.draft if take == "second" else None
    said = known.said if second is None else _capture.said_by(second)
    work.save("external", conflict.external, evolve(known, decided=seen, said=said))
    if second is not None:
        _bring(work, work.order(conflict.order), second, f"conflict {conflict_id}: {note}".strip(": "))
    return conflict.order
