"""The whole service under random commands and failing ports: after each step the books, orders and money agree.

The machine knows nothing of how the service does it: it keeps its own count of goods, the bank in `oms_world` its own
of money, and every command is held to what it may change. `test_the_machine_is_strong` plants faults to show it.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import evolve, frozen
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.machines.oms_world import MOODS, World

import omscore as oms
from omscore import inventory
from omscore import routing as r
from omscore.adapters import PostgresStore, SqliteStore
from omscore.app._outbox import ATTEMPTS_MAX, LEASE_S
from omscore.batching import Limits, Scan, Short
from omscore.inventory import Cell, Figures
from omscore.orders import (
    UNIT_MOVES,
    AddLine,
    HoldPlaced,
    HoldReleased,
    Reduce,
    SetAddress,
    SetPrice,
    UnitsMoved,
    due,
    due_shipped,
    fold,
)
from omscore.oversight import ChannelProfile
from omscore.payments import Payment
from omscore.payments import fold as fold_payment
from omscore.ports import GatewayAbilities, Store, Transaction
from omscore.returns import Return
from omscore.testing.faults import Tapped
from omscore.testing.walkthrough import MONDAY, draft

NODES = ("ghent", "lille")
ITEMS = ("A", "B")
ORDERS_MAX = 3
LIMIT = 2_500
COST = oms.Money(100, "EUR")
SPLIT = r.Policy(
    "split",
    (
        r.Route(
            "all", (r.Rule("one", require=(r.whole_order(),)), r.Rule("any", require=(r.has_stock(),), stops_max=2))
        ),
    ),
    otherwise=r.park("later"),
)
GATED = {verb for verb, move in UNIT_MOVES.items() if move.gated}
ABILITIES = [
    GatewayAbilities(multi_capture=True, partial_void=True, renews=True),
    GatewayAbilities(multi_capture=True, partial_void=False, renews=False),
    GatewayAbilities(multi_capture=False, partial_void=False, renews=True),
]


UNITS = st.lists(st.tuples(st.sampled_from(ITEMS), st.integers(1, 3)), min_size=1, max_size=3)
PAYMENTS = st.sampled_from(["pending", "pending", "paid", "authorized", "terms"])


def sequences(often: int, steps: int) -> settings:
    """How many sequences of commands are drawn, and how long they are; with the deep profile 2,000 of 15."""
    if os.environ.get("OMSCORE_PROFILE") == "deep":
        often, steps = 2_000, 15
    return settings(max_examples=often, stateful_step_count=steps, deadline=None)


class PowerCut(BaseException):
    """The process died; nothing more is known of the command."""


@frozen
class Seen:
    """Everything that the service keeps, as the store has it."""

    orders: dict[str, oms.Order]
    payments: dict[str, Payment]
    returns: dict[str, Return]
    cells: dict[str, dict[Cell, Figures]]
    outbox: dict[str, list[str]]

    def on_hand(self, item: str) -> int:
        return sum(figures.on_hand for figures in self.cells[item].values())

    def rows(self, order: str, *kinds: str) -> int:
        """How many rows of some kinds a payment has, of whatever outcome."""
        payment = self.payments.get(order)
        return 0 if payment is None else sum(row.kind in kinds for row in payment.transactions)


def moves(before: oms.Order, after: oms.Order, bucket: str) -> int:
    """How many more units of an order are in a bucket."""
    return int(getattr(after.totals, bucket) - getattr(before.totals, bucket))


def kept(payment: Payment) -> int:
    """What was taken, or is being taken, less what is given back: counted here, row by row."""
    sign = {"capture": 1, "refund": -1}
    return sum(sign.get(t.kind, 0) * t.amount.minor for t in payment.transactions if t.outcome != "failed")


class OmsMachine(RuleBasedStateMachine):
    """Commands in any order, the ports in any mood."""

    def make_store(self, clock: oms.ManualClock) -> Store:
        return oms.MemoryStore(clock)

    def open_again(self) -> Store:
        """What a new process finds."""
        return self.bare

    def open(self, store: Store) -> None:
        self.bare = store
        self.store = Tapped(store, before=self.listen, after=lambda name: self.listen(f"after {name}"))
        self.shop = oms.Oms(
            store=self.store,
            network=oms.Network([oms.Node(node) for node in NODES]),
            routing=SPLIT,
            carriers=(self.world.post_office,),
            channels=(self.world,),
            notifier=self.world,
            gateway=self.world,
            erp=self.world,
            verifier=self.world if self.asks_verifier else None,
            costs=dict.fromkeys(ITEMS, COST),
            profiles={"web": ChannelProfile(capture_method=self.method)},
        )

    @initialize(
        abilities=st.sampled_from(ABILITIES),
        method=st.sampled_from(["at_shipment", "at_shipment", "at_order"]),
        begun=st.lists(st.tuples(UNITS, PAYMENTS, st.integers(0, 4)), min_size=1, max_size=2),
    )
    def open_shop(
        self, abilities: GatewayAbilities, method: str, begun: list[tuple[list[tuple[str, int]], str, int]]
    ) -> None:
        self.clock = oms.ManualClock(MONDAY)
        self.world = World(self.clock)
        self.world.bank.abilities = abilities
        self.method, self.asks_verifier = method, False
        self.calls_left: int | None = None
        self.running, self.commits = False, 0
        self.open(self.make_store(self.clock))
        self.world.meanwhile = self.another_worker
        self.commands = 0
        self.orders: list[str] = []
        self.drafts: dict[str, oms.Draft] = {}
        self.last: Callable[[], object] | None = None
        self.on_hand: Counter[str] = Counter()
        self.quarantined: Counter[str] = Counter()
        self.worth: Counter[str] = Counter()  # units whose cost has left the stock: shipped, lost, spoiled
        self.vouched: set[str] = set()
        self.odd: set[str] = set()  # orders whose money a person or a fault has touched
        self.shop.set_credit("c-17", oms.Money(LIMIT, "EUR"), key="terms")
        for node in NODES:
            self.shop.receive(node, dict.fromkeys(ITEMS, 4), key=f"first {node}")
            self.on_hand.update(dict.fromkeys(ITEMS, 4))
        for units, payment, far in begun:
            self.is_ordered(units, payment, None)
            self.goes_so_far(self.orders[-1], far)

    def another_worker(self) -> None:
        """The port takes so long that its lease runs out, and somebody else does the work meanwhile."""
        self.clock.advance(seconds=LEASE_S + 1)
        self.shop.deliver(worker="other")

    def listen(self, name: str) -> None:
        if not self.running:
            return
        self.commits += name == "after commit"
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                self.calls_left, self.running = None, False
                raise PowerCut(name)

    # -- how a command is done ------------------------------------------------------------------------------------

    def see(self) -> Seen:
        def read(txn: Transaction) -> Seen:
            def of(kind: str) -> dict[str, Any]:
                rows = {id_: txn.get(kind, id_) for id_ in self.orders}
                return {id_: row.value for id_, row in rows.items() if row is not None}

            returns = [found for id_ in self.orders for _, found in txn.find("return", f"order:{id_}")]
            return Seen(
                of("order"),
                of("payment"),
                {id_: row.value for id_ in returns if (row := txn.get("return", id_)) is not None},
                {item: dict(txn.cells_of(item)) for item in ITEMS},
                {state: [effect.id for effect, _, _ in txn.outbox(state)] for state in ("waiting", "done", "parked")},
            )

        return self.bare.run(read, write=False)

    @contextmanager
    def done(self, command: Callable[[str], object], *, moves_stock: bool = True) -> Iterator[tuple[Seen, Seen] | None]:
        """Do a command with a key of its own, and look at what it changed; None when it was refused.

        A refused command has changed nothing; one that a power cut ended has happened whole or not at all, and goes
        on from there when it is sent again.
        """
        self.commands += 1
        key = f"k-{self.commands}"
        before = self.see()
        try:
            try:
                self.running, self.commits = True, 0
                command(key)
            except PowerCut as at:
                self.nothing_has_happened_since(before, f"cut at {at}", or_all=self.commits > 0)
                command(key)
            finally:
                self.running, self.calls_left = False, None
        except oms.OmsError as refused:
            if isinstance(refused, oms.InvariantBroken):
                raise
            self.nothing_has_happened_since(before, f"refused: {refused}")
            yield None
            return
        after = self.see()
        if not moves_stock:
            assert after.cells == before.cells, "this command moves no stock"
        self.last = lambda: command(key)
        yield before, after

    def nothing_has_happened_since(self, before: Seen, why: str, *, or_all: bool = False) -> None:
        assert or_all or self.see() == before, why

    def in_bulk(self, verb: Callable[[], object]) -> None:
        """A verb that does many things, each in its own transaction; a power cut may end it in the middle."""
        try:
            self.running, self.commits = True, 0
            verb()
        except PowerCut:
            pass
        finally:
            self.running, self.calls_left = False, None

    def order(self, n: int) -> str:
        return self.orders[n % len(self.orders)]

    def pick_one(self, found: list[Any], n: int) -> Any:
        return found[n % len(found)] if found else None

    def items_of(self, order: oms.Order) -> dict[str, str]:
        return {line.id: line.item for line in order.lines}

    def touches_no_money(self, seen: tuple[Seen, Seen] | None) -> None:
        if seen is not None:
            assert seen[1].payments == seen[0].payments, "this command touches no money"

    # -- what may happen: goods and orders ------------------------------------------------------------------------

    @rule(node=st.sampled_from(NODES), item=st.sampled_from(ITEMS), n=st.integers(1, 4))
    def goods_come(self, node: str, item: str, n: int) -> None:
        with self.done(lambda key: self.shop.receive(node, {item: n}, key=key)) as seen:
            if seen is not None:
                self.on_hand[item] += n
            self.touches_no_money(seen)

    @precondition(lambda self: len(self.orders) < ORDERS_MAX)
    @rule(
        units=UNITS,
        payment=PAYMENTS,
        verifier=st.sampled_from([*[None] * 8, "never", "rubbish"]),
    )
    def order_comes(self, units: list[tuple[str, int]], payment: str, verifier: str | None) -> None:
        self.is_ordered(units, payment, verifier)

    def is_ordered(self, units: list[tuple[str, int]], payment: str, verifier: str | None) -> None:
        lines = tuple(
            oms.DraftLine(str(i), item, n, oms.Money(333, "EUR"), discount=oms.Money(1, "EUR"))
            for i, (item, n) in enumerate(units, 1)
        )
        number = f"{len(self.orders) + 1}"
        order_id = f"ord-{number}"
        wish = draft(number, lines=lines, payment=payment, shipping=oms.Money(100, "EUR"))
        self.asks_verifier, self.world.mood = verifier is not None, verifier or "well"
        self.open(self.bare)
        self.orders.append(order_id)
        with self.done(lambda key: self.shop.capture("web", wish, key=key, id=order_id)) as seen:
            self.world.mood = "well"
            assert seen is not None, "an order that can be read is taken in"
            self.drafts[order_id] = wish
            cost = wish.due.minor
            self.world.bank.knows(
                order_id,
                authorized=cost if payment == "authorized" else 0,
                captured=cost if payment == "paid" else 0,
            )
            order = seen[1].orders[order_id]
            assert due(order) == wish.due
            assert (payment == "pending") == any(hold.code == "payment" for hold in order.holds)
            if payment == "terms" and self.shop.credit("c-17").left.minor < 0:
                assert any(hold.code == "credit" for hold in order.holds)

    @rule(n=st.integers(0, 9), how=st.sampled_from(["again", "earlier", "rubbish"]))
    def a_channel_says_it_again(self, n: int, how: str) -> None:
        order_id = self.order(n)
        wish = self.drafts[order_id]
        payload: Any = {} if how == "rubbish" else wish
        before = self.see()
        with self.done(lambda key: self.shop.capture("web", payload, key=key)) as seen:
            assert (seen is None) == (how == "rubbish")
        assert self.see() == before

    @rule(n=st.integers(0, 9), units=st.integers(1, 4), take=st.sampled_from(["", "first", "second"]))
    def a_channel_contradicts_itself(self, n: int, units: int, take: str) -> None:
        """Nothing of it is done; both are kept, and once a person has decided, either is a repeat."""
        order_id = self.order(n)
        wish = self.drafts[order_id]
        other = evolve(wish, lines=(evolve(wish.lines[0], units=units), *wish.lines[1:]), service="express")
        before = self.see()
        try:
            self.shop.capture("web", other, key=f"other {order_id} {wish.revision} {units}")
        except oms.ContentConflict as caught:
            conflict = caught.conflict
        else:
            return
        assert self.see() == before
        if conflict not in [one.id for one in self.shop.conflicts(order_id)]:
            return  # the first answer to this key, and decided since
        assert ("conflict", order_id) in {(i.kind, i.order) for i in self.shop.exceptions()}
        if not take:
            return
        with self.done(lambda key: self.shop.resolve_conflict(conflict, take=take, key=key)) as seen:
            if seen is not None:
                self.odd.add(order_id)
                assert conflict not in [one.id for one in self.shop.conflicts()]
                assert seen[1] == seen[0] or take == "second"

    @rule(n=st.integers(0, 9), units=st.integers(1, 4))
    def a_channel_revises_it(self, n: int, units: int) -> None:
        order_id = self.order(n)
        wish = self.drafts[order_id]
        lines = (evolve(wish.lines[0], units=units), *wish.lines[1:])
        later = evolve(wish, revision=wish.revision + 1, lines=lines)
        with self.done(lambda key: self.shop.capture("web", later, key=key)) as seen:
            if seen is not None:
                self.drafts[order_id] = later
                self.odd.add(order_id)
                assert seen[1].rows(order_id, "refund") == seen[0].rows(order_id, "refund")

    @rule(n=st.integers(0, 9), said=st.sampled_from(["refunded", "voided"]))
    def a_channel_gives_its_own_money_back(self, n: int, said: str) -> None:
        """It is written down, and what others took or promised stays as it is."""
        order_id = self.order(n)
        if any(row.outcome == "asked" for row in self.shop.payment(order_id).transactions):
            return  # the bank would be asked for what is gone
        wish = self.drafts[order_id]
        later = evolve(wish, revision=wish.revision + 1, payment=said)
        with self.done(lambda key: self.shop.capture("web", later, key=key)) as seen:
            if seen is None:
                return
            self.drafts[order_id] = later
            self.odd.add(order_id)
            before, after = (moment.payments[order_id] for moment in seen)
            bank, web = self.world.bank, f"web:{order_id}"
            theirs = {t.id for t in before.transactions if t.reference == web}
            taken = [f"bank:{t.id}" for t in before.transactions if t.kind == "capture" and t.parent in theirs]
            gone = [sum(bank.taken.pop(pot, 0) for pot in (web, *taken))]
            gone += [bank.granted.pop(web, 0)] if said == "voided" else []
            if before.method == "on_terms":
                assert (after.captured, after.refunded) == (before.captured, before.refunded)
            else:
                assert after.refunded.minor - before.refunded.minor == gone[0]
                assert before.promised.minor - after.promised.minor >= sum(gone[1:])

    @rule()
    def orders_are_routed(self) -> None:
        before = self.see()
        self.in_bulk(self.shop.route)
        self.touches_no_money((before, self.see()))

    @rule(n=st.integers(0, 9))
    def an_order_goes_all_the_way(self, n: int) -> None:
        self.goes_so_far(self.order(n), 4)

    @rule(n=st.integers(0, 9), far=st.integers(0, 4))
    def an_order_goes_on(self, n: int, far: int) -> None:
        self.goes_so_far(self.order(n), far)

    def goes_so_far(self, order_id: str, far: int) -> None:
        """As most orders do: paid, routed, shipped and delivered, or only some of that."""
        for step in range(far + 1):
            if step in (0, 3):
                self.shop.deliver()
            elif step == 1:
                self.shop.route()
            else:
                for fulfillment in self.shop.fulfillments(order_id):
                    if step == 2:
                        self.handed_over(order_id, fulfillment.id)
                    elif fulfillment.shipment:
                        self.carrier_tells(fulfillment.shipment, "delivered")

    def handed_over(self, order_id: str, fulfillment_id: str) -> None:
        with self.done(lambda key: self.shop.ship(fulfillment_id, key=key)) as seen:
            if seen is not None:
                order, old = seen[1].orders[order_id], seen[0].orders[order_id]
                for line, item in self.items_of(order).items():
                    n = order.units[line].shipped - old.units[line].shipped
                    self.on_hand[item] -= n
                    self.worth[item] += n
                assert seen[1].rows(order_id, "refund", "void") == seen[0].rows(order_id, "refund", "void")

    @rule(n=st.integers(0, 9), which=st.integers(0, 3), verb=st.sampled_from(["pick", "pack", "ship", "ship", "short"]))
    def work_is_done(self, n: int, which: int, verb: str) -> None:
        order_id = self.order(n)
        fulfillment = self.pick_one(self.shop.fulfillments(order_id), which)
        if fulfillment is None:
            return
        if verb == "ship":
            self.handed_over(order_id, fulfillment.id)
        elif verb == "short":
            if fulfillment.lines:
                line = fulfillment.lines[0]
                with self.done(lambda key: self.shop.short_pick(fulfillment.id, {line.line: 1}, key=key)) as seen:
                    if seen is not None:
                        self.on_hand[line.item] -= 1
                        self.worth[line.item] += 1
                    self.touches_no_money(seen)
        else:
            with self.done(lambda key: getattr(self.shop, verb)(fulfillment.id, key=key)) as seen:
                self.touches_no_money(seen)

    @rule(node=st.sampled_from(NODES), replan=st.booleans(), most=st.integers(1, 3))
    def the_floor_is_planned(self, node: str, replan: bool, most: int) -> None:
        self.shop.plan_batches(node, Limits(orders_max=most), replan=replan)

    @rule(
        n=st.integers(0, 9),
        which=st.integers(0, 3),
        row=st.integers(1, 3),
        units=st.integers(0, 3),
        backorder=st.booleans(),
        at=st.sampled_from(["pick", "pick", "pack"]),
    )
    def a_list_is_worked_on(self, n: int, which: int, row: int, units: int, backorder: bool, at: str) -> None:
        fulfillment = self.pick_one(self.shop.fulfillments(self.order(n)), which)
        if fulfillment is None:
            return
        with self.done(lambda _: self.shop.pick_list(fulfillment.id), moves_stock=False):
            pass
        if not (batch := self.shop.fulfillment(fulfillment.id).batch):
            return
        if units:
            with self.done(
                lambda key: self.shop.scan(batch, Scan(key, ITEMS[row % 2], row=row, units=units), at=at)
            ) as seen:
                self.touches_no_money(seen)
        else:
            with self.done(lambda key: self.shop.short_row(batch, Short(key, row), backorder=backorder)) as seen:
                if seen is not None:
                    for id_, order in seen[1].orders.items():
                        for line, item in self.items_of(order).items():
                            u, was = order.units[line], seen[0].orders[id_].units[line]
                            n_short = was.allocated - u.allocated - (u.picked - was.picked)
                            self.on_hand[item] -= n_short
                            self.worth[item] += n_short
        picking = self.shop.tally(batch)
        for each in picking.rows:
            assert picking.over(each.row) == 0
            held = self.shop.fulfillment(each.order)
            left = sum(line.units - line.picked for line in held.lines if line.line == each.line)
            assert picking.open(each.row) <= (left if held.state in ("open", "picking") else 0)

    @rule(
        n=st.integers(0, 9),
        which=st.integers(0, 3),
        status=st.sampled_from(["in_transit", "delivered", "exception", "lost", "returned_to_sender"]),
    )
    def a_carrier_tells(self, n: int, which: int, status: str) -> None:
        shipped = [f.shipment for f in self.shop.fulfillments(self.order(n)) if f.shipment]
        shipment = self.pick_one(shipped, which)
        if shipment is not None:
            self.carrier_tells(shipment, status)

    def carrier_tells(self, shipment: str, status: str) -> None:
        with self.done(lambda key: self.shop.track(shipment, status, key=key), moves_stock=False) as seen:
            self.touches_no_money(seen)

    @rule(n=st.integers(0, 9), reship=st.booleans())
    def a_shipment_is_given_up(self, n: int, reship: bool) -> None:
        order_id = self.order(n)
        with self.done(
            lambda key: self.shop.give_up(f"{order_id}-f1-s1", reship=reship, refund=not reship, key=key)
        ) as seen:
            if seen is not None:
                self.odd.add(order_id)
                if reship:
                    self.touches_no_money(seen)

    @rule(n=st.integers(0, 9), whole=st.booleans(), refund=st.sampled_from([None, True, False]), restock=st.booleans())
    def units_are_cancelled(self, n: int, whole: bool, refund: bool | None, restock: bool) -> None:
        order_id = self.order(n)
        units = None if whole else {"1": 1}
        with self.done(lambda key: self.shop.cancel(order_id, units, refund=refund, restock=restock, key=key)) as seen:
            if seen is None:
                return
            old, order = seen[0].orders[order_id], seen[1].orders[order_id]
            if not restock:
                for line, item in self.items_of(order).items():
                    u, was = order.units[line], old.units[line]
                    self.quarantined[item] += was.allocated + was.picked - u.allocated - u.picked
            gone = moves(old, order, "cancelled")
            assert gone == (1 if units else gone) > 0
            self.given_back(order_id, seen, refund=bool(refund))

    def given_back(self, order_id: str, seen: tuple[Seen, Seen], *, refund: bool) -> None:
        """A refund that comes with a cancellation is what was taken for the units that went, and nothing else."""
        rows = seen[1].rows(order_id, "refund") - seen[0].rows(order_id, "refund")
        payment, was = seen[1].payments.get(order_id), seen[0].payments.get(order_id)
        if not refund or payment is None:
            assert not rows, "nobody asked for a refund"
        elif was is not None and order_id not in self.odd and payment.method != "on_terms":
            new = [t for t in payment.transactions if t.kind == "refund"][-rows:] if rows else []
            taken = kept(was) + sum(
                t.amount.minor for t in payment.transactions[len(was.transactions) :] if t.kind == "capture"
            )
            owed, owed_before = (due(s.orders[order_id]).minor for s in (seen[1], seen[0]))
            expected = max(0, taken - owed) - max(0, kept(was) - owed_before)
            assert sum(t.amount.minor for t in new) == max(0, expected)

    @rule(n=st.integers(0, 9), what=st.sampled_from(["fewer", "more", "price", "dearer", "address"]))
    def an_order_is_edited(self, n: int, what: str) -> None:
        order = self.shop.order(self.order(n))
        change: Any = {
            "fewer": Reduce("1", 1),
            "more": AddLine(oms.DraftLine(str(len(order.lines) + 1), "A", 2, oms.Money(250, "EUR"))),
            "price": SetPrice("1", oms.Money(250, "EUR")),
            "dearer": SetPrice("1", oms.Money(400, "EUR")),
            "address": SetAddress(oms.Address("NL", "1011")),
        }[what]
        seen_before = self.see()
        try:
            looked = self.shop.preview(order.id, [change])
        except oms.OmsError:
            looked = None
        assert self.see() == seen_before, "a preview touches nothing"
        price_only = what in ("price", "dearer")
        exposure = self.shop.credit("c-17").exposure.minor
        version = looked.version if looked is not None else None
        with self.done(
            lambda key: self.shop.edit(order.id, [change], version=version, key=key), moves_stock=not price_only
        ) as seen:
            assert (seen is None) == (looked is None), "what a preview shows can be done, and nothing else"
            if seen is None:
                return
            assert looked is not None
            after = seen[1].orders[order.id]
            assert due(after) - due(order) == looked.money, "an edit costs what its preview said"
            assert seen[1].rows(order.id, "refund") == seen[0].rows(order.id, "refund")
            if price_only:
                assert after.units == order.units
                self.odd.add(order.id)
        assert self.shop.credit("c-17").exposure.minor <= max(LIMIT, exposure), "an edit goes beyond no credit"

    # -- what may happen: goods come back -------------------------------------------------------------------------

    @rule(n=st.integers(0, 9), units=st.integers(1, 2))
    def goods_are_to_go_back(self, n: int, units: int) -> None:
        order_id = self.order(n)
        with self.done(lambda key: self.shop.open_return(order_id, {"1": units}, key=key), moves_stock=False) as seen:
            self.touches_no_money(seen)

    @rule(
        n=st.integers(0, 9),
        which=st.integers(0, 3),
        disposition=st.sampled_from(["restock", "scrap", "quarantine", "vendor"]),
    )
    def goods_go_back(self, n: int, which: int, disposition: str) -> None:
        back = self.a_return(self.order(n), which)
        line = next((row for row in back.lines if row.rest), None) if back else None
        if back is None or line is None:
            return
        with self.done(
            lambda key: self.shop.receive_return(back.id, {line.line: 1}, disposition=disposition, key=key)
        ) as seen:
            self.touches_no_money(seen)
            if seen is not None:
                self.on_hand[line.item] += disposition not in ("scrap", "vendor")
                self.worth[line.item] -= disposition not in ("scrap", "vendor")
                self.quarantined[line.item] += disposition == "quarantine"

    def a_return(self, order_id: str, which: int) -> Return | None:
        found: Return | None = self.pick_one([v for v in self.see().returns.values() if v.order == order_id], which)
        return found

    @rule(n=st.integers(0, 9), which=st.integers(0, 3), disposition=st.sampled_from(["restock", "scrap", "vendor"]))
    def what_came_back_is_looked_at(self, n: int, which: int, disposition: str) -> None:
        back = self.a_return(self.order(n), which)
        line = next((row for row in back.lines if row.received > row.inspected), None) if back else None
        if back is None or line is None:
            return
        with self.done(
            lambda key: self.shop.inspect_return(back.id, {line.line: 1}, disposition=disposition, key=key)
        ) as seen:
            assert seen is not None
            self.touches_no_money(seen)
            self.quarantined[line.item] -= 1
            self.on_hand[line.item] -= disposition in ("scrap", "vendor")
            self.worth[line.item] += disposition in ("scrap", "vendor")

    @rule(n=st.integers(0, 9), which=st.integers(0, 3), what=st.sampled_from(["exchange", "withdraw", "withdraw"]))
    def minds_are_changed(self, n: int, which: int, what: str) -> None:
        back = self.a_return(self.order(n), which)
        if back is None:
            return
        order = self.shop.order(back.order)
        line = oms.DraftLine(f"{len(order.lines) + 1}", "B", 1, oms.Money(300, "EUR"))
        commands: dict[str, Callable[[str], object]] = {
            "exchange": lambda key: self.shop.exchange(back.id, line, key=key),
            "withdraw": lambda key: self.shop.withdraw_return(back.id, key=key),
        }
        with self.done(commands[what], moves_stock=what == "exchange") as seen:
            if seen is None:
                return
            if what == "exchange":
                self.odd.add(order.id)
                new = seen[1].orders[order.id].units[line.id]
                assert new.reserved + new.backordered == 1, "the replacement is reserved at once"
            elif not back.replacement:
                self.touches_no_money(seen)

    @rule(n=st.integers(0, 9), keep=st.booleans())
    def something_breaks_within_its_warranty(self, n: int, keep: bool) -> None:
        order_id = self.order(n)
        with self.done(lambda key: self.shop.claim(order_id, "1", key=key), moves_stock=False) as seen:
            self.touches_no_money(seen)
            if seen is None:
                return
        claims = self.bare.run(lambda txn: txn.find("claim", f"order:{order_id}"), write=False)
        owed = self.shop.due(order_id)
        with self.done(
            lambda key: self.shop.decide_claim(claims[-1][1], approve=True, keep_item=keep, key=key)
        ) as seen:
            if seen is not None:
                assert self.shop.due(order_id) == owed, "a replacement under warranty costs nothing"

    # -- what may happen: money and decisions ---------------------------------------------------------------------

    @rule(n=st.integers(0, 9), minor=st.sampled_from([None, 1, 333, 700, 1100]))
    def money_goes_back(self, n: int, minor: int | None) -> None:
        order_id = self.order(n)
        amount = None if minor is None else oms.Money(minor, "EUR")
        with self.done(lambda key: self.shop.refund(order_id, amount, key=key), moves_stock=False) as seen:
            if seen is not None:
                self.odd.add(order_id)
                assert seen[1].orders == seen[0].orders, "a refund moves no goods"
                new = [t for t in seen[1].payments[order_id].transactions if t.kind in ("refund", "credit")]
                old = seen[0].payments.get(order_id)
                known = {t.id for t in old.transactions} if old else set()
                given = sum(t.amount.minor for t in new if t.id not in known)
                assert given == minor if minor is not None else given > 0

    @rule(n=st.integers(0, 9), minor=st.sampled_from([100, 333, 1100]))
    def a_customer_on_terms_pays(self, n: int, minor: int) -> None:
        order_id = self.order(n)
        if self.drafts[order_id].payment == "terms":
            with self.done(
                lambda key: self.shop.receive_payment(order_id, oms.Money(minor, "EUR"), key=key), moves_stock=False
            ) as seen:
                if seen is not None:
                    after, before = seen[1].payments[order_id], seen[0].payments[order_id]
                    assert after.captured.minor == before.captured.minor + minor

    @rule(
        n=st.integers(0, 9),
        verb=st.sampled_from(["hold", "hold", "release", "pay", "credit", "reopen", "authorize", "ask again"]),
    )
    def somebody_decides(self, n: int, verb: str) -> None:
        order_id = self.order(n)
        asked = [t.id for t in self.shop.payment(order_id).transactions if t.outcome == "asked"]
        until = self.clock.now() + timedelta(hours=2)
        commands: dict[str, Callable[[str], object]] = {
            "hold": lambda key: self.shop.hold(order_id, oms.Hold("review", "desk", until), key=key),
            "release": lambda key: self.shop.release(order_id, "review", key=key),
            "pay": lambda key: self.shop.release(order_id, "payment", key=key),
            "credit": lambda key: self.shop.release(order_id, "credit", key=key),
            "reopen": lambda key: self.shop.reopen(order_id, key=key),
            "authorize": lambda key: self.shop.authorize(order_id, key=key),
            "ask again": lambda key: self.shop.ask_again(order_id, (asked or ["nothing"])[0], key=key),
        }
        exposure = self.shop.credit("c-17").exposure.minor
        with self.done(commands[verb], moves_stock=verb == "reopen") as seen:
            if seen is None:
                return
            if verb == "pay":
                self.vouched.add(order_id)
            if verb == "reopen":
                self.odd.add(order_id)
                assert self.shop.credit("c-17").exposure.minor <= max(LIMIT, exposure), "credit counts on reopening"
            if verb in ("hold", "release", "pay", "credit", "ask again"):
                self.touches_no_money(seen)

    # -- what may happen: ports, time, faults ---------------------------------------------------------------------

    @rule(mood=st.sampled_from(("well", "well", *MOODS)), effects=st.sampled_from([1, 2, 1_000]))
    def effects_go_out(self, mood: str, effects: int) -> None:
        before = self.see()
        self.world.mood = mood
        self.in_bulk(lambda: self.shop.deliver(effects))
        self.world.mood = "well"
        after = self.see()
        assert after.cells == before.cells, "telling the world moves no stock"

    @rule(minutes=st.sampled_from([1, 31, 60 * 24 * 3, 60 * 24 * 61]))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)
        self.in_bulk(self.shop.tick)

    @precondition(lambda self: self.calls_left is None)
    @rule(calls=st.integers(0, 60))
    def the_power_will_fail(self, calls: int) -> None:
        """Somewhere in the next command, or behind its commit."""
        self.calls_left = calls

    @rule()
    def the_process_starts_anew(self) -> None:
        before = self.see()
        self.open(self.open_again())
        assert self.see() == before, "what was accepted, and what is to be told, is there after a restart"

    @precondition(lambda self: self.last is not None)
    @rule()
    def the_last_command_is_sent_again(self) -> None:
        before = self.see()
        assert self.last is not None
        self.last()
        assert self.see() == before

    @rule()
    def somebody_looks_at_what_is_wrong(self) -> None:
        """Whatever has failed stands in the open, with an owner and something that may be done."""
        wrong = self.shop.exceptions()
        assert all(incident.owner and incident.due_at is not None and incident.actions for incident in wrong)
        kinds = {(incident.kind, incident.order) for incident in wrong}
        seen = self.see()
        for id_, order in seen.orders.items():
            payment = seen.payments.get(id_)
            for row in payment.transactions if payment else ():
                later = [t for t in payment.transactions if t.kind == row.kind and t.outcome == "done"]  # type: ignore[union-attr]
                if row.outcome == "failed" and not later and row.kind in ("capture", "refund"):
                    assert ("payment_failed", id_) in kinds
                if row.outcome == "asked" and self.clock.now() - row.at > timedelta(hours=2):
                    assert ("payment_unanswered", id_) in kinds
            if order.state in ("captured", "accepted") and order.totals.backordered:
                assert ("shortage", id_) in kinds
        parked = {incident.id for incident in wrong if incident.kind == "effect_parked"}
        assert {f"effect_parked:{id_}" for id_ in seen.outbox["parked"]} == parked

    # -- what always holds ----------------------------------------------------------------------------------------

    @invariant()
    def everything_agrees(self) -> None:
        def read(txn: Transaction) -> tuple[Any, ...]:
            logs = {id_: [logged.event for logged in txn.events("order", id_)] for id_ in self.orders}
            money = {id_: [logged.event for logged in txn.events("payment", id_)] for id_ in self.orders}
            held = {id_: txn.reservation(id_) for id_ in self.orders}
            work = {id_: [row[1] for row in txn.find("fulfillment", f"order:{id_}")] for id_ in self.orders}
            rows = {id_: [txn.get("fulfillment", one) for one in found] for id_, found in work.items()}
            credit = txn.get("credit", "c-17")
            return logs, money, held, rows, credit.value.bound if credit else {}, inventory.verify(txn)

        seen = self.see()
        logs, money, held, work, bound, verified = self.bare.run(read, write=False)
        verified.require()
        self.no_unit_appears_or_vanishes(seen)
        for id_, order in seen.orders.items():
            assert fold(logs[id_]) == order
            self.units_are_held_once(order, held[id_])
            self.holds_were_kept(logs[id_])
            self.fulfillments_hold_what_the_order_says(order, [row.value for row in work[id_]])
        assert not self.world.bank.outrages, self.world.bank.outrages
        for id_, payment in seen.payments.items():
            assert fold_payment(money[id_]).rows == payment.rows
            self.money_is_bounded(payment)
            self.what_has_left_is_paid(seen.orders[id_], payment)
            self.what_is_worked_on_is_paid(seen.orders[id_], payment)
            self.credit_is_bound(seen.orders[id_], payment, bound.get(id_, 0))

    def no_unit_appears_or_vanishes(self, seen: Seen) -> None:
        for item in ITEMS:
            assert seen.on_hand(item) == self.on_hand[item]
            assert sum(figures.quarantine for figures in seen.cells[item].values()) == self.quarantined[item]
            assert all(n >= 0 for figures in seen.cells[item].values() for n in figures)

    def units_are_held_once(self, order: oms.Order, held: Any) -> None:
        for line in order.lines:
            assert order.units[line.id].ordered == line.units
            assert all(n >= 0 for n in order.units[line.id])
        for bucket in ("reserved", "allocated", "picked", "packed"):
            for item in ITEMS:
                mine = sum(getattr(order.units[line.id], bucket) for line in order.lines if line.item == item)
                assert mine == (held.units(bucket, item) if held else 0), (order.id, bucket, item)

    def holds_were_kept(self, events: list[Any]) -> None:
        """No unit came closer to the customer while somebody held the order."""
        holds: set[str] = set()
        for event in events:
            if isinstance(event, HoldPlaced):
                holds.add(event.hold.code)
            elif isinstance(event, HoldReleased):
                holds.discard(event.code)
            elif isinstance(event, UnitsMoved):
                assert event.verb not in GATED or not holds, f"{event.verb} under {holds}"

    def fulfillments_hold_what_the_order_says(self, order: oms.Order, fulfillments: list[Any]) -> None:
        at_nodes: dict[str, list[int]] = {line.id: [0, 0, 0] for line in order.lines}
        for fulfillment in fulfillments:
            for row in fulfillment.lines:
                if fulfillment.state in ("planned", "open", "picking"):
                    at_nodes[row.line][0] += row.units - row.picked
                    at_nodes[row.line][1] += row.picked
                elif fulfillment.state == "packed":
                    at_nodes[row.line][2] += row.units
        for line, (allocated, picked, packed) in at_nodes.items():
            units = order.units[line]
            assert (allocated, picked, packed) == (units.allocated, units.picked, units.packed), (order.id, line)

    def money_is_bounded(self, payment: Payment) -> None:
        sums: Counter[str] = Counter()
        for t in payment.transactions:
            if t.outcome == "done":
                sums[t.kind] += t.amount.minor
                if t.reference.startswith("bank:"):
                    assert t.id in self.world.bank.answers
                    assert self.world.bank.asked[t.id][0] == t.amount.minor
        assert sums["capture"] <= sums["authorize"]
        assert sums["refund"] <= sums["capture"]
        assert sums["capture"] + sums["void"] + sums["expire"] + sums["credit"] <= sums["authorize"]

    def credit_is_bound(self, order: oms.Order, payment: Payment, bound: int) -> None:
        if payment.method == "on_terms":
            paid = sum(t.amount.minor for t in payment.transactions if t.kind in ("capture", "credit"))
            live = order.state not in ("rejected", "cancelled")
            assert bound == max(0, due(order).minor - paid if live else 0)

    def what_has_left_is_paid(self, order: oms.Order, payment: Payment) -> None:
        """What each shipment captures sums to what it cost, to the cent, and at the end to the whole."""
        failed = any(t.outcome == "failed" for t in payment.transactions)
        back = order.totals.return_expected + order.totals.returned
        plain = order.draft.payment in ("pending", "authorized") and payment.method == "at_shipment"
        if plain and not failed and not back and order.id not in self.odd and order.id not in self.vouched:
            if payment.total("expire") or payment.total("authorize", "asked"):
                return
            owed, whole = due_shipped(order).minor, due(order).minor
            if not self.world.abilities.multi_capture and owed != whole:
                owed = 0
            if len(order.lines) == len(self.drafts[order.id].lines):
                assert kept(payment) == owed
            else:
                # What came once for the order may have been taken before more was ordered.
                assert owed <= kept(payment) <= whole

    def what_is_worked_on_is_paid(self, order: oms.Order, payment: Payment) -> None:
        """Nobody picks what is neither paid nor promised, unless a person said so."""
        t = order.totals
        here = t.allocated + t.picked + t.packed
        if order.id in self.odd or order.id in self.vouched or not here or order.holds or payment.method == "on_terms":
            return
        promised = sum(
            row.amount.minor * (1 if row.kind == "authorize" else -1)
            for row in payment.transactions
            if row.outcome == "done" and row.kind in ("authorize", "void", "expire")
        )
        assert promised >= due(order).minor - t.returned * 333

    def teardown(self) -> None:
        """When the ports are well again, everything that waits goes out or stands in the open, and all books agree."""
        if not hasattr(self, "shop"):
            return
        self.world.mood = "well"
        for _ in range(ATTEMPTS_MAX):
            self.clock.advance(minutes=31)
            self.shop.deliver()
        seen = self.see()
        assert not seen.outbox["waiting"]
        self.somebody_looks_at_what_is_wrong()
        if seen.outbox["parked"]:
            return
        assert self.world.balance("inventory") == -COST.minor * sum(self.worth.values())
        for id_, payment in seen.payments.items():
            if payment.method == "on_terms":
                continue
            said = Counter[str]()
            for t in payment.transactions:
                if t.reference == f"web:{id_}":
                    said[t.kind] += t.amount.minor
            bank = self.world.bank
            assert bank.total(id_, "capture") == payment.captured.minor - said["capture"]
            assert bank.total(id_, "refund") == payment.refunded.minor - said["refund"]
            order = seen.orders[id_]
            if order.state == "closed" and id_ not in self.odd and order.totals.cancelled != order.totals.ordered:
                owes = due(order).minor - payment.captured.minor + self.world.prepaid_back(id_)
                assert self.world.balance("receivable", id_) == owes, "an invoice for what has left, once"


class SqliteOmsMachine(OmsMachine):
    """The same in one SQLite file."""

    def make_store(self, clock: oms.ManualClock) -> Store:
        self.folder = TemporaryDirectory()
        return SqliteStore(Path(self.folder.name) / "shop.db", clock=clock)

    def open_again(self) -> Store:
        self.bare.close()  # type: ignore[attr-defined]
        return SqliteStore(Path(self.folder.name) / "shop.db", clock=self.clock)

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            if hasattr(self, "folder"):
                self.bare.close()  # type: ignore[attr-defined]
                self.folder.cleanup()


class PostgresOmsMachine(OmsMachine):
    """The same in PostgreSQL, each run a tenant of its own; whoever starts anew connects anew."""

    uri = ""
    tenants = count()

    def make_store(self, clock: oms.ManualClock) -> Store:
        self.tenant = f"machine-{next(self.tenants)}"
        return self.open_again()

    def open_again(self) -> Store:
        if hasattr(self, "bare"):
            self.bare.close()  # type: ignore[attr-defined]
        return PostgresStore(self.uri, clock=self.clock, tenant=self.tenant)

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            if hasattr(self, "bare"):
                self.bare.close()  # type: ignore[attr-defined]


def test_oms_in_postgres(postgres: str) -> None:
    machine = type("TestOmsInPostgres", (PostgresOmsMachine,), {"uri": postgres})
    run_state_machine_as_test(machine, settings=sequences(4, 15))


TestOms = OmsMachine.TestCase
TestOms.settings = sequences(60, 40)

TestOmsInOneFile = SqliteOmsMachine.TestCase
TestOmsInOneFile.settings = sequences(8, 25)
