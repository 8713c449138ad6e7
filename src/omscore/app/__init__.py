"""The thin service that a host wires once, and its command line."""

from omscore.app._oms import Oms
from omscore.app._records import RECORDS
from omscore.app._route import Routed
from omscore.app._work import Batch

__all__ = ["Oms", "Routed", "Batch", "RECORDS"]
