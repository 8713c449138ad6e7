"""The thin service that a host wires once, and its command line."""

from omscore.app._oms import Oms
from omscore.app._route import Routed
from omscore.app._work import Batch, External, Queued

RECORDS = (External, Queued, Batch)
"""The types of the service's own records: what a store's codec must know besides the domain's."""

__all__ = ["Oms", "Routed", "Batch", "RECORDS"]
