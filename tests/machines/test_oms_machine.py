"""The whole service under random commands and failing ports: after each step the books, orders and money agree."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import omscore as oms
from omscore import inventory
from omscore import routing as r
from omscore.adapters import SqliteStore, TableCarrier
from omscore.app._outbox import ATTEMPTS_MAX
from omscore.orders import AddLine, Reduce, SetAddress, SetPrice, fold
from omscore.payments import fold as fold_payment
from omscore.ports import GatewayAbilities, Label, LabelRequest, PaymentAnswer, PaymentRequest, Store
from omscore.testing.walkthrough import MONDAY, draft

NODES = ("ghent", "lille")
ITEMS = ("A", "B")
ORDERS_MAX = 3
SPLIT = r.Policy(
    "split",
    (
        r.Route(
            "all", (r.Rule("one", require=(r.whole_order(),)), r.Rule("any", require=(r.has_stock(),), stops_max=2))
        ),
    ),
    otherwise=r.park("later"),
)


class World:
    """Every port of the service; `mood` says how the next call goes: well, never, twice over, or with rubbish."""

    name = "post"
    abilities = GatewayAbilities(multi_capture=True, partial_void=True, renews=True)

    def __init__(self) -> None:
        self.mood = "well"
        self.charged: dict[str, int] = {}
        self.carrier = TableCarrier.flat("post", cost_minor=495, currency="EUR")

    def _try(self) -> None:
        if self.mood == "never":
            raise TimeoutError("no answer")

    def notify(self, effect: Any) -> None:
        self._try()

    def post(self, posting: Any) -> None:
        self._try()
        assert sum(line.minor for line in posting.lines) == 0

    def tell(self, effect: Any) -> None:
        self._try()

    def draft(self, payload: Any) -> Any:
        raise AssertionError(payload)

    def rates(self, request: LabelRequest) -> Any:
        self._try()
        return self.carrier.rates(request)

    def label(self, request: LabelRequest) -> Label:
        self._try()
        return self.carrier.label(request)

    def _answer(self, request: PaymentRequest) -> Any:
        self._try()
        if self.mood == "rubbish":
            return None
        if self.mood == "declined" and request.id not in self.charged:
            return PaymentAnswer(False, text="declined")
        self.charged.setdefault(request.id, request.amount.minor)
        if self.mood == "twice":
            # The bank did it, and its answer was lost on the way.
            raise ConnectionResetError
        return PaymentAnswer(True, f"bank:{request.id}", MONDAY + timedelta(days=7))

    authorize = capture = void = refund = _answer


class OmsMachine(RuleBasedStateMachine):
    """Commands in any order, the ports in any mood."""

    def make_store(self, clock: oms.ManualClock) -> Store:
        return oms.MemoryStore(clock)

    @initialize()
    def open_shop(self) -> None:
        self.clock = oms.ManualClock(MONDAY)
        self.world = World()
        self.store = self.make_store(self.clock)
        self.shop = oms.Oms(
            store=self.store,
            network=oms.Network([oms.Node(node) for node in NODES]),
            routing=SPLIT,
            carriers=(self.world,),
            channels=(),
            notifier=self.world,
            gateway=self.world,
            erp=self.world,
        )
        self.commands = 0
        self.orders: list[str] = []
        self.last: Callable[[], object] | None = None
        self.drafts: list[oms.Draft] = []
        for node in NODES:
            self.shop.receive(node, dict.fromkeys(ITEMS, 4), key=f"first {node}")

    def do(self, command: Callable[[str], object]) -> None:
        """A command with a key of its own: it happens, or it is refused and nothing has happened."""
        self.commands += 1
        name = f"k-{self.commands}"
        try:
            command(name)
        except oms.InvariantBroken:
            raise
        except oms.OmsError:
            return
        self.last = lambda: command(name)

    def pick_one(self, found: list[Any], n: int) -> Any:
        return found[n % len(found)] if found else None

    def order(self, n: int) -> str:
        return self.orders[n % len(self.orders)]

    # -- what may happen ------------------------------------------------------------------------------------------

    @rule(node=st.sampled_from(NODES), item=st.sampled_from(ITEMS), n=st.integers(1, 4))
    def goods_come(self, node: str, item: str, n: int) -> None:
        self.do(lambda key: self.shop.receive(node, {item: n}, key=key))

    @precondition(lambda self: len(self.orders) < ORDERS_MAX)
    @rule(
        units=st.lists(st.tuples(st.sampled_from(ITEMS), st.integers(1, 3)), min_size=1, max_size=3),
        payment=st.sampled_from(["pending", "paid", "authorized", "terms"]),
    )
    def order_comes(self, units: list[tuple[str, int]], payment: str) -> None:
        lines = tuple(oms.DraftLine(str(i), item, n, oms.Money(333, "EUR")) for i, (item, n) in enumerate(units, 1))
        number = f"{len(self.drafts) + 1}"
        wish = draft(number, lines=lines, payment=payment, shipping=oms.Money(100, "EUR"))
        self.drafts.append(wish)
        self.do(lambda key: self.shop.capture("web", wish, key=key, id=f"ord-{number}"))
        self.orders.append(f"ord-{number}")

    @precondition(lambda self: self.orders)
    @rule(n=st.integers(0, 9))
    def order_comes_again(self, n: int) -> None:
        wish = self.drafts[n % len(self.drafts)]
        before = self.shop.order(self.order(n))
        self.do(lambda key: self.shop.capture("web", wish, key=key))
        assert self.shop.order(before.id) == before

    @rule()
    def orders_are_routed(self) -> None:
        self.shop.route()

    @precondition(lambda self: self.orders)
    @rule(n=st.integers(0, 9), far=st.integers(0, 4))
    def an_order_goes_on(self, n: int, far: int) -> None:
        """As most orders do: paid, routed, shipped and delivered, or only some of that."""
        order_id = self.order(n)
        for step in range(far + 1):
            if step in (0, 3):
                self.shop.deliver()
            elif step == 1:
                self.shop.route()
            elif step == 2:
                for fulfillment in self.shop.fulfillments(order_id):
                    self.do(lambda key, id_=fulfillment.id: self.shop.ship(id_, key=key))  # type: ignore[misc]
            else:
                for fulfillment in self.shop.fulfillments(order_id):
                    if fulfillment.shipment:
                        self.do(lambda key, id_=fulfillment.shipment: self.shop.track(id_, "delivered", key=key))  # type: ignore[misc]

    @precondition(lambda self: self.orders)
    @rule(n=st.integers(0, 9), which=st.integers(0, 3), verb=st.sampled_from(["pick", "pack", "ship", "ship", "short"]))
    def work_is_done(self, n: int, which: int, verb: str) -> None:
        fulfillment = self.pick_one(self.shop.fulfillments(self.order(n)), which)
        if fulfillment is None:
            return
        if verb == "short":
            if fulfillment.lines:
                short = {fulfillment.lines[0].line: 1}
                self.do(lambda key: self.shop.short_pick(fulfillment.id, short, key=key))
        else:
            self.do(lambda key: getattr(self.shop, verb)(fulfillment.id, key=key))

    @precondition(lambda self: self.orders)
    @rule(
        n=st.integers(0, 9),
        which=st.integers(0, 3),
        status=st.sampled_from(["in_transit", "delivered", "exception", "lost", "returned_to_sender"]),
    )
    def a_carrier_tells(self, n: int, which: int, status: str) -> None:
        shipped = [f.shipment for f in self.shop.fulfillments(self.order(n)) if f.shipment]
        shipment = self.pick_one(shipped, which)
        if shipment is not None:
            self.do(lambda key: self.shop.track(shipment, status, key=key))

    @precondition(lambda self: self.orders)
    @rule(n=st.integers(0, 9), whole=st.booleans(), refund=st.sampled_from([None, True, False]), restock=st.booleans())
    def units_are_cancelled(self, n: int, whole: bool, refund: bool | None, restock: bool) -> None:
        units = None if whole else {"1": 1}
        self.do(lambda key: self.shop.cancel(self.order(n), units, refund=refund, restock=restock, key=key))

    @precondition(lambda self: self.orders)
    @rule(n=st.integers(0, 9), what=st.sampled_from(["fewer", "more", "price", "address"]))
    def an_order_is_edited(self, n: int, what: str) -> None:
        order = self.shop.order(self.order(n))
        price = oms.Money(250, "EUR")
        change: Any = {
            "fewer": Reduce("1", 1),
            "more": AddLine(oms.DraftLine(str(len(order.lines) + 1), "A", 2, price)),
            "price": SetPrice("1", price),
            "address": SetAddress(oms.Address("NL", "1011")),
        }[what]
        self.do(lambda key: self.shop.edit(order.id, [change], key=key))

    @precondition(lambda self: self.orders)
    @rule(n=st.integers(0, 9), units=st.integers(1, 2), disposition=st.sampled_from(["restock", "scrap", "quarantine"]))
    def goods_go_back(self, n: int, units: int, disposition: str) -> None:
        order_id = self.order(n)
        self.do(lambda key: self.shop.open_return(order_id, {"1": units}, key=key))
        self.do(lambda key: self.shop.receive_return(f"{order_id}-r1", {"1": 1}, disposition=disposition, key=key))

    @precondition(lambda self: self.orders)
    @rule(n=st.integers(0, 9), what=st.sampled_from(["exchange", "withdraw", "reship", "lost", "inspect"]))
    def things_go_wrong_on_the_way(self, n: int, what: str) -> None:
        order = self.shop.order(self.order(n))
        back, shipment = f"{order.id}-r1", f"{order.id}-f1-s1"
        line = oms.DraftLine(f"{len(order.lines) + 1}", "B", 1, oms.Money(300, "EUR"))
        commands: dict[str, Callable[[str], object]] = {
            "exchange": lambda key: self.shop.exchange(back, line, key=key),
            "withdraw": lambda key: self.shop.withdraw_return(back, key=key),
            "inspect": lambda key: self.shop.inspect_return(back, {"1": 1}, disposition="scrap", key=key),
            "reship": lambda key: self.shop.give_up(shipment, reship=True, key=key),
            "lost": lambda key: self.shop.give_up(shipment, reship=False, refund=True, key=key),
        }
        self.do(commands[what])

    @precondition(lambda self: self.orders)
    @rule(n=st.integers(0, 9), minor=st.sampled_from([None, 1, 333, 700, 1100]))
    def money_goes_back(self, n: int, minor: int | None) -> None:
        amount = None if minor is None else oms.Money(minor, "EUR")
        self.do(lambda key: self.shop.refund(self.order(n), amount, key=key))

    @precondition(lambda self: self.orders)
    @rule(n=st.integers(0, 9), verb=st.sampled_from(["hold", "release", "reopen", "authorize"]))
    def somebody_decides(self, n: int, verb: str) -> None:
        order_id = self.order(n)
        commands: dict[str, Callable[[str], object]] = {
            "hold": lambda key: self.shop.hold(order_id, oms.Hold("review", "desk"), key=key),
            "release": lambda key: self.shop.release(order_id, "review", key=key),
            "reopen": lambda key: self.shop.reopen(order_id, key=key),
            "authorize": lambda key: self.shop.authorize(order_id, key=key),
        }
        self.do(commands[verb])

    @rule(mood=st.sampled_from(["well", "well", "never", "twice", "rubbish", "declined"]))
    def effects_go_out(self, mood: str) -> None:
        self.world.mood = mood
        self.shop.deliver()
        self.world.mood = "well"

    @rule(minutes=st.sampled_from([1, 31, 60 * 24 * 3]))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)
        self.shop.tick()

    @precondition(lambda self: self.last is not None)
    @rule()
    def the_last_command_is_sent_again(self) -> None:
        before = self.snapshot()
        assert self.last is not None
        self.last()
        assert self.snapshot() == before

    # -- what always holds ----------------------------------------------------------------------------------------

    def snapshot(self) -> list[Any]:
        orders = [self.shop.order(id_) for id_ in self.orders]
        payments = [self.shop.payment(id_) for id_ in self.orders]
        return [orders, payments, [self.shop.available(item) for item in ITEMS]]

    @invariant()
    def the_ledger_is_sound(self) -> None:
        self.store.run(inventory.verify, write=False).require()

    @invariant()
    def units_are_somewhere_once_and_held_as_the_orders_say(self) -> None:
        for id_ in self.orders:
            order = self.shop.order(id_)
            for line in order.lines:
                assert order.units[line.id].ordered == line.units
            assert fold(logged.event for logged in self.shop.history(id_)) == order
            held = self.store.run(lambda txn: txn.reservation(id_), write=False)  # noqa: B023 - runs now
            for bucket in ("reserved", "allocated", "picked", "packed"):
                for item in ITEMS:
                    mine = sum(getattr(order.units[line.id], bucket) for line in order.lines if line.item == item)
                    assert mine == (held.units(bucket, item) if held else 0), (id_, bucket, item)

    @invariant()
    def fulfillments_hold_what_their_orders_say(self) -> None:
        for id_ in self.orders:
            order = self.shop.order(id_)
            at_nodes: dict[str, list[int]] = {line.id: [0, 0, 0] for line in order.lines}
            for fulfillment in self.shop.fulfillments(id_):
                for row in fulfillment.lines:
                    if fulfillment.state in ("planned", "open", "picking"):
                        at_nodes[row.line][0] += row.units - row.picked
                        at_nodes[row.line][1] += row.picked
                    elif fulfillment.state == "packed":
                        at_nodes[row.line][2] += row.units
            for line, (allocated, picked, packed) in at_nodes.items():
                units = order.units[line]
                assert (allocated, picked, packed) == (units.allocated, units.picked, units.packed), (id_, line)

    @invariant()
    def money_is_bounded_by_what_was_promised_and_taken(self) -> None:
        for id_ in self.orders:
            payment = self.shop.payment(id_)
            taken = payment.total("capture", "asked", "done").minor
            assert taken <= payment.total("authorize").minor
            assert payment.refunded <= payment.captured
            assert fold_payment(payment.rows).status == payment.status or not payment.rows
            for row in payment.transactions:
                if row.outcome == "done" and row.reference.startswith("bank:"):
                    assert self.world.charged[row.id] == row.amount.minor

    def teardown(self) -> None:
        """When the ports are well again, everything that waits goes out or stands in the open."""
        if not hasattr(self, "shop"):
            return
        self.world.mood = "well"
        for _ in range(ATTEMPTS_MAX):
            self.clock.advance(minutes=31)
            self.shop.deliver()
        waiting = self.store.run(lambda txn: txn.outbox("waiting"), write=False)
        assert not waiting


class SqliteOmsMachine(OmsMachine):
    """The same in one SQLite file."""

    def make_store(self, clock: oms.ManualClock) -> Store:
        self.folder = TemporaryDirectory()
        return SqliteStore(Path(self.folder.name) / "shop.db", clock=clock)

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "folder"):
            self.store.close()  # type: ignore[attr-defined]
            self.folder.cleanup()


TestOms = OmsMachine.TestCase
TestOms.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)

TestOmsInOneFile = SqliteOmsMachine.TestCase
TestOmsInOneFile.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
