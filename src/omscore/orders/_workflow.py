"""A host's own states and guards beside the core's: they can stop progress, and nothing else.

A workflow is a table of states that each order goes through on an axis of its own. It moves no units and no money, so
it can break neither their sums nor a payment gate; all it does is to stop verbs while an order is in some state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime

from attrs import field, frozen

from omscore.errors import DefinitionError, Reason
from omscore.kernel import StateTable
from omscore.kernel.given import mapped, of_kind
from omscore.orders._messages import Cancel, Command, Edit, MoveUnits
from omscore.orders._order import Order
from omscore.orders._units import UNIT_MOVES

GUARDED_VERBS = (*(verb for verb, move in UNIT_MOVES.items() if move.gated), "cancel", "edit")
"""What guards and workflows may stop: progress, cancelling and editing. Nothing stops the recording of facts."""

Guard = Callable[[Order, str, Mapping[str, int]], Iterable[Reason]]
"""Says why an order may not do a verb of GUARDED_VERBS with units of its lines now; no reason lets it go on."""


def _any_order(_order: Order) -> bool:
    return True


@frozen
class Workflow:
    """States of a host's own for orders: `stops` names the verbs that wait while an order is in a state.

    Orders for which `applies` says so begin in the table's first state. Raises DefinitionError for a state that is not
    in the table, for a verb that cannot be stopped, and for a state that stops a verb and leads nowhere else: an order
    could never go on.

    >>> table = StateTable("engraving", {"waiting": {"finish": "done"}, "done": {}})
    >>> Workflow("engraving", table, {"waiting": ("pack", "ship")}).reasons("waiting", "pack")[0].text
    'engraving is waiting: finish comes first'
    >>> Workflow("engraving", table, {"done": ("ship",)})
    Traceback (most recent call last):
    omscore.errors.DefinitionError: workflow 'engraving': 'done' stops ship and leads to no state that lets it go on
    """

    name: str
    table: StateTable
    stops: Mapping[str, Collection[str]]
    applies: Callable[[Order], bool] = field(default=_any_order)

    def __attrs_post_init__(self) -> None:
        of_kind(f"table of workflow {self.name!r}", self.table, StateTable, "StateTable('engraving', moves)")
        for state, verbs in mapped("stops", self.stops, "{'waiting': ('pack',)}").items():
            if state not in self.table.moves:
                raise DefinitionError(f"workflow {self.name!r}: {state!r} is none of {', '.join(self.table.states)}")
            for verb in verbs:
                if verb not in GUARDED_VERBS:
                    raise DefinitionError(
                        f"workflow {self.name!r}: {verb!r} cannot be stopped; what can is {', '.join(GUARDED_VERBS)}"
                    )
                if not self._leads_on(state, verb):
                    raise DefinitionError(
                        f"workflow {self.name!r}: {state!r} stops {verb} and leads to no state that lets it go on"
                    )

    def _leads_on(self, state: str, verb: str) -> bool:
        reached, frontier = {state}, [state]
        while frontier:
            at = frontier.pop()
            if verb not in self.stops.get(at, ()):
                return True
            more = set(self.table.moves[at].values()) - reached
            reached |= more
            frontier += sorted(more)
        return False

    def reasons(self, state: str, verb: str) -> tuple[Reason, ...]:
        """Why a verb waits in a state; none when it need not.

        >>> table = StateTable("engraving", {"waiting": {"finish": "done"}, "done": {}})
        >>> Workflow("engraving", table, {"waiting": ("ship",)}).reasons("done", "ship")
        ()
        """
        if verb not in self.stops.get(state, ()):
            return ()
        first = " or ".join(self.table.allowed(state))
        text = f"{self.name} is {state}: {first} comes first"
        return (Reason(f"workflow.{self.name}", text, {"state": state, "verb": verb}),)


@frozen
class InWorkflow:
    """Where an order stands in a workflow, since when.

    >>> InWorkflow("engraving", "ord-1", "waiting").state
    'waiting'
    """

    workflow: str
    order: str
    state: str
    since: datetime | None = None


@frozen
class WorkflowMoved:
    """An order went on in a workflow: an event for the log.

    >>> WorkflowMoved("engraving", "ord-1", "finish", "waiting", "done", None).state
    'done'
    """

    workflow: str
    order: str
    command: str
    before: str
    state: str
    at: datetime


def guarded_verb(command: Command) -> tuple[str, Mapping[str, int]] | None:
    """The verb that guards are asked about, and its units; None for a command that nothing may stop.

    >>> guarded_verb(MoveUnits("pick", {"1": 2})), guarded_verb(MoveUnits("deliver", {"1": 2}))
    (('pick', {'1': 2}), None)
    """
    if isinstance(command, Cancel):
        return "cancel", command.units or {}
    if isinstance(command, Edit):
        return "edit", {}
    if isinstance(command, MoveUnits) and command.verb in GUARDED_VERBS:
        return command.verb, command.units
    return None
