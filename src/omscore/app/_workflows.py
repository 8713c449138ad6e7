"""Where orders stand in a host's workflows."""

from __future__ import annotations

from omscore.app._work import Work
from omscore.errors import NotFound
from omscore.kernel import stamp
from omscore.kernel.ids import joined
from omscore.orders import InWorkflow, Order, Workflow, WorkflowMoved


def standing(work: Work, order: Order) -> dict[str, str]:
    """The state of an order in each workflow that applies to it."""
    return {flow.name: work.standing(flow, order.id) for flow in work.wiring.workflows if flow.applies(order)}


def actions(work: Work, order: Order) -> tuple[str, ...]:
    """The commands that its workflows take from an order now, as next actions."""
    flows = {flow.name: flow.table for flow in work.wiring.workflows}
    return tuple(
        f"advance:{name}:{command}"
        for name, state in standing(work, order).items()
        for command in flows[name].allowed(state)
    )


def advance(work: Work, order_id: str, name: str, command: str) -> str:
    """Take an order on in a workflow; what waited for that is tried again."""
    order = work.order(order_id)
    flow: Workflow | None = next((flow for flow in work.wiring.workflows if flow.name == name), None)
    if flow is None or not flow.applies(order):
        raise NotFound("workflow", name)
    before = work.standing(flow, order_id)
    state = flow.table.next(before, command, order_id)
    id_ = joined(name, order_id, ":")
    index = {joined(name, state, ":"): stamp(work.now)}
    work.save("workflow", id_, InWorkflow(name, order_id, state, work.now), index)
    moved = WorkflowMoved(name, order_id, command, before, state, work.now)
    work.txn.append("workflow", order_id, [moved], cause=work.cause, actor=work.actor)
    totals = order.totals
    if order.state == "accepted" and not order.holds and totals.open + totals.reserved:
        work.queue(order, due_at=work.now)
    return state
