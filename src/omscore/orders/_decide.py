"""Commands go in, events come out, and a fold of the events is the state.

`decide` says what a command means for an order in its state, or raises; `apply` is the only place where state changes.
Neither reads a clock or draws an id: the caller gives both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from omscore.errors import CommandRefused, InvalidValue, InvariantBroken, Reason, TransitionNotAllowed
from omscore.kernel import QUANTITY_MAX, quantity
from omscore.orders._draft import check_amounts
from omscore.orders._edit import changed, reroutes
from omscore.orders._messages import (
    Accept,
    Accepted,
    Cancel,
    Cancelled,
    Capture,
    Captured,
    Close,
    Closed,
    Command,
    Edit,
    Edited,
    Event,
    Hold,
    HoldPlaced,
    HoldReleased,
    MoveUnits,
    PlaceHold,
    Reject,
    Rejected,
    ReleaseHold,
    Reopen,
    Reopened,
    UnitsMoved,
    accepted,
    closed,
    hold_placed,
    hold_released,
    units_moved,
)
from omscore.orders._order import ORDER_STATES, Order, order_of
from omscore.orders._units import FINAL_BUCKETS, UNIT_BUCKETS, UNIT_MOVES, UNIT_SOURCES, Units


def _refuse(code: str, text: str, /, **facts: Any) -> CommandRefused:
    return CommandRefused([Reason(code, text, facts)])


def _moves(order: Order, verb: str, units: Mapping[str, int]) -> tuple[tuple[str, str, str, int], ...]:
    """The bucket moves of a verb, or CommandRefused naming every line that has too few units."""
    move = UNIT_MOVES[verb]
    target = move.target
    sources, held = UNIT_SOURCES[verb], order.units
    result: list[tuple[str, str, str, int]] = []
    reasons: list[Reason] = []
    for line, asked in units.items():
        try:
            has = held[line]
        except KeyError:
            order.draft.line(line)  # raises, naming the lines there are
            raise InvariantBroken(f"order {order.id} has a line {line!r} without units") from None
        # Most moves take one bucket's units: the check of the number is written out because this runs for every line.
        rest = asked if type(asked) is int and 0 < asked <= QUANTITY_MAX else quantity(asked, f"line {line}: units")
        for source, at in sources:
            n = has[at]
            if n:
                if n >= rest:
                    result.append((line, source, target, rest))
                    rest = 0
                    break
                result.append((line, source, target, n))
                rest -= n
        if rest:
            buckets = " or ".join(move.sources)
            reasons.append(
                Reason(
                    "units.too_few",
                    f"line {line}: cannot {verb} {asked}, only {asked - rest} {'is' if asked - rest == 1 else 'are'} "
                    f"{buckets}",
                    {"line": line, "verb": verb, "asked": asked, "has": asked - rest},
                )
            )
    if reasons:
        raise CommandRefused(reasons)
    return tuple(result)


def _not_allowed(order: Order, command: str) -> TransitionNotAllowed:
    return TransitionNotAllowed(order.state, command, ORDER_STATES.allowed(order.state), "order", order.id)


def _decide_capture(order: Order | None, command: Capture, now: datetime) -> tuple[Event, ...]:
    if order is not None:
        raise _not_allowed(order, "capture")
    check_amounts(command.draft)
    events: list[Event] = [Captured(command.id, command.draft, now)]
    gone = tuple((line.id, "open", "cancelled", line.cancelled) for line in command.draft.lines if line.cancelled)
    if gone:
        events.append(UnitsMoved(now, "cancel", gone, why="cancelled before capture"))
    return tuple(events)


def _decide_accept(order: Order, command: Accept, now: datetime) -> tuple[Event, ...]:
    ORDER_STATES.next(order.state, "accept", order.id)
    if order.holds:
        raise CommandRefused([_held(hold) for hold in order.holds])
    return (accepted(now),)


def _decide_reject(order: Order, command: Reject, now: datetime) -> tuple[Event, ...]:
    ORDER_STATES.next(order.state, "reject", order.id)
    return (Rejected(now, command.reasons),)


def _decide_place(order: Order, command: PlaceHold, now: datetime) -> tuple[Event, ...]:
    if order.state not in ("captured", "accepted"):
        raise _not_allowed(order, "place_hold")
    # A hold that stands already is not placed twice: a repeated check must not pile up holds.
    if command.hold in order.holds:
        return ()
    code = command.hold.code
    for hold in order.holds:
        if hold.code == code:
            # Releasing goes by the code: with two of one code, who releases theirs would release another's.
            text = f"order {order.id} has a hold {code!r} already; release that first, or give this a code of its own"
            raise _refuse("hold.placed", text, code=code)
    return (hold_placed(now, command.hold),)


def _decide_release(order: Order, command: ReleaseHold, now: datetime) -> tuple[Event, ...]:
    for hold in order.holds:
        if hold.code == command.code:
            return (hold_released(now, command.code),)
    raise _refuse("hold.not_placed", f"order {order.id} has no hold {command.code!r} to release", code=command.code)


def _held(hold: Hold) -> Reason:
    owner = f" by {hold.owner}" if hold.owner else ""
    return Reason(f"hold.{hold.code}", f"held{owner} until {hold.code!r} is released", {"hold": hold.code})


def _decide_move(order: Order, command: MoveUnits, now: datetime) -> tuple[Event, ...]:
    verb = command.verb
    try:
        move = UNIT_MOVES[verb]
    except KeyError:
        raise InvalidValue(f"no verb {verb!r} moves units; the verbs are {', '.join(UNIT_MOVES)}") from None
    if verb == "cancel":
        return _decide_cancel(order, Cancel(command.units), now)
    if move.gated:
        if order.state != "accepted":
            raise _not_allowed(order, verb)
        if order.holds:
            raise CommandRefused([_held(hold) for hold in order.holds])
    elif order.state in ("rejected", "cancelled"):
        raise _not_allowed(order, verb)
    if not command.units:
        return ()
    return (units_moved(now, verb, _moves(order, verb, command.units), command.ref),)


def _decide_cancel(order: Order, command: Cancel, now: datetime) -> tuple[Event, ...]:
    if order.state not in ("captured", "accepted"):
        raise _not_allowed(order, "cancel")
    asked = command.units
    if asked is None:
        sources = UNIT_MOVES["cancel"].sources
        asked = {line: n for line, u in order.units.items() if (n := sum(getattr(u, s) for s in sources))}
        if not asked:
            raise _refuse("cancel.nothing_left", "no unit can be cancelled any more; what is shipped can be returned")
    moves = _moves(order, "cancel", asked)
    events: list[Event] = [UnitsMoved(now, "cancel", moves, why=command.why)] if moves else []
    totals = order.totals
    if totals.cancelled + sum(m[3] for m in moves) == totals.ordered:
        events.append(Cancelled(now, command.why))
    return tuple(events)


def _decide_edit(order: Order, command: Edit, now: datetime) -> tuple[Event, ...]:
    if order.state not in ("captured", "accepted"):
        raise _not_allowed(order, "edit")
    draft, reduced = changed(order.draft, command.changes)
    reroutes(order, draft)
    events: list[Event] = [] if draft == order.draft else [Edited(now, draft, command.why)]
    after = fold(events, order)
    if reduced:
        events += _decide_cancel(after, Cancel(reduced, command.why), now)
    return tuple(events)


def _decide_close(order: Order, command: Close, now: datetime) -> tuple[Event, ...]:
    ORDER_STATES.next(order.state, "close", order.id)
    if not order.finished:
        rest = {b: n for b, n in zip(UNIT_BUCKETS, order.totals, strict=True) if n and b not in FINAL_BUCKETS}
        raise _refuse("close.unfinished", f"order {order.id} still has units that are {', '.join(rest)}", units=rest)
    return (closed(now),)


def _decide_reopen(order: Order, command: Reopen, now: datetime) -> tuple[Event, ...]:
    ORDER_STATES.next(order.state, "reopen", order.id)
    return (Reopened(now, command.why),)


_DECIDERS: dict[type, Callable[[Any, Any, datetime], tuple[Event, ...]]] = {
    Capture: _decide_capture,
    Accept: _decide_accept,
    Reject: _decide_reject,
    PlaceHold: _decide_place,
    ReleaseHold: _decide_release,
    MoveUnits: _decide_move,
    Cancel: _decide_cancel,
    Edit: _decide_edit,
    Close: _decide_close,
    Reopen: _decide_reopen,
}


def decide(order: Order | None, command: Command, now: datetime) -> tuple[Event, ...]:
    """The events a command means for an order at a time; none when it changes nothing.

    Raises TransitionNotAllowed when the state has no such action, CommandRefused with reasons when the rules say no.
    Nothing has happened until the events are applied.

    >>> from datetime import UTC, datetime
    >>> from omscore.kernel import Money
    >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> from omscore.kernel import Money
    >>> from omscore.orders import Draft, DraftLine
    >>> line = DraftLine("1", "SKU-1", 2, Money(1999, "EUR"))
    >>> order = fold(decide(None, Capture("ord-1", Draft("web", "1001", "EUR", (line,), now)), now))
    >>> decide(order, MoveUnits("allocate", {"1": 2}), now)
    Traceback (most recent call last):
    omscore.errors.TransitionNotAllowed: order 'ord-1': 'allocate' is not allowed in state 'captured'; allowed: ...
    """
    try:
        decider = _DECIDERS[type(command)]
    except KeyError:
        raise InvalidValue(f"{command!r} is no command of an order") from None
    if order is None and decider is not _decide_capture:
        raise TransitionNotAllowed("draft", type(command).__name__.lower(), ORDER_STATES.allowed("draft"))
    return decider(order, command, now)


def _apply_moved(order: Order, event: UnitsMoved) -> Order:
    # A mapping proxy copies the dict below it at once; dict(...) of a proxy would ask it for every key.
    units = order.units.copy()
    for line, source, target, n in event.moves:
        units[line] = units[line].moved(source, target, n)
    return order_of(order.id, order.draft, order.state, MappingProxyType(units), order.holds, order.captured_at)


def _into(order: Order, state: str) -> Order:
    return order_of(order.id, order.draft, state, order.units, order.holds, order.captured_at)


def _held_by(order: Order, holds: tuple[Hold, ...]) -> Order:
    return order_of(order.id, order.draft, order.state, order.units, holds, order.captured_at)


def _apply_reopened(order: Order, event: Reopened) -> Order:
    state = ORDER_STATES.next(order.state, "reopen", order.id)
    units = order.units
    if order.state == "cancelled":
        before = {line.id: line.cancelled for line in order.draft.lines}
        units = MappingProxyType(
            {line: u.moved("cancelled", "open", u.cancelled - before[line]) for line, u in order.units.items()}
        )
    return order_of(order.id, order.draft, state, units, order.holds, order.captured_at)


def _apply_edited(order: Order, event: Edited) -> Order:
    units = dict(order.units)
    for line in event.draft.lines:
        units.setdefault(line.id, Units(open=line.units))
    return order_of(order.id, event.draft, order.state, MappingProxyType(units), order.holds, order.captured_at)


_APPLIERS: dict[type, Callable[[Any, Any], Order]] = {
    Accepted: lambda order, event: _into(order, "accepted"),
    Rejected: lambda order, event: _into(order, "rejected"),
    HoldPlaced: lambda order, event: _held_by(order, (*order.holds, event.hold)),
    HoldReleased: lambda order, event: _held_by(order, tuple([h for h in order.holds if h.code != event.code])),
    UnitsMoved: _apply_moved,
    Cancelled: lambda order, event: _into(order, "cancelled"),
    Closed: lambda order, event: _into(order, "closed"),
    Edited: _apply_edited,
    Reopened: _apply_reopened,
}


def apply(order: Order | None, event: Event) -> Order:
    """The order after an event: the only place where its state changes.

    >>> from datetime import UTC, datetime
    >>> from omscore.orders import Draft
    >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> apply(None, Captured("ord-1", Draft("web", "1001", "EUR", (), now), now)).state
    'captured'
    """
    if type(event) is Captured:
        units = {line.id: Units(open=line.units) for line in event.draft.lines}
        return order_of(event.id, event.draft, "captured", MappingProxyType(units), (), event.at)
    if order is None:
        raise InvariantBroken(f"an order's first event is Captured, not {type(event).__name__}")
    return _APPLIERS[type(event)](order, event)


def fold(events: Iterable[Event], order: Order | None = None) -> Order:
    """The order that a history of events leads to.

    Raises InvariantBroken for an empty history.

    >>> from datetime import UTC, datetime
    >>> from omscore.orders import Draft
    >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> fold([Captured("ord-1", Draft("web", "1001", "EUR", (), now), now), Accepted(now)]).state
    'accepted'
    """
    for event in events:
        order = apply(order, event)
    if order is None:
        raise InvariantBroken("no events, no order")
    return order
