"""The service's own records and answers."""

from omscore.app._route import Routed
from omscore.app._work import Batch, External, Queued

RECORDS = (External, Queued, Batch, Routed)
"""The types that the service keeps besides the domain's: a store's codec must know them."""
