"""Ship: what carriers are handed, and the facts they tell."""

from omscore.shipping._rates import Offer, Shopped, shop_rates
from omscore.shipping._shipment import SHIPMENT_STATES, Shipment
from omscore.shipping._tracking import TRACKING_CODES, Tracking, TrackingFact, told_status

__all__ = [
    "SHIPMENT_STATES",
    "Shipment",
    "Offer",
    "Shopped",
    "shop_rates",
    "TRACKING_CODES",
    "TrackingFact",
    "Tracking",
    "told_status",
]
