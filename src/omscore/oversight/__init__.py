"""Oversight: what is due, what is late, what needs a person, and how well it goes."""

from omscore.oversight._profile import CAPTURE_METHODS, NOTICES, ChannelProfile

__all__ = ["NOTICES", "CAPTURE_METHODS", "ChannelProfile"]
