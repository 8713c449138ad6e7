"""Routing verbs: the part of the service that chooses nodes, negotiates with them, and promises dates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import fields

from omscore.app import _carry, _fill, _many, _negotiate, _promises, _route, _surge
from omscore.app._given import pairs_or_all
from omscore.app._many import RoutedTogether
from omscore.app._reads import Reads
from omscore.app._service import told_of
from omscore.app._work import Work
from omscore.errors import InsufficientStock, InvalidValue, NotFound, Reason
from omscore.kernel import Address, quantity, utc
from omscore.kernel.given import flags, listed, names, of_kind, shown, text, texts
from omscore.orders import Fulfillment, Order, Promised, Routed
from omscore.routing import Decision, DeliveryPromise, Demand, DemandLine, route_many
from omscore.routing.sourcing import Planner

if TYPE_CHECKING:
    from omscore.simulate import Shadow

DEMAND_FIELDS = frozenset(one.name for one in fields(Demand) if one.init) - {"id", "lines", "destination", "service"}
"""What may be said of a demand besides its lines, where it goes and how."""

TRIES_MAX = 3
"""How often an order is decided again when somebody else was faster at the units it was given."""


class RouteWork(Reads):
    """The part of the service that routes."""

    # -- route ---------------------------------------------------------------------------------------------------------

    def route(self, orders_max: int = 500) -> list[Routed]:
        """Route the orders that are due, those due first first, each in a transaction of its own.

        An order that cannot be routed for a reason of its own comes back with outcome "failed" and the reason; the
        others go on. While a surge lasts (`surge`), orders of `Oms(express=...)` go first, and the others region by
        region, many in one transaction.

        >>> import omscore as oms
        >>> oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")])).route()
        []
        """
        quantity(orders_max, "orders_max", at_least=0)
        if self._read(_surge.state).on:
            groups = self._read(lambda work: _surge.groups(work, orders_max))
        else:
            groups = self._read(lambda work: [[id_] for id_ in _surge.due(work, "due", orders_max)])
        return [routed for group in groups for routed in self._routed(group, _route.route)]

    def route_order(self, order_id: str, *, approved: bool = False) -> Routed:
        """Route one order now, due or not; `approved` commits a plan that a rule sent to review.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("accepted")
        >>> at.shop.route_order(at.order.id).nodes
        ('ghent',)
        """
        flags(approved=approved)
        return self._routed([order_id], partial(_route.route, approved=approved))[0]

    def _routed(self, ids: Sequence[str], decide: Callable[..., Routed], lost: tuple[Reason, ...] = ()) -> list[Routed]:
        """Decide and commit orders in one transaction; when one of them fails, each in its own, so that it fails alone.

        Where somebody else was faster, an order is decided on the stock as it is now, a few times at most; `lost` are
        the races it lost before.
        """
        tries = 1 if lost else 0
        while True:
            tries += 1
            try:
                found = self._store.run(
                    lambda txn: [decide(Work(txn, self._wiring, f"route:{id_}"), id_, lost=lost) for id_ in ids]  # noqa: B023
                )
                break
            except InsufficientStock as late:
                again = tries < TRIES_MAX
                lost = (*lost, *late.reasons)
                failed = f"lost {tries} races for stock, last: {late}"
            except Exception as wrong:  # noqa: BLE001 - a host's own rules run in here: theirs is this order's failure alone
                again, failed = False, told_of(wrong)
            if len(ids) > 1:
                races = {id_: tuple([r for r in lost if r.facts.get("order") == id_]) for id_ in ids}
                return [routed for id_ in ids for routed in self._routed([id_], decide, races[id_])]
            if not again:
                return [self._failed(ids[0], failed, lost)]
        for routed in found:
            self._saw("routed", order=routed.order, outcome=routed.outcome)
        return found

    def _failed(self, order_id: str, why: str, lost: tuple[Reason, ...] = ()) -> Routed:
        """An order that could not be decided: it is tried again later, and nobody else is held up."""
        self._store.run(lambda txn: _route.put_off(Work(txn, self._wiring, f"route:{order_id}"), order_id, why))
        self._saw("routed", order=order_id, outcome="failed")
        return Routed(order_id, 0, "failed", why, lost=lost)

    def route_many(
        self, orders_max: int = 1_000, *, planner: Planner | None = None, hours: Mapping[str, int] | None = None
    ) -> RoutedTogether:
        """Decide all waiting orders together (due, parked or short of stock), then carry out each on its own.

        Where stock is scarce, units go where they save most, urgent channels first and nobody for ever last (see
        `routing.route_many`, which takes the same `planner` and `hours`; the channels' profiles say the rest). Soft
        holds move to where the plan wants them. Each order is one transaction, in order of urgency; where somebody
        outside the plan was faster, it is decided again on what is there, and `Routed.lost` says so. One that cannot be
        decided comes back as "failed". The report names the bound, the gap, and who was displaced by whom.

        >>> from omscore.testing.walkthrough import up_to
        >>> done = up_to("accepted").shop.route_many()
        >>> done.routed[0].outcome, done.report.gap
        ('assigned', 0.0)
        """
        quantity(orders_max, "orders_max", at_least=0)
        if hours is not None:
            of_kind("hours", hours, Mapping, "{'web': 48}")
            for channel, n in hours.items():
                quantity(n, f"hours of channel {channel!r}")
        waiting, now, limits = self._read(
            lambda work: (_many.waiting(work, orders_max), work.now, {**_many.hours_of(work), **(hours or {})})
        )
        decided = partial(
            route_many,
            self._wiring.router,
            stock=waiting.stock,
            now=now,
            facts=waiting.facts,
            planner=planner,
            hours=limits,
        )
        failed = dict(waiting.failed)
        try:
            report = decided(waiting.demands)
        except Exception:
            # Whose rules failed is found out; the others are decided together without them.
            sound, unsound = _many.apart(self._wiring.router, waiting, now)
            if not unsound:
                raise
            failed |= unsound
            report = decided(sound)
        lost = {one.demand: one for one in report.displaced}
        # Those that get something go first: what they take is spoken for.
        shares = {id_: _many.share_of(decision) for id_, decision in report.decisions.items()}
        left = sorted(shares, key=lambda id_: not shares[id_])
        routed: list[Routed] = []
        while left:
            order_id = left.pop(0)
            told = f"decided {report.how} with {len(report) - 1} others, on its share of the stock"
            if order_id in lost:
                told += f"; {', '.join(lost[order_id].by) or 'nobody'} got units it would have had, first come"
            planned = report.decisions[order_id]
            carry_out = partial(_many.carry_out_share, planned=planned, others=left, told=told)
            routed += self._routed([order_id], carry_out)
        routed += [self._failed(order_id, why) for order_id, why in failed.items()]
        return RoutedTogether(tuple(routed), report)

    def decision(self, order_id: str, attempt: int = 0) -> Decision:
        """A routing attempt of an order (the last, unless named) decided again from its record: the same decision.

        It explains itself like any other. Raises NotFound for an order that was not routed, and InvalidValue for an
        attempt under another policy or network than this service's.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("allocated").shop.decision("ord-1")
        <Decision ord-1: assigned at ghent by all/cheapest>
        """
        quantity(attempt, "attempt", at_least=0)
        attempts = self._read(lambda work: _route.explain(work, order_id))
        found = [one for one in attempts if one.attempt == attempt or not attempt]
        if not found or found[-1].record is None:
            raise NotFound("decision", f"{order_id}, attempt {attempt}" if attempt else order_id)
        return self._wiring.router.replay(found[-1].record)

    def decisions(self, order_id: str) -> list[Routed]:
        """Every routing attempt of an order, oldest first; each names the one before it and what made it due.

        >>> from omscore.testing.walkthrough import up_to
        >>> [(routed.attempt, routed.before) for routed in up_to("allocated").shop.decisions("ord-1")]
        [(1, 0)]
        """
        return self._read(lambda work: _route.explain(work, order_id))

    def explain(self, order_id: str) -> str:
        """Why an order went where it went: every routing attempt, in words.

        >>> import omscore as oms
        >>> oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")])).explain("ord-9")
        Traceback (most recent call last):
        omscore.errors.NotFound: no order with id 'ord-9'
        """
        attempts = self.decisions(order_id)
        if not attempts:
            return f"{order_id}: {self._read(lambda work: _route.why_not_routed(work, order_id))}"
        return "\n\n".join(_told(order_id, one) for one in attempts)

    def reconsider(self, items: Iterable[str], *, why: str, key: str) -> list[str]:
        """Have orders that wait for items asked again, because something about them changed: a buffer, a feed, a rule.

        Free units go to whoever waits first, the oldest order first. Returns the orders that got units.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted").shop.reconsider(["SKU-1"], why="buffer lowered", key="buffer-1")
        []
        """
        asked = tuple(sorted(set(names("items", items, "SKU-1"))))
        if not asked:
            raise InvalidValue("no items are named, so nobody is to be asked again; name them, such as ['SKU-1']")
        texts(why=why)
        return list(self._command("reconsider", key, (asked, why), lambda work: _fill.fill(work, asked, note=why)))

    @property
    def shadow(self) -> Shadow | None:
        """The candidate policy beside the live one (`Oms(candidate=...)`), or None; its `compare()` says how it does.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted").shop.shadow is None
        True
        """
        return self._wiring.shadow

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def offers(self, node: str) -> list[Fulfillment]:
        """What a node was offered and has not answered, the most pressing first. Raises NotFound for an unknown node.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("allocated").shop.offers("ghent")
        []
        """
        text("node", node)
        found: list[Fulfillment] = self._read(lambda work: list(work.all("fulfillment", f"offered:{node}")))
        if not found:
            # What a node that was closed since has not answered can still be read.
            self._wiring.check_node(node)
        return found

    def offer(self, fulfillment_id: str, *, answer_by: datetime | None = None, key: str) -> Fulfillment:
        """Ask whoever runs a node whether they take a fulfillment; silence until `answer_by` is a rejection.

        Nodes with `answer_minutes` are asked by themselves. Raises TransitionNotAllowed when they were asked before.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> at.shop.offer(at.fulfillment.id, key="offer-1").negotiation
        'offered'
        """
        answer_by = None if answer_by is None else utc(answer_by, "answer_by")
        self._command(
            "offer", key, (fulfillment_id, answer_by), lambda work: _negotiate.offer(work, fulfillment_id, answer_by)
        )
        return self.fulfillment(fulfillment_id)

    def accept(self, fulfillment_id: str, *, key: str) -> Fulfillment:
        """A node takes what it was offered. Raises TransitionNotAllowed when it was not asked, or answered before.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> _ = at.shop.offer(at.fulfillment.id, key="offer-1")
        >>> at.shop.accept(at.fulfillment.id, key="yes-1").negotiation
        'accepted'
        """
        self._command("accept", key, (fulfillment_id,), lambda work: _negotiate.accept(work, fulfillment_id))
        return self.fulfillment(fulfillment_id)

    def reject(
        self,
        fulfillment_id: str,
        units: Mapping[str, int] | None = None,
        *,
        reason: str,
        blocking: bool = False,
        key: str,
    ) -> Order:
        """A node gives units of lines back, or all it has not picked: they are routed again, without that node.

        The reason (`routing.REJECTIONS`) says what becomes of its stock: "not_in_stock" leaves nothing for sale,
        "mismatch" takes the units off its figures, "damaged" and "display" off what is for sale; "no_time", "closed"
        and "timeout" change nothing. With `blocking` rules that ask for `not_blocked` leave the node alone for a day.
        An order given back five times waits for a person. Raises CommandRefused (`reject.too_many`) and
        TransitionNotAllowed for what is packed.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> at.shop.reject(at.fulfillment.id, {"1": 1}, reason="damaged", key="no-1")
        <Order ord-1 accepted: reserved 1, allocated 1>
        """
        texts(reason=reason)
        flags(blocking=blocking)
        content = (fulfillment_id, pairs_or_all(units), reason, blocking)
        found = self._command(
            "reject",
            key,
            content,
            lambda work: _negotiate.reject(work, fulfillment_id, units, reason, blocking=blocking),
        )
        return self.order(found)

    def arrive(self, transfer_id: str, units: Mapping[str, int] | None = None, *, key: str) -> None:
        """Units of items in a transfer have come to their node, or all of it: the order that waits for them gets them.

        Raises NotFound, and CommandRefused (`transfer.not_under_way`) for more than is under way.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted").shop.arrive("ord-1-a1-t1", key="dock-8")
        Traceback (most recent call last):
        omscore.errors.NotFound: no transfer with id 'ord-1-a1-t1'
        """
        text("transfer_id", transfer_id)
        content = (transfer_id, pairs_or_all(units))
        self._command("arrive", key, content, lambda work: _carry.arrive(work, transfer_id, units))

    def lose_transfer(self, transfer_id: str, units: Mapping[str, int] | None = None, *, key: str) -> None:
        """Give up units of items in a transfer, or all that is under way: the order that waits is routed again.

        Raises as `arrive`.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted").shop.lose_transfer("ord-1-a1-t1", key="lost-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no transfer with id 'ord-1-a1-t1'
        """
        text("transfer_id", transfer_id)
        self._command(
            "lose_transfer",
            key,
            (transfer_id, pairs_or_all(units)),
            lambda work: _carry.arrive(work, transfer_id, units, lost=True),
        )

    # -- promises ------------------------------------------------------------------------------------------------------

    def promise(
        self,
        lines: Mapping[str, int] | Sequence[DemandLine],
        ship_to: Address | None = None,
        service: str = "standard",
        **more: Any,
    ) -> DeliveryPromise:
        """By when lines (or units by SKU) would arrive if they were ordered now, and why; nothing is reserved.

        By the engine, stock, announced supply and capacity that will route them; `more` are fields of a Demand that
        rules may ask about.

        >>> from omscore.testing.walkthrough import up_to
        >>> print(up_to("accepted").shop.promise({"SKU-1": 9}))
        promise: no date
          3 of 9 SKU-1 are there or announced (promise.no_stock)
        """
        if not isinstance(lines, (Mapping, Sequence)) or isinstance(lines, str):
            raise InvalidValue(f"lines are units by SKU, such as {{'SKU-1': 2}}, or DemandLine, not {shown(lines)}")
        if not isinstance(lines, Mapping):
            listed("lines", lines, DemandLine, "DemandLine('1', 'SKU-1', 2)")
        if ship_to is not None:
            of_kind("ship_to", ship_to, Address, "Address('BE', postcode='9000')")
        texts(service=service)
        if unknown := sorted(more.keys() - DEMAND_FIELDS):
            raise InvalidValue(f"a demand has no {', '.join(unknown)}; it has {', '.join(sorted(DEMAND_FIELDS))}")

        def read(work: Work) -> DeliveryPromise:
            rows = [_line(work, sku, n) for sku, n in lines.items()] if isinstance(lines, Mapping) else list(lines)
            facts = {"placed_at": work.now, **more}
            return _promises.look(work, Demand("promise", rows, destination=ship_to, service=service, **facts))

        return self._read(read)

    def expect(self, supply: str, item: str, node: str, units: int, due_at: datetime, *, key: str) -> list[str]:
        """Announce supply that a node awaits, or correct its units and date; give its id to `receive` when it comes.

        With 0 units it is withdrawn. Returns the waiting orders that were promised another date by this
        (`Oms(keeps_promises=True)`). Raises NotFound for an unknown node, and CommandRefused (`supply.other`) when the
        id announces another item or node.

        >>> from datetime import timedelta
        >>> from omscore.testing.walkthrough import MONDAY, draft, up_to
        >>> shop = up_to("accepted", stock=2, keeps_promises=True).shop
        >>> _ = shop.capture("web", draft("1002"), key="checkout-2", id="ord-2")
        >>> shop.expect("po-1", "SKU-1", "ghent", 5, MONDAY + timedelta(days=2), key="po-1")
        ['ord-2']
        """
        text("node", node)
        content = (supply, item, node, units, due_at)
        return list(
            self._command(
                "expect", key, content, lambda work: _promises.expect(work, supply, item, node, units, due_at)
            )
        )

    def promised(self, order_id: str) -> Promised:
        """By when an order is to arrive, as last promised (`Oms(keeps_promises=True)`); raises NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted", keeps_promises=True).shop.promised("ord-1").order
        'ord-1'
        """
        found: Promised = self._read(lambda work: work.load("promise", order_id))
        return found

    def _tick_routing(self) -> int:
        """Time that passed: what nodes did not answer in time counts as rejected, what did not come is promised anew.

        Returns how many were not answered.
        """
        late = self._read(_negotiate.unanswered)
        for id_ in late:
            self._in_time("offer", id_, lambda work: _negotiate.reject(work, id_, None, "timeout", blocking=False))  # noqa: B023
        for id_ in self._read(_promises.overdue):
            self._in_time("promise", id_, lambda work: _promises.promise_again(work, id_))  # noqa: B023
        return len(late)


def _line(work: Work, sku: str, units: int) -> DemandLine:
    item = work.item(sku)
    return DemandLine(sku, sku, units, weight_grams=item.weight_grams, tags=item.tags, category=item.category)


def _told(order_id: str, routed: Routed) -> str:
    head = f"{order_id}, attempt {routed.attempt}: {routed.outcome}"
    if routed.because:
        head += f" (after attempt {routed.before}: {routed.because})" if routed.before else f" ({routed.because})"
    races = "".join(f"\n  lost a race: {reason}" for reason in routed.lost)
    return f"{head}\n{routed.text}{races}"
