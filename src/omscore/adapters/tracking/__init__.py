"""Tracking messages of carriers as pure functions: a payload to facts, in one vocabulary for all of them.

One module for each carrier or aggregator, each with one function, `facts`. What cannot be read raises CarrierError
naming the field; what a carrier refuses raises CarrierRejected, and CarrierUnavailable when it asks to try again.
"""

from omscore.adapters.tracking import aftership, amazon, canada_post, dhl, easypost, fedex, shippo, usps

__all__ = ["aftership", "amazon", "canada_post", "dhl", "easypost", "fedex", "shippo", "usps"]
