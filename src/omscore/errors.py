"""Every error omscore raises, in one tree.

Each message says what is wrong, why, and what may be done; the facts stand on attributes, so that a host never parses
text::

    OmsError
    +-- DefinitionError (ValueError)   a policy, table or floor that cannot work
    +-- InvalidValue (ValueError)      a value that is wrong in itself
    +-- TransitionNotAllowed           the state has no such next action    .state .command .allowed .kind .id
    +-- CommandRefused                 the rules of the business say no     .reasons
    |   +-- InsufficientStock          more asked than may be promised      .shortages
    +-- StoreError
    |   +-- NotFound (LookupError)     no such record                       .kind .id
    |   +-- Conflict                   somebody else wrote first; read again and retry
    |   +-- KeyReused                  same idempotency key, other content  .key
    |   |   +-- ContentConflict        a channel contradicts its first word  .conflict .fields
    |   +-- Unknown                    the commit's fate is unknown: send the same key again
    |   +-- Busy                       the store stayed locked past the deadline
    |   +-- StoreFull                  no space left; nothing was written
    |   +-- ReadOnly                   the store refuses writes
    |   +-- Corrupt                    the store's bytes are not what was written
    |   +-- SchemaMismatch             the store is newer or older than this version can read
    +-- CarrierError
    |   +-- CarrierRejected            final: the carrier will never take it
    |   +-- CarrierUnavailable         try again                            .retry_after_s
    +-- ChannelError                   a channel could not read or take a message
    +-- CodecError                     stored or sent data that cannot be read
    +-- InvariantBroken                our bug: please report it
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, frozen


@frozen
class Reason:
    """Why a command, a node or a plan was refused: a stable dotted code, a sentence, and the facts.

    >>> Reason("routing.too_far", "412 km is beyond 400 km", {"distance_km": 412})
    Reason(code='routing.too_far', text='412 km is beyond 400 km', facts={'distance_km': 412})
    >>> str(_)
    '412 km is beyond 400 km (routing.too_far)'
    """

    code: str
    text: str
    facts: Mapping[str, Any] = field(factory=dict)

    def __str__(self) -> str:
        return f"{self.text} ({self.code})"


@frozen
class Shortage:
    """How many units of an item were asked and how many may be promised; `node` is empty when no node was named.

    >>> Shortage("SKU-1", asked=5, available=3)
    Shortage(item='SKU-1', asked=5, available=3, node='')
    """

    item: str
    asked: int
    available: int
    node: str = ""


class OmsError(Exception):
    """The base of every error omscore raises; catch it to catch them all.

    >>> issubclass(NotFound, OmsError)
    True
    """


class DefinitionError(OmsError, ValueError):
    """A policy, a table, a floor or a configuration that cannot work as written.

    >>> raise DefinitionError("routes[1].rules[0]: unknown requirement 'closest'")
    Traceback (most recent call last):
    omscore.errors.DefinitionError: routes[1].rules[0]: unknown requirement 'closest'
    """


class InvalidValue(OmsError, ValueError):
    """A value that is wrong in itself: a negative quantity, a naive time, an unknown currency.

    >>> raise InvalidValue("quantity must be at least 1, not -2; cancel units instead of ordering fewer than none")
    Traceback (most recent call last):
    omscore.errors.InvalidValue: quantity must be at least 1, not -2; ...
    """


class TransitionNotAllowed(OmsError):
    """The thing is in a state that has no such next action; `allowed` lists the ones it has.

    `kind` and `id` say which thing it is, `hint` what may be done instead; each is "" where nobody told.

    >>> TransitionNotAllowed("closed", "ship", ("reopen",), "order", "ord-9")
    TransitionNotAllowed("order 'ord-9': 'ship' is not allowed in state 'closed'; allowed: reopen")
    """

    def __init__(
        self,
        state: str,
        command: str,
        allowed: Iterable[str] = (),
        kind: str = "",
        id: str = "",  # noqa: A002 - the field's word for it
        hint: str = "",
    ) -> None:
        self.state = state
        self.command = command
        self.allowed = tuple(allowed)
        self.kind = kind
        self.id = id
        self.hint = hint
        whose = f"{kind} {id!r}: " if id else ""
        choices = ", ".join(self.allowed) or "nothing (a final state)"
        rest = f"; {hint}" if hint else ""
        super().__init__(f"{whose}{command!r} is not allowed in state {state!r}; allowed: {choices}{rest}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.state, self.command, self.allowed, self.kind, self.id, self.hint)


class CommandRefused(OmsError):
    """The rules of the business refuse the command; nothing happened.

    >>> CommandRefused([Reason("hold.fraud", "held for fraud review until released by a person")])
    CommandRefused('held for fraud review until released by a person (hold.fraud)')
    """

    def __init__(self, reasons: Iterable[Reason]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(str(r) for r in self.reasons))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reasons,)


class InsufficientStock(CommandRefused):
    """More was asked than may be promised; nothing moved and `shortages` names each item.

    >>> InsufficientStock([Shortage("SKU-1", asked=5, available=3)])
    InsufficientStock("asked 5 of 'SKU-1', 3 available (stock.insufficient)")
    """

    def __init__(self, shortages: Iterable[Shortage]) -> None:
        self.shortages = tuple(shortages)
        super().__init__(
            Reason(
                "stock.insufficient",
                f"asked {s.asked} of {s.item!r}{f' at {s.node}' if s.node else ''}, {s.available} available",
                {"item": s.item, "asked": s.asked, "available": s.available, "node": s.node},
            )
            for s in self.shortages
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.shortages,)


class StoreError(OmsError):
    """The base of everything a store may answer instead of a result.

    >>> issubclass(Conflict, StoreError)
    True
    """


class NotFound(StoreError, LookupError):
    """No record of this kind has this id.

    >>> NotFound("order", "ord-9")
    NotFound("no order with id 'ord-9'")
    """

    def __init__(self, kind: str, id: str) -> None:  # noqa: A002 - the field's word for it
        self.kind = kind
        self.id = id
        super().__init__(f"no {kind} with id {id!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.kind, self.id)


class Conflict(StoreError):
    """Somebody else wrote the record first; read it again and repeat the command.

    >>> raise Conflict("order 'ord-9' is at version 4, not 3; read it again and repeat the command")
    Traceback (most recent call last):
    omscore.errors.Conflict: order 'ord-9' is at version 4, not 3; read it again and repeat the command
    """


class KeyReused(StoreError):
    """The same idempotency key came with other content; the first content stands.

    >>> KeyReused("checkout-17")
    KeyReused("key 'checkout-17' was used before with other content; use a new key for a new command")
    """

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"key {key!r} was used before with other content; use a new key for a new command")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.key,)


class ContentConflict(KeyReused):
    """A channel sent other content under a revision that came before; the first stands, and a person decides.

    `conflict` is what it is kept as, `fields` are the paths that differ.

    >>> ContentConflict("web/1001/1", "web/1001/1/f00d", ["lines[1].units"]).fields
    ('lines[1].units',)
    """

    def __init__(self, key: str, conflict: str, fields: Iterable[str]) -> None:
        super().__init__(key)
        self.conflict = conflict
        self.fields = tuple(fields)
        shown = ", ".join(self.fields[:5]) + (", ..." if len(self.fields) > 5 else "")
        text = (
            f"{key} came again with other content ({shown}); the first stands, and {conflict!r} waits for a person: "
            "resolve_conflict(..., take='first' or 'second')"
        )
        self.args = (text,)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.key, self.conflict, self.fields)


class Unknown(StoreError):
    """The commit's reply was lost: it happened or it did not; send the same command with the same key again.

    >>> raise Unknown("connection lost during COMMIT; repeat the command with the same key to learn its fate")
    Traceback (most recent call last):
    omscore.errors.Unknown: connection lost during COMMIT; ...
    """


class Busy(StoreError):
    """The store stayed locked past the deadline; nothing happened, try again.

    >>> issubclass(Busy, StoreError)
    True
    """


class StoreFull(StoreError):
    """The store has no space left; nothing of the command was written.

    >>> issubclass(StoreFull, StoreError)
    True
    """


class ReadOnly(StoreError):
    """The store was opened for reading and refuses writes.

    >>> issubclass(ReadOnly, StoreError)
    True
    """


class Corrupt(StoreError):
    """The store's bytes are not what was written; nothing is guessed, restore a backup or export what verifies.

    >>> issubclass(Corrupt, StoreError)
    True
    """


class SchemaMismatch(StoreError):
    """The store was written by a newer version, or must be migrated first.

    >>> issubclass(SchemaMismatch, StoreError)
    True
    """


class CarrierError(OmsError):
    """The base of what a carrier may answer instead of a label.

    >>> issubclass(CarrierRejected, CarrierError)
    True
    """


class CarrierRejected(CarrierError):
    """The carrier will never take this parcel as it is; change the parcel, the address or the service.

    >>> raise CarrierRejected("no service to country 'AQ'; choose another carrier")
    Traceback (most recent call last):
    omscore.errors.CarrierRejected: no service to country 'AQ'; choose another carrier
    """


class CarrierUnavailable(CarrierError):
    """The carrier did not answer; try again after `retry_after_s` seconds.

    >>> CarrierUnavailable("timed out", retry_after_s=30).retry_after_s
    30
    """

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class ChannelError(OmsError):
    """A channel could not read or take a message; the message names the field.

    >>> issubclass(ChannelError, OmsError)
    True
    """


class CodecError(OmsError):
    """Stored or sent data that cannot be read: an unknown tag, a newer version, a missing or wrong field.

    >>> issubclass(CodecError, OmsError)
    True
    """


class InvariantBroken(OmsError):
    """A promise omscore makes to itself failed; this is our bug, please report it with the message.

    >>> issubclass(InvariantBroken, OmsError)
    True
    """


__all__ = [
    "Reason",
    "Shortage",
    "OmsError",
    "DefinitionError",
    "InvalidValue",
    "TransitionNotAllowed",
    "CommandRefused",
    "InsufficientStock",
    "StoreError",
    "NotFound",
    "Conflict",
    "KeyReused",
    "ContentConflict",
    "Unknown",
    "Busy",
    "StoreFull",
    "ReadOnly",
    "Corrupt",
    "SchemaMismatch",
    "CarrierError",
    "CarrierRejected",
    "CarrierUnavailable",
    "ChannelError",
    "CodecError",
    "InvariantBroken",
]
