"""Batch: floors, tours, batches and waves.

A floor is aisles, cells and a depot (`Floor`), or a table of distances (`MatrixFloor`); a tour is the walk past some of
its bins; a batch is what one picker collects in one walk. `plan` splits open orders into batches that keep a cart's
`Limits` and walk little.
"""

from omscore.batching._floor import Bin, Floor, Tour
from omscore.batching._matrix import MatrixFloor
from omscore.batching._orders import Limits, PickLine, PickOrder
from omscore.batching._plan import Batch, BatchPlan, Refused, plan

__all__ = [
    "Bin",
    "Floor",
    "MatrixFloor",
    "Tour",
    "PickLine",
    "PickOrder",
    "Limits",
    "plan",
    "Batch",
    "BatchPlan",
    "Refused",
]
