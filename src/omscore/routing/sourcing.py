"""The search beneath routing, in plain whole numbers: one order's cheapest plan, and a backlog over scarce stock.

`Sourcing` asks and `cheapest_plan` answers for one order, with a proof or a true bound. `Backlog` asks and
`JointPlanner` answers for many orders at once; a `Planner` of your own answers through `settle`. Money is in minor
units, nodes, lines and items are indexes.
"""

from omscore.routing._backlog import JointPlanner, Planner, one_by_one, pressing, settle
from omscore.routing._backlog_values import Backlog, BacklogOrder, BacklogPlan, Displaced
from omscore.routing._search import cheapest_plan, runner_up
from omscore.routing._search_values import Sourced, Sourcing, Tariff

__all__ = [
    # one order
    "Sourcing", "Tariff", "Sourced", "cheapest_plan", "runner_up",
    # a backlog
    "BacklogOrder", "Backlog", "pressing", "Planner", "JointPlanner", "one_by_one", "settle",
    "BacklogPlan", "Displaced",
]  # fmt: skip
