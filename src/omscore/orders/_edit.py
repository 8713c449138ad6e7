"""Edits: a set of changes to an order, what it would mean, and the changes that a newer draft asks for.

A change never takes a unit out of the sums: what is given up is cancelled, what comes on top is a line of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve, field, frozen

from omscore.errors import CommandRefused, InvalidValue, Reason
from omscore.kernel import Address, Money, quantity
from omscore.orders._costs import due
from omscore.orders._draft import Draft, DraftLine, check_price, check_shipping
from omscore.orders._order import Order


@frozen
class AddLine:
    """One more line.

    >>> AddLine(DraftLine("2", "SKU-2", 1, Money(500, "EUR"))).line.item
    'SKU-2'
    """

    line: DraftLine


@frozen
class Reduce:
    """Fewer units of a line: those that wait go first, then reserved, allocated and picked ones; never shipped ones.

    >>> Reduce("1", 2).units
    2
    """

    line: str
    units: int


@frozen
class Substitute:
    """Units of a line are given up for another line.

    >>> Substitute("1", 1, DraftLine("2", "SKU-2", 1, Money(500, "EUR"))).instead.id
    '2'
    """

    line: str
    units: int
    instead: DraftLine


@frozen
class SetPrice:
    """Another price for a line; no stock moves.

    >>> SetPrice("1", Money(450, "EUR")).discount
    """

    line: str
    unit_price: Money
    discount: Money | None = None
    tax: Money | None = None


@frozen
class SetAddress:
    """Another place to go to.

    >>> SetAddress(Address("BE", "9000")).ship_to.postcode
    '9000'
    """

    ship_to: Address
    bill_to: Address | None = None


@frozen
class SetService:
    """Another way of shipping, and what it costs if that changes too.

    >>> SetService("express").service
    'express'
    """

    service: str
    shipping: Money | None = None


@frozen
class SetCharges:
    """Other charges of the order as a whole.

    >>> SetCharges(discount=Money(500, "EUR")).shipping
    """

    shipping: Money | None = None
    discount: Money | None = None
    tax: Money | None = None


Change = AddLine | Reduce | Substitute | SetPrice | SetAddress | SetService | SetCharges
"""One thing that an edit changes."""


@frozen
class Preview:
    """What a set of changes would mean, before anything is touched.

    `money` is what the customer owes more (or less, when negative). `stock` maps items to the units that are needed
    more, or given back when negative; `short` to those that nobody has. `rerouted` maps lines to the allocated units
    whose node is chosen again. `version` is the order's; :meth:`omscore.Oms.edit` takes it back.

    >>> Preview(Money(0, "EUR")).short
    {}
    """

    money: Money
    stock: Mapping[str, int] = field(factory=dict)
    short: Mapping[str, int] = field(factory=dict)
    rerouted: Mapping[str, int] = field(factory=dict)
    version: int = 0


def changed(draft: Draft, changes: Sequence[Change]) -> tuple[Draft, dict[str, int]]:
    """A draft with changes, and the units of its lines that they give up.

    >>> from datetime import UTC, datetime
    >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> draft = Draft("web", "1", "EUR", (DraftLine("1", "A", 3, Money(334, "EUR")),), now)
    >>> changed(draft, [Reduce("1", 1)])[1]
    {'1': 1}
    """
    gap = None if draft.total is None else draft.total - draft.due
    reduced: dict[str, int] = {}
    for change in changes:
        match change:
            case AddLine(line):
                draft = evolve(draft, lines=(*draft.lines, line))
                check_price(line)
            case Reduce(line, units):
                draft.line(line)
                reduced[line] = reduced.get(line, 0) + quantity(units, "units")
            case Substitute(line, units, instead):
                draft.line(line)
                reduced[line] = reduced.get(line, 0) + quantity(units, "units")
                draft = evolve(draft, lines=(*draft.lines, instead))
                check_price(instead)
            case SetPrice(line, unit_price, discount, tax):
                priced = evolve(draft.line(line), unit_price=unit_price, discount=discount, tax=tax)
                check_price(priced)
                draft = evolve(draft, lines=tuple(priced if x.id == line else x for x in draft.lines))
            case SetAddress(ship_to, bill_to):
                draft = evolve(draft, ship_to=ship_to, bill_to=bill_to or draft.bill_to)
            case SetService(service, shipping):
                draft = evolve(draft, service=service, shipping=shipping or draft.shipping)
                check_shipping(shipping)
            case SetCharges(shipping, discount, tax):
                draft = evolve(draft, shipping=shipping, discount=discount, tax=tax)
                check_shipping(shipping)
            case _:
                raise InvalidValue(f"{change!r} is no change of an order")
    if gap is not None:
        # What the channel's sum was beside its rows, it stays.
        draft = evolve(draft, total=draft.due + gap)
    return draft, reduced


def reroutes(order: Order, draft: Draft) -> dict[str, int]:
    """The allocated units whose node is chosen again because the order goes elsewhere or otherwise.

    Raises CommandRefused (`edit.packed`) when units are packed for the old address.

    >>> from omscore.orders import Captured, fold
    >>> from datetime import UTC, datetime
    >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> draft = Draft("web", "1", "EUR", (DraftLine("1", "A", 3, Money(334, "EUR")),), now)
    >>> reroutes(fold([Captured("ord-1", draft, now)]), evolve(draft, service="express"))
    {}
    """
    if (draft.ship_to, draft.service) == (order.draft.ship_to, order.draft.service):
        return {}
    if packed := order.totals.packed:
        text = f"{packed} units of {order.id} are packed for the old address or service; unpack them first"
        raise CommandRefused([Reason("edit.packed", text, {"packed": packed})])
    return {line: units.allocated for line, units in order.units.items() if units.allocated}


def preview(before: Order, after: Order, *, available: Mapping[str, int], version: int = 0) -> Preview:
    """The difference between an order and the same order with changes: money, stock, and what is routed again.

    `available` are the units of each item that anybody could have.

    >>> from omscore.orders import Captured, Edit, decide, fold
    >>> from datetime import UTC, datetime
    >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> draft = Draft("web", "1", "EUR", (DraftLine("1", "A", 3, Money(334, "EUR")),), now)
    >>> order = fold([Captured("ord-1", draft, now)])
    >>> after = fold(decide(order, Edit((AddLine(DraftLine("2", "B", 2, Money(100, "EUR"))),)), now), order)
    >>> preview(order, after, available={"B": 1})
    Preview(money=Money(minor=200, currency='EUR'), stock={'B': 2}, short={'B': 1}, rerouted={}, version=0)
    """
    items = {line.id: line.item for line in after.lines}
    stock: dict[str, int] = {}
    needed: dict[str, int] = {}
    for line, units in after.units.items():
        old = before.units.get(line)
        if old is None:
            stock[items[line]] = stock.get(items[line], 0) + units.open
            needed[items[line]] = needed.get(items[line], 0) + units.open
        else:
            held = sum(getattr(old, b) - getattr(units, b) for b in ("reserved", "allocated", "picked"))
            if held:
                stock[items[line]] = stock.get(items[line], 0) - held
    short = {item: n - available.get(item, 0) for item, n in sorted(needed.items()) if n > available.get(item, 0)}
    rerouted = reroutes(before, after.draft)
    money = due(after) - due(before)
    return Preview(money, {item: n for item, n in sorted(stock.items()) if n}, short, rerouted, version)


def changes_between(order: Order, draft: Draft, said: Mapping[str, int] | None = None) -> tuple[Change, ...]:
    """The changes that bring an order to what a newer draft of it says; none when only remarks differ.

    `said` are the units of each line that the draft before it asked for: a line of which it says the same again keeps
    the units it has, so that what was cancelled here meanwhile stays cancelled.

    >>> from omscore.orders import Captured, fold
    >>> from datetime import UTC, datetime
    >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> draft = Draft("web", "1", "EUR", (DraftLine("1", "A", 3, Money(334, "EUR")),), now)
    >>> order = fold([Captured("ord-1", draft, now)])
    >>> changes_between(order, evolve(draft, revision=2, lines=(evolve(draft.lines[0], units=2),)))
    (Reduce(line='1', units=1),)
    """
    old, changes = order.draft, list[Change]()
    lines = {line.id: line for line in draft.lines}
    for line in old.lines:
        units = order.units[line.id]
        live = units.ordered - units.cancelled
        wanted = lines.pop(line.id, None)
        extra = [x for x in old.lines if x.id.startswith(f"{line.id}+")]
        live += sum(order.units[x.id].ordered - order.units[x.id].cancelled for x in extra)
        if wanted is None:
            if live and "+" not in line.id:
                changes += [Reduce(line.id, live)]
            continue
        n = wanted.units - wanted.cancelled
        if wanted.item == line.item and said is not None and said.get(line.id) == n:
            n = live
        if wanted.item != line.item:
            instead = evolve(wanted, id=f"{line.id}+{draft.revision}", units=max(1, n), cancelled=0)
            changes += [Substitute(line.id, live, instead)] if live and n else []
            continue
        if n < live:
            changes += _fewer(order, [*reversed(extra), line], live - n)
        elif n > live:
            changes.append(AddLine(evolve(wanted, id=f"{line.id}+{draft.revision}", units=n - live, cancelled=0)))
        if (wanted.unit_price, wanted.discount, wanted.tax) != (line.unit_price, line.discount, line.tax):
            changes += [SetPrice(x.id, wanted.unit_price, wanted.discount, wanted.tax) for x in (line, *extra)]
    changes += [AddLine(line) for line in lines.values() if line.units > line.cancelled]
    if draft.ship_to is not None and (draft.ship_to, draft.bill_to) != (old.ship_to, old.bill_to):
        changes.append(SetAddress(draft.ship_to, draft.bill_to))
    if draft.service != old.service:
        changes.append(SetService(draft.service))
    if (draft.shipping, draft.discount, draft.tax) != (old.shipping, old.discount, old.tax):
        changes.append(SetCharges(draft.shipping, draft.discount, draft.tax))
    return tuple(changes)


def _fewer(order: Order, lines: Sequence[DraftLine], units: int) -> list[Change]:
    """Give up units of lines, the first lines first."""
    changes: list[Change] = []
    for line in lines:
        n = min(units, order.units[line.id].ordered - order.units[line.id].cancelled)
        if n:
            changes.append(Reduce(line.id, n))
            units -= n
    return changes
