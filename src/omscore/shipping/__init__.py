"""Ship: what carriers are handed, and the facts they tell."""

from omscore.shipping._shipment import FINAL_STATUSES, SHIPMENT_STATES, Shipment

__all__ = ["SHIPMENT_STATES", "FINAL_STATUSES", "Shipment"]
