"""The reasons of a promise: where units come from, what nodes and carriers need, or why there is no date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import evolve

from omscore.errors import DefinitionError, Reason
from omscore.inventory import Supply
from omscore.routing._demand import Demand, Facts, Stock
from omscore.routing._engine import Router
from omscore.routing._network import Network, Node
from omscore.routing._trace import Decision

_BOUNDLESS = 10**12
_CLOSED_NAMED = 5


def of_origin(
    units: Mapping[tuple[str, str], int], incoming: Iterable[Supply], node: str, item: str, n: int
) -> tuple[list[Reason], bool]:
    """Where a node's units come from, and whether any of them have yet to come."""
    there = min(n, max(0, units.get((node, item), 0)))
    told = []
    if there:
        text = f"{there} of {item} {'is' if there == 1 else 'are'} at {node}"
        told.append(Reason("promise.in_stock", text, {"node": node, "item": item, "units": there}))
    rest = n - there
    for line in incoming:
        if rest and (line.node, line.item) == (node, item) and line.outstanding:
            used = min(rest, line.outstanding)
            rest -= used
            text = (
                f"{used} of {item} {'comes' if used == 1 else 'come'} to {node} on {line.due_at:%Y-%m-%d} ({line.id})"
            )
            facts = {"node": node, "item": item, "units": used, "supply": line.id, "due_at": line.due_at.isoformat()}
            told.append(Reason("promise.supply", text, facts))
    return told, there < n


def of_travel(
    network: Network,
    node: Node,
    service_id: str,
    leaves: date | None,
    days: int | None,
    meters: int | None,
    arrives: datetime | None,
) -> Iterator[Reason]:
    """How long a parcel travels from a node, and why that is not known or longer than it seems."""
    name = service_id or "the carrier"
    service = network.service(service_id)
    if service is None:
        known = ", ".join(repr(one.id) for one in network.services)
        text = f"the network has no service {service_id!r}" + (
            f"; it has {known}" if known else "; travel counts no days"
        )
        yield Reason("promise.no_service", text, {"service": service_id})
        return
    if meters is None:
        text = f"the distance from {node.id} is unknown, the farthest one counts"
        yield Reason("promise.no_coordinates", text, {"node": node.id})
    if days is None:
        text = f"{name} does not serve this place from {node.id}"
        yield Reason("promise.not_served", text, {"node": node.id, "distance_m": meters})
        return
    over = "" if meters is None else f" over {meters / 1000:.0f} km"
    text = f"{days} day{'' if days == 1 else 's'} in transit by {name}{over}"
    yield Reason("promise.transit", text, {"node": node.id, "days": days, "distance_m": meters})
    if leaves is not None and arrives is None:
        text = f"{name} has no working day within its calendar's horizon"
        yield Reason("promise.no_calendar", text, {"service": service_id})
    elif leaves is not None and arrives is not None:
        rest = (arrives.date() - timedelta(days=1) - leaves).days - days
        if rest:
            text = f"{name} rests on {rest} day{'' if rest == 1 else 's'} of them"
            yield Reason("promise.carrier_rests", text, {"service": service_id, "days": rest})


def of_node(network: Network, node: Node, start: datetime, leaves: date | None) -> Iterator[Reason]:
    """What a node needs until a parcel leaves it: work, the cut-off, days it is closed, lead days."""
    if leaves is None:
        text = f"{node.id} has no working day within its calendar's horizon"
        yield Reason("promise.no_calendar", text, {"node": node.id})
        return
    calendar = network.calendars.get(node.calendar)
    zone, ready = ZoneInfo(node.timezone), start
    if node.processing_hours:
        work = timedelta(hours=node.processing_hours)
        try:
            ready = start + work if calendar is None else calendar.add_working_time(start, work)
        except DefinitionError:  # closed for good, and yet it leaves: the calendar ends between the two
            ready = start + work
        text = f"{node.processing_hours} h of work at {node.id}: ready {ready.astimezone(zone):%Y-%m-%d %H:%M}"
        yield Reason("promise.processing", text, {"node": node.id, "hours": node.processing_hours})
    local = ready.astimezone(zone)
    today = local.date()
    works_today = calendar is None or calendar.is_working_day(today)
    if node.cutoff and works_today and f"{local:%H:%M:%S.%f}" > f"{node.cutoff}:00.000000":
        text = f"ready at {local:%H:%M}, after the cut-off at {node.cutoff}: it leaves {node.id} on {leaves}"
        yield Reason("promise.cutoff", text, {"node": node.id, "cutoff": node.cutoff, "leaves_on": leaves.isoformat()})
    if calendar is not None:
        ahead = (today + timedelta(days=n) for n in range((leaves - today).days))
        if closed := [day for day in ahead if not calendar.is_working_day(day)]:
            named = ", ".join(str(day) for day in closed[:_CLOSED_NAMED])
            more = "" if len(closed) <= _CLOSED_NAMED else f" and {len(closed) - _CLOSED_NAMED} more days"
            facts = {"node": node.id, "days": [day.isoformat() for day in closed]}
            yield Reason("promise.closed", f"{node.id} is closed on {named}{more}", facts)
    if node.lead_days:
        text = f"{node.id} needs {node.lead_days} days of lead"
        yield Reason("promise.lead", text, {"node": node.id, "days": node.lead_days})


def of_refusal(
    router: Router, demand: Demand, stock: Stock, moment: datetime, facts: Facts, last: Decision
) -> Iterator[Reason]:
    """Why there is no plan, however long one waits: by the last moment, when all supply has come."""
    if not router.network.nodes:
        yield Reason("promise.no_nodes", "the network has no nodes")
        return
    open_ids = [node.id for node in router.network.nodes if node.active and node.id not in demand.excluded]
    short = False
    for item, n in demand.needs:
        most = sum(max(0, stock.available(id_, item)) for id_ in open_ids)
        if most < n:
            short = True
            text = f"{most} of {n} {item} are there or announced"
            yield Reason("promise.no_stock", text, {"item": item, "asked": n, "units": most})
    if short:
        return
    room = dict.fromkeys(open_ids, _BOUNDLESS)
    freely = router.route(
        demand, stock, now=moment, facts=evolve(facts, capacity_left=room, orders_left=room, minutes_left=room)
    )
    if freely.outcome in ("assigned", "review"):
        full = [
            node.id
            for node in router.network.nodes
            if 0 in (node.capacity_units, node.capacity_orders, node.capacity_minutes)
        ]
        text = (
            f"no node can take {demand.units} units on any day; without capacity to spare: {', '.join(full) or 'none'}"
        )
        yield Reason("promise.no_capacity", text, {"nodes": full, "units": demand.units})
        return
    if last.plan is not None:
        now = sum(given.units for given in last.plan.assignments if not given.backordered)
        text = f"rule {last.rule!r} gives {now} of {demand.units} units to nodes and the rest no date"
        yield Reason("promise.only_part", text, {"rule": last.rule, "units": now, "asked": demand.units})
    if last.reason is not None:
        yield Reason("promise.refused", last.reason.text, {"reason": last.reason.code})
    for refused in last.explain().refused:
        yield Reason("promise.node_refused", f"not {refused.node}: {refused.reason.text}", {"node": refused.node})
