"""Batches and pick lists, scans, short picks and packing: the part of the service that the floor uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from time import monotonic
from typing import Any

from attrs import astuple

from omscore.app import _floor, _floor_lists, _floor_plans, _surge
from omscore.app._floor_tally import Table, tally
from omscore.app._given import pairs, pairs_or_all
from omscore.app._reads import Reads
from omscore.app._work import Work
from omscore.batching import (
    BatchPlan,
    CarrierCutOff,
    Cart,
    DuePlan,
    Limits,
    Mode,
    Modes,
    PickList,
    PickOrder,
    Scan,
    Scanned,
    Shift,
    Short,
    ShortPick,
    Tally,
)
from omscore.errors import DefinitionError, InvalidValue
from omscore.kernel import quantity
from omscore.kernel.given import flags, listed, names, of_kind, shown
from omscore.orders import Fulfillment, Order

PLAN_OPTIONS = frozenset({"method", "rule", "seed", "objective", "steps_max", "seconds_max", "elapsed"})
DUE_OPTIONS = frozenset({"rule", "seed", "steps_max"})
"""What may be said of how a plan is made, of one against the clock the second."""


class Picking(Reads):
    """The part of the service that picks and packs."""

    def plan_batches(
        self,
        node: str,
        limits: Limits | Sequence[Cart] | Mode | Modes,
        *,
        cutoffs: Iterable[CarrierCutOff] | None = None,
        zones: Iterable[str] = (),
        same_item_min: int | None = None,
        replan: bool = False,
        started: Collection[str] = (),
        totes: Sequence[str] = (),
        fulfillments_max: int = 1_000,
        **options: Any,
    ) -> BatchPlan:
        """Plan a node's open fulfillments into batches and keep them, each with its pick list.

        `limits` are those of one kind of cart, several `Cart`, a `Mode`, or the `Modes` of normal days and surges, of
        which the one is taken that `surge` asks for. `cutoffs`, `zones` and `same_item_min` are those of
        `omscore.batching.release`, `options` those of `plan` (method, rule, seed, objective, and the budget:
        `steps_max`, or `seconds_max` by the machine's clock). Of the cut-offs only those to come count, with the room
        that earlier plans left in them. The lane of a fulfillment is its service, its priority the channel's, its
        region what `Oms(region=...)` says.

        With `replan`, batches that nobody has begun are taken apart first and planned anew with what came in since; a
        batch is left alone once something on it was scanned or picked, or where `started` names it. With `totes` named,
        a cart carries no more than these.

        Nobody waits for a search: what is open is read, planned outside of every transaction, and kept in one that
        leaves out what has changed since (cancelled, picked, on another list).

        A fulfillment that fits no cart, makes no cut-off, whose item has no bin, or that changed while it was planned
        (`batching.changed`), is listed in the plan's `refused` and is looked at again the next time. Raises NotFound
        for an unknown node.

        >>> from omscore.testing.walkthrough import up_to
        >>> from omscore.batching import Limits
        >>> at = up_to("allocated")
        >>> [batch.orders for batch in at.shop.plan_batches("ghent", Limits(orders_max=8)).batches]
        [('ord-1-f1',)]
        """
        self._wiring.check_node(node)
        quantity(fulfillments_max, "fulfillments_max", at_least=0)
        totes, started = names("totes", totes, "T1"), names("started", started, "ghent-w1-b1")
        zones = (zones,) if isinstance(zones, str) else names("zones", zones, "cold")
        if same_item_min is not None:
            quantity(same_item_min, "same_item_min")
        _known(options, PLAN_OPTIONS)
        if isinstance(limits, Modes):
            limits = limits.when(surging=self._read(_surge.state).on)
        limits = _floor_plans.within(limits, totes)
        times = None if cutoffs is None else listed("cutoffs", cutoffs, CarrierCutOff, "CarrierCutOff(...)")
        waiting = self._read(
            lambda work: _floor_plans.to_plan(
                work, node, fulfillments_max, replan=replan, started=started, cutoffs=times
            )
        )
        if options.get("seconds_max") is not None:
            begin = monotonic()
            options.setdefault("elapsed", lambda: monotonic() - begin)
        proposed = _floor_plans.planned(waiting, limits, zones=zones, same_item_min=same_item_min, **options)
        made: BatchPlan = self._store.run(
            lambda txn: _floor_plans.keep(
                Work(txn, self._wiring, f"batch:{node}"), waiting, proposed, limits, started=started, totes=totes
            )
        )
        self._saw("batched", node=node, batches=len(made.batches))
        return made

    def pick_orders(self, node: str, *, fulfillments_max: int = 1_000) -> list[PickOrder]:
        """What waits to be batched at a node, as the planner reads it: for a report, a trial, or a planner of your own.

        Raises NotFound for an unknown node.

        >>> from omscore.testing.walkthrough import up_to
        >>> [(order.id, order.units, order.region) for order in up_to("allocated").shop.pick_orders("ghent")]
        [('ord-1-f1', 2, 'BE')]
        """
        self._wiring.check_node(node)
        quantity(fulfillments_max, "fulfillments_max", at_least=0)
        return list(self._read(lambda work: _floor_plans.to_plan(work, node, fulfillments_max)).orders)

    def plan_due(
        self,
        node: str,
        limits: Limits,
        shift: Shift,
        *,
        replan: bool = False,
        started: Collection[str] = (),
        totes: Sequence[str] = (),
        fulfillments_max: int = 1_000,
        **options: Any,
    ) -> DuePlan:
        """The same against the clock: which picker of the shift does which batch when, late as little as can be.

        `options` are those of `omscore.batching.plan_due` (rule, seed, steps_max); an order's priority weighs how late
        it is. The batches are kept as those of `plan_batches` are.

        >>> from omscore.batching import Limits, Shift
        >>> from omscore.testing.walkthrough import MONDAY, up_to
        >>> made = up_to("allocated").shop.plan_due("ghent", Limits(orders_max=8), Shift(MONDAY, pickers=2))
        >>> made.tasks[0].batch, made.tasks[0].finish.strftime("%H:%M:%S"), made.late_s
        ('ghent-w1-b1', '09:03:30', {})
        """
        self._wiring.check_node(node)
        quantity(fulfillments_max, "fulfillments_max", at_least=0)
        totes, started = names("totes", totes, "T1"), names("started", started, "ghent-w1-b1")
        _known(options, DUE_OPTIONS)
        of_kind("shift", shift, Shift, "Shift(begin, pickers=2)")
        waiting = self._read(
            lambda work: _floor_plans.to_plan(work, node, fulfillments_max, replan=replan, started=started)
        )
        if not isinstance(limits, Limits):
            raise DefinitionError(f"a shift is planned with the Limits of one kind of cart, not with {shown(limits)}")
        limits = _floor_plans.within_totes(limits, totes)
        proposed = _floor_plans.planned_by_due(waiting, limits, shift, **options)
        made: DuePlan = self._store.run(
            lambda txn: _floor_plans.keep_by_due(
                Work(txn, self._wiring, f"batch:{node}"), waiting, proposed, limits, started=started, totes=totes
            )
        )
        self._saw("batched", node=node, batches=len(made.plan.batches))
        return made

    def pick_list(self, batch_id: str) -> PickList:
        """What one picker takes where: the list of a batch, or of one fulfillment at once, without a batch run.

        A fulfillment that is in no batch yet is made one of its own by this; asked again, its list is the same, without
        units that were cancelled, or picked without a scan, since. Raises
        NotFound, and CommandRefused for a fulfillment that cannot be planned or has nothing left to pick.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> print(at.shop.pick_list("ord-1-f1"))
        pick list ghent-w1-b1: 1 row, 1 stop, 2 units, walk 0 m
        <BLANKLINE>
        stop  bin       item   units  tote  order
        ----  --------  -----  -----  ----  --------
           1  anywhere  SKU-1      2  T1    ord-1-f1
        """
        known = self._read(lambda work: _floor_lists.known_list(work, batch_id))
        return known or self._store.run(
            lambda txn: _floor_lists.pick_list(Work(txn, self._wiring, f"list:{batch_id}"), batch_id)
        )

    def pick_page(self, batch_id: str) -> str:
        """The pick list as a whole HTML document to print, with the walk drawn where the node's floor is known.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("allocated").shop.pick_page("ord-1-f1").startswith("<!doctype html>")
        True
        """
        listed = self.pick_list(batch_id)
        return listed.to_html(self._read(lambda work: _floor_lists.drawing(work, listed)))

    def scan(self, batch_id: str, scan: Scan, *, at: str = "pick") -> tuple[Scanned, ...]:
        """Judge a scan against a pick list and write its verdict down; units that are right are picked with it.

        `at` is "pick" at the bins, or "pack" at the packing table, where each tote must hold what was picked into it.
        The scan's own key makes a repeat harmless: it gets the first verdict and counts nothing. Two who scan the same
        row at once are judged one after the other: no unit is lost and none is taken twice. Codes are those of
        `Oms(barcodes=...)`; without it, the SKUs and GTINs of the items on the list.

        Raises NotFound for no such list or row, KeyReused for another scan under the key, and CommandRefused where the
        order is held.

        >>> from omscore.batching import Scan
        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> batch = at.shop.pick_list("ord-1-f1").id
        >>> [at.shop.scan(batch, Scan(key, "SKU-1"))[0].verdict for key in ("s-1", "s-2", "s-2", "s-3")]
        ['right', 'right', 'right', 'too_many']
        >>> at.shop.order("ord-1")
        <Order ord-1 accepted: picked 2>
        """
        where = _table(at)
        of_kind("scan", scan, Scan, "Scan('s-1', 'SKU-1')")
        content = (batch_id, astuple(scan), where)
        events: tuple[Scanned, ...] = self._command(
            "scan", scan.key, content, lambda work: _floor_lists.scan(work, batch_id, scan, where)
        )
        return events

    def short_row(self, batch_id: str, short: Short, *, backorder: bool = True) -> tuple[ShortPick, ...]:
        """Close a row of a pick list with what was found; for the rest everything of `short_pick` is done with it.

        The node is not left out when the rest is routed again where another of its bins is known to hold the item.

        >>> from omscore.batching import Scan, Short
        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated", stock=2)
        >>> batch = at.shop.pick_list("ord-1-f1").id
        >>> _ = at.shop.scan(batch, Scan("s-1", "SKU-1"))
        >>> at.shop.short_row(batch, Short("s-2", row=1, why="bin is empty"))[0].missing, at.shop.order("ord-1")
        (1, <Order ord-1 accepted: backordered 1, picked 1>)
        """
        of_kind("short", short, Short, "Short('s-2', row=1)")
        flags(backorder=backorder)
        content = (batch_id, astuple(short), backorder)
        events: tuple[ShortPick, ...] = self._command(
            "short_row",
            short.key,
            content,
            lambda work: _floor_lists.short_row(work, batch_id, short, backorder=backorder),
        )
        return events

    def tally(self, batch_id: str, *, at: str = "pick") -> Tally:
        """Where the work on a pick list stands: what is counted, open and missing, at the bins or at the packing table.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> at.shop.tally(at.shop.pick_list("ord-1-f1").id).open(1)
        2
        """
        where = _table(at)
        found: Tally = self._read(lambda work: tally(work, batch_id, where))
        return found

    def pick(self, fulfillment_id: str, units: Mapping[str, int] | None = None, *, key: str) -> Fulfillment:
        """Record units as picked without a scan: all that are left unless units of lines are named.

        Raises CommandRefused for more than are left (`pick.too_many`), and when none are (`pick.nothing_left`).

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> at.shop.pick(at.fulfillment.id, {"1": 1}, key="pick-1").lines[0].picked
        1
        """
        content = (fulfillment_id, pairs_or_all(units))
        self._command("pick", key, content, lambda work: _floor.pick(work, fulfillment_id, units))
        return self.fulfillment(fulfillment_id)

    def short_pick(self, fulfillment_id: str, units: Mapping[str, int], *, backorder: bool = True, key: str) -> Order:
        """Record units as not found, in one step: the ledger is mended, the rest goes on, and the customer is told.

        The rest is reserved wherever it is free and routed again without this node. What no node has is backordered;
        or, with `backorder=False`, cancelled, and the money for it let go or given back. The notice "short" says what
        was missing and what became of it, where the channel's profile has it.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated", stock=2)
        >>> at.shop.short_pick(at.fulfillment.id, {"1": 1}, key="short-1")
        <Order ord-1 accepted: backordered 1, allocated 1>
        """
        flags(backorder=backorder)
        content: tuple[object, ...] = (fulfillment_id, pairs(units))
        found = self._command(
            "short_pick",
            key,
            content if backorder else (*content, backorder),
            lambda work: _floor.short_pick(work, fulfillment_id, units, backorder=backorder),
        )
        return self.order(found)

    def pack(self, fulfillment_id: str, *, key: str) -> Fulfillment:
        """Record a fulfillment as packed; without scans, what was not picked yet counts as picked now.

        Once something of it was scanned, all of it must be: raises CommandRefused while units are neither picked nor
        reported short (`pack.not_picked`), or while a tote of it was begun to be verified and is not through
        (`pack.not_verified`).

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("picked")
        >>> at.shop.pack(at.fulfillment.id, key="pack-1").state
        'packed'
        """
        self._command("pack", key, (fulfillment_id,), lambda work: _floor.pack(work, fulfillment_id))
        return self.fulfillment(fulfillment_id)


def _known(options: Mapping[str, Any], names_: Collection[str]) -> None:
    # Asked here, since a node whose floor nobody described has no use for them, and would let a typing error pass.
    if unknown := sorted(options.keys() - names_):
        raise InvalidValue(f"a plan has no option {', '.join(unknown)}; the options are {', '.join(sorted(names_))}")


def _table(at: str) -> Table:
    if at == "pick":
        return "pick"
    if at == "pack":
        return "pack"
    raise InvalidValue(f"a scan is made at 'pick' or at 'pack', not at {shown(at)}")
