"""Order formats of channels as pure functions: a payload to a draft, a shipment or a stock figure to a payload.

One module for each format (`shopify`, `woocommerce`, `amazon`, `ebay`) with the same four verbs: `orders_in` finds the
orders of a message, `draft` translates one, `fulfillment` and `stock_level` make the messages back. Nothing here talks
to a network.
"""

from omscore.adapters.payloads import amazon, ebay, shopify, woocommerce
from omscore.adapters.payloads._checks import ships_elsewhere
from omscore.adapters.payloads._messages import Shipped

__all__ = ["shopify", "woocommerce", "amazon", "ebay", "Shipped", "ships_elsewhere"]
