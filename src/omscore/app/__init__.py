"""The thin service that a host wires once, and its command line."""

from omscore.app._files import Network
from omscore.app._oms import Oms

__all__ = ["Oms", "Network"]
