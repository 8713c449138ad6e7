"""Batch: floors, tours, batches and waves.

A floor is aisles, cells and a depot (`Floor`), or a table of distances (`MatrixFloor`); a tour is the walk past some of
its bins; a batch is what one picker collects in one walk. `plan` splits open orders into batches that keep a cart's
`Limits` and walk little.

`pick_list` prints what one picker takes where; scans turn picking into facts (`decide_scan`, `apply_scans`);
`choose_cartons` packs what was picked.
"""

from omscore.batching._cartons import (
    Carton,
    CartonChooser,
    PackedCarton,
    Packing,
    PackLine,
    Placed,
    RefusedLine,
)
from omscore.batching._codes import Barcodes, check_digit, is_gs1
from omscore.batching._due import DuePlan, Shift, Task, plan_due
from omscore.batching._floor import Bin, Floor, Tour
from omscore.batching._labor import OrderCost, Pace, Report, ReportRow, batch_seconds, order_costs, report
from omscore.batching._matrix import MatrixFloor
from omscore.batching._orders import Limits, PickLine, PickOrder
from omscore.batching._packer import choose_cartons
from omscore.batching._packing_check import packing_faults
from omscore.batching._packing_rules import PACKING_RULES, PackingRule, packing_rules
from omscore.batching._picklist import BinStock, PickList, PickRow, PickShortage, find_bins, pick_list
from omscore.batching._plan import Batch, BatchPlan, Cart, Refused, plan
from omscore.batching._release import release
from omscore.batching._scan import (
    PickEvent,
    Scan,
    Scanned,
    Short,
    ShortPick,
    Tally,
    Verdict,
    apply_scans,
    decide_scan,
    decide_short,
    pack_tally,
)
from omscore.batching._waves import (
    CarrierCutOff,
    Mode,
    Modes,
    Wave,
    ZonePicks,
    by_item,
    by_zone,
    group_lines,
    replan,
    waves,
)

__all__ = [
    "Bin",
    "Floor",
    "MatrixFloor",
    "Tour",
    "PickLine",
    "PickOrder",
    "Limits",
    "Cart",
    "plan",
    "Batch",
    "BatchPlan",
    "Refused",
    # what is released together, and again when orders come in
    "CarrierCutOff",
    "Wave",
    "waves",
    "group_lines",
    "by_zone",
    "ZonePicks",
    "by_item",
    "release",
    "replan",
    "Mode",
    "Modes",
    # against the clock
    "Shift",
    "plan_due",
    "DuePlan",
    "Task",
    # what it is worth
    "Pace",
    "batch_seconds",
    "report",
    "Report",
    "ReportRow",
    "order_costs",
    "OrderCost",
    # what one picker takes where
    "BinStock",
    "find_bins",
    "pick_list",
    "PickList",
    "PickRow",
    "PickShortage",
    # picking as facts
    "Barcodes",
    "check_digit",
    "is_gs1",
    "Scan",
    "Short",
    "Verdict",
    "Scanned",
    "ShortPick",
    "PickEvent",
    "Tally",
    "decide_scan",
    "decide_short",
    "apply_scans",
    "pack_tally",
    # packing
    "PackingRule",
    "PACKING_RULES",
    "packing_rules",
    "Carton",
    "PackLine",
    "choose_cartons",
    "packing_faults",
    "CartonChooser",
    "Packing",
    "PackedCarton",
    "Placed",
    "RefusedLine",
]
