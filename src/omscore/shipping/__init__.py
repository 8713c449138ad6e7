"""Ship: what carriers are handed, and the facts they tell."""

from omscore.shipping._choices import Choice, Preference, prefer_nodes, preferences_of
from omscore.shipping._floor_report import FloorReport
from omscore.shipping._labels import (
    MANIFEST_STATES,
    LabelGivenBack,
    LabelMade,
    Manifest,
    Mismatch,
    VoidAnswered,
)
from omscore.shipping._parcel import Parcel, parcels_of
from omscore.shipping._rates import Offer, Shopped, shop_rates
from omscore.shipping._shipment import SHIPMENT_STATES, Shipment
from omscore.shipping._tracking import TRACKING_CODES, Tracking, TrackingFact, told_status

__all__ = [
    "Parcel",
    "parcels_of",
    "SHIPMENT_STATES",
    "Shipment",
    "Offer",
    "Shopped",
    "shop_rates",
    "Choice",
    "Preference",
    "preferences_of",
    "prefer_nodes",
    "LabelMade",
    "LabelGivenBack",
    "VoidAnswered",
    "MANIFEST_STATES",
    "Manifest",
    "Mismatch",
    "FloorReport",
    "TRACKING_CODES",
    "TrackingFact",
    "Tracking",
    "told_status",
]
