"""The rules of the ports beside the store, numbered, as data: what an adapter must keep to be safe to ask twice.

`attempt_port` tries a rule on an adapter without pytest; `omscore.testing.port_kits` makes test classes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, TypeVar

from attrs import evolve, field, frozen

from omscore.batching import Carton, Packing, PackLine, PickList, PickRow, packing_faults
from omscore.errors import CarrierRejected, ChannelError, Reason
from omscore.kernel import Address, Dimensions, Item, Money
from omscore.orders import Draft, DraftLine, Risk
from omscore.payments import Posting, PostingLine
from omscore.ports import (
    Effect,
    Label,
    LabelRequest,
    ListsPickups,
    ManifestAnswer,
    ManifestRequest,
    Parcel,
    PaymentAnswer,
    PaymentRequest,
    Rate,
    TellsMessages,
    TellsTracking,
    Voided,
    VoidRequest,
    VoidsLabels,
    WmsMessage,
)
from omscore.testing._bench import RuleBroken
from omscore.testing.rules import Verdict

_A_DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
_DRAFT = Draft("web", "kit-1", "EUR", (), _A_DAY)


@frozen
class Probe:
    """An adapter on trial, and what its rules need to know of it.

    `request` is a label that the carrier can make; `payload` an order that the channel can read. `seen` says how often
    something took effect on the other side: units of money taken, effects passed on, postings booked, by the id or
    amount asked for; without it, the rules that need it are skipped.

    >>> from omscore.adapters import TableCarrier
    >>> Probe(TableCarrier.flat("post", cost_minor=495, currency="EUR")).request.service
    'standard'
    """

    port: Any
    request: LabelRequest = field(
        default=LabelRequest("kit-1", "ghent", Address("BE", "9000"), "standard", (Parcel("p-1", 500),))
    )
    payload: Any = None
    seen: Callable[[], int] | None = None


@frozen
class PortRule:
    """One rule of a port: its number, what it says, and how it is tried.

    >>> PORT_RULES["P-CARRIER-1"].port
    'carrier'
    """

    id: str
    port: str
    text: str
    attempt: Callable[[Probe], None]
    needs: Callable[[Probe], str]


PORT_RULES: dict[str, PortRule] = {}
"""Every rule of every port by its id, in the order of the reference page."""

F = TypeVar("F", bound=Callable[[Probe], None])


def _nothing(_probe: Probe) -> str:
    return ""


def _seen(probe: Probe) -> str:
    return "" if probe.seen is not None else "seen: how often something took effect"


def _can(protocol: Any, what: str) -> Callable[[Probe], str]:
    return lambda probe: "" if isinstance(probe.port, protocol) else what


def _rule(port: str, text: str, needs: Callable[[Probe], str] = _nothing) -> Callable[[F], F]:
    def keep(function: F) -> F:
        number = 1 + sum(rule.port == port for rule in PORT_RULES.values())
        id_ = f"P-{port.upper()}-{number}"
        PORT_RULES[id_] = PortRule(id_, port, text, function, needs)
        return function

    return keep


def _holds(condition: object, why: str) -> None:
    if not condition:
        raise RuleBroken(why)


def attempt_port(rule: PortRule, probe: Probe) -> Verdict:
    """Try one rule on an adapter; any error that the rule does not expect counts as broken.

    >>> from omscore.adapters import TableCarrier
    >>> attempt_port(PORT_RULES["P-CARRIER-3"], Probe(TableCarrier.flat("post", cost_minor=495, currency="EUR"))).state
    'kept'
    """
    if missing := rule.needs(probe):
        return Verdict(rule.id, "skipped", f"it does not have {missing}")
    try:
        rule.attempt(probe)
    except RuleBroken as broken:
        return Verdict(rule.id, "broken", str(broken))
    except Exception as error:  # noqa: BLE001 - an adapter that cannot answer breaks the rule
        return Verdict(rule.id, "broken", f"{type(error).__name__}: {error}")
    return Verdict(rule.id, "kept")


def rules_of(port: str) -> list[PortRule]:
    """The rules of one port.

    >>> [rule.id for rule in rules_of("notifier")]
    ['P-NOTIFIER-1', 'P-NOTIFIER-2']
    """
    return [rule for rule in PORT_RULES.values() if rule.port == port]


def port_table(rules: Sequence[PortRule] | None = None) -> str:
    """The rules as a table in Markdown, for the reference page.

    >>> print(port_table(rules_of("notifier")).splitlines()[0])
    | rule | an adapter keeps it when |
    """
    chosen = list(PORT_RULES.values()) if rules is None else rules
    rows = "".join(f"| `{one.id}` | {one.text} |\n" for one in chosen)
    return f"| rule | an adapter keeps it when |\n|---|---|\n{rows}"


# -- carriers ----------------------------------------------------------------------------------------------------------


@_rule("carrier", "`rates` answers with its own rates, each with a cost in money and whole days.")
def _own_rates(probe: Probe) -> None:
    rates = list(probe.port.rates(probe.request))
    _holds(rates, f"there is no rate for {probe.request!r}; give the probe a request that the carrier serves")
    for rate in rates:
        _holds(isinstance(rate, Rate), f"a rate is a {type(rate).__name__}")
        _holds(rate.carrier == probe.port.name, f"{probe.port.name} gave a rate of {rate.carrier}")
        _holds(isinstance(rate.cost, Money) and rate.cost.minor >= 0, f"a rate costs {rate.cost!r}")
        _holds(type(rate.days) is int and rate.days >= 0, f"a rate takes {rate.days!r} days")


@_rule("carrier", "Asking for rates again gives the same ones: asking orders nothing.")
def _same_rates(probe: Probe) -> None:
    first, second = list(probe.port.rates(probe.request)), list(probe.port.rates(probe.request))
    _holds(first == second, "the second answer differs from the first")


@_rule("carrier", "Asking twice for a label under one request id makes one label.")
def _one_label(probe: Probe) -> None:
    first, second = probe.port.label(probe.request), probe.port.label(probe.request)
    _holds(first.tracking == second.tracking, f"{first.tracking} and then {second.tracking}")


@_rule("carrier", "A label answers its request: its id, and one tracking number of its own for each parcel.")
def _answers(probe: Probe) -> None:
    more = (*probe.request.parcels, Parcel("kit-second", 400))
    request = evolve(probe.request, id=f"{probe.request.id}-two", parcels=more)
    label = probe.port.label(request)
    _holds(isinstance(label, Label), f"a label is a {type(label).__name__}")
    _holds(label.id == request.id, f"asked for {request.id}, answered {label.id}")
    _holds(len(label.tracking) == len(more), f"{len(more)} parcels got {len(label.tracking)} numbers")
    _holds(
        len(set(label.tracking)) == len(more) and all(label.tracking), f"numbers {label.tracking} are not each its own"
    )


@_rule("carrier", "Two requests never share a tracking number.")
def _own_numbers(probe: Probe) -> None:
    first = probe.port.label(probe.request)
    second = probe.port.label(evolve(probe.request, id=f"{probe.request.id}-other"))
    _holds(not set(first.tracking) & set(second.tracking), f"both got {first.tracking}")


@_rule("carrier", "A service that the carrier does not have raises CarrierRejected, and nothing else is taken for it.")
def _unknown_service(probe: Probe) -> None:
    try:
        label = probe.port.label(evolve(probe.request, id=f"{probe.request.id}-none", service="no such service"))
    except CarrierRejected:
        return
    raise RuleBroken(f"it made a label of service {label.service!r}")


@_rule("carrier", "A label is given back once: the same answer for the same request id.", _can(VoidsLabels, "void"))
def _void(probe: Probe) -> None:
    label = probe.port.label(probe.request)
    request = VoidRequest(f"{probe.request.id}:void", probe.request.id, label.tracking)
    first, second = probe.port.void(request), probe.port.void(request)
    _holds(isinstance(first, Voided), f"void answered with a {type(first).__name__}")
    _holds(first.done == second.done, f"{first!r} and then {second!r}")


@_rule(
    "carrier", "A manifest is closed once: the same reference for the same request id.", _can(ListsPickups, "manifest")
)
def _manifest(probe: Probe) -> None:
    label = probe.port.label(probe.request)
    request = ManifestRequest("kit-m1", probe.request.node, label.tracking)
    first, second = probe.port.manifest(request), probe.port.manifest(request)
    _holds(isinstance(first, ManifestAnswer) and first.reference, f"manifest answered {first!r}")
    _holds(first.reference == second.reference, f"{first.reference} and then {second.reference}")


@_rule("carrier", "Asked where parcels are, it tells of those and of no others.", _can(TellsTracking, "track"))
def _tracks(probe: Probe) -> None:
    label = probe.port.label(probe.request)
    strange = {fact.tracking for fact in probe.port.track(label.tracking)} - set(label.tracking)
    _holds(not strange, f"asked for {label.tracking}, told of {sorted(strange)}")


# -- channels ----------------------------------------------------------------------------------------------------------


def _payload(probe: Probe) -> str:
    return "" if probe.payload is not None else "a payload: an order that the channel can read"


@_rule("channel", "An order becomes a Draft of this channel.", _payload)
def _drafts(probe: Probe) -> None:
    draft = probe.port.draft(deepcopy(probe.payload))
    _holds(isinstance(draft, Draft), f"a draft is a {type(draft).__name__}")
    _holds(draft.channel == probe.port.name, f"{probe.port.name} made a draft of channel {draft.channel!r}")


@_rule("channel", "The same payload makes the same draft, and is left as it was.", _payload)
def _pure(probe: Probe) -> None:
    payload = deepcopy(probe.payload)
    first, second = probe.port.draft(payload), probe.port.draft(payload)
    _holds(first == second, "the second draft differs from the first")
    _holds(payload == probe.payload, "the payload was changed")


@_rule("channel", "What is no order raises ChannelError and nothing else.")
def _no_order(probe: Probe) -> None:
    wrong: tuple[Any, ...] = ({}, [], None, "order", 7)
    for nothing in wrong:
        try:
            probe.port.draft(nothing)
        except ChannelError:
            continue
        raise RuleBroken(f"{nothing!r} became a draft")


@_rule("channel", "An order from which a field is taken away is a draft still, or raises ChannelError.", _payload)
def _missing_field(probe: Probe) -> None:
    for name in probe.payload if isinstance(probe.payload, dict) else ():
        rest = {key: deepcopy(value) for key, value in probe.payload.items() if key != name}
        try:
            probe.port.draft(rest)
        except ChannelError:
            continue
        except Exception as error:
            raise RuleBroken(f"without {name!r}: {type(error).__name__}") from error


@_rule("channel", "The same message told twice counts once.", _seen)
def _told_once(probe: Probe) -> None:
    _once(probe, lambda: probe.port.tell(Effect("kit-1:channel.stock", "channel.stock", {"item": "SKU-1", "units": 1})))


def _once(probe: Probe, act: Callable[[], object]) -> None:
    assert probe.seen is not None
    before = probe.seen()
    act()
    once = probe.seen() - before
    act()
    _holds(once, "the first time took no effect that was seen")
    _holds(probe.seen() - before == once, f"the second time took effect again: {once}, then {probe.seen() - before}")


# -- payment gateways --------------------------------------------------------------------------------------------------

_TEN = Money(1_000, "EUR")


def _authorized(probe: Probe, id_: str) -> PaymentAnswer:
    answer = probe.port.authorize(PaymentRequest(id_, "kit-order", _TEN))
    _holds(isinstance(answer, PaymentAnswer), f"authorize answered with a {type(answer).__name__}")
    _holds(answer.done and answer.reference, f"10.00 EUR were not authorized: {answer!r}")
    found: PaymentAnswer = answer
    return found


@_rule("gateway", "Authorizing under one id twice gives one answer, with a reference of its own.")
def _authorizes_once(probe: Probe) -> None:
    _holds(_authorized(probe, "kit-a1") == _authorized(probe, "kit-a1"), "the second answer differs")


@_rule("gateway", "Capturing under one id twice gives one answer.")
def _captures_once(probe: Probe) -> None:
    request = PaymentRequest("kit-c1", "kit-order", _TEN, _authorized(probe, "kit-a2").reference)
    first, second = probe.port.capture(request), probe.port.capture(request)
    _holds(isinstance(first, PaymentAnswer) and first.done, f"it was not captured: {first!r}")
    _holds(first == second, f"{first!r} and then {second!r}")


@_rule("gateway", "Money captured under one id twice is taken once.", _seen)
def _takes_once(probe: Probe) -> None:
    request = PaymentRequest("kit-c2", "kit-order", _TEN, _authorized(probe, "kit-a3").reference)
    _once(probe, lambda: probe.port.capture(request))


@_rule("gateway", "Refunding and voiding under one id twice give one answer each.")
def _gives_back_once(probe: Probe) -> None:
    taken = probe.port.capture(PaymentRequest("kit-c3", "kit-order", _TEN, _authorized(probe, "kit-a4").reference))
    refund = PaymentRequest("kit-r1", "kit-order", _TEN, taken.reference)
    void = PaymentRequest("kit-v1", "kit-order", _TEN, _authorized(probe, "kit-a5").reference)
    for verb, request in ((probe.port.refund, refund), (probe.port.void, void)):
        first, second = verb(request), verb(request)
        _holds(isinstance(first, PaymentAnswer) and first == second, f"{first!r} and then {second!r}")


@_rule(
    "gateway",
    "One that declares `multi_capture` captures parts of one authorization.",
    lambda probe: "" if probe.port.abilities.multi_capture else "multi_capture",
)
def _captures_parts(probe: Probe) -> None:
    parent = _authorized(probe, "kit-a6").reference
    for part in (1, 2):
        answer = probe.port.capture(PaymentRequest(f"kit-part-{part}", "kit-order", Money(500, "EUR"), parent))
        _holds(answer.done, f"part {part} was not captured: {answer!r}")


# -- warehouse systems, books, notices, addresses ----------------------------------------------------------------------


@_rule("wms", "A pick list that comes twice is one list.", _seen)
def _one_list(probe: Probe) -> None:
    listed = PickList("kit-list", (PickRow(1, stop=1, bin="A-1", item="SKU-1", units=2, order="kit-f1"),))
    _once(probe, lambda: probe.port.pick(listed))


@_rule("wms", "An older change that comes after a newer one is taken without complaint.")
def _changes(probe: Probe) -> None:
    probe.port.change("kit-f1", {"SKU-1": 1}, 3)
    probe.port.change("kit-f1", {"SKU-1": 2}, 2)


@_rule("wms", "What it tells are WmsMessages, each with an id of its own.", _can(TellsMessages, "messages"))
def _tells(probe: Probe) -> None:
    told: dict[str, WmsMessage] = {}
    for message in (*probe.port.messages(), *probe.port.messages()):
        _holds(isinstance(message, WmsMessage), f"a message is a {type(message).__name__}")
        _holds(told.setdefault(message.id, message) == message, f"two messages are called {message.id!r}")


def _posting() -> Posting:
    lines = (PostingLine("receivable", 1_000), PostingLine("revenue", -1_000))
    return Posting("kit-p1", "invoice", "kit-order", "EUR", lines, _A_DAY)


@_rule("erp", "An intent that comes twice is posted once.", _seen)
def _posts_once(probe: Probe) -> None:
    _once(probe, lambda: probe.port.post(_posting()))


@_rule("notifier", "A notice that comes twice is taken without complaint.")
def _notices(probe: Probe) -> None:
    for _ in range(2):
        probe.port.notify(Effect("kit-1:notify.shipped", "notify.shipped", {"order": "kit-order"}, key="kit-order"))


@_rule("notifier", "A notice that comes twice is passed on once.", _seen)
def _notices_once(probe: Probe) -> None:
    effect = Effect("kit-2:notify.shipped", "notify.shipped", {"order": "kit-order"}, key="kit-order")
    _once(probe, lambda: probe.port.notify(effect))


@_rule("verifier", "What is wrong with an address is told in words, the same ones each time.")
def _in_words(probe: Probe) -> None:
    for address in (Address("BE"), Address("BE", "9000", city="Ghent", lines=("Korenmarkt 1",))):
        first, second = list(probe.port.problems(address)), list(probe.port.problems(address))
        _holds(all(isinstance(text, str) and text for text in first), f"{first!r} are not words")
        _holds(first == second, f"{first!r} and then {second!r}")


@_rule("scorer", "A risk is told as a `Risk`, the same one each time: that an order is asked about again is no sign.")
def _scores(probe: Probe) -> None:
    line = DraftLine("1", "SKU-1", 2, Money(1999, "EUR"))
    for draft in (_DRAFT, evolve(_DRAFT, lines=(line,), ship_to=Address("BE", "9000"))):
        first, second = probe.port.score(draft), probe.port.score(draft)
        _holds(isinstance(first, Risk), f"{first!r} is no Risk")
        _holds(first == second, f"{first!r} and then {second!r}")


# -- packers -----------------------------------------------------------------------------------------------------------

_BOXES = (
    Carton("kit-S", Dimensions(200, 150, 100), weight_max=2_000, tare_grams=50),
    Carton("kit-L", Dimensions(400, 300, 300), weight_max=5_000, tare_grams=200),
)
_GOODS = (
    PackLine("1", Item("kit-mug", weight_grams=300, dimensions=Dimensions(100, 90, 90)), 9),
    PackLine("2", Item("kit-book", weight_grams=900, dimensions=Dimensions(240, 170, 30)), 4),
    PackLine("3", Item("kit-iron", weight_grams=1_900, dimensions=Dimensions(100, 50, 50)), 3),
)
_MISFITS = (
    PackLine("4", Item("kit-sofa", dimensions=Dimensions(2_000, 900, 800))),
    PackLine("5", Item("kit-anvil", weight_grams=90_000, dimensions=Dimensions(200, 100, 100)), 2),
    PackLine("6", Item("kit-unmeasured")),
)


def _packed(probe: Probe, lines: Sequence[PackLine]) -> Packing:
    packing = probe.port(list(lines), list(_BOXES))
    _holds(isinstance(packing, Packing), f"it answered with a {type(packing).__name__}")
    found: Packing = packing
    return found


def _sound(codes: frozenset[str]) -> Callable[[Probe], None]:
    def attempt(probe: Probe) -> None:
        faults = [fault for fault in packing_faults(_packed(probe, _GOODS), _GOODS, _BOXES) if fault.code in codes]
        _holds(not faults, "; ".join(fault.text for fault in faults))

    return attempt


_rule("packer", "Each unit is in one parcel or refused.")(_sound(frozenset({"packing.units"})))
_rule(
    "packer", "Parcels are the cartons given (or one piece in its own box), and none holds more than its carton may."
)(_sound(frozenset({"packing.no_carton", "packing.weight"})))
_rule("packer", "Pieces are no smaller than their items, inside their carton, and no two are in one place.")(
    _sound(frozenset({"packing.size", "packing.sticks_out", "packing.overlap"}))
)


@_rule("packer", "What goes into no carton is refused with a reason, and the rest is packed.")
def _refuses(probe: Probe) -> None:
    packing = _packed(probe, (*_GOODS, *_MISFITS))
    refused = {one.line for one in packing.refused if isinstance(one.reason, Reason) and one.reason.text}
    packed = {line for parcel in packing.parcels for line in parcel.contents}
    _holds({"4", "5", "6"} <= refused, f"lines 4, 5 and 6 fit into no carton; refused with a reason: {sorted(refused)}")
    _holds({"1", "2", "3"} <= packed, f"lines 1, 2 and 3 fit; packed: {sorted(packed)}")


@_rule("packer", "The same lines, in whatever order, make the same parcels.")
def _packs_again(probe: Probe) -> None:
    first, second = _packed(probe, _GOODS), _packed(probe, _GOODS[::-1])
    _holds(first.parcels == second.parcels, "the second packing differs from the first")


__all__ = ["Probe", "PortRule", "PORT_RULES", "attempt_port", "rules_of", "port_table"]
