"""The ports: what a host implements, as small Protocols. One contract suite for each stands in omscore.testing.

The store is the only port inside a command: everything else is told after the commit, through effects in its outbox, at
least once, each with an id by which the receiver drops duplicates.
"""

from omscore.batching import CartonChooser
from omscore.inventory import Stored
from omscore.ports._basics import Clock, IdSource, Observer
from omscore.ports._carrier import (
    Carrier,
    Label,
    LabelRequest,
    ListsPickups,
    ManifestAnswer,
    ManifestRequest,
    Rate,
    TellsTracking,
    Voided,
    VoidRequest,
    VoidsLabels,
)
from omscore.ports._channel import Channel, Notifier
from omscore.ports._checks import AddressVerifier, Catalog, FraudScorer
from omscore.ports._effects import Effect, Leased, Logged
from omscore.ports._money import Erp, GatewayAbilities, PaymentAnswer, PaymentGateway, PaymentRequest
from omscore.ports._store import Capabilities, Store, Transaction
from omscore.ports._warehouse import WMS_KINDS, TellsMessages, Wms, WmsMessage, WmsRow
from omscore.shipping import Parcel

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
    "FraudScorer",
    "WMS_KINDS",
    "WmsRow",
    "WmsMessage",
    "Wms",
    "TellsMessages",
    "Observer",
]
