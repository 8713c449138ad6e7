"""Ship: what carriers are handed, and the facts they tell."""

from omscore.shipping._shipment import FINAL_STATUSES, SHIPMENT_STATES, Shipment
from omscore.shipping._tracking import TRACKING_CODES, Tracking, TrackingFact

__all__ = ["SHIPMENT_STATES", "FINAL_STATUSES", "Shipment", "TRACKING_CODES", "TrackingFact", "Tracking"]
