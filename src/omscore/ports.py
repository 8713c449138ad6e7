"""The ports: what a host implements, as small Protocols. One contract suite for each stands in omscore.testing.

The store is the only port inside a command: everything else is told after the commit, through effects in its outbox, at
least once, each with an id by which the receiver drops duplicates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar, runtime_checkable

from attrs import field, frozen
from attrs.converters import optional

from omscore.batching import CartonChooser, PickList
from omscore.errors import InvalidValue
from omscore.inventory import LedgerTransaction, Stored
from omscore.kernel import Address, Item, Money, key, quantity, utc
from omscore.payments import Posting
from omscore.shipping import Parcel, TrackingFact

T = TypeVar("T")


@runtime_checkable
class Clock(Protocol):
    """Tells the time, aware and in UTC; a test's ManualClock or the host's own.

    >>> from omscore.kernel import ManualClock
    >>> from datetime import UTC, datetime
    >>> isinstance(ManualClock(datetime(2026, 3, 2, tzinfo=UTC)), Clock)
    True
    """

    def now(self) -> datetime:
        """The time now.

        >>> from omscore.kernel import ManualClock
        >>> from datetime import UTC, datetime
        >>> ManualClock(datetime(2026, 3, 2, tzinfo=UTC)).now().year
        2026
        """
        ...


@runtime_checkable
class IdSource(Protocol):
    """Makes ids, each once: SequenceIds in tests, TimeIds or the host's own in service.

    >>> from omscore.kernel import SequenceIds
    >>> isinstance(SequenceIds(), IdSource)
    True
    """

    def next(self, kind: str) -> str:
        """The next id of a kind.

        >>> from omscore.kernel import SequenceIds
        >>> SequenceIds().next("ord")
        'ord-1'
        """
        ...


@frozen
class Effect:
    """Something to tell the world after the commit: a label, a notice, a stock figure, a posting.

    `id` is made from the command, so that telling it twice is seen by the receiver. `topic` names the port and verb
    ("notify.shipped", "channel.stock", "carrier.label"); `key` is what orders it (effects of one key go in order).

    >>> Effect("ord-1:confirmed", "notify.confirmed", {"order": "ord-1"}, key="ord-1").topic
    'notify.confirmed'
    """

    id: str
    topic: str
    payload: Mapping[str, Any]
    key: str = ""
    due_at: datetime | None = None


@frozen
class Leased:
    """An effect given out for delivery: how often it was tried, and the lease that fences late answers.

    >>> Leased(Effect("e", "notify.x", {}), attempts=0, lease="w1:1").attempts
    0
    """

    effect: Effect
    attempts: int
    lease: str


@frozen
class Logged:
    """One event of the log: which record's, its number there, when it was recorded, who and what caused it.

    >>> Logged("order", "ord-1", 1, None, "web-17", "", "event-value").seq
    1
    """

    kind: str
    id: str
    seq: int
    recorded_at: datetime | None
    cause: str
    actor: str
    event: Any


class Transaction(LedgerTransaction, Protocol):
    """What a command sees of a store: books, keys and records (the ledger's half), events and outbox; all or nothing.

    Reads see the transaction's own writes.

    >>> from omscore.adapters import MemoryStore
    >>> MemoryStore().run(lambda txn: txn.get("order", "ord-1"))
    """

    def append(self, kind: str, id: str, events: Sequence[Any], *, cause: str, actor: str = "") -> None:  # noqa: A002
        """Append events to a record's log.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.append("order", "ord-1", ["captured"], cause="web-17"))
        """
        ...

    def events(self, kind: str, id: str) -> list[Logged]:  # noqa: A002 - the field's word for it
        """A record's events, in order.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.events("order", "ord-1"))
        []
        """
        ...

    def log(self, *, after: int = 0, limit: int = 1_000) -> list[Logged]:
        """All records' events in recorded order, skipping `after`: for folds such as KPIs, never as a live cursor.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.log())
        []
        """
        ...

    def emit(self, effects: Iterable[Effect]) -> None:
        """Put effects into the outbox; an id that is there already is left alone.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.emit([Effect("e1", "notify.x", {})]))
        """
        ...

    def lease(self, worker: str, *, limit: int, seconds: int) -> list[Leased]:
        """Effects that are due and nobody else's, claimed by state for some seconds; the oldest of each key first.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.lease("w1", limit=10, seconds=30))
        []
        """
        ...

    def ack(self, leased: Leased) -> bool:
        """The effect was delivered; False when the lease had run out and somebody else has it.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.ack(Leased(Effect("e", "notify.x", {}), 0, "w1:1")))
        False
        """
        ...

    def retry(self, leased: Leased, *, due_at: datetime, error: str) -> bool:
        """The effect failed and is to be tried again at a time.

        >>> from omscore.adapters import MemoryStore
        >>> from datetime import UTC, datetime
        >>> effect = Leased(Effect("e", "notify.x", {}), 0, "w1:1")
        >>> MemoryStore().run(lambda txn: txn.retry(effect, due_at=datetime(2026, 3, 2, tzinfo=UTC), error="busy"))
        False
        """
        ...

    def park(self, leased: Leased, *, error: str) -> bool:
        """The effect will not be tried again by itself; it stands in the open as parked.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.park(Leased(Effect("e", "notify.x", {}), 0, "w1:1"), error="rejected"))
        False
        """
        ...

    def outbox(self, state: str, *, limit: int = 1_000) -> list[tuple[Effect, int, str]]:
        """(effect, attempts, last error) of the effects in a state: "waiting", "leased", "done" or "parked".

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: txn.outbox("parked"))
        []
        """
        ...


@frozen
class Capabilities:
    """What a store declares it can do; the contract suites test what is declared and list what is not.

    >>> Capabilities(durable=True).multi_process
    False
    """

    durable: bool = False
    multi_process: bool = False
    multi_host: bool = False
    group_commit: bool = False
    lines_max: int = 10_000


@runtime_checkable
class Store(Protocol):
    """Runs a function in a transaction and commits it, or leaves no trace.

    >>> from omscore.adapters import MemoryStore
    >>> isinstance(MemoryStore(), Store)
    True
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this store can do.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().capabilities.durable
        False
        """
        ...

    def run(self, work: Callable[[Transaction], T], *, write: bool = True) -> T:
        """Call `work` with a transaction and commit; an exception rolls everything back and comes through.

        `work` may be called more than once (another writer won a race), so it must do nothing but use the transaction.
        Raises Busy when the store stayed locked, Unknown when the commit's reply was lost.

        >>> from omscore.adapters import MemoryStore
        >>> MemoryStore().run(lambda txn: 42)
        42
        """
        ...


@frozen
class LabelRequest:
    """What a carrier needs to make a label; `id` makes asking twice harmless.

    >>> LabelRequest("shp-1", "ghent", Address("BE"), "standard", (Parcel("p-1", 500),)).service
    'standard'
    """

    id: str
    node: str
    destination: Address | None
    service: str
    parcels: tuple[Parcel, ...]


@frozen
class Label:
    """A carrier's answer: one tracking number for each parcel, and what it costs.

    >>> Label("shp-1", "table", "standard", ("T1",), Money(495, "EUR")).cost
    Money(minor=495, currency='EUR')
    """

    id: str
    carrier: str
    service: str
    tracking: tuple[str, ...]
    cost: Money | None = None


@frozen
class Rate:
    """What a carrier would charge for a service, and in how many days it delivers.

    >>> Rate("table", "standard", Money(495, "EUR"), days=2).days
    2
    """

    carrier: str
    service: str
    cost: Money
    days: int


@runtime_checkable
class Carrier(Protocol):
    """Gives rates and makes labels. What else it can do it declares by its methods: see `VoidsLabels`,
    `ListsPickups` and `TellsTracking`.

    >>> from omscore.adapters import TableCarrier
    >>> isinstance(TableCarrier.flat("post", cost_minor=495, currency="EUR"), Carrier)
    True
    """

    @property
    def name(self) -> str:
        """The carrier's name, unique in a host.

        >>> from omscore.adapters import TableCarrier
        >>> TableCarrier.flat("post", cost_minor=495, currency="EUR").name
        'post'
        """
        ...

    def rates(self, request: LabelRequest) -> Sequence[Rate]:
        """What each service would cost; none when it does not go there.

        >>> from omscore.adapters import TableCarrier
        >>> carrier = TableCarrier.flat("post", cost_minor=495, currency="EUR")
        >>> [r.cost.minor for r in carrier.rates(LabelRequest("s", "x", Address("BE"), "standard", (Parcel("p", 1),)))]
        [495]
        """
        ...

    def label(self, request: LabelRequest) -> Label:
        """Make a label, the same one for the same request id.

        Raises CarrierRejected (final) or CarrierUnavailable (try again).

        >>> from omscore.adapters import TableCarrier
        >>> carrier = TableCarrier.flat("post", cost_minor=495, currency="EUR")
        >>> carrier.label(LabelRequest("s-1", "x", Address("BE"), "standard", (Parcel("p", 1),))).tracking
        ('post-s-1-1',)
        """
        ...


@frozen
class VoidRequest:
    """Which label is given back: `id` makes asking twice harmless, `label` is the id under which it was made.

    >>> VoidRequest("shp-1:void", "shp-1", ("T1",)).label
    'shp-1'
    """

    id: str
    label: str
    tracking: tuple[str, ...]


@frozen
class Voided:
    """What a carrier says of a label that is given back: taken, or not and why (it was scanned already).

    >>> Voided(False, "scanned at the depot").done
    False
    """

    done: bool
    text: str = ""


@runtime_checkable
class VoidsLabels(Protocol):
    """A carrier that takes labels back has this method too; one that lacks it is never asked.

    >>> from omscore.adapters import TableCarrier
    >>> isinstance(TableCarrier.flat("post", cost_minor=495, currency="EUR"), VoidsLabels)
    True
    """

    def void(self, request: VoidRequest) -> Voided:
        """Take a label back, the same answer for the same request id; a refusal is an answer.

        Raising CarrierUnavailable, or anything, has it asked again later.

        >>> from omscore.adapters import TableCarrier
        >>> TableCarrier.flat("post", cost_minor=495, currency="EUR").void(VoidRequest("v", "s-1", ("post-s-1-1",)))
        Voided(done=True, text='')
        """
        ...


@frozen
class ManifestRequest:
    """Which labels a pickup covers; `id` makes asking twice harmless.

    >>> ManifestRequest("ghent-post-m1", "ghent", ("T1", "T2")).node
    'ghent'
    """

    id: str
    node: str
    tracking: tuple[str, ...]


@frozen
class ManifestAnswer:
    """A carrier's own name for a manifest, to be printed or scanned at the handover.

    >>> ManifestAnswer("ghent-post-m1", "SF-4711").reference
    'SF-4711'
    """

    id: str
    reference: str


@runtime_checkable
class ListsPickups(Protocol):
    """A carrier that wants a manifest of what it picks up has this method too; one that lacks it is never asked.

    >>> from omscore.adapters import TableCarrier
    >>> isinstance(TableCarrier.flat("post", cost_minor=495, currency="EUR"), ListsPickups)
    True
    """

    def manifest(self, request: ManifestRequest) -> ManifestAnswer:
        """Close a manifest, the same one for the same request id.

        Raises CarrierRejected (final: its labels may go on another one) or CarrierUnavailable (try again).

        >>> from omscore.adapters import TableCarrier
        >>> post = TableCarrier.flat("post", cost_minor=495, currency="EUR")
        >>> post.manifest(ManifestRequest("ghent-post-m1", "ghent", ("post-s-1-1",))).reference
        'post-ghent-post-m1'
        """
        ...


@runtime_checkable
class TellsTracking(Protocol):
    """A carrier that can be asked where parcels are has this method too; others send messages of their own.

    >>> from omscore.adapters import TableCarrier
    >>> isinstance(TableCarrier.flat("post", cost_minor=495, currency="EUR"), TellsTracking)
    False
    """

    def track(self, tracking: Sequence[str]) -> Sequence[TrackingFact]:
        """All that is known of tracking numbers, in any order; the same facts may be told again.

        >>> class Seer:
        ...     def track(self, tracking: Sequence[str]) -> Sequence[TrackingFact]:
        ...         return [TrackingFact(number, "in_transit") for number in tracking]
        >>> Seer().track(["T1"])[0].code
        'in_transit'
        """
        ...


@runtime_checkable
class Channel(Protocol):
    """Where orders come from: turns its payloads into drafts, and is told what became of them.

    >>> from omscore.adapters import JsonChannel
    >>> isinstance(JsonChannel("web"), Channel)
    True
    """

    @property
    def name(self) -> str:
        """The channel's name, unique in a host.

        >>> from omscore.adapters import JsonChannel
        >>> JsonChannel("web").name
        'web'
        """
        ...

    def draft(self, payload: Any) -> Any:
        """A Draft from a payload; raises ChannelError naming the field that is missing or wrong.

        >>> from omscore.adapters import JsonChannel
        >>> JsonChannel("web").draft({})
        Traceback (most recent call last):
        omscore.errors.ChannelError: web: field 'external_id' is missing; ...
        """
        ...

    def tell(self, effect: Effect) -> None:
        """Take a message: a stock figure, a shipment, a cancellation; the receiver drops duplicates by effect id.

        >>> from omscore.adapters import JsonChannel
        >>> JsonChannel("web").tell(Effect("e1", "channel.shipped", {}))
        """
        ...


@runtime_checkable
class Notifier(Protocol):
    """Tells a customer or a team; templates and addresses are the host's.

    >>> class Quiet:
    ...     def notify(self, effect: Effect) -> None: ...
    >>> isinstance(Quiet(), Notifier)
    True
    """

    def notify(self, effect: Effect) -> None:
        """Deliver a notice; raise to have it tried again.

        >>> class Quiet:
        ...     def notify(self, effect: Effect) -> None: ...
        >>> Quiet().notify(Effect("e", "notify.confirmed", {}))
        """
        ...


@runtime_checkable
class Catalog(Protocol):
    """Knows items by SKU.

    >>> from omscore.kernel import Item
    >>> {"SKU-1": Item("SKU-1")}.get("SKU-1").sku
    'SKU-1'
    """

    def get(self, sku: str, /) -> Item | None:
        """An item, or None when nobody sells it; a dict of items is a catalog.

        >>> {"SKU-1": Item("SKU-1")}.get("SKU-2")
        """
        ...


@frozen
class GatewayAbilities:
    """What a payment gateway can do beyond one authorization and one capture of it.

    >>> GatewayAbilities(multi_capture=True).partial_void
    False
    """

    multi_capture: bool = False
    partial_void: bool = False
    renews: bool = False


@frozen
class PaymentRequest:
    """What a gateway is asked; `id` makes asking twice harmless.

    `parent` is the gateway's own name of what this is about: the authorization that is captured or voided, the capture
    that is refunded.

    >>> PaymentRequest("ord-1-a1", "ord-1", Money(500, "EUR")).parent
    ''
    """

    id: str
    order: str
    amount: Money
    parent: str = ""


@frozen
class PaymentAnswer:
    """What a gateway says: done or declined, its own name for it, and how long an authorization stands.

    Raises InvalidValue for what is no answer: neither yes nor no, or a time without a zone.

    >>> PaymentAnswer(True, "ch_1").done
    True
    """

    done: bool
    reference: str = ""
    expires_at: datetime | None = field(default=None, converter=optional(utc))
    text: str = ""

    def __attrs_post_init__(self) -> None:
        if type(self.done) is not bool:
            raise InvalidValue(f"a payment is done or it is not: True or False, not {self.done!r}")
        for name in ("reference", "text"):
            if not isinstance(getattr(self, name), str):
                raise InvalidValue(f"a payment's {name} is text, not {type(getattr(self, name)).__name__}")


@runtime_checkable
class PaymentGateway(Protocol):
    """Takes and gives back money. A refusal is an answer; raising means that it is to be asked again later.

    >>> from omscore.adapters import TableCarrier
    >>> isinstance(TableCarrier.flat("post", cost_minor=495, currency="EUR"), PaymentGateway)
    False
    """

    @property
    def abilities(self) -> GatewayAbilities:
        """What it can do.

        >>> GatewayAbilities()
        GatewayAbilities(multi_capture=False, partial_void=False, renews=False)
        """
        ...

    def authorize(self, request: PaymentRequest) -> PaymentAnswer:
        """Have the bank promise an amount; the same answer for the same request id.

        >>> class Yes:
        ...     def authorize(self, request: PaymentRequest) -> PaymentAnswer:
        ...         return PaymentAnswer(True, f"auth:{request.id}")
        >>> Yes().authorize(PaymentRequest("a1", "ord-1", Money(500, "EUR"))).reference
        'auth:a1'
        """
        ...

    def capture(self, request: PaymentRequest) -> PaymentAnswer:
        """Take an amount that was promised.

        >>> class No:
        ...     def capture(self, request: PaymentRequest) -> PaymentAnswer:
        ...         return PaymentAnswer(False, text="expired")
        >>> No().capture(PaymentRequest("c1", "ord-1", Money(500, "EUR"), "auth:a1")).text
        'expired'
        """
        ...

    def void(self, request: PaymentRequest) -> PaymentAnswer:
        """Let go of an amount that was promised and not taken.

        >>> class Yes:
        ...     def void(self, request: PaymentRequest) -> PaymentAnswer:
        ...         return PaymentAnswer(True)
        >>> Yes().void(PaymentRequest("v1", "ord-1", Money(500, "EUR"), "auth:a1")).done
        True
        """
        ...

    def refund(self, request: PaymentRequest) -> PaymentAnswer:
        """Give an amount back that was taken.

        >>> class Yes:
        ...     def refund(self, request: PaymentRequest) -> PaymentAnswer:
        ...         return PaymentAnswer(True)
        >>> Yes().refund(PaymentRequest("r1", "ord-1", Money(500, "EUR"), "auth:a1")).done
        True
        """
        ...


@runtime_checkable
class Erp(Protocol):
    """Takes posting intents into the books.

    >>> class Books:
    ...     def post(self, posting: Posting) -> None: ...
    >>> isinstance(Books(), Erp)
    True
    """

    def post(self, posting: Posting) -> None:
        """Post an intent once by its id; raise to have it tried again.

        >>> class Books(dict):
        ...     def post(self, posting: Posting) -> None:
        ...         self.setdefault(posting.id, posting)
        >>> Books().post(Posting("p-1", "invoice", "ord-1", "EUR", (), None))
        """
        ...


@runtime_checkable
class AddressVerifier(Protocol):
    """Says what is wrong with an address, as a postal service or a paid directory knows it.

    >>> class Postman:
    ...     def problems(self, address: Address) -> Sequence[str]:
    ...         return ["no such street"] if not address.city else []
    >>> isinstance(Postman(), AddressVerifier)
    True
    """

    def problems(self, address: Address) -> Sequence[str]:
        """What is wrong, in words; nothing when the address can be delivered to.

        It is asked outside of transactions, before capture; raising means that nobody could say.

        >>> class Postman:
        ...     def problems(self, address: Address) -> Sequence[str]:
        ...         return []
        >>> Postman().problems(Address("BE"))
        []
        """
        ...


WMS_KINDS = ("picked", "packed", "shipped", "short", "counted")
"""What a warehouse system tells: units taken, packed, handed over, not found, and how many lie there."""


@frozen
class WmsRow:
    """Units of an item in a message of a warehouse system, and the bin where that matters.

    >>> WmsRow("MUG", 2).bin
    ''
    """

    item: str
    units: int
    bin: str = ""


def _rows(rows: Iterable[WmsRow]) -> tuple[WmsRow, ...]:
    return tuple(rows)


def _parcels(parcels: Iterable[Parcel]) -> tuple[Parcel, ...]:
    return tuple(parcels)


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(texts)


def _maybe_utc(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value, "at")


@frozen
class WmsMessage:
    """What a warehouse system tells of a fulfillment, or of its shelves ("counted"); known by its id, counted once.

    Units are those of this message alone; several messages add up. What was shipped was packed, what was packed was
    picked: a system that only tells of the last step has said enough. A count is of all units of an item that lie on
    the node's shelves, rows of several bins summed. Raises InvalidValue naming the field that is wrong.

    >>> WmsMessage("m-1", "picked", "ghent", "ord-1-f1", [WmsRow("MUG", 2)]).kind
    'picked'
    >>> WmsMessage("m-1", "picked", "ghent", "ord-1-f1", [WmsRow("MUG", 0)])
    Traceback (most recent call last):
    omscore.errors.InvalidValue: message 'm-1': units of 'MUG' must be between 1 and 9223372036854775807, not 0
    """

    id: str
    kind: str
    node: str
    fulfillment: str = ""
    rows: tuple[WmsRow, ...] = field(default=(), converter=_rows)
    parcels: tuple[Parcel, ...] = field(default=(), converter=_parcels)
    tracking: tuple[str, ...] = field(default=(), converter=_texts)
    carrier: str = ""
    at: datetime | None = field(default=None, converter=_maybe_utc)

    def __attrs_post_init__(self) -> None:
        key(self.id, "message id")
        key(self.node, f"message {self.id!r}: node")
        if self.kind not in WMS_KINDS:
            raise InvalidValue(f"message {self.id!r}: kind must be one of {', '.join(WMS_KINDS)}, not {self.kind!r}")
        if self.kind != "counted":
            key(self.fulfillment, f"message {self.id!r}: fulfillment")
        for row in self.rows:
            key(row.item, f"message {self.id!r}: item")
            least = 0 if self.kind == "counted" else 1
            quantity(row.units, f"message {self.id!r}: units of {row.item!r}", at_least=least)


@runtime_checkable
class Wms(Protocol):
    """A warehouse system: takes pick lists with their bins, and is told when less of one is asked for.

    What it tells comes back through `Oms.take`, or `Oms.fetch_messages` where it has a method for that too
    (`TellsMessages`).

    >>> from omscore.adapters import MemoryWms
    >>> isinstance(MemoryWms(), Wms)
    True
    """

    def pick(self, pick_list: PickList) -> None:
        """Take a pick list, once for its id; an order of a row is a fulfillment. Raise to have it sent again later.

        >>> from omscore.adapters import MemoryWms
        >>> MemoryWms().pick(PickList("ghent-w1-b1", ()))
        """
        ...

    def change(self, fulfillment: str, units: Mapping[str, int], version: int) -> None:
        """Take what is still asked of a fulfillment, by item; nothing means that it is withdrawn.

        Of two changes the one with the higher version stands, whichever comes first.

        >>> from omscore.adapters import MemoryWms
        >>> MemoryWms().change("ord-1-f1", {"MUG": 1}, 3)
        """
        ...


@runtime_checkable
class TellsMessages(Protocol):
    """A warehouse system that can be asked what it has to tell has this method too.

    >>> from omscore.adapters import MemoryWms
    >>> isinstance(MemoryWms(), TellsMessages)
    True
    """

    def messages(self) -> Sequence[WmsMessage]:
        """What it has to tell, in any order; a message may be told again.

        >>> from omscore.adapters import MemoryWms
        >>> MemoryWms().messages()
        []
        """
        ...


class Observer(Protocol):
    """Is told what the service does, with durations, so that a host can bind its own logs or traces.

    >>> class Lines:
    ...     def saw(self, what: str, facts: Mapping[str, Any]) -> None:
    ...         print(what, sorted(facts))
    >>> Lines().saw("routed", {"order": "ord-1", "seconds": 0.001})
    routed ['order', 'seconds']
    """

    def saw(self, what: str, facts: Mapping[str, Any]) -> None:
        """Something happened; facts never carry names or addresses.

        >>> class Quiet:
        ...     def saw(self, what: str, facts: Mapping[str, Any]) -> None: ...
        >>> Quiet().saw("captured", {"order": "ord-1"})
        """
        ...


__all__ = [
    "CartonChooser",
    "Clock",
    "IdSource",
    "Stored",
    "Effect",
    "Leased",
    "Logged",
    "Transaction",
    "Capabilities",
    "Store",
    "Parcel",
    "LabelRequest",
    "Label",
    "Rate",
    "Carrier",
    "VoidRequest",
    "Voided",
    "VoidsLabels",
    "ManifestRequest",
    "ManifestAnswer",
    "ListsPickups",
    "TellsTracking",
    "Channel",
    "Notifier",
    "Catalog",
    "GatewayAbilities",
    "PaymentRequest",
    "PaymentAnswer",
    "PaymentGateway",
    "Erp",
    "AddressVerifier",
    "WMS_KINDS",
    "WmsRow",
    "WmsMessage",
    "Wms",
    "TellsMessages",
    "Observer",
]
